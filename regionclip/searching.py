"""The best regions of many frames for free-form words.

Letters: N regions of a frame, C labels.
"""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch

from heads.classify import Scores
from heads.pool import clip_to_frame
from heads.select import select
from regionclip.config import Config
from regionclip.deciding import rules
from regionclip.errors import ConfigError
from regionclip.regions import Regions
from regionclip.regions_store import FrameKey, RegionsStore
from regionclip.vocabulary import Vocabulary


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


def search(
    store: RegionsStore,
    vocabulary: Vocabulary,
    scores_of: Callable[[Regions], Scores],
    config: Config,
    top: int,
) -> list[Hit]:
    """The `top` best regions of each label, label by label, best first; thresholds do not matter.

    Labels are asked one by one: none takes a region from another. Of proposals of one frame that overlap by more than
    the config allows, the best is left; boxes from outside all stay. Of equals the frame that was stored first is
    better. Attributes (labels with `of`) are left out.

    Raises:
        ConfigError: for a `top` below 1.
    """
    if top < 1:
        raise ConfigError(f"search: expected top of at least 1, got {top}")
    labels, phrases = tuple(vocabulary), [phrase for label in vocabulary for phrase in label.phrases]
    best: dict[int, list[tuple[float, int, Hit]]] = {place: [] for place in vocabulary.plain}  # heaps
    order = 0
    for key, regions in store:
        scores = scores_of(regions)
        boxes, _ = clip_to_frame(torch.from_numpy(regions.xyxy), regions.frame_size)  # (N, 4)
        for place, heap in best.items():
            for region, confidence in _ranked(regions, scores.values[:, place : place + 1], boxes, config)[:top]:
                order -= 1  # of equals the later one is the lesser
                if len(heap) == top and confidence <= heap[0][0]:
                    break
                x1, y1, x2, y2 = boxes[region].tolist()
                phrase = phrases[int(scores.phrase[region, place])]
                score = float(scores.values[region, place])
                hit = Hit(key, region, (x1, y1, x2, y2), labels[place].name, phrase, score, confidence)
                heapq.heappush(heap, (confidence, order, hit))
                if len(heap) > top:
                    heapq.heappop(heap)
    return [hit for heap in best.values() for _, _, hit in sorted(heap, reverse=True)]


def _ranked(regions: Regions, scores: torch.Tensor, boxes: torch.Tensor, config: Config) -> list[tuple[int, float]]:
    """Regions of one frame and their confidences for one label, scores `(N, 1)`, best first."""
    usual = rules(regions, config)
    rows = select(
        boxes,
        scores,
        replace(usual, nms="none" if usual.nms == "none" else "class", top_k=None, max_detections=None, unknown=False),
        thresholds=torch.zeros(1, dtype=torch.float64),
        objectness=torch.from_numpy(regions.objectness),
        valid=torch.from_numpy(regions.valid),
    )
    return list(zip(rows.region.tolist(), np.asarray(rows.confidence).tolist(), strict=True))
