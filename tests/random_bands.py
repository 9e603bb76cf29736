"""Random histories of soft liquidation on the engine's twin and on the compiled engine side by side.

    python tests/random_bands.py --histories 500 --seed 1

A history is a venue, an oracle, terms of bands, liquidators, and actions; now and then the compiled engine
goes on as its own copy. After every action the answer, the new events row by row, the columns of all loans,
the bands, totals and hashes must agree, and both must be sound. The first difference ends the run.
"""

import random
import sys
from dataclasses import dataclass

from engine_kit import BUY, EVENT_FIELDS, SELL, TWIN, Kit
from random_engine_actions import first_event_apart
from random_histories import difference_of, run

PRICE = 2000


@dataclass(frozen=True)
class Setup:
    """Everything that is stated before the first action."""

    execution: str
    feed: str
    venue: tuple
    sold: str | None
    decimals: int
    rules: tuple
    rate: str
    oracle: tuple
    liquidators: tuple
    compete: str


class Actor:
    """An engine with bands and what a history does with it."""

    def __init__(self, kit: Kit, setup: Setup) -> None:
        self.kit, self.setup = kit, setup
        self.engine = kit.engine(asset_decimals=setup.decimals, execution=setup.execution)
        kind, terms = setup.venue
        venue = {}
        if kind == "curve":
            venue = {"venue": kit.linear(*terms)}
        elif kind != "book":
            venue = {"venue": getattr(kit.pools, kind)(**dict(terms))}
        rules = {"feed": setup.feed, "tiers": ((0, "0.02"),)}
        rules |= {"average_time": 60} if setup.feed == "ema" else {}
        self.market = kit.market(self.engine, "ETH", rules=rules, **venue)
        if kind == "book":
            self.market.book.load_depth(*(list(side) for side in terms))
        self.market.set_index(PRICE)
        self.bands = self.engine.lending.add_bands(
            "bands",
            price="ETH",
            venue=setup.sold,
            rules=kit.lending.BandRules(*setup.rules),
            rate=setup.rate,
            oracle=kit.lending.Oracle(**dict(setup.oracle)),
        )
        for terms in setup.liquidators:
            self.engine.liquidators.add(kit.lending.Liquidator(**dict(terms)))
        self.engine.liquidators.compete = setup.compete
        self.seen = 0

    def act(self, name: str, arguments: tuple) -> tuple:
        """Do one action; what the caller is told, in plain numbers."""
        try:
            return getattr(self, name)(*arguments) or ()
        except (ValueError, OverflowError) as error:
            return (type(error).__name__,)

    def open(self, collateral, debt, bands) -> tuple:
        made = self.bands.open(collateral=list(collateral), debt=list(debt), bands=list(bands))
        return tuple(int(x) for x in made)

    def change(self, what, loan, amount) -> None:
        getattr(self.bands, what)(loan, amount)

    def max_debt(self, amount, bands) -> tuple:
        return (self.bands.max_debt(amount, bands),)

    def pause(self, paused, grace) -> None:
        self.bands.collateral.pause(paused, grace=grace)

    def freeze(self, frozen) -> None:
        self.bands.collateral.freeze(frozen)

    def fail(self, failure) -> None:
        self.bands.collateral.fail_oracle(failure)

    def trade(self, side, size) -> None:
        self.kit.trade(self.engine, self.market, side, size)

    def perpetual(self, side, size, leverage) -> None:
        terms = {"side": side, "size": size, "entry": PRICE, "leverage": leverage}
        self.engine.accounts.open(self.market, mode="isolated", account=None, **terms)

    def budget(self, accounts, seconds) -> None:
        self.engine.budget(accounts=accounts, time_per_liquidation=seconds)

    def copy(self) -> None:
        if self.kit is not TWIN:
            self.goes_on(self.engine.copy())

    def goes_on(self, engine) -> None:
        """With another engine of the same state."""
        self.engine = engine
        self.market = engine.market("ETH")
        self.bands = engine.lending.bands["bands"]

    def step(self, index, dt) -> tuple:
        result = self.engine.step(index={"ETH": index}, dt=dt)
        numbers = (result.liquidated, result.notional_atoms, result.pending, result.bad_debt_atoms)
        return tuple(int(n) for n in (*numbers, result.waves))

    def news(self) -> list[tuple]:
        array = self.engine.events
        found = [tuple(int(row[name]) for name in EVENT_FIELDS) for row in array[self.seen :]]
        self.seen = len(array)
        return found

    def seen_of(self) -> dict:
        count = len(self.setup.liquidators)
        return {
            "loans": {k: v.tolist() for k, v in self.bands.columns().items()},
            "totals": self.engine.totals(),
            "liquidators": [self.engine.liquidators.result(k) for k in range(count)],
            "hash": self.engine.state_hash(),
        }


def compare(twin: Actor, other: Actor, name: str, arguments: tuple) -> str:
    """Do one action on both; a description of the difference, empty if there is none."""
    said, heard = twin.act(name, arguments), other.act(name, arguments)
    lines = [] if said == heard else [f"answer: twin {said}, core {heard}"]
    lines += first_event_apart(twin.news(), other.news())
    expected, found = twin.seen_of(), other.seen_of()
    lines += [f"{k}: twin {v}\n{k}: core {found[k]}" for k, v in expected.items() if v != found[k]]
    twin.engine.validate()
    other.engine.validate()
    return "\n".join(lines)


