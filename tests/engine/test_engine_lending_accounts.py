"""Deposits, loans, suppliers, refusals, interest and oracles of lending markets, by hand."""

import pytest
from engine_kit import pick, rows
from lending_setups import borrower, lending_engine, numbers

import cascade

YEAR = 365 * 86_400

# --- what one account does ---------------------------------------------------------------------


def test_deposit_borrow_repay_withdraw(kit):
    engine, pool = lending_engine(kit, eth={"loan_to_value": "0.75"})
    account = borrower(pool, 0, 0)
    start = len(engine.events)
    pool.deposit(account, "ETH", 100)
    pool.borrow(account, "USD", 7500)  # 10,000 * 0.75
    pool.repay(account, "USD", 500)
    pool.withdraw(account, "ETH", 6)  # 9400 * 0.75 = 7050 bears 7000
    assert pick(rows(engine, start=start), "kind", "account", "quantity", "market") == [
        (34, account, 100, 1), (36, account, 7500, 4), (37, account, 500, 4), (35, account, 6, 1),
    ]  # fmt: skip
    assert pool.health[account] == 9400 * 0.8 / 7000
    assert pool["ETH"].row()["cash"] == 100_094
    assert pool["USD"].row()["cash"] == 993_000


@pytest.mark.parametrize(
    ("what", "name", "amount"),
    [
        ("borrow", "USD", 501),  # 7501 is above 10,000 * 0.75
        ("withdraw", "ETH", 7),  # 93 * 100 * 0.75 = 6975 bears no 7000
        ("withdraw", "ETH", 101),
        ("withdraw", "USD", 1),
        ("repay", "USD", 7001),
        ("repay", "ETH", 1),
        ("deposit", "ETH", 0),
        ("borrow", "USD", -5),
        ("borrow", "ETH", 100_200),
    ],
)
def test_refusals_leave_everything_as_it_was(kit, what, name, amount):
    engine, pool = lending_engine(kit, eth={"loan_to_value": "0.75"})
    account = borrower(pool, 100, 7000)
    before, events = numbers(pool), len(engine.events)
    with pytest.raises(ValueError):
        getattr(pool, what)(account, name, amount)
    assert numbers(pool) == before
    assert len(engine.events) == events


def test_calls_of_accounts_that_are_none_of_the_market_are_refused(kit):
    engine, pool = lending_engine(kit)
    engine.accounts.create(1, balance=100)
    before = numbers(pool)
    for account in (0, 7):
        with pytest.raises(ValueError):
            pool.deposit(account, "ETH", 1)
    assert numbers(pool) == before


def test_caps(kit):
    _, pool = lending_engine(kit, eth={"supply_cap": 100_100}, usd={"borrow_cap": 7000})
    account = borrower(pool, 100, 6999)
    before = numbers(pool)
    for what, name in (("deposit", "ETH"), ("borrow", "USD")):
        amount = 1 if what == "deposit" else 2
        with pytest.raises(ValueError):
            getattr(pool, what)(account, name, amount)
    with pytest.raises(ValueError):
        pool["ETH"].supply(1)
    with pytest.raises(ValueError):
        pool.open(collateral={"ETH": [0]}, debt={"USD": [2]})
    assert numbers(pool) == before
    pool.borrow(account, "USD", 1)  # the cap itself is allowed


def test_no_collateral_and_not_borrowable(kit):
    _, pool = lending_engine(kit, eth={"borrowable": False}, usd={"collateral": False})
    account = borrower(pool, 100, 0)
    with pytest.raises(ValueError):
        pool.borrow(account, "ETH", 1)
    with pytest.raises(ValueError):
        pool.deposit(account, "USD", 1)


def test_open_takes_no_more_than_there_is_cash(kit):
    engine, pool = lending_engine(kit)
    before, events = numbers(pool), len(engine.events)
    with pytest.raises(ValueError):
        pool.open(collateral={"ETH": [20_000, 20_000]}, debt={"USD": [500_000, 500_001]})
    assert numbers(pool) == before
    assert len(engine.events) == events


