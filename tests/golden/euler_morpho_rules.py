"""Adapters of Euler, Morpho and the laws of liquidations: calls of `cascade.lending` and `cascade.laws`."""

import re
from fractions import Fraction
from typing import Any

from case import Inputs, UnsupportedError
from lending_units import WAD, both, has, multiplier, numbers, scaled, share, whole

import cascade as cs
from cascade import laws, lending
from cascade.lending import Account, AdaptiveCurve, MorphoMarket, MorphoPosition, ReserveTerms

BPS = 10**4
YEAR = 31_536_000
DAY = 86_400
ATOMS_FROM = 10**12


def _euler_v1(i: Inputs) -> lending.LiquidationRule:
    changes = {}
    if "target_health" in i:
        changes["target_health"] = whole(i["target_health"], WAD)
    if "reserve_fee" in i:
        changes["fee_share"] = changes["base_discount"] = whole(i["reserve_fee"], WAD)
    if "factor_scale" in i:
        changes["factor_parts"] = whole(i["factor_scale"])
    return cs.rules.euler_v1(**changes).liquidation


def scores(i: Inputs, text: str) -> Fraction:
    rule = _euler_v1(i)
    reserves, held, owed = {}, {}, {}
    for n, row in enumerate(i.given["collateral"]):
        amount, price, factor = (i.exact(x) for x in row)
        reserves[f"c{n}"] = ReserveTerms(
            price=whole(price, WAD), liquidation_threshold=whole(factor, rule.factor_parts)
        )
        held[f"c{n}"] = whole(amount, WAD)
    for n, row in enumerate(i.given["debts"]):
        amount, price, factor = (i.exact(x) for x in row)
        reserves[f"d{n}"] = ReserveTerms(
            price=whole(price, WAD), borrow_factor=whole(factor, rule.factor_parts)
        )
        owed[f"d{n}"] = whole(amount, WAD)
    found = lending.health_factor(rule, reserves, Account(held, owed))
    return share(found or 0)


def discounts(i: Inputs, text: str) -> Any:
    rule = _euler_v1(i)
    rows = i.given.get("rows")
    several = rows or isinstance(i.given.get("hs"), list)
    if not rows:
        rows = [{"hs": one, "booster": i.given.get("booster", 1)} for one in numbers(i, "hs")]
    found = [
        share(lending.euler_v1_discount(
            rule, whole(i.exact(row["hs"]), WAD), whole(i.exact(row.get("booster", 1)), WAD)
        ))
        for row in rows
    ]  # fmt: skip
    answer = found if several else found[0]
    return {"discount": answer} if isinstance(i.asked, dict) else answer


def _rows_of_scores(i: Inputs, text: str) -> bool:
    if "rows" not in i:
        return "hs" in i and "debt" not in i
    return all(isinstance(row, dict) and "hs" in row for row in i.given["rows"])


def euler_v1_pair(i: Inputs, text: str) -> dict[str, Any]:
    rule = _euler_v1(i)
    # a case in whole tokens has few of them; one in atoms has prices of 18 decimals
    unit = WAD if i["price_debt"] < ATOMS_FROM else 1
    reserves = {
        "collateral": ReserveTerms(
            price=whole(i["price_collateral"], unit),
            liquidation_threshold=whole(i["collateral_factor"], rule.factor_parts),
        ),
        "debt": ReserveTerms(
            price=whole(i["price_debt"], unit),
            borrow_factor=whole(i["borrow_factor"], rule.factor_parts),
        ),
    }
    account = Account(
        {"collateral": whole(i["collateral"], unit)}, {"debt": whole(i["debt"], unit)}
    )
    booster = scaled(i, "booster", WAD, 1)
    done = lending.liquidate(
        rule, reserves, account, debt="debt", collateral="collateral", booster=booster
    )
    return {
        "health_score": share(done.health_before or 0),
        "repay": share(done.paid, unit),
        "yield_": share(done.seized, unit),
        "yield": share(done.seized, unit),
        "health_after": None if done.health_after is None else share(done.health_after),
    }


