"""Adapters of Aave cases: calls of `cascade.lending` with the presets of v2, v3.0, v3.3 and v3.7."""

import re
from fractions import Fraction
from math import ceil
from typing import Any

import aave_position
import lending_limits
from case import Inputs, UnsupportedError
from contract_integers import OWN_INTEGER
from lending_units import (
    PRICE,
    WAD,
    asks,
    both,
    has,
    multiplier,
    numbers,
    share,
    whole,
)

import cascade as cs
from cascade import lending
from cascade.lending import Account, LendingRefusedError, ReserveTerms, fixed_point
from cascade.lending.rule import CapBound

RAY = 10**27
BPS = 10**4
POINT = Fraction(1, 100)
LARGEST = 2**256 - 1
OLD_RULE = re.compile(r"old|before|previous|legacy|v3_?[012]|v32|per_reserve|instead")
LARGEST_REPAY = re.compile(r"max|repay|liquidat|allowed|new|v33|after")
ENDLESS = ("inf", "infinity", "none")


def _rule(text: str) -> lending.LiquidationRule:
    if text.startswith("Spark"):
        return cs.rules.spark().liquidation
    if "Aave v2" in text.partition(":")[0]:
        return cs.rules.aave_v2().liquidation
    version = re.search(r"v3\.(\d)", text)
    number = int(version[1]) if version and "before" not in text.partition(":")[0] else 0
    return cs.rules.aave_v3("3.7" if number >= 7 else "3.3" if number >= 3 else "3.0").liquidation


def _reserve(price: Any, threshold: Any = 0, bonus: Any = 1, **more: Any) -> ReserveTerms:
    return ReserveTerms(
        price=whole(Fraction(price), PRICE), unit=more.pop("unit", WAD),
        liquidation_threshold=whole(Fraction(threshold), BPS),
        bonus=whole(multiplier(Fraction(bonus)), BPS), **more,
    )  # fmt: skip


def percent(i: Inputs, text: str) -> int:
    what = _operation(text)
    name = f"percent_{what}_{_direction(text)}"
    return getattr(fixed_point, name)(whole(i["value"]), whole(i["percentage_bps"]))


def _operation(text: str) -> str:
    said = {what for what in ("div", "mul") if what in text.lower()}
    if len(said) != 1:
        raise UnsupportedError("nothing says whether to multiply or to divide")
    return said.pop()


def _scale(text: str) -> str:
    said = set(re.findall(r"(wad|ray)-?(?:mul|div|directed)", text.lower()))
    if len(said) != 1:
        raise UnsupportedError("nothing says whether the numbers are wads or rays")
    return said.pop()


def _direction(text: str) -> str:
    lower = text.lower()
    return "floor" if "floor" in lower else "ceil" if "ceil" in lower else "half_up"


def scale_product(i: Inputs, text: str) -> int:
    scale, what = _scale(text), _operation(text)
    found = getattr(fixed_point, f"{scale}_{what}_{_direction(text)}")
    return found(whole(i["a"]), whole(i["b"]))


def directed(i: Inputs, text: str) -> dict[str, int]:
    scale = "percent" if "percent" in text.lower() else _scale(text)
    answers = {}
    for name in i.asked:
        what, _, way = name.partition("_")
        pair = [whole(x) for x in numbers(i, what)]
        answers[name] = getattr(fixed_point, f"{scale}_{what}_{way}")(*pair)
    return answers


def _accounts(
    i: Inputs,
) -> tuple[dict[str, ReserveTerms], dict[str, int], dict[str, int]]:
    # rows of amount, price, threshold; and of amount, price
    reserves, held, owed = {}, {}, {}
    for n, row in enumerate(i.given["collateral"]):
        amount, price, threshold = (i.exact(x) for x in row)
        reserves[f"c{n}"] = _reserve(price, threshold)
        held[f"c{n}"] = whole(amount, WAD)
    for n, row in enumerate(i.given["debts"]):
        amount, price = (i.exact(x) for x in row)
        reserves[f"d{n}"] = _reserve(price)
        owed[f"d{n}"] = whole(amount, WAD)
    return reserves, held, owed


