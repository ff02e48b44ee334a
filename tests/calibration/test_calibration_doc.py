"""The examples of docs/calibration.md run and do what the page says."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from regionclip.words.vocabulary import Vocabulary

PAGE = Path(__file__).parents[2] / "docs" / "calibration.md"


def test_the_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = PAGE.read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(compile(code, str(PAGE), "exec"), names)
    person = names["person"]
    assert person.status == "bound only"
    assert person.needed == pytest.approx(100)
    assert f"is {person.high:.0f}\nalarms an hour" in page
    assert Vocabulary.load("yard.toml") == names["found"].vocabulary


def test_the_file_shown_is_one(tmp_path: Path) -> None:
    page = PAGE.read_text(encoding="utf-8")
    (table,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    (tmp_path / "v.toml").write_text(table, encoding="utf-8")
    words = Vocabulary.load(tmp_path / "v.toml")
    assert words.measured_with is not None
    assert [label.threshold for label in words] == [tomllib.loads(table)["labels"][0]["threshold"]]
