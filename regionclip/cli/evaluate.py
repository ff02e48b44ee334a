"""`regionclip eval`: figures, each of a protocol of its own."""

import sys
from typing import Annotated

import typer

from regionclip.cli import options
from regionclip.cli.output import progress
from regionclip.errors import ConfigError

evaluate = typer.Typer(no_args_is_help=True, help="Measure a tower.")


@evaluate.callback()
def _root() -> None:
    """Measure a tower. Figures of rendered scenes say nothing about photographs."""


@evaluate.command()
def scenes(
    tower: options.TowerName = None,
    weights: options.WeightsName = None,
    config: options.ConfigFile = None,
    device: options.DeviceName = "auto",
    dtype: options.DtypeName = "auto",
    count: Annotated[int, typer.Option("--scenes", min=1, help="How many scenes.")] = 200,
    seed: Annotated[
        int, typer.Option(min=0, help="Of the series of scenes; no training run has seen the default.")
    ] = 900_001,
    size: Annotated[str, typer.Option(metavar="WxH", help="Size of the frames in pixels.")] = "640x480",
) -> None:
    """Rendered scenes: kinds and colours with true boxes, proposals, both languages."""
    from regionclip.evaluation.scenes import evaluate_scenes, table
    from regionclip.loading import load

    frame_size = check_frame_size(size)
    detector = load(options.read_config(tower, config, weights), weights=weights, device=device, dtype=dtype)
    figures = evaluate_scenes(
        detector.tower,
        detector.proposer,
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
    device: options.DeviceName = "auto",
    dtype: options.DtypeName = "auto",
    examples: Annotated[int, typer.Option(min=1, help="Boxes that a class is taught from.")] = 5,
    draws: Annotated[int, typer.Option(min=1, help="Lessons of one kind.")] = 4,
    count: Annotated[int, typer.Option("--scenes", min=1, help="How many scenes are labelled.")] = 120,
    seed: Annotated[int, typer.Option(min=0, help="Of the series of scenes.")] = 900_101,
) -> None:
    """Teach kinds from a few boxes: kinds never shown in training, and known ones whose word is withheld."""
    from regionclip.evaluation.teaching import evaluate_teaching, table
    from regionclip.loading import load
    from regionclip.scenes.phrases import KINDS

    detector = load(options.read_config(tower, config, weights), weights=weights, device=device, dtype=dtype)
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


def read_size(text: str) -> tuple[int, int]:
    """`(H, W)` of a size written as `WxH`.

    Raises:
        ConfigError: for anything else.
    """
    parts = text.lower().split("x")
    if len(parts) != 2 or not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise ConfigError(f"size {text!r}: expected WxH in pixels, as 640x480")
    return int(parts[1]), int(parts[0])


def check_frame_size(text: str, *, even: bool = False) -> tuple[int, int]:
    """`(H, W)` of a size written as `WxH` that can be rendered.

    Raises:
        ConfigError: for anything else, and for odd sides where they must be even.
    """
    from regionclip.scenes.render import SMALLEST

    height, width = read_size(text)
    if min(height, width) < SMALLEST:
        raise ConfigError(f"size {text!r}: expected sides of at least {SMALLEST} pixels")
    if even and (height % 2 or width % 2):
        raise ConfigError(f"size {text!r}: expected even sides, which the video needs")
    return height, width
