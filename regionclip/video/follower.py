"""Follower: what is remembered of one source from frame to frame, and what is done with each of its frames."""

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import supervision as sv

from regionclip.answers.regions import Regions
from regionclip.describe.verifier import Answers
from regionclip.detector import Detector
from regionclip.timing import Timings, stage
from regionclip.towers.base import ImageFeatures
from regionclip.video.options import FollowOptions
from regionclip.video.rules.file import RuleSet
from regionclip.video.rules.watch import Event, Watch
from regionclip.video.sources.base import SourceEvent, VideoFrame
from regionclip.words.vocabulary import Vocabulary, Words

if TYPE_CHECKING:
    from regionclip.video.tracking.tracks import Tracks

_OUTAGE = 1.0
"""Seconds; after longer ones nothing is where it was."""


@dataclass(frozen=True, slots=True, eq=False)
class StreamFrame:
    """A frame and what is known of it.

    Attributes:
        frame: the picture, its time and its source.
        detections: as `Detector` gives them; with tracks also `tracker_id`, and `data["track_seconds"]`.
        events: incidents that began or ended with this frame.
        outages: losses and returns of the source since the frame before.
        key: whether the tower looked at this frame.
        age_seconds: how old the frame was when all this was known; 0 for recordings.
        timings: milliseconds of each stage of this frame.
        regions: all that the tower saw in it, whatever the words; None where it did not look.
    """

    frame: VideoFrame
    detections: sv.Detections
    events: tuple[Event, ...]
    outages: tuple[SourceEvent, ...]
    key: bool
    age_seconds: float
    timings: Timings
    regions: Regions | None = None


class Follower:
    """The memory of one source: its proposer's, its tracks, its incidents.

    Args:
        detector: shared; a proposer with memory is started afresh for this source.
        words: labels to look for.
        source: id of the source.
        options: how it is followed.

    Raises:
        ConfigError: where rules name labels that are not among `words`, or a proposer with memory cannot start afresh.
    """

    def __init__(self, detector: Detector, words: Words, *, source: str, options: FollowOptions | None = None) -> None:
        self.detector = detector.for_source()
        self.options = options or FollowOptions()
        self.vocabulary = self.check(words)
        self._source = source
        self.tracks = self._new_tracks()
        self.watch = self._new_watch()
        self._latest: sv.Detections | None = None
        self._answers: Answers = {}
        self._until_key = 0
        self._size: tuple[int, ...] | None = None
        self._known_key: tuple[VideoFrame, bool] | None = None

    def check(self, words: Words) -> Vocabulary:
        """The vocabulary that `words` are.

        Raises:
            PromptError: where they cannot be asked for.
            ConfigError: where rules name labels that are not among them.
        """
        vocabulary = Vocabulary.of(words)
        if self.options.rules is not None:
            self.options.rules.check_labels(vocabulary)
        return vocabulary

    def ask(self, words: Words) -> None:
        """Look for other words from the next frame on; tracks that live are asked at once, for all they have seen.

        Raises:
            ConfigError: where rules name labels that are not among `words`; then nothing changes.
        """
        self.vocabulary = self.check(words)
        self._answers.clear()
        if self.tracks is not None:
            self.tracks.ask(self.vocabulary)
        else:
            self._until_key = 0

    def change_rules(self, rules: RuleSet | None, words: Words) -> tuple[Event, ...]:
        """Take other rules, and words, from the next frame on; what is followed stays.

        Returns:
            The ends of the incidents that went on.

        Raises:
            ConfigError: where the rules cannot be used, or name labels not among `words`; then nothing changes.
        """
        before, self.options = self.options, replace(self.options, rules=rules)
        try:
            watch = self._new_watch()
            self.ask(words)
        except BaseException:
            self.options = before
            raise
        ends, self.watch = self.close(), watch
        return ends

    def restart(self) -> None:
        """Forget what was seen, as after an outage or another scene; incidents and numbers of tracks go on."""
        self.detector.proposer.reset()
        if self.tracks is not None:
            self.tracks.reset()
        self._latest, self._until_key, self._known_key = None, 0, None

    def note(self, outage: SourceEvent) -> None:
        """Take that the source was lost or is back: after a longer outage nothing is where it was."""
        if outage.kind == "back" and outage.outage_seconds > _OUTAGE:
            self.restart()

    def is_key(self, frame: VideoFrame) -> bool:
        """Whether the tower has to look at `frame`, which has to be the next one; found out once for a frame."""
        if self._known_key is None or self._known_key[0] is not frame:
            self._known_key = frame, self._needs_tower(frame)
        return self._known_key[1]

    def follow(
        self, frame: VideoFrame, *, features: ImageFeatures | None = None, outages: tuple[SourceEvent, ...] = ()
    ) -> StreamFrame:
        """Find, follow and judge what a frame shows.

        Args:
            frame: the next frame of this source.
            features: of this frame, where they were encoded together with others; the frame is then a key frame.
            outages: losses and returns of the source before it.
        """
        start, size = time.perf_counter(), frame.image.shape[:2]
        with Timings() as timings:
            if self._size not in (None, size):
                self.restart()
            key = features is not None or self.is_key(frame)
            self._size, self._known_key = size, None
            rows, regions = self._look(frame, features) if key else (self._carry(frame), None)
            if self.detector.verifier is not None and (key or self.tracks is not None):
                rows = self.detector.verifier.rows(frame.image if key else None, rows, self._answers)
            self._until_key = self.options.every - 1 if key else self._until_key - 1
            self._latest = rows
            events: tuple[Event, ...] = ()
            if self.watch is not None:
                with stage("rules"):
                    seen = None if self.tracks is None else self.tracks.embeddings()
                    events = tuple(self.watch.update(rows, frame, seen))
        age = frame.age_seconds + time.perf_counter() - start if frame.age_seconds else 0.0  # recordings have none
        return StreamFrame(frame, rows, events, outages, key, age, timings, regions)

    def close(self) -> tuple[Event, ...]:
        """The ends of incidents that still went on when the source ended."""
        return () if self.watch is None else tuple(self.watch.close())

    def _needs_tower(self, frame: VideoFrame) -> bool:
        if frame.image.shape[:2] != self._size or self._until_key <= 0 or self._latest is None:
            return True
        return self.tracks is not None and self.tracks.changed(frame.image)

    def _new_tracks(self) -> "Tracks | None":
        from regionclip.video.tracking.tracks import Tracks

        return Tracks(self.detector, self.vocabulary, self.options.tracks) if self.options.track else None

    def _new_watch(self) -> Watch | None:
        rules = self.options.rules
        if rules is None:
            return None
        timezone, verifier = self.options.timezone, self.detector.verifier
        return Watch(rules, source=self._source, timezone=timezone, verifier=verifier)

    def _look(self, frame: VideoFrame, features: ImageFeatures | None) -> tuple[sv.Detections, Regions]:
        """A key frame."""
        words, proposer = self.vocabulary, self.detector.proposer
        if self.tracks is not None and proposer.has_memory:
            proposer.update(*self.tracks.followed(frame.image))
        regions = self.detector.regions(frame.image if features is None else features, words=words)
        if self.tracks is None:
            return self.detector.classify(regions, words), regions
        with stage("track"):
            rows = self.tracks.update(regions, frame.image, frame.t_seconds)
        return rows, regions

    def _carry(self, frame: VideoFrame) -> sv.Detections:
        """A frame between key frames."""
        if self.tracks is None:
            assert self._latest is not None  # else it is a key frame
            return self._latest
        with stage("carry"):
            return self.tracks.carry(frame.image, frame.t_seconds)
