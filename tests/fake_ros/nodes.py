"""Nodes as rclpy has them. What a node is called back for runs in the thread that spins it."""

import inspect
import re
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from enum import Enum, IntEnum
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import yaml

from fake_ros.graph import End, Graph, QoSProfile
from fake_ros.parameters import ParameterServer
from fake_ros.rosidl import Message


class ExternalShutdownException(Exception):  # noqa: N818
    """The context was shut down while a node spun."""


class ClockType(IntEnum):
    ROS_TIME = 1
    STEADY_TIME = 3


class Clock:
    def __init__(self, *, clock_type: ClockType) -> None:
        self.clock_type = clock_type


class Context:
    """An initialised rclpy: `--ros-args` with `-p`, `-r` and `--params-file`."""

    def __init__(self, graph: Graph, args: list[str]) -> None:
        self.graph, self._ok = graph, True
        pairs = list(zip(args[1::2], args[2::2], strict=True))
        assert args[:1] in ([], ["--ros-args"])
        assert {option for option, _ in pairs} <= {"-p", "-r", "--params-file"}
        given = [(option, *text.partition(":=")[::2]) for option, text in pairs]
        self.files = [name for option, name, _ in given if option == "--params-file"]
        self.rules = {name: to for option, name, to in given if option == "-r"}
        self.values = {name: yaml.safe_load(text) for option, name, text in given if option == "-p"}

    def ok(self) -> bool:
        return self._ok

    def shutdown(self) -> None:
        self._ok = False

    def overrides(self, name: str, full_name: str) -> dict[str, Any]:
        """Values of parameters that were given to a node, by a reader of YAML that is not the product's."""
        found: dict[str, Any] = {}
        for file in self.files:
            table = yaml.safe_load(Path(file).read_text(encoding="utf-8"))
            for block in ("/**", name, full_name):
                found |= table.get(block, {}).get("ros__parameters", {})
        return found | self.values


class Timer:
    def __init__(self, period: float, callback: Callable[[], None]) -> None:
        inspect.signature(callback).bind()
        self.period, self.callback, self.next = period, callback, time.monotonic() + period


class Node(ParameterServer):
    def __init__(self, node_name: str, *, context: Context | None = None) -> None:
        self.context = context or contexts[-1]
        self._name, self._namespace = self.context.rules.get("__node", node_name), self.context.rules.get("__ns", "/")
        super().__init__(self.context.overrides(self._name, self.get_fully_qualified_name()))
        self._graph = self.context.graph
        self._timers: list[Timer] = []
        self._calls: deque[Callable[[], None]] = deque()
        self.declare_parameter("use_sim_time", False)
        self._graph.nodes[self.get_fully_qualified_name()] = self

    def get_fully_qualified_name(self) -> str:
        return f"{self._namespace.rstrip('/')}/{self._name}"

    def get_logger(self) -> SimpleNamespace:
        return self._graph.logger()

    def resolve_topic_name(self, topic: str, *, only_expand: bool = False) -> str:
        full = self._expanded(topic)
        assert re.fullmatch(r"(/[A-Za-z_]\w*)+", full), topic
        rules = {self._expanded(name): self._expanded(to) for name, to in self.context.rules.items()}
        return full if only_expand else rules.get(full, full)

    def create_publisher(self, msg_type: type[Message], topic: str, qos_profile: QoSProfile) -> End:
        return self._graph.add(End(self, self.resolve_topic_name(topic), msg_type, qos_profile))

    def create_subscription(
        self,
        msg_type: type[Message],
        topic: str,
        callback: Callable[[bytes], None],
        qos_profile: QoSProfile,
        *,
        raw: bool,
    ) -> End:
        assert raw, "rclpy makes messages too, which nobody asks for here"
        return self._graph.add(End(self, self.resolve_topic_name(topic), msg_type, qos_profile, callback))

    def create_service(self, srv_type: Any, srv_name: str, callback: Callable[[Any, Any], Any]) -> str:  # noqa: ANN401
        name = self.resolve_topic_name(srv_name)
        self._graph.services[name] = self, srv_type, callback
        return name

    def create_timer(self, timer_period_sec: float, callback: Callable[[], None], *, clock: Clock) -> Timer:
        assert clock.clock_type == ClockType.STEADY_TIME, "it would stand still without /clock"
        self._timers.append(Timer(timer_period_sec, callback))
        return self._timers[-1]

    def destroy_publisher(self, publisher: End) -> bool:
        return self._graph.remove(publisher)

    def destroy_subscription(self, subscription: End) -> bool:
        return self._graph.remove(subscription)

    def destroy_service(self, service: str) -> bool:
        return self._graph.services.pop(service, None) is not None

    def destroy_timer(self, timer: Timer) -> bool:
        self._timers.remove(timer)
        return True

    def destroy_node(self) -> None:
        for end in self.ends():
            self._graph.remove(end)
        self._timers.clear()
        del self._graph.nodes[self.get_fully_qualified_name()]

    def get_publishers_info_by_topic(self, topic_name: str) -> list[SimpleNamespace]:
        return self._info(self._graph.publishers, topic_name)

    def get_subscriptions_info_by_topic(self, topic_name: str) -> list[SimpleNamespace]:
        return self._info(self._graph.subscriptions, topic_name)

    def ends(self) -> list[End]:
        """Its publishers and subscriptions."""
        with self._graph.lock:
            return [end for end in (*self._graph.publishers, *self._graph.subscriptions) if end.node is self]

    def later(self, call: Callable[[], Any]) -> Any:  # noqa: ANN401
        """Have the thread that spins call something, and wait for it."""
        future: Future[Any] = Future()

        def run() -> None:
            try:
                future.set_result(call())
            except BaseException as error:
                future.set_exception(error)

        self._calls.append(run)
        return future.result(60)

    def work(self) -> None:
        """Do all that is to be done now."""
        while self._calls:
            self._calls.popleft()()
        now = time.monotonic()
        for timer in [timer for timer in self._timers if timer.next <= now]:
            timer.next = now + timer.period
            timer.callback()
        for end in self.ends():
            while end.callback is not None and end.alive and end.waiting:
                end.callback(end.waiting.popleft())

    def _expanded(self, name: str) -> str:
        if name.startswith("~/"):
            return f"{self.get_fully_qualified_name()}{name[1:]}"
        return name if name.startswith("/") else f"{self._namespace.rstrip('/')}/{name}"

    def _info(self, ends: list[End], name: str) -> list[SimpleNamespace]:
        topic = self.resolve_topic_name(name)
        with self._graph.lock:
            found = [end for end in ends if end.topic == topic]
        return [
            SimpleNamespace(topic_type=end.msg_type.kind, qos_profile=end.qos_profile.discovered()) for end in found
        ]


