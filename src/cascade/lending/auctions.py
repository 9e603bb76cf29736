"""Collateral auctions of MakerDAO Liquidations 2.0, step by step, as exact functions.

`bark` decides how much of an unsafe vault is taken, `starting_price` and `keeper_incentive` start the
auction, `take` is a bid, `needs_reset` and `redo_incentive` begin it anew. Wads, rays and rads are
those of the contracts, and every division rounds down as theirs does. `CollateralAuctions` runs whole
histories.

Sources: makerdao/dss src/dog.sol, src/clip.sol and src/spot.sol.
"""

from __future__ import annotations

from dataclasses import dataclass

from cascade.lending.wad import RAY, WAD, RefusalError, amount

#: The stage of the circuit breaker from which an operation is refused.
STOPPED_FROM = {"kick": 1, "redo": 2, "take": 3}


@dataclass(frozen=True)
class Bark:
    """What is taken of a vault.

    Parameters
    ----------
    debt_wad : int
        Normalised debt taken.
    collateral_wad : int
        Collateral taken: the lot.
    due_rad : int
        The debt taken with its interest; a debt of the system from now on.
    tab_rad : int
        What the auction collects: `due_rad` and the penalty.
    debt_left_wad, collateral_left_wad : int
        What stays in the vault.
    """

    debt_wad: int
    collateral_wad: int
    due_rad: int
    tab_rad: int
    debt_left_wad: int
    collateral_left_wad: int


@dataclass(frozen=True)
class Take:
    """What a bid buys and what is left.

    Parameters
    ----------
    bought_wad : int
        Collateral to the bidder.
    paid_rad : int
        What the bidder pays.
    lot_wad, tab_rad : int
        What the auction goes on with; both 0 when it is over.
    returned_wad : int
        Collateral to the owner of the vault, when all of the tab is collected.
    uncollected_rad : int
        The part of the tab that is given up when the lot is empty: bad debt.
    """

    bought_wad: int
    paid_rad: int
    lot_wad: int
    tab_rad: int
    returned_wad: int
    uncollected_rad: int

    @property
    def is_over(self) -> bool:
        """The auction is over."""
        return self.lot_wad == 0


def liquidation_price_ray(price_wad: int, liquidation_ratio_ray: int, par_ray: int = RAY) -> int:
    """Price with safety margin, Maker's ``spot``: two divisions, each rounded down.

    Parameters
    ----------
    price_wad : int
        Price of a unit of collateral.
    liquidation_ratio_ray : int
        At least 1 part; 1.5 ray asks for collateral of 150 %.
    par_ray : int, default 1 ray
        Price of a unit of debt.

    Returns
    -------
    int
        A ray.
    """
    ratio = amount(liquidation_ratio_ray, "liquidation_ratio_ray", 1)
    return feed_price_ray(price_wad, par_ray) * RAY // ratio


def feed_price_ray(price_wad: int, par_ray: int = RAY) -> int:
    """Price of a unit of collateral in units of debt, a ray, rounded down."""
    price = amount(price_wad, "price_wad")
    return price * 10**9 * RAY // amount(par_ray, "par_ray", 1)


def is_unsafe(collateral_wad: int, debt_wad: int, rate_ray: int, spot_ray: int) -> bool:
    """``collateral * spot < debt * rate``, strictly: a vault that is exactly covered is safe."""
    collateral = amount(collateral_wad, "collateral_wad") * amount(spot_ray, "spot_ray")
    return collateral < amount(debt_wad, "debt_wad") * amount(rate_ray, "rate_ray")


def room(hole_rad: int, dirt_rad: int, collateral_hole_rad: int, collateral_dirt_rad: int) -> int:
    """How much of tabs may still be started, of all collaterals and of one.

    Parameters
    ----------
    hole_rad, collateral_hole_rad : int
        Limits on tabs of running auctions, Maker's ``Hole`` and ``hole``.
    dirt_rad, collateral_dirt_rad : int
        Their tabs now.

    Returns
    -------
    int
        The smaller of both rooms, a rad.

    Raises
    ------
    RefusalError
        ``"liquidation-limit-hit"``: one of them has no room.
    """
    rooms = (
        amount(hole_rad, "hole_rad") - amount(dirt_rad, "dirt_rad"),
        amount(collateral_hole_rad, "collateral_hole_rad")
        - amount(collateral_dirt_rad, "collateral_dirt_rad"),
    )
    if min(rooms) <= 0:
        raise RefusalError(
            "liquidation-limit-hit",
            f"dirt_rad {dirt_rad} must be below hole_rad {hole_rad}, and "
            f"collateral_dirt_rad {collateral_dirt_rad} below {collateral_hole_rad}",
        )
    return min(rooms)


