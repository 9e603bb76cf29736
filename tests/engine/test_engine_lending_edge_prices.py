"""Prices of zero, oracles that fail, fees on repayments, docs/lending-market.md: what protocols do, by hand."""

import numpy as np
import pytest
from engine_kit import TWIN, core_kit, rows
from lending_setups import borrower, calls, four_reserves, held, numbers

import cascade as cs
from cascade import snapshot

ORACLE, MARK = 33, 4
EVERY = ("skipped", "given", "refused")


# --- a price of zero ---------------------------------------------------------------------------


@pytest.mark.parametrize("rule", ["skipped", "given"])
def test_a_price_of_zero_is_believed_at_once_and_makes_collateral_count_nothing(kit, rule):
    engine, pool = four_reserves(kit, zero_price=rule, liquidator={"gas": 10**6})
    account = borrower(pool, 100, 4000)
    start = len(engine.events)
    pool["ETH"].fail_oracle("zero")
    assert pool.health[account] == 0
    assert pool["ETH"].row()["price"] == 0
    found = rows(engine, start=start)
    sides = [pool["ETH"].supplied_side.number, pool["ETH"].borrowed_side.number]
    assert [(r["kind"], r["market"], r["price"], r["money"], r["cause"]) for r in found] == [
        (ORACLE, sides[0], 0, 100, -1),
        (MARK, sides[0], 0, 100, start),
        (MARK, sides[1], 0, 100, start),
    ]
    result = engine.step()
    assert (result.liquidated, result.pending) == (0, 1)
    engine.validate()


def test_skipped_collateral_is_liquidated_by_nobody_and_comes_back_with_its_price(kit):
    # as Aave: amounts are divided by the price of the collateral
    engine, pool = four_reserves(kit, zero_price="skipped", bad_debt="deficit")
    account = borrower(pool, 100, 4000)
    pool["ETH"].fail_oracle("zero")
    before = numbers(pool)
    for _ in range(3):
        result = engine.step(index={"ETH": 70})
        assert (result.liquidated, result.pending, result.bad_debt) == (0, 1, 0)
    assert {**numbers(pool), "health": 0} == {**before, "health": 0}
    pool["ETH"].fail_oracle(None)
    # 100 * 70 * 0.8 against 4000
    assert pool.health[account] == 1.4
    result = engine.step()
    assert (result.liquidated, result.pending) == (0, 0)


def test_skipped_collateral_does_not_keep_a_debt_from_being_written_off(kit):
    # Aave v3.3 compares the value taken with the account's, so that what is worth nothing blocks nothing
    engine, pool = four_reserves(kit, zero_price="skipped", bad_debt="deficit")
    account = int(pool.open(collateral={"ETH": 10, "BTC": 210}, debt={"USD": 25_000})[0])
    pool["ETH"].fail_oracle("zero")
    engine.step(index={"BTC": 100})
    # 210 BTC at 100 over 1.05 pay 20,000; 5000 are left, and 10 ETH
    assert calls(engine) == [(20_000, 210)]
    assert pool["USD"].row()["deficit"] == 5000
    assert held(kit, pool, account) == {("ETH", "has"): 10}
    engine.validate()


def test_given_collateral_goes_for_nothing_and_the_suppliers_bear_the_debt(kit):
    # as Euler v2 and Morpho: all of it for no repayment, and then nothing is left
    engine, pool = four_reserves(kit, zero_price="given", bad_debt="suppliers", liquidator={})
    borrower(pool, 100, 4000)
    pool["ETH"].fail_oracle("zero")
    result = engine.step()
    assert calls(engine) == [(0, 100)]
    assert (result.liquidated, result.bad_debt_atoms, result.notional_atoms) == (1, 4000, 0)
    assert pool["USD"].row()["supplied_lots"] == 996_000
    assert pool["ETH"].row()["cash"] == 1_000_000
    # the market pays 100 for what the oracle says is worth nothing
    assert engine.liquidators.result(0)["profit"] == 10_000
    (health,) = rows(engine, "health")
    assert (health["order"], health["side"]) == (0, 0)
    engine.validate()


