"""Zenoh transport: the wire of rmw_zenoh_cpp, by eclipse-zenoh and without a ROS installation.

As its design says (https://github.com/ros2/rmw_zenoh/blob/rolling/docs/design.md), messages are at the key
`DOMAIN/TOPIC/TYPE/HASH`, with number, time and sender beside the CDR bytes, and whoever takes part is known by a
liveliness token. Humble knows no hashes: both kinds of keys are heard, and `ROS_DISTRO` says which one is sent on.
"""

import os
import struct
import time
from collections.abc import Callable, Iterable, Mapping
from hashlib import blake2b
from itertools import count
from pathlib import Path
from threading import Thread
from typing import Any

from regionclip.errors import ConfigError
from regionclip.robot.closing import Closing
from regionclip.robot.messages import dds_name, decode, encode, type_hash
from regionclip.robot.ros.names import ROOT, domain_id
from regionclip.robot.ros.wire import Answer, Get, Quality, queue_depth

try:
    import zenoh
    from zenoh import ext
    from zenoh.handlers import RingChannel
except ImportError as missing:
    raise ConfigError(f'Zenoh needs eclipse-zenoh ({missing}): pip install "regionclip[robot,zenoh]"') from missing

# Where rmw_zenoh's DEFAULT_RMW_ZENOH_SESSION_CONFIG.json5 differs from Zenoh's own defaults.
_DEFAULT = (
    'connect/endpoints=["tcp/localhost:7447"];listen/endpoints=["tcp/localhost:0"];scouting/multicast/enabled=false'
)
_ALONE = (
    "no Zenoh router: expected one at tcp/localhost:7447 (ros2 run rmw_zenoh_cpp rmw_zenohd), or where "
    "ZENOH_CONFIG_OVERRIDE or ZENOH_SESSION_CONFIG_URI say; still looking for it"
)
# What is beside a message: its number, nanoseconds, and its sender's id after the length of that.
_BESIDE = struct.Struct("<qqB16s")


class Zenoh(Closing):
    """A node of a ROS 2 domain, by its full name; a `Transport` with `Services`, and a context manager.

    Raises:
        ConfigError: where the environment asks for what cannot be.
    """

    def __init__(self, node: str = ROOT) -> None:
        self._node, self._domain = node, domain_id(os.environ)
        self._hashless = os.environ.get("ROS_DISTRO") == "humble"
        self._session = _session()
        self._kept: list[object] = []  # what ends when nobody holds it
        self._publishers: dict[str, tuple[Any, bytes, count[int]]] = {}  # of a topic: with its id and message numbers
        self._fitting: dict[tuple[str, str], tuple[str, ...]] = {}  # of an entity and topic: how its TYPE/HASH begins
        self._announce("NN")

    def listen(self, topic: str, kinds: tuple[str, ...], quality: Quality, take: Callable[[Get], None]) -> None:
        """Hear a topic, in a thread for each type; what is too much makes room for the newest."""
        for kind in kinds:
            most = queue_depth(kind, quality)
            ring: RingChannel[zenoh.Sample] = RingChannel(most)
            before = ext.HistoryConfig(detect_late_publishers=True, max_samples=most) if quality == "latched" else None
            key = f"{self._domain}{topic}/{dds_name(kind)}/*"
            subscriber = ext.declare_advanced_subscriber(self._session, key, ring, history=before)
            Thread(target=_hear, args=(subscriber, take, kind), name=f"regionclip {topic}", daemon=True).start()
            self._announce("MS", topic, kind, _qos(kind, quality))
        self._fitting["MP", topic] = tuple(f"{dds_name(kind)}/" for kind in kinds)

    def offer(self, topic: str, kind: str, quality: Quality) -> None:
        """Make a topic known to the domain."""
        key = f"{self._domain}{topic}/{self._type(kind)}"
        if quality == "latched":
            # Every second, where rmw_zenoh's heartbeat follows news alone: whose question for what was before got lost,
            # as happens while nodes find each other, learns that there is something and asks again.
            told = ext.MissDetectionConfig(heartbeat=1.0, sporadic_heartbeat=None)
            publisher: Any = ext.declare_advanced_publisher(
                self._session, key, cache=ext.CacheConfig(1), sample_miss_detection=told, publisher_detection=True
            )
        else:
            publisher = self._session.declare_publisher(key)
        self._publishers[topic] = publisher, self._announce("MP", topic, kind, _qos(kind, quality)), count(1)
        self._fitting["MS", topic] = (self._type(kind),)

    def send(self, topic: str, kind: str, fields: Mapping[str, Any]) -> None:
        """Send a message; where the way is too narrow for it, it is dropped."""
        publisher, sender, numbers = self._publishers[topic]
        publisher.put(encode(kind, fields), attachment=_BESIDE.pack(next(numbers), time.time_ns(), 16, sender))

    def wanted(self, topic: str) -> bool:
        """Whether somebody listens; what is latched may be heard later."""
        status = getattr(self._publishers[topic][0], "matching_status", None)
        return status is None or status.matching

    def serve(self, service: str, kind: str, answer: Answer) -> None:
        """Answer the requests of a service, in a thread of its own."""
        queryable = self._session.declare_queryable(f"{self._domain}{service}/{dds_name(kind)}/*", complete=True)
        Thread(target=_answer, args=(queryable, answer, kind), name=f"regionclip {service}", daemon=True).start()
        self._announce("SS", service, kind, "::,10:,:,:,,")

    def complaints(self) -> list[str]:
        """That there is nobody to talk to; else who has another type on a topic than we."""
        if not (self._session.info.routers_zid() or self._session.info.peers_zid()):
            return [_ALONE]
        found = []
        for (entity, topic), fitting in self._fitting.items():
            tokens = f"@ros2_lv/{self._domain}/*/*/*/{entity}/*/*/*/{topic.replace('/', '%')}/*/*/*"
            for reply in self._session.liveliness().get(tokens, timeout=1.0):
                other = "/".join(str(reply.ok.key_expr).split("/")[10:12]) if reply.ok else fitting[0]
                if not other.startswith(fitting):
                    who = "publisher" if entity == "MP" else "subscriber"
                    found.append(f"{topic}: a {who} has the type {other}: expected {' or '.join(fitting)}")
        return found

    def close(self) -> None:
        """Leave the domain; without that the process would not end."""
        self._session.close()  # type: ignore[no-untyped-call]

    def _type(self, kind: str) -> str:
        return f"{dds_name(kind)}/{'TypeHashNotSupported' if self._hashless else type_hash(kind)}"

    def _announce(self, entity: str, topic: str = "", kind: str = "", qos: str = "") -> bytes:
        """Make a node (NN), publisher (MP), subscriber (MS) or service (SS) known; its id, 16 bytes."""
        enclave, (space, _, name) = "", self._node.rpartition("/")
        parts = [str(self._domain), str(self._session.zid()), "0", str(len(self._kept)), entity, enclave, space, name]
        parts += [topic, *self._type(kind).split("/"), qos] if topic else []
        token = "/".join(["@ros2_lv", *(part.replace("/", "%") or "%" for part in parts)])
        self._kept.append(self._session.liveliness().declare_token(token))
        return blake2b(token.encode(), digest_size=16).digest()


