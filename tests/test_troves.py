"""Troves of Liquity: branches of liquidation, redistribution, both modes, penalties of v2, fees.

Compared with `reference.troves.FairTroves`, which updates every trove in fractions each time. Numbers are those of
liquity/dev packages/contracts (README, TroveManager.sol and its tests) and liquity/bold contracts/test, or
worked by hand.
"""

import copy
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference.troves import FairTroves

from cascade.lending import WAD, Redistribution, RefusalError, TroveSystem, branch_penalties
from cascade.lending import trove_liquidation as rules
from cascade.lending.wad import in_units
from cascade.rules.parameters.liquity_v1 import TROVES
from cascade.rules.parameters.liquity_v2 import BRANCHES

PERCENT = WAD // 100


@pytest.mark.parametrize(
    ("ratio", "system", "debt", "pool", "branch"),
    [
        # recovery mode: README tables and TroveManager.sol, edges included
        (100, 149, 100, 1000, "redistribute"),
        (101, 149, 100, 1000, "offset then redistribute"),
        (101, 149, 100, 0, "redistribute"),
        (110, 149, 100, 100, "capped offset"),
        (110, 149, 101, 100, "nothing"),
        (148, 149, 100, 1000, "capped offset"),
        (149, 149, 100, 1000, "nothing"),
        # normal mode, from a system ratio of exactly 150 % on
        (100, 150, 100, 1000, "offset then redistribute"),
        (109, 150, 100, 0, "redistribute"),
        (110, 150, 100, 1000, "nothing"),
    ],
)
def test_branches(ratio, system, debt, pool, branch):
    asked = rules.liquidation_branch(ratio * PERCENT, system * PERCENT, debt * WAD, pool * WAD)
    assert asked == branch


def test_ratio_just_below_110_is_liquidatable():
    assert rules.collateral_ratio(11, 10, WAD) == 11 * WAD // 10
    just_below = rules.collateral_ratio(11 * WAD - 1, 10 * WAD, WAD)
    assert rules.liquidation_branch(just_below, 2 * WAD, 1, 0) == "redistribute"
    assert rules.collateral_ratio(1, 0, WAD) == 2**256 - 1


def test_offset_is_limited_by_the_pool_and_all_parts_add_up():
    parts = rules.offset_and_redistribute(3 * WAD + 1, 700 * WAD, 300 * WAD)
    fee = (3 * WAD + 1) // 200
    assert parts.gas_compensation_wad == fee
    assert parts.offset_collateral_wad == (3 * WAD + 1 - fee) * 3 // 7
    assert parts.redistributed_debt_wad == 400 * WAD


_sizes = st.integers(1, 10**27)


@given(_sizes, _sizes, st.integers(0, 10**27), _sizes)
def test_parts_of_a_liquidation_are_the_whole(collateral, debt, pool, price):
    several = [
        rules.offset_and_redistribute(collateral, debt, pool),
        rules.offset_and_redistribute_with_penalties(collateral, debt, pool, price),
    ]
    if debt * 11 // 10 * WAD // price < collateral:
        several.append(rules.capped_offset(collateral, debt, price))
    for parts in several:
        assert parts.offset_debt_wad + parts.redistributed_debt_wad == debt
        assert collateral == (
            parts.offset_collateral_wad + parts.redistributed_collateral_wad + parts.surplus_wad
            + parts.gas_compensation_wad
        )  # fmt: skip
        assert min(vars(parts).values()) >= 0


def test_capped_offset_needs_the_collateral():
    with pytest.raises(ValueError, match=r"collateral_wad .* is below 2200000000000000000"):
        rules.capped_offset(2 * WAD, 200 * WAD, 100 * WAD)


# ---------------------------------------------------------------- Liquity v2


def test_surplus_of_the_offset_is_eaten_by_the_redistribution():
    # by hand: 10 of collateral at 110 is 1100 against 1000; half offset, half redistributed at 20 %.
    # offset: 5 less a compensation of 0.025, at most 500 * 1.05 / 110 = 4.7727...; rest 0.2022...
    parts = rules.offset_and_redistribute_with_penalties(
        10 * WAD, 1000 * WAD, 500 * WAD, 110 * WAD, redistribution_penalty_wad=WAD // 5
    )
    assert parts.offset_collateral_wad == 525 * WAD // 110
    # 500 * 1.2 / 110 = 5.4545... is more than 5.2022..., so the owner gets nothing
    assert parts.surplus_wad == 0
    assert parts.redistributed_collateral_wad == 5 * WAD + 4975 * WAD // 1000 - 525 * WAD // 110


