"""The one reader of settings: TOML tables into frozen pydantic models, a mistake told in one line.

rules.toml, [[rule]] 'night': seconds: expected a number of at least 0, got -1
site.toml, [webhook]: unknown key adress; known are headers, timeout, url
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MinLen, Predicate
from pydantic import BaseModel, BeforeValidator, ConfigDict, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from regionclip.errors import ConfigError

T = TypeVar("T")

_WORDS = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}
_LONGEST = 200  # characters of a value that an error shows
_nested: ContextVar[bool] = ContextVar("nested", default=False)


@dataclass(frozen=True, slots=True)
class Expected:
    """Says in an annotation what a value has to be, where its type does not say it well enough.

    Attributes:
        words: what follows "expected" in an error.
        secret: the value itself is never shown.
    """

    words: str
    secret: bool = False


Text = Annotated[
    str, Predicate(lambda text: bool(text.strip()) and "\0" not in text), Expected("text that is not empty")
]

Texts = Annotated[
    tuple[Text, ...],
    BeforeValidator(lambda given: (given,) if isinstance(given, str) else given),
    MinLen(1),
    Predicate(lambda texts: len(set(texts)) == len(texts)),
    Expected("a string, or a list of different strings"),
]
"""One text or several."""


class Settings(BaseModel):
    """Base of all settings: frozen, no unknown keys, no guessing between types; lists serve as tuples.

    Limits stand in the annotation, `Annotated[int, Field(ge=1)] = 8`; what they cannot say is a `Predicate` beside an
    `Expected`. `validation_alias` names a key that tables have under another name than Python.

    Raises:
        ConfigError: for what cannot be; never pydantic's own ValidationError.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        arbitrary_types_allowed=True,
    )
    title: ClassVar[str] = "settings"
    """Names these settings in errors where no file does."""

    def __init__(self, /, **values: Any) -> None:  # noqa: ANN401 - checked on the way
        if _nested.get():  # the outermost tells, since it knows the way here
            super().__init__(**values)
            return
        fields = type(self).model_fields
        table = {_key(name, fields[name]) if name in fields else name: _tuples(values[name]) for name in values}
        with _telling(type(self), table, self.title):
            super().__init__(**table)

    @classmethod
    def of(cls, table: object, source: str) -> Self:
        """Settings of a table as TOML gives it; `source` names it in errors."""
        with _telling(cls, table, source):
            return cls.model_validate(_tuples(table))

    def replaced(self, **values: Any) -> Self:  # noqa: ANN401 - checked on the way
        """These settings with some replaced, checked again."""
        return type(self)(**{name: getattr(self, name) for name in type(self).model_fields} | values)


def value_of(kind: Any, value: object, where: str) -> Any:  # noqa: ANN401 - a value of the type that `kind` names
    """`value` as a setting of type `kind` takes it; `where` names it in errors.

    Raises:
        ConfigError: it does not fit.
    """
    try:
        return TypeAdapter(kind, config=ConfigDict(strict=True, allow_inf_nan=False)).validate_python(_tuples(value))
    except ValidationError as error:
        raise ConfigError(f"{where}: expected {in_words(kind)}, got {_shown(value)}") from error


def read_toml(path: str | Path, what: str, known: Sequence[str] = ()) -> dict[str, Any]:
    """The tables of a TOML file.

    Args:
        path: of the file.
        what: kind of file, named in errors.
        known: names that could have been given in place of a path.

    Raises:
        ConfigError: where there is no such file, or it is not TOML.
    """
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8-sig"))
    except OSError as error:
        names = f": expected a .toml file or one of {', '.join(known)}" if known else ""
        raise ConfigError(f"{what} {path} cannot be read: {error.strerror}{names}") from error
    except (ValueError, RecursionError) as error:  # not UTF-8, not TOML, too long a number, too deep
        raise ConfigError(f"{what} {path} is not valid TOML: {error}") from error


