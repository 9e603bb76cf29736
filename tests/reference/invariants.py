"""What must hold after each stage of docs/waterfall.md, by counting everything anew each time."""

from .clearing import ALL_CROSS
from .venues import leg_of


class ContractConservationError(Exception):
    """Sizes of a market do not sum to zero."""


class MoneyConservationError(Exception):
    """Money of an asset is not what was deposited."""


class ClosedAccountOrderError(Exception):
    """An order of a unit that was closed is left."""


class CrossedBookError(Exception):
    """A book is crossed outside an auction."""


def where(stage: str, account: int) -> str:
    return f"after {stage} of account {account}" if account >= 0 else f"after {stage}"


def check_stage(engine, market, account: int, stage: str) -> None:
    """Sizes of the market, and money of its asset with the deficits that wait."""
    clearing = engine.clearing
    totals = engine.totals()
    lots = totals["contracts"][market.name]
    if lots:
        raise ContractConservationError(
            f"{where(stage, account)}: sizes in market {market.number} sum to {lots} lots, not 0"
        )
    m = totals["money"][market.asset]
    held = m["balances"] + m["margins"] - m["entry_values"] + m["fund"] + m["fees"] - m["bad_debt"]
    held += m["funding_pools"]
    held -= sum(
        d.left
        for d in engine.waterfall.deficits
        if clearing.markets[d.market].asset == market.asset
    )
    if held != m["deposits"]:
        number = list(clearing.assets).index(market.asset)
        raise MoneyConservationError(
            f"{where(stage, account)}: asset {number} holds {held - m['deposits']} atoms more than "
            "were deposited, not 0"
        )


def check_book(engine, market, account: int, stage: str) -> None:
    """After forced trades: a book that is open is not crossed."""
    bid, ask = (0, 0) if market.venue.curved else market.venue.touch()
    if bid and ask and bid >= ask and not market.venue.auction:
        raise CrossedBookError(
            f"{where(stage, account)}: the book of market {market.number} is crossed outside an auction"
        )
    check_stage(engine, market, account, stage)


def check_orders(engine, name: tuple[int, int]) -> None:
    """No order of a unit that was closed rests or waits."""
    account, number = name
    clearing = engine.clearing
    for position in clearing.positions:
        alone = number == position.number
        cross = number == ALL_CROSS and position.account == account and not position.isolated
        if not alone and not cross:
            continue
        market = clearing.markets[position.market]
        if any(leg_of(order.flags) == position.leg for order, _ in market.venue.orders_of(account)):
            raise ClosedAccountOrderError(
                f"{where('the book', account)}: an order of it is left in market {market.number}, "
                "where it was closed"
            )
