"""Label and Vocabulary: what the user asks for, in English, Chinese or both, or shown by examples."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TypeAlias

from regionclip.errors import PromptError, few
from regionclip.words.calibrated import Conditions, Platt
from regionclip.words.phrase import check_phrase, check_phrases, language_of, spoken, warn_of_syntax
from regionclip.words.prototype import Prototype
from regionclip.words.templates import Chosen, Templates, read_templates

RESERVED = frozenset(
    {
        *("class_name", "prompt", "region", "objectness", "class_id", "confidence"),
        *("margin", "runner_up", "negative_margin", "negative"),
        *("track_seconds", "unseen_seconds", "verified"),
    }
)
"""Names of result columns (docs/formats.md), which a group cannot have."""


@dataclass(frozen=True, slots=True)
class Label:
    """One thing to look for.

    Attributes:
        name: what comes back in results, byte for byte.
        prompts: phrases that mean it, in any mix of languages, or lists of them by language; empty means the name
            itself. They are kept as one tuple.
        negatives: phrases a region must beat to get this label; they act on this label alone.
        threshold: least confidence, 0..1; None takes the vocabulary's.
        group: labels of one group exclude one another on a region (colour, posture, helmet yes / no).
        taught: what `Detector.teach` learned from examples; it then stands in place of prompts.
        of: the labels it is asked of: it is then an attribute, a column on their rows, and no detection of its own.
        name_zh: how it is shown to readers of Chinese; None shows `name`.
        templates: as of a vocabulary, in place of those; "none" for no templates; None takes the vocabulary's.
        languages: the language of each prompt; empty where Han characters tell it. Given with prompts by language.
        calibration: what turns its score into a probability (docs/calibration.md); thresholds are of that. None leaves
            the score as it is.

    Raises:
        PromptError: for an empty name or phrase, a threshold outside 0..1, or prompts beside `taught`.
    """

    name: str
    prompts: Sequence[str] | Mapping[str, Sequence[str]] = ()
    negatives: Sequence[str] = ()
    threshold: float | None = None
    group: str | None = None
    taught: Prototype | None = None
    of: str | Sequence[str] = ()
    name_zh: str | None = None
    templates: Templates | None = None
    languages: Sequence[str] = ()
    calibration: Platt | None = None

    def __post_init__(self) -> None:
        check_phrase(self.name, "label name")
        what = f"label {self.name!r}"
        prompts, languages = spoken(self.prompts, self.languages, f"{what}: prompts")
        object.__setattr__(self, "prompts", prompts)
        object.__setattr__(self, "languages", languages)
        object.__setattr__(self, "negatives", check_phrases(self.negatives, f"{what}: negatives"))
        object.__setattr__(self, "of", check_phrases([self.of] if isinstance(self.of, str) else self.of, f"{what}: of"))
        if self.templates is not None:
            object.__setattr__(self, "templates", read_templates(self.templates, f"{what}: templates"))
        _check_threshold(self.threshold, what)
        for name, value in (("group", self.group), ("name_zh", self.name_zh)):
            if value is not None:
                check_phrase(value, f"{what}: {name}")
        if self.group in RESERVED:
            raise PromptError(f"{what}: group {self.group!r} is the name of a result column")
        if self.taught is not None and self.prompts:
            raise PromptError(f"{what} is taught: expected no prompts beside; give them to Detector.teach")

    @property
    def phrases(self) -> tuple[str, ...]:
        """The phrases that are encoded; for a taught label its name, which is not encoded but stands for it."""
        return tuple(self.prompts) or (self.name,)

    @property
    def spoken(self) -> tuple[tuple[str, str], ...]:
        """The phrases, each with its language, as `("叉车", "zh")`."""
        return tuple(zip(self.phrases, self.languages or map(language_of, self.phrases), strict=True))

    @property
    def column(self) -> str | None:
        """Of an attribute, the result column it is a value of: its group, else its own name. None for others."""
        return (self.group or self.name) if self.of else None

    def shown(self, language: str) -> str:
        """The name for readers of a language."""
        return self.name_zh if language == "zh" and self.name_zh is not None else self.name


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Labels in order, with what they are weighed against.

    Attributes:
        labels: what to look for; a result's `class_id` is the place in this tuple.
        negatives: phrases that every label is weighed against, beside the tower's own bank.
        threshold: least confidence, 0..1, of labels that have none of their own; None takes the tower's.
        templates: sentences that phrases are put into: the name of a set, or `{en = ..., zh = ...}` of names and lists
            (`regionclip.words.templates`). They are kept as sorted pairs.
        measured_with: what its thresholds were measured with, where `regionclip calibrate` set them; another detector
            warns.

    Raises:
        PromptError: for doubled names, one phrase under two labels that compete, attributes of a label that is not
            there or of themselves, or two columns of one name.
    """

    labels: Sequence[str | Label] = ()
    negatives: Sequence[str] = ()
    threshold: float | None = None
    templates: Templates = ()
    measured_with: Conditions | None = None
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if isinstance(self.labels, str) or not isinstance(self.labels, Sequence):
            raise PromptError(f"vocabulary labels: expected a list of strings and labels, got {self.labels!r}")
        object.__setattr__(self, "labels", tuple(_label(label) for label in self.labels))
        object.__setattr__(self, "negatives", check_phrases(self.negatives, "vocabulary negatives"))
        object.__setattr__(self, "templates", read_templates(self.templates, "vocabulary templates"))
        _check_threshold(self.threshold, "vocabulary")
        self._check_names()
        self._check_columns()
        values = (self.labels, self.negatives, self.threshold, self.templates, self.measured_with)
        object.__setattr__(self, "_hash", hash(values))

    def __hash__(self) -> int:
        return self._hash  # of a thousand labels it takes milliseconds, and a stream asks for each frame

    def __reduce__(self) -> tuple[object, ...]:
        """Made anew where it is unpickled: another process hashes strings otherwise."""
        return Vocabulary, (self.labels, self.negatives, self.threshold, self.templates, self.measured_with)

    def __len__(self) -> int:
        return len(self.labels)

    def __iter__(self) -> Iterator[Label]:
        return iter(label for label in self.labels if isinstance(label, Label))

    @property
    def names(self) -> tuple[str, ...]:
        """The labels' names, in order."""
        return tuple(label.name for label in self)

    @property
    def plain(self) -> tuple[int, ...]:
        """Places of the labels that may become detections: all but attributes."""
        return tuple(place for place, label in enumerate(self) if not label.of)

    @property
    def columns(self) -> dict[str, tuple[int, ...]]:
        """Name of each attribute column and the places of its labels; one that asks of another stands after it."""
        members: dict[str, list[int]] = {}
        for place, label in enumerate(self):
            if label.column is not None:
                members.setdefault(label.column, []).append(place)
        if not members:
            return {}
        labels = tuple(self)
        column_of = {label.name: label.column for label in labels}
        asks = {
            column: dict.fromkeys(above for place in places for name in labels[place].of if (above := column_of[name]))
            for column, places in members.items()
        }
        return {column: tuple(members[column]) for column in TopologicalSorter(asks).static_order()}

    def templates_of(self, label: Label | None) -> Chosen:
        """The templates in force for a label's phrases and negatives; None asks for the vocabulary's own."""
        own = None if label is None else label.templates
        # A checked value goes through unchanged; this is for the type alone.
        return read_templates(self.templates if own is None else own, "templates")

    @classmethod
    def of(cls, words: "Words") -> "Vocabulary":
        """Make a vocabulary of what a caller holds: one string, strings and labels in a list, or a vocabulary.

        A string is one label, never split; a warning tells where several were probably meant. The same words give the
        same vocabulary again, without being checked anew.
        """
        if isinstance(words, Vocabulary):
            return words
        if isinstance(words, str | Label):
            words = [words]
        if not isinstance(words, Sequence):
            raise PromptError(f"words: expected strings, labels or a Vocabulary, got {type(words).__name__}")
        try:
            return _vocabulary_of(tuple(words))
        except TypeError:  # an entry that cannot be hashed, and so is no word either
            return cls(words)

    @classmethod
    def load(cls, name_or_path: str | Path) -> "Vocabulary":
        """Read a TOML vocabulary (docs/vocabulary.md), or the one of that name that ships with regionclip.

        Where labels are taught, the safetensors file beside it is read too.

        Raises:
            ConfigError: where there is no such file or name, it is not TOML, or has an unknown key.
            FileError: where the file beside it is missing, damaged, or of another vocabulary.
            PromptError: where its words cannot be asked for.
        """
        from regionclip.words.file import load_vocabulary

        return load_vocabulary(name_or_path)

    def save(self, path: str | Path) -> None:
        """Write the vocabulary as TOML; `Vocabulary.load` gives an equal one back.

        What was taught goes into a file beside it of the same name but with the ending `.safetensors`.

        Raises:
            FileError: where a file cannot be written.
        """
        from regionclip.words.file import save_vocabulary

        save_vocabulary(self, path)

    def _check_names(self) -> None:
        names: set[str] = set()
        owner: dict[tuple[str | None, str], str] = {}
        for label in self:
            if label.name in names:
                raise PromptError(f"label {label.name!r} is given twice: expected each name once; merge their prompts")
            names.add(label.name)
            for phrase in () if label.taught else label.phrases:
                other = owner.setdefault((label.column, _folded(phrase)), label.name)
                if other != label.name:
                    raise PromptError(
                        f"phrase {phrase!r} stands under both {other!r} and {label.name!r}: no score could tell "
                        "the two apart; give it to one of them"
                    )

    def _check_columns(self) -> None:
        names = set(self.names)
        for label in self:
            if absent := [name for name in label.of if name not in names]:
                known = few(sorted(names - {label.name}), 8)
                wanted = f"expected one of {known}" if known else "it is the only one"
                raise PromptError(f"label {label.name!r}: of = {absent[0]!r} is no label: {wanted}")
        try:
            attributes = self.columns
        except CycleError as error:
            raise PromptError(
                f"attributes ask of one another in a circle: {' of '.join(reversed(error.args[1]))}"
            ) from error
        groups = dict.fromkeys(label.group for label in self if label.group and not label.of)
        taken = set(RESERVED)
        for column in (*groups, *(name for each in attributes for name in (each, f"{each}_score"))):
            if column in taken:
                raise PromptError(
                    f"column {column!r} would stand twice in results: groups, attributes and their scores (NAME_score) "
                    f"need names of their own, unlike {', '.join(sorted(RESERVED))}; in one group all or no labels "
                    "have `of`"
                )
            taken.add(column)


