"""The rule about things that were left: a thing stands still, and those who brought it have gone."""

import math
from collections.abc import Hashable
from dataclasses import dataclass, field, replace

from regionclip.video.rules.incidents import SLACK, About, Happening, RuleFrame, Spells, Watcher, best
from regionclip.video.rules.rule import LeftRule
from regionclip.video.rules.subjects import HIDDEN_SECONDS, Rest, Subject
from regionclip.video.rules.zones import Box, Zone

BROUGHT_SECONDS = 2.0
"""Whoever is near within this time after a thing came to stand has brought it."""

JOINED_SECONDS = 3.0
"""Whoever stays near for so long looks after it too; others walk past."""

_BLINK = 1.0
"""Seconds that somebody near may be unseen."""


@dataclass(slots=True, eq=False)
class _Thing:
    """Something that may be left.

    Attributes:
        rest: where it stands.
        keepers: who looks after it.
        attended: when a keeper was last near.
        near: who is near, since when and until when.
    """

    rest: Rest
    keepers: set[Subject] = field(default_factory=set)
    attended: float = -math.inf
    near: dict[Subject, tuple[float, float]] = field(default_factory=dict)


class Left(Watcher[LeftRule, Zone]):
    """Watches one zone for things that were left."""

    def __init__(self, rule: LeftRule, place: Zone, source: str) -> None:
        super().__init__(rule, place, source)
        self._spells = Spells(rule, 0.0)
        self._things: dict[Subject, _Thing] = {}

    def update(self, seen: RuleFrame) -> list[Happening]:
        """What was left, taken or joined with a frame."""
        zone = self.place.on(seen.size)
        owners = best([each for each in seen.sightings if each.label in self.rule.owners])
        holds: dict[Hashable, About] = {}
        for subject, each in best(self._matching(seen)).items():
            thing = self._seen_again(subject, seen.seconds)
            self._attend(subject, thing, {owner: one.box for owner, one in owners.items()}, seen.seconds)
            alone = max(thing.rest.since, thing.attended)
            brought = self.rule.from_start or not subject.from_start or thing.rest.since > subject.first
            left = brought and zone.holds(each.box) and seen.seconds - alone >= self.rule.seconds - SLACK
            if left and seen.in_force:
                holds[subject] = replace(About.of(each), since=alone)
        self._things = {
            subject: thing for subject, thing in self._things.items() if seen.seconds - subject.last < HIDDEN_SECONDS
        }
        return self._spells.update(holds, seen.seconds)

    def close(self) -> list[Happening]:
        """The ends of what goes on."""
        return self._spells.close()

    def _seen_again(self, subject: Subject, seconds: float) -> _Thing:
        """A thing with the place where it stands now; nobody looks after what has just come to another place."""
        thing = self._things.get(subject)
        if thing is None:
            thing = self._things[subject] = _Thing(Rest(subject.rest.box, subject.rest.since, subject.rest.last))
        rest = thing.rest.see(subject.box, seconds, self.rule.grace)
        if rest is not thing.rest:
            thing = self._things[subject] = _Thing(rest, near=thing.near)
        return thing

    def _attend(self, subject: Subject, thing: _Thing, owners: dict[Subject, Box], seconds: float) -> None:
        """Note who is near, who of them looks after the thing, and whether one of those is there."""
        for owner, box in owners.items():
            if owner is not subject and is_near(subject.box, box, self.rule.near):
                since, _ = thing.near.get(owner, (seconds, seconds))
                thing.near[owner] = since, seconds
        thing.near = {owner: (since, last) for owner, (since, last) in thing.near.items() if seconds - last <= _BLINK}
        if not self._spells.is_incident(subject):  # who comes to look at what was left has not brought it
            for owner, (since, last) in thing.near.items():
                brought = since <= thing.rest.since + BROUGHT_SECONDS and last >= thing.rest.since
                if brought or last - since >= JOINED_SECONDS:
                    thing.keepers.add(owner)
        thing.attended = max(
            [thing.attended, *(last for owner, (_, last) in thing.near.items() if owner in thing.keepers)]
        )


def is_near(thing: Box, owner: Box, near: float) -> bool:
    """Whether an owner is near a thing.

    The gap between the boxes sideways, and twice the distance of their lower edges (a picture shortens depth), are
    together no more than `near` heights of the owner's box.
    """
    aside = max(0.0, thing[0] - owner[2], owner[0] - thing[2])
    return math.hypot(aside, 2 * (thing[3] - owner[3])) <= near * (owner[3] - owner[1])
