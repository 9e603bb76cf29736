"""Protocols that take accounts over and sell the collateral: docs/protocols/compound_v3.md, by hand."""

import random

import pytest
from engine_kit import TWIN, core_kit, rows
from lending_scenes import go_on, lending_engine, words_of

import cascade as cs
from cascade import lending as rules_of

LIQUIDATION, REPAY, SEIZE = 6, 37, 38
HOUSE = -2


def comet(kit, *, liquidators=(), target=10**6, account=(10, 800)):
    """Coins at 100 bear 80 % and are credited at 90 %; half of the penalty is the buyer's."""
    words = words_of(kit)
    engine = kit.engine(asset_decimals=0)
    kit.market(engine, "X", venue=kit.linear(1, 1000), rules={"feed": "last"})
    engine.market("X").set_index(100)
    for liquidator in liquidators:
        engine.liquidators.add(words.Liquidator(**liquidator))
    rules = words.LendingRules(close_factor=("absorb", "0.5", target))
    lending = engine.lending.add("comet", rules=rules)
    lending.add_reserve(
        "X", price="X", venue=None, liquidation_threshold="0.8", liquidation_factor="0.9",
        borrowable=False,
    )  # fmt: skip
    lending.add_reserve("USD")
    lending["USD"].supply(2000)
    lending.open(collateral={"X": account[0]}, debt={"USD": account[1]})
    return engine, lending


def numbers(reserve, *names):
    row = reserve.row()
    return tuple(row[name] for name in names)


def test_an_account_is_taken_over_and_its_collateral_sold(kit):
    engine, lending = comet(kit)
    result = engine.step(index={"X": 90})
    # 900 at 90 % are 810: 10 more than the debt. A coin costs 90 * 0.95, cut off: 85.
    assert (result.liquidated, result.notional_atoms, result.bad_debt_atoms) == (1, 800, 0)
    assert numbers(lending["USD"], "treasury", "cash", "supplied_lots") == (40, 2050, 2010)
    assert numbers(lending["X"], "absorbed", "treasury", "cash", "supplied") == (0, 0, 0, 0)
    found = [
        (row["kind"], row["account"], row["counterparty"], row["quantity"], row["money"])
        for row in rows(engine)
        if row["kind"] in (LIQUIDATION, REPAY, SEIZE)
    ]
    assert found == [
        (LIQUIDATION, 0, -1, 10, -80),
        (SEIZE, 0, HOUSE, 10, 0),
        (REPAY, 0, HOUSE, 800, 800),
        (SEIZE, -1, -1, 10, 0),
        (REPAY, -1, -1, 850, 850),
    ]
    engine.validate()


def test_a_balance_below_zero_is_bad_debt_of_the_reserves(kit):
    engine, lending = comet(kit)
    # 500 at 90 % are 450; a coin costs 50 * 0.95, cut off: 47
    assert engine.step(index={"X": 50}).bad_debt_atoms == 350
    assert numbers(lending["USD"], "treasury", "cash", "supplied_lots") == (-330, 1670, 2000)
    engine.validate()


def test_what_pays_nobody_stays_with_the_protocol_until_it_does(kit):
    engine, lending = comet(kit, liquidators=[{"gas": 60}])
    engine.step(index={"X": 90})
    assert numbers(lending["X"], "absorbed", "treasury", "cash") == (10, 10, 10)
    assert numbers(lending["USD"], "treasury") == (-810,)
    engine.validate()
    # at 200 a coin costs 190: ten bring 100 more than they cost, 60 of which are gas
    engine.step(index={"X": 200})
    assert numbers(lending["X"], "absorbed", "treasury", "cash") == (0, 0, 0)
    assert numbers(lending["USD"], "treasury") == (1090,)
    assert engine.liquidators.result(0) == {"profit": 40, "gas": 60, "bids": 0, "calls": 1}
    engine.validate()


def test_a_small_capital_buys_by_halves(kit):
    engine, lending = comet(kit, liquidators=[{"capital": 200}])
    engine.step(index={"X": 90})
    # A coin costs 85 and brings 5 more. Of 10, 5 are too much and 2 are not; of 8 again 2; of 6, 3 cost
    # 255 of 220, so 1; of 5, 2; of 3, 1, because 255 are more than 235; then 2.
    assert numbers(lending["X"], "absorbed") == (0,)
    assert engine.liquidators.result(0) == {"profit": 50, "gas": 0, "bids": 0, "calls": 6}


def test_a_liquidator_with_latency_sees_an_offer_later(kit):
    engine, lending = comet(kit, liquidators=[{"latency": 5}])
    assert engine.step(index={"X": 90}, dt=1).liquidated == 1  # put up at second 1
    left = []
    for dt in (4, 0.5, 0.5):
        engine.step(dt=dt)
        left.append(numbers(lending["X"], "absorbed"))
    assert left == [(10,), (10,), (0,)]
    # another account of the same asset is a new offer, at second 7
    lending.open(collateral={"X": 10}, debt={"USD": 800})
    engine.step(dt=1)
    engine.step(dt=4)
    assert numbers(lending["X"], "absorbed") == (10,)
    engine.step(dt=1)
    assert numbers(lending["X"], "absorbed") == (0,)
    engine.validate()


@pytest.mark.parametrize(("calls", "left"), [("chained", [0, 0]), ("single", [5, 0])])
def test_a_single_call_is_one_purchase_a_step(kit, calls, left):
    # 450 buy five coins at 85, which sell for 90: 25 earned, and five again
    engine, lending = comet(kit, liquidators=[{"capital": 450, "calls": calls}])
    found = []
    for index in ({"X": 90}, {}):
        engine.step(index=index)
        found.append(numbers(lending["X"], "absorbed")[0])
    assert found == left
    assert engine.liquidators.result(0)["calls"] == 2


