"""`Reserve` and `LendingSide`: one asset of a lending market and the two markets that stand for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from cascade import _lendingentry, _oracleentry, _protocolentry
from cascade._grid import Grid
from cascade.exact_numbers import flag, step_time
from cascade.market import Market

if TYPE_CHECKING:
    from cascade.lending_market import LendingMarket

__all__ = ["LendingSide", "Reserve"]

INDEX_ONE = 10**18
SECONDS_PER_YEAR = 365 * 86_400
FAILURES: tuple[Literal["stale", "zero", "reverts"] | None, ...] = (
    None,
    "stale",
    "zero",
    "reverts",
)


class LendingSide(Market):
    """Supplied or borrowed side of a reserve: a market without a venue.

    Its mark is the believed price times the side's index, in parts of a tick; an account's deposit or
    debt is a position of scaled lots in it, debts negative. It is in `Engine.markets` so that events
    can name it, and nothing trades there.
    """

    is_side = True
    reserve: Reserve
    borrowed: bool
    category: str | None = None  # whose accounts have their deposits there

    @property
    def mark(self) -> float | None:
        """Price believed times the index; 0 at a price of zero, None before there is one."""
        ticks = self.row()["mark"]
        return 0.0 if ticks < 0 else self._price("mark")

    @property
    def mark_ticks(self) -> int:
        """The same in parts of a tick, 0 before there is one too."""
        return max(self.row()["mark"], 0)

    def check_index_given(self) -> None:
        """Refused: the mark follows the reserve's oracle.

        Raises
        ------
        ValueError
            Always.
        """
        raise ValueError(f"market {self.name!r} is a side of a reserve and has no index")


class Reserve:
    """One asset of a lending market; made by `LendingMarket.add_reserve`.

    Attributes
    ----------
    lending : LendingMarket
    name : str
    number : int
        Position among the engine's reserves.
    source : Market or None
        Market whose mark is its price; None: money itself.
    venues : tuple of Market
        Where seized collateral is sold and repaid debts are bought; empty: any amount at the mark.
    lots : Grid
        Conversion between amounts and lots.
    supplied_side, borrowed_side : LendingSide
    supplied_sides : list of LendingSide
        `supplied_side` and those of categories.
    """

    def __init__(
        self,
        lending: LendingMarket,
        name: str,
        source: Market | None,
        venues: tuple[Market, ...],
        lots: Grid,
        sides: tuple[LendingSide, LendingSide],
        number: int,
        given: dict[str, Any],
    ) -> None:
        self.lending: LendingMarket = lending
        self.name = name
        self.source: Market | None = source
        self.venues: tuple[Market, ...] = venues
        self.lots: Grid = lots
        self.supplied_side: LendingSide = sides[0]
        self.borrowed_side: LendingSide = sides[1]
        self.supplied_sides: list[LendingSide] = [sides[0]]
        self.number = number
        self.given = given
        for side, borrowed in zip(sides, (False, True), strict=True):
            side.reserve, side.borrowed = self, borrowed

    def __repr__(self) -> str:
        return f"<Reserve {self.name!r}: {self.supplied:g} supplied, {self.borrowed:g} borrowed>"

    @property
    def venue(self) -> Market | None:
        """The first of its venues; None: any amount at the mark."""
        return self.venues[0] if self.venues else None

    def row(self) -> dict[str, int]:
        """Whole numbers: lots, scaled lots, indices of 10**18, price in ticks."""
        return _lendingentry.reserve_row(self.lending.engine, self.number)

    def _lots(self, name: str) -> float:
        return self.lots.number(self.row()[name])

    @property
    def price(self) -> float | None:
        """Price that is believed, 0 where its oracle says so; None before there is one."""
        ticks = self.row()["price"]
        if not ticks:
            return 0.0 if self.supplied_side.mark == 0 else None
        return float(ticks) if self.source is None else self.source.ticks.number(ticks)

    @property
    def supplied(self) -> float:
        """Amount supplied, interest included."""
        return self._lots("supplied_lots")

    @property
    def borrowed(self) -> float:
        """Amount owed, interest included."""
        return self._lots("owed_lots")

    @property
    def cash(self) -> float:
        """Amount that can be borrowed, withdrawn or seized."""
        return self._lots("cash")

    @property
    def treasury(self) -> float:
        """Amount that belongs to the protocol."""
        return self._lots("treasury")

    @property
    def absorbed(self) -> float:
        """Amount of the treasury that the protocol took over and offers for sale."""
        return self._lots("absorbed")

    @property
    def auctioned(self) -> float:
        """Amount of the treasury that is in auctions."""
        return self._lots("auctioned")

    @property
    def awaited(self) -> float:
        """Debts taken over that auctions are to bring."""
        return self._lots("awaited")

    @property
    def isolated_debt(self) -> float:
        """What counts against its debt ceiling, in units of what accounts with this collateral owe."""
        return self.row()["isolated_debt"] / 100

    @property
    def deficit(self) -> float:
        """Debts written off that nobody has covered."""
        return self._lots("deficit")

    @property
    def utilisation(self) -> float:
        """Share of what there is that is borrowed."""
        row = self.row()
        total = row["cash"] + row["owed_lots"]
        return row["owed_lots"] / total if total else 0.0

    @property
    def supply_index(self) -> float:
        """What one unit supplied at the beginning has become."""
        return self.row()["supply_index"] / INDEX_ONE

    @property
    def borrow_index(self) -> float:
        """What one unit borrowed at the beginning has become."""
        return self.row()["borrow_index"] / INDEX_ONE

    @property
    def rate_at_target(self) -> float:
        """Yearly rate at target utilisation of an `AdaptiveRate`, as the market has moved it; else 0."""
        return self.row()["rate_at_target"] * SECONDS_PER_YEAR / INDEX_ONE

    @property
    def paused(self) -> bool:
        """Does nothing happen to the reserve, liquidations included?"""
        return bool(self.row()["paused"])

    @property
    def frozen(self) -> bool:
        """Is nothing added to its supply or its debts?"""
        return bool(self.row()["frozen"])

    def pause(self, paused: bool = True, *, grace: Any = 0) -> None:
        """Stop supplying, redeeming, borrowing, repaying and liquidations, or allow them again.

        Parameters
        ----------
        paused : bool, default True
        grace : seconds, default 0
            With ``paused=False``: liquidations begin so much later, so that borrowers can act first.

        Raises
        ------
        TypeError, ValueError
            `paused` is neither True nor False; `grace` is negative or too long.
        """
        _lendingentry.pause_reserve(
            self.lending.engine, self.number, flag(paused, "paused"), step_time(grace, "grace")
        )

    def freeze(self, frozen: bool = True) -> None:
        """Refuse more supply and more debts, or allow them again; all else goes on."""
        _lendingentry.freeze_reserve(self.lending.engine, self.number, flag(frozen, "frozen"))

    @property
    def oracle_failure(self) -> Literal["stale", "zero", "reverts"] | None:
        """How its oracle fails; None: it works."""
        return FAILURES[self.row()["oracle"]]

    def fail_oracle(self, failure: Literal["stale", "zero", "reverts"] | None) -> None:
        """Let the reserve's oracle fail, or work again.

        Parameters
        ----------
        failure : {"stale", "zero", "reverts"} or None
            The price believed stays; it is zero at once; or whoever asks for it gets none. None: it works
            again, and is read as if the mark of its market had just changed.

        Raises
        ------
        ValueError
            There is no such failure.

        Notes
        -----
        ``docs/lending-market.md``, *Failing oracles*; what zero means is `LendingRules.zero_price`.
        """
        if failure not in FAILURES:
            known = ", ".join(map(repr, FAILURES))
            raise ValueError(f"failure must be one of {known}, got {failure!r}")
        if self.lending.rules.troves is not None and failure not in (None, "stale"):
            raise ValueError(f"failure {failure!r}: an oracle of troves can be 'stale' alone")
        _oracleentry.fail_reserve_oracle(self.lending.engine, self.number, FAILURES.index(failure))

    def burn_deficit(self, amount: Any) -> None:
        """Pay for debts that were written off into the deficit, from outside.

        Parameters
        ----------
        amount : number
            At most the deficit.

        Raises
        ------
        ValueError, OverflowError
            The amount is not above zero, off the grid or above the deficit, or the reserve is paused.

        Notes
        -----
        Aave v3.3, Umbrella: claims of a supplier without debts are burned; here they come from outside.
        """
        lots = self.lots.steps(amount, "amount")
        _protocolentry.burn_deficit(self.lending.engine, self.number, lots)

    def supply(self, amount: Any) -> None:
        """Supply from outside, by nobody who borrows.

        Raises
        ------
        ValueError, OverflowError
            The amount is not above zero, off the grid or above the cap, or does not fit.
        """
        _lendingentry.supply(self.lending.engine, self.number, self.lots.steps(amount, "amount"))

    def redeem(self, amount: Any) -> None:
        """Take back what was supplied from outside.

        Raises
        ------
        ValueError
            The amount is not above zero, off the grid, above what was supplied or above the cash.
        """
        _lendingentry.redeem(self.lending.engine, self.number, self.lots.steps(amount, "amount"))
