"""Routes of the twin: a trade over several venues so that no lot would have traded better elsewhere.

docs/pools.md, *Routing*. A venue is a function from lots to what they bring, None when it does not take them; what
a purchase costs counts below zero. `lot_by_lot` is the definition where every further lot brings less; `split` is
the rule that the engine follows with any venue, asking for whole trades alone.
"""

from .records import SELL


def lot_by_lot(worths: list, lots: int) -> list[int]:
    """Each lot where it brings most, the first venue of equals; lots that nobody takes are left."""
    parts = [0] * len(worths)
    for _ in range(lots):
        gains = []
        for venue, worth in enumerate(worths):
            after = worth(parts[venue] + 1)
            if after is not None:
                gains.append((after - worth(parts[venue]), -venue))
        if not gains:
            break
        parts[-max(gains)[1]] += 1
    return parts


def moves(worths: list, parts: list[int], step: int) -> list[tuple[int, int, int]]:
    """(gain, giver, taker) of every move of a step of lots between two venues."""
    found = []
    for giver, worth in enumerate(worths):
        for taker, other in enumerate(worths):
            if taker == giver or parts[giver] < step or other(parts[taker] + step) is None:
                continue
            lost = worth(parts[giver]) - worth(parts[giver] - step)
            gained = other(parts[taker] + step) - other(parts[taker])
            found.append((gained - lost, giver, taker))
    return found


def split(worths: list, lots: int) -> tuple[list[int], int]:
    """Lots by venue, and what is left: steps of powers of two, the largest first.

    Of each size as many as are left go where they bring most; then what is placed moves by such steps as
    long as a move gains, the one that gains most first, or loses nothing and goes to an earlier venue.
    """
    parts, left = [0] * len(worths), lots
    for power in reversed(range(lots.bit_length())):
        step = 2**power
        while left >= step:
            gains = [
                (worth(parts[venue] + step) - worth(parts[venue]), -venue)
                for venue, worth in enumerate(worths)
                if worth(parts[venue] + step) is not None
            ]
            if not gains:
                break
            parts[-max(gains)[1]] += step
            left -= step
        while True:
            better = [move for move in moves(worths, parts, step) if move[0] > 0]
            equal = [
                move for move in moves(worths, parts, step) if move[0] == 0 and move[2] < move[1]
            ]
            if not better and not equal:
                break
            if better:
                _, giver, taker = max(better, key=lambda move: (move[0], -move[1], -move[2]))
            else:
                _, giver, taker = equal[0]
            parts[giver] -= step
            parts[taker] += step
    return parts, left


def worth_at(market, side: int):
    """What lots bring at a market's venue as it stands; each size is asked once."""
    known = {0: 0}

    def worth(lots: int) -> int | None:
        if lots not in known:
            closed = market.venue.auction or (market.halts is not None and market.halts.throttled)
            atoms = None if closed else market.venue.quote(side, lots)
            known[lots] = atoms if atoms is None or side == SELL else -atoms
        return known[lots]

    return worth


def route(venues: tuple, side: int, lots: int) -> tuple[list[int], int, int]:
    """Lots by venue, lots left, and atoms for the rest."""
    worths = [worth_at(market, side) for market in venues]
    parts, left = split(worths, lots)
    atoms = sum(worth(part) for worth, part in zip(worths, parts, strict=True))
    return parts, left, abs(atoms)


def quote(venues: tuple, side: int, lots: int) -> int | None:
    """Atoms for lots over all venues; None: they do not take so many now."""
    if len(venues) == 1:
        worth = worth_at(venues[0], side)(lots)
        return None if worth is None else abs(worth)
    _, left, atoms = route(venues, side, lots)
    return None if left else atoms
