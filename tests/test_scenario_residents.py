"""Residents of a scenario file: read, placed after the crowd, played, reported, refused by name."""

import pytest

import cascade as cs
from cascade import report

MARKET = """
[market]
name = "X"
tick = 1
lot = 0.1
price = 1000
[rules]
tiers = [[0, 0.01]]
feed = "mid"
[book]
levels = 400
touch_size = 1
[crowd]
count = 300
seed = 3
leverage_median = 20
[shock]
kind = "sell"
move = -0.05
steps = 20
"""
RESIDENTS = """
[[residents]]
kind = "MarketMaker"
depth = [[2, 5], [10, 20]]
deposit = 300_000
refill = 4
inventory_limit = 60
[[residents]]
kind = "Arbitrageur"
deposit = 400_000
size = 30
threshold = 0.005
delay = 2
[[residents]]
kind = "NoiseFlow"
rate = 1.5
size = [0.1, 2]
market_share = 0.7
[[residents]]
kind = "MarginCalls"
warning = 1.5
top_up_share = 0.4
reduce_share = 0.2
"""


def load(tmp_path, text):
    path = tmp_path / "scenario.toml"
    path.write_text(text, encoding="utf-8")
    return cs.scenarios.load(path)


def test_residents_live_in_the_market_after_the_crowd(tmp_path):
    plain, populated = load(tmp_path, MARKET), load(tmp_path, MARKET + RESIDENTS)
    engine = populated.build()
    assert [type(entry).__name__ for entry in engine.residents] == [
        "MarketMaker", "Arbitrageur", "NoiseFlow", "MarginCalls",
    ]  # fmt: skip
    assert engine.residents.accounts == [300, 301, -1, -1]
    assert len(plain.build().residents) == 0
    alone, together = plain.run(), populated.run()
    # arbitrage and makers buy what is sold: the price leaves the index by less
    assert abs(together.dislocation.share) < abs(alone.dislocation.share)
    assert together.run_seconds > 0
    again = load(tmp_path, MARKET + RESIDENTS).run()
    assert again.engine.state_hash() == together.engine.state_hash()
    kinds = set(together.events["kind"].tolist())
    assert cs.EventKind.MARGIN_CALL in kinds


def test_the_report_says_how_far_the_price_left_the_index(tmp_path):
    outcome = load(tmp_path, MARKET).run()
    numbers = report.measure(outcome)
    fills = outcome.events[outcome.events["kind"] == cs.EventKind.FILL]
    # the index stands at 1000 throughout
    furthest = max(fills["price"].tolist(), key=lambda price: abs(price - 1000))
    assert numbers["dislocation"]["price"] == furthest
    assert numbers["dislocation"]["share"] == (furthest - 1000) / 1000
    assert numbers["exact"]["dislocation"]["ticks"] == furthest - 1000
    assert 0 < numbers["dislocation"]["seconds"] < outcome.steps
    line = next(line for line in report.render(numbers).splitlines() if "furthest" in line)
    assert "from the index; beyond 1 % for" in line


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        ('[residents]\nkind = "NoiseFlow"', r"must be tables, \[\[residents\]\]"),
        ('[[residents]]\nkind = "Whale"', "resident 1: kind 'Whale' is not one of MarketMaker"),
        ("[[residents]]\nrate = 1", "resident 1: kind None"),
        ('[[residents]]\nkind = "NoiseFlow"\nspeed = 1', "unknown field; a NoiseFlow has"),
        ('[[residents]]\nkind = "NoiseFlow"\nrate = "fast"\nsize = 1', "'fast' is not a number"),
        ('[[residents]]\nkind = "NoiseFlow"\nrate = -1\nsize = 1', "rate .* is outside 0"),
        ('[[residents]]\nkind = "NoiseFlow"\nrate = 1\nsize = 1\nmarket = 2', "unknown field"),
    ],
)
def test_tables_are_checked_when_read(tmp_path, tables, said):
    with pytest.raises(cs.ScenarioError, match=said):
        load(tmp_path, MARKET + tables)


def test_the_grid_is_checked_when_built(tmp_path):
    off = '[[residents]]\nkind = "NoiseFlow"\nrate = 1\nsize = 0.05'
    with pytest.raises(cs.ScenarioError, match=r"residents.*resident 1: size"):
        load(tmp_path, MARKET + off).build()
