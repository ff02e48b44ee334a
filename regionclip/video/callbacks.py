"""Callbacks that fit supervision's own loops: `sv.process_video` and `sv.InferenceSlicer`."""

from typing import overload

import supervision as sv

from regionclip.detector import Detector
from regionclip.drawing import Style
from regionclip.errors import FrameError
from regionclip.frames import Frame
from regionclip.video.annotating import Painter
from regionclip.video.follower import Follower
from regionclip.video.options import FollowOptions
from regionclip.video.sources.base import VideoFrame
from regionclip.words.vocabulary import Vocabulary, Words


class FrameCallback:
    """Annotates frame after frame of one video: `sv.process_video(src, dst, callback=FrameCallback(det, words))`.

    `annotate_video` does more (time stamps, sound, a file that browsers play); this is for loops that exist.

    Args:
        detector: finds and labels.
        words: labels in English, Chinese or both.
        options: how the video is followed.
        style: how it is drawn; None takes the colours of the words.
        fps: frames a second of the video, by which numbers of frames become times.
    """

    def __init__(
        self,
        detector: Detector,
        words: Words,
        *,
        options: FollowOptions | None = None,
        style: Style | None = None,
        fps: float = 25.0,
    ) -> None:
        self.follower = Follower(detector, words, source="video", options=options)
        self._paint = Painter(self.follower, style)
        self._fps = fps

    def __call__(self, frame: Frame, index: int) -> Frame:
        """The annotated copy of frame `index`, `(H, W, 3)` uint8 BGR."""
        return self._paint(self.follower.follow(VideoFrame(frame, index / self._fps, index, "video")))


class SliceCallback:
    """Labels slices of a large picture: `sv.InferenceSlicer(callback=SliceCallback(det, words), batch_size=8)`.

    regionclip's own tiles (`Config.tiles`) cut nothing at their borders; this is for code that has a slicer already.

    Args:
        detector: its proposer must not remember frames: slices are not frames of one camera.
        words: labels in English, Chinese or both.

    Raises:
        FrameError: for a proposer with memory.
    """

    def __init__(self, detector: Detector, words: Words) -> None:
        if detector.proposer.has_memory:
            raise FrameError("slices: expected a proposer without memory; slices are not frames of one camera")
        self._detector, self._words = detector, Vocabulary.of(words)

    @overload
    def __call__(self, slices: Frame) -> sv.Detections: ...
    @overload
    def __call__(self, slices: list[Frame]) -> list[sv.Detections]: ...
    def __call__(self, slices: Frame | list[Frame]) -> sv.Detections | list[sv.Detections]:
        """Detections of one slice, or of each of a list, which are encoded together."""
        if isinstance(slices, list):
            return self._detector.batch(slices, self._words)
        return self._detector(slices, self._words)
