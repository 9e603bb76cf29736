"""Rules of venues: the tables against the numbers the venues published."""

from fractions import Fraction
from pathlib import Path

import pytest

import cascade as cs
from cascade.margin import bankruptcy_price, liquidation_price, maintenance, to_tick

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


@pytest.mark.parametrize("venue", cs.rules.VENUES)
def test_every_symbol_makes_a_market(venue):
    about = cs.rules.describe(venue)
    assert cs.rules.PRESETS[venue] is getattr(cs.rules, venue)
    assert about.symbols
    assert about.source
    assert about.date
    asset = "BTC" if about.contract == "inverse" else "USD"
    engine = cs.Engine(asset=asset, asset_decimals=8)
    for symbol in about.symbols:
        for variant in (None, *about.variants):
            rules = cs.rules.PRESETS[venue](symbol, variant=variant)
            assert rules.source == about.source
            market = engine.add_market(
                f"{symbol} {variant}", tick_size="0.5", lot_size=1, rules=rules,
                contract=about.contract,
            )  # fmt: skip
            assert market.rules is rules


@pytest.mark.parametrize("venue", cs.rules.VENUES)
def test_help_of_a_venue_names_its_source_and_what_is_left_out(venue):
    text = getattr(cs.rules, venue).__doc__
    about = cs.rules.describe(venue)
    assert text.startswith(about.title)
    assert "Left out, because `Rules` has no place for it" in text
    for part in (about.source, about.follows, about.date, *about.symbols, *about.variants):
        assert part in text


PAGES = Path(__file__).resolve().parents[1] / "docs" / "rules"


@pytest.mark.parametrize("venue", cs.rules.VENUES)
def test_page_of_a_venue_has_the_presets_values_and_its_numbers_are_right(venue):
    from doctest import testfile
    from importlib import import_module

    text = (PAGES / f"{venue}.md").read_text()
    about = cs.rules.describe(venue)
    for part in (f"# {about.title}\n", f"{about.source}.\n", about.follows, about.date):
        assert part in text
    for name, value in import_module(f"cascade.rules.parameters.{venue}").RULES.items():
        assert f"| `{name}` | `{value!r}` |" in text
    assert f"[{venue}]({venue}.md)" in (PAGES / "index.md").read_text()
    failed, run = testfile(str(PAGES / f"{venue}.md"), module_relative=False)
    assert run > 0
    assert failed == 0


def test_data_files_hold_nothing_but_data():
    from importlib import import_module
    from types import ModuleType

    allowed = {"FOLLOWS", "DATE", "SOURCE", "CONTRACT", "RULES", "BY_SYMBOL", "VARIANTS", "TIERS"}
    folder = Path(cs.rules.__file__).parent / "parameters"
    files = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    protocols = {"maker_liq2", "liquity_v1", "liquity_v2", "crvusd"}
    venues = {*cs.rules.VENUES, *cs.rules.BREAKER_VENUES, *cs.rules.LENDING_PROTOCOLS}
    assert files == venues | protocols
    tables = {"FOLLOWS", "DATE", "SOURCE", "AUCTIONS", "TROVES", "COMMON", "BRANCHES", "MARKETS"}
    for name in protocols:
        data = import_module(f"cascade.rules.parameters.{name}")
        assert {name for name in vars(data) if not name.startswith("_")} <= tables, name
    breakers = {"FOLLOWS", "DATE", "SOURCE", "BREAKER", "LATE", "CLOSING", "LIMITS"}
    for name in cs.rules.BREAKER_VENUES:
        data = import_module(f"cascade.rules.parameters.{name}")
        assert {name for name in vars(data) if not name.startswith("_")} <= breakers, name
    for venue in cs.rules.VENUES:
        data = import_module(f"cascade.rules.parameters.{venue}")
        assert isinstance(data, ModuleType)
        names = {name for name in vars(data) if not name.startswith("_")}
        assert names <= allowed, venue


@pytest.mark.parametrize("venue", cs.rules.VENUES)
def test_unknown_symbol_and_variant_list_the_known(venue):
    known = cs.rules.describe(venue).symbols[0]
    with pytest.raises(ValueError, match=rf"{venue} has no symbol 'NOSUCH' here; known: {known}"):
        cs.rules.PRESETS[venue]("NOSUCH")
    with pytest.raises(ValueError, match=rf"{venue} has no variant 'nosuch'; known: "):
        cs.rules.PRESETS[venue](variant="nosuch")


def test_unknown_venue():
    with pytest.raises(ValueError, match="'nosuch' is not one of binance_usdm, bybit_linear"):
        cs.rules.describe("nosuch")


def test_first_symbol_and_tiers_of_ones_own():
    assert cs.rules.bitmex() == cs.rules.bitmex("XBTUSD")
    assert cs.rules.vega("mine", tiers=[(0, "0.2")]).rows() == [(0, Fraction(1, 5), 0)]


def test_bitmex_risk_limits_are_the_published_ones():
    # app/riskLimitsExamples: 180 XBT needs 0.90; steps of 0.5 % from 200 XBT on
    rules = cs.rules.bitmex()
    assert maintenance(180, rules) == Fraction(9, 10)
    assert [row[0] for row in rules.rows()] == [0, 200, 350, 500]
    assert [row[1] * 200 for row in rules.rows()] == [1, 2, 3, 4]
    assert [row[2] * 200 for row in rules.rows()] == [2, 3, 4, 5]
    assert maintenance(230, rules) == Fraction("2.3")


