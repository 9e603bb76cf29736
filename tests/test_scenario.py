"""Scenario files: what is refused and where, and what a run keeps."""

import dataclasses
import pickle
import time
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

import cascade as cs
from cascade import scenarios
from cascade.codes import EventKind
from cascade.scenarios import crowd as crowds
from cascade.scenarios import depth as depths
from cascade.scenarios.document import find_lines
from cascade.scenarios.schema import SECTIONS

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"

SMALL = """\
[market]
name = "BTC"
tick = 0.5
lot = 0.001
price = 20_000
rules = "hyperliquid"
feed = "mid"

[book]
levels = 400
step_ticks = 20
touch_size = 2
growth = 0.01

[crowd]
count = 2_000
seed = 3
notional_median = 3_000

[fund]
deposit = 1_000

[shock]
kind = "index"
move = -0.1
steps = 4
"""


def write(folder, text, name="s.toml"):
    path = folder / name
    path.write_text(text)
    return path


def changed(*pairs):
    text = SMALL
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new, 1)
    return text


# ---------------------------------------------------------------- what is refused

WRONG = [
    ([("[fund]", "[fnud]")], 20, "fnud", "unknown section"),
    ([("growth = 0.01", "grwth = 0.01")], 13, "book.grwth", "unknown field; .*growth"),
    ([("lot = 0.001\n", "")], 1, "market.lot", "is missing"),
    ([("price = 20_000\n", "")], 1, "market.price", "is missing"),
    ([("levels = 400\n", "")], 9, "book.levels", "is missing"),
    ([("touch_size = 2\n", "")], 9, "book.touch_size", "is missing"),
    (
        [('kind = "index"\nmove = -0.1', 'kind = "sell"\nmove = -0.5')], 25, "shock.move",
        "the book ends at 16010, before 10000",
    ),
    (
        [('kind = "index"\nmove = -0.1', 'kind = "buy"\nmove = 1e-9')], 25, "shock.move",
        "does not reach the first level",
    ),
    ([("move = -0.1\n", "")], 23, "shock.move", "is missing"),
    ([("tick = 0.5", "tick = 0")], 3, "market.tick", "0 is not above 0"),
    ([("tick = 0.5", 'tick = "a"')], 3, "market.tick", "'a' is not a number"),
    ([("tick = 0.5", "tick = nan")], 3, "market.tick", "not finite"),
    ([("tick = 0.5", "tick = 1e999999999")], 3, "market.tick", "neither 0 nor within"),
    ([("tick = 0.5", "tick = 1e-30")], 3, "market.tick", "neither 0 nor within"),
    ([("touch_size = 2", "touch_size = 1e20")], 12, "book.touch_size", "is above 281474976710656"),
    ([("notional_median = 3_000", "notional_median = 1e20\nnotional_max = 1e20")], 15, "crowd", "64 bits"),
    ([("[fund]", "[rules]\ntiers = [[0, 1e400]]\n\n[fund]")], 21, "rules.tiers", "lists of numbers"),
    ([("tick = 0.5", "tick = 0.0000001")], 1, "market", "asset_decimals"),
    ([("price = 20_000", "price = 20_000.3")], 5, "market.price", "not a multiple"),
    ([('name = "BTC"', 'name = "NOSUCH"')], 6, "market.rules", "no symbol 'NOSUCH'"),
    ([('"hyperliquid"', '"mtgox"')], 6, "market.rules", "not one of binance_usdm, bybit_linear"),
    ([('feed = "mid"', 'feed = "middle"')], 7, "market.feed", "not one of last, mid"),
    ([('feed = "mid"', 'feed = "ema"')], 6, "market.rules", "'ema' needs average_time"),
    ([("[fund]", "[rules]\nfunding_interval = 0\n\n[fund]")], 21, "rules.funding_interval", "0 is not above"),
    ([("levels = 400", "levels = 4.5")], 10, "book.levels", "not an integer"),
    ([("levels = 400", "levels = -4")], 10, "book.levels", "-4 is outside 0 ... 1000000"),
    ([("growth = 0.01", "scale = 3")], 13, "book.scale", "contradicts book.levels"),
    ([("growth = 0.01", 'impact = "linear"')], 10, "book.levels", "contradicts book.impact"),
    ([("growth = 0.01", 'depth = "x.csv"')], 5, "market.price", "contradicts book.depth"),
    ([("count = 2_000", "count = true")], 16, "crowd.count", "True is not an integer"),
    ([("count = 2_000", "count = 0")], 16, "crowd.count", "0 is outside 1"),
    ([("seed = 3", "seed = -3")], 17, "crowd.seed", "-3 is outside 0"),
    ([("seed = 3", "leverage = []")], 17, "crowd.leverage", "not a list of numbers"),
    ([("seed = 3", "leverage = [5, 0]")], 17, "crowd.leverage", "0 in the list"),
    ([("seed = 3", "leverage = [5]\nleverage_sigma = 1")], 18, "crowd.leverage_sigma", "contradicts"),
    ([("seed = 3", "leverage_weights = [1]")], 17, "crowd.leverage_weights", "one weight for each"),
    ([("seed = 3", 'accounts = "a.csv"')], 16, "crowd.count", "contradicts crowd.accounts"),
    ([("deposit = 1_000", "deposit = -1")], 21, "fund.deposit", "-1 is outside 0"),
    ([("deposit = 1_000", "deposit = 0.0000001")], 21, "fund.deposit", "finer than an atom"),
    ([('kind = "index"', 'kind = "rumour"')], 24, "shock.kind", "not one of sell, buy, index"),
    ([('kind = "index"', 'kind = "buy"')], 25, "shock.move", "not above 0"),
    ([("move = -0.1", "move = -1")], 25, "shock.move", "-1 is not above -1"),
    ([("move = -0.1", 'path = "p.csv"\nmove = 1')], 26, "shock.move", "contradicts shock.path"),
    ([('kind = "index"', "relative = true")], 24, "shock.relative", "needs shock.path"),
    ([("[fund]", "[rules]\npartial_target = 0.1\npartial = []\n\n[fund]")], 22, "rules.partial",
     "contradicts rules.partial_target"),
    ([("[fund]", '[rules]\npartial = ["share"]\n\n[fund]')], 6, "market.rules", "partial must be"),
    ([("[fund]", '[rules]\nfeed = "last"\n\n[fund]')], 7, "market.feed", "contradicts rules.feed"),
    ([("[fund]", "[rules]\nabsorb = 1.5\n\n[fund]")], 21, "rules.absorb", "1.5 is outside 0 ... 1"),
    ([("[fund]", "[rules]\ntiers = [[5, 0.1]]\n\n[fund]")], 21, "rules.tiers", "must be 0"),
    ([("[fund]", '[rules]\nsymbol = "X"\n\n[fund]')], 21, "rules.symbol", "needs tiers from a file"),
    ([('"hyperliquid"', "{ absorb = 2 }")], 6, "market.rules.absorb", "2 is outside 0 ... 1"),
    ([("[fund]", '[engine]\nexecution = "x"\n\n[fund]')], 21, "engine.execution", "not one of"),
    ([("[fund]", '[rules]\ntiers = "no.json"\n\n[fund]')], 21, "rules.tiers", "No such file"),
    ([("price = 20_000", ""), ("growth = 0.01", 'depth = "no.csv"')], 13, "book.depth", "No such"),
    ([("move = -0.1", 'path = "no.csv"')], 25, "shock.path", "No such file"),
]  # fmt: skip


