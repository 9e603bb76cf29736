"""Clearing price of a call auction by trying every limit price, as docs/book.md lists the rules."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Clearing:
    """Where an uncross would trade: ticks, lots, and buys minus sells executable there."""

    price: int
    volume: int
    imbalance: int


def clearing(
    buys: list[tuple[int, int]], sells: list[tuple[int, int]], last: int
) -> Clearing | None:
    """Best of all limit prices for (price, size) rows; None when nothing can trade."""
    tried = []
    for price in sorted({price for price, _ in buys + sells}):
        demand = sum(size for limit, size in buys if limit >= price)
        supply = sum(size for limit, size in sells if limit <= price)
        tried.append(Clearing(price, min(demand, supply), demand - supply))
    most = max((entry.volume for entry in tried), default=0)
    if most == 0:
        return None
    tried = [entry for entry in tried if entry.volume == most]
    least = min(abs(entry.imbalance) for entry in tried)
    tried = [entry for entry in tried if abs(entry.imbalance) == least]
    if all(entry.imbalance > 0 for entry in tried):
        return tried[-1]
    if all(entry.imbalance < 0 for entry in tried):
        return tried[0]
    reference = last or (tried[0].price + tried[-1].price) // 2
    return min(tried, key=lambda entry: (abs(entry.price - reference), entry.price))
