"""How the things of one source relate: which box hides which, and how much a region resembles a track.

What stands on the ground nearer to a camera ends lower in its picture, and so may hide what ends higher.

Towers differ in how near the embeddings of different things are to each other. So cosines are set against the usual one
of different things on frames of this source:

    resemblance = (cosine - usual) / (1 - usual)

0 is that of any two things, 1 that of a thing with itself.

Letters: N regions, T tracks, D channels.
"""

import numpy as np
from numpy.typing import NDArray

from proposals.overlap import intersections

_SHARE = 0.05  # of a frame in the usual cosine


class Resemblance:
    """Knows the usual cosine of different things of one source; 0 before two were seen at once."""

    def __init__(self) -> None:
        self._usual: float | None = None

    def learn(self, boxes: NDArray[np.float32], embeddings: NDArray[np.float32]) -> None:
        """Take the things of one frame: those whose boxes do not touch are different ones.

        Args:
            boxes: `(N, 4)` xyxy.
            embeddings: `(N, D)` of unit length.
        """
        low = np.maximum(boxes[:, None, :2], boxes[None, :, :2])
        high = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
        pairs = np.triu((high < low).any(2), 1)  # (N, N)
        if pairs.any():
            now = float(np.median((embeddings @ embeddings.T)[pairs]))
            self._usual = now if self._usual is None else (1 - _SHARE) * self._usual + _SHARE * now

    def of(self, tracks: NDArray[np.float32], regions: NDArray[np.float32]) -> NDArray[np.float32]:
        """`(T, N)` resemblance of `(T, D)` and `(N, D)` embeddings of unit length; 1 at most."""
        usual = min(self._usual or 0.0, 0.99)
        return np.asarray((tracks @ regions.T - usual) / (1 - usual), np.float32)


def nearer(boxes: NDArray[np.float32]) -> NDArray[np.bool_]:
    """`(N, N)`: whether box j ends lower than box i of `boxes` `(N, 4)` xyxy, and so may hide it."""
    return np.asarray(boxes[None, :, 3] > boxes[:, None, 3])


def hidden_share(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """`(N,)` in 0..1: of each box the largest share that one nearer box covers; 0 for boxes without area."""
    if len(boxes) == 0:
        return np.zeros(0, np.float32)
    shared = intersections(boxes, boxes)  # (N, N)
    area = np.clip(boxes[:, 2:] - boxes[:, :2], 0, None).prod(1)  # (N,)
    share = np.divide(shared, area[:, None], out=np.zeros_like(shared), where=area[:, None] > 0)
    return np.asarray(np.where(nearer(boxes), share, 0).max(1), np.float32)
