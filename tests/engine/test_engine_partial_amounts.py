"""Partial rules by amount: exactly the shortage, a cap a step, random slices; worked by hand."""

from fractions import Fraction

import pytest
from engine_kit import rows

import cascade as cs
from cascade import partial


def alone(kit, rule, *, price=94, size=10, margin=100, seed=0, bids=((1, 10**6),), **rules):
    """A long of `size` at 100 with maintenance of 5 %, its index moved to `price`."""
    engine = kit.engine(seed=seed)
    given = {"tiers": [(0, "0.05")], "feed": "index", "surplus": "trader", "partial": rule}
    market = kit.market(engine, rules=given | rules)
    market.book.load_depth([(price, 10**6), *bids], [])
    market.set_index(100)
    engine.accounts.open(market, side="long", size=size, entry=100, margin=margin)
    market.set_index(price)
    return engine, market


def closed(engine):
    return [row["quantity"] for row in rows(engine, "liquidation")]


@pytest.mark.parametrize(
    ("buffer", "lots"),
    [
        # equity 40 at 94, 94 * 0.05 = 4.7 a lot: 8 may stay (37.6)
        (0, 2),
        # a loss of 60 counts 2 % more: 38.8, and 0.07 * 94 = 6.58 a lot: 5 (32.9)
        ("0.02", 5),
        # 34, and 14.1 a lot: 2
        ("0.1", 8),
    ],
)
def test_exactly_the_shortage(kit, buffer, lots):
    engine, _ = alone(kit, ("shortage", buffer))
    engine.step()
    assert closed(engine) == [lots]
    # the formula of the protocol, rounded up to lots; maintenance of the rest is rounded up to atoms
    missing = partial.margin_shortage(10, 94, 100, -60, "0.05", buffer)
    size = partial.size_to_cover(missing, 94, Fraction("0.05") + Fraction(buffer))
    assert 0 <= lots - size < 1
    engine.validate()


def test_shortage_of_a_tiered_position_is_that_of_its_own_maintenance(kit):
    # 5 % up to 500 and 15 % above: 25 + 0.15 * 440 = 91 of equity 40; 600 would ask for 40
    engine, _ = alone(kit, ("shortage", 0), tiers=[(0, "0.05"), (500, "0.15")])
    engine.step()
    # 6 lots at 94 are 564: 25 + 9.6 -> 35; 7 are 658: 25 + 23.7 -> 49
    assert closed(engine) == [4]


def test_without_equity_all_is_closed(kit):
    for rule in (("shortage", 0), ("cap", 100), ("slices", "0.1", 1, 0)):
        engine, _ = alone(kit, rule, price=90)
        engine.step()
        assert closed(engine) == [10]


def test_a_cap_is_for_a_step(kit):
    engine, _ = alone(kit, ("cap", 300), tiers=[(0, "0.2")])
    # 40 of 188: 3 lots are 282, a fourth too many; 40 of 131.6, of 75.2, of 18.8
    for step in range(1, 6):
        result = engine.step()
        assert closed(engine) == [3, 3, 3][:step]
        assert result.pending == (step < 3)
    engine.validate()


def test_a_cap_allows_one_lot_and_small_positions_whole(kit):
    engine, _ = alone(kit, ("cap", 1), tiers=[(0, "0.2")])
    engine.step()
    assert closed(engine) == [1]
    engine, _ = alone(kit, ("cap", 940), tiers=[(0, "0.2")])
    engine.step()
    assert closed(engine) == [10]
    sizes = [int(partial.block_size(10, 94, allowed, 1)) for allowed in (300, 1, 940)]
    assert sizes == [3, 1, 10]


def test_a_capped_unit_does_not_keep_others_waiting(kit):
    engine, market = alone(kit, ("cap", 100), tiers=[(0, "0.2")])
    engine.accounts.open(market, side="long", size=1, entry=100, margin=10)
    assert engine.step().liquidated == 2
    assert closed(engine) == [1, 1]


def drawn(seed, clock, account, market):
    """splitmix64 of seed, clock, account and market, and once more for the size."""

    def mixed(x):
        x = (x + 0x9E3779B97F4A7C15) % 2**64
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB % 2**64
        return x ^ (x >> 31)

    bits = mixed(mixed(mixed(seed) ^ clock) ^ (account << 16 | market))
    return Fraction(bits >> 1, 2**63), Fraction(mixed(bits) >> 32, 2**32)


def test_the_stream_is_splitmix64():
    # first output of the generator seeded with 0, as published with it
    x = 0x9E3779B97F4A7C15
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB % 2**64
    assert x ^ (x >> 31) == 0xE220A8397B1DCDAF


@pytest.mark.parametrize("seed", [0, 7, -3, 2**70])
def test_slices_come_by_chance(kit, seed):
    rule = ("slices", "0.1", "0.25", 940)
    engine, _ = alone(kit, rule, size=1000, margin=10_000, tiers=[(0, "0.5")], seed=seed)
    left, expected = 1000, []
    for step in range(1, 41):
        engine.step(dt=1)
        comes, draw = drawn(seed % 2**64, step * 10**9, 0, 0)
        if comes < Fraction(1, 4) and left:
            size = partial.slice_size(left, 94, "0.1", draw, 940)
            expected.append(int(-(-size // 1)))
            left -= expected[-1]
    assert closed(engine) == expected
    assert 3 <= len(expected) <= 20
    engine.validate()


def test_a_unit_that_is_not_drawn_keeps_its_orders(kit):
    engine, market = alone(kit, ("slices", "0.1", 0, 0), tiers=[(0, "0.5")])
    kit.limit(engine, market, 1, 200, 1, account=0)
    result = engine.step()
    assert (result.liquidated, result.pending) == (0, 1)
    assert not rows(engine, "cancel")


def test_slices_are_the_same_in_a_copy():
    engine, _ = alone_core(("slices", "0.2", "0.5", 0), seed=11)
    for _ in range(3):
        engine.step()
    other = engine.copy()
    for copy in (engine, other):
        for _ in range(10):
            copy.step()
    assert other.state_hash() == engine.state_hash()
    different, _ = alone_core(("slices", "0.2", "0.5", 0), seed=12)
    for _ in range(13):
        different.step()
    assert different.state_hash() != engine.state_hash()


def alone_core(rule, seed):
    engine = cs.Engine(asset_decimals=0, seed=seed)
    rules = cs.Rules(tiers=[(0, "0.5")], feed="index", partial=rule)
    market = engine.add_market("X", tick_size=1, lot_size=1, rules=rules)
    market.set_index(100)
    market.book.load_depth([(94, 10**6)], [])
    engine.accounts.open(market, side="long", size=1000, entry=100, margin=10_000)
    market.set_index(94)
    return engine, market


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (("shortage", 2), "partial buffer 2 is outside 0 ... 1"),
        (("cap", -1), "partial notional -1 is below 0"),
        (("slices", "0.1", 2, 0), "partial chance 2 is outside 0 ... 1"),
        (("slices", 0, 1, 0), "partial share 0 is outside"),
        (("slices", "0.1", 1, -1), "partial notional -1 is below 0"),
        (("cap",), "partial must be"),
    ],
)
def test_rules_that_are_refused(rule, text):
    with pytest.raises(ValueError, match=text):
        cs.Rules(partial=rule)
