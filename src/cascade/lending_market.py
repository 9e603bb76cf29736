"""`LendingMarket`: reserves, borrowers and their columns; made by `engine.lending.add`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import EllipsisType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cascade import _lendingentry, _lendingquote, _lendingterms, _troveentry
from cascade._routeentry import MOST_VENUES
from cascade.collateral_auction import OpenAuctions
from cascade.exact_numbers import flag, step_time, whole
from cascade.interest_models import InterestModel
from cascade.lending_categories import Category, add_category, category_of, numbered
from cascade.lending_rules import LendingRules, Oracle
from cascade.lending_troves import (
    change_trove,
    claim_surplus,
    set_rates,
    set_troves,
    trove_amounts,
    trove_owner,
    trove_rates,
)
from cascade.lending_waiting import waiting_accounts
from cascade.loops import open_loops
from cascade.market import Market
from cascade.reserve import LendingSide, Reserve
from cascade.reserve_making import asset_terms, make_reserve
from cascade.stability import LendingStabilityPool
from cascade.stop_gaps import has_pool, stop_gap_numbers

if TYPE_CHECKING:
    from cascade.engine import Engine
    from cascade.lending.parameters import AaveMarket, CometMarket

__all__ = ["LendingMarket"]


class LendingMarket:
    """Reserves of one protocol and the accounts that borrow from them.

    Attributes
    ----------
    engine : Engine
    name : str
    number : int
    rules : LendingRules
    asset : str
        Money in which collateral and debts are compared.
    reserves : dict of str to Reserve
    categories : dict of str to Category
    auctions : OpenAuctions or None
        What is open where the rules auction.
    """

    def __init__(
        self, engine: Engine, name: str, number: int, rules: LendingRules, asset: str
    ) -> None:
        self.engine = engine
        self.name = name
        self.number = number
        self.rules = rules
        self.asset = asset
        self.reserves: dict[str, Reserve] = {}
        self.categories: dict[str, Category] = {}
        self.auctions: OpenAuctions | None = OpenAuctions(self) if rules.auction else None
        self._pool: LendingStabilityPool | None = None
        if rules.troves is not None:
            scale = engine.scale_of(asset)
            set_troves(self, scale)
            self._pool = LendingStabilityPool(self, rules.troves.numbers(scale)["pool_least"])
        elif rules.stop_gap:
            numbers = stop_gap_numbers(rules, engine.scale_of(asset))
            _troveentry.set_stop_gaps(engine, number, **numbers)
            if has_pool(rules):
                self._pool = LendingStabilityPool(self, numbers["pool_least"])

    @property
    def backstop(self) -> dict[str, float]:
        """Money of the backstop: its ``capital``, ``profit`` since (below 0: lost), and ``calls``."""
        row = _troveentry.backstop_row(self.engine, self.number)
        return {
            "capital": self.engine.from_atoms(row["capital"], self.asset),
            "profit": self.engine.from_atoms(row["cash"], self.asset),
            "calls": float(row["done"]),
        }

    @property
    def stability_pool(self) -> LendingStabilityPool:
        """The pool that cancels debts of accounts that are liquidated.

        Raises
        ------
        ValueError
            The rules have none.
        """
        if self._pool is None:
            raise ValueError(f"lending market {self.name!r} has no stability pool")
        return self._pool

    def __repr__(self) -> str:
        return f"<LendingMarket {self.name!r}: {', '.join(self.reserves) or 'no reserves'}>"

    def __getitem__(self, name: str) -> Reserve:
        if name not in self.reserves:
            known = ", ".join(map(repr, self.reserves)) or "none"
            raise KeyError(f"reserve {name!r} is unknown; there are: {known}")
        return self.reserves[name]

    # --- set-up --------------------------------------------------------------------------------

    def add_reserve(
        self,
        name: str,
        *,
        price: Market | str | EllipsisType | None = ...,
        venue: Market | Literal["price"] | str | Sequence[Market | str] | None = "price",
        liquidation_threshold: Any = 0,
        loan_to_value: Any = None,
        liquidation_bonus: Any = 0,
        borrow_factor: Any = 1,
        interest: InterestModel | None = None,
        reserve_factor: Any = 0,
        supply_cap: Any = None,
        borrow_cap: Any = None,
        oracle: Oracle | None = None,
        collateral: bool = True,
        borrowable: bool = True,
        refinement: int | None = None,
        liquidation_factor: Any = 1,
        debt_ceiling: Any = None,
        borrowable_in_isolation: bool = False,
        siloed: bool = False,
        account_cap: Any = None,
        account_share: Any = None,
        liquidation_fee: Any = None,
    ) -> Reserve:
        """Add an asset.

        Parameters
        ----------
        name : str
        price : Market or str, optional
            Linear market of this money whose mark is the price; its lots are the amounts' grid. None:
            the asset is money itself, whose price is one. Only a reserve that is named as the lending
            market's money may leave it out, and then is that money.
        venue : Market, str, "price", None or several markets, default "price"
            Where the asset is sold and bought in liquidations: the market of its price, another one of
            the same lots, up to eight between which trades are split so that no lot would trade better
            elsewhere, or None: any amount at the mark.
        liquidation_threshold : number, default 0
            Share of its value that counts for the health factor.
        loan_to_value : number, optional
            Share that may be borrowed against; default the threshold.
        liquidation_bonus : number, default 0
            What a liquidator gets beyond what it repays, as a share of that.
        borrow_factor : number, default 1
            Debts count as their value over it.
        interest : KinkRate, JumpRate, AdaptiveRate or FixedRate, optional
            What debts pay; None: nothing.
        reserve_factor : number, default 0
            Share of interest that the protocol keeps.
        supply_cap, borrow_cap : number, optional
        oracle : Oracle, optional
            Default: the mark is believed at once.
        collateral, borrowable : bool, default True
        refinement : int, optional
            Parts of a tick in the marks of its sides; the default is 1 without interest and else as
            fine as the price allows, at a price that may still grow forty-fold; of the collateral of
            troves a thousand times that (``docs/troves.md``).
        liquidation_factor : number, default 1
            Share of its value that a borrower is credited when the protocol takes the account over.
        debt_ceiling : number, optional
            Isolated collateral: it stands alone in an account, and all accounts with it may together
            owe so many units, to two decimals.
        borrowable_in_isolation : bool, default False
            May accounts with isolated collateral owe it?
        siloed : bool, default False
            Is it owed alone or not at all?
        account_cap : number, optional
            Most that one account may supply.
        account_share : number, optional
            The same as a share of all that is supplied.
        liquidation_fee : number, optional
            Share of the bonus of those who seize it that the protocol keeps; default `LendingRules.fee`.

        Returns
        -------
        Reserve

        Raises
        ------
        KeyError, TypeError, ValueError
            An argument is wrong; the message names it.
        """
        return make_reserve(
            self, name, price, venue, liquidation_threshold=liquidation_threshold,
            loan_to_value=loan_to_value, liquidation_bonus=liquidation_bonus,
            borrow_factor=borrow_factor, interest=interest, reserve_factor=reserve_factor,
            supply_cap=supply_cap, borrow_cap=borrow_cap, oracle=oracle, collateral=collateral,
            borrowable=borrowable, refinement=refinement, liquidation_factor=liquidation_factor,
            debt_ceiling=debt_ceiling, borrowable_in_isolation=borrowable_in_isolation, siloed=siloed,
            account_cap=account_cap, account_share=account_share, liquidation_fee=liquidation_fee,
        )  # fmt: skip

    @property
    def base(self) -> Reserve | None:
        """The one reserve that can be borrowed where the protocol absorbs or auctions; None elsewhere."""
        if not (self.rules.absorbs or self.rules.auction):
            return None
        return next((r for r in self.reserves.values() if r.given["borrowable"]), None)

    def add_reserves(
        self,
        loaded: AaveMarket | CometMarket,
        prices: Mapping[str, Market | str | None],
        *,
        others: Literal["refuse", "leave out"] = "refuse",
        **terms: Any,
    ) -> dict[str, Reserve]:
        """Add the assets of a parameter file.

        Parameters
        ----------
        loaded : cascade.lending.AaveMarket or cascade.lending.CometMarket
            As `cascade.lending.load_aave_v3` and `load_comet` read them.
        prices : mapping of str to Market, str or None
            Market whose mark is the price, by symbol; None: the asset is this market's money.
        others : {"refuse", "leave out"}, default "refuse"
            What to do with assets of the file that are not in `prices`.
        **terms
            Keywords of `add_reserve` that all get, such as ``oracle`` or ``venue``.

        Returns
        -------
        dict of str to Reserve
            In the file's order.

        Raises
        ------
        KeyError
            A symbol of `prices` is not in the file, or one of the file is not in `prices`.
        TypeError, ValueError
            A parameter is beyond the engine's range; reserves before it stay.

        Notes
        -----
        Rates are cut to parts of 10**9, caps to lots. ``docs/lending.md``, *In the engine*, says what is
        left out.
        """
        from cascade.lending_presets import add_reserves

        return add_reserves(self, loaded, prices, others=others, **terms)

    def priced_by(self, price: Market | str) -> Market:
        """A market whose mark can be the price of a reserve here."""
        return self._market(price, "price")

    def _market(self, market: Market | str, what: str) -> Market:
        found = self.engine.market(market)
        if isinstance(found, LendingSide):
            raise ValueError(f"{what} {found.name!r} is a side of a reserve")
        if found.contract != "linear" or found.asset != self.asset:
            raise ValueError(f"{what} {found.name!r} is not a linear market in {self.asset}")
        return found

    def sold_in(self, venue: Any, source: Market | None) -> tuple[Market, ...]:
        """Where a reserve of a price can be sold and bought."""
        several = isinstance(venue, (list, tuple))
        if venue is None or (source is None and venue == "price"):
            return ()
        sold = tuple(
            source if source is not None and name == "price" else self._market(name, "venue")
            for name in (venue if several else [venue])
        )
        for market in sold:
            if source is None or market.lots != source.lots:
                raise ValueError(
                    f"venue {market.name!r} has lots of {market.lots.step}: it must have those of the price's "
                    f"market, {None if source is None else source.lots.step}"
                )
        if len(set(sold)) < len(sold) or not 1 <= len(sold) <= MOST_VENUES:
            names = ", ".join(repr(market.name) for market in sold) or "nothing"
            raise ValueError(f"venue has {names}: 1 ... {MOST_VENUES} markets, each once")
        return sold

    def add_category(
        self,
        name: str,
        *,
        collateral: Iterable[str],
        borrowable: Iterable[str],
        liquidation_threshold: Any,
        loan_to_value: Any = None,
        liquidation_bonus: Any = 0,
    ) -> None:
        """Add a category of assets that move together, with terms of its own.

        Parameters
        ----------
        name : str
        collateral : iterable of str
            Reserves whose deposits have the category's terms, of accounts that are in it.
        borrowable : iterable of str
            Reserves that accounts in it may owe; nothing else.
        liquidation_threshold, loan_to_value, liquidation_bonus : number
            As of `add_reserve`.

        Raises
        ------
        KeyError, TypeError, ValueError
            An argument is wrong; the message names it.

        Notes
        -----
        Efficiency mode of Aave v3.
        """
        if self.rules.troves is not None:
            raise ValueError(f"category {name!r}: {self.name!r} has troves, and no categories")
        if self.name in self.engine.lending.bands:
            raise ValueError(f"category {name!r}: {self.name!r} has bands, and no categories")
        terms = asset_terms(self, liquidation_threshold, loan_to_value, liquidation_bonus)
        add_category(self, name, collateral, borrowable, terms)

    # --- accounts ------------------------------------------------------------------------------

    def open(
        self,
        *,
        collateral: Mapping[str, ArrayLike] | None = None,
        debt: Mapping[str, ArrayLike] | None = None,
        category: str | None = None,
        rate: ArrayLike | None = None,
    ) -> NDArray[np.int64]:
        """Open accounts from columns of collateral and debts, one row an account.

        Parameters
        ----------
        collateral, debt : mapping of reserve name to amounts
            Columns of one length, or numbers. Collateral comes from outside and debts go there; they
            may be beyond the loan-to-value ratios, as history may have left them.
        category : str, optional
            Category that all of them are in.
        rate : number or column, optional
            Yearly rates that owners of loans set (`Troves.interest`); default the least.

        Returns
        -------
        numpy.ndarray of int64
            Account ids.

        Raises
        ------
        KeyError, TypeError, ValueError, OverflowError
            A reserve is unknown, an amount off the grid or too large, a cap passed, or less cash there
            than is borrowed.
        """
        chosen = numbered(self, category)
        if self.rules.auction is not None:
            self.rules.auction.check_named(self.reserves)
        rows: list[Any] = []
        lengths: dict[str, int] = {}
        for given, borrowed in ((collateral, False), (debt, True)):
            what = "debt" if borrowed else "collateral"
            if given is not None and not isinstance(given, Mapping):
                raise TypeError(f"{what} must map names of reserves to amounts, got {given!r}")
            for name, amounts in (given or {}).items():
                reserve = self[name]
                column = np.atleast_1d(reserve.lots.steps_of(amounts, f"{what} {name!r}"))
                if column.ndim != 1:
                    raise ValueError(
                        f"{what} {name!r} has {column.ndim} dimensions, and must have one"
                    )
                rows.append((reserve.number, borrowed, column))
                lengths[f"{what} {name!r}"] = len(column)
        count = max(lengths.values(), default=0)
        for name, length in lengths.items():
            if length not in (1, count):
                raise ValueError(
                    f"{name} has {length} amounts, and must have 1 or {count}: {lengths}"
                )
        rows = [
            (number, borrowed, np.ascontiguousarray(np.broadcast_to(column, count)))
            for number, borrowed, column in sorted(rows, key=lambda row: row[:2])
        ]
        rates = None if rate is None else trove_rates(self, rate, count)
        first = _lendingentry.open_borrowers(self.engine, self.number, rows, count, chosen)
        if rates is not None:
            set_rates(self, first, rates)
        return np.arange(first, first + count)

    def loop(
        self,
        collateral: str,
        debt: str,
        *,
        leverage: ArrayLike,
        amount: ArrayLike,
        swap: bool = True,
        rounds: int = 64,
        category: str | None = None,
    ) -> NDArray[np.int64]:
        """Open accounts that deposit, borrow, swap and deposit again up to a leverage.

        Parameters
        ----------
        collateral, debt : str
            Reserves: what is deposited and what is borrowed to buy more of it.
        leverage : number or column
            Collateral aimed at over the account's own; rounded down to a lot.
        amount : number or column
            The account's own collateral; it comes from outside.
        swap : bool, default True
            Sell the debt and buy the collateral at the reserves' venues, account by account, round by
            round, as far as loan-to-value ratios, cash and venues allow. False: book both at the prices
            that are believed, at once and whatever the ratios; no venue moves.
        rounds : int, default 64
            Most rounds an account takes, 1 ... 64.
        category : str, optional
            Category that all of them are in.

        Returns
        -------
        numpy.ndarray of int64
            Account ids.

        Raises
        ------
        KeyError, TypeError, ValueError, OverflowError
            A reserve is unknown or both trade in one market; an amount is not above zero, off the
            grid or above a cap; a leverage is below 1. A cap of the collateral passed in a later round
            leaves the rounds before it.
        """
        if self.rules.troves is not None:
            raise ValueError(f"loop: {self.name!r} has troves, which are opened by `open` alone")
        return open_loops(self, collateral, debt, leverage, amount, swap, rounds, category)

    def borrowable(self, account: int, asset: str) -> float:
        """Most that an account may borrow of an asset now: by ratios, cash and cap.

        Raises
        ------
        KeyError, ValueError
            The account or reserve is unknown.
        """
        reserve = self[asset]
        if self.rules.troves is not None:
            room = _troveentry.room_atoms(self.engine, self.number, whole(account, "account"))
            return reserve.lots.number(0 if reserve.source is not None else room)
        return reserve.lots.number(
            _lendingquote.borrowable_lots(
                self.engine, self.number, whole(account, "account"), reserve.number
            )
        )

    def _change(self, account: int, asset: str, amount: Any, borrowed: bool, less: bool) -> None:
        reserve = self[asset]
        lots = reserve.lots.steps(amount, "amount")
        if self.rules.troves is not None:
            change_trove(self, whole(account, "account"), reserve, lots, borrowed, less)
            return
        _lendingentry.change_claim(
            self.engine,
            self.number,
            whole(account, "account"),
            reserve.number,
            reserve.lots.steps(amount, "amount"),
            borrowed,
            less,
        )

    def set_category(self, account: int, name: str | None) -> None:
        """Opt an account into a category, or out of any with None.

        Raises
        ------
        KeyError, ValueError
            There is no such account or category, the account owes what the category does not lend, or its
            collateral would bear less than it owes; nothing changes.
        """
        _lendingterms.set_category(
            self.engine, self.number, whole(account, "account"), numbered(self, name)
        )

    def category_of(self, account: int) -> str | None:
        """Category that an account is in; None: in none.

        Raises
        ------
        ValueError
            The account is none of this lending market.
        """
        return category_of(self, whole(account, "account"))

    def sequencer(self, up: bool, *, grace: Any = 0) -> None:
        """Stop the chain's sequencer, or let it go on, as a sentinel sees it.

        Parameters
        ----------
        up : bool
        grace : seconds, default 0
            With ``up=True`` after it was down: the sentinel goes on so much longer.

        Raises
        ------
        TypeError, ValueError
            The rules have no `sentinel`; `up` is neither True nor False; `grace` is negative or too long.

        Notes
        -----
        While it is down and in its grace nothing is lent, and of due accounts those with a health factor
        of `LendingRules.sentinel` or above wait.
        """
        if self.rules.sentinel is None:
            raise ValueError(f"lending market {self.name!r}: its rules have no sentinel")
        wait = step_time(grace, "grace")
        _lendingterms.set_sequencer(self.engine, self.number, flag(up, "up"), wait)

    def deposit(self, account: int, asset: str, amount: Any) -> None:
        """Add collateral from outside.

        Raises
        ------
        KeyError, ValueError, OverflowError
            The account or reserve is unknown; the amount is refused by the reserve.
        """
        self._change(account, asset, amount, False, False)

    def withdraw(self, account: int, asset: str, amount: Any) -> None:
        """Take collateral out, as far as the loan-to-value ratios and the reserve's cash allow.

        Raises
        ------
        KeyError, ValueError
            The account or reserve is unknown; the amount is above what the account has there, the cash, or
            what its collateral can spare.
        """
        self._change(account, asset, amount, False, True)

    def borrow(self, account: int, asset: str, amount: Any) -> None:
        """Borrow, as far as the loan-to-value ratios and the reserve's cash and cap allow.

        Raises
        ------
        KeyError, ValueError, OverflowError
            The account or reserve is unknown or lends nothing to it; the amount is above the cash, a cap, or
            what the account's collateral bears.
        """
        self._change(account, asset, amount, True, False)

    def repay(self, account: int, asset: str, amount: Any) -> None:
        """Repay a debt from outside.

        Raises
        ------
        KeyError, ValueError
            The amount is more than is owed.
        """
        self._change(account, asset, amount, True, True)

    def trove(self, account: int) -> tuple[float, float]:
        """Collateral and debt of an account, with all that was shared out to it.

        Raises
        ------
        ValueError
            The account is unknown, or the rules have no troves.
        """
        return trove_amounts(self, whole(account, "account"))

    def set_rate(self, account: int, rate: Any) -> None:
        """Set the yearly rate that a loan pays from now on, as its owner would.

        Raises
        ------
        TypeError, ValueError
            The account is unknown, debts bear no interest, or the rate is outside `Troves.interest`.
        """
        set_rates(self, whole(account, "account"), trove_rates(self, rate, 1))

    def rate_of(self, account: int) -> float:
        """Yearly rate that an account's loan pays."""
        return trove_owner(self, whole(account, "account"))[0]

    def surplus(self, account: int) -> float:
        """Collateral that an account's closed loan left, to be claimed."""
        return trove_owner(self, whole(account, "account"))[1]

    def claim(self, account: int) -> float:
        """Pay an account what its closed loan left; gives the amount.

        Raises
        ------
        ValueError
            There is nothing, the account is unknown, or the reserve is paused.
        """
        return claim_surplus(self, whole(account, "account"))

    # --- columns -------------------------------------------------------------------------------

    def columns(self) -> dict[str, NDArray[Any]]:
        """Whole numbers by account id of the engine.

        Returns
        -------
        dict
            ``member`` (bool); in atoms ``borne`` (collateral times threshold), ``owed`` (debts over
            borrow factors), ``collateral`` and ``debt`` (values).
        """
        names = ("member", "borne", "owed", "collateral", "debt")
        found = _lendingquote.borrower_columns(self.engine, self.number)
        return dict(zip(names, found, strict=True))

    def waiting(self) -> dict[str, NDArray[Any]]:
        """Accounts that are due now and why nobody makes a call on them.

        Returns
        -------
        dict
            int64 ``account`` (id) and ``debt`` (atoms), and text ``reason``: ``"oracle"``, no price of what
            it has; ``"closed"``, all its collateral or debts are paused, in grace or, counting nothing,
            spared; ``"nobody buys"``, the venues take no lot of its collateral, such as an empty book;
            ``"nobody sells"``, they give no lot of its debts; ``"no gain"``, no size that is allowed pays
            for a liquidator, or it waits for the sequencer or for liquidators' latency.

        Raises
        ------
        ValueError
            Liquidators make no calls here: the rules absorb, auction or close whole.
        """
        return waiting_accounts(self)

    @property
    def health(self) -> NDArray[np.float64]:
        """Health factor by account id: infinite without debts, nan for accounts of others."""
        columns = self.columns()
        with np.errstate(divide="ignore", invalid="ignore"):
            health = columns["borne"] / columns["owed"]
        health[columns["owed"] == 0] = np.inf
        health[~columns["member"]] = np.nan
        return health
