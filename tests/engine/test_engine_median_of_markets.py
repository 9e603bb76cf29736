"""An index that is the median of several markets' marks, formed again with each of them; hand numbers."""

import random

import pytest
from engine_kit import BUY, KINDS, SELL, STOP, STOP_ON_MARK, TWIN, core_kit, pick, rows

import cascade as cs


def venues(kit, prices, **keywords):
    """Markets named A, B, ... at these prices; each loses a tick a lot sold."""
    engine = kit.engine(**keywords)
    names = "ABCDEFG"[: len(prices)]
    for name, price in zip(names, prices, strict=True):
        market = kit.market(engine, name, rules={"feed": "last"}, venue=kit.linear(1, 1))
        if price:
            market.set_index(price)
    return engine, tuple(names)


def median_of(kit, engine, names, feed="index", **rules):
    return kit.market(engine, "M", rules={"feed": feed, **rules}, follows=names)


@pytest.mark.parametrize(
    ("prices", "expected"),
    [
        ((100,), 100),
        ((100, 103), 101),  # the mean of two, rounded down
        ((103, 100), 101),
        ((90, 200, 100), 100),
        ((90, 200, 100, 105), 102),
        ((7, 5, 5, 5, 9), 5),
        ((100, 0, 104), 102),  # one has no mark yet
        ((0, 50, 0), 50),
    ],
)
def test_of_how_many(kit, prices, expected):
    engine, names = venues(kit, prices)
    market = median_of(kit, engine, names)
    assert (market.index, market.mark) == (expected, expected)
    engine.validate()


def test_none_before_one_has_a_mark(kit):
    engine, names = venues(kit, (0, 0, 0))
    market = median_of(kit, engine, names)
    assert market.mark in (0, None)
    engine.market("B").set_index(40)
    assert market.mark == 40


def test_it_moves_when_the_median_does(kit):
    engine, names = venues(kit, (1000, 1010, 1020))
    market = median_of(kit, engine, names)
    start = len(engine.events)
    kit.trade(engine, engine.market("A"), SELL, 100)
    # the lowest falls further: nothing was said about the median
    assert market.mark == 1010
    assert rows(engine, "index", start) == []
    kit.trade(engine, engine.market("B"), SELL, 30)
    assert market.mark == 980
    found = rows(engine, start=start)[-5:]
    kinds = [row["kind"] for row in found]
    assert kinds == [KINDS[name] for name in ("order", "fill", "mark", "index", "mark")]
    at = len(engine.events) - 5
    assert pick(found[2:], "market", "price", "money", "cause", "wave") == [
        (1, 980, 1010, at, 0),
        (3, 980, 0, at + 2, 0),
        (3, 980, 1010, at + 3, 0),
    ]
    # the highest falls through all of them
    kit.trade(engine, engine.market("C"), SELL, 500)
    assert market.mark == 900


def test_a_forced_sale_in_one_venue_makes_due_what_stands_at_the_median(kit):
    engine, names = venues(kit, (1000, 1000, 1000))
    market = median_of(kit, engine, names)
    engine.market("A").book.apply(kit.messages([{"kind": 2, "side": SELL, "size": 100}]))
    assert market.mark == 1000
    # a position in B that is due sells 30 there; the median falls to 970, where one of M is due
    b = engine.market("B")
    engine.accounts.open_ladder(b, side="long", size=[30], trigger=[995], bankruptcy=900)
    engine.accounts.open_ladder(market, side="long", size=[1], trigger=[975], bankruptcy=900)
    market.book.load_depth([(960, 5)], [(1100, 5)])
    sale = [("B", kit.messages([{"kind": 2, "side": SELL, "size": 5}]))]
    result = engine.step(orders=sale)
    assert (result.liquidated, result.waves, market.mark) == (2, 2, 965)
    first, second = rows(engine, "liquidation")
    assert (first["market"], first["wave"], second["market"], second["wave"]) == (1, 1, 3, 2)
    events, causes = rows(engine), [second["cause"]]
    while causes[-1] >= 0:
        causes.append(events[causes[-1]]["cause"])
    kinds = [events[cause]["kind"] for cause in causes[:-1]]
    expected = ("mark", "index", "mark", "liquidation", "mark", "order")
    assert kinds == [KINDS[name] for name in expected]
    assert events.index(first) in causes
    engine.validate()


