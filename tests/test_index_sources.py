"""`cs.IndexSources`: which prices count, worked by hand; and what the order of reports may not change."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cascade as cs

EVEN = {"a": 1, "b": 1, "c": 1, "d": 1}


def test_weighted_mean():
    sources = cs.IndexSources({"a": 1, "b": "0.5"})
    sources.update({"a": 100, "b": "101.5"}, at=0)
    assert sources.index(0) == Fraction("100.5")
    assert sources.price("1", 0) == 101
    assert cs.IndexSources({"a": 1}).index(5) is None


def test_one_outlier_is_left_out_and_several_give_the_median():
    sources = cs.IndexSources(EVEN, largest_deviation="0.05")
    sources.update({"a": 100, "b": 102, "c": 101, "d": 200}, at=0)
    # median 101.5: d is beyond 5.075
    assert sources.index(0) == 101
    sources.update({"a": 10}, at=1)
    assert sources.index(1) == Fraction("101.5")
    # just at the limit counts
    edge = cs.IndexSources({"a": 1, "b": 1, "c": 1}, largest_deviation="0.05")
    edge.update({"a": 100, "b": 100, "c": 105}, at=0)
    assert edge.index(0) == Fraction(305, 3)
    # two sources 10 % apart are both off their median, which is then the index
    edge = cs.IndexSources({"a": 1, "b": 3}, largest_deviation="0.01", outliers_allowed=2)
    edge.update({"a": 100, "b": 110}, at=0)
    assert edge.index(0) == 105


def test_old_prices_are_dropped():
    sources = cs.IndexSources(EVEN, stale_after=10)
    sources.update({"a": 100, "b": 200}, at=0)
    sources.update({"a": 110}, at=5)
    assert sources.index(10) == 155
    assert sources.index("10.001") == 110
    assert sources.index("15.001") is None


def test_delay_shows_the_past():
    sources = cs.IndexSources({"a": 1}, delay=2, stale_after=10)
    for at, price in ((0, 100), (1, 101), (3, 103)):
        sources.update({"a": price}, at=at)
    assert [sources.index(at) for at in (3, "3.9", 4, 5, 15, "15.1")] == [
        101,
        101,
        101,
        103,
        103,
        None,
    ]
    late = cs.IndexSources({"a": 1}, delay=2)
    late.update({"a": 100}, at=0)
    assert late.index(1) is None


def test_a_step_takes_the_price():
    engine = cs.Engine()
    market = engine.add_market(
        "X", tick_size="0.5", lot_size=1, rules=cs.Rules(feed="index", stale_after=5)
    )
    sources = cs.IndexSources({"a": 1, "b": 2}, stale_after=5)
    sources.update({"a": 100, "b": 101}, at=engine.time)
    engine.step(index={"X": sources.price("0.5", engine.time)}, dt=0)
    # 100.67 on a grid of halves
    assert market.mark == 100.5


def test_refusals():
    with pytest.raises(ValueError, match="weight of 'a' 0"):
        cs.IndexSources({"a": 0})
    with pytest.raises(ValueError, match="at least one"):
        cs.IndexSources({})
    with pytest.raises(ValueError, match="delay -1"):
        cs.IndexSources({"a": 1}, delay=-1)
    sources = cs.IndexSources({"a": 1, "b": 1})
    sources.update({"a": 5}, at=3)
    with pytest.raises(KeyError, match="'c' is unknown"):
        sources.update({"c": 5}, at=3)
    with pytest.raises(ValueError, match="is not above zero"):
        sources.update({"a": 6, "b": 0}, at=4)
    with pytest.raises(ValueError, match="before the last time"):
        sources.index(2)
    # what was refused changed nothing
    assert sources.index(3) == 5


@given(st.permutations("abcd"), st.lists(st.integers(1, 200), min_size=4, max_size=4))
def test_order_of_reports_does_not_matter(order, prices):
    one, two = (cs.IndexSources(EVEN, largest_deviation="0.1") for _ in range(2))
    given_prices = dict(zip("abcd", prices, strict=True))
    one.update(given_prices, at=0)
    for name in order:
        two.update({name: given_prices[name]}, at=0)
    assert one.index(0) == two.index(0)
    assert min(prices) <= one.index(0) <= max(prices)
