"""Residents: makers, arbitrage and flow, by hand; twin and core side by side in random histories."""

import math

import numpy as np
import pytest
from engine_kit import BUY, SELL, pick, rows
from reference.residents import SEEN_AT_MOST, Stream, minus_log

import cascade as cs
from cascade import snapshot


def populated(kit, kind, *, index=100, rules=None, seed=0, market=None, **terms):
    """A market with one resident, its index given; nothing has happened yet."""
    engine = kit.engine(seed=seed)
    made = kit.market(engine, rules={"feed": "index", **(rules or {})}, **(market or {}))
    if index:
        made.set_index(index)
    account = engine.residents.add(getattr(kit.residents, kind)(market="X", **terms))
    return engine, made, account


def quotes(market):
    """(price, lots) of both sides, the best first."""
    return [
        [tuple(map(int, level))[:2] for level in side(9)]
        for side in (market.book.bids, market.book.asks)
    ]


# --- random streams --------------------------------------------------------------------------------


def test_the_logarithm_is_right_to_thirty_bits():
    assert minus_log(2**63) == round(math.log(2) * 2**32)
    assert minus_log(2**64 - 1) == 0
    for draw in (0, 1, 2, 3, 12345, 2**40 + 7, 2**61, 2**62 - 1, 2**63 + 2**62, 2**64 - 2**33):
        exact = -math.log(max(draw, 1) / 2**64)
        assert abs(minus_log(draw) / 2**32 - exact) < 2**-26


def test_a_stream_is_splitmix64():
    # first outputs of SplitMix64 from state 1234567, as its authors' program prints them
    stream = Stream(0, 0)
    stream.state = 1234567
    assert [stream.next() for _ in range(3)] == [
        6457827717110365317, 3203168211198807973, 9817491932198370423,
    ]  # fmt: skip


def test_each_resident_has_its_own_stream(kit):
    def orders(*others):
        engine = kit.engine(seed=3)
        kit.market(engine)
        kit.market(engine, "Y").set_index(100)
        flow = {"market_share": 0, "reach": 9, "rate": 2, "size": (1, 50)}
        for name in ("X", *others):
            engine.market(name).set_index(100)
            engine.residents.add(kit.residents.NoiseFlow(market=name, **flow))
        for _ in range(10):
            engine.step(dt=1)
        sent = [row for row in rows(engine, "order") if row["market"] == 0]
        return pick(sent, "time", "side", "price", "quantity")

    assert len(orders()) > 5
    assert orders() == orders("Y") == orders("Y", "Y")


# --- market makers ---------------------------------------------------------------------------------


def test_a_maker_quotes_its_profile_round_the_index(kit):
    engine, market, account = populated(kit, "MarketMaker", depth=((1, 5), (3, 9)), deposit=9000)
    engine.step()
    assert quotes(market) == [[(99, 5), (97, 9)], [(101, 5), (103, 9)]]
    assert {row["account"] for row in rows(engine, "order")} == {account}
    engine.step(index={"X": 104})
    assert quotes(market) == [[(103, 5), (101, 9)], [(105, 5), (107, 9)]]
    # a quiet step sends nothing
    before = len(engine.events)
    engine.step()
    assert len(engine.events) == before
    engine.validate()


def test_quotes_stay_while_they_are_near_enough(kit):
    engine, market, _ = populated(kit, "MarketMaker", depth=((2, 5),), deposit=9000, tolerance=2)
    engine.step()
    engine.step(index={"X": 102})
    assert quotes(market) == [[(98, 5)], [(102, 5)]]
    engine.step(index={"X": 103})
    assert quotes(market) == [[(101, 5)], [(105, 5)]]


def test_a_quote_that_would_trade_rests_a_tick_behind(kit):
    engine, market, _ = populated(kit, "MarketMaker", depth=((1, 5),), deposit=9000)
    market.book.load_depth([], [(95, 7)])
    engine.step()
    assert quotes(market) == [[(94, 5)], [(95, 7), (101, 5)]]
    assert rows(engine, "fill") == []


