"""`cascade.funding`: numbers that venues published, values worked by hand, and what must hold always."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cascade import funding, margin

RATES = st.fractions(-1, 1, max_denominator=10**6)
WIDTHS = st.fractions(0, 1, max_denominator=10**6)


# dydxprotocol/v4-chain, protocol/x/perpetuals/funding/funding_test.go
@pytest.mark.parametrize(
    ("price", "exponent", "resolution", "ppm", "seconds", "delta"),
    [
        (1_000, 0, -12, 1_001_999, 28_800, 1_001),
        (1_000, 0, -12, -1_001_999, 28_800, -1_001),
        (1_000, 2, -4, -1_001_999, 14_400, -5_009_995_000_000),
        (1_000, -6, 0, -1_001_999, 3_600, -125_249_875),
    ],
)
def test_index_delta_rounds_toward_zero(price, exponent, resolution, ppm, seconds, delta):
    assert funding.index_delta(price, exponent, resolution, ppm, seconds) == delta


def test_premium_is_of_the_side_that_is_beyond_the_index():
    assert funding.premium(100, 101, 102) == Fraction(1, 100)
    assert funding.premium(100, 98, 99) == Fraction(-1, 100)
    assert funding.premium(100, 99, 101) == 0
    assert funding.premium(100, None, 99) == Fraction(-1, 100)
    assert funding.premium(100) == 0
    # a book around which both sides are beyond is no book, but the formula adds up
    assert funding.premium(100, 102, 99) == Fraction(1, 100)
    with pytest.raises(ValueError, match="index 0"):
        funding.premium(0, 1, 1)


def test_impact_price_walks_the_levels():
    levels = [(100, 2), (110, 3)]
    assert funding.impact_price(levels, 200) == 100
    # 200 buys 2 at 100, 110 buys 1 at 110: 310 for 3
    assert funding.impact_price(levels, 310) == Fraction(310, 3)
    assert funding.impact_price(levels, 530) == Fraction(530, 5)
    assert funding.impact_price(levels, 531) is None
    # inverse: 200 contracts are worth 2 coins at 100, 110 are worth 1 at 110
    inverse = [(100, 200), (110, 110)]
    assert funding.impact_price(inverse, 3, contract="inverse") == Fraction(310, 3)
    with pytest.raises(ValueError, match=r"levels\[0\] size 0"):
        funding.impact_price([(100, 0)], 1)


def test_rate_holds_small_premia_at_the_interest():
    assert funding.rate("0.0003", "0.0001", "0.0005") == Fraction(1, 10**4)
    assert funding.rate("0.001", "0.0001", "0.0005") == Fraction(5, 10**4)
    assert funding.rate("-0.001", "0.0001", "0.0005") == -Fraction(5, 10**4)
    assert funding.rate("0.002", "0.0001") == Fraction(21, 10**4)
    assert funding.rate("0.9", divide_by=8, cap="0.04") == Fraction(4, 100)
    assert funding.rate("-0.9", divide_by=8, cap="0.04") == -Fraction(4, 100)
    with pytest.raises(ValueError, match="cap -1 is negative"):
        funding.rate(0, cap=-1)
    with pytest.raises(ValueError, match="divide_by 0"):
        funding.rate(0, divide_by=0)


@given(RATES, RATES, WIDTHS, WIDTHS)
def test_rate_stays_within_its_cap_and_turns_with_its_signs(average, interest, width, cap):
    found = funding.rate(average, interest, width, cap=cap)
    assert abs(found) <= cap
    assert funding.rate(-average, -interest, width, cap=cap) == -found
    assert abs(funding.rate(average, interest, width) - average) <= width


def test_caps_and_interest():
    # BitMEX: 75 % of 1 % less 0.5 %; dYdX: 600 % of 5 % less 3 %
    assert funding.rate_cap("0.01", "0.005", "0.75") == Fraction(375, 10**5)
    assert funding.rate_cap("0.05", "0.03", 6) == Fraction(12, 100)
    assert funding.interest_rate("0.0006", "0.0003") == Fraction(1, 10**4)
    with pytest.raises(ValueError, match="is above initial_rate"):
        funding.rate_cap("0.01", "0.02", 1)


def test_average_premium_weights_the_newest_most():
    assert funding.average_premium([1, 2, 6]) == 3
    assert funding.average_premium([1, 2, 6], "time") == Fraction(1 + 4 + 18, 6)
    with pytest.raises(ValueError, match="samples"):
        funding.average_premium([])


def test_settlements_count_at_both_ends():
    rows = [(0, 100, "0.01"), (8, 110, "0.01"), (16, 120, "0.01"), (24, 130, "0.01")]
    assert funding.settled(-2, 8, 16, rows) == Fraction(2 * 230, 100)
    assert funding.settled(2, 9, 15, rows) == 0
    assert funding.settled(1200, 16, 16, rows, contract="inverse") == -Fraction(1, 10)


@given(
    st.integers(-(10**6), 10**6),
    st.lists(st.tuples(st.integers(1, 10**6), st.integers(-(10**6), 10**6)), max_size=5),
)
def test_an_index_accrues_what_its_payments_are(size, steps):
    # one change of the index a payment: rate in millionths of the price
    moved = sum(price * ppm for price, ppm in steps)
    paid = sum(
        (margin.funding_payment(size, price, Fraction(ppm, 10**6)) for price, ppm in steps),
        Fraction(0),
    )
    assert funding.payment_by_index(size, moved, 10**6) == paid


def test_rate_for_interval():
    assert funding.rate_for_interval("0.08", 3600, 28_800) == Fraction(1, 100)
    with pytest.raises(ValueError, match="seconds -1"):
        funding.rate_for_interval("0.08", -1, 8)


def test_rate_of_a_skewed_market():
    # Chitra 2025, running example: longs receive -1/3 and then -0.44 of the price
    assert funding.skew_rate(3, 5, "1.4", "1.5") == Fraction(1, 3)
    assert funding.skew_rate(3, 5, "1.3", "1.25") == Fraction("0.44")
    for arguments, text in (((3, 0, 1, 1), "short"), ((3, 5, 1, 0), "index")):
        with pytest.raises(ValueError, match=text):
            funding.skew_rate(*arguments)
