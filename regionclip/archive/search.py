"""The best regions of many frames for free-form words.

Letters: N regions of a frame, C labels.
"""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import torch

from heads.pool import clip_to_frame
from heads.select import select
from regionclip.answers.decide import rules
from regionclip.answers.regions import Regions
from regionclip.archive.store import FrameKey, RegionsStore
from regionclip.config import Config
from regionclip.errors import ConfigError
from regionclip.scorer import Scorer
from regionclip.words.asked import Asked
from regionclip.words.vocabulary import Vocabulary

_TOGETHER = 1024
"""Regions from which on frames are scored: in one product, as a product has its own costs."""

_ROUNDING, _SMALLEST = 1e-5, 1e-37
"""Share and summand that are far above what confidences lose in float32."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One region that fits a label.

    Attributes:
        key: of its frame.
        region: its index in the frame.
        box: x1 y1 x2 y2 in pixels of the frame, clipped to it.
        label: name of the label.
        prompt: the phrase that matched best.
        score: 0..1, as `Detector.scores` gives it.
        confidence: 0..1, by which hits are ranked: the score, weighed with objectness where that counts.
    """

    key: FrameKey
    region: int
    box: tuple[float, float, float, float]
    label: str
    prompt: str
    score: float
    confidence: float


def search(store: RegionsStore, vocabulary: Vocabulary, scorer: Scorer, top: int) -> list[Hit]:
    """The `top` best regions of each label, label by label, best first; thresholds do not matter.

    Labels are asked one by one: none takes a region from another. Of proposals of one frame that overlap by more than
    the config allows, the best is left; boxes from outside all stay. Of equals the frame that was stored first is
    better. Attributes (labels with `of`) are left out.

    Raises:
        ConfigError: for a `top` below 1.
        FingerprintError: for a store of another tower.
    """
    scorer.check_fingerprint(store.fingerprint, "regions")
    if top < 1:
        raise ConfigError(f"search: expected top of at least 1, got {top}")
    labels, phrases = tuple(vocabulary), [phrase for label in vocabulary for phrase in label.phrases]
    best: dict[int, list[tuple[float, int, Hit]]] = {place: [] for place in vocabulary.plain}  # heaps
    order = 0
    config = scorer.config
    for frame in _scored(store, scorer, scorer.ask(vocabulary)):
        for place, heap in best.items():
            if len(heap) == top and frame.ceilings[place] <= heap[0][0]:
                continue  # nothing of this frame can enter
            for region, confidence in frame.ranked(place, config)[:top]:
                order -= 1  # of equals the later one is the lesser
                if len(heap) == top and confidence <= heap[0][0]:
                    break
                x1, y1, x2, y2 = frame.boxes[region].tolist()
                phrase = phrases[int(frame.phrase[region, place])]
                score = float(frame.values[region, place])
                hit = Hit(frame.key, region, (x1, y1, x2, y2), labels[place].name, phrase, score, confidence)
                heapq.heappush(heap, (confidence, order, hit))
                if len(heap) > top:
                    heapq.heappop(heap)
    return [hit for heap in best.values() for _, _, hit in sorted(heap, reverse=True)]


@dataclass(frozen=True, slots=True, eq=False)
class _Frame:
    """One frame with what its regions score.

    Attributes:
        key: which frame.
        regions: N of them, at least one.
        values: `(N, C)` scores.
        phrase: `(N, C)` long, as in `heads.classify.Scores`.
        ceilings: for each of the C labels a number that no confidence of this frame exceeds.
    """

    key: FrameKey
    regions: Regions
    values: torch.Tensor
    phrase: torch.Tensor
    ceilings: list[float]

    @property
    def boxes(self) -> torch.Tensor:
        """`(N, 4)`, clipped to the frame."""
        return clip_to_frame(torch.from_numpy(self.regions.xyxy), self.regions.frame_size)[0]

    def ranked(self, place: int, config: Config) -> list[tuple[int, float]]:
        """Regions and their confidences for the label at `place`, best first."""
        usual = rules(self.regions, config)
        suppress: Literal["none", "class"] = "none" if usual.nms == "none" else "class"
        rows = select(
            self.boxes,
            self.values[:, place : place + 1],
            replace(usual, nms=suppress, top_k=None, max_detections=None, unknown=False),
            thresholds=torch.zeros(1, dtype=torch.float64),
            objectness=torch.from_numpy(self.regions.objectness),
            valid=torch.from_numpy(self.regions.valid),
        )
        return list(zip(rows.region.tolist(), rows.confidence.tolist(), strict=True))


def _scored(store: RegionsStore, scorer: Scorer, asked: Asked) -> Iterator[_Frame]:
    """Frames that have regions, in stored order, scored many at a time: a score depends on its own region alone."""
    for frames in _gathered(store):
        together = Regions.joined([regions for _, regions in frames])
        scores = scorer.scores(together, asked)
        highest = _highest(together, scores.values, scorer.config)  # (M, C)
        start = 0
        for key, regions in frames:
            rows = slice(start, start + len(regions))
            start = rows.stop
            ceilings = highest[rows].amax(dim=0).tolist()
            yield _Frame(key, regions, scores.values[rows], scores.phrase[rows], ceilings)


def _gathered(store: RegionsStore) -> Iterator[list[tuple[FrameKey, Regions]]]:
    """Frames in stored order, those without regions left out; neighbours of one kind together, `_TOGETHER` regions."""
    frames: list[tuple[FrameKey, Regions]] = []
    for key, regions in store:
        first = frames[0][1] if frames else regions
        alike = (first.given, first.has_objectness) == (regions.given, regions.has_objectness)
        if frames and (not alike or sum(len(each) for _, each in frames) >= _TOGETHER):
            yield frames
            frames = []
        if len(regions):
            frames.append((key, regions))
    if frames:
        yield frames


def _highest(regions: Regions, values: torch.Tensor, config: Config) -> torch.Tensor:
    """`(M, C)` float64: the confidences that `select` gives for `(M, C)` scores, and a little more against rounding."""
    weight = rules(regions, config).weight
    objectness = torch.from_numpy(regions.objectness).double()[:, None]  # (M, 1)
    confidence = values.double() ** (1 - weight) * objectness**weight  # (M, C)
    confidence[~torch.from_numpy(regions.valid)] = 0
    return confidence * (1 + _ROUNDING) + _SMALLEST
