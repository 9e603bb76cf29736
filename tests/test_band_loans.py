"""Loans against bands: what opens, what makes one unhealthy, and what a liquidation costs and gives.

Expected values follow curvefi/curve-stablecoin controller.vy and are worked by hand in the test.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cascade.errors import ConservationError
from cascade.lending import WAD, BandLoans, BandPool, RefusalError
from cascade.lending import soft_liquidation as rules

HOUR = 3600


def _loans(price=3000):
    return BandLoans(BandPool(price * WAD), 9 * WAD // 100, 6 * WAD // 100)


def _move(loans, prices, pause=HOUR):
    for price in prices:
        loans.pool.advance(pause)
        loans.pool.set_price(price * WAD)
        loans.pool.arbitrage(price * WAD)
        loans.check()


def _unhealthy():
    """A loan at the limit whose price went to and fro in its bands until it was worn out."""
    loans = _loans()
    loans.open("ada", WAD, loans.max_debt(WAD, 10), 10)
    for _ in range(30):
        _move(loans, (2950, 2900, 2850, 2800, 2850, 2900))
        if loans.health("ada", full=True) < 0:
            return loans
    raise AssertionError("the loan stays healthy")


def _state(loans):
    pool = loans.pool
    return (dict(loans.debts), loans.issued_wad, loans.cancelled_wad, dict(pool.stable),
            dict(pool.collateral), dict(pool.deposits), pool.active_band)  # fmt: skip


def test_new_loan_has_the_health_of_the_formula():
    loans = _loans()
    first, last = loans.open("ada", WAD, 2500 * WAD, 10)
    assert (first, last) == (3, 12)
    formula = rules.loan_health(
        WAD, 2500 * WAD, 10, 3, oracle_wad=3000 * WAD, base_price_wad=3000 * WAD,
        liquidation_discount_wad=6 * WAD // 100, amplification=100, full=True,
    )  # fmt: skip
    assert loans.health("ada", full=True) / formula == pytest.approx(1, rel=1e-9)
    assert loans.health("ada") < loans.health("ada", full=True)
    with pytest.raises(ValueError, match="name 'ada' has a loan"):
        loans.open("ada", WAD, 2500 * WAD, 10)


def test_debt_above_the_limit_is_refused_and_nothing_changes():
    loans = _loans()
    before = _state(loans)
    most = loans.max_debt(WAD, 10)
    with pytest.raises(RefusalError, match="debt-too-high"):
        loans.open("ada", WAD, most * 1001 // 1000, 10)
    assert _state(loans) == before
    assert loans.open("ada", WAD, most, 10)[0] == 0
    # bands down to the active one are free: a second loan may begin in the same band
    assert loans.pool.highest_free_band < 0
    assert loans.max_debt(WAD, 10) == most


def test_loans_begin_below_bands_that_hold_stablecoin():
    loans = _loans()
    loans.open("ada", WAD, 2500 * WAD, 10)
    _move(loans, range(3000, 2800, -10))
    pool = loans.pool
    assert pool.highest_free_band == pool.active_band + 1
    first, _ = loans.open("bob", WAD, loans.max_debt(WAD, 10), 10)
    assert first == pool.active_band + 1
    assert pool.band_price(first) <= 2800 * WAD


def test_falling_price_alone_does_not_make_a_loan_unhealthy():
    loans = _loans()
    loans.open("ada", WAD, loans.max_debt(WAD, 10), 10)
    _move(loans, range(3000, 1500, -20))
    stable, collateral = loans.pool.holding("ada")
    # all sold in time: the price may fall further
    assert collateral < 100
    assert stable > loans.debts["ada"]
    assert loans.health("ada", full=True) > 0
    with pytest.raises(RefusalError, match=r"healthy: health \d+ of 'ada' is not below 0"):
        loans.liquidate("ada")
    done = loans.repay("ada")
    # nothing is missing, and what the bands hold beyond the debt is the owner's
    assert (done.paid_wad, done.stable_wad) == (0, stable - done.debt_wad)
    loans.check()


def test_price_that_falls_at_once_leaves_the_bands_behind():
    loans = _loans()
    loans.open("ada", WAD, loans.max_debt(WAD, 10), 10)
    pool = loans.pool
    pool.advance(HOUR)
    pool.set_price(2000 * WAD)
    # unsold collateral is worth at 2000 what the band asks there, far below the bands
    assert loans.health("ada", full=True) < -WAD // 10
    debt = loans.debts["ada"]
    done = loans.liquidate("ada")
    assert (done.debt_wad, done.paid_wad, done.stable_wad) == (debt, debt, 0)
    assert done.collateral_wad == pytest.approx(WAD, rel=1e-12)
    # a liquidator who pays 2597 for what sells at 2000 does not come: that is how bad debt stays
    assert done.collateral_wad * 2000 < done.paid_wad
    loans.check()


def test_liquidator_pays_the_debt_less_what_the_bands_hold():
    loans = _unhealthy()
    debt, (stable, collateral) = loans.debts["ada"], loans.pool.holding("ada")
    assert loans.tokens_to_liquidate("ada") == debt - stable
    done = loans.liquidate("ada")
    assert (done.paid_wad, done.collateral_wad) == (debt - stable, collateral)
    assert loans.debts == {} and loans.pool.deposits == {}
    # the price is 2800 to 2950: what is bought is worth more than what is paid
    assert done.collateral_wad * 2800 > done.paid_wad
    with pytest.raises(ValueError, match="name 'ada' has no loan"):
        loans.liquidate("ada")
    loans.check()


def test_partial_liquidation_raises_health():
    loans = _unhealthy()
    debt, stable = loans.debts["ada"], loans.pool.holding("ada")[0]
    before = loans.health("ada")
    done = loans.liquidate("ada", WAD // 4)
    assert done.debt_wad == -(-debt // 4)
    assert loans.debts["ada"] == debt - done.debt_wad
    # h = 0.06: ((1.03 / 1.06) * 0.75 + 0.25) * 0.25 of the bands for a quarter of the debt
    share = (1.03 / 1.06 * 0.75 + 0.25) * 0.25
    assert done.debt_wad - done.paid_wad == pytest.approx(stable * share, rel=1e-9)
    assert loans.health("ada") > before
    loans.check()


def test_arguments_and_sums_are_checked():
    loans = _loans()
    with pytest.raises(ValueError, match=r"liquidation_discount_wad .* is outside 0 \.\.\. 1"):
        BandLoans(loans.pool, 1, 2)
    with pytest.raises(ValueError, match="name 'ada' has no loan"):
        loans.health("ada")
    loans.open("ada", WAD, 2500 * WAD, 10)
    with pytest.raises(ValueError, match=r"fraction_wad 0 is outside 1 \.\.\."):
        loans.liquidate("ada", 0)
    loans.issued_wad += 1
    with pytest.raises(ConservationError, match=r"debts .* are not"):
        loans.check()


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["open", "price", "price", "price", "jump", "liquidate", "part", "repay"]),
            st.integers(0, 4), st.integers(2000, 3500), st.integers(4, 50),
        ),
        max_size=25,
    )
)  # fmt: skip
def test_histories_add_up_and_refusals_change_nothing(actions):
    loans = _loans()
    for what, number, price, bands in actions:
        name, before = f"owner {number}", _state(loans)
        loans.pool.advance(HOUR)
        try:
            if what == "open":
                loans.open(name, WAD, loans.max_debt(WAD, bands) * 99 // 100, bands)
            elif what in ("price", "jump"):
                loans.pool.set_price(price * WAD)
                if what == "price":
                    loans.pool.arbitrage(price * WAD)
            else:
                stable_before = loans.pool.stable_out_wad
                if what == "repay":
                    done = loans.repay(name)
                else:
                    done = loans.liquidate(name, WAD if what == "liquidate" else WAD // 3)
                # the debt is cancelled by what is brought and what the bands give beyond what is handed on
                from_bands = loans.pool.stable_out_wad - stable_before
                assert done.debt_wad == done.paid_wad + from_bands - done.stable_wad
        except ValueError:
            assert _state(loans) == before
        loans.check()
