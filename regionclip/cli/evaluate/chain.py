"""`regionclip eval video`: speed of the whole chain from file to annotated file."""

import sys
from typing import Annotated

import typer

from regionclip.cli.cameras.watching import spare_a_core
from regionclip.cli.terminal import options
from regionclip.cli.terminal.sizes import read_size


@options.grouped
def chain(
    tower: options.PresetOptions,
    sizes: Annotated[
        list[str], typer.Option("--size", metavar="WxH", help="Size of the frames in pixels; repeatable.")
    ] = ["854x480", "1280x720"],  # noqa: B006 - typer copies it
    every: Annotated[
        list[int], typer.Option(min=1, metavar="N", help="The tower looks at each Nth frame; repeatable.")
    ] = [1, 5],  # noqa: B006
    seconds: Annotated[float, typer.Option(min=1, help="Length of the clip.")] = 8.0,
) -> None:
    """How fast a video goes through: read, find, follow, draw, write; and what writing alone costs."""
    settings, frames = tower.settings(), [read_size(size) for size in sizes]
    from regionclip.evaluation.speed import writing
    from regionclip.evaluation.speed.chain import measure_chain, table

    spare_a_core()
    detector = tower.load(settings)
    sys.stdout.write(table(measure_chain(detector, frames, every, seconds=seconds)) + "\n")
    sys.stdout.write(writing.table([writing.measure_writer(size) for size in frames]) + "\n")
