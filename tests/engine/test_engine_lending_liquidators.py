"""Who liquidates and whether it pays: liquidators, venues, several collaterals, by hand."""

import pytest
from engine_kit import core_kit, pick, rows
from lending_setups import borrower, calls, lending_engine

from cascade import snapshot


def with_liquidators(kit, *liquidators, **terms):
    engine, pool = lending_engine(kit, **terms)
    for stated in liquidators:
        engine.liquidators.add(kit.lending.Liquidator(**stated))
    return engine, pool


HALF = {"close_factor": ("fraction", "0.5")}

# --- profit ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stated", "done"),
    [
        ({"gas": 400}, 1),  # 85 lots sell for 8500, less 8100: exactly the gas
        ({"gas": 401}, 0),
        ({"gas": 300, "min_profit": 100}, 1),
        ({"gas": 300, "min_profit": 101}, 0),
        ({"capital": 8100}, 1),
        ({"capital": 8099, "halvings": 0}, 0),
    ],
)
def test_a_call_is_made_only_if_it_pays(kit, stated, done):
    engine, pool = with_liquidators(kit, {"halvings": 0, **stated})
    borrower(pool, 100, 8100)
    result = engine.step()
    assert result.liquidated == done
    if done:
        assert calls(engine) == [(8100, 85)]
        profit = 400 - stated.get("gas", 0)
        assert engine.liquidators.result(0) == {
            "profit": profit, "gas": stated.get("gas", 0), "bids": 0, "calls": 1,
        }  # fmt: skip


def test_nobody_profitable_nothing_happens_and_what_is_lacking_grows(kit):
    engine, pool = with_liquidators(kit, {"gas": 500})
    account = borrower(pool, 100, 8100)
    healths = []
    for price in (100, 90, 80, 70):
        result = engine.step(index={"ETH": price})
        assert (result.liquidated, result.pending) == (0, 1)
        healths.append(pool.health[account])
    assert healths == sorted(healths, reverse=True)
    assert calls(engine) == []
    # now the collateral is worth 7000 and no liquidator is needed to see what is missing
    assert engine.accounts.equity[account] == 7000 - 8100


def test_capital_grows_by_what_is_earned(kit):
    # 4050 first, for 42 lots: 150 earned; then half of 4050 is 2025
    engine, pool = with_liquidators(kit, {"capital": 4050}, rules=HALF)
    borrower(pool, 100, 8100)
    engine.step(index={"ETH": 100})
    assert calls(engine)[0] == (4050, 42)
    assert engine.liquidators.result(0)["profit"] == 150
    borrower(pool, 104, 8400)  # 8320 is borne, half of it is 4200: 4050 + 150
    engine.step()
    assert calls(engine)[-1] == (4200, 44)


def test_halving_finds_the_size_that_capital_allows(kit):
    engine, pool = with_liquidators(kit, {"capital": 2100, "calls": "single"})
    borrower(pool, 100, 8100)
    engine.step()
    assert calls(engine) == [(2025, 21)]  # 8100, 4050, 2025


def test_latency_holds_when_the_log_is_cleared(kit):
    engine, pool = with_liquidators(kit, {"latency": 3})
    borrower(pool, 100, 7900)
    engine.step(index={"ETH": 98}, dt=1)
    # 3 s after the MARK, as above
    for each in (engine, engine.copy()):
        done = []
        for _ in range(3):
            each.clear_events()
            done.append(each.step(dt=1).liquidated)
        assert done == [0, 0, 1]


def test_what_was_cleared_is_seen_by_a_slower_one_who_comes_later(kit):
    engine, pool = with_liquidators(kit, {"latency": 3, "gas": 10**6})
    borrower(pool, 100, 7900)
    engine.step(index={"ETH": 98}, dt=1)
    engine.step(dt=4)
    engine.clear_events()
    engine.liquidators.add(kit.lending.Liquidator(latency=100))
    assert engine.step(dt=1).liquidated == 1


def test_latency_counts_from_the_price_that_made_due(kit):
    engine, pool = with_liquidators(kit, {"latency": 3})
    borrower(pool, 100, 7900)
    assert engine.step(index={"ETH": 98}, dt=1).liquidated == 0
    # 3 s after the MARK
    assert [engine.step(dt=1).liquidated for _ in range(3)] == [0, 0, 1]


