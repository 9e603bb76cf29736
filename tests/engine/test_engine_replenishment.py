"""Depth that a cascade took and a halt brings back, bands that widen by the clock, and a leading market."""

from datetime import time

import pytest
from engine_kit import BUY, SELL, core_kit, pick, rows

import cascade as cs

PAUSING = {"close": 100, "lower": "0.05", "upper": "0.05", "pause": 10}


def booked(kit, **breaker):
    engine = kit.engine()
    market = kit.market(engine, rules={"breaker": {**PAUSING, **breaker}})
    market.book.load_depth([(99, 5), (95, 5), (90, 50)], [(101, 5), (104, 5)])
    return engine, market


def depth(market):
    return [[level[:2] for level in side] for side in (market.book.bids(), market.book.asks())]


def falling(kit, share):
    """Two lots a tick, three holders of six lots, each three ticks below the one before."""
    engine = kit.engine()
    breaker = {"close": 100, "levels": (("0.06", 10),), "replenish": share}
    market = kit.market(engine, rules={"breaker": breaker})
    market.book.load_depth([(price, 2) for price in range(99, 79, -1)], [])
    for trigger in (97, 94, 91):
        engine.accounts.open_ladder(market, side="long", size=[6], trigger=trigger, bankruptcy=50)
    kit.trade(engine, market, SELL, 6)
    return engine, market


@pytest.mark.parametrize(
    ("share", "liquidated", "low"),
    # nothing: 93 ... 91, then 90 ... 88; half: 99 ... 94 at one lot; all of it: 99 ... 97
    [(0, 2, 88), ("0.5", 1, 94), (1, 1, 97)],
)
def test_a_halt_ends_a_cascade_when_enough_depth_comes_back(kit, share, liquidated, low):
    engine, market = falling(kit, share)
    assert engine.step(dt=1).liquidated == 1
    # 96 ... 94: the level; the second holder is due and waits
    assert market.last == 94
    before = len(engine.events)
    assert engine.step(dt=10).liquidated == liquidated
    assert min(row["price"] for row in rows(engine, "fill", before)) == low
    engine.validate()


def test_what_was_taken_before_the_window_does_not_come_back(kit):
    engine, market = booked(kit, replenish=1, window=5)
    kit.trade(engine, market, SELL, 5)
    engine.step(dt=5)
    kit.trade(engine, market, SELL, 2)
    # at 99 it is 5 s old; during the halt the two at 95 grow as old and count
    engine.step(dt=10)
    assert depth(market) == [[(95, 5), (90, 50)], [(101, 5), (104, 5)]]


def test_both_sides_come_back_and_are_forgotten(kit):
    engine, market = booked(kit, replenish="0.5")
    kit.trade(engine, market, BUY, 7)
    kit.trade(engine, market, SELL, 4)
    market.halt(3)
    engine.step(dt=3)
    # 5 at 101 and 2 at 104, 4 at 99
    assert depth(market) == [[(99, 3), (95, 5), (90, 50)], [(101, 2), (104, 4)]]
    market.halt(3)
    engine.step(dt=3)
    assert depth(market) == [[(99, 3), (95, 5), (90, 50)], [(101, 2), (104, 4)]]


def test_depth_stated_anew_is_whole(kit):
    engine, market = booked(kit, replenish=1)
    kit.trade(engine, market, SELL, 4)
    market.book.load_depth([(98, 7)], [(102, 7)], replace=True)
    market.halt(3)
    engine.step(dt=3)
    assert depth(market) == [[(98, 7)], [(102, 7)]]


def test_orders_of_accounts_do_not_come_back(kit):
    engine, market = booked(kit, replenish=1)
    account = engine.accounts.create(1, balance=1000)[0]
    kit.limit(engine, market, BUY, 100, 3, account=int(account))
    kit.trade(engine, market, SELL, 4)
    market.halt(3)
    engine.step(dt=3)
    assert depth(market)[0] == [(99, 5), (95, 5), (90, 50)]


