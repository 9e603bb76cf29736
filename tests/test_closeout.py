"""Close-out prices, fees and order: numbers that venues published, and what must hold of any."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cascade import closeout
from cascade.margin import Position, bankruptcy_price


def _btc(quote, size="0.1"):
    return closeout.CrossAccount(quote, {"BTC": size}, {"BTC": 50_000}, {"BTC": "0.1"})


def test_dydx_long_just_below_maintenance():
    # liquidations_test.go
    account = _btc(-4501)
    assert closeout.bankruptcy_quote(account, "BTC", "-0.1") == 4501
    assert closeout.fillable_price(account, "BTC", "0.1") == 49_999
    assert closeout.fillable_price(account, "BTC", "0.1", adjustment=2) == 49_998
    assert closeout.fillable_price(account, "BTC", "0.2") == 49_998


def test_dydx_long_at_bankruptcy():
    account = _btc(-5000)
    assert closeout.fillable_price(account, "BTC", "0.1") == 49_500
    assert closeout.bankruptcy_quote(account, "BTC", "-0.1") == 5000
    assert closeout.bankruptcy_quote(account, "BTC", "-0.05") == 2500


def test_dydx_short():
    account = _btc(5499, "-0.1")
    assert closeout.bankruptcy_quote(account, "BTC", "0.1") == -5499
    assert closeout.fillable_price(account, "BTC", "0.1") == 50_001


def test_dydx_deleveraging_price_of_the_documents():
    # A is long 500 at 1 with 100, B short 500 at 1 with 100; at 2 B is closed at 1.2
    short = closeout.CrossAccount(100 + 500, {"X": -500}, {"X": 2}, {"X": "0.03"})
    price = closeout.bankruptcy_slice_price(short, "X")
    assert price == Fraction(12, 10)
    assert 500 * (price - 1) == 100


def test_dydx_fund_pays_below_the_bankruptcy_price():
    # long 500 at 1 with 100 of margin, oracle 0.801; filled at 0.77 the fund pays 15
    long = closeout.CrossAccount(100 - 500, {"X": 500}, {"X": "0.801"}, {"X": "0.03"})
    assert long.equity < long.total_maintenance
    assert 500 * Fraction("0.77") - closeout.bankruptcy_quote(long, "X", -500) == -15
    assert closeout.largest_spread("1.5", "0.03")[0] == Fraction(45, 1000)


def test_dydx_spread_that_the_fund_covers():
    assert closeout.largest_spread("1.5", "0.05", "0.02") == (
        Fraction(75, 1000),
        Fraction(55, 1000),
    )


def test_dydx_bankruptcy_quote_is_rounded_against_the_account():
    account = closeout.CrossAccount(13, {"BTC": -1}, {"BTC": 50_000}, {"BTC": "0.1"})
    quote = closeout.bankruptcy_quote(account, "BTC", "0.00021347", "0.000001")
    assert quote == Fraction("-0.002775")
    assert quote > closeout.bankruptcy_quote(account, "BTC", "0.00021347")


SIZES = st.fractions(-100, 100, max_denominator=100).filter(bool)
PRICES = st.fractions(Fraction(1, 10), 1000, max_denominator=100)
RATES = st.fractions(Fraction(1, 100), Fraction(1, 2), max_denominator=100)


@given(
    quote=st.fractions(-1000, 1000, max_denominator=100),
    sizes=st.tuples(SIZES, SIZES),
    prices=st.tuples(PRICES, PRICES),
    rates=st.tuples(RATES, RATES),
    part=st.fractions(Fraction(1, 10), Fraction(9, 10), max_denominator=10),
)
def test_closing_at_the_bankruptcy_quote_keeps_the_margin_ratio(quote, sizes, prices, rates, part):
    account = closeout.CrossAccount(
        quote, dict(enumerate(sizes)), dict(enumerate(prices)), dict(enumerate(rates))
    )
    change = -sizes[0] * part
    received = closeout.bankruptcy_quote(account, 0, change)
    after = closeout.CrossAccount(
        quote + received, {0: sizes[0] + change, 1: sizes[1]}, account.prices, account.rates
    )
    assert after.equity * account.total_maintenance == account.equity * after.total_maintenance


@given(size=SIZES, price=PRICES, rate=RATES, left=st.fractions(0, 1, max_denominator=100))
def test_fillable_price_lies_between_oracle_and_full_spread(size, price, rate, left):
    value = size * price
    account = closeout.CrossAccount(left - value, {0: size}, {0: price}, {0: rate})
    sign = 1 if size > 0 else -1
    found = closeout.fillable_price(account, 0, "0.1")
    assert 0 <= sign * (price - found) <= price * rate / 10


def test_ftx_zero_price_of_one_position_is_the_bankruptcy_price():
    position = Position(1, 10_000, 9_900)
    (price,) = closeout.zero_prices(200, [position], ["0.03"])
    assert price == bankruptcy_price(1, 10_000, 200) == 9_800


@given(
    sizes=st.tuples(SIZES, SIZES), marks=st.tuples(PRICES, PRICES), rates=st.tuples(RATES, RATES)
)
def test_ftx_closing_all_at_zero_prices_leaves_nothing(sizes, marks, rates):
    positions = [Position(s, m + 1, m) for s, m in zip(sizes, marks, strict=True)]
    prices = closeout.zero_prices(77, positions, rates)
    left = 77 + sum(s * (p - (m + 1)) for s, p, m in zip(sizes, prices, marks, strict=True))
    assert left == 0


def test_hyperliquid_backstop_is_below_two_thirds():
    assert closeout.backstop_equity(10) == Fraction(20, 3)


def test_order_of_liquidations():
    # liquidations_test.go, TestSortLiquidationOrders
    rows = [("A", 49_500, 50_000), ("B", "50501.01", 50_000), ("C", 50_000, 5_000),
            ("D", 50_000, 50_000), ("E", 50_000, 5_000)]  # fmt: skip
    waiting = [closeout.Candidate(name, price, 50_000, size) for name, price, size in rows]
    assert [row.name for row in closeout.liquidation_order(reversed(waiting))] == list("BADCE")


def test_dydx_rates_in_millionths():
    terms = (200_000, 1_000_000, 2_000_000)
    assert closeout.initial_rate_by_open_interest(*terms, 1_000_000) == 200_000
    assert closeout.initial_rate_by_open_interest(*terms, 1_500_000) == 600_000
    assert closeout.initial_rate_by_open_interest(*terms, 2_500_000) == 1_000_000
    assert closeout.initial_rate_by_open_interest(200_000, 0, 0, 1_500_000) == 200_000
    assert closeout.maintenance_of_initial(637_239, 289_284) == 184_343
    with pytest.raises(ValueError, match="lower 3 is above upper 2"):
        closeout.initial_rate_by_open_interest(1, 3, 2, 1)


def test_drift_fee_ramp_and_insurance_fee():
    ramp = ("0.02", "0.05")
    assert closeout.ramped_fee(*ramp, 10, 1500, "0.000001") == Fraction(2, 100)
    assert closeout.ramped_fee(*ramp, 1500, 1500, "0.000001") == Fraction("0.0215")
    assert closeout.ramped_fee(*ramp, 100_000, 1500, "0.000001") == Fraction(5, 100)
    fee = closeout.insurance_fee_rate(1, 10, 100, "0.05", "0.01", "0.05")
    assert fee == Fraction("0.03705")
    assert closeout.insurance_fee_rate(500, 10, 100, "0.05", "0.01", "0.05") == 0


def test_drift_transfer_of_an_insolvent_long():
    done = closeout.transfer(1, -150, 1, 100, "0.01")
    assert (done.size, done.quote, done.liquidator_quote) == (0, -51, -99)
    short = closeout.transfer(-1, 50, 1, 100, "0.01")
    assert (short.size, short.quote, short.liquidator_quote) == (0, -51, 101)


def test_drift_transfer_to_cover_reaches_maintenance_and_buffer():
    terms = closeout.TransferTerms("0.05", "0.02", "0.01", "0.01")
    done = closeout.transfer_to_cover(2, -200, 5, 100, terms)
    assert done.closed == Fraction("1.8")
    assert (done.quote, done.entry_quote) == (Fraction("-23.6"), -20)
    assert done.insurance == Fraction("1.8")
    equity = 5 + done.quote + done.size * 100
    assert equity / (done.size * 100) == Fraction("0.07")


def test_drift_half_of_the_insurance_fee():
    terms = closeout.TransferTerms("0.05", "0.001", "0.01", "0.01", step="0.01")
    assert closeout.transfer_to_cover(-1, 100, "1.5", 100, terms).insurance == Fraction("0.475")


def test_drift_margin_freed_counts_the_buffer_on_losses():
    terms = closeout.TransferTerms("0.05", "0.02", "0.01", "0.01", initial="0.1")
    done = closeout.transfer_to_cover(1, -100, 10, 80, terms)
    assert done.size == 0
    assert closeout.margin_freed(1, -100, 10, 80, terms, done) == Fraction("4.784")


def test_gmx_collateral_in_the_asset():
    for price, left in ((4200, 10_000), (4000, 0)):
        assert closeout.remaining_collateral(200_000, 5000, price, 10 * price) == left
    assert not closeout.is_remaining_too_small(10_000, 200_000, "0.01")
    assert not closeout.is_remaining_too_small(2_000, 200_000, "0.01")
    assert closeout.is_remaining_too_small(1_999, 200_000, "0.01")
    assert closeout.is_remaining_too_small(0, 200_000, 0)
    assert closeout.is_remaining_too_small(9, 200, 0, min_usd=10)
    # a short gains what a long loses; a positive impact does not help
    assert closeout.remaining_collateral(100, 10, 9, 20, 1, 5, long=False) == 29
    assert closeout.remaining_collateral(100, 10, 9, 20, 1, -5) == 4


def test_refusals():
    with pytest.raises(ValueError, match=r"change 0\.1 does not reduce the position of 1/10"):
        closeout.bankruptcy_quote(_btc(-4501), "BTC", 0.1)
    with pytest.raises(ValueError, match="prices has no 'ETH'"):
        closeout.CrossAccount(0, {"ETH": 1}, {}, {"ETH": "0.1"})
    with pytest.raises(ValueError, match=r"closed 2 is outside 0 \.\.\. 1"):
        closeout.transfer(1, 0, 2, 100, 0)
