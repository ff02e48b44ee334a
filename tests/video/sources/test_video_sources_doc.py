"""The examples of docs/video_sources.md run as they stand."""

import re
from pathlib import Path
from threading import Timer

import pytest
from footage import write_clip

from regionclip.evaluation.speed.loopback import LoopbackCamera

PAGE = Path(__file__).parents[3] / "docs" / "video_sources.md"
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def test_a_recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    write_clip(tmp_path / "yard.mp4", range(0, 400, 40))
    monkeypatch.chdir(tmp_path)
    exec(EXAMPLES[0], {})
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 10
    assert lines[5] == "5 0.2 (64, 96, 3)"


def test_a_camera(capsys: pytest.CaptureFixture[str]) -> None:
    with LoopbackCamera(size=(120, 256)) as camera:
        example = EXAMPLES[1].replace(
            "rtsp://viewer:secret@10.0.0.7/live", camera.url.replace("//", "//viewer:secret@")
        )
        example = example.replace("timeout=10", "timeout=3").replace("read_timeout=5", "read_timeout=1")
        timer = Timer(3, camera.frozen.set)
        timer.start()
        exec(example, {})
        timer.join()
    out = capsys.readouterr().out
    assert re.search(r"^\d+ \d\.\d{3} s old \d+$", out, re.MULTILINE)
    assert re.search(r"^lost camera-3 .*viewer:\*\*\*@127\.0\.0\.1.*: no data for 1 s$", out, re.MULTILINE)
    assert "secret" not in out
