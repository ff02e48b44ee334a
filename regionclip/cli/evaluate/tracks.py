"""`regionclip eval tracks`: how well things are followed, and what fusing their embeddings gains."""

import json
import sys
from pathlib import Path
from typing import Annotated, Literal, Optional

import typer

from regionclip.cli.terminal import options
from regionclip.cli.terminal.output import progress
from regionclip.errors import ConfigError

Camera = Optional[Literal["still", "moving"]]  # noqa: UP045 - read by typer at run time


def tracks(
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
        Optional[Path],  # noqa: UP045
        typer.Option("--tracks", metavar="FILE.toml", help="Settings of tracks: its table [tracks]."),
    ] = None,
    camera: Annotated[Camera, typer.Option(help="Every second one moves without this.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the series of clips; defaults were chosen on others.")] = 900_501,
    size: Annotated[str, typer.Option(metavar="WxH", help="Size of the frames in pixels.")] = "320x240",
    tower: options.TowerName = None,
    weights: options.WeightsName = None,
    config: options.ConfigFile = None,
    preset: options.PresetName = None,
    device: options.DeviceName = "auto",
    dtype: options.DtypeName = "auto",
    json_file: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--json", metavar="FILE", help="Write the figures as JSON."),
    ] = None,
) -> None:
    """Rendered clips: label switches, identity switches, what is covered and named rightly, and milliseconds a frame.

    Each tracker and each --every gives two rows: labels of each key frame alone, and of fused embeddings. Protocol and
    table: docs/tracks.md.
    """

    from regionclip.cli.terminal.sizes import check_frame_size
    from regionclip.evaluation.accuracy.tracks import evaluate_tracks, make_clips, record, table
    from regionclip.formats.files import write_file
    from regionclip.loading import load
    from regionclip.video.tracking.settings import TrackSettings

    if json_file is not None and json_file.is_dir():
        raise ConfigError(f"--json {json_file}: expected a file, got a folder")
    settings = TrackSettings() if settings_file is None else TrackSettings.load(settings_file)
    names = list(dict.fromkeys(tracker or [settings.tracker]))
    followed = [TrackSettings.of({"tracker": name}, "--tracker").tracker for name in names]
    clips = make_clips(seed, count, check_frame_size(size), camera)
    detector = load(options.read_config(tower, config, weights, preset), weights=weights, device=device, dtype=dtype)
    rows = evaluate_tracks(
        detector,
        (next(clips) for _ in progress(range(count), "tracks")),
        settings=[settings.replaced(tracker=name) for name in followed],
        every=list(dict.fromkeys(every)),
    )
    title = f"{count} clips {size}, seed {seed}, camera {camera or 'still and moving'}"
    sys.stdout.write(table(rows, title) + "\n")
    if json_file is not None:
        write_file(json_file, (json.dumps(record(rows, title, settings), indent=1) + "\n").encode())