def test_compensation_is_capped_and_none_without_an_offset():
    parts = rules.offset_and_redistribute_with_penalties(1000 * WAD, WAD, 10 * WAD, WAD)
    assert parts.gas_compensation_wad == 2 * WAD
    parts = rules.offset_and_redistribute_with_penalties(1000 * WAD, WAD, 0, WAD)
    assert parts.gas_compensation_wad == 0
    assert parts.redistributed_collateral_wad == 11 * WAD // 10


def test_penalties_of_the_branches():
    assert branch_penalties()["redistribution_penalty_wad"] == WAD // 10
    assert branch_penalties("staked ether")["redistribution_penalty_wad"] == WAD // 5
    with pytest.raises(ValueError, match="branch 'BTC' is not one of WETH, staked ether"):
        branch_penalties("BTC")


# ---------------------------------------------------------------- fees and ratios


def test_base_rate_halves_in_twelve_hours_by_whole_minutes():
    # FeeArithmeticTest.js: 1, 17, 29, 50 and 59 seconds give no decay
    for seconds in (0, 1, 17, 29, 50, 59):
        assert rules.decayed_base_rate(WAD // 100, seconds) == WAD // 100
    assert rules.decayed_base_rate(WAD // 100, 12 * 3600) == pytest.approx(WAD // 200, rel=1e-11)
    # a thousand years at most: more minutes change nothing
    cap = 525_600_000
    base = WAD - 1
    assert rules.decimal_power(base, cap) == rules.decimal_power(base, cap + 10**9)


def test_fees_have_a_floor_and_a_cap():
    assert rules.borrowing_rate(0) == WAD // 200
    assert rules.borrowing_rate(WAD) == WAD // 20
    assert rules.borrowing_rate(WAD, is_recovery=True) == 0
    assert rules.redemption_rate(WAD) == WAD
    assert rules.redemption_rate(WAD // 10) == 105 * WAD // 1000


def test_data_files_have_the_values_that_the_rules_use():
    data = TROVES
    for name, value in (
        ("minimum_ratio", rules.MINIMUM_RATIO), ("critical_ratio", rules.CRITICAL_RATIO),
        ("reserve", rules.LIQUIDATION_RESERVE), ("least_net_debt", rules.LEAST_NET_DEBT),
        ("fee_floor", rules.FEE_FLOOR), ("largest_borrowing_fee", rules.LARGEST_BORROWING_FEE),
        ("minute_decay_factor", rules.MINUTE_DECAY_FACTOR),
    ):  # fmt: skip
        assert in_units(data[name], WAD) == value
    assert data["gas_compensation_divisor"] == rules.GAS_COMPENSATION_DIVISOR
    # liquity/bold Constants.sol
    assert BRANCHES["staked ether"]["minimum_ratio"] == "1.2"


# ---------------------------------------------------------------- redistribution


def test_later_troves_get_no_share_for_collateral_from_redistributions():
    # README: stakes correct for earlier redistributions. B has 2 of its own and 2 from A; C comes with 4,
    # and both share the next one equally
    shares = Redistribution()
    shares.set_stake("B", 2 * WAD)
    shares.share_out(2 * WAD, 100 * WAD)
    shares.remember(4 * WAD)
    shares.set_stake("C", 4 * WAD)
    assert shares.stakes["C"].stake == 2 * WAD
    shares.share_out(2 * WAD, 50 * WAD)
    assert shares.pending("C") == (WAD, 25 * WAD)
    assert shares.pending("B") == (3 * WAD, 125 * WAD)


def test_remainders_of_redistributions_are_fed_back():
    shares = Redistribution()
    for name in "ABC":
        shares.set_stake(name, WAD)
    for _ in range(3):
        shares.share_out(WAD, WAD)
    # 1/3 each time is rounded down, and the third makes up for it
    assert shares.pending("A") == (WAD, WAD)
    shares.share_out(5, 0)
    assert shares.pending("A") == (WAD, WAD)
    with pytest.raises(RefusalError, match="no-stakes"):
        Redistribution().share_out(1, 1)


# ---------------------------------------------------------------- histories


def _system(*troves, price=200, deposit=0):
    system = TroveSystem(price * WAD)
    for name, collateral, drawn in troves:
        system.open(name, collateral * WAD, drawn * WAD)
    if deposit:
        system.deposit("pool", deposit * WAD)
    return system


def test_normal_mode_offsets_and_the_rest_goes_to_the_others():
    # A owes 2000 and 0.5 % and 200; the pool leaves 1 of its 1001
    system = _system(("A", 20, 2000), ("B", 100, 2000), deposit=1001)
    system.set_price(120 * WAD)
    assert system.ratio("A") == 2400 * WAD * WAD // (2210 * WAD)
    assert not system.is_recovery
    parts = system.liquidate(["A", "A", "nobody"]).troves["A"]
    assert (parts.offset_debt_wad, parts.redistributed_debt_wad) == (1000 * WAD, 1210 * WAD)
    to_pool = 199 * WAD // 10 * 1000 // 2210
    assert parts.offset_collateral_wad == to_pool
    # rounded down to multiples of the pool's 1001 units
    assert to_pool - 1001 <= system.pool.gain("pool") <= to_pool
    collateral, debt = system.entire("B")
    assert abs(collateral - (100 * WAD + 199 * WAD // 10 - to_pool)) <= 100
    assert abs(debt - (2210 + 1210) * WAD) <= 100
    system.check()


def test_last_trove_is_never_liquidated():
    # TroveManager.sol _requireMoreThanOneTroveInSystem; in recovery mode it is passed over
    system = _system(("A", 20, 2000))
    system.set_price(100 * WAD)
    assert system.is_recovery
    with pytest.raises(RefusalError, match="nothing-to-liquidate"):
        system.liquidate(["A"])
    with pytest.raises(RefusalError, match="nothing-to-liquidate"):
        system.liquidate_lowest(3)
    with pytest.raises(RefusalError, match="last-trove"):
        system.close("A")


def test_recovery_mode_caps_what_the_pool_gets():
    system = _system(("A", 24, 2000), ("B", 24, 2400), ("C", 40, 3000), deposit=9000)
    system.set_price(120 * WAD)
    # 2880/2210, 2880/2612, 4800/3215: the system is at 131 %
    assert system.is_recovery
    result = system.liquidate(["A", "C", "B"])
    # C is above the system's ratio; A is capped; B at 110.3 % too
    assert list(result.troves) == ["A", "B"]
    parts = result.troves["A"]
    capped = 2210 * WAD * 11 // 10 // 120
    assert parts.surplus_wad == 24 * WAD - capped
    assert parts.gas_compensation_wad == capped // 200
    assert system.claim_surplus("A") == parts.surplus_wad
    with pytest.raises(ValueError, match="name 'A' has no surplus"):
        system.claim_surplus("A")
    assert result.reserve_wad == 400 * WAD
    system.check()


def test_a_sequence_may_leave_recovery_mode_on_its_way():
    system = _system(("A", 24, 2400), ("B", 24, 2390), ("C", 60, 5000), deposit=9000)
    system.set_price(119 * WAD)
    # with A gone at its cap the rest, 84 * 119 / 7826.95, is still below 150 %; without A and B C is not
    assert system.is_recovery
    result = system.liquidate_lowest(5)
    assert list(result.troves) == ["A", "B"]
    assert system.system_ratio == system.ratio("C") == 60 * 119 * WAD * WAD // (5225 * WAD)
    system.check()


def test_opening_is_refused_by_debt_ratio_and_mode():
    system = _system(("A", 30, 2000))
    for collateral, drawn, reason in (
        (100, 1790, "net-debt"), (11, 2000, "below-minimum-ratio"),
        (22, 4000, "below-minimum-ratio"), (60, 10_400, "system-below-critical-ratio"),
    ):  # fmt: skip
        with pytest.raises(RefusalError) as refused:
            system.open("B", collateral * WAD, drawn * WAD)
        assert refused.value.reason == reason
    system.set_price(100 * WAD)
    with pytest.raises(RefusalError, match="below-critical-ratio"):
        system.open("B", 30 * WAD, 2000 * WAD)
    # no fee in recovery mode: 3300 against 2000 + 200 is exactly 150 %
    assert system.open("B", 33 * WAD, 2000 * WAD) == 0
    with pytest.raises(ValueError, match="name 'B' has a trove"):
        system.open("B", 33 * WAD, 2000 * WAD)


def test_system_at_exactly_150_percent_is_in_normal_mode():
    # 15 * 221 / (2000 + 10 + 200)
    system = TroveSystem(221 * WAD)
    system.open("A", 15 * WAD, 2000 * WAD)
    assert system.system_ratio == 15 * WAD // 10
    assert not system.is_recovery
    system.set_price(221 * WAD - 1)
    assert system.is_recovery


def test_whole_pool_is_passed_by_at_100_percent_in_recovery_mode():
    # 1105 * 2 / 2210 is exactly 100 %: TroveManager.sol `_ICR <= _100pct`
    system = _system(("A", 1105, 2000), ("B", 13, 2000), price=1000, deposit=9000)
    system.set_price(2 * WAD)
    assert system.ratio("A") == WAD
    assert system.is_recovery
    parts = system.liquidate(["A"]).troves["A"]
    assert (parts.offset_debt_wad, parts.redistributed_debt_wad) == (0, 2210 * WAD)
    assert system.pool.total_wad == 9000 * WAD
    system.check()


def test_depositors_wait_for_liquidations():
    system = _system(("A", 20, 2000), ("B", 200, 2000), deposit=5000)
    system.set_price(110 * WAD)
    with pytest.raises(RefusalError, match="undercollateralised-troves"):
        system.withdraw("pool", WAD)
    assert system.withdraw("pool", 0) == (0, 0)
    system.liquidate(["A"])
    assert system.withdraw("pool", WAD)[0] == WAD
    system.check()


def test_majority_stake_tops_up_between_two_liquidations():
    # TroveManager_LiquidationRewardsTest.js: 1, 1, 998 and 1000; the last is liquidated, the third adds 1,
    # another opens with 1996 and is liquidated: 1992.01 of 1996, then 3982.02 in all
    system = TroveSystem(100 * WAD, least_net_debt_wad=0, reserve_wad=0)
    for name, collateral, drawn in (
        ("A", 1, 20),
        ("B", 1, 20),
        ("C", 998, 20_000),
        ("D", 1000, 80_000),
    ):
        system.open(name, collateral * WAD, drawn * WAD)
    system.set_price(85 * WAD)
    system.liquidate(["D"])
    system.add_collateral("C", WAD)
    assert abs(system.entire("C")[0] - 199201 * WAD // 100) <= 1000
    assert system.active_collateral_wad + system.shared_collateral_wad == 1996 * WAD
    system.open("E", 1996 * WAD, 120_000 * WAD)
    system.set_price(66 * WAD)
    system.liquidate(["E"])
    assert system.active_collateral_wad + system.shared_collateral_wad == 398202 * WAD // 100
    for name, before in (("A", 1995), ("B", 1995), ("C", 1992010)):
        # in proportion to what each had: before / 1996 of 1986.02
        expected = Fraction(before, 1000) * (1 + Fraction(198602, 199600))
        assert abs(system.entire(name)[0] - expected * WAD) <= 10**4
    system.check()


def test_collateral_is_taken_out_as_long_as_all_stay_covered():
    # BorrowerOperations.sol _requireValidAdjustmentInCurrentMode
    system = _system(("A", 30, 2000), ("B", 30, 2000))
    with pytest.raises(RefusalError, match="below-minimum-ratio"):
        system.remove_collateral("A", 18 * WAD)
    with pytest.raises(ValueError, match=r"collateral_wad .* is outside 1"):
        system.remove_collateral("A", 31 * WAD)
    # 2210 * 1.1 / 200 is 12.155: with that both have (12.155 + 30) * 200 / 4420, above 150 %
    system.remove_collateral("A", 30 * WAD - 12155 * WAD // 1000)
    assert system.ratio("A") == 11 * WAD // 10
    with pytest.raises(RefusalError, match="system-below-critical-ratio"):
        system.remove_collateral("B", 10 * WAD)
    system.check()
    system.set_price(150 * WAD)
    with pytest.raises(RefusalError, match="recovery-mode"):
        system.remove_collateral("B", WAD)


def test_closing_returns_collateral_and_the_reserve_pays_itself():
    system = _system(("A", 30, 2000), ("B", 100, 2000))
    assert system.close("A") == (2010 * WAD, 30 * WAD)
    assert system.withdrawn_wad == 30 * WAD
    system.check()


_actions = st.lists(
    st.tuples(
        st.sampled_from(
            ["open", "open", "open", "price", "batch", "batch", "lowest", "deposit", "withdraw", "add",
             "remove", "close", "claim"]
        ),
        st.integers(0, 7), st.integers(0, 10**6),
    ),
    min_size=4, max_size=40,
)  # fmt: skip


def _act(system, what, number, size):
    name = f"owner {number}"
    calls = {
        "open": lambda: system.open(
            name, (15 + size % 50) * WAD + size, (1800 + size % 3000) * WAD
        ),
        "price": lambda: system.set_price((60 + size % 160) * WAD + size),
        "batch": lambda: system.liquidate(
            [f"owner {(number + n) % 8}" for n in range(1 + size % 6)]
        ),
        "lowest": lambda: system.liquidate_lowest(1 + number),
        "deposit": lambda: system.deposit(name, (size % 4000 + 1) * WAD + size),
        "withdraw": lambda: system.withdraw(name, size % 2000 * WAD),
        "add": lambda: system.add_collateral(name, (1 + size % 30) * WAD),
        "remove": lambda: system.remove_collateral(name, (1 + size % 30) * WAD),
        "close": lambda: system.close(name),
        "claim": lambda: system.claim_surplus(name),
    }
    return calls[what]()


def _follow(fair, system, what, number, size, answer):
    """The same in the twin, which takes from the answer what is its own to say: names and sizes."""
    name = f"owner {number}"
    if what == "open":
        trove = system.troves[name]
        fair.open(name, trove.collateral_wad, trove.debt_wad)
    elif what == "price":
        fair.price = Fraction(system.price_wad, WAD)
    elif what in ("batch", "lowest"):
        assert fair.liquidate(answer.troves) == list(answer.troves)
    elif what == "deposit":
        fair.pool.deposit(name, Fraction((size % 4000 + 1) * WAD + size))
    elif what == "withdraw":
        fair.pool.withdraw(name, Fraction(answer[0]))
    elif what == "add":
        fair.add_collateral(name, (1 + size % 30) * WAD)
    elif what == "remove":
        fair.add_collateral(name, -(1 + size % 30) * WAD)
    elif what == "close":
        fair.close(name)


@given(_actions)
def test_histories_are_those_of_the_twin_and_nothing_is_lost(actions):
    system, fair = TroveSystem(200 * WAD), FairTroves(200)
    fair.pool.least_left = Fraction(WAD)
    for what, number, size in actions:
        before = copy.deepcopy(vars(system))
        try:
            answer = _act(system, what, number, size)
        except ValueError:
            after = vars(system)
            assert repr(after["troves"]) == repr(before["troves"])
            assert vars(after["pool"]) == vars(before["pool"])
            assert vars(after["shares"]) == vars(before["shares"])
            simple = [name for name, value in before.items() if isinstance(value, (int, dict))]
            assert [after[name] for name in simple] == [before[name] for name in simple]
            continue
        _follow(fair, system, what, number, size, answer)
        system.check()
        assert set(fair.troves) == set(system.troves)
        for name, (collateral, debt) in fair.troves.items():
            own_collateral, own_debt = system.entire(name)
            assert abs(own_collateral - collateral) <= 10**5
            assert abs(own_debt - debt) <= 10**6
        for name in system.pool.deposits:
            assert abs(system.pool.compounded(name) - fair.pool.deposits[name]) <= 10**13
            assert abs(system.pool.gain(name) - fair.pool.gains[name]) <= 10**12
        assert abs(system.gas_wad - fair.to_liquidators) <= 10**5