def test_suppliers_without_an_account(kit):
    engine, pool = lending_engine(kit)
    borrower(pool, 100, 7000)
    start = len(engine.events)
    pool["USD"].redeem(993_000)
    with pytest.raises(ValueError):
        pool["USD"].redeem(1)  # it is supplied, and lent
    with pytest.raises(ValueError):
        pool["ETH"].redeem(100_001)  # 100 of them are an account's
    pool["ETH"].supply(5)
    assert pick(rows(engine, start=start), "kind", "account", "quantity", "market") == [
        (35, -1, 993_000, 3), (34, -1, 5, 1),
    ]  # fmt: skip


# --- closed reserves ---------------------------------------------------------------------------

ACTIONS = {
    "supply": lambda pool, account: pool["ETH"].supply(1),
    "deposit": lambda pool, account: pool.deposit(account, "ETH", 1),
    "borrow": lambda pool, account: pool.borrow(account, "ETH", 1),
    "open": lambda pool, account: pool.open(collateral={"ETH": [1]}),
    "redeem": lambda pool, account: pool["ETH"].redeem(1),
    "withdraw": lambda pool, account: pool.withdraw(account, "ETH", 1),
    "repay": lambda pool, account: pool.repay(account, "ETH", 1),
}


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("state", ["paused", "frozen", "in grace"])
def test_what_closed_reserves_refuse(kit, action, state):
    _, pool = lending_engine(kit)
    account = int(pool.open(collateral={"ETH": [100]}, debt={"ETH": [10]})[0])
    if state == "frozen":
        pool["ETH"].freeze()
    else:
        pool["ETH"].pause()
    if state == "in grace":
        pool["ETH"].pause(False, grace=60)
    adds = action in ("supply", "deposit", "borrow", "open")
    before = numbers(pool)
    if state == "paused" or (state == "frozen" and adds):
        with pytest.raises(ValueError, match=state):
            ACTIONS[action](pool, account)
        assert numbers(pool) == before
    else:
        ACTIONS[action](pool, account)
        assert numbers(pool) != before


def test_a_frozen_reserve_thaws(kit):
    _, pool = lending_engine(kit)
    pool["ETH"].freeze()
    assert pool["ETH"].frozen
    pool["ETH"].freeze(False)
    pool["ETH"].supply(1)


# --- interest ----------------------------------------------------------------------------------


def interest(kit, **terms):
    rate = {"base": "0.02", "slope1": "0.08", "slope2": "0.5", "optimal": "0.8", **terms}
    return kit.lending.KinkRate(**rate)


