"""Call auction of the order book: collecting, clearing price and its tie-breaks, the uncross.

Every price table below is worked by hand from docs/book.md.
"""

import pytest
from book_reading import codes, levels, queue, rows, snapshot, trades
from reference.records import Code


def collect(book, buys, sells) -> None:
    """Open an auction and enter (price, size) rows, buys first; ids count from 1."""
    book.open_auction()
    for side, orders in (("buy", buys), ("sell", sells)):
        for price, size in orders:
            assert book.limit(side, price, size).code == Code.OK


def indicative(book):
    found = book.indicative()
    return None if found is None else tuple(int(value) for value in found)


def set_last(book, price: int) -> None:
    """Trade one lot at `price` in an empty book (two ids)."""
    book.limit("buy", price, 1)
    book.market("sell", 1)
    assert book.last == price


# --- collecting -------------------------------------------------------------------------------


def test_nothing_trades_while_collecting(book):
    collect(book, [(105, 5)], [(100, 5)])
    assert (book.best_bid, book.best_ask, book.last) == (105, 100, 0)
    assert trades(book) == []
    book.validate()


def test_both_sides_can_stand_at_one_price(book):
    collect(book, [(100, 5), (100, 3)], [(100, 4)])
    assert queue(book, "buy", 100) == [(1, -1, 5, 0), (2, -1, 3, 0)]
    assert queue(book, "sell", 100) == [(3, -1, 4, 0)]
    assert levels(book.bids(1)) == [(100, 8, 2)]
    assert levels(book.asks(1)) == [(100, 4, 1)]
    book.cancel(2)
    assert levels(book.bids(1)) == [(100, 5, 1)]
    assert levels(book.asks(1)) == [(100, 4, 1)]


