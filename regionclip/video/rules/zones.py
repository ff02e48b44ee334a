"""Zones and lines in a frame: where they lie, and what is inside or on which side.

Letters: K points of a zone.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Annotated, ClassVar, Literal, Self

import numpy as np
from annotated_types import Predicate
from numpy.typing import NDArray
from pydantic import Field, PositiveInt, ValidationInfo, field_validator, model_validator

from regionclip.drawing.colours import colour
from regionclip.formats.settings import Expected, Settings, Text

Anchor = Literal["bottom", "centre", "any"]
Box = tuple[float, float, float, float]
"""x1 y1 x2 y2 in frame pixels."""
Point = tuple[float, float]

_EDGE = 0.5
"""Pixels around a zone that still belong to it: a box that ends with the frame is inside a zone that does."""


class Scaled(Settings):
    """Says what points are counted in.

    Attributes:
        unit: "fraction" of the frame's sides, or "pixel".
        size: `(W, H)` of the frame that pixels were drawn on; None for frames of whatever size come.
    """

    unit: Literal["fraction", "pixel"] = "fraction"
    size: Annotated[
        tuple[PositiveInt, PositiveInt] | None,
        Expected("[width, height] in pixels of the frame that points were drawn on"),
    ] = None

    @field_validator("size")
    @classmethod
    def _of_pixels(cls, size: tuple[int, int] | None, info: ValidationInfo) -> tuple[int, int] | None:
        if size is not None and info.data.get("unit") == "fraction":
            raise ValueError('only together with unit = "pixel"; fractions fit every frame')
        return size


class Shape(Scaled):
    """What a zone and a line have in common.

    Attributes:
        name: of the place.
        points: K of them, in `unit`.
        colour: for drawing, as "00aaee".
    """

    name: Text
    points: Annotated[tuple[Point, ...], Expected("[[x, y], ...]")]
    colour: str | None = None

    @field_validator("points")
    @classmethod
    def _inside(cls, points: tuple[Point, ...], info: ValidationInfo) -> tuple[Point, ...]:
        in_pixels = info.data.get("unit") == "pixel"
        width, height = (info.data.get("size") or (math.inf, math.inf)) if in_pixels else (1, 1)
        for x, y in points:
            if not (0 <= x <= width and 0 <= y <= height):
                hint = '; for pixels write unit = "pixel" above' if not in_pixels and max(x, y) > 1 else ""
                span = "pixels inside the frame" if in_pixels else "fractions in 0..1"
                raise ValueError(f"expected {span}{hint}, got {[x, y]}")
        return points

    @field_validator("colour")
    @classmethod
    def _drawable(cls, text: str | None) -> str | None:
        if text is not None:
            colour(text)
        return text

    def pixels(self, frame: tuple[int, int]) -> NDArray[np.float64]:
        """The points in pixels of a frame of `(H, W)`, `(K, 2)`."""
        height, width = frame
        wide, tall = (1, 1) if self.unit == "fraction" else self.size or (width, height)
        return np.array(self.points, float) * (width / wide, height / tall)


class Zone(Shape):
    """A polygon, and when something counts as inside of it.

    Attributes:
        anchor: the part of a box that counts: the middle of its lower edge, its centre, or any part.
        overlap: in place of the anchor, the share of the box's area that has to be inside, above 0 up to 1.
    """

    title: ClassVar[str] = "zone"

    anchor: Anchor = "bottom"
    overlap: Annotated[float | None, Field(gt=0, le=1)] = None

    @field_validator("points")
    @classmethod
    def _is_polygon(cls, points: tuple[Point, ...]) -> tuple[Point, ...]:
        check_polygon(points)
        return points

    @model_validator(mode="after")
    def _one_way_to_count(self) -> Self:
        if self.overlap is not None and "anchor" in self.model_fields_set:
            raise ValueError("expected anchor or overlap, got both")
        return self

    @classmethod
    def whole(cls) -> "Zone":
        """The whole frame: without a name and without points."""
        return cls.model_construct(name="", points=())

    def on(self, frame: tuple[int, int]) -> "PlacedZone":
        """This zone on frames of `(H, W)`."""
        height, width = frame
        whole = np.array([(0, 0), (width, 0), (width, height), (0, height)], float)  # (4, 2)
        return PlacedZone(self, self.pixels(frame) if self.points else whole)


class Line(Shape):
    """A line that things cross, from its first point to its second.

    Side a is to the left for one who goes from the first point to the second: above a line that is drawn from left to
    right. Side b is the other.

    Attributes:
        anchor: the point of a box that crosses: the middle of its lower edge, or its centre.
    """

    title: ClassVar[str] = "line"

    points: Annotated[
        tuple[Point, Point], Predicate(lambda ends: ends[0] != ends[1]), Expected("two different points, [[x, y], ...]")
    ]
    anchor: Literal["bottom", "centre"] = "bottom"


@dataclass(frozen=True, eq=False)
class PlacedZone:
    """A zone on frames of one size; `points` `(K, 2)` are in pixels."""

    zone: Zone
    points: NDArray[np.float64]

    @cached_property
    def _contour(self) -> NDArray[np.float32]:
        return self.points.astype(np.float32).reshape(-1, 1, 2)

    def holds(self, box: Box) -> bool:
        """Whether a box counts as inside."""
        import cv2  # not above: who only reads a file need not wait for it

        x1, y1, x2, y2 = box
        if self.zone.overlap is not None:
            area = (x2 - x1) * (y2 - y1)
            # A millionth of slack: a box that lies wholly inside should have a share of 1.
            return area > 0 and shared_area(self.points, box) >= (self.zone.overlap - 1e-6) * area
        if self.zone.anchor == "any":
            return shared_area(self.points, box) > 0
        x, y = anchor_point(box, self.zone.anchor)
        return bool(cv2.pointPolygonTest(self._contour, (x, y), True) >= -_EDGE)


def anchor_point(box: Box, anchor: Anchor) -> Point:
    """The middle of a box's lower edge, or its centre."""
    x1, y1, x2, y2 = box
    return (x1 + x2) / 2, y2 if anchor == "bottom" else (y1 + y2) / 2


