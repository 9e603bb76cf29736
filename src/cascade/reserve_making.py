"""A reserve of a lending market as it is added: what is stated becomes whole numbers of the core."""

from __future__ import annotations

from fractions import Fraction
from math import ceil
from types import EllipsisType
from typing import TYPE_CHECKING, Any

from cascade import _auctionentry, _lendingentry, _protocolentry
from cascade._grid import Grid
from cascade.bounds import MAX_PRICE
from cascade.exact_numbers import RATE_DENOMINATOR, exact, flag, rate_parts
from cascade.interest_models import InterestModel, stated_model
from cascade.lending_rules import Oracle
from cascade.lending_sides import make_sides
from cascade.lending_terms import cap_lots, isolation_terms, share_terms, side_refinement
from cascade.lending_troves import STAKE, cap_gas, check_reserve, trove_refinement
from cascade.market import Market
from cascade.refusals import check_name
from cascade.reserve import Reserve

if TYPE_CHECKING:
    from cascade.lending_market import LendingMarket

__all__ = ["asset_terms", "make_reserve", "state_storefront"]

LARGEST_UNIT = 2**31
LARGEST_TARGET = 2**60
BASIS_POINT = 10**5  # parts of a rate


def _numbers_of(venues: tuple[Market, ...]) -> int | list[int]:
    # one number as ever, -1 for none
    if len(venues) > 1:
        return [market.number for market in venues]
    return venues[0].number if venues else -1


def make_reserve(
    lending: LendingMarket,
    name: str,
    price: Market | str | EllipsisType | None,
    venue: Any,
    **stated: Any,
) -> Reserve:
    """Add an asset; `stated` are the other terms of `LendingMarket.add_reserve`, all of them.

    Raises
    ------
    KeyError, TypeError, ValueError
        An argument is wrong; the message names it.
    """
    check_name(name, "reserve", lending.reserves)
    engine, rules = lending.engine, lending.rules
    if lending.name in engine.lending.bands:
        raise ValueError(f"reserve {name!r}: {lending.name!r} has bands, and no other reserves")
    if price is ...:
        _check_is_money(lending, name)
        price = None
    source = None if price is None else lending.priced_by(price)
    sold = lending.sold_in(venue, source)
    if rules.troves is not None:
        stated = check_reserve(lending, name, source, stated)
    scale = engine.scale_of(lending.asset)
    lots = Grid(Fraction(1, scale), "amount") if source is None else source.lots
    numbers = {
        "lending": lending.number,
        "source": -1 if source is None else source.number,
        "venue": _numbers_of(sold),
        **_terms(lending, source, lots, stated),
    }
    _check_base(lending, numbers["borrowable"], numbers["collateral"])
    _check_ceiling(lending, stated["debt_ceiling"], numbers["collateral"])
    _check_refinement(source, numbers["refine"], 1 if rules.troves is None else STAKE)
    sides = make_sides(lending, name, source, lots, numbers["refine"])
    interest = stated["interest"]
    rate = None if interest is None else interest.numbers()
    sided: dict[str, Any] = {"supplied_side": sides[0].number, "borrowed_side": sides[1].number}
    number = _lendingentry.add_reserve(engine, **sided, **numbers, rate=rate)
    given = {**numbers, "name": name, "interest": stated_model(interest)}
    if rules.auction is not None:
        _auctionentry.set_terms(engine, number, **rules.auction.of(name).numbers(scale))
    made = Reserve(lending, name, source, sold, lots, sides, number, given)
    lending.reserves[name] = made
    if rules.troves is not None:
        cap_gas(made, rules.troves)
    if rules.absorbs and numbers["borrowable"]:
        state_storefront(lending)
    return made


def _check_is_money(lending: LendingMarket, name: str) -> None:
    # only what is called as the money is taken for it
    if name != lending.asset:
        raise ValueError(
            f"price of reserve {name!r} is not stated: it must be the market whose mark it is, or None for "
            f"an asset that is money itself, as only {lending.asset!r} is unasked"
        )


def _check_ceiling(lending: LendingMarket, ceiling: Any, collateral: bool) -> None:
    if ceiling is None:
        return
    if lending.rules.absorbs or lending.rules.auction:
        raise ValueError(
            f"debt_ceiling {ceiling!r}: where accounts are absorbed or auctioned it can only be None"
        )
    if not collateral:
        raise ValueError(
            f"debt_ceiling {ceiling!r} is of collateral: with collateral=False it can only be None"
        )
    if not lending.rules.isolation:
        raise ValueError(
            f"debt_ceiling {ceiling!r}: with rules that have no isolation it can only be None"
        )


def state_storefront(lending: LendingMarket) -> None:
    """Tell the core the terms of a market's storefront, once there is an asset that is borrowed."""
    base = lending.base
    if base is None:
        return
    _, factor, target = lending.rules.close_factor
    # reserves are below the target just when they are below the next whole lot
    lots = ceil(exact(target, "close_factor") / Fraction(base.lots.step))
    if lots >= LARGEST_TARGET:
        raise ValueError(
            f"close_factor: target {target!r} is {lots} lots of {base.name!r}, outside 0 ... 2**60"
        )
    parts = rate_parts(factor, "close_factor", 0, 1)
    _protocolentry.set_storefront(lending.engine, lending.number, parts, lots)


