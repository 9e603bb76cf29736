"""Which domain's liquidations triggered which: a matrix, read from the causes in the log.

A domain is a market of the exchange or a lending market. A liquidation belongs to the row of the domain
whose liquidation moved the price that reached its trigger: the first LIQUIDATION found by following
causes upwards, through fills, marks, indexes that follow a mark, oracles, stops and orders.
docs/contagion.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cascade.reserve import LendingSide
from cascade.tree import CascadeTree

if TYPE_CHECKING:
    from cascade.engine import Engine

__all__ = ["OUTSIDE", "Contagion"]

OUTSIDE = "outside"


class Contagion:
    """Liquidations by the domain that triggered them and the domain they happened in.

    Made by `StepResult.contagion`, `Run.contagion` and `Contagion.of`.

    Parameters
    ----------
    domains : sequence of str
        Names of the n domains: markets of the exchange, then lending markets.
    assets : sequence of str
        Money of each domain.
    counts : array_like of int64
        (n + 1, n) liquidations: row of the domain whose liquidation moved the price, the last row
        "outside"; column of the domain that was liquidated in.
    notional : array_like of float64
        (n + 1, n) what was closed or seized, at the price of the LIQUIDATION, in units of the
        column's money; rounded, for reading.

    Attributes
    ----------
    domains, assets : tuple of str
    counts, notional : numpy.ndarray
        As given.
    """

    def __init__(
        self,
        domains: Iterable[str],
        assets: Iterable[str],
        counts: NDArray[np.int64],
        notional: NDArray[np.float64],
    ) -> None:
        self.domains: tuple[str, ...] = tuple(domains)
        self.assets: tuple[str, ...] = tuple(assets)
        self.counts = counts
        self.notional = notional

    @classmethod
    def of(
        cls, engine: Engine, events: NDArray[Any] | None = None, first: int | None = None
    ) -> Contagion:
        """The matrix of some events.

        Parameters
        ----------
        engine : Engine
        events : numpy.ndarray of EVENT_DTYPE, optional
            Consecutive events of its log; default all that were not cleared.
        first : int, optional
            Index of the first of them; default that the last one is the engine's last. A cause before
            it counts as outside.

        Returns
        -------
        Contagion
        """
        events = engine.events if events is None else events
        first = engine.event_count - len(events) if first is None else first
        tree = CascadeTree(events, first)
        names, assets, domain_of, value_of, inverse = _domains(engine)
        size = len(names)
        rows = tree.liquidations
        column = domain_of[rows["market"]]
        parents = tree.parents
        row = np.where(parents < 0, size, column[np.maximum(parents, 0)])
        cell = row * size + column
        price = rows["price"].astype(np.float64)
        lots = rows["quantity"] * value_of[rows["market"]]
        with np.errstate(divide="ignore"):
            worth = np.where(inverse[rows["market"]], lots / price, lots * price)
        shape = (size + 1, size)
        cells = (size + 1) * size
        counts = np.bincount(cell, minlength=cells).astype(np.int64).reshape(shape)
        notional = np.bincount(cell, worth, minlength=cells).astype(np.float64).reshape(shape)
        return cls(names, assets, counts, notional)

    def __repr__(self) -> str:
        return (
            f"<Contagion: {int(self.counts.sum())} liquidations in {len(self.domains)} domains, "
            f"{self.spread:.3f} triggered by another domain>"
        )

    def __str__(self) -> str:
        return self.table()

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of the rows: the domains and "outside"."""
        return (*self.domains, OUTSIDE)

    @property
    def outside(self) -> NDArray[np.int64]:
        """(n,) liquidations that no other liquidation of these events triggered."""
        return self.counts[-1]

    @property
    def between(self) -> NDArray[np.int64]:
        """(n, n) liquidations that another domain's triggered; the diagonal is 0."""
        inner: NDArray[np.int64] = self.counts[:-1].copy()
        np.fill_diagonal(inner, 0)
        return inner

    @property
    def spread(self) -> float:
        """Share of all liquidations that another domain's triggered; nan without any."""
        total = int(self.counts.sum())
        return int(self.between.sum()) / total if total else float("nan")

    def count(self, source: str, target: str) -> int:
        """Liquidations in `target` that those in `source` triggered.

        Raises
        ------
        KeyError
            There is no such domain; `source` may be "outside".
        """
        rows, columns = self.sources, self.domains
        for name, known in ((source, rows), (target, columns)):
            if name not in known:
                raise KeyError(f"domain {name!r} is unknown; there are: {', '.join(known)}")
        return int(self.counts[rows.index(source), columns.index(target)])

    def grouped(self, groups: Mapping[str, Iterable[str]]) -> Contagion:
        """The same with domains put together, as the markets of one exchange.

        Parameters
        ----------
        groups : mapping of new name to domains
            Domains not named stay as they are, behind the groups.

        Returns
        -------
        Contagion

        Raises
        ------
        KeyError, ValueError
            A domain is unknown or named twice; domains of a group have different moneys.
        """
        parts = {name: list(members) for name, members in groups.items()}
        named = [member for members in parts.values() for member in members]
        for member in named:
            if member not in self.domains:
                raise KeyError(
                    f"domain {member!r} is unknown; there are: {', '.join(self.domains)}"
                )
            if named.count(member) > 1:
                raise ValueError(f"domain {member!r} is named twice")
        parts |= {name: [name] for name in self.domains if name not in named}
        if len(parts) < len(groups) + len(self.domains) - len(named):
            taken = next(n for n in groups if n in self.domains and n not in named)
            raise ValueError(f"group {taken!r} has the name of a domain that is not in it")
        joins = np.zeros((len(parts) + 1, len(self.domains) + 1), np.int64)
        joins[-1, -1] = 1
        assets: list[str] = []
        for at, (name, members) in enumerate(parts.items()):
            places = [self.domains.index(member) for member in members]
            moneys = {self.assets[place] for place in places}
            if len(moneys) != 1:
                raise ValueError(f"group {name!r} is not of one money: {sorted(moneys)}")
            assets += moneys
            joins[at, places] = 1
        columns = joins[:-1, :-1].T
        return Contagion(
            parts, assets, joins @ self.counts @ columns, joins @ self.notional @ columns
        )

    def table(self, *, notional: bool = False) -> str:
        """The matrix as text, one row a source; domains without a liquidation are left out.

        Parameters
        ----------
        notional : bool, default False
            What was closed, to the whole unit, in place of counts.

        Returns
        -------
        str
        """
        kept = np.flatnonzero(self.counts.sum(axis=0) > 0)
        values = np.rint(self.notional).astype(np.int64) if notional else self.counts
        heads = ["triggered by", *(self.domains[k] for k in kept)]
        lines = [heads]
        for at in (*kept, len(self.domains)):
            lines.append([self.sources[at], *(f"{values[at, k]:,}" for k in kept)])
        widths = [max(len(line[k]) for line in lines) for k in range(len(heads))]
        return "\n".join(
            "  ".join(
                [line[0].ljust(widths[0])]
                + [cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)]
            )
            for line in lines
        )


