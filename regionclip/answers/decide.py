"""Scores to the rows that are kept, by the rules of a config."""

import torch

from heads.classify import Scores
from heads.pool import clip_to_frame
from heads.select import Rules, select
from heads.trace import Trace
from regionclip.answers.detections import Asked, Found
from regionclip.answers.regions import Regions
from regionclip.config import Config


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
    plain = torch.tensor(asked.vocabulary.plain, dtype=torch.long)  # (c,)
    inside, _ = clip_to_frame(torch.from_numpy(regions.xyxy), regions.frame_size)  # (N, 4)
    rows = select(
        inside,
        scores.values[:, plain],
        rules(regions, config),
        thresholds=torch.from_numpy(asked.thresholds)[plain],
        groups=_groups(asked)[plain],
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
        weight=config.objectness_weight if regions.has_objectness else 0.0,
        unknown=config.unknown,
    )


def _groups(asked: Asked) -> torch.Tensor:
    """Number of each label's exclusive group, `(C,)`; -1 for none."""
    names = {name: index for index, name in enumerate(dict.fromkeys(label.group for label in asked.vocabulary))}
    numbers = [-1 if label.group is None else names[label.group] for label in asked.vocabulary]
    return torch.tensor(numbers, dtype=torch.long)
