"""Levered funds with investors and defaults: printed statistics, a plain simulation, and what must hold."""

import numpy as np
import pytest
from scipy.optimize import brentq

from cascade import laws

AGGRESSION = np.arange(5.0, 51.0, 5.0)
#: Three seeds of 40,000 steps, rho 0.99, sigma 0.035: Hill exponent, kurtosis, deviation, correlation of squares,
#: as printed for a replication of Thurner, Farmer & Geanakoplos with NumPy's default generator.
PRINTED = [
    (1, 1, 6.374, 3.29, 0.03136, 0.044), (1, 2, 7.522, 3.19, 0.03266, 0.027), (1, 3, 6.587, 3.11, 0.03302, 0.016),
    (3, 1, 4.039, 4.35, 0.02792, 0.136), (3, 2, 4.727, 4.05, 0.02938, 0.116), (3, 3, 4.371, 3.82, 0.0302, 0.094),
    (10, 1, 2.258, 11.0, 0.02825, 0.186), (10, 2, 2.336, 7.18, 0.02939, 0.114),
    (10, 3, 2.264, 14.4, 0.03033, 0.305),
]  # fmt: skip


def _tail(bound, seed):
    noise = laws.noise_path(40_000, 0.99, 0.035, seed, 1000.0, at_rest=True)
    return laws.return_tail(laws.levered_fund_run(noise, bound, AGGRESSION).prices)


@pytest.mark.parametrize(
    "row",
    [pytest.param(r, marks=() if r[:2] == (10, 1) else pytest.mark.slow) for r in PRINTED],
    ids=str,
)
def test_printed_tails(row):
    bound, seed, hill, kurtosis, deviation, clustering = row
    found = _tail(bound, seed)
    assert found["hill"] == pytest.approx(hill, abs=5.1e-4)
    assert found["kurtosis"] == pytest.approx(kurtosis, rel=5e-3)
    assert found["sd"] == pytest.approx(deviation, abs=5.01e-6)
    assert found["acf_sq_lag1"] == pytest.approx(clustering, abs=1.1e-3)


def _plainly(noise, bound, terms):
    # one fund's whole story a step, in arrays: demand, performance, flow, default and return
    held, cash = np.zeros(10), np.full(10, terms.wealth)
    performance, waiting = np.zeros(10), np.zeros(10, int)
    prices, last, closed = [], terms.value, 0
    for money in noise:
        open_ = waiting == 0

        def demand(price, open_=open_, held=held, cash=cash):
            wealth = np.where(open_, np.maximum(held * price + cash, 0), 0)
            return np.minimum(AGGRESSION * max(terms.value - price, 0), bound) * wealth / price

        price = brentq(lambda p: demand(p).sum() + money / p - terms.units, 1e-3, 20, xtol=1e-14)  # noqa: B023
        wanted, before, after = demand(price), held * last + cash, held * price + cash
        gone = open_ & (after < terms.default_share * terms.wealth)
        stays = open_ & ~gone
        earned = np.where(stays, held * (price - last) / np.where(before > 0, before, 1), 0)
        performance = np.where(stays, (1 - terms.memory) * performance + terms.memory * earned, 0)
        flow = np.maximum(-1, terms.response * (performance - terms.benchmark)) * after
        cash = np.where(stays, cash - (wanted - held) * price + flow, 0)
        held = np.where(stays, wanted, 0)
        back = waiting == 1
        waiting = np.where(gone, terms.pause, np.maximum(waiting - 1, 0))
        cash = np.where(back, terms.wealth, cash)
        closed += int(gone.sum())
        prices.append(price)
        last = price
    return np.array(prices), closed


@pytest.mark.parametrize("bound", [0.0, 2.0, 20.0])
def test_as_a_plain_simulation(bound):
    terms = laws.FundMarket(pause=7, memory=0.3, benchmark=0.001)
    noise = laws.noise_path(700, 0.98, 0.06, 5, terms.units, at_rest=True)
    prices, closed = _plainly(noise, bound, terms)
    found = laws.levered_fund_run(noise, bound, AGGRESSION, terms)
    assert found.prices == pytest.approx(prices, rel=1e-9)
    assert found.defaults == closed
    assert (closed > 0) == (bound == 20.0)


def test_without_flows_it_is_the_path_without_them():
    noise = [950.0, 900.0, 850.0, 760.0, 700.0, 800.0]
    terms = laws.FundMarket(response=0.0, default_share=0.0)
    found = laws.levered_fund_run(noise, 5, AGGRESSION, terms).prices
    path = laws.levered_fund_path(noise, 5, AGGRESSION)
    assert found == pytest.approx([step.price for step in path], rel=1e-10)


def test_hill_exponent_of_a_power_law():
    # quantiles of a law of exponent 3: the estimator is exact for many
    sizes = (np.arange(1, 200_001) / 200_001) ** (-1 / 3)
    assert laws.hill_exponent(sizes, 0.1) == pytest.approx(3, rel=1e-3)
    # by hand: of 8, 4, 2, 1 the larger half is log 4 and log 2 above the next
    assert laws.hill_exponent([1, 8, 2, 4], 0.5) == pytest.approx(2 / np.log(8))


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: laws.FundMarket(wealth=0), "wealth"),
        (lambda: laws.FundMarket(memory=2), "memory"),
        (lambda: laws.FundMarket(default_share=-1), "default_share"),
        (lambda: laws.FundMarket(response=-1), "response"),
        (lambda: laws.FundMarket(pause=0), "pause"),
        (lambda: laws.levered_fund_run([1e9], 1, [5.0]), "no price"),
        (lambda: laws.levered_fund_run([1.0], -1, [5.0]), "largest_leverage"),
        (lambda: laws.hill_exponent([1, 2], 1), "share"),
        (lambda: laws.hill_exponent([0, 2, 3], 0.5), "not above 0"),
        (lambda: laws.hill_exponent([2, 2, 2], 0.5), "above the next"),
        (lambda: laws.hill_exponent([1, 2], 0.1), "above the next"),
        (lambda: laws.return_tail([1, 2]), "fewer than three"),
    ],
)
def test_ranges(call, text):
    with pytest.raises(ValueError, match=text):
        call()
