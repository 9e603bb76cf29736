"""Adapters of the cascade laws: each runs the engine on the market that the law describes.

A continuum met by N accounts is allowed ``2 * impact * largest size`` in price, the rule of
../shared/rules/laws.md, section 1, or what the case says if that is more; a Monte Carlo run is
allowed four standard errors. Numbers without a dynamic (R, a critical size) come from
`cascade.laws`.
"""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
from case import Answer, Inputs, UnsupportedError
from laws import book_waterfall, crowds, ladders, random_ladders

from cascade import OrderBook, margin
from cascade import laws as law

SEED = 20_251_010
RUNS = 100_000
SUPERCRITICAL_RUNS, SUPERCRITICAL_RUNGS = 8_000, 400
DELAYED_RUNS = 20_000


def _ladder_answer(i: Inputs, run: ladders.Outcome, price: Fraction, ratio: float) -> Answer:
    slack = 2 * run.rung_drop
    return Answer(
        {
            "R": ratio,
            "drop": run.drop,
            "final_price": float(price) - run.drop,
            "forced_units": run.units,
            "amplification": run.drop / run.shock,
        },
        {"drop": slack, "final_price": slack, "forced_units": 2 * run.rung,
         "amplification": slack / run.shock},
    )  # fmt: skip


def uniform_ladder(i: Inputs) -> Answer:
    impact, density, price = i["lam"], i["g"], i["P0"]
    gap = i.get("gap", price - i.get("ladder_top", price))
    width = i.get("ladder_width", price / 2)
    run = ladders.linear_ladder(i["shock_drop"], impact, density, gap=gap, width=width)
    return _ladder_answer(i, run, price, law.branching_ratio(impact, density))


def generations(i: Inputs) -> Answer:
    count = int(i["k_max"])
    drops, slack = ladders.generation_marks(i["D0"], i["R"], count)
    return Answer(
        {"increment": np.diff(drops, prepend=0.0).tolist(), "cumulative": drops},
        {"increment": slack, "cumulative": slack},
    )


def discrete_rungs(i: Inputs) -> dict[str, Any]:
    size, spacing, shock, price = i["q"], i["delta"], i["shock_drop"], i["P0"]
    rungs = int(price / spacing) - 1
    run = ladders.rung_run(shock, i["lam"], size, spacing, rungs)
    without = ladders.rung_run(shock, Fraction(0), size, spacing, rungs)
    return {
        "n_liquidated": run.result.liquidated,
        "n_without_feedback": without.result.liquidated,
        "drop": run.drop,
        "final_price": float(price) - run.drop,
        "next_trigger": price - spacing * (run.result.liquidated + 1),
    }


def one_leverage(i: Inputs) -> Answer:
    leverage, rate, price, shock = i["L"], i["m"], i["P0"], i["shock_drop"]
    low, high = (i.exact(entry) for entry in i.given["entries"])
    run = crowds.one_leverage_crowd(
        leverage, rate, (low, high), i["OI_units"], i["lam"], price, shock
    )
    density = law.crowd_density(*map(float, (i["OI_units"], high - low, leverage, rate)))
    critical = law.critical_open_interest(*map(float, (high - low, leverage, rate, i["lam"])))
    slack = 2 * float(i["lam"]) * run["rung"] / max(1e-9, 1 - float(i["lam"]) * density)
    return Answer(
        run
        | {
            "phi": law.trigger_scale(float(leverage), float(rate)),
            "g": density,
            "R": law.branching_ratio(i["lam"], density),
            "gap": max(0.0, float(price) - run["top_trigger"]),
            "OI_critical": critical,
        },
        {"drop": slack, "final_price": slack, "units_liquidated": slack / float(i["lam"]),
         "top_trigger": run["spacing"], "bottom_trigger": run["spacing"], "gap": run["spacing"]},
    )  # fmt: skip


def liquidation_prices(i: Inputs) -> list[dict[str, Any]]:
    # the case names its leverages and rates in the rows it asks for
    answers = []
    for row in i.asked:
        leverage, rate = i.exact(row["L"]), i.exact(row["m"])
        answer: dict[str, Any] = {"L": leverage, "m": rate}
        for contract in ("linear", "inverse"):
            for side, size in (("long", 1), ("short", -1)):
                backing = margin.isolated_margin(size, i["P_e"], leverage, contract=contract)
                price = margin.liquidation_price(
                    size, i["P_e"], backing, margin.MarginTerms.flat(rate), contract=contract
                )
                ruin = margin.bankruptcy_price(size, i["P_e"], backing, contract=contract)
                parts = (None if p is None else p / i["P_e"] for p in (price, ruin))
                crowds.check_ticks(contract, size, leverage, rate, *parts)
                answer[f"{contract}_{side}_liq"] = price
                answer[f"{contract}_{side}_bk"] = ruin
        answers.append(answer)
    return answers


