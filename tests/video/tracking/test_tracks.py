"""Tracks on moving squares: what is shown, what is remembered, and that any words can be asked of a whole life."""

from collections.abc import Sequence

import numpy as np
import pytest
import supervision as sv
from memory import alive
from moving_squares import SIZE, Box, colour, detector, ids, names, picture, regions
from toy import column

from proposals.tracked import TrackedProposer
from regionclip.answers.regions import Regions
from regionclip.config import Config
from regionclip.errors import BoxError, FingerprintError, InputError, PromptError
from regionclip.loading import load
from regionclip.scenes.clips import render_clip
from regionclip.video.tracking.settings import TRACKERS, TrackerName, TrackSettings
from regionclip.video.tracking.track import Track
from regionclip.video.tracking.tracks import Tracks
from regionclip.words.vocabulary import Label, Words

WORDS = ("red", "green", "blue")
LEFT, RIGHT = (20.0, 60.0, 80.0, 140.0), (200.0, 60.0, 260.0, 140.0)


def at(box: Box, x: float, y: float = 0.0) -> Box:
    return box[0] + x, box[1] + y, box[2] + x, box[3] + y


def tracks(words: Words = WORDS, **options: object) -> Tracks:
    return Tracks(detector(), words, TrackSettings(**options))  # type: ignore[arg-type]


class Film:
    """Squares with colours on their ways, ten frames a second, every so many of them key frames."""

    def __init__(self, own: Tracks, every: int = 1, squares: Sequence[str] = ("red", "blue")) -> None:
        self.own, self.every, self.squares = own, every, squares
        self.step = 0

    def show(self, *boxes: Box, hidden: Sequence[int] = (), key: bool | None = None) -> sv.Detections:
        """The next frame; hidden squares are in the picture, but no region shows them."""
        frame, t = picture(boxes), self.step / 10
        key = self.step % self.every == 0 if key is None else key
        self.step += 1
        if not key:
            return self.own.carry(frame, t)
        seen = [place for place in range(len(boxes)) if place not in hidden]
        found = regions([boxes[place] for place in seen], [colour(self.squares[place]) for place in seen])
        return self.own.update(found, frame, t)


def test_rows_have_the_columns_of_classify_and_those_of_tracks() -> None:
    det = load(Config())
    clip = render_clip(7, 0, (144, 192), seconds=0.5)
    own = Tracks(det, ["person", "red", Label("hat", of="person")])
    for shot in clip:
        found = det.regions(shot.frame)
        rows = own.update(found, shot.frame, shot.seconds)
    plain = det.classify(found, ["person", "red", Label("hat", of="person")])
    assert set(rows.data) - set(plain.data) == {"track_seconds", "unseen_seconds"}
    assert {name: np.asarray(column).dtype.kind for name, column in plain.data.items()} == {
        name: np.asarray(rows.data[name]).dtype.kind for name in plain.data
    }
    assert rows.metadata == plain.metadata
    assert len(rows) >= 1
    empty = Tracks(det, ["person"]).rows
    assert len(empty) == 0
    assert empty.tracker_id is not None
    assert {"track_seconds", "class_name"} <= set(empty.data)


@pytest.mark.parametrize("tracker", TRACKERS)
@pytest.mark.parametrize("every", [1, 4])
def test_two_that_pass_each_other_keep_their_ids_and_names(tracker: TrackerName, every: int) -> None:
    film = Film(tracks(tracker=tracker), every)
    near = (200.0, 90.0, 260.0, 190.0)
    shown = [film.show(at(LEFT, 8 * step), at(near, -8 * step)) for step in range(24)]
    assert all(len(rows) == 2 for rows in shown[2 * every : 8])
    last = dict(zip(names(shown[-1]), ids(shown[-1]), strict=True))
    first = dict(zip(names(shown[2 * every]), ids(shown[2 * every]), strict=True))
    assert first == last
    assert sorted(first.values()) == [1, 2]
    where = dict(zip(names(shown[-1]), shown[-1].xyxy, strict=True))
    np.testing.assert_allclose(where["blue"], at(near, -8 * 23), atol=12)


