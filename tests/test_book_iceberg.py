"""Iceberg orders of the order book: display, refresh, priority, modify; worked by hand."""

import numpy as np
import pytest
from book_reading import batch, codes, column, levels, queue, rows, trades
from reference.records import Code


def test_iceberg_shows_its_display(book):
    result = book.limit("sell", 101, 10, display=3)
    assert (result.code, result.resting) == (Code.OK, 10)
    assert queue(book, "sell", 101) == [(1, -1, 3, 7)]
    assert levels(book.asks(1)) == [(101, 3, 1)]
    assert column(book, "display") == [3]
    assert column(book, "flags") == [16]


def test_display_of_the_whole_size(book):
    book.limit("sell", 101, 10, display=10)
    assert queue(book, "sell", 101) == [(1, -1, 10, 0)]
    assert column(book, "display") == [10]


@pytest.mark.parametrize("display", [0, -1, 11])
def test_display_outside_the_size_is_bad_size(book, display):
    assert book.limit("sell", 101, 10, display=display).code == Code.BAD_SIZE
    assert len(book.orders) == 0


def test_bad_price_answers_before_bad_display(book):
    order = {"kind": 0, "price": 0, "size": 10, "extra": 11, "flags": 16}
    assert codes(book, order) == [Code.BAD_PRICE]


def test_partly_used_display_keeps_its_place(book):
    book.limit("sell", 101, 10, display=3)
    book.limit("sell", 101, 5)
    book.market("buy", 2)
    assert queue(book, "sell", 101) == [(1, -1, 1, 7), (2, -1, 5, 0)]


def test_refresh_goes_to_the_back_and_keeps_the_id(book):
    book.limit("sell", 101, 10, display=3)
    book.limit("sell", 101, 5)
    book.market("buy", 3)
    assert queue(book, "sell", 101) == [(2, -1, 5, 0), (1, -1, 3, 4)]
    assert levels(book.asks(1)) == [(101, 8, 2)]


def test_sweep_through_refreshes(book):
    book.limit("sell", 101, 8, display=3)  # 1
    book.limit("sell", 101, 2)  # 2
    book.limit("sell", 101, 5, display=1)  # 3
    result = book.market("buy", 11)
    # 3 of 1, 2 of 2, 1 of 3, then 1 shows 3, 3 shows 1, 1 shows its last 2 ...
    assert trades(book) == [
        (1, 4, 3, 101),
        (2, 4, 2, 101),
        (3, 4, 1, 101),
        (1, 4, 3, 101),
        (3, 4, 1, 101),
        (1, 4, 1, 101),
    ]
    assert result.filled == 11
    assert queue(book, "sell", 101) == [(1, -1, 1, 0), (3, -1, 1, 2)]


def test_alone_in_its_level_it_trades_slice_by_slice(book):
    book.limit("sell", 101, 10, display=4)
    book.limit("sell", 102, 10)
    book.market("buy", 12)
    assert trades(book) == [(1, 3, 4, 101), (1, 3, 4, 101), (1, 3, 2, 101), (2, 3, 2, 102)]


def test_hidden_lots_trade_before_a_worse_price(book):
    book.limit("buy", 99, 10, display=1)
    book.limit("buy", 98, 10)
    result = book.limit("sell", 98, 10)
    assert result.filled == 10
    assert rows(book) == [(2, 98, 10, 0)]


def test_taker_trades_its_whole_size_and_shows_of_the_rest(book):
    book.limit("sell", 101, 6)
    result = book.limit("buy", 101, 20, display=4)
    assert (result.filled, result.resting) == (6, 14)
    assert queue(book, "buy", 101) == [(2, -1, 4, 10)]


def test_rest_smaller_than_the_display_shows_whole(book):
    book.limit("sell", 101, 17)
    book.limit("buy", 101, 20, display=4)
    assert queue(book, "buy", 101) == [(2, -1, 3, 0)]
    assert column(book, "display") == [4]


def test_fok_counts_hidden_lots(book):
    book.limit("sell", 101, 10, display=1)
    assert book.limit("buy", 101, 11, time_in_force="fok").code == Code.NOT_FILLABLE
    assert book.limit("buy", 101, 10, time_in_force="fok").filled == 10


