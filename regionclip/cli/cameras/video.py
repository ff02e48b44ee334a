"""`regionclip video`: an annotated copy of a video, and what was found in it."""

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from regionclip.cli.cameras import watching
from regionclip.cli.terminal import exits, options
from regionclip.cli.terminal.output import preparing, say
from regionclip.cli.terminal.signals import stopping


@options.grouped
def video(
    source: Annotated[
        str, typer.Argument(metavar="SRC", help="A video, a folder or pattern of pictures (docs/video_sources.md).")
    ],
    out: Annotated[Path, typer.Option(metavar="X.mp4", help="The annotated video: .mp4, .mkv or .webm.")],
    words: options.WordOptions,
    tower: options.DetectorOptions,
    watch: watching.WatchOptions,
    audio: Annotated[bool, typer.Option("--audio/--no-audio", help="Copy the sound.")] = True,
    codec: Annotated[str, typer.Option(help="h264 (plays everywhere), hevc, av1, vp9, mpeg4.")] = "h264",
    fps: Annotated[
        float | None, typer.Option(metavar="F", help="Pictures a second, for folders and patterns of pictures.")
    ] = None,
) -> None:
    """Find words in a video, follow what is found, and write an annotated copy that plays in a browser."""
    from regionclip.video.output.codecs import encoding

    vocabulary, settings = words.read(), tower.settings()
    watch.check(source, "every", {"--out": out}, {**words.files, **tower.files})
    rules = watch.read_rules(vocabulary, settings)
    encoding(out, codec)
    published = watch.mqtt is not None and not watch.mqtt_embeddings
    if watch.rules is None and (watch.events or watch.snapshots or watch.webhook or published):
        say("without --rules nothing makes an event: --events, --snapshots, --webhook and --mqtt stay empty")
    style = watch.style(vocabulary)
    from regionclip.video.annotating import Outputs, run

    watching.spare_a_core()
    detector = tower.load(settings)
    preparing(detector, vocabulary)
    with ExitStack() as stack:
        frames = watch.follow(stack, source, detector, vocabulary, rules=rules, mode="every", fps=fps)
        interruption = stack.enter_context(stopping(frames.stop))
        show = stack.enter_context(watching.bar("video", frames.source.duration_seconds))
        outputs = Outputs(video=out, codec=codec, audio=audio, style=style, results=watch.results)
        summary = run(frames, outputs, on_frame=show)
    watching.print_summary(summary)
    if summary.frames:
        sys.stdout.write(f"{out}\n")
    if interruption.asked:
        raise typer.Exit(exits.INTERRUPTED)
    if summary.missing:
        raise typer.Exit(exits.PARTLY)