def largest_debt(i: Inputs, text: str) -> Any:
    """Debt up to which an account is healthy: what collateral counts, of which the debt's factor is lent."""
    rule, names = _euler_v1(i), ("cf", "collateral_factor")
    value = i["collateral"] * i.first("price", "price_collateral")
    counts = i.first(*names) * i.first("bf", "borrow_factor")
    parts = rule.factor_parts**2
    most = share(lending.max_debt([(whole(value, WAD), whole(counts, parts))], parts))
    most /= i.get("price_debt", Fraction(1))
    return dict.fromkeys(i.asked, most) if isinstance(i.asked, dict) else most


def _is_largest_debt(i: Inputs, text: str) -> bool:
    told = any(name in i for name in ("cf", "collateral_factor"))
    return told and any(name in i for name in ("bf", "borrow_factor")) and "collateral" in i


EULER_V1 = [
    (
        both(has("collateral", "debts"), lambda i, text: isinstance(i.given["debts"], list)),
        scores,
    ),
    (_rows_of_scores, discounts),
    (
        both(has("collateral_factor", "borrow_factor", "price_collateral", "price_debt", "debt")),
        euler_v1_pair,
    ),
    (_is_largest_debt, largest_debt),
]


def _raw(i: Inputs, text: str) -> bool:
    # a case about rounding counts atoms, the others whole tokens
    return any(word in text.lower() for word in ("dust", "floor", "round", "wei"))


def _vault(
    i: Inputs, price: Fraction, unit: int
) -> tuple[lending.LiquidationRule, dict[str, ReserveTerms], Account]:
    changes = {}
    if "max_discount" in i:
        changes["largest_discount"] = whole(i["max_discount"], WAD)
    # a price for 10**18 atoms, so that values are in atoms of the unit of account
    reserves = {
        "collateral": ReserveTerms(
            price=whole(i["price"], WAD), liquidation_threshold=scaled(i, "ltv", BPS, "0.3")
        ),
        "debt": ReserveTerms(price=whole(price, WAD)),
    }
    account = Account(
        {"collateral": whole(i["collateral"], unit)}, {"debt": whole(i["debt"], unit)}
    )
    return cs.rules.euler_v2(**changes).liquidation, reserves, account


def vault(i: Inputs, text: str) -> dict[str, Any]:
    unit = 1 if _raw(i, text) else WAD
    prices = numbers(i, "debt_price")
    rule, reserves, account = _vault(i, prices[0], unit)
    before = lending.health_factor(rule, reserves, account)
    rule, reserves, account = _vault(i, prices[-1], unit)
    desired = next((i[n] for n in ("desired_repay", "desired", "repay") if n in i), None)
    done = lending.liquidate(
        rule, reserves, account, debt="debt", collateral="collateral",
        repay=None if desired is None else whole(desired, unit),
    )  # fmt: skip
    written_off = sum(done.bad_debt.values())
    total = account.debts["debt"] + scaled(i, "other_borrows", unit, 0) - written_off
    return {
        "hs_before": share(before or 0),
        "hs_after": share(done.health_before or 0),
        "hs": share(done.health_before or 0),
        "max_repay": share(done.repaid, unit), "repay": share(done.repaid, unit),
        "max_yield": share(done.seized, unit), "yield": share(done.seized, unit),
        "socialised": share(written_off, unit),
        # what the liquidator took over is still borrowed
        "total_borrows_after": share(total, unit),
    }  # fmt: skip


def vault_scores(i: Inputs, text: str) -> list[Fraction]:
    rule, answers = cs.rules.euler_v2().liquidation, []
    for row in i.given["rows"]:
        amount, price, factor, debt, debt_price = (i.exact(x) for x in row)
        reserves = {
            "c": ReserveTerms(price=whole(price, WAD), liquidation_threshold=whole(factor, BPS)),
            "d": ReserveTerms(price=whole(debt_price, WAD)),
        }
        account = Account({"c": whole(amount, WAD)}, {"d": whole(debt, WAD)})
        answers.append(share(lending.health_factor(rule, reserves, account) or 0))
    return answers


