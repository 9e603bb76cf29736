"""Adapters of the liquidation rules: inputs translated to calls of `cascade.partial` and `closeout`."""

from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Any

from case import Inputs, UnsupportedError

from cascade import closeout, margin, partial

QUANTUM = Fraction(1, 10**6)  # dYdX settles in millionths of a USDC
# PerpMarket.order_step_size of Drift's tests is 10,000,000 in units of 1e-9
DRIFT_STEP = Fraction(1, 100)


def _by_market(i: Inputs, name: str, markets: Iterable[str]) -> dict[str, Fraction]:
    # one number for all, or one a market
    given = i.given[name]
    if isinstance(given, dict):
        return {market: i.exact(given[market]) for market in markets}
    return dict.fromkeys(markets, i[name])


def _account(i: Inputs) -> closeout.CrossAccount:
    positions, oracle = i.given["positions"], i.given["oracle"]
    sizes = {row["market"]: i.exact(row["size"]) for row in positions}
    return closeout.CrossAccount(
        i["usdc"],
        sizes,
        {market: i.exact(price) for market, price in oracle.items()},
        _by_market(i, "mmf", sizes),
    )


def bankruptcy_quote(i: Inputs) -> dict[str, Any]:
    quote = closeout.bankruptcy_quote(
        _account(i), i.given["close_market"], i["size_delta"], QUANTUM
    )
    return {"bankruptcy_quote": quote}


def fillable_price(i: Inputs) -> dict[str, Any]:
    price = closeout.fillable_price(
        _account(i), i.given["market"], i["spread_to_mm_ratio"], i.get("bankruptcy_adjustment", 1)
    )
    return {"fillable_price": price}


def backstop_threshold(i: Inputs) -> dict[str, Any]:
    rate = i["mm_rate"] if "mm_rate" in i else 1 / (2 * i["max_leverage"])
    needed = margin.maintenance(i["notional"], margin.MarginTerms.flat(rate))
    return {"maintenance_margin": needed, "backstop_equity": closeout.backstop_equity(needed)}


def largest_spread(i: Inputs) -> dict[str, Any]:
    widest, covered = closeout.largest_spread(i["smmr"], i["mmf"], i.get("affordable_spread"))
    return {"max_spread": widest, "insurance_covers": covered}


def partial_size(i: Inputs) -> dict[str, Any]:
    if "margin_shortage" in i:
        size = partial.size_to_cover(
            i["margin_shortage"], i["oracle"], i["margin_ratio"], i.get("liquidator_fee"),
            i.get("if_fee"), quote_price=i.get("quote_oracle", 1),
        )  # fmt: skip
        return {"base_to_close": size}
    least, most = partial.liquidatable_notional(i["notional"], i["min_notional"], i["max_portion"])
    return {"min_liquidatable": least, "max_liquidatable": most}


def block_limit(i: Inputs) -> dict[str, Any]:
    return {
        f"remaining_{kind}": partial.remaining_in_block(i[f"limit_{kind}"], i[f"used_{kind}"])
        for kind in ("notional", "insurance")
        if f"limit_{kind}" in i
    }


def queue_order(i: Inputs) -> dict[str, Any]:
    waiting = [
        closeout.Candidate(
            row["id"],
            i.exact(row["price"]),
            i.exact(row["oracle"]) if "oracle" in row else i["oracle"],
            i.exact(row["notional"]),
        )
        for row in i.given["orders"]
    ]
    return {"order": [row.name for row in closeout.liquidation_order(waiting)]}


def open_interest_scaled(i: Inputs) -> dict[str, Any]:
    rate = closeout.initial_rate_by_open_interest(
        int(i["base_imf_ppm"]), i["oi_lower"], i["oi_upper"], i["open_notional"]
    )
    return {"imf_ppm": rate}


def fraction_of_initial(i: Inputs) -> dict[str, Any]:
    rate = closeout.maintenance_of_initial(int(i["imf_ppm"]), int(i["maintenance_fraction_ppm"]))
    return {"mmf_ppm": rate}


def fee_ramp(i: Inputs) -> dict[str, Any]:
    fee = closeout.ramped_fee(
        i["base_fee"], i["max_fee"], i["slots_elapsed"], i["grace_slots"], i["increase_per_slot"]
    )
    return {"fee": fee}


