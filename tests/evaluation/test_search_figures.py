"""Figures of archives with the tower that ships: the index against scoring all, and things of rendered clips."""

from pathlib import Path

from regionclip.evaluation.speed.search import measure_size, measure_things, sizes_table, things_table
from regionclip.loading import load


def test_an_index_of_some_thousand_regions(tmp_path: Path) -> None:
    row = measure_size(load("tiny"), 2500, tmp_path / "x")
    assert row.regions == 2500
    assert row.recall >= 0.9
    assert 500 < row.bytes_region < 1500
    assert 0 < row.index_bytes_region < 200
    assert "2,500" in sizes_table([row])


def test_things_of_a_clip(tmp_path: Path) -> None:
    rows = measure_things(load("tiny"), 1, tmp_path / "clips", seed=3)
    assert [row.language for row in rows] == ["en", "zh"]
    for row in rows:
        assert row.things >= row.queries > 2
        assert row.precision > 0.4
        assert row.recall > 0.4
        assert row.hits > row.doubled
    assert rows[0].things == rows[1].things
    assert "precision" in things_table(rows, 1)
