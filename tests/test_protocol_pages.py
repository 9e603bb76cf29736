"""Pages of lending protocols: they say what the data files say, and their numbers are right."""

import doctest
from importlib import import_module
from pathlib import Path

import pytest

import cascade as cs
from cascade import cli

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


#: Runs of several seconds.
LONG = ("maker_liq2", "crvusd")


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.slow] if name in LONG else [])
        for name in (*cs.rules.LENDING_PROTOCOLS, *cs.rules.AUCTION_PROTOCOLS)
    ],
)
def test_page_shows_what_the_command_prints(name, capsys):
    text = (PAGES / f"{name}.md").read_text()
    command = f"`cascade run lending --rules {name}`"
    shown = text[text.index(command) :].split("```")[1].removeprefix("text\n").rstrip("\n")
    assert cli.main(["run", "lending", "--rules", name, "--quiet"]) == 0
    printed = capsys.readouterr().out.split("\n\n")
    paragraphs = shown.split("\n\n")
    assert paragraphs[0] == printed[0]
    # whole paragraphs, in their order
    assert [part for part in printed if part.rstrip("\n") in paragraphs] == paragraphs
    assert {part.partition("\n")[0].partition(",")[0] for part in paragraphs[1:]} >= {
        "Liquidations", "Liquidators", "Bad debt",
    }  # fmt: skip
