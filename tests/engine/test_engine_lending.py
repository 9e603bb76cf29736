"""Calls on borrowers, docs/lending-market.md: who is due, how much one call repays and seizes, by hand."""

import pytest
from engine_kit import rows
from lending_setups import borrower, calls, lending_engine

# --- health ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("trigger", "due"), [("<", 0), ("<=", 1)])
def test_health_of_exactly_one_is_due_only_when_the_rules_say_so(kit, trigger, due):
    # 100 lots at 100 bear 10,000 * 0.8 = 8,000
    engine, pool = lending_engine(kit, rules={"trigger": trigger})
    account = borrower(pool, 100, 8000)
    assert pool.health[account] == 1
    assert engine.step().liquidated == due


def test_one_atom_more_than_is_borne_is_due(kit):
    engine, pool = lending_engine(kit, rules={"close_factor": ("fraction", "0.5")})
    borrower(pool, 100, 8001)
    engine.step()
    # floor(8001 / 2), and 4000 * 1.05 / 100
    assert calls(engine)[0] == (4000, 42)


def test_a_debt_counts_over_its_borrow_factor_rounded_up(kit):
    # 7200 / 0.9 = 8000 exactly; 7201 / 0.9 = 8001.1, up 8002
    engine, pool = lending_engine(kit, usd={"borrow_factor": "0.9"})
    borrower(pool, 100, 7200)
    assert engine.step().liquidated == 0
    other = borrower(pool, 100, 7201)
    assert pool.health[other] == 8000 / 8002
    assert engine.step().liquidated == 1


def test_without_debts_health_is_infinite_and_nobody_is_due(kit):
    engine, pool = lending_engine(kit, rules={"trigger": "<="}, eth={"liquidation_threshold": 0})
    pool.open(collateral={"ETH": [5]})
    assert str(float(pool.health[0])) == "inf"
    assert engine.step(index={"ETH": 1}).liquidated == 0


def test_accounts_of_others_have_no_health(kit):
    engine, pool = lending_engine(kit)
    engine.accounts.create(1, balance=10)
    borrower(pool, 100, 4000)
    assert [str(float(x)) for x in pool.health] == ["nan", "2.0"]


def test_the_price_that_makes_an_account_due_is_met_to_the_tick(kit):
    # 100 * p * 0.8 < 7200 below p = 90
    engine, pool = lending_engine(kit)
    borrower(pool, 100, 7200)
    assert engine.step(index={"ETH": 90}).liquidated == 0
    assert engine.step(index={"ETH": 89}).liquidated == 1


def test_a_rise_of_what_is_owed_makes_due_too(kit):
    engine, pool = lending_engine(kit, usd={"liquidation_threshold": "0.9"})
    pool.open(collateral={"USD": [10_000]}, debt={"ETH": [80]})
    # 9000 against 80 * 112 = 8960 and 80 * 113 = 9040
    assert engine.step(index={"ETH": 112}).liquidated == 0
    assert engine.step(index={"ETH": 113}).liquidated == 1


# --- close factors -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("debt", "repaid"),
    [
        (8000, 8000),  # 95 * 100 * 0.8 = 7600, health exactly 0.95: all of it
        (7999, 3999),  # above 0.95: half, down
    ],
)
def test_threshold_close_factor_at_its_edge(kit, debt, repaid):
    engine, pool = lending_engine(kit, rules={"close_factor": ("threshold", "0.5", "0.95")})
    borrower(pool, 100, debt)
    engine.step(index={"ETH": 95})
    assert calls(engine)[0][0] == repaid


def test_whole_close_factor(kit):
    engine, pool = lending_engine(kit)
    borrower(pool, 100, 8100)
    engine.step()
    # 8100 * 1.05 / 100 = 85.05
    assert calls(engine) == [(8100, 85)]


@pytest.mark.parametrize(
    ("least", "repaid"),
    [
        (8100, 4050),  # debt worth exactly the least: half
        (8101, 8100),  # a debt below it: all
    ],
)
def test_position_close_factor_is_for_large_positions(kit, least, repaid):
    engine, pool = lending_engine(kit, rules={"close_factor": ("position", "0.5", "0.95", least)})
    borrower(pool, 100, 8100)
    engine.step()
    assert calls(engine)[0][0] == repaid


def test_position_close_factor_takes_its_share_of_all_debts(kit):
    # debts 6000 USD and 30 ETH worth 3000: 4500 of the 6000 may be repaid at once
    rules = {"close_factor": ("position", "0.5", "0.9", 1000)}
    engine, pool = lending_engine(kit, rules=rules)
    pool.open(collateral={"ETH": [112]}, debt={"USD": [6000], "ETH": [30]})
    engine.step()  # 8960 against 9000
    assert calls(engine)[0] == (4500, 47)


