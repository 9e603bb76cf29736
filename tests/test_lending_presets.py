"""Presets of lending protocols: data and pages agree, knobs are set as documented, changes are checked."""

import doctest
import re
from importlib import import_module
from pathlib import Path

import pytest

import cascade as cs
from cascade import lending
from cascade.lending import (
    BadDebt,
    Boundary,
    CloseFactor,
    Dust,
    Excess,
    HealthMeasure,
    SafetyFactor,
)

ROOT = Path(__file__).resolve().parents[1]
PAGES = ROOT / "docs" / "protocols"
DATA = {"FOLLOWS", "DATE", "SOURCE", "PROTOCOL", "LIQUIDATION", "VARIANTS", "PROTOCOL_VARIANTS", "DEFAULT",
        "SIZES", "VERSIONS"}  # fmt: skip
#: Protocols liquidated by repaying; others have auctions or pools.
NAMES = (
    "aave_v2",
    "aave_v3",
    "spark",
    "compound_v2",
    "compound_v3",
    "euler_v1",
    "euler_v2",
    "morpho_blue",
)


@pytest.mark.parametrize("name", NAMES)
def test_every_preset_is_a_rule_with_a_source(name):
    about = cs.rules.describe_lending(name)
    assert cs.rules.LENDING[name] is getattr(cs.rules, name)
    for variant in (None, *about.variants):
        rules = cs.rules.LENDING[name](variant)
        assert rules.name == name
        assert rules.source == rules.liquidation.source == about.source
        assert rules.date == about.date
    names = {
        n for n in vars(import_module(f"cascade.rules.parameters.{name}")) if not n.startswith("_")
    }
    assert names <= DATA


@pytest.mark.parametrize("name", NAMES)
def test_help_and_page_have_the_presets_values_and_the_numbers_are_right(name):
    about = cs.rules.describe_lending(name)
    text = getattr(cs.rules, name).__doc__
    assert text.startswith(about.title)
    assert "Left out, because the rule has no place for it" in text
    page = (PAGES / f"{name}.md").read_text()
    for part in (about.source, about.follows, about.date, *about.variants):
        assert part in text
        assert part in page
    data = import_module(f"cascade.rules.parameters.{name}")
    variants = getattr(data, "VARIANTS", {}).values()
    for knob, value in [row for table in (data.LIQUIDATION, *variants) for row in table.items()]:
        assert f"| `{knob}` | `{value!r}` |" in page
    assert f"protocols/{name}.md" in (ROOT / "docs" / "index.md").read_text()
    failed, run = doctest.testfile(str(PAGES / f"{name}.md"), module_relative=False)
    assert run > 0
    assert failed == 0


# the table of section 1 of the lending page: boundary, factor, close, bad debt
KNOBS = {
    "aave_v2": (Boundary.BELOW, SafetyFactor.COLLATERAL, CloseFactor.SHARE, BadDebt.STAYS),
    "aave_v3": (Boundary.BELOW, SafetyFactor.COLLATERAL, CloseFactor.HEALTH_AND_SIZE, BadDebt.DEFICIT),
    "spark": (Boundary.BELOW, SafetyFactor.COLLATERAL, CloseFactor.HEALTH, BadDebt.STAYS),
    "compound_v2": (Boundary.BELOW, SafetyFactor.COLLATERAL, CloseFactor.SHARE, BadDebt.STAYS),
    "compound_v3": (Boundary.BELOW, SafetyFactor.COLLATERAL, CloseFactor.ABSORB, BadDebt.RESERVES),
    "euler_v1": (Boundary.BELOW, SafetyFactor.BOTH, CloseFactor.TARGET, BadDebt.STAYS),
    "euler_v2": (Boundary.AT_OR_BELOW, SafetyFactor.COLLATERAL, CloseFactor.WHOLE, BadDebt.SUPPLIERS),
    "morpho_blue": (Boundary.BELOW, SafetyFactor.COLLATERAL, CloseFactor.WHOLE, BadDebt.SUPPLIERS),
}  # fmt: skip


@pytest.mark.parametrize(("name", "knobs"), KNOBS.items())
def test_knobs_of_the_table(name, knobs):
    rule = cs.rules.LENDING[name]().liquidation
    assert (rule.boundary, rule.safety_factor, rule.close, rule.bad_debt) == knobs


def test_versions_of_aave_v3():
    old, sizes, directed = (cs.rules.aave_v3(v).liquidation for v in ("3.0", "3.3", "3.7"))
    assert cs.rules.aave_v3() == cs.rules.aave_v3("3.3")
    assert (old.dust, old.bad_debt) == (Dust.ANY, BadDebt.STAYS)
    assert (sizes.close_size, sizes.least_left) == (2000 * 10**8, 1000 * 10**8)
    assert directed.health is HealthMeasure.SUM
    assert not directed.self_liquidation
    assert cs.rules.aave_v3("3.3").isolation
    assert not cs.rules.aave_v3("3.7").isolation
    # Spark's files are those of v3.0
    assert cs.rules.spark().liquidation.changed(source="") == old.changed(source="")


