"""Random histories of lending markets that run on the engine's twin and on the compiled engine side by side.

    python tests/random_lending.py --histories 2000 --seed 1

A history is a setup (venues, lending markets, liquidators) and actions. After every action the answer,
the new events row by row, the rows of all reserves, healths, liquidators and totals must agree, and each
reserve must have what it owes. The first difference ends the run and prints the history, shortened to the
actions that are needed to show it.
"""

import random
import sys
from dataclasses import dataclass, field
from decimal import Decimal

from engine_kit import BUY, EVENT_FIELDS, SELL, Kit
from random_engine_actions import first_event_apart
from random_histories import difference_of, run

PRICES = {"ETH": 200, "ETH 2": 200, "ETH 3": 200, "BTC": 3000}
FIRST = {"ETH 2": "ETH", "ETH 3": "ETH"}  # further venues of an asset
RESERVES = ("ETH", "BTC", "USD")
DEPTH = {"ETH": 40, "ETH 2": 40, "ETH 3": 25, "BTC": 4}  # lots a level, or lots a tick
VENUES = {
    "ETH": (
        "price", None, ("price", "ETH 2"), ("ETH 3", "price"), ("ETH 2", "ETH 3"),
        ("ETH 3", "ETH 2", "price"),
    ),
    "BTC": ("price", "price", None),
}  # fmt: skip

ROUTES = (("ETH", "ETH 2", "ETH 3"), ("ETH 2", "ETH"), ("ETH 3", "ETH 2"), ("ETH 3",))


@dataclass(frozen=True)
class Setup:
    """Markets, lending markets and liquidators of one history, as plain terms."""

    execution: str
    venues: dict
    margin: str
    lendings: tuple[dict, ...]
    liquidators: tuple[dict, ...]
    compete: str = "order"
    median: bool = False  # ETH is believed at the median of its venues


