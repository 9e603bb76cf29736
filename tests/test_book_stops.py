"""Stops and stop-limits of the order book (docs/book.md, steps 3 and 10), worked by hand."""

import pytest
from book_reading import batch, codes, column, pairs, rows, snapshot, trades
from reference.records import MAX_PRICE, Code


def trade_at(book, price: int) -> None:
    """Make `price` the last price; the book must hold nothing that interferes."""
    order = book.limit("sell", price, 1)
    assert book.limit("buy", price, 1).filled == 1
    assert order.resting == 1


def ladder(book) -> None:
    """Bids 99 ... 90 and asks 101 ... 110, ten lots each; ids 1-20."""
    book.load_depth(
        [(price, 10) for price in range(99, 89, -1)], [(price, 10) for price in range(101, 111)]
    )


def test_stop_waits_without_a_last_price(book):
    result = book.stop("buy", 1, 5)
    assert (result.order, result.code, result.filled) == (1, Code.STOP_WAITING, 0)
    assert book.stop("sell", MAX_PRICE, 5).code == Code.STOP_WAITING
    assert column(book, "waiting") == [1, 1]
    assert column(book, "trigger") == [1, MAX_PRICE]
    assert book.best_bid == book.best_ask == 0


@pytest.mark.parametrize(
    ("side", "trigger", "reached"),
    [
        ("buy", 99, True),
        ("buy", 100, True),
        ("buy", 101, False),
        ("sell", 101, True),
        ("sell", 100, True),
        ("sell", 99, False),
    ],
)
def test_stop_reached_already_goes_on_at_once(book, side, trigger, reached):
    trade_at(book, 100)
    result = book.stop(side, trigger, 5, price=70 if side == "buy" else 130)
    assert result.code == (Code.OK if reached else Code.STOP_WAITING)
    assert column(book, "waiting") == [0 if reached else 1]


def test_stop_reached_already_trades_in_its_own_message(book):
    trade_at(book, 100)
    book.limit("sell", 105, 3, account=1)
    result = book.stop("buy", 100, 5, account=2)
    assert (result.order, result.code, result.filled, result.resting) == (4, Code.OK, 3, 0)
    assert trades(book) == [(3, 4, 3, 105)]
    assert book.last == 105


def test_results_of_stops(book):
    waiting = book.stop("buy", 50, 5, price=60)
    assert (waiting.code, waiting.filled, waiting.resting, waiting.price) == (1, 0, 5, 60)
    waiting = book.stop("buy", 50, 5)
    assert (waiting.code, waiting.filled, waiting.resting, waiting.price) == (1, 0, 5, 0)
    book.cancel_all(-1)
    trade_at(book, 50)
    book.limit("sell", 55, 2)
    reached = book.stop("buy", 50, 5, price=60)
    assert (reached.code, reached.filled, reached.resting, reached.price) == (0, 2, 3, 60)
    reached = book.stop("sell", 55, 9)
    assert (reached.code, reached.filled, reached.resting, reached.price) == (0, 3, 0, 0)


def test_buy_stop_fires_when_the_last_price_reaches_it(book):
    ladder(book)
    book.stop("buy", 102, 4)  # 21
    book.market("buy", 10)  # 22: last 101
    assert column(book, "waiting").count(1) == 1
    result = book.market("buy", 1)  # 23: last 102
    assert trades(book) == [(12, 23, 1, 102), (12, 21, 4, 102)]
    assert result.filled == 1  # the stop's fills are its own
    assert column(book, "waiting").count(1) == 0


def test_sell_stop_fires_when_the_last_price_reaches_it(book):
    ladder(book)
    book.stop("sell", 98, 4)
    book.market("sell", 11)  # 22: last 98
    assert trades(book) == [(1, 22, 10, 99), (2, 22, 1, 98), (2, 21, 4, 98)]
    assert book.last == 98


def test_only_the_final_fill_of_a_message_is_the_last_price(book):
    trade_at(book, 100)  # 1, 2
    book.limit("sell", 101, 1)  # 3
    book.limit("sell", 103, 1)  # 4
    book.stop("sell", 101, 1, price=150)  # 5: reached already, rests at 150
    book.stop("sell", 99, 1)  # 6
    book.market("buy", 2)
    assert book.last == 103
    assert column(book, "waiting").count(1) == 1


