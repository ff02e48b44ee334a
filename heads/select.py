"""Scores to the rows that are shown: thresholds, exclusive groups, overlap, `unknown`.

Letters: N regions, C labels, K rows that come out, G groups.
"""

from dataclasses import dataclass
from typing import Literal

import torch

from heads.overlap import box_iou, nms, nms_by_category
from heads.trace import Fate, Trace

UNKNOWN = -1
"""Label of a region that none of the labels fits."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What may come out.

    Attributes:
        nms: whose overlap suppresses: rows of the same label (`class`), all rows (`agnostic`, which leaves
            one label for each place), rows of the same group and else of the same label (`group`), or
            nobody's (`none`).
        iou: intersection over union in 0..1; of two rows that overlap more, the less confident one goes. 1
            keeps all.
        top_k: most labels of one region, by score; None for all.
        max_detections: most rows in all; None for all. Named rows have precedence over unknown ones.
        weight: `a` in 0..1 of confidence = score^(1-a) * objectness^a; 0 where objectness means nothing.
        unknown: True lets a region of which no label is left come out as `UNKNOWN`.
    """

    nms: Literal["class", "agnostic", "group", "none"] = "class"
    iou: float = 0.5
    top_k: int | None = None
    max_detections: int | None = 300
    weight: float = 0.0
    unknown: bool = False

    def __post_init__(self) -> None:
        if self.nms not in ("class", "agnostic", "group", "none"):
            raise ValueError(f"rules: expected nms to be class, agnostic, group or none, got {self.nms!r}")
        for name, value in (("iou", self.iou), ("weight", self.weight)):
            if not 0 <= value <= 1:
                raise ValueError(f"rules: expected {name} in 0..1, got {value}")
        for name, most in (("top_k", self.top_k), ("max_detections", self.max_detections)):
            if most is not None and most < 1:
                raise ValueError(f"rules: expected {name} of at least 1, or None for all, got {most}")


@dataclass(frozen=True, slots=True, eq=False)
class Selected:
    """The rows that come out, most confident first; equals in order of region, then label.

    Attributes:
        region: `(K,)` long, row of the boxes.
        label: `(K,)` long, column of the scores, or `UNKNOWN`.
        confidence: `(K,)` float32 in 0..1, never below the label's threshold.
        score: `(K,)` float32 in 0..1, before objectness; for unknown rows 1 - the region's best score.
    """

    region: torch.Tensor
    label: torch.Tensor
    confidence: torch.Tensor
    score: torch.Tensor

    def __len__(self) -> int:
        return len(self.region)

    @property
    def pairs(self) -> torch.Tensor:
        """`(K, 2)` long, region and label of each row."""
        return torch.stack([self.region, self.label], dim=1)

    def take(self, rows: torch.Tensor | slice) -> "Selected":
        """The rows at `rows`, `(n,)` long or `(K,)` bool or a slice, in that order."""
        return Selected(self.region[rows], self.label[rows], self.confidence[rows], self.score[rows])

    def relabelled(self, labels: torch.Tensor) -> "Selected":
        """The same rows under other numbers: label i becomes `labels[i]` of `(C,)` long, `UNKNOWN` stays."""
        numbers = torch.cat([labels, labels.new_full((1,), UNKNOWN)])  # (C + 1,), the last is where -1 points
        return Selected(self.region, numbers[self.label], self.confidence, self.score)


