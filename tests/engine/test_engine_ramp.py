"""A shortage freed bit by bit, by a share that grows with time; worked by hand (docs/step.md)."""

from fractions import Fraction

import numpy as np
import pytest
from engine_kit import core_kit, pick, rows
from test_engine_partial_units import crossed

import cascade as cs
from cascade import _ramp, partial, snapshot

TENTH = ("shortage", "0.02", "0.1", 60)


def alone(kit, rule, *, price=94, margin=10_000, bids=None):
    """A long of 1,000 at 100 with maintenance of 5 %, its index moved to `price`."""
    engine = kit.engine()
    rules = {"tiers": [(0, "0.05")], "feed": "index", "surplus": "trader", "partial": rule}
    market = kit.market(engine, rules=rules)
    market.book.load_depth(list(bids or [(price, 10**6)]), [])
    market.set_index(100)
    engine.accounts.open(market, side="long", size=1000, entry=100, margin=margin)
    market.set_index(price)
    return engine, market


def closed(engine, start=0):
    return [row["quantity"] for row in rows(engine, "liquidation", start)]


def test_a_tenth_at_once_and_more_a_second_later(kit):
    engine, _ = alone(kit, TENTH)
    assert engine.step(dt=1).pending == 1
    # 4,700 + 1,880 + 120 are asked of 4,000; 270 of 2,700 are freed: 958 ask 4,503 + 1,801.04 + 120
    assert closed(engine) == [42]
    engine.step(dt=1)
    # 281 were freed and 2,419 are missing: 11.67 % of 2,700 are 315, 34 more; 952 ask 6,379.72 of 6,385
    assert closed(engine) == [42, 6]
    engine.validate()


@pytest.mark.parametrize("seconds", [1, 7, 30, 59, 200])
def test_lots_are_those_of_the_protocols_formula(kit, seconds):
    engine, _ = alone(kit, TENTH)
    engine.step(dt=1)
    engine.step(dt=seconds)
    share = partial.freeable_share(2419, seconds, 60, "0.1", 281, 0)
    exact = partial.size_to_cover(2419, 94, Fraction("0.07")) * share
    # rounded up to lots, maintenance and what is freed up to atoms of which a lot frees 6.58
    assert 0 <= closed(engine)[1] - exact < 2


def test_it_goes_on_until_nothing_is_missing(kit):
    engine, market = alone(kit, TENTH, margin=10_690)
    result = engine.step(dt=1)
    # equity 4,690 of 4,700, and 6,700 with the buffer: 201 are freed by 31 lots, and 4,555 are asked then
    assert closed(engine) == [31]
    assert (result.liquidated, result.pending) == (1, 1)
    assert engine.step(dt=60).pending == 0
    # 695 ask 3,267 + 1,306.6 + 116.28
    assert closed(engine) == [31, 274]
    assert list(engine.accounts.size(market)) == [695]
    assert engine.step(dt=60).liquidated == 0
    engine.validate()


def test_a_recovered_unit_begins_anew(kit):
    engine, market = alone(kit, TENTH, margin=10_690, bids=[(94, 31), (93, 10**6)])
    engine.step(dt=1)
    market.set_index(100)
    result = engine.step(dt=30)
    assert (result.liquidated, result.pending) == (0, 0)
    market.set_index(93)
    engine.step(dt=1)
    # 4,506 + 1,802.34 + 135.66 of 3,721: a tenth of 2,723 is 273, and 927 ask 6,170.88 of 6,171
    assert closed(engine) == [31, 42]


@pytest.mark.parametrize(
    ("rule", "lots"),
    [
        ((*TENTH, 2700), 42),
        # a shortage of 2,700 is below it: 589 ask 3,996.32 of 4,000
        ((*TENTH, 2701), 411),
        (("shortage", "0.02", "0.1", 0), 411),
        (("shortage", "0.02", 1, 60), 411),
        # 5,400 are missing to a tenth of the notional, and half of it is freed: 712 ask 6,692.8
        (("target", "0.1", "0.5", 10), 288),
    ],
)
def test_small_shortages_and_other_terms(kit, rule, lots):
    engine, _ = alone(kit, rule)
    engine.step(dt=1)
    assert closed(engine) == [lots]


def test_without_an_initial_share_the_first_look_starts_the_clock(kit):
    engine, market = alone(kit, ("shortage", "0.02", 0, 60))
    kit.limit(engine, market, 1, 200, 1, account=0)
    result = engine.step(dt=1)
    assert (result.liquidated, result.pending) == (0, 1)
    assert not rows(engine, "cancel")
    engine.step(dt=6)
    assert closed(engine) == [42]
    assert len(rows(engine, "cancel")) == 1
    engine.validate()


def test_without_equity_all_is_closed(kit):
    engine, _ = alone(kit, TENTH, margin=6000)
    engine.step(dt=1)
    assert closed(engine) == [1000]


def test_the_shortage_is_the_units(kit):
    engine, _ = crossed(kit, 15_000, {"partial": TENTH}, sizes=(1000, 1000))
    engine.step(dt=1)
    # 6,700 + 7,000 of 9,000: 470 of 4,700 are freed by 68 of Y, and none of X need go
    assert closed(engine) == [68]
    assert pick(rows(engine, "liquidation"), "market") == [(1,)]
    engine.validate()


def test_closing_it_otherwise_ends_it(kit):
    engine, market = alone(kit, TENTH, margin=10_690)
    engine.step(dt=1)
    engine.accounts.deposit(0, 200_000)
    engine.accounts.transfer(0, market, 5000)
    # 9,690 of less than 6,700
    assert engine.step(dt=1).pending == 0
    assert closed(engine) == [31]
    engine.validate()


