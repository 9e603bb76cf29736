"""Adapters of clearing, fire sales, leverage rules, execution and other laws of a model's own."""

import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
from case import Answer, Inputs, UnsupportedError
from laws import ladders

import cascade as cs
from cascade import adl, clearing, funding, lending, margin, socialised
from cascade import laws as law

SEED = 20_251_010
NOISE_STEPS = 4_000_000


def _numbers(i: Inputs, name: str) -> list[Fraction]:
    if name not in i:
        raise UnsupportedError(f"input {name!r} is missing")
    return [i.exact(x) for x in i.given[name]]


def _matrix(i: Inputs, name: str) -> list[list[Fraction]]:
    return [[i.exact(x) for x in row] for row in i.given[name]]


def ring(i: Inputs) -> dict[str, Any]:
    owed = _matrix(i, "L")
    assets = _numbers(i, "external_assets_after_10pct_shock")
    senior = _numbers(i, "external_liabilities")
    paid = clearing.greatest_clearing(owed, assets, senior=senior)
    due = [sum(row) for row in owed]
    return {
        "payments": paid,
        "interbank_owed": due,
        "equity": clearing.clearing_equity(owed, assets, paid, senior=senior),
        "defaults": [k for k, (p, d) in enumerate(zip(paid, due, strict=True)) if p < d],
    }


def default_costs(i: Inputs) -> dict[str, Any]:
    owed, assets = _matrix(i, "L"), _numbers(i, "e")
    kept = {"kept_assets": i["alpha"], "kept_claims": i["beta"]}
    return {
        "greatest": clearing.greatest_clearing(owed, assets, **kept),
        "least": clearing.least_clearing(owed, assets, **kept),
        "alpha_beta_1": clearing.least_clearing(owed, assets),
    }


def degenerate(i: Inputs) -> dict[str, Any]:
    owed = _matrix(i, "L")
    none, some = ([i.exact(x) for x in row] for row in i.given["e"])
    greatest, least = (f(owed, some) for f in (clearing.greatest_clearing, clearing.least_clearing))
    if greatest != least:
        raise ValueError(f"greatest {greatest} and least {least} differ")
    return {
        "e00_greatest": clearing.greatest_clearing(owed, none),
        "e00_least": clearing.least_clearing(owed, none),
        "e001": greatest,
    }


def star(i: Inputs) -> dict[str, Any]:
    claims = _numbers(i, "claims")
    held, count = i["cash"] + i["fund"], len(claims) + 1
    owed = [[Fraction(0), *claims], *([[Fraction(0)] * count] * len(claims))]
    assets = [held, *([Fraction(0)] * len(claims))]
    paid = clearing.greatest_clearing(owed, assets)
    received = clearing.clearing_equity(owed, assets, paid)[1:]
    backed = socialised.profit_backing(i["cash"], 0, -i["fund"], sum(claims))
    shares = adl.haircuts(claims, max(Fraction(0), sum(claims) - held))
    cut = [c * (1 - h) for c, h in zip(claims, shares, strict=True)]
    if not received == [c * backed for c in claims] == cut:
        raise ValueError(f"cleared {received}, socialised {backed}, haircut {cut}")
    return {"fraction": paid[0] / sum(claims), "payouts": received, "haircut": shares[0]}


def capital_ratio(i: Inputs) -> list[dict[str, Any]]:
    units, cash, debt, ratio = (float(i[name]) for name in ("e", "c", "x", "r"))
    answers = []
    for alpha in _numbers(i, "alpha"):
        price, sold = clearing.cash_ratio_sales([units], [cash], [debt], ratio, float(alpha))
        answers.append({"alpha": alpha, "price": price, "units_sold": sold[0],
                        "equity": price * units + cash - debt})  # fmt: skip
    return answers


def coin_collateral(i: Inputs) -> dict[str, Any]:
    coins, size, entry, rate = (i[name] for name in ("N", "q", "P_e", "m"))
    plain, cut = (
        law.coin_collateral_price(*map(float, (coins, size, entry, rate, h)))
        for h in _numbers(i, "h")
    )
    cash = margin.liquidation_price(size, entry, i["cash"], margin.MarginTerms.flat(rate))
    return {
        "P_liq_coin": plain,
        "P_liq_coin_haircut10": cut,
        "P_liq_cash": cash,
        "effective_delta_units": coins + size,
    }