def mirror(i: Inputs) -> Answer:
    price, leverage, terms = i["P0"], i["L"], margin.MarginTerms.flat(i["m"])
    at_entry = margin.MarginTerms.flat(i["m"], basis="entry")
    distances = []
    for size in (1, -1):
        backing = margin.isolated_margin(size, price, leverage)
        distances += [abs(price - margin.liquidation_price(size, price, backing, t))
                      for t in (terms, at_entry)]  # fmt: skip
    if distances[1] != distances[3]:
        raise ValueError(f"distances on entry notional differ: {distances[1]} and {distances[3]}")
    j = Inputs(i.given["ladder"])
    runs = [ladders.linear_ladder(j["D0"], j["lam"], j["g"], side=s) for s in ("long", "short")]
    slack = 2 * runs[0].rung_drop
    return Answer(
        {
            "long_distance": distances[0],
            "short_distance": distances[2],
            "ratio": distances[0] / distances[2],
            "entry_notional_margin_distance_both": distances[1],
            "down_move": -runs[0].drop,
            "up_move": runs[1].drop,
        },
        {"down_move": slack, "up_move": slack},
    )


def inverse_equity(i: Inputs) -> dict[str, Any]:
    size, entry = i["Q"], i["P_e"]
    backing = margin.isolated_margin(size, entry, i["L"], contract="inverse")
    prices = [i.exact(price) for price in i.given["P"]]
    coins = [margin.equity(backing, [margin.Position(size, entry, p, contract="inverse")])
             for p in prices]  # fmt: skip
    found = crowds.inverse_equities(size, entry, i["L"], prices)
    if not np.allclose(found, [float(coin) for coin in coins], rtol=0, atol=2e-12):
        raise ValueError(f"engine {found}, exact {coins}")
    return {
        "coin_equity": coins,
        "usd_equity": [coin * price for coin, price in zip(coins, prices, strict=True)],
        "P_bk": margin.bankruptcy_price(size, entry, backing, contract="inverse"),
    }


def staircase(i: Inputs) -> Answer:
    count = len(i.asked.get("trigger_prices", range(5)))
    triggers, sizes, late = crowds.partial_staircase(i["p_trigger"], i["m"], i["m_T"], count)
    return Answer(
        {"fraction": 1 - sizes[1], "rho": triggers[1] / triggers[0],
         "trigger_prices": triggers, "position_before": sizes},
        {"fraction": late / float(i["m"]), "rho": late, "position_before": late / float(i["m"]),
         "trigger_prices": late * float(i["p_trigger"])},
    )  # fmt: skip


def partial_amplification(i: Inputs) -> Answer:
    price, shock, ratio, rate, target = (i[name] for name in ("P0", "D0", "R", "m", "m_T"))
    cut, rung, _ = crowds.partial_ladder(price, shock, ratio, rate, target)
    closed, _, _ = crowds.partial_ladder(price, shock, ratio, rate, None)
    triggers, sizes, late = crowds.partial_staircase(price, rate, target, 2)
    return Answer(
        {
            "f": 1 - sizes[1],
            "R_eff": law.effective_ratio(float(ratio), sizes[1]),
            "drop": cut,
            "drop_full_liquidation": closed,
            "rearm_distance": triggers[0] - triggers[1],
        },
        {"drop": 2e-3, "drop_full_liquidation": 2e-3 + 2 * rung, "f": late, "R_eff": late},
    )


def soft_cluster(i: Inputs) -> Answer:
    size, impact, width, shock = i["Q"], i["lam"], i["band_width"], i["overshoot"]
    # a price past the trigger by the overshoot reaches one account of the whole cluster
    hard = ladders.rung_run(shock, impact, size, shock, 1)
    soft = ladders.linear_ladder(shock, impact, size / width, width=width)
    slack = 2 * soft.rung_drop
    return Answer(
        {
            "hard_total_drop": hard.drop,
            "hard_units": hard.units,
            "R_band": law.branching_ratio(impact, size / width),
            "soft_total_drop": soft.drop,
            "soft_units": soft.units,
            "ratio": soft.drop / hard.drop,
        },
        {"soft_total_drop": slack, "soft_units": 2 * soft.rung, "ratio": slack / hard.drop},
    )


