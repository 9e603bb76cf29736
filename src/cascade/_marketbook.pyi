from cascade._core import EngineCore
from cascade._grid import Grid
from cascade._orderentry import OrderEntry

class MarketBook(OrderEntry):
    """Order entry and reading of one market's book."""

def market_book(engine: EngineCore, number: int, ticks: Grid, lots: Grid) -> MarketBook:
    """The MarketBook of a market."""
