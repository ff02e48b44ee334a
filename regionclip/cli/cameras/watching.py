"""What `video` and `stream` share: their options, where events go, and what they print."""

import glob
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self, Unpack, cast

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from regionclip.cli.terminal.output import say
from regionclip.errors import ConfigError
from regionclip.formats.outputs import Named, check_outputs

if TYPE_CHECKING:
    import supervision as sv

    from regionclip.config import Config
    from regionclip.detector import Detector
    from regionclip.drawing import Style
    from regionclip.drawing.style import Language
    from regionclip.frames import Frame
    from regionclip.sinks.log_and_snapshots import AnyEvent, Sink
    from regionclip.video.annotating import VideoSummary
    from regionclip.video.follower import StreamFrame
    from regionclip.video.rules.file import RuleSet
    from regionclip.video.runner import Stream, StreamOptions
    from regionclip.video.sources.opening import SourceMode
    from regionclip.words.vocabulary import Vocabulary


@dataclass(frozen=True, kw_only=True)
class WatchOptions:
    """What is made of the frames of a video or camera."""

    track: Annotated[bool, typer.Option("--track/--no-track", help="Follow things from frame to frame.")] = True
    every: Annotated[
        int, typer.Option(min=1, metavar="N", help="The tower looks at each Nth frame; tracks go on in between.")
    ] = 1
    rules: Annotated[
        Path | None,
        typer.Option(
            "--rules", "--zones", metavar="FILE.toml", help="Zones, lines, and rules that make events (docs/events.md)."
        ),
    ] = None
    events: Annotated[Path | None, typer.Option(metavar="FILE.jsonl", help="Add events to this file, one a line.")] = (
        None
    )
    snapshots: Annotated[Path | None, typer.Option(metavar="DIR", help="Write pictures of each event here.")] = None
    webhook: Annotated[
        str | None, typer.Option("--webhook", metavar="URL", help="POST each event as JSON to this address.")
    ] = None
    mqtt: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help="Publish events and states at mqtt://user@host/topic; ${NAME} in it is a variable."
        ),
    ] = None
    mqtt_password_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Its one line is the password of the user of --mqtt.")
    ] = None
    mqtt_embeddings: Annotated[
        bool, typer.Option("--mqtt-embeddings", help="Publish what the tower sees at --mqtt as well.")
    ] = False
    timezone: Annotated[
        str | None,
        typer.Option(metavar="ZONE", help="Of the place, as Asia/Shanghai: for schedules and local times."),
    ] = None
    results: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="What was found in each frame: .jsonl, .csv, or .json in COCO's format."),
    ] = None
    blur: Annotated[list[str], typer.Option(metavar="LABEL", help="Make these unrecognisable; repeatable.")] = field(
        default_factory=list
    )
    language: Annotated[
        str | None, typer.Option(metavar="en|zh", help="Show labels in this language, where they have one.")
    ] = None
    legend: Annotated[bool, typer.Option("--legend", help="Draw a legend of the labels.")] = False
    max_fps: Annotated[float | None, typer.Option(metavar="F", help="Use no more frames a second than this.")] = None

    def check(self, source: str, mode: "SourceMode", outputs: Named, inputs: Named) -> None:
        """Tell what cannot be, before anything heavy is loaded.

        Args:
            source: what is watched.
            mode: how it is read.
            outputs: files that are written beside those of these options.
            inputs: files that are read beside those of these options.

        Raises:
            ConfigError, SourceError: for a source that cannot be opened so, a time zone that is not known, a webhook or
                broker without an address, results of an unknown kind, and outputs that would cost a file.
        """
        from regionclip.sinks.broker import Broker
        from regionclip.sinks.posting import Target
        from regionclip.video.output.suffixes import check_results
        from regionclip.video.rules.schedule import timezone_of
        from regionclip.video.sources.opening import source_kind

        source_kind(source, mode)
        if self.results is not None:
            check_results(self.results)
        if self.webhook is not None:
            Target(self.webhook, {}, 1.0)
        if self.mqtt is not None:
            Broker.of(self._broker_url(self.mqtt))
        elif self.mqtt_password_file is not None or self.mqtt_embeddings:
            raise ConfigError("--mqtt-password-file and --mqtt-embeddings: expected together with --mqtt URL")
        if self.timezone is not None:
            timezone_of(self.timezone)
        written = {**outputs, "--results": self.results, "--events": self.events}
        own = {"--rules": self.rules, "--mqtt-password-file": self.mqtt_password_file}
        read = {"SRC": source_files(source), **own, **inputs}
        check_outputs(written, read, folders={"--snapshots": self.snapshots})

    def read_rules(self, vocabulary: "Vocabulary", settings: "Config") -> "RuleSet | None":
        """The rules of the file, if any; they fit the words, the time zone and the settings."""
        if self.rules is None:
            return None
        from regionclip.video.rules.file import load_rules

        rules = load_rules(self.rules)
        rules.check_labels(vocabulary)
        rules.check_clock(self.timezone)
        rules.check_verifier(there=settings.verify is not None)
        return rules

    def style(self, vocabulary: "Vocabulary") -> "Style":
        """How the labels are drawn.

        Raises:
            ConfigError: for an unknown language, or for a label to blur that is not looked for.
            DrawingError: where no font at hand has the characters of a label.
        """
        if strange := [name for name in self.blur if name not in vocabulary.names]:
            raise ConfigError(f"--blur {strange[0]!r}: expected one of the labels {', '.join(vocabulary.names)}")
        from regionclip.drawing import Style
        from regionclip.drawing.text import check_drawable

        check_drawable(vocabulary.names)
        language = cast("Language | None", self.language)
        return Style(words=vocabulary, language=language, blur=self.blur, legend=self.legend)

    def follow(
        self,
        stack: ExitStack,
        source: str,
        detector: "Detector",
        vocabulary: "Vocabulary",
        **more: Unpack["StreamOptions"],
    ) -> "Stream":
        """The source, followed as these options say; closed with `stack`."""
        from regionclip.video.runner import stream

        options: StreamOptions = {
            "track": self.track,
            "every": self.every,
            "sinks": self._open_sinks(stack),
            "on_problem": say,
            "timezone": self.timezone,
            "max_fps": self.max_fps,
            **more,
        }
        return stack.enter_context(stream(source, detector, vocabulary, **options))

    def _open_sinks(self, stack: ExitStack) -> "list[Sink]":
        """What `--snapshots`, `--events`, `--webhook` and `--mqtt` name, and one that prints; closed with `stack`."""
        from regionclip.sinks.log_and_snapshots import EventLog, Snapshots, Webhook

        sinks: list[Sink] = []
        if self.snapshots is not None:
            sinks.append(stack.enter_context(Snapshots(self.snapshots, blur=self.blur)))
        if self.events is not None:
            sinks.append(stack.enter_context(EventLog(self.events)))
        if self.webhook is not None:
            sinks.append(stack.enter_context(Webhook(self.webhook, on_problem=say)))
        if self.mqtt is not None:
            from regionclip.sinks.mqtt import Mqtt

            broker = Mqtt(self._broker_url(self.mqtt), embeddings=self.mqtt_embeddings, on_problem=say)
            sinks.append(stack.enter_context(broker))
        return [*sinks, Spoken()]

    def _broker_url(self, url: str) -> str:
        """The URL with its secrets."""
        from regionclip.site.secrets import fill

        return fill(url, self.mqtt_password_file).value


