"""`regionclip train`: settings from a file, what is said, exit codes."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import tomli_w
from checkpoints import write_fgclip2
from finetuning import write_coco, write_tiny

from regionclip.cli.terminal import exits
from regionclip.config import config_folder, config_names
from regionclip.data.settings import DataSettings
from regionclip.errors import ConfigError
from regionclip.training.finetune import FineTuning
from regionclip.training.settings import CheckSettings, LossSettings, TrainSettings

Train = Callable[[Path], int]

_COCO = {"kind": "coco", "annotations": "a.json", "images": "."}
_DATA = {"data": {"kind": "scenes"}, "check": {"kind": "scenes", "seed": 2}}


def _file(folder: Path, **content: object) -> Path:
    path = folder / "run.toml"
    path.write_text(tomli_w.dumps({"out": str(folder / "out"), "steps": 2, **_DATA, **content}))
    return path


@pytest.fixture
def train(run: Callable[..., int]) -> Train:
    """`regionclip train --config FILE` in this process; its exit code."""
    return lambda config: run("train", "--config", config)


def test_it_trains_says_what_the_data_lack_and_goes_on(
    train: Train, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    coco = write_coco(tmp_path / "coco", 8)
    data = {"kind": "coco", "annotations": coco.annotations, "images": coco.images}
    content = {
        "weights": str(write_tiny(tmp_path / "tiny")),
        "batch": 2,
        "languages": ["zh"],
        "check_every": 1,
        "data": {**data, "split": "train"},
        "check": {**data, "split": "val"},
    }
    assert train(_file(tmp_path, **content)) == exits.OK
    said = capsys.readouterr()
    rows = [json.loads(line) for line in said.out.splitlines()]
    assert [row["step"] for row in rows] == [1, 2]
    assert set(rows[0]) > {"region_top1_zh", "boxes", "loss_total"}
    assert "which stay 0: hard" in said.err  # hard negatives are there in English only
    assert train(_file(tmp_path, **content)) == exits.OK
    assert "going on from step 2 of 2" in capsys.readouterr().err
    assert train(_file(tmp_path, **content, rate=0.5)) == exits.USAGE
    assert "other settings (rate" in capsys.readouterr().err


def test_a_mistyped_key_is_an_error_that_lists_the_known(
    train: Train, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(_file(tmp_path, lr=0.1)) == exits.USAGE
    assert "run.toml: unknown key lr; known are batch, betas" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"loss": {"rank": 1.0}}, r"run.toml, \[loss\]: unknown key rank; known are calibration, hard"),
        ({"data": {"kind": "voc"}}, r"\[data\]: kind: expected one of scenes, coco, got 'voc'"),
        ({"data": {"kind": "coco"}}, r"\[data\]: kind coco needs annotations"),
        ({"data": 3}, "data: expected a table, got 3"),
        ({"steps": 0}, "steps: expected a whole number in 1..1000000000, got 0"),
        ({"batch": True}, "batch: expected a whole number in 1..1000000, got True"),
        ({"betas": [0.9]}, r"betas: expected two numbers from 0 to below 1, got \[0.9\]"),
        ({"betas": [0.9, 1.0]}, r"betas: expected two numbers from 0 to below 1, got \[0.9, 1.0\]"),
        ({"freeze": "text"}, "freeze: expected a list of text, got 'text'"),
        ({"languages": ["en", "en"]}, r"languages: expected en, zh or both, each once, got \['en', 'en'\]"),
        ({"languages": ["fr"]}, r"languages: expected en, zh or both, each once, got \['fr'\]"),
        ({"budget": "high"}, "budget: expected a whole number in 1..1000000 or dynamic, got 'high'"),
        ({"start": "siglip2"}, 'start "siglip2" needs tower = "fgclip2"'),
        ({"check": {"seed": 1}}, "check: series 1: trained on as well"),
        ({"data": {"seed": 4}, "check": {"seed": 1}}, "the embedded tower was trained on series 1"),
        ({"data": _COCO, "check": _COCO}, "check: pictures of a.json, split None: trained on as well"),
        ({"data": _COCO, "check": {**_COCO, "split": "val"}}, "split val: trained on as well"),
        ({"data": {**_COCO, "seed": 3}}, r"\[data\]: kind coco has no seed; it has annotations, images, split"),
        ({"check": {"images": "x"}}, r"\[check\]: kind scenes has no images; it has seed, height, width"),
        ({"revision": "main"}, "revision: expected weights too"),
        ({"stage": "global", "loss": {"whole": 0}}, "stage global has nothing to learn from: expected whole above 0"),
        ({"loss": dict.fromkeys(("whole", "region", "tic", "hard", "calibration"), 0)}, "stage regions has nothing"),
        ({"loss": {"hard": -1}}, r"\[loss\]: hard: expected a number in 0..1000, got -1"),
    ],
)
def test_mistakes_in_a_file(tmp_path: Path, content: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        TrainSettings.load(_file(tmp_path, **content))
    assert "run.toml" in str(caught.value)


def test_what_is_measured_on_is_by_itself_new_to_the_tower() -> None:
    run = TrainSettings(out="x", steps=1, data=DataSettings(), check=CheckSettings())
    assert run.check.seed not in (run.data.seed, 1)
    TrainSettings(
        out="x",
        steps=1,
        data=DataSettings(kind="coco", annotations="a.json", images=".", split="train"),
        check=CheckSettings(kind="coco", annotations="a.json", images=".", split="val"),
    )


def test_what_must_be_said_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    path.write_text("steps = 3\n")
    with pytest.raises(ConfigError, match=r"run\.toml: out is missing: expected text"):
        TrainSettings.load(path)
    with pytest.raises(ConfigError, match=r"expected a \.toml file or one of fgclip2-coco, tiny-scenes"):
        TrainSettings.load("nothing")


def test_defaults_are_those_of_the_paper() -> None:
    assert LossSettings() == LossSettings(whole=1.0, region=0.2, tic=0.1, hard=0.5)
    run = TrainSettings(out="x", steps=1, data=DataSettings(), check=CheckSettings(seed=2))
    assert (run.rate, run.warmup, run.weight_decay, run.betas) == (1e-6, 0.03, 0.001, (0.9, 0.98))


def test_shipped_settings_read_and_are_no_towers() -> None:
    names = [path.stem for path in (config_folder() / "train").glob("*.toml")]
    assert set(names) == {"tiny-scenes", "fgclip2-coco"}
    for name in names:
        TrainSettings.load(name)
    assert not set(names) & set(config_names())


def test_weights_that_cannot_be_started_from(train: Train, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ConfigError, match="weights: tower fgclip2 needs a folder or hub name"):
        FineTuning(TrainSettings.load(_file(tmp_path, tower="fgclip2")))
    nowhere = str(tmp_path / "none" / "such")
    assert train(_file(tmp_path, tower="fgclip2", weights=nowhere)) == exits.WEIGHTS
    weights = str(write_fgclip2(tmp_path / "fgclip2"))
    assert train(_file(tmp_path, tower="fgclip2", start="siglip2", weights=weights)) == exits.WEIGHTS
    assert "expected model_type 'siglip2'" in capsys.readouterr().err