@dataclass
class Actor:
    """An engine and what a history needs to act on it."""

    kit: Kit
    setup: Setup
    markets: dict = field(default_factory=dict)
    lendings: list = field(default_factory=list)

    def __post_init__(self) -> None:
        kit, setup = self.kit, self.setup
        self.engine = kit.engine(execution=setup.execution)
        for name, (kind, terms) in setup.venues.items():
            rules = {"tiers": ((0, setup.margin),), "feed": terms["feed"], "average_time": 5}
            market = kit.market(self.engine, name, rules=rules, **self.venue(name, kind, terms))
            if kind == "book":
                market.book.load_depth(list(terms["bids"]), list(terms["asks"]))
            market.set_index(PRICES[name])
            self.markets[name] = market
        if setup.median:
            venues = ("ETH", *FIRST)
            kit.market(self.engine, "ETH median", rules={"feed": "index"}, follows=venues)
        for number, terms in enumerate(setup.lendings):
            rules = kit.lending.LendingRules(toxic_terms=True, **self.ruled(terms["rules"]))
            lending = self.engine.lending.add(f"pool {number}", rules=rules)
            for name, given in terms["reserves"].items():
                lending.add_reserve(name, **self.stated(given))
                lending[name].supply({"ETH": 4000, "BTC": 300, "USD": 2_000_000}[name])
            for name, given in terms["categories"].items():
                lending.add_category(name, **given)
            self.lendings.append(lending)
        for terms in setup.liquidators:
            self.engine.liquidators.add(kit.lending.Liquidator(**terms))
        self.engine.liquidators.compete = setup.compete
        self.seen = 0

    def venue(self, name: str, kind: str, terms: dict) -> dict:
        if kind == "book":
            return {}
        if kind == "curve":
            return {"venue": self.kit.linear(*terms["curve"])}
        return {"venue": getattr(self.kit.pools, kind)(**terms["pool"])}

    def ruled(self, given: dict) -> dict:
        made = dict(given)
        if "auction" in made:
            auction = self.kit.lending.CollateralAuction(**made.pop("auction"))
            made["close_factor"] = ("auction", auction)
        return made

    def stop(self, lending, stage) -> None:
        if self.lendings[lending].auctions is not None:
            self.lendings[lending].auctions.stage = stage

    def stated(self, given: dict) -> dict:
        made = dict(given)
        if self.setup.median and made.get("price") == "ETH":
            first = made["venue"]
            named = first if isinstance(first, (tuple, list)) else (first,)
            made["price"] = "ETH median"
            made["venue"] = first and tuple("ETH" if name == "price" else name for name in named)
        if made.get("oracle") is not None:
            made["oracle"] = self.kit.lending.Oracle(**made["oracle"])
        if made["interest"] is not None:
            model, terms = made["interest"]
            made["interest"] = getattr(self.kit.lending, model)(**terms)
        return made

    def goes_on(self, engine) -> None:
        """Act on a copy of the engine from now on."""
        self.engine = engine
        self.markets = {name: engine.market(name) for name in self.markets}
        self.lendings = [engine.lending[each.name] for each in self.lendings]

    def act(self, name: str, arguments: tuple) -> tuple:
        """Do one action; what the caller is told, in plain numbers."""
        try:
            return getattr(self, name)(*arguments) or ()
        except (ValueError, OverflowError) as error:
            return (type(error).__name__,)

    def open(self, lending, collateral, debt, category=None) -> tuple:
        amounts = {"collateral": dict(collateral), "debt": dict(debt)}
        made = self.lendings[lending].open(**amounts, category=category)
        return tuple(int(x) for x in made)

    def change(self, lending, what, account, reserve, amount) -> None:
        getattr(self.lendings[lending], what)(account, reserve, amount)

    def set_category(self, lending, account, name) -> None:
        self.lendings[lending].set_category(account, name)

    def sequencer(self, lending, up, grace) -> None:
        self.lendings[lending].sequencer(up, grace=grace)

    def cap(self, price, supply, borrow) -> None:
        self.engine.lending.cap(price, supply=supply, borrow=borrow)

    def borrowable(self, lending, account, reserve) -> tuple:
        return (float(self.lendings[lending].borrowable(account, reserve)),)

    def outside(self, lending, what, reserve, amount) -> None:
        getattr(self.lendings[lending][reserve], what)(amount)

    def burn(self, lending, reserve, amount) -> None:
        self.lendings[lending][reserve].burn_deficit(amount)

    def provide(self, lending, provider, amount) -> None:
        self.lendings[lending].stability_pool.provide(amount, provider)

    def withdraw(self, lending, provider, amount) -> None:
        self.lendings[lending].stability_pool.withdraw(amount, provider)

    def pause(self, lending, reserve, paused, grace) -> None:
        self.lendings[lending][reserve].pause(paused, grace=grace)

    def freeze(self, lending, reserve, frozen) -> None:
        self.lendings[lending][reserve].freeze(frozen)

    def oracle(self, lending, reserve, failure) -> None:
        self.lendings[lending][reserve].fail_oracle(failure)

    def trade(self, market, side, size) -> None:
        self.kit.trade(self.engine, self.markets[market], side, size)

    def perpetual(self, market, side, size, leverage) -> None:
        self.engine.accounts.open(
            self.markets[market],
            side=side,
            size=size,
            entry=PRICES[market],
            leverage=leverage,
            mode="isolated",
            account=None,
        )

    def load_depth(self, market, bids, asks) -> None:
        if self.setup.venues[market][0] == "book":
            self.markets[market].book.load_depth(list(bids), list(asks))

    def auction(self, market) -> None:
        book = self.markets[market].book
        if self.setup.venues[market][0] == "book":
            _ = book.uncross() if book.auction else book.open_auction()

    def route(self, side, size, venues) -> tuple:
        routed = self.kit.route(self.engine, side, size, [self.markets[name] for name in venues])
        return tuple(int(lots) for lots in routed)

    def clear(self) -> None:
        self.engine.clear_events()
        self.seen = 0

    def budget(self, accounts, notional) -> None:
        self.engine.budget(accounts=accounts, notional=notional)

    def step(self, index, dt) -> tuple:
        result = self.engine.step(index=dict(index), dt=dt)
        return (
            int(result.liquidated),
            int(result.notional_atoms),
            int(result.pending),
            int(result.bad_debt_atoms),
        )

    def news(self) -> list[tuple]:
        """Events since the last call."""
        array = self.engine.events
        found = [tuple(int(row[name]) for name in EVENT_FIELDS) for row in array[self.seen :]]
        self.seen = len(array)
        return found

    def reserves(self) -> list[tuple]:
        return [
            tuple(sorted(lending[name].row().items()))
            for lending in self.lendings
            for name in RESERVES
        ]

    def columns(self) -> list:
        """Healths, liquidators' results, equity and maintenance of all accounts."""
        found = [[str(float(x)) for x in lending.health] for lending in self.lendings]
        count = len(self.setup.liquidators)
        found.append([self.engine.liquidators.result(k) for k in range(count)])
        found.append([float(x) for x in self.engine.accounts.equity])
        found.append([float(x) for x in self.engine.accounts.maintenance])
        return found


