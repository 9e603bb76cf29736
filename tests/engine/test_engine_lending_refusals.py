"""What lending refuses says which field, which value and what is allowed, and leaves the engine as it was."""

import re

import numpy as np
import pytest

import cascade as cs

HUGE = 10**14


def scene() -> cs.Engine:
    """A lending market with a category, bands, troves and auctions, two accounts or loans in each."""
    engine = cs.Engine(asset_decimals=2)
    rules = cs.Rules(tiers=((0, 0),), feed="index")
    for name in ("ETH", "stETH", "BTC"):
        engine.add_market(name, tick_size=1, lot_size="0.01", rules=rules).set_index(2000)
    pool = engine.lending.add("pool", rules=cs.LendingRules(sentinel="0.95"))
    terms = {"liquidation_threshold": "0.8", "loan_to_value": "0.75", "liquidation_bonus": "0.05"}
    pool.add_reserve("ETH", price="ETH", venue=None, supply_cap=5000, account_cap=60, **terms)
    pool.add_reserve("stETH", price="stETH", venue=None, account_share="0.5", **terms)
    pool.add_reserve("BTC", price="BTC", venue=None, debt_ceiling=1000, **terms)
    pool.add_reserve("USD", collateral=False, borrow_cap=90_000, borrowable_in_isolation=True)
    pool.add_reserve("EUR", price=None, borrowable=False, collateral=False)
    pool.add_category(
        "ether", collateral=["stETH"], borrowable=["ETH"], liquidation_threshold="0.9"
    )
    for name, amount in (("ETH", 500), ("stETH", 100), ("BTC", 100), ("USD", 100_000), ("EUR", 10)):
        pool[name].supply(amount)
    pool.open(collateral={"ETH": [10, 20]}, debt={"USD": [5_000, 10_000]})
    pool.open(collateral={"BTC": 10}, debt={"USD": 900})
    pool.open(collateral={"stETH": 10}, debt={"ETH": 1}, category="ether")
    bands = engine.lending.add_bands("soft", price="ETH", venue=None)
    bands.open(collateral=[1, 2], debt=[1000, 1000], bands=10)
    bands.repay(1, 1000)
    troves = engine.lending.add("loans", rules=cs.rules.liquity_v1())
    troves.add_reserve("ETH", price="ETH", venue=None)
    troves.add_reserve("USD")
    troves["USD"].supply(1_000_000)
    troves.open(collateral={"ETH": [10, 10]}, debt={"USD": [5000, 9000]})
    troves.stability_pool.provide(2000, "ada")
    maker = engine.lending.add("maker", rules=cs.rules.maker_liq2())
    maker.add_reserve("ETH", price="ETH", venue=None, borrowable=False, **terms)
    maker.add_reserve("USD", collateral=False)
    engine.liquidators.add(cs.Liquidator())
    engine.add_market("wide", tick_size=1, lot_size=1)
    return engine


def pool(engine):
    return engine.lending["pool"]


def soft(engine):
    return engine.lending.bands["soft"]


def loans(engine):
    return engine.lending["loans"]


def reserve(engine, **terms):
    given = {"price": "ETH", "venue": None, **terms}
    return pool(engine).add_reserve("new", **given)


def auction(**terms):
    return cs.LendingRules(
        close_factor=("auction", cs.CollateralAuction(**terms)), bad_debt="auction_shortfall"
    )


V, T, K, O = ValueError, TypeError, KeyError, OverflowError  # noqa: E741

