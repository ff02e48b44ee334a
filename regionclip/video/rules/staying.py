"""Rules about what stays: in, dwell, count, absent."""

from collections.abc import Hashable
from typing import TypeAlias

from regionclip.video.rules.incidents import About, Happening, RuleFrame, Spells, Watcher, best
from regionclip.video.rules.rule import AbsentRule, CountRule, DwellRule, InRule
from regionclip.video.rules.subjects import Sighting
from regionclip.video.rules.zones import Zone

StayingRule: TypeAlias = InRule | DwellRule | CountRule | AbsentRule


class Staying(Watcher[StayingRule, Zone]):
    """Watches one zone for what is inside."""

    def __init__(self, rule: StayingRule, place: Zone, source: str) -> None:
        super().__init__(rule, place, source)
        self._spells = Spells(rule, rule.seconds)

    def update(self, seen: RuleFrame) -> list[Happening]:
        """What begins and ends with a frame."""
        holds: dict[Hashable, About] = {}
        if seen.in_force:
            zone = self.place.on(seen.size)
            holds = self._holds([each for each in self._matching(seen) if zone.holds(each.box)])
        return self._spells.update(holds, seen.seconds)

    def close(self) -> list[Happening]:
        """The ends of what goes on."""
        return self._spells.close()

    def _holds(self, inside: list[Sighting]) -> dict[Hashable, About]:
        """What makes an incident, by the key that tells incidents apart."""
        if self.rule.kind == "count" or self.rule.kind == "absent":
            things = list({each.thing: each for each in inside}.values())
            holds = len(things) > self.rule.more_than if self.rule.kind == "count" else not things
            return {None: About.all(things)} if holds else {}
        if self.rule.kind == "dwell" or (self.rule.per == "thing" and any(each.subject is not None for each in inside)):
            return {subject: About.of(each) for subject, each in best(inside).items()}
        by_label: dict[str, list[Sighting]] = {}
        for each in inside:
            by_label.setdefault(each.label, []).append(each)
        return {label: About.all(members) for label, members in by_label.items()}
