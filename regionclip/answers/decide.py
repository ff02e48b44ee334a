"""Scores to the rows that are kept, by the rules of a config."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from heads.classify import Scores
from heads.pool import clip_to_frame
from heads.select import Rules, Selected, select
from heads.trace import Trace
from regionclip.answers.regions import Regions
from regionclip.config import Config
from regionclip.words.asked import Asked


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What selection left of one frame's regions.

    Attributes:
        xyxy: `(N, 4)` float32, the regions clipped to the frame.
        rows: kept (region, label), the most confident first.
        scores: `(N, C)` of all regions.
        asked: for what.
    """

    xyxy: NDArray[np.float32]
    rows: Selected
    scores: Scores
    asked: Asked


def decide(regions: Regions, scores: Scores, asked: Asked, config: Config, trace: Trace | None = None) -> Found:
    """Keep what passes its threshold, is not suppressed, and for which there is room.

    Attributes (labels with `of`) are no rows of their own: their columns are left out here, and in `trace` too.

    Args:
        regions: of one frame.
        scores: `(N, C)` of them.
        asked: the C labels.
        config: thresholds apart, all rules.
        trace: where to write down why; its columns are `asked.vocabulary.plain`, then `unknown`.
    """
    plain, chosen = asked.plain, rules(regions, config)  # (c,)
    inside, _ = clip_to_frame(torch.from_numpy(regions.xyxy), regions.frame_size)  # (N, 4)
    rows = select(
        inside,
        scores.values[:, plain],
        chosen,
        thresholds=torch.from_numpy(asked.thresholds)[plain],
        groups=asked.groups[plain],
        objectness=torch.from_numpy(regions.objectness),
        valid=torch.from_numpy(regions.valid),
        trace=trace,
    ).relabelled(plain)
    return Found(inside.numpy(), rows, scores, asked)


def rules(regions: Regions, config: Config) -> Rules:
    """What a config means for these regions."""
    nms = config.nms
    if nms == "auto":
        # Agnostic suppression would take a region's own further labels away.
        nms = "none" if regions.given else "agnostic" if config.labels_per_region == 1 else "class"
    return Rules(
        nms=nms,
        iou=config.nms_iou,
        top_k=config.labels_per_region or None,
        max_detections=config.max_detections,
        weight=(config.objectness_weight or 0.0) if regions.has_objectness else 0.0,  # a detector's config has one
        unknown=config.unknown,
    )
