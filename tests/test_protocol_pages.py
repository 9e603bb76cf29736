"""Pages of lending protocols: they say what the data files say, and their numbers are right."""

import doctest
from importlib import import_module
from pathlib import Path

import pytest

PAGES = Path(__file__).resolve().parents[1] / "docs" / "protocols"
TABLES = {
    "maker_liq2": ("AUCTIONS",),
    "liquity_v1": ("TROVES",),
    "liquity_v2": ("COMMON", "BRANCHES"),
    "crvusd": ("COMMON", "MARKETS"),
}


def _values(table):
    """Names and values, of the rows below where a table has rows by name."""
    for name, value in table.items():
        if isinstance(value, dict):
            yield from value.items()
        else:
            yield name, value


@pytest.mark.parametrize("name", TABLES)
def test_page_has_the_data_files_values(name):
    data = import_module(f"cascade.rules.parameters.{name}")
    text = (PAGES / f"{name}.md").read_text()
    assert f"{data.SOURCE}." in text
    assert f"`cascade.rules.parameters.{name}`" in text
    assert data.DATE
    rows = [line for line in text.splitlines() if line.startswith("|")]
    for table in TABLES[name]:
        for parameter, value in _values(getattr(data, table)):
            # a row of the parameter, or a column of it
            found = [row for row in rows if f"`{parameter}`" in row]
            assert found, parameter
            cells = {cell.strip().removesuffix(" s") for row in rows for cell in row.split("|")}
            assert str(value) in cells, (parameter, value)


@pytest.mark.parametrize("name", TABLES)
def test_numbers_of_the_page_are_right(name):
    done = doctest.testfile(str(PAGES / f"{name}.md"), module_relative=False)
    assert done.attempted > 3
    assert done.failed == 0


def test_pages_are_linked():
    index = (PAGES.parent / "index.md").read_text()
    assert {page.stem for page in PAGES.glob("*.md")} >= set(TABLES)
    for name in TABLES:
        assert f"(protocols/{name}.md)" in index
