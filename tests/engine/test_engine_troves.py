"""Loans that are closed whole: docs/troves.md, by hand; ETH at ticks of one atom, stakes of a thousand a lot."""

import pytest
from engine_kit import core_kit, rows
from random_troves import TroveActor, draw_history, first_difference

import cascade as cs

needs_core = pytest.mark.skipif(core_kit() is None, reason="the compiled engine is not built")
LIQUIDATOR = -3


def troves(kit, accounts, *, price=100, pool=0, liquidators=(), venue=None, **terms):
    """Accounts of (ETH, USD), ETH at `price`, and so much in the pool."""
    engine = kit.engine()
    feed = "last" if venue else "index"
    made = {"venue": kit.linear(*venue)} if venue else {}
    kit.market(engine, "ETH", rules={"feed": feed}, **made).set_index(price)
    for given in liquidators:
        engine.liquidators.add(kit.lending.Liquidator(**given))
    rules = kit.lending.LendingRules(close_factor="trove", troves=kit.lending.Troves(**terms))
    lending = engine.lending.add("troves", rules=rules)
    lending.add_reserve("ETH", price="ETH", venue="price" if venue else None)
    lending.add_reserve("USD")
    lending["USD"].supply(10**7)
    lending.open(
        collateral={"ETH": [eth for eth, _ in accounts]}, debt={"USD": [usd for _, usd in accounts]}
    )
    if pool:
        lending.stability_pool.provide(pool, "ada")
    return engine, lending


def all_troves(lending, count):
    return [lending.trove(k) for k in range(count)]


def parts_of(engine):
    """(offset, lots for it), (shared debt, lots with it), the owner's lots, the liquidator's of each call."""
    found = {}
    for kind in ("offset", "redistribute", "returned", "seize"):
        found[kind] = [
            (row["quantity"], row["money"]) for row in rows(engine, kind) if row["cause"] >= 0
        ]
    return found


def test_what_the_pool_lacks_goes_onto_the_others(kit):
    engine, lending = troves(kit, [(1000, 90_000), (3000, 100_000), (1000, 20_000)], pool=50_001)
    result = engine.step(index={"ETH": 98})
    # 98,000 are below 110 % of 90,000. 5 lots are the liquidator's; 995 * 5 / 9 = 552.8 the pool's; 443
    # are shared out as 332.25 and 110.75, the debt of 40,000 as 30,000 and 10,000
    assert (result.liquidated, result.notional_atoms, result.bad_debt_atoms) == (1, 90_000, 0)
    assert parts_of(engine) == {
        "offset": [(50_000, 552)], "redistribute": [(40_000, 443)], "returned": [], "seize": [(5, 0)],
    }  # fmt: skip
    assert all_troves(lending, 3) == [(0, 0), (3332, 130_000), (1110, 30_000)]
    pool = lending.stability_pool.row()
    assert (pool["deposits"], pool["burned"], pool["gains"]) == (1, 50_000, 552)
    assert lending["USD"].row()["cash"] == 10**7 - 210_000 + 50_000
    engine.validate()


def test_what_cannot_be_divided_waits(kit):
    # 1,000 atoms on 3,000 stakes are 3,333,333 parts of 10**7 each: 333 atoms to each loan; 1,000 parts wait
    accounts = [(1, 1000), (1, 10), (1, 10), (1, 10)]
    engine, lending = troves(kit, accounts, price=1000, gas_share=0)
    engine.step()
    assert [lending.trove(k)[1] for k in range(4)] == [0, 343, 343, 343]
    assert lending["USD"].row()["owed_lots"] == 1030
    engine.validate()
    # the third of an atom that was none to the account waits too, and is part of the next
    lending.repay(1, "USD", 343)
    engine.validate()
    lending.open(collateral={"ETH": [1]}, debt={"USD": [1000]})
    engine.step()
    assert lending["USD"].row()["owed_lots"] == 1030 - 343 + 1000
    engine.validate()


def test_collateral_is_cut_to_whole_lots_when_it_is_closed(kit):
    # 3 lots on 2,000 stakes make 2.5 of each other lot; closed, one is 2, which make 4.5 of the last
    engine, lending = troves(kit, [(1, 1), (3, 100), (1, 1)], gas_share=0)
    engine.step(index={"ETH": 1})
    closed = [row["account"] for row in rows(engine, "liquidation")]
    assert closed[0] == 1 and len(closed) == 2
    assert lending.trove(({0, 2} - set(closed)).pop()) == (4, 102)
    engine.validate()


