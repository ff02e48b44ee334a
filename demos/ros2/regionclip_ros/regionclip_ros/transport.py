"""Transport over rclpy. Messages pass as bytes both ways, as over DDS: no image is taken apart that nobody looks at."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from importlib import import_module
from typing import Any, cast

from rclpy.clock import Clock, ClockType
from rclpy.duration import Infinite
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSCompatibility, QoSProfile, ReliabilityPolicy, qos_check_compatible
from rclpy.serialization import deserialize_message

import regionclip

STEADY = Clock(clock_type=ClockType.STEADY_TIME)
"""Of timers that must run where /clock does not."""


class RclNames(regionclip.robot.Names):
    """Names as rcl resolves them.

    Attributes:
        given: what a resolved name was before it was remapped, since rcl remaps again whatever it is handed.
    """

    def __init__(self, node: Node) -> None:
        super().__init__()
        self._rcl_node = node
        self.given: dict[str, str] = {}

    def resolve(self, name: str) -> str:
        """The full name of a topic or service, remapped."""
        full: str = self._rcl_node.resolve_topic_name(name)
        self.given[full] = self._rcl_node.resolve_topic_name(name, only_expand=True)
        return full


class RclTransport:
    """A `Transport` of `regionclip.robot.Node`, with services.

    Args:
        node: whose topics they are.
        names: that resolved them.
    """

    def __init__(self, node: Node, names: RclNames) -> None:
        self._node, self._given = node, names.given
        self._publishers: dict[str, Any] = {}
        self._heard: dict[str, tuple[tuple[str, ...], str, Callable[[Any], None]]] = {}  # types, quality, taker
        self._subscriptions: dict[str, tuple[str, Any]] = {}  # type and subscription
        self._services: list[Any] = []
        self._timer = node.create_timer(0.1, self._look, clock=STEADY)

    def offer(self, topic: str, kind: str, quality: str) -> None:
        """Make a topic known; not one of Foxglove's where its messages are not installed."""
        try:
            message = _class_of(kind)
        except ModuleNotFoundError:
            if not kind.startswith("foxglove_msgs/"):
                raise
            return
        name = self._given.get(topic, topic)
        self._publishers[topic] = self._node.create_publisher(message, name, _qos(kind, quality))

    def send(self, topic: str, kind: str, fields: Mapping[str, Any]) -> None:
        """Publish the bytes of a message."""
        if self._node.context.ok():
            self._publishers[topic].publish(regionclip.robot.encode(kind, fields))

    def wanted(self, topic: str) -> bool:
        """Whether somebody listens."""
        return topic in self._publishers and self._publishers[topic].get_subscription_count() > 0

    def listen(self, topic: str, kinds: tuple[str, ...], quality: str, take: Callable[[Any], None]) -> None:
        """Hear a topic, which rcl lets a node do with one type only: the one that it turns out to have."""
        self._heard[topic] = kinds, quality, take
        self._look()

    def serve(self, service: str, kind: str, answer: Callable[[Any], Mapping[str, Any]]) -> None:
        """Answer the requests of a service, where regionclip_interfaces is built."""
        try:
            made = _class_of(kind)
        except ModuleNotFoundError:
            return

        def reply(request: Any, _response: Any) -> Any:  # noqa: ANN401 - classes that rosidl made
            return deserialize_message(regionclip.robot.encode(f"{kind}_Response", answer(request)), made.Response)

        self._services.append(self._node.create_service(made, self._given[service], reply))

    def complaints(self) -> list[str]:
        """Others on our topics that we cannot hear, or that cannot hear us, and why."""
        return list(dict.fromkeys(self._mismatches()))

    def close(self) -> None:
        """Leave all topics."""
        self._node.destroy_timer(self._timer)
        for service in self._services:
            self._node.destroy_service(service)
        for _, subscription in self._subscriptions.values():
            self._node.destroy_subscription(subscription)
        for publisher in self._publishers.values():
            self._node.destroy_publisher(publisher)

    def _look(self) -> None:
        for topic, (kinds, quality, take) in self._heard.items():
            there = [end.topic_type for end in self._publishers_of(topic)] if len(kinds) > 1 else kinds
            kind = next((kind for kind in there if kind in kinds), None)
            if kind is not None and topic not in self._subscriptions:
                name, hear = self._given.get(topic, topic), partial(_hand_on, take, kind)
                made = self._node.create_subscription(_class_of(kind), name, hear, _qos(kind, quality), raw=True)
                self._subscriptions[topic] = kind, made

    def _mismatches(self) -> Iterator[str]:
        for topic, (kinds, _, _) in self._heard.items():
            kind, own = self._subscriptions.get(topic, (None, None))
            for end in self._publishers_of(topic):
                if end.topic_type not in (kinds if kind is None else (kind,)):
                    yield f"{topic}: a publisher has the type {end.topic_type}: expected {kind or ' or '.join(kinds)}"
                elif own is not None:
                    yield from _against(topic, "publisher", end.qos_profile, own.qos_profile)
        for topic, publisher in self._publishers.items():
            for end in self._node.get_subscriptions_info_by_topic(self._given.get(topic, topic)):
                yield from _against(topic, "subscriber", publisher.qos_profile, end.qos_profile)

    def _publishers_of(self, topic: str) -> Any:  # noqa: ANN401 - rclpy's own
        return self._node.get_publishers_info_by_topic(self._given.get(topic, topic))


def _hand_on(take: Callable[[Any], None], kind: str, payload: bytes) -> None:
    take(partial(regionclip.robot.decode, payload, kind))


def _against(topic: str, who: str, publisher: QoSProfile, subscription: QoSProfile) -> Iterator[str]:
    compatible, reason = qos_check_compatible(publisher, subscription)
    if compatible == QoSCompatibility.ERROR:
        yield f"{topic}: QoS mismatch with a {who}: {reason.strip(' ;')}"


def _class_of(kind: str) -> Any:  # noqa: ANN401 - a class that rosidl made
    package, _, name = kind.rpartition("/")
    return getattr(import_module(package.replace("/", ".")), name)


def _qos(kind: str, quality: str) -> QoSProfile:
    """As `regionclip ros2` has it; what is infinite is said, since it is compared with what others say."""
    return QoSProfile(
        depth=regionclip.robot.queue_depth(kind, cast("Any", quality)),
        reliability=ReliabilityPolicy.BEST_EFFORT if quality == "sensor" else ReliabilityPolicy.RELIABLE,
        durability=DurabilityPolicy.TRANSIENT_LOCAL if quality == "latched" else DurabilityPolicy.VOLATILE,
        deadline=Infinite,
        liveliness_lease_duration=Infinite,
    )