def test_given_collateral_blocks_a_write_off_until_somebody_takes_it(kit):
    # an atom of worthless collateral keeps the debt of Euler v2 from being socialised
    engine, pool = four_reserves(
        kit, zero_price="given", bad_debt="suppliers", btc={"liquidation_bonus": "0.1"},
        liquidator={"gas": 60},
    )  # fmt: skip
    account = int(pool.open(collateral={"ETH": 1, "BTC": 210}, debt={"USD": 25_000})[0])
    pool["ETH"].fail_oracle("zero")
    # the coin brings 50, which does not pay the gas; BTC is taken, and the debt stays
    engine.step(index={"ETH": 50, "BTC": 100})
    assert calls(engine) == [(19_091, 210)]  # 21,000 / 1.1, up
    assert held(kit, pool, account) == {("ETH", "has"): 1, ("USD", "owes"): 5909}
    assert rows(engine, "bad_debt") == []
    engine.step(index={"ETH": 100})
    assert calls(engine)[1:] == [(0, 1)]
    assert pool["USD"].row()["supplied_lots"] == 1_000_000 - 5909


def test_a_refused_zero_freezes_the_account_in_every_call_that_asks_for_its_price(kit):
    # as Compound: PRICE_ERROR; the price believed stays
    engine, pool = four_reserves(kit, zero_price="refused")
    account = int(pool.open(collateral={"ETH": 100, "BTC": 1}, debt={"USD": 8600})[0])
    pool["ETH"].fail_oracle("zero")
    assert pool["ETH"].row()["price"] == 100
    # BTC at 800: 8560 of 8600, due, and nobody can act
    result = engine.step(index={"BTC": 800})
    assert (result.liquidated, result.pending) == (0, 1)
    before = numbers(pool)
    for call, name in (("withdraw", "BTC"), ("borrow", "DAI"), ("borrow", "ETH")):
        with pytest.raises(ValueError, match="no price"):
            getattr(pool, call)(account, name, 1)
    assert numbers(pool) == before
    assert pool.borrowable(account, "DAI") == 0
    pool.deposit(account, "ETH", 1)
    pool.repay(account, "USD", 1)
    pool["ETH"].fail_oracle(None)
    # 8639.3 of 8599: healthy again, by the coin and the dollar
    assert engine.step().pending == 0
    assert engine.step(index={"BTC": 700}).liquidated > 0


@pytest.mark.parametrize(
    ("rule", "works"), [("skipped", True), ("given", True), ("refused", False)]
)
def test_without_debts_only_some_protocols_ask(kit, rule, works):
    _, pool = four_reserves(kit, zero_price=rule)
    account = int(pool.open(collateral={"ETH": 100, "BTC": 1})[0])
    pool["ETH"].fail_oracle("reverts")
    if works:
        pool.withdraw(account, "BTC", 1)
        assert held(kit, pool, account) == {("ETH", "has"): 100}
    else:
        with pytest.raises(ValueError, match="no price"):
            pool.withdraw(account, "BTC", 1)


# --- debts that are worth nothing --------------------------------------------------------------


@pytest.mark.parametrize("rule", ["skipped", "given"])
@pytest.mark.parametrize("trigger", ["<", "<="])
def test_a_debt_worth_nothing_is_left_alone(kit, rule, trigger):
    engine, pool = four_reserves(kit, zero_price=rule, trigger=trigger)
    account = int(pool.open(collateral={"ETH": 100}, debt={"BTC": 8})[0])
    pool["BTC"].fail_oracle("zero")
    assert str(float(pool.health[account])) == "inf"
    assert engine.step(index={"ETH": 1}).pending == 0
    # not even when the collateral is worth nothing too
    pool["ETH"].fail_oracle("zero")
    result = engine.step()
    assert (result.pending, result.liquidated) == (0, 0)
    assert held(kit, pool, account) == {("ETH", "has"): 100, ("BTC", "owes"): 8}


@pytest.mark.parametrize(("trigger", "first"), [("<", 1001), ("<=", 1000)])
def test_a_debt_that_is_worth_something_again_makes_due_to_the_tick(kit, trigger, first):
    # 100 * 100 * 0.8 against 8 BTC
    for price in (first - 1, first):
        engine, pool = four_reserves(kit, zero_price="skipped", trigger=trigger)
        pool.open(collateral={"ETH": 100}, debt={"BTC": 8})
        pool["BTC"].fail_oracle("zero")
        engine.step(index={"BTC": price})
        pool["BTC"].fail_oracle(None)
        assert engine.step().liquidated == (price == first)


