"""Lending scenarios: the files, the run, and the report's numbers recomputed from events in plain Python."""

import json
import sys
from collections import Counter, defaultdict
from fractions import Fraction

import numpy as np
import pytest

import cascade as cs
from cascade import cli, lending_report, scenarios
from cascade.codes import EventKind

SMALL = """\
[market]
name = "ETH-USD"
tick = 0.01
lot = 0.001
price = 2_000
{market}

[venue]
kind = "constant_product"
base = {base}
fee = 0.003

[[lending]]
name = "first"
rules = {rules}

[[lending.reserves]]
name = "ETH"
price = "ETH-USD"
liquidation_threshold = 0.8
liquidation_bonus = 0.08
supplied = 100
oracle = {oracle}

[[lending.reserves]]
name = "USD"
liquidation_threshold = 0.9
liquidation_bonus = 0.04
supplied = 30_000_000
interest = {{ base = 0.01, slope1 = 0.04, slope2 = 0.6, optimal = 0.8 }}

[[lending.borrowers]]
collateral = "ETH"
debt = "USD"
count = 1_500
value_median = 3_000
value_sigma = 1
health_median = 1.4

[[lending.borrowers]]
collateral = "USD"
debt = "ETH"
count = 200
value_median = 500
value_sigma = 0.5

[[liquidators]]
gas = 5
capital = 200_000
choice = "worst"

[[liquidators]]
gas = 20
min_profit = 3

[shock]
move = {move}
steps = 20
hold = 10

[engine]
seed = 3
execution = "{execution}"
compete = "{compete}"
"""

PLAIN = {
    "market": "", "base": "4_000", "oracle": "{ delay = 12 }", "move": "-0.3",
    "rules": '{ close_factor = ["fraction", 0.5], fee = 0.1, bad_debt = "suppliers" }',
    "execution": "sequential", "compete": "order",
}  # fmt: skip
CASES = {
    "delayed": {},
    "bids": {"compete": "bids"},
    "spot": {"oracle": "{}", "base": "20_000", "rules": '"morpho_blue"'},
    "average": {"market": 'feed = "ema"\naverage_time = 60', "rules": '"aave_v3"'},
    "window": {"market": 'feed = "twap"\naverage_time = 60\nobservations = 40', "oracle": "{}"},
    "batch": {"execution": "batch", "oracle": "{ deviation = 0.005, heartbeat = 3600 }",
              "rules": '"aave_v2"'},
    "upwards": {"move": "0.4", "rules": '"euler_v2"'},
}  # fmt: skip


def written(path, **changes):
    path.write_text(SMALL.format(**{**PLAIN, **changes}))
    return path


