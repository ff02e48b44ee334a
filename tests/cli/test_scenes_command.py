"""`regionclip scenes`: files out, exit codes."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from regionclip.cli.terminal import exits
from regionclip.frames import read_frame

Run = Callable[..., int]


@pytest.fixture
def scenes(run: Run) -> Run:
    """`regionclip scenes`."""
    return partial(run, "scenes")


def test_scenes_are_written_and_the_same_again(scenes: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--count", 2, "--seed", 4, "--size", "96x80", "--picture", "png")
    assert scenes("--out", tmp_path / "a", *options) == exits.OK
    assert capsys.readouterr().out.strip() == str(tmp_path / "a" / "annotations.json")
    assert scenes("--out", tmp_path / "b", *options) == exits.OK
    content = json.loads((tmp_path / "a" / "annotations.json").read_text(encoding="utf-8"))
    assert [image["file_name"] for image in content["images"]] == ["images/000000.png", "images/000001.png"]
    assert content["info"]["seed"] == 4
    assert read_frame(tmp_path / "a/images/000001.png").shape == (80, 96, 3)
    files = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*") if path.is_file())
    assert len(files) == 3
    assert all((tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes() for file in files)


def test_clips_are_written(scenes: Run, tmp_path: Path) -> None:
    words = ("--clips", "--count", 1, "--seconds", 1, "--fps", 4, "--size", "96x80", "--event", "left object")
    looks = ("--camera", "still", "--style", "other", "--pairs", "held out")
    assert scenes("--out", tmp_path, *words, *looks) == exits.OK
    content = json.loads((tmp_path / "annotations.json").read_text(encoding="utf-8"))
    assert content["videos"][0]["events"][0]["kind"] == "left object"
    assert len(list((tmp_path / "clips" / "000000").iterdir())) == 4
    assert (tmp_path / "clips" / "000000.mp4").stat().st_size > 1000


def test_an_earlier_export_is_not_overwritten(scenes: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "annotations.json").write_text("mine")
    assert scenes("--out", tmp_path) == exits.USAGE
    assert "expected a folder without annotations.json" in " ".join(capsys.readouterr().err.split())
    assert (tmp_path / "annotations.json").read_text() == "mine"
