"""Cancel, cancel-all and modify of the order book (docs/book.md), worked by hand."""

import pytest
from book_reading import codes, column, levels, queue, rows, trades
from reference.records import Code


def test_cancel_removes_the_order(book):
    book.limit("buy", 100, 1)
    book.limit("buy", 100, 2)
    book.limit("buy", 100, 3)
    assert book.cancel(2).code == Code.OK
    assert queue(book, "buy", 100) == [(1, -1, 1, 0), (3, -1, 3, 0)]


@pytest.mark.parametrize("order", [0, -1, 2, 10**12, 2**62])
def test_cancel_of_an_unknown_id(book, order):
    book.limit("buy", 100, 1)
    assert book.cancel(order).code == Code.UNKNOWN_ORDER
    assert rows(book) == [(1, 100, 1, 0)]


def test_cancel_of_a_filled_or_cancelled_id(book):
    book.limit("buy", 100, 1)
    book.market("sell", 1)
    assert book.cancel(1).code == Code.UNKNOWN_ORDER
    assert book.cancel(2).code == Code.UNKNOWN_ORDER
    book.limit("buy", 100, 1)
    assert [book.cancel(3).code, book.cancel(3).code] == [Code.OK, Code.UNKNOWN_ORDER]


def test_cancel_moves_the_best_price(book):
    book.limit("sell", 105, 1)
    book.limit("sell", 101, 1)
    book.cancel(2)
    assert book.best_ask == 105
    book.cancel(1)
    assert book.best_ask == 0


def test_cancel_all_takes_orders_and_stops_of_one_account(book):
    book.limit("buy", 100, 1, account=7)
    book.limit("buy", 100, 2, account=8)
    book.limit("sell", 110, 3, account=7)
    book.stop("buy", 120, 4, account=7)
    book.stop("buy", 120, 5, account=8)
    book.limit("buy", 90, 6)
    book.cancel_all(7)
    assert column(book, "id") == [2, 6, 5]
    book.cancel_all(7)
    assert column(book, "id") == [2, 6, 5]
    book.cancel_all(8)
    assert column(book, "id") == [6]


# --- modify -----------------------------------------------------------------------------------


def two_bids(book):
    book.limit("buy", 100, 5, account=1)
    book.limit("buy", 100, 5, account=2)


def test_modify_to_a_smaller_size_keeps_the_place(book):
    two_bids(book)
    result = book.modify(1, 100, 3)
    assert (result.code, result.order, result.filled, result.resting) == (Code.OK, 1, 0, 3)
    assert queue(book, "buy", 100) == [(1, 1, 3, 0), (2, 2, 5, 0)]
    assert levels(book.bids(1)) == [(100, 8, 2)]


def test_modify_to_the_same_changes_nothing(book):
    two_bids(book)
    before = book.state_hash()
    assert book.modify(1, 100, 5).code == Code.OK
    assert book.state_hash() == before


def test_modify_to_a_larger_size_loses_the_place(book):
    two_bids(book)
    assert book.modify(1, 100, 6).resting == 6
    assert queue(book, "buy", 100) == [(2, 2, 5, 0), (1, 1, 6, 0)]


def test_modify_of_the_price_loses_the_place_and_keeps_the_id(book):
    two_bids(book)
    book.limit("buy", 99, 1)
    result = book.modify(1, 99, 2)
    assert (result.code, result.price, result.resting) == (Code.OK, 99, 2)
    assert queue(book, "buy", 99) == [(3, -1, 1, 0), (1, 1, 2, 0)]
    book.modify(1, 100)  # the size stays when it is left out
    assert queue(book, "buy", 100) == [(2, 2, 5, 0), (1, 1, 2, 0)]


def test_modify_size_is_the_open_size(book):
    book.limit("buy", 100, 10)
    book.limit("buy", 100, 1)
    book.market("sell", 4)  # 6 open
    book.modify(1, size=6)
    assert queue(book, "buy", 100) == [(1, -1, 6, 0), (2, -1, 1, 0)]
    book.modify(1, size=7)
    assert queue(book, "buy", 100) == [(2, -1, 1, 0), (1, -1, 7, 0)]


def test_modify_may_trade(book):
    book.limit("buy", 100, 5)
    book.limit("sell", 102, 3, account=9)
    result = book.modify(1, 102, 5)
    assert (result.code, result.order, result.filled, result.resting) == (Code.OK, 1, 3, 2)
    assert trades(book) == [(2, 1, 3, 102)]
    assert (book.best_bid, book.best_ask, book.last) == (102, 0, 102)


def test_modify_that_fills_whole_ends_the_order(book):
    book.limit("buy", 100, 5)
    book.limit("sell", 102, 9)
    assert (book.modify(1, 103, 5).filled, rows(book)) == (5, [(2, 102, 4, 0)])
    assert book.cancel(1).code == Code.UNKNOWN_ORDER


def test_modify_to_a_larger_size_moves_the_newest_order_nowhere(book):
    two_bids(book)
    book.modify(2, 100, 9)
    assert queue(book, "buy", 100) == [(1, 1, 5, 0), (2, 2, 9, 0)]


def test_refused_modify_leaves_the_order(new_book):
    book = new_book(min_size=2, max_size=9, min_price=90, max_price=110)
    two_bids(book)
    before = book.state_hash()
    assert book.modify(1, 100, 1).code == Code.BAD_SIZE
    assert book.modify(1, 100, 0).code == Code.BAD_SIZE
    assert book.modify(1, 100, 10).code == Code.BAD_SIZE
    assert book.modify(1, 89, 5).code == Code.BAD_PRICE
    assert book.modify(1, 111, 5).code == Code.BAD_PRICE
    assert book.modify(1, 111, 10).code == Code.BAD_SIZE
    assert book.state_hash() == before


def test_modify_keeps_post_only(book):
    book.limit("buy", 100, 5, post_only="reject")
    book.limit("buy", 100, 5)
    book.limit("sell", 102, 5)
    before = book.state_hash()
    assert book.modify(1, 102, 5).code == Code.WOULD_TRADE
    assert book.state_hash() == before
    assert book.modify(1, 101, 5).code == Code.OK
    assert book.modify(1, 102, 5).code == Code.WOULD_TRADE


def test_modify_of_a_sliding_order_slides(book):
    book.limit("buy", 100, 5, post_only="slide")
    book.limit("sell", 105, 5)
    result = book.modify(1, 110, 5)
    assert (result.code, result.price) == (Code.OK, 104)


@pytest.mark.parametrize("order", [0, -5, 3, 99])
def test_modify_of_an_unknown_id(book, order):
    book.limit("buy", 100, 5)
    book.stop("buy", 200, 5)
    book.market("sell", 1)
    message = {"kind": 3, "order": order, "price": 100, "size": 1}
    assert codes(book, message) == [Code.UNKNOWN_ORDER]
    assert book.modify(order, 100, 1).code == Code.UNKNOWN_ORDER
    assert book.modify(order).code == Code.UNKNOWN_ORDER


def test_modify_to_the_ends_of_the_bounds(new_book):
    book = new_book(min_size=2, max_size=9, min_price=90, max_price=110)
    two_bids(book)
    for price, size in ((90, 9), (110, 2), (110, 9), (90, 2)):
        assert book.modify(1, price, size).code == Code.OK
        assert (1, price, size, 0) in rows(book)
