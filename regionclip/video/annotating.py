"""annotate_video: a recording in, an annotated video and its results out."""

import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, Unpack

from regionclip.detector import Detector
from regionclip.drawing import Style, Trails, annotate
from regionclip.errors import ConfigError
from regionclip.frames import Frame
from regionclip.timing import Timings, stage
from regionclip.video.follower import Follower, StreamFrame
from regionclip.video.runner import Stream, StreamOptions, stream
from regionclip.video.sources.base import OpenSource
from regionclip.words.vocabulary import Words

if TYPE_CHECKING:
    from regionclip.video.output.result_writer import ResultWriter
    from regionclip.video.output.writer import VideoWriter

_JUDGED: Final = 25
"""Frames over which it is averaged whether the tower knows them."""


@dataclass(frozen=True, slots=True)
class VideoSummary:
    """What was done with a video.

    Attributes:
        frames: written.
        key_frames: at which the tower looked.
        video_seconds: from the first frame to the last.
        wall_seconds: that it took.
        tracks: things that were followed; 0 without tracks.
        events: as many as a log of them has lines: starts and ends of incidents, losses and returns of a camera.
        outages: how often a camera was lost.
        outage_seconds: how long in all, each time from the last good frame to the next.
        missing: frames that are not in the results, which could not be written.
        stages: mean milliseconds a frame of each stage: `read`, `encode`, `propose`, ..., `track`, `draw`, `write`.
    """

    frames: int
    key_frames: int
    video_seconds: float
    wall_seconds: float
    tracks: int
    events: int
    outages: int
    outage_seconds: float
    missing: int
    stages: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outputs:
    """What is written of a stream, and how.

    Attributes:
        video: the annotated video: `.mp4`, `.mkv` or `.webm`; None for none.
        codec: of the video (`regionclip.video.output.writer.VideoWriter`).
        audio: whether the sound of a recording is copied.
        style: how pictures are drawn: `Style(blur=["face"])` hides what is named. None takes the colours of the words.
        results: what was found in each frame: `.jsonl`, `.csv`, or `.json` in COCO's format; None for none.
    """

    video: str | Path | None = None
    codec: str = "h264"
    audio: bool = True
    style: Style | None = None
    results: str | Path | None = None

    def writer(self, frames: Stream) -> "VideoWriter":
        """The video, begun.

        Raises:
            ConfigError: where it would replace the recording that is read.
        """
        from regionclip.video.output.writer import VideoWriter

        assert self.video is not None
        if frames.recording is not None and os.path.realpath(frames.recording) == os.path.realpath(self.video):
            raise ConfigError(f"{self.video}: this is the recording itself; write to another file")
        return VideoWriter(self.video, codec=self.codec, audio_from=frames.recording if self.audio else None)

    def table(self, frames: Stream) -> "ResultWriter":
        """The results, begun."""
        from regionclip.video.output.results import open_results

        assert self.results is not None
        return open_results(self.results, frames.follower.detector, frames.follower.vocabulary)


class Painter:
    """Draws what is known of a source's frames: boxes, trails, zones, and a banner of what is going on.

    Where the tower does not know such frames (`Regions.out_of_domain`), the banner says so from the first one on. After
    that it changes only when most of some dozens of frames say otherwise, so that it does not flicker.

    Args:
        follower: of the source that is drawn.
        style: None takes the words' own colours and a legend of them.
    """

    def __init__(self, follower: Follower, style: Style | None = None) -> None:
        self._follower, self._given = follower, style
        self._style = style or Style(words=follower.vocabulary)
        self._trails = None if follower.tracks is None else Trails()
        self._strange: float | None = None  # running share of frames that the tower does not know
        self._notice: tuple[str, ...] = ()  # drawn above what is going on

    def __call__(self, known: StreamFrame) -> Frame:
        """The annotated picture `(H, W, 3)`."""
        follower, image = self._follower, known.frame.image
        if self._given is None and self._style.words is not follower.vocabulary:
            self._style = Style(words=follower.vocabulary)
        if self._trails is not None:
            self._trails.update(known.detections)
        if known.regions is not None and known.regions.out_of_domain is not None:
            self._judge(known.regions.out_of_domain)
        watch, size = follower.watch, (image.shape[0], image.shape[1])
        return annotate(
            image,
            known.detections,
            style=self._style,
            zones=() if watch is None else watch.shapes(size),
            trails=self._trails,
            banner=[*self._notice, *(() if watch is None else watch.going_on)],
        )

    def _judge(self, out_of_domain: bool) -> None:
        told = float(out_of_domain)
        self._strange = told if self._strange is None else self._strange + (told - self._strange) / _JUDGED
        if abs(self._strange - 0.5) > 0.25:
            self._notice = self._follower.detector.banner(self._strange > 0.5)


