"""Random histories of loans that are closed whole, on the engine's twin and the compiled engine side by side.

    python tests/random_troves.py --histories 1000 --seed 1

As tests/random_lending.py, with lending markets of one collateral and money, stability pools and their
providers. After every action both engines must also validate, which adds up every part of an atom that was
shared out.
"""

import random
import sys

from engine_kit import BUY, SELL
from random_histories import difference_of, run
from random_lending import (
    DEPTH,
    PRICES,
    Actor,
    Setup,
    compare,
    draw_liquidator,
    draw_venue,
)

PROVIDERS = ("ada", "bob", "cy")


class TroveActor(Actor):
    """An engine with troves against ETH, and against BTC where there is a second lending market."""

    def __post_init__(self) -> None:
        lendings, self.setup = self.setup.lendings, replaced(self.setup)
        super().__post_init__()
        kit = self.kit
        for number, terms in enumerate(lendings):
            rules = kit.lending.LendingRules(
                close_factor="trove", troves=kit.lending.Troves(**terms["troves"])
            )
            lending = self.engine.lending.add(f"troves {number}", rules=rules)
            oracle = kit.lending.Oracle(**terms["oracle"])
            lending.add_reserve(
                terms["asset"],
                price=terms["asset"],
                venue=terms["venue"],
                oracle=oracle,
                account_cap=terms["account_cap"],
                account_share=terms["account_share"],
            )
            lending.add_reserve("USD", borrow_cap=terms["borrow_cap"])
            lending["USD"].supply(terms["supply"])
            self.lendings.append(lending)
        self.assets = [terms["asset"] for terms in lendings]
        self.rules = [terms["troves"] for terms in lendings]

    def provide(self, lending, provider, amount) -> None:
        self.lendings[lending].stability_pool.provide(amount, provider)

    def withdraw(self, lending, provider, amount) -> None:
        self.lendings[lending].stability_pool.withdraw(amount, provider)

    def set_rate(self, lending, account, rate) -> None:
        self.lendings[lending].set_rate(account, rate)

    def claim(self, lending, account) -> tuple:
        found = self.lendings[lending].surplus(account), self.lendings[lending].claim(account)
        return tuple(map(float, found))

    def open_at(self, lending, collateral, debt, rate) -> None:
        self.lendings[lending].open(
            collateral={name: list(lots) for name, lots in collateral},
            debt={name: list(lots) for name, lots in debt},
            rate=rate,
        )

    def room(self, lending, account) -> tuple:
        return (float(self.lendings[lending].borrowable(account, "USD")),)

    def reserves(self) -> list[tuple]:
        self.engine.validate()
        return [
            tuple(sorted(lending[name].row().items()))
            for lending, asset in zip(self.lendings, self.assets, strict=True)
            for name in (asset, "USD")
        ]


def replaced(setup: Setup) -> Setup:
    return Setup(setup.execution, setup.venues, setup.margin, (), setup.liquidators)


# --- drawing -----------------------------------------------------------------------------------


def draw_troves(draw: random.Random) -> dict:
    both = draw.choice((None, None, ("0.05", "0.1"), (0, "0.2")))
    return {
        "minimum_ratio": draw.choice(("1.1", "1.1", "1.2", "1.075")),
        "critical_ratio": draw.choice((None, "1.5", "1.5", "1.3")),
        "shutdown_ratio": draw.choice((None, None, "1.1")),
        "gas_share": draw.choice((0, "0.005", "0.02")),
        "gas_cap": draw.choice((None, 2)),
        "gas_reserve": draw.choice((0, 20)),
        "offset_penalty": both and both[0],
        "redistribution_penalty": both and both[1],
        "least_left": draw.choice((1, 100)),
        "sells": draw.random() < 0.4,
        "recovery": draw.random() < 0.8,
        **draw_interest(draw),
    }


def draw_interest(draw: random.Random) -> dict:
    """Interest that owners set and fees, or neither; rates high enough to make accounts due by themselves."""
    fees = {"borrowing_fee": draw.choice((0, 0, "0.005", "0.05"))}
    fees |= {"least_debt": draw.choice((0, 0, 2000))}
    fees |= {"pool_share": draw.choice((0, "0.75", 1))}
    if draw.random() < 0.4:
        return fees
    upfront = draw.choice((0, 604_800))
    return {**fees, "interest": draw.choice((("0.005", "2.5"), (0, 4))), "upfront_time": upfront}


def draw_setup(draw: random.Random) -> Setup:
    oracles = ({}, {}, {"delay": 2}, {"max_step": "0.02"})
    lendings = tuple(
        {
            "troves": draw_troves(draw),
            "asset": asset,
            "venue": draw.choice(("price", None)),
            "oracle": draw.choice(oracles),
            "borrow_cap": None if draw.random() < 0.9 else 200_000,
            "account_cap": draw.choice((None, None, None, 500)),
            "account_share": draw.choice((None, None, None, "0.6")),
            "supply": draw.choice((10**6, 10**7)),
        }
        for asset in draw.choice((("ETH",), ("ETH",), ("ETH", "BTC"), ("ETH", "ETH")))
    )
    return Setup(
        draw.choice(("sequential", "sequential", "batch")),
        {name: draw_venue(draw, name) for name in PRICES},
        "0.01",
        lendings,
        tuple(draw_liquidator(draw) for _ in range(draw.choice((0, 0, 1, 2)))),
    )


