"""Who makes a call that no liquidator gains by: docs/lending-market.md, *Stop-gaps*, by hand."""

import pytest
from engine_kit import BUY, core_kit, rows
from lending_setups import borrower, lending_engine

import cascade as cs

POOL, BACKSTOP = -4, -5


def stuck(kit, stop_gap, liquidators=({"gas": 10**6},), **rules):
    """An account of 100 ETH at 100 against 7,950 that falls to 99; no liquidator gains by it."""
    engine, pool = lending_engine(kit, rules={"stop_gap": stop_gap, **rules})
    for given in liquidators:
        engine.liquidators.add(kit.lending.Liquidator(**given))
    borrower(pool, 100, 7950)
    return engine, pool


def test_nobody_steps_in_by_default(kit):
    engine, pool = stuck(kit, ())
    assert engine.step(index={"ETH": 99}).liquidated == 0
    with pytest.raises(ValueError, match="no stability pool"):
        _ = pool.stability_pool


def test_the_pool_takes_what_it_can_pay(kit):
    engine, pool = stuck(kit, ("stability_pool",))
    pool.stability_pool.provide(2001, "ada")
    result = engine.step(index={"ETH": 99})
    # 7,950 by halves: 1,987 are the first within 2,000; 1,987 * 1.05 / 99 = 21 lots, worth 2,079. Then 13 are free
    # and 5,963 by halves are 11, worth no lot: it stays
    assert result.liquidated == 1
    row = pool.stability_pool.row()
    assert (row["deposits"], row["burned"], row["gains"]) == (14, 1987, 2079)
    (seize,) = rows(engine, "seize")
    assert (seize["counterparty"], seize["quantity"]) == (POOL, 21)
    (offset,) = rows(engine, "offset")
    assert (offset["quantity"], offset["money"]) == (1987, 2079)
    assert pool["USD"].row()["owed_lots"] == 7950 - 1987
    engine.validate()


def test_the_backstop_loses_up_to_its_capital(kit):
    # at 40 the collateral is worth 4,000: 3,975 lots repaid would take 104 lots, so 100 for 3,810
    engine, pool = stuck(kit, (("backstop", 4000),))
    result = engine.step(index={"ETH": 40})
    assert result.liquidated == 1
    (repay,) = (row for row in rows(engine, "repay") if row["cause"] >= 0)
    assert (repay["counterparty"], repay["quantity"]) == (BACKSTOP, 3810)
    backstop = pool.backstop if kit.name == "core" else None
    assert backstop is None or backstop == {"capital": 4000, "profit": 190, "calls": 1}
    engine.validate()


def test_a_backstop_without_means_lets_it_be(kit):
    engine, _ = stuck(kit, (("backstop", 0),))
    assert engine.step(index={"ETH": 99}).liquidated == 0


def test_liquidators_come_first_and_are_waited_for(kit):
    engine, pool = stuck(kit, ("stability_pool",), liquidators=[{"latency": 3}])
    pool.stability_pool.provide(10_000)
    assert engine.step(index={"ETH": 99}, dt=1).liquidated == 0
    assert engine.step(dt=3).liquidated > 0
    assert pool.stability_pool.row()["burned"] == 0


def test_no_stage_takes_what_the_sentinel_spares(kit):
    # 9,900 * 0.8 / 7,950 = 0.996 is spared while the sequencer is down
    engine, pool = stuck(kit, (("backstop", 10**6),), sentinel="0.95")
    pool.sequencer(False)
    assert engine.step(index={"ETH": 99}).liquidated == 0
    pool.sequencer(True)
    assert engine.step().liquidated > 0


def test_stages_follow_their_order(kit):
    engine, pool = stuck(kit, (("backstop", 10**5), "stability_pool"))
    pool.stability_pool.provide(10_000)
    engine.step(index={"ETH": 99})
    assert {row["counterparty"] for row in rows(engine, "seize")} == {BACKSTOP}


def test_a_copy_has_the_pool_and_the_backstop(tmp_path):
    engine, pool = stuck(core_kit(), ("stability_pool", ("backstop", 5000)))
    pool.stability_pool.provide(2001, "ada")
    engine.step(index={"ETH": 99})
    engine.save(tmp_path / "engine.npz")
    for other in (engine.copy(), cs.Engine.load(tmp_path / "engine.npz")):
        assert other.state_hash() == engine.state_hash()
        assert other.lending["pool"].backstop == pool.backstop
        assert other.totals() == engine.totals()


