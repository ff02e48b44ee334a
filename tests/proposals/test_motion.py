"""What moves, and what came and stayed, on rendered clips with known truth and on pictures made for one question."""

from functools import cache

import numpy as np
import pytest
from candidates import FEATURES, best_iou
from numpy.typing import NDArray

from proposals.moving.motion import Method, MotionProposer
from regionclip.scenes.clips import Clip, ClipFrame, EventKind, Movement, render_clip

SIZE = (180, 240)
METHODS: tuple[Method, ...] = ("mog2", "knn")
BAG = (100, 90, 140, 150)
GRAIN = np.random.default_rng(0).normal(0, 1, (7, *SIZE, 3)).astype(np.float32)


@cache
def clip(index: int, event: EventKind, camera: Movement, seconds: float = 5.0) -> tuple[Clip, tuple[ClipFrame, ...]]:
    planned = render_clip(404, index, (180, 240), seconds=seconds, fps=10, event=event, camera=camera)
    return planned, tuple(planned)


def room(rng: np.random.Generator, *, noise: float = 3.0) -> NDArray[np.float32]:
    """A grey room with a few edges of its own, and the noise of one frame."""
    picture = np.full((*SIZE, 3), 110, np.float32)
    picture[:60] = 150
    picture[40:150, 190:196] = 70
    return np.asarray(picture + noise * GRAIN[rng.integers(len(GRAIN))], np.float32)


