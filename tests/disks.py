"""A disk that is full and empty again: a small one of its own where root may mount it, else a limit on files."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest


class Disk:
    """A small disk at `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fill(self) -> None:
        """Leave no room."""
        with suppress(OSError), (self.folder / "filler").open("wb", buffering=0) as file:
            while file.write(bytes(1024)):
                pass

    def empty(self) -> None:
        """Make room again."""
        (self.folder / "filler").unlink()


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
    try:
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)], capture_output=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        yield LimitedDisk(folder)
        return
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