@pytest.mark.parametrize(("pairs", "line", "field", "reason"), WRONG)
def test_error_names_file_line_and_field(tmp_path, pairs, line, field, reason):
    path = write(tmp_path, changed(*pairs))
    with pytest.raises(cs.ScenarioError, match=reason) as caught:
        scenarios.load(path).run()
    assert (caught.value.path, caught.value.line, caught.value.field) == (str(path), line, field)
    assert str(caught.value).startswith(f"{path}, line {line}, {field}: ")


def test_error_of_the_file_as_a_whole(tmp_path):
    with pytest.raises(cs.ScenarioError, match=r"cannot be read: No such file.*btc_crash"):
        scenarios.load(tmp_path / "missing.toml")
    with pytest.raises(cs.ScenarioError, match="not valid TOML") as caught:
        scenarios.load(write(tmp_path, "[market]\nname = \n"))
    assert caught.value.line == 2
    with pytest.raises(cs.ScenarioError, match=r"section \[market\] is missing"):
        scenarios.load(write(tmp_path, "[shock]\nmove = -0.1\n"))
    for text in (f"a = {'9' * 5000}", "a = 1e99999999999999999999", f"a = {'[' * 3000}"):
        with pytest.raises(cs.ScenarioError, match="not valid TOML"):
            scenarios.load(write(tmp_path, text))
    (tmp_path / "bytes.toml").write_bytes(b"name = '\xff'")
    with pytest.raises(cs.ScenarioError, match="not UTF-8"):
        scenarios.load(tmp_path / "bytes.toml")
    with pytest.raises(cs.ScenarioError, match="must be a table"):
        scenarios.load(write(tmp_path, "market = 3\n"))


