"""An index that follows another market's mark, and what then spreads between venues and lenders."""

import random

import pytest
from engine_kit import BUY, KINDS, SELL, STOP, STOP_ON_MARK, TWIN, core_kit, pick, rows
from lending_kit import lending_of
from slow_contagion import domain_names, slow_matrix

import cascade as cs


def spot_and_perp(kit, *, feed="last", venue="impact", **keywords):
    """A spot market at 1000 and a perpetual whose index is its mark; both lose a tick a lot sold."""
    engine = kit.engine(**keywords)
    spot = kit.market(engine, "SPOT", rules={"feed": "last"}, venue=kit.linear(1, 1))
    spot.set_index(1000)
    perp = kit.market(
        engine,
        "PERP",
        rules={"feed": feed},
        venue=kit.linear(1, 1) if venue == "impact" else "book",
        follows="SPOT",
    )
    return engine, spot, perp


def test_index_is_there_at_once_and_follows_each_trade(kit):
    engine, spot, perp = spot_and_perp(kit, feed="index", venue="book")
    assert (perp.index, perp.mark) == (1000, 1000)
    start = len(engine.events)
    kit.trade(engine, spot, SELL, 10)
    assert (spot.mark, perp.index, perp.mark) == (990, 990, 990)
    found = rows(engine, start=start)
    kinds = [row["kind"] for row in found]
    assert kinds == [KINDS[name] for name in ("order", "fill", "mark", "index", "mark")]
    # each is caused by the one before, the fill apart: the mark follows from the order
    assert pick(found[2:], "market", "price", "money", "cause", "wave") == [
        (0, 990, 1000, start, 0),
        (1, 990, 0, start + 2, 0),
        (1, 990, 1000, start + 3, 0),
    ]


def test_followers_of_followers_and_several_of_one(kit):
    engine, _spot, perp = spot_and_perp(kit, feed="index", venue="book")
    second = kit.market(engine, "SECOND", rules={"feed": "index"}, follows=perp)
    third = kit.market(engine, "THIRD", rules={"feed": "index"}, follows="SPOT")
    engine.step(index={"SPOT": 900})
    assert [m.index for m in (perp, second, third)] == [900, 900, 900]
    assert [row["market"] for row in rows(engine, "index")][-4:] == [0, 1, 2, 3]
    engine.validate()


def test_curve_of_a_follower_moves_with_it(kit):
    engine, spot, perp = spot_and_perp(kit)
    kit.trade(engine, perp, SELL, 20)
    kit.trade(engine, spot, BUY, 5)
    assert (spot.mark, perp.mark) == (1005, 985)


def test_before_there_is_a_mark_there_is_no_index(kit):
    engine = kit.engine()
    spot = kit.market(engine, "SPOT", rules={"feed": "last"}, venue=kit.linear(1, 1))
    perp = kit.market(engine, "PERP", rules={"feed": "index"}, follows=spot)
    assert perp.row()["mark"] == 0 if kit.name == "core" else perp.mark_ticks == 0
    spot.set_index(70)
    assert (perp.index, perp.mark) == (70, 70)


def test_stops_of_followers_fire(kit):
    engine, spot, perp = spot_and_perp(kit, feed="index", venue="book")
    perp.book.load_depth(bids=[(940, 50)], asks=[(1050, 50)])
    code = kit.send(
        engine, perp, kind=STOP, side=SELL, size=3, extra=960, flags=STOP_ON_MARK, account=-1
    )
    assert code in (0, 1)
    kit.trade(engine, spot, SELL, 50)
    fired = rows(engine, "trigger")
    assert pick(fired, "market", "price", "wave") == [(1, 960, 1)]
    assert rows(engine, "fill")[-1]["price"] == 940


def test_liquidity_that_moves_a_pool_fires_stops_of_its_followers(kit):
    engine = kit.engine()
    pool = kit.market(engine, "POOL", rules={"feed": "last"},
                      venue=kit.pools.ConstantProduct(7, 3000, fee=0))  # fmt: skip
    perp = kit.market(engine, "PERP", rules={"feed": "index"}, follows="POOL")
    perp.book.load_depth(bids=[(350, 5)], asks=[(500, 5)])
    kit.send(engine, perp, kind=STOP, side=SELL, size=2, extra=400, flags=STOP_ON_MARK)
    # one share is a lot more, rounded up, and 21 atoms: 3021 over 8
    pool.pool.add_liquidity(1)
    assert (pool.mark, perp.mark) == (378, 378)
    assert pick(rows(engine, "trigger"), "market", "price") == [(1, 400)]
    assert rows(engine, "fill")[-1]["price"] == 350
    engine.validate()


