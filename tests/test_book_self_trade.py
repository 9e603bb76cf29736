"""Self-trade prevention of the order book (docs/book.md, steps 6 and 8), worked by hand."""

import pytest
from book_reading import codes, queue, rows, snapshot, trades
from reference.records import Code


def three_asks(book) -> None:
    """Others 5 @ 101, own (account 1) 4 @ 101, others 6 @ 102; ids 1-3."""
    book.limit("sell", 101, 5, account=2)
    book.limit("sell", 101, 4, account=1)
    book.limit("sell", 102, 6, account=3)


def test_allow_trades_with_itself(book):
    three_asks(book)
    result = book.limit("buy", 102, 12, account=1, self_trade="allow")
    assert (result.code, result.filled) == (Code.OK, 12)
    assert trades(book) == [(1, 4, 5, 101), (2, 4, 4, 101), (3, 4, 3, 102)]


def test_newest_drops_what_is_left_of_the_taker(book):
    three_asks(book)
    result = book.limit("buy", 102, 12, account=1, self_trade="newest")
    assert (result.code, result.filled, result.resting) == (Code.SELF_TRADE_CANCELLED, 5, 0)
    assert trades(book) == [(1, 4, 5, 101)]
    assert rows(book) == [(2, 101, 4, 0), (3, 102, 6, 0)]
    assert book.last == 101


def test_newest_without_a_trade_leaves_last(book):
    book.limit("sell", 101, 4, account=1)
    result = book.limit("buy", 101, 4, account=1, self_trade="newest")
    assert (result.code, result.filled) == (Code.SELF_TRADE_CANCELLED, 0)
    assert book.last == 0


def test_oldest_removes_the_maker_and_goes_on(book):
    three_asks(book)
    result = book.limit("buy", 102, 12, account=1, self_trade="oldest")
    assert (result.code, result.filled, result.resting) == (Code.OK, 11, 1)
    assert trades(book) == [(1, 4, 5, 101), (3, 4, 6, 102)]
    assert rows(book) == [(4, 102, 1, 0)]
    assert book.cancel(2).code == Code.UNKNOWN_ORDER


def test_both_removes_maker_and_taker(book):
    three_asks(book)
    result = book.limit("buy", 102, 12, account=1, self_trade="both")
    assert (result.code, result.filled, result.resting) == (Code.SELF_TRADE_CANCELLED, 5, 0)
    assert rows(book) == [(3, 102, 6, 0)]


def test_decrement_with_a_smaller_maker(book):
    three_asks(book)
    result = book.limit("buy", 102, 12, account=1, self_trade="decrement")
    # 5 trade, 4 are taken off both, 3 trade with order 3.
    assert (result.code, result.filled, result.resting) == (Code.OK, 8, 0)
    assert trades(book) == [(1, 4, 5, 101), (3, 4, 3, 102)]
    assert rows(book) == [(3, 102, 3, 0)]


def test_decrement_with_a_larger_maker_keeps_the_makers_place(book):
    book.limit("sell", 101, 9, account=1)
    book.limit("sell", 101, 2, account=2)
    result = book.limit("buy", 101, 4, account=1, self_trade="decrement")
    assert (result.code, result.filled, result.resting) == (Code.SELF_TRADE_CANCELLED, 0, 0)
    assert queue(book, "sell", 101) == [(1, 1, 5, 0), (2, 2, 2, 0)]


def test_decrement_of_equal_sizes_ends_both(book):
    book.limit("sell", 101, 4, account=1)
    result = book.market("buy", 4, account=1, self_trade="decrement")
    assert (result.code, result.filled) == (Code.SELF_TRADE_CANCELLED, 0)
    assert len(book.orders) == 0


def test_decrement_to_nothing_after_trades(book):
    three_asks(book)
    result = book.limit("buy", 102, 7, account=1, self_trade="decrement")
    assert (result.code, result.filled) == (Code.SELF_TRADE_CANCELLED, 5)
    assert rows(book) == [(2, 101, 2, 0), (3, 102, 6, 0)]


def test_decrement_takes_hidden_lots_first(book):
    book.limit("sell", 101, 10, account=1, display=3)
    book.limit("sell", 101, 1, account=2)
    book.limit("buy", 101, 5, account=1, self_trade="decrement")
    assert queue(book, "sell", 101) == [(1, 1, 3, 2), (2, 2, 1, 0)]
    book.limit("buy", 101, 4, account=1, self_trade="decrement")
    assert queue(book, "sell", 101) == [(1, 1, 1, 0), (2, 2, 1, 0)]


def test_decrement_takes_the_whole_iceberg_at_once(book):
    book.limit("sell", 101, 10, account=1, display=3)
    book.limit("sell", 101, 5, account=2)
    result = book.limit("buy", 101, 12, account=1, self_trade="decrement")
    assert (result.code, result.filled, result.resting) == (Code.OK, 2, 0)
    assert queue(book, "sell", 101) == [(2, 2, 3, 0)]


@pytest.mark.parametrize("policy", ["oldest", "both"])
def test_cancelled_maker_goes_with_its_hidden_part(book, policy):
    book.limit("sell", 101, 10, account=1, display=3)
    book.market("buy", 1, account=1, self_trade=policy)
    assert len(book.orders) == 0


@pytest.mark.parametrize("policy", ["newest", "oldest", "both", "decrement"])
def test_anonymous_orders_trade_with_each_other(book, policy):
    book.limit("sell", 101, 5)
    assert book.limit("buy", 101, 5, self_trade=policy).filled == 5


