"""Clearing vectors: published examples, and a slow iteration on random networks."""

from fractions import Fraction as F  # noqa: N817

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cascade import socialised
from cascade.clearing import (
    cash_ratio_sales,
    clearing_equity,
    greatest_clearing,
    least_clearing,
)


def settle_up(owed, assets, paid, senior, kept_assets, kept_claims):
    """One round of everybody's payment, from the definition."""
    members = range(len(owed))
    due = [sum(row) for row in owed]
    out = []
    for i in members:
        received = sum(F(paid[j] * owed[j][i]) / due[j] for j in members if due[j])
        if assets[i] + received - senior[i] >= due[i]:
            out.append(due[i])
        else:
            out.append(max(F(0), kept_assets * assets[i] + kept_claims * received - senior[i]))
    return out


amounts = st.integers(0, 6)
shares = st.sampled_from([F(0), F(1, 2), F(9, 10), F(1)])


@st.composite
def networks(draw):
    count = draw(st.integers(1, 5))
    row = st.lists(amounts, min_size=count, max_size=count)
    owed = [draw(row) for _ in range(count)]
    for i in range(count):
        owed[i][i] = 0
    return owed, draw(row), draw(row), draw(shares), draw(shares)


@given(networks())
def test_vectors_are_fixed_points_that_enclose_the_iterations(network):
    owed, assets, senior, kept_assets, kept_claims = network
    terms = {"senior": senior, "kept_assets": kept_assets, "kept_claims": kept_claims}
    high = greatest_clearing(owed, assets, **terms)
    low = least_clearing(owed, assets, **terms)
    for paid in (high, low):
        assert settle_up(owed, assets, paid, senior, kept_assets, kept_claims) == paid
    assert all(x <= y for x, y in zip(low, high, strict=True))
    above, below = [F(sum(row)) for row in owed], [F(0)] * len(owed)
    # from above and below: no fixed point lies outside what these bracket
    for _ in range(12):
        assert all(x >= y for x, y in zip(above, high, strict=True))
        assert all(x <= y for x, y in zip(below, low, strict=True))
        above, below = (
            settle_up(owed, assets, paid, senior, kept_assets, kept_claims)
            for paid in (above, below)
        )


@given(networks())
def test_iterations_converge_to_the_vectors(network):
    owed, assets, senior, kept_assets, kept_claims = network
    # in floats: what is lost in a default shrinks the distance each round
    keep = float(min(kept_claims, F(9, 10)))
    terms = {"senior": senior, "kept_assets": kept_assets, "kept_claims": F(str(keep))}
    due = [float(sum(row)) for row in owed]
    paid = list(map(float, due))
    for _ in range(400):
        received = [
            sum(p * row[i] / d for p, row, d in zip(paid, owed, due, strict=True) if d)
            for i in range(len(owed))
        ]
        paid = [
            d if a + r - s >= d - 1e-9 else max(0.0, float(kept_assets) * a + keep * r - s)
            for d, a, r, s in zip(due, assets, received, senior, strict=True)
        ]
    assert [float(p) for p in greatest_clearing(owed, assets, **terms)] == pytest.approx(
        paid, abs=1e-6
    )


def test_default_costs_leave_two_vectors():
    # Rogers & Veraart 2013, example 3.3
    owed = [[0, "2.2"], ["2.2", 0]]
    terms = {"kept_assets": F(1, 2), "kept_claims": F(1, 2)}
    assert greatest_clearing(owed, [1, 1], **terms) == [F("2.2"), F("2.2")]
    assert least_clearing(owed, [1, 1], **terms) == [1, 1]
    assert least_clearing(owed, [1, 1]) == [F("2.2"), F("2.2")]


def test_a_ring_without_money_pays_nothing_or_everything():
    # Eisenberg & Noe 2001, appendix 2
    owed = [[0, 1], [1, 0]]
    assert least_clearing(owed, [0, 0]) == [0, 0]
    assert greatest_clearing(owed, [0, 0]) == [1, 1]
    assert least_clearing(owed, ["0.01", 0]) == [1, 1]


def test_senior_debts_come_first():
    # paolobarucca/eisenbergnoe, Exercise2.m, after a shock of 10 %
    owed, assets, senior = [[0, 4, 0], [0, 0, 3], [2, 0, 0]], [18, 18, 9], [17, 18, 8]
    paid = greatest_clearing(owed, assets, senior=senior)
    assert paid == [3, 3, 2]
    assert clearing_equity(owed, assets, paid, senior=senior) == [-1, 0, 2]


@given(st.lists(st.integers(1, 100), min_size=1, max_size=6), st.integers(0, 300))
def test_a_star_is_a_socialised_loss(claims, held):
    owed = [[0, *claims], *([[0] * (len(claims) + 1)] * len(claims))]
    assets = [held, *([0] * len(claims))]
    paid = greatest_clearing(owed, assets)
    assert paid == least_clearing(owed, assets)
    backed = socialised.profit_backing(held, 0, 0, sum(claims))
    received = [max(F(0), x) for x in clearing_equity(owed, assets, paid)[1:]]
    assert received == [claim * backed for claim in claims]


@pytest.mark.parametrize(
    ("alpha", "price", "sold"),
    [(0.002, 0.998051888791, 0.97500562287), (0.006, 0.977630580783, 3.77056826091),
     (0.007, 0.932393819906, 10), (0.02, 0.818730753078, 10)],
)  # fmt: skip
def test_capital_ratio(alpha, price, sold):
    # Cifuentes, Ferrucci & Shin 2005, one bank; from 0.00672 everything is sold
    found, units = cash_ratio_sales([10], [1], [10.35], 0.07, alpha)
    assert (found, units[0]) == (pytest.approx(price, rel=1e-9), pytest.approx(sold, rel=1e-9))


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (([[0, 1]], [1]), "1 rows of 1"),
        (([[0, -1], [0, 0]], [1, 1]), "below 0"),
        (([[1]], [1]), "diagonal"),
        (([[0]], [1, 2]), "assets has 2 numbers"),
    ],
)
def test_networks_that_are_refused(arguments, text):
    with pytest.raises(ValueError, match=text):
        greatest_clearing(*arguments)
    with pytest.raises(ValueError, match=text):
        least_clearing(*arguments)


def test_shares_and_ranges_that_are_refused():
    with pytest.raises(ValueError, match=r"kept_claims 2 is outside 0 \.\.\. 1"):
        greatest_clearing([[0]], [1], kept_claims=2)
    with pytest.raises(ValueError, match="payments has 2"):
        clearing_equity([[0]], [1], [1, 2])
    with pytest.raises(ValueError, match=r"ratio 0 is outside"):
        cash_ratio_sales([1], [1], [1], 0, 1)
    with pytest.raises(ValueError, match="sensitivity"):
        cash_ratio_sales([1], [1], [1], 0.1, -1)
    with pytest.raises(ValueError, match="must have as many"):
        cash_ratio_sales([1], [1, 2], [1], 0.1, 1)