# --- what is drawn -----------------------------------------------------------------------------


def draw_venue(draw: random.Random) -> tuple:
    kind = draw.choice(("curve", "book", "ConstantProduct", "Concentrated"))
    if kind == "curve":
        return kind, (draw.choice((1, 3)), draw.choice((1, 5, 20)))
    if kind == "book":
        bids = tuple((PRICE - 10 * k, draw.randrange(1, 60)) for k in range(1, 150))
        asks = tuple((PRICE + 10 * k, draw.randrange(1, 60)) for k in range(1, 150))
        return kind, (bids, asks)
    base = draw.choice((500, 3000, 20_000))
    if kind == "ConstantProduct":
        terms = {"base": base, "quote": base * PRICE}
    else:
        terms = {"price": PRICE, "ranges": ((PRICE // 3, PRICE * 3, 40 * base),)}
    return kind, (*terms.items(), ("fee", draw.choice((0, "0.003"))))


def draw_liquidator(draw: random.Random) -> tuple:
    return (
        ("capital", draw.choice((None, None, 30_000))),
        ("gas", draw.choice((0, 0, 5, 100))),
        ("min_profit", draw.choice((0, 3))),
        ("latency", draw.choice((0, 0, 3))),
        ("calls", draw.choice(("chained", "single"))),
        ("halvings", draw.choice((0, 3, 6))),
    )


def draw_setup(draw: random.Random) -> Setup:
    oracles = (
        (), (), (("delay", 2),), (("deviation", "0.005"), ("heartbeat", 30)), (("max_step", "0.01"),),
    )  # fmt: skip
    venue = draw_venue(draw)
    return Setup(
        draw.choice(("sequential", "sequential", "batch")),
        draw.choice(("last", "last", "index", "ema")),
        venue,
        draw.choice(("price", "price", "price", None)),
        # the twin states pools in whole atoms
        draw.choice((0, 2, 4)) if venue[0] in ("curve", "book") else 0,
        (draw.choice((20, 50, 100, 300)), draw.choice((0, "0.003", "0.006", "0.02")),
         draw.choice(("0.09", "0.05", "0.2")), draw.choice(("0.02", "0.04", 0))),
        draw.choice((0, 0, "0.1", "3")),
        draw.choice(oracles),
        tuple(draw_liquidator(draw) for _ in range(draw.choice((0, 0, 1, 2, 3)))),
        draw.choice(("order", "order", "bids")),
    )  # fmt: skip


def draw_open(draw: random.Random, price: int) -> tuple:
    rows = []
    for _ in range(draw.randrange(1, 5)):
        lots = draw.choice((1, 3, 20, 100, 400))
        bands = draw.choice((4, 5, 10, 10, 20, 50))
        owed = max(1, int(lots * price * draw.uniform(0.4, 0.9 - bands / 150)))
        rows.append((lots, owed, bands))
    return tuple(zip(*rows, strict=True))


def draw_action(draw: random.Random, price: list, loans: int) -> tuple:
    names = (
        "step",
        "open",
        "change",
        "max_debt",
        "pause",
        "freeze",
        "trade",
        "perpetual",
        "budget",
    )
    name = draw.choices((*names, "copy", "fail"), (50, 10, 14, 2, 2, 1, 8, 4, 3, 3, 2))[0]
    if name == "step":
        wild = draw.choice((0.002, 0.02, 0.02, 0.08, 0.3))
        price[0] = min(max(300, round(price[0] * (1 + draw.uniform(-1.1, 1) * wild))), 6000)
        return name, (price[0], draw.choice((0, 1, 5, 60, 3600, 86400 * 20)))
    if name == "open":
        return name, draw_open(draw, price[0])
    if name == "change":
        what = draw.choice(("repay", "repay", "add_collateral", "remove_collateral", "borrow"))
        amount = draw.choice((1, 10, 70)) * (1 if "collateral" in what else 700)
        return name, (what, draw.randrange(loans + 1), amount)
    choices = {
        "max_debt": (draw.choice((1, 50)), draw.choice((4, 10, 50))),
        "pause": (draw.random() < 0.5, draw.choice((0, 4))),
        "freeze": (draw.random() < 0.5,),
        "trade": (draw.choice((BUY, SELL)), draw.choice((1, 20, 200))),
        "perpetual": (draw.choice(("long", "short")), draw.randrange(1, 80), draw.choice((5, 20))),
        "budget": (draw.choice((None, 1, 2)), draw.choice((None, None, 4))),
        "copy": (),
        "fail": (draw.choice((None, None, "stale", "zero", "reverts")),),
    }
    return name, choices[name]


def draw_history(seed: int, length: int = 28) -> tuple[Setup, list]:
    """A setup and its actions, the same for the same seed."""
    draw = random.Random(seed)
    setup, price = draw_setup(draw), [PRICE]
    actions = [("open", draw_open(draw, PRICE)) for _ in range(3)]
    while len(actions) < length:
        actions.append(draw_action(draw, price, 8))
    return setup, actions


first_difference = difference_of(Actor, compare)

if __name__ == "__main__":
    sys.exit(run(__doc__, draw_history, first_difference, "histories", 200))