def test_filled_quotes_come_back_at_the_refill_rate(kit):
    engine, market, _ = populated(kit, "MarketMaker", depth=((1, 10),), deposit=9000, refill="1.5")
    engine.step()
    kit.trade(engine, market, SELL, 10)
    found = []
    for dt in (0, 1, 1, 0.5, 10):
        engine.step(dt=dt)
        found.append(sum(lots for _, lots in quotes(market)[0]))
    # 0, then floor(1.5), floor(3), floor(3.75), and no more than the profile
    assert found == [0, 1, 3, 3, 10]
    assert quotes(market)[1] == [(101, 10)]
    engine.validate()


def test_inventory_moves_and_shrinks_its_quotes(kit):
    engine, market, account = populated(
        kit, "MarketMaker", depth=((1, 10),), deposit=9000, inventory_limit=10, skew=3
    )
    engine.step()
    kit.trade(engine, market, SELL, 5)
    engine.step()
    # centre 100 - floor(5 * 3 / 10); bids 10 * (10 - 5) / 10
    assert quotes(market) == [[(98, 5)], [(100, 10)]]
    kit.trade(engine, market, SELL, 5)
    engine.step()
    assert quotes(market) == [[], [(98, 10)]]
    assert engine.accounts.size(market)[account] == 10
    kit.trade(engine, market, BUY, 10)
    engine.step()
    assert quotes(market) == [[(99, 10)], [(101, 10)]]
    # bought 5 at 99 and 5 at 98, sold 10 at 98
    assert engine.accounts.balance[account] == 9000 - 5
    engine.validate()


def test_it_steps_back_with_recent_movement(kit):
    engine, market, _ = populated(
        kit, "MarketMaker", depth=((1, 10),), deposit=90_000, volatility_time=10,
        widening="0.5", volatility_limit=20,
    )  # fmt: skip
    engine.step(dt=0)
    engine.step(index={"X": 110}, dt=0)
    # moved 10 of 20: half the size, 5 ticks further out
    assert quotes(market) == [[(104, 5)], [(116, 5)]]
    engine.step(dt=10)
    # half of the movement is forgotten: 7.5 lots and 2.5 ticks, rounded down
    assert quotes(market) == [[(107, 7)], [(113, 7)]]
    engine.step(index={"X": 125}, dt=0)
    assert quotes(market) == [[], []]
    # (5 + 15) * 10 / 1010: a fifth of a tick is left
    engine.step(dt=1000)
    assert quotes(market) == [[(124, 9)], [(126, 9)]]


def test_the_venues_own_move_counts_too(kit):
    engine, market, _ = populated(
        kit, "MarketMaker", depth=((9, 10),), deposit=90_000, widening=1, volatility_time=10
    )
    market.book.load_depth([(99, 1), (94, 1)], [])
    kit.trade(engine, market, SELL, 1)
    engine.step(dt=0)
    kit.trade(engine, market, SELL, 1)
    engine.step(dt=0)
    assert quotes(market) == [[(86, 10)], [(114, 10)]]


def test_it_stops_while_its_loss_is_at_the_limit(kit):
    engine, market, _ = populated(kit, "MarketMaker", depth=((1, 10),), deposit=9000, loss_limit=60)
    engine.step()
    kit.trade(engine, market, SELL, 10)
    engine.step(index={"X": 94})
    # lost 50 of 60
    assert quotes(market) == [[(93, 10)], [(95, 10)]]
    engine.step(index={"X": 93})
    assert quotes(market) == [[], []]
    engine.step(index={"X": 94})
    assert quotes(market) == [[(93, 10)], [(95, 10)]]
    engine.validate()


def test_a_maker_quotes_what_its_margin_allows(kit):
    engine, market, _ = populated(kit, "MarketMaker", depth=((1, 10), (2, 10)), deposit=1300)
    engine.step()
    # 13 lots of 100 a side, the nearest first; an order on the other side needs nothing more
    assert quotes(market) == [[(99, 10), (98, 3)], [(101, 10), (102, 3)]]


