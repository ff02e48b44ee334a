"""Who watches what: one watcher for each rule and place, and when watching begins."""

import math

from regionclip.video.rules.file import RuleSet
from regionclip.video.rules.incidents import Watcher
from regionclip.video.rules.left import Left
from regionclip.video.rules.moving import Crossing, Entering
from regionclip.video.rules.rule import Rule
from regionclip.video.rules.staying import Staying
from regionclip.video.rules.zones import Shape, Zone

_START_SECONDS, _START_FRAMES = 1.0, 5
"""What is seen first within these was there before; tracks need a few frames to be sure of anything."""

_GAP_SECONDS, _GAP_FRAMES = 5.0, 3.0
"""After a pause this long, and so many times the usual one between frames, watching begins anew."""


def watchers_of(rules: RuleSet) -> list[Watcher[Rule, Shape]]:
    """One for each rule and place."""
    zones = {"": Zone.whole(), **{zone.name: zone for zone in rules.zones}}
    lines = {line.name: line for line in rules.lines}
    watchers: list[Watcher[Rule, Shape]] = []
    for rule in rules.rules:
        for name in rule.places:
            if rule.kind == "cross":
                watchers.append(Crossing(rule, lines[name], rules.source))
            elif rule.kind == "left":
                watchers.append(Left(rule, zones[name], rules.source))
            elif rule.kind == "enter" or rule.kind == "leave":
                watchers.append(Entering(rule, zones[name], rules.source))
            else:
                watchers.append(Staying(rule, zones[name], rules.source))
    return watchers


class Beginning:
    """Knows whether watching has just begun, or begun anew after a pause without frames."""

    def __init__(self) -> None:
        self._latest: float | None = None
        self._begun, self._frames, self._usual = 0.0, 0, math.inf

    def is_now(self, seconds: float) -> bool:
        """Whether it has, at the time of the next frame."""
        paused = math.inf if self._latest is None else seconds - self._latest
        if self._latest is None or paused > max(_GAP_SECONDS, _GAP_FRAMES * self._usual):
            self._begun, self._frames = seconds, 0
        else:
            self._usual = paused
        self._latest = seconds
        self._frames += 1
        return self._frames <= _START_FRAMES or seconds - self._begun <= _START_SECONDS
