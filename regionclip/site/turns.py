"""Site: many cameras, one tower. Each camera has its own memory; they take turns, and none waits for another."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from threading import Event as Bell
from typing import Self

import numpy as np
import supervision as sv

from regionclip.detector import Detector, batch_of
from regionclip.errors import ConfigError, InputError, RegionclipError
from regionclip.formats.files import write_file
from regionclip.frames import Frame
from regionclip.sinks.problems import Problems
from regionclip.sinks.sink import AnyEvent
from regionclip.site.camera import SiteCamera
from regionclip.site.file import SiteFile
from regionclip.site.outputs import SiteOutputs
from regionclip.site.settings import CameraSettings, SiteSettings
from regionclip.site.status import CameraStatus, status_json
from regionclip.timing import Timings
from regionclip.towers.base import ImageFeatures
from regionclip.video.follower import Follower
from regionclip.video.options import FollowOptions
from regionclip.video.rules.schedule import timezone_of
from regionclip.video.sources.base import VideoFrame
from regionclip.words.vocabulary import Vocabulary

_TICK = 1.0
"""Seconds from one look at schedules, files and states to the next."""

_PULSE = 0.2
"""Most seconds without a look at whether to stop."""

_STATUS_SECONDS = 5.0


class Site:
    """Many cameras that share a detector, from when `run` is called until `stop`.

    Args:
        site: its settings, or the file of them, which is then read again whenever it changes.
        detector: shared; what a proposer remembers is kept for each camera.
        say: gets a line for people when something begins, ends or goes wrong. Passwords are masked.
        on_event: called with each event, and with each loss and return of a camera.

    Attributes:
        settings: as they are now.
        problems: what is wrong with the site as a whole: a full disk, a mistake in its file.

    Raises:
        RegionclipError: where cameras cannot be followed as the settings say, or outputs cannot be opened.
    """

    def __init__(
        self,
        site: SiteSettings | SiteFile,
        detector: Detector,
        *,
        say: Callable[[str], None] = lambda line: None,
        on_event: Callable[[AnyEvent], None] = lambda event: None,
    ) -> None:
        self._file = site if isinstance(site, SiteFile) else None
        self.settings = site.settings if isinstance(site, SiteFile) else site
        self._detector, self._log, self._on_event = detector, say, on_event
        self._bell = Bell()  # rung by sources when a frame has come
        self._stopping = self._again = False
        self._started, self._status_due = time.time(), 0.0
        self.problems = Problems(say, catch=Exception)  # no output may stop the cameras
        try_out(self.settings.cameras, detector)
        self._outputs = SiteOutputs(self.settings.outputs, self.problems, say)
        self._outputs.watching(self.settings.cameras)
        self._cameras = {each.name: self._camera(each) for each in self.settings.cameras}
        self._left: list[SiteCamera] = []
        self._ring = deque(self._cameras.values())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def run(self, on_tick: Callable[[], None] = lambda: None) -> None:
        """Watch all cameras until `stop`, or until all are recordings that have ended.

        Args:
            on_tick: called about once a second.
        """
        due = float("-inf")
        while not self._stopping:
            if time.monotonic() >= due:
                due = time.monotonic() + _TICK
                self._tick()
                on_tick()
                if self._is_over():
                    break
            if not self._turn():
                self._bell.wait(max(0.0, min(_PULSE, due - time.monotonic())))
                self._bell.clear()
        self._stopping = False  # it may be run again

    def stop(self) -> None:
        """End `run` after the turn it is at; from another thread or a signal handler."""
        self._stopping = True  # the bell stays silent: a signal handler must not wait for its lock

    def read_again(self) -> None:
        """Read the file again at the next tick, changed or not; from another thread or a signal handler."""
        self._again = True

    def close(self) -> None:
        """Close all cameras, end the incidents that go on, and close the outputs; may be called twice."""
        for camera in self._cameras.values():
            camera.leave()
        for camera in (*self._cameras.values(), *self._left):
            camera.join()
        self._write_status()
        self._outputs.close()

    def status(self) -> list[CameraStatus]:
        """How the cameras are doing, in the order of the settings."""
        return [camera.status() for camera in self._cameras.values()]

    @property
    def stages(self) -> Timings:
        """Milliseconds of each stage, of all frames of all cameras."""
        total = Timings()
        for camera in self._cameras.values():
            total.add_all(camera.counts.stages)
        return total

    def apply(self, settings: SiteSettings) -> list[str]:
        """Take other settings: cameras that have changed notice, the others do not.

        Returns:
            What has changed, a line each.

        Raises:
            RegionclipError: where they cannot be used; then nothing changes.
        """
        new = [each for each in settings.cameras if each not in self.settings.cameras]
        try_out(new, self._detector)
        lines = []
        if settings.outputs != self.settings.outputs:
            self._outputs.change(settings.outputs)
            lines.append("other outputs")
        if settings.detector != self.settings.detector:
            lines.append("[detector] is changed by a new start only")
        self.settings = settings
        wanted = {each.name: each for each in settings.cameras}
        for name in [name for name in self._cameras if name not in wanted]:
            camera = self._cameras.pop(name)
            camera.leave()
            self._left.append(camera)
            lines.append(f"{name}: removed")
        for name, each in wanted.items():
            if name not in self._cameras:
                self._cameras[name] = self._camera(each)
                lines.append(f"{name}: added")
            elif what := self._cameras[name].change(each):
                lines.append(f"{name}: {what}")
        self._cameras = {name: self._cameras[name] for name in wanted}
        self._ring = deque(self._cameras.values())
        self._outputs.watching(settings.cameras)
        return lines

    def _camera(self, settings: CameraSettings) -> SiteCamera:
        return SiteCamera(settings, detector=self._detector, bell=self._bell, send=self._send, log=self._log)

    def _send(self, event: AnyEvent, image: Frame | None, rows: sv.Detections | None) -> None:
        """Hand an event to the outputs and to `on_event`."""
        self._outputs.send(event, image, rows)
        self._on_event(event)

    def _turn(self) -> bool:
        """Follow a frame each of the next few cameras that have one; whether any had."""
        taken: list[tuple[SiteCamera, VideoFrame]] = []
        for _ in range(len(self._ring)):
            camera = self._ring[0]
            self._ring.rotate(-1)  # the next turn begins behind the last one that was looked at: nobody is passed over
            if (frame := camera.read()) is not None:
                taken.append((camera, frame))
                if len(taken) == self._batch:
                    break
        features = self._encoded(taken)
        for camera, frame in taken:
            known = camera.follow(frame, features.get(camera))
            if known is not None:
                self._outputs.see(frame, known.regions)
        return bool(taken)

    @property
    def _batch(self) -> int:
        return self.settings.batch or batch_of(self._detector.tower)

    def _encoded(self, taken: Sequence[tuple[SiteCamera, VideoFrame]]) -> dict[SiteCamera, ImageFeatures]:
        """Features of frames that the tower has to look at, where there are several; nothing runs yet."""
        keys = [(camera, frame) for camera, frame in taken if len(taken) > 1 and camera.needs_tower(frame)]
        if len(keys) < 2:
            return {}
        try:
            features = self._detector.features_of([frame.image for _, frame in keys])
        except RegionclipError:  # one frame is bad: each camera finds out by itself
            return {}
        return {camera: each for (camera, _), each in zip(keys, features, strict=True)}

    def _tick(self) -> None:
        self._read_file()
        local = datetime.now(timezone_of(self.settings.timezone))
        for camera in self._cameras.values():
            camera.update(local)
        self._left = [camera for camera in self._left if camera.is_leaving]
        if time.monotonic() >= self._status_due:
            self._status_due = time.monotonic() + _STATUS_SECONDS
            self._write_status()

    def _read_file(self) -> None:
        """Look whether the file has changed; with a mistake in it the old settings stay."""
        if self._file is None:
            return
        again, self._again = self._again, False
        try:
            settings = self._file.news(again=again)
            if settings is None:
                return
            lines = self.apply(settings)
        except RegionclipError as error:
            text = " ".join(str(error).split())
            self.problems.begin("file", type(error)(f"{text}; the settings from before stay"))
            return
        self.problems.forget("file")
        self._log(f"{self._file.path}: read again, {', '.join(lines) or 'nothing has changed'}")

    def _write_status(self) -> None:
        content = status_json(self.status(), started=self._started, problems=self.problems.texts)
        self._outputs.keep_status(content)
        if self.settings.status is not None:
            with self.problems.noted("status"):
                write_file(self.settings.status, content)

    def _is_over(self) -> bool:
        enabled = [camera for camera in self._cameras.values() if camera.settings.enabled]
        return bool(enabled) and all(camera.ended for camera in enabled)


def try_out(cameras: Iterable[CameraSettings], detector: Detector) -> None:
    """Follow a black frame as each camera is to be followed: words are encoded, and mistakes found, before any is open.

    Raises:
        RegionclipError: naming the camera, where it cannot be followed so.
    """
    tried: list[tuple[Vocabulary, FollowOptions]] = []
    black = np.zeros((96, 128, 3), np.uint8)  # (H, W, 3)
    for camera in cameras:
        words, bare = camera.words, replace(camera.follow, rules=None)  # zones in pixels would not fit that frame
        try:
            Follower(detector, words, source=camera.name, options=camera.follow)
            if (words, bare) not in tried:
                tried.append((words, bare))
                Follower(detector, words, source=camera.name, options=bare).follow(VideoFrame(black, 0, 0, camera.name))
        except InputError as error:
            raise ConfigError(f"camera {camera.name!r}: {error}") from error
