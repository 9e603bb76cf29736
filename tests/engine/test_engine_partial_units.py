"""Partial closing of cross units with several positions, worked by hand (docs/step.md)."""

from fractions import Fraction

import pytest
from engine_kit import pick, rows
from test_engine_partial_amounts import drawn

from cascade import partial


def crossed(kit, balance, *rules, price=94, sizes=(10, 10), seed=0, orders=()):
    """Longs at 100 in X and Y, cross, whose index X moves to `price`; bids at the index of both."""
    engine = kit.engine(seed=seed)
    given = {"tiers": [(0, "0.05")], "feed": "index", "surplus": "trader"}
    if len(rules) == 1:
        rules *= 2
    markets = [
        kit.market(engine, name, rules=given | rule) for name, rule in zip("XY", rules, strict=True)
    ]
    (owner,) = (int(k) for k in engine.accounts.create(1, balance=balance))
    for market, bid, size in zip(markets, (price, 100), sizes, strict=True):
        market.book.load_depth([(bid, 10**6)], [])
        market.set_index(100)
        engine.accounts.set_leverage(owner, market, 100, "cross")
        engine.accounts.open(
            market, side="long", size=size, entry=100, margin=0, mode="cross", account=owner
        )
    for side, limit, size in orders:
        kit.limit(engine, markets[0], side, limit, size, account=owner)
    markets[0].set_index(price)
    return engine, markets


def closed(engine, start=0):
    """(market, lots) of every LIQUIDATION."""
    return pick(rows(engine, "liquidation", start), "market", "quantity")


def test_exactly_the_units_shortage_by_its_largest_position(kit):
    engine, markets = crossed(kit, 150, {"partial": ("shortage", 0)})
    result = engine.step()
    # equity 90 of 47 + 50; with 8 of Y it is 47 + 40
    assert closed(engine) == [(1, 2)]
    assert (result.liquidated, result.pending) == (1, 0)
    assert [list(engine.accounts.size(m)) for m in markets] == [[10], [8]]
    assert list(engine.accounts.balance) == [150]
    engine.validate()


def test_the_buffer_is_asked_of_every_position_and_of_their_losses(kit):
    engine, _ = crossed(kit, 150, {"partial": ("shortage", "0.01")})
    engine.step()
    # X asks 47 + 9.4 + 0.6 of 90, which leaves 33 for Y at 6 a lot: 5
    assert closed(engine) == [(1, 5)]


def test_a_shortage_that_one_position_cannot_cover_goes_on_to_the_next(kit):
    engine, _ = crossed(kit, 61, {"partial": ("shortage", 0)}, sizes=(10, 2))
    engine.step()
    # equity 1 of 47 + 10: all of X is too little, and Y may keep nothing for 5 a lot
    assert closed(engine) == [(0, 10), (1, 2)]
    engine, _ = crossed(kit, 66, {"partial": ("shortage", 0)}, sizes=(10, 2))
    engine.step()
    # equity 6: one of Y may stay
    assert closed(engine) == [(0, 10), (1, 1)]
    engine.validate()


def test_a_target_is_the_units(kit):
    engine, _ = crossed(kit, 150, {"partial": ("target", "0.06")})
    engine.step()
    # X asks 56.4 of 90, which leaves 33.6 for Y at 6 a lot: 5
    assert closed(engine) == [(1, 5)]


def test_markets_of_other_rules_ask_their_maintenance(kit):
    engine, _ = crossed(kit, 150, {}, {"partial": ("target", "0.06")})
    engine.step()
    # X asks 47 of 90, which leaves 43 for Y at 6 a lot: 7
    assert closed(engine) == [(1, 3)]


def test_a_healthy_unit_keeps_what_had_no_turn(kit):
    # Y, which has no rule, is closed whole first; 47 of 90 are left to ask
    engine, markets = crossed(kit, 150, {"partial": ("shortage", 0)}, {})
    engine.step()
    assert closed(engine) == [(1, 10)]
    assert list(engine.accounts.size(markets[0])) == [10]
    engine.validate()


def test_units_without_a_rule_are_closed_whole(kit):
    engine, _ = crossed(kit, 150, {})
    engine.step()
    assert closed(engine) == [(1, 10), (0, 10)]


def test_a_fifth_of_each_position_then_the_largest_whole(kit):
    rule = {"tiers": [(0, "0.2")], "partial": ("fraction", "0.2", 0, 30)}
    engine, _ = crossed(kit, 350, rule)
    result = engine.step(dt=1)
    # equity 290 of 188 + 200, of 188 + 160, of 151 + 160; in the cool-down Y goes whole
    assert closed(engine) == [(1, 2), (0, 2), (1, 8)]
    assert result.liquidated == 2
    engine.validate()


def test_the_longest_cooldown_of_a_round_holds(kit):
    first, second = (
        {"tiers": [(0, "0.2")], "partial": ("fraction", "0.2", 0, seconds)} for seconds in (2, 30)
    )
    engine, markets = crossed(kit, 380, first, second)
    engine.step(dt=1)
    # equity 320 of 188 + 200, of 188 + 160, of 151 + 160
    assert closed(engine) == [(1, 2), (0, 2)]
    start = len(engine.events)
    markets[1].set_index(97)
    engine.step(dt=5)
    # equity 320 - 24 = 296 of 151 + 156, within the 30 s of Y, after the 2 s of X
    assert closed(engine, start) == [(1, 8)]


