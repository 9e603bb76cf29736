"""Interest that owners of loans set, fees, least debts, what is left to claim: docs/troves.md, by hand.

A debt of 36,500 at 10 % bears 3,650 atoms a year, ten a day; ETH at ticks of one atom.
"""

import pytest
from engine_kit import core_kit, rows

import cascade as cs

needs_core = pytest.mark.skipif(core_kit() is None, reason="the compiled engine is not built")
DAY = 86_400
YEAR = 365 * DAY


def troves(
    kit, accounts, *, rate=None, price=100, pool=0, liquidators=(), interest=(0, 4), **terms
):
    """Accounts of (ETH, USD), each at its rate, ETH at `price`, and so much in the pool."""
    engine = kit.engine()
    kit.market(engine, "ETH", rules={"feed": "index"}).set_index(price)
    for given in liquidators:
        engine.liquidators.add(kit.lending.Liquidator(**given))
    stated = kit.lending.Troves(interest=interest, **terms)
    rules = kit.lending.LendingRules(close_factor="trove", troves=stated)
    lending = engine.lending.add("troves", rules=rules)
    lending.add_reserve("ETH", price="ETH", venue=None)
    lending.add_reserve("USD")
    lending["USD"].supply(10**7)
    lending.open(
        collateral={"ETH": [eth for eth, _ in accounts]},
        debt={"USD": [usd for _, usd in accounts]},
        rate=rate,
    )
    if pool:
        lending.stability_pool.provide(pool, "ada")
    return engine, lending


def debts(lending, count):
    return [int(lending.trove(k)[1]) for k in range(count)]


def test_each_loan_bears_the_rate_that_its_owner_set(kit):
    engine, lending = troves(kit, [(1000, 36_500), (2000, 73_000)], rate=["0.1", "0.05"])
    engine.step(dt=DAY)
    assert debts(lending, 2) == [36_510, 73_010]
    assert [(row["quantity"], row["money"]) for row in rows(engine, "interest")] == [(20, 20)]
    engine.step(dt=9 * DAY)
    assert debts(lending, 2) == [36_600, 73_100]
    assert [lending.rate_of(k) for k in range(2)] == [0.1, 0.05]
    row = lending["USD"].row()
    assert (row["owed_lots"], row["treasury"]) == (109_700, 200)
    engine.validate()


def test_interest_is_simple_until_the_loan_is_changed(kit):
    engine, lending = troves(kit, [(1000, 36_500), (1000, 36_500)], rate="0.1")
    engine.step(dt=YEAR)
    assert debts(lending, 2) == [40_150, 40_150]
    lending.deposit(0, "ETH", 1)
    engine.step(dt=YEAR)
    # the first bears 4,015 a year now
    assert debts(lending, 2) == [44_165, 43_800]
    engine.validate()


def test_parts_of_a_second_wait_for_the_whole_one(kit):
    engine, lending = troves(kit, [(1000, 31_536)], rate=1)
    engine.step(dt="999.999")
    assert (debts(lending, 1), rows(engine, "interest")) == ([31_536], [])
    engine.step(dt="0.001")
    # 31,536 atoms a year are one in a thousand seconds
    assert debts(lending, 1) == [31_537]
    assert [row["quantity"] for row in rows(engine, "interest")] == [1]


def test_what_accounts_have_coming_is_what_accrued(kit):
    # three sevenths of an atom a day of each: the reserve counts 3, the accounts one each after three days
    accounts = [(100, 1565), (100, 1565), (100, 1565)]
    engine, lending = troves(kit, accounts, rate="0.1")
    engine.step(dt=3 * DAY)
    # ceil(156.5) = 157 atoms a year each: 1.29 in three days, 3.87 of all
    assert debts(lending, 3) == [1566, 1566, 1566]
    assert lending["USD"].row()["owed_lots"] == 3 * 1565 + 3
    engine.validate()
    for k in range(3):
        lending.repay(k, "USD", 1566)
    # what was cut of each is counted by the next accruals only
    assert lending["USD"].row()["owed_lots"] == 0
    engine.validate()
    engine.step(dt=DAY)
    engine.validate()


def test_time_alone_makes_a_loan_due(kit):
    # 1,200 bear 1,090 of debt; 1,000 at 36.5 % owes one more every day
    engine, lending = troves(kit, [(12, 1000), (1000, 1000)], rate=["0.365", 0])
    engine.step(dt=90 * DAY)
    assert lending.trove(0)[1] == 1090
    assert engine.step(dt=DAY).liquidated == 1
    fall = rows(engine, "liquidation")[0]
    assert engine.events[fall["cause"]]["kind"] == 4  # a mark, that of time
    assert lending.trove(0) == (0, 0)
    assert lending.trove(1) == (1012, 2091)
    engine.validate()


def test_what_is_shared_out_bears_nothing_until_it_is_settled(kit):
    engine, lending = troves(
        kit, [(1000, 90_000), (3000, 36_500)], rate=[0, "0.1"], gas_share=0
    )  # fmt: skip
    engine.step(index={"ETH": 98})
    assert lending.trove(1)[1] == 126_500
    engine.step(dt=DAY)
    assert lending.trove(1)[1] == 126_510
    lending.deposit(1, "ETH", 1)
    engine.step(dt=DAY)
    # 126,510 at 10 % are 34.66 a day
    assert lending.trove(1)[1] == 126_544
    engine.validate()


