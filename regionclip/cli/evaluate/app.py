"""`regionclip eval`: figures, each of a protocol of its own."""

import typer

from regionclip.cli.evaluate.alarms import alarms
from regionclip.cli.evaluate.cameras import cameras
from regionclip.cli.evaluate.chain import chain
from regionclip.cli.evaluate.events import events
from regionclip.cli.evaluate.live import live
from regionclip.cli.evaluate.recall import recall
from regionclip.cli.evaluate.scenes import scenes
from regionclip.cli.evaluate.soak import soak
from regionclip.cli.evaluate.teaching import teaching
from regionclip.cli.evaluate.tiling import tiling
from regionclip.cli.evaluate.tracks import tracks

evaluate = typer.Typer(no_args_is_help=True, help="Measure a tower, or the reading of live video.")


@evaluate.callback()
def _root() -> None:
    """Measure a tower, or the reading of live video. Figures of rendered scenes say nothing about photographs."""


for _protocol in (scenes, teaching, alarms, live, tiling, recall, tracks, events, cameras, soak):
    evaluate.command()(_protocol)
evaluate.command("video")(chain)
