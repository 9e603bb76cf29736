"""Paths of the real data files, and exact reading of a book for comparison with them."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"


def exact_levels(book, side: str, count: int) -> list[tuple[Decimal, Decimal]]:
    """Best levels of a book as exact numbers: the shortest decimal of each float.

    That is the number on the grid whenever it has at most 15 significant digits, as all prices and
    sizes of these files do.
    """
    levels = book.bids(count) if side == "buy" else book.asks(count)
    return [
        (Decimal(repr(price)), Decimal(repr(size)))
        for price, size in zip(levels["price"].tolist(), levels["size"].tolist(), strict=True)
    ]


@pytest.fixture(scope="session")
def shared_data() -> Callable[[str], Path]:
    """Path of a file of the shared data, or a skip where it is absent."""

    def find(name: str) -> Path:
        path = SHARED / name
        if not path.exists():
            pytest.skip(f"real data file {name} is not in {SHARED}")
        return path

    return find


@pytest.fixture(scope="session")
def levels_of() -> Callable[..., list[tuple[Decimal, Decimal]]]:
    return exact_levels
