from collections.abc import Iterable
from os import PathLike
from typing import Any, Literal, Self, TypeAlias

from numpy.typing import NDArray

from cascade._grid import Grid, _Number
from cascade._results import BatchResult, OrderResult

_Side: TypeAlias = Literal["buy", "sell", 0, 1]
_SelfTrade: TypeAlias = Literal["allow", "newest", "oldest", "both", "decrement"]
_PostOnly: TypeAlias = Literal["reject", "slide"] | None
_Depth: TypeAlias = Iterable[tuple[_Number, _Number]] | NDArray[Any]

class BookView:
    """Reading half of a book: prices, levels, queues, orders."""

    ticks: Grid
    lots: Grid
    def __init__(self, *args: object, **kwargs: object) -> None: ...
    @property
    def best_bid(self) -> int:
        """Highest buy price in ticks, 0 without one."""
    @property
    def best_ask(self) -> int:
        """Lowest sell price in ticks, 0 without one."""
    @property
    def last(self) -> int:
        """Price of the last trade in ticks, 0 before the first."""
    @property
    def mark(self) -> int:
        """Mark price in ticks that stops on mark watch, 0 without one."""
    @property
    def auction(self) -> bool:
        """True while the book collects for a call auction."""
    @property
    def next_id(self) -> int:
        """Id that the next order message gets."""
    @property
    def orders(self) -> NDArray[Any]:
        """Copy of every order, an array of ORDER_DTYPE."""
    def __len__(self) -> int: ...
    def l1(self) -> tuple[int, int, int, int]:
        """Best prices in ticks and displayed sizes in lots."""
    def bids(self, n: int | None = None) -> list[tuple[int, int, int]]:
        """Buy levels, best first."""
    def asks(self, n: int | None = None) -> list[tuple[int, int, int]]:
        """Sell levels, best first."""
    def queue(self, side: _Side, price: _Number) -> list[tuple[int, int, int, int]]:
        """Orders of one level in priority order."""
    def state_hash(self) -> str:
        """Hash of the state."""
    def validate(self) -> None:
        """Walk everything and check every promise."""

class OrderEntry(BookView):
    """Writing half of a book: messages, batches, call auction and depth."""

    def limit(
        self,
        side: _Side,
        price: _Number,
        size: _Number,
        *,
        account: int = -1,
        time_in_force: Literal["gtc", "ioc", "fok"] = "gtc",
        post_only: _PostOnly = None,
        display: _Number | None = None,
        self_trade: _SelfTrade = "allow",
        reduce_only: bool = False,
        leg: Literal["long", "short"] | None = None,
    ) -> OrderResult:
        """Send a limit order."""
    def market(
        self,
        side: _Side,
        size: _Number,
        *,
        account: int = -1,
        time_in_force: Literal["ioc", "fok"] = "ioc",
        self_trade: _SelfTrade = "allow",
        reduce_only: bool = False,
        leg: Literal["long", "short"] | None = None,
    ) -> OrderResult:
        """Send a market order, which drops what it cannot fill."""
    def stop(
        self,
        side: _Side,
        trigger: _Number,
        size: _Number,
        *,
        price: _Number | None = None,
        on: Literal["last", "mark"] = "last",
        account: int = -1,
        post_only: _PostOnly = None,
        self_trade: _SelfTrade = "allow",
        reduce_only: bool = False,
        leg: Literal["long", "short"] | None = None,
    ) -> OrderResult:
        """Send a stop, which becomes a market or limit order at its trigger."""
    def cancel(self, order: int) -> OrderResult:
        """Cancel an order or a waiting stop."""
    def cancel_all(self, account: int) -> OrderResult:
        """Cancel all orders and waiting stops of an account, oldest id first."""
    def modify(
        self, order: int, price: _Number | None = None, size: _Number | None = None
    ) -> OrderResult:
        """Change price or open size of a resting order."""
    @property
    def mark(self) -> int:
        """Mark price in ticks that stops on mark watch, 0 without one."""
    @mark.setter
    def mark(self, price: _Number) -> None: ...
    def apply(self, messages: NDArray[Any]) -> BatchResult:
        """Process a batch of messages in its order."""
    def reserve(self, orders: int = 0, fills: int = 0, ids: int = 0) -> None:
        """Make room and touch the memory now."""
    @property
    def fills(self) -> NDArray[Any]:
        """Fills of the last call, an array of FILL_DTYPE."""
    def open_auction(self) -> None:
        """Stop trading and collect orders for a call auction."""
    def indicative(self) -> tuple[int, int, int] | None:
        """Outcome of the uncross that would happen now."""
    def uncross(self) -> tuple[int, int, int] | None:
        """Trade everything that can trade at the indicative price, reopen, and fire stops."""
    def load_depth(self, bids: _Depth, asks: _Depth, *, replace: bool = False) -> None:
        """Add one anonymous order a level; a bad depth is refused whole."""

class OrderBook(OrderEntry):
    """Price-time-priority order book on integer ticks and lots."""

    tick_size: _Number | str
    lot_size: _Number | str
    def __init__(
        self,
        tick_size: _Number | str = 1,
        lot_size: _Number | str = 1,
        *,
        min_size: _Number | None = None,
        max_size: _Number | None = None,
        min_price: _Number | None = None,
        max_price: _Number | None = None,
    ) -> None: ...
    def copy(self) -> Self:
        """Independent book of the same state."""
    def __copy__(self) -> Self: ...
    def __deepcopy__(self, memo: Any) -> Self: ...
    def save(self, path: str | PathLike[str]) -> None:
        """Write the state to an uncompressed ``.npz`` file."""
    @staticmethod
    def load(path: str | PathLike[str]) -> OrderBook:
        """Read a file that `save` wrote; everything in it is checked."""
