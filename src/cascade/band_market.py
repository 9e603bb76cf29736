"""`BandMarket`: loans whose collateral is sold through bands as the price falls, and bought back as it rises.

``docs/bands-market.md`` defines everything; made by `engine.lending.add_bands`.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cascade import _bandentry
from cascade._grid import Grid
from cascade.band_rules import BandRules
from cascade.exact_numbers import Rate, exact, whole
from cascade.lending_rules import LendingRules, Oracle
from cascade.refusals import check_name, said

if TYPE_CHECKING:
    from cascade.engine import Engine
    from cascade.lending_market import LendingMarket
    from cascade.market import Market
    from cascade.reserve import Reserve

__all__ = ["BandMarket"]

PARTS, YEARLY_PARTS = 10**9, 10**18
HIGHEST_RATE = 9
LARGEST_BASE_BITS, LARGEST_UNIT = 46, 2**31
COLLATERAL, DEBT = "collateral", "debt"
CLOSED: dict[str, Any] = {"collateral": False, "borrowable": False, "supply_cap": 0}


class BandMarket:
    """A market of soft liquidation: bands, the loans in them, and who trades with them.

    Attributes
    ----------
    engine : Engine
    number : int
        Position among the engine's soft liquidation markets.
    lending : LendingMarket
        What stands for it among the lending markets, with a reserve for each of its two assets. Nothing
        is supplied to them or borrowed from them: `collateral` has the oracle and can be paused.
    rules : BandRules
    collateral, debt : Reserve
    """

    def __init__(
        self, lending: LendingMarket, rules: BandRules, number: int, given: dict[str, int]
    ) -> None:
        self.engine: Engine = lending.engine
        self.number = number
        self.lending: LendingMarket = lending
        self.rules: BandRules = rules
        self.collateral: Reserve = lending[COLLATERAL]
        self.debt: Reserve = lending[DEBT]
        self.given: dict[str, int] = given

    def __repr__(self) -> str:
        return f"<BandMarket {self.name!r}: {len(self)} loans, active band {self.active_band}>"

    def __len__(self) -> int:
        return self.row()["loans"]

    @property
    def name(self) -> str:
        """Name of the lending market."""
        return self.lending.name

    def row(self) -> dict[str, int]:
        """Whole numbers: index of 10**18, scaled debt, bands, oracle, counts."""
        return _bandentry.band_row(self.engine, self.number)

    # --- loans ---------------------------------------------------------------------------------

    def _atoms(self) -> Grid:
        return self.debt.lots

    def open(
        self, *, collateral: ArrayLike, debt: ArrayLike, bands: ArrayLike = 10
    ) -> NDArray[np.int64]:
        """Open accounts with a loan each, columns of one length or numbers.

        Parameters
        ----------
        collateral : number or column
            Comes from outside, into the bands.
        debt : number or column
            Money that is made, and goes there.
        bands : int or column, default 10
            N, 4 ... 50. The first band is the lowest at whose upper price the collateral still carries
            the debt.

        Returns
        -------
        numpy.ndarray of int64
            Numbers of the loans in this market; `columns` has their accounts.

        Raises
        ------
        TypeError, ValueError, OverflowError
            An amount is off the grid, not above zero or too large; a debt is more than its collateral
            carries. No loan is opened then.
        """
        rows = [
            np.atleast_1d(self.collateral.lots.steps_of(collateral, "collateral")),
            np.atleast_1d(self._atoms().steps_of(debt, "debt")),
            np.atleast_1d(np.asarray(bands)),
        ]
        if rows[2].dtype.kind not in "iu":
            raise TypeError(f"bands must be whole numbers, got {bands!r}")
        names = ("collateral", "debt", "bands")
        for name, column in zip(names, rows, strict=True):
            if column.ndim != 1:
                raise ValueError(f"{name} has {column.ndim} dimensions, and must have one or none")
        count = max(len(column) for column in rows)
        for name, column in zip(names, rows, strict=True):
            if len(column) not in (1, count):
                raise ValueError(f"{name} has {len(column)} numbers, and must have 1 or {count}")
        columns = [
            np.ascontiguousarray(np.broadcast_to(column, count), dtype=np.int64) for column in rows
        ]
        first = _bandentry.open_loans(self.engine, self.number, *columns)
        return np.arange(first, first + count)

    def max_debt(self, collateral: Any, bands: int = 10) -> float:
        """Largest debt that collateral carries now, one part in ten thousand below the edge.

        Raises
        ------
        ValueError, OverflowError
            The amount is off the grid or not above zero, or the bands are not 4 ... 50.
        """
        lots = self.collateral.lots.steps(collateral, "collateral")
        atoms = _bandentry.max_debt(self.engine, self.number, lots, whole(bands, "bands"))
        return self._atoms().number(atoms)

    def repay(self, loan: int, amount: Any) -> None:
        """Repay a debt from outside; a loan none of whose bands has traded moves to lower bands.

        Repaid in full, the owner gets what the bands hold of it.

        Raises
        ------
        ValueError
            The loan is unknown or repaid, the amount more than is owed, or the market paused.
        """
        _bandentry.repay_loan(
            self.engine, self.number, whole(loan, "loan"), self._atoms().steps(amount, "amount")
        )

    def _adjust(self, loan: int, lots: int, debt: int, less: bool) -> None:
        _bandentry.adjust_loan(self.engine, self.number, whole(loan, "loan"), lots, debt, less)

    def _lots(self, amount: Any) -> int:
        lots = self.collateral.lots.steps(amount, "amount")
        if lots <= 0:
            raise ValueError(
                f"amount {amount!r} is below {self.collateral.lots.number(1):g}, one lot"
            )
        return lots

    def add_collateral(self, loan: int, amount: Any) -> None:
        """Add collateral from outside; the loan moves to lower bands.

        Raises
        ------
        ValueError, OverflowError
            The loan is unknown, repaid or in soft liquidation; the amount is refused.
        """
        self._adjust(loan, self._lots(amount), 0, False)

    def remove_collateral(self, loan: int, amount: Any) -> None:
        """Take collateral out; the loan moves to higher bands.

        Raises
        ------
        ValueError
            As `add_collateral`, or what is left does not carry the debt.
        """
        self._adjust(loan, self._lots(amount), 0, True)

    def borrow(self, loan: int, amount: Any) -> None:
        """Make more debt of a loan, which moves to higher bands.

        Raises
        ------
        ValueError, OverflowError
            As `add_collateral`, or the collateral does not carry it.
        """
        self._adjust(loan, 0, self._atoms().steps(amount, "amount"), False)

    # --- what is seen --------------------------------------------------------------------------

    def columns(self) -> dict[str, NDArray[np.int64]]:
        """Whole numbers by loan.

        Returns
        -------
        dict of str to numpy.ndarray of int64
            ``account``; ``first`` and ``last`` band; ``debt``, ``stable`` (money in its bands) and
            ``backing`` (what counts against the debt) in atoms; ``collateral`` in parts of a lot, see
            `parts`; ``due``, 0 or 1. A loan that was repaid has no bands and no debt.
        """
        found = _bandentry.loan_columns(self.engine, self.number)
        return dict(zip(_bandentry.COLUMNS, found, strict=True))

    @property
    def health(self) -> NDArray[np.float64]:
        """Health by loan: what backs the debt over it, less one; below 0 is liquidatable, nan without debt."""
        columns = self.columns()
        with np.errstate(divide="ignore", invalid="ignore"):
            health = columns["backing"] / columns["debt"] - 1
        health[columns["debt"] == 0] = np.nan
        return health

    @property
    def holdings(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Money and collateral in each loan's bands, as amounts."""
        columns = self.columns()
        lot = float(exact(self.collateral.lots.step, "lot_size"))
        return (
            np.asarray(columns["stable"] * self._atoms().number(1), np.float64),
            np.asarray(columns["collateral"] / self.parts * lot, np.float64),
        )

    @property
    def debts(self) -> NDArray[np.float64]:
        """Debt by loan."""
        return np.asarray(self.columns()["debt"] * self._atoms().number(1), np.float64)

    @property
    def bad_debt(self) -> float:
        """What debts exceed the money and the collateral, at the oracle's price, in their bands by.

        It stays with the loans: nobody gains by liquidating them.
        """
        return self._atoms().number(self.totals()["bad_debt"])

    @property
    def bands(self) -> NDArray[np.int64]:
        """Bands that hold deposits: number, upper price, atoms, parts of a lot, shares, one row a band.

        The price is in parts of ``2 ** -shift`` of an atom a lot; `band_price` gives it as a number.
        """
        return _bandentry.band_rows(self.engine, self.number)

    def band_price(self, number: int) -> float:
        """Upper price of a band: ``base * ((A - 1) / A) ** number``.

        Raises
        ------
        ValueError
            The band is outside of the grid.
        """
        edge = _bandentry.band_edge(self.engine, self.number, whole(number, "number"))
        return self._price(edge)

    def _price(self, parts: int) -> float:
        row = self.row()
        lot = float(exact(self.collateral.lots.step, "lot_size"))
        return parts / 2 ** row["shift"] * self._atoms().number(1) / lot

    @property
    def price(self) -> float:
        """Price of the oracle after the limit on its step."""
        return self._price(self.row()["oracle"])

    @property
    def active_band(self) -> int:
        """The band that trades: those above it hold money, those below it collateral."""
        return self.row()["active"]

    @property
    def parts(self) -> int:
        """Parts of a lot in which collateral is counted."""
        return self.row()["parts"]

    @property
    def rate_index(self) -> float:
        """What one unit of debt at the beginning has become."""
        return self.row()["index"] / YEARLY_PARTS

    @property
    def evaluations(self) -> int:
        """Times that the health of a loan was worked out because it may have changed."""
        return self.row()["evaluations"]

    def totals(self) -> dict[str, int]:
        """Sums over the bands and since the beginning, see ``docs/bands-market.md``."""
        return _bandentry.band_totals(self.engine, self.number)


