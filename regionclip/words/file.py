"""Vocabularies as TOML files, and those that ship with regionclip (docs/vocabulary.md)."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomli_w

from regionclip.config import config_folder
from regionclip.errors import ConfigError
from regionclip.formats.files import write_file
from regionclip.words.calibrated import Conditions, Platt, table_of
from regionclip.words.prototype import load_prototypes, save_prototypes
from regionclip.words.templates import NONE, Chosen
from regionclip.words.vocabulary import Label, Vocabulary

_KEYS = {"labels", "negatives", "threshold", "templates", "measured_with"}
_LABEL_KEYS = {"name", "name_zh", "prompts", "negatives", "threshold", "group", "of", "templates"} | {
    "taught",
    "calibration",
}


def vocabulary_folder() -> Path:
    """The folder of shipped vocabularies."""
    return config_folder() / "vocabularies"


def vocabulary_names() -> list[str]:
    """Names of the shipped vocabularies."""
    return sorted(path.stem for path in vocabulary_folder().glob("*.toml"))


def vocabulary_path(name_or_path: str | Path) -> Path:
    """The file of a shipped vocabulary's name, else the path itself."""
    named = str(name_or_path) in vocabulary_names()
    return vocabulary_folder() / f"{name_or_path}.toml" if named else Path(name_or_path)


def vocabulary_note(name_or_path: str | Path) -> str:
    """What a vocabulary file says of itself: its first line where that is a comment, else nothing."""
    first = _text(vocabulary_path(name_or_path)).partition("\n")[0]
    return first.lstrip("# ").strip() if first.startswith("#") else ""


def load_vocabulary(name_or_path: str | Path) -> Vocabulary:
    """`Vocabulary.load`."""
    path = vocabulary_path(name_or_path)
    try:
        table = tomllib.loads(_text(path))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"vocabulary file {path} is not valid TOML: {error}") from error
    _check_keys(table, _KEYS, f"vocabulary file {path}")
    entries = table.pop("labels", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ConfigError(f"vocabulary file {path}: expected [[labels]] tables, got {type(entries).__name__}")
    for entry in entries:
        _check_keys(entry, _LABEL_KEYS, f"{path}, [[labels]]")
        if not isinstance(entry.get("name"), str):
            raise ConfigError(f"vocabulary file {path}: a [[labels]] table has no name")
    notes = {entry["name"]: entry.pop("taught") for entry in entries if "taught" in entry}
    taught = load_prototypes(path, notes)
    for entry in entries:
        if "calibration" in entry:
            entry["calibration"] = Platt.of(entry["calibration"], f"{path}, label {entry['name']!r}")
    if "measured_with" in table:
        table["measured_with"] = Conditions.of(table["measured_with"], f"vocabulary file {path}")
    return Vocabulary(tuple(Label(**entry, taught=taught.get(entry["name"])) for entry in entries), **table)


def save_vocabulary(vocabulary: Vocabulary, path: str | Path) -> None:
    """`Vocabulary.save`."""
    # First, so that the TOML never names what is not there.
    notes = save_prototypes(path, {label.name: label.taught for label in vocabulary if label.taught is not None})
    table = _without_defaults(
        threshold=vocabulary.threshold,
        negatives=list(vocabulary.negatives),
        templates=_written(vocabulary.templates_of(None)) or None,
        measured_with=table_of(vocabulary.measured_with),
    )
    table["labels"] = [_entry(label, vocabulary, notes) for label in vocabulary]
    write_file(path, tomli_w.dumps(table).encode())


def _entry(label: Label, vocabulary: Vocabulary, notes: Mapping[str, Any]) -> dict[str, Any]:
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
        taught=notes.get(label.name),
        calibration=table_of(label.calibration),
    )


def _written(templates: Chosen) -> dict[str, str | list[str]]:
    return {language: given if isinstance(given, str) else list(given) for language, given in templates}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigError(
            f"vocabulary file {path} cannot be read: {error.strerror}: expected a .toml file or one of "
            f"{', '.join(vocabulary_names())}"
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"vocabulary file {path} is not valid TOML: {error}") from error


def _check_keys(table: Mapping[str, Any], known: set[str], what: str) -> None:
    unknown = sorted(set(table) - known)
    if unknown:
        raise ConfigError(f"{what}: unknown key {', '.join(unknown)}; known are {', '.join(sorted(known))}")


def _without_defaults(**fields: Any) -> dict[str, Any]:  # noqa: ANN401 - TOML values of several types
    return {key: value for key, value in fields.items() if value is not None and value != []}