def test_the_last_loan_is_never_closed(kit):
    engine, lending = troves(kit, [(10, 900)], pool=5000)
    result = engine.step(index={"ETH": 50})
    assert (result.liquidated, result.pending) == (0, 1)
    assert lending.trove(0) == (10, 900)
    lending.open(collateral={"ETH": [100]}, debt={"USD": [10]})
    assert engine.step().liquidated == 1


def test_exactly_the_minimum_is_healthy(kit):
    engine, _ = troves(kit, [(11, 1000), (100, 100)])
    assert engine.step(index={"ETH": 100}).liquidated == 0
    engine, _ = troves(kit, [(11, 1001), (100, 100)])
    assert engine.step(index={"ETH": 100}).liquidated == 1


def test_shares_make_others_due_in_the_same_step(kit):
    # 10 lots against 1,100 go onto two: 5 against 550 each, and the second's 11,025 are below 110 % of 10,050
    engine, lending = troves(kit, [(10, 1100), (100, 9_500), (100, 100)], price=120, gas_share=0)
    engine.step(index={"ETH": 105})
    assert [row["account"] for row in rows(engine, "liquidation")] == [0, 1]
    second = rows(engine, "liquidation")[1]
    assert engine.events[second["cause"]]["kind"] == 4 and second["wave"] == 2
    assert lending.trove(2) == (210, 10_700)
    engine.validate()


def test_gains_are_sold_where_the_rules_say_so(kit):
    engine, lending = troves(
        kit, [(1000, 90_000), (3000, 100_000)], pool=10**5, venue=(1, 100), sells=True
    )
    start = len(engine.events)
    engine.step(index={"ETH": 98})
    fills = [row for row in rows(engine, "fill", start=start) if row["account"] == LIQUIDATOR]
    assert sum(row["quantity"] for row in fills) == 1000
    pool = lending.stability_pool.row()
    # 995 lots along a line that falls by a tick every 100
    assert pool["gains"] == pool["received"] > 995 * 88
    assert engine.market("ETH").row()["mark"] < 98 if kit.name == "core" else True
    engine.validate()


def test_recovery_mode_caps_what_the_pool_gets(kit):
    # all: 700 lots at 100 against 50,000 are 140 %; the first has 120 %, the pool its whole debt
    engine, lending = troves(kit, [(120, 10_000), (580, 40_000)], pool=20_000, critical_ratio="1.5")
    assert engine.step().liquidated == 1
    # 110 lots are 110 % of 10,000; half a lot is cut off the gas compensation
    assert parts_of(engine) == {
        "offset": [(10_000, 110)], "redistribute": [], "returned": [(10, 0)], "seize": [(0, 0)],
    }  # fmt: skip
    assert all_troves(lending, 2) == [(0, 0), (580, 40_000)]
    engine.validate()


def test_recovery_mode_leaves_what_the_pool_cannot_take(kit):
    accounts = [(120, 10_000), (580, 40_000)]
    engine, lending = troves(kit, accounts, pool=10_000, critical_ratio="1.5")
    assert engine.step().liquidated == 0
    lending.stability_pool.provide(1, "bob")
    assert engine.step().liquidated == 1
    engine, lending = troves(kit, accounts, pool=0, critical_ratio="1.5")
    assert engine.step().pending == 0


def test_recovery_mode_passes_the_pool_by_at_100_percent(kit):
    engine, _ = troves(
        kit, [(100, 10_000), (580, 40_000)], pool=20_000, critical_ratio="1.5", gas_share=0
    )
    assert engine.step().liquidated == 1
    assert parts_of(engine)["redistribute"] == [(10_000, 100)]
    engine, _ = troves(
        kit, [(101, 10_000), (580, 40_000)], pool=20_000, critical_ratio="1.5", gas_share=0
    )
    assert engine.step().liquidated == 1
    assert parts_of(engine)["offset"] == [(10_000, 101)]


def test_penalties_leave_the_rest_to_the_owner(kit):
    # half of 10,000 is offset: of 104 lots the pool's 52 less the liquidator's 1 are above 105 % of 5,000 at
    # 109, 48.16; with the other 52 and what is left over the others get at most 110 %, 50.45
    engine, lending = troves(
        kit, [(104, 10_000), (1000, 10_000)], price=120, pool=5_001, gas_share="0.02",
        offset_penalty="0.05", redistribution_penalty="0.1", minimum_ratio="1.2",
    )  # fmt: skip
    assert engine.step(index={"ETH": 109}).liquidated == 1
    assert parts_of(engine) == {
        "offset": [(5000, 48)], "redistribute": [(5000, 50)], "returned": [(5, 0)], "seize": [(1, 0)],
    }  # fmt: skip
    assert lending.trove(1) == (1050, 15_000)
    engine.validate()


