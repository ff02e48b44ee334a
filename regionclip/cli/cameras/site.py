"""`regionclip site`: the cameras of a site, watched until it is told to stop."""

import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from regionclip.cli.cameras.watching import source_files, spare_a_core
from regionclip.cli.terminal.signals import stopping
from regionclip.formats.outputs import check_outputs

if TYPE_CHECKING:
    from regionclip.sinks.sink import AnyEvent
    from regionclip.site.file import SiteFile
    from regionclip.site.settings import SiteSettings
    from regionclip.site.status import CameraStatus
    from regionclip.site.turns import Site


def site(
    file: Annotated[
        Path, typer.Argument(metavar="SITE.toml", help="The cameras and what to look for (docs/sites.md).")
    ],
    check: Annotated[bool, typer.Option("--check", help="Read the file, say what it means, and stop.")] = False,
    report: Annotated[
        float,
        typer.Option(min=1, metavar="S", help="A line for each camera every so many seconds; on a terminal a table."),
    ] = 60.0,
) -> None:
    """Watch all cameras of a site: events as they happen, until Ctrl-C or SIGTERM.

    The file is read again whenever it has changed, or at SIGHUP.
    """
    from regionclip.site.file import SiteFile

    source = SiteFile(file)
    _check_outputs(source)
    from regionclip.loading import load
    from regionclip.site.turns import Site, try_out

    if check:
        try_out(source.settings.cameras, load(source.settings.detector))
        sys.stdout.write(_described(source.settings))
        return
    screen = _Screen(source.settings.timezone, report)
    spare_a_core()
    running = Site(source, load(source.settings.detector), say=screen.say, on_event=screen.event)
    with running, screen.showing(running) as tick, stopping(running.stop), _hangup(running.read_again):
        running.run(tick)
    for status in running.status():
        sys.stdout.write(_summary(status))


def _check_outputs(source: "SiteFile") -> None:
    """Refuse a site whose files would replace what it reads, or each other."""
    settings = source.settings
    cameras = [each for camera in settings.cameras for each in source_files(camera.url.value)]
    weights = settings.detector.weights
    files = {"events": settings.outputs.events, "status": settings.status}
    inputs = {"SITE.toml": source.files, "camera": cameras, "detector": weights}
    check_outputs(files, inputs, folders={"snapshots": settings.outputs.snapshots})


class _Screen:
    """What people see: events on stdout, everything else on stderr.

    Args:
        timezone: of the site.
        every: seconds from one report to the next.
    """

    def __init__(self, timezone: str | None, every: float) -> None:
        from regionclip.video.rules.schedule import timezone_of

        self._zone = timezone_of(timezone)
        self._every = every
        self._console = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)

    def say(self, line: str) -> None:
        """One line on stderr, with the time on the clock of the site."""
        self._console.print(f"{datetime.now(self._zone):%H:%M:%S} {line}", markup=False)

    def event(self, event: "AnyEvent") -> None:
        """An event on stdout; losses and returns are said already."""
        from regionclip.video.rules.watch import Event

        if not isinstance(event, Event):
            return
        line = f"{event.source}: {event}"
        if self._console.is_terminal and sys.stdout.isatty():
            self._console.print(line, markup=False)  # above the table
            return
        with suppress(OSError):  # whoever read it has gone; the log and the webhook go on
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()

    @contextmanager
    def showing(self, running: "Site") -> "Iterator[Callable[[], None]]":
        """A table on a terminal, else lines now and then; call what is given every second."""
        if self._console.is_terminal:
            live = Live(console=self._console, auto_refresh=False, redirect_stdout=False, redirect_stderr=False)
            with live:
                yield lambda: live.update(_table(running.status()), refresh=True)
            return
        due = time.monotonic() + self._every

        def tick() -> None:
            nonlocal due
            if time.monotonic() >= due:
                due = time.monotonic() + self._every
                statuses = running.status()
                width = max(len(each.camera) for each in statuses)
                for each in statuses:
                    self.say(each.line(width))

        yield tick


@contextmanager
def _hangup(read_again: "Callable[[], None]") -> "Iterator[None]":
    """Call `read_again` at SIGHUP, where there is such a signal."""
    number = getattr(signal, "SIGHUP", None)
    if number is None:
        yield
        return
    before = signal.signal(number, lambda *_: read_again())
    try:
        yield
    finally:
        signal.signal(number, before)


def _table(statuses: "list[CameraStatus]") -> Table:
    table = Table(box=None, pad_edge=False, expand=True)
    for name in ("camera", "state"):
        table.add_column(name, no_wrap=True)
    for name in ("in/s", "handled/s", "age ms", "dropped", "events", "outages", "errors"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("", overflow="ellipsis", no_wrap=True, ratio=1)  # gets what the others leave
    for each in statuses:
        age = "" if each.age_p50_ms is None else f"{each.age_p50_ms:.0f} / {each.age_p95_ms or 0:.0f}"
        colour = {"connected": "green", "lost": "red", "failed": "red"}.get(each.state, "yellow")
        table.add_row(
            *(escape(each.camera), f"[{colour}]{each.state}[/]", f"{each.fps_in:.1f}"),
            *(f"{each.fps_handled:.1f}", age, str(each.dropped), str(each.events), str(each.outages)),
            *(str(each.errors), escape(each.reason)),
        )
    return table


def _described(settings: "SiteSettings") -> str:
    """What a site file means, for its author."""
    from regionclip.loading import settled_tower

    tower = settled_tower(settings.detector)[0].tower
    lines = [f"{len(settings.cameras)} cameras, {settings.timezone or 'UTC'}, tower {tower}"]
    for camera in settings.cameras:
        rules = camera.follow.rules
        parts = [
            f"{len(camera.words)} labels",
            f"{0 if rules is None else len(rules)} rules",
            *([f"{camera.max_fps:g} fps at most"] if camera.max_fps else []),
            *(["scheduled"] if camera.schedule else []),
            *([] if camera.enabled else ["off"]),
        ]
        lines.append(f"{camera.name}: {camera.url.shown}  ({', '.join(parts)})")
    return "\n".join(lines) + "\n"


def _summary(status: "CameraStatus") -> str:
    return (
        f"{status.camera}: {status.handled} frames followed, {status.key_frames} of them looked at by the tower, "
        f"{status.dropped} dropped; {status.events} events, {status.outages} outages, {status.errors} errors\n"
    )
