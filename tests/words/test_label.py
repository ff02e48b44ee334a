"""Labels in two languages, attributes that can and cannot be, and files with everything in them."""

import dataclasses
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regionclip.errors import PromptError
from regionclip.words.phrase import language_of
from regionclip.words.prototype import Prototype
from regionclip.words.vocabulary import Label, Vocabulary


def test_phrases_by_language_are_one_list() -> None:
    label = Label("forklift", {"en": ["forklift", "fork truck"], "zh": ["叉车"]})
    assert label.prompts == ("forklift", "fork truck", "叉车")
    assert label.spoken == (("forklift", "en"), ("fork truck", "en"), ("叉车", "zh"))
    assert label == Label("forklift", ["forklift", "fork truck", "叉车"])  # Han characters tell the same
    assert Label("x", {}).phrases == Label("x", {"en": []}).phrases == ("x",)
    assert Label("叉车").spoken == (("叉车", "zh"),)


def test_languages_that_letters_do_not_tell_are_remembered() -> None:
    label = Label("Gabelstapler", {"de": ["Gabelstapler"], "en": ["forklift"]})
    assert label.languages == ("de", "en")
    assert dataclasses.replace(label, threshold=0.4).languages == ("de", "en")
    assert Label("x", ["USB", "手"], languages=["zh", "zh"]).spoken == (("USB", "zh"), ("手", "zh"))
    mixed = Label("x", ["a", "b", "c"], languages=["de", "en", "de"])
    assert mixed.spoken == (("a", "de"), ("c", "de"), ("b", "en"))  # as a file by language gives them back


@pytest.mark.parametrize(
    ("phrase", "language"),
    [
        ("forklift", "en"),
        ("叉车", "zh"),
        ("T恤", "zh"),
        ("3 km", "en"),
        ("𠮷野家", "zh"),
        ("〇", "zh"),
        ("ひらがな", "ja"),
        ("消火器のラベル", "ja"),
        ("빨간 소화기", "ko"),
        ("красный красно-red", "ru"),
        ("كلب أحمر", "ar"),
        ("หมา", "th"),
        ("कुत्ता", "hi"),
        ("chien à poils", "en"),
    ],
)
def test_letters_tell_the_language(phrase: str, language: str) -> None:
    assert language_of(phrase) == language


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"prompts": {"en": "forklift"}}, "prompts.en: expected a list"),
        ({"prompts": {"English": ["forklift"]}}, "languages as en, zh"),
        ({"prompts": {"en": [" "]}}, "expected words"),
        ({"prompts": ["a"], "languages": ["en", "zh"]}, "a language for each of 1 phrases"),
        ({"name_zh": " "}, "name_zh: expected words"),
        ({"of": " "}, "of: expected words"),
        ({"of": 7}, "of: expected a list"),
        ({"prompts": "person"}, "expected a list"),
        ({"group": ["a"]}, "group"),
        ({"group": " "}, "group"),
        ({"group": "class_name"}, "name of a result column"),
    ],
)
def test_labels_that_cannot_be(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(PromptError, match=said):
        Label("x", **fields)


def test_names_for_readers_of_each_language() -> None:
    label = Label("helmet", name_zh="安全帽")
    assert (label.shown("en"), label.shown("zh")) == ("helmet", "安全帽")
    assert Label("helmet").shown("zh") == "helmet"


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ([Label("red", of="persn"), "person"], r"'persn' is no label: expected one of person$"),
        ([Label("a", of="b"), Label("b", of="a")], "in a circle: a of b of a"),
        ([Label("a", of="a")], "in a circle: a of a"),
        ([Label("a", of="b", group="g"), Label("b", of="c", group="h"), Label("c", of="a", group="g"), "d"], "circle"),
        (["person", Label("prompt", of="person")], "'prompt' would stand twice"),
        (["person", Label("x", of="person", group="g"), Label("y", group="g")], "'g' would stand twice"),
        (["person", Label("x", of="person"), Label("y", of="person", group="x_score")], "'x_score' would stand twice"),
        (
            ["person", Label("x", of="person", group="g"), Label("z", ["x"], of="person", group="g")],
            "stands under both",
        ),
    ],
)
def test_attributes_that_cannot_be(labels: list[str | Label], said: str) -> None:
    with pytest.raises(PromptError, match=said):
        Vocabulary(labels)


def test_labels_that_do_not_compete_may_share_a_phrase() -> None:
    words = Vocabulary(["person", "helmet", Label("worn", ["helmet"], of="person"), Label("x", ["helmet"], of="worn")])
    assert words.plain == (0, 1)
    assert words.columns == {"worn": (2,), "x": (3,)}


TEXT = st.text(st.characters(categories=("L", "N", "P", "S")), max_size=6)
UNIT = st.floats(0, 1)
TEMPLATES: st.SearchStrategy[Any] = st.sampled_from(
    ["none", "security", "imagenet", {"en": ["a {}", 'q"{}\\']}, {"de": ["ein {}"], "zh": "robotics"}]
)


@st.composite
def vocabularies(draw: st.DrawFn) -> Vocabulary:
    """Vocabularies with everything in them; numbers in names and phrases keep them apart."""

    def phrases(key: str) -> list[str]:
        return [f"{key}{number} {text}" for number, text in enumerate(draw(st.lists(TEXT, max_size=3)))]

    labels: list[Label] = []
    for number in range(draw(st.integers(0, 4))):
        taught = None
        if draw(st.booleans()):
            direction = np.full(4, 0.5, "<f4").tobytes()
            taught = Prototype(direction, draw(st.floats(0.1, 50)), draw(st.floats(-50, 50)), "toy-1", number + 1)
        key = f"{number}.{draw(TEXT)}"
        prompts: Any = () if taught else phrases(key)
        if prompts and draw(st.booleans()):
            prompts = {"zh": prompts[:1], "fr": prompts[1:]}
        above = [label.name for label in labels]
        label = Label(
            key,
            prompts,
            phrases(f"not {key}"),
            draw(st.none() | UNIT),
            draw(st.none() | st.just(f"group of {number}")),
            taught,
            of=draw(st.lists(st.sampled_from(above), unique=True, max_size=2)) if above else (),
            name_zh=draw(st.none() | st.just("名字")),
            templates=draw(st.none() | TEMPLATES),
        )
        labels.append(label)
    return Vocabulary(labels, phrases("background"), draw(st.none() | UNIT), draw(TEMPLATES))


@settings(max_examples=60, deadline=None)
@given(vocabularies())
def test_a_file_gives_back_all_that_was_saved(vocabulary: Vocabulary) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "words.toml"
        vocabulary.save(path)
        again = Vocabulary.load(path)
        assert again == vocabulary
        assert hash(again) == hash(vocabulary)
        assert [label.spoken for label in again] == [label.spoken for label in vocabulary]
        assert path.with_suffix(".safetensors").exists() == any(label.taught for label in vocabulary)
