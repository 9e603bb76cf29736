"""The report's interruptions, and when a run has come to rest."""

import json
from collections import Counter

import pytest
from test_scenario import changed, write
from test_scenario_breaker import with_breaker

from cascade import report, scenarios
from cascade.codes import EventKind
from cascade.scenarios import rest


def halted(tmp_path, terms):
    plain = scenarios.load(write(tmp_path, changed())).build().markets[0]
    close = plain.mark_ticks * plain.ticks.step
    path = write(tmp_path, with_breaker(f"close = {close}\n{terms}"))
    return scenarios.load(path).run()


def test_halts_are_those_of_the_log(tmp_path):
    outcome = halted(tmp_path, "lower = 0.05\nhard = false\npause = 30\nreplenish = 0.5")
    numbers = report.measure(outcome)
    events = outcome.events
    fills = events[events["kind"] == EventKind.FILL]
    # each halt begins with code 3 and ends with code 0, thirty seconds later
    halts = events[events["kind"] == EventKind.HALT]
    begun = halts[halts["code"] == 3]
    over = halts[halts["code"] == 0]
    rows = [row for row in numbers["exact"]["interruptions"] if row["what"] == "halt"]
    assert len(rows) == len(begun) >= 1
    for row, event in zip(rows, begun, strict=True):
        assert (row["time_ns"], row["before_ticks"]) == (event["time"], event["price"])
        ends = over["time"][over["time"] > event["time"]]
        assert row["end_ns"] == (ends[0] if len(ends) else None)
        if len(ends):
            assert row["end_ns"] - row["time_ns"] == 30 * 10**9
            later = fills["price"][fills["time"] >= row["end_ns"]]
            assert row["after_ticks"] == (later[0] if len(later) else None)
        assert row["why"] == "lower edge"
    auctions = events[events["kind"] == EventKind.AUCTION]
    shown = [row for row in numbers["interruptions"] if row["what"] == "auction"]
    assert len(shown) == len(auctions)
    lines = report.render(numbers).splitlines()
    at = lines.index("Interruptions")
    assert lines[at + 1].split() == [
        "seconds", "what", "why", "for", "before", "after", "size",
    ]  # fmt: skip
    first = rows[0]
    assert lines[at + 2].split()[:5] == [
        f"{first['time_ns'] / 10**9:,.6g}", "halt", "lower", "edge", "30",
    ]  # fmt: skip
    json.dumps(numbers, allow_nan=False)


def test_limit_states_and_levels_are_named(tmp_path):
    outcome = halted(
        tmp_path,
        "lower = 0.04\nlimit_state = 3\npause = 10\ncancel_only = 2\nlevels = [[0.08, 20]]",
    )
    rows = report.exact(outcome)["interruptions"]
    assert {"limit state", "halt"} <= {row["what"] for row in rows}
    state = next(row for row in rows if row["what"] == "limit state")
    after = next(row for row in rows if row["what"] == "halt")
    # the pause follows the limit state without a gap, and both parts of it are one halt
    assert state["end_ns"] - state["time_ns"] == 3 * 10**9
    assert (after["time_ns"], after["end_ns"]) == (state["end_ns"], state["end_ns"] + 10**10)


def test_a_throttle_is_read_from_the_forced_closes(tmp_path):
    outcome = halted(tmp_path, "throttle_lots = 5\nthrottle_window = 4")
    rows = [r for r in report.exact(outcome)["interruptions"] if r["what"] == "throttle"]
    assert rows
    most = 5 / outcome.market.lots.step
    forced = outcome.events[outcome.events["kind"] == EventKind.LIQUIDATION]
    for row in rows:
        inside = (forced["time"] >= row["end_ns"] - 4 * 10**9) & (forced["time"] < row["end_ns"])
        # the close that reached the limit is the last of its window
        lots = forced["quantity"][inside]
        assert lots.sum() == row["lots"] >= most > lots[:-1].sum()
        assert forced["time"][inside][-1] == row["time_ns"]


def test_nothing_is_said_where_nothing_was_interrupted(tmp_path):
    numbers = report.measure(scenarios.load(write(tmp_path, changed())).run())
    assert numbers["interruptions"] == []
    assert "Interruptions" not in report.render(numbers)


@pytest.fixture(scope="module")
def stuck():
    from pathlib import Path

    path = Path(__file__).resolve().parents[1] / "examples" / "gallery.toml"
    return scenarios.load(path).with_rules("binance_usdm")


def test_a_run_at_rest_would_repeat_its_last_step(stuck, monkeypatch):
    short = stuck.run()
    assert short.at_rest
    assert short.engine.pending > 0
    assert short.steps < 100
    monkeypatch.setattr(scenarios.scenario, "may_go_on", lambda *_: True)
    full = stuck.run()
    assert not full.at_rest
    assert full.steps > 1000
    more = full.events[len(short.events) :]
    assert Counter(more["kind"].tolist()) == {
        EventKind.LIQUIDATION: short.engine.pending * (full.steps - short.steps)
    }
    for column in ("size", "margin"):
        ours, theirs = (o.engine.accounts.column(o.market, column) for o in (short, full))
        assert (ours == theirs).all()
    assert (short.engine.accounts.balance_atoms == full.engine.accounts.balance_atoms).all()
    assert short.market.mark_ticks == full.market.mark_ticks


def test_the_report_says_what_stays(stuck):
    outcome = stuck.run()
    numbers = report.measure(outcome)
    last = outcome.events[outcome.events["time"] == outcome.engine.time_ns]
    assert set(last["kind"].tolist()) == {EventKind.LIQUIDATION}
    assert numbers["exact"]["offered_lots"] == last["quantity"].sum() > 0
    text = report.render(numbers)
    assert f"Still due when the run ended: {outcome.engine.pending} entries. Nothing acts" in text


@pytest.mark.parametrize(
    ("rules", "act", "goes_on"),
    [
        ({}, None, False),
        ({"funding_interval": 100}, None, True),
        ({"funding_interval": 101}, None, False),
        ({"partial": ("slices", "0.5", "0.5", 0)}, None, True),
        ({"feed": "ema", "average_time": 5}, None, True),
        ({"index_delay": 3}, lambda e: e.step(index={"X": 90}), True),
        ({}, lambda e: e.budget(accounts=1), True),
    ],
)
def test_what_could_still_act(rules, act, goes_on):
    import cascade as cs

    engine = cs.Engine()
    market = engine.add_market("X", tick_size=1, lot_size=1, rules=cs.Rules(**rules))
    market.set_index(100)
    if act is not None:
        act(engine)
    # the last step ends at 100 s
    assert rest.may_go_on(engine, 100 * 10**9) is goes_on


def test_a_halt_without_an_end_is_rest():
    import cascade as cs

    engine = cs.Engine()
    breaker = cs.Breaker(close=100, lower="0.05")
    market = engine.add_market("X", tick_size=1, lot_size=1, rules=cs.Rules(breaker=breaker))
    market.set_index(100)
    assert rest.may_go_on(engine, 10**11)
    market.halt()
    assert not rest.may_go_on(engine, 10**11)
