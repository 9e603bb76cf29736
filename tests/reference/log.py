"""The event log of docs/log.md: a list of rows; questions about causes walk back."""

from dataclasses import astuple, dataclass

import numpy as np

(
    ORDER,
    FILL,
    CANCEL,
    MARK,
    INDEX,
    LIQUIDATION,
    TAKEOVER,
    FUND,
    BAD_DEBT,
    DEPOSIT,
    WITHDRAWAL,
    OPEN,
    FUNDING,
    TRIGGER,
    FEE,
    TRANSFER,
    ADL,
    HALT,
    AUCTION,
) = range(1, 20)
SOCIALISED, HAIRCUT = 20, 21

MARGIN_CALL = 22
INTEREST, ORACLE, SUPPLY, REDEEM, BORROW, REPAY, SEIZE, HEALTH = range(32, 40)
KICK, TAKE, REDO, RETURNED, INCENTIVE = range(40, 45)
SOFT_LIQUIDATION, DE_LIQUIDATION = 45, 46
OFFSET, REDISTRIBUTE, PROVIDE = range(47, 50)
SEQUENCER, CATEGORY = 50, 51

LIQUIDITY = 26

NO_MARKET = 65535
OUTSIDE = -1
HOUSE = -2
LIQUIDATOR = -3
MAX_PRICE = 2**31 - 2

EVENT_DTYPE = np.dtype(
    [
        ("time", "<i8"),
        ("order", "<i8"),
        ("quantity", "<i8"),
        ("money", "<i8"),
        ("cause", "<i8"),
        ("price", "<i4"),
        ("account", "<i4"),
        ("counterparty", "<i4"),
        ("wave", "<i4"),
        ("market", "<u2"),
        ("kind", "u1"),
        ("side", "u1"),
        ("code", "<i4"),
    ]
)


@dataclass
class Event:
    """One row, fields in the order of EVENT_DTYPE."""

    time: int
    order: int = 0
    quantity: int = 0
    money: int = 0
    cause: int = -1
    price: int = 0
    account: int = -1
    counterparty: int = -1
    wave: int = 0
    market: int = NO_MARKET
    kind: int = 0
    side: int = 0
    code: int = 0


class Log:
    """All events since the engine began; `first` is the index of the first that is still shown."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.first = 0
        self.known = 0  # index of the first whose time is not forgotten
        self.time = 0

    def clear(self, since: int) -> None:
        """Show none of the events so far, and forget the times of those that are not after `since`."""
        late = [k for k in range(self.known, len(self.events)) if self.events[k].time > since]
        self.known = late[0] if late else len(self.events)
        self.first = len(self.events)

    def happened(self, event: int) -> int:
        """When, in nanoseconds; -1 if that is forgotten, or of no event."""
        return self.events[event].time if event >= self.known else -1

    def add(self, kind: int, *, cause: int = -1, **fields) -> int:
        """Append an event; its wave is its cause's unless given. Returns its index."""
        fields.setdefault("wave", self.wave(cause))
        self.events.append(Event(self.time, kind=kind, cause=cause, **fields))
        return len(self.events) - 1

    def wave(self, cause: int) -> int:
        return self.events[cause].wave if cause >= 0 else 0

    def mark_that_reached(self, market: int, trigger: int, falling: bool) -> int:
        """First MARK event since which every mark has been at or beyond the trigger."""
        found = -1
        for index in range(len(self.events) - 1, -1, -1):
            event = self.events[index]
            if event.kind != MARK or event.market != market:
                continue
            if not (event.price <= trigger if falling else event.price >= trigger):
                break
            found = index
        return found

    def array(self) -> np.ndarray:
        return np.array([astuple(event) for event in self.events[self.first :]], dtype=EVENT_DTYPE)