def add_bands(
    engine: Engine,
    name: str,
    price: Market | str,
    venue: Market | str | None,
    rules: BandRules | None,
    rate: Rate,
    oracle: Oracle | None,
    asset: str | None,
) -> BandMarket:
    """What `LendingMarkets.add_bands` does: everything is checked before anything is added."""
    rules = BandRules() if rules is None else rules
    if not isinstance(rules, BandRules):
        raise TypeError(f"rules must be BandRules, got {said(rules)}")
    yearly = exact(rate, "rate") * YEARLY_PARTS
    if not 0 <= yearly <= HIGHEST_RATE * YEARLY_PARTS:
        raise ValueError(f"rate {rate!r} is outside 0 ... {HIGHEST_RATE}")
    if oracle is not None and not isinstance(oracle, Oracle):
        raise TypeError(f"oracle must be an Oracle, got {oracle!r}")
    check_name(name, "lending market", [market.name for market in engine.lending])
    numbers = {**rules.numbers(), "rate": int(yearly)}
    base = lot_worth(engine, price, venue, asset)
    lending = engine.lending.add(name, rules=LendingRules(zero_price="refused"), asset=asset)
    lending.add_reserve(COLLATERAL, price=price, venue=venue, oracle=oracle, **CLOSED)
    lending.add_reserve(DEBT, price=None, **CLOSED)
    return make_bands(lending, {"base": base, **numbers}, rules.source)


