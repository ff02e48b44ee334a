"""`regionclip video`: an annotated copy of a video, and what was found in it."""

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Optional

import typer

from regionclip.cli.cameras import watching
from regionclip.cli.terminal import exits, options
from regionclip.cli.terminal.signals import stopping


def video(
    source: Annotated[
        str, typer.Argument(metavar="SRC", help="A video, a folder or pattern of pictures (docs/video_sources.md).")
    ],
    out: Annotated[Path, typer.Option(metavar="X.mp4", help="The annotated video: .mp4, .mkv or .webm.")],
    prompts: options.Prompts = [],  # noqa: B006 - typer copies it
    prompts_file: options.PromptsFile = None,
    tower: options.TowerName = None,
    weights: options.WeightsName = None,
    proposer: options.ProposerNames = [],  # noqa: B006
    preset: options.PresetName = None,
    threshold: options.Threshold = None,
    budget: options.BudgetName = None,
    tiles: options.TilesName = None,
    config: options.ConfigFile = None,
    track: watching.Track = True,
    every: watching.Every = 1,
    rules: watching.Rules = None,
    events: watching.Events = None,
    snapshots: watching.Snapshots = None,
    webhook: watching.WebhookUrl = None,
    timezone: watching.Timezone = None,
    results: watching.Results = None,
    audio: Annotated[bool, typer.Option("--audio/--no-audio", help="Copy the sound.")] = True,
    codec: Annotated[str, typer.Option(help="h264 (plays everywhere), hevc, av1, vp9, mpeg4.")] = "h264",
    blur: watching.Blur = [],  # noqa: B006
    language: watching.Language = None,
    legend: watching.Legend = False,
    fps: Annotated[
        Optional[float],  # noqa: UP045 - read by typer at run time
        typer.Option(metavar="F", help="Pictures a second, for folders and patterns of pictures."),
    ] = None,
    max_fps: watching.MaxFps = None,
    device: options.DeviceName = "auto",
    dtype: options.DtypeName = "auto",
) -> None:
    """Find words in a video, follow what is found, and write an annotated copy that plays in a browser."""
    from regionclip.loading import load
    from regionclip.video.annotating import Outputs, run
    from regionclip.video.runner import stream

    vocabulary = options.read_vocabulary(prompts, prompts_file, threshold)
    settings = options.read_config(tower, config, weights, preset, proposer, budget, tiles)
    style = watching.style_of(vocabulary, language, blur, legend=legend)
    watching.spare_a_core()
    detector = load(settings, weights=weights, device=device, dtype=dtype)
    with ExitStack() as stack:
        frames = stream(
            source,
            detector,
            vocabulary,
            track=track,
            every=every,
            rules=rules,
            sinks=watching.open_sinks(stack, events, snapshots, webhook, blur),
            on_problem=watching.problem,
            timezone=timezone,
            mode="every",
            fps=fps,
            max_fps=max_fps,
        )
        stack.enter_context(frames)
        interruption = stack.enter_context(stopping(frames.stop))
        show = stack.enter_context(watching.bar("video", frames.source.duration_seconds))
        summary = run(frames, Outputs(video=out, codec=codec, audio=audio, style=style, results=results), on_frame=show)
    watching.print_summary(summary)
    if summary.frames:
        sys.stdout.write(f"{out}\n")
    if interruption.asked:
        raise typer.Exit(exits.INTERRUPTED)
    if summary.missing:
        raise typer.Exit(exits.PARTLY)
