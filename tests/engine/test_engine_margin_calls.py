"""Margin calls: who is called, once, and what the answers do; worked by hand."""

import pytest
from engine_kit import BUY, SELL, pick, rows

import cascade as cs
from cascade import snapshot


def called(kit, *, seed=0, mode="isolated", side="long", index=100, rules=None, **terms):
    """Ten lots from 100 with 200 of margin, maintenance 5 %, a warning at twice that."""
    engine = kit.engine(seed=seed)
    market = kit.market(
        engine, rules={"tiers": ((0, "0.05"),), "feed": "index", **(rules or {})}
    )  # fmt: skip
    market.set_index(index)
    (account,) = engine.accounts.open(
        market, side=side, size=[10], entry=100, margin=[200], mode=mode
    )
    engine.residents.add(kit.residents.MarginCalls(market="X", warning=2, **terms))
    return engine, market, int(account)


def calls(engine):
    return pick(
        rows(engine, "margin_call"), "account", "price", "quantity", "money", "code", "side"
    )


def test_an_account_is_called_below_the_level_and_once(kit):
    engine, _, account = called(kit)
    # equity 200 + 10 (p - 100) against 2 * 0.05 * 10 p: equal at p = 88.9
    engine.step(index={"X": 89})
    assert calls(engine) == []
    engine.step(index={"X": 88})
    assert calls(engine) == [(account, 88, 10, 8, 0, SELL)]
    (call,) = rows(engine, "margin_call")
    # caused by the mark that took the price through the level
    assert rows(engine)[call["cause"]]["kind"] == 4
    assert call["wave"] == 0
    for index in (87, 95, 86):
        engine.step(index={"X": index})
    assert len(calls(engine)) == 1
    engine.validate()


def test_what_changes_the_account_may_bring_another_call(kit):
    engine, _, account = called(kit, mode="cross")
    engine.step(index={"X": 87})
    engine.accounts.deposit(account, 9)
    engine.step()
    # 9 of the 17 that were missing; the level is reached at 87 now, was at 88
    assert calls(engine) == [(account, 87, 10, 17, 0, SELL), (account, 87, 10, 8, 0, SELL)]
    engine.accounts.deposit(account, 1)
    engine.step()
    # the same tick: no other call
    assert len(calls(engine)) == 2
    engine.accounts.deposit(account, 100)
    engine.step()
    assert len(calls(engine)) == 2


@pytest.mark.parametrize("mode", ["isolated", "cross"])
def test_a_top_up_brings_equity_above_the_level(kit, mode):
    engine, market, account = called(kit, mode=mode, top_up_share=1, top_up="1.25")
    engine.step(index={"X": 88})
    assert calls(engine) == [(account, 88, 10, 8, 1, SELL)]
    # equity 80 is brought to 1.25 * 88
    paid = rows(engine, "deposit")[-1]
    assert (paid["account"], paid["money"]) == (account, 30)
    assert paid["cause"] == len(rows(engine)) - (2 if mode == "cross" else 3)
    held = engine.accounts.margin(market) if mode == "isolated" else engine.accounts.balance
    assert held[account] == 230
    assert engine.accounts.equity[account] == 110
    assert len(rows(engine, "transfer")) == (mode == "isolated")
    # it lives on where it would have been liquidated: at 84 equity is 40, then 70, against 42
    assert engine.step(index={"X": 84}).liquidated == 0
    engine.validate()


def test_nobody_answers_and_is_liquidated(kit):
    engine, market, _ = called(kit)
    market.book.load_depth([(80, 100)], [])
    engine.step(index={"X": 88})
    assert engine.step(index={"X": 84}).liquidated == 1


def test_a_reduction_sells_at_the_market(kit):
    engine, market, account = called(kit, reduce_share=1, reduce="0.25")
    market.book.load_depth([(87, 100)], [])
    engine.step(index={"X": 88})
    assert calls(engine)[0] == (account, 88, 10, 8, 2, SELL)
    # ceil(10 / 4) lots at 87, 39 lost; 7 are left with 161 of margin: 77 against 61.6
    assert engine.accounts.size(market)[account] == 7
    (sold,) = [row for row in rows(engine, "order") if row["account"] == account]
    assert (sold["quantity"], sold["side"], sold["code"]) == (3, SELL, 0)
    assert len(calls(engine)) == 1
    engine.validate()


