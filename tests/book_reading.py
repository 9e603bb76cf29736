"""Short forms in which the book tests read a book and write batches."""

import numpy as np
from reference.records import MESSAGE_DTYPE


def trades(book) -> list[tuple[int, int, int, int]]:
    """(maker, taker, size, price) of the last call's fills."""
    return pairs(book.fills)


def pairs(fills) -> list[tuple[int, int, int, int]]:
    """(maker, taker, size, price) of each fill."""
    return [
        (int(fill["maker"]), int(fill["taker"]), int(fill["size"]), int(fill["price"]))
        for fill in fills
    ]


def column(book, name: str) -> list[int]:
    """One field of the canonical orders."""
    return [int(value) for value in book.orders[name]]


def rows(book) -> list[tuple[int, int, int, int]]:
    """(id, price, size, hidden) of the canonical orders, waiting stops included."""
    return [
        (int(row["id"]), int(row["price"]), int(row["size"]), int(row["hidden"]))
        for row in book.orders
    ]


def queue(book, side: str, price: int) -> list[tuple[int, ...]]:
    """(order, account, size, hidden) of one level in priority order."""
    return [tuple(int(value) for value in row) for row in book.queue(side, price)]


def levels(found) -> list[tuple[int, ...]]:
    """(price, size, count) rows of `bids` or `asks`."""
    return [tuple(int(value) for value in row) for row in found]


def batch(*messages: dict) -> np.ndarray:
    """A MESSAGE_DTYPE array; fields left out are zero, the account is the anonymous one."""
    array = np.zeros(len(messages), dtype=MESSAGE_DTYPE)
    array["account"] = -1
    for row, message in zip(array, messages, strict=True):
        fields = dict(message)
        fields["time_in_force"] = fields.get("time_in_force", 0) | fields.pop("self_trade", 0) << 4
        for name, value in fields.items():
            row[name] = value
    return array


def codes(book, *messages: dict) -> list[int]:
    """Codes of a batch."""
    return [int(code) for code in book.apply(batch(*messages)).codes]


def snapshot(book) -> tuple:
    """All that a refused call must leave as it was, ids apart."""
    return book.orders.tobytes(), int(book.last), int(book.mark)
