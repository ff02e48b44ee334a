"""`regionclip eval`: figures, each of a protocol of its own."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from regionclip.cli.evaluate.cameras import cameras, soak
from regionclip.cli.evaluate.chain import chain
from regionclip.cli.evaluate.events import events
from regionclip.cli.evaluate.recall import recall
from regionclip.cli.evaluate.tracks import tracks
from regionclip.cli.terminal import options
from regionclip.cli.terminal.output import progress
from regionclip.cli.terminal.sizes import check_frame_size, read_size
from regionclip.errors import ConfigError

if TYPE_CHECKING:
    from regionclip.detector import Detector

evaluate = typer.Typer(no_args_is_help=True, help="Measure a tower, or the reading of live video.")


@evaluate.callback()
def _root() -> None:
    """Measure a tower, or the reading of live video. Figures of rendered scenes say nothing about photographs."""


@evaluate.command()
def scenes(
    tower: options.TowerName = None,
    weights: options.WeightsName = None,
    config: options.ConfigFile = None,
    preset: options.PresetName = None,
    device: options.DeviceName = "auto",
    dtype: options.DtypeName = "auto",
    count: Annotated[int, typer.Option("--scenes", min=1, help="How many scenes.")] = 200,
    seed: Annotated[
        int, typer.Option(min=0, help="Of the series of scenes; no training run has seen the default.")
    ] = 900_001,
    size: Annotated[str, typer.Option(metavar="WxH", help="Size of the frames in pixels.")] = "640x480",
) -> None:
    """Rendered scenes: kinds and colours with true boxes, proposals, both languages."""
    from regionclip.evaluation.accuracy.scenes import evaluate_scenes, table
    from regionclip.loading import load

    frame_size = check_frame_size(size)
    detector = load(options.read_config(tower, config, weights, preset), weights=weights, device=device, dtype=dtype)
    _check_alone(detector, "scenes")
    figures = evaluate_scenes(
        detector,
        seed=seed,
        scenes=count,
        size=frame_size,
        watch=lambda numbers: progress(numbers, "scenes"),
    )
    sys.stdout.write(table(figures) + "\n")


@evaluate.command()
def teaching(
    tower: options.TowerName = None,
    weights: options.WeightsName = None,
    config: options.ConfigFile = None,
    preset: options.PresetName = None,
    device: options.DeviceName = "auto",
    dtype: options.DtypeName = "auto",
    examples: Annotated[int, typer.Option(min=1, help="Boxes that a class is taught from.")] = 5,
    draws: Annotated[int, typer.Option(min=1, help="Lessons of one kind.")] = 4,
    count: Annotated[int, typer.Option("--scenes", min=1, help="How many scenes are labelled.")] = 120,
    seed: Annotated[int, typer.Option(min=0, help="Of the series of scenes.")] = 900_101,
) -> None:
    """Teach kinds from a few boxes: kinds never shown in training, and known ones whose word is withheld."""
    from regionclip.evaluation.accuracy.teaching import evaluate_teaching, table
    from regionclip.loading import load
    from regionclip.scenes.language.phrases import KINDS

    detector = load(options.read_config(tower, config, weights, preset), weights=weights, device=device, dtype=dtype)
    for title, kinds in (("kinds never shown in training", None), ("known kinds, their word withheld", KINDS)):
        try:
            figures = evaluate_teaching(
                detector,
                kinds=kinds,
                examples=examples,
                draws=draws,
                scenes=count,
                seed=seed,
                watch=lambda names: progress(names, "kinds"),
            )
        except ValueError as error:  # too few scenes
            raise ConfigError(str(error)) from error
        sys.stdout.write(table(figures, title) + "\n")


@evaluate.command()
def alarms(
    tower: options.TowerName = None,
    weights: options.WeightsName = None,
    config: options.ConfigFile = None,
    preset: options.PresetName = None,
    device: options.DeviceName = "auto",
    dtype: options.DtypeName = "auto",
    calibrate: Annotated[
        int, typer.Option("--calibrate-frames", min=1, help="Empty scenes that thresholds come from.")
    ] = 5000,
    test: Annotated[int, typer.Option("--test-frames", min=1, help="Other empty scenes, to measure on.")] = 20_000,
    targets: Annotated[int, typer.Option("--target-frames", min=1, help="Scenes with targets, for the recall.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Of the series of scenes.")] = 900_201,
    size: Annotated[str, typer.Option(metavar="WxH", help="Size of the frames in pixels.")] = "192x144",
    patches: Annotated[
        Optional[int],  # noqa: UP045 - read by typer at run time
        typer.Option(min=1, help="Patch budget, in place of the tower's; fewer are faster."),
    ] = None,
    cache: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(metavar="FOLDER", help="Keep what is done there; run again to go on after an interruption."),
    ] = None,
    workers: Annotated[int, typer.Option(min=0, help="Processes beside this one; 0 works here.")] = 0,
    plot: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(metavar="FILE.png", help="Also draw what was asked for against what was measured."),
    ] = None,
) -> None:
    """Empty scenes: are false alarms as rare as calibration promises, and what is still found?"""
    from functools import partial

    from regionclip.evaluation.accuracy.alarm_scenes import AlarmPlan, watch_scenes
    from regionclip.evaluation.accuracy.alarms import draw, evaluate_alarms, table
    from regionclip.formats.files import write_file
    from regionclip.loading import load

    plan = AlarmPlan(seed, check_frame_size(size), calibrate, test, targets)
    settings = options.read_config(tower, config, weights, preset).changed(budget=patches)
    make = partial(load, settings, weights=weights, device=device, dtype=dtype)
    detector = make()
    _check_alone(detector, "alarms")
    watched = watch_scenes(
        detector, plan, make=make, cache=cache, workers=workers, watch=lambda blocks: progress(blocks, "scenes")
    )
    sys.stdout.write(table(evaluate_alarms(detector, plan, watched), plan) + "\n")
    if plot is not None:
        write_file(plot, draw(detector, plan, watched))


@evaluate.command()
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


@evaluate.command()
def tiling(
    tower: options.TowerName = None,
    weights: options.WeightsName = None,
    config: options.ConfigFile = None,
    preset: options.PresetName = None,
    device: options.DeviceName = "auto",
    dtype: options.DtypeName = "auto",
    count: Annotated[int, typer.Option("--scenes", min=1, help="How many scenes.")] = 10,
    seed: Annotated[int, typer.Option(min=0, help="Of the series of scenes.")] = 900_301,
    size: Annotated[str, typer.Option(metavar="WxH", help="Size of the frames in pixels.")] = "1920x1080",
    side: Annotated[float, typer.Option("--object", min=8, help="Longer side of the objects in pixels.")] = 24.0,
    tiles: Annotated[
        list[str],
        typer.Option("--tiles", metavar="CxR|auto", help="Tiles to compare; the last also with other budgets, crops."),
    ] = ["2x2", "3x2", "auto"],  # noqa: B006 - typer copies it
) -> None:
    """Small objects on large frames: average precision, recall and time without tiles, with tiles, with crops."""
    from regionclip.evaluation.accuracy.tiling import evaluate_tiling, settings_of, table
    from regionclip.loading import load

    frame_size = check_frame_size(size)
    if side * 2 > min(frame_size):
        raise ConfigError(f"object of {side:g} pixels: expected half of the frame's shorter side at most")
    tilings = [chosen for text in tiles if (chosen := options.read_tiles(text)) not in (None, "none")]
    settings = options.read_config(tower, config, weights, preset).changed(tiles="none", crop_small=False)
    detector = load(settings, weights=weights, device=device, dtype=dtype)
    _check_alone(detector, "tiling")
    figures = evaluate_tiling(
        detector,
        settings_of(tilings),
        seed=seed,
        scenes=count,
        size=frame_size,
        side=side,
        watch=lambda numbers: progress(numbers, "scenes"),
    )
    sys.stdout.write(table(figures) + "\n")


evaluate.command()(recall)
evaluate.command()(tracks)
evaluate.command()(events)
evaluate.command()(cameras)
evaluate.command()(soak)
evaluate.command("video")(chain)


def _check_alone(detector: "Detector", what: str) -> None:
    """Refuse a proposer to which a scene would be the next frame of the one before.

    Raises:
        ConfigError: for such a proposer.
    """
    if detector.proposer.has_memory:
        raise ConfigError(
            f"eval {what}: each scene stands alone, and this proposer remembers earlier frames; take another proposer, "
            "or `regionclip eval recall --set clips`"
        )