def test_shutdown_freezes_both_reserves_for_good(kit):
    engine, lending = troves(kit, [(1000, 80_000)], shutdown_ratio="1.1")
    engine.step(index={"ETH": 88})
    assert [lending[name].row()["frozen"] for name in ("ETH", "USD")] == [0, 0]
    engine.step(index={"ETH": 87})
    engine.step(index={"ETH": 200})
    assert [lending[name].row()["frozen"] for name in ("ETH", "USD")] == [1, 1]
    for call, asset in (("deposit", "ETH"), ("borrow", "USD")):
        with pytest.raises(ValueError, match="frozen"):
            getattr(lending, call)(0, asset, 1)
    lending.repay(0, "USD", 10_000)


def test_a_liquidator_must_gain(kit):
    accounts = [(1000, 90_000), (3000, 100_000)]
    # 5 lots at 98 and 20 from the reserve are 510
    engine, _ = troves(kit, accounts, liquidators=[{"gas": 511}], gas_reserve=20)
    assert engine.step(index={"ETH": 98}).liquidated == 0
    engine, _ = troves(kit, accounts, liquidators=[{"gas": 500}], gas_reserve=20)
    assert engine.step(index={"ETH": 98}).liquidated == 1
    assert engine.liquidators.result(0) == {"profit": 10, "gas": 500, "bids": 0, "calls": 1}
    engine, _ = troves(kit, accounts, gas_cap=2, liquidators=[{}])
    engine.step(index={"ETH": 98})
    assert engine.liquidators.result(0)["profit"] == 196


def test_the_one_who_gains_most_outbids_the_next(kit):
    engine, _ = troves(
        kit, [(1000, 90_000), (3000, 100_000)], liquidators=[{"gas": 90}, {"gas": 40}, {"gas": 60}]
    )
    engine.liquidators.compete = "bids"
    engine.step(index={"ETH": 98})
    # 490 for 5 lots: the next would have gained 430
    assert engine.liquidators.result(1) == {"profit": 20, "gas": 40, "bids": 430, "calls": 1}


def test_borrowing_and_withdrawing_keep_the_ratios(kit):
    engine, lending = troves(kit, [(100, 5000), (100, 5000)], critical_ratio="1.5")
    # all: 20,000 over 1.5 are 13,333.33; the account alone bears 10,000 / 1.1 = 9,090.9
    assert lending.borrowable(0, "USD") == 3333
    with pytest.raises(ValueError, match="critical"):
        lending.borrow(0, "USD", 3334)
    lending.borrow(0, "USD", 3333)
    with pytest.raises(ValueError, match="critical"):
        lending.withdraw(1, "ETH", 1)
    with pytest.raises(ValueError, match="bears"):
        lending.withdraw(0, "ETH", 9)
    lending.repay(1, "USD", 5000)
    lending.withdraw(1, "ETH", 50)
    assert all_troves(lending, 2) == [(100, 8333), (50, 0)]
    engine.validate()


def test_what_was_shared_out_is_settled_by_a_change(kit):
    engine, lending = troves(kit, [(10, 1000), (100, 1000), (100, 1000)], price=120, gas_share=0)
    engine.step(index={"ETH": 105})
    assert all_troves(lending, 3) == [(0, 0), (105, 1500), (105, 1500)]
    lending.repay(1, "USD", 1500)
    lending.withdraw(1, "ETH", 105)
    assert all_troves(lending, 3)[1:] == [(0, 0), (105, 1500)]
    lending.deposit(1, "ETH", 7)
    # at 0.00105 lots a stake 7 lots are 6,666.67 stakes, cut to 6,666: 6.9993 lots
    assert lending.trove(1) == (6, 0)
    engine.validate()


