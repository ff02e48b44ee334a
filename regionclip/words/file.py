"""Vocabularies as TOML files, and those that ship with regionclip (docs/vocabulary.md)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, ClassVar

import tomli_w
from pydantic import Field

from regionclip.config import config_folder
from regionclip.errors import PromptError
from regionclip.formats.settings import Expected, Settings, read_toml, shipped_names
from regionclip.formats.together import write_together
from regionclip.words.calibrated import Conditions, Platt, table_of
from regionclip.words.phrase import warn_of_syntax
from regionclip.words.prototype import Prototype, TaughtNote, beside, load_prototypes, packed
from regionclip.words.templates import NONE, Chosen
from regionclip.words.vocabulary import Label, Vocabulary, parse_label

Phrases = tuple[str, ...]
Prompts = Annotated[
    Phrases | Mapping[str, Phrases], Expected("a list of text, or such lists by language, {en = [...], zh = [...]}")
]
TemplatesTable = Annotated[
    str | Mapping[str, str | Phrases], Expected("the name of a set, or {en = ..., zh = ...} of names and lists of text")
]
Threshold = Annotated[float, Field(ge=0, le=1)]


class LabelTable(Settings):
    """A table `[[labels]]`; its keys mean what they mean in `Label`.

    Attributes:
        asked_of: the key `of`.
        taught: what stands beside the numbers of a label that was taught.
    """

    name: str
    name_zh: str | None = None
    prompts: Prompts = ()
    negatives: Phrases = ()
    threshold: Threshold | None = None
    group: str | None = None
    asked_of: str | Phrases = Field(default=(), validation_alias="of")
    templates: TemplatesTable | None = None
    taught: TaughtNote | None = None
    calibration: Platt | None = None

    def label(self, taught: Prototype | None) -> Label:
        """The label that it tells of."""
        given = {key: value for key, value in self if key not in ("asked_of", "taught")}
        return Label(**given, of=self.asked_of, taught=taught)


class VocabularyFile(Settings):
    """A vocabulary file; its keys mean what they mean in `Vocabulary`."""

    title: ClassVar[str] = "vocabulary"

    labels: tuple[LabelTable, ...] = ()
    negatives: Phrases = ()
    threshold: Threshold | None = None
    templates: TemplatesTable = Field(default={})
    measured_with: Conditions | None = None


def vocabulary_folder() -> Path:
    """The folder of shipped vocabularies."""
    return config_folder() / "vocabularies"


def vocabulary_names() -> list[str]:
    """Names of the shipped vocabularies."""
    return shipped_names(vocabulary_folder())


def read_words(prompts: Sequence[str], file: str | Path | None, threshold: float | None) -> Vocabulary:
    """The labels of a file, and after them those of `prompts`; there may be none.

    Args:
        prompts: as `-p` takes them (`parse_label`).
        file: a `.toml` vocabulary, the name of one that ships with regionclip, else lines as `prompts` are.
        threshold: least confidence of labels without their own; None takes the file's.

    Raises:
        PromptError: where they cannot be asked for, or the file cannot be read.
    """
    labels = [parse_label(prompt) for prompt in prompts]
    warn_of_syntax(label.name for label in labels if not label.prompts and not {*"=|"} & {*label.name})
    if file is None:
        return Vocabulary(labels, threshold=threshold)
    known = str(file) in vocabulary_names() or Path(file).suffix == ".toml"
    given = Vocabulary.load(file) if known else _read_lines(Path(file))
    return replace(given, labels=(*given, *labels), threshold=given.threshold if threshold is None else threshold)


def vocabulary_path(name_or_path: str | Path) -> Path:
    """The file of a shipped vocabulary's name, else the path itself."""
    named = str(name_or_path) in vocabulary_names()
    return vocabulary_folder() / f"{name_or_path}.toml" if named else Path(name_or_path)


def vocabulary_note(name: str) -> str:
    """What a shipped vocabulary says of itself: its first line where that is a comment, else nothing."""
    first = vocabulary_path(name).read_text(encoding="utf-8").partition("\n")[0]
    return first.lstrip("# ").strip() if first.startswith("#") else ""


def load_vocabulary(name_or_path: str | Path) -> Vocabulary:
    """`Vocabulary.load`."""
    path = vocabulary_path(name_or_path)
    table = read_toml(path, "vocabulary file", vocabulary_names())
    file = VocabularyFile.of(table, f"vocabulary file {path}")
    taught = load_prototypes(path, {each.name: each.taught for each in file.labels if each.taught is not None})
    labels = [each.label(taught.get(each.name)) for each in file.labels]
    return Vocabulary(labels, **{key: value for key, value in file if key != "labels"})


def save_vocabulary(vocabulary: Vocabulary, path: str | Path) -> None:
    """`Vocabulary.save`."""
    write_together(files_of(vocabulary, path))


def files_of(vocabulary: Vocabulary, path: str | Path) -> dict[Path, bytes]:
    """The files of a vocabulary and what is in them, the numbers of taught labels first.

    Raises:
        ConfigError: where there are such labels and the path itself ends in `.safetensors`.
    """
    taught = {label.name: label.taught for label in vocabulary if label.taught is not None}
    table = _without_defaults(
        threshold=vocabulary.threshold,
        negatives=list(vocabulary.negatives),
        templates=_written(vocabulary.templates_of(None)) or None,
        measured_with=table_of(vocabulary.measured_with),
    )
    table["labels"] = [_entry(label, vocabulary) for label in vocabulary]
    numbers = {beside(Path(path)): packed(taught)} if taught else {}
    return {**numbers, Path(path): tomli_w.dumps(table).encode()}


def _entry(label: Label, vocabulary: Vocabulary) -> dict[str, Any]:
    by_language: dict[str, list[str]] = {}
    for phrase, language in zip(label.prompts, label.languages, strict=False):
        by_language.setdefault(language, []).append(phrase)
    return _without_defaults(
        name=label.name,
        name_zh=label.name_zh,
        of=label.of[0] if len(label.of) == 1 else list(label.of),
        group=label.group,
        threshold=label.threshold,
        prompts=by_language or list(label.prompts),
        negatives=list(label.negatives),
        templates=None if label.templates is None else _written(vocabulary.templates_of(label)) or NONE,
        taught=None if label.taught is None else label.taught.note.model_dump(),
        calibration=table_of(label.calibration),
    )


def _written(templates: Chosen) -> dict[str, str | list[str]]:
    return {language: given if isinstance(given, str) else list(given) for language, given in templates}


def _without_defaults(**fields: Any) -> dict[str, Any]:  # noqa: ANN401 - TOML values of several types
    return {key: value for key, value in fields.items() if value is not None and value != []}


def _read_lines(file: Path) -> Vocabulary:
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise PromptError(f"prompts file {file} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise PromptError(f"prompts file {file} is not UTF-8: {error}") from error
    return Vocabulary([parse_label(line) for line in lines if line.strip() and not line.startswith("#")])
