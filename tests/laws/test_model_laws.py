"""Laws of models of their own, against step-by-step simulations and printed numbers."""

import numpy as np
import pytest

from cascade import laws


def test_coin_collateral_meets_maintenance():  # L09
    price = laws.coin_collateral_price(2, 10, 100, 0.01, 0.1)
    assert 2 * 0.9 * price + 10 * (price - 100) == pytest.approx(0.01 * 10 * price)
    # collateral that falls too is worse than the same money in cash
    assert price > (10 * 100 - 2 * 0.9 * 100) / (10 * 0.99)


def test_constant_leverage_by_small_steps():  # L14
    leverage, impact, steps = 10.0, 0.05, 4_000
    price, wealth = 1.0, 1.0
    holdings = leverage
    outside = 0.95 ** (1 / steps)
    for _ in range(steps):
        # the fall from outside, and the fund's own sales on top of it
        before = price
        price = before * outside
        for _ in range(40):
            after = wealth + holdings * (price - before)
            target = leverage * after / price
            price = before * outside * (target / holdings) ** impact
        wealth += holdings * (price - before)
        holdings = leverage * wealth / price
    found = laws.constant_leverage_path(leverage, impact, 0.95)
    assert found == pytest.approx((price, holdings / leverage, wealth), rel=2e-3)
    with pytest.raises(ValueError, match="impact"):
        laws.constant_leverage_path(10, 1 / 9, 0.95)


@pytest.mark.parametrize("bend", [0.0, -0.2, 0.3])
def test_margin_spiral_settles(bend):  # L15
    need, slope, held, change = 5.0, 0.01, 300.0, -100.0
    move = 0.0
    for _ in range(10_000):
        units = (need * held + change + held * move) / (need + bend * move)
        move = slope * (units - held)
    assert laws.margin_spiral_move(need, slope, held, change, bend) == pytest.approx(move)
    small = laws.margin_spiral_move(need, slope, held, -1e-6, bend) / -1e-6
    assert small == pytest.approx(laws.margin_spiral(need, slope, held, bend), rel=1e-6)


def test_value_at_risk_leverage_swings_below_the_critical_weight():  # M04
    risk, depth = 0.246, 100.0
    fixed = (1 + depth) / (1 + risk)
    assert laws.value_at_risk_leverage(fixed, 0.3, risk, depth) == pytest.approx(fixed)
    step = 1e-6
    slope = (laws.value_at_risk_leverage(fixed + step, 0.8, risk, depth)
             - laws.value_at_risk_leverage(fixed - step, 0.8, risk, depth)) / (2 * step)  # fmt: skip
    assert slope == pytest.approx(laws.value_at_risk_multiplier(0.8, risk), rel=1e-4)


def test_basel_leverage_as_printed():  # M05
    assert round(laws.basel_leverage(1e-4, 0.075, 1e-6), 2) == 7.46
    assert round(laws.basel_leverage(1e-2, 0.075, 1e-6), 2) == 0.75


@pytest.mark.parametrize("low", [0.05, 0.2, 0.6])
def test_leverage_cycle_solves_its_economy(low):  # M06
    c = laws.leverage_cycle(low)
    a, b, now, down = (c[k] for k in ("buyer_now", "buyer_down", "price_now", "price_down"))
    assert now == pytest.approx((1 - a + down) / a)
    assert down == pytest.approx(b + low * (1 - b))
    assert down == pytest.approx((a - b) * (1 + down) / a + low)
    assert a * (1 - down) / (now - down) == pytest.approx(
        a + (1 - a) * a * (1 - low) / (down - low)
    )
    if low == 0.2:
        # Geanakoplos 2010 prints these
        assert [round(x, 2) for x in (now, down, a)] == [0.95, 0.69, 0.87]
        assert [round(c[k], 1) for k in ("leverage_down",)] == [1.4]


