"""Rules of venues: the tables against the numbers the venues published."""

from fractions import Fraction
from pathlib import Path

import pytest

import cascade as cs

SHARED = Path(__file__).resolve().parents[2] / "shared"
BRACKETS = SHARED / "data" / "binance_leverage_tiers_20241024.json.gz"

# upper end of the bracket in USDT, rate, deduction ("cum") of BTCUSDT, October 2024
PUBLISHED_BTCUSDT = [
    (50_000, "0.004", 0),
    (600_000, "0.005", 50),
    (3_000_000, "0.0065", 950),
    (12_000_000, "0.01", 11_450),
    (70_000_000, "0.02", 131_450),
    (100_000_000, "0.025", 481_450),
    (230_000_000, "0.05", 2_981_450),
    (480_000_000, "0.1", 14_481_450),
    (600_000_000, "0.125", 26_481_450),
    (800_000_000, "0.15", 41_481_450),
    (1_200_000_000, "0.25", 121_481_450),
    (1_800_000_000, "0.5", 421_481_450),
]
# symbol: largest leverage, end of the first tier in USDC, largest leverage behind it
PUBLISHED_HYPERLIQUID = {
    "BTC": (40, 150_000_000, 20),
    "ETH": (25, 100_000_000, 15),
    "SOL": (20, 70_000_000, 10),
    "XRP": (20, 40_000_000, 10),
    "DOGE": (10, 20_000_000, 5),
    "BNB": (10, 3_000_000, 5),
}


def test_rules_is_an_attribute_of_the_package():
    assert cs.rules.binance_usdm("BTCUSDT") == cs.rules.PRESETS["binance_usdm"]("BTCUSDT")


def test_binance_brackets_are_the_published_ones():
    rules = cs.rules.binance_usdm("BTCUSDT")
    floors = [0, *(end for end, _, _ in PUBLISHED_BTCUSDT[:-1])]
    rates = [Fraction(rate) for _, rate, _ in PUBLISHED_BTCUSDT]
    assert [row[0] for row in rules.rows()] == floors
    assert [row[1] for row in rules.rows()] == rates


def test_binance_deductions_follow_from_the_brackets():
    table = cs.rules.binance_usdm("BTCUSDT").table(10**6)
    deductions = [Fraction(row[3], table["denominator"] * 10**6) for row in table["tiers"]]
    assert deductions == [cum for _, _, cum in PUBLISHED_BTCUSDT]
    assert not table["whole"] and not table["on_entry"] and not table["inclusive"]


@pytest.mark.skipif(not BRACKETS.exists(), reason="needs ../shared/data, the venue's brackets")
def test_binance_table_equals_the_brackets_on_file():
    rows = cs.rules.tiers_from_file(BRACKETS, "BTCUSDT")
    assert rows == cs.rules.tiers_from_file(BRACKETS, "BTC/USDT:USDT")
    assert cs.rules.binance_usdm("BTCUSDT").rows() == rows
    ether = cs.rules.binance_usdm("ETHUSDT", tiers=cs.rules.tiers_from_file(BRACKETS, "ETHUSDT"))
    assert ether.rows()[4] == (12_000_000, Fraction(2, 100), Fraction(1, 25))
    with pytest.raises(ValueError, match="has no symbol 'NOSUCH'"):
        cs.rules.tiers_from_file(BRACKETS, "NOSUCH")


@pytest.mark.parametrize(("symbol", "published"), PUBLISHED_HYPERLIQUID.items())
def test_hyperliquid_tiers_are_the_published_ones(symbol, published):
    first, end, second = published
    rows = cs.rules.hyperliquid(symbol).rows()
    assert [row[0] for row in rows] == [0, end]
    assert [row[2] for row in rows] == [Fraction(1, first), Fraction(1, second)]
    # maintenance is half the initial margin at the largest leverage
    assert [2 * row[1] for row in rows] == [row[2] for row in rows]


@pytest.mark.parametrize("preset", ["binance_usdm", "hyperliquid"])
def test_every_symbol_makes_a_market(preset):
    from importlib import import_module

    symbols = list(import_module(f"cascade.rules.{preset}").TIERS)
    engine = cs.Engine()
    for symbol in symbols:
        rules = cs.rules.PRESETS[preset](symbol)
        assert rules.source
        market = engine.add_market(symbol, tick_size="0.1", lot_size="0.001", rules=rules)
        assert market.rules is rules


@pytest.mark.parametrize("preset", ["binance_usdm", "hyperliquid"])
def test_unknown_symbol_lists_the_known(preset):
    with pytest.raises(ValueError, match=rf"{preset} has no symbol 'NOSUCH' here; known: BTC"):
        cs.rules.PRESETS[preset]("NOSUCH")


def test_changes_replace_parameters():
    rules = cs.rules.hyperliquid("BTC", absorb="0.5", taker_fee="0.00045", feed="index")
    assert (rules.absorb, rules.taker_fee, rules.feed) == ("0.5", "0.00045", "index")
    assert rules.rows() == cs.rules.hyperliquid("BTC").rows()


def test_hyperliquid_liquidation_price_of_the_documented_account():
    # example of clearinghouseState in the venue's API documentation: 0.0335 ETH at 2986.3,
    # isolated, rawUsd -95.059824, when ETH had 50x as its largest leverage
    rules = cs.rules.hyperliquid("ETH", tiers=[(0, "0.01", "0.02")])
    engine = cs.Engine(asset_decimals=8)
    market = engine.add_market("ETH", tick_size="0.0001", lot_size="0.0001", rules=rules)
    market.set_index(2985.9)
    margin = Fraction("0.0335") * Fraction("2986.3") - Fraction("95.059824")
    engine.accounts.open(market, side="long", size=0.0335, entry=2986.3, margin=float(margin))
    (price,) = engine.accounts.liquidation_price(market)
    # the first tick at which the account is due is the last one below the published price
    assert 0 <= 2866.26936529 - price < 0.0001
