"""Fuzz target: any bytes as a batch of messages must leave a valid book.

    python tests/fuzz/fuzz_messages.py --seconds 600

The first byte chooses how: whether the fields are squeezed into a handful of prices, sizes,
accounts and ids (so that orders meet), how the batch is cut, and whether an auction is held.
"""

import sys
from pathlib import Path

import numpy as np

import cascade

sys.path.insert(0, str(Path(__file__).parent))
from running import run

MESSAGE_BYTES = cascade.MESSAGE_DTYPE.itemsize
LARGEST = 1 + 256 * MESSAGE_BYTES
SQUEEZED, AUCTION, HAS_MARK, BOUNDED = 1, 2, 4, 8
KNOWN_CODES = {0, 1, 2, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 50, 51, 52, 53, 54, 55}


def squeeze(messages: np.ndarray) -> None:
    """Map the fields, in place, to values at which orders meet; a few stay malformed."""
    messages["kind"] %= 8
    messages["side"] %= np.where(messages["side"] == 255, 3, 2).astype(np.uint8)
    messages["time_in_force"] = (
        messages["time_in_force"] % 4 | messages["time_in_force"] // 4 % 6 << 4
    )
    messages["flags"] &= np.where(messages["flags"] & 128, 255, 27).astype(np.uint8)
    for name, lowest, count in (
        ("account", -1, 4),
        ("price", 96, 9),
        ("extra", 0, 105),
        ("size", 0, 20),
        ("order", 0, len(messages) + 2),
    ):
        messages[name] = lowest + messages[name] % count


def check(data: bytes) -> None:
    """Apply `data` to a book in parts; each part must answer sensibly and leave a valid book."""
    if not data:
        return
    mode = data[0]
    count = (len(data) - 1) // MESSAGE_BYTES
    messages = np.frombuffer(data, cascade.MESSAGE_DTYPE, count, offset=1).copy()
    if mode & SQUEEZED:
        squeeze(messages)
    bounds = {"min_size": 2, "max_size": 15, "min_price": 97, "max_price": 103}
    book = cascade.OrderBook(**bounds if mode & BOUNDED else {})
    if mode & HAS_MARK:
        book.mark = 100
    parts = np.array_split(messages, 1 + (mode >> 4))
    for index, part in enumerate(parts):
        if mode & AUCTION and index == len(parts) // 2:
            book.open_auction()
        batch = book.apply(part)
        book.validate()
        assert len(batch.codes) == len(batch.filled) == len(batch.orders) == len(part)
        assert set(batch.codes.tolist()) <= KNOWN_CODES
        assert (batch.filled >= 0).all()
        fills = batch.fills
        assert (fills["size"] > 0).all()
        assert (fills["maker"] != fills["taker"]).all()
        assert (fills["message"] < max(1, len(part))).all()
    if mode & AUCTION:
        book.indicative()
        book.uncross()
        book.validate()
    copy = book.copy()
    copy.validate()
    assert copy.state_hash() == book.state_hash()


if __name__ == "__main__":
    run(check, LARGEST)
