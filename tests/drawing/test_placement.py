import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from regionclip.drawing.placement import place_labels

FRAME = (240, 320)


def rectangles(places: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    return np.concatenate([places, places + sizes], axis=1)


def shared(first: np.ndarray, second: np.ndarray) -> int:
    sides = np.minimum(first[2:], second[2:]) - np.maximum(first[:2], second[:2])
    return int(np.maximum(sides, 0).prod())


def test_none() -> None:
    assert place_labels(np.zeros((0, 4)), np.zeros((0, 2), int), FRAME).shape == (0, 2)


def test_above_the_box_where_that_is_free() -> None:
    assert place_labels(np.array([[50.0, 60, 150, 160]]), np.array([[70, 16]]), FRAME).tolist() == [[50, 44]]


def test_away_from_what_is_taken() -> None:
    box, size = np.array([[50.0, 60, 150, 160]]), np.array([[70, 16]])
    ((x, y),) = place_labels(box, size, FRAME, [(40, 40, 320, 60)]).tolist()
    assert shared(np.array([x, y, x + 70, y + 16]), np.array([40, 40, 320, 60])) == 0


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 60))
def test_always_inside(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    corners = rng.uniform(-50, 300, (count, 2))
    boxes = np.hstack([corners, corners + rng.uniform(0, 200, (count, 2))])
    sizes = rng.integers((10, 10), (200, 30), (count, 2))
    places = place_labels(boxes, sizes, FRAME)
    assert (places >= 0).all()
    assert (places + sizes <= FRAME[::-1]).all()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6))
def test_no_overlap_while_there_is_room(seed: int) -> None:
    """Boxes all over one another, labels that fill a fifth of the frame."""
    rng = np.random.default_rng(seed)
    corners = rng.uniform(100, 140, (16, 2))
    boxes = np.hstack([corners, corners + rng.uniform(5, 40, (16, 2))])
    sizes = rng.integers((50, 14), (70, 15), (16, 2))
    rects = rectangles(place_labels(boxes, sizes, FRAME), sizes)
    for place, first in enumerate(rects):
        for second in rects[:place]:
            assert shared(first, second) <= 0.05 * 70 * 14
    covered = sum(shared(first, second) for place, first in enumerate(rects) for second in rects[:place])
    assert covered <= 0.02 * sizes.prod(axis=1).sum()
