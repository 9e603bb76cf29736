"""Adapters of the perpetual-futures rules: calls of `cascade.margin` and `cascade.funding`."""

from collections.abc import Callable
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

from case import Inputs

from cascade import funding, margin

BACKINGS = (
    "wallet_balance", "margin", "margin_btc", "wallet_balance_btc", "account_balance_btc",
    "position_margin",
)  # fmt: skip
KUCOIN_PRICE_CAP = 1_000_000  # KuCoin Futures reports no price above it


def _terms(i: Inputs, **more: Any) -> margin.MarginTerms:
    rate = i.first("mmr", "mm_rate", "mmf", "l", "mm_ratio")
    names = ("maint_amount", "mm_deduction", "cum", "maint_amount_btc")
    deduction = next((i[name] for name in names if name in i), 0)
    return margin.MarginTerms.flat(rate, deduction, **more)


def _size(i: Inputs) -> Fraction:
    for name in ("qty", "contracts", "contracts_usd", "size", "base"):
        if name in i:
            return i.sign() * abs(i[name])
    return Fraction(i.sign())


def _collateral(i: Inputs, contract: str = "linear") -> Fraction:
    for name in BACKINGS:
        if name in i:
            return i[name]
    return margin.isolated_margin(
        _size(i), i.first("entry", "price"), i["leverage"], contract=contract
    )


def linear_tiered(i: Inputs) -> dict[str, Any]:
    price = margin.liquidation_price(_size(i), i["entry"], _collateral(i), _terms(i))
    return {"liq_price": price}


def _position(given: dict[str, Any]) -> margin.Position:
    i = Inputs(given)
    size = _size(i) if "side" in i else i.first("size", "qty")
    mark = i.first("mark", "price")
    return margin.Position(size, i.get("entry", mark), mark, _terms(i))


def linear_cross(i: Inputs) -> dict[str, Any]:
    target = Inputs({"side": i.given.get("side"), **i.given["target"]})
    others = [_position(other) for other in i.given.get("others", [])]
    price = margin.liquidation_price(
        _size(target), target["entry"], i["wallet_balance"], _terms(target),
        mark=target.get("mark", None), others=others,
    )  # fmt: skip
    return {"liq_price": price}


def linear_cross_from_equity(i: Inputs) -> dict[str, Any]:
    others = [_position(other) for other in i.given.get("others", [])]
    # equity counts all PnL so far, so the position enters at the price it is told at
    price = margin.liquidation_price(i["size"], i["price"], i["equity"], _terms(i), others=others)
    return {"other_mmr": sum(other.maintenance for other in others), "liq_price": price}


def recurrence(i: Inputs) -> dict[str, Any]:
    if "levels_after_5" in i:
        first, rows = i.given["level5"], i.given["levels_after_5"]
        start = i.exact(first["maint_amount"])
        floors = [i.exact(row["floor"]) for row in rows]
        rates = [i.exact(row["mmr"]) for row in (first, *rows)]
    else:
        start, floors, rates = i["prev_maint_amount"], [i["floor"]], [i["prev_mmr"], i["mmr"]]
    below = floors[0] - 1
    return {"maint_amount": margin.deductions([below, *floors], rates, start)[-1]}


def multi_liability(i: Inputs) -> dict[str, Any]:
    totals = {"initial_margin": Fraction(0), "maintenance_margin": Fraction(0),
              "maintenance_margin_fast": Fraction(0)}  # fmt: skip
    for row in i.given["liabilities"]:
        value = margin.notional(row["amount"], row["price"])
        floors = [0, *row["edges"][:-1]]
        mm = list(zip(floors, row["mm"], strict=True))
        im = list(zip(floors, row["im"], strict=True))
        totals["initial_margin"] += margin.sliced_margin(value, im)
        totals["maintenance_margin"] += margin.sliced_margin(value, mm)
        totals["maintenance_margin_fast"] += margin.maintenance(value, margin.MarginTerms(mm))
    return totals


def funding_linear(i: Inputs) -> dict[str, Any]:
    held = i.get("time_in_ratio", 1)
    return {"cash_flow": margin.funding_payment(_size(i), i["mark"], i["funding_rate"], held=held)}


def _time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def funding_accumulated(i: Inputs) -> dict[str, Any]:
    opened, closed = _time(i.given["opened"]), _time(i.given["closed"])
    rows = [
        (_time(row["t"]), i.exact(row["mark_open"]), i.exact(row["rate"]))
        for row in i.given["settlements"]
    ]
    return {"cash_flow": funding.settled(_size(i), opened, closed, rows)}


