"""`regionclip eval scenes`, `teaching`, `tiling` and `alarms`: protocols on rendered scenes."""

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regionclip.cli.terminal import options
from regionclip.cli.terminal.output import progress
from regionclip.cli.terminal.sizes import Size, check_frame_size
from regionclip.errors import ConfigError
from regionclip.formats.outputs import check_outputs

if TYPE_CHECKING:
    from regionclip.detector import Detector

_Seed = Annotated[int, typer.Option(min=0, help="Of the series of scenes.")]


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


@options.grouped
def scenes(
    tower: options.PresetOptions,
    count: Annotated[int, typer.Option("--scenes", min=1, help="How many scenes.")] = 200,
    seed: Annotated[
        int, typer.Option(min=0, help="Of the series of scenes; no training run has seen the default.")
    ] = 900_001,
    size: Size = "640x480",
    blind: Annotated[
        bool, typer.Option("--blind", help="What is found instead where a proposer knows half of the kinds only.")
    ] = False,
) -> None:
    """Rendered scenes: kinds and colours with true boxes, proposals, both languages."""
    frame_size, watch = check_frame_size(size), partial(progress, what="scenes")
    detector = tower.load()
    if blind:
        from regionclip.evaluation.accuracy import blind as half

        rows = half.evaluate_blind(detector, seed=seed, scenes=count, size=frame_size, watch=watch)
        sys.stdout.write(half.table(rows, count, seed) + "\n")
        return
    _check_alone(detector, "scenes")
    from regionclip.evaluation.accuracy.scenes import evaluate_scenes, table

    figures = evaluate_scenes(detector, seed=seed, scenes=count, size=frame_size, watch=watch)
    sys.stdout.write(table(figures) + "\n")


@options.grouped
def teaching(
    tower: options.PresetOptions,
    examples: Annotated[int, typer.Option(min=1, help="Boxes that a class is taught from.")] = 5,
    draws: Annotated[int, typer.Option(min=1, help="Lessons of one kind.")] = 4,
    count: Annotated[int, typer.Option("--scenes", min=1, help="How many scenes are labelled.")] = 120,
    seed: _Seed = 900_101,
) -> None:
    """Teach kinds from a few boxes: kinds never shown in training, and known ones whose word is withheld."""
    detector = tower.load()
    from regionclip.evaluation.accuracy.teaching import evaluate_teaching, table
    from regionclip.scenes.language.phrases import KINDS

    measure = partial(evaluate_teaching, detector, examples=examples, draws=draws, scenes=count, seed=seed)
    for title, kinds in (("kinds never shown in training", None), ("known kinds, their word withheld", KINDS)):
        sys.stdout.write(table(measure(kinds=kinds, watch=partial(progress, what="kinds")), title) + "\n")


@options.grouped
def tiling(
    tower: options.PresetOptions,
    count: Annotated[int, typer.Option("--scenes", min=1, help="How many scenes.")] = 10,
    seed: _Seed = 900_301,
    size: Size = "1920x1080",
    side: Annotated[float, typer.Option("--object", min=8, help="Longer side of the objects in pixels.")] = 24.0,
    tiles: Annotated[
        list[str],
        typer.Option("--tiles", metavar="CxR|auto", help="Tiles to compare; the last also with other budgets, crops."),
    ] = ["2x2", "3x2", "auto"],  # noqa: B006 - typer copies it
) -> None:
    """Small objects on large frames: average precision, recall and time without tiles, with tiles, with crops."""
    frame_size = check_frame_size(size)
    if side * 2 > min(frame_size):
        raise ConfigError(f"object of {side:g} pixels: expected half of the frame's shorter side at most")
    tilings = [chosen for text in tiles if (chosen := options.read_tiles(text)) not in (None, "none")]
    detector = tower.load(tower.settings().changed(tiles="none", crop_small=False))
    _check_alone(detector, "tiling")
    from regionclip.evaluation.accuracy.tiling import evaluate_tiling, settings_of, table

    watch = partial(progress, what="scenes")
    settings = settings_of(tilings)
    figures = evaluate_tiling(detector, settings, seed=seed, scenes=count, size=frame_size, side=side, watch=watch)
    sys.stdout.write(table(figures) + "\n")


@options.grouped
def alarms(
    tower: options.PresetOptions,
    calibrate: Annotated[
        int, typer.Option("--calibrate-frames", min=1, help="Empty scenes that thresholds come from.")
    ] = 5000,
    test: Annotated[int, typer.Option("--test-frames", min=1, help="Other empty scenes, to measure on.")] = 20_000,
    targets: Annotated[int, typer.Option("--target-frames", min=1, help="Scenes with targets, for the recall.")] = 1000,
    seed: _Seed = 900_201,
    size: Size = "192x144",
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
    frame_size, settings = check_frame_size(size), tower.settings().changed(budget=patches)
    check_outputs({"--plot": plot}, tower.files, folders={"--cache": cache})
    make = partial(tower.load, settings)
    detector = make()
    _check_alone(detector, "alarms")
    from regionclip.evaluation.accuracy.alarm_scenes import AlarmPlan, watch_scenes
    from regionclip.evaluation.accuracy.alarms import draw, evaluate_alarms, table
    from regionclip.formats.files import write_file

    plan = AlarmPlan(seed, frame_size, calibrate, test, targets)
    watch = partial(progress, what="scenes")
    watched = watch_scenes(detector, plan, make=make, cache=cache, workers=workers, watch=watch)
    sys.stdout.write(table(evaluate_alarms(detector, plan, watched), plan) + "\n")
    if plot is not None:
        write_file(plot, draw(detector, plan, watched))
