"""Boxes that come from the caller: what is taken for boxes, and how they are checked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias, Union

import numpy as np
from numpy.typing import ArrayLike, NDArray

from regionclip.errors import BoxError

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
