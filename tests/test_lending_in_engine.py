"""Protocols' rules in the engine: its liquidations against the exact functions of `cascade.lending`."""

import random
from fractions import Fraction
from pathlib import Path

import pytest
from engine_kit import TWIN, core_kit, rows
from reference import engine as twin

import cascade as cs
from cascade import lending
from cascade.codes import EventKind
from cascade.lending import Account, ReserveTerms
from cascade.lending_presets import reserve_terms

# a lot is 0.01 coins or 0.01 dollars, a tick one dollar
CENTS = 100
#: Both round a lot away, and the engine its rates to 10**-9.
LOTS = 2

#: Preset, parts of its factors, decimals of its prices, the fee the engine is told, the fee of the collateral.
CASES = {
    "aave_v2": (lambda: cs.rules.aave_v2(), 10**4, 8, None, 0),
    "aave_v3 3.0": (lambda: cs.rules.aave_v3("3.0"), 10**4, 8, "0.1", 1000),
    "aave_v3 3.3": (lambda: cs.rules.aave_v3("3.3"), 10**4, 8, "0.1", 1000),
    "aave_v3 3.7": (lambda: cs.rules.aave_v3("3.7"), 10**4, 8, "0.1", 1000),
    "spark": (lambda: cs.rules.spark(), 10**4, 8, "0.1", 1000),
    "compound_v2": (lambda: cs.rules.compound_v2(), 10**18, 18, None, 0),
    "euler_v1": (lambda: cs.rules.euler_v1(), 4 * 10**9, 18, None, 0),
    "euler_v2": (lambda: cs.rules.euler_v2(), 10**4, 18, None, 0),
    "morpho_blue": (lambda: cs.rules.morpho_blue(), 10**18, 18, None, 0),
}


def engine_rules(name):
    preset, _, _, fee, _ = CASES[name]
    return cs.LendingRules.from_protocol(preset(), **({} if fee is None else {"fee": fee}))


def reserves(name, price, threshold, borrow_factor):
    """The functions' reserves; an atom is a lot of the engine."""
    _, parts, decimals, _, fee = CASES[name]
    # base units of a lot, times the 10**18 atoms that a price is for
    lot = 10**decimals * 10**18 // CENTS
    bonus = 10500 if parts == 10**4 else 0
    factor = int(borrow_factor * parts) if name == "euler_v1" else None
    eth = ReserveTerms(price * lot, 10**18, int(threshold * parts), bonus=bonus, protocol_fee=fee)
    return {"ETH": eth, "USD": ReserveTerms(lot, 10**18, borrow_factor=factor)}


def call(name, held, owed, price, threshold, borrow_factor):
    """One call in the engine: lots repaid, seized and kept by the protocol of what is seized or, of Euler v1, paid
    on top; None: there was none."""
    engine = cs.Engine(asset_decimals=2)
    rules = cs.Rules(tiers=((0, 0),), feed="index")
    engine.add_market("ETH-USD", tick_size=1, lot_size="0.01", rules=rules)
    engine.markets[0].set_index(10**6)
    market = engine.lending.add("market", rules=engine_rules(name))
    given = reserves(name, price, threshold, borrow_factor)
    for asset, source in (("ETH", "ETH-USD"), ("USD", None)):
        terms = reserve_terms(CASES[name][0](), given[asset])
        market.add_reserve(asset, price=source, venue=None, **terms)
    market["USD"].supply(10**9)
    engine.liquidators.add(cs.Liquidator(calls="single", halvings=0))
    market.open(
        collateral={"ETH": Fraction(held, CENTS)},
        debt={"USD": Fraction(owed, CENTS)},
    )
    engine.step(index={"ETH-USD": price})
    engine.validate()
    kinds = engine.events["kind"]
    seized, repaid = (engine.events[kinds == kind] for kind in (EventKind.SEIZE, EventKind.REPAY))
    if not len(seized):
        return None
    kept = int(seized["money"][0]) + int(repaid["order"][0])
    row = int(repaid["quantity"][0]), int(seized["quantity"][0]), kept
    return row, market


def expected(name, held, owed, price, threshold, borrow_factor):
    rule = CASES[name][0]().liquidation
    given = reserves(name, price, threshold, borrow_factor)
    account = Account({"ETH": held}, {"USD": owed})
    try:
        return lending.liquidate(rule, given, account, debt="USD", collateral="ETH")
    except lending.ExcessiveSeizureError:
        # Compound: the largest offer that the tokens are there for
        rate = lending.seize_tokens(
            10**18, rule.market_bonus, given["USD"].price, given["ETH"].price, 10**18
        )
        offer = held * 10**18 // rate
        return lending.liquidate(rule, given, account, debt="USD", collateral="ETH", repay=offer)


