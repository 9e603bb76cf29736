"""Lending scenario files that state troves, bands, auctions, categories, isolation, stop-gaps and incidents."""

import inspect
from collections import Counter
from dataclasses import fields
from pathlib import Path

import pytest

import cascade as cs
from cascade import lending_report, scenarios
from cascade.codes import EventKind
from cascade.scenarios import lending_schema

FRAME = """\
[market]
name = "ETH-USD"
tick = 0.01
lot = 0.001
price = 2_000
{market}

[venue]
kind = "constant_product"
base = 4_000
fee = 0.003

[[lending]]
name = "first"
{lending}

[[lending.reserves]]
name = "ETH"
price = "ETH-USD"
oracle = {{ delay = 12 }}
{collateral}

[[lending.reserves]]
name = "USD"
{money}

[[lending.borrowers]]
collateral = "ETH"
debt = "USD"
count = {count}
value_median = 3_000
value_sigma = 1
health_median = 1.4
{borrowers}

{more}

[[liquidators]]
gas = 5

[shock]
move = -0.3
steps = 20
hold = 10

[engine]
seed = 3
"""
EMPTY = {
    "market": "", "lending": "", "collateral": "", "money": "", "borrowers": "", "more": "", "count": 600,
}  # fmt: skip
CALLS = {
    "lending": 'rules = { close_factor = ["fraction", 0.5], bad_debt = "deficit" }',
    "collateral": "liquidation_threshold = 0.8\nliquidation_bonus = 0.08",
    "money": "supplied = 3_000_000",
}
TROVES = {
    "lending": 'rules = { close_factor = "trove", troves = { critical_ratio = 2, sells = true } }\n'
    "stability_pool = 20_000"
}
BANDS = {
    "lending": "rules = { bands = { amplification = 50, fee = 0.001, rate = 0.1 } }",
    "borrowers": "bands = 6",
    "count": 200,
}


def loaded(tmp_path, **stated):
    path = tmp_path / "case.toml"
    path.write_text(FRAME.format(**{**EMPTY, **stated}))
    return scenarios.load(path)


def rows_of(outcome, kind):
    return outcome.events[outcome.events["kind"] == kind]


def refused(tmp_path, field, reason, **stated):
    with pytest.raises(cs.ScenarioError, match=reason) as found:
        loaded(tmp_path, **stated).build()
    assert found.value.field == field
    assert found.value.line > 0


def test_files_have_every_term_of_the_engine():
    for call, section, other in (
        (cs.LendingMarket.add_reserve, lending_schema.ReserveSection, {"supplied"}),
        (cs.LendingMarket.add_category, lending_schema.CategorySection, set()),
        (cs.Liquidator, lending_schema.LiquidatorSection, set()),
    ):
        terms = set(inspect.signature(call).parameters) - {"self"}
        assert {entry.name for entry in fields(section)} - other == terms


# ---------------------------------------------------------------- troves


def test_troves_of_a_file(tmp_path):
    outcome = loaded(tmp_path, **TROVES).run()
    (lending,) = outcome.engine.lending
    troves = cs.Troves(critical_ratio=2, sells=True)
    assert lending.rules == cs.LendingRules(close_factor="trove", troves=troves)
    (found,) = lending_report.exact(outcome)["troves"]
    assert found["pool_before_atoms"] == 20_000 * 10**6
    assert found["offsets"] > 0
    assert found["redistributions"] > 0
    # what they owe is minted, to the atom
    debts = sum(outcome.before.columns["first"]["debt"].tolist())
    assert debts == outcome.before.rows["first", "USD"]["owed_lots"]
    assert outcome.before.rows["first", "USD"]["cash"] == 0
    # the liquidator's sales are those of its own part, the pool's are not its
    sold = rows_of(outcome, EventKind.FILL)
    sold = sold[sold["account"] == -3]
    gas = rows_of(outcome, EventKind.SEIZE)["quantity"].sum()
    pool = rows_of(outcome, EventKind.OFFSET)["money"].sum()
    assert sold["quantity"].sum() == gas + pool
    (row,) = lending_report.exact(outcome)["liquidators"]
    assert row["profit_atoms"] == row["sold_atoms"] - row["gas_atoms"]
    gained = lending.stability_pool.row()["received"]
    assert row["sold_atoms"] == sold["money"].sum() - gained > 0