def constant_leverage(i: Inputs) -> dict[str, Any]:
    leverage, impact, drop = (float(i[name]) for name in ("L", "kappa", "external_drop"))
    price, holdings, wealth = law.constant_leverage_path(leverage, impact, 1 - drop)
    log_ratio = float(np.log(price) / np.log(1 - drop))
    return {"exponent": log_ratio, "price_ratio": price, "holdings_ratio": holdings,
            "wealth_ratio": wealth, "amplification_log": law.amplification(impact * (leverage - 1)),
            "kappa_c": 1 / (leverage - 1)}  # fmt: skip


def spirals(i: Inputs) -> Answer:
    need, slope, held, change, bend = (
        float(i[name]) for name in ("m", "Lambda", "x0", "eta", "m_prime")
    )
    alone = slope / need
    loss, both = (law.margin_spiral(need, slope, held, b) for b in (0.0, bend))
    # the loss spiral is a ladder of held / margin units a unit of price, run by the engine
    run = ladders.linear_ladder(abs(i["eta"]) * i["Lambda"] / i["m"], i["Lambda"], i["x0"] / i["m"])
    return Answer(
        {
            "no_spiral": law.margin_spiral(need, slope, 0.0),
            "loss_spiral": loss,
            "loss_and_margin_spiral": both,
            "multiplier_loss": loss / alone,
            "multiplier_both": both / alone,
            "dp_loss_only": run.drop * (1 if change > 0 else -1),
            "dp_both_finite": law.margin_spiral_move(need, slope, held, change, bend),
            "R_loss": law.branching_ratio(slope, held / need),
            "R_both": law.branching_ratio(slope, held / need * (1 - bend)),
        },
        {"dp_loss_only": 2 * run.rung_drop},
    )


def hawkes(i: Inputs) -> dict[str, Any]:
    rate, ratio = float(i["mu"]), float(i["n"])
    found = law.hawkes_moments(rate, ratio)
    back = law.branching_from_counts(found["rate"], found["rate"] * found["fano"])
    if abs(back - ratio) > 1e-12:
        raise ValueError(f"estimated ratio {back}, given {ratio}")
    return {"mean_rate": found["rate"], "fano": found["fano"],
            "mean_cluster": found["cluster_mean"],
            "var_cluster": found["cluster_variance"]}  # fmt: skip


def spillovers(i: Inputs) -> dict[str, Any]:
    held = [[float(x) for x in row] for row in _matrix(i, "weights")]
    names = ("A", "E")
    sheets = [[float(x) for x in _numbers(i, name)] for name in names]
    found = law.spillovers(
        *sheets, held, [float(x) for x in _numbers(i, "illiquidity_per_dollar")],
        [float(x) for x in _numbers(i, "shock")],
    )  # fmt: skip
    return {
        "leverage_B": [a / e - 1 for a, e in zip(*sheets, strict=True)],
        "R1": found.returns.tolist(),
        "sales": found.sales.tolist(),
        "price_move": found.price_moves.tolist(),
        "direct_loss_over_equity": found.direct,
        "AV": found.aggregate,
        "S": found.systemicness.tolist(),
        "IV": found.vulnerability.tolist(),
        "spectral_radius": found.radius,
        "AV_infinite_rounds": found.all_rounds,
    }


def one_bank(i: Inputs) -> dict[str, Any]:
    assets, debts, impact, shock = (float(i[n]) for n in ("A", "B", "illiquidity", "shock"))
    equity = assets / (debts + 1)
    found = law.spillovers([assets], [equity], [[1.0]], [impact], [-shock])
    return {
        "sale_round1": -found.sales[0],
        "extra_drop_round1": -found.price_moves[0],
        "total_drop_infinite": shock + found.all_rounds * equity / assets,
        "k": found.radius,
        "critical_illiquidity": impact / found.radius,
    }


