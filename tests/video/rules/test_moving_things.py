"""Enter, leave and cross; schedules; the same motion at any frame rate."""

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from watching import INSIDE, Scene, Thing, frame, only, passing, rows, rule_set, spoken, told, walk

from regionclip.video.rules.watch import Event, Watch


def test_enter_and_leave() -> None:
    rules = rule_set({"kind": "enter", "zones": "yard"}, {"kind": "leave", "zones": "yard"})
    enter, leave = told(rules, passing(), 12)
    assert (enter.kind, enter.since_seconds) == ("enter", 2.5)
    assert enter.t_seconds == pytest.approx(3.0)
    assert leave.kind == "leave"
    assert leave.since_seconds == 2.5
    assert leave.duration == pytest.approx(4.0)  # 160 pixels
    assert enter.incident != leave.incident


def test_who_was_there_before_has_not_entered() -> None:
    rules = rule_set({"kind": "enter", "zones": "yard"})
    there: Scene = lambda time: [(1, "person", 160, 200)]  # noqa: E731
    assert told(rules, there, 10) == []
    assert spoken(told(rules, INSIDE, 10)) == []  # in its first second
    late: Scene = lambda time: [(1, "person", 160, 200)] if time >= 3 else []  # noqa: E731
    assert spoken(told(rules, late, 10)) == [("enter", "start")]
    assert told(rule_set({"kind": "enter", "zones": "yard", "appear": False}), late, 10) == []
    # After a pause without frames nobody knows when somebody came.
    watch = Watch(rules, source="cam")
    times = [*np.arange(0, 5, 0.1), *np.arange(30, 35, 0.1)]
    events = [e for t in times for e in watch.update(rows([(7, "person", 160, 200)] if t >= 30 else []), frame(t))]
    assert events == []


def test_leave_of_one_who_vanishes() -> None:
    rules = rule_set(
        {"kind": "leave", "zones": "yard"}, {"name": "seen", "kind": "leave", "zones": "yard", "vanish": False}
    )
    assert spoken(told(rules, INSIDE, 14)) == [("leave", "start")]
    other: Scene = lambda time: [(1, "person" if time < 4 else "dog", 160, 200)]  # noqa: E731
    assert told(rule_set({"kind": "leave", "zones": "yard", "labels": "person"}), other, 14) == []  # it is still there


def test_cross_counts_each_direction() -> None:
    def scene(time: float) -> list[Thing]:
        there_and_back = 60 + 50 * min(time, 4) - 50 * max(0.0, time - 4)
        return [(1, "person", there_and_back, 200), (2, "person", walk(time, 20, 40), 150)] if time < 7.5 else []

    rules = rule_set(
        {"kind": "cross", "lines": "gate"},
        {"name": "in only", "kind": "cross", "lines": "gate", "direction": "a->b"},
    )
    events = told(rules, scene, 9)
    both = [(e.direction, e.tracks[0], e.count) for e in only(events, "cross")]
    assert both == [("a->b", 1, 1), ("a->b", 2, 2), ("b->a", 1, 1)]
    assert [(e.tracks[0], e.count) for e in only(events, "in only")] == [(1, 1), (2, 2)]
    assert all(event.place == "gate" for event in events)


def test_trembling_on_a_line_and_walking_around_its_end_are_no_crossings() -> None:
    rules = rule_set({"kind": "cross", "lines": "short"}, line=[{"name": "short", "points": [[0.5, 0.4], [0.5, 0.0]]}])
    rng = np.random.default_rng(0)
    trembling: Scene = lambda time: [(1, "person", 160 + rng.normal(0, 1), 80)]  # noqa: E731
    assert told(rules, trembling, 20) == []
    below: Scene = lambda time: [(1, "person", 60 + 40 * time, 200)]  # noqa: E731
    assert told(rules, below, 5) == []
    across: Scene = lambda time: [(1, "person", 60 + 40 * time, 80)]  # noqa: E731
    assert spoken(told(rules, across, 5)) == [("cross", "start")]