def test_a_maker_without_an_index_or_in_an_auction_waits(kit):
    engine, market, _ = populated(kit, "MarketMaker", index=0, depth=((1, 10),), deposit=9000)
    engine.step()
    assert quotes(market) == [[], []]
    market.book.open_auction()
    engine.step(index={"X": 100})
    assert quotes(market) == [[], []]
    market.book.uncross()
    engine.step()
    assert quotes(market) == [[(99, 10)], [(101, 10)]]


def test_a_maker_feeds_and_stops_a_cascade(kit):
    """Its depth is what forced orders sell into; its inventory is theirs."""
    engine, market, account = populated(
        kit, "MarketMaker", depth=((1, 10), (5, 10)), deposit=9000, rules={"tiers": ((0, "0.05"),)}
    )
    engine.accounts.open(market, side="long", size=[10, 10], entry=100, leverage=[10, 10])
    result = engine.step(index={"X": 94})
    # the maker quotes before the cascade: 93 for the first, 89 for the second
    assert result.liquidated == 2
    assert pick(rows(engine, "fill"), "price", "quantity", "counterparty") == [
        (93, 10, account), (89, 10, account),
    ]  # fmt: skip
    engine.validate()


# --- arbitrage -------------------------------------------------------------------------------------


def test_an_arbitrageur_buys_below_the_index_and_closes_at_it(kit):
    engine, market, account = populated(kit, "Arbitrageur", deposit=9000, size=20, threshold="0.02")
    market.book.load_depth([], [(96, 4), (97, 5), (98, 6)])
    engine.step()
    # 98 is 2 % away, not more
    assert pick(rows(engine, "fill"), "price", "quantity", "account") == [
        (96, 4, account), (97, 5, account),
    ]  # fmt: skip
    market.book.load_depth([(99, 50)], [(103, 50)], replace=True)
    engine.step()
    assert engine.accounts.size(market)[account] == 9
    market.book.load_depth([(100, 50)], [], replace=True)
    engine.step()
    assert engine.accounts.size(market)[account] == 0
    assert engine.accounts.balance[account] == 9000 + 4 * 4 + 5 * 3
    engine.validate()


def test_it_sells_above_the_index_and_buys_back(kit):
    engine, market, account = populated(kit, "Arbitrageur", deposit=9000, size=20, threshold=0)
    market.book.load_depth([(102, 4), (100, 9)], [])
    engine.step()
    assert engine.accounts.size(market)[account] == -4
    market.book.load_depth([], [(100, 3), (101, 9)], replace=True)
    engine.step()
    assert engine.accounts.size(market)[account] == -1
    engine.validate()


def test_it_learns_the_index_late(kit):
    engine, market, account = populated(
        kit, "Arbitrageur", index=0, deposit=9000, size=20, delay=2, threshold=0
    )
    market.book.load_depth([(98, 50)], [(99, 50)])
    sizes = []
    for index in (99, 99, 99, 110, 99, 99):
        engine.step(index={"X": index})
        sizes.append(int(engine.accounts.size(market)[account]))
    # 110 was the index from 4 s to 5 s and is known from 6 s on
    assert sizes == [0, 0, 0, 0, 0, 20]


def test_its_capital_is_finite(kit):
    for terms, lots in (({"deposit": 650}, 6), ({"deposit": 650, "leverage": 2}, 13),
                        ({"deposit": 9000, "limit": 5}, 5)):  # fmt: skip
        engine, market, account = populated(kit, "Arbitrageur", size=4, threshold="0.01", **terms)
        market.book.load_depth([], [(90, 500)])
        for _ in range(6):
            engine.step()
        # initial margin is of the mark, 100, whatever it paid; profit of 10 a lot adds to its means
        bought = int(engine.accounts.size(market)[account])
        assert bought == held_at_most(lots, terms), terms
        engine.validate()


def held_at_most(lots: int, terms: dict) -> int:
    """Lots n with 100 n / leverage <= deposit + 10 (lots held before the order)."""
    if "limit" in terms:
        return lots
    held = 0
    for _ in range(6):
        most = (terms["deposit"] + 10 * held) * terms.get("leverage", 1) // 100
        held += min(4, max(most - held, 0))
    return held