def test_several_named_at_once_in_market_order(kit):
    engine, names = venues(kit, (1000, 1000, 1000))
    market = median_of(kit, engine, names)
    start = len(engine.events)
    engine.step(index={"C": 700, "A": 800, "B": 900})
    # 800, 1000, 1000; then 800, 900, 1000; then 700, 800, 900
    assert pick(rows(engine, "index", start), "market", "price") == [
        (0, 800),
        (1, 900),
        (3, 900),
        (2, 700),
        (3, 800),
    ]
    assert market.mark == 800


def test_stops_fire_and_followers_of_a_median_follow(kit):
    engine, names = venues(kit, (1000, 1000, 1000))
    market = median_of(kit, engine, names)
    market.book.load_depth(bids=[(940, 50)], asks=[(1050, 50)])
    second = kit.market(engine, "SECOND", rules={"feed": "index"}, follows="M")
    again = kit.market(engine, "AGAIN", rules={"feed": "index"}, follows=["M", "A", "SECOND"])
    kit.send(engine, market, kind=STOP, side=SELL, size=3, extra=960, flags=STOP_ON_MARK)
    for name in "AC":
        assert rows(engine, "trigger") == []
        kit.trade(engine, engine.market(name), SELL, 50)
    assert pick(rows(engine, "trigger"), "market", "price", "wave") == [(3, 960, 1)]
    assert rows(engine, "fill")[-1]["price"] == 940
    assert (market.mark, second.mark, again.mark) == (950, 950, 950)


def test_of_averages_over_a_window(kit):
    engine = kit.engine()
    rules = {"feed": "twap", "average_time": 10, "average_of": "last"}
    for name in "ABC":
        kit.market(engine, name, rules=rules, venue=kit.linear(1, 1)).set_index(1000)
    market = median_of(kit, engine, ["A", "B", "C"])
    engine.step(dt=10)
    for name in "AB":
        kit.trade(engine, engine.market(name), SELL, 100)
    assert market.mark == 1000
    engine.step(dt=1)
    assert market.mark == 990
    # both means move when time passes, with the first the median stays
    assert [row["market"] for row in rows(engine, "mark")][-3:] == [0, 1, 3]


def test_over_a_window_and_at_once(kit):
    engine, names = venues(kit, (1000, 1000, 1000))
    at_once = median_of(kit, engine, names)
    rules = {"feed": "twap", "average_time": 10, "average_of": "index"}
    mean = kit.market(engine, "MEAN", rules=rules, follows=names)
    engine.step(dt=10)
    for name in "AB":
        kit.trade(engine, engine.market(name), SELL, 100)
    assert (at_once.mark, mean.index, mean.mark) == (900, 900, 1000)
    engine.step(dt=4)
    assert (at_once.mark, mean.mark) == (900, 960)


def test_a_lender_reads_it(kit):
    engine, names = venues(kit, (1000, 1000, 1000))
    median_of(kit, engine, names)
    bank = engine.lending.add("bank", rules=kit.lending.LendingRules())
    bank.add_reserve("ETH", price="M", venue="C", liquidation_threshold="0.8")
    bank.add_reserve("USD")
    bank["USD"].supply(100_000)
    # due below 7860 / 8 = 982.5
    bank.open(collateral={"ETH": [10]}, debt={"USD": [7860]})
    kit.trade(engine, engine.market("A"), SELL, 100)
    assert engine.step().liquidated == 0
    kit.trade(engine, engine.market("B"), SELL, 20)
    assert engine.step().liquidated == 1
    assert (980, 1000) in pick(rows(engine, "oracle"), "price", "money")
    engine.validate()


@pytest.mark.parametrize("feed", ["last", "index", "median"])
@pytest.mark.parametrize("execution", ["sequential", "batch"])
def test_unit_of_all_markets_falls_once(kit, feed, execution):
    engine, names = venues(kit, (1000, 1000, 1000), execution=execution)
    market = kit.market(engine, "M", rules={"feed": feed}, venue=kit.linear(1, 1), follows=names)
    all_of = [engine.market(name) for name in names] + [market]
    both = engine.accounts.create(3, balance=800)
    for one in all_of:
        engine.accounts.open(
            one, side="long", size=2, entry=1000, leverage=100, mode="cross", account=both
        )
    for one in all_of:
        engine.accounts.open_ladder(one, side="long", size=40, trigger=[950], bankruptcy=900)
    result = engine.step(index={"A": 949, "B": 948})
    assert result.liquidated >= 3
    engine.validate()