def test_a_copy_brings_back_what_the_original_does():
    kit = core_kit()
    if kit is None:
        pytest.skip("cascade.Engine cannot be imported: the compiled engine is not built")
    engine, market = falling(kit, "0.5")
    engine.step(dt=1)
    other = engine.copy()
    assert other.state_hash() == engine.state_hash()
    for each in (engine, other):
        each.step(dt=10)
        each.validate()
    assert other.state_hash() == engine.state_hash()
    assert depth(other.market("X")) == depth(market)


def edges(kit, market):
    if kit.name == "core":
        return market.halt_state.lower, market.halt_state.upper
    return market.halts.edges


def test_a_band_is_wider_within_its_spans(kit):
    engine, market = booked(kit, reference="index", widened=((2, 5, 2), ("4.5", 7, 30)))
    market.set_index(100)
    found = [edges(kit, market)]
    for _ in range(7):
        engine.step(dt=1)
        found.append(edges(kit, market))
    # the first of two spans counts; a share below the reference is one at most
    wide = (90, 110)
    assert found[:5] == [(95, 105), (95, 105), wide, wide, wide]
    assert found[5:] == [(found[5][0], 250), (found[5][0], 250), (95, 105)]
    assert found[5][0] in (0, None)


@pytest.mark.parametrize(("leads", "phases"), [(True, [3, 3]), (False, [3])])
def test_a_leading_market_pauses_the_others(kit, leads, phases):
    engine = kit.engine()
    made = []
    for name, first in (("A", leads), ("B", False)):
        breaker = {**PAUSING, "linked": True, "leads": first}
        made.append(kit.market(engine, name, rules={"breaker": breaker}))
        made[-1].book.load_depth([(99, 5), (95, 5)], [(101, 5)])
    kit.trade(engine, made[0], SELL, 6)
    halts = rows(engine, "halt")
    assert pick(halts, "code") == [(phase,) for phase in phases]
    if leads:
        assert pick(halts, "market", "quantity", "order") == [(0, 0, 10**10), (1, 0, 10**10)]
        assert halts[1]["cause"] == len(engine.events) - 2
    engine.step(dt=10)
    # the others pause alone
    kit.trade(engine, made[1], SELL, 6)
    assert rows(engine, "halt")[-1]["market"] == 1


def test_the_presets_know_the_time_of_day_and_the_lead_month():
    assert cs.rules.luld(1, 100, clock_starts=time(15, 30)).widened == ((300, 1800, 2),)
    assert cs.rules.luld(2, 100, clock_starts=time(15, 30)).widened == ()
    old = cs.rules.luld(2, 100, clock_starts=time(9, 30), regime="original")
    assert old.widened == ((0, 900, 2), (21_900, 23_400, 2))
    late = cs.rules.luld(1, 100, clock_starts=time(15, 40), regime="original")
    assert late.widened == ((0, 1200, 2),)
    with pytest.raises(ValueError, match="give one of at"):
        cs.rules.luld(1, 100, time(10), clock_starts=time(9, 30))
    lead, other, alone = (cs.rules.cme(4000, lead=lead) for lead in (True, False, None))
    assert (lead.linked, lead.leads, other.linked, other.leads) == (True, True, True, False)
    assert (alone.linked, alone.leads) == (False, False)
    assert cs.Breaker.from_settings(old.settings()).settings() == old.settings()


def test_a_straddle_state_is_told():
    engine = cs.Engine()
    market = engine.add_market(
        "X", tick_size=1, lot_size=1, rules=cs.Rules(breaker=cs.Breaker(**PAUSING))
    )
    market.book.load_depth([(96, 5)], [(104, 5)])
    assert not market.halt_state.straddle
    market.book.load_depth([(94, 5)], [(104, 5)], replace=True)
    assert market.halt_state.straddle
    market.halt(300)
    assert not market.halt_state.straddle


@pytest.mark.parametrize(
    ("widened", "message"),
    [
        (((5, 5, 2),), r"widened\[0\] from 5 s is not before 5 s"),
        (((0, 5, 0),), r"widened\[0\] factor 0 is outside 1 \.\.\. 1000"),
        (((0, 5),), r"widened\[0\] must be \(seconds, seconds, factor\)"),
        (((0, 1, 1),) * 9, "widened has 9 entries, at most 8"),
    ],
)
def test_spans_are_checked(widened, message):
    with pytest.raises(ValueError, match=message):
        cs.Breaker(widened=widened)
