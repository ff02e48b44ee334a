"""Which region of a key frame is which track: the algorithms of the package `trackers`, on our score scale.

Thresholds of `trackers` are for detectors whose scores mean the same for all classes. Ours do not: each label has its
own threshold. So regions are given as `likeness`, in which `BEGIN` is the threshold, whatever label fits.
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import supervision as sv
from numpy.typing import NDArray

from regionclip.errors import ConfigError
from regionclip.frames import Frame
from regionclip.video.tracking.settings import TrackSettings

BEGIN = 0.6
"""Likeness from which a region begins a track; below, it can only continue one."""


def likeness(values: NDArray[np.float32], levels: NDArray[np.float64]) -> NDArray[np.float32]:
    """Confidences on a scale that all labels share: 0 stays 0, the level becomes `BEGIN`, 1 stays 1, straight between.

    A level of 0 or 1 is `BEGIN` all the same.

    Args:
        values: `(N, C)` in 0..1.
        levels: `(C,)` in 0..1, the threshold of each column.
    """
    below = np.divide(values, levels, out=np.ones(values.shape), where=levels > 0) * BEGIN
    above = np.divide(values - levels, 1 - levels, out=np.zeros(values.shape), where=levels < 1)
    return np.where(values >= levels, BEGIN + (1 - BEGIN) * above, below).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Match:
    """A track, which may be none yet, was seen on a key frame.

    Attributes:
        key: by which it is followed from its first sight on.
        place: of its box among those that were given.
        tracker_id: the number that users see, from 1, or None as long as it is not confirmed.
    """

    key: int
    place: int
    tracker_id: int | None


class Association:
    """The tracker of one source. Numbers and ids are never used twice, `reset` or not.

    Args:
        settings: which algorithm, and its thresholds.

    Raises:
        ConfigError: where the package `trackers` is not installed.
    """

    def __init__(self, settings: TrackSettings) -> None:
        try:
            from regionclip.video.tracking.algorithms import AlikeIoU, make_tracker
        except ImportError as error:
            raise ConfigError(f'tracks need the package trackers ({error}): pip install "regionclip[video]"') from error
        self._settings, self._metric = settings, AlikeIoU()
        self._free_ids = itertools.count(1)
        self._tracker: Any = make_tracker(settings, self._metric, BEGIN)
        self.reset()

    def reset(self) -> None:
        """Forget all tracks."""
        self._tracker.reset()
        self._ids: dict[int, int] = {}
        self._sights: dict[int, int] = {}  # one after another
        self._time: float | None = None
        self._gap = 0.0

    @property
    def keys(self) -> set[int]:
        """Of all that is followed or remembered."""
        return {track.state_estimator.key for track in self._tracker.tracks}

    def forget(self, key: int) -> None:
        """End a track."""
        self._tracker.tracks = [each for each in self._tracker.tracks if each.state_estimator.key != key]
        self._keep_known()

    def update(
        self,
        boxes: NDArray[np.float32],
        worth: NDArray[np.float32],
        frame: Frame,
        t_seconds: float,
        *,
        alike: Mapping[int, NDArray[np.bool_]],
        carried: Mapping[int, NDArray[np.float32]],
    ) -> list[Match]:
        """Take a key frame.

        Args:
            boxes: `(n, 4)` xyxy in pixels, finite, of the regions that are worth following.
            worth: `(n,)` their likeness.
            frame: `(H, W, 3)` uint8 BGR.
            t_seconds: later than that of the key frame before.
            alike: by key of a track, `(n,)` whether each region looks like it; tracks that are not named take any.
            carried: by key, the `(4,)` box to which the picture has carried a track since then.
        """
        for track in self._tracker.tracks:
            track.state_estimator.carried = carried.get(track.state_estimator.key)
        # Key frames may lie farther apart than the patience: then a track is given one more.
        self._tracker.maximum_time_without_update = max(self._settings.lost_track_seconds, 2.1 * self._gap)
        self._gap = 0.0 if self._time is None else t_seconds - self._time
        self._time = t_seconds
        self._metric.prepare(self._tracker.tracks, boxes, alike)
        shown = frame if self._settings.tracker == "botsort" else None
        self._tracker.update(sv.Detections(xyxy=boxes, confidence=worth), frame=shown, timestamp=t_seconds)
        return self._matches(boxes)

    def _matches(self, boxes: NDArray[np.float32]) -> list[Match]:
        # What `update` of the tracker returns is in another order, and does not say which box began a track. Equal
        # boxes are one region twice, with one embedding: either place is right.
        places = {box.tobytes(): place for place, box in enumerate(boxes)}
        found = []
        for track in self._tracker.tracks:
            key, box = track.state_estimator.key, track.state_estimator.observed
            self._sights[key] = 0 if box is None else self._sights.get(key, 0) + 1
            if box is None:
                continue
            track.state_estimator.observed = None
            if self._sights[key] >= self._settings.confirm_frames and key not in self._ids:
                self._ids[key] = next(self._free_ids)
                track.tracker_id = self._ids[key]  # so that it is remembered through misses
            place = places[np.asarray(box, np.float32).tobytes()]
            found.append(Match(key, place, self._ids.get(key)))
        self._keep_known()
        return found

    def _keep_known(self) -> None:
        alive = self.keys
        for known in (self._ids, self._sights):
            for key in known.keys() - alive:
                del known[key]