def threshold_banks(i: Inputs) -> dict[str, Any]:
    held, own, fixed, lost = (
        np.array([float(x) for x in _numbers(i, name)]) for name in ("Pi", "C", "illiquid", "eps")
    )
    rule = law.Threshold(
        largest=float(i["lambda_max"]), target=float(i["lambda_target"]), price=float(i["S0"]),
        floor=float(i["B"]), daily_volume=float(i["ADV"]), volatility=float(i["sigma"]),
        days=float(i["tau"]), factor=float(i["c"]), own_impact=float(i["alpha"]),
    )  # fmt: skip
    # the shock destroys illiquid assets and as much capital
    rounds = law.threshold_sales(held, own - lost * fixed, fixed * (1 - lost), rule)
    rows = []
    for number, r in enumerate(rounds, 1):
        rows.append(
            {"round": number, "leverage": r.leverage.tolist(), "Gamma": r.share.tolist(),
             "q": r.sold, "psi": r.fall, "loss": r.losses.tolist(), "C": r.capital.tolist(),
             "Pi": r.holdings.tolist(), "S": r.price}
        )  # fmt: skip
    shown = {"Gamma": [round(r["Gamma"][0], 2) for r in rows[:-1]],
             "psi1": round(rows[0]["psi"], 5), "S1": round(rows[0]["S"], 5),
             "C1": [round(c, 2) for c in rows[0]["C"]]}  # fmt: skip
    return {"depth": rule.depth, "delta": rule.scale, "rounds": rows, "published_rounded": shown}


def leverage_map(i: Inputs) -> dict[str, Any]:
    depth = float(i["gamma"])
    risk = float(i["alpha"] * i["gamma"] * i["sigma"])
    critical = (1 - risk) / (1 + risk)
    if abs(law.value_at_risk_multiplier(critical, risk) + 1) > 1e-12:
        raise ValueError("the multiplier at the critical weight is not -1")
    answer = {
        "kappa": risk,
        "fixed_point": law.value_at_risk_leverage((1 + depth) / (1 + risk), 0.5, risk, depth),
        "w_c": critical,
        "multiplier_w08": law.value_at_risk_multiplier(0.8, risk),
    }
    for name, weight in (("plus", critical + 0.01), ("minus", critical - 0.01)):
        x = [0.9 * answer["fixed_point"]]
        for _ in range(20_000):
            x.append(law.value_at_risk_leverage(x[-1], weight, risk, depth))
        answer[f"orbit_w_c_{name}_001"] = sorted(x[-2:])
    return answer


def basel(i: Inputs) -> dict[str, Any]:
    scale, power, floor = (float(i[name]) for name in ("alpha", "b", "sigma0_2"))
    return {"target": [law.basel_leverage(float(v), scale, floor, power)
                       for v in _numbers(i, "sigma2")]}  # fmt: skip


def two_period(i: Inputs) -> dict[str, Any]:
    found = law.leverage_cycle(float(i["low_payoff"]))
    return {
        "a": found["buyer_now"],
        "b": found["buyer_down"],
        "p0": found["price_now"],
        "pD": found["price_down"],
        "leverage_0": found["leverage_now"],
        "leverage_D": found["leverage_down"],
        "margin_0": 1 / found["leverage_now"],
        "margin_D": 1 / found["leverage_down"],
        "crash": found["crash"],
    }


def exponential_sale(i: Inputs) -> dict[str, Any]:
    alpha, lots, price = i["alpha"], 10**6, 2**30
    factors = []
    for share in _numbers(i, "x"):
        factor = law.exponential_price(float(share), float(alpha))
        engine = cs.Engine(asset_decimals=0)
        venue = cs.Impact.exponential(lots / alpha)
        market = engine.add_market("X", tick_size=1, lot_size=1, venue=venue)
        market.set_index(price)
        market.book.market("sell", int(share * lots))
        engine.step()
        if abs(market.mark_ticks - factor * price) > 1:
            raise ValueError(f"engine {market.mark_ticks / price}, law {factor}")
        factors.append(factor)
    return {"factor": factors, "alpha_exact": law.sensitivity_for_loss(0.1, 0.1)}


