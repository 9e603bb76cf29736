"""Deleveraging as a stage of the waterfall, one rule a test, worked by hand (docs/adl.md)."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from engine_kit import BUY, REDUCE_ONLY, SELL, pick, rows

ADL = ("account", "counterparty", "quantity", "price", "money", "side")


def market_with_shorts(kit, shorts, *, rules=None, fund=0, execution="sequential", longs=1):
    """Longs of 10 from 100 at 10x (bankrupt at 90), and shorts of (size, entry, leverage)."""
    engine = kit.engine(execution=execution)
    stated = {"tiers": [(0, 0.01)], "feed": "index", "adl": "bitmex", **(rules or {})}
    market = kit.market(engine, rules=stated)
    market.set_index(100)
    if fund:
        engine.fund_deposit(fund)
    for _ in range(longs):
        engine.accounts.open(market, side="long", size=10, entry=100, leverage=10)
    for size, entry, leverage in shorts:
        engine.accounts.open(market, side="short", size=size, entry=entry, leverage=leverage)
    return engine, market


def test_one_price_whole_first_and_last_in_part(kit):
    # at 90 the short from 110 at 10x: 20 / 110 x 90 / 31; the one from 100 at 5x: 10 / 100 x 90 / 30
    engine, market = market_with_shorts(kit, [(8, 100, 5), (6, 110, 10)])
    interest = market.open_interest
    market.set_index(90)
    result = engine.step()
    events = rows(engine, "adl")
    assert pick(events, *ADL) == [(0, 2, 6, 90, 540, SELL), (0, 1, 4, 90, 360, SELL)]
    (liquidation,) = rows(engine, "liquidation")
    for event in events:
        assert rows(engine)[event["cause"]] == liquidation
        assert event["wave"] == liquidation["wave"]
    assert rows(engine, "takeover") == []
    assert list(engine.accounts.size(market)) == [0, -4, 0]
    # 66 of margin + 6 x 20; the other keeps 160 of margin and has 4 x 10 of profit in it
    assert list(engine.accounts.balance) == [0, 0, 186]
    assert list(engine.accounts.margin(market)) == [0, 200, 0]
    assert (result.adl_lots, result.adl_accounts) == (10, 2)
    assert interest - market.open_interest == 10  # what both sides closed, and nothing else
    assert market.house == (0, 0)
    engine.validate()


def test_only_what_is_needed_of_a_large_winner(kit):
    engine, market = market_with_shorts(kit, [(100, 100, 10)])
    market.set_index(90)
    engine.step()
    assert list(engine.accounts.size(market)) == [0, -90]


def test_winners_of_the_same_side_are_left_alone(kit):
    engine, market = market_with_shorts(kit, [(5, 100, 10)])
    engine.accounts.open(market, side="long", size=50, entry=80, leverage=2)
    market.set_index(90)
    result = engine.step()
    assert list(engine.accounts.size(market)) == [0, 0, 50]
    assert pick(rows(engine, "takeover"), "account", "quantity", "price") == [(0, 5, 90)]
    assert (result.adl_lots, result.adl_accounts) == (5, 1)
    assert market.house == (5, 450)


def test_price_is_the_bankruptcy_price_of_the_liquidated(kit):
    # at 85 the bankruptcy price is still 90: each short of 5 from 100 keeps 50 of its 75
    engine, market = market_with_shorts(kit, [(5, 100, 2), (5, 100, 2)])
    market.set_index(85)
    engine.step()
    assert list(engine.accounts.balance) == [0, 300, 300]
    assert engine.bad_debt() == 0


def test_price_may_be_the_mark(kit):
    engine, market = market_with_shorts(kit, [(10, 100, 2)], rules={"adl_price": "mark"})
    market.set_index(85)
    engine.step()
    assert pick(rows(engine, "adl"), "price") == [(85,)]
    assert list(engine.accounts.balance) == [0, 650]
    assert engine.bad_debt() == 50
    engine.validate()


def test_a_fund_with_money_takes_over(kit):
    engine, market = market_with_shorts(kit, [(10, 100, 2)], fund=1)
    market.set_index(85)
    result = engine.step()
    assert result.adl_lots == 0
    assert pick(rows(engine, "takeover"), "quantity", "price") == [(10, 90)]


def test_what_fills_is_not_deleveraged(kit):
    engine, market = market_with_shorts(kit, [(10, 100, 2)])
    market.book.load_depth([(90, 7)], [])
    market.set_index(90)
    result = engine.step()
    assert result.adl_lots == 3
    assert list(engine.accounts.size(market)) == [0, -7]


def test_prices_must_overlap(kit):
    # at 95 a short of 10 from 96 with a margin of 10 has 20 of equity: closing it at 97 costs all of
    # that, at 98 it would cost 30
    for leverage, closed in ((33, 10), (50, 0)):
        engine = kit.engine()
        rules = {"tiers": [(0, 0.05)], "feed": "index", "adl": "size"}
        market = kit.market(engine, rules=rules)
        market.set_index(100)
        engine.accounts.open(market, side="long", size=10, entry=100, leverage=leverage)
        engine.accounts.open(market, side="short", size=10, entry=96, margin=10)
        market.set_index(95)
        engine.budget(accounts=1)
        result = engine.step()
        # 1000 / 33 is a margin of 31, bankrupt at 96.9 and so at 97; at 50x 20, bankrupt at 98
        assert pick(rows(engine, "liquidation"), "account") == [(0,)]
        assert result.adl_lots == closed
        engine.validate()


def test_one_ranking_serves_a_wave(kit):
    # two longs of one wave: the second goes on where the first ended
    engine, market = market_with_shorts(
        kit, [(8, 100, 5), (6, 110, 10), (9, 95, 5)], longs=2, execution="batch"
    )
    market.set_index(90)
    result = engine.step()
    assert pick(rows(engine, "adl"), "account", "counterparty", "quantity") == [
        (0, 3, 6), (0, 2, 4), (1, 2, 4), (1, 4, 6),
    ]  # fmt: skip
    assert (result.adl_lots, result.adl_accounts) == (20, 3)
    engine.validate()


@pytest.mark.parametrize(
    ("policy", "order"),
    [
        ("size", [3, 1, 2]),  # 9, 8 and 6 lots
        # 120 / 186, 80 / 240 and 45 / 216: profit over equity, times notional over entry value
        ("bitmex", [2, 1, 3]),
        # entry / mark x notional / equity: 660 / 186, 800 / 240, 855 / 216
        ("hyperliquid", [3, 2, 1]),
        # profit / wallet x maintenance / equity: 120/66 x 6/186, 80/160 x 8/240, 45/171 x 9/216
        ("binance", [2, 1, 3]),
    ],
)
def test_policies_rank_by_their_formulas(kit, policy, order):
    engine, market = market_with_shorts(
        kit, [(8, 100, 5), (6, 110, 10), (9, 95, 5)], rules={"adl": policy}, longs=2,
        execution="batch",
    )  # fmt: skip
    market.set_index(90)
    engine.step()
    hit = [row["counterparty"] - 1 for row in rows(engine, "adl")]
    assert list(dict.fromkeys(hit)) == order[: len(set(hit))]
    assert len(set(hit)) >= 2


@pytest.mark.parametrize(
    ("policy", "lots"),
    [
        # ten lots over 8, 6, 26 and 20: sums of 8, 14, 40 and 60 are owed 1.3, 2.3, 6.7 and 10
        ("pro_rata_quantity", [1, 1, 4, 4]),
        # the last one has lost: 8, 14 and 40 of 40 are owed 2, 3.5 and 10
        ("contract_pro_rata", [2, 1, 7, 0]),
        # profits of 80, 120, 130: 80, 200 and 330 of 330 are owed 2.4, 6.06 and 10
        ("pro_rata_pnl", [2, 4, 4, 0]),
        # times notional over equity, 720 / 240, 540 / 186 and 2340 / 624: 240, 348.4 and 487.5, so that
        # 240, 588 and 1075 of 1075 are owed 2.2, 5.5 and 10
        ("pro_rata_pnl_risk", [2, 3, 5, 0]),
        # 1, 1, 4 and 3 are the whole parts of 10 x 8, 6, 26 and 20 over 60; one more is 2 / 8, 2 / 6, 5 / 26
        # and 4 / 20 of each: the third has the smallest share with it
        ("integer_min_max", [1, 1, 5, 3]),
    ],
)
def test_policies_share_lots_out(kit, policy, lots):
    shorts = [(8, 100, 5), (6, 110, 10), (26, 95, 5), (20, 88, 5)]
    engine, market = market_with_shorts(kit, shorts, rules={"adl": policy})
    market.set_index(90)
    result = engine.step()
    assert list(engine.accounts.size(market)[1:]) == [
        closed - size for closed, (size, _, _) in zip(lots, shorts, strict=True)
    ]
    assert result.adl_lots == 10
    engine.validate()


def test_equal_shares_go_to_the_lower_account(kit):
    # ten lots over six positions of 20: five times 1 / 20 each is 6 lots, the other 4 go to the first four
    engine, market = market_with_shorts(
        kit, [(20, 100, 5)] * 6, rules={"adl": "integer_min_max"}
    )  # fmt: skip
    market.set_index(90)
    engine.step()
    assert pick(rows(engine, "adl"), "counterparty", "quantity") == [
        (1, 2), (2, 2), (3, 2), (4, 2), (5, 1), (6, 1),
    ]  # fmt: skip
    engine.validate()


def test_min_max_closes_all_there_is_and_the_house_the_rest(kit):
    engine, market = market_with_shorts(
        kit, [(2, 100, 5), (5, 110, 10)], rules={"adl": "integer_min_max"}
    )
    market.set_index(90)
    engine.step()
    assert pick(rows(engine, "adl"), "counterparty", "quantity") == [(1, 2), (2, 5)]
    assert market.house == (3, 270)


def test_min_max_is_that_of_the_columns(fast_kit):
    # many positions and several deficits: each is closed as `cascade.adl` would
    cs = pytest.importorskip("cascade")
    if fast_kit.name != "core":
        pytest.skip("compares the compiled engine with the function on columns")
    sizes = [(k * 7919) % 97 + 1 for k in range(200)]
    engine, market = market_with_shorts(
        fast_kit, [(size, 100, 5) for size in sizes], rules={"adl": "integer_min_max"}
    )
    engine.accounts.open(market, side="long", size=1234, entry=100, leverage=10)
    before = engine.copy()
    market.set_index(90)
    engine.step()
    closed = before["X"].engine.accounts.size(before["X"]) - engine.accounts.size(market)
    first = cs.adl.allocate(cs.adl.Columns(range(200), [-s for s in sizes]), 10, "integer_min_max")
    left = [size - int(gone) for size, gone in zip(sizes, first, strict=True)]
    held = cs.adl.Columns(range(200), [-size for size in left])
    second = cs.adl.allocate(held, 1234, "integer_min_max")
    assert [-int(lots) for lots in closed[1:201]] == (first + second).tolist()


def test_losers_share_what_winners_do_not_have(kit):
    shorts = [(2, 100, 5), (1, 110, 10), (26, 85, 5), (13, 88, 5)]
    engine, market = market_with_shorts(kit, shorts, rules={"adl": "contract_pro_rata"})
    market.set_index(90)
    engine.step()
    # three lots of winners; of seven the losers' 26 and 39 of 39 are owed 4.67 and 7
    assert list(engine.accounts.size(market)[1:]) == [0, 0, 4 - 26, 3 - 13]


def test_who_has_no_more_leaves_it_to_the_others(kit):
    # profits of 60 and 20: 7.5 of ten, but there are three; then seven for the other one
    engine, market = market_with_shorts(
        kit, [(3, 110, 5), (20, 91, 5)], rules={"adl": "pro_rata_pnl"}
    )
    market.set_index(90)
    engine.step()
    assert pick(rows(engine, "adl"), "counterparty", "quantity") == [(1, 3), (2, 3), (2, 4)]
    engine.validate()


def test_the_short_side_mirrors(kit):
    engine = kit.engine()
    rules = {"tiers": [(0, 0.01)], "feed": "index", "adl": "bitmex"}
    market = kit.market(engine, rules=rules)
    market.set_index(100)
    engine.accounts.open(market, side="short", size=10, entry=100, leverage=10)
    engine.accounts.open(market, side="long", size=30, entry=90, leverage=2)
    market.set_index(112)
    engine.step()
    assert pick(rows(engine, "adl"), *ADL) == [(0, 1, 10, 110, 1100, BUY)]
    assert list(engine.accounts.size(market)) == [0, 20]


def test_orders_of_the_deleveraged_stay(kit):
    engine = kit.engine()
    rules = {"tiers": [(0, 0.01)], "feed": "index", "adl": "size"}
    market = kit.market(engine, rules=rules)
    market.set_index(100)
    engine.accounts.open(market, side="long", size=10, entry=100, leverage=10)
    (winner,) = engine.accounts.create(1, balance=5000)
    engine.accounts.open(market, side="short", size=12, entry=100, leverage=2, mode="cross",
                         account=winner)  # fmt: skip
    kit.limit(engine, market, BUY, 80, 12, account=winner, flags=REDUCE_ONLY)
    kit.limit(engine, market, SELL, 120, 3, account=winner)
    market.set_index(90)
    engine.step()
    assert list(engine.accounts.size(market)) == [0, -2]
    assert rows(engine, "cancel") == []
    engine.validate()
    # the reduce-only order is cut to the position when its turn comes
    kit.trade(engine, market, SELL, 12)
    assert list(engine.accounts.size(market)) == [0, 0]
    engine.validate()


def test_the_other_leg_of_an_account_is_no_counterparty(kit):
    engine = kit.engine()
    rules = {"tiers": [(0, 0.01)], "feed": "index", "adl": "size"}
    market = kit.market(engine, rules=rules)
    market.set_index(100)
    (account,) = engine.accounts.create(1, balance=100, hedge=True)
    engine.accounts.set_leverage(account, market, 10, "isolated")
    for leg, side in (("long", "long"), ("short", "short")):
        engine.accounts.open(market, side=side, size=10, entry=100, leverage=10, mode="isolated",
                             account=account, leg=leg)  # fmt: skip
    engine.accounts.open(market, side="short", size=4, entry=100, leverage=10)
    market.set_index(90)
    engine.step()
    assert pick(rows(engine, "adl"), "account", "counterparty", "quantity") == [(0, 1, 4)]
    assert pick(rows(engine, "takeover"), "quantity") == [(6,)]
    engine.validate()


def test_closing_a_winner_frees_its_margin(kit):
    # 200 of margin and 100 of profit of an isolated winner are its balance afterwards
    engine, market = market_with_shorts(kit, [(10, 100, 5)])
    market.set_index(90)
    engine.step()
    assert list(engine.accounts.balance) == [0, 300]
    assert list(engine.accounts.margin(market)) == [0, 0]


def test_refusals(kit):
    with pytest.raises(ValueError, match="adl must be"):
        kit.Rules(adl="best")
    with pytest.raises(ValueError, match="adl_price must be"):
        kit.Rules(adl="size", adl_price="last")


@pytest.mark.parametrize(
    "policy",
    [
        "bitmex",
        "binance",
        "size",
        "hyperliquid",
        "bybit",
        "okx",
        "hyperliquid_literal",
        "htx",
        "random",
    ],
)
@pytest.mark.parametrize("contract", ["linear", "inverse"])
def test_the_order_is_that_of_the_columns(policy, contract):
    # a crowd with equal and nearly equal scores; the engine's queue and cascade.adl know nothing of
    # each other
    cs = pytest.importorskip("cascade")
    from cascade.adlcompare import columns_of

    draw = np.random.default_rng(7)
    engine = cs.Engine(asset_decimals=6, seed=3 - 2**70)
    market = engine.add_market(
        "X", tick_size=1, lot_size=1, contract=contract, multiplier=1 if contract == "linear" else 1000,
        rules=cs.Rules(tiers=((0, "0.002"),), feed="index", adl=policy),
    )  # fmt: skip
    market.set_index(1000)
    count = 400
    engine.accounts.open(
        market, side=draw.choice(("long", "short"), count), size=draw.integers(1, 4, count),
        entry=draw.integers(996, 1004, count), leverage=draw.choice((2, 3), count),
    )  # fmt: skip
    doomed = engine.accounts.open(market, side="long", size=5000, entry=1000, leverage=100)
    before = columns_of(engine, market)
    # nothing trades, so marks and columns are those of the ranking
    market.set_index(990)
    held = columns_of(engine, market)
    others = held.rows(held.account != doomed[0])
    assert len(before) == len(held) == count + 1
    result = engine.step()
    assert result.liquidated == 1
    events = engine.events[engine.events["kind"] == cs.EventKind.ADL]
    # a random order is another one in every step
    order = cs.adl.queue(others, policy, lots=1, seed=engine.seed + engine.time_ns)
    assert events["counterparty"].tolist() == others.account[order].tolist()
    assert len(order) > 100
    assert events["quantity"].tolist() == abs(others.size[order]).tolist()
    engine.validate()


def test_policies_side_by_side():
    cs = pytest.importorskip("cascade")
    engine = cs.Engine(asset_decimals=0)
    rules = cs.Rules(tiers=((0, "0.01"),), feed="index")
    market = engine.add_market("X", tick_size=1, lot_size=1, rules=rules)
    market.set_index(100)
    engine.accounts.open(market, side="long", size=10, entry=100, leverage=10)
    engine.accounts.open(
        market, side="short", size=[8, 6, 26], entry=[100, 110, 90], leverage=[5, 10, 2]
    )
    hash_before = engine.state_hash()
    found = cs.compare_adl(
        engine, ["bitmex", "size", "pro_rata_quantity"], market="X", index={"X": 85}
    )
    assert engine.state_hash() == hash_before
    # bankrupt at 90, the mark at 85: 5 a lot for the winners
    for outcome in found.values():
        assert (outcome.lots, outcome.left, outcome.notional) == (10, 0, 900)
        assert outcome.profit_taken == 50
    # profits at 85: 8 x 15, 6 x 25, 26 x 5; returns x leverage rank the second, then the first
    assert found["bitmex"].profit_closed == 6 * 25 + 4 * 15
    assert found["bitmex"].overshoot == 160
    assert (found["bitmex"].accounts, found["size"].accounts) == (2, 1)
    assert found["bitmex"].concentration == Fraction(36 + 16, 100)
    assert found["size"].profit_closed == 10 * 5
    # 2, 1.5 and 6.5 lots are 2, 1 and 7 (equal remainders go to the lower account): 2, 2 and 6
    assert found["pro_rata_quantity"].accounts == 3
    # the smallest largest share: 2 of 8, 1 of 6 and 7 of 26 is 7 / 26, any other way is more
    assert found["bitmex"].largest_share == 1
    assert found["bitmex"].regret == 1 - Fraction(7, 26)
    assert found["pro_rata_quantity"].largest_share == Fraction(2, 6)


def test_an_absorbed_share_is_no_deficit():
    cs = pytest.importorskip("cascade")
    engine = cs.Engine(asset_decimals=0)
    rules = cs.Rules(tiers=((0, "0.01"),), feed="index", absorb="0.4")
    market = engine.add_market("X", tick_size=1, lot_size=1, rules=rules)
    market.set_index(100)
    engine.accounts.open(market, side="long", size=10, entry=100, leverage=10)
    engine.accounts.open(market, side="short", size=20, entry=100, leverage=2)
    found = cs.compare_adl(engine, ["size"], market=market, index={"X": 90})
    assert found["size"].lots == 6


def test_multiplier_and_nobody_left(kit):
    # ten atoms a tick and lot: at 80 the winner of 4 keeps (100 - 90) x 4 x 10 at the price of 90;
    # nobody stands against the other 6, which the house takes, and nothing disappears
    engine = kit.engine()
    rules = {"tiers": [(0, 0.01)], "feed": "index", "adl": "bitmex"}
    market = kit.market(engine, rules=rules, multiplier=10)
    market.set_index(100)
    engine.accounts.open(market, side="long", size=10, entry=100, leverage=10)
    engine.accounts.open(market, side="short", size=4, entry=100, leverage=2)
    market.set_index(80)
    engine.step()
    assert pick(rows(engine, "adl"), "quantity", "price", "money") == [(4, 90, 3600)]
    assert pick(rows(engine, "takeover"), "quantity", "price", "money") == [(6, 90, 5400)]
    assert list(engine.accounts.balance) == [0, 4 * 100 * 10 // 2 + 400]
    assert market.house == (6, 5400)
    engine.validate()


def test_a_later_wave_ranks_anew(kit):
    # the first long's sale takes the mark from 90 to 80; the other long falls due in wave 2, and by
    # then the short from 84 has a profit and stands first by return x leverage in effect
    engine = kit.engine()
    rules = {"tiers": [(0, 0.01)], "feed": "last", "adl": "bitmex", "surplus": "trader"}
    market = kit.market(engine, rules=rules)
    market.set_index(100)
    market.book.load_depth([(90, 1), (80, 2)], [])
    engine.accounts.open(market, side="long", size=5, entry=100, leverage=10)
    engine.accounts.open(market, side="long", size=4, entry=100, leverage=6)
    engine.accounts.open(market, side="short", size=20, entry=100, leverage=1)
    engine.accounts.open(market, side="short", size=3, entry=84, leverage=12)
    kit.trade(engine, market, SELL, 1)
    engine.step()
    found = pick(rows(engine, "adl"), "account", "counterparty", "quantity", "wave")
    # five lots less the two that filled; at 90 the short from 84 has lost: 21 of margin less 18
    assert found[0] == (0, 2, 3, 1)
    assert found[1][:2] == (1, 3)
    assert found[1][3] == 2
    engine.validate()


def test_value_of_lots_is_that_of_the_log():
    cs = pytest.importorskip("cascade")
    for contract, multiplier in (("linear", 3), ("inverse", 1000)):
        engine = cs.Engine(asset_decimals=6)
        market = engine.add_market(
            "X", tick_size="0.5", lot_size="0.1", contract=contract, multiplier=multiplier,
            rules=cs.Rules(feed="index"),
        )  # fmt: skip
        market.set_index(100)
        engine.accounts.open(market, side="long", size=7, entry=100, leverage=10)
        market.set_index(90)
        engine.step()
        (event,) = engine.events[engine.events["kind"] == cs.EventKind.TAKEOVER]
        lots, ticks = int(event["quantity"]), int(event["price"])
        assert abs(market.atoms_of(lots, ticks)) == event["money"]


def test_a_copy_and_a_file_deleverage_alike(tmp_path):
    cs = pytest.importorskip("cascade")
    engine = cs.Engine(asset_decimals=2, execution="batch")
    rules = cs.Rules(tiers=((0, "0.01"),), feed="index", adl="binance", adl_price="mark")
    market = engine.add_market("X", tick_size=1, lot_size=1, rules=rules)
    market.set_index(100)
    engine.accounts.open(market, side="long", size=[10, 20], entry=100, leverage=[10, 12])
    engine.accounts.open(
        market, side="short", size=[8, 6, 26], entry=[100, 110, 90], leverage=[5, 10, 2]
    )
    engine.save(tmp_path / "engine.npz")
    others = [engine.copy(), cs.Engine.load(tmp_path / "engine.npz")]
    results = [one.step(index={"X": 88}) for one in (engine, *others)]
    assert results[0].adl_lots == 30
    for one, result in zip(others, results[1:], strict=True):
        assert (one["X"].rules.adl, one["X"].rules.adl_price) == ("binance", "mark")
        assert result.adl_lots == 30
        assert one.state_hash() == engine.state_hash()
        assert one.events.tobytes() == engine.events.tobytes()


def test_paths_count_what_was_deleveraged():
    cs = pytest.importorskip("cascade")
    engine = cs.Engine(asset_decimals=0)
    rules = cs.Rules(tiers=((0, "0.01"),), feed="index", adl="size")
    market = engine.add_market("X", tick_size=1, lot_size=1, rules=rules)
    market.set_index(100)
    engine.accounts.open(market, side="long", size=[10, 7], entry=100, leverage=[10, 5])
    engine.accounts.open(market, side="short", size=30, entry=100, leverage=1)
    assert engine.run({"X": [95, 90, 80]}).steps["adl_lots"].tolist() == [0, 10, 7]


def test_comparison_refuses_equal_names():
    cs = pytest.importorskip("cascade")
    engine = cs.Engine()
    engine.add_market("X", tick_size=1, lot_size=1)
    with pytest.raises(ValueError, match="same name twice"):
        cs.compare_adl(engine, ["size", "size"], market="X")
    assert cs.compare_adl(engine, ["size"], market="X")["size"].lots == 0


@pytest.mark.parametrize("policy", ["bitmex", "binance", "hyperliquid"])
def test_scores_that_floats_cannot_tell_apart(policy):
    # margins of 2**50 atoms are rounded up to the atom, so scores differ by parts of 1e15 or less
    cs = pytest.importorskip("cascade")
    from cascade.adlcompare import columns_of

    draw = np.random.default_rng(11)
    engine = cs.Engine(asset_decimals=0)
    rules = cs.Rules(tiers=((0, "0.002"),), feed="index", adl=policy)
    market = engine.add_market("X", tick_size=1, lot_size=1, rules=rules)
    market.set_index(1000)
    count = 60
    engine.accounts.open(
        market, side="short", size=2**42 + draw.integers(0, 40, count), entry=1000, leverage=3
    )
    (doomed,) = engine.accounts.open(market, side="long", size=2**48, entry=1000, leverage=100)
    market.set_index(990)
    held = columns_of(engine, market)
    others = held.rows(held.account != doomed)
    order = cs.adl.queue(others, policy, lots=1)
    scores = cs.adl.score(others, policy)
    ranked = sorted(set(scores))
    assert sum(1 - low / high < 1e-14 for low, high in pairwise(ranked)) > 5
    engine.step()
    events = engine.events[engine.events["kind"] == cs.EventKind.ADL]
    assert events["counterparty"].tolist() == others.account[order].tolist()
