"""Euler v1 and v2 and Morpho Blue: published cases, boundaries, dust, worthless sides, socialised debt."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cascade as cs
from cascade import lending
from cascade.lending import Account, MorphoMarket, MorphoPosition, ReserveTerms

WAD = 10**18
PAIR = {"debt": "debt", "collateral": "collateral"}
V1 = cs.rules.euler_v1().liquidation
V2 = cs.rules.euler_v2().liquidation
BLUE = cs.rules.morpho_blue().liquidation
PARTS = 4_000_000_000


def mantissa(value):
    return int(Fraction(value) * WAD)


def v1_market(price, factor, debt_price, borrow_factor="0.4"):
    return {
        "collateral": ReserveTerms(
            price=mantissa(price), liquidation_threshold=int(Fraction(factor) * PARTS)
        ),
        "debt": ReserveTerms(
            price=mantissa(debt_price), borrow_factor=int(Fraction(borrow_factor) * PARTS)
        ),
    }


def v2_market(price, factor, debt_price):
    return {
        "collateral": ReserveTerms(
            price=mantissa(price), liquidation_threshold=int(Fraction(factor) * 10**4)
        ),
        "debt": ReserveTerms(price=mantissa(debt_price)),
    }


def account(collateral, debt):
    return Account({"collateral": collateral}, {"debt": debt})


class TestEulerV1:
    def test_amounts_to_the_last_digit(self):
        # test/liquidation.js, non-18 decimal collateral, at the oracle's tick prices
        reserves = {
            "collateral": ReserveTerms(
                price=15500314519632542584, liquidation_threshold=PARTS * 7 // 10
            ),
            "debt": ReserveTerms(price=2200007077991891197, borrow_factor=PARTS * 4 // 10),
        }
        done = lending.liquidate(V1, reserves, account(10 * WAD, 20 * WAD), **PAIR)
        assert done.paid == 5600403626769637232
        assert done.seized == 806407532618212039
        # the repayment aims at 1.25
        assert abs(done.health_after - 125 * 10**16) < 10

    @pytest.mark.parametrize(
        ("score", "booster", "expected"),
        [
            ("0.85714", 2, "0.18786"), ("0.6", 2, "0.2"), (1, 1, "0.02"), (1, 2, "0.04"),
            (1, "1.1", "0.022"),
        ],
    )  # fmt: skip
    def test_discounts_of_the_boosters_table(self, score, booster, expected):
        found = lending.euler_v1_discount(V1, mantissa(score), mantissa(booster))
        assert found == mantissa(expected)

    def test_both_sides_carry_a_factor(self):
        # 100 * 0.4 * 0.75 against 5 * 2.4 / 0.4: exactly one is healthy
        reserves, state = v1_market("0.4", "0.75", "2.4"), account(100 * WAD, 5 * WAD)
        assert lending.health_factor(V1, reserves, state) == WAD
        assert not lending.is_liquidatable(V1, reserves, state)
        # nothing happens to a healthy account, and an offer is too much
        done = lending.liquidate(V1, reserves, state, **PAIR)
        assert (done.repaid, done.seized) == (0, 0)
        with pytest.raises(lending.ExcessiveRepayError, match="at most 0"):
            lending.liquidate(V1, reserves, state, **PAIR, repay=1)

    def test_the_collateral_may_not_reach(self):
        # a quarter of the debt is backed: all collateral goes, and what is left stays
        reserves, state = v1_market(1, "0.75", 1), account(WAD, 4 * WAD)
        done = lending.liquidate(V1, reserves, state, **PAIR)
        assert done.seized == WAD
        # the largest discount: 1 * 0.8
        assert done.repaid == 8 * WAD // 10
        assert done.paid == 816 * 10**15
        assert done.account.debts["debt"] == 32 * 10**17
        assert done.bad_debt == {}
        assert done.bad_debt_to is lending.BadDebt.STAYS

    def test_a_part_of_the_offer_includes_the_fee(self):
        reserves, state = v1_market("0.4", "0.75", "2.8"), account(100 * WAD, 5 * WAD)
        largest = lending.liquidate(V1, reserves, state, **PAIR)
        part = lending.liquidate(V1, reserves, state, **PAIR, repay=102 * 10**16)
        # the inverse of 1.02 is cut off to 18 digits
        assert part.repaid == 102 * 10**16 * (WAD * WAD // (102 * 10**16)) // WAD
        assert part.paid == 102 * 10**16
        assert part.seized < largest.seized
        with pytest.raises(lending.ExcessiveRepayError):
            lending.liquidate(V1, reserves, state, **PAIR, repay=largest.paid + 1)

    def test_the_same_asset_has_no_target(self):
        reserves = {
            "debt": ReserveTerms(
                price=WAD, liquidation_threshold=PARTS * 3 // 4, borrow_factor=PARTS * 9 // 10
            )
        }
        state = Account({"debt": 10 * WAD}, {"debt": 8 * WAD})
        done = lending.liquidate(V1, reserves, state, debt="debt", collateral="debt")
        assert done.repaid == 8 * WAD


class TestEulerV2:
    def test_repay_rounds_to_nothing_while_all_collateral_is_taken(self):
        # full.t.sol test_RepayAdjustedRoundsToZero
        state = account(45, 2)
        assert lending.health_factor(V2, v2_market("0.4", "0.3", "2.2"), state) == 125 * 10**16
        reserves = v2_market("0.4", "0.3", 20)
        assert lending.health_factor(V2, reserves, state) == 125 * 10**15
        done = lending.liquidate(V2, reserves, state, **PAIR)
        assert (done.repaid, done.seized) == (0, 45)
        # a liability of 40 is too small to be the suppliers'
        assert done.bad_debt == {}
        assert done.account.debts["debt"] == 2

    def test_suppliers_bear_what_no_collateral_is_left_for(self):
        # full.t.sol test_debtSocialization_basic: 40 * (39.6 / 45.9) / 2.7
        reserves = v2_market("0.4", "0.99", "2.7")
        done = lending.liquidate(V2, reserves, account(100 * WAD, 17 * WAD), **PAIR)
        assert done.seized == 100 * WAD
        assert (
            abs(done.repaid - Fraction("39.6") / Fraction("45.9") * 40 / Fraction("2.7") * WAD) < 10
        )
        assert done.bad_debt == {"debt": 17 * WAD - done.repaid}
        assert done.bad_debt_to is lending.BadDebt.SUPPLIERS
        kept = lending.liquidate(
            V2, reserves, account(100 * WAD, 17 * WAD), **PAIR, socialises=False
        )
        assert kept.bad_debt == {}

    def test_an_atom_of_a_worthless_collateral_blocks_it(self):
        # full.t.sol test_zeroCollateralWorth and its neighbours
        reserves = {**v2_market("0.4", "0.99", "2.7"), "dust": ReserveTerms(0, WAD, 5000)}
        state = Account({"collateral": 100 * WAD, "dust": 1}, {"debt": 17 * WAD})
        done = lending.liquidate(V2, reserves, state, **PAIR)
        assert done.seized == 100 * WAD
        assert done.bad_debt == {}
        # the worthless one can be taken for nothing, and then the rest is written off
        last = lending.liquidate(V2, reserves, done.account, debt="debt", collateral="dust")
        assert (last.repaid, last.seized) == (0, 1)
        assert last.bad_debt == {"debt": done.account.debts["debt"]}

    def test_health_of_exactly_one_is_liquidatable_at_no_discount(self):
        reserves = v2_market(1, "0.8", 1)
        state = account(1000, 800)
        assert lending.health_factor(V2, reserves, state) == WAD
        assert lending.is_liquidatable(V2, reserves, state)
        done = lending.liquidate(V2, reserves, state, **PAIR)
        assert (done.repaid, done.seized) == (800, 800)
        healthy = lending.liquidate(V2, reserves, account(1000, 799), **PAIR)
        assert (healthy.repaid, healthy.seized) == (0, 0)

    def test_more_than_the_largest_is_refused_and_the_largest_number_means_the_largest(self):
        reserves, state = v2_market(1, "0.8", 1), account(1000 * WAD, 900 * WAD)
        largest = lending.liquidate(V2, reserves, state, **PAIR)
        with pytest.raises(lending.ExcessiveRepayError):
            lending.liquidate(V2, reserves, state, **PAIR, repay=largest.repaid + 1)
        half = lending.liquidate(V2, reserves, state, **PAIR, repay=largest.repaid // 2)
        assert half.seized == largest.repaid // 2 * largest.seized // largest.repaid

    def test_a_worthless_liability_is_left_alone_and_no_liability_too(self):
        reserves = v2_market(1, "0", 0)
        done = lending.liquidate(V2, reserves, account(1000, 5), **PAIR)
        assert (done.repaid, done.seized) == (0, 0)
        none = lending.liquidate(V2, v2_market(1, "0.8", 1), account(1000, 0), **PAIR)
        assert (none.repaid, none.seized) == (0, 0)
        with pytest.raises(lending.SelfLiquidationError):
            lending.liquidate(V2, reserves, account(1000, 5), **PAIR, is_self=True)

    @pytest.mark.parametrize(
        ("score", "expected"),
        [("0.96", "0.04"), (1, 0), ("1.25", 0), ("0.81", "0.19"), ("0.8", "0.2"), ("0.125", "0.2")],
    )
    def test_discount_is_what_the_score_lacks(self, score, expected):
        rule = cs.rules.euler_v2(largest_discount=mantissa("0.2")).liquidation
        assert lending.euler_v2_discount(rule, mantissa(score)) == mantissa(expected)


class TestMorpho:
    def market(self, price=10**36, threshold="0.75", assets=300, shares=None):
        owed = lending.to_shares_up(assets, 0, 0) if shares is None else shares
        return MorphoMarket(mantissa(threshold), price, assets, owed, 1000, 1000 * 10**6)

    @pytest.mark.parametrize(
        ("threshold", "factor"),
        [
            ("0.77", "1.0741"), ("0.86", "1.0438"), ("0.915", "1.0262"), ("0.945", "1.0168"),
            ("0.98", "1.0060"), ("0.5652", "1.15"), ("0.3", "1.15"),
        ],
    )  # fmt: skip
    def test_incentives(self, threshold, factor):
        found = lending.incentive_factor(mantissa(threshold))
        assert round(Fraction(found, WAD), 4) == Fraction(factor)
        assert found <= 115 * 10**16

    def test_one_share_seizes_nothing_and_costs_one(self):
        # LiquidateIntegrationTest.sol testSeizedAssetsRoundUp
        market = self.market(10**36 - 10**16)
        done = lending.morpho_liquidate(
            market, MorphoPosition(400, market.borrow_shares), repaid_shares=1
        )
        assert (done.seized, done.repaid_assets) == (0, 1)

    def test_exactly_at_the_threshold_is_healthy(self):
        market = self.market(threshold="0.8", assets=80, shares=80 * 10**6)
        at = MorphoPosition(100, market.borrow_shares)
        assert lending.morpho_is_healthy(market, at)
        with pytest.raises(lending.NotLiquidatableError, match="HEALTHY_POSITION"):
            lending.morpho_liquidate(market, at, seized=1)
        assert not lending.morpho_is_healthy(market, MorphoPosition(99, market.borrow_shares))
        assert lending.morpho_is_healthy(market, MorphoPosition(0, 0))

    def test_bad_debt_is_taken_from_the_suppliers_at_once(self):
        market = self.market(price=5 * 10**35)
        done = lending.morpho_liquidate(
            market, MorphoPosition(400, market.borrow_shares), seized=400
        )
        # 200 of collateral over 1 / 0.925 is 185; the factor is cut off, so a little more, and up: 186
        assert done.repaid_assets == 186
        assert done.position == MorphoPosition(0, 0)
        assert done.bad_debt == 114
        assert done.market.supply_assets == 1000 - 114
        assert (done.market.borrow_assets, done.market.borrow_shares) == (0, 0)

    def test_inputs_are_one_of_two(self):
        market = self.market(price=5 * 10**35)
        position = MorphoPosition(400, market.borrow_shares)
        for wrong in ({}, {"seized": 0}, {"seized": 1, "repaid_shares": 1}):
            with pytest.raises(lending.NothingOwedError, match="INCONSISTENT_INPUT"):
                lending.morpho_liquidate(market, position, **wrong)
        with pytest.raises(lending.ExcessiveSeizureError, match="401"):
            lending.morpho_liquidate(market, position, seized=401)
        with pytest.raises(lending.ExcessiveRepayError):
            lending.morpho_liquidate(
                self.market(price=10**36, threshold="0.7"),
                MorphoPosition(400, 285 * 10**6), repaid_shares=285 * 10**6 + 1,
            )  # fmt: skip

    def test_in_assets_the_rule_does_the_same(self):
        reserves = {
            "collateral": ReserveTerms(WAD // 2, WAD, mantissa("0.75")), "debt": ReserveTerms(WAD),
        }  # fmt: skip
        done = lending.liquidate(BLUE, reserves, account(400, 300), **PAIR)
        assert (done.repaid, done.seized) == (186, 400)
        assert done.bad_debt == {"debt": 114}
        assert done.bad_debt_to is lending.BadDebt.SUPPLIERS
        with pytest.raises(lending.ExcessiveSeizureError):
            lending.liquidate(BLUE, reserves, account(400, 300), **PAIR, repay=200)
        with pytest.raises(lending.ExcessiveRepayError):
            lending.liquidate(BLUE, reserves, account(400, 300), **PAIR, repay=301)

    @given(
        held=st.integers(1, 10**24), owed=st.integers(1, 10**24), price=st.integers(1, 10**40),
        threshold=st.integers(1, WAD - 1), part=st.integers(1, 1000), by_shares=st.booleans(),
    )  # fmt: skip
    def test_totals_of_a_market_fall_by_what_was_repaid_and_lost(
        self, held, owed, price, threshold, part, by_shares
    ):
        shares = lending.to_shares_up(owed, 0, 0)
        market = MorphoMarket(threshold, price, owed, shares, owed + 7, shares)
        position = MorphoPosition(held, shares)
        ask = (
            {"repaid_shares": max(shares * part // 1000, 1)} if by_shares
            else {"seized": max(held * part // 1000, 1)}
        )  # fmt: skip
        try:
            done = lending.morpho_liquidate(market, position, **ask)
        except lending.LendingRefusedError:
            return
        after = done.market
        paid = min(done.repaid_assets, owed)
        assert after.borrow_assets + paid + done.bad_debt == owed
        assert after.supply_assets + done.bad_debt == owed + 7
        assert done.position.collateral + done.seized == held
        assert after.borrow_shares == done.position.borrow_shares
        assert done.repaid_assets <= owed + 1
        if done.bad_debt:
            assert done.position.collateral == 0


@given(
    held=st.integers(1, 10**24), owed=st.integers(1, 10**24), price=st.integers(1, 10**24),
    debt_price=st.integers(1, 10**24), factor=st.integers(1, 9999),
)  # fmt: skip
@pytest.mark.parametrize("rule", [V1, V2], ids=["v1", "v2"])
def test_euler_accounts_for_every_atom(rule, held, owed, price, debt_price, factor):
    reserves = {
        "collateral": ReserveTerms(price, WAD, factor * rule.factor_parts // 10**4),
        "debt": ReserveTerms(debt_price, WAD, borrow_factor=rule.factor_parts * 9 // 10),
    }
    done = lending.liquidate(rule, reserves, account(held, owed), **PAIR)
    assert done.seized + done.account.collateral["collateral"] == held
    assert done.repaid + done.account.debts["debt"] + done.bad_debt.get("debt", 0) == owed
    assert done.paid >= done.repaid >= 0
    assert 0 <= done.received == done.seized


def test_morpho_in_assets_takes_the_whole_debt_where_the_collateral_covers_it():
    reserves = {"collateral": ReserveTerms(WAD, WAD, mantissa("0.5")), "debt": ReserveTerms(WAD)}
    # 60 at 1.15 are 69 of 100
    done = lending.liquidate(BLUE, reserves, account(100, 60), **PAIR)
    assert (done.repaid, done.seized) == (60, 69)
    assert done.bad_debt == {}
    cut = BLUE.changed(excess_collateral="cut")
    done = lending.liquidate(cut, reserves, account(100, 99), **PAIR, repay=99)
    assert (done.repaid, done.seized) == (99, 100)


def test_shares_round_against_the_asker():
    # 7 assets and 9 shares with the virtual 1 and 1e6
    assert lending.to_shares_down(1, 7, 9) == 125001
    assert lending.to_shares_up(1, 7, 9) == 125002
    assert lending.to_assets_down(125002, 7, 9) == 1
    assert lending.to_assets_up(125002, 7, 9) == 2
    worthless = MorphoMarket(WAD // 2, 0, 300, 300 * 10**6)
    with pytest.raises(lending.PriceError, match="collateral to seize"):
        lending.morpho_liquidate(worthless, MorphoPosition(1, 10**6), repaid_shares=1)


class TestUnitsOfEulerV1:
    """10 ETH at 2,000 and a factor of 0.8 against 17,000 USDC, by atoms of 10**18 and of 10**6 of a unit."""

    def reserves(self, held_unit, owed_unit):
        eth = ReserveTerms(2000 * WAD, held_unit, liquidation_threshold=PARTS * 8 // 10)
        return {"collateral": eth, "debt": ReserveTerms(WAD, owed_unit, borrow_factor=PARTS)}

    def done(self, held_unit, owed_unit, repay=None):
        account = Account({"collateral": 10 * held_unit}, {"debt": 17_000 * owed_unit})
        reserves = self.reserves(held_unit, owed_unit)
        return lending.liquidate(V1, reserves, account, **PAIR, repay=repay)

    @pytest.mark.parametrize("held_unit", [WAD, 10**8])
    @pytest.mark.parametrize("owed_unit", [WAD, 10**6])
    def test_the_target_is_reached_whatever_the_units(self, held_unit, owed_unit):
        done = self.done(held_unit, owed_unit)
        # a discount of 0.02 and what 16/17 lacks of one; the repayment up to a score of 1.25
        price = Fraction(16, 17) - Fraction(2, 100)
        repaid = (Fraction(5, 4) * 17_000 - 16_000) / (Fraction(5, 4) - Fraction(8, 10) / price)
        assert abs(Fraction(done.repaid, owed_unit) - repaid) < Fraction(2, 10**6)
        assert abs(Fraction(done.seized, held_unit) - repaid / 2000 / price) < Fraction(2, 10**8)
        assert abs(Fraction(done.paid, owed_unit) - repaid * Fraction(102, 100)) < Fraction(
            2, 10**6
        )
        assert abs(Fraction(done.health_after, WAD) - Fraction(5, 4)) < Fraction(1, 10**8)

    @pytest.mark.parametrize("held_unit", [WAD, 10**8])
    def test_a_smaller_offer_has_the_same_rate(self, held_unit):
        # 1,020 USDC with the fee of 2 %: 1,000 for 1,000 / 2,000 / (16/17 - 0.02) coins
        done = self.done(held_unit, 10**6, repay=1020 * 10**6)
        assert abs(done.repaid - 1000 * 10**6) <= 1
        expected = Fraction(1000, 2000) / (Fraction(16, 17) - Fraction(2, 100))
        assert abs(Fraction(done.seized, held_unit) - expected) < Fraction(2, 10**8)