# error, what its message has, call
REFUSED = [
    # --- lending markets and rules
    (T, "rules must be LendingRules or ProtocolRules, got aave_v3 itself: call it, aave_v3()",
     lambda e: e.lending.add("x", rules=cs.rules.aave_v3)),
    (T, "got maker_liq2 itself: call it, maker_liq2()",
     lambda e: e.lending.add("x", rules=cs.rules.maker_liq2)),
    (T, "got BandRules, which are of engine.lending.add_bands",
     lambda e: e.lending.add("x", rules=cs.rules.crvusd())),
    (T, "rules must be BandRules, got crvusd itself: call it, crvusd()",
     lambda e: e.lending.add_bands("x", price="ETH", rules=cs.rules.crvusd)),
    (T, "rules must be LendingRules or ProtocolRules, got 3", lambda e: e.lending.add("x", rules=3)),
    (V, "lending market 'pool' exists; there are: 'pool', 'soft'", lambda e: e.lending.add("pool")),
    (V, "lending market 'pool' exists; there are: 'pool'",
     lambda e: e.lending.add_bands("pool", price="ETH")),
    (T, "lending market must have a text that is not empty as its name, got ''",
     lambda e: e.lending.add("")),
    (K, "lending market 'x' is unknown; there are: 'pool', 'soft', 'loans'",
     lambda e: e.lending["x"]),
    (V, "bad_debt 'redistribution' is of loans that are closed whole: close_factor='trove'",
     lambda e: cs.LendingRules(bad_debt="redistribution")),
    (V, "bad_debt must be one of 'stays', 'deficit', 'reserves', 'suppliers', 'auction_shortfall'",
     lambda e: cs.LendingRules(bad_debt="gone")),
    (V, "close_factor ('fraction',): 'fraction' has 1 numbers, got 0",
     lambda e: cs.LendingRules(close_factor=("fraction",))),
    (V, "close_factor 3 is outside 0 ... 1",
     lambda e: cs.LendingRules(close_factor=("fraction", 3))),
    (V, "bonus ('discount', 1): a discount is outside 0 ... 1 (excluded)",
     lambda e: cs.LendingRules(bonus=("discount", 1))),
    (V, "fee 1.5 is outside 0 ... 1", lambda e: cs.LendingRules(fee=1.5)),
    (V, "halt_above -1 is outside 0 ... 10", lambda e: cs.LendingRules(halt_above=-1)),
    (V, "sentinel 2 is outside 0 ... 1", lambda e: cs.LendingRules(sentinel=2)),
    (V, "min_leftover -1 is outside 0 ...", lambda e: cs.LendingRules(min_leftover=-1)),
    (V, "trigger '<=', health 'weighted' and halt_above None can only be '<', 'weighted' and None",
     lambda e: cs.LendingRules(close_factor="trove", trigger="<=")),
    (T, "toxic_terms must be True or False, got 'yes'",
     lambda e: cs.LendingRules(toxic_terms="yes")),
    (V, "critical_ratio '1.0' is below minimum_ratio '1.1'",
     lambda e: cs.Troves(critical_ratio="1.0")),
    (V, "gas_cap -1 is below 0", lambda e: cs.Troves(gas_cap=-1)),
    (T, "sells must be True or False, got 'no'", lambda e: cs.Troves(sells="no")),
    (V, "offset_penalty '0.05' and redistribution_penalty None are stated both or neither",
     lambda e: cs.Troves(offset_penalty="0.05")),
    (V, "branch 'rETH' is not one of WETH, staked ether", lambda e: cs.rules.liquity_v2("rETH")),
    (V, "collateral 'ETH-Z' is not one of 'ETH-A'", lambda e: cs.rules.maker_liq2("ETH-Z")),
    (V, "market 'x' is not one of 'tests', 'documents'", lambda e: cs.rules.crvusd("x")),
    (V, "amplification 5 is outside 20 ... 1000", lambda e: cs.BandRules(amplification=5)),
    # --- auctions
    (T, "collateral_holes must map names to numbers, got 3",
     lambda e: cs.CollateralAuction(collateral_holes=3)),
    (T, "collateral_holes must map names to numbers, got (3,)",
     lambda e: cs.CollateralAuction(collateral_holes=(3,))),
    (V, "collateral_holes 'ETH' -1 is outside 0 ...",
     lambda e: cs.CollateralAuction(collateral_holes={"ETH": -1})),
    (V, "buf 0 is outside 1e-9 ... 10", lambda e: cs.CollateralAuction(buf=0)),
    (V, "price ('stairstep', 2, 90): cut 2 is no multiple of 1e-18 in 0 ... 1",
     lambda e: cs.CollateralAuction(price=("stairstep", 2, 90))),
    (V, "price ('linear',): 'linear' has 1 numbers, got 0",
     lambda e: cs.CollateralAuction(price=("linear",))),
    (V, "cusp 2 is outside 0 ... 1", lambda e: cs.CollateralAuction(cusp=2)),
    (V, f"tip {HUGE * 10**6} is outside 0 ...",
     lambda e: e.lending.add("x", rules=auction(tip=HUGE * 10**6))),
    (V, "stage 7 is outside 0 ... 3", lambda e: setattr(e.lending["maker"].auctions, "stage", 7)),
    # --- reserves
    (V, "price of reserve 'GOLD' is not stated: it must be the market whose mark it is, or None",
     lambda e: pool(e).add_reserve("GOLD")),
    (V, "reserve 'ETH' exists; there are: 'ETH', 'stETH'",
     lambda e: pool(e).add_reserve("ETH", price="ETH")),
    (K, "'x'", lambda e: pool(e).add_reserve("new", price="x")),
    (V, "venue 'wide' has lots of 1: it must have those of the price's market, 1/100",
     lambda e: reserve(e, venue="wide")),
    (V, "venue has 'ETH', 'ETH': 1 ... 8 markets, each once",
     lambda e: reserve(e, venue=["ETH", "ETH"])),
    (V, "liquidation_threshold 80 is outside 0 ... 1: it is a share of the collateral's value, 0.8 for 80 %",
     lambda e: reserve(e, liquidation_threshold=80)),
    (V, "liquidation_threshold 1.5 is outside 0 ... 1: it is a share of the collateral's value, 0.015 for 1.5 %, "
     "0.666667 for a ratio of collateral to debt of 1.5", lambda e: reserve(e, liquidation_threshold=1.5)),
    (V, "liquidation_threshold -1 is outside 0 ... 1",
     lambda e: reserve(e, liquidation_threshold=-1)),
    (V, "loan_to_value 75 is outside 0 ... 1: it is a share",
     lambda e: reserve(e, liquidation_threshold="0.8", loan_to_value=75)),
    (V, "loan_to_value 0.9 is outside 0 ... 0.8, the liquidation_threshold '0.8'",
     lambda e: reserve(e, liquidation_threshold="0.8", loan_to_value=0.9)),
    (V, "liquidation_bonus '0.2' is outside 0 ... 0.0204082 at a liquidation_threshold of '0.98'",
     lambda e: reserve(e, liquidation_threshold="0.98", liquidation_bonus="0.2")),
    (V, "liquidation_bonus '0.2' is outside 0 ... 0.0204082",
     lambda e: pool(e).add_category("x", collateral=["ETH"], borrowable=["ETH"],
                                    liquidation_threshold="0.98", liquidation_bonus="0.2")),
    (V, "borrow_factor 0 is outside 1e-9 ... 1", lambda e: reserve(e, borrow_factor=0)),
    (V, "debt_ceiling 10 is of collateral: with collateral=False it can only be None",
     lambda e: reserve(e, debt_ceiling=10, collateral=False)),
    (V, "debt_ceiling -1 is no whole number of hundredths in 0 ...",
     lambda e: reserve(e, debt_ceiling=-1)),
    (V, "debt_ceiling 5: where accounts are absorbed or auctioned it can only be None",
     lambda e: e.lending["maker"].add_reserve("B", price="BTC", borrowable=False, debt_ceiling=5)),
    (V, "supply_cap -1 is outside 0 ... 2**60 lots", lambda e: reserve(e, supply_cap=-1)),
    (V, "account_share 2 is outside 0 ... 1", lambda e: reserve(e, account_share=2)),
    (V, "reserve_factor 2 is outside 0 ... 1", lambda e: reserve(e, reserve_factor=2)),
    (V, "refinement 0 is outside 1 ...", lambda e: reserve(e, refinement=0)),
    (T, "interest must be a model such as KinkRate, got 0.05", lambda e: reserve(e, interest=0.05)),
    (T, "oracle must be an Oracle, got 3", lambda e: reserve(e, oracle=3)),
    (T, "siloed must be True or False, got 1", lambda e: reserve(e, siloed=1)),
    (V, "base 4 is outside 0 ... 3", lambda e: reserve(e, interest=cs.KinkRate(base=4))),
    (V, "max_step 2 is outside 0 ... 1", lambda e: reserve(e, oracle=cs.Oracle(max_step=2))),
    (V, "delay -1 s is outside 0 ...", lambda e: reserve(e, oracle=cs.Oracle(delay=-1))),
    (V, "category 'ether' exists; there are: 'ether'",
     lambda e: pool(e).add_category("ether", collateral=["ETH"], borrowable=["ETH"],
                                    liquidation_threshold="0.9")),
    (V, "collateral [] of category 'x' is empty",
     lambda e: pool(e).add_category("x", collateral=[], borrowable=[], liquidation_threshold="0.9")),
    (V, "category 'x': 'loans' has troves, and no categories",
     lambda e: loans(e).add_category("x", collateral=["ETH"], borrowable=[],
                                     liquidation_threshold="0.9")),
    # --- suppliers
    (V, "amount 0 of reserve 'ETH' of 'pool' is outside 0.01 ...",
     lambda e: pool(e)["ETH"].supply(0)),
    (V, "amount -1 of reserve 'ETH' of 'pool' is outside 0.01 ...",
     lambda e: pool(e)["ETH"].redeem(-1)),
    (V, "amount 501 of reserve 'ETH' of 'pool' is outside 0.01 ... 500, what was supplied from outside",
     lambda e: pool(e)["ETH"].redeem(501)),
    (V, "amount 95000 of reserve 'USD' of 'pool' is outside 0.01 ... 84100, its cash",
     lambda e: pool(e)["USD"].redeem(95_000)),
    (V, "amount 4471 of reserve 'ETH' of 'pool' is outside 0.01 ... 4470, what the supply_cap of 5000 leaves",
     lambda e: pool(e)["ETH"].supply(4471)),
    (V, "amount 0.001 is not a multiple of", lambda e: pool(e)["ETH"].supply(0.001)),
    (O, "amount 2e+16 of reserve 'USD' of 'pool' is outside 0.01 ...",
     lambda e: pool(e)["USD"].supply(2 * 10**16)),
    (V, "reserve 'ETH' of 'loans' is the collateral of troves", lambda e: loans(e)["ETH"].supply(1)),
    (V, "failure must be one of None, 'stale', 'zero', 'reverts', got 'late'",
     lambda e: pool(e)["ETH"].fail_oracle("late")),
    (V, "grace -1 s is outside 0 ...", lambda e: pool(e)["ETH"].pause(False, grace=-1)),
    # --- borrowers
    (T, "collateral must map names of reserves to amounts, got 3", lambda e: pool(e).open(collateral=3)),
    (K, "reserve 'x' is unknown; there are: 'ETH', 'stETH'",
     lambda e: pool(e).open(collateral={"x": 1})),
    (V, "debt 'USD' has 3 amounts, and must have 1 or",
     lambda e: pool(e).open(collateral={"ETH": [1, 1, 1, 1]}, debt={"USD": [1, 2, 3]})),
    (V, "collateral 'ETH' has 2 dimensions, and must have one",
     lambda e: pool(e).open(collateral={"ETH": [[1]]})),
    (V, "row 1: amount -1 of reserve 'ETH' of 'pool' is outside 0 ...",
     lambda e: pool(e).open(collateral={"ETH": [1, -1]})),
    (O, "amount 400000000000 of reserve 'ETH' of 'pool' is outside 0 ...",
     lambda e: pool(e).open(collateral={"ETH": 4 * 10**11})),
    (V, "amount 74101 of reserve 'USD' of 'pool' is outside 0.01 ... 74100, what the borrow_cap of 90000 leaves",
     lambda e: pool(e).open(collateral={"ETH": 50}, debt={"USD": 74_101})),
    (V, "debts together 700 of reserve 'ETH' of 'pool' is outside 0 ... 529, its cash",
     lambda e: pool(e).open(collateral={"stETH": 5}, debt={"ETH": 700})),
    (V, "reserve 'USD' of 'pool' is no collateral: its collateral is False",
     lambda e: pool(e).deposit(0, "USD", 1)),
    (V, "reserve 'EUR' of 'pool' cannot be borrowed: its borrowable is False",
     lambda e: pool(e).borrow(0, "EUR", 1)),
    (V, "amount: account 1 would supply, and 61 of reserve 'ETH' of 'pool' is outside 0 ... 60, its account_cap",
     lambda e: pool(e).deposit(1, "ETH", 41)),
    (V, "of reserve 'stETH' of 'pool', outside 0 ... 0.5, its account_share",
     lambda e: pool(e).deposit(3, "stETH", 500)),
    (V, "reserve 'ETH' of 'pool': account 2 has other collateral, and isolated collateral is alone",
     lambda e: pool(e).deposit(2, "ETH", 1)),
    (V, "isolated debt of 1000.01 is outside 0 ... 1000.00, the debt_ceiling of reserve 'BTC' of 'pool'",
     lambda e: pool(e).borrow(2, "USD", 100.01)),
    (V, "reserve 'ETH' of 'pool' cannot be borrowed against isolated collateral: its borrowable_in_isolation is",
     lambda e: pool(e).borrow(2, "ETH", 1)),
    (V, "reserve 'USD' of 'pool' cannot be borrowed in category 'ether', which lends 'ETH'",
     lambda e: pool(e).borrow(3, "USD", 1)),
    (V, "amount 10000.01 of reserve 'USD' of 'pool' is outside 0.01 ... 10000, what the collateral of account 0",
     lambda e: pool(e).borrow(0, "USD", 10_000.01)),
    (V, "amount 9 of reserve 'ETH' of 'pool' is outside 0.01 ... 6.66, what the collateral of account 0 bears",
     lambda e: pool(e).withdraw(0, "ETH", 9)),
    (V, "amount 11 of reserve 'ETH' of 'pool' is outside 0.01 ... 10, what account 0 has there",
     lambda e: pool(e).withdraw(0, "ETH", 11)),
    (V, "amount 5001 of reserve 'USD' of 'pool' is outside 0.01 ... 5000, what account 0 owes",
     lambda e: pool(e).repay(0, "USD", 5001)),
    (V, "amount -5 of reserve 'USD' of 'pool' is outside 0.01 ...", lambda e: pool(e).repay(0, "USD", -5)),
    (V, "account 99 is outside 0 ... 7", lambda e: pool(e).repay(99, "USD", 1)),
    (V, "account 6 is none of lending market 'pool'", lambda e: pool(e).repay(6, "USD", 1)),
    (T, "account must be an integer, got 0.5", lambda e: pool(e).repay(0.5, "USD", 1)),
    (K, "category 'x' is unknown; there are: 'ether'", lambda e: pool(e).set_category(0, "x")),
    (V, "account 0 has a debt: reserve 'USD' of 'pool' cannot be borrowed in category 'ether'",
     lambda e: pool(e).set_category(0, "ether")),
    (V, "row 0: amount 0 of 'ETH' is below 0.01",
     lambda e: pool(e).loop("ETH", "USD", leverage=2, amount=0, swap=False)),
    (V, "row 0: leverage 0.5 is below 1",
     lambda e: pool(e).loop("ETH", "USD", leverage=0.5, amount=1, swap=False)),
    (V, "rounds 0 is outside 1 ... 64",
     lambda e: pool(e).loop("ETH", "USD", leverage=2, amount=1, rounds=0)),
    (V, "lending market 'maker': its rules have no sentinel",
     lambda e: e.lending["maker"].sequencer(False)),
    (V, "supply -1 is outside 0 ... 2**60 lots", lambda e: e.lending.cap("ETH", supply=-1)),
    # --- bands
    (V, "bands 3 is outside 4 ... 50", lambda e: soft(e).open(collateral=1, debt=1000, bands=3)),
    (V, "collateral 0 of reserve 'collateral' of 'soft' is outside 0.01 ...",
     lambda e: soft(e).open(collateral=0, debt=1000)),
    (V, "debt 0 of reserve 'debt' of 'soft' is outside 0.01 ...",
     lambda e: soft(e).open(collateral=1, debt=0)),
    (V, "debt 2000 of reserve 'debt' of 'soft' is outside 0.01 ... 17",
     lambda e: soft(e).open(collateral=1, debt=2000)),
    (V, "what a collateral of 1 carries in 10 bands", lambda e: soft(e).open(collateral=1, debt=2000)),
    (V, "debt has 3 numbers, and must have 1 or 4",
     lambda e: soft(e).open(collateral=[1] * 4, debt=[1000] * 3)),
    (V, "amount 1001 of reserve 'debt' of 'soft' is outside 0.01 ... 1000, what loan 0 owes",
     lambda e: soft(e).repay(0, 1001)),
    (V, "amount 0 is below 0.01, one lot", lambda e: soft(e).add_collateral(0, 0)),
    (V, "amount 5 of reserve 'collateral' of 'soft' is outside 0.01 ... 0.99, what loan 0 has and can spare",
     lambda e: soft(e).remove_collateral(0, 5)),
    (V, "debt 3000 of reserve 'debt' of 'soft' is outside 0.01 ... 17", lambda e: soft(e).borrow(0, 2000)),
    (V, "loan 1 is repaid", lambda e: soft(e).repay(1, 1)),
    (V, "loan 7 is outside 0 ... 1", lambda e: soft(e).repay(7, 1)),
    (V, "band 99999 is outside -", lambda e: soft(e).band_price(99_999)),
    (V, "rate 10 is outside 0 ... 9", lambda e: e.lending.add_bands("b", price="ETH", rate=10)),
    # --- troves
    (V, "amount 0 of reserve 'USD' of 'loans' is outside 0.01 ...",
     lambda e: loans(e).borrow(6, "USD", 0)),
    # 5000 and 17,000 with Liquity's fee of half a percent of them
    (V, "amount: the debt would be 22085, outside 0 ... 18181.81, what is left of reserve 'ETH' of 'loans'",
     lambda e: loans(e).borrow(6, "USD", 17_000)),
    (V, "amount 11 of reserve 'ETH' of 'loans' is outside 0.01 ... 10, what account 6 has there",
     lambda e: loans(e).withdraw(6, "ETH", 11)),
    (V, "amount 5001 of reserve 'USD' of 'loans' is outside 0.01 ... 5000, what account 6 owes",
     lambda e: loans(e).repay(6, "USD", 5001)),
    (V, "amount: all debts together would be 27065, outside 0 ... 26666.66, by the critical_ratio of 1.5",
     lambda e: loans(e).borrow(6, "USD", 13_000)),
    (V, "amount 0 is below 0.01, one atom", lambda e: loans(e).stability_pool.provide(0)),
    (V, "amount 2000 leaves less than 1 of the 2000 in the pool: it is outside 0 ... 1999",
     lambda e: loans(e).stability_pool.withdraw(2000, "ada")),
    (V, "provider 'bob' has provided nothing; who has: 'ada'",
     lambda e: loans(e).stability_pool.withdraw(1, "bob")),
    (V, "lending market 'pool' has no stability pool", lambda e: pool(e).stability_pool),
    # --- liquidators
    (T, "liquidator must be a Liquidator, got Liquidator itself: call it, Liquidator()",
     lambda e: e.liquidators.add(cs.Liquidator)),
    (V, "gas -1 is outside 0 ...", lambda e: e.liquidators.add(cs.Liquidator(gas=-1))),
    (V, "halvings", lambda e: e.liquidators.add(cs.Liquidator(halvings=99))),
    (V, "compete must be 'order' or 'bids', got 'x'", lambda e: setattr(e.liquidators, "compete", "x")),
    (V, "liquidator 3 is outside 0 ... 0", lambda e: e.liquidators.result(3)),
]  # fmt: skip


