"""Clearing of debts between members: what each pays when some cannot pay in full.

A clearing vector is a fixed point: everybody pays in full or hands over what he has, where what he
has contains what the others pay him. There may be several; the greatest and the least are
computed in exact rational numbers, so that no tolerance decides who defaults. A venue that owes its winners
is the hub of a star, where the clearing vector is a pro-rata socialised loss. docs/laws.md has
the published examples.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import exp

from cascade.exact_numbers import Rate, exact

__all__ = ["cash_ratio_sales", "clearing_equity", "greatest_clearing", "least_clearing"]

Numbers = list[Fraction]


class _Network:
    # debts as shares: payer j passes share[i][j] of what he pays on to i
    def __init__(
        self,
        owed: Sequence[Sequence[Rate]],
        assets: Sequence[Rate],
        senior: Sequence[Rate] | None,
        kept_assets: Rate,
        kept_claims: Rate,
    ) -> None:
        count = len(owed)
        debts = [[exact(x, f"owed[{i}]") for x in row] for i, row in enumerate(owed)]
        if any(len(row) != count for row in debts):
            raise ValueError(f"owed must have {count} rows of {count} numbers")
        self.assets = [exact(x, "assets") for x in assets]
        self.senior = [exact(x, "senior") for x in (senior or [0] * count)]
        for name, column in (("assets", self.assets), ("senior", self.senior)):
            if len(column) != count:
                raise ValueError(f"{name} has {len(column)} numbers, owed has {count} rows")
        for name, column in (
            *((f"owed[{i}]", row) for i, row in enumerate(debts)),
            ("assets", self.assets),
            ("senior", self.senior),
        ):
            for k, number in enumerate(column):
                if number < 0:
                    raise ValueError(f"{name}[{k}] {float(number):g} is below 0")
        for i in range(count):
            if debts[i][i]:
                raise ValueError(
                    f"owed[{i}][{i}] {float(debts[i][i]):g} must be 0, as the whole diagonal: nobody owes oneself"
                )
        self.kept = exact(kept_assets, "kept_assets"), exact(kept_claims, "kept_claims")
        for name, share in zip(("kept_assets", "kept_claims"), self.kept, strict=True):
            if not 0 <= share <= 1:
                raise ValueError(f"{name} {float(share):g} is outside 0 ... 1")
        self.members = range(count)
        self.full = [sum(row, Fraction(0)) for row in debts]
        self.share = [
            [debts[j][i] / self.full[j] if self.full[j] else Fraction(0) for j in self.members]
            for i in self.members
        ]

    def received(self, member: int, paid: Numbers) -> Fraction:
        return sum(
            (share * p for share, p in zip(self.share[member], paid, strict=True) if share),
            Fraction(0),
        )

    def wealth(self, member: int, paid: Numbers) -> Fraction:
        return self.assets[member] + self.received(member, paid) - self.senior[member]

    def solvent(self, member: int, paid: Numbers) -> bool:
        return self.wealth(member, paid) >= self.full[member]

    def in_default(self, member: int, paid: Numbers) -> Fraction:
        # before it is cut at nothing
        assets, claims = self.kept
        value = assets * self.assets[member] + claims * self.received(member, paid)
        return value - self.senior[member]

    def spread(self, gains: dict[int, Fraction], caps: Numbers) -> Numbers:
        """Least ``x = min(caps, gains + kept_claims * share @ x)`` over the members of `gains`."""
        reached = {i for i, gain in gains.items() if gain > 0 and caps[i] > 0}
        frontier = list(reached)
        while frontier:
            source = frontier.pop()
            for i in gains:
                if i not in reached and caps[i] > 0 and self.kept[1] * self.share[i][source] > 0:
                    reached.add(i)
                    frontier.append(i)
        x = [caps[i] if i in reached else Fraction(0) for i in self.members]
        below: list[int] = []
        while True:
            # from above: whoever does not reach his cap is solved for, the others stay at theirs
            more = [
                i
                for i in reached - set(below)
                if gains[i] + self.kept[1] * self.received(i, x) < caps[i]
            ]
            if not more:
                return x
            below = sorted([*below, *more])
            for i in below:
                x[i] = Fraction(0)
            fixed = [gains[i] + self.kept[1] * self.received(i, x) for i in below]
            for i, value in zip(below, self._solved(below, fixed), strict=True):
                x[i] = value

    def _solved(self, rows: list[int], right: Numbers) -> Numbers:
        matrix = [
            [Fraction(i == j) - self.kept[1] * self.share[i][j] for j in rows] + [value]
            for i, value in zip(rows, right, strict=True)
        ]
        for column in range(len(rows)):
            pivot = next(r for r in range(column, len(rows)) if matrix[r][column])
            matrix[column], matrix[pivot] = matrix[pivot], matrix[column]
            head = [x / matrix[column][column] for x in matrix[column]]
            matrix[column] = head
            for r in range(len(rows)):
                factor = matrix[r][column]
                if r != column and factor:
                    matrix[r] = [x - factor * h for x, h in zip(matrix[r], head, strict=True)]
        return [row[-1] for row in matrix]


def greatest_clearing(
    owed: Sequence[Sequence[Rate]],
    assets: Sequence[Rate],
    *,
    senior: Sequence[Rate] | None = None,
    kept_assets: Rate = 1,
    kept_claims: Rate = 1,
) -> list[Fraction]:
    """Greatest clearing vector: what each member pays when as few as possible default.

    Parameters
    ----------
    owed : sequence of sequences of number, shape (members, members)
        Row i: what member i owes to each other member.
    assets : sequence of number, shape (members,)
        What each holds outside the network.
    senior : sequence of number, shape (members,), optional
        Debts outside the network, which are paid first; none when left out.
    kept_assets, kept_claims : number, default 1
        Shares alpha and beta of assets and of payments received that are left in a default.

    Returns
    -------
    list of Fraction
        Payments, one a member, at most the sum of its row.

    Raises
    ------
    ValueError
        A number is below 0, a shape does not agree, a debt is on the diagonal, or a share is
        outside 0 ... 1.

    Notes
    -----
    Eisenberg & Noe 2001 (both shares 1); Rogers & Veraart 2013. From full payment downwards: a
    member that cannot pay in full defaults and never comes back, and the payments of those in
    default are solved for each time, so that there are at most as many rounds as members.

    Examples
    --------
    >>> from cascade.clearing import greatest_clearing
    >>> [str(p) for p in greatest_clearing([[0, 4, 0], [0, 0, 3], [2, 0, 0]], [1, 0, 1])]
    ['3', '3', '2']
    """
    network = _Network(owed, assets, senior, kept_assets, kept_claims)
    paid = list(network.full)
    failed: set[int] = set()
    while True:
        failed |= {i for i in network.members if not network.solvent(i, paid)}
        losses = {i: paid[i] - network.in_default(i, paid) for i in failed}
        if not any(losses[i] > 0 and paid[i] > 0 for i in failed):
            return paid
        cut = network.spread(losses, paid)
        paid = [p - x for p, x in zip(paid, cut, strict=True)]


def least_clearing(
    owed: Sequence[Sequence[Rate]],
    assets: Sequence[Rate],
    *,
    senior: Sequence[Rate] | None = None,
    kept_assets: Rate = 1,
    kept_claims: Rate = 1,
) -> list[Fraction]:
    """Least clearing vector: what each member pays when nobody pays before he was paid.

    Parameters
    ----------
    owed, assets, senior, kept_assets, kept_claims
        See `greatest_clearing`.

    Returns
    -------
    list of Fraction
        Payments, one a member.

    Raises
    ------
    ValueError
        As `greatest_clearing`.

    Notes
    -----
    Sources as there. From no payment upwards: money that is there is passed on as far as it
    goes, and whoever can pay in full then does.
    """
    network = _Network(owed, assets, senior, kept_assets, kept_claims)
    paid = [Fraction(0)] * len(network.full)
    full: set[int] = set()
    while True:
        found = {i for i in network.members if i not in full and network.solvent(i, paid)}
        if found:
            full |= found
            paid = [network.full[i] if i in full else paid[i] for i in network.members]
            continue
        gains = {i: network.in_default(i, paid) - paid[i] for i in network.members if i not in full}
        # who is still below nothing passes nothing on
        gains = {i: gain for i, gain in gains.items() if gain >= 0}
        room = [network.full[i] - paid[i] for i in network.members]
        if not any(gain > 0 and room[i] > 0 for i, gain in gains.items()):
            return paid
        more = network.spread(gains, room)
        paid = [p + x for p, x in zip(paid, more, strict=True)]


def clearing_equity(
    owed: Sequence[Sequence[Rate]],
    assets: Sequence[Rate],
    payments: Sequence[Rate],
    *,
    senior: Sequence[Rate] | None = None,
) -> list[Fraction]:
    """What each member is left with: assets and payments received, less all that it owes.

    Parameters
    ----------
    owed, assets, senior
        See `greatest_clearing`.
    payments : sequence of number, shape (members,)
        What each pays, a clearing vector.

    Returns
    -------
    list of Fraction
        Below 0 for those in default: what their creditors are short of.

    Raises
    ------
    ValueError
        As `greatest_clearing`, or `payments` has another length.
    """
    network = _Network(owed, assets, senior, 1, 1)
    if len(payments) != len(network.full):
        raise ValueError(f"payments has {len(payments)} numbers, owed has {len(network.full)} rows")
    paid = [exact(p, "payments") for p in payments]
    return [network.wealth(i, paid) - network.full[i] for i in network.members]


def cash_ratio_sales(
    holdings: Sequence[float],
    cash: Sequence[float],
    debts: Sequence[float],
    ratio: float,
    sensitivity: float,
) -> tuple[float, list[float]]:
    """Price and sales when members sell one asset to hold a ratio of capital, each moving the price.

    Parameters
    ----------
    holdings : sequence of float, shape (members,)
        Units of the asset held, at a price of 1 before any sale.
    cash, debts : sequence of float, shape (members,)
        Money and debts of each.
    ratio : float
        Least capital over the assets that are left, 0 ... 1 (both excluded).
    sensitivity : float
        alpha of the price ``exp(-alpha * units sold)``, not below 0.

    Returns
    -------
    price : float
        The highest price at which all sales are consistent.
    sold : list of float
        Units, one a member.

    Raises
    ------
    ValueError
        A range or a length is wrong.
    ArithmeticError
        The iteration did not settle in a million rounds.

    Notes
    -----
    Cifuentes, Ferrucci & Shin 2005, equations 4 and 5. A member uses its cash first, then sells
    ``s`` units with ``(p * e + c - x) / (p * (e - s)) >= ratio``, everything when it is insolvent.
    From a price of 1 downwards, so that the fixed point is the greatest.
    """
    if not 0 < ratio < 1:
        raise ValueError(f"ratio {ratio!r} is outside 0 ... 1 (both excluded)")
    if not sensitivity >= 0:
        raise ValueError(f"sensitivity {sensitivity!r} is below 0")
    if not len(holdings) == len(cash) == len(debts):
        raise ValueError(
            f"holdings, cash and debts have {len(holdings)}, {len(cash)} and {len(debts)} numbers, and must have "
            "as many"
        )
    price = 1.0
    for _ in range(1_000_000):
        sold = [
            min(max(e - (price * e + c - x) / (ratio * price), 0.0), float(e))
            for e, c, x in zip(holdings, cash, debts, strict=True)
        ]
        found = exp(-sensitivity * sum(sold))
        # the map is monotone, so that a price that does not fall has settled
        if found >= price:
            return price, sold
        price = found
    raise ArithmeticError("the price did not settle in a million rounds")
