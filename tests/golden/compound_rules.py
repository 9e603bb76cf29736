"""Adapters of Compound v2 and Comet cases: calls of `cascade.lending` with mantissas of 10**18."""

import re
from dataclasses import replace
from fractions import Fraction
from typing import Any

import lending_limits
import refusals
from case import Inputs
from lending_units import WAD, both, has, multiplier, numbers, scaled, share, whole

import cascade as cs
from cascade import lending
from cascade.lending import (
    Account,
    CapExceededError,
    CollateralAsset,
    LendingRefusedError,
    ReserveTerms,
)
from cascade.lending.rule import CapBound

BPS = 10**4
BASE_PRICE = 10**8
COMET_INDEX = 10**15
#: Where a case does not say how much the protocol holds or wants, there is no limit.
NO_LIMIT = 10**60
RESERVES = ("reserves_before", "reserves", "base_reserves")


def _rule(i: Inputs) -> lending.LiquidationRule:
    incentive = next((i[n] for n in ("liquidation_incentive", "incentive") if n in i), None)
    changes: dict[str, Any] = {"fee_share": scaled(i, "protocol_seize_share", WAD, 0)}
    if incentive is not None:
        changes["market_bonus"] = whole(multiplier(incentive), WAD)
    if "close_factor" in i:
        changes["close_share"] = whole(i["close_factor"], BPS)
    return cs.rules.compound_v2(**changes).liquidation


def seize(i: Inputs, text: str) -> int:
    return lending.seize_tokens(
        *(whole(i[name]) for name in (
            "repay", "liquidation_incentive", "price_borrowed", "price_collateral", "exchange_rate",
        ))
    )  # fmt: skip


def _liquidity(i: Inputs, debt: Fraction) -> dict[str, int]:
    rule = cs.rules.compound_v2().liquidation
    reserves, held = {"debt": ReserveTerms(price=WAD)}, {}
    for n, (amount, factor, price) in enumerate(i.given["collateral"]):
        reserves[f"c{n}"] = ReserveTerms(
            price=whole(i.exact(price), WAD), liquidation_threshold=whole(i.exact(factor), WAD)
        )
        held[f"c{n}"] = whole(i.exact(amount))
    found = lending.liquidity(rule, reserves, Account(held, {"debt": whole(debt)}))
    return {"liquidity": max(found, 0), "shortfall": max(-found, 0)}


def liquidities(i: Inputs, text: str) -> Any:
    if "debt_cases" in i:
        return [_liquidity(i, debt) for debt in numbers(i, "debt_cases")]
    return _liquidity(i, i.get("debt"))


def jump(i: Inputs, text: str) -> list[Fraction]:
    # percent a year; a block's rate is cut off, so a year of blocks is a little less
    model = lending.jump_rate_v2 if "V2" in text and "V1" not in text else lending.jump_rate_v1
    terms = [whole(i[name] / 100, WAD) for name in ("base", "slope", "jump", "kink")]
    return [
        share(model(whole(used / 100, WAD), *terms) * lending.BLOCKS_PER_YEAR) * 100
        for used in numbers(i, "utilisation")
    ]


def accrue(i: Inputs, text: str) -> dict[str, int]:
    found = lending.accrue_simple(
        scaled(i, "index", 1, WAD), whole(i["borrows"]), scaled(i, "reserves", 1, 0),
        whole(i["rate_per_block"], WAD), whole(i["blocks"]), scaled(i, "reserve_factor", WAD, 0),
    )  # fmt: skip
    return {"index": found.index, "borrows": found.borrows, "reserves": found.reserves,
            "interest": found.interest}  # fmt: skip


def borrow_balances(i: Inputs, text: str) -> dict[str, Fraction]:
    """Borrowers that join one after another; each joins when the rate of the period before ends."""
    index, total, written, balances = WAD, 0, [], []
    principals = [whole(x, WAD) for x in numbers(i, "principals")]
    periods = sorted(name for name in i.given if re.fullmatch(r"rate\d+", name))
    for n, name in enumerate(periods):
        if n < len(principals):
            written.append((principals[n], index))
            total += principals[n]
        blocks = whole(i[name.replace("rate", "blocks")])
        found = lending.accrue_simple(index, total, 0, whole(i[name], WAD), blocks)
        index, total = found.index, found.borrows
    balances = [lending.balance_at_index(principal, then, index) for principal, then in written]
    answers = dict(zip(("first", "second", "third"), map(share, balances), strict=False))
    answers["total"] = share(total)
    for name in ("first", "second", "third"):
        if f"repay_{name}" in i:
            answers[f"{name}_after"] = answers[name] - i[f"repay_{name}"]
            answers["total_after"] = answers["total"] - i[f"repay_{name}"]
    return answers


