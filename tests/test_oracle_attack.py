"""The attacks on an oracle: the page's tables, and sizes whose profit is known."""

import math

import pytest
from example_scripts import ROOT, example_fixture

from cascade.laws import attack_profit

example = example_fixture("oracle_attack")


def test_page_shows_what_is_printed(example):
    assert example.printed() in (ROOT / "docs" / "oracle-attack.md").read_text()


def test_spot_attack_without_a_fee(example):
    # 0.75 of 100 coins at 2000 / 0.7**2, less their worth; the mark is a tick of 0.01 wide
    expected = 150_000 / 0.49 - 200_000
    assert example.borrow_and_leave(1000, "0", "spot", 0.3) == pytest.approx(expected, abs=1)
    # all the lender has
    assert example.borrow_and_leave(500, "0", "spot", 0.7) == pytest.approx(1_000_000, abs=1e-3)
    # at most the worth of the coins below 1 - sqrt(0.75): the attacker repays
    share = 1 - math.sqrt(0.75)
    found = example.borrow_and_leave(1000, "0", "spot", round(share, 3) - 0.002)
    assert found == pytest.approx(0, abs=1e-3)
    assert example.borrow_and_leave(1000, "0", "spot", round(share, 3) + 0.002) > 0


def test_fee_costs_its_share_of_the_volume(example):
    # of 1000 coins and 2,000,000 half is bought at 2,000,000 / 0.997 more; what comes back leaves 0.3 % twice
    bought = 2_000_000 / 0.997
    reserve = 2_000_000 + bought
    back = reserve * 500 * 0.997 / (500 + 500 * 0.997)
    expected = 150_000 / 0.25 - 200_000 - (bought - back)
    found = example.borrow_and_leave(1000, "0.003", "spot", 0.5)
    # the loan is read at the price with the fee in the reserves
    loan_more = 75 * (reserve / 500 - 2000 / 0.25)
    assert found == pytest.approx(expected + loan_more, abs=5)


def test_time_makes_it_costly(example):
    for oracle in ("average", "window", "delayed", "both"):
        assert example.borrow_and_leave(2000, "0.0005", oracle, 0.3) < 0
    assert example.borrow_and_leave(2000, "0.0005", "spot", 0.3) > 0


def test_a_median_costs_twice(example):
    # two equal pools bought at once: the loan is that of one, the fees are paid in both
    for fee in ("0", "0.003"):
        believed, loan, paid = example.attack(1000, fee, "spot", 0.3)
        again, same, twice = example.attack(1000, fee, "median", 0.3)
        assert (again, same) == (believed, loan)
        assert twice == pytest.approx(2 * paid, abs=1e-3)
    # one pool bought alone is not believed at all
    engine, pools, bank = example.world(1000, "0.003", "median")
    example.trade(engine, pools[0], "buy", 900)
    assert pools[0].last > 100 * example.FAIR
    assert bank["COIN"].price == example.FAIR


def test_what_a_window_believes_after_a_minute(example):
    # nobody answers: 540 s at 2000 and 60 s at 2000 / 0.7**2, each rounded to its tick of 0.01
    engine, (pool,), bank = example.world(1000, "0.003", "window")
    example.trade(engine, pool, "buy", 300)
    high = pool.last
    assert bank["COIN"].price == example.FAIR
    # arbitrageurs act when a step's time has passed
    engine.step(dt=60)
    assert bank["COIN"].price == math.floor((540 * 200_000 + 60 * round(high * 100)) / 600) / 100


def test_shares_and_costs_of_moving(example):
    for fee in ("0", "0.003"):
        for rise in (0.1, 0.5):
            share, paid = example.cost(fee, "spot", rise)
            # the price is 1 / (1 - s)**2 as high without a fee, with one a little more
            closed = 1 - 1 / math.sqrt(1 + rise)
            assert closed - 0.002 < share <= math.ceil(closed * 1000) / 1000
            assert example.cost(fee, "median", rise) == (share, pytest.approx(2 * paid, abs=1e-3))
            costs = [example.cost(fee, o, rise)[1] for o in ("spot", "delayed", "window", "both")]
            assert costs == sorted(costs)
            # ten times the way in a window's tenth, eleven times in an average's eleventh
            assert example.cost(fee, "window", rise)[1] < example.cost(fee, "average", rise)[1]
    assert example.cost("0", "spot", 0.5)[1] == pytest.approx(0, abs=1e-2)


@pytest.mark.parametrize("sold", [30, 60, 100, 200, 400])
def test_liquidation_attack_against_the_law(example, sold):
    expected = float(attack_profit([sold], example.law("0"))[0])
    assert example.liquidate("0", sold) == pytest.approx(expected, rel=5e-3)
