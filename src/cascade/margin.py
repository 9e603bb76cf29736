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

from cascade.contract_value import (
    CONTRACTS,
    _Contract,
    average_entry,
    funding_payment,
    notional,
    one_of,
    pnl,
    position_value,
    positive,
    signed_size,
)
from cascade.exact_numbers import Rate, exact
from cascade.margin_terms import (
    BASES,
    CLOSE_FEE_BASES,
    TIER_MODES,
    MarginTerms,
    deductions,
    initial_margin,
    maintenance,
    size_linear_rate,
    sliced_margin,
    terms_of,
)
from cascade.ruleset import Rules

__all__ = [
    "BASES",
    "CLOSE_FEE_BASES",
    "CONTRACTS",
    "TIER_MODES",
    "MarginTerms",
    "Position",
    "average_entry",
    "bankruptcy_price",
    "deductions",
    "equity",
    "funding_payment",
    "initial_margin",
    "is_liquidatable",
    "isolated_margin",
    "liquidation_price",
    "maintenance",
    "notional",
    "pnl",
    "position_value",
    "return_on_equity",
    "size_linear_rate",
    "sliced_margin",
    "to_tick",
]

Segment = tuple[Fraction, Fraction | None, Fraction, Fraction]


@dataclass(frozen=True)
class Position:
    """A position of an account beside the one that is asked about.

    Parameters
    ----------
    size : number
        Signed, long positive, in base units or contracts.
    entry, mark : number
        Quotes, above zero.
    terms : MarginTerms or Rules, optional
        Its maintenance; default none.
    contract : {"linear", "inverse"}, default "linear"
        Valued in money or in coins.
    multiplier : number, default 1
        Base units (linear) or money (inverse) in one unit of size.

    Notes
    -----
    Numbers are checked when they are used: `unrealised` and `maintenance` raise as `pnl` and
    `notional` do.

    Examples
    --------
    >>> Position(2, 100, 90).unrealised
    Fraction(-20, 1)
    """

    size: Rate
    entry: Rate
    mark: Rate
    terms: MarginTerms | Rules | None = None
    contract: _Contract = "linear"
    multiplier: Rate = 1

    @property
    def unrealised(self) -> Fraction:
        """Unrealised PnL at the mark, in money or coins."""
        return pnl(self.size, self.entry, self.mark, self.contract, self.multiplier)

    @property
    def maintenance(self) -> Fraction:
        """Maintenance margin in money or coins, 0 without terms."""
        if self.terms is None:
            return Fraction(0)
        terms = terms_of(self.terms)
        price = self.mark if terms.basis == "mark" else self.entry
        return terms.maintenance(notional(self.size, price, self.contract, self.multiplier))


def equity(collateral: Rate, positions: Iterable[Position]) -> Fraction:
    """Collateral plus unrealised PnL at the marks.

    Parameters
    ----------
    collateral : number
        Balance or isolated margin, in money or coins.
    positions : iterable of Position
        Of one kind of money.

    Returns
    -------
    Fraction
        In the units of `collateral`.

    Raises
    ------
    TypeError, ValueError
        `collateral` is no finite number, or a position has impossible numbers.

    Notes
    -----
    ``docs/margin.md``.

    Examples
    --------
    >>> equity(100, [Position(1, 50, 40)])
    Fraction(90, 1)
    """
    return exact(collateral, "collateral") + sum((p.unrealised for p in positions), Fraction(0))


def is_liquidatable(collateral: Rate, positions: Sequence[Position], trigger: str = "<") -> bool:
    """Is equity below maintenance?

    Parameters
    ----------
    collateral : number
        Balance or isolated margin, in money or coins.
    positions : sequence of Position
        All that the collateral stands for.
    trigger : {"<", "<="}, default "<"
        "<=": due also where equity equals maintenance.

    Returns
    -------
    bool

    Raises
    ------
    TypeError, ValueError
        `trigger` is unknown; else as `equity`.

    Notes
    -----
    ``docs/margin.md``; the two triggers are those of `Rules`.

    Examples
    --------
    >>> is_liquidatable(0, [], "<=")
    True
    """
    one_of(trigger, "trigger", ("<", "<="))
    surplus = equity(collateral, positions) - sum((p.maintenance for p in positions), Fraction(0))
    return surplus < 0 or (trigger == "<=" and surplus == 0)


