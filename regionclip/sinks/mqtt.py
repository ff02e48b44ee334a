"""MQTT: events, states and embeddings to a broker, and what Home Assistant finds them by (docs/events.md)."""

import base64
from collections.abc import Callable, Sequence
from threading import Thread
from typing import TYPE_CHECKING, Any

import numpy as np

from regionclip.answers.regions import Regions
from regionclip.errors import ConfigError, FileError
from regionclip.frames import Frame
from regionclip.sinks.broker import Broker, sensor, short
from regionclip.sinks.posting import Outcome, as_bytes
from regionclip.sinks.problems import Problems
from regionclip.sinks.queued import QueuedSink
from regionclip.sinks.sink import AnyEvent, as_line
from regionclip.video.rules.rule import MOMENTS, Rule
from regionclip.video.rules.watch import Event
from regionclip.video.sources.base import VideoFrame, utc_text

if TYPE_CHECKING:
    import supervision as sv
    from paho.mqtt.client import MQTTMessageInfo

REGIONS_SCHEMA = "regionclip.regions/1"
_KEEPALIVE = 15
"""Seconds; a broker that says nothing for one and a half times as long is away."""


class Mqtt(QueuedSink):
    """Publishes each event (QoS 1, in order), and keeps the state of cameras and rules at the broker (retained).

    Nobody waits for the broker. While it is away the latest events wait, and states are brought up to date when it is
    back; it is told once that it is away, and once that this is over. With a last will the broker says `offline` for a
    process that died.

    Args:
        url: `mqtt://user:password@host:port/topic`, or `mqtts`. Only host and topic stand in messages.
        discovery: topic below which Home Assistant looks for devices; empty for none. Each camera is a device, each
            rule a `binary_sensor`.
        embeddings: also publish what the tower saw in each key frame; what is not taken at once is left out.
        queue: events that may wait.
        on_problem: called in a thread of the sink with a line when the broker is away, and when it is back.

    Raises:
        ConfigError: for other URLs, or where paho-mqtt is not installed.
    """

    def __init__(
        self,
        url: str,
        *,
        discovery: str = "homeassistant",
        embeddings: bool = False,
        queue: int = 1000,
        on_problem: Callable[[str], None] | None = None,
    ) -> None:
        self._broker, self._discovery, self._embeddings = Broker.of(url), discovery, embeddings
        client_module = _paho()
        super().__init__(f"mqtt {self._broker}", queue=queue, on_problem=on_problem)
        self._problems = Problems(self._say, settled=0)
        self._here = False  # the broker
        self._acked: set[int] = set()
        self._retained: dict[str, bytes] = {self._broker.topic_of("availability"): b"online"}
        self._stale: dict[str, None] = {}
        """Topics whose retained message the broker does not have yet, in order."""
        self._going: dict[str, set[str]] = {}
        """Incidents that go on, by the topic of their rule."""
        self._latest: MQTTMessageInfo | None = None
        self._client = client = client_module.Client(client_module.CallbackAPIVersion.VERSION2)
        if self._broker.user is not None:
            client.username_pw_set(self._broker.user, self._broker.password)
        if self._broker.tls:
            client.tls_set()
        client.will_set(self._broker.topic_of("availability"), b"offline", qos=1, retain=True)
        client.on_connect, client.on_disconnect = self._on_connect, self._on_disconnect
        client.on_connect_fail = lambda client, userdata: self._away()
        client.on_publish = self._on_publish
        client.reconnect_delay_set(1, 30)
        client.connect_async(self._broker.host, self._broker.port, _KEEPALIVE)
        client.loop_start()
        self._thread.start()

    def send(self, event: AnyEvent, image: Frame | None = None, rows: "sv.Detections | None" = None) -> AnyEvent:
        """Put an event into the queue, and the state that follows from it beside it; at once."""
        line = as_line(event)
        if not isinstance(event, Event):
            state = "offline" if event.kind == "lost" else "online"
            self._keep(self._broker.topic_of(event.source, "status"), {"state": state, **line})
        elif event.kind not in MOMENTS:
            topic = self._broker.topic_of(event.source, "rules", event.rule)
            with self._changed:
                going = self._going.setdefault(topic, set())
                (going.add if event.phase == "start" else going.discard)(event.incident)
                self._keep(topic, {"state": "ON" if going else "OFF", **line})
        return super().send(event, image, rows)

    def watching(self, camera: str, rules: Sequence[Rule] | None) -> None:
        """Say which rules a camera is watched for, its sensors in Home Assistant; None where it is not any more."""
        own, status = self._broker.topic_of(camera, "rules", ""), self._broker.topic_of(camera, "status")
        wanted = {self._broker.topic_of(camera, "rules", rule.name): rule for rule in rules or ()}
        with self._changed:
            for topic in [topic for topic in self._going if topic.startswith(own) and topic not in wanted]:
                del self._going[topic]
                self._keep(topic, b"")  # empty: the broker forgets it
                self._find(topic, b"")
            if rules is None:
                self._keep(status, b"")
            elif not self._retained.get(status):
                self._keep(status, {"state": "online"})
            for topic, rule in wanted.items():
                if not self._going.setdefault(topic, set()):
                    self._keep(topic, {"state": "OFF"})
                self._find(topic, sensor(self._broker, camera, rule))

    def see(self, frame: VideoFrame, regions: Regions) -> None:
        """Publish the embeddings of a key frame, where they are asked for and the broker takes them."""
        before = self._latest
        if not self._embeddings or not self._here or not (before is None or before.rc or before.is_published()):
            return
        content = {
            "schema": REGIONS_SCHEMA,
            "time": None if frame.utc_seconds is None else utc_text(frame.utc_seconds),
            "source": frame.source,
            "frame": frame.index,
            "t_seconds": round(frame.t_seconds, 3),
            "size": list(regions.frame_size),
            "fingerprint": regions.fingerprint,
            "boxes": np.nan_to_num(regions.xyxy).round(1).tolist(),
            "objectness": regions.objectness.round(4).tolist(),
            "valid": regions.valid.tolist(),
            "shape": list(regions.embeddings.shape),
            "embeddings": base64.b64encode(regions.embeddings.astype("<f2").tobytes()).decode(),
        }
        self._latest = self._client.publish(self._broker.topic_of(frame.source, "regions"), as_bytes(content), qos=0)

    def keep_status(self, content: bytes) -> None:
        """Keep the status of a site at the broker."""
        self._keep(self._broker.topic_of("status"), content)

    def close(self, patience: float = 3.0) -> None:
        """Publish what waits for at most `patience` seconds, say `offline`, and leave."""
        super().close(patience)
        self._client.publish(self._broker.topic_of("availability"), b"offline", qos=1, retain=True)
        self._client.disconnect()
        stopping = Thread(target=self._client.loop_stop, daemon=True)  # may hang in a connection that does not come
        stopping.start()
        stopping.join(patience)

    def _deliver(self, line: dict[str, Any]) -> Outcome:
        done = self._publish(self._broker.topic_of(line["source"], "events"), as_bytes(line))
        if done and line["kind"] in MOMENTS:  # not retained: who comes later must not take it for now
            self._publish(
                self._broker.topic_of(line["source"], "rules", line["rule"]), as_bytes({"state": "ON", **line})
            )
        return Outcome(done, reason="" if done else "the broker is away")

    def _has_errand(self) -> bool:
        return self._here and bool(self._stale)

    def _errand(self) -> None:
        with self._changed:
            topic = next(iter(self._stale))
            content = self._retained[topic]
            del self._stale[topic]
        if not self._publish(topic, content, retain=True):
            with self._changed:
                self._stale[topic] = None

    def _publish(self, topic: str, content: bytes, *, retain: bool = False) -> bool:
        """Publish and wait until the broker has it; False where that is not to be before the end."""
        # The client calls back with its own locks held, and `_on_publish` takes ours: so never the other way round.
        with self._changed:
            self._changed.wait_for(lambda: self._here or self._closing)
            if not self._here:
                return False
            self._acked.clear()
        mid = self._client.publish(topic, content, qos=1, retain=retain).mid
        with self._changed:  # sent anew by the client after each return of the broker
            self._changed.wait_for(lambda: mid in self._acked or (self._closing and not self._here))
            return mid in self._acked

    def _keep(self, topic: str, content: dict[str, Any] | bytes) -> None:
        with self._changed:
            self._retained[topic] = content if isinstance(content, bytes) else as_bytes(content)
            self._stale[topic] = None
            self._changed.notify_all()

    def _find(self, topic: str, how: dict[str, Any] | bytes) -> None:
        """Keep what Home Assistant finds the state of a rule by."""
        if self._discovery:
            self._keep(f"{self._discovery}/binary_sensor/regionclip/{short(topic)}/config", how)

    def _on_connect(self, client: object, userdata: object, flags: object, reason: Any, properties: object) -> None:  # noqa: ANN401
        if reason.is_failure:
            self._problems.begin("broker", FileError(f"refused: {reason}"))
            return
        self._problems.end("broker")
        with self._changed:
            self._here, self._problem = True, ""
            self._stale = dict.fromkeys(self._retained)  # a broker that was restarted may have forgotten all
            self._changed.notify_all()

    def _on_disconnect(self, *told: object) -> None:
        self._away()

    def _away(self) -> None:
        with self._changed:
            self._here = False
            self._changed.notify_all()
        if not self._closing and not self._problems.texts:
            self._problems.begin("broker", FileError("the broker is away; events wait for it"))

    def _on_publish(self, client: object, userdata: object, mid: int, *more: object) -> None:
        with self._changed:
            self._acked.add(mid)
            self._changed.notify_all()


def _paho() -> Any:  # noqa: ANN401 - a module
    try:
        import paho.mqtt.client
    except ImportError as missing:
        raise ConfigError(f'MQTT needs the package paho-mqtt ({missing}): pip install "regionclip[mqtt]"') from missing
    return paho.mqtt.client
