"""Whole histories of collateral auctions in the engine against the contracts' integers, `cascade.lending`.

The engine decides when a vault is barked, who takes how much and when an auction is reset; the exact classes
do the same in wads and rays and must agree: with every bark and take an amount is cut to a lot of 1e-6 coins or
to an atom of 1e-8, which the contracts keep, so that after n of them it differs by at most n of these. Who takes
all that is left of a lot pays there for the cut parts, too.
"""

import random
from decimal import Decimal

import pytest
from engine_kit import rows

from cascade.lending import RAY, WAD, CollateralAuctions
from cascade.lending.auction_prices import ExponentialDecrease, LinearDecrease, StairstepDecrease
from cascade.lending.collateral_auctions import AuctionTerms

RAD = WAD * RAY
LOT, ATOM, TICK = WAD // 10**6, RAD // 10**8, WAD // 100
CURVES = (
    (("linear", 3000), LinearDecrease(3000)),
    (("stairstep", "0.97", 60), StairstepDecrease(97 * RAY // 100, 60)),
    (("exponential", "0.9995"), ExponentialDecrease(9995 * RAY // 10_000)),
)
SECOND = 10**9


def stated(draw):
    """The same terms for the engine and for the exact classes."""
    curve, exact = draw.choice(CURVES)
    hole, dust = draw.choice((3000, 30_000)), draw.choice((0, 150))
    tip, chip = draw.choice(((0, 0), (1, 1))), draw.choice((0, 1))
    here = {
        "penalty": "0.13", "buf": "1.2", "price": curve, "tail": 1800, "cusp": "0.4",
        "hole": hole, "dust": dust, "tip": tip[0], "chip": "0.001" if chip else 0,
    }  # fmt: skip
    there = AuctionTerms(
        exact, 5 * RAY // 4, 113 * WAD // 100, dust * RAD, hole * RAD, 10**9 * RAD,
        12 * RAY // 10, 1800, 4 * RAY // 10, tip[0] * RAD, WAD // 1000 if chip else 0,
    )  # fmt: skip
    return here, there


def played(kit, seed):
    """An engine after a random history, the exact terms, and the vaults' collateral and debts."""
    draw = random.Random(seed)
    here, there = stated(draw)
    engine = kit.engine(asset_decimals=8)
    kit.market(
        engine,
        "GOLD",
        rules={"feed": "index"},
        tick_size=Decimal("0.01"),
        lot_size=Decimal("0.000001"),
    )
    engine.market("GOLD").set_index(200)
    for capital in (None, 400, 60):
        engine.liquidators.add(kit.lending.Liquidator(capital=capital, min_profit=1))
    rules = kit.lending.LendingRules(
        close_factor=("auction", kit.lending.CollateralAuction(**here)),
        bad_debt="auction_shortfall",
    )
    pool = engine.lending.add("maker", rules=rules)
    pool.add_reserve(
        "GOLD", price="GOLD", venue=None, liquidation_threshold="0.8", borrowable=False
    )
    pool.add_reserve("DAI", price=None, collateral=False)
    pool["DAI"].supply(100_000)
    vaults = [(draw.randrange(3, 12), draw.randrange(90, 155)) for _ in range(12)]
    for coins, ratio in vaults:
        pool.open(collateral={"GOLD": coins}, debt={"DAI": coins * ratio})
    price = 200
    for _ in range(60):
        price = max(60, round(price * draw.uniform(0.93, 1.05)))
        engine.step(index={"GOLD": price}, dt=draw.choice((1, 60, 300, 900)))
        engine.validate()
    return engine, pool, there, vaults


class Replay:
    """The engine's decisions on the exact classes."""

    def __init__(self, terms, vaults) -> None:
        self.house = CollateralAuctions(terms, price_wad=200 * WAD)
        for number, (coins, ratio) in enumerate(vaults):
            self.house.open_vault(str(number), coins * WAD, coins * ratio * WAD)
        self.lot: dict[int, int] = {}  # of the engine, in lots
        self.tab: dict[int, int] = {}  # atoms
        self.cuts: dict[int, int] = {}  # amounts that were cut
        self.barks = self.paid_atoms = self.takes = 0
        self.slack = 0  # rad that cut amounts explain

    def near(self, number: int) -> None:
        cuts = self.cuts[number]
        sale = self.house.running.get(number)
        lot, tab = (0, 0) if sale is None else (sale.lot_wad, sale.tab_rad)
        if self.lot[number] and self.tab[number]:
            assert abs(lot - self.lot[number] * LOT) <= cuts * LOT
            assert abs(tab - self.tab[number] * ATOM) <= cuts * ATOM
        else:
            assert sale is None

    def kick(self, row) -> None:
        number, taken = self.house.bark(str(row["account"]))
        assert number == row["order"]
        self.lot[number], self.tab[number] = row["quantity"], row["money"]
        # what earlier barks of the vault cut stays in it
        self.barks += 1
        self.cuts[number] = 2 * self.barks
        assert taken.tab_rad > 0
        self.near(number)

    def take(self, row) -> None:
        number = row["order"]
        sale = self.house.running[number]
        self.cuts[number] += 1
        self.lot[number] -= row["quantity"]
        self.tab[number] -= row["money"]
        chost = self.house.terms.chost_rad
        asked = row["quantity"] * LOT
        if not self.lot[number] or not self.tab[number]:
            asked = sale.lot_wad
        elif self.tab[number] * ATOM == chost:
            asked += LOT  # cut to leave the least tab, there too
        bid = self.house.take(number, asked)
        self.takes += 1
        self.paid_atoms += row["money"]
        assert abs(bid.bought_wad - row["quantity"] * LOT) <= self.cuts[number] * LOT
        parts = self.cuts[number] * ATOM
        if not self.lot[number]:
            parts += self.cuts[number] * LOT * (bid.paid_rad // bid.bought_wad + 1)
        assert abs(bid.paid_rad - row["money"] * ATOM) <= parts
        self.slack += parts
        self.near(number)

    def follow(self, row) -> None:
        kind, now = row["kind"], row["time"] // SECOND
        self.house.advance(now - self.house.now_seconds)
        if kind == 33 and row["price"] != 1:
            self.house.set_price(row["price"] * TICK)
        elif kind == 40:
            self.kick(row)
        elif kind == 41:
            self.take(row)
        elif kind == 42:
            self.house.redo(row["order"])
            self.near(row["order"])
        self.house.check()


@pytest.mark.parametrize("seed", range(12))
def test_a_history_is_the_contracts(kit, seed):
    engine, pool, terms, vaults = played(kit, seed)
    replay = Replay(terms, vaults)
    for row in rows(engine):
        replay.follow(row)
    assert replay.barks > 0
    assert replay.takes > 0
    paid = sum(row["quantity"] for row in rows(engine, "incentive")) * ATOM
    replay.slack += (replay.barks + len(rows(engine, "redo"))) * 2 * ATOM
    assert abs(replay.house.incentives_rad - paid) <= replay.slack
    assert abs(replay.house.collected_rad - replay.paid_atoms * ATOM) <= replay.slack
    # the loss so far, what is awaited included: debts taken over and incentives less what was paid
    row = pool["DAI"].row()
    loss = (row["awaited"] + row["deficit"] - row["treasury"]) * ATOM
    assert abs(replay.house.shortfall_rad - loss) <= 2 * replay.slack
