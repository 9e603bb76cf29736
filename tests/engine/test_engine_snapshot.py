"""Snapshots, interruption and threads: what only the compiled engine has."""

import signal
import threading

import numpy as np
import pytest

import cascade as cs
from cascade import snapshot


def busy_engine(seed: int = 5, execution: str = "sequential") -> cs.Engine:
    """A book, an inverse curve, isolated and cross accounts, orders, stops, a budget, pending work."""
    engine = cs.Engine(seed=seed, execution=execution)
    rules = cs.Rules(
        tiers=[(0, "0.01"), (1000, "0.02", "0.04")], taker_fee="0.0005", maker_fee="-0.0001",
        liquidation_fee="0.002", liquidation_order="bankruptcy", partial=("target", "0.03"),
    )  # fmt: skip
    book = engine.add_market("BOOK", tick_size="0.5", lot_size="0.1", rules=rules)
    curve = engine.add_market(
        "CURVE", tick_size="0.01", lot_size=1, venue=cs.Impact.linear("0.001", permanent=0.5, decay_rate=0.1),
        rules=cs.Rules(tiers=[(0, "0.01"), (500, "0.05")], tier_mode="whole", trigger="<="),
    )  # fmt: skip
    curve.set_index(100)
    book.book.load_depth(
        [(100 - 0.5 * k, 3) for k in range(60)], [(100.5 + 0.5 * k, 3) for k in range(60)]
    )
    engine.fund_deposit(50)
    random = np.random.default_rng(seed)
    engine.accounts.open(book, side="long", size=np.round(random.uniform(0.1, 3, 60), 1), entry=100,
                         leverage=random.uniform(5, 40, 60))  # fmt: skip
    both = engine.accounts.create(30, balance=40)
    for market, side in ((book, 1), (curve, -1)):
        engine.accounts.open(
            market, side=side, size=1, entry=100, leverage=10, mode="cross", account=both
        )
    trader = int(engine.accounts.create(1, balance=5000)[0])
    book.book.limit("buy", 90, 5, account=trader, display=1)
    book.book.stop("sell", 95, 2, on="mark", account=trader)
    engine.budget(accounts=7)
    sell = np.zeros(1, cs.MESSAGE_DTYPE)
    sell["kind"], sell["side"], sell["size"], sell["account"] = cs.MessageKind.MARKET, 1, 300, -1
    engine.step(orders=[("BOOK", sell)], index={"CURVE": 101})
    assert engine.pending
    return engine


def clocked_engine() -> cs.Engine:
    """Markets with averages, an index that gets old, and funding within an interval."""
    engine = cs.Engine()
    for name, feed, more in (
        ("EMA", "ema", {}), ("PREMIUM", "index_premium", {"premium_cap": "0.05"}),
        ("LAST", "last", {"average_of": "last", "funding_value": "index"}),
    ):  # fmt: skip
        rules = cs.Rules(
            feed=feed, average_time=60, stale_after=90, funding_interval=50, interest="0.0001",
            funding_clamp="0.0005", funding_cap="0.03", **more,
        )  # fmt: skip
        market = engine.add_market(name, tick_size="0.01", lot_size=1, rules=rules)
        market.set_index(100)
        market.book.load_depth([(98, 100)], [(99, 100)])
        engine.accounts.open(market, side=[1, -1], size=7, entry=100, leverage=20)
    engine.set_funding("LAST", "0.002")
    engine.step(dt=33)
    engine["PREMIUM"].book.limit("buy", 99, 150)
    engine.step(dt=33)
    return engine


def test_averages_and_funding_go_on_bit_for_bit(tmp_path):
    engine = clocked_engine()
    assert any(
        row["premium_high"] or row["premium_low"] for row in (m.row() for m in engine.markets)
    )
    engine.save(tmp_path / "engine.npz")
    ends = []
    for other in (engine, engine.copy(), cs.Engine.load(tmp_path / "engine.npz")):
        first = other.event_count
        for dt in (10, 90, 7):
            other.step(dt=dt, index={"EMA": 101})
        events = other.events_between(first, other.event_count)
        assert (events["kind"] == cs.EventKind.FUNDING).sum() == 6
        ends.append((other.state_hash(), events.tobytes()))
    assert ends[0] == ends[1] == ends[2]


