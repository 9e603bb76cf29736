"""Collateral auctions in an engine, by hand: docs/collateral-auctions.md."""

import pytest
from engine_kit import pick, rows

HOUSE = -2
TERMS = {
    "penalty": "0.1", "buf": "1.2", "price": ("linear", 100), "tail": 90, "cusp": "0.2",
    "chip": 0,
}  # fmt: skip


def maker(
    kit,
    *,
    accounts=((10, 800),),
    liquidators=(),
    bad_debt="auction_shortfall",
    supply=5000,
    **terms,
):
    """Coins at 100 bear 80 %; what is taken is sold at the mark, any amount of it."""
    engine = kit.engine(asset_decimals=0)
    kit.market(engine, "X", rules={"feed": "index"})
    engine.market("X").set_index(100)
    for liquidator in liquidators:
        engine.liquidators.add(kit.lending.Liquidator(**liquidator))
    auction = kit.lending.CollateralAuction(**{**TERMS, **terms})
    rules = kit.lending.LendingRules(close_factor=("auction", auction), bad_debt=bad_debt)
    lending = engine.lending.add("maker", rules=rules)
    lending.add_reserve("X", price="X", venue=None, liquidation_threshold="0.8", borrowable=False)
    lending.add_reserve("USD", collateral=False)
    lending["USD"].supply(supply)
    for coins, money in accounts:
        lending.open(collateral={"X": coins}, debt={"USD": money})
    return engine, lending


def numbers(reserve, *names):
    row = reserve.row()
    return tuple(row[name] for name in names)


def seen(engine, *kinds):
    names = ("order", "counterparty", "quantity", "money", "price")
    return [(kind, *found) for kind in kinds for found in pick(rows(engine, kind), *names)]


def test_an_account_is_barked_and_its_lot_sold_when_the_price_has_come_down(kit):
    engine, lending = maker(kit)
    # 10 coins at 90 bear 720 of 800: the tab is 880, the price begins at 108 and falls by 1.08 a second
    result = engine.step(index={"X": 90}, dt=1)
    assert (result.liquidated, result.notional_atoms, result.bad_debt_atoms) == (1, 800, 0)
    assert seen(engine, "kick") == [("kick", 1, -1, 10, 880, 90)]
    assert pick(rows(engine, "seize"), "counterparty", "quantity") == [(HOUSE, 10)]
    assert pick(rows(engine, "repay"), "counterparty", "quantity") == [(HOUSE, 800)]
    assert numbers(lending["X"], "auctioned", "treasury", "supplied", "cash") == (10, 10, 0, 10)
    assert numbers(lending["USD"], "awaited", "owed_lots", "treasury", "cash") == (800, 0, 0, 4200)
    engine.validate()
    # after 16 s a coin costs 90.72, more than the 90 it brings; after 17 s 89.64
    engine.step(dt=16)
    assert seen(engine, "take") == []
    engine.step(dt=1)
    # ten are 896.4, more than the tab: for 880 there are 9 coins, and those bring 810 only; five are 448.2
    # and bring 450. Of the rest, 5, the whole costs 448.2 again, more than the tab of 431, which buys 4 and
    # those bring 360; then 2 cost 179.28 and bring 180. Of 3 with a tab of 251: 2 would bring 180, 1 pays.
    # Of 2 with a tab of 161: for it there is 1; 1 costs 89.64, and the same for the last with a tab of 71: none.
    assert pick(rows(engine, "take"), "quantity", "money", "price") == [
        (5, 449, 89), (2, 180, 89), (1, 90, 89), (1, 90, 89)
    ]  # fmt: skip
    assert numbers(lending["USD"], "awaited", "treasury", "cash") == (0, 9, 5009)
    engine.validate()
    # once a coin costs 71 the last is worth the tab of 71: 108 * (1 - t / 100) <= 71 from 34.26 s on
    engine.step(dt=17)
    assert len(rows(engine, "take")) == 4
    engine.step(dt=1)
    assert pick(rows(engine, "take"), "quantity", "money")[4:] == [(1, 71)]
    assert numbers(lending["X"], "auctioned", "treasury", "cash") == (0, 0, 0)
    assert numbers(lending["USD"], "treasury", "deficit") == (80, 0)
    engine.validate()


