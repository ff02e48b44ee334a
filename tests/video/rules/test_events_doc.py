"""docs/events.md: its example runs as it stands, and its table names every key there is."""

import json
import re
from pathlib import Path
from typing import get_args

import pytest

from regionclip.video.rules.file import load_rules
from regionclip.video.rules.rule import AnyRule, DwellRule, Rule

PAGE = (Path(__file__).parents[3] / "docs" / "events.md").read_text(encoding="utf-8")
KINDS: dict[str, type[Rule]] = {
    get_args(model.model_fields["kind"].annotation)[0]: model for model in get_args(get_args(AnyRule)[0])
}


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found[1]


def test_the_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    Path("yard.toml").write_text(block("toml"), encoding="utf-8")
    exec(compile(block("python"), "docs/events.md", "exec"), {})
    promised = re.search(r"print\(event\)  # (.*)", PAGE)
    assert promised is not None
    assert capsys.readouterr().out.splitlines()[0] == promised[1]
    start, end = map(json.loads, Path("events.jsonl").read_text(encoding="utf-8").splitlines())
    assert (start["phase"], end["phase"]) == ("start", "end")
    assert end["duration"] == pytest.approx(4, abs=0.11)
    assert all(Path(name).is_file() for name in start["pictures"])
    for key in start:
        assert f"`{key}`" in PAGE


def test_every_key_of_every_kind_is_in_the_table() -> None:
    table = {row[0]: row[1] for row in re.findall(r"^\| `(\w+)` \| ([^|]*) \|", PAGE, re.MULTILINE)}
    every_key = {key for model in KINDS.values() for key in model.model_fields}
    assert every_key == set(table) & every_key
    for kind, model in KINDS.items():
        for key in model.model_fields:
            where = table[key]
            listed = f"`{kind}`" in where
            assert ("all" in where and not (listed and "but" in where)) or ("all" not in where and listed), (kind, key)
        for key in every_key - set(model.model_fields):
            assert f"`{kind}`" not in table[key] or "but" in table[key], (kind, key)


def test_defaults_in_the_table(tmp_path: Path) -> None:
    for key, common in (("grace", 2.0), ("cooldown", 10.0)):
        row = re.search(rf"^\| `{key}` \| all \| (.*?) \|", PAGE, re.MULTILINE)
        assert row is not None
        own = {kind: float(value) for kind, value in re.findall(r"`(\w+)` (\d+)", row[1])}
        for kind, model in KINDS.items():
            assert model.model_fields[key].default == own.get(kind, common), (kind, key)
    path = tmp_path / "yard.toml"
    path.write_text(block("toml"), encoding="utf-8")
    loitering = load_rules(path).rules[1]
    assert isinstance(loitering, DwellRule)
    assert loitering.seconds == 60
