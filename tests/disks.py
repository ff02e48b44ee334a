"""A disk that is full and empty again: a small one of its own where root may mount it, else a limit on files."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

SIZE = 256 << 10


class Disk:
    """A small disk.

    Attributes:
        folder: where it is.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._filler = folder / "filler"

    def fill(self) -> None:
        """Leave no room."""
        try:
            with self._filler.open("wb", buffering=0) as file:
                while file.write(bytes(1024)):
                    pass
        except OSError:
            pass

    def empty(self) -> None:
        """Make room again."""
        self._filler.unlink()


class LimitedDisk(Disk):
    """No file can grow while it is full."""

    def fill(self) -> None:
        import resource

        self._before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1, self._before[1]))

    def empty(self) -> None:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, self._before)


@contextmanager
def small_disk(folder: Path) -> Iterator[Disk]:
    """A disk of 256 KiB at `folder`, which is made."""
    if os.name != "posix":
        pytest.skip("disks are mounted, or played by a limit, on POSIX systems")
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
    try:
        is_mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except OSError:
        is_mounted = False
    if not is_mounted:
        yield LimitedDisk(folder)
        return
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