def test_who_follows_another_into_the_frame_is_somebody_else() -> None:
    """One goes out at the right edge, another comes in there half a second later."""

    def scene(time: float) -> list[Thing]:
        first, second = walk(time, 200, 30), 335 - 30 * (time - 5)
        return [
            *([(1, "person", first, 200)] if first < 320 else []),
            *([(2, "person", second, 200)] if time >= 5 else []),
        ]

    assert [event.tracks for event in told(rule_set({"kind": "enter"}), scene, 9)] == [(2,)]


def test_schedule_covers_the_moment_and_not_the_stay() -> None:
    """A camera that starts at 21:59:50 in Shanghai; the rule begins at ten."""
    utc = datetime(2026, 11, 23, 13, 59, 50, tzinfo=UTC).timestamp()
    keys = {"zones": "yard", "schedule": "mon 22:00-06:00"}
    rules = rule_set({"kind": "in", **keys}, {"kind": "enter", **keys}, timezone="Asia/Shanghai")
    events = told(rules, lambda time: [(1, "person", 160, 200)] if time >= 3 else [], 15, utc=utc)
    assert spoken(events) == [("in", "start"), ("in", "end")]  # it came in before
    assert (events[0].since_seconds, events[0].t_seconds) == (10, 11)
    assert events[0].to_dict()["local_time"] == "2026-11-23T22:00:01.000+08:00"
    assert events[0].to_dict()["time"] == "2026-11-23T14:00:01.000Z"


@pytest.mark.parametrize(
    ("begin", "in_force"),
    [
        ("2026-03-29T00:30:00", True),  # 01:30 in Berlin
        ("2026-03-29T01:00:30", False),  # the clock goes from 02:00 to 03:00
        ("2026-10-25T00:30:00", True),  # 02:30 in summer time
        ("2026-10-25T01:30:00", True),  # 02:30 once more
        ("2026-10-25T02:00:00", False),  # 03:00
    ],
)
def test_schedule_when_the_clock_is_changed(begin: str, in_force: bool) -> None:
    rules = rule_set({"kind": "in", "schedule": "01:00-03:00"}, timezone="Europe/Berlin")
    utc = datetime.fromisoformat(begin).replace(tzinfo=UTC).timestamp()
    assert bool(told(rules, lambda time: [(1, "person", 160, 200)], 5, utc=utc)) == in_force


FAST, SLOW = 20, 5


@settings(max_examples=8, deadline=None)
@given(st.floats(45, 60), st.sampled_from((40, 120, 200, 280, 400)), st.integers(0, 2**16))
def test_the_same_motion_gives_the_same_events_at_any_frame_rate(speed: float, stop: float, seed: int) -> None:
    begins = np.random.default_rng(seed).uniform(1.5, 5, 3).tolist()

    def scene(time: float) -> list[Thing]:
        columns = [walk(time, -14, speed, begin) for begin in begins]
        columns[0] = min(columns[0], stop)
        return [(n, "person", x, 100.0 + 40 * n) for n, x in enumerate(columns, 1) if -13 < x < 333]

    rules = rule_set(
        {"kind": "in", "zones": "yard"},
        {"kind": "enter", "zones": "yard"},
        {"kind": "leave", "zones": "yard"},
        {"kind": "cross", "lines": "gate"},
        {"kind": "dwell", "zones": "yard", "seconds": 2},
        same={"seconds": 0},  # the tracks are true ones
    )
    fast, slow = (told(rules, scene, 17, fps=fps) for fps in (FAST, SLOW))

    def key(event: Event) -> tuple[str, str, tuple[int, ...], str]:
        return event.rule, event.phase, event.tracks, event.direction or ""

    assert sorted(map(key, fast)) == sorted(map(key, slow))
    times = {key(event): event.t_seconds for event in slow}
    assert all(abs(times[key(event)] - event.t_seconds) <= 2 / SLOW for event in fast)
    assert len(fast) >= 12