@pytest.mark.parametrize(
    ("field", "value"),
    [("average", 2**60), ("average", -(2**60)), ("index_time", 2**61), ("premium_time", -1),
     ("premium_low", -1), ("premium_high", 2**40), ("funding_rate", 2**40), ("funding_fixed", 2)],
)  # fmt: skip
def test_stored_clocks_are_checked(field, value):
    arrays = snapshot.to_arrays(clocked_engine())
    arrays["markets"][field][0] = value
    with pytest.raises(ValueError, match="market 0"):
        snapshot.from_arrays(arrays)


def go_on(engine: cs.Engine) -> tuple[str, bytes]:
    """Some more steps; the state and the events they end with."""
    first = engine.event_count
    for k in range(6):
        engine.step(index={"CURVE": 101 + k}, dt=0.5)
    engine["BOOK"].book.limit("sell", 80, 4)
    engine.run({"CURVE": [104, 99, 97.5]}, dt=2)
    return engine.state_hash(), engine.events_between(first, engine.event_count).tobytes()


def cooling_engine(seconds: int = 30) -> cs.Engine:
    """An account that a fraction rule closes whole for a while."""
    engine = cs.Engine()
    rules = cs.Rules(
        tiers=[(0, "0.05")], feed="index", partial=("fraction", "0.2", 500, seconds), backstop="2/3"
    )
    market = engine.add_market("X", tick_size=1, lot_size=1, rules=rules)
    market.book.load_depth([(94, 2), (93, 100)], [])
    market.set_index(100)
    engine.accounts.open(market, side="long", size=10, entry=100, margin=100)
    engine.step(index={"X": 94}, dt=1)
    return engine


@pytest.mark.parametrize("wait", [29, 30])
def test_a_cooldown_survives_and_is_part_of_the_state(tmp_path, wait):
    engine = cooling_engine()
    engine.save(tmp_path / "engine.npz")
    for other in (engine.copy(), cs.Engine.load(tmp_path / "engine.npz")):
        assert other.state_hash() == engine.state_hash()
        assert other["X"].rules.table(1) == engine["X"].rules.table(1)
        other.step(index={"X": 93}, dt=wait)
        assert other.accounts.size("X").tolist() == [0 if wait == 29 else 6]


def test_a_cooldown_is_part_of_the_state_until_it_is_over():
    short, long = cooling_engine(30), cooling_engine(40)
    for dt, same in ((0, False), (35, False), (5, True)):
        short.step(dt=dt)
        long.step(dt=dt)
        assert (short.state_hash() == long.state_hash()) is same


@pytest.mark.parametrize("rule", [("target", "0.03"), ("tier_step",), ("tier_step", 2), None])
def test_every_partial_rule_survives(tmp_path, rule):
    engine = cs.Engine()
    engine.add_market("X", tick_size=1, lot_size=1, rules=cs.Rules(partial=rule))
    engine.save(tmp_path / "engine.npz")
    again = cs.Engine.load(tmp_path / "engine.npz")
    assert again.state_hash() == engine.state_hash()
    expected = engine["X"].rules.table(1)
    assert again["X"].rules.table(1) == expected


@pytest.mark.parametrize("execution", ["sequential", "batch"])
def test_a_copy_and_a_file_go_on_bit_for_bit(tmp_path, execution):
    engine = busy_engine(execution=execution)
    engine.save(tmp_path / "engine.npz")
    others = [
        engine.copy(),
        cs.Engine.load(tmp_path / "engine.npz"),
        busy_engine(execution=execution),
    ]
    for other in others:
        assert other.state_hash() == engine.state_hash()
        assert other.events.tobytes() == engine.events.tobytes()
        other.validate()
    expected = go_on(engine)
    for other in others:
        assert go_on(other) == expected
        other.validate()
    assert len(engine.events) > 100