@pytest.fixture(scope="module", params=CASES)
def outcome(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("lending") / "case.toml"
    return scenarios.load(written(path, **CASES[request.param])).run()


@pytest.fixture(scope="module")
def shipped():
    return scenarios.load("lending").run()


def test_terms_of_accounts_of_a_file(tmp_path):
    text = SMALL.format(**{**PLAIN, "market": "supply_cap = 20_000\nborrow_cap = 500"})
    # the money is borrowed against ether alone, and ether against money: both may be isolated
    more = "debt_ceiling = 5_000_000\naccount_cap = 400\naccount_share = 0.5\n"
    text = text.replace('price = "ETH-USD"\n', 'price = "ETH-USD"\n' + more)
    text = text.replace(
        'name = "USD"\n', 'name = "USD"\nborrowable_in_isolation = true\nsiloed = true\n'
    )
    path = tmp_path / "case.toml"
    path.write_text(text)
    engine = scenarios.load(path).build()
    (lending,) = engine.lending
    given = lending["ETH"].given
    assert (given["debt_ceiling"], given["account_cap"]) == (500_000_000, 400_000)
    assert given["account_share"] == 500_000_000
    assert lending["USD"].given["isolation_lends"] and lending["USD"].given["siloed"]
    assert engine.lending.cap_numbers() == [[0, "USD", 20_000_000, 500_000]]
    owed = lending["USD"].row()["owed_lots"] / 10**6
    assert 0 < lending["ETH"].isolated_debt <= owed < lending["ETH"].isolated_debt + 15
    path.write_text(text.replace("debt_ceiling = 5_000_000", "debt_ceiling = 1_000"))
    with pytest.raises(cs.ScenarioError, match="debt_ceiling"):
        scenarios.load(path).build()
    path.write_text(text.replace("account_cap = 400", "account_cap = 0.01"))
    with pytest.raises(cs.ScenarioError, match="account_cap"):
        scenarios.load(path).build()


@pytest.mark.parametrize(
    ("table", "kind"),
    [
        ("{ slope1 = 0.1 }", "kink"),
        ('{ model = "jump", supply = [0, 0.05, 1, 0.8], period = 1 }', "jump"),
        ('{ model = "adaptive", target = 0.7, compounding = "linear" }', "adaptive"),
        ('{ model = "fixed", rate = 0.1 }', "fixed"),
    ],
)
def test_interest_of_a_file_names_its_model(tmp_path, table, kind):
    text = SMALL.format(**PLAIN)
    path = tmp_path / "case.toml"
    path.write_text(
        text.replace(text[text.index("interest =") :].splitlines()[0], f"interest = {table}")
    )
    (lending,) = scenarios.load(path).run().engine.lending
    assert lending["USD"].given["interest"]["kind"] == kind
    path.write_text(path.read_text().replace(table, '{ model = "kinky" }'))
    with pytest.raises(cs.ScenarioError, match="model must be one of 'kink', 'jump'"):
        scenarios.load(path).run()


def by_kind(outcome):
    rows = defaultdict(list)
    names = outcome.events.dtype.names
    for number, values in enumerate(outcome.events.tolist()):
        row = dict(zip(names, values, strict=True), number=outcome.first_event + number)
        rows[EventKind(row["kind"])].append(row)
    return rows


def test_liquidations_are_those_of_the_log(outcome):
    rows, found = by_kind(outcome), lending_report.exact(outcome)["liquidations"]
    calls = rows[EventKind.LIQUIDATION]
    assert found["calls"] == len(calls) > 5
    assert found["accounts"] == len({row["account"] for row in calls})
    assert found["repaid_atoms"] == sum(row["money"] for row in rows[EventKind.REPAY])
    assert found["lowered"] == sum(row["side"] for row in rows[EventKind.HEALTH])
    # a lot of 0.001 at a tick of 0.01 is 10 atoms; of money a lot is one
    (lending,) = outcome.engine.lending
    unit = {
        lending["ETH"].supplied_side.number: 10,
        lending["USD"].supplied_side.number: 1,
    }
    price = {row["number"]: row["price"] for row in calls}
    assert found["seized_atoms"] == sum(
        row["quantity"] * row["price"] * unit[row["market"]] for row in calls
    )
    assert found["fee_atoms"] == sum(
        row["money"] * price[row["cause"]] * unit[row["market"]] for row in rows[EventKind.SEIZE]
    )
    every = {row["number"]: row for of_kind in rows.values() for row in of_kind}
    caused = 0
    for row in calls:
        at = every.get(row["cause"])
        while at is not None and at["kind"] != EventKind.LIQUIDATION:
            at = every.get(at["cause"])
        caused += at is not None
    assert found["caused"] == caused


def test_waves_path_and_liquidators_add_up_to_the_whole(outcome):
    exact = lending_report.exact(outcome)
    rows, found = by_kind(outcome), exact["liquidations"]
    sizes = Counter(row["wave"] for row in rows[EventKind.LIQUIDATION])
    assert {row["wave"]: row["calls"] for row in exact["waves"]} == sizes
    for part in ("waves", "path", "liquidators"):
        assert sum(row["calls"] for row in exact[part]) == found["calls"]
        assert sum(row["repaid_atoms"] for row in exact[part]) == found["repaid_atoms"]
    sold = sum(
        row["quantity"]
        for row in rows[EventKind.FILL]
        if row["account"] == lending_report.LIQUIDATOR and row["side"] == 1
    )
    assert sum(row["sold_lots"] for row in exact["waves"]) == sold
    assert len(exact["path"]) == 31
    assert [row["time_ns"] for row in exact["path"]] == [12 * 10**9 * k for k in range(31)]
    assert [row["index_ticks"] for row in exact["path"]][1:] == [
        row["price"] for row in rows[EventKind.INDEX]
    ]
    believed, prices = 200_000, []
    oracle = [r for r in rows[EventKind.ORACLE] if r["market"] == 1]
    for point in exact["path"]:
        believed = next(
            (r["price"] for r in reversed(oracle) if r["time"] <= point["time_ns"]), believed
        )
        prices.append(believed)
    assert [row["oracle_ticks"] for row in exact["path"]] == prices


def test_profit_is_what_the_sales_brought(outcome):
    exact, rows = lending_report.exact(outcome), by_kind(outcome)
    who = {row["cause"]: row["counterparty"] for row in rows[EventKind.SEIZE]}
    money = defaultdict(int)
    for row in rows[EventKind.FILL]:
        if row["account"] == lending_report.LIQUIDATOR:
            money[who[row["cause"]]] += row["money"] if row["side"] == 1 else -row["money"]
    (lending,) = outcome.engine.lending
    for row in rows[EventKind.REPAY]:
        if row["market"] == lending["USD"].borrowed_side.number:
            money[row["counterparty"]] -= row["quantity"]
    units = {lending["USD"].supplied_side.number: 1}
    for row in rows[EventKind.SEIZE]:
        # seized money needs no sale
        money[row["counterparty"]] += (row["quantity"] - row["money"]) * units.get(row["market"], 0)
    for row, gas in zip(exact["liquidators"], (5, 20), strict=True):
        assert row["gas_atoms"] == row["calls"] * gas * 10**6
        assert row["profit_atoms"] == money[row["number"]] - row["gas_atoms"] - row["bids_atoms"]
        result = outcome.engine.liquidators.result(row["number"])
        assert result["profit"] == row["profit_atoms"] / 10**6
        assert row["profit_atoms"] >= 0


def test_health_is_counted_in_fractions(outcome):
    rows = lending_report.exact(outcome)["health"]
    (lending,) = outcome.engine.lending
    edges = [0, *(Fraction(edge, 100) for edge in lending_report.HEALTH_EDGES)]
    for when, columns in (
        ("before", outcome.before.columns["first"]),
        ("after", lending.columns()),
    ):
        counts, debts = [0] * 7, [0] * 7
        table = zip(*(columns[name].tolist() for name in ("borne", "owed", "debt")), strict=True)
        for borne, owed, debt in table:
            if owed:
                place = max(k for k in range(7) if Fraction(borne, owed) >= edges[k])
                counts[place] += 1
                debts[place] += debt
        assert [row[f"accounts_{when}"] for row in rows] == counts
        assert [row[f"debt_{when}"] for row in rows] == debts
    assert rows[0]["accounts_before"] == 0


def test_bad_debt_is_where_the_rules_send_it(outcome):
    exact, rows = lending_report.exact(outcome), by_kind(outcome)
    (lending,) = outcome.engine.lending
    written = rows[EventKind.BAD_DEBT]
    assert sum(row["atoms"] for row in exact["bad_debt"]) == sum(row["money"] for row in written)
    for row in exact["bad_debt"]:
        reserve = lending[row["reserve"].removeprefix("first ")]
        assert row["to"] == lending.rules.bad_debt
        assert row["accounts"] > 0
        if row["to"] == "deficit":
            assert reserve.row()["deficit"] == row["lots"]
        if row["to"] == "suppliers":
            assert reserve.supply_index < 1.001
    columns = lending.columns()
    missing = [
        debt - held
        for debt, held in zip(columns["debt"].tolist(), columns["collateral"].tolist(), strict=True)
        if debt > held
    ]
    assert exact["waiting"]["beyond_atoms"] == sum(missing)
    assert exact["waiting"]["under_water"] == len(missing)


def test_the_cases_have_bad_debt_and_waves(tmp_path):
    ends = {}
    for name, changes in CASES.items():
        played = scenarios.load(written(tmp_path / "case.toml", **changes)).run()
        exact = lending_report.exact(played)
        ends[name] = (len(exact["waves"]), sum(row["atoms"] for row in exact["bad_debt"]))
    assert ends["delayed"][0] > 2 and ends["spot"][0] > 2
    # an average over time moves between steps only
    assert ends["average"][0] == 1
    assert any(atoms for _, atoms in ends.values())


# ---------------------------------------------------------------- the shipped one


def test_the_shipped_scenario_is_quick_and_large(shipped):
    numbers = lending_report.measure(shipped)
    assert numbers["borrowers"] == 100_000
    assert shipped.build_seconds + shipped.run_seconds < 10
    assert numbers["liquidations"]["accounts"] > 10_000
    assert len(numbers["waves"]) > 5
    held = shipped.before.columns["loans"]["collateral"].sum() / 10**6
    assert held == pytest.approx(154e6, rel=0.01)
    # nobody who pays gas takes a debt that pays less bonus than that
    waiting = numbers["waiting"]
    assert waiting["debt"] / waiting["accounts"] < 20 / 0.05
    json.dumps(numbers, allow_nan=False)


def test_the_text_says_what_the_numbers_say(shipped):
    numbers = lending_report.measure(shipped)
    text = lending_report.render(numbers)
    assert text.endswith("s to run\n")
    found = numbers["liquidations"]
    assert f"calls            {found['calls']:,}" in text
    assert f"{numbers['bad_debt'][0]['accounts']:,} borrowers without collateral" in text
    for kind in ("index", "pool", "oracle"):
        assert f"{100 * numbers['price'][kind]['move']:+.2f} %" in text


def test_nobody_liquidated_has_a_report(tmp_path):
    played = scenarios.load(written(tmp_path / "calm.toml", move="-0.001")).run()
    text = lending_report.render(lending_report.measure(played))
    assert "Nobody was liquidated." in text


def test_outside_traders_hold_the_pool_at_the_edge_of_its_fee(tmp_path):
    played = scenarios.load(written(tmp_path / "calm.toml", move="-0.001", base="50_000")).run()
    assert set(played.pool_ticks) == {200_000}
    played = scenarios.load(written(tmp_path / "fall.toml", move="-0.02", base="500_000")).run()
    # 1,960 / 0.997 = 1,965.897: the highest tick that it pays to sell down to
    assert played.pool_ticks[-1] == 196_589
    played = scenarios.load(written(tmp_path / "rise.toml", move="0.02", base="500_000")).run()
    # 2,040 * 0.997 = 2,033.88
    assert played.pool_ticks[-1] == 203_388


# ---------------------------------------------------------------- files


def test_the_seed_decides_everything(tmp_path):
    scenario = scenarios.load(written(tmp_path / "case.toml"))
    first, again, other = (s.run() for s in (scenario, scenario, scenario.with_seed(4)))
    assert np.array_equal(first.engine.events, again.engine.events)
    assert first.engine.state_hash() == again.engine.state_hash()
    assert not np.array_equal(first.engine.events, other.engine.events)
    assert other.scenario.seed == 4
    with pytest.raises(ValueError, match="seed"):
        scenario.with_seed(-1)


def test_borrowers_and_prices_from_files(tmp_path):
    (tmp_path / "borrowers.csv").write_text("collateral,debt\n1.5,1800\n0.25,100.5\n")
    (tmp_path / "path.csv").write_text("time,price\n0,1990\n12,1500\n")
    text = SMALL.format(**PLAIN)
    text = text.replace('count = 1_500\nvalue_median = 3_000\nvalue_sigma = 1\nhealth_median = 1.4',
                        'file = "borrowers.csv"')  # fmt: skip
    text = text.replace("move = -0.3\nsteps = 20\nhold = 10", 'path = "path.csv"')
    path = tmp_path / "case.toml"
    path.write_text(text)
    outcome = scenarios.load(path).run()
    columns = outcome.before.columns["first"]
    assert columns["debt"][:2].tolist() == [1800_000_000, 100_500_000]
    assert columns["collateral"][:2].tolist() == [3000_000_000, 500_000_000]
    assert [row["index_ticks"] for row in lending_report.exact(outcome)["path"]] == [
        200_000, 199_000, 150_000,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('kind = "constant_product"', 'kind = "book"', "line 9, venue.kind"),
        ("liquidation_bonus = 0.08", "liquidation_bonus = 8", "reserves 1: 8 is outside"),
        ("liquidation_bonus = 0.04", "bonus = 1", "reserves 2: unknown field"),
        ('price = "ETH-USD"', 'price = "BTC"', "'BTC' is not one of ETH-USD"),
        ('debt = "ETH"', 'debt = "BTC"', "'BTC' is not one of ETH, USD"),
        ('choice = "worst"', 'choice = "any"', "liquidators 1: 'any' is not one of"),
        ("move = -0.3", "move = -0.3\npath = 'x'", "shock.move"),
        ("hold = 10", "hold = 10\nrelative = true", "shock.relative"),
        ("price = 2_000\n", "", "market.price"),
        ("[shock]", "[crowd]\ncount = 1\n[shock]", "unknown section"),
        ("supplied = 30_000_000", "supplied = 3", "lending.borrowers"),
        ("{ delay = 12 }", "{ wait = 12 }", "lending.reserves"),
        ('name = "first"', 'nam = "first"', "lending 1: unknown field"),
        ('["fraction", 0.5]', '["half", 0.5]', "lending.rules"),
        ("price = 2_000\n", "price = 2_000\nfeed = 'ema'\n", "market.average_time"),
    ],
)
def test_mistakes_are_named(tmp_path, old, new, message):
    path = tmp_path / "case.toml"
    text = SMALL.format(**PLAIN)
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(cs.ScenarioError) as caught:
        scenarios.load(path).run()
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


