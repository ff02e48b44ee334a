"""docs/robotics.md and demos/robot.py run as they stand."""

import re
import runpy
import sys
from pathlib import Path

import pytest
from robot_bags import CAMERA, recorded, write_bag

from regionclip.robot.images import ENCODINGS
from regionclip.robot.prompts import parse_prompts
from regionclip.scenes.render import render_scene

ROOT = Path(__file__).parent.parent.parent
TEXT = (ROOT / "docs/robotics.md").read_text(encoding="utf-8")


def test_the_demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    source = write_bag(tmp_path / "in", recorded([render_scene(5, 0, (240, 320)).frame] * 12))
    monkeypatch.setattr(sys, "argv", ["robot.py", str(source / "in.mcap"), CAMERA, "person"])
    runpy.run_path(str(ROOT / "demos/robot.py"), run_name="__main__")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "1700000000.123 s, camera_link, words 1: person"
    assert lines[10].startswith("1700000001.123 s, camera_link, words 2: ")
    assert "汽车" in lines[11] or "car" in lines[11]


def test_words_in_the_doc() -> None:
    array, table = re.findall(r"^    ([\[{].*)$", TEXT, re.MULTILINE)
    assert parse_prompts(array).names == ("person", "红色的灭火器")
    vocabulary = parse_prompts(table)
    assert (vocabulary.names, vocabulary.threshold) == (("forklift", "person"), 0.4)
    assert next(iter(vocabulary)).prompts == ("叉车", "forklift")


def test_encodings_in_the_doc() -> None:
    assert {name for name in ENCODINGS if not name.startswith("bayer_")} <= set(re.findall(r"\w+", TEXT))
