"""Steps 1 and 2 of docs/book.md: is a message well formed and inside the ranges of the book?"""

from typing import Protocol

from .records import (
    ALL_FLAGS,
    ALLOW,
    BOTH,
    BUY,
    DECREMENT,
    FOK,
    GTC,
    ICEBERG,
    IOC,
    LIMIT,
    LONG_LEG,
    LOWEST_ACCOUNT,
    MARKET,
    MAX_DISPLAY,
    MAX_PRICE,
    NEWEST,
    OLDEST,
    POST_ONLY,
    SELL,
    SHORT_LEG,
    SLIDE,
    STOP,
    STOP_LIMIT,
    STOP_ON_MARK,
    Code,
    Message,
)


class Bounds(Protocol):
    """What a book says of its ranges, in lots and ticks."""

    min_size: int
    max_size: int
    min_price: int
    max_price: int


def form(message: Message) -> Code:
    """Step 1."""
    flags = message.flags
    post_only = flags & (POST_ONLY | SLIDE)
    bad = (
        message.kind not in (LIMIT, MARKET, STOP, STOP_LIMIT)
        or message.side not in (BUY, SELL)
        or message.time_in_force not in (GTC, IOC, FOK)
        or message.self_trade not in (ALLOW, NEWEST, OLDEST, BOTH, DECREMENT)
        or flags & ~ALL_FLAGS
        or message.account < LOWEST_ACCOUNT
        or (flags & POST_ONLY and flags & SLIDE)
        or (flags & LONG_LEG and flags & SHORT_LEG)
        or (post_only and message.time_in_force != GTC)
        or (post_only and message.kind in (MARKET, STOP))
        or (flags & ICEBERG and message.time_in_force != GTC)
        or (flags & ICEBERG and message.kind != LIMIT)
        or (flags & STOP_ON_MARK and message.kind not in (STOP, STOP_LIMIT))
        or (message.kind in (STOP, STOP_LIMIT) and message.time_in_force != GTC)
    )
    return Code.BAD_MESSAGE if bad else Code.OK


def in_range(message: Message, bounds: Bounds) -> Code:
    """Step 2."""
    if not bounds.min_size <= message.size <= bounds.max_size:
        return Code.BAD_SIZE
    if message.kind in (LIMIT, STOP_LIMIT) and not (
        bounds.min_price <= message.price <= bounds.max_price
    ):
        return Code.BAD_PRICE
    if message.kind in (STOP, STOP_LIMIT) and not 1 <= message.extra <= MAX_PRICE:
        return Code.BAD_PRICE
    if message.flags & ICEBERG and not 1 <= message.extra <= min(message.size, MAX_DISPLAY):
        return Code.BAD_SIZE
    return Code.OK


def one_of(name: str, value, choices: dict) -> int:
    if value not in choices:
        raise ValueError(f"{name} must be one of {list(choices)}, got {value!r}")
    return choices[value]
