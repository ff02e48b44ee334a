"""Every example of docs/vocabulary.md runs."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from toy import ToyTower, planted

import regionclip
from proposals.grid import GridProposer
from regionclip.words.file import vocabulary_names
from regionclip.words.vocabulary import Vocabulary

TEXT = (Path(__file__).parents[2] / "docs" / "vocabulary.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```(\w+)\n(.*?)```", TEXT, re.DOTALL)
COMMANDS = [line for kind, text in EXAMPLES if kind == "bash" for line in text.splitlines() if " vocab " in line]


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with the picture that the examples name."""
    monkeypatch.chdir(tmp_path)
    desk = np.full((640, 480, 3), 60, np.uint8)
    desk[220:540, 104:391] = (0, 230, 255)
    cv2.imwrite("desk.jpg", desk)


@pytest.mark.filterwarnings("ignore::regionclip.errors.PromptWarning")  # the toy tower reads 8 words
def test_python_examples() -> None:
    """With the toy tower, which knows colours: one after the other, as a reader would run them."""
    examples = [text for kind, text in EXAMPLES if kind == "python"]
    assert len(examples) >= 5
    known = {
        "regionclip": regionclip,
        "det": regionclip.Detector(ToyTower(), GridProposer(40)),
        "frame": planted(red=(16, 16, 80, 80), blue=(112, 32, 176, 112)),
        "box": [16, 16, 80, 80],
    }
    for example in examples:
        exec(compile(example, "docs/vocabulary.md", "exec"), known)


def test_files() -> None:
    examples = [text for kind, text in EXAMPLES if kind == "toml"]
    assert examples
    for number, example in enumerate(examples):
        Path(f"{number}.toml").write_text(example, encoding="utf-8")
        words = Vocabulary.load(f"{number}.toml")
        words.save("again.toml")
        assert Vocabulary.load("again.toml") == words


@pytest.mark.parametrize("command", COMMANDS)
def test_commands(command: str, run: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*shlex.split(command)[1:]) == 0
    assert capsys.readouterr().out


def test_the_table_of_shipped_vocabularies_is_that_of_the_files() -> None:
    rows = dict(re.findall(r"^\| `((?:security|robotics)-[\w-]+)` \|.*?\| ([^|]*) \|$", TEXT, re.MULTILINE))
    assert rows == {name: ", ".join(Vocabulary.load(name).columns) for name in rows}
    assert sorted(rows) == vocabulary_names()
