"""`check_vocabulary` on the toy tower, whose every answer can be worked out by hand."""

import json
from typing import Any

import numpy as np
import pytest
from toy import MOST_TOKENS, ToyTower, toy_detector

from proposals.boxes import BoxesProposer
from regionclip.detector import Detector
from regionclip.towers.base import Target
from regionclip.words.check import Finding, VocabularyCheck, check_vocabulary
from regionclip.words.vocabulary import Label, Vocabulary, Words


def checked(words: Words, near: float = 0.95, **settings: Any) -> VocabularyCheck:  # noqa: ANN401
    return check_vocabulary(toy_detector([], **settings).scorer, Vocabulary.of(words), near=near)


def only(words: Words, **settings: Any) -> Finding:  # noqa: ANN401
    (found,) = checked(words, **settings).findings
    return found


def test_nothing_to_say() -> None:
    for words in ([], ["red", "蓝", "green"], [Label("hot", ["red", "红"])]):
        assert checked(words).findings == ()
    assert [
        (each.label, each.phrase, each.language, each.tokens)
        for each in checked(["red", Label("x", ["蓝", "a b"])]).readings
    ] == [
        ("red", "red", "en", 1),
        ("x", "蓝", "zh", 1),
        ("x", "a b", "en", 2),
    ]


def test_cut_phrases_with_their_sentence() -> None:
    long = "red " + "very " * MOST_TOKENS
    found = only([Label("x", [long])])
    assert (found.kind, found.label, found.phrase) == ("cut", "x", long)
    assert f"needs {MOST_TOKENS + 1} tokens, toy reads {MOST_TOKENS}" in found.text
    sentence = "one two three four five six seven eight {}"
    assert only(Vocabulary(["red"], templates={"en": ["{}", sentence]})).kind == "cut"
    assert checked(Vocabulary([Label("red", templates="none")], templates={"en": [sentence]})).findings == ()


@pytest.mark.parametrize(
    ("label", "said"),
    [
        (Label("x", ["красный red"]), "letters that are Cyrillic"),
        (Label("x", ["red のかばん"]), "letters that are Hiragana"),
        (Label("x", {"de": ["rot red"]}), "the language de; toy reads en, zh"),
    ],
)
def test_scripts_and_languages_that_are_not_read(label: Label, said: str) -> None:
    found = only([label])
    assert found.kind == "script"
    assert said in found.text
    assert checked(["red １２", "蓝色T恤 5 m²", "green café"]).findings == ()


@pytest.mark.parametrize(
    ("phrase", "language", "letters"),
    [
        ("огнетушитель red", "ru", "Cyrillic"),
        ("طفاية red", "ar", "Arabic"),
        ("red ナンバープレート", "ja", "Katakana"),
        ("ﾅﾝﾊﾞｰ red", "ja", "Halfwidth"),
        ("소화기 red", "ko", "Hangul"),
    ],
)
def test_letters_tell_the_language_of_a_phrase(phrase: str, language: str, letters: str) -> None:
    check = checked([phrase])
    assert [each.language for each in check.readings] == [language]
    (found,) = check.findings
    assert found.kind == "script"
    assert f"has letters that are {letters}; toy reads en, zh" in found.text


@pytest.mark.parametrize("language", ["fr", "es", "it"])
def test_latin_letters_do_not_tell_a_language_that_is_not_named(language: str) -> None:
    """The tower reads English only of those that are written in them."""
    assert checked(["red à la señal più"]).findings == ()
    found = only([Label("x", {language: ["red à la señal più"]})])
    assert f"the language {language}; toy reads en, zh" in found.text


class SpellingTower(ToyTower):
    """Spells every Han character but 红 byte by byte."""

    def count_tokens(self, phrase: str, target: Target) -> tuple[int, int]:
        known = phrase.replace("红", "r").encode()
        tokens = 1 + (len(known) if any(ord(letter) > 127 for letter in phrase) else bool(phrase))
        return tokens, tokens


def test_words_that_the_tokenizer_never_met() -> None:
    det = Detector(SpellingTower(), BoxesProposer(np.zeros((0, 4), np.float32)))
    (found,) = check_vocabulary(det.scorer, Vocabulary(["红罩罩", "gree", "红"])).findings[:1]
    assert (found.kind, found.other) == ("unfamiliar", "罩")


def test_near_duplicates_among_labels_that_compete() -> None:
    found = checked(["red", Label("scarlet", ["a red one", "红"])]).findings
    assert [each.kind for each in found] == ["duplicate", "shadow", "shadow"]
    assert (found[0].label, found[0].other) == ("red", "scarlet")
    assert found[0].value == pytest.approx(1)
    assert "and 1 more" in found[0].text
    assert checked(["red", "blue"], near=0.0).findings == ()  # their cosine is -1/3
    apart: list[str | Label] = ["red", Label("hot", ["a red one"], of="red"), Label("warm", ["one red"], of="red")]
    assert checked(apart).findings == ()
    together: list[str | Label] = [
        "red",
        Label("hot", ["a red one"], of="red", group="g"),
        Label("warm", ["one red"], of="red", group="g"),
    ]
    assert {each.kind for each in checked(together).findings} == {"duplicate", "shadow"}


def test_a_label_that_wins_on_anothers_words() -> None:
    """Grey has a cosine of -1/3 with red: only red's own negative lets it through."""
    shadows = checked([Label("red", negatives=["a red one"]), "grey"], near=1.1).findings
    assert [each.kind for each in shadows] == ["suppressed"]  # e^5 against 1 + e^5
    assert shadows[0].value == pytest.approx(np.exp(5) / (1 + 2 * np.exp(5)), abs=1e-5)
    many = Label("red", negatives=[f"red {number}" for number in range(40)])
    kinds = {each.kind: each for each in checked([many, Label("x", ["grey", "blue or red"])], near=1.1).findings}
    assert kinds["shadow"].label == "red"
    assert kinds["shadow"].other == "x"


def test_scores_that_round_to_one_are_told_apart() -> None:
    """Without a trained bias and far from its negatives every label scores 1 in single precision."""
    words = Vocabulary(["red", "grey"], negatives=["black"])
    assert checked(words, bias=None).findings == ()


def test_negatives_that_say_the_same_as_a_label() -> None:
    found = only(Vocabulary(["red", "blue"], negatives=["a red one"]))
    assert (found.kind, found.label, found.other) == ("left out", "red", "a red one")
    assert checked(["red"], negatives=("a red wall",)).findings == ()  # the tower's bank is made to give way
    beaten = only([Label("red", negatives=["one red"], threshold=0.6)])
    assert (beaten.kind, beaten.other) == ("suppressed", "one red")
    assert only([Label("red", threshold=1.0)]).text.endswith("lower its threshold")


def test_what_is_found_can_be_written_as_json() -> None:
    content = json.loads(json.dumps(checked(["red", Label("x", ["a red one"])]).as_json(), allow_nan=False))
    assert content["tower"] == "toy@toy-1"
    assert content["findings"][0] | {"value": 1} == {
        "kind": "duplicate",
        "label": "red",
        "phrase": "red",
        "text": "'red' and 'x': 'red' and 'a red one' have a cosine of 1.000",
        "other": "x",
        "value": 1,
    }
