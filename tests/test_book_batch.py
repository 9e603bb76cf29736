"""The batch call of the order book: order of processing, results, what it takes and what it keeps."""

import numpy as np
import pytest
from book_reading import batch, pairs, rows
from reference.records import FILL_FIELDS, Code

TRADE = batch(
    {"kind": 0, "side": 1, "price": 101, "size": 4, "account": 2},
    {"kind": 2, "side": 0, "size": 3},
)


def test_batch_equals_single_calls(new_book):
    single, many = new_book(), new_book()
    single.limit("buy", 100, 5, account=1)
    single.limit("sell", 101, 4, account=2)
    first = single.limit("buy", 101, 6, account=3, self_trade="newest")
    single.modify(1, 99, 2)
    single.cancel(2)
    single.market("sell", 3)
    result = many.apply(
        batch(
            {"kind": 0, "side": 0, "price": 100, "size": 5, "account": 1},
            {"kind": 0, "side": 1, "price": 101, "size": 4, "account": 2},
            {"kind": 0, "side": 0, "price": 101, "size": 6, "account": 3, "self_trade": 1},
            {"kind": 3, "order": 1, "price": 99, "size": 2},
            {"kind": 1, "order": 2},
            {"kind": 2, "side": 1, "size": 3},
        )
    )
    assert list(result.codes) == [0, 0, 0, 0, Code.UNKNOWN_ORDER, 0]
    assert list(result.filled) == [0, 0, 4, 0, 0, 3]
    assert (first.filled, first.resting) == (4, 2)
    assert [int(result.orders[index]) for index in (0, 1, 2, 5)] == [1, 2, 3, 4]
    assert pairs(result.fills) == [(2, 3, 4, 101), (3, 4, 2, 101), (1, 4, 1, 99)]
    assert [int(fill["message"]) for fill in result.fills] == [2, 5, 5]
    assert many.state_hash() == single.state_hash()


def test_empty_batch(book):
    result = book.apply(batch())
    assert len(result.codes) == len(result.fills) == len(result.orders) == 0


def test_refused_messages_do_not_stop_a_batch(book):
    result = book.apply(
        batch(
            {"kind": 0, "side": 0, "price": 100, "size": 5},
            {"kind": 0, "side": 0, "price": 0, "size": 5},
            {"kind": 200, "size": 5},
            {"kind": 1, "order": 77},
            {"kind": 3, "order": 77, "price": 1, "size": 1},
            {"kind": 6, "account": 77},
            {"kind": 2, "side": 1, "size": 2},
        )
    )
    assert list(result.codes) == [
        Code.OK,
        Code.BAD_PRICE,
        Code.BAD_MESSAGE,
        Code.UNKNOWN_ORDER,
        Code.UNKNOWN_ORDER,
        Code.OK,
        Code.OK,
    ]
    assert [int(result.orders[index]) for index in (0, 1, 2, 6)] == [1, 2, 3, 4]
    assert pairs(result.fills) == [(1, 4, 2, 100)]
    assert pairs(book.fills) == pairs(result.fills)


def test_cancel_all_in_a_batch(book):
    result = book.apply(
        batch(
            {"kind": 0, "side": 0, "price": 100, "size": 5, "account": 7},
            {"kind": 0, "side": 0, "price": 100, "size": 6, "account": 8},
            {"kind": 5, "side": 0, "price": 100, "extra": 90, "size": 6, "account": 7},
            {"kind": 6, "account": 7},
        )
    )
    assert list(result.codes) == [Code.OK, Code.OK, Code.STOP_WAITING, Code.OK]
    assert rows(book) == [(2, 100, 6, 0)]


def test_target_of_a_cancel_may_be_an_id_given_in_the_same_batch(book):
    result = book.apply(
        batch(
            {"kind": 0, "price": 100, "size": 5}, {"kind": 1, "order": 1}, {"kind": 1, "order": 1}
        )
    )
    assert list(result.codes) == [Code.OK, Code.OK, Code.UNKNOWN_ORDER]


