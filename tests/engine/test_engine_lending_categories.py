"""Categories of assets that move together: other terms for accounts that owe only of them, by hand."""

import pytest
from engine_kit import rows
from lending_setups import calls, lending_engine


def staked(kit, *, rules=None, eth=None):
    """ETH at 100 and stETH at 90, thresholds 0.8; in the category 0.95, ratio 0.9 and bonus 0.01."""
    engine, pool = lending_engine(kit, rules=rules, eth={"loan_to_value": "0.7", **(eth or {})})
    kit.market(engine, "stETH", rules={"feed": "index"}).set_index(90)
    terms = {"liquidation_threshold": "0.8", "loan_to_value": "0.7", "liquidation_bonus": "0.1"}
    pool.add_reserve("stETH", price="stETH", venue=None, **terms)
    pool["stETH"].supply(1000)
    pool.add_category(
        "ether",
        collateral=("ETH", "stETH"),
        borrowable=("ETH", "stETH"),
        liquidation_threshold="0.95",
        loan_to_value="0.9",
        liquidation_bonus="0.01",
    )
    return engine, pool


def state(pool) -> dict:
    return {name: pool[name].row() for name in ("ETH", "USD", "stETH")} | {
        "health": [str(float(x)) for x in pool.health]
    }


def test_terms_of_the_category_replace_those_of_the_reserves(kit):
    _, pool = staked(kit)
    # 100 stETH are worth 9000: 7200 and 8550 are borne, against 80 ETH worth 8000
    pool.open(collateral={"stETH": [100]}, debt={"ETH": [80]})
    pool.open(collateral={"stETH": [100]}, debt={"ETH": [80]}, category="ether")
    assert pool.health.tolist() == [0.9, 8550 / 8000]


def test_the_bonus_of_the_category_is_paid(kit):
    engine, pool = staked(kit, rules={"close_factor": ("fraction", "0.5")})
    account = int(pool.open(collateral={"stETH": [100]}, debt={"ETH": [80]}, category="ether")[0])
    engine.budget(accounts=1)
    # 100 * 84 * 0.95 = 7980 against 8000; half of 80 is repaid, 4000 * 1.01 / 84 = 48.1
    engine.step(index={"stETH": 84})
    assert calls(engine) == [(40, 48)]
    (liquidation,) = rows(engine, "liquidation")
    (seize,) = rows(engine, "seize")
    # markets: ETH 0, its sides 1 and 2, USD 3 and 4, stETH 5, sides 6 and 7, the category's 8 and 9
    assert (liquidation["account"], liquidation["market"], seize["market"]) == (account, 9, 9)
    assert pool["stETH"].row()["supplied_lots"] == 1052


def test_borrowing_up_to_the_ratio_of_the_category(kit):
    _, pool = staked(kit)
    account = int(pool.open(collateral={"stETH": [100]}, category="ether")[0])
    pool.borrow(account, "ETH", 81)  # 9000 * 0.9
    before = state(pool)
    for name in ("ETH", "stETH"):
        with pytest.raises(ValueError):
            pool.borrow(account, name, 1)
    assert state(pool) == before
    pool.deposit(account, "ETH", 10)  # 900 more at the category's terms
    pool.borrow(account, "ETH", 9)
    with pytest.raises(ValueError):
        pool.borrow(account, "ETH", 1)


def test_nothing_else_is_lent_in_a_category(kit):
    _, pool = staked(kit)
    account = int(pool.open(collateral={"stETH": [100]}, category="ether")[0])
    before = state(pool)
    with pytest.raises(ValueError, match="category"):
        pool.borrow(account, "USD", 1)
    with pytest.raises(ValueError, match="category"):
        pool.open(collateral={"stETH": [100]}, debt={"USD": [1]}, category="ether")
    assert state(pool) == before


def test_collateral_outside_the_category_keeps_its_terms(kit):
    _, pool = staked(kit)
    # USD is no collateral of it, and counts with its threshold of 0
    pool.open(collateral={"stETH": [100], "USD": [500]}, debt={"ETH": [80]}, category="ether")
    assert pool.health[0] == 8550 / 8000


