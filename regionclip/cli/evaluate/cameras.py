"""`regionclip eval cameras` and `eval soak`: many cameras on one tower, and one site for long."""

import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from regionclip.cli.terminal import exits, options


def cameras(
    count: Annotated[int, typer.Option("--cameras", min=1, help="How many.")] = 40,
    fps: Annotated[float, typer.Option(min=0.1, max=100, help="Of each camera.")] = 2.0,
    size: Annotated[str, typer.Option(metavar="WxH", help="Size of the frames in pixels, 256x16 or more.")] = "640x480",
    seconds: Annotated[float, typer.Option(min=1, help="Of each measurement.")] = 20.0,
    every: Annotated[int, typer.Option(min=1, help="The tower looks at each so many frames.")] = 1,
    tower: options.TowerName = None,
    weights: options.WeightsName = None,
    config: options.ConfigFile = None,
    preset: options.PresetName = None,
    device: options.DeviceName = "auto",
    dtype: options.DtypeName = "auto",
) -> None:
    """Cameras on this machine: how many one core decodes, and how fairly a site shares one tower among them."""
    from regionclip.cli.terminal.sizes import read_size
    from regionclip.evaluation.speed.cameras import CameraPlan, measure_h264, measure_reading, measure_sharing, table
    from regionclip.loading import load

    plan = CameraPlan(cameras=count, fps=fps, size=read_size(size), seconds=seconds, every=every)
    detector = load(options.read_config(tower, config, weights, preset), weights=weights, device=device, dtype=dtype)
    figures = (
        measure_reading(plan),
        measure_h264(plan.size),
        measure_sharing(detector, plan, dead=False),
        measure_sharing(detector, plan, dead=True),
    )
    sys.stdout.write(table(plan, *figures) + "\n")


def soak(
    minutes: Annotated[float, typer.Option(min=0.1, help="How long.")] = 30.0,
    count: Annotated[int, typer.Option("--cameras", min=2, help="How many.")] = 4,
    fps: Annotated[float, typer.Option(min=0.1, max=100, help="Of each camera.")] = 5.0,
    size: Annotated[str, typer.Option(metavar="WxH", help="Size of the frames in pixels, 256x16 or more.")] = "320x240",
    tower: options.TowerName = None,
    weights: options.WeightsName = None,
    config: options.ConfigFile = None,
    preset: options.PresetName = None,
    device: options.DeviceName = "auto",
    dtype: options.DtypeName = "auto",
) -> None:
    """A site for long, with cameras lost and back and words that change: growth of memory, threads left behind."""
    from regionclip.cli.terminal.sizes import read_size
    from regionclip.evaluation.speed.soak import measure_soak, table
    from regionclip.loading import load

    detector = load(options.read_config(tower, config, weights, preset), weights=weights, device=device, dtype=dtype)
    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task("soak", total=1.0)
        figures = measure_soak(
            detector,
            minutes=minutes,
            cameras=count,
            fps=fps,
            size=read_size(size),
            watch=lambda share: bar.update(task, completed=share),
        )
    sys.stdout.write(table(figures, minutes=minutes, cameras=count) + "\n")
    if figures.threads:
        raise typer.Exit(exits.FAILED)
