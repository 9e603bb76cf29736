"""Laws of loan liquidations: published frontiers and spirals, and `cascade.lending` run against them."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cascade as cs
from cascade import laws, lending

WAD = 10**18


@pytest.mark.parametrize(
    ("bonus", "frontier"),
    [(0.05, 0.952380952381), (0.08, 0.925925925926), (0.1, 0.909090909091), (0.15, 0.869565217391)],
)
def test_frontier_of_toxic_liquidations(bonus, frontier):
    assert laws.toxic_loan_to_value(bonus) == pytest.approx(frontier, rel=1e-11)


def test_thresholds_in_a_constant_product():
    for depth, expected in ((0.01, 0.93370681606), (0.05, 0.865800865801), (0.25, 0.634920634921)):
        assert laws.toxic_loan_to_value(0.05, depth) == pytest.approx(expected, rel=1e-11)
    assert laws.critical_depth(0.8, 0.05) == pytest.approx(0.0952380952381, rel=1e-11)
    assert laws.toxic_loan_to_value(0.05, laws.critical_depth(0.8, 0.05)) == pytest.approx(0.8)
    assert laws.health_linked_critical_depth(0.8) == pytest.approx(0.125)
    # health at which a liquidation starts to hurt, over the threshold, is one over the loan to value
    exact = lending.toxic_threshold("0.8", "0.05", "0.1")
    assert 0.8 / float(exact) == pytest.approx(laws.toxic_loan_to_value(0.05, 0.1))


def test_spiral_to_bad_debt():
    spiral = laws.liquidation_spiral(100, 97, 0.05)
    assert spiral.path == pytest.approx(
        [0.97, 0.988283239939, 1.02699841186, 1.11430212522, 1.34256055363, 2.27432590856]
    )
    assert spiral.liquidations == 6
    assert spiral.bad_debt == pytest.approx(97 - 100 / 1.05)
    healthy = laws.liquidation_spiral(100, 90, 0.05, most=3)
    assert healthy.path == pytest.approx([0.9, 0.85308056872, 0.772532188841, 0.649819494585])
    assert healthy.bad_debt == 0
    stopped = laws.liquidation_spiral(100, 90, 0.05, threshold=0.8)
    assert stopped.liquidations == 2
    with pytest.raises(ValueError, match="close_factor"):
        laws.liquidation_spiral(100, 90, 0.05, 0)


def test_the_rules_in_integers_follow_the_spiral():
    # the same account under Aave's arithmetic without a step at 0.95
    rule = cs.rules.aave_v2().liquidation
    reserves = {
        "c": lending.ReserveTerms(10**8, WAD, 9600, bonus=10500), "d": lending.ReserveTerms(10**8, WAD),
    }  # fmt: skip
    state = lending.Account({"c": 100 * WAD}, {"d": 97 * WAD})
    path = []
    while state.collateral["c"]:
        path.append(lending.loan_to_value(reserves, state) / WAD)
        done = lending.liquidate(rule, reserves, state, debt="d", collateral="c")
        state = done.account
    spiral = laws.liquidation_spiral(100, 97, 0.05)
    assert path == pytest.approx(spiral.path, rel=1e-6)
    assert state.debts["d"] / WAD == pytest.approx(spiral.bad_debt)


def test_the_compound_fork_spiral():
    price = laws.price_at_loan_to_value(10_000, 6840, 1.35 * 0.855)
    assert price == pytest.approx(1.6875)
    spiral = laws.liquidation_spiral(10_000, 6840 * price, 0.1)
    assert spiral.liquidations == 3
    assert spiral.repaid == pytest.approx(9090.90909091)
    assert spiral.bad_debt / price == pytest.approx(1452.79461279)


@given(
    collateral=st.fractions(1, 1000), debt=st.fractions(1, 1000), threshold=st.fractions(0, 1),
    bonus=st.fractions(0, 1), share=st.fractions(0, Fraction(99, 100)),
)  # fmt: skip
def test_the_change_of_health_is_the_difference_of_two(collateral, debt, threshold, bonus, share):
    repaid = debt * share
    after = threshold * (collateral - (1 + bonus) * repaid) / (debt - repaid)
    assert laws.health_change(collateral, debt, threshold, bonus, repaid) == (
        after - threshold * collateral / debt
    )
    left = (collateral - (1 + bonus) * repaid) - (debt - repaid)
    assert laws.margin_after_liquidation(collateral, debt, bonus, repaid) == left


@given(
    collateral=st.fractions(1, 1000), debt=st.fractions(1, 1000),
    threshold=st.fractions(Fraction(1, 10), 1), bonus=st.fractions(0, Fraction(1, 5)),
    target=st.fractions(1, 2),
)  # fmt: skip
def test_repaying_to_a_target_gets_there_or_nowhere(collateral, debt, threshold, bonus, target):
    weighted = collateral * threshold
    repaid = lending.repay_to_target(debt, weighted, threshold, bonus, target)
    if weighted >= target * debt:
        assert repaid == 0
    elif repaid is None:
        assert target <= threshold * (1 + bonus)
    else:
        after = weighted - threshold * (1 + bonus) * repaid
        assert after == target * (debt - repaid)


def test_loss_frontier():
    first, loss = laws.loss_frontier(1.035, 0.95, 0.01)
    assert first == pytest.approx(0.0338164251208)
    assert loss == pytest.approx(0.0729468599034)
    assert laws.gap_bad_debt(1.035, 0.95, 0.01, 0.1) == pytest.approx(2.67852872244)
    assert laws.gap_bad_debt(1.035, 0.95, 0.01, loss) == pytest.approx(0, abs=1e-12)
    # no band without loss where threshold and bonus reach one
    first, loss = laws.loss_frontier(1.2, 0.96, 0.05)
    assert first == loss


def test_attacks_on_the_oracle():
    def best(fee):
        loan = laws.AttackedLoan(20.12, 32_000, 0.85, 0.05, 10_000, 28e6, fee)
        return laws.best_attack_profit(loan)[1]

    # Sadeghi & Feinstein 2026, example 5: pays at 0.1 %, not at 0.3 %, and the sign turns at 16.56 bp
    assert best(0.001) > 0 > best(0.003)
    assert best(0.00165) > 0 > best(0.00166)
    # without fee the profit grows to its limit
    limit = laws.limit_attack_profit(20.12, 10_000, 28e6)
    assert limit == pytest.approx(56222.8795663125)
    assert best(0.0) == pytest.approx(limit, rel=1e-3)
    assert laws.feasible_attack(20.12, 10_000, 0.003) == pytest.approx(3340019.88)
    with pytest.raises(ValueError, match="fee 0"):
        laws.feasible_attack(1, 1, 0)
    with pytest.raises(ValueError, match="nobody liquidates"):
        best(0.05)


def test_fee_from_which_no_attack_pays():
    # example 5: the paper prints 17 basis points, the sign turns at 16.56 whatever fee the loan is told with
    for fee in (0.0, 0.003):
        loan = laws.AttackedLoan(20.12, 32_000, 0.85, 0.05, 10_000, 28e6, fee)
        assert laws.break_even_attack_fee(loan) * 1e4 == pytest.approx(16.56, abs=0.01)
    # no bonus, nobody liquidates
    with pytest.raises(ValueError, match="nobody liquidates"):
        laws.break_even_attack_fee(laws.AttackedLoan(20.12, 32_000, 0.85, 0, 10_000, 28e6))
    # so far from due that no sale which the whole pool bears makes it so
    far = laws.AttackedLoan(1, 1e-9, 0.8, 0.2, 1, 1)
    assert laws.break_even_attack_fee(far, largest=10) == 0


def test_small_liquidations_beat_the_best_single_one():
    # section 3.1: k = 0.997 * 1.05 on 2e9 of product at 1700
    quote = (2e9 * 1700) ** 0.5
    loan = laws.AttackedLoan(10, 15_000, 0.85, 0.05, quote / 1700, quote, 0.003)
    size, profit = laws.unbound_liquidation(loan)
    assert (size, profit) == pytest.approx((23.9930862, 944.528510), rel=1e-8)
    assert laws.micro_liquidation_profit(size, loan) > profit
    # seized 3.62277095 at 1.05 a unit repaid brings 273.883766
    found = laws.micro_liquidation_profit(3.62277095 / 1.05, loan)
    assert found == pytest.approx(273.883766, rel=1e-6)


def test_a_size_that_does_not_make_the_loan_due_is_no_attack():
    loan = laws.AttackedLoan(20.12, 32_000, 0.85, 0.05, 10_000, 28e6, 0.001)
    profit = laws.attack_profit([0.0, 1.0, 4000.0], loan)
    assert np.isneginf(profit[:2]).all()
    assert np.isfinite(profit[2])


def test_numbers_out_of_range_are_named():
    with pytest.raises(ValueError, match="repaid 5 is not below debt 5"):
        laws.health_change(10, 5, 0.8, 0.05, 5)
    with pytest.raises(ValueError, match="gap 2"):
        laws.gap_bad_debt(1, 0.8, 0, 2)
    with pytest.raises(ValueError, match="fee 1"):
        laws.AttackedLoan(1, 1, 0.8, 0.05, 1, 1, 1.0)
    with pytest.raises(ValueError, match="debt"):
        laws.AttackedLoan(1, 0, 0.8, 0.05, 1, 1)
    with pytest.raises(ValueError, match="due before any attack"):
        laws.best_attack_profit(laws.AttackedLoan(1, 1, 0.8, 0.05, 1, 1))
    assert laws.unbound_liquidation(laws.AttackedLoan(1, 1, 0.8, 0, 1, 1)) == (0.0, 0.0)
    # a loan far from due: no sale that can be bought back makes it so
    far = laws.AttackedLoan(1, 1e-9, 0.8, 0.2, 1, 1, 0.1)
    assert laws.best_attack_profit(far)[1] == -np.inf