def _price_of(amount: Fraction, scale: Fraction, contract: _Contract) -> Fraction | None:
    if contract == "linear":
        return amount / scale
    return scale / amount if amount else None


def _oriented(
    size: Rate, entry: Rate, contract: _Contract, multiplier: Rate
) -> tuple[Fraction, int, Fraction]:
    # value at a price of 1, the sign with which the value grows, and the value at entry
    quantity = signed_size(size)
    scale = abs(quantity) * positive(multiplier, "multiplier")
    sign = 1 if (quantity > 0) == (contract == "linear") else -1
    return scale, sign, position_value(quantity, entry, contract, multiplier)


def bankruptcy_price(
    size: Rate,
    entry: Rate,
    collateral: Rate,
    *,
    close_fee: Rate = 0,
    contract: _Contract = "linear",
    multiplier: Rate = 1,
    others: Iterable[Position] = (),
) -> Fraction | None:
    """Price at which a position's equity, less the fee for closing there, is zero.

    Parameters
    ----------
    size : number
        Signed, long positive, in base units or contracts.
    entry : number
        Quote, above zero.
    collateral : number
        Isolated margin, or the balance of a cross account, in money or coins.
    close_fee : number, default 0
        Rate of the fee, on the value at the bankruptcy price.
    contract : {"linear", "inverse"}, default "linear"
        Valued in money or in coins.
    multiplier : number, default 1
        Base units (linear) or money (inverse) in one unit of size.
    others : iterable of Position, optional
        The cross account's other positions, held at their marks.

    Returns
    -------
    Fraction or None
        Quote that solves ``collateral + others + V(p) - V(entry) - fee * |V(p)| = 0``; None where
        no price does.

    Raises
    ------
    TypeError, ValueError
        A number is missing, not finite or out of range; `size` is 0; `close_fee` is not between -1
        and 1.

    Notes
    -----
    Bybit, "Bankruptcy price".

    Examples
    --------
    >>> bankruptcy_price(1, 10_000, 200)
    Fraction(9800, 1)
    """
    scale, sign, entry_value = _oriented(size, entry, contract, multiplier)
    missing = entry_value - equity(collateral, others)
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
    contract: _Contract = "linear",
    multiplier: Rate = 1,
    mark: Rate | None = None,
    others: Iterable[Position] = (),
) -> Fraction | None:
    """Price at which a position's equity meets its maintenance margin.

    Parameters
    ----------
    size : number
        Signed, long positive, in base units or contracts.
    entry : number
        Quote, above zero.
    collateral : number
        Isolated margin, or the balance of a cross account, in money or coins.
    terms : MarginTerms or Rules
        Tiers, basis and closing fee.
    contract : {"linear", "inverse"}, default "linear"
        Valued in money or in coins.
    multiplier : number, default 1
        Base units (linear) or money (inverse) in one unit of size.
    mark : number, optional
        Where the price is now, default the entry; decides which root is met first when a table of
        whole tiers has several.
    others : iterable of Position, optional
        The cross account's other positions, held at their marks.

    Returns
    -------
    Fraction or None
        Quote: the root, in the tier that holds at it, of ``collateral + others' PnL + V(p) - V(entry) =
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
    terms = terms_of(terms)
    others = tuple(others)
    scale, sign, entry_value = _oriented(size, entry, contract, multiplier)
    backing = equity(collateral, others) - sum((p.maintenance for p in others), Fraction(0))
    backing -= entry_value
    if terms.close_fee_basis == "bankruptcy":
        worst = bankruptcy_price(
            size, entry, collateral, close_fee=terms.close_fee, contract=contract,
            multiplier=multiplier, others=others,
        )  # fmt: skip
        if worst:
            fee = exact(terms.close_fee, "close_fee")
            backing -= fee * notional(size, worst, contract, multiplier)
    start = notional(size, entry if mark is None else mark, contract, multiplier)
    amount = _crossing(backing, sign, _segments(terms, abs(entry_value)), start)
    return None if amount is None else _price_of(amount, scale, contract)


def isolated_margin(
    size: Rate,
    entry: Rate,
    leverage: Rate,
    close_fee: Rate = 0,
    contract: _Contract = "linear",
    multiplier: Rate = 1,
) -> Fraction:
    """Initial margin at entry, and the fee for closing at the price where that margin is lost.

    Parameters
    ----------
    size : number
        Signed, long positive, in base units or contracts.
    entry : number
        Quote, above zero.
    leverage : number
        Above zero.
    close_fee : number, default 0
        Rate of the fee, on the value at the bankruptcy price.
    contract : {"linear", "inverse"}, default "linear"
        Valued in money or in coins.
    multiplier : number, default 1
        Base units (linear) or money (inverse) in one unit of size.

    Returns
    -------
    Fraction
        In money for linear, in coins for inverse contracts.

    Raises
    ------
    TypeError, ValueError
        A number is none, not finite or out of range; `size` is 0.

    Notes
    -----
    Source of the reserve: Phemex, "Margin and PnL calculations"; Bybit, "Order cost".

    Examples
    --------
    >>> isolated_margin(1, 1000, 10, "0.001")
    Fraction(1009, 10)
    """
    margin = initial_margin(notional(size, entry, contract, multiplier), leverage)
    if close_fee == 0:
        return margin
    worst = bankruptcy_price(size, entry, margin, contract=contract, multiplier=multiplier)
    if not worst:
        return margin
    return margin + notional(size, worst, contract, multiplier) * exact(close_fee, "close_fee")


def to_tick(price: Rate, tick_size: Rate, size: Rate) -> Fraction:
    """Price on the grid, rounded to the side where the position is closed earlier.

    Parameters
    ----------
    price : number
        Quote.
    tick_size : number
        Step of quotes, above zero.
    size : number
        Signed size of the position; only the sign counts.

    Returns
    -------
    Fraction
        Quote: rounded up for a long, down for a short.

    Raises
    ------
    TypeError, ValueError
        A number is none or not finite, `tick_size` is not above zero, or `size` is 0.

    Notes
    -----
    Bybit, "Bankruptcy price of inverse contracts".

    Examples
    --------
    >>> to_tick("100.26", "0.5", 1), to_tick("100.26", "0.5", -1)
    (Fraction(201, 2), Fraction(100, 1))
    """
    tick = positive(tick_size, "tick_size")
    steps = exact(price, "price") / tick
    whole = -(-steps // 1) if signed_size(size) > 0 else steps // 1
    return whole * tick


def return_on_equity(profit: Rate, entry_notional: Rate, leverage: Rate = 1) -> Fraction:
    """Profit over the initial margin at entry.

    Parameters
    ----------
    profit : number
        In money or coins.
    entry_notional : number
        Value at entry, in the same units, not 0.
    leverage : number, default 1
        Above zero.

    Returns
    -------
    Fraction
        A share: 1 is a profit as large as the margin.

    Raises
    ------
    TypeError, ValueError
        A number is none or not finite, or `leverage` is not above zero.
    ZeroDivisionError
        `entry_notional` is 0.

    Notes
    -----
    By the definition of return on equity, with `initial_margin` as the equity.

    Examples
    --------
    >>> return_on_equity(50, 1000, 10)
    Fraction(1, 2)
    """
    return exact(profit, "profit") / initial_margin(entry_notional, leverage)