def test_refusals_change_nothing(kit):
    engine, lending = troves(kit, [(100, 5000), (100, 5000)], pool=100)
    before = engine.state_hash()
    pool = lending.stability_pool
    for call in (
        lambda: lending["ETH"].supply(1),
        lambda: lending.withdraw(0, "ETH", 101),
        lambda: lending.repay(0, "USD", 5001),
        lambda: lending.deposit(0, "USD", 5),
        lambda: lending.borrow(0, "ETH", 5),
        lambda: lending.withdraw(0, "USD", 5),
        lambda: lending.repay(0, "ETH", 5),
        lambda: lending.deposit(7, "ETH", 5),
        lambda: lending.loop("ETH", "USD", leverage=2, amount=1),
        lambda: pool.provide(0),
        lambda: pool.withdraw(100, "ada"),
        lambda: pool.withdraw(-1, "ada"),
        lambda: pool.withdraw(1, "bob"),
        lambda: lending.add_reserve("DAI", price=None),
        lambda: lending.add_reserve("ETH 2", price="ETH"),
    ):
        with pytest.raises(ValueError):
            call()
    assert engine.state_hash() == before
    engine.validate()


def test_caps_hold_for_deposits_and_debts(kit):
    engine, lending = troves(kit, [(100, 5000), (100, 5000)])
    engine.lending.cap("ETH", supply=230)
    engine.lending.cap(None, borrow=10_500)
    before = engine.state_hash()
    # 30 lots and 500 atoms are left
    assert lending.borrowable(0, "USD") == 500
    for call, asset, amount in (("deposit", "ETH", 31), ("borrow", "USD", 501)):
        with pytest.raises(ValueError, match="common"):
            getattr(lending, call)(0, asset, amount)
    assert engine.state_hash() == before
    lending.deposit(0, "ETH", 30)
    lending.borrow(0, "USD", 500)
    assert lending.borrowable(0, "USD") == 0
    with pytest.raises(ValueError, match="common"):
        lending.open(collateral={"ETH": [1]}, debt={"USD": [0]})
    with pytest.raises(ValueError, match="common"):
        lending.open(collateral={"ETH": [0]}, debt={"USD": [1]})
    # what is repaid can be lent again
    lending.repay(1, "USD", 40)
    assert lending.borrowable(0, "USD") == 40
    engine.validate()


def capped(kit, borrow_cap=10_100, **terms):
    """Two accounts of 100 ETH each, in a reserve with caps, and 5,000 USD owed by each."""
    engine = kit.engine()
    kit.market(engine, "ETH", rules={"feed": "index"}).set_index(100)
    lending = engine.lending.add("troves", rules=kit.lending.LendingRules(close_factor="trove"))
    lending.add_reserve("ETH", price="ETH", venue=None, **terms)
    lending.add_reserve("USD", borrow_cap=borrow_cap)
    lending["USD"].supply(10**6)
    lending.open(collateral={"ETH": [100, 100]}, debt={"USD": [5000, 5000]})
    return engine, lending


@pytest.mark.parametrize(
    ("terms", "most"),
    # 150 of 250 lots are the share of 60 %; one lot more were 151 of 251
    [({"account_cap": 120}, 20), ({"account_share": "0.6"}, 50), ({"supply_cap": 207}, 7)],
)
def test_caps_of_a_reserve_hold_for_accounts(kit, terms, most):
    engine, lending = capped(kit, **terms)
    before = engine.state_hash()
    with pytest.raises(ValueError, match=r"cap|share"):
        lending.deposit(0, "ETH", most + 1)
    with pytest.raises(ValueError, match="cap"):
        lending.borrow(0, "USD", 101)
    assert engine.state_hash() == before
    lending.deposit(0, "ETH", most)
    lending.borrow(0, "USD", 100)
    assert lending.borrowable(1, "USD") == 0
    engine.validate()


def test_what_is_shared_out_asks_no_cap(kit):
    # 60 lots at 98 are below 110 % of 5,400; half of all goes to each other, beyond the cap that deposits have
    engine, lending = capped(kit, borrow_cap=None, account_cap=102)
    lending.open(collateral={"ETH": [60]}, debt={"USD": [5400]})
    engine.step(index={"ETH": 98})
    assert all_troves(lending, 3) == [(130, 7700), (130, 7700), (0, 0)]
    with pytest.raises(ValueError, match="account_cap"):
        lending.deposit(1, "ETH", 1)
    lending.withdraw(1, "ETH", 40)
    lending.deposit(1, "ETH", 10)
    engine.validate()


@pytest.mark.parametrize(
    ("asset", "term"),
    [
        ("ETH", {"debt_ceiling": 1000}), ("USD", {"borrowable_in_isolation": True}),
        ("USD", {"siloed": True}), ("ETH", {"siloed": True}),
    ],
)  # fmt: skip
def test_terms_of_several_reserves_are_refused(kit, asset, term):
    engine = kit.engine()
    kit.market(engine, "ETH", rules={"feed": "index"}).set_index(100)
    lending = engine.lending.add("troves", rules=kit.lending.LendingRules(close_factor="trove"))
    before = engine.state_hash()
    with pytest.raises(ValueError, match=next(iter(term))):
        lending.add_reserve(asset, price="ETH" if asset == "ETH" else None, **term)
    assert engine.state_hash() == before and not lending.reserves