def draw_open(draw: random.Random, setup: Setup, lending: int, count: int, prices: dict) -> tuple:
    asset = setup.lendings[lending]["asset"]
    scale = 20 if asset == "ETH" else 2
    lots = [draw.randrange(1, 40 * scale) for _ in range(count)]
    debts = [round(n * prices[asset] / draw.uniform(1.02, 2.2)) for n in lots]
    if draw.random() < 0.1:
        debts[0] = 0
    return (lending, ((asset, tuple(lots)),), (("USD", tuple(debts)),))


def draw_action(draw: random.Random, setup: Setup, prices: dict, accounts: int) -> tuple:
    name = draw.choices(
        (
            *("step", "change", "provide", "withdraw", "room", "outside", "pause", "freeze"),
            *("trade", "load_depth", "budget", "open", "cap", "set_rate", "claim", "open_at"),
        ),
        (50, 18, 10, 5, 3, 2, 2, 1, 5, 3, 2, 4, 2, 6, 6, 3),
    )[0]
    lending = draw.randrange(len(setup.lendings))
    asset = setup.lendings[lending]["asset"]
    market, reserve = draw.choice(("ETH", "BTC")), draw.choice((asset, asset, "USD"))
    amount = draw.choice((1, 7, 50)) * (200 if reserve == "USD" else 1)
    if name == "step":
        for key in prices:
            move = draw.uniform(-0.12, 0.1) if draw.random() < 0.7 else draw.uniform(-0.01, 0.01)
            prices[key] = max(PRICES[key] // 4, round(prices[key] * (1 + move)))
        index = tuple((k, p) for k, p in prices.items() if draw.random() < 0.8)
        return name, (index, draw.choice((0, 1, 5, "0.3", 3600, 86_400, 2_000_000)))
    if name == "open":
        return name, draw_open(draw, setup, lending, draw.randrange(1, 4), prices)
    if name == "open_at":
        given = draw_open(draw, setup, lending, draw.randrange(1, 4), prices)
        return name, (*given, draw.choice(("0.005", "0.07", "2.5", "5")))
    if name == "change":
        what = draw.choice(("deposit", "withdraw", "borrow", "repay"))
        if draw.random() < 0.9:
            reserve = asset if what in ("deposit", "withdraw") else "USD"
        return name, (lending, what, draw.randrange(accounts + 1), reserve, amount)
    if name == "load_depth":
        step = max(1, PRICES[market] // 200)
        bids = tuple((prices[market] - step * k, 2 * DEPTH[market]) for k in range(1, 9))
        asks = tuple((prices[market] + step * k, 2 * DEPTH[market]) for k in range(1, 9))
        return name, (market, bids, asks)
    arguments = {
        "provide": (lending, draw.choice(PROVIDERS), draw.choice((1, 777, 20_000, 300_000))),
        "withdraw": (lending, draw.choice(PROVIDERS), draw.choice((None, 0, 5, 3000))),
        "room": (lending, draw.randrange(accounts + 1)),
        "set_rate": (
            lending,
            draw.randrange(accounts + 1),
            draw.choice(("0.005", "0.1", "1.5", "4.5")),
        ),
        "claim": (lending, draw.randrange(accounts + 1)),
        "outside": (lending, draw.choice(("supply", "redeem")), reserve, amount * 20),
        "pause": (lending, reserve, draw.random() < 0.4, draw.choice((0, 0, 4))),
        "freeze": (lending, reserve, draw.random() < 0.3),
        "trade": (market, draw.choice((BUY, SELL)), draw.randrange(1, DEPTH[market])),
        "budget": draw.choice(((None, None), (1, None), (2, None), (None, 3000))),
        "cap": draw.choice(
            ((asset, None, None), (asset, 2000, None), (None, None, None), (None, None, 150_000))
        ),
    }
    return name, arguments[name]


def draw_history(seed: int, length: int = 30) -> tuple[Setup, list]:
    """A setup and its actions, the same for the same seed."""
    draw = random.Random(seed)
    setup = draw_setup(draw)
    prices = dict(PRICES)
    accounts = 0
    actions = []
    for lending in range(len(setup.lendings)):
        count = draw.randrange(2, 8)
        actions.append(("open", draw_open(draw, setup, lending, count, prices)))
        accounts += count
        if draw.random() < 0.8:
            amount = draw.choice((500, 20_000, 10**6))
            actions.append(("provide", (lending, draw.choice(PROVIDERS), amount)))
    while len(actions) < length:
        actions.append(draw_action(draw, setup, prices, accounts))
    return setup, actions


first_difference = difference_of(TroveActor, compare)

if __name__ == "__main__":
    sys.exit(run(__doc__, draw_history, first_difference, "histories", 200))
