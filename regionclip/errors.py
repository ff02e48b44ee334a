"""Every exception of regionclip. Catch `RegionclipError` for all of them.

    RegionclipError
      InputError (ValueError)      the caller's values cannot be used
        FrameError                 a frame of wrong type, shape or size
        BoxError                   boxes of wrong shape, or a box file that does not fit
        PromptError                words that cannot be asked for
        ConfigError                an unknown key, a wrong value, a name that does not exist
        FingerprintError           regions or prototypes of another tower
      FileError (OSError)          a file cannot be used
        ImageFileError             missing, unreadable or truncated picture
        WeightsError               missing, damaged or unfitting weights
        SourceError                a video, stream or camera cannot be opened or read
        VideoFileError             a video cannot be written
      DrawingError                 no font at hand can draw what is asked

Warnings: `PromptWarning` (a prompt was cut), `CalibrationWarning` (thresholds of another detector), `SourceWarning`
(a part of a video could not be read), `OutputWarning` (events, pictures or results could not be written for a while).
"""


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


class DrawingError(RegionclipError):
    """No font at hand can draw what is asked, or a named font cannot be read."""


class PromptWarning(UserWarning):
    """A prompt is longer than the tower reads and was cut."""


class CalibrationWarning(UserWarning):
    """A vocabulary's thresholds were measured with another tower or other settings than those that use it."""


class SourceWarning(UserWarning):
    """A part of a video, or one of several pictures, could not be read; the rest was."""


class OutputWarning(UserWarning):
    """Events, pictures or results beside a video cannot be written, as on a full disk; the video goes on."""
