"""What may be said about a scene, in English and Chinese, and exactly when it is true.

Pairs of kind and colour that no training scene shows (`colours.HELD_OUT`) are not spoken of either: a phrase that is
never true would be learned as one that means nothing.

A `Statement` is a sentence with its predicate: the kinds, colours, traits and size it speaks of. The truth of every
phrase for every object is therefore known: no pair of a region and a phrase is ever a false negative, and pairs of
which nothing can be said (a helmet on a head behind a box, a size between small and big) are marked as such.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from regionclip.scenes.kinds.colours import HUES, trained_colours
from regionclip.scenes.kinds.known import KINDS as DRAWN
from regionclip.scenes.language.sentences import LANGUAGES, Language, article, sentence
from regionclip.scenes.language.strangers import nonsense, trained_lookalikes, trained_strangers
from regionclip.scenes.language.words import (
    COLOUR_WORDS,
    GROUPS,
    KIND_WORDS,
    NO_ARTICLE,
    NOT_CERTAIN,
    PLURALS,
    SIZES,
    THINGS,
    TRAITS,
    UMBRELLA,
)
from regionclip.scenes.stage import SceneObject

KINDS: tuple[str, ...] = tuple(DRAWN)
"""English canonical noun of every kind that scenes show, in the order of their drawing functions."""
COLOURS: tuple[str, ...] = tuple(HUES)
TRAIT_NAMES: tuple[str, ...] = tuple(TRAITS["en"])
ASKED: tuple[tuple[str, str], ...] = tuple((kind, trait) for kind in KINDS for trait in DRAWN[kind].traits)
"""Yes / no questions: a kind and a trait that it may have."""

_VESTS = frozenset({"orange", "yellow", "green"})
"""Colours of safety vests: of a person in one, neither these nor the jacket's are certain."""

