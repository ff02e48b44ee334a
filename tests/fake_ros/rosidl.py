"""Message classes as rosidl makes them for Python: fields of rosbags' tables, unknown ones refused, types checked."""

import array
import math
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from rosbags.interfaces import Nodetype
from rosbags.typesys import get_types_from_msg

from regionclip.robot.messages import decode, store

INTERFACES = Path(__file__).parents[2] / "demos/ros2/regionclip_interfaces"
"""The package of our own services."""
_PYTHON = {"string": str, "bool": bool, "float32": float, "float64": float}


class Message:
    """Base of what `message` makes.

    Attributes:
        kind: its type.
        described: type of each field.
    """

    kind: str
    described: dict[str, Any]
    __slots__: tuple[str, ...] = ()

    def __init__(self, **fields: Any) -> None:  # noqa: ANN401
        assert fields.keys() <= self.described.keys(), (
            f"{self.kind} has no fields {fields.keys() - self.described.keys()}"
        )
        for name, what in self.described.items():
            setattr(self, name, fields.get(name, _zero(what)))

    def __setattr__(self, name: str, value: object) -> None:
        if name not in self.described:
            raise AttributeError(f"{self.kind} has no field {name}")
        assert _fits(self.described[name], value), f"{self.kind}: {name} cannot be {value!r}"
        super().__setattr__(name, value)


@cache
def message(kind: str) -> type[Message]:
    """The class of a message."""
    described = dict(store().fielddefs[kind][1])
    return type(kind.rpartition("/")[2], (Message,), {"kind": kind, "described": described, "__slots__": (*described,)})


@cache
def service(name: str) -> type:
    """A service of `regionclip_interfaces`; its fields are those of the store, whose table the .srv file has to be."""
    kind = f"regionclip_interfaces/srv/{name}"
    asked, answered = (INTERFACES / f"srv/{name}.srv").read_text(encoding="utf-8").split("---\n")
    for part, text in (("Request", asked), ("Response", answered)):
        (parsed,) = get_types_from_msg(text, f"{kind}_{part}").values()
        assert store().fielddefs[f"{kind}_{part}"][1] == parsed[1], f"{name}.srv: {part}"
    parts = {part: message(f"{kind}_{part}") for part in ("Request", "Response")}
    return type(name, (), {**parts, "kind": kind})


def deserialize_message(serialized_message: bytes, message_type: type[Message]) -> Message:
    """As `rclpy.serialization` has it."""
    assert isinstance(serialized_message, bytes)
    return _made(decode(serialized_message, message_type.kind), message_type.kind)


class Package(ModuleType):
    """The module `msg` of a package."""

    def __getattr__(self, name: str) -> type[Message]:
        kind = f"{self.__name__.replace('.', '/')}/{name}"
        if kind not in store().fielddefs:
            raise AttributeError(kind)
        return message(kind)


def _made(value: Any, kind: str) -> Message:  # noqa: ANN401 - of rosbags
    fields: dict[str, Any] = {}
    for name, (node, detail) in message(kind).described.items():
        given = getattr(value, name)
        if node == Nodetype.NAME:
            given = _made(given, detail)
        elif node != Nodetype.BASE:
            inner, _ = detail
            given = [_made(each, inner[1]) if inner[0] == Nodetype.NAME else each for each in given]
        fields[name] = given
    return message(kind)(**fields)


def _zero(what: Any) -> Any:  # noqa: ANN401 - a type as rosbags describes it
    node, detail = what
    if node == Nodetype.NAME:
        return message(detail)()
    if node == Nodetype.BASE:
        return _PYTHON.get(detail[0], int)()
    inner, length = detail
    return [_zero(inner) for _ in range(length if node == Nodetype.ARRAY else 0)]


def _fits(what: Any, value: Any) -> bool:  # noqa: ANN401
    """Whether a setter of rosidl takes a value: no whole number for a float, nothing out of range."""
    node, detail = what
    if node == Nodetype.NAME:
        return isinstance(value, message(detail))
    if node == Nodetype.BASE:
        name = detail[0]
        if name == "float32":
            return isinstance(value, float) and (abs(value) <= 3.402823466e38 or not math.isfinite(value))
        if name in _PYTHON:
            return isinstance(value, _PYTHON[name])
        bits, signed = int(name.lstrip("uint")), not name.startswith("u")
        least, most = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
        return isinstance(value, int) and least <= value <= most
    inner, length = detail
    counts = isinstance(value, list | tuple | array.array) and (
        len(value) == length if node == Nodetype.ARRAY else length == 0 or len(value) <= length
    )
    return counts and all(_fits(inner, each) for each in value)
