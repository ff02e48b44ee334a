"""What `video` and `stream` share: their options, where events go, and what they print."""

import os
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional, Self, cast

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from regionclip.cli.terminal.output import say

if TYPE_CHECKING:
    import supervision as sv

    from regionclip.drawing import Style
    from regionclip.frames import Frame
    from regionclip.sinks.log_and_snapshots import Sink, Told
    from regionclip.video.annotating import VideoSummary
    from regionclip.video.follower import StreamFrame
    from regionclip.words.vocabulary import Vocabulary

Track = Annotated[bool, typer.Option("--track/--no-track", help="Follow things from frame to frame.")]
Every = Annotated[
    int, typer.Option(min=1, metavar="N", help="The tower looks at each Nth frame; tracks go on in between.")
]
Rules = Annotated[
    Optional[Path],  # noqa: UP045 - read by typer at run time
    typer.Option(
        "--rules", "--zones", metavar="FILE.toml", help="Zones, lines, and rules that make events (docs/events.md)."
    ),
]
Events = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option(metavar="FILE.jsonl", help="Add events to this file, one a line."),
]
Snapshots = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option(metavar="DIR", help="Write pictures of each event here."),
]
WebhookUrl = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option("--webhook", metavar="URL", help="POST each event as JSON to this address."),
]
Timezone = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(metavar="ZONE", help="Of the place, as Asia/Shanghai: for schedules and local times."),
]
Blur = Annotated[list[str], typer.Option(metavar="LABEL", help="Make these unrecognisable; repeatable.")]
Language = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(metavar="en|zh", help="Show labels in this language, where they have one."),
]
Legend = Annotated[bool, typer.Option("--legend", help="Draw a legend of the labels.")]
MaxFps = Annotated[
    Optional[float],  # noqa: UP045
    typer.Option(metavar="F", help="Use no more frames a second than this."),
]
Results = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option(metavar="FILE", help="What was found in each frame: .jsonl, .csv, or .json in COCO's format."),
]


def spare_a_core() -> None:
    """Leave one core to reading and writing: a tower whose threads wait for it takes many times as long."""
    import torch

    torch.set_num_threads(max(1, min(torch.get_num_threads(), (os.cpu_count() or 1) - 1)))


def style_of(vocabulary: "Vocabulary", language: str | None, blur: Sequence[str], *, legend: bool) -> "Style":
    """How the labels are drawn.

    Raises:
        ConfigError: for an unknown language, or for a label to blur that is not looked for.
        DrawingError: where no font at hand has the characters of a label.
    """
    from regionclip.drawing import Style
    from regionclip.drawing.style import Language as Known
    from regionclip.drawing.text import check_drawable
    from regionclip.errors import ConfigError

    if strange := [name for name in blur if name not in vocabulary.names]:
        raise ConfigError(f"--blur {strange[0]!r}: expected one of the labels {', '.join(vocabulary.names)}")
    check_drawable(vocabulary.names)
    return Style(words=vocabulary, language=cast("Known | None", language), blur=blur, legend=legend)


def open_sinks(
    stack: ExitStack, events: Path | None, snapshots: Path | None, webhook: str | None, blur: Sequence[str]
) -> "list[Sink]":
    """What `--snapshots`, `--events` and `--webhook` name, and one that prints; closed with `stack`."""
    from regionclip.sinks.log_and_snapshots import EventLog, Snapshots, Webhook

    sinks: list[Sink] = []
    if snapshots is not None:
        sinks.append(stack.enter_context(Snapshots(snapshots, blur=blur)))
    if events is not None:
        sinks.append(stack.enter_context(EventLog(events)))
    if webhook is not None:
        sinks.append(stack.enter_context(Webhook(webhook, on_problem=say)))
    return [*sinks, Spoken()]


def problem(line: str) -> None:
    """Say on stderr that something cannot be written, or that this is over."""
    say(f"regionclip: {line}")


@contextmanager
def bar(what: str, seconds: float | None) -> Iterator[Callable[["StreamFrame"], None]]:
    """A progress bar with the time that is left, on a terminal, for a video of so many seconds."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        task = progress.add_task(what, total=seconds)
        yield lambda known: progress.update(task, completed=known.frame.t_seconds)


class Spoken:
    """A sink that prints: events on stdout, and on stderr when a camera is lost and when it is back."""

    def send(self, told: "Told", image: "Frame | None" = None, rows: "sv.Detections | None" = None) -> "Told":
        """Print one line."""
        from regionclip.video.sources.base import SourceEvent

        if not isinstance(told, SourceEvent):
            sys.stdout.write(f"{told}\n")
            sys.stdout.flush()
        elif told.kind == "back":
            say(f"regionclip: {told.source} is back after {told.outage_seconds:.1f} s")
        else:
            say(f"regionclip: {told.source} is lost: {told.reason.removeprefix(f'{told.source}: ')}")
        return told

    def close(self) -> None:
        """Nothing is held."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        pass


class Ages:
    """How old the answers to the latest frames were."""

    def __init__(self) -> None:
        self._seconds: deque[float] = deque(maxlen=1000)

    def add(self, known: "StreamFrame") -> None:
        """Count a frame."""
        self._seconds.append(known.age_seconds)

    def __str__(self) -> str:
        import numpy as np

        if not self._seconds:
            return "no frames"
        half, most = np.percentile(list(self._seconds), (50, 95))
        return f"answers {half * 1000:.0f} ms old (p95 {most * 1000:.0f})"


def print_summary(summary: "VideoSummary") -> None:
    """What was done, and where the time went, on stdout."""
    rate = summary.frames / summary.wall_seconds if summary.wall_seconds else 0.0
    sys.stdout.write(
        f"{summary.frames} frames, {summary.key_frames} of them looked at by the tower; {summary.tracks} tracks, "
        f"{summary.events} events; {summary.wall_seconds:.1f} s, {rate:.1f} frames a second\n"
    )
    total = sum(summary.stages.values()) or 1.0
    stages = sorted(summary.stages.items(), key=lambda pair: -pair[1])
    sys.stdout.write(
        "ms a frame: " + ", ".join(f"{stage} {spent:.1f} ({spent / total:.0%})" for stage, spent in stages) + "\n"
    )
    if summary.outages:
        sys.stdout.write(f"{summary.outages} outages, {summary.outage_seconds:.1f} s in all\n")
    if summary.missing:
        say(f"regionclip: {summary.missing} frames are not in the results: they could not be written")
