"""One event for one incident: what each kind of rule tells, and what it does not tell twice."""

from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
import pytest
from memory import alive
from watching import IMAGE, INSIDE, Scene, Thing, frame, looks_like, only, passing, rows, rule_set, spoken, told

from regionclip.answers.regions import Regions
from regionclip.video.rules.subjects import Subject
from regionclip.video.rules.watch import Watch


def test_in_begins_after_its_time_and_ends_when_it_is_over() -> None:
    start, end = told(rule_set({"kind": "in", "zones": "yard", "seconds": 2}), INSIDE, 12)
    assert (start.phase, start.t_seconds, start.since_seconds, start.duration) == ("start", 3.0, 1.0, None)
    assert (end.phase, end.since_seconds) == ("end", 1.0)
    assert end.duration == pytest.approx(6.9)
    assert end.t_seconds == pytest.approx(7.9 + 2, abs=0.11)
    assert start.incident == end.incident
    assert (start.label, start.tracks, start.place, start.index) == ("person", (1,), "yard", 30)
    assert start.box == (145, 140, 175, 200)
    assert start.confidence == pytest.approx(0.9)


def test_two_people_are_two_incidents_also_at_one_moment() -> None:
    both: Scene = lambda time: [(1, "person", 120, 200), (2, "person", 200, 200)]  # noqa: E731
    events = told(rule_set({"kind": "in", "zones": "yard"}, {"name": "any", "kind": "in", "per": "label"}), both, 3)
    alone = [(event.phase, event.tracks) for event in only(events, "in")]
    assert alone == [("start", (1,)), ("start", (2,)), ("end", (1,)), ("end", (2,))]
    joint = [(event.phase, event.tracks, event.count) for event in only(events, "any")]
    assert joint == [("start", (1, 2), 2), ("end", (1, 2), 2)]
    assert len({event.incident for event in events}) == 3


def test_flicker_within_the_grace_is_one_incident() -> None:
    rng = np.random.default_rng(3)
    scene: Scene = lambda time: INSIDE(time) if rng.random() < 0.5 else []  # noqa: E731
    rules = rule_set(
        {"kind": "in", "zones": "yard"}, {"kind": "enter", "zones": "yard"}, {"kind": "leave", "zones": "yard"}
    )
    events = told(rules, scene, 14, fps=25)
    assert sorted(spoken(events)) == [("enter", "start"), ("in", "end"), ("in", "start"), ("leave", "start")]


def test_a_flicker_longer_than_the_grace_makes_two() -> None:
    scene: Scene = lambda time: [(1, "person", 160, 200)] if time % 5 < 2 else []  # noqa: E731
    rules = rule_set({"kind": "in", "zones": "yard", "grace": 1, "cooldown": 0})
    assert [event.phase for event in told(rules, scene, 10)] == ["start", "end", "start", "end"]


def test_an_interruption_is_only_what_was_seen() -> None:
    """One frame in five seconds, longer than the grace: nobody saw the thing away."""
    events = told(rule_set({"kind": "in", "zones": "yard"}), lambda time: [(1, "person", 160, 200)], 60, fps=0.2)
    assert [(event.phase, event.duration) for event in events] == [("start", None), ("end", 55)]


def test_dwell_counts_the_whole_stay() -> None:
    rules = rule_set({"kind": "dwell", "zones": "yard", "seconds": 5})
    assert told(rules, passing(), 12) == []  # four seconds inside
    start, end = told(rules, passing(speed=20), 20)
    assert start.t_seconds == pytest.approx(start.since_seconds + 5)
    assert end.duration == pytest.approx(8, abs=0.11)


def test_count_and_absent() -> None:
    def scene(time: float) -> list[Thing]:
        return [(track, "person", 100 + 40 * track, 200) for track in range(3) if time >= 2 + track and time < 10]

    rules = rule_set(
        {"kind": "count", "zones": "yard", "more_than": 2, "seconds": 1},
        {"kind": "absent", "zones": "yard", "seconds": 1.5},
    )
    for tracks in (True, False):
        events = told(rules, scene, 15, tracks=tracks)
        rules_told, phases = zip(*spoken(events), strict=True)
        assert rules_told == ("absent", "absent", "count", "absent", "count", "absent")
        assert phases == ("start", "end", "start", "start", "end", "end")
        count = only(events, "count")
        assert count[0].t_seconds == pytest.approx(5)
        assert count[0].count == 3
        assert count[0].tracks == ((0, 1, 2) if tracks else ())
        assert count[0].box == (85, 140, 195, 200)
        assert only(events, "absent")[0].box is None
        assert count[1].duration == pytest.approx(5.9)


