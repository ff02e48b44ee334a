"""`regionclip eval alarms`: whether false alarms are as rare as calibration promises."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from regionclip.cli.evaluate.proposers import check_alone
from regionclip.cli.terminal import options
from regionclip.cli.terminal.output import progress
from regionclip.cli.terminal.sizes import check_frame_size
from regionclip.formats.outputs import check_outputs


@options.grouped
def alarms(
    tower: options.PresetOptions,
    calibrate: Annotated[
        int, typer.Option("--calibrate-frames", min=1, help="Empty scenes that thresholds come from.")
    ] = 5000,
    test: Annotated[int, typer.Option("--test-frames", min=1, help="Other empty scenes, to measure on.")] = 20_000,
    targets: Annotated[int, typer.Option("--target-frames", min=1, help="Scenes with targets, for the recall.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Of the series of scenes.")] = 900_201,
    size: Annotated[str, typer.Option(metavar="WxH", help="Size of the frames in pixels.")] = "192x144",
    patches: Annotated[
        int | None,
        typer.Option(min=1, help="Patch budget, in place of the tower's; fewer are faster."),
    ] = None,
    cache: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Keep what is done there; run again to go on after an interruption."),
    ] = None,
    workers: Annotated[int, typer.Option(min=0, help="Processes beside this one; 0 works here.")] = 0,
    plot: Annotated[
        Path | None,
        typer.Option(metavar="FILE.png", help="Also draw what was asked for against what was measured."),
    ] = None,
) -> None:
    """Empty scenes: are false alarms as rare as calibration promises, and what is still found?"""
    size_of_frames, settings = check_frame_size(size), tower.settings().changed(budget=patches)
    check_outputs({"--plot": plot}, tower.files, folders={"--cache": cache})
    from functools import partial

    from regionclip.evaluation.accuracy.alarm_scenes import AlarmPlan, watch_scenes
    from regionclip.evaluation.accuracy.alarms import draw, evaluate_alarms, table
    from regionclip.formats.files import write_file

    plan = AlarmPlan(seed, size_of_frames, calibrate, test, targets)
    make = partial(tower.load, settings)
    detector = make()
    check_alone(detector, "alarms")
    watched = watch_scenes(
        detector, plan, make=make, cache=cache, workers=workers, watch=lambda blocks: progress(blocks, "scenes")
    )
    sys.stdout.write(table(evaluate_alarms(detector, plan, watched), plan) + "\n")
    if plot is not None:
        write_file(plot, draw(detector, plan, watched))
