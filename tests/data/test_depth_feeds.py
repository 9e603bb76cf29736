"""The book against depth feeds: Binance USD-M, OKX and Bybit, one anonymous order a level."""

import bisect
import json
import zipfile
import zlib
from decimal import Decimal

import pytest

from cascade import OrderBook
from cascade.data import LevelBook, binance, bybit, okx

SIDES = ("buy", "sell")


def test_binance_best_levels_equal_the_latest_book_ticker(shared_data, levels_of):
    path = shared_data("binance_usdm_btcusdt_20240808.jsonl.gz")
    updates, tickers, snapshots, trades = [], [], [], 0
    for message in binance.read_stream(path):
        if isinstance(message, binance.DepthUpdate):
            updates.append(message)
        elif isinstance(message, binance.BookTicker):
            tickers.append(message)
        elif isinstance(message, binance.DepthSnapshot):
            snapshots.append(message)
        else:
            trades += 1
    assert (len(updates), len(tickers), len(snapshots), trades) == (6_551, 66_089, 1, 21_313)
    tickers.sort(key=lambda ticker: ticker.update_id)
    ids = [ticker.update_id for ticker in tickers]

    book = OrderBook(tick_size=Decimal("0.1"), lot_size=Decimal("0.001"))
    replay = binance.DepthReplay(book, snapshots[0])
    feed = {"buy": dict(snapshots[0].bids), "sell": dict(snapshots[0].asks)}
    applied = 0
    for update in updates:
        if not replay.apply(update):
            assert update.last_id <= snapshots[0].last_id
            continue
        applied += 1
        ticker = tickers[bisect.bisect_right(ids, update.last_id) - 1]
        assert ticker.update_id <= update.last_id
        best = [*levels_of(book, "buy", 1), *levels_of(book, "sell", 1)]
        told = [(ticker.bid_price, ticker.bid_size), (ticker.ask_price, ticker.ask_size)]
        assert best == told, f"update {update.last_id}"
        feed["buy"].update(update.bids)
        feed["sell"].update(update.asks)
    assert applied == 6_547
    book.validate()
    for side in SIDES:
        want = sorted((p, s) for p, s in feed[side].items() if s)
        assert sorted(levels_of(book, side, 10_000)) == want
        assert len(want) == {"buy": 5_018, "sell": 4_578}[side]


def test_binance_gap_is_refused():
    book = OrderBook(tick_size=1, lot_size=1)
    level = ((Decimal(9), Decimal(1)),)
    replay = binance.DepthReplay(book, binance.DepthSnapshot(0, 0, 100, level, ()))

    def update(first, last, previous):
        return binance.DepthUpdate(0, 0, "X", first, last, previous, level, ())

    assert not replay.apply(update(90, 100, 89))
    with pytest.raises(ValueError, match="missing after snapshot 100"):
        replay.apply(update(104, 105, 103))
    assert replay.apply(update(99, 103, 98))
    assert replay.apply(update(104, 105, 103))
    with pytest.raises(ValueError, match="follows 106"):
        replay.apply(update(107, 108, 106))


OKX_GRIDS = {
    "BTC-USD-220527": ("0.1", "1"),
    "BTC-USDT": ("0.1", "0.00000001"),
    "UNI-USD-SWAP": ("0.001", "1"),
}


def test_okx_every_checksum_follows_from_the_book(shared_data, levels_of):
    replays = {
        name: okx.BookReplay(OrderBook(tick_size=Decimal(tick), lot_size=Decimal(lot)))
        for name, (tick, lot) in OKX_GRIDS.items()
    }
    equal = dict.fromkeys(OKX_GRIDS, 0)
    for message in okx.read_log(shared_data("okx_ws_books_20220513.txt.gz")):
        if not isinstance(message, okx.BookMessage):
            continue
        replay = replays[message.instrument]
        replay.apply(message)
        top = []
        for side in SIDES:
            levels = levels_of(replay.levels.book, side, okx.CHECKSUM_LEVELS)
            sent = [replay.digits(side, price) for price, _ in levels]
            assert [Decimal(size) for _, size in sent] == [size for _, size in levels]
            top.append(sent)
        assert okx.checksum(*top) == message.checksum, f"line {message.line}"
        equal[message.instrument] += 1
    assert equal == {"BTC-USD-220527": 99, "BTC-USDT": 98, "UNI-USD-SWAP": 93}