def test_position_falls_with_the_other_market(kit):
    engine, spot, perp = spot_and_perp(kit)
    engine.accounts.open_ladder(perp, side="long", size=4, trigger=[975], bankruptcy=900)
    spot_sale = [("SPOT", kit.messages([{"kind": 2, "side": SELL, "size": 25}]))]
    result = engine.step(orders=spot_sale)
    assert (result.liquidated, result.waves, perp.mark, spot.mark) == (1, 1, 971, 975)
    liquidation = rows(engine, "liquidation")[0]
    causes = [liquidation["cause"]]
    events = rows(engine)
    while causes[-1] >= 0:
        causes.append(events[causes[-1]]["cause"])
    kinds = [events[cause]["kind"] for cause in causes[:-1]]
    assert kinds == [KINDS[name] for name in ("mark", "index", "mark", "order")]


@pytest.mark.parametrize("feed", ["last", "mid", "index", "median"])
def test_unit_of_both_markets_falls_once(kit, feed):
    # the perpetual moves twice at one moment where its own sale comes first: one move of both
    for execution in ("sequential", "batch"):
        engine, spot, perp = spot_and_perp(kit, feed=feed, execution=execution)
        both = engine.accounts.create(3, balance=400)
        for market in (perp, spot):
            engine.accounts.open(
                market, side="long", size=2, entry=1000, leverage=100, mode="cross", account=both
            )
        engine.accounts.open_ladder(perp, side="long", size=40, trigger=[950], bankruptcy=900)
        engine.accounts.open_ladder(spot, side="long", size=40, trigger=[950], bankruptcy=900)
        result = engine.step(index={"SPOT": 949})
        assert result.liquidated >= 2
        engine.validate()


def test_refusals(kit):
    engine, _spot, perp = spot_and_perp(kit)
    with pytest.raises(ValueError, match="follows"):
        perp.set_index(5)
    with pytest.raises(ValueError, match="follows"):
        engine.step(index={"PERP": 5})
    with pytest.raises(ValueError, match="SPOT"):
        kit.market(engine, "X", tick_size=2, follows="SPOT")
    with pytest.raises(ValueError, match="index_delay"):
        kit.market(engine, "X", rules={"index_delay": 1}, follows="SPOT")
    with pytest.raises(ValueError, match="stale_after"):
        kit.market(engine, "X", rules={"stale_after": 1}, follows="SPOT")
    with pytest.raises((KeyError, ValueError), match="nowhere"):
        kit.market(engine, "X", follows="nowhere")
    lending = engine.lending.add("bank")
    lending.add_reserve("A", price="SPOT", liquidation_threshold="0.8")
    side = lending["A"].supplied_side.name
    with pytest.raises(ValueError, match="side"):
        kit.market(engine, "X", follows=side)
    engine.step(index={"SPOT": 990})
    assert perp.index == 990


def test_index_stops_where_positions_no_longer_fit():
    engine = cs.Engine(asset_decimals=0)
    rules = cs.Rules(tiers=((0, 0),), feed="index")
    spot = engine.add_market("SPOT", tick_size=1, lot_size=1, rules=rules)
    spot.set_index(1000)
    perp = engine.add_market("PERP", tick_size=1, lot_size=1, rules=rules, follows="SPOT")
    engine.accounts.open(perp, side="long", size=2**40, entry=1000, leverage=1)
    spot.set_index(2000)
    assert (perp.index, perp.mark) == (2000, 2000)
    # 2**40 lots at 2**30 ticks are beyond 64 bits: the highest price that entered stands in
    engine.step(index={"SPOT": 2**30})
    assert spot.mark == 2**30
    assert (perp.index, perp.mark) == (2000, 2000)
    engine.step(index={"SPOT": 1500})
    assert perp.index == 1500
    engine.validate()


def test_decay_of_the_market_that_is_followed():
    engine = cs.Engine(asset_decimals=0)
    rules = cs.Rules(tiers=((0, 0),), feed="last")
    venue = cs.Impact.linear(1, permanent=0, decay_rate=0.5)
    spot = engine.add_market("SPOT", tick_size=1, lot_size=1, rules=rules, venue=venue)
    spot.set_index(1000)
    perp = engine.add_market(
        "PERP", tick_size=1, lot_size=1, rules=cs.Rules(tiers=((0, 0),), feed="index"), follows=spot
    )
    perp.book.load_depth(bids=[(900, 50)], asks=[(1100, 50)])
    spot.book.market("sell", 100)
    assert perp.index == 900
    perp.book.stop("buy", 950, 5, on="mark")
    start = engine.event_count
    engine.step(dt=4)
    # 100 * exp(-0.5 * 4) = 13.5 are left: the stop at 950 is reached within phase 1
    assert perp.mark == spot.mark in (986, 987)
    kinds = [int(kind) for kind in engine.events_between(start, engine.event_count)["kind"]]
    assert kinds[:5] == [KINDS[name] for name in ("mark", "index", "mark", "trigger", "order")]
    engine.validate()


