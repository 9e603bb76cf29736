"""Adapters of collateral auctions, and which adapter a case of auctions, troves or bands has.

A case is recognised by its protocol and the names of its inputs.
"""

import re
from collections.abc import Callable
from typing import Any

import band_rules
import trove_rules
from case import Inputs, UnsupportedError
from contract_integers import all_of, like_list, of, scaled, shown
from protocols import protocol_of, words_of

from cascade.lending import auction_prices, auctions
from cascade.lending.wad import RAD, RAY, WAD, RefusalError

Adapter = Callable[[Inputs], Any]


def maker_bark(i: Inputs) -> Any:
    rate, chop = of(i, "rate", RAY, RAY), of(i, "chop", WAD, WAD)
    if "spot" in i:
        spot = of(i, "spot", RAY)
    elif "price" in i:
        ratio = of(i, "liquidation_ratio", RAY, RAY)
        spot = auctions.liquidation_price_ray(of(i, "price"), ratio)
    else:
        spot = 1
    hole = of(i, "hole", RAD, 10**9 * RAD)
    common = of(i, "Hole", RAD, max(hole, 10**9 * RAD))
    dirt = of(i, "dirt", RAD, 0)
    if "first_vault_tab" in i:
        dirt += of(i, "first_vault_tab", RAD)
    # a vault that fills the limit alone stands where none is told
    debt = of(i, "art", WAD, hole * WAD // RAY // chop)
    collateral = of(i, "ink", WAD, WAD)
    try:
        # dog.sol looks at the vault before it looks at the room
        if not auctions.is_unsafe(collateral, debt, rate, spot):
            raise RefusalError("not-unsafe", "the vault is covered")
        room = auctions.room(common, of(i, "Dirt", RAD, dirt), hole, dirt)
        done = auctions.bark(
            collateral, debt, rate_ray=rate, spot_ray=spot, chop_wad=chop,
            dust_rad=of(i, "dust", RAD, 0), room_rad=room,
        )  # fmt: skip
    except RefusalError as refusal:
        return refusal.reason
    asked = i.asked if isinstance(i.asked, dict) else {}
    after = dirt + done.tab_rad
    rads = {"tab": done.tab_rad, "tab_rad": done.tab_rad, "due": done.due_rad, "dirt": after}
    wads = {"lot": done.collateral_wad, "ink_left": done.collateral_left_wad,
            "art_left": done.debt_left_wad, "dart": done.debt_wad,
            "dink": done.collateral_wad}  # fmt: skip
    return {
        **shown(asked, rads, RAD),
        **shown(asked, wads, WAD),
        "exceeds_hole": after > min(hole, common),
        "within_hole": after <= min(hole, common),
    }


def _bids(i: Inputs) -> tuple[list[int], list[int]]:
    """Amounts and prices of bids: rows of both, or amounts at one price or at that of a time."""
    if "bids" in i:
        rows = [(b["amt"], b["price"]) if isinstance(b, dict) else b for b in i.given["bids"]]
        return [scaled(i, b[0], WAD) for b in rows], [scaled(i, b[1], RAY) for b in rows]
    amounts = all_of(i, "amts" if "amts" in i else "amt")
    if "top" not in i:
        return amounts, all_of(i, "prices" if "prices" in i else "price", RAY)
    curve, top = _price_curve(i), of(i, "top", RAY)
    return amounts, [curve.price(top, int(i.exact(second))) for second in _seconds(i)]


def maker_take(i: Inputs) -> Any:
    lot, tab = of(i, "lot"), of(i, "tab", RAD)
    amounts, prices = _bids(i)
    prices = prices if len(prices) == len(amounts) else prices * len(amounts)
    chost = of(i, "chost", RAD, 0)
    most = of(i, "max", RAY) if "max" in i else None
    results, paid, bought, returned, lost = [], 0, 0, 0, 0
    for price, wanted in zip(prices, amounts, strict=True):
        try:
            if lot == 0 or tab == 0:
                raise RefusalError("not-running-auction", "it is over")
            bid = auctions.take(lot, tab, price, wanted, chost, most)
        except RefusalError as refusal:
            results.append(refusal.reason)
            continue
        lot, tab = bid.lot_wad, bid.tab_rad
        paid += bid.paid_rad
        bought += bid.bought_wad
        returned += bid.returned_wad
        lost += bid.uncollected_rad
        results.append("ok")
    if isinstance(i.asked, str):
        return results[-1]
    asked = i.asked
    return {
        **shown(asked, {"paid": paid, "tab_left": tab, "bad_debt": lost, "uncollected": lost}, RAD),
        **shown(asked, {"bought": bought, "returned": returned, "lot_left": lot}, WAD),
        **dict(zip(("first", "second", "third", "fourth"), results, strict=False)),
        "active": lot > 0,
    }


def _price_curve(i: Inputs) -> auction_prices.AuctionPrice:
    if "tau" in i:
        return auction_prices.LinearDecrease(int(i["tau"]))
    if "step" in i:
        return auction_prices.StairstepDecrease(of(i, "cut", RAY), int(i["step"]))
    return auction_prices.ExponentialDecrease(of(i, "cut", RAY))


def maker_price(i: Inputs) -> Any:
    curve, top = _price_curve(i), of(i, "top", RAY)
    prices = [curve.price(top, int(i.exact(s))) for s in _seconds(i)]
    return shown(i.asked, like_list(i, "seconds", prices), RAY)


def _seconds(i: Inputs) -> list[Any]:
    value = i.given["seconds"]
    return value if isinstance(value, list) else [value]


def maker_reset(i: Inputs) -> Any:
    curve, top = _price_curve(i), of(i, "top", RAY, 5 * RAY)
    cusp = of(i, "cusp", RAY, 0)
    tail = int(i.get("tail", 2**62))
    needs = []
    for told in _seconds(i):
        elapsed = int(i.exact(told))
        price = curve.price(top, elapsed)
        needs.append(auctions.needs_reset(elapsed, price, top, tail_seconds=tail, cusp_ray=cusp))
    answer = like_list(i, "seconds", needs)
    if not isinstance(i.asked, dict):
        return answer
    found: dict[str, Any] = {"needs": answer}
    if "new_feed_price" in i:
        feed = auctions.feed_price_ray(of(i, "new_feed_price"))
        new_top = auctions.starting_price(feed, of(i, "buf", RAY, RAY))
        found["new_top"] = shown(i.asked.get("new_top"), new_top, RAY)
    return found


def maker_reset_or_price(i: Inputs) -> Any:
    """Limits of a reset may stand beside a price curve that is asked for its prices."""
    asked = i.asked if isinstance(i.asked, list) else [i.asked]
    prices = "top" in i and all(
        isinstance(one, (int, float, str)) and not isinstance(one, bool) for one in asked
    )
    return maker_price(i) if prices else maker_reset(i)


def maker_incentive(i: Inputs) -> Any:
    rows = i.given.get("rows", [i.given])
    answers = []
    for given in rows:
        row = Inputs({**i.given, **given})
        tab, tip, chip = of(row, "tab", RAD), of(row, "tip", RAD, 0), of(row, "chip", WAD, 0)
        if "lot" in row and "chost" in row:
            feed = auctions.feed_price_ray(of(row, "feed_price"))
            chost = of(row, "chost", RAD)
            answers.append(auctions.redo_incentive(tab, of(row, "lot"), feed, chost, tip, chip))
        else:
            answers.append(auctions.keeper_incentive(tab, tip, chip))
    if "rows" in i:
        return shown(i.asked, answers, RAD)
    if isinstance(i.asked, dict):
        return {name: shown(one, answers[0], RAD) for name, one in i.asked.items()}
    return shown(i.asked, answers[0], RAD)


def maker_docs(i: Inputs) -> dict[str, Any]:
    top = auctions.starting_price(auctions.feed_price_ray(of(i, "osm_price")), of(i, "buf", RAY))
    answer: dict[str, Any] = {"top": shown(i.asked.get("top"), top, RAY)}
    if "cusp" in i:
        below = auctions.reset_price(top, of(i, "cusp", RAY))
        answer["reset_below"] = shown(i.asked.get("reset_below"), below, RAY)
    if "debt" in i:
        done = auctions.bark(
            WAD, of(i, "debt"), rate_ray=RAY, spot_ray=1, chop_wad=of(i, "chop", WAD, WAD),
            dust_rad=0, room_rad=10**30 * RAD,
        )  # fmt: skip
        answer["tab"] = shown(i.asked.get("tab"), done.tab_rad, RAD)
    return answer


def maker_stages(i: Inputs) -> Any:
    name = next(name for name in ("stopped", "stage", "stages") if name in i)
    told = i.given[name]
    stages = told if isinstance(told, list) else [told]
    allowed = [
        {op: not auctions.is_stopped(int(i.exact(stage)), op) for op in auctions.STOPPED_FROM}
        for stage in stages
    ]
    asked = i.asked[0] if isinstance(i.asked, list) else i.asked
    if isinstance(asked, list):
        return [[row[op] for op in auctions.STOPPED_FROM] for row in allowed]
    if isinstance(asked, dict) and not set(asked) & set(auctions.STOPPED_FROM):
        return {str(stage): row for stage, row in zip(stages, allowed, strict=True)}
    return allowed if isinstance(told, list) else allowed[0]


def maker_chost(i: Inputs) -> Any:
    return shown(i.asked, auctions.least_tab(of(i, "dust", RAD), of(i, "chop")), RAD)


# ---------------------------------------------------------------- dispatch


def undecided(i: Inputs) -> Any:
    raise UnsupportedError("nothing says whether collateral to take out or more debt is asked")


# words of the protocol; then words of the rule, names of the inputs, adapter, the first that fits
PROTOCOLS: dict[str, list[tuple[str, set[str], Adapter]]] = {
    "maker": [
        ("", {"rows", "feed_price"}, maker_incentive),
        ("", {"osm_price", "buf"}, maker_docs),
        ("", {"lot", "tab", "amt"}, maker_take),
        ("", {"lot", "tab", "amts"}, maker_take),
        ("", {"lot", "tab", "bids"}, maker_take),
        ("", {"art"}, maker_bark),
        ("", {"first_vault_tab"}, maker_bark),
        ("", {"tab", "tip"}, maker_incentive),
        ("", {"tab", "chip"}, maker_incentive),
        ("", {"seconds", "tail"}, maker_reset_or_price),
        ("", {"seconds", "cusp"}, maker_reset_or_price),
        ("", {"top", "seconds"}, maker_price),
        ("", {"stopped"}, maker_stages),
        ("", {"stage"}, maker_stages),
        ("", {"stages"}, maker_stages),
        ("", {"dust", "chop"}, maker_chost),
    ],
    "liquity v1": [
        ("", {"deposits", "liquidations", "price"}, trove_rules.pool_example),
        ("", {"each_collateral", "liquidations"}, trove_rules.redistribution_chain),
        ("", {"events"}, trove_rules.events),
        ("", {"troves", "liquidate"}, trove_rules.told_troves),
        ("", {"troves", "liquidated"}, trove_rules.told_troves),
        ("", {"troves", "liquidations"}, trove_rules.told_troves),
        ("", {"rows", "columns"}, trove_rules.modes),
        ("", {"rows", "price"}, trove_rules.ratios),
        ("", {"collateral_usd", "mcr"}, trove_rules.max_borrow),
        ("", {"base_rate", "seconds"}, trove_rules.decay),
        ("", {"base", "exponent"}, trove_rules.powers),
        ("", {"coll", "debt", "stability_pool"}, trove_rules.offset),
        ("", {"collateral", "debt", "stability_pool"}, trove_rules.offset),
        ("", {"coll", "debt", "price"}, trove_rules.capped),
        ("", {"collateral", "debt", "price"}, trove_rules.capped),
        ("", {"coll", "debt"}, trove_rules.offset),
        ("", {"collateral", "debt"}, trove_rules.offset),
        ("", {"debt"}, trove_rules.composite),
        ("", {"coll"}, trove_rules.compensation),
        ("", {"collateral"}, trove_rules.compensation),
    ],
    "liquity v2": [("", {"collateral", "debt", "price"}, trove_rules.with_penalties)],
    "llamma": [
        ("", {"deposited", "current"}, band_rules.user_loss),
        ("", {"debt", "stablecoin_in_bands"}, band_rules.to_liquidate),
        ("remov|minimum collateral|least collateral|withdraw",
         {"collateral", "debt", "N", "base_price"}, band_rules.removable),
        ("more|additional|borrow|maximum debt", {"collateral", "debt", "N", "base_price"},
         band_rules.more_debt),
        ("", {"collateral", "debt", "N", "base_price"}, undecided),
        ("", {"collateral", "N", "base_price"}, band_rules.largest_loans),
        ("", {"debt", "N", "base_price"}, band_rules.least_collateral),
        ("", {"loan_discount", "A", "N"}, band_rules.loan_to_value),
        ("", {"frac"}, band_rules.fraction_removed),
        ("", {"fraction"}, band_rules.fraction_removed),
        ("", {"base_price", "n"}, band_rules.band_prices),
        ("", {"base_price", "band"}, band_rules.band_prices),
        ("", {"base_price", "bands"}, band_rules.band_prices),
        ("", {"old_price"}, band_rules.oracle_step),
        ("", {"last_price"}, band_rules.oracle_step),
    ],
}  # fmt: skip


def _loan_of(case: dict[str, Any]) -> Adapter | None:
    """The same inputs ask for a loan's bands and health, for all numbers of bands, or for one amount."""
    given = case["inputs"]
    if not {"collateral", "debt", "N", "base_price"} <= set(given):
        return None
    if isinstance(case["expected"], dict):
        return band_rules.loan
    return band_rules.loan_ranges if isinstance(given["N"], list) else None


def adapter_of(case: dict[str, Any]) -> Adapter | None:
    """Adapter of a case by its protocol and its inputs' names, and by words where they do not tell."""
    protocol, said = protocol_of(case).lower(), words_of(case)
    for words, shapes in PROTOCOLS.items():
        if words not in protocol:
            continue
        if words == "llamma" and (found := _loan_of(case)):
            return found
        for word, names, adapter in shapes:
            if names <= set(case["inputs"]) and re.search(word, said):
                return adapter
    return None