def in_liquidation(price=94):
    engine = cs.Engine(asset_decimals=0)
    rules = cs.Rules(tiers=[(0, "0.05")], feed="index", surplus="trader", partial=TENTH)
    markets = [engine.add_market(n, tick_size=1, lot_size=1, rules=rules) for n in "XY"]
    for market in markets:
        market.book.load_depth([(price, 10**6)], [])
        market.set_index(100)
        engine.accounts.open(market, side="long", size=1000, entry=100, margin=10_690)
    (owner,) = engine.accounts.create(1, balance=10_690)
    engine.accounts.set_leverage(int(owner), markets[0], 100, "cross")
    engine.accounts.open(
        markets[0], side="long", size=1000, entry=100, margin=0, mode="cross", account=owner
    )
    for market in markets:
        market.set_index(price)
    engine.step(dt=1)
    return engine


def test_copies_and_files_keep_it(tmp_path):
    engine = in_liquidation()
    began = 10**9
    # a tenth of 2,010 is 201; 31 lots free 145 + 58.28 + 3.72
    expected = [(2, -1, began, 207), (0, 0, began, 207), (1, 1, began, 207)]
    assert sorted(_ramp.ramp_rows(engine).tolist()) == sorted(expected)
    engine.save(tmp_path / "engine.npz")
    others = [engine.copy(), cs.Engine.load(tmp_path / "engine.npz")]
    for other in others:
        assert other.state_hash() == engine.state_hash()
    for _ in range(3):
        engine.step(dt=9)
    for other in others:
        for _ in range(3):
            other.step(dt=9)
        assert other.state_hash() == engine.state_hash()
        assert np.array_equal(other.events, engine.events)
        other.validate()


def test_when_it_began_is_part_of_the_hash():
    engine = in_liquidation()
    arrays = snapshot.to_arrays(engine)
    arrays["ramps"]["began"] -= 1
    assert snapshot.from_arrays(arrays).state_hash() != engine.state_hash()


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("account", 3, "out of range"),
        ("account", 1, "no isolated unit of account 1"),
        ("position", 3, "out of range"),
        ("position", 2, "no isolated unit"),
        ("began", 10**9 + 1, "begin or freed margin out of range"),
        ("began", -1, "begin or freed margin out of range"),
        ("freed", -1, "begin or freed margin out of range"),
    ],
)
def test_rows_that_are_refused(field, value, text):
    arrays = snapshot.to_arrays(in_liquidation())
    k = int(np.flatnonzero(arrays["ramps"]["position"] == 0)[0])
    arrays["ramps"][field][k] = value
    with pytest.raises(ValueError, match=text):
        snapshot.from_arrays(arrays)


def test_a_unit_in_liquidation_has_its_place_among_the_due():
    arrays = snapshot.to_arrays(in_liquidation())
    arrays["due"] = arrays["due"][:0]
    # it is found owing, and gets a place again
    assert snapshot.from_arrays(arrays).step(dt=1).liquidated == 3


def test_a_ramp_without_its_rule_is_refused():
    engine, _ = alone(core_kit(), ("shortage", "0.02"))
    arrays = snapshot.to_arrays(engine)
    arrays["ramps"] = snapshot.to_arrays(in_liquidation())["ramps"][:1]
    with pytest.raises(ValueError, match="no market's rule does"):
        snapshot.from_arrays(arrays)


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (("shortage", 0, 2, 60), "partial initial 2 is outside 0 ... 1"),
        (("shortage", 0, 0, -1), "partial seconds -1 is outside 0 ... 1000000000"),
        (("target", "0.1", 0, 60, -1), "partial small -1 is below 0"),
        (("shortage", 0, 1), "partial must be"),
        (("cap", 0, 1, 1), "partial must be"),
    ],
)
def test_terms_that_are_refused(rule, text):
    with pytest.raises(ValueError, match=text):
        cs.Rules(partial=rule)


def test_a_ramp_ends_when_deleveraging_frees_a_unit_that_had_its_turn(kit):
    # 25,200 - 20,000 + 1,800 = 7,000 at (80, 98) against 4,000 + 4,410 and buffers of 1,600 + 1,764
    engine = kit.engine(execution="batch")
    rules = {"surplus": "trader", "partial": TENTH}
    falls = kit.market(engine, "X", rules={"tiers": [(0, "0.05")], "feed": "last", **rules})
    tiers = [(0, "0.001"), (50_000, "0.05")]
    rules |= {"adl": "binance", "adl_trigger": "always", "feed": "index", "tier_mode": "whole"}
    other = kit.market(engine, "Y", rules={"tiers": tiers, **rules})
    falls.set_index(100)
    other.set_index(100)
    falls.book.load_depth([(80, 1), (79, 10**6)], [])
    engine.accounts.open(falls, side="long", size=1000, entry=100, margin=25_200, mode="cross")
    engine.accounts.open(
        other, account=[0], side="short", size=[900], entry=100, margin=[0], mode="cross"
    )
    # nine that are bankrupt at 98 and less overdue: their lots are closed against the short at 99
    engine.accounts.open(
        other, side="long", size=[100] * 9, entry=100, margin=[100] * 9, mode="isolated"
    )
    kit.trade(engine, falls, 1, 1)
    start = len(engine.events)
    result = engine.step(index={"Y": 98})
    assert rows(engine, "liquidation", start)[0]["account"] == 0
    assert sum(row["quantity"] for row in rows(engine, "adl", start)) == 900
    # its own sale at 79 would make it owe again, had the ramp gone on
    assert falls.mark == 79
    assert engine.accounts.equity[0] > engine.accounts.maintenance[0]
    assert result.pending == 0
    engine.validate()
