"""Random histories that run on the engine's twin and on the compiled engine side by side.

    python tests/random_engine_actions.py --actions 20000 --seed 1

A history is a setup (markets with drawn rules) and actions drawn from a handful of ticks, sizes
and accounts, so that equal prices, self-trades and chains of liquidations are the rule. After every
action the answer, the new events row by row, totals and state hash must agree. The first difference
ends the run and prints the history, shortened to the actions that are needed to show it.
"""

import random
import sys
from dataclasses import dataclass, field

from engine_kit import (
    BUY,
    CANCEL,
    CANCEL_ALL,
    EVENT_FIELDS,
    ICEBERG,
    IOC,
    LIMIT,
    LONG_LEG,
    MARKET,
    MODIFY,
    POST_ONLY,
    REDUCE_ONLY,
    SELL,
    SHORT_LEG,
    SLIDE,
    STOP,
    STOP_LIMIT,
    STOP_ON_MARK,
    Kit,
)
from random_histories import difference_of, run
from random_rules import NAMES, PRICES, SIZES, Setup, draw_calls, draw_resident, draw_setup

LONGEST = 120  # actions of one history


@dataclass
class Actor:
    """An engine and what a history needs to act on it."""

    kit: Kit
    setup: Setup
    markets: list = field(default_factory=list)

    def __post_init__(self) -> None:
        kit = self.kit
        self.engine = kit.engine(execution=self.setup.execution)
        for name, rules, follows in zip(NAMES, self.setup.rules, self.setup.follows, strict=True):
            keywords = {"follows": follows} if follows else {}
            if name == "curve":
                keywords["venue"] = self.curve()
            if name == "inverse":
                keywords.update(contract="inverse", multiplier=10_000)
            self.markets.append(kit.market(self.engine, name, rules=rules, **keywords))
        self.seen = 0

    def curve(self):
        if self.setup.pool is None:
            return self.kit.linear(*self.setup.curve)
        kind, terms = self.setup.pool
        return getattr(self.kit.pools, kind)(**terms)

    def liquidity(self, percent) -> tuple:
        if self.setup.pool is None:
            return ()
        pool = self.markets[2].pool
        shares = pool.shares * abs(percent) // 100
        return (pool.add_liquidity if percent > 0 else pool.remove_liquidity)(shares)

    def act(self, name: str, arguments: tuple) -> tuple:
        """Do one action; what the caller is told, in plain numbers."""
        try:
            return getattr(self, name)(*arguments) or ()
        except (ValueError, OverflowError) as error:
            return (type(error).__name__,)

    def create(self, count, balance, hedge) -> None:
        self.engine.accounts.create(count, balance=balance, hedge=hedge)

    def open(self, market, account, side, size, entry, leverage, mode) -> None:
        self.engine.accounts.open(
            self.markets[market],
            side=side,
            size=size,
            entry=entry,
            leverage=leverage,
            mode=mode,
            account=account,
        )

    def open_ladder(self, market, side, size, trigger, bankruptcy) -> None:
        self.engine.accounts.open_ladder(
            self.markets[market],
            side=side,
            size=size,
            trigger=trigger,
            bankruptcy=bankruptcy,
        )

    def deposit(self, account, amount) -> None:
        self.engine.accounts.deposit(account, amount)

    def withdraw(self, account, amount) -> None:
        self.engine.accounts.withdraw(account, amount)

    def set_leverage(self, account, market, leverage, mode) -> None:
        self.engine.accounts.set_leverage(account, self.markets[market], leverage, mode)

    def transfer(self, account, market, amount, leg) -> None:
        self.engine.accounts.transfer(account, self.markets[market], amount, leg=leg)

    def fund_deposit(self, amount) -> None:
        self.engine.fund_deposit(amount)

    def fund(self, market, rate) -> None:
        self.engine.fund(self.markets[market], rate)

    def set_funding(self, market, rate) -> None:
        self.engine.set_funding(self.markets[market], rate)

    def budget(self, accounts, notional, time) -> None:
        self.engine.budget(accounts=accounts, notional=notional, time_per_liquidation=time)

    def set_index(self, market, price) -> None:
        self.markets[market].set_index(price)

    def load_depth(self, market, bids, asks) -> None:
        self.markets[market].book.load_depth(list(bids), list(asks))

    def message(self, market, fields) -> None:
        self.markets[market].book.apply(self.kit.messages([dict(fields)]))

    def open_auction(self, market) -> None:
        self.markets[market].book.open_auction()

    def halt(self, market, seconds) -> None:
        if self.setup.rules[market].get("breaker"):
            self.markets[market].halt(seconds)

    def resume(self, market) -> None:
        if self.setup.rules[market].get("breaker"):
            self.markets[market].resume()

    def set_close(self, market, price) -> None:
        if self.setup.rules[market].get("breaker"):
            self.markets[market].set_close(price)

    def uncross(self, market) -> tuple:
        book = self.markets[market].book
        return (book.indicative(), book.uncross())

    def step(self, index, orders, dt) -> tuple:
        result = self.engine.step(
            index={
                NAMES[market]: price for market, price in index if not self.setup.follows[market]
            },
            orders=[
                (NAMES[market], self.kit.messages([dict(fields)])) for market, fields in orders
            ],
            dt=dt,
        )
        away = tuple((d.ticks, d.index_ticks, d.time_ns) for d in result.dislocation.values())
        counts = (
            *("liquidated", "time_ns", "notional_atoms", "waves", "pending", "fills"),
            *(
                "bad_debt_atoms",
                "fund_received_atoms",
                "fund_paid_atoms",
                "adl_lots",
                "adl_accounts",
            ),
        )
        return (*(int(getattr(result, name)) for name in counts), away)

    def populate(self, kind, terms) -> tuple:
        made = getattr(self.kit.residents, kind)(**dict(terms))
        return (self.engine.residents.add(made),)

    def news(self) -> list[tuple]:
        """Events since the last call."""
        array = self.engine.events
        found = [tuple(int(row[name]) for name in EVENT_FIELDS) for row in array[self.seen :]]
        self.seen = len(array)
        return found


