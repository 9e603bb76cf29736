"""MakerDAO's own cases of Liquidations 2.0 through the whole engine; numbers from golden/lending.json, entry named
in each. Amounts are cut to lots of 1e-6 coins and atoms of 1e-8, so that what is rounded down differs by less
than one of them from the contracts' wads; where it does not round it is the same."""

from decimal import Decimal
from fractions import Fraction

import pytest
from engine_kit import pick, rows

COIN, MONEY = 10**6, 10**8  # lots and atoms of one
TERMS = {
    "penalty": 0, "buf": "1.25", "price": ("linear", 3600), "tail": 3600, "cusp": "0.3", "chip": 0,
}  # fmt: skip


def clip(
    kit, *, ink=40, art=100, price=4, ratio=2, oracle=None, liquidator=None, curve=None, **terms
):
    """A vault at a fixed price, as the contracts' tests set it up: due as it is opened."""
    engine = kit.engine(asset_decimals=8)
    kit.market(
        engine,
        "GOLD",
        rules={"feed": "index"},
        tick_size=Decimal("0.01"),
        lot_size=Decimal("0.000001"),
    )
    engine.market("GOLD").set_index(price)
    engine.liquidators.add(kit.lending.Liquidator(**(liquidator or {"capital": 0})))
    fall = TERMS["price"] if curve is None else curve
    for name in terms.keys() & {"hole", "dust"}:
        terms[name] = Decimal(terms[name])
    auction = kit.lending.CollateralAuction(**{**TERMS, **terms, "price": fall})
    rules = kit.lending.LendingRules(
        close_factor=("auction", auction), bad_debt="auction_shortfall"
    )
    pool = engine.lending.add("maker", rules=rules)
    pool.add_reserve(
        "GOLD", price="GOLD", venue=None, liquidation_threshold=Fraction(1, ratio),
        borrowable=False, oracle=None if oracle is None else kit.lending.Oracle(**oracle),
    )  # fmt: skip
    pool.add_reserve("DAI", price=None, collateral=False)
    pool["DAI"].supply(20_000)
    pool.open(collateral={"GOLD": ink}, debt={"DAI": Decimal(art)})
    return engine, pool


def begun(engine):
    """(tab in atoms, lot in lots) of each auction."""
    return pick(rows(engine, "kick"), "money", "quantity")


def left(pool):
    return pool["DAI"].row()["owed_lots"], pool["GOLD"].row()["supplied_lots"]


def cut(amount, unit) -> int:
    return int(Fraction(amount) * unit)


# --- bark --------------------------------------------------------------------------------------


def test_one_part_more_room_takes_all(kit):
    # maker-bark-dust-2, and one part less: the dust of 20 may stay
    for hole, tab, lot, debt in (("80.00000001", 100, 40, 0), (80, 80, 32, 20)):
        engine, pool = clip(kit, dust=20, collateral_holes=(("GOLD", Decimal(hole)),), hole=1000)
        engine.step()
        assert begun(engine) == [(tab * MONEY, lot * COIN)]
        assert left(pool) == (debt * MONEY, (40 - lot) * COIN)


def test_debt_with_interest_is_what_counts(kit):
    # maker-bark-rate-1: 100 at a rate of 1.02 are 102, of which a room of 100 leaves 2, below the dust
    engine, pool = clip(kit, art=102, dust=20, collateral_holes=(("GOLD", 100),), hole=1000)
    engine.step()
    assert begun(engine) == [(102 * MONEY, 40 * COIN)]
    # maker-bark-rate-2: a room of 81.6 leaves 20.4, which is the dust
    engine, pool = clip(kit, art=102, dust="20.4", collateral_holes=(("GOLD", Decimal("81.6")),))
    engine.step()
    assert begun(engine) == [(cut("81.6", MONEY), 32 * COIN)]
    assert left(pool) == (cut("20.4", MONEY), 8 * COIN)