_SMALL, _NOT_SMALL, _NOT_BIG, _BIG = 0.2, 0.3, 0.33, 0.45


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence and what it claims of one object.

    Attributes:
        text: as a user would write it.
        kinds: kinds it is true of; empty where it names something that no scene shows.
        colours: colours it is true of; None where it speaks of no colour.
        traits: trait to whether it must hold.
        not_certain: kinds of which its noun may or may not be said.
        size: "small" (under 0.2 of the frame's shorter side; over 0.3 it is false), "big" (over 0.45; under 0.33 it is
            false), or None.
    """

    text: str
    kinds: frozenset[str]
    colours: frozenset[str] | None = None
    traits: tuple[tuple[str, bool], ...] = ()
    size: str | None = None
    not_certain: frozenset[str] = frozenset()

    def holds(self, item: SceneObject) -> float:
        """1 if the phrase is true of the object, 0 if not, nan where it cannot be said."""
        if item.kind not in self.kinds | self.not_certain:
            return 0.0
        claims = [np.nan] if item.kind in self.not_certain else []
        if self.size:
            claims.append(self._sized(item.share))
        if self.colours is not None:
            claims.append(self._coloured(item, self.colours))
        claims += [float((trait in item.traits) is wanted) if item.certain else np.nan for trait, wanted in self.traits]
        if 0.0 in claims:
            return 0.0
        return 1.0 if all(claim == 1.0 for claim in claims) else np.nan

    def _coloured(self, item: SceneObject, colours: frozenset[str]) -> float:
        if item.colour is None:
            return np.nan
        if "vest" in item.traits and not colours.isdisjoint({item.colour, *_VESTS}):
            return np.nan
        return float(item.colour in colours)

    def _sized(self, share: float) -> float:
        if self.size == "small":
            return 1.0 if share < _SMALL else 0.0 if share > _NOT_SMALL else np.nan
        return 1.0 if share > _BIG else 0.0 if share < _NOT_BIG else np.nan


def name(kind: str, language: Language) -> str:
    """The first name of a kind: `name("fire extinguisher", "zh")` is 灭火器."""
    return KIND_WORDS[language][kind][0]


@cache
def kind_names(language: Language) -> tuple[str, ...]:
    """The first name of every kind, in the order of `KINDS`."""
    return tuple(name(kind, language) for kind in KINDS)


def phrase(kind: str, colour: str, language: Language) -> str:
    """The plainest phrase for a kind in a colour: "red fire extinguisher", 红色的灭火器.

    The colour of a person is that of the jacket: "person in red", 穿红色衣服的人. That of a traffic light is the lamp's
    that is lit.
    """
    word, noun = COLOUR_WORDS[language][colour][0], name(kind, language)
    if kind == "person":
        return f"{noun} in {word}" if language == "en" else f"穿{word}色衣服的{noun}"
    return f"{word} {noun}" if language == "en" else f"{word}色的{noun}"


def trait_phrase(kind: str, trait: str, holds: bool, language: Language) -> str:
    """The plainest phrase for a kind and a trait: "person without a helmet", 打开的门."""
    return with_trait(name(kind, language), trait_words(kind, trait, holds, language)[0], trait, language)


def with_trait(noun: str, words: str, trait: str, language: Language) -> str:
    """A noun with words for a trait: what is open is so before the noun, everything else in English after it."""
    if language == "zh":
        return f"{words}{noun}"
    return f"{words} {noun}" if trait == "open" else f"{noun} {words}"


def trait_words(kind: str | None, trait: str, holds: bool, language: Language) -> tuple[str, ...]:
    """Words that say of a kind that a trait holds or does not."""
    if kind == "umbrella" and language == "zh":
        return UMBRELLA[holds]
    return TRAITS[language][trait][holds]


def targets(phrases: Sequence[Statement], objects: Sequence[SceneObject]) -> NDArray[np.float32]:
    """`(N, P)` float32: 1 where a phrase holds for an object, 0 where not, nan where it cannot be said."""
    truth = [[item.holds(thing) for item in phrases] for thing in objects]
    return np.asarray(truth, np.float32).reshape(len(objects), len(phrases))


@dataclass(slots=True)
class _Claim:
    """What a phrase is going to say; None and empty for what it does not speak of."""

    kind: str | None = None
    group: str | None = None
    colour: str | None = None
    traits: tuple[tuple[str, bool], ...] = ()
    size: str | None = None


class PhraseMaker:
    """Draws random phrases.

    Args:
        rng: source of every choice.
        typos: share of English phrases with a letter wrong in one longer word.
        babble: share of sentences with a nonsense word beside the phrase, which changes nothing of its truth.
    """

    def __init__(self, rng: np.random.Generator, typos: float = 0.25, babble: float = 0.0) -> None:
        self._rng = rng
        self._typos = typos
        self._babble = babble

    def true_of(self, item: SceneObject) -> Statement:
        """A phrase that holds for an object, or nothing is wrong with it as far as can be said."""
        return self._say(self._true_claim(item))

    def near_miss(self, item: SceneObject) -> Statement:
        """A phrase with one part swapped: another kind, colour, size or the opposite of a trait."""
        claim = self._true_claim(item)
        parts = [part for part in ("colour", "traits", "size") if getattr(claim, part)] or ["kind"]
        part = self._pick([*parts, "kind"])
        if part == "colour":
            colours = trained_colours(claim.kind) if claim.kind else COLOURS
            claim.colour = self._pick([colour for colour in colours if colour != claim.colour])
        elif part == "size":
            claim.size = "big" if claim.size == "small" else "small"
        elif part == "traits":
            (trait, holds), *rest = claim.traits
            claim.traits = ((trait, not holds), *rest)
        else:
            others = [kind for kind in KINDS if kind != item.kind and claim.colour in (None, *trained_colours(kind))]
            claim = _Claim(kind=self._pick(others), colour=claim.colour, size=claim.size)
        return self._say(claim)

    def said_and_denied(self, item: SceneObject) -> tuple[Statement, Statement]:
        """Two phrases, one that says a trait the object's kind may have and one that denies it."""
        trait = self._pick(DRAWN[item.kind].traits)
        said, denied = (self._say(_Claim(kind=item.kind, traits=((trait, holds),))) for holds in (True, False))
        return said, denied

    def anything(self) -> Statement:
        """A phrase about a random kind, sometimes in a random colour."""
        kind = self._pick(KINDS)
        return self._say(_Claim(kind=kind, colour=self._pick(trained_colours(kind)) if self._chance(0.6) else None))

    def unknown(self) -> Statement:
        """A phrase about something that no scene shows, or a word that means nothing."""
        language = self._language()
        draw = self._rng.random()
        if draw < 0.25:
            noun = nonsense(self._rng, language)
        else:
            noun = self._pick(trained_lookalikes(language) if draw < 0.6 else trained_strangers(language))
        words = [noun]
        if self._chance(0.3):
            colour = self._pick(COLOUR_WORDS[language][self._pick(COLOURS)])
            words = [colour, noun] if language == "en" else [f"{colour}色的", noun]
        return Statement(self._finish(" ".join(words) if language == "en" else "".join(words), language), frozenset())

    def _true_claim(self, item: SceneObject) -> _Claim:
        claim = _Claim(kind=item.kind)
        draw = self._rng.random()
        groups = [group for group, (members, _) in GROUPS.items() if item.kind in members]
        if draw < 0.07 and groups:
            claim.kind, claim.group = None, self._pick(groups)
        elif draw < 0.13:
            claim.kind = None
        if (
            item.colour is not None
            and "vest" not in item.traits
            and self._chance(0.5 if claim.kind or claim.group else 1.0)
        ):
            claim.colour = item.colour
        if claim.kind and item.certain and DRAWN[item.kind].traits and self._chance(0.6):
            claim.traits = self._true_traits(item, claim)
        if claim.kind and self._chance(0.12) and (item.share < _SMALL or item.share > _BIG):
            claim.size = "small" if item.share < _SMALL else "big"
        return claim

    def _true_traits(self, item: SceneObject, claim: _Claim) -> tuple[tuple[str, bool], ...]:
        if self._chance(0.7):
            claim.colour = None
        names = DRAWN[item.kind].traits
        some = [names[i] for i in self._rng.permutation(len(names))[: 2 if self._chance(0.15) else 1]]
        return tuple((trait, trait in item.traits) for trait in some)

    def _say(self, claim: _Claim) -> Statement:
        language = self._language()
        if claim.group:
            kinds, words = GROUPS[claim.group]
            noun = self._pick(words[language])
        elif claim.kind:
            kinds, noun = frozenset([claim.kind]), self._mostly_first(KIND_WORDS[language][claim.kind])
        else:
            kinds, noun = frozenset(KINDS), self._pick(THINGS[language])
        many = language == "en" and claim.kind is not None and self._chance(0.15)
        text = self._english(plural(noun) if many else noun, claim) if language == "en" else self._chinese(noun, claim)
        colours = None if claim.colour is None else frozenset([claim.colour])
        return Statement(
            self._finish(text, language, many=many),
            kinds,
            colours,
            claim.traits,
            claim.size,
            NOT_CERTAIN.get(claim.group or "", frozenset()),
        )

    def _english(self, noun: str, claim: _Claim) -> str:
        before, after = [], []
        if claim.size:
            before.append(self._mostly_first(SIZES["en"][claim.size]))
        if claim.colour:
            word = self._pick(COLOUR_WORDS["en"][claim.colour])
            if claim.kind == "person":  # never "black person": a jacket's colour is not a person's
                after.append(
                    self._pick(
                        (f"in {word}", f"in {article(word)} {word} jacket", f"wearing {word}", f"dressed in {word}")
                    )
                )
            elif self._chance(0.8):
                before.append(word)
            else:
                after.append(self._pick((f"that is {word}", f"in {word}", f"which is {word}", f"of {word} colour")))
        for trait, holds in claim.traits:
            words = self._mostly_first(trait_words(claim.kind, trait, holds, "en"))
            (before if trait == "open" else after).append(words)
        return " ".join([*before, noun, *after])

    def _chinese(self, noun: str, claim: _Claim) -> str:
        before, tight = [], ""
        if claim.size:
            before.append(self._mostly_first(SIZES["zh"][claim.size]))
        if claim.colour:
            word = self._pick(COLOUR_WORDS["zh"][claim.colour])
            if claim.kind == "person":
                wear = (f"穿{word}色衣服的", f"穿着{word}色外套的", f"穿{word}衣服的", f"身穿{word}色上衣的")
                before.append(self._pick(wear))
            elif self._chance(0.6):
                before.append(f"{word}色的")
            else:
                tight = self._pick((f"{word}色", word))
        before += [self._mostly_first(trait_words(claim.kind, trait, holds, "zh")) for trait, holds in claim.traits]
        order = self._rng.permutation(len(before))
        return "".join([*(before[i] for i in order), tight, noun])

    def _finish(self, text: str, language: Language, *, many: bool = False) -> str:
        """The phrase with a determiner or without, with a letter wrong, in a sentence or alone."""
        alone = self._chance(0.5)
        if language == "zh":
            return text if alone else self._sentence(text, language)
        text = with_a_slip(self._rng, text) if self._chance(self._typos) else text
        if not alone or self._chance(0.3):
            text = self._determined(text, many=many)
        return text if alone else self._sentence(text, language)

    def _sentence(self, text: str, language: Language) -> str:
        babble = nonsense(self._rng, language) if self._babble and self._chance(self._babble) else None
        return sentence(self._rng, text, language, babble)

    def _determined(self, text: str, *, many: bool) -> str:
        bare = many or not NO_ARTICLE.isdisjoint(text.split(" "))
        word = self._pick(_FOR_MANY if bare else _FOR_ONE)
        return f"{article(text) if word == 'a' else word} {text}".strip()

    def _language(self) -> Language:
        return LANGUAGES[int(self._rng.integers(2))]

    def _chance(self, probability: float) -> bool:
        return bool(self._rng.random() < probability)

    def _mostly_first(self, words: Sequence[str]) -> str:
        return words[0] if self._chance(0.5) else self._pick(words)

    def _pick(self, choices: Sequence[str]) -> str:
        return choices[int(self._rng.integers(len(choices)))]