def fund_paths(i: Inputs) -> dict[str, Any]:
    first, second, *_, last = str(i.given["beta"]).split(",")
    aggression = np.arange(float(first), float(last) + 1, float(second) - float(first))
    answer = {}
    for bound in _numbers(i, "lambda_max"):
        path = law.levered_fund_path(
            [float(x) for x in _numbers(i, "xi_path")], float(bound), aggression,
            wealth=float(i["W0"]), units=float(i["N"]), value=float(i["V"]),
        )  # fmt: skip
        answer[f"lambda_max_{bound}"] = [
            {"price": s.price, "holdings": s.holdings, "n_at_max": s.at_limit,
             "total_wealth": s.wealth} for s in path
        ]  # fmt: skip
    return answer


def fat_tails(i: Inputs) -> dict[str, Any]:
    told = str(i.given.get("beta", "5,10,...,50")).split(",")
    first, second, last = (float(told[k]) for k in (0, 1, -1))
    aggression = np.arange(first, last + 1, second - first)
    market = law.FundMarket()
    answers: dict[str, dict[str, list[float]]] = {}
    for bound in _numbers(i, "lambda_max"):
        for seed in _numbers(i, "seeds"):
            noise = law.noise_path(
                int(i["T"]), float(i["rho"]), float(i["sigma"]), int(seed),
                market.units * market.value, at_rest=True,
            )  # fmt: skip
            run = law.levered_fund_run(noise, float(bound), aggression, market)
            for name, found in law.return_tail(run.prices, market.value).items():
                answers.setdefault(name, {}).setdefault(str(bound), []).append(found)
    return answers


def _needs(file: str) -> Callable[[Inputs], Any]:
    def unsupported(i: Inputs) -> Any:
        raise UnsupportedError(f"the case's numbers come from {file}, a file that it does not give")

    return unsupported


def no_law(i: Inputs) -> Any:
    raise UnsupportedError("magnitudes of recorded markets are no law to compute")


def noise(i: Inputs) -> Answer:
    prices = np.log(law.noise_path(NOISE_STEPS, float(i["rho"]), float(i["sigma"]), SEED))
    returns = np.diff(prices)
    around = returns - returns.mean()
    spread = float((around**2).mean())
    error = 4 / NOISE_STEPS**0.5
    return Answer(
        {
            "sd_log_price": prices.std(),
            "sd_return": spread**0.5,
            "acf1": float((around[1:] * around[:-1]).mean()) / spread,
            "kurtosis": float((around**4).mean()) / spread**2,
        },
        {"sd_log_price": 0.02 * 0.2481, "sd_return": 0.02 * 0.0351, "acf1": error,
         "kurtosis": error * 24**0.5},
    )  # fmt: skip


def resilient_book(i: Inputs) -> dict[str, Any]:
    size, rate, time, impact = (float(i[name]) for name in ("X", "rho", "T", "kappa"))
    block, flow, cost = law.resilient_book_schedule(size, rate, time, impact)
    at_once = law.resilient_book_schedule(size, rate, 0.0, impact)
    return {"first_block": block, "last_block": block, "rate": flow, "cost": cost,
            "cost_one_block": at_once[2], "ratio": cost / at_once[2]}  # fmt: skip


def risk_averse(i: Inputs) -> dict[str, Any]:
    size, time, steps = float(i["X"]), float(i["T"]), int(i["N"])
    market = [float(i[name]) for name in ("sigma", "epsilon", "gamma", "eta")]
    terms = dict(zip(("volatility", "half_spread", "permanent", "temporary"), market, strict=True))
    plan = law.risk_averse_schedule(size, time, steps, risk_aversion=float(i["lam"]), **terms)
    even = law.schedule_cost([size / steps] * steps, time / steps, *market)
    first = law.schedule_cost([size, *[0.0] * (steps - 1)], time / steps, *market)
    return {
        "kappa": plan.urgency, "x": plan.left.tolist(), "n": plan.sold.tolist(),
        "E": plan.cost, "V": plan.variance, "std": plan.variance**0.5,
        "E_twap": even[0], "V_twap": even[1], "E_first_period": first[0],
    }  # fmt: skip


