"""Zones and lines: inside, shared area, sides and crossings, against formulas of another kind."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from regionclip.errors import ConfigError
from regionclip.video.rules.zones import Anchor, Box, Line, Point, Zone, crosses, shared_area, side_of

FRAME = (240, 320)
Points = tuple[Point, ...]


@st.composite
def stars(draw: st.DrawFn) -> Points:
    """Corners of a polygon around the middle of the frame that need not be convex, in pixels."""
    count = draw(st.integers(3, 9))
    turns = sorted(draw(st.lists(st.floats(0, 6.2), min_size=count, max_size=count, unique_by=lambda a: round(a, 1))))
    reach = draw(st.lists(st.floats(30, 110), min_size=count, max_size=count))
    assume(max(np.diff([*turns, turns[0] + 2 * math.pi])) < math.pi - 0.1)  # so that the middle is inside
    return tuple(
        (160 + far * math.cos(turn), 120 + far * math.sin(turn)) for far, turn in zip(reach, turns, strict=True)
    )


def winding(points: Points, x: float, y: float) -> float:
    """How often a polygon goes around a point: the sum of the angles at which its sides are seen."""
    angles = np.array([math.atan2(b - y, a - x) for a, b in points])
    steps = np.diff([*angles, angles[0]])
    return float(((steps + math.pi) % (2 * math.pi) - math.pi).sum() / (2 * math.pi))


def from_edge(points: Points, x: float, y: float) -> float:
    """Distance of a point from the nearest side."""
    here, starts = np.array([x, y]), np.array(points)
    ways = np.roll(starts, -1, axis=0) - starts
    along = np.clip(((here - starts) * ways).sum(1) / (ways**2).sum(1), 0, 1)[:, None]
    return float(np.hypot(*(starts + along * ways - here).T).min())


def zone(points: Points, anchor: Anchor = "bottom", overlap: float | None = None) -> Zone:
    return Zone(
        name="z", points=points, unit="pixel", **({"anchor": anchor} if overlap is None else {"overlap": overlap})
    )


def at(x: float, y: float) -> Box:
    """A box whose lower edge has its middle there."""
    return (x - 5, y - 20, x + 5, y)


@given(stars(), st.floats(0, 320), st.floats(0, 240))
def test_inside_is_what_the_sides_go_around(points: Points, x: float, y: float) -> None:
    assume(from_edge(points, x, y) > 0.6)
    assert zone(points).on(FRAME).holds(at(x, y)) == (abs(winding(points, x, y)) > 0.5)


def test_the_edge_belongs_to_a_zone() -> None:
    whole = zone(((0, 0), (320, 0), (320, 240), (0, 240))).on(FRAME)
    assert all(whole.holds(box) for box in [(0, 200, 0, 240), (310, 100, 330, 240), (-10, -20, 10, 0)])
    assert not whole.holds((0, 200, 10, 242))


@given(stars(), st.tuples(st.floats(0, 300), st.floats(0, 220), st.floats(1, 99), st.floats(1, 99)))
def test_shared_area_is_that_of_the_pixels(points: Points, box: Box) -> None:
    x, y, width, height = box
    fine = 3
    columns = (np.arange(math.floor(width * fine)) + 0.5) / fine + x
    rows = (np.arange(math.floor(height * fine)) + 0.5) / fine + y
    inside = np.zeros((len(rows), len(columns)), bool)
    corners = np.array(points)
    for (x1, y1), (x2, y2) in zip(
        corners, np.roll(corners, -1, axis=0), strict=True
    ):  # even or odd crossings to the right
        straddles = (y1 > rows) != (y2 > rows)
        meets = x1 + (rows - y1) * (x2 - x1) / (y2 - y1 if y2 != y1 else 1.0)
        inside ^= straddles[:, None] & (columns[None] < meets[:, None])
    counted = inside.sum() / fine**2
    exact = shared_area(np.array(points), (x, y, x + width, y + height))
    assert exact == pytest.approx(counted, abs=2 * (width + height) / fine + 4)
    assert 0 <= exact <= width * height * (1 + 1e-9)


def test_which_part_of_the_box_counts() -> None:
    lower = ((0.0, 120.0), (320.0, 120.0), (320.0, 240.0), (0.0, 240.0))
    box = (100, 20, 140, 140)  # a sixth of it is inside
    assert zone(lower).on(FRAME).holds(box)
    assert not zone(lower, "centre").on(FRAME).holds(box)
    assert zone(lower, "any").on(FRAME).holds(box)
    assert zone(lower, overlap=0.16).on(FRAME).holds(box)
    assert not zone(lower, overlap=0.17).on(FRAME).holds(box)
    assert zone(lower, overlap=1).on(FRAME).holds((3.3, 121.7, 77.1, 200.9))
    assert not zone(lower, "any").on(FRAME).holds((100, 20, 140, 120))
    assert not zone(lower, overlap=0.1).on(FRAME).holds((100, 150, 100, 150))


def test_units() -> None:
    points = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0))
    assert Zone(name="z", points=points).on((200, 400)).points.tolist() == [[0, 0], [200, 0], [200, 200]]
    pixels = tuple((x * 1920, y * 1080) for x, y in points)
    drawn = Zone(name="z", points=pixels, unit="pixel", size=(1920, 1080))
    assert drawn.on((200, 400)).points.tolist() == [[0, 0], [200, 0], [200, 200]]
    assert Zone(name="z", points=pixels, unit="pixel").on((200, 400)).points[1].tolist() == [960, 0]
    assert Zone.whole().on((200, 400)).holds((390, 190, 400, 200))


@pytest.mark.parametrize(
    ("points", "said"),
    [
        ((), "three or more for a zone, got 0"),
        (((0, 0), (1, 1), (1, 0), (0, 1)), r"sides that do not cross, got side 1 \(from point 1\) across side 3"),
        (((0, 0), (1, 0), (1, 0), (0, 1)), "no point twice in a row"),
        (((0, 0), (1, 0), (1, 1), (0, 0)), "no point twice in a row"),
        (((0, 0), (0.5, 0.5), (1, 1)), "on one line"),
        (((0, 0), (1, 0), (1, 1), (0.5, 0), (0, 1)), "sides that do not cross"),
    ],
)
def test_what_is_no_polygon(points: Points, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Zone(name="z", points=points)


LINE = Line(name="l", points=((0.0, 120.0), (320.0, 120.0)), unit="pixel").pixels(FRAME)
PLACES = st.tuples(st.floats(0, 320), st.floats(0, 240))


def test_side_a_is_above_a_line_drawn_from_left_to_right() -> None:
    assert side_of(LINE, (50, 100)) == 20
    assert side_of(LINE, (50, 150)) == -30
    assert side_of(LINE[::-1], (50, 100)) == -20


@given(PLACES, PLACES, PLACES, PLACES)
def test_crossing_is_the_same_both_ways(a: Point, b: Point, start: Point, end: Point) -> None:
    line = np.array([a, b], float)
    assume(math.dist(a, b) > 1)
    sides = side_of(line, start), side_of(line, end)
    assume(min(map(abs, sides)) > 1e-3)
    way = other_way(line, start, end)
    assume(way is None or min(abs(way), abs(1 - way)) > 1e-6)
    expected = way is not None and 0 <= way <= 1
    assert crosses(line, start, end) == crosses(line, end, start) == expected
    assert crosses(line[::-1], start, end) == expected
    assert np.sign(side_of(line[::-1], start)) == -np.sign(sides[0])


def other_way(line: NDArray[np.float64], start: Point, end: Point) -> float | None:
    """Where on the line, 0..1, a way meets it, by solving for both at once; None where it stops short."""
    along, way = line[1] - line[0], np.subtract(end, start)
    system = np.column_stack([along, -way])
    if abs(np.linalg.det(system)) < 1e-9:
        return None
    share, done = np.linalg.solve(system, np.subtract(start, line[0]))
    return float(share) if 0 <= done <= 1 else None
