"""Bounds of the orders of a book: from quotes and sizes to ticks and lots."""

from __future__ import annotations

from typing import Any

from cascade._grid import Grid

__all__ = ["MAX_PRICE", "MAX_SIZE", "order_bounds"]

MAX_PRICE = 2**31 - 2
MAX_SIZE = 2**48


def order_bounds(
    ticks: Grid,
    lots: Grid,
    min_size: Any = None,
    max_size: Any = None,
    min_price: Any = None,
    max_price: Any = None,
) -> dict[str, int]:
    """Least and largest size and price of an order, in lots and ticks.

    Parameters
    ----------
    ticks, lots : Grid
        Grids of prices and sizes.
    min_size, max_size : number, optional
        Sizes; by default one lot and 2**48 lots.
    min_price, max_price : number, optional
        Quotes; by default 1 and 2**31 - 2 ticks.

    Returns
    -------
    dict
        Lots and ticks by the names of the parameters.

    Raises
    ------
    TypeError
        A bound is no number.
    ValueError
        A bound is off its grid, below one step or above the default largest one, or a lower bound
        is above its upper one.

    Examples
    --------
    >>> order_bounds(Grid("0.5"), Grid(1), min_price=10)["min_price"]
    20
    """
    bounds = {"min_size": 1, "max_size": MAX_SIZE, "min_price": 1, "max_price": MAX_PRICE}
    given = (
        ("min_size", min_size, lots, MAX_SIZE, "lots"),
        ("max_size", max_size, lots, MAX_SIZE, "lots"),
        ("min_price", min_price, ticks, MAX_PRICE, "ticks"),
        ("max_price", max_price, ticks, MAX_PRICE, "ticks"),
    )
    for name, value, grid, largest, unit in given:
        if value is not None:
            bounds[name] = grid.steps(value, name)
            if not 1 <= bounds[name] <= largest:
                raise ValueError(f"{name} {value!r} is outside 1 ... {largest} {unit}")
    for kind, low, high in (("size", min_size, max_size), ("price", min_price, max_price)):
        if bounds[f"min_{kind}"] > bounds[f"max_{kind}"]:
            raise ValueError(f"min_{kind} {low!r} is above max_{kind} {high!r}")
    return bounds
