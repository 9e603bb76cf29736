"""The contagion matrix of logs written by hand, and what can be asked of it."""

import numpy as np
import pytest
from slow_contagion import slow_matrix

import cascade as cs
from cascade import EventKind

PERP, COINS = 0, 1
SUPPLIED = 2


@pytest.fixture
def engine():
    """A linear and an inverse perpetual, and a bank that holds the linear one's coin."""
    engine = cs.Engine(asset_decimals=2)
    engine.add_asset("BTC", 8)
    perp = engine.add_market("PERP", tick_size="0.5", lot_size="0.1")
    perp.set_index(100)
    engine.add_market(
        "COINS", tick_size=1, lot_size=1, contract="inverse", multiplier=100, asset="BTC"
    )
    bank = engine.lending.add("bank")
    bank.add_reserve("COIN", price="PERP", liquidation_threshold="0.8")
    bank.add_reserve("USD")
    assert bank["COIN"].supplied_side.number == SUPPLIED
    return engine


def log_of(rows):
    """Events from (kind, market, cause, quantity, price)."""
    events = np.zeros(len(rows), cs.EVENT_DTYPE)
    for k, (kind, market, cause, quantity, price) in enumerate(rows):
        events[k]["kind"], events[k]["market"], events[k]["cause"] = kind, market, cause
        events[k]["quantity"], events[k]["price"] = quantity, price
    return events


def chain(first=0):
    """Outside -> PERP -> bank -> PERP and bank; COINS by itself twice; one before the log."""
    of = EventKind
    rows = [
        (of.ORDER, PERP, -1, 5, 0),
        (of.FILL, PERP, 0, 5, 199),
        (of.MARK, PERP, 0, 0, 199),
        (of.LIQUIDATION, PERP, 2, 10, 199),
        (of.FILL, PERP, 3, 10, 190),
        (of.MARK, PERP, 3, 0, 190),
        (of.ORACLE, SUPPLIED, 5, 0, 190),
        (of.MARK, SUPPLIED, 6, 0, 190),
        (of.LIQUIDATION, SUPPLIED, 7, 30, 190),
        (of.FILL, PERP, 8, 30, 180),
        (of.MARK, PERP, 8, 0, 180),
        (of.TRIGGER, PERP, 10, 0, 180),
        (of.ORDER, PERP, 11, 1, 0),
        (of.MARK, PERP, 12, 0, 170),
        (of.LIQUIDATION, PERP, 13, 20, 170),
        (of.LIQUIDATION, SUPPLIED, 10, 40, 180),
        (of.INDEX, COINS, -1, 0, 50),
        (of.MARK, COINS, 16, 0, 50),
        (of.LIQUIDATION, COINS, 17, 25, 50),
        (of.LIQUIDATION, COINS, 18, 10, 40),
        (of.LIQUIDATION, COINS, -1, 1, 50),
    ]
    events = log_of(rows)
    events["cause"][events["cause"] >= 0] += first
    return events


@pytest.mark.parametrize("first", [0, 1000])
def test_known_chains(engine, first):
    events = chain(first)
    if first:
        events["cause"][20] = 999  # happened before these events
    matrix = cs.Contagion.of(engine, events, first)
    assert matrix.sources == ("PERP", "COINS", "bank", "outside")
    assert matrix.counts.tolist() == [[0, 0, 1], [0, 1, 0], [1, 0, 1], [1, 2, 0]]
    # linear: lots of 0.1 times ticks of 0.5; inverse: lots times 100 over the price, in coins
    assert matrix.notional.tolist() == [
        [0, 0, 30 * 190 * 0.05],
        [0, 10 * 100 / 40, 0],
        [20 * 170 * 0.05, 0, 40 * 180 * 0.05],
        [10 * 199 * 0.05, 25 * 100 / 50 + 100 / 50, 0],
    ]
    assert matrix.between.tolist() == [[0, 0, 1], [0, 0, 0], [1, 0, 0]]
    assert matrix.outside.tolist() == [1, 2, 0]
    assert matrix.spread == 2 / 7


