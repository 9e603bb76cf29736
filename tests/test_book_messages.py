"""Whole message files against books nobody here wrote, and what only the compiled book promises.

The generator of the measuring ground keeps its own plain book and writes down trades, volume, touch and a
hash of every trade; the compiled book must produce the same. The rest tests files, memory, threads
and the corners of the pools.
"""

import json
import random
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import cascade
from cascade import MESSAGE_DTYPE, Code, OrderBook, snapshot

GENERATOR = Path(__file__).resolve().parents[2] / "shared" / "bench" / "gen_workload.py"
MAX_PRICE = 2_147_483_646


def messages_of(rows: np.ndarray) -> np.ndarray:
    """Rows (kind, side, id from 0, price, size) as messages; ids of the book count from 1."""
    messages = np.zeros(len(rows), dtype=MESSAGE_DTYPE)
    is_cancel = rows[:, 0] == 1
    messages["kind"] = rows[:, 0]
    messages["side"] = rows[:, 1]
    messages["account"] = -1
    messages["price"] = rows[:, 3]
    messages["size"] = rows[:, 4]
    messages["order"] = np.where(is_cancel, rows[:, 2] + 1, 0)
    return messages


def trade_hash(fills: np.ndarray) -> str:
    value = 0xCBF29CE484222325
    for fill in fills.tolist():
        maker, taker, size, price = fill[:4]
        for number in (maker - 1, taker - 1, price, size):
            value = ((value ^ number) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return f"{value:016x}"


@pytest.fixture(scope="module", params=["flow", "cascade", "deep"])
def workload(request, tmp_path_factory):
    """Messages of a generated file and what its own book made of them."""
    if not GENERATOR.exists():
        pytest.skip(f"{GENERATOR} is not there")
    base = tmp_path_factory.mktemp("workload") / request.param
    command = [sys.executable, str(GENERATOR), request.param, str(base), "-n", "30000"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    rows = np.load(base.with_suffix(".npy"))
    return messages_of(rows), json.loads(base.with_suffix(".json").read_text())


def check_final_state(book: OrderBook, expected: dict) -> None:
    assert (book.best_bid, book.best_ask) == (
        expected["best_bid"],
        expected["best_ask"],
    )
    assert len(book) == expected["live_orders"]
    orders = book.orders
    assert int(orders["size"][orders["side"] == 0].sum()) == expected["bid_qty"]
    assert int(orders["size"][orders["side"] == 1].sum()) == expected["ask_qty"]
    assert len(book.bids()) + len(book.asks()) == expected["levels"]
    book.validate()


def test_batch_makes_the_trades_of_the_generator(workload):
    messages, expected = workload
    book = OrderBook()
    result = book.apply(messages)
    assert not result.codes.any()
    assert len(result.fills) == expected["trades"]
    assert int(result.fills["size"].sum()) == expected["volume"]
    assert trade_hash(result.fills) == expected["trade_hash"]
    check_final_state(book, expected)


def test_accounts_do_not_change_the_trades(workload):
    """Orders of accounts take the general path, anonymous ones the short one."""
    messages, expected = workload
    messages = messages.copy()
    messages["account"] = np.arange(len(messages)) % 7 - 1
    book = OrderBook()
    assert trade_hash(book.apply(messages).fills) == expected["trade_hash"]
    check_final_state(book, expected)


def test_chunks_and_reserved_memory_do_not_change_the_trades(workload):
    messages, expected = workload
    book = OrderBook(max_price=expected["pmax"] - 1)
    book.reserve(1_000, 10, 1_000, prices=(60_000, 70_000))
    fills = [book.apply(messages[at : at + 777]).fills for at in range(0, len(messages), 777)]
    assert trade_hash(np.concatenate(fills)) == expected["trade_hash"]
    check_final_state(book, expected)


def test_single_calls_make_the_trades_of_the_generator(workload):
    messages, _ = workload
    book = OrderBook()
    fills = []
    for message in messages[:3_000].tolist():
        kind, side, _, _, _, price, _, size, order = message
        name = "sell" if side else "buy"
        if kind == 0:
            book.limit(name, price, size)
        elif kind == 1:
            book.cancel(order)
        else:
            book.market(name, size)
        fills.append(book.fills)
    batch = OrderBook()
    result = batch.apply(messages[:3_000])
    single = np.concatenate(fills)
    assert single[["maker", "taker", "size", "price"]].tolist() == (
        result.fills[["maker", "taker", "size", "price"]].tolist()
    )
    assert batch.state_hash() == book.state_hash()


def test_orders_of_a_batch():
    messages = np.zeros(5, dtype=MESSAGE_DTYPE)
    messages["kind"] = [0, 1, 0, 6, 3]
    messages["price"] = 10
    messages["size"] = 2
    messages["order"] = [0, 1, 0, 0, 2]
    messages["account"] = [-1, 0, -1, 5, 0]
    book = OrderBook()
    book.limit("buy", 5, 1)
    result = book.apply(messages)
    assert result.orders.tolist() == [2, 1, 3, 0, 2]
    assert result.codes.tolist() == [0, 0, 0, 0, 0]


# --- the window of ticks ----------------------------------------------------------------------


def test_lowest_and_highest_price_in_one_book():
    book = OrderBook()
    prices = [1, MAX_PRICE, 1_000_000, 70, MAX_PRICE // 2]
    for price in prices:
        assert book.limit("sell", price, 1, account=1).ok
    assert [level[0] for level in book.asks()] == sorted(prices)
    book.validate()
    copy = book.copy()
    book.market("buy", 5)
    assert book.fills["price"].tolist() == sorted(prices)
    assert len(book) == 0 and len(copy) == 5
    copy.validate()


def test_next_level_is_found_over_random_gaps():
    """Bids and asks over nine decades against sorting."""
    draw = random.Random(5)
    book = OrderBook()
    bids = {int(10 ** draw.uniform(0, 9)) for _ in range(400)}
    low = max(bids)
    asks = {low + 1 + int(10 ** draw.uniform(0, 9)) for _ in range(400)}
    for price in bids:
        book.limit("buy", price, 1)
    for price in asks:
        book.limit("sell", price, 1)
    assert [level[0] for level in book.bids()] == sorted(bids, reverse=True)
    assert [level[0] for level in book.asks()] == sorted(asks)
    left = sorted(asks)
    for price in sorted(asks, key=lambda _: draw.random())[:200]:
        book.cancel(book.queue("sell", price)[0][0])
        left.remove(price)
        assert book.best_ask == left[0]
    book.validate()


# --- ids, fills, memory -----------------------------------------------------------------------


def test_ids_stay_right_when_the_table_forgets_old_ones():
    book = OrderBook()
    first = book.limit("buy", 10, 1).order
    for _ in range(5_000):
        assert book.cancel(book.limit("buy", 11, 1).order).ok
    assert book.cancel(first).ok
    kept = book.limit("buy", 12, 1).order
    for _ in range(5_000):
        book.cancel(book.limit("buy", 11, 1).order)
    assert kept == 5_002 and book.next_id == 10_003
    assert book.cancel(1).code == Code.UNKNOWN_ORDER
    assert book.cancel(kept).ok
    book.validate()


def test_fills_of_a_batch_outlive_the_book():
    book = OrderBook()
    messages = np.zeros(2_000, dtype=MESSAGE_DTYPE)
    messages["account"] = -1
    messages["side"] = np.arange(2_000) % 2
    messages["price"] = 10
    messages["size"] = 3
    results = [book.apply(messages) for _ in range(4)]
    expected = [fills.tolist() for fills in (result.fills for result in results)]
    del book
    assert [result.fills.tolist() for result in results] == expected
    assert [result.fills["maker"][0] for result in results] == [1, 2_001, 4_001, 6_001]
    with pytest.raises(ValueError):
        results[0].fills["size"] = 1


def test_a_resting_order_takes_at_most_64_bytes():
    """Records, id table and level of a million orders, counted by their sizes."""
    statm = Path("/proc/self/statm")
    if not statm.exists():
        pytest.skip("/proc/self/statm is not there to read resident memory from")
    count = 400_000
    messages = np.zeros(10_000, dtype=MESSAGE_DTYPE)
    messages["price"] = 1 + np.arange(10_000) % 1_000
    messages["size"] = 5
    messages["account"] = np.arange(10_000) % 100
    OrderBook().apply(messages)
    book = OrderBook()
    before = int(statm.read_text().split()[1])
    for _ in range(count // len(messages)):
        book.apply(messages)
    pages = int(statm.read_text().split()[1]) - before
    assert len(book) == count
    # huge pages round the four pools up to 2 MiB each
    assert pages * 4096 <= 64 * count + 4 * 2**21


def refusals_during(book, messages) -> set[str]:
    """What a reader hears while another thread has its messages processed."""
    heard = set()
    started = threading.Event()

    def work():
        started.set()
        book.apply(messages)

    thread = threading.Thread(target=work)
    thread.start()
    started.wait()
    while thread.is_alive():
        try:
            book.best_bid  # noqa: B018
        except RuntimeError as error:
            heard.add(str(error))
    thread.join()
    return heard


def test_use_from_two_threads_raises():
    messages = np.zeros(1_000_000, dtype=MESSAGE_DTYPE)
    messages["price"] = 1 + np.arange(len(messages)) % 1_000
    messages["size"] = 1
    messages["account"] = -1
    # a busy machine may run the reader only after the work is done, but not again and again
    for _ in range(20):
        book = OrderBook()
        heard = refusals_during(book, messages)
        assert book.best_bid == 1_000
        if heard:
            break
    assert heard == {"the book is in use by another thread"}
    book.validate()


# --- files ------------------------------------------------------------------------------------


def book_with_everything() -> OrderBook:
    """Its canonical orders: an iceberg partly used, two asks, two waiting stops."""
    book = OrderBook("0.5", "0.1", min_size=0.2, max_price=10_000)
    book.limit("buy", 100, 5, account=3)
    book.limit("buy", 100, 20, display=4, account=2, self_trade="both")
    book.limit("buy", 99.5, 1, post_only="slide")
    book.limit("sell", 101, 7)
    book.limit("sell", 101.5, 9, account=-2)
    book.market("sell", 7)
    book.stop("sell", 90, 3, account=2)
    book.stop("buy", 120, 3, price=121, on="mark", self_trade="oldest", account=3)
    book.mark = 100
    book.cancel(3)
    return book


def test_save_and_load_keep_everything(tmp_path):
    book = book_with_everything()
    path = tmp_path / "book.npz"
    book.save(path)
    loaded = OrderBook.load(path)
    assert loaded.state_hash() == book.state_hash()
    loaded.validate()
    for one in (book, loaded):
        one.limit("sell", 100, 30, account=2)
        one.mark = 125
        one.market("buy", 100)
        one.cancel_all(3)
        assert one.limit("buy", 1, 0.1).code == Code.BAD_SIZE
    assert loaded.state_hash() == book.state_hash()
    assert loaded.fills.tolist() == book.fills.tolist()


def test_damaged_files_are_refused(tmp_path):
    book = book_with_everything()
    path = tmp_path / "book.npz"
    book.save(path)
    data = path.read_bytes()
    draw = random.Random(3)
    damaged = tmp_path / "damaged.npz"
    for cut in (0, 1, 50, len(data) // 2, len(data) - 1):
        damaged.write_bytes(data[:cut])
        with pytest.raises(ValueError, match="damaged"):
            OrderBook.load(damaged)
    for _ in range(300):
        broken = bytearray(data)
        broken[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
        damaged.write_bytes(broken)
        try:
            OrderBook.load(damaged).validate()
        except ValueError as error:
            assert "damaged" in str(error)


@pytest.mark.parametrize(
    ("field", "row", "value"),
    [
        ("id", 0, 0),
        ("id", 0, 2**40),
        ("id", 1, 2),
        ("size", 0, 0),
        ("size", 0, -5),
        ("size", 0, 2**62),
        ("hidden", 0, -1),
        ("hidden", 1, 1),
        ("display", 0, 1),
        ("price", 0, 0),
        ("price", 0, -7),
        ("price", 0, 300),
        ("account", 0, -3),
        ("trigger", 0, 5),
        ("trigger", -1, 0),
        ("side", 0, 2),
        ("side", 1, 0),
        ("flags", 0, 128),
        ("flags", 0, 3),
        ("flags", 0, 0),
        ("flags", 1, 16),
        ("waiting", 0, 1),
        ("waiting", 0, 2),
        ("self_trade", 0, 5),
    ],
)
def test_impossible_orders_in_a_file_are_refused(tmp_path, field, row, value):
    book = book_with_everything()
    path = tmp_path / "book.npz"
    book.save(path)
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files}
    arrays["orders"][row][field] = value
    np.savez(path, **arrays)
    with pytest.raises(ValueError, match=r"book\.npz"):
        OrderBook.load(path)


@pytest.mark.parametrize("account", [4, 2_130_706_433])
def test_an_account_beyond_those_of_the_file_is_refused_before_room_is_made(tmp_path, account):
    path = tmp_path / "book.npz"
    book = OrderBook(tick_size=1, lot_size=1)
    for owner in (2, 3):
        book.limit("buy", 90, 1, account=owner)
    book.save(path)
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files}
    arrays["orders"]["account"][0] = account
    np.savez(path, **arrays)
    if account < 8:  # the byte of owners has a bit for it
        said = "the 1 bytes of owners are not those of the orders' accounts"
    else:
        said = rf"order 1: account {account} is outside -1 ... 7"
    with pytest.raises(ValueError, match=said):
        OrderBook.load(path)


def test_owners_of_a_file_are_those_of_its_orders(tmp_path):
    path = tmp_path / "book.npz"
    book = OrderBook(tick_size=1, lot_size=1)
    for owner in (2, 12):
        book.limit("buy", 90, 1, account=owner)
    book.load_depth([(80, 5)], [])
    book.save(path)
    assert OrderBook.load(path).state_hash() == book.state_hash()
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files}
    # account 2 is the third bit, 12 the fifth of the second byte
    assert arrays["owners"].tolist() == [0b0010_0000, 0b0000_1000]
    for wrong in ([0b0010_0000], [0b0010_0000, 0b0000_1000, 0], [0b0110_0000, 0b0000_1000], []):
        np.savez(path, **{**arrays, "owners": np.array(wrong, np.uint8)})
        with pytest.raises(ValueError, match=r"owners|account 12 is outside"):
            OrderBook.load(path)


def test_a_book_of_anonymous_depth_has_no_owners(tmp_path):
    path = tmp_path / "book.npz"
    book = OrderBook(tick_size=1, lot_size=1)
    book.load_depth([(80, 5)], [(90, 5)])
    book.save(path)
    with np.load(path) as archive:
        assert len(archive["owners"]) == 0
    assert OrderBook.load(path).state_hash() == book.state_hash()


def test_an_engine_refuses_an_order_of_an_account_it_has_not():
    engine = cascade.Engine()
    market = engine.add_market("X", tick_size=1, lot_size=1)
    market.book.load_depth([(99, 5)], [(101, 5)])
    engine.accounts.create(3)
    arrays = snapshot.to_arrays(engine)
    arrays["orders"]["account"][0] = 2_130_706_433
    with pytest.raises(ValueError, match=r"account 2130706433 is outside -1 \.\.\. 2"):
        snapshot.from_arrays(arrays)


def test_file_with_objects_runs_nothing(tmp_path):
    path = tmp_path / "book.npz"
    np.savez(path, orders=np.array([print], dtype=object), state=np.zeros(14, dtype=np.int64))
    with pytest.raises(ValueError, match=r"book\.npz"):
        OrderBook.load(path)


def test_dtypes_and_codes_are_public():
    assert cascade.MESSAGE_DTYPE.itemsize == 32
    assert cascade.FILL_DTYPE.itemsize == 48
    assert cascade.ORDER_DTYPE.itemsize == 48
    assert cascade.Code(52) is cascade.Code.REDUCE_ONLY


@pytest.mark.parametrize(
    ("named", "call"),
    [
        ("prices", lambda book: book.reserve(prices=(1,))),
        ("prices", lambda book: book.reserve(prices=(1, 2, 3))),
        ("prices", lambda book: book.reserve(prices=3)),
        ("orders", lambda book: book.reserve(orders=None)),
        ("fills", lambda book: book.reserve(fills="x")),
        ("ids", lambda book: book.reserve(ids=-1)),
        ("n must be an integer", lambda book: book.bids("x")),
        ("n -1", lambda book: book.asks(-1)),
    ],
)
def test_what_no_caller_can_mean_is_named(named, call):
    book = OrderBook()
    with pytest.raises((TypeError, ValueError), match=named):
        call(book)
    assert len(book.orders) == 0
