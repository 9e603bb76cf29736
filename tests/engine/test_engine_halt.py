"""Circuit breakers: bands, limit states, pauses, reopenings, levels, throttles (docs/breakers.md)."""

import pytest
from engine_kit import BUY, IOC, KINDS, LIMIT, SELL, STOP, TWIN, core_kit, pick, rows

BAND = {"reference": "fixed", "close": 100, "lower": "0.05", "upper": "0.05", "pause": 10}
OPEN, LIMIT_STATE, CANCEL_ONLY, PAUSE = range(4)
HALTED, AUCTION_CODE, BAD_PRICE = 16, 15, 11


def booked(kit, breaker=None, *, bids=((99, 5), (95, 5), (90, 50)), asks=((101, 5),), **rules):
    engine = kit.engine()
    market = kit.market(engine, rules={"breaker": {**BAND, **(breaker or {})}, **rules})
    market.book.load_depth(list(bids), list(asks))
    return engine, market


def curved(kit, breaker=None, *, slope=1, execution="sequential", **rules):
    engine = kit.engine(execution=execution)
    made = {"breaker": {**BAND, **(breaker or {})}, **rules}
    market = kit.market(engine, rules=made, venue=kit.linear(slope, 1, "after"))
    market.set_index(100)
    return engine, market


def halts(engine, start=0):
    """(phase, price, side, reason) of the HALT events."""
    return pick(rows(engine, "halt", start), "code", "price", "side", "quantity")


# --- the band ------------------------------------------------------------------------------------


def test_nothing_trades_beyond_a_hard_band(kit):
    engine, market = booked(kit, {"lower": "0.04", "pause": 0})
    # 96 is the edge: 99 trades, 95 does not
    kit.trade(engine, market, SELL, 8)
    assert pick(rows(engine, "fill"), "price", "quantity") == [(99, 5)]
    assert not halts(engine)


@pytest.mark.parametrize(
    ("beyond", "code", "filled", "rests"),
    [("refuse", BAD_PRICE, [], 95), ("reprice", 0, [(99, 5)], 95), ("expire", 0, [(99, 5)], 95)],
)
def test_a_limit_beyond_the_edge(kit, beyond, code, filled, rests):
    engine, market = booked(kit, {"lower": "0.04", "beyond": beyond, "pause": 0})
    assert kit.limit(engine, market, SELL, 90, 8) == code
    assert pick(rows(engine, "fill"), "price", "quantity") == filled
    # what is left of a repriced order rests at the edge, of the others nothing does
    assert market.book.best_ask == (96 if beyond == "reprice" else 101)
    assert market.book.best_bid == (99 if beyond == "refuse" else rests)


def test_the_far_side_of_the_band_is_free(kit):
    engine, market = booked(kit)
    assert kit.limit(engine, market, SELL, 200, 1) == 0
    assert kit.limit(engine, market, BUY, 20, 1) == 0
    assert kit.limit(engine, market, BUY, 106, 1) == BAD_PRICE


def test_a_stop_limit_beyond_the_edge_is_refused_and_a_modify_follows_the_rule(kit):
    engine, market = booked(kit, {"beyond": "reprice"}, bids=((80, 1),))
    assert kit.send(engine, market, kind=5, side=SELL, price=90, extra=90, size=1) == BAD_PRICE
    kit.limit(engine, market, SELL, 104, 1)
    order = rows(engine, "order")[-1]["order"]
    assert kit.send(engine, market, kind=3, order=order, price=90, size=1) == 0
    assert market.book.best_ask == 95


@pytest.mark.parametrize(
    ("rounding", "lower", "upper"), [("inward", 94, 104), ("nearest", 93, 105)]
)
def test_edges_are_rounded(kit, rounding, lower, upper):
    # 99 * (1 -+ 0.056) = 93.456 and 104.544
    shares = {"lower": "0.056", "upper": "0.056", "rounding": rounding, "pause": 0}
    engine, market = booked(kit, {**shares, "reference": "index"}, bids=(), asks=())
    market.set_index(99)
    codes = [kit.limit(engine, market, SELL, lower - k, 1, time_in_force=IOC) for k in (0, 1)]
    codes += [kit.limit(engine, market, BUY, upper + k, 1, time_in_force=IOC) for k in (0, 1)]
    assert codes == [0, BAD_PRICE, 0, BAD_PRICE]


