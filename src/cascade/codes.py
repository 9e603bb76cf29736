"""Names of the numbers in messages and results; the values never change once released.

They mirror `_types.pxd`, which the compiled modules share.
"""

from enum import IntEnum, IntFlag

__all__ = ["Code", "EventKind", "MessageFlag", "MessageKind", "SelfTrade", "Side", "TimeInForce"]


class Side(IntEnum):
    """Side of an order."""

    BUY = 0
    SELL = 1


class MessageKind(IntEnum):
    """What a message asks for."""

    LIMIT = 0
    CANCEL = 1
    MARKET = 2
    MODIFY = 3
    STOP = 4
    STOP_LIMIT = 5
    CANCEL_ALL = 6


class EventKind(IntEnum):
    """Kind of an event of the log, ``docs/log.md``."""

    ORDER = 1
    FILL = 2
    CANCEL = 3
    MARK = 4
    INDEX = 5
    LIQUIDATION = 6
    TAKEOVER = 7
    FUND = 8
    BAD_DEBT = 9
    DEPOSIT = 10
    WITHDRAWAL = 11
    OPEN = 12
    FUNDING = 13
    TRIGGER = 14
    FEE = 15
    TRANSFER = 16
    ADL = 17
    HALT = 18
    AUCTION = 19
    SOCIALISED = 20
    HAIRCUT = 21
    MARGIN_CALL = 22
    LIQUIDITY = 26
    INTEREST = 32
    ORACLE = 33
    SUPPLY = 34
    REDEEM = 35
    BORROW = 36
    REPAY = 37
    SEIZE = 38
    HEALTH = 39
    KICK = 40
    TAKE = 41
    REDO = 42
    RETURNED = 43
    INCENTIVE = 44
    SOFT_LIQUIDATION = 45
    DE_LIQUIDATION = 46
    OFFSET = 47
    REDISTRIBUTE = 48
    PROVIDE = 49
    SEQUENCER = 50
    CATEGORY = 51


class TimeInForce(IntEnum):
    """Low four bits of the message field `time_in_force`."""

    GTC = 0
    IOC = 1
    FOK = 2


class SelfTrade(IntEnum):
    """Self-trade prevention, high four bits of the message field `time_in_force`."""

    ALLOW = 0
    CANCEL_NEWEST = 1
    CANCEL_OLDEST = 2
    CANCEL_BOTH = 3
    DECREMENT = 4


class MessageFlag(IntFlag):
    """Bits of the message field `flags`."""

    POST_ONLY = 1
    POST_ONLY_SLIDE = 2
    REDUCE_ONLY = 4
    STOP_ON_MARK = 8
    ICEBERG = 16
    LONG_LEG = 32
    SHORT_LEG = 64


class Code(IntEnum):
    """Answer to a message: 0-9 done, 10-49 the book refused, 50-89 the clearing house refused.

    CLOSED_ACCOUNT is reserved: nothing gives it so far.
    """

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
    UNKNOWN_ACCOUNT = 50
    MARGIN = 51
    REDUCE_ONLY = 52
    CLOSED_ACCOUNT = 53
    OVERFLOW = 54
    OTHER_ASSET = 55
