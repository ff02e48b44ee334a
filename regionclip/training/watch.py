"""What is shown of a run while it goes on."""

import json
import sys
import time
from typing import Any

from rich.console import Console
from rich.progress import Progress

from regionclip.training import processes
from regionclip.training.loop import Loop

_LINE_SECONDS = 20.0


def train_watched(run: Loop[Any]) -> None:
    """Train: a bar on a terminal, lines on stderr elsewhere, a row on stdout for each check.

    Of several processes the first one shows.
    """
    if processes.place()[0] > 0:
        run.train()
        return
    console = Console(stderr=True)
    rows, told = len(run.rows), time.monotonic()
    with Progress(console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("training", total=1.0)

        def show(run: Loop[Any]) -> None:
            nonlocal rows, told
            share, loss = run.progress(run.step), f"step {run.step}, loss {run.means.get('total', 0):.3f}"
            bar.update(task, completed=share, description=loss)
            if bar.disable and time.monotonic() - told > _LINE_SECONDS:
                told = time.monotonic()
                parts = " ".join(f"{name} {value:.3f}" for name, value in run.means.items() if name != "total")
                print(f"{run.seconds / 60:.2f} min, {share:.0%}, {loss}: {parts}", file=sys.stderr, flush=True)
            for row in run.rows[rows:]:
                print(json.dumps(row), flush=True)
            rows = len(run.rows)

        run.train(show)
