"""Curves and thresholds from pictures with true boxes.

For each label: a Platt curve of its score, and the threshold of the best F-beta. What is reported is never measured on
what it was fitted to: the pictures are dealt into folds, and each fold is judged by curves and thresholds of the
others. What is written is fitted to all pictures.

Letters: C labels.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from regionclip.calibration.judged import (
    Answered,
    TruePicture,
    apply,
    best_threshold,
    f_beta,
    label_rows,
    outcome,
    without_curves,
)
from regionclip.calibration.platt import fit_platt
from regionclip.calibration.reliability import ScoredPairs, error_with_interval
from regionclip.data.coco_file import CocoFile
from regionclip.data.intervals import Share
from regionclip.detector import Detector
from regionclip.errors import BoxError
from regionclip.words.calibrated import Platt
from regionclip.words.vocabulary import Label, Vocabulary

FOLDS = 5
SPOKEN = 0.05
"""Reliability is judged on pairs of at least this score: of the others, far more, all know that they are nothing."""

FitStatus = Literal["fitted", "threshold only", "no examples", "attribute"]
_LEFT: tuple[FitStatus, ...] = ("no examples", "attribute")
"""Labels that are left as they were."""


@dataclass(frozen=True, slots=True)
class Fit:
    """One label.

    Attributes:
        label: its name.
        status: `fitted` both, `threshold only` (too few right or wrong regions for a curve, or higher scores are not
            likelier), `no examples` (left as it was), `attribute` (never a detection of its own; left as it was).
        threshold: new, compared with the confidence as ever, but after the curve.
        before: the one in force until now.
        examples: true boxes.
        curve: of the score.
        f_before: F-beta of the old threshold and the score as it was.
        f_after: F-beta of thresholds and curves of the other folds.
    """

    label: str
    status: FitStatus
    threshold: float
    before: float
    examples: int
    curve: Platt | None
    f_before: float
    f_after: float


@dataclass(frozen=True, slots=True, eq=False)
class LabelledCalibration:
    """A new vocabulary and what is known of it.

    Attributes:
        vocabulary: with curves and thresholds.
        fits: one for each label, in order.
        before: pairs of region and label that score `SPOKEN` or more, at the score as it was.
        after: the same pairs, each by a curve of the other folds.
        error_before: expected calibration error of `before`.
        error_after: of `after`.
    """

    vocabulary: Vocabulary
    fits: tuple[Fit, ...]
    before: ScoredPairs
    after: ScoredPairs
    error_before: Share
    error_after: Share


def read_truths(annotations: Path, images: Path, vocabulary: Vocabulary, split: str | None = None) -> list[TruePicture]:
    """Pictures of a COCO file.

    A category is a label's where its English or Chinese name is the label's, or one of its phrases; case makes no
    difference. Crowd boxes are left out.

    Raises:
        BoxError, ImageFileError: as `CocoFile`.
    """
    file = CocoFile.at(annotations, images, split)
    names = {name.lower(): place for place, label in enumerate(vocabulary) for name in (label.name, *label.phrases)}
    known = [
        next((names[name.lower()] for name in of_category if name.lower() in names), -1)
        for of_category in zip(*file.names.values(), strict=True)
    ]
    return [
        TruePicture(
            frame=picture.path,
            xyxy=picture.boxes,
            labels=np.array(
                [known[region.label] if known and region.label is not None else -1 for region in picture.regions], int
            ),
        )
        for picture in file.pictures
    ]


def calibrate_labelled(
    detector: Detector, vocabulary: Vocabulary, answered: Sequence[Answered], beta: float = 1.0
) -> LabelledCalibration:
    """Fit curves and thresholds.

    Args:
        detector: that gave the answers.
        vocabulary: the labels; curves it already has are fitted anew.
        answered: of each picture.
        beta: of F-beta, above 0: recall weighs beta times as much as precision.

    Raises:
        BoxError: for fewer than `FOLDS` pictures, or where no true box has a label of the vocabulary.
    """
    if len(answered) < FOLDS:
        raise BoxError(f"calibrate: expected at least {FOLDS} pictures, got {len(answered)}")
    bare = without_curves(vocabulary)
    levels = detector.thresholds(vocabulary).tolist()  # (C,)
    bare = replace(bare, labels=[replace(each, threshold=level) for each, level in zip(bare, levels, strict=True)])
    true = np.concatenate([picture.truth.labels for picture in answered])  # (true boxes,)
    examples = np.bincount(true + 1, minlength=len(bare) + 1)[1:]  # (C,)
    if not np.any(examples):
        raise BoxError(
            "calibrate: no true box is of a label: expected categories named as a label or one of its phrases"
        )
    folds = np.random.default_rng(0).permutation(len(answered)) % FOLDS  # (pictures,)
    whole = _learn(detector, bare, answered, beta)
    others = [
        _learn(detector, bare, [picture for picture, own in zip(answered, folds, strict=True) if own != fold], beta)
        for fold in range(FOLDS)
    ]
    of_picture = [others[fold] for fold in folds]
    was = np.sum([outcome(detector, bare, picture) for picture in answered], axis=0)  # (C, 2)
    will = np.sum([outcome(detector, *pair) for pair in zip(of_picture, answered, strict=True)], axis=0)  # (C, 2)
    before, after = _pairs(bare, of_picture, answered)
    fits = [
        Fit(
            label=label.name,
            status=_status(label, new, int(examples[place])),
            threshold=float(new.threshold or 0),
            before=float(label.threshold or 0),
            examples=int(examples[place]),
            curve=new.calibration,
            f_before=f_beta(was[place], examples[place], beta),
            f_after=f_beta(will[place], examples[place], beta),
        )
        for place, (label, new) in enumerate(zip(bare, whole, strict=True))
    ]
    given = answered[0].regions.given
    labels = [old if fit.status in _LEFT else new for fit, old, new in zip(fits, vocabulary, whole, strict=True)]
    return LabelledCalibration(
        vocabulary=replace(whole, labels=labels, measured_with=detector.scorer.conditions(given=given)),
        fits=tuple(fits),
        before=before,
        after=after,
        error_before=error_with_interval(before),
        error_after=error_with_interval(after),
    )


def _status(label: Label, new: Label, examples: int) -> FitStatus:
    if label.of or examples == 0:
        return "attribute" if label.of else "no examples"
    return "threshold only" if new.calibration is None else "fitted"


def _learn(detector: Detector, bare: Vocabulary, answered: Sequence[Answered], beta: float) -> Vocabulary:
    """The vocabulary with curves and thresholds of these pictures; a label they do not show stays as it is."""
    shown = set(np.concatenate([picture.truth.labels for picture in answered]).tolist())
    places = [place for place in bare.plain if place in shown]
    labels = list(bare)
    for place in places:
        valid = [picture.regions.valid for picture in answered]
        scores = np.concatenate([picture.scores[own, place] for picture, own in zip(answered, valid, strict=True)])
        right = np.concatenate([picture.right[own, place] for picture, own in zip(answered, valid, strict=True)])
        labels[place] = replace(labels[place], calibration=fit_platt(scores, right))
    curved = replace(bare, labels=labels)
    rows = [label_rows(detector, curved, picture) for picture in answered]
    for place in places:
        confidence = np.concatenate([of_picture[place][0] for of_picture in rows])
        hits = np.concatenate([of_picture[place][1] for of_picture in rows])
        examples = sum(int((picture.truth.labels == place).sum()) for picture in answered)
        best = best_threshold(confidence, hits, examples, beta)
        labels[place] = replace(labels[place], threshold=labels[place].threshold if best is None else best)
    return replace(bare, labels=labels)


def _pairs(
    bare: Vocabulary, of_picture: Sequence[Vocabulary], answered: Sequence[Answered]
) -> tuple[ScoredPairs, ScoredPairs]:
    """Pairs that score `SPOKEN` or more, at their score as it was and by the curves of each picture's vocabulary."""
    plain = np.isin(np.arange(len(bare)), bare.plain)  # (C,)
    parts = []
    for number, (words, picture) in enumerate(zip(of_picture, answered, strict=True)):
        taken = (picture.scores >= SPOKEN) & picture.regions.valid[:, None] & plain  # (N, C)
        after = apply(words, picture.scores)
        parts.append((picture.scores[taken], after[taken], picture.right[taken], np.full(taken.sum(), number)))
    was, will, right, number_of = (np.concatenate(column) for column in zip(*parts, strict=True))
    return ScoredPairs(was.astype(float), right, number_of), ScoredPairs(will.astype(float), right, number_of)
