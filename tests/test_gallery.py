"""The gallery's page shows what the example prints."""

import pytest
from example_scripts import ROOT, example_fixture

gallery = example_fixture("gallery")


@pytest.fixture(scope="module")
def played(gallery):
    return [gallery.play(venue) for venue in gallery.VENUES]


def test_page_has_the_table(gallery, played):
    assert gallery.printed(played) in (ROOT / "docs" / "gallery.md").read_text()


def test_all_see_the_same_crowd_and_shock(played):
    firsts = {(p.numbers["accounts"], p.numbers["price"]["start"]) for p in played}
    assert firsts == {(50_000, 100_000.0)}
    assert {p.numbers["seed"] for p in played} == {19}


def test_curves_end_where_the_report_does(played):
    for one in played:
        assert one.bad_debt[-1] == pytest.approx(one.numbers["paid"]["bad_debt"])
        assert one.deleveraged[-1] <= one.numbers["deleveraged"]["size"] + 1e-9


def test_picture(gallery, played, tmp_path):
    pytest.importorskip("matplotlib", reason="the picture needs the extra plot")
    gallery.plot(played, str(tmp_path / "gallery.png"))
    assert (tmp_path / "gallery.png").stat().st_size > 10_000