def draw_message(draw: random.Random, hedged: list[bool], market: int) -> tuple:
    kind = draw.choices(
        (LIMIT, MARKET, STOP, STOP_LIMIT, CANCEL, MODIFY, CANCEL_ALL, 9),
        (50, 22, 8, 6, 6, 8, 2, 1),
    )[0]
    size = draw.choice(SIZES)
    time_in_force = draw.choice((0, 0, 0, 0, 1, 2)) if market != 2 else IOC
    if market == 2 and draw.random() < 0.8:
        kind = draw.choice((LIMIT, MARKET, MARKET))
    flags = draw.choices((0, REDUCE_ONLY, POST_ONLY, SLIDE, ICEBERG), (70, 16, 4, 4, 6))[0]
    if draw.random() < 0.95:
        if kind in (STOP, STOP_LIMIT) or flags & (POST_ONLY | SLIDE | ICEBERG):
            time_in_force = 0
        if kind not in (LIMIT, STOP, STOP_LIMIT):
            flags &= REDUCE_ONLY
    if kind in (STOP, STOP_LIMIT) and draw.random() < 0.5:
        flags |= STOP_ON_MARK
    account = draw.choice((0, 1, 2, -1))
    if draw.random() < 0.25:
        account = draw.randrange(-1, len(hedged) + 1)
    if account == -1 and draw.random() < 0.3:
        kind, size = MARKET, draw.choice((10, 25, 60))
    if (0 <= account < len(hedged) and hedged[account]) != (draw.random() < 0.03):
        flags |= draw.choice((LONG_LEG, SHORT_LEG))
    return (
        ("kind", kind),
        ("side", draw.choice((BUY, SELL))),
        ("time_in_force", time_in_force | draw.choice((0, 0, 1, 2, 3, 4)) << 4),
        ("flags", flags),
        ("account", account),
        ("price", draw.choice(PRICES)),
        ("extra", draw.randrange(1, size + 1) if flags & ICEBERG else draw.choice(PRICES)),
        ("size", size),
        ("order", draw.randrange(1, 60)),
    )