def test_the_first_who_gains_acts(kit):
    engine, pool = with_liquidators(kit, {"latency": 3}, {"gas": 9000}, {"gas": 10}, {})
    borrower(pool, 100, 7900)
    engine.step(index={"ETH": 98}, dt=1)
    assert [row["counterparty"] for row in rows(engine, "seize")] == [2]
    assert engine.liquidators.result(3)["calls"] == 0


# --- choice and chains -------------------------------------------------------------------------


def two_collaterals(kit, choice):
    """ETH with bonus 0.05 and BTC with bonus 0.1, each worth 10,000, thresholds 0.8."""
    engine, pool = with_liquidators(kit, {"choice": choice}, rules=HALF)
    kit.market(engine, "BTC", rules={"feed": "index"}).set_index(100)
    terms = {"liquidation_threshold": "0.8", "liquidation_bonus": "0.1", "venue": None}
    pool.add_reserve("BTC", price="BTC", **terms)
    pool.open(collateral={"ETH": [100], "BTC": [100]}, debt={"USD": [16_100]})
    engine.budget(accounts=1)
    engine.step()
    return engine


def test_best_choice_is_the_largest_bonus(kit):
    engine = two_collaterals(kit, "best")
    # 8050 * 1.1 / 100 = 88.55; sides of ETH are markets 1 and 2, of USD 3 and 4, then BTC and its own
    assert calls(engine) == [(8050, 88)]
    assert rows(engine, "seize")[0]["market"] == 6


def test_worst_choice_is_the_smallest_bonus(kit):
    engine = two_collaterals(kit, "worst")
    # 8050 * 1.05 / 100 = 84.5
    assert calls(engine) == [(8050, 84)]
    assert rows(engine, "seize")[0]["market"] == 1


def toxic(kit, **liquidator):
    engine, pool = with_liquidators(
        kit, liquidator, rules=HALF, eth={"liquidation_threshold": "0.95"}
    )
    borrower(pool, 1000, 98_000)
    return engine


def test_chained_calls_go_on_while_the_account_is_due(kit):
    engine = toxic(kit, halvings=0)
    engine.step()
    assert len(calls(engine)) > 2


def test_single_calls_are_one_a_step(kit):
    engine = toxic(kit, calls="single", halvings=0)
    assert [engine.step().liquidated for _ in range(3)] == [1, 1, 1]


# --- venues ------------------------------------------------------------------------------------


def test_collateral_is_sold_into_the_book_and_its_price_falls(kit):
    engine, pool = with_liquidators(kit, {}, eth={"venue": "price"}, feed="last")
    market = engine.market("ETH")
    market.book.load_depth([(99, 50), (98, 50), (90, 100)], [(101, 5)])
    account = borrower(pool, 100, 8100)
    engine.step()
    # 85 lots: 50 at 99 and 35 at 98 are 8380, 280 more than 8100
    assert calls(engine) == [(8100, 85)]
    fills = [row for row in rows(engine, "fill") if row["account"] == -3]
    assert pick(fills, "price", "quantity", "side", "order") == [(99, 50, 1, 0), (98, 35, 1, 0)]
    assert engine.liquidators.result(0)["profit"] == 280
    assert market.mark_ticks == 98
    assert pool["ETH"].row()["price"] == 98
    assert str(float(pool.health[account])) == "inf"


def test_a_book_too_thin_for_the_whole_is_sold_into_by_halves(kit):
    engine, pool = with_liquidators(kit, {"calls": "single"}, eth={"venue": "price"}, feed="last")
    engine.market("ETH").book.load_depth([(99, 45)], [(101, 5)])
    borrower(pool, 100, 8100)
    engine.step()
    # 4050 * 1.05 / 100 = 42 lots for 4158
    assert calls(engine) == [(4050, 42)]
    assert engine.liquidators.result(0)["profit"] == 4158 - 4050


def test_a_book_where_nothing_pays_is_left_alone(kit):
    engine, pool = with_liquidators(kit, {}, eth={"venue": "price"}, feed="last")
    # a lot costs the liquidator 100 / 1.05 = 95.2
    engine.market("ETH").book.load_depth([(95, 500)], [(105, 5)])
    borrower(pool, 100, 8100)
    result = engine.step()
    assert (result.liquidated, result.pending) == (0, 1)
    assert rows(engine, "fill") == []


