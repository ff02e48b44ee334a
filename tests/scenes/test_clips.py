from collections import Counter, defaultdict
from functools import cache

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from regionclip.scenes.actors import Ground, cast_one, walk
from regionclip.scenes.clips import EVENTS, Clip, ClipFrame, EventKind, render_clip
from regionclip.scenes.kinds.colours import HELD_OUT
from regionclip.scenes.kinds.known import KINDS
from regionclip.scenes.plots import BAGS, VEHICLES
from regionclip.scenes.stage import SceneObject, is_flipped

SIZE = (120, 160)
SEEDS = range(2)


def tracks_of(frames: list[ClipFrame]) -> dict[int, dict[int, SceneObject]]:
    """Track to frame number to object."""
    found: dict[int, dict[int, SceneObject]] = defaultdict(dict)
    for shot in frames:
        for item, track in zip(shot.objects, shot.tracks, strict=True):
            found[track][shot.index] = item
    return found


def background(shot: ClipFrame, grow: int = 16) -> NDArray[np.bool_]:
    """`(H, W)` where no labelled object, nor its shadow, is."""
    free = np.ones(shot.frame.shape[:2], bool)
    for item in shot.objects:
        x1, y1, x2, y2 = (int(side) for side in item.xyxy)
        free[max(y1 - grow, 0) : y2 + grow, max(x1 - grow, 0) : x2 + grow] = False
    return free


def middle(item: SceneObject) -> float:
    return (item.xyxy[0] + item.xyxy[2]) / 2


def test_the_same_numbers_give_the_same_clip_and_frames_come_in_any_order() -> None:
    first, second = render_clip(3, 1, SIZE), render_clip(3, 1, SIZE)
    assert len(first) == 72
    last = second[71]
    assert np.array_equal(first[5].frame, second[5].frame)
    assert np.array_equal(first[71].frame, last.frame)
    assert (first[71].objects, first[71].tracks, first.events) == (last.objects, last.tracks, second.events)
    assert not np.array_equal(render_clip(3, 2, SIZE)[5].frame, first[5].frame)
    with pytest.raises(IndexError, match="0 to 71"):
        first[72]


def test_naming_what_would_be_drawn_changes_nothing() -> None:
    drawn = render_clip(4, 0, SIZE)
    kind = drawn.events[0].kind if drawn.events else "none"
    named = render_clip(4, 0, SIZE, event=kind, camera=drawn.camera)
    assert named.events == drawn.events
    assert np.array_equal(named[9].frame, drawn[9].frame)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(EVENTS), st.integers(64, 200), st.integers(64, 200), st.floats(0.2, 20))
