"""Dust and close factors of Aave v3.3 through the whole engine; numbers from golden/lending.json, entry named in
each. Amounts are in lots of 10**-8 where the price is one, so that nothing but a share of nine digits rounds."""

from fractions import Fraction

import pytest
from engine_kit import rows
from test_engine_lending_golden import health, protocol

MONEY = 10**8  # lots of a dollar
FINE = {"lot": "0.00000001", "tick": "1"}
SINGLE = {"calls": "single", "halvings": 0}


def one_call(engine, pool, others) -> tuple[int, int] | None:
    """The next step's call without these reserves: lots repaid and seized, None without a call."""
    for name in others:
        pool[name].pause(True)
    start = len(engine.events)
    if not engine.step(dt=1).liquidated:
        return None
    (repaid,) = rows(engine, "repay", start)
    (seized,) = rows(engine, "seize", start)
    return repaid["quantity"], seized["quantity"]


@pytest.mark.parametrize(
    ("collateral", "debt", "share", "bonus", "call"),
    [
        # max_partial_debt_A 400 of 900: what is left is 500 and 4 lots * 10, or less than 500
        ("CB", "DA", "0.444444444", 0, (39_999_999_960, 39_999_999_960)),
        ("CB", "DA", "0.444444445", 0, None),
        # max_partial_collateral_B 500 of 1000, at a bonus that takes 500 for 400 and at a larger one
        ("CB", "DA", "0.444444444", "0.25", (39_999_999_960, 49_999_999_950)),
        ("CB", "DA", "0.444444444", "0.250001", None),
        # partial_debt_B_allowed false; all of it is
        ("CB", "DB", "0.5", 0, None),
        ("CB", "DB", 1, 0, (400 * MONEY, 400 * MONEY)),
        # partial_collateral_A_allowed false; all of it is
        ("CA", "DA", "0.2", 0, None),
        ("CA", "DA", "0.5", 0, (400 * MONEY, 400 * MONEY)),
    ],
)
def test_dust(kit, collateral, debt, share, bonus, call):
    # aave33-dust: nothing or at least 500 may be left on both sides of the pair
    terms = {"liquidation_threshold": "0.8728", "liquidation_bonus": bonus}
    reserves = {"CA": terms, "CB": terms}
    rules = {"close_factor": ("fraction", share), "min_leftover": 500}
    prices = dict.fromkeys(("CA", "CB", "DA", "DB"), 1)
    engine, pool = protocol(
        kit, prices, rules=rules, reserves=reserves, liquidator=SINGLE, **FINE
    )  # fmt: skip
    pool.open(collateral={"CA": [400], "CB": [1000]}, debt={"DA": [900], "DB": [400]})
    assert abs(health(pool, 0) - Fraction("0.94")) < Fraction(1, 10**4)
    assert one_call(engine, pool, set(prices) - {collateral, debt}) == call


@pytest.mark.parametrize(
    ("share", "call"),
    [
        ("0.1195", None),  # 956 for 1003.8 leave 996.2 of 2000, below 1000
        ("0.119", (952 * MONEY, 99_960_000_000)),  # 952 for 999.6 leave 1000.4
    ],
)
def test_a_call_that_would_leave_dust_is_refused(kit, share, call):
    # aave33-dust-revert-1
    terms = {"liquidation_threshold": "0.86", "liquidation_bonus": "0.05"}
    rules = {"close_factor": ("fraction", share), "min_leftover": 1000}
    engine, pool = protocol(
        kit, {"CA": 1, "CB": 1, "DA": 1}, rules=rules, reserves={"CA": terms, "CB": terms},
        liquidator=SINGLE, **FINE,
    )  # fmt: skip
    pool.open(collateral={"CA": [2000], "CB": [7200]}, debt={"DA": [8000]})
    assert one_call(engine, pool, {"CB"}) == call


