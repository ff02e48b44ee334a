"""The embedded tower as it ships: what it must do on scenes it has never seen, and what damaged files must say.

What it promises as any dense tower is in test_tower_contract.py.
"""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from proposals.dense import DenseHead, DenseProposer
from regionclip.config import Config
from regionclip.data.intervals import Share
from regionclip.detector import Detector
from regionclip.errors import WeightsError
from regionclip.evaluation.accuracy.scenes import SceneFigures, evaluate_scenes
from regionclip.scenes.language.phrases import name
from regionclip.scenes.render import render_scene
from regionclip.towers.checkpoints.hub import TINY_WEIGHTS
from regionclip.towers.tiny.tower import TinyTower


def _load(folder: Path = TINY_WEIGHTS) -> TinyTower:
    return TinyTower.load(folder, Config(tower="tiny", dtype="float32"), torch.device("cpu"))


@pytest.fixture(scope="module")
def tower() -> TinyTower:
    torch.set_num_threads(1)
    return _load()


@pytest.fixture(scope="module")
def figures(tower: TinyTower) -> SceneFigures:
    proposer = DenseProposer(DenseHead.load(TINY_WEIGHTS / "proposer.safetensors"))
    return evaluate_scenes(Detector(tower, proposer), seed=910_003, scenes=60)


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    """A copy of the weights, to be damaged."""
    return Path(shutil.copytree(TINY_WEIGHTS, tmp_path / "tiny"))


@pytest.mark.parametrize(
    ("key", "least"),
    [
        ("kinds_en", 0.94),
        ("kinds_zh", 0.94),
        ("pairs_en", 0.9),
        ("pairs_zh", 0.9),
        ("held_out_en", 0.67),
        ("held_out_zh", 0.67),
        ("agreement", 0.98),
        ("unseen_en", 0.91),
        ("unseen_zh", 0.93),
        ("typos", 0.93),
        ("found_en", 0.91),
        ("found_zh", 0.91),
        ("whole_en", 0.88),
        ("whole_zh", 0.88),
        ("recall50", 0.91),
        ("ap50", 0.86),
        ("ap75", 0.66),
        ("person_helmet_en", 0.9),
        ("person_vest_zh", 0.93),
        ("person_backpack_en", 0.88),
        ("door_open_zh", 0.88),
        ("laptop_open_en", 0.93),
        ("umbrella_open_zh", 0.93),
    ],
)
def test_what_the_model_card_claims_holds_on_other_scenes(figures: SceneFigures, key: str, least: float) -> None:
    """Bounds a few points below the card's, which are measured on five times as many scenes."""
    assert figures.regions > 200
    assert figures[key].value > least


@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_is_not_there_stays_below_the_threshold(figures: SceneFigures, language: str) -> None:
    for what in ("false", "strangers", "nonsense"):
        assert figures[f"{what}_{language}"].value < 0.01


def test_swapping_the_colour_changes_the_answer(tower: TinyTower) -> None:
    """Of two phrases that differ in the colour only, the true one must win, in both languages."""
    right = total = 0
    for index in range(12):
        scene = render_scene(910_004, index)
        boxes = np.array([thing.xyxy for thing in scene.objects], np.float32)
        regions, _ = tower.encode_image([scene.frame])[0].pool(boxes)
        for region, thing in zip(regions, scene.objects, strict=True):
            other = "blue" if thing.colour != "blue" else "red"
            words = {"red": "红", "blue": "蓝"}
            if thing.colour not in words:
                continue
            noun = name(thing.kind, "zh")
            english = [f"{thing.colour} {thing.kind}", f"{other} {thing.kind}"]
            chinese = [f"{words[thing.colour]}色的{noun}", f"{words[other]}色的{noun}"]
            for phrases in (english, chinese):
                true, false = (tower.encode_text(phrases, "region") @ region).tolist()
                right, total = right + (true > false), total + 1
    assert total >= 10
    assert right / total > 0.9


def test_text_is_folded_before_it_is_read(tower: TinyTower) -> None:
    assert tower.token_ids("Red CAR", "region") == tower.token_ids("red car", "region")
    assert tower.token_ids("ｒｅｄ ｃａｒ", "region") == tower.token_ids("red car", "region")
    assert tower.token_ids("  red car ", "region") == tower.token_ids("red car", "region")


def test_every_han_character_is_read_alone(tower: TinyTower) -> None:
    def core(text: str) -> list[int]:
        return tower.token_ids(text, "region")[:-1]

    start = core("红")[: len(core("红")) - len(core("红红")) + len(core("红"))]
    assert core("红色的灭火器") == start + [i for c in "红色的灭火器" for i in core(c)[len(start) :]]


def test_the_card_says_what_the_weights_are(tower: TinyTower) -> None:
    card = tower.card
    assert (card.name, card.width, card.budget) == ("tiny", 128, 256)
    assert card.region_score.bias is not None
    assert card.image_score.bias is not None
    assert card.region_score.scale > 1
    assert "rendered scenes only" in card.notice
    assert tower.count_tokens("红" * 100, "region") == (102, 48)


def test_the_record_ships_with_the_weights() -> None:
    notes = json.loads((TINY_WEIGHTS / "training.json").read_text(encoding="utf-8"))
    assert {"command", "settings", "steps", "minutes", "images", "figures", "measured_by", "date"} <= notes.keys()
    assert notes["figures"]["kinds_en"]["value"] > 0.9


@pytest.mark.parametrize("file", ["model.safetensors", "config.json", "tokenizer.json"])
def test_a_missing_file_is_named(damaged: Path, file: str) -> None:
    (damaged / file).unlink()
    with pytest.raises(WeightsError, match=file.replace(".", r"\.")):
        _load(damaged)


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("model_type", "fgclip2", "expected model_type 'regionclip-tiny', got 'fgclip2'"),
        ("width", None, "missing width"),
        ("width", 130, "multiple of 4"),
        ("blocks", "six", "blocks to be a whole number in 1..1000000, got 'six'"),
        ("text_length", 2**31, "text_length to be a whole number in 1..1000000, got 2147483648"),
        ("positions", 10**6, "no network of these sizes can be made"),
        ("text_length", 9_999, "text.positions .expected .9999, 128., got"),
        ("stem", [24, 48], "three numbers"),
        ("residual", 1, "residual to be true or false, got 1"),
        ("vocabulary", 901, "expected 901 entries.*got 1600"),
        ("threshold", 2.0, "threshold"),
        ("budget", 0, "budget"),
    ],
)
def test_a_config_that_does_not_fit_is_refused(damaged: Path, key: str, value: object, told: str) -> None:
    path = damaged / "config.json"
    notes = json.loads(path.read_text(encoding="utf-8"))
    notes[key] = value
    if value is None:
        del notes[key]
    path.write_text(json.dumps(notes), encoding="utf-8")
    with pytest.raises(WeightsError, match=told):
        _load(damaged)


def test_a_damaged_tokenizer_is_refused(damaged: Path) -> None:
    (damaged / "tokenizer.json").write_text("{}", encoding="utf-8")
    with pytest.raises(WeightsError, match=r"tokenizer\.json"):
        _load(damaged)


def test_the_docs_quote_the_record() -> None:
    root = Path(__file__).parents[2]
    figures = json.loads((root / "regionclip" / "weights" / "tiny" / "training.json").read_text())["figures"]
    text = (root / "docs" / "embedded_tower.md").read_text(encoding="utf-8")
    for key, value in figures.items():
        assert str(Share(**value)) in text, key
