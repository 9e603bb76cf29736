"""`cascade.bands`: rows of the venues' tables, values worked by hand, and what must hold always."""

from collections import deque
from datetime import time
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cascade import bands

PRICES = st.integers(1, 10**6)


def _rows(band):
    return band.lower, band.upper


def test_a_band_holds_its_edges():
    band = bands.multiplier_band(10, 2, "0.5")
    assert _rows(band) == (5, 20)
    assert 5 in band and 20 in band
    assert 4 not in band and "20.01" not in band
    assert [band.clip(price) for price in (1, 7, 100)] == [5, 7, 20]
    assert 10**9 in bands.Band(Fraction(1), None)
    with pytest.raises(ValueError, match="down <= up"):
        bands.multiplier_band(10, 1, 2)


def test_sides_have_their_own_multipliers():
    # the sample of Binance's filters.md: bid 1.2 and 0.2, ask 5 and 0.8
    sample = {"bid_up": "1.2", "bid_down": "0.2", "ask_up": 5, "ask_down": "0.8"}
    assert _rows(bands.side_band(100, "buy", **sample)) == (20, 120)
    assert _rows(bands.side_band(100, "sell", **sample)) == (80, 500)


def test_index_band_follows_the_premium_between_the_index_and_the_wide_limit():
    tier = ("0.02", "0.02", "0.05")  # OKX, tier 1
    assert _rows(bands.index_band(1000, 0, *tier, is_new=True)) == (980, 1020)
    assert _rows(bands.index_band(1000, 10, *tier)) == (990, 1030)
    assert _rows(bands.index_band(1000, 100, *tier)) == (1000, 1050)
    assert _rows(bands.index_band(1000, -100, *tier)) == (950, 1000)
    with pytest.raises(ValueError, match=r"narrow .* is above wide"):
        bands.index_band(1000, 0, 0, "0.06", "0.05")


@given(PRICES, st.integers(-(10**6), 10**6), st.integers(0, 50), st.integers(0, 50))
def test_index_band_holds_the_index(index, premium, narrow, more):
    tier = (0, Fraction(narrow, 100), Fraction(narrow + more, 100))
    assert index in bands.index_band(index, premium, *tier)


# Plan to address extraordinary market volatility, Appendix A
@pytest.mark.parametrize(
    ("tier", "close", "share"),
    [
        (1, 100, "0.05"), (2, 100, "0.10"), (1, "3.01", "0.05"), (2, "3.01", "0.10"),
        (1, 3, "0.20"), (2, 3, "0.20"), (2, "0.75", "0.20"), (2, "0.50", "0.30"),
        (2, "0.20", "0.75"), (1, "0.10", "0.75"),
    ],
)  # fmt: skip
def test_luld_percentages(tier, close, share):
    assert bands.luld_percentage(tier, close) == Fraction(share)
    assert bands.luld_percentage(tier, close, doubled=True) == 2 * Fraction(share)


def test_luld_cents_are_a_share_of_the_reference():
    share = bands.luld_percentage(2, "0.70", reference="0.60")
    assert _rows(bands.luld_band("0.60", share)) == (Fraction(45, 100), Fraction(75, 100))
    assert bands.luld_percentage(2, 50, leverage=3) == Fraction(3, 10)
    with pytest.raises(ValueError, match="leverage 3"):
        bands.luld_percentage(1, 50, leverage=3)


def test_luld_band_is_rounded_to_the_cent_and_not_below_zero():
    assert _rows(bands.luld_band("10.01", "0.05", "0.01")) == (Fraction("9.51"), Fraction("10.51"))
    assert bands.luld_band("0.10", "1.5").lower == 0


@pytest.mark.parametrize(
    ("tier", "close", "at", "old", "new"),
    [
        (1, 50, time(9, 29), False, False), (1, 50, time(9, 30), True, False),
        (2, 2, time(9, 44, 59), True, False), (1, 50, time(9, 45), False, False),
        (1, 50, time(15, 34, 59), False, False), (1, 50, time(15, 35), True, True),
        (2, 50, time(15, 35), True, False), (2, 3, time(16), True, True),
        (1, 2, time(15, 50), True, True), (1, 50, None, False, False),
    ],
)  # fmt: skip
def test_luld_doubling(tier, close, at, old, new):
    assert bands.luld_doubled(tier, close, at, "original") is old
    assert bands.luld_doubled(tier, close, at) is new


