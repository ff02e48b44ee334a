"""`regionclip eval tiling`: small objects on large frames."""

import sys
from typing import Annotated

import typer

from regionclip.cli.evaluate.proposers import check_alone
from regionclip.cli.terminal import options
from regionclip.cli.terminal.output import progress
from regionclip.cli.terminal.sizes import check_frame_size
from regionclip.errors import ConfigError


@options.grouped
def tiling(
    tower: options.PresetOptions,
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
    frame_size = check_frame_size(size)
    if side * 2 > min(frame_size):
        raise ConfigError(f"object of {side:g} pixels: expected half of the frame's shorter side at most")
    tilings = [chosen for text in tiles if (chosen := options.read_tiles(text)) not in (None, "none")]
    settings = tower.settings().changed(tiles="none", crop_small=False)
    from regionclip.evaluation.accuracy.tiling import evaluate_tiling, settings_of, table

    detector = tower.load(settings)
    check_alone(detector, "tiling")
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
