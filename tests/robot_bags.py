"""Bags that robots might have recorded: made with rosbags from frames, and read again by mcap's own reader."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from rosbags.rosbag1 import Writer as Writer1
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from regionclip.frames import Frame
from regionclip.robot.images import compressed_fields, image_fields
from regionclip.robot.messages import COMPRESSED_IMAGE, IMAGE, Header, encode, store
from regionclip.robot.transports.bags import Bag

START = 1_700_000_000_123_456_789
STEP = 100_000_000
DELAY = 7_000_000
"""Nanoseconds: the first stamp, from frame to frame, from stamp to log time."""

CAMERA = "/camera/image_raw"
IMU = "/imu"
DETECTIONS = "/regionclip/detections"
Recorded = tuple[str, str, int, bytes]
"""Topic, type, log time, CDR."""


def header(index: int, frame_id: str = "camera_link") -> Header:
    return Header(START + index * STEP, frame_id)


def recorded(frames: Iterable[Frame], topic: str = CAMERA, frame_id: str = "camera_link") -> list[Recorded]:
    """Raw images, 10 a second; on a topic that ends in `/compressed` JPEGs."""
    kind, fields = (COMPRESSED_IMAGE, compressed_fields) if topic.endswith("/compressed") else (IMAGE, image_fields)
    return [
        (topic, kind, header(index).stamp_ns + DELAY, encode(kind, fields(frame, header(index, frame_id))))
        for index, frame in enumerate(frames)
    ]


def imu(count: int) -> list[Recorded]:
    kind = "sensor_msgs/msg/Imu"
    return [
        (IMU, kind, header(index).stamp_ns, encode(kind, {"header": header(index, "imu").fields()}))
        for index in range(count)
    ]


def write_bag(
    path: Path,
    messages: Sequence[Recorded],
    storage: Literal["mcap", "sqlite3"] = "mcap",
    version: Literal[8, 9] = 9,
) -> Path:
    """A ROS 2 bag."""
    plugin = StoragePlugin.MCAP if storage == "mcap" else StoragePlugin.SQLITE3
    with Writer(path, version=version, storage_plugin=plugin) as writer:
        known = {
            (topic, kind): writer.add_connection(topic, kind, typestore=store())
            for topic, kind in dict.fromkeys((topic, kind) for topic, kind, _, _ in messages)
        }
        for topic, kind, log_ns, payload in sorted(messages, key=lambda message: message[2]):
            writer.write(known[topic, kind], log_ns, payload)
    return path


def write_ros1_bag(path: Path, frames: Sequence[Frame]) -> Path:
    """A bag of ROS 1, with images in rgb8 and a latched CameraInfo for each."""
    types = get_typestore(Stores.ROS1_NOETIC)
    time, head = types.types["builtin_interfaces/msg/Time"], types.types["std_msgs/msg/Header"]
    image, info = types.types["sensor_msgs/msg/Image"], types.types["sensor_msgs/msg/CameraInfo"]
    region = types.types["sensor_msgs/msg/RegionOfInterest"]
    numbers = [np.zeros(count) for count in (5, 9, 9, 12)]
    with Writer1(path) as writer:
        pictures = writer.add_connection(CAMERA, image.__msgtype__, typestore=types)
        infos = writer.add_connection("/camera/camera_info", info.__msgtype__, typestore=types, latching=1)
        for index, frame in enumerate(frames):
            stamp = time(**header(index).stamp())
            top: Any = head(index, stamp, "camera_link")
            rgb = np.ascontiguousarray(frame[:, :, ::-1]).reshape(-1)
            height, width = frame.shape[:2]
            log_ns = header(index).stamp_ns + DELAY
            picture = image(top, height, width, "rgb8", 0, width * 3, rgb)
            writer.write(pictures, log_ns, types.serialize_ros1(picture, image.__msgtype__))
            told = info(top, height, width, "plumb_bob", *numbers, 0, 0, region(0, 0, 0, 0, False))
            writer.write(infos, log_ns, types.serialize_ros1(told, info.__msgtype__))
    return path


def read_bag(path: Path) -> list[tuple[str, int, Any]]:
    """Topic, log time and message of all that a bag holds, in order."""
    with Bag(path) as bag:
        return [(each.topic, each.log_ns, bag.decode(each)) for each in bag.messages(list(bag.topics))]


def read_mcap(path: Path) -> list[tuple[str, int, Any]]:
    """The same of an MCAP file, by mcap-ros2-support, which knows nothing of rosbags."""
    from mcap.reader import make_reader
    from mcap_ros2.decoder import DecoderFactory

    with path.open("rb") as file:
        found = make_reader(file, decoder_factories=[DecoderFactory()]).iter_decoded_messages()
        return [(channel.topic, message.log_time, decoded) for _, channel, message, decoded in found]


def on(topic: str, messages: Iterable[tuple[str, int, Any]]) -> list[tuple[int, Any]]:
    """Log times and messages of a topic."""
    return [(log_ns, message) for name, log_ns, message in messages if name == topic]


def labels(array: Any) -> list[str]:  # noqa: ANN401
    """The best label of each thing of a Detection2DArray."""
    return [each.results[0].hypothesis.class_id for each in array.detections]