def test_a_copy_is_independent():
    engine = busy_engine()
    before, copy = engine.state_hash(), engine.copy()
    go_on(copy)
    assert engine.state_hash() == before


def test_views_of_the_log_stay_true_when_it_grows_and_is_cleared():
    engine = busy_engine()
    view = engine.events
    kept = view.tobytes()
    go_on(engine)
    engine.clear_events()
    assert len(engine.events) == 0
    assert view.tobytes() == kept
    assert not view.flags.writeable
    go_on(engine)
    assert view.tobytes() == kept


@pytest.mark.parametrize("cut", [0, 10, 1000, -200])
def test_a_truncated_file_is_refused(tmp_path, cut):
    path = tmp_path / "engine.npz"
    busy_engine().save(path)
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(ValueError, match=r"engine\.npz"):
        cs.Engine.load(path)


@pytest.mark.parametrize(
    ("member", "change"),
    [
        ("positions", lambda a: a["size"].__setitem__(0, 2**60)),
        ("positions", lambda a: a["account"].__setitem__(0, 10**6)),
        ("positions", lambda a: a["market"].__setitem__(0, 9)),
        ("accounts", lambda a: a["balance"].__setitem__(3, 2**62)),
        ("accounts", lambda a: a["balance"].__setitem__(3, 1)),
        ("markets", lambda a: a["mark"].__setitem__(0, -1)),
        ("markets", lambda a: a["outside_size"].__setitem__(0, 1)),
        ("orders", lambda a: a["size"].__setitem__(0, 0)),
        ("assets", lambda a: a.__setitem__(0, -5)),
        ("settings", lambda a: a.__setitem__(0, ord("["))),
    ],
)
def test_a_forged_file_is_refused(tmp_path, member, change):
    path = tmp_path / "engine.npz"
    busy_engine().save(path)
    with np.load(path, allow_pickle=False) as stored:
        arrays = {name: stored[name].copy() for name in stored.files}
    before = arrays[member].tobytes()
    change(arrays[member])
    assert arrays[member].tobytes() != before
    np.savez(path, allow_pickle=False, **arrays)
    with pytest.raises(ValueError, match=r"engine\.npz"):
        cs.Engine.load(path)


def long_market() -> cs.Engine:
    """A crowd that a path between 99.99 and 100 never reaches."""
    engine = cs.Engine()
    curve = cs.Impact.linear("0.001")
    market = engine.add_market("CURVE", tick_size="0.01", lot_size=1, venue=curve)
    market.set_index(100)
    engine.accounts.open(market, side="long", size=np.ones(1000), entry=100, leverage=3)
    return engine


PATH = np.where(np.arange(300_000) % 2, 100.0, 99.99)


def run_forever(engine: cs.Engine) -> None:
    while True:
        engine.run({"CURVE": PATH})


def raise_interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def test_an_interrupt_stops_a_long_run_and_leaves_the_engine_valid():
    engine = long_market()
    previous = signal.signal(signal.SIGALRM, raise_interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.5)
        with pytest.raises(KeyboardInterrupt):
            run_forever(engine)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    assert engine.time > 0
    engine.validate()
    assert engine.step(index={"CURVE": 50}).liquidated == 1000


def test_a_second_thread_is_refused():
    engine = long_market()
    refusals: list[str] = []

    def work() -> None:
        for _ in range(5):
            try:
                engine.run({"CURVE": PATH})
            except RuntimeError as error:
                refusals.append(str(error))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert refusals
    assert set(refusals) == {"the engine is in use by another thread"}
    engine.validate()


def test_a_result_keeps_the_marks_of_its_step():
    engine = long_market()
    result = engine.step(index={"CURVE": 90})
    engine.step(index={"CURVE": 95})
    assert result.marks == {"CURVE": 90.0}
    assert engine.step().marks == {"CURVE": 95.0}
