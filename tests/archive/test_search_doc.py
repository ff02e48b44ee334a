"""The example of docs/search.md and demos/search.py run as they stand."""

import re
import runpy
import sys
from pathlib import Path

import cv2
import pytest

from regionclip.archive.store import Archive
from regionclip.scenes.clips import render_clip
from regionclip.scenes.render import render_scene
from regionclip.video.output.writer import VideoWriter

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/search.md").read_text(encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two pictures, where the examples run."""
    monkeypatch.chdir(tmp_path)
    for index, name in enumerate(("a.jpg", "b.jpg")):
        cv2.imwrite(name, render_scene(5, index, (240, 320)).frame)
    return tmp_path


def test_regions_asked_later(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(compile(example, "docs/search.md", "exec"), {})
    printed = capsys.readouterr().out.splitlines()
    assert [key.source for key, _ in Archive("yard")] == ["a.jpg", "b.jpg"]
    labels = [line.partition(": ")[0] for line in printed[:-2]]
    assert labels == ["红色的灭火器"] * 5 + ["a person with a backpack"] * 5
    assert [line.partition(" ")[0] for line in printed[-2:]] == ["a.jpg", "b.jpg"]


def test_the_demo_script(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    media = folder / "media"
    media.mkdir()
    (folder / "a.jpg").rename(media / "a.jpg")
    with VideoWriter(media / "yard.mp4") as writer:
        for shot in render_clip(5, 1, (120, 160), seconds=6, fps=5, event="enter", camera="still"):
            writer.write(shot.frame, shot.seconds)
    monkeypatch.setattr(sys, "argv", ["search.py", "media", "person", "汽车"])
    runpy.run_path(str(ROOT / "demos/search.py"), run_name="__main__")
    first = capsys.readouterr().out
    assert first.count(" person: ") == first.count(" 汽车: ") == 5
    assert [(Path(key.source).name, key.index) for key, _ in Archive("media.archive")] == [
        *[("a.jpg", 0), ("yard.mp4", 0), ("yard.mp4", 25)]
    ]
    runpy.run_path(str(ROOT / "demos/search.py"), run_name="__main__")
    assert capsys.readouterr().out == first
