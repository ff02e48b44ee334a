"""ROS 2 messages as bytes (CDR): encoded from plain dicts, decoded to objects that have their fields as attributes.

A dict holds only what differs from zero, so that `{"header": header.fields(), "detections": []}` is a whole message.
The codec is rosbags'; packages that it does not know are registered from `_DEFINITIONS`.
"""

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from regionclip.errors import ConfigError, MessageError

if TYPE_CHECKING:
    from rosbags.typesys.store import Typestore

IMAGE = "sensor_msgs/msg/Image"
COMPRESSED_IMAGE = "sensor_msgs/msg/CompressedImage"
CAMERA_INFO = "sensor_msgs/msg/CameraInfo"
DETECTIONS = "vision_msgs/msg/Detection2DArray"
DETECTIONS_3D = "vision_msgs/msg/Detection3DArray"
LABEL_INFO = "vision_msgs/msg/LabelInfo"
VISION_INFO = "vision_msgs/msg/VisionInfo"
DIAGNOSTICS = "diagnostic_msgs/msg/DiagnosticArray"
ANNOTATIONS = "foxglove_msgs/msg/ImageAnnotations"
STRING = "std_msgs/msg/String"
CLOCK = "rosgraph_msgs/msg/Clock"
TRANSFORMS = "tf2_msgs/msg/TFMessage"
ODOMETRY = "nav_msgs/msg/Odometry"
SET_PROMPTS = "regionclip_interfaces/srv/SetPrompts"
ASK = "regionclip_interfaces/srv/Ask"

# Fields in the order of the wire, of vision_msgs 4 (ROS 2 Humble and later), of Foxglove's annotations, of our own.
_DEFINITIONS = {
    "vision_msgs/msg/Point2D": "float64 x; float64 y",
    "vision_msgs/msg/Pose2D": "vision_msgs/Point2D position; float64 theta",
    "vision_msgs/msg/BoundingBox2D": "vision_msgs/Pose2D center; float64 size_x; float64 size_y",
    "vision_msgs/msg/BoundingBox3D": "geometry_msgs/Pose center; geometry_msgs/Vector3 size",
    "vision_msgs/msg/ObjectHypothesis": "string class_id; float64 score",
    "vision_msgs/msg/ObjectHypothesisWithPose": "vision_msgs/ObjectHypothesis hypothesis; "
    "geometry_msgs/PoseWithCovariance pose",
    "vision_msgs/msg/Detection2D": "std_msgs/Header header; vision_msgs/ObjectHypothesisWithPose[] results; "
    "vision_msgs/BoundingBox2D bbox; string id",
    DETECTIONS: "std_msgs/Header header; vision_msgs/Detection2D[] detections",
    "vision_msgs/msg/Detection3D": "std_msgs/Header header; vision_msgs/ObjectHypothesisWithPose[] results; "
    "vision_msgs/BoundingBox3D bbox; string id",
    DETECTIONS_3D: "std_msgs/Header header; vision_msgs/Detection3D[] detections",
    "vision_msgs/msg/VisionClass": "uint16 class_id; string class_name",
    LABEL_INFO: "std_msgs/Header header; vision_msgs/VisionClass[] class_map; float32 threshold",
    VISION_INFO: "std_msgs/Header header; string method; string database_location; int32 database_version",
    "foxglove_msgs/msg/Color": "float64 r; float64 g; float64 b; float64 a",
    "foxglove_msgs/msg/Point2": "float64 x; float64 y",
    "foxglove_msgs/msg/CircleAnnotation": "builtin_interfaces/Time timestamp; foxglove_msgs/Point2 position; "
    "float64 diameter; float64 thickness; foxglove_msgs/Color fill_color; foxglove_msgs/Color outline_color",
    "foxglove_msgs/msg/PointsAnnotation": "builtin_interfaces/Time timestamp; uint8 type; "
    "foxglove_msgs/Point2[] points; foxglove_msgs/Color outline_color; foxglove_msgs/Color[] outline_colors; "
    "foxglove_msgs/Color fill_color; float64 thickness",
    "foxglove_msgs/msg/TextAnnotation": "builtin_interfaces/Time timestamp; foxglove_msgs/Point2 position; "
    "string text; float64 font_size; foxglove_msgs/Color text_color; foxglove_msgs/Color background_color",
    ANNOTATIONS: "foxglove_msgs/CircleAnnotation[] circles; foxglove_msgs/PointsAnnotation[] points; "
    "foxglove_msgs/TextAnnotation[] texts",
    f"{SET_PROMPTS}_Request": "string[] prompts; float32 threshold",
    f"{SET_PROMPTS}_Response": "bool success; string message; int32 version",
    f"{ASK}_Request": "string words; int32 top",
    f"{ASK}_Response": "vision_msgs/Detection3DArray answers; bool success; string message",
}
# Of services, which rosbags does not know (tests/robot/test_ros_messages.py computes them).
_SERVICE_HASHES = {
    SET_PROMPTS: "RIHS01_f8fe4762805d1a948714172b65cf0bba20b876f70144e6c28f66f66632e2658b",
    ASK: "RIHS01_1d5b99f49c4dac1de741d79f2877b51627bb17860b44a7e7df53d7fbdbf61586",
}


