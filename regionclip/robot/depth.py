"""Where things are: boxes and a registered depth picture to metres in the camera's optical frame.

The optical frame has x to the right, y down and z forward (REP 103). A position is that of the surface that is seen.
The pinhole model holds, X = (u - cx) Z / fx and Y = (v - cy) Z / fy, in pixels whose corners are whole numbers, as
those of boxes are; a `sensor_msgs/CameraInfo` counts from the middle of the first pixel.

Letters: N boxes, M samples of a box, H x W frame.
"""

from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from regionclip.errors import MessageError

_MIDDLE = 0.55  # share of a box's sides that is looked at: nearer its border the background shows
_SIDE = 16  # samples across and down
_START = 0.15  # quantile of the samples that is taken for the thing: nearer ones may be stray
_GAP = 0.03  # share of a depth from which on a step to the next sample leads to something else
_LEAST = 0.05  # share of samples that have to be measured
_THINNEST = 0.01  # metres, of a surface that faces the camera
_ASPECT = 0.01  # by how much the scales across and down may differ


class Camera(NamedTuple):
    """A pinhole camera; pixels have whole numbers at their corners.

    Attributes:
        fx: focal length across in pixels.
        fy: focal length down.
        cx: column of the optical axis.
        cy: its row.
    """

    fx: float
    fy: float
    cx: float
    cy: float

    @classmethod
    def of(cls, info: Any, frame_size: tuple[int, int], *, rectified: bool = False) -> Self:  # noqa: ANN401
        """That of a `sensor_msgs/CameraInfo`, for frames that show all of its picture or its region of interest.

        A frame of another size is taken for the same picture binned or scaled, if it has the same shape.

        Args:
            info: the message, whoever decoded it.
            frame_size: `(H, W)` of the frames.
            rectified: whether they are rectified, so that `P` holds for them instead of `K`. The message is the same.

        Raises:
            MessageError: without a message, without calibration, or for a picture of another shape.
        """
        if info is None:
            raise MessageError("camera_info: expected one with the depth, got none")
        matrix = np.asarray(info.p, float).reshape(3, 4) if rectified else np.asarray(info.k, float).reshape(3, 3)
        fx, fy, cx, cy = matrix[0, 0], matrix[1, 1], matrix[0, 2], matrix[1, 2]
        if not (np.isfinite((fx, fy, cx, cy)).all() and fx > 0 and fy > 0):
            name = "P" if rectified else "K"
            raise MessageError(
                f"camera_info: expected focal lengths above 0 in {name}, got {fx:g} and {fy:g}: is it calibrated?"
            )
        height, width = info.roi.height or info.height, info.roi.width or info.width
        down, across = (have / said if said else 0.0 for have, said in zip(frame_size, (height, width), strict=True))
        if not (across > 0 and abs(down / across - 1) <= _ASPECT):
            raise MessageError(
                f"camera_info: expected that of frames of {frame_size[1]} x {frame_size[0]}, or of their shape, "
                f"got {width} x {height}"
            )
        left, top = cx + 0.5 - info.roi.x_offset, cy + 0.5 - info.roi.y_offset
        return cls(float(fx * across), float(fy * down), float(left * across), float(top * down))


class Places(NamedTuple):
    """Where boxes are, in the optical frame; zeros where that is not known.

    Attributes:
        centers: `(N, 3)` metres.
        sizes: `(N, 3)` metres: across, down, and along the view as far as that shows, 1 cm at least.
        valid: `(N,)` bool.
    """

    centers: NDArray[np.float64]
    sizes: NDArray[np.float64]
    valid: NDArray[np.bool_]


class View(NamedTuple):
    """The depth of a frame and the camera that saw it.

    Attributes:
        depth: `(H, W)` metres; NaN, 0 and less where nothing was measured.
        camera: of depth and frame alike.
    """

    depth: NDArray[np.float32]
    camera: Camera

    @classmethod
    def of(cls, depth: ArrayLike, info: Any, frame_size: tuple[int, int], *, rectified: bool = False) -> Self:  # noqa: ANN401
        """Depth that is registered to frames `(H, W)`, and their `CameraInfo`; `rectified` as in `Camera.of`.

        Raises:
            MessageError: where one of them does not fit.
        """
        metres = np.asarray(depth, np.float32)
        if metres.shape != tuple(frame_size):
            raise MessageError(
                f"depth: expected (height, width) = {tuple(frame_size)} as the image, got {metres.shape}: "
                "expected depth registered to the image"
            )
        return cls(metres, Camera.of(info, frame_size, rectified=rectified))

    def locate(self, boxes: NDArray[np.float32]) -> Places:
        """Where the things in boxes `(N, 4)` xyxy are: the nearest surface of some extent in the middle of each.

        What lies a step behind it, a wall or the floor, is left out.
        """
        height, width = self.depth.shape
        corners = np.clip(np.nan_to_num(boxes.astype(float)), 0, (width, height, width, height))  # (N, 4)
        low, high = corners[:, :2], corners[:, 2:]
        depths = np.sort(self._samples(low, high), axis=1)  # (N, M), NaN last
        count = np.count_nonzero(depths > 0, axis=1)  # (N,)
        valid = np.isfinite(boxes).all(1) & (high > low).all(1) & (count >= _LEAST * depths.shape[1])
        depths, count = np.where(valid[:, None], depths, 1.0), np.where(valid, count, 1)
        first, last = _cluster(depths, count)  # (N,), (N,)
        near, z, far = (
            np.take_along_axis(depths, np.rint(first + share * (last - first)).astype(int)[:, None], 1)[:, 0]
            for share in (0.05, 0.5, 0.95)
        )
        camera, middle = self.camera, (low + high) / 2
        x, y = (middle[:, 0] - camera.cx) * z / camera.fx, (middle[:, 1] - camera.cy) * z / camera.fy
        wide, tall = ((high - low) * z[:, None] / (camera.fx, camera.fy)).T
        centers = np.column_stack([x, y, z]) * valid[:, None]
        return Places(centers, np.column_stack([wide, tall, np.maximum(far - near, _THINNEST)]) * valid[:, None], valid)

    def _samples(self, low: NDArray[np.float64], high: NDArray[np.float64]) -> NDArray[np.float64]:
        """Depths `(N, M)` in the middle of boxes, NaN where nothing was measured."""
        shares = 0.5 + _MIDDLE * ((np.arange(_SIDE) + 0.5) / _SIDE - 0.5)  # (side,)
        at = low[..., None] + (high - low)[..., None] * shares  # (N, 2, side)
        limit = np.array(self.depth.shape[::-1])[:, None] - 1
        columns, rows = np.moveaxis(np.clip(at.astype(int), 0, limit), 1, 0)  # (N, side) each
        depths = self.depth[rows[:, :, None], columns[:, None, :]].reshape(len(low), _SIDE**2).astype(float)
        depths[~(np.isfinite(depths) & (depths > 0))] = np.nan
        return depths


def _cluster(depths: NDArray[np.float64], count: NDArray[np.int_]) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
    """First and last place `(N,)` of the nearest surface among sorted depths `(N, M)`, of which `count` are numbers."""
    start = (_START * (count - 1)).astype(int)[:, None]  # (N, 1)
    places = np.arange(depths.shape[1] - 1)
    steps = np.diff(depths, axis=1) > _GAP * depths[:, :-1]  # (N, M - 1); none next to NaN
    first = np.where(steps & (places < start), places + 1, 0).max(1)
    last = np.where(steps & (places >= start), places, (count - 1)[:, None]).min(1)
    return first, last