def counts(engine):
    parts = engine.markets, engine.lending, engine.lending.bands, engine.liquidators
    return engine.state_hash(), engine.event_count, *map(len, parts)


@pytest.mark.parametrize(
    ("error", "words", "call"), REFUSED, ids=[f"{k}-{row[1][:40]}" for k, row in enumerate(REFUSED)]
)
def test_refusals_name_field_value_and_range_and_change_nothing(error, words, call):
    engine = scene()
    if "empty(e" in words:
        pytest.skip("adds a venue")
    before = engine.state_hash(), engine.event_count, len(engine.lending), len(engine.liquidators)
    with pytest.raises(error) as caught:
        call(engine)
    assert words in str(caught.value)
    if "venue 'wide'" not in words:
        assert len(engine.markets) == len(scene().markets)
        after = (
            engine.state_hash(),
            engine.event_count,
            len(engine.lending),
            len(engine.liquidators),
        )
        assert after == before
    engine.validate()
    engine.step()
    engine.validate()


@pytest.mark.parametrize(
    ("close", "words"),
    [
        ("paused", "reserve 'ETH' of 'pool' is paused: nothing comes or goes"),
        ("frozen", "reserve 'ETH' of 'pool' is frozen: nothing is added to its supply or debts"),
        (
            "reverts",
            "amount of reserve 'ETH' of 'pool': an oracle gives no price for what account 0 has",
        ),
        (
            "down",
            "lending market 'pool': nothing is lent while the sequencer is down or in its grace",
        ),
    ],
)
def test_what_is_closed_is_named(close, words):
    engine = scene()
    lending = pool(engine)
    if close == "paused":
        lending["ETH"].pause()
    elif close == "frozen":
        lending["ETH"].freeze()
    elif close == "reverts":
        lending["ETH"].fail_oracle("reverts")
    else:
        lending.sequencer(False)
    before = engine.state_hash(), engine.event_count
    call = lending.withdraw if close in ("paused", "reverts") else lending.borrow
    with pytest.raises(ValueError, match=re.escape(words)):
        call(0, "ETH", 1)
    assert (engine.state_hash(), engine.event_count) == before