def test_a_static_floor_holds_and_halts_nobody(kit):
    engine, market = booked(kit, {"lower": "0.2", "upper": None, "floor": "0.03"})
    kit.trade(engine, market, SELL, 8)
    assert pick(rows(engine, "fill"), "price", "quantity") == [(99, 5)]
    assert not halts(engine)


# --- pauses and the reopening --------------------------------------------------------------------


def test_a_trade_at_the_edge_pauses_and_names_its_cause(kit):
    engine, market = booked(kit)
    kit.trade(engine, market, SELL, 6)
    (halt,) = rows(engine, "halt")
    order = next(k for k, e in enumerate(engine.events) if e["kind"] == 1)
    assert (halt["code"], halt["price"], halt["side"], halt["cause"]) == (PAUSE, 95, SELL, order)
    assert halt["order"] == 10 * 10**9


def test_a_paused_book_collects_and_opens_at_one_price(kit):
    engine, market = booked(kit)
    kit.trade(engine, market, SELL, 6)
    assert kit.trade(engine, market, SELL, 1) == AUCTION_CODE
    # collected orders may lie beyond the band and cross
    assert kit.limit(engine, market, SELL, 92, 6) == 0
    assert kit.limit(engine, market, BUY, 94, 3) == 0
    engine.step(dt=9)
    assert len(rows(engine, "auction")) == 0
    engine.step(dt=1)
    (auction,) = rows(engine, "auction")
    # 4 left at 95 and 3 at 94 buy, 6 sell from 92 up: 6 trade, 1 buy is left, at the highest price
    assert (auction["price"], auction["quantity"], auction["money"]) == (94, 6, 1)
    assert halts(engine)[-1][0] == OPEN
    fills = rows(engine, "fill")[-2:]
    assert pick(fills, "price", "quantity") == [(94, 4), (94, 2)]
    causes = {int(fill["cause"]) for fill in fills}
    assert causes == {next(k for k, e in enumerate(engine.events) if e["kind"] == 19)}
    # the band is formed round the price of the auction: 89.3 ... 98.7
    assert kit.limit(engine, market, SELL, 89, 1, time_in_force=IOC) == BAD_PRICE
    assert kit.limit(engine, market, SELL, 90, 1, time_in_force=IOC) == 0


def test_an_auction_far_from_the_reference_is_extended(kit):
    added = {"extension": 5, "extension_band": "0.05", "extensions": 2}
    engine, market = booked(kit, added)
    kit.trade(engine, market, SELL, 6)
    kit.limit(engine, market, SELL, 80, 100)
    engine.step(dt=10)
    engine.step(dt=4)
    # 100 to sell against 54 at 90 and above: the price is 80
    assert pick(rows(engine, "auction"), "code", "price", "quantity") == [(1, 80, 54)]
    engine.step(dt=1)
    engine.step(dt=5)
    assert pick(rows(engine, "auction"), "code") == [(1,), (2,), (0,)]
    assert halts(engine)[-1][0] == OPEN
    assert market.book.last == 80


def test_an_extension_ends_when_the_price_comes_back(kit):
    engine, market = booked(kit, {"extension": 5, "extension_band": "0.05", "extensions": 2})
    kit.trade(engine, market, SELL, 6)
    kit.limit(engine, market, SELL, 80, 100)
    engine.step(dt=10)
    kit.limit(engine, market, BUY, 97, 200)
    engine.step(dt=5)
    assert pick(rows(engine, "auction"), "code", "price") == [(1, 80), (0, 97)]


def test_one_long_step_passes_every_phase(kit):
    engine, market = booked(kit, {"extension": 5, "extension_band": "0.05", "extensions": 2})
    kit.trade(engine, market, SELL, 6)
    kit.limit(engine, market, SELL, 80, 100)
    engine.step(dt=100)
    assert pick(rows(engine, "auction"), "code") == [(1,), (2,), (0,)]


def test_cancel_only_takes_cancels_and_nothing_else(kit):
    engine, market = booked(kit, {"cancel_only": 4})
    kit.limit(engine, market, BUY, 96, 1, account=-1)
    order = rows(engine, "order")[-1]["order"]
    kit.trade(engine, market, SELL, 7)
    assert halts(engine) == [(CANCEL_ONLY, 95, SELL, 0)]
    assert kit.limit(engine, market, BUY, 94, 1) == HALTED
    assert kit.trade(engine, market, BUY, 1) == HALTED
    assert kit.send(engine, market, kind=STOP, side=SELL, extra=80, size=1) == HALTED
    left = int(market.book.orders["id"][0])
    assert kit.send(engine, market, kind=3, order=left, price=94, size=1) == HALTED
    assert kit.send(engine, market, kind=1, order=left) == 0
    assert order
    engine.step(dt=4)
    assert halts(engine)[-1] == (PAUSE, 95, SELL, 0)
    assert kit.limit(engine, market, BUY, 94, 1) == 0


