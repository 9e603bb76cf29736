"""Auto-deleveraging: which positions are closed against one that nobody took, and for how many lots.

A policy either ranks the opposite side (venues do) and closes whole positions from the top, the
last one in part, or shares the lots out over it (research does). Both close exactly the lots asked
for as long as the opposite side has them, only on that side, and at one price for everybody, so the
answer is lots an account; the money follows from the price. docs/adl.md has a worked number for
each policy.

Everything is whole numbers. Where an order or a share could depend on rounding, it is compared as a
ratio of integers, and what rounding down leaves goes to the largest remainders, ties to the lower
account id.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cascade.adlscores import SCORES, Columns, Integers, Ratio, shuffled
from cascade.exact_numbers import Rate, exact

__all__ = [
    "ALLOCATIONS",
    "RANKINGS",
    "Columns",
    "allocate",
    "haircuts",
    "largest_share",
    "lights",
    "pool_profit_factor",
    "queue",
    "quintiles",
    "score",
    "seize",
]

UserPolicy = Callable[[Columns], ArrayLike]
RANKINGS = (*SCORES, "random")
ALLOCATIONS = (
    "pro_rata_quantity", "contract_pro_rata", "pro_rata_pnl", "pro_rata_pnl_risk", "integer_min_max",
)  # fmt: skip


def _known(policy: str | UserPolicy, names: Sequence[str]) -> None:
    if not callable(policy) and policy not in names:
        raise ValueError(f"policy must be a function or one of {', '.join(names)}, got {policy!r}")


def score(columns: Columns, policy: str | UserPolicy = "bitmex", *, seed: int = 0) -> NDArray[Any]:
    """Score of every row; the highest is deleveraged first.

    Parameters
    ----------
    columns : Columns
        Positions, either side.
    policy : str or function, default "bitmex"
        One of `RANKINGS`, or a function of the columns that gives a number a row.
    seed : int, default 0
        For "random".

    Returns
    -------
    numpy.ndarray of object
        Exact numbers, one a row.

    Raises
    ------
    ValueError
        The policy is unknown, or needs a column that was not given.
    """
    _known(policy, RANKINGS)
    found = _scores(columns, policy, seed)
    out = np.empty(len(columns), dtype=object)
    for row in range(len(columns)):
        out[row] = found.exact(row) if isinstance(found, Ratio) else found[row]
    return out


def _scores(columns: Columns, policy: str | UserPolicy, seed: int) -> Ratio | NDArray[Any]:
    if callable(policy):
        given = np.asarray(policy(columns))
        if given.shape != (len(columns),):
            raise ValueError(
                f"the policy gave scores of shape {given.shape}, not {(len(columns),)}"
            )
        if given.dtype.kind == "f" and not np.isfinite(given).all():
            raise ValueError("the policy gave scores that are not finite")
        # plain numbers: unsigned ones would wrap when they are turned round
        return given.astype(object)
    if policy == "random":
        return Ratio((shuffled(columns.account, seed),))
    return SCORES[policy](columns)


def _opposite(columns: Columns, lots: int, loss_per_lot: Rate) -> NDArray[np.int64]:
    # rows that may stand against a bankrupt position of that sign
    chosen = columns.size < 0 if lots > 0 else columns.size > 0
    loss = exact(loss_per_lot, "loss_per_lot")
    if columns.equity is None:
        return np.flatnonzero(chosen)
    rows = np.flatnonzero(chosen & (columns.equity > 0))
    if loss <= 0:
        return rows
    per_lot, scale = loss.numerator, loss.denominator
    held = zip(columns.equity[rows].tolist(), columns.size[rows].tolist(), strict=True)
    paid = [scale * equity >= per_lot * abs(size) for equity, size in held]
    return rows[np.array(paid, dtype=bool)]


def queue(
    columns: Columns,
    policy: str | UserPolicy = "bitmex",
    *,
    lots: int,
    loss_per_lot: Rate = 0,
    seed: int = 0,
) -> NDArray[np.int64]:
    """Rows of the opposite side in the order in which they are deleveraged.

    Parameters
    ----------
    columns : Columns
        Positions of the market, either side.
    policy : str or function, default "bitmex"
        One of `RANKINGS`, or a function of the columns that gives a number a row, highest first.
    lots : int
        Signed lots of the bankrupt position: above zero a long, which shorts stand against.
    loss_per_lot : number, default 0
        Atoms that a lot closed at the price of the deleveraging costs its holder against the mark.
    seed : int, default 0
        For "random".

    Returns
    -------
    numpy.ndarray of int64
        Row numbers. Rows whose equity does not pay for closing them whole at the price are left
        out, as are those without equity: they are bankrupt at that price themselves (dYdX v4,
        "bankruptcy prices must overlap").

    Raises
    ------
    ValueError
        The policy is unknown or needs a column that was not given; `lots` is 0.
    """
    _known(policy, RANKINGS)
    if lots == 0:
        raise ValueError("lots must not be 0")
    rows = _opposite(columns, lots, loss_per_lot)
    found = _scores(columns, policy, seed)
    account = columns.account[rows]
    if isinstance(found, Ratio):
        part = Ratio(tuple(f[rows] for f in found.over), tuple(f[rows] for f in found.under))
        return rows[part.descending(account)] if len(rows) else rows
    ranked = sorted(range(len(rows)), key=lambda k: (-found[rows[k]], account[k]))
    return rows[np.array(ranked, dtype=np.int64)]


def quintiles(sizes: ArrayLike) -> NDArray[np.int64]:
    """Fifth of the queue's lots in which each position ends, 1 the first to be deleveraged.

    Parameters
    ----------
    sizes : array_like of int
        Lots in the order of the queue, either sign.

    Returns
    -------
    numpy.ndarray of int64
        1 ... 5. A position that ends on the edge of a fifth belongs to the earlier one.

    Notes
    -----
    BitMEX, app/autoDeleveragingExamples: cumulative quantity, not the count of accounts.
    """
    lots = [abs(int(size)) for size in np.asarray(sizes)]
    total, reached, out = sum(lots), 0, []
    for held in lots:
        reached += held
        out.append(-(-5 * reached // total) if total else 5)
    return np.array(out, dtype=np.int64)


def lights(
    columns: Columns, policy: str | UserPolicy = "bitmex", *, seed: int = 0
) -> NDArray[np.int64]:
    """Lights that venues show beside a position: 5 is the first fifth of its side's queue.

    Parameters
    ----------
    columns : Columns
        Positions of the market, either side.
    policy : str or function, default "bitmex"
        One of `RANKINGS`, or a function of the columns.
    seed : int, default 0
        For "random".

    Returns
    -------
    numpy.ndarray of int64
        1 ... 5, and 0 for a row that cannot be deleveraged.
    """
    out = np.zeros(len(columns), dtype=np.int64)
    for lots in (1, -1):
        rows = queue(columns, policy, lots=lots, seed=seed)
        out[rows] = 6 - quintiles(columns.size[rows])
    return out


def allocate(
    columns: Columns,
    lots: int,
    policy: str | UserPolicy = "bitmex",
    *,
    loss_per_lot: Rate = 0,
    seed: int = 0,
) -> Integers:
    """Lots of each row that are closed against a bankrupt position.

    Parameters
    ----------
    columns : Columns
        Positions of the market, either side.
    lots : int
        Signed lots of the bankrupt position: above zero a long.
    policy : str or function, default "bitmex"
        One of `RANKINGS` or `ALLOCATIONS`, or a function of the columns that gives a score a row.
    loss_per_lot : number, default 0
        Atoms that a lot closed at the price of the deleveraging costs its holder against the mark.
        "pro_rata_pnl" and "pro_rata_pnl_risk" take no more lots of a row than its profit pays for.
    seed : int, default 0
        For "random".

    Returns
    -------
    numpy.ndarray of int64
        Lots closed, zero or more, one number a row. They add up to ``abs(lots)``, or to less where
        the opposite side has less: the rest is for the next stage of the waterfall.

    Raises
    ------
    ValueError
        The policy is unknown or needs a column that was not given; `lots` is 0.

    Examples
    --------
    >>> from cascade import adl
    >>> held = adl.Columns(account=[1, 2, 3], size=[-5, -7, 9])
    >>> adl.allocate(held, 8, "size").tolist()
    [1, 7, 0]
    """
    _known(policy, (*RANKINGS, *ALLOCATIONS))
    out = np.zeros(len(columns), dtype=np.int64)
    if callable(policy) or policy in RANKINGS:
        rows = queue(columns, policy, lots=lots, loss_per_lot=loss_per_lot, seed=seed)
        held = np.abs(columns.size[rows])
        before = np.cumsum(held) - held
        out[rows] = np.clip(abs(lots) - before, 0, held)
        return out
    if lots == 0:
        raise ValueError("lots must not be 0")
    rows = _opposite(columns, lots, loss_per_lot)
    part = columns.rows(rows)
    if policy == "integer_min_max":
        out[rows] = _min_max(part, abs(lots))
    else:
        weights, caps = _weights(part, policy, exact(loss_per_lot, "loss_per_lot"))
        out[rows] = _shared(abs(lots), weights, caps, part.account)
        if policy == "contract_pro_rata":
            left = abs(lots) - int(out.sum())
            losers = np.where(part.profit > 0, 0, np.abs(part.size))
            second = _shared(left, losers.tolist(), losers.tolist(), part.account)
            out[rows] += np.array(second, dtype=np.int64)
    return out


def _weights(c: Columns, policy: str, loss: Fraction) -> tuple[list[int], list[int]]:
    # a row's share is in proportion to its weight, and at most its cap
    held = np.abs(c.size)
    if policy == "pro_rata_quantity":
        return held.tolist(), held.tolist()
    if policy == "contract_pro_rata":
        winners = np.where(c.profit > 0, held, 0).tolist()
        return winners, winners
    profit = np.maximum(c.profit, 0).tolist()
    caps = [q if p else 0 for q, p in zip(held.tolist(), profit, strict=True)]
    if loss > 0:
        caps = [min(q, int(p / loss)) for q, p in zip(caps, profit, strict=True)]
    if policy == "pro_rata_pnl":
        return profit, caps
    # profit x leverage in effect, in whole atoms rounded down
    rows = zip(profit, c.notional.tolist(), c.column("equity").tolist(), strict=True)
    return [p * v // max(e, 1) for p, v, e in rows], caps


def _shared(lots: int, weights: list[int], caps: list[int], account: Integers) -> list[int]:
    """Lots in proportion to weights, at most the caps, by the largest remainder."""
    out = [0] * len(weights)
    active = [k for k, w in enumerate(weights) if w > 0 and caps[k] > 0]
    left = min(lots, sum(caps[k] for k in active))
    # rows whose share passes their cap are filled, and the others share what is left
    while active:
        total = sum(weights[k] for k in active)
        full = [k for k in active if left * weights[k] >= caps[k] * total]
        if not full:
            break
        for k in full:
            out[k] = caps[k]
            left -= caps[k]
        reached = set(full)
        active = [k for k in active if k not in reached]
    if not active or left == 0:
        return out
    total = sum(weights[k] for k in active)
    for k in active:
        out[k] = left * weights[k] // total
    over = left - sum(out[k] for k in active)
    active.sort(key=lambda k: (-(left * weights[k] % total), int(account[k])))
    for k in active[:over]:
        out[k] += 1
    return out


def _min_max(c: Columns, lots: int) -> list[int]:
    """Whole lots that make the largest share closed of any position as small as it can be.

    A lot at a time goes where the share after it is smallest (Jefferson's rule), which never gives
    less than the whole part of the proportional share: so it begins there.
    """
    held = np.abs(c.size).tolist()
    total = sum(held)
    if total <= lots:
        return held
    out = [lots * q // total for q in held]
    after = [(Fraction(x + 1, q), int(c.account[k]), k)
             for k, (x, q) in enumerate(zip(out, held, strict=True))]  # fmt: skip
    heapq.heapify(after)
    for _ in range(lots - sum(out)):
        _, account, k = after[0]
        out[k] += 1
        heapq.heapreplace(after, (Fraction(out[k] + 1, held[k]), account, k))
    return out


def largest_share(columns: Columns, closed: ArrayLike) -> Fraction:
    """Largest part of any position that is closed.

    Parameters
    ----------
    columns : Columns
    closed : array_like of int
        Lots closed of each row, as `allocate` gives them.

    Returns
    -------
    Fraction
        0 ... 1. Less that of "integer_min_max" it is the regret of one deleveraging; Chitra,
        Thogiti, Ramirez and Xu 2026 (arXiv:2602.15182, eq. 18) sum it over rounds.
    """
    pairs = zip(np.asarray(closed).tolist(), columns.size.tolist(), strict=True)
    return max((Fraction(lots, abs(size)) for lots, size in pairs if lots), default=Fraction(0))


# ---------------------------------------------------------------- in money


def seize(profits: Sequence[Rate], budget: Rate, order: Sequence[int]) -> list[Fraction]:
    """Amounts taken from winners one after the other, each up to its whole profit.

    Parameters
    ----------
    profits : sequence of number
        Profit of each winner; at most this is taken.
    budget : number
        Amount needed.
    order : sequence of int
        Numbers of the winners, first to pay first.

    Returns
    -------
    list of Fraction
        Amount taken from each.

    Raises
    ------
    ValueError
        `order` does not name every winner once; an amount is negative.

    Notes
    -----
    The queue of Chitra 2025 (arXiv:2512.01112).
    """
    amounts = _amounts(profits, "profits")
    if sorted(order) != list(range(len(amounts))):
        raise ValueError(f"order {list(order)!r} does not name 0 ... {len(amounts) - 1} once each")
    left = _amounts([budget], "budget")[0]
    out = [Fraction(0)] * len(amounts)
    for number in order:
        out[number] = min(left, amounts[number])
        left -= out[number]
    return out


def _amounts(values: Sequence[Rate], name: str) -> list[Fraction]:
    found = [exact(value, name) for value in values]
    if any(value < 0 for value in found):
        raise ValueError(f"{name} {list(values)!r} has a negative amount")
    return found


def haircuts(
    endowments: Sequence[Rate],
    budget: Rate,
    caps: Sequence[Rate] | None = None,
    weights: Sequence[Rate] | None = None,
) -> list[Fraction]:
    """Share taken of each endowment so that the shares raise a budget.

    Parameters
    ----------
    endowments : sequence of number
        Profit or equity of each winner.
    budget : number
        Amount needed.
    caps : sequence of number, optional
        Largest share of each, 0 ... 1. Default 1.
    weights : sequence of number, optional
        Shares below their cap are in proportion to these, say to leverage. Default: equal.

    Returns
    -------
    list of Fraction
        ``min(cap, level * weight)`` with the level at which they raise the budget, or the caps
        where they raise less than it.

    Raises
    ------
    ValueError
        A number is negative, a cap is above 1, or the lengths differ.

    Notes
    -----
    Capped and risk-aware pro rata, algorithms 1 and 2 of Chitra 2025 (arXiv:2512.01112). With
    profits as endowments and without caps it is Vega's loss socialisation (0002-STTL) and the
    clearing vector of a hub that owes all of them (Eisenberg and Noe 2001).
    """
    held = _amounts(endowments, "endowments")
    most = _amounts([1] * len(held) if caps is None else caps, "caps")
    pull = _amounts([1] * len(held) if weights is None else weights, "weights")
    needed = _amounts([budget], "budget")[0]
    if not len(held) == len(most) == len(pull):
        raise ValueError(f"{len(held)} endowments, {len(most)} caps and {len(pull)} weights")
    if any(cap > 1 for cap in most):
        raise ValueError(f"caps {caps!r} has a share above 1")
    out = [Fraction(0)] * len(held)
    active = [k for k, amount in enumerate(held) if amount and pull[k]]
    while active:
        level = needed / sum(held[k] * pull[k] for k in active)
        full = {k for k in active if level * pull[k] >= most[k]}
        for k in full or active:
            out[k] = most[k] if full else level * pull[k]
        if not full:
            break
        needed -= sum(held[k] * most[k] for k in full)
        active = [k for k in active if k not in full]
    return out


def pool_profit_factor(profit: Rate, pool_value: Rate, limit: Rate) -> tuple[Fraction, bool]:
    """Traders' profit as a share of the pool that owes it, and whether it is above a limit.

    Parameters
    ----------
    profit, pool_value : number
        Aggregate unrealised profit of one side and value of the pool, in one money.
    limit : number
        Factor above which positions may be deleveraged.

    Returns
    -------
    factor : Fraction
    allowed : bool

    Raises
    ------
    ValueError
        `pool_value` is not above zero.

    Notes
    -----
    GMX v2, AdlHandler.sol at a5c0c883, MAX_PNL_FACTOR_FOR_ADL. Which positions are closed is the
    keeper's choice there.
    """
    pool = exact(pool_value, "pool_value")
    if pool <= 0:
        raise ValueError(f"pool_value {pool_value!r} is not above zero")
    factor = exact(profit, "profit") / pool
    return factor, factor > exact(limit, "limit")