def test_target_close_factor_brings_health_to_the_target(kit):
    engine, pool = lending_engine(kit, rules={"close_factor": ("target", "1.1")})
    account = borrower(pool, 100, 9000)
    engine.step()
    # (1.1 * 9000 - 8000) / (1.1 - 0.8 * 1.05) = 1900 / 0.26 = 7307.7, up; 7308 * 1.05 / 100 = 76.7
    assert calls(engine) == [(7308, 76)]
    assert pool.health[account] == 24 * 80 / 1692  # above 1.1 by the lot that rounding left


def test_target_that_a_call_cannot_reach_takes_the_whole_debt(kit):
    # 0.96 * 1.05 = 1.008 is above the target of 1
    engine, pool = lending_engine(
        kit,
        rules={"close_factor": ("target", 1), "toxic_terms": True},
        eth={"liquidation_threshold": "0.96"},
    )
    borrower(pool, 100, 9700)
    engine.step()
    # 9700 * 1.05 / 100 = 101.9: all 100 lots, for which 100 * 100 / 1.05 = 9523.8 is repaid, up
    assert calls(engine) == [(9524, 100)]


# --- bonuses and fees --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bonus", "seized"),
    [
        ("fixed", 52),  # 5000 * 1.05 / 100
        (("health", "0.02", "0.5"), 61),  # 0.02 and the 0.2 lacking: 5000 * 1.22 / 100
        (("health", "0.02", "0.15"), 57),  # no more than 0.15: 57.5
        (("discount", "0.5"), 62),  # a discount of 0.2: 5000 * 1.25 / 100 = 62.5
        (("discount", "0.1"), 55),  # of 0.1: 55.55
        ("covered", 50),  # collateral is worth no more than the debt
    ],
)
def test_bonus(kit, bonus, seized):
    # 100 lots at 100 and 10,000 owed: health 0.8, it lacks 0.2
    engine, pool = lending_engine(kit, rules={"close_factor": ("fraction", "0.5"), "bonus": bonus})
    borrower(pool, 100, 10_000)
    engine.budget(accounts=1)
    engine.step()
    assert calls(engine) == [(5000, seized)]