def test_stop_market_order_drops_what_it_cannot_fill(book):
    ladder(book)
    book.stop("buy", 110, 1_000)
    book.market("buy", 95)  # last 110, five lots left at 110
    assert trades(book)[-1] == (20, 21, 5, 110)
    assert book.cancel(21).code == Code.UNKNOWN_ORDER
    assert book.best_ask == 0


def test_stop_limit_rests_at_its_limit_under_its_own_id(book):
    ladder(book)
    book.stop("buy", 101, 15, price=102, account=5, self_trade="oldest")
    book.market("buy", 10)
    assert trades(book)[-1] == (12, 21, 10, 102)
    (order,) = [row for row in book.orders if row["id"] == 21]
    assert (order["size"], order["price"], order["waiting"]) == (5, 102, 0)
    assert (order["trigger"], order["account"], order["self_trade"]) == (0, 5, 2)
    assert book.best_bid == 102


def test_stops_fire_one_at_a_time_in_price_then_time_order(book):
    # Every stop below is due at last 90: sells from the highest trigger, equal ones by id.
    book.load_depth([(90, 100), (80, 100)], [(120, 100), (130, 100)])  # 1-4
    book.stop("sell", 93, 1)  # 5
    book.stop("sell", 95, 1)  # 6
    book.stop("sell", 93, 1)  # 7
    book.stop("sell", 99, 1)  # 8
    book.stop("sell", 95, 1)  # 9
    book.market("sell", 1)  # 10
    assert [taker for _, taker, _, _ in trades(book)] == [10, 8, 6, 9, 5, 7]


def test_buy_stops_fire_from_the_lowest_trigger(book):
    book.load_depth([(90, 100)], [(120, 100)])  # 1, 2
    book.stop("buy", 118, 1)  # 3
    book.stop("buy", 111, 1)  # 4
    book.stop("buy", 118, 1)  # 5
    book.stop("buy", 105, 1)  # 6
    book.market("buy", 1)  # 7
    assert [taker for _, taker, _, _ in trades(book)] == [7, 6, 4, 3, 5]


def test_a_fired_stop_can_make_the_next_one_due(book):
    # Each market sell of ten lots takes one whole level and reaches the next stop.
    ladder(book)
    book.stop("sell", 97, 10)  # 21
    book.stop("sell", 99, 10)  # 22
    book.stop("sell", 98, 10)  # 23
    book.market("sell", 10)  # 24: last 99 fires 22 (98), then 23 (97), then 21 (96)
    assert trades(book) == [(1, 24, 10, 99), (2, 22, 10, 98), (3, 23, 10, 97), (4, 21, 10, 96)]
    assert book.last == 96


def test_new_due_stop_with_a_higher_trigger_goes_before_an_older_due_one(book):
    # Last 105 fires buy stop 105 first; it moves last to 107, where the stop at 106 is due and
    # comes before the one at 107.
    book.load_depth([], [(105, 1), (107, 10)])  # 1, 2
    book.stop("buy", 107, 1)  # 3
    book.stop("buy", 105, 1)  # 4
    book.stop("buy", 106, 1)  # 5
    book.market("buy", 1)  # 6
    assert trades(book) == [(1, 6, 1, 105), (2, 4, 1, 107), (2, 5, 1, 107), (2, 3, 1, 107)]


def test_sell_stops_fire_before_buy_stops(book):
    # At the uncross both become due at once: sells 21 (trigger 101), buys 20 (trigger 99).
    book.open_auction()
    book.limit("buy", 100, 1)  # 1
    book.limit("sell", 100, 1)  # 2
    book.limit("buy", 90, 5)  # 3
    book.limit("sell", 110, 5)  # 4
    book.stop("buy", 99, 1)  # 5
    book.stop("sell", 101, 1)  # 6
    book.uncross()
    # Last 100: the sell fires and trades at 90, where the buy is out of reach again.
    assert trades(book) == [(1, 2, 1, 100), (3, 6, 1, 90)]
    assert [int(row["id"]) for row in book.orders if row["waiting"]] == [5]
    assert book.last == 90
    book.limit("sell", 99, 1)  # 7
    book.market("buy", 1)  # 8: last 99 brings it back
    assert trades(book) == [(7, 8, 1, 99), (4, 5, 1, 110)]