def test_another_protocol_in_place(tmp_path):
    scenario = scenarios.load(written(tmp_path / "case.toml"))
    made = scenario.with_rules("aave_v3:3.0").build()
    assert made.lending["first"].rules == cs.LendingRules.from_protocol(cs.rules.aave_v3("3.0"))
    assert scenario.with_rules("aave_v3").fitted == ()
    for name, field in (
        ("aave", "rules"), ("hyperliquid", "rules"), ("aave_v3:9", "variant"),
        ("maker_liq2:BAT-A", "variant"), ("liquity_v1:2", "variant"), ("crvusd:x", "variant"),
    ):  # fmt: skip
        with pytest.raises(cs.ScenarioError, match=repr(name.rpartition(":")[2])) as found:
            scenario.with_rules(name)
        assert found.value.field == f"lending.{field}"


def test_the_command_writes_json_and_events(tmp_path, capsys):
    path = written(tmp_path / "case.toml")
    log = tmp_path / "log.npz"
    assert cli.main(["run", str(path), "--json", "--events", str(log), "--quiet"]) == 0
    numbers = json.loads(capsys.readouterr().out)
    with np.load(log) as saved:
        events = saved["events"][int(saved["first_event"]) :]
    calls = int((events["kind"] == EventKind.LIQUIDATION).sum())
    assert numbers["liquidations"]["calls"] == calls > 0
    assert cli.main(["run", str(path), "--rules", "spark", "--seed", "9", "--quiet"]) == 0
    assert capsys.readouterr().out.startswith("first (spark): ")
    assert cli.main(["run", str(path), "--rules", "none", "--quiet"]) == 2


