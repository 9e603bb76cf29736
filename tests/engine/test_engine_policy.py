"""A user's function as the policy of deleveraging, on the twin and on the core."""

import numpy as np
import pytest
from engine_kit import pick, rows

SHORTS = [(8, 100, 5), (6, 110, 10), (26, 95, 5)]


def market_of(kit, policy, longs=1, **keywords):
    engine = kit.engine(**keywords)
    rules = {"tiers": [(0, 0.01)], "feed": "index", "adl": policy}
    market = kit.market(engine, rules=rules)
    market.set_index(100)
    for _ in range(longs):
        engine.accounts.open(market, side="long", size=10, entry=100, leverage=10)
    for size, entry, leverage in SHORTS:
        engine.accounts.open(market, side="short", size=size, entry=entry, leverage=leverage)
    return engine, market


def test_highest_number_first_and_ties_to_the_lower_account(kit):
    engine, market = market_of(kit, lambda columns: abs(columns.size) < 8)
    market.set_index(90)
    engine.step()
    assert pick(rows(engine, "adl"), "counterparty", "quantity") == [(2, 6), (1, 4)]
    engine.validate()


def test_is_asked_once_a_wave_with_columns(kit):
    seen = []

    def policy(columns):
        seen.append(columns)
        return columns.leverage

    engine, market = market_of(kit, policy, longs=3, execution="batch")
    market.set_index(90)
    engine.step()
    assert pick(rows(engine, "adl"), "account", "counterparty", "quantity") == [
        (0, 4, 6), (0, 3, 4), (1, 3, 4), (1, 5, 6), (2, 5, 10),
    ]  # fmt: skip
    (columns,) = seen
    assert columns.account.tolist() == [3, 4, 5]
    assert columns.size.tolist() == [-8, -6, -26]
    assert columns.entry_value.tolist() == [-800, -660, -2470]
    assert columns.mark_value.tolist() == [-720, -540, -2340]
    assert columns.equity.tolist() == [160 + 80, 66 + 120, 494 + 130]
    assert columns.collateral.tolist() == [160, 66, 494]
    assert columns.maintenance.tolist() == [8, 6, 24]
    assert columns.leverage.tolist() == [500, 1000, 500]
    engine.validate()


def test_any_numbers_are_compared_exactly(kit):
    # numbers that are one as floats
    engine, market = market_of(kit, lambda columns: [2**70 + k for k in (1, 0, 2)])
    market.set_index(90)
    engine.step()
    assert pick(rows(engine, "adl"), "counterparty", "quantity") == [(3, 10)]


def core():
    return pytest.importorskip("cascade")


class RefusedError(Exception):
    pass


def test_what_it_raises_ends_the_step_and_leaves_a_valid_engine():
    cs = core()
    calls = []

    def policy(columns):
        calls.append(len(columns))
        if len(calls) == 1:
            raise RefusedError("not today")
        return columns.size

    engine = cs.Engine(asset_decimals=0)
    market = engine.add_market(
        "X", tick_size=1, lot_size=1, rules=cs.Rules(tiers=((0, "0.01"),), feed="index", adl=policy)
    )
    market.set_index(100)
    engine.accounts.open(market, side="long", size=10, entry=100, leverage=[10, 10])
    engine.accounts.open(market, side="short", size=30, entry=100, leverage=2)
    with pytest.raises(RefusedError, match="not today"):
        engine.step(index={"X": 90})
    engine.validate()
    # the unit at hand was closed, by the house; the other one waits
    assert engine.accounts.size(market).tolist() == [0, 10, -30]
    assert engine.pending == 1
    assert engine.step().adl_lots == 10
    engine.validate()
    assert calls == [1, 1]


@pytest.mark.parametrize(
    ("given", "reason"),
    [([1, 2], "shape"), ([float("nan")], "finite"), (["a"], "finite numbers")],
)
def test_answers_that_are_no_scores(given, reason):
    cs = core()
    rules = cs.Rules(tiers=((0, "0.01"),), feed="index", adl=lambda columns: given)
    engine = cs.Engine(asset_decimals=0)
    market = engine.add_market("X", tick_size=1, lot_size=1, rules=rules)
    market.set_index(100)
    engine.accounts.open(market, side="long", size=10, entry=100, leverage=10)
    engine.accounts.open(market, side="short", size=10, entry=100, leverage=2)
    with pytest.raises(ValueError, match=reason):
        engine.step(index={"X": 90})
    engine.validate()


def test_engine_is_busy_while_it_asks():
    cs = core()
    engine = cs.Engine(asset_decimals=0)
    rules = cs.Rules(feed="index", adl=lambda columns: engine.step() and columns.size)
    market = engine.add_market("X", tick_size=1, lot_size=1, rules=rules)
    market.set_index(100)
    engine.accounts.open(market, side="long", size=10, entry=100, leverage=10)
    engine.accounts.open(market, side="short", size=10, entry=100, leverage=2)
    with pytest.raises(RuntimeError, match="in use"):
        engine.step(index={"X": 90})
    engine.validate()


def test_runs_and_copies_take_it_along_and_files_refuse(tmp_path):
    cs = core()
    engine = cs.Engine(asset_decimals=0)
    rules = cs.Rules(tiers=((0, "0.01"),), feed="index", adl=lambda columns: columns.equity)
    market = engine.add_market("X", tick_size=1, lot_size=1, rules=rules)
    market.set_index(100)
    engine.accounts.open(market, side="long", size=10, entry=100, leverage=[10, 5])
    engine.accounts.open(market, side="short", size=[30, 12], entry=100, leverage=[2, 1])
    other = engine.copy()
    with pytest.raises(ValueError, match="has a function as adl"):
        engine.save(tmp_path / "engine.npz")
    found = [one.run({"X": [90, 80]}) for one in (engine, other)]
    assert found[0].steps["adl_lots"].tolist() == [10, 10]
    assert np.array_equal(found[0].events, found[1].events)
    assert engine.state_hash() == other.state_hash()
