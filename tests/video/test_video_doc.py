"""The examples of docs/video.md and demos/video.py run as they stand."""

import re
import runpy
import sys
from pathlib import Path

import pytest
from footage import frame_count

from regionclip.scenes.clips import render_clip
from regionclip.video.output.writer import VideoWriter

ROOT = Path(__file__).parents[2]
EXAMPLES = re.findall(r"```python\n(.*?)```", (ROOT / "docs/video.md").read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture
def yard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a clip of one second, where the examples run."""
    with VideoWriter(tmp_path / "yard.mp4") as writer:
        for shot in render_clip(5, 1, (120, 160), seconds=1, fps=6, event="enter", camera="still"):
            writer.write(shot.frame, shot.seconds)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_stream_and_an_annotated_copy(yard: Path, capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(EXAMPLES[0], "docs/video.md", "exec"), {})
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[:6]] == ["0.00", "0.17", "0.33", "0.50", "0.67", "0.83"]
    assert lines[6].startswith("6 ")
    assert frame_count(yard / "yard-regions.mp4") == 6


def test_loops_of_supervision(yard: Path) -> None:
    exec(compile(EXAMPLES[1], "docs/video.md", "exec"), {})
    assert frame_count(yard / "out.mp4") == 6


def test_the_demo_script(yard: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["video.py", "yard.mp4", "person", "叉车"])
    runpy.run_path(str(ROOT / "demos/video.py"), run_name="__main__")
    assert "6 frames" in capsys.readouterr().out
    assert frame_count(yard / "yard-regions.mp4") == 6
