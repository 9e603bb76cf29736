"""The book against CME data: ES June 2024, order by order, two seconds of 8 May 2024."""

from collections import Counter
from decimal import Decimal

import pytest

from cascade import OrderBook
from cascade.data import order_by_order

FILE = "es_ESM4_20240508_2s.mbo.csv.gz"


class FeedBook:
    """Queues as the feed alone gives them: trades are only remembered, never matched."""

    def __init__(self):
        self.orders = {}  # id -> [side, price, size]
        self.queues = {}  # (side, price) -> ids, oldest first

    def apply(self, event):
        fills = Counter()
        touched = set()
        for record in event:
            if record.action == "F":
                fills[record.order_id] += record.size
            if record.action in "TFR":
                continue
            touched.add((record.side, record.quote))
            old = self.orders.get(record.order_id)
            if old is not None:
                touched.add((old[0], old[1]))
            if record.action == "A":
                self.enter(record)
            elif record.action == "C":
                old[2] -= record.size
                if old[2] == 0:
                    self.remove(record.order_id)
            elif record.quote == old[1] and record.size <= old[2] - fills[record.order_id]:
                old[2] = record.size
            else:
                self.remove(record.order_id)
                self.enter(record)
        return touched

    def enter(self, record):
        self.orders[record.order_id] = [record.side, record.quote, record.size]
        self.queues.setdefault((record.side, record.quote), []).append(record.order_id)

    def remove(self, order_id):
        side, price, _ = self.orders.pop(order_id)
        queue = self.queues[side, price]
        queue.remove(order_id)
        if not queue:
            del self.queues[side, price]

    def queue(self, side, price):
        return [(i, self.orders[i][2]) for i in self.queues.get((side, price), ())]

    def levels(self, side):
        prices = sorted((p for s, p in self.queues if s == side), reverse=side == "buy")
        return [(p, Decimal(sum(size for _, size in self.queue(side, p)))) for p in prices]


@pytest.fixture(scope="module")
def events(shared_data):
    return list(order_by_order.events(order_by_order.read_records(shared_data(FILE))))


def book_queue(replay, side, price):
    """Feed id and size of each order in priority order."""
    return [(replay.feed_id(int(o[0])), int(o[2])) for o in replay.book.queue(side, price)]


def test_file_holds_a_snapshot_and_184_events(events):
    assert sum(map(len, events)) == 13_796
    assert len(events) == 185
    assert Counter(record.action for record in events[0]) == {"A": 13_600, "R": 1}
    later = Counter(record.action for event in events[1:] for record in event)
    assert later == {"A": 78, "C": 80, "M": 27, "T": 5, "F": 5}


def test_book_equals_the_feed_after_every_event_and_finds_the_same_makers(events, levels_of):
    replay = order_by_order.Replay(OrderBook(tick_size=Decimal("0.25"), lot_size=1))
    feed = FeedBook()
    trades = []
    for number, event in enumerate(events):
        trades += replay.apply(event)
        touched = feed.apply(event)
        for side, price in touched:
            assert book_queue(replay, side, price) == feed.queue(side, price), f"event {number}"
        for side in ("buy", "sell"):
            assert levels_of(replay.book, side, 2_000) == feed.levels(side), f"event {number}"
        if number == 0:
            assert len(feed.queues) == 1_547
            replay.rules.clear()
    replay.book.validate()
    assert len(feed.queues) == 1_547
    for side, price in feed.queues:
        assert book_queue(replay, side, price) == feed.queue(side, price)

    assert [trade.filled for trade in trades] == [trade.reported for trade in trades]
    assert [trade.filled for trade in trades] == [
        [(6413245567536, 1)],
        [(6413245567538, 1)],
        [(6413245567872, 1)],
        [(6413245567872, 1)],
        [(6413245567872, 2)],
    ]
    assert replay.rules == {
        "add": 78,
        "cancel": 78,
        "cancel ahead of the trade": 1,
        "cancel of a filled order": 2,
        "modify, place kept": 1,
        "modify, place lost": 23,
        "modify after a fill, place kept": 3,
        "aggressor": 5,
    }


def record(action, order_id, size, price="100", side="buy", flags=0):
    units = int(Decimal(price) * 10**9)
    return order_by_order.Record(0, action, side, units, size, order_id, flags, 0)


def test_refresh_of_an_iceberg_goes_to_the_back():
    """No iceberg is in the sample, so both forms are written out: partly and wholly filled."""
    replay = order_by_order.Replay(OrderBook(tick_size=1, lot_size=1))
    replay.apply([record("A", 1, 3), record("A", 2, 5), record("A", 3, 4)])
    trade = [record("T", 9, 2, side="sell"), record("F", 1, 2), record("M", 1, 3)]
    assert replay.apply(trade)[0].filled == [(1, 2)]
    assert book_queue(replay, "buy", 100) == [(2, 5), (3, 4), (1, 3)]
    trade = [record("T", 10, 5, side="sell"), record("F", 2, 5), record("M", 2, 5)]
    assert replay.apply(trade)[0].filled == [(2, 5)]
    assert book_queue(replay, "buy", 100) == [(3, 4), (1, 3), (2, 5)]
    assert replay.rules["iceberg refresh"] == 2


def test_aggressors_own_fill_is_dropped():
    replay = order_by_order.Replay(OrderBook(tick_size=1, lot_size=1))
    replay.apply([record("A", 1, 3)])
    event = [
        record("T", 9, 3, side="sell"),
        record("F", 9, 3, side="sell"),
        record("F", 1, 3),
        record("C", 1, 3),
    ]
    (trade,) = replay.apply(event)
    assert trade.reported == trade.filled == [(1, 3)]
    assert len(replay.book.bids(5)) == 0


def test_trade_without_an_aggressor_takes_the_named_orders():
    replay = order_by_order.Replay(OrderBook(tick_size=1, lot_size=1))
    replay.apply([record("A", 1, 3), record("A", 2, 5)])
    event = [record("T", 0, 4, side=""), record("F", 2, 4), record("M", 2, 2)]
    (trade,) = replay.apply(event)
    assert trade.reported == trade.filled == [(2, 4)]
    assert book_queue(replay, "buy", 100) == [(1, 3), (2, 2)]
    assert replay.rules["iceberg refresh"] == 1


@pytest.mark.parametrize(
    ("event", "text"),
    [
        ([record("C", 7, 1)], "cancels an order that is not in the book"),
        ([record("M", 7, 1)], "modifies an order that is not in the book"),
        ([record("A", 1, 1)], "adds an order that is in the book"),
        ([record("M", 1, 1, side="sell")], "changes the side"),
    ],
)
def test_records_that_contradict_the_book_are_refused(event, text):
    replay = order_by_order.Replay(OrderBook(tick_size=1, lot_size=1))
    replay.apply([record("A", 1, 3)])
    with pytest.raises(ValueError, match=text):
        replay.apply(event)
    assert book_queue(replay, "buy", 100) == [(1, 3)]