def test_path_of_a_follower_is_refused():
    engine = cs.Engine(asset_decimals=0)
    engine.add_market("A", tick_size=1, lot_size=1)
    engine.add_market("B", tick_size=1, lot_size=1, follows="A")
    with pytest.raises(ValueError, match="follows the mark of 'A'"):
        engine.run({"B": [1, 2]})


def test_copy_and_file_go_on_alike(tmp_path):
    engine = cs.Engine(asset_decimals=0)
    pool = cs.ConstantProduct(1000, 1_000_000)
    engine.add_market("POOL", tick_size=1, lot_size=1, venue=pool, rules=cs.Rules(feed="last"))
    perp = engine.add_market(
        "PERP",
        tick_size=1,
        lot_size=1,
        venue=cs.Impact.linear(1),
        rules=cs.Rules(feed="last", tiers=((0, 0),)),
        follows="POOL",
    )
    assert perp.mark == engine["POOL"].mark
    engine.accounts.open_ladder(perp, side="long", size=4, trigger=[980, 970], bankruptcy=900)
    engine.save(tmp_path / "engine.npz")
    others = [engine.copy(), cs.Engine.load(tmp_path / "engine.npz")]
    assert {other.state_hash() for other in others} == {engine.state_hash()}
    hashes = set()
    for one in [engine, *others]:
        assert one["PERP"].follows is one["POOL"]
        one["POOL"].book.market("sell", 12)
        one.step()
        hashes.add((one.state_hash(), one.event_count, one["PERP"].mark))
    assert len(hashes) == 1


# --- contagion -------------------------------------------------------------------------------------


def chain(kit, execution="sequential"):
    """Perpetual -> lender (reads its mark) -> spot (sells there) -> perpetual's index -> perpetual."""
    lending_classes = lending_of(kit)
    engine, spot, perp = spot_and_perp(kit, execution=execution)
    engine.accounts.open_ladder(
        perp, side="long", size=[10, 5], trigger=[990, 975], bankruptcy=[900, 900]
    )
    bank = engine.lending.add("bank", rules=lending_classes.LendingRules())
    bank.add_reserve("ETH", price="PERP", venue="SPOT", liquidation_threshold="0.8")
    bank.add_reserve("USD")
    bank["USD"].supply(100_000)
    # due below 7860 / 8 = 982.5
    bank.open(collateral={"ETH": [10]}, debt={"USD": [7860]})
    return engine, spot, perp, bank


@pytest.mark.parametrize("execution", ["sequential", "batch"])
def test_chain_over_three_domains(kit, execution):
    engine, spot, perp, bank = chain(kit, execution)
    sale = [("PERP", kit.messages([{"kind": 2, "side": SELL, "size": 10}]))]
    result = engine.step(orders=sale)
    # 990: the first long sells 10; 980: 8 = floor(7860 / 980) are seized and sold at 1000 ... 992;
    # the index falls by 8: 972: the second long sells 5
    assert (result.liquidated, result.waves) == (3, 3)
    assert (spot.mark, perp.mark) == (992, 967)
    found = rows(engine, "liquidation")
    sides = bank["ETH"].supplied_side.number
    assert pick(found, "market", "quantity", "price", "wave") == [
        (1, 10, 990, 1),
        (sides, 8, 980, 2),
        (1, 5, 972, 3),
    ]
    expected = {("outside", "PERP"): 1, ("PERP", "bank"): 1, ("bank", "PERP"): 1}
    assert slow_matrix(rows(engine), domain_names(engine)) == expected
    engine.validate()
    if kit.name == "core":
        for matrix in (result.contagion, cs.Contagion.of(engine)):
            assert matrix.domains == ("SPOT", "PERP", "bank")
            assert matrix.counts.tolist() == [[0, 0, 0], [0, 0, 1], [0, 1, 0], [0, 1, 0]]
            # 5 at 972, 8 at 980, 10 at 990
            assert matrix.notional.tolist() == [
                [0, 0, 0],
                [0, 0, 7840],
                [0, 4860, 0],
                [0, 9900, 0],
            ]