def shot(picture: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.clip(picture, 0, 255).astype(np.uint8)


def with_bag(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    x1, y1, x2, y2 = BAG
    picture[y1:y2, x1:x2] = (30, 30, 200)
    return picture


@pytest.mark.parametrize("method", METHODS)
def test_moving_things_of_rendered_clips_are_found(method: Method) -> None:
    best: list[float] = []
    for index, event in ((1, "enter"), (2, "pass")):
        proposer = MotionProposer(method=method)
        for each in clip(index, event, "still")[1]:
            found = proposer(each.frame, FEATURES)
            if each.index >= 15:
                pairs = zip(each.objects, each.moving, strict=True)
                best += [best_iou(found, thing.xyxy) for thing, moves in pairs if moves]
    assert len(best) > 150
    assert np.mean(np.array(best) >= 0.3) > 0.7
    assert np.mean(np.array(best) >= 0.5) > 0.45


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("noise", [0.0, 4.0, 8.0])
def test_a_still_noisy_scene_has_next_to_no_boxes(method: Method, noise: float) -> None:
    rng, proposer = np.random.default_rng(0), MotionProposer(method=method)
    counts = [len(proposer(shot(room(rng, noise=noise)), FEATURES)) for _ in range(60)]
    assert counts[0] == 0
    assert sum(counts[10:]) <= 5


@pytest.mark.parametrize("method", METHODS)
def test_a_moving_box_is_enclosed_to_a_few_pixels(method: Method) -> None:
    """It moves its own width in six frames, so that no place of it stays plain for long."""
    rng, proposer, off = np.random.default_rng(1), MotionProposer(method=method), []
    for index in range(60):
        picture, x1 = room(rng), 5 * (index - 25)
        if index >= 25:
            picture[100:160, x1 : x1 + 30] = (30, 30, 200)
        found = proposer(shot(picture), FEATURES)
        if index >= 30:
            assert len(found) >= 1
            off.append(np.abs(found.xyxy - [x1, 100, x1 + 30, 160]).max(axis=1).min())
    assert np.median(off) <= 4


@pytest.mark.parametrize("method", METHODS)
def test_a_left_object_stays_proposed_after_the_fast_model_has_learned_it(method: Method) -> None:
    rng = np.random.default_rng(2)
    both, fast = MotionProposer(method=method, history=100), MotionProposer(method=method, history=100, stay=0)
    for index in range(160):
        frame = shot(room(rng) if index < 40 else with_bag(room(rng)))
        found, moving = both(frame, FEATURES), fast(frame, FEATURES)
        if index >= 40:
            assert best_iou(found, BAG) > 0.7, index
    assert len(moving) == 0


def test_a_left_object_of_a_rendered_clip_stays_proposed() -> None:
    planned, frames = clip(7, "left object", "still", 12.0)
    event, bag = planned.events[0], planned.events[0].tracks[1]
    both, fast, seen = MotionProposer(history=100), MotionProposer(history=100, stay=0), []
    for each in frames:
        found, moving = both(each.frame, FEATURES), fast(each.frame, FEATURES)
        if bag in each.tracks and each.seconds > event.end + 0.5:
            box = each.objects[each.tracks.index(bag)].xyxy
            seen.append((best_iou(found, box) > 0.5, best_iou(moving, box) > 0.5))
    assert len(seen) >= 15
    always, absorbed = np.mean(seen, axis=0)
    assert always > 0.8
    assert absorbed < 0.2


def test_what_stands_for_longer_than_asked_becomes_background() -> None:
    rng, proposer = np.random.default_rng(3), MotionProposer(history=100, stay=50)
    seen = [
        best_iou(proposer(shot(room(rng) if index < 40 else with_bag(room(rng))), FEATURES), BAG) > 0.5
        for index in range(150)
    ]
    gone = 150 - seen[::-1].index(True)  # first frame from which it is not proposed
    assert all(seen[41:gone])
    assert 40 + 50 <= gone <= 40 + 50 + 25  # the fast model takes some of these to learn it


def test_what_is_taken_away_is_not_proposed_for_long() -> None:
    """The place that it leaves has no outline, so it is not taken for a thing."""
    rng, proposer = np.random.default_rng(4), MotionProposer(history=100)
    for index in range(140):
        found = proposer(shot(with_bag(room(rng)) if index < 60 else room(rng)), FEATURES)
        if index == 61:
            assert best_iou(found, BAG) > 0.5
    assert len(found) == 0


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("gain", [1.35, 0.4])
def test_a_step_of_light_gives_no_boxes_and_what_stands_is_still_known(method: Method, gain: float) -> None:
    rng, proposer, counts = np.random.default_rng(5), MotionProposer(method=method, history=100), []
    for index in range(160):
        picture = room(rng) if index < 40 else with_bag(room(rng))
        found = proposer(shot(picture * (gain if index >= 120 else 1)), FEATURES)
        counts.append(len(found))
    assert counts[120] == 0
    assert max(counts[121:]) <= 3
    assert best_iou(found, BAG) > 0.6


@pytest.mark.parametrize("method", METHODS)
def test_shadows_are_cut(method: Method) -> None:
    rng, proposer = np.random.default_rng(8), MotionProposer(method=method)
    for index in range(60):
        picture = room(rng)
        if index >= 40:
            picture[80:120, 20 + index : 80 + index] *= 0.7
        found = proposer(shot(picture), FEATURES)
        assert len(found) == 0 or index < 40


def test_a_camera_that_sets_its_gain_slowly_gives_no_standing_boxes() -> None:
    rng, proposer = np.random.default_rng(6), MotionProposer()
    counts = [len(proposer(shot(room(rng) * (1 + 0.004 * max(0, index - 40))), FEATURES)) for index in range(90)]
    assert counts[-1] == 0


def test_a_frame_of_another_size_starts_again() -> None:
    rng, proposer = np.random.default_rng(7), MotionProposer()
    for _ in range(20):
        proposer(shot(room(rng)), FEATURES)
    assert len(proposer(shot(with_bag(room(rng))), FEATURES)) == 1
    assert len(proposer(shot(with_bag(room(rng)))[:160], FEATURES)) == 0  # that is its background now
    for _ in range(20):
        assert len(proposer(shot(with_bag(room(rng)))[:160], FEATURES)) == 0
    assert len(proposer(shot(room(rng))[:160], FEATURES)) == 1