REFUSED = {
    "market": {"kind": 2},
    "ioc": {"kind": 0, "time_in_force": 1},
    "fok": {"kind": 0, "time_in_force": 2},
    "post-only": {"kind": 0, "flags": 1},
    "slide": {"kind": 0, "flags": 2},
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_an_auction_does_not_take(book, name):
    book.open_auction()
    message = {"price": 100, "size": 1, **REFUSED[name]}
    assert codes(book, message) == [Code.AUCTION]
    assert codes(book, {**message, "size": 0}) == [Code.BAD_SIZE]
    assert len(book.orders) == 0
    assert book.limit("buy", 100, 1).order == 3


def test_what_an_auction_takes(book):
    book.open_auction()
    assert book.limit("buy", 100, 10, display=2).code == Code.OK
    assert book.stop("buy", 100, 1).code == Code.STOP_WAITING
    assert book.modify(1, 101, 8).code == Code.OK
    assert book.cancel(2).code == Code.OK
    assert book.cancel(1).code == Code.OK


def test_stops_reached_already_during_an_auction(book):
    set_last(book, 100)
    book.open_auction()
    # A market order now, which the auction does not take; a limit order now, which it does.
    assert book.stop("buy", 99, 1).code == Code.AUCTION
    assert book.stop("buy", 99, 1, price=105).code == Code.OK
    assert book.stop("buy", 101, 1).code == Code.STOP_WAITING
    assert rows(book) == [(4, 105, 1, 0), (5, 0, 1, 0)]


def test_mark_fires_no_stop_during_an_auction(book):
    book.limit("sell", 105, 5)
    book.stop("buy", 100, 1, on="mark")
    book.open_auction()
    book.mark = 200
    assert trades(book) == [] and len(book.orders) == 2
    book.uncross()
    assert trades(book) == [(1, 2, 1, 105)]


def test_modify_during_an_auction_can_cross_without_a_trade(book):
    book.limit("buy", 99, 5, post_only="reject")
    book.limit("sell", 101, 5)
    book.open_auction()
    assert book.modify(1, 103, 5).code == Code.OK
    assert (book.best_bid, book.best_ask) == (103, 101)
    assert trades(book) == []


def test_state_hash_tells_an_auction(book):
    before = book.state_hash()
    book.open_auction()
    assert book.state_hash() != before
    book.uncross()
    assert book.state_hash() == before


# --- clearing price ---------------------------------------------------------------------------


def test_no_indicative_price_without_a_cross(book):
    assert indicative(book) is None
    collect(book, [(99, 5)], [(101, 5)])
    assert indicative(book) is None


def test_rule_1_most_volume(book):
    # price  buys>=  sells<=  volume
    #   99     25       5        5
    #  100     25      15       15   <- most
    #  101     10      15       10
    collect(book, [(101, 10), (100, 15)], [(99, 5), (100, 10)])
    assert indicative(book) == (100, 15, 10)


def test_rule_1_counts_hidden_lots(book):
    # price  buys>=  sells<=  volume
    #   99     35       5        5
    #  100     30       5        5
    #  101     30      25       25   <- most, through the hidden lots of the buy at 101
    book.open_auction()
    book.limit("buy", 101, 30, display=1)
    book.limit("buy", 99, 5)
    book.limit("sell", 99, 5)
    book.limit("sell", 101, 20, display=2)
    assert indicative(book) == (101, 25, 5)


def test_rule_2_least_imbalance(book):
    # price  buys>=  sells<=  volume  imbalance
    #   98     20      10       10       10
    #  100     12      10       10        2   <- least
    #  102     10      20       10      -10
    collect(book, [(102, 10), (100, 2), (98, 8)], [(98, 10), (102, 10)])
    assert indicative(book) == (100, 10, 2)


def test_rule_3_more_buys_takes_the_highest(book):
    # price  buys>=  sells<=  volume  imbalance
    #  100     15      10       10        5
    #  103     15      10       10        5   <- highest
    collect(book, [(103, 15)], [(100, 10)])
    assert indicative(book) == (103, 10, 5)


def test_rule_3_more_sells_takes_the_lowest(book):
    # price  buys>=  sells<=  volume  imbalance
    #  100     10      15       10       -5   <- lowest
    #  103     10      15       10       -5
    collect(book, [(103, 10)], [(100, 15)])
    assert indicative(book) == (100, 10, -5)


def test_rule_3_goes_before_the_reference_price(book):
    set_last(book, 100)
    collect(book, [(103, 15)], [(100, 10)])
    assert indicative(book) == (103, 10, 5)


@pytest.mark.parametrize(
    ("last", "expected"), [(90, 100), (100, 100), (101, 100), (102, 100), (103, 104), (200, 104)]
)
def test_rule_4_closest_to_the_last_trade(book, last, expected):
    # Both prices trade 10 with nothing left; at 102 they are equally close: the lower.
    set_last(book, last)
    collect(book, [(104, 10)], [(100, 10)])
    assert indicative(book) == (expected, 10, 0)


def test_rule_4_without_a_last_trade(book):
    # Both prices trade 10 with nothing left; the middle, 102, is equally far from both.
    collect(book, [(104, 10)], [(100, 10)])
    assert indicative(book) == (100, 10, 0)


@pytest.mark.parametrize(
    ("prices", "last", "expected"),
    [
        ((100, 103, 104, 110), 0, (104, 10, -5)),  # middle 105
        ((100, 106, 108, 110), 0, (106, 10, 5)),
        ((100, 103, 107, 110), 0, (103, 10, 5)),  # two away on both sides of 105: the lower
        ((100, 102, 106, 109), 0, (102, 10, 5)),  # 104.5 rounds down to 104: the lower again
        ((100, 102, 106, 109), 105, (106, 10, -5)),
        ((100, 102, 106, 109), 104, (102, 10, 5)),
        ((100, 102, 106, 109), 99, (100, 10, 5)),
        ((100, 102, 106, 109), 108, (109, 10, -5)),
    ],
)
def test_rule_4_among_four_prices(book, prices, last, expected):
    # price   buys>=  sells<=  volume  imbalance
    # first     15      10       10        5
    # second    15      10       10        5
    # third     10      15       10       -5
    # fourth    10      15       10       -5
    first, second, third, fourth = prices
    if last:
        set_last(book, last)
    collect(book, [(fourth, 10), (second, 5)], [(first, 10), (third, 5)])
    assert indicative(book) == expected


def test_rule_4_with_imbalances_of_both_signs(book):
    # price  buys>=  sells<=  volume  imbalance
    #  100     15      10       10        5
    #  101     10      15       10       -5
    # Signs differ, so the reference decides: without a last trade it is 100 (201 // 2).
    collect(book, [(101, 10), (100, 5)], [(100, 10), (101, 5)])
    assert indicative(book) == (100, 10, 5)


def test_rule_4_with_imbalances_of_both_signs_and_a_last_trade(book):
    set_last(book, 150)
    collect(book, [(101, 10), (100, 5)], [(100, 10), (101, 5)])
    assert indicative(book) == (101, 10, -5)


# --- uncross ----------------------------------------------------------------------------------


def test_uncross_trades_at_one_price_in_priority_order(book):
    book.open_auction()
    book.limit("sell", 99, 5)  # 1
    book.limit("buy", 101, 4)  # 2
    book.limit("buy", 102, 3)  # 3
    book.limit("sell", 98, 4)  # 4
    book.limit("buy", 101, 6)  # 5
    # price  buys>=  sells<=  volume  imbalance
    #   98     13       4        4
    #   99     13       9        9        4
    #  101     13       9        9        4   <- highest, more buys
    #  102      3       9        3
    assert indicative(book) == (101, 9, 4)
    book.uncross()
    # Buys 3, 2, 5 against sells 4, 1; the later id is the taker.
    assert trades(book) == [(3, 4, 3, 101), (2, 4, 1, 101), (1, 2, 3, 101), (1, 5, 2, 101)]
    assert [int(fill["side"]) for fill in book.fills] == [1, 1, 0, 0]
    assert rows(book) == [(5, 101, 4, 0)]
    assert book.last == 101
    book.validate()


def test_uncross_returns_to_continuous_trading(book):
    collect(book, [(101, 5)], [(99, 3)])
    book.uncross()
    assert indicative(book) is None
    assert book.market("sell", 9).filled == 2


def test_uncross_with_nothing_to_trade_just_reopens(book):
    collect(book, [(99, 5)], [(101, 5)])
    book.uncross()
    assert trades(book) == [] and book.last == 0
    assert rows(book) == [(1, 99, 5, 0), (2, 101, 5, 0)]
    assert book.market("buy", 1).filled == 1


def test_uncross_of_an_empty_book(book):
    book.open_auction()
    book.uncross()
    assert book.limit("buy", 1, 1).code == Code.OK
    assert book.market("sell", 1).filled == 1


def test_uncross_trades_icebergs_by_whole_size(book):
    book.open_auction()
    book.limit("sell", 100, 10, display=2)  # 1
    book.limit("sell", 100, 5)  # 2
    book.limit("buy", 100, 12)  # 3
    book.uncross()
    # The hidden part has the priority of the displayed part: all ten before order 2.
    assert trades(book) == [(1, 3, 10, 100), (2, 3, 2, 100)]
    assert queue(book, "sell", 100) == [(2, -1, 3, 0)]


@pytest.mark.parametrize(
    ("size", "left"),
    [(1, (2, 7)), (3, (3, 4)), (4, (3, 3)), (8, (2, 0))],
)
def test_partly_filled_iceberg_keeps_its_place_in_an_uncross(book, size, left):
    # Displayed lots go first; when they are used up, it shows min(3, hidden).
    book.open_auction()
    book.limit("sell", 100, 10, display=3)
    book.limit("sell", 100, 5)
    book.limit("buy", 100, size)
    book.uncross()
    assert queue(book, "sell", 100) == [(1, -1, *left), (2, -1, 5, 0)]


def test_uncross_knows_no_self_trade_prevention(book):
    book.open_auction()
    book.limit("sell", 100, 5, account=1, self_trade="both")
    book.limit("buy", 100, 5, account=1, self_trade="both")
    book.uncross()
    assert trades(book) == [(1, 2, 5, 100)]


def test_uncross_fires_stops(book):
    book.limit("sell", 110, 5)  # 1
    book.stop("buy", 100, 2)  # 2
    book.open_auction()
    book.limit("buy", 101, 3)  # 3
    book.limit("sell", 101, 3)  # 4
    book.uncross()
    assert trades(book) == [(3, 4, 3, 101), (1, 2, 2, 110)]
    assert book.last == 110


def test_auction_over_a_book_that_was_trading(book):
    book.limit("buy", 99, 5)  # 1
    book.limit("sell", 101, 5)  # 2
    book.open_auction()
    book.limit("buy", 101, 7)  # 3
    # 101: buys 7, sells 5.
    assert indicative(book) == (101, 5, 2)
    book.uncross()
    assert trades(book) == [(2, 3, 5, 101)]
    assert rows(book) == [(3, 101, 2, 0), (1, 99, 5, 0)]


def test_indicative_changes_nothing(book):
    collect(book, [(101, 5)], [(99, 3)])
    before = book.state_hash(), snapshot(book)
    assert indicative(book) == (101, 3, 2)
    assert (book.state_hash(), snapshot(book)) == before


def test_large_sizes_do_not_overflow(book):
    # Three of 2**48 a side: sums beyond 2**48 must be exact.
    huge = 2**48
    collect(book, [(101, huge)] * 3, [(100, huge), (100, huge - 1)])
    assert indicative(book) == (101, 2 * huge - 1, huge + 1)
    book.uncross()
    assert rows(book) == [(2, 101, 1, 0), (3, 101, huge, 0)]


def test_copy_during_an_auction(book):
    collect(book, [(101, 5)], [(99, 3)])
    other = book.copy()
    other.uncross()
    assert indicative(book) == (101, 3, 2)
    assert trades(other) == [(1, 2, 3, 101)]
