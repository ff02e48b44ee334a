"""Who takes events: those of rules and of sources, in one form."""

from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeAlias, runtime_checkable

from regionclip.answers.regions import Regions
from regionclip.frames import Frame
from regionclip.sinks.problems import Problems
from regionclip.video.rules.rule import Rule
from regionclip.video.rules.watch import SCHEMA, Event
from regionclip.video.sources.base import SourceEvent, VideoFrame, utc_text

if TYPE_CHECKING:
    import supervision as sv

AnyEvent: TypeAlias = Event | SourceEvent
"""Something began or ended, or a source was lost or is back."""


class Sink(Protocol):
    """Takes events, one by one; `with` closes it."""

    def send(self, event: AnyEvent, image: Frame | None = None, rows: "sv.Detections | None" = None) -> AnyEvent:
        """Take one event.

        Args:
            event: the event.
            image: `(H, W, 3)` of the frame; None where there is none, as at the end of a source.
            rows: of the frame.

        Returns:
            What the next sink is to take: the same, or with the names of files that this one has written.
        """
        ...

    def close(self) -> None:
        """Finish; may be called twice."""
        ...

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()


@runtime_checkable
class CameraSink(Protocol):
    """A sink that is also told what cameras are watched for, how they are doing, and what the tower saw."""

    def watching(self, camera: str, rules: Sequence[Rule] | None) -> None:
        """A camera is watched for these rules from now on; with None it is not watched any more."""
        ...

    def keep_status(self, content: bytes) -> None:
        """The latest status of a site, as in its status file."""
        ...

    def see(self, frame: VideoFrame, regions: Regions) -> None:
        """The tower looked at a frame; must not wait."""
        ...


def hand_on(
    sinks: Iterable[Sink],
    event: AnyEvent,
    image: Frame | None = None,
    rows: "sv.Detections | None" = None,
    *,
    problems: Problems | None = None,
) -> AnyEvent:
    """Send an event to all sinks, in their order, to each what the one before has made of it: put `Snapshots` first.

    With `problems` a sink that fails is noted there, and does not keep it from the others.
    """
    for sink in sinks:
        with nullcontext() if problems is None else problems.noted(id(sink)):
            event = sink.send(event, image, rows)
    return event


def show(sinks: Iterable[Sink], frame: VideoFrame, regions: Regions | None) -> None:
    """Show a frame to those sinks that take frames, where the tower looked at it."""
    for sink in sinks:
        if regions is not None and isinstance(sink, CameraSink):
            sink.see(frame, regions)


def as_line(event: AnyEvent) -> dict[str, Any]:
    """The keys of a line of the log; of a source that was lost or is back only those that have a meaning."""
    if isinstance(event, Event):
        return event.to_dict()
    return {
        "schema": SCHEMA,
        "time": utc_text(event.utc_seconds),
        "source": event.source,
        "phase": event.kind,
        "kind": "source",
        "reason": event.reason or None,
        "duration": round(event.outage_seconds, 3),
    }
