import numpy as np
import pytest

from regionclip.scenes.phrases import COLOURS, KINDS, LANGUAGES, Language, PhraseMaker, name, phrase, targets
from regionclip.scenes.words import COLOUR_WORDS, GROUPS, KIND_WORDS, UNKNOWN_WORDS


def test_plain_names_and_phrases() -> None:
    assert name("fire extinguisher", "en") == "fire extinguisher"
    assert name("fire extinguisher", "zh") == "灭火器"
    assert phrase("fire extinguisher", "red", "en") == "red fire extinguisher"
    assert phrase("fire extinguisher", "red", "zh") == "红色的灭火器"
    assert phrase("person", "blue", "en") == "person in blue"
    assert phrase("person", "blue", "zh") == "穿蓝色衣服的人"


def test_there_are_enough_kinds_and_colours_and_all_have_words() -> None:
    assert len(KINDS) >= 24
    assert len(COLOURS) == 10
    for language in LANGUAGES:
        assert set(KIND_WORDS[language]) == set(KINDS)
        assert set(COLOUR_WORDS[language]) == set(COLOURS)
    assert all(members <= set(KINDS) for members, _ in GROUPS.values())


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_word_means_two_kinds_or_a_kind_and_a_stranger(language: Language) -> None:
    words = [word for names in KIND_WORDS[language].values() for word in names]
    assert len(words) == len(set(words))
    assert not set(words) & set(UNKNOWN_WORDS[language])


def test_true_phrases_hold_and_near_misses_do_not() -> None:
    maker = PhraseMaker(np.random.default_rng(3))
    for kind in KINDS:
        for colour in COLOURS:
            for _ in range(3):
                assert maker.true_of(kind, colour).holds(kind, colour)
                assert not maker.near_miss(kind, colour).holds(kind, colour)
                assert not maker.unknown().holds(kind, colour)


def test_predicates_are_exact_where_the_words_are_plain() -> None:
    """A phrase that names a colour must be false in every other colour, one that names none true in all."""
    maker = PhraseMaker(np.random.default_rng(4), typos=0.0)
    english = {word: colour for colour, words in COLOUR_WORDS["en"].items() for word in words}
    for _ in range(2000):
        made = maker.true_of("umbrella", "green")
        if not made.text.isascii():
            continue
        named = {english[word] for word in made.text.replace("?", "").split() if word in english}
        assert made.colours == (frozenset(named) or frozenset(COLOURS)), made.text


def test_targets_of_synonyms_groups_and_both_languages() -> None:
    maker = PhraseMaker(np.random.default_rng(5))
    phrases = [maker.true_of("dog", "black") for _ in range(200)]
    truth = targets(phrases, [("dog", "black"), ("dog", "red"), ("cat", "black"), ("bus", "white")])
    assert truth.shape == (4, 200)
    assert truth[0].all()
    for row, (kind, colour) in zip(truth[1:], [("dog", "red"), ("cat", "black"), ("bus", "white")], strict=True):
        assert row.tolist() == [kind in item.kinds and colour in item.colours for item in phrases]
    assert any(item.kinds == {"dog", "cat"} for item in phrases)  # animal, pet
    assert {item.text.isascii() for item in phrases} == {True, False}


def test_targets_of_nothing() -> None:
    maker = PhraseMaker(np.random.default_rng(5))
    assert targets([maker.anything()], []).shape == (0, 1)
    assert targets([], [("dog", "red")]).shape == (1, 0)


def test_articles_fit_their_nouns() -> None:
    maker = PhraseMaker(np.random.default_rng(6), typos=0.0)
    texts = [maker.true_of("umbrella", "orange").text for _ in range(3000)]
    assert any(" an " in f" {text}" for text in texts)
    assert not any(f" {text}".count(" a umbrella") or f" {text}".count(" a orange") for text in texts)


def test_typos_happen_only_where_asked_for() -> None:
    clean = {PhraseMaker(np.random.default_rng(i), typos=0.0)._slip("umbrella", "en") for i in range(50)}
    torn = {PhraseMaker(np.random.default_rng(i), typos=1.0)._slip("umbrella", "en") for i in range(50)}
    assert clean == {"umbrella"}
    assert len(torn) > 5
    assert all(len(text) in (7, 8) for text in torn)
