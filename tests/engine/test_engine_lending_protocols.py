"""What protocols answer differently about caps, fees, collateral that counts nothing and deficits, by hand."""

import pytest
from engine_kit import core_kit, rows
from lending_setups import borrower, lending_engine

import cascade as cs

YEAR = 365 * 86_400


# --- caps ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("bound", "most"), [("at_or_below", 1000), ("below", 999)])
def test_a_borrow_cap_is_met_or_stayed_below(kit, bound, most):
    _, pool = lending_engine(kit, rules={"borrow_bound": bound}, usd={"borrow_cap": 1000})
    account = borrower(pool, 100, 1)
    assert pool.borrowable(account, "USD") == most - 1
    with pytest.raises(ValueError):
        pool.borrow(account, "USD", most)
    pool.borrow(account, "USD", most - 1)
    assert pool["USD"].row()["owed_lots"] == most
    with pytest.raises(ValueError):
        pool.open(collateral={"ETH": [10]}, debt={"USD": [1]})


@pytest.mark.parametrize(("bound", "most"), [("at_or_below", 500), ("below", 499)])
def test_a_supply_cap_is_met_or_stayed_below(kit, bound, most):
    _, pool = lending_engine(kit, rules={"supply_bound": bound}, eth={"supply_cap": 100_000 + 500})
    with pytest.raises(ValueError):
        pool["ETH"].supply(most + 1)
    pool["ETH"].supply(most - 7)
    pool.open(collateral={"ETH": [7]})
    assert pool["ETH"].row()["supplied_lots"] == 100_000 + most


@pytest.mark.parametrize(("capped", "most"), [(False, 100_000), (True, 60_000)])
def test_a_supply_cap_may_count_the_treasury(kit, capped, most):
    rate = kit.lending.FixedRate("0.5")
    usd = {"supply_cap": 1_100_000, "interest": rate, "reserve_factor": 1}
    engine, pool = lending_engine(kit, rules={"treasury_capped": capped}, usd=usd)
    borrower(pool, 2000, 80_000)
    # half of 80,000 in a year, all for the treasury
    engine.step(dt=YEAR)
    assert pool["USD"].row()["treasury"] == 40_000
    with pytest.raises(ValueError):
        pool["USD"].supply(most + 1)
    pool["USD"].supply(most)
    engine.validate()


# --- collateral that counts nothing ----------------------------------------------------------------


def two_collaterals(kit, uncounted, **rules):
    """10 coins at 1,200 that bear 80 %, 5,000 of money that bears nothing, 8,000 owed; then at 500."""
    engine = kit.engine()
    kit.market(engine, "C", rules={"feed": "index"}).set_index(1200)
    rules = kit.lending.LendingRules(uncounted=uncounted, bad_debt="deficit", **rules)
    pool = engine.lending.add("pool", rules=rules)
    terms = {"liquidation_bonus": "0.05", "venue": None}
    pool.add_reserve("C", price="C", liquidation_threshold="0.8", **terms)
    pool.add_reserve("D", price=None, borrowable=False, liquidation_threshold=0, **terms)
    pool.add_reserve("USD")
    pool["USD"].supply(100_000)
    pool.open(collateral={"C": [10], "D": [5000]}, debt={"USD": [8000]})
    result = engine.step(index={"C": 500})
    engine.validate()
    return engine, pool, result


def test_collateral_without_a_threshold_is_spared_and_keeps_no_debt_alive(kit):
    engine, pool, result = two_collaterals(kit, "spared")
    # 10 coins of 500 pay for 5,000 / 1.05 = 4,761.9, up; the other 3,238 are written off
    repaid = [row["quantity"] for row in rows(engine, "repay") if row["cause"] >= 0]
    assert (result.liquidated, repaid) == (1, [4762])
    assert pool["USD"].row()["deficit"] == result.bad_debt_atoms == 3238
    assert (pool["C"].row()["supplied"], pool["D"].row()["supplied"]) == (0, 5000)


