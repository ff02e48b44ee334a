"""Tracks: what is followed from frame to frame, and what all looks at it together say.

On a key frame regions are associated with tracks, and their embeddings are fused into those of the tracks; labels are
decided on the fused ones. Between key frames the picture carries the boxes.

Letters: N regions of a key frame, T tracks, K rows, D channels.
"""

import math
from copy import deepcopy
from dataclasses import replace

import numpy as np
import supervision as sv
import torch
from numpy.typing import NDArray

from heads.classify import Scores
from heads.select import confidences
from regionclip.answers.decide import decide, rules
from regionclip.answers.regions import Regions
from regionclip.detector import Detector
from regionclip.errors import BoxError, InputError
from regionclip.frames import Frame
from regionclip.video.tracking.association import BEGIN, Association, Match, likeness
from regionclip.video.tracking.carrying import Carrier
from regionclip.video.tracking.fusion import Fused, qualities
from regionclip.video.tracking.holding import Contests, Hold, held_rows
from regionclip.video.tracking.relations import Resemblance, hidden_share
from regionclip.video.tracking.settings import TrackSettings
from regionclip.video.tracking.track import Track
from regionclip.words.asked import Asked
from regionclip.words.vocabulary import Vocabulary, Words

_LEAVES = 0.25
"""A track of which no more than this share is inside the frame has left it."""

_HIDDEN = 0.1
"""Share of a track behind another, or outside the frame, from which a change of its look says nothing."""