def test_of_two_debts_the_one_worth_nothing_is_not_repaid(kit):
    engine, pool = four_reserves(kit, zero_price="given")
    account = int(pool.open(collateral={"ETH": 100}, debt={"DAI": 5000, "USD": 4000})[0])
    pool["DAI"].fail_oracle("zero")
    assert pool.health[account] == 2
    engine.step(index={"ETH": 45})
    # 3600 of 4000: 4500 / 1.05, up, is more than all; 4000 * 1.05 / 45
    assert calls(engine) == [(4000, 93)]
    assert held(kit, pool, account) == {("ETH", "has"): 7, ("DAI", "owes"): 5000}


def test_the_last_tick_above_zero_is_told_from_zero(kit):
    # money at one tick: a fall to zero is found, though no price below one is possible
    engine, pool = four_reserves(kit, zero_price="skipped")
    account = int(pool.open(collateral={"DAI": 1000, "ETH": 10}, debt={"USD": 1250})[0])
    assert pool.health[account] == 1.04
    assert engine.step().pending == 0
    pool["DAI"].fail_oracle("zero")
    result = engine.step()
    # 800 of 1250; the DAI is passed over, the ETH pays 953, and the rest stays
    assert calls(engine) == [(953, 10)]
    assert held(kit, pool, account) == {("DAI", "has"): 1000, ("USD", "owes"): 297}
    assert result.pending == 1
    pool["DAI"].fail_oracle(None)
    assert pool["DAI"].row()["price"] == 1
    assert engine.step().pending == 0


# --- oracles that do not answer ----------------------------------------------------------------


@pytest.mark.parametrize("rule", EVERY)
def test_an_oracle_that_reverts_freezes_liquidation(kit, rule):
    engine, pool = four_reserves(kit, zero_price=rule)
    account = borrower(pool, 100, 7600)
    pool["ETH"].fail_oracle("reverts")
    result = engine.step(index={"ETH": 90})
    assert (result.liquidated, result.pending) == (0, 0)
    assert pool.health[account] == 8000 / 7600
    with pytest.raises(ValueError, match="no price"):
        pool.borrow(account, "USD", 1)
    start = len(engine.events)
    pool["ETH"].fail_oracle(None)
    # the mark of now is read
    assert rows(engine, start=start)[0]["price"] == 90
    assert engine.step().liquidated > 0


def test_due_accounts_of_an_oracle_that_reverts_wait_with_their_cause(kit):
    engine, pool = four_reserves(kit, zero_price="skipped")
    pool.open(collateral={"ETH": 100, "BTC": 1}, debt={"USD": 8600})
    pool["ETH"].fail_oracle("reverts")
    engine.step(index={"BTC": 800})
    (mark,) = (
        r for r in rows(engine) if r["kind"] == MARK and r["price"] == 800 and r["market"] == 4
    )
    pool["ETH"].fail_oracle(None)
    engine.step()
    assert engine.events[rows(engine, "liquidation")[0]["cause"]]["price"] == mark["price"]


def test_a_stale_oracle_keeps_its_price_until_it_works(kit):
    engine, pool = four_reserves(kit, zero_price="skipped", oracle={"heartbeat": 10})
    account = borrower(pool, 100, 7600)
    pool["ETH"].fail_oracle("stale")
    assert engine.step(index={"ETH": 90}, dt=20).liquidated == 0
    assert pool["ETH"].row()["price"] == 100
    # nothing is refused: the protocol does not know
    pool.borrow(account, "USD", 10)
    pool["ETH"].fail_oracle(None)
    assert pool["ETH"].row()["price"] == 90
    assert engine.step().liquidated > 0


def test_prices_on_their_way_are_lost_while_an_oracle_fails(kit):
    engine, pool = four_reserves(kit, zero_price="skipped", oracle={"delay": 5})
    engine.step(index={"ETH": 90}, dt=1)
    pool["ETH"].fail_oracle("stale")
    engine.step(dt=10)
    assert pool["ETH"].row()["price"] == 100
    pool["ETH"].fail_oracle("zero")
    pool["ETH"].fail_oracle(None)
    # what is read now is believed after the delay; until then the price is zero
    assert pool["ETH"].row()["price"] == 0
    engine.step(dt=4)
    assert pool["ETH"].row()["price"] == 0
    engine.step(dt=1)
    assert pool["ETH"].row()["price"] == 90


