"""The example of contagion prints what its page shows, and its worlds differ as the page says."""

import pytest
from example_scripts import ROOT, example_fixture

example = example_fixture("contagion")


@pytest.fixture(scope="module")
def outcomes(example):
    return {name: example.play(**given) for name, given in example.WORLDS.items()}


def test_page_shows_what_is_printed(example, outcomes):
    assert example.printed(outcomes) in (ROOT / "docs" / "contagion.md").read_text()


def test_loss_goes_round(outcomes):
    matrix = outcomes["all"].matrix
    for source, target in (("ETH-PERP", "beta"), ("beta", "alpha"), ("alpha", "ETH-PERP")):
        assert matrix.count(source, target) > 0
    # each reads one venue only
    assert matrix.count("ETH-PERP", "alpha") == 0
    assert matrix.count("outside", "alpha") == 0
    assert matrix.domains == ("POOL-A", "POOL-B", "ETH-PERP", "alpha", "beta")


def test_chain_ends_where_a_member_is_missing(outcomes):
    marks = {name: one.marks for name, one in outcomes.items()}
    assert marks["without beta"]["POOL-B"] == marks["without beta"]["POOL-A"] == 2000
    assert marks["without alpha"]["POOL-A"] == 2000
    assert outcomes["without longs"].matrix.spread == 0
    assert marks["all"]["ETH-PERP"] < min(
        one["ETH-PERP"] for name, one in marks.items() if name != "all"
    )
