"""Bags: ROS 2 ones (MCAP, SQLite) and ROS 1 ones are read, ROS 2 ones written, by rosbags."""

import os
import shutil
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from operator import length_hint
from pathlib import Path
from typing import Any, Literal, NamedTuple

from regionclip.errors import ConfigError, FileError, MessageError, RegionclipError, SourceError
from regionclip.formats.growing import FrameFile
from regionclip.frames import Frame
from regionclip.robot.closing import Closing
from regionclip.robot.images import frame_of
from regionclip.robot.messages import COMPRESSED_IMAGE, IMAGE, Header, store
from regionclip.robot.ros.names import ROOT, places

with suppress(ImportError):  # `messages.store` tells that it is missing
    from rosbags.convert.converter import is_same_wireformat
    from rosbags.highlevel import AnyReader, AnyReaderError
    from rosbags.interfaces import Connection, Qos, QosDurability, QosHistory, QosLiveliness, QosReliability, QosTime
    from rosbags.rosbag2 import StoragePlugin, Writer
    from rosbags.serde import SerdeError
    from rosbags.typesys import Stores, get_typestore
    from rosbags.typesys.store import Typestore

Storage = Literal["mcap", "sqlite3"]
SUFFIXES: dict[str, Storage] = {".mcap": "mcap", ".db3": "sqlite3"}
"""Of bags that are one file; others are folders."""

_HEADER = "std_msgs/msg/Header"


class BagMessage(NamedTuple):
    """A message of a bag: its topic and type, when it was recorded (nanoseconds), and its bytes as recorded."""

    topic: str
    kind: str
    log_ns: int
    payload: bytes


class Bag(Closing):
    """A bag that is read, a context manager.

        with Bag("drive.mcap") as bag:
            for message, frame, header in bag.frames("/camera/image_raw"): ...

    Args:
        path: a folder with metadata.yaml, a `.mcap`, `.db3` or (ROS 1) `.bag` file.

    Attributes:
        topics: type of each topic.
        reader: rosbags' own.

    Raises:
        SourceError: where it cannot be read, as where it was cut short.
    """

    def __init__(self, path: str | Path) -> None:
        self.path, self._own = Path(path), store()
        if not self.path.exists():
            raise SourceError(f"bag {path}: no such file or folder")
        try:
            self.reader = AnyReader([self.path], default_typestore=self._own)
            self.reader.open()
        except Exception as error:  # rosbags lets out whatever struct, YAML and its storages raise
            raise SourceError(
                f"bag {path} cannot be read ({_said(error)}): expected a ROS 2 bag (a folder with metadata.yaml, "
                ".mcap, .db3) or a ROS 1 bag (.bag); copy one that was cut short again, or mend it (mcap recover, "
                "ros2 bag reindex, rosbag reindex)"
            ) from error
        self.topics = {each.topic: each.msgtype for each in self.reader.connections}
        self._stores: dict[str, Typestore] = {}

    def messages(self, topics: Collection[str]) -> "Messages":
        """The messages of these topics in order of their log times."""
        return Messages(self, self._of(topics))

    def frames(self, *topics: str) -> Iterator[tuple[BagMessage, Frame, Header]]:
        """The images of these topics.

        Raises:
            ConfigError: where the bag has no such topic.
            MessageError: for one that cannot be used.
            SourceError: where the bag cannot be read on.
        """
        if absent := [topic for topic in topics if topic not in self.topics]:
            raise ConfigError(f"bag {self.path}: has no topic {absent[0]}; there: {', '.join(self.topics)}")
        for message in self.messages(topics):
            decoded = self.decode(message)
            yield message, frame_of(decoded), Header.of(decoded.header)

    def decode(self, message: BagMessage) -> Any:  # noqa: ANN401 - a class made at run time
        """What a message says.

        Raises:
            MessageError: where it is damaged.
        """
        try:
            return self.reader.deserialize(message.payload, message.kind)
        except AnyReaderError as error:
            raise MessageError(f"message on {message.topic}: {error}") from error

    def cdr(self, message: BagMessage) -> bytes | memoryview:
        """The bytes of a message as ROS 2 has them: as they are, but for ROS 1.

        Raises:
            MessageError: where a message of ROS 1 is damaged.
        """
        if self.reader.is2:
            return message.payload
        try:
            return self.store(message.kind).ros1_to_cdr(message.payload, message.kind)
        except SerdeError as error:
            raise MessageError(f"message on {message.topic}: {error}") from error

    def store(self, kind: str) -> "Typestore":
        """Where a type is defined as ROS 2 has it: of ROS 1 by our own definition, where that says the same."""
        if self.reader.is2:
            return self.reader.typestore
        if kind not in self._stores:
            theirs, own = self.reader.typestore, self._own
            self._stores[kind] = own
            if kind not in own.fielddefs or not is_same_wireformat(theirs, own, kind, kind):
                self._stores[kind] = get_typestore(Stores.EMPTY)
                self._stores[kind].register({**theirs.fielddefs, _HEADER: own.fielddefs[_HEADER]})
        return self._stores[kind]

    def qos(self, topic: str) -> "list[Qos]":
        """How a topic was offered, where the bag says so."""
        ext = self._of([topic])[0].ext
        return _latched() if getattr(ext, "latching", None) else list(getattr(ext, "offered_qos_profiles", ()))

    def close(self) -> None:
        """Let go of the files."""
        self.reader.close()

    def _of(self, topics: Collection[str]) -> "list[Connection]":
        return [each for each in self.reader.connections if each.topic in topics]


