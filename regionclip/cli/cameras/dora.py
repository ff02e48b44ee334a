"""`regionclip dora`: a node of a dora dataflow."""

from typing import Annotated

import typer

from regionclip.cli.terminal import options
from regionclip.cli.terminal.output import preparing, say


@options.grouped
def dora(
    words: options.WordOptions,
    tower: options.DetectorOptions,
    track: Annotated[bool, typer.Option("--track/--no-track", help="Follow things: ids.")] = False,
    every: Annotated[int, typer.Option(min=1, metavar="N", help="The tower looks at each Nth image.")] = 1,
) -> None:
    """Find words in the frames of a dora dataflow, which starts this command (demos/dora/dataflow.yml)."""
    vocabulary, settings = words.read(), tower.settings()
    from regionclip.robot.core import PerceptionCore
    from regionclip.robot.transports.dora import run  # refuses where dora-rs is not installed

    detector = tower.load(settings)
    preparing(detector, vocabulary)
    run(PerceptionCore(detector, vocabulary, source="dora", track=track, every=every), say)
