"""Copies, files and hashes of engines with lending markets."""

import random

import numpy as np
import pytest
from engine_kit import TWIN, core_kit, rows
from lending_scenes import go_on, lending_engine, words_of

import cascade as cs
from cascade import snapshot

SEEDS = range(8)


@pytest.mark.parametrize("seed", SEEDS)
def test_twin_and_core_have_one_hash_in_every_history(seed):
    pair = [lending_engine(kit, seed) for kit in (TWIN, core_kit())]
    refused = [[], []]
    for _ in range(6):
        for (engine, source), found in zip(pair, refused, strict=True):
            found += go_on(engine, source, 1)
            engine.validate()
        assert pair[0][0].state_hash() == pair[1][0].state_hash()
        assert pair[0][0].totals() == pair[1][0].totals()
    assert refused[0] == refused[1]
    assert rows(pair[0][0]) == rows(pair[1][0])


@pytest.mark.parametrize("seed", SEEDS)
def test_a_copy_and_a_file_go_on_bit_for_bit(tmp_path, seed):
    engine, source = lending_engine(core_kit(), seed)
    go_on(engine, source, 3)
    engine.save(tmp_path / "engine.npz")
    others = [engine, engine.copy(), cs.Engine.load(tmp_path / "engine.npz")]
    state, ends = source.getstate(), []
    for other in others:
        assert other.state_hash() == engine.state_hash()
        assert other.totals() == engine.totals()
    for other in others:
        source = random.Random()
        source.setstate(state)
        go_on(other, source, 5)
        other.validate()
        earned = [other.liquidators.result(k) for k in range(2)]
        ends.append((other.state_hash(), other.events.tobytes(), earned, other.totals()))
    assert ends[0] == ends[1] == ends[2]
    # all owe money: while its oracle reverts nobody can be called
    reverts = engine.lending["pool"]["USD"].oracle_failure == "reverts"
    assert {row["kind"] for row in rows(engine)} >= {32, 33, 34} | (set() if reverts else {6})


def test_a_copy_has_the_words_of_its_original(tmp_path):
    engine, _ = lending_engine(core_kit(), 3)
    engine.lending["pool"]["BTC"].pause()
    engine.save(tmp_path / "engine.npz")
    for other in (engine.copy(), cs.Engine.load(tmp_path / "engine.npz")):
        found, lending = other.lending["pool"], engine.lending["pool"]
        assert list(found.reserves) == list(lending.reserves) == ["ETH", "BTC", "USD", "NEW"]
        assert found.rules.numbers(10**6) == lending.rules.numbers(10**6)
        assert [found[name].given for name in found.reserves] == [
            lending[name].given for name in lending.reserves
        ]
        assert [found[name].row() for name in found.reserves] == [
            lending[name].row() for name in lending.reserves
        ]
        assert [market.name for market in other.markets] == [m.name for m in engine.markets]
        assert found["BTC"].paused
        assert found.health.tolist() == lending.health.tolist()
        assert [each.numbers(10**6) for each in other.liquidators] == [
            each.numbers(10**6) for each in engine.liquidators
        ]
        with pytest.raises(ValueError, match="exists"):
            other.lending.add("pool")


def test_a_copy_has_the_categories_of_its_original(tmp_path):
    engine, _ = lending_engine(core_kit(), 3)
    engine.save(tmp_path / "engine.npz")
    for other in (engine.copy(), cs.Engine.load(tmp_path / "engine.npz")):
        found, lending = other.lending["pool"], engine.lending["pool"]
        assert [found.category_of(k) for k in range(9)] == [None] * 5 + ["coins"] * 2 + [None] * 2
        assert found.categories.keys() == {"coins"}
        one, two = found.categories["coins"], lending.categories["coins"]
        assert (one.number, one.borrowable, one.terms) == (two.number, two.borrowable, two.terms)
        assert [s.number for s in one.sides.values()] == [s.number for s in two.sides.values()]
        found.set_category(0, "coins")
        assert (found.category_of(0), lending.category_of(0)) == ("coins", None)


@pytest.mark.parametrize("change", [(0, 1), (5, 0), (5, 2)])
def test_a_forged_category_is_refused(change):
    engine, _ = lending_engine(core_kit(), 0)
    arrays = {name: array.copy() for name, array in snapshot.to_arrays(engine).items()}
    snapshot.from_arrays(arrays)
    arrays["categories"][change[0]] = change[1]
    with pytest.raises(ValueError, match=r"categor|its account can have"):
        snapshot.from_arrays(arrays)


def test_markets_between_reserves_keep_their_places():
    engine = cs.Engine()
    for name in "AB":
        engine.add_market(name, tick_size=1, lot_size=1).set_index(100)
        lending = engine.lending.add(f"of {name}")
        lending.add_reserve(name, price=name, liquidation_threshold="0.5")
        lending.add_reserve("USD")
    engine.add_market("C", tick_size=1, lot_size=1)
    other = engine.copy()
    assert [m.name for m in other.markets] == [m.name for m in engine.markets]
    assert other.state_hash() == engine.state_hash()


def test_what_hashes_have_of_lending(kit):
    def engine(**changes):
        words = words_of(kit)
        made = kit.engine(asset_decimals=6)
        made.lending.add("pool").add_reserve("USD", liquidation_threshold="0.9")
        made.liquidators.add(words.Liquidator())
        for call, given in changes.items():
            getattr(made.lending["pool"]["USD"], call)(given)
        return made.state_hash()

    assert engine() == engine()
    hashes = [engine(), engine(supply=5), engine(supply=6), engine(pause=True)]
    assert len(set(hashes)) == 4
    assert engine(supply=5, redeem=5) == engine()
    # an engine without any is hashed as before
    assert len({kit.engine().state_hash(), engine()}) == 2