def draw_action(draw: random.Random, hedged: list[bool]) -> tuple[str, tuple]:
    """One action; account ids are drawn from those there may be, `hedged` or not."""
    accounts = len(hedged)
    name = draw.choices(
        (
            "message", "step", "open", "open_ladder", "create", "deposit", "withdraw",
            "set_leverage", "transfer", "fund_deposit", "fund", "set_funding", "budget", "set_index", "load_depth",
            "open_auction", "uncross", "populate", "halt", "resume", "set_close",
            "liquidity",
        ),
        (46, 22, 9, 3, 2, 3, 3, 4, 3, 1, 2, 1, 1, 3, 4, 1, 2, 1, 1, 1, 0.5, 1),
    )[0]  # fmt: skip
    if name == "populate":
        return name, draw_resident(draw)
    market = draw.randrange(4)
    account = draw.randrange(max(accounts, 1))
    price = draw.choice(PRICES)
    mode = draw.choice(("cross", "cross", "isolated"))
    side = draw.choice(("long", "short"))
    size = draw.choice(SIZES)
    if name == "message":
        return name, (market, draw_message(draw, hedged, market))
    if name == "step":
        named = draw.sample(range(4), draw.choice((0, 1, 1, 2, 4)))
        index = tuple((k, draw.choice(PRICES)) for k in named)
        sent = draw.sample(range(4), draw.choice((0, 0, 1, 2)))
        orders = tuple((k, draw_message(draw, hedged, k)) for k in sent)
        return name, (index, orders, draw.choice((0.5, 1.0, 2.5)))
    if name == "open":
        who = account if accounts and draw.random() < 0.6 else None
        return name, (market, who, side, size, price, draw.choice((3, 5, 10, 20)), mode)
    if name == "open_ladder":
        other = draw.choice(PRICES)
        trigger, bankruptcy = max(price, other), min(price, other)
        if side == "short":
            trigger, bankruptcy = bankruptcy, trigger
        return name, (market, side, size, trigger, bankruptcy)
    if name == "load_depth":
        middle = draw.choice(PRICES)
        bids = tuple((middle - 1 - k, draw.choice(SIZES)) for k in range(draw.randrange(4)))
        asks = tuple((middle + 1 + k, draw.choice(SIZES)) for k in range(draw.randrange(4)))
        return name, (market if market != 2 else 0, bids, asks)
    arguments = {
        "create": (draw.choice((1, 2)), draw.choice((0, 50, 400, 4000)), draw.random() < 0.3),
        "deposit": (account, draw.choice((1, 20, 300))),
        "withdraw": (account, draw.choice((1, 20, 300))),
        "set_leverage": (account, market, draw.choice((1, 5, 10, 25)), mode),
        "transfer": (
            account,
            market,
            draw.choice((-30, -5, 5, 30)),
            draw.choice((None, None, "long", "short")),
        ),
        "fund_deposit": (draw.choice((10, 100)),),
        "fund": (market, draw.choice((0.001, 0.01, -0.01))),
        "set_funding": (market, draw.choice((None, None, "0.01", "-0.003"))),
        "budget": draw.choice(
            ((None, None, None), (1, None, None), (None, 300, None), (None, None, 0.75))
        ),
        "set_index": (market, price),
        "open_auction": (market,),
        "uncross": (market,),
        "halt": (market, draw.choice((1, 3, None))),
        "resume": (market,),
        "set_close": (market, price),
        "liquidity": (draw.choice((-60, -10, 10, 100)),),
    }
    return name, arguments[name]


def new_accounts(name: str, arguments: tuple) -> list[bool]:
    """Is each account that an action makes a hedge account?"""
    if name == "create":
        return [arguments[2]] * arguments[0]
    made = name == "open_ladder" or (name == "open" and arguments[1] is None)
    made = made or (name == "populate" and arguments[1]["deposit"] is not None)
    return [False] if made else []


def compare(twin: Actor, other: Actor, name: str, arguments: tuple) -> str:
    """Do one action on both; a description of the difference, empty if there is none."""
    said, heard = twin.act(name, arguments), other.act(name, arguments)
    expected, found = twin.news(), other.news()
    lines = []
    if said != heard:
        lines.append(f"answer: twin {said}, core {heard}")
    lines += first_event_apart(expected, found)
    if not lines and twin.engine.state_hash() != other.engine.state_hash():
        lines.append(f"state hash differs; twin {twin_state(twin.engine)}")
    if not lines and twin.engine.totals() != other.engine.totals():
        lines.append(f"totals: twin {twin.engine.totals()}, core {other.engine.totals()}")
    twin.engine.validate()
    other.engine.validate()
    return "\n".join(lines)


