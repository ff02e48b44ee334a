import numpy as np
import pytest
import supervision as sv
from hypothesis import given, settings
from hypothesis import strategies as st

from regionclip.drawing import annotate
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


@settings(max_examples=200, deadline=None)
@given(st.floats(0, 316), st.floats(0, 236), st.floats(1, 40), st.floats(1, 14), st.integers(10, 150))
def test_a_small_box_is_not_under_its_own_label(x: float, y: float, wide: float, high: float, length: int) -> None:
    """Anywhere in the frame, edges and corners included."""
    size = length, 16
    box = np.array([[x, y, min(320, x + wide), min(240, y + high)]])
    (rect,) = rectangles(place_labels(box, np.array([size]), FRAME), np.array([size]))
    sides = np.minimum(rect[2:], box[0, 2:]) - np.maximum(rect[:2], box[0, :2])
    assert sides.min() <= 1  # places are whole pixels: at most a rounding is shared


@pytest.mark.parametrize("seed", range(5))
def test_many_small_boxes_are_all_seen(seed: int) -> None:
    rng = np.random.default_rng(seed)
    corners = rng.integers((0, 0), (316, 236), (20, 2)).astype(float)
    boxes = np.hstack([corners, corners + 4])
    sizes = np.full((20, 2), (60, 12))
    rects = rectangles(place_labels(boxes, sizes, FRAME), sizes)
    own = [shared(rect, box) for rect, box in zip(rects, boxes, strict=True)]
    assert own == [0] * 20
    hidden = [max(shared(rect, box) for rect in rects) == 16 for box in boxes]
    assert sum(hidden) <= 2  # behind labels of others, where there is no room


def test_a_large_box_keeps_its_label_inside_where_there_is_no_room_outside() -> None:
    whole = np.array([[0.0, 0, 320, 240]])
    assert place_labels(whole, np.array([[70, 16]]), FRAME).tolist() == [[0, 0]]


@pytest.mark.parametrize("name", ["person", "红色的灭火器"])
@pytest.mark.parametrize(
    ("x", "y"), [(0, 0), (310, 0), (0, 230), (310, 230), (150, 0), (0, 100), (310, 100), (150, 230)]
)
def test_the_inside_of_a_drawn_box_is_the_picture(x: int, y: int, name: str) -> None:
    frame = np.full((240, 320, 3), 90, np.uint8)
    found = sv.Detections(np.array([[x, y, x + 10, y + 10]], np.float32), data={"class_name": np.array([name])})
    picture = annotate(frame, found)
    assert (picture[y + 4 : y + 7, x + 4 : x + 7] == 90).all()
    assert (picture[y + 5, x] != 90).any()  # its line
