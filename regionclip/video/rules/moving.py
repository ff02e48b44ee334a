"""Rules about what moves: enter, leave, cross."""

from dataclasses import dataclass, replace
from typing import Literal

from regionclip.video.rules.incidents import SLACK, About, Happening, Moments, RuleFrame, Spell, Watcher, best
from regionclip.video.rules.rule import CrossRule, EnterRule, LeaveRule
from regionclip.video.rules.subjects import HIDDEN_SECONDS, Sighting, Subject, diagonal
from regionclip.video.rules.zones import Line, Point, Zone, anchor_point, crosses, side_of

_MARGIN = 0.05
"""On a strip of this share of a box's diagonal along a line nothing is on either side: boxes tremble."""


class Entering(Watcher[EnterRule | LeaveRule, Zone]):
    """Watches one zone for those who enter or leave it."""

    def __init__(self, rule: EnterRule | LeaveRule, place: Zone, source: str) -> None:
        super().__init__(rule, place, source)
        self._moments = Moments(rule)
        self._stays: dict[Subject, Spell] = {}
        self._entered: set[Subject] = set()  # of those who stay, who came in and was not reported yet
        self._where: dict[Subject, Literal["in", "out"]] = {}  # when last seen

    def update(self, seen: RuleFrame) -> list[Happening]:
        """Who enters or leaves with a frame."""
        zone = self.place.on(seen.size)
        found: list[Happening] = []
        for subject, each in best(self._matching(seen)).items():
            inside = zone.holds(each.box)
            if inside:
                found += self._inside(subject, each, seen)
            self._where[subject] = "in" if inside else "out"
        for subject in [one for one, stay in self._stays.items() if seen.seconds - stay.last > self.rule.grace]:
            found += self._gone(subject, seen)
        self._where = {
            subject: where for subject, where in self._where.items() if seen.seconds - subject.last < HIDDEN_SECONDS
        }
        return found

    def _inside(self, subject: Subject, sighting: Sighting, seen: RuleFrame) -> list[Happening]:
        stay = self._stays.get(subject)
        if stay is None:
            stay = self._stays[subject] = Spell(seen.seconds, seen.seconds, About.of(sighting))
            before = self._where.get(subject)
            appears = self.rule.kind == "enter" and self.rule.appear and not subject.from_start
            if before == "out" or (before is None and appears):
                self._entered.add(subject)
        stay.last, stay.about = seen.seconds, About.of(sighting)
        if subject not in self._entered or stay.last - stay.since < self.rule.seconds - SLACK:
            return []
        self._entered.discard(subject)
        return self._moments.report(subject, stay, seen) if self.rule.kind == "enter" else []

    def _gone(self, subject: Subject, seen: RuleFrame) -> list[Happening]:
        stay = self._stays.pop(subject)
        self._entered.discard(subject)
        vanished = self._where.get(subject) != "out"
        if self.rule.kind == "enter" or stay.last - stay.since < self.rule.seconds - SLACK:
            return []
        # One who is still there but no longer as the rule wants it (another label, a helmet put on) has not left.
        if vanished and not (self.rule.vanish and subject.last < seen.seconds):
            return []
        return self._moments.report(subject, stay, seen)


@dataclass(slots=True, eq=False)
class _Crosser:
    """Of one thing that may cross a line.

    Attributes:
        point: where it was last.
        last: when.
        side: the side it was last surely on: 1 for a, -1 for b, 0 for neither so far.
        met: whether it has met the line an odd number of times since.
    """

    point: Point
    last: float
    side: int = 0
    met: bool = False


class Crossing(Watcher[CrossRule, Line]):
    """Watches one line."""

    def __init__(self, rule: CrossRule, place: Line, source: str) -> None:
        super().__init__(rule, place, source)
        self._moments = Moments(rule)
        self._ways: dict[Subject, _Crosser] = {}
        self._passed = {"a->b": 0, "b->a": 0}

    def update(self, seen: RuleFrame) -> list[Happening]:
        """Who crosses with a frame."""
        found: list[Happening] = []
        for subject, each in best(self._matching(seen)).items():
            if (direction := self._step(subject, each, seen)) is None or self.rule.direction not in (direction, "both"):
                continue
            about = replace(About.of(each), direction=direction, count=self._passed[direction] + 1)
            crossed = self._moments.report((subject, direction), Spell(seen.seconds, seen.seconds, about), seen)
            self._passed[direction] += len(crossed)
            found += crossed
        self._ways = {subject: way for subject, way in self._ways.items() if seen.seconds - way.last <= self.rule.grace}
        return found

    def _step(self, subject: Subject, sighting: Sighting, seen: RuleFrame) -> str | None:
        """Follow one thing to where it is now; the direction in which it has crossed."""
        line, point = self.place.pixels(seen.size), anchor_point(sighting.box, self.place.anchor)
        way = self._ways.setdefault(subject, _Crosser(point, seen.seconds))
        way.met ^= crosses(line, way.point, point)
        way.point, way.last = point, seen.seconds
        away = side_of(line, point)
        if abs(away) <= _MARGIN * diagonal(sighting.box):
            return None
        side = 1 if away > 0 else -1
        crossed = way.side == -side and way.met
        way.side, way.met = side, False
        return None if not crossed else "b->a" if side > 0 else "a->b"
