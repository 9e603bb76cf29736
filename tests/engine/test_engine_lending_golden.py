"""Published liquidations of lending protocols through the whole engine; numbers from golden/lending.json, entry
named in each. Lots are fine enough that what is rounded down is below the last digit of the source."""

from decimal import Decimal
from fractions import Fraction

import pytest
from engine_kit import pick, rows


def protocol(
    kit, prices, *, rules, reserves, liquidator=None, decimals=8, lot="0.000001", tick="0.01"
):
    """Reserves without venues at fixed prices, USD as money, and what is stated about each."""
    engine = kit.engine(asset_decimals=decimals)
    rules = kit.lending.LendingRules(toxic_terms=True, **rules)
    pool = engine.lending.add("pool", rules=rules)
    for name, price in prices.items():
        grid = {"tick_size": Decimal(tick), "lot_size": Decimal(lot)}
        source = kit.market(engine, name, rules={"feed": "index"}, **grid)
        source.set_index(Decimal(price))
        pool.add_reserve(name, price=name, venue=None, **reserves.get(name, {}))
        pool[name].supply(100_000)
    pool.add_reserve("USD", **reserves.get("USD", {}))
    pool["USD"].supply(1_000_000)
    engine.liquidators.add(kit.lending.Liquidator(**(liquidator or {"calls": "single"})))
    return engine, pool


def health(pool, account) -> Fraction:
    """The health factor without a float."""
    if hasattr(pool, "unit"):
        unit = pool.unit(account)
        return Fraction(unit.borne(), unit.borne() - unit.equity())
    columns = pool.columns()
    return Fraction(int(columns["borne"][account]), int(columns["owed"][account]))


def wad(ratio) -> int:
    """Parts of 10**18, half up, as the protocol prints them."""
    return (2 * ratio.numerator * 10**18 + ratio.denominator) // (2 * ratio.denominator)


def fell(engine) -> list[int]:
    return [row["side"] for row in rows(engine, "health")]


AAVE = {"close_factor": ("threshold", "0.5", "0.95"), "health": "average"}


def test_toxic_spiral(kit):
    # aave-spiral-toxic: three permitted calls in a row each lower the health factor, then bad debt
    terms = {"liquidation_threshold": "0.95", "liquidation_bonus": "0.05"}
    engine, pool = protocol(kit, {"C": "0.78"}, rules=AAVE, reserves={"C": terms})
    pool.open(collateral={"C": [1000]}, debt={"USD": [750]})
    expected = ["0.988", "0.9785", "0.9595", "0.9215"]
    debts, values = ["375", "187.5", "93.75"], ["386.25", "189.375", "90.9375"]
    assert health(pool, 0) == Fraction(expected[0])
    for k in range(3):
        assert engine.step(dt=1).liquidated == 1
        owed, held = (pool[name].row() for name in ("USD", "C"))
        assert owed["owed_lots"] == Fraction(debts[k]) * 10**8
        # a call seizes up to one lot of 0.78 millionths less than the source's eighteen decimals
        value = Fraction(held["supplied_lots"] - 100_000 * 10**6, 10**6) * Fraction("0.78")
        assert 0 <= value - Fraction(values[k]) < Fraction(3, 10**6)
        above = health(pool, 0) - Fraction(expected[k + 1])
        assert 0 <= above < Fraction(3, 10**6) / Fraction(debts[k])
    assert fell(engine) == [1, 1, 1]
    assert Fraction(debts[2]) > Fraction(values[2])  # "bad_debt": true
    # the fourth may take all of it, and leaves 93.75 - 90.9375 / 1.05
    assert engine.step(dt=1).liquidated == 1
    (bad,) = rows(engine, "bad_debt")
    missing = Fraction("93.75") - Fraction("90.9375") / Fraction("1.05")
    assert 0 <= missing - Fraction(bad["money"], 10**8) < Fraction(3, 10**6)


