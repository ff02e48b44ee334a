"""Footage: frames with their times out of videos and folders of pictures."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import av
import av.error
import numpy as np

from regionclip.errors import ConfigError, ImageFileError, SourceError
from regionclip.frames import SUFFIXES, Frame, find_images, read_frame

VIDEO_SUFFIXES = frozenset({".mp4", ".mkv", ".avi", ".mov", ".webm", ".ts", ".m4v", ".mpg", ".mpeg"})
"""File names that count as videos when a folder is read."""

_OUTAGE = 10
"""A step of more than so many usual ones is a hole in the footage: nothing was seen, so it adds no hours."""

_WHOLE = 0.9
"""A video that ends before this share of the length it declares was cut short."""

_Shot: TypeAlias = tuple[float, Frame]


@dataclass(slots=True)
class Footage:
    """Videos and folders, one after the other on one clock.

    Looping over it gives `(seconds, frame)`. Between two sources, and at a hole in one, the clock moves on by `pause`,
    so that no alarm reaches over. Counts are those of the frames given so far.

    Attributes:
        sources: videos, and lists of pictures that follow one another.
        fps: frames a second of the pictures; without it each picture is one second.
        every: look at every so-manieth frame.
        pause: seconds.
        frames: how many were given.
        seconds: how much time they stand for.
        faults: what could not be read to its end, and why.
        at_cut: called before the first frame of each further source and after a hole, for what remembers frames.
    """

    sources: Sequence[Path | Sequence[Path]]
    fps: float | None = None
    every: int = 1
    pause: float = 0.0
    frames: int = 0
    seconds: float = 0.0
    faults: list[str] = field(default_factory=list)
    at_cut: Callable[[], None] | None = None

    @classmethod
    def of(cls, paths: Sequence[Path], *, fps: float | None = None, every: int = 1, pause: float = 0.0) -> "Footage":
        """The footage behind videos and folders; a folder holds pictures or videos, which are taken in order of name.

        Raises:
            ImageFileError: where a path does not exist or a folder holds neither.
            ConfigError: where a folder holds both.
        """
        sources: list[Path | Sequence[Path]] = []
        for path in paths:
            sources.extend(_in_folder(path) if path.is_dir() else [_file(path)])
        return cls(sources, fps, every, pause)

    @property
    def has_clock(self) -> bool:
        """Whether the times mean anything: videos have theirs, pictures need `fps`."""
        return self.fps is not None or all(isinstance(source, Path) for source in self.sources)

    @property
    def names(self) -> list[str]:
        """What each source is, for a report."""
        return [
            str(source) if isinstance(source, Path) else f"{len(source)} pictures from {source[0]}"
            for source in self.sources
        ]

    def __len__(self) -> int:
        """About how many frames there will be, for a progress bar."""
        return sum(-(-_length(source) // self.every) for source in self.sources)

    def __iter__(self) -> Iterator[_Shot]:
        now = 0.0
        for source in self.sources:
            spacing, shots = self._open(source)
            before: float | None = None
            for seconds, frame in shots:
                step = spacing if before is None else seconds - before
                hole = before is None or not 0 < step <= _OUTAGE * spacing
                if self.frames:
                    now += spacing + self.pause if hole else step
                    if hole and self.at_cut is not None:
                        self.at_cut()
                self.seconds += spacing if hole else step
                self.frames += 1
                before = seconds
                yield now, frame

    def _open(self, source: Path | Sequence[Path]) -> tuple[float, Iterator[_Shot]]:
        if isinstance(source, Path):
            declared, rate = _declared(source)
            return self.every / rate, self._video(source, declared, rate)
        step = 1.0 / (self.fps or 1.0)
        chosen = range(0, len(source), self.every)
        return step * self.every, ((index * step, read_frame(source[index])) for index in chosen)

    def _video(self, path: Path, declared: float, rate: float) -> Iterator[_Shot]:
        given, last = 0, 0.0
        try:
            with av.open(str(path)) as container:
                stream = container.streams.video[0]
                stream.thread_type = "AUTO"
                for index, picture in enumerate(container.decode(stream)):
                    last = index / rate if picture.time is None else picture.time
                    if index % self.every == 0:
                        given += 1
                        yield last, _upright(picture)
        except av.error.FFmpegError as error:
            if given == 0:
                raise SourceError(f"video {path} cannot be decoded: {error}") from error
            self.faults.append(f"{path}: only {given} frames could be read: {error}")
        if given == 0:
            raise SourceError(f"video {path} has no frames")
        if last < _WHOLE * declared:
            self.faults.append(f"{path} ends after {last:.1f} of {declared:.1f} seconds: it is cut short")


def _upright(picture: av.VideoFrame) -> Frame:
    turns = round(picture.rotation / 90) % 4  # counter-clockwise, as np.rot90 turns
    return np.ascontiguousarray(np.rot90(picture.to_ndarray(format="bgr24"), turns), dtype=np.uint8)


def _in_folder(folder: Path) -> list[Path | Sequence[Path]]:
    files = sorted(path for path in folder.iterdir() if path.is_file())
    videos = [path for path in files if path.suffix.lower() in VIDEO_SUFFIXES]
    if not videos:
        return [find_images([folder])]
    if any(path.suffix.lower() in SUFFIXES for path in files):
        raise ConfigError(f"folder {folder}: expected either videos or pictures, got both; give the files one by one")
    return list(videos)


def _file(path: Path) -> Path | Sequence[Path]:
    if not path.exists():
        raise ImageFileError(f"{path}: no such video or folder")
    return [path] if path.suffix.lower() in SUFFIXES else path


def _length(source: Path | Sequence[Path]) -> int:
    """About how many frames there are."""
    if not isinstance(source, Path):
        return len(source)
    seconds, rate = _declared(source)
    return max(1, round(seconds * rate))


def _declared(path: Path) -> tuple[float, float]:
    """Seconds that a video says it lasts, 0 where it does not say, and frames a second, 25 where it does not."""
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise SourceError(f"{path}: expected a video, got a file without pictures")
            stream = container.streams.video[0]
            seconds = float(stream.duration * stream.time_base) if stream.duration and stream.time_base else 0.0
            return seconds, float(stream.average_rate or 25)
    except SourceError:
        raise
    except (av.error.FFmpegError, OSError) as error:
        raise SourceError(f"video {path} cannot be opened: {error}") from error
