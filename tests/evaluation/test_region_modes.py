import pytest

from regionclip.evaluation.speed import random_tower, region_modes
from regionclip.evaluation.speed.region_modes import ModeTime, measure_modes, table
from regionclip.towers.card import FACTS


def test_each_mode_of_each_tower_is_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(random_tower.SIZES, "base", (24, 32, 2, 4))
    monkeypatch.setattr(region_modes, "COUNTS", (1, 3))
    times = list(measure_modes("cpu", "float32", (90, 160)))
    crops = [("siglip2-base", "siglip2"), ("siglip2-base-naflex", "siglip2"), ("chinese-clip-base", "chinese_clip")]
    expected = [(name, mode) for name, tower in crops for mode in FACTS[tower].modes]
    assert [(each.tower, each.mode) for each in times[1:]] == expected
    assert times[0].mode == "dense"
    assert all(value > 0 for each in times for value in each.milliseconds)


def test_ratios_are_to_one_box_of_the_first() -> None:
    rows = table([ModeTime("a", "dense", (200, 210, 220)), ModeTime("b", "crop", (100, 1000, 10_000))]).splitlines()
    assert rows[1].split() == ["a", "dense", "200", "210", "220", "1.00", "1.05", "1.10"]
    assert rows[2].split() == ["b", "crop", "100", "1000", "10000", "0.50", "5.00", "50.00"]
