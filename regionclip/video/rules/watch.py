"""Watch: from the rows of one source's frames to events, one for each incident (docs/events.md)."""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
import supervision as sv

from regionclip.answers.regions import Regions
from regionclip.describe.verifier import Verifier
from regionclip.drawing.overlays import ZoneShape
from regionclip.errors import ConfigError, FrameError
from regionclip.video.rules.file import RuleSet
from regionclip.video.rules.incidents import Happening, RuleFrame
from regionclip.video.rules.recognition import Subjects
from regionclip.video.rules.rule import MOMENTS, Kind, Phase, Rule
from regionclip.video.rules.schedule import is_in_force, local_time, timezone_of
from regionclip.video.rules.watchers import Beginning, watchers_of
from regionclip.video.rules.zones import Box
from regionclip.video.sources.base import VideoFrame, utc_text

SCHEMA = "regionclip.event/1"
SHOWN_SECONDS = 3.0
"""How long incidents without length are shown in pictures."""

_NO_PICTURE = np.empty((0, 0, 3), np.uint8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An incident that begins or ends.

    Attributes:
        phase: "start", or "end" of an incident that has a length.
        incident: the same for both, different for every incident.
        rule: name of the rule.
        kind: of the rule.
        source: id of the source.
        place: name of the zone or line; None for the whole frame.
        t_seconds: time of the frame with which it was noticed, as in `VideoFrame`.
        index: number of that frame.
        utc_seconds: the same time, seconds since 1970 UTC, where it is known.
        timezone: of the site; None for UTC.
        since_seconds: when what the rule asks for began, on the clock of `t_seconds`: before the event by what the rule
            waits for. Of "leave" when the thing came in.
        duration: seconds from then until it was last so; of ends, and of "leave". Else None.
        label: of the thing; of several, joined by a comma.
        tracks: its latest track number, or theirs.
        box: x1 y1 x2 y2 in pixels of the frame, around all of them; None where there is none.
        confidence: 0..1, of the most confident.
        count: of "count", and of rules without tracks, how many; of "cross" how many so far in that direction.
        direction: of "cross": "a->b" or "b->a".
        verified: of rules with `verify`: how probable a describer found the label, 0..1.
        pictures: files that `Snapshots` has written.
    """

    phase: Phase
    incident: str
    rule: str
    kind: Kind
    source: str
    place: str | None
    t_seconds: float
    index: int
    utc_seconds: float | None
    timezone: str | None
    since_seconds: float
    duration: float | None = None
    label: str | None = None
    tracks: tuple[int, ...] = ()
    box: Box | None = None
    confidence: float | None = None
    count: int | None = None
    direction: str | None = None
    verified: float | None = None
    pictures: tuple[str, ...] = ()

    @property
    def local(self) -> datetime | None:
        """The time on the clock of the site, where it is known."""
        if self.utc_seconds is None:
            return None
        return local_time(self.utc_seconds, timezone_of(self.timezone))

    def __str__(self) -> str:
        """A line for people, as `21:04:07 intrusion · start · yard · person #12`."""
        return self.line("start" if self.phase == "start" else f"end after {self.duration or 0:.1f} s")

    def line(self, phase: str = "") -> str:
        """The same line with another word for the phase, or none; without a clock it has the time in the recording."""
        minutes, seconds = divmod(int(self.t_seconds), 60)
        clock = f"{minutes:02d}:{seconds:02d}" if self.local is None else f"{self.local:%H:%M:%S}"
        thing = " ".join(filter(None, (self.label, *(f"#{track}" for track in self.tracks))))
        return " · ".join(filter(None, (f"{clock} {self.rule}", phase, self.place, self.direction, thing)))

    def to_dict(self) -> dict[str, Any]:
        """What stands in a line of the log: the same keys for every event (docs/events.md)."""
        local = self.local
        return {
            "schema": SCHEMA,
            "time": None if self.utc_seconds is None else utc_text(self.utc_seconds),
            "local_time": None if local is None else local.isoformat(timespec="milliseconds"),
            "timezone": self.timezone or "UTC",
            "source": self.source,
            "phase": self.phase,
            "incident": self.incident,
            "rule": self.rule,
            "kind": self.kind,
            "place": self.place,
            "label": self.label,
            "tracks": list(self.tracks),
            "box": None if self.box is None else [round(side, 1) for side in self.box],
            "confidence": None if self.confidence is None else round(self.confidence, 3),
            "count": self.count,
            "direction": self.direction,
            "verified": None if self.verified is None else round(self.verified, 3),
            "t_seconds": round(self.t_seconds, 3),
            "frame": self.index,
            "since_seconds": round(self.since_seconds, 3),
            "duration": None if self.duration is None else round(self.duration, 3),
            "pictures": list(self.pictures),
        }


class Watch:
    """The memory of one source: hand it every frame's rows, it gives the incidents that begin and end.

    Args:
        rules: what to watch for.
        source: id of the source.
        timezone: of the place, as "Asia/Shanghai", before the one that `rules` name; without any, UTC.
        verifier: who is asked about incidents of rules with `verify`.

    Raises:
        ConfigError: for an unknown time zone, for a schedule without any, and for `verify` without anybody to ask.
    """

    def __init__(
        self, rules: RuleSet, *, source: str, timezone: str | None = None, verifier: Verifier | None = None
    ) -> None:
        self.rules, self.source, self._verifier = rules, source, verifier
        self.timezone = timezone or rules.timezone
        self._zone = timezone_of(self.timezone)
        rules.check_clock(timezone)
        rules.check_verifier(there=verifier is not None)
        self._subjects = Subjects(rules)
        self._watchers = watchers_of(rules)
        self._going: dict[tuple[int, int], Event] = {}
        self._dismissed: set[tuple[int, int]] = set()
        self._recent: list[Event] = []
        self._latest: VideoFrame | None = None
        self._beginning = Beginning()

    def update(self, rows: sv.Detections, frame: VideoFrame, embeddings: Regions | None = None) -> list[Event]:
        """What begins and ends with a frame.

        Args:
            rows: of the frame, with or without `tracker_id`.
            frame: of which only size and times are used; times do not fall.
            embeddings: of tracks, their numbers in `tracker_id`: a thing is then known again under another number.

        Raises:
            ConfigError: where rules need tracks or columns that the rows do not have, or a schedule needs a time that
                the frame does not have; for zones in pixels that are not inside the frame.
            FrameError: where time falls.
        """
        self._check(rows, frame)
        self._latest = replace(frame, image=_NO_PICTURE)
        size = frame.image.shape[0], frame.image.shape[1]
        self._subjects.size = size
        starting = self._beginning.is_now(frame.t_seconds)
        sightings = self._subjects.see(rows, frame.t_seconds, embeddings, starting=starting)
        local = None if frame.utc_seconds is None else local_time(frame.utc_seconds, self._zone)
        events = []
        for place, watcher in enumerate(self._watchers):
            in_force = is_in_force(watcher.rule.schedule, local)
            happenings = watcher.update(RuleFrame(rows, sightings, frame.t_seconds, size, in_force))
            events += [event for each in happenings if (event := self._judged(place, each, frame, rows)) is not None]
        self._recent = [each for each in self._recent if frame.t_seconds - each.t_seconds <= SHOWN_SECONDS]
        return events

    def shapes(self, size: tuple[int, int]) -> list[ZoneShape]:
        """Zones and lines for drawing on frames of `(H, W)`; those where something goes on are active."""
        active = {event.place for event in self._current()}
        return [
            ZoneShape(place.name, place.pixels(size), place.colour, place.name in active) for place in self.rules.places
        ]

    @property
    def going_on(self) -> list[str]:
        """A line for each incident that goes on or was just reported, as `21:04:07 intrusion · yard · person #12`."""
        return [event.line() for event in self._current()]

    def close(self) -> list[Event]:
        """The ends of incidents that still go on, at the time of the latest frame; then it may begin anew."""
        ends = [(place, each) for place, watcher in enumerate(self._watchers) for each in watcher.close()]
        events = [self._event(*end) for end in ends if (end[0], end[1].spell.number) not in self._dismissed]
        self._subjects, self._watchers = Subjects(self.rules), watchers_of(self.rules)
        self._dismissed.clear()
        self._recent, self._latest, self._beginning = [], None, Beginning()
        return events

    def _current(self) -> list[Event]:
        return sorted((*self._going.values(), *self._recent), key=lambda event: event.t_seconds)

    def _check(self, rows: sv.Detections, frame: VideoFrame) -> None:
        latest, rules = self._latest, self.rules
        if latest is not None and frame.t_seconds < latest.t_seconds:
            raise FrameError(
                f"watch of {self.source}: expected times that do not fall, got {frame.t_seconds:.3f} s after "
                f"{latest.t_seconds:.3f} s: make a Watch for each source"
            )
        if len(rows) and rows.tracker_id is None and rules.needs_tracks:
            raise ConfigError(
                f"{rules.source}: rules {', '.join(map(repr, rules.needs_tracks))} need tracks, and these rows have no "
                "tracker_id; without tracks there are the kinds in, count and absent"
            )
        if frame.utc_seconds is None and (timed := [rule.name for rule in rules.rules if rule.schedule]):
            raise ConfigError(
                f"{rules.source}, [[rule]] {timed[0]!r}: schedule: {self.source} does not know when its frames were "
                "taken; say when the recording began (start_utc)"
            )
        height, width = frame.image.shape[:2]
        if latest is None:
            for place in rules.places:
                points = place.pixels((height, width))
                if (points > (width + 1, height + 1)).any():
                    raise ConfigError(
                        f"{rules.source}, {place.name!r}: points: expected pixels inside the frame of {width} x "
                        f"{height}, got {points.max(axis=0).tolist()}: say what they were drawn on, size = [W, H]"
                    )

    def _judged(self, place: int, happening: Happening, frame: VideoFrame, rows: sv.Detections) -> Event | None:
        """The event of something that happened; None of an incident that a describer dismisses, and of its end."""
        spell, key = happening.spell, (place, happening.spell.number)
        if key in self._dismissed:
            self._dismissed.remove(key)
            return None
        rule, about, verified = self._watchers[place].rule, spell.about, None
        x1, y1, x2, y2 = about.box or (0, 0, 0, 0)
        if rule.verify and happening.phase == "start" and about.label is not None and x1 < x2 and y1 < y2:
            assert self._verifier is not None  # see __init__
            names = rows.data.get("class_name", ())
            phrases = dict(zip(names, rows.data.get("prompt", names), strict=True))  # a name may mean nothing to others
            phrase = str(phrases.get(about.label, about.label))
            verified, passed = self._verifier.incident(frame.image, (x1, y1, x2, y2), phrase)
            if not passed:
                if rule.kind not in MOMENTS:
                    self._dismissed.add(key)
                return None
        return self._event(place, happening, verified)

    def _event(self, place: int, happening: Happening, verified: float | None = None) -> Event:
        """The event of something that happened, noted for pictures."""
        watcher, spell, frame = self._watchers[place], happening.spell, self._latest
        assert frame is not None  # nothing happens without a frame
        rule, about, key = watcher.rule, spell.about, (place, spell.number)
        began = self._going.pop(key, None)
        event = Event(
            phase=happening.phase,
            incident=began.incident if began is not None else self._name(rule, watcher.place.name, spell.number),
            rule=rule.name,
            kind=rule.kind,
            source=self.source,
            place=watcher.place.name or None,
            t_seconds=frame.t_seconds,
            index=frame.index,
            utc_seconds=frame.utc_seconds,
            timezone=self.timezone,
            since_seconds=spell.since,
            duration=spell.last - spell.since if happening.phase == "end" or rule.kind == "leave" else None,
            label=about.label,
            tracks=about.tracks,
            box=about.box,
            confidence=about.confidence,
            count=about.count,
            direction=about.direction,
            verified=began.verified if began is not None else verified,
        )
        if rule.kind in MOMENTS:
            self._recent.append(event)
        elif event.phase == "start":
            self._going[key] = event
        return event

    def _name(self, rule: Rule, place: str, number: int) -> str:
        """A name for an incident that no other has, and that the same recording gives again."""
        frame = self._latest
        time = None if frame is None else (frame.t_seconds, frame.utc_seconds)
        text = repr((self.source, rule.name, place, number, time))
        return hashlib.sha1(text.encode(errors="replace")).hexdigest()[:12]