def test_reductions_feed_each_other(kit):
    """Each sells what moves the mark through the level of the next."""
    engine = kit.engine()
    market = kit.market(engine, rules={"tiers": ((0, "0.05"),), "feed": "mid"})
    market.set_index(100)
    market.book.load_depth([(99 - k, 5) for k in range(60)], [(101, 10)])
    engine.accounts.open(market, side="long", size=[10, 10, 10], entry=100, margin=[120, 128, 136])
    engine.residents.add(kit.residents.MarginCalls(market="X", warning=2, reduce_share=1, reduce=1))
    kit.trade(engine, market, SELL, 25)
    engine.step()
    assert [row["account"] for row in rows(engine, "margin_call")] == [0, 1, 2]
    assert list(engine.accounts.size(market)) == [0, 0, 0]
    engine.validate()


def test_shares_are_drawn(kit):
    engine = kit.engine(seed=4)
    market = kit.market(engine, rules={"tiers": ((0, "0.05"),), "feed": "index"})
    market.set_index(100)
    market.book.load_depth([(80, 10_000)], [])
    engine.accounts.open(market, side="long", size=[10] * 300, entry=100, margin=[200] * 300)
    engine.residents.add(
        kit.residents.MarginCalls(
            market="X", warning=2, top_up_share="0.3", reduce_share="0.2", top_up=3
        )
    )
    engine.step(index={"X": 88})
    answers = [row["code"] for row in rows(engine, "margin_call")]
    # 300 draws, five standard errors
    for code, share in ((0, 0.5), (1, 0.3), (2, 0.2)):
        assert abs(answers.count(code) / 300 - share) < 5 * (share * (1 - share) / 300) ** 0.5
    assert [row["account"] for row in rows(engine, "margin_call")] == list(range(300))
    engine.validate()


def test_what_is_due_already_is_too_late(kit):
    engine, market, _ = called(kit, top_up_share=1)
    market.book.load_depth([(80, 100)], [])
    result = engine.step(index={"X": 83})
    assert [row["code"] for row in rows(engine, "margin_call")] == [3]
    assert result.liquidated == 1


def test_a_short_is_called_on_the_way_up(kit):
    engine, _, account = called(kit, side="short", top_up_share=1, top_up=1)
    # 200 - 10 (p - 100) = 2 * 0.05 * 10 p at p = 109.09
    engine.step(index={"X": 109})
    assert calls(engine) == []
    engine.step(index={"X": 110})
    assert calls(engine) == [(account, 110, 10, 10, 1, 0)]
    # brought to the level itself, where it is not below
    assert engine.accounts.equity[account] == 110


def test_a_table_that_jumps_warns_across_its_edge(kit):
    engine = kit.engine()
    steps = {"tiers": ((0, "0.02"), (900, "0.05")), "tier_mode": "whole", "feed": "index"}
    market = kit.market(engine, rules=steps)
    market.set_index(80)
    (account,) = engine.accounts.open(market, side="long", size=[10], entry=80, margin=[60])
    (short,) = engine.accounts.open(market, side="short", size=[10], entry=80, margin=[180])
    engine.residents.add(kit.residents.MarginCalls(market="X", warning=2))
    engine.step(index={"X": 89})
    # short: 180 - 90 = 90 against 2 * 0.02 * 890 = 35.6
    assert calls(engine) == []
    engine.step(index={"X": 90})
    # 80 against 2 * 0.05 * 900: the tier's edge alone
    assert calls(engine) == [(short, 90, 10, 10, 0, BUY)]
    engine.step(index={"X": 77})
    # long: 60 - 30 = 30 against ceil(30.8)
    assert calls(engine)[1:] == [(account, 77, 10, 1, 0, SELL)]
    engine.validate()


def test_ladders_get_no_call(kit):
    engine = kit.engine()
    market = kit.market(engine, rules={"tiers": ((0, "0.02"),), "feed": "index"})
    market.set_index(100)
    engine.residents.add(kit.residents.MarginCalls(market="X", warning=2))
    engine.accounts.open_ladder(market, side="long", size=[10], trigger=[50], bankruptcy=[40])
    engine.step(index={"X": 51})
    assert calls(engine) == []


# --- where funding accrues through an index -----------------------------------------------------

ACCRUES = {"funding_mode": "index"}


