"""What must not matter to a cascade: order, scale, splitting, side; and what may only grow.

Under linear permanent impact the price is a function of the quantity sold, so the end state does not
depend on the order of the sales (../shared/rules/laws.md, sections 0 and 10). Ladders are random; all
properties are exact, in ticks and atoms.
"""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cascade as cs

BASE = 100_000


@st.composite
def crowds(draw):
    """Triggers below the price, sizes, impact (ticks per lot) and a shock."""
    count = draw(st.integers(1, 40))
    distances = draw(st.lists(st.integers(1, 3000), min_size=count, max_size=count))
    sizes = draw(st.lists(st.integers(1, 50), min_size=count, max_size=count))
    impact = Fraction(draw(st.integers(0, 400)), draw(st.integers(1, 40)))
    shock = draw(st.integers(1, 2000))
    return np.array(distances), np.array(sizes), impact, shock


def crash(
    crowd, *, side=1, execution="sequential", order=None, budget=None, scale=1, lots=1, ruin=100,
    absorb=0,
):  # fmt: skip
    """End price in ticks and who was liquidated, by row of the crowd."""
    distances, sizes, impact, shock = crowd
    count = len(distances)
    order = np.arange(count) if order is None else np.asarray(order)
    engine = cs.Engine(asset_decimals=0, execution=execution)
    market = engine.add_market(
        "X", tick_size=1, lot_size=1, rules=cs.Rules(absorb=absorb),
        venue=cs.Impact.linear(impact * scale / lots),
    )  # fmt: skip
    base = BASE * scale
    market.set_index(base)
    triggers = base - side * scale * distances[order]
    ids = engine.accounts.open_ladder(
        market, side=np.full(count, side), size=lots * sizes[order], trigger=triggers,
        bankruptcy=np.maximum(triggers - side * scale * ruin, 1),
    )  # fmt: skip
    engine.fund_deposit(1000)
    engine.budget(accounts=budget)
    result = engine.step(index={"X": base - side * scale * shock})
    while result.pending:
        result = engine.step()
        engine.validate()
    engine.validate()
    gone = engine.accounts.column(market, "size")[ids] == 0
    back = np.empty(count, bool)
    back[order] = gone
    return market.mark_ticks, back, engine


@given(crowd=crowds(), data=st.data())
def test_order_does_not_matter_under_linear_impact(crowd, data):
    price, gone, engine = crash(crowd)
    shuffled = data.draw(st.permutations(range(len(gone))))
    budget = data.draw(st.integers(1, 5))
    sold = engine.totals()["contracts"]
    for options in (
        {"execution": "batch"},
        {"order": shuffled},
        {"budget": budget},
        {"execution": "batch", "order": shuffled, "budget": budget},
    ):
        other, same, engine = crash(crowd, **options)
        assert other == price
        assert (same == gone).all()
        assert engine.totals()["contracts"] == sold


@given(crowd=crowds())
def test_end_state_is_the_smallest_fixed_point(crowd):
    # the drop is the least D with D = shock + impact * (sizes whose trigger is within D)
    distances, sizes, impact, shock = crowd
    price, gone, _ = crash(crowd)

    # the venue rounds half away from zero, and no price is below one tick
    def drop(sold):
        return min(shock + int(impact * sold + Fraction(1, 2)), BASE - 1)

    reached = drop(0)
    while True:
        hit = distances <= reached
        further = drop(int(sizes[hit].sum()))
        if further == reached:
            break
        reached = further
    assert (BASE - price, gone.tolist()) == (reached, hit.tolist())


@given(crowd=crowds(), scale=st.integers(2, 50))
def test_prices_and_impact_scale_together(crowd, scale):
    distances, sizes, impact, shock = crowd
    crowd = (distances, sizes, Fraction(int(impact)), shock)
    price, gone, _ = crash(crowd)
    other, same, _ = crash(crowd, scale=scale)
    # the last tick is the only price without a scaled one
    assert other == price * scale or price == 1
    assert (same == gone).all()


