"""Liquidation cascades on real mechanics: matching engine, margin accounts, liquidation queue."""

from pathlib import Path as _Path

from cascade._grid import Grid
from cascade._orderbook import BookView, OrderBook
from cascade._results import BatchResult, OrderResult
from cascade._version import __version__ as __version__
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
    "get_include",
]


def get_include() -> str:
    """Directory of the C header `cascade.h`, which declares the records of the arrays.

    Returns
    -------
    str
        An absolute path, to be given to a C compiler's ``-I``.
    """
    return str(_Path(__file__).resolve().parent / "include")
