"""One liquidation under a rule: refusals, limits, amounts, what is left and whether health fell.

`liquidate` goes through the knobs in the order in which the protocols do. Accounts are values: the answer holds
the account afterwards, and a call that raises changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from cascade.lending.account import Account, ReserveTerms
from cascade.lending.close_factor import allowed_repay, check_dust, max_repay
from cascade.lending.errors import (
    ExcessiveRepayError,
    GracePeriodError,
    InsufficientCashError,
    NotCollateralError,
    NothingOwedError,
    NotLiquidatableError,
    PausedError,
    SelfLiquidationError,
    StaleMarketError,
)
from cascade.lending.fixed_point import WAD, mul_div_floor
from cascade.lending.health import health_factor, is_liquidatable, rounded, value_of, values
from cascade.lending.rule import (
    BadDebt,
    CloseFactor,
    HealthMeasure,
    LiquidationRule,
    Rounding,
    Steps,
)
from cascade.lending.seizure import (
    Seizure,
    euler_v1_opportunity,
    euler_v2_opportunity,
    seize_at_base,
    seize_at_incentive,
    seize_by_mantissa,
    seized_at_rate,
)

__all__ = ["Liquidation", "liquidate", "remaining_bad_debt"]

#: Health factor (WAD) below which a sentinel does not hold liquidations up.
SENTINEL_HEALTH = 95 * 10**16
EULER = (Steps.RATE, Steps.VALUE)


@dataclass(frozen=True)
class Liquidation:
    """What one call did.

    Parameters
    ----------
    debt, collateral : str
        The pair.
    repaid : int
        Atoms the account's debt fell by.
    paid : int
        Atoms the liquidator paid or took over: more than `repaid` by Euler v1's reserve fee.
    seized : int
        Atoms of collateral that left the account.
    received : int
        What of them the liquidator got.
    fee : int
        What of them the protocol kept.
    bad_debt : mapping of str to int
        Atoms written off by this call, by asset, for whom `bad_debt_to` names.
    bad_debt_to : BadDebt
        The rule's destination.
    health_before, health_after : int or None
        WAD; None without debt.
    lowered : bool
        The account was left less healthy than it was.
    account : Account
        The account afterwards.
    """

    debt: str
    collateral: str
    repaid: int
    paid: int
    seized: int
    received: int
    fee: int
    bad_debt: Mapping[str, int]
    bad_debt_to: BadDebt
    health_before: int | None
    health_after: int | None
    lowered: bool
    account: Account = field(repr=False)


@dataclass(frozen=True)
class _Call:
    # what one call is about, so that each step reads the same things
    rule: LiquidationRule
    reserves: Mapping[str, ReserveTerms]
    account: Account
    debt: str
    collateral: str
    repay: int | None

    @property
    def owed(self) -> ReserveTerms:
        return self.reserves[self.debt]

    @property
    def held(self) -> ReserveTerms:
        return self.reserves[self.collateral]

    @property
    def debt_atoms(self) -> int:
        return self.account.debts.get(self.debt, 0)

    @property
    def balance(self) -> int:
        return self.account.collateral.get(self.collateral, 0)


def _refuse_assets(call: _Call, now: int) -> None:
    for asset in (call.collateral, call.debt):
        reserve = call.reserves[asset]
        if not reserve.is_active:
            raise PausedError("asset", asset, "must be active", "RESERVE_INACTIVE")
        if reserve.is_paused:
            raise PausedError("asset", asset, "must not be paused", "RESERVE_PAUSED")
        if not reserve.is_accrued:
            raise StaleMarketError(
                "asset", asset, "must be accrued in this block", "MARKET_NOT_FRESH"
            )
        if now < reserve.grace_until:
            raise GracePeriodError("now", now, f"from {reserve.grace_until} on for {asset}")


def _refuse_pair(call: _Call, is_self: bool) -> None:
    if is_self and not call.rule.self_liquidation:
        raise SelfLiquidationError("is_self", True, "the protocol has no self-liquidation")
    if call.debt_atoms == 0 and call.rule.steps is not Steps.VALUE:
        raise NothingOwedError("debt", call.debt, "must be owed by the account")
    if call.rule.steps is Steps.MANTISSA and call.repay == 0:
        raise NothingOwedError("repay", 0, "above 0", "INVALID_CLOSE_AMOUNT_REQUESTED")
    if call.repay is not None and call.repay < 0:
        raise NothingOwedError("repay", call.repay, "at least 0")
    usable = call.collateral not in call.account.disabled
    if call.rule.health in (HealthMeasure.AVERAGE, HealthMeasure.SUM):
        usable = usable and call.account.threshold(call.held) > 0
    if not usable or (call.balance == 0 and call.rule.steps not in EULER):
        raise NotCollateralError("collateral", call.collateral, "must be enabled and held")


def _refuse_health(call: _Call, health: int | None, sentinel_allows: bool) -> None:
    rule = call.rule
    if call.owed.is_deprecated or rule.steps in EULER:
        return
    if not is_liquidatable(rule, call.reserves, call.account):
        raise NotLiquidatableError("health", health, f"{rule.boundary.value} {WAD}")
    if not sentinel_allows and (health is None or health >= SENTINEL_HEALTH):
        raise GracePeriodError(
            "health", health, f"below {SENTINEL_HEALTH} while the sentinel waits"
        )


def _limit(call: _Call, health: int | None) -> int:
    total = values(call.rule, call.reserves, call.account)
    value = rounded(call.debt_atoms, call.owed.price, call.owed.unit, call.rule.rounding.debt_value)
    return max_repay(
        call.rule, health, call.debt_atoms, debt_value=value,
        collateral_value=value_of(call.balance, call.held), total_debt_value=total.debt,
        price=call.owed.price, unit=call.owed.unit, is_deprecated=call.owed.is_deprecated,
    )  # fmt: skip


def _euler(call: _Call, booster: int) -> Seizure:
    found = values(call.rule, call.reserves, call.account)
    given = (
        call.rule,
        found.weighted,
        found.owed,
        call.owed,
        call.held,
        call.debt_atoms,
        call.balance,
    )
    if call.rule.steps is Steps.VALUE:
        most = euler_v2_opportunity(*given) if call.debt_atoms else Seizure(0, 0)
        repay = allowed_repay(call.rule, call.repay, most.repaid)
        # worthless collateral is taken for nothing; else the yield is in proportion
        share = mul_div_floor(repay, most.seized, most.repaid) if most.repaid else most.seized
        return Seizure(repay, share)
    most, rate = euler_v1_opportunity(*given, booster=booster, is_same=call.debt == call.collateral)
    largest = most.repaid + most.repaid_fee
    offered = allowed_repay(call.rule, call.repay, largest)
    if offered == largest:
        return most
    # a smaller offer includes the reserve fee, which is taken out by an inverse that is cut off
    repaid = mul_div_floor(offered, mul_div_floor(WAD, WAD, WAD + call.rule.fee_share), WAD)
    seized = seized_at_rate(repaid, rate, call.owed, call.held)
    return Seizure(repaid, seized, 0, offered - repaid)


def _amounts(call: _Call, health: int | None, booster: int) -> Seizure:
    rule = call.rule
    if rule.steps in EULER:
        return _euler(call, booster)
    if rule.close in (CloseFactor.ABSORB, CloseFactor.AUCTION):
        raise ValueError(
            f"close {rule.close.value!r} is no liquidator's call: see absorb and auctions"
        )
    if rule.steps is Steps.SHARES:
        if call.repay is not None and call.repay > call.debt_atoms:
            raise ExcessiveRepayError("repay", call.repay, f"at most {call.debt_atoms}")
        return seize_at_incentive(
            rule, call.repay, call.owed, call.held, call.debt_atoms, call.balance
        )
    repay = allowed_repay(rule, call.repay, _limit(call, health))
    if rule.steps is Steps.MANTISSA:
        return seize_by_mantissa(rule, repay, call.owed, call.held, call.balance)
    bonus = call.account.bonus(call.held)
    return seize_at_base(rule, repay, call.owed, call.held, call.balance, bonus)


def _check_left(call: _Call, amounts: Seizure, after: Account, takes_deposit: bool) -> None:
    debt_left = after.debts[call.debt]
    left = after.collateral[call.collateral]
    value = rounded(debt_left, call.owed.price, call.owed.unit, Rounding.FLOOR)
    check_dust(call.rule, debt_left, left, value, value_of(left, call.held))
    if call.rule.steps not in (Steps.PRODUCT, Steps.BASE_FIRST) or takes_deposit:
        return
    paid_out = amounts.seized - amounts.fee
    if call.held.cash is not None and paid_out > call.held.cash:
        raise InsufficientCashError("seized", paid_out, f"at most the cash {call.held.cash}")


def remaining_bad_debt(
    rule: LiquidationRule,
    reserves: Mapping[str, ReserveTerms],
    before: Account,
    after: Account,
    collateral: str,
    *,
    socialises: bool = True,
) -> dict[str, int]:
    """Debts that a rule writes off after a liquidation.

    Parameters
    ----------
    rule : LiquidationRule
    reserves : mapping of str to ReserveTerms
    before, after : Account
        Around the liquidation.
    collateral : str
        What was seized.
    socialises : bool, default True
        The market's own switch (Euler v2).

    Returns
    -------
    dict of str to int
        Atoms by asset; empty where debt stays or collateral is left.

    Notes
    -----
    Aave v3.3 compares values: what was taken with everything there was, so collateral worth a unit of base
    currency keeps the debt alive and a worthless one does not; collateral without a threshold is not looked at.
    Morpho asks for no atom of its one collateral, Euler v2 for none of any, and for a liability of
    `least_socialised`.
    """
    left = {asset: amount for asset, amount in after.debts.items() if amount}
    if not left:
        return {}
    if rule.bad_debt is BadDebt.DEFICIT:
        taken = before.collateral[collateral] - after.collateral[collateral]
        all_value = values(rule, reserves, before).collateral
        return left if value_of(taken, reserves[collateral]) == all_value else {}
    if rule.bad_debt is BadDebt.SUPPLIERS and not any(after.collateral.values()):
        owed = values(rule, reserves, before).debt
        return left if socialises and owed >= rule.least_socialised else {}
    return {}


def liquidate(
    rule: LiquidationRule,
    reserves: Mapping[str, ReserveTerms],
    account: Account,
    *,
    debt: str,
    collateral: str,
    repay: int | None = None,
    is_self: bool = False,
    takes_deposit: bool = False,
    now: int = 0,
    sentinel_allows: bool = True,
    booster: int = WAD,
    socialises: bool = True,
) -> Liquidation:
    """Liquidate one pair of an account.

    Parameters
    ----------
    rule : LiquidationRule
    reserves : mapping of str to ReserveTerms
        Every asset of the account.
    account : Account
    debt, collateral : str
        What is repaid and what is seized; may be the same asset.
    repay : int, optional
        Atoms offered; default the most that one call may repay (max uint).
    is_self : bool, default False
        The liquidator is the account.
    takes_deposit : bool, default False
        The liquidator takes deposit tokens, which needs no cash (Aave).
    now : int, default 0
        Seconds, for grace periods.
    sentinel_allows : bool, default True
        The sentinel lets liquidations through; else only health below 0.95 (Aave v3.0-3.6).
    booster : int, default 10**18
        Of Euler v1's discount, WAD.
    socialises : bool, default True
        The market writes bad debt off (Euler v2's switch).

    Returns
    -------
    Liquidation

    Raises
    ------
    LendingRefusedError
        The protocol refuses; the class says why: `NotLiquidatableError`, `NothingOwedError`, `NotCollateralError`,
        `PausedError`, `GracePeriodError`, `StaleMarketError`, `SelfLiquidationError`, `PriceError`,
        `ExcessiveRepayError`, `ExcessiveSeizureError`, `DustLeftError` or `InsufficientCashError`.
    KeyError
        An asset has no reserve.
    ValueError
        The rule has no liquidator's call (Comet absorbs, Maker auctions).

    Notes
    -----
    Euler's contracts do nothing for a healthy account where the others refuse.
    """
    call = _Call(rule, reserves, account, debt, collateral, repay)
    _refuse_assets(call, now)
    _refuse_pair(call, is_self)
    before = health_factor(rule, reserves, account)
    _refuse_health(call, before, sentinel_allows)
    amounts = _amounts(call, before, booster)
    after = account.moved({collateral: -amounts.seized}, {debt: -amounts.repaid})
    _check_left(call, amounts, after, takes_deposit)
    written_off = (
        remaining_bad_debt(rule, reserves, account, after, collateral, socialises=socialises)
        if amounts.seized
        else {}
    )
    after = after.moved({}, {asset: -amount for asset, amount in written_off.items()})
    health = health_factor(rule, reserves, after)
    return Liquidation(
        debt=debt, collateral=collateral, repaid=amounts.repaid,
        paid=amounts.repaid + amounts.repaid_fee, seized=amounts.seized,
        received=amounts.seized - amounts.fee, fee=amounts.fee,
        bad_debt=MappingProxyType(written_off), bad_debt_to=rule.bad_debt,
        health_before=before, health_after=health,
        lowered=before is not None and health is not None and health < before, account=after,
    )  # fmt: skip
