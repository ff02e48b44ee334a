"""`regionclip eval scenes`: kinds and colours of rendered scenes."""

import sys
from typing import Annotated

import typer

from regionclip.cli.evaluate.proposers import check_alone
from regionclip.cli.terminal import options
from regionclip.cli.terminal.output import progress
from regionclip.cli.terminal.sizes import check_frame_size


@options.grouped
def scenes(
    tower: options.PresetOptions,
    count: Annotated[int, typer.Option("--scenes", min=1, help="How many scenes.")] = 200,
    seed: Annotated[
        int, typer.Option(min=0, help="Of the series of scenes; no training run has seen the default.")
    ] = 900_001,
    size: Annotated[str, typer.Option(metavar="WxH", help="Size of the frames in pixels.")] = "640x480",
) -> None:
    """Rendered scenes: kinds and colours with true boxes, proposals, both languages."""
    settings = tower.settings()
    from regionclip.evaluation.accuracy.scenes import evaluate_scenes, table

    frame_size = check_frame_size(size)
    detector = tower.load(settings)
    check_alone(detector, "scenes")
    figures = evaluate_scenes(
        detector,
        seed=seed,
        scenes=count,
        size=frame_size,
        watch=lambda numbers: progress(numbers, "scenes"),
    )
    sys.stdout.write(table(figures) + "\n")
