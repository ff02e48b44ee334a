"""A transport within a test, on which messages pass as bytes and everything that is sent is kept."""

from collections.abc import Callable, Mapping
from typing import Any

from slow_node import BOX
from toy import planted

from regionclip.robot import messages as ros
from regionclip.robot.images import image_fields
from regionclip.robot.messages import Header, decode, encode
from regionclip.robot.ros.wire import Answer, Get, Quality

FRAME = planted(red=BOX)


class Line:
    """Somebody listens to everything but pictures.

    Attributes:
        sent: topic, type and message, in order.
        complaining: what `complaints` says.
    """

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, Any]] = []
        self.takers: dict[str, Callable[[Get], None]] = {}
        self.offered: dict[str, tuple[str, Quality]] = {}
        self.asked: dict[str, Quality] = {}
        self.services: dict[str, Answer] = {}
        self.complaining: list[str] = []

    def listen(self, topic: str, kinds: tuple[str, ...], quality: Quality, take: Callable[[Get], None]) -> None:
        self.takers[topic], self.asked[topic] = take, quality

    def offer(self, topic: str, kind: str, quality: Quality) -> None:
        self.offered[topic] = kind, quality

    def send(self, topic: str, kind: str, fields: Mapping[str, Any]) -> None:
        assert self.offered[topic][0] == kind
        self.sent.append((topic, kind, decode(encode(kind, fields), kind)))

    def wanted(self, topic: str) -> bool:
        return "annotated" not in topic

    def complaints(self) -> list[str]:
        return self.complaining

    def serve(self, service: str, kind: str, answer: Answer) -> None:
        self.services[service] = answer

    def give(self, topic: str, kind: str, fields: Mapping[str, Any]) -> None:
        payload = encode(kind, fields)
        self.takers[topic](lambda: decode(payload, kind))

    def show(self, topic: str = "/image", stamp: int = 1, **changes: Any) -> None:  # noqa: ANN401
        self.give(topic, ros.IMAGE, image_fields(FRAME, Header(stamp, "front")) | changes)

    def said(self, topic: str) -> list[Any]:
        return [message for name, _, message in list(self.sent) if name == topic]
