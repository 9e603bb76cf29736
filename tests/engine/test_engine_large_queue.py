"""Queues with many shelves behind their heap, which are filled, split, merged and taken over.

Engines small enough for the slow twin have none, so these are checked by what must hold.
"""

import numpy as np
import pytest

import cascade as cs

ACCOUNTS = 150_000
START = 100_000

pytestmark = pytest.mark.slow


def ladder(venue: cs.Impact | None = None) -> tuple[cs.Engine, cs.Market, np.ndarray]:
    random = np.random.default_rng(5)
    engine = cs.Engine(asset_decimals=0)
    market = engine.add_market(
        "X",
        tick_size=1,
        lot_size=1,
        rules=cs.Rules(feed="index"),
        venue=venue or cs.Impact.linear(0),
    )
    market.set_index(START)
    triggers = random.integers(START // 2, START, ACCOUNTS)
    engine.accounts.open_ladder(
        market, side="long", size=1, trigger=triggers, bankruptcy=triggers - 100
    )
    return engine, market, triggers


def taken(engine: cs.Engine) -> np.ndarray:
    return engine.events[engine.events["kind"] == cs.EventKind.LIQUIDATION]["account"]


def test_units_are_taken_in_order_of_their_triggers():
    engine, _, triggers = ladder()
    expected = np.lexsort((np.arange(ACCOUNTS), -triggers))
    expected = expected[triggers[expected] >= 70_000]
    result = engine.step(index={"X": 70_000})
    assert result.liquidated == len(expected) > ACCOUNTS // 2
    np.testing.assert_array_equal(taken(engine), expected)
    engine.validate()


def test_a_copy_made_between_budgets_goes_on_like_the_engine():
    engine, _, triggers = ladder()
    engine.budget(accounts=777)
    due = int((triggers >= 70_000).sum())
    result = engine.step(index={"X": 70_000})
    for _ in range(3):
        due -= 777
        assert result.pending == due
        other = engine.copy()
        engine.validate()
        other.validate()
        result = engine.step()
        assert other.step().pending == result.pending
        assert engine.state_hash() == other.state_hash()


@pytest.mark.parametrize("per_step", [1, 40, 1_500])
def test_cross_units_come_due_exactly_when_their_margin_is_gone(per_step):
    """Two markets fall by turns; after each step every account that is left is healthy."""
    random = np.random.default_rng(8)
    count = 70_000
    engine = cs.Engine(asset_decimals=0)
    rules = cs.Rules(tiers=[(0, "0.005")], feed="index")
    for name in ("X", "Y"):
        market = engine.add_market(
            name, tick_size=1, lot_size=1, rules=rules, venue=cs.Impact.linear(0)
        )
        market.set_index(START)
    ids = engine.accounts.create(count)
    leverage = random.uniform(3, 40, count)
    for name in ("X", "Y"):
        engine.accounts.open(
            name, side="long", size=random.integers(1, 50, count), entry=START, leverage=leverage,
            account=ids, mode="cross",
        )  # fmt: skip
    marks = {"X": START, "Y": START}
    for turn in range(8):
        name = "XY"[turn % 2]
        marks[name] -= 10 * per_step
        engine.step(index={name: marks[name]})
        engine.validate()
        accounts = engine.accounts
        open_ = accounts.size("X")[ids] != 0
        assert (accounts.equity[ids][open_] >= accounts.maintenance[ids][open_]).all()


def test_triggers_that_wander_keep_their_order():
    """Deposits move every trigger into one narrow range after another, in random order."""
    random = np.random.default_rng(13)
    count = 8_000
    engine = cs.Engine(asset_decimals=0)
    market = engine.add_market(
        "X", tick_size=1, lot_size=1, rules=cs.Rules(feed="index"), venue=cs.Impact.linear(0)
    )
    market.set_index(START)
    ids = engine.accounts.open(market, side="long", size=1, entry=START, leverage=random.uniform(
        4, 40, count), mode="cross")  # fmt: skip
    balance = engine.accounts.balance.astype(int)
    for depth in (30_000, 45_000, 55_000, 75_000):
        for number, account in enumerate(random.permutation(ids).tolist()):
            wanted = depth + int(random.integers(0, 300))
            engine.accounts.deposit(account, wanted - int(balance[account]))
            balance[account] = wanted
            if number % 1_000 == 0:
                engine.validate()
    prices = engine.accounts.liquidation_price(market)
    assert len(np.unique(prices)) > 200
    expected = np.lexsort((ids, -prices[ids]))
    half = float(np.median(prices))
    expected = ids[expected][prices[ids][expected] >= half]
    assert engine.step(index={"X": half}).liquidated == len(expected)
    np.testing.assert_array_equal(taken(engine), expected)
    engine.validate()