def test_the_limit_of_all_cuts_the_tab(kit):
    # maker-bark-hole: 75 / 1.1 of debt, cut off; the tab is the debt and a tenth, cut off again
    engine, pool = clip(kit, dust=20, hole=75, penalty="0.1", collateral_holes=(("GOLD", 1000),))
    engine.step()
    tab = Fraction(74999999999999999999800000000000000000000000000, 10**45) * MONEY
    assert abs(begun(engine)[0][0] - tab) < 2  # the debt cut to an atom, and the tenth
    assert 0 <= left(pool)[0] - Fraction("31.818181818181818182") * MONEY < 1


@pytest.mark.parametrize(("art", "stays"), [("4745.45454544", 0), ("4745.45454545", 200 * MONEY)])
def test_the_limit_is_exceeded_only_for_dust(kit, art, stays):
    # maker-dog-exceed and maker-dog-noexceed, cut to 1e-8: the rest is just below the dust, and just it
    engine, pool = clip(
        kit, ink=4, art=art, price=1000, ratio=1, dust=200, hole=5000, penalty="0.1"
    )
    engine.step()
    tab = begun(engine)[0][0]
    assert left(pool)[0] == stays
    assert (tab > 5000 * MONEY) == (stays == 0)
    if not stays:
        assert abs(tab - Fraction(5219999999999999999998400, 10**21) * MONEY) < 2
    else:
        assert 0 <= 5000 * MONEY - tab < 2


def test_a_vault_that_is_just_covered_is_safe(kit):
    # maker-dog-safe
    engine, _ = clip(kit, ink=1, art=500, price=1000, ratio=1)
    assert engine.step().liquidated == 0
    engine, _ = clip(kit, ink=1, art=1000, price=1000, ratio=1)
    assert engine.step().liquidated == 0
    engine, _ = clip(kit, ink=1, art="1000.00000001", price=1000, ratio=1)
    assert engine.step().liquidated == 1


def test_no_auction_of_dust(kit):
    # maker-dog-dusty-auction: a first vault has a tab of 2850 of 3000; 150 / 1.1 are below the dust of 300
    engine, pool = clip(
        kit, ink=1, art="2590.90909091",
        price=1000, ratio=1, dust=300, hole=3000, penalty="0.1",
    )  # fmt: skip
    assert engine.step().liquidated == 1
    pool.open(collateral={"GOLD": 1}, debt={"DAI": 1500})
    result = engine.step()
    assert (result.liquidated, result.pending) == (0, 1)


# --- take --------------------------------------------------------------------------------------

#: the price believed stays at 4 while the coin sells at 5, so that somebody pays the first price of 5
LATE = {"oracle": {"delay": 10**6}, "penalty": "0.1", "dust": 20}


def test_never_more_than_the_tab(kit):
    # maker-take-at: 22 coins for 110, and 18 go back
    engine, pool = clip(kit, **LATE, liquidator={"gas": 0})
    engine.step(index={"GOLD": 5})
    assert pick(rows(engine, "take"), "quantity", "money") == [(22 * COIN, 110 * MONEY)]
    assert pick(rows(engine, "returned"), "quantity") == [(18 * COIN,)]
    assert left(pool) == (0, 18 * COIN)
    assert pool["DAI"].row()["treasury"] == 10 * MONEY


def test_a_take_leaves_the_least_tab_and_then_all_or_nothing(kit):
    # maker-take-chost: 20 coins for 100 would leave 10 of 22, so 17.6 are sold for 88
    engine, pool = clip(kit, **LATE, liquidator={"capital": 90, "calls": "single"})
    engine.step(index={"GOLD": 5})
    assert pick(rows(engine, "take"), "quantity", "money") == [(cut("17.6", COIN), 88 * MONEY)]
    assert pool["GOLD"].row()["auctioned"] == cut("22.4", COIN)
    assert pool["DAI"].row()["awaited"] == 12 * MONEY  # 100 of debt less 88
    # maker-take-nopartial: a part of a tab of 22, which is the least, is nothing
    engine, pool = clip(kit, art=20, ink=8, **LATE, liquidator={"capital": 21})
    engine.step(index={"GOLD": 5})
    assert begun(engine) == [(22 * MONEY, 8 * COIN)]
    assert rows(engine, "take") == []