def health(i: Inputs, text: str) -> Any:
    reserves, held, owed = _accounts(i)
    found = lending.health_factor(_rule(text), reserves, Account(held, owed))
    if found is None:
        # without debt the contract answers with its largest integer
        return LARGEST if _is_number(i.asked) else str(i.asked) if i.asked in ENDLESS else "none"
    return share(found)


def _is_number(asked: Any) -> bool:
    try:
        return Fraction(str(asked)) > 0
    except ValueError:
        return False


def _strategy(i: Inputs) -> lending.KinkStrategy:
    parts = (whole(i[name], RAY) for name in ("optimal", "base", "slope1", "slope2"))
    return lending.KinkStrategy(*parts)


def kink(i: Inputs, text: str) -> dict[str, Fraction]:
    other = next((name for name in ("unbacked", "deficit") if name in i), "unbacked")
    found = lending.kink_rates(
        _strategy(i), whole(i["available"]), whole(i["total_debt"]),
        whole(i["reserve_factor"], BPS), unbacked=whole(i.get(other)),
    )  # fmt: skip
    return {
        "borrow_rate": share(found.borrow_rate, RAY),
        "supply_rate": share(found.supply_rate, RAY),
        "borrow_utilisation": share(found.borrow_utilization, RAY),
        "supply_utilisation": share(found.supply_utilization, RAY),
    }


def overall_rate(i: Inputs, text: str) -> Fraction:
    mean = lending.overall_borrow_rate(
        whole(i["variable_debt"]), whole(i["variable_rate"], RAY),
        whole(i["stable_debt"]), whole(i["stable_rate"], RAY),
    )  # fmt: skip
    used = whole(i.get("utilisation", Fraction(1)), RAY)
    return share(lending.supply_rate(mean, used, whole(i["reserve_factor"], BPS)), RAY)


def flash_loan(i: Inputs, text: str) -> dict[str, int]:
    total, index, answers = whole(i["liquidity"]), RAY, {}
    loans = sorted(name for name in i.given if re.fullmatch(r"loan\d*", name))
    for name in loans:
        premium = lending.flash_loan_premium(whole(i[name]), whole(i["premium_bps"]))
        index = lending.index_after_premium(index, premium, total)
        total += premium
        number = name.removeprefix("loan")
        answers |= {f"premium{number}": premium, f"total{number}": total, f"index{number}": index}
    return answers


def implied_price(i: Inputs, text: str) -> dict[str, Fraction]:
    amount = next(name for name in i.given if name.endswith("_left"))
    price = lending.price_of_residue(i["usd_bad_debt"], i[amount])
    return dict.fromkeys(i.asked, price)


def isolation(i: Inputs, text: str) -> list[Any]:
    debt, answers = whole(i.get("debt")), []
    for amount in numbers(i, "borrows"):
        try:
            debt = lending.isolated_debt(debt, whole(amount, WAD), 18, whole(i["ceiling"]))
            answers.append(debt)
        except lending.CapExceededError as error:
            answers.append(error.code)
    return answers


def claim(i: Inputs, text: str) -> dict[str, Fraction]:
    """What a liquidator may repay and claims for it, with the best bonus there is."""
    rule = _rule(text).changed(close_share=whole(i["close_factor"], BPS))
    bonuses = numbers(i, "bonuses" if "bonuses" in i else "bonus")
    debt = whole(i["debt"], WAD)
    repay = lending.max_repay(rule, WAD - 1, debt)
    owed = _reserve(1)
    taken = [
        lending.seize_at_base(rule, repay, owed, _reserve(1, 0, b), 10 * debt, whole(multiplier(b), BPS))
        for b in bonuses
    ]  # fmt: skip
    return {"repay": share(repay), "claimed": share(max(s.seized for s in taken))}


def _single(i: Inputs, text: str) -> tuple[dict[str, ReserveTerms], Account]:
    held = whole(i.first("collateral_units", "collateral"), WAD)
    owed = whole(i.first("debt_units", "debt"), WAD)
    # where the case leaves the threshold out, any below the bonus's bound makes the account due
    threshold = next((i[n] for n in ("liquidation_threshold", "lt") if n in i), Fraction(4, 5))
    bonus = next((i[n] for n in ("bonus", "penalty") if n in i), Fraction(1))
    reserves = {
        "collateral": _reserve(i.get("price_collateral", Fraction(1)), threshold, bonus),
        "debt": _reserve(i.get("price_debt", Fraction(1))),
    }
    return reserves, Account({"collateral": held}, {"debt": owed})


