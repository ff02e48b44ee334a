"""One moving thing before a camera whose motion is known, and cameras whose motion cannot be told."""

from collections.abc import Callable, Iterator
from functools import cache

import cv2
import numpy as np
import pytest
from candidates import FEATURES, best_iou, ious
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from proposals.moving.ego_motion import EgoMotionProposer, background_motion

HEIGHT, WIDTH = 240, 320
FRAMES, WARM = 24, 4
"""Frames of a clip, and how many go by before two earlier ones can be compared."""

Matrix = NDArray[np.float64]
Camera = Callable[[int], Matrix]
"""Of a frame's number the matrix `(3, 3)` that takes places of the wall to places of the frame."""


def seen(x: float, y: float, *, zoom: float = 1.0, turn: float = 0.0) -> Matrix:
    """A look at `x, y` of the wall, which comes to the middle of the frame; `turn` in degrees."""
    cos, sin = zoom * np.cos(np.radians(turn)), zoom * np.sin(np.radians(turn))
    around = np.array([[cos, -sin, WIDTH / 2], [sin, cos, HEIGHT / 2], [0, 0, 1]])
    return np.asarray(around @ [[1, 0, -x], [0, 1, -y], [0, 0, 1]], float)


def shake(at: int) -> Matrix:
    dx, dy, turn = np.random.default_rng((7, at)).uniform(-1, 1, 3)
    return seen(480 + 6 * dx, 360 + 6 * dy, turn=1.5 * turn)


CAMERAS: dict[str, Camera] = {
    "still": lambda at: seen(480, 360),
    "pan": lambda at: seen(400 + 5 * at, 360 + at),
    "shake": shake,
    "zoom in": lambda at: seen(480, 360, zoom=1.015**at),
    "zoom out": lambda at: seen(480, 360, zoom=1.6 / 1.015**at),
    "turn": lambda at: seen(480, 360, turn=0.8 * at),
}


SPOTTED = np.kron(np.random.default_rng(1).integers(0, 2, (8, 6, 1)) * 235 + 10, np.ones((6, 6, 3))).astype(np.uint8)
PLAIN = np.full((48, 36, 3), (245, 250, 10), np.uint8)


