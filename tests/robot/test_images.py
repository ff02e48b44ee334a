"""Pictures of ROS messages to frames and back: every encoding, padded rows, both byte orders, and what is refused."""

from array import array
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from toy import planted

from regionclip.errors import MessageError
from regionclip.robot.images import compressed_fields, depth_of, frame_of, image_fields
from regionclip.robot.messages import COMPRESSED_IMAGE, IMAGE, Header, decode, encode

FRAME = planted(64, 96, red=(0, 0, 32, 64), green=(32, 0, 64, 64), blue=(64, 0, 96, 32))
"""Squares of pure colour: mosaics and halved colours lose nothing but at their edges."""


def message(values: NDArray[Any], encoding: str, *, padding: int = 0, big: bool = False) -> SimpleNamespace:
    """An image message of `(H, W)` or `(H, W, channels)` values."""
    height, width = values.shape[:2]
    values = values.astype(values.dtype.newbyteorder(">" if big else "<"))
    rows = np.frombuffer(values.tobytes(), np.uint8).reshape(height, -1)
    padded = np.pad(rows, ((0, 0), (0, padding)), constant_values=77)
    return SimpleNamespace(
        header=None,
        height=height,
        width=width,
        encoding=encoding,
        is_bigendian=int(big),
        step=padded.shape[1],
        data=padded.reshape(-1),
    )


def mosaic(frame: NDArray[np.uint8], tiles: str) -> NDArray[np.uint8]:
    """What a sensor with this pattern sees: `tiles` names the colours of its first two rows."""
    channel = {"B": 0, "G": 1, "R": 2}
    seen = np.zeros(frame.shape[:2], np.uint8)
    for place, letter in enumerate(tiles):
        seen[place // 2 :: 2, place % 2 :: 2] = frame[place // 2 :: 2, place % 2 :: 2, channel[letter]]
    return seen


def yuv(frame: NDArray[np.uint8], order: str) -> NDArray[np.uint8]:
    """Two bytes a pixel, luma and by turns one of the two chromas."""
    luma, u, v = np.moveaxis(cv2.cvtColor(frame, cv2.COLOR_BGR2YUV), -1, 0)
    luma = (16 + luma * (219 / 255)).astype(np.uint8)
    chroma = np.where(np.arange(frame.shape[1]) % 2, np.roll(v, 1, axis=1), u).astype(np.uint8)
    return np.stack((luma, chroma) if order == "yuyv" else (chroma, luma), axis=-1)


GREY = np.repeat(FRAME.max(axis=2, keepdims=True), 3, axis=2)


@pytest.mark.parametrize("padding", [0, 5, 64])
@pytest.mark.parametrize(
    ("encoding", "values", "expected"),
    [
        ("bgr8", FRAME, FRAME),
        ("rgb8", FRAME[:, :, ::-1], FRAME),
        ("bgra8", np.dstack((FRAME, FRAME[:, :, :1])), FRAME),
        ("rgba8", np.dstack((FRAME[:, :, ::-1], FRAME[:, :, :1])), FRAME),
        ("mono8", GREY[:, :, 0], GREY),
    ],
)
def test_colour_and_grey(encoding: str, values: NDArray[Any], expected: NDArray[Any], padding: int) -> None:
    frame = frame_of(message(values, encoding, padding=padding))
    assert frame.dtype == np.uint8
    assert frame.flags.c_contiguous
    np.testing.assert_array_equal(frame, expected)


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("padding", [0, 6])
def test_16_bits_are_scaled_in_either_byte_order(padding: int, big: bool) -> None:
    values = GREY[:, :, 0].astype(np.uint16) * 256 + 3
    np.testing.assert_array_equal(frame_of(message(values, "mono16", padding=padding, big=big)), GREY)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("tiles", ["RGGB", "BGGR", "GBRG", "GRBG"])
def test_mosaics(tiles: str, bits: int) -> None:
    values = mosaic(FRAME, tiles)
    frame = frame_of(message(values if bits == 8 else values.astype(np.uint16) << 8, f"bayer_{tiles.lower()}{bits}"))
    for rows, columns in ((slice(4, 28), slice(4, 28)), (slice(4, 28), slice(36, 60)), (slice(4, 28), slice(68, 92))):
        np.testing.assert_array_equal(frame[rows, columns], FRAME[rows, columns])


@pytest.mark.parametrize(
    ("encoding", "order"), [("yuv422", "uyvy"), ("uyvy", "uyvy"), ("yuv422_yuy2", "yuyv"), ("yuyv", "yuyv")]
)
def test_halved_colours(encoding: str, order: str) -> None:
    frame = frame_of(message(yuv(FRAME, order), encoding))
    found, wanted = frame[8:24, 8:92:32].astype(int), FRAME[8:24, 8:92:32].astype(int)
    assert (found.argmax(axis=2) == wanted.argmax(axis=2)).all()
    assert np.abs(found - wanted).max() < 100  # our two conversions differ in their ranges; the colours do not
    assert found.max(axis=2).min() > 190


@pytest.mark.parametrize("big", [False, True])
def test_depth_is_metres_and_nan(big: bool) -> None:
    millimetres = np.array([[0, 1500], [65535, 1]], np.uint16)
    np.testing.assert_allclose(
        depth_of(message(millimetres, "16UC1", padding=2, big=big)), [[np.nan, 1.5], [65.535, 0.001]], rtol=1e-6
    )
    metres = np.array([[np.nan, 1.5, np.inf], [-1, 0, 0.25]], np.float32)
    np.testing.assert_allclose(
        depth_of(message(metres, "32FC1", padding=4, big=big)), [[np.nan, 1.5, np.nan], [np.nan, np.nan, 0.25]]
    )


def test_there_and_back() -> None:
    sent = encode(IMAGE, image_fields(FRAME[:, ::-1], Header(5, "camera")))
    received = decode(sent, IMAGE)
    np.testing.assert_array_equal(frame_of(received), FRAME[:, ::-1])
    assert Header.of(received.header) == Header(5, "camera")
    compressed = decode(encode(COMPRESSED_IMAGE, compressed_fields(FRAME, Header(5))), COMPRESSED_IMAGE)
    assert np.abs(frame_of(compressed).astype(int) - FRAME).mean() < 8


def changed(**fields: object) -> SimpleNamespace:
    return SimpleNamespace(**(vars(message(FRAME, "bgr8")) | fields))


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (changed(encoding="bgr12"), "expected an encoding of bgr8, .*, got 'bgr12'"),
        (changed(encoding="16UC1"), r"got '16UC1' \(depth\)"),
        (changed(encoding="x" * 10_000), "x{40}'$"),
        (changed(height=0), "at least one pixel, got 96 x 0"),
        (changed(width=0, step=0), "at least one pixel, got 0 x 64"),
        (changed(step=287), r"a step of 288 bytes or more \(96 x bgr8\), got 287"),
        (changed(step=2**31), "expected 137438953472 bytes"),
        (changed(height=65), "expected 18720 bytes .*, got 18432"),
        (changed(encoding="mono8", height=2**32 - 1, width=2**32 - 1), "a step of 4294967295"),
        (message(FRAME[:, :3, :2], "yuv422"), "even width"),
        (message(FRAME[:1, :, 0], "bayer_rggb8"), "2 x 2 pixels"),
    ],
)
def test_what_is_no_picture_is_told_in_one_line(sent: SimpleNamespace, said: str) -> None:
    with pytest.raises(MessageError, match=said) as told:
        frame_of(sent)
    assert "\n" not in str(told.value)


