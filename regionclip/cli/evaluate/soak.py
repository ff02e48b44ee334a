"""`regionclip eval soak`: one site for long."""

import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from regionclip.cli.terminal import exits, options
from regionclip.cli.terminal.sizes import read_size


@options.grouped
def soak(
    tower: options.PresetOptions,
    minutes: Annotated[float, typer.Option(min=0.1, help="How long.")] = 30.0,
    count: Annotated[int, typer.Option("--cameras", min=2, help="How many.")] = 4,
    fps: Annotated[float, typer.Option(min=0.1, max=100, help="Of each camera.")] = 5.0,
    size: Annotated[str, typer.Option(metavar="WxH", help="Size of the frames in pixels, 256x16 or more.")] = "320x240",
) -> None:
    """A site for long, with cameras lost and back and words that change: growth of memory, threads left behind."""
    settings = tower.settings()
    from regionclip.evaluation.speed.soak import measure_soak, table

    detector = tower.load(settings)
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
