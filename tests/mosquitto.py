"""A real MQTT broker on loopback that can be killed and started again, and who listens to it."""

import json
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion
from waiting import until

PROGRAM = shutil.which("mosquitto", path=f"{Path('/usr/sbin')}:{Path('/usr/local/sbin')}") or shutil.which("mosquitto")
needs_mosquitto = pytest.mark.skipif(PROGRAM is None, reason="no mosquitto here: scripts/mosquitto installs it")


class Mosquitto:
    """A broker that forgets everything when it is killed, unless `settings`, lines of its file, say otherwise."""

    def __init__(self, folder: Path, settings: str = "allow_anonymous true") -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._file = folder / "mosquitto.conf"
        self._file.write_text(f"listener {self.port} 127.0.0.1\nuser root\n{settings}\n")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        assert PROGRAM is not None
        self._process = subprocess.Popen(
            [PROGRAM, "-c", self._file], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until(self._answers, 20)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


class Listener:
    """Who has subscribed to everything: what came, in order, and the latest of each topic.

    One with a name is remembered: a broker that keeps what it knows holds ready for it what it missed.
    """

    def __init__(
        self, broker: Mosquitto, user: str | None = None, password: str | None = None, *, name: str = ""
    ) -> None:
        self.came: list[tuple[str, bytes, bool]] = []
        self._subscribed = False
        self._client = Client(CallbackAPIVersion.VERSION2, client_id=name, clean_session=not name)
        if user is not None:
            self._client.username_pw_set(user, password)
        self._client.on_message = self._take
        self._client.on_subscribe = self._note
        self._client.connect("127.0.0.1", broker.port)
        self._client.subscribe("#", qos=1)
        self._client.loop_start()
        until(lambda: self._subscribed, 20)

    def _take(self, client: object, userdata: object, message: MQTTMessage) -> None:
        self.came.append((message.topic, bytes(message.payload), message.retain))

    def _note(self, *told: object) -> None:
        self._subscribed = True

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def latest(self, topic: str) -> bytes | None:
        return next((payload for name, payload, _ in reversed(self.came) if name == topic), None)

    def json(self, topic: str) -> dict[str, Any]:
        """The latest of a topic, waited for."""
        until(lambda: self.latest(topic) is not None, 20)
        return dict(json.loads(self.latest(topic) or b"null"))

    def all(self, topic: str) -> list[dict[str, Any]]:
        return [json.loads(payload) for name, payload, _ in list(self.came) if name == topic]

    def retained(self) -> Mapping[str, bytes]:
        """What was there before it came."""
        return {name: payload for name, payload, retain in list(self.came) if retain}


@contextmanager
def listening(broker: Mosquitto, *user: str, name: str = "") -> Iterator[Listener]:
    listener = Listener(broker, *user, name=name)
    try:
        yield listener
    finally:
        listener.close()


@contextmanager
def running(folder: Path, settings: str = "allow_anonymous true") -> Iterator[Mosquitto]:
    broker = Mosquitto(folder, settings)
    broker.start()
    try:
        yield broker
    finally:
        broker.kill()


def quiet_port() -> int:
    """A port of loopback that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
