"""Partial closing and the backstop, worked by hand (docs/step.md)."""

import random
from fractions import Fraction
from math import ceil

import pytest
from engine_kit import pick, rows

FIFTH = ("fraction", 0.2, 500, 30)


def alone(kit, rules, *, bids=((90, 100),), margin=100):
    """10 long at 100 with a margin of 100, marked by the index."""
    engine = kit.engine()
    given = {"tiers": [(0, 0.05)], "feed": "index", "surplus": "trader", **rules}
    market = kit.market(engine, rules=given)
    market.book.load_depth(list(bids), [])
    market.set_index(100)
    engine.accounts.open(market, side="long", size=10, entry=100, margin=margin)
    return engine, market


def closed(engine, start=0):
    return [row["quantity"] for row in rows(engine, "liquidation", start)]


def test_a_fifth_first(kit):
    engine, market = alone(kit, {"partial": FIFTH}, bids=[(94, 100)])
    market.set_index(94)
    engine.step(dt=1)
    # equity 40 of 47; 2 sold at 94 leave 40 of 37.6
    assert closed(engine) == [2]
    assert list(engine.accounts.size(market)) == [8]
    assert list(engine.accounts.margin(market)) == [88]
    engine.validate()


@pytest.mark.parametrize(("wait", "lots"), [(29, 8), (30, 2), (31, 2)])
def test_then_the_whole_until_the_cooldown_is_over(kit, wait, lots):
    engine, market = alone(kit, {"partial": FIFTH}, bids=[(94, 2), (93, 100)])
    market.set_index(94)
    engine.step(dt=1)
    start = len(engine.events)
    market.set_index(93)
    engine.step(dt=wait)
    # equity 32 of 37.2; a fifth of 8 is 1.6, rounded up
    assert closed(engine, start)[0] == lots
    engine.validate()


def test_a_small_position_is_closed_whole(kit):
    for least, lots in ((940, 10), (939, 2)):
        rules = {"partial": ("fraction", 0.2, least, 30)}
        engine, market = alone(kit, rules, bids=[(94, 100)])
        market.set_index(94)
        engine.step(dt=1)
        assert closed(engine) == [lots]


@pytest.mark.parametrize(("cooldown", "expected"), [(30, [2, 8]), (0, [2, 2])])
def test_what_is_still_due_is_taken_again_in_the_step(kit, cooldown, expected):
    # 6 %: 40 of 56.4, of 45.1 once 2 are sold, of 33.8 once 4 are
    rules = {"tiers": [(0, 0.06)], "partial": ("fraction", 0.2, 0, cooldown)}
    engine, market = alone(kit, rules, bids=[(94, 100)])
    market.set_index(94)
    result = engine.step(dt=1)
    assert closed(engine) == expected
    assert result.liquidated == 2
    engine.validate()


def test_a_fraction_that_finds_no_buyer_starts_no_cooldown(kit):
    engine, market = alone(kit, {"partial": FIFTH}, bids=())
    market.set_index(94)
    assert engine.step(dt=1).pending == 1
    market.book.load_depth([(94, 100)], [])
    start = len(engine.events)
    engine.step(dt=1)
    assert closed(engine, start) == [2]


def test_the_cooldown_is_the_accounts(kit):
    engine = kit.engine()
    rules = {"tiers": [(0, 0.05)], "feed": "index", "partial": FIFTH}
    markets = [kit.market(engine, name, rules=rules) for name in "XY"]
    (owner,) = (int(k) for k in engine.accounts.create(1, balance=0))
    engine.accounts.deposit(owner, 200)
    for market in markets:
        market.book.load_depth([(94, 100)], [])
        market.set_index(100)
        engine.accounts.open(market, side="long", size=10, entry=100, margin=100, account=owner)
    for market, lots in zip(markets, (2, 10), strict=True):
        start = len(engine.events)
        market.set_index(94)
        engine.step(dt=1)
        assert closed(engine, start) == [lots]
    engine.validate()


TIERS = [(0, 0.02), (500, 0.06), (900, 0.1)]


@pytest.mark.parametrize(
    ("partial", "expected"), [(("tier_step",), [1, 4]), (("tier_step", 2), [5])]
)
def test_down_to_a_lower_tier(kit, partial, expected):
    # 950 needs 95 of 50; 9 at 95 are below 900 and need 51.3; 5 are below 500 and need 9.5
    rules = {"tiers": TIERS, "tier_mode": "whole", "partial": partial}
    engine, market = alone(kit, rules, bids=[(95, 100)])
    market.set_index(95)
    engine.step()
    assert closed(engine) == expected
    assert list(engine.accounts.size(market)) == [5]
    engine.validate()


def test_tiers_of_the_entry_value_fall_with_it(kit):
    # entry 1,000: 9 lots leave 900, 8 leave 800
    rules = {"tiers": TIERS, "tier_mode": "whole", "basis": "entry", "partial": ("tier_step",)}
    engine, market = alone(kit, rules, bids=[(99, 100)])
    market.set_index(99)
    engine.step()
    assert closed(engine) == [2]
    engine.validate()


def test_the_lowest_tier_is_closed_whole(kit):
    rules = {"tiers": [(0, 0.05), (2_000, 0.1)], "partial": ("tier_step",)}
    engine, market = alone(kit, rules, bids=[(94, 100)])
    market.set_index(94)
    engine.step()
    assert closed(engine) == [10]


