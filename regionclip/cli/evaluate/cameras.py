"""`regionclip eval cameras`: many cameras on one tower."""

import sys
from typing import Annotated

import typer

from regionclip.cli.terminal import options
from regionclip.cli.terminal.sizes import read_size


@options.grouped
def cameras(
    tower: options.PresetOptions,
    count: Annotated[int, typer.Option("--cameras", min=1, help="How many.")] = 40,
    fps: Annotated[float, typer.Option(min=0.1, max=100, help="Of each camera.")] = 2.0,
    size: Annotated[str, typer.Option(metavar="WxH", help="Size of the frames in pixels, 256x16 or more.")] = "640x480",
    seconds: Annotated[float, typer.Option(min=1, help="Of each measurement.")] = 20.0,
    every: Annotated[int, typer.Option(min=1, help="The tower looks at each so many frames.")] = 1,
) -> None:
    """Cameras on this machine: how many one core decodes, and how fairly a site shares one tower among them."""
    settings = tower.settings()
    from regionclip.evaluation.speed.cameras import CameraPlan, measure_h264, measure_reading, measure_sharing, table

    plan = CameraPlan(cameras=count, fps=fps, size=read_size(size), seconds=seconds, every=every)
    detector = tower.load(settings)
    figures = (
        measure_reading(plan),
        measure_h264(plan.size),
        measure_sharing(detector, plan, dead=False),
        measure_sharing(detector, plan, dead=True),
    )
    sys.stdout.write(table(plan, *figures) + "\n")
