"""How far the venue's price leaves the index within steps, and for how long: worked by hand."""

import pytest
from engine_kit import SELL

import cascade as cs


def crash(kit, *, execution="sequential"):
    """A long that is due and will be sold into bids at 90 and 85; the index stays at 95."""
    engine = kit.engine(execution=execution)
    market = kit.market(engine, rules={"tiers": ((0, "0.05"),), "feed": "mid"})
    market.set_index(95)
    market.book.load_depth([(94, 1), (90, 5), (85, 50)], [(96, 50)])
    engine.accounts.open(market, side="long", size=[10], entry=100, leverage=15)
    return engine, market


def away(result, name="X"):
    found = result.dislocation[name]
    return found.ticks, found.index_ticks, found.time_ns


@pytest.mark.parametrize("execution", ["sequential", "batch"])
def test_the_furthest_point_is_inside_the_cascade(kit, execution):
    engine, market = crash(kit, execution=execution)
    assert away(engine.step()) == (-10, 95, 0)
    assert market.last == 85
    # the price stands where the last fill left it, 10.5 % away
    assert away(engine.step(dt=3)) == (-10, 95, 3 * 10**9)
    # the index follows to 85 in the middle of this step: it was away until then
    assert away(engine.step(index={"X": 85}, dt=2)) == (-10, 95, 2 * 10**9)
    assert away(engine.step(index={"X": 85}, dt=2)) == (0, 0, 0)
    kit.trade(engine, market, SELL, 1)
    assert away(engine.step(index={"X": 84}, dt=2)) == (1, 84, 0)


def test_it_may_be_above(kit):
    engine, market = crash(kit)
    market.book.load_depth([(120, 1)], [], replace=True)
    kit.trade(engine, market, SELL, 1)
    assert away(engine.step(index={"X": 100}, dt=1)) == (25, 95, 10**9)


def test_nothing_is_away_from_an_index_that_is_not_there(kit):
    engine = kit.engine()
    market = kit.market(engine)
    market.book.load_depth([(120, 1)], [])
    kit.trade(engine, market, SELL, 1)
    assert away(engine.step(dt=1)) == (0, 0, 0)


@pytest.mark.parametrize(("threshold", "time"), [("0.05", 0), ("0.049", 10**9), (0, 10**9)])
def test_time_counts_beyond_the_threshold(kit, threshold, time):
    engine = kit.engine()
    market = kit.market(engine)
    market.dislocation_threshold = threshold
    market.set_index(100)
    market.book.load_depth([(95, 1)], [])
    kit.trade(engine, market, SELL, 1)
    assert away(engine.step(dt=1)) == (-5, 100, time)


def test_a_curve_is_where_its_price_is(kit):
    engine = kit.engine()
    market = kit.market(engine, venue=kit.linear(1, 1))
    market.set_index(100)
    sell = kit.messages([{"kind": 2, "side": SELL, "size": 10}])
    # it fills at 95 and stands at 90
    assert away(engine.step(orders=[("X", sell)])) == (-10, 100, 0)


def test_a_run_adds_up():
    engine = cs.Engine()
    market = engine.add_market("X", tick_size="0.5", lot_size=1)
    market.book.load_depth([(90, 5)], [(110, 5)])
    market.set_index(100)
    market.book.market("sell", 1)
    run = engine.run({"X": [100, 120, 95, 90]}, dt=2)
    assert run.dislocations["ticks"][:, 0].tolist() == [-20, -60, -60, -10]
    found = run.dislocation("X")
    # 30 below 120; away in every step, because each begins where the last one ended
    assert found == cs.Dislocation(-60, 240, -30.0, 8 * 10**9)
    assert (found.share, found.time, found.distance) == (-0.25, 8.0, -30.0)
    assert engine.run({"X": [90]}, dt=2).dislocation("X") == cs.Dislocation(0, 0, 0.0, 0)
    assert engine.run({"X": []}).dislocation(market).ticks == 0


def test_the_threshold_is_kept_and_checked(tmp_path):
    engine = cs.Engine()
    market = engine.add_market("X", tick_size=1, lot_size=1)
    assert market.dislocation_threshold == 0.01
    market.dislocation_threshold = "0.025"
    with pytest.raises(ValueError, match="dislocation_threshold"):
        market.dislocation_threshold = 2
    assert engine.copy()["X"].dislocation_threshold == 0.025