def covered(row: dict) -> bool:
    """Has the reserve at least what it owes to suppliers and treasury?"""
    has = row["cash"] + row["owed_lots"] + row["deficit"] + row["awaited"]
    return has >= row["supplied_lots"] + row["treasury"]


def compare(twin: Actor, other: Actor, name: str, arguments: tuple) -> str:
    """Do one action on both; a description of the difference, empty if there is none."""
    said, heard = twin.act(name, arguments), other.act(name, arguments)
    expected, found = twin.news(), other.news()
    lines = []
    if said != heard:
        lines.append(f"answer: twin {said}, core {heard}")
    lines += first_event_apart(expected, found)
    for one, two in zip(twin.reserves(), other.reserves(), strict=True):
        if one != two:
            lines.append(f"reserve: twin {one}\n         core {two}")
        if not covered(dict(one)):
            lines.append(f"reserve has less than it owes: {one}")
    if twin.columns() != other.columns():
        lines.append(f"columns: twin {twin.columns()}\n         core {other.columns()}")
    if twin.engine.totals() != other.engine.totals():
        lines.append(f"totals: twin {twin.engine.totals()}, core {other.engine.totals()}")
    if not lines and twin.engine.state_hash() != other.engine.state_hash():
        lines.append("state hash differs")
    twin.engine.validate()
    other.engine.validate()
    return "\n".join(lines)


# --- what is drawn -----------------------------------------------------------------------------


