"""The example of docs/video_output.md runs as it stands, and its table of codecs is true."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from test_sound import heard, recording

from regionclip.video.output.codecs import CODECS
from regionclip.video.sources.opening import open_source

PAGE = (Path(__file__).parents[3] / "docs" / "video_output.md").read_text(encoding="utf-8")
(EXAMPLE,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def test_the_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recording(tmp_path / "yard.mp4", "aac", seconds=1)
    monkeypatch.chdir(tmp_path)
    exec(EXAMPLE, {})
    with open_source("out/yard.mp4") as source:
        times = [frame.t_seconds for frame in source]
    assert times == pytest.approx(np.arange(25) / 25, abs=1e-4)
    assert heard(Path("out/yard.mp4"))[0] == "aac"
    lines = [json.loads(line) for line in Path("out/yard.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [label["name"] for label in lines[0]["labels"]] == ["person", "叉车"]
    assert [line["t_seconds"] for line in lines[1:]] == pytest.approx(times, abs=1e-4)


def test_the_table_of_codecs() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \| (\d+), (\d+) to (\d+) \|", PAGE, re.MULTILINE)
    told = {codec: (re.findall(r"`(\.\w+)`", files), *map(int, numbers)) for codec, files, *numbers in rows}
    true = {name: (list(how.suffixes), how.quality, how.best, how.worst) for name, how in CODECS.items()}
    assert told == true
