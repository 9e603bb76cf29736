"""Stability pool of Liquity: shares, rounding in the pool's favour, changes of scale, the least that stays.

Compared with `reference.troves.FairPool`, which updates every depositor in fractions each time.
"""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference.troves import FairPool

from cascade.errors import ConservationError
from cascade.lending import WAD, RefusalError, StabilityPool


def _pool(*deposits):
    pool = StabilityPool()
    for name, size in zip("ABCDEFGH", deposits, strict=False):
        pool.deposit(name, size)
    return pool


def test_losses_are_rounded_up_and_gains_down():
    pool = _pool(10 * WAD, 10 * WAD, 10 * WAD)
    pool.offset(10 * WAD, WAD)
    # 10/30 is rounded up to ...334, so that P is ...666; gains are 1/30 a unit, rounded down
    assert [pool.compounded(name) for name in "ABC"] == [6666666666666666660] * 3
    assert [pool.gain(name) for name in "ABC"] == [333333333333333330] * 3
    assert pool.total_wad == 20 * WAD
    assert sum(map(pool.compounded, "ABC")) <= pool.total_wad


def test_what_rounding_took_is_fed_back():
    pool = _pool(10 * WAD, 10 * WAD, 10 * WAD)
    pool.offset(10 * WAD, WAD)
    # error 20: (10e18 - 20) / 20 + 1 is exactly a half; P = ...666 / 2
    pool.offset(10 * WAD, WAD)
    assert pool.product == 333333333333333333
    assert pool.compounded("A") == 3333333333333333330