@pytest.mark.parametrize("mode", ["isolated", "cross"])
def test_funding_that_accrued_brings_a_call_without_a_move(kit, mode):
    # equity 200 against 100; 0.05 of 1000 is owed at each settlement
    engine, market, account = called(kit, mode=mode, rules=ACCRUES)
    for rate in ("0.05", "0.05"):
        engine.fund(market, rate)
        engine.step()
    assert calls(engine) == []
    engine.fund(market, "0.001")
    engine.step()
    assert calls(engine) == [(account, 100, 10, 1, 0, SELL)]
    assert rows(engine, "margin_call")[0]["cause"] == -1
    # what is owed further changes neither money nor position: no other call
    engine.fund(market, "0.01")
    engine.step()
    assert len(calls(engine)) == 1
    assert engine.accounts.funding_owed(market)[account] == 111
    engine.validate()


@pytest.mark.parametrize("mode", ["isolated", "cross"])
def test_a_short_is_called_when_the_index_falls_and_a_received_payment_helps(kit, mode):
    engine, market, account = called(kit, mode=mode, side="short", rules=ACCRUES)
    engine.fund(market, "0.05")
    engine.step()
    engine.fund(market, "-0.15")
    engine.step()
    assert calls(engine) == []  # 200 + 50 - 150 is the level of 100
    engine.fund(market, "-0.001")
    engine.step()
    assert calls(engine) == [(account, 100, 10, 1, 0, 0)]


def test_prices_and_what_is_owed_reach_the_level_together(kit):
    engine, market, account = called(kit, rules=ACCRUES)
    engine.fund(market, "0.03")
    # 170 + 10 (p - 100) against p: equal at 92.2
    engine.step(index={"X": 93})
    assert calls(engine) == []
    engine.step(index={"X": 92})
    assert calls(engine) == [(account, 92, 10, 2, 0, SELL)]
    engine.validate()


@pytest.mark.parametrize("mode", ["isolated", "cross"])
def test_a_top_up_settles_what_is_owed_first(kit, mode):
    engine, market, account = called(
        kit, mode=mode, rules=ACCRUES, top_up_share=1, top_up="1.25"
    )  # fmt: skip
    engine.fund(market, "0.12")
    start = len(engine.events)
    engine.step()
    # equity 80 against 100 is brought to 125
    assert calls(engine) == [(account, 100, 10, 20, 1, SELL)]
    (paid,) = rows(engine, "funding", start)
    assert (paid["account"], paid["money"]) == (account, 120)
    assert rows(engine, "deposit", start)[0]["money"] == 45
    assert engine.accounts.equity[account] == 125
    assert engine.accounts.funding_owed(market)[account] == 0
    assert (
        engine.accounts.equity[account]
        == (engine.accounts.margin(market) if mode == "isolated" else engine.accounts.balance)[
            account
        ]
    )
    engine.validate()


def test_a_reduction_settles_what_is_owed(kit):
    engine, market, account = called(kit, rules=ACCRUES, reduce_share=1, reduce="0.5")
    market.book.load_depth([(100, 100)], [])
    engine.fund(market, "0.12")
    engine.step()
    assert calls(engine) == [(account, 100, 10, 20, 2, SELL)]
    assert engine.accounts.size(market)[account] == 5
    assert engine.accounts.margin(market)[account] == 80
    engine.validate()


def test_funding_of_one_market_counts_against_the_level_of_two(kit):
    # 10 X and 10 Y with 400: the level is 100 of X, warned at twice, and 50 of Y, which has no calls
    engine, rules = kit.engine(), {"tiers": ((0, "0.05"),), "feed": "index"}
    market = kit.market(engine, rules=rules)
    other = kit.market(engine, "Y", rules=rules | ACCRUES)
    for each in (market, other):
        each.set_index(100)
    (account,) = engine.accounts.open(
        market, side="long", size=[10], entry=100, margin=[200], mode="cross"
    )
    engine.accounts.open(
        other, side="long", size=10, entry=100, margin=200, mode="cross", account=account
    )
    engine.residents.add(kit.residents.MarginCalls(market="X", warning=2))
    engine.fund(other, "0.25")
    engine.step()
    assert calls(engine) == []
    engine.fund(other, "0.001")
    engine.step()
    # X needs more at the level, and is what the call is about
    assert calls(engine) == [(account, 100, 10, 1, 0, SELL)]
    engine.validate()


