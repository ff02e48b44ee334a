"""`regionclip eval`: figures, each of a protocol of its own."""

import typer

from regionclip.cli.evaluate.clips import events, tracks
from regionclip.cli.evaluate.judging import calibration, errors, presence
from regionclip.cli.evaluate.photographs import boxes, coco, fgovd, lvis, ovcoco, ovlvis, retrieval, suite
from regionclip.cli.evaluate.recall import recall
from regionclip.cli.evaluate.robot import robot
from regionclip.cli.evaluate.scenes import alarms, scenes, teaching, tiling
from regionclip.cli.evaluate.search import search
from regionclip.cli.evaluate.speed import cameras, live, serve, soak, video

evaluate = typer.Typer(
    no_args_is_help=True,
    help="Measure a tower, or the reading of live video. Figures of rendered scenes say nothing about photographs.",
)
for _protocol in (
    *(boxes, coco, ovcoco, lvis, ovlvis, fgovd, retrieval, suite, presence, errors, calibration),
    *(scenes, teaching, alarms, live, tiling, recall, tracks, events),
    *(cameras, soak, video, robot, serve, search),
):
    evaluate.command()(_protocol)
