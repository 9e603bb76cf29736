"""Laws that hold whatever the numbers: order, scale, splits, mirrors, shocks, conservation."""

import random
from dataclasses import dataclass

import pytest
from engine_kit import BUY, SELL, Kit, rows
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

few = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
START = 1000
rungs = st.lists(st.tuples(st.integers(940, 999), st.integers(1, 12)), min_size=1, max_size=14)
shocks = st.integers(1, 120)
slopes = st.sampled_from([(1, 1), (1, 2), (1, 3), (2, 5)])


@dataclass
class End:
    """End state of one shock to a ladder under linear permanent impact."""

    mark: int
    liquidated: list
    fund: float
    bad_debt: float


def shock(kit: Kit, ladder, lots, slope, *, execution="sequential", short=False, scale=1) -> End:
    engine = kit.engine(execution=execution)
    numerator, denominator = slope
    market = kit.market(engine, venue=kit.linear(numerator, denominator * scale))
    market.set_index(START)
    triggers = [2 * START - at if short else at for at, _ in ladder]
    ids = engine.accounts.open_ladder(
        market,
        side="short" if short else "long",
        size=[size * scale for _, size in ladder],
        trigger=triggers,
        bankruptcy=[at + (7 if short else -7) for at in triggers],
    )
    orders = [{"kind": 2, "side": BUY if short else SELL, "size": lots * scale}]
    engine.step(orders=[("X", kit.messages(orders))])
    engine.validate()
    left = engine.accounts.size(market)
    gone = sorted(ladder[k] for k, account in enumerate(ids) if left[account] == 0)
    return End(int(market.mark), gone, engine.insurance_fund(), engine.bad_debt())


@few
@given(ladder=rungs, lots=shocks, slope=slopes, seed=st.integers(0, 99))
def test_end_state_does_not_depend_on_the_order(fast_kit, ladder, lots, slope, seed):
    one = shock(fast_kit, ladder, lots, slope)
    batch = shock(fast_kit, ladder, lots, slope, execution="batch")
    shuffled = list(ladder)
    random.Random(seed).shuffle(shuffled)
    other = shock(fast_kit, shuffled, lots, slope)
    assert one.mark == batch.mark == other.mark
    assert one.liquidated == batch.liquidated == other.liquidated


@few
@given(ladder=rungs, lots=shocks, slope=slopes, scale=st.sampled_from([2, 7, 1000]))
def test_scale(fast_kit, ladder, lots, slope, scale):
    one = shock(fast_kit, ladder, lots, slope)
    large = shock(fast_kit, ladder, lots, slope, scale=scale)
    assert large.mark == one.mark
    assert large.liquidated == one.liquidated
    assert large.fund == scale * one.fund
    assert large.bad_debt == scale * one.bad_debt


@few
@given(ladder=rungs, lots=shocks, slope=slopes)
def test_splitting_accounts_changes_no_price(fast_kit, ladder, lots, slope):
    doubled = [(at, 2 * size) for at, size in ladder]
    split = [rung for rung in ladder for _ in range(2)]
    one = shock(fast_kit, doubled, lots, slope)
    two = shock(fast_kit, split, lots, slope)
    assert one.mark == two.mark
    assert len(two.liquidated) == 2 * len(one.liquidated)


@few
@given(ladder=rungs, lots=shocks, slope=slopes)
def test_long_and_short_mirror(fast_kit, ladder, lots, slope):
    down = shock(fast_kit, ladder, lots, slope)
    up = shock(fast_kit, ladder, lots, slope, short=True)
    assert START - down.mark == up.mark - START
    assert down.liquidated == up.liquidated
    assert (down.fund, down.bad_debt) == (up.fund, up.bad_debt)


@few
@given(ladder=rungs, lots=shocks, more=st.integers(1, 60), slope=slopes)
def test_a_larger_shock_liquidates_no_fewer(fast_kit, ladder, lots, more, slope):
    small = shock(fast_kit, ladder, lots, slope)
    large = shock(fast_kit, ladder, lots + more, slope)
    assert set(small.liquidated) <= set(large.liquidated)
    assert len(small.liquidated) <= len(large.liquidated)
    assert large.mark <= small.mark


crowds = st.lists(
    st.tuples(
        st.sampled_from(["long", "short"]),
        st.integers(1, 9),
        st.integers(90, 110),
        st.sampled_from([3, 5, 10, 25, 50]),
        st.sampled_from(["isolated", "cross"]),
    ),
    min_size=1,
    max_size=10,
)


