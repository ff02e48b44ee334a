"""Subjects: the things behind tracks, where they stand and which way they go."""

import math
from collections import deque
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from regionclip.video.rules.zones import Box, Point

HIDDEN_SECONDS = 120.0
"""Something that stood still may be hidden for so long, where it is found again at its place by its looks."""

STILL = 0.3
"""Something is still while the centre of its box stays within this share of the box's diagonal."""

_PATIENCE = 2.0
"""Seconds that something may be off its place."""

_WAY_SECONDS = 1.0
"""Over which velocities are taken."""


@dataclass(slots=True, eq=False)
class Rest:
    """Where something stands, and since when.

    Attributes:
        box: its box when it came to stand there.
        since: when that was, in seconds of the source.
        last: when it was last seen there.
    """

    box: Box
    since: float
    last: float
    _next: "Rest | None" = None

    def see(self, box: Box, seconds: float, patience: float) -> "Rest":
        """The place where it stands now: this one, or a new one once it has been elsewhere for long enough.

        Somebody who walks past hides a part of it and shifts its box: that is no move. A place is given up when the
        thing has not been there for `patience` seconds, or for as long as it had been there where that is less.
        """
        if math.dist(centre(box), centre(self.box)) <= STILL * diagonal(self.box):
            self.last, self._next = seconds, None
            return self
        fresh = Rest(box, seconds, seconds)
        self._next = fresh if self._next is None else self._next.see(box, seconds, 0)
        return self._next if seconds - self.last > min(patience, self.last - self.since) else self


@dataclass(slots=True, eq=False)
class Subject:
    """A thing that is followed.

    Attributes:
        tracks: numbers it had, the newest last.
        first: when it was first seen, in seconds of the source.
        last: when it was last seen.
        from_start: whether it was there when watching began.
        box: the latest.
        rest: where it stands.
        labels: of its latest rows.
        embedding: `(D,)` of unit length, or None.
    """

    tracks: list[int]
    first: float
    last: float
    from_start: bool
    box: Box
    rest: Rest
    labels: frozenset[str] = frozenset()
    embedding: NDArray[np.float32] | None = None
    _way: deque[tuple[float, Point]] = field(default_factory=deque)  # of the latest second

    def see(self, seconds: float) -> None:
        """Note that it is where its box is."""
        self.last = seconds
        self.rest = self.rest.see(self.box, seconds, _PATIENCE)
        self._way.append((seconds, centre(self.box)))
        while seconds - self._way[0][0] > _WAY_SECONDS and len(self._way) > 2:
            self._way.popleft()

    @property
    def velocity(self) -> Point:
        """Of its centre, in pixels a second; 0 as long as it is not known."""
        if not self._way or (passed := self._way[-1][0] - self._way[0][0]) < _WAY_SECONDS / 4:
            return 0.0, 0.0
        (x1, y1), (x2, y2) = self._way[0][1], self._way[-1][1]
        return (x2 - x1) / passed, (y2 - y1) / passed


@dataclass(frozen=True, slots=True, eq=False)
class Sighting:
    """One row of a frame.

    Attributes:
        row: its place among the frame's rows.
        label: its `class_name`.
        box: its box.
        confidence: 0..1; 1 where rows have none.
        thing: the same number for rows of one thing that has several labels.
        subject: whose row it is; None where rows have no tracks.
    """

    row: int
    label: str
    box: Box
    confidence: float
    thing: int
    subject: Subject | None = None


def overlap(first: Box, second: Box) -> float:
    """IoU of two boxes."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    shared = max(0.0, width) * max(0.0, height)
    total = sum((x2 - x1) * (y2 - y1) for x1, y1, x2, y2 in (first, second)) - shared
    return shared / total if total > 0 else 0.0


def diagonal(box: Box) -> float:
    """Of a box, in pixels."""
    return math.hypot(box[2] - box[0], box[3] - box[1])


def centre(box: Box) -> Point:
    """Of a box, in pixels."""
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