@cache
def wall() -> NDArray[np.uint8]:
    """`(720, 960, 3)`: soft spots of many sizes."""
    rng, picture = np.random.default_rng(3), np.zeros((720, 960, 3), np.float32)
    for side, strength in ((12, 60), (30, 35), (80, 20)):
        coarse = rng.normal(0, strength, (720 // side, 960 // side, 3)).astype(np.float32)
        picture += cv2.resize(coarse, (960, 720), interpolation=cv2.INTER_CUBIC)
    return np.clip(picture + 115, 20, 215).astype(np.uint8)


def clip(
    camera: Camera,
    *,
    thing: NDArray[np.uint8] | None = SPOTTED,
    speed: tuple[float, float] = (6.0, 2.0),
    start: tuple[int, int] = (400, 320),
) -> Iterator[tuple[NDArray[np.uint8], list[float]]]:
    """Frames with a little noise, and the box of a thing of 36 x 48 pixels that moves over the wall."""
    rng = np.random.default_rng(11)
    for at in range(FRAMES):
        picture = wall().copy()
        x, y = round(start[0] + speed[0] * at), round(start[1] + speed[1] * at)
        if thing is not None:
            picture[y : y + 48, x : x + 36] = thing
        frame = cv2.warpPerspective(picture, camera(at), (WIDTH, HEIGHT), flags=cv2.INTER_AREA)
        corners = np.array([[[x, y], [x + 36, y], [x + 36, y + 48], [x, y + 48]]], float)
        places = cv2.perspectiveTransform(corners, camera(at))[0]  # (4, 2)
        noisy = frame + rng.normal(0, 2, frame.shape)
        yield np.clip(noisy, 0, 255).astype(np.uint8), [*places.min(axis=0).tolist(), *places.max(axis=0).tolist()]


def best_of(proposer: EgoMotionProposer, frames: Iterator[tuple[NDArray[np.uint8], list[float]]]) -> list[float]:
    """Best overlap with the thing, a frame each."""
    return [best_iou(proposer(frame, FEATURES), truth) for frame, truth in frames]


@pytest.mark.parametrize("name", CAMERAS)
def test_one_moving_thing_is_enclosed_whatever_the_camera_does(name: str) -> None:
    proposer, best, strange = EgoMotionProposer(), [], 0
    for frame, truth in clip(CAMERAS[name]):
        overlap = ious(proposer(frame, FEATURES), truth)  # (N,)
        best.append(overlap.max(initial=0))
        strange += int((overlap == 0).sum())
    assert best[:WARM] == [0.0] * WARM  # two earlier frames are needed, two apart
    assert min(best[WARM:]) > 0.5
    assert strange <= 1


@pytest.mark.parametrize("name", CAMERAS)
def test_a_wall_alone_has_nothing_that_moves(name: str) -> None:
    proposer = EgoMotionProposer()
    assert sum(len(proposer(frame, FEATURES)) for frame, _ in clip(CAMERAS[name], thing=None)) <= 1


@pytest.mark.parametrize("name", ["pan", "shake", "zoom in", "zoom out"])
def test_what_stands_before_the_wall_does_not_move(name: str) -> None:
    proposer = EgoMotionProposer()
    frames = clip(CAMERAS[name], speed=(0, 0), start=(470, 330))
    assert sum(len(proposer(frame, FEATURES)) for frame, _ in frames) <= 1


def test_a_plain_thing_that_overlaps_its_earlier_places_shows_at_its_ends() -> None:
    proposer = EgoMotionProposer()
    for frame, truth in clip(CAMERAS["pan"], thing=PLAIN):
        found = proposer(frame, FEATURES)
        if len(found):
            x1, y1, x2, y2 = truth
            assert len(found) <= 2
            assert (found.xyxy[:, 0] < x2).all()
            assert (found.xyxy[:, 2] > x1 - 30).all()  # the place that it left is the other end
            assert (found.xyxy[:, 1] > y1 - 15).all()
            assert (found.xyxy[:, 3] < y2 + 15).all()
            assert found.xyxy[:, 2].max() > x2 - 4
    assert len(found)


def test_more_frames_between_show_slower_things() -> None:
    slow = {step: best_of(EgoMotionProposer(step=step), clip(CAMERAS["still"], speed=(2, 1))) for step in (1, 6)}
    assert max(slow[1]) == 0
    assert slow[6][:12] == [0.0] * 12
    assert min(slow[6][12:]) > 0.5


def test_a_plain_wall_has_no_background_to_follow() -> None:
    proposer = EgoMotionProposer()
    for at in range(10):
        frame = np.full((HEIGHT, WIDTH, 3), 120, np.uint8)
        frame[100:150, 20 + 8 * at : 70 + 8 * at] = (10, 20, 240)
        assert len(proposer(frame, FEATURES)) == 0


def test_after_a_plain_wall_two_earlier_frames_are_needed_again() -> None:
    proposer, frames = EgoMotionProposer(), list(clip(CAMERAS["pan"]))
    assert min(best_of(proposer, iter(frames[:12]))[WARM:]) > 0.5
    assert len(proposer(np.full((HEIGHT, WIDTH, 3), 120, np.uint8), FEATURES)) == 0
    best = best_of(proposer, iter(frames[12:]))
    assert best[:WARM] == [0.0] * WARM
    assert min(best[WARM:]) > 0.5


def test_a_frame_of_another_size_starts_again() -> None:
    proposer, frames = EgoMotionProposer(), list(clip(CAMERAS["pan"]))
    best_of(proposer, iter(frames[:8]))
    best = best_of(proposer, ((frame[:200], truth) for frame, truth in frames[8:]))
    assert best[:WARM] == [0.0] * WARM
    assert min(best[WARM:]) > 0.5


def test_another_place_and_a_step_of_light_give_no_boxes() -> None:
    proposer, frames = EgoMotionProposer(), [frame for frame, _ in clip(CAMERAS["pan"], thing=None)]
    for frame in frames[:8]:
        proposer(frame, FEATURES)
    bright = [np.clip(frame.astype(float) * 1.5 + 20, 0, 255).astype(np.uint8) for frame in frames[8:]]
    assert sum(len(proposer(frame, FEATURES)) for frame in bright) == 0
    elsewhere = [np.ascontiguousarray(frame[::-1, ::-1]) for frame in frames[8:]]
    assert sum(len(proposer(frame, FEATURES)) for frame in elsewhere) == 0


@settings(max_examples=30, deadline=None)
@given(st.floats(-8, 8), st.floats(-8, 8), st.floats(0.95, 1.05), st.floats(-3, 3), st.floats(-1e-4, 1e-4))
def test_the_motion_of_the_background_is_told(dx: float, dy: float, zoom: float, turn: float, tilt: float) -> None:
    """To within two pixels, at the corners too; `tilt` is what turns a camera up or down beside its axis."""
    before, after = seen(480, 360), seen(480 + dx, 360 + dy, zoom=zoom, turn=turn)
    after = np.array([[1, 0, 0], [0, 1, 0], [tilt, tilt, 1]]) @ after
    greys = [
        cv2.cvtColor(cv2.warpPerspective(wall(), each, (WIDTH, HEIGHT)), cv2.COLOR_BGR2GRAY) for each in (before, after)
    ]
    found = background_motion(np.asarray(greys[0], np.uint8), np.asarray(greys[1], np.uint8))
    assert found is not None
    corners = np.array([[[0, 0], [WIDTH, 0], [WIDTH, HEIGHT], [0, HEIGHT]]], float)
    true = cv2.perspectiveTransform(corners, after @ np.linalg.inv(before))
    assert np.abs(cv2.perspectiveTransform(corners, found) - true).max() < 2


def test_motion_that_cannot_be_told_is_none() -> None:
    grey = np.asarray(cv2.cvtColor(wall()[:HEIGHT, :WIDTH], cv2.COLOR_BGR2GRAY), np.uint8)
    elsewhere = np.asarray(cv2.cvtColor(wall()[-HEIGHT:, -WIDTH:], cv2.COLOR_BGR2GRAY), np.uint8)
    plain = np.full_like(grey, 90)
    for before, after in ((plain, plain), (plain, grey), (grey, plain), (grey, elsewhere)):
        assert background_motion(before, after) is None
    assert background_motion(grey, grey) is not None
