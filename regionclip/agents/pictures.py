"""Pictures below one folder, for those who may see nothing else."""

import os
import stat
from pathlib import Path, PurePosixPath, PureWindowsPath

from regionclip.errors import ConfigError, ImageFileError
from regionclip.frames import SUFFIXES, Frame, decode_frame

MOST_BYTES = 64 << 20
"""Of one picture file."""
_MOST_NAMES = 1000


class PictureFolder:
    """Reads pictures below a folder, by names that are relative to it. Nothing is followed out of it, nor within.

    Args:
        root: the folder.

    Raises:
        ConfigError: where it is none.
    """

    def __init__(self, root: str | Path) -> None:
        self._root = os.path.realpath(root)
        if not Path(self._root).is_dir():
            raise ConfigError(f"--root {root}: expected a folder")

    def names(self) -> list[str]:
        """Names of the pictures in it, the first thousand in order; links are left out."""
        found: list[str] = []
        for folder, folders, files in os.walk(self._root):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            inside = (Path(folder) / name for name in sorted(files) if Path(name).suffix.lower() in SUFFIXES)
            found += [path.relative_to(self._root).as_posix() for path in inside if not path.is_symlink()]
            if len(found) >= _MOST_NAMES:
                break
        return found[:_MOST_NAMES]

    def read(self, name: str) -> Frame:
        """A picture `(H, W, 3)`.

        Raises:
            ImageFileError: for a name that leads out of the folder or over a link, and for what is no picture, or
                too large; says nothing of what is outside.
        """
        path = os.path.join(self._root, *PurePosixPath(name).parts)  # noqa: PTH118 - as `realpath`, which it is held against
        outside = PurePosixPath(name).is_absolute() or PureWindowsPath(name).drive or ".." in PurePosixPath(name).parts
        try:
            if outside or "\0" in name or os.path.realpath(path) != path:
                raise ImageFileError(f"{name!r}: expected a picture below the folder, not behind a link or '..'")
            # Looked at again where it is opened: the name may have become a link since, and a pipe would never end.
            number = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
            with os.fdopen(number, "rb") as file:
                found = os.fstat(number)
                if not stat.S_ISREG(found.st_mode):
                    raise ImageFileError(f"{name!r}: expected a file")
                if found.st_size > MOST_BYTES:
                    raise ImageFileError(f"{name!r}: expected at most {MOST_BYTES} bytes, got {found.st_size}")
                content = file.read(MOST_BYTES)
        except ImageFileError:
            raise
        except OSError as error:
            raise ImageFileError(f"{name!r} cannot be read: {error.strerror}") from error
        return decode_frame(content, repr(name))