@few
@given(
    crowd=crowds,
    path=st.lists(st.integers(70, 130), min_size=1, max_size=5),
    seed=st.integers(0, 9),
)
def test_money_and_contracts_are_conserved(fast_kit, crowd, path, seed):
    draw = random.Random(seed)
    engine = fast_kit.engine(execution=draw.choice(["sequential", "batch"]))
    rules = {
        "tiers": [(0, 0.01), (400, 0.03)],
        "tier_mode": draw.choice(["marginal", "whole"]),
        "feed": draw.choice(["last", "index", "mid", "median"]),
        "taker_fee": 0.0007,
        "maker_fee": -0.0003,
        "liquidation_fee": 0.004,
        "absorb": draw.choice([0, 0.3]),
        "liquidation_order": draw.choice(["market", "bankruptcy"]),
    }
    market = fast_kit.market(engine, rules=rules)
    market.book.load_depth([(99 - k, 5) for k in range(9)], [(101 + k, 5) for k in range(9)])
    market.set_index(100)
    for side, size, entry, leverage, mode in crowd:
        engine.accounts.open(
            market, side=side, size=size, entry=entry, leverage=leverage, mode=mode
        )
    for price in path:
        orders = [{"kind": 2, "side": draw.choice([BUY, SELL]), "size": draw.randrange(1, 30)}]
        engine.step(index={"X": price}, orders=[("X", fast_kit.messages(orders))])
        engine.validate()
        totals = engine.totals()
        assert totals["contracts"] == {"X": 0}
        money = totals["money"]["USD"]
        held = money["balances"] + money["margins"] - money["entry_values"]
        assert held + money["fund"] + money["fees"] - money["bad_debt"] == money["deposits"]
    for row in rows(engine, "liquidation"):
        assert row["quantity"] > 0


@few
@given(
    leverages=st.lists(st.integers(2, 100), min_size=2, max_size=2, unique=True),
    rate=st.integers(1, 9),
)
def test_more_leverage_is_liquidated_sooner(fast_kit, leverages, rate):
    low, high = sorted(leverages)
    engine = fast_kit.engine(asset_decimals=4)
    rules = {"tiers": [(0, f"0.00{rate}")], "feed": "index"}
    market = fast_kit.market(engine, rules=rules, tick_size=0.01)
    market.set_index(100)
    engine.accounts.open(market, side="long", size=10, entry=100, leverage=[low, high])
    engine.accounts.open(market, side="short", size=10, entry=100, leverage=[low, high])
    prices = engine.accounts.liquidation_price(market)
    assert prices[0] <= prices[1]
    assert prices[2] >= prices[3]


@pytest.mark.parametrize("execution", ["sequential", "batch"])
def test_same_inputs_same_log(kit, execution):
    def play():
        engine = kit.engine(execution=execution)
        market = kit.market(engine, rules={"tiers": [(0, 0.01)]})
        market.book.load_depth([(100 - k, 3) for k in range(40)], [(101, 5)])
        engine.accounts.open(
            market, side="long", size=5, entry=[100, 101, 102], leverage=[20, 25, 30]
        )
        for size in (2, 9, 4):
            orders = [{"kind": 2, "side": SELL, "size": size}]
            engine.step(orders=[("X", kit.messages(orders))])
        return engine

    one, two = play(), play()
    assert one.state_hash() == two.state_hash()
    assert rows(one) == rows(two)


def test_copy_goes_its_own_way(kit):
    engine = kit.engine()
    market = kit.market(engine, rules={"tiers": [(0, 0.01)], "feed": "index"})
    market.book.load_depth([(95, 50)], [(101, 5)])
    market.set_index(100)
    engine.accounts.open(market, side="long", size=5, entry=100, leverage=[20, 10])
    other = engine.copy()
    assert other.state_hash() == engine.state_hash()
    before = engine.state_hash()
    assert other.step(index={"X": 95}).liquidated == 1
    assert engine.state_hash() == before
    assert engine.step(index={"X": 95}).liquidated == 1
    assert engine.state_hash() == other.state_hash()


def test_run_is_one_step_after_the_other(kit):
    def made():
        engine = kit.engine()
        market = kit.market(engine, rules={"tiers": [(0, 0.01)], "feed": "index"})
        market.set_index(100)
        engine.accounts.open(market, side="long", size=5, entry=100, leverage=[20, 10, 5])
        return engine

    path = [99, 95, 90, 96, 80]
    one, two = made(), made()
    assert len(one.run(path={"X": path}, dt=0.5)) == len(path)
    for price in path:
        two.step(index={"X": price}, dt=0.5)
    assert one.state_hash() == two.state_hash()
    assert rows(one) == rows(two)
