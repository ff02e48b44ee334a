"""Who takes events: those of rules and of sources, in one form."""

from collections.abc import Iterable
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeAlias

from regionclip.frames import Frame
from regionclip.sinks.problems import Problems
from regionclip.video.rules.watch import SCHEMA, Event
from regionclip.video.sources.base import SourceEvent, utc_text

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
