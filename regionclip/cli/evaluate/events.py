"""`regionclip eval events`: are rules told once, and what is missed?"""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from regionclip.cli.terminal import options
from regionclip.cli.terminal.output import progress, write_json
from regionclip.cli.terminal.sizes import check_frame_size
from regionclip.formats.outputs import check_outputs

if TYPE_CHECKING:
    from regionclip.evaluation.accuracy.event_truth import Rows
    from regionclip.scenes.clips import Clip


@options.grouped
def events(
    tower: options.PresetOptions,
    count: Annotated[int, typer.Option("--clips", min=1, help="How many clips.")] = 12,
    seed: Annotated[int, typer.Option(min=0, help="Of the series of clips.")] = 900_801,
    size: Annotated[str, typer.Option(metavar="WxH", help="Size of the frames in pixels.")] = "320x240",
    seconds: Annotated[float, typer.Option(min=12, max=600, help="Length of a clip.")] = 24.0,
    fps: Annotated[float, typer.Option(min=1, max=100, help="Frames a second.")] = 8.0,
    rules_alone: Annotated[
        bool, typer.Option("--rules-alone", help="True boxes only: no tower, and no tracks of ours.")
    ] = False,
    json_file: options.JsonFile = None,
) -> None:
    """Rules enter, cross, left and dwell on rendered clips: events found, missed, doubled, false, and their delay.

    Once with true boxes, once with true boxes that flicker and change their numbers, and once with a tower and its
    tracks. Protocol and table: docs/events.md.
    """
    settings = tower.settings()
    check_outputs({"--json": json_file}, tower.files)
    from regionclip.evaluation.accuracy.event_truth import torn_rows, tracked_rows, true_rows
    from regionclip.evaluation.accuracy.events import ClipPlan, evaluate_events, record, table

    plan = ClipPlan(count=count, seed=seed, size=check_frame_size(size), seconds=seconds, fps=fps)
    sources: dict[str, Callable[[Clip], Rows]] = {"true boxes": true_rows, "true boxes, torn": torn_rows}
    if not rules_alone:
        detector = tower.load(settings)
        sources[f"{detector.tower.card.name} + tracks"] = tracked_rows(detector)
    rows = evaluate_events(sources, plan, watch=lambda numbers: progress(numbers, "clips"))
    sys.stdout.write(table(rows, plan) + "\n")
    write_json(json_file, record(rows, plan))
