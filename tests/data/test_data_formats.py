"""Front door and error behaviour of the loaders, on files written here and on the real ones."""

import gzip
import pickle
import tempfile
import zipfile
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cascade import OrderBook
from cascade.data import (
    DataFormatError,
    binance,
    bybit,
    load_accounts,
    load_depth,
    load_prices,
    load_tiers,
    lobster,
    okx,
    order_by_order,
)

DEPTH_CSV = "side,price,size\nask,100.5,2\nbid,99.25,1.5\nBID,99.5,3\nask,101,4\n"
REST = (
    '{"lastUpdateId": 7, "T": 3, "bids": [["99.5", "3"], ["99.25", "1.5"]],'
    ' "asks": [["100.5", "2"], ["101", "4"]]}'
)
OKX_REST = (
    '{"code":"0","data":[{"asks":[["100.5","2","0","1"],["101","4","0","1"]],'
    '"bids":[["99.5","3","0","1"],["99.25","1.5","0","2"]],"ts":"1"}]}'
)
OKX_LOG = (
    'wss://x <- 1.5: {"op":"subscribe"}\n'
    '1.5: {"event":"subscribe","arg":{"channel":"books","instId":"A-B"}}\n'
    '1.6: {"arg":{"channel":"books","instId":"A-B"},"action":"snapshot","data":'
    '[{"asks":[["100.5","2","0","1"],["101","4","0","1"]],'
    '"bids":[["99.5","3","0","1"],["99.25","1.5","0","2"]],"ts":"5","checksum":-7}]}\n'
)
BYBIT = (
    '{"topic":"orderbook.500.AB","type":"snapshot","ts":9,"data":{"s":"AB",'
    '"b":[["99.5","3"],["99.25","1.5"]],"a":[["100.5","2"],["101","4"]],"u":1,"seq":2},"cts":8}\n'
)
BINANCE = (
    '1723161255030314667 {"stream":"ab@depth@0ms","data":{"e":"depthUpdate","T":1,"s":"AB",'
    '"U":1,"u":2,"pu":0,"b":[["99","0"]],"a":[]}}\n'
    "1723161255030314668 " + REST + "\n"
)
ORDER_BY_ORDER = ",".join(order_by_order.COLUMNS) + (
    "\n1,R,N,9223372036854775807,0,0,40,0\n"
    "1,A,B,99500000000,2,1,40,1\n1,A,B,99500000000,1,2,40,2\n"
    "1,A,A,100500000000,2,3,168,3\n2,C,B,99500000000,2,1,128,4\n"
)
LOBSTER_ROW = "1005000,2,995000,3,1010000,4,992500,1\n"
BOOK = (
    [(Decimal("99.5"), 3), (Decimal("99.25"), Decimal("1.5"))],
    [(Decimal("100.5"), 2), (Decimal(101), 4)],
)


def write(folder, text, name="file"):
    path = Path(folder) / name
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "name", "symbol"),
    [
        (DEPTH_CSV, "depth CSV", ""),
        (REST, "REST snapshot", ""),
        (OKX_REST, "REST snapshot", ""),
        (OKX_LOG, "OKX log", "A-B"),
        (BYBIT, "Bybit archive", "AB"),
        (BINANCE, "Binance stream", "AB"),
    ],
)
def test_depth_is_recognised_from_content(tmp_path, text, name, symbol):
    depth = load_depth(write(tmp_path, text))
    assert (depth.format, depth.symbol) == (name, symbol)
    assert (depth.bids, depth.asks) == BOOK
    assert depth.grid() == (Decimal("0.25"), Decimal("0.5"))
    prices, sizes = depth.columns("buy")
    assert prices.tolist() == [Decimal("99.5"), Decimal("99.25")]
    assert sizes.tolist() == [3, Decimal("1.5")]


def test_depth_of_orders_and_of_whole_shares(tmp_path):
    depth = load_depth(write(tmp_path, ORDER_BY_ORDER))
    assert (depth.bids, depth.asks) == ([(Decimal("99.5"), 3)], [(Decimal("100.5"), 2)])
    depth = load_depth(write(tmp_path, LOBSTER_ROW))
    assert depth.asks == BOOK[1]
    assert depth.bids == [(Decimal("99.5"), 3), (Decimal("99.25"), 1)]