@given(crowd=crowds(), lots=st.integers(2, 50))
def test_sizes_scale_with_one_over_impact(crowd, lots):
    price, gone, engine = crash(crowd)
    other, same, larger = crash(crowd, lots=lots)
    assert other == price
    assert (same == gone).all()
    # what nobody paid scales too, but for the fund's deposit, which is as large as before
    debt = engine.totals()["money"]["USD"], larger.totals()["money"]["USD"]
    assert debt[1]["bad_debt"] >= debt[0]["bad_debt"] * lots


@given(crowd=crowds(), data=st.data())
def test_splitting_an_account_changes_nothing(crowd, data):
    distances, sizes, impact, shock = crowd
    price, gone, engine = crash(crowd)
    parts = [data.draw(st.integers(0, int(size) - 1)) for size in sizes]
    first = sizes - np.array(parts)
    rest = np.array(parts) > 0
    split = (
        np.concatenate([distances, distances[rest]]),
        np.concatenate([first, np.array(parts)[rest]]),
        impact,
        shock,
    )
    other, same, _ = crash(split)
    assert other == price
    assert (same == np.concatenate([gone, gone[rest]])).all()
    assert engine.totals()["contracts"] == {"X": 0}


@given(crowd=crowds())
@pytest.mark.parametrize("execution", ["sequential", "batch"])
def test_shorts_mirror_longs(execution, crowd):
    price, gone, engine = crash(crowd, execution=execution)
    other, same, mirrored = crash(crowd, side=-1, execution=execution)
    assert (same == gone).all()
    # a price cannot fall below a tick, so that a longer way is open upwards only
    assert other == 2 * BASE - price or price == 1
    events = [e.events for e in (engine, mirrored)]
    assert [len(e) for e in events] == [len(events[0])] * 2 or price == 1


@given(crowd=crowds(), more=st.integers(1, 2000))
def test_a_larger_shock_liquidates_no_fewer(crowd, more):
    distances, sizes, impact, shock = crowd
    price, gone, _ = crash(crowd)
    lower, further, _ = crash((distances, sizes, impact, shock + more))
    assert lower <= price
    assert further[gone].all()


@given(crowd=crowds(), ruin=st.integers(1, 5000), share=st.integers(0, 10))
def test_money_is_conserved_to_the_atom(crowd, ruin, share):
    # deposits are what accounts, fund and the other side of each contract hold, less bad debt
    _, _, engine = crash(crowd, ruin=ruin, absorb=Fraction(share, 10))
    money = engine.totals()["money"]["USD"]
    held = money["balances"] + money["margins"] - money["entry_values"]
    assert held + money["fund"] + money["fees"] - money["bad_debt"] == money["deposits"]
    assert engine.totals()["contracts"] == {"X": 0}
    assert money["fund"] >= 0


def test_natural_crowd_is_order_free_too():
    # margin accounts instead of given triggers: one price, marginal tiers, so triggers do not move
    draw = np.random.default_rng(11)
    count = 500
    entry = 100_000 + draw.integers(-2000, 2000, count)
    size = draw.integers(1, 30, count)
    leverage = draw.integers(5, 40, count)
    ends = []
    for execution, order, budget in (
        ("sequential", np.arange(count), None),
        ("batch", np.arange(count), None),
        ("sequential", draw.permutation(count), 7),
    ):
        engine = cs.Engine(asset_decimals=0, execution=execution)
        rules = cs.Rules(tiers=((0, "0.004"), (1_000_000, "0.01")))
        market = engine.add_market(
            "X", tick_size=1, lot_size=1, rules=rules, venue=cs.Impact.linear("0.5")
        )
        market.set_index(104_000)
        ids = engine.accounts.open(
            market, side="long", size=size[order], entry=entry[order], leverage=leverage[order]
        )
        engine.budget(accounts=budget)
        result = engine.step(index={"X": 96_000})
        while result.pending:
            result = engine.step()
        engine.validate()
        gone = np.empty(count, bool)
        gone[order] = engine.accounts.column(market, "size")[ids] == 0
        ends.append((market.mark_ticks, gone.tolist()))
    assert ends[0] == ends[1] == ends[2]
    assert 0 < sum(ends[0][1]) < count