@pytest.mark.parametrize(
    ("debt", "yearly"),
    [
        (400_000, 60_000_000),  # utilisation 0.4: 0.02 + 0.08 / 2
        (800_000, 100_000_000),  # at the kink: 0.1
        (900_000, 350_000_000),  # half-way beyond it: 0.1 + 0.25
    ],
)
def test_rate_by_utilisation(kit, debt, yearly):
    engine, pool = lending_engine(kit, usd={"interest": interest(kit)})
    borrower(pool, 100_000, debt)
    engine.step(dt=YEAR)
    row = pool["USD"].row()
    assert row["borrow_index"] == 10**18 + yearly * 10**9
    assert row["owed_lots"] == debt + debt * yearly // 10**9
    # nothing kept: all of it to the suppliers
    assert row["supplied_lots"] == 1_000_000 + debt * yearly // 10**9
    (event,) = rows(engine, "interest")
    assert (event["quantity"], event["money"], event["market"]) == (debt * yearly // 10**9, 0, 4)


def test_reserve_factor_goes_to_the_treasury(kit):
    engine, pool = lending_engine(kit, usd={"interest": interest(kit), "reserve_factor": "0.1"})
    borrower(pool, 100_000, 800_000)
    engine.step(dt=YEAR)
    row = pool["USD"].row()
    assert (row["treasury"], row["supplied_lots"], row["owed_lots"]) == (8000, 1_072_000, 880_000)


def test_interest_makes_accounts_due(kit):
    # 7900 owed against 8000; at 0.02 + 0.08 * 0.0079 / 0.8 a year the 100 are 0.6 years away
    engine, pool = lending_engine(kit, usd={"interest": interest(kit)})
    borrower(pool, 100, 7900)
    quarters = [engine.step(dt=YEAR // 4).liquidated for _ in range(4)]
    # 7900 * 0.02079 / 4 = 41 a quarter: 7941, 7982, 8023
    assert quarters == [0, 0, 1, 0]


def test_a_reserve_has_what_it_owes_to_the_lot(kit):
    engine, pool = lending_engine(
        kit, usd={"interest": interest(kit), "reserve_factor": "0.17"}, rules={"fee": "0.3"}
    )
    for k in range(9):
        borrower(pool, 997 + k, 70_000 + 613 * k)
    for k in range(40):
        engine.step(index={"ETH": 100 - k}, dt=1_234_567)
        for name in ("ETH", "USD"):
            row = pool[name].row()
            has = row["cash"] + row["owed_lots"] + row["deficit"]
            assert has >= row["supplied_lots"] + row["treasury"]
            assert has - row["supplied_lots"] - row["treasury"] < 150  # a few lots a step


def test_without_time_there_is_no_interest(kit):
    engine, pool = lending_engine(kit, usd={"interest": interest(kit)})
    borrower(pool, 100, 7900)
    engine.step(dt=0)
    assert rows(engine, "interest") == []


# --- oracles -----------------------------------------------------------------------------------


def prices(kit, oracle, steps) -> list[int]:
    """Prices believed after steps (index, dt)."""
    engine, pool = lending_engine(kit, eth={"oracle": kit.lending.Oracle(**oracle)})
    found = []
    for index, dt in steps:
        engine.step(index={} if index is None else {"ETH": index}, dt=dt)
        found.append(pool["ETH"].row()["price"])
    return found


def test_a_delayed_price_is_believed_when_its_time_is_over(kit):
    steps = [(100, 1), (90, 1), (80, 1), (None, 1), (None, 0.5), (None, 1)]
    # read at 2 s and at 3 s, believed from 4 s and 5 s on; clocks are 1, 2, 3, 4, 4.5 and 5.5 s;
    # the first price, of the set-up, was there before the reserve
    assert prices(kit, {"delay": 2}, steps) == [100, 100, 100, 90, 90, 80]


def test_moves_smaller_than_the_deviation_are_ignored(kit):
    steps = [(96, 1), (95, 1), (91, 1), (90, 1)]
    # 4 of 100 is below 0.05, 5 is not; 4 of 95 is, 5 is not (4.75)
    assert prices(kit, {"deviation": "0.05"}, steps) == [100, 95, 95, 90]


def test_the_heartbeat_reads_however_small_the_move(kit):
    steps = [(98, 4), (97, 5), (None, 1), (None, 1), (96, 5), (None, 5)]
    # clocks 4, 9, 10: the heartbeat of 10 s; then again at 20
    assert prices(kit, {"deviation": "0.05", "heartbeat": 10}, steps) == [100, 100, 97, 97, 97, 96]


def test_the_heartbeat_reads_the_index_of_its_own_step(kit):
    # 98 is a small move; at 10 s the beat is due, and the index of that step is 97
    steps = [(98, 4), (97, 6), (None, 10)]
    assert prices(kit, {"deviation": "0.05", "heartbeat": 10}, steps) == [100, 97, 97]
    # it is due in a step that brings no index
    steps = [(98, 4), (None, 6)]
    assert prices(kit, {"deviation": "0.05", "heartbeat": 10}, steps) == [100, 98]


def test_steps_are_bounded_and_go_on(kit):
    # 0.1 of 100, of 90, of 81 and of 73 down to ticks, then what is left; no time, no step
    steps = [(60, 1), (None, 1), (None, 0), (None, 5), (None, 1), (None, 1), (None, 1)]
    assert prices(kit, {"max_step": "0.1"}, steps) == [90, 81, 81, 73, 66, 60, 60]
    # a new reading is what it goes to from then on, and may be behind it
    steps = [(60, 1), (200, 1), (None, 1), (95, 1), (None, 1)]
    assert prices(kit, {"max_step": "0.1"}, steps) == [90, 99, 108, 98, 95]


def test_a_bounded_step_stops_where_the_rest_is_a_small_move(kit):
    # 81 to 78 is 3 of 81, below 0.05; 78 is not waited for
    steps = [(78, 1), (None, 1), (None, 1), (None, 1)]
    assert prices(kit, {"max_step": "0.1", "deviation": "0.05"}, steps) == [90, 81, 81, 81]


def test_what_a_bounded_step_leaves_is_forgotten_at_a_price_of_zero(kit):
    engine, pool = lending_engine(kit, eth={"oracle": kit.lending.Oracle(max_step="0.1")})
    engine.step(index={"ETH": 60})
    pool["ETH"].fail_oracle("zero")
    pool["ETH"].fail_oracle(None)
    assert pool["ETH"].row()["price"] == 60
    engine.step()
    assert pool["ETH"].row()["price"] == 60


def test_delays_in_blocks_count_from_the_beginning_of_the_block(kit):
    # blocks of 12 s: read at 5 s and at 11 s, in the first block, both believed at 24 s; 25 s: at 48 s
    steps = [(90, 5), (80, 6), (None, 12.9), (None, 0.1), (70, 1), (None, 22.9), (None, 0.1)]
    found = prices(kit, {"delay": 2, "block": 12}, steps)
    assert found == [100, 100, 100, 80, 80, 80, 70]


@pytest.mark.parametrize("given", [{"delay": "0.5", "block": 12}, {"delay": -1, "block": 12}])
def test_delays_in_blocks_are_whole(given):
    with pytest.raises(ValueError, match=r"delay .* is no whole number of blocks from 0"):
        cascade.Oracle(**given)


def test_what_a_step_has_not_reached_is_copied_and_causes_what_follows(kit):
    engine, _ = lending_engine(kit, eth={"oracle": kit.lending.Oracle(max_step="0.1")})
    engine.step(index={"ETH": 80})
    (read,) = [k for k, row in enumerate(rows(engine)) if (row["kind"], row["price"]) == (4, 80)]
    start = len(engine.events)
    follower = engine.copy()
    for each in (engine, follower):
        each.step()
        (event,) = rows(each, "oracle", start=start)
        assert (event["price"], event["cause"]) == (81, read)


def test_events_of_an_oracle_name_what_was_read(kit):
    engine, _ = lending_engine(kit, eth={"oracle": kit.lending.Oracle(delay=2)})
    start = len(engine.events)
    engine.step(index={"ETH": 90}, dt=1)
    engine.step(dt=2)
    (event,) = rows(engine, "oracle", start=start)
    assert (event["price"], event["money"], event["market"], event["time"]) == (
        90,
        100,
        1,
        3 * 10**9,
    )
    assert event["cause"] == start + 1  # the MARK, two seconds before


def test_accounts_are_judged_by_the_price_believed(kit):
    engine, pool = lending_engine(kit, eth={"oracle": kit.lending.Oracle(delay=2)})
    account = borrower(pool, 100, 7600)
    assert engine.step(index={"ETH": 90}, dt=1).liquidated == 0
    assert pool.health[account] == 8000 / 7600
    assert engine.step(dt=2).liquidated == 1


def test_deposits_together_are_bounded_as_one_is():
    engine = cascade.Engine(asset_decimals=0)
    lending = engine.lending.add("lend")
    lending.add_reserve("USD", liquidation_threshold="0.5")
    (account,) = lending.open(collateral={"USD": 2**55})
    with pytest.raises(OverflowError, match=r"worth more than 2\*\*56 atoms"):
        lending.deposit(account, "USD", 2**55 + 1)
    assert lending["USD"].row()["cash"] == 2**55
    lending.deposit(account, "USD", 2**55)
    assert lending["USD"].row()["cash"] == 2**56
