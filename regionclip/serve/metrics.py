"""What Prometheus is told: of one process, or of all workers together (docs/serve.md)."""

import os
from functools import partial
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

SHARED = "PROMETHEUS_MULTIPROC_DIR"
"""The variable by which prometheus_client names the folder that workers share."""


def forget_dead() -> None:
    """Let workers that have died not count among requests that are in hand."""
    for path in Path(os.environ[SHARED]).glob("gauge_live*_*.db"):
        process = int(path.stem.rpartition("_")[2])
        try:
            os.kill(process, 0)
        except OSError:
            mark_process_dead(process)  # type: ignore[no-untyped-call]


class Metrics:
    """Figures of one app.

    Attributes:
        requests: by route and status.
        seconds: from a request to its answer, by route.
        batch: questions of one tower pass.
        tower: seconds that the tower was busy.
        left: questions that nobody waited for any more, by why: `gone`, `late`.
        in_hand: requests and streams now.
        waiting: questions that wait for the tower now.
    """

    def __init__(self) -> None:
        self._own = CollectorRegistry()
        ProcessCollector(registry=self._own)
        name = "regionclip_{}".format
        self.requests = Counter(name("requests"), "Requests.", ["route", "status"], registry=self._own)
        self.seconds = Histogram(name("seconds"), "Seconds to the answer.", ["route"], registry=self._own)
        self.batch = Histogram(
            name("batch"), "Questions of one tower pass.", buckets=(1, 2, 4, 8, 16, 32), registry=self._own
        )
        self.tower = Counter(name("tower_seconds"), "Seconds that the tower was busy.", registry=self._own)
        self.left = Counter(name("left"), "Questions that nobody waited for any more.", ["why"], registry=self._own)
        gauge = partial(Gauge, registry=self._own, multiprocess_mode="livesum")
        self.in_hand = gauge(name("in_hand"), "Requests and streams now.")
        self.waiting = gauge(name("waiting"), "Questions that wait for the tower now.")

    def text(self) -> bytes:
        """All of it in Prometheus' text format."""
        if SHARED not in os.environ:
            return generate_latest(self._own)
        together = CollectorRegistry()
        MultiProcessCollector(together)  # type: ignore[no-untyped-call]
        return generate_latest(together)
