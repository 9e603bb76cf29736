"""The example of the magnet effect: what anticipation adds near the halt, and that it adds nothing far off."""

import pytest
from example_scripts import example_fixture

magnet = example_fixture("magnet_effect")


@pytest.fixture(scope="module")
def samples(magnet):
    return [magnet.sample(150, with_holders) for with_holders in (False, True)]


def test_anticipation_brings_the_halt_nearer(magnet, samples):
    plain, magnetic = samples
    assert magnetic.halted > 2 * plain.halted > 0
    tables = [magnet.by_distance(found) for found in samples]
    near, between, far = ([table[k] for table in tables] for k in (1, 2, 6))
    assert near[1]["volume"] > 1.5 * near[0]["volume"]
    assert between[1]["volatility"] > 1.2 * between[0]["volatility"]
    approaching = [table[3]["skewness"] for table in tables]
    assert approaching[1] < approaching[0] - 0.2
    # beyond their reach the holders do nothing; few runs come back from there
    assert far[1]["volume"] == pytest.approx(far[0]["volume"], rel=0.05)
    assert far[1]["volatility"] == pytest.approx(far[0]["volatility"], rel=0.05)


def test_nobody_sells_beyond_reach(magnet):
    generator = magnet.np.random.default_rng(1)
    assert magnet.anticipating(generator, 10**6, magnet.REACH) == 0
    at_halt = magnet.anticipating(generator, 10**6, 0.0)
    assert at_halt == pytest.approx(10**6 * magnet.MOST_LIKELY, rel=0.05)


def test_the_table_is_printed_and_the_figure_saved(magnet, samples, capsys, tmp_path):
    assert magnet.main(["--runs", "20"]) == 0
    said = capsys.readouterr().out
    assert "runs that end in a halt" in said
    assert len(said.splitlines()) == 4 + len(magnet.EDGES) - 1
    pytest.importorskip("matplotlib")
    magnet.plot(*samples, str(tmp_path / "figure.png"))
    assert (tmp_path / "figure.png").stat().st_size > 5000