def test_a_lot_that_does_not_bring_the_debt_leaves_a_shortfall(kit):
    engine, lending = maker(kit)
    engine.step(index={"X": 90}, dt=1)
    # at 50 the lot brings 500; a coin costs no more than that from 53.7 s on: 108 * 0.46 = 49.68
    engine.step(index={"X": 50}, dt=53)
    assert seen(engine, "take") == []
    result = engine.step(dt=1)
    assert pick(rows(engine, "take"), "quantity", "money") == [(10, 497)]
    # 800 of debt less 497; the penalty that nobody paid is no loss
    assert (result.bad_debt_atoms, result.liquidated) == (303, 0)
    assert pick(rows(engine, "bad_debt"), "account", "order", "quantity") == [(0, 1, 303)]
    assert numbers(lending["USD"], "awaited", "treasury", "deficit", "cash") == (0, 0, 303, 4697)
    engine.validate()


def test_the_surplus_bears_a_shortfall_first(kit):
    engine, lending = maker(kit, accounts=((10, 800), (10, 700)))
    engine.step(index={"X": 90}, dt=1)
    for seconds in (18, 17):  # the first auction brings 870, the last coin at 70.2
        engine.step(dt=seconds)
    assert numbers(lending["USD"], "treasury", "awaited") == (70, 0)
    # 10 coins at 60 bear 480 of 700; they are to bring 770, from 72 a coin on, and bring 300 after 59 s
    engine.step(index={"X": 60}, dt=1)
    assert engine.step(index={"X": 30}, dt=59).bad_debt_atoms == 700 - 296
    assert numbers(lending["USD"], "treasury", "deficit") == (0, 334)
    engine.validate()


@pytest.mark.parametrize(("rule", "expected"), [("deficit", (0, 303)), ("reserves", (-303, 0))])
def test_other_rules_bear_a_shortfall_as_they_bear_bad_debt(kit, rule, expected):
    engine, lending = maker(kit, bad_debt=rule)
    engine.step(index={"X": 90}, dt=1)
    engine.step(index={"X": 50}, dt=54)
    assert numbers(lending["USD"], "treasury", "deficit") == expected


def test_what_the_tab_leaves_of_a_lot_goes_back(kit):
    # 100 coins bear 7200 of 7250 at 90: a tab of 7975
    engine, lending = maker(kit, accounts=((100, 7250),), buf=1, supply=8000)
    engine.step(index={"X": 90}, dt=1)
    # at 90 a coin: 50 for 4500; of 50 with a tab of 3475 all cost 4500, and 38 for 3475 are a loss; 25 for
    # 2250; of 25 with 1225 again no 13, but 12 for 1080; of 13 with 145 no 1 for 145, but 6 ... 3 buy the same
    # 1 for 145, and only 13 >> 3 is 1: one for 90. With 55 no coin is to be had.
    found = pick(rows(engine, "take"), "quantity", "money")
    assert found == [(50, 4500), (25, 2250), (12, 1080), (1, 90)]
    assert seen(engine, "returned") == []
    # 55 buy one at 54.9, after 39 s
    engine.step(dt=38)
    assert seen(engine, "returned") == []
    engine.step(dt=1)
    assert pick(rows(engine, "returned"), "account", "order", "quantity") == [(0, 1, 11)]
    assert numbers(lending["X"], "auctioned", "treasury", "supplied_lots") == (0, 0, 11)
    assert numbers(lending["USD"], "treasury", "awaited") == (725, 0)
    lending.withdraw(0, "X", 11)
    engine.validate()


