"""A stand-in for ROS where there is none: the surface of rclpy that regionclip_ros uses, as strict as rclpy's own."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from fake_ros import graph, nodes, parameters, rosidl
from fake_ros.graph import Graph
from fake_ros.nodes import Context, contexts

PACKAGE = Path(__file__).parents[2] / "demos/ros2/regionclip_ros"
NEEDED = (
    "diagnostic_msgs",
    "nav_msgs",
    "rcl_interfaces",
    "rosgraph_msgs",
    "sensor_msgs",
    "std_msgs",
    "tf2_msgs",
    "vision_msgs",
)
OPTIONAL = ("foxglove_msgs", "regionclip_interfaces")


@contextmanager
def installed(packages: Iterable[str] = (*NEEDED, *OPTIONAL)) -> Iterator[Graph]:
    """ROS with these packages of messages, and the package regionclip_ros, for as long as the block lasts."""
    made = Graph()
    with pytest.MonkeyPatch.context() as patch:
        for module in (*_rclpy(made), *_interfaces(packages)):
            patch.setitem(sys.modules, module.__name__, module)
        patch.syspath_prepend(str(PACKAGE))
        try:
            yield made
        finally:
            for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE.name]:
                del sys.modules[name]


def _rclpy(of: Graph) -> Iterator[ModuleType]:
    def init(*, args: list[str] | None = None) -> None:
        contexts[:] = [Context(of, args or [])]

    def try_shutdown() -> None:
        contexts[-1].shutdown()

    def get_logger(_name: str) -> object:
        return of.logger()

    yield _module("rclpy", init, try_shutdown, nodes.spin)
    yield _module("rclpy.clock", nodes.Clock, nodes.ClockType)
    yield _module("rclpy.duration", Infinite=graph.Infinite)
    yield _module("rclpy.exceptions", parameters.ParameterException)
    yield _module("rclpy.executors", nodes.ExternalShutdownException, nodes.SingleThreadedExecutor)
    yield _module("rclpy.experimental")
    yield _module("rclpy.experimental.events_executor", nodes.EventsExecutor)
    yield _module("rclpy.lifecycle", nodes.LifecycleNode, nodes.TransitionCallbackReturn)
    yield _module("rclpy.logging", get_logger)
    yield _module("rclpy.node", nodes.Node)
    yield _module("rclpy.parameter", parameters.Parameter)
    policies = graph.DurabilityPolicy, graph.ReliabilityPolicy, graph.QoSCompatibility
    yield _module("rclpy.qos", graph.QoSProfile, *policies, graph.qos_check_compatible)
    yield _module("rclpy.serialization", rosidl.deserialize_message)


def _interfaces(packages: Iterable[str]) -> Iterator[ModuleType]:
    for name in packages:
        yield _module(name)
        yield rosidl.Package(f"{name}.msg")
        if name == "regionclip_interfaces":
            yield _module(f"{name}.srv", rosidl.service("SetPrompts"), rosidl.service("Ask"))


def _module(name: str, *things: Any, **named: Any) -> ModuleType:  # noqa: ANN401
    made = ModuleType(name)
    vars(made).update({thing.__name__: thing for thing in things} | named)
    return made
