"""The example of the toxic spiral: what it prints is what the page shows, and both rules stop it."""

import pytest
from example_scripts import ROOT, example_fixture

spiral = example_fixture("toxic_spiral")


@pytest.fixture(scope="module")
def outcomes(spiral):
    return {name: spiral.play(rules) for name, rules in spiral.RULES.items()}


def test_the_page_shows_what_is_printed(spiral, capsys):
    assert spiral.main([]) == 0
    page = (ROOT / "docs" / "lending-market.md").read_text()
    assert f"```text\n{capsys.readouterr().out}```" in page


def test_the_account_of_the_audit(spiral):
    # debts, collateral and health printed in the audit (aave-spiral-toxic), then all that is left
    found = spiral.one_account({})
    debts, values, healths = zip(*found, strict=True)
    assert debts[:4] == (750, 375, 187.5, 93.75)
    assert values[:4] == pytest.approx((780, 386.25, 189.375, 90.9375), abs=3e-6)
    assert healths[:4] == pytest.approx((0.988, 0.9785, 0.9595, 0.9215), abs=1e-7)
    assert found[4] == pytest.approx((750 - 780 / 1.05, 0, 0), abs=3e-6)


def test_halted_and_covered_accounts_keep_their_health(spiral):
    assert len(spiral.one_account({"halt_above": "frontier"})) == 1
    healths = [row[2] for row in spiral.one_account({"bonus": "covered"})]
    assert len(healths) == spiral.SHOWN
    assert healths == sorted(healths)


def test_both_rules_stop_the_spiral_of_the_crowd(outcomes):
    ever, halted, covered = outcomes.values()
    assert ever.lowered > ever.calls / 2
    assert halted.lowered == 0
    assert halted.lost == 0 < ever.lost
    assert covered.lowered < covered.calls / 10
    assert covered.lost < ever.lost / 10
    assert halted.sold < covered.sold < ever.sold
    assert halted.lowest > covered.lowest > ever.lowest


def test_the_figure_is_saved(spiral, outcomes, tmp_path):
    pytest.importorskip("matplotlib")
    spiral.plot(outcomes, str(tmp_path / "figure.png"))
    assert (tmp_path / "figure.png").stat().st_size > 5000
