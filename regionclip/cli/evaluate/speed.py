"""`regionclip eval live`, `video`, `cameras`, `soak` and `serve`: what video and a service cost on this machine."""

import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from regionclip.cli.cameras.watching import spare_a_core
from regionclip.cli.terminal import exits, options
from regionclip.cli.terminal.output import progress
from regionclip.cli.terminal.sizes import read_size

_Size = Annotated[str, typer.Option(metavar="WxH", help="Size of the frames in pixels, 256x16 or more.")]
_Fps = Annotated[float, typer.Option(min=0.1, max=100, help="Of each camera.")]


def live(
    fps: Annotated[float, typer.Option(min=1, max=100, help="Of the camera.")] = 25.0,
    busy: Annotated[float, typer.Option(min=0, max=10_000, help="Milliseconds the reader spends on a frame.")] = 200.0,
    seconds: Annotated[float, typer.Option(min=1, help="How long ages are taken.")] = 20.0,
    size: _Size = "640x480",
    outages: Annotated[
        list[float], typer.Option("--off", min=0.1, help="Switch the camera off for so many seconds; repeatable.")
    ] = [1.0, 5.0],  # noqa: B006 - typer copies it
) -> None:
    """A camera on this machine: age of its pictures when a slow reader gets them, time to come back after a loss."""
    from regionclip.evaluation.speed.hand_over import measure_ages, measure_recovery, table

    ages = measure_ages(fps=fps, busy=busy / 1000, seconds=seconds, size=read_size(size))
    recoveries = [measure_recovery(outage) for outage in progress(outages, "outages")]
    sys.stdout.write(table(ages, recoveries, fps=fps, busy=busy / 1000) + "\n")


@options.grouped
def video(
    tower: options.PresetOptions,
    sizes: Annotated[
        list[str], typer.Option("--size", metavar="WxH", help="Size of the frames in pixels; repeatable.")
    ] = ["854x480", "1280x720"],  # noqa: B006
    every: Annotated[
        list[int], typer.Option(min=1, metavar="N", help="The tower looks at each Nth frame; repeatable.")
    ] = [1, 5],  # noqa: B006
    seconds: Annotated[float, typer.Option(min=1, help="Length of the clip.")] = 8.0,
) -> None:
    """How fast a video goes through: read, find, follow, draw, write; and what writing alone costs."""
    settings, frames = tower.settings(), [read_size(size) for size in sizes]
    spare_a_core()
    detector = tower.load(settings)
    from regionclip.evaluation.speed.chain import measure_chain, measure_writer, table, writing_table

    sys.stdout.write(table(measure_chain(detector, frames, every, seconds=seconds)) + "\n")
    sys.stdout.write(writing_table([measure_writer(size) for size in frames]) + "\n")


@options.grouped
def cameras(
    tower: options.PresetOptions,
    count: Annotated[int, typer.Option("--cameras", min=1, help="How many.")] = 40,
    fps: _Fps = 2.0,
    size: _Size = "640x480",
    seconds: Annotated[float, typer.Option(min=1, help="Of each measurement.")] = 20.0,
    every: Annotated[int, typer.Option(min=1, help="The tower looks at each so many frames.")] = 1,
) -> None:
    """Cameras on this machine: how many one core decodes, and how fairly a site shares one tower among them."""
    frame_size = read_size(size)
    detector = tower.load()
    from regionclip.evaluation.speed.cameras import CameraPlan, measure_h264, measure_reading, measure_sharing, table

    plan = CameraPlan(cameras=count, fps=fps, size=frame_size, seconds=seconds, every=every)
    figures = (
        measure_reading(plan),
        measure_h264(plan.size),
        measure_sharing(detector, plan, dead=False),
        measure_sharing(detector, plan, dead=True),
    )
    sys.stdout.write(table(plan, *figures) + "\n")


@options.grouped
def soak(
    tower: options.PresetOptions,
    minutes: Annotated[float, typer.Option(min=0.1, help="How long.")] = 30.0,
    count: Annotated[int, typer.Option("--cameras", min=2, help="How many.")] = 4,
    fps: _Fps = 5.0,
    size: _Size = "320x240",
) -> None:
    """A site for long, with cameras lost and back and words that change: growth of memory, threads left behind."""
    frame_size = read_size(size)
    detector = tower.load()
    from regionclip.evaluation.speed.soak import measure_soak, table

    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task("soak", total=1.0)
        figures = measure_soak(
            detector,
            minutes=minutes,
            cameras=count,
            fps=fps,
            size=frame_size,
            watch=lambda share: bar.update(task, completed=share),
        )
    sys.stdout.write(table(figures, minutes=minutes, cameras=count) + "\n")
    if figures.threads:
        raise typer.Exit(exits.FAILED)


@options.grouped
def serve(
    tower: options.DetectorOptions,
    clients: Annotated[list[int], typer.Option(min=1, help="How many ask at once; repeatable.")] = [1, 16, 64],  # noqa: B006
    batches: Annotated[
        list[int], typer.Option("--batch", min=1, help="Most pictures of one tower pass; repeatable.")
    ] = [1, 8],  # noqa: B006
    seconds: Annotated[float, typer.Option(min=1, help="Of each measurement.")] = 8.0,
) -> None:
    """A service on this machine under load: answers a second, milliseconds, memory, and what batches gain."""
    detector = tower.load()
    from regionclip.evaluation.speed.serve import measure_loads, measure_tower, table

    words = ["person", "car", "红色的灭火器"]
    alone = measure_tower(detector, batches)
    loads = list(measure_loads(tower.load, words, clients, batches, seconds=seconds))
    sys.stdout.write(table(loads, alone) + "\n")
    if any(load.lost for load in loads):
        raise typer.Exit(exits.FAILED)