def test_each_position_falls_a_tier(kit):
    tiers = [(0, "0.02"), (500, "0.06"), (900, "0.1")]
    rule = {"tiers": tiers, "tier_mode": "whole", "partial": ("tier_step",)}
    engine, _ = crossed(kit, 230, rule)
    engine.step()
    # equity 170 of 94 + 100; 8 of Y are below 900 and ask 48
    assert closed(engine) == [(1, 2)]
    engine, _ = crossed(kit, 190, rule)
    engine.step()
    # equity 130 of 94 + 48; 9 of X are below 900
    assert closed(engine) == [(1, 2), (0, 1)]


@pytest.mark.parametrize(("cap", "expected"), [(300, [(1, 3)]), (500, [(1, 3), (0, 2)])])
def test_a_cap_is_used_up_by_the_unit(kit, cap, expected):
    first, second = (
        {"tiers": [(0, "0.2")], "partial": ("cap", notional)} for notional in (cap, 300)
    )
    engine, _ = crossed(kit, 350, first, second)
    result = engine.step()
    # equity 290 of 188 + 200, of 188 + 140; of X's cap 300 are used; 151 + 140 with 2 less
    assert closed(engine) == expected
    assert result.pending == 1
    start = len(engine.events)
    result = engine.step()
    # the next step: X asks more now, and its cap is whole again
    assert closed(engine, start)[0][0] == 0
    assert result.pending == 0
    engine.validate()


@pytest.mark.parametrize("seed", range(4))
def test_every_position_has_its_own_draw(kit, seed):
    rule = {"tiers": [(0, "0.5")], "partial": ("slices", "0.1", "0.5", 0)}
    engine, _ = crossed(kit, 45_000, rule, sizes=(1000, 500), seed=seed)
    left, expected = [1000, 500], []
    for step in range(1, 9):
        engine.step(dt=1)
        # maintenance 47 and 50 a lot; due below 39,000
        for market in sorted((0, 1), key=lambda m: -left[m] * (47, 50)[m]):
            comes, draw = drawn(seed, step * 10**9, 0, market)
            if comes < Fraction(1, 2) and left[0] * 47 + left[1] * 50 > 39_000:
                size = partial.slice_size(left[market], (94, 100)[market], "0.1", draw)
                expected.append((market, int(-(-size // 1))))
                left[market] -= expected[-1][1]
    assert closed(engine) == expected
    assert expected
    engine.validate()


def test_a_unit_that_no_draw_touches_keeps_its_orders(kit):
    rule = {"tiers": [(0, "0.5")], "partial": ("slices", "0.1", 0, 0)}
    engine, _ = crossed(kit, 700, rule, orders=[(1, 200, 1)])
    result = engine.step()
    assert (result.liquidated, result.pending) == (0, 1)
    assert closed(engine) == []
    assert not rows(engine, "cancel")


def test_one_draw_that_comes_is_enough(kit):
    never, always = (
        {"tiers": [(0, "0.5")], "partial": ("slices", "0.1", chance, 0)} for chance in (0, 1)
    )
    engine, _ = crossed(kit, 700, always, never, orders=[(1, 200, 1)])
    result = engine.step()
    assert [market for market, _ in closed(engine)] == [0]
    assert (result.liquidated, result.pending) == (1, 1)
    assert len(rows(engine, "cancel")) == 1


@pytest.mark.parametrize(
    "rule", [("fraction", "0.2", 0, 30), ("tier_step",), ("shortage", 0), ("target", 1), ("cap", 1)]
)
def test_without_equity_all_is_closed(kit, rule):
    engine, _ = crossed(kit, 60, {"partial": rule})
    engine.step(dt=1)
    assert closed(engine) == [(1, 10), (0, 10)]
    engine.validate()


def test_a_backstop_takes_all_positions_whatever_the_rule(kit):
    rule = {"partial": ("fraction", "0.2", 0, 30), "backstop": 1}
    engine, _ = crossed(kit, 150, rule)
    engine.step(dt=1)
    assert pick(rows(engine, "takeover"), "market", "quantity") == [(1, 10), (0, 10)]
    assert rows(engine, "fill") == []


def test_a_backstop_waits_for_no_draw(kit):
    rule = {"partial": ("slices", "0.1", 0, 0), "backstop": "1/2"}
    engine, _ = crossed(kit, 109, rule)
    engine.step()
    # equity 49 of 97, its halves 24 and 25
    assert rows(engine, "takeover") == []
    engine, _ = crossed(kit, 108, rule)
    engine.step()
    assert pick(rows(engine, "takeover"), "market", "quantity") == [(1, 10), (0, 10)]


@pytest.mark.parametrize("execution", ["sequential", "batch"])
def test_both_legs_of_a_hedge_account_have_a_turn(kit, execution):
    engine = kit.engine(execution=execution)
    rules = {"tiers": [(0, "0.2")], "feed": "index", "partial": ("fraction", "0.5", 0, 0)}
    market = kit.market(engine, rules=rules)
    market.book.load_depth([(94, 10**6)], [(95, 10**6)])
    market.set_index(100)
    (owner,) = (int(k) for k in engine.accounts.create(1, balance=220, hedge=True))
    engine.accounts.set_leverage(owner, market, 100, "cross")
    for side, size in (("long", 10), ("short", 6)):
        engine.accounts.open(
            market, side=side, size=size, entry=100, margin=0, mode="cross", account=owner
        )
    market.set_index(94)
    engine.step()
    # equity 196 of 188 + 113, of 94 + 113; then 193 of 94 + 57
    assert pick(rows(engine, "liquidation"), "side", "quantity") == [(1, 5), (0, 3)]
    engine.validate()