def test_error_survives_pickling():
    error = cs.ScenarioError("a.toml", 3, "crowd.count", "0 is outside 1 ... 9")
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), copy.line) == ("a.toml, line 3, crowd.count: 0 is outside 1 ... 9", 3)
    assert isinstance(error, (cs.CascadeError, ValueError))


def test_an_error_inside_a_named_file_names_both(tmp_path):
    (tmp_path / "d.csv").write_text("side,price,size\nbid,19999.5,1\nask,20000.3,1\n")
    path = write(tmp_path, changed(("price = 20_000\n", ""), ("growth = 0.01", 'depth = "d.csv"')))
    with pytest.raises(cs.ScenarioError, match=r"book\.depth: price .*20000\.3.* not a multiple"):
        scenarios.load(path).build()


def test_lines_of_keys_are_found():
    text = 'a = """\nb = 1\n[c]\n"""\n[ t . u ]\n"k k" = [\n 1,\n]\nx.y = 2\n[[list]]\nz = 1\n'
    assert find_lines(text) == {
        "a": 1,
        "t.u": 5,
        "t.u.k k": 6,
        "t.u.x.y": 9,
        "list": 10,
        "list.z": 11,
    }


# ---------------------------------------------------------------- what is built


def test_profile_of_depth():
    section = dataclasses.replace(
        scenarios.load("btc_crash").book,
        levels=4,
        step_ticks=3,
        touch_size=2,
        growth=Decimal("0.5"),
    )
    bids = depths.profile(section, 8, -1, 0.5)
    assert bids.tolist() == [[8, 4], [5, 6], [2, 8]]
    asks = depths.profile(section, 9, 1, 0.5, start=1)
    assert asks.tolist() == [[12, 4], [15, 6], [18, 8], [21, 10]]


def test_makers_follow_and_what_was_eaten_stays_eaten(tmp_path):
    engine = scenarios.load(write(tmp_path, SMALL)).build()
    (market,) = engine.markets
    market.book.market("sell", 5)
    bids, asks = depths.read_sides(market)
    depths.shift(market, -100)
    moved, above = depths.read_sides(market)
    assert (moved - bids == [-100, 0]).all() and (above - asks == [-100, 0]).all()
    assert len(moved) == len(bids) == 398
    engine.validate()


def test_crowd_is_healthy_and_as_asked_for(tmp_path):
    text = changed(("count = 2_000", "count = 20_000\nlong_share = 0.7\nleverage_median = 9"))
    engine = scenarios.load(write(tmp_path, text)).build()
    (market,) = engine.markets
    size, leverage = engine.accounts.size(market), engine.accounts.leverage(market)
    assert len(size) == 20_000 and (size != 0).all()
    # three standard deviations of a share of 20,000
    assert abs((size > 0).mean() - 0.7) < 0.01
    assert leverage.max() <= 40 and leverage.min() >= 1
    assert abs(np.median(leverage) - 9) < 0.3
    notional = np.abs(engine.accounts.entry_value(market))
    assert abs(np.median(notional) / 3_000 - 1) < 0.1
    assert (engine.accounts.equity > engine.accounts.maintenance).all()
    assert engine.step().liquidated == 0


def test_columns_of_the_crowd_have_streams_of_their_own():
    section = scenarios.load("btc_crash").crowd
    rules = cs.rules.hyperliquid("BTC")
    one = crowds.draw(section, rules, 100.0, 0.5, 0.001)
    two = crowds.draw(dataclasses.replace(section, leverage_median=3), rules, 100.0, 0.5, 0.001)
    assert (one.side == two.side).all()
    assert (one.leverage != two.leverage).any()
    other = crowds.draw(dataclasses.replace(section, seed=1), rules, 100.0, 0.5, 0.001)
    assert (one.side != other.side).any()