def bark(
    collateral_wad: int,
    debt_wad: int,
    *,
    rate_ray: int,
    spot_ray: int,
    chop_wad: int,
    dust_rad: int,
    room_rad: int,
) -> Bark:
    """How much of a vault is taken.

    Parameters
    ----------
    collateral_wad, debt_wad : int
        Collateral and normalised debt of the vault, Maker's ``ink`` and ``art``.
    rate_ray : int
        Debt a unit of normalised debt.
    spot_ray : int
        Price of the collateral with safety margin, see `liquidation_price_ray`.
    chop_wad : int
        Penalty factor, at least one wad: 1.13 wad asks 13 % more.
    dust_rad : int
        Least debt of a vault.
    room_rad : int
        See `room`.

    Returns
    -------
    Bark

    Raises
    ------
    RefusalError
        ``"not-unsafe"``; ``"dusty-auction"``: neither the part that fits nor what would stay makes the
        whole vault be taken, and the part is below `dust_rad`; ``"null-auction"``: the collateral
        taken rounds to nothing.

    Notes
    -----
    A remnant below `dust_rad` makes the whole vault be taken, though the limit is then exceeded by up
    to ``dust * chop``. dog.sol, ``bark``.

    Examples
    --------
    A limit of 80 against a debt of 100 leaves 20, which is not below a dust of 20:

    >>> from cascade.lending.wad import RAD
    >>> terms = dict(rate_ray=RAY, spot_ray=2 * RAY, chop_wad=WAD, dust_rad=20 * RAD)
    >>> part = bark(40 * WAD, 100 * WAD, room_rad=80 * RAD, **terms)
    >>> part.tab_rad // RAD, part.collateral_wad // WAD, part.debt_left_wad // WAD
    (80, 32, 20)

    One part more of room would leave less, so all of it goes:

    >>> bark(40 * WAD, 100 * WAD, room_rad=80 * RAD + RAY, **terms).debt_left_wad
    0
    """
    collateral = amount(collateral_wad, "collateral_wad")
    debt = amount(debt_wad, "debt_wad")
    rate = amount(rate_ray, "rate_ray", 1)
    chop = amount(chop_wad, "chop_wad", WAD)
    dust = amount(dust_rad, "dust_rad")
    spot = amount(spot_ray, "spot_ray")
    if spot == 0 or not is_unsafe(collateral, debt, rate, spot):
        raise RefusalError(
            "not-unsafe",
            f"collateral_wad {collateral} * spot_ray {spot} must be below debt_wad {debt} * "
            f"rate_ray {rate}, and spot_ray above 0",
        )
    taken = min(debt, amount(room_rad, "room_rad") * WAD // rate // chop)
    if taken < debt:
        if (debt - taken) * rate < dust:
            taken = debt
        elif taken * rate < dust:
            raise RefusalError(
                "dusty-auction", f"room_rad {room_rad} takes {taken * rate}, dust_rad is {dust}"
            )
    lot = collateral * taken // debt
    if lot == 0:
        raise RefusalError(
            "null-auction", f"collateral_wad {collateral} * {taken} / {debt} must be at least 1"
        )
    due = taken * rate
    return Bark(taken, lot, due, due * chop // WAD, debt - taken, collateral - lot)


def starting_price(feed_price_ray: int, buf_ray: int) -> int:
    """Price that an auction starts at: the feed times `buf_ray`, a ray, rounded down.

    Raises
    ------
    RefusalError
        ``"zero-top-price"``.
    """
    price = amount(feed_price_ray, "feed_price_ray")
    top = price * amount(buf_ray, "buf_ray") // RAY
    if top == 0:
        raise RefusalError(
            "zero-top-price", f"feed_price_ray {price} * buf_ray {buf_ray} must be at least 1"
        )
    return top


def keeper_incentive(tab_rad: int, tip_rad: int, chip_wad: int) -> int:
    """What starting an auction earns: ``tip + tab * chip``, a rad, rounded down."""
    share = amount(tab_rad, "tab_rad") * amount(chip_wad, "chip_wad") // WAD
    return amount(tip_rad, "tip_rad") + share


def redo_incentive(
    tab_rad: int, lot_wad: int, feed_price_ray: int, chost_rad: int, tip_rad: int, chip_wad: int
) -> int:
    """What resetting an auction earns: as for starting it, or nothing.

    Nothing when the tab, or the lot at the price of the feed, is below `chost_rad`: otherwise dust
    could be reset for ever.
    """
    chost = amount(chost_rad, "chost_rad")
    value = amount(lot_wad, "lot_wad") * amount(feed_price_ray, "feed_price_ray")
    if amount(tab_rad, "tab_rad") < chost or value < chost:
        return 0
    return keeper_incentive(tab_rad, tip_rad, chip_wad)


def least_tab(dust_rad: int, chop_wad: int) -> int:
    """Maker's ``chost``, ``dust * chop``, a rad, rounded down: what a bid leaves, unless nothing."""
    return amount(dust_rad, "dust_rad") * amount(chop_wad, "chop_wad") // WAD


def needs_reset(
    elapsed_seconds: int, price_ray: int, top_ray: int, *, tail_seconds: int, cusp_ray: int
) -> bool:
    """An auction is too old or its price too low to go on; both comparisons are strict.

    Parameters
    ----------
    elapsed_seconds : int
        Since the auction began or was reset.
    price_ray, top_ray : int
        Price now and at the beginning.
    tail_seconds, cusp_ray : int
        Longest time, least share of the first price.
    """
    late = amount(elapsed_seconds, "elapsed_seconds") > amount(tail_seconds, "tail_seconds")
    share = amount(price_ray, "price_ray") * RAY // amount(top_ray, "top_ray", 1)
    return late or share < amount(cusp_ray, "cusp_ray")


def reset_price(top_ray: int, cusp_ray: int) -> int:
    """The lowest price that needs no reset, a ray: ``top * cusp``, rounded up."""
    return -(-amount(top_ray, "top_ray", 1) * amount(cusp_ray, "cusp_ray") // RAY)


def is_stopped(stage: int, operation: str) -> bool:
    """Whether the circuit breaker refuses an operation.

    Parameters
    ----------
    stage : int
        0 all on; 1 no new auctions; 2 no resets either; 3 no bids either.
    operation : {"kick", "redo", "take"}

    Raises
    ------
    ValueError
        The stage is not 0 ... 3, or there is no such operation.
    """
    if operation not in STOPPED_FROM:
        raise ValueError(f"operation {operation!r} is not one of {', '.join(STOPPED_FROM)}")
    return amount(stage, "stage", 0, 3) >= STOPPED_FROM[operation]


def take(
    lot_wad: int,
    tab_rad: int,
    price_ray: int,
    amount_wad: int,
    chost_rad: int,
    max_price_ray: int | None = None,
) -> Take:
    """A bid for up to `amount_wad` of a lot.

    Parameters
    ----------
    lot_wad, tab_rad : int
        What the auction has and what it has to collect; both above 0.
    price_ray : int
        Price now.
    amount_wad : int
        The most that the bidder buys.
    chost_rad : int
        See `least_tab`.
    max_price_ray : int, optional
        The most that the bidder pays a unit.

    Returns
    -------
    Take

    Raises
    ------
    RefusalError
        ``"too-expensive"``: the price is above `max_price_ray`. ``"no-partial-purchase"``: the tab is
        not above `chost_rad`, and the bid would leave some of both.

    Notes
    -----
    Never more than the tab is collected: the slice is then what the tab buys, rounded down. A bid
    that would leave less than `chost_rad` is cut to leave exactly that, unless it takes the whole lot.
    clip.sol, ``take``.

    Examples
    --------
    >>> from cascade.lending.wad import RAD
    >>> bid = take(40 * WAD, 110 * RAD, 5 * RAY, 25 * WAD, 22 * RAD)
    >>> bid.bought_wad // WAD, bid.paid_rad // RAD, bid.returned_wad // WAD
    (22, 110, 18)
    """
    lot = amount(lot_wad, "lot_wad", 1)
    tab = amount(tab_rad, "tab_rad", 1)
    price = amount(price_ray, "price_ray")
    chost = amount(chost_rad, "chost_rad")
    if max_price_ray is not None and amount(max_price_ray, "max_price_ray") < price:
        raise RefusalError("too-expensive", f"max_price_ray {max_price_ray} is below {price}")
    bought = min(lot, amount(amount_wad, "amount_wad"))
    paid = bought * price
    if paid > tab:
        paid = tab
        bought = paid // price
    elif paid < tab and bought < lot and tab - paid < chost:
        if tab <= chost:
            raise RefusalError(
                "no-partial-purchase",
                f"amount_wad {bought} must be the whole lot {lot}: tab_rad {tab} is not above {chost}",
            )
        paid = tab - chost
        bought = paid // price
    lot -= bought
    tab -= paid
    if lot == 0:
        return Take(bought, paid, 0, 0, 0, tab)
    if tab == 0:
        return Take(bought, paid, 0, 0, lot, 0)
    return Take(bought, paid, lot, tab, 0, 0)