def test_luld_reference_changes_by_a_percent_after_half_a_minute():
    assert bands.luld_reference(100, 101, 30) == 101
    assert bands.luld_reference(100, 99, 31) == 99
    assert bands.luld_reference(100, "100.99", 60) == 100
    assert bands.luld_reference(100, 110, 29) == 100


def test_market_wide_levels_and_pauses():
    # close of 3 August 2024 with what was published for the 5th, cut off at the cent
    found = bands.market_wide_levels("5346.56")
    assert found == [Fraction("4972.30"), Fraction("4651.50"), Fraction("4277.24")]
    rounded = bands.market_wide_levels("5346.56", rounding="nearest")
    assert rounded == [Fraction("4972.30"), Fraction("4651.51"), Fraction("4277.25")]
    assert bands.market_wide_levels(100, ["0.0777"], tick=None) == [Fraction("92.23")]
    assert bands.market_wide_pause(1, time(10)) == 900
    assert bands.market_wide_pause(2, time(15, 25)) == 0
    assert bands.market_wide_pause(3, time(15, 59)) is None
    with pytest.raises(ValueError, match="level must be"):
        bands.market_wide_pause(4, time(10))


def test_equity_futures_limits():
    limits = bands.equity_futures_limits
    assert [limits(1000, "day", reached=k).lower for k in range(4)] == [930, 870, 800, 800]
    assert _rows(limits(1000, "late")) == (800, None)
    assert _rows(limits(1000, "overnight")) == (930, 1070)
    assert _rows(limits(1000, "overnight", overnight="0.05")) == (950, 1050)
    assert _rows(limits(1000, "after", afternoon_price=900)) == (837, 963)
    # the day's last level holds where the hour's own would be below it
    assert limits(1000, "after", afternoon_price=820).lower == 800
    assert _rows(limits(1001, "overnight", tick="0.25")) == (931, 1071)
    with pytest.raises(ValueError, match="needs afternoon_price"):
        limits(1000, "after")


def test_dynamic_breaker_by_hand():
    variant = bands.dynamic_variant(5001, "0.035", "0.25")
    assert variant == 175  # 175.035 rounded down to the quarter
    breaker = bands.DynamicCircuitBreaker(variant)
    assert _rows(breaker.limits(0)) == (None, None)
    assert breaker.update(0, 5000) is None
    assert breaker.update(10, 5100) is None
    assert _rows(breaker.limits(10)) == (4925, 5175)
    assert breaker.update(20, "5174.75") is None
    assert breaker.update(3600, 5001) is None
    # an hour and a second after the first price the low is 5001
    assert breaker.limits(3601).upper == 5176
    assert breaker.update(3602, "4999.75") == "down"
    assert _rows(breaker.limits(3602)) == (None, None)
    with pytest.raises(ValueError, match="before the last time"):
        breaker.update(3601, 5000)


@given(
    st.integers(1, 60),
    st.integers(1, 30),
    st.lists(st.tuples(st.integers(0, 10), st.integers(1, 60)), max_size=40),
)
def test_dynamic_breaker_is_the_window_it_says(variant, window, steps):
    breaker = bands.DynamicCircuitBreaker(variant, window)
    kept, now = deque(), 0
    for wait, price in steps:
        now += wait
        kept = deque(row for row in kept if now - row[0] <= window)
        expected = None
        if kept and price >= min(p for _, p in kept) + variant:
            expected = "up"
        elif kept and price <= max(p for _, p in kept) - variant:
            expected = "down"
        assert breaker.update(now, price) == expected
        if expected:
            kept.clear()
        else:
            kept.append((now, price))


def test_dynamic_pause():
    assert [bands.dynamic_pause_seconds(left) for left in (301, 300, 0)] == [120, 5, 5]