def test_tier_rates_follow_the_table():
    rules = cs.rules.binance_usdm("BTCUSDT")
    rate, top = crowds.tier_rates(rules, np.array([10_000.0, 50_000.0, 1_000_000.0]))
    # 0.65 % of a million less 950
    assert rate == pytest.approx([0.004, 0.004, 0.0065 - 950 / 1_000_000])
    assert top == pytest.approx([125, 100, 75])


@pytest.mark.parametrize(
    "curve",
    [
        'impact = "linear"\nscale = 4',
        'impact = "square_root"\nscale = 100',
        'impact = "log"\nscale = 900\nlength = 50',
        'impact = "exponential"\nlength = 900',
        'impact = "depth_linear"\nscale = 0.2\nlength = 500',
        'impact = "depth_exponential"\nscale = 1\nlength = 9_000',
    ],
)
@pytest.mark.parametrize("kind", ["sell", "buy"])
def test_an_aggressor_moves_a_curve_by_what_was_asked(tmp_path, curve, kind):
    move = Decimal("-0.1") if kind == "sell" else Decimal("0.1")
    text = changed(
        ("levels = 400\nstep_ticks = 20\ntouch_size = 2\ngrowth = 0.01", curve),
        ('feed = "mid"', 'feed = "last"'), ("count = 2_000", "count = 1\nleverage = [1]\nlong_share = 1"),
        ('kind = "index"\nmove = -0.1', f'kind = "{kind}"\nmove = {move}'),
    )  # fmt: skip
    outcome = scenarios.load(write(tmp_path, text)).run()
    assert outcome.market.last == pytest.approx(20_000 * (1 + float(move)), rel=1e-4)


@pytest.mark.parametrize(
    "pool",
    [
        'kind = "constant_product"\nbase = 40_000\nflee = [0.04, 0.2]',
        'kind = "constant_product"\nbase = 40_000\nquote = 800_000_000\nfee = 0',
        'kind = "concentrated"\nranges = [[10_000, 30_000, 5e6], [19_000, 21_000, 5e6]]',
        'kind = "stableswap"\nbase = 400\namplification = 3\nfee = 0.001',
    ],
)
@pytest.mark.parametrize("kind", ["sell", "buy"])
def test_an_aggressor_moves_a_pool_by_what_was_asked(tmp_path, pool, kind):
    move = Decimal("-0.1") if kind == "sell" else Decimal("0.1")
    text = changed(
        ("[book]\nlevels = 400\nstep_ticks = 20\ntouch_size = 2\ngrowth = 0.01", f"[venue]\n{pool}"),
        ('feed = "mid"', 'feed = "last"'), ("count = 2_000", "count = 1\nleverage = [1]\nlong_share = 1"),
        ('kind = "index"\nmove = -0.1', f'kind = "{kind}"\nmove = {move}'),
    )  # fmt: skip
    outcome = scenarios.load(write(tmp_path, text)).run()
    flees = "flee" in pool and kind == "sell"
    # whom providers leave falls further
    assert outcome.market.last == pytest.approx(
        20_000 * (1 + float(move)), rel=0.05 if flees else 1e-3
    )
    assert flees == (outcome.market.last < 20_000 * (1 + float(move)) * 0.999)
    outcome.engine.validate()