@pytest.mark.parametrize(
    ("debt", "seized"),
    [
        (9600, 49),  # 10,000 / 9600 - 1 = 0.041666666, down: 4800 * 1.041666666 / 100 = 49.99999997
        (9000, 47),  # 0.111 is above the reserve's 0.05: 4500 * 1.05 / 100 = 47.25
    ],
)
def test_covered_bonus_is_what_collateral_exceeds_debts_by(kit, debt, seized):
    engine, pool = lending_engine(
        kit, rules={"close_factor": ("fraction", "0.5"), "bonus": "covered"}
    )
    borrower(pool, 100, debt)
    engine.budget(accounts=1)
    engine.step()
    assert calls(engine) == [(debt // 2, seized)]


def test_fee_is_a_share_of_the_bonus_and_goes_to_the_treasury(kit):
    engine, pool = lending_engine(kit, rules={"fee": "0.5"})
    before = pool["ETH"].row()
    borrower(pool, 1000, 80_100)
    engine.step()
    # seized floor(80,100 * 1.05 / 100) = 841; earned 841 - ceil(841 / 1.05) = 841 - 801 = 40; half: 20
    assert calls(engine) == [(80_100, 841)]
    after = pool["ETH"].row()
    assert after["treasury"] == 20
    assert after["cash"] == before["cash"] + 1000 - 821
    assert [row["money"] for row in rows(engine, "seize")] == [20]


# --- dust --------------------------------------------------------------------------------------


def test_dust_rule_passes_over_sizes_that_leave_too_little(kit):
    # half of 30,000 leaves 15,000 of debt, below 16,000; half of that leaves 22,500
    rules = {"close_factor": ("fraction", "0.5"), "min_leftover": 16_000}
    engine, pool = lending_engine(kit, rules=rules)
    borrower(pool, 370, 30_000)
    engine.budget(accounts=1)
    engine.step()
    # 7500 * 1.05 / 100 = 78.75
    assert calls(engine) == [(7500, 78)]


def test_deadlock_where_every_size_leaves_dust(kit):
    rules = {"close_factor": ("fraction", "0.5"), "min_leftover": 5000}
    engine, pool = lending_engine(kit, rules=rules)
    account = borrower(pool, 37, 3000)
    result = engine.step()
    assert (result.liquidated, result.pending) == (0, 1)
    assert calls(engine) == []
    assert pool.health[account] == 2960 / 3000


def test_nothing_left_of_the_debt_is_no_dust(kit):
    engine, pool = lending_engine(kit, rules={"min_leftover": 5000})
    borrower(pool, 37, 3000)
    engine.step()
    assert calls(engine) == [(3000, 31)]


# --- bad debt ----------------------------------------------------------------------------------


def underwater(kit, rule, **more):
    """100 lots at 90 against 9600: all lots for ceil(9000 / 1.05) = 8572, and 1028 owed without any."""
    engine, pool = lending_engine(kit, rules={"bad_debt": rule}, **more)
    borrower(pool, 100, 9600)
    engine.step(index={"ETH": 90})
    assert calls(engine)[0] == (8572, 100)
    assert [row["quantity"] for row in rows(engine, "bad_debt")] == [1028]
    return engine, pool


def test_bad_debt_stays(kit):
    engine, pool = underwater(kit, "stays")
    assert pool["USD"].row()["owed_lots"] == 1028
    assert pool["USD"].row()["deficit"] == 0
    assert engine.step(index={"ETH": 80}).liquidated == 0


def test_bad_debt_becomes_a_deficit(kit):
    _, pool = underwater(kit, "deficit")
    row = pool["USD"].row()
    assert (row["owed_lots"], row["deficit"], row["treasury"]) == (0, 1028, 0)


def test_bad_debt_is_taken_from_the_treasury(kit):
    _, pool = underwater(kit, "reserves")
    row = pool["USD"].row()
    assert (row["owed_lots"], row["deficit"], row["treasury"]) == (0, 0, -1028)


def test_bad_debt_is_borne_by_suppliers(kit):
    _, pool = underwater(kit, "suppliers")
    row = pool["USD"].row()
    # 1,000,000 supplied: the index falls by 0.001028
    assert row["supply_index"] == 10**18 - 1028 * 10**12
    assert (row["supplied_lots"], row["cash"], row["owed_lots"]) == (998_972, 998_972, 0)


def test_bad_debt_in_the_result(kit):
    engine, pool = lending_engine(kit)
    borrower(pool, 100, 9600)
    result = engine.step(index={"ETH": 90})
    assert (result.liquidated, result.bad_debt_atoms, result.notional_atoms) == (1, 1028, 8572)


# --- cash, pauses ------------------------------------------------------------------------------


def test_no_more_is_seized_than_the_reserve_has_cash(kit):
    engine, pool = lending_engine(kit, usd={"liquidation_threshold": "0.9"})
    pool["ETH"].redeem(100_000)
    borrower(pool, 100, 8100)
    pool.open(collateral={"USD": [100_000]}, debt={"ETH": [80]})
    engine.budget(accounts=1)
    engine.step()
    # 20 lots are there: 20 * 100 / 1.05 = 1904.8 is repaid for them, up
    assert calls(engine) == [(1905, 20)]
    assert pool["ETH"].row()["cash"] == 0


@pytest.mark.parametrize("name", ["ETH", "USD"])
def test_a_paused_reserve_is_left_out_of_liquidations(kit, name):
    engine, pool = lending_engine(kit)
    borrower(pool, 100, 8100)
    pool[name].pause()
    assert engine.step().liquidated == 0
    pool[name].pause(False)
    assert engine.step().liquidated == 1


def test_liquidations_wait_for_the_time_of_grace(kit):
    engine, pool = lending_engine(kit)
    borrower(pool, 100, 8100)
    pool["ETH"].pause()
    engine.step(dt=1)
    pool["ETH"].pause(False, grace=3)
    assert [engine.step(dt=1).liquidated for _ in range(4)] == [0, 0, 1, 0]


def test_a_frozen_reserve_is_liquidated(kit):
    engine, pool = lending_engine(kit)
    borrower(pool, 100, 8100)
    pool["ETH"].freeze()
    pool["USD"].freeze()
    assert engine.step().liquidated == 1


# --- events ------------------------------------------------------------------------------------


def test_events_of_a_call(kit):
    engine, pool = lending_engine(kit)
    account = borrower(pool, 100, 7600)
    start = len(engine.events)
    engine.step(index={"ETH": 94})  # bears 7520
    found = rows(engine, start=start)
    kinds = [row["kind"] for row in found]
    # INDEX, MARK, ORACLE, MARK of both sides; LIQUIDATION, SEIZE, REPAY, HEALTH
    assert kinds == [5, 4, 33, 4, 4, 6, 38, 37, 39]
    supplied, borrowed = 1, 4
    oracle = found[2]
    assert (oracle["market"], oracle["price"], oracle["money"]) == (supplied, 94, 100)
    assert oracle["cause"] == start + 1
    liquidation = found[5]
    assert liquidation["cause"] == start + 3
    # 7600 * 1.05 / 94 = 84.9
    assert [liquidation[x] for x in ("account", "market", "side", "price", "quantity", "money")] == [
        account, supplied, 1, 94, 84, -80,
    ]  # fmt: skip
    assert liquidation["wave"] == 1
    seize, repay, health = found[6:9]
    assert {row["cause"] for row in (seize, repay, health)} == {start + 5}
    assert (seize["market"], seize["quantity"], seize["money"], seize["counterparty"]) == (
        supplied, 84, 0, -1,
    )  # fmt: skip
    assert (repay["market"], repay["quantity"], repay["money"], repay["counterparty"]) == (
        borrowed, 7600, 7600, -1,
    )  # fmt: skip
    # 7520 / 7600 = 0.98947..., and no debt afterwards
    assert (health["market"], health["order"], health["quantity"], health["side"]) == (
        supplied, 989_473_684, 2**62, 0,
    )  # fmt: skip
