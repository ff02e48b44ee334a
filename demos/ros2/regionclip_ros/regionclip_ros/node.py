"""The perception node, over rclpy: what `regionclip.robot.Node` does, as ROS parameters say."""

import math
from collections.abc import Callable
from typing import Any, Literal, get_args, get_origin

import rclpy
from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor, SetParametersResult
from rclpy.exceptions import ParameterException
from rclpy.executors import ExternalShutdownException
from rclpy.logging import get_logger
from rclpy.node import Node
from rclpy.parameter import Parameter

import regionclip
from regionclip_ros.transport import STEADY, RclNames, RclTransport

LIVE = frozenset({"prompts", "prompts_file", "threshold"})
"""Parameters that act while the node runs; the others act when the tower is loaded."""


class RegionclipNode(Node):
    """Answers images as its parameters say.

    Attributes:
        settings: its parameters.
        perception: what answers; None while it does not run.

    Raises:
        RegionclipError: for parameters that cannot be.
    """

    always_read_only = True
    """Whether what does not act at once never acts."""

    def __init__(self) -> None:
        super().__init__("regionclip")
        fields = regionclip.robot.Parameters.model_fields
        for name, field in fields.items():
            if not self.has_parameter(name):  # use_sim_time is rclpy's own
                read_only = self.always_read_only and name not in LIVE
                self.declare_parameter(name, _declared(field.default), _descriptor(field, read_only))
        told = "spin with EventsExecutor, which takes less time of the processor (rclpy of Jazzy and later)"
        self.declare_parameter("events_executor", False, ParameterDescriptor(description=told, read_only=True))
        given = {name: _plain(self.get_parameter(name).value) for name in fields}
        self.settings = regionclip.robot.Parameters.of(given, "parameters")
        self.perception: regionclip.robot.Node | None = None
        self._detector: regionclip.Detector | None = None
        self.add_on_set_parameters_callback(self._change)

    def begin(self) -> None:
        """What is done before the node spins."""
        self.load()
        self.start()

    def load(self) -> None:
        """Load the tower."""
        self.settings.words()  # a mistake in them is told before the tower is loaded
        self._detector = self.settings.detector()

    def start(self) -> None:
        """Hear images and answer them."""
        assert self._detector is not None
        names = RclNames(self)
        self._wire = RclTransport(self, names)
        try:
            self.perception = regionclip.robot.Node(
                self._detector, self.settings.words(), self.settings, names, self._wire, log=self.get_logger().warning
            )
        except Exception:
            self._wire.close()
            raise
        self._report = self.create_timer(1.0, self.perception.report, clock=STEADY)

    def stop(self) -> None:
        """Answer the image at hand and leave all topics. Stopping twice is fine."""
        if self.perception is not None:
            self.destroy_timer(self._report)
            self.perception.close()
            self._wire.close()
            self.perception = None

    def unload(self) -> None:
        """Let go of the tower."""
        self._detector = None

    def _change(self, changes: list[Parameter]) -> SetParametersResult:
        """Take parameters that somebody sets, or say why not."""
        known = regionclip.robot.Parameters.model_fields
        try:
            self._take({each.name: _plain(each.value) for each in changes if each.name in known})
        except regionclip.RegionclipError as error:
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    def _take(self, changed: dict[str, Any]) -> None:
        settings, live = self.settings.replaced(**changed), changed.keys() & LIVE
        late = [name for name in changed.keys() - LIVE if getattr(settings, name) != getattr(self.settings, name)]
        if late and self._detector is not None:
            raise regionclip.RegionclipError(f"{late[0]} acts when the node starts: start or configure it again")
        if live and self.perception is not None:
            if settings.threshold < 0 <= self.settings.threshold:
                raise regionclip.RegionclipError(f"threshold: expected 0..1 from now on, got {settings.threshold}")
            words = self.perception.prompts.vocabulary if live == {"threshold"} else settings.words()
            self.perception.set_prompts(words, None if settings.threshold < 0 else settings.threshold)
        elif live:
            settings.words()  # told now, and not only when they act
        self.settings = settings


def _declared(default: Any) -> Any:  # noqa: ANN401 - of any parameter
    """As rclpy can tell the type of it: of a list that is empty it cannot."""
    return (list(default) or [""]) if isinstance(default, tuple) else default


def _plain(value: Any) -> Any:  # noqa: ANN401 - of any parameter
    """A value of rclpy's, lists without the empty texts that stand for none."""
    return tuple(text for text in value if text) if isinstance(value, list | tuple) else value


def _descriptor(field: Any, read_only: bool) -> ParameterDescriptor:  # noqa: ANN401 - of pydantic
    limits = {name: getattr(note, name) for note in field.metadata for name in ("ge", "le") if hasattr(note, name)}
    described = ParameterDescriptor(description=field.description, read_only=read_only)
    if get_origin(field.annotation) is Literal:
        described.additional_constraints = f"one of {', '.join(get_args(field.annotation))}"
    if limits and isinstance(field.default, float):
        least, most = float(limits.get("ge", -math.inf)), float(limits.get("le", math.inf))
        described.floating_point_range = [FloatingPointRange(from_value=least, to_value=most)]
    elif limits:
        least, most = limits.get("ge", -(2**63)), limits.get("le", 2**63 - 1)
        described.integer_range = [IntegerRange(from_value=least, to_value=most)]
    return described


def run(make: Callable[[], RegionclipNode], args: list[str] | None = None) -> int:
    """Make a node and spin it until it is told to stop.

    Returns:
        The process's exit code.
    """
    rclpy.init(args=args)
    try:
        node = make()
        try:
            node.begin()
            if node.get_parameter("events_executor").value:
                from rclpy.experimental.events_executor import EventsExecutor as Executor
            else:
                from rclpy.executors import SingleThreadedExecutor as Executor
            rclpy.spin(node, Executor())
        finally:
            node.stop()
            node.destroy_node()
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    except (regionclip.RegionclipError, ParameterException) as error:
        get_logger("regionclip").fatal(str(error))
        return 1
    finally:
        rclpy.try_shutdown()
    return 0


def main(args: list[str] | None = None) -> int:
    """`ros2 run regionclip_ros node`."""
    return run(RegionclipNode, args)
