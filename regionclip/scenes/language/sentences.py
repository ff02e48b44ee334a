"""Sentences around a noun phrase: what people write when they ask a machine to look for something."""

from typing import Literal

import numpy as np

from regionclip.scenes.language.lists import word_lists

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")

_PARTS = {language: word_lists(f"sentences.{language}") for language in LANGUAGES}

UNSEEN: dict[Language, tuple[str, ...]] = {language: parts["unseen"] for language, parts in _PARTS.items()}
"""Sentences that training never makes: the figures on them tell how free a user may be."""

_ALWAYS_AN = "aeio"
_A_ALL_THE_SAME = ("one", "uni", "uav", "uku", "use", "eu")


def article(noun: str) -> str:
    """`a` or `an`, by the first letters: "an umbrella", "a uav"."""
    vowel = noun[:1] in _ALWAYS_AN or (noun[:1] == "u" and not noun.startswith("ute"))
    return "an" if vowel and not noun.startswith(_A_ALL_THE_SAME) else "a"


def sentence(rng: np.random.Generator, phrase: str, language: Language, babble: str | None = None) -> str:
    """A random sentence that holds a noun phrase, sometimes with words in it that say nothing.

    Args:
        rng: source of every choice.
        phrase: English with its article, if it takes one ("a red car"), or Chinese ("红色的汽车").
        language: of the phrase.
        babble: words that mean nothing, to be put before or behind the phrase.
    """
    made = _english(rng, phrase) if language == "en" else _chinese(rng, phrase)
    if babble:  # Chinese without a comma would make one word of it and its neighbour
        made.insert(int(rng.integers(len(made) + 1)), babble if language == "en" else f"，{babble}，")
    return _filled(rng, made, language) if rng.random() < 0.3 else (" " if language == "en" else "").join(made)


def _english(rng: np.random.Generator, phrase: str) -> list[str]:
    draw = rng.random()
    if draw < 0.35:
        return [*_maybe(rng, 0.6, "open"), _part(rng, "en", "verb"), phrase, *_maybe(rng, 0.5, "where", "close")]
    if draw < 0.6:
        return [_part(rng, "en", "show"), phrase, *_maybe(rng, 0.4, "where")]
    if draw < 0.8:
        return [
            _part(rng, "en", "ask"),
            phrase,
            *_maybe(rng, 0.5, "where", "close"),
            *([] if rng.random() < 0.5 else ["?"]),
        ]
    return [phrase, *_maybe(rng, 0.8, "where", "close")]


def _chinese(rng: np.random.Generator, phrase: str) -> list[str]:
    def some(share: float, *names: str) -> list[str]:
        return _maybe(rng, share, *names, language="zh")

    draw = rng.random()
    if draw < 0.35:
        return [*some(0.6, "open"), _part(rng, "zh", "verb"), *some(0.5, "where", "which"), phrase, *some(0.4, "close")]
    if draw < 0.45:  # 把 moves the object before the verb
        return [
            *some(0.5, "open"),
            "把",
            *some(0.6, "where", "which"),
            phrase,
            _part(rng, "zh", "verb"),
            *some(0.5, "close"),
        ]
    if draw < 0.65:
        return [_part(rng, "zh", "show"), *some(0.3, "which"), phrase, *some(0.3, "after")]
    if draw < 0.8:
        return [_part(rng, "zh", "ask"), *some(0.3, "which"), phrase, *some(0.4, "close")]
    return [*some(0.5, "where", "which"), phrase, *some(0.5, "after", "close")]


def _filled(rng: np.random.Generator, parts: list[str], language: Language) -> str:
    """The parts with one to four fillers between them."""
    fillers, made = _PARTS[language]["filler"], list(parts)
    for _ in range(int(rng.integers(1, 5))):
        made.insert(int(rng.integers(len(made) + 1)), fillers[rng.integers(len(fillers))])
    return (" " if language == "en" else "").join(made)


def _maybe(rng: np.random.Generator, share: float, *names: str, language: Language = "en") -> list[str]:
    if rng.random() >= share:
        return []
    return [_part(rng, language, names[rng.integers(len(names))])]


def _part(rng: np.random.Generator, language: Language, name: str) -> str:
    choices = _PARTS[language][name]
    return choices[rng.integers(len(choices))]
