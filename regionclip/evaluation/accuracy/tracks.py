"""Tracks on rendered clips: with the labels of fused embeddings, and with those of each key frame alone.

Both are of the same tracks. Without fusion a track has the label that `Detector.classify` gives to its region on the
latest key frame, and no row where that gives none. All figures count what is shown on every frame, carried boxes as
well; what is counted and how: `regionclip.evaluation.accuracy.matching`.
"""

import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache, partial
from typing import Any

import numpy as np
import supervision as sv

from regionclip.answers.regions import Regions
from regionclip.detector import Detector
from regionclip.errors import ConfigError
from regionclip.evaluation.accuracy.matching import Tally
from regionclip.formats.tables import as_table
from regionclip.scenes.actors import TALL
from regionclip.scenes.clips import MOVEMENTS, Clip, ClipFrame, Movement, render_clip
from regionclip.scenes.stage import boxes_of
from regionclip.video.tracking.settings import TrackSettings
from regionclip.video.tracking.tracks import Tracks
from regionclip.words.vocabulary import Vocabulary

WORDS = tuple(TALL)
"""What is looked for: all kinds that clips show."""

SECONDS, FPS = 6.0, 12.0
_SCHEMA = "regionclip.tracks/1"


@dataclass(frozen=True, slots=True)
class TrackRow:
    """Figures of one way to follow.

    Attributes:
        tracker: name of the algorithm.
        every: key frames are each so many frames.
        fused: whether labels are those of fused embeddings.
        switches: changes of label per minute of a track that is shown.
        accuracy: share of matched rows that have the right label, 0..1.
        covered: share of true boxes that a row matches, 0..1.
        precision: share of rows that match a true box, 0..1.
        identity_switches: of true tracks.
        idf1: 0..1.
        mota: at most 1.
        tracks: numbers shown.
        minutes: of tracks that are shown, all together.
        update_milliseconds: median processor time of a key frame, without tower and proposer; None without fusion,
            like the next.
        carry_milliseconds: median processor time of a frame between; None where there are none.
    """

    tracker: str
    every: int
    fused: bool
    switches: float
    accuracy: float
    covered: float
    precision: float
    identity_switches: int
    idf1: float
    mota: float
    tracks: int
    minutes: float
    update_milliseconds: float | None
    carry_milliseconds: float | None


class _Way:
    """One tracker with one number of frames, over all clips."""

    def __init__(self, detector: Detector, vocabulary: Vocabulary, settings: TrackSettings, every: int) -> None:
        self.settings, self.every = settings, every
        self.fused, self.alone = Tally(), Tally()
        self.update: list[float] = []
        self.carry: list[float] = []
        self._detector, self._vocabulary = detector, vocabulary
        self._start_clip()

    def _start_clip(self) -> None:
        self._tracks = Tracks(self._detector, self._vocabulary, self.settings)
        self._names: dict[int, str] = {}  # of each track on the latest key frame that saw it, without fusion

    def follow(self, shot: ClipFrame, regions: Callable[[], Regions]) -> None:
        """Take a frame; `regions` are asked for on key frames."""
        key = shot.index % self.every == 0
        start = time.process_time()
        if key:
            mine = regions()
            start = time.process_time()
            rows = self._tracks.update(mine, shot.frame, shot.seconds)
        else:
            rows = self._tracks.carry(shot.frame, shot.seconds)
        (self.update if key else self.carry).append((time.process_time() - start) * 1000)
        if key:
            self._name(rows, mine)
        self._count(shot, rows)

    def end_clip(self) -> None:
        """The next frame is of another clip."""
        self.fused.end_clip()
        self.alone.end_clip()
        self._start_clip()

    def rows(self, fps: float) -> list[TrackRow]:
        """Without fusion, and with it."""
        times = statistics.median(self.update), statistics.median(self.carry) if self.carry else None
        return [self._row(self.alone, False, (None, None), fps), self._row(self.fused, True, times, fps)]

    def _name(self, rows: sv.Detections, regions: Regions) -> None:
        # As boxes of the caller none suppresses another: association has seen to that.
        alone = self._detector.classify(replace(regions, given=True), self._vocabulary)
        names = dict(zip(list(alone.data["region"]), list(alone.data["class_name"]), strict=True))
        for number, region in zip(_numbers(rows), list(rows.data["region"]), strict=True):
            if region >= 0:
                self._names[number] = names.get(region, "")

    def _count(self, shot: ClipFrame, rows: sv.Detections) -> None:
        true = boxes_of(shot.objects)
        kinds = [item.kind for item in shot.objects]
        numbers, boxes = _numbers(rows), np.asarray(rows.xyxy, np.float32)
        fused = [str(name) for name in rows.data["class_name"]]
        self.fused.add(true, shot.tracks, kinds, boxes, numbers, fused)
        alone = [self._names.get(number, "") for number in numbers]
        named = [place for place, name in enumerate(alone) if name]
        own = [numbers[place] for place in named], [alone[place] for place in named]
        self.alone.add(true, shot.tracks, kinds, boxes[named], *own)

    def _row(self, tally: Tally, fused: bool, times: tuple[float | None, float | None], fps: float) -> TrackRow:
        minutes = tally.rows / fps / 60
        return TrackRow(
            tracker=self.settings.tracker,
            every=self.every,
            fused=fused,
            switches=tally.label_switches / minutes if minutes else 0.0,
            accuracy=tally.right / max(tally.matched, 1),
            covered=tally.matched / max(tally.true, 1),
            precision=tally.matched / max(tally.rows, 1),
            identity_switches=tally.identity_switches,
            idf1=tally.idf1,
            mota=tally.mota,
            tracks=tally.tracks,
            minutes=minutes,
            update_milliseconds=times[0],
            carry_milliseconds=times[1],
        )