def test_account_numbers_of_every_width(book):
    accounts = [-2, -1, 0, 1, 255, 256, 70_000]
    book.apply(
        batch(*[{"kind": 0, "price": 100, "size": 1, "account": account} for account in accounts])
    )
    assert [int(row[1]) for row in book.queue("buy", 100)] == accounts
    for account in (70_000, 0, -2, -1):
        book.cancel_all(account)
        accounts.remove(account)
        assert [int(row[1]) for row in book.queue("buy", 100)] == accounts


def test_results_are_typed_arrays(book):
    result = book.apply(TRADE)
    assert result.codes.dtype == np.uint8
    assert result.filled.dtype == np.int64 and result.orders.dtype == np.int64
    for name, kind in FILL_FIELDS:
        assert result.fills.dtype[name] == np.dtype(kind)


def test_read_only_batch(book):
    frozen = TRADE.copy()
    frozen.flags.writeable = False
    assert list(book.apply(frozen).filled) == [0, 3]


def test_batch_that_is_not_contiguous_is_refused(book):
    spread = np.zeros(4, dtype=TRADE.dtype)
    spread[::2] = TRADE
    with pytest.raises(ValueError, match="contiguous"):
        book.apply(spread[::2])
    assert list(book.apply(spread[::2].copy()).filled) == [0, 3]


def test_a_batch_is_left_as_it_was(book):
    messages = TRADE.copy()
    book.apply(messages)
    assert messages.tobytes() == TRADE.tobytes()


def test_results_outlive_later_calls(book):
    result = book.apply(TRADE)
    fills = book.fills
    before = result.fills.tobytes(), result.codes.tobytes(), fills.tobytes()
    for _ in range(300):
        book.apply(TRADE)
    book.apply(batch(*[{"kind": 0, "side": 0, "price": 101, "size": 1}] * 1_000))
    assert (result.fills.tobytes(), result.codes.tobytes(), fills.tobytes()) == before


@pytest.mark.parametrize(
    "messages",
    [
        np.zeros(2, dtype=np.int64),
        np.zeros((2, 2), dtype=TRADE.dtype),
        np.zeros(2, dtype=[("kind", "u1")]),
        np.zeros(2, dtype=np.dtype([(name, "<i8") for name in TRADE.dtype.names])),
        b"0" * 64,
        None,
        5,
    ],
)
def test_what_is_no_batch_is_refused(book, messages):
    before = book.state_hash()
    with pytest.raises((TypeError, ValueError)):
        book.apply(messages)
    assert book.state_hash() == before


def test_cancels_and_orders_of_a_book_beyond_the_caches(core_book):
    # too many orders for the twin; above 2**16 a batch looks further ahead, which nobody may see
    count = 70_000
    many, chunks = core_book(), core_book()
    sell = batch({"kind": 0, "side": 1, "price": 500, "size": 2})
    filling = np.repeat(sell, count)
    filling["price"] += np.arange(count) % 1_000
    working = np.repeat(sell, 300)
    working["kind"] = np.arange(300) % 3
    working["order"] = np.where(working["kind"] == 1, count - 7 * np.arange(300), -(2**63))
    working["side"] = working["kind"] == 1
    working["price"] = np.where(working["kind"] == 0, 400, -(2**31))
    for book in (many, chunks):
        book.apply(filling)
    result = many.apply(working)
    filled = [int(lots) for at in range(300) for lots in chunks.apply(working[at : at + 1]).filled]
    assert list(result.filled) == filled == [0, 0, 2] * 100
    assert len(many) == count - 100
    assert many.state_hash() == chunks.state_hash()


def test_many_waiting_stops_without_a_level(core_book):
    # too many for the twin's scans
    stops = np.repeat(batch({"kind": 4, "side": 0, "size": 1, "extra": 900}), 70_000)
    book = core_book()
    book.apply(stops)
    cancels = np.repeat(batch({"kind": 1}), 100)
    cancels["order"] = 1 + 3 * np.arange(100)
    assert not book.apply(cancels).codes.any()
    assert len(book) == 69_900