def crossed(kit, warnings, **terms):
    """Cross longs of 10 X and 20 Y from 100 with 300 between them, maintenance 5 %."""
    engine, rules = kit.engine(), {"tiers": ((0, "0.05"),), "feed": "index"}
    markets = [kit.market(engine, name, rules=rules) for name in warnings]
    for market in markets:
        market.set_index(100)
    terms_of = {"side": "long", "entry": 100, "mode": "cross"}
    (account,) = engine.accounts.open(markets[0], size=[10], margin=[200], **terms_of)
    engine.accounts.open(markets[1], size=20, margin=100, account=account, **terms_of)
    for name, warning in warnings.items():
        if warning:
            engine.residents.add(kit.residents.MarginCalls(market=name, warning=warning, **terms))
    return engine, markets, int(account)


def market_calls(engine):
    return pick(rows(engine, "margin_call"), "market", "price", "quantity", "money", "code")


def test_a_cross_unit_is_called_when_a_market_without_calls_falls(kit):
    engine, _, account = crossed(kit, {"X": 2, "Y": None})
    # 300 + 20 (y - 100) against 2 * 0.05 * 10 * 100 + 0.05 * 20 * y: 200 and 195, 180 and 194
    engine.step(index={"Y": 95})
    assert market_calls(engine) == []
    engine.step(index={"Y": 94})
    # X asks for 100, Y for 94
    assert market_calls(engine) == [(0, 100, 10, 14, 0)]
    assert pick(rows(engine, "margin_call"), "cause", "wave", "side") == [(-1, 0, SELL)]
    engine.step(index={"Y": 99})
    engine.step(index={"Y": 94})
    assert len(market_calls(engine)) == 1
    # with Y at entry 10 (x - 100) + B - 100 < x: below 88.9 with 300, 88.3 with 305, 87.8 with 310
    engine.accounts.deposit(account, 5)
    engine.step()
    assert len(market_calls(engine)) == 1
    engine.accounts.deposit(account, 5)
    engine.step()
    assert market_calls(engine)[1:] == [(0, 100, 10, 4, 0)]
    engine.validate()


def test_a_cross_unit_in_two_markets_with_calls_is_called_once(kit):
    engine, _, account = crossed(kit, {"X": 2, "Y": 2}, top_up_share=1, top_up=1)
    # 300 against 100 + 200: not below
    engine.step()
    assert market_calls(engine) == []
    # 280 against 100 + 198, brought to it
    engine.step(index={"Y": 99})
    assert market_calls(engine) == [(1, 99, 20, 18, 1)]
    assert engine.accounts.equity[account] == 298
    engine.step()
    assert len(market_calls(engine)) == 1
    # money came in, so that it may be called again: 318 - 10 - 20 against 99 + 198
    engine.step(index={"X": 99})
    assert market_calls(engine)[1:] == [(1, 99, 20, 9, 1)]
    engine.validate()


def test_a_cross_unit_sells_where_most_is_asked(kit):
    engine, (_, other), account = crossed(kit, {"X": 2, "Y": None}, reduce_share=1, reduce="0.5")
    other.book.load_depth([(70, 100)], [])
    # 300 - 10 * 1 - 20 * 6 = 170 against 99 + 94, and nobody buys X
    engine.step(index={"X": 99, "Y": 94})
    assert market_calls(engine) == [(0, 99, 10, 23, 2)]
    engine, (_, other), account = crossed(kit, {"X": None, "Y": 2}, reduce_share=1, reduce="0.5")
    other.book.load_depth([(98, 100)], [])
    # 300 - 60 = 240 against 50 + 194; then 10 lots sold at 98: 250 against 50 + 97
    engine.step(index={"Y": 97})
    assert market_calls(engine) == [(1, 97, 20, 4, 2)]
    assert engine.accounts.size(other)[account] == 10
    assert engine.accounts.equity[account] == 250
    engine.validate()


def test_a_hedged_unit_is_called_for_its_heavier_leg(kit):
    engine = kit.engine()
    market = kit.market(engine, rules={"tiers": ((0, "0.05"),), "feed": "index"})
    market.set_index(100)
    (account,) = engine.accounts.create(1, balance=0, hedge=True)
    terms = {"entry": 100, "mode": "cross", "account": account}
    engine.accounts.open(market, side="long", size=20, margin=300, **terms)
    engine.accounts.open(market, side="short", size=10, margin=100, **terms)
    engine.residents.add(kit.residents.MarginCalls(market="X", warning=2))
    # 400 + 10 (p - 100) against 3 p: equal at 85.7
    engine.step(index={"X": 86})
    assert market_calls(engine) == []
    engine.step(index={"X": 85})
    assert market_calls(engine) == [(0, 85, 20, 5, 0)]
    engine.validate()