def test_holes_of_what_is_no_reserve_are_refused_when_accounts_open():
    engine = scene()
    rules = auction(collateral_holes={"ETH": 10, "TYPO": 7})
    lending = engine.lending.add("holes", rules=rules)
    lending.add_reserve(
        "ETH", price="ETH", venue=None, liquidation_threshold="0.7", borrowable=False
    )
    lending.add_reserve("USD", collateral=False)
    before = engine.state_hash(), engine.event_count
    with pytest.raises(
        ValueError,
        match=r"collateral_holes {'TYPO': 7}: 'TYPO' is not one of the reserves, 'ETH', 'USD'",
    ):
        lending.open(collateral={"ETH": 1})
    assert (engine.state_hash(), engine.event_count) == before


def test_stated_ranges_are_the_true_ones():
    """What a message gives as the most is taken, and one step more is refused with the same message."""
    engine = scene()
    most = {
        ("borrow", "USD"): (10_000, 0.01),
        ("withdraw", "ETH"): (6.66, 0.01),
        ("repay", "USD"): (5000, 0.01),
    }
    for (name, asset), (largest, step) in most.items():
        with pytest.raises(ValueError, match=rf"0\.01 \.\.\. {largest},"):
            getattr(pool(engine), name)(0, asset, round(largest + step, 2))
        getattr(pool(engine.copy()), name)(0, asset, largest)


def test_toxic_terms_are_had_by_who_says_so():
    engine = cs.Engine()
    engine.add_market("ETH", tick_size=1, lot_size="0.01", rules=cs.Rules(feed="index")).set_index(
        2000
    )
    terms = {"price": "ETH", "liquidation_threshold": "0.98", "liquidation_bonus": "0.2"}
    allowed = (
        {"toxic_terms": True},
        {"bonus": "covered"},
        {"bonus": ("health", "0.02", "0.1")},
        {"halt_above": "frontier"},
    )
    for number, given in enumerate(allowed):
        lending = engine.lending.add(f"pool {number}", rules=cs.LendingRules(**given))
        lending.add_reserve("ETH", **terms)
    assert engine.copy().state_hash() == engine.state_hash()
    # exactly one is legal, as Aave's configurator has it
    edge = engine.lending.add("edge")
    edge.add_reserve("ETH", price="ETH", liquidation_threshold="0.8", liquidation_bonus="0.25")
    assert np.isfinite(edge["ETH"].supplied)
