"""Limit and market orders, ids, priority, refusals and reading of the order book (docs/book.md).

Expected values are worked by hand from the document. Every test runs on the slow twin and on the
compiled book.
"""

import hashlib

import numpy as np
import pytest
from book_reading import batch, codes, column, levels, pairs, queue, rows, snapshot, trades
from reference.book import OrderBook as TwinBook
from reference.records import FILL_FIELDS, MAX_PRICE, MAX_SIZE, ORDER_DTYPE, Code, Order


def test_empty_book_has_no_prices(book):
    assert (book.best_bid, book.best_ask, book.last) == (0, 0, 0)
    assert levels(book.bids(5)) == [] and levels(book.asks(5)) == []
    assert len(book.orders) == 0 and len(book.fills) == 0
    book.validate()


def test_limit_rests_and_answers_with_its_id(book):
    result = book.limit("buy", 100, 7)
    assert (result.order, result.code) == (1, Code.OK)
    assert (result.filled, result.resting, result.price) == (0, 7, 100)
    assert (book.best_bid, book.best_ask) == (100, 0)
    assert rows(book) == [(1, 100, 7, 0)]


def test_ids_count_every_order_message_accepted_or_not(book):
    assert book.limit("buy", 100, 1).order == 1
    assert book.limit("buy", 100, 0).order == 2  # refused, but the id is used
    book.cancel(1)
    book.cancel_all(5)
    book.modify(1, 100, 1)
    assert book.market("buy", 1).order == 3
    assert book.stop("buy", 100, 1).order == 4
    assert codes(book, {"kind": 99, "size": 1}) == [Code.BAD_MESSAGE]
    assert book.limit("sell", 100, 1).order == 6


def test_better_price_trades_first(book):
    book.limit("sell", 102, 5)
    book.limit("sell", 101, 5)
    book.limit("sell", 103, 5)
    result = book.limit("buy", 103, 12)
    assert trades(book) == [(2, 4, 5, 101), (1, 4, 5, 102), (3, 4, 2, 103)]
    assert (result.code, result.filled, result.resting) == (Code.OK, 12, 0)
    assert rows(book) == [(3, 103, 3, 0)]
    assert book.last == 103


def test_bids_trade_from_the_highest(book):
    book.limit("buy", 98, 5)
    book.limit("buy", 99, 5)
    book.limit("buy", 97, 5)
    assert book.limit("sell", 97, 12).filled == 12
    assert trades(book) == [(2, 4, 5, 99), (1, 4, 5, 98), (3, 4, 2, 97)]


def test_older_order_trades_first_within_a_price(book):
    for _ in range(3):
        book.limit("sell", 101, 4)
    book.market("buy", 9)
    assert trades(book) == [(1, 4, 4, 101), (2, 4, 4, 101), (3, 4, 1, 101)]
    assert queue(book, "sell", 101) == [(3, -1, 3, 0)]


def test_partly_filled_maker_keeps_its_place(book):
    book.limit("sell", 101, 5)
    book.limit("sell", 101, 5)
    book.market("buy", 2)
    book.market("buy", 4)
    assert trades(book) == [(1, 4, 3, 101), (2, 4, 1, 101)]


def test_remainder_of_a_crossing_limit_rests_at_its_own_price(book):
    book.limit("sell", 101, 5)
    result = book.limit("buy", 103, 8)
    assert trades(book) == [(1, 2, 5, 101)]
    assert (result.filled, result.resting, result.price) == (5, 3, 103)
    assert (book.best_bid, book.best_ask, book.last) == (103, 0, 101)


def test_fill_record_has_all_fields(book):
    book.limit("sell", 101, 5, account=3, post_only="reject")
    book.limit("buy", 101, 2, account=4)
    (fill,) = book.fills
    expected = {
        "maker": 1,
        "taker": 2,
        "size": 2,
        "price": 101,
        "maker_account": 3,
        "taker_account": 4,
        "message": 0,
        "side": 0,
        "maker_flags": 1,
    }
    assert {name: int(fill[name]) for name, _ in FILL_FIELDS} == expected


def test_fills_are_those_of_the_last_call(book):
    book.limit("sell", 101, 5)
    book.market("buy", 2)
    assert len(book.fills) == 1
    book.limit("sell", 105, 1)
    assert len(book.fills) == 0