def annotate_video(
    source: str | int | Path | OpenSource,
    destination: str | Path,
    detector: Detector,
    words: Words,
    *,
    outputs: "Outputs | None" = None,
    on_frame: Callable[[StreamFrame], None] | None = None,
    **options: Unpack[StreamOptions],
) -> VideoSummary:
    """Write an annotated copy of a video, with its own time stamps and sound.

    The file appears under its name when it is whole. Where the source or this program stops half-way, also by Ctrl-C,
    it holds what was done until then.

    Args:
        source: as in `stream`.
        destination: `.mp4`, `.mkv` or `.webm`.
        detector: finds and labels.
        words: labels in English, Chinese or both.
        outputs: how it is drawn and coded, and what else is written.
        on_frame: called with each frame after it was written.
        **options: as in `stream`: `track`, `every`, `rules`, `sinks`, `max_fps`, ...

    Raises:
        ConfigError: for options that cannot be.
        SourceError: where the source cannot be read.
        FileError: where a file cannot be written.
    """
    outputs = replace(outputs or Outputs(), video=destination)
    with stream(source, detector, words, **options) as frames:
        return run(frames, outputs, on_frame=on_frame)


def run(
    frames: Stream,
    outputs: Outputs,
    *,
    on_frame: Callable[[StreamFrame], None] | None = None,
    on_picture: Callable[[Frame], None] | None = None,
) -> VideoSummary:
    """Go through a stream, write what is asked for, and close it.

    Args:
        frames: an open stream.
        outputs: what is written.
        on_frame: called with each frame after it was written.
        on_picture: called with each annotated picture.
    """
    counted = _Tally()
    paint = Painter(frames.follower, outputs.style) if outputs.video is not None or on_picture is not None else None
    with ExitStack() as stack:
        writer = stack.enter_context(outputs.writer(frames)) if outputs.video is not None else None
        table = None if outputs.results is None else stack.enter_context(outputs.table(frames))
        words = frames.follower.vocabulary
        stack.enter_context(frames)  # closed first: the ends of its incidents are still counted
        for known in frames:
            if paint is not None:
                with known.timings, stage("draw"):
                    picture = paint(known)
            with known.timings, stage("write"):
                if writer is not None:
                    writer.write(picture, known.frame.t_seconds)
                if table is not None:
                    if words is not frames.follower.vocabulary:
                        words = frames.follower.vocabulary
                        table.ask(words)
                    with frames.problems.noted(table):
                        table.write(known.frame, known.detections)
            counted.add(known)
            if on_picture is not None:
                on_picture(picture)
            if on_frame is not None:
                on_frame(known)
    return counted.summary(frames, 0 if table is None else table.missing)


class _Tally:
    """What a summary is made of."""

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self._frames = self._keys = 0
        self._times = (0.0, 0.0)
        self._stages = Timings()

    def add(self, known: StreamFrame) -> None:
        """Count a frame."""
        now = known.frame.t_seconds
        self._times = (self._times[0] if self._frames else now, now)
        self._frames += 1
        self._keys += known.key
        self._stages.add_all(known.timings)

    def summary(self, stream: Stream, missing: int) -> VideoSummary:
        """The figures until now."""
        source, tracks = stream.status(), stream.follower.tracks
        return VideoSummary(
            frames=self._frames,
            key_frames=self._keys,
            video_seconds=self._times[1] - self._times[0],
            wall_seconds=time.perf_counter() - self._start,
            tracks=0 if tracks is None else tracks.count,
            events=stream.event_count,
            outages=0 if source is None else source.outages,
            outage_seconds=0.0 if source is None else source.outage_seconds,
            missing=missing,
            stages={stage: spent / max(self._frames, 1) for stage, spent in self._stages.items()},
        )
