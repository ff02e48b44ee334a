"""The algorithms of the package `trackers` with two parts of our own, by which they also look at the picture.

Import this module inside a function: the package is an extra.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import supervision as sv
import trackers
from numpy.typing import NDArray
from trackers.core.base import BaseTracker
from trackers.utils.iou import BaseIoU
from trackers.utils.state_representations import (
    BaseStateEstimator,
    XCYCSRStateEstimator,
    XCYCWHStateEstimator,
    XYXYStateEstimator,
)

from regionclip.video.tracking.settings import TrackSettings

RATE = 30.0
"""Frames a second in which `trackers` counts; times of key frames are given in seconds."""


class CarriedFilter(BaseStateEstimator):
    """A Kalman filter that knows where the picture has carried its box, and remembers what it was given.

    Attributes:
        key: of the track, never used twice.
        observed: `(4,)` box of the latest observation, until whoever reads it sets it to None.
        carried: `(4,)` box that the next prediction is corrected by, or None.
    """

    keys: Iterator[int] = itertools.count()

    def __init__(self, bbox: NDArray[Any]) -> None:
        super().__init__(bbox)
        self.key = next(self.keys)
        self.observed: NDArray[Any] | None = bbox
        self.carried: NDArray[Any] | None = None

    def predict(self, frame_step: float = 1.0, frame_rate: float | None = None) -> None:
        """Predict, then take the carried box for an observation."""
        super().predict(frame_step, frame_rate)
        if self.carried is not None:
            super().update(self.carried)
            self.carried = None

    def update(self, bbox: NDArray[Any] | None) -> None:
        """Take an observation."""
        super().update(bbox)
        self.observed = bbox


class _CarriedCorners(CarriedFilter, XYXYStateEstimator):
    """Corners."""


class _CarriedScale(CarriedFilter, XCYCSRStateEstimator):
    """Middle, area and aspect ratio."""


class _CarriedSides(CarriedFilter, XCYCWHStateEstimator):
    """Middle and sides."""


class AlikeIoU(BaseIoU):
    """IoU, and 0 for pairs that do not look alike."""

    def __init__(self) -> None:
        self._tracks: Sequence[Any] = ()
        self._alike: Mapping[int, NDArray[np.bool_]] = {}
        self._places: Mapping[bytes, int] = {}

    def prepare(
        self, tracks: Sequence[Any], boxes: NDArray[np.float32], alike: Mapping[int, NDArray[np.bool_]]
    ) -> None:
        """Say what is compared next.

        Args:
            tracks: of the tracker.
            boxes: `(n, 4)` of the regions.
            alike: by key of a track, `(n,)` which regions it may be.
        """
        self._tracks, self._alike = tracks, alike
        self._places = {box.tobytes(): place for place, box in enumerate(boxes)}

    def _compute(self, boxes_1: NDArray[Any], boxes_2: NDArray[Any]) -> NDArray[Any]:
        # Trackers compare parts of their tracks with parts of the regions, as boxes: by these both are known again.
        keys = {np.asarray(track.get_state_bbox()).tobytes(): track.state_estimator.key for track in self._tracks}
        places = [self._places[np.asarray(box, np.float32).tobytes()] for box in boxes_2]
        overlaps = np.array(sv.box_iou_batch(boxes_1, boxes_2), np.float64)  # (t, n)
        for row, box in enumerate(boxes_1):
            alike = self._alike.get(keys.get(box.tobytes(), -1))
            if alike is not None:
                overlaps[row, ~alike[places]] = 0
        return overlaps


def make_tracker(settings: TrackSettings, metric: AlikeIoU, begin: float) -> BaseTracker:
    """The tracker that settings name; `begin` is the confidence from which a region begins a track."""
    shared: dict[str, Any] = {
        "lost_track_buffer": round(settings.lost_track_seconds * RATE),
        "frame_rate": RATE,
        "minimum_consecutive_frames": settings.confirm_frames,
        "iou": metric,
    }
    least: dict[str, Any] = {"minimum_iou_threshold": settings.minimum_iou}
    if settings.tracker == "ocsort":
        return trackers.OCSORTTracker(
            **shared, **least, high_conf_det_threshold=begin, state_estimator_class=_CarriedScale
        )
    shared["track_activation_threshold"] = begin
    if settings.tracker == "sort":
        return trackers.SORTTracker(**shared, **least, state_estimator_class=_CarriedCorners)
    shared["high_conf_det_threshold"] = begin
    if settings.tracker == "bytetrack":
        return trackers.ByteTrackTracker(**shared, **least, state_estimator_class=_CarriedCorners)
    return trackers.BoTSORTTracker(
        **shared,
        minimum_iou_threshold_first_assoc=settings.minimum_iou,
        minimum_iou_threshold_second_assoc=settings.minimum_iou,
        minimum_iou_threshold_unconfirmed_assoc=settings.minimum_iou,
        instant_first_frame_activation=False,
        state_estimator_class=_CarriedSides,
    )
