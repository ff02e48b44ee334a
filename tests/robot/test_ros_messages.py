"""ROS messages as bytes: equal to those of another vendor's serialiser, and never a crash or a large allocation."""

import struct
import tracemalloc
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
from cyclonedds.idl import IdlStruct, make_idl_struct, types
from cyclonedds.idl.annotations import final
from rosbags.interfaces import Nodetype
from rosbags.typesys import Stores, get_typestore

from regionclip.errors import MessageError
from regionclip.robot import messages as ros
from regionclip.robot.messages import Header, decode, encode, store, type_hash

EVENT_INFO = "service_msgs/msg/ServiceEventInfo"
HEADER = Header(1_700_000_000_123_456_789, "相机").fields()
COLOUR = {"r": 0.5, "g": 0.25, "b": 1.0, "a": 1.0}
DETECTION = {
    "header": HEADER,
    "results": [
        {"hypothesis": {"class_id": "红色的灭火器", "score": 0.875}, "pose": {"pose": {"orientation": {"w": 1.0}}}},
        {"hypothesis": {"class_id": "extinguisher", "score": 0.5}},
    ],
    "bbox": {"center": {"position": {"x": 1.5, "y": -2.0}}, "size_x": 3.0, "size_y": 4.0},
    "id": "17",
}
BOX = {"center": {"position": {"x": 1.0}, "orientation": {"w": 1.0}}, "size": {"z": 0.5}}
OUTLINE = {"timestamp": HEADER["stamp"], "type": 2, "points": [{"x": 1.0, "y": 2.0}] * 3, "outline_colors": [COLOUR]}
MESSAGES: dict[str, list[dict[str, Any]]] = {
    ros.IMAGE: [
        {},
        {"header": HEADER, "height": 2, "width": 3, "encoding": "bgr8", "step": 9, "data": bytes(range(18))},
    ],
    ros.COMPRESSED_IMAGE: [{"header": HEADER, "format": "jpeg", "data": np.arange(7, dtype=np.uint8)}],
    ros.CAMERA_INFO: [
        {"header": HEADER, "distortion_model": "plumb_bob", "d": [0.1] * 5, "k": np.arange(9.0)},
        {"height": 480, "roi": {"do_rectify": 1}},
    ],
    "std_msgs/msg/String": [{}, {"data": "人"}],
    ros.DETECTIONS: [{"header": HEADER}, {"header": HEADER, "detections": [DETECTION, {}, DETECTION]}],
    ros.DETECTIONS_3D: [{"detections": [{"bbox": BOX, "id": "a"}]}],
    ros.LABEL_INFO: [{"class_map": [{"class_id": 65535, "class_name": "叉车"}, {}], "threshold": 0.25}],
    ros.VISION_INFO: [{"header": HEADER, "method": "m", "database_location": "/x", "database_version": -1}],
    ros.DIAGNOSTICS: [{"status": [{"level": 3, "name": "n", "values": [{"key": "k", "value": "值"}, {}]}]}],
    ros.ANNOTATIONS: [
        {},
        {"points": [OUTLINE, {}], "texts": [{"text": "人", "font_size": 12.0}], "circles": [{"diameter": 1.0}]},
    ],
}
HASHES = {
    ros.IMAGE: "d31d41a9a4c4bc8eae9be757b0beed306564f7526c88ea6a4588fb9582527d47",
    ros.DETECTIONS: "214274120007f4a683866481336b70310268cfa107aebe9d594a6acf75bda968",
    ros.DETECTIONS_3D: "793f5eab9595ac1c0da07873cc859db42eae51f0ee76056db8562515d830e018",
    ros.LABEL_INFO: "3d37df4015cdf660cc851c51897f2acd957e1ca6205ba0a99aebffb9406b0783",
    ros.VISION_INFO: "95d3116a17484ad91c9a2686e1d54890bbfc3ff6c6a2de137738c4950d45d284",
    ros.DIAGNOSTICS: "5a8a36efb05fb25070fa0fb3810290c0e6cd4862b54a8fb975a1ee8dc55a333e",
}


@cache
def idl(kind: str) -> type[IdlStruct]:
    """The same type as CycloneDDS has it."""
    fields = {name: idl_type(what) for name, what in store().fielddefs[kind][1]}
    made = make_idl_struct(kind.rpartition("/")[2], kind.replace("/", ".").replace(".msg.", ".msg.dds_.") + "_", fields)
    return final(made)


def idl_type(what: Any) -> Any:  # noqa: ANN401
    known: Any = types
    node, detail = what
    if node == Nodetype.NAME:
        return idl(detail)
    if node == Nodetype.BASE:
        return {"string": str, "bool": bool}.get(detail[0]) or getattr(known, detail[0])
    inner, length = detail
    return known.array[idl_type(inner), length] if node == Nodetype.ARRAY else known.sequence[idl_type(inner)]