def draw_venue(draw: random.Random, name: str) -> tuple[str, dict]:
    kind = draw.choice(
        ("curve", "curve", "book", "book", "ConstantProduct", "Concentrated", "Stableswap")
    )
    price, depth = PRICES[name], DEPTH[name]
    terms = {"feed": draw.choice(("last", "last", "last", "index", "index", "twap"))}
    if kind == "curve":
        terms["curve"] = (draw.choice((1, 3)), draw.choice((5, 20, 100)) if name == "ETH" else 1)
    elif kind == "book":
        levels = draw.choice((3, 20, 60))
        step = max(1, price // 200)
        terms["bids"] = tuple(
            (price - step * k, draw.randrange(1, depth))
            for k in range(1, levels)
            if price > step * k
        )
        terms["asks"] = tuple(
            (price + step * k, draw.randrange(1, depth)) for k in range(1, levels)
        )
    elif kind == "ConstantProduct":
        base = draw.choice((20, 100, 400)) * depth
        terms["pool"] = {"base": base, "quote": base * price, "fee": draw.choice((0, "0.003"))}
    elif kind == "Stableswap":
        # balanced, or with more of one side than of the other
        base, more = draw.choice((20, 100, 400)) * depth, draw.choice((1, 1, 2, 5))
        terms["pool"] = {
            "base": base, "quote": base * price * more, "fee": draw.choice((0, "0.0004")),
            "amplification": draw.choice((2, 10, 200)), "peg": price,
        }  # fmt: skip
    else:
        ranges = (
            (price // 2, price * 2, 200 * depth * price),
            (price * 9 // 10, price * 11 // 10, 900 * depth * price),
        )
        terms["pool"] = {"price": price, "ranges": ranges, "fee": draw.choice((0, "0.003"))}
    return kind, terms


def draw_rules(draw: random.Random) -> dict:
    closing = (
        "whole", ("fraction", "0.5"), ("threshold", "0.5", "0.95"),
        ("position", "0.5", "0.95", 2000), ("target", "1.1"),
    )  # fmt: skip
    return {
        "close_factor": draw.choice(closing),
        "bonus": draw.choice(("fixed", "covered", ("health", "0.02", "0.15"), ("discount", "0.2"))),
        "fee": draw.choice((0, "0.1")),
        "trigger": draw.choice(("<", "<=")),
        "min_leftover": draw.choice((0, 100, 1000)),
        "bad_debt": draw.choice(("stays", "deficit", "reserves", "suppliers")),
        "health": draw.choice(("weighted", "average")),
        "halt_above": draw.choice((None, None, "frontier", "0.97")),
        "stop_gap": draw.choice(
            (
                (),
                (),
                ("stability_pool",),
                (("backstop", 3000), "stability_pool"),
                (("backstop", 50000),),
            )
        ),
        "fee_on": draw.choice(("bonus", "bonus", "repay")),
        "zero_price": draw.choice(("skipped", "given", "refused")),
    }


def draw_interest(draw: random.Random) -> tuple[str, dict] | None:
    """A model of interest and its terms, or None."""
    models = (
        ("KinkRate", {"base": "0.01", "slope1": "0.04", "slope2": "0.6", "optimal": "0.8"}),
        ("JumpRate", {"base": "0.02", "multiplier": "0.2", "kink": "0.1"}),
        (
            "JumpRate",
            {"multiplier": "0.3", "period": 1, "supply": ("0.001", "0.4", 2, "0.05")},
        ),
        ("AdaptiveRate", {"initial": "0.3", "target": "0.02"}),
        ("AdaptiveRate", {"target": "0.9", "steepness": "2.5", "least": "0.03"}),
        ("FixedRate", {"rate": "0.11"}),
    )
    model, terms = draw.choice(models)
    if draw.random() < 0.5:
        terms = {**terms, "compounding": draw.choice(("linear", "binomial", "taylor", "power"))}
    if model == "JumpRate" and draw.random() < 0.4:
        terms = {**terms, "refused_above": draw.choice(("0.00000001", "0.0000001", "0.000005"))}
    return draw.choice((None, (model, terms)))


def draw_own_terms(draw: random.Random) -> dict:
    """Terms of one collateral's auctions in place of the market's."""
    if draw.random() < 0.5:
        return {}
    terms = {
        "penalty": "0.2", "buf": "1.2", "price": ("exponential", "0.9"), "tail": 20, "cusp": "0.3",
        "dust": draw.choice((0, 1000)), "tip": 5, "chip": "0.02",
    }  # fmt: skip
    own = {name: terms[name] for name in draw.sample(sorted(terms), draw.randrange(1, 5))}
    if draw.random() < 0.5:
        # of a collateral that has no limit of its own elsewhere
        return {"collateral_terms": {"ETH": {**own, "hole": 4000}}, "collateral_holes": ()}
    return {"collateral_terms": {"ETH": own, "BTC": {"buf": "1.05"}}}


def draw_auction(draw: random.Random) -> dict:
    """Rules of a market that auctions: prices that fall within the steps of a history, limits, dust."""
    curve = draw.choice(
        (("linear", 40), ("stairstep", "0.9", 3), ("exponential", "0.95"), ("linear", 4000))
    )
    return {
        "auction": {
            "penalty": draw.choice(("0.13", 0, "0.05")),
            "buf": draw.choice((1, "1.1", "1.3")),
            "price": curve,
            "tail": draw.choice((3, 30, 4000)),
            "cusp": draw.choice((0, "0.4", "0.8")),
            "hole": draw.choice((None, None, 3000, 40_000)),
            "collateral_holes": draw.choice(((), (("ETH", 5000),), (("BTC", 20_000),))),
            "dust": draw.choice((0, 500, 3000)),
            "tip": draw.choice((0, 0, 10)),
            "chip": draw.choice((0, "0.01")),
            **draw_own_terms(draw),
        },
        "trigger": draw.choice(("<", "<=")),
        "bad_debt": draw.choice(("auction_shortfall", "auction_shortfall", "deficit", "suppliers")),
        "health": draw.choice(("weighted", "average")),
    }


def draw_reserve(draw: random.Random, name: str) -> dict:
    oracles = (
        None, {}, {"delay": 2}, {"deviation": "0.005", "heartbeat": 30}, {"max_step": "0.01"},
        {"max_step": "0.02", "deviation": "0.01", "delay": 1, "block": 3},
    )  # fmt: skip
    threshold = {
        "ETH": ("0.8", "0.95", "0.83"),
        "BTC": ("0.7", "0.75", "0.81"),
        "USD": ("0.9", 0),
    }
    made = {
        "liquidation_threshold": draw.choice(threshold[name]),
        "liquidation_bonus": draw.choice(("0.05", "0.1", 0)),
        "interest": draw_interest(draw),
        "reserve_factor": draw.choice((0, "0.1", 1)),
        "borrow_factor": draw.choice((1, 1, "0.9")),
        "supply_cap": None if draw.random() < 0.9 else 2_000_100,
        "borrow_cap": None if draw.random() < 0.9 else 60_000,
    }
    made |= draw_account_terms(draw, name)
    if name == "USD":
        return made
    return {
        **made,
        "price": name,
        "venue": draw.choice(VENUES[name]),
        "oracle": draw.choice(oracles),
    }


def draw_account_terms(draw: random.Random, name: str) -> dict:
    """Isolation, silos and caps of accounts, most of the time none."""
    made: dict = {"borrowable_in_isolation": name == "USD" or draw.random() < 0.3}
    if name != "USD" and draw.random() < 0.25:
        made["debt_ceiling"] = draw.choice((20_000, 100_000, Decimal("30000.5")))
    if draw.random() < 0.1:
        made["siloed"] = True
    if draw.random() < 0.1:
        made["account_cap"] = draw.choice((50, 400))
    if draw.random() < 0.1:
        made["account_share"] = draw.choice(("0.01", "0.05"))
    return made


def draw_categories(draw: random.Random) -> dict:
    """None, or one or two, whose collateral overlaps."""
    made = {
        "a": {"collateral": ("ETH", "BTC"), "borrowable": ("ETH", "USD")},
        "b": {"collateral": ("USD", "ETH"), "borrowable": ("USD",)},
    }
    for terms in made.values():
        terms["liquidation_threshold"] = draw.choice(("0.9", "0.97"))
        terms["loan_to_value"] = draw.choice((None, "0.8"))
        terms["liquidation_bonus"] = draw.choice((0, "0.02"))
    names = draw.choice(((), (), ("a",), ("a", "b")))
    return {name: made[name] for name in names}


def draw_liquidator(draw: random.Random) -> dict:
    return {
        "capital": draw.choice((None, None, 3000)),
        "gas": draw.choice((0, 5, 60)),
        "min_profit": draw.choice((0, 3)),
        "latency": draw.choice((0, 0, 3)),
        "choice": draw.choice(("best", "worst")),
        "calls": draw.choice(("chained", "single")),
        "halvings": draw.choice((0, 3, 6)),
        "max_repay": draw.choice((None, None, 700, 20_000)),
        "step_budget": draw.choice((None, None, 0, 9000)),
    }


def draw_lending(draw: random.Random) -> dict:
    """Rules and reserves; where accounts are auctioned only money is borrowed."""
    auctions = draw.random() < 0.35
    reserves = {name: draw_reserve(draw, name) for name in RESERVES}
    for name in RESERVES if auctions else ():
        reserves[name] |= {"borrowable": name == "USD", "collateral": name != "USD"}
        reserves[name].pop("debt_ceiling", None)
    rules = draw_auction(draw) if auctions else draw_rules(draw)
    rules["sentinel"] = draw.choice((None, "0.95", "0.5"))
    made = {"rules": rules, "reserves": reserves, "categories": draw_categories(draw)}
    rules |= draw_bounds(draw)
    if not auctions:
        rules["uncounted"] = draw.choice(("seized", "spared"))
        if draw.random() < 0.2:
            reserves["BTC"]["liquidation_threshold"] = 0
        if rules["fee_on"] == "bonus":
            for given in reserves.values():
                given["liquidation_fee"] = draw.choice((None, 0, "0.2"))
    return made


def draw_bounds(draw: random.Random) -> dict:
    """How caps are met."""
    return {
        "supply_bound": draw.choice(("at_or_below", "below")),
        "borrow_bound": draw.choice(("at_or_below", "below")),
        "treasury_capped": draw.choice((False, True)),
    }


def draw_setup(draw: random.Random) -> Setup:
    lendings = tuple(draw_lending(draw) for _ in range(draw.choice((1, 1, 2, 3))))
    liquidators = [draw_liquidator(draw) for _ in range(draw.choice((0, 0, 1, 2)))]
    if any(terms["rules"].get("stop_gap") for terms in lendings) and draw.random() < 0.6:
        # calls that cost more than they bring are left to the stages
        liquidators = [draw_liquidator(draw) | {"gas": 10**6}]
    return Setup(
        draw.choice(("sequential", "sequential", "batch")),
        {name: draw_venue(draw, name) for name in PRICES},
        draw.choice(("0.01", "0.02")),
        lendings,
        tuple(liquidators),
        draw.choice(("order", "order", "bids")),
        draw.random() < 0.25,
    )


def draw_open(draw: random.Random, lending: int, count: int, plain: bool = False) -> tuple:
    """Accounts near their thresholds, some of them with several collaterals or, unless `plain`, debts."""
    collateral: dict = {"ETH": [], "BTC": [], "USD": []}
    debt: dict = {"ETH": [], "BTC": [], "USD": []}
    for _ in range(count):
        eth, btc = draw.choice(((1, 0), (1, 1), (0, 1)))
        eth, btc = eth * draw.randrange(5, 300), btc * draw.randrange(1, 30)
        spare = draw.choice((0, 0, 500))
        worth = eth * PRICES["ETH"] + btc * PRICES["BTC"]
        owed = int(worth * draw.uniform(0.55, 0.85))
        held = draw.choice((0, 0, 0, 3)) if eth else 0
        if plain:
            spare, held = 0, 0
        rows = ((collateral, (eth, btc, spare)), (debt, (held, 0, owed)))
        for columns, row in rows:
            for name, lots in zip(RESERVES, row, strict=True):
                columns[name].append(lots)
    columns = [tuple((k, tuple(v)) for k, v in c.items() if any(v)) for c in (collateral, debt)]
    return (lending, *columns)


def draw_action(draw: random.Random, setup: Setup, prices: dict, accounts: int) -> tuple:
    name = draw.choices(
        (
            *("step", "change", "outside", "pause", "freeze", "trade", "perpetual"),
            *("load_depth", "budget", "open", "set_category", "auction", "route", "stop", "oracle"),
            *("sequencer", "cap", "borrowable", "provide", "withdraw", "clear", "burn"),
        ),
        (50, 15, 4, 3, 2, 6, 5, 3, 2, 4, 5, 2, 3, 3, 6, 4, 1, 4, 4, 1, 3, 3),
    )[0]
    lending, reserve = draw.randrange(len(setup.lendings)), draw.choice(RESERVES)
    market = draw.choice(tuple(PRICES))
    amount = draw.choice((1, 7, 50)) * (200 if reserve == "USD" else 1)
    if name == "step":
        for key in prices:
            move = draw.uniform(-0.12, 0.08) if draw.random() < 0.7 else draw.uniform(-0.01, 0.01)
            if key in FIRST:
                move = prices[FIRST[key]] / prices[key] * draw.uniform(0.98, 1.02) - 1
            prices[key] = max(PRICES[key] // 4, round(prices[key] * (1 + move)))
        index = tuple((k, p) for k, p in prices.items() if draw.random() < 0.8)
        return name, (index, draw.choice((0, 1, 5, 3600, 86400 * 30)))
    categories = (None, *setup.lendings[lending]["categories"])
    if name == "open":
        plain = "auction" in setup.lendings[lending]["rules"]
        opened = draw_open(draw, lending, draw.randrange(1, 4), plain)
        return name, (*opened, draw.choice(categories))
    if name == "set_category":
        return name, (lending, draw.randrange(accounts + 1), draw.choice(categories))
    if name == "change":
        what = draw.choice(("deposit", "withdraw", "borrow", "repay"))
        return name, (lending, what, draw.randrange(accounts + 1), reserve, amount)
    if name == "load_depth":
        step = max(1, PRICES[market] // 200)
        bids = tuple((prices[market] - step * k, 2 * DEPTH[market]) for k in range(1, 9))
        asks = tuple((prices[market] + step * k, 2 * DEPTH[market]) for k in range(1, 9))
        return name, (market, bids, asks)
    arguments = {
        "burn": (lending, reserve, draw.choice((1, 7, 50))),
        "outside": (lending, draw.choice(("supply", "redeem")), reserve, amount * 20),
        "pause": (lending, reserve, draw.random() < 0.4, draw.choice((0, 0, 4))),
        "freeze": (lending, reserve, draw.random() < 0.5),
        "stop": (lending, draw.choice((0, 0, 1, 2, 3))),
        "oracle": (lending, reserve, draw.choice((None, None, "zero", "zero", "stale", "reverts"))),
        "sequencer": (lending, draw.random() < 0.4, draw.choice((0, 3, 3600))),
        "cap": (draw.choice((market, None)), draw.choice((None, 4100)), draw.choice((None, 0, 90))),
        "borrowable": (lending, draw.randrange(accounts + 1), reserve),
        "trade": (market, draw.choice((BUY, SELL)), draw.randrange(1, DEPTH[market])),
        "perpetual": (
            market,
            draw.choice(("long", "short")),
            draw.randrange(1, 2 * DEPTH[market]),
            draw.choice((5, 10, 20)),
        ),
        "auction": (market,),
        "provide": (lending, draw.choice(("ada", "bob")), draw.choice((5, 900, 40_000))),
        "withdraw": (lending, draw.choice(("ada", "bob")), draw.choice((None, 0, 300))),
        "route": (
            draw.choice(("buy", "sell")),
            draw.randrange(1, 200),
            draw.choice(ROUTES),
        ),
        "budget": draw.choice(((None, None), (1, None), (2, None), (None, 3000))),
        "clear": (),
    }
    return name, arguments[name]


def draw_history(seed: int, length: int = 24) -> tuple[Setup, list]:
    """A setup and its actions, the same for the same seed."""
    draw = random.Random(seed)
    setup = draw_setup(draw)
    prices = dict(PRICES)
    accounts = 0
    actions = []
    for lending, terms in enumerate(setup.lendings):
        count = draw.randrange(1, 7)
        plain = "auction" in setup.lendings[lending]["rules"]
        # where collateral is isolated some accounts are refused, each on its own
        alone = any("debt_ceiling" in given for given in terms["reserves"].values())
        for size in [1] * count if alone else [count]:
            actions.append(("open", draw_open(draw, lending, size, plain)))
        accounts += count
        if "stability_pool" in terms["rules"].get("stop_gap", ()) and draw.random() < 0.8:
            actions.append(("provide", (lending, "ada", draw.choice((900, 40_000)))))
    while len(actions) < length:
        actions.append(draw_action(draw, setup, prices, accounts))
    return setup, actions


first_difference = difference_of(Actor, compare)

if __name__ == "__main__":
    sys.exit(run(__doc__, draw_history, first_difference, "histories", 200))
