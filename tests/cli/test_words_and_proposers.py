"""A proposer that looks for words gets those of every command; one that remembers frames is not fed with scenes."""

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import pytest
from toy import planted

from regionclip.cli.terminal import exits
from regionclip.frames import read_frame
from regionclip.scenes.render import render_scene

Run = Callable[..., int]
SMALL = ("--scenes", "1", "--size", "192x144")


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder with a picture, and settings whose proposer looks for words."""
    cv2.imwrite(str(tmp_path / "a.png"), render_scene(5, 0, (240, 320)).frame)
    (tmp_path / "words.toml").write_text('proposers = ["heatmap"]\n')
    (tmp_path / "v.toml").write_text('[[labels]]\nname = "person"\n')
    (tmp_path / "frames").mkdir()
    for index in range(3):
        cv2.imwrite(str(tmp_path / "frames" / f"{index}.png"), render_scene(6, index, (120, 160)).frame)
    return tmp_path


def test_detect_and_explain(run: Run, site: Path) -> None:
    asked = (site / "a.png", "-p", "person", "-p", "car", "--proposer", "heatmap")
    assert run("detect", *asked, "--threshold", "0", "--json", site / "found.json") == exits.OK
    found = json.loads((site / "found.json").read_text(encoding="utf-8"))
    assert len(found["images"][0]["detections"]) > 0
    assert run("explain", *asked, "--json", site / "why.json") == exits.OK
    assert len(json.loads((site / "why.json").read_text(encoding="utf-8"))["regions"]) > 0


def test_a_heat_map_is_that_of_the_label_with_its_phrases_and_negatives(run: Run, site: Path) -> None:
    """Red things and blue ones before grey, by the embedded tower."""
    cv2.imwrite(str(site / "b.png"), planted(240, 320, red=(20, 20, 120, 120), blue=(180, 80, 300, 200)))
    (site / "v.toml").write_text(
        'negatives = ["a red square"]\n[[labels]]\nname = "x"\nprompts = ["red box", "blue box"]\n'
        '[[labels]]\nname = "hot"\nof = "x"\nprompts = ["red ball"]\n'
    )
    drawn = {}
    for name, asked, shown in (
        ("label", ("--prompts-file", site / "v.toml"), "x"),
        ("attribute", ("--prompts-file", site / "v.toml"), "hot"),
        ("words", ("--prompts-file", site / "v.toml"), "x=red box|blue box"),
        ("name", ("-p", "y"), "x"),
        ("no negatives", ("-p", "y"), "x=red box|blue box"),
    ):
        assert run("explain", site / "b.png", *asked, "--heatmap", shown, "--out", site / name) == exits.OK
        (path,) = (site / name).iterdir()
        drawn[name] = read_frame(path).tobytes()
    assert drawn["label"] == drawn["words"]
    assert len(set(drawn.values())) == 4


@pytest.mark.parametrize(
    "command",
    [
        ("eval", "scenes", *SMALL),
        ("eval", "tiling", *SMALL, "--tiles", "none"),
        ("eval", "alarms", "--calibrate-frames", "2", "--test-frames", "2", "--target-frames", "2"),
        ("eval", "recall", "--count", "2", "--size", "320x240"),
        ("eval", "recall", "--count", "2", "--size", "320x240", "-p", "person"),
        ("doctor",),
        ("detect", "a.png", "-p", "person"),
        ("calibrate", "--vocabulary", "v.toml", "--empty", "frames", "--alarms-per-frame", "0.5", "--out", "new.toml"),
        ("teach", "mug", "--example", "a.png:20,20,90,120", "--vocabulary", "v.toml", "--out", "new.toml"),
    ],
)
def test_every_command_passes_its_words_on(
    run: Run, site: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.chdir(site)
    assert run(*command, "--config", "words.toml") == exits.OK


def test_an_index_has_no_words_yet(run: Run, site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("index", site / "a.png", "--out", site / "x.regions", "--proposer", "heatmap") == exits.USAGE
    assert "expected a proposer that needs no words" in capsys.readouterr().err
    assert not (site / "x.regions").exists()
    assert run("index", site / "frames", "--out", site / "x.regions", "--proposer", "motion") == exits.OK
    assert "each file begins anew" in capsys.readouterr().err
