"""Integer types, limits and codes that every compiled module shares.

Prices are integer ticks, quantities integer lots, money integer atoms, time integer nanoseconds.
The codes are part of the public interface: `cascade.codes` gives them names, the log and the
batch results carry them as numbers, and their values never change once released.
"""

from libc.stdint cimport int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

cdef enum:
    NO_ACCOUNT = -1          # anonymous depth: the world outside the engine
    HOUSE_ACCOUNT = -2       # the insurance fund's own book
    LIQUIDATOR_ACCOUNT = -3  # sells what it seized in a lending market
    NIL = 0                  # slot 0 of every pool is never used: zeroed memory is an empty list

cdef extern from *:
    """
    #define CASCADE_MAX_PRICE 2147483646
    #define CASCADE_MAX_SIZE (((int64_t)1) << 48)
    """
    const int32_t MAX_PRICE "CASCADE_MAX_PRICE"     # ticks; the lowest price is 1
    const int64_t MAX_SIZE "CASCADE_MAX_SIZE"       # lots of one order or one position

cdef enum:                   # sides; not a named enum, because they index arrays
    BUY = 0
    SELL = 1

cdef enum MessageKind:
    MESSAGE_LIMIT = 0
    MESSAGE_CANCEL = 1
    MESSAGE_MARKET = 2
    MESSAGE_MODIFY = 3
    MESSAGE_STOP = 4             # becomes a market order at its trigger
    MESSAGE_STOP_LIMIT = 5       # becomes a limit order at its trigger
    MESSAGE_CANCEL_ALL = 6       # every order of `account`

cdef enum TimeInForce:
    GTC = 0
    IOC = 1
    FOK = 2

cdef enum MessageFlag:
    FLAG_POST_ONLY = 1           # reject when it would trade
    FLAG_POST_ONLY_SLIDE = 2     # rest one tick behind the opposite touch instead
    FLAG_REDUCE_ONLY = 4
    FLAG_STOP_ON_MARK = 8        # a stop watches the mark price, not the last trade
    FLAG_ICEBERG = 16            # `extra` is the displayed size
    FLAG_LONG_LEG = 32           # hedge mode: which leg the order belongs to
    FLAG_SHORT_LEG = 64

cdef enum SelfTrade:
    SELF_TRADE_ALLOW = 0
    SELF_TRADE_CANCEL_NEWEST = 1
    SELF_TRADE_CANCEL_OLDEST = 2
    SELF_TRADE_CANCEL_BOTH = 3
    SELF_TRADE_DECREMENT = 4

# Result codes in blocks: 0-9 done, 10-49 the book refused, 50-89 the clearing house refused.
cdef enum Code:
    CODE_OK = 0                      # accepted: resting, filled, or (IOC, market) the rest dropped
    CODE_STOP_WAITING = 1            # a stop that waits for its trigger
    CODE_SELF_TRADE_CANCELLED = 2    # the remainder was cancelled by self-trade prevention
    CODE_UNKNOWN_ORDER = 10
    CODE_BAD_PRICE = 11              # outside the price bounds or below 1 tick
    CODE_BAD_SIZE = 12               # zero, negative, below the minimum or above the maximum
    CODE_WOULD_TRADE = 13            # post-only
    CODE_NOT_FILLABLE = 14           # fill-or-kill
    CODE_AUCTION = 15                # not allowed during a call auction
    CODE_HALTED = 16                 # the market is halted and takes cancels only
    CODE_WINDOW = 17                 # price too far from the live prices of the book
    CODE_BAD_MESSAGE = 18            # unknown kind, side, time in force or flag combination
    CODE_LEVEL_FULL = 19             # the level's total would pass 2**62 lots
    CODE_UNKNOWN_ACCOUNT = 50
    CODE_MARGIN = 51                 # initial margin
    CODE_REDUCE_ONLY = 52            # nothing to reduce
    CODE_CLOSED_ACCOUNT = 53         # reserved: never given
    CODE_OVERFLOW = 54               # a product does not fit in 64 bits
    CODE_OTHER_ASSET = 55            # the account's money is not the market's asset

# Kinds of log events, docs/log.md. 23-31 are kept for contracts, 32 on are of lending markets.
cdef enum EventKind:
    EVENT_ORDER = 1
    EVENT_FILL = 2
    EVENT_CANCEL = 3
    EVENT_MARK = 4
    EVENT_INDEX = 5
    EVENT_LIQUIDATION = 6
    EVENT_TAKEOVER = 7
    EVENT_FUND = 8
    EVENT_BAD_DEBT = 9
    EVENT_DEPOSIT = 10
    EVENT_WITHDRAWAL = 11
    EVENT_OPEN = 12
    EVENT_FUNDING = 13
    EVENT_TRIGGER = 14
    EVENT_FEE = 15
    EVENT_TRANSFER = 16
    EVENT_ADL = 17
    EVENT_HALT = 18
    EVENT_AUCTION = 19
    EVENT_SOCIALISED = 20
    EVENT_HAIRCUT = 21
    EVENT_MARGIN_CALL = 22
    EVENT_LIQUIDITY = 26
    EVENT_INTEREST = 32
    EVENT_ORACLE = 33
    EVENT_SUPPLY = 34
    EVENT_REDEEM = 35
    EVENT_BORROW = 36
    EVENT_REPAY = 37
    EVENT_SEIZE = 38
    EVENT_HEALTH = 39
    EVENT_KICK = 40
    EVENT_TAKE = 41
    EVENT_REDO = 42
    EVENT_RETURNED = 43
    EVENT_INCENTIVE = 44
    EVENT_SOFT_LIQUIDATION = 45
    EVENT_DE_LIQUIDATION = 46
    EVENT_OFFSET = 47
    EVENT_REDISTRIBUTE = 48
    EVENT_PROVIDE = 49
    EVENT_SEQUENCER = 50
    EVENT_CATEGORY = 51