def test_a_thing_with_two_labels_counts_once() -> None:
    twice: Scene = lambda time: [(1, "person", 160, 200), (1, "worker", 160, 200)]  # noqa: E731
    rules = rule_set({"kind": "count", "more_than": 1}, {"kind": "in"})
    assert spoken(told(rules, twice, 5)) == [("in", "start"), ("in", "end")]


def test_rules_without_tracks_are_told_by_label() -> None:
    mixed: Scene = lambda time: [(0, "person", 160, 200), (0, "person", 120, 200), (0, "dog", 90, 100)]  # noqa: E731
    events = told(rule_set({"kind": "in", "zones": "yard"}), mixed, 3, tracks=False)
    assert [(event.label, event.count, event.tracks) for event in events[:2]] == [("person", 2, ()), ("dog", 1, ())]


def test_rows_without_a_confirmed_track_are_not_looked_at() -> None:
    rules = rule_set({"kind": "in"}, {"kind": "count", "more_than": 0})
    assert told(rules, lambda time: [(-1, "person", 160, 200)], 5) == []


def test_where_and_confidence() -> None:
    rules = rule_set(
        {"kind": "in", "where": {"helmet": ["no", "cap"]}}, {"name": "sure", "kind": "in", "min_confidence": 0.95}
    )
    watch, events = Watch(rules, source="cam"), []
    for index in range(100):
        helmet = "yes" if index < 30 else "" if index % 4 == 0 else "no"  # flickers
        found = rows([(1, "person", 160, 200), (2, "person", 60, 200)], {"helmet": [helmet, "yes"]})
        events += watch.update(found, frame(index / 10, index))
    (event,) = events
    assert (event.rule, event.phase, event.tracks, event.since_seconds) == ("in", "start", (1,), 3.0)


def test_cool_down() -> None:
    comes_and_goes: Scene = lambda time: [(1, "person", 160 if time % 6 < 2 else 20, 200)]  # noqa: E731
    for cooldown, count in ((0, 5), (10, 3), (100, 1)):
        rules = rule_set({"kind": "in", "zones": "yard", "cooldown": cooldown})
        starts = [event for event in told(rules, comes_and_goes, 30) if event.phase == "start"]
        assert len(starts) == count
    stays: Scene = lambda time: [(1, "person", 20 if 3 <= time < 8 else 160, 200)]  # noqa: E731
    starts = [e for e in told(rule_set({"kind": "in", "zones": "yard"}), stays, 20) if e.phase == "start"]
    assert starts[1].t_seconds == pytest.approx(2.9 + 10, abs=0.11)  # late, but told: it is still there


def test_another_number_soon_after_and_near_by_is_the_same_thing() -> None:
    def switching(time: float) -> list[Thing]:
        return [(int(time) + 1, "person", 160 + 5 * time, 200)] if time % 1 < 0.8 else []

    rules = rule_set({"kind": "in", "zones": "yard"}, {"kind": "enter"})
    assert spoken(told(rules, switching, 10)) == [("in", "start"), ("in", "end")]
    apart = rule_set({"kind": "in", "zones": "yard", "seconds": 0.5}, same={"seconds": 0})
    assert len(told(apart, switching, 10)) == 20


@pytest.mark.parametrize(("looks", "incidents"), [((1.0, 0.1), 1), ((0.1, 1.0), 2)])
def test_embeddings_tell_one_who_comes_back_from_another(looks: tuple[float, float], incidents: int) -> None:
    """Five seconds later, two steps away, under another number."""

    def scene(time: float) -> list[Thing]:
        return [(1, "person", 140, 200)] if time < 4 else [(2, "person", 160, 200)] if time >= 9 else []

    seen: Callable[[float], Regions] = lambda time: looks_like((1, (1.0, 0.0)), (2, looks))  # noqa: E731
    rules = rule_set({"kind": "in", "zones": "yard", "grace": 6, "cooldown": 0})
    starts = [event for event in told(rules, scene, 14, looks=seen) if event.phase == "start"]
    assert len(starts) == incidents
    assert len([event for event in told(rules, scene, 14) if event.phase == "start"]) == 2  # place alone is not enough


def test_numbers_that_change_places_between_two_people_tell_nothing_new() -> None:
    both: Scene = lambda time: [(1 + (time > 3), "person", 120, 200), (2 - (time > 3), "person", 200, 200)]  # noqa: E731
    phases = [event.phase for event in told(rule_set({"kind": "in", "zones": "yard"}), both, 6)]
    assert phases == ["start", "start", "end", "end"]