def _terms(i: Inputs) -> closeout.TransferTerms:
    return closeout.TransferTerms(
        ratio=i["mm_ratio"],
        buffer=i.get("buffer_ratio"),
        liquidator_fee=i["liquidator_fee"],
        insurance_cap=i.first("max_if_fee", "if_fee"),
        initial=i.get("initial_pct", 1),
        duration=i.get("duration", 150),
        step=i.get("step", DRIFT_STEP),
    )


def _covered(i: Inputs) -> closeout.Transfer:
    return closeout.transfer_to_cover(
        i["base"], i["quote"], i.get("collateral"), i["oracle"], _terms(i), i.get("slots_elapsed")
    )


def insurance_fee(i: Inputs) -> dict[str, Any]:
    if "margin_shortage" in i:
        fee = closeout.insurance_fee_rate(
            i["margin_shortage"], i["base"], i["oracle"], i["margin_ratio"], i["liquidator_fee"],
            i["max_if_fee"], quote_price=i.get("quote_oracle", 1),
        )  # fmt: skip
        return {"if_fee": fee}
    return {"if_fee_paid": _covered(i).insurance}


def _transferred(i: Inputs, done: closeout.Transfer) -> dict[str, Any]:
    answers: dict[str, Any] = {
        "base_closed": done.closed,
        "user_base_after": done.size,
        "base_after": done.size,
        "user_quote_after": done.quote,
        "user_entry_quote_after": done.entry_quote,
        "liquidator_quote": done.liquidator_quote,
        "if_fee_paid": done.insurance,
    }
    if done.size:
        equity = i.get("collateral") + done.quote + done.size * i["oracle"]
        answers["margin_ratio_after"] = equity / margin.notional(done.size, i["oracle"])
    return answers


def transferred(i: Inputs) -> dict[str, Any]:
    if "mm_ratio" in i:
        return _transferred(i, _covered(i))
    done = closeout.transfer(
        i["base"], i["quote"], i.get("base_closed", abs(i["base"])), i["oracle"],
        i["liquidator_fee"],
    )  # fmt: skip
    if i.get("collateral") + i["quote"] + i["base"] * i["oracle"] > 0:
        raise UnsupportedError("the fund's fee of a solvent account needs mm_ratio and max_if_fee")
    return _transferred(i, done)


def covered(i: Inputs) -> dict[str, Any]:
    return _transferred(i, _covered(i))


def margin_freed(i: Inputs) -> dict[str, Any]:
    done = _covered(i)
    freed = closeout.margin_freed(
        i["base"], i["quote"], i.get("collateral"), i["oracle"], _terms(i), done
    )
    return {**_transferred(i, done), "margin_freed": freed}


def coin_collateral(i: Inputs) -> dict[str, Any]:
    coins = next(
        (i[name] for name in ("collateral_eth", "collateral_btc", "collateral") if name in i), None
    )
    if coins is None:
        raise UnsupportedError("collateral in the asset is missing")
    prices = i.given["prices"] if "prices" in i.given else [i.given["price"]]
    left = [
        closeout.remaining_collateral(
            i["size_usd"], i["entry"], i.exact(price), coins * i.exact(price), i.get("fees"),
            i.get("price_impact"), long=i.sign() > 0,
        )
        for price in prices
    ]  # fmt: skip
    small = [
        closeout.is_remaining_too_small(
            amount, i["size_usd"], i["min_collateral_factor"], i.get("min_usd")
        )
        for amount in left
    ]
    return {
        "remaining_collateral": left,
        "liquidatable": ",".join("yes" if answer else "no" for answer in small),
    }


RULES: dict[str, Callable[[Inputs], Any]] = {
    "bankruptcy_price.cross.pro_rata_tnc": bankruptcy_quote,
    "liquidation.order_limit_price": fillable_price,
    "liquidation.max_spread": largest_spread,
    "liquidation.backstop_threshold": backstop_threshold,
    "liquidation.partial.size": partial_size,
    "liquidation.partial.end_to_end": covered,
    "liquidation.margin_freed": margin_freed,
    "liquidation.transfer": transferred,
    "liquidation.block_limit": block_limit,
    "liquidation.queue_order": queue_order,
    "liquidation.fee_ramp": fee_ramp,
    "liquidation.check.coin_collateral": coin_collateral,
    "insurance_fund.fee": insurance_fee,
    "margin.initial.open_interest_scaled": open_interest_scaled,
    "margin.maintenance.fraction_of_initial": fraction_of_initial,
}