@pytest.mark.parametrize("policy", ["newest", "oldest", "both", "decrement"])
def test_different_accounts_trade(book, policy):
    book.limit("sell", 101, 5, account=1, self_trade=policy)
    assert book.limit("buy", 101, 5, account=2, self_trade=policy).filled == 5


def test_house_account_is_prevented_too(book):
    book.limit("sell", 101, 5, account=-2)
    result = book.market("buy", 5, account=-2, self_trade="newest")
    assert result.code == Code.SELF_TRADE_CANCELLED


def test_the_makers_policy_plays_no_part(book):
    book.limit("sell", 101, 5, account=1, self_trade="oldest")
    assert book.limit("buy", 101, 5, account=1, self_trade="allow").filled == 5


def test_own_order_behind_the_fill_plays_no_part(book):
    three_asks(book)
    result = book.limit("buy", 102, 5, account=1, self_trade="newest")
    assert (result.code, result.filled) == (Code.OK, 5)


def test_own_order_beyond_the_limit_plays_no_part(book):
    book.limit("sell", 101, 5, account=2)
    book.limit("sell", 103, 5, account=1)
    result = book.limit("buy", 102, 9, account=1, self_trade="both")
    assert (result.code, result.filled, result.resting) == (Code.OK, 5, 4)


def test_market_and_ioc_under_newest(book):
    three_asks(book)
    result = book.limit("buy", 102, 9, account=1, time_in_force="ioc", self_trade="newest")
    assert (result.code, result.filled) == (Code.SELF_TRADE_CANCELLED, 5)
    assert book.market("buy", 1, account=1, self_trade="newest").code == Code.SELF_TRADE_CANCELLED


def test_prevention_of_a_modified_order(book):
    book.limit("buy", 99, 5, account=1, self_trade="both")
    three_asks(book)
    result = book.modify(1, 102, 7)
    assert (result.code, result.filled, result.resting) == (Code.SELF_TRADE_CANCELLED, 5, 0)
    assert rows(book) == [(4, 102, 6, 0)]


# --- fill-or-kill counts what prevention leaves -----------------------------------------------


def fok(book, size: int, policy: str):
    return book.limit("buy", 102, size, account=1, time_in_force="fok", self_trade=policy)


@pytest.mark.parametrize(
    ("policy", "fillable"),
    [("allow", 15), ("newest", 5), ("oldest", 11), ("both", 5), ("decrement", 11)],
)
def test_fok_counts_only_what_prevention_leaves(new_book, policy, fillable):
    book = new_book()
    three_asks(book)
    before = snapshot(book)
    assert fok(book, fillable + 1, policy).code == Code.NOT_FILLABLE
    assert snapshot(book) == before
    if policy != "decrement":
        result = fok(book, fillable, policy)
        assert (result.code, result.filled) == (Code.OK, fillable)


@pytest.mark.parametrize("policy", ["newest", "oldest", "both", "decrement"])
def test_fok_without_own_orders_counts_all(book, policy):
    book.limit("sell", 101, 5, account=2)
    book.limit("sell", 102, 10, account=3, display=2)
    assert fok(book, 16, policy).code == Code.NOT_FILLABLE
    assert fok(book, 15, policy).filled == 15


@pytest.mark.parametrize("policy", ["newest", "oldest", "both", "decrement"])
def test_fok_of_the_anonymous_account_counts_all(book, policy):
    book.limit("sell", 101, 5)
    order = {"kind": 0, "side": 0, "price": 101, "size": 5, "time_in_force": 2}
    number = ["allow", "newest", "oldest", "both", "decrement"].index(policy)
    assert codes(book, {**order, "self_trade": number}) == [Code.OK]
    assert trades(book) == [(1, 2, 5, 101)]


def test_fok_under_decrement_can_trade_less_than_its_size(book):
    three_asks(book)
    result = fok(book, 11, "decrement")  # 5 trade, 4 are taken off, 2 trade
    assert (result.code, result.filled) == (Code.OK, 7)
    assert rows(book) == [(3, 102, 4, 0)]


@pytest.mark.parametrize("policy", ["newest", "both"])
def test_fok_does_not_count_hidden_lots_that_come_after_an_own_order(book, policy):
    # The iceberg shows 3 of 10 again only behind the own order.
    book.limit("sell", 101, 10, account=2, display=3)
    book.limit("sell", 101, 1, account=1)
    before = snapshot(book)
    assert fok(book, 4, policy).code == Code.NOT_FILLABLE
    assert snapshot(book) == before
    assert fok(book, 3, policy).filled == 3


@pytest.mark.parametrize("policy", ["newest", "both"])
def test_fok_counts_hidden_lots_of_better_levels(book, policy):
    book.limit("sell", 100, 10, account=2, display=3)
    book.limit("sell", 101, 1, account=1)
    assert fok(book, 11, policy).code == Code.NOT_FILLABLE
    assert fok(book, 10, policy).filled == 10


def test_fok_under_oldest_removes_own_orders_on_its_way(book):
    three_asks(book)
    assert fok(book, 11, "oldest").filled == 11
    assert len(book.orders) == 0


def test_refused_fok_leaves_own_orders(book):
    three_asks(book)
    before = snapshot(book)
    assert fok(book, 12, "oldest").code == Code.NOT_FILLABLE
    assert snapshot(book) == before


def test_policy_numbers_of_a_batch(book):
    three_asks(book)
    order = {"kind": 0, "side": 0, "price": 101, "size": 7, "account": 1}
    assert codes(book, {**order, "self_trade": 1}) == [Code.SELF_TRADE_CANCELLED]
    assert codes(book, {**order, "self_trade": 2}) == [Code.OK]
    assert rows(book) == [(5, 101, 7, 0), (3, 102, 6, 0)]
