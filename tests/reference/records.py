"""Numbers and records of the twin: limits, kinds, flags, answers and array layouts.

All are written down from docs/book.md and the public tables of codes, not taken from `cascade`.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

MAX_PRICE = 2_147_483_646
MAX_SIZE = 2**48
MAX_LEVEL = 2**62
MAX_DISPLAY = 2**31 - 1
ANONYMOUS = -1
LOWEST_ACCOUNT = -2

BUY, SELL = 0, 1
LIMIT, CANCEL, MARKET, MODIFY, STOP, STOP_LIMIT, CANCEL_ALL = range(7)
GTC, IOC, FOK = range(3)
ALLOW, NEWEST, OLDEST, BOTH, DECREMENT = range(5)
POST_ONLY, SLIDE, REDUCE_ONLY, STOP_ON_MARK, ICEBERG, LONG_LEG, SHORT_LEG = (
    1 << n for n in range(7)
)
ALL_FLAGS = 127

SIDES = {"buy": BUY, "sell": SELL}
TIMES_IN_FORCE = {"gtc": GTC, "ioc": IOC, "fok": FOK}
POLICIES = {
    "allow": ALLOW,
    "newest": NEWEST,
    "oldest": OLDEST,
    "both": BOTH,
    "decrement": DECREMENT,
}
POST_ONLY_FLAGS = {None: 0, "reject": POST_ONLY, "slide": SLIDE}
WATCHED = {"last": 0, "mark": STOP_ON_MARK}


class Code(IntEnum):
    """Answers of the book; the numbers are public."""

    OK = 0
    STOP_WAITING = 1
    SELF_TRADE_CANCELLED = 2
    UNKNOWN_ORDER = 10
    BAD_PRICE = 11
    BAD_SIZE = 12
    WOULD_TRADE = 13
    NOT_FILLABLE = 14
    AUCTION = 15
    HALTED = 16
    WINDOW = 17
    BAD_MESSAGE = 18
    LEVEL_FULL = 19
    REDUCE_ONLY = 52


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
FILL_FIELDS = (
    ("maker", "<i8"),
    ("taker", "<i8"),
    ("size", "<i8"),
    ("price", "<i4"),
    ("maker_account", "<i4"),
    ("taker_account", "<i4"),
    ("message", "<u4"),
    ("side", "u1"),
    ("maker_flags", "u1"),
)
FILL_DTYPE = np.dtype(list(FILL_FIELDS))
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


@dataclass
class Message:
    """One message in ticks and lots; fields as in MESSAGE_DTYPE, the self-trade policy apart."""

    kind: int
    side: int = 0
    time_in_force: int = GTC
    self_trade: int = ALLOW
    flags: int = 0
    account: int = ANONYMOUS
    price: int = 0
    extra: int = 0
    size: int = 0
    order: int = 0


@dataclass
class Result:
    """Answer to one message."""

    order: int
    code: Code
    filled: int = 0
    resting: int = 0
    price: int = 0


@dataclass
class Order:
    """A resting order or a waiting stop."""

    id: int
    side: int
    price: int
    size: int
    account: int
    flags: int
    self_trade: int
    hidden: int = 0
    display: int = 0
    trigger: int = 0

    @property
    def total(self) -> int:
        return self.size + self.hidden

    def show(self) -> None:
        """Display the next part of an iceberg whose displayed part is used up."""
        self.size = min(self.display, self.hidden)
        self.hidden -= self.size

    def give_up(self, lots: int) -> None:
        """Lose lots, hidden ones first."""
        from_hidden = min(lots, self.hidden)
        self.hidden -= from_hidden
        self.size -= lots - from_hidden


@dataclass
class Fill:
    maker: int
    taker: int
    size: int
    price: int
    maker_account: int
    taker_account: int
    message: int
    side: int
    maker_flags: int


@dataclass
class Batch:
    """Answers to a batch, one entry a message, and the fills of all."""

    codes: np.ndarray
    filled: np.ndarray
    orders: np.ndarray
    fills: np.ndarray


@dataclass
class StepResult:
    """What happened in one step; `events` are its rows of the log."""

    time_ns: int
    liquidated: int
    notional_atoms: int
    pending: int
    waves: int
    bad_debt_atoms: int
    fund_received_atoms: int
    fund_paid_atoms: int
    orders: int
    fills: int
    adl_lots: int
    adl_accounts: int
    events: np.ndarray
    marks: dict[str, float]
    bad_debt: float
    dislocation: dict