@pytest.mark.parametrize(
    ("average", "after"),
    [
        ("average", 944913884892086331),
        ("weighted", None),  # the untruncated sum would be 0.944946
    ],
)
def test_two_collaterals(kit, average, after):
    # aave-two-collaterals-hf: seizing the collateral of the high threshold unlocks the whole debt
    terms = {"A": {"liquidation_threshold": "0.95", "liquidation_bonus": "0.05"}}
    terms["C"] = {"liquidation_threshold": "0.80", "liquidation_bonus": "0.05"}
    rules = {**AAVE, "health": average}
    engine, pool = protocol(
        kit, {"A": 1, "C": "0.5"}, rules=rules, reserves=terms, lot="0.0001", tick="0.5"
    )
    pool.open(collateral={"A": [1000], "C": [1000]}, debt={"USD": [1390]})
    assert wad(health(pool, 0)) == 971223021582733813
    engine.step(dt=1)
    assert rows(engine, "repay")[-1]["quantity"] == 695 * 10**8
    if after is None:
        assert abs(float(health(pool, 0)) - 0.944946) < 5e-7
    else:
        assert wad(health(pool, 0)) == after
    assert fell(engine) == [1]
    # below 0.95 now: the next call may repay all
    engine.step(dt=1)
    assert rows(engine, "repay")[-1]["quantity"] > 695 * 10**8 * 38 // 100


def test_two_collaterals_text(kit):
    # aave-two-collaterals-text: 0.875 falls to 0.8333 by seizing the better collateral at no bonus
    terms = {"A": {"liquidation_threshold": "0.9"}, "B": {"liquidation_threshold": "0.5"}}
    rules = {**AAVE, "close_factor": ("fraction", "0.625")}
    engine, pool = protocol(kit, {"A": 1, "B": 1}, rules=rules, reserves=terms)
    pool.open(collateral={"A": [1000], "B": [1000]}, debt={"USD": [1600]})
    assert health(pool, 0) == Fraction("0.875")
    engine.step(dt=1)
    assert rows(engine, "repay")[-1]["quantity"] == 1000 * 10**8
    assert health(pool, 0) == Fraction(5, 6)
    assert pick(rows(engine, "health"), "order", "quantity", "side") == [
        (875_000_000, 833_333_333, 1)
    ]


def test_compound_collateral_runs_out(kit):
    # comp2-break-1: debts above 1 / 1.1 of the collateral, close factor 0.9, two liquidations
    terms = {"C": {"liquidation_threshold": "0.7", "liquidation_bonus": "0.1"}}
    rules = {"close_factor": ("fraction", "0.9")}
    engine, pool = protocol(
        kit, {"C": "0.76"}, rules=rules, reserves=terms, decimals=11, lot="0.000000001"
    )
    pool.open(collateral={"C": [1.43]}, debt={"USD": [1]})
    engine.step(dt=1)
    owed, held = (pool[name].row() for name in ("USD", "C"))
    assert owed["owed_lots"] == 10**10  # 0.1
    # the source has eight decimals of its token at 2e9: 0.127368422
    assert held["supplied_lots"] - 100_000 * 10**9 == 127_368_422
    engine.step(dt=1)
    assert pool["C"].row()["supplied_lots"] == 100_000 * 10**9
    # the source repays 0.0880000008 with the tokens' truncation and is left with 0.0119999992
    (bad,) = rows(engine, "bad_debt")
    assert abs(bad["quantity"] - 1_199_999_920) < 100
    assert fell(engine)[0] == 1