def test_both_sides_due_in_one_message(book):
    book.open_auction()
    book.limit("buy", 100, 5)  # 1
    book.limit("sell", 100, 2)  # 2
    book.limit("sell", 100, 1)  # 3
    book.limit("sell", 103, 5)  # 4
    book.stop("buy", 100, 2)  # 5
    book.stop("sell", 100, 1)  # 6
    book.uncross()
    # Three trade at 100, two of order 1 are left; sell 6 takes one of them, buy 5 pays 103.
    assert trades(book) == [(1, 2, 2, 100), (1, 3, 1, 100), (1, 6, 1, 100), (4, 5, 2, 103)]


def test_stop_on_mark_ignores_the_last_price(book):
    ladder(book)
    book.stop("sell", 99, 1, on="mark")  # 21
    book.market("sell", 1)  # 22: last 99
    assert trades(book) == [(1, 22, 1, 99)]
    book.mark = 100
    assert trades(book) == []
    book.mark = 99
    assert trades(book) == [(1, 21, 1, 99)]
    assert book.mark == 99


def test_stop_on_last_ignores_the_mark(book):
    ladder(book)
    book.stop("buy", 101, 1)
    book.mark = 500
    assert trades(book) == []
    assert column(book, "waiting").count(1) == 1


def test_stop_on_mark_reached_already_goes_on_at_once(book):
    ladder(book)
    book.mark = 100
    assert book.stop("buy", 101, 1, on="mark").code == Code.STOP_WAITING
    result = book.stop("buy", 100, 1, on="mark")
    assert (result.code, result.filled) == (Code.OK, 1)
    assert trades(book) == [(11, 22, 1, 101)]


def test_stops_on_last_fire_before_stops_on_mark(book):
    # The mark fires 21; its trade at 101 makes 22 (on last) due, which goes before 23 (on mark).
    ladder(book)
    book.stop("buy", 105, 1, on="mark")  # 21
    book.stop("buy", 101, 1)  # 22
    book.stop("buy", 106, 1, on="mark")  # 23
    book.stop("buy", 107, 1, on="mark")  # 24: not due
    book.mark = 106
    assert [taker for _, taker, _, _ in trades(book)] == [21, 22, 23]


def test_buy_stops_on_last_fire_before_sell_stops_on_mark(book):
    ladder(book)
    book.open_auction()
    book.stop("sell", 99, 1, on="mark")  # 21
    book.stop("buy", 100, 1)  # 22
    book.stop("sell", 98, 1, on="mark")  # 23
    book.mark = 98
    book.limit("buy", 100, 1)  # 24
    book.limit("sell", 100, 1)  # 25
    book.uncross()
    # Last 100: 22 on last pays 101, then the sells on mark from the highest trigger down.
    assert trades(book) == [(24, 25, 1, 100), (11, 22, 1, 101), (1, 21, 1, 99), (1, 23, 1, 99)]


def test_lower_trigger_on_mark_waits_for_a_higher_one_on_last(book):
    ladder(book)
    book.stop("buy", 90, 1, on="mark")  # 21
    book.stop("buy", 101, 1)  # 22
    book.stop("buy", 91, 1, on="mark")  # 23
    book.mark = 95
    assert [taker for _, taker, _, _ in trades(book)] == [21, 22, 23]


def test_mark_stops_fire_sells_first_in_order(book):
    book.open_auction()
    book.load_depth([(90, 100)], [(110, 100)])  # 1, 2
    book.stop("buy", 100, 1, on="mark")  # 3
    book.stop("sell", 101, 1, on="mark")  # 4
    book.stop("sell", 102, 1, on="mark")  # 5
    book.stop("buy", 99, 1, on="mark")  # 6
    book.mark = 100
    assert trades(book) == []
    book.uncross()
    assert [taker for _, taker, _, _ in trades(book)] == [5, 4, 6, 3]


def test_a_waiting_stop_can_be_cancelled(book):
    book.stop("buy", 101, 1)
    book.stop("buy", 101, 2)
    assert book.cancel(1).code == Code.OK
    assert book.cancel(1).code == Code.UNKNOWN_ORDER
    assert column(book, "id") == [2]
    trade_at(book, 101)
    assert column(book, "id") == []


def test_a_waiting_stop_cannot_be_modified(book):
    book.stop("buy", 101, 5, price=102)
    before = book.state_hash()
    message = {"kind": 3, "order": 1, "price": 103, "size": 5}
    assert codes(book, message) == [Code.UNKNOWN_ORDER]
    assert book.state_hash() == before


def test_a_fired_stop_cannot_be_cancelled(book):
    ladder(book)
    book.stop("buy", 101, 1)
    book.market("buy", 1)
    assert book.cancel(21).code == Code.UNKNOWN_ORDER


