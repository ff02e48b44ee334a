"""Files that grow while they are written: one program at a time, and whole pieces only."""

import os
import sys
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Self

from regionclip.errors import FileError


def lock(file: BinaryIO, path: Path) -> None:
    """Keep other programs from writing a file until `file` is closed. The system lets go when a program dies.

    Args:
        file: open for writing; `path`, or what stands for it.
        path: named in the error.

    Raises:
        FileError: where somebody else writes it.
    """
    if sys.platform == "win32":  # no flock; Windows itself refuses to rename an open file
        return
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise FileError(
            f"{path} cannot be written: another program is writing it; give another name, or end that one"
        ) from error
    except OSError:  # a network disk that knows no locks
        pass


def append(file: BinaryIO, data: bytes) -> None:
    """Write all of `data` at the end of an unbuffered file; where that fails, cut off what was written of it.

    Raises:
        OSError: as on a full disk.
    """
    left = memoryview(data)
    size = file.seek(0, os.SEEK_END) if file.seekable() else 0
    try:
        while left:
            left = left[file.write(left) :]
    except OSError:
        with suppress(OSError):  # a pipe cannot be cut
            file.truncate(size)
        raise


def is_at(file: BinaryIO, path: Path) -> bool:
    """Whether an open file is still the one of that name: False where it was closed, moved or removed."""
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except (OSError, ValueError):  # no such file; closed
        return False


class FrameFile(ABC):
    """A file that grows frame by frame under a temporary name, a context manager.

    Leaving the `with` block by an exception, Ctrl-C among them, finishes it with what was written; where that is
    nothing, nothing is left.

    Attributes:
        path: of the file to be.
        frames: written until now.
    """

    _new: "NewFile"

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.frames = 0
        self._closed = False

    @abstractmethod
    def close(self) -> None:
        """Finish the file and give it its name. Closing twice is fine."""

    def abort(self) -> None:
        """Throw away what was written."""
        if not self._closed:
            self._release()
            self._new.discard()

    def _release(self) -> None:
        """Let go of all that is open."""
        self._closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None:
            self.close()
        elif self.frames:
            try:
                self.close()
            except FileError as late:
                error.add_note(str(late))
        else:
            self.abort()


class NewFile:
    """A file that grows under a temporary name beside its own until `keep` renames it; missing folders are made.

    Only one program at a time writes it: `.NAME.lock` beside it says so, and is taken over from a program that died.
    A link is followed. What exists and is no file (a pipe, a device) is written to directly.

    Attributes:
        path: the name it will have.
        temporary: the name to write to; the file is there and empty.

    Raises:
        FileError: where it cannot be written, or is being written; an older file of that name is then untouched.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(os.path.realpath(path))
        self._lock: BinaryIO | None = None
        self._count = 0
        self.temporary = self.path
        try:
            if self.path.is_dir():
                raise FileError(f"{self.path} cannot be written: it is a folder")
            if self.path.exists() and not self.path.is_file():
                return
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = _only_writer(self._lock_path, self.path)
            self.begin_anew()
        except OSError as error:
            self._release()
            if isinstance(error, FileError):
                raise
            raise FileError(f"{self.path} cannot be written: {error.strerror or error}") from error

    def begin_anew(self) -> None:
        """Go on under another temporary name, where the file was lost with its folder or disk.

        Raises:
            OSError: where the folder is not there.
        """
        self._count += 1
        more = f"-{self._count}" if self._count > 1 else ""
        temporary = self.path.with_name(f".{self.path.name}.{os.getpid()}{more}")
        temporary.write_bytes(b"")
        self.temporary = temporary

    def keep(self, name: str | Path | None = None) -> None:
        """Give the file its name, or another one beside it.

        Raises:
            FileError: where that cannot be done; what was written keeps its temporary name.
        """
        wanted = self.path if name is None else self.path.with_name(str(name))
        try:
            self.temporary.replace(wanted)
        except OSError as error:
            raise FileError(f"{self.temporary} cannot be renamed to {wanted}: {error.strerror}") from error
        finally:
            self._release()

    def discard(self) -> None:
        """Remove what was written; an older file of that name stays."""
        if self.temporary != self.path:
            with suppress(OSError):
                self.temporary.unlink()
        self._release()

    @property
    def _lock_path(self) -> Path:
        return self.path.with_name(f".{self.path.name}.lock")

    def _release(self) -> None:
        if self._lock is not None:
            with suppress(OSError):
                self._lock_path.unlink()  # while it is held: whoever waits at the old one looks again
            self._lock.close()
            self._lock = None


def _only_writer(place: Path, path: Path) -> BinaryIO:
    """The file `place`, open and locked for whoever writes `path`."""
    while True:
        file = place.open("ab")
        try:
            lock(file, path)
            # Its last holder may have removed it between our opening and locking it.
            if is_at(file, place):
                return file
        except BaseException:
            file.close()
            raise
        file.close()