def test_collateral_without_a_threshold_is_seized_where_no_rule_spares_it(kit):
    engine, pool, result = two_collaterals(kit, "seized")
    # then 3,238 * 1.05 = 3,399.9, down, of the money
    assert (result.liquidated, result.bad_debt_atoms) == (2, 0)
    assert [row["quantity"] for row in rows(engine, "seize")] == [10, 3399]
    assert pool["D"].row()["supplied"] == 1601


def test_an_account_with_nothing_else_waits(kit):
    engine, pool, _ = two_collaterals(kit, "spared", health="average")
    pool["USD"].supply(1000)
    account = int(pool.open(collateral={"D": [500]}, debt={"USD": [100]})[0])
    result = engine.step()
    assert (result.liquidated, result.pending) == (0, 1)
    assert pool.health[account] == 0
    if kit.name == "core":
        assert pool.waiting()["reason"].tolist() == ["closed"]


def test_which_collateral_counts_is_asked_of_the_category(kit):
    # D has a threshold in the category: 5,000 * 0.9 + 10 * 500 * 0.9 = 9,000 bear 8,000; at 250 they do not
    engine, pool, _ = two_collaterals(kit, "spared")
    pool.add_category(
        "both", collateral=("C", "D"), borrowable=("USD",), liquidation_threshold="0.9",
        liquidation_bonus="0.05",
    )  # fmt: skip
    pool.open(collateral={"C": [10], "D": [5000]}, debt={"USD": [8000]}, category="both")
    assert engine.step(dt=1).liquidated == 0
    assert engine.step(index={"C": 250}).liquidated > 0
    assert pool["D"].row()["supplied"] < 10_000


# --- fees ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("own", "fee"), [(None, 8), ("0.1", 1), (0, 0), (1, 16)])
def test_a_reserve_has_a_fee_of_its_own(kit, own, fee):
    engine, pool = lending_engine(
        kit,
        rules={"fee": "0.5"},
        price=10,
        eth={"liquidation_bonus": "0.1", "liquidation_fee": own},
    )
    borrower(pool, 200, 1000)
    engine.step(index={"ETH": 6})
    # 1,000 * 1.1 / 6 = 183.3, of which 183 / 1.1 = 166.4, up, are without the bonus: 16 of it
    (seize,) = rows(engine, "seize")
    assert (seize["quantity"], seize["money"]) == (183, fee)
    assert pool["ETH"].row()["treasury"] == fee
    engine.validate()


def test_a_fee_on_repayments_is_one_for_all(kit):
    with pytest.raises(ValueError, match="liquidation_fee"):
        lending_engine(kit, rules={"fee_on": "repay"}, eth={"liquidation_fee": "0.1"})


@pytest.mark.parametrize("close", [("absorb", "0.5", 0), "trove"])
def test_a_fee_is_of_calls(close):
    pool = cs.Engine().lending.add("pool", rules=cs.LendingRules(close_factor=close))
    with pytest.raises(ValueError, match="liquidation_fee"):
        pool.add_reserve("USD", liquidation_fee="0.1")


@pytest.mark.parametrize("fee", [-1, 2, "a", True])
def test_a_fee_is_a_share(fee):
    pool = cs.Engine().lending.add("pool")
    with pytest.raises((TypeError, ValueError), match="liquidation_fee"):
        pool.add_reserve("USD", liquidation_fee=fee)


# --- deficits --------------------------------------------------------------------------------------


def test_a_deficit_is_paid_from_outside(kit):
    engine, pool, _ = two_collaterals(kit, "spared")
    before = pool["USD"].row()
    pool["USD"].burn_deficit(3000)
    after = pool["USD"].row()
    assert (after["deficit"], after["cash"]) == (238, before["cash"] + 3000)
    for amount in (239, 0, -1):
        with pytest.raises(ValueError):
            pool["USD"].burn_deficit(amount)
    last = rows(engine, "repay")[-1]
    assert (last["account"], last["quantity"], last["money"], last["cause"]) == (-1, 3000, 3000, -1)
    pool["USD"].pause()
    with pytest.raises(ValueError, match="paused"):
        pool["USD"].burn_deficit(1)
    assert pool["USD"].row()["deficit"] == 238
    engine.validate()


