"""Adapters of crvUSD's soft liquidation: calls of `cascade.lending`, of loans in bands."""

from fractions import Fraction
from typing import Any

from case import Inputs
from contract_integers import all_of, like_list, numbers, of, shown

from cascade.lending import soft_liquidation
from cascade.lending.band_curve import band_price, current_price, limited_oracle
from cascade.lending.wad import WAD, RefusalError

LIMIT_NAMES = ("max_debt", "max_borrowable", "min_collateral", "max_removable")
LIMITS = set(LIMIT_NAMES)


def _market(i: Inputs) -> dict[str, int]:
    base = of(i, "base_price")
    return {
        "oracle_wad": of(i, "oracle_price", WAD, base),
        "base_price_wad": base,
        "amplification": int(i["A"]),
        "active_band": int(i.get("active_band", 0)),
        "loan_discount_wad": of(i, "loan_discount", WAD, 0),
    }


def _numbers_of_bands(i: Inputs) -> list[int]:
    return [int(number) for number in numbers(i, "N")]


def loan(i: Inputs) -> dict[str, Any]:
    market, bands = _market(i), int(i["N"])
    collateral, debt = of(i, "collateral"), of(i, "debt")
    first = soft_liquidation.first_band(collateral, debt, bands, **market)
    terms = {name: market[name] for name in ("oracle_wad", "base_price_wad", "amplification")}
    terms["liquidation_discount_wad"] = of(i, "liquidation_discount", WAD, 0)
    base, a = market["base_price_wad"], market["amplification"]
    given = (collateral, debt, bands, first)
    healths = [soft_liquidation.loan_health(*given, **terms, full=full) for full in (False, True)]
    limits: dict[str, Any] = {}
    if LIMITS & set(i.asked):
        most = soft_liquidation.max_loan_debt(collateral, bands, **market)
        least = soft_liquidation.min_loan_collateral(debt, bands, **market)
        found = (most, most - debt, least, collateral - least)
        limits = {name: Fraction(one, WAD) for name, one in zip(LIMIT_NAMES, found, strict=True)}
    return limits | {
        "n1": first,
        "n2": first + bands - 1,
        "price_up": Fraction(band_price(first, base, a), WAD),
        "price_down": Fraction(band_price(first + bands, base, a), WAD),
        "health": Fraction(100 * healths[0], WAD),
        "health_full": Fraction(100 * healths[1], WAD),
    }


def loan_ranges(i: Inputs) -> Any:
    """Bands of a debt, or whether it can be had, by number of bands."""
    found: list[Any] = []
    yes_or_no = isinstance(i.asked, list) and isinstance(i.asked[0], bool)
    for bands in _numbers_of_bands(i):
        try:
            first = soft_liquidation.first_band(
                of(i, "collateral"), of(i, "debt"), bands, **_market(i)
            )
        except RefusalError:
            found.append(False if yes_or_no else None)
            continue
        pair = [first + bands - 1, first]
        asked = i.asked[len(found)] if isinstance(i.asked, list) else None
        rising = isinstance(asked, list) and asked[0] <= asked[1]
        found.append(True if yes_or_no else pair[::-1] if rising else pair)
    return like_list(i, "N", found)


def largest_loans(i: Inputs) -> Any:
    collateral, market = of(i, "collateral"), _market(i)
    found = [
        soft_liquidation.max_loan_debt(collateral, bands, **market)
        for bands in _numbers_of_bands(i)
    ]
    return shown(i.asked, like_list(i, "N", found))


def least_collateral(i: Inputs) -> Any:
    debt, market = of(i, "debt"), _market(i)
    found = [
        soft_liquidation.min_loan_collateral(debt, bands, **market)
        for bands in _numbers_of_bands(i)
    ]
    return shown(i.asked, like_list(i, "N", found))


def removable(i: Inputs) -> Any:
    least = soft_liquidation.min_loan_collateral(of(i, "debt"), int(i["N"]), **_market(i))
    return shown(i.asked, of(i, "collateral") - least)


def more_debt(i: Inputs) -> Any:
    most = soft_liquidation.max_loan_debt(of(i, "collateral"), int(i["N"]), **_market(i))
    return shown(i.asked, most - of(i, "debt"))


def to_liquidate(i: Inputs) -> dict[str, Any]:
    limit = of(i, "health_limit" if "health_limit" in i else "liquidation_discount", WAD, 0)
    fraction = of(i, "frac" if "frac" in i else "fraction", WAD, WAD)
    pay = soft_liquidation.tokens_to_liquidate(
        of(i, "debt"), of(i, "stablecoin_in_bands", WAD, 0), fraction, limit
    )
    share = soft_liquidation.removed_fraction(fraction, limit)
    got = of(i, "collateral_in_bands", WAD, 0) * share // WAD
    after = of(i, "liquidator_collateral_before", WAD, 0) + got
    found = {"pay": pay, "collateral_received": got, "liquidator_collateral_after": after}
    return shown(i.asked, found) if isinstance(i.asked, dict) else shown(i.asked, pay)


def fraction_removed(i: Inputs) -> Any:
    name = "frac" if "frac" in i else "fraction"
    limit = next(
        of(i, n) for n in ("h", "health", "health_limit", "liquidation_discount") if n in i
    )
    found = [soft_liquidation.removed_fraction(one, limit) for one in all_of(i, name)]
    answer = like_list(i, name, found)
    if isinstance(i.asked, dict):
        return {key: shown(one, answer) for key, one in i.asked.items()}
    return shown(i.asked, answer)


def user_loss(i: Inputs) -> dict[str, Fraction]:
    loss, share = soft_liquidation.soft_liquidation_loss(i["deposited"], i["current"])
    return {"loss": loss, "loss_pct": 100 * share}


def loan_to_value(i: Inputs) -> Any:
    found = [
        soft_liquidation.approximate_max_ltv(i["loan_discount"], bands, int(i["A"]))
        for bands in _numbers_of_bands(i)
    ]
    return like_list(i, "N", found)


def oracle_step(i: Inputs) -> Any:
    old = next(of(i, n) for n in ("old_price", "last_price", "old_p_o") if n in i)
    new = next(of(i, n) for n in ("new_price", "price", "p") if n in i)
    price, fee = limited_oracle(new, old, of(i, "old_fee", WAD, 0), int(i.get("seconds", 0)))
    found = {"price": price, "limited_price": price, "fee": fee}
    return shown(i.asked, found) if isinstance(i.asked, dict) else shown(i.asked, price)


def band_prices(i: Inputs) -> Any:
    base, a = of(i, "base_price"), int(i["A"])
    name = next(name for name in ("n", "band", "bands") if name in i)
    found = []
    for number in (int(one) for one in numbers(i, name)):
        row = {"up": band_price(number, base, a), "down": band_price(number + 1, base, a)}
        row |= {"price_up": row["up"], "price_down": row["down"]}
        row |= {"p_oracle_up": row["up"], "p_oracle_down": row["down"]}
        if "oracle_price" in i:
            oracle = of(i, "oracle_price")
            row["p_current_down"] = current_price(number, oracle, base, a)
            row["p_current_up"] = current_price(number + 1, oracle, base, a)
        found.append(row)
    if isinstance(i.given[name], list):
        flat = not isinstance(i.asked[0], dict)
        return shown(i.asked, [row["up"] for row in found] if flat else found)
    return shown(i.asked, found[0] if isinstance(i.asked, dict) else found[0]["up"])