def test_the_command_draws_a_picture(tmp_path, capsys, monkeypatch):
    pytest.importorskip("matplotlib")
    path = written(tmp_path / "case.toml")
    picture = tmp_path / "picture.png"
    assert cli.main(["run", str(path), "--plot", str(picture), "--quiet"]) == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    capsys.readouterr()
    assert cli.main(["run", str(path), "--plot", str(tmp_path / "x.none"), "--quiet"]) == 2
    assert "--plot" in capsys.readouterr().err
    assert cli.main(["run", "btc_crash", "--plot", str(picture), "--quiet"]) == 2
    assert "[[lending]]" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert cli.main(["run", str(path), "--plot", str(picture), "--quiet"]) == 2
    assert "pip install 'cascade-engine[plot]'" in capsys.readouterr().err


SECOND = """
[[venues]]
name = "second"
kind = "constant_product"
base = 1_500
fee = 0.0005
"""


def with_venues(path, venue, more=SECOND):
    text = SMALL.format(**PLAIN)
    path.write_text(
        text.replace('price = "ETH-USD"', f'price = "ETH-USD"\nvenue = {venue}', 1) + more
    )
    return path


def test_a_file_splits_sales_over_further_pools(tmp_path):
    path = with_venues(tmp_path / "two.toml", '["ETH-USD", "second"]')
    outcome = scenarios.load(path).run()
    first, second = outcome.engine.markets[:2]
    assert [market.name for market in (first, second)] == ["ETH-USD", "second"]
    sold = outcome.events[
        (outcome.events["kind"] == EventKind.FILL) & (outcome.events["account"] == -3)
    ]
    assert set(sold["market"]) == {0, 1}
    both = [k for k, n in Counter(sold["cause"].tolist()).items() if n > 1]
    assert len(both) > len(set(sold["cause"].tolist())) / 2
    # traders from outside hold both within their fees of the last price
    for market, fee in ((first, 0.003), (second, 0.0005)):
        assert abs(market.mark / 1400 - 1) < fee + 0.001


