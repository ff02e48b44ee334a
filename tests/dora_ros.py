"""An independent ROS 2 client: dora's, in Rust, which speaks rmw_zenoh as Humble does and knows nothing of us."""

import json
import time
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import dora
import pyarrow as pa
from rosbags.interfaces import Nodetype

from regionclip.robot.messages import SET_PROMPTS, store

SECONDS = 60.0
"""For which anything is waited for."""

SERVICE = "string[] prompts\nfloat32 threshold\n---\nbool success\nstring message\nint32 version\n"


class Client:
    """A node on loopback, connected to a Zenoh router; `ROS_DOMAIN_ID` is its domain.

    Args:
        folder: for the definitions that it reads.
        endpoint: of the router.
        kinds: types that it shall know.
    """

    def __init__(self, folder: Path, endpoint: str, kinds: Iterable[str]) -> None:
        _write_definitions(folder / "share", kinds)
        settings = {
            "mode": "peer",
            "connect": {"endpoints": [endpoint]},
            "listen": {"endpoints": ["tcp/127.0.0.1:0"]},
            "scouting": {"multicast": {"enabled": False}},
            "timestamping": {"enabled": True},
        }
        (folder / "session.json5").write_text(json.dumps(settings))
        library: Any = dora  # its stubs lack some of it
        self._reliable = library.Ros2QosPolicies(reliable=True, keep_last=10)
        self._sensor = library.Ros2QosPolicies(reliable=False, keep_last=1)
        self._latched = library.Ros2QosPolicies(
            reliable=True, keep_last=1, durability=library.Ros2Durability.TransientLocal
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that its bridge may change
            transport = library.Ros2Transport.zenoh("humble", str(folder / "session.json5"))
            self._context = library.Ros2Context([str(folder)], transport=transport)
            self._node = self._context.new_node("peer", "/", library.Ros2NodeOptions())

    def publisher(self, topic: str, kind: str, *, sensor: bool = False) -> Any:  # noqa: ANN401
        """Takes Arrow arrays of one struct: `publish(pa.array([{...}]))`."""
        quality = self._sensor if sensor else self._reliable
        return self._node.create_publisher(self._node.create_topic(topic, kind.replace("/msg/", "/"), quality))

    def subscription(self, topic: str, kind: str, *, latched: bool = False) -> Any:  # noqa: ANN401
        quality = self._latched if latched else self._reliable
        return self._node.create_subscription(self._node.create_topic(topic, kind.replace("/msg/", "/"), quality))

    def call(self, service: str, kind: str, request: dict[str, Any]) -> dict[str, Any]:
        """The response of a service."""
        client = self._node.create_service_client(service, kind.replace("/srv/", "/"), self._reliable)
        return dict(client.call(pa.array([request]), timeout_s=SECONDS)[0].as_py())


def awaited(subscription: Any) -> dict[str, Any]:  # noqa: ANN401
    """The next message of a subscription."""
    deadline = time.monotonic() + SECONDS
    while (message := taken(subscription)) is None:
        assert time.monotonic() < deadline, "no message came"
    return message


def joined_late(client: Client, topic: str, kind: str) -> tuple[Any, dict[str, Any]]:
    """A subscription to a latched topic, and what was said before.

    The client asks for that once, when it subscribes, and hears of no heartbeats. While two nodes are still getting
    connected the question can get lost, so where nothing comes it subscribes anew.
    """
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        subscription = client.subscription(topic, kind, latched=True)
        soon = time.monotonic() + 5
        while time.monotonic() < soon:
            if (message := taken(subscription)) is not None:
                return subscription, message
    raise AssertionError(f"{topic}: no message came")


def taken(subscription: Any) -> dict[str, Any] | None:  # noqa: ANN401
    """A message, if one comes soon."""
    message = subscription.next()
    return None if message is None else dict(message[0].as_py())


def _write_definitions(share: Path, kinds: Iterable[str]) -> None:
    """What a ROS installation has of some types, of those that they hold, and of SetPrompts."""
    waiting = set(kinds)
    written: dict[str, list[str]] = {}  # by package
    while waiting:
        package, _, name = (kind := waiting.pop()).split("/")
        text = store().generate_msgdef(kind, ros_version=2)[0].partition("=" * 80)[0]
        _write(share / package / "msg" / f"{name}.msg", text)
        written.setdefault(package, []).append(f"msg/{name}.msg")
        for _, (node, detail) in store().fielddefs[kind][1]:
            inner: Any = detail[0] if node in (Nodetype.ARRAY, Nodetype.SEQUENCE) else (node, detail)
            if inner[0] == Nodetype.NAME:
                waiting.add(inner[1])
        waiting -= {f"{package}/{path[:-4]}" for package, paths in written.items() for path in paths}
    package, _, name = SET_PROMPTS.split("/")
    _write(share / package / "srv" / f"{name}.srv", SERVICE)
    written[package] = [f"srv/{name}.srv"]
    for package, paths in written.items():
        _write(share / "ament_index/resource_index/rosidl_interfaces" / package, "\n".join(paths))
        _write(share / package / "package.xml", f'<package format="3"><name>{package}</name></package>')


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
