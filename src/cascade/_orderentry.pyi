from collections.abc import Iterable
from typing import Any, Literal, TypeAlias

from numpy.typing import NDArray

from cascade._bookview import BookView, _Side
from cascade._grid import _Number
from cascade._results import BatchResult, OrderResult

_SelfTrade: TypeAlias = Literal["allow", "newest", "oldest", "both", "decrement"]
_PostOnly: TypeAlias = Literal["reject", "slide"] | None
_Leg: TypeAlias = Literal["long", "short"] | None
_Depth: TypeAlias = Iterable[tuple[_Number, _Number]] | NDArray[Any]

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
        leg: _Leg = None,
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
        leg: _Leg = None,
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
        leg: _Leg = None,
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
    def reserve(
        self,
        orders: int = 0,
        fills: int = 0,
        ids: int = 0,
        *,
        prices: tuple[_Number, _Number] | None = None,
    ) -> None:
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
