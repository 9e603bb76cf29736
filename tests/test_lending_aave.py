"""Aave's liquidations, versions 2 to 3.7: published runs, edges of the rule, refusals, conservation.

Expected numbers are those that the named source prints, or are worked by hand beside the assertion.
"""

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cascade as cs
from cascade import lending
from cascade.lending import Account, EMode, ReserveTerms

WAD = 10**18
USD = 10**8
PAIR = {"debt": "debt", "collateral": "collateral"}


def rule(version="3.0"):
    return cs.rules.aave_v3(version).liquidation


def reserve(price="1", threshold="0", bonus="1", **more):
    parts = {
        "price": int(Fraction(price) * USD),
        "liquidation_threshold": int(Fraction(threshold) * 10**4),
        "bonus": int(Fraction(bonus) * 10**4),
    }
    return ReserveTerms(**{**parts, **more})


def market(price="1", threshold="0.8", bonus="1.05", debt_price="1", **more):
    return {
        "collateral": reserve(price, threshold, bonus, **more),
        "debt": reserve(debt_price),
    }


def account(collateral, debt, **more):
    return Account(
        {"collateral": int(Fraction(collateral) * WAD)},
        {"debt": int(Fraction(debt) * WAD)},
        **more,
    )


def test_a_toxic_spiral_lowers_health_with_every_call_and_ends_in_bad_debt():
    # sherlock-audit/2024-06-new-scope-judging H-9
    reserves, state = market("0.78", "0.95"), account(1000, 750)
    health, lowered = [], []
    for _ in range(3):
        done = lending.liquidate(rule(), reserves, state, **PAIR)
        health.append(done.health_before)
        lowered.append(done.lowered)
        state = done.account
    health.append(done.health_after)
    assert health == [988 * 10**15, 9785 * 10**14, 9595 * 10**14, 9215 * 10**14]
    assert lowered == [True, True, True]
    assert lending.is_insolvent(reserves, state)
    # no step books it: the debt stays on the account
    assert done.bad_debt == {}
    assert done.bad_debt_to is lending.BadDebt.STAYS


def test_taking_the_best_of_two_collaterals_lowers_health_and_unlocks_the_whole_debt():
    # sherlock-audit/2024-06-new-scope-judging H-8
    reserves = {
        "A": reserve(1, "0.95", "1.05"),
        "C": reserve("0.5", "0.80", "1.05"),
        "debt": reserve(),
    }
    state = Account({"A": 1000 * WAD, "C": 1000 * WAD}, {"debt": 1390 * WAD})
    best = lending.liquidate(rule(), reserves, state, debt="debt", collateral="A")
    assert (best.health_before, best.health_after) == (971223021582733813, 944913884892086331)
    assert best.lowered
    assert best.repaid == 695 * WAD
    # 0.9449 is not above 0.95: all of the rest may go, which takes all there is of A:
    # 270.25 / 1.05 = 257.380952...
    again = lending.liquidate(rule(), reserves, best.account, debt="debt", collateral="A")
    assert again.seized == best.account.collateral["A"]
    assert again.repaid == 257380952380952380952
    # the other collateral instead raises health
    worst = lending.liquidate(rule(), reserves, state, debt="debt", collateral="C")
    assert not worst.lowered


def test_two_collaterals_lower_health_even_without_a_bonus():
    # the same reviews, text example: 1400 / 1600, then 500 / 600
    reserves = {"a": reserve(1, "0.9"), "c": reserve(1, "0.5"), "debt": reserve()}
    state = Account({"a": 1000 * WAD, "c": 1000 * WAD}, {"debt": 1600 * WAD})
    done = lending.liquidate(rule(), reserves, state, debt="debt", collateral="a", repay=1000 * WAD)
    assert done.health_before == 875 * 10**15
    assert done.health_after == 833333333333333333
    assert done.lowered


