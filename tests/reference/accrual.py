"""Funding accrued through an index (docs/funding.md), by adding up what everybody owes.

One lot of a market accrues the same whoever holds it. The index counts it in parts of 10**9 of an
atom; a position owes its size times what the index moved since it was settled last, rounded up.
"""

from . import log as events
from .margin import fits

PARTS = 10**9
LARGEST_INDEX = 2**62
CROSS = -1


def toward_zero(numerator: int, denominator: int) -> int:
    size = abs(numerator) // denominator
    return size if numerator >= 0 else -size


def up(parts: int) -> int:
    """Atoms of so many parts, rounded up."""
    return -(-parts // PARTS)


def owed(clearing, position) -> int:
    """Atoms a position has to pay, negative: to receive."""
    market = clearing.markets[position.market]
    if not market.accrues or not position.size:
        return 0
    return up(position.size * (market.funding_index - position.funding_at))


def undistributed(clearing, market) -> int:
    """Parts that the pool holds beyond what it will pay once everybody settles."""
    held = [p for p in clearing.positions if p.market == market.number]
    coming = sum(p.size * (market.funding_index - p.funding_at) for p in held if p.size)
    return market.funding_pool * PARTS + coming


def settle_one(clearing, position) -> None:
    market = clearing.markets[position.market]
    due = owed(clearing, position)
    position.funding_at = market.funding_index
    if not due:
        return
    name = clearing.unit_name(position)
    clearing.set_collateral(name, clearing.stored(name) - due)
    market.funding_pool = fits(market.funding_pool + due)
    clearing.log.add(
        events.FUNDING,
        quantity=abs(position.size),
        money=due,
        account=position.account,
        order=market.funding_index,
        market=market.number,
        side=0 if position.size > 0 else 1,
    )


def settle_touched(clearing, position) -> None:
    """Settle a position's unit and, behind an isolated position, the account's cross unit."""
    account = position.account
    names = [clearing.unit_name(position)]
    if position.isolated:
        names.append((account, CROSS))
    for name in names:
        for held in clearing.unit_positions(name):
            if clearing.markets[held.market].accrues:
                settle_one(clearing, held)
    position.funding_at = clearing.markets[position.market].funding_index


def settle_balance(clearing, account: int) -> None:
    for held in clearing.unit_positions((account, CROSS)):
        if clearing.markets[held.market].accrues:
            settle_one(clearing, held)


def accrue(clearing, market, parts: int, price: int) -> None:
    """Move the index by a rate; outside and the house pay at once, the pool gives away what is over."""
    if market.contract.inverse:
        moved = toward_zero(market.contract.unit * parts, price)
    else:
        moved = market.contract.unit * price * parts
    if abs(market.funding_index + moved) > LARGEST_INDEX:
        raise OverflowError(f"the funding index of {market.name!r} does not fit in 62 bits")
    market.funding_index += moved
    outside, house = up(market.outside_lots * moved), up(market.house_position.size * moved)
    market.outside_entry = fits(market.outside_entry + outside)
    market.funding_pool = fits(market.funding_pool + outside + house)
    over = undistributed(clearing, market) // PARTS
    market.funding_pool -= over
    logged = clearing.log.add(
        events.FUNDING,
        price=price,
        money=up(market.open_interest_lots * moved),
        order=market.funding_index,
        market=market.number,
        code=parts,
    )
    clearing.move_fund(over - house, market.number, events.HOUSE, logged)