def test_without_room_an_account_waits_with_its_cause(kit):
    engine, lending = maker(kit, accounts=((10, 800), (10, 800)), hole=900, dust=100)
    result = engine.step(index={"X": 90}, dt=1)
    # room for 900 / 1.1 = 818 of debt: all of the first, 18 of the second, which are dust
    assert (result.liquidated, result.pending) == (1, 1)
    assert numbers(lending["USD"], "awaited", "owed_lots") == (800, 800)
    engine.step(dt=10)
    assert len(rows(engine, "kick")) == 1
    # the first ends and makes room; the cause is still the MARK of the first move
    engine.step(dt=40)
    engine.step(dt=1)
    barks = pick(rows(engine, "liquidation"), "account", "cause", "wave")
    assert [row[0] for row in barks] == [0, 1]
    assert barks[0][1:] == barks[1][1:]
    assert rows(engine)[barks[0][1]]["kind"] == 4
    engine.validate()


def test_a_part_is_barked_where_room_is_short_and_dust_decides(kit):
    # room for 660 / 1.1 = 600 of 800, which leaves 200
    for dust, taken, coins in ((200, 600, 7), (201, 800, 10), (601, 800, 10)):
        engine, lending = maker(kit, hole=660, dust=dust)
        engine.step(index={"X": 90}, dt=1)
        assert numbers(lending["USD"], "awaited") == (taken,), dust
        assert numbers(lending["X"], "auctioned") == (coins,)
        engine.validate()
    # room for 300 of 800 leaves 500, and 300 would be dust
    engine, lending = maker(kit, hole=330, dust=301)
    assert engine.step(index={"X": 90}, dt=1).liquidated == 0
    engine, lending = maker(kit, hole=330, dust=300)
    assert engine.step(index={"X": 90}, dt=1).liquidated == 1


def test_a_limit_of_one_collateral_counts_only_its_own(kit):
    engine, lending = maker(kit, accounts=(), collateral_holes=(("X", 440),))
    kit.market(engine, "Y", rules={"feed": "index"})
    engine.market("Y").set_index(100)
    lending.add_reserve("Y", price="Y", venue=None, liquidation_threshold="0.8", borrowable=False)
    lending.open(collateral={"X": [10, 0], "Y": [0, 10]}, debt={"USD": [800, 800]})
    engine.step(index={"X": 90, "Y": 90}, dt=1)
    # 440 / 1.1 of the debt on X, all of that on Y
    assert sorted(pick(rows(engine, "kick"), "account", "money")) == [(0, 440), (1, 880)]


def test_several_collaterals_share_the_debt_by_value(kit):
    engine, lending = maker(kit, accounts=())
    kit.market(engine, "Y", rules={"feed": "index"})
    engine.market("Y").set_index(50)
    lending.add_reserve("Y", price="Y", venue=None, liquidation_threshold="0.8", borrowable=False)
    lending.open(collateral={"X": 10, "Y": 10}, debt={"USD": 1150})
    # 10 * 90 and 10 * 50 bear 1120; the larger one first, with 1150 * 900 / 1400 = 739, then the rest
    engine.step(index={"X": 90}, dt=1)
    assert pick(rows(engine, "repay"), "quantity") == [(739,), (411,)]
    assert pick(rows(engine, "kick"), "quantity", "money") == [(10, 812), (10, 452)]
    engine.validate()


def test_the_keeper_with_the_least_gas_is_paid(kit):
    keepers = [{"gas": 20, "capital": 0}, {"gas": 5, "capital": 0}, {"gas": 5, "capital": 0}]
    engine, lending = maker(kit, liquidators=keepers, tip=10, chip="0.01")
    engine.step(index={"X": 90}, dt=1)
    # 10 and 8.8 of the tab, cut off
    assert seen(engine, "incentive") == [("incentive", 1, 1, 18, 0, 0)]
    assert engine.liquidators.result(1) == {"profit": 13, "gas": 5, "bids": 0, "calls": 1}
    assert numbers(lending["USD"], "cash", "deficit", "treasury") == (4182, 18, 0)
    engine.validate()


def test_nobody_barks_at_a_loss_unless_nothing_is_earned(kit):
    engine, _ = maker(kit, liquidators=[{"gas": 20}], tip=10)
    assert engine.step(index={"X": 90}, dt=1).liquidated == 0
    engine, _ = maker(kit, liquidators=[{"gas": 20}])
    assert engine.step(index={"X": 90}, dt=1).liquidated == 1
    assert engine.liquidators.result(0)["gas"] == 0