def source_files(source: str | Path) -> list[Path]:
    """The files that a source is made of: a video, the pictures of a folder or of a pattern; none of a URL."""
    from regionclip.frames import SUFFIXES

    path = Path(source)
    if path.is_dir():
        return [each for each in path.iterdir() if each.suffix.lower() in SUFFIXES]
    return [path] if path.exists() else [Path(each) for each in glob.glob(str(source), recursive=True)]  # noqa: PTH207


def spare_a_core() -> None:
    """Leave one core to reading and writing: a tower whose threads wait for it takes many times as long."""
    import torch

    torch.set_num_threads(max(1, min(torch.get_num_threads(), (os.cpu_count() or 1) - 1)))


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

    def send(self, event: "AnyEvent", image: "Frame | None" = None, rows: "sv.Detections | None" = None) -> "AnyEvent":
        """Print one line."""
        from regionclip.video.sources.base import SourceEvent

        if not isinstance(event, SourceEvent):
            sys.stdout.write(f"{event}\n")
            sys.stdout.flush()
        elif event.kind == "back":
            say(f"{event.source} is back after {event.outage_seconds:.1f} s")
        else:
            say(f"{event.source} is lost: {event.reason.removeprefix(f'{event.source}: ')}")
        return event

    def close(self) -> None:
        """Nothing is held."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        pass


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
        say(f"{summary.missing} frames are not in the results: they could not be written")