def test_a_new_rate_counts_from_now_on(kit):
    engine, lending = troves(kit, [(1000, 36_500)], rate="0.1", interest=("0.005", "2.5"))
    engine.step(dt=DAY)
    lending.set_rate(0, "0.2")
    engine.step(dt=DAY)
    # 36,510 at 20 %, 7,302 a year, are 20.005 a day
    assert (lending.rate_of(0), lending.trove(0)[1]) == (0.2, 36_530)
    before = engine.state_hash()
    for rate in ("0.004", "2.6"):
        with pytest.raises(ValueError, match="rate"):
            lending.set_rate(0, rate)
    with pytest.raises(ValueError):
        lending.set_rate(1, "0.1")
    assert engine.state_hash() == before
    lending.open(collateral={"ETH": [10]}, debt={"USD": [100]})
    assert lending.rate_of(1) == 0.005


def test_the_pool_gets_its_share_of_interest(kit):
    engine, lending = troves(
        kit, [(1000, 36_500), (2000, 73_000)], rate=["0.1", "0.05"], pool=1000, pool_share="0.75"
    )
    pool = lending.stability_pool
    pool.provide(3000, "bob")
    engine.step(dt=DAY)
    # 20 atoms: 15 to the pool, which is a quarter ada's; what is cut waits for the next
    assert [(row["quantity"], row["money"]) for row in rows(engine, "interest")] == [(20, 5)]
    assert (pool.row()["interest"], lending["USD"].row()["treasury"]) == (15, 5)
    start = len(engine.events)
    pool.withdraw(0, "ada")
    assert [(row["quantity"], row["money"], row["order"]) for row in rows(engine, "provide", start=start)] == [
        (0, 0, 3)
    ]  # fmt: skip
    engine.step(dt=DAY)
    # 15 more, and of the first share 0.75 of an atom that ada lost by asking
    assert (pool.row()["interest"], pool.row()["interest_paid"]) == (27, 3)
    pool.withdraw(0, "bob")
    assert pool.row()["interest"] == 27 - 22
    engine.validate()


def test_without_a_pool_all_interest_is_the_treasurys(kit):
    engine, lending = troves(kit, [(1000, 36_500)], rate="0.1", pool_share="0.75")
    engine.step(dt=DAY)
    assert (lending["USD"].row()["treasury"], lending.stability_pool.row()["interest"]) == (10, 0)


def test_the_pool_gets_no_more_than_there_is_cash(kit):
    engine, lending = troves(kit, [(1000, 36_500)], rate="0.1", pool=1, pool_share=1)
    lending["USD"].redeem(10**7 - 36_500 - 4)
    engine.step(dt=DAY)
    assert (lending["USD"].row()["treasury"], lending["USD"].row()["cash"]) == (6, 0)
    assert lending.stability_pool.row()["interest"] == 4
    engine.validate()


def test_a_borrowing_fee_is_debt_and_income(kit):
    engine, lending = troves(kit, [(1000, 10_000)], interest=None, borrowing_fee="0.005")
    cash = lending["USD"].row()["cash"]
    lending.borrow(0, "USD", 1999)
    # 9.995, rounded down
    assert lending.trove(0)[1] == 10_000 + 1999 + 9
    row = lending["USD"].row()
    assert (cash - row["cash"], row["treasury"]) == (1999, 9)
    fee = rows(engine, "interest")[0]
    assert (fee["account"], fee["quantity"], fee["money"]) == (0, 9, 9)
    engine.validate()


def test_a_week_of_the_mean_rate_is_paid_upfront(kit):
    engine, lending = troves(
        kit, [(1000, 36_500), (2000, 73_000)], rate=["0.1", "0.05"], upfront_time=7 * DAY
    )
    # weights 4,650 and 3,650 over 119,500 are 6.9456 %; of 10,000 for 7 of 365 days 13.32
    lending.borrow(0, "USD", 10_000)
    assert debts(lending, 2) == [46_513, 73_000]
    engine.step(dt=YEAR)
    # of the fee, too: ceil(4,651.3)
    assert lending.trove(0)[1] == 46_513 + 4652
    engine.validate()


def test_what_may_be_borrowed_leaves_room_for_the_fee(kit):
    engine, lending = troves(
        kit, [(11, 500), (1000, 1000)], interest=None, borrowing_fee="0.05", least_debt=700
    )
    # 1,100 bear 1,000: 500 are 477 and a fee of 23
    assert lending.borrowable(0, "USD") == 477
    before = engine.state_hash()
    with pytest.raises(ValueError, match="bears"):
        lending.borrow(0, "USD", 478)
    with pytest.raises(ValueError, match="debt"):
        lending.borrow(0, "USD", 100)
    assert engine.state_hash() == before
    lending.borrow(0, "USD", 477)
    assert lending.trove(0)[1] == 1000


