"""From kept (region, label) rows to `sv.Detections`, the one door by which results leave."""

from typing import Any

import numpy as np
import supervision as sv
from numpy.typing import NDArray

from regionclip.answers.account import account
from regionclip.answers.attributes import attribute_columns
from regionclip.answers.decide import Found
from regionclip.answers.regions import Regions
from regionclip.towers.card import TowerCard
from regionclip.words.asked import Asked
from regionclip.words.vocabulary import RESERVED

UNKNOWN = "unknown"
"""`class_name` of a region that no label fits; its `class_id` is -1."""

VERIFIED = "verified"
"""Column that is there only where a describer is asked: what it answered, NaN where it was not."""

OWN_COLUMNS = (
    *("class_name", "prompt", "region", "objectness"),
    *("margin", "runner_up", "negative_margin", "negative"),
)
"""Columns of `data` that are always there, also with no detections."""


def detections(regions: Regions, found: Found, card: TowerCard) -> sv.Detections:
    """One row for each kept (region, label), the most confident first.

    `data` holds `class_name` (the label's name, or `unknown`), `prompt` (the phrase that matched), `region` (index of
    the box that came in), `objectness`, `margin` (score minus the best other label's), `runner_up` (that label, or an
    empty string), `negative_margin` and `negative` (`_opposition`), a column for each group (its best label on this
    region, or an empty string where that stays below its threshold), two for each attribute (`attribute_columns`), then
    the caller's own columns; those that would hide one of ours get the prefix `input_`.
    """
    asked = found.asked
    region = found.rows.region.numpy()  # (K,)
    label = found.rows.label.numpy()  # (K,), -1 for unknown
    scores = found.scores.values.numpy()[region]  # (K, C)
    matched = np.full(len(region), -1)
    named = label >= 0
    matched[named] = found.scores.phrase.numpy()[region[named], label[named]]
    plain, competing = asked.plain.numpy(), np.full_like(scores, -1)  # attributes compete with no label
    competing[:, plain] = scores[:, plain]
    margin, runner_up = _margins(competing, label)
    negative_margin, negative = _opposition(found, region, np.where(named, label, runner_up), card)
    columns: dict[str, NDArray[Any] | list[Any]] = {
        "class_name": np.where(named, asked.names[label], UNKNOWN),
        "prompt": asked.phrases[matched],
        "region": region,
        "objectness": regions.objectness[region],
        "margin": margin,
        "runner_up": asked.names[runner_up],
        "negative_margin": negative_margin,
        "negative": negative,
        **_groups(scores, asked),
        **attribute_columns(scores, label, asked),
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
        metadata={"tower": f"{card.name}@{card.revision}", "vocabulary": asked.identity},
    )


def _opposition(
    found: Found, region: NDArray[np.int_], label: NDArray[np.int_], card: TowerCard
) -> tuple[NDArray[np.float32], NDArray[np.str_]]:
    """What the best negative took from the label of each row, which for `unknown` is the label that came nearest.

    Args:
        found: with the scores.
        region: `(K,)`.
        label: `(K,)`, -1 where there is no label at all.
        card: of the tower.

    Returns:
        The label's score minus the negative's share of it, `(K,)` in -1..1, before calibration; and that negative,
        `(K,)`, empty where none counts.
    """
    asked = found.asked
    margin, worst = np.zeros(len(region), np.float32), np.full(len(region), -1)
    some = label >= 0  # (K,)
    if asked.closed:
        margin[some] = found.scores.values.numpy()[region[some], label[some]]
    else:
        background = card.region_score.bias is not None
        shares = account(found.scores, asked.words, region[some], label[some], background=background)
        worst[some], taken = shares.worst()
        margin[some] = shares.label - taken
    return margin, asked.against[worst]


def _groups(scores: NDArray[np.float32], asked: Asked) -> dict[str, NDArray[np.str_]]:
    """For each group the name of its best label on each row, `(K,)`; empty where that is below its threshold."""
    members: dict[str, list[int]] = {}
    for place, label in enumerate(asked.vocabulary):
        if label.group is not None and not label.of:
            members.setdefault(label.group, []).append(place)
    columns = {}
    for group, places in members.items():
        best = np.array(places)[scores[:, places].argmax(axis=1)]  # (K,)
        passed = scores[np.arange(len(scores)), best] >= asked.thresholds[best]
        columns[group] = asked.names[np.where(passed, best, -1)]
    return columns


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