def test_opting_in_and_out(kit):
    engine, pool = staked(kit)
    account = int(pool.open(collateral={"stETH": [100], "ETH": [1]}, debt={"ETH": [80]})[0])
    assert pool.health[account] == 7280 / 8000
    start = len(engine.events)
    pool.set_category(account, "ether")
    assert pool.health[account] == 8645 / 8000
    assert len(engine.events) == start + 1
    pool.set_category(account, "ether")  # nothing changes
    assert engine.step().liquidated == 0
    before = state(pool)
    with pytest.raises(ValueError, match="bear"):
        pool.set_category(account, None)  # 7280 against 8000
    assert state(pool) == before
    pool.repay(account, "ETH", 10)
    pool.set_category(account, None)
    one, two = rows(engine, "category")
    assert (one["account"], one["quantity"], one["order"]) == (account, 1, 0)
    assert (two["account"], two["quantity"], two["order"]) == (account, 0, 1)
    assert {(row["market"], row["cause"], row["wave"]) for row in (one, two)} == {(65535, -1, 0)}
    assert pool.health[account] == 7280 / 7000
    # 100 * p * 0.8 + 80 is below 7000 from p = 86 on
    assert engine.step(index={"stETH": 87}).liquidated == 0
    assert engine.step(index={"stETH": 86}).liquidated == 1


def test_opting_in_asks_that_all_debts_are_of_the_category(kit):
    _, pool = staked(kit)
    account = int(pool.open(collateral={"stETH": [100]}, debt={"USD": [10], "ETH": [1]})[0])
    before = state(pool)
    with pytest.raises(ValueError, match="category"):
        pool.set_category(account, "ether")
    with pytest.raises(KeyError):
        pool.set_category(account, "dollars")
    with pytest.raises(ValueError):
        pool.set_category(7, "ether")
    assert state(pool) == before


def test_outside_suppliers_cannot_redeem_what_accounts_have_in_a_category(kit):
    _, pool = staked(kit)
    pool.open(collateral={"stETH": [100]}, category="ether")
    with pytest.raises(ValueError):
        pool["stETH"].redeem(1001)
    pool["stETH"].redeem(1000)


def test_interest_reaches_deposits_of_a_category(kit):
    rate = kit.lending.KinkRate(base="0.1", slope1=0, slope2=0)
    engine, pool = staked(kit, eth={"interest": rate})
    pool.open(collateral={"ETH": [100_000]}, category="ether")
    pool.open(collateral={"stETH": [1000]}, debt={"ETH": [600]})
    before = engine.accounts.equity[0]
    engine.step(dt=365 * 86_400)
    # 60 lots of interest for 200,000 supplied: half of them belong to the account
    assert engine.accounts.equity[0] == before + 30 * 100
    assert pool["ETH"].row()["supplied_lots"] == 200_060


def test_a_category_is_stated_once(kit):
    _, pool = staked(kit)
    with pytest.raises(ValueError):
        pool.add_category(
            "ether", collateral=("ETH",), borrowable=("ETH",), liquidation_threshold="0.9"
        )
    with pytest.raises(KeyError):
        pool.add_category(
            "more", collateral=("XYZ",), borrowable=("ETH",), liquidation_threshold="0.9"
        )


def test_a_call_writes_off_the_debts_of_an_account_in_a_category(kit):
    rules = {"close_factor": "whole", "bad_debt": "deficit"}
    engine, pool = staked(kit, rules=rules)
    pool.open(collateral={"stETH": [100]}, debt={"ETH": [80]}, category="ether")
    # 100 * 70 / (100 * 1.01) = 69.3 ETH repay all the collateral; 80 - 70 are nobody's
    engine.step(index={"stETH": 70})
    assert calls(engine) == [(70, 100)]
    assert pool["ETH"].row()["deficit"] == 10
    assert engine.totals()["lending"]["pool"]["stETH"]["seized"] == 100
    engine.validate()


def test_a_category_has_collateral(kit):
    _, pool = staked(kit)
    with pytest.raises(ValueError, match="collateral"):
        pool.add_category("none", collateral=(), borrowable=("ETH",), liquidation_threshold="0.9")


def test_loops_in_a_category(kit):
    _, pool = staked(kit)
    # 0.9 of 9000 is the most a category's account may owe; of itself 0.7
    terms = {"leverage": 100, "amount": 100}
    inside = int(pool.loop("stETH", "ETH", **terms, swap=False, category="ether")[0])
    plain = int(pool.open(collateral={"stETH": [100]})[0])
    coined = int(pool.open(collateral={"stETH": [100]}, category="ether")[0])
    assert pool.borrowable(plain, "ETH") == 63
    assert pool.borrowable(coined, "ETH") == 81
    assert pool.borrowable(coined, "USD") == 0
    assert pool.health[inside] == pytest.approx(100 * 0.95 / 99, rel=1e-3)
