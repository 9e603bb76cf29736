"""`LendingMarkets`: the lending markets of an engine by name."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal

from cascade import _auctionentry, _lendingentry, _lendingterms
from cascade._grid import Grid
from cascade.band_market import BandMarket, add_bands
from cascade.band_rules import BandRules
from cascade.exact_numbers import Rate
from cascade.lending.rule import ProtocolRules
from cascade.lending_market import LendingMarket
from cascade.lending_rules import LendingRules, Oracle
from cascade.lending_terms import cap_lots
from cascade.market import Market
from cascade.refusals import check_name, said
from cascade.reserve import LendingSide
from cascade.stop_gaps import stop_gap_numbers

if TYPE_CHECKING:
    from cascade.engine import Engine

__all__ = ["LendingMarkets"]


class LendingMarkets:
    """`engine.lending`: the lending markets of an engine by name."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._added: dict[str, LendingMarket] = {}
        self._caps: dict[tuple[int, str], tuple[int, int]] = {}
        #: Those that liquidate softly, by name.
        self.bands: dict[str, BandMarket] = {}

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
            raise TypeError(f"rules must be LendingRules or ProtocolRules, got {said(rules)}")
        check_name(name, "lending market", self._added)
        engine = self._engine
        asset = engine.asset if asset is None else asset
        scale = engine.scale_of(asset)
        numbers = rules.numbers(scale)
        # what is refused is refused before anything is made
        auctions = None if rules.auction is None else rules.auction.numbers(scale)["hole"]
        if rules.auction is not None:
            rules.auction.check_terms(scale)
        if rules.troves is not None:
            rules.troves.numbers(scale)
        stop_gap_numbers(rules, scale)
        number = _lendingentry.add_lending(engine, asset=engine.asset_number(asset), **numbers)
        if auctions is not None:
            _auctionentry.add_auctions(engine, number, hole=auctions)
        made = LendingMarket(engine, name, number, rules, asset)
        self._added[name] = made
        return made

    def cap(
        self,
        price: Market | str | None,
        *,
        supply: Any = None,
        borrow: Any = None,
        asset: str | None = None,
    ) -> None:
        """Limit what all reserves with one price have together, whatever their lending market.

        Parameters
        ----------
        price : Market, str or None
            Market whose mark is their price; None: the money itself.
        supply, borrow : number, optional
            Most that may be supplied and owed, in units of the asset; None: any. What is beyond a cap
            when it is stated stays; no more comes.
        asset : str, optional
            With ``price=None``, which money; default the engine's.

        Raises
        ------
        KeyError, TypeError, ValueError
            The market is unknown, or an amount off its grid or outside 0 ... 2**60 lots.
        """
        engine = self._engine
        source = None if price is None else engine.market(price)
        named = engine.asset if asset is None else asset
        if source is not None:
            if isinstance(source, LendingSide):
                raise ValueError(f"price {source.name!r} is a side of a reserve")
            if asset not in (None, source.asset):
                raise ValueError(f"asset {asset!r}: the price is in {source.asset!r}")
            named = source.asset
        step = Fraction(1, engine.scale_of(named)) if source is None else source.lots.step
        lots = source.lots if source is not None else Grid(step, "amount")
        most = cap_lots(lots, supply, "supply"), cap_lots(lots, borrow, "borrow")
        number = -1 if source is None else source.number
        _lendingterms.set_exposure(engine, number, engine.asset_number(named), *most)
        self._caps[number, named] = most

    def cap_numbers(self) -> list[list[Any]]:
        """Caps as stated: number of the price's market (-1: money), asset, lots supplied and owed (-1: any)."""
        return [[*key, *most] for key, most in self._caps.items()]

    def add_bands(
        self,
        name: str,
        *,
        price: Market | str,
        venue: Market | Literal["price"] | str | None = "price",
        rules: BandRules | None = None,
        rate: Rate = 0,
        oracle: Oracle | None = None,
        asset: str | None = None,
    ) -> BandMarket:
        """Add a market of soft liquidation: ``docs/bands-market.md``.

        Parameters
        ----------
        name : str
        price : Market or str
            Linear market whose mark is the collateral's price; band 0 begins at its mark now.
        venue : Market, str, "price" or None, default "price"
            Where liquidators trade collateral against the bands, as in `LendingMarket.add_reserve`.
        rules : BandRules, optional
            Such as `cascade.rules.crvusd` gives.
        rate : number, default 0
            Yearly interest of debts, linear in a step.
        oracle : Oracle, optional
            Default: the mark is believed at once.
        asset : str, optional
            Money that is lent; default the engine's.

        Returns
        -------
        BandMarket
            Also in `bands`, and its reserves in a lending market of the same name.

        Raises
        ------
        KeyError, TypeError, ValueError, OverflowError
            An argument is wrong, the price's market has no mark, or a lot is worth more than 2**46 atoms.
        """
        return add_bands(self._engine, name, price, venue, rules, rate, oracle, asset)