def test_a_late_keeper_barks_late(kit):
    engine, _ = maker(kit, liquidators=[{"latency": 5}], tip=1)
    assert engine.step(index={"X": 90}, dt=1).liquidated == 0
    assert engine.step(dt=4).liquidated == 0
    assert engine.step(dt=1).liquidated == 1


def test_an_auction_is_reset_after_its_tail(kit):
    engine, _ = maker(kit, tail=10, liquidators=[{"capital": 0}], chip="0.01")
    engine.step(index={"X": 90}, dt=1)
    engine.step(index={"X": 80}, dt=10)
    assert seen(engine, "redo") == []
    engine.step(dt=1)
    assert seen(engine, "redo") == [("redo", 1, 0, 10, 880, 80)]
    assert pick(rows(engine, "incentive"), "quantity") == [(8,), (8,)]
    engine.step(dt=10)
    assert len(rows(engine, "redo")) == 1
    engine.validate()


def test_an_auction_is_reset_below_its_cusp(kit):
    engine, _ = maker(kit, cusp="0.5", liquidators=[{"capital": 0}])
    engine.step(index={"X": 90}, dt=1)
    engine.step(dt=50)
    assert seen(engine, "redo") == []
    engine.step(dt=1)
    assert seen(engine, "redo") == [("redo", 1, -1, 10, 880, 90)]


def test_a_small_capital_takes_by_halves_and_leaves_no_dust(kit):
    # buf 1: a coin costs 90 at once. Dust of 400 is 440 with its penalty
    engine, _ = maker(kit, buf=1, dust=400, liquidators=[{"capital": 460, "calls": "single"}])
    engine.step(index={"X": 90}, dt=1)
    # ten cost more than the tab, and 880 are too much; five cost 450 and would leave 430: cut to 440, which
    # buy 4 and bring 360; two cost 180
    assert pick(rows(engine, "take"), "quantity", "money") == [(2, 180)]
    engine.step(dt=11)
    # at 80.1 of 8 with a tab of 700: all 641 are too much, 4 cost 321 and would leave 379: cut to 260, 3
    assert pick(rows(engine, "take"), "quantity", "money")[1:] == [(3, 260)]
    # of 5 with 440 none but all
    engine.step(dt=1)
    assert pick(rows(engine, "take"), "quantity", "money")[2:] == [(5, 396)]
    engine.validate()


def test_stages_stop_kicks_then_resets_then_takes(kit):
    engine, lending = maker(kit, tail=40, liquidators=[{}])
    lending.auctions.stage = 1
    assert engine.step(index={"X": 90}, dt=1).liquidated == 0
    lending.auctions.stage = 0
    assert engine.step(dt=1).liquidated == 1
    lending.auctions.stage = 3
    engine.step(dt=35)
    assert seen(engine, "take") == []
    lending.auctions.stage = 2
    engine.step(dt=6)
    assert seen(engine, "take", "redo") == []  # too old, and no reset
    lending.auctions.stage = 1
    engine.step(dt=1)
    assert len(rows(engine, "redo")) == 1
    engine.step(dt=35)
    assert len(rows(engine, "take")) > 0


def test_a_paused_reserve_has_no_barks_and_no_takes(kit):
    engine, lending = maker(kit)
    lending["X"].pause()
    assert engine.step(index={"X": 90}, dt=1).liquidated == 0
    lending["X"].pause(False)
    assert engine.step(dt=1).liquidated == 1
    lending["USD"].pause()
    engine.step(dt=40)
    assert seen(engine, "take") == []
    lending["USD"].pause(False)
    engine.step(dt=1)
    assert len(rows(engine, "take")) > 0