def test_what_is_stated_is_in_copies_and_snapshots(tmp_path):
    engine, pool, _ = two_collaterals(core_kit(), "spared", supply_bound="below", isolation=False)
    pool.add_reserve("E", price="C", venue=None, liquidation_fee="0.25", supply_cap=10)
    pool["USD"].burn_deficit(38)
    engine.save(tmp_path / "engine.npz")
    for other in (engine.copy(), cs.Engine.load(tmp_path / "engine.npz")):
        mine = other.lending["pool"]
        assert (mine.rules, mine["E"].given) == (pool.rules, pool["E"].given)
        assert mine["E"].given["fee"] == 250_000_000
        assert other.state_hash() == engine.state_hash()
        assert other.totals() == engine.totals()
        with pytest.raises(ValueError):
            mine["E"].supply(10)
        mine["E"].supply(9)
        other.validate()


# --- storefronts -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("target", "sold"), [(424, False), (425, True)])
def test_the_target_of_reserves_is_in_units_of_what_is_borrowed(kit, target, sold):
    engine = kit.engine()
    for name, price in (("X", 100), ("B", 10)):
        kit.market(engine, name, rules={"feed": "index"}).set_index(price)
    rules = kit.lending.LendingRules(close_factor=("absorb", "0.5", target))
    comet = engine.lending.add("comet", rules=rules)
    comet.add_reserve(
        "X", price="X", venue=None, liquidation_threshold="0.8", liquidation_factor="0.9",
        borrowable=False,
    )  # fmt: skip
    rate = kit.lending.FixedRate("0.1")
    comet.add_reserve("B", price="B", venue=None, interest=rate, reserve_factor=1, collateral=False)
    comet["B"].supply(20_000)
    comet.open(collateral={"X": [3000]}, debt={"B": [10_000]})
    engine.step(dt=YEAR)
    assert comet["B"].row()["treasury"] == 1000
    comet.open(collateral={"X": [80]}, debt={"B": [550]})
    engine.step(index={"X": 80}, dt=0)
    # 80 * 80 * 0.9 are 576 of what is borrowed: 1,000 - 576 = 424, worth 4,240. All 80 cost 76 each: 608
    row = comet["B"].row()
    assert (row["treasury"], comet["X"].row()["absorbed"]) == ((1032, 0) if sold else (424, 80))
    engine.validate()


# --- what is no number or no column ----------------------------------------------------------------


def test_the_backstop_is_told_in_units():
    engine = cs.Engine(asset_decimals=2)
    market = engine.add_market(
        "ETH", tick_size=1, lot_size=1, rules=cs.Rules(tiers=((0, 0),), feed="index")
    )
    market.set_index(100)
    pool = engine.lending.add("pool", rules=cs.LendingRules(stop_gap=(("backstop", "12.5"),)))
    pool.add_reserve("ETH", price="ETH", venue=None, liquidation_threshold="0.8")
    assert pool.backstop == {"capital": 12.5, "profit": 0, "calls": 0}


@pytest.mark.parametrize("dt", [True, b"1", "one", None])
def test_a_time_is_a_number(dt):
    with pytest.raises(TypeError, match="dt"):
        cs.Engine().step(dt=dt)


@pytest.mark.parametrize("amount", [b"1", True, None, [1]])
def test_an_amount_is_a_number(amount):
    _, pool = lending_engine(core_kit())
    account = borrower(pool, 10, 1)
    for call in (pool.deposit, pool.withdraw, pool.borrow, pool.repay):
        with pytest.raises(TypeError, match="amount"):
            call(account, "ETH", amount)
    with pytest.raises(TypeError, match="gas"):
        cs.Liquidator(gas=amount)


@pytest.mark.parametrize("amount", [b"1", True, None])
def test_amounts_of_columns_are_numbers(amount):
    _, pool = lending_engine(core_kit())
    with pytest.raises(TypeError, match="ETH"):
        pool.open(collateral={"ETH": amount})
    assert len(pool.health) == 0
