"""Small objects on large frames, from the settings to the detections."""

import re
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
import supervision as sv
import torch
from numpy.typing import NDArray
from toy import planted, toy_detector

from proposals.boxes import BoxesProposer
from proposals.dense import DenseProposer
from proposals.tiled import TiledProposer
from regionclip.config import Config
from regionclip.detector import Detector
from regionclip.errors import ConfigError
from regionclip.evaluation.accuracy.precision import covered
from regionclip.loading import load
from regionclip.scenes.language.phrases import KINDS
from regionclip.scenes.render import Scene, render_scene
from regionclip.timing import Timings
from regionclip.towers.preprocess import read_budget
from regionclip.towers.tiles import CloseFeatures

toy = partial(toy_detector, [[16, 16, 80, 80]])
DOCS = Path(__file__).parents[1] / "docs" / "large_frames.md"


@pytest.fixture(scope="module")
def scene() -> Scene:
    """A 1920 x 1080 frame with some 20 objects of 30 pixels."""
    torch.set_num_threads(1)
    return render_scene(920_001, 0, (1080, 1920), count=(20, 20), sides=(30 / 1080, 30 / 1080))


def boxes_of(scene: Scene) -> NDArray[np.float32]:
    return np.array([item.xyxy for item in scene.objects], np.float32)


def test_tiles_find_small_objects_that_the_whole_frame_does_not_show(scene: Scene) -> None:
    found = {}
    for tiles in ("none", "auto"):
        det = load(Config(tiles=tiles, threshold=0.1))
        found[tiles] = int(covered(boxes_of(scene), np.asarray(det(scene.frame, KINDS).xyxy, np.float32)).sum())
    assert len(scene.objects) >= 15
    assert found["none"] <= 2
    assert found["auto"] >= found["none"] + 6


def test_tiles_and_crops_name_given_boxes_better(scene: Scene) -> None:
    kinds = np.array([KINDS.index(item.kind) for item in scene.objects])
    right = {}
    for name, config in {
        "plain": Config(),
        "tiles": Config(tiles=(8, 5)),
        "crops": Config(crop_small=True),
    }.items():
        det = load(config)
        right[name] = int((det.scores(det.regions(scene.frame, boxes_of(scene)), KINDS).argmax(axis=1) == kinds).sum())
    assert min(right["tiles"], right["crops"]) >= right["plain"] + 4


def test_every_door_looks_as_closely_as_the_config_says() -> None:
    frame = planted(256, 384, red=(16, 16, 80, 80), blue=(300, 200, 364, 240))
    det = toy(tiles=(2, 2), crop_small=True, max_crops=5, tile_overlap=0.5)
    features = det.features(frame)
    assert isinstance(features, CloseFeatures)
    assert features.windows[0].tolist() == [0, 0, 256, 171]
    assert list(det(features, ["red"]).data["class_name"]) == ["red"]
    alone = det(frame, ["red", "blue"], boxes=[[300, 200, 364, 240]])
    together = det.batch([frame, frame], ["red", "blue"], boxes=[[[300, 200, 364, 240]]] * 2)
    assert list(alone.data["class_name"]) == ["blue"]
    assert [each.confidence.tolist() for each in together if each.confidence is not None] == [[alone.confidence]] * 2
    with Timings() as timings:
        assert len(det(frame, ["red"], boxes=[])) == 0
    assert set(timings) == {"pool", "words", "classify", "select", "other"}  # nothing was encoded
    assert not isinstance(toy().features(frame), CloseFeatures)


def test_proposers_that_do_not_gain_see_the_whole_frame_only() -> None:
    assert isinstance(toy(tiles=(2, 2)).proposer, BoxesProposer)
    assert isinstance(load(Config(tiles="auto")).proposer, TiledProposer)
    assert isinstance(load(Config(crop_small=True)).proposer, DenseProposer)


@pytest.mark.parametrize("tiles", [(3, 2), [3, 2], "auto", "none"])
def test_tiles_are_counts_or_a_name(tiles: object, tmp_path: Path) -> None:
    expected = tuple(tiles) if isinstance(tiles, list) else tiles
    assert Config(tiles=tiles).tiles == expected  # type: ignore[arg-type]
    (tmp_path / "site.toml").write_text(f"tiles = {list(tiles) if isinstance(tiles, tuple) else repr(tiles)}\n")
    assert Config.load(tmp_path / "site.toml").tiles == expected


def test_budget_names_go_by_what_the_tower_offers(fgclip2_folder: Path) -> None:
    assert [read_budget(name, (7, 8, 9, 10, 11)) for name in ("fast", "balanced", "fine")] == [7, 9, 11]
    assert read_budget("dynamic", (7,)) == "dynamic"
    assert read_budget(33, (7,)) == 33
    assert read_budget(56, (7,)) == 56
    with pytest.raises(ConfigError, match="from 1 to 56"):
        read_budget(57, (7,))
    with pytest.raises(ConfigError, match="balanced"):
        read_budget("slow", (7,))
    for name, of_tiny, of_fgclip2 in (("fast", 128, 128), ("balanced", 256, 576), ("fine", 400, 1024)):
        assert load(Config(budget=name)).tower.card.budget == of_tiny  # type: ignore[arg-type]
        fgclip2 = Config(tower="fgclip2", weights=str(fgclip2_folder), budget=name)  # type: ignore[arg-type]
        assert load(fgclip2).tower.card.budget == of_fgclip2


def test_the_example_of_the_docs_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    cv2.imwrite("yard.jpg", render_scene(920_002, 0, (540, 960)).frame)
    example = re.search(r"```python\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    assert example is not None
    names: dict[str, object] = {}
    exec(example[1], names)
    assert isinstance(names["detections"], sv.Detections)
    assert isinstance(names["det"], Detector)
    assert names["det"].config.tiles == (3, 2)
