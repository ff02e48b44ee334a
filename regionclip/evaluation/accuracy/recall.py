"""Recall of proposals: how many true objects does a proposer's list of boxes hold, and at what price?

Average recall, class-agnostic, as COCO defines it (Lin et al. 2014; `COCOeval` with useCats=0, all areas): at each IoU
threshold from .5 to .95 in steps of .05, boxes are taken in the proposer's order, each is matched with the free true
box that it overlaps most, if by the threshold or more; AR@k is the share of all true boxes that the first k boxes of
their frame match, averaged over the ten thresholds. Crowd boxes are left out. Nothing is thresholded.

Letters: N true boxes, M proposals, T thresholds.
"""

import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regionclip.data.intervals import Share, share
from regionclip.data.overlaps import overlaps
from regionclip.data.recall_sets import Shot, ShotSet
from regionclip.detector import Detector
from regionclip.formats.tables import as_table
from regionclip.timing import Timings
from regionclip.words.vocabulary import Vocabulary, Words

FIRST = (10, 50, 100, 300)
"""Lengths of the lists that are judged."""

THRESHOLDS = np.arange(10) * 0.05 + 0.5
"""`(T,)` IoU."""

_SCHEMA = "regionclip.recall/1"


@dataclass(frozen=True, slots=True)
class RecallRow:
    """Figures of one proposer for one kind of objects.

    Attributes:
        proposer: its name.
        objects: "all", or "moving" for those that move over the ground at that moment.
        count: of true boxes.
        ar: average recall of the first k boxes, by k; with 95 % intervals over pictures or clips.
        recall50: share of true boxes matched at IoU .5, whatever the rank.
        boxes: mean number of a frame.
        milliseconds: median time of the proposer, without the tower's.
        tower_milliseconds: median time of the tower where the proposer asks for it, else 0.
        cpu_milliseconds: median processor time of both, which other work on the machine hardly changes.
    """

    proposer: str
    objects: str
    count: int
    ar: Mapping[int, Share]
    recall50: Share
    boxes: float
    milliseconds: float
    tower_milliseconds: float
    cpu_milliseconds: float


@dataclass(slots=True)
class _Log:
    """What is kept of a proposer while it is watched."""

    matched: dict[str, dict[int, list[NDArray[np.float64]]]] = field(default_factory=dict)  # objects, source: (T, N)
    boxes: list[int] = field(default_factory=list)
    own: list[float] = field(default_factory=list)
    tower: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)


def evaluate_recall(
    makers: Mapping[str, Callable[[], Detector]],
    shots: ShotSet,
    *,
    words: Words | None = None,
    watch: Callable[[Iterable[Shot]], Iterable[Shot]] = iter,
) -> list[RecallRow]:
    """Measure proposers side by side.

    Args:
        makers: by name, what makes a detector with the proposer; one with memory is made anew for each source.
        shots: pictures with true boxes.
        words: what a proposer that looks for words is asked; None takes the names of all classes of the set.
        watch: gets the shots and gives them back one by one, as a progress bar does.

    Raises:
        PromptError, ConfigError, WeightsError: as making and asking a detector does.
    """
    detectors = {name: make() for name, make in makers.items()}
    asked = any(each.proposer.asks_words for each in detectors.values())
    vocabulary = Vocabulary.of(words or tuple(dict.fromkeys(shots.words))) if asked else None
    logs = {name: _Log() for name in makers}
    source: int | None = None
    for shot in watch(shots):
        if source not in (None, shot.source):
            detectors |= {name: makers[name]() for name, each in detectors.items() if each.proposer.has_memory}
        source = shot.source
        for name, detector in detectors.items():
            _look(detector, shot, vocabulary, logs[name])
    return [row for name, log in logs.items() for row in _rows(name, log)]


def match_ranks(truth: NDArray[np.float32], boxes: NDArray[np.float32]) -> NDArray[np.float64]:
    """At which place of the list `boxes` `(M, 4)` each of `truth` `(N, 4)` is matched: `(T, N)`, infinite for never."""
    ranks = np.full((len(THRESHOLDS), len(truth)), np.inf)  # (T, N)
    if len(truth) == 0 or len(boxes) == 0:
        return ranks
    ious = overlaps(boxes, truth)  # (M, N)
    levels = np.arange(len(THRESHOLDS))
    for place in np.flatnonzero(ious.max(1) >= THRESHOLDS[0]):
        free = np.isinf(ranks) & (ious[place] >= THRESHOLDS[:, None])  # (T, N)
        best = np.where(free, ious[place], -1.0).argmax(1)  # (T,)
        hit = free[levels, best]  # (T,)
        ranks[levels[hit], best[hit]] = place
    return ranks


def table(rows: Sequence[RecallRow], shots: ShotSet, frames: int) -> str:
    """The figures as lines of text."""
    columns = ("proposer", "objects", *(f"AR@{k}" for k in FIRST), "R@IoU.5", "boxes", "ms", "tower ms", "cpu ms")
    cells = []
    for row in rows:
        shares = [f"{share.value:.3f}" if row.count else "-" for share in (*(row.ar[k] for k in FIRST), row.recall50)]
        costs = (row.boxes, row.milliseconds, row.tower_milliseconds, row.cpu_milliseconds)
        cells.append((row.proposer, row.objects, *shares, *(f"{cost:.1f}" for cost in costs)))
    counts = {row.objects: row.count for row in rows}
    true = "true boxes: " + ", ".join(f"{count} {what}" for what, count in counts.items())
    return f"{shots.title}, {frames} frames\n{as_table(columns, cells)}\n{true}"


def record(rows: Sequence[RecallRow], shots: ShotSet, frames: int) -> dict[str, Any]:
    """The figures as a JSON object."""
    told = [asdict(row) | {"ar": {str(k): asdict(value) for k, value in row.ar.items()}} for row in rows]
    return {"schema": _SCHEMA, "set": shots.title, "frames": frames, "iou": THRESHOLDS.round(2).tolist(), "rows": told}


def _look(detector: Detector, shot: Shot, vocabulary: Vocabulary | None, log: _Log) -> None:
    features = detector.features(shot.frame)
    busy = time.process_time()
    with Timings() as timings:
        found = detector.proposer_for(vocabulary)(shot.frame, features)
    busy, tower = (time.process_time() - busy) * 1000, timings.get("encode", 0.0)
    ranks = match_ranks(shot.boxes, found.xyxy)  # (T, N)
    groups = {"all": ranks} | ({} if shot.moving is None else {"moving": ranks[:, shot.moving]})
    for name, own in groups.items():
        log.matched.setdefault(name, {}).setdefault(shot.source, []).append(own)
    log.boxes.append(len(found))
    log.own.append(timings.total - tower)
    log.tower.append(tower)
    log.cpu.append(busy)


def _rows(name: str, log: _Log) -> list[RecallRow]:
    rows = []
    for objects, sources in log.matched.items():
        matched = [np.concatenate(parts, axis=1) for parts in sources.values()]  # (T, N) each
        rows.append(
            RecallRow(
                proposer=name,
                objects=objects,
                count=sum(each.shape[1] for each in matched),
                ar={k: share([(each < k).ravel() for each in matched]) for k in FIRST},
                recall50=share([np.isfinite(each[0]) for each in matched]),
                boxes=statistics.mean(log.boxes),
                milliseconds=statistics.median(log.own),
                tower_milliseconds=statistics.median(log.tower),
                cpu_milliseconds=statistics.median(log.cpu),
            )
        )
    return rows
