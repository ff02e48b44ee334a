"""Which subject a row shows: a thing that comes back under another track number is still the same subject."""

import math
from dataclasses import replace

import numpy as np
import supervision as sv
from numpy.typing import NDArray

from regionclip.answers.regions import Regions
from regionclip.drawing.labels import label_names
from regionclip.video.rules.file import RuleSet
from regionclip.video.rules.subjects import HIDDEN_SECONDS, Rest, Sighting, Subject, centre, diagonal, overlap

_BLIND_SECONDS = 2.0
"""Without embeddings a new track is taken for a lost one only within this time: place alone is a weak witness."""

_REST_SECONDS, _REST_OVERLAP = 20.0, 0.7
"""The same without embeddings: sooner, and more exactly at its place."""

_TOGETHER = 0.25
"""Diagonals a second by which the velocities of two boxes on one thing may differ."""

_AT_ONCE, _PER_SECOND = 0.3, 0.4
"""Diagonals that a thing may be from where it is expected, at once and for each second that it was lost."""

_NUMBERS = 16
"""Track numbers that are remembered of one thing."""

_YOUNG = 1.0
"""Seconds in which a new track may still turn out to be one that was lost at about the time when it began."""

_RESTED = 2.0
"""Seconds after which something counts as at rest."""

_SAME_PLACE = 0.5
"""Overlap of two boxes at one place."""

_EDGE, _OUTWARDS = 0.02, 0.1
"""What touches so much of the frame's sides, and goes outwards by so many diagonals a second, is leaving."""


