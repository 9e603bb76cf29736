"""Copies and files of engines with soft liquidation, and what is refused of changed ones."""

import numpy as np
import pytest
from engine_kit import core_kit
from random_bands import Actor, draw_history

import cascade as cs
from cascade import snapshot

pytestmark = pytest.mark.skipif(core_kit() is None, reason="the compiled engine is not built")


def played(seed, upto):
    setup, actions = draw_history(seed)
    actor = Actor(core_kit(), setup)
    for name, arguments in actions[:upto]:
        actor.act(name, arguments)
    return actor, actions[upto:]


@pytest.mark.parametrize("seed", range(8))
def test_a_copy_and_a_file_go_on_bit_for_bit(tmp_path, seed):
    actor, rest = played(seed, 16)
    actor.engine.save(tmp_path / "engine.npz")
    ends = []
    for engine in (actor.engine, actor.engine.copy(), cs.Engine.load(tmp_path / "engine.npz")):
        actor.engine = engine
        actor.market, actor.bands = engine.market("ETH"), engine.lending.bands["bands"]
        for name, arguments in rest:
            actor.act(name, arguments)
        engine.validate()
        ends.append((engine.state_hash(), engine.events.tobytes(), engine.totals()))
    assert ends[0] == ends[1] == ends[2]


def test_terms_come_back():
    engine = cs.Engine()
    market = engine.add_market(
        "ETH", tick_size="0.01", lot_size="0.001", rules=cs.Rules(feed="index")
    )
    market.set_index(2000)
    rules = cs.rules.crvusd("documents", fee="0.01")
    engine.lending.add_bands("a", price="ETH", rules=rules, rate="0.07", oracle=cs.Oracle(delay=12))
    copied = engine.copy().lending.bands["a"]
    assert copied.given == engine.lending.bands["a"].given
    assert copied.rules.numbers() == rules.numbers()
    assert copied.collateral.given["delay"] == 12 * 10**9


def with_a_due_loan():
    """Of two loans at 3,000 the first is due at 2,000, and nobody liquidates."""
    engine = cs.Engine()
    market = engine.add_market(
        "ETH", tick_size="0.01", lot_size="0.001", rules=cs.Rules(feed="index")
    )
    market.set_index(3000)
    engine.liquidators.add(cs.Liquidator(gas=10_000))
    bands = engine.lending.add_bands("a", price="ETH", venue=None)
    bands.open(collateral=[1, 1], debt=[2600, 500], bands=4)
    assert engine.step(index={"ETH": 2000}, dt=600).pending == 1
    return engine, market


@pytest.mark.parametrize("through_a_file", [False, True])
def test_a_loan_that_is_due_until_it_is_looked_at_is_so_in_a_copy(tmp_path, through_a_file):
    engine, market = with_a_due_loan()
    market.set_index(3100)  # it is well again, and nobody has looked
    if through_a_file:
        engine.save(tmp_path / "engine.npz")
        other = cs.Engine.load(tmp_path / "engine.npz")
    else:
        other = engine.copy()
    assert other.state_hash() == engine.state_hash()
    assert (other.pending, engine.pending) == (1, 1)
    other.validate()
    assert [each.step(dt=600).pending for each in (other, engine)] == [0, 0]
    assert other.state_hash() == engine.state_hash()


def test_a_due_loan_is_not_hidden_by_a_file():
    arrays = {k: v.copy() for k, v in snapshot.to_arrays(with_a_due_loan()[0]).items()}
    assert arrays["loans"]["due"].tolist() == [1, 0]
    arrays["loans"]["due"][0] = 0
    with pytest.raises(ValueError, match="due or not"):
        snapshot.from_arrays(arrays)


def stored():
    engine = played(3, 28)[0].engine
    arrays = {k: v.copy() for k, v in snapshot.to_arrays(engine).items()}
    assert len(arrays["bands"]) > 4 < len(arrays["loan_shares"])
    return arrays


@pytest.mark.parametrize(
    ("array", "field", "change"),
    [
        ("band_markets", "index", -1), ("band_markets", "scaled", 1), ("band_markets", "active", 10**6),
        ("band_markets", "lots_in", 1), ("band_markets", "stable_out", 1), ("band_markets", "issued", 10**6),
        ("band_markets", "last_time", 2**60), ("band_markets", "last_price", -(2**62)),
        ("band_markets", "loans", 1), ("band_markets", "changed", 10**9),
        ("band_markets", "purchases_since", 2**60), ("band_markets", "sales_since", -(2**60)),
        ("bands", "number", 10**6), ("bands", "collateral", 1), ("bands", "stable", 1),
        ("bands", "shares", 1), ("loans", "debt", 1), ("loans", "account", 10**6),
        ("loans", "bands", 1), ("loans", "first", -(10**5)), ("loans", "due", 2), ("loans", "cause", 10**9),
    ],
)  # fmt: skip
def test_a_changed_number_is_refused(array, field, change):
    arrays = stored()
    arrays[array][field][0] += change
    with pytest.raises(ValueError, match="soft liquidation"):
        snapshot.from_arrays(arrays)


def test_changed_shares_are_refused():
    arrays = stored()
    arrays["loan_shares"][0] += 1
    with pytest.raises(ValueError, match="soft liquidation"):
        snapshot.from_arrays(arrays)
    arrays = stored()
    arrays["loan_shares"] = np.append(arrays["loan_shares"], 1)
    with pytest.raises(ValueError, match="left over"):
        snapshot.from_arrays(arrays)
