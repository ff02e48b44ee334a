"""`regionclip` with Ray, as processes."""

import os
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

with warnings.catch_warnings(action="ignore"):  # of its own
    pytest.importorskip("ray.serve", reason='Ray is not installed: pip install "regionclip[ray]"')


def environment() -> dict[str, str]:
    """For a command; Ray hands it to its workers."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}


def descendants(process: int) -> Iterator[int]:
    """All processes that one has started, and those that they have."""
    for children in Path(f"/proc/{process}/task").glob("*/children"):
        for child in map(int, children.read_text().split()):
            yield child
            yield from descendants(child)


def workers(process: int, title: str) -> list[int]:
    """Ray's processes of a title, among those that a process has started."""
    return [each for each in descendants(process) if title in Path(f"/proc/{each}/cmdline").read_text()]
