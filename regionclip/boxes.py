"""Boxes that come from the caller: what is taken for boxes, and how they are checked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias, Union

import numpy as np
from numpy.typing import ArrayLike, NDArray

from regionclip.errors import BoxError, BoxWarning, warn

_OVERSHOOT = 0.05
"""Share of a side by which boxes of other detectors stick out of their frame."""

_PIXEL = 0.99
"""A pixel, but for rounding."""

_SLIPS = 0.5
"""Share of boxes up to which corners in the wrong order are single slips, not another format."""

if TYPE_CHECKING:
    import supervision as sv

    from proposals.base import Proposals


@dataclass(frozen=True, slots=True, eq=False)
class GivenBoxes:
    """Boxes from outside with their columns.

    Attributes:
        xyxy: `(N, 4)` float32 in frame pixels; any values.
        objectness: `(N,)` float32 in 0..1.
        tracker_id: `(N,)` int, or None.
        data: columns of N entries each.
    """

    xyxy: NDArray[np.float32]
    objectness: NDArray[np.float32]
    tracker_id: NDArray[np.int_] | None = None
    data: Mapping[str, NDArray[Any]] = field(default_factory=dict)


Boxes: TypeAlias = Union[ArrayLike, "sv.Detections", "Proposals", GivenBoxes]
"""`(N, 4)` xyxy in frame pixels as an array or nested lists, the detections of any detector, or proposals."""


def check_boxes(boxes: ArrayLike) -> NDArray[np.float32]:
    """A new `(N, 4)` float32 array of anything array-like; values are not judged here.

    Raises:
        BoxError: for another shape, or values that are no numbers.
    """
    try:
        with np.errstate(over="ignore"):  # beyond float32 a side becomes infinite, and its box is flagged
            array = np.array(boxes, dtype=np.float32, order="C")
    except (TypeError, ValueError, OverflowError) as error:
        raise BoxError(f"boxes: expected (N, 4) numbers, x1 y1 x2 y2 in frame pixels: {error}") from error
    if array.size == 0:
        return np.zeros((0, 4), np.float32)
    if array.ndim != 2 or array.shape[1] != 4:
        raise BoxError(f"boxes: expected shape (N, 4), x1 y1 x2 y2 in frame pixels, got {array.shape}")
    return array


def own_boxes(boxes: Boxes) -> GivenBoxes:
    """A copy of what the caller holds, so that later changes do not reach the regions."""
    import supervision as sv

    from proposals.base import Proposals

    if isinstance(boxes, GivenBoxes | Proposals):
        tracker_id = boxes.tracker_id if isinstance(boxes, GivenBoxes) else None
        data = boxes.data if isinstance(boxes, GivenBoxes) else {}
        objectness: NDArray[Any] = boxes.objectness
    elif isinstance(boxes, sv.Detections):
        tracker_id = None if boxes.tracker_id is None else np.asarray(boxes.tracker_id, int)
        data = {str(name): np.asarray(column) for name, column in boxes.data.items()}
        if boxes.class_id is not None:
            data.setdefault("class_id", np.asarray(boxes.class_id))
        objectness = np.ones(len(boxes)) if boxes.confidence is None else boxes.confidence
    else:
        xyxy = check_boxes(boxes)
        return GivenBoxes(xyxy, np.ones(len(xyxy), np.float32))
    return GivenBoxes(
        xyxy=check_boxes(boxes.xyxy),
        objectness=np.nan_to_num(np.array(objectness, np.float32)).clip(0, 1),
        tracker_id=None if tracker_id is None else tracker_id.copy(),
        data={name: column.copy() for name, column in data.items()},
    )


def warn_of_format(xyxy: NDArray[np.float32], frame_size: tuple[int, int]) -> None:
    """Warn where boxes are probably fractions of the frame, or x y width height: taken for corners they find nothing.

    They are fractions where all sides lie in 0..1 and one box is smaller than a pixel. For x y width height, most must
    have their corners in the wrong order and all must fit into the frame when read so; where every width and height is
    larger than its x and y, nobody can tell.

    Args:
        xyxy: `(N, 4)` as the caller gave them; boxes that are not finite or all zero are passed over.
        frame_size: `(H, W)` in pixels.
    """
    boxes = xyxy[np.isfinite(xyxy).all(axis=1) & (xyxy != 0).any(axis=1)].astype(float)  # (M, 4)
    if len(boxes) == 0:
        return
    corner, size = boxes[:, :2], boxes[:, 2:]  # (M, 2), if they are what they must not be
    turned = (size < corner).any(axis=1).mean() > _SLIPS
    if _inside(boxes, (1, 1)) and (boxes % 1 != 0).any() and (size - corner < _PIXEL).any():
        corners = ", and make corners of x y width height" if turned else ""
        warn(
            "boxes look like fractions of the frame: expected x1 y1 x2 y2 in pixels; "
            f"multiply by [W, H, W, H]{corners}",
            BoxWarning,
        )
    elif turned and (size >= 0).all() and _inside(np.hstack([corner, corner + size]), frame_size):
        warn(
            "boxes look like x y width height: expected x1 y1 x2 y2, two corners in pixels; "
            "add x and y to width and height",
            BoxWarning,
        )


def _inside(boxes: NDArray[np.float64], frame_size: tuple[int, int]) -> bool:
    """Whether all boxes `(M, 4)` lie in a frame of `(H, W)`, or nearly."""
    shares = boxes / (frame_size[::-1] * 2)  # (M, 4)
    return bool((shares >= -_OVERSHOOT).all() and (shares <= 1 + _OVERSHOOT).all())