def lot_worth(
    engine: Engine, price: Market | str, venue: Market | str | None, asset: str | None
) -> int:
    """Atoms that a lot of the collateral is worth now, where bands can be added for it."""
    from cascade.lending_market import LendingMarket

    probe = LendingMarket(engine, "", -1, LendingRules(), asset or engine.asset)
    source = probe.priced_by(price)
    probe.sold_in(venue, source)
    if not source.mark_ticks:
        raise ValueError(f"market {source.name!r} has no mark yet: set its index first")
    base = source.atoms_of(1, 1) * source.mark_ticks
    if base.bit_length() > LARGEST_BASE_BITS or source.atoms_of(1, 1) > LARGEST_UNIT:
        raise OverflowError(
            f"a lot is worth {base} atoms, more than 2**46: use smaller lots or fewer asset_decimals"
        )
    return base


def make_bands(lending: LendingMarket, numbers: dict[str, int], source: str = "") -> BandMarket:
    """Bands on the two reserves of a lending market, from whole numbers."""
    number = _bandentry.add_band_market(
        lending.engine,
        reserve=lending[COLLATERAL].number,
        money=lending[DEBT].number,
        **numbers,
    )
    rates = ("fee", "loan_discount", "liquidation_discount")
    fee, loan, liquidation = (Fraction(numbers[key], PARTS) for key in rates)
    rules = BandRules(numbers["amplification"], fee, loan, liquidation, source=source)
    made = BandMarket(lending, rules, number, {"lending": lending.number, **numbers})
    lending.engine.lending.bands[lending.name] = made
    return made
