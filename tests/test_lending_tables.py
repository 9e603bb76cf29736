"""The tables of the lending page: every protocol has a row, and the rows say what the data files say."""

from importlib import import_module
from pathlib import Path

import pytest

import cascade as cs

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "lending.md").read_text()
PROTOCOLS = (*cs.rules.LENDING_PROTOCOLS, *cs.rules.AUCTION_PROTOCOLS)


def rows(heading, columns):
    """Rows of the first table with so many columns below a line, cells by column."""
    lines = PAGE[PAGE.index(heading) :].splitlines()
    first = next(k for k, line in enumerate(lines) if line.startswith("|---"))
    found = []
    for line in lines[first + 1 :]:
        if not line.startswith("|"):
            break
        found.append([cell.strip() for cell in line.strip("|").split("|")])
        assert len(found[-1]) == columns, line
    return found


def data(name):
    return import_module(f"cascade.rules.parameters.{name}")


def percent(share):
    return f"{100 * float(share):g} %"


COMPARED = {row[0]: row[1:] for row in rows("Compared:", 7)}


def row_of(name):
    return next(row for names, row in COMPARED.items() if name in names.replace(",", " ").split())


def test_every_protocol_is_compared_and_listed():
    for name in PROTOCOLS:
        assert row_of(name)
    listed = [row[0] for row in rows("## Presets", 3)]
    assert listed == [f"[{name}](protocols/{name}.md)" for name in PROTOCOLS]


@pytest.mark.parametrize("name", PROTOCOLS)
def test_presets_are_of_the_class_that_the_table_names(name):
    found = {row[0]: row for row in rows("## Presets", 3)}[f"[{name}](protocols/{name}.md)"]
    assert found[2] == f"`{type(getattr(cs.rules, name)()).__name__}`"
    tables = (
        getattr(data(name), what, {}) for what in ("VERSIONS", "AUCTIONS", "BRANCHES", "MARKETS")
    )
    for what in (key for table in tables for key in table):
        assert what in found[1]


@pytest.mark.parametrize("name", [n for n in cs.rules.LENDING_PROTOCOLS if n != "aave_v3"])
def test_bad_debt_is_where_the_rules_put_it(name):
    assert row_of(name)[-1] == cs.rules.LENDING[name]().liquidation.bad_debt.value


@pytest.mark.parametrize("version", data("aave_v3").VERSIONS)
def test_versions_of_aave_v3_are_in_the_row_of_their_rules(version):
    found = [
        row
        for names, row in COMPARED.items()
        if names.startswith("aave_v3 ")
        and names.split()[1].split("-")[0] <= version <= names.split()[1].strip(",").split("-")[1]
    ]
    assert len(found) == 1
    rule = cs.rules.aave_v3(version).liquidation
    assert found[0][-1] == rule.bad_debt.value
    assert ("account's debt" in found[0][2]) == (rule.close.value == "health_and_size")


def test_rows_of_the_protocols_without_calls_have_their_numbers():
    maker, given = row_of("maker_liq2"), data("maker_liq2").AUCTIONS["ETH-A"]
    assert f"{float(given['buf']):g} times" in maker[3]
    assert percent(given["chip"]) in maker[4]
    assert maker[5] == cs.rules.maker_liq2().bad_debt
    one, given = row_of("liquity_v1"), data("liquity_v1").TROVES
    assert percent(given["minimum_ratio"]) in one[0]
    assert percent(given["critical_ratio"]) in one[0]
    assert percent(1 / given["gas_compensation_divisor"]) in one[4]
    assert f"and {given['reserve']} to" in one[4]
    two, common, branches = (
        row_of("liquity_v2"),
        data("liquity_v2").COMMON,
        data("liquity_v2").BRANCHES,
    )
    for branch in branches.values():
        assert percent(branch["minimum_ratio"]) in two[0]
        assert percent(branch["offset_penalty"]) in two[3]
        assert percent(branch["redistribution_penalty"]) in two[3]
    assert f"at most {common['gas_compensation_cap']}, and {common['gas_reserve']} " in two[4]
    bands, given = row_of("crvusd"), data("crvusd").MARKETS["tests"]
    assert percent(given["liquidation_discount"]) in bands[1]
    assert percent(given["loan_discount"]) in bands[1]
    assert percent(given["fee"]) in bands[4]