@lru_cache(maxsize=64)
def _vocabulary_of(words: tuple[str | Label, ...]) -> Vocabulary:
    vocabulary = Vocabulary(words)
    warn_of_syntax(word for word in words if isinstance(word, str))
    return vocabulary


Words: TypeAlias = Vocabulary | Label | str | Sequence[str | Label]
"""What may be asked for: `["person", "红色背包", Label("forklift", prompts=("forklift", "叉车"))]`."""


def parse_label(text: str) -> Label:
    r"""Read `name` or `name=phrase|phrase`, as the command line takes it; `\=`, `\|` and `\\` are literal.

    >>> parse_label("forklift=forklift|叉车").prompts
    ('forklift', '叉车')
    >>> parse_label(r"1\=1").name
    '1=1'
    """
    parts: list[list[str]] = [[""]]  # [[name], [phrase, phrase, ...]]
    characters = iter(text)
    for character in characters:
        if character == "\\":
            parts[-1][-1] += next(characters, "\\")
        elif character == "=" and len(parts) == 1:
            parts.append([""])
        elif character == "|" and len(parts) == 2:
            parts[-1].append("")
        else:
            parts[-1][-1] += character
    name = parts[0][0].strip()
    phrases = tuple(phrase.strip() for phrase in parts[1]) if len(parts) == 2 else ()
    return Label(name, phrases)


def _label(word: object) -> Label:
    if isinstance(word, Label):
        return word
    if isinstance(word, str):
        return Label(word)
    raise PromptError(f"words: expected strings or labels, got {type(word).__name__} {word!r}")


def _folded(phrase: str) -> str:
    """The phrase as every tower reads it: case makes no difference."""
    return phrase.strip().lower()


def _check_threshold(threshold: object, what: str) -> None:
    if threshold is None:
        return
    if isinstance(threshold, bool) or not isinstance(threshold, int | float) or not 0 <= threshold <= 1:
        raise PromptError(f"{what}: expected a threshold in 0..1, got {threshold!r}")
