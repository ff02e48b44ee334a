"""PerceptionCore: frames of one camera and words in, detections out. It knows no transport."""

from dataclasses import dataclass, replace
from threading import Lock

import numpy as np
import supervision as sv
from numpy.typing import NDArray

from regionclip.detector import Detector
from regionclip.errors import PromptError, RegionclipError
from regionclip.frames import Frame, FrameLike, to_frame
from regionclip.robot.messages import Header
from regionclip.robot.prompts import MOST_LABELS
from regionclip.robot.statistics import Statistics
from regionclip.timing import Timings
from regionclip.video.follower import Follower
from regionclip.video.options import FollowOptions
from regionclip.video.sources.base import VideoFrame
from regionclip.words.vocabulary import Vocabulary, Words


@dataclass(frozen=True, slots=True, eq=False)
class PromptSet:
    """Words as they were asked for at one time.

    Attributes:
        version: 1 for the first words, one more with each change.
        vocabulary: the words.
        thresholds: least confidence of each label, `(C,)`.
    """

    version: int
    vocabulary: Vocabulary
    thresholds: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """What is known of a frame.

    Attributes:
        frame: `(H, W, 3)` uint8 BGR.
        header: of its message, as it came.
        detections: as `Detector` gives them; with tracks also `tracker_id`.
        prompts: the words that were asked for.
        timings: milliseconds of each stage.
    """

    frame: Frame
    header: Header
    detections: sv.Detections
    prompts: PromptSet
    timings: Timings


class PerceptionCore:
    """Looks at the frames of one camera, in order; several cameras share the detector and have a core each.

        core = PerceptionCore(regionclip.load("tiny"), ["person", "红色的灭火器"])
        result = core.process(frame, Header(stamp_ns, "camera_link"))
        core.set_prompts(["forklift"])  # from any thread

    Args:
        detector: shared.
        words: labels to look for.
        source: name of the camera.
        track: whether things are followed from frame to frame; needs the extra `video`.
        every: the tower looks at each so many frames (`FollowOptions.every`).
        statistics: where it is counted; None begins anew, with the clock of this machine.

    Attributes:
        prompts: the words of the next frame.

    Raises:
        PromptError: for words that cannot be asked for.
    """

    def __init__(
        self,
        detector: Detector,
        words: Words,
        *,
        source: str = "camera",
        track: bool = False,
        every: int = 1,
        statistics: Statistics | None = None,
    ) -> None:
        self.detector, self.source = detector, source
        self.statistics = statistics or Statistics()
        self._setting, self._looking = Lock(), Lock()
        self.prompts = self._prepared(Vocabulary.of(words), 1)
        options = FollowOptions(track=track, every=every)
        self._follower = Follower(detector, self.prompts.vocabulary, source=source, options=options)
        self._in_force = self.prompts
        self._index, self._latest = 0, float("-inf")

    def process(self, frame: FrameLike, header: Header) -> Result:
        """Look at the next frame. One that is older than the one before begins anew, as where a bag is played again.

        Raises:
            FrameError: where the frame cannot be used.
        """
        image = to_frame(frame)
        with self._looking:
            prompts = self.prompts
            if prompts is not self._in_force:
                self._follower.ask(prompts.vocabulary)
                self._in_force = prompts
            seconds = header.stamp_ns / 1e9 if header.stamp_ns else self.statistics.clock()
            if seconds < self._latest:
                self._follower.restart()
            self._latest = seconds
            known = self._follower.follow(VideoFrame(image, seconds, self._index, self.source))
            self._index += 1
        self.statistics.answered(header.stamp_ns, known.timings)
        return Result(image, header, known.detections, prompts, known.timings)

    def set_prompts(self, words: Words, threshold: float | None = None) -> int:
        """Look for other words from the next frame on. They are encoded here and now, while frames go on.

        Args:
            words: labels to look for.
            threshold: least confidence of labels without one of their own; None takes that of the words, else the one
                that was asked for before.

        Returns:
            The version of the words, which the results that used them name.

        Raises:
            PromptError, FingerprintError: for words that cannot be asked for; the old ones stay.
        """
        with self._setting:
            try:
                self.prompts = self.prepare(words, threshold, self.prompts)
            except RegionclipError as error:
                self.statistics.problem(f"words refused, the old ones stay: {error}")
                raise
            return self.prompts.version

    def prepare(self, words: Words, threshold: float | None, after: PromptSet) -> PromptSet:
        """Words encoded, as `set_prompts` takes them, and not yet in force: assigned to `prompts` they are.

        Args:
            words: labels to look for.
            threshold: as of `set_prompts`.
            after: the words before.

        Raises:
            PromptError, FingerprintError: for words that cannot be asked for.
        """
        given = Vocabulary.of(words)
        levels = (threshold, given.threshold, after.vocabulary.threshold)
        level = next((level for level in levels if level is not None), None)
        return self._prepared(replace(given, threshold=level), after.version + 1)

    def _prepared(self, vocabulary: Vocabulary, version: int) -> PromptSet:
        """Words, encoded, so that asking for them takes no time and cannot fail."""
        if not 0 < len(vocabulary) <= MOST_LABELS:
            raise PromptError(f"words: expected 1 to {MOST_LABELS} labels, got {len(vocabulary)}")
        asked = self.detector.scorer.ask(self.detector.prepare(vocabulary))
        return PromptSet(version, vocabulary, asked.thresholds)