def test_market_order_drops_its_remainder(book):
    book.limit("sell", 101, 5)
    book.limit("sell", 900, 5)
    result = book.market("buy", 20)
    assert (result.code, result.filled, result.resting) == (Code.OK, 10, 0)
    assert trades(book) == [(1, 3, 5, 101), (2, 3, 5, 900)]
    assert len(book.orders) == 0


@pytest.mark.parametrize("time_in_force", [0, 1])
def test_market_order_of_a_batch_drops_its_remainder(book, time_in_force):
    order = {"kind": 2, "size": 5, "price": 77, "time_in_force": time_in_force}
    assert codes(book, {"kind": 0, "side": 1, "price": 101, "size": 2}, order) == [0, 0]
    assert pairs(book.fills) == [(1, 2, 2, 101)]
    assert len(book.orders) == 0


def test_market_order_into_an_empty_book_is_accepted(book):
    result = book.market("sell", 20)
    assert (result.code, result.filled, result.resting) == (Code.OK, 0, 0)
    assert book.last == 0


def test_ioc_stops_at_its_limit_and_drops_the_rest(book):
    book.limit("sell", 101, 5)
    book.limit("sell", 103, 5)
    result = book.limit("buy", 102, 8, time_in_force="ioc")
    assert (result.code, result.filled, result.resting) == (Code.OK, 5, 0)
    assert rows(book) == [(2, 103, 5, 0)]


def test_fok_fills_whole(book):
    book.limit("sell", 101, 5)
    book.limit("sell", 102, 5)
    result = book.limit("buy", 102, 10, time_in_force="fok")
    assert (result.code, result.filled) == (Code.OK, 10)


def test_fok_that_cannot_fill_whole_changes_nothing(book):
    book.limit("sell", 101, 5)
    book.limit("sell", 103, 5)
    before = snapshot(book)
    result = book.limit("buy", 102, 6, time_in_force="fok")
    assert (result.code, result.filled, result.resting) == (Code.NOT_FILLABLE, 0, 0)
    assert len(book.fills) == 0 and snapshot(book) == before


def test_market_fok_fills_whole_or_not_at_all(book):
    book.limit("sell", 101, 5)
    book.limit("sell", 900, 5)
    order = {"kind": 2, "side": 0, "time_in_force": 2}
    assert codes(book, {**order, "size": 11}, {**order, "size": 10}) == [
        Code.NOT_FILLABLE,
        Code.OK,
    ]
    assert pairs(book.fills) == [(1, 4, 5, 101), (2, 4, 5, 900)]
    book.limit("buy", 99, 5)
    assert book.market("sell", 6, time_in_force="fok").code == Code.NOT_FILLABLE
    assert book.market("sell", 5, time_in_force="fok").filled == 5


def test_post_only_rests_when_it_does_not_trade(book):
    book.limit("sell", 101, 5)
    result = book.limit("buy", 100, 3, post_only="reject")
    assert (result.code, result.resting) == (Code.OK, 3)


@pytest.mark.parametrize("price", [101, 102])
def test_post_only_that_would_trade_is_refused(book, price):
    book.limit("sell", 101, 5)
    before = snapshot(book)
    assert book.limit("buy", price, 3, post_only="reject").code == Code.WOULD_TRADE
    assert snapshot(book) == before


def test_post_only_counts_own_opposite_orders(book):
    book.limit("sell", 101, 5, account=1)
    result = book.limit("buy", 101, 3, account=1, post_only="reject", self_trade="oldest")
    assert result.code == Code.WOULD_TRADE


def test_slide_moves_to_one_tick_behind_the_touch(book):
    book.limit("sell", 105, 5)
    buy = book.limit("buy", 107, 3, post_only="slide")
    assert (buy.code, buy.price, buy.resting, buy.filled) == (Code.OK, 104, 3, 0)
    sell = book.limit("sell", 90, 2, post_only="slide")  # best bid is now 104
    assert (sell.code, sell.price, sell.resting) == (Code.OK, 105, 2)
    assert queue(book, "sell", 105) == [(1, -1, 5, 0), (3, -1, 2, 0)]


def test_slide_leaves_a_price_that_does_not_trade(book):
    book.limit("sell", 105, 5)
    assert book.limit("buy", 100, 3, post_only="slide").price == 100


