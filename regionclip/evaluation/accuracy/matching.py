"""Tracks against true tracks: what is covered, whose number changed, whose name was right.

Boxes match where their IoU is 0.5 or more. Within a frame pairs are chosen for the greatest sum of IoU, those of the
frame before first (CLEAR MOT: Bernardin and Stiefelhagen, 2008).

    MOTA = 1 - (missed + false + identity switches) / true
    IDF1 = 2 IDTP / (true + rows)

missed, false, true and rows count boxes over all frames; an identity switch is a true track that is matched with
another number than the last time it was matched. IDTP is the number of matching boxes when each true track may have one
number only, chosen for the greatest sum over a clip (Ristani et al., 2016).

Letters: N true boxes, K rows of a frame.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from regionclip.data.overlaps import overlaps

LEAST_IOU = 0.5


@dataclass(slots=True)
class Tally:
    """Counts over clips; `add` frame by frame, `end_clip` after each clip.

    Attributes:
        true: true boxes.
        rows: boxes of tracks.
        matched: true boxes that a row matches.
        right: of these, those whose row has the true name.
        identity_switches: as above.
        identity: IDTP.
        label_switches: rows with another name than their track's row before.
        tracks: numbers given.
    """

    true: int = 0
    rows: int = 0
    matched: int = 0
    right: int = 0
    identity_switches: int = 0
    identity: int = 0
    label_switches: int = 0
    tracks: int = 0
    _pairs: dict[int, int] = field(default_factory=dict)  # true track: number it is matched with on the latest frame
    _last: dict[int, int] = field(default_factory=dict)  # true track: number it was last matched with
    _names: dict[int, str] = field(default_factory=dict)  # number: latest name
    _together: dict[tuple[int, int], int] = field(default_factory=dict)  # frames on which both overlap enough

    def add(
        self,
        true_boxes: NDArray[np.float32],
        true_tracks: Sequence[int],
        true_names: Sequence[str],
        boxes: NDArray[np.float32],
        numbers: Sequence[int],
        names: Sequence[str],
    ) -> None:
        """Take a frame: `(N, 4)` true boxes and `(K, 4)` boxes of tracks, one row a track, with their names."""
        self.true += len(true_boxes)
        self.rows += len(boxes)
        for number, name in zip(numbers, names, strict=True):
            self.label_switches += self._names.get(number, name) != name
            self._names[number] = name
        ious = overlaps(true_boxes, boxes)  # (N, K)
        for row, column in zip(*np.nonzero(ious >= LEAST_IOU), strict=True):
            pair = true_tracks[row], numbers[column]
            self._together[pair] = self._together.get(pair, 0) + 1
        pairs = self._matched(ious, true_tracks, numbers)
        for row, column in pairs:
            self.matched += 1
            self.right += names[column] == true_names[row]
            track, number = true_tracks[row], numbers[column]
            self.identity_switches += self._last.get(track, number) != number
            self._last[track] = number
        self._pairs = {true_tracks[row]: numbers[column] for row, column in pairs}

    def end_clip(self) -> None:
        """The next frame is of another clip: all numbers begin anew."""
        trues, numbers = (sorted({pair[side] for pair in self._together}) for side in (0, 1))
        frames = np.zeros((len(trues), len(numbers)), int)
        for (track, number), count in self._together.items():
            frames[trues.index(track), numbers.index(number)] = count
        self.identity += int(frames[linear_sum_assignment(frames, maximize=True)].sum())
        self.tracks += len(self._names)
        for known in (self._pairs, self._last, self._names, self._together):
            known.clear()

    @property
    def mota(self) -> float:
        """At most 1."""
        wrong = self.true - self.matched + self.rows - self.matched + self.identity_switches
        return 1 - wrong / max(self.true, 1)

    @property
    def idf1(self) -> float:
        """0..1."""
        return 2 * self.identity / max(self.true + self.rows, 1)

    def _matched(
        self, ious: NDArray[np.float64], tracks: Sequence[int], numbers: Sequence[int]
    ) -> list[tuple[int, int]]:
        worth = np.where(ious >= LEAST_IOU, ious, 0.0)  # (N, K)
        for row, track in enumerate(tracks):
            for column, number in enumerate(numbers):
                if worth[row, column] and self._pairs.get(track) == number:
                    worth[row, column] += len(tracks) + len(numbers)  # before any other pairs
        rows, columns = linear_sum_assignment(worth, maximize=True)
        return [
            (row, column) for row, column in zip(rows.tolist(), columns.tolist(), strict=True) if worth[row, column]
        ]
