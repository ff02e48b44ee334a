"""Figures of events: rules on true boxes tell what happens, and what is made up is counted as it should be."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import supervision as sv

from regionclip.answers.regions import Regions
from regionclip.evaluation.accuracy.event_truth import Rows, happened, paths_of, torn_rows, true_rows
from regionclip.evaluation.accuracy.events import ClipPlan, EventRow, evaluate_events, record, table
from regionclip.scenes.clips import Clip, ClipFrame

PLAN = ClipPlan(count=3, size=(96, 128), seconds=14, fps=4)


def blind_rows(clip: Clip) -> Rows:
    return lambda frame: (sv.Detections.empty(), None)


def wrong_rows(clip: Clip) -> Rows:
    """Somebody in the upper left corner of the zone where nobody is, now and then."""

    def rows(frame: ClipFrame) -> tuple[sv.Detections, Regions | None]:
        some = np.array([[30.0, 0.0, 34.0, 4.0]], np.float32)[: int(frame.seconds % 4 < 2 < frame.seconds)]  # (n, 4)
        return (
            sv.Detections(
                xyxy=some,
                class_id=np.zeros(len(some), int),
                confidence=np.ones(len(some), np.float32),
                tracker_id=np.full(len(some), 1000 + int(frame.seconds // 4)),
                data={"class_name": np.array(["person"] * len(some), dtype=np.str_)},
            ),
            None,
        )

    return rows


@pytest.fixture(scope="module")
def figures() -> list[EventRow]:
    sources: dict[str, Callable[[Clip], Rows]] = {
        "true": true_rows, "torn": torn_rows, "blind": blind_rows, "wrong": wrong_rows
    }  # fmt: skip
    return evaluate_events(sources, PLAN)


def of(figures: list[EventRow], rows: str) -> dict[str, EventRow]:
    return {row.rule: row for row in figures if row.rows == rows}


def test_true_boxes_tell_nearly_all_once(figures: list[EventRow]) -> None:
    rows = of(figures, "true")
    assert list(rows) == ["enter", "cross", "left", "dwell"]
    assert rows["enter"].happened > 10
    assert rows["cross"].happened > 2
    assert rows["left"].happened == 1
    assert sum(row.found for row in rows.values()) >= 0.95 * sum(row.happened for row in rows.values())
    assert sum(row.doubled for row in rows.values()) == 0
    assert sum(row.false for row in rows.values()) <= 1
    assert rows["enter"].delay == pytest.approx(0.5)
    assert all(row.found + row.missed == row.happened for row in figures)


def test_torn_tracks_cost_little(figures: list[EventRow]) -> None:
    rows = of(figures, "torn")["enter"]
    assert rows.found >= 0.8 * rows.happened
    assert rows.doubled <= 0.2 * rows.happened


def test_who_sees_nothing_misses_all(figures: list[EventRow]) -> None:
    for row in of(figures, "blind").values():
        assert (row.found, row.missed, row.false, row.doubled, row.delay) == (0, row.happened, 0, 0, None)


def test_what_did_not_happen_is_false(figures: list[EventRow]) -> None:
    row = of(figures, "wrong")["enter"]
    assert row.found == 0
    assert row.false == 3 * PLAN.count
    assert row.false_per_minute == pytest.approx(row.false / (PLAN.count * PLAN.seconds / 60))


def test_truth_knows_the_events_of_the_clips() -> None:
    clip = PLAN.clip(2)
    assert clip.events[0].kind == "left object"
    truth = happened(clip, paths_of(list(clip)))
    (left,) = [one for one in truth if one.rule == "left"]
    assert left.track == clip.events[0].tracks[1]
    assert left.seconds == clip.events[0].start + 3


def test_table_and_record(figures: list[EventRow]) -> None:
    lines = table(figures, PLAN).splitlines()
    assert lines[0] == "3 clips 128x96, 14 s at 4 fps, seed 900801: 0.7 min"
    assert len(lines) == 2 + len(figures)
    assert len({len(line) for line in lines[1:]}) == 1
    told = json.loads(json.dumps(record(figures, PLAN)))
    assert told["rows"][0]["rule"] == "enter"
    assert told["clips"]["count"] == 3


def test_the_command(run: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One clip, with the embedded tower and its tracks too."""
    options = ("--clips", 1, "--size", "96x72", "--seconds", 12, "--fps", 1, "--json", tmp_path / "f.json")
    assert run("eval", "events", *options) == 0
    told = json.loads((tmp_path / "f.json").read_text())
    assert [row["rows"] for row in told["rows"]][::4] == ["true boxes", "true boxes, torn", "tiny + tracks"]
    assert "tiny + tracks" in capsys.readouterr().out
