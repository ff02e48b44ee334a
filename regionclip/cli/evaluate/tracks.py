"""`regionclip eval tracks`: how well things are followed, and what fusing their embeddings gains."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from regionclip.cli.terminal import options
from regionclip.cli.terminal.output import progress, write_json
from regionclip.cli.terminal.sizes import check_frame_size
from regionclip.formats.outputs import check_outputs

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
    size: Annotated[str, typer.Option(metavar="WxH", help="Size of the frames in pixels.")] = "320x240",
    json_file: options.JsonFile = None,
) -> None:
    """Rendered clips: label switches, identity switches, what is covered and named rightly, and milliseconds a frame.

    Each tracker and each --every gives two rows: labels of each key frame alone, and of fused embeddings. Protocol and
    table: docs/tracks.md.
    """
    from regionclip.video.tracking.settings import TrackSettings

    chosen = tower.settings()
    check_outputs({"--json": json_file}, {"--tracks": settings_file, **tower.files})
    settings = TrackSettings() if settings_file is None else TrackSettings.load(settings_file)
    names = list(dict.fromkeys(tracker or [settings.tracker]))
    followed = [TrackSettings.of({"tracker": name}, "--tracker").tracker for name in names]
    from regionclip.evaluation.accuracy.tracks import evaluate_tracks, make_clips, record, table

    clips = make_clips(seed, count, check_frame_size(size), camera)
    detector = tower.load(chosen)
    rows = evaluate_tracks(
        detector,
        (next(clips) for _ in progress(range(count), "tracks")),
        settings=[settings.replaced(tracker=name) for name in followed],
        every=list(dict.fromkeys(every)),
    )
    title = f"{count} clips {size}, seed {seed}, camera {camera or 'still and moving'}"
    sys.stdout.write(table(rows, title) + "\n")
    write_json(json_file, record(rows, title, settings))