def read_shipped(name_or_path: str | Path, folder: Path, what: str) -> dict[str, Any]:
    """The tables of a TOML file, or of the one of that name that ships with regionclip, in `folder`.

    Raises:
        ConfigError: as `read_toml`; where there is none of that name, those that there are are listed.
    """
    names = shipped_names(folder)
    if Path(name_or_path).suffix == ".toml":
        return read_toml(name_or_path, what, names)
    if str(name_or_path) not in names:
        raise ConfigError(f"{what} {name_or_path} does not exist: expected a .toml file or one of {', '.join(names)}")
    return read_toml(folder / f"{name_or_path}.toml", what)


def shipped_names(folder: Path) -> list[str]:
    """Names of the TOML files of a folder."""
    return sorted(path.stem for path in folder.glob("*.toml"))


def in_words(kind: Any, *notes: Any) -> str:  # noqa: ANN401 - any annotation
    """What a value of an annotation has to be, as it stands after "expected"."""
    if own := [note.words for note in notes if isinstance(note, Expected)]:
        return own[-1]  # the outermost
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return in_words(inner[0], *inner[1:], *notes)
    if origin is Literal:
        return ("one of " if len(inner) > 1 else "") + ", ".join(map(str, inner))
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(in_words(each, *notes) for each in inner if each is not NoneType))
    if origin is tuple:
        if _models(inner[0]):
            return "a list of tables"
        count = "" if inner[-1] is ... else f"{len(inner)} values, each "
        return f"a list of {count}{in_words(inner[0])}"
    is_table = origin in (dict, Mapping) or (isinstance(kind, type) and issubclass(kind, BaseModel))
    return "a table" if is_table else _WORDS.get(kind, "text") + _range(notes)


def _range(notes: Sequence[Any]) -> str:
    limits = {type(limit): limit for note in notes for limit in _limits(note)}
    least, above, most, below = (limits.get(kind) for kind in (Ge, Gt, Le, Lt))
    if least and most:
        return f" in {_number(least.ge)}..{_number(most.le)}"
    parts = [f" of at least {_number(least.ge)}"] if least else [f" above {_number(above.gt)}"] if above else [""]
    parts += [f"{_number(most.le)} at most"] if most else [f"below {_number(below.lt)}"] if below else []
    return ", ".join(parts)


def _number(limit: float) -> str:
    return f"{limit:g}" if isinstance(limit, float) else str(limit)


def _limits(note: Any) -> tuple[Any, ...]:  # noqa: ANN401
    return tuple(note.metadata) if hasattr(note, "metadata") else (note,)


@contextmanager
def _telling(kind: type[BaseModel], table: object, source: str) -> Iterator[None]:
    """Turn a ValidationError that leaves the block into our own error, in one line."""
    token = _nested.set(True)
    try:
        yield
    except ValidationError as error:
        # An unknown key is often the misspelt one that is missing, so it is told first.
        first = min(error.errors(), key=lambda each: each["type"] != "extra_forbidden")
        raise ConfigError(_Place(kind, table, source).told(first)) from None
    finally:
        _nested.reset(token)


