"""DDS transport: the wire that ROS 2 nodes speak themselves, by Cyclone DDS and without a ROS installation.

Names, types and representation are those of rmw: topic `rt/NAME`, type `package::msg::dds_::Name_`, XCDR1. Messages
pass as bytes: Cyclone DDS checks that they are well formed, and its own slow codec is never used.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import cache, partial
from threading import Lock, Thread
from typing import Any

from regionclip.errors import ConfigError
from regionclip.robot.closing import Closing
from regionclip.robot.messages import dds_name, decode, encode, store, type_hash
from regionclip.robot.ros.names import domain_id
from regionclip.robot.ros.wire import Get, Quality, queue_depth

try:
    from cyclonedds import builtin, core
    from cyclonedds.domain import Domain, DomainParticipant
    from cyclonedds.idl import make_idl_struct, types
    from cyclonedds.idl.annotations import final
    from cyclonedds.internal import InvalidSample
    from cyclonedds.pub import DataWriter
    from cyclonedds.sub import DataReader
    from cyclonedds.topic import Topic
    from rosbags.interfaces import Nodetype
except ImportError as missing:
    raise ConfigError(f'DDS needs the package cyclonedds ({missing}): pip install "regionclip[robot]"') from missing

# Those that ROS uses, by the numbers of DDS.
_POLICIES = {2: "durability", 4: "deadline", 8: "liveliness", 11: "reliability", 23: "data representation"}
_RANGES = ("SYSTEM_DEFAULT", "SUBNET", "LOCALHOST", "OFF")
_WAIT = 200_000_000
"""Nanoseconds after which the transport looks again whether it shall end."""

_BLOCKING = 100_000_000
"""Nanoseconds that a reliable writer waits for a slow listener before it drops."""

# Large fragments and a large buffer carry a raw image of 1080p at once (docs/robotics.md, Limits). Cyclone DDS cannot
# read what Fast DDS 3 (vendor 1.15; ROS 2 Kilted) tells of types beside their names, and then nothing matches.
_CONFIG = (
    '<CycloneDDS xmlns="https://cdds.io/config"><Domain Id="any"><General>{general}'
    "<MaxMessageSize>65500B</MaxMessageSize><FragmentSize>65000B</FragmentSize></General>"
    '<Internal><SocketReceiveBufferSize min="default" max="4MB"/></Internal>'
    "<Compatibility><IgnoreTypeInformation>1.15</IgnoreTypeInformation></Compatibility>"
    "<Discovery>{discovery}</Discovery></Domain></CycloneDDS>"
)
_LOOPBACK = '<Interfaces><NetworkInterface address="127.0.0.1"/></Interfaces>'


def environment(variables: Mapping[str, str]) -> tuple[int, str | None]:
    """The number of the domain, and the XML for Cyclone DDS, that ROS's own variables ask for.

    `ROS_DOMAIN_ID`, `ROS_AUTOMATIC_DISCOVERY_RANGE` (or the older `ROS_LOCALHOST_ONLY`), `ROS_STATIC_PEERS`; no XML
    where there is a `CYCLONEDDS_URI`, which holds as it is.

    Raises:
        ConfigError: for values that ROS does not know.
    """
    domain = domain_id(variables)
    if variables.get("CYCLONEDDS_URI"):
        return domain, None
    local = variables.get("ROS_LOCALHOST_ONLY") == "1"
    reach = variables.get("ROS_AUTOMATIC_DISCOVERY_RANGE") or ("LOCALHOST" if local else "SUBNET")
    if reach not in _RANGES:
        raise ConfigError(f"ROS_AUTOMATIC_DISCOVERY_RANGE: expected one of {', '.join(_RANGES)}, got {reach!r}")
    peers = [peer for peer in variables.get("ROS_STATIC_PEERS", "").split(";") if peer]
    if strange := [peer for peer in peers if not all(letter.isalnum() or letter in ".:-_" for letter in peer)]:
        raise ConfigError(f"ROS_STATIC_PEERS: expected addresses with ; between them, got {strange[0]!r}")
    alone = reach in ("LOCALHOST", "OFF")
    general = "" if not alone else f"{'' if peers else _LOOPBACK}<AllowMulticast>false</AllowMulticast>"
    if reach == "LOCALHOST":
        peers = ["127.0.0.1", *peers]
    discovery = "<MaxAutoParticipantIndex>100</MaxAutoParticipantIndex>"
    if peers:  # they look for one another at numbered ports
        known = "".join(f'<Peer address="{peer}"/>' for peer in peers)
        discovery += f"<ParticipantIndex>auto</ParticipantIndex><Peers>{known}</Peers>"
    return domain, _CONFIG.format(general=general, discovery=discovery)


class Dds(Closing):
    """A participant of the ROS 2 domain that variables ask for (`environment`); a `Transport` and a context manager.

    Raises:
        ConfigError: where they ask for what cannot be.
    """

    def __init__(self, variables: Mapping[str, str] = os.environ) -> None:
        domain, config = environment(variables)
        try:
            _configure(domain, config)
            self._participant = DomainParticipant(domain)
        except core.DDSException as error:
            raise ConfigError(f"DDS domain {domain} cannot be joined: {error.msg} (see CYCLONEDDS_URI)") from error
        self._guard = Lock()
        self._heard: list[tuple[str, str, DataReader[Any], Callable[[Get], None]]] = []  # topic, type, reader, taker
        self._writers: dict[str, tuple[str, DataWriter[Any]]] = {}  # type and writer of a topic
        self._ending = core.GuardCondition(self._participant)
        self._set = core.WaitSet(self._participant)
        self._set.attach(self._ending)
        alive = core.SampleState.Any | core.ViewState.Any | core.InstanceState.Alive
        self._senders, self._listeners = (
            core.ReadCondition(builtin.BuiltinDataReader(self._participant, each), alive)
            for each in (builtin.BuiltinTopicDcpsPublication, builtin.BuiltinTopicDcpsSubscription)
        )
        self._thread = Thread(target=self._run, name="regionclip dds", daemon=True)
        self._thread.start()

    def listen(self, topic: str, kinds: tuple[str, ...], quality: Quality, take: Callable[[Get], None]) -> None:
        """Hear a topic, in a thread of this transport's own."""
        for kind in kinds:
            named = Topic(self._participant, f"rt{topic}", _idl(kind))
            reader = DataReader(self._participant, named, _qos(kind, quality))
            with self._guard:
                self._heard.append((topic, kind, reader, take))
            self._set.attach(
                core.ReadCondition(reader, core.SampleState.Any | core.ViewState.Any | core.InstanceState.Any)
            )

    def offer(self, topic: str, kind: str, quality: Quality) -> None:
        """Make a topic known to the domain."""
        named = Topic(self._participant, f"rt{topic}", _idl(kind))
        self._writers[topic] = kind, DataWriter(self._participant, named, _qos(kind, quality))

    def send(self, topic: str, kind: str, fields: Mapping[str, Any]) -> None:
        """Send a message; one that a slow listener does not take in time is dropped."""
        sample = _idl(kind).of(encode(kind, fields))
        with suppress(core.DDSException):
            self._writers[topic][1].write(sample)

    def wanted(self, topic: str) -> bool:
        """Whether somebody listens."""
        return bool(self._writers[topic][1].get_publication_matched_status().current_count)

    def complaints(self) -> list[str]:
        """Others on our topics that we cannot hear, or that cannot hear us, and why."""
        found: list[str] = []
        for topic in dict.fromkeys(topic for topic, *_ in self._heard):
            own = [(kind, reader) for name, kind, reader, _ in self._heard if name == topic]
            matched = sum(reader.get_subscription_matched_status().current_count for _, reader in own)
            refused = [reader.get_requested_incompatible_qos_status() for _, reader in own]
            found += self._mismatch(topic, self._senders, [kind for kind, _ in own], matched, refused)
        for topic, (kind, writer) in self._writers.items():
            matched = writer.get_publication_matched_status().current_count
            refused = [writer.get_offered_incompatible_qos_status()]
            found += self._mismatch(topic, self._listeners, [kind], matched, refused)
        return found

    def close(self) -> None:
        """Leave the domain."""
        self._ending.set(True)
        self._thread.join()
        self._heard.clear()
        self._writers.clear()
        del self._senders, self._listeners, self._set, self._ending, self._participant  # the last reference deletes

    def _mismatch(
        self, topic: str, ends: core.ReadCondition, kinds: list[str], matched: int, refused: list[Any]
    ) -> Iterator[str]:
        """What is wrong with other ends of a topic, at most one line."""
        others = [
            end
            for end in ends.reader.read(1000, ends)
            if end.topic_name == f"rt{topic}" and end.participant_key != self._participant.guid
        ]
        who = "publisher" if ends is self._senders else "subscriber"
        names = [dds_name(kind) for kind in kinds]
        if strange := [end.type_name for end in others if end.type_name not in names]:
            yield f"{topic}: a {who} has the type {strange[0]}: expected {' or '.join(names)}"
        elif len(others) > matched and (seen := [each for each in refused if each.total_count]):
            policy = _POLICIES.get(seen[-1].last_policy_id, f"policy {seen[-1].last_policy_id}")
            yield f"{topic}: QoS mismatch with a {who}: the {policy} of the two does not go together"

    def _run(self) -> None:
        while not self._ending.read():
            self._set.wait(_WAIT)
            with self._guard:
                heard = list(self._heard)
            for _, kind, reader, take in heard:
                for sample in reader.take(100):
                    if not isinstance(sample, InvalidSample):
                        take(partial(decode, sample.payload, kind))


