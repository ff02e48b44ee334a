"""What a tower makes of a vocabulary: tokens of each phrase, and what a user should know before relying on it.

`regionclip vocab check` prints it. Phrases stand in for regions here: a region is never more like a phrase than the
phrase itself is, so a label that loses on its own words loses on pictures too.

Letters: P phrases, C labels, Q negatives, D channels.
"""

import re
import unicodedata
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol

import torch

from heads.classify import BANK, best_of
from regionclip.errors import PromptWarning
from regionclip.towers.base import Tower
from regionclip.towers.card import Score
from regionclip.words.asked import Asked
from regionclip.words.phrase_cache import NEAR
from regionclip.words.templates import fill, sentences_of
from regionclip.words.vocabulary import Label, Vocabulary

Kind = Literal["cut", "script", "unfamiliar", "duplicate", "shadow", "suppressed", "left out"]
KINDS: dict[Kind, str] = {
    "cut": "the tower does not read the end of it",
    "script": "the tower does not read its language",
    "unfamiliar": "the tower's tokenizer spells a word byte by byte: it never met it",
    "duplicate": "nearly the same as a phrase of another label",
    "shadow": "another label scores as high on it",
    "suppressed": "its label stays below its threshold even on these very words",
    "left out": "a negative that says the same as a label, and so is not held against it",
}
"""What may be found, and what it means."""

_LANGUAGES = {
    "LATIN": {"en", "de", "fr", "es", "it", "pt", "nl", "pl", "sv", "tr", "vi", "id"},
    "CJK": {"zh", "ja"},
    "HIRAGANA": {"ja"},
    "KATAKANA": {"ja"},
    "HALFWIDTH": {"ja", "ko"},
    "HANGUL": {"ko"},
    "CYRILLIC": {"ru", "uk", "bg", "sr"},
    "GREEK": {"el"},
    "ARABIC": {"ar", "fa", "ur"},
    "HEBREW": {"he"},
    "DEVANAGARI": {"hi", "mr", "ne"},
    "THAI": {"th"},
    "BENGALI": {"bn"},
    "TELUGU": {"te"},
}
"""First word of a letter's Unicode name to languages that are written with it."""

_NO_LETTERS = frozenset({"FULLWIDTH", "IDEOGRAPHIC", "MODIFIER", "SUPERSCRIPT", "FEMININE", "MASCULINE", "MICRO"})
_EQUAL = 1e-9


@dataclass(frozen=True, slots=True)
class Reading:
    """How a tower reads one phrase.

    Attributes:
        label: whose phrase it is.
        phrase: as written.
        language: as en, zh.
        tokens: that it needs, the end token included; with templates, in the longest of its sentences.
        read: how many of these the tower reads.
    """

    label: str
    phrase: str
    language: str
    tokens: int
    read: int


@dataclass(frozen=True, slots=True)
class Finding:
    """Something a user should know.

    Attributes:
        kind: one of `KINDS`.
        label: whose phrase it is about.
        phrase: of that label.
        text: what was found, in words.
        other: the other label, negative or word that it is about; empty for none.
        value: what was measured, or None: a cosine, or for `suppressed` a score in 0..1.
    """

    kind: Kind
    label: str
    phrase: str
    text: str
    other: str = ""
    value: float | None = None

    def __str__(self) -> str:
        return f"{self.kind}: {self.text}"


@dataclass(frozen=True, slots=True)
class VocabularyCheck:
    """A vocabulary as one tower reads it."""

    tower: str
    near: float
    readings: tuple[Reading, ...]
    findings: tuple[Finding, ...]

    def as_json(self) -> dict[str, Any]:
        """Everything, ready for `json.dumps`."""
        return asdict(self)


class Asker(Protocol):
    """What is asked of a `Scorer` here."""

    tower: Tower

    def ask(self, vocabulary: Vocabulary) -> Asked:
        """The vocabulary as the tower reads it, with the bank and thresholds in force."""
        ...


