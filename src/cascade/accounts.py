"""`engine.accounts`: columns in, ids out; money in and out; columns by account id."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cascade import _money
from cascade._columns import account_table, position_column, unit_columns
from cascade._grid import Grid
from cascade.exact_numbers import whole
from cascade.market import Market

if TYPE_CHECKING:
    from cascade.engine import Engine

SIDES = {"long": 1, "short": -1, "buy": 1, "sell": -1}
LEGS = (None, "long", "short")
MODES = {"isolated": True, "cross": False}
HUNDREDTHS = Grid("0.01", "leverage")
LARGEST_LEVERAGE = 2**32 - 1


def _signs(side: ArrayLike) -> NDArray[np.int64]:
    column = np.asarray(side)
    if column.dtype.kind in "US" or column.dtype == object:
        try:
            signs = np.array(
                [SIDES[s] if isinstance(s, str) else int(s) for s in column.ravel().tolist()],
                dtype=np.int64,
            ).reshape(column.shape)
        except (KeyError, TypeError, ValueError):
            raise ValueError("side must be 'long', 'short', 1 or -1") from None
    elif column.dtype.kind in "iuf":
        if not np.isin(column, (-1, 1)).all():
            raise ValueError("side must be 'long', 'short', 1 or -1")
        signs = column.astype(np.int64)
    else:
        raise TypeError(f"side must be 'long', 'short', 1 or -1, got dtype {column.dtype}")
    if signs.size and not (np.abs(signs) == 1).all():
        raise ValueError("side must be 'long', 'short', 1 or -1")
    return signs


class Accounts:
    """The accounts of an engine, by dense id from 0."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __len__(self) -> int:
        return self._engine.account_count

    # --- opening -------------------------------------------------------------------------------

    def create(
        self, count: int = 1, balance: Any = 0, *, hedge: bool = False, asset: str | None = None
    ) -> NDArray[np.int64]:
        """Make accounts without positions.

        Parameters
        ----------
        count : int
        balance : number
            Deposit of each, in units of the asset.
        hedge : bool, default False
            Hold a long and a short position a market instead of one.
        asset : str, optional
            Kind of money; default the engine's.

        Returns
        -------
        numpy.ndarray of int64
            Ids.

        Raises
        ------
        ValueError
            `count` or `balance` is negative, or finer than an atom.
        OverflowError
            The deposits do not fit in 64 bits.
        """
        engine = self._engine
        number = engine.asset_number(asset)
        first = engine._create_accounts(
            whole(count, "count"), number, engine.to_atoms(balance, asset, "balance"), hedge
        )
        return np.arange(first, first + whole(count, "count"), dtype=np.int64)

    def open(
        self,
        market: Market | str,
        *,
        side: ArrayLike,
        size: ArrayLike,
        entry: ArrayLike,
        leverage: ArrayLike | None = None,
        margin: ArrayLike | None = None,
        mode: str = "isolated",
        account: ArrayLike | None = None,
        leg: str | None = None,
        hedge: bool = False,
        round: bool = False,
    ) -> NDArray[np.int64]:
        """Open positions from columns (or scalars), against the world outside.

        Parameters
        ----------
        market : Market or str
        side : {"long", "short"}, +1 or -1, or a column of them
        size, entry : number or column
            Size and entry price.
        leverage : number or column, optional
            Entry value over margin; the margin is deposited with the position, rounded up. Kept to 1/100.
        margin : number or column, optional
            Deposit itself, instead of `leverage`.
        mode : {"isolated", "cross"}, default "isolated"
            Where the margin goes: to the position, or to the account's balance.
        account : column of int, optional
            Existing accounts, each at most once; default new ones.
        leg : {"long", "short"}, optional
            Only for hedge accounts, where it must agree with the side.
        hedge : bool, default False
            Make the new accounts hedge accounts.
        round : bool, default False
            Round sizes, prices and amounts to the grid (half to even) instead of refusing them.

        Returns
        -------
        numpy.ndarray of int64
            Account ids, one a row.

        Raises
        ------
        TypeError, ValueError
            A column has the wrong type, shape or value; the row is named and nothing is opened.
        OverflowError
            A product of size, price and multiplier does not fit in 64 bits.
        """
        engine = self._engine
        market = engine.market(market)
        if (leverage is None) == (margin is None):
            raise ValueError("give one of leverage and margin")
        if mode not in MODES:
            raise ValueError(f"mode must be 'isolated' or 'cross', got {mode!r}")
        signs = _signs(side)
        lots = engine.steps(market.lots, size, "size", round)
        ticks = engine.steps(market.ticks, entry, "entry", round)
        hundredths = atoms = None
        if leverage is not None:
            hundredths = self._leverage(leverage, round)
        else:
            assert margin is not None  # one of the two is given
            atoms = engine.atoms_of(margin, market.asset, "margin", round)
        return self._open(
            market,
            [signs, lots, ticks, hundredths, atoms, None, account],
            MODES[mode],
            hedge,
            leg,
        )

    def open_ladder(
        self,
        market: Market | str,
        *,
        side: ArrayLike,
        size: ArrayLike,
        trigger: ArrayLike,
        bankruptcy: ArrayLike,
        round: bool = False,
    ) -> NDArray[np.int64]:
        """Open positions by where they fall due and where they are worth nothing.

        Parameters
        ----------
        market : Market or str
        side, size
            As in `open`.
        trigger, bankruptcy : number or column
            Prices; the bankruptcy price is not nearer than the trigger.
        round : bool, default False
            As in `open`.

        Returns
        -------
        numpy.ndarray of int64
            Ids of the new accounts.

        Raises
        ------
        TypeError, ValueError, OverflowError
            As `open`.
        """
        engine = self._engine
        market = engine.market(market)
        columns = [
            _signs(side),
            engine.steps(market.lots, size, "size", round),
            engine.steps(market.ticks, bankruptcy, "bankruptcy", round),
            None,
            None,
            engine.steps(market.ticks, trigger, "trigger", round),
            None,
        ]
        return self._open(market, columns, True, False, None)

    def _leverage(self, leverage: ArrayLike, rounding: bool) -> NDArray[np.int64]:
        column = np.asarray(leverage)
        if column.dtype.kind == "f":
            # a crowd drawn at random: leverage is a setting, kept to 1/100, downwards
            if not np.isfinite(column).all():
                raise ValueError("leverage is not finite")
            steps = np.floor(column * 100 + 1e-6).astype(np.int64)
        else:
            steps = self._engine.steps(HUNDREDTHS, leverage, "leverage", rounding)
        if steps.size and not ((steps >= 1) & (steps <= LARGEST_LEVERAGE)).all():
            raise ValueError(f"leverage is outside 0.01 ... {LARGEST_LEVERAGE / 100}")
        return steps

    def _open(
        self, market: Market, columns: list[Any], isolated: bool, hedge: bool, leg: str | None
    ) -> NDArray[np.int64]:
        account = columns[-1]
        if account is not None:
            ids = np.asarray(account)
            if ids.dtype.kind not in "iu":
                raise TypeError(f"account must be integers, got dtype {ids.dtype}")
            columns[-1] = ids.astype(np.int64)
        shapes = [np.shape(c) for c in columns if c is not None and np.ndim(c)]
        if any(len(shape) != 1 for shape in shapes) or len(set(shapes)) > 1:
            raise ValueError(f"columns must have one dimension and the same length, got {shapes}")
        length = shapes[0][0] if shapes else 1
        filled: list[Any] = [
            None
            if c is None
            else np.ascontiguousarray(np.broadcast_to(c, (length,)), dtype=np.int64)
            for c in columns
        ]
        signs, lots, ticks, hundredths, atoms, triggers, ids = filled
        if lots.size and lots.min() <= 0:
            row = int(np.argmin(lots))
            raise ValueError(f"row {row}: size {lots[row]} lots is not above zero")
        if leg not in LEGS:
            raise ValueError(f"leg must be 'long', 'short' or None, got {leg!r}")
        if leg is not None and (signs != SIDES[leg]).any():
            raise ValueError(f"leg {leg!r} does not agree with side")
        if ids is not None:
            if np.unique(ids).size != ids.size:
                raise ValueError("account has duplicate ids")
            hedge = bool(ids.size and self._engine.is_hedge(int(ids[0])))
        if leg is not None and not hedge:
            raise ValueError(f"leg {leg!r}: the accounts have one position a market, not two legs")
        first = self._engine._open_accounts(
            market.number, ids, signs * lots, ticks, atoms, hundredths, triggers, isolated, hedge
        )
        if ids is not None:
            return ids.copy()
        return np.arange(first, first + length, dtype=np.int64)

    # --- money ---------------------------------------------------------------------------------

    def deposit(self, account: int, amount: Any) -> None:
        """Add money to an account's balance.

        Raises
        ------
        ValueError
            The account is unknown, or `amount` is not above zero or finer than an atom.
        """
        _money.move_balance(self._engine, whole(account, "account"), self._amount(account, amount))

    def withdraw(self, account: int, amount: Any) -> None:
        """Take money out of an account's balance.

        Raises
        ------
        ValueError
            `amount` is above the balance or would leave less than the initial margin.
        """
        _money.move_balance(self._engine, whole(account, "account"), -self._amount(account, amount))

    def _amount(self, account: int, amount: Any) -> int:
        atoms = self._engine.to_atoms(amount, self._engine.asset_of(account), "amount")
        if atoms <= 0:
            raise ValueError(f"amount {amount!r} is not above zero")
        return atoms

    def free(self, account: int) -> float:
        """Collateral above initial margin; negative below it."""
        atoms = _money.free_collateral_atoms(self._engine, whole(account, "account"))
        return self._engine.from_atoms(atoms, self._engine.asset_of(account))

    def set_leverage(
        self, account: int, market: Market | str, leverage: Any, mode: str | None = None
    ) -> None:
        """Set leverage, and the margin mode unless None, for later orders in a market.

        Raises
        ------
        ValueError
            The account has a position or orders there, or a value is out of range.
        """
        if mode is not None and mode not in MODES:
            raise ValueError(f"mode must be 'isolated' or 'cross', got {mode!r}")
        _money.set_leverage(
            self._engine,
            whole(account, "account"),
            self._engine.market(market).number,
            HUNDREDTHS.steps(leverage, "leverage"),
            None if mode is None else MODES[mode],
        )

    def transfer(
        self, account: int, market: Market | str, amount: Any, leg: str | None = None
    ) -> None:
        """Move money from the balance to an isolated position's margin, or back when negative.

        Raises
        ------
        ValueError
            There is no isolated position, or the amount is more than can be spared.
        """
        asset = self._engine.asset_of(account)
        atoms = self._engine.to_atoms(amount, asset, "amount")
        _money.transfer(
            self._engine, whole(account, "account"), self._engine.market(market).number, atoms, leg
        )

    # --- columns by account id -----------------------------------------------------------------

    def _units(self, atoms: NDArray[np.int64]) -> NDArray[np.float64]:
        scales = self._engine.atoms_per_unit()
        return atoms / scales[account_table(self._engine)["asset"]]

    @property
    def balance_atoms(self) -> NDArray[np.int64]:
        """Balances, isolated margins not included."""
        return account_table(self._engine)["balance"].copy()

    @property
    def balance(self) -> NDArray[np.float64]:
        """Balances in units of each account's asset, isolated margins not included."""
        return self._units(self.balance_atoms)

    @property
    def equity_atoms(self) -> NDArray[np.int64]:
        """Balance, margins and unrealised PnL at the marks, all units of the account together."""
        return unit_columns(self._engine)[0]

    @property
    def equity(self) -> NDArray[np.float64]:
        """`equity_atoms` in units of the asset."""
        return self._units(self.equity_atoms)

    @property
    def maintenance_atoms(self) -> NDArray[np.int64]:
        """Maintenance margin at the marks, all units of the account together."""
        return unit_columns(self._engine)[1]

    @property
    def maintenance(self) -> NDArray[np.float64]:
        """`maintenance_atoms` in units of the asset."""
        return self._units(self.maintenance_atoms)

    def column(self, market: Market | str, name: str, leg: str | None = None) -> NDArray[np.int64]:
        """Whole numbers of the accounts' positions in a market.

        Parameters
        ----------
        market : Market or str
        name : {"size", "entry_value", "margin", "leverage", "liquidation_price", "bankruptcy_price"}
            Lots, atoms, atoms, hundredths, ticks, ticks.
        leg : {"long", "short"}, optional
            One leg of hedge accounts.

        Returns
        -------
        numpy.ndarray of int64
            One number an account; 0 without a position (leverage: 100).
        """
        return position_column(self._engine, self._engine.market(market).number, name, leg)

    def size(self, market: Market | str, leg: str | None = None) -> NDArray[np.float64]:
        """Signed sizes."""
        return self._engine.market(market).lots.numbers_of(self.column(market, "size", leg))

    def entry_value(self, market: Market | str, leg: str | None = None) -> NDArray[np.float64]:
        """Signed entry values in units of the asset."""
        atoms = self.column(market, "entry_value", leg)
        return atoms / self._engine.scale_of(self._engine.market(market).asset)

    def margin(self, market: Market | str, leg: str | None = None) -> NDArray[np.float64]:
        """Isolated margins in units of the asset."""
        atoms = self.column(market, "margin", leg)
        return atoms / self._engine.scale_of(self._engine.market(market).asset)

    def funding_owed(self, market: Market | str, leg: str | None = None) -> NDArray[np.float64]:
        """Funding accrued and not paid yet, in units of the asset; below zero: not received yet."""
        atoms = self.column(market, "funding_owed", leg)
        return atoms / self._engine.scale_of(self._engine.market(market).asset)

    def leverage(self, market: Market | str, leg: str | None = None) -> NDArray[np.float64]:
        """Leverage set for the positions; 1 by default."""
        return self.column(market, "leverage", leg) / 100

    def liquidation_price(
        self, market: Market | str, leg: str | None = None
    ) -> NDArray[np.float64]:
        """Price at which each unit falls due when only this market moves; 0 where there is none."""
        ticks = self.column(market, "liquidation_price", leg)
        return self._engine.market(market).ticks.numbers_of(ticks)

    def bankruptcy_price(self, market: Market | str, leg: str | None = None) -> NDArray[np.float64]:
        """Last price at which each unit's equity is not negative, other marks unchanged."""
        ticks = self.column(market, "bankruptcy_price", leg)
        return self._engine.market(market).ticks.numbers_of(ticks)