def test_compressed_files_are_recognised_from_content(tmp_path):
    packed = tmp_path / "a"
    packed.write_bytes(gzip.compress(DEPTH_CSV.encode()))
    assert (load_depth(packed).bids, load_depth(packed).asks) == BOOK
    archive = tmp_path / "b"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("depth.csv", DEPTH_CSV)
    assert load_depth(archive).bids == BOOK[0]
    with zipfile.ZipFile(archive, "a") as file:
        file.writestr("more.csv", DEPTH_CSV)
    with pytest.raises(DataFormatError, match="2 files in the archive"):
        load_depth(archive)
    packed.write_bytes(gzip.compress(DEPTH_CSV.encode())[:-9])
    with pytest.raises(DataFormatError, match="damaged archive"):
        load_depth(packed)


@pytest.mark.parametrize(
    ("file", "symbol", "levels", "best"),
    [
        ("lobster_AAPL_20120621_orderbook_10.csv", "", (10, 10), ("585.33", "585.94")),
        ("es_ESM4_20240508_2s.mbo.csv.gz", "", (975, 572), ("5214", "5214.25")),
        ("binance_usdm_btcusdt_20240808.jsonl.gz", "", (1000, 1000), ("61800.20", "61800.30")),
        ("okx_ws_books_20220513.txt.gz", "BTC-USDT", (400, 400), ("30243.4", "30243.5")),
        ("bybit_xrpusdt_ob500_20241201.zip", "", (500, 500), ("1.9531", "1.9532")),
    ],
)
def test_real_files_go_through_the_front_door_into_a_book(
    shared_data, levels_of, file, symbol, levels, best
):
    depth = load_depth(shared_data(file), symbol)
    assert (len(depth.bids), len(depth.asks)) == levels
    assert (depth.bids[0][0], depth.asks[0][0]) == tuple(map(Decimal, best))
    tick, lot = depth.grid()
    book = OrderBook(tick_size=tick, lot_size=lot)
    book.load_depth(depth.bids, depth.asks)
    assert levels_of(book, "buy", 2_000) == depth.bids
    assert levels_of(book, "sell", 2_000) == depth.asks


def test_log_of_several_instruments_needs_a_symbol(shared_data):
    with pytest.raises(DataFormatError, match="BTC-USD-220527, UNI-USD-SWAP, BTC-USDT"):
        load_depth(shared_data("okx_ws_books_20220513.txt.gz"))


@pytest.mark.parametrize(
    ("file", "rows", "first", "last", "extremes"),
    [
        (
            "btc_perp_1m_20211231_20220201.csv.gz",
            45_031,
            ("2021-12-31T23:01", "46377.0"),
            ("2022-02-01T05:31", "38544.0"),
            ("32837.0", "48080.0"),
        ),
        (
            "btcusdt_perp_1m_20200313.csv",
            52,
            ("2020-03-13T01:49", "4442.52"),
            ("2020-03-13T02:40", "4692.60"),
            ("3621.81", "5211.00"),
        ),
        (
            "weth_usd_hourly_2021_2023.csv.gz",
            18_861,
            ("2021-01-01T00:26:29.131", "732.0868622834124"),
            ("2023-02-25T23:04:12.250", "1597.7179983343294"),
            None,
        ),
    ],
)
def test_real_price_paths(shared_data, file, rows, first, last, extremes):
    path = load_prices(shared_data(file))
    assert len(path) == rows
    for index, (time, price) in ((0, first), (-1, last)):
        assert path.time_ns[index] == np.datetime64(time, "ns").astype(np.int64)
        assert path.price[index] == Decimal(price)
    assert (path.low is None) == (extremes is None)
    if extremes:
        assert (min(path.low), max(path.high)) == tuple(map(Decimal, extremes))


@pytest.mark.parametrize(
    ("time", "ns"),
    [
        ("1577836800", 1_577_836_800 * 10**9),
        ("1577836800123", 1_577_836_800_123 * 10**6),
        ("1577836800123456", 1_577_836_800_123_456 * 10**3),
        ("1577836800123456789", 1_577_836_800_123_456_789),
        ("2020-01-01", 1_577_836_800 * 10**9),
        ("2020-01-01 00:00:00.000001", 1_577_836_800 * 10**9 + 1_000),
        ("2020-01-01T00:00:00.123456789Z", 1_577_836_800_123_456_789),
        ("2020-01-01T01:00+01:00", 1_577_836_800 * 10**9),
    ],
)
def test_times_of_prices(tmp_path, time, ns):
    path = load_prices(write(tmp_path, f"Time,Price\n{time},7.25\n"))
    assert path.time_ns.tolist() == [ns]
    assert path.ticks("0.25").tolist() == [29]
    with pytest.raises(ValueError, match=r"price 7.25 at index 0 is not a multiple of 0.1"):
        path.ticks("0.1")
    assert path.ticks("0.1", round_to_tick=True).tolist() == [72]  # 72.5 goes to even


