"""`Engine`: what drivers hold. Quotes, names and seconds on top of the compiled core."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from os import PathLike
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cascade import _following, _money, _poolrows, _stages, _sums, conservation, snapshot
from cascade._columns import account_table, asset_row
from cascade._core import EngineCore
from cascade._grid import Grid
from cascade._halting import set_breaker
from cascade.accounts import Accounts
from cascade.bounds import order_bounds
from cascade.exact_numbers import LARGEST_NUMBER, exact, rate_parts, step_time, unit_atoms, whole
from cascade.following import check_follows, followed_markets
from cascade.impact import Impact
from cascade.lending_markets import LendingMarkets
from cascade.lending_totals import check_lending
from cascade.liquidators import Liquidators
from cascade.market import Market, Venue, check_market
from cascade.population import Residents
from cascade.results import NANOSECONDS, Run, StepResult
from cascade.routed_orders import RoutedOrder, send_route, venues_of
from cascade.ruleset import Rules
from cascade.state_hashes import state_hash
from cascade.step_inputs import index_row, index_rows, message_batches
from cascade.venues import POOLS, pool_in_steps

EXECUTIONS = ("sequential", "batch")
HEDGE = 1


class Engine(EngineCore):
    """Markets, accounts, money and the cascade between them.

    Parameters
    ----------
    seed : int, default 0
        Of the residents' random streams (``docs/residents.md``) and the order of random
        deleveraging.
    execution : {"sequential", "batch"}, default "sequential"
        Let each forced order move the price before the next account is tested, or take all
        accounts due at a price and then execute them.
    asset : str, default "USD"
        Money of the engine.
    asset_decimals : int, default 6
        Digits of an atom of it.

    Examples
    --------
    >>> import cascade as cs
    >>> engine = cs.Engine()
    >>> btc = engine.add_market("BTC", tick_size=1, lot_size="0.01", venue=cs.Impact.linear("0.5"))
    >>> btc.set_index(60_000)
    >>> ids = engine.accounts.open(btc, side="long", size=[10, 10], entry=60_000, leverage=[20, 10])
    >>> engine.step(index={"BTC": 57_000}).liquidated
    1

    Notes
    -----
    An engine is used by one thread at a time; a second one is refused. Several engines run in
    parallel, because the interpreter lock is dropped during a step.
    """

    def __init__(
        self,
        seed: int = 0,
        execution: Literal["sequential", "batch"] = "sequential",
        asset: str = "USD",
        asset_decimals: int = 6,
    ) -> None:
        if execution not in EXECUTIONS:
            raise ValueError(f"execution must be 'sequential' or 'batch', got {execution!r}")
        self.seed: int = whole(seed, "seed")
        self.execution = execution
        self.assets: dict[str, tuple[int, int]] = {}
        self.markets: list[Market] = []
        self.accounts: Accounts = Accounts(self)
        self.residents: Residents = Residents(self)
        self.lending: LendingMarkets = LendingMarkets(self)
        self.liquidators: Liquidators = Liquidators(self)
        self.asset = asset
        self._budget: dict[str, int] = {}
        self.add_asset(asset, asset_decimals)
        self._apply_settings()

    def _apply_settings(self) -> None:
        self._configure(batch=self.execution == "batch", seed=self.seed % 2**64, **self._budget)

    def __repr__(self) -> str:
        return f"<Engine at {self.time:g} s: {len(self.markets)} markets, {len(self.accounts)} accounts>"

    def __reduce__(self) -> Any:
        raise TypeError("an Engine cannot be pickled; use copy(), save() and load()")

    # --- set-up --------------------------------------------------------------------------------

    def add_asset(self, name: str, decimals: int = 6) -> None:
        """Add a kind of money.

        Raises
        ------
        ValueError
            The name exists, or `decimals` is outside 0 ... 18.
        """
        if not isinstance(name, str) or not name:
            raise TypeError(f"asset must be a name, got {name!r}")
        if name in self.assets:
            raise ValueError(f"asset {name!r} exists")
        decimals = whole(decimals, "asset_decimals")
        if not 0 <= decimals <= 18:
            raise ValueError(f"asset_decimals {decimals} is outside 0 ... 18")
        self.assets[name] = (self._add_asset(), 10**decimals)

    def add_market(
        self,
        name: str,
        *,
        tick_size: Any,
        lot_size: Any,
        rules: Rules | None = None,
        venue: Venue = "book",
        contract: Literal["linear", "inverse"] = "linear",
        multiplier: Any = 1,
        asset: str | None = None,
        min_size: Any = None,
        max_size: Any = None,
        min_price: Any = None,
        max_price: Any = None,
        follows: Market | str | Sequence[Market | str] | None = None,
    ) -> Market:
        """Add a contract and its venue.

        Parameters
        ----------
        name : str
        tick_size, lot_size : number
            Steps of price and size. A float means the decimal number that is printed for it.
        rules : Rules, optional
            Default ``Rules()``.
        venue : "book", Impact, ConstantProduct, Concentrated or Stableswap
        contract : {"linear", "inverse"}, default "linear"
            Value ``size * price * multiplier``, or ``size * multiplier / price`` in coins.
        multiplier : number, default 1
        asset : str, optional
            Money that it settles in; default the engine's.
        min_size, max_size, min_price, max_price : number, optional
            Bounds of orders.
        follows : Market, str or sequence of them, optional
            Market of the same tick whose mark is this one's index, from now on and within steps; of
            several the median of their marks (``docs/marks.md``).

        Returns
        -------
        Market

        Raises
        ------
        TypeError, ValueError
            A parameter is wrong; in particular, a tick times a lot must be a whole number of
            atoms: use more ``asset_decimals`` otherwise.
        """
        rules = Rules() if rules is None else rules
        if any(market.name == name for market in self.markets):
            raise ValueError(f"market {name!r} exists")
        check_market(name, rules, venue, contract)
        sources = followed_markets(self, follows)
        asset = self.asset if asset is None else asset
        number, atoms = self._asset(asset)
        ticks, lots = Grid(tick_size, "tick_size"), Grid(lot_size, "lot_size")
        factor = exact(multiplier, "multiplier")
        if factor <= 0:
            raise ValueError(f"multiplier {multiplier!r} is not above zero")
        unit = unit_atoms(contract, Fraction(ticks.step), Fraction(lots.step) * factor * atoms)
        check_follows(sources, ticks, rules)
        steps = Fraction(ticks.step), Fraction(lots.step)
        curve = venue.in_steps(*steps) if isinstance(venue, Impact) else None
        pool = pool_in_steps(venue, *steps, atoms, unit) if isinstance(venue, POOLS) else None
        bounds: dict[str, Any] = {
            "min_size": min_size, "max_size": max_size, "min_price": min_price, "max_price": max_price
        }  # fmt: skip
        limits: dict[str, Any] = order_bounds(ticks, lots, **bounds)
        breaker = rules.breaker.numbers(ticks, lots, atoms) if rules.breaker else None
        market = self._add_market(
            asset=number,
            unit=unit,
            inverse=contract == "inverse",
            **rules.table(atoms),
            **limits,
            impact_venue=venue != "book",
        )
        if curve is not None:
            self._set_impact(market, **curve)
        _stages.set_stages(self, market, **rules.stage_table(atoms), seed=self.seed % 2**64)
        set_breaker(self, market, breaker)
        made = Market(
            self, market, name, ticks, lots, rules, contract, factor, asset,
            venue,
            {n: None if v is None else str(exact(v, n)) for n, v in bounds.items()},
        )  # fmt: skip
        self.markets.append(made)
        if pool is not None:
            _poolrows.set_pool(self, market, **pool)
        if sources:
            made.sources = sources
            _following.follow_marks(self, market, [source.number for source in sources])
        return made

    def budget(
        self, accounts: int | None = None, notional: Any = None, time_per_liquidation: Any = None
    ) -> None:
        """Bound the liquidations of a step; what is still due waits for the next one.

        Parameters
        ----------
        accounts : int, optional
            Units liquidated.
        notional : number, optional
            Value at the mark of the positions closed; the unit that passes it is still executed.
        time_per_liquidation : seconds, optional
            Time that one liquidation takes, out of the time that the step spans.

        Raises
        ------
        ValueError
            A bound is negative; `time_per_liquidation` is not above zero.
        """
        settings: dict[str, int] = {}
        if accounts is not None:
            settings["budget_accounts"] = whole(accounts, "accounts")
            if accounts < 0:
                raise ValueError(f"accounts {accounts} is negative")
        if notional is not None:
            settings["budget_notional"] = self.to_atoms(notional, None, "notional")
            if settings["budget_notional"] < 0:
                raise ValueError(f"notional {notional} is negative")
        if time_per_liquidation is not None:
            settings["time_per_liquidation"] = step_time(
                time_per_liquidation, "time_per_liquidation"
            )
            if settings["time_per_liquidation"] == 0:
                raise ValueError(f"time_per_liquidation {time_per_liquidation} is not above zero")
        self._budget = settings
        self._apply_settings()

    def reserve(self, *, accounts: int = 0, positions: int | None = None, events: int = 0) -> None:
        """Make room in advance, so that steps allocate nothing.

        Parameters
        ----------
        accounts, positions : int
            Totals; positions by default as many as accounts.
        events : int
            Events beyond those there are, 64 bytes each; their memory is touched now.
        """
        positions = accounts if positions is None else positions
        totals = {"accounts": accounts, "positions": positions, "events": events}
        for name, value in totals.items():
            if not 0 <= whole(value, name) < 2**31:
                raise ValueError(f"{name} {value} is outside 0 ... {2**31 - 1}")
        self._reserve(**totals)

    # --- names and units -----------------------------------------------------------------------

    def market(self, market: Market | str) -> Market:
        """Market by name; a market of this engine is given back.

        Raises
        ------
        KeyError
            There is none of that name.
        ValueError
            The market belongs to another engine.
        """
        if isinstance(market, Market):
            if market.engine is not self:
                raise ValueError(f"market {market.name!r} belongs to another engine")
            return market
        for entry in self.markets:
            if entry.name == market:
                return entry
        known = ", ".join(repr(entry.name) for entry in self.markets) or "none"
        raise KeyError(f"market {market!r} is unknown; there are: {known}")

    __getitem__ = market

    def _asset(self, name: str | None) -> tuple[int, int]:
        name = self.asset if name is None else name
        if name not in self.assets:
            raise ValueError(f"asset {name!r} is unknown; there are: {', '.join(self.assets)}")
        return self.assets[name]

    def asset_number(self, name: str | None = None) -> int:
        """Position of an asset, as accounts and markets refer to it."""
        return self._asset(name)[0]

    def scale_of(self, name: str | None = None) -> int:
        """Atoms in one unit of an asset."""
        return self._asset(name)[1]

    def atoms_per_unit(self) -> NDArray[np.int64]:
        """Atoms in one unit, by asset number."""
        return np.array([scale for _, scale in self.assets.values()], dtype=np.int64)

    def asset_of(self, account: int) -> str:
        """Name of an account's money."""
        table = account_table(self)
        if not 0 <= whole(account, "account") < len(table):
            raise ValueError(f"account {account} is outside 0 ... {len(table) - 1}")
        return list(self.assets)[int(table["asset"][account])]

    def is_hedge(self, account: int) -> bool:
        """Does the account hold two legs a market? Unknown ids do not."""
        table = account_table(self)
        return 0 <= whole(account, "account") < len(table) and bool(table["flags"][account] & HEDGE)

    def to_atoms(self, amount: Any, asset: str | None = None, name: str = "amount") -> int:
        """Atoms of an amount of money.

        Raises
        ------
        TypeError, ValueError
            `amount` is no number, not finite, finer than an atom or beyond 2**61 atoms.
        """
        value = exact(amount, name) * self.scale_of(asset)
        if value.denominator != 1:
            nearest = round(value)
            # a float carries 53 bits: it means the nearest atom when that is what it prints as
            if not isinstance(amount, float) or abs(value - nearest) > Fraction(1, 10**9) * abs(
                value
            ):
                raise ValueError(
                    f"{name} {amount!r} is finer than an atom of 1/{self.scale_of(asset)}"
                )
            value = Fraction(nearest)
        if abs(value) > 2**61:
            raise ValueError(f"{name} {amount!r} does not fit in 64 bits of atoms")
        return int(value)

    def from_atoms(self, atoms: int, asset: str | None = None) -> float:
        """Units of an asset in a number of atoms."""
        return int(atoms) / self.scale_of(asset)

    def atoms_of(
        self, amounts: ArrayLike, asset: str, name: str, rounding: bool
    ) -> NDArray[np.int64]:
        """Atoms of a column of amounts."""
        return self.steps(Grid(Fraction(1, self.scale_of(asset)), name), amounts, name, rounding)

    @staticmethod
    def steps(
        grid: Grid, values: ArrayLike, name: str, rounding: bool = False
    ) -> NDArray[np.int64]:
        """Whole steps of a column; `rounding` takes the nearest one instead of refusing."""
        column = np.asarray(values)
        if rounding and column.dtype.kind == "f":
            with np.errstate(all="ignore"):
                steps = np.rint(column / float(grid.step))
            if not (np.abs(steps) < LARGEST_NUMBER).all():
                raise ValueError(f"{name} is not finite or does not fit in 64 bits")
            return steps.astype(np.int64)
        if rounding:
            nearest = [round(exact(v, name) / Fraction(grid.step)) for v in column.ravel().tolist()]
            return np.array(nearest, dtype=np.int64).reshape(column.shape)
        return grid.steps_of(values, name)

    # --- money ---------------------------------------------------------------------------------

    def fund_deposit(self, amount: Any, asset: str | None = None) -> None:
        """Pay into the insurance fund.

        Raises
        ------
        ValueError
            `amount` is negative or finer than an atom.
        """
        _money.deposit_into_fund(self, self.asset_number(asset), self.to_atoms(amount, asset))

    def insurance_fund(self, asset: str | None = None) -> float:
        """Balance of the insurance fund, what the house's positions gained or lost not included."""
        return self.from_atoms(asset_row(self, self.asset_number(asset))["fund"], asset)

    def fees(self, asset: str | None = None) -> float:
        """Fees collected, rebates deducted."""
        return self.from_atoms(asset_row(self, self.asset_number(asset))["fees"], asset)

    def bad_debt(self, asset: str | None = None) -> float:
        """Losses that nobody paid so far."""
        return self.from_atoms(asset_row(self, self.asset_number(asset))["bad_debt"], asset)

    def route(
        self, side: Any, quantity: Any, venues: Sequence[Market | str], *, account: int = -1
    ) -> RoutedOrder:
        """Sell or buy in several markets so that no lot would have traded better in another of them.

        Parameters
        ----------
        side : {"buy", "sell"}
        quantity : number
            On the lot grid, which all venues share.
        venues : sequence of Market or str
            At most eight; what trades alike goes to the first. Those in which nothing trades now get nothing.
        account : int, default -1

        Returns
        -------
        RoutedOrder
            The market order of each venue (``docs/pools.md``, *Routing*).

        Raises
        ------
        KeyError, TypeError, ValueError
            An argument is wrong; nothing was sent.
        """
        found = venues_of(self, venues)
        return send_route(found, side, found[0].lots.steps(quantity, "quantity"), account)

    def fund(self, market: Market | str, rate: Any) -> None:
        """Funding at the mark: longs pay `rate` of their value to shorts (negative: receive).

        Raises
        ------
        ValueError
            The market has no mark, or `rate` is outside -1 ... 1 or finer than 1e-9.
        """
        _money.pay_funding(self, self.market(market).number, rate_parts(rate, "rate", -1, 1))

    def set_funding(self, market: Market | str, rate: Any) -> None:
        """Fix the rate of the settlements that `Rules.funding_interval` brings.

        Parameters
        ----------
        market : Market or str
        rate : number or None
            Of one interval; longs pay when positive. None: from the premium, as the rules say.

        Raises
        ------
        ValueError
            `rate` is outside -1 ... 1 or finer than 1e-9.
        """
        number = self.market(market).number
        _money.set_funding(self, number, None if rate is None else rate_parts(rate, "rate", -1, 1))

    # --- time ----------------------------------------------------------------------------------

    @property
    def time(self) -> float:
        """Clock in seconds."""
        return self.time_ns / NANOSECONDS

    def step(
        self,
        index: Mapping[str, Any] | None = None,
        orders: Mapping[str, NDArray[Any]] | Iterable[tuple[str, NDArray[Any]]] | None = None,
        dt: Any = 1.0,
    ) -> StepResult:
        """One step: clock, outside prices, orders, the cascade (``docs/step.md``).

        Parameters
        ----------
        index : mapping of market name to price, optional
            Prices from outside.
        orders : mapping or sequence of (market name, messages), optional
            Arrays of MESSAGE_DTYPE, sent in the order given.
        dt : seconds, default 1

        Returns
        -------
        StepResult

        Raises
        ------
        KeyError, TypeError, ValueError
            A market is unknown; a price is off the grid or not positive; messages have the wrong type.
        OverflowError
            Open positions would not fit in 64 bits at an index.
        """
        elapsed = NANOSECONDS if type(dt) is float and dt == 1.0 else step_time(dt, "dt")
        prices = None if index is None else index_row(self, index)
        batches = message_batches(self, orders) if orders else []
        return StepResult(self, self._step(prices, batches, elapsed))

    def run(self, path: Mapping[str, ArrayLike], dt: Any = 1.0, *, round: bool = False) -> Run:
        """Steps along price paths without returning to Python in between.

        Parameters
        ----------
        path : mapping of market name to prices
            Outside prices, one a step, all of the same length.
        dt : seconds, default 1
            Of each step.
        round : bool, default False
            Round prices to the tick (half to even) instead of refusing them.

        Returns
        -------
        Run

        Raises
        ------
        KeyError, TypeError, ValueError, OverflowError
            As `step`, before the first step.
        KeyboardInterrupt
            Between two steps or liquidations; the engine stays valid.
        """
        ticks = index_rows(self, path, round)
        first = self.event_count
        return Run(self, *self._run(ticks, step_time(dt, "dt")), first)

    # --- the log -------------------------------------------------------------------------------

    @property
    def events(self) -> NDArray[Any]:
        """Events so far that were not cleared, EVENT_DTYPE; a view that stays true."""
        return self.events_between(0, self.event_count)

    # --- state ---------------------------------------------------------------------------------

    def totals(self) -> dict[str, dict[str, Any]]:
        """Sums that conservation is about, in lots and atoms.

        Returns
        -------
        dict
            ``contracts``: sum of all sizes by market (zero). ``money``: by asset, the parts of
            ``balances + margins - entry_values + fund + fees - bad_debt = deposits``. ``lending``: by
            lending market and reserve, lots, see ``docs/engine-api.md``.
        """
        return conservation.totals(self)

    def validate(self) -> None:
        """Check every invariant; cost grows with the engine.

        Raises
        ------
        ContractConservationError, MoneyConservationError
            Contracts or money do not add up.
        CrossedBookError
            A book is crossed outside an auction.
        ReserveError
            A reserve's cash, claims or debts do not add up.
        InvariantError
            A book, a queue, a list or a running sum is broken (``docs/waterfall.md``).
        """
        snapshot.check_structure(self)
        _sums.check_sums(self)
        conservation.check_totals(self.totals())
        check_lending(self)
        for market in self.markets:
            market.book.validate()
            if isinstance(market.venue, POOLS):
                market.pool.validate()

    def state_hash(self) -> str:
        """Hash of everything that decides how the engine goes on, whatever its memory looks like.

        Returns
        -------
        str
            32 hexadecimal digits; the rows that are hashed are listed in ``docs/engine-api.md``.
        """
        return state_hash(self)

    def copy(self) -> Engine:
        """Independent engine in the same state, its log included."""
        return snapshot.copy_engine(self)

    __copy__ = copy

    def __deepcopy__(self, memo: dict[int, Any]) -> Engine:
        return self.copy()

    def save(self, path: str | PathLike[str]) -> None:
        """Write the state to an uncompressed ``.npz`` file.

        Raises
        ------
        OSError, ValueError
            The file cannot be written; a market's `adl` is a function.
        """
        snapshot.save(self, path)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Engine:
        """Read a file that `save` wrote; the engine goes on bit for bit.

        Raises
        ------
        OSError
            The file cannot be opened.
        ValueError
            The file is damaged or does not hold the state of an engine.
        """
        return snapshot.load(path)