def side_of(line: NDArray[np.float64], point: Point) -> float:
    """Distance of a point from the endless line through `line` `(2, 2)` in pixels: above 0 on side a, below on b."""
    (x1, y1), (x2, y2) = line.tolist()
    along, down = x2 - x1, y2 - y1
    # y grows downwards, so the left hand of one who goes along is where the cross product is negative.
    return float((down * (point[0] - x1) - along * (point[1] - y1)) / np.hypot(along, down))


def crosses(line: NDArray[np.float64], start: Point, end: Point) -> bool:
    """Whether the way from `start` to `end` meets the stretch between the two points of `line` `(2, 2)`."""
    before, after = side_of(line, start), side_of(line, end)
    if (before > 0) == (after > 0):
        return False
    meet = np.array(start) + np.subtract(end, start) * (before / (before - after))
    way = line[1] - line[0]
    return bool(0 <= (meet - line[0]) @ way <= way @ way)


def shared_area(points: NDArray[np.float64], box: Box) -> float:
    """Square pixels of a polygon `(K, 2)` inside a box: it is cut at the box's sides (Sutherland and Hodgman 1974)."""
    x1, y1, x2, y2 = box
    corners = [(float(x), float(y)) for x, y in points]
    for axis, limit, sign in ((0, x1, 1), (0, x2, -1), (1, y1, 1), (1, y2, -1)):
        corners = _cut(corners, axis, limit, sign)
        if not corners:
            return 0.0
    return abs(polygon_area(np.array(corners)))


def polygon_area(points: NDArray[np.float64]) -> float:
    """Square pixels of a polygon `(K, 2)`, below 0 for one turn and above for the other."""
    x, y = (points - points[0]).T
    return float(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2


def check_polygon(points: tuple[Point, ...]) -> None:
    """Refuse what is no polygon.

    Raises:
        ValueError: for fewer than three points, doubled points, sides that cross or touch, and no area.
    """
    if len(points) < 3:
        raise ValueError(f"expected three or more for a zone, got {len(points)}")
    sides = list(pairwise((*points, points[0])))
    if doubled := [start for start, end in sides if start == end]:
        got = list(doubled[0])
        raise ValueError(f"expected no point twice in a row, got {got}; the last is joined to the first")
    for place in range(1, len(sides) + 1):
        for other in range(place + 1, len(sides) + 1):
            beside = other == place + 1 or (place == 1 and other == len(sides))
            if not beside and _touch(sides[place - 1], sides[other - 1]):
                raise ValueError(
                    f"expected sides that do not cross, got side {place} (from point {place}) across side "
                    f"{other}: give the corners in the order in which one walks around the zone"
                )
    if abs(polygon_area(np.array(points))) < 1e-9 * max(1e-9, float(np.ptp(points, axis=0).max() ** 2)):
        raise ValueError("expected a zone with an area, got points on one line")


def _cut(corners: list[Point], axis: int, limit: float, sign: int) -> list[Point]:
    """What of a polygon is on one side of an upright or level line: `sign * (value - limit) >= 0`."""
    kept: list[Point] = []
    for start, end in pairwise((corners[-1], *corners)):
        before, after = (sign * (point[axis] - limit) for point in (start, end))
        if (before >= 0) != (after >= 0):
            share = before / (before - after)
            kept.append((start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])))
        if after >= 0:
            kept.append(end)
    return kept


def _touch(first: tuple[Point, Point], second: tuple[Point, Point]) -> bool:
    """Whether two stretches have a point in common."""
    (a, b), (c, d) = first, second
    turns = _turn(a, b, c), _turn(a, b, d), _turn(c, d, a), _turn(c, d, b)
    if turns[0] * turns[1] < 0 and turns[2] * turns[3] < 0:
        return True
    ends = zip(turns, (c, d, a, b), (first, first, second, second), strict=True)
    return any(
        turn == 0 and min(p[0], q[0]) <= x <= max(p[0], q[0]) and min(p[1], q[1]) <= y <= max(p[1], q[1])
        for turn, (x, y), (p, q) in ends
    )


def _turn(a: Point, b: Point, c: Point) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