def liquidity_risk(i: Inputs) -> dict[str, Any]:
    names = ("position", "sigma", "z", "mean_spread", "spread_sd", "a")
    risk, cost = law.liquidity_adjusted_value_at_risk(*(float(i[name]) for name in names))
    return {"var": risk, "exogenous_liquidity_cost": cost, "lvar": risk + cost}


def horizons(i: Inputs) -> dict[str, Any]:
    shortfalls, days = ([float(x) for x in _numbers(i, name)] for name in ("ES", "LH"))
    return {
        "multiplier": [law.liquidity_horizon(int(n)) for n in _numbers(i, "n")],
        "ES_total": law.aggregate_horizons(shortfalls, days),
    }


def volume(i: Inputs) -> dict[str, Any]:
    share = float(i["phi"])
    return {
        "volume_multiplier": law.volume_feedback(share, float(i["h"])),
        "h_critical": 1 / share - 1,
    }


def running_example(i: Inputs) -> dict[str, Any]:
    backing = _numbers(i, "c")
    held = [q * b for q, b in zip(_numbers(i, "q"), _numbers(i, "b"), strict=True)]
    path = list(zip(_numbers(i, "p"), _numbers(i, "index"), strict=True))
    entry = path[0][0]
    longs, shorts = (sum(abs(q) for q in held if q * s > 0) for s in (1, -1))
    rates = [funding.skew_rate(longs, shorts, *at, i["kappa"]) for at in path[1:]]
    received = [Fraction(0)] * len(held)
    profits, equities = [], []
    for (price, _), rate in zip(path[1:], rates, strict=True):
        received = [r + margin.funding_payment(q, price, rate)
                    for r, q in zip(received, held, strict=True)]  # fmt: skip
        profits.append([margin.pnl(q, entry, price) + r
                        for q, r in zip(held, received, strict=True)])  # fmt: skip
        equities.append([c + profit for c, profit in zip(backing, profits[-1], strict=True)])
    last, price = equities[-1], path[-1][0]
    deficit = -sum(e for e in last if e < 0)
    winners = [k for k, e in enumerate(last) if e > 0]
    worth = [margin.notional(held[k], price) for k in winners]
    leverages = [w / last[k] for w, k in zip(worth, winners, strict=True)]
    rules = {
        "rap_linear": leverages,
        "rap_square": [x**2 for x in leverages],
        # the tail above a leverage of 0.9, paper/main_examples.tex
        "rap_cvar": [max(x - Fraction("0.9"), 0) for x in leverages],
    }
    answer = {"shares_prorata": _parts([last[k] for k in winners], deficit, None)}
    for name, weights in rules.items():
        answer[f"shares_{name}"] = _parts(worth, deficit, weights)
    terms = margin.MarginTerms.flat(i["mu"])
    ruin = [margin.bankruptcy_price(q, entry, c) for q, c in zip(held, backing, strict=True)]
    due = [margin.liquidation_price(q, entry, c, terms) for q, c in zip(held, backing, strict=True)]
    total = sum(last[k] for k in winners)
    return answer | {
        "leverage0": [margin.notional(q, entry) / c for q, c in zip(held, backing, strict=True)],
        "gamma": [-rate for rate in rates],
        "pnl_0_1": profits[0],
        "pnl_0_2": profits[1],
        "equity_1": equities[0],
        "equity_2": last,
        # a long that is fully paid has no such price
        "bankruptcy": [price or Fraction(0) for price in ruin],
        "liquidation_mu10": [price or Fraction(0) for price in due],
        "winner_leverage_2": leverages,
        "deficit_2": deficit,
        "winner_equity_2": total,
        "prorata_h": adl.haircuts([last[k] for k in winners], deficit)[0],
    }


def _parts(
    held: list[Fraction], budget: Fraction, weights: list[Fraction] | None
) -> list[Fraction]:
    # of a budget so small that no share is bound by what is held
    shares = adl.haircuts(held, budget / 1000, None, weights)
    return [1000 * share * amount / budget for share, amount in zip(shares, held, strict=True)]


