"""Values of a TOML file against the type that a setting is declared with."""

from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from regionclip.errors import ConfigError

_WORDS = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}


def value_of(hint: Any, value: object, where: str) -> Any:  # noqa: ANN401 - a value of the type that `hint` names
    """`value` as a setting of type `hint` takes it: lists become tuples, whole numbers numbers.

    Args:
        hint: int, float, str, bool, a Literal of texts, a union of these, or a tuple of one of them.
        value: as the file has it.
        where: named in errors.

    Raises:
        ConfigError: it does not fit.
    """
    if get_origin(hint) is tuple:
        inner = get_args(hint)
        if isinstance(value, list | tuple) and (inner[1:] == (...,) or len(value) == len(inner)):
            return tuple(value_of(inner[0], item, where) for item in value)
    elif get_origin(hint) in (Union, UnionType):
        if any(_fits(choice, value) for choice in get_args(hint)):
            return value
    elif _fits(hint, value):
        return float(value) if hint is float and isinstance(value, int) else value
    raise ConfigError(f"{where}: expected {_in_words(hint)}, got {value!r}")


def _fits(hint: Any, value: object) -> bool:  # noqa: ANN401
    if get_origin(hint) is Literal:
        return isinstance(value, str) and value in get_args(hint)
    if isinstance(value, bool):
        return hint is bool
    return isinstance(value, int | float) if hint is float else isinstance(hint, type) and isinstance(value, hint)


def _in_words(hint: Any) -> str:  # noqa: ANN401
    if get_origin(hint) is Literal:
        return " or ".join(map(repr, get_args(hint)))
    if get_origin(hint) in (Union, UnionType):
        choices = [choice for choice in get_args(hint) if choice is not NoneType]
        return " or ".join(dict.fromkeys(_in_words(choice) for choice in choices))
    if get_origin(hint) is tuple:
        inner = [choice for choice in get_args(hint) if choice is not ...]
        return f"a list of {_in_words(inner[0])}"
    return _WORDS.get(hint, "text")
