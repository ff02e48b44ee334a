import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regionclip.scenes.kinds import KINDS
from regionclip.scenes.painter import Brush, Ink
from regionclip.scenes.render import HUES, _Draft, _visible, render_scene


def test_the_same_numbers_give_the_same_scene() -> None:
    first, second = render_scene(11, 4, (200, 300)), render_scene(11, 4, (200, 300))
    assert np.array_equal(first.frame, second.frame)
    assert first.objects == second.objects
    assert first.place == second.place


def test_a_true_box_is_what_is_seen_of_an_object() -> None:
    owner = np.zeros((20, 30), np.uint8)
    owner[4:10, 5:25] = 1
    owner[6:20, 20:30] = 2  # hides the right end of the first
    draft = _Draft("dog", "red", 5, 4, 20, 6)
    seen = _visible(owner, 1, draft, 120)
    assert seen is not None
    assert (seen.kind, seen.colour, seen.xyxy) == ("dog", "red", (5.0, 4.0, 25.0, 10.0))
    assert _visible(owner, 1, draft, 1000) is None  # mostly hidden
    assert _visible(owner, 3, draft, 120) is None  # wholly hidden


@pytest.mark.parametrize("other", [(12, 4), (11, 5)])
def test_other_numbers_give_other_scenes(other: tuple[int, int]) -> None:
    assert not np.array_equal(render_scene(11, 4, (200, 300)).frame, render_scene(*other, (200, 300)).frame)


def test_scenes_do_not_depend_on_what_was_rendered_before() -> None:
    alone = render_scene(5, 9, (160, 160)).frame
    for index in range(3):
        render_scene(6, index, (160, 200))
    assert np.array_equal(render_scene(5, 9, (160, 160)).frame, alone)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(160, 640), st.integers(160, 640))
def test_boxes_lie_inside_the_frame_and_have_area(seed: int, height: int, width: int) -> None:
    scene = render_scene(seed, 0, (height, width))
    assert scene.frame.shape == (height, width, 3)
    assert scene.frame.dtype == np.uint8
    for thing in scene.objects:
        x1, y1, x2, y2 = thing.xyxy
        assert 0 <= x1 < x2 <= width
        assert 0 <= y1 < y2 <= height
        assert thing.kind in KINDS
        assert thing.colour in HUES


def test_every_box_is_where_its_object_is() -> None:
    """A scene without its objects differs from the scene inside the boxes, hardly outside."""
    inside, outside = [], []
    for index in range(12):
        scene = render_scene(21, index, (240, 320), count=(1, 1), sides=(0.3, 0.6))
        if not scene.objects:
            continue
        edges = cv2.Canny(scene.frame, 80, 160) > 0
        x1, y1, x2, y2 = (int(value) for value in scene.objects[0].xyxy)
        mask = np.zeros(edges.shape, bool)
        mask[y1:y2, x1:x2] = True
        inside.append(edges[mask].mean())
        outside.append(edges[~mask].mean())
    assert np.mean(inside) > 2 * np.mean(outside)


def test_objects_hidden_for_the_most_part_are_not_claimed() -> None:
    """Crowded small frames: no two true boxes may nearly coincide, or one of the two could not be seen."""
    for index in range(30):
        things = render_scene(3, index, (160, 200), count=(7, 7)).objects
        for i, one in enumerate(things):
            for two in things[i + 1 :]:
                wide = min(one.xyxy[2], two.xyxy[2]) - max(one.xyxy[0], two.xyxy[0])
                high = min(one.xyxy[3], two.xyxy[3]) - max(one.xyxy[1], two.xyxy[1])
                area = max((t.xyxy[2] - t.xyxy[0]) * (t.xyxy[3] - t.xyxy[1]) for t in (one, two))
                assert max(wide, 0) * max(high, 0) < 0.8 * area


def test_counts_and_sides_are_kept() -> None:
    for index in range(10):
        scene = render_scene(8, index, (300, 400), count=(2, 3), sides=(0.3, 0.4))
        assert len(scene.objects) <= 3
        for thing in scene.objects:
            longest = max(thing.xyxy[2] - thing.xyxy[0], thing.xyxy[3] - thing.xyxy[1])
            assert longest <= 0.4 * 300 * 1.2  # turned a little, it may be longer


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_fills_its_box(kind: str) -> None:
    """Declared proportions must be right: the truth of a planned size rests on them."""
    drawn = KINDS[kind]
    for seed in range(4):
        scale = 200 / max(drawn.wide, 1)
        matrix = np.array([[scale, 0, 20], [0, scale, 20]], np.float64)
        size = (round(scale) + 40, round(scale * drawn.wide) + 40)
        brush = Brush(matrix, size, Ink((40, 40, 200)), drawn.wide, np.random.default_rng(seed))
        drawn.draw(brush)
        rows, columns = np.flatnonzero(brush.mask.any(1)), np.flatnonzero(brush.mask.any(0))
        assert rows[0] >= 17
        assert rows[-1] <= size[0] - 18
        assert columns[0] >= 14
        assert columns[-1] <= size[1] - 15
        assert rows[-1] - rows[0] > 0.8 * (size[0] - 40)
        assert columns[-1] - columns[0] > 0.72 * (size[1] - 40)


@pytest.mark.parametrize("colour", ["red", "yellow", "green", "blue", "purple"])
def test_the_named_colour_is_the_colour_one_sees(colour: str) -> None:
    (low, high), _, _ = HUES[colour]
    middle, near, seen = (low + high) / 2, 0, 0
    for index in range(150):
        scene = render_scene(31, index, (160, 160), count=(1, 1), sides=(0.6, 0.8))
        for thing in scene.objects:
            if thing.colour == colour and thing.kind in ("ball", "backpack", "box", "suitcase"):
                x1, y1, x2, y2 = (int(value) for value in thing.xyxy)
                hsv = cv2.cvtColor(scene.frame[y1:y2, x1:x2], cv2.COLOR_BGR2HSV).reshape(-1, 3)
                hue = hsv[hsv[:, 1] > 90, 0].astype(int)
                off = np.abs(np.median((hue - middle + 90) % 180) - 90) if len(hue) else 180
                near, seen = near + (off < 12), seen + 1
    assert seen > 0
    assert near == seen


@pytest.mark.parametrize(
    ("seed", "index", "size", "told"),
    [(-1, 0, (160, 160), "seed"), (0, -2, (160, 160), "index"), (0, 0, (40, 160), "64 x 64")],
)
def test_impossible_orders_are_refused(seed: int, index: int, size: tuple[int, int], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        render_scene(seed, index, size)
