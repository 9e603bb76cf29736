"""Moving windows of breakers: what is younger than the window counts, to the nanosecond."""

import pytest
from engine_kit import BUY, SELL, core_kit, rows

OFF = {"pause": 0, "hard": False}


def windowed(kit, reference, **breaker):
    engine = kit.engine()
    stated = {
        "reference": reference, "lower": "0.1", "upper": "0.1", "window": 60, **OFF, **breaker,
    }  # fmt: skip
    market = kit.market(engine, rules={"breaker": stated})
    market.book.load_depth(
        [(price, 1000) for price in range(99, 79, -1)],
        [(price, 1000) for price in range(101, 121)],
    )
    return engine, market


def state(market):
    """Edges of the band: the window's highest and lowest price with a tenth off and on."""
    return market.halt_state.lower, market.halt_state.upper


def edges(kit, market):
    if kit.name == "core":
        return tuple(int(edge or 0) for edge in state(market))
    return market.halts.edges


def test_an_extreme_counts_until_it_is_as_old_as_the_window(kit):
    engine, market = windowed(kit, "window")
    engine.step(dt="0.9")
    # 110 at 0.9 s, then 100 at 30 s and from there on 99
    kit.trade(engine, market, BUY, 9001)
    engine.step(dt="29.1")
    kit.trade(engine, market, SELL, 1)
    # a tenth of 110 below it; a tenth above 99
    assert edges(kit, market) == (99, 108)
    engine.step(dt="30.899999999")
    assert edges(kit, market) == (99, 108)
    engine.step(dt="0.000000001")
    # 110 is 60 s old: 99 is left
    assert edges(kit, market) == (90, 108)
    engine.validate()


def test_a_mean_is_of_the_trades_younger_than_the_window(kit):
    engine, market = windowed(kit, "mean", min_change=0)
    kit.trade(engine, market, BUY, 1)
    engine.step(dt="0.5")
    for _ in range(3):
        kit.trade(engine, market, SELL, 1)
    # the reference begins with the first price, 101, and follows: (101 + 3 * 99) / 4 = 99.5, up
    assert edges(kit, market) == (90, 110)
    engine.step(dt="59.499999999")
    assert edges(kit, market) == (90, 110)
    engine.step(dt="0.000000001")
    # the trade at 101 is 60 s old: the mean is 99
    assert edges(kit, market) == (90, 108)


def test_many_instants_within_a_window_are_kept_exactly(kit):
    """A window that outgrows its rings more than once, as its oldest entries leave."""
    engine, market = windowed(kit, "window", window=37)
    prices = []
    for k in range(150):
        engine.step(dt=1)
        # 101 ... 120 and back, never twice the same in a row: each buys up to one price
        side = BUY if (k * 7) % 3 else SELL
        kit.trade(engine, market, side, 1 + (k * 37) % 900)
        price = rows(engine, "fill")[-1]["price"]
        prices += [(row["time"], row["price"]) for row in rows(engine, "fill")][len(prices) :]
        young = [p for time, p in prices if time > (k + 1 - 37) * 10**9]
        assert price in young
        # inward: a tenth of the highest below it, rounded up; of the lowest above it, rounded down
        assert edges(kit, market) == (
            -(-max(young) * 9 // 10), min(young) * 11 // 10
        )  # fmt: skip
    engine.validate()


@pytest.mark.parametrize("reference", ["window", "mean", "premium"])
def test_a_copy_has_the_same_window(reference):
    kit = core_kit()
    if kit is None:
        pytest.skip("cascade.Engine cannot be imported: the compiled engine is not built")
    engine, market = windowed(kit, reference, window=25)
    if reference == "premium":
        market.set_index(100)
    for k in range(60):
        engine.step(dt=1)
        kit.trade(engine, market, BUY if k % 3 else SELL, 1 + (k * 37) % 900)
        if k % 20 == 19:
            other = engine.copy()
            assert other.state_hash() == engine.state_hash()
            assert state(other.market("X")) == state(market)
            for each in (engine, other):
                each.step(dt="7.25")
            assert state(other.market("X")) == state(market)
            assert other.state_hash() == engine.state_hash()