def test_three_calls_that_each_pass_leave_dust_on_both_sides(kit):
    # aave33-dust-pairwise: the rule looks at one pair; 450 of debt and 520 of collateral are left
    calls = [
        # share of the debt and bonus, as the entry's amounts state them to nine digits
        ("DA", 3000, "CA", 3030, "0.6", "0.01"),
        ("DA", 1550, "CB", 1600, "0.775", "0.032258065"),
        ("DB", 1500, "CA", 1550, 1, "0.033333333"),
    ]
    held = {"CA": 5100 * MONEY, "CB": 1600 * MONEY}
    owed = {"DA": 5000 * MONEY, "DB": 1500 * MONEY}
    for debt, repaid, collateral, seized, share, bonus in calls:
        terms = {"liquidation_threshold": "0.8", "liquidation_bonus": bonus}
        rules = {"close_factor": ("fraction", share), "min_leftover": 1000}
        engine, pool = protocol(
            kit, dict.fromkeys((*held, *owed), 1), rules=rules,
            reserves={"CA": terms, "CB": terms}, liquidator=SINGLE, **FINE,
        )  # fmt: skip
        pool.open(
            collateral={name: [Fraction(lots, MONEY)] for name, lots in held.items() if lots},
            debt={name: [Fraction(lots, MONEY)] for name, lots in owed.items()},
        )
        call = one_call(engine, pool, {*held, *owed} - {collateral, debt})
        # nine digits of a share and of a bonus: within two parts of 10**9
        assert abs(call[0] - repaid * MONEY) <= repaid * MONEY * 2 // 10**9
        assert abs(call[1] - seized * MONEY) <= seized * MONEY * 2 // 10**9
        owed[debt] -= call[0]
        held[collateral] -= call[1]
    assert owed["DB"] == held["CB"] == 0
    assert abs(owed["DA"] - 450 * MONEY) <= 10**3  # 10**-5 dollars
    assert abs(held["CA"] - 520 * MONEY) <= 10**3


def test_a_call_just_short_of_health_opens_the_way_for_all(kit):
    # aave33-bypass-threshold: a point less than restores health, then the debt is below 2000
    terms = {"liquidation_threshold": "0.86", "liquidation_bonus": "0.05"}
    rules = {"close_factor": ("position", "0.402371134", "0.95", 2000), "health": "average"}
    engine, pool = protocol(
        kit, {"WETH": 1800}, rules=rules, reserves={"WETH": terms}, decimals=9,
        lot="0.000000001", tick="1",
    )  # fmt: skip
    pool.open(collateral={"WETH": [Fraction("1.860465116")]}, debt={"USD": [3000]})
    lot = Fraction(1800, 10**9)  # of WETH, in dollars
    # up to a lot less collateral than the entry's eighteen decimals
    assert abs(health(pool, 0) - Fraction(959999999996666667, 10**18)) <= lot / 3000
    assert engine.step(dt=1).liquidated == 1
    repaid = rows(engine, "repay")[-1]["quantity"]
    # the share to nine digits: less than 3000 parts of 10**9 are missing
    missing = Fraction(402371134054982814, 10**18) * 3000 - Fraction(repaid, 10**9)
    assert 0 <= missing < Fraction(3000, 10**9)
    # two lots, and what is missing, of a debt of 1793
    assert abs(health(pool, 0) - Fraction(998376919090562581, 10**18)) <= 3 * lot / 1792
    assert pool["USD"].row()["owed_lots"] < 2000 * 10**9  # debt1_below_threshold
    left = pool["WETH"].row()["supplied_lots"] - 100_000 * 10**9
    assert left * lot > 2000  # collateral1_below_threshold false
    assert engine.step(dt=1).liquidated == 1
    assert pool["USD"].row()["owed_lots"] == 0  # debt2
    left = pool["WETH"].row()["supplied_lots"] - 100_000 * 10**9
    assert abs(left * lot - Fraction("198.8372093")) <= 3 * lot


def test_a_repayment_that_unlocks_the_whole_debt(kit):
    # aave33-repay-to-unlock: 51 of 2050 repaid by somebody else lift the close factor to all
    terms = {"liquidation_threshold": "0.825", "liquidation_bonus": "0.15"}
    rules = {"close_factor": ("position", "0.5", "0.95", 2000), "min_leftover": 1000}
    found = []
    for paid in (0, 51):
        engine, pool = protocol(
            kit, {"C": 1}, rules=rules, reserves={"C": terms}, liquidator=SINGLE, **FINE
        )  # fmt: skip
        pool.open(collateral={"C": [2420]}, debt={"USD": [2050]})
        if paid:
            pool.repay(0, "USD", paid)
        before = health(pool, 0)
        engine.step(dt=1)
        repaid, seized = (rows(engine, kind)[-1]["quantity"] for kind in ("repay", "seize"))
        found.append((before, Fraction(seized, MONEY), Fraction(seized - repaid, MONEY) - paid))
    # hf, seized and profit of the entry; the health factors cut to three and four digits
    for (before, *exact), hf, digit, *expected in (
        (found[0], "0.973", 3, "1178.75", "153.75"),
        (found[1], "0.9987", 4, "2298.85", "248.85"),
    ):
        assert 0 <= before - Fraction(hf) < Fraction(1, 10**digit)
        assert exact == [Fraction(x) for x in expected]