def test_calls_go_on_from_a_snapshot(tmp_path):
    engine = cs.Engine(seed=2)
    market = engine.add_market(
        "X", tick_size=1, lot_size=1, rules=cs.Rules(tiers=[(0, "0.05")], feed="index")
    )
    market.set_index(1000)
    market.book.load_depth([(700, 10_000)], [])
    engine.accounts.open(
        market, side="long", size=10, entry=1000, margin=list(range(1000, 3000, 20))
    )
    engine.residents.add(
        cs.MarginCalls(market="X", warning="1.5", top_up_share="0.4", reduce_share="0.3")
    )
    engine.run({"X": [980, 950, 940]})
    engine.save(tmp_path / "engine.npz")
    ends = []
    for other in (engine, engine.copy(), cs.Engine.load(tmp_path / "engine.npz")):
        first = other.event_count
        other.run({"X": [930, 900, 880, 930, 860, 800]})
        other.accounts.open(market.name, side="long", size=10, entry=800, margin=[500])
        other.run({"X": [780, 760]})
        events = other.events_between(first, other.event_count)
        ends.append((other.state_hash(), events.tobytes()))
        assert len(set(events["code"][events["kind"] == cs.EventKind.MARGIN_CALL].tolist())) > 2
        other.validate()
    assert ends[0] == ends[1] == ends[2]
    arrays = snapshot.to_arrays(engine)
    arrays["positions"]["called"][0] += 1
    with pytest.raises(ValueError, match="accounts it called"):
        snapshot.from_arrays(arrays)


CALLS = {"market": "X", "warning": 2}


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        ({**CALLS, "warning": 1}, "warning 1 is outside"),
        ({**CALLS, "warning": "1.255"}, "steps of 0.01"),
        ({**CALLS, "warning": 11}, "warning 11 is outside"),
        ({**CALLS, "deposit": 5}, "have no account"),
        ({**CALLS, "top_up_share": "0.6", "reduce_share": "0.5"}, "together above 1"),
        ({**CALLS, "top_up": "0.9"}, "top_up"),
        ({**CALLS, "reduce": 0}, "reduce 0 is not above zero"),
    ],
)
def test_terms_are_checked(terms, said):
    with pytest.raises(ValueError, match=said):
        cs.MarginCalls(**terms)


def test_a_market_has_one_and_its_rates_allow_it():
    engine = cs.Engine()
    engine.add_market("X", tick_size=1, lot_size=1)
    engine.add_market("Y", tick_size=1, lot_size=1, rules=cs.Rules(tiers=[(0, "0.1"), (9, "0.5")]))
    engine.residents.add(cs.MarginCalls(**CALLS))
    with pytest.raises(ValueError, match="has MarginCalls already"):
        engine.residents.add(cs.MarginCalls(**CALLS))
    with pytest.raises(ValueError, match="is not below 1"):
        engine.residents.add(cs.MarginCalls(market="Y", warning=2))
    assert len(engine.residents) == 1


def test_calls_of_cross_units_go_on_from_a_snapshot(tmp_path):
    engine = cs.Engine(seed=3)
    for name in ("X", "Y"):
        market = engine.add_market(
            name, tick_size=1, lot_size=1, rules=cs.Rules(tiers=[(0, "0.05")], feed="index")
        )
        market.set_index(1000)
        market.book.load_depth([(700, 10_000)], [])
    opened = {"side": "long", "size": 10, "entry": 1000, "mode": "cross"}
    accounts = engine.accounts.open("X", margin=list(range(1000, 3000, 20)), **opened)
    engine.accounts.open("Y", margin=500, account=accounts, **opened)
    engine.residents.add(
        cs.MarginCalls(market="X", warning="1.5", top_up_share="0.4", reduce_share="0.3")
    )
    engine.run({"X": [980, 950, 940], "Y": [1000, 990, 980]})
    engine.save(tmp_path / "engine.npz")
    ends = []
    for other in (engine, engine.copy(), cs.Engine.load(tmp_path / "engine.npz")):
        first = other.event_count
        other.run({"X": [930, 900, 880, 930], "Y": [975, 960, 1000, 890]})
        events = other.events_between(first, other.event_count)
        ends.append((other.state_hash(), events.tobytes()))
        assert len(set(events["code"][events["kind"] == cs.EventKind.MARGIN_CALL].tolist())) > 2
        other.validate()
    assert ends[0] == ends[1] == ends[2]