def test_least_that_stays():
    # StabilityPool.sol getMaxAmountToOffset, _decreaseLUSD
    pool = _pool(10_000 * WAD)
    assert pool.max_offset() == 9_999 * WAD
    with pytest.raises(RefusalError, match=r"debt_wad .* leaves less than 1000000000000000000 of"):
        pool.offset(9_999 * WAD + 1, WAD)
    with pytest.raises(RefusalError, match="pool-minimum"):
        pool.withdraw("A")
    assert pool.withdraw("A", 9_999 * WAD) == (9_999 * WAD, 0)
    assert pool.max_offset() == 0
    assert StabilityPool().max_offset() == 0
    assert _pool(WAD // 2).max_offset() == 0


def test_nothing_to_offset_does_nothing():
    pool = _pool(10 * WAD)
    pool.offset(0, WAD)
    assert (pool.product, pool.collateral_wad, pool.gain("A")) == (WAD, 0, 0)
    empty = StabilityPool()
    empty.offset(WAD, WAD)
    assert (empty.total_wad, empty.collateral_wad) == (0, 0)


def test_one_and_two_changes_of_scale():
    pool = _pool(10**10 * WAD)
    # all but one of 10**10: P = 1e-10, below the limit of 1e-9, so nine digits are added
    pool.offset(10**10 * WAD - WAD, 7 * WAD)
    assert pool.scale == 1
    # less than a billionth of it is left: 0 by rule
    assert pool.compounded("A") == 0
    assert 7 * WAD - 10**10 < pool.gain("A") <= 7 * WAD
    pool.deposit("B", 10**9 * WAD - WAD)
    pool.offset(10**9 * WAD - WAD, 5 * WAD)
    assert pool.scale == 2
    assert pool.compounded("A") == 0
    # B has all but one part in 10**9 of the gain, and its deposit is a billionth of what it was
    assert pool.gain("B") == pytest.approx(5 * WAD * (1 - 1e-9), rel=1e-12)
    assert pool.compounded("B") == pytest.approx(WAD, rel=1e-8)
    # after two changes of scale a deposit gains nothing more
    gained = pool.gain("A")
    pool.deposit("C", 10**9 * WAD)
    pool.offset(10**9 * WAD, 5 * WAD)
    assert pool.gain("A") == gained
    total = sum(map(pool.gain, "ABC"))
    assert total <= pool.collateral_wad


def test_deposit_pays_the_gain_out_and_withdrawing_is_cut():
    pool = _pool(10 * WAD, 30 * WAD)
    pool.offset(20 * WAD, 4 * WAD)
    assert pool.deposit("A", WAD) == WAD
    assert pool.gain("A") == 0
    assert pool.compounded("A") == 6 * WAD - 10
    assert pool.withdraw("B", 100 * WAD) == (15 * WAD - 30, 3 * WAD)
    assert "B" not in pool.deposits
    with pytest.raises(ValueError, match="name 'B' has no deposit"):
        pool.withdraw("B")
    with pytest.raises(ValueError, match=r"amount_wad 0 is outside 1 \.\.\."):
        pool.deposit("B", 0)
    assert (pool.compounded("B"), pool.gain("B")) == (0, 0)


_events = st.lists(
    st.tuples(
        st.sampled_from(["deposit", "withdraw", "offset", "offset", "drain"]),
        st.sampled_from("ABCDE"),
        st.integers(1, 10**24),
        st.integers(0, 10**22),
    ),
    min_size=1, max_size=40,
)  # fmt: skip


@given(_events)
def test_pool_never_pays_more_than_it_holds_and_owes_no_more_but_for_drift(events):
    pool = StabilityPool()
    held = paid_in = paid_out = largest = 0
    for what, name, size, collateral in events:
        try:
            if what == "deposit":
                paid_out += pool.deposit(name, size)
                held += size
            elif what == "withdraw" and name in pool.deposits:
                taken, gain = pool.withdraw(name, size)
                held -= taken
                paid_out += gain
            elif what in ("offset", "drain"):
                debt = pool.max_offset() if what == "drain" else min(size, pool.max_offset())
                pool.offset(debt, collateral)
                held -= debt
                paid_in += collateral if debt else 0
        except RefusalError as refusal:
            assert refusal.reason in ("pool-minimum", "collateral-short")
        assert pool.total_wad == held
        assert pool.collateral_wad == paid_in - paid_out
        largest = max(largest, held)
        drift = largest // WAD + 1
        assert sum(map(pool.compounded, pool.deposits)) <= held + drift
        limit = pool.collateral_wad + paid_in * drift // WAD + 1
        assert sum(map(pool.gain, pool.deposits)) <= limit
        pool.check()


def test_drift_may_make_a_gain_wait_and_changes_nothing():
    # the loss fed back after a drain to the least is that of a pool 349,000 times as large
    pool = StabilityPool()
    pool.deposit("A", 348932889357384226818534)
    pool.offset(327673141413056977305600, 0)
    pool.offset(pool.max_offset(), 0)
    owed = pool.compounded("A") - pool.total_wad
    assert 10**5 < owed <= pool.drift_wad
    pool.offset(0, 0)
    pool.deposit("C", 11 * WAD)
    pool.offset(WAD, 2000 * WAD)
    short = pool.gain("A") + pool.gain("C") - pool.collateral_wad
    assert 0 < short <= 2000 * pool.drift_wad
    pool.withdraw("C", 0)
    before = (pool.collateral_wad, dict(pool.deposits), pool.total_wad)
    for call in (lambda: pool.withdraw("A", 0), lambda: pool.deposit("A", 1)):
        with pytest.raises(RefusalError, match=r"collateral-short: gain .* of 'A' is above"):
            call()
        assert (pool.collateral_wad, dict(pool.deposits), pool.total_wad) == before


def test_drift_is_found():
    pool = _pool(10 * WAD)
    pool.check()
    pool.total_wad -= 12
    with pytest.raises(ConservationError, match="deposits of 1"):
        pool.check()


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["deposit", "withdraw", "offset", "offset"]), st.sampled_from("ABCDE"),
            st.integers(WAD, 10**24), st.integers(1, 50), st.integers(0, 10**22),
        ),
        min_size=1, max_size=20,
    )
)  # fmt: skip
def test_every_share_is_the_fair_one(events):
    pool, fair = StabilityPool(), FairPool(least_left=WAD)
    offsets = collateral_in = 0
    largest = 1
    for what, name, size, percent, collateral in events:
        if what == "deposit":
            pool.deposit(name, size)
            fair.deposit(name, Fraction(size))
        elif what == "withdraw" and name in pool.deposits:
            wanted = pool.compounded(name) * percent // 100
            if pool.total_wad - wanted < WAD:
                continue
            pool.withdraw(name, wanted)
            fair.withdraw(name, Fraction(wanted))
        elif what == "offset" and pool.max_offset():
            debt = min(pool.max_offset(), pool.total_wad * percent // 100)
            pool.offset(debt, collateral)
            fair.offset(Fraction(debt), Fraction(collateral))
            offsets += 1
            collateral_in += collateral
        largest = max(largest, *map(pool.compounded, pool.deposits), 1)
        assert pool.total_wad == fair.total
        # at most half of the pool goes at a time, so P keeps eleven digits through twenty offsets
        for own in pool.deposits:
            off = abs(pool.compounded(own) - fair.deposits[own])
            assert off <= largest * offsets * Fraction(2, 10**12) + 2 * offsets + 1
            off = abs(pool.gain(own) - fair.gains[own])
            assert off <= collateral_in * offsets * Fraction(3, 10**12) + 2 * offsets * (
                largest // WAD + 1
            )
