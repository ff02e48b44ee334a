"""Pictures of ROS messages to frames, and back.

Messages are objects with the fields as attributes, whoever decoded them: `messages.decode` or rclpy.
"""

from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from regionclip.errors import ImageFileError, MessageError
from regionclip.frames import Frame, decode_frame
from regionclip.robot.messages import Header


class _Encoding(NamedTuple):
    """How a pixel is laid out: bytes of a channel, channels, and what turns them into BGR (OpenCV's number)."""

    size: int
    channels: int
    conversion: int | None


ENCODINGS = {
    "bgr8": _Encoding(1, 3, None),
    "rgb8": _Encoding(1, 3, cv2.COLOR_RGB2BGR),
    "bgra8": _Encoding(1, 4, cv2.COLOR_BGRA2BGR),
    "rgba8": _Encoding(1, 4, cv2.COLOR_RGBA2BGR),
    "mono8": _Encoding(1, 1, cv2.COLOR_GRAY2BGR),
    "mono16": _Encoding(2, 1, cv2.COLOR_GRAY2BGR),
    **{
        f"bayer_{tiles.lower()}{bits}": _Encoding(bits // 8, 1, getattr(cv2, f"COLOR_Bayer{tiles}2BGR"))
        for tiles in ("RGGB", "BGGR", "GBRG", "GRBG")
        for bits in (8, 16)
    },
    "yuv422": _Encoding(1, 2, cv2.COLOR_YUV2BGR_UYVY),
    "uyvy": _Encoding(1, 2, cv2.COLOR_YUV2BGR_UYVY),
    "yuv422_yuy2": _Encoding(1, 2, cv2.COLOR_YUV2BGR_YUY2),
    "yuyv": _Encoding(1, 2, cv2.COLOR_YUV2BGR_YUY2),
}
"""Of colour and grey; rows are `width * size * channels` bytes or more."""

DEPTHS = {"16UC1": 2, "32FC1": 4}
"""Encodings of depth and the bytes of a pixel: millimetres, and metres."""


def frame_of(message: Any) -> Frame:  # noqa: ANN401 - whoever's message class
    """The frame of a `sensor_msgs/Image` or `CompressedImage`; 16 bits are scaled to 8, alpha is dropped.

    Raises:
        MessageError: for an encoding that is no colour or grey, no pixels, rows too short, or damaged pixels.
    """
    if hasattr(message, "format"):
        return _decompressed(message)
    encoding = ENCODINGS.get(message.encoding)
    if encoding is None:
        depth = " (depth)" if message.encoding in DEPTHS else ""
        raise MessageError(
            f"image: expected an encoding of {', '.join(ENCODINGS)}, got {message.encoding[:40]!r}{depth}"
        )
    values = _pixels(message, encoding.size, encoding.channels)  # (H, W) or (H, W, channels)
    if encoding.size == 2:
        values = (values >> 8).astype(np.uint8)
    if encoding.channels == 2 and values.shape[1] % 2:
        raise MessageError(f"image: expected an even width in {message.encoding}, got {values.shape[1]}")
    if message.encoding.startswith("bayer_") and min(values.shape) < 2:
        raise MessageError(f"image: expected 2 x 2 pixels or more in {message.encoding}, got {values.shape}")
    if encoding.conversion is None:
        return np.ascontiguousarray(values)
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(values), encoding.conversion), np.uint8)


def depth_of(message: Any) -> NDArray[np.float32]:  # noqa: ANN401 - whoever's message class
    """The metres `(H, W)` of a depth image, NaN where nothing was measured.

    Raises:
        MessageError: for an encoding other than 16UC1 (millimetres) and 32FC1 (metres), no pixels, or rows too short.
    """
    size = DEPTHS.get(message.encoding)
    if size is None:
        raise MessageError(f"depth: expected an encoding of {', '.join(DEPTHS)}, got {message.encoding[:40]!r}")
    values = _pixels(message, size, 1)  # (H, W)
    metres = values.astype(np.float32) / np.float32(1000) if size == 2 else values.view(np.float32).copy()
    metres[~(np.isfinite(metres) & (metres > 0))] = np.nan
    return metres


def image_fields(frame: Frame, header: Header) -> dict[str, Any]:
    """A frame as a `sensor_msgs/Image`, encoding bgr8."""
    height, width = frame.shape[:2]
    return {
        "header": header.fields(),
        "height": height,
        "width": width,
        "encoding": "bgr8",
        "step": width * 3,
        "data": np.ascontiguousarray(frame).reshape(-1),
    }


def compressed_fields(frame: Frame, header: Header) -> dict[str, Any]:
    """A frame as a `sensor_msgs/CompressedImage`, a JPEG."""
    _, data = cv2.imencode(".jpg", frame)
    return {"header": header.fields(), "format": "bgr8; jpeg compressed bgr8", "data": data.reshape(-1)}


def _pixels(message: Any, size: int, channels: int) -> NDArray[Any]:  # noqa: ANN401 - whoever's message class
    """`(H, W)` or `(H, W, channels)` unsigned numbers of `size` bytes in this machine's order, the padding cut off."""
    height, width, step = int(message.height), int(message.width), int(message.step)
    data = np.frombuffer(message.data, np.uint8)
    row = width * size * channels
    if height < 1 or width < 1:
        raise MessageError(f"image: expected at least one pixel, got {width} x {height}")
    if step < row:
        raise MessageError(f"image: expected a step of {row} bytes or more ({width} x {message.encoding}), got {step}")
    if len(data) < step * height:
        raise MessageError(f"image: expected {step * height} bytes ({height} rows of {step}), got {len(data)}")
    rows = np.ascontiguousarray(data[: step * height].reshape(height, step)[:, :row])  # (H, row)
    order = ">" if message.is_bigendian else "<"
    values = rows.view(f"{order}u{size}").astype(f"=u{size}", copy=False)
    return values.reshape(height, width, channels) if channels > 1 else values


def _decompressed(message: Any) -> Frame:  # noqa: ANN401 - whoever's message class
    what = f"compressed image ({message.format[:60]!r})"
    if "compressedDepth" in message.format or message.format.partition(";")[0] in DEPTHS:
        raise MessageError(f"{what}: expected a colour or grey picture, got depth")
    try:
        return decode_frame(bytes(message.data), what)
    except ImageFileError as error:
        raise MessageError(str(error)) from error
