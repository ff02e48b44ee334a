"""Parameters as rclpy has them: typed by their default, read-only, in a range, refused by callbacks."""

import inspect
import math
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any

from fake_ros.rosidl import message

_TOLERANCE = 1e-6
Callback = Callable[[list["Parameter"]], Any]


class ParameterException(Exception):  # noqa: N818 - rclpy's names, here and elsewhere
    """Base of what rclpy refuses parameters with."""


class Type(Enum):
    """Numbers of rcl_interfaces/msg/ParameterType."""

    NOT_SET = 0
    BOOL = 1
    INTEGER = 2
    DOUBLE = 3
    STRING = 4
    BYTE_ARRAY = 5
    BOOL_ARRAY = 6
    INTEGER_ARRAY = 7
    DOUBLE_ARRAY = 8
    STRING_ARRAY = 9


class Parameter:
    """A name with a value, whose type an empty list does not tell: rclpy takes it for bytes."""

    def __init__(self, name: str, *, value: object) -> None:
        self.name, self.value, self.type_ = name, value, _type_of(value)


class ParameterServer:
    """What a node does with its parameters.

    Args:
        overrides: values that win over defaults.
    """

    def __init__(self, overrides: Mapping[str, object]) -> None:
        self._overrides = overrides
        self._parameters: dict[str, Parameter] = {}
        self._descriptors: dict[str, Any] = {}
        self._on_set_parameters_callbacks: list[Callback] = []

    def declare_parameter(self, name: str, value: object, descriptor: Any = None) -> Parameter:  # noqa: ANN401
        if name in self._parameters:
            raise ParameterException(f"Parameter(s) already declared: {name}")
        descriptor = descriptor or message("rcl_interfaces/msg/ParameterDescriptor")()
        descriptor.type = _type_of(value).value
        if not descriptor.type:
            raise ValueError("Cannot declare a statically typed parameter with default value of type PARAMETER_NOT_SET")
        self._descriptors[name] = descriptor
        result = self._set([Parameter(name, value=self._overrides.get(name, value))], first=True)
        if not result.successful:
            raise ParameterException(f"{name}: {result.reason}")
        return self._parameters[name]

    def has_parameter(self, name: str) -> bool:
        return name in self._parameters

    def get_parameter(self, name: str) -> Parameter:
        return self._parameters[name]

    def describe_parameter(self, name: str) -> Any:  # noqa: ANN401
        return self._descriptors[name]

    def add_on_set_parameters_callback(self, callback: Callback) -> None:
        inspect.signature(callback).bind(object())
        self._on_set_parameters_callbacks.insert(0, callback)

    def set_parameters(self, parameter_list: list[Parameter]) -> list[Any]:
        return [self.set_parameters_atomically([each]) for each in parameter_list]

    def set_parameters_atomically(self, parameter_list: list[Parameter]) -> Any:  # noqa: ANN401
        assert self._parameters.keys() >= {each.name for each in parameter_list}
        return self._set(parameter_list, first=False)

    def _set(self, given: list[Parameter], *, first: bool) -> Any:  # noqa: ANN401
        made: Any = message("rcl_interfaces/msg/SetParametersResult")
        for each in given:
            descriptor = self._descriptors[each.name]
            if not first and descriptor.read_only:
                return made(successful=False, reason=f"Trying to set a read-only parameter: {each.name}.")
            if reason := _misfit(each, descriptor):
                return made(successful=False, reason=reason)
        for callback in self._on_set_parameters_callbacks:
            result: Any = callback(given)
            assert isinstance(result, made)
            if not result.successful:
                return result
        self._parameters.update({each.name: each for each in given})
        return made(successful=True)


def _type_of(value: object) -> Type:
    singles = {type(None): Type.NOT_SET, bool: Type.BOOL, int: Type.INTEGER, float: Type.DOUBLE, str: Type.STRING}
    if type(value) in singles:
        return singles[type(value)]
    if isinstance(value, list | tuple):
        for number, kind in enumerate((bytes, bool, int, float, str), Type.BYTE_ARRAY.value):
            if all(type(each) is kind for each in value):
                return Type(number)
    raise TypeError(f"The given value is not one of the allowed types {value!r}")


def _misfit(each: Parameter, descriptor: Any) -> str:  # noqa: ANN401
    if each.type_.value != descriptor.type:
        return f"Wrong parameter type, expected {Type(descriptor.type)} got {each.type_}"
    value: Any = each.value
    for limits in (*descriptor.integer_range, *descriptor.floating_point_range):
        least, most = limits.from_value, limits.to_value
        at_end = any(math.isclose(value, end, rel_tol=_TOLERANCE) for end in (least, most))
        if not at_end and not least < value < most:
            return f"Parameter {each.name} out of range Min: {least}, Max: {most}, value: {value}"
    return ""
