"""How much of a position is closed: numbers that venues published, and what must hold of any."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cascade import partial
from cascade.margin import average_entry, pnl

AMOUNTS = st.fractions(min_value=1, max_value=10**6, max_denominator=1000)
SHARES = st.fractions(min_value=Fraction(1, 100), max_value=1, max_denominator=1000)


def test_hyperliquid_closes_a_fifth_then_everything_for_thirty_seconds():
    terms = {"share": "0.2", "min_notional": 100_000, "cooldown": 30}
    assert partial.fraction_size(-10, 50_000, **terms) == 2
    assert partial.fraction_size(-8, 50_000, **terms, since_last=29) == 8
    assert partial.fraction_size(-8, 50_000, **terms, since_last=30) == Fraction(8, 5)
    assert partial.fraction_size(2, 50_000, **terms) == 2  # not above 100,000


def test_dydx_portion_of_a_position():
    # liquidations_test.go, TestGetMaxAndMinPositionNotionalLiquidatable
    assert partial.liquidatable_notional(50_000, "0.0001", "0.5") == (Fraction(1, 10_000), 25_000)
    assert partial.liquidatable_notional(5, 10, 1) == (5, 5)
    assert partial.liquidatable_notional(50_000, 30_000, "0.5") == (30_000, 30_000)


def test_dydx_block_limits():
    assert partial.remaining_in_block(150, 100) == 50
    with pytest.raises(ValueError, match="used 151 is above the limit 150"):
        partial.remaining_in_block(150, 151)
    assert partial.block_size(10, 100, 555, 1) == 5  # down to a step
    assert partial.block_size(10, 100, 55, 1) == 1  # but one step at least
    assert partial.block_size(-10, 100, 1000, 3) == 10  # whole: no rounding


@pytest.mark.parametrize(
    ("shortage", "terms", "expected"),
    [
        (10, ("0.1",), 1),
        (10, ("0.1", "0.01"), Fraction(10, 9)),
        (10, ("0.1", "0.01", "0.01"), Fraction(5, 4)),
    ],
)
def test_drift_size_to_cover(shortage, terms, expected):
    # math/liquidation/tests.rs, calculate_base_asset_amount_to_cover_margin_shortage
    assert partial.size_to_cover(shortage, 100, *terms) == expected


def test_drift_size_to_cover_at_another_quote_price():
    size = partial.size_to_cover(10, 100, "0.1", quote_price="0.99")
    assert round(float(size), 4) == 1.0101


def test_drift_no_size_covers_what_closing_costs():
    assert partial.size_to_cover(10, 100, "0.01", "0.01") is None
    assert partial.size_to_cover(10, 100, "0.02", "0.01", "0.01") is None


def test_drift_share_grows_with_time_and_counts_what_is_freed():
    assert partial.freeable_share("49.99", 0, 150, "0.1") == 1
    assert partial.freeable_share(50, 0, 150, "0.1") == Fraction(1, 10)
    assert partial.freeable_share(100, 135, 150, "0.1") == 1
    # 10 of 100 were freed: a tenth of the whole 100 is used up
    assert partial.freeable_share(90, 0, 150, "0.1", freed=10) == 0
    assert partial.freeable_share(90, 15, 150, "0.1", freed=10) == Fraction(10, 90)


@given(shortage=AMOUNTS, price=AMOUNTS, ratio=SHARES, fee=SHARES)
def test_covering_size_frees_exactly_the_shortage(shortage, price, ratio, fee):
    size = partial.size_to_cover(shortage, price, ratio, fee)
    assert (size is None) == (ratio <= fee)
    if size is not None:
        # the requirement falls by ratio, equity by the fee
        assert size * price * ratio - size * price * fee == shortage


def test_okx_of_2019_went_straight_to_the_first_tier():
    # OKX, 2019: 15,000 contracts, 13,000 closed
    assert partial.tier_reduction(15_000, [2_000, 5_000, 10_000], tiers=3) == 13_000


def test_tier_steps():
    limits = [1_000, 2_000, 3_000]
    assert partial.tier_number(1_000, limits) == 0
    assert partial.tier_number(1_001, limits) == 1
    assert partial.tier_reduction(2_500, limits) == 500
    assert partial.tier_reduction(2_500, limits, tiers=2) == 1_500
    assert partial.tier_reduction(2_500, limits, tiers=9) == 1_500
    assert partial.tier_reduction("2500.5", limits, step=1) == 501
    assert partial.tier_reduction(900, limits) == 0


@given(amount=AMOUNTS, step=st.integers(1, 50), tiers=st.integers(1, 4))
def test_reduction_reaches_the_tier_and_not_a_step_more(amount, step, tiers):
    limits = [1_000, 50_000, 300_000]
    tier = partial.tier_number(amount, limits)
    closed = partial.tier_reduction(amount, limits, tiers, step)
    if tier == 0:
        assert closed == 0
        return
    wanted = max(tier - tiers, 0)
    assert partial.tier_number(amount - closed, limits) <= wanted
    if closed < amount:
        assert closed % step == 0
    if closed >= step:
        assert partial.tier_number(amount - closed + step, limits) > wanted


def test_okx_two_tiers_or_everything():
    limits = [1_000, 2_000, 3_000]
    assert partial.okx_reduction(2_500, limits, 101, 100, 40) == 0
    assert partial.okx_reduction(2_500, limits, 90, 100, 40) == 1_500
    assert partial.okx_reduction(2_500, limits, 40, 100, 40) == 2_500
    assert partial.okx_reduction(1_500, limits, 90, 100, 40) == 1_500


def test_ftx_slices_and_providers():
    assert partial.slice_size(10, 50_000, "0.1", 0) == Fraction(1, 2)
    assert partial.slice_size(10, 50_000, "0.1", 1) == Fraction(3, 2)
    assert partial.slice_size(10, 1_000, "0.1", 0) == 1  # worth 1,000 at least
    assert partial.slice_size(10, 50, "0.1", 0) == 10  # or everything
    assert partial.auto_close_fraction("0.03") == Fraction(3, 200)
    assert partial.auto_close_fraction("0.2") == Fraction(14, 100)
    assert partial.provider_share("0.01", "0.02") == Fraction(1, 2)
    assert partial.provider_share("-0.01", "0.02") == 1
    assert partial.provider_share("0.03", "0.02") == 0


def test_vega_disposal():
    # open 280, fraction 0.5, full size 50, 1 % of a book of 10,000
    assert partial.disposal_sizes(280, "0.5", 50, 10_000, "0.01") == [100, 90, 45, 45]
    assert partial.disposal_size(280, "0.5", 50, 0, "0.01") == 0
    with pytest.raises(ValueError, match="must all be above zero"):
        partial.disposal_sizes(280, "0.5", 50, 0, "0.01")


def test_vega_network_position():
    # long 1 at 100, then 1 at 90: entry 95, -10 at 90, -70 at 60
    entry = average_entry([(1, 100), (1, 90)])
    assert entry == 95
    assert [pnl(2, entry, mark) for mark in (90, 60)] == [-10, -70]


def test_root_of_size():
    assert partial.size_root_rate("0.01", "0.002", 100) == Fraction(2, 100)
    assert partial.size_root_rate("0.1", "0.002", 100) == Fraction(1, 10)
    root = partial.size_root_rate(0, 1, 2)
    assert root**2 >= 2 > (root - Fraction(1, 10**9)) ** 2


def test_refusals_name_field_value_and_range():
    with pytest.raises(ValueError, match=r"share '1\.2' is outside 0 \.\.\. 1"):
        partial.fraction_size(1, 1, "1.2")
    with pytest.raises(ValueError, match="price 0 is not above 0"):
        partial.size_to_cover(1, 0, 1)
    with pytest.raises(ValueError, match="tiers must be an integer of 1 or more, got 0"):
        partial.tier_reduction(1, [1], tiers=0)
    with pytest.raises(ValueError, match="limits must ascend"):
        partial.tier_number(1, [2, 2])
