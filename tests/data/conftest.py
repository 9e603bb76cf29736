"""Paths of the real data files, and exact reading of a book for comparison with them."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"


def exact(steps: int, grid) -> Decimal:
    """Whole steps of a decimal grid as the decimal number that they are."""
    value = steps * grid.step
    return Decimal(value.numerator) / Decimal(value.denominator)


def exact_levels(book, side: str, count: int) -> list[tuple[Decimal, Decimal]]:
    """Best levels of a book as exact (price, size)."""
    levels = book.bids(count) if side == "buy" else book.asks(count)
    return [(exact(int(level[0]), book.ticks), exact(int(level[1]), book.lots)) for level in levels]


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