def test_slide_out_of_the_price_bounds_is_refused(new_book):
    book = new_book(min_price=100, max_price=200)
    book.limit("sell", 100, 1)
    assert book.limit("buy", 100, 1, post_only="slide").code == Code.BAD_PRICE
    book.cancel(1)
    book.limit("buy", 200, 1)
    assert book.limit("sell", 150, 1, post_only="slide").code == Code.BAD_PRICE
    assert rows(book) == [(3, 200, 1, 0)]


def test_slide_to_the_ends_of_the_price_bounds(new_book):
    book = new_book(min_price=100, max_price=102)
    book.limit("sell", 101, 1)
    assert book.limit("buy", 102, 1, post_only="slide").price == 100
    book.cancel(1)
    book.modify(2, 101)
    assert book.limit("sell", 100, 1, post_only="slide").price == 102
    assert rows(book) == [(2, 101, 1, 0), (3, 102, 1, 0)]


def test_slide_below_the_lowest_tick_is_refused(book):
    book.limit("sell", 1, 1)
    assert book.limit("buy", 1, 1, post_only="slide").code == Code.BAD_PRICE


# --- refusals ---------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, -1, MAX_SIZE + 1])
def test_size_outside_the_grid_is_bad_size(book, size):
    assert book.limit("buy", 100, size).code == Code.BAD_SIZE
    assert book.market("buy", size).code == Code.BAD_SIZE
    assert book.stop("buy", 100, size).code == Code.BAD_SIZE
    assert len(book.orders) == 0


def test_largest_size_and_prices_are_accepted(book):
    assert book.limit("buy", 1, MAX_SIZE).code == Code.OK
    assert rows(book) == [(1, 1, MAX_SIZE, 0)]


def test_size_bounds_of_the_book(new_book):
    book = new_book(min_size=10, max_size=20)
    sizes = (9, 10, 20, 21)
    expected = [Code.BAD_SIZE, Code.OK, Code.OK, Code.BAD_SIZE]
    assert [book.limit("buy", 100, size).code for size in sizes] == expected


BOUND_ERRORS = [
    ({"min_size": 0}, r"min_size 0 is outside 1 \.\.\. 281474976710656 lots"),
    ({"min_size": -1}, "min_size -1 is outside 1"),
    ({"max_size": 0}, "max_size 0 is outside 1"),
    ({"max_size": 2**48 + 1}, "max_size 281474976710657 is outside 1"),
    ({"min_price": 0}, r"min_price 0 is outside 1 \.\.\. 2147483646 ticks"),
    ({"min_price": -1}, "min_price -1 is outside 1"),
    ({"max_price": 0}, "max_price 0 is outside 1"),
    ({"max_price": 2**31 - 1}, "max_price 2147483647 is outside 1"),
    ({"min_size": 5, "max_size": 4}, "min_size 5 is above max_size 4"),
    ({"min_price": 5, "max_price": 4}, "min_price 5 is above max_price 4"),
]


@pytest.mark.parametrize(("bounds", "error"), BOUND_ERRORS)
def test_bounds_that_no_order_can_meet_are_refused(new_book, bounds, error):
    with pytest.raises(ValueError, match=error):
        new_book(**bounds)


def test_remainder_below_the_minimum_size_may_rest(new_book):
    book = new_book(min_size=10)
    book.limit("sell", 100, 10)
    assert book.limit("buy", 100, 13).resting == 3


@pytest.mark.parametrize("price", [0, -1])
def test_price_below_one_tick_is_bad_price(book, price):
    assert book.limit("buy", price, 1).code == Code.BAD_PRICE
    assert codes(book, {"kind": 0, "price": price, "size": 1}) == [Code.BAD_PRICE]


def test_price_above_the_grid_is_bad_price(book):
    assert codes(book, {"kind": 0, "price": MAX_PRICE + 1, "size": 1}) == [Code.BAD_PRICE]


def test_price_bounds_of_the_book(new_book):
    book = new_book(min_price=50, max_price=60)
    prices = (49, 50, 60, 61)
    expected = [Code.BAD_PRICE, Code.OK, Code.OK, Code.BAD_PRICE]
    assert [book.limit("buy", price, 1).code for price in prices] == expected


def test_bad_size_answers_before_bad_price(book):
    assert codes(book, {"kind": 0, "price": 0, "size": 0}) == [Code.BAD_SIZE]


