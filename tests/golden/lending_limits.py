"""What a call may take or owe, apart from an account: seizures with the protocol's fee, caps and close factors."""

from fractions import Fraction
from typing import Any

from case import Inputs, UnsupportedError
from contract_integers import of, scaled, shown
from lending_units import WAD, multiplier, whole

from cascade import lending
from cascade.lending import CapExceededError, ReserveTerms
from cascade.lending.rule import CapBound

BPS = 10**4
PRICE = 10**8
FEES = ("protocol_fee", "liquidation_protocol_fee", "fee", "fee_bps", "protocol_fee_bps")
REPAID = ("repay", "debt_to_cover", "repaid")
HELD = ("collateral", "balance", "seized", "collateral_seized")
CAPS = ("cap", "supply_cap", "borrow_cap", "caps")
TOTALS = ("supplied", "total_supply", "borrowed", "borrows", "total_borrows", "total_debt", "total")
AMOUNTS = ("amount", "deposit", "supply", "borrow")
DEBTS = ("debt", "borrow", "borrow_balance", "borrows")


def _name(i: Inputs, names: tuple[str, ...]) -> str | None:
    return next((name for name in names if name in i), None)


def _share(value: Fraction) -> int:
    # 0.1 and 1000 both mean a tenth: basis points are whole and large
    return whole(value) if value >= 2 else whole(value, BPS)


def has_fee(i: Inputs, text: str) -> bool:
    """Whether a case tells a bonus, the protocol's share of it, and what is repaid or taken."""
    told = _name(i, FEES) and (_name(i, REPAID) or _name(i, HELD))
    return bool(told) and _name(i, ("bonus", "liquidation_bonus")) is not None


def seized_with_fee(i: Inputs, rule: lending.LiquidationRule) -> Any:
    """Collateral of a repayment, or all that there is, and how liquidator and protocol share it."""
    fee, bonus = _share(i.first(*FEES)), i.first("bonus", "liquidation_bonus")
    parts = whole(bonus) if bonus >= 100 else whole(multiplier(bonus), BPS)
    owed = ReserveTerms(price=whole(i.get("price_debt", i.get("debt_price", Fraction(1))), PRICE))
    price = whole(i.get("price_collateral", i.get("collateral_price", Fraction(1))), PRICE)
    held = ReserveTerms(price=price, bonus=parts, protocol_fee=fee)
    repaid, there = _name(i, REPAID), _name(i, HELD)
    balance = of(i, there) if there else 10**40
    asked = of(i, repaid) if repaid else balance * price // owed.price + 1
    found = lending.seize_at_base(rule, asked, owed, held, balance, parts)
    if not isinstance(i.asked, dict):
        raise UnsupportedError("one value is asked, and nothing says which")
    named = (
        (found.fee, ("fee", "protocol_fee", "treasury")),
        (
            found.seized - found.fee,
            ("liquidator", "received", "liquidator_receives", "to_liquidator"),
        ),
        (found.seized, ("seized", "collateral", "collateral_seized")),
        (found.repaid, ("repaid", "debt_needed", "repay")),
    )
    return shown(i.asked, {name: value for value, several in named for name in several})


def has_cap(i: Inputs, text: str) -> bool:
    """Whether a case tells a cap, what there is, and what is added."""
    return all(_name(i, names) for names in (CAPS, TOTALS, AMOUNTS))


def within_cap(i: Inputs, bound: CapBound) -> Any:
    """Whether an amount fits under a cap with what there is, one answer a cap or an amount."""
    cap_name, total, amount_name = (_name(i, names) or "" for names in (CAPS, TOTALS, AMOUNTS))
    several = [i.given[name] for name in (cap_name, amount_name) if isinstance(i.given[name], list)]
    if len(several) > 1:
        raise UnsupportedError("several caps and several amounts")
    given = several[0] if several else [None]
    accrued = next((i[n] for n in ("accrued_to_treasury", "accrued", "treasury") if n in i), 0)
    answers = []
    for one in given:
        cap, amount = (
            scaled(i, one if isinstance(i.given[name], list) else i.given[name], WAD)
            for name in (cap_name, amount_name)
        )
        there = of(i, total) + int(accrued * WAD)
        try:
            lending.borrowed_within(there, amount, cap, bound)
            answers.append(True)
        except CapExceededError:
            if isinstance(i.asked, str):
                raise
            answers.append(False)
    answer = answers if several else answers[0]
    return dict.fromkeys(i.asked, answer) if isinstance(i.asked, dict) else answer


def has_close_factor(i: Inputs, text: str) -> bool:
    """Whether a case tells a debt, what of it one call may repay, and an offer or nothing more."""
    return "close_factor" in i and _name(i, DEBTS) is not None


def offers(i: Inputs, rule: lending.LiquidationRule) -> Any:
    """The largest repayment, and whether offers are taken; one that is refused is a refusal."""
    debt = of(i, _name(i, DEBTS) or "")
    most = lending.max_repay(rule, None, debt, is_deprecated=bool(i.given.get("deprecated")))
    if "repay" not in i:
        if isinstance(i.asked, dict):
            return shown(i.asked, dict.fromkeys(("max_repay", "repay"), most))
        return shown(i.asked, most)
    told = i.given["repay"]
    taken = []
    for one in told if isinstance(told, list) else [told]:
        try:
            lending.allowed_repay(rule, scaled(i, one, WAD), most)
            taken.append(True)
        except lending.ExcessiveRepayError:
            if isinstance(i.asked, str):
                raise
            taken.append(False)
    answer = taken if isinstance(told, list) else taken[0]
    if isinstance(i.asked, dict):
        limits = shown(i.asked, {"max_repay": most})
        return {**limits, "allowed": answer, "accepted": answer}
    return answer