def test_refusals(kit):
    engine, names = venues(kit, (1000, 1000, 1000))
    market = median_of(kit, engine, names)
    for give in (lambda: market.set_index(5), lambda: engine.step(index={"M": 5})):
        with pytest.raises(ValueError, match="follows"):
            give()
    assert market.mark == 1000

    def refused(match, follows, kind=ValueError, **keywords):
        count, before = len(engine.events), engine.state_hash()
        with pytest.raises(kind, match=match):
            kit.market(engine, "X", follows=follows, **keywords)
        assert (len(engine.events), engine.state_hash()) == (count, before)

    refused("outside 1 ... 64", [])
    refused("twice", ["A", "B", "A"])
    refused("'?nowhere'?", ["A", "nowhere"], (KeyError, ValueError))
    # a market cannot follow itself, nor one that is made later: no circle
    refused("'?X'?", ["A", "X"], (KeyError, ValueError))
    refused("'A'", ["A", "B"], tick_size=2)
    refused("index_delay", ["A", "B"], rules={"index_delay": 1})
    refused("stale_after", ["A", "B"], rules={"stale_after": 1})
    lending = engine.lending.add("bank")
    lending.add_reserve("A", price="A", liquidation_threshold="0.8")
    refused("side", ["B", lending["A"].supplied_side.name])
    for k in range(61):
        kit.market(engine, f"more {k}", rules={"feed": "index"}).set_index(2000 + k)
    many = [f"more {k}" for k in range(61)] + ["A", "B", "C"]
    refused("65 markets, outside 1 ... 64", [*many, "M"])
    # of 64 the 32nd and 33rd: three of 1000 and 29 from 2000 on
    last = kit.market(engine, "LAST", rules={"feed": "index"}, follows=many)
    assert last.mark == (2028 + 2029) // 2
    engine.validate()


def test_where_positions_no_longer_fit():
    engine = cs.Engine(asset_decimals=0)
    rules = cs.Rules(tiers=((0, 0),), feed="index")
    for name in "ABC":
        engine.add_market(name, tick_size=1, lot_size=1, rules=rules).set_index(1000)
    market = engine.add_market("M", tick_size=1, lot_size=1, rules=rules, follows=list("ABC"))
    engine.accounts.open(market, side="long", size=2**40, entry=1000, leverage=1)
    engine.step(index={"A": 2000, "B": 2000})
    # 2**40 lots at 2**30 ticks are beyond 64 bits: the highest price that entered stands in
    engine.step(index={"A": 2**30, "B": 2**30})
    assert (market.index, market.mark) == (2000, 2000)
    engine.step(index={"A": 1500})
    assert market.mark == 1500
    engine.validate()


def test_attributes():
    engine = cs.Engine(asset_decimals=0)
    for name in "AB":
        engine.add_market(name, tick_size=1, lot_size=1)
    both = engine.add_market("M", tick_size=1, lot_size=1, follows=(engine["A"], "B"))
    one = engine.add_market("ONE", tick_size=1, lot_size=1, follows=["B"])
    assert (both.sources, both.follows) == ((engine["A"], engine["B"]), None)
    assert (one.sources, one.follows) == ((engine["B"],), engine["B"])
    assert (engine["A"].sources, engine["A"].follows) == ((), None)