BAD_FORMS = {
    "kind": {"kind": 7},
    "side": {"kind": 0, "side": 2},
    "time in force": {"kind": 0, "time_in_force": 3},
    "self-trade policy": {"kind": 0, "self_trade": 5},
    "flag": {"kind": 0, "flags": 128},
    "post-only and ioc": {"kind": 0, "flags": 1, "time_in_force": 1},
    "post-only and fok": {"kind": 0, "flags": 1, "time_in_force": 2},
    "post-only market": {"kind": 2, "flags": 1},
    "post-only stop": {"kind": 4, "flags": 1, "extra": 5},
    "slide and ioc": {"kind": 0, "flags": 2, "time_in_force": 1},
    "slide market": {"kind": 2, "flags": 2},
    "both post-only flags": {"kind": 0, "flags": 3},
    "iceberg and ioc": {"kind": 0, "flags": 16, "extra": 1, "time_in_force": 1},
    "iceberg and fok": {"kind": 0, "flags": 16, "extra": 1, "time_in_force": 2},
    "iceberg market": {"kind": 2, "flags": 16, "extra": 1},
    "iceberg stop": {"kind": 4, "flags": 16, "extra": 1},
    "iceberg stop-limit": {"kind": 5, "flags": 16, "extra": 1},
    "stop on mark without a stop": {"kind": 0, "flags": 8},
    "stop with ioc": {"kind": 4, "extra": 5, "time_in_force": 1},
    "stop-limit with fok": {"kind": 5, "extra": 5, "time_in_force": 2},
    "both legs": {"kind": 0, "flags": 96},
    "account": {"kind": 0, "account": -3},
}


@pytest.mark.parametrize("name", BAD_FORMS)
def test_bad_form_is_bad_message(book, name):
    message = {"price": 10, "size": 1, **BAD_FORMS[name]}
    assert codes(book, message) == [Code.BAD_MESSAGE]
    # The form answers before the size.
    assert codes(book, {**message, "size": 0}) == [Code.BAD_MESSAGE]
    assert len(book.orders) == 0
    assert book.limit("buy", 10, 1).order == 3


def test_reduce_only_is_refused_where_no_positions_are_known(book):
    order = {"kind": 0, "flags": 4, "price": 10}
    assert codes(book, {**order, "size": 1}, {**order, "size": 0}) == [
        Code.REDUCE_ONLY,
        Code.BAD_SIZE,
    ]
    assert len(book.orders) == 0


def fill_level(book, price: int) -> None:
    """16,384 buys of 2**48 lots at one price, which is all a level holds."""
    if isinstance(book, TwinBook):  # its scans are too slow for that many messages
        ids = range(book.next_id, book.next_id + 16_384)
        book.resting += [Order(order, 0, price, MAX_SIZE, -1, 0, 0) for order in ids]
        book.next_id = ids.stop
    else:
        full = batch(*[{"kind": 0, "price": price, "size": MAX_SIZE}] * 16_384)
        assert not book.apply(full).codes.any()


def test_level_holds_at_most_two_to_the_62(book):
    fill_level(book, 10)
    assert levels(book.bids(1)) == [(10, 2**62, 16_384)]
    before = snapshot(book)
    assert book.limit("buy", 10, 1).code == Code.LEVEL_FULL
    assert book.limit("buy", 10, 9, display=1).code == Code.LEVEL_FULL
    assert book.limit("buy", 10, 1, post_only="reject").code == Code.LEVEL_FULL
    # What does not rest at that price has room.
    assert book.limit("buy", 10, 1, time_in_force="ioc").code == Code.OK
    assert book.limit("buy", 10, 1, time_in_force="fok").code == Code.NOT_FILLABLE
    assert book.market("buy", 1).code == Code.OK
    assert snapshot(book) == before
    assert book.limit("buy", 9, 1).code == Code.OK  # 16,391
    assert book.modify(16_391, price=10).code == Code.LEVEL_FULL
    assert rows(book)[-1] == (16_391, 9, 1, 0)
    assert book.modify(5, 10, MAX_SIZE - 1).code == Code.OK
    assert book.limit("buy", 10, 9, display=2).code == Code.LEVEL_FULL
    assert book.modify(5, 10, MAX_SIZE).code == Code.OK  # its own lots count no longer
    book.market("sell", 1)
    assert book.limit("buy", 10, 1).code == Code.OK


