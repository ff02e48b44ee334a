"""stream: frames of one source in, labelled frames and events out."""

import time
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Self, TypedDict, Unpack

import supervision as sv

from regionclip.detector import Detector
from regionclip.errors import OutputWarning
from regionclip.frames import Frame
from regionclip.sinks.problems import Problems
from regionclip.sinks.sink import AnyEvent, CameraSink, Sink, hand_on, show
from regionclip.video.follower import Follower, StreamFrame
from regionclip.video.options import FollowOptions
from regionclip.video.rules.file import RuleSet, load_rules
from regionclip.video.rules.watch import Event
from regionclip.video.sources.base import OpenSource, SourceEvent, SourceStatus
from regionclip.video.sources.every import RecordedSource
from regionclip.video.sources.live import LiveSource
from regionclip.video.sources.opening import SourceMode, open_source
from regionclip.video.sources.options import LiveOptions
from regionclip.video.tracking.settings import TrackSettings
from regionclip.words.vocabulary import Words


class StreamOptions(TypedDict, total=False):
    """Options of `stream` and what is built on it.

    Attributes:
        track: whether things are followed (default); needs `pip install "regionclip[video]"`.
        every: the tower looks at each so many frames (default 1); see `FollowOptions.every`.
        tracks: settings of the tracks.
        rules: zones and rules that make events, or the TOML file of them (docs/events.md).
        sinks: where events go (`regionclip.sinks.log_and_snapshots`), `Snapshots` first; they are
            closed by whoever opened them. One that raises a FileError does not stop the stream.
        on_problem: gets a line when a sink or the results cannot be written, as on a full disk, and one when that is
            over; None warns (`OutputWarning`).
        timezone: of the place, as `Asia/Shanghai`; UTC by default.
        mode: as in `regionclip.video.sources.opening.open_source`, like those that follow.
        fps: for pictures, which have no times.
        max_fps: frames a second at most.
        start_utc: when a recording starts, seconds since 1970 UTC.
        live: timeouts and reconnecting.
    """

    track: bool
    every: int
    tracks: TrackSettings | None
    rules: RuleSet | str | Path | None
    sinks: Sequence[Sink]
    on_problem: Callable[[str], None] | None
    timezone: str | None
    mode: SourceMode
    fps: float | None
    max_fps: float | None
    start_utc: float | None
    live: LiveOptions | None


_OF_FOLLOWER = ("track", "every", "tracks", "timezone")
_OF_SOURCE = ("mode", "fps", "max_fps", "start_utc", "live")


def stream(
    source: str | int | Path | OpenSource, detector: Detector, words: Words, **options: Unpack[StreamOptions]
) -> "Stream":
    """Look for words in a video, camera or folder of pictures, frame by frame.

        with regionclip.stream("rtsp://10.0.0.7/live", det, ["person", "叉车"], every=5) as frames:
            for each in frames:
                print(each.frame.t_seconds, each.detections.data["class_name"], each.events)

    Args:
        source: what `open_source` takes, or a source that is open (its own options are then its own affair); it is
            closed in the end.
        detector: may serve any number of streams, in any threads; what a proposer remembers is kept for each.
        words: labels in English, Chinese or both; `Stream.ask` changes them while it runs.
        **options: see `StreamOptions`.

    Raises:
        ConfigError: for options that cannot be, or do not go with such a source.
        SourceError: where a recording cannot be read.
    """
    rules = options.get("rules")
    follow = FollowOptions(
        rules=load_rules(rules) if isinstance(rules, str | Path) else rules, **_only(options, _OF_FOLLOWER)
    )
    outages: deque[SourceEvent] = deque()
    if isinstance(source, str | int | Path):
        source = open_source(source, on_event=outages.append, **_only(options, _OF_SOURCE))
    try:
        follower = Follower(detector, words, source=source.id, options=follow)
    except BaseException:
        source.close()
        raise
    problems, sinks = Problems(options.get("on_problem") or _warn), options.get("sinks", ())
    for sink in sinks:
        if isinstance(sink, CameraSink):
            sink.watching(source.id, () if follow.rules is None else follow.rules.rules)
    return Stream(source, follower, sinks=sinks, outages=outages, problems=problems)


def _only(options: StreamOptions, keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: value for key, value in options.items() if key in keys}


def _warn(line: str) -> None:
    warnings.warn(line, OutputWarning, stacklevel=2)


class Stream:
    """A source that is being followed: a loop over it gives each frame with what is known of it. Made by `stream`.

    One thread reads it; `ask`, `stop` and `status` may be called from any.

    Args:
        source: closed in the end.
        follower: the memory of this source.
        sinks: are sent every event and every outage.
        outages: filled by the source, emptied by this.
        problems: of sinks, and of what else is written beside the stream.

    Attributes:
        frames: given so far.
        event_count: as many as a log has lines: starts and ends of incidents, losses and returns of the camera.
        ends: after `close`, the ends of incidents that went on until then.
    """

    def __init__(
        self,
        source: OpenSource,
        follower: Follower,
        *,
        sinks: Sequence[Sink],
        outages: deque[SourceEvent],
        problems: Problems,
    ) -> None:
        self.source, self.follower, self.problems = source, follower, problems
        self.frames = self.event_count = 0
        self.ends: tuple[Event, ...] = ()
        self._sinks, self._outages = sinks, outages
        self._words: deque[Words] = deque(maxlen=1)
        self._stopped = self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[StreamFrame]:
        while not self._stopped:
            start = time.perf_counter()
            frame = self.source.read(timeout=0.2)
            waited = (time.perf_counter() - start) * 1000
            outages = self._take_outages()
            if frame is None:
                if self.source.ended:
                    return
                continue
            if self._words:
                self.follower.ask(self._words.popleft())
            known = self.follower.follow(frame, outages=outages)
            known.timings["read"] = waited
            self.frames += 1
            for event in known.events:
                self._send(event, frame.image, known.detections)
            show(self._sinks, frame, known.regions)
            yield known

    @property
    def recording(self) -> str | None:
        """The video file that is read, whose sound can be copied; None for all else."""
        return self.source.path if isinstance(self.source, RecordedSource) else None

    def ask(self, words: Words) -> None:
        """Look for other words from the next frame on; tracks are asked for all they have seen.

        Raises:
            PromptError: for words that cannot be asked for.
            ConfigError: where rules name labels that are not among them; then the old words stay.
        """
        self._words.append(self.follower.check(words))

    def status(self) -> SourceStatus | None:
        """How a live source is doing; None of a recording."""
        return self.source.status() if isinstance(self.source, LiveSource) else None

    def stop(self) -> None:
        """End the loop after the frame it is at, from another thread or a signal handler."""
        self._stopped = True

    def close(self) -> None:
        """Let go of the source, and end the incidents that go on."""
        self._stopped = True
        if self._closed:
            return
        self._closed = True
        self.source.close()
        self._take_outages()
        self.ends = self.follower.close()
        for event in self.ends:
            self._send(event)

    def _send(self, event: AnyEvent, image: Frame | None = None, rows: sv.Detections | None = None) -> None:
        self.event_count += 1
        hand_on(self._sinks, event, image, rows, problems=self.problems)

    def _take_outages(self) -> tuple[SourceEvent, ...]:
        """Losses and returns of the source since the last look, which are also sent to the sinks."""
        outages = tuple(self._outages.popleft() for _ in range(len(self._outages)))
        for outage in outages:
            self._send(outage)
            self.follower.note(outage)
        return outages