class TransitionCallbackReturn(Enum):
    SUCCESS = 0
    FAILURE = 1
    ERROR = 2


_TRANSITIONS = {  # where it begins, where it ends, and where it ends where it fails
    "configure": ("unconfigured", "inactive", "unconfigured"),
    "activate": ("inactive", "active", "inactive"),
    "deactivate": ("active", "inactive", "active"),
    "cleanup": ("inactive", "unconfigured", "inactive"),
}


class LifecycleNode(Node):
    def __init__(self, node_name: str) -> None:
        super().__init__(node_name)
        self.state = "unconfigured"
        self._callbacks = {name: getattr(self, f"on_{name}") for name in (*_TRANSITIONS, "shutdown", "error")}

    def trigger_configure(self) -> TransitionCallbackReturn:
        return self.change_state("configure")

    def trigger_activate(self) -> TransitionCallbackReturn:
        return self.change_state("activate")

    def change_state(self, transition: str) -> TransitionCallbackReturn:
        begin, end, failed = _TRANSITIONS.get(transition, (self.state, "finalized", "finalized"))
        if self.state != begin:
            raise RuntimeError(f"lifecycle state machine: no {transition} where it is {self.state}")
        result = self._called(transition)
        self.state = end if result == TransitionCallbackReturn.SUCCESS else failed
        if result == TransitionCallbackReturn.ERROR:
            recovered = self._called("error") == TransitionCallbackReturn.SUCCESS
            self.state = "unconfigured" if recovered else "finalized"
        return result

    def _called(self, name: str) -> TransitionCallbackReturn:
        try:
            result = self._callbacks[name](SimpleNamespace(label=self.state, state_id=0))
        except Exception:  # of which rclpy says nothing either
            return TransitionCallbackReturn.ERROR
        assert isinstance(result, TransitionCallbackReturn)
        return result


class SingleThreadedExecutor:
    """Spins in the thread that calls."""


class EventsExecutor(SingleThreadedExecutor):
    """Does so in another way."""


contexts: list[Context] = []
"""The latest is the default one."""


def spin(node: Node, executor: SingleThreadedExecutor) -> None:
    """As rclpy does until somebody shuts it down."""
    node.context.graph.log.append(("spin", type(executor).__name__))
    while node.context.ok():
        node.work()
        time.sleep(0.001)
    raise ExternalShutdownException
