"""Terms of accounts: isolated collateral and its ceiling, siloed debts, the sentinel, caps; by hand."""

from decimal import Decimal

import pytest
from engine_kit import rows
from lending_setups import borrower, calls, lending_engine, numbers


def isolated(kit, *, ceiling=1000, usd=None, rules=None):
    """ETH at 100 is isolated with a ceiling of 1000; USD may be owed against it, X (at 10) may not."""
    engine, pool = lending_engine(
        kit,
        rules=rules,
        eth={"debt_ceiling": ceiling},
        usd={"borrowable_in_isolation": True, "liquidation_threshold": "0.9", **(usd or {})},
    )
    kit.market(engine, "X", rules={"feed": "index"}).set_index(10)
    pool.add_reserve("X", price="X", venue=None, liquidation_threshold="0.8")
    pool["X"].supply(10_000)
    return engine, pool


def counted(pool) -> int:
    return pool["ETH"].row()["isolated_debt"]


def refused(pool, call, *arguments, match=None):
    before = numbers(pool)
    with pytest.raises(ValueError, match=match):
        getattr(pool, call)(*arguments)
    assert numbers(pool) == before


def test_the_published_ceiling(kit):
    """aave-v3-core isolation-mode.spec.ts: 10, 10, then 100 against a ceiling of 100.00."""
    _, pool = isolated(kit, ceiling=100)
    account = int(pool.open(collateral={"ETH": [10]})[0])
    pool.borrow(account, "USD", 10)
    assert counted(pool) == 1000
    pool.borrow(account, "USD", 10)
    assert counted(pool) == 2000
    refused(pool, "borrow", account, "USD", 100, match="debt_ceiling")
    pool.borrow(account, "USD", 80)
    assert counted(pool) == 10_000


def test_the_ceiling_is_of_all_accounts_together(kit):
    _, pool = isolated(kit)
    one, two = (int(x) for x in pool.open(collateral={"ETH": [10, 10]}))
    pool.borrow(one, "USD", 700)
    assert pool.borrowable(two, "USD") == 300
    refused(pool, "borrow", two, "USD", 301)
    pool.borrow(two, "USD", 300)
    pool.repay(one, "USD", 200)
    assert counted(pool) == 80_000
    assert pool.borrowable(two, "USD") == 200


def test_nothing_else_is_lent_against_isolated_collateral(kit):
    _, pool = isolated(kit)
    account = int(pool.open(collateral={"ETH": [10]})[0])
    refused(pool, "borrow", account, "X", 1, match="isolated")
    assert pool.borrowable(account, "X") == 0
    before = numbers(pool)
    with pytest.raises(ValueError, match="isolated"):
        pool.open(collateral={"ETH": [10, 10]}, debt={"X": [0, 1]})
    assert numbers(pool) == before


def test_isolated_collateral_is_alone(kit):
    _, pool = isolated(kit)
    one = int(pool.open(collateral={"ETH": [10]})[0])
    two = int(pool.open(collateral={"X": [10]})[0])
    refused(pool, "deposit", one, "X", 1, match="isolated")
    refused(pool, "deposit", two, "ETH", 1, match="isolated")
    pool.deposit(one, "ETH", 1)
    pool.withdraw(one, "ETH", 11)
    pool.deposit(one, "X", 1)
    before = numbers(pool)
    with pytest.raises(ValueError, match="alone"):
        pool.open(collateral={"ETH": [1, 1], "X": [0, 1]})
    assert numbers(pool) == before
    pool.open(collateral={"ETH": [1, 0], "X": [0, 1]})


def test_an_account_without_anything_may_borrow_nothing(kit):
    _, pool = isolated(kit)
    account = int(pool.open(collateral={"ETH": [1]})[0])
    pool.withdraw(account, "ETH", 1)
    assert pool.borrowable(account, "USD") == 0


def test_accounts_that_are_opened_count(kit):
    _, pool = isolated(kit)
    before = numbers(pool)
    with pytest.raises(ValueError, match="ceiling"):
        pool.open(collateral={"ETH": [10, 10]}, debt={"USD": [600, 401]})
    assert numbers(pool) == before
    # the second has no isolated collateral, and is not counted
    pool.open(collateral={"ETH": [10, 0], "X": [0, 100]}, debt={"USD": [600, 500]})
    assert counted(pool) == 60_000
    pool.repay(1, "USD", 500)
    assert counted(pool) == 60_000


def test_hundredths_are_cut_off(kit):
    """Lots of a thousandth: 0.019 counts as 0.01 when it is borrowed and when it is repaid."""
    engine = kit.engine(asset_decimals=3)
    kit.market(engine, "ETH", rules={"feed": "index"}).set_index(100)
    pool = engine.lending.add("pool")
    pool.add_reserve(
        "ETH", price="ETH", venue=None, liquidation_threshold="0.8", debt_ceiling=Decimal("0.02")
    )
    pool.add_reserve("USD", borrowable_in_isolation=True)
    pool["USD"].supply(1000)
    account = int(pool.open(collateral={"ETH": [10]})[0])
    for expected in (1, 2):
        pool.borrow(account, "USD", Decimal("0.019"))
        assert counted(pool) == expected
    assert pool.borrowable(account, "USD") == 0.009
    pool.borrow(account, "USD", Decimal("0.009"))
    assert counted(pool) == 2
    refused(pool, "borrow", account, "USD", Decimal("0.010"))
    pool.repay(account, "USD", Decimal("0.009"))
    assert counted(pool) == 2
    pool.repay(account, "USD", Decimal("0.038"))
    assert counted(pool) == 0