def test_the_asset_of_the_debt_is_bought(kit):
    engine, pool = with_liquidators(
        kit, {}, eth={"venue": "price"}, usd={"liquidation_threshold": "0.9", "liquidation_bonus": "0.05"},
        feed="last",
    )  # fmt: skip
    engine.market("ETH").book.load_depth([(99, 50)], [(101, 60), (102, 60)])
    pool.open(collateral={"USD": [10_000]}, debt={"ETH": [91]})
    engine.step()
    # 91 lots: 60 at 101 and 31 at 102 cost 9222; 9100 * 1.05 = 9555 seized
    assert calls(engine) == [(91, 9555)]
    assert engine.liquidators.result(0)["profit"] == 9555 - 9222


def test_a_call_moves_the_price_that_decides_the_next(kit):
    # a linear curve that falls by a tick for 10 lots: the sale of the first makes the second due
    engine, pool = with_liquidators(
        kit, {}, eth={"venue": "price"}, feed="last", venue=kit.linear(1, 10),
    )  # fmt: skip
    borrower(pool, 50, 4010)
    borrower(pool, 100, 7700)  # due below 96.25
    result = engine.step()
    assert result.liquidated == 2
    waves = [row["wave"] for row in rows(engine, "liquidation")]
    assert waves == [1, 2]


# --- spirals -----------------------------------------------------------------------------------


def healths(engine) -> list[tuple]:
    return pick(rows(engine, "health"), "order", "quantity", "side")


def test_beyond_the_frontier_a_call_lowers_health_and_its_event_says_so(kit):
    # debts 98,000 of 100,000 are above 1 / 1.05
    engine = toxic(kit, calls="single")
    engine.step()
    (found,) = healths(engine)
    # 95,000 / 98,000; then 49,000 for 514 lots: 486 * 95 = 46,170 against 49,000
    assert found == (969_387_755, 942_244_897, 1)


@pytest.mark.parametrize(
    ("halt", "debt", "done"),
    [
        ("frontier", 95_238, 1),  # 95,238 * 1.05 = 99,999.9
        ("frontier", 95_239, 0),  # 100,000.95
        ("0.97", 97_000, 1),
        ("0.97", 97_001, 0),
        (None, 97_001, 1),
    ],
)
def test_halt_of_liquidations(kit, halt, debt, done):
    rules = {**HALF, "halt_above": halt}
    engine, pool = with_liquidators(
        kit, {"calls": "single"}, rules=rules, eth={"liquidation_threshold": "0.95"}
    )
    borrower(pool, 1000, debt)
    assert engine.step().liquidated == done


def test_a_halted_account_is_liquidated_when_it_is_covered_again(kit):
    rules = {**HALF, "halt_above": "frontier"}
    engine, pool = with_liquidators(
        kit, {"calls": "single"}, rules=rules, eth={"liquidation_threshold": "0.95"}
    )
    borrower(pool, 1000, 96_000)
    # 95,000 against 96,000 is due; 96,000 * 1.05 = 100,800 is above 100,000
    result = engine.step()
    assert (result.liquidated, result.pending) == (0, 1)
    pool.deposit(0, "ETH", 9)
    # 1009 lots bear 95,855: still due, and 100,900 is enough
    assert engine.step().liquidated == 1
    assert healths(engine)[0][2] == 0


def test_a_covered_bonus_never_lowers_health(kit):
    rules = {**HALF, "bonus": "covered"}
    engine, pool = with_liquidators(kit, {}, rules=rules, eth={"liquidation_threshold": "0.95"})
    borrower(pool, 1000, 98_000)
    engine.step()
    assert calls(engine)
    assert all(side == 0 for _, _, side in healths(engine))
    assert rows(engine, "bad_debt") == []


@pytest.mark.parametrize("change", [("event", 0, -1), ("event", 0, 10**6), ("time", 0, 2**62)])
def test_forged_times_of_cleared_events_are_refused(change):
    engine, pool = with_liquidators(core_kit(), {"latency": 100})
    borrower(pool, 100, 7900)
    engine.step(index={"ETH": 98})
    engine.step(index={"ETH": 97})
    engine.clear_events()
    arrays = {name: array.copy() for name, array in snapshot.to_arrays(engine).items()}
    assert len(arrays["moments"]) >= 2
    snapshot.from_arrays(arrays)
    field, row, value = change
    arrays["moments"][field][row] = value
    with pytest.raises(ValueError, match="times of cleared events"):
        snapshot.from_arrays(arrays)