class Messages:
    """Messages of a bag, read as they are asked for; it knows nearly how many they are, as progress bars want it.

    Raises:
        SourceError: on the way, where the bag cannot be read on.
    """

    def __init__(self, bag: Bag, connections: "list[Connection]") -> None:
        self._bag, self._connections = bag, connections

    def __length_hint__(self) -> int:
        return sum(each.msgcount for each in self._connections)

    def __iter__(self) -> Iterator[BagMessage]:
        if not self._connections:  # rosbags would take that for all of them
            return
        try:
            for connection, log_ns, payload in self._bag.reader.messages(self._connections):
                yield BagMessage(connection.topic, connection.msgtype, log_ns, payload)
        except Exception as error:  # see `Bag`
            said = f"bag {self._bag.path} cannot be read on ({_said(error)}): it is damaged or cut short"
            raise SourceError(said) from error


class NewBag(FrameFile):
    """A ROS 2 bag that is written under a temporary name beside its own until it is closed.

    Args:
        path: a folder, or one file where it ends in `.mcap` or `.db3`; it must not be there yet.
        storage: None takes what the ending of `path` says, else `mcap`.

    Raises:
        ConfigError: where it is there, or ending and storage contradict one another.
        FileError: where it cannot be written.
    """

    def __init__(self, path: str | Path, storage: Storage | None = None) -> None:
        self.path = Path(os.path.realpath(path))
        self.frames = 0
        if os.path.lexists(path):
            raise ConfigError(f"bag {path} is there already: expected a new name, or remove it first")
        by_name = SUFFIXES.get(self.path.suffix)
        if storage is not None and by_name not in (None, storage):
            raise ConfigError(f"bag {path}: expected storage {by_name} for {self.path.suffix}, got {storage}")
        self._connections: dict[tuple[str, str], Connection] = {}
        self._folder = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        plugin = StoragePlugin.SQLITE3 if "sqlite3" in (storage, by_name) else StoragePlugin.MCAP
        try:
            with self._telling():
                self._folder.mkdir(parents=True)
                self._writer = Writer(self._folder / self.path.stem, version=8, storage_plugin=plugin)
                self._writer.open()
        except FileError:
            self.abort()
            raise

    def write(
        self,
        topic: str,
        kind: str,
        log_ns: int,
        payload: bytes | memoryview,
        *,
        of: Bag | None = None,
        latched: bool = False,
    ) -> None:
        """Add a message of a type, recorded at `log_ns` nanoseconds, with these CDR bytes.

        Args:
            of: the bag that it comes from, whose types and offers are taken over; None for messages of our own.
            latched: whoever comes later is told too (transient local).

        Raises:
            FileError: where it cannot be written.
        """
        with self._telling():
            connection = self._connections.get((topic, kind))
            if connection is None:
                qos = of.qos(topic) if of is not None else _latched() if latched else []
                known = store() if of is None else of.store(kind)
                connection = self._writer.add_connection(topic, kind, typestore=known, offered_qos_profiles=qos)
                self._connections[topic, kind] = connection
            self._writer.write(connection, log_ns, payload)

    def close(self) -> None:
        """Finish the bag and give it its name. Closing twice is fine."""
        if not self._folder.exists():
            return
        try:
            with self._telling():
                self._writer.close()
                made = self._writer.path
                if self.path.suffix in SUFFIXES:
                    made /= f"{made.name}{self.path.suffix}"
                made.replace(self.path)
        finally:
            self.abort()

    def abort(self) -> None:
        """Throw away what was written."""
        with suppress(Exception):
            self._writer.abort()
        shutil.rmtree(self._folder, ignore_errors=True)

    @contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except RegionclipError:
            raise
        except Exception as error:  # of the system, of SQLite, or of rosbags about them
            raise FileError(f"bag {self.path} cannot be written: {_said(error)}") from error


