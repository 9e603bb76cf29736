"""Pools as venues: values worked by hand, on the twin and on the compiled engine, and both on histories."""

import random
from fractions import Fraction
from math import isqrt

import numpy as np
import pytest
from engine_kit import BUY, FOK, GTC, IOC, LIMIT, SELL, TWIN, core_kit, pick, rows

LIQUIDITY_FIELDS = ("price", "quantity", "money", "code")


def pool_market(kit, stated=None, engine=None, **rules):
    engine = engine or kit.engine()
    stated = stated or kit.pools.ConstantProduct(1000, 2_000_000)
    return engine, kit.market(engine, venue=stated, rules={"feed": "last", **rules})


def test_a_pool_has_a_price_before_anything_trades(kit):
    engine, market = pool_market(kit)
    assert market.last == market.mark == 2000
    assert pick(rows(engine), "kind", "price") == [(4, 2000)]


def test_a_sale_gets_its_exact_atoms(kit):
    # 2,000,000 * 49.85 / 1049.85 = 94,965.9; (2,000,000 - 94,965) / 1050 = 1814.3
    engine, market = pool_market(kit)
    kit.trade(engine, market, SELL, 50)
    assert pick(rows(engine, "fill"), "quantity", "price", "money") == [(50, 1899, 94_965)]
    assert market.last == market.mark == 1814
    assert market.outside == (0, 0)  # outside sold and, as the pool, bought
    assert market.pool.numbers()[3:8] == [1000, 2_000_000, 50, -94_965, 0]
    engine.validate()


def test_a_purchase_pays_its_exact_atoms(kit):
    # 2,000,000 * 50 * 1000 / (950 * 997) = 105,579.9, and one more
    engine, market = pool_market(kit)
    kit.trade(engine, market, BUY, 50)
    assert pick(rows(engine, "fill"), "price", "money") == [(2112, 105_580)]
    # 2,105,580 / 950 = 2216.4
    assert market.last == 2216
    assert kit.trade(engine, market, BUY, 950) == 0
    # the last lot is not for sale
    assert market.pool.numbers()[8] == 1
    engine.validate()


def test_a_limit_fills_what_averages_at_it_or_better(kit):
    # n * 1899 <= 997 n * 2,000,000 / (1,000,000 + 997 n), that is n <= 50.16; floor values agree
    engine, market = pool_market(kit)
    assert kit.limit(engine, market, SELL, 1899, 200, time_in_force=IOC) == 0
    fill = rows(engine, "fill")[0]
    sold = fill["quantity"]
    out = 997 * sold * 2_000_000 // (1_000_000 + 997 * sold)
    assert sold == 50 and fill["money"] == out and out // sold == 1899
    engine, market = pool_market(kit)
    assert kit.limit(engine, market, SELL, 1899, 51, time_in_force=FOK) == 14
    assert kit.limit(engine, market, SELL, 1899, 50, time_in_force=FOK) == 0
    assert kit.limit(engine, market, BUY, 1, 5, time_in_force=IOC) == 0
    assert kit.limit(engine, market, BUY, 5000, 5, time_in_force=GTC) == 18


