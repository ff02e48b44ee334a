"""PerceptionCore: frames of one camera and words in, detections out. It knows no transport."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
import supervision as sv
from numpy.typing import NDArray

from regionclip.answers.regions import Regions
from regionclip.detector import Detector
from regionclip.errors import MessageError, PromptError, RegionclipError
from regionclip.frames import Frame, FrameLike, to_frame
from regionclip.robot.depth import Places, View
from regionclip.robot.messages import Header
from regionclip.robot.prompts import MOST_LABELS
from regionclip.robot.statistics import Statistics
from regionclip.timing import Timings
from regionclip.video.follower import Follower
from regionclip.video.options import FollowOptions
from regionclip.video.sources.base import VideoFrame
from regionclip.words.vocabulary import Vocabulary, Words

Watch = Callable[[Sequence[str]], Iterable[str]]

REFUSED = "words refused, the old ones stay"
"""What is told of words that cannot be asked for."""


class PromptSet(NamedTuple):
    """Words as they were asked for at one time: version (1 for the first), and least confidences `(C,)`."""

    version: int
    vocabulary: Vocabulary
    thresholds: NDArray[np.float64]


class Prompts:
    """The words of one camera, or of several that share them; `newest` are those of the next frame.

    Raises:
        PromptError: for words that cannot be asked for.
    """

    def __init__(self, detector: Detector, words: Words) -> None:
        self._detector, self._setting = detector, Lock()
        self.newest = self._encoded(Vocabulary.of(words), 1)

    def set(self, words: Words, threshold: float | None, watch: Watch = iter) -> int:
        """As `PerceptionCore.set_prompts`; `watch` hands the phrases on one by one, and may raise."""
        with self._setting:
            given, before = Vocabulary.of(words), self.newest
            levels = (threshold, given.threshold, before.vocabulary.threshold)
            level = next((level for level in levels if level is not None), None)
            self.newest = self._encoded(replace(given, threshold=level), before.version + 1, watch)
            return self.newest.version

    def _encoded(self, vocabulary: Vocabulary, version: int, watch: Watch = iter) -> PromptSet:
        """So that asking for them takes no time and cannot fail."""
        if not 0 < len(vocabulary) <= MOST_LABELS:
            raise PromptError(f"words: expected 1 to {MOST_LABELS} labels, got {len(vocabulary)}")
        asked = self._detector.scorer.ask(self._detector.prepare(vocabulary, watch=watch))
        return PromptSet(version, vocabulary, asked.thresholds)


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """What is known of a frame.

    Attributes:
        frame: `(H, W, 3)` uint8 BGR.
        detections: as `Detector` gives them; with tracks also `tracker_id`.
        timings: milliseconds of each stage.
        regions: all that the tower saw in this frame, with its embeddings; None where it did not look.
        view: depth and camera of the frame; None without them, or where they cannot be used.
        places: where each detection is; None without a view.
    """

    frame: Frame
    header: Header
    detections: sv.Detections
    prompts: PromptSet
    timings: Timings
    regions: Regions | None = None
    view: View | None = None
    places: Places | None = None


class PerceptionCore:
    """Looks at the frames of one camera, in order; several cameras share the detector and have a core each.

        core = PerceptionCore(regionclip.load("tiny"), ["person", "红色的灭火器"])
        result = core.process(frame, Header(stamp_ns, "camera_link"))
        core.set_prompts(["forklift"])  # from any thread

    Args:
        words: labels to look for; `Prompts` where cameras share them.
        source: name of the camera.
        track: whether things are followed from frame to frame; needs the extra `video`.
        every: the tower looks at each so many frames (`FollowOptions.every`).
        rectified: whether frames and depth are rectified, so that the `P` of a camera_info holds, not its `K`.
        statistics: where it is counted; None begins anew, with the clock of this machine.

    Raises:
        PromptError: for words that cannot be asked for.
    """

    def __init__(
        self,
        detector: Detector,
        words: Words | Prompts,
        *,
        source: str = "camera",
        track: bool = False,
        every: int = 1,
        rectified: bool = False,
        statistics: Statistics | None = None,
    ) -> None:
        self.detector, self.source, self._rectified = detector, source, rectified
        self.statistics = statistics or Statistics()
        self._looking = Lock()
        self._prompts = words if isinstance(words, Prompts) else Prompts(detector, words)
        self._in_force = self.prompts
        options = FollowOptions(track=track, every=every)
        self._follower = Follower(detector, self.prompts.vocabulary, source=source, options=options)
        self._index, self._latest = 0, float("-inf")

    @property
    def prompts(self) -> PromptSet:
        """The words of the next frame."""
        return self._prompts.newest

    def process(
        self,
        frame: FrameLike,
        header: Header,
        *,
        depth: NDArray[np.float32] | None = None,
        camera_info: Any = None,  # noqa: ANN401 - whoever's message class
    ) -> Result:
        """Look at the next frame. One that is older than the one before begins anew, as where a bag is played again.

        Args:
            frame: as in `Detector`.
            header: of its message.
            depth: `(H, W)` metres, registered to the frame, as `images.depth_of` gives it; None for none.
            camera_info: the `sensor_msgs/CameraInfo` of the depth. Where one of the two cannot be used, the statistics
                tell it as a problem, and the result is that without depth.

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
        rows, view = known.detections, self._view(image, depth, camera_info)
        places = None if view is None else view.locate(np.asarray(rows.xyxy, np.float32))
        self.statistics.answered(header.stamp_ns, known.timings)
        return Result(image, header, rows, prompts, known.timings, known.regions, view, places)

    def set_prompts(self, words: Words, threshold: float | None = None) -> int:
        """Look for other words from the next frame on, and give their version. They are encoded while frames go on.

        Args:
            words: labels to look for.
            threshold: least confidence of labels without one of their own; None takes that of the words, else the one
                that was asked for before.

        Raises:
            PromptError, FingerprintError: for words that cannot be asked for; the old ones stay.
        """
        try:
            return self._prompts.set(words, threshold)
        except RegionclipError as error:
            self.statistics.problem(f"{REFUSED}: {error}")
            raise

    def _view(self, image: Frame, depth: NDArray[np.float32] | None, camera_info: Any) -> View | None:  # noqa: ANN401
        if depth is None:
            return None
        try:
            return View.of(depth, camera_info, image.shape[:2], rectified=self._rectified)
        except MessageError as error:
            self.statistics.problem(f"no positions: {error}")
            return None
