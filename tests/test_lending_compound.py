"""Compound v2 and Comet: published cases, boundaries, refusals, and where what is left is booked."""

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cascade as cs
from cascade import lending
from cascade.lending import Account, CollateralAsset, ReserveTerms

WAD = 10**18
PAIR = {"debt": "debt", "collateral": "collateral"}
V2 = cs.rules.compound_v2().liquidation


def mantissa(value):
    return int(Fraction(value) * WAD)


def market(price="1", factor="0.5", rate="1", debt_price="1", **more):
    held = ReserveTerms(
        price=mantissa(price), liquidation_threshold=mantissa(factor), exchange_rate=mantissa(rate)
    )
    return {"collateral": held, "debt": ReserveTerms(price=mantissa(debt_price), **more)}


def account(tokens, debt):
    return Account({"collateral": tokens}, {"debt": debt})


class TestCompoundV2:
    def test_the_published_bad_debt_run(self):
        # Scenario suite, BreakLiquidate.scen: cTokens of 8 decimals at 2e9, no seize share yet
        rule = V2.changed(market_bonus=mantissa("1.1"), close_share=9000, fee_share=0)
        reserves = market("0.76", "0.7", 2 * 10**9)
        state = account(715_000_000, WAD)
        first = lending.liquidate(rule, reserves, state, **PAIR, repay=9 * 10**17)
        assert first.account.debts["debt"] == 10**17
        assert first.account.collateral["collateral"] * 2 * 10**9 == 127368422000000000
        second = lending.liquidate(rule, reserves, first.account, **PAIR, repay=88000000800000000)
        assert second.account.debts["debt"] == 11999999200000000
        assert second.account.collateral["collateral"] == 0
        # nobody books it: it stays on the account
        assert second.bad_debt == {}
        assert lending.liquidity(rule, reserves, second.account) == -11999999200000000

    def test_seizing_more_than_there_is_fails_and_the_liquidator_offers_less(self):
        rule = V2.changed(market_bonus=mantissa("1.1"), fee_share=0)
        state = account(100, 200)
        with pytest.raises(lending.ExcessiveSeizureError, match=r"seized tokens 110.*balance 100"):
            lending.liquidate(rule, market(), state, **PAIR, repay=100)
        done = lending.liquidate(rule, market(), state, **PAIR, repay=90)
        assert done.seized == 99

    def test_repaying_more_than_the_close_factor_fails(self):
        state = account(1000, 600)
        with pytest.raises(lending.ExcessiveRepayError, match="repay 301: at most 300"):
            lending.liquidate(V2, market(), state, **PAIR, repay=301)
        assert lending.liquidate(V2, market(), state, **PAIR, repay=300).repaid == 300
        # half of an odd debt is cut off
        assert lending.max_repay(V2, None, 601) == 300

    def test_liquidity_of_exactly_zero_is_no_shortfall(self):
        state = account(198 * WAD, 99 * WAD)
        assert lending.liquidity(V2, market(), state) == 0
        with pytest.raises(lending.NotLiquidatableError):
            lending.liquidate(V2, market(), state, **PAIR, repay=1)
        short = account(198 * WAD, 99 * WAD + 1)
        assert lending.liquidity(V2, market(), short) == -1
        assert lending.is_liquidatable(V2, market(), short)

    def test_every_product_is_truncated(self):
        # .666 * 2.718 = 1.810188 a token; 1000 of them 1810, and with 3,000,000 * 0.5 the source's sum
        reserves = {
            "a": ReserveTerms(price=3 * WAD, liquidation_threshold=WAD // 2),
            "b": ReserveTerms(price=2718 * 10**15, liquidation_threshold=666 * 10**15),
            "debt": ReserveTerms(price=WAD),
        }
        held = {"a": 1_000_000, "b": 1000}
        for owed, left in ((0, 1501810), (1810, 1500000), (3001810, -1500000)):
            assert lending.liquidity(V2, reserves, Account(held, {"debt": owed})) == left

    def test_the_same_asset_and_the_share_of_the_reserves(self):
        # inKindLiquidation.scen: 2.8 % of the seized tokens
        rule = V2.changed(market_bonus=mantissa("1.1"))
        done = lending.liquidate(
            rule, market(1, "0.5", 4 * 10**9), account(50_000_000_000, 101 * WAD), **PAIR,
            repay=2 * WAD,
        )  # fmt: skip
        assert done.account.collateral["collateral"] == 49_450_000_000
        assert (done.received, done.fee) == (534_600_000, 15_400_000)

    def test_an_incentive_of_110_is_worth_10692_to_the_liquidator(self):
        to_liquidator, kept, added = lending.split_seized(11 * 10**17, 28 * 10**15)
        assert (to_liquidator, kept, added) == (10692 * 10**14, 308 * 10**14, 308 * 10**14)
        # CToken tests: 40e18 tokens at 0.2
        assert lending.split_seized(40 * WAD, 28 * 10**15, 2 * 10**17) == (
            38880000000000000000, 1120000000000000000, 224000000000000000,
        )  # fmt: skip

    @pytest.mark.parametrize(
        ("change", "error"),
        [
            ({"is_paused": True}, lending.PausedError),
            ({"is_active": False}, lending.PausedError),
            ({"is_accrued": False}, lending.StaleMarketError),
        ],
    )
    @pytest.mark.parametrize("asset", ["collateral", "debt"])
    def test_paused_unlisted_and_stale_markets_are_refused(self, asset, change, error):
        reserves = market()
        changed = {**reserves, asset: replace(reserves[asset], **change)}
        with pytest.raises(error, match=asset):
            lending.liquidate(V2, changed, account(1000, 600), **PAIR, repay=100)

    @pytest.mark.parametrize("asset", ["collateral", "debt"])
    def test_a_price_of_zero_is_an_error_and_not_a_price(self, asset):
        reserves = market()
        changed = {**reserves, asset: replace(reserves[asset], price=0)}
        with pytest.raises(lending.PriceError, match="PRICE_ERROR"):
            lending.liquidate(V2, changed, account(1000, 600), **PAIR, repay=100)
        with pytest.raises(lending.PriceError):
            lending.seize_tokens(1, WAD, 0, WAD, WAD)

    def test_nothing_and_oneself_are_refused(self):
        with pytest.raises(lending.NothingOwedError, match="INVALID_CLOSE_AMOUNT"):
            lending.liquidate(V2, market(), account(1000, 600), **PAIR, repay=0)
        with pytest.raises(lending.SelfLiquidationError):
            lending.liquidate(V2, market(), account(1000, 600), **PAIR, repay=1, is_self=True)

    def test_a_deprecated_market_lets_all_be_repaid_without_a_shortfall(self):
        reserves = market(is_deprecated=True)
        done = lending.liquidate(V2, reserves, account(10_000, 600), **PAIR)
        assert done.repaid == 600


COMP = CollateralAsset(175 * 10**8, WAD, 0, 2 * WAD // 3, WAD)
WETH = replace(COMP, price=3000 * 10**8)
WBTC = replace(COMP, price=41000 * 10**8, unit=10**8)
ASSETS = {"COMP": COMP, "WETH": WETH, "WBTC": WBTC}
USDC = (10**8, 10**6)


class TestComet:
    def test_a_surplus_goes_back_to_the_account(self):
        # absorb-test.ts: 44175 dollars of collateral against 44174.999999 of debt
        held = {"COMP": WAD, "WETH": WAD, "WBTC": 10**8}
        done = lending.absorb(ASSETS, held, 44174_999999, *USDC, reserves=10**9)
        assert (done.supply, done.repaid, done.bad_debt) == (1, 44174_999999, 0)
        assert done.reserves == 10**9 - 44175 * 10**6
        assert done.collateral == held

    def test_bad_debt_falls_on_the_reserves_which_may_become_negative(self):
        # absorb-test.ts, 3 accounts: reserves fall by the whole debts
        reserves = -(10**15)
        for debt, held in ((1, {"COMP": 1}), (10**6, {"COMP": 10}), (10**12, {"WBTC": 50})):
            reserves = lending.absorb(ASSETS, held, debt, *USDC, reserves=reserves).reserves
        assert reserves == -1001000001000001

    def test_the_margin_of_exactly_zero_is_no_reason_to_absorb(self):
        assets = {"A": CollateralAsset(10**8, WAD, 0, WAD // 2, WAD)}
        assert lending.liquidation_margin(assets, {"A": 2 * WAD}, 10**6, *USDC) == 0
        assert not lending.is_absorbable(assets, {"A": 2 * WAD}, 10**6, *USDC)
        with pytest.raises(lending.NotLiquidatableError, match="NotLiquidatable"):
            lending.absorb(assets, {"A": 2 * WAD}, 10**6, *USDC)
        assert lending.is_absorbable(assets, {"A": 2 * WAD}, 10**6 + 1, *USDC)
        assert not lending.is_absorbable(assets, {"A": 0}, 0, *USDC)

    def test_absorbing_and_buying_pause_apart(self):
        with pytest.raises(lending.PausedError, match="absorb"):
            lending.absorb(ASSETS, {"COMP": 1}, 10**12, *USDC, is_paused=True)
        with pytest.raises(lending.PausedError, match="buy"):
            lending.buy_collateral(
                COMP, 1, *USDC, WAD, reserves=-1, target_reserves=0, holdings=1, is_paused=True
            )

    @pytest.mark.parametrize(
        ("base", "price", "factors", "expected"),
        [
            # quote-collateral-test.ts
            (0, 200, (1, 1), 0),
            (810_000_000, 9, ("0.5", "0.8"), 100 * WAD),
            (10**21, 200, ("0.8", "0.75"), 625 * 10**28),
            (50_000_000, 1, ("0.5", "0.8"), 55555555555555555555),
        ],
    )
    def test_quotes(self, base, price, factors, expected):
        asset = CollateralAsset(price * 10**8, liquidation_factor=mantissa(factors[1]))
        found = lending.quote_collateral(asset, base, *USDC, mantissa(factors[0]))
        assert found == expected

    def test_the_storefront_is_open_below_the_target_and_while_reserves_are_negative(self):
        asset = CollateralAsset(10**8, liquidation_factor=8 * 10**17)
        terms = {"holdings": 10**20, "target_reserves": 100}
        for reserves in (-1, 0, 99):
            bought = lending.buy_collateral(
                asset, 10**6, *USDC, WAD // 2, reserves=reserves, **terms
            )
            assert bought.reserves == reserves + 10**6
        with pytest.raises(lending.NotForSaleError, match="reserves 100: below 100"):
            lending.buy_collateral(asset, 10**6, *USDC, WAD // 2, reserves=100, **terms)
        # with no target it is open only while reserves are negative
        with pytest.raises(lending.NotForSaleError):
            lending.buy_collateral(
                asset, 1, *USDC, WAD, reserves=0, target_reserves=0, holdings=10**20
            )

    def test_the_storefront_has_what_it_holds_and_keeps_to_the_buyers_least(self):
        asset = CollateralAsset(10**8, liquidation_factor=8 * 10**17)
        terms = {"reserves": 0, "target_reserves": 10**9}
        quote = lending.quote_collateral(asset, 10**6, *USDC, WAD // 2)
        with pytest.raises(lending.ExcessiveSeizureError, match="holdings"):
            lending.buy_collateral(asset, 10**6, *USDC, WAD // 2, holdings=quote - 1, **terms)
        with pytest.raises(lending.NotForSaleError, match="TooMuchSlippage"):
            lending.buy_collateral(
                asset, 10**6, *USDC, WAD // 2, holdings=quote, least=quote + 1, **terms
            )

    def test_prices_of_zero_are_bad_prices(self):
        assets = {"A": CollateralAsset(0)}
        with pytest.raises(lending.PriceError, match="BadPrice"):
            lending.absorb(assets, {"A": 1}, 1, *USDC)
        with pytest.raises(lending.PriceError):
            lending.quote_collateral(assets["A"], 1, *USDC, WAD)

    def test_there_is_no_liquidators_call(self):
        rule = cs.rules.compound_v3().liquidation
        assert rule.close is lending.CloseFactor.ABSORB
        assert rule.bad_debt is lending.BadDebt.RESERVES

    def test_principals_round_against_the_account(self):
        # 10 of a unit at an index of 1.5: 6.67 supplied is 6, borrowed is 7
        index = 15 * 10**14
        assert lending.principal_value_supply(10, index) == 6
        assert lending.principal_value_borrow(10, index) == 7
        assert lending.present_value_supply(7, index) == 10

    @given(
        debt=st.integers(1, 10**15), amount=st.integers(0, 10**24), price=st.integers(1, 10**14),
        factor=st.integers(0, WAD), reserves=st.integers(-(10**15), 10**15),
    )  # fmt: skip
    def test_what_is_absorbed_is_accounted_for(self, debt, amount, price, factor, reserves):
        assets = {"A": CollateralAsset(price, WAD, 0, factor * 9 // 10, factor)}
        try:
            done = lending.absorb(assets, {"A": amount}, debt, *USDC, reserves=reserves)
        except lending.NotLiquidatableError:
            return
        assert done.reserves == reserves - done.repaid - done.supply
        assert sum(done.collateral.values()) == amount
        assert min(done.supply, done.bad_debt) == 0
        assert done.repaid == debt


class TestUnits:
    """Prices are for `unit` atoms; 10 ETH at 2,000, 17,000 USDC, whose atoms are millionths."""

    ETH = ReserveTerms(price=2000 * WAD, liquidation_threshold=mantissa("0.8"))
    USDC = ReserveTerms(price=WAD, unit=10**6, liquidation_threshold=mantissa("0.8"))

    def test_debt_and_collateral_of_other_units(self):
        reserves = {"collateral": self.ETH, "debt": self.USDC}
        done = lending.liquidate(V2, reserves, account(10 * WAD, 17_000 * 10**6), **PAIR)
        # half of the debt; 8,500 * 1.08 / 2,000, of which 2.8 % are the reserves'
        assert (done.repaid, done.seized) == (8_500 * 10**6, 459 * 10**16)
        assert done.fee == 459 * 10**16 * 28 // 1000
        # 16,000 / 17,000
        assert done.health_before == 16 * WAD // 17

    def test_collateral_of_another_unit(self):
        reserves = {"collateral": self.USDC, "debt": self.ETH}
        held = account(100_000 * 10**6, WAD)
        assert lending.liquidity(V2, reserves, held) == 78_000 * WAD
        assert not lending.is_liquidatable(V2, reserves, held)
        # 41 ETH are 82,000 against 80,000: half of them for 41,000 * 1.08 USDC
        done = lending.liquidate(V2, reserves, account(100_000 * 10**6, 41 * WAD), **PAIR)
        assert (done.repaid, done.seized) == (205 * 10**17, 44_280 * 10**6)

    def test_an_oracle_price_is_for_a_whole_atom_and_cut_off(self):
        assert lending.oracle_price(self.USDC) == 10**30
        assert lending.oracle_price(ReserveTerms(price=7, unit=3 * WAD)) == 2

    def test_no_shortfall_at_the_boundary_of_another_unit(self):
        # 10 ETH bear 16,000
        reserves = {"collateral": self.ETH, "debt": self.USDC}
        at, beyond = (account(10 * WAD, 16_000 * 10**6 + more) for more in (0, 1))
        assert not lending.is_liquidatable(V2, reserves, at)
        assert lending.is_liquidatable(V2, reserves, beyond)