def test_drawing_and_lines() -> None:
    rules = rule_set({"name": "闯入", "kind": "in", "zones": "yard"}, {"kind": "cross", "lines": "gate"})
    watch = Watch(rules, source="cam", timezone="Asia/Shanghai")
    assert watch.going_on == []
    assert [(shape.name, shape.active) for shape in watch.shapes((240, 320))] == [("yard", False), ("gate", False)]
    utc = datetime(2026, 11, 23, 13, 0, 0, tzinfo=UTC).timestamp()
    events = []
    for index in range(50):
        events += watch.update(rows([(4, "person", 140 + 10 * index / 10, 200)]), frame(index / 10, index, utc))
    assert watch.going_on == ["21:00:01 闯入 · yard · person #4", "21:00:02 cross · gate · a->b · person #4"]
    assert str(events[0]) == "21:00:01 闯入 · start · yard · person #4"
    shapes = watch.shapes((480, 640))
    assert [shape.active for shape in shapes] == [True, True]
    assert np.asarray(shapes[0].points).max(axis=0).tolist() == [480, 480]
    for index in range(50, 90):
        watch.update(rows([(4, "person", 190, 200)]), frame(index / 10, index, utc))
    assert [shape.active for shape in watch.shapes((240, 320))] == [True, False]
    (end,) = watch.close()
    assert str(end) == "21:00:08 闯入 · end after 8.9 s · yard · person #4"
    assert watch.going_on == []
    assert watch.update(rows([(4, "person", 190, 200)]), frame(0)) == []  # it may begin anew


def test_an_event_as_a_line_of_the_log() -> None:
    event = told(rule_set({"kind": "in", "zones": "yard"}), INSIDE, 3)[0]
    assert event.to_dict() == {
        "schema": "regionclip.event/1",
        "time": None,
        "local_time": None,
        "timezone": "UTC",
        "source": "cam",
        "phase": "start",
        "incident": event.incident,
        "rule": "in",
        "kind": "in",
        "place": "yard",
        "label": "person",
        "tracks": [1],
        "box": [145.0, 140.0, 175.0, 200.0],
        "confidence": 0.9,
        "count": None,
        "direction": None,
        "verified": None,
        "t_seconds": 2.0,
        "frame": 20,
        "since_seconds": 1.0,
        "duration": None,
        "pictures": [],
    }
    assert told(rule_set({"kind": "in", "zones": "yard"}), INSIDE, 3)[0].incident == event.incident
    assert str(event) == "00:02 in · start · yard · person #1"


def test_boxes_that_are_not_numbers_are_left_out() -> None:
    found = rows([(1, "person", 100, 200), (2, "person", 160, 200)])
    found.xyxy[0, 0] = np.nan
    watch = Watch(rule_set({"kind": "count", "more_than": 1, "seconds": 0}), source="cam")
    assert watch.update(found, frame(0)) == []
    assert IMAGE.any() == False  # noqa: E712 - a watch never paints


def test_a_watch_of_an_hour_forgets_who_has_gone() -> None:
    left = {"kind": "left", "labels": "handbag", "seconds": 4}
    rules = rule_set({"kind": "in"}, {"kind": "enter"}, {"kind": "leave"}, {"kind": "cross", "lines": "gate"}, left)
    watch, before = Watch(rules, source="cam"), alive(Subject)
    for index in range(500):
        watch.update(rows([(index, "person", 160, 200), (10**6 + index, "handbag", 40, 100)]), frame(index, index))
    assert 0 < alive(Subject) - before < 2 * 130


def test_a_thing_may_change_its_label_only_within_one_rule() -> None:
    """A suitcase is seen as a handbag under another number; a dog comes up where a person was lost."""

    def scene(time: float) -> list[Thing]:
        number, left, right = (1, "suitcase", "person") if time < 3 else (3, "handbag", "dog")
        return [(number, left, 100, 200), (number + 1, right, 200, 200)]

    rules = rule_set({"kind": "in", "labels": ["suitcase", "handbag"]}, {"name": "any", "kind": "in", "grace": 1})
    events = told(rules, scene, 8)
    assert [(event.phase, event.label) for event in only(events, "in")] == [("start", "suitcase"), ("end", "handbag")]
    assert [event.label for event in only(events, "any") if event.phase == "start"] == ["suitcase", "person", "dog"]
