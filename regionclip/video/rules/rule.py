"""Rules, a class for each kind: what has to happen, where, to what, for how long, and when."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from regionclip.formats.settings import Expected, Settings, Text, Texts
from regionclip.video.rules.schedule import Schedule

Kind = Literal["in", "enter", "leave", "cross", "dwell", "left", "count", "absent"]
Direction = Literal["a->b", "b->a", "both"]
Phase = Literal["start", "end"]
MOMENTS: tuple[Kind, ...] = ("enter", "leave", "cross")
"""Kinds that happen at a moment and have no end."""

Seconds = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Never = Annotated[Literal[False], Expected("false, for what it is about is not there any more")]


class Rule(Settings):
    """What makes an event; docs/events.md says exactly when. What is of one kind alone stands in its class.

    Attributes:
        name: of the rule.
        kind: what has to happen.
        labels: `class_name` of what it concerns; empty for anything.
        where: columns of the rows and the values that they have to have, one of each.
        min_confidence: rows below it are not looked at.
        schedule: when the rule is in force; empty for always.
        seconds: how long it has to last.
        grace: interruptions up to so many seconds do not count.
        cooldown: after an incident the same thing makes no new one for so many seconds.
        verify: a describer is asked about the label before an incident is reported, and may dismiss it.
    """

    title: ClassVar[str] = "rule"
    needs_tracks: ClassVar[bool] = True
    """Whether it can only be judged where things are followed from frame to frame."""

    name: Text
    kind: Kind
    labels: Texts = ()
    where: Mapping[str, Texts] = {}
    min_confidence: Share = 0.0
    schedule: Schedule = ()
    grace: Seconds = 2.0
    cooldown: Seconds = 10.0
    verify: bool = False


class ZoneRule(Rule):
    """A rule about zones.

    Attributes:
        zones: their names; empty for the whole frame.
    """

    zones: Texts = ()
    seconds: Seconds

    @property
    def places(self) -> tuple[str, ...]:
        """Names of zones; "" is the whole frame."""
        return self.zones or ("",)


class InRule(ZoneRule):
    """A thing is inside.

    Attributes:
        per: every `thing` is an incident of its own, else every `label`.
    """

    needs_tracks: ClassVar[bool] = False
    kind: Literal["in"]
    seconds: Seconds = 1.0
    per: Literal["thing", "label"] = "thing"


class EnterRule(ZoneRule):
    """A thing comes in.

    Attributes:
        appear: what is first seen inside has entered too.
    """

    kind: Literal["enter"]
    seconds: Seconds = 0.5
    appear: bool = True


class LeaveRule(ZoneRule):
    """A thing goes out.

    Attributes:
        vanish: what is last seen inside has left too.
    """

    kind: Literal["leave"]
    seconds: Seconds = 0.5
    grace: Seconds = 3.0
    vanish: bool = True
    verify: Never = False


class CrossRule(Rule):
    """A thing goes over a line.

    Attributes:
        lines: their names.
        direction: the one that counts.
    """

    kind: Literal["cross"]
    lines: Annotated[Texts, Expected("the name of a [[line]], or a list of different ones")]
    direction: Direction = "both"
    cooldown: Seconds = 5.0

    @property
    def places(self) -> tuple[str, ...]:
        """Names of lines."""
        return self.lines


class DwellRule(ZoneRule):
    """A thing stays."""

    kind: Literal["dwell"]
    grace: Seconds = 5.0


class LeftRule(ZoneRule):
    """A thing stands alone.

    Attributes:
        owners: labels of those who may leave something.
        near: how near an owner has to be, in heights of the owner's box.
        from_start: what was there when watching began counts too.
    """

    kind: Literal["left"]
    labels: Annotated[Texts, Expected('what may be left, as ["suitcase", "backpack"]')]
    seconds: Seconds = 30.0
    grace: Seconds = 10.0
    cooldown: Seconds = 60.0
    owners: Texts = ("person",)
    near: Annotated[float, Field(gt=0)] = 1.0
    from_start: bool = False


class CountRule(ZoneRule):
    """More than `more_than` things are inside."""

    needs_tracks: ClassVar[bool] = False
    kind: Literal["count"]
    seconds: Seconds = 2.0
    more_than: Annotated[int, Field(ge=0)]


class AbsentRule(ZoneRule):
    """Nothing is inside."""

    needs_tracks: ClassVar[bool] = False
    kind: Literal["absent"]
    cooldown: Seconds = 0.0
    verify: Never = False


AnyRule = Annotated[
    InRule | EnterRule | LeaveRule | CrossRule | DwellRule | LeftRule | CountRule | AbsentRule,
    Field(discriminator="kind"),
]
