"""Strangers: names of things that no scene shows, and words that name nothing. A phrase about them is always false.

A stranger is no name, kind, part or place of anything that is drawn: no synonym, no wider or narrower word, nothing
that a fair person would see in an object or in its background. A quarter of the strangers and a list of nonsense are
held back from training; they measure whether a tower turns down words that it never met.
"""

import zlib
from collections.abc import Iterator
from functools import cache

import numpy as np

from regionclip.scenes.language.lists import word_lists
from regionclip.scenes.language.sentences import LANGUAGES, Language
from regionclip.scenes.language.words import COLOUR_WORDS, GROUPS, KIND_WORDS, PLURALS, THINGS

_LISTS = {language: word_lists(f"strangers.{language}") for language in LANGUAGES}

LOOKALIKES: dict[Language, tuple[str, ...]] = {language: lists["lookalike"] for language, lists in _LISTS.items()}
"""The strangers that share letters or characters with the name of a kind or a colour."""

STRANGERS: dict[Language, tuple[str, ...]] = {
    language: (*lists["plain"], *LOOKALIKES[language]) for language, lists in _LISTS.items()
}
"""All strangers, English ones in lower case."""

NONSENSE_TEST: dict[Language, tuple[str, ...]] = {language: lists["nonsense"] for language, lists in _LISTS.items()}
"""Nonsense that `nonsense` never gives."""

_ONE_IN = 4


@cache
def trained_strangers(language: Language) -> tuple[str, ...]:
    """The strangers that training may use, in the order of `STRANGERS`."""
    return tuple(word for word in STRANGERS[language] if not _held_back(word, language))


@cache
def trained_lookalikes(language: Language) -> tuple[str, ...]:
    """Those of `trained_strangers` that share letters or a character with a known name."""
    return tuple(word for word in LOOKALIKES[language] if not _held_back(word, language))


@cache
def held_back_strangers(language: Language) -> tuple[str, ...]:
    """The strangers that training never sees: about one in four by checksum, and the best known with their compounds.

    The choice depends on the word alone, so it stays when the lists grow.
    """
    return tuple(word for word in STRANGERS[language] if _held_back(word, language))


def _held_back(word: str, language: Language) -> bool:
    by_checksum = zlib.crc32(word.encode()) % _ONE_IN == 0
    return by_checksum or any(never in word for never in _LISTS[language]["never trained"])


_ONSETS = (
    "", "b", "bl", "br", "c", "ch", "cl", "cr", "d", "dr", "dw", "f", "fl", "fr", "g", "gl", "gr", "h", "j", "k", "kl",
    "kr", "l", "m", "n", "p", "pl", "pr", "qu", "r", "s", "sc", "sh", "sk", "sl", "sm", "sn", "sp", "spl", "spr", "st",
    "str", "sw", "t", "th", "tr", "tw", "v", "vr", "w", "y", "z", "zw",
)  # fmt: skip
_VOWELS = ("a", "e", "i", "o", "u", "y", "ai", "au", "ea", "ee", "ei", "eu", "ie", "oa", "oi", "oo", "ou", "ue")
_CODAS = (
    "", "", "", "b", "ck", "d", "ff", "ft", "g", "k", "l", "ld", "lf", "lk", "lm", "lp", "lt", "m", "mb", "mp", "n",
    "nd", "ng", "nk", "nt", "nx", "p", "pt", "r", "rb", "rd", "rk", "rl", "rm", "rn", "rp", "rt", "s", "sh", "sk", "sp",
    "ss", "st", "t", "th", "ts", "v", "x", "z", "zz",
)  # fmt: skip
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_RANDOM_LETTERS = 0.15

_SAYABLE: dict[Language, frozenset[str]] = {
    "en": frozenset(_LISTS["en"]["sayable"]),
    "zh": frozenset("".join(_LISTS["zh"]["sayable"])),
}
"""What could be said of an object, a part of it or a background without being its name; for Chinese the characters."""


def nonsense(rng: np.random.Generator, language: Language) -> str:
    """A word that names nothing.

    English: one to three syllables or a few random letters, never one letter or one swap away from a word of a known
    name. Chinese: one to three common characters, none of which is in a known name.
    """
    make = _english if language == "en" else _chinese
    while not _names_nothing(word := make(rng), language) or word in NONSENSE_TEST[language]:
        pass
    return word


def _english(rng: np.random.Generator) -> str:
    if rng.random() < _RANDOM_LETTERS:
        return "".join(_LETTERS[at] for at in rng.integers(26, size=int(rng.integers(4, 10))))
    syllables = int(rng.integers(1, 4))
    return "".join(_syllable(rng, closed=at == syllables - 1 or rng.random() < 0.25) for at in range(syllables))


def _syllable(rng: np.random.Generator, *, closed: bool) -> str:
    parts = (_ONSETS, _VOWELS, _CODAS) if closed else (_ONSETS, _VOWELS)
    return "".join(part[int(rng.integers(len(part)))] for part in parts)


def _chinese(rng: np.random.Generator) -> str:
    return "".join(_CHARACTERS[at] for at in rng.integers(len(_CHARACTERS), size=int(rng.integers(1, 4))))


def _names_nothing(word: str, language: Language) -> bool:
    if word in _KNOWN_STRANGERS or word in _SAYABLE[language]:
        return False
    return language == "zh" or (len(word) > 2 and _NAME_SHADOWS.isdisjoint(_shadows(word)))


def known_names(language: Language) -> Iterator[str]:
    """Every word by which a phrase can speak of an object or its colour."""
    for table in (KIND_WORDS, COLOUR_WORDS):
        for words in table[language].values():
            yield from words
    for _, group in GROUPS.values():
        yield from group[language]
    yield from THINGS[language]
    if language == "en":
        yield from PLURALS.values()


def _shadows(word: str) -> set[str]:
    """The word and what is left of it without any one letter: two words share a shadow if they are a slip apart."""
    return {word} | {word[:at] + word[at + 1 :] for at in range(len(word))}


def _common_characters(without: frozenset[str]) -> str:
    """The 3755 characters of GB 2312-80 level 1 (rows 16 to 55) but for those in `without`."""
    cells = ((row, cell) for row in range(0xB0, 0xD8) for cell in range(0xA1, 0xFF if row < 0xD7 else 0xFA))
    level = (bytes(cell).decode("gb2312") for cell in cells)
    return "".join(sorted(set(level) - without))


_KNOWN_STRANGERS = frozenset(word for words in STRANGERS.values() for word in words)
_NAME_SHADOWS = frozenset(shadow for name in known_names("en") for word in name.split() for shadow in _shadows(word))
_CHARACTERS = _common_characters(_SAYABLE["zh"].union(*known_names("zh")))
