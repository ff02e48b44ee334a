"""Who appears in a clip and where each is at any time: paths on the ground, sizes by distance."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from regionclip.scenes.casting import Casting, Draft, cast
from regionclip.scenes.stage import is_flipped

TALL: dict[str, float] = {
    "person": 1.0, "car": 0.72, "truck": 1.0, "bus": 0.95, "bicycle": 0.6, "motorcycle": 0.62, "forklift": 1.05,
    "mobile robot": 0.5, "drone": 0.2, "suitcase": 0.4, "backpack": 0.3, "handbag": 0.24, "dog": 0.42, "cat": 0.3,
    "box": 0.34, "pallet": 0.2, "traffic cone": 0.4, "barrier": 0.5, "fire extinguisher": 0.36, "ladder": 1.0,
    "chair": 0.56, "table": 0.46, "umbrella": 0.5,
}  # fmt: skip
"""Height of the kinds that clips show, in heights of a person beside it. Large vehicles are drawn too small, so that
one fits into the frame."""

_DRAWN_LEFT = frozenset({"car", "truck", "bus"})
_STEP = 0.42  # length of a step in heights of the person
_PARTS = 6


@dataclass(frozen=True, slots=True)
class Ground:
    """The floor of a world in pixels, and how large a person looks on it.

    Attributes:
        width: of the world.
        inner: left and right end of what the camera always sees.
        rows: row of the feet farthest away and nearest.
        people: height of a person there.
    """

    width: float
    inner: tuple[float, float]
    rows: tuple[float, float]
    people: tuple[float, float]

    def person(self, row: float | NDArray[np.float64]) -> NDArray[np.float64]:
        """Height in pixels of a person whose feet are at a row."""
        return np.asarray(np.interp(row, self.rows, self.people))

    def row(self, share: float) -> float:
        """The row at `share` of the way from far (0) to near (1)."""
        return self.rows[0] + share * (self.rows[1] - self.rows[0])

    def across(self, share: float) -> float:
        """The column at `share` of what the camera always sees, 0 left, 1 right."""
        return self.inner[0] + share * (self.inner[1] - self.inner[0])

    def outside(self, side: int, row: float, draft: Draft) -> tuple[float, float]:
        """A point left (-1) or right (1) of the world, from where nothing of the object reaches into it."""
        reach = float(0.8 * self.person(row)) * TALL[draft.name] * max(draft.kind.wide, 0.6) + 4
        return (-reach if side < 0 else self.width + reach), row


@dataclass(frozen=True, slots=True, eq=False)
class Path:
    """Where something is at any time: straight between stops, still before the first and after the last.

    Attributes:
        times: `(K,)` seconds, not falling.
        stops: `(K, 3)` column and row of its foot in pixels, and its height above the ground in heights of a person.
    """

    times: NDArray[np.float64]
    stops: NDArray[np.float64]

    def at(self, seconds: float) -> tuple[float, float, float]:
        """Column, row and height above the ground."""
        x, y, lift = (float(np.interp(seconds, self.times, self.stops[:, axis])) for axis in range(3))
        return x, y, lift

    def moves(self, before: float, after: float) -> bool:
        """Whether it is elsewhere at the second of two times, each in seconds."""
        return self.at(before) != self.at(after)

    def later(self, seconds: float) -> "Path":
        """The same path, so much later."""
        return replace(self, times=self.times + seconds)

    def within(self, seconds: float) -> "Path":
        """The same path, faster where it would take longer than this."""
        taken = float(self.times[-1] - self.times[0])
        return self if taken <= seconds else replace(self, times=self.times * (seconds / taken))


def walk(
    ground: Ground, points: Sequence[tuple[float, float]], speed: float, *, lift: float = 0.0, pause: float = 0.0
) -> Path:
    """A path through points, from second 0 on.

    Args:
        ground: what is walked on.
        points: columns and rows of the feet in pixels.
        speed: in heights of a person a second.
        lift: height above the ground in heights of a person.
        pause: seconds to stand at every point between the first and the last.
    """
    times, stops = [0.0], [points[0]]
    for number, (start, end) in enumerate(pairwise(points)):
        if number and pause:
            times.append(times[-1] + pause)
            stops.append(start)
        for part in range(_PARTS):
            before, after = (np.asarray(start) + np.subtract(end, start) * (part + k) / _PARTS for k in (0, 1))
            across, away = after - before
            length = np.hypot(across, 2.5 * away) / ground.person((before[1] + after[1]) / 2)
            times.append(times[-1] + float(length) / speed)
            stops.append((float(after[0]), float(after[1])))
    return Path(np.asarray(times), np.column_stack([stops, np.full(len(stops), lift)]))


@dataclass(frozen=True, slots=True, eq=False)
class Actor:
    """Something in a clip.

    Attributes:
        draft: its looks; its place and size are those of no moment.
        path: where it is.
        walked: `(K,)` heights of a person covered at each stop of the path.
    """

    draft: Draft
    path: Path
    walked: NDArray[np.float64]

    @classmethod
    def of(cls, draft: Draft, path: Path, ground: Ground) -> "Actor":
        """An actor on its path over the ground."""
        steps = np.diff(path.stops[:, :2], axis=0) * (1, 2.5)  # (K-1, 2)
        lengths = np.hypot(*steps.T) / ground.person((path.stops[1:, 1] + path.stops[:-1, 1]) / 2)
        return cls(draft, path, np.concatenate([[0.0], np.cumsum(lengths)]))

    def at(self, seconds: float, ground: Ground) -> Draft:
        """The draft as it is to be painted at a time; people bob and swing as they walk, drones hover."""
        x, y, lift = self.path.at(seconds)
        person = float(ground.person(y))
        height, breadth = TALL[self.draft.name] * person, 1.0
        if self.draft.name == "person":
            swing = np.cos(2 * np.pi * np.interp(seconds, self.path.times, self.walked) / _STEP)
            lift, breadth = lift + 0.006 * (1 - swing), 1 + 0.06 * swing
        elif self.draft.name == "drone":
            lift += 0.04 * np.sin(2.1 * seconds + self.draft.seed % 7)
        width = height * self.draft.kind.wide * breadth
        return replace(
            self.draft, x=x - width / 2, y=y - lift * person - height, width=width, height=height, lift=lift * person
        )


def cast_one(rng: np.random.Generator, kinds: Sequence[str], direction: int = 0, *, held_out: bool = False) -> Draft:
    """The looks of one object of some kinds.

    Args:
        rng: source of every choice.
        kinds: names to choose from, keys of `TALL`.
        direction: -1 for one that faces left, 1 right, 0 either.
        held_out: in the colour that training never shows it in.
    """
    draft = cast(rng, Casting((0.1, 0.5), kinds, held_out))
    drawn = -1 if draft.name in _DRAWN_LEFT else 1
    while direction and draft.name != "person" and (-drawn if is_flipped(draft) else drawn) != direction:
        draft.seed = int(rng.integers(2**32))
    return draft
