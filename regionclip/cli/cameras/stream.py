"""`regionclip stream`: a camera watched until it is told to stop."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional, cast

import typer

from regionclip.cli.cameras import watching
from regionclip.cli.terminal import options
from regionclip.cli.terminal.output import say
from regionclip.cli.terminal.signals import stopping
from regionclip.errors import ConfigError

if TYPE_CHECKING:
    from regionclip.frames import Frame
    from regionclip.video.follower import StreamFrame
    from regionclip.video.runner import Stream
    from regionclip.video.sources.options import Transport


def stream(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SRC",
            help="rtsp://, http:// (MJPEG), the number of a camera, -; a video is played at its own speed.",
        ),
    ],
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
    show: Annotated[bool, typer.Option("--show", help="Show the annotated pictures in a window; q ends.")] = False,
    record: Annotated[
        Optional[Path],  # noqa: UP045 - read by typer at run time
        typer.Option(metavar="X.mp4", help="Write the annotated pictures to a video as well."),
    ] = None,
    blur: watching.Blur = [],  # noqa: B006
    language: watching.Language = None,
    legend: watching.Legend = False,
    max_fps: watching.MaxFps = None,
    transport: Annotated[str, typer.Option(help="Of RTSP: tcp or udp.")] = "tcp",
    patience: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option(min=0, metavar="S", help="Give up after an outage of so many seconds; else wait for ever."),
    ] = None,
    seconds: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option(min=0, metavar="S", help="Stop after so many seconds."),
    ] = None,
    device: options.DeviceName = "auto",
    dtype: options.DtypeName = "auto",
) -> None:
    """Watch a camera: always its newest picture, events as they happen, until Ctrl-C or SIGTERM."""
    from regionclip.loading import load
    from regionclip.video.annotating import Outputs, run
    from regionclip.video.runner import stream as watch
    from regionclip.video.sources.options import LiveOptions

    vocabulary = options.read_vocabulary(prompts, prompts_file, threshold)
    settings = options.read_config(tower, config, weights, preset, proposer, budget, tiles)
    style = watching.style_of(vocabulary, language, blur, legend=legend)
    live = LiveOptions(transport=cast("Transport", transport), patience=patience)
    watching.spare_a_core()
    detector = load(settings, weights=weights, device=device, dtype=dtype)
    ages = watching.Ages()

    def note(known: "StreamFrame") -> None:
        ages.add(known)
        if seconds is not None and known.frame.t_seconds >= seconds:
            frames.stop()

    with ExitStack() as stack:
        frames = watch(
            source,
            detector,
            vocabulary,
            track=track,
            every=every,
            rules=rules,
            sinks=watching.open_sinks(stack, events, snapshots, webhook, blur),
            on_problem=watching.problem,
            timezone=timezone,
            mode="latest",
            max_fps=max_fps,
            live=live,
        )
        stack.enter_context(frames)
        stack.enter_context(stopping(frames.stop))
        window = stack.enter_context(_window(frames)) if show else None
        outputs = Outputs(video=record, style=style, results=results, audio=False)
        summary = run(frames, outputs, on_frame=note, on_picture=window)
    watching.print_summary(summary)
    say(f"regionclip: {ages}")


@contextmanager
def _window(frames: "Stream") -> "Iterator[Callable[[Frame], None]]":
    """A window that shows pictures; `q` or Escape ends the stream.

    Raises:
        ConfigError: where this machine, or its OpenCV, has no windows.
    """
    import cv2

    name = f"regionclip {frames.source.id}"
    try:
        cv2.namedWindow(name, cv2.WINDOW_NORMAL)
    except cv2.error as error:
        raise ConfigError("--show: no window can be opened here; use --record X.mp4") from error

    def show(picture: "Frame") -> None:
        cv2.imshow(name, picture)
        if cv2.waitKey(1) & 0xFF in (ord("q"), 27):
            frames.stop()

    try:
        yield show
    finally:
        cv2.destroyWindow(name)