def make_clips(seed: int, count: int, size: tuple[int, int], camera: Movement | None = None) -> Iterator[Clip]:
    """Rendered clips of `size` `(H, W)`, `SECONDS` at `FPS`; without `camera`, every second one moves."""
    for index in range(count):
        own = camera or MOVEMENTS[index % 2]
        yield render_clip(seed, index, size, seconds=SECONDS, fps=FPS, camera=own)


def evaluate_tracks(
    detector: Detector,
    clips: Iterable[Iterable[ClipFrame]],
    *,
    settings: Sequence[TrackSettings],
    every: Sequence[int],
    fps: float = FPS,
) -> list[TrackRow]:
    """Follow what clips show in several ways at once; the tower looks at a frame once at most.

    Args:
        detector: its proposer must not remember earlier frames, because all ways share what it finds.
        clips: watched once.
        settings: of the tracks; each gives two rows for each `every`, without fusion and with it.
        every: key frames are each so many frames.
        fps: of the clips.

    Raises:
        ConfigError: for a proposer with memory.
    """
    if detector.proposer.has_memory:
        raise ConfigError("eval tracks: all rows share one look at each frame; this proposer remembers earlier ones")
    vocabulary = Vocabulary.of(WORDS)
    ways = [_Way(detector, vocabulary, each, step) for each in settings for step in every]
    for clip in clips:
        for shot in clip:
            look = cache(partial(detector.regions, shot.frame, words=vocabulary))
            for way in ways:
                way.follow(shot, look)
        for way in ways:
            way.end_clip()
    return [row for way in ways for row in way.rows(fps)]


def table(rows: Sequence[TrackRow], title: str) -> str:
    """The figures as lines of text."""
    columns = (
        *("tracker", "every", "fused", "switches/min", "accuracy", "covered", "precision", "id switches", "IDF1"),
        *("MOTA", "update ms", "carry ms"),
    )
    cells = []
    for row in rows:
        shares = (row.accuracy, row.covered, row.precision)
        times = ["-" if each is None else f"{each:.1f}" for each in (row.update_milliseconds, row.carry_milliseconds)]
        cells.append(
            (
                *(row.tracker, row.every, "yes" if row.fused else "no", f"{row.switches:.2f}"),
                *(f"{share:.3f}" for share in shares),
                *(row.identity_switches, f"{row.idf1:.3f}", f"{row.mota:.3f}", *times),
            )
        )
    return f"{title}\n{as_table(columns, cells)}"


def record(rows: Sequence[TrackRow], title: str, settings: TrackSettings) -> dict[str, Any]:
    """The figures as a JSON object; `settings` apart from the tracker."""
    told = settings.model_dump(exclude={"tracker"})
    return {"schema": _SCHEMA, "set": title, "settings": told, "rows": [asdict(row) for row in rows]}


def _numbers(rows: sv.Detections) -> list[int]:
    return [] if rows.tracker_id is None else [int(number) for number in rows.tracker_id]
