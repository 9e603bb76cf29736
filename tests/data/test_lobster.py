"""The book against NASDAQ data: AAPL, 21 June 2012, 10 levels, 999 messages (LOBSTER sample)."""

from decimal import Decimal

import pytest

from cascade import OrderBook
from cascade.data import lobster

MESSAGES = "lobster_AAPL_20120621_message_10.csv"
ROWS = "lobster_AAPL_20120621_orderbook_10.csv"
SIDES = ("buy", "sell")


@pytest.fixture(scope="module")
def messages(shared_data):
    return list(lobster.read_messages(shared_data(MESSAGES)))


@pytest.fixture(scope="module")
def rows(shared_data):
    return lobster.read_order_book(shared_data(ROWS))


@pytest.fixture
def top(levels_of):
    def units(book, side, count=10):
        return [(int(price * 10_000), int(size)) for price, size in levels_of(book, side, count)]

    return units


def start(rows, row=0):
    book = OrderBook(tick_size=Decimal("0.01"), lot_size=1)
    return lobster.Replay(book, rows.levels(row, "buy"), rows.levels(row, "sell"))


def test_files_hold_999_events_of_known_kinds(messages, rows):
    assert len(messages) == len(rows) == 999
    kinds = [message.kind for message in messages]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {1: 471, 3: 369, 4: 98, 5: 61}
    assert rows.asks.shape == rows.bids.shape == (999, 10, 2)
    assert messages[0] == lobster.Message(34200004241176, 1, 16113575, 18, 5853300, "buy")
    assert rows.levels(0, "sell")[0] == (5859400, 200)


def test_every_row_equals_the_book_at_all_ten_levels(messages, rows, top):
    replay = start(rows)
    equal = 0
    for row, message in enumerate(messages):
        if row:
            replay.apply(message)
            replay.import_row(rows.levels(row, "buy"), rows.levels(row, "sell"))
        equal += all(top(replay.book, side) == rows.levels(row, side) for side in SIDES)
        replay.book.validate()
    assert equal == 999


def test_messages_alone_give_the_documented_share_of_rows(messages, rows, top):
    """Levels that come back into the window may have changed unseen, so not all rows can agree."""
    replay = start(rows)
    equal = {1: 0, 5: 0, 10: 0}
    for row in range(1, len(messages)):
        replay.apply(messages[row])
        have = {side: top(replay.book, side) for side in SIDES}
        want = {side: rows.levels(row, side) for side in SIDES}
        for depth in equal:
            equal[depth] += all(have[side][:depth] == want[side][:depth] for side in SIDES)
    assert equal == {1: 954, 5: 530, 10: 112}
    assert [round(100 * count / 998, 2) for count in equal.values()] == [95.59, 53.11, 11.22]


def test_one_step_never_contradicts_the_next_row(messages, rows, top):
    steps = 0
    for row in range(1, len(messages)):
        replay = start(rows, row - 1)
        replay.apply(messages[row])
        for side, sign in (("buy", 1), ("sell", -1)):
            worst = sign * rows.levels(row - 1, side)[-1][0]
            seen = [level for level in top(replay.book, side) if sign * level[0] >= worst]
            told = [level for level in rows.levels(row, side) if sign * level[0] >= worst]
            assert seen == told, f"row {row}, {side}"
        steps += 1
    assert steps == 998


def test_aggressive_orders_meet_the_makers_the_feed_names(messages, rows, top):
    """Each run of executions is sent as one order; its fills name the feed's orders in order."""
    runs = {id(run[0]): run for run in lobster.executions(messages)}
    replay = start(rows)
    same = compared = 0
    row = 1
    while row < len(messages):
        run = runs.get(id(messages[row]))
        if run is None:
            replay.apply(messages[row])
        else:
            named: list[tuple[int | None, int]] = []
            for message in run:
                maker = replay.maker_of(message)
                if named and named[-1][0] == maker:  # both stand for a level's anonymous order
                    named[-1] = (maker, named[-1][1] + message.size)
                else:
                    named.append((maker, message.size))
            same += replay.execute(run) == named
            row += len(run) - 1
        replay.import_row(rows.levels(row, "buy"), rows.levels(row, "sell"))
        for side in SIDES:
            assert top(replay.book, side) == rows.levels(row, side), f"row {row}, {side}"
        compared += 1
        row += 1
    assert len(runs) == 66
    assert same == 66
    assert sum(map(len, runs.values())) == 98
    assert compared == 998 - 98 + 66
