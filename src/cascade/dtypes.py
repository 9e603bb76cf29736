"""Record layouts of the structured arrays that go in and out of the compiled modules.

They are the C structs of the same names, little-endian and without alignment gaps of their own; the
compiled modules compare the sizes when they are imported.
"""

import numpy as np

__all__ = ["FILL_DTYPE", "MESSAGE_DTYPE", "ORDER_DTYPE"]

#: One order message: `price`, `extra` in ticks (`extra` of an iceberg in lots), `size` in lots.
MESSAGE_DTYPE = np.dtype(
    [
        ("kind", "u1"),
        ("side", "u1"),
        ("time_in_force", "u1"),
        ("flags", "u1"),
        ("account", "<i4"),
        ("price", "<i4"),
        ("extra", "<i4"),
        ("size", "<i8"),
        ("order", "<i8"),
    ]
)

#: One fill: `price` in ticks, `size` in lots, `side` of the taker.
FILL_DTYPE = np.dtype(
    {
        "names": [
            "maker",
            "taker",
            "size",
            "price",
            "maker_account",
            "taker_account",
            "message",
            "side",
            "maker_flags",
        ],
        "formats": ["<i8", "<i8", "<i8", "<i4", "<i4", "<i4", "<u4", "u1", "u1"],
        "offsets": [0, 8, 16, 24, 28, 32, 36, 40, 41],
        "itemsize": 48,
    }
)

#: One resting order or waiting stop: prices in ticks, sizes in lots.
ORDER_DTYPE = np.dtype(
    [
        ("id", "<i8"),
        ("size", "<i8"),
        ("hidden", "<i8"),
        ("display", "<i8"),
        ("price", "<i4"),
        ("account", "<i4"),
        ("trigger", "<i4"),
        ("side", "u1"),
        ("flags", "u1"),
        ("waiting", "u1"),
        ("self_trade", "u1"),
    ]
)