def check_vocabulary(scorer: Asker, vocabulary: Vocabulary, *, near: float = NEAR) -> VocabularyCheck:
    """Look for phrases that a tower cannot use, and for labels that stand in each other's way.

    Args:
        scorer: of a detector, whose tower, bank and thresholds are in force.
        vocabulary: to be checked.
        near: cosine, 0..1, from which two phrases of labels that compete count as nearly the same.

    Raises:
        FingerprintError: where a label was taught with another tower.
        PromptError: where a label has nothing to be weighed against.
    """
    tower = scorer.tower
    readings = [_reading(tower, vocabulary, label, *pair) for label in _worded(vocabulary) for pair in label.spoken]
    findings = [found for each in readings for found in _of_reading(tower, each)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PromptWarning)  # cut phrases are among the findings
        asked = scorer.ask(vocabulary)
    table = _Table(asked, tower.card.region_score)
    findings += [*table.duplicates(near), *table.shadows(), *table.suppressed(), *table.left_out()]
    return VocabularyCheck(f"{tower.card.name}@{tower.card.revision}", near, tuple(readings), tuple(findings))


def _worded(vocabulary: Vocabulary) -> list[Label]:
    return [label for label in vocabulary if label.taught is None]


def _reading(tower: Tower, vocabulary: Vocabulary, label: Label, phrase: str, language: str) -> Reading:
    sentences = sentences_of(vocabulary.templates_of(label), language) or ("{}",)
    tokens, read = max(tower.count_tokens(fill(sentence, phrase), "region") for sentence in sentences)
    return Reading(label.name, phrase, language, tokens, read)


def _of_reading(tower: Tower, reading: Reading) -> list[Finding]:
    found = []
    label, phrase, name = reading.label, reading.phrase, tower.card.name
    if reading.tokens > reading.read:
        text = f"{label!r}: {phrase!r} needs {reading.tokens} tokens, {name} reads {reading.read}"
        found.append(Finding("cut", label, phrase, text))
    if unread := _unread(reading, tower.card.languages):
        text = f"{label!r}: {phrase!r} has {unread}; {name} reads {', '.join(tower.card.languages)}"
        found.append(Finding("script", label, phrase, text))
    elif unknown := [word for word in dict.fromkeys(_words(phrase)) if _spelled(tower, word)]:
        text = f"{label!r}: {phrase!r}: {name} has no piece of {', '.join(unknown)}, only its single bytes"
        found.append(Finding("unfamiliar", label, phrase, text, ", ".join(unknown)))
    return found


def _unread(reading: Reading, languages: Sequence[str]) -> str:
    """What of a phrase is in no script or language of the tower, in words; nothing where all can be read."""
    scripts = dict.fromkeys(
        re.split("[ -]", unicodedata.name(letter, "UNKNOWN"))[0] for letter in reading.phrase if letter.isalpha()
    )
    strange = [
        script for script in scripts if script not in _NO_LETTERS and not _LANGUAGES.get(script, set()) & set(languages)
    ]
    if strange:
        return f"letters that are {', '.join(script.capitalize() for script in strange)}"
    return "" if reading.language in languages else f"the language {reading.language}"


def _words(phrase: str) -> list[str]:
    """Words between spaces; Han characters one by one."""
    spaced = "".join(f" {letter} " if unicodedata.name(letter, "").startswith("CJK") else letter for letter in phrase)
    return [word for word in spaced.split() if any(letter.isalpha() for letter in word)]


def _spelled(tower: Tower, word: str) -> bool:
    """Whether a word of two bytes or more takes a token for every byte."""
    size = len(word.encode())
    marks = tower.count_tokens("", "region")[0]  # the end token, with some towers one at the start too
    return size > 1 and tower.count_tokens(word, "region")[0] - marks >= size