def test_a_debt_is_none_or_at_least_the_least(kit):
    engine, lending = troves(kit, [(100, 3000), (100, 0)], interest=None, least_debt=2000)
    before = engine.state_hash()
    for call, account, amount in (("repay", 0, 1001), ("repay", 0, 2999), ("borrow", 1, 1999)):
        with pytest.raises(ValueError, match=r"debt|outside"):
            getattr(lending, call)(account, "USD", amount)
    assert engine.state_hash() == before
    lending.repay(0, "USD", 1000)
    lending.borrow(1, "USD", 2000)
    lending.repay(0, "USD", 2000)
    assert debts(lending, 2) == [0, 2000]
    # 2,000 - 10,000 / 1.1: what may be borrowed reaches it, or it is nothing
    lending.repay(1, "USD", 2000)
    lending.withdraw(1, "ETH", 79)
    assert lending.borrowable(1, "USD") == 0


def test_what_a_closed_loan_leaves_waits_for_its_owner(kit):
    accounts = [(120, 10_000), (580, 40_000)]
    engine, lending = troves(kit, accounts, pool=20_000, critical_ratio="1.5", interest=None)
    engine.step()
    # the pool gets 110 of 120 lots, docs/troves.md, *Recovery mode*
    assert (lending.surplus(0), lending.surplus(1)) == (10, 0)
    row = lending["ETH"].row()
    assert (row["cash"], row["treasury"], row["supplied_lots"]) == (590, 10, 580)
    engine.validate()
    before = engine.state_hash()
    with pytest.raises(ValueError, match="claim"):
        lending.claim(1)
    assert engine.state_hash() == before
    lending["ETH"].pause()
    with pytest.raises(ValueError, match="paused"):
        lending.claim(0)
    lending["ETH"].pause(False)
    # it is no collateral of the owner's next loan
    lending.deposit(0, "ETH", 5)
    assert lending.trove(0) == (5, 0)
    start = len(engine.events)
    assert lending.claim(0) == 10
    assert [(row["account"], row["quantity"]) for row in rows(engine, "redeem", start=start)] == [
        (0, 10)
    ]
    assert (lending.surplus(0), lending["ETH"].row()["treasury"]) == (0, 0)
    engine.validate()


def test_shutdown_ends_interest(kit):
    engine, lending = troves(kit, [(1000, 73_000)], rate="0.05", shutdown_ratio="1.1")
    engine.step(index={"ETH": 80}, dt=DAY)
    engine.step(dt=DAY)
    # a day was accrued before the price that shut the market
    assert lending.trove(0)[1] == 73_010
    engine.validate()


def test_interest_can_shut_a_market(kit):
    engine, lending = troves(kit, [(1100, 99_990)], rate="0.0365", shutdown_ratio="1.1", price=100)
    engine.step(dt=DAY)
    assert [lending[name].row()["frozen"] for name in ("ETH", "USD")] == [0, 0]
    # 3,650 a year: after the second day 110,000 are below 110 % of 100,010
    engine.step(dt=DAY)
    assert [lending[name].row()["frozen"] for name in ("ETH", "USD")] == [1, 1]
    engine.step(dt=DAY)
    assert lending.trove(0)[1] == 100_010


def test_rates_are_refused_where_debts_bear_none(kit):
    engine, lending = troves(kit, [(100, 5000)], interest=None)
    before = engine.state_hash()
    with pytest.raises(ValueError):
        lending.set_rate(0, "0.05")
    with pytest.raises(ValueError):
        lending.open(collateral={"ETH": [1]}, debt={"USD": [1]}, rate="0.05")
    assert engine.state_hash() == before


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("interest", ("0.1", "0.05")), ("interest", (0, 5)), ("interest", (0, 0)), ("interest", (0, 1, 2)),
        ("pool_share", "1.1"), ("borrowing_fee", -1), ("least_debt", -1), ("upfront_time", 604_800),
    ],
)  # fmt: skip
def test_terms_out_of_range_are_refused(field, value):
    with pytest.raises((TypeError, ValueError), match=field):
        cs.Troves(**{field: value})


@needs_core
def test_a_stored_engine_has_rates_and_what_waits(tmp_path):
    kit = core_kit()
    accounts = [(120, 10_000), (580, 40_000), (10**5, 36_500)]
    engine, lending = troves(
        kit, accounts, rate=[0, "0.01", "0.1"], pool=20_000, pool_share="0.75", offset_penalty="0.05",
        redistribution_penalty="0.1", minimum_ratio="1.25",
    )  # fmt: skip
    engine.step(dt=DAY)
    engine.validate()
    engine.save(tmp_path / "engine.npz")
    ends = []
    for other in (engine.copy(), cs.Engine.load(tmp_path / "engine.npz"), engine):
        mine = next(iter(other.lending))
        assert [mine.rate_of(k) for k in range(3)] == [0, 0.01, 0.1]
        assert mine.surplus(0) == lending.surplus(0) > 0
        mine.claim(0)
        other.step(dt=DAY)
        mine.stability_pool.withdraw(100, "ada")
        other.validate()
        ends.append((other.state_hash(), other.events.tobytes()))
    assert ends[0] == ends[1] == ends[2]