def test_interest_is_not_counted(kit):
    rate = kit.lending.KinkRate(base="0.5", slope1=0, slope2=0)
    engine, pool = isolated(kit, usd={"interest": rate})
    account = borrower(pool, 20, 1000)
    engine.step(dt=365 * 86_400)
    assert pool["USD"].row()["owed_lots"] == 1500
    assert counted(pool) == 100_000
    pool.repay(account, "USD", 1200)
    assert counted(pool) == 0


@pytest.mark.parametrize("bad_debt", ["stays", "deficit"])
def test_a_call_lowers_what_is_counted(kit, bad_debt):
    rules = {"close_factor": ("fraction", "0.5"), "bad_debt": bad_debt}
    engine, pool = isolated(kit, ceiling=100_000, rules=rules)
    borrower(pool, 1000, 70_000)
    engine.budget(accounts=1)
    # 1000 * 87 * 0.8 = 69,600; half is repaid, for 35,000 * 1.05 / 87 = 422.4
    engine.step(index={"ETH": 87})
    assert calls(engine) == [(35_000, 422)]
    assert counted(pool) == 3_500_000
    # at 10 the other 578 repay 5780 / 1.05 rounded up; what is left stays counted, written off or not
    engine.step(index={"ETH": 10})
    assert calls(engine)[1:] == [(5505, 578)]
    assert counted(pool) == 3_500_000 - 550_500
    engine.validate()


def test_a_ceiling_has_two_decimals(kit):
    _, pool = lending_engine(kit)
    for wrong in (Decimal("0.001"), -1):
        with pytest.raises(ValueError):
            pool.add_reserve("more", price=None, debt_ceiling=wrong)
    assert list(pool.reserves) == ["ETH", "USD"]


def test_siloed_debt_is_alone(kit):
    engine, pool = isolated(kit, ceiling=None, usd={"siloed": True})
    account = int(pool.open(collateral={"ETH": [100]})[0])
    pool.borrow(account, "USD", 10)
    pool.borrow(account, "USD", 10)
    refused(pool, "borrow", account, "X", 1, match="siloed")
    assert pool.borrowable(account, "X") == 0
    pool.repay(account, "USD", 20)
    pool.borrow(account, "X", 1)
    refused(pool, "borrow", account, "USD", 1, match="siloed")
    before = numbers(pool)
    with pytest.raises(ValueError, match="siloed"):
        pool.open(collateral={"ETH": [100]}, debt={"X": [1], "USD": [1]})
    assert numbers(pool) == before
    pool.open(collateral={"ETH": [100, 100]}, debt={"X": [1, 0], "USD": [0, 1]})
    engine.validate()


# --- the sentinel ------------------------------------------------------------------------------


def watched(kit, **rules):
    return lending_engine(kit, rules={"sentinel": "0.95", "close_factor": "whole", **rules})


def test_healthy_enough_accounts_wait_for_the_sequencer_and_its_grace(kit):
    engine, pool = watched(kit)
    borrower(pool, 1000, 76_000)
    borrower(pool, 1000, 80_000)
    pool.sequencer(False)
    # at 95: 76,000 are borne. That is one of 76,000, not due, and 0.95 of 80,000: it waits
    assert engine.step(index={"ETH": 95}, dt=10).liquidated == 0
    pool.sequencer(True, grace=30)
    assert engine.step(dt=29).liquidated == 0
    assert engine.step(dt=1).liquidated == 1
    (liquidation,) = rows(engine, "liquidation")
    assert liquidation["account"] == 1


def test_below_the_sentinels_health_nobody_waits(kit):
    engine, pool = watched(kit)
    borrower(pool, 1000, 76_000)
    borrower(pool, 1000, 80_000)
    pool.sequencer(False)
    # 94,000 * 0.8 = 75,200: 0.989 of 76,000 and 0.94 of 80,000
    assert engine.step(index={"ETH": 94}).liquidated == 1
    assert rows(engine, "liquidation")[0]["account"] == 1
    pool.sequencer(True)
    assert engine.step().liquidated == 1


def test_nothing_is_lent_while_the_sequencer_is_down(kit):
    engine, pool = watched(kit)
    account = borrower(pool, 10, 100)
    pool.sequencer(False)
    refused(pool, "borrow", account, "USD", 1, match="sequencer")
    assert pool.borrowable(account, "USD") == 0
    before = numbers(pool)
    with pytest.raises(ValueError, match="sequencer"):
        pool.open(collateral={"ETH": [1]}, debt={"USD": [1]})
    assert numbers(pool) == before
    for call in ("deposit", "withdraw"):
        getattr(pool, call)(account, "ETH", 1)
    pool.repay(account, "USD", 1)
    pool.sequencer(True, grace=5)
    engine.step(dt=4)
    refused(pool, "borrow", account, "USD", 1, match="sequencer")
    engine.step(dt=1)
    pool.borrow(account, "USD", 1)


