"""The number liquidated in random ladders has the distribution that theory gives it.

Mean, variance and probabilities are those of ../shared/rules/laws.md, section 2.3. Seeds are fixed;
the bounds are four standard errors, and a chi-square p value of one in ten thousand.
"""

import numpy as np
import pytest

from cascade import laws
from laws.random_ladders import pmf_p_value, poisson_ladder, separate_ladders

PMF = {0: 0.135335283237, 1: 0.148547156429, 5: 0.0701869479071, 10: 0.0248153834579}
RARE = 1e-4


def test_kept_probabilities():  # S01
    for number, probability in PMF.items():
        found = laws.generalised_poisson_pmf(number, 2, 0.6)
        assert found == pytest.approx(probability, rel=1e-11)
    assert laws.generalised_poisson_pmf(np.arange(2000), 2, 0.6).sum() == pytest.approx(1)
    tail = 1 - laws.generalised_poisson_pmf(np.arange(21), 2, 0.6).sum()
    assert tail == pytest.approx(0.0239404137798, rel=1e-9)


@pytest.mark.parametrize(
    ("runs", "seed"), [(10_000, 1), pytest.param(100_000, 2, marks=pytest.mark.slow)]
)
def test_poisson_triggers(runs, seed):  # S01
    counts = poisson_ladder(2.0, 0.6, runs, seed)
    assert counts.mean() == pytest.approx(5, abs=4 * (31.25 / runs) ** 0.5)
    spread = ((counts - counts.mean()) ** 2).std()
    assert counts.var() == pytest.approx(31.25, abs=4 * spread / runs**0.5)
    assert pmf_p_value(counts, laws.generalised_poisson_pmf(np.arange(300), 2, 0.6)) > RARE


@pytest.mark.parametrize(("theta", "ratio"), [(0.5, 0.2), (3.0, 0.0), (1.0, 0.85)])
def test_other_parameters(theta, ratio):
    counts = poisson_ladder(theta, ratio, 10_000, seed=3)
    mean, variance = laws.generalised_poisson_moments(theta, ratio)
    assert counts.mean() == pytest.approx(mean, abs=4 * (variance / 10_000) ** 0.5)
    assert pmf_p_value(counts, laws.generalised_poisson_pmf(np.arange(500), theta, ratio)) > RARE


@pytest.mark.slow
def test_supercritical_ladders_stop_or_run_away():  # S02
    counts, emptied = separate_ladders(2.0, 1.2, 8000, 400, seed=4)
    assert laws.extinction_root(1.2) == pytest.approx(0.686301668959, rel=1e-11)
    expected = laws.stop_probability(2.0, 1.2)
    assert expected == pytest.approx(0.53398012379, rel=1e-10)
    assert (~emptied).mean() == pytest.approx(expected, abs=4 * (0.25 / 8000) ** 0.5)
    # what stops does so early
    assert np.quantile(counts[~emptied], 0.99) < 100


@pytest.mark.slow
def test_critical_ladders_have_a_tail():  # S03
    counts, emptied = separate_ladders(2.0, 1.0, 8000, 300, seed=6)
    pmf = laws.generalised_poisson_pmf(np.arange(200), 2, 1)
    assert pmf_p_value(np.where(emptied, 299, counts), pmf) > RARE
    for number, scaled in ((100, 0.766312996656), (500, 0.791409769293), (2000, 0.796258136616)):
        found = number**1.5 * laws.generalised_poisson_pmf(number, 2, 1)
        assert found == pytest.approx(scaled, rel=1e-9)
    assert laws.critical_tail_limit(2) == pytest.approx(0.797884560803, rel=1e-11)


@pytest.mark.slow
def test_random_sizes_widen_the_distribution():  # S04
    counts = poisson_ladder(2.0, 0.6, 100_000, seed=7, size_cv2=1.0)
    assert counts.mean() == pytest.approx(5, abs=4 * (42.5 / 100_000) ** 0.5)
    assert counts.var() == pytest.approx(42.5, rel=0.05)