class Header(NamedTuple):
    """A `std_msgs/Header`: nanoseconds of the sender's clock, and the name of the coordinate frame."""

    stamp_ns: int
    frame_id: str = ""

    @classmethod
    def of(cls, header: Any) -> Self:  # noqa: ANN401 - whoever's message class
        """That of a decoded message, or of one of rclpy's."""
        return cls(nanoseconds(header.stamp), header.frame_id)

    @classmethod
    def at(cls, seconds: float, frame_id: str = "") -> "Header":
        """That of a time on a clock."""
        return cls(int(seconds * 1e9), frame_id)

    def fields(self) -> dict[str, Any]:
        """As a message."""
        return {"stamp": self.stamp(), "frame_id": self.frame_id}

    def stamp(self) -> dict[str, int]:
        """The time as a `builtin_interfaces/Time`."""
        return dict(zip(("sec", "nanosec"), divmod(self.stamp_ns, 1_000_000_000), strict=True))


def nanoseconds(time: Any) -> int:  # noqa: ANN401 - whoever's message class
    """Those of a `builtin_interfaces/Time`."""
    return int(time.sec) * 1_000_000_000 + int(time.nanosec)


def encode(kind: str, fields: Mapping[str, Any]) -> bytes:
    """The CDR bytes of a message of a type, little endian; fields that are not given are zero, empty or false."""
    return bytes(store().serialize_cdr(_message(kind, fields), kind, little_endian=True))


def decode(payload: bytes | memoryview, kind: str) -> Any:  # noqa: ANN401 - a class made at run time
    """A message from its CDR bytes, little or big endian. Arrays of numbers are views of `payload`.

    Raises:
        MessageError: where they are no such message, or a part of one.
    """
    from rosbags.serde import SerdeError

    try:
        return store().deserialize_cdr(payload, kind)
    except SerdeError as error:
        raise MessageError(f"message: expected a {kind} of {len(payload)} bytes, got others: {error}") from error


def type_hash(kind: str) -> str:
    """What ROS 2 knows a type by: `RIHS01_...`."""
    return _SERVICE_HASHES.get(kind) or store().hash_rihs01(kind)


def dds_name(kind: str) -> str:
    """What the wires know a type by: `sensor_msgs/msg/Image` as `sensor_msgs::msg::dds_::Image_`."""
    package, _, name = kind.rpartition("/")
    return f"{package.replace('/', '::')}::dds_::{name}_"


@cache
def store() -> "Typestore":
    """All types that are known here, with rosbags' codec.

    Raises:
        ConfigError: where rosbags is not installed.
    """
    try:
        from rosbags.typesys import Stores, get_types_from_msg, get_typestore
    except ImportError as error:
        raise ConfigError(f'messages need the package rosbags ({error}): pip install "regionclip[robot]"') from error
    known, own = get_typestore(Stores.ROS2_JAZZY), {}
    for kind, fields in _DEFINITIONS.items():
        (own[kind],) = get_types_from_msg(fields.replace("; ", "\n"), kind).values()  # it calls all of them messages
    known.register(own)
    return known


def _message(kind: str, fields: Mapping[str, Any]) -> object:
    """A message of a type, from dicts."""
    types, zeros = _fields(kind)
    assert fields.keys() <= types.keys(), f"{kind} has no fields {sorted(fields.keys() - types.keys())}"
    return store().types[kind](**zeros | {name: _value(types[name], given) for name, given in fields.items()})


@cache
def _fields(kind: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The fields of a message: types, and zeros.

    A type is a kind of node and its detail: the name of a message, (base type, limit), or (type of elements, length).
    """
    types = dict(store().fielddefs[kind][1])
    return types, {name: _value(what, _nothing(*what)) for name, what in types.items()}


def _nothing(node: int, detail: Any) -> Any:  # noqa: ANN401 - of any type
    from rosbags.interfaces import Nodetype

    if isinstance(detail, str):
        return {}
    of, length = detail
    if isinstance(of, tuple):
        return [_nothing(*of)] * length if node == Nodetype.ARRAY else []
    return "" if of == "string" else 0


def _value(what: Any, given: Any) -> Any:  # noqa: ANN401 - of any type
    _, detail = what
    if isinstance(detail, str):
        return _message(detail, given)
    if isinstance(detail[0], str):
        return given
    _, of = detail[0]
    if isinstance(of, str) or of[0] == "string":
        return [_value(detail[0], each) for each in given]
    dtype = np.dtype({"byte": "uint8", "char": "uint8"}.get(of[0], of[0]))
    return np.frombuffer(given, dtype) if isinstance(given, bytes) else np.asarray(given, dtype)
