"""`regionclip eval search`: what an index loses and saves, and how well words find things."""

import sys
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from regionclip.cli.terminal import options
from regionclip.cli.terminal.output import progress


@options.grouped
def search(
    tower: options.PresetOptions,
    sizes: Annotated[
        list[int], typer.Option("--size", min=1, metavar="N", help="Regions of an archive; repeatable.")
    ] = [10_000, 100_000],  # noqa: B006 - typer copies it
    clips: Annotated[int, typer.Option(min=1, help="How many rendered clips are indexed.")] = 12,
    seed: Annotated[int, typer.Option(min=0, help="Of the series of clips.")] = 900_911,
) -> None:
    """Archives: recall of the index against scoring all, time and bytes at each size; words on rendered clips."""
    from regionclip.evaluation.speed.search import measure_size, measure_things, sizes_table, things_table

    detector = tower.load()
    with TemporaryDirectory() as folder:
        rows = [measure_size(detector, size, Path(folder) / f"{size}") for size in progress(sizes, "sizes")]
        sys.stdout.write(sizes_table(rows) + "\n\n")
        sys.stdout.flush()
        watch = partial(progress, what="clips")
        things = measure_things(detector, clips, Path(folder) / "clips", seed=seed, watch=watch)
    sys.stdout.write(things_table(things, clips) + "\n")