def linear_with_fee(i: Inputs) -> dict[str, Any]:
    size, entry = _size(i), i.first("entry", "price")
    terms = _terms(i, close_fee=i["taker_fee"])
    if "margin" in i:
        return {"liq_price": margin.liquidation_price(size, entry, i["margin"], terms)}
    backing = margin.isolated_margin(size, entry, i["leverage"], i["taker_fee"])
    return {
        "open_value": margin.notional(size, entry),
        "position_margin": backing,
        "liq_price": margin.liquidation_price(size, entry, backing, terms),
    }


def linear_at_entry(i: Inputs) -> dict[str, Any]:
    size, entry = _size(i), i["entry"]
    value = margin.notional(size, entry)
    terms = _terms(i, basis="entry")
    initial = margin.initial_margin(value, i["leverage"])
    backing = initial + i.get("extra_margin")
    return {
        "initial_margin": initial,
        "maintenance_margin": margin.maintenance(value, terms),
        "liq_price": margin.liquidation_price(size, entry, backing, terms),
    }


def linear_at_mark(i: Inputs) -> dict[str, Any]:
    if "raw_usd" not in i:
        size, price = _size(i), i.first("price", "mark", "entry")
        if "margin_available" in i:
            # what is available is above the maintenance needed now
            needed = margin.maintenance(margin.notional(size, price), _terms(i))
            backing = i["margin_available"] + needed
        else:
            backing = _collateral(i)
        return {"liq_price": margin.liquidation_price(size, price, backing, _terms(i))}
    size, mark = i.sign() * abs(i["szi"]), i["mark"]
    # raw USD is collateral less what was paid for the position: equity is raw + size * mark
    backing = i["raw_usd"] + margin.position_value(size, mark)
    return {
        "position_value": margin.notional(size, mark),
        "margin_used": backing,
        "unrealized_pnl": margin.pnl(size, i["entry"], mark),
        "liq_price": margin.liquidation_price(size, mark, backing, _terms(i)),
    }


def linear_bankruptcy(i: Inputs) -> dict[str, Any]:
    return {"bankruptcy_price": margin.bankruptcy_price(_size(i), i["entry"], _collateral(i))}


def linear_bankruptcy_with_wallet(i: Inputs) -> dict[str, Any]:
    backing = i["position_margin"] + i["wallet_balance"]
    return {"bankruptcy_price": margin.bankruptcy_price(_size(i), i["entry"], backing)}


def inverse_cross_tiered(i: Inputs) -> dict[str, Any]:
    price = margin.liquidation_price(
        _size(i), i["entry"], _collateral(i), _terms(i), contract="inverse",
        multiplier=i.get("contract_multiplier_usd", 1),
    )  # fmt: skip
    return {"liq_price": price}


def inverse_cross_with_fee(i: Inputs) -> dict[str, Any]:
    size, entry = _size(i), i["entry"]
    backing = _collateral(i) - i.get("order_margin")
    terms = _terms(i, basis="entry", close_fee=i["taker_fee"], close_fee_basis="bankruptcy")
    worst = margin.bankruptcy_price(
        size, entry, backing, close_fee=i["taker_fee"], contract="inverse"
    )
    price = margin.liquidation_price(size, entry, backing, terms, contract="inverse")
    return _on_grid(i, size, {"bankruptcy_price": worst, "liq_price": price})


def _on_grid(i: Inputs, size: Fraction, prices: dict[str, Any]) -> dict[str, Any]:
    answers = dict(prices)
    for name, price in prices.items():
        answers[f"{name}_raw"] = price
        if "tick" in i and price is not None:
            answers[f"{name}_tick"] = margin.to_tick(price, i["tick"], size)
    return answers


def inverse_at_entry(i: Inputs) -> dict[str, Any]:
    size, entry = _size(i), i["entry"]
    backing = _collateral(i, "inverse") + i.get("extra_margin")
    worst = margin.bankruptcy_price(size, entry, backing, contract="inverse")
    terms = _terms(i, basis="entry")
    price = margin.liquidation_price(size, entry, backing, terms, contract="inverse")
    return _on_grid(i, size, {"bankruptcy_price": worst, "liq_price": price})


