"""`regionclip eval live`: how old a camera's pictures are when they are read."""

import sys
from typing import Annotated

import typer

from regionclip.cli.terminal.output import progress
from regionclip.cli.terminal.sizes import read_size


def live(
    fps: Annotated[float, typer.Option(min=1, max=100, help="Of the camera.")] = 25.0,
    busy: Annotated[float, typer.Option(min=0, max=10_000, help="Milliseconds the reader spends on a frame.")] = 200.0,
    seconds: Annotated[float, typer.Option(min=1, help="How long ages are taken.")] = 20.0,
    size: Annotated[str, typer.Option(metavar="WxH", help="Size of the frames in pixels, 256x16 or more.")] = "640x480",
    outages: Annotated[
        list[float], typer.Option("--off", min=0.1, help="Switch the camera off for so many seconds; repeatable.")
    ] = [1.0, 5.0],  # noqa: B006 - typer copies it
) -> None:
    """A camera on this machine: age of its pictures when a slow reader gets them, time to come back after a loss."""
    from regionclip.evaluation.speed.hand_over import measure_ages, measure_recovery, table

    ages = measure_ages(fps=fps, busy=busy / 1000, seconds=seconds, size=read_size(size))
    recoveries = [measure_recovery(outage) for outage in progress(outages, "outages")]
    sys.stdout.write(table(ages, recoveries, fps=fps, busy=busy / 1000) + "\n")
