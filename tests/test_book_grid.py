"""From quote prices and quantities to ticks and lots, and what is not on the grid (docs/book.md)."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from book_reading import codes, rows
from reference.records import MAX_PRICE, Code


@pytest.mark.parametrize(
    "price",
    [
        100.3,
        Decimal("100.3"),
        Decimal("100.30"),
        Fraction(1003, 10),
        np.float64(100.3),
        100.3 * (1 + 5e-10),
        100.3 * (1 - 5e-10),
        0.1 + 0.2 + 100,
    ],
)
def test_price_on_a_tick_of_one_tenth(new_book, price):
    book = new_book(tick_size=0.1)
    assert book.limit("buy", price, 1).code == Code.OK
    assert rows(book) == [(1, 1003, 1, 0)]


@pytest.mark.parametrize("tick_size", [0.1, Decimal("0.1"), Fraction(1, 10)])
def test_tick_size_of_any_number_type(new_book, tick_size):
    book = new_book(tick_size=tick_size)
    book.limit("buy", 12, 1)
    book.limit("buy", 0.3, 1)
    assert [price for _, price, _, _ in rows(book)] == [120, 3]


@pytest.mark.parametrize(
    "price",
    [
        100.35,
        Decimal("100.31"),
        Decimal("100.3000000000001"),
        Fraction(1, 3),
        100.3 * (1 + 2e-9),
        100.3 * (1 - 2e-9),
        np.float32(100.3),  # three parts in 10**8 away
    ],
)
def test_price_off_the_grid_is_refused(new_book, price):
    book = new_book(tick_size=0.1)
    before = book.state_hash()
    with pytest.raises(ValueError, match="price"):
        book.limit("buy", price, 1)
    with pytest.raises(ValueError, match="trigger"):
        book.stop("buy", price, 1)
    assert book.state_hash() == before


def test_sizes_in_lots(new_book):
    book = new_book(lot_size=0.001)
    book.limit("buy", 10, 0.003)
    book.limit("buy", 10, 2)
    book.limit("buy", 10, Decimal("0.5"), display=0.2)
    assert [(size, hidden) for _, _, size, hidden in rows(book)] == [(3, 0), (2000, 0), (200, 300)]
    for size in (0.0005, Decimal("0.0015")):
        with pytest.raises(ValueError, match="size"):
            book.limit("buy", 10, size)
        with pytest.raises(ValueError, match="size"):
            book.market("buy", size)


def test_numpy_integers(book):
    assert book.limit("buy", np.int32(100), np.int64(5)).code == Code.OK
    assert rows(book) == [(1, 100, 5, 0)]


def test_bounds_are_quote_numbers(new_book):
    book = new_book(tick_size=0.5, lot_size=0.1, min_size=1, max_size=2, min_price=10, max_price=11)
    assert book.limit("buy", 10, 1).code == Code.OK
    assert book.limit("buy", 11, 2).code == Code.OK
    assert book.limit("buy", 9.5, 1).code == Code.BAD_PRICE
    assert book.limit("buy", 11.5, 1).code == Code.BAD_PRICE
    assert book.limit("buy", 10, 0.9).code == Code.BAD_SIZE
    assert book.limit("buy", 10, 2.1).code == Code.BAD_SIZE
    # The batch takes ticks and lots.
    messages = [
        {"kind": 0, "price": price, "size": size}
        for price, size in ((20, 10), (19, 10), (22, 20), (22, 21))
    ]
    assert codes(book, *messages) == [Code.OK, Code.BAD_PRICE, Code.OK, Code.BAD_SIZE]


def test_depth_mark_and_modify_in_quote_numbers(new_book):
    book = new_book(tick_size=0.01, lot_size=0.1)
    book.load_depth([(1.23, 0.5), (1.22, 0.6)], [(1.25, 0.7)])
    assert rows(book) == [(1, 123, 5, 0), (2, 122, 6, 0), (3, 125, 7, 0)]
    book.modify(1, 1.24, 0.8)
    assert rows(book)[0] == (1, 124, 8, 0)
    book.stop("sell", 1.2, 0.3, on="mark")
    book.mark = 1.2
    assert rows(book)[0] == (1, 124, 5, 0)
    with pytest.raises(ValueError):
        book.modify(1, 1.235)
    with pytest.raises(ValueError):
        book.mark = 1.195
    with pytest.raises(ValueError):
        book.load_depth([(1.0, 0.05)], [])
    assert len(book.orders) == 3


@pytest.mark.parametrize("price", [MAX_PRICE + 1, -1, -(2**31)])
def test_price_beyond_the_grid_is_bad_price(book, price):
    assert book.limit("buy", price, 1).code == Code.BAD_PRICE
    assert book.stop("buy", price, 1).code == Code.BAD_PRICE
    assert book.stop("buy", 1, 1, price=price).code == Code.BAD_PRICE


@pytest.mark.parametrize("size", [2**48 + 1, 2**63 - 1, -(2**63)])
def test_size_beyond_the_grid_is_bad_size(book, size):
    assert book.limit("buy", 100, size).code == Code.BAD_SIZE
    assert book.market("buy", size).code == Code.BAD_SIZE
    assert book.stop("buy", 100, size).code == Code.BAD_SIZE


@pytest.mark.parametrize("number", [2**31, 2**32 + 5, 2**63, 2**64 + 5, 10**30, 1e30, -(10**30)])
def test_price_that_fits_no_message_is_refused(book, number):
    book.limit("buy", 100, 10)
    before = book.state_hash()
    with pytest.raises(ValueError, match="price"):
        book.limit("buy", number, 1)
    with pytest.raises(ValueError, match="trigger"):
        book.stop("buy", number, 1)
    with pytest.raises(ValueError, match="display"):
        book.limit("buy", 100, 2**40, display=number)
    with pytest.raises(ValueError, match="price"):
        book.modify(1, number)
    with pytest.raises(ValueError, match="mark"):
        book.mark = number
    with pytest.raises(ValueError):
        book.load_depth([(number, 1)], [])
    assert book.state_hash() == before


@pytest.mark.parametrize("number", [2**63, 2**64 + 5, 10**30, 1e30, -(2**63) - 1])
def test_size_that_fits_no_message_is_refused(book, number):
    before = book.state_hash()
    with pytest.raises(ValueError, match="size"):
        book.limit("buy", 100, number)
    with pytest.raises(ValueError, match="size"):
        book.market("buy", number)
    with pytest.raises(ValueError):
        book.load_depth([(100, number)], [])
    assert book.state_hash() == before


def test_largest_display(book):
    assert book.limit("buy", 100, 2**40, display=2**31 - 1).code == Code.OK
    assert rows(book) == [(1, 100, 2**31 - 1, 2**40 - 2**31 + 1)]


def test_highest_price_is_on_the_grid(book):
    assert book.limit("sell", MAX_PRICE, 1).code == Code.OK
    assert book.limit("buy", 1, 1).code == Code.OK
    assert (book.best_bid, book.best_ask) == (1, MAX_PRICE)
    book.validate()
    other = book.copy()
    assert other.state_hash() == book.state_hash()
    assert other.market("buy", 1).filled == 1
    assert (other.best_bid, other.best_ask, other.last) == (1, 0, MAX_PRICE)


@pytest.mark.parametrize(
    "keywords",
    [
        {"tick_size": 0},
        {"tick_size": -1},
        {"tick_size": float("nan")},
        {"tick_size": float("inf")},
        {"lot_size": 0},
        {"lot_size": -0.1},
        {"min_size": 3, "max_size": 2},
        {"min_price": 3, "max_price": 2},
        {"tick_size": 0.5, "min_price": 0.7},
        {"lot_size": 0.5, "max_size": 0.7},
        {"max_price": 0},
        {"max_size": -1},
    ],
)
def test_bad_book_is_refused(new_book, keywords):
    with pytest.raises(ValueError):
        new_book(**keywords)


def test_a_book_of_one_size_and_one_price(new_book):
    book = new_book(min_size=3, max_size=3, min_price=7, max_price=7)
    assert book.limit("buy", 7, 3).code == Code.OK
    assert [book.limit("buy", price, 3).code for price in (6, 8)] == [Code.BAD_PRICE] * 2
    assert [book.limit("buy", 7, size).code for size in (2, 4)] == [Code.BAD_SIZE] * 2
