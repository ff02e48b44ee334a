"""How videos are compressed: codec and quality by name, container by the file's suffix."""

import math
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from regionclip.errors import ConfigError

Container = Literal["mp4", "matroska", "webm"]

CONTAINERS: dict[str, Container] = {".mp4": "mp4", ".mkv": "matroska", ".webm": "webm"}
"""By suffix."""

_THREADS = 2
"""Of an encoder. One camera's video needs no more, and many cameras may be written at once."""

_KEY_EVERY = 50
"""Frames between key frames: how many a player must decode to show any place of the video."""


@dataclass(frozen=True, slots=True)
class Codec:
    """An encoder.

    Attributes:
        encoder: FFmpeg's name of it.
        quality: where none is asked for.
        best: least number for quality.
        worst: greatest number for quality.
        suffixes: of files that can hold it.
        options: of FFmpeg, without the quality.
    """

    encoder: str
    quality: int
    best: int
    worst: int
    suffixes: tuple[str, ...]
    options: dict[str, str]


# Presets are chosen for speed: the detector wants the processor. Figures in docs/video_output.md. No B-frames: with
# uneven times an MP4 that is stored out of order says that it ends before its last frames.
CODECS = {
    "h264": Codec("libx264", 21, 0, 51, (".mp4", ".mkv"), {"preset": "veryfast", "bf": "0", "threads": str(_THREADS)}),
    "hevc": Codec(
        "libx265", 22, 0, 51, (".mp4", ".mkv"),
        {"preset": "ultrafast", "x265-params": f"log-level=none:bframes=0:pools={_THREADS}:frame-threads={_THREADS}"},
    ),
    "vp9": Codec(
        "libvpx-vp9", 33, 0, 63, (".webm", ".mp4", ".mkv"),
        {"b": "0", "deadline": "realtime", "cpu-used": "8", "row-mt": "1", "threads": str(_THREADS)},
    ),
    "av1": Codec(
        "libsvtav1", 35, 0, 63, (".mp4", ".webm", ".mkv"), {"preset": "9", "svtav1-params": "lp=1"}
    ),
    "mpeg4": Codec("mpeg4", 4, 1, 31, (".mp4", ".mkv"), {"threads": str(_THREADS)}),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Encoding:
    """What is asked of FFmpeg.

    Attributes:
        codec: our name of the codec.
        encoder: FFmpeg's name of the encoder.
        container: FFmpeg's name of the container.
        options: of the encoder.
        ticks: units of time in a second: what the container can hold and all encoders take.
        longest_gap: seconds that two frames may be apart in it.
    """

    codec: str
    encoder: str
    container: Container
    options: dict[str, str]
    ticks: int
    longest_gap: float


def encoding(path: str | Path, codec: str = "h264", quality: int | None = None) -> Encoding:
    """Choose how to write `path`.

    Args:
        path: its suffix names the container.
        codec: one of `CODECS`.
        quality: smaller is better and larger; None takes the codec's own.

    Raises:
        ConfigError: where the three do not go together, or this PyAV lacks the encoder.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in CONTAINERS:
        raise ConfigError(f"{path}: expected a video file ending with {_list(CONTAINERS)}, got {suffix or 'no suffix'}")
    if codec not in CODECS:
        raise ConfigError(f"codec: expected {_list(CODECS)}, got {codec!r}")
    chosen = CODECS[codec]
    if suffix not in chosen.suffixes:
        fitting = [name for name, each in CODECS.items() if suffix in each.suffixes]
        raise ConfigError(
            f"{path}: {suffix} does not hold {codec}; expected codec {_list(fitting)}, or a file ending with "
            f"{_list(chosen.suffixes)}"
        )
    quality = chosen.quality if quality is None else quality
    if isinstance(quality, bool) or not isinstance(quality, int) or not chosen.best <= quality <= chosen.worst:
        raise ConfigError(
            f"quality: expected a whole number from {chosen.best} (best) to {chosen.worst} for {codec}, got {quality!r}"
        )
    _check_encoder(codec)
    container = CONTAINERS[suffix]
    options = {**chosen.options, "g": str(_KEY_EVERY)}
    options |= {"qmin": str(quality), "qmax": str(quality)} if chosen.encoder == "mpeg4" else {"crf": str(quality)}
    # Matroska counts whole milliseconds. 16 000 is what FFmpeg makes of milliseconds in MP4, where a gap has 31 bits.
    ticks, gap = (16000, 86400) if container == "mp4" else (1000, math.inf)
    return Encoding(codec, chosen.encoder, container, options, ticks, gap)


def _check_encoder(codec: str) -> None:
    """Refuse an encoder that this PyAV was built without."""
    if codec == "av1":
        os.environ.setdefault("SVT_LOG", "0")  # else it prints a page about itself for each file
    if not _is_present(CODECS[codec].encoder):
        others = [name for name, each in CODECS.items() if _is_present(each.encoder)]
        raise ConfigError(
            f"codec: this PyAV has no {CODECS[codec].encoder}, which writes {codec}; expected {_list(others)}, or the "
            "PyAV of PyPI: pip install av"
        )


def _is_present(encoder: str) -> bool:
    import av

    try:
        av.Codec(encoder, "w")
    except ValueError:
        return False
    return True


def _list(names: Iterable[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} or {last}" if most else last
