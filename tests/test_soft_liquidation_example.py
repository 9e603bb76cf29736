"""The example of soft liquidation: what it prints is what the page shows, and who loses less when."""

from example_scripts import ROOT, example_fixture

example = example_fixture("soft_liquidation")


def test_the_page_shows_what_is_printed(example, capsys):
    assert example.main([]) == 0
    page = (ROOT / "docs" / "bands-market.md").read_text()
    assert f"```text\n{capsys.readouterr().out}```" in page


def test_bands_give_back_what_a_slow_fall_took(example):
    bands, calls = (
        play(example.PATHS["slow"]) for play in (example.with_bands, example.with_calls)
    )
    assert bands.liquidated == 0 < calls.liquidated
    assert bands.bought > 0.95 * bands.sold
    assert bands.lost < calls.lost / 5