def forged(change):
    """Arrays of an engine in mid-cascade with one number changed."""
    engine, source = lending_engine(core_kit(), 0)
    go_on(engine, source, 3)
    arrays = {name: array.copy() for name, array in snapshot.to_arrays(engine).items()}
    change(arrays)
    return arrays


@pytest.mark.parametrize(
    ("member", "field", "value"),
    [
        ("reserves", "supply_index", -1),
        ("reserves", "supply_index", 2**61),
        ("reserves", "borrow_index", 10**18 - 1),
        ("reserves", "supplied", 2**62),
        ("reserves", "borrowed", 12_345),
        ("reserves", "cash", -1),
        ("reserves", "cash", 3),
        ("reserves", "treasury", 2**63 - 1),
        ("reserves", "deficit", -1),
        ("reserves", "kept", -1),
        ("reserves", "price", 7),
        ("reserves", "price", -7),
        ("reserves", "updated", 2**62),
        ("reserves", "paused", 2),
        ("reserves", "came", 1),
        ("reserves", "roundings", -1),
        ("reserves", "waiting", -1),
        ("reserves", "waiting", 2**40),
        ("reserves", "isolated_debt", 1),
        ("reserves", "ahead", 7),
        ("reserves", "ahead_event", -2),
        ("reserves", "ahead_wave", -1),
        ("lendings", "sequencer_down", 2),
        ("lendings", "spared_until", -1),
        ("liquidators", "cash", 2**63 - 1),
        ("liquidators", "spent", -1),
        ("liquidators", "done", -1),
    ],
)
def test_a_forged_reserve_is_refused(member, field, value):
    with pytest.raises((ValueError, cs.ReserveError)):
        snapshot.from_arrays(forged(lambda a: a[member][field].__setitem__(0, value)))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("price", 0),
        ("price", 2**31 - 2),
        ("due", 0),
        ("due", 2**62),
        ("event", 10**6),
        ("wave", -1),
    ],
)
def test_a_forged_price_on_its_way_is_refused(field, value):
    engine, _ = lending_engine(core_kit(), 0)
    engine.step(index={"BTC": 29_000})
    arrays = {name: array.copy() for name, array in snapshot.to_arrays(engine).items()}
    # bitcoin's is believed four seconds later, in marks of a thousandth of a tick
    assert len(arrays["waiting"]) == 1
    snapshot.from_arrays(arrays)
    arrays["waiting"][field][0] = value
    with pytest.raises(ValueError, match="reserve 1: price on its way"):
        snapshot.from_arrays(arrays)


def of_side(arrays):
    return np.flatnonzero(np.isin(arrays["positions"]["market"], [2, 3, 4, 5, 6, 7]))[0]


@pytest.mark.parametrize(
    "change",
    [
        lambda a: a["accounts"]["flags"].__setitem__(0, 0),
        lambda a: a["accounts"]["flags"].__setitem__(0, 2 + 16),
        lambda a: a["accounts"]["flags"].__setitem__(0, 3),
        lambda a: a["positions"]["entry_value"].__setitem__(of_side(a), 1),
        lambda a: a["positions"]["size"].__setitem__(of_side(a), -1),
        lambda a: a["positions"]["market"].__setitem__(of_side(a), 0),
        lambda a: a["markets"]["mark"].__setitem__(2, 5),
        lambda a: a["markets"]["outside_size"].__setitem__(2, 5),
        lambda a: a["markets"]["index"].__setitem__(2, 5),
        lambda a: a["markets"]["house_size"].__setitem__(2, 5),
        lambda a: a["markets"]["spot_size"].__setitem__(0, 5),
        lambda a: a["markets"]["spot_entry"].__setitem__(0, 2**63 - 1),
        lambda a: a["markets"]["auction"].__setitem__(2, 1),
    ],
)
def test_forged_claims_and_sides_are_refused(change):
    with pytest.raises((ValueError, cs.ConservationError)):
        snapshot.from_arrays(forged(change))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'"side": 1', b'"side": 0'),
        (b'"side": 2', b'"side": 9'),
        (b'"threshold": 800000000', b'"threshold": 100000000'),
        (b'"unit": 100,', b'"unit": 101,'),
        (b'"source": 1,', b'"source": 7,'),
        (b'"capital": 5000', b'"capital": -500'),
        (b'"category": [0, 1]', b'"category": [0, 2]'),
        (b'"debt_ceiling": 300000', b'"debt_ceiling": 10'),
        (b'"hundredths_lots": 1', b'"hundredths_lots": 2'),
        (b'"caps": [[0, ', b'"caps": [[9, '),
        (b'"collateral": ["BTC", "ETH"]', b'"collateral": ["ETH", "BTC"]'),
        (b'"collateral": ["BTC", "ETH"]', b'"collateral": ["ETH"]'),
    ],
)
def test_forged_settings_are_refused(before, after):
    def change(arrays):
        text = arrays["settings"].tobytes()
        assert before in text
        arrays["settings"] = np.frombuffer(text.replace(before, after), np.uint8)

    with pytest.raises((ValueError, IndexError)):
        snapshot.from_arrays(forged(change))
