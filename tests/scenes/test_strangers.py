import numpy as np
import pytest

from regionclip.scenes.language.sentences import LANGUAGES, Language
from regionclip.scenes.language.strangers import (
    LOOKALIKES,
    NONSENSE_TEST,
    STRANGERS,
    held_back_strangers,
    known_names,
    nonsense,
    trained_strangers,
)
from regionclip.scenes.language.words import COLOUR_WORDS

NEVER_TRAINED = {
    "en": ["windmill", "piano", "giraffe", "pizza", "elephant", "sofa", "doorbell", "cupcake"],
    "zh": ["长颈鹿", "披萨", "大象", "钢琴", "风车", "沙发", "火车", "球拍"],
}


def drawn(language: Language, count: int, seed: int = 0) -> list[str]:
    rng = np.random.default_rng(seed)
    return [nonsense(rng, language) for _ in range(count)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_strangers_are_many_different_and_well_written(language: Language) -> None:
    words = STRANGERS[language]
    assert len(words) >= 700
    assert len(set(words)) == len(words)
    if language == "en":
        assert all(word == " ".join(word.lower().split()) and word.isascii() for word in words)
        assert max(len(word.split()) for word in words) <= 3
    else:
        assert all(1 <= len(word) <= 4 and all("一" <= char <= "鿿" for char in word) for word in words)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_stranger_is_a_name_of_something_drawn(language: Language) -> None:
    assert not set(known_names(language)) & {*STRANGERS[language], *NONSENSE_TEST[language]}


def test_no_english_stranger_is_a_plural_or_ends_in_a_colour() -> None:
    names = set(known_names("en"))
    assert not {word for word in STRANGERS["en"] if word.removesuffix("s") in names or word.removesuffix("es") in names}
    colours = {word for words in COLOUR_WORDS["en"].values() for word in words}
    assert not {word for word in STRANGERS["en"] if colours & set(word.split())}


def test_lookalikes_share_letters_or_characters_with_a_name() -> None:
    assert all(len(LOOKALIKES[language]) >= 120 for language in LANGUAGES)
    characters = set("".join(known_names("zh")))
    assert [word for word in LOOKALIKES["zh"] if not characters & set(word)] == []
    runs = {word[at : at + 3] for name in known_names("en") for word in name.split() for at in range(len(word) - 2)}
    assert [word for word in LOOKALIKES["en"] if not any(run in word for run in runs)] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_split_is_whole_and_disjoint(language: Language) -> None:
    trained, held = trained_strangers(language), held_back_strangers(language)
    assert not set(trained) & set(held)
    assert set(trained) | set(held) == set(STRANGERS[language])
    assert len(held) >= 150
    assert len(trained) > 2 * len(held)
    assert set(NEVER_TRAINED[language]) <= set(held)
    assert not [word for word in trained for never in NEVER_TRAINED[language] if never in word]
    assert len(set(held) & set(LOOKALIKES[language])) >= 30


def test_the_split_stays_as_it_is() -> None:
    """Goldens: a tower's card tells what it was trained on, so a word may not change sides."""
    assert set({"lemur", "hamburger", "binoculars", "handbook"}) <= set(held_back_strangers("en"))
    assert set({"牦牛", "香肠", "吸尘器", "白鹭"}) <= set(held_back_strangers("zh"))
    assert set({"gorilla", "meerkat", "hawk", "chairlift"}) <= set(trained_strangers("en"))
    assert set({"犀牛", "鳗鱼", "燕子", "甘蓝"}) <= set(trained_strangers("zh"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_nonsense_never_gives_a_known_name_or_a_test_word(language: Language) -> None:
    words = set(drawn(language, 6_000))
    assert not words & {*known_names(language), *STRANGERS[language], *NONSENSE_TEST[language]}
    assert len(words) > 5_000
    if language == "zh":
        assert not set("".join(words)) & set("".join(known_names("zh")))
        assert {len(word) for word in words} == {1, 2, 3}
        assert len(set("".join(words))) > 2500


def test_english_nonsense_is_no_slip_of_a_short_name() -> None:
    """Two letters swapped, one left out, added or changed: a user who typed that means the name."""
    slips = {"dgo", "dogg", "dig", "ct", "catt", "cra", "bsu", "buss", "bxo", "coat", "ladde", "chiar", "dors", "smok"}
    assert not slips & set(drawn("en", 8_000, seed=1))


def test_nonsense_repeats_with_its_seed() -> None:
    assert drawn("en", 20, seed=5) == drawn("en", 20, seed=5) != drawn("en", 20, seed=6)


@pytest.mark.parametrize("language", LANGUAGES)
def test_there_are_sixty_nonsense_words_for_tests(language: Language) -> None:
    assert len(NONSENSE_TEST[language]) == len(set(NONSENSE_TEST[language])) == 60
    assert not set(NONSENSE_TEST[language]) & set(STRANGERS[language])
