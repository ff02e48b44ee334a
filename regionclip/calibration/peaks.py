"""The highest confidence of each label on each frame: what decides whether a frame raises an alarm.

Letters: N regions, C labels, T frames that are kept.
"""

import numpy as np
import torch
from numpy.typing import NDArray

from heads.select import Rules, select
from regionclip.answers.decide import rules
from regionclip.answers.regions import Regions
from regionclip.detector import Detector
from regionclip.words.vocabulary import Vocabulary

_KEPT = 100_000
"""Frames that are kept of each label, those with the highest values: memory does not grow with the footage."""

_BLOCK = 4096
"""Frames that are sorted in at once."""


def confidences(
    detector: Detector, regions: Regions, vocabulary: Vocabulary, scores: NDArray[np.float32] | None = None
) -> NDArray[np.float32]:
    """What `heads.select` compares with the thresholds, `(N, C)` in 0..1: scores weighed with objectness.

    0 for invalid regions, for labels that another of their exclusive group beats on the region, and for attributes
    (labels with `of`), which are never a detection of their own. Overlap and `labels_per_region` are left out: they
    depend on other labels' thresholds, and only ever take a detection away.

    Args:
        detector: whose settings hold.
        regions: of one frame.
        vocabulary: the labels.
        scores: `(N, C)` in place of the detector's own.
    """
    scores = detector.scores(regions, vocabulary) if scores is None else scores
    plain = list(vocabulary.plain)
    names = [label.group for label in vocabulary]
    groups = [-1 if names[place] is None else names.index(names[place]) for place in plain]
    rows = select(
        torch.from_numpy(regions.xyxy),
        torch.from_numpy(scores[:, plain]),
        Rules(nms="none", max_detections=None, weight=rules(regions, detector.config).weight),
        thresholds=torch.zeros(len(plain), dtype=torch.float64),
        groups=torch.tensor(groups, dtype=torch.long),
        objectness=torch.from_numpy(regions.objectness),
        valid=torch.from_numpy(regions.valid),
    )
    compared = np.zeros((len(regions), len(vocabulary)), np.float32)
    compared[rows.region.numpy(), np.array(plain, int)[rows.label.numpy()]] = rows.confidence.numpy()
    return compared


def frame_peaks(detector: Detector, regions: Regions, vocabulary: Vocabulary) -> NDArray[np.float32]:
    """The highest of `confidences` of each label, `(C,)`; 0 without regions."""
    return np.asarray(confidences(detector, regions, vocabulary).max(axis=0, initial=0.0), np.float32)


class Peaks:
    """Peaks of many frames, of which the highest `kept` of each label stay.

    A threshold that is looked for from above needs no others: where it would lie below what is kept, the lowest value
    that is kept gives fewer alarms still.

    Args:
        labels: C.
        kept: most frames of each label.
    """

    def __init__(self, labels: int, kept: int = _KEPT) -> None:
        self.frames = 0
        self._labels = labels
        self._kept = kept
        self._values = np.zeros((labels, 0), np.float32)  # (C, T)
        self._times = np.zeros((labels, 0))  # (C, T)
        self._new: list[NDArray[np.float32]] = []
        self._new_times: list[float] = []

    def add(self, time: float, peaks: NDArray[np.float32]) -> None:
        """Take the `(C,)` peaks of the frame at `time`, in seconds or as its number."""
        self.frames += 1
        self._new.append(peaks)
        self._new_times.append(time)
        if len(self._new) >= _BLOCK:
            self._sort_in()

    def of(self, label: int) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """The highest values of a label and their times, `(T,)` each, in order of time."""
        self._sort_in()
        order = np.argsort(self._times[label], kind="stable")
        return self._values[label][order], self._times[label][order]

    def _sort_in(self) -> None:
        if not self._new:
            return
        new = np.stack(self._new, axis=1)  # (C, n)
        times = np.broadcast_to(np.array(self._new_times), new.shape)
        self._values = np.concatenate([self._values, new], axis=1)
        self._times = np.concatenate([self._times, times], axis=1)
        self._new, self._new_times = [], []
        if self._values.shape[1] > self._kept:
            best = np.argpartition(-self._values, self._kept - 1, axis=1)[:, : self._kept]  # (C, kept)
            self._values = np.take_along_axis(self._values, best, axis=1)
            self._times = np.take_along_axis(self._times, best, axis=1)