def square_root(i: Inputs) -> Answer:
    coefficient = float(i["Y"] * i["sigma"] * i["P"]) / float(i["V"]) ** 0.5
    parameters = {"coefficient": Fraction(repr(coefficient))}
    run = _curve("square_root", parameters, i["g"], i["Q0"], i["P"] / 10)
    alone = ladders.curve_ladder("square_root", parameters, Fraction(0), i["Q0"], i["P"] / 10)
    a = float((i["Y"] * i["sigma"] * i["P"]) ** 2 / i["V"])
    # impact of a unit at the end of the cascade
    slack = 2 * run.rung * a / (2 * run.drop)
    return Answer(
        {
            "a": a,
            "drop_without_feedback": alone.drop,
            "drop": run.drop,
            "amplification": run.drop / alone.drop,
            "forced_units": run.units,
            "R_eff": law.branching_ratio(a / (2 * run.drop), i["g"]),
            "minimal_jump": law.square_root_drop(coefficient, float(i["g"]), 0.0),
        },
        {"drop": slack, "drop_without_feedback": alone.tick, "amplification": slack / alone.drop,
         "forced_units": 2 * run.rung + slack * float(i["g"]), "R_eff": slack / run.drop},
    )  # fmt: skip


def _curve(
    venue: str, parameters: dict[str, Fraction], density: Fraction, sale: Fraction, width: Fraction
) -> ladders.Outcome:
    # a ladder that was used up is too short: the laws are about one without an end
    for _ in range(8):
        run = ladders.curve_ladder(venue, parameters, density, sale, width)
        if not run.exhausted:
            return run
        width *= 2
    raise ValueError(f"the ladder is used up over a width of {float(width):g}")


def absorption(i: Inputs) -> Answer:
    ratio, absorbed = i["R"], i["f"]
    shock = Fraction(1)
    runs = [
        ladders.linear_ladder(shock, Fraction(1), ratio, absorb=share, width=4 / (1 - ratio))
        for share in (absorbed, Fraction(0))
    ]
    return Answer(
        {
            "R_eff": law.effective_ratio(float(ratio), float(absorbed)),
            "A": runs[0].drop / runs[0].shock,
            "A_without": runs[1].drop / runs[1].shock,
            "R_book_for_measured_0p2": law.ratio_before_absorption(0.2, float(absorbed)),
        },
        {"A": 2 * runs[0].rung_drop, "A_without": 2 * runs[1].rung_drop},
    )


def cross_margin(i: Inputs) -> Answer:
    matrix = [[i.exact(x) for x in row] for row in i.given["K"]]
    shocks = [i.exact(x) for x in i.given["D0"]]
    if len(matrix) != 2 or min(min(row) for row in matrix) < 0:
        raise UnsupportedError("the engine's groups are for two markets")
    radius = law.spectral_radius([[float(x) for x in row] for row in matrix])
    reach = 4 * sum(shocks) / (1 - Fraction(radius))
    try:
        crowds.cross_margin_groups(matrix, Fraction(1))
    except ValueError as error:
        raise UnsupportedError(str(error)) from None
    drops, rung = crowds.cross_margin_crash(matrix, shocks, reach)
    slack = 2 * rung / (1 - radius)
    return Answer(
        {"drop": drops, "spectral_radius": radius,
         "asset2_contagion_drop": drops[1] - float(shocks[1])},
        {"drop": slack, "asset2_contagion_drop": slack},
    )  # fmt: skip


def gap_losses(i: Inputs) -> Answer:
    run = crowds.gap_bankruptcies(i["P0"], i["P1"], i["g"], i["m"])
    # rungs at the edge of bankruptcy lose up to the rung's share of a step each
    edge = run["rung"] ** 2 / float(i["g"])
    return Answer(run, {"bankrupt_units": 2 * run["rung"], "bad_debt": edge})


def latency(i: Inputs) -> Answer:
    price, ruin = float(i["P_liq"]), float(i["P_bk"])
    deviations, samples = [], []
    for delay in i.given["latency_seconds"]:
        deviations.append(law.diffusion_deviation(
            price, float(i["annual_vol"]), float(delay), float(i["year_seconds"])
        ))  # fmt: skip
        samples.append(crowds.late_executions(price, ruin, deviations[-1], DELAYED_RUNS, SEED))
    errors = [4 * sample.std(ddof=1) / DELAYED_RUNS**0.5 for sample in samples]
    ruined = [float((sample > 0).mean()) for sample in samples]
    return Answer(
        {
            "sd": deviations,
            "expected_loss_per_unit": [float(sample.mean()) for sample in samples],
            "prob_bankrupt": ruined,
        },
        {"expected_loss_per_unit": [float(error) for error in errors],
         "prob_bankrupt": [4 * (p * (1 - p) / DELAYED_RUNS) ** 0.5 for p in ruined]},
    )  # fmt: skip