def test_changes_of_the_sequencer_are_logged(kit):
    engine, pool = watched(kit)
    engine.step(dt=2)
    pool.sequencer(True, grace=9)  # it was up
    pool.sequencer(False)
    pool.sequencer(False)
    engine.step(dt=3)
    pool.sequencer(True, grace=10)
    down, up = rows(engine, "sequencer")
    second = 10**9
    assert [down[name] for name in ("time", "quantity", "side", "order")] == [2 * second, 0, 0, 0]
    assert [up[name] for name in ("time", "quantity", "side", "order")] == [
        5 * second, 0, 1, 15 * second,
    ]  # fmt: skip
    for row in (down, up):
        assert (row["market"], row["account"], row["cause"], row["wave"]) == (65535, -1, -1, 0)


def test_the_sequencer_of_a_second_lending_market_has_its_number(kit):
    engine, _ = watched(kit)
    other = engine.lending.add("other", rules=kit.lending.LendingRules(sentinel="0.9"))
    other.sequencer(False)
    (row,) = rows(engine, "sequencer")
    assert (row["quantity"], row["side"]) == (1, 0)


def test_a_grace_begins_only_after_it_was_down(kit):
    _, pool = watched(kit)
    account = borrower(pool, 10, 100)
    pool.sequencer(True, grace=100)
    pool.borrow(account, "USD", 1)
    with pytest.raises(ValueError, match="grace"):
        pool.sequencer(True, grace=-1)


def test_without_a_sentinel_there_is_no_sequencer(kit):
    _, pool = lending_engine(kit)
    with pytest.raises(ValueError, match="sentinel"):
        pool.sequencer(False)


# --- caps --------------------------------------------------------------------------------------


def test_a_cap_on_what_one_account_supplies(kit):
    _, pool = lending_engine(kit, eth={"account_cap": 10})
    account = int(pool.open(collateral={"ETH": [7]})[0])
    refused(pool, "deposit", account, "ETH", 4, match="account_cap")
    pool.deposit(account, "ETH", 3)
    before = numbers(pool)
    with pytest.raises(ValueError, match="account_cap"):
        pool.open(collateral={"ETH": [1, 11]})
    assert numbers(pool) == before
    pool["ETH"].supply(100)


def test_a_share_of_the_reserve_that_one_account_supplies(kit):
    # 100,000 are there; a tenth of all, its own included, is 11,111
    _, pool = lending_engine(kit, eth={"account_share": "0.1"})
    before = numbers(pool)
    with pytest.raises(ValueError, match="account_share"):
        pool.open(collateral={"ETH": [11_112]})
    assert numbers(pool) == before
    account = int(pool.open(collateral={"ETH": [11_111]})[0])
    refused(pool, "deposit", account, "ETH", 1, match="account_share")
    pool["ETH"].supply(9)
    pool.deposit(account, "ETH", 1)


def test_a_common_cap_of_all_reserves_with_one_price(kit):
    engine, pool = lending_engine(kit)
    other = engine.lending.add("other")
    other.add_reserve("coin", price="ETH", venue=None, liquidation_threshold="0.5")
    engine.lending.cap("ETH", supply=100_050, borrow=30)
    account = int(other.open(collateral={"coin": [20]})[0])
    before = numbers(pool)
    with pytest.raises(ValueError, match="cap"):
        pool["ETH"].supply(31)
    with pytest.raises(ValueError, match="cap"):
        pool.open(collateral={"ETH": [31]})
    assert numbers(pool) == before
    pool["ETH"].supply(20)
    with pytest.raises(ValueError, match="cap"):
        other.deposit(account, "coin", 11)
    other.deposit(account, "coin", 10)
    one = int(pool.open(collateral={"USD": [1]})[0])
    assert one == 1
    # 30 coins at 0.5 bear 15; the pool's ETH has lent 20
    rich = int(other.open(collateral={"coin": [0]})[0])
    assert rich == 2
    engine.lending.cap("ETH", supply=None, borrow=12)
    pool["ETH"].supply(1000)
    assert other.borrowable(account, "coin") == 12
    other.borrow(account, "coin", 7)
    assert other.borrowable(account, "coin") == 5
    with pytest.raises(ValueError, match="cap"):
        pool.open(collateral={"USD": [1000]}, debt={"ETH": [6]})
    pool.open(collateral={"USD": [1000]}, debt={"ETH": [5]})


def test_a_common_cap_on_money(kit):
    engine, pool = lending_engine(kit)
    engine.lending.cap(None, supply=1_000_010)
    with pytest.raises(ValueError, match="cap"):
        pool["USD"].supply(11)
    pool["USD"].supply(10)
    for wrong in (-1, Decimal("0.5")):
        with pytest.raises(ValueError):
            engine.lending.cap("ETH", borrow=wrong)
