"""The circuit breaker of a scenario file."""

import pytest
from test_scenario import changed, write

from cascade import ScenarioError, scenarios
from cascade.codes import EventKind


def with_breaker(text):
    return changed(("[fund]", f"[rules.breaker]\n{text}\n\n[fund]"))


def test_a_breaker_halts_a_scenarios_cascade(tmp_path):
    plain = scenarios.load(write(tmp_path, changed())).run()
    price = plain.before.mark_ticks
    tick = plain.engine.markets[0].ticks.step
    text = with_breaker(
        f"close = {price * tick}\nlower = 0.05\nhard = false\npause = 30\nreplenish = 0.5"
    )
    outcome = scenarios.load(write(tmp_path, text)).run()
    halts = outcome.events[outcome.events["kind"] == EventKind.HALT]
    assert (halts["code"] == 3).any()
    # liquidations go on after the pauses, but never while the market is halted
    inside = False
    for event in outcome.events:
        if event["kind"] == EventKind.HALT:
            inside = event["code"] >= 2
        assert not (inside and event["kind"] == EventKind.LIQUIDATION)
    last = outcome.events["time"][outcome.events["kind"] == EventKind.LIQUIDATION][-1]
    assert last >= 60 * 10**9 > plain.events["time"][-1]
    outcome.engine.validate()


def test_a_preset_and_its_arguments(tmp_path):
    text = with_breaker(
        'preset = "luld"\ntier = 2\nprevious_close = 50\nat = 15:40:00\nlinked = true'
    )
    breaker = scenarios.load(write(tmp_path, text)).build().markets[0].rules.breaker
    assert (float(breaker.lower), breaker.limit_state, breaker.linked) == (0.1, 15, True)
    text = with_breaker('close = 50\nlevels = [[0.07, 900], [0.2, "open end"]]')
    breaker = scenarios.load(write(tmp_path, text)).build().markets[0].rules.breaker
    assert breaker.levels[1][1] is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('preset = "nyse"', "rules.breaker: preset 'nyse' is not one of cme, luld"),
        ('preset = "luld"\ntier = 1', "rules.breaker: 'previous_close' is missing"),
        ("widths = 3", "rules.breaker: 'widths' is unknown; known: beyond"),
        ("lower = 2", "rules.breaker: lower .* is outside 0"),
    ],
)
def test_refusals_name_the_table(tmp_path, text, reason):
    with pytest.raises(ScenarioError, match=reason):
        scenarios.load(write(tmp_path, with_breaker(text))).build()