def growing_depth(i: Inputs) -> Answer:
    parameters = {"depth": i["d0"], "length": i["l"]}
    width = 2 * i["l"]
    run = _curve("depth_linear", parameters, i["g"], i["Q0"], width)
    alone = ladders.curve_ladder("depth_linear", parameters, Fraction(0), i["Q0"], width)
    small = _curve("depth_linear", parameters, i["g"], i["g"] * width / 400_000, width)
    slack = max(2e-3, 2 * run.rung / float(i["d0"]))
    return Answer(
        {
            "R": law.branching_ratio(1 / i["d0"], i["g"]),
            "drop": run.drop,
            "drop_without_feedback": alone.drop,
            "forced_units": run.units,
            "drop_limit_small_Q0": small.drop,
        },
        {"drop": slack, "forced_units": slack * float(i["g"]), "drop_limit_small_Q0": slack,
         "drop_without_feedback": alone.tick},
    )  # fmt: skip


def vanishing_depth(i: Inputs) -> Answer:
    parameters = {"depth": i["d0"], "length": i["l"]}
    depth, length, density = (float(i[name]) for name in ("d0", "l", "g"))
    critical, at_critical = law.critical_sale(depth, length, density)
    width = i["l"] * max(1, round(2 * at_critical / length))
    run = ladders.curve_ladder("depth_exponential", parameters, i["g"], i["Q0"], width)
    alone = ladders.curve_ladder("depth_exponential", parameters, Fraction(0), i["Q0"], width)
    for share, runs_away in (("0.99", False), ("1.01", True)):
        near = Fraction(repr(critical)) * Fraction(share)
        edge = ladders.curve_ladder("depth_exponential", parameters, i["g"], near, width)
        if edge.exhausted != runs_away:
            raise ValueError(f"a sale of {share} Q_c emptied the ladder: {edge.exhausted}")
    # impact of a unit at the end, and what R still amplifies there
    impact = 1 / (depth * np.exp(-run.drop / length))
    slack = max(3e-4, 2 * run.rung * impact / max(0.05, 1 - density * impact))
    return Answer(
        {
            "R": law.branching_ratio(1 / depth, density),
            "Q_c": critical,
            "drop_at_Q_c": at_critical,
            "drop": run.drop,
            "drop_without_feedback": alone.drop,
            "forced_units": run.units,
        },
        {"drop": slack, "forced_units": slack * density, "drop_without_feedback": alone.tick},
    )


def poisson_ladder(i: Inputs) -> Answer:
    theta, ratio = float(i["theta"]), float(i["R"])
    counts = random_ladders.poisson_ladder(theta, ratio, RUNS, SEED)
    pmf = law.generalised_poisson_pmf(np.arange(400), theta, ratio)
    chance = random_ladders.pmf_p_value(counts, pmf)
    if chance < 1e-4:
        raise ValueError(f"chi-square of the numbers liquidated: p value {chance:.2g}")
    variance = law.generalised_poisson_moments(theta, ratio)[1]
    square = (counts - counts.mean()) ** 2
    return Answer(
        {
            "mean": counts.mean(),
            "var": counts.var(ddof=1),
            "pmf": {str(n): float((counts == n).mean()) for n in range(400)},
            "P_gt_20": float((counts > 20).mean()),
        },
        {"mean": 4 * (variance / len(counts)) ** 0.5, "var": 4 * float(square.std()) / len(counts) ** 0.5,
         "pmf": 4 * float(np.sqrt(pmf * (1 - pmf)).max()) / len(counts) ** 0.5,
         "P_gt_20": 4 * float((counts > 20).std()) / len(counts) ** 0.5},
    )  # fmt: skip


def extinction(i: Inputs) -> Answer:
    theta, ratio = float(i["theta"]), float(i["R"])
    _, emptied = random_ladders.separate_ladders(
        theta, ratio, SUPERCRITICAL_RUNS, SUPERCRITICAL_RUNGS, SEED
    )
    stopped = float((~emptied).mean())
    error = 4 * (stopped * (1 - stopped) / SUPERCRITICAL_RUNS) ** 0.5
    return Answer(
        {"s": law.extinction_root(ratio), "P_stop": stopped, "P_runaway": 1 - stopped},
        {"P_stop": error, "P_runaway": error},
    )


