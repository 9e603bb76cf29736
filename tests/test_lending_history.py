"""Two years of ether: the page has what the example prints, and the example does what the page says."""

from datetime import UTC, datetime

import numpy as np
import pytest
from example_scripts import ROOT, example_fixture

HOUR_MS = 3_600_000
example = example_fixture("weth_2021_2023")


@pytest.mark.slow
@pytest.mark.parametrize("oracle", ["outside", "pool"])
def test_page_has_the_table(example, oracle, capsys):
    if not example.RECORDED.exists():
        pytest.skip("needs ../shared/data, hourly prices of ether")
    assert example.main(["--oracle", oracle]) == 0
    assert capsys.readouterr().out in (ROOT / "docs" / "lending-history.md").read_text()


def test_a_fall_within_a_window(example, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(example, "BORROWERS", 2_000)
    first = int(datetime(2021, 5, 19, tzinfo=UTC).timestamp()) * 1000
    rows = [f"WETH,{first + HOUR_MS * k},{3000 - 100 * k}" for k in range(12)]
    path = tmp_path / "prices.csv"
    path.write_text("symbol,timestamp,USD_price\n" + "\n".join(rows) + "\n")
    assert example.main([str(path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    cells = [cell.strip() for cell in lines[2].strip("|").split("|")]
    assert cells[:4] == ["19 May 2021", "3,000", "1,900", "2,000"]
    assert int(cells[4].replace(",", "")) > 100
    # nobody sells for less than the bonus is worth
    assert -5 < float(cells[8].removesuffix(" %")) <= 0


def test_a_month_brings_the_borrowers_back(example, monkeypatch):
    monkeypatch.setattr(example, "BORROWERS", 500)
    market = example.Market(1000.0, "outside", 1)
    market.refill()
    market.hour(1000.0, 0)
    assert (
        market.lending.health[np.isfinite(market.lending.health)] >= example.HEALTH_LEAST - 1e-6
    ).all()
    market.hour(3000.0, 3600)
    market.refill()
    health = market.lending.health
    # who was above 2.5 at three times the price has borrowed to a new one
    assert np.median(health[np.isfinite(health)]) < 2.5
    market.hour(1500.0, 3600)
    market.hour(1500.0, 3600)
    owing = market.owing(market.lending.columns()).sum()
    market.refill()
    assert owing < market.owing(market.lending.columns()).sum() == 500


def test_without_prices_it_says_so(example, tmp_path, capsys):
    assert example.main([str(tmp_path / "none.csv")]) == 2
    assert "timestamp and USD_price" in capsys.readouterr().err
