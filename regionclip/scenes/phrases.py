"""What may be said about a scene, in English and Chinese, and exactly when it is true.

A `Phrase` is a sentence with its predicate: the kinds and colours it speaks of. The truth of every phrase for every
object is therefore known, and no pair of a region and a phrase is ever a false negative.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from regionclip.scenes.kinds import KINDS as DRAWN
from regionclip.scenes.render import HUES
from regionclip.scenes.words import (
    COLOUR_WORDS,
    FRAMES,
    GROUPS,
    KIND_WORDS,
    THINGS,
    UNKNOWN_WORDS,
)

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")
KINDS: tuple[str, ...] = tuple(DRAWN)
"""English canonical noun of every kind that scenes show, in the order of their drawing functions."""
COLOURS: tuple[str, ...] = tuple(HUES)

_ONE = {"en": "{} {}", "zh": "{}色的{}"}


@dataclass(frozen=True, slots=True)
class Phrase:
    """A sentence and what it claims of one object.

    Attributes:
        text: as a user would write it.
        kinds: kinds it is true of; empty where it names something that no scene shows.
        colours: colours it is true of.
    """

    text: str
    kinds: frozenset[str]
    colours: frozenset[str]

    def holds(self, kind: str, colour: str) -> bool:
        """Whether the phrase is true of an object of this kind and colour."""
        return kind in self.kinds and colour in self.colours


def name(kind: str, language: Language) -> str:
    """The first name of a kind: `name("fire extinguisher", "zh")` is 灭火器."""
    return KIND_WORDS[language][kind][0]


def phrase(kind: str, colour: str, language: Language) -> str:
    """The plainest phrase for a kind in a colour: "red fire extinguisher", 红色的灭火器.

    The colour of a person is that of the jacket: "person in red", 穿红色衣服的人.
    """
    word, noun = COLOUR_WORDS[language][colour][0], name(kind, language)
    if kind == "person":
        return f"{noun} in {word}" if language == "en" else f"穿{word}色衣服的{noun}"
    return _ONE[language].format(word, noun)


def targets(phrases: Sequence[Phrase], objects: Sequence[tuple[str, str]]) -> NDArray[np.float32]:
    """`(N, P)` float32 of 0 and 1: which of the P phrases hold for which of the N (kind, colour) objects."""
    truth = [[item.holds(kind, colour) for item in phrases] for kind, colour in objects]
    return np.asarray(truth, np.float32).reshape(len(objects), len(phrases))


class PhraseMaker:
    """Draws random phrases.

    Args:
        rng: source of every choice.
        typos: share of English phrases that lose or swap a letter.
    """

    def __init__(self, rng: np.random.Generator, typos: float = 0.06) -> None:
        self._rng = rng
        self._typos = typos

    def true_of(self, kind: str, colour: str) -> Phrase:
        """A phrase that holds for an object of this kind and colour."""
        draw = self._rng.random()
        if draw < 0.36:
            return self._say(kind, None)
        if draw < 0.86:
            return self._say(kind, colour)
        if draw < 0.93:
            return self._say(None, colour)
        groups = [group for group, (members, _) in GROUPS.items() if kind in members]
        return self._group(self._pick(groups), colour) if groups else self._say(kind, colour)

    def near_miss(self, kind: str, colour: str) -> Phrase:
        """A phrase with one word swapped: another colour of this kind, or another kind in this colour."""
        if self._rng.random() < 0.5:
            return self._say(kind, self._other(COLOURS, colour))
        return self._say(self._other(KINDS, kind), colour)

    def anything(self) -> Phrase:
        """A phrase about a random kind or colour."""
        kind, colour = self._pick(KINDS), self._pick(COLOURS)
        return self._say(kind, colour if self._rng.random() < 0.6 else None)

    def unknown(self) -> Phrase:
        """A phrase about something that no scene shows, or a word that means nothing."""
        language = self._language()
        noun = self._nonsense(language) if self._rng.random() < 0.25 else self._pick(UNKNOWN_WORDS[language])
        if self._rng.random() < 0.3:
            noun = self._coloured(noun, self._pick(COLOURS), language)
        return Phrase(self._framed(noun, language), frozenset(), frozenset(COLOURS))

    def _say(self, kind: str | None, colour: str | None) -> Phrase:
        language = self._language()
        nouns = KIND_WORDS[language][kind] if kind else THINGS[language]
        noun = self._mostly_first(nouns)
        if colour is None:
            text = noun
        elif kind == "person":
            text = self._dressed(noun, colour, language)
        else:
            text = self._coloured(noun, colour, language)
        text = self._slip(self._framed(text, language), language)
        return Phrase(text, frozenset([kind] if kind else KINDS), frozenset([colour] if colour else COLOURS))

    def _group(self, group: str, colour: str) -> Phrase:
        language = self._language()
        members, words = GROUPS[group]
        noun = self._pick(words[language])
        if self._rng.random() < 0.5:
            return Phrase(self._framed(noun, language), members, frozenset(COLOURS))
        text = self._framed(self._coloured(noun, colour, language), language)
        return Phrase(text, members, frozenset([colour]))

    def _coloured(self, noun: str, colour: str, language: Language) -> str:
        word, draw = self._pick(COLOUR_WORDS[language][colour]), self._rng.random()
        if language == "en":
            if draw < 0.8:
                return f"{word} {noun}"
            return self._pick((f"{noun} that is {word}", f"{word} coloured {noun}", f"{noun} in {word}"))
        if draw < 0.5:
            return f"{word}色的{noun}"
        return self._pick((f"{word}色{noun}", f"{word}{noun}", f"{noun}是{word}色的"))

    def _dressed(self, noun: str, colour: str, language: Language) -> str:
        word = self._pick(COLOUR_WORDS[language][colour])
        if language == "en":
            wear = (f"{noun} in {word}", f"{noun} in a {word} jacket", f"{noun} wearing {word}", f"{word} {noun}")
            return self._pick(wear)
        wear = (f"穿{word}色衣服的{noun}", f"穿着{word}色外套的{noun}", f"{word}衣{noun}", f"{word}色的{noun}")
        return self._pick(wear)

    def _framed(self, noun: str, language: Language) -> str:
        if self._rng.random() < 0.55:
            return noun
        text = self._pick(FRAMES[language]).format(noun)
        return text if language == "zh" else _with_article(text)

    def _slip(self, text: str, language: Language) -> str:
        if language == "zh" or len(text) < 5 or self._rng.random() >= self._typos:
            return text
        at = int(self._rng.integers(1, len(text) - 1))
        if self._rng.random() < 0.6:
            return text[:at] + text[at + 1 :]
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]

    def _nonsense(self, language: Language) -> str:
        if language == "zh":
            return "".join(chr(int(c)) for c in self._rng.integers(0x4E00, 0x9FA5, 2))
        parts = (
            "ba",
            "dro",
            "fip",
            "gul",
            "ket",
            "lom",
            "mur",
            "nax",
            "pliv",
            "quo",
            "ster",
            "tiz",
            "vop",
            "wex",
            "zan",
        )
        return "".join(self._pick(parts) for _ in range(int(self._rng.integers(2, 4))))

    def _language(self) -> Language:
        return LANGUAGES[int(self._rng.integers(2))]

    def _mostly_first(self, words: Sequence[str]) -> str:
        return words[0] if self._rng.random() < 0.5 else self._pick(words)

    def _other(self, choices: Sequence[str], than: str) -> str:
        return self._pick([choice for choice in choices if choice != than])

    def _pick(self, choices: Sequence[str]) -> str:
        return choices[int(self._rng.integers(len(choices)))]


def _with_article(text: str) -> str:
    """`a` before a vowel becomes `an`."""
    words = text.split(" ")
    for at, (word, after) in enumerate(pairwise(words)):
        if word == "a" and after[:1] in tuple("aeiou") and not after.startswith("uni"):
            words[at] = "an"
    return " ".join(words)