def test_between_key_frames_boxes_go_with_the_picture() -> None:
    film = Film(tracks(), every=4)
    for step in range(16):
        rows = film.show(at(LEFT, 5 * step, step), RIGHT)
    by_name = {name: row for row, name in enumerate(names(rows))}
    np.testing.assert_allclose(rows.xyxy[by_name["red"]], at(LEFT, 75, 15), atol=2)
    np.testing.assert_allclose(rows.xyxy[by_name["blue"]], RIGHT, atol=1)
    assert column(rows, "region") == [-1, -1]
    np.testing.assert_allclose(column(rows, "track_seconds"), 1.5)
    np.testing.assert_allclose(column(rows, "unseen_seconds"), 0.3)


def test_a_track_changes_its_label_only_when_all_that_was_seen_says_so() -> None:
    own, frame = tracks(memory_seconds=1.0, switch_seconds=0.3), picture([LEFT])
    shown = []
    for step in range(40):
        odd = step in (6, 9) or step > 20
        shown += names(own.update(regions([LEFT], [colour("green" if odd else "red")]), frame, step / 10))
    change = shown.index("green")
    assert shown == ["red"] * change + ["green"] * (39 - change)
    assert 22 <= change <= 36


def test_asking_again_equals_having_asked_from_the_start() -> None:
    rng = np.random.default_rng(0)
    later: list[str | Label] = ["grey", Label("blue", threshold=0.3), "red"]
    always, asked = (tracks(words, margin=0, switch_seconds=0) for words in (later, ("red", "green", "blue", "grey")))
    for step in range(20):
        boxes = [at(LEFT, 4 * step), at(RIGHT, -2 * step)]
        seen = regions(boxes, [colour("red", "blue", rng.uniform(0, 0.4)), colour("blue", "red", rng.uniform(0, 0.4))])
        frame = picture(boxes)
        if step % 3:
            always.carry(frame, step / 10)
            asked.carry(frame, step / 10)
        else:
            always.update(seen, frame, step / 10)
            asked.update(seen, frame, step / 10)
    asked.ask(later)
    for one, other in ((always.rows, asked.rows), (always.carry(frame, 2.0), asked.carry(frame, 2.0))):
        assert names(one) == names(other)
        assert len(one) == 2
        np.testing.assert_array_equal(one.tracker_id, other.tracker_id)
        np.testing.assert_array_equal(one.confidence, other.confidence)
        np.testing.assert_array_equal(one.class_id, other.class_id)
        np.testing.assert_array_equal(one.xyxy, other.xyxy)


def test_a_whole_life_can_be_asked_through_the_embeddings() -> None:
    own = tracks(memory_seconds=100.0)
    for step in range(10):
        looks = colour("red", "green", 0.45 if step < 8 else 0.6)
        own.update(regions([LEFT], [looks]), picture([LEFT]), step / 10)
    kept = own.embeddings()
    assert kept.tracker_id is not None
    assert kept.tracker_id.tolist() == [1]
    assert np.linalg.norm(kept.embeddings[0]) == pytest.approx(1, abs=1e-5)
    assert detector().scores(kept, ["red", "green"])[0].argmax() == 0  # eight looks against two
    boxes, numbers = own.followed(picture([LEFT]))
    np.testing.assert_array_equal(boxes, kept.xyxy)
    assert len(numbers) == 1
    TrackedProposer().update(boxes, numbers)


def test_words_that_cannot_be_asked_change_nothing() -> None:
    own = tracks()
    for step in range(3):
        own.update(regions([LEFT], [colour("red")]), picture([LEFT]), step / 10)
    with pytest.raises(PromptError):
        own.ask(["red", ""])
    assert names(own.rows) == ["red"]
    own.ask([])
    assert len(own.rows) == 0
    own.ask(["red"])
    assert ids(own.rows) == [1]


