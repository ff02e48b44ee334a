"""Boxes made unrecognisable for good."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np

from regionclip.drawing.labels import label_names
from regionclip.errors import ConfigError
from regionclip.frames import Frame, FrameLike, to_frame

if TYPE_CHECKING:
    import supervision as sv

_CELLS = 6
"""Cells along the longer side of a box: too few for a face or a number plate."""

_STEP = 16
"""Cell colours keep this many levels apart, so that frames of a video do not add up to a finer picture."""


def blur(frame: FrameLike, detections: "sv.Detections", names: Sequence[str], margin: float = 0.15) -> Frame:
    """Turn the boxes of some labels into a few coarse cells of one colour each.

    What was there cannot be computed from the result: 6 cells along the longer side, 16 levels a channel. What was not
    detected is not hidden: ask with a low threshold.

    Args:
        frame: the picture the detections are from; it is not changed.
        detections: what a detector returned.
        names: `class_name` of what is hidden, as `["face", "车牌"]`.
        margin: how much further than the box is hidden on each side, as a share of the box's side.

    Returns:
        A new frame of the same size.

    Raises:
        FrameError: where the frame cannot be used.
        ConfigError: for a margin below 0, or names that are one string.
    """
    canvas = to_frame(frame).copy()
    blur_boxes(canvas, detections, names, margin)
    return canvas


def blur_boxes(canvas: Frame, detections: "sv.Detections", names: Sequence[str], margin: float = 0.15) -> None:
    """`blur` in place."""
    if isinstance(names, str):
        raise ConfigError(f"blur: expected a list of names, got the string {names!r}")
    if not (np.isfinite(margin) and margin >= 0):
        raise ConfigError(f"blur: expected a margin of at least 0, got {margin!r}")
    height, width = canvas.shape[:2]
    hidden = frozenset(names)
    for name, box in zip(label_names(detections), detections.xyxy.astype(float), strict=True):
        if name not in hidden or not np.isfinite(box).all():
            continue
        x1, y1, x2, y2 = np.clip(box, -1e6, 1e6)
        aside, above = margin * (x2 - x1), margin * (y2 - y1)
        left, top = max(0, int(np.floor(x1 - aside))), max(0, int(np.floor(y1 - above)))
        right, bottom = min(width, int(np.ceil(x2 + aside))), min(height, int(np.ceil(y2 + above)))
        if left < right and top < bottom:
            canvas[top:bottom, left:right] = _cells(canvas[top:bottom, left:right])


def _cells(part: Frame) -> Frame:
    """A mosaic of `(h, w, 3)`, of the same size."""
    h, w = part.shape[:2]
    across, down = (max(1, min(side, round(_CELLS * side / max(h, w)))) for side in (w, h))
    # Clipping to the frame can leave a strip: never fewer than 2 x 2 pixels to a cell.
    across, down = max(1, min(across, w // 2)), max(1, min(down, h // 2))
    coarse = cv2.resize(part, (across, down), interpolation=cv2.INTER_AREA)  # (down, across, 3)
    levels = (coarse // _STEP * _STEP + _STEP // 2).astype(np.uint8)
    return np.asarray(cv2.resize(levels, (w, h), interpolation=cv2.INTER_NEAREST), np.uint8)