def test_it_trades_with_an_impact_curve(kit):
    engine = kit.engine()
    market = kit.market(engine, venue=kit.linear(1, 1, "after"))
    market.set_index(100)
    kit.trade(engine, market, SELL, 10)
    account = engine.residents.add(
        kit.residents.Arbitrageur(market="X", deposit=9000, size=50, threshold="0.02")
    )
    engine.step()
    # it buys while the fill is at 97 or better: 90 + 7
    assert market.last == 97
    assert engine.accounts.size(market)[account] == 7
    engine.validate()


def test_it_remembers_a_bounded_number_of_indexes(kit):
    engine, market, _ = populated(
        kit, "Arbitrageur", index=0, deposit=9000, size=1, delay=10_000, threshold=0
    )
    market.book.load_depth([], [(90, 50)])
    for k in range(SEEN_AT_MOST + 40):
        engine.step(index={"X": 100 + k % 3}, dt=1)
    # the indexes of the first 40 seconds are forgotten before they are old enough to be known
    engine.step(dt=10_040 - (SEEN_AT_MOST + 40))
    assert rows(engine, "fill") == []
    engine.step(dt=1)
    assert len(rows(engine, "fill")) == 1


# --- flow ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [0, "0.5", 20])
def test_arrivals_do_not_depend_on_how_time_is_cut(kit, rate):
    counts = []
    for dt in (0.25, 1, 5):
        engine, _, _ = populated(kit, "NoiseFlow", rate=rate, size=1, market_share=1)
        for _ in range(round(20 / dt)):
            engine.step(dt=dt)
        counts.append(len(rows(engine, "order")))
    assert counts[0] == counts[1] == counts[2]
    assert (counts[0] > 0) == (rate != 0)


