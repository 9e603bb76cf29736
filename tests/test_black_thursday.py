"""The example of Black Thursday: the page's table, and what congestion does to auctions."""

import pytest
from example_scripts import ROOT, example_fixture

example = example_fixture("black_thursday")


@pytest.fixture(scope="module")
def days(example):
    return example.days()


def test_page_shows_what_is_printed(example, days):
    assert example.printed(days) in (ROOT / "docs" / "protocols" / "maker_liq2.md").read_text()


def test_all_see_one_crowd_and_one_price(days):
    assert len({(one.barked, one.debt) for one in days.values()}) == 1
    assert next(iter(days.values())).barked > 100


def test_no_take_pays_more_than_selling_brings(days):
    # selling brings at most the outside price, and keepers have gas to pay
    for one in days.values():
        assert not one.share > 1


def test_no_debt_is_lost_twice(days):
    # what was paid covers debts first, and at most a penalty of 13 % beyond
    for one in days.values():
        covered = one.debt - one.awaited - one.shortfall
        assert covered <= one.paid + 1
        assert one.paid <= 1.13 * covered + 1


def test_keepers_who_are_stuck_buy_for_next_to_nothing(days):
    assert (
        days["many, a minute", "polled"].shortfall < 0.001 * days["many, a minute", "polled"].debt
    )
    stuck = days["one, 5.5 hours", "patient"]
    # 5.5 of 6 hours: a twelfth of 1.3 times the price believed at the bark is left
    assert stuck.share < 0.15
    assert stuck.shortfall > 0.8 * stuck.debt


def test_a_keeper_slower_than_the_tail_never_takes(days):
    # with resets, what is not collected waits instead of being given away
    stuck = days["one, 5.5 hours", "polled"]
    assert (stuck.sold, stuck.shortfall, stuck.awaited) == (0, 0, stuck.debt)
    assert stuck.resets > stuck.barked
