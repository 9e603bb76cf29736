"""Leverage tiers: Binance USD-M brackets of 24 October 2024, and both layouts of the format."""

import json
from decimal import Decimal
from fractions import Fraction

import pytest

import cascade as cs
from cascade import margin
from cascade.data import DataFormatError, exact_deductions, load_tiers


def test_all_2456_boundary_deductions_are_exact(shared_data):
    tiers = load_tiers(shared_data("binance_leverage_tiers_20241024.json.gz"))
    assert len(tiers) == 349
    assert sum(map(len, tiers.values())) == 2_805
    equal = 0
    for table in tiers.values():
        assert table.deduction[0] == 0
        exact = exact_deductions(table.floor, table.maintenance_rate)
        for n in range(1, len(table)):
            assert Fraction(table.deduction[n]) == exact[n], f"{table.symbol}, tier {n + 1}"
            equal += 1
    assert equal == 2_456
    btc = tiers["BTC/USDT:USDT"]
    assert btc.currency == "USDT"
    assert btc.cap[:2] == (50_000, 600_000)
    assert btc.maintenance_rate[:2] == (Decimal("0.004"), Decimal("0.005"))
    assert btc.max_leverage[0] == 125


def test_the_engine_charges_the_published_deductions(shared_data):
    """The table that the core gets, at every boundary, and maintenance on both of its sides."""
    tiers = load_tiers(shared_data("binance_leverage_tiers_20241024.json.gz"))
    atoms, boundaries = 10**8, 0
    for table in tiers.values():
        rows = list(zip(table.floor, table.maintenance_rate, strict=True))
        core = cs.Rules(tiers=rows).table(atoms)
        for published, floor, (edge, rate, _, deduction) in zip(
            table.deduction, table.floor, core["tiers"], strict=True
        ):
            assert Fraction(deduction, core["denominator"] * atoms) == Fraction(published)
            assert edge == floor * atoms
            if floor:
                boundaries += 1
                at_edge = Fraction(edge * rate - deduction, core["denominator"] * atoms)
                terms = margin.MarginTerms.of(cs.Rules(tiers=rows))
                assert margin.maintenance(floor, terms) == at_edge
    assert boundaries == 2_456


def bracket(floor, cap, rate, cum, leverage):
    return {
        "notionalFloor": floor,
        "notionalCap": cap,
        "maintMarginRatio": rate,
        "cum": cum,
        "initialLeverage": leverage,
    }


def test_venue_layout_with_json_numbers_stays_exact(tmp_path):
    path = tmp_path / "brackets.json"
    brackets = [bracket(0, 5000, 0.0065, 0.0, 75), bracket(5000, 80000, 0.01, 17.5, 50)]
    path.write_text(json.dumps([{"symbol": "ABCUSDT", "brackets": brackets}]))
    table = load_tiers(path)["ABCUSDT"]
    assert table.maintenance_rate == (Decimal("0.0065"), Decimal("0.01"))
    assert exact_deductions(table.floor, table.maintenance_rate) == [0, Fraction("17.5")]
    assert table.deduction == (0, Decimal("17.5"))


@pytest.mark.parametrize(
    ("second", "text"),
    [
        (bracket(6000, 80000, 0.01, 0, 50), "tier 2: floor 6000 is not the end 5000"),
        (bracket(5000, 5000, 0.01, 0, 50), "tier 2: cap 5000 is not above"),
        (bracket(5000, 80000, 1, 0, 50), "tier 2: maintenance rate 1 is outside"),
        (bracket(5000, 80000, 0.01, 0, 0), "tier 2: leverage 0 is not above 0"),
        (bracket(5000, "x", 0.01, 0, 50), "tier 2, notionalCap: 'x' is not a decimal"),
        ({"notionalFloor": 5000}, "notionalCap: is missing"),
    ],
)
def test_tiers_that_are_no_table_are_refused(tmp_path, second, text):
    path = tmp_path / "brackets.json"
    first = bracket(0, 5000, 0.0065, 0, 75)
    path.write_text(json.dumps([{"symbol": "ABCUSDT", "brackets": [first, second]}]))
    with pytest.raises(DataFormatError, match=text) as caught:
        load_tiers(path)
    assert caught.value.path == str(path)
