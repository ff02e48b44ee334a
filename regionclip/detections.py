"""From kept (region, label) rows to `sv.Detections`, the one door by which results leave."""

import hashlib
from typing import Any

import numpy as np
import supervision as sv
import torch
from numpy.typing import NDArray

from heads.classify import Scores
from heads.pool import clip_to_frame
from heads.select import Selected
from regionclip.regions import Regions
from regionclip.towers.card import TowerCard
from regionclip.vocabulary import Vocabulary

UNKNOWN = "unknown"
"""`class_name` of a region that no label fits; its `class_id` is -1."""

OWN_COLUMNS = ("class_name", "prompt", "region", "objectness", "margin", "runner_up")
"""Columns of `data` that are always there, also with no detections."""


def detections(
    regions: Regions, rows: Selected, scores: Scores, vocabulary: Vocabulary, card: TowerCard
) -> sv.Detections:
    """One row for each kept (region, label), the most confident first.

    `data` holds `class_name` (the label's name, or `unknown`), `prompt` (the phrase that matched), `region` (index of
    the box that came in), `objectness`, `margin` (score minus the best other label's), `runner_up` (that label, or an
    empty string), then the caller's own columns; those that would hide one of ours get the prefix `input_`.
    """
    region = rows.region.numpy()  # (K,)
    label = rows.label.numpy()  # (K,), -1 for unknown
    names = np.array([*vocabulary.names, UNKNOWN], dtype=np.str_)
    phrases = np.array([*(phrase for entry in vocabulary for phrase in entry.phrases), ""], dtype=np.str_)
    matched = np.full(len(region), len(phrases) - 1)
    named = label >= 0
    matched[named] = scores.phrase.numpy()[region[named], label[named]]
    margin, runner_up = _margins(scores.values.numpy(), region, label)
    clipped, _ = clip_to_frame(torch.from_numpy(regions.xyxy), regions.frame_size)  # (N, 4)
    columns: dict[str, NDArray[Any] | list[Any]] = {
        "class_name": names[label],
        "prompt": phrases[matched],
        "region": region,
        "objectness": regions.objectness[region],
        "margin": margin,
        "runner_up": np.array([*vocabulary.names, ""], dtype=np.str_)[runner_up],
    }
    for name, column in regions.data.items():
        own = name in columns or name in ("class_id", "confidence")
        columns[f"input_{name}" if own else name] = np.asarray(column)[region]
    return sv.Detections(
        xyxy=clipped.numpy()[region],
        confidence=rows.confidence.numpy(),
        class_id=label,
        tracker_id=None if regions.tracker_id is None else regions.tracker_id[region],
        data=columns,
        metadata={"tower": f"{card.name}@{card.revision}", "vocabulary": identity(vocabulary)},
    )


def identity(vocabulary: Vocabulary) -> str:
    """Short fingerprint of everything that a vocabulary says."""
    return hashlib.sha256(repr(vocabulary).encode()).hexdigest()[:16]


def _margins(
    scores: NDArray[np.float32], region: NDArray[np.int_], label: NDArray[np.int_]
) -> tuple[NDArray[np.float32], NDArray[np.int_]]:
    """Score minus the best other label's `(K,)`, and that label's index `(K,)`, -1 where there is none.

    For `unknown` rows the margin is minus the best score: how far every label stayed behind.
    """
    rows = np.concatenate([scores[region], np.zeros((len(region), 1), np.float32)], axis=1)  # (K, C + 1)
    own = np.where(label >= 0, rows[np.arange(len(region)), label], 0)  # (K,)
    others = rows.copy()  # (K, C + 1); the last column stands for "no other label"
    others[:, -1] = -1
    others[np.arange(len(region)), label] = -1
    best = others.argmax(axis=1)  # (K,)
    other_score = np.maximum(others[np.arange(len(region)), best], 0)
    runner_up = np.where(others.max(axis=1, initial=-1) < 0, -1, best)
    return (own - other_score).astype(np.float32), runner_up