def test_a_forced_sale_fills_at_its_exact_value(kit):
    # a long of 10 from 2000 with 1000 of margin: bankrupt below 1900
    engine, market = pool_market(kit, taker_fee="0.001")
    engine.fund_deposit(1000)
    engine.accounts.open(market, side="long", size=10, entry=2000, margin=1000)
    kit.trade(engine, market, SELL, 30)
    result = engine.step()
    first = 30 * 997 * 2_000_000 // (1_000_000 + 30 * 997)
    left = 2_000_000 - first
    second = 10 * 997 * left // (1_030_000 + 10 * 997)
    fee = -(-second // 1000)
    assert result.liquidated == 1
    assert rows(engine, "fill")[-1]["money"] == second
    # the fund pays what the margin does not: equity is 1000 + second - 20,000 - fee
    assert result.fund_paid_atoms == -(1000 + second - 20_000 - fee)
    assert market.outside == (0, 0) or market.outside[0] == 0
    engine.validate()


def test_a_forced_sale_stops_at_the_bankruptcy_price(kit):
    engine, market = pool_market(kit, liquidation_order="bankruptcy", tiers=((0, "0.02"),))
    engine.fund_deposit(100_000)
    engine.accounts.open(market, side="long", size=200, entry=2000, margin=20_000)
    kit.trade(engine, market, SELL, 20)
    engine.step()
    (fill,) = rows(engine, "fill")[1:]
    # bankrupt at 1900: what averages lower is taken over
    assert 0 < fill["quantity"] < 200
    assert fill["money"] >= 1900 * fill["quantity"]
    assert market.house[0] == 200 - fill["quantity"]
    engine.validate()


def test_liquidity_comes_and_goes_in_proportion(kit):
    engine, market = pool_market(kit)
    shares = isqrt(1000 * 2_000_000)
    assert market.pool.shares == shares
    start = len(engine.events)
    added = market.pool.add_liquidity(shares // 2)
    # reserves in the shares' proportion, rounded up: (shares // 2) / shares of 1000 and of 2,000,000
    assert added == (shares // 2, 500, -(-2_000_000 * (shares // 2) // shares))
    gone = market.pool.remove_liquidity(shares // 2)
    assert gone.base_lots <= added.base_lots and gone.quote_atoms <= added.quote_atoms
    events = rows(engine, "liquidity", start)
    assert pick(events, *LIQUIDITY_FIELDS) == [
        (2000, 500, added.quote_atoms, 0),
        # 1001 lots are left of 1500, and as many atoms as at first and one
        (1998, -gone.base_lots, -gone.quote_atoms, 0),
    ]
    for wrong in (0, market.pool.shares):
        with pytest.raises(ValueError, match="shares"):
            market.pool.remove_liquidity(wrong)
    engine.validate()


def test_a_thinner_pool_falls_further(kit):
    lows = []
    for kept in (1, 2, 4):
        engine, market = pool_market(kit, kit.pools.ConstantProduct(4000, 8_000_000))
        if kept < 4:
            market.pool.remove_liquidity(market.pool.shares * (4 - kept) // 4)
        kit.trade(engine, market, SELL, 100)
        lows.append(market.last)
    assert lows == sorted(lows) and lows[0] < lows[2]


def test_providers_flee_from_a_fall(kit):
    # half of them leave 10 % below the highest price; the next fall is counted from there
    engine, market = pool_market(
        kit, kit.pools.ConstantProduct(10_000, 20_000_000, flee=("0.1", "0.5"))
    )
    for _ in range(3):
        kit.trade(engine, market, SELL, 300)
    events = rows(engine, "liquidity")
    # 2000 -> 1886 -> 1781, and 1800 is 10 % below; half the pool falls from 1781 to 1595 by the next 300
    assert pick(events, "code") == [(1,), (1,)]
    shares, lots = isqrt(200_000_000_000), 10_600
    for event in events:
        gone = lots * (shares // 2) // shares
        assert event["quantity"] == -gone
        shares, lots = shares - shares // 2, lots - gone + 300
    fill = rows(engine, "fill")[1]
    assert events[0]["cause"] == rows(engine).index(fill)
    assert market.pool.numbers()[0] == 0
    engine.validate()


def test_ranges_are_crossed_and_end(kit):
    # two ranges of liquidity 100,000: 100 ... 400 and 400 ... 900, and the price at 400
    stated = kit.pools.Concentrated(400, ((100, 400, 100_000), (400, 900, 100_000)), fee="0")
    engine, market = pool_market(kit, stated)
    # roots: L / 30 = 3333 and L / 20 = 5000 lots, L * 10, L * 20 atoms; upper range all base
    assert market.pool.numbers()[8:] == [
        0, 1_000_000, 5000, 1_000_000,
        5000 - 3333, 0, 3333, 2_000_000,
    ]  # fmt: skip
    assert market.last == 400
    kit.trade(engine, market, SELL, 1000)
    # (5000 + 1000) lots: 2,000,000 * 1000 / 6000 = 333,333
    assert rows(engine, "fill")[0]["money"] == 333_333
    assert market.last == round(1_666_667 / 6000)
    kit.trade(engine, market, SELL, 100_000)
    # all the quote there was, for the lots it takes: 6000 * 666,667 / 1,000,000 = 4000.002, and one more
    assert pick(rows(engine, "fill"), "quantity", "money")[1] == (4001, 666_667)
    assert market.last == 100
    kit.trade(engine, market, BUY, 10**6)
    filled = rows(engine, "fill")[2]
    assert filled["quantity"] == 5001 + 1667
    assert market.last == 900
    engine.validate()


def test_the_price_rests_where_the_last_lot_traded(kit):
    # roots of 400, 900 and 901: 1000 / 20 - 33 lots, then none, as 1000 / 30 and 1000 / 30.02 are both 33
    ranges = ((100, 400, 1000), (400, 900, 1000), (900, 901, 1000))
    engine, market = pool_market(kit, kit.pools.Concentrated(400, ranges, fee="0"))
    kit.trade(engine, market, BUY, 10**6)
    # 20,000 * 17 / 33 and one more; (20,000 + 10,304) / 33 = 918.3
    assert pick(rows(engine, "fill"), "quantity", "money") == [(17, 10_304)]
    assert market.last == 918
    engine.validate()


def test_a_purchase_beyond_all_money_is_none(kit):
    # nine tenths would bring the quote to ten times 2**57; half of it to twice that, within 2**60
    engine, market = pool_market(kit, kit.pools.ConstantProduct(2**30, 2**57, fee="0"))
    before = market.pool.numbers()
    kit.trade(engine, market, BUY, 2**30 // 10 * 9)
    assert market.pool.numbers() == before
    kit.trade(engine, market, BUY, 2**29)
    # 2**57 * 2**29 / 2**29, and one more
    assert market.pool.numbers()[6] == 2**57 + 1
    engine.validate()


def test_ranges_put_their_fees_aside(kit):
    stated = kit.pools.Concentrated(400, ((100, 900, 100_000),), fee="0.01")
    engine, market = pool_market(kit, stated)
    kit.trade(engine, market, SELL, 1000)
    # 333,333 less ceil(1 %) = 3334
    assert rows(engine, "fill")[0]["money"] == 333_333 - 3334
    assert market.pool.numbers()[7] == 3334
    kit.trade(engine, market, BUY, 1000)
    # 1,666,667 * 1000 / 5000 and one more, then 1 / 99 of it, rounded up
    assert rows(engine, "fill")[1]["money"] == 333_334 + 3368
    assert market.pool.numbers()[7] == 3334 + 3368
    engine.validate()


def test_a_stableswap_is_flat_near_its_peg(kit):
    # the published swap: 0.1 of 1 and 1 at amplification 50 gives 0.0997026 after 0.1 %, at 10**9 units
    unit = 10**9
    stated = kit.pools.Stableswap(unit, unit, 50, 1, fee="0.001")
    engine, market = pool_market(kit, stated)
    assert market.last == 1
    kit.trade(engine, market, SELL, unit // 10)
    # 99702611.562565289 in whole units, a unit or two against the trader
    money = rows(engine, "fill")[0]["money"] if rows(engine, "fill") else 0
    assert money == 0  # below one tick: a price of less than 1 is none
    stated = kit.pools.Stableswap(10**6, 10**9, 50, 1000, fee="0.001")
    engine, market = pool_market(kit, stated)
    assert market.last == 1000
    kit.trade(engine, market, SELL, 10**5)
    money = rows(engine, "fill")[0]["money"]
    assert 99_702_608 <= money <= 99_702_611
    assert 990 <= market.last < 1000
    kit.trade(engine, market, BUY, 10**5)
    assert market.last == 1000
    engine.validate()


def test_outside_prices_move_no_pool(kit):
    engine, market = pool_market(kit)
    market.set_index(1500)
    engine.step()
    assert market.last == market.mark == 2000
    # who buys what is cheap brings it to the index, as on any curve
    engine.residents.add(kit.residents.Arbitrageur(market="X", deposit=10**6, size=20))
    for _ in range(30):
        engine.step(index={"X": 1500})
    assert 1490 <= market.last <= 1525
    engine.validate()


@pytest.mark.parametrize(
    "make",
    [
        lambda p: p.ConstantProduct(1000, 2_000_000),
        lambda p: p.Concentrated(400, ((100, 900, 10**5),)),
        lambda p: p.Stableswap(10**6, 10**9, 85, 1000),
    ],
)
def test_a_history_costs_a_trader_and_never_the_reserves(kit, make):
    engine, market = pool_market(kit, make(kit.pools))
    for lots in (70, 13, 1, 250):
        for side in (SELL, BUY):
            kit.trade(engine, market, side, lots)
    numbers = market.pool.numbers()
    # as many lots as before, and more money
    assert numbers[5] == 0
    assert numbers[6] > 0
    engine.validate()


# ---------------------------------------------------------------- twin and core on random histories


def _stated(pools, rng):
    flee = rng.choice([None, ("0.05", "0.3"), ("0.2", "0.9")])
    fee = rng.choice(["0", "0.003", "0.05", "0.000001"])
    kind = rng.randrange(3)
    if kind == 0:
        base = rng.randrange(2, 10**6)
        return pools.ConstantProduct(base, base * rng.randrange(1, 3000), fee=fee, flee=flee)
    if kind == 1:
        ends = sorted(rng.sample(range(1, 3000), 4))
        ranges = [(ends[0], ends[2], rng.randrange(10**4, 10**7))]
        ranges += [(ends[1], ends[3], rng.randrange(10**4, 10**7))]
        ranges += [(ends[3] + 10, ends[3] + 500, 10**5)]
        price = rng.randrange(1, 3500)
        return pools.Concentrated(price, tuple(ranges), fee=fee, flee=flee)
    base, peg = rng.randrange(100, 10**6), rng.randrange(1, 2000) * rng.choice([1, 1, 10**5])
    quote = max(1, base * peg * rng.randrange(1, 400) // 100)
    amplification = rng.choice([1, "2.5", 85, 2000])
    return pools.Stableswap(base, quote, amplification, peg, fee=fee, flee=flee)


def _act(engine, market, kit, rng):
    what = rng.random()
    if what < 0.5:
        kind = rng.choice([LIMIT, 2])
        fields = {"time_in_force": rng.choice([IOC, FOK])} if kind == LIMIT else {}
        fields["price"] = max(1, int(market.last * rng.uniform(0.8, 1.2))) if kind == LIMIT else 0
        held = len(engine.accounts.equity) if rng.random() < 0.3 else 0
        side, size = rng.randrange(2), int(10 ** rng.uniform(0, 6))
        if side == BUY and kind != LIMIT:
            # to buy a pool empty takes its price to the end of the range of ticks
            size = max(1, min(size, sum(market.pool.numbers()[8::4]) // 3))
        kit.send(
            engine, market, kind=kind, side=side, size=size,
            account=rng.randrange(held) if held else -1, **fields,
        )  # fmt: skip
    elif what < 0.7:
        price = max(2, int(market.last))
        size = int(10 ** rng.uniform(0, 4))
        engine.accounts.open(
            market, side=rng.choice(["long", "short"]), size=size, entry=price,
            margin=max(1, int(size * price * rng.uniform(0.01, 0.5))),
        )  # fmt: skip
    elif what < 0.8:
        share = rng.randrange(1, max(2, market.pool.shares))
        if rng.random() < 0.5:
            market.pool.add_liquidity(share)
        elif share < market.pool.shares:
            market.pool.remove_liquidity(share)
    elif what < 0.9:
        engine.step(index={"X": max(1, int(market.last * rng.uniform(0.9, 1.1)))})
    else:
        engine.step()


@pytest.mark.parametrize("seed", range(40))
def test_twin_and_core_agree(seed):
    core = core_kit()
    if core is None:
        pytest.skip("the compiled engine is not built")
    engines = []
    for kit in (TWIN, core):
        rng = random.Random(seed)
        rules = {
            "tiers": ((0, "0.02"),),
            "feed": rng.choice(["last", "mid", "median"]),
            "liquidation_order": rng.choice(["market", "bankruptcy"]),
            "taker_fee": "0.0005",
        }
        engine = kit.engine(execution=rng.choice(["sequential", "batch"]))
        engine.fund_deposit(10**6)
        _, market = pool_market(kit, _stated(kit.pools, rng), engine, **rules)
        engines.append((kit, engine, market, rng))
    for _ in range(60):
        hashes = []
        for kit, engine, market, rng in engines:
            _act(engine, market, kit, rng)
            hashes.append(engine.state_hash())
        ours, theirs = (engine.events for _, engine, _, _ in engines)
        for name in ours.dtype.names:
            assert np.array_equal(ours[name], theirs[name]), name
        assert engines[0][2].pool.numbers() == engines[1][2].pool.numbers()
        assert hashes[0] == hashes[1]
        for _, engine, _, _ in engines:
            engine.validate()


# ---------------------------------------------------------------- the compiled engine alone


def _cascade():
    import cascade as cs

    return cs


@pytest.mark.parametrize("kind", range(3))
def test_copies_and_files_go_on_alike(tmp_path, kind):
    cs = _cascade()
    stated = [
        cs.ConstantProduct(1000, "2_000_000", flee=("0.05", "0.25")),
        cs.Concentrated(2000, ((1000, 3000, 50_000), (1500, 2500, 10_000))),
        cs.Stableswap(1000, 2_000_000, 100, peg=2000),
    ][kind]
    engine = cs.Engine(asset_decimals=4)
    engine.fund_deposit(1_000_000)
    rules = cs.Rules(tiers=[(0, "0.01")], feed="last")
    market = engine.add_market("P", tick_size="0.01", lot_size="0.01", rules=rules, venue=stated)
    engine.accounts.open(market, side="long", size=[5, 7], entry=2000, leverage=[8, 12])
    market.book.market("sell", 20)
    market.pool.add_liquidity(market.pool.shares_of("0.1"))
    path = tmp_path / "engine.npz"
    engine.save(path)
    for other in (engine.copy(), cs.Engine.load(path)):
        assert other.state_hash() == engine.state_hash()
        for one in (engine.copy(), other):
            one["P"].book.market("sell", 100)
            one.step()
            one.validate()
        ours, theirs = engine.copy(), other
        ours["P"].book.market("sell", 100)
        ours.step()
        assert ours.state_hash() == theirs.state_hash()
        assert np.array_equal(ours.events, theirs.events)
    assert cs.Engine.load(path)["P"].pool.numbers() == market.pool.numbers()


def test_units_are_those_of_the_market():
    cs = _cascade()
    engine = cs.Engine()
    market = engine.add_market(
        "ETH", tick_size="0.01", lot_size="0.001", venue=cs.ConstantProduct(1000, 2_000_000)
    )
    assert market.mark == 2000
    assert market.pool.reserves == (1000, 2_000_000)
    sold = market.book.market("sell", 50)
    assert sold.filled == 50_000
    event = engine.events[engine.events["kind"] == cs.EventKind.FILL][0]
    # 94,965.947516 of A01, in whole millionths rounded down
    assert event["money"] == 94_965_947_516
    assert market.mark == 1814.32
    assert Fraction(market.pool.reserves_atoms, 10**6) == 2_000_000 - Fraction(
        94_965_947_516, 10**6
    )


@pytest.mark.parametrize(
    ("error", "words", "make"),
    [
        (ValueError, "base 0 is not above 0", lambda cs: cs.ConstantProduct(0, 1)),
        (ValueError, "fee 1 is outside", lambda cs: cs.ConstantProduct(1, 1, fee=1)),
        (ValueError, "flee", lambda cs: cs.ConstantProduct(1, 1, flee=(1, "0.5"))),
        (TypeError, "flee must be", lambda cs: cs.ConstantProduct(1, 1, flee=0.5)),
        (ValueError, "ranges \\(\\) is empty", lambda cs: cs.Concentrated(1, ())),
        (ValueError, "is empty", lambda cs: cs.Concentrated(1, ((2, 2, 1),))),
        (ValueError, "amplification", lambda cs: cs.Stableswap(1, 1, "0.5")),
        (ValueError, "above 2\\*\\*126", lambda cs: cs.ConstantProduct(10**16, 10**18)),
        (ValueError, "outside 1 ...", lambda cs: cs.ConstantProduct(10**19, 1)),
        (ValueError, "beyond 1000 to 1", lambda cs: cs.Stableswap(1, 2000, 5)),
        (ValueError, "above 1125899906842624", lambda cs: cs.Stableswap(10**15, 10**15, 5)),
    ],
)
def test_refusals_name_the_field(error, words, make):
    cs = _cascade()
    engine = cs.Engine(asset_decimals=0)
    with pytest.raises(error, match=words):
        engine.add_market("X", tick_size=1, lot_size=1, venue=make(cs))
    assert not engine.markets


def test_what_a_pool_does_not_do():
    cs = _cascade()
    engine = cs.Engine(asset_decimals=0)
    with pytest.raises(ValueError, match="linear"):
        engine.add_market(
            "I", tick_size=1, lot_size=1, contract="inverse", venue=cs.ConstantProduct(9, 9)
        )
    pool = engine.add_market("P", tick_size=1, lot_size=1, venue=cs.ConstantProduct(9, 9))
    book = engine.add_market("B", tick_size=1, lot_size=1)
    with pytest.raises(ValueError, match="no pool"):
        _ = book.pool
    with pytest.raises(ValueError, match="curve"):
        pool.book.load_depth([(1, 1)], [])
    with pytest.raises(ValueError, match="needs a book"):
        engine.residents.add(cs.MarketMaker(market="P", depth=((1, 1),), deposit=10))