def toxic_frontier(i: Inputs) -> dict[str, Any]:
    def run(name: str, **more: Any) -> law.Spiral:
        given = Inputs(i.given[name])
        names = ("collateral", "debt", "bonus", "close_factor")
        return law.liquidation_spiral(*(float(given[n]) for n in names), **more)

    spiral = run("example")
    frontier = [law.toxic_loan_to_value(float(b)) for b in _numbers(i, "frontier_bonus")]
    given = Inputs(i.given["example"])
    # halted, nothing is repaid and the lender loses what collateral does not cover
    margin_left = law.margin_after_liquidation(
        *(float(given[n]) for n in ("collateral", "debt", "bonus")), 0.0
    )
    shown = len(i.asked["healthy_first_steps"]) if isinstance(i.asked, dict) else 4
    return {
        "frontier": frontier,
        "ltv_path": list(spiral.path),
        "n_liquidations": spiral.liquidations,
        "bad_debt": spiral.bad_debt,
        "bad_debt_if_halted": max(0.0, -margin_left),
        "healthy_first_steps": list(run("example_healthy", most=shown - 1).path),
    }


def toxic_fork(i: Inputs) -> dict[str, Any]:
    held, factor, amount = (
        float(i[n]) for n in ("collateral", "collateral_factor", "borrow_tokens")
    )
    limit = float(i["target_tltv"]) * factor
    price = law.price_at_loan_to_value(held, amount, limit)
    spiral = law.liquidation_spiral(
        held, price * amount, float(i["bonus"]), float(i["close_factor"])
    )
    return {
        "new_price": price,
        "debt_value": price * amount,
        "ltv": spiral.path[0],
        "repaid_value": spiral.repaid,
        "repaid_tokens": spiral.repaid / price,
        "bad_debt_value": spiral.bad_debt,
        "bad_debt_tokens": spiral.bad_debt / price,
        "n_liquidations": spiral.liquidations,
    }


def toxic_pool(i: Inputs) -> dict[str, Any]:
    limit, bonus = float(i["v"]), float(i["i"])
    return {
        "critical_c_over_y": law.critical_depth(limit, bonus),
        "threshold_ltv": [
            law.toxic_loan_to_value(bonus, float(depth)) for depth in _numbers(i, "c_over_y")
        ],
        "critical_c_over_y_dutch": law.health_linked_critical_depth(limit),
    }


def loss_frontier(i: Inputs) -> dict[str, Any]:
    health, limit, bonus = (float(i[n]) for n in ("HF0", "LT", "bonus"))
    first, loss = law.loss_frontier(health, limit, bonus)
    answers: dict[str, Any] = {
        "D_liq": first,
        "D_star": loss,
        "LT_times_1_plus_b": float(lending.toxic_threshold(i["LT"], i["bonus"])),
    }
    for name in i.asked or ():
        # the gap and the collateral are part of the answer's name
        found = re.fullmatch(r"bad_debt_at_([\d.]+)pct_gap_per_([\d.]+)_collateral", name)
        if found:
            gap, held = float(found[1]) / 100, float(found[2])
            answers[name] = law.gap_bad_debt(health, limit, bonus, gap, held)
    return answers


RULES: dict[str, Callable[[Inputs], Any]] = {
    "K02": running_example,
    "N01": ring,
    "N02": default_costs,
    "N03": degenerate,
    "N04": star,
    "N05": capital_ratio,
    "L09": coin_collateral,
    "L14": constant_leverage,
    "L15": spirals,
    "S05": hawkes,
    "M01": spillovers,
    "M02": one_bank,
    "M03": threshold_banks,
    "M04": leverage_map,
    "M05": basel,
    "M06": two_period,
    "M07": exponential_sale,
    "T01": fund_paths,
    "T02": noise,
    "T03": fat_tails,
    "K06": _needs("out/policy_per_wave_metrics.csv"),
    "D01": _needs("EBA_2018.csv"),
    "X01": no_law,
    "E01": resilient_book,
    "E02": risk_averse,
    "E04": liquidity_risk,
    "E05": horizons,
    "E06": volume,
    "A02": toxic_frontier,
    "A03": toxic_fork,
    "A04": toxic_pool,
    "A06": loss_frontier,
}
