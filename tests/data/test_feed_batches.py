"""Real messages through the batch call: it must do what the single calls did, one by one."""

from decimal import Decimal

import numpy as np

from cascade import MESSAGE_DTYPE, MessageKind, OrderBook, Side, TimeInForce
from cascade.data import bybit, lobster, order_by_order


class Recorder:
    """An order book that writes down what it is sent, in ticks and lots, and what it trades."""

    def __init__(self, tick_size, lot_size):
        self.book = OrderBook(tick_size=tick_size, lot_size=lot_size)
        self.messages = []
        self.fills = self.book.fills
        self.traded = []
        self.prices = {}

    def send(self, result, **fields):
        row = np.zeros((), MESSAGE_DTYPE)
        row["account"] = -1
        for name, value in fields.items():
            row[name] = value
        self.messages.append(row)
        self.fills = self.book.fills
        self.traded += [fill[["maker", "taker", "size", "price", "side"]] for fill in self.fills]
        return result

    def limit(self, side, price, size, time_in_force="gtc", post_only=None):
        result = self.book.limit(
            side, price, size, time_in_force=time_in_force, post_only=post_only
        )
        self.prices[result.order] = price
        return self.send(
            result,
            kind=MessageKind.LIMIT,
            side=Side[side.upper()],
            time_in_force=TimeInForce[time_in_force.upper()],
            flags=post_only == "reject",
            price=self.book.ticks.steps(price),
            size=self.book.lots.steps(size),
        )

    def modify(self, order, price=None, size=None):
        result = self.book.modify(order, price=price, size=size)
        if price is not None:
            self.prices[order] = price
        return self.send(
            result,
            kind=MessageKind.MODIFY,
            order=order,
            price=self.book.ticks.steps(self.prices[order]),
            size=self.book.lots.steps(size),
        )

    def cancel(self, order):
        return self.send(self.book.cancel(order), kind=MessageKind.CANCEL, order=order)


def check(recorder):
    """Send all messages in one batch to a new book; the fills of the batch."""
    batch = OrderBook(tick_size=recorder.book.ticks.step, lot_size=recorder.book.lots.step)
    result = batch.apply(np.array(recorder.messages))
    batch.validate()
    assert (result.codes == 0).all()
    names = ["maker", "taker", "size", "price", "side"]
    assert result.fills[names].tolist() == [fill.tolist() for fill in recorder.traded]
    assert batch.state_hash() == recorder.book.state_hash()
    return result.fills


def test_lobster_messages_with_aggressive_orders(shared_data):
    messages = list(lobster.read_messages(shared_data("lobster_AAPL_20120621_message_10.csv")))
    rows = lobster.read_order_book(shared_data("lobster_AAPL_20120621_orderbook_10.csv"))
    recorder = Recorder(Decimal("0.01"), 1)
    replay = lobster.Replay(recorder, rows.levels(0, "buy"), rows.levels(0, "sell"))
    runs = {id(run[0]): run for run in lobster.executions(messages)}
    row = 1
    while row < len(messages):
        run = runs.get(id(messages[row]))
        if run is None:
            replay.apply(messages[row])
        else:
            replay.execute(run)
            row += len(run) - 1
        replay.import_row(rows.levels(row, "buy"), rows.levels(row, "sell"))
        row += 1
    fills = check(recorder)
    executed = [message.size for message in messages if message.kind == lobster.EXECUTE_VISIBLE]
    assert fills["size"].sum() == sum(executed) > 0
    assert len(recorder.messages) >= 20 + 470 + 66  # seeds, new orders, aggressive orders


def test_order_by_order_events(shared_data):
    recorder = Recorder(Decimal("0.25"), 1)
    replay = order_by_order.Replay(recorder)
    path = shared_data("es_ESM4_20240508_2s.mbo.csv.gz")
    for event in order_by_order.events(order_by_order.read_records(path)):
        replay.apply(event)
    fills = check(recorder)
    assert fills["size"].tolist() == [1, 1, 1, 1, 2]
    # 13,600 + 78 additions, 78 cancels, 27 modifications, 5 aggressive orders
    assert len(recorder.messages) == 13_788


def test_depth_updates(shared_data):
    recorder = Recorder(Decimal("0.0001"), 1)
    replay = bybit.BookReplay(recorder)
    for message in bybit.read_messages(shared_data("bybit_xrpusdt_ob500_20241201.zip")):
        replay.apply(message)
    assert len(check(recorder)) == 0
    assert len(recorder.messages) >= 1_000  # the snapshot's levels