def test_slide_into_a_full_level_is_level_full(book):
    fill_level(book, 10)
    book.limit("sell", 11, 1)
    assert book.limit("buy", 11, 1, post_only="slide").code == Code.LEVEL_FULL
    assert book.limit("buy", 11, 1).filled == 1


# --- reading, copies -------------------------------------------------------------------------


def test_levels_show_displayed_size_and_count(book):
    book.limit("buy", 100, 1)
    book.limit("buy", 100, 20, display=5)
    book.limit("buy", 98, 3)
    book.limit("buy", 99, 4)
    book.limit("sell", 102, 6)
    book.limit("sell", 101, 7)
    assert levels(book.bids(10)) == [(100, 6, 2), (99, 4, 1), (98, 3, 1)]
    assert levels(book.bids(2)) == [(100, 6, 2), (99, 4, 1)]
    assert levels(book.asks(1)) == [(101, 7, 1)]


def test_queue_of_an_empty_level(book):
    book.limit("buy", 100, 1)
    assert queue(book, "buy", 99) == []
    assert queue(book, "sell", 100) == []


def test_canonical_orders(book):
    book.limit("sell", 105, 1, account=1)
    book.limit("buy", 99, 2, account=2, post_only="slide")
    book.limit("buy", 100, 9, account=3, display=4, self_trade="both")
    book.stop("sell", 90, 6, account=4, price=89, on="mark", self_trade="oldest")
    book.stop("buy", 120, 7)
    book.limit("buy", 100, 8)
    book.limit("sell", 104, 3)
    # id, size, hidden, display, price, account, trigger, side, flags, waiting, self_trade
    expected = [
        (3, 4, 5, 4, 100, 3, 0, 0, 16, 0, 3),
        (6, 8, 0, 0, 100, -1, 0, 0, 0, 0, 0),
        (2, 2, 0, 0, 99, 2, 0, 0, 2, 0, 0),
        (7, 3, 0, 0, 104, -1, 0, 1, 0, 0, 0),
        (1, 1, 0, 0, 105, 1, 0, 1, 0, 0, 0),
        (4, 6, 0, 0, 89, 4, 90, 1, 8, 1, 2),
        (5, 7, 0, 0, 0, -1, 120, 0, 0, 1, 0),
    ]
    found = book.orders
    assert [tuple(int(row[name]) for name in ORDER_DTYPE.names) for row in found] == expected
    assert found.dtype == ORDER_DTYPE


def test_state_hash_of_an_empty_book(book):
    state = np.array([1, 0, 0, 0], dtype="<i8").tobytes()
    assert book.state_hash() == hashlib.blake2b(state, digest_size=16).hexdigest()


def test_state_hash_depends_on_priority_not_on_history(new_book):
    first, second = new_book(), new_book()
    first.limit("buy", 100, 1)
    first.limit("buy", 101, 1)
    second.limit("buy", 100, 1)
    second.limit("buy", 90, 1)
    assert first.state_hash() != second.state_hash()
    second.modify(2, 101, 1)
    assert first.state_hash() == second.state_hash()
    first.modify(1, 100, 2)
    second.modify(2, 101, 1)
    assert first.state_hash() != second.state_hash()


def test_copy_is_independent(book):
    book.limit("buy", 100, 5)
    book.limit("buy", 100, 20, display=5)
    book.stop("sell", 90, 5)
    twin = book.copy()
    assert twin.state_hash() == book.state_hash()
    before = book.state_hash()
    twin.market("sell", 7)
    twin.cancel(3)
    assert book.state_hash() == before and twin.state_hash() != before
    assert book.limit("buy", 100, 1).order == 4
    assert twin.limit("buy", 100, 1).order == 5


# --- depth from outside -----------------------------------------------------------------------


def test_load_depth_adds_one_anonymous_order_a_level(book):
    book.load_depth([(100, 5), (99, 6)], [(101, 7), (103, 8)])
    assert rows(book) == [(1, 100, 5, 0), (2, 99, 6, 0), (3, 101, 7, 0), (4, 103, 8, 0)]
    assert set(column(book, "account")) == {-1}
    assert book.limit("buy", 98, 1).order == 5


def test_load_depth_keeps_what_is_there(book):
    book.limit("buy", 100, 1, account=4)
    book.load_depth([(100, 5)], [(101, 7)])
    assert queue(book, "buy", 100) == [(1, 4, 1, 0), (2, -1, 5, 0)]