def test_spillovers_by_rounds():  # M01, M02
    rng = np.random.default_rng(3)
    assets, equity = rng.uniform(50, 200, 4), rng.uniform(5, 20, 4)
    weights = rng.dirichlet(np.ones(3), 4)
    impact, shock = rng.uniform(1e-5, 1e-4, 3), np.array([-0.05, 0.01, 0])
    found = laws.spillovers(assets, equity, weights, impact, shock)
    total, returns = 0.0, weights @ shock
    assert found.direct == pytest.approx(-(assets @ returns) / equity.sum())
    for number in range(4_000):
        sales = sum(
            weights[k] * assets[k] * (assets[k] - equity[k]) / equity[k] * returns[k]
            for k in range(4)
        )
        if number == 0:
            assert found.sales == pytest.approx(sales)
            assert found.price_moves == pytest.approx(impact * sales)
        returns = weights @ (impact * sales)
        total -= assets @ returns / equity.sum()
        if number == 0:
            assert found.aggregate == pytest.approx(total)
            assert found.vulnerability == pytest.approx(-assets * returns / equity)
    assert found.systemicness.sum() == pytest.approx(found.aggregate)
    assert found.all_rounds == pytest.approx(total)
    assert laws.spillovers([100], [10], [[1]], [0.002], [-0.02]).all_rounds == np.inf


def test_threshold_sales_as_printed():  # M03
    rule = laws.Threshold(33.3, 0.95 * 33.3, 1, 0.5, 50, 0.02, 20, 0.4)
    # 20 % of the first bank's illiquid 10 are lost, and as much of its capital of 4
    rounds = laws.threshold_sales([90, 70], [2, 4.5], [8, 20], rule)
    # wolfstam/FinNetValu, test/models/test_csmodel.jl
    assert round(rule.depth, 2) == 4472.14
    assert [round(float(r.share[0]), 2) for r in rounds] == [0.39, 0.32, 0.15, 0]
    assert [round(float(c), 2) for c in rounds[0].capital] == [1.44, 3.96]
    assert (round(rounds[0].fall, 5), round(rounds[0].price, 5)) == (0.00771, 0.99229)
    assert len(laws.threshold_sales([90], [1], [0], rule, most_rounds=1)) == 1
    ruined = laws.threshold_sales([90], [-1], [0], rule)[0]
    assert (ruined.share[0], ruined.holdings[0]) == (1, 0)


def test_resilient_book_by_many_small_orders():  # E01
    size, rate, impact, parts = 1e5, 2.231, 1e-4, 2_000
    block, flow, cost = laws.resilient_book_schedule(size, rate, 1.0, impact)
    assert 2 * block + flow == pytest.approx(size)
    orders = np.full(parts, flow / parts)
    orders[0] += block
    orders[-1] += block
    away, paid = 0.0, 0.0
    for number, order in enumerate(orders):
        away *= np.exp(-rate / parts) if number else 1
        paid += order * (away + impact * order / 2)
        away += impact * order
    assert cost == pytest.approx(paid, rel=3e-3)


def test_risk_averse_schedule_is_not_beaten():  # E02
    market = {"volatility": 0.95, "half_spread": 0.0625, "permanent": 2.5e-7, "temporary": 2.5e-6}
    plan = laws.risk_averse_schedule(1e6, 5, 5, risk_aversion=1e-6, **market)
    assert round(plan.urgency, 2) == 0.61  # the paper's Table 1

    def worth(sold):
        cost, variance = laws.schedule_cost(sold, 1.0, *market.values())
        return cost + 1e-6 * variance

    rng = np.random.default_rng(1)
    for _ in range(200):
        change = rng.normal(size=5)
        change -= change.mean()
        assert worth(plan.sold + 1000 * change) > worth(plan.sold)


def test_horizons():  # E05
    for days in (1, 5, 10, 20):
        left = np.arange(days, 0, -1) / days
        assert laws.liquidity_horizon(days) == pytest.approx(np.sqrt((left**2).sum()))
    assert laws.aggregate_horizons([10, 8, 5, 3, 2], [10, 20, 40, 60, 120]) == pytest.approx(16)


def test_volume_feedback_by_rounds():  # E06
    volume = 1.0
    for _ in range(2_000):
        volume = 1 + 0.09 * volume * (1 + 5)
    assert laws.volume_feedback(0.09, 5) == pytest.approx(volume)
    assert laws.volume_feedback(0.09, 1 / 0.09) == np.inf


