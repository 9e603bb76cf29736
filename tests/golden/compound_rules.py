"""Adapters of Compound v2 and Comet cases: calls of `cascade.lending` with mantissas of 10**18."""

import re
from fractions import Fraction
from typing import Any

from case import Inputs
from lending_units import WAD, asks, both, has, multiplier, numbers, scaled, share, whole

import cascade as cs
from cascade import lending
from cascade.lending import Account, CapExceededError, CollateralAsset, ReserveTerms

BPS = 10**4
BASE_PRICE = 10**8
COMET_INDEX = 10**15
#: Where a case does not say how much the protocol holds or wants, there is no limit.
NO_LIMIT = 10**60


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
        "liquidity_after": lending.liquidity(rule, reserves, account),
    }


def boundary(i: Inputs, text: str) -> dict[str, Any]:
    rule = cs.rules.compound_v2().liquidation
    factor = whole(i["collateral_factor"], WAD)
    reserves = {
        "c": ReserveTerms(price=WAD, liquidation_threshold=factor),
        "d": ReserveTerms(price=WAD),
    }
    account = Account({"c": whole(i["collateral"])}, {"d": whole(i["debt"])})
    return {
        "liquidity": lending.liquidity(rule, reserves, account),
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
    (has("collateral", "debt", "collateral_factor"), boundary),
    (has("seize_tokens", "share"), seize_share),
    (has("borrow", "caps"), borrow_caps),
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


def buy(i: Inputs, text: str) -> dict[str, Any]:
    given = i.given["reserves_before"]
    bought = [
        lending.buy_collateral(
            _asset(i), whole(i["base_amount"]), scaled(i, "base_price_usd", BASE_PRICE, 1),
            10 ** int(i.get("base_decimals", 6)), whole(i["store_front_factor"], WAD),
            reserves=whole(reserves), target_reserves=scaled(i, "target_reserves", 1, NO_LIMIT),
            holdings=scaled(i, "holdings", 1, NO_LIMIT),
        )
        for reserves in numbers(i, "reserves_before")
    ]  # fmt: skip
    after = [purchase.reserves for purchase in bought]
    return {
        "collateral": bought[0].collateral,
        "reserves_after": after if isinstance(given, list) else after[0],
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


def absorb(i: Inputs, text: str) -> dict[str, Any]:
    accounts = i.given.get("accounts") or [i.given]
    reserves = scaled(i, "reserves_usdc_before", 10**6, 0)
    supply = borrowed = bad = 0
    due = True
    for given in accounts:
        assets, held, debt = _position(i, given)
        due = due and lending.is_absorbable(assets, held, debt, BASE_PRICE, 10**6)
        done = lending.absorb(assets, held, debt, BASE_PRICE, 10**6, reserves=reserves)
        reserves, supply, bad = done.reserves, supply + done.supply, bad + done.bad_debt
        borrowed += debt - done.repaid
    return {
        "reserves_usdc_after": share(reserves, 10**6),
        "user_supply_after_micro": supply,
        "total_borrow_after": borrowed,
        "bad_debt_usdc": share(bad, 10**6),
        "liquidatable": due,
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


COMET = [
    (both(has("base_amount", "reserves_before"), asks("collateral")), buy),
    (has("base_amount", "store_front_factor"), quote),
    (has("prices"), absorb),
    (has("accounts"), absorb),
    (has("debt_usdc"), absorb),
    (has("total_supply_principal", "supply_index"), comet_curves),
]