def test_changes_are_checked():
    assert cs.rules.aave_v2(close_share=6000).liquidation.close_share == 6000
    with pytest.raises(
        ValueError, match=r"aave_v3 has no variant '4'; known: 3\.0, 3\.1, 3\.2, 3\.3"
    ):
        cs.rules.aave_v3("4")
    with pytest.raises(ValueError, match="spark has no variant 'x'; known: none"):
        cs.rules.spark("x")
    with pytest.raises(ValueError, match="'nosuch' is not one of aave_v2"):
        cs.rules.describe_lending("nosuch")
    with pytest.raises(ValueError, match="boundary 'above' is not one of below, at_or_below"):
        cs.rules.aave_v2(boundary="above")
    with pytest.raises(ValueError, match=r"close_share 10001 is outside 0 \.\.\. 10000"):
        cs.rules.aave_v2(close_share=10_001)
    with pytest.raises(ValueError, match="least_left -1 is below 0"):
        cs.rules.aave_v2(least_left=-1)
    with pytest.raises(ValueError, match="factor_parts 0"):
        lending.LiquidationRule(factor_parts=0)
    with pytest.raises(ValueError, match="largest_discount"):
        lending.LiquidationRule(largest_discount=10**18)
    with pytest.raises(ValueError, match="seized 'away' is not one of half_up, floor, ceil"):
        lending.RoundingSteps(seized="away")
    with pytest.raises(ValueError, match="supply_cap 'over'"):
        lending.ProtocolRules("x", lending.LiquidationRule(), supply_cap="over")


@pytest.mark.parametrize(
    ("version", "variant"),
    [("3.0", "3.0"), ("3.1", "3.0"), ("3.2", "3.0"), ("3.3", "3.3"), ("3.4", "3.3"), ("3.5", "3.3"),
     ("3.6", "3.3"), ("3.7", "3.7")],
)  # fmt: skip
def test_every_version_of_aave_v3_has_its_rules(version, variant):
    # 3.0-3.2 are one set of rules, 3.3 begins the next, the head is 3.7
    assert cs.rules.aave_v3(version) == cs.rules.aave_v3(variant)
    assert cs.rules.aave_v3(version).variant == variant
    assert version in cs.rules.aave_v3.__doc__


def test_names_of_presets_are_presets():
    for name in (*cs.rules.LENDING_PROTOCOLS, *cs.rules.AUCTION_PROTOCOLS, *cs.rules.VENUES):
        assert callable(getattr(cs.rules, name))
        with pytest.raises(ModuleNotFoundError):
            import_module(f"cascade.rules.{name}")


@pytest.mark.parametrize("name", ["maker_liq2", "crvusd", "liquity_v1", "liquity_v2"])
def test_what_is_made_of_other_protocols_has_its_source(name):
    made = getattr(cs.rules, name)()
    source = import_module(f"cascade.rules.parameters.{name}").SOURCE
    assert (made.auction.source if name == "maker_liq2" else made.source) == source
    assert made.source


def test_a_source_survives_a_copy():
    engine = cs.Engine()
    eth = engine.add_market("ETH", tick_size=1, lot_size="0.01", rules=cs.Rules(feed="index"))
    eth.set_index(2000)
    bands = engine.lending.add_bands("soft", price=eth, venue=None, rules=cs.rules.crvusd())
    engine.lending.add("maker", rules=cs.rules.maker_liq2())
    again = engine.copy()
    assert again.lending.bands["soft"].rules.source == bands.rules.source != ""
    assert again.lending["maker"].rules.auction.source == cs.rules.maker_liq2().auction.source


@pytest.mark.parametrize(
    ("error", "named", "change"),
    [
        (TypeError, "close_share must be an integer, got 3.5", {"close_share": 3.5}),
        (ValueError, "close_share -1 is outside 0 ... 10000", {"close_share": -1}),
        (TypeError, "close_share must be an integer, got True", {"close_share": True}),
        (TypeError, "self_liquidation must be True or False, got 'no'", {"self_liquidation": "no"}),
        (TypeError, "rounding must be RoundingSteps or its fields, got 3", {"rounding": 3}),
        (TypeError, "aave_v3: 'closeshare' is no field of LiquidationRule: boundary", {"closeshare": 1}),
        (TypeError, "aave_v3: variant must be text, such as '3.0', got 3.2", {"variant": 3.2}),
        (ValueError, "aave_v3 has no variant '2.9'; known: 3.0, 3.1, 3.2, 3.3", {"variant": "2.9"}),
        (ValueError, "factor_parts 0 is below 1", {"factor_parts": 0}),
    ],
)  # fmt: skip
def test_refused_changes_have_field_value_and_range(error, named, change):
    with pytest.raises(error, match=re.escape(named)):
        cs.rules.aave_v3(**change)


def test_accounts_and_reserves_are_checked():
    with pytest.raises(ValueError, match="collateral of A -1 is negative"):
        lending.Account({"A": -1})
    with pytest.raises(ValueError, match="unit 0 is not above 0"):
        lending.ReserveTerms(1, 0)
    with pytest.raises(ValueError, match="price -1 is negative"):
        lending.ReserveTerms(-1)
    with pytest.raises(ValueError, match="debt of A -1"):
        lending.Account(debts={"A": 1}).moved({}, {"A": -2})
    refused = lending.ExcessiveRepayError("repay", 5, "at most 4", "TOO_MUCH_REPAY")
    assert refused.__reduce__()[1] == ("repay", 5, "at most 4", "TOO_MUCH_REPAY")
    assert isinstance(refused, cs.CascadeError)


def test_rules_without_a_share_say_so():
    rule = cs.rules.euler_v1().liquidation
    with pytest.raises(ValueError, match="close 'target' is not one of share"):
        lending.max_repay(rule, None, 1)
    comet = cs.rules.compound_v3(steps="base_first").liquidation
    reserves = {"A": lending.ReserveTerms(1, 1, 10**17), "B": lending.ReserveTerms(1, 1)}
    with pytest.raises(ValueError, match="close 'absorb' is no liquidator's call"):
        lending.liquidate(
            comet, reserves, lending.Account({"A": 9}, {"B": 9}), debt="B", collateral="A"
        )
    assert lending.allowed_repay(cs.rules.aave_v2().liquidation, 9, 4) == 4
    assert cs.rules.compound_v2().liquidation.excess is Excess.REFUSE