def drawn(name, seed):
    r = random.Random(f"{name} {seed}")
    held, price = r.randint(2, 60_000), r.randint(200, 4_000)
    threshold = Fraction(r.randint(50, 84), 100)
    borrow_factor = Fraction(r.randint(50, 100), 100) if name == "euler_v1" else Fraction(1)
    # debts from a little healthy to far under water
    share = Fraction(r.randint(9_500, 13_000), 10_000)
    owed = int(held * price * threshold * borrow_factor * share)
    return held, max(owed, 1), price, threshold, borrow_factor


@pytest.mark.parametrize("name", CASES)
def test_random_positions_are_liquidated_as_the_functions_say(name):
    found = refused = 0
    for seed in range(150):
        terms = drawn(name, seed)
        here = call(name, *terms)
        try:
            there = expected(name, *terms)
        except (lending.NotLiquidatableError, lending.DustLeftError):
            assert here is None, terms
            refused += 1
            continue
        if there.seized == 0 or there.repaid == 0:
            # Euler answers a healthy account with nothing
            assert here is None, terms
            refused += 1
            continue
        if here is None:
            # nobody takes what pays less than it costs, the fee on top included, by a lot's rounding
            assert there.seized * terms[2] - there.paid <= LOTS * terms[2], terms
            continue
        (repaid, seized, fee), _ = here
        # a lot of coins is worth so many lots of dollars
        assert abs(seized - there.seized) <= LOTS, terms
        cut = there.seized == terms[0]
        # what a target takes is values, rounded to a lot each, over a difference of factors above 0.2
        near = LOTS * terms[2] if cut else LOTS + 8 * (name == "euler_v1")
        assert abs(repaid - there.repaid) <= near, terms
        on_top = there.paid - there.repaid
        # two percent of what the repayments are apart, and a lot
        assert abs(fee - there.fee - on_top) <= LOTS + (near // 50 if on_top else 0), terms
        found += 1
    assert found > 80
    assert refused > 5


# debt, price; lots repaid and seized by hand: 100 coins at a threshold of 0.8
EXACT = {
    # health 8000 * price / debt = 0.96: half of 100,000 dollars; 50,000 * 1.05 / 1,200
    "aave_v2": (100_000, 1_200, 50_000_00, 43_75),
    "aave_v3 3.0": (100_000, 1_200, 50_000_00, 43_75),
    "aave_v3 3.3": (100_000, 1_200, 50_000_00, 43_75),
    "aave_v3 3.7": (100_000, 1_200, 50_000_00, 43_75),
    "spark": (100_000, 1_200, 50_000_00, 43_75),
    # 50,000 * 1.08 / 1,200
    "compound_v2": (100_000, 1_200, 50_000_00, 45_00),
    # score 0.96: 100,000 / 0.96 / 1,200 is 86.80 and a part of a lot
    "euler_v2": (100_000, 1_200, 100_000_00, 86_80),
    # discount 0.06: (125,000 - 96,000) / (1.25 - 0.8 / 0.94) = 27,260 / 0.375 = 72,693.33 and a third of a
    # cent, up; over 0.94 * 1,200
    "euler_v1": (100_000, 1_200, 72_693_34, 64_44),
    # incentive 1 / 0.94
    "morpho_blue": (94_000 * 11 // 10, 1_200, 103_400_00, 91_66),
}


@pytest.mark.parametrize("name", CASES)
def test_amounts_are_those_worked_by_hand(name):
    debt, price, repaid, seized = EXACT[name]
    (row, _) = call(name, 100_00, debt * CENTS, price, Fraction(4, 5), Fraction(1))
    assert row[:2] == (repaid, seized)


@pytest.mark.parametrize("name", CASES)
def test_bad_debt_goes_where_the_function_sends_it(name):
    # 100 coins at 500 back a tenth of 500,000 dollars
    here = call(name, 100_00, 500_000_00, 500, Fraction(4, 5), Fraction(1))
    there = expected(name, 100_00, 500_000_00, 500, Fraction(4, 5), Fraction(1))
    (repaid, seized, _), market = here
    reserve = market["USD"].row()
    left = 500_000_00 - repaid
    where = {"stays": "owed_lots", "deficit": "deficit"}.get(there.bad_debt_to.value)
    # an offer that is not cut leaves a lot (Compound)
    assert (seized, there.seized) == (100_00, 99_99 if name == "compound_v2" else 100_00)
    if where is None:
        assert reserve["supplied_lots"] == 10**9 * CENTS - left
        assert there.bad_debt == {"USD": 500_000_00 - there.repaid}
    else:
        assert reserve[where] == left


def test_a_protocol_is_taken_as_rules():
    engine = cs.Engine()
    market = engine.lending.add("aave", rules=cs.rules.aave_v3("3.7"))
    assert market.rules == cs.LendingRules.from_protocol(cs.rules.aave_v3("3.7"))
    assert market.rules == cs.LendingRules(
        close_factor=("position", Fraction(1, 2), Fraction(19, 20), Fraction(2000)),
        min_leftover=Fraction(1000), bad_debt="deficit", source="aave_v3 3.7", treasury_capped=True,
        uncounted="spared", isolation=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("protocol", "words"),
    [
        (lambda: cs.rules.aave_v3(bonus="storefront"), "bonus 'storefront'"),
        (lambda: cs.rules.aave_v3(bad_debt="redistribution"), "bad_debt 'redistribution'"),
        (lambda: cs.rules.aave_v3(fee="penalty"), "fee 'penalty'"),
        (lambda: cs.rules.compound_v2(fee_share=10**17), "fee_share"),
        (lambda: cs.rules.euler_v2(least_socialised=10**18), "least_socialised"),
    ],
)
def test_what_the_engine_has_not_is_refused(protocol, words):
    with pytest.raises(ValueError, match=words):
        cs.LendingRules.from_protocol(protocol())
    engine = cs.Engine()
    with pytest.raises(ValueError, match=words):
        engine.lending.add("market", rules=protocol())
    assert len(engine.lending) == 0


def test_a_protocol_that_absorbs_is_told_its_markets_terms():
    close = ("absorb", "0.6", 20_000_000)
    rules = cs.LendingRules.from_protocol(cs.rules.compound_v3(), close_factor=close)
    assert rules == cs.LendingRules(
        close_factor=close, bad_debt="reserves", zero_price="refused", source="compound_v3",
        isolation=False,
    )  # fmt: skip
    assert rules.absorbs


def test_a_protocol_that_absorbs_has_the_storefront_of_its_first_market():
    # 0.5 and 5,000,000: Comet of USDC on Ethereum
    rules = cs.LendingRules.from_protocol(cs.rules.compound_v3())
    assert rules.close_factor == ("absorb", Fraction(1, 2), 5_000_000)
    engine = cs.Engine()
    market = engine.lending.add("comet", rules=cs.rules.compound_v3())
    assert market.rules == rules
    path = Path(__file__).resolve().parents[2] / "shared" / "data" / "comet_mainnet_usdc.json"
    if path.exists():
        loaded = lending.load_comet(path)
        factor = Fraction(loaded.store_front_factor, 10**18)
        assert rules.close_factor[1:] == (factor, loaded.target_reserves // loaded.base_unit)


def test_euler_v1_is_taken_with_its_fee_on_the_repayment():
    market = cs.Engine().lending.add("euler", rules=cs.rules.euler_v1())
    assert (market.rules.fee, market.rules.fee_on) == (Fraction(1, 50), "repay")
    assert market.rules.zero_price == "skipped"


def test_a_question_that_is_answered_is_not_asked():
    rules = cs.LendingRules.from_protocol(cs.rules.euler_v1(), fee=0)
    assert rules.close_factor == ("target", Fraction(5, 4))
    assert rules.bonus == ("discount", Fraction(1, 50), Fraction(1, 5))
    with pytest.raises(TypeError, match="'bonuses' is no field"):
        cs.LendingRules.from_protocol(cs.rules.aave_v2(), bonuses=1)
    with pytest.raises(TypeError, match="ProtocolRules"):
        cs.LendingRules.from_protocol("aave_v2")
    with pytest.raises(ValueError, match="price_decimals"):
        cs.LendingRules.from_protocol(cs.rules.aave_v2(), price_decimals=-1)


@pytest.mark.parametrize("close", [("whole",), ("target", "1.25")])
@pytest.mark.parametrize("bonus", [("discount", "0.02", "0.2"), ("discount", "0.2")])
def test_twin_and_core_agree_on_discounts_with_a_base(close, bonus):
    logs = []
    for kit, rules_of in ((TWIN, twin.LendingRules), (core_kit(), cs.LendingRules)):
        engine = kit.engine(asset_decimals=2)
        source = engine.add_market(
            "ETH", tick_size=1, lot_size=0.01, rules=kit.Rules(tiers=((0, 0),), feed="index")
        )
        source.set_index(2000)
        market = engine.lending.add("euler", rules=rules_of(close_factor=close, bonus=bonus))
        market.add_reserve("ETH", price="ETH", venue=None, liquidation_threshold="0.8")
        market.add_reserve("USD", borrow_factor="0.9")
        market["USD"].supply(10**6)
        held = [10, 7, 3, 25]
        market.open(collateral={"ETH": held}, debt={"USD": [13_000, 9_900, 2_000, 20_000]})
        for price in (1900, 1750, 1400, 900, 400):
            engine.step(index={"ETH": price})
        logs.append((rows(engine), [market.reserves[name].row() for name in ("ETH", "USD")]))
    assert logs[0] == logs[1]
    assert sum(row["kind"] == EventKind.SEIZE for row in logs[0][0]) >= 4
