"""Where a command may write: never over what it reads, never twice to one file."""

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

from regionclip.errors import ConfigError

Named: TypeAlias = Mapping[str, str | Path | Iterable[str | Path] | None]
"""Paths by the option, or argument, that names them."""

_TEXTS = ("--json", "--results", "--events")
_VIDEOS = {".mp4", ".mkv", ".avi", ".mov", ".webm", ".ts", ".m4v", ".mpg", ".mpeg"}


def check_outputs(files: Named, inputs: Named, *, folders: Named | None = None) -> None:
    """Refuse outputs that would cost a file, before any work is done.

    Two names are one file where the file system says so (links are followed), also before the file is there. `-` and
    devices may be written by several. An input that is a folder stands for the files in it.

    Args:
        files: what will be written, by option; None and `-` are no file.
        inputs: what is read, by option; what is not there is no input.
        folders: folders that will be written to, by option.

    Raises:
        ConfigError: where an output is an input or another output, a file is a folder, or a folder a file; and where
            text would take the place of a picture or a video.
    """
    read = {_identity(path): option for option, path in _inputs(inputs)}
    taken: dict[object, str] = {}
    for option, path, kind in (*_outputs(files, "file"), *_outputs(folders or {}, "folder")):
        if path.exists() and path.is_dir() != (kind == "folder"):
            raise ConfigError(f"{option} {path}: expected a {kind}, got a {'file' if kind == 'folder' else 'folder'}")
        if option in _TEXTS and path.is_file() and _is_media(path):
            raise ConfigError(f"{option} {path}: this is a picture or a video, which would be lost; give another name")
        identity = _identity(path)
        if identity in read:
            raise ConfigError(
                f"{option} {path}: this is what {read[identity]} reads, which would be lost; give another name"
            )
        if identity in taken:
            raise ConfigError(f"{option} {path}: {taken[identity]} writes the same {kind}; give each a name of its own")
        taken[identity] = option


def _outputs(named: Named, kind: str) -> Iterator[tuple[str, Path, str]]:
    for option, path in _pairs(named):
        if str(path) != "-" and (not path.exists() or path.is_file() or path.is_dir()):
            yield option, path, kind


def _inputs(named: Named) -> Iterator[tuple[str, Path]]:
    for option, path in _pairs(named):
        if path.is_dir():
            yield from ((option, each) for each in path.iterdir() if each.is_file())
        elif path.is_file():
            yield option, path


def _pairs(named: Named) -> Iterator[tuple[str, Path]]:
    for option, given in named.items():
        for path in () if given is None else (given,) if isinstance(given, str | Path) else given:
            yield option, Path(path)


def _is_media(path: Path) -> bool:
    from regionclip.frames import SUFFIXES  # only where there is a file: `--help` needs no numpy

    return path.suffix.lower() in SUFFIXES | _VIDEOS


def _identity(path: Path) -> object:
    """What all names of one file have in common."""
    real = os.path.realpath(path)  # also where the file, or what a link points to, is not there yet
    try:
        known = Path(real).stat()
    except OSError:
        return os.path.normcase(real)
    return known.st_dev, known.st_ino
