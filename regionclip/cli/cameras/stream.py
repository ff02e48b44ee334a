"""`regionclip stream`: a camera watched until it is told to stop."""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from regionclip.cli.cameras import watching
from regionclip.cli.terminal import options
from regionclip.cli.terminal.output import preparing, say
from regionclip.cli.terminal.signals import stopping
from regionclip.errors import ConfigError

if TYPE_CHECKING:
    from regionclip.frames import Frame
    from regionclip.video.follower import StreamFrame
    from regionclip.video.runner import Stream
    from regionclip.video.sources.options import Transport


@options.grouped
def stream(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SRC",
            help="rtsp://, http:// (MJPEG), the number of a camera, -; a video is played at its own speed.",
        ),
    ],
    words: options.WordOptions,
    tower: options.DetectorOptions,
    watch: watching.WatchOptions,
    show: Annotated[bool, typer.Option("--show", help="Show the annotated pictures in a window; q ends.")] = False,
    record: Annotated[
        Path | None, typer.Option(metavar="X.mp4", help="Write the annotated pictures to a video as well.")
    ] = None,
    transport: Annotated[str, typer.Option(help="Of RTSP: tcp or udp.")] = "tcp",
    patience: Annotated[
        float | None,
        typer.Option(min=0, metavar="S", help="Give up after an outage of so many seconds; else wait for ever."),
    ] = None,
    seconds: Annotated[float | None, typer.Option(min=0, metavar="S", help="Stop after so many seconds.")] = None,
) -> None:
    """Watch a camera: always its newest picture, events as they happen, until Ctrl-C or SIGTERM."""
    from regionclip.video.output.codecs import encoding
    from regionclip.video.sources.options import LiveOptions

    vocabulary, settings = words.read(), tower.settings()
    live = LiveOptions(transport=cast("Transport", transport), patience=patience)
    watch.check(source, "latest", {"--record": record}, {**words.files, **tower.files})
    rules = watch.read_rules(vocabulary, settings)
    if record is not None:
        encoding(record)
    style = watch.style(vocabulary)
    import numpy as np

    from regionclip.video.annotating import Outputs, run

    watching.spare_a_core()
    detector = tower.load(settings)
    preparing(detector, vocabulary)
    ages: deque[float] = deque(maxlen=1000)  # seconds, of the latest frames

    def note(known: "StreamFrame") -> None:
        ages.append(known.age_seconds)
        if seconds is not None and known.frame.t_seconds >= seconds:
            frames.stop()

    with ExitStack() as stack:
        frames = watch.follow(stack, source, detector, vocabulary, rules=rules, mode="latest", live=live)
        stack.enter_context(stopping(frames.stop))
        window = stack.enter_context(_window(frames)) if show else None
        outputs = Outputs(video=record, style=style, results=watch.results, audio=False)
        summary = run(frames, outputs, on_frame=note, on_picture=window)
    watching.print_summary(summary)
    if not ages:
        say("no frames")
        return
    half, most = np.percentile(list(ages), (50, 95)) * 1000
    say(f"answers {half:.0f} ms old (p95 {most:.0f})")


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