class _Place:
    """Where in the tables an error is, found by following the way that pydantic gives for it."""

    def __init__(self, kind: type[BaseModel], table: object, source: str) -> None:
        self._tables, self._key = [source], ""
        self._kind: Any = kind
        self._notes: tuple[Any, ...] = ()
        self._value = table

    def told(self, error: ErrorDetails) -> str:
        """The error as one line."""
        what, way = error["type"], error["loc"]
        for step in way[:-1] if what == "extra_forbidden" else way:
            if isinstance(step, str):
                self._enter(step)
            elif not self._enter_entry(step):
                break
        models, given = _models(self._kind), self._entry("kind")
        if what == "extra_forbidden":
            known = ", ".join(sorted(_keys(models[0])))
            kind = "" if given is None or not _tags(models[0]) else f" where kind is {_plain(str(given))}"
            return f"{self._table()}: unknown key {_plain(str(way[-1]))}{kind}; known are {known}"
        if what.startswith("union_tag"):
            kinds = ", ".join(tag for model in models for tag in _tags(model))
            if given is None:
                return f"{self._table()}: kind is missing: expected one of {kinds}"
            return f"{self._table()}: kind: expected one of {kinds}, got {_shown(given)}"
        if what == "value_error":
            place = self._table() if isinstance(self._value, Mapping) else self._where()
            said = str(error["ctx"]["error"])  # that of a whole may say where in it: "[[rule]] 'night': ..."
            return f"{place}{', ' if said.startswith('[[') else ': '}{said}"
        expected = in_words(self._kind, *self._notes)
        if what == "missing" and isinstance(way[-1], str):
            return f"{self._where()} is missing: expected {expected}"
        notes = (*self._notes, *getattr(self._kind, "__metadata__", ()))
        secret = any(isinstance(note, Expected) and note.secret for note in notes)
        return f"{self._where()}: expected {expected}" + ("" if secret else f", got {_shown(self._value)}")

    def _where(self) -> str:
        return ", ".join(self._tables) + (f": {_plain(self._key)}" if self._key else "")

    def _table(self) -> str:
        """Go into the table under the key, if there is one; where that is."""
        if self._key:
            self._tables.append(f"[{_plain(self._key)}]")
            self._key = ""
        return self._where()

    def _entry(self, key: str) -> Any:  # noqa: ANN401 - a value of any type
        return self._value.get(key) if isinstance(self._value, Mapping) else None

    def _enter(self, step: str) -> None:
        """Follow a key; what is none names one of several types that were tried."""
        models = _models(self._kind)
        if tagged := [model for model in models if len(models) > 1 and step in _tags(model)]:
            self._kind = tagged[0]
            return
        field = next((_keys(model)[step] for model in models if step in _keys(model)), None)
        if field is None and not (isinstance(self._value, Mapping) and step in self._value):
            return
        self._table()
        self._key = step
        kind, notes = (_inside(self._kind), ()) if field is None else (field.annotation, tuple(field.metadata))
        self._kind, self._notes, self._value = kind, notes, self._entry(step)

    def _enter_entry(self, step: int) -> bool:
        """Follow into an entry of a list of tables; of a plain list, the whole is told of."""
        if not _models(self._kind):
            return False
        self._kind = _inside(self._kind)
        entries = self._value if isinstance(self._value, list | tuple) else ()
        self._value = entries[step] if step < len(entries) else None
        name = self._entry("name")
        self._tables.append(f"[[{self._key}]] {repr(name) if isinstance(name, str) else step + 1}")
        self._key = ""
        return True


def _models(kind: Any) -> list[type[BaseModel]]:  # noqa: ANN401
    """The models that an annotation names, looking through lists, unions and Annotated."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return [kind]
    is_mapping = get_origin(kind) in (dict, Mapping)
    return [model for inner in get_args(kind) for model in _models(inner)] if not is_mapping else []


def _inside(kind: Any) -> Any:  # noqa: ANN401
    """What stands in a list or table of such an annotation."""
    if (origin := get_origin(kind)) in (tuple, dict, Mapping):
        return get_args(kind)[0 if origin is tuple else -1]
    return next((found for inner in get_args(kind) if (found := _inside(inner)) is not None), None)


def _keys(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """Fields by the key that a table has for them."""
    return {_key(name, field): field for name, field in model.model_fields.items()}


def _key(name: str, field: FieldInfo) -> str:
    return str(field.validation_alias or name)


def _tags(model: type[BaseModel]) -> tuple[str, ...]:
    """What `kind` may be for this one of several models."""
    field = model.model_fields.get("kind")
    return get_args(field.annotation) if field is not None else ()


def _tuples(value: Any) -> Any:  # noqa: ANN401
    """The same with tuples for lists, deep down: what a frozen model holds."""
    if isinstance(value, list):
        return tuple(map(_tuples, value))
    return {key: _tuples(inner) for key, inner in value.items()} if isinstance(value, dict) else value


def _plain(key: str) -> str:
    """A key as it stands in one line."""
    return key if key.isprintable() else repr(key)


def _lists(value: Any) -> Any:  # noqa: ANN401
    return list(map(_lists, value)) if isinstance(value, tuple) else value


def _shown(value: object) -> str:
    text = repr(_lists(value))
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
