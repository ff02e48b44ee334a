"""From BGR to what video codecs take: BT.709, limited range, 4:2:0, the one form that every player shows alike."""

import cv2
import numpy as np
from numpy.typing import NDArray

from regionclip.frames import Frame

BT709 = 1
"""Number of BT.709 as primaries, transfer and matrix (ITU-T H.273)."""

LIMITED = 1
"""FFmpeg's number of the range 16..235 (luma) and 16..240 (chroma)."""


def _matrix() -> NDArray[np.float64]:
    """`(3, 4)`: from blue, green, red, 1 to Y, Cb, Cr (ITU-R BT.709-6, items 3.2, 3.3 and 4.6)."""
    red, blue = 0.2126, 0.0722
    luma = np.array([blue, 1 - red - blue, red])
    cb = (np.array([1.0, 0, 0]) - luma) / (2 * (1 - blue))
    cr = (np.array([0, 0, 1.0]) - luma) / (2 * (1 - red))
    scaled = np.stack([luma * 219, cb * 224, cr * 224]) / 255
    return np.column_stack([scaled, [16, 128, 128]])


_MATRIX = _matrix()


def to_yuv420(image: Frame) -> NDArray[np.uint8]:
    """The planes of a picture with even sides, as FFmpeg's yuv420p has them one below the other.

    Twice as fast as FFmpeg's own conversion, and rounds to the nearest.

    Args:
        image: `(H, W, 3)` uint8 BGR.

    Returns:
        `(H * 3 / 2, W)` uint8: Y, then Cb and Cr of half the size.
    """
    height, width = image.shape[:2]
    full = cv2.transform(image, _MATRIX)  # (H, W, 3) Y, Cb, Cr
    half = cv2.resize(full, (width // 2, height // 2), interpolation=cv2.INTER_AREA)  # (H/2, W/2, 3)
    planes = np.empty((height * 3 // 2, width), np.uint8)
    planes[:height] = full[:, :, 0]
    chroma = planes[height:].reshape(2, height // 2, width // 2)
    chroma[0], chroma[1] = half[:, :, 1], half[:, :, 2]
    return planes


def fitted(image: Frame, size: tuple[int, int]) -> Frame:
    """`image` as a frame of `size` `(H, W)`, which has even sides.

    One that is a pixel short gets its last row or column twice. One of another size is scaled to fit inside, with black
    bars.
    """
    height, width = image.shape[:2]
    below, beside = size[0] - height, size[1] - width
    if below == beside == 0:
        return image
    if 0 <= below <= 1 and 0 <= beside <= 1:
        return np.pad(image, ((0, below), (0, beside), (0, 0)), mode="edge")
    scale = min(size[0] / height, size[1] / width)
    inner_height, inner_width = max(1, round(height * scale)), max(1, round(width * scale))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    top, left = (size[0] - inner_height) // 2, (size[1] - inner_width) // 2
    framed = np.zeros((*size, 3), np.uint8)
    framed[top : top + inner_height, left : left + inner_width] = cv2.resize(
        image, (inner_width, inner_height), interpolation=method
    )
    return framed