def test_named_unit_of_time_beats_magnitude(tmp_path):
    path = load_prices(write(tmp_path, "time_ms,last\n5,1\n"))
    assert path.time_ns.tolist() == [5_000_000]


ACCOUNTS = "account,market,side,size,entry,leverage,mode\n"


def test_accounts_come_out_as_columns(tmp_path):
    text = ACCOUNTS + "a,BTC,long,0.5,60000.1,10,isolated\nb,BTC,SELL,2,61000,3.5,cross\n"
    accounts = load_accounts(write(tmp_path, text))
    assert accounts.account.tolist() == ["a", "b"]
    assert accounts.market.tolist() == ["BTC", "BTC"]
    assert accounts.long.tolist() == [True, False]
    assert accounts.size.tolist() == [Decimal("0.5"), 2]
    assert accounts.entry.tolist() == [Decimal("60000.1"), 61000]
    assert accounts.leverage.tolist() == [10, Decimal("3.5")]
    assert accounts.margin is None
    assert accounts.isolated.tolist() == [True, False]
    accounts = load_accounts(
        write(tmp_path, "margin,entry,size,side,market,account\n0,5,1,short,M,1\n")
    )
    assert accounts.leverage is None
    assert accounts.margin.tolist() == [0]
    assert accounts.isolated.tolist() == [False]


def test_legs_of_a_hedge_account_are_two_rows(tmp_path):
    text = ACCOUNTS + "a,m,long,1,1,1,cross\na,m,short,2,1,1,cross\na,n,long,3,1,1,cross\n"
    accounts = load_accounts(write(tmp_path, text))
    assert accounts.long.tolist() == [True, False, True]
    assert accounts.size.tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("load", "text", "line", "field", "reason"),
    [
        (load_depth, "", 0, "", "empty"),
        (load_depth, "hello\n", 1, "", "no known depth format"),
        (load_depth, "side,price,size\nbid,1,x\n", 2, "size", "'x' is not a decimal number"),
        (load_depth, "side,price,size\nbid,nan,1\n", 2, "price", "not a decimal number"),
        (load_depth, "side,price,size\nbid,1_0,1\n", 2, "price", "not a decimal number"),
        (load_depth, "side,price,size\nbid,1\n", 2, "", "2 fields; the format has 3"),
        (load_depth, "side,price,size\nup,1,1\n", 2, "side", "'up' is not one of"),
        (load_depth, "side,price,size\nbid,1,1\nbid,1.0,2\n", 0, "bid", "stands twice"),
        (load_depth, "side,price,size\nbid,2,1\nask,1,2\n", 0, "", "bid 2 is not below ask 1"),
        (load_depth, "side,price,size\nbid,2,0\n", 0, "bid", "0 at 2; both must be above 0"),
        (load_depth, "1005000,2,995000,3,1004000,4,992500,1\n", 1, "ask price", "follows"),
        (load_depth, '{"bids": [["1", "1"]]}', 0, "asks", "is missing"),
        (load_depth, '{"bids": [["1"]], "asks": []}', 0, "bids", "not a [price, size] pair"),
        (load_depth, '{"bids": [[1e5, NaN]], "asks": []}', 0, "", "NaN is not a number"),
        (load_depth, OKX_LOG.replace('"5"', "5"), 3, "ts", "int where str belongs"),
        (load_depth, BYBIT.replace('"u":1', '"u":-1'), 1, "u", "-1 is outside 0"),
        (load_depth, BINANCE.replace('"U":1', '"U":3'), 1, "u", "2 is outside 3"),
        (load_depth, ORDER_BY_ORDER.replace(",C,", ",X,"), 6, "action", "'X' is not one of"),
        (load_depth, ORDER_BY_ORDER.replace("A,B,", "A,N,"), 3, "side", "A or B belongs"),
        (load_prices, "when,price\n1,1\n", 1, "time", "no column of time"),
        (load_prices, "time,value\n1,1\n", 1, "price", "no column of price"),
        (load_prices, "time,price\n2,1\n1,1\n", 3, "time", "before the line above"),
        (load_prices, "time,price\n2,0\n", 2, "price", "above 0"),
        (load_prices, "time,price\n2020-13-01,1\n", 2, "time", "month"),
        (load_prices, "time,price\n9999-01-01,1\n", 2, "time", "outside"),
        (load_prices, "time,open,high,low,close\n1,5,6,4,7\n", 2, "close", "outside 4 ... 6"),
        (load_prices, "time,price\n", 0, "", "no prices"),
        (load_accounts, ACCOUNTS, 0, "", "no positions"),
        (load_accounts, ACCOUNTS + "a,,long,1,1,1,cross\n", 2, "market", "is empty"),
        (load_accounts, ACCOUNTS + "a,m,up,1,1,1,cross\n", 2, "side", "'up' is not one of"),
        (load_accounts, ACCOUNTS + "a,m,long,0,1,1,cross\n", 2, "size", "above 0"),
        (load_accounts, ACCOUNTS + "a,m,long,1,1,0,cross\n", 2, "leverage", "above 0"),
        (load_accounts, ACCOUNTS + "a,m,long,1,1,1,both\n", 2, "mode", "'both' is not one of"),
        (
            load_accounts,
            ACCOUNTS + "a,m,long,1,1,1,cross\nb,m,long,1,1,1,cross\na,m,buy,2,1,1,isolated\n",
            4,
            "account",
            "'a' is long in 'm' on line 2 already",
        ),
        (load_accounts, "account,side\n", 1, "market", "column is missing"),
        (
            load_accounts,
            "account,market,side,size,entry\na,m,long,1,1\n",
            1,
            "leverage",
            "one of leverage and margin belongs",
        ),
        (load_tiers, "[1]", 0, "symbol", "int where an object belongs"),
        (load_tiers, '{"A": [{"currency": "X"}]}', 0, "info", "is missing"),
        (load_tiers, "7", 0, "", "neither an object nor a list"),
    ],
)
def test_errors_name_file_line_and_field(tmp_path, load, text, line, field, reason):
    path = write(tmp_path, text)
    with pytest.raises(DataFormatError) as caught:
        load(path)
    error = caught.value
    assert (error.path, error.line, error.field) == (str(path), line, field)
    assert reason in error.reason
    assert str(path) in str(error)
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


