"""What happens in rendered clips, told from true tracks and not as the rules tell it, and the rows of such clips.

Letters: N objects of a frame.
"""

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import supervision as sv
from numpy.typing import NDArray

from regionclip.answers.regions import Regions
from regionclip.detector import Detector
from regionclip.scenes.actors import TALL
from regionclip.scenes.clips import Clip, ClipFrame
from regionclip.scenes.plots import BAGS, VEHICLES
from regionclip.scenes.stage import boxes_of
from regionclip.video.rules.file import RuleSet
from regionclip.video.tracking.tracks import Tracks

ALONE_SECONDS, STAY_SECONDS = 3.0, 8.0
_LEFT, _MIDDLE, _RIGHT = 0.1, 0.5, 0.9
_FROM_START = 1.0
_SHORT = 1.0
"""Seconds by which a stay may miss what is asked for and still be told of or not, as it comes."""

_LOST, _RENUMBERED = 0.2, 3.0

Rows: TypeAlias = Callable[[ClipFrame], tuple[sv.Detections, Regions | None]]
"""Rows of the next frame of a clip, and the embeddings of its tracks where there are any."""

RULES = RuleSet.of(
    {
        "zone": [{"name": "middle", "points": [[_LEFT, 0], [_RIGHT, 0], [_RIGHT, 1], [_LEFT, 1]]}],
        "line": [{"name": "halfway", "points": [[_MIDDLE, 1], [_MIDDLE, 0]]}],
        "rule": [
            {"name": "enter", "kind": "enter", "labels": "person", "zones": "middle"},
            {"name": "cross", "kind": "cross", "labels": list(VEHICLES), "lines": "halfway"},
            {"name": "left", "kind": "left", "labels": list(BAGS), "seconds": ALONE_SECONDS},
            {"name": "dwell", "kind": "dwell", "labels": "person", "zones": "middle", "seconds": STAY_SECONDS},
        ],
    },
    "regionclip eval events",
)
"""What clips are watched for."""

TruePath: TypeAlias = tuple[str, NDArray[np.float64], NDArray[np.float64]]
"""Of one true track its kind, the `(N,)` seconds at which it is seen, and its `(N, 4)` boxes."""


@dataclass(frozen=True, slots=True)
class Happened:
    """Something that a rule should tell.

    Attributes:
        rule: its name.
        track: true track of whom or what it is about.
        seconds: when it happened.
        certain: whether it has to be told; else it may be.
    """

    rule: str
    track: int
    seconds: float
    certain: bool = True


def paths_of(frames: list[ClipFrame]) -> dict[int, TruePath]:
    """True tracks of a clip."""
    seen: dict[int, list[tuple[float, tuple[float, ...]]]] = {}
    kinds: dict[int, str] = {}
    for frame in frames:
        for item, track in zip(frame.objects, frame.tracks, strict=True):
            seen.setdefault(track, []).append((frame.seconds, item.xyxy))
            kinds[track] = item.kind
    return {
        track: (kinds[track], np.array([time for time, _ in rows]), np.array([box for _, box in rows]))
        for track, rows in seen.items()
    }


def happened(clip: Clip, paths: Mapping[int, TruePath]) -> list[Happened]:
    """Everything in a clip that `RULES` ask for."""
    width = clip.size[1]
    truth: list[Happened] = []
    for track, (kind, times, boxes) in paths.items():
        column = boxes[:, [0, 2]].mean(axis=1) / width  # (N,)
        inside = times[(column >= _LEFT) & (column <= _RIGHT)]
        if kind == "person" and len(inside):
            stay = float(inside[-1] - inside[0])
            if inside[0] > 0:
                truth.append(Happened("enter", track, float(inside[0]), stay >= _SHORT and inside[0] > _FROM_START))
            if stay >= STAY_SECONDS - _SHORT:
                truth.append(Happened("dwell", track, float(inside[0]) + STAY_SECONDS, stay >= STAY_SECONDS + _SHORT))
        if kind in VEHICLES:
            crossed = (column > _MIDDLE) != (column[0] > _MIDDLE)  # (N,)
            if crossed.any():
                far = abs(column - _MIDDLE) > 0.1
                truth.append(
                    Happened("cross", track, float(times[crossed.argmax()]), bool(crossed[-1] and far[[0, -1]].all()))
                )
    left = [event for event in clip.events if event.kind == "left object"]
    return [*truth, *(Happened("left", event.tracks[1], event.start + ALONE_SECONDS) for event in left)]


def true_rows(clip: Clip) -> Rows:
    """True boxes with their true numbers."""
    return _shown


def torn_rows(clip: Clip) -> Rows:
    """True boxes of which every fifth is missing, each track with a new number every three seconds or so."""
    rng = np.random.default_rng((len(clip), round(clip.fps), 7))
    numbers: dict[int, int] = {}
    fresh = itertools.count()

    def rows(frame: ClipFrame) -> tuple[sv.Detections, None]:
        shown, _ = _shown(frame)
        kept = shown[rng.random(len(shown)) >= _LOST]
        assert isinstance(kept, sv.Detections)
        assert kept.tracker_id is not None
        for track in frame.tracks:
            if track not in numbers or rng.random() < 1 / (_RENUMBERED * clip.fps):
                numbers[track] = next(fresh)
        kept.tracker_id = np.array([numbers[track] for track in kept.tracker_id.tolist()], int)
        return kept, None

    return rows


def tracked_rows(detector: Detector) -> Callable[[Clip], Rows]:
    """What a detector and its tracks make of clips, every frame looked at."""
    words = tuple(TALL)

    def of(clip: Clip) -> Rows:
        own = detector.for_source()
        tracks = Tracks(own, words)

        def rows(frame: ClipFrame) -> tuple[sv.Detections, Regions]:
            regions = own.regions(frame.frame, words=words)
            return tracks.update(regions, frame.frame, frame.seconds), tracks.embeddings()

        return rows

    return of


def _shown(frame: ClipFrame) -> tuple[sv.Detections, None]:
    boxes = boxes_of(frame.objects)
    return (
        sv.Detections(
            xyxy=boxes,
            confidence=np.ones(len(boxes), np.float32),
            class_id=np.zeros(len(boxes), int),
            tracker_id=np.array(frame.tracks, int),
            data={"class_name": np.array([item.kind for item in frame.objects], dtype=np.str_)},
        ),
        None,
    )
