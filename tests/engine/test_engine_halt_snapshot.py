"""Copies and files of engines with circuit breakers: they go on as the original does."""

import numpy as np
import pytest
from engine_kit import core_kit
from random_engine_actions import Actor, draw_history

import cascade as cs
from cascade import snapshot

WINDOW = cs.Breaker(
    reference="window", lower="0.03", upper="0.03", window=60, pause=10, hard=False,
    throttle_lots=4, throttle_window=20,
)  # fmt: skip
MEAN = cs.Breaker(
    reference="mean", lower="0.05", upper="0.05", window=60, min_change="0.01", min_age=30,
    limit_state=15, pause=None, beyond="reprice", forced="wait", extensions=2, extension=5,
    levels=[("0.5", 3), ("0.7", None)], close=100, cancel_only=None, throttle_notional=400,
    throttle_window=9, floor="0.4", ceiling="0.6", replenish="-0.5", linked=True,
)  # fmt: skip


def histories(count):
    """Seeds whose histories have a breaker that halts."""
    found = []
    for seed in range(1, 400):
        setup, actions = draw_history(seed)
        if sum(bool(rules.get("breaker")) for rules in setup.rules) < 2:
            continue
        if any(callable(rules.get("adl")) for rules in setup.rules):
            continue  # a function cannot be saved
        actor = Actor(core_kit(), setup)
        for name, arguments in actions:
            actor.act(name, arguments)
        if (actor.engine.events["kind"] == cs.EventKind.HALT).sum() > 4:
            found.append(seed)
        if len(found) == count:
            break
    return found


@pytest.mark.parametrize("seed", histories(6))
def test_a_copy_at_any_time_goes_on_as_the_original(seed, tmp_path):
    setup, actions = draw_history(seed)
    actor = Actor(core_kit(), setup)
    for at, (name, arguments) in enumerate(actions):
        if at % 7 == 0:
            actor.engine.save(tmp_path / "engine")
            other = cs.Engine.load(tmp_path / "engine")
            assert other.state_hash() == actor.engine.state_hash()
            twin = Actor.__new__(Actor)
            twin.kit, twin.setup, twin.engine = actor.kit, setup, other
            twin.markets, twin.seen = other.markets, len(other.events)
            actor.seen = len(actor.engine.events)
            for again, told in actions[at : at + 12]:
                twin.act(again, told)
            kept = twin.engine.state_hash()
            went_on = twin.news()
        actor.act(name, arguments)
        if at % 7 == 6 and at + 6 < len(actions):
            ahead = actor.engine.copy()
            follower = Actor.__new__(Actor)
            follower.kit, follower.setup, follower.engine = actor.kit, setup, ahead
            follower.markets, follower.seen = ahead.markets, actor.seen
            for again, told in actions[at + 1 : at + 6]:
                follower.act(again, told)
            assert follower.engine.state_hash() == kept
            assert follower.news() == went_on


def busy_engine() -> cs.Engine:
    engine = cs.Engine(asset_decimals=0)
    for name, breaker in (("A", WINDOW), ("B", MEAN)):
        market = engine.add_market(
            name, tick_size=1, lot_size=1, rules=cs.Rules(tiers=((0, 0),), breaker=breaker)
        )
        market.book.load_depth([(99, 9), (96, 9), (90, 9)], [(101, 9), (104, 9)])
    for market in engine.markets:
        for _ in range(3):
            market.book.market("sell", 2)
            market.book.market("buy", 2)
            engine.step(dt=7)
    return engine


def test_rules_come_back_as_they_were():
    engine = busy_engine()
    for market, other in zip(engine.markets, engine.copy().markets, strict=True):
        assert other.rules.breaker.settings() == market.rules.breaker.settings()
        assert other.halt_state == market.halt_state


def test_a_changed_breaker_is_another_state():
    engine = busy_engine()
    before = engine.state_hash()
    engine.markets[0].set_close(77)
    assert engine.state_hash() != before


@pytest.mark.parametrize("at", range(2, 40))
@pytest.mark.parametrize("value", [-(2**62), -2, 2**40, 2**62])
def test_a_hostile_state_is_refused_or_harmless(at, value):
    arrays = snapshot.to_arrays(busy_engine())
    numbers = np.array(arrays["breakers"])
    numbers[at] = value
    arrays["breakers"] = numbers
    try:
        engine = snapshot.from_arrays(arrays)
    except snapshot.REFUSALS:
        return
    engine.step(dt=100)
    engine.validate()


def test_missing_numbers_are_refused():
    arrays = snapshot.to_arrays(busy_engine())
    for stored in (
        arrays["breakers"][:-1],
        arrays["breakers"][:0],
        np.append(arrays["breakers"], 0),
    ):
        with pytest.raises(ValueError, match="breaker"):
            snapshot.from_arrays({**arrays, "breakers": stored})
