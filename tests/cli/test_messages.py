"""What commands say while they work: warnings in one line without paths, and progress on a terminal."""

import os
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import pytest
from PIL import Image
from toy import ToyTower, planted

from regionclip.cli.terminal import exits
from regionclip.cli.terminal.output import show_warnings
from regionclip.detector import Detector
from regionclip.proposing import NoProposer
from regionclip.scenes.render import render_scene
from regionclip.words.vocabulary import Label, Vocabulary

Run = Callable[..., int]


@pytest.fixture(autouse=True)
def shown() -> Iterator[None]:
    before = warnings.showwarning
    yield
    warnings.showwarning = before


@pytest.mark.filterwarnings("default")
def test_pictures_that_libraries_warn_of_are_read_without_a_word(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), render_scene(5, 0, (240, 320)).frame)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 50_000)
    assert run("detect", tmp_path / "a.png", "-p", "person") == exits.OK
    assert "warning" not in capsys.readouterr().err


@pytest.mark.filterwarnings("default")
def test_where_torch_was_triggered_is_nobodys_concern(capsys: pytest.CaptureFixture[str]) -> None:
    show_warnings()
    place = "/somewhere/site-packages/torch/functional.py"
    warnings.warn_explicit("No\n  indexing. (Triggered internally at /pytorch/a.cpp:3.)", UserWarning, place, 1)
    assert capsys.readouterr().err == "regionclip: warning: torch says: No indexing.\n"


def test_phrases_are_encoded_beforehand_and_watched() -> None:
    tower = ToyTower()
    detector = Detector(tower, NoProposer())
    words = Vocabulary([Label("x", prompts=["red", "蓝"]), "green"])
    seen: list[object] = []

    def watch(phrases: object) -> Iterator[object]:
        assert len(phrases) == 3  # type: ignore[arg-type]  # a sequence: a bar wants to know
        for each in phrases:  # type: ignore[attr-defined]
            seen.append(each)
            yield each

    detector.prepare(words, watch=watch)
    assert (len(seen), tower.phrases_encoded) == (3, 3)
    detector(planted(red=(16, 16, 80, 80)), words, boxes=[[16, 16, 80, 80]])
    assert tower.phrases_encoded == 3  # nothing is left to encode


def test_a_terminal_shows_how_many_phrases_are_encoded(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), planted(red=(16, 16, 80, 80)))
    (tmp_path / "many.txt").write_text("\n".join(f"person number {number}" for number in range(300)))
    terminal, stderr = os.openpty()
    command = [sys.executable, "-m", "regionclip", "detect", "a.png", "--prompts-file", "many.txt"]
    environment = {**os.environ, "TERM": "xterm", "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=stderr, cwd=tmp_path, env=environment)
    os.close(stderr)
    told = b""
    try:
        while chunk := os.read(terminal, 65536):
            told += chunk
    except OSError:  # the other end is closed
        pass
    os.close(terminal)
    assert process.wait(timeout=60) == exits.OK
    assert b"phrases" in told
