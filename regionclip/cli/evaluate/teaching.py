"""`regionclip eval teaching`: kinds taught from a few boxes."""

import sys
from typing import Annotated

import typer

from regionclip.cli.terminal import options
from regionclip.cli.terminal.output import progress
from regionclip.errors import ConfigError


@options.grouped
def teaching(
    tower: options.PresetOptions,
    examples: Annotated[int, typer.Option(min=1, help="Boxes that a class is taught from.")] = 5,
    draws: Annotated[int, typer.Option(min=1, help="Lessons of one kind.")] = 4,
    count: Annotated[int, typer.Option("--scenes", min=1, help="How many scenes are labelled.")] = 120,
    seed: Annotated[int, typer.Option(min=0, help="Of the series of scenes.")] = 900_101,
) -> None:
    """Teach kinds from a few boxes: kinds never shown in training, and known ones whose word is withheld."""
    settings = tower.settings()
    from regionclip.evaluation.accuracy.teaching import evaluate_teaching, table
    from regionclip.scenes.language.phrases import KINDS

    detector = tower.load(settings)
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