def _terms(
    lending: LendingMarket, source: Market | None, lots: Grid, stated: dict[str, Any]
) -> dict[str, Any]:
    # whole numbers of what is stated
    unit = 1 if source is None else source.atoms_of(1, 1)
    if unit > LARGEST_UNIT:
        raise ValueError(f"a lot at one tick is {unit} atoms, more than 2**31: use fewer decimals")
    names = ("liquidation_threshold", "loan_to_value", "liquidation_bonus")
    terms = asset_terms(lending, *(stated[name] for name in names))
    factor = rate_parts(stated["borrow_factor"], "borrow_factor", 0, 1)
    if factor == 0:
        raise ValueError(f"borrow_factor {stated['borrow_factor']!r} is outside 1e-9 ... 1")
    interest, oracle, refinement = (stated[key] for key in ("interest", "oracle", "refinement"))
    if interest is not None and not isinstance(interest, InterestModel):
        raise TypeError(f"interest must be a model such as KinkRate, got {interest!r}")
    if oracle is not None and not isinstance(oracle, Oracle):
        raise TypeError(f"oracle must be an Oracle, got {oracle!r}")
    if lending.rules.troves is not None and source is not None and refinement is None:
        refinement = trove_refinement(source)
    credit = rate_parts(stated["liquidation_factor"], "liquidation_factor", 0, 1)
    return {
        "unit": unit,
        "refine": side_refinement(refinement, interest, source),
        **terms,
        "borrow_factor": factor,
        "reserve_factor": rate_parts(stated["reserve_factor"], "reserve_factor", 0, 1),
        "supply_cap": cap_lots(lots, stated["supply_cap"], "supply_cap"),
        "borrow_cap": cap_lots(lots, stated["borrow_cap"], "borrow_cap"),
        **(oracle or Oracle()).numbers(),
        "collateral": flag(stated["collateral"], "collateral"),
        "borrowable": flag(stated["borrowable"], "borrowable"),
        "liquidation_factor": credit,
        "fee": _fee(lending, stated["liquidation_fee"]),
        **isolation_terms(lots, stated["debt_ceiling"], stated["borrowable_in_isolation"]),
        **share_terms(lots, stated["account_cap"], stated["account_share"]),
        "siloed": flag(stated["siloed"], "siloed"),
    }


def _fee(lending: LendingMarket, share: Any) -> int:
    # parts of the bonus, -1: the rules'
    if share is None:
        return -1
    rules = lending.rules
    if rules.fee_on == "repay":
        raise ValueError(f"liquidation_fee {share!r}: a fee on what is repaid is one for all")
    if rules.absorbs or rules.auction is not None or rules.troves is not None:
        raise ValueError(f"liquidation_fee {share!r} is of calls of liquidators")
    return rate_parts(share, "liquidation_fee", 0, 1)


def _check_refinement(source: Market | None, refine: int, under: int) -> None:
    # the index of a side begins at one over `under`
    mark = 1 if source is None else source.mark_ticks
    if mark * refine > MAX_PRICE * under:
        raise ValueError(
            f"refinement {refine} is outside 1 ... {MAX_PRICE * under // mark}: the mark is {mark} "
            f"ticks, and marks of sides are at most {MAX_PRICE}"
        )


def _check_base(lending: LendingMarket, borrowable: bool, collateral: bool) -> None:
    # a protocol that takes debts over has one asset that is borrowed
    if not borrowable or not (lending.rules.absorbs or lending.rules.auction):
        return
    if lending.base is not None:
        raise ValueError(
            f"borrowable: where accounts are absorbed or auctioned only {lending.base.name!r} can be "
            "borrowed"
        )
    if lending.rules.auction and collateral:
        raise ValueError("collateral: what is borrowed is not auctioned; say collateral=False")


def asset_terms(lending: LendingMarket, threshold: Any, ratio: Any, bonus: Any) -> dict[str, int]:
    """Threshold, loan-to-value ratio and bonus of deposits, in parts of 10**9."""
    parts = _share(threshold, "liquidation_threshold")
    if lending.rules.health == "average" and parts % BASIS_POINT:
        raise ValueError(
            f"liquidation_threshold {threshold!r} is no whole number of basis points, "
            'as health="average" asks for'
        )
    most = parts if ratio is None else _share(ratio, "loan_to_value")
    if most > parts:
        raise ValueError(
            f"loan_to_value {ratio!r} is outside 0 ... {parts / RATE_DENOMINATOR:g}, the "
            f"liquidation_threshold {threshold!r}"
        )
    extra = rate_parts(bonus, "liquidation_bonus", 0, 1)
    _check_toxic(lending, threshold, parts, bonus, extra)
    return {"threshold": parts, "loan_to_value": most, "bonus": extra}


def _share(value: Any, name: str) -> int:
    # percent and ratios of collateral to debt are what people mistake for a share
    number = exact(value, name)
    if 1 < number <= 100:
        over, part = float(1 / number), float(number / 100)
        raise ValueError(
            f"{name} {value!r} is outside 0 ... 1: it is a share of the collateral's value, {part:g} for "
            f"{float(number):g} %, {over:.6g} for a ratio of collateral to debt of {float(number):g}"
        )
    return rate_parts(value, name, 0, 1)


def _check_toxic(
    lending: LendingMarket, threshold: Any, parts: int, bonus: Any, extra: int
) -> None:
    # every call would lower the health factor; rules that shrink the bonus or halt make none of those
    rules = lending.rules
    fixed = rules.bonus in ("fixed", ("fixed",), ["fixed"]) and rules.halt_above is None
    calls = not rules.absorbs and rules.auction is None and rules.troves is None
    if rules.toxic_terms or not (fixed and calls):
        return
    if parts * (RATE_DENOMINATOR + extra) > RATE_DENOMINATOR**2:
        most = RATE_DENOMINATOR**2 // parts - RATE_DENOMINATOR
        raise ValueError(
            f"liquidation_bonus {bonus!r} is outside 0 ... {most / RATE_DENOMINATOR:g} at a "
            f"liquidation_threshold of {threshold!r}: threshold * (1 + bonus) above 1 makes every call lower "
            "the health factor; LendingRules(toxic_terms=True) has it"
        )
