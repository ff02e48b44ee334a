"""Rows of people and things that move as a test says, and what a watch tells of them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import supervision as sv

from regionclip.answers.regions import Regions
from regionclip.video.rules.file import RuleSet
from regionclip.video.rules.watch import Event, Watch
from regionclip.video.sources.base import VideoFrame

SIZE = (240, 320)
IMAGE = np.zeros((*SIZE, 3), np.uint8)
YARD = {"name": "yard", "points": [[0.25, 0.0], [0.75, 0.0], [0.75, 1.0], [0.25, 1.0]]}
"""Columns 80 to 240."""

GATE = {"name": "gate", "points": [[0.5, 1.0], [0.5, 0.0]]}
"""Column 160, drawn upwards: side a is on the left."""

Thing = tuple[int, str, float, float]
"""Track, label, and the column and row of the middle of the lower edge; boxes are 30 x 60, of bags 20 x 20."""

Scene = Callable[[float], Sequence[Thing]]
"""What is in the frame at a time."""

INSIDE: Scene = lambda time: [(1, "person", 160, 200)] if 1 <= time < 8 else []  # noqa: E731


def rows(
    things: Sequence[Thing], columns: Mapping[str, Sequence[str]] | None = None, *, tracks: bool = True
) -> sv.Detections:
    """Rows of a frame."""
    sizes = [(20, 20) if "bag" in label else (30, 60) for _, label, _, _ in things]
    boxes = [(x - w / 2, y - h, x + w / 2, y) for (_, _, x, y), (w, h) in zip(things, sizes, strict=True)]
    return sv.Detections(
        xyxy=np.array(boxes, np.float32).reshape(-1, 4),
        confidence=np.full(len(things), 0.9, np.float32),
        class_id=np.zeros(len(things), int),
        tracker_id=np.array([track for track, *_ in things], int) if tracks else None,
        data={
            "class_name": np.array([label for _, label, *_ in things], dtype=np.str_),
            **{name: np.array(values, dtype=np.str_) for name, values in (columns or {}).items()},
        },
    )


def frame(seconds: float, index: int = 0, utc: float | None = None) -> VideoFrame:
    """A frame at a time; `utc` is that of second 0."""
    return VideoFrame(IMAGE, seconds, index, "cam", None if utc is None else utc + seconds)


def rule_set(*rules: Mapping[str, Any], **table: Any) -> RuleSet:  # noqa: ANN401 - TOML values
    """Rules, each named after its kind where it has no name, with a yard and a gate."""
    named = [{"name": rule["kind"], **rule} for rule in rules]
    return RuleSet.of({"zone": [YARD], "line": [GATE], "rule": named, **table})


def told(
    rules: RuleSet,
    scene: Scene,
    seconds: float,
    *,
    fps: float = 10,
    looks: Callable[[float], Regions] | None = None,
    utc: float | None = None,
    tracks: bool = True,
) -> list[Event]:
    """Everything a watch tells of a scene, the end of the source included."""
    watch, events = Watch(rules, source="cam"), []
    for index in range(round(seconds * fps)):
        time = index / fps
        found = rows(scene(time), tracks=tracks)
        events += watch.update(found, frame(time, index, utc), None if looks is None else looks(time))
    return [*events, *watch.close()]


def spoken(events: Sequence[Event]) -> list[tuple[str, str]]:
    """Rules and phases."""
    return [(event.rule, event.phase) for event in events]


def looks_like(*tracks: tuple[int, Sequence[float]]) -> Regions:
    """Embeddings of tracks."""
    vectors = np.array([vector for _, vector in tracks], np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    n = len(tracks)
    return Regions(
        xyxy=np.zeros((n, 4), np.float32),
        objectness=np.ones(n, np.float32),
        embeddings=vectors,
        valid=np.ones(n, bool),
        frame_size=SIZE,
        fingerprint="test",
        tracker_id=np.array([track for track, _ in tracks], int),
    )


def walk(time: float, start: float, speed: float, begin: float = 0.0) -> float:
    """Column of one who walks from `start` at `speed` pixels a second from second `begin` on."""
    return start + speed * max(0.0, time - begin)


def passing(start: float = 20, speed: float = 40, track: int = 1, label: str = "person") -> Scene:
    """One who walks through the frame and its yard (columns 80 to 240) from second 1 on."""

    def scene(time: float) -> list[Thing]:
        x = walk(time, start, speed, 1)
        return [(track, label, x, 200)] if -10 <= x <= 330 else []

    return scene


def only(events: list[Event], rule: str) -> list[Event]:
    return [event for event in events if event.rule == rule]
