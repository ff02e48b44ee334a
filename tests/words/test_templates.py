"""Templates: what they may be, what a phrase becomes in them, and what its embedding is."""

from typing import Any

import numpy as np
import pytest
from toy import ToyTower

from proposals.grid import GridProposer
from regionclip.detector import Detector
from regionclip.errors import PromptError, PromptWarning
from regionclip.scenes.language.sentences import LANGUAGES
from regionclip.words.phrase_cache import PhraseCache
from regionclip.words.templates import SETS, fill, read_templates, sentences_of
from regionclip.words.vocabulary import Label, Vocabulary


def test_sets_have_sentences_with_one_place_each() -> None:
    assert len(SETS["imagenet"]["en"]) == 80
    assert {"security", "robotics"} <= {name for name, by in SETS.items() if set(by) == set(LANGUAGES)}
    for by_language in SETS.values():
        for sentences in by_language.values():
            assert all(sentence.count("{}") == 1 for sentence in sentences)
            assert len(sentences) == len(set(sentences))


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ((), ()),
        ({}, ()),
        ("none", ()),
        ({"en": "none", "zh": []}, ()),
        ("imagenet", (("en", "imagenet"),)),
        ("security", (("en", "security"), ("zh", "security"))),
        ({"zh": "robotics", "en": ["a {}"]}, (("en", ("a {}",)), ("zh", "robotics"))),
    ],
)
def test_what_templates_may_be(given: Any, kept: object) -> None:  # noqa: ANN401
    assert read_templates(given, "t") == kept
    assert read_templates(kept, "t") == kept


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("securty", "'securty' does not exist"),
        ({"zh": "imagenet"}, "no sentences for zh, only for en"),
        ({"en": ["a photo"]}, r"one \{\}, got 'a photo'"),
        ({"en": ["{} {}"]}, r"one \{\}"),
        ({"english": "security"}, "languages as en, zh"),
        ({"en": 7}, "expected a list"),
        (7, "expected a set"),
        (["{}"], "expected"),
    ],
)
def test_templates_that_cannot_be(given: Any, said: str) -> None:  # noqa: ANN401
    with pytest.raises(PromptError, match=said):
        Vocabulary(["person"], templates=given)
    with pytest.raises(PromptError, match=said):
        Label("person", templates=given)


@pytest.mark.parametrize(
    ("sentence", "phrase", "text"),
    [
        ("a photo of a {}.", "dog", "a photo of a dog."),
        ("a photo of a {}.", "the floor", "a photo of the floor."),
        ("the {} at night", "A dog", "A dog at night"),
        ("a banana {}", "the dog", "a banana the dog"),
        ("{}的照片", "狗", "狗的照片"),
        ("a {}", "100% {real}", "a 100% {real}"),
        ("a photo of a {}", "theatre", "a photo of a theatre"),
    ],
)
def test_a_phrase_in_its_sentence(sentence: str, phrase: str, text: str) -> None:
    assert fill(sentence, phrase) == text


def test_an_embedding_is_the_unit_mean_over_the_sentences() -> None:
    wording = PhraseCache(ToyTower(), ())
    sentences = ("{}", "{} and red")  # the toy tower hears the red
    mixed = wording.encode(["blue"], "region", (("en", sentences),))[0].numpy()
    parts = wording.encode([fill(sentence, "blue") for sentence in sentences], "region").numpy().mean(axis=0)
    assert mixed == pytest.approx(parts / np.linalg.norm(parts), abs=1e-6)
    assert np.linalg.norm(mixed) == pytest.approx(1, abs=1e-6)
    assert not np.allclose(mixed, wording.encode(["blue"], "region")[0])
    assert np.array_equal(wording.encode(["红"], "region", (("en", sentences),)), wording.encode(["红"], "region"))


def test_phrases_are_put_into_sentences_of_their_own_language() -> None:
    assert sentences_of(read_templates("security", "t"), "zh") == SETS["security"]["zh"]
    assert sentences_of(read_templates("imagenet", "t"), "zh") == ()
    tower = ToyTower()
    wording = PhraseCache(tower, ())
    vocabulary = Vocabulary([Label("x", {"de": ["blue"], "en": ["green"]})], templates={"de": ["red {}"]})
    words = wording.words(vocabulary, "region")
    assert np.array_equal(words.phrases[0], wording.encode(["red"], "region")[0])
    assert np.array_equal(words.phrases[1], wording.encode(["green"], "region")[0])


def test_each_sentence_is_encoded_once_and_other_words_cost_the_new_ones_only() -> None:
    tower = ToyTower()
    wording = PhraseCache(tower, ())
    templates = {"en": ["{}", "a {}"]}
    wording.words(Vocabulary(["red", "blue"], templates=templates), "region")
    assert tower.phrases_encoded == 4
    wording.words(Vocabulary(["red", "green"], templates=templates), "region")
    assert tower.phrases_encoded == 6
    wording.words(Vocabulary(["red"]), "region")
    assert tower.phrases_encoded == 7


def test_a_label_may_opt_out_and_the_phrase_stays_the_users() -> None:
    vocabulary = Vocabulary(
        [Label("red"), Label("blue", templates="none"), Label("green", templates={"en": ["red {}"]})],
        negatives=["grey"],
        templates={"en": ["dark {}"]},
    )
    wording = PhraseCache(ToyTower(negatives=("grey wall",)), ("grey wall",))
    words = wording.words(vocabulary, "region")
    said = ["dark red", "blue", "red green"]
    assert np.array_equal(words.phrases, wording.encode(said, "region"))
    assert np.array_equal(words.negatives, wording.encode(["dark grey wall", "dark grey"], "region"))
    assert wording.negatives(vocabulary, "region") == ("grey wall", "grey")


def test_templates_leave_independence_alone() -> None:
    det = Detector(ToyTower(), GridProposer())
    frame = np.full((64, 64, 3), (10, 20, 200), np.uint8)
    regions = det.regions(frame, [[0, 0, 64, 64]])
    alone = det.scores(regions, Vocabulary(["red"], templates="security"))
    beside = det.scores(regions, Vocabulary(["blue", "red", "绿"], templates="security"))
    assert np.array_equal(beside[:, 1:2], alone)
    found = det(frame, Vocabulary(["red"], templates="security", threshold=0), boxes=[[0, 0, 64, 64]])
    assert np.asarray(found.data["prompt"]).tolist() == ["red"]


def test_a_phrase_that_is_cut_in_its_longest_sentence_is_told_once() -> None:
    wording = PhraseCache(ToyTower(), ())
    with pytest.warns(PromptWarning, match="needs 9|has 9 tokens") as told:
        wording.encode(
            ["red"], "region", (("en", ("{}", "one two three four five six seven eight {}", "a b c d e f g h {}")),)
        )
    assert len(told) == 1