def test_bybit_maintenance_of_tiers():
    # the page's table: 2 % to 4 % in steps of 1,000 USDT
    rules = cs.rules.bybit_linear("XYZUSDT")
    assert maintenance(3_500, rules) == Fraction("92.5")


def test_bybit_long_of_the_page():
    # 1 BTC at 20,000 and 50x: 19,700, maintenance at entry
    rules = cs.rules.bybit_linear("BTCUSDT", variant="entry")
    assert liquidation_price(1, 20_000, 400, rules) == 19_700


def test_bybit_inverse_long_of_the_page():
    # 5,000 contracts at 7,890.08 and 50x: 7,773.5 on a tick of 0.5
    rules = cs.rules.bybit_inverse()
    margin = Fraction(5000) / Fraction("7890.08") / 50
    price = liquidation_price(5_000, "7890.08", margin, rules, contract="inverse")
    assert to_tick(price, "0.5", 5_000) == Fraction("7773.5")


def test_kraken_long_of_the_page():
    # 1,000 contracts at 8,000 with 0.01: 7,481 and a limit of 7,407, both without decimals
    rules = cs.rules.kraken_futures()
    assert liquidation_price(1_000, 8_000, "0.01", rules, contract="inverse") // 1 == 7_481
    assert bankruptcy_price(1_000, 8_000, "0.01", contract="inverse") // 1 == 7_407


def test_okx_long_with_the_closing_fee():
    # third-party test of the venue's formula: 10 at 5x, maintenance 1 %, fee 0.06 %
    rules = cs.rules.okx_swap("ETH-USDT-SWAP")
    price = liquidation_price(1, 10, 2, rules)
    assert abs(float(price) - 8.085708510208207) < 1e-12


def test_gmx_boundary():
    # 200,000 at 5,000: due below a hundredth of the size at entry
    rules = cs.rules.gmx_v2()
    assert liquidation_price(40, 5_000, 42_000, rules) == 4_000
    assert maintenance(200_000, rules) == 2_000


def test_dydx_reading_of_code_and_of_genesis():
    assert cs.rules.dydx_v4().liquidation_fee == "0.015"
    assert cs.rules.dydx_v4(variant="code").liquidation_fee == "0.005"


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


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"partial": ("share", 1)}, r"partial must be \('target', rate\[, .* got \('share', 1\)"),
        ({"partial": "target"}, "partial must be"),
        ({"partial": ()}, "partial must be"),
        ({"partial": ("fraction", "0.2")}, "partial must be"),
        ({"partial": ("fraction", "1.2", 0, 0)}, r"partial share '1\.2' is outside 0 \.\.\. 1"),
        ({"partial": ("fraction", 0, 0, 0)}, r"partial share 0 is outside 1e-9 \.\.\. 1"),
        ({"partial": ("fraction", 1, -1, 0)}, "partial notional -1 is below 0"),
        (
            {"partial": ("fraction", 1, 0, -1)},
            r"partial cool-down -1 is outside 0 \.\.\. 1000000000",
        ),
        ({"partial": ("tier_step", 0)}, r"partial tiers 0 is outside 1 \.\.\. 1000"),
        ({"backstop": "1.5"}, r"backstop '1\.5' is outside 0 \.\.\. 1"),
        (
            {"backstop": "1/1000000007"},
            "backstop '1/1000000007' has a denominator above 1000000000",
        ),
    ],
)
def test_partial_and_backstop_out_of_range(changes, reason):
    with pytest.raises(ValueError, match=reason):
        cs.Rules(**changes)


@pytest.mark.parametrize("value", ["2/0", "a/b", "2/3/4", "/"])
def test_a_ratio_that_is_none(value):
    with pytest.raises(TypeError, match="backstop must be a number"):
        cs.Rules(backstop=value)


def test_hyperliquid_closes_a_fifth_and_has_a_backstop():
    rules = cs.rules.hyperliquid("BTC")
    assert rules.partial == ("fraction", "0.2", 100_000, 30)
    table = rules.table(10**6)
    assert (table["backstop"], table["backstop_denominator"]) == (2, 3)
    assert table["partial_notional"] == 100_000 * 10**6
    assert table["partial_cooldown"] == 30 * 10**9


def test_hyperliquid_and_dydx_pay_an_eighth_of_eight_hours_every_hour():
    assert cs.rules.hyperliquid("ETH").impact_notional == 20_000
    assert cs.rules.hyperliquid("SOL").impact_notional == 6_000
    for rules, expected in (
        # live rate with premia of -1.6 to -2.2 basis points: 0.0001 / 8
        (cs.rules.hyperliquid("BTC"), 12_500),
        (cs.rules.dydx_v4(), 0),
    ):
        engine = cs.Engine()
        market = engine.add_market("X", tick_size=1, lot_size="0.001", rules=rules)
        market.set_index(60_000)
        market.book.load_depth([(59_989, 10)], [(59_990, 10)])
        engine.accounts.open(market, side="long", size=1, entry=60_000, leverage=3)
        engine.step(dt=3600)
        paid = engine.events[engine.events["kind"] == cs.EventKind.FUNDING]
        premium = Fraction(59_990 - 60_000, 60_000)
        assert -Fraction(22, 10**5) < premium < -Fraction(16, 10**5)
        if expected:
            assert paid["code"].tolist() == [expected]
        else:
            assert paid["code"].tolist() == [-(-int(premium * 10**9) // 8)]
        engine.validate()