def test_bidders_of_a_storefront_pay_what_the_next_would_have_gained(kit):
    # ten coins at 85 sell for 900: 50 less gas are 20, 40 and 15
    engine, _ = comet(kit, liquidators=[{"gas": 30}, {"gas": 10}, {"gas": 35}])
    engine.liquidators.compete = "bids"
    engine.step(index={"X": 90})
    results = [engine.liquidators.result(k) for k in range(3)]
    assert [r["calls"] for r in results] == [0, 1, 0]
    assert results[1] == {"profit": 20, "gas": 10, "bids": 20, "calls": 1}
    engine.validate()


def test_a_snapshot_knows_since_when_an_offer_stands(tmp_path):
    kit = core_kit()
    if kit is None:
        pytest.skip("the compiled engine is not built")
    engine, _ = comet(kit, liquidators=[{"latency": 5}])
    engine.step(index={"X": 90}, dt=1)
    engine.step(dt=3)
    engine.save(tmp_path / "offer.npz")
    loaded = kit.Engine.load(tmp_path / "offer.npz")
    for made in (engine, loaded):
        made.step(dt=1)
        assert numbers(made.lending["comet"]["X"], "absorbed") == (10,)
        made.step(dt=1)
        assert numbers(made.lending["comet"]["X"], "absorbed") == (0,)
    assert loaded.state_hash() == engine.state_hash()


def test_nothing_is_sold_while_reserves_are_at_the_target(kit):
    engine, lending = comet(kit, target=0)
    lending.open(collateral={"X": 1}, debt={"USD": 30})
    engine.step(index={"X": 90})
    assert numbers(lending["USD"], "treasury") == (40,)
    # 37 bear 29; 33 are credited, and 40 - 30 - 3 of the reserves are left
    engine.step(index={"X": 37})
    assert numbers(lending["USD"], "treasury") == (7,)
    assert numbers(lending["X"], "absorbed", "treasury") == (1, 1)


def test_a_paused_reserve_keeps_its_accounts(kit):
    engine, lending = comet(kit)
    lending["X"].pause()
    assert engine.step(index={"X": 90}).liquidated == 0
    lending["X"].pause(False)
    assert engine.step().liquidated == 1


def test_the_grace_after_a_pause_is_the_accounts(kit):
    engine, lending = comet(kit)
    lending["X"].pause()
    assert engine.step(index={"X": 90}).liquidated == 0
    lending["X"].pause(False, grace=5)
    assert engine.step(dt=4).liquidated == 0
    assert engine.step(dt=1).liquidated == 1


def test_the_published_absorption(kit):
    # 44175 dollars against 44174.999999: one atom to the account, 44175 from the reserves
    words = words_of(kit)
    engine = kit.engine(asset_decimals=6)
    kit.market(engine, "ALL", rules={"feed": "index"})
    engine.market("ALL").set_index(44_175)
    engine.liquidators.add(words.Liquidator(min_profit=1))
    rules = words.LendingRules(close_factor=("absorb", "0.5", 0))
    lending = engine.lending.add("comet", rules=rules)
    lending.add_reserve("ALL", price="ALL", liquidation_threshold="0.6", borrowable=False)
    lending.add_reserve("USD")
    lending["USD"].supply(50_000)
    lending.open(collateral={"ALL": 1}, debt={"USD": 44_174.999999})
    engine.step()
    wad = 10**18
    asset = rules_of.CollateralAsset(price=44_175 * 10**8, liquidate_factor=6 * wad // 10)
    done = rules_of.absorb({"ALL": asset}, {"ALL": wad}, 44174_999999, 10**8, 10**6)
    assert numbers(lending["USD"], "treasury") == (done.reserves,) == (-44175_000000,)
    assert numbers(lending["USD"], "supplied_lots") == (50_000_000_000 + done.supply,)
    assert done.supply == 1


def test_only_one_reserve_can_be_borrowed(kit):
    _, lending = comet(kit)
    with pytest.raises(ValueError, match="'USD' can be borrowed"):
        lending.add_reserve("USDT", price=None)
    lending.add_reserve("USDT", price=None, borrowable=False)


@pytest.mark.parametrize("seed", range(8))
def test_twin_and_core_agree_in_random_histories(seed):
    pair = [lending_engine(kit, seed, absorb=True) for kit in (TWIN, core_kit())]
    for _ in range(6):
        for engine, source in pair:
            go_on(engine, source, 1)
            engine.validate()
        assert pair[0][0].state_hash() == pair[1][0].state_hash()
        assert pair[0][0].totals() == pair[1][0].totals()
    assert rows(pair[0][0]) == rows(pair[1][0])


def test_a_copy_goes_on_bit_for_bit(tmp_path):
    engine, source = lending_engine(core_kit(), 2, absorb=True)
    go_on(engine, source, 3)
    engine.save(tmp_path / "engine.npz")
    state, ends = source.getstate(), []
    for other in (engine.copy(), cs.Engine.load(tmp_path / "engine.npz"), engine):
        assert other.state_hash() == engine.state_hash()
        source = random.Random()
        source.setstate(state)
        go_on(other, source, 4)
        ends.append((other.state_hash(), other.events.tobytes()))
    assert ends[0] == ends[1] == ends[2]


@pytest.mark.parametrize("close", [("absorb",), ("absorb", 2, 0), ("absorb", "0.5", -1), "absorb"])
def test_wrong_rules_are_refused(close):
    with pytest.raises(ValueError, match="close_factor"):
        cs.LendingRules(close_factor=close)


def test_halts_of_calls_are_not_of_absorption():
    with pytest.raises(ValueError, match=r"halt_above '0.9' is of calls"):
        cs.LendingRules(close_factor=("absorb", "0.5", 0), halt_above="0.9")