def vault_boundary(i: Inputs, text: str) -> list[bool]:
    rule = cs.rules.euler_v2().liquidation
    factor = ReserveTerms(price=WAD, liquidation_threshold=BPS)
    return [
        lending.is_liquidatable(
            rule, {"c": factor, "d": ReserveTerms(price=WAD)},
            Account({"c": whole(i["adjusted"], WAD)}, {"d": whole(owed, WAD)}),
        )
        for owed in numbers(i, "liability")
    ]  # fmt: skip


SCORES = ("hs", "health_score", "score", "scores")


def vault_discounts(i: Inputs, text: str) -> Any:
    changes = {}
    if "max_discount" in i:
        changes["largest_discount"] = whole(i["max_discount"], WAD)
    rule, name = cs.rules.euler_v2(**changes).liquidation, next(n for n in SCORES if n in i)
    found = [share(lending.euler_v2_discount(rule, whole(x, WAD))) for x in numbers(i, name)]
    answer = found if isinstance(i.given[name], list) else found[0]
    if isinstance(i.asked, dict):
        factors = [1 - one for one in found]
        factor = factors if isinstance(answer, list) else factors[0]
        return {"discount": answer, "discounts": answer, "factor": factor, "factors": factor}
    return answer


EULER_V2 = [
    (lambda i, text: any(n in i for n in SCORES) and "debt" not in i, vault_discounts),
    (has("adjusted", "liability"), vault_boundary),
    (has("rows"), vault_scores),
    (has("collateral", "price", "debt", "debt_price"), vault),
]


def _scaled_price(i: Inputs) -> int:
    # "1e36-1e16 (scale 1e36)": a formula and the scale it is in
    text = str(i.given["price"])
    formula, _, note = text.partition("(")
    price = i.exact(formula.strip())
    return whole(price) if "scale" in note else whole(price, lending.ORACLE_SCALE)


def morpho_shares(i: Inputs, text: str) -> dict[str, int]:
    if (int(i.get("virtual_shares", 10**6)), int(i.get("virtual_assets", 1))) != (
        lending.VIRTUAL_SHARES, lending.VIRTUAL_ASSETS,
    ):  # fmt: skip
        raise UnsupportedError("virtual amounts are the protocol's")
    borrowed = whole(i["borrowed"])
    shares = lending.to_shares_up(borrowed, 0, 0)
    market = MorphoMarket(
        whole(i["lltv"], WAD), _scaled_price(i), borrowed, shares, borrowed, shares
    )
    position = MorphoPosition(whole(i["collateral"]), shares)
    which = {name: whole(i[name]) for name in ("repaid_shares", "seized") if name in i}
    if "seized_assets" in i:
        which["seized"] = whole(i["seized_assets"])
    done = lending.morpho_liquidate(market, position, **which)
    return {
        "seized": done.seized, "repaid_assets": done.repaid_assets,
        "repaid_shares": done.repaid_shares, "bad_debt": done.bad_debt,
    }  # fmt: skip


def morpho_boundary(i: Inputs, text: str) -> list[bool]:
    rule = cs.rules.morpho_blue().liquidation
    reserves = {
        "c": ReserveTerms(price=WAD, liquidation_threshold=whole(i["lltv"], WAD)),
        "d": ReserveTerms(price=WAD),
    }
    held = whole(i["collateral_value"], WAD)
    return [
        not lending.is_liquidatable(rule, reserves, Account({"c": held}, {"d": whole(owed, WAD)}))
        for owed in numbers(i, "borrowed")
    ]


def morpho_incentives(i: Inputs, text: str) -> Any:
    found = [share(lending.incentive_factor(whole(x, WAD))) for x in numbers(i, "lltv")]
    if isinstance(i.asked, dict):
        answers = {"lif": found, "liquidation_incentive_factor": found, "incentive": found}
        several = isinstance(i.given["lltv"], list)
        return {name: value if several else value[0] for name, value in answers.items()}
    return found if isinstance(i.asked, list) else found[0]


def morpho_debt(i: Inputs, text: str) -> dict[str, Fraction]:
    return {
        name: share(lending.max_debt(
            [(whole(i.exact(value), WAD), whole(i.exact(factor), WAD)) for value, factor in rows]
        ))
        for name, rows in i.given.items() if isinstance(rows, list)
    }  # fmt: skip


