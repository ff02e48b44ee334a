"""Label and Vocabulary: what the user asks for, in English, Chinese or both, or shown by examples."""

import tomllib
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import tomli_w

from regionclip.errors import ConfigError, PromptError
from regionclip.files import write_file
from regionclip.prototype import Prototype, load_prototypes, save_prototypes

RESERVED = frozenset({"class_name", "prompt", "region", "objectness", "margin", "runner_up", "class_id", "confidence"})
"""Names of result columns (docs/formats.md), which a group cannot have."""


@dataclass(frozen=True, slots=True)
class Label:
    """One thing to look for.

    Attributes:
        name: what comes back in results, byte for byte.
        prompts: phrases that mean it, in any mix of languages; empty means the name itself.
        negatives: phrases a region must beat to get this label; they act on this label alone.
        threshold: least confidence, 0..1; None takes the vocabulary's.
        group: labels of one group exclude one another on a region (colour, posture, helmet yes / no).
        taught: what `Detector.teach` learned from examples; it then stands in place of prompts.

    Raises:
        PromptError: for an empty name or phrase, a threshold outside 0..1, or prompts beside `taught`.
    """

    name: str
    prompts: Sequence[str] = ()
    negatives: Sequence[str] = ()
    threshold: float | None = None
    group: str | None = None
    taught: Prototype | None = None

    def __post_init__(self) -> None:
        for field in ("prompts", "negatives"):
            object.__setattr__(self, field, _phrases(getattr(self, field), f"label {self.name!r}: {field}"))
        check_phrase(self.name, "label name")
        _check_threshold(self.threshold, f"label {self.name!r}")
        if self.group is not None:
            check_phrase(self.group, f"label {self.name!r}: group")
            if self.group in RESERVED:
                raise PromptError(f"label {self.name!r}: group {self.group!r} is the name of a result column")
        if self.taught is not None and self.prompts:
            raise PromptError(f"label {self.name!r} is taught: expected no prompts beside; give them to Detector.teach")

    @property
    def phrases(self) -> tuple[str, ...]:
        """The phrases that are encoded; for a taught label its name, which is not encoded but stands for it."""
        return tuple(self.prompts) or (self.name,)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Labels in order, with what they are weighed against.

    Attributes:
        labels: what to look for; a result's `class_id` is the place in this tuple.
        negatives: phrases that every label is weighed against, beside the tower's own bank.
        threshold: least confidence, 0..1, of labels that have none of their own; None takes the tower's.

    Raises:
        PromptError: for doubled names, or one phrase under two labels.
    """

    labels: Sequence[str | Label] = ()
    negatives: Sequence[str] = ()
    threshold: float | None = None

    def __post_init__(self) -> None:
        if isinstance(self.labels, str) or not isinstance(self.labels, Sequence):
            raise PromptError(f"vocabulary labels: expected a list of strings and labels, got {self.labels!r}")
        object.__setattr__(self, "labels", tuple(_label(label) for label in self.labels))
        object.__setattr__(self, "negatives", _phrases(self.negatives, "vocabulary negatives"))
        _check_threshold(self.threshold, "vocabulary")
        names: set[str] = set()
        owner: dict[str, str] = {}
        for label in self:
            if label.name in names:
                raise PromptError(f"label {label.name!r} is given twice: expected each name once; merge their prompts")
            names.add(label.name)
            for phrase in () if label.taught else label.phrases:
                other = owner.setdefault(_folded(phrase), label.name)
                if other != label.name:
                    raise PromptError(
                        f"phrase {phrase!r} stands under both {other!r} and {label.name!r}: no score could tell "
                        "the two apart; give it to one of them"
                    )

    def __len__(self) -> int:
        return len(self.labels)

    def __iter__(self) -> Iterator[Label]:
        return iter(label for label in self.labels if isinstance(label, Label))

    @property
    def names(self) -> tuple[str, ...]:
        """The labels' names, in order."""
        return tuple(label.name for label in self)

    @classmethod
    def of(cls, words: "Words") -> "Vocabulary":
        """Make a vocabulary of what a caller holds: one string, strings and labels in a list, or a vocabulary.

        A string is one label, never split.
        """
        if isinstance(words, Vocabulary):
            return words
        if isinstance(words, str | Label):
            words = [words]
        if not isinstance(words, Sequence):
            raise PromptError(f"words: expected strings, labels or a Vocabulary, got {type(words).__name__}")
        return cls(words)

    @classmethod
    def load(cls, path: str | Path) -> "Vocabulary":
        """Read a TOML vocabulary (docs/vocabulary.md), and the safetensors file beside it where labels are taught.

        Raises:
            ConfigError: where the file is missing, is not TOML, or has an unknown key.
            FileError: where the file beside it is missing, damaged, or of another vocabulary.
            PromptError: where its words cannot be asked for.
        """
        path = Path(path)
        try:
            table = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        except OSError as error:
            raise ConfigError(f"vocabulary file {path} cannot be read: {error.strerror}") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"vocabulary file {path} is not valid TOML: {error}") from error
        _check_keys(table, {"labels", "negatives", "threshold"}, f"vocabulary file {path}")
        entries = table.pop("labels", [])
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise ConfigError(f"vocabulary file {path}: expected [[labels]] tables, got {type(entries).__name__}")
        for entry in entries:
            _check_keys(entry, {"name", "prompts", "negatives", "threshold", "group", "taught"}, f"{path}, [[labels]]")
            if "name" not in entry:
                raise ConfigError(f"vocabulary file {path}: a [[labels]] table has no name")
        notes = {entry["name"]: entry.pop("taught") for entry in entries if "taught" in entry}
        taught = load_prototypes(path, notes)
        return cls(tuple(Label(**entry, taught=taught.get(entry["name"])) for entry in entries), **table)

    def save(self, path: str | Path) -> None:
        """Write the vocabulary as TOML; `Vocabulary.load` gives an equal one back.

        What was taught goes into a file beside it of the same name but with the ending `.safetensors`.

        Raises:
            FileError: where a file cannot be written.
        """
        # First, so that the TOML never names what is not there.
        notes = save_prototypes(path, {label.name: label.taught for label in self if label.taught is not None})
        labels = [
            _without_defaults(
                name=label.name,
                prompts=list(label.prompts),
                negatives=list(label.negatives),
                threshold=label.threshold,
                group=label.group,
                taught=notes.get(label.name),
            )
            for label in self
        ]
        table = _without_defaults(threshold=self.threshold, negatives=list(self.negatives)) | {"labels": labels}
        write_file(path, tomli_w.dumps(table).encode())


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