@pytest.mark.parametrize("trigger", [0, -1, MAX_PRICE + 1])
def test_trigger_off_the_grid_is_bad_price(book, trigger):
    stops = [{"kind": kind, "extra": trigger, "price": 10, "size": 1} for kind in (4, 5)]
    assert codes(book, *stops) == [Code.BAD_PRICE, Code.BAD_PRICE]
    assert codes(book, {"kind": 4, "extra": trigger, "size": 0}) == [Code.BAD_SIZE]


def test_stop_limit_price_is_checked_when_sent(new_book):
    book = new_book(min_price=50, max_price=60)
    assert book.stop("buy", 55, 1, price=61).code == Code.BAD_PRICE
    assert book.stop("buy", 55, 1, price=49).code == Code.BAD_PRICE
    # The bounds are for prices that can rest, not for triggers.
    assert book.stop("buy", 70, 1, price=60).code == Code.STOP_WAITING
    assert book.stop("sell", 40, 1).code == Code.STOP_WAITING


def test_fired_post_only_stop_limit_that_would_trade_is_gone(book):
    ladder(book)
    stop = {"kind": 5, "side": 0, "extra": 101, "price": 103, "size": 5, "flags": 1}
    assert codes(book, stop) == [Code.STOP_WAITING]
    book.market("buy", 1)
    assert trades(book) == [(11, 22, 1, 101)]
    assert book.cancel(21).code == Code.UNKNOWN_ORDER
    assert 21 not in column(book, "id")


def test_fired_sliding_stop_limit_slides(book):
    ladder(book)
    stop = {"kind": 5, "side": 0, "extra": 101, "price": 103, "size": 5, "flags": 2}
    assert codes(book, stop) == [Code.STOP_WAITING]
    book.market("buy", 1)
    assert (21, 100, 5, 0) in rows(book)


def test_post_only_in_single_stops(book):
    ladder(book)
    assert book.stop("buy", 101, 5, post_only="reject").code == Code.BAD_MESSAGE
    book.stop("buy", 101, 5, price=103, post_only="reject")  # 22
    book.stop("buy", 101, 5, price=103, post_only="slide")  # 23
    book.market("buy", 1)
    assert [row for row in rows(book) if row[0] > 20] == [(23, 100, 5, 0)]


def test_self_trade_policy_of_a_fired_stop(book):
    book.limit("sell", 101, 1, account=2)  # 1
    book.limit("sell", 102, 5, account=7)  # 2
    book.limit("sell", 103, 5, account=2)  # 3
    book.stop("buy", 101, 5, account=7, self_trade="oldest")  # 4
    book.market("buy", 1)  # 5
    assert trades(book) == [(1, 5, 1, 101), (3, 4, 5, 103)]
    assert len(book.orders) == 0


def test_fills_of_fired_stops_carry_the_message_that_fired_them(book):
    ladder(book)
    result = book.apply(
        batch(
            {"kind": 4, "side": 0, "extra": 101, "size": 2},
            {"kind": 0, "side": 0, "price": 50, "size": 2},
            {"kind": 2, "side": 0, "size": 1},
        )
    )
    assert list(result.codes) == [Code.STOP_WAITING, Code.OK, Code.OK]
    assert list(result.filled) == [0, 0, 1]
    assert pairs(result.fills) == [(11, 23, 1, 101), (11, 21, 2, 101)]
    assert [int(fill["message"]) for fill in result.fills] == [2, 2]


def test_a_modify_that_trades_fires_stops(book):
    ladder(book)
    book.stop("buy", 101, 1)
    book.modify(1, 101, 2)
    assert trades(book) == [(11, 1, 2, 101), (11, 21, 1, 101)]


@pytest.mark.parametrize("mark", [0, -1, 1.5, MAX_PRICE + 1])
def test_mark_off_the_grid_raises(book, mark):
    book.stop("sell", 5, 1, on="mark")
    before = snapshot(book)
    with pytest.raises(ValueError):
        book.mark = mark
    assert snapshot(book) == before


@pytest.mark.parametrize("mark", [1, MAX_PRICE])
def test_mark_at_the_ends_of_the_grid(book, mark):
    book.mark = mark
    assert book.mark == mark


def test_stop_misuse_raises(book):
    with pytest.raises(ValueError):
        book.stop("buy", 5, 1, on="index")
    with pytest.raises(ValueError):
        book.stop("both", 5, 1)
    assert book.limit("buy", 1, 1).order == 1
