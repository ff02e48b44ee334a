"""What is shown of a run while it goes on."""

import json
import sys
import time
from typing import Any

from rich.progress import Progress

from regionclip.training import processes
from regionclip.training.loop import Loop

_TELL_SECONDS = 20.0


class Watch:
    """Called after each step: a bar on a terminal, lines on stderr elsewhere, a row on stdout for each check.

    Of several processes the first one shows.
    """

    def __init__(self, run: Loop[Any], bar: Progress) -> None:
        self._bar = bar
        self._rows = len(run.rows)
        self._told = time.monotonic()
        self._task = bar.add_task("training", total=1.0)

    def __call__(self, run: Loop[Any]) -> None:
        """Show how far the run is, and the rows that are new."""
        if processes.place()[0] > 0:
            return
        share, loss = run.progress(run.step), f"step {run.step}, loss {run.means.get('total', 0):.3f}"
        self._bar.update(self._task, completed=share, description=loss)
        if self._bar.disable and time.monotonic() - self._told > _TELL_SECONDS:
            self._told = time.monotonic()
            parts = " ".join(f"{name} {value:.3f}" for name, value in run.means.items() if name != "total")
            print(f"{run.seconds / 60:.2f} min, {share:.0%}, {loss}: {parts}", file=sys.stderr, flush=True)
        for row in run.rows[self._rows :]:
            print(json.dumps(row), flush=True)
        self._rows = len(run.rows)
