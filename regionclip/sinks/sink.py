"""What is told to the outside, and to whom: events of rules and of sources, in one form."""

from collections.abc import Iterable
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeAlias

from regionclip.frames import Frame
from regionclip.sinks.problems import Problems
from regionclip.video.rules.watch import SCHEMA, Event
from regionclip.video.sources.base import SourceEvent, utc_text

if TYPE_CHECKING:
    import supervision as sv

Told: TypeAlias = Event | SourceEvent
"""Something began or ended, or a source was lost or is back."""


class Sink(Protocol):
    """Takes what is told, one by one; `with` closes it."""

    def send(self, told: Told, image: Frame | None = None, rows: "sv.Detections | None" = None) -> Told:
        """Take one event.

        Args:
            told: the event.
            image: `(H, W, 3)` of the frame; None where there is none, as at the end of a source.
            rows: of the frame.

        Returns:
            What the next sink is to be told: the same, or with the names of files that this one has written.
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
    told: Told,
    image: Frame | None = None,
    rows: "sv.Detections | None" = None,
    *,
    problems: Problems | None = None,
) -> Told:
    """Tell all sinks, in their order, each what the one before has made of it: put `Snapshots` first.

    With `problems` a sink that fails is noted there, and does not keep it from the others.
    """
    for sink in sinks:
        with nullcontext() if problems is None else problems.noted(id(sink)):
            told = sink.send(told, image, rows)
    return told


def as_line(told: Told) -> dict[str, Any]:
    """The keys of a line of the log; of a source that was lost or is back only those that have a meaning."""
    if isinstance(told, Event):
        return told.to_dict()
    return {
        "schema": SCHEMA,
        "time": utc_text(told.utc_seconds),
        "source": told.source,
        "phase": told.kind,
        "kind": "source",
        "reason": told.reason or None,
        "duration": round(told.outage_seconds, 3),
    }