def adaptive(i: Inputs, text: str) -> Any:
    low, high = numbers(i, "rate_bounds_at_target")
    year = whole(i["seconds_per_year"])
    curve = AdaptiveCurve(
        steepness=whole(i["steepness"], WAD), speed=whole(i["speed_per_year"], WAD) // year,
        target=whole(i["target_utilization"], WAD),
        initial_rate=whole(i["initial_rate_at_target"], WAD) // year,
        least_rate=whole(low, WAD) // year, largest_rate=whole(high, WAD) // year,
    )  # fmt: skip
    start = whole(i["start_rate_at_target"], WAD) // year if "start_rate_at_target" in i else None
    seconds = whole(i.get("elapsed_days"), DAY) + whole(i.get("elapsed_seconds"))
    # with pings the market is touched again and again at the same utilisation
    every = whole(i["ping_seconds"]) if "ping_seconds" in i else seconds
    found = lending.adaptive_rate(whole(i["utilization"], WAD), start, min(every, seconds), curve)
    for done in range(every, seconds, max(every, 1)):
        found = lending.adaptive_rate(
            whole(i["utilization"], WAD), found.at_target, min(every, seconds - done), curve
        )
    rates = {
        "average": share(found.average * year), "borrow_rate": share(found.average * year),
        "rate_at_target": share(found.at_target * year),
    }  # fmt: skip
    if isinstance(i.asked, dict):
        return rates
    said = text.lower()
    if seconds and "average" not in said:
        if "at target" in said:
            return rates["rate_at_target"]
        if "borrow rate" not in said:
            raise UnsupportedError("nothing says whether the mean or the rate at target is asked")
    return rates["average"]


def exponential(i: Inputs, text: str) -> Any:
    if isinstance(i.given["x"], list):
        return [lending.wad_exp(whole(x)) for x in numbers(i, "x")]
    return lending.wad_exp(whole(i["x"]))


def _rows_of_pairs(i: Inputs, text: str) -> bool:
    rows = [rows for rows in i.given.values() if isinstance(rows, list)]
    return bool(rows) and all(
        isinstance(pair, list) and len(pair) == 2 for given in rows for pair in given
    )


MORPHO = [
    (has("x"), exponential),
    (has("steepness", "utilization"), adaptive),
    (has("collateral", "borrowed", "price"), morpho_shares),
    (has("collateral_value", "lltv", "borrowed"), morpho_boundary),
    (has("lltv"), morpho_incentives),
    (_rows_of_pairs, morpho_debt),
]


def health_identity(i: Inputs, text: str) -> dict[str, Fraction]:
    collateral, debt, repaid, bonus = i["C"], i["B"], i["r"], multiplier(i["b"]) - 1
    return {
        "dHF": laws.health_change(collateral, debt, i["LT"], bonus, repaid),
        "margin_after": laws.margin_after_liquidation(collateral, debt, bonus, repaid),
    }


def _loan(i: Inputs, fee: Fraction) -> laws.AttackedLoan:
    names = ("c", "b", "theta", "bonus", "A0", "B0")
    return laws.AttackedLoan(*(float(i[name]) for name in names), fee=float(fee))


def attack_signs(i: Inputs, text: str) -> list[bool]:
    return [laws.best_attack_profit(_loan(i, fee))[1] > 0 for fee in numbers(i, "fees")]


def attack_break_even(i: Inputs, text: str) -> Any:
    """A fee as a share or, where one and more is expected of it, in basis points."""
    fee = laws.break_even_attack_fee(_loan(i, Fraction(0)))

    def shown(name: str, asked: Any) -> float:
        points = "bp" in name or "basis" in name or i.exact(asked) >= 1
        return fee * BPS if points else fee

    if isinstance(i.asked, dict):
        return {name: shown(name, asked) for name, asked in i.asked.items()
                if "fee" in name or "bp" in name or "even" in name}  # fmt: skip
    return shown("", i.asked)