def grown_balance(i: Inputs, text: str) -> Any:
    """One debt after blocks at one rate."""
    principal = whole(i["principal"], WAD)
    rate = whole(i.first("rate", "rate_per_block"), WAD)
    found = lending.accrue_simple(WAD, principal, 0, rate, whole(i["blocks"]))
    balance = share(lending.balance_at_index(principal, WAD, found.index))
    return dict.fromkeys(i.asked, balance) if isinstance(i.asked, dict) else balance


def exchange(i: Inputs, text: str) -> Fraction:
    parts = (whole(i[name]) for name in ("cash", "borrows", "reserves", "supply"))
    given = [i[n] for n in ("initial", "initial_rate", "initial_exchange_rate") if n in i]
    initial = whole(given[0], WAD) if given else WAD
    return share(lending.exchange_rate(*parts, initial=initial))


def chain(i: Inputs, text: str) -> dict[str, Any]:
    """Liquidations in a row of one account, amounts in the underlying."""
    rule, rate = _rule(i), whole(i["exchange_rate"], WAD)
    tokens = (
        whole(i["collateral_tokens"]) if "collateral_tokens" in i
        else whole(i["collateral_underlying"]) * WAD // rate
    )  # fmt: skip
    reserves = {
        "collateral": ReserveTerms(
            price=scaled(i, "price_collateral", WAD, 1), exchange_rate=rate,
            liquidation_threshold=whole(i["collateral_factor"], WAD),
        ),
        "debt": ReserveTerms(price=scaled(i, "price_debt", WAD, 1)),
    }  # fmt: skip
    account = Account({"collateral": tokens}, {"debt": whole(i["debt"])})
    repays = numbers(i, "repays" if "repays" in i else "repay")
    received, debts, left = 0, [], []
    before, start = lending.liquidity(rule, reserves, account), account
    for amount in repays:
        done = lending.liquidate(
            rule, reserves, account, debt="debt", collateral="collateral", repay=whole(amount)
        )
        account, received = done.account, received + done.received
        debts.append(account.debts["debt"])
        left.append(account.collateral["collateral"] * rate // WAD)
    is_row = "repays" in i
    return {
        "debt_after": debts if is_row else debts[-1],
        "collateral_after": left if is_row else left[-1],
        "borrower_tokens": account.collateral["collateral"],
        "liquidator_tokens": received,
        "liquidity_before": before,
        "shortfall_before": max(-before, 0),
        "liquidity_after": lending.liquidity(rule, reserves, account),
        "ratio_before": _cover(reserves, start),
        "ratio_after": _cover(reserves, account),
        "health_before": _health(rule, reserves, start),
        "health_after": _health(rule, reserves, account),
        "hf_before": _health(rule, reserves, start),
        "hf_after": _health(rule, reserves, account),
    }


def _cover(reserves: dict[str, ReserveTerms], account: Account) -> Fraction | None:
    """Value of the collateral over that of the debt: health where collateral counts whole."""
    whole_value = replace(reserves["collateral"], liquidation_threshold=WAD)
    counted = {**reserves, "collateral": whole_value}
    return _health(cs.rules.compound_v2().liquidation, counted, account)


def _health(
    rule: lending.LiquidationRule, reserves: dict[str, ReserveTerms], account: Account
) -> Fraction | None:
    found = lending.health_factor(rule, reserves, account)
    return None if found is None else share(found)


def boundary(i: Inputs, text: str) -> dict[str, Any]:
    rule = cs.rules.compound_v2().liquidation
    factor = whole(i["collateral_factor"], WAD)
    reserves = {
        "c": ReserveTerms(price=WAD, liquidation_threshold=factor),
        "d": ReserveTerms(price=WAD),
    }
    account = Account({"c": whole(i["collateral"])}, {"d": whole(i["debt"])})
    left = lending.liquidity(rule, reserves, account)
    return {
        "liquidity": left,
        "shortfall": max(-left, 0),
        "liquidatable": lending.is_liquidatable(rule, reserves, account),
    }


def seize_share(i: Inputs, text: str) -> dict[str, int]:
    found = lending.split_seized(
        whole(i["seize_tokens"]), whole(i["share"], WAD), whole(i["exchange_rate"], WAD)
    )
    return dict(zip(("liquidator_tokens", "protocol_tokens", "reserves_added"), found, strict=True))


def borrow_caps(i: Inputs, text: str) -> list[bool]:
    bound, answers = cs.rules.compound_v2().borrow_cap, []
    for cap in numbers(i, "caps"):
        try:
            lending.borrowed_within(whole(i.get("borrows")), whole(i["borrow"]), whole(cap), bound)
            answers.append(True)
        except CapExceededError:
            answers.append(False)
    return answers


def penalty(i: Inputs, text: str) -> Fraction:
    amount = whole(i["liquidated"], WAD)
    seized = lending.seize_tokens(amount, whole(1 + i["penalty"], WAD), WAD, WAD, WAD)
    return share(seized - amount)


def toxic(i: Inputs, text: str) -> dict[str, Any]:
    # scaled by 10**4: loan to value over the collateral factor at which health is one
    limit = 1 / lending.toxic_threshold(i["collateral_factor"], multiplier(i["incentive"]) - 1)
    answers: dict[str, Any] = {"threshold": whole(limit, BPS)}
    if "target" in i:
        answers["toxic"] = whole(i["target"]) > whole(limit, BPS)
    return answers


def _only_offers(i: Inputs, text: str) -> bool:
    return lending_limits.has_close_factor(i, text) and "collateral_factor" not in i


COMPOUND_V2 = [
    (has("repay", "liquidation_incentive", "price_borrowed"), seize),
    (
        both(has("collateral"), lambda i, text: isinstance(i.given["collateral"], list)),
        liquidities,
    ),
    (has("base", "slope", "jump", "kink"), jump),
    (has("borrows", "rate_per_block", "blocks"), accrue),
    (has("principals", "rate1", "blocks1"), borrow_balances),
    (has("principal", "blocks"), grown_balance),
    (has("cash", "borrows", "supply"), exchange),
    (has("exchange_rate", "debt", "collateral_factor"), chain),
    (_only_offers, lambda i, text: lending_limits.offers(i, _rule(i))),
    (has("collateral", "debt", "collateral_factor"), boundary),
    (has("seize_tokens", "share"), seize_share),
    (has("borrow", "caps"), borrow_caps),
    (lending_limits.has_cap, lambda i, text: lending_limits.within_cap(i, CapBound.BELOW)),
    (has("liquidated", "penalty"), penalty),
    (has("incentive", "collateral_factor"), toxic),
]


def _asset(i: Inputs, symbol: str = "") -> CollateralAsset:
    return CollateralAsset(
        price=whole(i["price_usd"], BASE_PRICE), unit=10 ** int(i.get("asset_decimals", 18)),
        liquidation_factor=whole(i["liquidation_factor"], WAD), symbol=symbol,
    )  # fmt: skip


def quote(i: Inputs, text: str) -> int:
    return lending.quote_collateral(
        _asset(i), whole(i["base_amount"]), scaled(i, "base_price_usd", BASE_PRICE, 1),
        10 ** int(i.get("base_decimals", 6)), whole(i["store_front_factor"], WAD),
    )  # fmt: skip


def buy(i: Inputs, text: str) -> Any:
    """Purchases at one or several levels of the reserves; one that is refused is its refusal."""
    name = next((n for n in RESERVES if n in i), None)
    told = i.given[name] if name else 0
    bought: list[Any] = []
    asked = i.asked if isinstance(i.asked, list) else [i.asked]
    for place, before in enumerate(numbers(i, name) if name else [Fraction(0)]):
        try:
            bought.append(lending.buy_collateral(
                _asset(i), whole(i["base_amount"]), scaled(i, "base_price_usd", BASE_PRICE, 1),
                10 ** int(i.get("base_decimals", 6)), whole(i["store_front_factor"], WAD),
                reserves=whole(before), target_reserves=scaled(i, "target_reserves", 1, NO_LIMIT),
                holdings=scaled(i, "holdings", 1, NO_LIMIT), least=scaled(i, "min_amount", 1, 0),
            ))  # fmt: skip
        except LendingRefusedError as error:
            if not isinstance(told, list):
                raise
            text_asked = asked[place] if place < len(asked) else None
            bought.append(refusals.answer(error, text_asked if isinstance(text_asked, str) else ""))
    made = [one if isinstance(one, str) else one.collateral for one in bought]
    after = [one if isinstance(one, str) else one.reserves for one in bought]
    if not isinstance(i.asked, dict):
        return made if isinstance(told, list) else made[0]
    several = isinstance(i.asked.get("collateral"), list)
    return {
        "collateral": made if several else made[0],
        "reserves_after": after if isinstance(told, list) else after[0],
    }


def _position(
    i: Inputs, given: dict[str, Any]
) -> tuple[dict[str, CollateralAsset], dict[str, int], int]:
    factor = whole(i.get("liquidation_factor", Fraction(1)), WAD)
    count = whole(i.get("liquidate_cf", Fraction(1, 2)), WAD)
    assets, held = {}, {}
    for symbol, amount in given.get("collateral", []):
        assets[symbol] = CollateralAsset(
            price=whole(i.exact(i.given["prices"][symbol]), BASE_PRICE),
            liquidate_factor=count, liquidation_factor=factor, symbol=symbol,
        )  # fmt: skip
        held[symbol] = whole(i.exact(amount), WAD)
    return assets, held, whole(i.exact(given["debt_usdc"]), 10**6)


def absorb(i: Inputs, text: str) -> Any:
    accounts = i.given.get("accounts") or [i.given]
    reserves = scaled(i, "reserves_usdc_before", 10**6, 0)
    supply = borrowed = bad = 0
    dues: list[bool] = []
    for given in accounts:
        assets, held, debt = _position(i, given)
        if not lending.is_absorbable(assets, held, debt, BASE_PRICE, 10**6):
            borrowed += debt
            dues.append(False)
            continue
        dues.append(True)
        done = lending.absorb(assets, held, debt, BASE_PRICE, 10**6, reserves=reserves)
        reserves, supply, bad = done.reserves, supply + done.supply, bad + done.bad_debt
        borrowed += debt - done.repaid
    due = all(dues)
    if isinstance(i.asked, (bool, list)):
        return due if isinstance(i.asked, bool) else dues
    if not due and isinstance(i.asked, str):
        raise lending.NotLiquidatableError("accounts", len(accounts), "due", "NotLiquidatable")
    return {
        "reserves_usdc_after": share(reserves, 10**6),
        "user_supply_after_micro": supply,
        "total_borrow_after": borrowed,
        "bad_debt_usdc": share(bad, 10**6),
        "liquidatable": dues if isinstance(i.asked.get("liquidatable"), list) else due,
    }


def comet_curves(i: Inputs, text: str) -> dict[str, Fraction]:
    used = lending.comet_utilization(
        whole(i["total_supply_principal"]), whole(i["total_borrow_principal"]),
        whole(i["supply_index"], COMET_INDEX), whole(i["borrow_index"], COMET_INDEX),
    )  # fmt: skip
    answers = {"utilisation": share(used)}
    for side in ("supply", "borrow"):
        curve = [
            whole(i.exact(i.given[side][name]), WAD) for name in ("base", "low", "high", "kink")
        ]
        answers[f"{side}_rate"] = share(lending.comet_rates(used, *curve))
    return answers


def _is_purchase(i: Inputs, text: str) -> bool:
    return any(name in i for name in (*RESERVES, "target_reserves", "holdings", "min_amount"))


def _counts_collateral(i: Inputs, text: str) -> bool:
    return len(_columns(i)) == 3


def _columns(i: Inputs) -> list[str]:
    # value of the collateral, what it counts, and debt, in the order that the case tells
    found = []
    for told in str(i.given["columns"]).lower().split(","):
        name = next((n for n in ("factor", "cf", "debt", "borrow", "collateral") if n in told), "")
        found.append({"cf": "factor", "borrow": "debt"}.get(name, name))
    return found if set(found) == {"factor", "debt", "collateral"} else []


def due_rows(i: Inputs, text: str) -> list[bool]:
    answers = []
    for given in i.given["rows"]:
        row = dict(zip(_columns(i), (i.exact(x) for x in given), strict=True))
        asset = CollateralAsset(price=BASE_PRICE, liquidate_factor=whole(row["factor"], WAD))
        answers.append(lending.is_absorbable(
            {"c": asset}, {"c": whole(row["collateral"], WAD)}, whole(row["debt"], WAD),
            BASE_PRICE, WAD,
        ))  # fmt: skip
    return answers


PRESENT = ("present", "present_value", "balance")
PRINCIPAL = ("principal", "principals", "principal_value")


def _has_principals(i: Inputs, text: str) -> bool:
    told = any(name in i for name in (*PRESENT, *PRINCIPAL))
    return told and any(n in i for n in ("supply_index", "borrow_index", "index"))


def _index(i: Inputs, side: str) -> int:
    index = i.first(f"{side}_index", "index")
    return whole(index) if index >= COMET_INDEX else whole(index, COMET_INDEX)


def principals(i: Inputs, text: str) -> Any:
    """Principals of balances, or balances of principals; what is owed is below 0."""
    name = next(n for n in (*PRESENT, *PRINCIPAL) if n in i)
    to_principal = name in PRESENT
    supply = lending.principal_value_supply if to_principal else lending.present_value_supply
    borrow = lending.principal_value_borrow if to_principal else lending.present_value_borrow
    found = []
    for amount in numbers(i, name):
        if amount >= 0:
            found.append(supply(whole(amount), _index(i, "supply")))
        else:
            found.append(-borrow(whole(-amount), _index(i, "borrow")))
    answer = found if isinstance(i.given[name], list) else found[0]
    if isinstance(i.asked, dict):
        return dict.fromkeys(PRINCIPAL if to_principal else PRESENT, answer)
    return answer


COMET = [
    (both(has("base_amount"), _is_purchase), buy),
    (has("base_amount", "store_front_factor"), quote),
    (has("prices"), absorb),
    (has("accounts"), absorb),
    (has("debt_usdc"), absorb),
    (has("total_supply_principal", "supply_index"), comet_curves),
    (both(has("rows", "columns"), _counts_collateral), due_rows),
    (_has_principals, principals),
]
