"""One rule: what has to happen, where, to what, for how long, and when."""

from dataclasses import dataclass
from typing import Literal, cast, get_args

from regionclip.errors import ConfigError
from regionclip.video.rules.schedule import Hours
from regionclip.video.rules.tables import TableReader

Kind = Literal["in", "enter", "leave", "cross", "dwell", "left", "count", "absent"]
KINDS: tuple[Kind, ...] = get_args(Kind)
Direction = Literal["a->b", "b->a", "both"]
Phase = Literal["start", "end"]
MOMENTS: tuple[Kind, ...] = ("enter", "leave", "cross")
"""Kinds that happen at a moment and have no end."""

_COMMON = ("name", "kind", "labels", "where", "min_confidence", "schedule", "grace", "cooldown")


@dataclass(frozen=True, slots=True)
class _Defaults:
    """Of one kind: keys beside the common ones, and seconds; `seconds` None has to be given."""

    keys: tuple[str, ...]
    seconds: float | None
    grace: float
    cooldown: float
    tracks: bool = True


_DEFAULTS: dict[Kind, _Defaults] = {
    "in": _Defaults(("zones", "seconds", "per"), 1, 2, 10, tracks=False),
    "enter": _Defaults(("zones", "seconds", "appear"), 0.5, 2, 10),
    "leave": _Defaults(("zones", "seconds", "vanish"), 0.5, 3, 10),
    "cross": _Defaults(("lines", "direction"), 0, 2, 5),
    "dwell": _Defaults(("zones", "seconds"), None, 5, 10),
    "left": _Defaults(("zones", "seconds", "owners", "near", "from_start"), 30, 10, 60),
    "count": _Defaults(("zones", "seconds", "more_than"), 2, 2, 10, tracks=False),
    "absent": _Defaults(("zones", "seconds"), None, 2, 0, tracks=False),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What makes an event; docs/events.md says exactly when.

    Attributes:
        name: of the rule.
        kind: what has to happen.
        labels: `class_name` of what it concerns; empty for anything.
        places: names of zones, of lines for "cross"; "" is the whole frame.
        seconds: how long it has to last.
        grace: interruptions up to so many seconds do not count.
        cooldown: after an incident the same thing makes no new one for so many seconds.
        min_confidence: rows below it are not looked at.
        where: columns of the rows and the values that they have to have, one of each.
        schedule: when the rule is in force; empty for always.
        direction: of "cross".
        more_than: of "count".
        appear: of "enter": what is first seen inside has entered too.
        vanish: of "leave": what is last seen inside has left too.
        per_thing: of "in": every track is an incident of its own, else every label.
        owners: of "left": labels of those who may leave something.
        near: of "left": how near an owner has to be, in heights of the owner's box.
        from_start: of "left": what was there when watching began counts too.
    """

    name: str
    kind: Kind
    labels: tuple[str, ...]
    places: tuple[str, ...]
    seconds: float
    grace: float
    cooldown: float
    min_confidence: float
    where: tuple[tuple[str, tuple[str, ...]], ...]
    schedule: tuple[Hours, ...]
    direction: Direction
    more_than: int
    appear: bool
    vanish: bool
    per_thing: bool
    owners: tuple[str, ...]
    near: float
    from_start: bool

    @property
    def needs_tracks(self) -> bool:
        """Whether it can only be judged where things are followed from frame to frame."""
        return _DEFAULTS[self.kind].tracks

    @classmethod
    def read(cls, reader: TableReader) -> "Rule":
        """A rule of its table.

        Raises:
            ConfigError: for keys and values that cannot be.
        """
        name = reader.text("name")
        reader.what = f"{reader.what.rpartition(' ')[0]} {name!r}"
        kind = cast(Kind, reader.choice("kind", KINDS))
        given = _DEFAULTS[kind]
        reader.only((*_COMMON, *given.keys), f" of a rule of kind {kind}")
        labels = reader.words("labels")
        if kind == "left" and not labels:
            reader.value("labels", 'what may be left, as ["suitcase", "backpack"]')
        if kind == "cross":
            reader.value("lines", "the name of a [[line]]")
        return cls(
            name=name,
            kind=kind,
            labels=labels,
            places=reader.words("lines" if kind == "cross" else "zones") or ("",),
            seconds=reader.number("seconds", given.seconds),
            grace=reader.number("grace", given.grace),
            cooldown=reader.number("cooldown", given.cooldown),
            min_confidence=reader.number("min_confidence", 0, most=1),
            where=tuple(reader.table("where").pairs()),
            schedule=_schedule(reader),
            direction=cast(Direction, reader.choice("direction", get_args(Direction), "both")),
            more_than=reader.whole("more_than") if kind == "count" else 0,
            appear=reader.flag("appear", True),
            vanish=reader.flag("vanish", True),
            per_thing=reader.choice("per", ("thing", "label"), "thing") == "thing",
            owners=reader.words("owners", ("person",)),
            near=reader.number("near", 1, above=True),
            from_start=reader.flag("from_start", False),
        )


def _schedule(reader: TableReader) -> tuple[Hours, ...]:
    try:
        return tuple(map(Hours.read, reader.words("schedule")))
    except ConfigError as error:
        raise ConfigError(f"{reader.what}: schedule: {error}") from error