class Choice(NamedTuple):
    """Topics of a bag: those whose images are answered, and those that are copied."""

    answered: list[str]
    copied: list[str]


def choose(bag: Bag, topics: Sequence[str] = (), keep: Sequence[str] = (), *, images: bool = True) -> Choice:
    """What shall be done with a bag: `topics` of images answered (none: the only one), and copied as `keep`.

    Raises:
        ConfigError: for topics that are not in the bag, have no images or no messages, or would be written twice.
    """
    known = [topic for topic, kind in bag.topics.items() if kind in (IMAGE, COMPRESSED_IMAGE)]
    there = f"there: {', '.join(known) or 'no images'}"
    chosen = list(topics) or known
    if not topics and len(known) != 1:
        raise ConfigError(f"bag {bag.path}: expected a topic of images, named by --topic; {there}")
    for topic in chosen:
        if topic not in known:
            kind = f", a {bag.topics[topic]}" if topic in bag.topics else ""
            raise ConfigError(f"bag {bag.path}: expected a topic of images, got {topic}{kind}; {there}")
        if not length_hint(bag.messages([topic])):
            raise ConfigError(f"bag {bag.path}: {topic} has no messages; {there}")
    if absent := [topic for topic in keep if topic not in bag.topics]:
        raise ConfigError(f"bag {bag.path}: has no topic {absent[0]} to keep; there: {', '.join(bag.topics)}")
    if not images and (twice := [topic for topic in keep if topic in chosen]):
        raise ConfigError(f"bag {bag.path}: {twice[0]} is kept by --keep and left out by --no-images: expected one")
    kept, own = [topic for topic in keep if topic not in chosen], (ROOT, *places(chosen).values())
    if answers := [topic for topic in (*kept, *chosen) if topic.rpartition("/")[0] in own]:
        raise ConfigError(f"bag {bag.path}: {answers[0]} cannot be kept: answers are written there")
    return Choice(chosen, kept + chosen * images)


def _latched() -> "list[Qos]":
    """Reliable and transient local: whoever comes later is told the latest."""
    forever, durability = QosTime(2**31 - 1, 2**32 - 1), QosDurability.TRANSIENT_LOCAL
    promised = QosReliability.RELIABLE, durability, forever, forever, QosLiveliness.AUTOMATIC, forever
    return [Qos(QosHistory.KEEP_LAST, 1, *promised, avoid_ros_namespace_conventions=False)]


def _said(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return str(text).rstrip(".")
