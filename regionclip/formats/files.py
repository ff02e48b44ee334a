"""Writing files so that nobody ever sees half of one."""

import os
from contextlib import suppress
from pathlib import Path

from regionclip.errors import FileError


def write_file(path: str | Path, content: bytes) -> None:
    """Write `content` under a temporary name beside `path`, then rename it; missing folders are made.

    A link is followed. What exists and is no file (a pipe, a device) is written to directly.

    Raises:
        FileError: where the file cannot be written; an older file of that name is then untouched.
    """
    path = Path(os.path.realpath(path))
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            path.write_bytes(content)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(content)
        temporary.replace(path)
    except OSError as error:
        raise FileError(f"{path} cannot be written: {error.strerror}") from error
    finally:
        with suppress(OSError):
            temporary.unlink()


class NewFile:
    """A file that grows under a temporary name beside its own until `keep` renames it; missing folders are made.

    A link is followed. What exists and is no file (a pipe, a device) is written to directly.

    Attributes:
        path: the name it will have.
        temporary: the name to write to; the file is there and empty.

    Raises:
        FileError: where it cannot be written; an older file of that name is then untouched.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(os.path.realpath(path))
        self.temporary = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        try:
            if self.path.is_dir():
                raise FileError(f"{self.path} cannot be written: it is a folder")
            if self.path.exists() and not self.path.is_file():
                self.temporary = self.path
                return
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.temporary.write_bytes(b"")
        except OSError as error:
            raise FileError(f"{self.path} cannot be written: {error.strerror or error}") from error

    def keep(self) -> None:
        """Give the file its name.

        Raises:
            FileError: where that cannot be done; what was written keeps its temporary name.
        """
        try:
            self.temporary.replace(self.path)
        except OSError as error:
            raise FileError(f"{self.temporary} cannot be renamed to {self.path}: {error.strerror}") from error

    def discard(self) -> None:
        """Remove what was written; an older file of that name stays."""
        if self.temporary != self.path:
            with suppress(OSError):
                self.temporary.unlink()
