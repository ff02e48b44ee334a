"""`regionclip` with Ray, as processes."""

import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

with warnings.catch_warnings(action="ignore"):  # of its own
    pytest.importorskip("ray.serve", reason='Ray is not installed: pip install "regionclip[ray]"')

CLUSTER = """
from ray.cluster_utils import Cluster
cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
cluster.add_node(num_cpus=1)
print(cluster.address, flush=True)
input()
cluster.shutdown()
"""


def environment() -> dict[str, str]:
    """For a command; Ray hands it to its workers."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}


def descendants(process: int) -> Iterator[int]:
    """All processes that one has started, and those that they have."""
    for children in Path(f"/proc/{process}/task").glob("*/children"):
        for child in map(int, _text(children).split()):
            yield child
            yield from descendants(child)


def workers(process: int, title: str) -> list[int]:
    """Ray's processes of a title, among those that a process has started."""
    return [each for each in descendants(process) if title in _text(Path(f"/proc/{each}/cmdline"))]


def _text(path: Path) -> str:
    """What a file of /proc holds; nothing where its process has ended."""
    try:
        return path.read_text()
    except OSError:
        return ""


@contextmanager
def ray_cluster() -> Iterator[tuple[str, int]]:
    """A cluster of two machines, which are both this one: its address, and the process that started it."""
    with subprocess.Popen(
        [sys.executable, "-c", CLUSTER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment()
    ) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip(), process.pid
        process.communicate("\\n", timeout=60)