def spiral(i: Inputs, text: str) -> dict[str, Any]:
    rule, (reserves, account) = _rule(text), _single(i, text)
    requests: list[Fraction | None] = [None] * (
        int(i["liquidations"]) if "liquidations" in i else 1
    )
    if "requested" in i and isinstance(i.given["requested"], (list, int, float)):
        requests = list(numbers(i, "requested"))
    states = [account]
    for asked in requests:
        amount = None if asked is None else whole(asked, WAD)
        done = lending.liquidate(
            rule, reserves, states[-1], debt="debt", collateral="collateral", repay=amount
        )
        states.append(done.account)
    worth = [lending.values(rule, reserves, state) for state in states]
    found = [lending.health_factor(rule, reserves, state) for state in states]
    in_wad = any(i.exact(x) >= OWN_INTEGER for x in i.asked.get("hf", []))
    is_one_call = len(requests) == 1 and aave_position.is_pair(i, text)
    known = aave_position.answers(i, rule) if is_one_call else {}
    return known | {
        "debt": [share(v.debt, PRICE) for v in worth],
        "debt_base": [v.debt for v in worth],
        "collateral_value": [share(v.collateral, PRICE) for v in worth],
        "hf": [h if in_wad or h is None else share(h) for h in found],
        "bad_debt": [lending.is_insolvent(reserves, state) for state in states],
    }


def two_collaterals(i: Inputs, text: str) -> dict[str, int | None]:
    rule, held, reserves = _rule(text), {}, {"debt": _reserve(i.get("price_debt", Fraction(1)))}
    for name, row in i.given["collateral"].items():
        held[name] = whole(i.exact(row["units"]), WAD)
        reserves[name] = _reserve(i.exact(row["price"]), i.exact(row["lt"]), i["bonus"])
    account = Account(held, {"debt": whole(i["debt"], WAD)})
    asked = i.given.get("requested")
    repay = whole(i["requested"], WAD) if isinstance(asked, (int, float)) else None
    done = lending.liquidate(
        rule, reserves, account, debt="debt", collateral=i.given["seize"], repay=repay
    )
    return {"hf_before": done.health_before, "hf_after": done.health_after,
            "lowered": done.lowered}  # fmt: skip


def two_thresholds(i: Inputs, text: str) -> list[Fraction]:
    rule, reserves, held = _rule(text), {"debt": _reserve(1)}, {}
    for n, (amount, threshold) in enumerate(i.given["collateral"]):
        held[f"c{n}"] = whole(i.exact(amount), WAD)
        reserves[f"c{n}"] = _reserve(1, i.exact(threshold), i["bonus"])
    account = Account(held, {"debt": whole(i["debt"], WAD)})
    repay, which = i.given["repay_and_seize"]
    place = 1 if "second" in str(which) else 0
    done = lending.liquidate(
        rule, reserves, account, debt="debt", collateral=f"c{place}",
        repay=whole(i.exact(repay), WAD),
    )  # fmt: skip
    return [share(h) for h in (done.health_before, done.health_after) if h is not None]


def last_out(i: Inputs, text: str) -> dict[str, Any]:
    rule, (reserves, account) = _rule(text), _single(i, text)
    done = lending.liquidate(
        rule, reserves, account, debt="debt", collateral="collateral",
        repay=whole(i["requested"], WAD),
    )  # fmt: skip
    claims = [whole(x, WAD) for x in numbers(i, "suppliers")]
    cash = sum(claims) - account.debts["debt"] + done.paid
    wanted = [whole(x, WAD) for x in numbers(i, "withdrawals")]
    out = lending.withdraw_in_order(cash, wanted)
    whole_claims = lending.withdraw_in_order(cash, claims)
    return {
        "cash_left": share(out.cash_left),
        "collateral_left": share(done.account.collateral["collateral"]),
        "second_supplier_can_take_50": whole_claims.unpaid[1] == 0,
    }


def dust_limits(i: Inputs, text: str) -> dict[str, Any]:
    least, answers = whole(i["min_leftover_usd"], PRICE), {}
    for name in i.asked:
        found = re.fullmatch(r"(max_)?partial_(debt|collateral)_(\w+?)(_allowed)?", name)
        if found is None:
            raise UnsupportedError(name)
        value = whole(i.exact(i.given[f"{found[2]}_usd"][found[3]]), PRICE)
        most = lending.largest_partial(value, least)
        answers[name] = most > 0 if found[4] else share(most, PRICE)
    return answers