class Tracks:
    """The tracks of one source.

        tracks = Tracks(det, ["person", "叉车"])
        rows = tracks.update(det.regions(frame), frame, t_seconds)  # a key frame
        rows = tracks.carry(next_frame, t_seconds)  # the next ones, without a tower

    Rows are `sv.Detections` as `det.classify` gives them, of confirmed tracks only, with `tracker_id` (from 1, never
    used twice), `data["track_seconds"]` (since the first sight) and `data["unseen_seconds"]` (since the latest). Their
    `region` is the index of the region on this frame, -1 where the picture carried the box; `objectness` is the mean
    over the track's life. A confidence may be below its threshold by `margin`.

    A track is live while its rows may be shown: it was seen on the latest key frame, or missed for no longer than
    `hold_seconds`, and is inside the frame. One that is missed for longer is remembered for `lost_track_seconds`: seen
    again it is the same, with all that was known of it.

    Args:
        detector: whose regions these are.
        words: labels to look for.
        settings: None takes the defaults.

    Attributes:
        count: tracks that had rows so far; also those that are forgotten.

    Raises:
        ConfigError: where the package `trackers` is not installed.
    """

    def __init__(self, detector: Detector, words: Words, settings: TrackSettings | None = None) -> None:
        self.settings = settings or TrackSettings()
        self._detector = detector
        self._association = Association(self.settings)
        self._carrier = Carrier()
        self._resemblance = Resemblance()
        self.count = 0
        self.reset()
        self.ask(words)

    def reset(self) -> None:
        """Forget all tracks, as after an outage or another scene; ids go on."""
        card = self._detector.tower.card
        self._association.reset()
        self._carrier.reset()
        self._tracks: dict[int, Track] = {}
        self._now = self._given = -math.inf
        self._latest = Regions(  # what fused regions are like, apart from their number
            xyxy=np.zeros((0, 4), np.float32),
            objectness=np.zeros(0, np.float32),
            embeddings=np.zeros((0, card.width), np.float32),
            valid=np.zeros(0, np.bool_),
            frame_size=(1, 1),
            fingerprint=card.revision,
            given=False,
        )
        self._rows: sv.Detections | None = None
        self._fused: Regions | None = None  # of the live tracks where they are now

    def ask(self, words: Words) -> None:
        """Look for other words from now on. What is live is asked at once, for all that was seen of it: see `rows`.

        Raises:
            PromptError, FingerprintError: for words that cannot be asked for; then nothing changes.
        """
        vocabulary = Vocabulary.of(words)
        if self._tracks:
            self._detector.scorer.judge(self.embeddings(), vocabulary)  # raises what there is to raise
        self._vocabulary = vocabulary
        self._contests = Contests(vocabulary, self._detector.config.labels_per_region)
        for track in self._tracks.values():
            track.hold = Hold(self._contests, self.settings)
        self._rows = None

    def update(self, regions: Regions, frame: Frame, t_seconds: float) -> sv.Detections:
        """Take the regions of a key frame.

        Args:
            regions: what the tower saw; objectness and the caller's columns go into the rows.
            frame: `(H, W, 3)` uint8 BGR. Of another size than before, it ends all tracks.
            t_seconds: time of the frame, not before that of the latest frame.

        Returns:
            Rows of the live tracks.

        Raises:
            InputError: for an earlier time; call `reset` for another source.
            BoxError: for regions of a frame of another size.
            FingerprintError: for regions of another tower.
        """
        if regions.frame_size != frame.shape[:2]:
            raise BoxError(f"tracks: expected regions of this frame, {frame.shape[:2]}, got {regions.frame_size}")
        judged = self._detector.scorer.judge(regions, self._vocabulary)
        if self._tracks and self._latest.frame_size != regions.frame_size:
            self.reset()
        self._advance(frame, t_seconds)
        self._latest = replace(regions, tracker_id=None)
        places, worth = self._worth_following(regions, *judged)  # (n,), (n,)
        boxes = np.ascontiguousarray(regions.xyxy[places])  # (n, 4)
        alike = self._alike(boxes, regions.embeddings[places])
        carried = {track.key: track.box for track in self._tracks.values() if track.guided}
        matches = self._association.update(boxes, worth, frame, self._now, alike=alike, carried=carried)
        self._associate(matches, places, regions)
        self._rows = None
        return self.rows

    def carry(self, frame: Frame, t_seconds: float) -> sv.Detections:
        """Take a frame between key frames: the picture carries the boxes, no tower runs.

        Args:
            frame: `(H, W, 3)` uint8 BGR, of the size of the key frames.
            t_seconds: time of the frame, not before that of the latest frame.

        Returns:
            Rows of the live tracks.

        Raises:
            InputError: for an earlier time.
        """
        rows = self._decided()
        self._advance(frame, t_seconds)
        self._rows = self._as_now(rows)
        return self.rows

    def changed(self, frame: Frame) -> bool:
        """Whether a live track looks other in `frame` than at its latest sight, so that the tower should look again.

        Tracks that are partly hidden by another or by the border of the frame are not asked.

        Args:
            frame: the next frame, `(H, W, 3)` uint8 BGR; give it to `update` or `carry` afterwards.
        """
        self._carry_boxes(frame)
        live, least = self._shown(), 1 - self.settings.change
        hidden = hidden_share(_stacked(live))  # (T,)
        size = self._latest.frame_size
        whole = [
            track
            for track, share in zip(live, hidden, strict=True)
            if share < _HIDDEN and track.share_inside(size) > 1 - _HIDDEN
        ]
        looks = self._carrier.looks(_stacked(whole))  # (T, L)
        return any(float(track.look @ look) < least for track, look in zip(whole, looks, strict=True))

    @property
    def rows(self) -> sv.Detections:
        """Rows of the live tracks at the latest frame, decided with the words that are asked now."""
        return deepcopy(self._decided())  # the caller may change them

    def embeddings(self) -> Regions:
        """The fused embeddings of the live tracks, ids in `tracker_id`: ask them any words, of the tracks' whole life.

        Boxes are those of the latest frame, the caller's columns those of the latest sight, where all have them.
        """
        if self._fused is None:
            self._fused = self._stack_fused()
        return self._fused

    def _stack_fused(self) -> Regions:
        live, latest = self._shown(), self._latest
        embeddings = [track.fused.embedding for track in live]
        return replace(
            latest,
            xyxy=_stacked(live),
            objectness=np.array([track.fused.objectness for track in live], np.float32),
            embeddings=np.array(embeddings, np.float32).reshape(len(live), latest.embeddings.shape[1]),
            valid=np.ones(len(live), np.bool_),
            tracker_id=np.array([track.tracker_id for track in live], int),
            data={
                name: np.concatenate([column[:0], *(track.data[name] for track in live)])
                for name, column in latest.data.items()
                if all(name in track.data for track in live)
            },
        )

    def followed(self, frame: Frame) -> tuple[NDArray[np.float32], NDArray[np.int_]]:
        """Boxes `(T, 4)` and numbers `(T,)` of all that is followed, as `Proposer.update` takes them.

        Among them is what no second look has confirmed yet: without a box it would not get that look. So the numbers
        are not the ids of rows.

        Args:
            frame: the next frame, `(H, W, 3)` uint8 BGR, to which the picture carries the boxes; give it to `update`
                afterwards.
        """
        self._carry_boxes(frame)
        tracks = self._followed()
        return _stacked(tracks), np.array([track.key for track in tracks], int)

    def _shown(self) -> list[Track]:
        """The live tracks."""
        return [track for track in self._followed() if track.tracker_id is not None]

    def _followed(self) -> list[Track]:
        """Those, and what is not confirmed yet."""
        hold = self.settings.hold_seconds
        return [track for track in self._tracks.values() if track.missed is None or self._now - track.missed < hold]

    def _decided(self) -> sv.Detections:
        if self._rows is None:
            regions, holds = self.embeddings(), [track.hold for track in self._shown()]
            judged = self._detector.scorer.judge(regions, self._vocabulary)
            card, config = self._detector.tower.card, self._detector.config
            self._rows = self._as_now(held_rows(regions, judged, holds, self._now, config, card))
        return self._rows

    def _worth_following(
        self, regions: Regions, scores: Scores, asked: Asked
    ) -> tuple[NDArray[np.int_], NDArray[np.float32]]:
        """Regions `(n,)` that may begin or continue a track, none suppressed by another, and their likeness `(n,)`."""
        settings, config = self.settings, self._detector.config
        objectness = torch.from_numpy(regions.objectness)  # (N,)
        levels = asked.thresholds  # (C,)
        if settings.follow == "objectness" and regions.has_objectness:
            levels = np.full(len(levels), settings.objectness)
            values = objectness[:, None].expand(-1, len(levels))  # (N, C)
        else:
            values = confidences(scores.values, objectness, rules(regions, config).weight)  # (N, C)
        worth = torch.from_numpy(likeness(values.numpy(), levels))  # (N, C)
        lowered = replace(asked, thresholds=np.full(len(levels), BEGIN * settings.low))
        weighed = replace(regions, has_objectness=False)
        rows = decide(weighed, replace(scores, values=worth), lowered, config).rows
        # A region that no label fits begins a track too, where `unknown` is asked for.
        value = np.where(rows.label.numpy() >= 0, rows.confidence.numpy(), np.float32(BEGIN))
        best = np.zeros(len(regions), np.float32)  # (N,)
        np.maximum.at(best, rows.region.numpy(), value)
        places = np.flatnonzero(best)
        return places, best[places]

    def _alike(self, boxes: NDArray[np.float32], embeddings: NDArray[np.float32]) -> dict[int, NDArray[np.bool_]]:
        """By key of a track, which regions `(n, 4)` with embeddings `(n, D)` look like it, `(n,)`."""
        self._resemblance.learn(boxes, embeddings)
        fused = [track.fused.embedding for track in self._tracks.values()]
        resemblance = self._resemblance.of(np.array(fused, np.float32).reshape(-1, embeddings.shape[1]), embeddings)
        least = self.settings.minimum_resemblance
        alike = resemblance >= least if least > -1 else np.full(resemblance.shape, True)
        return dict(zip(self._tracks, alike, strict=True))

    def _associate(self, matches: list[Match], places: NDArray[np.int_], regions: Regions) -> None:
        """Take what was associated on a key frame."""
        self._fused = None
        boxes = regions.xyxy[places]  # (n, 4)
        card = self._detector.tower.card
        cells = card.budget if isinstance(card.budget, int) else card.budgets[-1]
        objectness = regions.objectness[places] if regions.has_objectness else None
        quality = qualities(boxes, regions.frame_size, cells, objectness)  # (n,)
        looks = self._carrier.looks(boxes)  # (n, L)
        for track in self._tracks.values():
            track.missed = self._now if track.missed is None else track.missed
        for match in matches:
            if match.key not in self._tracks:
                hold = Hold(self._contests, self.settings)
                self._tracks[match.key] = Track(match.key, Fused(self.settings.memory_seconds), hold, self._now)
            track, place = self._tracks[match.key], match.place
            track.tracker_id = match.tracker_id
            track.see(regions, int(places[place]), looks[place], float(quality[place]), self._now)
        for key in self._tracks.keys() - self._association.keys:
            del self._tracks[key]

    def _advance(self, frame: Frame, t_seconds: float) -> None:
        """Move all tracks, those that are not confirmed or not seen as well, to the time of a frame."""
        if not t_seconds >= self._given:
            raise InputError(
                f"tracks: expected a time of {self._given:g} s or later, got {t_seconds:g} s; reset for another source"
            )
        self._carry_boxes(frame)
        # Containers round times: two frames of one time are still two.
        now = max(t_seconds, self._now + 1e-3)
        for track in self._tracks.values():
            track.step(now - self._now)
        self._given, self._now = t_seconds, now
        for key, track in list(self._tracks.items()):
            if track.share_inside(self._latest.frame_size) <= _LEAVES:
                self._association.forget(key)
                del self._tracks[key]

    def _carry_boxes(self, frame: Frame) -> None:
        """Move all boxes to where the picture shows them now."""
        self._fused = None
        tracks = list(self._tracks.values())
        carried = self._carrier.carry(frame, _stacked(tracks))
        for track, box, followed in zip(tracks, carried.boxes, carried.followed, strict=True):
            track.follow(box if followed else None)

    def _as_now(self, rows: sv.Detections) -> sv.Detections:
        """Those rows of live tracks, with boxes and times of now."""
        tracks = {track.tracker_id: track for track in self._shown()}
        ids = [] if rows.tracker_id is None else rows.tracker_id.tolist()
        kept = rows[np.array([id in tracks for id in ids], np.bool_)]
        assert isinstance(kept, sv.Detections)  # of a mask
        mine = [tracks[id] for id in ids if id in tracks]
        for track in mine:
            self.count += not track.counted
            track.counted = True
        height, width = self._latest.frame_size
        kept.xyxy = np.clip(_stacked(mine), 0, np.array([width, height, width, height], np.float32))
        kept.data["region"] = np.array([track.region for track in mine], int)
        kept.data["track_seconds"] = np.array([self._now - track.born for track in mine], float)
        kept.data["unseen_seconds"] = np.array([self._now - track.seen for track in mine], float)
        return kept


def _stacked(tracks: list[Track]) -> NDArray[np.float32]:
    """Boxes of tracks, `(T, 4)`."""
    return np.array([track.box for track in tracks], np.float32).reshape(-1, 4)
