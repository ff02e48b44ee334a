"""`regionclip eval events`: are rules told once, and what is missed?"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Optional

import typer

from regionclip.cli.terminal import options
from regionclip.cli.terminal.output import progress
from regionclip.errors import ConfigError


def events(
    count: Annotated[int, typer.Option("--clips", min=1, help="How many clips.")] = 12,
    seed: Annotated[int, typer.Option(min=0, help="Of the series of clips.")] = 900_801,
    size: Annotated[str, typer.Option(metavar="WxH", help="Size of the frames in pixels.")] = "320x240",
    seconds: Annotated[float, typer.Option(min=12, max=600, help="Length of a clip.")] = 24.0,
    fps: Annotated[float, typer.Option(min=1, max=100, help="Frames a second.")] = 8.0,
    rules_alone: Annotated[
        bool, typer.Option("--rules-alone", help="True boxes only: no tower, and no tracks of ours.")
    ] = False,
    tower: options.TowerName = None,
    weights: options.WeightsName = None,
    config: options.ConfigFile = None,
    preset: options.PresetName = None,
    device: options.DeviceName = "auto",
    dtype: options.DtypeName = "auto",
    json_file: Annotated[
        Optional[Path],  # noqa: UP045 - read by typer at run time
        typer.Option("--json", metavar="FILE", help="Write the figures as JSON."),
    ] = None,
) -> None:
    """Rules enter, cross, left and dwell on rendered clips: events found, missed, doubled, false, and their delay.

    Once with true boxes, once with true boxes that flicker and change their numbers, and once with a tower and its
    tracks. Protocol and table: docs/events.md.
    """
    from regionclip.cli.terminal.sizes import check_frame_size
    from regionclip.evaluation.accuracy.event_truth import Rows, torn_rows, tracked_rows, true_rows
    from regionclip.evaluation.accuracy.events import ClipPlan, evaluate_events, record, table
    from regionclip.formats.files import write_file
    from regionclip.loading import load
    from regionclip.scenes.clips import Clip

    if json_file is not None and json_file.is_dir():
        raise ConfigError(f"--json {json_file}: expected a file, got a folder")
    plan = ClipPlan(count=count, seed=seed, size=check_frame_size(size), seconds=seconds, fps=fps)
    sources: dict[str, Callable[[Clip], Rows]] = {"true boxes": true_rows, "true boxes, torn": torn_rows}
    if not rules_alone:
        settings = options.read_config(tower, config, weights, preset)
        detector = load(settings, weights=weights, device=device, dtype=dtype)
        sources[f"{detector.tower.card.name} + tracks"] = tracked_rows(detector)
    rows = evaluate_events(sources, plan, watch=lambda numbers: progress(numbers, "clips"))
    sys.stdout.write(table(rows, plan) + "\n")
    if json_file is not None:
        write_file(json_file, (json.dumps(record(rows, plan), indent=1) + "\n").encode())