def critical_tail(i: Inputs) -> dict[str, Any]:
    theta, ratio = float(i["theta"]), float(i["R"])
    counts, emptied = random_ladders.separate_ladders(theta, ratio, 8_000, 300, SEED)
    below = np.arange(200)
    chance = random_ladders.pmf_p_value(
        np.where(emptied, 299, counts), law.generalised_poisson_pmf(below, theta, ratio)
    )
    if chance < 1e-4:
        raise ValueError(f"chi-square of the numbers liquidated: p value {chance:.2g}")
    scaled = {
        n: float(int(n) ** 1.5 * law.generalised_poisson_pmf(int(n), theta, ratio))
        for n in i.asked.get("n15P", {})
    }
    return {"n15P": scaled, "limit": law.critical_tail_limit(theta)}


def random_sizes(i: Inputs) -> Answer:
    theta, ratio, spread = float(i["theta"]), float(i["R"]), float(i["cv2"])
    counts = random_ladders.poisson_ladder(theta, ratio, RUNS, SEED, spread)
    variance = law.generalised_poisson_moments(theta, ratio, spread)[1]
    return Answer(
        {"mean": counts.mean(), "var": counts.var(ddof=1)},
        {"mean": 4 * (variance / len(counts)) ** 0.5, "var": 0.05 * variance},
    )


def order_book(i: Inputs) -> dict[str, Any]:
    return book_waterfall.sell_into_bids(i.plain())


def mirrored_book(i: Inputs) -> dict[str, Any]:
    base = str(i.given.get("base", "G01"))
    feed = i.plain() if "accounts" in i.given else i.of_case(base) or book_waterfall.FEED
    return book_waterfall.buy_from_asks(feed, i["mirror"])


def book_average(i: Inputs) -> dict[str, Any]:
    levels = [[i.exact(x) for x in row] for row in i.given["asks"]]
    size = i["buy"]
    tick = ladders.common_step(*(price for price, _ in levels))
    lot = ladders.common_step(size, *(quantity for _, quantity in levels))
    book = OrderBook(tick_size=tick, lot_size=lot)
    book.load_depth([], levels)
    sent = book.market("buy", size)
    if sent.filled * lot != size:
        raise UnsupportedError("the book does not hold the size")
    worth = sum(int(fill["price"]) * int(fill["size"]) for fill in book.fills) * tick * lot
    left = book.asks(1)
    return {
        "notional": worth,
        "vwap": worth / size,
        "remaining_best": [left[0][0] * tick, left[0][1] * lot] if left else None,
    }


def fund_identity(i: Inputs) -> dict[str, Any]:
    sizes = [i.exact(size) for size in i.given["q"]]
    runs = [
        crowds.swept_accounts(
            i["L"], i["m"], i["P_e"], i["lam"], size, i["fund0"], 1 if i.get("s", 1) > 0 else -1
        )
        for size in sizes
    ]
    distance = abs(runs[0]["P_liq"] - runs[0]["P_bk"])
    names = ("vwap", "fund_change", "fund_after", "residual")
    return {
        "P_liq": runs[0]["P_liq"],
        "P_bk": runs[0]["P_bk"],
        "q_break_even": law.break_even_size(distance, 0.0, float(i["lam"])),
    } | {name: [run[name] for run in runs] for name in names}


def kyle(i: Inputs) -> dict[str, Any]:
    impact, intensity = law.kyle_impact(float(i["sigma_v"]), float(i["sigma_u"]))
    return {"lam": impact, "beta": intensity, "R": law.branching_ratio(impact, float(i["g"]))}


RULES: dict[str, Callable[..., Any]] = {
    "L01": uniform_ladder,
    "L02": generations,
    "L03": uniform_ladder,
    "L04": uniform_ladder,
    "L05": discrete_rungs,
    "L06": one_leverage,
    "L07": liquidation_prices,
    "L08": mirror,
    "L10": inverse_equity,
    "L11": staircase,
    "L12": partial_amplification,
    "L13": soft_cluster,
    "L16": square_root,
    "L19": absorption,
    "L20": cross_margin,
    "L21": gap_losses,
    "L22": latency,
    "L23": growing_depth,
    "L24": vanishing_depth,
    "S01": poisson_ladder,
    "S02": extinction,
    "S03": critical_tail,
    "S04": random_sizes,
    "G01": order_book,
    "G03": mirrored_book,
    "K05": book_average,
    "K08": fund_identity,
    "E03": kyle,
}