class Subjects:
    """All subjects of one source.

    Attributes:
        size: `(H, W)` of the frames in pixels.
    """

    def __init__(self, rules: RuleSet) -> None:
        self._same = rules.same
        # Labels that one rule asks for: between them a thing may change.
        self._kin = tuple(frozenset(rule.labels) for rule in rules.rules if len(rule.labels) > 1)
        self.size: tuple[float, float] = (math.inf, math.inf)
        self._known: dict[int, Subject] = {}

    def see(
        self, rows: sv.Detections, seconds: float, embeddings: Regions | None = None, *, starting: bool = False
    ) -> list[Sighting]:
        """The rows of a frame, each with its subject where rows have tracks.

        Args:
            rows: of the frame; those whose track is below 0, and boxes that are not finite, are left out.
            seconds: its time.
            embeddings: of tracks, whose numbers are in `tracker_id`.
            starting: whether watching has just begun, so that what is new was there before.
        """
        if rows.tracker_id is None:
            return _sightings(rows)
        tracks = rows.tracker_id.tolist()
        looks = {} if embeddings is None or embeddings.tracker_id is None else _looks(embeddings)
        subjects: dict[int, Subject] = {}
        seen = _sightings(rows)
        for each in seen:
            track = tracks[each.row]
            if track in subjects:
                subjects[track].labels |= {each.label}
            elif track >= 0:
                subjects[track] = self._subject(track, each, seconds, frozenset(tracks), starting=starting)
                subjects[track].embedding = looks.get(track, subjects[track].embedding)
        for track in list(subjects):
            subjects[track] = self._recognised(subjects[track], list(subjects.values()), seconds)
            subjects[track].see(seconds)
        self._forget(seconds)
        return [replace(each, subject=subjects[tracks[each.row]]) for each in seen if tracks[each.row] in subjects]

    def _subject(self, track: int, seen: Sighting, seconds: float, shown: frozenset[int], *, starting: bool) -> Subject:
        """The subject of a track number, brought up to date; a new one for a new number."""
        subject = self._known.get(track)
        # Two numbers that were taken for one thing are shown together: two things.
        if subject is None or (track != subject.tracks[-1] and subject.tracks[-1] in shown):
            subject = Subject([track], seconds, seconds, starting, seen.box, Rest(seen.box, seconds, seconds))
            self._known[track] = subject
        subject.box, subject.labels = seen.box, frozenset({seen.label})
        return subject

    def _recognised(self, subject: Subject, present: list[Subject], seconds: float) -> Subject:
        """The subject itself, or the lost one that it is."""
        if seconds - subject.first > _YOUNG:
            return subject
        lost = [
            old for old in dict.fromkeys(self._known.values()) if old not in present and self._is(subject, old, seconds)
        ]
        if not lost:
            return subject
        old = min(lost, key=lambda each: _strayed(subject, each))
        old.tracks += [track for track in subject.tracks if track not in old.tracks]
        for track in old.tracks[:-_NUMBERS]:
            self._known.pop(track, None)
        del old.tracks[:-_NUMBERS]
        old.box, old.labels = subject.box, subject.labels
        old.embedding = old.embedding if subject.embedding is None else subject.embedding
        for track in subject.tracks:
            self._known[track] = old
        return old

    def _is(self, new: Subject, old: Subject, seconds: float) -> bool:
        """Whether a new subject is one that was lost."""
        if self._same.seconds == 0 or not self._akin(new.labels, old.labels):
            return False
        looked = new.embedding is not None and old.embedding is not None
        if looked and float(new.embedding @ old.embedding) < self._same.similarity:  # type: ignore[operator]
            return False
        lost = seconds - old.last
        hidden, place = (HIDDEN_SECONDS, _SAME_PLACE) if looked else (_REST_SECONDS, _REST_OVERLAP)
        rested = old.rest.last - old.rest.since >= _RESTED
        if rested and lost <= hidden and overlap(new.box, old.rest.box) >= place:
            return True
        if self._was_leaving(old):
            return False
        if old.last >= new.first:  # both were there for a moment: two boxes on one thing, or one who passes the other
            apart = math.dist(new.velocity, old.velocity) / max(1e-6, diagonal(old.box))
            return overlap(new.box, old.box) >= _SAME_PLACE and apart <= _TOGETHER
        limit = self._same.seconds if looked else min(_BLIND_SECONDS, self._same.seconds)
        return lost <= limit and _strayed(new, old) <= min(self._same.distance, _AT_ONCE + _PER_SECOND * lost)

    def _was_leaving(self, old: Subject) -> bool:
        """Whether a thing was on its way out of the frame: whoever comes in there later is somebody else."""
        (x, y), (left, top, right, bottom) = old.velocity, old.box
        height, width = self.size
        aside, above = _EDGE * width, _EDGE * height
        outwards = (-x * (left < aside), -y * (top < above), x * (right > width - aside), y * (bottom > height - above))
        return max(outwards) > _OUTWARDS * diagonal(old.box)

    def _akin(self, first: frozenset[str], second: frozenset[str]) -> bool:
        return bool(first & second) or any(kin & first and kin & second for kin in self._kin)

    def _forget(self, seconds: float) -> None:
        oldest = seconds - max(HIDDEN_SECONDS, self._same.seconds)
        self._known = {track: subject for track, subject in self._known.items() if subject.last >= oldest}


def _strayed(new: Subject, old: Subject) -> float:
    """How far a thing is from where another would be by now had it gone on as it went, in diagonals of its box."""
    (x, y), gone = centre(old.box), new.last - old.last
    there = x + gone * old.velocity[0], y + gone * old.velocity[1]
    return min(math.dist(centre(new.box), there), math.dist(centre(new.box), (x, y))) / max(1e-6, diagonal(old.box))


def _looks(embeddings: Regions) -> dict[int, NDArray[np.float32]]:
    assert embeddings.tracker_id is not None
    tracks = embeddings.tracker_id.tolist()
    return {tracks[row]: embeddings.embeddings[row] for row in np.flatnonzero(embeddings.valid)}


def _sightings(rows: sv.Detections) -> list[Sighting]:
    confidences = [1.0] * len(rows) if rows.confidence is None else rows.confidence.tolist()
    things = range(len(rows)) if "region" not in rows.data else np.asarray(rows.data["region"]).tolist()
    if rows.tracker_id is not None:
        things = rows.tracker_id.tolist()
    boxes = rows.xyxy.astype(float)
    names = label_names(rows)
    return [
        Sighting(row, names[row], tuple(boxes[row].tolist()), confidences[row], things[row])
        for row in np.flatnonzero(np.isfinite(boxes).all(axis=1)).tolist()
    ]