def first_event_apart(expected: list[tuple], found: list[tuple]) -> list[str]:
    """Lines about the first event that twin and core do not share, none if they share all."""
    for k in range(max(len(expected), len(found))):
        one = expected[k] if k < len(expected) else None
        two = found[k] if k < len(found) else None
        if one != two:
            where = f"event {k} of {len(expected)} and {len(found)}:"
            return [where, f"  twin {describe(one)}", f"  core {describe(two)}"]
    return []


def describe(event: tuple | None) -> str:
    if event is None:
        return "none"
    return " ".join(f"{n}={v}" for n, v in zip(EVENT_FIELDS, event, strict=True))


def twin_state(engine) -> str:
    """The rows that the hash is made of, readable."""
    parts = [f"clock {engine.clock} carried {engine.carried}"]
    parts += [f"{name} {asset}" for name, asset in engine.clearing.assets.items()]
    for m in engine.clearing.markets:
        house = (m.house_position.size, m.house_position.entry)
        parts.append(f"{m.name} mark {m.mark} index {m.index} {m.outside} house {house}")
    parts += [f"account {k} {account}" for k, account in enumerate(engine.clearing.accounts)]
    parts += [str(position) for position in engine.clearing.positions]
    parts.append(f"due {engine.queue.rows()}")
    return "\n  ".join(parts)


def draw_history(seed: int) -> tuple[Setup, list]:
    """A setup and its actions, the same for the same seed."""
    draw = random.Random(seed)
    # cross units with a position in most markets, under partial rules
    crossed = draw.random() < 0.35
    setup = draw_setup(draw, crossed)
    actions: list = [
        ("create", (2, draw.choice((100, 300) if crossed else (300, 3000, 9000)), False)),
        ("create", (1, draw.choice((100, 500) if crossed else (500, 5000)), True)),
    ]
    hedged = [False, False, True]
    for k in (0, 1, 3):
        levels = draw.choice((4, 8, 30))
        bids = tuple((99 - n, draw.choice(SIZES)) for n in range(draw.randrange(levels)))
        asks = tuple((101 + n, draw.choice(SIZES)) for n in range(draw.randrange(levels)))
        actions.append(("load_depth", (k, bids, asks)))
    actions += [("set_index", (k, draw.choice((99, 100, 101)))) for k in range(4)]
    side = draw.choice(("long", "short"))
    for account in range(3):
        for k in range(4):
            mode = "cross" if crossed else draw.choice(("cross", "isolated"))
            actions.append(("set_leverage", (account, k, draw.choice((5, 10, 25)), mode)))
            if crossed and draw.random() < 0.8:
                held = draw.choice((side, side, "long", "short"))
                size, entry = draw.choice((3, 5, 8, 20)), draw.choice((98, 100, 102))
                actions.append(("open", (k, account, held, size, entry, 25, "cross")))
    for _ in range(draw.randrange(16)):
        entry = draw.choice((99, 100, 101))
        leverage = draw.choice((10, 25, 40, 50))
        mode = draw.choice(("cross", "isolated"))
        market = draw.choice((0, 0, 1, 2, 3))
        held = draw.choice((side, side, "long", "short"))
        actions.append(("open", (market, None, held, draw.choice(SIZES), entry, leverage, mode)))
        hedged.append(False)
    for _ in range(draw.choice((0, 0, 0, 1, 3))):
        actions.append(("populate", draw_resident(draw)))
        hedged += new_accounts(*actions[-1])
    if crossed:
        # of cross units with positions in markets that call and in others
        for market in draw.sample(NAMES, draw.choice((0, 1, 2, 3))):
            actions.append(("populate", draw_calls(draw, market)))
            hedged += new_accounts(*actions[-1])
    while len(actions) < LONGEST:
        actions.append(draw_action(draw, hedged))
        hedged += new_accounts(*actions[-1])
    return setup, actions


first_difference = difference_of(Actor, compare)

if __name__ == "__main__":
    sys.exit(run(__doc__, draw_history, first_difference, "actions", 2000))