def test_a_share_of_the_debts_in_the_pool(tmp_path):
    engine = loaded(tmp_path, lending='rules = "liquity_v1"\nstability_share = 0.25').build()
    (lending,) = engine.lending
    owed = lending["USD"].row()["owed_lots"]
    assert lending.stability_pool.row()["deposits"] == owed // 4


def test_a_preset_and_what_differs(tmp_path):
    rules = 'rules = { preset = "liquity_v2", gas_reserve = 75 }\nvariant = "staked ether"'
    scenario = loaded(tmp_path, lending=rules)
    (lending,) = scenario.build().lending
    assert lending.rules == cs.rules.liquity_v2("staked ether", gas_reserve=75)
    assert scenario.rules == {"first": "liquity_v2 staked ether"}
    rules = {**CALLS, "lending": 'rules = { preset = "aave_v3", stop_gap = [["backstop", 100]] }'}
    (lending,) = loaded(tmp_path, **rules).build().lending
    stop_gap = (("backstop", 100),)
    assert lending.rules == cs.LendingRules.from_protocol(cs.rules.aave_v3(), stop_gap=stop_gap)


# ---------------------------------------------------------------- bands


def test_bands_of_a_file(tmp_path):
    outcome = loaded(tmp_path, **BANDS).run()
    bands = outcome.engine.lending.bands["first"]
    assert bands.rules.amplification == 50
    assert bands.given["rate"] == 10**17
    columns = bands.columns()
    assert set((columns["last"] - columns["first"])[columns["debt"] > 0]) == {5}
    (found,) = lending_report.exact(outcome)["bands"]
    assert found["sold"]["lots"] == bands.totals()["sold"] > 0
    text = lending_report.render(lending_report.measure(outcome))
    assert text.startswith("first (own rules): 200 borrowers")


def test_nobody_in_bands_is_drawn_beyond_the_largest_debt(tmp_path):
    stated = {**BANDS, "borrowers": "health_least = 1\nhealth_sigma = 3\nbands = 6"}
    engine = loaded(tmp_path, **stated).build()
    bands = engine.lending.bands["first"]
    assert len(bands) == 200
    assert (bands.health > 0).all()


def test_what_bands_cannot_have_is_refused(tmp_path):
    field = "lending.reserves.liquidation_threshold"
    refused(
        tmp_path,
        field,
        "bands have no such term",
        **{**BANDS, "collateral": "liquidation_threshold = 0.5"},
    )
    refused(tmp_path, "lending.stability_pool", "no stability pool",
            **{**BANDS, "lending": BANDS["lending"] + "\nstability_pool = 5"})  # fmt: skip
    refused(
        tmp_path,
        "lending.borrowers.bands",
        "is outside 4 ... 50",
        **{**BANDS, "borrowers": "bands = 3"},
    )
    reason = "amplification 5 is outside 20 ... 1000"
    refused(tmp_path, "lending.rules", reason, lending="rules = { bands = { amplification = 5 } }")
    refused(
        tmp_path,
        "lending.rules",
        "bands has no 'width'",
        lending="rules = { bands = { width = 5 } }",
    )


# ---------------------------------------------------------------- categories, isolation, caps


CATEGORY = """
[[lending.categories]]
name = "ether"
collateral = ["ETH"]
borrowable = ["USD"]
liquidation_threshold = 0.9
liquidation_bonus = 0.01
"""


