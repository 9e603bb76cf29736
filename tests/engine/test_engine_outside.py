"""Prices from outside that come late, samples of the basis, impact prices; numbers worked by hand."""

from fractions import Fraction

import pytest
from engine_kit import BUY, pick, rows

import cascade as cs
from cascade import funding


def delayed(kit, delay=2, **rules):
    engine = kit.engine()
    market = kit.market(engine, rules={"feed": "index", "index_delay": delay, **rules})
    market.set_index(100)
    return engine, market


def test_an_index_is_believed_after_its_delay(kit):
    engine, market = delayed(kit)
    assert market.mark == 100
    engine.step(index={"X": 90}, dt=1)
    engine.step(index={"X": 80}, dt=1)
    assert (market.index, market.mark) == (100, 100)
    # 90 was given at 1 s and is believed at 3 s, 80 at 4 s
    engine.step(dt=1)
    assert (market.index, market.mark) == (90, 90)
    engine.step(dt=1)
    assert market.mark == 80
    engine.step(dt=50)
    assert pick(rows(engine, "index"), "time", "price") == [
        (0, 100), (3 * 10**9, 90), (4 * 10**9, 80),
    ]  # fmt: skip
    assert [row["price"] for row in rows(engine, "mark")] == [100, 90, 80]


def test_of_several_that_come_due_the_newest_is_believed(kit):
    engine, _ = delayed(kit)
    engine.step(index={"X": 90}, dt=1)
    engine.step(index={"X": 80}, dt=1)
    engine.step(index={"X": 70}, dt=0)
    engine.step(dt=10)
    # 70 took the place of 80, which was given at the same time
    assert [row["price"] for row in rows(engine, "index")] == [100, 70]


def test_liquidations_wait_for_the_index(kit):
    engine, market = delayed(kit, tiers=((0, "0.01"),))
    engine.accounts.open(market, side="long", size=10, entry=100, margin=60)
    # equity 60 - 10 * 6 at 94
    assert engine.step(index={"X": 94}, dt=1).liquidated == 0
    assert engine.step(index={"X": 100}, dt=1).liquidated == 0
    assert engine.step(dt=1).liquidated == 1
    engine.validate()


def test_prices_on_their_way_are_part_of_the_state(kit):
    engine, _ = delayed(kit, delay=3)
    for price in range(50, 90):
        engine.step(index={"X": price}, dt="0.1")
    other = engine.copy()
    assert other.state_hash() == engine.state_hash()
    plain, _ = delayed(kit, delay=3)
    for _ in range(40):
        plain.step(dt="0.1")
    assert plain.state_hash() != engine.state_hash()
    for copy in (engine, other):
        copy.step(dt="2.95")
        # 40 given at 0.1 ... 4 s; at 6.95 s those up to 3.95 s have come
        assert copy.market("X").index == 88
        copy.step(dt=1)
        assert copy.market("X").index == 89
    assert other.state_hash() == engine.state_hash()


def test_a_late_index_can_go_stale(kit):
    engine, market = delayed(kit, stale_after=1)
    engine.step(index={"X": 90}, dt=1)
    engine.step(dt=2)
    # its age counts from when it was believed, at 3 s
    assert market.mark == 90
    engine.step(index={"X": 80}, dt=1)
    assert market.mark == 90


def sampled(kit, every=5, count=3, **rules):
    engine = kit.engine()
    stated = {"feed": "index_premium", "premium_samples": (every, count), **rules}
    market = kit.market(engine, rules=stated)
    market.set_index(100)
    return engine, market


def quote(market, middle):
    market.book.load_depth([(middle - 1, 9)], [(middle + 1, 9)], replace=True)


def test_the_premium_is_the_mean_of_samples(kit):
    engine, market = sampled(kit)
    marks = []
    for middle in (106, 103, 110, 97, 97):
        quote(market, middle)
        engine.step(dt=5)
        marks.append(market.mark)
    # means of the last three: 6, 4.5 (halves up), 19 / 3, 10 / 3, 4 / 3
    assert marks == [106, 105, 106, 103, 101]


def test_samples_are_taken_at_multiples_of_their_time(kit):
    engine, market = sampled(kit)
    quote(market, 130)
    engine.step(dt=4)
    assert market.mark == 100
    quote(market, 106)
    # one at 5 s
    engine.step(dt=1)
    assert market.mark == 106
    quote(market, 112)
    # two at 10 and 15 s: (6 + 12 + 12) / 3
    engine.step(dt=14)
    assert market.mark == 110
    # more than are kept
    engine.step(dt=500)
    assert market.mark == 112


def test_no_sample_without_a_touch(kit):
    engine, market = sampled(kit)
    quote(market, 106)
    engine.step(dt=5)
    market.book.load_depth([], [(120, 1)], replace=True)
    engine.step(dt=50)
    assert market.mark == 106


def test_samples_survive_a_copy(kit):
    engine, market = sampled(kit, count=4)
    for middle in (108, 104, 90, 101, 99, 100):
        quote(market, middle)
        engine.step(dt=5)
    other = engine.copy()
    assert other.state_hash() == engine.state_hash()
    for copy in (engine, other):
        quote(copy.market("X"), 111)
        copy.step(dt=5)
        # (1 - 1 + 0 + 11) / 4 = 2.75
        assert copy.market("X").mark == 103
    assert other.state_hash() == engine.state_hash()


def funded(kit, bids, asks, **rules):
    """Rate of a settlement after an hour of a book round an index of 100, in parts of 10**9."""
    engine = kit.engine()
    stated = {"funding_interval": 3600, "premium_of": "impact", "impact_notional": 1000, **rules}
    market = kit.market(engine, rules=stated)
    market.set_index(100)
    market.book.load_depth(bids, asks)
    engine.accounts.open(market, side="long", size=10, entry=100, margin=1000)
    engine.step(dt=3600)
    engine.validate()
    (event,) = rows(engine, "funding")
    return event["code"]


