import pytest
import torch

from regionclip.config import Config
from regionclip.evaluation.accuracy.tiling import Setting, evaluate_tiling, settings_of, table
from regionclip.loading import load


def test_what_is_compared() -> None:
    titles = list(map(str, settings_of([(3, 2), "auto"])))
    assert titles == ["none", "none, fine", "none, crops", "3x2", "auto", "auto, fast", "auto, fine", "auto, crops"]
    assert list(map(str, settings_of([]))) == ["none", "none, fine", "none, crops"]


@pytest.fixture(scope="module")
def settings() -> list[Setting]:
    return [Setting(), Setting((3, 3), "fine"), Setting(crops=True)]


def test_small_objects_gain_by_tiles_and_crops(settings: list[Setting]) -> None:
    torch.set_num_threads(1)
    figures = evaluate_tiling(load(Config()), settings, scenes=2, size=(720, 960), side=30)
    plain, tiled, cropped = figures.rows
    assert (figures.scenes, figures.size) == (2, (720, 960))
    assert figures.objects >= 20
    assert (plain.passes, tiled.passes) == (1, 10)
    assert tiled.recall.value > plain.recall.value + 0.2
    assert tiled.ap50.value > plain.ap50.value + 0.05
    assert tiled.top1.value > plain.top1.value + 0.05
    assert cropped.top1.value > plain.top1.value + 0.05
    assert all(0 <= row.ap.value <= row.ap50.value <= 1 and row.milliseconds > 0 for row in figures.rows)
    lines = table(figures).splitlines()
    assert len(lines) == 5
    assert lines[0].startswith(f"2 scenes of 960x720 pixels, {figures.objects} objects of about 30 pixels")
    assert lines[3].split()[:3] == ["3x3,", "fine", "10.0"]
    assert str(tiled.ap50) in lines[3]
