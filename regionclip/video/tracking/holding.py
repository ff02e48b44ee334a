"""Labels that tracks hold: decided as `Detector.classify` decides, but slow to change.

A track keeps its label until another leads by a margin for some time, and loses it only where its confidence falls
below the threshold by that margin. The same holds for each attribute, and for each group where a region may have
several labels. Without margin and time, tracks get the very rows of `classify`.

Letters: N tracks, C labels, K rows.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import supervision as sv
import torch
from numpy.typing import NDArray

from heads.classify import Scores
from heads.select import confidences
from regionclip.answers.attributes import attribute_columns
from regionclip.answers.decide import decide, rules
from regionclip.answers.detections import detections
from regionclip.answers.regions import Regions
from regionclip.config import Config
from regionclip.towers.card import TowerCard
from regionclip.video.tracking.settings import TrackSettings
from regionclip.words.asked import Asked
from regionclip.words.vocabulary import Vocabulary

Places = NDArray[np.int_]
"""`(c,)` of labels."""


@dataclass(frozen=True, eq=False)
class Contests:
    """Which labels exclude one another on a track.

    Attributes:
        vocabulary: C labels.
        labels_per_region: as in `Config`; at 1 all plain labels exclude one another.
    """

    vocabulary: Vocabulary
    labels_per_region: int

    @cached_property
    def groups(self) -> tuple[Places, ...]:
        """Plain labels of each group."""
        labels, plain = tuple(self.vocabulary), self.vocabulary.plain
        names = dict.fromkeys(labels[place].group for place in plain if labels[place].group is not None)
        return tuple(np.array([place for place in plain if labels[place].group == name]) for name in names)

    @cached_property
    def exclusive(self) -> tuple[Places, ...]:
        """Sets of plain labels of which a track holds one at most."""
        return (np.array(self.vocabulary.plain, int),) if self.labels_per_region == 1 else self.groups

    @cached_property
    def is_single(self) -> NDArray[np.bool_]:
        """`(C,)`: plain labels that no other excludes."""
        single = np.zeros(len(self.vocabulary), np.bool_)
        single[list(self.vocabulary.plain)] = True
        for members in self.exclusive:
            single[members] = False
        return single

    @cached_property
    def columns(self) -> dict[str, tuple[int, ...]]:
        """Labels of each attribute."""
        return self.vocabulary.columns

    @cached_property
    def of(self) -> tuple[frozenset[int], ...]:
        """Of each label the labels that it is an attribute of."""
        place = {name: index for index, name in enumerate(self.vocabulary.names)}
        return tuple(frozenset(place[name] for name in label.of) for label in self.vocabulary)


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """What a track's fused embedding says at a time.

    Attributes:
        t_seconds: the time.
        scores: `(C,)` in 0..1.
        values: `(C,)` what thresholds are compared with: of plain labels the confidence, of attributes the score.
        levels: `(C,)` thresholds.
    """

    t_seconds: float
    scores: NDArray[np.float32]
    values: NDArray[np.float32]
    levels: NDArray[np.float64]


class Hold:
    """What one track is taken for.

    Args:
        contests: of the labels that are asked.
        settings: margin and time.
    """

    def __init__(self, contests: Contests, settings: TrackSettings) -> None:
        self._contests = contests
        self._settings = settings
        self._labels: dict[Hashable, int] = {}  # the winner of each contest
        self._rivals: dict[Hashable, tuple[int, float]] = {}  # who else leads there, and since when
        self._single = np.zeros(len(contests.vocabulary), np.bool_)  # (C,) labels that no other excludes

    def settle(self, judgement: Judgement) -> NDArray[np.float32]:
        """Take what is known now; times do not fall.

        Returns:
            `(C,)` values: labels that are held pass their threshold, those they exclude are 0.
        """
        contests, scores, levels = self._contests, judgement.scores, judgement.levels
        fits = judgement.values >= levels  # (C,)
        for group in contests.groups:
            _only_best(fits, scores, group)
        for number, members in enumerate(contests.exclusive):
            self._contest(number, members, judgement, fits)
        lowered = levels - np.where(self._single, self._settings.margin, 0)  # (C,)
        self._single = contests.is_single & (judgement.values >= lowered)
        held = [label for key, label in self._labels.items() if isinstance(key, int)]
        held += np.flatnonzero(self._single).tolist()
        for column, places in contests.columns.items():
            asked = np.array([place for place in places if not contests.of[place].isdisjoint(held)], int)
            _only_best(fits, scores, asked)
            self._contest(column, asked, judgement, fits)
            held += [self._labels[column]] if column in self._labels else []
        values = np.where(contests.is_single, judgement.values, 0).astype(np.float32)  # (C,)
        # Thresholds are compared in double precision; the next float32 passes them.
        passing = np.nextafter(levels.astype(np.float32), np.float32(2))  # (C,)
        values[held] = np.maximum(judgement.values, passing)[held]
        return values

    def _contest(self, key: Hashable, members: Places, judgement: Judgement, fits: NDArray[np.bool_]) -> None:
        """Decide between some labels, of which those that `fits` marks may win."""
        scores, margin, t = judgement.scores, self._settings.margin, judgement.t_seconds
        able = members[fits[members]]
        best = int(able[scores[able].argmax()]) if len(able) else None
        held = self._labels.get(key)
        rival, since = self._rivals.pop(key, (None, t))
        if held is not None and held in members and judgement.values[held] >= judgement.levels[held] - margin:
            if best is None or best == held or scores[best] - scores[held] <= margin:
                return
            since = since if rival == best else t
            if t - since < self._settings.switch_seconds:
                self._rivals[key] = best, since
                return
        if best is None:
            self._labels.pop(key, None)
        else:
            self._labels[key] = best


def _only_best(fits: NDArray[np.bool_], scores: NDArray[np.float32], members: Places) -> None:
    """Of labels in one group only that of the best score can fit, as in `heads.select` and in attribute columns."""
    if len(members):
        fits[np.delete(members, scores[members].argmax())] = False


def held_rows(
    regions: Regions,
    judged: tuple[Scores, Asked],
    holds: Sequence[Hold],
    t_seconds: float,
    config: Config,
    card: TowerCard,
) -> sv.Detections:
    """The rows of tracks, with the columns of `Detector.classify`.

    Numbers (confidence, margin, scores of attributes) are those of the fused embeddings now; which label, group and
    attribute are named is what each track holds. So a confidence may be below its threshold by the margin.

    Args:
        regions: `(N,)` fused embeddings of tracks.
        judged: what `Scorer.judge` says of them.
        holds: of each track; they take what is said.
        t_seconds: now.
        config: of the detector.
        card: of its tower.
    """
    (scores, asked), weight = judged, rules(regions, config).weight
    objectness = torch.from_numpy(regions.objectness)  # (N,)
    values = confidences(scores.values, objectness, weight).numpy().copy()  # (N, C)
    attributes = [place for place, label in enumerate(asked.vocabulary) if label.of]
    values[:, attributes] = scores.values.numpy()[:, attributes]
    settled = values.copy()
    for row, hold in enumerate(holds):
        settled[row] = hold.settle(Judgement(t_seconds, scores.values.numpy()[row], values[row], asked.thresholds))
    as_held = replace(scores, values=torch.from_numpy(settled))
    found = decide(replace(regions, has_objectness=False), as_held, asked, config)  # objectness is weighed in already
    plain = torch.nn.functional.pad(scores.values[:, list(asked.vocabulary.plain)], (1, 0))  # (N, 1 + c)
    strange = confidences(1 - plain.amax(1, keepdim=True), objectness, weight)  # (N, 1) of `unknown`
    own = torch.cat([torch.from_numpy(values), strange], dim=1)[found.rows.region, found.rows.label]  # (K,)
    rows = replace(found.rows, confidence=own).take(own.argsort(descending=True, stable=True))
    named = detections(regions, replace(found, rows=rows, scores=scores), card)
    _name_held(named, settled, scores.values.numpy(), asked)
    return named


def _name_held(rows: sv.Detections, settled: NDArray[np.float32], scores: NDArray[np.float32], asked: Asked) -> None:
    """Put what is held into the columns of groups and attributes."""
    vocabulary, names = asked.vocabulary, np.asarray(rows.data["class_name"])
    region = np.asarray(rows.data["region"], int)  # (K,)
    label = np.asarray(rows.class_id, int)
    place = {name: index for index, name in enumerate(vocabulary.names)}
    for group in {each.group for each in vocabulary if each.group is not None and not each.of}:
        mine = np.isin(label, [place[each.name] for each in vocabulary if each.group == group])
        rows.data[group] = np.where(mine, names, rows.data[group])
    columns = attribute_columns(settled[region], label, asked)
    for column in asked.columns:
        value = columns[column]
        own = np.array([place.get(name, -1) for name in value.tolist()], int)  # (K,)
        rows.data[column] = value
        rows.data[f"{column}_score"] = np.where(own >= 0, scores[region, own], rows.data[f"{column}_score"])
