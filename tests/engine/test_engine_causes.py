"""What a further round or call on a unit that is still due is caused by (docs/log.md), by hand."""

import pytest
from engine_kit import BUY, pick, rows
from lending_setups import borrower, lending_engine
from test_engine_partial_units import crossed


def causes(engine, start=0):
    """(account, kind of the cause, wave) of every LIQUIDATION, and the causes themselves."""
    log = engine.events
    found = [
        (row["account"], row["cause"], row["wave"]) for row in rows(engine, "liquidation", start)
    ]
    kinds = [int(log[cause]["kind"]) if cause >= 0 else None for _, cause, _ in found]
    return found, kinds


MARK = 4

# --- calls in lending markets ------------------------------------------------------------------


def test_a_further_call_on_a_borrower_that_is_still_due_has_the_cause_of_the_first(kit):
    # 71200 against 80000; 8000 for 8000 * 1.05 / 89 = 94 lots; 906 * 89 * 0.8 = 64507 against 72000
    engine, pool = lending_engine(kit, rules={"close_factor": ("fraction", "0.1")})
    account = borrower(pool, 1000, 80_000)
    engine.step(index={"ETH": 89})
    found, kinds = causes(engine)
    assert len(found) > 2
    assert set(kinds) == {MARK}
    assert set(found) == {(account, found[0][1], 1)}


def test_a_borrower_opened_due_has_no_cause_in_any_call(kit):
    engine, pool = lending_engine(kit, rules={"close_factor": ("fraction", "0.5")})
    borrower(pool, 89, 8000)
    engine.step()
    found, _ = causes(engine)
    assert len(found) > 1
    assert {row[1:] for row in found} == {(-1, 1)}


def test_a_fall_after_a_call_that_healed_is_a_newer_cause(kit):
    # bids of 3 lots a tick: 110 * 90 * 0.8 = 7920 against 7980; 997 repaid for 997 * 1.2 / 90 = 13 lots, which
    # leaves 97 * 90 * 0.8 = 6984 against 6983, healthy; their sale down to 85 makes it due again
    engine = kit.engine()
    market = kit.market(engine, "ETH", rules={"feed": "last"})
    market.book.load_depth([(100 - k, 3) for k in range(1, 60)], [(101, 1)])
    market.set_index(100)
    rules = kit.lending.LendingRules(close_factor=("fraction", "0.125"))
    pool = engine.lending.add("pool", rules=rules)
    terms = {"liquidation_threshold": "0.8", "liquidation_bonus": "0.2", "venue": "ETH"}
    pool.add_reserve("ETH", price="ETH", **terms)
    pool.add_reserve("USD")
    pool["USD"].supply(100_000)
    account = borrower(pool, 110, 7980)
    start = len(engine.events)
    kit.trade(engine, market, 1, 30)  # ten levels: the mark is 90
    engine.step()
    found, kinds = causes(engine, start)
    assert found[0][0] == account
    assert [row[2] for row in found[:2]] == [1, 2]
    assert found[1][1] > found[0][1]
    assert kinds[:2] == [MARK, MARK]


def test_a_single_call_a_step_goes_on_with_its_cause(kit):
    engine, pool = lending_engine(kit, rules={"close_factor": ("fraction", "0.1")})
    engine.liquidators.add(kit.lending.Liquidator(calls="single"))
    borrower(pool, 1000, 80_000)
    engine.step(index={"ETH": 89})
    engine.step()
    found, kinds = causes(engine)
    assert len(found) == 2
    assert found[0] == found[1]
    assert kinds == [MARK, MARK]


def test_a_latency_counts_from_the_fall_in_every_call(kit):
    # the second makes a call a step; the first is there ten seconds after the fall, not before
    engine, pool = lending_engine(kit, rules={"close_factor": ("fraction", "0.1")})
    for terms in ({"latency": 10, "calls": "single"}, {"calls": "single"}):
        engine.liquidators.add(kit.lending.Liquidator(**terms))
    borrower(pool, 1000, 80_000)
    engine.step(index={"ETH": 89}, dt=1)
    engine.step(dt=9)
    engine.step(dt=1)
    calls = [row for row in rows(engine, "repay") if row["cause"] >= 0]
    assert [row["counterparty"] for row in calls] == [1, 1, 0]


# --- rounds in a clearing house ----------------------------------------------------------------


def test_every_round_of_a_partial_close_has_the_cause_of_the_first(kit):
    rule = {"tiers": [(0, "0.2")], "partial": ("fraction", "0.2", 0, 30)}
    engine, _ = crossed(kit, 400, rule, price=90)
    # 300 of 180 + 200, of 180 + 160, of 144 + 160; then the cool-down takes Y whole
    engine.step(dt=1)
    found, kinds = causes(engine)
    assert pick(rows(engine, "liquidation"), "market", "quantity") == [(1, 2), (0, 2), (1, 8)]
    assert set(found) == {(0, found[0][1], 1)}
    assert kinds == [MARK] * 3


def test_a_round_of_the_next_step_has_the_cause_of_the_first(kit):
    # 300 of 180 + 200; 300 a round: 3 of Y at 100, and the unit, 300 of 180 + 140, waits
    rule = {"tiers": [(0, "0.2")], "partial": ("cap", 300)}
    engine, _ = crossed(kit, 400, rule, price=90)
    engine.step()
    engine.step()
    found, kinds = causes(engine)
    assert len(found) == 2
    assert found[0] == found[1]
    assert kinds == [MARK, MARK]