def _phrases(value: object, what: str) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise PromptError(f"{what}: expected a list of strings, got {value!r}")
    for phrase in value:
        check_phrase(phrase, what)
    return tuple(dict.fromkeys(value))


def check_phrase(phrase: object, what: str) -> None:
    """Make sure that `phrase` is a string with something to read in it.

    Raises:
        PromptError: naming `what` it was meant for.
    """
    if not isinstance(phrase, str):
        raise PromptError(f"{what}: expected a string, got {type(phrase).__name__} {phrase!r}")
    if not any(unicodedata.category(character)[0] in "LNPS" for character in phrase):
        raise PromptError(f"{what}: expected words, got {phrase!r}")
    if any(unicodedata.category(character) == "Cs" for character in phrase):
        raise PromptError(
            f"{what}: expected valid Unicode, got {phrase!r}; was it typed in another encoding than UTF-8?"
        )


def _check_threshold(threshold: object, what: str) -> None:
    if threshold is None:
        return
    if isinstance(threshold, bool) or not isinstance(threshold, int | float) or not 0 <= threshold <= 1:
        raise PromptError(f"{what}: expected a threshold in 0..1, got {threshold!r}")


def _check_keys(table: Mapping[str, Any], known: set[str], what: str) -> None:
    unknown = sorted(set(table) - known)
    if unknown:
        raise ConfigError(f"{what}: unknown key {', '.join(unknown)}; known are {', '.join(sorted(known))}")


def _without_defaults(**fields: Any) -> dict[str, Any]:  # noqa: ANN401 - TOML values of several types
    return {key: value for key, value in fields.items() if value is not None and value != []}
