"""Vaults of one collateral and their auctions, with a clock: MakerDAO Liquidations 2.0 over time.

`CollateralAuctions` applies the rules of `cascade.lending.auctions` to whole histories and keeps an account of
every unit: collateral in vaults, lots and out, tabs, debt that the system took on, and what bidders paid.
A call that is refused changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from cascade.errors import ConservationError
from cascade.lending import auctions
from cascade.lending.auction_prices import AuctionPrice
from cascade.lending.auctions import Bark, Take
from cascade.lending.wad import RAY, WAD, RefusalError, amount


@dataclass(frozen=True)
class AuctionTerms:
    """Parameters of one collateral.

    Parameters
    ----------
    price : AuctionPrice
        How the price falls, see `cascade.lending.auction_prices`.
    liquidation_ratio_ray : int
        Collateral that a vault needs, as a factor of its debt.
    chop_wad : int
        Penalty factor, at least one wad.
    dust_rad : int
        Least debt of a vault.
    hole_rad, collateral_hole_rad : int
        Limits on tabs of all collaterals and of this one.
    buf_ray : int
        Factor of the feed that an auction starts at.
    tail_seconds, cusp_ray : int
        Longest time, and least share of the first price, before a reset.
    tip_rad, chip_wad : int
        Flat part and share of the tab that starting or resetting earns.
    """

    price: AuctionPrice
    liquidation_ratio_ray: int
    chop_wad: int
    dust_rad: int
    hole_rad: int
    collateral_hole_rad: int
    buf_ray: int
    tail_seconds: int
    cusp_ray: int
    tip_rad: int = 0
    chip_wad: int = 0

    def __post_init__(self) -> None:
        amount(self.liquidation_ratio_ray, "liquidation_ratio_ray", 1)
        amount(self.chop_wad, "chop_wad", WAD)
        amount(self.cusp_ray, "cusp_ray", 0, RAY)
        amount(self.buf_ray, "buf_ray", 1)
        for name in ("dust_rad", "hole_rad", "collateral_hole_rad", "tail_seconds", "tip_rad",
                     "chip_wad"):  # fmt: skip
            amount(getattr(self, name), name)

    @property
    def chost_rad(self) -> int:
        """What a bid leaves at least, see `auctions.least_tab`."""
        return auctions.least_tab(self.dust_rad, self.chop_wad)


@dataclass(frozen=True)
class Vault:
    """Collateral and normalised debt of an owner, wads."""

    collateral_wad: int
    debt_wad: int


@dataclass(frozen=True)
class Auction:
    """A running auction.

    Parameters
    ----------
    owner : str
        Of the vault.
    lot_wad, tab_rad : int
        What is for sale and what is to be collected.
    top_ray : int
        Price at `started_seconds`.
    started_seconds : int
        When it began or was last reset.
    """

    owner: str
    lot_wad: int
    tab_rad: int
    top_ray: int
    started_seconds: int


class CollateralAuctions:
    """Vaults of one collateral, the auctions of what is taken from them, and a clock.

    Parameters
    ----------
    terms : AuctionTerms
    price_wad : int
        Price of a unit of collateral that the feed tells.
    rate_ray : int, default 1 ray
        Debt a unit of normalised debt.
    other_dirt_rad : int, default 0
        Tabs of other collaterals, which use up the common limit.

    Attributes
    ----------
    now_seconds : int
        The clock.
    stage : int
        Of the circuit breaker, 0 ... 3; see `auctions.is_stopped`.
    vaults : dict of str to Vault
    running : dict of int to Auction
        By number, in the order they began.
    dirt_rad : int
        Tabs of the running auctions.
    deposited_wad, bought_wad, returned_wad : int
        Collateral put into vaults, sold, and given back to owners.
    due_rad, collected_rad, incentives_rad, uncollected_rad : int
        Debt that the system took on from vaults, what bidders paid, what keepers earned, and tabs
        given up when a lot was empty.

    Examples
    --------
    >>> from cascade.lending.auction_prices import StairstepDecrease
    >>> from cascade.lending.wad import RAD
    >>> terms = AuctionTerms(StairstepDecrease(99 * RAY // 100, 90), 3 * RAY // 2, WAD, 0, 1000 * RAD,
    ...                      1000 * RAD, 13 * RAY // 10, 8400, RAY * 2 // 5)
    >>> house = CollateralAuctions(terms, price_wad=150 * WAD)
    >>> house.open_vault("ada", 10 * WAD, 800 * WAD)
    >>> house.set_price(110 * WAD)
    >>> number, _ = house.bark("ada")
    >>> house.advance(900)
    >>> bid = house.take(number, 10 * WAD)
    >>> bid.paid_rad // RAD, house.returned_wad * 1000 // WAD, house.shortfall_rad
    (800, 3814, 0)
    """

    price_wad: int
    rate_ray: int
    other_dirt_rad: int
    now_seconds: int
    stage: int
    dirt_rad: int
    due_rad: int
    collected_rad: int
    incentives_rad: int
    uncollected_rad: int
    cancelled_wad: int
    deposited_wad: int
    bought_wad: int
    returned_wad: int

    def __init__(
        self, terms: AuctionTerms, price_wad: int, *, rate_ray: int = RAY, other_dirt_rad: int = 0
    ) -> None:
        self.terms = terms
        self.price_wad = amount(price_wad, "price_wad")
        self.rate_ray = amount(rate_ray, "rate_ray", 1)
        self.other_dirt_rad = amount(other_dirt_rad, "other_dirt_rad")
        self.now_seconds = 0
        self.stage = 0
        self.vaults: dict[str, Vault] = {}
        self.running: dict[int, Auction] = {}
        self.dirt_rad = self.due_rad = self.collected_rad = 0
        self.incentives_rad = self.uncollected_rad = self.cancelled_wad = 0
        self.deposited_wad = self.bought_wad = self.returned_wad = 0
        self._last = 0

    @property
    def shortfall_rad(self) -> int:
        """Debt that the system took on less what bidders paid, with incentives; below 0 a surplus."""
        return self.due_rad + self.incentives_rad - self.collected_rad

    @property
    def feed_price_ray(self) -> int:
        """Price of the feed."""
        return auctions.feed_price_ray(self.price_wad)

    @property
    def spot_ray(self) -> int:
        """Price with safety margin."""
        return auctions.liquidation_price_ray(self.price_wad, self.terms.liquidation_ratio_ray)

    def open_vault(self, owner: str, collateral_wad: int, debt_wad: int) -> None:
        """Put collateral into a new vault and draw debt.

        Raises
        ------
        ValueError
            The owner has a vault.
        RefusalError
            ``"not-safe"``: the collateral does not cover the debt; ``"dust"``: the debt is below the least.
        """
        if owner in self.vaults:
            raise ValueError(f"owner {owner!r} has a vault")
        collateral, debt = amount(collateral_wad, "collateral_wad"), amount(debt_wad, "debt_wad")
        if auctions.is_unsafe(collateral, debt, self.rate_ray, self.spot_ray):
            raise RefusalError("not-safe", f"collateral_wad {collateral} does not cover {debt}")
        if 0 < debt * self.rate_ray < self.terms.dust_rad:
            raise RefusalError("dust", f"debt_wad {debt} is below dust_rad {self.terms.dust_rad}")
        self.vaults[owner] = Vault(collateral, debt)
        self.deposited_wad += collateral

    def set_price(self, price_wad: int) -> None:
        """Let the feed tell another price."""
        self.price_wad = amount(price_wad, "price_wad")

    def set_rate(self, rate_ray: int) -> None:
        """Let debt grow; a rate below the one in force is refused with ValueError."""
        self.rate_ray = amount(rate_ray, "rate_ray", self.rate_ray)

    def set_stage(self, stage: int) -> None:
        """Switch the circuit breaker, 0 ... 3."""
        self.stage = amount(stage, "stage", 0, 3)

    def advance(self, seconds: int) -> None:
        """Let time pass."""
        self.now_seconds += amount(seconds, "seconds")

    def _require_on(self, operation: str) -> None:
        if auctions.is_stopped(self.stage, operation):
            raise RefusalError(
                "stopped-incorrect",
                f"stage {self.stage} must be below {auctions.STOPPED_FROM[operation]} to {operation}",
            )

    def _auction(self, number: int) -> Auction:
        if number not in self.running:
            raise RefusalError("not-running-auction", f"number {number} is not running")
        return self.running[number]

    def bark(self, owner: str) -> tuple[int, Bark]:
        """Take what the rules take of an unsafe vault and start its auction.

        Returns
        -------
        number, Bark

        Raises
        ------
        RefusalError
            As `auctions.bark`, `auctions.room` and `auctions.starting_price`, or the breaker is on.
        ValueError
            The owner has no vault.
        """
        if owner not in self.vaults:
            raise ValueError(f"owner {owner!r} has no vault")
        vault, terms = self.vaults[owner], self.terms
        if self.spot_ray == 0 or not auctions.is_unsafe(
            vault.collateral_wad, vault.debt_wad, self.rate_ray, self.spot_ray
        ):
            raise RefusalError(
                "not-unsafe", f"the vault of {owner!r} is covered at {self.price_wad}"
            )
        room = auctions.room(
            terms.hole_rad, self.dirt_rad + self.other_dirt_rad,
            terms.collateral_hole_rad, self.dirt_rad,
        )  # fmt: skip
        taken = auctions.bark(
            vault.collateral_wad, vault.debt_wad, rate_ray=self.rate_ray, spot_ray=self.spot_ray,
            chop_wad=terms.chop_wad, dust_rad=terms.dust_rad, room_rad=room,
        )  # fmt: skip
        self._require_on("kick")
        top = auctions.starting_price(self.feed_price_ray, terms.buf_ray)
        earned = auctions.keeper_incentive(taken.tab_rad, terms.tip_rad, terms.chip_wad)
        self.vaults[owner] = Vault(taken.collateral_left_wad, taken.debt_left_wad)
        if not taken.collateral_left_wad and not taken.debt_left_wad:
            del self.vaults[owner]
        self._last += 1
        self.running[self._last] = Auction(
            owner, taken.collateral_wad, taken.tab_rad, top, self.now_seconds
        )
        self.dirt_rad += taken.tab_rad
        self.due_rad += taken.due_rad
        self.incentives_rad += earned
        return self._last, taken

    def status(self, number: int) -> tuple[bool, int]:
        """Whether an auction needs a reset, and its price now, a ray."""
        sale = self._auction(number)
        elapsed = self.now_seconds - sale.started_seconds
        price = self.terms.price.price(sale.top_ray, elapsed)
        stale = auctions.needs_reset(
            elapsed, price, sale.top_ray, tail_seconds=self.terms.tail_seconds,
            cusp_ray=self.terms.cusp_ray,
        )  # fmt: skip
        return stale, price

    def take(self, number: int, amount_wad: int, max_price_ray: int | None = None) -> Take:
        """Bid for up to `amount_wad`, at most at `max_price_ray`.

        Raises
        ------
        RefusalError
            ``"needs-reset"``, as `auctions.take`, or the breaker is on.
        """
        self._require_on("take")
        sale = self._auction(number)
        stale, price = self.status(number)
        if stale:
            raise RefusalError("needs-reset", f"number {number} is too old or too cheap")
        bid = auctions.take(
            sale.lot_wad, sale.tab_rad, price, amount_wad, self.terms.chost_rad, max_price_ray
        )
        self.bought_wad += bid.bought_wad
        self.collected_rad += bid.paid_rad
        self.returned_wad += bid.returned_wad
        self.uncollected_rad += bid.uncollected_rad
        self.dirt_rad -= bid.paid_rad + bid.uncollected_rad
        if bid.is_over or bid.tab_rad == 0:
            del self.running[number]
        else:
            self.running[number] = Auction(
                sale.owner, bid.lot_wad, bid.tab_rad, sale.top_ray, sale.started_seconds
            )
        return bid

    def redo(self, number: int) -> int:
        """Reset an auction to the price of now; what the keeper earns, a rad.

        Raises
        ------
        RefusalError
            ``"cannot-reset"``: it does not need one; ``"zero-top-price"``; or the breaker is on.
        """
        self._require_on("redo")
        sale, terms = self._auction(number), self.terms
        if not self.status(number)[0]:
            raise RefusalError("cannot-reset", f"number {number} needs no reset")
        top = auctions.starting_price(self.feed_price_ray, terms.buf_ray)
        earned = auctions.redo_incentive(
            sale.tab_rad, sale.lot_wad, self.feed_price_ray, terms.chost_rad, terms.tip_rad,
            terms.chip_wad,
        )  # fmt: skip
        self.running[number] = Auction(
            sale.owner, sale.lot_wad, sale.tab_rad, top, self.now_seconds
        )
        self.incentives_rad += earned
        return earned

    def cancel(self, number: int) -> int:
        """End an auction by decree; its lot, a wad, leaves with whoever decreed it."""
        sale = self._auction(number)
        self.dirt_rad -= sale.tab_rad
        self.cancelled_wad += sale.lot_wad
        del self.running[number]
        return sale.lot_wad

    def check(self) -> None:
        """Every unit of collateral and of tabs is where the accounts say.

        Raises
        ------
        ConservationError
            It is not.
        """
        held = sum(vault.collateral_wad for vault in self.vaults.values())
        held += sum(sale.lot_wad for sale in self.running.values())
        gone = self.bought_wad + self.returned_wad + self.cancelled_wad
        if held + gone != self.deposited_wad:
            raise ConservationError(f"collateral {held} + {gone} is not {self.deposited_wad}")
        tabs = sum(sale.tab_rad for sale in self.running.values())
        if tabs != self.dirt_rad:
            raise ConservationError(f"tabs {tabs} are not dirt_rad {self.dirt_rad}")