@cache
def _configure(domain: int, config: str | None) -> Any:  # noqa: ANN401 - kept for as long as the process lives
    """A domain as XML says, once: a process can say it once only."""
    return Domain(domain, config) if config else None


def _qos(kind: str, quality: Quality) -> core.Qos:
    """As rmw would ask for; the reliability is what a ROS user calls best effort and reliable."""
    reliable, latched = quality != "sensor", quality == "latched"
    return core.Qos(
        core.Policy.Reliability.Reliable(_BLOCKING) if reliable else core.Policy.Reliability.BestEffort,
        core.Policy.Durability.TransientLocal if latched else core.Policy.Durability.Volatile,
        core.Policy.History.KeepLast(queue_depth(kind, quality)),
        core.Policy.DataRepresentation(use_cdrv0_representation=True),
        core.Policy.Userdata(f"typehash={type_hash(kind)};".encode()),
    )


@cache
def _idl(kind: str) -> Any:  # noqa: ANN401 - a class made at run time
    """A type as Cyclone DDS knows it, whose samples hold the bytes of a message as `payload`."""
    fields = {name: _idl_field(what) for name, what in store().fielddefs[kind][1]}
    made: Any = final(make_idl_struct(kind.rpartition("/")[2], dds_name(kind).replace("::", "."), fields))

    def of(payload: bytes, *_: object, **__: object) -> object:
        sample = object.__new__(made)
        sample.payload = payload
        return sample

    made.of = made.deserialize = of
    made.serialize = lambda self, *_, **__: self.payload
    return made


def _idl_field(what: Any) -> Any:  # noqa: ANN401 - a type as rosbags describes it, and as Cyclone DDS does
    node, detail = what
    if node == Nodetype.NAME:
        return _idl(detail)
    if node == Nodetype.BASE:
        return {"string": str, "bool": bool}.get(detail[0]) or getattr(types, detail[0])
    inner, length = detail
    own: Any = types.array if node == Nodetype.ARRAY else types.sequence
    return own[_idl_field(inner), length] if node == Nodetype.ARRAY else own[_idl_field(inner)]
