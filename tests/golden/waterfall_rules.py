"""Adapters of the stages after the book: deleveraging, insurance fund and socialised loss."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from case import Inputs, UnsupportedError
from laws import book_waterfall

from cascade import adl, insurance, margin, socialised

ATOMS = 10**9


def _atoms(value: Fraction) -> int:
    atoms = value * ATOMS
    if atoms.denominator != 1:
        raise UnsupportedError(f"{value} is finer than an atom")
    return int(atoms)


def binance_score(i: Inputs) -> dict[str, Any]:
    wallet, profit = i["wallet_balance"], i["unrealized_pnl"]
    equity = _atoms(wallet + profit)
    columns = {
        "account": [0, 1], "size": [1, 1], "entry_value": [ATOMS, ATOMS],
        "mark_value": [ATOMS + _atoms(profit)] * 2, "equity": [equity] * 2,
        "collateral": [_atoms(wallet)] * 2,
        # a margin ratio of one leaves the first factor
        "maintenance": [_atoms(i["margin_ratio"] * (wallet + profit)), equity],
    }  # fmt: skip
    found = adl.score(adl.Columns(**columns, unit_atoms=ATOMS), "binance")
    return {"leverage_pnl": found[0], "pnl_percent": found[1]}


def _ranked(
    i: Inputs, sign: int
) -> tuple[list[Any], adl.Columns, Callable[[adl.Columns], list[Fraction]]]:
    # accounts by their place: a case may name them in any way
    rows = i.given["positions"]
    held = adl.Columns(range(len(rows)), [sign * int(i.exact(r["qty"])) for r in rows])
    return [r["account"] for r in rows], held, lambda _: [i.exact(row["score"]) for row in rows]


def ranking(i: Inputs) -> dict[str, Any]:
    names, held, scores = _ranked(i, 1)
    order = adl.queue(held, scores, lots=-1)
    fifths = adl.quintiles(held.size[order])
    return {"order": [names[k] for k in order], "percentile": (20 * fifths).tolist()}


def allocation(i: Inputs) -> dict[str, Any]:
    sign = 1 if i.given["liquidated_side"] == "short" else -1
    names, held, scores = _ranked(i, sign)
    closed = adl.allocate(held, -sign * int(i["liquidated_qty"]), scores)
    order = adl.queue(held, scores, lots=-sign)
    price = i["bankruptcy_price"]
    shown = price if price.denominator == 1 else i.given["bankruptcy_price"]
    fills = [f"{names[k]}:{closed[k]}@{shown}" for k in order if closed[k]]
    left = abs(held.size) - closed
    return {"fills": ";".join(fills)} | {
        f"remaining_account_{name}": int(q) for name, q in zip(names, left, strict=True)
    }


def at_bankruptcy_price(i: Inputs) -> dict[str, Any]:
    mark = i["oracle"]
    size, usdc = (i.exact(i.given["liquidated"][name]) for name in ("size", "usdc"))
    other, cash = (i.exact(i.given["offsetting"][name]) for name in ("size", "usdc"))
    # an account of cash and contracts is one that entered at the mark with its equity
    price = margin.bankruptcy_price(size, mark, usdc + size * mark)
    # dYdX takes counterparties in a random order
    loss = margin.pnl(other, price, mark)
    held = adl.Columns([0], [int(other)], equity=[int(cash + other * mark)])
    closed = adl.allocate(held, int(size), "random", loss_per_lot=loss / abs(other))
    at_price = [margin.Position(q, mark, price) for q in (other, size)]
    return {
        "valid": bool(closed.sum() == abs(size)),
        "offsetting_usdc_after": margin.equity(cash + other * mark, at_price[:1]),
        "liquidated_usdc_after": margin.equity(usdc + size * mark, at_price[1:]),
    }


def pool_factor(i: Inputs) -> dict[str, Any]:
    pool = margin.notional(i["pool_eth"], i["price"])
    profit = margin.pnl(i["long_size_usd"] / i["entry"], i["entry"], i["price"])
    factor, allowed = adl.pool_profit_factor(profit, pool, i["max_pnl_factor_for_adl"])
    return {"pnl": profit, "pool_value": pool, "pnl_factor": factor, "adl_enabled": allowed}


def fund_delta(i: Inputs) -> dict[str, Any]:
    size = i.exact(i.given["position"]["size"])
    ruin = margin.bankruptcy_price(size, i["oracle"], i["usdc"] + size * i["oracle"])
    proceeds, at_ruin = (margin.position_value(-i["size_delta"], p) if p > 0 else Fraction(0)
                         for p in (i["fill_price"], ruin))  # fmt: skip
    return {"insurance_fund_delta": insurance.fund_change(
        proceeds, at_ruin, i["max_liquidation_fee"])}  # fmt: skip


def fund_fee(i: Inputs) -> dict[str, Any]:
    fees = i["liquidator_fee"], i["max_if_fee"]
    if "margin_shortage" in i:
        value = margin.notional(i["base"], i["oracle"])
        rate = insurance.shrinking_fee(i["margin_shortage"], value, i["margin_ratio"], *fees)
        return {"if_fee": rate}
    value = margin.notional(i["base"], i["oracle"])
    required = i["mm_ratio"] + i["buffer_ratio"]
    entry = abs(i["quote"] / i["base"])
    left = margin.equity(i["collateral"], [margin.Position(i["base"], entry, i["oracle"])])
    needed = margin.maintenance(value, margin.MarginTerms.flat(required))
    rate = insurance.shrinking_fee(needed - left, value, required, *fees)
    return {"if_fee_paid": rate * value}


def per_base(i: Inputs) -> dict[str, Any]:
    step = Fraction(1, 10**6)
    return {"delta_per_base": socialised.loss_per_contract(
        i["loss"], i["long_oi"], i["short_oi"], step)}  # fmt: skip


def end_to_end(i: Inputs) -> dict[str, Any]:
    loss = socialised.loss_per_contract(-i["bankrupt_quote"], i["long_oi"], i["short_oi"])
    after = {}
    for side in ("long", "short"):
        base, quote = (i.exact(i.given[f"affected_{side}"][name]) for name in ("base", "quote"))
        after[f"{side}_quote_after"] = quote - margin.notional(base, loss)
    paid = margin.notional(i["long_oi"] + i["short_oi"], loss)
    return {"delta_per_base": loss, "bankrupt_quote_after": i["bankrupt_quote"] + paid} | after


def deposit_index(i: Inputs) -> dict[str, Any]:
    step = Fraction(1, 10**10)
    return {"index_delta": socialised.index_loss(i["index"], i["loss"], i["total_deposits"], step)}


def queue_or_shares(i: Inputs) -> dict[str, Any]:
    equity, profit = ([i.exact(x) for x in i.given[name]] for name in ("equity", "pnl"))
    winners = [k for k, held in enumerate(equity) if held > 0]
    won = [profit[k] for k in winners]
    budget = i["severity"] * -sum(held for held in equity if held < 0)
    taken = adl.seize(won, budget, [int(i.exact(number)) - 1 for number in i.given["queue_order"]])
    shares = adl.haircuts(won, budget)
    shared = [share * amount for share, amount in zip(shares, won, strict=True)]
    return {
        "queue_seized": taken,
        "queue_haircut": [t / w for t, w in zip(taken, won, strict=True)],
        "queue_equity": [equity[k] - t for k, t in zip(winners, taken, strict=True)],
        "prorata_h": shares[0],
        "prorata_seized": shared,
        "prorata_equity": [equity[k] - t for k, t in zip(winners, shared, strict=True)],
    }


def water_filling(i: Inputs) -> dict[str, Any]:
    held, caps, weights = (
        [i.exact(x) for x in i.given[name]] for name in ("endowment", "caps", "risk_weights")
    )
    answer: dict[str, Any] = {}
    for tail, level, pull in (("", "eta", [Fraction(1)] * len(held)), ("_rap", "tau", weights)):
        shares = adl.haircuts(held, i["budget"], caps, pull)
        answer[f"h{tail}"] = shares
        answer[f"seized{tail}"] = [e * h for e, h in zip(held, shares, strict=True)]
        answer[level] = next(h / w for h, w, c in zip(shares, pull, caps, strict=True) if h < c)
    full = adl.haircuts(held, sum(held), caps)
    answer["max_capacity"] = sum(e * h for e, h in zip(held, full, strict=True))
    return answer


def queue_regret(i: Inputs) -> dict[str, Any]:
    large = int(i["M"])

    def rounds(sizes: list[int]) -> tuple[Fraction, Fraction]:
        # the queue's order never changes; the best whole lot is the one of the larger
        held = adl.Columns([0, 1], sizes)
        by_queue = adl.allocate(held, -1, lambda _: [1, 0])
        best = adl.allocate(held, -1, "integer_min_max")
        share = adl.largest_share(held, by_queue)
        return share, i["lambda_fair"] * (share - adl.largest_share(held, best))

    odd, even = rounds([1, large]), rounds([large, 1])
    played = [odd if k % 2 == 0 else even for k in range(int(i["T"]))]
    return {
        "per_round_odd": odd[0],
        "per_round_even": even[0],
        "regret": sum(regret for _, regret in played),
    }


def best_fund(i: Inputs) -> dict[str, Any]:
    cost, penalty = float(i["r"]), float(i["kappa"])
    thin = insurance.exponential_fund(float(i["mu"]), cost, penalty)
    fat = insurance.pareto_fund(float(i["x_m"]), float(i["a"]), cost, penalty)
    names = ("IF_exponential", "expected_uncovered_exponential", "IF_pareto",
             "expected_uncovered_pareto")  # fmt: skip
    return dict(zip(names, (*thin, *fat), strict=True))


def order_book_with_winners(i: Inputs) -> dict[str, Any]:
    base = i.of_case(str(i.given.get("base", "G01"))) or book_waterfall.FEED
    feed = base | {name: one for name, one in i.plain().items() if name in base}
    # atoms of 1e-11: whole ones round a share by less than the tolerance
    story = book_waterfall.sell_into_bids(feed, 11, surplus="trader", socialised="gains")
    winners = ["S1", "S2", "EXT"]
    taken = story["socialised"]
    losses = story["losses"]
    residual = Fraction(losses.atoms["socialised"] + losses.atoms["bad_debt"], 10**11)
    profit = [Fraction(str(round(story["pnl"][n] + taken[n], 9))) for n in winners]
    first = adl.seize(profit, residual, [0, 1, 2])
    return {
        "A_returned": story["returned"]["A"],
        "B_returned": story["returned"]["B"],
        "fund_final": story["fund"],
        "residual": residual,
        "winner_pnl": dict(zip(winners, profit, strict=True)),
        "haircut": sum(Fraction(str(taken[n])) for n in winners) / sum(profit),
        "seized": taken,
        "queue_S1_first": {n: t for n, t in zip(winners, first, strict=True) if t},
    }


RULES: dict[str, Callable[[Inputs], Any]] = {
    "adl.score": binance_score,
    "adl.ranking": ranking,
    "adl.allocation": allocation,
    "adl.at_bankruptcy_price": at_bankruptcy_price,
    "adl.pool_pnl_factor": pool_factor,
    "insurance_fund.delta": fund_delta,
    "insurance_fund.fee": fund_fee,
    "socialised_loss.per_base": per_base,
    "socialised_loss.end_to_end": end_to_end,
    "socialised_loss.deposit_index": deposit_index,
    "G02": order_book_with_winners,
    "K01": queue_or_shares,
    "K03": water_filling,
    "K04": queue_regret,
    "K07": best_fund,
}
