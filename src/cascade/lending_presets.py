"""From the rules and parameter files of `cascade.lending` to lending markets of an engine.

`rules_of` answers the engine's questions with a protocol's knobs and refuses those that the engine has no
answer for; `reserve_terms` and `add_reserves` do the same with the assets of a market. ``docs/lending.md``,
*In the engine*, has the table.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import fields, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from cascade.collateral_auction import CollateralAuction
from cascade.exact_numbers import RATE_DENOMINATOR
from cascade.interest_models import JumpRate, KinkRate
from cascade.lending.account import ReserveTerms
from cascade.lending.fixed_point import BASIS_POINTS, RAY, WAD
from cascade.lending.interest import KinkStrategy
from cascade.lending.parameters import AaveMarket, CometMarket
from cascade.lending.rule import (
    BadDebt,
    Bonus,
    Boundary,
    CloseFactor,
    Dust,
    Fee,
    HealthMeasure,
    LiquidationRule,
    ProtocolRules,
    Steps,
)
from cascade.lending.seizure import incentive_factor
from cascade.lending_rules import LendingRules
from cascade.refusals import said
from cascade.reserve_making import state_storefront

if TYPE_CHECKING:
    from cascade import reserve as engine_reserve
    from cascade.lending_market import LendingMarket
    from cascade.market import Market

__all__ = ["add_reserves", "reserve_terms", "rules_of"]

LARGEST_CAP_LOTS = 2**60
#: Storefront price factor and target reserves where the caller states none, which are a market's own:
#: USDC on Ethereum, compound-finance/comet, deployments/mainnet/usdc/configuration.json.
STOREFRONT = (Fraction(1, 2), Fraction(5_000_000))
#: Where the protocol takes debt and collateral over, and no call has a bonus or a fee.
TAKES_OVER = (CloseFactor.ABSORB, CloseFactor.AUCTION)
#: Least value of a debt that suppliers bear, above which a rule is refused: the engine has no such limit.
NEGLIGIBLE = Fraction(1, 10**6)


def _refuse(knob: str, value: Any, has: str) -> ValueError:
    return ValueError(f"{knob} {getattr(value, 'value', value)!r}: the engine has {has}")


def _close_factor(rule: LiquidationRule, money: Fraction) -> tuple[Any, ...] | str:
    share = Fraction(rule.close_share, BASIS_POINTS)
    health = Fraction(rule.close_health, WAD)
    if rule.close is CloseFactor.WHOLE:
        return "whole"
    if rule.close is CloseFactor.SHARE:
        return ("fraction", share)
    if rule.close is CloseFactor.HEALTH:
        return ("threshold", share, health)
    if rule.close is CloseFactor.HEALTH_AND_SIZE:
        return ("position", share, health, rule.close_size * money)
    if rule.close is CloseFactor.TARGET:
        return ("target", Fraction(rule.target_health, WAD))
    if rule.close is CloseFactor.ABSORB:
        return ("absorb", *STOREFRONT)
    if rule.close is CloseFactor.AUCTION:
        return ("auction", CollateralAuction())
    raise _refuse("close", rule.close, "share, health, health_and_size, target, whole and absorb")


def _bonus(rule: LiquidationRule) -> tuple[Any, ...] | str:
    if rule.bonus in (Bonus.ASSET, Bonus.THRESHOLD) or rule.close in TAKES_OVER:
        # a storefront has its discount in the close factor, an auction its penalty
        return "fixed"
    if rule.bonus is Bonus.MARKET:
        # a base that is the cap too: one bonus whatever the health
        bonus = Fraction(rule.market_bonus, rule.factor_parts) - 1
        return ("health", bonus, bonus)
    most = Fraction(rule.largest_discount, WAD)
    if rule.bonus is Bonus.DISCOUNT:
        return ("discount", Fraction(rule.base_discount, WAD), most)
    if rule.bonus is Bonus.HEALTH:
        return ("discount", most)
    raise _refuse("bonus", rule.bonus, "asset, market, threshold, discount and health")


def _fee(rule: LiquidationRule) -> Fraction | int:
    # the engine's fee is a share of the bonus or of the repayment; of a bonus that never changes any share
    # of what is seized can be one
    if rule.fee in (Fee.NONE, Fee.BONUS) or rule.close in TAKES_OVER:
        return 0
    if rule.fee is Fee.SEIZED and rule.bonus is Bonus.MARKET:
        over = Fraction(rule.market_bonus, rule.factor_parts)
        share = Fraction(rule.fee_share, rule.factor_parts)
        if over > 1 and share * over <= over - 1:
            return _cut(share * over / (over - 1))
        raise _refuse("fee_share", rule.fee_share, "no fee above the bonus")
    if rule.fee is Fee.REPAID:
        return _cut(Fraction(rule.fee_share, WAD))
    raise _refuse(
        "fee", rule.fee, "a share of the bonus or of the repayment; state fee=0 to leave it out"
    )


def _bad_debt(rule: LiquidationRule, money: Fraction) -> str:
    if rule.least_socialised * money > NEGLIGIBLE:
        raise _refuse(
            "least_socialised", rule.least_socialised, "no least debt that is written off"
        )
    if rule.bad_debt is not BadDebt.REDISTRIBUTION:
        return rule.bad_debt.value
    raise _refuse(
        "bad_debt",
        rule.bad_debt,
        "redistribution to other borrowers where loans are closed whole: LendingRules(close_factor='trove')",
    )


def rules_of(
    protocol: ProtocolRules, *, price_decimals: int | None = None, **changes: Any
) -> LendingRules:
    """`LendingRules` of a protocol; see `LendingRules.from_protocol`."""
    if not isinstance(protocol, ProtocolRules):
        raise TypeError(f"protocol must be ProtocolRules, got {said(protocol)}")
    known = [entry.name for entry in fields(LendingRules)]
    for name in changes:
        if name not in known:
            raise TypeError(f"{name!r} is no field of LendingRules: {', '.join(known)}")
    rule = protocol.liquidation
    if price_decimals is None:
        price_decimals = 8 if rule.steps in (Steps.PRODUCT, Steps.BASE_FIRST) else 18
    if not 0 <= price_decimals <= 36:
        raise ValueError(f"price_decimals {price_decimals!r} is outside 0 ... 36")
    money = Fraction(1, 10**price_decimals)
    answers: dict[str, Callable[[], Any]] = {
        "close_factor": lambda: _close_factor(rule, money),
        "bonus": lambda: _bonus(rule),
        "fee": lambda: _fee(rule),
        "trigger": lambda: "<" if rule.boundary is Boundary.BELOW else "<=",
        "min_leftover": lambda: (
            rule.least_left * money
            if rule.dust is Dust.PAIR and rule.close is not CloseFactor.AUCTION
            else 0
        ),
        "bad_debt": lambda: _bad_debt(rule, money),
        # one collateral's mean is its own threshold, so only accounts with several can tell
        "health": lambda: "average" if rule.health is HealthMeasure.AVERAGE else "weighted",
        "halt_above": lambda: None,
        "stop_gap": lambda: (),
        "toxic_terms": lambda: False,
        "fee_on": lambda: "repay" if rule.fee is Fee.REPAID else "bonus",
        "zero_price": lambda: protocol.zero_price,
        "sentinel": lambda: Fraction(protocol.sentinel, WAD) if protocol.sentinel else None,
        "supply_bound": lambda: protocol.supply_cap.value,
        "borrow_bound": lambda: protocol.borrow_cap.value,
        "treasury_capped": lambda: protocol.treasury_capped,
        # Aave's health passes over what has no threshold, and so do its calls
        "uncounted": lambda: (
            "spared" if rule.health in (HealthMeasure.AVERAGE, HealthMeasure.SUM) else "seized"
        ),
        "isolation": lambda: protocol.isolation,
        "source": lambda: " ".join(filter(None, (protocol.name, protocol.variant))),
    }
    # a question that the caller answers is not asked of the protocol
    answered: dict[str, Any] = {
        name: changes[name] if name in changes else answer() for name, answer in answers.items()
    }
    return LendingRules(**answered)


def _cut(share: Fraction) -> Fraction:
    return Fraction(share * RATE_DENOMINATOR // 1, RATE_DENOMINATOR)


def _multiplier(rule: LiquidationRule, given: ReserveTerms) -> Fraction:
    # of the collateral, one included; 0 in a reserve that is none
    if rule.bonus is Bonus.THRESHOLD:
        return Fraction(incentive_factor(given.liquidation_threshold), WAD)
    return Fraction(given.bonus, rule.factor_parts) if rule.bonus is Bonus.ASSET else Fraction(0)


def reserve_terms(
    protocol: ProtocolRules, given: ReserveTerms, strategy: KinkStrategy | None = None
) -> dict[str, Any]:
    """Keywords of `LendingMarket.add_reserve` from a reserve of `cascade.lending`.

    Parameters
    ----------
    protocol : cascade.lending.ProtocolRules
        Says in what parts factors are and what the bonus follows from.
    given : cascade.lending.ReserveTerms
        Its price, unit, cash and caps are not read: prices come from the engine's markets.
    strategy : cascade.lending.KinkStrategy, optional
        Interest.

    Returns
    -------
    dict
        Shares are cut to parts of 10**9:
        ``liquidation_threshold``, ``loan_to_value``, ``liquidation_bonus``, ``borrow_factor``,
        ``reserve_factor``, ``interest``, ``collateral`` and ``borrowable``, and of a fee on the bonus
        ``liquidation_fee``.

    Raises
    ------
    ValueError
        A number is out of the engine's range.
    """
    rule = protocol.liquidation
    parts = rule.factor_parts
    threshold = _cut(Fraction(given.liquidation_threshold, parts))
    made = {
        "liquidation_threshold": threshold,
        "loan_to_value": min(_cut(Fraction(given.ltv, parts)), threshold)
        if given.ltv
        else threshold,
        "liquidation_bonus": _cut(max(_multiplier(rule, given) - 1, Fraction(0))),
        "borrow_factor": _cut(
            Fraction(parts if given.borrow_factor is None else given.borrow_factor, parts)
        ),
        "reserve_factor": _cut(Fraction(given.reserve_factor, parts)),
        "interest": None if strategy is None else _kink(strategy),
        "collateral": threshold > 0,
        "borrowable": True,
    }
    if rule.fee is Fee.BONUS:
        made["liquidation_fee"] = _cut(Fraction(given.protocol_fee, parts))
    return made


def _kink(strategy: KinkStrategy) -> KinkRate:
    # a rate of one value has no kink; any place will do
    optimal = Fraction(strategy.optimal, RAY)
    if not 0 < optimal < 1:
        if strategy.slope1 or strategy.slope2:
            raise ValueError(
                f"optimal {strategy.optimal}: the engine has 1 ... {RAY - 1} of 10**27"
            )
        optimal = Fraction(1, 2)
    return KinkRate(
        base=Fraction(strategy.base, RAY), slope1=Fraction(strategy.slope1, RAY),
        slope2=Fraction(strategy.slope2, RAY), optimal=optimal, compounding="binomial",
    )  # fmt: skip


def _aave_terms(loaded: AaveMarket, rules: LendingRules) -> dict[str, dict[str, Any]]:
    from cascade.rules import aave_v3

    # what differs between versions is in the market's rules
    of_calls = not rules.absorbs and rules.auction is None and rules.troves is None
    found = {}
    for name, given in loaded.reserves.items():
        terms = reserve_terms(aave_v3("3.0"), given, loaded.strategies[name])
        # a cap of 0 is none at Aave
        terms["supply_cap"] = given.supply_cap or None
        terms["borrow_cap"] = given.borrow_cap or None
        switches = loaded.switches[name]
        terms["borrowable"] = switches.is_borrowable
        if rules.fee_on != "bonus" or not of_calls:
            del terms["liquidation_fee"]
        # so is a ceiling, which the file has in cents
        isolated = rules.isolation and given.debt_ceiling
        terms["debt_ceiling"] = Fraction(given.debt_ceiling, 100) if isolated else None
        terms["borrowable_in_isolation"] = switches.is_borrowable_in_isolation
        terms["siloed"] = switches.is_siloed
        found[name] = terms
    return found


def _add_e_modes(lending: LendingMarket, loaded: AaveMarket, added: Collection[str]) -> None:
    # a category of the file as far as its assets were added; by its label, or its number when that is taken
    for number, mode in loaded.e_modes.items():
        members = [name for name in added if loaded.reserves[name].e_mode == number]
        collateral = [name for name in members if lending[name].given["collateral"]]
        if not collateral:
            continue
        free = mode.label and mode.label not in lending.categories
        lending.add_category(
            mode.label if free else str(number),
            collateral=collateral,
            borrowable=[name for name in members if lending[name].given["borrowable"]],
            liquidation_threshold=Fraction(mode.liquidation_threshold, BASIS_POINTS),
            loan_to_value=Fraction(mode.ltv, BASIS_POINTS),
            liquidation_bonus=max(Fraction(mode.bonus, BASIS_POINTS) - 1, Fraction(0)),
        )


def _comet_terms(loaded: CometMarket) -> dict[str, dict[str, Any]]:
    base, low, high, kink = (Fraction(number, WAD) for number in loaded.borrow_curve)
    paid = tuple(Fraction(number, WAD) for number in loaded.supply_curve)
    # a year's numbers are cut to a second's
    curve = JumpRate(base, low, high, kink, period=1, supply=(paid[0], paid[1], paid[2], paid[3]))
    found: dict[str, dict[str, Any]] = {
        loaded.base: {"interest": curve, "collateral": False, "borrowable": True}
    }
    for name, given in loaded.assets.items():
        # what the storefront asks: the price less its share of the penalty
        penalty = 1 - Fraction(given.liquidation_factor, WAD)
        discount = Fraction(loaded.store_front_factor, WAD) * penalty
        found[name] = {
            "liquidation_threshold": _cut(Fraction(given.liquidate_factor, WAD)),
            "loan_to_value": _cut(Fraction(given.borrow_factor, WAD)),
            "liquidation_bonus": _cut(discount / (1 - discount)),
            "liquidation_factor": _cut(Fraction(given.liquidation_factor, WAD)),
            # a cap of 0 stands in files where the deployment sets it
            "supply_cap": Fraction(given.supply_cap, given.unit) or None,
            "borrowable": False,
        }
    return found


def _switch_off(reserve: engine_reserve.Reserve, given: ReserveTerms) -> None:
    # nothing happens to what is paused or not active; what is frozen only grows no more
    if given.is_paused or not given.is_active:
        reserve.pause()
    if given.is_frozen:
        reserve.freeze()


def _take_storefront(lending: LendingMarket, loaded: CometMarket) -> None:
    # the file's own in place of those that stand for any market; what a caller stated stays
    if lending.rules.close_factor == ("absorb", *STOREFRONT):
        factor = _cut(Fraction(loaded.store_front_factor, WAD))
        target = Fraction(loaded.target_reserves, loaded.base_unit)
        lending.rules = replace(lending.rules, close_factor=("absorb", factor, target))
        state_storefront(lending)


def _capped(terms: dict[str, Any], lot: Fraction) -> dict[str, Any]:
    # caps in whole lots; one beyond any amount is none
    made = dict(terms)
    for name in ("supply_cap", "borrow_cap"):
        if terms.get(name) is not None:
            lots = Fraction(terms[name]) // lot
            made[name] = lots * lot if lots <= LARGEST_CAP_LOTS else None
    return made


def add_reserves(
    lending: LendingMarket,
    loaded: AaveMarket | CometMarket,
    prices: Mapping[str, Market | str | None],
    *,
    others: str = "refuse",
    **terms: Any,
) -> dict[str, engine_reserve.Reserve]:
    """Add the assets of a parameter file; see `LendingMarket.add_reserves`.

    Paused and inactive reserves are paused, frozen ones frozen; e-modes become categories. A Comet
    collateral's bonus is the discount its storefront sells at.
    """
    if isinstance(loaded, AaveMarket):
        found = _aave_terms(loaded, lending.rules)
    elif isinstance(loaded, CometMarket):
        found = _comet_terms(loaded)
    else:
        raise TypeError(f"loaded must be an AaveMarket or a CometMarket, got {loaded!r}")
    if others not in ("refuse", "leave out"):
        raise ValueError(f"others {others!r} is not one of 'refuse', 'leave out'")
    for name in prices:
        if name not in found:
            raise KeyError(f"prices: {name!r} is not in the file: {', '.join(found)}")
    missing = [name for name in found if name not in prices]
    if missing and others == "refuse":
        raise KeyError(f"prices: nothing for {', '.join(missing)}")
    if isinstance(loaded, CometMarket):
        _take_storefront(lending, loaded)
    made = {}
    for name, given in found.items():
        if name not in prices:
            continue
        price = prices[name]
        step = Fraction(1, lending.engine.scale_of(lending.asset))
        lot = step if price is None else Fraction(lending.engine.market(price).lots.step)
        made[name] = lending.add_reserve(name, price=price, **{**_capped(given, lot), **terms})
        if isinstance(loaded, AaveMarket):
            _switch_off(made[name], loaded.reserves[name])
    if isinstance(loaded, AaveMarket):
        _add_e_modes(lending, loaded, made)
    return made