def test_copy_and_file_go_on_alike(tmp_path):
    engine = cs.Engine(asset_decimals=0)
    for name, base in (("A", 1000), ("B", 900), ("C", 2000)):
        pool = cs.ConstantProduct(base, base * 1000)
        rules = cs.Rules(feed="twap", average_time=5, average_of="last", tiers=((0, 0),))
        engine.add_market(name, tick_size=1, lot_size=1, venue=pool, rules=rules)
    market = engine.add_market(
        "M",
        tick_size=1,
        lot_size=1,
        venue=cs.Impact.linear(1),
        rules=cs.Rules(feed="last", tiers=((0, 0),)),
        follows=("A", "B", "C"),
    )
    engine.accounts.open_ladder(market, side="long", size=4, trigger=[980, 970], bankruptcy=900)
    engine.step()
    engine["A"].book.market("sell", 12)
    engine.step(dt=2)
    engine.save(tmp_path / "engine.npz")
    others = [engine.copy(), cs.Engine.load(tmp_path / "engine.npz")]
    assert {other.state_hash() for other in others} == {engine.state_hash()}
    hashes = set()
    for one in [engine, *others]:
        assert one["M"].sources == (one["A"], one["B"], one["C"])
        one["C"].book.market("sell", 60)
        one.step(dt=3)
        hashes.add((one.state_hash(), one.event_count, one["M"].mark))
    assert len(hashes) == 1
    assert engine["M"].mark < 1000


# --- random worlds ---------------------------------------------------------------------------------


def random_history(kit, seed):
    """Venues and a chain of medians over them, with positions in all of them."""
    draw = random.Random(seed)
    engine = kit.engine(asset_decimals=4, execution=draw.choice(["sequential", "batch"]))
    grid = {"tick_size": 0.1, "lot_size": 0.01}
    names = []
    for name in "ABCDEF"[: draw.randint(3, 6)]:
        follows = None
        if len(names) > 1 and draw.random() < 0.5:
            follows = draw.sample(names, draw.randint(1, len(names)))
        feed = draw.choice(["last", "last", "mid", "index", "median", "twap", "ema"])
        rules = {"feed": feed, "tiers": ((0, "0.01"),), "average_time": draw.choice([1, 4])}
        rules |= {
            "average_of": draw.choice(["mid", "last", "index"]),
            "observations": draw.choice([2, 99]),
        }
        shape = draw.choice(["impact", "impact", "book"])
        venue = kit.linear(1, draw.choice([1, 3, 9]), tick=10)
        market = kit.market(
            engine, name, rules=rules, venue="book" if shape == "book" else venue,
            follows=follows, **grid,
        )  # fmt: skip
        if shape == "book":
            quotes = [(k, draw.randint(5, 90) / 100) for k in range(1, 30)]
            market.book.load_depth(
                bids=[(200 - k, size) for k, size in quotes],
                asks=[(200 + k, size) for k, size in quotes],
            )
        if follows is None:
            market.set_index(200)
        names.append(name)
        if market.mark:
            engine.accounts.open(
                market, side="long", size=[draw.randint(1, 90) / 100 for _ in range(6)], entry=200,
                leverage=[draw.randint(4, 40) for _ in range(6)],
            )  # fmt: skip
    both = engine.accounts.create(4, balance=20)
    for name in names:
        engine.accounts.open(engine.market(name), side=draw.choice(["long", "short"]), size=0.3,
                             entry=200, leverage=20, mode="cross", account=both)  # fmt: skip
    free = [name for name in names if not sources_of(engine.market(name))]
    said = []
    for _ in range(10):
        index = {name: draw.randint(170, 215) for name in free if draw.random() < 0.4}
        orders = []
        if draw.random() < 0.7:
            sale = {"kind": 2, "side": draw.choice([BUY, SELL, SELL]), "size": draw.randint(1, 300)}
            orders = [(draw.choice(names), kit.messages([sale]))]
        result = engine.step(index=index, orders=orders, dt=draw.choice([0, 1, 3]))
        engine.validate()
        said.append((result.liquidated, result.notional_atoms, result.pending))
    return engine, said


def sources_of(market):
    return market.follows if isinstance(market.follows, tuple) else market.sources


@pytest.mark.parametrize("block", range(4))
def test_random_worlds_alike(block):
    core = core_kit()
    if core is None:
        pytest.skip("cascade.Engine cannot be imported: the compiled engine is not built")
    liquidated = 0
    for seed in range(15 * block, 15 * block + 15):
        slow, slow_said = random_history(TWIN, seed)
        fast, fast_said = random_history(core, seed)
        assert rows(slow) == rows(fast), seed
        assert slow_said == fast_said
        assert slow.state_hash() == fast.state_hash()
        copied = fast.copy()
        copied.validate()
        assert copied.state_hash() == fast.state_hash()
        liquidated += sum(said[0] for said in slow_said)
    assert liquidated > 20