def dear(kit, stop_gap, accounts=((200, 100),), bids=None):
    """Accounts of (ETH at 100, DAI at 110), DAI in a book that quotes less than it comes to.

    50 DAI are offered at 101 and 100 at 106; the last trade was at 100, so that orders stop at 105, and what they
    lack is bought at the mark, which is the index. ETH sells at the mark, or into `bids`.
    """
    engine = kit.engine()
    eth = kit.market(engine, "ETH", rules={"feed": "index"})
    eth.set_index(100)
    if bids is not None:
        eth.book.load_depth(list(bids), [])
    banded = {"feed": "index", "price_band": "0.05", "band_reference": "last"}
    dai = kit.market(engine, "DAI", rules=banded)
    dai.set_index(110)
    dai.book.load_depth([], [(100, 1), (101, 50), (106, 100)])
    kit.trade(engine, dai, BUY, 1)
    engine.liquidators.add(kit.lending.Liquidator(gas=10**6))
    pool = engine.lending.add("pool", rules=kit.lending.LendingRules(stop_gap=stop_gap))
    terms = {"liquidation_threshold": "0.8", "liquidation_bonus": "0.05"}
    pool.add_reserve("ETH", price="ETH", venue=None if bids is None else "price", **terms)
    pool.add_reserve("DAI", price="DAI")
    pool["DAI"].supply(1000)
    pool.open(
        collateral={"ETH": [eth for eth, _ in accounts]}, debt={"DAI": [dai for _, dai in accounts]}
    )
    return engine, pool


def test_what_a_pool_lacks_for_a_purchase_dearer_than_quoted_comes_out_of_its_gain(kit):
    engine, pool = dear(kit, ("stability_pool",))
    pool.stability_pool.provide(10_401, "ada")
    # 200 * 65 * 0.8 = 10,400 against 11,000. 100 DAI are quoted at 50 * 101 + 50 * 106 = 10,350 of the 10,400 that
    # are free, and come to 50 * 101 + 50 * 110 = 10,550; floor(11,000 * 1.05 / 65) = 177 ETH bring 11,505
    assert engine.step(index={"ETH": 65}).liquidated == 1
    (offset,) = rows(engine, "offset")
    assert (offset["quantity"], offset["money"]) == (10_400, 11_505 - 150)
    row = pool.stability_pool.row()
    assert (row["deposits"], row["burned"], row["gains"]) == (1, 10_400, 11_355)
    engine.validate()


def test_a_gain_is_not_below_zero_however_dear_the_purchase(kit):
    # 177 ETH bring one each, and 10,350 free lack 200 of 10,550: beyond the gain nobody bears it
    engine, pool = dear(kit, ("stability_pool",), bids=[(1, 1000)])
    pool.stability_pool.provide(10_351, "ada")
    assert engine.step(index={"ETH": 65}).liquidated == 1
    (offset,) = rows(engine, "offset")
    assert (offset["quantity"], offset["money"]) == (10_350, 0)
    assert pool.stability_pool.row()["deposits"] == 1
    engine.validate()


def test_a_backstop_that_lost_more_than_its_capital_does_nothing_more(kit):
    accounts = ((200, 100), (100, 10))
    engine, pool = dear(kit, (("backstop", 10_350),), accounts, bids=[(1, 1000)])
    assert engine.step(index={"ETH": 65}).liquidated == 1
    # 177 for 10,550: 23 more than it had
    backstop = pool.backstop if kit.name == "core" else None
    assert backstop is None or backstop == {"capital": 10_350, "profit": -10_373, "calls": 1}
    # 100 * 13 * 0.8 = 1,040 against 1,100, and nobody
    result = engine.step(index={"ETH": 13})
    assert (result.liquidated, result.pending) == (0, 1)
    assert backstop is None or pool.backstop == backstop
    if kit.name == "core":
        assert engine.copy().lending["pool"].backstop == backstop
    engine.validate()


@pytest.mark.parametrize(
    ("stages", "close"),
    [
        (("fund",), "whole"), ((("backstop",),), "whole"), (("stability_pool",) * 2, "whole"),
        ((("backstop", -1),), "whole"), (("stability_pool",), "trove"),
    ],
)  # fmt: skip
def test_wrong_stages_are_refused(stages, close):
    with pytest.raises(ValueError, match="stop_gap"):
        cs.LendingRules(stop_gap=stages, close_factor=close)


def test_no_preset_has_stages():
    assert cs.LendingRules.from_protocol(cs.rules.aave_v3("3.7")).stop_gap == ()
    assert cs.LendingRules.from_protocol(cs.rules.compound_v3()).stop_gap == ()
    assert cs.rules.liquity_v1().stop_gap == ()