def select(
    boxes: torch.Tensor,
    scores: torch.Tensor,
    rules: Rules,
    *,
    thresholds: torch.Tensor,
    groups: torch.Tensor | None = None,
    objectness: torch.Tensor | None = None,
    valid: torch.Tensor | None = None,
    trace: Trace | None = None,
) -> Selected:
    """Decide which regions are shown, and under which labels.

    In this order: in each region only the best label of an exclusive group is left, whether or not it then
    passes; the confidence must reach the label's threshold; the `top_k` best labels of each region are left;
    overlapping rows are suppressed; regions without a label become unknown, unless they overlap a named row
    or a more confident unknown one; the rows are cut to `max_detections`.

    Args:
        boxes: `(N, 4)` xyxy. Boxes that are not finite or have no area never come out, not even as unknown.
        scores: `(N, C)` in 0..1.
        rules: what may come out.
        thresholds: `(C,)` in 0..1, compared with the confidence in double precision.
        groups: `(C,)` long, the exclusive group of each label, -1 for none; None where no label has one.
        objectness: `(N,)` in 0..1; needed where `rules.weight` is above 0.
        valid: `(N,)` bool, False for further regions that must not come out; None for none.
        trace: where to write down what became of every label on every region, and why; it changes no row.

    Raises:
        ValueError: If shapes do not fit, a threshold lies outside 0..1, or objectness is needed and missing.
    """
    _check(boxes, scores, thresholds, groups)
    groups = torch.full((scores.shape[1],), -1, device=scores.device) if groups is None else groups  # (C,)
    usable = torch.isfinite(boxes).all(dim=1) & (boxes[:, 2:] > boxes[:, :2]).all(dim=1)  # (N,)
    usable = usable if valid is None else usable & valid  # (N,)
    confidence = confidences(scores, objectness, rules.weight)  # (N, C)
    best = _best_of_groups(scores, groups)  # (N, C)
    high = confidence.double() >= thresholds.double()  # (N, C)
    fits = best & high & usable[:, None]  # (N, C)
    keep = fits if rules.top_k is None else fits & _best_labels(scores, fits, rules.top_k)  # (N, C)
    unlabelled = usable & ~fits.any(dim=1)  # (N,)
    if trace is not None:
        trace.start(confidence, confidences(_unknown_score(scores), objectness, rules.weight), usable)
        trace.gone(~best, Fate.GROUP, _preferred(best, groups))
        trace.gone(~high, Fate.THRESHOLD)
        trace.gone(~keep, Fate.TOP_K, _preferred(_best_labels(scores, fits, 1), torch.zeros_like(groups)))
        trace.unlabelled(unlabelled, asked=rules.unknown)
    region, label = keep.nonzero(as_tuple=True)  # (n,), (n,) ordered by region, then label
    ranked = _sorted(Selected(region, label, confidence[region, label], scores[region, label]))
    named = _suppress(boxes, ranked, _categories(groups, rules.nms), rules, trace)
    if not rules.unknown:
        return named
    unknown = _unknown(unlabelled.nonzero().flatten(), scores, objectness, rules.weight)
    return _sorted(_joined(named, _suppress_unknown(boxes, unknown, named, rules, trace)))


def confidences(scores: torch.Tensor, objectness: torch.Tensor | None, weight: float) -> torch.Tensor:
    """`(N, C)` float32 in 0..1: `score^(1-weight) * objectness^weight` of `(N, C)` scores and `(N,)` objectness.

    Raises:
        ValueError: If objectness is needed and missing, or of another length.
    """
    if weight == 0:
        return scores.float()  # untouched: x ** 1 need not give x back on every device
    if objectness is None:
        raise ValueError(
            f"select: a weight of {weight} on objectness needs objectness of shape ({len(scores)},), got None"
        )
    if objectness.shape != scores.shape[:1]:
        raise ValueError(f"select: expected objectness of shape ({len(scores)},), got {tuple(objectness.shape)}")
    return scores.float() ** (1 - weight) * objectness.float()[:, None] ** weight  # (N, C)


def _best_of_groups(scores: torch.Tensor, groups: torch.Tensor) -> torch.Tensor:
    """`(N, C)` bool, False for labels that are not the best of their group, or its first best."""
    keep = torch.ones_like(scores, dtype=torch.bool)  # (N, C)
    for group in torch.unique(groups[groups >= 0]):
        columns = (groups == group).nonzero().flatten()  # (c,)
        keep[:, columns] = _best_labels(scores[:, columns], keep[:, columns], 1)
    return keep


def _best_labels(scores: torch.Tensor, among: torch.Tensor, count: int) -> torch.Tensor:
    """`(N, C)` bool: the `count` best scores of each row `among` the marked, the first of equals first."""
    best = among.clone()  # (N, C)
    full = (among.count_nonzero(dim=1) > count).nonzero().flatten()  # (n,) sorting is slow, and few rows need it
    if len(full) == 0:
        return best
    marked = torch.where(among[full], scores[full], -torch.inf)  # (n, C)
    if count == 1:
        first = marked.argmax(dim=1, keepdim=True)  # (n, 1)
    else:
        first = marked.sort(dim=1, descending=True, stable=True).indices[:, :count]  # (n, count)
    best[full] = torch.zeros_like(best[full]).scatter_(1, first, True)
    return best


def _categories(groups: torch.Tensor, mode: str) -> torch.Tensor | None:
    """`(C,)` long: labels of one category suppress each other; None where nothing is suppressed."""
    labels = torch.arange(len(groups), device=groups.device)  # (C,)
    if mode == "group":
        return torch.where(groups >= 0, len(groups) + groups, labels)
    return {"class": labels, "agnostic": torch.zeros_like(labels), "none": None}[mode]


def _preferred(marked: torch.Tensor, groups: torch.Tensor) -> torch.Tensor:
    """`(N, C)` long: for each label of a group the first `marked` one of that group; 0 for labels of none."""
    preferred = torch.zeros_like(marked, dtype=torch.long)  # (N, C)
    for group in torch.unique(groups[groups >= 0]):
        columns = (groups == group).nonzero().flatten()  # (c,)
        preferred[:, columns] = columns[marked[:, columns].int().argmax(dim=1, keepdim=True)]  # (N, 1)
    return preferred


