from os import PathLike
from typing import Any, Self

from cascade._grid import _Number
from cascade._orderentry import OrderEntry

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
