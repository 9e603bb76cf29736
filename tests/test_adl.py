"""Deleveraging policies: published vectors, peers' mistakes, and properties every policy has."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cascade import adl, insurance, margin, socialised

EVERY = (*adl.RANKINGS, *adl.ALLOCATIONS)
# BitMEX, app/autoDeleveragingExamples: account, quantity, rank value
EXAMPLE = [(1, 10, 3), (2, 10, 6), (3, 20, 1), (4, 30, 4), (5, 20, 5), (6, 10, 2)]


def columns(rows):
    """Columns from rows of (account, size, entry value, mark value, equity)."""
    account, size, entry, mark, equity = zip(*rows, strict=True)
    return adl.Columns(
        account, size, entry, mark, equity,
        maintenance=[abs(v) // 50 + 1 for v in mark], collateral=[max(e, 1) for e in equity],
        leverage=[100 + 50 * (a % 7) for a in account],
    )  # fmt: skip


def test_bitmex_published_queue():
    held = adl.Columns([a for a, _, _ in EXAMPLE], [q for _, q, _ in EXAMPLE])
    scores = [s for _, _, s in EXAMPLE]
    order = adl.queue(held, lambda c: scores, lots=-20)
    assert held.account[order].tolist() == [2, 5, 4, 1, 6, 3]
    assert (20 * adl.quintiles(held.size[order])).tolist() == [20, 40, 60, 80, 80, 100]
    assert adl.lights(held, lambda c: scores).tolist() == [2, 5, 1, 3, 4, 2]
    assert adl.allocate(held, -20, lambda c: scores).tolist() == [0, 10, 0, 0, 10, 0]


def test_bitmex_formula():
    # long 100 contracts of an inverse market from 500 to 600, in units of 1e-8
    entry, mark = -20_000_000, -16_666_667
    held = adl.Columns([0, 1], [100, 100], [entry] * 2, [mark] * 2, [5_000_000, 50_000_000])
    gain = Fraction(mark - entry, -entry)
    assert adl.score(held, "bitmex").tolist() == [
        gain * Fraction(-mark, equity) for equity in (5_000_000, 50_000_000)
    ]
    loser = adl.Columns([0], [-100], [-entry], [-mark], [5_000_000])
    assert adl.score(loser, "bitmex")[0] == -gain / Fraction(-mark, 5_000_000)


def test_hyperliquid_readings_differ_on_shorts():
    # shorts of 10 from 100 and from 120 at a mark of 90, the same account value
    held = columns([(1, -10, -1000, -900, 500), (2, -10, -1200, -900, 500)])
    assert adl.queue(held, "hyperliquid", lots=1).tolist() == [1, 0]
    assert adl.queue(held, "hyperliquid_literal", lots=1).tolist() == [0, 1]
    assert adl.score(held, "hyperliquid_literal").tolist() == [
        Fraction(90, 100) * Fraction(900, 500), Fraction(90, 120) * Fraction(900, 500)
    ]  # fmt: skip
    # longs: the readings agree
    longs = columns([(1, 10, 800, 900, 500), (2, 10, 700, 900, 500)])
    for policy in ("hyperliquid", "hyperliquid_literal"):
        assert adl.queue(longs, policy, lots=-1).tolist() == [1, 0]


def test_hyperliquid_inverse_uses_prices():
    # 1000 contracts from 100 to 125: values 10 and 8 coins; mark / entry is 1.25 for both sides
    long = adl.Columns([0], [1000], [-1000], [-800], [400])
    short = adl.Columns([0], [-1000], [1000], [800], [400])
    ratio = Fraction(125, 100) * Fraction(800, 400)
    assert adl.score(long, "hyperliquid")[0] == ratio
    assert adl.score(short, "hyperliquid_literal")[0] == ratio
    assert adl.score(short, "hyperliquid")[0] == Fraction(100, 125) * Fraction(800, 400)


def test_other_formulas():
    held = adl.Columns(
        [0, 1],
        [10, -10],
        [1000, -1000],
        [1100, -1100],
        [300, 300],
        [22, 22],
        [200, 200],
        [500, 500],
    )
    assert adl.score(held, "bybit").tolist() == [Fraction(100 * 500, 1000), Fraction(-50)]
    assert adl.score(held, "okx").tolist() == [Fraction(100 * 1100, 200**2), Fraction(-11, 4)]
    assert adl.score(held, "binance").tolist() == [Fraction(100, 200) * Fraction(22, 300), 0]
    assert adl.score(held, "htx").tolist() == [
        Fraction(1, 10) / Fraction(300, 1100),
        -Fraction(1, 10) * 5 * Fraction(300 * 5, 1100),
    ]


def test_only_what_is_needed():
    # a bankrupt long of 10, one winner short 100: 10 are closed, not 100
    held = columns([(1, -100, -10_000, -9_000, 5_000)])
    for policy in EVERY:
        assert adl.allocate(held, 10, policy).tolist() == [10]


def test_only_the_opposite_side():
    held = columns([(1, 50, 4_000, 4_500, 2_000), (2, -5, -550, -450, 200)])
    for policy in EVERY:
        assert adl.allocate(held, 10, policy).tolist() == [0, 5]


def test_one_price_for_all():
    # bankrupt long 10 @ 100 with equity 50: at 95 each of two shorts of 5 @ 100 keeps 25
    price = margin.bankruptcy_price(10, 100, 50)
    held = columns([(1, -5, -500, -450, 300), (2, -5, -500, -450, 250)])
    closed = adl.allocate(held, 10, "bitmex", loss_per_lot=price - 90)
    assert closed.tolist() == [5, 5]
    assert [margin.pnl(-int(q), 100, price) for q in closed] == [25, 25]


def test_prices_must_overlap():
    # dYdX v4 TestProcessDeleveraging: a long whose own bankruptcy price is above is refused
    for cash, allowed in ((-45_001, 1), (-50_000, 0)):
        held = adl.Columns([0], [1], equity=[cash + 50_000])
        loss = 50_000 - (54_999 if allowed else 49_999)
        assert adl.allocate(held, -1, "random", loss_per_lot=loss).tolist() == [allowed]
    # dYdX docs: B short 500 @1 with 100 is bankrupt at 1.2; A long 500 closed there gains 100
    price = margin.bankruptcy_price(-500, 1, 100)
    assert price == Fraction(6, 5)
    assert margin.pnl(500, 1, price) == 100


def test_exact_order_beyond_floating_point():
    # the scores differ in their 19th digit
    near = 2**61
    held = adl.Columns(
        [3, 1, 2], [-1, -1, -1], [-near, -near, -near], [-near + k for k in (5, 5, 5)],
        [near - 1, near, near - 1],
    )  # fmt: skip
    assert adl.queue(held, "bitmex", lots=1).tolist() == [2, 0, 1]


values = st.integers(1, 40) | st.integers(1, 2**61)
row = st.tuples(st.integers(1, 12), st.sampled_from((-1, 1)), values, values, values)


@given(st.lists(row, max_size=12), st.integers(-80, 80).filter(bool), st.sampled_from(EVERY))
def test_every_policy_closes_what_is_needed(rows, lots, policy):
    held = columns(
        [(k, s * q, s * entry, s * mark, equity)
         for k, (q, s, entry, mark, equity) in enumerate(rows)]
        or [(0, 1, 1, 1, 1)]
    )  # fmt: skip
    closed = adl.allocate(held, lots, policy)
    opposite = held.size * lots < 0
    assert (closed[~opposite] == 0).all()
    assert (closed >= 0).all()
    assert (closed <= np.abs(held.size)).all()
    able = opposite
    if policy.startswith("pro_rata_pnl"):
        able = opposite & (held.profit > 0)
        if policy.endswith("risk"):
            able &= held.profit * held.notional.astype(object) >= held.equity
    assert closed.sum() == min(abs(lots), int(np.abs(held.size[able]).sum()))
    if policy in adl.RANKINGS:
        order = adl.queue(held, policy, lots=lots)
        scores = adl.score(held, policy)
        keys = [(-scores[k], held.account[k]) for k in order]
        assert keys == sorted(keys)
        in_part = [k for k in order if closed[k] != abs(held.size[k])]
        assert all(closed[k] == 0 for k in in_part[1:])


@given(st.lists(st.integers(1, 9), min_size=1, max_size=4), st.data())
def test_min_max_is_the_smallest(sizes, data):
    lots = data.draw(st.integers(1, sum(sizes)))
    held = adl.Columns(range(len(sizes)), sizes)
    closed = adl.allocate(held, -lots, "integer_min_max").tolist()
    best = min(
        max(Fraction(x, q) for x, q in zip(tried, sizes, strict=True))
        for tried in product(*(range(q + 1) for q in sizes))
        if sum(tried) == lots
    )
    assert max(Fraction(x, q) for x, q in zip(closed, sizes, strict=True)) == best


def test_largest_remainder_goes_to_the_lower_account():
    held = columns([(9, -1, -10, -9, 5), (4, -1, -10, -9, 5), (7, -1, -10, -9, 5)])
    for policy in adl.ALLOCATIONS:
        assert adl.allocate(held, 1, policy).tolist() == [0, 1, 0]


def test_profit_pays_for_the_price():
    # a lot costs 4 against the mark: profits of 9 and 90 pay for 2 and 22 lots
    held = columns([(1, -10, -109, -100, 500), (2, -30, -390, -300, 500)])
    assert adl.allocate(held, 30, "pro_rata_pnl", loss_per_lot=4).tolist() == [2, 22]
    assert adl.allocate(held, 11, "pro_rata_pnl", loss_per_lot=4).tolist() == [1, 10]


def test_contract_pro_rata_takes_winners_first():
    held = columns([(1, -10, -110, -100, 50), (2, -30, -330, -300, 50), (3, -40, -380, -400, 50)])
    assert adl.allocate(held, 20, "contract_pro_rata").tolist() == [5, 15, 0]
    assert adl.allocate(held, 50, "contract_pro_rata").tolist() == [10, 30, 10]
    assert adl.allocate(held, 20, "pro_rata_quantity").tolist() == [3, 7, 10]


def test_random_depends_on_seed_and_account_alone():
    held = adl.Columns(range(50), [1] * 50)
    turned = adl.Columns(range(49, -1, -1), [1] * 50)
    first = held.account[adl.queue(held, "random", lots=-1, seed=3)].tolist()
    assert turned.account[adl.queue(turned, "random", lots=-1, seed=3)].tolist() == first
    assert held.account[adl.queue(held, "random", lots=-1, seed=4)].tolist() != first


def test_refusals():
    held = adl.Columns([1, 2], [3, -4])
    with pytest.raises(ValueError, match=r"policy must be .* got 'best'"):
        adl.allocate(held, 1, "best")
    with pytest.raises(ValueError, match="needs the column 'mark_value'"):
        adl.allocate(held, 1, "bitmex")
    with pytest.raises(ValueError, match="lots must not be 0"):
        adl.allocate(held, 0, "size")
    with pytest.raises(ValueError, match="account has 1 rows, size has 2"):
        adl.Columns([1], [3, -4])
    with pytest.raises(TypeError, match="size must be integers"):
        adl.Columns([1], [1.5])
    with pytest.raises(OverflowError, match="entry_value"):
        adl.Columns([1], [1], [2**63 - 1])
    with pytest.raises(ValueError, match="not finite"):
        adl.allocate(held, 1, lambda c: [float("nan"), 1.0])


def test_vega_loss_socialisation():
    # 0015-INSR / 0002-STTL features: 3,000 of gains 8,000 and 80 are not collected
    taken = [h * g for h, g in zip(adl.haircuts([8000, 80], 3000), (8000, 80), strict=True)]
    assert int(taken[0]) == 2970
    assert sum(taken) == 3000


def test_percolator_numbers():
    assert socialised.profit_backing(1000, 700, 100, 400) == Fraction(1, 2)
    assert socialised.profit_backing(1000, 700, 100, 0) == 1
    assert socialised.side_after_close(100, 20, 40, [50, 30, 20]) == (
        Fraction(2, 5), [40, 24, 16]
    )  # fmt: skip
    with pytest.raises(ValueError, match="closed 101"):
        socialised.side_after_close(100, 101, 0, [100])


def test_drift_and_dydx_numbers():
    assert socialised.loss_per_contract(100, 7, 4, Fraction(1, 10**6)) == Fraction("9.090910")
    with pytest.raises(ValueError, match="nobody"):
        socialised.loss_per_contract(1, 0, 0)
    assert insurance.fund_change(5610, 5100, "0.005") == Fraction("28.05")
    assert insurance.fund_change(5049, 5100, "0.005") == -51
    assert insurance.shrinking_fee(1, 1000, "0.05", "0.01", "0.05") == Fraction("0.03705")


def test_money_refusals():
    with pytest.raises(ValueError, match="order"):
        adl.seize([1, 2], 1, [0, 0])
    with pytest.raises(ValueError, match="negative"):
        adl.haircuts([-1], 1)
    with pytest.raises(ValueError, match="above 1"):
        adl.haircuts([1], 1, caps=[2])
    with pytest.raises(ValueError, match="pool_value"):
        adl.pool_profit_factor(1, 0, 1)
    with pytest.raises(ValueError, match="cost"):
        insurance.exponential_fund(1, 2, 1)


def test_scores_of_a_function_may_be_of_any_type():
    held = adl.Columns([1, 2, 3], [5, 5, 5])
    for kind in (np.uint64, np.int8, np.float64, object):
        scores = np.array([0, 2, 1], dtype=kind)
        assert adl.queue(held, lambda c, s=scores: s, lots=-1).tolist() == [1, 2, 0]
