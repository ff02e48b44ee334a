"""What readers of files and of streams share: opening with PyAV, errors in words, decoded frames upright in BGR."""

from threading import Lock
from typing import TYPE_CHECKING, cast

import av
import numpy as np
from av.error import FFmpegError
from av.stream import Disposition
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from regionclip.errors import SourceError
from regionclip.frames import Frame
from regionclip.video.sources.urls import mask

if TYPE_CHECKING:
    from av.container import InputContainer


def open_video(
    url: str, *, timeouts: tuple[float, float] | None = None, options: dict[str, str] | None = None
) -> tuple["InputContainer", VideoStream]:
    """Open a file or URL and find its video.

    Args:
        url: path or URL.
        timeouts: seconds to wait for the connection and for each packet; None for files.
        options: of FFmpeg.

    Raises:
        SourceError: where it cannot be opened or holds no video.
    """
    try:
        container = av.open(url, timeout=timeouts, options=options or {}, metadata_errors="replace")
    except (FFmpegError, OSError, ValueError) as error:
        raise SourceError(f"{mask(url)}: {reason(error, url)}") from None  # its text holds the password
    stream = container.streams.best("video")
    if not isinstance(stream, VideoStream) or stream.disposition & Disposition.attached_pic:  # a cover is no video
        kinds = " and ".join(sorted({each.type for each in container.streams}))
        container.close()
        raise SourceError(f"{mask(url)} holds no video, only {kinds}" if kinds else f"{mask(url)}: {_NO_VIDEO}")
    return container, stream


def reason(error: BaseException, url: str) -> str:
    """What went wrong and what to do about it, without the password of `url`."""
    for kinds, text in _REASONS:
        if isinstance(error, kinds):
            return text
    return mask(str(getattr(error, "strerror", None) or error), url)


_NO_VIDEO = "this is no video that can be read; it is damaged, cut short or of another kind"
_REASONS: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], str], ...] = (
    (FileNotFoundError, "no such file or stream; check the name"),
    (PermissionError, "reading it is not allowed"),
    (ConnectionRefusedError, "connection refused; is the camera on, and is the port right?"),
    (av.error.HTTPUnauthorizedError, "user name or password refused (401)"),
    (av.error.HTTPForbiddenError, "access refused (403)"),
    (av.error.HTTPNotFoundError, "no such stream on that server (404); check the path"),
    ((av.error.ExitError, TimeoutError), "no answer in time; is the camera on, and can it be reached from here?"),
    ((av.error.InvalidDataError, av.error.EOFError), _NO_VIDEO),
)


class Upright:
    """Turns decoded frames into `(H, W, 3)` uint8 BGR arrays, upright. Any thread may call it.

    One for a source: setting up the colour conversion costs several times the conversion of a small frame.
    """

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()
        self._lock = Lock()

    def __call__(self, frame: av.VideoFrame) -> Frame:
        """The frame's picture, turned by the rotation that the file or stream gives."""
        try:
            with self._lock:
                image = cast("Frame", self._reformatter.reformat(frame, format="bgr24").to_ndarray())  # (H, W, 3)
        except (FFmpegError, ValueError) as error:
            raise SourceError(f"frame of {frame.width} x {frame.height}, {frame.format.name}: {error}") from error
        quarters = round(frame.rotation / 90) % 4
        return np.ascontiguousarray(np.rot90(image, quarters)) if quarters else image
