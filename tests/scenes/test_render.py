from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regionclip.scenes.casting import Draft
from regionclip.scenes.kinds.colours import HELD_OUT, HUES, colours_of
from regionclip.scenes.kinds.known import KINDS
from regionclip.scenes.render import SceneStyle, render_scene
from regionclip.scenes.stage import Stage

SIZE = (200, 300)


@pytest.mark.parametrize("style", ["usual", "other"])
def test_the_same_numbers_give_the_same_scene(style: SceneStyle) -> None:
    """Whatever was rendered before; other numbers and the other style give another one."""
    first = render_scene(11, 4, SIZE, style=style)
    others = [render_scene(12, 4, SIZE), render_scene(11, 5, SIZE)]
    others.append(render_scene(11, 4, SIZE, style="other" if style == "usual" else "usual"))
    second = render_scene(11, 4, SIZE, style=style)
    assert np.array_equal(first.frame, second.frame)
    assert (first.objects, first.place) == (second.objects, second.place)
    assert not any(np.array_equal(first.frame, other.frame) for other in others)
    assert others[-1].place != first.place


def _draft(x: float, y: float, width: float, height: float, colour: str = "red") -> Draft:
    return Draft("box", KINDS["box"], colour, (20, 20, 200), frozenset(), 1, x, y, width, height)


def test_a_true_box_is_what_is_seen_of_an_object() -> None:
    stage = Stage(np.full((200, 300, 3), 120, np.uint8), 0.0)
    stage.paint(_draft(50, 50, 100, 100))
    (alone,) = stage.objects()
    assert alone is not None
    assert np.allclose(alone.xyxy, (50, 50, 150, 150), atol=14)
    assert alone.certain
    stage.paint(_draft(105, 40, 120, 120, "blue"))
    behind, before = stage.objects()
    assert behind is not None
    assert before is not None
    assert behind.xyxy[2] < alone.xyxy[2]  # its right end is hidden
    assert not behind.certain
    stage.paint(_draft(20, 20, 160, 160, "green"))
    hidden, _, front = stage.objects()
    assert hidden is None
    assert front is not None


def test_a_draft_that_moves_keeps_its_looks() -> None:
    pictures = []
    for x in (40.0, 120.0):
        stage = Stage(np.full((200, 300, 3), 120, np.uint8), 0.0)
        stage.paint(_draft(x, 60, 80, 80))
        pictures.append(stage.canvas[40:160, int(x) - 20 : int(x) + 100])
    assert np.array_equal(pictures[0], pictures[1])


@pytest.mark.parametrize("kind", HELD_OUT)
def test_a_kind_is_never_shown_in_the_colour_held_out(kind: str) -> None:
    seen = {
        item.colour
        for index in range(25)
        for item in render_scene(5, index, (96, 96), kinds=[kind], count=(4, 4), sides=(0.2, 0.3)).objects
    }
    assert HELD_OUT[kind] not in seen
    assert len(seen) > 3


def test_held_out_scenes_show_only_pairs_that_training_never_shows() -> None:
    shown = [item for index in range(30) for item in render_scene(6, index, (160, 160), pairs="held out").objects]
    assert len(shown) > 60
    assert all(item.colour == HELD_OUT[item.kind] for item in shown)


def test_kinds_have_only_colours_and_traits_that_they_may_have() -> None:
    for index in range(60):
        for item in render_scene(7, index, (96, 128), unnamed=0.3).objects:
            assert item.colour is None or item.colour in colours_of(item.kind)
            assert item.traits <= set(KINDS[item.kind].traits)


def test_some_objects_have_a_colour_without_a_name_where_asked_for() -> None:
    colours = [item.colour for index in range(40) for item in render_scene(7, index, (96, 96), unnamed=0.5).objects]
    assert 0.3 < np.mean([colour is None for colour in colours]) < 0.6
    assert all(item.colour is not None for index in range(20) for item in render_scene(7, index, (96, 96)).objects)


def test_more_kinds_may_be_given() -> None:
    extra = {"lamp post": KINDS["ladder"]}
    kinds = [item.kind for index in range(30) for item in render_scene(3, index, (160, 160), extra=extra).objects]
    assert 0.3 < np.mean([kind == "lamp post" for kind in kinds]) < 0.7


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


@pytest.mark.parametrize("colour", ["red", "yellow", "green", "blue", "purple"])
def test_the_named_colour_is_the_colour_one_sees(colour: str) -> None:
    (low, high), _, _ = HUES[colour]
    middle, near, seen = (low + high) / 2, 0, 0
    for index in range(25):
        kinds = ("backpack", "box", "suitcase")
        scene = render_scene(31, index, (160, 160), kinds=kinds, count=(1, 1), sides=(0.6, 0.8))
        for thing in scene.objects:
            if thing.colour == colour:
                x1, y1, x2, y2 = (int(value) for value in thing.xyxy)
                hsv = cv2.cvtColor(scene.frame[y1:y2, x1:x2], cv2.COLOR_BGR2HSV).reshape(-1, 3)
                hue = hsv[hsv[:, 1] > 90, 0].astype(int)
                off = np.abs(np.median((hue - middle + 90) % 180) - 90) if len(hue) else 180
                near, seen = near + (off < 12), seen + 1
    assert seen > 0
    assert near > 0.7 * seen


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"seed": -1}, "seed"),
        ({"index": -2}, "index"),
        ({"size": (40, 160)}, "64 x 64"),
        ({"kinds": ["dog", "unicorn"]}, r"unknown kinds .'unicorn'.: known are person, dog"),
    ],
)
def test_impossible_orders_are_refused(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        render_scene(**{"seed": 0, "index": 0} | wrong)