# --- prices and resets -------------------------------------------------------------------------


def price_of(kit, engine, pool) -> int:
    """Of the oldest auction, in parts of 10**9 of an atom a lot."""
    if kit.name == "core":
        from cascade import _auctionentry

        return _auctionentry.auction_columns(engine, pool.number)[0][7]
    from reference.cascade import Cascade
    from reference.seizure import Seizure

    auctions = Seizure(Cascade(engine)).auctions
    return auctions.price(pool, pool.auctions.sales[0])


def test_the_stairstep_after_sixty_steps(kit):
    # maker-stair-60: rays there, parts of 1e18 here, and a price in parts of 1e-9 of an atom a lot
    engine, pool = clip(kit, curve=("stairstep", "0.99", 1))
    engine.step()
    engine.step(dt=60)
    exact = Fraction(2735783211953807380973706855, 10**27)
    found = Fraction(price_of(kit, engine, pool), 10**9) / (MONEY // COIN)
    assert 0 <= exact - found < Fraction(1, 10**10)


def test_a_reset_is_due_just_after_the_tail(kit):
    # maker-reset-tail
    engine, _ = clip(kit, curve=("linear", 36_000), tail=3600, cusp="0.5")
    engine.step()
    engine.step(index={"GOLD": 3}, dt=3600)
    assert rows(engine, "redo") == []
    engine.step(dt=1)
    redo = rows(engine, "redo")[0]
    assert redo["price"] * Fraction(1, 100) * Fraction(5, 4) == Fraction("3.75")


def test_a_reset_is_due_just_below_the_cusp(kit):
    # maker-reset-cusp
    engine, _ = clip(kit, curve=("linear", 3600), tail=3600, cusp="0.5")
    engine.step()
    engine.step(dt=1800)
    assert rows(engine, "redo") == []
    engine.step(dt=1)
    assert len(rows(engine, "redo")) == 1


@pytest.mark.parametrize(
    ("tip", "chip", "dust", "expected"),
    [
        (100, 0, 20, "100"),
        (100, "0.02", 20, "102.2"),
        (0, "0.02", 20, "2.2"),
        (0, "0.02", "100.00000001", "0"),
    ],
)
def test_a_reset_is_paid_for_unless_it_is_of_dust(kit, tip, chip, dust, expected):
    # maker-redo-incentive: a tab of 110, 40 coins at 4, and a least tab of 22, or just above the tab
    engine, _ = clip(kit, penalty="0.1", tip=tip, chip=chip, dust=dust, tail=10)
    engine.step()
    before = len(rows(engine, "incentive"))
    assert before == 1
    engine.step(dt=11)
    assert len(rows(engine, "redo")) == 1
    paid = pick(rows(engine, "incentive")[before:], "quantity")
    assert paid == ([(cut(expected, MONEY),)] if Fraction(expected) else [])


def test_the_documents_numbers(kit):
    # maker-docs-cusp: 1000 times 1.2 at first, a reset below 720, 1130 for a debt of 1000
    engine, pool = clip(
        kit, ink=1, art=1000, price=1000, buf="1.2", cusp="0.6", penalty="0.13",
        curve=("linear", 1000), tail=10**6,
    )  # fmt: skip
    engine.step()
    assert begun(engine) == [(1130 * MONEY, COIN)]
    assert price_of(kit, engine, pool) == 1200 * 10**9 * MONEY // COIN
    engine.step(dt=400)
    assert price_of(kit, engine, pool) == 720 * 10**9 * MONEY // COIN
    assert rows(engine, "redo") == []
    engine.step(dt="0.001")
    assert len(rows(engine, "redo")) == 1