def test_a_unit_that_an_empty_venue_left_due_keeps_its_cause(kit):
    rule = {"tiers": [(0, "0.2")], "partial": ("fraction", "0.2", 0, 0)}
    engine, markets = crossed(kit, 400, rule, price=90)
    for market in markets:
        market.book.load_depth([], [], replace=True)
    engine.step()
    first, kinds = causes(engine)
    assert kinds[0] == MARK
    start = len(engine.events)
    engine.step()
    again, _ = causes(engine, start)
    assert again[0] == first[0]


def test_a_trigger_that_a_round_moved_up_looks_no_further_back(kit):
    # due below 96: 88 + 10 (p - 100) = p / 2 at 96; at 92 half goes at 91, and 43 + 5 (p - 100) = p / 4 at 96.2,
    # so that the mark of 96 is beyond the new trigger, but was not what the account fell by
    engine = kit.engine()
    rule = {"tiers": [(0, "0.05")], "feed": "index", "partial": ("fraction", "0.5", 0, 0)}
    market = kit.market(engine, rules=rule)
    market.book.load_depth([(91, 100)], [])
    market.set_index(100)
    engine.accounts.open(market, side="long", size=10, entry=100, margin=88, mode="isolated")
    engine.step(index={"X": 96})
    engine.step(index={"X": 92})
    found, _ = causes(engine)
    assert len(found) > 1
    assert engine.events[found[0][1]]["price"] == 92
    assert set(found) == {found[0]}


def test_a_recovery_between_rounds_makes_the_later_fall_the_cause(kit):
    # 3 lots of 92 a step; meanwhile the price is back above the trigger, and falls again
    engine = kit.engine()
    rule = {"tiers": [(0, "0.05")], "feed": "index", "partial": ("cap", 300)}
    market = kit.market(engine, rules=rule)
    market.book.load_depth([(92, 100)], [])
    market.set_index(100)
    engine.accounts.open(market, side="long", size=10, entry=100, margin=88, mode="isolated")
    engine.step(index={"X": 92})
    market.set_index(99)
    engine.step(index={"X": 92})
    found, kinds = causes(engine)
    assert len(found) == 2
    assert found[1][1] > found[0][1]
    assert kinds == [MARK, MARK]


@pytest.mark.parametrize("execution", ["sequential", "batch"])
def test_the_parent_of_every_round_is_the_liquidation_that_took_the_unit_down(kit, execution):
    # a long of X alone takes the price to where the other account, in X and Y, is due for several rounds
    rule = {"tiers": [(0, "0.2")], "feed": "last", "partial": ("fraction", "0.1", 0, 0)}
    engine = kit.engine(execution=execution)
    x = kit.market(engine, "X", rules=rule)
    y = kit.market(engine, "Y", rules=rule | {"feed": "index"})
    x.set_index(100)
    y.set_index(100)
    x.book.load_depth([(99, 5), (98, 5), (85, 1000)], [(101, 100)])
    y.book.load_depth([(100, 10**6)], [])
    engine.accounts.open(x, side="long", size=50, entry=100, margin=1050, mode="isolated")
    (pair,) = (int(k) for k in engine.accounts.create(1, balance=430))
    for market in (x, y):
        engine.accounts.set_leverage(pair, market, 100, "cross")
        engine.accounts.open(
            market, side="long", size=10, entry=100, margin=0, mode="cross", account=pair
        )
    start = len(engine.events)
    kit.trade(engine, x, 1, 10)  # the mark is 98: 950 against 980 in X alone, 410 against 396
    engine.step()
    found, kinds = causes(engine, start)
    mine = [row for row in found if row[0] == pair]
    assert len(mine) > 2
    assert all(row[2] > 1 for row in mine)
    assert mine[0] == mine[2]
    assert set(kinds) == {MARK}


def test_a_due_unit_that_keeps_one_position_is_due_by_the_mark_that_reached_its_trigger(kit):
    engine = kit.engine()
    one, two = (
        kit.market(engine, name, rules={"tiers": [(0, 0.01)], "feed": "index"}) for name in "XY"
    )
    two.book.load_depth([], [(100, 5)])
    for market in (one, two):
        market.set_index(100)
    (account,) = (int(k) for k in engine.accounts.create(1, balance=120))
    for market, side, size in ((one, "long", 10), (two, "short", 5)):
        engine.accounts.set_leverage(account, market, 100, "cross")
        engine.accounts.open(
            market, side=side, size=size, entry=100, margin=0, mode="cross", account=account
        )
    one.set_index(89)  # 10 of equity against 8.9 and 5
    one.set_index(88)  # 0
    reached = len(engine.events) - 1
    assert kit.limit(engine, two, BUY, 100, 5, account) == 0
    assert engine.accounts.size(two)[account] == 0
    engine.validate()
    # alone the first is due below 88.9, which the second mark was the first to reach
    result = engine.step()
    assert result.liquidated == 1
    assert pick(rows(engine, "liquidation"), "market", "cause") == [(0, reached)]
    engine.validate()
