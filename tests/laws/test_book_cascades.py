"""A cascade through a real book, exact to the unit, and its mirror image.

Numbers are those of ../shared/rules/laws.md, section 2.4, found there with rational arithmetic.
"""

from fractions import Fraction

import pytest

from laws.book_waterfall import FEED, buy_from_asks, sell_into_bids

STORY = [
    ("A", 45, 994.222222222, 992, 199, 699),
    ("B", 60, 989, 986, 246, 945),
    ("C", 160, 978, 970, -320, 625),
    ("D", 50, 967.5, 965, -135, 490),
]
PROFITS = {
    "A": -909, "B": -1206, "C": -3200, "D": -990, "E": -1250, "S1": 4725, "S2": 7800, "EXT": 1340,
    "MM": -6300, "FUND": -10,
}  # fmt: skip


def test_longs_into_bids():  # G01
    found = sell_into_bids(FEED)
    assert (found["external_vwap"], found["external_last"]) == (998.5, 997)
    assert len(found["liquidations"]) == len(STORY)
    for step, (account, size, vwap, last, change, fund) in zip(
        found["liquidations"], STORY, strict=True
    ):
        assert (step["account"], step["qty"], step["last"]) == (account, size, last)
        assert step["vwap"] == pytest.approx(vwap, rel=1e-11)
        assert (step["fund_change"], step["fund"]) == (change, fund)
    assert (found["final_last"], found["best_bid"], found["total_sold"]) == (965, [965, 5], 355)
    assert found["not_liquidated"] == ["E"]
    assert found["E_liq_price"] == 950
    assert found["pnl"] == PROFITS
    assert found["pnl_sum"] == 0


def test_winners_pay_what_the_fund_cannot():  # G02
    # 300 in the fund, surplus returned: 155 of 13,865 of gains are missing
    found = sell_into_bids(FEED | {"fund0": 300}, 11, surplus="trader", socialised="gains")
    assert found["fund"] == found["bad_debt"] == 0
    assert (found["returned"]["A"], found["returned"]["B"]) == (199, 246)
    gains = {"S1": 4725, "S2": 7800, "EXT": 1340}
    assert found["socialised"] == pytest.approx(
        {name: gain * 155 / 13865 for name, gain in gains.items()}, rel=1e-12
    )
    assert found["losses"].atoms["socialised"] == 155 * 10**11
    assert found["losses"].atoms["fund"] == 300 * 10**11


def test_shorts_from_asks():  # G03
    found = buy_from_asks(FEED, Fraction(1000))
    assert (found["external_vwap"], found["final_last"]) == (1001.5, 1035)
    assert found["best_ask"] == [1035, 5]
    for step, (account, size, vwap, last, change, fund) in zip(
        found["liquidations"], STORY, strict=True
    ):
        assert (step["account"], step["qty"], step["last"]) == (account, size, 2000 - last)
        assert step["vwap"] == pytest.approx(2000 - vwap, rel=1e-11)
        assert (step["fund_change"], step["fund"]) == (change, fund)
