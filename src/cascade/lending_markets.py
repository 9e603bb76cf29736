"""`LendingMarkets`: the lending markets of an engine by name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from cascade import _auctionentry, _lendingentry
from cascade.lending.rule import ProtocolRules
from cascade.lending_market import LendingMarket
from cascade.lending_rules import LendingRules

if TYPE_CHECKING:
    from cascade.engine import Engine

__all__ = ["LendingMarkets"]


class LendingMarkets:
    """`engine.lending`: the lending markets of an engine by name."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._added: dict[str, LendingMarket] = {}

    def __len__(self) -> int:
        return len(self._added)

    def __iter__(self) -> Iterator[LendingMarket]:
        return iter(self._added.values())

    def __getitem__(self, name: str) -> LendingMarket:
        if name not in self._added:
            known = ", ".join(map(repr, self._added)) or "none"
            raise KeyError(f"lending market {name!r} is unknown; there are: {known}")
        return self._added[name]

    def __repr__(self) -> str:
        return f"<LendingMarkets: {', '.join(self._added) or 'none'}>"

    def add(
        self,
        name: str,
        *,
        rules: LendingRules | ProtocolRules | None = None,
        asset: str | None = None,
    ) -> LendingMarket:
        """Add a lending market without reserves.

        Parameters
        ----------
        name : str
        rules : LendingRules or cascade.lending.ProtocolRules, optional
            Rules of a protocol are taken as `LendingRules.from_protocol` takes them.
        asset : str, optional
            Money in which collateral and debts are compared; default the engine's.

        Returns
        -------
        LendingMarket

        Raises
        ------
        TypeError, ValueError
            An argument is wrong, or the name exists.
        """
        if rules is None:
            rules = LendingRules()
        elif isinstance(rules, ProtocolRules):
            rules = LendingRules.from_protocol(rules)
        if not isinstance(rules, LendingRules):
            raise TypeError(f"rules must be LendingRules, got {rules!r}")
        if not isinstance(name, str) or not name or name in self._added:
            raise ValueError(f"lending market {name!r} exists or is no name")
        engine = self._engine
        asset = engine.asset if asset is None else asset
        numbers = rules.numbers(engine.scale_of(asset))
        number = _lendingentry.add_lending(engine, asset=engine.asset_number(asset), **numbers)
        if rules.auction is not None:
            terms = rules.auction.numbers(engine.scale_of(asset))
            _auctionentry.add_auctions(engine, number, **terms)
        made = LendingMarket(engine, name, number, rules, asset)
        self._added[name] = made
        return made