def test_one_further_pool_alone(tmp_path):
    outcome = scenarios.load(with_venues(tmp_path / "one.toml", '"second"')).run()
    events = outcome.events
    sold = events[(events["kind"] == EventKind.FILL) & (events["account"] == -3)]
    assert set(sold["market"]) == {1}


THIRD = """
[[venues]]
name = "third"
kind = "constant_product"
base = 2_500
fee = 0.01
"""


def test_the_report_follows_the_market_past_further_pools(tmp_path):
    outcome = scenarios.load(with_venues(tmp_path / "two.toml", '"second"')).run()
    path = outcome.scenario._outside()
    found = lending_report.exact(outcome)
    rows = found["path"]
    # one row a step, with the outside price of that step
    assert [row["index_ticks"] for row in rows] == list(path)
    assert [row["pool_ticks"] for row in rows[1:]] == list(outcome.pool_ticks)
    assert sum(row["calls"] for row in rows) == found["liquidations"]["calls"] > 0


def test_a_price_that_is_the_median_of_the_pools(tmp_path):
    path = with_venues(tmp_path / "three.toml", '"price"', SECOND + THIRD)
    path.write_text(path.read_text().replace('price = "ETH-USD"', 'price = "median"'))
    outcome = scenarios.load(path).run()
    engine = outcome.engine
    assert [market.name for market in engine.markets[:4]] == [
        "ETH-USD",
        "second",
        "third",
        "median",
    ]
    assert engine["median"].sources == tuple(engine.markets[:3])
    assert engine["median"].mark == sorted(market.mark for market in engine.markets[:3])[1]
    assert engine["median"].mark != engine["ETH-USD"].mark
    reserve = next(r for r in engine.lending["first"].reserves.values() if r.source is not None)
    assert reserve.source is engine["median"]
    # what is seized is sold in the market, which the median has no pool of its own for
    events = outcome.events
    sold = events[(events["kind"] == EventKind.FILL) & (events["account"] == -3)]
    assert set(sold["market"]) == {0}
    # each price believed is caused by the median's mark
    believed = events[events["kind"] == EventKind.ORACLE]
    rows = lending_report.exact(outcome)["path"]
    assert len(believed) > 0
    assert rows[-1]["oracle_ticks"] == believed["price"][-1]
    causes = [engine.events_between(k, k + 1)[0] for k in believed["cause"].tolist()]
    assert {(int(row["kind"]), int(row["market"])) for row in causes} == {(int(EventKind.MARK), 3)}