def test_two_step(kit):
    # aave-two-step: a first call of 200 leaves a health below one, so that a second one is allowed
    terms = {"C": {"liquidation_threshold": "0.8", "liquidation_bonus": "0.05"}}
    found = []
    held, owed = Fraction(500), Fraction(700)
    # 200 of 700 is a share of 0.285714286, rounded down to lots; then a half
    for share, most in (("0.285714286", 200), ("0.5", 250)):
        rules = {"close_factor": ("threshold", share, "0.95"), "health": "average"}
        engine, pool = protocol(
            kit, {"C": "3.326", "D": 2}, rules=rules, reserves=terms, tick="0.002", decimals=9
        )
        pool.open(collateral={"C": [float(held)]}, debt={"D": [float(owed)]})
        found.append(health(pool, 0))
        assert engine.step(dt=1).liquidated == 1
        assert rows(engine, "repay")[-1]["quantity"] == most * 10**6
        assert fell(engine) == [0]
        held = Fraction(pool["C"].row()["supplied_lots"], 10**6) - 100_000
        owed -= most
        assert pool["D"].row()["owed_lots"] == owed * 10**6
    found.append(health(pool, 0))
    assert owed * 2 == 500  # debt_base 500
    expected = [950285714285714286, 994400000000000000, 1148800000000000000]
    assert wad(found[0]) == expected[0]
    # up to a lot of 3.326 millionths less is seized, of debts worth 1000 and 500
    assert 0 <= wad(found[1]) - expected[1] < 3 * 10**9
    assert 0 <= wad(found[2]) - expected[2] < 12 * 10**9


@pytest.mark.parametrize(
    ("held", "target", "fraction"),
    [
        (100, "0.94", 1),  # aave33-cf-094: at or below 0.95
        ("0.5", "0.97", 1),  # aave33-cf-097-small: collateral worth 900, below 2000
        (100, "0.97", "0.5"),  # aave33-cf-097
    ],
)
def test_close_factors_of_aave_33(kit, held, target, fraction):
    terms = {"WETH": {"liquidation_threshold": "0.86", "liquidation_bonus": "0.05"}}
    rules = {"close_factor": ("position", "0.5", "0.95", 2000), "health": "average"}
    engine, pool = protocol(kit, {"WETH": 1800}, rules=rules, reserves=terms)
    value = Fraction(held) * 1800 * Fraction("0.86")
    debt = value / Fraction(target)
    cents = -(-debt.numerator * 100 // debt.denominator)  # health just below the target
    pool.open(collateral={"WETH": [float(held)]}, debt={"USD": [cents / 100]})
    assert 0 < Fraction(target) - health(pool, 0) < Fraction(1, 10**4)
    engine.step(dt=1)
    assert rows(engine, "repay")[0]["quantity"] == cents * 10**6 * Fraction(fraction) // 1
    assert fell(engine) == [0]


@pytest.mark.parametrize(("debt", "toxic"), [(90_895, 0), (90_905, 0), (90_913, 1)])
def test_threshold_of_toxic_liquidations(kit, debt, toxic):
    # toxic-ltv-threshold: debts over collateral over the factor 0.855 above 1.0632 are toxic;
    # these are 1.06310, 1.06322 and 1.06331, and 1 / (1.1 * 0.855) is 1.06326
    terms = {"C": {"liquidation_threshold": "0.855", "liquidation_bonus": "0.1"}}
    rules = {"close_factor": ("fraction", "0.5")}
    engine, pool = protocol(kit, {"C": 100}, rules=rules, reserves=terms)
    pool.open(collateral={"C": [1000]}, debt={"USD": [debt]})
    assert engine.step(dt=1).liquidated == 1
    assert fell(engine) == [toxic]
    # the same account where the rules halt beyond the frontier
    engine, pool = protocol(
        kit, {"C": 100}, rules={**rules, "halt_above": "frontier"}, reserves=terms
    )
    pool.open(collateral={"C": [1000]}, debt={"USD": [debt]})
    assert engine.step(dt=1).liquidated == 1 - toxic


def test_isolation_ceiling(kit):
    # aave-isolation-ceiling: 10, 10, then 100 DAI against a ceiling of 100.00, counted with two decimals
    terms = {"C": {"liquidation_threshold": "0.8", "debt_ceiling": 100}}
    reserves = {**terms, "USD": {"borrowable_in_isolation": True}}
    _, pool = protocol(kit, {"C": "1"}, rules={**AAVE, "sentinel": "0.95"}, reserves=reserves)
    account = int(pool.open(collateral={"C": [1000]})[0])
    for expected in (1000, 2000):
        pool.borrow(account, "USD", 10)
        assert pool["C"].row()["isolated_debt"] == expected
    with pytest.raises(ValueError, match="debt_ceiling"):
        pool.borrow(account, "USD", 100)
    assert pool["C"].row()["isolated_debt"] == 2000
