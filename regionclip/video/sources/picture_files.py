"""Folders, glob patterns and numbered pictures as a video."""

import glob
import re
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from regionclip.errors import SourceError
from regionclip.frames import Frame, find_images, read_frame
from regionclip.video.sources.base import Reader

PATTERN = re.compile(r"%0?\d*d")
"""The place of the number in a name such as `frame_%04d.jpg`."""


class PictureReader(Reader):
    """Pictures one after another.

    Args:
        files: number and path of each, numbers from 0; frame n has the time n / fps.
        fps: pictures a second.
    """

    def __init__(self, files: Iterable[tuple[int, Path]], fps: float) -> None:
        self._files, self._fps, self._next = list(files), fps, 0
        self.duration_seconds = (self._files[-1][0] + 1) / fps if self._files else 0.0

    def grab(self) -> float | None:
        """Go on to the next picture; its time."""
        if self._next == len(self._files):
            return None
        self._next += 1
        return self._files[self._next - 1][0] / self._fps

    def take(self) -> Callable[[], Frame]:
        """The picture, not read yet; reading raises an ImageFileError where it is damaged."""
        return partial(read_frame, self._files[self._next - 1][1])

    def close(self) -> None:
        """Nothing is held open."""


def numbered_files(pattern: str) -> list[tuple[int, Path]]:
    """The files of a pattern such as `shots/f_%04d.jpg`, counted from the first that exists; gaps keep their numbers.

    Raises:
        SourceError: where no file matches.
    """
    before, after = PATTERN.split(pattern, maxsplit=1)
    matches = []
    for name in glob.glob(f"{glob.escape(before)}*{glob.escape(after)}"):  # noqa: PTH207 - a path, not a pattern in one
        number = name[len(before) : len(name) - len(after)]
        if number.isascii() and number.isdecimal() and PATTERN.search(pattern)[0] % int(number) == number:  # type: ignore[index]
            matches.append((int(number), Path(name)))
    if not matches:
        raise SourceError(f"{pattern}: no file matches the pattern")
    matches.sort()
    return [(number - matches[0][0], path) for number, path in matches]


def listed_files(source: str) -> list[tuple[int, Path]]:
    """The pictures of a folder or glob pattern, by name; numbers in names count as numbers (`9.jpg` before `10.jpg`).

    Raises:
        ImageFileError: where there is none.
    """
    return list(enumerate(sorted(find_images([source]), key=_natural)))


def _natural(path: Path) -> list[tuple[int, str]]:
    """Digits and the rest of a path in turns, so that numbers compare as numbers."""
    parts = re.split(r"(\d+)", str(path))
    return [(int(part), part) if place % 2 else (0, part) for place, part in enumerate(parts)]
