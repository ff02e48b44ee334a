"""Which of the regions that fit are one thing: from each best one on, its track, and what it overlaps and looks like.

Letters: M regions, best first, D channels.
"""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import supervision as sv
from numpy.typing import NDArray

from regionclip.archive.rows import SIDES, boxes_of, numbers, vectors

OF_THINGS = ("source", "index", "seconds", *SIDES, "given", "track", "embedding")
"""Columns that `Things` needs."""

_LOOKS = 3
"""Looks of the tower at a source over which a thing may be missed and is still the same."""

_SECONDS = 3.0
"""Seconds that are near in any case."""

_ALIKE, _OF_TRACK = 0.5, 0.3
"""Least resemblance, (cosine - usual) / (1 - usual), to the best region, and that of regions of its track.

On rendered clips two sights of a track have 0.75 and more, as a rule, those of two tracks 0.3 and less: a track that
falls below it has gone over to another thing.
"""


class Things:
    """Groups regions; a loop over it gives the rows `(m,)` of one thing after another, its best region first.

    A thing is followed from its best region to earlier and to later frames, as long as a region near in time overlaps
    the one before and resembles the best. Regions of its tracks belong to it, and need resemble it less; tracks of one
    frame are different things. What it overlaps on its own frames is the same once more, as in NMS, and is left out;
    but boxes of the caller's are all different things.

    Args:
        rows: `OF_THINGS` of M regions.
        iou: least overlap, 0..1.
        usual: cosine, -1..1, of different things of the archive.
        every: frames from one look of the tower at a source to the next.
    """

    def __init__(self, rows: pa.Table, *, iou: float, usual: float, every: int) -> None:
        self._iou, self._usual, self._gap = iou, usual, _LOOKS * every
        self._source = np.unique(rows["source"].to_numpy(), return_inverse=True)[1]  # (M,)
        self._index, self._given = numbers(rows["index"]), numbers(rows["given"])  # (M,)
        self._track = numbers(rows["track"].fill_null(-1))  # (M,)
        self._seconds = numbers(rows["seconds"].fill_null(float("nan")))  # (M,)
        self._boxes, self._embeddings = boxes_of(rows), vectors(rows["embedding"])  # (M, 4), (M, D)
        self._free = np.ones(len(rows), np.bool_)  # (M,)

    def __iter__(self) -> Iterator[NDArray[np.int_]]:
        for best in range(len(self._free)):
            if self._free[best]:
                sights = self._sights(best)
                self._free[sights] = False
                for sight in sights:
                    self._suppress(sight)
                yield np.array(sights)

    def _sights(self, best: int) -> list[int]:
        alike = (self._embeddings @ self._embeddings[best] - self._usual) / (1 - self._usual)  # (M,)
        sights, tracks = [best], {int(self._track[best])} - {-1}
        for step in (1, -1):
            sight = best
            while (following := self._next(sight, step, tracks, alike)) is not None:
                sight = following
                sights.append(sight)
                tracks |= {int(self._track[sight])} - {-1}
        mine = self._free & self._of(best, tracks) & (alike >= _OF_TRACK)
        return list(dict.fromkeys([*sights, *np.flatnonzero(mine).tolist()]))

    def _next(self, sight: int, step: int, tracks: set[int], alike: NDArray[np.float32]) -> int | None:
        """The region of the same thing on the nearest frame after a sight, or, by a `step` of -1, before it."""
        away, passed = step * (self._index - self._index[sight]), step * (self._seconds - self._seconds[sight])  # (M,)
        mine, same_source = self._of(sight, tracks), self._source == self._source[sight]  # (M,)
        beside = np.unique(self._track[same_source & np.isin(self._index, self._index[mine])])  # tracks on its frames
        near = self._free & same_source & (away > 0) & ((away <= self._gap) | (passed <= _SECONDS))
        near &= np.where(mine, alike >= _OF_TRACK, alike >= _ALIKE)
        near &= mine | (self._track < 0) | ~np.isin(self._track, beside)
        near[near] = self._overlap(near, sight)
        places = np.flatnonzero(near)
        order = np.lexsort((~mine[places], away[places]))  # on a frame its own track, else the best
        return int(places[order[0]]) if len(places) else None

    def _of(self, sight: int, tracks: set[int]) -> NDArray[np.bool_]:
        """Which regions are of these tracks of the source of a sight, `(M,)`."""
        return np.asarray((self._source == self._source[sight]) & np.isin(self._track, list(tracks)))

    def _suppress(self, sight: int) -> None:
        same = self._free & (self._source == self._source[sight]) & (self._index == self._index[sight])
        same &= ~self._given & ((self._track < 0) | (self._track[sight] < 0))  # two tracks are two things
        same[same] = self._overlap(same, sight)
        self._free &= ~same

    def _overlap(self, which: NDArray[np.bool_], sight: int) -> NDArray[np.bool_]:
        """Whether regions, marked in `(M,)`, overlap a sight."""
        shared = sv.box_iou_batch(self._boxes[which], self._boxes[sight : sight + 1])  # (m, 1)
        return np.asarray(shared[:, 0] > self._iou)
