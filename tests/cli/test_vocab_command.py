"""`regionclip vocab` and shipped vocabularies on the command line."""

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import pytest

from regionclip.cli.terminal import exits
from regionclip.scenes.render import render_scene
from regionclip.words.file import vocabulary_folder, vocabulary_names
from regionclip.words.vocabulary import Label, Vocabulary

Run = Callable[..., int]


def test_list_and_show(run: Run, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run("vocab", "list") == exits.OK
    listed = capsys.readouterr().out
    assert all(f"{name}: " in listed for name in vocabulary_names())
    assert run("vocab", "show", "security-ppe") == exits.OK
    shown = capsys.readouterr().out
    assert "helmet, asked of person:" in shown
    assert "    zh   戴安全帽的人" in shown
    assert run("vocab", "show", "security-ppe", "--toml") == exits.OK
    text = capsys.readouterr().out
    assert text == (vocabulary_folder() / "security-ppe.toml").read_text(encoding="utf-8")
    (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
    assert Vocabulary.load(tmp_path / "mine.toml") == Vocabulary.load("security-ppe")
    (tmp_path / "none.toml").write_text("", encoding="utf-8")
    assert run("vocab", "show", tmp_path / "none.toml") == exits.OK
    assert capsys.readouterr().out == "no labels\n"


def test_check_and_its_exit_codes(run: Run, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    words, result = tmp_path / "words.toml", tmp_path / "check.json"
    Vocabulary(["person", Label("狗", ["dog", "狗"])]).save(words)
    assert run("vocab", "check", words, "--strict") == exits.OK
    assert "nothing found" in capsys.readouterr().out
    Vocabulary(["person", "человек"]).save(words)
    assert run("vocab", "check", words, "--json", result) == exits.OK
    printed = capsys.readouterr().out
    assert "script: 'человек'" in printed
    content = json.loads(result.read_text(encoding="utf-8"))
    assert [each["phrase"] for each in content["readings"]] == ["person", "человек"]
    assert "script" in [each["kind"] for each in content["findings"]]
    assert run("vocab", "check", words, "--strict", "--json", "-") == exits.FINDINGS
    assert json.loads(capsys.readouterr().out)["findings"] == content["findings"]


def test_translate_gap(run: Run, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    result = tmp_path / "gap.json"
    assert run("vocab", "translate-gap", "security-intrusion", "--scenes", 2, "--json", result) == exits.OK
    printed = capsys.readouterr().out
    assert "not measured (the set does not know it): " in printed
    content = json.loads(result.read_text(encoding="utf-8"))
    assert content["left_out"]["climbing"] == "the set does not know it"


def test_detect_with_a_shipped_vocabulary(run: Run, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A person row has the columns; a label of -p stands beside; the JSON tells which labels are attributes."""
    number = next(
        n for n in range(40) if "person" in {item.kind for item in render_scene(3, n).objects if item.certain}
    )
    scene = render_scene(3, number)
    cv2.imwrite(str(tmp_path / "yard.png"), scene.frame)
    boxes = {"yard.png": [list(item.xyxy) for item in scene.objects if item.kind == "person" and item.certain]}
    (tmp_path / "boxes.json").write_text(json.dumps(boxes))
    result = tmp_path / "result.json"
    words = ("--prompts-file", "security-ppe", "-p", "forklift", "--threshold", "0")
    assert (
        run("detect", tmp_path / "yard.png", *words, "--boxes", tmp_path / "boxes.json", "--json", result) == exits.OK
    )
    content = json.loads(result.read_text(encoding="utf-8"))
    labels = {label["name"]: label for label in content["labels"]}
    assert labels["no helmet"]["of"] == ["person"]
    assert labels["no helmet"]["name_zh"] == "未戴安全帽"
    assert labels["forklift"]["of"] == []
    rows = content["images"][0]["detections"]
    assert {row["label"] for row in rows} <= {"person", "forklift"}
    people = [row["data"] for row in rows if row["label"] == "person"]
    assert people
    for person in people:
        assert person["helmet"] in ("helmet", "no helmet")
        assert 0 <= person["helmet_score"] <= 1
        assert {"vest", "vest_score", "jacket", "jacket_score"} <= set(person)
    assert f"helmet: {people[0]['helmet']}, vest: " in capsys.readouterr().out
