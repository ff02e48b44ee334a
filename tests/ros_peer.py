"""Other ends of a ROS 2 wire: a camera and a listener in this process, a node in another."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Self

import pytest
from waiting import until

from regionclip.evaluation.speed.robot import free_domain
from regionclip.frames import Frame
from regionclip.robot import messages as ros
from regionclip.robot.images import image_fields
from regionclip.robot.messages import Header
from regionclip.robot.transports.dds import Dds


class Peer(Dds):
    """Somebody on the wire, who keeps what is said on some topics.

    Attributes:
        heard: messages by topic, in order.
        arrivals: when the messages of each topic came, seconds.
    """

    def __init__(self) -> None:
        super().__init__()
        self.heard: dict[str, list[Any]] = {}
        self.arrivals: dict[str, list[float]] = {}

    @classmethod
    def alone(cls, monkeypatch: pytest.MonkeyPatch) -> Self:
        """In a domain that nobody else is in; processes that are started join it."""
        for name, value in free_domain().items():
            monkeypatch.setenv(name, value)
        return cls()

    def hear(self, topic: str, kind: str, quality: Any = "reliable") -> list[Any]:  # noqa: ANN401
        """The messages of a topic, of which there will be more."""
        heard, arrivals = self.heard.setdefault(topic, []), self.arrivals.setdefault(topic, [])

        def take(get: Any) -> None:  # noqa: ANN401
            arrivals.append(time.time())
            heard.append(get())

        self.listen(topic, (kind,), quality, take)
        return heard

    def await_listener(self, topic: str) -> None:
        """Return once somebody listens to a topic that was offered."""
        until(lambda: self.wanted(topic))

    def show(self, topic: str, frame: Frame, header: Header) -> None:
        """Send a frame as a raw image."""
        self.send(topic, ros.IMAGE, image_fields(frame, header))


@contextmanager
def process(*words: str, **variables: str) -> Iterator["subprocess.Popen[str]"]:
    """A process of Python; it is stopped at the end, at the latest."""
    environment = {**os.environ, **variables}
    started = subprocess.Popen([sys.executable, *words], stderr=subprocess.PIPE, text=True, env=environment)
    try:
        yield started
    finally:
        if started.poll() is None:
            started.kill()
        started.communicate()


def ended(started: "subprocess.Popen[str]", number: int = signal.SIGINT) -> tuple[int, str]:
    """Exit code and stderr of a process that is asked to end."""
    started.send_signal(number)
    _, said = started.communicate(timeout=60)
    return started.returncode, said


def stamps(messages: Sequence[Any]) -> list[Header]:
    return [Header.of(message.header) for message in messages]