def as_idl(value: Any) -> Any:  # noqa: ANN401
    """A decoded message as CycloneDDS's type of it."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, list):
        return [as_idl(each) for each in value]
    if not hasattr(value, "__msgtype__"):
        return value
    kind = value.__msgtype__
    return idl(kind)(**{name: as_idl(getattr(value, name)) for name, _ in store().fielddefs[kind][1]})


SAMPLES = [(kind, fields) for kind, many in MESSAGES.items() for fields in many]


@pytest.mark.parametrize(("kind", "fields"), SAMPLES)
def test_bytes_are_those_of_another_vendor(kind: str, fields: dict[str, Any]) -> None:
    payload = encode(kind, fields)
    assert bytes(as_idl(decode(payload, kind)).serialize(use_version_2=False)) == payload


@pytest.mark.parametrize("kind", HASHES)
def test_types_have_the_names_that_ros_2_knows(kind: str) -> None:
    assert type_hash(kind) == f"RIHS01_{HASHES[kind]}"


def service_hash(service: str, request: list[Any], response: list[Any]) -> str:
    """RIHS01 of a service: of its request, response and event as REP 2016 describes them, by rosbags' own hash."""
    types = get_typestore(Stores.ROS2_JAZZY)
    types.fielddefs.update(store().fielddefs)
    base, name, some = Nodetype.BASE, Nodetype.NAME, Nodetype.SEQUENCE
    gid = (Nodetype.ARRAY, ((base, ("uint8", 0)), 16))  # rosidl describes a char of a .msg file as uint8
    info = [(each, gid if each == "client_gid" else what) for each, what in types.fielddefs[EVENT_INFO][1]]
    parts = {part: f"{service}_{part.capitalize()}" for part in ("request", "response", "event")}
    event = [("info", (name, EVENT_INFO)), *((part, (some, ((name, parts[part]), 1))) for part in list(parts)[:2])]
    whole = [(f"{part}_message", (name, kind)) for part, kind in parts.items()]
    kinds, fields = (EVENT_INFO, *parts.values(), service), (info, request, response, event, whole)
    described: dict[str, Any] = dict(zip(kinds, fields, strict=True))
    types.fielddefs.update({kind: ([], each) for kind, each in described.items()})
    return types.hash_rihs01(service)


def plain(**fields: str) -> list[Any]:
    return [(name, (Nodetype.BASE, (kind, 0))) for name, kind in fields.items()]


def test_services_have_the_names_that_ros_2_knows() -> None:
    """The first two as rmw_zenoh's design and others' logs have them; with them known, ours can be computed."""
    adding = service_hash("example_interfaces/srv/AddTwoInts", plain(a="int64", b="int64"), plain(sum="int64"))
    assert adding == "RIHS01_e118de6bf5eeb66a2491b5bda11202e7b68f198d6f67922cf30364858239c81a"
    done = plain(success="bool", message="string")
    setting = service_hash("example_interfaces/srv/SetBool", plain(data="bool"), done)
    assert setting == "RIHS01_a69782e5631b12e15c8e218410de1685bbf13e382718295adad14037a24afbe8"
    for own in (ros.SET_PROMPTS, ros.ASK):
        request, response = (store().fielddefs[f"{own}_{part}"][1] for part in ("Request", "Response"))
        assert type_hash(own) == service_hash(own, [*request], [*response])


def test_a_header_keeps_its_stamp_to_the_nanosecond() -> None:
    for stamp in (0, 1, 999_999_999, 1_700_000_000_123_456_789, -1):
        read = decode(encode("std_msgs/msg/Header", Header(stamp, "x").fields()), "std_msgs/msg/Header")
        assert Header.of(read) == Header(stamp, "x")


def test_big_endian_is_read_too() -> None:
    image = decode(encode(ros.IMAGE, MESSAGES[ros.IMAGE][1]), ros.IMAGE)
    swapped = store().serialize_cdr(image, ros.IMAGE, little_endian=False)
    read = decode(swapped, ros.IMAGE)
    assert (read.width, read.header.frame_id, read.data.tolist()) == (3, "相机", list(range(18)))


@pytest.mark.parametrize(("kind", "fields"), SAMPLES)
def test_every_cut_is_told(kind: str, fields: dict[str, Any]) -> None:
    payload = encode(kind, fields)
    for length in range(len(payload)):
        with pytest.raises(MessageError, match=kind):
            decode(payload[:length], kind)


def huge(payload: bytearray, rng: np.random.Generator) -> None:
    """A length of 2^31 or so, somewhere."""
    place = int(rng.integers(1, len(payload) // 4)) * 4
    payload[place : place + 4] = struct.pack("<I", int(rng.choice([2**31, 2**32 - 1, 2**31 - 1, 2**24])))


def other_bytes(payload: bytearray, rng: np.random.Generator) -> None:
    for place in rng.integers(0, len(payload), int(rng.integers(1, 9))):
        payload[place] = int(rng.integers(256))


def other_end(payload: bytearray, rng: np.random.Generator) -> None:
    payload[1] ^= 1


def other_tail(payload: bytearray, rng: np.random.Generator) -> None:
    payload[int(rng.integers(len(payload))) :] = rng.bytes(int(rng.integers(64)))


@pytest.mark.parametrize("damage", [huge, other_bytes, other_end, other_tail])
def test_hostile_bytes_give_a_message_or_our_error_and_take_no_memory(
    damage: Callable[[bytearray, np.random.Generator], None],
) -> None:
    rng = np.random.default_rng(11)
    payloads = [(kind, encode(kind, fields)) for kind, fields in SAMPLES]
    for kind, payload in payloads:
        decode(payload, kind)  # its code is made at first use
    told = 0
    tracemalloc.start()
    for _ in range(1000):
        kind, payload = payloads[int(rng.integers(len(payloads)))]
        hostile = bytearray(payload)
        damage(hostile, rng)
        try:
            decode(bytes(hostile), kind)
        except MessageError:
            told += 1
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert told > 50
    assert most < 5e6


@pytest.mark.parametrize("count", [2**31, 2**20, 900])
def test_a_count_that_the_bytes_cannot_hold(count: int) -> None:
    """Of things inside, each of which takes more than the one byte that a codec may check for."""
    payload = bytearray(encode(ros.DETECTIONS, {}) + bytes(1000))
    payload[20:24] = struct.pack("<I", count)
    with pytest.raises(MessageError):
        decode(bytes(payload), ros.DETECTIONS)
