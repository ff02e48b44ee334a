import math
import re

import numpy as np
import pytest

from regionclip.scenes.kinds.colours import HELD_OUT, HUES, colours_of
from regionclip.scenes.kinds.known import KINDS as DRAWN
from regionclip.scenes.language.phrases import (
    COLOURS,
    KINDS,
    TRAIT_NAMES,
    PhraseMaker,
    Statement,
    misspelt,
    name,
    phrase,
    plural,
    targets,
    trait_phrase,
)
from regionclip.scenes.language.sentences import LANGUAGES, UNSEEN, Language, article
from regionclip.scenes.language.words import COLOUR_WORDS, GROUPS, KIND_WORDS, TRAITS
from regionclip.scenes.stage import SceneObject

BOX = (0.0, 0.0, 50.0, 50.0)


def thing(
    kind: str, colour: str | None = "red", *traits: str, share: float = 0.32, certain: bool = True
) -> SceneObject:
    return SceneObject(kind, colour, BOX, frozenset(traits), share, certain)


def everything() -> list[SceneObject]:
    """Every kind in every colour, with and without its traits, in three sizes."""
    made = []
    for kind in KINDS:
        for colour in (*colours_of(kind), None):
            for traits in ((), DRAWN[kind].traits):
                for share in (0.1, 0.32, 0.6):
                    made.append(thing(kind, colour, *traits, share=share, certain=share > 0.2))
    return made


def test_plain_names_and_phrases() -> None:
    assert name("fire extinguisher", "en") == "fire extinguisher"
    assert name("fire extinguisher", "zh") == "灭火器"
    assert phrase("fire extinguisher", "red", "en") == "red fire extinguisher"
    assert phrase("fire extinguisher", "red", "zh") == "红色的灭火器"
    assert phrase("person", "blue", "en") == "person in blue"
    assert phrase("person", "blue", "zh") == "穿蓝色衣服的人"
    assert trait_phrase("person", "helmet", False, "en") == "person without a helmet"
    assert trait_phrase("person", "vest", True, "zh") == "穿反光背心的人"
    assert trait_phrase("door", "open", True, "en") == "open door"
    assert trait_phrase("door", "open", False, "zh") == "关着的门"


