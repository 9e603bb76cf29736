"""Loans in bands and the market of the bands (crvUSD, LLAMMA).

Numbers are those of the curvefi/curve-stablecoin-js README and of CurveDocs/curve-docs where a test names one,
else worked by hand. Trades are compared with `reference.bands.FairBands`, which has sixty digits and no rounding.
"""

import copy
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference.bands import FairBands

from cascade.errors import ConservationError
from cascade.lending import WAD, BandPool, RefusalError, band_curve, loan_terms
from cascade.lending import soft_liquidation as loans
from cascade.lending.wad import in_units
from cascade.lending.wad_logarithm import SMALLEST_EXPONENT, wad_exp, wad_ln
from cascade.rules.parameters.crvusd import COMMON

HOUR = 3600
TINY = Decimal("1e-11")
MARKET = {"oracle_wad": 3000 * WAD, "base_price_wad": 3000 * WAD, "amplification": 100,
          "loan_discount_wad": WAD // 20}  # fmt: skip


# ---------------------------------------------------------------- logarithm, band prices


@given(st.integers(1, 10**40))
def test_exponential_undoes_the_logarithm(value):
    logarithm = wad_ln(value)
    # rounded down, so that the value is between the exponentials of it and of the next
    assert wad_exp(logarithm) <= value
    assert value <= wad_exp(logarithm + 1) + 1
    if value != WAD:
        assert logarithm == pytest.approx(WAD * float(Decimal(value).scaleb(-18).ln()), rel=1e-14)


def test_ends_of_the_exponential():
    assert wad_exp(SMALLEST_EXPONENT) == 0
    assert wad_exp(WAD) == 2718281828459045235
    with pytest.raises(ValueError, match=r"exponent_wad .* is outside"):
        wad_exp(136 * WAD)
    with pytest.raises(ValueError, match=r"value_wad 0 is outside 1 \.\.\."):
        wad_ln(0)


@pytest.mark.parametrize("number", [-1000, -40, -1, 0, 1, 32, 500, 1024])
def test_bands_are_one_part_in_a_wide(number):
    upper, lower = (band_curve.band_price(n, 3000 * WAD, 100) for n in (number, number + 1))
    exact = 3000 * WAD * Fraction(99, 100) ** number
    # the logarithm of a band's width is rounded to 18 digits, so n bands are off by n of them
    assert abs(upper - exact) <= exact * (abs(number) + 2) / WAD + 3001
    assert lower / upper == pytest.approx(0.99, rel=1e-13)


def test_band_prices_of_a_published_loan():
    # curve-stablecoin-js README, bands 32 ... 36
    upper, lower = (band_curve.band_price(n, 3000 * WAD, 100) for n in (32, 37))
    assert abs(upper - 2174941007873561634000) <= 10**6
    assert abs(lower - 2068347257607234777000) <= 10**6
    with pytest.raises(RefusalError, match="band-too-deep: number 4000"):
        band_curve.band_price(4000, WAD, 100)


@pytest.mark.parametrize("oracle", [2900, 2985, 3000, 3100])
def test_ends_of_a_band_are_at_its_current_prices(oracle):
    # AMM.vy: all collateral at the lower current price, all stablecoin at the upper one
    upper = band_curve.band_price(0, 3000 * WAD, 100)
    for x, y, number in ((0, WAD, 0), (WAD, 0, 1)):
        curve = band_curve.band_curve(x, y, oracle * WAD, upper, 100)
        edge = band_curve.current_price(number, oracle * WAD, 3000 * WAD, 100)
        assert curve.price_wad == pytest.approx(edge, rel=1e-15)


# ---------------------------------------------------------------- loans


def test_largest_loans_are_the_published_ones():
    # curve-stablecoin-js README, createLoanMaxRecvAllRanges(1)
    for bands, published in ((5, "2751.493405530582454486"), (50, "2217.556229455652339229")):
        debt = loans.max_loan_debt(WAD, bands, **MARKET)
        assert debt / in_units(published, WAD) == pytest.approx(1, rel=1e-12)
        assert loans.first_band(WAD, debt, bands, **MARKET) == 1
        with pytest.raises(RefusalError, match=r"debt-too-high: debt_wad .* needs band 0"):
            loans.first_band(WAD, debt * 1001 // 1000, bands, **MARKET)


@given(st.integers(10**16, 10**24), st.integers(4, 50))
def test_least_collateral_carries_the_debt_and_hardly_more(collateral, bands):
    debt = loans.max_loan_debt(collateral, bands, **MARKET)
    least = loans.min_loan_collateral(debt, bands, **MARKET)
    loans.first_band(least, debt, bands, **MARKET)
    assert least == pytest.approx(collateral, rel=1e-6)


def test_loans_begin_below_the_active_band_and_below_the_oracle():
    high = loans.max_loan_debt(WAD, 5, **MARKET)
    low = loans.max_loan_debt(WAD, 5, **{**MARKET, "active_band": 10})
    # from band 11 on instead of 1
    assert low / high == pytest.approx(0.99**10, rel=1e-12)
    # an oracle at 2900 is in band 3, so loans begin at band 4; nothing is in the bands above
    cheap = loans.max_loan_debt(WAD, 5, **{**MARKET, "oracle_wad": 2900 * WAD, "active_band": -9})
    assert cheap / high == pytest.approx(0.99**3, rel=1e-12)
    with pytest.raises(RefusalError, match="debt-too-high"):
        loans.first_band(WAD, high, 5, **{**MARKET, "oracle_wad": 2900 * WAD})
    free = {**MARKET, "oracle_wad": 3100 * WAD}
    debt = high * 102 // 100
    with pytest.raises(RefusalError, match="debt-too-high"):
        loans.first_band(WAD, debt, 5, **free)
    assert loans.first_band(WAD, debt, 5, **free, lowest_free_band=-3) == -1


@pytest.mark.parametrize("bands", [3, 51])
def test_number_of_bands_is_limited(bands):
    with pytest.raises(ValueError, match=rf"bands {bands} is outside 4 \.\.\. 50"):
        loans.first_band(WAD, WAD, bands, **MARKET)
    with pytest.raises(ValueError, match="bands"):
        loans.max_loan_debt(WAD, bands, **MARKET)


def test_collateral_that_is_too_small_is_refused():
    with pytest.raises(RefusalError, match="amount-too-low"):
        loans.first_band(1, 10**30, 5, **MARKET)


def test_health_is_zero_where_discounted_value_is_the_debt():
    assert loans.health(100, 98, 2 * WAD // 100) == 0
    assert loans.health(100, 99, 2 * WAD // 100) < 0
    with pytest.raises(ValueError, match=r"debt_wad 0 is outside 1 \.\.\."):
        loans.health(100, 0, 0)


def test_full_health_counts_the_way_to_the_first_band():
    # by hand: 3000 less the first band's price, for all of the collateral, over the debt
    terms = {"oracle_wad": 3000 * WAD, "base_price_wad": 3000 * WAD, "amplification": 100,
             "liquidation_discount_wad": WAD // 50}  # fmt: skip
    given_loan = (WAD // 2, 1000 * WAD, 5, 32)
    plain, full = (loans.loan_health(*given_loan, **terms, full=full) for full in (False, True))
    upper = band_curve.band_price(32, 3000 * WAD, 100)
    assert full - plain == (3000 * WAD - upper) // 2000
    below = {**terms, "oracle_wad": 2000 * WAD}
    assert loans.loan_health(*given_loan, **below, full=True) == plain


def test_partial_liquidation_takes_less_of_the_bands_than_of_the_debt():
    # ((1 + 0.05) / 1.1 * 0.5 + 0.5) * 0.5
    assert loans.removed_fraction(WAD // 2, WAD // 10) == 488636363636363636
    assert loans.removed_fraction(WAD // 2, 0) == WAD // 2
    assert loans.removed_fraction(WAD, WAD // 10) == WAD
    assert loans.removed_fraction(0, WAD // 10) == 0


def test_what_a_liquidator_brings():
    # curve-stablecoin-js README 'Liquidation'
    debt, there = (in_units(n, WAD) for n in ("3053.026929417074184827", "2751.493405530582315609"))
    assert loans.tokens_to_liquidate(debt, there) == in_units("301.533523886491869218", WAD)
    # half the debt is rounded up, what is there down
    assert loans.tokens_to_liquidate(3, 1, WAD // 2) == 2
    assert loans.tokens_to_liquidate(100, 200) == 0


def test_documents_approximate_loan_to_value():
    # curve-docs: 9 %, A = 100: 89 % for 4 bands; the curve itself gives a little less
    assert loans.approximate_max_ltv("0.09", 4, 100) == Fraction(89, 100)
    debt = loans.max_loan_debt(WAD, 4, **{**MARKET, "loan_discount_wad": 9 * WAD // 100})
    assert 0.87 < debt / (3000 * WAD) < 0.89
    with pytest.raises(ValueError, match="deposited 0 is not above 0"):
        loans.soft_liquidation_loss(0, 1)


def test_data_file_has_the_values_that_the_rules_use():
    data = COMMON
    assert (data["least_bands"], data["most_bands"]) == (
        band_curve.LEAST_BANDS, band_curve.LARGEST_BANDS,
    )  # fmt: skip
    assert in_units(data["oracle_step"], WAD) == band_curve.LARGEST_ORACLE_STEP
    assert data["oracle_seconds"] == band_curve.ORACLE_MEMORY_SECONDS
    assert data["dead_shares"] == loans.DEAD_SHARES
    assert in_units(data["largest_rate_a_second"], WAD) == loans.LARGEST_RATE
    # 300 % a year, compounded every second
    assert (1 + float(data["largest_rate_a_second"])) ** (365 * 86400) == pytest.approx(4, rel=1e-6)
    assert loan_terms()["loan_discount_wad"] == 9 * WAD // 100
    with pytest.raises(ValueError, match="market 'x' is not one of tests, documents"):
        loan_terms("x")


# ---------------------------------------------------------------- oracle


def test_oracle_moves_by_a_quarter_at_most_and_asks_a_fee():
    limited = band_curve.limited_oracle
    # 0.9 cubed is 0.729
    assert limited(900 * WAD, 1000 * WAD, 0, 0) == (900 * WAD, 271 * WAD // 1000)
    assert limited(900 * WAD, 1000 * WAD, 0, 60) == (900 * WAD, 271 * WAD // 2000)
    assert limited(900 * WAD, 1000 * WAD, WAD // 10, 60) == (900 * WAD, 371 * WAD // 2000)
    # 0.8 cubed is 0.512, upwards and downwards; exactly a quarter is allowed
    for price, last in ((800, 1000), (700, 1000), (1250, 1000), (5000, 1000)):
        moved, fee = limited(price * WAD, last * WAD, 0, 0)
        assert moved == max(min(price, 1250), 800) * WAD
        assert fee == 488 * WAD // 1000
    assert limited(1, 1000 * WAD, WAD // 2, 120) == (1, 0)
    assert limited(WAD, WAD, WAD, 0) == (WAD, WAD - 1)


# ---------------------------------------------------------------- the market of the bands


def _pool(price=3000, **terms):
    pool = BandPool(price * WAD, **terms)
    pool.deposit("ada", WAD, 5, 9)
    return pool


def _follow(pool, prices):
    for price in prices:
        pool.advance(HOUR)
        pool.set_price(price * WAD)
        pool.arbitrage(price * WAD)
        pool.check()


def test_untouched_deposit_becomes_what_the_loan_formula_says():
    pool = _pool()
    value = loans.effective_collateral(WAD, 5, 0, 100) * pool.band_price(5) // WAD
    assert pool.stable_going_down("ada") / value == pytest.approx(1, rel=1e-11)
    assert pool.collateral_going_up("ada") == pytest.approx(WAD, rel=1e-12)


def test_deposit_is_sold_on_the_way_down_and_bought_back_on_the_way_up():
    pool = _pool()
    expected = pool.stable_going_down("ada")
    _follow(pool, range(3000, 2600, -5))
    stable, collateral = pool.holding("ada")
    assert collateral < 10
    # sold above the bands' lower end, for less than without slippage
    assert 2713 * WAD < stable < expected
    # a last unit of collateral a band is what `holding` does not count in stablecoin
    assert 0 <= pool.stable_going_down("ada") - stable <= 3000 * collateral
    _follow(pool, range(2600, 3000, 5))
    stable, collateral = pool.holding("ada")
    assert stable < 10**6
    loss, share = loans.soft_liquidation_loss(WAD, collateral)
    assert Fraction(1, 1000) < share < Fraction(2, 100)
    assert loss == WAD - collateral


def test_slower_prices_lose_less():
    losses = []
    for step in (40, 10, 1):
        pool = _pool(fee_wad=10**12)
        _follow(pool, range(3000, 2600, -step))
        losses.append(loans.soft_liquidation_loss(WAD, pool.collateral_going_up("ada"))[1])
    assert losses[0] > losses[1] > losses[2] > 0
    assert losses[2] < Fraction(1, 1000)


@pytest.mark.parametrize("stop", [2850, 2800, 2790, 2760, 2720])
def test_slow_prices_keep_both_values_of_a_deposit_inside_its_bands(stop):
    pool = _pool(fee_wad=10**12)
    before = pool.stable_going_down("ada")
    _follow(pool, range(3000, stop, -1))
    stable, collateral = pool.holding("ada")
    assert stable > 0 and collateral > 0
    # a step of one in 2800 puts the bands three times as far off, and half of that is lost: 5.4e-4 of all
    assert 0.9994 < pool.collateral_going_up("ada") / WAD < 1
    assert 0.9994 < pool.stable_going_down("ada") / before < 1
    # the way up and the way down differ by the price of the bands in between
    top, bottom = pool.band_price(5) / WAD, pool.band_price(10) / WAD
    assert bottom < before / WAD < top


@pytest.mark.parametrize("is_up", [True, False])
def test_values_beyond_the_bands_are_what_trading_them_empty_gives(is_up):
    pool = _pool(fee_wad=10**6)
    _follow(pool, range(3000, 2790, -5))
    stable, collateral = pool.holding("ada")
    assert stable > 0 and collateral > 0
    pool.advance(HOUR)
    edge = pool.band_price(5 if is_up else 10)
    pool.set_price(edge * (1003 if is_up else 997) // 1000)
    value = pool.collateral_going_up("ada") if is_up else pool.stable_going_down("ada")
    pool.exchange(not is_up, 10**6 * WAD)
    after = pool.holding("ada")
    assert after[0 if is_up else 1] < 100
    # besides that value the dynamic fee of bands off the oracle stays with the deposit
    assert value < after[1 if is_up else 0] < value * 102 // 100


def test_trading_at_the_oracle_costs_a_deposit_nothing():
    # the oracle jumped below three of five bands: what slow trading is worth falls with the jump, and the
    # trades that follow pay the dynamic fee to the deposit
    pool = _pool(2780, base_price_wad=3000 * WAD, fee_wad=10**6)
    before = pool.stable_going_down("ada")
    assert pool.arbitrage(2780 * WAD).received_wad > WAD // 3
    after = pool.stable_going_down("ada")
    assert before < after < before * 101 // 100


def test_arbitrage_stops_within_the_fee_of_the_market():
    pool = _pool()
    pool.advance(HOUR)
    pool.set_price(2780 * WAD)
    pool.arbitrage(2780 * WAD)
    # the fee stays in the band, so the price ends a little beyond
    assert 0.994 <= pool.price / (2780 * WAD) < 0.9941
    assert pool.arbitrage(2780 * WAD).paid_wad == 0
    assert pool.arbitrage(pool.price).received_wad == 0


@pytest.mark.parametrize("percent", [-6, -4, -3, -1, 1, 3, 4, 6])
def test_amount_for_a_price_reaches_it_over_several_bands(percent):
    pool = BandPool(2780 * WAD, base_price_wad=3000 * WAD, fee_wad=10**6)
    pool.deposit("ada", WAD, 1, 14)
    pool.arbitrage(2780 * WAD)
    assert pool.price == pytest.approx(2780 * WAD, rel=1e-3)
    start, band = pool.price, pool.active_band
    target = start * (100 + percent) // 100
    wanted, is_buy = pool.amount_for_price(target)
    assert is_buy is (percent > 0)
    assert pool.exchange(is_buy, wanted).paid_wad == wanted
    # the dynamic fee of bands off the oracle, a quarter of their distance, stays in them
    beyond = pool.price / target - 1
    assert 0 <= (beyond if is_buy else -beyond) + 1e-12 < 5e-4
    # a band is two percent wide at one price of the oracle
    assert abs(pool.active_band - band - percent / 2) <= 1
    pool.check()


def test_amount_for_a_price_beyond_all_bands_is_all_there_is():
    pool = _pool(2780, base_price_wad=3000 * WAD)
    other = copy.deepcopy(pool)
    wanted, is_buy = pool.amount_for_price(6000 * WAD)
    assert is_buy
    assert pool.exchange(True, wanted + WAD).received_wad == WAD
    assert sum(pool.collateral.values()) == 0
    # all but the rounding of a band is what it said
    assert abs(pool.stable_in_wad - wanted) <= 100
    assert other.amount_for_price(1000 * WAD) == (0, False)


def test_trades_stop_fifty_bands_from_the_oracle():
    # AMM.vy MAX_ORACLE_DN_POW: (100 / 99) ** 50, looked at after a band has traded; rounding
    # down makes the fiftieth the last
    assert band_curve.largest_deviation(100) / WAD == pytest.approx((100 / 99) ** 50, rel=1e-14)
    for first, sold in ((47, WAD), (48, 3 * WAD // 4), (51, 0)):
        pool = BandPool(3000 * WAD)
        pool.deposit("ada", WAD, first, first + 3)
        assert pool.exchange(True, 10**6 * WAD).received_wad == sold
        pool.check()


def test_exact_output_costs_what_exact_input_buys():
    pool = _pool()
    pool.advance(HOUR)
    pool.set_price(2780 * WAD)
    other = copy.deepcopy(pool)
    bought = pool.exchange(True, 1000 * WAD)
    sold = other.exchange(True, bought.received_wad, exact_output=True)
    assert sold.received_wad == bought.received_wad
    assert abs(sold.paid_wad - bought.paid_wad) <= 10**6
    # more than there is: all there is
    everything = other.exchange(True, 10 * WAD, exact_output=True)
    assert everything.received_wad == WAD - bought.received_wad
    assert sum(other.collateral.values()) == 0
    assert other.exchange(True, WAD).paid_wad == 0
    for one in (pool, other):
        one.check()


def test_trade_that_rounds_to_nothing_is_none():
    pool = _pool()
    before = (dict(pool.stable), dict(pool.collateral), pool.active_band)
    assert pool.exchange(True, 0) == pool.exchange(True, 1) != pool.exchange(False, 1)
    assert (dict(pool.stable), dict(pool.collateral), pool.active_band) == before


def test_deposits_go_below_bands_with_stablecoin():
    pool = _pool()
    _follow(pool, range(3000, 2760, -10))
    active = pool.active_band
    assert 5 <= active <= 9
    with pytest.raises(RefusalError, match=f"below-current-band: first {active} must be above"):
        pool.deposit("bob", WAD, active, active + 3)
    pool.deposit("bob", WAD, active + 1, active + 4)
    with pytest.raises(ValueError, match="name 'bob' has a deposit"):
        pool.deposit("bob", WAD, active + 1, active + 4)
    with pytest.raises(RefusalError, match="amount-too-low"):
        pool.deposit("eve", 403, active + 1, active + 4)
    with pytest.raises(ValueError, match=r"bands 51 is outside 1 \.\.\. 50"):
        pool.deposit("eve", WAD, 20, 70)
    # empty bands are skipped upwards
    fresh = BandPool(3000 * WAD)
    fresh.deposit("ada", WAD, -20, -17)
    assert fresh.active_band == -21


def test_withdrawing_by_share_and_the_dust_of_the_last():
    pool = _pool()
    pool.deposit("bob", 3 * WAD, 5, 9)
    assert sum(pool.holding("ada")) + sum(pool.holding("bob")) <= 4 * WAD
    _follow(pool, range(3000, 2780, -10))
    ada, bob = pool.holding("ada"), pool.holding("bob")
    assert bob[0] == pytest.approx(3 * ada[0], rel=1e-9)
    assert bob[1] == pytest.approx(3 * ada[1], rel=1e-9)
    half = pool.withdraw("bob", WAD // 2)
    assert half[0] == pytest.approx(bob[0] // 2, rel=1e-9)
    pool.withdraw("bob")
    pool.withdraw("ada")
    assert pool.deposits == {}
    assert sum(pool.stable.values()) == sum(pool.collateral.values()) == 0
    # dead shares keep a part in 10**14 or so
    assert 0 <= pool.collateral_dust_wad < 10**6
    pool.check()
    pool.stable[5] = 1
    with pytest.raises(ConservationError, match="stablecoin 1 in bands is not 0"):
        pool.check()
    with pytest.raises(ValueError, match="name 'bob' has no deposit"):
        pool.withdraw("bob")


def test_ends_of_the_bands_follow_deposits():
    # AMM.vy withdraw: min_band and max_band
    pool = _pool()
    pool.deposit("bob", WAD, 7, 13)
    assert (pool.deposits["bob"].first, pool.deposits["bob"].last) == (7, 13)
    assert (pool.lowest_band, pool.highest_band) == (0, 13)
    pool.withdraw("bob", WAD // 2)
    assert pool.highest_band == 13
    pool.withdraw("bob")
    assert pool.highest_band == 9
    high = BandPool(3000 * WAD)
    high.deposit("ada", WAD, -3, 0)
    assert (high.lowest_band, high.highest_band, high.active_band) == (-3, 0, -4)
    high.withdraw("ada")
    assert (high.lowest_band, high.highest_band) == (1, -4)


def test_oracle_jump_reaches_the_pool_in_steps():
    pool = _pool()
    pool.advance(60)
    pool.set_price(1000 * WAD)
    assert pool.oracle[0] == 2400 * WAD
    pool.exchange(True, WAD)
    pool.advance(60)
    assert pool.oracle[0] == 1920 * WAD
    pool.advance(60)
    assert pool.oracle == (1000 * WAD, 0)


_moves = st.lists(
    st.tuples(
        st.sampled_from(["price", "price", "buy", "sell", "arbitrage"]),
        st.integers(2600, 3050), st.integers(10**12, 10**18),
    ),
    min_size=1, max_size=15,
)  # fmt: skip


@given(_moves)
def test_trades_are_those_of_the_twin(moves):
    pool, fair = BandPool(3000 * WAD), FairBands(100, 3000)
    for name, size, first, last in (("ada", WAD, 5, 9), ("bob", 2 * WAD, 7, 13)):
        pool.deposit(name, size, first, last)
        fair.deposit(name, size / Decimal(WAD), first, last)
    for what, price, size in moves:
        pool.advance(HOUR)
        if what == "price":
            pool.set_price(price * WAD)
            continue
        if what == "arbitrage":
            trade = pool.arbitrage(price * WAD)
        else:
            trade = pool.exchange(what == "buy", size * 3000 if what == "buy" else size)
        pool.check()
        if not trade.received_wad:
            continue
        unit = Decimal(WAD)
        fee = pool.fee_wad / unit
        received = fair.trade(trade.is_buy, trade.paid_wad / unit, pool.price_wad / unit, fee)[1]
        assert abs(trade.received_wad / unit - received) <= received * TINY + TINY
        for name in pool.deposits:
            for own, expected in zip(pool.holding(name), fair.holding(name), strict=True):
                assert abs(own / unit - expected) <= expected * TINY + TINY
