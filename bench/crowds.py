"""Populations and markets that the engine's benchmarks share, all from a seed.

A crowd opens at one price with leverages drawn evenly from 2 to 50, so its triggers are dense near
the price and thin out below: F(d) of the accounts are due once the price has fallen by the share d. A
book with the same depth at every tick then stops the cascade where what was sold meets what was
bid, lambda * (d - d0) = F(d). Lambda is chosen so that this happens at the d where F is one half.
"""

from typing import NamedTuple

import numpy as np

import cascade as cs

LEVERAGES = (2.0, 50.0)
MAINTENANCE = 0.005
LARGEST_LOTS = 200  # of a position; about 100 on average
FIRST_BID = 0.0155  # below the entry price: just beyond the first triggers
LAST_BID = 0.06
NAMES = ("A", "B", "C")
PEER_PRICE = 50_000.0


def fall_that_reaches(share: float) -> float:
    """Fall of the price at which that share of a crowd is due."""
    leverage = LEVERAGES[1] - share * (LEVERAGES[1] - LEVERAGES[0])
    return (1 / leverage - MAINTENANCE) / (1 - MAINTENANCE)


class Crowd(NamedTuple):
    """Columns of a crowd: signs, lots and leverages."""

    side: np.ndarray
    size: np.ndarray
    leverage: np.ndarray


def crowd(count: int, seed: int = 1, longs: float = 1.0) -> Crowd:
    random = np.random.default_rng(seed)
    return Crowd(
        np.where(random.random(count) < longs, 1, -1),
        random.integers(1, LARGEST_LOTS, count),
        random.uniform(*LEVERAGES, count),
    )


def entry_price(count: int, per_level: float) -> int:
    """Ticks of the price, so that a tick of the book holds the lots of `per_level` accounts."""
    return max(200, round(0.5 * count / (per_level * (fall_that_reaches(0.5) - FIRST_BID))))


def load_bids(market: cs.Market, price: int, per_level: float, first: float = FIRST_BID) -> None:
    """Even depth from just beyond the first triggers on; the mark moves to the middle of the touch."""
    ticks = np.arange(int(price * (1 - first)), int(price * (1 - LAST_BID)), -1)
    lots = np.full(len(ticks), round(per_level * LARGEST_LOTS / 2))
    market.book.load_depth(np.column_stack([ticks, lots]), [(price, 1_000_000)])


def shock(lots: int = 1) -> np.ndarray:
    """A market order; of one lot it trades at the best bid, and the mark follows it there."""
    message = np.zeros(1, cs.MESSAGE_DTYPE)
    message["kind"], message["side"], message["size"] = cs.MessageKind.MARKET, cs.Side.SELL, lots
    message["account"] = -1
    return message


class Crash(NamedTuple):
    """An engine ready to crash, and the orders that make it."""

    engine: cs.Engine
    orders: list[tuple[str, np.ndarray]]

    def run(self) -> cs.StepResult:
        return self.engine.step(orders=self.orders)


def book_crash(count: int, per_level: float = 1, *, markets: int = 1, seed: int = 3) -> Crash:
    """Longs of whom a cascade through the book liquidates about half.

    With several markets every account is a cross-margin unit with a position in each, all with the
    same leverage, and all markets are shocked together.
    """
    engine = cs.Engine(asset_decimals=0)
    price = entry_price(count, per_level)
    names = NAMES[:markets]
    for name in names:
        rules = cs.Rules(tiers=[(0, str(MAINTENANCE))])
        market = engine.add_market(name, tick_size=1, lot_size=1, rules=rules)
        load_bids(market, price, per_level)
    engine.reserve(accounts=count, positions=markets * count, events=(4 * markets + 2) * count)
    leverage = crowd(count, seed).leverage
    ids = None if markets == 1 else engine.accounts.create(count)
    for number, name in enumerate(names):
        side, size, _ = crowd(count, seed + number)
        engine.accounts.open(
            name, side=side, size=size, entry=price, leverage=leverage, account=ids,
            mode="isolated" if markets == 1 else "cross",
        )  # fmt: skip
    return Crash(engine, [(name, shock()) for name in names])


