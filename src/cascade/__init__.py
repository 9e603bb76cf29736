"""Liquidation cascades on real mechanics: matching engine, margin accounts, liquidation queue."""

from cascade._bookview import BookView
from cascade._grid import Grid
from cascade._orderbook import OrderBook
from cascade._results import BatchResult, OrderResult
from cascade.codes import Code, MessageFlag, MessageKind, SelfTrade, Side, TimeInForce
from cascade.dtypes import FILL_DTYPE, MESSAGE_DTYPE, ORDER_DTYPE
from cascade.errors import CascadeError, ConservationError, InvariantError

__all__ = [
    "FILL_DTYPE",
    "MESSAGE_DTYPE",
    "ORDER_DTYPE",
    "BatchResult",
    "BookView",
    "CascadeError",
    "Code",
    "ConservationError",
    "Grid",
    "InvariantError",
    "MessageFlag",
    "MessageKind",
    "OrderBook",
    "OrderResult",
    "SelfTrade",
    "Side",
    "TimeInForce",
]
