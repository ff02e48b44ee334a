"""Every exception of regionclip. Catch `RegionclipError` for all of them."""

import inspect
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Lock


class RegionclipError(Exception):
    """Base of all errors that regionclip raises on purpose."""


class InputError(RegionclipError, ValueError):
    """The caller's values cannot be used."""


class FrameError(InputError):
    """A frame has the wrong type, shape or size."""


class BoxError(InputError):
    """Boxes have the wrong shape, or a file of boxes does not fit the pictures."""


class PromptError(InputError):
    """The words cannot be asked for: empty, doubled, or of the wrong type."""


class ConfigError(InputError):
    """A setting is unknown, out of range, or names something that does not exist."""


class FingerprintError(InputError):
    """Stored regions or prototypes were made with another tower or revision."""


class MessageError(InputError):
    """A ROS message is damaged, or its image is of no use: an unknown encoding, rows too short, no pixels."""


class FileError(RegionclipError, OSError):
    """A file cannot be read or written."""


class ImageFileError(FileError):
    """A picture is missing, unreadable or truncated."""


class WeightsError(FileError):
    """Weights are missing, damaged, or do not fit the model."""


class SourceError(FileError):
    """A video, stream or camera cannot be opened, or stopped giving frames. Passwords of its URL are masked."""


class VideoFileError(FileError):
    """A video cannot be written: the disk is full, the codec refuses such frames, or there was no frame at all."""


class ServiceError(RegionclipError):
    """A service cannot do what it is asked, or cannot be reached.

    Attributes:
        status: of HTTP; 0 where there was no answer.
        retry_after: seconds, where it is only busy.
    """

    def __init__(self, message: str, status: int, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.status, self.retry_after = status, retry_after


class DrawingError(RegionclipError):
    """No font at hand can draw what is asked, or a named font cannot be read."""


class RegionclipWarning(UserWarning):
    """Base of all warnings of regionclip."""


class BoxWarning(RegionclipWarning):
    """Boxes are probably not what is expected: fractions of the frame, or x y width height."""


class CalibrationWarning(RegionclipWarning):
    """A vocabulary's thresholds were measured with another tower or other settings than those that use it."""


class DomainWarning(RegionclipWarning):
    """A frame is not of the kind that the tower was trained on: what it says of it means nothing."""


class ImageWarning(RegionclipWarning):
    """Of a picture file only a part is used: one picture of several."""


class PromptWarning(RegionclipWarning):
    """A prompt is longer than the tower reads and was cut, or was probably meant as several."""


class SourceWarning(RegionclipWarning):
    """A part of a video, or one of several pictures, could not be read; the rest was."""


class OutputWarning(RegionclipWarning):
    """Events, pictures, results or encoded phrases cannot be written, as on a full disk; the work goes on."""


def warn(message: str, category: type[RegionclipWarning]) -> None:
    """Warn, and name the line outside this package that led here, however deep it lies.

    So Python shows a warning of the same text once for each such line, not once in a process. Inside `collected` it is
    not shown.
    """
    if (told := _collected.get()) is not None:
        told.append(message)
        return
    frame, depth = inspect.currentframe(), 1
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] == __package__:
        frame, depth = frame.f_back, depth + 1
    warnings.warn(message, category, stacklevel=depth)


@contextmanager
def collected() -> Iterator[list[str]]:
    """Take down what this thread is warned of, in place of showing it: for who asked, where that is somebody else."""
    told: list[str] = []
    token = _collected.set(told)
    try:
        yield told
    finally:
        _collected.reset(token)


_collected: ContextVar[list[str] | None] = ContextVar("collected warnings", default=None)


def few(names: Iterable[str], most: int) -> str:
    """The first names in words, for a message: `a, b and 3 more`."""
    shown = list(names)
    return ", ".join(shown[:most]) + (f" and {len(shown) - most} more" if len(shown) > most else "")


@contextmanager
def quiet() -> Iterator[None]:
    """Keep what libraries warn of to themselves, where they name lines and files of theirs that say nothing to a user.

    Python's filters belong to the whole process: so this is for short passages, which wait for one another.
    """
    with _FILTERS, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


_FILTERS = Lock()
