"""What a detector makes of a picture with true boxes, and how good a threshold is there.

Letters: N regions, M true boxes, C labels, n rows of one label, m true boxes of one label.
"""

from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from heads.platt import platt
from proposals.shortlist import nms
from regionclip.answers.regions import Regions
from regionclip.calibration.peaks import confidences
from regionclip.data.overlaps import overlaps
from regionclip.detector import Detector
from regionclip.frames import FrameLike
from regionclip.words.asked import curves
from regionclip.words.vocabulary import Vocabulary

IOU = 0.5
"""Overlap from which a region is one of the things of a true box."""

LabelRows: TypeAlias = tuple[NDArray[np.float64], NDArray[np.bool_]]
"""Rows of one label, most confident first: confidences `(n,)`, and whether each is a hit `(n,)`."""


@dataclass(frozen=True, slots=True, eq=False)
class TruePicture:
    """A picture and what it shows.

    Attributes:
        frame: as a detector takes it.
        xyxy: `(M, 4)` float32 true boxes in its pixels.
        labels: `(M,)` int, place of each in the vocabulary; -1 for things that no label names.
    """

    frame: FrameLike
    xyxy: NDArray[np.float32]
    labels: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Answered:
    """What a detector made of a picture, before any curve.

    Attributes:
        regions: without embeddings.
        scores: `(N, C)`.
        right: `(N, C)` bool, whether the region is one of the label's things.
        truth: the picture's true boxes.
    """

    regions: Regions
    scores: NDArray[np.float32]
    right: NDArray[np.bool_]
    truth: TruePicture


def answer(detector: Detector, vocabulary: Vocabulary, truth: TruePicture, *, true_boxes: bool = False) -> Answered:
    """Run the detector on a picture: on proposals, or on the true boxes themselves."""
    bare = without_curves(vocabulary)
    regions = detector.regions(truth.frame, truth.xyxy if true_boxes else None, words=vocabulary)
    scores = detector.scores(regions, bare)  # (N, C)
    if true_boxes:
        right = truth.labels[:, None] == np.arange(len(vocabulary))  # (N, C)
    else:
        close = overlaps(regions.xyxy, truth.xyxy) >= IOU  # (N, M)
        right = close @ (truth.labels[:, None] == np.arange(len(vocabulary)))  # (N, C)
    slim = replace(regions, embeddings=np.zeros((len(regions), 0), np.float32))
    return Answered(slim, scores, right & regions.valid[:, None], truth)


def without_curves(vocabulary: Vocabulary) -> Vocabulary:
    """The vocabulary as if it had never been calibrated, but for its thresholds."""
    return replace(vocabulary, labels=[replace(label, calibration=None) for label in vocabulary], measured_with=None)


def apply(words: Vocabulary, scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """`(N, C)` scores by the vocabulary's curves."""
    return np.asarray(platt(torch.from_numpy(scores), *curves(words)).numpy(), np.float32)


def label_rows(detector: Detector, words: Vocabulary, picture: Answered) -> list[LabelRows]:
    """Of each label its rows.

    Rows of one label that overlap too much are suppressed as in a detection by class; each true box is found once.
    """
    compared = confidences(detector, picture.regions, words, apply(words, picture.scores))  # (N, C)
    boxes = torch.from_numpy(picture.regions.xyxy)
    rows: list[LabelRows] = []
    for place in range(len(words)):
        order = np.argsort(-compared[:, place], kind="stable")
        order = order[compared[order, place] > 0]  # (n,)
        if picture.regions.given:
            hits = picture.right[order, place]
        else:
            order = order[nms(boxes[order], detector.config.nms_iou).numpy()]
            mine = picture.truth.xyxy[picture.truth.labels == place]  # (m, 4)
            hits = _found(overlaps(picture.regions.xyxy[order], mine))
        rows.append((compared[order, place].astype(float), np.asarray(hits, np.bool_)))
    return rows


def _found(ious: NDArray[np.float64]) -> NDArray[np.bool_]:
    """`(n,)`: whether each row, in order, is the first to overlap a true box enough; `(n, m)` overlaps."""
    free = np.ones(ious.shape[1], np.bool_)  # (m,)
    hits = np.zeros(len(ious), np.bool_)  # (n,)
    for row, overlap in enumerate(ious):
        fitting = np.where(free, overlap, 0.0)  # (m,)
        if fitting.max(initial=0.0) >= IOU:
            hits[row], free[fitting.argmax()] = True, False
    return hits


def outcome(detector: Detector, words: Vocabulary, picture: Answered) -> NDArray[np.float64]:
    """Rows at or above each label's threshold that are hits, and all of them: `(C, 2)`."""
    counts = np.zeros((len(words), 2))
    for place, (label, (confidence, hits)) in enumerate(zip(words, label_rows(detector, words, picture), strict=True)):
        high = confidence >= (label.threshold or 0)
        counts[place] = hits[high].sum(), high.sum()
    return counts


def f_beta(counts: NDArray[np.float64], examples: float, beta: float) -> float:
    """F-beta of hits and rows `(2,)`: van Rijsbergen (1979), written without precision and recall."""
    weight = beta**2
    return float((1 + weight) * counts[0] / max(counts[1] + weight * examples, 1e-12))


def best_threshold(
    confidence: NDArray[np.float64], hits: NDArray[np.bool_], examples: int, beta: float
) -> float | None:
    """The threshold of the best F-beta, half way to the next row below; None where no row is a hit."""
    if not hits.any():
        return None
    order = np.argsort(-confidence, kind="stable")  # (n,)
    values, found = confidence[order], hits[order].cumsum()
    last = np.append(values[1:] < values[:-1], True)  # equals pass together
    counts = np.stack([found, np.arange(1, len(values) + 1)], axis=1).astype(float)  # (n, 2)
    f = np.array([f_beta(row, examples, beta) for row in counts])
    best = int(np.where(last, f, -1).argmax())
    below = values[best + 1] if best + 1 < len(values) else 0.0
    return float(values[best] + below) / 2
