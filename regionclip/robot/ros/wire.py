"""How messages come and go, as a node sees it."""

from collections.abc import Callable, Mapping
from typing import Any, Literal, Protocol, runtime_checkable

from regionclip.robot.messages import COMPRESSED_IMAGE, IMAGE, TRANSFORMS

Quality = Literal["sensor", "reliable", "latched"]
"""Of a topic: the newest, as far as it arrives; everything; everything, and whoever comes later is told the latest."""

Get = Callable[[], Any]
"""Gives a message; raises a MessageError where it is damaged."""

Answer = Callable[[Any], Mapping[str, Any]]
"""Gives the fields of a service's response to a request."""


class Wire(Protocol):
    """How messages leave."""

    def offer(self, topic: str, kind: str, quality: Quality) -> None:
        """Make known that messages of a type will be sent on a topic."""

    def send(self, topic: str, kind: str, fields: Mapping[str, Any]) -> None:
        """Send a message on a topic that was offered; from any thread."""

    def wanted(self, topic: str) -> bool:
        """Whether somebody listens."""


class Transport(Wire, Protocol):
    """How messages come and leave."""

    def listen(self, topic: str, kinds: tuple[str, ...], quality: Quality, take: Callable[[Get], None]) -> None:
        """Hear a topic that has one of these types; `take` gets each message, in any thread."""

    def complaints(self) -> list[str]:
        """What keeps messages from flowing now, a line each."""


@runtime_checkable
class Services(Protocol):
    """What a transport has besides where services can be offered."""

    def serve(self, service: str, kind: str, answer: Answer) -> None:
        """Answer the requests of a service of a type, in any thread."""


def queue_depth(kind: str, quality: Quality) -> int:
    """Messages that wait on a topic at most; of images only the newest is of use, of transforms each."""
    if kind == TRANSFORMS:
        return 100
    return 10 if quality == "reliable" and kind not in (IMAGE, COMPRESSED_IMAGE) else 1