def close_factor(i: Inputs, text: str) -> Fraction:
    rule = _rule(text)
    units, price, threshold = i["weth"], i["weth_price"], i["liq_threshold"]
    # the source sets the debt so that health is just below the target; an even number of base units
    value = ceil(units * price * threshold / i["target_hf"] * PRICE)
    debt = (value + value % 2) * WAD // PRICE
    reserves = {"WETH": _reserve(price, threshold), "debt": _reserve(1)}
    account = Account({"WETH": whole(units, WAD)}, {"debt": debt})
    worth = lending.values(rule, reserves, account)
    score = lending.health_factor(rule, reserves, account)
    most = lending.max_repay(
        rule, score, debt, debt_value=worth.debt, collateral_value=worth.collateral,
        total_debt_value=worth.debt, price=PRICE, unit=WAD,
    )  # fmt: skip
    return Fraction(most, debt)


def dust_revert(i: Inputs, text: str) -> dict[str, Any]:
    rule = _rule(text).changed(least_left=whole(i["min_leftover_usd"], PRICE))
    repay, balance = whole(i["repay_usd"], WAD), whole(i["collateral_usd"], WAD)
    held, owed = _reserve(1, 0, i["bonus"]), _reserve(1)
    # a debt that the case does not give leaves enough of itself
    rest = whole(i["min_leftover_usd"], WAD)
    debt = whole(i["debt_usd"], WAD) if "debt_usd" in i else repay + rest
    taken = lending.seize_at_base(rule, repay, owed, held, balance, held.bonus)
    left, debt_left = balance - taken.seized, debt - taken.repaid
    values = lending.value_of(debt_left, owed), lending.value_of(left, held)
    try:
        lending.check_dust(rule, debt_left, left, *values)
        refused = False
    except LendingRefusedError:
        refused = True
    return {"collateral_left_usd": share(left), "debt_left_usd": share(debt_left),
            "revert": refused}  # fmt: skip


def bypass(i: Inputs, text: str) -> dict[str, Any]:
    rule = _rule(text)
    unit = 10 ** int(i["debt_decimals"])
    reserves = {
        "collateral": _reserve(i["price_collateral"], i["lt"], i["bonus"]),
        "debt": _reserve(1, unit=unit),
    }
    account = Account(
        {"collateral": whole(i["collateral_units"])}, {"debt": whole(i["debt_usd"], unit)}
    )
    before = lending.health_factor(rule, reserves, account)
    restoring = lending.restoring_fraction(
        before or 0, whole(i["lt"], BPS), whole(multiplier(i["bonus"]), BPS)
    )
    if restoring is None or before is None:
        raise UnsupportedError("no repayment restores the account")
    # a point of the debt less than what restores it
    fraction = restoring - whole(POINT, WAD)
    repay = account.debts["debt"] * fraction // WAD
    pair = {"debt": "debt", "collateral": "collateral"}
    first = lending.liquidate(rule, reserves, account, repay=repay, **pair)
    second = lending.liquidate(rule, reserves, first.account, **pair)
    left = lending.values(rule, reserves, first.account)
    end = lending.value_of(second.account.collateral["collateral"], reserves["collateral"])
    limit = whole(i["threshold_usd"], PRICE)
    return {
        "hf0": before, "fraction": fraction, "hf1": first.health_after,
        "debt1_below_threshold": left.debt < limit,
        "collateral1_below_threshold": left.collateral < limit,
        "debt2": second.account.debts["debt"], "collateral2": share(end, PRICE),
    }  # fmt: skip


def unlock(i: Inputs, text: str) -> dict[str, list[Fraction]]:
    rule, (reserves, account) = _rule(text), _single(i, text)
    paid_before = whole(i["pre_repay"], WAD)
    answers: dict[str, list[Fraction]] = {"hf": [], "seized": [], "profit": []}
    for cost in (0, paid_before):
        state = account.moved({}, {"debt": -cost})
        done = lending.liquidate(rule, reserves, state, debt="debt", collateral="collateral")
        answers["hf"].append(share(done.health_before or 0))
        answers["seized"].append(share(done.received))
        answers["profit"].append(share(done.received - done.paid - cost))
    return answers