def test_the_one_who_gains_most_takes_and_pays_the_next(kit):
    engine, _ = maker(kit, liquidators=[{"gas": 10}, {"gas": 2}])
    engine.liquidators.compete = "bids"
    engine.step(index={"X": 90}, dt=1)
    engine.step(dt=25)
    # ten at 81 cost 810 and bring 900: 88 after the gas of the second, 80 after that of the first
    assert pick(rows(engine, "take"), "counterparty", "quantity", "money") == [(1, 10, 810)]
    assert engine.liquidators.result(1) == {"profit": 8, "gas": 2, "bids": 80, "calls": 1}


def test_a_sale_moves_the_price_and_the_next_account_has_it_as_cause(kit):
    # 8 coins sold at 90 on a line of one tick a coin end at 82: an account that bears 880 at 88 is due then
    engine = kit.engine(asset_decimals=0)
    kit.market(engine, "X", venue=kit.linear(1, 1), rules={"feed": "last"})
    engine.market("X").set_index(100)
    auction = kit.lending.CollateralAuction(**{**TERMS, "buf": "0.9"})
    rules = kit.lending.LendingRules(
        close_factor=("auction", auction), bad_debt="auction_shortfall"
    )
    lending = engine.lending.add("maker", rules=rules)
    lending.add_reserve("X", price="X", liquidation_threshold="0.8", borrowable=False)
    lending.add_reserve("USD", collateral=False)
    lending["USD"].supply(5000)
    lending.open(collateral={"X": [10, 10]}, debt={"USD": [740, 700]})
    engine.step(index={"X": 92}, dt=1)
    engine.step(dt=8)
    engine.step(dt=8)
    engine.step(dt=8)
    barks = rows(engine, "liquidation")
    assert [row["account"] for row in barks] == [0, 1]
    assert barks[1]["wave"] == barks[0]["wave"] + 1
    kinds, at = [], barks[1]["cause"]
    events = rows(engine)
    while at >= 0:
        kinds.append(events[at]["kind"])
        at = events[at]["cause"]
    # MARK of the side, ORACLE, MARK, TAKE, KICK, LIQUIDATION, and what led there
    assert kinds[:6] == [4, 33, 4, 41, 40, 6]
    engine.validate()


def test_only_one_reserve_can_be_borrowed_and_it_is_no_collateral(kit):
    _, lending = maker(kit)
    with pytest.raises(ValueError, match="'USD' can be borrowed"):
        lending.add_reserve("USDT", price=None, collateral=False)
    engine = kit.engine()
    auction = kit.lending.CollateralAuction()
    rules = kit.lending.LendingRules(close_factor=("auction", auction), bad_debt="deficit")
    with pytest.raises(ValueError, match="not auctioned"):
        engine.lending.add("maker", rules=rules).add_reserve("USD")
    with pytest.raises(ValueError, match="stays"):
        kit.lending.LendingRules(close_factor=("auction", auction))


def test_values_beyond_64_bits_are_shared_exactly(kit):
    # 2**55 and 2**54 + 1 lots at one tick, worth 2**85 and more after the rise; nothing bears anything
    engine = kit.engine(asset_decimals=0)
    terms = {"penalty": 0, "buf": 1, "price": ("linear", 100), "cusp": 0}
    auction = kit.lending.CollateralAuction(**terms)
    rules = kit.lending.LendingRules(close_factor=("auction", auction), bad_debt="deficit")
    lending = engine.lending.add("maker", rules=rules)
    for name in ("X", "Y"):
        kit.market(engine, name, rules={"feed": "index"})
        engine.market(name).set_index(1)
        lending.add_reserve(name, price=name, venue=None, borrowable=False)
    lending.add_reserve("USD", collateral=False)
    x, y, debt, price = 2**55, 2**54 + 1, 2**55 - 1, 2**30 + 7
    lending["USD"].supply(debt)
    lending.open(collateral={"X": x, "Y": y}, debt={"USD": debt})
    engine.liquidators.add(kit.lending.Liquidator(capital=0))
    engine.step(index={"X": price, "Y": price - 1}, dt=1)
    first = debt * x * price // (x * price + y * (price - 1))
    assert pick(rows(engine, "kick"), "quantity", "money") == [(x, first), (y, debt - first)]
    engine.validate()
