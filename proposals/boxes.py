"""Boxes that the caller already has."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from proposals.base import Features, Proposals, Proposer


class BoxesProposer(Proposer):
    """Gives the same boxes for every frame, in their order: another detector's, annotated, or fixed.

    Its objectness means something only where the caller gave it; else it is 1.

    Args:
        xyxy: `(N, 4)` boxes in frame pixels. Boxes may be invalid; they are kept in place.
        objectness: `(N,)` in 0..1, or None.

    Raises:
        ValueError: If shapes do not fit or an objectness lies outside 0..1.
    """

    def __init__(self, xyxy: ArrayLike, objectness: ArrayLike | None = None) -> None:
        boxes = np.array(xyxy, np.float32)  # (N, 4)
        if boxes.size == 0 and boxes.ndim == 1:
            boxes = boxes.reshape(0, 4)  # an empty list has no second axis
        values = np.ones(len(boxes), np.float32) if objectness is None else np.array(objectness, np.float32)  # (N,)
        if not np.all((values >= 0) & (values <= 1)):
            raise ValueError(f"boxes: expected objectness in 0..1, got {values.min()}..{values.max()}")
        self._proposals = Proposals(boxes, values)
        self.has_objectness = objectness is not None

    def __call__(self, frame: NDArray[np.uint8], features: Features) -> Proposals:
        """The boxes, whatever `frame` `(H, W, 3)` shows; the tower does not run for them."""
        return Proposals(self._proposals.xyxy.copy(), self._proposals.objectness.copy())
