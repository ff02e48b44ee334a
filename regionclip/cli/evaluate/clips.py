"""`regionclip eval tracks` and `events`: protocols on rendered clips."""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from regionclip.cli.terminal import options
from regionclip.cli.terminal.output import progress, write_json
from regionclip.cli.terminal.sizes import Size, check_frame_size
from regionclip.formats.outputs import check_outputs

if TYPE_CHECKING:
    from regionclip.evaluation.accuracy.event_truth import Rows
    from regionclip.scenes.clips import Clip

Camera = Literal["still", "moving"] | None


@options.grouped
def tracks(
    tower: options.PresetOptions,
    count: Annotated[
        int, typer.Option("--clips", min=1, help="How many clips of 6 seconds at 12 frames a second.")
    ] = 24,
    every: Annotated[
        list[int], typer.Option("--every", min=1, help="Key frames are each so many frames; repeatable.")
    ] = [1, 5],  # noqa: B006 - typer copies it
    tracker: Annotated[
        list[str], typer.Option("--tracker", metavar="NAME", help="bytetrack, ocsort, sort or botsort; repeatable.")
    ] = [],  # noqa: B006
    settings_file: Annotated[
        Path | None,
        typer.Option("--tracks", metavar="FILE.toml", help="Settings of tracks: its table [tracks]."),
    ] = None,
    camera: Annotated[Camera, typer.Option(help="Every second one moves without this.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the series of clips; defaults were chosen on others.")] = 900_501,
    size: Size = "320x240",
    json_file: options.JsonFile = None,
) -> None:
    """Rendered clips: label switches, identity switches, what is covered and named rightly, and milliseconds a frame.

    Each tracker and each --every gives two rows: labels of each key frame alone, and of fused embeddings. Protocol and
    table: docs/tracks.md.
    """
    from regionclip.video.tracking.settings import TrackSettings

    chosen, frame_size = tower.settings(), check_frame_size(size)
    check_outputs({"--json": json_file}, {"--tracks": settings_file, **tower.files})
    settings = TrackSettings() if settings_file is None else TrackSettings.load(settings_file)
    names = list(dict.fromkeys(tracker or [settings.tracker]))
    followed = [TrackSettings.of({"tracker": name}, "--tracker").tracker for name in names]
    detector = tower.load(chosen)
    from regionclip.evaluation.accuracy.tracks import evaluate_tracks, make_clips, record, table

    clips = make_clips(seed, count, frame_size, camera)
    rows = evaluate_tracks(
        detector,
        (next(clips) for _ in progress(range(count), "tracks")),
        settings=[settings.replaced(tracker=name) for name in followed],
        every=list(dict.fromkeys(every)),
    )
    title = f"{count} clips {size}, seed {seed}, camera {camera or 'still and moving'}"
    sys.stdout.write(table(rows, title) + "\n")
    write_json(json_file, record(rows, title, settings))


@options.grouped
def events(
    tower: options.PresetOptions,
    count: Annotated[int, typer.Option("--clips", min=1, help="How many clips.")] = 12,
    seed: Annotated[int, typer.Option(min=0, help="Of the series of clips.")] = 900_801,
    size: Size = "320x240",
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
    settings, frame_size = tower.settings(), check_frame_size(size)
    check_outputs({"--json": json_file}, tower.files)
    from regionclip.evaluation.accuracy.event_truth import torn_rows, tracked_rows, true_rows
    from regionclip.evaluation.accuracy.events import ClipPlan, evaluate_events, record, table

    plan = ClipPlan(count=count, seed=seed, size=frame_size, seconds=seconds, fps=fps)
    sources: dict[str, Callable[[Clip], Rows]] = {"true boxes": true_rows, "true boxes, torn": torn_rows}
    if not rules_alone:
        detector = tower.load(settings)
        sources[f"{detector.tower.card.name} + tracks"] = tracked_rows(detector)
    rows = evaluate_events(sources, plan, watch=partial(progress, what="clips"))
    sys.stdout.write(table(rows, plan) + "\n")
    write_json(json_file, record(rows, plan))