@pytest.mark.parametrize("failure", ["zero", "reverts"])
def test_nothing_is_sold_from_a_storefront_whose_price_is_not_known(kit, failure):
    engine = kit.engine()
    kit.market(engine, "X", rules={"feed": "index"}).set_index(100)
    rules = {"close_factor": ("absorb", "0.5", 10**6), "zero_price": "refused"}
    pool = engine.lending.add("comet", rules=kit.lending.LendingRules(**rules))
    pool.add_reserve(
        "X", price="X", venue=None, liquidation_threshold="0.8", liquidation_factor="0.9",
        borrowable=False,
    )  # fmt: skip
    pool.add_reserve("USD")
    pool["USD"].supply(2000)
    engine.liquidators.add(kit.lending.Liquidator(gas=60))
    pool.open(collateral={"X": [10, 10]}, debt={"USD": [800, 700]})
    engine.step(index={"X": 90})
    # absorbed, and 10 at 90 less 85 do not pay 60
    assert pool["X"].row()["absorbed"] == 10
    pool["X"].fail_oracle(failure)
    result = engine.step(index={"X": 150})
    assert (result.pending, pool["X"].row()["absorbed"]) == (0, 10)
    pool["X"].fail_oracle(None)
    # 150 at 95 % are 142: 80 for the ten
    engine.step()
    assert pool["X"].row()["absorbed"] == 0


def auctions(kit, zero_price="skipped", gas=0):
    """Coins at 100 bear 80 %; an auction begins at 1.2 of the price and falls to nothing in 100 s."""
    engine = kit.engine()
    kit.market(engine, "X", rules={"feed": "index"}).set_index(100)
    auction = kit.lending.CollateralAuction(
        penalty="0.1", buf="1.2", price=("linear", 100), tail=90, cusp="0.2", chip=0
    )
    rules = {"close_factor": ("auction", auction), "bad_debt": "auction_shortfall"}
    rules = kit.lending.LendingRules(**rules, zero_price=zero_price)
    pool = engine.lending.add("maker", rules=rules)
    pool.add_reserve("X", price="X", venue=None, liquidation_threshold="0.8", borrowable=False)
    pool.add_reserve("USD", collateral=False)
    pool["USD"].supply(5000)
    engine.liquidators.add(kit.lending.Liquidator(gas=gas))
    pool.open(collateral={"X": 10}, debt={"USD": 800})
    return engine, pool


@pytest.mark.parametrize(("rule", "pending"), [("skipped", 1), ("given", 1), ("refused", 0)])
def test_no_auction_begins_of_what_has_no_price(kit, rule, pending):
    engine, pool = auctions(kit, rule)
    pool["X"].fail_oracle("zero")
    result = engine.step(index={"X": 90}, dt=1)
    assert (result.liquidated, result.pending) == (0, pending)
    pool["X"].fail_oracle(None)
    assert engine.step().liquidated == 1
    assert [row["price"] for row in rows(engine, "kick")] == [90]


@pytest.mark.parametrize("failure", ["zero", "reverts"])
@pytest.mark.parametrize("rule", EVERY)
def test_open_auctions_go_on_at_their_own_price_and_are_not_reset(kit, rule, failure):
    # 108 a coin at first, 89.64 after 17 s, which the 90 of the market pay
    engine, pool = auctions(kit, rule)
    engine.step(index={"X": 90}, dt=1)
    pool["X"].fail_oracle(failure)
    engine.step(dt=17)
    assert len(rows(engine, "take")) > 0
    # nobody takes where the gas is too much; after 90 s a reset needs a price
    engine, pool = auctions(kit, rule, gas=10**6)
    engine.step(index={"X": 90}, dt=1)
    pool["X"].fail_oracle(failure)
    engine.step(dt=95)
    assert rows(engine, "redo") == []
    pool["X"].fail_oracle(None)
    engine.step(index={"X": 70}, dt=1)
    assert [row["price"] for row in rows(engine, "redo")] == [70]
    engine.validate()


@pytest.mark.parametrize("failure", ["zero", "reverts"])
def test_nothing_is_taken_while_the_price_of_the_base_is_not_known(kit, failure):
    engine, pool = auctions(kit)
    engine.step(index={"X": 90}, dt=1)
    pool["USD"].fail_oracle(failure)
    engine.step(dt=30)
    assert rows(engine, "take") == []
    pool["USD"].fail_oracle(None)
    engine.step(dt=1)
    assert len(rows(engine, "take")) > 0


# --- interest and copies -----------------------------------------------------------------------