@pytest.mark.parametrize(
    ("pool", "field", "words"),
    [
        ("base = 5", "venue.kind", "is missing"),
        ('kind = "constant_product"', "venue.base", "is missing"),
        ('kind = "constant_product"\nbase = 5\npeg = 3', "venue.peg", "is no field of kind"),
        ('kind = "concentrated"\nranges = [[1, 2]]', "venue.ranges", "numbers in threes"),
        ('kind = "stableswap"\nbase = 5', "venue.amplification", "is missing"),
        ('kind = "constant_product"\nbase = 5\nflee = [1]', "venue", "flee must be"),
        ('kind = "constant_product"\nbase = 1\n[book]\nlevels = 1', "book", "contradicts venue.kind"),
    ],
)  # fmt: skip
def test_a_pool_that_is_wrong_is_refused_with_its_field(tmp_path, pool, field, words):
    text = changed(
        ("[book]\nlevels = 400\nstep_ticks = 20\ntouch_size = 2\ngrowth = 0.01", f"[venue]\n{pool}")
    )
    with pytest.raises(cs.ScenarioError, match=words) as caught:
        scenarios.load(write(tmp_path, text)).build()
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("flee", "row"),
    [
        ("", ("1,512.38", "8,087", "1.62k")),
        ("flee = [0.05, 0.1]", ("1,390.73", "8,739", "2.64k")),
        ("flee = [0.05, 0.25]", ("452.88", "9,911", "5.76k")),
    ],
)
def test_the_table_of_fleeing_providers(tmp_path, flee, row):
    text = (ROOT / "examples" / "pool.toml").read_text()
    assert "flee = [0.05, 0.25]" in text
    outcome = scenarios.load(write(tmp_path, text.replace("flee = [0.05, 0.25]", flee))).run()
    liquidated = int((outcome.events["kind"] == EventKind.LIQUIDATION).sum())
    held = outcome.market.house[0]
    assert (f"{outcome.market.last:,}", f"{liquidated:,}", f"{held / 1000:.2f}k") == row
    name = f"`{flee[7:]}`" if flee else "-"
    page = (ROOT / "docs" / "pools.md").read_text()
    assert f"| {name} | {row[0]} | {row[1]} |" in page and f"| {row[2]} |" in page
    outcome.engine.validate()


def test_an_aggressor_empties_the_book_to_the_price(tmp_path):
    text = changed(
        ('kind = "index"', 'kind = "sell"'), ('feed = "mid"', 'feed = "last"'),
        ("count = 2_000", "count = 1\nleverage = [1]\nlong_share = 1"),
    )  # fmt: skip
    outcome = scenarios.load(write(tmp_path, text)).run()
    # levels stand at 20,000, 19,990, ...: 18,000 is one of them
    assert outcome.market.last == 18_000
    fills = outcome.events[outcome.events["kind"] == EventKind.FILL]
    assert fills["quantity"].sum() == sum(round(2000 * (1 + 0.01 * k)) for k in range(201))


def test_files_are_relative_to_the_scenario(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "d.csv").write_text(
        "side,price,size\n"
        + "".join(f"bid,{20000 - k * 20},3\nask,{20010 + k * 20},3\n" for k in range(200))
    )
    (tmp_path / "data" / "a.csv").write_text(
        "account,market,side,size,entry,leverage,mode\n"
        "ann,BTC,long,0.5,20000,20,isolated\nbob,BTC,short,0.5,20000,10,cross\n"
        "cid,BTC,long,0.25,20100,5,cross\n"
    )
    (tmp_path / "data" / "p.csv").write_text("time,price\n1,1000\n2,980\n3,930\n4,960\n")
    text = """
[market]
name = "BTC"
tick = 0.5
lot = 0.001
feed = "mid"
rules = { tiers = [[0, 0.01]], taker_fee = 0.0005 }
[book]
depth = "data/d.csv"
levels = 100
step_ticks = 40
touch_size = 3
[crowd]
accounts = "data/a.csv"
[shock]
path = "data/p.csv"
relative = true
"""
    outcome = scenarios.load(write(tmp_path, text)).run()
    accounts = outcome.engine.accounts
    assert outcome.steps == 4
    assert outcome.before.size.tolist() == [500, -500, 250]
    # ann: 5 % margin; the fall of 7 % takes her, and neither of the others
    assert accounts.size(outcome.market).tolist() == [0, -0.5, 0.25]
    index = outcome.events[outcome.events["kind"] == EventKind.INDEX]["price"]
    assert index.tolist() == [40010, round(40010 * 0.98), round(40010 * 0.93), round(40010 * 0.96)]


def test_inverse_contracts_and_batches_run(tmp_path):
    text = changed(
        ("lot = 0.001", 'lot = 1\ncontract = "inverse"\nmultiplier = 100\nasset = "BTC"\nasset_decimals = 8'),
        ('rules = "hyperliquid"', "rules = { tiers = [[0, 0.005]] }"),
        ("touch_size = 2", "touch_size = 400"), ("notional_median = 3_000", "notional_median = 0.2"),
        ("deposit = 1_000", "deposit = 3"),
        ("[shock]", '[engine]\nexecution = "batch"\nbudget_accounts = 100\n\n[shock]'),
    )  # fmt: skip
    outcome = scenarios.load(write(tmp_path, text)).run()
    assert outcome.engine.pending == 0
    assert outcome.steps > 4
    steps = np.unique(outcome.events[outcome.events["kind"] == EventKind.LIQUIDATION]["time"])
    assert len(steps) > 4