def attack_limits(i: Inputs, text: str) -> dict[str, Fraction]:
    return {
        "delta_max": laws.feasible_attack(i["c"], i["A0"], i["fee"]),
        "limit_profit": laws.limit_attack_profit(i["c"], i["A0"], i["B0"]),
    }


def small_liquidations(i: Inputs, text: str) -> Any:
    """Profit of small liquidations of a size that no health binds, and the best single one."""
    reserves = float(i.first("A", "A0")), float(i.first("B", "B0"))
    pool = laws.AttackedLoan(1.0, 1.0, 1.0, float(multiplier(i["bonus"]) - 1), *reserves,
                             fee=float(i.get("fee")))  # fmt: skip
    answers: dict[str, Any] = {"g": pool.growth, "growth": pool.growth, "pays": pool.growth > 1}
    size, profit = laws.unbound_liquidation(pool)
    answers |= {"x_star": size, "best_x": size, "best_profit": profit, "profit_star": profit}
    if "x" in i:
        found = [laws.micro_liquidation_profit(float(x), pool) for x in numbers(i, "x")]
        answers["profit"] = found if isinstance(i.given["x"], list) else found[0]
    return answers if isinstance(i.asked, dict) else answers["profit"]


def _is_small(i: Inputs, text: str) -> bool:
    pool = ("A" in i or "A0" in i) and ("B" in i or "B0" in i)
    return pool and "bonus" in i and "theta" not in i


def repay_to_target(i: Inputs, text: str) -> Any:
    """What has to be repaid so that health reaches a target; none where each repayment lowers it."""
    weighted = i["W"] if "W" in i else i["C"] * i["LT"]
    found = lending.repay_to_target(
        i["B"], weighted, i["LT"], multiplier(i["b"]) - 1, i.first(*TARGETS)
    )
    return dict.fromkeys(("r", "repay"), found) if isinstance(i.asked, dict) else found


TARGETS = ("h", "target", "target_health", "h_star")


def toxic_limits(i: Inputs, text: str) -> Any:
    """Health below which, and loan to value above which, a liquidation makes an account worse."""
    bonus = multiplier(i.first("bonus", "b", "i")) - 1
    depth = i.first("c_over_y", "depth") if "c_over_y" in i or "depth" in i else Fraction(0)
    if "c" in i and "y" in i:
        depth = i["c"] / i["y"]
    answers: dict[str, Any] = {
        "toxic_ltv": 1 / lending.toxic_threshold(1, bonus, depth),
        "threshold_ltv": 1 / lending.toxic_threshold(1, bonus, depth),
        "lambda": lending.toxic_threshold(1, 0, depth),
    }
    if "LT" in i or "lt" in i:
        limit = i.first("LT", "lt")
        hf = lending.toxic_threshold(limit, bonus, depth)
        answers |= dict.fromkeys(("toxic_hf", "toxic_below", "hf_threshold"), hf)
        answers["toxic_free"] = hf < 1
    if isinstance(i.asked, dict):
        return answers
    # a loan to value where no threshold is told, else a health
    told = "toxic_hf" if "toxic_hf" in answers else "toxic_ltv"
    said = set(re.findall(r"ltv|loan to value|hf|health", text.lower().partition(":")[2]))
    if len({word in ("ltv", "loan to value") for word in said}) > 1:
        raise UnsupportedError("nothing says whether a health or a loan to value is asked")
    return answers[told]


def _is_toxic(i: Inputs, text: str) -> bool:
    told = any(name in i for name in ("bonus", "b", "i"))
    return told and any(n in i for n in ("LT", "lt", "c_over_y", "depth", "y"))


THEORY = [
    (has("C", "LT", "B", "r", "b"), health_identity),
    (both(has("B", "LT", "b"), lambda i, text: any(n in i for n in TARGETS)), repay_to_target),
    (has("fees", "A0", "B0", "theta"), attack_signs),
    (has("fee", "A0", "B0", "c"), attack_limits),
    (has("A0", "B0", "c", "b", "theta", "bonus"), attack_break_even),
    (_is_small, small_liquidations),
    (_is_toxic, toxic_limits),
]
