from typing import Any, Literal, TypeAlias

from numpy.typing import NDArray

from cascade._grid import Grid, _Number
from cascade.codes import Side

_Side: TypeAlias = Literal["buy", "sell", 0, 1] | Side

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