def _domains(
    engine: Engine,
) -> tuple[list[str], list[str], NDArray[np.int64], NDArray[np.float64], NDArray[np.bool_]]:
    # names and moneys; by market number: its domain, the value of a lot at one tick, is it inverse
    contracts = [market for market in engine.markets if not isinstance(market, LendingSide)]
    lendings = list(engine.lending)
    names = [market.name for market in contracts] + [lending.name for lending in lendings]
    assets = [market.asset for market in contracts] + [lending.asset for lending in lendings]
    domain_of = np.zeros(len(engine.markets), np.int64)
    value_of = np.zeros(len(engine.markets))
    inverse = np.zeros(len(engine.markets), np.bool_)
    for at, market in enumerate(contracts):
        domain_of[market.number] = at
        value = market.lots.step * market.multiplier
        inverse[market.number] = market.contract == "inverse"
        value_of[market.number] = float(
            value / market.ticks.step if market.contract == "inverse" else value * market.ticks.step
        )
    for market in engine.markets:
        if isinstance(market, LendingSide):
            lending = market.reserve.lending
            domain_of[market.number] = len(contracts) + lendings.index(lending)
            unit = market.reserve.given["unit"]
            value_of[market.number] = unit / engine.scale_of(lending.asset)
    return names, assets, domain_of, value_of, inverse