def venue_crash(
    count: int, rules: cs.Rules, longs: float = 1.0, gap: float = 0.0, seed: int = 3
) -> Crash:
    """The crash of one market, under a venue's rules and in its sizes: some thousand dollars each.

    The shock eats the share `gap` of the price at once, so that many are bankrupt when their turn comes.

    Without a deposit the insurance fund is empty, so that what the book leaves is deleveraged.
    """
    engine = cs.Engine()
    price = entry_price(count, 1)
    market = engine.add_market("A", tick_size=1, lot_size=1, multiplier="0.000001", rules=rules)
    side, size, leverage = crowd(count, seed, longs)
    _, maintenance, initial = (float(number) for number in rules.rows()[0])
    most = min(LEVERAGES[1], 1 / initial)
    load_bids(market, price, 1, (1 / most - maintenance) / (1 - maintenance) + 0.0005)
    engine.reserve(accounts=count, events=6 * count)
    engine.accounts.open(
        market, side=side, size=size, entry=price, leverage=np.minimum(leverage, most)
    )
    return Crash(engine, [("A", shock(1 + round(gap * price) * LARGEST_LOTS // 2))])


def quiet_engine(count: int) -> cs.Engine:
    """Half long, half short, marked by an index; no account is near its trigger at 50,000."""
    engine = cs.Engine()
    rules = cs.Rules(feed="index")
    market = engine.add_market("A", tick_size="0.1", lot_size="0.001", rules=rules)
    market.set_index(PEER_PRICE)
    open_crowd(market, crowd(count, longs=0.5))
    return engine


def open_crowd(market: cs.Market, population: Crowd) -> None:
    market.engine.accounts.open(
        market,
        side=population.side,
        size=population.size * 0.001,
        entry=PEER_PRICE,
        leverage=population.leverage,
    )


class PeerCrowd(NamedTuple):
    """The peer's workload: signed sizes in coins, leverages, and the marks."""

    size: np.ndarray
    leverage: np.ndarray
    marks: np.ndarray


def peer_crowd(count: int, marks: int = 100, seed: int = 1) -> PeerCrowd:
    random = np.random.default_rng(seed)
    sign = np.where(np.arange(count) % 2 == 0, 1, -1)
    size = sign * random.integers(10, 1_010, count) / 1_000
    leverage = np.floor(random.uniform(*LEVERAGES, count) * 100) / 100
    path = np.linspace(PEER_PRICE, 0.8 * PEER_PRICE, marks + 1)[1:]
    return PeerCrowd(size, leverage, np.round(path, 1))


def peer_engine(population: PeerCrowd) -> cs.Engine:
    """The peer's workload here: forced orders trade at the mark, because there is no book."""
    engine = cs.Engine()
    rules = cs.Rules(tiers=[(0, str(MAINTENANCE))])
    venue = cs.Impact.linear(0)
    market = engine.add_market("A", tick_size="0.1", lot_size="0.001", rules=rules, venue=venue)
    market.set_index(PEER_PRICE)
    engine.fund_deposit(10**9)
    engine.reserve(accounts=len(population.size), events=4 * len(population.size))
    engine.accounts.open(
        market,
        side=np.sign(population.size),
        size=np.abs(population.size),
        entry=PEER_PRICE,
        leverage=population.leverage,
    )
    return engine


def deleveraged_crowd(winners: int, deficits: int, policy: str) -> cs.Engine:
    """Shorts with profits of all sizes, and longs that are due together and find no bids."""
    random = np.random.default_rng(3)
    engine = cs.Engine(execution="batch", asset_decimals=0)
    rules = cs.Rules(tiers=((0, "0.01"),), feed="index", adl=policy)
    market = engine.add_market("A", tick_size=1, lot_size=1, rules=rules)
    market.set_index(10_000)
    engine.accounts.open(
        market, side="short", size=random.integers(1, LARGEST_LOTS, winners),
        entry=random.integers(9_000, 11_000, winners), leverage=random.integers(1, 4, winners),
    )  # fmt: skip
    engine.accounts.open(
        market, side="long", size=random.integers(1, LARGEST_LOTS, deficits), entry=10_000,
        leverage=20,
    )  # fmt: skip
    market.set_index(9_500)
    return engine