def test_the_mean_threshold_is_cut_to_basis_points_up_to_v33_and_not_in_v37():
    # rules of section 2.3: 0.944913885 against 0.944946043
    reserves = {"A": reserve(1, "0.95"), "C": reserve("0.5", "0.80"), "debt": reserve()}
    state = Account({"A": 27025 * WAD // 100, "C": 1000 * WAD}, {"debt": 695 * WAD})
    assert lending.health_factor(rule("3.3"), reserves, state) == 944913884892086331
    # (270.25 * 0.95 + 500 * 0.8) / 695 = 656.7375 / 695
    exact = int(Fraction("656.7375") / 695 * WAD)
    assert lending.health_factor(rule("3.7"), reserves, state) == exact == 944946043165467625


@pytest.mark.parametrize("version", ["3.0", "3.3", "3.7"])
def test_health_of_exactly_one_is_healthy(version):
    reserves = market(1, "0.8")
    assert not lending.is_liquidatable(rule(version), reserves, account(1000, 800))
    with pytest.raises(lending.NotLiquidatableError, match="health"):
        lending.liquidate(rule(version), reserves, account(1000, 800), **PAIR)
    # a cent of debt more
    assert lending.is_liquidatable(rule(version), reserves, account(1000, "800.01"))


@pytest.mark.parametrize(
    ("debt", "repaid"), [(800, 800), ("799.99", Fraction("799.99") / 2)], ids=["0.95", "above"]
)
def test_health_of_exactly_095_may_be_repaid_whole(debt, repaid):
    # 950 * 0.8 / 800 = 0.95: at or below, all of it
    done = lending.liquidate(rule(), market(1, "0.8"), account(950, debt), **PAIR)
    assert done.repaid == repaid * WAD


def test_v2_repays_half_whatever_the_health():
    v2 = cs.rules.aave_v2().liquidation
    done = lending.liquidate(v2, market(1, "0.8"), account(900, 800), **PAIR)
    assert done.repaid == 400 * WAD
    assert done.seized == 420 * WAD


def test_a_larger_request_is_cut_silently():
    for asked in (None, 401 * WAD, 10**40):
        v2 = cs.rules.aave_v2().liquidation
        done = lending.liquidate(v2, market(1, "0.8"), account(900, 800), **PAIR, repay=asked)
        assert done.repaid == 400 * WAD


def test_chained_calls_get_past_the_close_factor():
    # sherlock 020-H/196: 200 first, then half of what is left, 64 % in total above 0.95
    reserves = market("3.326", "0.80", "1.05", "2")
    first = lending.liquidate(rule(), reserves, account(500, 700), **PAIR, repay=200 * WAD)
    second = lending.liquidate(rule(), reserves, first.account, **PAIR, repay=450 * WAD)
    assert first.health_before == 950285714285714286
    assert (second.health_before, second.health_after) == (994400000000000000, 1148800000000000000)
    assert Fraction(first.repaid + second.repaid, 700 * WAD) == Fraction(450, 700)


def test_a_share_of_the_bonus_is_the_protocols():
    # 105 seized for 100; bonus 5, a tenth of it 0.5
    reserves = market(1, "0.8", "1.05", protocol_fee=1000)
    done = lending.liquidate(rule(), reserves, account(900, 800), **PAIR, repay=100 * WAD)
    assert (done.seized, done.fee, done.received) == (105 * WAD, WAD // 2, 105 * WAD - WAD // 2)


def test_the_lot_is_exhausted_before_the_debt():
    # sherlock 021-H/275: 268 at 0.5 pay for 134 / 1.05 / 2 = 63.8095...
    reserves = market("0.5", "0.8", "1.05", "2")
    done = lending.liquidate(rule(), reserves, account(268, 100), **PAIR, repay=64 * WAD)
    assert done.repaid == 63809523809523809524
    assert done.account.collateral["collateral"] == 0


def test_a_smaller_repayment_of_dust_rounds_to_nothing_seized():
    # a USDC atom is 1e-6; of a coin at 1e15 dollars that is less than one of its eight decimals
    reserves = {
        "collateral": ReserveTerms(10**15 * USD, 10**8, 8000, bonus=10500),
        "debt": ReserveTerms(USD, 10**6),
    }
    state = Account({"collateral": 10**8}, {"debt": 9 * 10**20})
    done = lending.liquidate(rule(), reserves, state, **PAIR, repay=1)
    assert (done.repaid, done.seized) == (1, 0)


@pytest.mark.parametrize(
    ("version", "seized"),
    [("3.0", 2), ("3.3", 2), ("3.7", 1)],
)
def test_the_seized_atom_rounds_half_up_and_down_in_v37(version, seized):
    # one atom with a bonus of one half is an atom and a half
    reserves = {
        "collateral": ReserveTerms(USD, 1, 5000, bonus=15000),
        "debt": ReserveTerms(USD, 1),
    }
    state = Account({"collateral": 10_000}, {"debt": 6_000})
    done = lending.liquidate(rule(version), reserves, state, **PAIR, repay=1)
    assert done.seized == seized


def test_v37_rounds_the_debt_that_all_collateral_pays_up():
    reserves = {"collateral": ReserveTerms(USD, 1, 5000, bonus=10500), "debt": ReserveTerms(USD, 1)}
    state = Account({"collateral": 100}, {"debt": 5_000})
    # 100 / 1.05 = 95.238
    assert lending.liquidate(rule("3.3"), reserves, state, **PAIR).repaid == 95
    assert lending.liquidate(rule("3.7"), reserves, state, **PAIR).repaid == 96


def test_v37_rounds_the_fee_up():
    reserves = {
        "collateral": ReserveTerms(USD, 1, 5000, bonus=10500, protocol_fee=1000),
        "debt": ReserveTerms(USD, 1),
    }
    state = Account({"collateral": 10**5}, {"debt": 10**5})
    # 105 seized, bonus 5, a tenth of it: 0.5 half up is 1; of 42, bonus 2, 0.2 is 0 and 1
    assert lending.liquidate(rule("3.0"), reserves, state, **PAIR, repay=100).fee == 1
    assert lending.liquidate(rule("3.0"), reserves, state, **PAIR, repay=40).fee == 0
    # both sides are worth more than 1000 after, so no dust
    assert lending.liquidate(rule("3.7"), reserves, state, **PAIR, repay=40).fee == 1


def test_the_fee_is_cut_to_what_is_left_in_scaled_units():
    # at an index of 1.5: 5 atoms are 3.33 scaled, 3 of them; a balance of 3 is worth 4.5, half up 5; of 2, 3
    index = 15 * 10**26
    assert lending.fee_within_balance(5, 3, index) == 5
    assert lending.fee_within_balance(5, 2, index) == 3
    assert lending.fee_within_balance(0, 0, index) == 0


class TestSizes:
    """The rules of v3.3: sizes, dust, deficit."""

    def test_below_2000_dollars_on_either_side_all_of_it_goes(self):
        # health 0.98 and 0.97
        state = account("1999.99", 1500)
        reserves = market(1, "0.73")
        assert lending.liquidate(rule("3.3"), reserves, state, **PAIR).repaid == 1500 * WAD
        state = account(2400, "1999.99")
        reserves = market(1, "0.81")
        assert lending.liquidate(rule("3.3"), reserves, state, **PAIR).repaid == 199999 * WAD // 100

    def test_from_2000_dollars_on_half_of_it_goes(self):
        state, reserves = account(2400, 2000), market(1, "0.81")
        assert lending.liquidate(rule("3.3"), reserves, state, **PAIR).repaid == 1000 * WAD

    def test_half_is_of_the_whole_account(self):
        # three debts of 3000: half of 9000 is more than any of them
        names = ("x", "y", "z")
        reserves = {"collateral": reserve(1, "0.8", "1.05"), **dict.fromkeys(names, reserve())}
        state = Account({"collateral": 11000 * WAD}, dict.fromkeys(names, 3000 * WAD))
        done = lending.liquidate(rule("3.3"), reserves, state, debt="x", collateral="collateral")
        assert done.repaid == 3000 * WAD
        # before v3.3 it was half of the one debt
        before = lending.liquidate(rule("3.0"), reserves, state, debt="x", collateral="collateral")
        assert before.repaid == 1500 * WAD

    def test_dust_is_refused_on_both_sides(self):
        # CloseFactor.t.sol: 956 of 2000 at 5 % would leave 996.2 of collateral
        reserves = {
            "collateral": reserve(1, "0.8", "1.05"),
            "other": reserve(1, "0.8"),
            "debt": reserve(),
        }
        state = Account({"collateral": 2000 * WAD, "other": 7200 * WAD}, {"debt": 7500 * WAD})
        with pytest.raises(lending.DustLeftError, match=r"collateral left 99620000000.*DUST") as no:
            lending.liquidate(rule("3.3"), reserves, state, **PAIR, repay=956 * WAD)
        assert (no.value.field, no.value.value) == ("collateral left", 99620000000)
        # 1000 exactly may stay: 1000 / 1.05 = 952.38...
        fits = 952 * WAD
        left = lending.liquidate(rule("3.3"), reserves, state, **PAIR, repay=fits).account
        assert left.collateral["collateral"] >= 1000 * WAD
        small = Account(state.collateral, {"debt": 7400 * WAD, "d2": 1500 * WAD})
        with pytest.raises(lending.DustLeftError, match="debt left 50100000000"):
            lending.liquidate(
                rule("3.3"), {**reserves, "d2": reserve()}, small,
                debt="d2", collateral="other", repay=999 * WAD,
            )  # fmt: skip

    def test_a_deadlock_between_close_factor_and_dust(self):
        # LT 0.95 with a bonus of 1 %: up to 0.9595 a half call may lower health, and here leaves too little
        reserves = market(1, "0.95", "1.01")
        state = account(2005, 2000)
        score = lending.health_factor(rule("3.3"), reserves, state)
        toxic = lending.toxic_threshold("0.95", "0.01")
        assert 95 * 10**16 < score < toxic * WAD
        with pytest.raises(lending.DustLeftError, match="collateral left"):
            lending.liquidate(rule("3.3"), reserves, state, **PAIR)

    def test_a_third_party_unlocks_the_whole_debt(self):
        # features of v3.3: 51 repaid first lift the profit from 153.75 to 248.85
        reserves, state = market(1, "0.825", "1.15"), account(2420, 2050)
        half = lending.liquidate(rule("3.3"), reserves, state, **PAIR)
        whole = lending.liquidate(
            rule("3.3"), reserves, state.moved({}, {"debt": -51 * WAD}), **PAIR
        )
        assert half.received - half.paid == 15375 * WAD // 100
        assert whole.received - whole.paid - 51 * WAD == 24885 * WAD // 100

    def test_a_debt_under_grace_counts_in_the_half_and_may_push_into_dust(self):
        # review 194: 4000 of debts, half is 2000; the 2500 debt would keep 500
        reserves = {
            "collateral": reserve(1, "0.8", "1.05"),
            "debt": reserve(),
            "graced": replace(reserve(), grace_until=100),
        }
        held = {"collateral": 4900 * WAD}
        state = Account(held, {"debt": 2500 * WAD, "graced": 1500 * WAD})
        with pytest.raises(lending.DustLeftError, match="debt left 50000000000"):
            lending.liquidate(rule("3.3"), reserves, state, **PAIR)
        with pytest.raises(lending.GracePeriodError, match="from 100 on"):
            lending.liquidate(
                rule("3.3"), reserves, state, debt="graced", collateral="collateral", now=99
            )

    def test_debt_in_all_reserves_is_written_off_when_all_collateral_is_gone(self):
        reserves = {**market(1, "0.8"), "other": reserve(2)}
        state = Account({"collateral": 1050 * WAD}, {"debt": 1500 * WAD, "other": 40 * WAD})
        done = lending.liquidate(rule("3.3"), reserves, state, **PAIR)
        # 1050 / 1.05 = 1000 repaid; 500 and the other 40 are deficits
        assert done.repaid == 1000 * WAD
        assert done.bad_debt == {"debt": 500 * WAD, "other": 40 * WAD}
        assert done.bad_debt_to is lending.BadDebt.DEFICIT
        assert not any(done.account.debts.values())
        assert done.health_after is None
        assert not done.lowered

    @pytest.mark.parametrize("version", ["3.3", "3.7"])
    def test_a_sliver_of_another_collateral_keeps_the_debt_alive(self, version):
        # reviews 154, 203, 206; by value: an atom of 6 decimals is worth 100 base units
        reserves = {**market(1, "0.8"), "sliver": reserve(1, "0.8", "1.05", unit=10**6)}
        held = {"collateral": 1050 * WAD, "sliver": 1}
        done = lending.liquidate(
            rule(version), reserves, Account(held, {"debt": 1500 * WAD}), **PAIR
        )
        assert done.bad_debt == {}
        assert done.account.debts["debt"] == 500 * WAD
        # an atom of 18 decimals is worth nothing in base units, which the contract compares
        worthless = {**reserves, "sliver": reserve(1, "0.8", "1.05")}
        done = lending.liquidate(
            rule(version), worthless, Account(held, {"debt": 1500 * WAD}), **PAIR
        )
        assert done.bad_debt == {"debt": 500 * WAD}

    def test_restoring_fraction_of_the_published_review(self):
        # review 195: (1 - 0.96) / (1 - 0.86 * 1.05), one point less is printed
        fraction = lending.restoring_fraction(959999999996666667, 8600, 10500)
        assert fraction == 402371134054982814 + WAD // 100
        assert lending.restoring_fraction(WAD, 8600, 10500) == 0
        # toxic: repaying never restores health
        assert lending.restoring_fraction(WAD // 2, 9600, 10500) is None


class TestStates:
    """Paused, inactive, frozen, grace, sentinel, cash, e-mode, self, same asset."""

    @pytest.mark.parametrize("asset", ["collateral", "debt"])
    def test_paused_and_inactive_assets_are_refused_and_frozen_ones_are_not(self, asset):
        reserves, state = market(1, "0.8"), account(900, 800)
        for change in ({"is_paused": True}, {"is_active": False}):
            changed = {**reserves, asset: replace(reserves[asset], **change)}
            with pytest.raises(lending.PausedError, match=asset):
                lending.liquidate(rule(), changed, state, **PAIR)
        frozen = {**reserves, asset: replace(reserves[asset], is_frozen=True)}
        assert lending.liquidate(rule(), frozen, state, **PAIR).repaid

    @pytest.mark.parametrize("asset", ["collateral", "debt"])
    def test_grace_ends_at_its_second(self, asset):
        reserves, state = market(1, "0.8"), account(900, 800)
        changed = {**reserves, asset: replace(reserves[asset], grace_until=50)}
        with pytest.raises(lending.GracePeriodError, match="49"):
            lending.liquidate(rule("3.3"), changed, state, **PAIR, now=49)
        assert lending.liquidate(rule("3.3"), changed, state, **PAIR, now=50).repaid

    def test_the_sentinel_holds_up_health_of_095_and_above(self):
        reserves = market(1, "0.8")
        with pytest.raises(lending.GracePeriodError, match="sentinel"):
            lending.liquidate(rule(), reserves, account(950, 800), **PAIR, sentinel_allows=False)
        done = lending.liquidate(rule(), reserves, account(949, 800), **PAIR, sentinel_allows=False)
        assert done.repaid == 800 * WAD

    def test_the_underlying_needs_cash_and_the_deposit_token_does_not(self):
        reserves, state = market(1, "0.8", cash=419 * WAD), account(900, 800)
        v2 = cs.rules.aave_v2().liquidation
        with pytest.raises(lending.InsufficientCashError, match="cash 419"):
            lending.liquidate(v2, reserves, state, **PAIR)
        assert (
            lending.liquidate(v2, reserves, state, **PAIR, takes_deposit=True).seized == 420 * WAD
        )
        enough = market(1, "0.8", cash=420 * WAD)
        assert lending.liquidate(v2, enough, state, **PAIR).seized == 420 * WAD

    def test_collateral_must_be_enabled_and_have_a_threshold(self):
        state = account(900, 800)
        with pytest.raises(lending.NotCollateralError, match="collateral"):
            lending.liquidate(rule(), market(1, 0), state, **PAIR)
        off = Account(state.collateral, state.debts, disabled=["collateral"])
        with pytest.raises(lending.NotCollateralError):
            lending.liquidate(rule(), market(1, "0.8"), off, **PAIR)
        assert lending.health_factor(rule(), market(1, "0.8"), off) == 0
        reserves = {**market(1, "0.8"), "other": reserve(1, "0.8")}
        with pytest.raises(lending.NotCollateralError):
            lending.liquidate(rule(), reserves, state, debt="debt", collateral="other")

    def test_the_chosen_debt_must_be_owed(self):
        reserves = {**market(1, "0.8"), "other": reserve()}
        with pytest.raises(lending.NothingOwedError, match="other"):
            lending.liquidate(
                rule(), reserves, account(900, 800), debt="other", collateral="collateral"
            )

    def test_e_mode_replaces_threshold_and_bonus_of_its_own_assets(self):
        mode = EMode(1, 9300, 9000, 10100, "ETH correlated")
        reserves = market(1, "0.8", "1.05", e_mode=1)
        state = account(900, 830, e_mode=mode)
        # 900 * 0.93 = 837 backs 830; without the category 720 does not
        assert not lending.is_liquidatable(rule(), reserves, state)
        assert lending.is_liquidatable(rule(), reserves, account(900, 830))
        done = lending.liquidate(rule(), reserves, account(900, 840, e_mode=mode), **PAIR)
        assert done.seized == Fraction("424.2") * WAD
        other = market(1, "0.8", "1.05", e_mode=2)
        assert lending.is_liquidatable(rule(), other, state)

    def test_the_same_asset_may_be_debt_and_collateral(self):
        reserves = {"debt": reserve(1, "0.8", "1.05")}
        state = Account({"debt": 900 * WAD}, {"debt": 800 * WAD})
        done = lending.liquidate(rule(), reserves, state, debt="debt", collateral="debt")
        assert done.account.collateral["debt"] == 60 * WAD
        assert done.account.debts["debt"] == 0

    def test_self_liquidation_was_allowed_before_v37(self):
        reserves, state = market(1, "0.8"), account(900, 800)
        assert lending.liquidate(rule("3.3"), reserves, state, **PAIR, is_self=True).repaid
        with pytest.raises(lending.SelfLiquidationError):
            lending.liquidate(rule("3.7"), reserves, state, **PAIR, is_self=True)

    def test_a_price_of_zero_cannot_be_converted(self):
        with pytest.raises(lending.PriceError, match="collateral"):
            lending.liquidate(rule(), market(0, "0.8"), account(900, 800), **PAIR)
        # debt worth nothing is no debt that health counts
        reserves = market(1, "0.8", "1.05", 0)
        with pytest.raises(lending.NotLiquidatableError):
            lending.liquidate(rule(), reserves, account(900, 800), **PAIR)

    def test_a_refusal_changes_nothing(self):
        state = account(1000, 800)
        before = dict(state.collateral), dict(state.debts)
        with pytest.raises(lending.LendingRefusedError):
            lending.liquidate(rule(), market(1, "0.8"), state, **PAIR)
        assert (dict(state.collateral), dict(state.debts)) == before
        with pytest.raises(TypeError):
            state.collateral["collateral"] = 0


amounts = st.integers(1, 10**26)
prices = st.integers(1, 10**14)
terms = st.tuples(st.integers(1000, 9500), st.integers(10000, 12000), st.integers(0, 5000))


@given(
    version=st.sampled_from(["2", "3.0", "3.3", "3.7"]),
    held=amounts, owed=amounts, other=amounts, price=prices, debt_price=prices, term=terms,
    repay=st.none() | amounts,
)  # fmt: skip
def test_every_atom_is_accounted_for(version, held, owed, other, price, debt_price, term, repay):
    threshold, bonus, fee = term
    found = cs.rules.aave_v2().liquidation if version == "2" else rule(version)
    reserves = {
        "collateral": ReserveTerms(price, 10**18, threshold, bonus=bonus, protocol_fee=fee),
        "debt": ReserveTerms(debt_price, 10**6),
        "other": ReserveTerms(debt_price, 10**18),
    }
    state = Account({"collateral": held}, {"debt": owed, "other": other})
    try:
        done = lending.liquidate(found, reserves, state, **PAIR, repay=repay)
    except lending.LendingRefusedError:
        return
    assert done.received + done.fee == done.seized
    assert done.seized + done.account.collateral["collateral"] == held
    assert done.repaid == done.paid
    assert done.repaid + done.account.debts["debt"] + done.bad_debt.get("debt", 0) == owed
    assert done.account.debts["other"] + done.bad_debt.get("other", 0) == other
    assert min(done.fee, done.received, done.repaid) >= 0
    if repay is not None:
        # what all the collateral pays is rounded, by an atom at most
        assert done.repaid <= repay + 1


@given(
    held=st.integers(10**3, 10**6), share=st.integers(600, 1100), threshold=st.integers(2000, 9500),
    bonus=st.integers(10000, 12000),
)  # fmt: skip
def test_health_rises_exactly_above_the_toxic_threshold(held, share, threshold, bonus):
    # leanbook v0.5.62; amounts so large that no rounding decides, and a band left out round the threshold itself
    reserves = {
        "collateral": ReserveTerms(USD, WAD, threshold, bonus=bonus), "debt": ReserveTerms(USD, WAD),
    }  # fmt: skip
    state = Account({"collateral": held * WAD}, {"debt": held * share * WAD // 1000})
    toxic = lending.toxic_threshold(Fraction(threshold, 10**4), Fraction(bonus, 10**4) - 1)
    small = lending.LiquidationRule(close_share=100)
    try:
        done = lending.liquidate(small, reserves, state, **PAIR)
    except lending.LendingRefusedError:
        return
    if abs(done.health_before - toxic * WAD) > 10**12 and done.account.collateral["collateral"]:
        assert done.lowered == (done.health_before < toxic * WAD)


@given(
    held=st.integers(1, 10**20), repay=st.integers(1, 10**14), price=prices, debt_price=prices,
    term=terms,
)  # fmt: skip
def test_roundings_lean_where_the_version_says(held, repay, price, debt_price, term):
    """Amounts against exact fractions: v3.7 never seizes more nor asks less than the exact terms."""
    threshold, bonus, fee = term
    collateral = ReserveTerms(price, 10**18, threshold, bonus=bonus, protocol_fee=fee)
    debt = ReserveTerms(debt_price, 10**6)
    per_debt = Fraction(debt_price * 10**18, price * 10**6)
    factor = Fraction(bonus, 10**4)
    for version in ("3.0", "3.7"):
        found = lending.seize_at_base(rule(version), repay, debt, collateral, held, bonus)
        exact = repay * per_debt * factor
        if found.seized < held:
            assert found.repaid == repay
            # the base amount loses less than an atom, the bonus half of one or one
            assert -1 - factor < found.seized - exact <= Fraction(1, 2)
        if version == "3.7":
            assert found.seized <= exact
            part = found.seized - Fraction(found.seized) / factor
            assert found.fee >= part * Fraction(fee, 10**4)
            if found.seized == held and found.repaid != repay:
                whole = held / per_debt
                # values are cut off before the bonus is taken out and rounded up
                assert found.repaid >= (whole - 1) / factor


def test_dust_is_looked_at_pair_by_pair():
    # features of v3.3: 450 and 520 may be left by three calls that each pass
    least = 1000 * USD
    assert not lending.leaves_dust(2000 * USD, 2070 * USD, least)
    assert not lending.leaves_dust(450 * USD, 0, least)
    assert not lending.leaves_dust(0, 520 * USD, least)
    assert lending.leaves_dust(450 * USD, 520 * USD, least)
    # docs of v3.3, section 2.3, with 500: A's debt of 900 may fall by 400, B's of 400 only whole
    assert (lending.largest_partial(900, 500), lending.largest_partial(400, 500)) == (400, 0)


def test_liquidity_of_a_health_factor_rule_and_largest_debts():
    # 1000 * 0.8 - 750
    assert lending.liquidity(rule(), market(1, "0.8"), account(1000, 750)) == 50 * USD
    # docs.morpho.org: 6000 at 86 % and 9000 at 77 %
    both = [(6000, 86 * 10**16), (9000, 77 * 10**16)]
    assert (lending.max_debt(both[:1]), lending.max_debt(both)) == (5160, 12090)


def test_an_offer_below_nothing_is_refused():
    with pytest.raises(lending.NothingOwedError, match="repay -1: at least 0"):
        lending.liquidate(rule(), market(1, "0.8"), account(900, 800), **PAIR, repay=-1)