def test_a_pause_that_takes_no_orders_opens_without_trading(kit):
    engine, market = booked(kit, {"cancel_only": None})
    kit.trade(engine, market, SELL, 6)
    engine.step(dt=9)
    assert kit.limit(engine, market, BUY, 94, 1) == HALTED
    engine.step(dt=1)
    assert halts(engine) == [(CANCEL_ONLY, 95, SELL, 0), (OPEN, 95, SELL, 0)]
    assert pick(rows(engine, "auction"), "quantity") == [(0,)]
    assert kit.limit(engine, market, BUY, 94, 1) == 0


def test_stops_wait_for_the_reopening(kit):
    engine, market = booked(kit)
    kit.send(engine, market, kind=STOP, side=SELL, size=2, extra=96)
    kit.trade(engine, market, SELL, 6)
    assert not rows(engine, "trigger")
    engine.step(dt=10)
    assert len(rows(engine, "trigger")) == 1


def test_the_driver_halts_and_resumes(kit):
    engine, market = booked(kit, {"pause": 0})
    market.halt(5)
    assert kit.trade(engine, market, SELL, 1) == AUCTION_CODE
    with pytest.raises(ValueError, match="halted"):
        market.book.uncross()
    market.halt(3)
    engine.step(dt=5)
    assert halts(engine) == [(PAUSE, 0, BUY, -1), (OPEN, 0, BUY, -1)]
    market.halt()
    engine.step(dt=10**6)
    assert kit.trade(engine, market, SELL, 1) == AUCTION_CODE
    market.resume()
    assert kit.trade(engine, market, SELL, 1) == 0
    with pytest.raises(ValueError, match="halted"):
        market.resume()


# --- the limit state -----------------------------------------------------------------------------


def test_a_limit_state_becomes_a_pause(kit):
    engine, market = booked(kit, {"limit_state": 15, "beyond": "reprice", "lower": "0.04"})
    kit.limit(engine, market, SELL, 90, 9)
    # 5 trade at 99, 4 stand at the edge of 96
    assert halts(engine) == [(LIMIT_STATE, 99, SELL, 0)]
    engine.step(dt=14)
    assert kit.trade(engine, market, BUY, 1) == 0
    engine.step(dt=1)
    assert halts(engine)[-1][0] == PAUSE
    assert rows(engine, "halt")[-1]["order"] == 25 * 10**9
    engine.step(dt=10)
    assert halts(engine)[-1][0] == OPEN


def test_a_limit_state_ends_when_the_touch_leaves_the_edge(kit):
    engine, market = booked(kit, {"limit_state": 15, "beyond": "reprice", "lower": "0.04"})
    kit.limit(engine, market, SELL, 90, 9)
    kit.trade(engine, market, BUY, 4)
    assert halts(engine) == [(LIMIT_STATE, 99, SELL, 0), (OPEN, 96, SELL, 0)]
    engine.step(dt=20)
    assert len(halts(engine)) == 2


def test_the_reference_stands_still_in_a_limit_state(kit):
    engine, market = booked(
        kit, {"reference": "last", "limit_state": 15, "beyond": "reprice", "lower": "0.04"}
    )
    kit.trade(engine, market, SELL, 1)
    # 99: the edge is 95.04
    assert kit.limit(engine, market, SELL, 90, 9) == 0
    assert (market.book.last, market.book.best_ask) == (99, 96)
    kit.trade(engine, market, BUY, 1)
    assert market.book.last == 96
    kit.limit(engine, market, SELL, 90, 1)
    assert market.book.best_ask == 96


# --- references ----------------------------------------------------------------------------------


def test_a_mean_of_trades_moves_when_it_is_far_and_the_old_one_is_old(kit):
    given = {"reference": "mean", "close": None, "window": 60, "min_change": "0.01", "min_age": 30}
    engine, market = booked(kit, {**given, "pause": 0}, bids=(), asks=())

    def trade_at(price, count=1):
        for _ in range(count):
            kit.limit(engine, market, SELL, price, 1)
            kit.limit(engine, market, BUY, price, 1)

    def edge_is(price):
        codes = [
            kit.limit(engine, market, SELL, p, 1, time_in_force=IOC) for p in (price, price - 1)
        ]
        return codes == [0, BAD_PRICE]

    trade_at(100)
    assert edge_is(95)
    trade_at(104, 3)
    # the mean is 103, but the reference is young
    assert edge_is(95)
    engine.step(dt=30)
    # 103 * 0.95 = 97.85
    assert edge_is(98)
    engine.step(dt=30)
    trade_at(102)
    # those of 60 s ago have left the window; the mean is 102, less than 1 % away
    assert edge_is(98)