def test_averages_funding_and_a_band_are_fields_of_the_rules(tmp_path):
    text = changed(
        ('feed = "mid"', 'feed = "index_premium"'),
        ("[fund]", """[rules]
average_time = 30
premium_cap = 0.01
funding_interval = 2
interest = 0.0001
funding_value = "index"
price_band = 0.3

[fund]"""),
    )  # fmt: skip
    outcome = scenarios.load(write(tmp_path, text)).run()
    events = outcome.events
    funding = events[events["kind"] == EventKind.FUNDING]
    assert len(funding) > 1
    # on the 2 s, and valued at an index that the file's shock gave
    assert not (funding["time"] % (2 * 10**9)).any()
    given = set(events["price"][events["kind"] == EventKind.INDEX].tolist())
    assert set(funding["price"].tolist()) <= given
    market = outcome.engine.markets[0]
    assert abs(market.mark - market.index) <= 0.01 * market.index
    outcome.engine.validate()


# ---------------------------------------------------------------- the shipped scenario


@pytest.mark.slow
def test_shipped_scenario_is_quick():
    started = time.perf_counter()
    scenarios.load("btc_crash").run()
    # well under two seconds; the bound leaves room for a loaded machine, and none for looking
    # at 100,000 accounts after each liquidation
    assert time.perf_counter() - started < 20


def test_shipped_scenario_conserves_and_stays_subcritical():
    outcome = scenarios.load("btc_crash").run()
    assert len(outcome.engine.accounts) == 100_000
    outcome.engine.validate()
    totals = outcome.engine.totals()
    assert totals["contracts"] == {"BTC": 0}
    tree = cs.CascadeTree(outcome.events, outcome.first_event)
    assert 0.03 <= tree.branching_ratio <= 0.2
    last, outside = tree.move_ticks()
    assert outside == -16_500
    assert last < outside


def test_same_seed_same_log_other_seed_another():
    scenario = scenarios.load("btc_crash")
    one, two = scenario.run(), scenario.run()
    assert one.events.tobytes() == two.events.tobytes()
    assert one.engine.state_hash() == two.engine.state_hash()
    other = scenario.with_seed(1).run()
    assert other.engine.state_hash() != one.engine.state_hash()
    with pytest.raises(ValueError, match="seed -1 is outside"):
        scenario.with_seed(-1)


def test_progress_is_told_each_step(tmp_path):
    told = []
    scenarios.load(write(tmp_path, SMALL)).run(lambda done, total: told.append((done, total)))
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]


@pytest.mark.skipif(not SHARED.exists(), reason="needs ../shared/data, a recorded order book")
def test_example_on_recorded_depth():
    outcome = scenarios.load(ROOT / "examples" / "binance_btcusdt.toml").run()
    # the middle of the recorded touch, 61800.2 and 61800.3
    assert outcome.before.mark_ticks == 618_002
    bids = outcome.before.bid_lots * 0.001
    assert bids == pytest.approx(396.998 + 20_000 * 2.7)
    tree = cs.CascadeTree(outcome.events, outcome.first_event)
    assert 0.03 <= tree.branching_ratio <= 0.2


def test_every_field_is_documented():
    page = (ROOT / "docs" / "scenario.md").read_text()
    for section, kind in SECTIONS.items():
        chapter = page.split(f"## [{section}]")[1].split("\n## ")[0]
        for entry in dataclasses.fields(kind):
            assert f"| `{entry.name}` |" in chapter, f"{section}.{entry.name}"


def test_partial_rules_and_backstop_of_a_scenario(tmp_path):
    for text, expected in (
        ('["fraction", 0.25, 500, 30]', ("fraction", 0.25, 500, 30)),
        ('["tier_step"]', ("tier_step",)),
        ("[]", None),
    ):
        added = f"[rules]\npartial = {text}\nbackstop = 0.5\n\n[fund]"
        path = write(tmp_path, changed(("[fund]", added)))
        rules = scenarios.load(path).build().markets[0].rules
        assert (rules.partial, rules.backstop) == (expected, 0.5)