def test_bybit_levels_equal_an_independent_replay_and_never_cross(shared_data, levels_of):
    path = shared_data("bybit_xrpusdt_ob500_20241201.zip")
    with zipfile.ZipFile(path) as archive:
        raw = archive.read(archive.namelist()[0]).decode().splitlines()
    book = OrderBook(tick_size=Decimal("0.0001"), lot_size=1)
    replay = bybit.BookReplay(book)
    feed: dict[str, dict[str, str]] = {"b": {}, "a": {}}
    best_bids, best_asks, kinds = [], [], []
    for text, message in zip(raw, bybit.read_messages(path), strict=True):
        record = json.loads(text)
        kinds.append(record["type"])
        for name, levels in feed.items():
            if record["type"] == "snapshot":
                levels.clear()
            for price, size in record["data"][name]:
                levels[price] = size
                if size == "0":
                    del levels[price]
        replay.apply(message)
        for side, name in (("buy", "b"), ("sell", "a")):
            want = sorted(
                ((Decimal(p), Decimal(s)) for p, s in feed[name].items()), reverse=side == "buy"
            )
            assert len(want) == 500
            assert levels_of(book, side, 1_000) == want
        best_bids.append(levels_of(book, "buy", 1)[0][0])
        best_asks.append(levels_of(book, "sell", 1)[0][0])
    assert kinds == ["snapshot"] + ["delta"] * 49
    assert {ask - bid for bid, ask in zip(best_bids, best_asks, strict=True)} == {Decimal("0.0001")}
    assert all(Decimal("1.95") < price < Decimal("1.96") for price in best_bids)


def test_level_that_traded_away_is_set_again_by_its_next_update(levels_of):
    levels = LevelBook(OrderBook(tick_size=1, lot_size=1))
    levels.load([], [(Decimal(10), Decimal(5)), (Decimal(11), Decimal(5))])
    assert levels.book.limit("buy", 11, 7, time_in_force="ioc").filled == 7
    assert levels_of(levels.book, "sell", 9) == [(11, 3)]
    levels.update([], [(Decimal(10), Decimal(4)), (Decimal(11), Decimal(5))])
    assert levels_of(levels.book, "sell", 9) == [(10, 4), (11, 5)]
    levels.book.limit("buy", 10, 4)
    levels.update([], [(Decimal(10), Decimal(0))])
    assert levels_of(levels.book, "sell", 9) == [(11, 5)]


def test_bybit_delta_out_of_turn_is_refused():
    replay = bybit.BookReplay(OrderBook(tick_size=1, lot_size=1))
    level = ((Decimal(9), Decimal(1)),)
    with pytest.raises(ValueError, match="delta 5"):
        replay.apply(bybit.BookMessage(0, 0, "X", "delta", level, (), 5, 0))
    replay.apply(bybit.BookMessage(0, 0, "X", "snapshot", level, (), 5, 0))
    with pytest.raises(ValueError, match="delta 7 follows 5"):
        replay.apply(bybit.BookMessage(0, 0, "X", "delta", level, (), 7, 0))


def test_levels_that_cross_are_refused_and_removals_come_first(levels_of):
    levels = LevelBook(OrderBook(tick_size=Decimal("0.5"), lot_size=1))
    levels.load(
        [(Decimal(99), Decimal(3))], [(Decimal(100), Decimal(4)), (Decimal(101), Decimal(5))]
    )
    levels.update([(Decimal(100), Decimal(2))], [(Decimal(100), Decimal(0))])
    assert levels_of(levels.book, "buy", 9) == [(100, 2), (99, 3)]
    assert levels_of(levels.book, "sell", 9) == [(101, 5)]
    with pytest.raises(ValueError, match="buy level at 101 meets the other side"):
        levels.update([(Decimal(101), Decimal(1))], [])
    with pytest.raises(ValueError, match="meets the other side"):
        levels.update(
            [(Decimal(99), Decimal(0)), (Decimal("100.5"), Decimal(1))],
            [(Decimal("100.5"), Decimal(1))],
        )
    with pytest.raises(ValueError, match="meets the other side"):
        levels.load([(Decimal(101), Decimal(1))], [(Decimal(101), Decimal(1))])
    with pytest.raises(ValueError, match=r"0\.3"):
        levels.update([(Decimal(99), Decimal(8)), (Decimal("0.3"), Decimal(1))], [])
    assert levels_of(levels.book, "buy", 9) == [(100, 2), (99, 3)]
    assert levels_of(levels.book, "sell", 9) == [(101, 5)]
    assert levels.prices("buy") == [100, 99]
    assert levels.size("buy", Decimal(99)) == 3
    assert len(levels.book.fills) == 0


@pytest.mark.parametrize(
    ("bids", "asks", "text"),
    [
        (
            [("3366.1", "7"), ("3366", "6")],
            [("3366.8", "9"), ("3368", "8")],
            "3366.1:7:3366.8:9:3366:6:3368:8",
        ),
        (
            [("3366.1", "7")],
            [("3366.8", "9"), ("3368", "8"), ("3372", "8")],
            "3366.1:7:3366.8:9:3368:8:3372:8",
        ),
    ],
)
def test_okx_checksum_strings_of_the_venues_documentation(bids, asks, text):
    assert okx.checksum(bids, asks) % 2**32 == zlib.crc32(text.encode())