def test_missed_for_a_moment_it_is_held_then_remembered_then_forgotten() -> None:
    film = Film(tracks(hold_seconds=0.25, lost_track_seconds=1.0))
    shown = [film.show(LEFT, RIGHT, hidden=[1] if 5 <= step < 12 else []) for step in range(16)]
    assert [len(rows) for rows in shown] == [0] + [2] * 4 + [2] * 3 + [1] * 4 + [2] * 4
    assert {number for rows in shown for number in ids(rows)} == {1, 2}
    unseen = dict(zip(names(shown[6]), column(shown[6], "unseen_seconds"), strict=True))
    assert unseen == pytest.approx({"red": 0.0, "blue": 0.2})
    assert dict(zip(names(shown[15]), column(shown[15], "track_seconds"), strict=True))["blue"] == pytest.approx(1.5)
    for _ in range(12):
        film.show(LEFT, RIGHT, hidden=[1])
    again = [film.show(LEFT, RIGHT) for _ in range(3)][-1]
    assert sorted(ids(again)) == [1, 3]


def test_what_leaves_the_frame_ends() -> None:
    film = Film(tracks(lost_track_seconds=60), every=100, squares=("red",))
    for _ in range(2):
        film.show(LEFT, key=True)
    for step in range(1, 12):
        rows = film.show(at(LEFT, -6 * step))
    assert len(rows) == 0
    assert film.own.embeddings().xyxy.shape == (0, 4)
    film.show(LEFT, key=True)
    assert ids(film.show(LEFT, key=True)) == [2]


def test_ids_go_on_after_a_reset_and_another_size() -> None:
    own = tracks()
    for step in range(3):
        rows = own.update(regions([LEFT, RIGHT], [colour("red"), colour("blue")]), picture(), 5 + step / 10)
    assert sorted(ids(rows)) == [1, 2]
    own.reset()
    assert len(own.rows) == 0
    for step in range(2):  # times may begin anew
        rows = own.update(regions([LEFT], [colour("red")]), picture(), step / 10)
    assert ids(rows) == [3]
    small = (120, 160)
    for step in range(2, 4):
        rows = own.update(regions([(10, 10, 60, 60)], [colour("red")], small), picture(size=small), step / 10)
    assert ids(rows) == [4]


def test_a_track_that_looks_other_asks_for_the_tower() -> None:
    film = Film(tracks(), squares=("red",))
    for _ in range(3):
        film.show(LEFT)
    for step in range(1, 5):
        frame = picture([at(LEFT, 4 * step)])
        assert not film.own.changed(frame)
        rows = film.own.carry(frame, 0.2 + step / 10)
    np.testing.assert_allclose(rows.xyxy[0], at(LEFT, 16), atol=2)  # asking does not move it twice
    x1, y1, x2, y2 = map(int, at(LEFT, 16))
    turned = picture([at(LEFT, 16)])
    turned[y1:y2, x1:x2] = 255 - turned[y1:y2, x1:x2][::-1, ::-1]
    assert film.own.changed(turned)
    assert not tracks(change=1.0).changed(turned)


def test_nothing_and_no_labels_are_no_special_case() -> None:
    own = tracks([])
    for step in range(3):
        rows = own.update(regions([LEFT], [colour("red")]), picture(), step / 10)
    assert len(rows) == 0
    assert own.followed(picture())[0].shape == (0, 4)
    assert not own.changed(picture())
    none = tracks()
    for step in range(3):
        rows = none.update(regions([], []), picture(), step / 10)
        assert len(rows) == 0
        assert len(none.carry(picture(), step / 10 + 0.05)) == 0


def test_unknown_things_are_followed_where_they_are_asked_for() -> None:
    own = Tracks(detector(unknown=True), ["red"])
    for step in range(3):
        rows = own.update(regions([LEFT], [colour("grey")]), picture(), step / 10)
    assert names(rows) == ["unknown"]
    own.ask(["grey"])
    assert names(own.rows) == ["grey"]