def test_arrivals_are_poisson():
    engine = cs.Engine(seed=11)
    market = engine.add_market("X", tick_size=1, lot_size=1)
    market.set_index(100)
    engine.residents.add(cs.NoiseFlow(market="X", rate=3, size=(1, 4), market_share=1))
    run = engine.run({"X": np.full(20_000, 100)}, dt=1)
    orders = run.events[run.events["kind"] == cs.EventKind.ORDER]
    counts = np.bincount(orders["time"] // 10**9, minlength=20_001)[1:]
    # mean and variance 3, each within five standard errors; e**-3 of the seconds are empty
    assert abs(counts.mean() - 3) < 5 * math.sqrt(3 / 20_000)
    assert abs(counts.var() - 3) < 5 * math.sqrt((2 * 9 + 3) / 20_000)
    assert abs((counts == 0).mean() - math.exp(-3)) < 5 * math.sqrt(0.05 / 20_000)
    sides = orders["side"].mean()
    assert abs(sides - 0.5) < 5 * 0.5 / math.sqrt(len(orders))
    assert set(orders["quantity"].tolist()) == {1, 2, 3, 4}


def test_noise_keeps_a_bounded_number_of_orders_beside_the_middle(kit):
    engine, market, account = populated(
        kit, "NoiseFlow", rate=5, size=2, market_share=0, reach=3, open_orders=4, deposit=90_000,
    )  # fmt: skip
    for _ in range(40):
        engine.step(dt=1)
        bids, asks = quotes(market)
        assert len(market.book.orders) <= 4
        assert not bids or not asks or bids[0][0] < asks[0][0]
    assert {row["account"] for row in rows(engine, "order")} == {account}
    assert len(rows(engine, "order")) > 50
    engine.validate()


def test_seeds_differ_and_repeat(kit):
    def sent(seed):
        engine, _, _ = populated(kit, "NoiseFlow", rate=3, size=(1, 90), market_share=0, seed=seed)
        engine.step(dt=10)
        return pick(rows(engine, "order"), "side", "price", "quantity")

    assert sent(1) == sent(1)
    assert sent(1) != sent(2)
    assert sent(-5) == sent(2**64 - 5)


@pytest.mark.parametrize(("to", "side"), [(90, SELL), (110, BUY), (101, None)])
def test_momentum_goes_with_the_move(kit, to, side):
    engine, market, account = populated(
        kit, "MomentumFlow", rate=2, size=1, threshold="0.05", volatility_time=20, limit=3,
        deposit=9000,
    )  # fmt: skip
    market.book.load_depth([(100, 1)], [])
    kit.trade(engine, market, SELL, 1)
    engine.step()
    market.book.load_depth([(to, 1), (to - 1, 50)], [(to + 1, 50)], replace=True)
    kit.trade(engine, market, SELL, 1)
    for _ in range(10):
        engine.step()
    sent = [row for row in rows(engine, "order") if row["account"] == account]
    assert {row["side"] for row in sent} == (set() if side is None else {side})
    assert abs(int(engine.accounts.size(market)[account])) == (0 if side is None else 3)
    for _ in range(10):
        engine.step(dt=50)
    quiet = len(engine.events)
    engine.step(dt=50)
    assert len(engine.events) == quiet
    engine.validate()


# --- state -----------------------------------------------------------------------------------------


def lively_engine() -> cs.Engine:
    """Every kind of resident, in the middle of its business."""
    engine = cs.Engine(seed=9)
    market = engine.add_market(
        "X", tick_size="0.5", lot_size="0.1", rules=cs.Rules(tiers=[(0, "0.01")], feed="mid")
    )
    market.set_index(1000)
    depth = [(0.5 * k, 2) for k in range(1, 30)]
    engine.residents.add(
        cs.MarketMaker(
            market=market, depth=depth, deposit=500_000, refill="3.3", inventory_limit=50, skew=5,
            widening="0.2", volatility_limit=2000, volatility_time=30, leverage=10,
        )
    )  # fmt: skip
    engine.residents.add(
        cs.Arbitrageur(market="X", deposit=20_000, size=3, delay="1.5", threshold="0.0005")
    )
    engine.residents.add(cs.NoiseFlow(market="X", rate=4, size=("0.1", 2), reach=8, open_orders=20))
    engine.residents.add(
        cs.MomentumFlow(
            market="X", rate=2, size=("0.1", 1), threshold="0.001", deposit=10_000, limit=9
        )
    )
    random = np.random.default_rng(2)
    engine.accounts.open(
        market, side="long", size=1, entry=1000, leverage=random.integers(10, 60, 200)
    )
    path = 1000 - np.cumsum(random.integers(-3, 5, 60))
    run = engine.run({"X": path}, dt=1)
    assert run.steps["liquidated"].sum() > 20
    engine.validate()
    return engine


def test_a_populated_engine_goes_on_bit_for_bit(tmp_path):
    engine = lively_engine()
    engine.save(tmp_path / "engine.npz")
    ends = []
    for other in (engine, engine.copy(), cs.Engine.load(tmp_path / "engine.npz")):
        first = other.event_count
        other.run({"X": [960, 950, 955, 970, 980, 900]}, dt="0.7")
        ends.append((other.state_hash(), other.events_between(first, other.event_count).tobytes()))
    assert ends[0] == ends[1] == ends[2]
    assert len(ends[0][1]) > 64 * 200


def test_run_is_step_by_step():
    runs = [lively_engine() for _ in range(2)]
    path = [960, 950.5, 955, 970, 980, 900]
    runs[0].run({"X": path}, dt="0.7")
    for price in path:
        runs[1].step(index={"X": price}, dt="0.7")
    assert runs[0].state_hash() == runs[1].state_hash()
    assert (runs[0].events == runs[1].events).all()


def test_the_hash_covers_streams():
    engines = []
    for seed in (1, 2):
        engine = cs.Engine(seed=seed)
        engine.add_market("X", tick_size=1, lot_size=1)
        engine.residents.add(cs.NoiseFlow(market="X", rate=0, size=1))
        engines.append(engine.state_hash())
    assert engines[0] != engines[1]


@pytest.mark.parametrize("place", range(6))
def test_stored_residents_are_checked(place):
    arrays = snapshot.to_arrays(lively_engine())
    arrays["residents"][place] += 1
    if place == 5:
        # a stream may be any number
        assert snapshot.from_arrays(arrays).residents.accounts == [0, 1, -1, 2]
        return
    with pytest.raises(ValueError, match="resident"):
        snapshot.from_arrays(arrays)


def test_residents_are_listed():
    engine = lively_engine()
    assert engine.residents.accounts == [0, 1, -1, 2]
    assert [type(entry) for entry in engine.residents] == [
        cs.MarketMaker, cs.Arbitrageur, cs.NoiseFlow, cs.MomentumFlow,
    ]  # fmt: skip
    assert len(engine.residents) == 4
    assert engine.residents[3].limit == 9
    assert engine.residents[0].market == "X"


# --- refusals --------------------------------------------------------------------------------------

MAKER = {"market": "X", "depth": ((1, 5),), "deposit": 10}
ARBITRAGEUR = {"market": "X", "size": 1, "deposit": 10}
NOISE = {"market": "X", "rate": 1, "size": 1}
MOMENTUM = {"market": "X", "rate": 1, "size": 1, "threshold": 0}


@pytest.mark.parametrize(
    ("kind", "terms", "said"),
    [
        (cs.MarketMaker, {**MAKER, "deposit": None}, "needs a deposit"),
        (cs.MarketMaker, {**MAKER, "deposit": 0}, "deposit 0 is not above zero"),
        (cs.MarketMaker, {**MAKER, "depth": ()}, "depth has 0 rows"),
        (cs.MarketMaker, {**MAKER, "depth": ((0, 5),)}, "distance of depth 0"),
        (cs.MarketMaker, {**MAKER, "depth": ((1, -5),)}, "size of depth -5"),
        (cs.MarketMaker, {**MAKER, "skew": 1}, "skew needs an inventory_limit"),
        (cs.MarketMaker, {**MAKER, "widening": 1001}, "widening"),
        (cs.MarketMaker, {**MAKER, "volatility_time": 0}, "volatility_time 0 s"),
        (cs.MarketMaker, {**MAKER, "refill": -1}, "refill -1 is negative"),
        (cs.MarketMaker, {**MAKER, "leverage": 0}, "leverage 0"),
        (cs.Arbitrageur, {**ARBITRAGEUR, "deposit": None}, "needs a deposit"),
        (cs.Arbitrageur, {**ARBITRAGEUR, "delay": -1}, "delay -1 s"),
        (cs.Arbitrageur, {**ARBITRAGEUR, "threshold": 2}, "threshold"),
        (cs.NoiseFlow, {**NOISE, "rate": 10**7}, "rate 10000000 is outside"),
        (cs.NoiseFlow, {**NOISE, "size": (3, 1)}, "the lowest is above"),
        (cs.NoiseFlow, {**NOISE, "open_orders": 0}, "open_orders 0"),
        (cs.MomentumFlow, {**MOMENTUM, "limit": 5}, "limit needs a deposit"),
    ],
)
def test_terms_are_checked(kind, terms, said):
    with pytest.raises(ValueError, match=said):
        kind(**terms)


def test_a_resident_must_suit_its_market():
    engine = cs.Engine()
    engine.add_market("X", tick_size=1, lot_size=1)
    engine.add_market("C", tick_size=1, lot_size=1, venue=cs.Impact.linear(1))
    refused = [
        (KeyError, cs.MarketMaker(**{**MAKER, "market": "Z"})),
        (ValueError, cs.MarketMaker(**{**MAKER, "market": "C"})),
        (ValueError, cs.MarketMaker(**{**MAKER, "depth": (("0.5", 1),)})),
        (ValueError, cs.NoiseFlow(**{**NOISE, "market": "C"})),
        (ValueError, cs.NoiseFlow(**{**NOISE, "size": "0.5"})),
        (TypeError, "MarketMaker"),
    ]
    before = engine.state_hash()
    for error, resident in refused:
        with pytest.raises(error):
            engine.residents.add(resident)
    with pytest.raises(TypeError, match="one of its kinds"):
        cs.residents.Resident(market="X")
    assert engine.state_hash() == before
    assert len(engine.residents) == len(engine.accounts) == 0