def test_load_depth_takes_arrays(book):
    book.load_depth(np.array([[100, 5], [99, 6]]), np.array([[101, 7]]))
    assert rows(book) == [(1, 100, 5, 0), (2, 99, 6, 0), (3, 101, 7, 0)]


def test_load_depth_keeps_to_the_bounds_of_the_book(new_book):
    book = new_book(min_size=2, max_size=9, min_price=90, max_price=110)
    for row in ((89, 5), (111, 5), (100, 1), (100, 10)):
        with pytest.raises(ValueError):
            book.load_depth([row], [])
        with pytest.raises(ValueError):
            book.load_depth([], [row])
    assert len(book.orders) == 0
    book.load_depth([(91, 2), (90, 9)], [(109, 9), (110, 2)])
    assert rows(book) == [(1, 91, 2, 0), (2, 90, 9, 0), (3, 109, 9, 0), (4, 110, 2, 0)]


def test_load_depth_may_replace_the_anonymous_orders(book):
    book.limit("buy", 100, 1, account=4)
    book.limit("buy", 99, 2)
    book.limit("sell", 110, 3)
    book.stop("buy", 120, 4)
    # The new asks may stand where old anonymous bids stood, but not cross what stays.
    book.load_depth([(98, 5)], [(101, 6)], replace=True)
    assert rows(book) == [(1, 100, 1, 0), (5, 98, 5, 0), (6, 101, 6, 0), (4, 0, 4, 0)]
    before = book.state_hash()
    with pytest.raises(ValueError):
        book.load_depth([], [(100, 1)], replace=True)
    assert book.state_hash() == before
    book.load_depth([], [], replace=True)
    assert rows(book) == [(1, 100, 1, 0), (4, 0, 4, 0)]


def test_load_depth_may_cross_during_an_auction(book):
    book.open_auction()
    book.limit("buy", 105, 1, account=4)
    book.load_depth([(100, 5)], [(99, 6)])
    assert rows(book) == [(1, 105, 1, 0), (2, 100, 5, 0), (3, 99, 6, 0)]


@pytest.mark.parametrize(
    ("bids", "asks"),
    [
        ([(101, 5)], [(101, 5)]),
        ([(102, 5)], [(101, 5)]),
        ([(100, 5), (100, 5)], []),
        ([(99, 5), (100, 5)], []),
        ([], [(102, 5), (101, 5)]),
        ([], [(101, 5), (101, 5)]),
        ([(100, 0)], []),
        ([(100, -1)], [(101, 1)]),
        ([(0, 5)], []),
        ([(100, 5), (0, 5)], [(101, 5)]),
        ([(75, 5), (75, 5)], []),
        ([(75, 5), (76, 5)], []),
        ([], [(85, 5), (84, 5)]),
        ([], [(85, 5), (85, 5)]),
        ([(80, 5)], [(80, 5)]),
        ([(80, 0)], []),
        ([(80, 5)], [(81, 2**48 + 1)]),
        ([(50, 5)], [(60, 5)]),  # crosses the bid of the book at 70
        ([(90, 5)], []),  # crosses the ask of the book at 90
    ],
)
def test_bad_depth_is_refused_whole(book, bids, asks):
    book.limit("buy", 70, 1, account=1)
    book.limit("sell", 90, 1, account=1)
    before = book.state_hash()
    with pytest.raises(ValueError):
        book.load_depth(bids, asks)
    assert book.state_hash() == before


# --- misuse -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "keywords",
    [
        {"side": "up"},
        {"time_in_force": "day"},
        {"post_only": "maybe"},
        {"self_trade": "never"},
        {"price": 100.5},
        {"size": 1.5},
        {"price": float("nan")},
        {"price": float("inf")},
    ],
)
def test_misuse_raises_and_changes_nothing(book, keywords):
    call = {"side": "buy", "price": 100, "size": 5, **keywords}
    before = book.state_hash()
    with pytest.raises(ValueError):
        book.limit(call.pop("side"), call.pop("price"), call.pop("size"), **call)
    assert book.state_hash() == before


@pytest.mark.parametrize("value", ["100", None, [100]])
def test_price_of_another_type_raises(book, value):
    with pytest.raises(TypeError):
        book.limit("buy", value, 5)
    with pytest.raises(TypeError):
        book.market("buy", value)
    assert book.limit("buy", 100, 5).order == 1
