"""The vocabularies in configs/vocabularies."""

from pathlib import Path

import pytest

from regionclip.words.file import vocabulary_names, vocabulary_note
from regionclip.words.phrase import language_of
from regionclip.words.vocabulary import Vocabulary

NAMES = vocabulary_names()


def test_which_there_are() -> None:
    assert NAMES == [
        "robotics-household",
        "robotics-warehouse",
        "security-fire-smoke",
        "security-intrusion",
        "security-left-luggage",
        "security-ppe",
        "security-vehicles",
    ]


@pytest.mark.parametrize("name", NAMES)
def test_each_says_everything_in_both_languages(name: str, tmp_path: Path) -> None:
    words = Vocabulary.load(name)
    assert {language_of(part) for part in vocabulary_note(name).split(". ")} == {"en", "zh"}
    assert words.columns
    for label in words:
        assert {language for _, language in label.spoken} == {"en", "zh"}, label.name
        assert all(language_of(phrase) == language for phrase, language in label.spoken)
        assert label.name_zh is not None
        assert language_of(label.name_zh) == "zh"
        assert language_of(label.name) == "en"
        assert all(phrase == phrase.strip() and "  " not in phrase for phrase in label.phrases)
    words.save(tmp_path / "words.toml")
    assert Vocabulary.load(tmp_path / "words.toml") == words


def test_a_file_of_a_shipped_name_needs_its_ending(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Vocabulary(["person"]).save("security-ppe.toml")
    assert Vocabulary.load("security-ppe.toml").names == ("person",)
    assert len(Vocabulary.load("security-ppe")) > 1
