"""Debts that calls leave as dust, and reserves in grace, docs/lending-market.md: what protocols do, by hand."""

import pytest
from engine_kit import rows
from lending_setups import calls, four_reserves, held

AAVE = {"close_factor": ("position", "0.5", "0.95", 2000), "min_leftover": 1000}


@pytest.mark.parametrize("grace", [False, True])
def test_a_debt_under_grace_counts_in_the_cap_and_pushes_a_call_into_dust(kit, grace):
    # 2100 USD and 1900 DAI: half of all is 2000, which leaves 100 USD; of the USD alone it would be 1050
    engine, pool = four_reserves(kit, **AAVE, liquidator={"halvings": 0})
    account = int(pool.open(collateral={"ETH": 51}, debt={"USD": 2100, "DAI": 1900})[0])
    if grace:
        pool["DAI"].pause()
        pool["DAI"].pause(False, grace=1000)
    result = engine.step(index={"ETH": 97})  # 3957.6 of 4000
    if not grace:
        # the pair of DAI is all repaid, which leaves no dust
        assert calls(engine) == [(1900, 20)]
        return
    assert (result.liquidated, result.pending) == (0, 1)
    # as it would without the other debt, or with a smaller size
    alone, other = four_reserves(kit, **AAVE, liquidator={"halvings": 0})
    other.open(collateral={"ETH": 27}, debt={"USD": 2100})
    alone.step(index={"ETH": 97})  # 2095.2 of 2100
    assert calls(alone) == [(1050, 11)]
    # when the grace is over the other pair can be called
    engine.step(dt=1000)
    assert calls(engine)[0] == (1900, 20)
    assert held(kit, pool, account)["USD", "owes"] <= 2100


def test_deadlock_by_the_bonus_while_only_half_may_be_repaid(kit):
    # threshold 0.95 and bonus 0.01: between health 0.95 and 0.9595 half of 2000 leaves 2004 - 1010 = 994 of
    # collateral, which is dust; a call of half the size is none, and ends below 0.95
    def of(halvings):
        engine = kit.engine()
        kit.market(engine, "C", rules={"feed": "index"}).set_index(2)
        pool = engine.lending.add("pool", rules=kit.lending.LendingRules(**AAVE))
        pool.add_reserve(
            "C", price="C", venue=None, liquidation_threshold="0.95", liquidation_bonus="0.01"
        )
        pool.add_reserve("USD")
        pool["USD"].supply(10_000)
        engine.liquidators.add(kit.lending.Liquidator(halvings=halvings))
        pool.open(collateral={"C": 2004}, debt={"USD": 2000})
        found = [engine.step(index={"C": 1}) for _ in range(4)]
        return engine, found

    engine, found = of(0)
    assert [(r.liquidated, r.pending) for r in found] == [(0, 1)] * 4
    engine, found = of(1)
    # 505 for 500: 1499 * 0.95 = 1424.05 of 1500, below 0.95: all of it may go
    assert calls(engine)[0] == (500, 505)
    assert calls(engine)[1] == (1485, 1499)
    assert found[-1].pending == 0


def test_a_paused_collateral_keeps_its_account_and_counts_for_its_health(kit):
    engine, pool = four_reserves(kit)
    account = int(pool.open(collateral={"ETH": 100, "BTC": 1}, debt={"USD": 8600})[0])
    pool["ETH"].pause()
    engine.step(index={"BTC": 800})
    # 8560 of 8600: BTC is taken, at 800 over 1.05; the ETH is not
    assert calls(engine) == [(762, 1)]
    assert held(kit, pool, account) == {("ETH", "has"): 100, ("USD", "owes"): 7838}


def test_dust_of_a_pair_is_no_dust_of_the_account(kit):
    # each pair is looked at by itself: a call that leaves nothing of its debt may leave little of another
    engine, pool = four_reserves(kit, min_leftover=10_000)
    account = int(pool.open(collateral={"ETH": 120}, debt={"USD": 6000, "DAI": 4000})[0])
    engine.step(index={"ETH": 95})
    # 9120 of 10,000; 6300 / 95, and 54 * 95 * 0.8 = 4104 are enough for the 4000
    assert calls(engine) == [(6000, 66)]
    assert held(kit, pool, account) == {("ETH", "has"): 54, ("DAI", "owes"): 4000}


@pytest.mark.parametrize(("debt", "done"), [(2868, []), (2856, [(952, 999)])])
def test_a_third_of_the_debt_that_leaves_dust_of_the_collateral_is_no_call(kit, debt, done):
    # as Aave v3.3's suite: 956 repaid would take 1003 of 2000 and leave 997; 952 leave 1001
    engine = kit.engine()
    kit.market(engine, "C", rules={"feed": "index"}).set_index(1)
    rules = {"close_factor": ("fraction", "0.333333334"), "min_leftover": 1000}
    pool = engine.lending.add("pool", rules=kit.lending.LendingRules(**rules))
    pool.add_reserve(
        "C", price="C", venue=None, liquidation_threshold="0.8", liquidation_bonus="0.05"
    )
    pool.add_reserve("USD")
    pool["USD"].supply(10_000)
    engine.liquidators.add(kit.lending.Liquidator(halvings=0, calls="single"))
    pool.open(collateral={"C": 2000}, debt={"USD": debt})
    engine.step()
    assert calls(engine) == done


def test_a_paused_collateral_keeps_a_debt_from_being_written_off(kit):
    engine, pool = four_reserves(kit, bad_debt="deficit")
    account = int(pool.open(collateral={"ETH": 100, "BTC": 1}, debt={"USD": 8600})[0])
    pool["BTC"].pause()
    engine.step(index={"ETH": 50, "BTC": 800})
    # 100 at 50 over 1.05, up; one BTC is left, and the debt with it
    assert calls(engine) == [(4762, 100)]
    assert rows(engine, "bad_debt") == []
    pool["BTC"].pause(False)
    engine.step()
    assert calls(engine)[1:] == [(762, 1)]
    assert pool["USD"].row()["deficit"] == 8600 - 4762 - 762
    assert held(kit, pool, account) == {}


def test_only_accounts_with_the_collateral_are_looked_at(kit):
    # zero crosses the guards of its holders that owe, and of nobody else
    engine, pool = four_reserves(kit, zero_price="skipped")
    pool.open(collateral={"BTC": [10] * 50}, debt={"USD": [1000] * 50})
    pool.open(collateral={"ETH": [10] * 5})
    pool.open(collateral={"ETH": [100] * 3}, debt={"USD": [1000] * 3})
    engine.step()
    pool["ETH"].fail_oracle("zero")
    found = engine.step()
    assert found.pending == 3
    if kit.name == "core":
        assert found.resolved <= 6
