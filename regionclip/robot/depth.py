"""Where things are: boxes and registered depth to metres in the camera's optical frame, x right, y down, z forward.

A pinhole camera, X = (u - cx) Z / fx and Y = (v - cy) Z / fy. A position is that of the surface that is seen.

Letters: N boxes, M samples of a box, H x W frame.
"""

from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from regionclip.errors import MessageError

_MIDDLE = 0.55  # share of a box's sides that is looked at: towards its border the background shows
_SIDE = 16  # samples across and down
_START = 0.15  # quantile of the samples that belongs to the thing: nearer ones may be stray
_GAP = 0.03  # share of a depth from which on a step to the next sample leads to something else
_LEAST = 0.05  # share of the samples that have to be measured
_THINNEST = 0.01  # metres
_ASPECT = 0.01  # by how much scales across and down may differ


class Camera(NamedTuple):
    """Focal lengths and optical axis in pixels whose corners are whole numbers, as those of boxes."""

    fx: float
    fy: float
    cx: float
    cy: float

    @classmethod
    def of(cls, info: Any, frame_size: tuple[int, int], *, rectified: bool = False) -> Self:  # noqa: ANN401
        """That of a `sensor_msgs/CameraInfo` and frames `(H, W)` of all its picture, or of its region of interest.

        Frames of another size but the same shape are taken for that picture, scaled or binned. `rectified` frames have
        the intrinsics `P`, others `K`: the message is the same for both.

        Raises:
            MessageError: without a message, without calibration, or for frames of another shape.
        """
        if info is None:
            raise MessageError("camera_info: expected one with the depth, got none")
        name, numbers = ("P", np.reshape(info.p, (3, 4))) if rectified else ("K", np.reshape(info.k, (3, 3)))
        fx, fy, cx, cy = (float(numbers[place]) for place in ((0, 0), (1, 1), (0, 2), (1, 2)))
        if not (np.isfinite((fx, fy, cx, cy)).all() and fx > 0 and fy > 0):
            raise MessageError(f"camera_info: expected focal lengths above 0 in {name}, got {fx:g} and {fy:g}")
        height, width = info.roi.height or info.height, info.roi.width or info.width
        down, across = frame_size[0] / max(height, 1), frame_size[1] / max(width, 1)
        if min(height, width) < 1 or abs(down / across - 1) > _ASPECT:
            raise MessageError(
                f"camera_info: expected that of frames of {frame_size[1]} x {frame_size[0]}, or of their shape, "
                f"got {width} x {height}"
            )
        # CameraInfo counts from the middle of the first pixel.
        left, top = cx + 0.5 - info.roi.x_offset, cy + 0.5 - info.roi.y_offset
        return cls(fx * across, fy * down, left * across, top * down)


class Places(NamedTuple):
    """Where boxes are, metres in the optical frame: `(N, 3)` and `(N, 3)`, zeros where `valid` `(N,)` is False.

    Sizes are across, down and, as far as that shows, along the view.
    """

    centers: NDArray[np.float64]
    sizes: NDArray[np.float64]
    valid: NDArray[np.bool_]


class View(NamedTuple):
    """The depth `(H, W)` of a frame in metres, NaN or 0 where nothing was measured, and the camera of both."""

    depth: NDArray[np.float32]
    camera: Camera

    @classmethod
    def of(cls, depth: ArrayLike, info: Any, frame_size: tuple[int, int], *, rectified: bool = False) -> Self:  # noqa: ANN401
        """Of depth that is registered to frames `(H, W)`; the rest as in `Camera.of`.

        Raises:
            MessageError: for depth of another size, and as `Camera.of`.
        """
        metres = np.asarray(depth, np.float32)
        if metres.shape != frame_size:
            raise MessageError(f"depth: expected it registered to the image, {frame_size}, got {metres.shape}")
        return cls(metres, Camera.of(info, frame_size, rectified=rectified))

    def locate(self, boxes: ArrayLike) -> Places:
        """Where the things in boxes `(N, 4)` xyxy are: the nearest surface of some extent in the middle of each.

        What lies a step behind it, as a wall, is left out. Of a box only the part inside the frame counts.
        """
        given, limit = np.asarray(boxes, float), np.tile(self.depth.shape[::-1], 2)  # (N, 4), (4,)
        low, high = np.split(np.clip(np.nan_to_num(given), 0, limit), 2, axis=1)  # (N, 2) each
        depths = np.sort(self._samples(low, high), axis=1)  # (N, M), NaN last
        count = np.count_nonzero(depths > 0, axis=1)  # (N,)
        valid = np.isfinite(given).all(1) & (high > low).all(1) & (count >= _LEAST * _SIDE**2)
        depths, count = np.where(valid[:, None], depths, 1.0), np.where(valid, count, 1)
        near, z, far = _surface(depths, count).T
        x, y = ((low + high) / 2 - self.camera[2:]).T * z / np.array(self.camera[:2])[:, None]
        wide, tall = (high - low).T * z / np.array(self.camera[:2])[:, None]
        centers, sizes = np.stack([x, y, z], axis=1), np.stack([wide, tall, np.maximum(far - near, _THINNEST)], axis=1)
        return Places(centers * valid[:, None], sizes * valid[:, None], valid)

    def _samples(self, low: NDArray[np.float64], high: NDArray[np.float64]) -> NDArray[np.float64]:
        """Depths `(N, M)` in the middle of boxes, NaN where nothing was measured."""
        shares = 0.5 + _MIDDLE * ((np.arange(_SIDE) + 0.5) / _SIDE - 0.5)  # (side,)
        at = (low[..., None] + (high - low)[..., None] * shares).astype(int)  # (N, 2, side)
        columns, rows = np.minimum(at, np.array(self.depth.shape[::-1])[:, None] - 1).swapaxes(0, 1)  # (N, side) each
        depths = self.depth[rows[:, :, None], columns[:, None]].reshape(len(low), _SIDE**2).astype(float)
        return np.where(np.isfinite(depths) & (depths > 0), depths, np.nan)


def _surface(depths: NDArray[np.float64], count: NDArray[np.int_]) -> NDArray[np.float64]:
    """Near, middle and far end `(N, 3)` of the nearest surface among `count` `(N,)` of sorted depths `(N, M)`."""
    start, places = (_START * (count - 1)).astype(int)[:, None], np.arange(depths.shape[1] - 1)
    steps = np.diff(depths, axis=1) > _GAP * depths[:, :-1]  # (N, M - 1); none next to NaN
    first = np.where(steps & (places < start), places + 1, 0).max(1)[:, None]
    last = np.where(steps & (places >= start), places, (count - 1)[:, None]).min(1)[:, None]
    return np.take_along_axis(depths, np.rint(first + (0.05, 0.5, 0.95) * (last - first)).astype(int), 1)