LOBSTER_MESSAGES = "34200.1,1,5,18,5853300,1\n34200.2,4,5,18,5853300,1\n"
TIERS = (
    '[{"symbol": "A", "brackets": [{"notionalFloor": 0, "notionalCap": 5, "maintMarginRatio": 0.01,'
    ' "cum": 0, "initialLeverage": 50}]}]'
)
SEEDS = [
    (load_depth, DEPTH_CSV),
    (load_depth, REST),
    (load_depth, OKX_REST),
    (load_depth, LOBSTER_ROW),
    (lambda path: list(okx.read_log(path)), OKX_LOG),
    (lambda path: list(bybit.read_messages(path)), BYBIT),
    (lambda path: list(binance.read_stream(path)), BINANCE),
    (lambda path: list(order_by_order.read_records(path)), ORDER_BY_ORDER),
    (lambda path: list(lobster.read_messages(path)), LOBSTER_MESSAGES),
    (lobster.read_order_book, LOBSTER_ROW),
    (load_prices, "time,open,high,low,close\n2020-01-01,5,6,4,5\n"),
    (load_accounts, ACCOUNTS + "a,m,long,1,1,1,cross\n"),
    (load_tiers, TIERS),
]
PIECES = [
    "",
    ",",
    "\n",
    "-",
    "0",
    "9" * 30,
    "1e999",
    "nan",
    '"',
    "{",
    "}",
    "[",
    "null",
    "é",
    "\x00",
]


@pytest.mark.parametrize(("load", "text"), SEEDS)
def test_seeds_of_the_fuzzer_are_valid(tmp_path, load, text):
    load(write(tmp_path, text))


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_damaged_files_load_or_raise_a_format_error(data):
    """Any change of a valid file either still loads or is refused as a format error."""
    load, text = data.draw(st.sampled_from(SEEDS))
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        length = data.draw(st.integers(0, 6))
        piece = data.draw(st.sampled_from(PIECES) | st.text(max_size=3))
        text = text[:start] + piece + text[start + length :]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        try:
            load(path)
        except DataFormatError as error:
            assert error.path == str(path)