def test_there_are_enough_kinds_and_colours_and_all_have_words() -> None:
    assert len(KINDS) >= 32
    assert len(COLOURS) == 10
    for language in LANGUAGES:
        assert set(KIND_WORDS[language]) == set(KINDS)
        assert set(COLOUR_WORDS[language]) == set(COLOURS)
        assert set(TRAITS[language]) == set(TRAIT_NAMES)
    assert all(members <= set(KINDS) for members, _ in GROUPS.values())
    assert {trait for kind in DRAWN.values() for trait in kind.traits} == set(TRAIT_NAMES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_word_means_two_kinds(language: Language) -> None:
    words = [word for names in KIND_WORDS[language].values() for word in names]
    words += [word for _, names in GROUPS.values() for word in names[language]]
    assert len(words) == len(set(words))


def test_one_colour_of_every_free_kind_is_held_out_and_all_colours_are() -> None:
    assert set(HELD_OUT) == {kind for kind in KINDS if not DRAWN[kind].hues}
    counts = [list(HELD_OUT.values()).count(colour) for colour in HUES]
    assert min(counts) >= 2
    assert max(counts) <= 4


def test_true_phrases_are_never_false_and_near_misses_never_true() -> None:
    maker = PhraseMaker(np.random.default_rng(3))
    for item in everything():
        assert maker.true_of(item).holds(item) != 0.0
        assert maker.near_miss(item).holds(item) != 1.0
        assert maker.unknown().holds(item) == 0.0


def test_pairs_that_are_held_out_are_not_spoken_of() -> None:
    maker = PhraseMaker(np.random.default_rng(8))
    shown = [item for item in everything() if item.colour != HELD_OUT.get(item.kind)]
    for made in [make(item) for item in shown for make in (maker.true_of, maker.near_miss, lambda _: maker.anything())]:
        for kind in made.kinds if len(made.kinds) == 1 else ():
            assert made.colours is None or HELD_OUT.get(kind) not in made.colours, made


def test_predicates_are_exact_where_the_words_are_plain() -> None:
    """What a phrase says in words of its own must be what its predicate says, and nothing more."""
    maker = PhraseMaker(np.random.default_rng(4), typos=0.0)
    colours = {word: colour for colour, words in COLOUR_WORDS["en"].items() for word in words}
    denied = re.compile(r"\b(without|no|not)\b( \w+)*? (helmet|hard hat)")
    seen = set()
    for _ in range(3000):
        made = maker.true_of(thing("person", "green", "backpack", share=0.6))
        if not made.text.isascii():
            continue
        named = {colours[word] for word in re.findall(r"\w+", made.text) if word in colours}
        assert (made.colours or frozenset()) == named, made.text
        traits = dict(made.traits)
        assert ("helmet" in traits) == bool(re.search("helmet|hard hat", made.text)), made.text
        if "helmet" in traits:
            assert traits["helmet"] is False
            assert denied.search(made.text), made.text
        seen.add((bool(named), *sorted(traits)))
    assert {(True,), (False,), (False, "helmet"), (True, "helmet"), (False, "vest"), (False, "helmet", "vest")} <= seen


def test_the_jacket_below_a_safety_vest_is_not_spoken_of() -> None:
    worker = thing("person", "green", "vest")
    maker = PhraseMaker(np.random.default_rng(4))
    assert all(maker.true_of(worker).colours is None for _ in range(300))
    for colour, held in (("green", math.nan), ("orange", math.nan), ("red", 0.0)):
        told = Statement("", frozenset(["person"]), frozenset([colour])).holds(worker)
        assert told == held or (math.isnan(told) and math.isnan(held))


def test_what_cannot_be_said_is_marked() -> None:
    red_dog = Statement("red dog", frozenset(["dog"]), frozenset(["red"]))
    assert (red_dog.holds(thing("dog", "red")), red_dog.holds(thing("dog", "blue"))) == (1.0, 0.0)
    assert math.isnan(red_dog.holds(thing("dog", None)))
    assert red_dog.holds(thing("cat", None)) == 0.0
    helmet = Statement("", frozenset(["person"]), traits=(("helmet", True),))
    assert helmet.holds(thing("person", "red", "helmet")) == 1.0
    assert helmet.holds(thing("person", "red", "vest")) == 0.0
    assert math.isnan(helmet.holds(thing("person", "red", "helmet", certain=False)))
    red_helmet = Statement("", frozenset(["person"]), frozenset(["red"]), (("helmet", True),))
    assert red_helmet.holds(thing("person", "blue", "helmet", certain=False)) == 0.0  # false whatever is on the head


@pytest.mark.parametrize(
    ("size", "share", "expected"),
    [
        ("small", 0.1, 1.0),
        ("small", 0.25, math.nan),
        ("small", 0.35, 0.0),
        ("big", 0.5, 1.0),
        ("big", 0.4, math.nan),
        ("big", 0.2, 0.0),
    ],
)
def test_sizes_have_a_gap_in_which_nothing_is_said(size: str, share: float, expected: float) -> None:
    held = Statement("", frozenset(["dog"]), size=size).holds(thing("dog", share=share))
    assert held == expected or (math.isnan(held) and math.isnan(expected))


def test_targets_of_synonyms_groups_and_both_languages() -> None:
    maker = PhraseMaker(np.random.default_rng(5))
    dog = thing("dog", "black")
    others = [thing("dog", "red"), thing("cat", "black"), thing("bus", "white")]
    phrases = [maker.true_of(dog) for _ in range(300)]
    truth = targets(phrases, [dog, *others])
    assert truth.shape == (4, 300)
    assert truth.dtype == np.float32
    assert truth[0].all()
    for row, item in zip(truth[1:], others, strict=True):
        expected = [item.kind in p.kinds and (p.colours is None or item.colour in p.colours) for p in phrases]
        assert row.tolist() == expected
    assert any(item.kinds == {"dog", "cat"} for item in phrases)  # animal, pet
    assert {item.text.isascii() for item in phrases} == {True, False}


def test_targets_of_nothing() -> None:
    maker = PhraseMaker(np.random.default_rng(5))
    assert targets([maker.anything()], []).shape == (0, 1)
    assert targets([], [thing("dog")]).shape == (1, 0)


def test_articles_and_plurals_fit_their_nouns() -> None:
    assert [article(word) for word in ("umbrella", "orange", "uav", "unicycle", "cup")] == ["an", "an", "a", "a", "a"]
    assert plural("person") == "people"
    assert plural("fire extinguisher") == "fire extinguishers"
    assert plural("box") == "boxes"
    assert plural("kitchen knife") == "kitchen knives"
    assert plural("scissors") == "scissors"
    maker = PhraseMaker(np.random.default_rng(6), typos=0.0)
    texts = [f" {maker.true_of(thing(kind, 'orange')).text} " for kind in ("umbrella", "person", "scissors") * 700]
    assert any(" an " in text for text in texts)
    wrong = re.compile(r" a (umbrella|orange|scissors)|an (person|brolly)|a (people|umbrellas)|的的")
    assert not [text for text in texts if wrong.search(text)]


def test_training_never_makes_the_sentences_held_back() -> None:
    maker = PhraseMaker(np.random.default_rng(7), typos=0.0)
    patterns = [re.compile(re.escape(frame).replace(r"\{\}", ".+")) for frames in UNSEEN.values() for frame in frames]
    texts = [maker.true_of(thing(kind)).text for kind in KINDS * 200]
    assert not [text for text in texts if any(pattern.fullmatch(text) for pattern in patterns)]


@pytest.mark.parametrize("word", ["umbrella", "door", "扳手工具"])
def test_a_slip_changes_one_letter(word: str) -> None:
    torn = {misspelt(np.random.default_rng(seed), word) for seed in range(80)}
    assert len(torn) > 4
    assert all(abs(len(text) - len(word)) <= 1 for text in torn)
    assert sum(text == word for text in torn) <= 1


def test_typos_happen_as_often_as_asked_for() -> None:
    def unusual(typos: float) -> float:
        maker = PhraseMaker(np.random.default_rng(1), typos=typos)
        known = re.compile(r"umbrella|brolly|brollies|parasol|thing|object|item")
        texts = [maker.true_of(thing("umbrella", None)).text for _ in range(1500)]
        english = [text for text in texts if text.isascii()]
        return float(np.mean([not known.search(text) for text in english]))

    assert unusual(0.0) == 0.0
    assert 0.1 < unusual(0.3) < 0.35


def test_babble_stands_in_sentences_and_changes_no_truth() -> None:
    def texts(babble: float) -> list[str]:
        maker = PhraseMaker(np.random.default_rng(2), typos=0.0, babble=babble)
        made = [maker.true_of(thing("umbrella", None)) for _ in range(600)]
        assert all(phrase.holds(thing("umbrella", None)) == 1.0 for phrase in made)
        return [phrase.text for phrase in made if phrase.text.isascii()]

    known = {word for text in texts(0.0) + texts(0.0) for word in text.split()}
    strange = [text for text in texts(1.0) if not set(text.split()) <= known]
    assert len(strange) > 0.3 * len(texts(1.0))


def test_a_trait_is_said_and_denied() -> None:
    maker = PhraseMaker(np.random.default_rng(2))
    for item in (thing("person", "red", "vest"), thing("door", "blue")):
        for _ in range(30):
            said, denied = maker.said_and_denied(item)
            assert {said.holds(item), denied.holds(item)} == {0.0, 1.0}
