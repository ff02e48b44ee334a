"""Incidents of one rule at one place: what begins, goes on through short interruptions, ends, and is reported once."""

from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

import supervision as sv

from regionclip.errors import ConfigError
from regionclip.video.rules.rule import Phase, Rule
from regionclip.video.rules.subjects import Sighting, Subject
from regionclip.video.rules.zones import Box, Shape

RuleT_co = TypeVar("RuleT_co", bound=Rule, covariant=True)
PlaceT_co = TypeVar("PlaceT_co", bound=Shape, covariant=True)

SLACK = 1e-6
"""Seconds: times of frames are sums that are a little off."""


@dataclass(frozen=True, slots=True, eq=False)
class RuleFrame:
    """A frame as rules see it.

    Attributes:
        rows: of the frame.
        sightings: the same with their subjects.
        seconds: its time.
        size: `(H, W)` of the frame.
        in_force: whether the schedule of the watcher's rule covers this moment.
    """

    rows: sv.Detections
    sightings: Sequence[Sighting]
    seconds: float
    size: tuple[int, int]
    in_force: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What is known of an incident.

    Attributes:
        label: of the thing, or of several joined by a comma.
        box: of it, or around all of them.
        confidence: 0..1.
        tracks: its latest track number, or theirs.
        count: how many.
        direction: of a crossing.
        since: when it began, where that is not when it was first seen.
    """

    label: str | None = None
    box: Box | None = None
    confidence: float | None = None
    tracks: tuple[int, ...] = ()
    count: int | None = None
    direction: str | None = None
    since: float | None = None

    @classmethod
    def of(cls, sighting: Sighting) -> "About":
        """One thing."""
        tracks = () if sighting.subject is None else (sighting.subject.tracks[-1],)
        return cls(label=sighting.label, box=sighting.box, confidence=sighting.confidence, tracks=tracks)

    @classmethod
    def all(cls, sightings: Sequence[Sighting]) -> "About":
        """Several things, counted."""
        left, top, right, bottom = zip(*(each.box for each in sightings), strict=True) if sightings else ((),) * 4
        tracks = [each.subject.tracks[-1] for each in sightings if each.subject is not None]
        return cls(
            label=", ".join(dict.fromkeys(each.label for each in sightings)) or None,
            box=(min(left), min(top), max(right), max(bottom)) if sightings else None,
            confidence=max((each.confidence for each in sightings), default=None),
            tracks=tuple(tracks),
            count=len(sightings),
        )


@dataclass(slots=True, eq=False)
class Spell:
    """A time during which something holds.

    Attributes:
        since: when it began.
        last: when it was last seen to hold.
        about: the latest of it.
        number: of the incident; 0 while it is none.
    """

    since: float
    last: float
    about: About
    number: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Happening:
    """Something to report: the spell is as it was at that moment."""

    phase: Phase
    spell: Spell


@dataclass(slots=True, eq=False)
class Spells:
    """Spells of several things under one rule.

    Attributes:
        rule: says how long something has to hold, and what interruption does not count.
        seconds: how long it has to hold.
        open: the spells that go on, by thing.
    """

    rule: Rule
    seconds: float
    open: dict[Hashable, Spell] = field(default_factory=dict)
    _ended: dict[Hashable, float] = field(default_factory=dict)
    _numbers: int = 0

    def update(self, holds: Mapping[Hashable, About], seconds: float) -> list[Happening]:
        """What begins and ends, given what holds at a time."""
        found = []
        for key, about in holds.items():
            spell = self.open.get(key)
            if spell is None:
                spell = self.open[key] = Spell(seconds if about.since is None else about.since, seconds, about)
            spell.last, spell.about = seconds, about
            rested = seconds >= self._ended.get(key, float("-inf")) + self.rule.cooldown - SLACK
            if not spell.number and rested and seconds - spell.since >= self.seconds - SLACK:
                self._numbers += 1
                spell.number = self._numbers
                found.append(Happening("start", replace(spell)))
        for key in [key for key, spell in self.open.items() if seconds - spell.last > self.rule.grace]:
            if (ended := self._end(key)) is not None:
                found.append(ended)
        self._ended = {key: at for key, at in self._ended.items() if seconds < at + self.rule.cooldown}
        return found

    def close(self) -> list[Happening]:
        """The ends of all incidents that go on."""
        return [ended for key in list(self.open) if (ended := self._end(key)) is not None]

    def is_incident(self, key: Hashable) -> bool:
        """Whether something is an incident now."""
        return key in self.open and self.open[key].number > 0

    def _end(self, key: Hashable) -> Happening | None:
        spell = self.open.pop(key)
        if not spell.number:
            return None
        self._ended[key] = spell.last
        return Happening("end", spell)


class Moments:
    """Incidents that have no length: reported at once, and not again for the same thing within the cool-down."""

    def __init__(self, rule: Rule) -> None:
        self._rule = rule
        self._reported: dict[Hashable, float] = {}
        self._numbers = 0

    def report(self, key: Hashable, spell: Spell, seen: RuleFrame) -> list[Happening]:
        """An incident, or none where the rule is not in force or the thing was reported a moment ago."""
        cooldown = self._rule.cooldown
        self._reported = {key: at for key, at in self._reported.items() if seen.seconds < at + cooldown - SLACK}
        if not seen.in_force or key in self._reported:
            return []
        self._reported[key] = seen.seconds
        self._numbers += 1
        return [Happening("start", replace(spell, number=self._numbers))]


class Watcher(ABC, Generic[RuleT_co, PlaceT_co]):
    """Watches one place for one rule.

    Args:
        rule: what for.
        place: where; a zone without a name is the whole frame.
        source: names the rule file in errors.
    """

    def __init__(self, rule: RuleT_co, place: PlaceT_co, source: str) -> None:
        self.rule, self.place, self._source = rule, place, source

    @abstractmethod
    def update(self, seen: RuleFrame) -> list[Happening]:
        """What begins and ends with a frame."""

    def close(self) -> list[Happening]:
        """The ends of what goes on; a moment has none."""
        return []

    def _matching(self, seen: RuleFrame) -> list[Sighting]:
        """Sightings that the rule is about.

        Raises:
            ConfigError: where rows do not have a column that the rule looks at.
        """
        rule, data = self.rule, seen.rows.data
        found = [
            each
            for each in seen.sightings
            if (not rule.labels or each.label in rule.labels) and each.confidence >= rule.min_confidence
        ]
        for column, values in rule.where.items() if found else ():
            if column not in data:
                raise ConfigError(
                    f"{self._source}, [[rule]] {rule.name!r}: where: rows have no column {column!r}: expected one of "
                    f"{', '.join(sorted(data))}"
                )
            found = [each for each in found if str(data[column][each.row]) in values]
        return found


def best(sightings: Sequence[Sighting]) -> dict[Subject, Sighting]:
    """The most confident sighting of each subject."""
    chosen: dict[Subject, Sighting] = {}
    for each in sightings:
        if each.subject is not None and (
            each.subject not in chosen or each.confidence > chosen[each.subject].confidence
        ):
            chosen[each.subject] = each
    return chosen