def test_a_window_counts_from_its_extremes(kit):
    given = {"reference": "window", "share_of": "close", "window": 60, "hard": False}
    engine, market = curved(kit, {**given, "lower": "0.035", "upper": "0.035"})
    market.set_index(102)
    market.set_index(100)
    engine.step(dt=30)
    assert not halts(engine)
    # the highest less 3.5, cut to 3 ticks
    market.set_index(99)
    assert halts(engine) == [(PAUSE, 99, SELL, 0)]


def test_a_window_forgets(kit):
    given = {"reference": "window", "share_of": "close", "window": 60, "hard": False}
    engine, market = curved(kit, {**given, "lower": "0.035", "upper": "0.035"})
    market.set_index(102)
    market.set_index(100)
    engine.step(dt=60)
    # the highest of the last minute is 100
    market.set_index(98)
    assert not halts(engine)
    market.set_index(97)
    assert halts(engine) == [(PAUSE, 97, SELL, 0)]


def test_a_window_starts_anew_after_a_pause(kit):
    given = {"reference": "window", "share_of": "close", "window": 60, "hard": False}
    engine, market = curved(kit, {**given, "lower": "0.035", "upper": "0.035"})
    market.set_index(95)
    engine.step(dt=10)
    market.set_index(97)
    assert len(halts(engine)) == 2
    # 3 above the only price before
    market.set_index(98)
    assert halts(engine)[-1] == (PAUSE, 98, BUY, 0)


def test_a_premium_moves_the_band_within_the_outer_one(kit):
    given = {
        "reference": "premium",
        "lower": "0.02",
        "upper": "0.02",
        "outer": "0.05",
        "window": 60,
    }
    engine, market = booked(kit, {**given, "pause": 0}, bids=(), asks=())
    market.set_index(1000)

    def highest():
        return next(
            p for p in range(1100, 0, -1)
            if kit.limit(engine, market, BUY, p, 1, time_in_force=IOC) == 0
        )  # fmt: skip

    assert highest() == 1020
    kit.limit(engine, market, SELL, 1012, 1)
    kit.limit(engine, market, BUY, 1012, 1)
    assert highest() == 1032
    engine.step(dt=120)
    assert highest() == 1020
    for _ in range(3):
        kit.limit(engine, market, SELL, 1020, 1)
        kit.limit(engine, market, BUY, 1020, 1)
    assert highest() == 1040


# --- the cascade ---------------------------------------------------------------------------------


def ladder(engine, market, triggers, size=1, side="long"):
    for trigger in triggers:
        bankruptcy = trigger - 1 if side == "long" else trigger + 1
        engine.accounts.open_ladder(
            market, side=side, size=size, trigger=trigger, bankruptcy=bankruptcy
        )


def test_a_halt_stops_the_cascade_and_pending_work_survives_it(kit):
    engine, market = curved(kit, {"hard": False})
    ladder(engine, market, range(99, 80, -1))
    result = engine.step(index={"X": 98}, dt=0)
    # each close takes the price a tick down: at 95 trading stops after three
    assert result.liquidated == 3
    assert market.mark == 95
    assert result.pending == 2
    halt = rows(engine, "halt")[0]
    assert engine.events[halt["cause"]]["kind"] == 6
    # index moves and time pass, and nothing is liquidated
    assert engine.step(dt=9).liquidated == 0
    resumed = engine.step(dt=1)
    # round 95: 90.25 is the next edge, within which 91 is the last tick
    assert resumed.liquidated == 4
    assert market.mark == 91
    engine.validate()


def test_other_markets_go_on(kit):
    engine, market = curved(kit, {"hard": False})
    other = kit.market(engine, "Y", venue=kit.linear(1, 1, "after"))
    other.set_index(100)
    ladder(engine, market, range(99, 80, -1))
    ladder(engine, other, range(99, 89, -1))
    engine.step(index={"X": 98, "Y": 98}, dt=0)
    assert (market.mark, other.mark) == (95, 88)


