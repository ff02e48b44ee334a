"""Which region is which track: places, keys and ids over the algorithms of `trackers`."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moving_squares import picture

from regionclip.video.tracking.association import BEGIN, Association, Match, likeness
from regionclip.video.tracking.relations import Resemblance
from regionclip.video.tracking.settings import TRACKERS, TrackerName, TrackSettings

FRAME = picture()
Box = tuple[float, float, float, float]


def box(x: float, y: float = 50.0) -> Box:
    return x, y, x + 40, y + 60


class Scene:
    """Shows boxes to a tracker, ten key frames a second."""

    def __init__(self, **options: object) -> None:
        self.association = Association(TrackSettings(**options))  # type: ignore[arg-type]
        self.t = 0.0

    def show(
        self,
        boxes: Sequence[Box],
        worth: Sequence[float] = (),
        alike: dict[int, list[bool]] | None = None,
        carried: dict[int, Box] | None = None,
        step: float = 0.1,
    ) -> dict[int, Match]:
        """Sightings by place."""
        self.t += step
        matches = self.association.update(
            np.array(boxes, np.float32).reshape(-1, 4),
            np.array(worth or [0.9] * len(boxes), np.float32),
            FRAME,
            self.t,
            alike={number: np.array(each, np.bool_) for number, each in (alike or {}).items()},
            carried={number: np.array(each, np.float32) for number, each in (carried or {}).items()},
        )
        return {match.place: match for match in matches}


@pytest.mark.parametrize("tracker", TRACKERS)
def test_boxes_keep_their_place_whatever_order_they_come_in(tracker: TrackerName) -> None:
    scene, rng = Scene(tracker=tracker), np.random.default_rng(0)
    where = [10.0, 90.0, 170.0, 250.0]
    ids: dict[int, set[int | None]] = {index: set() for index in range(4)}
    for step in range(8):
        order = rng.permutation(4)
        worth = [float(value) for value in rng.uniform(0.5, 0.95, 4)] if step > 2 else [0.9] * 4
        seen = scene.show([box(where[index] + 2 * step) for index in order], worth)
        for place, match in seen.items():
            if step:
                ids[int(order[place])].add(match.tracker_id)
    everyone = [id for each in ids.values() for id in each]
    assert all(len(each) == 1 for each in ids.values())
    assert sorted(everyone, key=str) == [1, 2, 3, 4]


@pytest.mark.parametrize("tracker", TRACKERS)
@pytest.mark.parametrize("confirm", [1, 3])
def test_ids_begin_at_one_after_so_many_sights(tracker: TrackerName, confirm: int) -> None:
    scene = Scene(tracker=tracker, confirm_frames=confirm)
    ids = [scene.show([box(100)])[0].tracker_id for _ in range(4)]
    assert ids == [None] * (confirm - 1) + [1] * (5 - confirm)
    numbers = {scene.show([box(100)])[0].key for _ in range(3)}
    assert len(numbers) == 1


@pytest.mark.parametrize("tracker", TRACKERS)
def test_a_return_within_the_patience_is_the_same(tracker: TrackerName) -> None:
    for away, same in ((0.8, True), (2.0, False)):
        scene = Scene(tracker=tracker, lost_track_seconds=1.0)
        for _ in range(3):
            scene.show([box(100)])
        for _ in range(round(away * 10)):
            scene.show([])
        scene.show([box(100)])
        assert (scene.show([box(100)])[0].tracker_id == 1) == same
        assert len(scene.association.keys) == 1


def test_key_frames_farther_apart_than_the_patience() -> None:
    scene = Scene(lost_track_seconds=0.5)
    ids = [scene.show([box(100)], step=1.0)[0].tracker_id for _ in range(6)]
    assert ids[-1] is not None
    assert ids[-3:] == [ids[-1]] * 3


@pytest.mark.parametrize("tracker", TRACKERS)
def test_ids_are_never_used_twice(tracker: TrackerName) -> None:
    scene = Scene(tracker=tracker, lost_track_seconds=0.2)
    seen: set[int | None] = set()
    for _ in range(5):
        for _ in range(3):
            found = scene.show([box(100), box(200)])
        new = {match.tracker_id for match in found.values()}
        assert not new & seen
        assert len(new) == 2
        seen |= new
        scene.association.reset()
        assert scene.association.keys == set()
        scene.t = 0.0


@pytest.mark.parametrize("tracker", ["bytetrack", "botsort"])
def test_an_unlikely_region_continues_a_track_but_begins_none(tracker: TrackerName) -> None:
    scene = Scene(tracker=tracker)
    for _ in range(3):
        scene.show([box(100)])
    seen = [scene.show([box(100), box(200)], [0.4, 0.4]) for _ in range(4)]
    assert [sorted(each) for each in seen] == [[0]] * 4
    assert {each[0].tracker_id for each in seen} == {1}


@pytest.mark.parametrize("tracker", TRACKERS)
def test_carried_boxes_find_what_has_gone_far_between_key_frames(tracker: TrackerName) -> None:
    """More than its width from one key frame to the next, and back again: no motion model knows that."""
    way = [100.0, 200.0, 90.0, 220.0, 60.0]
    told, untold = Scene(tracker=tracker), Scene(tracker=tracker)
    ids, lost = [], []
    number = None
    for x in way:
        found = told.show([box(x)], carried={} if number is None else {number: box(x + 3)}, step=0.5)
        number = found[0].key
        ids.append(found[0].tracker_id)
        lost.append(untold.show([box(x)], step=0.5)[0].key)
    assert ids[1:] == [1] * 4
    assert len(set(lost)) > 1


def test_crossing_things_keep_their_ids_where_they_look_different() -> None:
    """Each stops under the other and turns back, which looks like passing: only their looks tell."""
    way = [0.0, 15.0, 30.0, 30.0, 15.0, 0.0]
    for by_looks in (True, False):
        scene = Scene()
        for _ in range(3):
            first = scene.show([box(100), box(160)])
        left, right = (first[place].key for place in (0, 1))
        alike = {left: [True, False], right: [False, True]} if by_looks else {}
        for shift in way:
            seen = scene.show([box(100 + 2 * shift), box(160 - 2 * shift)], alike=alike)
        if by_looks:
            assert [seen[place].key for place in (0, 1)] == [left, right]
    assert scene.association.keys == {left, right}


def test_forgetting_and_nothing_at_all() -> None:
    scene = Scene()
    assert scene.show([]) == {}
    for _ in range(3):
        found = scene.show([box(100), box(200)])
    scene.association.forget(found[0].key)
    assert scene.association.keys == {found[1].key}
    assert scene.show([box(100), box(200)])[0].tracker_id is None
    assert scene.show([]) == {}


@settings(max_examples=50, deadline=None)
@given(st.floats(0.01, 0.99), st.lists(st.floats(0.0, 1.0, width=32), min_size=2, max_size=6))
def test_likeness_keeps_order_and_puts_thresholds_at_one_place(level: float, values: list[float]) -> None:
    row = np.array(sorted(values), np.float32)[:, None]
    worth = likeness(row, np.array([level]))[:, 0]
    assert (np.diff(worth) >= 0).all()
    clear = np.abs(row[:, 0] - level) > 1e-6
    assert ((worth >= BEGIN) == (row[:, 0] >= level))[clear].all()
    ends = likeness(np.array([[0.0], [level], [1.0]], np.float32), np.array([level]))[:, 0]
    np.testing.assert_allclose(ends, [0, BEGIN, 1], atol=1e-5)
    assert likeness(np.array([[0.0, 1.0, 0.9]], np.float32), np.array([0.0, 1.0, 1.0])).round(2).tolist() == [
        [np.float32(BEGIN), np.float32(BEGIN), np.float32(0.54)]
    ]
    assert likeness(np.zeros((0, 0), np.float32), np.zeros(0)).shape == (0, 0)


def test_resemblance_does_not_depend_on_how_near_a_towers_embeddings_are() -> None:
    rng = np.random.default_rng(0)
    boxes = np.array([box(80.0 * index) for index in range(4)], np.float32)
    own = []
    for shared in (0.0, 3.0):  # a direction that all embeddings have in common
        rows = rng.normal(size=(4, 64))
        rows[:, 0] += shared * 8
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        known = Resemblance()
        known.learn(boxes, rows.astype(np.float32))
        values = known.of(rows.astype(np.float32), rows.astype(np.float32))
        np.testing.assert_allclose(np.diag(values), 1, atol=1e-5)
        own.append(np.abs(values[~np.eye(4, dtype=bool)]).max())
    assert max(own) < 0.4
    # Boxes that touch may be one thing twice, and teach nothing.
    silent = Resemblance()
    silent.learn(np.array([box(0), box(10)], np.float32), np.eye(2, 8, dtype=np.float32) + 1)
    assert silent.of(np.full((1, 4), 0.5, np.float32), np.full((1, 4), 0.5, np.float32))[0, 0] == pytest.approx(1)
    assert silent.of(np.eye(2, dtype=np.float32), np.eye(2, dtype=np.float32)).tolist() == [[1, 0], [0, 1]]