def inverse_at_mark(i: Inputs) -> dict[str, Any]:
    size, entry = _size(i), i["entry"]
    value = margin.notional(size, entry, "inverse")
    backing = _collateral(i, "inverse")
    return {
        "position_value_btc": value,
        "initial_margin_btc": margin.initial_margin(value, rate=i["im_rate"], leverage=10**12)
        if "im_rate" in i else None,
        "maintenance_margin_btc": margin.maintenance(value, _terms(i)),
        "liq_price": margin.liquidation_price(size, entry, backing, _terms(i), contract="inverse"),
        "ioc_limit_price": margin.bankruptcy_price(size, entry, backing, contract="inverse"),
    }  # fmt: skip


def average_entry(i: Inputs) -> dict[str, Any]:
    fills = [(i.exact(fill["qty"]), i.exact(fill["price"])) for fill in i.given["fills"]]
    price = margin.average_entry(fills, "inverse")
    size = sum(fill[0] for fill in fills)
    return {"contract_value_btc": margin.notional(size, price, "inverse"), "avg_entry": price}


def inverse_value(i: Inputs) -> dict[str, Any]:
    return {"entry_value_xbt": margin.notional(i["contracts"], i["price"], "inverse")}


def funding_inverse(i: Inputs) -> dict[str, Any]:
    if "funding_rate" in i:
        rate = i["funding_rate"]
    else:
        rate = funding.interest_rate(
            i["quote_rate_daily"], i["base_rate_daily"], i["settlements_per_day"]
        )
    flow = margin.funding_payment(_size(i), i["mark"], rate, contract="inverse")
    # the amount is what a long of that size pays
    amount = -margin.funding_payment(abs(_size(i)), i["mark"], rate, contract="inverse")
    return {"funding_rate": rate, "funding_amount_xbt": amount, "cash_flow_xbt": flow}


def inverse_pnl(i: Inputs) -> dict[str, Any]:
    size, entry = _size(i), i["entry"]
    if "exits" in i:
        coins = [i["collateral_btc"] + margin.pnl(size, entry, i.exact(p), "inverse")
                 for p in i.given["exits"]]  # fmt: skip
        dollars = [c * i.exact(p) for c, p in zip(coins, i.given["exits"], strict=True)]
        return {"collateral_btc_after": coins, "collateral_usd_after": dollars}
    profit = margin.pnl(size, entry, i["exit"], "inverse")
    total = profit - i.get("funding_paid_xbt")
    return {"pnl_btc": profit, "pnl_xbt": profit, "total_xbt": total}


def inverse_initial(i: Inputs) -> dict[str, Any]:
    if "target_value_xbt" in i:
        contracts = i["target_value_xbt"] * i["price"]
        value = margin.notional(contracts, i["price"], "inverse")
        return {"contracts": contracts,
                "initial_margin_xbt": margin.initial_margin(value, i["leverage"])}  # fmt: skip
    value = margin.notional(i["contracts"], i["price"], "inverse")
    # the rate is taken of the notional over leverage
    part = margin.initial_margin(value, i.get("leverage", 1))
    return {"initial_margin_btc": margin.maintenance(part, margin.MarginTerms.flat(i["im_rate"]))}


def inverse_maintenance(i: Inputs) -> dict[str, Any]:
    value = margin.notional(i["contracts"], i["price"], "inverse")
    return {"maintenance_margin_btc": margin.maintenance(value, _terms(i))}


def flat_maintenance(i: Inputs) -> dict[str, Any]:
    amount = margin.maintenance(i.first("position_btc", "total_notional", "notional"), _terms(i))
    return {"maintenance_margin": amount, "maintenance_margin_btc": amount}


def initial(i: Inputs) -> dict[str, Any]:
    return {"margin_used": margin.initial_margin(i["notional"], i["leverage"])}


def netted_maintenance(i: Inputs) -> dict[str, Any]:
    longs = sum(i.exact(size) for size in i.given["longs"])
    shorts = sum(i.exact(size) for size in i.given["shorts"])
    amounts = [
        margin.maintenance(margin.notional(size, i["price"]), _terms(i))
        for size in (longs - shorts, longs + shorts)
    ]
    return {"maintenance_margin": amounts[0], "gross_would_be": amounts[1]}


def linear_in_size(i: Inputs) -> dict[str, Any]:
    value = margin.notional(i["size"], i["index_price"])
    answers: dict[str, Any] = {}
    for kind, name in (("im", "initial_margin"), ("mm", "maintenance_margin")):
        if f"{kind}_base" in i:
            rate = margin.size_linear_rate(i[f"{kind}_base"], i[f"{kind}_per_coin"], i["size"])
            answers[f"{kind}_rate"] = rate
            answers[name] = margin.maintenance(value, margin.MarginTerms.flat(rate))
    return answers