def test_boxes_lie_inside_the_frame_and_tracks_are_single(
    seed: int, event: EventKind, height: int, width: int, seconds: float
) -> None:
    clip = render_clip(seed, 0, (height, width), event=event, seconds=seconds)
    for number in {0, len(clip) // 2, len(clip) - 1}:
        shot = clip[number]
        assert shot.frame.shape == (height, width, 3)
        assert shot.frame.dtype == np.uint8
        assert len(set(shot.tracks)) == len(shot.tracks) == len(shot.objects)
        for item in shot.objects:
            x1, y1, x2, y2 = item.xyxy
            assert 0 <= x1 < x2 <= width
            assert 0 <= y1 < y2 <= height
            assert item.kind in KINDS
    for happening in clip.events:
        assert 0 <= happening.start <= happening.end <= (len(clip) - 1) / clip.fps + 1e-9


def test_nothing_jumps_or_changes_size_at_once() -> None:
    clip = render_clip(6, 0, SIZE, camera="moving")
    pairs = 0
    for seen in tracks_of([clip[i] for i in range(24)]).values():
        for number, item in seen.items():
            after = seen.get(number + 1)
            if after is None or not (item.certain and after.certain) or min(item.xyxy[0], 160 - item.xyxy[2]) < 2:
                continue
            pairs += 1
            tall = item.xyxy[3] - item.xyxy[1]
            assert abs(after.xyxy[3] - after.xyxy[1] - tall) <= 2 + 0.05 * tall
            assert abs(middle(after) - middle(item)) <= 0.25 * max(tall, item.xyxy[2] - item.xyxy[0])
    assert pairs > 30


def test_light_stays_and_noise_does_not() -> None:
    clip = render_clip(1, 0, SIZE, camera="still")
    first, second = clip[0], clip[1]
    free = background(first) & background(second)
    change = second.frame[free].astype(float) - first.frame[free]
    assert free.sum() > 2000
    assert abs(change.mean()) < 0.2
    assert 0.3 < np.abs(change).mean() < 8


def test_the_motion_of_the_camera_explains_the_background() -> None:
    for seed in (2, 5):
        clip = render_clip(seed, 0, SIZE, camera="moving", event="none")
        first, later = clip[0], clip[20]
        assert np.allclose(first.motion, np.eye(2, 3))
        assert abs(later.motion[0, 2]) > 2
        warped = cv2.warpAffine(first.frame, later.motion, SIZE[::-1])
        free = background(later) & (cv2.warpAffine(background(first).astype(np.uint8), later.motion, SIZE[::-1]) > 0)
        moved = np.abs(warped[free].astype(float) - later.frame[free]).mean()
        unmoved = np.abs(first.frame[free].astype(float) - later.frame[free]).mean()
        assert moved < 0.7 * unmoved
    assert np.array_equal(render_clip(2, 0, SIZE, camera="still")[20].motion, np.eye(2, 3))


@cache
def of_event(kind: EventKind, seed: int) -> tuple[Clip, dict[int, dict[int, SceneObject]]]:
    clip = render_clip(seed, 0, SIZE, event=kind, camera="still", fps=5)
    assert [event.kind for event in clip.events] == [kind]
    return clip, tracks_of(list(clip))


@pytest.mark.parametrize("seed", SEEDS)
def test_who_enters_was_not_there_and_stays(seed: int) -> None:
    clip, seen = of_event("enter", seed)
    (track,), start, end = clip.events[0].tracks, clip.events[0].start, clip.events[0].end
    assert {item.kind for item in seen[track].values()} == {"person"}
    assert min(seen[track]) >= start * clip.fps > 0
    assert start <= end < clip.frames / clip.fps
    assert max(seen[track]) >= len(clip) - 6  # at most hidden for a moment


@pytest.mark.parametrize("seed", SEEDS)
def test_a_bag_is_left_and_stays_where_it_was_put_down(seed: int) -> None:
    clip, seen = of_event("left object", seed)
    (person, bag), start, end = clip.events[0].tracks, clip.events[0].start, clip.events[0].end
    assert next(iter(seen[person].values())).kind == "person"
    assert next(iter(seen[bag].values())).kind in BAGS
    assert 0 < start < end < clip.frames / clip.fps
    assert max(seen[person]) <= end * clip.fps < len(clip) - 1  # gone before the clip ends
    assert max(seen[bag]) >= len(clip) - 6
    lying = Counter(item.xyxy for number, item in seen[bag].items() if number / clip.fps >= start)
    assert lying.most_common(1)[0][1] >= 4  # other boxes are those of moments in which it is partly hidden
    carried = [middle(item) for number, item in seen[bag].items() if number / clip.fps < start]
    assert np.ptp(carried) > 20


@pytest.mark.parametrize("seed", SEEDS)
def test_a_vehicle_passes_from_side_to_side(seed: int) -> None:
    clip, seen = of_event("pass", seed)
    event = clip.events[0]
    places = seen[event.tracks[0]]
    first, last = places[min(places)], places[max(places)]
    assert first.kind in VEHICLES
    assert abs(middle(last) - middle(first)) > 0.5 * SIZE[1]
    assert event.start * clip.fps <= min(places) < max(places) <= event.end * clip.fps + 1e-6


def test_a_track_is_one_thing_that_may_be_hidden_and_come_back() -> None:
    returned = 0
    for seen in (
        seen for kind in ("enter", "left object") for seed in SEEDS for seen in of_event(kind, seed)[1].values()
    ):
        assert len({(item.kind, item.colour, item.traits) for item in seen.values()}) == 1
        returned += max(seen) - min(seen) + 1 > len(seen)
    assert returned >= 2


@pytest.mark.parametrize("kind", VEHICLES)
def test_vehicles_drive_forwards(kind: str) -> None:
    rng = np.random.default_rng(1)
    faces_left = kind in ("car", "truck", "bus")  # as they are drawn
    for _ in range(5):
        assert is_flipped(cast_one(rng, (kind,), 1)) is faces_left
        assert is_flipped(cast_one(rng, (kind,), -1)) is not faces_left


def test_walking_speed_is_measured_in_people() -> None:
    """Near the camera the same walk covers more pixels a second."""
    ground = Ground(400, (0, 400), (100, 200), (40, 80))
    far, near = (walk(ground, [(0, row), (160, row)], 1.0).times[-1] for row in (100, 200))
    assert far == pytest.approx(4.0)
    assert near == pytest.approx(2.0)


def test_held_out_pairs_and_the_other_style() -> None:
    held = render_clip(2, 0, SIZE, pairs="held out", style="other")
    assert held.place in ("laboratory", "platform")
    seen = {(item.kind, item.colour) for number in range(0, 72, 12) for item in held[number].objects}
    assert seen
    assert all(HELD_OUT[kind] == colour for kind, colour in seen)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"seed": -1}, "seed and index"),
        ({"size": (63, 100)}, "at least 64"),
        ({"seconds": 0.01}, "at least one frame"),
        ({"seconds": float("nan")}, "at least one frame"),
        ({"fps": 0.0}, "at least one frame"),
        ({"event": "explosion"}, "none, enter, left object, pass"),
        ({"camera": "drunk"}, "still, moving"),
    ],
)
def test_wrong_values_are_refused(wrong: dict[str, object], message: str) -> None:
    values: dict[str, object] = {"seed": 1, "index": 0, "size": SIZE} | wrong
    with pytest.raises(ValueError, match=message):
        render_clip(**values)  # type: ignore[arg-type]
