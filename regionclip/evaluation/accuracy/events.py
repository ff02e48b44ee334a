"""Events of rules on rendered clips against what happens there: found, missed, doubled, false, and how late.

An event that begins is held against what truly happened under the same rule: it fits where its box overlaps the true
one of that thing by an IoU of 0.3 at that moment, from a second before it happened until three seconds after, for stays
and left things until the end of the clip. The first that fits finds it, each further one is doubled, what fits nothing
is false. Whatever barely happens (`Happened.certain`) may be told or not.
"""

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from regionclip.evaluation.accuracy.event_truth import RULES, Happened, Rows, TruePath, happened, paths_of
from regionclip.formats.tables import as_table
from regionclip.scenes.clips import EVENTS, Clip, render_clip
from regionclip.video.rules.subjects import overlap
from regionclip.video.rules.watch import Event, Watch
from regionclip.video.sources.base import VideoFrame

_EARLY, _LATE = 1.0, 3.0
_OVERLAP = 0.3
_NEAR = 0.5
_SCHEMA = "regionclip.events/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipPlan:
    """Which clips are shown; the camera stands still, and events take turns.

    Attributes:
        count: how many.
        seed: of the series.
        size: `(H, W)` of the frames in pixels.
        seconds: length of each.
        fps: frames a second.
    """

    count: int = 12
    seed: int = 900_801
    size: tuple[int, int] = (240, 320)
    seconds: float = 24.0
    fps: float = 8.0

    def clip(self, index: int) -> Clip:
        """One of them."""
        event = EVENTS[index % len(EVENTS)]
        return render_clip(self.seed, index, self.size, seconds=self.seconds, fps=self.fps, event=event, camera="still")


@dataclass(frozen=True, slots=True)
class EventRow:
    """Figures of one rule.

    Attributes:
        rows: where boxes and tracks come from.
        rule: its name.
        happened: how often it had to be told.
        found: how often it was.
        missed: how often it was not.
        doubled: events that tell again what was told.
        false: events that tell what did not happen.
        false_per_minute: of video.
        delay: median seconds from what happened to the first event; None where none was found.
    """

    rows: str
    rule: str
    happened: int
    found: int
    missed: int
    doubled: int
    false: int
    false_per_minute: float
    delay: float | None


@dataclass(slots=True)
class _Count:
    happened: int = 0
    found: int = 0
    doubled: int = 0
    false: int = 0
    delays: list[float] = field(default_factory=list)


def evaluate_events(
    sources: Mapping[str, Callable[[Clip], Rows]],
    plan: ClipPlan,
    *,
    watch: Callable[[Iterable[int]], Iterable[int]] = iter,
) -> list[EventRow]:
    """Watch clips by `RULES`.

    Args:
        sources: by name, what gives the rows of a clip's frames, one after the other.
        plan: which clips.
        watch: gets the numbers of the clips and gives them back one by one, as a progress bar does.
    """
    names = [rule.name for rule in RULES.rules]
    counts = {source: {rule: _Count() for rule in names} for source in sources}
    for index in watch(range(plan.count)):
        clip = plan.clip(index)
        frames = list(clip)
        paths = paths_of(frames)
        truth = happened(clip, paths)
        for source, make in sources.items():
            rows, memory = make(clip), Watch(RULES, source=f"clip {index}")
            events: list[Event] = []
            for frame in frames:
                found, embeddings = rows(frame)
                events += memory.update(found, VideoFrame(frame.frame, frame.seconds, frame.index, "clip"), embeddings)
            for rule in names:
                told = [event for event in events if event.rule == rule and event.phase == "start"]
                _judge(told, [one for one in truth if one.rule == rule], paths, counts[source][rule])
    minutes = plan.count * plan.seconds / 60
    return [_row(source, rule, count, minutes) for source, by in counts.items() for rule, count in by.items()]


def table(rows: Sequence[EventRow], plan: ClipPlan) -> str:
    """The figures as lines of text."""
    minutes = plan.count * plan.seconds / 60
    height, width = plan.size
    shown = f"{plan.count} clips {width}x{height}, {plan.seconds:g} s at {plan.fps:g} fps, seed {plan.seed}"
    columns = ("rows", "rule", "happened", "found", "missed", "doubled", "false", "false/min", "delay s")
    cells = [
        (
            *(row.rows, row.rule, row.happened, row.found, row.missed, row.doubled, row.false),
            *(f"{row.false_per_minute:.2f}", "-" if row.delay is None else f"{row.delay:.2f}"),
        )
        for row in rows
    ]
    return f"{shown}: {minutes:.1f} min\n{as_table(columns, cells)}"


def record(rows: Sequence[EventRow], plan: ClipPlan) -> dict[str, Any]:
    """The figures as a JSON object."""
    return {"schema": _SCHEMA, "clips": asdict(plan), "rows": [asdict(row) for row in rows]}


def _judge(told: list[Event], truth: list[Happened], paths: Mapping[int, TruePath], count: _Count) -> None:
    """Count the events of one rule in one clip."""
    found: dict[Happened, float] = {}
    for event in told:
        fitting = [one for one in truth if _fits(event, one, paths[one.track])]
        if not fitting:
            count.false += 1
        elif fresh := [one for one in fitting if one not in found]:
            nearest = min(fresh, key=lambda one: abs(event.t_seconds - one.seconds))
            found[nearest] = event.t_seconds - nearest.seconds
        else:
            count.doubled += 1
    certain = [one for one in truth if one.certain]
    count.happened += len(certain)
    count.found += sum(one in found for one in certain)
    count.delays += [found[one] for one in certain if one in found]


def _fits(event: Event, one: Happened, path: TruePath) -> bool:
    latest = np.inf if one.rule in ("left", "dwell") else one.seconds + _LATE
    if not one.seconds - _EARLY <= event.t_seconds <= latest or event.box is None:
        return False
    _, times, boxes = path
    near = np.flatnonzero(abs(times - event.t_seconds) <= _NEAR)  # it may be hidden at the very moment
    return any(overlap(event.box, tuple(boxes[place].tolist())) >= _OVERLAP for place in near)


def _row(source: str, rule: str, count: _Count, minutes: float) -> EventRow:
    return EventRow(
        rows=source,
        rule=rule,
        happened=count.happened,
        found=count.found,
        missed=count.happened - count.found,
        doubled=count.doubled,
        false=count.false,
        false_per_minute=count.false / minutes,
        delay=statistics.median(count.delays) if count.delays else None,
    )