def random_world(kit, seed):
    """Two price markets, a perpetual, two lenders, shared liquidators, drawn from a seed."""
    draw = random.Random(seed)
    classes = lending_of(kit)
    engine = kit.engine(asset_decimals=6, execution=draw.choice(["sequential", "batch"]))
    grid = {"tick_size": 0.1, "lot_size": 0.01}
    depth = draw.choice([1, 2, 5, 20])
    kit.market(engine, "SPOT", rules={"feed": "last"}, venue=kit.linear(1, depth, tick=10), **grid)
    engine.market("SPOT").set_index(2000)
    shape = draw.choice(["impact", "book"])
    venue = kit.linear(1, 2 * depth, tick=10) if shape == "impact" else "book"
    rules = {"feed": draw.choice(["last", "index", "median", "mid"]), "tiers": ((0, "0.01"),)}
    perp = kit.market(engine, "PERP", rules=rules, venue=venue, follows="SPOT", **grid)
    if shape == "book":
        quotes = [(k, draw.randint(5, 400) / 100) for k in range(1, 40)]
        perp.book.load_depth(
            bids=[(2000 - 10 * k, size) for k, size in quotes],
            asks=[(2000 + 10 * k, size) for k, size in quotes],
        )
    other = kit.market(engine, "OTHER", rules={"feed": "last"}, venue=kit.linear(1, 50, tick=10),
                       follows=draw.choice(["SPOT", "PERP"]), **grid)  # fmt: skip
    for name in ("one", "two"):
        bank = engine.lending.add(name, rules=classes.LendingRules(
            close_factor=draw.choice([("whole",), ("fraction", "0.5")])))  # fmt: skip
        bank.add_reserve(
            "ETH",
            price=draw.choice(["SPOT", "PERP", "OTHER"]),
            venue=draw.choice(["SPOT", "OTHER", "price"]),
            liquidation_threshold="0.8",
            liquidation_bonus="0.05",
            oracle=draw.choice([None, classes.Oracle(delay=2), classes.Oracle(deviation="0.01")]),
        )
        bank.add_reserve("USD", liquidation_threshold="0.9", liquidation_bonus="0.02")
        bank["USD"].supply(1_000_000)
        bank["ETH"].supply(100)
        bank.open(
            collateral={"ETH": [draw.randint(100, 500) / 100 for _ in range(6)]},
            debt={"USD": [draw.randint(1000, 7000) for _ in range(6)]},
        )
    engine.liquidators.add(classes.Liquidator(gas=draw.choice([0, 3])))
    for market in (perp, other):
        engine.accounts.open(market, side="long", size=[draw.randint(1, 90) / 100 for _ in range(8)],
                             entry=2000, leverage=[draw.randint(4, 25) for _ in range(8)])  # fmt: skip
    both = engine.accounts.create(4, balance=100)
    for market in (perp, other):
        engine.accounts.open(market, side="long", size=0.5, entry=2000, leverage=10,
                             mode="cross", account=both)  # fmt: skip
    return engine, draw


def random_history(kit, seed):
    engine, draw = random_world(kit, seed)
    said, price = [], 2000
    for _ in range(6):
        price = round(price * draw.uniform(0.95, 1.01))
        index = {"SPOT": price} if draw.random() < 0.7 else {}
        orders = []
        if draw.random() < 0.6:
            sale = {"kind": 2, "side": draw.choice([BUY, SELL]), "size": draw.randint(1, 1000)}
            orders = [(draw.choice(["SPOT", "PERP", "OTHER"]), kit.messages([sale]))]
        result = engine.step(index=index, orders=orders, dt=draw.choice([0, 1, 3]))
        if kit.name == "core":
            engine.validate()
        said.append((result.liquidated, result.notional_atoms, result.pending))
    return engine, said


@pytest.mark.parametrize("block", range(4))
def test_random_worlds_alike_and_their_matrix(block):
    core = core_kit()
    if core is None:
        pytest.skip("cascade.Engine cannot be imported: the compiled engine is not built")
    spread = 0
    for seed in range(10 * block, 10 * block + 10):
        slow, slow_said = random_history(TWIN, seed)
        fast, fast_said = random_history(core, seed)
        assert rows(slow) == rows(fast)
        assert slow_said == fast_said
        expected = slow_matrix(rows(slow), domain_names(slow))
        matrix = cs.Contagion.of(fast)
        found = {
            (source, target): matrix.count(source, target)
            for source in matrix.sources
            for target in matrix.domains
            if matrix.count(source, target)
        }
        assert found == dict(expected)
        spread += int(matrix.between.sum())
    # the histories are such that something spreads
    assert spread > 0