@pytest.mark.parametrize("partial", [FIFTH, ("tier_step",)])
def test_without_equity_all_is_closed(kit, partial):
    rules = {"tiers": TIERS, "tier_mode": "whole", "partial": partial}
    engine, market = alone(kit, rules)
    market.set_index(90)
    engine.step(dt=1)
    assert closed(engine) == [10]


def test_backstop_takes_the_unit_at_its_bankruptcy_price(kit):
    rules = {"backstop": Fraction(2, 3)}
    engine, market = alone(kit, rules, bids=[(93, 100)])
    market.set_index(93)
    result = engine.step()
    # equity 30 is below two thirds of 47; the bankruptcy price is 90
    assert result.liquidated == 1
    assert rows(engine, "fill") == []
    assert pick(rows(engine, "takeover"), "quantity", "price") == [(10, 90)]
    # margin is not returned, whatever the surplus rule says
    assert list(engine.accounts.equity) == [0]
    engine.validate()


def test_backstop_leaves_the_book_to_those_above_it(kit):
    engine, market = alone(kit, {"backstop": Fraction(2, 3)}, bids=[(94, 100)])
    market.set_index(94)
    engine.step()
    # equity 40 is not below two thirds of 47
    assert rows(engine, "takeover") == []
    assert list(engine.accounts.balance) == [40]


def test_what_a_tick_leaves_at_the_backstop_goes_to_the_fund(kit):
    engine, market = alone(kit, {"backstop": 1}, margin=105)
    market.set_index(92)
    engine.step()
    # worth nothing at 89.5, taken at 90
    assert pick(rows(engine, "takeover"), "price") == [(90,)]
    assert engine.insurance_fund() == 5
    assert list(engine.accounts.equity) == [0]


@pytest.mark.parametrize("everywhere", [True, False])
def test_backstop_of_a_cross_account(kit, everywhere):
    engine = kit.engine()
    rules = {"tiers": [(0, 0.05)], "feed": "index"}
    shares = (Fraction(2, 3) if everywhere else 0, Fraction(2, 3))
    markets = [
        kit.market(engine, name, rules={**rules, "backstop": share})
        for name, share in zip("XY", shares, strict=True)
    ]
    (owner,) = (int(k) for k in engine.accounts.create(1, balance=200))
    for market in markets:
        market.book.load_depth([(86, 100)], [])
        market.set_index(100)
        engine.accounts.set_leverage(owner, market, 20, "cross")
        engine.accounts.open(
            market, side="long", size=10, entry=100, margin=0, mode="cross", account=owner
        )
    markets[0].set_index(86)
    engine.step()
    # equity 60 of 93; 29 + 34 is above it, 34 alone is not
    if everywhere:
        found = pick(rows(engine, "takeover"), "market", "quantity", "price")
        assert found == [(1, 10, 97), (0, 10, 83)]
        assert rows(engine, "fill") == []
        assert list(engine.accounts.equity) == [0]
    else:
        assert rows(engine, "fill") != []
    engine.validate()


def test_backstop_comes_before_a_partial_close(kit):
    rules = {"partial": ("fraction", 0.2, 0, 30), "backstop": Fraction(2, 3)}
    engine, market = alone(kit, rules, bids=[(93, 100)])
    market.set_index(93)
    engine.step(dt=1)
    assert pick(rows(engine, "takeover"), "quantity", "price") == [(10, 90)]


def test_ladders_know_no_backstop_and_no_partial_close(kit):
    engine = kit.engine()
    rules = {"feed": "index", "backstop": 1, "partial": ("fraction", 0.2, 0, 30)}
    market = kit.market(engine, rules=rules)
    market.book.load_depth([(90, 100)], [])
    market.set_index(100)
    engine.accounts.open_ladder(market, side="long", size=[10], trigger=[95], bankruptcy=[90])
    market.set_index(95)
    engine.step(dt=1)
    assert closed(engine) == [10]
    assert rows(engine, "takeover") == []


@pytest.mark.parametrize("seed", range(12))
def test_lots_are_those_of_the_rational_rules(kit, seed):
    from cascade import partial

    draw = random.Random(seed)
    size, mark = draw.randrange(50, 400), draw.randrange(91, 97)
    margin = size * 10
    equity = margin - size * (100 - mark)
    value = size * mark
    floors = [0, value // 4, value // 2]
    rates = [0.02, 0.05, 0.15]  # 15 % of the value is always more than equity
    target, share = Fraction(draw.randrange(10, 30), 100), Fraction(draw.randrange(1, 99), 100)
    wanted = {
        ("target", target): partial.size_to_cover(value * target - equity, mark, target),
        ("fraction", share, 0, 30): partial.fraction_size(size, mark, share),
        # a floor belongs to the tier above it
        ("tier_step",): partial.tier_reduction(value, [f - 1 for f in floors[1:]]) / mark,
        ("tier_step", 2): partial.tier_reduction(value, [f - 1 for f in floors[1:]], 2) / mark,
    }
    for rule, exact in wanted.items():
        engine = kit.engine()
        tiers = list(zip(floors, rates, strict=True))
        rules = {"tiers": tiers, "tier_mode": "whole", "feed": "index", "partial": rule}
        market = kit.market(engine, rules=rules)
        market.book.load_depth([(mark, 1_000)], [])
        market.set_index(100)
        engine.accounts.open(market, side="long", size=size, entry=100, margin=margin)
        market.set_index(mark)
        engine.step(dt=1)
        assert closed(engine)[0] == min(ceil(exact), size), rule
