"""Reading the tables of a rule file: every key is checked, and every error names file, table and key."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from regionclip.errors import ConfigError


class TableReader:
    """Takes the values of one table, checked.

    Args:
        table: as TOML gives it.
        what: names file and table in errors, as `rules.toml, [[rule]] "night"`.

    Raises:
        ConfigError: here where `table` is no table; every method for a value that is missing or cannot be.
    """

    def __init__(self, table: object, what: str) -> None:
        if not isinstance(table, Mapping):
            raise ConfigError(f"{what}: expected a table, got {table!r}")
        self._table: Mapping[str, Any] = table
        self.what = what

    def error(self, key: str, expected: str, got: object) -> ConfigError:
        """An error about a key."""
        return ConfigError(f"{self.what}: {key}: expected {expected}, got {got!r}")

    def __contains__(self, key: str) -> bool:
        return key in self._table

    def only(self, known: Sequence[str], of: str = "") -> None:
        """Refuse keys that are not in `known`; `of` says what they are the keys of."""
        unknown = [key for key in self._table if key not in known]
        if unknown:
            raise ConfigError(f"{self.what}: unknown key {', '.join(unknown)}{of}; known are {', '.join(known)}")

    def value(self, key: str, expected: str) -> object:
        """The value of a key that has to be there."""
        if key not in self._table:
            raise ConfigError(f"{self.what}: {key} is missing: expected {expected}")
        return self._table[key]

    def text(self, key: str) -> str:
        """A string that is not empty."""
        value = self.value(key, "a string")
        if not isinstance(value, str) or not value.strip():
            raise self.error(key, "a string that is not empty", value)
        return value

    def choice(self, key: str, choices: Sequence[str], default: str | None = None) -> str:
        """One of several words."""
        if key not in self._table and default is not None:
            return default
        value = self.value(key, f"one of {', '.join(choices)}")
        if not isinstance(value, str) or value not in choices:
            raise self.error(key, f"one of {', '.join(choices)}", value)
        return value

    def flag(self, key: str, default: bool) -> bool:
        """True or false."""
        value = self._table.get(key, default)
        if not isinstance(value, bool):
            raise self.error(key, "true or false", value)
        return value

    def number(self, key: str, default: float | None = None, *, most: float = math.inf, above: bool = False) -> float:
        """A finite number from 0, or above it, up to `most`."""
        expected = f"a number {'above' if above else 'of at least'} 0" + (
            f", {most:g} at most" if most < math.inf else ""
        )
        value = self.value(key, expected) if default is None else self._table.get(key, default)
        if not is_number(value) or not 0 <= value <= most or (above and value == 0):  # type: ignore[operator]
            raise self.error(key, expected, value)
        return float(value)  # type: ignore[arg-type]

    def whole(self, key: str) -> int:
        """A whole number from 0."""
        value = self.value(key, "a whole number of at least 0")
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise self.error(key, "a whole number of at least 0", value)
        return value

    def words(self, key: str, default: Sequence[str] = ()) -> tuple[str, ...]:
        """One string, or a list of different ones."""
        return as_words(self._table.get(key, list(default)), f"{self.what}: {key}", empty=key not in self._table)

    def table(self, key: str) -> "TableReader":
        """A table; empty where it is not there."""
        return TableReader(self._table.get(key, {}), f"{self.what}, {key}")

    def tables(self, key: str) -> list["TableReader"]:
        """Tables of a name, `[[key]]`."""
        value = self._table.get(key, [])
        if not isinstance(value, list):
            raise ConfigError(f"{self.what}: expected [[{key}]] tables, got {value!r}")
        return [TableReader(table, f"{self.what}, [[{key}]] {place}") for place, table in enumerate(value, 1)]

    def pairs(self) -> list[tuple[str, tuple[str, ...]]]:
        """Every key with its words."""
        return [(key, as_words(value, f"{self.what}: {key}")) for key, value in self._table.items()]


def as_words(value: object, what: str, *, empty: bool = False) -> tuple[str, ...]:
    """A string or a list of different strings as a tuple; without any only where `empty` is set."""
    words = [value] if isinstance(value, str) else value
    if (
        not isinstance(words, list | tuple)
        or not all(isinstance(word, str) and word.strip() for word in words)
        or (not words and not empty)
        or len(set(words)) < len(words)
    ):
        raise ConfigError(f"{what}: expected a string, or a list of different strings, got {value!r}")
    return tuple(words)


def is_number(value: object) -> bool:
    """Whether a value is a finite number; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