@pytest.mark.parametrize(
    ("bids", "asks"),
    [
        ([(104, 5), (103, 50)], [(106, 50)]),
        ([(90, 100)], [(95, 4), (97, 3), (98, 40)]),
        ([(99, 100)], [(101, 100)]),
        ([(104, 5), (103, 2)], [(106, 50)]),
        ([(104, 5)], [(106, 5)]),
        ([(110, 9), (10, 1)], [(111, 1)]),
        ([(500, 1000)], [(501, 1000)]),
    ],
)
def test_the_premium_of_impact_prices_is_the_published_formula(kit, bids, asks):
    bid, ask = (funding.impact_price(side, 1000) for side in (bids, asks))
    premium = funding.premium(100, bid, ask)
    expected = max(min(premium, 1), -1) * 10**9
    # an impact price is rounded by less than 2**-20 of a tick of 1/100 of the index
    assert abs(funded(kit, bids, asks) - expected) <= Fraction(10**9, 100 * 2**20) + 1


def test_a_side_that_holds_less_counts_as_no_premium(kit):
    assert funded(kit, [(104, 5)], [(106, 50)]) == 0
    # 1000 at 104 and 103: 520 for 5, the other 480 at 103
    lots = 5 + Fraction(480, 103)
    exact = (1000 / lots - 100) / 100 * 10**9
    found = funded(kit, [(104, 5), (103, 50)], [(106, 50)])
    assert 0 <= exact - found < 11


def test_the_mid_hides_what_impact_prices_show(kit):
    thin = ([(104, 1), (80, 500)], [(106, 500)])
    assert funded(kit, *thin, premium_of="mid", impact_notional=None) == 50_000_000
    assert funded(kit, *thin) == 0


def test_payments_of_a_period(kit):
    # Hyperliquid: premium 0 pays the interest of eight hours, 0.01 %, an eighth an hour
    rules = {"interest": "0.0001", "funding_clamp": "0.0005", "funding_payments": 8}
    assert funded(kit, [(99, 100)], [(101, 100)], **rules) == 12_500
    assert funded(kit, [(99, 100)], [(101, 100)], funding_cap="0.00001", **rules) == 10_000


def test_payments_by_the_interval_are_those_of_a_funding_index(kit):
    """An index that grows by rate * price and positions that pay size * its change."""
    engine = kit.engine()
    market = kit.market(engine, rules={"feed": "index", "funding_interval": 1})
    market.set_index(1000)
    engine.set_funding(market, "0.0003")
    engine.accounts.open(market, side=["long", "short"], size=[7, 3], entry=1000, margin=900)
    grown = Fraction(0)
    for price in (1000, 1010, 990, 1004):
        grown += Fraction("0.0003") * market.mark
        engine.step(index={"X": price})
    margins = [int(margin) for margin in engine.accounts.margin(market)]
    # each of the four payments is rounded to an atom against its account
    for margin, size in zip(margins, (7, -3), strict=True):
        owed = funding.payment_by_index(size, grown)
        assert 0 <= 900 + owed - margin < 4
    engine.validate()


@pytest.mark.parametrize(
    ("rules", "text"),
    [
        ({"index_delay": -1}, "index_delay -1 s is outside 0"),
        ({"premium_samples": (5, 3)}, "premium_samples is for feed 'index_premium'"),
        ({"premium_samples": 5}, r"premium_samples must be \(seconds, count\)"),
        ({"premium_samples": (0, 3), "feed": "index_premium"}, "seconds 0 is outside 1 ns"),
        ({"premium_samples": (1, 0), "feed": "index_premium"}, "count 0 is outside 1"),
        ({"premium_of": "impact"}, "needs impact_notional"),
        ({"premium_of": "last"}, "premium_of must be one of 'mid', 'impact'"),
        ({"impact_notional": 5}, "is for premium_of 'impact'"),
        ({"premium_of": "impact", "impact_notional": 0}, "impact_notional 0 is outside 1"),
        ({"funding_payments": 0}, "funding_payments 0 is outside 1"),
        ({"feed": "index_premium"}, "needs average_time"),
    ],
)
def test_rules_that_are_refused(rules, text):
    with pytest.raises(ValueError, match=text):
        cs.Rules(**rules)


def test_impact_prices_are_of_linear_contracts():
    rules = cs.Rules(premium_of="impact", impact_notional=1)
    engine = cs.Engine()
    with pytest.raises(ValueError, match="is for linear contracts, not 'inverse'"):
        engine.add_market(
            "X", tick_size=1, lot_size=1, multiplier=10**4, contract="inverse", rules=rules
        )
    assert not engine.markets


def test_an_impact_venue_is_bid_and_ask(kit):
    engine = kit.engine()
    rules = {"funding_interval": 10, "premium_of": "impact", "impact_notional": 10**6}
    market = kit.market(engine, rules=rules, venue=kit.linear(1, 1))
    market.set_index(100)
    engine.accounts.open(market, side="long", size=1, entry=100, margin=100)
    kit.trade(engine, market, BUY, 4)
    engine.step(dt=10)
    (event,) = rows(engine, "funding")
    assert event["code"] == 40_000_000


def test_a_delayed_index_in_a_run():
    engine = cs.Engine(asset_decimals=0)
    rules = cs.Rules(feed="index", index_delay=1)
    market = engine.add_market("X", tick_size=1, lot_size=1, rules=rules)
    market.set_index(100)
    run = engine.run(path={"X": [90, 80, 70]}, dt="0.5")
    assert run.marks("X").tolist() == [100, 100, 90]
