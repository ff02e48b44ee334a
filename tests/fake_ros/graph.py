"""What the nodes of one domain know of one another: publishers, subscriptions, services, and what was logged."""

import inspect
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from enum import IntEnum
from threading import RLock
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from fake_ros.parameters import Parameter
from fake_ros.rosidl import Message
from regionclip.robot.messages import decode

if TYPE_CHECKING:
    from fake_ros.nodes import Node


class InvalidHandle(Exception):  # noqa: N818
    """Something is used that was destroyed."""


class ReliabilityPolicy(IntEnum):
    RELIABLE = 1
    BEST_EFFORT = 2


class DurabilityPolicy(IntEnum):
    TRANSIENT_LOCAL = 1
    VOLATILE = 2


class QoSCompatibility(IntEnum):
    OK = 0
    WARNING = 1
    ERROR = 2


Infinite = 9223372036.854775807
"""Seconds; what others say of an end where it says nothing itself, which it knows as 0."""


@dataclass(frozen=True, kw_only=True)
class QoSProfile:
    depth: int
    reliability: ReliabilityPolicy = ReliabilityPolicy.RELIABLE
    durability: DurabilityPolicy = DurabilityPolicy.VOLATILE
    deadline: float = 0
    liveliness_lease_duration: float = 0

    def discovered(self) -> "QoSProfile":
        """As others see it."""
        lease = self.liveliness_lease_duration or Infinite
        return replace(self, deadline=self.deadline or Infinite, liveliness_lease_duration=lease)


def qos_check_compatible(publisher_qos: QoSProfile, subscription_qos: QoSProfile) -> tuple[QoSCompatibility, str]:
    """As rmw says it."""
    if subscription_qos.deadline and not publisher_qos.deadline:
        return QoSCompatibility.ERROR, "ERROR: Subscription has a deadline, but publisher does not;"
    if subscription_qos.liveliness_lease_duration and not publisher_qos.liveliness_lease_duration:
        return QoSCompatibility.ERROR, "ERROR: Subscription has a liveliness lease duration, but publisher does not;"
    if publisher_qos.reliability > subscription_qos.reliability:
        return QoSCompatibility.ERROR, "ERROR: Best effort publisher and reliable subscription;"
    if publisher_qos.durability > subscription_qos.durability:
        return QoSCompatibility.ERROR, "ERROR: Volatile publisher and transient local subscription;"
    return QoSCompatibility.OK, ""


@dataclass(eq=False)
class End:
    """A subscription, or a publisher, which keeps for those who come later what waits.

    Attributes:
        waiting: messages.
        alive: whether it was not destroyed.
    """

    node: "Node"
    topic: str
    msg_type: type[Message]
    qos_profile: QoSProfile
    callback: Callable[[bytes], None] | None = None
    waiting: deque[bytes] = field(default_factory=deque)
    alive: bool = True

    def publish(self, msg: bytes) -> None:
        if not self.alive or not self.node.context.ok():
            raise InvalidHandle("cannot use Destroyable because destruction was requested")
        if not isinstance(msg, bytes):  # rclpy takes messages too, which nobody sends here
            raise TypeError(f"Expected {self.msg_type}, got {type(msg)}")
        decode(msg, self.msg_type.kind)  # as whoever hears it will
        with self.node.context.graph.lock:
            if self.qos_profile.durability == DurabilityPolicy.TRANSIENT_LOCAL:
                self.waiting.append(msg)
            for end in self.node.context.graph.matching(self):
                end.waiting.append(msg)

    def get_subscription_count(self) -> int:
        with self.node.context.graph.lock:
            return len(list(self.node.context.graph.matching(self)))


class Graph:
    """See above.

    Attributes:
        nodes: by full name.
        services: by full name: node, type and callback.
        log: severity and text.
    """

    def __init__(self) -> None:
        self.lock = RLock()
        self.publishers: list[End] = []
        self.subscriptions: list[End] = []
        self.services: dict[str, tuple[Node, Any, Callable[[Any, Any], Any]]] = {}
        self.nodes: dict[str, Node] = {}
        self.log: list[tuple[str, str]] = []

    def add(self, end: End) -> End:
        """Make an end known; a node has one type for a topic, as Cyclone DDS wants it."""
        if end.callback is not None:
            inspect.signature(end.callback).bind(object())
        end.waiting = deque(maxlen=end.qos_profile.depth)
        with self.lock:
            own = [other for other in (*self.publishers, *self.subscriptions) if other.node is end.node]
            if any(other.topic == end.topic and other.msg_type is not end.msg_type for other in own):
                raise RuntimeError(f"{end.topic} is already in use in this context with a different message type")
            (self.publishers if end.callback is None else self.subscriptions).append(end)
            if end.callback is not None and end.qos_profile.durability == DurabilityPolicy.TRANSIENT_LOCAL:
                for publisher in self.matching(end):
                    end.waiting.extend(publisher.waiting)
        return end

    def remove(self, end: End) -> bool:
        with self.lock:
            ends = self.publishers if end.callback is None else self.subscriptions
            if end in ends:
                ends.remove(end)
            was, end.alive = end.alive, False
            return was

    def matching(self, end: End) -> Iterator[End]:
        """The other ends that an end reaches."""
        for other in self.subscriptions if end.callback is None else self.publishers:
            publisher, subscription = (end, other) if end.callback is None else (other, end)
            told = publisher.qos_profile.discovered(), subscription.qos_profile.discovered()
            refused, _ = qos_check_compatible(*told)
            if (end.topic, end.msg_type) == (other.topic, other.msg_type) and not refused:
                yield other

    def logger(self) -> SimpleNamespace:
        levels = ("warning", "error", "fatal")
        return SimpleNamespace(**{level: lambda text, level=level: self.log.append((level, text)) for level in levels})

    def lines(self, level: str) -> list[str]:
        """What was logged."""
        return [text for severity, text in self.log if severity == level]

    def call(self, name: str, **fields: Any) -> Any:  # noqa: ANN401
        """Ask a service."""
        node, kind, callback = self.services[name]
        response = node.later(lambda: callback(kind.Request(**fields), kind.Response()))
        assert isinstance(response, kind.Response)
        return response

    def set(self, name: str, **values: object) -> Any:  # noqa: ANN401
        """Set parameters of a node at once."""
        node = self.nodes[name]
        given = [Parameter(parameter, value=value) for parameter, value in values.items()]
        return node.later(lambda: node.set_parameters_atomically(given))