def test_borrowers_in_a_category(tmp_path):
    stated = {**CALLS, "more": CATEGORY, "borrowers": 'category = "ether"'}
    outcome = loaded(tmp_path, **stated).run()
    (lending,) = outcome.engine.lending
    assert lending.category_of(0) == "ether"
    # debts follow from the category's threshold: the one group twice, with and without
    plain = loaded(tmp_path, **CALLS).build().lending["first"].columns()["debt"]
    debts = outcome.before.columns["first"]["debt"]
    assert (debts > plain).all()
    # each rounded down to an atom
    for more, less in zip(debts.tolist(), plain.tolist(), strict=True):
        assert abs(8 * more - 9 * less) <= 9
    exact = lending_report.exact(outcome)
    # seized from the side of the category, at the price of its reserve
    assert exact["liquidations"]["calls"] > 20
    assert exact["liquidations"]["seized_atoms"] == sum(
        lots * ticks * 10
        for lots, ticks in rows_of(outcome, EventKind.LIQUIDATION)[["quantity", "price"]].tolist()
    )


def test_caps_of_money_of_a_file(tmp_path):
    engine = loaded(tmp_path, market="money_borrow_cap = 2_000_000", **CALLS).build()
    assert engine.lending.cap_numbers() == [[-1, "USD", -1, 2 * 10**12]]
    refused(tmp_path, "lending.borrowers", "cap", market="money_borrow_cap = 2_000", **CALLS)


# ---------------------------------------------------------------- stop-gaps


def test_stages_make_the_calls_nobody_gains_by(tmp_path):
    stages = 'stop_gap = ["stability_pool", ["backstop", 50_000]]'
    rules = f'rules = {{ close_factor = "whole", bad_debt = "deficit", {stages} }}'
    # without a bonus nobody sells into the pool for more than the debt
    stated = {**CALLS, "lending": rules + "\nstability_pool = 30_000",
              "collateral": "liquidation_threshold = 0.8"}  # fmt: skip
    outcome = loaded(tmp_path, **stated).run()
    found = {row["stage"]: row for row in lending_report.exact(outcome)["stages"]}
    seized = Counter(rows_of(outcome, EventKind.SEIZE)["counterparty"].tolist())
    assert seized[-4] == found["stability_pool"]["calls"] > 0
    assert seized[-5] == found["backstop"]["calls"] > 0
    (lending,) = outcome.engine.lending
    burned = rows_of(outcome, EventKind.OFFSET)["quantity"].sum()
    pool = found["stability_pool"]
    assert pool["before_atoms"] - pool["after_atoms"] == burned
    assert found["backstop"]["after_atoms"] == 50_000 * 10**6 + round(
        lending.backstop["profit"] * 10**6
    )
    exact = lending_report.exact(outcome)
    # what the pool burned is no second debt
    repaid = rows_of(outcome, EventKind.REPAY)["money"].sum()
    assert exact["liquidations"]["repaid_atoms"] == repaid
    others = exact["liquidators"][0]["repaid_atoms"]
    assert sum(row["repaid_atoms"] for row in found.values()) + others == repaid
    text = lending_report.render(lending_report.measure(outcome))
    assert "Calls that nobody gains by, USD" in text


# ---------------------------------------------------------------- incidents


def incident(**fields):
    lines = [f"{name} = {value!r}" for name, value in fields.items()]
    return "\n".join(["[[lending.incidents]]", *lines, ""])