def test_interest_goes_on_at_a_price_of_zero(kit):
    engine = kit.engine()
    pool = engine.lending.add("pool", rules=kit.lending.LendingRules())
    pool.add_reserve("USD", interest=kit.lending.FixedRate("0.1"), liquidation_threshold="0.9")
    pool.add_reserve("DAI", price=None, liquidation_threshold="0.9")
    pool["USD"].supply(1000)
    account = int(pool.open(collateral={"DAI": 2000}, debt={"USD": 1000})[0])
    pool["USD"].fail_oracle("zero")
    engine.step(dt=365 * 86_400)
    assert pool["USD"].row()["owed_lots"] == 1100
    assert str(float(pool.health[account])) == "inf"
    pool["USD"].fail_oracle(None)
    assert pool.health[account] == 1800 / 1100


def failing():
    """A core engine in which one oracle answers zero and another reverts, with a due account."""
    engine, pool = four_reserves(core_kit(), zero_price="skipped", oracle={"delay": 3})
    pool.open(collateral={"ETH": [100, 50], "BTC": [0, 1]}, debt={"USD": [4000, 701]})
    engine.step(index={"ETH": 99}, dt=1)
    pool["ETH"].fail_oracle("zero")
    pool["BTC"].fail_oracle("reverts")
    engine.step(index={"ETH": 98}, dt=4)
    return engine


def test_copies_and_files_have_what_failed(tmp_path):
    engine = failing()
    engine.save(tmp_path / "engine.npz")
    ends = []
    for other in (engine, engine.copy(), cs.Engine.load(tmp_path / "engine.npz")):
        pool = other.lending["pool"]
        assert [pool[name].oracle_failure for name in pool.reserves] == [
            "zero",
            "reverts",
            None,
            None,
        ]
        assert [pool[name].price for name in pool.reserves] == [0.0, 1000.0, 1.0, 1.0]
        assert pool["ETH"].supplied_side.mark == 0
        assert pool["ETH"].supplied_side.mark_ticks == 0
        assert other.step().pending == 2
        for name in ("ETH", "BTC"):
            pool[name].fail_oracle(None)
        results = [other.step(dt=2) for _ in range(3)]
        assert [result.pending for result in results] == [2, 0, 0]
        other.validate()
        ends.append((other.state_hash(), other.events.tobytes()))
    assert ends[0] == ends[1] == ends[2]


def test_an_engine_whose_oracle_answered_zero_is_copied_as_any_other():
    engine, pool = four_reserves(core_kit(), zero_price="skipped", liquidator={"gas": 10**6})
    borrower(pool, 100, 4000)
    for act in (
        lambda: pool["ETH"].fail_oracle("zero"), engine.step,
        lambda: pool["ETH"].fail_oracle(None), engine.step,
        lambda: engine.step(index={"ETH": 99}),
    ):  # fmt: skip
        act()
        follower = engine.copy()
        assert follower.step().pending == engine.copy().step().pending
        assert follower.events.tobytes()[: engine.events.nbytes] == engine.events.tobytes()


def test_hashes_have_what_failed(kit):
    found = []
    for failure in (None, "stale", "zero", "reverts"):
        engine, pool = four_reserves(kit, zero_price="refused")
        pool["ETH"].fail_oracle(failure)
        found.append(engine.state_hash())
    assert len(set(found)) == 4


@pytest.mark.parametrize(
    ("member", "field", "row", "value"),
    [
        ("reserves", "oracle", 0, 0),
        ("reserves", "oracle", 0, 4),
        ("reserves", "oracle", 1, 2),
        ("reserves", "price", 0, 98),
        ("reserves", "price", 1, 0),
        ("reserves", "price", 2, 0),
        ("markets", "mark", 2, 0),
        ("markets", "mark", 2, -2),
        ("markets", "mark", 0, -1),
        ("markets", "mark", 4, -1),
    ],
)
def test_a_forged_failure_is_refused(member, field, row, value):
    arrays = {name: array.copy() for name, array in snapshot.to_arrays(failing()).items()}
    snapshot.from_arrays(arrays)
    if (field, value) == ("oracle", 0):
        # an oracle that works may be at zero only for its delay
        arrays["reserves"]["oracle"][0] = 0
        snapshot.from_arrays(arrays)
        text = arrays["settings"].tobytes().replace(b'"skipped"', b'"refused"')
        arrays["settings"] = np.frombuffer(text, np.uint8)
    else:
        arrays[member][field][row] = value
    with pytest.raises(ValueError, match=r"reserve \d|market \d|side "):
        snapshot.from_arrays(arrays)


