"""Lending scenarios whose market auctions: the file's words, and the report's numbers from events by hand."""

import pytest

import cascade as cs
from cascade import lending_report, scenarios
from cascade.codes import EventKind

FILE = """\
[market]
name = "ETH-USD"
tick = 0.01
lot = 0.001
price = 2_000

[venue]
kind = "constant_product"
base = 4_000
fee = 0.003

[[lending]]
name = "maker"
rules = {rules}

[[lending.reserves]]
name = "ETH"
price = "ETH-USD"
liquidation_threshold = 0.8
borrowable = false

[[lending.reserves]]
name = "DAI"
collateral = false
supplied = 30_000_000

[[lending.borrowers]]
collateral = "ETH"
debt = "DAI"
count = 800
value_median = 3_000
value_sigma = 1
health_median = 1.4

[[liquidators]]
gas = 5
capital = 20_000

[[liquidators]]
gas = 20
latency = 60

[shock]
move = -0.4
steps = 20
hold = 40

[engine]
seed = 3
"""
LINEAR = (
    '{ close_factor = ["auction", { price = ["linear", 300], tail = 240, cusp = 0.2, buf = 1.1, '
    'tip = 6 }], bad_debt = "auction_shortfall" }'
)


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    path = tmp_path_factory.mktemp("auctions") / "case.toml"
    path.write_text(FILE.format(rules=LINEAR))
    return scenarios.load(path).run()


def total(outcome, kind, field="quantity", **where):
    events = outcome.events[outcome.events["kind"] == kind]
    for name, value in where.items():
        events = events[events[name] == value]
    return sum(events[field].tolist())


def count(outcome, kind, **where):
    events = outcome.events[outcome.events["kind"] == kind]
    for name, value in where.items():
        events = events[events[name] == value]
    return len(events)


def test_what_auctions_did(outcome):
    (found,) = lending_report.exact(outcome)["auctions"]
    (lending,) = outcome.engine.lending
    assert (found["begun"], found["takes"], found["resets"]) == tuple(
        count(outcome, kind) for kind in (EventKind.KICK, EventKind.TAKE, EventKind.REDO)
    )
    assert min(found["begun"], found["takes"]) > 20
    assert found["tab_atoms"] == total(outcome, EventKind.KICK, "money")
    assert found["paid_atoms"] == total(outcome, EventKind.TAKE, "money")
    assert found["shortfall_atoms"] == total(outcome, EventKind.BAD_DEBT, "money")
    assert found["awaited_atoms"] == lending["DAI"].row()["awaited"]
    lots = found["collateral"]["ETH"]
    open_lots = lending["ETH"].row()["auctioned"]
    assert lots["begun_lots"] == lots["sold_lots"] + lots["returned_lots"] + open_lots
    assert list(found["collateral"]) == ["ETH"]


def test_liquidators_get_what_they_took(outcome):
    rows = lending_report.exact(outcome)["liquidators"]
    for row in rows:
        number = row["number"]
        assert row["calls"] == count(outcome, EventKind.TAKE, counterparty=number)
        sold, paid = row["sold_atoms"], total(outcome, EventKind.TAKE, "money", counterparty=number)
        earned = total(outcome, EventKind.INCENTIVE, counterparty=number)
        assert row["profit_atoms"] == sold - paid + earned - row["gas_atoms"]
    assert sum(row["calls"] for row in rows) > 20


def test_the_report_has_a_line_of_them(outcome):
    numbers = lending_report.measure(outcome)
    text = lending_report.render(numbers)
    assert "Collateral auctions, USD" in text
    assert numbers["auctions"][0]["tab"] == pytest.approx(
        numbers["exact"]["auctions"][0]["tab_atoms"] / 10**6
    )


def test_the_preset_by_name(tmp_path):
    path = tmp_path / "case.toml"
    path.write_text(FILE.format(rules='"maker_liq2"'))
    made = scenarios.load(path).run()
    (lending,) = made.engine.lending
    assert lending.rules == cs.rules.maker_liq2()
    assert "Collateral auctions" in lending_report.render(lending_report.measure(made))
    path.write_text(FILE.format(rules='{ close_factor = ["auction", { penalty = -1 }] }'))
    with pytest.raises(cs.ScenarioError, match=r"lending\.rules.*penalty"):
        scenarios.load(path)


def test_contagion_follows_takes_to_the_account_that_was_barked():
    # two vaults at one threshold after the other: the sale of the first's lot makes the second due, steps later
    engine = cs.Engine(asset_decimals=0)
    market = engine.add_market(
        "X", tick_size=1, lot_size=1, venue=cs.Impact.linear(1),
        rules=cs.Rules(tiers=((0, 0),), feed="last"),
    )  # fmt: skip
    market.set_index(100)
    auction = cs.CollateralAuction(
        penalty="0.1", buf="1.1", price=("linear", 100), tail=90, cusp="0.2"
    )
    rules = cs.LendingRules(close_factor=("auction", auction), bad_debt="auction_shortfall")
    maker = engine.lending.add("maker", rules=rules)
    maker.add_reserve("X", price="X", liquidation_threshold="0.8", borrowable=False)
    maker.add_reserve("USD", collateral=False)
    maker["USD"].supply(5000)
    maker.open(collateral={"X": [10, 10]}, debt={"USD": [740, 700]})
    run = engine.run(path={"X": [92, 92, 92, 92]}, dt=8)
    assert run.contagion.count("outside", "maker") == 1
    assert run.contagion.count("maker", "maker") == 1
    barks = engine.events[engine.events["kind"] == EventKind.KICK]
    assert barks["account"].tolist() == [0, 1]
    takes = engine.events[engine.events["kind"] == EventKind.TAKE]
    assert takes["time"][0] > barks["time"][0]