def test_caps_hold_for_the_price_that_is_read(tmp_path):
    path = with_venues(tmp_path / "cap.toml", '"second"')
    path.write_text(path.read_text().replace("[market]", "[market]\nsupply_cap = 10_000_000"))
    engine = scenarios.load(path).build()
    assert [row[0] for row in engine.lending.cap_numbers()] == [engine["ETH-USD"].number]


def test_a_median_needs_further_pools(tmp_path):
    path = tmp_path / "wrong.toml"
    path.write_text(SMALL.format(**PLAIN).replace('price = "ETH-USD"', 'price = "median"'))
    with pytest.raises(cs.ScenarioError, match="'median' is not one of ETH-USD"):
        scenarios.load(path)


@pytest.mark.parametrize(
    ("venue", "more", "place", "reason"),
    [
        ('["ETH-USD", "third"]', SECOND, "lending.reserves.venue", "'third' is not one of price, ETH-USD, second"),
        ('["none", "second"]', SECOND, "lending.reserves.venue", "'none' is not one of"),
        ("3", SECOND, "lending.reserves.venue", "is none of text, list"),
        ('["second", "second"]', SECOND, "lending.reserves", "each once"),
        ('"price"', SECOND.replace("second", "ETH-USD"), "venues.name", "names of their own"),
        ('"price"', SECOND.replace("base = 1_500\n", ""), "venues.base", "is missing"),
        ('"price"', SECOND + "ranges = []\n", "venues.ranges", "no field of kind"),
    ],
)  # fmt: skip
def test_venues_of_a_file_are_checked(tmp_path, venue, more, place, reason):
    path = with_venues(tmp_path / "wrong.toml", venue, more)
    with pytest.raises(cs.ScenarioError, match=reason) as found:
        scenarios.load(path).build()
    assert found.value.field == place