def test_a_sentinel_of_troves_is_refused(kit):
    with pytest.raises(ValueError, match="sentinel"):
        kit.lending.LendingRules(close_factor="trove", sentinel="0.95")


def test_providers_wait_while_a_loan_is_below_the_minimum(kit):
    engine, lending = troves(
        kit, [(100, 5000), (100, 5000)], pool=100, liquidators=[{"gas": 10**6}]
    )
    engine.step(index={"ETH": 54})
    with pytest.raises(ValueError, match="minimum"):
        lending.stability_pool.withdraw(50, "ada")
    engine.step(index={"ETH": 55})
    lending.stability_pool.withdraw(50, "ada")
    assert lending.stability_pool.row()["deposits"] == 50


def test_a_paused_reserve_keeps_its_loans(kit):
    engine, lending = troves(kit, [(1000, 90_000), (3000, 100_000)])
    lending["USD"].pause()
    assert engine.step(index={"ETH": 98}).liquidated == 0
    lending["USD"].pause(False, grace=5)
    assert engine.step(dt=4).liquidated == 0
    assert engine.step(dt=1).liquidated == 1


@needs_core
@pytest.mark.parametrize("seed", range(60))
def test_random_histories_agree(seed):
    assert first_difference(core_kit(), *draw_history(seed)) is None


@needs_core
@pytest.mark.parametrize("seed", [2, 5, 11])
def test_a_copy_goes_on_bit_for_bit(seed, tmp_path):
    setup, actions = draw_history(seed, 40)
    actor = TroveActor(core_kit(), setup)
    for name, arguments in actions[:20]:
        actor.act(name, arguments)
    actor.engine.save(tmp_path / "engine.npz")
    ends = []
    for other in (actor.engine.copy(), cs.Engine.load(tmp_path / "engine.npz"), actor.engine):
        assert other.state_hash() == actor.engine.state_hash()
        follower = TroveActor(core_kit(), setup)
        follower.engine = other
        follower.lendings = list(other.lending)
        follower.markets = {name: other.market(name) for name in follower.markets}
        answers = [follower.act(name, arguments) for name, arguments in actions[20:]]
        other.validate()
        ends.append((answers, other.state_hash(), other.events.tobytes()))
    assert ends[0] == ends[1] == ends[2]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("minimum_ratio", "0.9"), ("critical_ratio", 11), ("gas_share", "1.5"), ("gas_reserve", -1),
        ("gas_cap", -1), ("offset_penalty", "0.05"), ("least_left", 0),
    ],
)  # fmt: skip
def test_wrong_terms_are_refused(field, value):
    with pytest.raises(ValueError, match=field):
        cs.Troves(**{field: value})


def test_terms_belong_to_troves():
    with pytest.raises(ValueError, match="terms of close_factor 'trove'"):
        cs.LendingRules(troves=cs.Troves())
    with pytest.raises(ValueError, match="halt_above"):
        cs.LendingRules(close_factor="trove", halt_above="0.9")


@needs_core
def test_a_copy_has_a_price_that_is_on_its_way():
    # marks of the debt are those of what was assigned, whatever the finer price would give
    kit = core_kit()
    engine = kit.engine()
    kit.market(engine, "ETH", rules={"feed": "index"}).set_index(200)
    rules = kit.lending.LendingRules(close_factor="trove", troves=kit.lending.Troves())
    lending = engine.lending.add("troves", rules=rules)
    lending.add_reserve("ETH", price="ETH", venue=None, oracle=kit.lending.Oracle(delay=2))
    lending.add_reserve("USD")
    lending["USD"].supply(10**7)
    lending.open(collateral={"ETH": [1000, 3000]}, debt={"USD": [120_000, 100_000]})
    lending.stability_pool.provide(50_000, "ada")
    for price in (180, 120, 110):
        engine.step(index={"ETH": price}, dt=1)
        other = engine.copy()
        assert other.state_hash() == engine.state_hash()
    # 180 and 120 have arrived, 110 a step later
    results = [each.step(dt=1).liquidated for each in (engine, other)]
    assert results == [1, 1]
    assert other.state_hash() == engine.state_hash()