def test_objects_can_be_followed_by_objectness_alone() -> None:
    for follow, expected in (("objectness", [1, 2]), ("labels", [1])):
        own = tracks(["red"], follow=follow)
        for step in range(3):
            found = regions([LEFT, RIGHT], [colour("red"), colour("green")], has_objectness=True)
            own.update(found, picture(), step / 10)
        assert names(own.rows) == ["red"]
        assert np.asarray(own.embeddings().tracker_id).tolist() == expected
    own = tracks(["red"], follow="objectness")
    for step in range(3):
        own.update(regions([LEFT, RIGHT], [colour("red"), colour("green")], has_objectness=True), picture(), step / 10)
    own.ask(["green"])
    assert names(own.rows) == ["green"]


def test_the_callers_columns_stay_with_their_tracks() -> None:
    own = tracks()
    for step in range(3):
        order = [0, 1] if step % 2 else [1, 0]
        boxes, looks = [LEFT, RIGHT], [colour("red"), colour("blue")]
        found = regions(
            [boxes[place] for place in order],
            [looks[place] for place in order],
            data={"plate": np.array(["A 1", "long plate B"])[order], "track_seconds": np.array([7.0, 8.0])[order]},
            tracker_id=np.array([70, 80])[order],
        )
        rows = own.update(found, picture(), step / 10)
    plates = dict(zip(names(rows), column(rows, "plate"), strict=True))
    assert plates == {"red": "A 1", "blue": "long plate B"}
    assert sorted(ids(rows)) == [1, 2]
    assert sorted(column(rows, "input_track_seconds")) == [7, 8]
    assert column(own.carry(picture(), 1.0), "plate") == column(rows, "plate")


def test_rows_belong_to_the_caller() -> None:
    own = tracks()
    for step in range(3):
        rows = own.update(regions([LEFT], [colour("red")]), picture(), step / 10)
    rows.data["note"] = np.array(["mine"])
    rows.data["class_name"][:] = "x"
    rows.xyxy[:] = 0
    after = own.carry(picture(), 0.3)
    assert names(after) == ["red"]
    assert "note" not in after.data
    np.testing.assert_allclose(after.xyxy[0], LEFT)
    # A column that is new is there once all live tracks have it.
    new = regions([LEFT], [colour("red")], data={"plate": np.array(["A 1"])})
    assert np.asarray(own.update(new, picture(), 0.4).data["plate"]).tolist() == ["A 1"]


def test_times_and_sizes_that_cannot_be() -> None:
    own, found = tracks(), regions([LEFT], [colour("red")])
    own.update(found, picture(), 1.0)
    rows = own.update(found, picture(), 1.0)  # containers round
    assert ids(rows) == [1]
    with pytest.raises(InputError, match=r"1 s or later, got 0.5 s"):
        own.carry(picture(), 0.5)
    with pytest.raises(InputError, match="got nan"):
        own.update(found, picture(), float("nan"))
    with pytest.raises(BoxError, match="regions of this frame"):
        own.update(found, picture(size=(100, 100)), 2.0)
    foreign = Regions(**{**{name: getattr(found, name) for name in Regions.__slots__}, "fingerprint": "other"})
    with pytest.raises(FingerprintError):
        own.update(foreign, picture(), 2.0)


def test_memory_is_bounded() -> None:
    """New things everywhere, all the time: only what was seen within the patience is remembered."""
    rng, own, most, before = np.random.default_rng(0), tracks(lost_track_seconds=0.5), 0, alive(Track)
    frame = np.zeros((*SIZE, 3), np.uint8)
    for step in range(60):
        corner = rng.uniform(0, (SIZE[1] - 40, SIZE[0] - 40), (12, 2))
        boxes = np.concatenate([corner, corner + rng.uniform(15, 40, (12, 2))], axis=1)
        looks = [colour(name) for name in rng.choice(["red", "green", "blue"], 12)]
        own.update(regions([tuple(box) for box in boxes.tolist()], looks), frame, step / 10)
        most = max(most, alive(Track) if step % 10 == 9 else 0)
    assert before < most <= before + 12 * 6
    for step in range(8):
        own.update(regions([], []), frame, 6 + step / 10)
    assert alive(Track) == before