def test_fok_counts_more_hidden_lots_than_64_bits_hold(core_book):
    book = core_book()  # too many orders for the twin's scans
    icebergs = batch({"kind": 0, "side": 1, "price": 101, "size": 2**48, "extra": 1, "flags": 16})
    assert not book.apply(np.repeat(icebergs, 40_000)).codes.any()
    # Every order trades one lot, then the first 10,000 trade another.
    result = book.limit("buy", 101, 50_000, time_in_force="fok")
    assert (result.code, result.filled) == (Code.OK, 50_000)
    makers = book.fills["maker"]
    assert (makers[:40_000] == np.arange(1, 40_001)).all()
    assert (makers[40_000:] == np.arange(1, 10_001)).all()


def test_post_only_iceberg(book):
    book.limit("sell", 101, 1)
    assert book.limit("buy", 101, 9, display=2, post_only="reject").code == Code.WOULD_TRADE
    assert book.limit("buy", 101, 9, display=2, post_only="slide").price == 100
    assert queue(book, "buy", 100) == [(3, -1, 2, 7)]


def test_cancel_takes_the_hidden_part(book):
    book.limit("sell", 101, 10, display=3)
    book.cancel(1)
    assert len(book.orders) == 0
    assert book.market("buy", 1).filled == 0


def test_modify_down_gives_up_hidden_lots_first(book):
    book.limit("sell", 101, 10, display=4)
    book.limit("sell", 101, 1)
    assert book.modify(1, 101, 7).resting == 7
    assert queue(book, "sell", 101) == [(1, -1, 4, 3), (2, -1, 1, 0)]
    book.modify(1, 101, 4)
    assert queue(book, "sell", 101) == [(1, -1, 4, 0), (2, -1, 1, 0)]
    book.modify(1, 101, 2)
    assert queue(book, "sell", 101) == [(1, -1, 2, 0), (2, -1, 1, 0)]


def test_modify_down_of_a_partly_used_display(book):
    book.limit("sell", 101, 10, display=4)
    book.market("buy", 3)  # shows 1, hides 6
    book.modify(1, 101, 5)
    assert queue(book, "sell", 101) == [(1, -1, 1, 4)]
    book.market("buy", 1)
    assert queue(book, "sell", 101) == [(1, -1, 4, 0)]


def test_modify_up_shows_the_display_again_at_the_back(book):
    book.limit("sell", 101, 10, display=4)
    book.limit("sell", 101, 1)
    book.market("buy", 3)
    book.modify(1, 101, 8)
    assert queue(book, "sell", 101) == [(2, -1, 1, 0), (1, -1, 4, 4)]


def test_modify_keeps_the_display_through_a_smaller_size(book):
    # Reduced in its place to 2, the order still has its display of 4 when it grows again.
    book.limit("sell", 101, 10, display=4)
    book.modify(1, 101, 2)
    assert column(book, "display") == [4]
    book.modify(1, 101, 9)
    assert queue(book, "sell", 101) == [(1, -1, 4, 5)]


def test_modify_that_enters_again_caps_the_display(book):
    book.limit("sell", 101, 10, display=4)
    book.modify(1, 102, 3)
    assert queue(book, "sell", 102) == [(1, -1, 3, 0)]
    assert column(book, "display") == [3]
    book.modify(1, 102, 9)
    assert queue(book, "sell", 102) == [(1, -1, 3, 6)]


def test_modify_of_an_iceberg_that_trades(book):
    book.limit("buy", 99, 10, display=4)
    book.limit("sell", 101, 5)
    result = book.modify(1, 101, 10)
    assert (result.filled, result.resting) == (5, 5)
    assert queue(book, "buy", 101) == [(1, -1, 4, 1)]


def test_extra_without_the_flag_is_ignored(book):
    assert codes(book, {"kind": 0, "price": 10, "size": 10, "extra": 99}) == [Code.OK]
    assert queue(book, "buy", 10) == [(1, -1, 10, 0)]