def test_a_batch_is_one_moment_and_the_breaker_looks_after_it(kit):
    engine, market = curved(kit, {"hard": False}, execution="batch")
    ladder(engine, market, range(99, 80, -1))
    # three rungs at 97, which take the price to 94
    assert engine.step(index={"X": 97}, dt=0).liquidated == 3
    assert halts(engine) == [(PAUSE, 94, SELL, 0)]


@pytest.mark.parametrize("forced", ["takeover", "wait"])
def test_forced_orders_wait_at_a_hard_band_or_are_taken_over(kit, forced):
    engine, market = booked(kit, {"forced": forced, "lower": "0.04", "pause": 0}, feed="index")
    market.set_index(100)
    ladder(engine, market, [98], size=8)
    result = engine.step(index={"X": 98}, dt=0)
    assert pick(rows(engine, "fill"), "price", "quantity") == [(99, 5)]
    taken = sum(row["quantity"] for row in rows(engine, "takeover"))
    assert taken == (0 if forced == "wait" else 3)
    assert result.pending == (1 if forced == "wait" else 0)
    # buyers come back within the band
    market.book.load_depth([(97, 10)], [])
    assert engine.step(dt=1).liquidated == (1 if forced == "wait" else 0)
    traded = pick(rows(engine, "fill"), "price", "quantity")
    assert traded == [(99, 5), *([(97, 3)] if forced == "wait" else [])]
    engine.validate()


def test_a_forced_order_that_waits_begins_the_limit_state(kit):
    engine, market = booked(
        kit, {"forced": "wait", "lower": "0.04", "limit_state": 5}, feed="index"
    )
    market.set_index(100)
    ladder(engine, market, [98], size=8)
    engine.step(index={"X": 98}, dt=0)
    assert halts(engine) == [(LIMIT_STATE, 99, SELL, 0)]
    engine.step(dt=5)
    assert halts(engine)[-1][0] == PAUSE
    # the waiting order keeps out of the auction; its market opens round the last price
    engine.step(dt=10)
    assert OPEN in [code for code, *_ in halts(engine)]


# --- liquidity during the halt -------------------------------------------------------------------


@pytest.mark.parametrize(("share", "end"), [("0.5", 96), (1, 99), ("-0.5", 89)])
def test_displacement_comes_back_or_grows(kit, share, end):
    engine, market = curved(kit, {"hard": False, "replenish": share})
    kit.trade(engine, market, SELL, 6)
    assert market.mark == 94
    engine.step(dt=10)
    # no trade has shown it yet
    assert market.mark == 94
    kit.trade(engine, market, SELL, 1 if share != "-0.5" else 2)
    assert market.mark == end


@pytest.mark.parametrize(
    ("share", "bids", "asks"),
    [
        # five at 99 and one at 95 were taken
        (1, [(99, 5), (95, 5), (90, 50)], [(101, 5)]),
        ("0.5", [(99, 2), (95, 4), (90, 50)], [(101, 5)]),
        ("-0.5", [(95, 2), (90, 25)], [(101, 3)]),
    ],
)
def test_depth_that_was_taken_comes_back_or_depth_is_withdrawn(kit, share, bids, asks):
    engine, market = booked(kit, {"replenish": share})
    kit.trade(engine, market, SELL, 6)
    engine.step(dt=10)
    assert [level[:2] for level in market.book.bids()] == bids
    assert [level[:2] for level in market.book.asks()] == asks
    cancelled = sum(row["quantity"] for row in rows(engine, "cancel"))
    assert cancelled == (2 + 25 + 2 if share == "-0.5" else 0)
    engine.validate()


# --- levels --------------------------------------------------------------------------------------

LEVELS = {
    "lower": None, "upper": None, "close": 1000,
    "levels": (("0.07", 900), ("0.13", 900), ("0.2", None)), "linked": True,
}  # fmt: skip


