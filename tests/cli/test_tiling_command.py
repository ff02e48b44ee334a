"""`--tiles` and `--budget` of `detect`, and `regionclip eval tiling`, in this process."""

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import pytest
from toy import planted

from regionclip.cli.terminal import exits

Run = Callable[..., int]


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    cv2.imwrite(str(tmp_path / "a.png"), planted(256, 384, red=(16, 16, 80, 80)))
    return tmp_path / "a.png"


@pytest.mark.parametrize("options", [("--tiles", "2x2"), ("--tiles", "auto"), ("--tiles", "none", "--budget", "fast")])
def test_detect_with_tiles_and_budgets(
    run: Run, picture: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...]
) -> None:
    assert run("detect", picture, "-p", "red box", "--threshold", "0", "--json", "-", *options) == exits.OK
    assert len(json.loads(capsys.readouterr().out)["images"][0]["detections"]) > 0


def test_flags_win_over_the_file(run: Run, picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "site.toml").write_text('tiles = [2, 2]\nbudget = "fine"\n')
    arguments = ("detect", picture, "-p", "red box", "--threshold", "0", "--json", "-", "--config")
    answers = []
    for more in ((tmp_path / "site.toml", "--tiles", "none", "--budget", "fast"), ("tiny", "--budget", "128")):
        file = more[0] if more[0] != "tiny" else _empty(tmp_path)
        assert run(*arguments, file, *more[1:]) == exits.OK
        answers.append(json.loads(capsys.readouterr().out)["images"])
    assert answers[0] == answers[1]


def _empty(folder: Path) -> Path:
    (folder / "empty.toml").write_text("")
    return folder / "empty.toml"


def test_eval_tiling_prints_a_table(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("eval", "tiling", "--scenes", "1", "--size", "320x240", "--tiles", "none") == exits.OK
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("1 scenes of 320x240 pixels")
    assert [line.split("  ")[1] for line in lines[2:]] == ["none", "none, fine", "none, crops"]