def _session() -> zenoh.Session:
    """A session as the variables of rmw_zenoh say."""
    file = os.environ.get("ZENOH_SESSION_CONFIG_URI") or os.environ.get("ZENOH_CONFIG")
    if file and not Path(file).is_file():
        raise ConfigError(f"ZENOH_SESSION_CONFIG_URI: expected a file of Zenoh's settings, got {file!r}")
    settings = f"{'' if file else _DEFAULT};timestamping/enabled=true;{os.environ.get('ZENOH_CONFIG_OVERRIDE', '')}"
    try:
        config = zenoh.Config.from_file(file) if file else zenoh.Config()
        for setting in filter(str.strip, settings.split(";")):
            name, _, value = setting.partition("=")
            config.insert_json5(name.strip(), value)
        return zenoh.open(config)
    except zenoh.ZError as error:
        reason = " ".join(str(error).partition(" at /")[0].split())
        raise ConfigError(f"Zenoh cannot start as ZENOH_SESSION_CONFIG_URI and ..._OVERRIDE say: {reason}") from error


def _hear(samples: Iterable[zenoh.Sample], take: Callable[[Get], None], kind: str) -> None:
    """Take messages until the session is closed."""
    for sample in samples:
        take(lambda payload=sample.payload: decode(payload.to_bytes(), kind))  # type: ignore[misc]


def _answer(queries: Iterable[zenoh.Query], answer: Answer, kind: str) -> None:
    """Answer requests until the session is closed."""
    for query in queries:
        with query:
            try:
                number, _, _, sender = _BESIDE.unpack(bytes(query.attachment or b""))
                response = answer(decode(bytes(query.payload or b""), f"{kind}_Request"))
                beside = _BESIDE.pack(number, time.time_ns(), 16, sender)
                query.reply(query.key_expr, encode(f"{kind}_Response", response), attachment=beside)
            except Exception as error:  # whatever it is, the next request comes
                query.reply_err(f"{type(error).__name__}: {error}".encode())


def _qos(kind: str, quality: Quality) -> str:
    """Reliability, durability and depth as a token says them; what is empty is rmw's default."""
    return f"{'2' * (quality == 'sensor')}:{'1' * (quality == 'latched')}:,{queue_depth(kind, quality)}:,:,:,,"