def test_spread_cost():  # E04
    risk, cost = laws.liquidity_adjusted_value_at_risk(1e6, 0.03, 2.32634787404, 0.002, 0.001, 3)
    assert (risk, cost) == (pytest.approx(67410.7636465), pytest.approx(2500))


def test_clusters_of_a_self_exciting_process():  # S05
    rng = np.random.default_rng(5)
    total = np.ones(200_000, dtype=np.int64)
    alive = total.copy()
    while alive.any():
        alive = rng.poisson(0.6 * alive)
        total += alive
    found = laws.hawkes_moments(0.5, 0.6)
    assert total.mean() == pytest.approx(found["cluster_mean"], abs=4 * total.std() / 447)
    assert total.var() == pytest.approx(found["cluster_variance"], rel=0.06)
    assert laws.branching_from_counts(1.25, 1.25 * found["fano"]) == pytest.approx(0.6)


def test_levered_funds_clear_the_market():  # T01
    money = [950.0, 900.0, 850.0, 760.0, 700.0]
    path = laws.levered_fund_path(money, 5, np.arange(5.0, 51.0, 5.0))
    for step, noise in zip(path, money, strict=True):
        assert step.holdings + noise / step.price == pytest.approx(1000)
    # seven of ten are at their bound and sell while the price falls
    assert path[-1].at_limit == 7
    assert path[-1].holdings < path[-2].holdings
    assert path[0].wealth == 20


def test_noise_path():  # T02
    returns = np.diff(np.log(laws.noise_path(400_000, 0.99, 0.035, 7)))
    assert returns.std() == pytest.approx(0.035 * np.sqrt(2 / 1.99), rel=0.01)
    assert np.log(laws.noise_path(1, 0.99, 0.0, 1)) == 0


def test_exponential_price():  # M07
    alpha = laws.sensitivity_for_loss(0.1, 0.1)
    assert round(alpha, 4) == 1.0536
    assert laws.exponential_price(0.1, alpha) == pytest.approx(0.9)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: laws.coin_collateral_price(1, 1, 100, 1), "maintenance_rate"),
        (lambda: laws.coin_collateral_price(1, 1, 100, 0, 2), "haircut"),
        (lambda: laws.margin_spiral(0, 1, 1), "margin"),
        (lambda: laws.margin_spiral_move(5, 0.1, 300, -100), "no end"),
        (lambda: laws.value_at_risk_leverage(102, 0.5, 1, 100), "leverage"),
        (lambda: laws.value_at_risk_leverage(2, 1.5, 1, 100), "weight"),
        (lambda: laws.value_at_risk_multiplier(2, 1), "weight"),
        (lambda: laws.leverage_cycle(1), "low"),
        (lambda: laws.spillovers([1], [1], [[1, 2]], [1], [1]), "shapes"),
        (lambda: laws.spillovers([1], [0], [[1]], [1], [1]), "above 0"),
        (lambda: laws.exponential_price(2, 1), "share_sold"),
        (lambda: laws.sensitivity_for_loss(0, 0.1), "share_sold"),
        (lambda: laws.sensitivity_for_loss(0.1, 1), "loss"),
        (lambda: laws.liquidity_horizon(0), "days"),
        (lambda: laws.aggregate_horizons([1], [1, 2]), "same length"),
        (lambda: laws.aggregate_horizons([1, 1], [2, 2]), "do not increase"),
        (lambda: laws.hawkes_moments(1, 1), "ratio"),
        (lambda: laws.noise_path(1, 1, 1, 1), "reversion"),
        (lambda: laws.levered_fund_path([1e9], 1, [5.0]), "no price"),
        (lambda: laws.risk_averse_schedule(
            1, 1, 0, volatility=1, half_spread=0, permanent=0, temporary=1, risk_aversion=1),
         "intervals"),
    ],
)  # fmt: skip
def test_ranges(call, text):
    with pytest.raises(ValueError, match=text):
        call()