def _suppress(
    boxes: torch.Tensor, rows: Selected, categories: torch.Tensor | None, rules: Rules, trace: Trace | None
) -> Selected:
    """The sorted `rows` that no better row of their category suppresses and for which there is room."""
    places = _survivors(boxes, rows, categories, rules.iou)  # (k,)
    kept = rows.take(places)
    if trace is not None:
        if categories is not None:
            trace.overlapped(boxes, rows.pairs, places, categories[rows.label], rules.iou)
        trace.cut(kept.pairs[rules.max_detections :] if rules.max_detections is not None else kept.pairs[:0])
    return kept.take(slice(rules.max_detections))


def _survivors(boxes: torch.Tensor, rows: Selected, categories: torch.Tensor | None, iou: float) -> torch.Tensor:
    """`(n,)` long: the places of the sorted `rows` that no better row of their category suppresses."""
    places = torch.arange(len(rows), device=boxes.device)  # (K,)
    if categories is None or iou == 1 or len(rows) == 0:
        return places
    category = categories[rows.label]  # (K,)
    # A box suppresses itself: only its first row of a category matters. Agnostic NMS sees N boxes, not N * C.
    key = rows.region * (int(category.max()) + 1) + category  # (K,)
    _, place_of = torch.unique(key, return_inverse=True)  # (K,)
    first = torch.full_like(places, len(rows)).scatter_reduce_(0, place_of, places, "amin")  # (K,)
    first = first[first < len(rows)].sort().values  # (k,)
    # In double precision: categories are told apart by shifting boxes far away, where float32 is too coarse.
    corners = boxes[rows.region[first]].double()  # (k, 4)
    return first[nms_by_category(corners, category[first], iou)]  # (n,)


def _unknown(region: torch.Tensor, scores: torch.Tensor, objectness: torch.Tensor | None, weight: float) -> Selected:
    """Rows `(n,)` of regions without a label, sorted."""
    score = _unknown_score(scores)  # (N, 1)
    confidence = confidences(score, objectness, weight)  # (N, 1)
    label = torch.full_like(region, UNKNOWN)  # (n,)
    return _sorted(Selected(region, label, confidence[region, 0], score[region, 0]))


def _unknown_score(scores: torch.Tensor) -> torch.Tensor:
    """`(N, 1)` float32 in 0..1: 1 - the region's best score."""
    # A column of zeros gives a best score of 0 where there are no labels.
    padded = torch.nn.functional.pad(scores.float(), (1, 0))  # (N, 1 + C)
    return 1 - padded.max(dim=1, keepdim=True).values


def _suppress_unknown(
    boxes: torch.Tensor, unknown: Selected, named: Selected, rules: Rules, trace: Trace | None
) -> Selected:
    """The sorted unknown rows that overlap neither a named row nor a more confident unknown one, as room is left."""
    places = torch.arange(len(unknown), device=boxes.device)  # (n,)
    if rules.nms != "none":
        corners = boxes[unknown.region].double()  # (n, 4)
        overlap = box_iou(corners, boxes[named.region].double())  # (n, K)
        places = places[~(overlap > rules.iou).any(dim=1)]  # (m,)
        places = places[nms(corners[places], rules.iou)]  # (k,)
    room = len(places) if rules.max_detections is None else rules.max_detections - len(named)
    if trace is not None:
        everyone = torch.cat([named.pairs, unknown.pairs])  # (K + n, 2)
        stayed = torch.cat([torch.arange(len(named), device=boxes.device), len(named) + places])  # (K + k,)
        trace.overlapped(boxes, everyone, stayed, torch.zeros_like(everyone[:, 0]), rules.iou)
        trace.cut(unknown.take(places[room:]).pairs)
    return unknown.take(places[:room])


def _joined(first: Selected, second: Selected) -> Selected:
    return Selected(
        torch.cat([first.region, second.region]),
        torch.cat([first.label, second.label]),
        torch.cat([first.confidence, second.confidence]),
        torch.cat([first.score, second.score]),
    )


def _sorted(rows: Selected) -> Selected:
    """Most confident first; equals by region, then by label."""
    by_label = rows.label.argsort(stable=True)
    by_region = by_label[rows.region[by_label].argsort(stable=True)]
    return rows.take(by_region[rows.confidence[by_region].argsort(descending=True, stable=True)])


def _check(boxes: torch.Tensor, scores: torch.Tensor, thresholds: torch.Tensor, groups: torch.Tensor | None) -> None:
    if scores.ndim != 2 or boxes.shape != (len(scores), 4):
        raise ValueError(
            f"select: expected boxes (N, 4) and scores (N, C), got {tuple(boxes.shape)} and {tuple(scores.shape)}"
        )
    labels = scores.shape[1]
    if thresholds.shape != (labels,) or (groups is not None and groups.shape != (labels,)):
        raise ValueError(
            f"select: expected a threshold and a group for each of {labels} labels, "
            f"got shapes {tuple(thresholds.shape)} and {None if groups is None else tuple(groups.shape)}"
        )
    if not bool(((thresholds >= 0) & (thresholds <= 1)).all()):
        raise ValueError(f"select: expected thresholds in 0..1, got {thresholds.tolist()}")