def pairwise(i: Inputs, text: str) -> dict[str, Any]:
    rule = _rule(text).changed(least_left=whole(i["min_leftover"], PRICE))
    debts = {name: whole(i.exact(x), PRICE) for name, x in i.given["debts"].items()}
    held = {name: whole(i.exact(x), PRICE) for name, x in i.given["collateral"].items()}
    passes = []
    for debt, repaid, collateral, seized in i.given["calls"]:
        debts[debt] -= whole(i.exact(repaid), PRICE)
        held[collateral] -= whole(i.exact(seized), PRICE)
        left = (debts[debt], held[collateral])
        passes.append(not lending.leaves_dust(*left, rule.least_left))
    return {
        "debt_left": share(sum(debts.values()), PRICE),
        "collateral_left": share(sum(held.values()), PRICE),
        "each_call_passes": passes,
    }


def position_close_factor(i: Inputs, text: str) -> Any:
    """Largest repayment of one of several debts, half of the whole position's; before v3.3 half of its own."""
    debts = numbers(i, "debts")
    collateral = i.first("collateral", "collateral_usd", "collateral_value")
    health = i.first("hf", "health_factor") if "hf" in i or "health_factor" in i else None

    def most(rule: lending.LiquidationRule) -> Fraction:
        return share(lending.max_repay(
            rule, WAD - 1 if health is None else whole(health, WAD), whole(debts[0], WAD),
            debt_value=whole(debts[0], PRICE), collateral_value=whole(collateral, PRICE),
            total_debt_value=whole(sum(debts), PRICE), price=PRICE, unit=WAD,
        ))  # fmt: skip

    found = most(_rule(text))
    if not isinstance(i.asked, dict):
        return found
    before = most(cs.rules.aave_v3("3.0").liquidation)
    answers = {}
    for name in i.asked:
        if OLD_RULE.search(name):
            answers[name] = before
        elif LARGEST_REPAY.search(name):
            answers[name] = found
    return answers


def pair(i: Inputs, text: str) -> Any:
    return aave_position.position(i, text, _rule(text))


def _by_name(i: Inputs, text: str) -> bool:
    return all(isinstance(i.given[name], dict) for name in ("collateral_usd", "debt_usd"))


def _fits(i: Inputs, text: str) -> bool:
    rows = i.given.get("collateral")
    return isinstance(rows, list) and all(isinstance(row, list) and len(row) == 3 for row in rows)


FAMILY = [
    (has("value", "percentage_bps"), percent),
    (has("a", "b"), scale_product),
    (has("mul", "div"), directed),
    (both(_fits, has("debts")), health),
    (has("optimal", "slope1", "available", "total_debt"), kink),
    (has("variable_debt", "stable_debt", "variable_rate"), overall_rate),
    (has("liquidity", "loan1", "premium_bps"), flash_loan),
    (has("usd_bad_debt"), implied_price),
    (has("ceiling", "borrows"), isolation),
    (both(has("debt", "close_factor"), asks("repay", "claimed")), claim),
    (both(has("collateral", "seize", "bonus", "debt"), asks("hf_before")), two_collaterals),
    (has("collateral", "repay_and_seize", "debt"), two_thresholds),
    (has("suppliers", "withdrawals"), last_out),
    (has("pre_repay"), unlock),
    (has("collateral_units", "debt_decimals", "threshold_usd"), bypass),
    (has("collateral_units", "debt_units"), spiral),
    (both(has("collateral_usd", "debt_usd", "min_leftover_usd"), _by_name), dust_limits),
    (has("weth", "weth_price", "target_hf"), close_factor),
    (has("repay_usd", "collateral_usd", "min_leftover_usd"), dust_revert),
    (has("calls", "debts", "collateral"), pairwise),
    (both(has("debts"), lambda i, text: isinstance(i.given["debts"], list)), position_close_factor),
    (lending_limits.has_fee, lambda i, text: lending_limits.seized_with_fee(i, _rule(text))),
    (lending_limits.has_cap, lambda i, text: lending_limits.within_cap(i, CapBound.AT_OR_BELOW)),
    (aave_position.is_pair, pair),
]