def by_time(outcome, kind):
    return Counter((rows_of(outcome, kind)["time"] // 10**9).tolist())


def test_an_oracle_that_hangs(tmp_path):
    plain = loaded(tmp_path, **CALLS).run()
    more = incident(kind="oracle", reserve="ETH", failure="stale", start=60, end=300)
    outcome = loaded(tmp_path, more=more, **CALLS).run()
    assert any(60 < time < 300 for time in by_time(plain, EventKind.ORACLE))
    assert not any(60 < time < 300 for time in by_time(outcome, EventKind.ORACLE))
    # the price that was believed at its beginning stays in the report
    path = {
        row["time_ns"] // 10**9: row["oracle_ticks"]
        for row in lending_report.exact(outcome)["path"]
    }
    assert len({path[time] for time in range(72, 300, 12)}) == 1
    assert path[312] < path[288]
    assert len(rows_of(outcome, EventKind.LIQUIDATION)) > 0


def test_an_oracle_that_answers_zero(tmp_path):
    more = incident(kind="oracle", reserve="ETH", failure="zero", start=120)
    outcome = loaded(tmp_path, more=more, **CALLS).run()
    numbers = lending_report.measure(outcome)
    assert numbers["path"][-1]["oracle"] == 0
    assert numbers["furthest"]["share"] is None
    assert "below 1" in lending_report.render(numbers)


def test_a_pause_and_its_grace(tmp_path):
    more = incident(kind="pause", reserve="ETH", start=0, end=288, grace=48)
    outcome = loaded(tmp_path, more=more, **CALLS).run()
    times = by_time(outcome, EventKind.LIQUIDATION)
    assert times
    assert min(times) > 288 + 48 - 12
    frozen = loaded(tmp_path, more=incident(kind="freeze", reserve="USD"), **CALLS).run()
    assert frozen.engine.lending["first"]["USD"].frozen


def test_a_sequencer_that_is_down(tmp_path):
    rules = 'rules = { close_factor = "whole", bad_debt = "deficit", sentinel = 0.95 }'
    stated = {**CALLS, "lending": rules}
    outcome = loaded(tmp_path, more=incident(kind="sequencer", start=0, end=10_000), **stated).run()
    calls = rows_of(outcome, EventKind.HEALTH)
    assert len(calls) > 0
    # only those below the sentinel's health are called on
    assert (calls["order"] < 950_000_000).all()
    plain = loaded(tmp_path, **stated).run()
    assert (rows_of(plain, EventKind.HEALTH)["order"] >= 950_000_000).any()


def test_auctions_that_are_stopped(tmp_path):
    stated = {
        "lending": 'rules = { preset = "maker_liq2", tip = 5 }',
        "collateral": "liquidation_threshold = 0.8\nborrowable = false",
        "money": "collateral = false\nsupplied = 3_000_000",
    }
    outcome = loaded(tmp_path, more=incident(kind="auctions", stage=1, start=120), **stated).run()
    begun = by_time(outcome, EventKind.KICK)
    assert begun
    # in force before the step that begins at 120
    assert max(begun) <= 120
    assert max(by_time(loaded(tmp_path, **stated).run(), EventKind.KICK)) > 120


@pytest.mark.parametrize(
    ("fields", "field", "reason"),
    [
        ({"kind": "fire"}, "kind", "'fire' is not one of oracle, pause"),
        ({"kind": "oracle", "reserve": "ETH"}, "failure", "oracle: is missing"),
        ({"kind": "oracle", "failure": "stale"}, "reserve", "is missing"),
        (
            {"kind": "oracle", "reserve": "BTC", "failure": "stale"},
            "reserve",
            "'BTC' is not one of ETH, USD",
        ),
        ({"kind": "pause", "reserve": "ETH", "stage": 1}, "stage", "does not belong"),
        (
            {"kind": "pause", "reserve": "ETH", "start": 5, "end": 5},
            "end",
            "5 is not above its start",
        ),
        ({"kind": "pause", "reserve": "ETH", "grace": 5}, "grace", "there is none"),
        ({"kind": "sequencer"}, "kind", "no sentinel"),
        ({"kind": "auctions", "stage": 1}, "kind", "do not auction"),
        ({"kind": "auctions", "stage": 4}, "stage", "is outside 1 ... 3"),
    ],
)
def test_incidents_that_cannot_be(tmp_path, fields, field, reason):
    stated = {**CALLS, "more": incident(**fields)}
    refused(tmp_path, f"lending.incidents.{field}", reason, **stated)


# ---------------------------------------------------------------- other mistakes


@pytest.mark.parametrize(
    ("field", "reason", "stated"),
    [
        ("lending.fee", "not of troves", {"lending": 'rules = "liquity_v1"\nfee = 0.1'}),
        ("lending.fee", "not of bands", {"lending": 'rules = "crvusd"\nfee = 0.1'}),
        ("lending.variant", "names none", {"lending": 'variant = "3.0"'}),
        ("lending.variant", "no variants", {"lending": 'rules = "liquity_v1"\nvariant = "2"'}),
        ("lending.rules", "no 'tipp'; there are", {"lending": 'rules = { preset = "maker_liq2", tipp = 2 }'}),
        ("lending.rules", "troves has no 'ratio'",
         {"lending": 'rules = { close_factor = "trove", troves = { ratio = 1 } }'}),
        ("lending.rules", "rules has no 'bonuses'", {"lending": "rules = { bonuses = 1 }"}),
        ("lending.stability_share", "is outside -infinity ... 1", {"lending": "stability_share = 2"}),
        ("lending.stability_share", "contradicts",
         {"lending": 'rules = "liquity_v1"\nstability_pool = 2\nstability_share = 0.5'}),
        ("lending.categories", "troves have none", {**TROVES, "more": CATEGORY}),
        ("lending.categories.collateral", "'ETH' is none", {"more": CATEGORY.replace('["ETH"]', '"ETH"')}),
        ("lending.categories.collateral", "ether: 'BTC' is not one of", {"more": CATEGORY.replace("ETH", "BTC")}),
        ("lending.borrowers.category", "'gold' is not one of none", {"borrowers": 'category = "gold"'}),
        ("lending.borrowers.debt_least", "none of 600 borrowers",
         {**CALLS, "borrowers": "debt_least = 10_000_000"}),
        ("lending.reserves.liquidation_threshold", "ETH: is missing or 0", {"money": "supplied = 3_000_000"}),
        ("lending.reserves", "one reserve with a price",
         {**TROVES, "more": '[[lending.reserves]]\nname = "DAI"'}),
        ("lending.borrowers.collateral", "'USD' has no price",
         {**TROVES, "more": '[[lending.borrowers]]\ncollateral = "USD"\ndebt = "ETH"'}),
        ("lending.reserves", "ETH: loan_to_value Decimal\\('0.9'\\) is outside 0 ... 0.8",
         {**CALLS, "collateral": CALLS["collateral"] + "\nloan_to_value = 0.9"}),
        ("lending.reserves.oracle", "USD: an oracle has no 'wait'; there are delay, heartbeat",
         {**CALLS, "money": CALLS["money"] + "\noracle = { wait = 3 }"}),
        ("lending.reserves.oracle", "USD: deviation 2 is outside 0 ... 1",
         {**CALLS, "money": CALLS["money"] + "\noracle = { deviation = 2 }"}),
        ("lending.reserves.interest", "USD: model must be one of",
         {**CALLS, "money": CALLS["money"] + '\ninterest = { model = "kinky" }'}),
        ("lending.borrowers", "borrowers 1: ", {**CALLS, "money": "supplied = 1_000"}),
        ("lending.name", "names of their own",
         {**CALLS, "more": '[[lending]]\nname = "first"\n[[lending.reserves]]\nname = "USD"'}),
    ],
)  # fmt: skip
def test_mistakes_name_field_value_and_range(tmp_path, field, reason, stated):
    if field == "lending.categories.collateral" and "none" in reason:
        reason = "'ETH' is not a list of texts"
    refused(tmp_path, field, reason, **stated)


def test_least_debts_leave_smaller_borrowers_out(tmp_path):
    every = loaded(tmp_path, **CALLS).build().lending["first"].columns()["debt"]
    some = loaded(tmp_path, **{**CALLS, "borrowers": "debt_least = 2_000"}).build()
    kept = some.lending["first"].columns()["debt"].tolist()
    assert kept == [debt for debt in every.tolist() if debt >= 2_000 * 10**6]
    assert 0 < len(kept) < len(every)


def test_what_a_protocol_cannot_have_is_left_out_and_said(tmp_path):
    more = "\n".join([
        '[[lending.borrowers]]\ncollateral = "USD"\ndebt = "ETH"\ncount = 20\n',
        CATEGORY, incident(kind="oracle", reserve="ETH", failure="reverts", start=1_000),
    ])  # fmt: skip
    money = CALLS["money"] + "\nliquidation_threshold = 0.9\nborrow_cap = 5_000_000"
    scenario = loaded(tmp_path, **{
        **CALLS, "more": more, "money": money, "collateral": CALLS["collateral"] + "\nsupplied = 100",
    })  # fmt: skip
    made = scenario.with_rules("liquity_v1")
    assert "of the borrowers only those who owe USD against ETH" in made.fitted
    assert "no categories" in made.fitted
    assert "without incidents that it cannot have" in made.fitted
    (section,) = made.sections.lending
    assert [group.debt for group in section.borrowers] == ["USD"]
    assert section.incidents == () == section.categories
    # another protocol of calls has it all
    assert scenario.with_rules("aave_v3").fitted == ()
    assert "USD alone is lent, and no collateral" in scenario.with_rules("compound_v3").fitted
    for name in cs.rules.AUCTION_PROTOCOLS:
        scenario.with_rules(name).build().validate()


def test_a_file_of_the_protocol_is_left_as_it_is(tmp_path):
    bands = loaded(tmp_path, **BANDS)
    made = bands.with_rules("crvusd")
    assert made.fitted == ()
    assert made.sections.lending[0].reserves == bands.sections.lending[0].reserves
    stated = {"lending": 'rules = "maker_liq2"', "money": "collateral = false\nsupplied = 3_000_000",
              "collateral": "liquidation_threshold = 0.8\nborrowable = false"}  # fmt: skip
    made = loaded(tmp_path, **stated).with_rules("maker_liq2")
    assert [note.split()[0] for note in made.fitted] == ["whoever", "the"]


def test_borrowers_that_a_protocol_cannot_have_are_refused(tmp_path):
    text = FRAME.replace('collateral = "ETH"\ndebt = "USD"', 'collateral = "USD"\ndebt = "ETH"')
    path = tmp_path / "case.toml"
    money = "liquidation_threshold = 0.8"
    path.write_text(text.format(**{**EMPTY, "collateral": "supplied = 5_000", "money": money}))
    scenario = scenarios.load(path)
    with pytest.raises(cs.ScenarioError, match="no group of those who owe money") as found:
        scenario.with_rules("liquity_v1")
    assert found.value.field == "lending.borrowers"
    # with one base it is ether that is borrowed
    assert "ETH alone is lent, and no collateral" in scenario.with_rules("compound_v3").fitted


def test_the_page_s_file_plays(tmp_path):
    page = Path(__file__).resolve().parents[1] / "docs" / "lending-scenario.md"
    path = tmp_path / "three.toml"
    path.write_text(page.read_text().split("```toml\n")[1].split("```")[0])
    outcome = scenarios.load(path).run()
    exact = lending_report.exact(outcome)
    assert [row["lending"] for kind in ("troves", "bands", "auctions") for row in exact[kind]] == [
        "troves", "bands", "auctions",
    ]  # fmt: skip
    (troves,), (bands,), (auctions,) = exact["troves"], exact["bands"], exact["auctions"]
    assert (
        min(
            troves["offsets"], troves["redistributions"], bands["sold"]["trades"], auctions["takes"]
        )
        > 0
    )
    # one pool for all: what liquidators sold is told apart by what they did
    calls = len(rows_of(outcome, EventKind.LIQUIDATION))
    assert (
        exact["liquidations"]["calls"]
        == calls
        == troves["closed"] + bands["calls"] + auctions["begun"]
    )
    fills = rows_of(outcome, EventKind.FILL)
    mine = fills[fills["account"] == -3]
    (liquidator,) = exact["liquidators"]
    assert liquidator["sold_atoms"] == mine["money"][mine["side"] == 1].sum()
    assert liquidator["bought_atoms"] == mine["money"][mine["side"] == 0].sum()
    debts = sum(sum(columns["debt"].tolist()) for columns in outcome.before.columns.values())
    assert sum(row["debt_before"] for row in exact["health"]) == debts
    text = lending_report.render(lending_report.measure(outcome))
    for words in ("Where ", "Bands of bands", "Collateral auctions", "sold softly"):
        assert words in text
