"""The same deficits under several deleveraging policies, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cascade._columns import deleverage_rows
from cascade.adl import UserPolicy, allocate, largest_share
from cascade.adlscores import Columns
from cascade.codes import EventKind, Side
from cascade.exact_numbers import exact

if TYPE_CHECKING:
    from cascade.engine import Engine
    from cascade.market import Market

AMPLE_FUND = 2**59  # atoms: takes over whatever a step leaves


@dataclass(frozen=True)
class PolicyOutcome:
    """What one policy does to one state; money in atoms.

    Attributes
    ----------
    lots, left : int
        Lots closed, and lots for which the opposite side had nobody.
    notional : Fraction
        Value of the lots closed, at the price of the deleveraging.
    profit_taken : Fraction
        What that price costs the closed side against the mark.
    profit_closed : Fraction
        Profit at the mark of the lots closed, losers counted as nothing.
    overshoot : Fraction
        `profit_closed` less `profit_taken`.
    accounts : int
        Accounts hit.
    concentration : Fraction
        Sum of the squared shares of the lots; 1 when one account bears all.
    largest_share : Fraction
        Largest part of any position that is closed.
    regret : Fraction
        `largest_share` less the smallest possible one.
    """

    lots: int
    left: int
    notional: Fraction
    profit_taken: Fraction
    profit_closed: Fraction
    overshoot: Fraction
    accounts: int
    concentration: Fraction
    largest_share: Fraction
    regret: Fraction


@dataclass
class _Deficit:
    # what one side left to be taken over in a step
    lots: int  # signed, as the positions were
    notional: int
    loss: int  # of those who stand against it, against the mark


def columns_of(engine: Engine, market: Market | str) -> Columns:
    """Positions of a market as columns for `cascade.adl`.

    Parameters
    ----------
    engine : Engine
    market : Market or str

    Returns
    -------
    Columns
        One row a position with size, at the current marks.
    """
    found = engine.market(market)
    rows = deleverage_rows(engine, found.number)
    asset = engine.to_atoms(1, found.asset)
    return Columns(**{name: rows[name] for name in rows.dtype.names or ()}, unit_atoms=asset)


def _deficits(market: Market, events: NDArray[Any], first: int) -> list[_Deficit]:
    # takeovers at a bankruptcy price; the one of an absorbed share comes right after LIQUIDATION
    chosen = (events["kind"] == EventKind.TAKEOVER) & (events["market"] == market.number)
    where = np.flatnonzero(chosen)
    absorb = exact(market.rules.absorb, "absorb")
    mark = market.mark_ticks
    out: dict[int, _Deficit] = {}
    for row in where.tolist():
        event, cause = events[row], int(events["cause"][row]) - first
        if cause == row - 1 and int(events["quantity"][cause]) * absorb >= 1:
            continue
        sign = 1 if event["side"] == Side.SELL else -1
        lots = sign * int(event["quantity"])
        at_price = market.atoms_of(lots, int(event["price"]))
        deficit = out.setdefault(sign, _Deficit(0, 0, 0))
        deficit.lots += lots
        deficit.notional += abs(at_price)
        deficit.loss += at_price - market.atoms_of(lots, mark)
    return list(out.values())


def _outcome(
    columns: Columns, deficits: list[_Deficit], policy: str | UserPolicy, seed: int
) -> PolicyOutcome:
    closed = np.zeros(len(columns), np.int64)
    best = np.zeros(len(columns), np.int64)
    notional = taken = Fraction(0)
    needed = 0
    for deficit in deficits:
        loss = Fraction(deficit.loss, abs(deficit.lots))
        part = allocate(columns, deficit.lots, policy, loss_per_lot=loss, seed=seed)
        best += allocate(columns, deficit.lots, "integer_min_max", loss_per_lot=loss)
        closed += part
        share = Fraction(int(part.sum()), abs(deficit.lots))
        notional += share * deficit.notional
        taken += share * deficit.loss
        needed += abs(deficit.lots)
    lots = int(closed.sum())
    hit = np.flatnonzero(closed).tolist()
    profit = sum(
        (Fraction(int(closed[k]) * max(int(columns.profit[k]), 0), abs(int(columns.size[k])))
         for k in hit),
        Fraction(0),
    )  # fmt: skip
    largest = largest_share(columns, closed)
    return PolicyOutcome(
        lots=lots,
        left=needed - lots,
        notional=notional,
        profit_taken=taken,
        profit_closed=profit,
        overshoot=profit - taken,
        accounts=len(np.unique(columns.account[hit])),
        concentration=sum((Fraction(int(closed[k]), lots) ** 2 for k in hit), Fraction(0)),
        largest_share=largest,
        regret=largest - largest_share(columns, best),
    )


def compare_adl(
    engine: Engine,
    policies: Sequence[str | UserPolicy],
    *,
    market: Market | str,
    index: Mapping[str, Any] | None = None,
    dt: Any = 1.0,
    seed: int = 0,
) -> dict[str, PolicyOutcome]:
    """What each deleveraging policy would do to the next step's deficits.

    Parameters
    ----------
    engine : Engine
        Left as it is: a copy takes the step.
    policies : sequence of str or function
        Names of `cascade.adl`, or functions of the columns.
    market : Market or str
        Whose positions are deleveraged.
    index : mapping of market name to price, optional
        Prices from outside in that step.
    dt : seconds, default 1
        Length of the step.
    seed : int, default 0
        For "random".

    Returns
    -------
    dict of str to PolicyOutcome
        In the order of the policies; a function goes by its name.

    Raises
    ------
    KeyError
        The market is unknown.
    ValueError
        A policy is unknown, or two have the same name.
    OverflowError
        The asset's deposits leave no room for a fund that takes everything over.

    Notes
    -----
    The copy's fund takes over all that does not fill; that, summed over each side at its own
    prices, is what every policy closes against the positions as they are after the step.
    """
    names = [policy if isinstance(policy, str) else policy.__name__ for policy in policies]
    if len(set(names)) < len(names):
        raise ValueError(f"policies {names} have the same name twice")
    copy = engine.copy()
    found = copy.markets[engine.market(market).number]
    unit = copy.to_atoms(1, found.asset)
    copy.fund_deposit(Fraction(AMPLE_FUND, unit), found.asset)
    first = copy.event_count
    copy.step(index=index, dt=dt)
    events = copy.events_between(first, copy.event_count)
    deficits = _deficits(found, events, first)
    columns = columns_of(copy, found)
    return {
        name: _outcome(columns, deficits, policy, seed)
        for name, policy in zip(names, policies, strict=True)
    }
