"""From kept (region, label) rows to `sv.Detections`, the one door by which results leave."""

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import supervision as sv
from numpy.typing import NDArray

from heads.classify import Scores
from heads.select import Selected
from regionclip.regions import Regions
from regionclip.towers.card import TowerCard
from regionclip.vocabulary import RESERVED, Vocabulary

UNKNOWN = "unknown"
"""`class_name` of a region that no label fits; its `class_id` is -1."""

OWN_COLUMNS = ("class_name", "prompt", "region", "objectness", "margin", "runner_up")
"""Columns of `data` that are always there, also with no detections."""


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What selection left of one frame's regions.

    Attributes:
        xyxy: `(N, 4)` float32, the regions clipped to the frame.
        rows: kept (region, label), the most confident first.
        scores: `(N, C)` of all regions.
        thresholds: `(C,)`.
    """

    xyxy: NDArray[np.float32]
    rows: Selected
    scores: Scores
    thresholds: NDArray[np.float64]


def detections(regions: Regions, found: Found, vocabulary: Vocabulary, card: TowerCard) -> sv.Detections:
    """One row for each kept (region, label), the most confident first.

    `data` holds `class_name` (the label's name, or `unknown`), `prompt` (the phrase that matched), `region` (index of
    the box that came in), `objectness`, `margin` (score minus the best other label's), `runner_up` (that label, or an
    empty string), a column for each group (its best label on this region, or an empty string where that stays below its
    threshold), then the caller's own columns; those that would hide one of ours get the prefix `input_`.
    """
    region = found.rows.region.numpy()  # (K,)
    label = found.rows.label.numpy()  # (K,), -1 for unknown
    names = np.array([*vocabulary.names, UNKNOWN], dtype=np.str_)
    phrases = np.array([*(phrase for entry in vocabulary for phrase in entry.phrases), ""], dtype=np.str_)
    scores = found.scores.values.numpy()[region]  # (K, C)
    matched = np.full(len(region), len(phrases) - 1)
    named = label >= 0
    matched[named] = found.scores.phrase.numpy()[region[named], label[named]]
    margin, runner_up = _margins(scores, label)
    columns: dict[str, NDArray[Any] | list[Any]] = {
        "class_name": names[label],
        "prompt": phrases[matched],
        "region": region,
        "objectness": regions.objectness[region],
        "margin": margin,
        "runner_up": np.array([*vocabulary.names, ""], dtype=np.str_)[runner_up],
        **_groups(scores, found.thresholds, vocabulary),
    }
    for name, column in regions.data.items():
        own = name in columns or name in RESERVED
        columns[f"input_{name}" if own else name] = np.asarray(column)[region]
    return sv.Detections(
        xyxy=found.xyxy[region],
        confidence=found.rows.confidence.numpy(),
        class_id=label,
        tracker_id=None if regions.tracker_id is None else regions.tracker_id[region],
        data=columns,
        metadata={"tower": f"{card.name}@{card.revision}", "vocabulary": identity(vocabulary)},
    )


def _groups(
    scores: NDArray[np.float32], thresholds: NDArray[np.float64], vocabulary: Vocabulary
) -> dict[str, NDArray[np.str_]]:
    """For each group the name of its best label on each row, `(K,)`; empty where that is below its threshold."""
    names = np.array([*vocabulary.names, ""], dtype=np.str_)
    columns = {}
    for group in dict.fromkeys(label.group for label in vocabulary if label.group is not None):
        members = np.array([index for index, label in enumerate(vocabulary) if label.group == group])
        best = members[scores[:, members].argmax(axis=1)]  # (K,)
        passed = scores[np.arange(len(scores)), best] >= thresholds[best]
        columns[group] = names[np.where(passed, best, -1)]
    return columns


def identity(vocabulary: Vocabulary) -> str:
    """Short fingerprint of everything that a vocabulary says."""
    return hashlib.sha256(repr(vocabulary).encode()).hexdigest()[:16]


def _margins(scores: NDArray[np.float32], label: NDArray[np.int_]) -> tuple[NDArray[np.float32], NDArray[np.int_]]:
    """Score minus the best other label's `(K,)`, and that label's index `(K,)`, -1 where there is none.

    For `unknown` rows the margin is minus the best score: how far every label stayed behind.
    """
    places = np.arange(len(scores))
    # The last column stands for "no label": below every score, and what -1 points at.
    rows = np.pad(scores, ((0, 0), (0, 1)), constant_values=-1)  # (K, C + 1)
    own = np.where(label >= 0, rows[places, label], 0)  # (K,)
    rows[places, label] = -1
    best = rows.argmax(axis=1)  # (K,)
    best_score = rows[places, best]
    margin = own - np.maximum(best_score, 0)
    return margin.astype(np.float32), np.where(best_score < 0, -1, best)
