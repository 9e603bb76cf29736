"""What a driver gives a step: outside prices and orders by market name, as rows of ticks and messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cascade.bounds import MAX_PRICE
from cascade.dtypes import MESSAGE_DTYPE

if TYPE_CHECKING:
    from cascade.engine import Engine
    from cascade.market import Market

__all__ = ["index_row", "index_rows", "message_batches"]


def _index_ticks(market: Market, price: Any) -> int:
    market.check_index_given()
    ticks = market.ticks.steps(price, "index")
    if not 1 <= ticks <= MAX_PRICE:
        raise ValueError(
            f"index of {market.name!r} {price!r} is outside "
            f"{market.ticks.number(1):g} ... {market.ticks.number(MAX_PRICE):g}"
        )
    return ticks


def index_row(engine: Engine, index: Any) -> NDArray[np.int32] | None:
    """Ticks by market number, 0 where no price is given; None where there is none at all.

    Raises
    ------
    KeyError, TypeError, ValueError
        A market is unknown; a price is off the grid or not positive.
    """
    if not isinstance(index, Mapping):
        raise TypeError(f"index must map market names to prices, got {index!r}")
    if not index:
        return None
    prices = np.zeros(len(engine.markets), np.int32)
    for name, price in index.items():
        market = engine.market(name)
        prices[market.number] = _index_ticks(market, price)
    return prices


def message_batches(engine: Engine, orders: Any) -> list[tuple[int, NDArray[Any]]]:
    """Market numbers and arrays of MESSAGE_DTYPE, in the order given.

    Raises
    ------
    KeyError, TypeError, ValueError
        A market is unknown; messages have the wrong type or shape.
    """
    batches = []
    try:
        pairs = [
            (name, messages)
            for name, messages in (orders.items() if isinstance(orders, Mapping) else orders)
        ]
    except (TypeError, ValueError):
        raise TypeError(f"orders must map market names to messages, got {orders!r}") from None
    for name, messages in pairs:
        if not isinstance(messages, np.ndarray) or messages.dtype != MESSAGE_DTYPE:
            raise TypeError(f"orders of {name!r} must be an array of MESSAGE_DTYPE")
        if messages.ndim != 1:
            raise ValueError(f"orders of {name!r} must have one dimension, got {messages.ndim}")
        batches.append((engine.market(name).number, np.ascontiguousarray(messages)))
    return batches


def index_rows(engine: Engine, path: Mapping[str, ArrayLike], round: bool) -> NDArray[np.int32]:
    """Ticks of a price path: a row a step, a column a market, 0 where no price is given.

    Raises
    ------
    KeyError, TypeError, ValueError
        A market is unknown; columns differ in length; a price is off the grid or not positive.
    """
    if not isinstance(path, Mapping) or not path:
        raise TypeError(f"path must map market names to prices, got {path!r}")
    columns = {
        engine.market(name).number: (engine.market(name), prices) for name, prices in path.items()
    }
    lengths = {len(np.atleast_1d(np.asarray(prices))) for _, prices in columns.values()}
    if len(lengths) != 1:
        raise ValueError(f"path must have columns of one length, got {sorted(lengths)}")
    ticks = np.zeros((lengths.pop(), len(engine.markets)), np.int32)
    for number, (market, prices) in columns.items():
        market.check_index_given()
        column = engine.steps(market.ticks, prices, f"path of {market.name}", round)
        if column.ndim != 1:
            raise ValueError(f"path of {market.name!r} must have one dimension")
        if column.size and not (column.min() >= 1 and column.max() <= MAX_PRICE):
            raise ValueError(f"path of {market.name!r} is outside 1 ... {MAX_PRICE} ticks")
        ticks[:, number] = column
    return ticks