def test_levels_act_once_each_and_on_every_linked_market(kit):
    engine = kit.engine()
    made = [
        kit.market(
            engine, name, rules={"feed": "index", "breaker": {**LEVELS, "levels_on": "index"}}
        )
        for name in ("A", "B")
    ]
    alone = kit.market(engine, "C", rules={"breaker": {**BAND, "close": 1000}})
    for market in (*made, alone):
        market.set_index(1000)
        market.book.load_depth([(990, 50)], [(1010, 50)])
    made[0].set_index(931)
    assert not halts(engine)
    made[0].set_index(930)
    first, second = rows(engine, "halt")
    assert (first["market"], second["market"]) == (0, 1)
    assert engine.events[second["cause"]]["kind"] == 18
    assert [kit.trade(engine, m, SELL, 1) for m in (*made, alone)] == [AUCTION_CODE] * 2 + [0]
    engine.step(dt=900)
    assert [kit.trade(engine, m, SELL, 1) for m in made] == [0, 0]
    # level 1 is used up
    made[0].set_index(929)
    assert len(halts(engine)) == 4
    # the third in one move ends the day
    made[0].set_index(800)
    engine.step(dt=10**6)
    assert [kit.trade(engine, m, SELL, 1) for m in made] == [AUCTION_CODE] * 2
    for market in made:
        market.resume()
        market.set_close(800)
    assert kit.trade(engine, made[0], SELL, 1) == 0


# --- the throttle --------------------------------------------------------------------------------


@pytest.mark.parametrize("execution", ["sequential", "batch"])
def test_a_throttle_spreads_forced_closes_over_time(kit, execution):
    throttle = {"lower": None, "upper": None, "throttle_lots": 3, "throttle_window": 10}
    engine, market = curved(kit, throttle, slope=0, execution=execution)
    ladder(engine, market, [99] * 8)
    assert engine.step(index={"X": 98}, dt=1).liquidated == 3
    assert engine.step(dt=9).liquidated == 0
    assert engine.step(dt=1).liquidated == 3
    assert engine.step(dt=10).liquidated == 2
    engine.validate()


def test_a_throttle_by_value(kit):
    throttle = {"lower": None, "upper": None, "throttle_notional": 196, "throttle_window": 10}
    engine, market = curved(kit, throttle, slope=0)
    ladder(engine, market, [99] * 8)
    # two at 98
    assert engine.step(index={"X": 98}, dt=1).liquidated == 2


# --- refusals ------------------------------------------------------------------------------------


def test_an_impact_venue_refuses_orders_while_it_is_halted(kit):
    engine, market = curved(kit, {"hard": False})
    kit.trade(engine, market, SELL, 6)
    assert (
        kit.send(engine, market, kind=LIMIT, side=BUY, price=99, size=1, time_in_force=IOC)
        == HALTED
    )
    assert kit.trade(engine, market, SELL, 1) == HALTED


def held_unit(kit):
    """A unit over two markets; in the one that falls no forced order may trade below 99."""
    engine = kit.engine()
    rules = {"tiers": [(0, "0.05")], "feed": "index"}
    breaker = kit.Breaker(close=100, lower="0.01", forced="wait")
    engine.add_market("X", tick_size=1, lot_size=1, rules=kit.Rules(**rules))
    engine.add_market("Y", tick_size=1, lot_size=1, rules=kit.Rules(**rules, breaker=breaker))
    for name in ("X", "Y"):
        engine.market(name).set_index(100)
        engine.market(name).book.load_depth([(90, 50)], [(110, 50)])
    account = engine.accounts.create(1)[0]
    engine.accounts.deposit(int(account), 150)
    for name, size in (("X", 5), ("Y", 10)):
        engine.accounts.open(
            name, side="long", size=size, entry=100, leverage=50, mode="cross", account=[account]
        )
    return engine


def test_a_unit_that_nothing_could_be_closed_of_waits_in_its_first_market():
    hashes = []
    for kit in (TWIN, core_kit()):
        engine = held_unit(kit)
        engine.market("Y").set_index(80)
        assert engine.step().pending == 1
        closed = pick(rows(engine, "liquidation"), "market", "cause")
        assert [market for market, _ in closed] == [1]
        hashes.append(engine.state_hash())
        # due since the same fall: its cause
        engine.step()
        first, again = pick(rows(engine, "liquidation"), "cause", "wave")
        assert again == first
        assert rows(engine)[first[0]]["kind"] == KINDS["mark"]
    assert hashes[0] == hashes[1]


def test_an_auction_that_opens_is_no_look_of_the_breaker():
    # the driver's auction changes no price, so a level counted from a new close is not reached by it
    found = []
    for kit in (TWIN, core_kit()):
        levels = {"levels": (("0.05", 10),), "levels_on": "index", "close": 100}
        engine = kit.engine()
        market = kit.market(engine, rules={"feed": "index", "breaker": levels})
        market.set_index(100)
        market.set_close(110)
        start = len(engine.events)
        market.book.open_auction()
        assert rows(engine, start=start) == []
        found.append(engine.state_hash())
    assert found[0] == found[1]