def test_depth_is_refused_where_it_is_colour() -> None:
    with pytest.raises(MessageError, match="16UC1, 32FC1, got 'bgr8'"):
        depth_of(message(FRAME, "bgr8"))


@pytest.mark.parametrize("keep", [0, 1, 100, -20])
def test_a_jpeg_that_was_cut_is_told(keep: int) -> None:
    data = compressed_fields(np.random.default_rng(1).integers(0, 255, (64, 64, 3), np.uint8), Header(0))["data"]
    with pytest.raises(MessageError, match="compressed image"):
        frame_of(SimpleNamespace(format="jpeg", data=data[:keep]))


@pytest.mark.parametrize("form", ["16UC1; compressedDepth png", "16UC1; png compressed ", "32FC1; compressedDepth rvl"])
def test_compressed_depth_is_told(form: str) -> None:
    with pytest.raises(MessageError, match="got depth"):
        frame_of(SimpleNamespace(format=form, data=b"1234"))


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, lambda data: array("B", data)])
def test_whatever_holds_the_bytes(kind: Callable[[bytes], Any]) -> None:
    """`rclpy` gives an `array`, DDS bytes."""
    sent = message(FRAME, "bgr8")
    sent.data = kind(sent.data.tobytes())
    np.testing.assert_array_equal(frame_of(sent), FRAME)
    picture = SimpleNamespace(format="png", data=kind(cv2.imencode(".png", FRAME)[1].tobytes()))
    np.testing.assert_array_equal(frame_of(picture), FRAME)


def test_no_header_of_an_image_brings_anything_but_our_error() -> None:
    rng = np.random.default_rng(3)
    encodings = ["bgr8", "mono8", "mono16", "bayer_grbg8", "yuv422", "yuv422_yuy2", "rgba8", "bayer_bggr16", "?"]
    told = 0
    for _ in range(3000):
        height, width, step, length = rng.integers(0, 12, 4).tolist()
        sent = SimpleNamespace(
            height=height,
            width=width,
            encoding=encodings[int(rng.integers(len(encodings)))],
            is_bigendian=int(rng.integers(256)),
            step=step * 8,
            data=rng.bytes(length * 64),
        )
        try:
            assert frame_of(sent).shape == (height, width, 3)
        except MessageError:
            told += 1
    assert 500 < told < 2900