def return_on_equity(i: Inputs) -> dict[str, Any]:
    value = margin.notional(i["size"], i["entry"])
    return {"roe": margin.return_on_equity(i["unrealized_pnl"], value, i["leverage"])}


def partial_close(i: Inputs) -> dict[str, Any]:
    closed = i["closed_size"]
    return {
        "closed_pnl": margin.pnl(i.sign() * closed, i["entry"], i["exit"]),
        "remaining": i["start_position"] - closed,
    }


def margin_check(i: Inputs) -> dict[str, Any]:
    position = margin.Position(i["size"], i["entry"], i["price"], _terms(i))
    return {
        "mmr_at_entry": margin.maintenance(margin.notional(i["size"], i["entry"]), _terms(i)),
        "pnl": position.unrealised,
        "equity": margin.equity(i["deposit"], [position]),
        "liquidatable": margin.is_liquidatable(i["deposit"], [position]),
    }


def linear_equity(i: Inputs) -> dict[str, Any]:
    # a notional is as many units at a price of one
    position = margin.Position(i.sign() * i["notional"], 1, 1 - i["price_drop"])
    left = margin.equity(i["collateral"], [position])
    return {"equity": left, "leverage_on_initial_notional": i["notional"] / left if left else None}


def inverse_short_position(i: Inputs) -> dict[str, Any]:
    size, entry, mark = _size(i), i["avg_entry"], i["mark"]
    cost = margin.notional(size, entry, "inverse")
    profit = margin.pnl(size, entry, mark, "inverse")
    terms = margin.MarginTerms.flat(i["mm_rate"], -i.get("close_fee"), basis="entry")
    price = margin.liquidation_price(size, entry, i["position_margin"], terms, contract="inverse")
    return {
        "position_cost": cost,
        "mark_value": margin.notional(size, mark, "inverse"),
        "unrealised_pnl": profit,
        "margin_after_pnl": i["position_margin"] + profit,
        "maintenance": margin.maintenance(cost, terms),
        "roe": margin.return_on_equity(profit, cost),
        "liq_price_cap": KUCOIN_PRICE_CAP if price is None else min(price, KUCOIN_PRICE_CAP),
    }


RULES: dict[str, Callable[[Inputs], Any]] = {
    "liq_price.linear.isolated.tiered": linear_tiered,
    "liq_price.linear.isolated.with_taker_fee": linear_with_fee,
    "liq_price.linear.isolated.mm_at_entry": linear_at_entry,
    "liq_price.linear.isolated.mm_at_mark": linear_at_mark,
    "liq_price.linear.cross.tiered.multi_position": linear_cross,
    "liq_price.linear.cross.multi_position": linear_cross_from_equity,
    "liq_price.inverse.isolated.mm_at_entry": inverse_at_entry,
    "liq_price.inverse.isolated.mm_at_mark": inverse_at_mark,
    "liq_price.inverse.cross.tiered": inverse_cross_tiered,
    "liq_price.inverse.cross.with_close_fee": inverse_cross_with_fee,
    "bankruptcy_price.linear.isolated": linear_bankruptcy,
    "bankruptcy_price.linear.with_wallet": linear_bankruptcy_with_wallet,
    "tiers.maintenance_amount_recurrence": recurrence,
    "tiers.multi_liability": multi_liability,
    "margin.initial": initial,
    "margin.initial.inverse": inverse_initial,
    "margin.maintenance.inverse": inverse_maintenance,
    "margin.maintenance.flat": flat_maintenance,
    "margin.maintenance.cross": flat_maintenance,
    "margin.maintenance.net_of_hedge": netted_maintenance,
    "margin.linear_in_size": linear_in_size,
    "margin.check": margin_check,
    "equity.linear": linear_equity,
    "avg_entry.inverse": average_entry,
    "position_value.inverse": inverse_value,
    "position.inverse.short": inverse_short_position,
    "pnl.inverse": inverse_pnl,
    "pnl.inverse.with_funding": inverse_pnl,
    "pnl.linear.partial_close": partial_close,
    "pnl.return_on_equity": return_on_equity,
    "funding.payment.linear": funding_linear,
    "funding.payment.time_weighted": funding_linear,
    "funding.payment.inverse": funding_inverse,
    "funding.accumulation": funding_accumulated,
}