class _Table:
    """Every phrase asked as if it were a region."""

    def __init__(self, asked: Asked, score: Score) -> None:
        vocabulary, words = asked.vocabulary, asked.words
        self._labels = tuple(vocabulary)
        self._phrases = [(label, phrase) for label in self._labels for phrase in label.phrases]
        self._owner = words.label_of.tolist()
        self._thresholds = asked.thresholds
        self._negatives = asked.negatives
        self._given = set(vocabulary.negatives)
        self._words = words
        self._like = words.phrases.double() @ words.phrases.double().T  # (P, P) cosines
        self._unlike = words.phrases.double() @ words.negatives.double().T  # (P, Q) cosines
        self._odds = self._log_odds(score)  # (P, C)

    def duplicates(self, near: float) -> list[Finding]:
        """Pairs of labels that compete, by their nearest phrases."""
        pairs: dict[tuple[int, int], list[tuple[float, int, int]]] = {}
        for first, second in (self._like >= near).triu(1).nonzero().tolist():
            a, b = self._owner[first], self._owner[second]
            if a != b and self._labels[a].column == self._labels[b].column:
                pairs.setdefault((a, b), []).append((float(self._like[first, second]), first, second))
        found = []
        for like in pairs.values():
            cosine, first, second = max(like)
            (label, phrase), (other, again) = self._phrases[first], self._phrases[second]
            more = f" (and {len(like) - 1} more of their phrases)" if len(like) > 1 else ""
            text = f"{label.name!r} and {other.name!r}: {phrase!r} and {again!r} have a cosine of {cosine:.3f}{more}"
            found.append(Finding("duplicate", label.name, phrase, text, other.name, cosine))
        return found

    def shadows(self) -> list[Finding]:
        """Labels that score at least as high on another label's words as that label."""
        won: dict[tuple[int, int], list[str]] = {}
        for row, (label, phrase) in enumerate(self._phrases):
            own = self._owner[row]
            for place in (self._odds[row] >= self._odds[row, own] - _EQUAL).nonzero().flatten().tolist():
                if place != own and self._labels[place].column == label.column:
                    won.setdefault((own, place), []).append(phrase)
        found = []
        for (own, place), phrases in won.items():
            name, other = self._labels[own].name, self._labels[place].name
            text = f"{name!r}: on its own {', '.join(map(repr, phrases))}, {other!r} scores at least as high"
            found.append(Finding("shadow", name, phrases[0], text, other))
        return found

    def suppressed(self) -> list[Finding]:
        """Labels below their threshold on their own words."""
        found = []
        scores = self._odds.sigmoid()  # (P, C)
        for row, (label, phrase) in enumerate(self._phrases):
            place = self._owner[row]
            score, threshold = float(scores[row, place]), float(self._thresholds[place])
            if score >= threshold:
                continue
            applies = self._words.applies[place]  # (Q,)
            reason, other = "though nothing stands against it: lower its threshold", ""
            if bool(applies.any()):
                worst = int(torch.where(applies, self._unlike[row], -torch.inf).argmax())
                other = self._negatives[worst]
                reason = f"the negative {other!r} (cosine {float(self._unlike[row, worst]):.3f}) stands most against it"
            text = (
                f"{label.name!r}: on its own {phrase!r} it scores {score:.3f}, its threshold is {threshold:g}; {reason}"
            )
            found.append(Finding("suppressed", label.name, phrase, text, other, score))
        return found

    def left_out(self) -> list[Finding]:
        """The vocabulary's own negatives that say the same as a label; the tower's bank is made to give way."""
        found = []
        shared = (self._words.owner == BANK).tolist()
        for column, negative in enumerate(self._negatives):
            if not shared[column] or negative not in self._given:
                continue
            for place in (~self._words.applies[:, column]).nonzero().flatten().tolist():
                rows = [row for row, owner in enumerate(self._owner) if owner == place]
                row = max(rows, key=lambda each: float(self._unlike[each, column]))
                (label, phrase), cosine = self._phrases[row], float(self._unlike[row, column])
                text = f"{label.name!r}: the negative {negative!r} says the same as {phrase!r} (cosine {cosine:.3f})"
                found.append(Finding("left out", label.name, phrase, text, negative, cosine))
        return found

    def _log_odds(self, score: Score) -> torch.Tensor:
        """`(P, C)` log-odds of each label's score on each phrase: unlike the score they never round to 1."""
        words = self._words
        bias = 0.0 if score.bias is None else score.bias
        scales, biases = words.scales, words.biases
        assert scales is not None and biases is not None  # noqa: PT018
        common = scales.isnan()  # (P,)
        logits = self._like * torch.where(common, score.scale, scales) + torch.where(common, bias, biases)  # (P, P)
        best, _ = best_of(logits, words.label_of, words.num_labels)  # (P, C)
        negatives = self._unlike * score.scale + bias  # (P, Q)
        background = torch.full((len(best), 1), -torch.inf if score.bias is None else 0.0)  # (P, 1)
        against = [torch.cat([background, negatives[:, own]], dim=1).logsumexp(dim=1) for own in words.applies]
        odds = best - torch.stack(against, dim=1) if against else best  # (P, C)
        curves = [label.calibration for label in self._labels]
        slopes = torch.tensor([1.0 if curve is None else curve.slope for curve in curves])  # (C,)
        return odds * slopes + torch.tensor([0.0 if curve is None else curve.intercept for curve in curves])
