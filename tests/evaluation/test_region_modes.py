import pytest

from regionclip.evaluation.speed import random_tower, region_modes
from regionclip.evaluation.speed.region_modes import measure_modes, table
from regionclip.towers.card import FACTS


def test_each_mode_of_each_tower_is_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(random_tower.SIZES, "base", (24, 32, 2, 4))
    monkeypatch.setattr(region_modes, "ROUNDS", {1: 2, 3: 1})
    found = measure_modes("cpu", "float32", (90, 160))
    crops = [("siglip2-base", "siglip2"), ("siglip2-base-naflex", "siglip2"), ("chinese-clip-base", "chinese_clip")]
    expected = [(name, mode) for name, tower in crops for mode in FACTS[tower].modes]
    assert list(found) == [("fgclip2-base, random weights", "dense"), *expected]
    assert all(len(each) == 2 and min(each) > 0 for each in found.values())


def test_ratios_are_to_one_box_of_the_first() -> None:
    rows = table({("a", "dense"): (200, 210, 220), ("b", "crop"): (100, 1000, 10_000)}, (72, 128)).splitlines()
    assert rows[0].startswith("regions of a frame of 128x72 by boxes")
    assert rows[2].split() == ["a", "dense", "200", "210", "220", "1.00", "1.05", "1.10"]
    assert rows[3].split() == ["b", "crop", "100", "1000", "10000", "0.50", "5.00", "50.00"]
