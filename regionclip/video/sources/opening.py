"""open_source: from what a user writes to a source of frames."""

import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Literal, get_args

from regionclip.errors import ConfigError, SourceError
from regionclip.frames import SUFFIXES
from regionclip.video.sources.base import OpenSource, Reader, SourceEvent
from regionclip.video.sources.every import RecordedSource
from regionclip.video.sources.live import LiveSource
from regionclip.video.sources.options import LiveOptions, Naming, check_positive
from regionclip.video.sources.urls import mask, path_suffix, scheme_of

SourceMode = Literal["auto", "every", "latest"]
SourceKind = Literal["stdin", "camera", "stream", "video", "numbered", "pictures"]

PICTURE_FPS = 25.0
"""Pictures a second of folders, patterns and numbered pictures for which no `fps` is given."""

_STREAMS = ("rtsp", "rtsps", "http", "https")
VIDEOS = (".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".ts", ".webm", ".wmv")
"""File names that count as videos."""


def open_source(
    text: str | int | Path,
    *,
    id: str | None = None,
    mode: SourceMode = "auto",
    fps: float | None = None,
    max_fps: float | None = None,
    start_utc: float | None = None,
    live: LiveOptions | None = None,
    on_event: Callable[[SourceEvent], None] | None = None,
) -> OpenSource:
    """Open a source of frames (docs/video_sources.md).

    Args:
        text: a video file; a folder, glob pattern or `f_%04d.jpg` of pictures; the number of a camera of this machine;
            rtsp://, http:// or https://; `-` for JPEG or PNG pictures on standard input.
        id: its name in events and results; by default made from `text`. Passwords of URLs in it are masked.
        mode: `every` frame in order, for recordings; the `latest`, for what does not wait. `auto`: `latest` for cameras
            and streams, `every` for all else. A recording in mode `latest` is played at its own speed, like a camera.
        fps: pictures a second, for pictures, which have no times of their own.
        max_fps: use no more frames a second than this; those between are not converted, and not decoded where the codec
            allows.
        start_utc: when a recording starts, seconds since 1970 UTC.
        live: timeouts, transport and reconnecting of cameras and streams.
        on_event: called with `lost` and `back` of cameras and streams, in the thread that reads them.

    Raises:
        ConfigError: for an option that does not go with such a source.
        SourceError: where a recording is missing or cannot be read. A camera that is not there is waited for, see
            `LiveOptions.patience`.
        ImageFileError: where a folder or pattern holds no pictures.
    """
    text = str(text)
    kind = source_kind(text, mode)
    _check(text, kind, mode=mode, fps=fps, max_fps=max_fps, start_utc=start_utc)
    options = live or LiveOptions()
    naming = Naming(id=mask(id or _name_of(text, kind)), start_utc=start_utc, max_fps=max_fps)
    if kind in ("camera", "stream"):
        return LiveSource(_connection(text, kind, options), naming, options=options, on_event=on_event)
    if kind == "stdin":
        from regionclip.video.sources.stdin import StdinReader

        pipe = StdinReader(sys.stdin.fileno(), fps=fps, live=mode == "latest")
        return LiveSource(lambda: pipe, naming, kind="pipe") if mode == "latest" else RecordedSource(pipe, naming)
    reader, seconds = _recording(text, kind, fps or PICTURE_FPS, options)
    if mode == "latest":
        return LiveSource(lambda: reader, naming, kind="played")
    path = text if kind == "video" and scheme_of(text) is None else None
    return RecordedSource(reader, naming, duration_seconds=seconds, path=path)


def source_kind(text: str, mode: SourceMode = "auto") -> SourceKind:
    """What `text` names, without opening it.

    Raises:
        ConfigError: for a kind of URL that is not read.
        SourceError: where no such file exists.
    """
    if text == "-":
        return "stdin"
    if text.isascii() and text.isdecimal():
        return "camera"
    scheme = scheme_of(text)
    if scheme is not None:
        return _kind_of_url(text, scheme, mode)
    if os.path.isdir(text):  # noqa: PTH112 - False for names that the system refuses, where pathlib raises
        return "pictures"
    if os.path.exists(text):  # noqa: PTH110
        return "pictures" if Path(text).suffix.lower() in SUFFIXES else "video"
    from regionclip.video.sources.picture_files import PATTERN

    if PATTERN.search(text):
        return "numbered"
    if any(sign in text for sign in "*?["):
        return "pictures"
    raise SourceError(
        f"{mask(text)}: no such file or folder; expected a video, a folder or pattern of pictures, the number of a "
        "camera, rtsp://, http:// or - for standard input"
    )


def _kind_of_url(text: str, scheme: str, mode: SourceMode) -> SourceKind:
    if scheme not in _STREAMS:
        raise ConfigError(f"{mask(text)}: {scheme}:// is not read; expected one of {', '.join(_STREAMS)}")
    suffix = path_suffix(text)
    if scheme in ("http", "https"):
        if suffix == ".m3u8":
            raise ConfigError(
                f"{mask(text)}: HLS playlists are not read: their pictures are seconds old when they come; give the "
                "camera's RTSP or MJPEG address"
            )
        if suffix in SUFFIXES:
            raise ConfigError(f"{mask(text)}: one picture is no stream; give the camera's RTSP or MJPEG address")
        if suffix in VIDEOS or mode == "every":
            return "video"
    return "stream"


def _check(
    text: str, kind: SourceKind, *, mode: SourceMode, fps: float | None, max_fps: float | None, start_utc: float | None
) -> None:
    """Refuse options that would do nothing, or harm."""
    name = mask(text)
    if mode not in get_args(SourceMode):
        raise ConfigError(f"mode: expected {', '.join(get_args(SourceMode))}, got {mode!r}")
    if mode == "every" and kind in ("camera", "stream"):
        raise ConfigError(
            f"{name}: mode `every` is for recordings: a camera does not wait, and pictures that queue up "
            "grow older and older; use `latest`"
        )
    for value, what in ((fps, "fps"), (max_fps, "max_fps")):
        if value is not None:
            check_positive(value, what)
    if fps is not None and (kind not in ("stdin", "numbered", "pictures") or (kind, mode) == ("stdin", "latest")):
        raise ConfigError(f"{name}: fps gives times to pictures that have none; this source has its own (max_fps?)")
    if start_utc is not None and (kind in ("camera", "stream") or (kind, mode) == ("stdin", "latest")):
        raise ConfigError(f"{name}: start_utc is for recordings; frames of this source bear the time they come at")


def _name_of(text: str, kind: SourceKind) -> str:
    if kind in ("stdin", "camera"):
        return "stdin" if kind == "stdin" else f"camera-{int(text)}"
    if scheme_of(text) is not None:
        return text
    return Path(text).resolve().name or text


def _connection(text: str, kind: SourceKind, options: LiveOptions) -> Callable[[], Reader]:
    if kind == "camera":
        from regionclip.video.sources.camera import CameraReader

        return partial(CameraReader, int(text), read_timeout=options.read_timeout)
    from regionclip.video.sources.network import NetworkReader

    return partial(NetworkReader, text, options)


def _recording(text: str, kind: SourceKind, fps: float, options: LiveOptions) -> tuple[Reader, float | None]:
    """An open recording and its length in seconds."""
    if kind == "video":
        from regionclip.video.sources.recording import RecordingReader

        timeouts = (options.open_timeout, options.read_timeout) if scheme_of(text) else None
        # FFmpeg takes what stands before a colon for a protocol, as in `12:30.mp4`; not in an absolute path.
        video = RecordingReader(text if timeouts else str(Path(text).absolute()), timeouts=timeouts)
        return video, video.duration_seconds
    from regionclip.video.sources.picture_files import PictureReader, listed_files, numbered_files

    pictures = PictureReader(numbered_files(text) if kind == "numbered" else listed_files(text), fps)
    return pictures, pictures.duration_seconds