_FOR_ONE = ("a", "a", "a", "the", "the", "one", "this", "that", "any", "every", "each", "another", "my", "")
_FOR_MANY = ("the", "some", "all", "any", "all the", "my", "")


def with_a_slip(rng: np.random.Generator, text: str) -> str:
    """English with one of its words of four letters or more misspelt; as it is where there is none."""
    words = text.split(" ")
    long = [i for i, word in enumerate(words) if len(word) >= 4 and word.isalpha()]
    if long:
        at = long[rng.integers(len(long))]
        words[at] = misspelt(rng, words[at])
    return " ".join(words)


def misspelt(rng: np.random.Generator, word: str) -> str:
    """A word of four letters or more with one slip: a letter dropped, swapped with the next, replaced or doubled."""
    while (torn := _torn(rng, word)) == word:
        pass
    return torn


def _torn(rng: np.random.Generator, word: str) -> str:
    at, way = int(rng.integers(0, len(word) - 1)), int(rng.integers(4))
    if way == 0:
        return word[:at] + word[at + 1 :]
    if way == 1:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    if way == 2:
        return word[:at] + chr(97 + int(rng.integers(26))) + word[at + 1 :]
    return word[: at + 1] + word[at:]


def plural(noun: str) -> str:
    """The plural of an English name: "people", "boxes", "fire extinguishers"."""
    if noun in PLURALS:
        return PLURALS[noun]
    first, _, last = noun.rpartition(" ")
    if last in PLURALS:
        return f"{first} {PLURALS[last]}"
    return noun + ("es" if noun.endswith(("s", "x", "ch", "sh")) else "s")
