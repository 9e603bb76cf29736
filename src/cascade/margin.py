"""Margin arithmetic as exact rational functions, for people and for checks.

The compiled engine works in whole ticks, lots and atoms (``docs/margin.md``); these functions take
the same definitions in quotes and amounts of any exact number and give the rational answer before
any rounding. On a linear contract whose trigger is "<", the engine's liquidation tick of a long is
the highest tick below the rational price, of a short the lowest tick above it.

Maintenance is a piecewise straight line in notional, so a liquidation price is the root of one of
these lines, and of the line whose tier holds at that root. The lines are walked from the notional
at the mark in the direction in which the position loses.

A float stands for the decimal number that is printed for it, so ``0.005`` is five thousandths.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Literal

from cascade.ruleset import Rate, Rules, exact

Contract = Literal["linear", "inverse"]
Line = tuple[Fraction, Fraction, Fraction]
Segment = tuple[Fraction, Fraction | None, Fraction, Fraction]

CONTRACTS = ("linear", "inverse")
TIER_MODES = ("marginal", "whole")
BASES = ("mark", "entry")
CLOSE_FEE_BASES = ("mark", "bankruptcy")


def _positive(value: Rate, name: str) -> Fraction:
    number = exact(value, name)
    if number <= 0:
        raise ValueError(f"{name} {value!r} is not above zero")
    return number


def _size(value: Rate) -> Fraction:
    number = exact(value, "size")
    if number == 0:
        raise ValueError("size must not be 0")
    return number


def _one_of(value: str, name: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, allowed))}, got {value!r}")


def deductions(floors: Sequence[Rate], rates: Sequence[Rate], first: Rate = 0) -> list[Fraction]:
    """Amounts that make a table of marginal tiers one line per tier.

    Parameters
    ----------
    floors : sequence of number
        Lowest notional of each tier, ascending, in the units of notional.
    rates : sequence of number
        Maintenance rate of each tier.
    first : number, default 0
        Deduction of the first of them.

    Returns
    -------
    list of Fraction
        ``d[k] = d[k-1] + floors[k] * (rates[k] - rates[k-1])``: maintenance in tier k is
        ``rates[k] * notional - d[k]``.

    Raises
    ------
    ValueError
        The two columns differ in length, or the floors do not ascend.

    Notes
    -----
    Venues call the amount *maintenance amount* or *cum* (Binance, "Leverage and margin of
    USD-M futures").

    Examples
    --------
    >>> deductions([0, 50], ["0.025", "0.05"], first="0.56")[-1]
    Fraction(181, 100)
    """
    edges = [exact(floor, "floors") for floor in floors]
    steps = [exact(rate, "rates") for rate in rates]
    if len(edges) != len(steps):
        raise ValueError(f"floors and rates differ in length: {len(edges)} and {len(steps)}")
    if any(b <= a for a, b in pairwise(edges)):
        raise ValueError("floors must ascend")
    amounts = [exact(first, "first")]
    for floor, (low, high) in zip(edges[1:], pairwise(steps), strict=True):
        amounts.append(amounts[-1] + floor * (high - low))
    return amounts[: len(edges)]


@dataclass(frozen=True)
class MarginTerms:
    """What maintenance is taken of, and how much.

    Parameters
    ----------
    tiers : sequence of (floor, rate)
        Maintenance rates by notional, floors ascending from 0.
    tier_mode : {"marginal", "whole"}, default "marginal"
        Each slice at its own rate, or the whole position at the rate of its tier.
    deduction : number, default 0
        Amount taken off in the first tier; with one tier, the deduction of the tier that a
        position is known to be in.
    basis : {"mark", "entry"}, default "mark"
        Notional at the mark, or at entry.
    close_fee : number, default 0
        Rate of the fee for closing that counts as maintenance.
    close_fee_basis : {"mark", "bankruptcy"}, default "mark"
        Notional that the closing fee is taken of.

    Raises
    ------
    TypeError, ValueError
        A value is no number, or a choice is unknown, or the floors do not ascend from 0.

    Examples
    --------
    >>> MarginTerms.flat("0.01").maintenance(250)
    Fraction(5, 2)
    """

    tiers: Sequence[Sequence[Rate]] = ((0, "0.005"),)
    tier_mode: Literal["marginal", "whole"] = "marginal"
    deduction: Rate = 0
    basis: Literal["mark", "entry"] = "mark"
    close_fee: Rate = 0
    close_fee_basis: Literal["mark", "bankruptcy"] = "mark"

    def __post_init__(self) -> None:
        _one_of(self.tier_mode, "tier_mode", TIER_MODES)
        _one_of(self.basis, "basis", BASES)
        _one_of(self.close_fee_basis, "close_fee_basis", CLOSE_FEE_BASES)
        if not self.tiers or exact(self.tiers[0][0], "tiers[0]") != 0:
            raise ValueError("tiers must have a first row whose floor is 0")
        self.lines()

    @classmethod
    def flat(
        cls,
        rate: Rate,
        deduction: Rate = 0,
        *,
        basis: Literal["mark", "entry"] = "mark",
        close_fee: Rate = 0,
        close_fee_basis: Literal["mark", "bankruptcy"] = "mark",
    ) -> MarginTerms:
        """One rate and its deduction, whatever the notional."""
        return cls(
            ((0, rate),),
            deduction=deduction,
            basis=basis,
            close_fee=close_fee,
            close_fee_basis=close_fee_basis,
        )

    @classmethod
    def of(cls, rules: Rules) -> MarginTerms:
        """The terms in a market's rules."""
        return cls(
            tuple((floor, rate) for floor, rate, _ in rules.rows()),
            rules.tier_mode,
            basis=rules.basis,
            close_fee=rules.taker_fee if rules.close_fee else 0,
        )

    def lines(self) -> list[Line]:
        """(floor, rate, deduction) of each tier; the closing fee on the mark is in the rates."""
        floors = [exact(row[0], "tiers") for row in self.tiers]
        rates = [exact(row[1], "tiers") for row in self.tiers]
        first = exact(self.deduction, "deduction")
        amounts = deductions(floors, rates, first)
        if self.tier_mode == "whole":
            amounts = [first] * len(floors)
        fee = exact(self.close_fee, "close_fee") if self.close_fee_basis == "mark" else Fraction(0)
        return [(f, r + fee, d) for f, r, d in zip(floors, rates, amounts, strict=True)]

    def maintenance(self, notional: Rate) -> Fraction:
        """Maintenance margin of a notional; a fee taken at the bankruptcy price not included."""
        amount = abs(exact(notional, "notional"))
        _, rate, deduction = [line for line in self.lines() if line[0] <= amount][-1]
        return max(Fraction(0), rate * amount - deduction)


def _terms(terms: MarginTerms | Rules) -> MarginTerms:
    return MarginTerms.of(terms) if isinstance(terms, Rules) else terms


def position_value(
    size: Rate, price: Rate, contract: Contract = "linear", multiplier: Rate = 1
) -> Fraction:
    """Signed value of a position: what a buyer of it pays, in money or in coins.

    Parameters
    ----------
    size : number
        Signed, long positive.
    price : number
        Above zero.
    contract : {"linear", "inverse"}, default "linear"
    multiplier : number, default 1

    Returns
    -------
    Fraction
        Linear ``size * price * multiplier``; inverse ``-size * multiplier / price``.

    Raises
    ------
    ValueError
        `price` is not above zero, or `contract` is unknown.

    Notes
    -----
    Inverse contracts: BitMEX, "XBTUSD contract guide"; the sign makes PnL the same difference
    for both kinds.

    Examples
    --------
    >>> abs(position_value(15000, 750, "inverse"))
    Fraction(20, 1)
    """
    _one_of(contract, "contract", CONTRACTS)
    quantity = exact(size, "size") * _positive(multiplier, "multiplier")
    quote = _positive(price, "price")
    return quantity * quote if contract == "linear" else -quantity / quote


def notional(
    size: Rate, price: Rate, contract: Contract = "linear", multiplier: Rate = 1
) -> Fraction:
    """Absolute value of a position, see `position_value`."""
    return abs(position_value(size, price, contract, multiplier))


def pnl(
    size: Rate, entry: Rate, exit: Rate, contract: Contract = "linear", multiplier: Rate = 1
) -> Fraction:
    """Profit of a signed size from one price to another: difference of its values.

    Examples
    --------
    >>> pnl(60000, 600, 500, "inverse")
    Fraction(-20, 1)
    """
    return position_value(size, exit, contract, multiplier) - position_value(
        size, entry, contract, multiplier
    )


def average_entry(fills: Iterable[tuple[Rate, Rate]], contract: Contract = "linear") -> Fraction:
    """Price at which the total size has the total value of its fills.

    Parameters
    ----------
    fills : iterable of (size, price)
    contract : {"linear", "inverse"}, default "linear"

    Returns
    -------
    Fraction
        Arithmetic mean by size; for inverse contracts the harmonic one (Bybit, "Average entry
        price of inverse contracts").

    Raises
    ------
    ValueError
        The sizes sum to zero, or a price is not above zero.
    """
    rows = [(exact(size, "size"), price) for size, price in fills]
    total = sum((size for size, _ in rows), Fraction(0))
    if total == 0:
        raise ValueError("fills must not sum to size 0")
    value = sum((position_value(size, price, contract) for size, price in rows), Fraction(0))
    return value / total if contract == "linear" else -total / value


def initial_margin(amount: Rate, leverage: Rate = 1, rate: Rate = 0) -> Fraction:
    """Margin to open a notional: the larger of ``amount / leverage`` and ``amount * rate``."""
    value = abs(exact(amount, "amount"))
    return max(value / _positive(leverage, "leverage"), value * exact(rate, "rate"))


def maintenance(amount: Rate, terms: MarginTerms | Rules) -> Fraction:
    """Maintenance margin of a notional: ``max(0, rate * notional - deduction)`` of its tier.

    Examples
    --------
    >>> maintenance(390_000, MarginTerms(((0, "0.05"), (50_000, "0.07"), (100_000, "0.08"))))
    Fraction(29200, 1)
    """
    return _terms(terms).maintenance(amount)


def sliced_margin(amount: Rate, tiers: Sequence[Sequence[Rate]]) -> Fraction:
    """Margin of a notional as the sum of its slices, each at the rate of its tier.

    The same number as `maintenance` of a marginal table, by the definition instead of by the
    deduction. `tiers` are rows of (floor, rate).
    """
    value = abs(exact(amount, "amount"))
    rows = [(exact(row[0], "tiers"), exact(row[1], "tiers")) for row in tiers]
    tops = [floor for floor, _ in rows[1:]] + [max(value, rows[-1][0])]
    return sum(
        ((min(value, top) - floor) * rate for (floor, rate), top in zip(rows, tops, strict=True)
         if value > floor),
        Fraction(0),
    )  # fmt: skip


def size_linear_rate(base: Rate, slope: Rate, size: Rate) -> Fraction:
    """Margin rate that grows with the whole position: ``base + slope * |size|`` (Deribit)."""
    return exact(base, "base") + exact(slope, "slope") * abs(exact(size, "size"))


def isolated_margin(
    size: Rate,
    entry: Rate,
    leverage: Rate,
    close_fee: Rate = 0,
    contract: Contract = "linear",
    multiplier: Rate = 1,
) -> Fraction:
    """Initial margin at entry, and the fee for closing at the price where that margin is lost.

    Source of the reserve: Phemex, "Margin and PnL calculations"; Bybit, "Order cost".
    """
    margin = initial_margin(notional(size, entry, contract, multiplier), leverage)
    if close_fee == 0:
        return margin
    worst = bankruptcy_price(size, entry, margin, contract=contract, multiplier=multiplier)
    if not worst:
        return margin
    return margin + notional(size, worst, contract, multiplier) * exact(close_fee, "close_fee")


@dataclass(frozen=True)
class Position:
    """A position of an account beside the one that is asked about.

    Parameters
    ----------
    size : number
        Signed, long positive.
    entry, mark : number
    terms : MarginTerms or Rules, optional
        Its maintenance; default none.
    contract : {"linear", "inverse"}, default "linear"
    multiplier : number, default 1
    """

    size: Rate
    entry: Rate
    mark: Rate
    terms: MarginTerms | Rules | None = None
    contract: Contract = "linear"
    multiplier: Rate = 1

    @property
    def unrealised(self) -> Fraction:
        """Unrealised PnL at the mark."""
        return pnl(self.size, self.entry, self.mark, self.contract, self.multiplier)

    @property
    def maintenance(self) -> Fraction:
        """Maintenance margin."""
        if self.terms is None:
            return Fraction(0)
        terms = _terms(self.terms)
        price = self.mark if terms.basis == "mark" else self.entry
        return terms.maintenance(notional(self.size, price, self.contract, self.multiplier))


def equity(collateral: Rate, positions: Iterable[Position]) -> Fraction:
    """Collateral plus unrealised PnL at the marks."""
    return exact(collateral, "collateral") + sum((p.unrealised for p in positions), Fraction(0))


def is_liquidatable(collateral: Rate, positions: Sequence[Position], trigger: str = "<") -> bool:
    """Is equity below maintenance ("<=": or equal to it)?"""
    _one_of(trigger, "trigger", ("<", "<="))
    surplus = equity(collateral, positions) - sum((p.maintenance for p in positions), Fraction(0))
    return surplus < 0 or (trigger == "<=" and surplus == 0)


def _price_of(amount: Fraction, scale: Fraction, contract: Contract) -> Fraction | None:
    if contract == "linear":
        return amount / scale
    return scale / amount if amount else None


def bankruptcy_price(
    size: Rate,
    entry: Rate,
    collateral: Rate,
    *,
    close_fee: Rate = 0,
    contract: Contract = "linear",
    multiplier: Rate = 1,
    others: Iterable[Position] = (),
) -> Fraction | None:
    """Price at which a position's equity, less the fee for closing there, is zero.

    Parameters
    ----------
    size : number
        Signed, long positive.
    entry : number
    collateral : number
        Isolated margin, or the balance of a cross account.
    close_fee : number, default 0
        Rate of the fee, on the value at the bankruptcy price.
    contract : {"linear", "inverse"}, default "linear"
    multiplier : number, default 1
    others : iterable of Position, optional
        The cross account's other positions, held at their marks.

    Returns
    -------
    Fraction or None
        Solves ``collateral + others + V(p) - V(entry) - fee * |V(p)| = 0`` (Bybit, "Bankruptcy
        price"); None where no price does.

    Raises
    ------
    TypeError, ValueError
        A number is missing, not finite or out of range; `size` is 0.

    Examples
    --------
    >>> bankruptcy_price(1, 10_000, 200)
    Fraction(9800, 1)
    """
    quantity = _size(size)
    scale = abs(quantity) * _positive(multiplier, "multiplier")
    backing = equity(collateral, others)
    missing = position_value(quantity, entry, contract, multiplier) - backing
    sign = 1 if (quantity > 0) == (contract == "linear") else -1
    fee = exact(close_fee, "close_fee")
    if not -1 < fee < 1:
        raise ValueError(f"close_fee {close_fee!r} is outside -1 ... 1")
    amount = missing / (sign - fee)
    return None if amount < 0 else _price_of(amount, scale, contract)


def _segments(terms: MarginTerms, entry_amount: Fraction) -> list[Segment]:
    # (from, to, rate, deduction): maintenance is rate * N - deduction there, never negative
    if terms.basis == "entry":
        return [(Fraction(0), None, Fraction(0), -terms.maintenance(entry_amount))]
    lines = terms.lines()
    tops: list[Fraction | None] = [line[0] for line in lines[1:]]
    parts: list[Segment] = []
    for (floor, rate, deduction), top in zip(lines, [*tops, None], strict=True):
        if rate * floor >= deduction:
            parts.append((floor, top, rate, deduction))
            continue
        zero_until = deduction / rate if rate > 0 else None
        if zero_until is None or (top is not None and zero_until >= top):
            parts.append((floor, top, Fraction(0), Fraction(0)))
        else:
            parts.append((floor, zero_until, Fraction(0), Fraction(0)))
            parts.append((zero_until, top, rate, deduction))
    return parts


def _crossing(
    backing: Fraction,
    sign: int,
    segments: list[Segment],
    start: Fraction,
) -> Fraction | None:
    """Notional where ``backing + sign * N - M(N)`` changes sign, nearest to `start`."""

    def surplus(row: int, amount: Fraction) -> Fraction:
        _, _, rate, deduction = segments[row]
        return backing + deduction + (sign - rate) * amount

    first = max(k for k, segment in enumerate(segments) if segment[0] <= start)
    due = surplus(first, start) < 0
    # a healthy position is followed where it loses, a due one where it gains
    upwards = (sign < 0) != due
    rows = range(first, len(segments)) if upwards else range(first, -1, -1)
    for row in rows:
        low, high, rate, deduction = segments[row]
        near, far = (low, high) if upwards else (high, low)
        if row != first and near is not None and (surplus(row, near) < 0) != due:
            return near
        slope = sign - rate
        if far is None:
            turns = slope > 0 if due else slope < 0
            return -(backing + deduction) / slope if turns else None
        if (surplus(row, far) < 0) != due:
            return -(backing + deduction) / slope
        if far == 0 and surplus(row, far) == 0:
            return far
    return None


def liquidation_price(
    size: Rate,
    entry: Rate,
    collateral: Rate,
    terms: MarginTerms | Rules,
    *,
    contract: Contract = "linear",
    multiplier: Rate = 1,
    mark: Rate | None = None,
    others: Iterable[Position] = (),
) -> Fraction | None:
    """Price at which a position's equity meets its maintenance margin.

    Parameters
    ----------
    size : number
        Signed, long positive.
    entry : number
    collateral : number
        Isolated margin, or the balance of a cross account.
    terms : MarginTerms or Rules
        Tiers, basis and closing fee.
    contract : {"linear", "inverse"}, default "linear"
    multiplier : number, default 1
    mark : number, optional
        Where the price is now, default the entry; decides which root is met first when a table of
        whole tiers has several.
    others : iterable of Position, optional
        The cross account's other positions, held at their marks.

    Returns
    -------
    Fraction or None
        Root, in the tier that holds at it, of ``collateral + others' PnL + V(p) - V(entry) =
        M(|V(p)|) + others' maintenance``; the edge of a tier where a whole-tier table jumps past
        it; None where there is none. For a position that is due at `mark`: where it ends to be.

    Raises
    ------
    TypeError, ValueError
        A number is missing, not finite or out of range; `size` is 0.

    Notes
    -----
    Flat maintenance on the mark, isolated margin ``V / L``: ``entry * (1 - s/L) / (1 - s*m)`` for
    linear and ``entry * (1 + s*m) / (1 + s/L)`` for inverse contracts, s the sign. Tiers with a
    deduction: Binance, "How to calculate liquidation price of USD-M futures". Maintenance on entry
    and the closing fee at the bankruptcy price: Bybit, "Liquidation price calculation".

    Examples
    --------
    >>> float(liquidation_price(1, 100, 5, MarginTerms.flat("0.01")))
    95.95959595959596
    """
    terms = _terms(terms)
    quantity = _size(size)
    others = tuple(others)
    scale = abs(quantity) * _positive(multiplier, "multiplier")
    entry_value = position_value(quantity, entry, contract, multiplier)
    backing = equity(collateral, others) - sum((p.maintenance for p in others), Fraction(0))
    backing -= entry_value
    if terms.close_fee_basis == "bankruptcy":
        worst = bankruptcy_price(
            quantity, entry, collateral, close_fee=terms.close_fee, contract=contract,
            multiplier=multiplier, others=others,
        )  # fmt: skip
        if worst:
            fee = exact(terms.close_fee, "close_fee")
            backing -= fee * notional(quantity, worst, contract, multiplier)
    start = notional(quantity, entry if mark is None else mark, contract, multiplier)
    sign = 1 if (quantity > 0) == (contract == "linear") else -1
    amount = _crossing(backing, sign, _segments(terms, abs(entry_value)), start)
    return None if amount is None else _price_of(amount, scale, contract)


def to_tick(price: Rate, tick_size: Rate, size: Rate) -> Fraction:
    """Price on the grid, rounded to the side where the position is closed earlier.

    Up for a long, down for a short (Bybit, "Bankruptcy price of inverse contracts").
    """
    tick = _positive(tick_size, "tick_size")
    steps = exact(price, "price") / tick
    whole = -(-steps // 1) if _size(size) > 0 else steps // 1
    return whole * tick


def return_on_equity(profit: Rate, entry_notional: Rate, leverage: Rate = 1) -> Fraction:
    """Profit over the initial margin at entry."""
    return exact(profit, "profit") / initial_margin(entry_notional, leverage)


def funding_payment(
    size: Rate,
    mark: Rate,
    rate: Rate,
    *,
    contract: Contract = "linear",
    multiplier: Rate = 1,
    held: Rate = 1,
) -> Fraction:
    """Cash flow of one funding settlement: at a positive rate longs pay and shorts receive.

    Parameters
    ----------
    size : number
        Signed, long positive.
    mark, rate : number
    contract : {"linear", "inverse"}, default "linear"
    multiplier : number, default 1
    held : number, default 1
        Share of the period that the position was held, where funding accrues with time.

    Returns
    -------
    Fraction
        Received; negative when paid. In coins for inverse contracts.
    """
    value = position_value(size, mark, contract, multiplier)
    paid = value if contract == "linear" else -value
    return -paid * exact(rate, "rate") * exact(held, "held")
