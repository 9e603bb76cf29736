"""Interest models, accrual, caps and where bad debt is booked: published values and hand-worked ones."""

from decimal import Decimal
from fractions import Fraction
from math import exp

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cascade as cs
from cascade import lending
from cascade.lending import BadDebt, CapBound, KinkStrategy, Pool

WAD, RAY = 10**18, 10**27
YEAR = 31_536_000
STRATEGY = KinkStrategy(RAY * 8 // 10, RAY // 100, RAY * 4 // 100, RAY * 6 // 10)


@pytest.mark.parametrize(
    ("available", "debt", "unbacked", "borrow", "supply"),
    [
        # RateStrategy.calculateRates.t.sol with a reserve factor of 10 %
        (2, 8, 0, "0.05", "0.036"),
        (0, 10, 0, "0.65", "0.585"),
        (2, 8, 6, "0.05", "0.0225"),
        (2, 8, 990, "0.05", "0.00036"),
        (9920, 80, 0, "0.0104", "0.00007488"),
        (5, 0, 0, "0.01", "0"),
    ],
)
def test_kink_rates(available, debt, unbacked, borrow, supply):
    unit = 10**17
    found = lending.kink_rates(
        STRATEGY, available * unit, debt * unit, 1000, unbacked=unbacked * unit
    )
    assert abs(Fraction(found.borrow_rate, RAY) - Fraction(borrow)) < Fraction(1, 10**24)
    assert abs(Fraction(found.supply_rate, RAY) - Fraction(supply)) < Fraction(1, 10**24)


def test_a_strategy_without_a_kink_stays_at_its_base():
    # GHO: optimal 0 and no slopes
    flat = KinkStrategy(0, RAY * 3 // 100, 0, 0)
    assert lending.kink_rate(flat, 0) == lending.kink_rate(flat, RAY // 2) == RAY * 3 // 100
    with pytest.raises(ValueError, match="optimal"):
        KinkStrategy(RAY + 1, 0, 0, 0)
    with pytest.raises(ValueError, match="slope2 -1"):
        KinkStrategy(0, 0, 0, -1)


def test_overall_rate_and_flash_loans_of_v2():
    # rate-strategy.spec.ts: half at 104 %, half at 10 %, reserve factor 10 %
    half = 4 * 10**17
    mean = lending.overall_borrow_rate(half, RAY * 104 // 100, half, RAY // 10)
    assert mean == RAY * 57 // 100
    assert lending.supply_rate(mean, RAY, 1000) == RAY * 513 // 1000
    assert lending.overall_borrow_rate(0, RAY, 0, RAY) == 0
    # flashloan.spec.ts
    premium = lending.flash_loan_premium(8 * 10**17, 9)
    assert premium == 72 * 10**13
    assert lending.index_after_premium(RAY, premium, WAD) == 100072 * 10**22


def test_interest_of_a_year():
    assert lending.linear_interest(RAY // 10, YEAR) == RAY + RAY // 10
    assert lending.compound_interest(RAY // 10, 0) == RAY
    grown = Fraction(lending.compound_interest(RAY // 10, YEAR), RAY)
    # three terms of the series: 1.1 + .005 + .000166..., whose last has two digits of a second's rate left
    assert 1 + Fraction("0.105") < grown < exp(0.1)
    assert abs(grown - (1 + Fraction("0.105") + Fraction(1, 6000))) < Fraction(1, 10**5)
    taylor = lending.taylor_compounded(WAD // 10 // YEAR, YEAR)
    assert abs(Fraction(taylor, WAD) - Fraction("0.105166666")) < Fraction(1, 10**7)


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        # interest-rate model tests, percent a year at 0, 10 and 100 %
        ((10, 20, 0, 90), (10, 12, 28)),
        ((10, 20, 2000, 0), (10, 210, 2010)),
    ],
)
def test_jump_rates(terms, expected):
    base, slope, jump, kink = (x * WAD // 100 for x in terms)
    for used, percent in zip((0, 10, 100), expected, strict=True):
        rate = lending.jump_rate_v1(used * WAD // 100, base, slope, jump, kink)
        assert abs(rate * lending.BLOCKS_PER_YEAR / WAD * 100 - percent) < 1e-6


def test_the_second_jump_model_divides_its_slope_by_the_kink():
    # 20 % up to the kink of 80 %, whatever the kink
    at_kink = lending.jump_rate_v2(WAD * 8 // 10, 0, WAD // 5, WAD, WAD * 8 // 10)
    assert abs(at_kink * lending.BLOCKS_PER_YEAR / WAD - 0.2) < 1e-9
    with pytest.raises(ZeroDivisionError):
        lending.jump_rate_v2(0, 0, WAD, WAD, 0)


def test_simple_accrual():
    # CToken tests: one block at 1e-6, reserve factor 10 %
    found = lending.accrue_simple(WAD, 10**22, 10**20, 10**12, 1, WAD // 10)
    assert found.index == 1000001000000000000
    assert found.borrows == 10000010000000000000000
    assert found.reserves == 100001000000000000000
    with pytest.raises(ValueError, match="5000000000001 is above 5000000000000"):
        lending.accrue_simple(WAD, 1, 0, 5 * 10**12 + 1, 1)


def test_a_second_borrower_joins_after_an_accrual():
    # BorrowBalance.scen: 1, then 5; 1 * 2.5 * 4.2 and 5 * 4.2
    first = lending.accrue_simple(WAD, WAD, 0, 5 * 10**12, 300_000)
    second = lending.accrue_simple(first.index, first.borrows + 5 * WAD, 0, 4 * 10**12, 800_000)
    assert lending.balance_at_index(WAD, WAD, second.index) == 105 * 10**17
    assert lending.balance_at_index(5 * WAD, first.index, second.index) == 21 * WAD
    assert second.borrows == 315 * 10**17


def test_exchange_rates():
    rate = lending.exchange_rate(51 * WAD, 2 * WAD, WAD // 2, 25 * 10**9)
    assert rate == 2_100_000_000 * WAD
    assert lending.exchange_rate(0, 0, 0, 0, initial=7) == 7


def test_interest_alone_makes_an_account_due():
    rule = cs.rules.compound_v2().liquidation
    reserves = {
        "c": lending.ReserveTerms(WAD, liquidation_threshold=WAD // 2), "d": lending.ReserveTerms(WAD),
    }  # fmt: skip
    held = {"c": 200 * WAD}
    assert not lending.is_liquidatable(rule, reserves, lending.Account(held, {"d": 100 * WAD}))
    grown = lending.accrue_simple(WAD, 100 * WAD, 0, 10**9, 1)
    assert lending.is_liquidatable(rule, reserves, lending.Account(held, {"d": grown.borrows}))


class TestComet:
    SUPPLY = (0, WAD * 4 // 100, WAD * 4 // 10, WAD * 8 // 10)
    BORROW = (WAD // 100, WAD * 5 // 100, WAD * 3 // 10, WAD * 8 // 10)

    @pytest.mark.parametrize(
        ("supplied", "borrowed", "used", "supply", "borrow"),
        [
            # interest-rate-test.ts
            ((500, 2), (25, 4), "0.1", "0.004", "0.015"),
            ((50, 2), (30, 3), "0.9", "0.072", "0.08"),
            ((50, 2), (0, 3), "0", "0", "0.01"),
        ],
    )
    def test_both_sides_have_curves_of_their_own(self, supplied, borrowed, used, supply, borrow):
        found = lending.comet_utilization(
            supplied[0], borrowed[0], supplied[1] * 10**15, borrowed[1] * 10**15
        )
        assert Fraction(found, WAD) == Fraction(used)
        rates = [lending.comet_rates(found, *curve) for curve in (self.SUPPLY, self.BORROW)]
        assert [Fraction(rate, WAD) for rate in rates] == [Fraction(supply), Fraction(borrow)]

    def test_without_supply_nothing_is_used(self):
        assert lending.comet_utilization(0, 10, 10**15, 10**15) == 0


class TestAdaptiveCurve:
    def test_a_new_market(self):
        # AdaptiveCurveIrmTest.sol: a quarter of 4 % when empty, four times when full
        for used, percent in ((0, 1), (WAD, 16), (WAD * 9 // 10, 4)):
            found = lending.adaptive_rate(used)
            assert abs(found.average * YEAR / WAD * 100 - percent) < 1e-6

    def test_five_days_empty_and_45_days_half_way_above(self):
        start = lending.AdaptiveCurve().initial_rate
        found = lending.adaptive_rate(0, start, 5 * 86_400)
        # a trapezium of three points, above the integral's 0.00724; the exponential is within a percent
        decay = 50 * 5 / 365
        trapezium = 0.01 * (1 + exp(-decay) + 2 * exp(-decay / 2)) / 4
        assert found.average * YEAR / WAD == pytest.approx(trapezium, rel=1e-2)
        assert found.average * YEAR / WAD == pytest.approx(0.00724, rel=0.1)
        found = lending.adaptive_rate(WAD * 95 // 100, start, 45 * 86_400)
        assert abs(found.at_target * YEAR / WAD / 0.8722 - 1) < 0.005

    def test_the_rate_at_target_keeps_its_bounds(self):
        curve = lending.AdaptiveCurve()
        for used, bound in ((WAD, curve.largest_rate), (0, curve.least_rate)):
            assert lending.adaptive_rate(used, curve.initial_rate, 10 * YEAR).at_target == bound
        assert lending.adaptive_rate(curve.target, 5, YEAR).at_target == 5

    def test_the_exponential_and_its_ends(self):
        upper = 57716089161558943949701069502944508345128422502756744429568
        assert lending.wad_exp(93859467695000404319) == upper
        # just below the bound the polynomial is within its error of the same
        assert abs(Fraction(lending.wad_exp(93859467695000404318), upper) - 1) < Fraction(2, 100)
        assert lending.wad_exp(0) == WAD
        assert lending.wad_exp(-41446531673892822313) == 0

    @given(x=st.integers(-20 * WAD, 60 * WAD))
    def test_the_exponential_is_within_a_percent(self, x):
        # ExpLibTest.sol asserts 1 %
        expected = Fraction((Decimal(x) / WAD).exp())
        assert abs(lending.wad_exp(x) - expected * WAD) <= expected * WAD / 100 + 1

    def test_ranges(self):
        with pytest.raises(ValueError, match="utilization"):
            lending.adaptive_rate(WAD + 1)
        with pytest.raises(ValueError, match="seconds -1"):
            lending.adaptive_rate(0, 1, -1)
        with pytest.raises(ValueError, match="target"):
            lending.AdaptiveCurve(target=WAD)
        with pytest.raises(ValueError, match="steepness"):
            lending.AdaptiveCurve(steepness=1)


class TestCaps:
    def test_aave_allows_the_cap_and_compound_does_not(self):
        assert lending.within_cap(10, 10)
        assert not lending.within_cap(10, 10, CapBound.BELOW)
        assert not lending.within_cap(11, 10)
        assert lending.within_cap(10**40, 0, CapBound.BELOW)
        with pytest.raises(lending.CapExceededError, match="below 10"):
            lending.borrowed_within(4, 6, 10, CapBound.BELOW)
        assert lending.borrowed_within(4, 6, 10) == 10
        assert cs.rules.compound_v2().borrow_cap is CapBound.BELOW
        assert cs.rules.aave_v3().borrow_cap is CapBound.AT_OR_BELOW

    def test_what_accrued_to_the_treasury_counts(self):
        assert lending.supplied_within(90, 9, 1, 10, 10) == 100
        with pytest.raises(lending.CapExceededError, match="SUPPLY_CAP_EXCEEDED"):
            lending.supplied_within(90, 10, 1, 10, 10)

    def test_isolated_debt_is_counted_in_cents(self):
        # isolation-mode.spec.ts: 10, 10, then 100 against a ceiling of 100.00
        debt = lending.isolated_debt(0, 10 * WAD, 18, 10_000)
        debt = lending.isolated_debt(debt, 10 * WAD, 18, 10_000)
        assert debt == 2_000
        with pytest.raises(lending.CapExceededError, match="DEBT_CEILING_EXCEEDED") as no:
            lending.isolated_debt(debt, 100 * WAD, 18, 10_000)
        assert no.value.code == "DEBT_CEILING_EXCEEDED"
        # the ceiling itself is allowed, and less than a cent counts as nothing
        assert lending.isolated_debt(debt, 80 * WAD, 18, 10_000) == 10_000
        assert lending.isolated_debt(10_000, 10**16 - 1, 18, 10_000) == 10_000
        assert lending.isolated_debt(0, WAD, 18, 0) == 0
        with pytest.raises(ValueError, match="decimals 1"):
            lending.isolated_debt(0, 1, 1, 5)


class TestBadDebt:
    POOL = Pool(cash=20, debt=90, supply=100, reserves=10)

    def test_stays_hits_who_withdraws_last(self):
        # sherlock 021-H/275: 63.8095... came back; 50 and 13 go out, the second supplier cannot have 50
        cash = 63809523809523809524
        out = lending.withdraw_in_order(cash, [50 * WAD, 13 * WAD])
        assert out.cash_left == 809523809523809524
        run = lending.withdraw_in_order(cash, [50 * WAD, 50 * WAD])
        assert run.paid == (50 * WAD, 13809523809523809524)
        assert run.unpaid == (0, 36190476190476190476)
        with pytest.raises(ValueError, match="negative"):
            lending.withdraw_in_order(1, [-1])

    @pytest.mark.parametrize(
        ("destination", "after"),
        [
            (BadDebt.STAYS, Pool(20, 90, 100, 10)),
            (BadDebt.DEFICIT, Pool(20, 60, 100, 10, 30)),
            (BadDebt.RESERVES, Pool(20, 60, 100, -20)),
            (BadDebt.SUPPLIERS, Pool(20, 60, 70, 10)),
        ],
    )
    def test_every_destination_keeps_the_balance(self, destination, after):
        assert self.POOL.gap == 0
        assert lending.book_bad_debt(self.POOL, 30, destination) == after
        assert after.gap == 0

    def test_what_is_no_pools_business_is_refused(self):
        for destination in (BadDebt.REDISTRIBUTION, BadDebt.AUCTION_SHORTFALL):
            with pytest.raises(ValueError, match=destination.value):
                lending.book_bad_debt(self.POOL, 1, destination)
        with pytest.raises(ValueError, match=r"91 is outside 0 ... 90"):
            lending.book_bad_debt(self.POOL, 91, BadDebt.DEFICIT)

    def test_a_deficit_is_covered_by_burning_claims(self):
        pool = lending.book_bad_debt(self.POOL, 30, BadDebt.DEFICIT)
        covered = lending.burn_deficit(pool, 30)
        assert covered == Pool(20, 60, 70, 10)
        with pytest.raises(lending.LendingRefusedError, match=r"31: 1 ... 30"):
            lending.burn_deficit(pool, 31)
        with pytest.raises(lending.LendingRefusedError, match="caller_debt"):
            lending.burn_deficit(pool, 1, caller_debt=1)

    def test_price_of_the_crv_residue(self):
        # blockworks.co: 2.64M CRV, about 1.7M dollars
        assert abs(lending.price_of_residue(1_700_000, 2_640_000) - Fraction("0.644")) < Fraction(
            1, 1000
        )
