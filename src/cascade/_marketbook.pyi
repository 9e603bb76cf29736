from cascade._core import EngineCore
from cascade._grid import Grid
from cascade._orderentry import OrderEntry

class MarketBook(OrderEntry):
    """Order entry and reading of one market's book."""

    @property  # type: ignore[misc]
    def mark(self) -> int:
        """Mark price in ticks that stops on mark watch, 0 without one; the market's feed forms it."""

def market_book(engine: EngineCore, number: int, ticks: Grid, lots: Grid) -> MarketBook:
    """The MarketBook of a market."""
