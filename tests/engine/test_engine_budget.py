"""Budgets of a step: what is still due waits, and time that was not enough is carried."""

import pytest
from engine_kit import BUY, SELL, pick, rows


def five_due(kit, execution="sequential"):
    """Five ladder longs of 2 lots, all due at the mark of 90; triggers 95, 94, ... 91."""
    engine = kit.engine(execution=execution)
    market = kit.market(engine, rules={"feed": "index"})
    market.set_index(100)
    engine.accounts.open_ladder(
        market, side="long", size=2, trigger=[95, 94, 93, 92, 91], bankruptcy=80
    )
    market.set_index(90)
    return engine, market


@pytest.mark.parametrize("execution", ["sequential", "batch"])
def test_accounts(kit, execution):
    engine, _ = five_due(kit, execution)
    engine.budget(accounts=2)
    done = [(r.liquidated, r.pending) for r in (engine.step() for _ in range(4))]
    assert done == [(2, 3), (2, 1), (1, 0), (0, 0)]
    assert [row["account"] for row in rows(engine, "liquidation")] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("execution", ["sequential", "batch"])
def test_notional_executes_the_one_that_passes_it(kit, execution):
    engine, _ = five_due(kit, execution)
    engine.budget(notional=200)  # 180 each at the mark
    done = [r.liquidated for r in (engine.step() for _ in range(4))]
    assert done == [2, 2, 1, 0]
    assert engine.step().notional_atoms == 0


def test_notional_that_is_met_exactly_stops(kit):
    engine, _ = five_due(kit)
    engine.budget(notional=360)
    result = engine.step()
    assert result.liquidated == 2
    assert result.notional_atoms == 360


def test_time_is_carried_while_something_is_due(kit):
    engine, _ = five_due(kit)
    engine.budget(time_per_liquidation=0.4)
    # 1.0 affords 2 and leaves 0.2; 1.2 affords 3 and leaves nothing due
    done = [(r.liquidated, r.pending) for r in (engine.step(dt=1.0) for _ in range(2))]
    assert done == [(2, 3), (3, 0)]


def test_time_shorter_than_one_liquidation_adds_up(kit):
    engine, _ = five_due(kit)
    engine.budget(time_per_liquidation=2.5)
    done = [r.liquidated for r in (engine.step(dt=1.0) for _ in range(6))]
    # 1, 2, 3 -> one, 0.5 left; 1.5, 2.5 -> one
    assert done == [0, 0, 1, 0, 1, 0]


def test_time_is_not_saved_while_nothing_is_due(kit):
    engine = kit.engine()
    market = kit.market(engine, rules={"feed": "index"})
    market.set_index(100)
    engine.accounts.open_ladder(market, side="long", size=1, trigger=[95, 94], bankruptcy=80)
    engine.budget(time_per_liquidation=2.0)
    for _ in range(5):
        assert engine.step(dt=1.0).liquidated == 0
    assert engine.step(index={"X": 90}, dt=1.0).liquidated == 0
    assert engine.step(dt=1.0).liquidated == 1


def test_price_that_recovers_saves_what_waits(kit):
    engine, market = five_due(kit)
    engine.budget(accounts=1)
    assert engine.step().liquidated == 1
    market.set_index(93)  # 94 and 93 are still reached
    assert [engine.step().liquidated for _ in range(3)] == [1, 1, 0]
    assert list(engine.accounts.size(market)) == [0, 0, 0, 2, 2]


def test_budget_can_be_lifted(kit):
    engine, _ = five_due(kit)
    engine.budget(accounts=0)
    assert engine.step().liquidated == 0
    engine.budget()
    assert engine.step().liquidated == 5


def test_pending_work_and_new_orders_in_one_step(kit):
    engine = kit.engine()
    market = kit.market(engine, rules={"feed": "last"})
    market.book.load_depth([(90, 10), (80, 10), (70, 10)], [])
    engine.accounts.open_ladder(
        market, side="long", size=[10, 10], trigger=[90, 80], bankruptcy=[1, 1]
    )
    engine.budget(accounts=1)
    orders = [("X", kit.messages([{"kind": 2, "side": SELL, "size": 1}]))]
    assert engine.step(orders=orders).liquidated == 1
    assert market.mark == 80
    orders = [("X", kit.messages([{"kind": 0, "side": BUY, "price": 80, "size": 5}]))]
    assert engine.step(orders=orders).liquidated == 1
    # 1 + 9 were sold at 90, 1 at 80; then 9 of the first bid at 80 and 1 of the step's own
    assert pick(rows(engine, "fill"), "price", "quantity") == [
        (90, 1),
        (90, 9),
        (80, 1),
        (80, 9),
        (80, 1),
    ]


@pytest.mark.parametrize(("side", "price", "atoms"), [("short", 106, 943), ("long", 94, 1064)])
def test_notional_is_the_value_of_the_position(kit, side, price, atoms):
    # 100 lots of 1,000 atoms and ticks at 106: a short is worth 943.4 rounded down, as it owes less
    # with less; at 94 a long's -1063.8 is rounded down to -1064
    engine = kit.engine()
    rules = {"tiers": [(0, "0.01")], "feed": "index", "absorb": 1}
    market = kit.market(engine, contract="inverse", multiplier=1000, rules=rules)
    market.set_index(100)
    engine.accounts.open(market, side=side, size=100, entry=100, margin=50)
    result = engine.step(index={"X": price})
    assert (result.liquidated, result.notional_atoms) == (1, atoms)
