"""Phrases to ids: equal to transformers' tokenizer as officially used; a tokenizer of another make is refused."""

from pathlib import Path
from typing import Any

import pytest
from checkpoints import write_tokenizer
from transformers import PreTrainedTokenizerFast

from regionclip.errors import WeightsError
from regionclip.towers.gemma import PhraseTokenizer

PHRASES = ("a red person", "the dog", "红色的灭火器", "叉车 forklift", "a", "", "x" * 100, "人 " * 60)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_tokenizer(tmp_path)
    return tmp_path


@pytest.mark.parametrize("length", [8, 64])
def test_ids_are_those_of_the_official_usage(folder: Path, length: int) -> None:
    ours = PhraseTokenizer.load(folder, 512)
    theirs = PreTrainedTokenizerFast.from_pretrained(folder)
    for phrase in PHRASES:
        expected = theirs(phrase, padding="max_length", truncation=True, max_length=length, padding_side="right")
        assert ours.ids(phrase, length) == expected["input_ids"], phrase
        assert ours.count(phrase) == len(theirs(phrase)["input_ids"])


def test_letters_are_lowered_and_chinese_stays(folder: Path) -> None:
    tokenizer = PhraseTokenizer.load(folder, 512)
    assert tokenizer.ids("A Red PERSON 红色", 64) == tokenizer.ids("a red person 红色", 64)
    assert tokenizer.count("A Red PERSON") == tokenizer.count("a red person")


def test_what_the_file_pads_and_cuts_by_itself_is_put_off(folder: Path) -> None:
    plain = PhraseTokenizer.load(folder, 512)
    theirs = PreTrainedTokenizerFast.from_pretrained(folder)
    theirs.backend_tokenizer.enable_truncation(4)
    theirs.backend_tokenizer.enable_padding(length=10)
    theirs.backend_tokenizer.save(str(folder / "tokenizer.json"))
    again = PhraseTokenizer.load(folder, 512)
    assert again.count("the dog the dog") == plain.count("the dog the dog") > 4
    assert again.ids("a", 64) == plain.ids("a", 64)


def test_without_settings_the_file_speaks_for_itself(folder: Path) -> None:
    (folder / "tokenizer_config.json").unlink()
    assert PhraseTokenizer.load(folder, 512).ids("a", 4)[1:] == [1, 0, 0]


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ({"eos_token": "<bos>"}, "expected eos token '<bos>' with id 1, got 2"),
        ({"pad_token": {"content": "<mask>"}}, "expected pad token '<mask>' with id 0, got 4"),
        ({"pad_token": "[PAD]"}, "expected pad token '\\[PAD\\]' with id 0, got None"),
    ],
)
def test_a_tokenizer_of_another_make_is_refused(folder: Path, written: dict[str, object], said: str) -> None:
    write_tokenizer(folder, **written)  # type: ignore[arg-type]
    with pytest.raises(WeightsError, match=said):
        PhraseTokenizer.load(folder, 512)


def test_all_faults_are_told_at_once(folder: Path) -> None:
    write_tokenizer(folder, eos_token="<bos>")
    with pytest.raises(WeightsError, match=r"eos token.*at most 300 entries, as config.json says, got 3\d\d"):
        PhraseTokenizer.load(folder, 300)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ({}, ""),
        ({"start": True, "end": False}, ""),  # switches of the settings win over the file's own template
        ({"add_bos_token": True}, "a start token"),
        ({"start": True, "add_bos_token": None}, "a start token"),
        ({"add_eos_token": False}, "no end token"),
        ({"end": False, "add_eos_token": None}, "no end token"),
        ({"padding_side": "left", "add_bos_token": True}, "a start token and padding on another side than the right"),
    ],
)
def test_other_habits_of_its_files_are_noted_and_left_aside(folder: Path, written: dict[str, Any], said: str) -> None:
    plain = PhraseTokenizer.load(folder, 512).ids("a red person", 8)
    write_tokenizer(folder, **written)
    tokenizer = PhraseTokenizer.load(folder, 512)
    assert tokenizer.ids("a red person", 8) == plain
    assert said in tokenizer.note
    assert bool(said) == bool(tokenizer.note)


@pytest.mark.parametrize("text", ["", "{}", "no json", '{"model": {"type": "Nonsense"}}'])
def test_damaged_tokenizer_file(folder: Path, text: str) -> None:
    (folder / "tokenizer.json").write_text(text)
    with pytest.raises(WeightsError, match="not a tokenizer file"):
        PhraseTokenizer.load(folder, 512)


def test_missing_tokenizer_file(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"tokenizer\.json: missing"):
        PhraseTokenizer.load(tmp_path, 512)