def test_rows_before_the_log_count_as_outside(engine):
    events = chain()[8:]
    matrix = cs.Contagion.of(engine, events, 8)
    assert matrix.counts.tolist() == [[0, 0, 0], [0, 1, 0], [1, 0, 1], [0, 2, 1]]


def test_equal_to_a_slow_walk(engine):
    generator = np.random.default_rng(5)
    count = 4000
    names = {0: "PERP", 1: "COINS", 2: "bank", 3: "bank", 4: "bank", 5: "bank"}
    kinds = [EventKind.MARK, EventKind.ORDER, EventKind.ORACLE, EventKind.LIQUIDATION]
    events = np.zeros(count, cs.EVENT_DTYPE)
    events["kind"] = generator.choice(kinds, count)
    events["market"] = generator.integers(0, 6, count)
    back = generator.integers(1, 30, count)
    events["cause"] = np.maximum(np.arange(count) - back, -1)
    events["price"] = 1
    matrix = cs.Contagion.of(engine, events, 0)
    rows = [{name: int(row[name]) for name in ("kind", "market", "cause")} for row in events]
    for (source, target), found in slow_matrix(rows, names).items():
        assert matrix.count(source, target) == found
    assert matrix.counts.sum() == (events["kind"] == EventKind.LIQUIDATION).sum()


def test_domains_put_together(engine):
    matrix = cs.Contagion.of(engine, chain(), 0)
    with pytest.raises(ValueError, match=r"not of one money: \['BTC', 'USD'\]"):
        matrix.grouped({"exchange": ["PERP", "COINS"]})
    both = matrix.grouped({"dollars": ["bank", "PERP"]})
    assert both.domains == ("dollars", "COINS")
    assert both.counts.tolist() == [[3, 0], [0, 1], [1, 2]]
    assert both.notional[:, 0].tolist() == [
        30 * 190 * 0.05 + 20 * 170 * 0.05 + 40 * 180 * 0.05,
        0,
        10 * 199 * 0.05,
    ]
    with pytest.raises(KeyError, match="elsewhere"):
        matrix.grouped({"a": ["elsewhere"]})
    with pytest.raises(ValueError, match="named twice"):
        matrix.grouped({"a": ["bank"], "b": ["bank"]})
    with pytest.raises(ValueError, match="name of a domain"):
        matrix.grouped({"PERP": ["bank"]})


def test_unknown_domains(engine):
    matrix = cs.Contagion.of(engine, chain(), 0)
    assert matrix.count("outside", "COINS") == 2
    with pytest.raises(KeyError, match="nobody"):
        matrix.count("nobody", "bank")
    with pytest.raises(KeyError, match="outside"):
        matrix.count("bank", "outside")


def test_text(engine):
    matrix = cs.Contagion.of(engine, chain()[:15], 0)
    assert str(matrix) == (
        "triggered by  PERP  bank\n"
        "PERP             0     1\n"
        "bank             1     0\n"
        "outside          1     0"
    )
    assert matrix.table(notional=True).splitlines()[1] == "PERP             0   285"
    assert repr(matrix) == (
        "<Contagion: 3 liquidations in 3 domains, 0.667 triggered by another domain>"
    )


def test_nothing_happened():
    matrix = cs.Contagion.of(cs.Engine())
    assert matrix.counts.shape == (1, 0)
    assert np.isnan(matrix.spread)
    assert cs.Engine().step().contagion.domains == ()


def test_steps_and_runs():
    engine = cs.Engine(asset_decimals=0)
    rules = cs.Rules(feed="last", tiers=((0, 0),))
    market = engine.add_market("X", tick_size=1, lot_size=1, venue=cs.Impact.linear(1), rules=rules)
    market.set_index(1000)
    engine.accounts.open_ladder(market, side="long", size=5, trigger=[990, 986], bankruptcy=900)
    run = engine.run({"X": [995, 989]})
    assert run.contagion.counts.tolist() == [[1], [1]]
    engine.accounts.open_ladder(market, side="long", size=5, trigger=[950], bankruptcy=900)
    assert engine.step(index={"X": 955}).contagion.counts.tolist() == [[0], [1]]