def test_a_failure_that_is_none_is_refused(kit):
    engine, pool = four_reserves(kit)
    before = engine.state_hash()
    with pytest.raises(ValueError, match="failure"):
        pool["ETH"].fail_oracle("broken")
    assert engine.state_hash() == before
    with pytest.raises(ValueError, match="zero_price must be one of"):
        cs.LendingRules(zero_price="free")
    with pytest.raises(ValueError, match="fee_on must be one of"):
        cs.LendingRules(fee_on="seize")


# --- presets -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("aave_v2", "skipped"),
        ("aave_v3", "skipped"),
        ("spark", "skipped"),
        ("compound_v2", "refused"),
        ("compound_v3", "refused"),
        ("euler_v1", "skipped"),
        ("euler_v2", "given"),
        ("morpho_blue", "given"),
    ],
)
def test_presets_say_what_zero_is(name, rule):
    assert cs.LendingRules.from_protocol(cs.rules.LENDING[name]()).zero_price == rule
    assert cs.rules.maker_liq2().zero_price == "refused"


def test_what_presets_say_is_what_their_functions_do():
    from cascade import lending

    for name, parts in (("aave_v3", 10**4), ("euler_v1", 4 * 10**9), ("compound_v2", 10**18)):
        rule = cs.rules.LENDING[name]().liquidation
        threshold = parts * 8 // 10
        eth = lending.ReserveTerms(0, 10**18, threshold, bonus=10_500)
        reserves = {"ETH": eth, "USD": lending.ReserveTerms(10**8)}
        account = lending.Account({"ETH": 10**18}, {"USD": 10**18})
        with pytest.raises(lending.PriceError):
            lending.liquidate(rule, reserves, account, debt="USD", collateral="ETH")
    rule = cs.rules.euler_v2().liquidation
    eth = lending.ReserveTerms(0, 10**18, 8000)
    reserves = {"ETH": eth, "USD": lending.ReserveTerms(10**18)}
    account = lending.Account({"ETH": 10**18}, {"USD": 10**18})
    done = lending.liquidate(rule, reserves, account, debt="USD", collateral="ETH")
    assert (done.repaid, done.seized, done.bad_debt) == (0, 10**18, {"USD": 10**18})
    morpho = lending.MorphoMarket(
        threshold=8 * 10**17, price=0, borrow_assets=300, borrow_shares=300_000_000,
        supply_assets=1000, supply_shares=10**9,
    )  # fmt: skip
    position = lending.MorphoPosition(collateral=400, borrow_shares=300_000_000)
    gone = lending.morpho_liquidate(morpho, position, seized=400)
    assert (gone.repaid_assets, gone.seized, gone.bad_debt) == (0, 400, 300)


# --- a fee on what is repaid -------------------------------------------------------------------


def test_a_fee_on_the_repayment_is_paid_on_top_and_kept_in_the_debts_asset(kit):
    engine, pool = four_reserves(kit, fee="0.02", fee_on="repay", liquidator={})
    borrower(pool, 100, 7700)
    engine.step(index={"ETH": 95})
    # 7700 * 1.05 / 95 = 85.1; 2 % of 7700 are 154 more
    assert calls(engine) == [(7700, 85)]
    usd, eth = pool["USD"].row(), pool["ETH"].row()
    assert (usd["treasury"], usd["cash"], usd["owed_lots"]) == (154, 1_000_154, 0)
    assert (eth["treasury"], eth["cash"]) == (0, 1_000_015)
    (repay,) = (row for row in rows(engine, "repay") if row["cause"] >= 0)
    assert (repay["quantity"], repay["order"], repay["money"]) == (7700, 154, 7700)
    assert engine.liquidators.result(0)["profit"] == 85 * 95 - 7854
    engine.validate()


def test_a_fee_on_the_repayment_can_eat_the_bonus(kit):
    engine, pool = four_reserves(kit, fee="0.06", fee_on="repay", liquidator={})
    borrower(pool, 100, 7700)
    assert engine.step(index={"ETH": 95}).liquidated == 0


def test_twin_and_core_have_one_hash_where_oracles_fail():
    found = []
    for kit in (TWIN, core_kit()):
        engine, pool = four_reserves(kit, zero_price="given", fee="0.02", fee_on="repay")
        pool.open(
            collateral={"ETH": [100, 60, 5], "BTC": [0, 2, 3]}, debt={"USD": [4000, 3000, 2000]}
        )
        for name, failure, price in (("BTC", "zero", 90), ("ETH", "stale", 70), ("ETH", None, 60)):
            pool[name].fail_oracle(failure)
            engine.step(index={"ETH": price})
        found.append((engine.state_hash(), rows(engine)))
    assert found[0] == found[1]
