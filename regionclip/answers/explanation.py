"""Why a region got a label or did not: plain data behind `Detector.explain`, as JSON and as a table.

Letters: N regions, C labels, P phrases, Q negatives.
"""

from dataclasses import asdict, dataclass
from io import StringIO
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from rich.console import Group

SCHEMA = "regionclip.explanation/1"
"""Grows by new keys only; a key that changes its meaning raises the number."""

_WIDTH = 160  # columns of `str(explanation)`


@dataclass(frozen=True, slots=True)
class Phrase:
    """How near one phrase of a label is to a region.

    Attributes:
        phrase: as it was given.
        cosine: -1..1.
        logit: `scale * cosine + bias`, by the tower's numbers or those of a taught label.
    """

    phrase: str
    cosine: float
    logit: float


@dataclass(frozen=True, slots=True)
class Negative:
    """What one negative takes from a label's score.

    Attributes:
        phrase: as it was given.
        source: `bank`, `vocabulary` or `label`: whose negative it is.
        cosine: -1..1.
        logit: `scale * cosine + bias`.
        share: 0..1. Without this negative the score, before calibration, would be `score / (1 - share)`.
    """

    phrase: str
    source: str
    cosine: float
    logit: float
    share: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """One label on one region. `raw + background +` the shares of all its negatives is 1, but in the closed mode.

    Attributes:
        label: its name.
        label_id: its place in the vocabulary.
        score: 0..1, as `Detector.scores` gives it.
        confidence: 0..1, what is compared with the threshold: the score, weighed with objectness where that counts.
        threshold: 0..1.
        passed: whether the confidence reaches the threshold.
        kept: whether it came out.
        decision: `kept`, `invalid`, `group`, `threshold`, `top_k`, `overlap` or `max_detections`; of attributes
            `kept`, `not_asked`, `threshold` or `group`.
        reason: the same in words.
        rival: the label that took its place, or an empty string.
        rival_region: the region on which that label stands, or None.
        iou: overlap with that row, or None where overlap was not the reason.
        best: the phrase that gave the score.
        raw: score before calibration.
        background: share of the tower's trained bias, 0..1; 0 where it has none.
        negatives: the ones that take most, most first.
        phrases: all phrases of the label where asked for, in their order; else none.
    """

    label: str
    label_id: int
    score: float
    confidence: float
    threshold: float
    passed: bool
    kept: bool
    decision: str
    reason: str
    rival: str
    rival_region: int | None
    iou: float | None
    best: Phrase
    raw: float
    background: float
    negatives: tuple[Negative, ...]
    phrases: tuple[Phrase, ...]


@dataclass(frozen=True, slots=True)
class RegionExplanation:
    """One region and its labels.

    Attributes:
        region: index of the box that came in.
        box: x1 y1 x2 y2 in pixels of the frame, clipped to it.
        objectness: 0..1.
        decision: `labelled`, `unknown`, `nothing` or `invalid`.
        reason: in words.
        labels: the best ones by score, best first, and those that came out.
    """

    region: int
    box: tuple[float, float, float, float]
    objectness: float
    decision: str
    reason: str
    labels: tuple[Verdict, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why regions got their labels. `print(explanation)` is a table, `to_dict()` is ready for JSON.

    Attributes:
        regions: those that were asked for, in order.
        tower: name and fingerprint of the tower.
        vocabulary: identity of the words, as in `detections.metadata`.
        objectness_weight: `a` in confidence = score^(1-a) * objectness^a, 0..1; 0 for boxes from the caller, whose
            confidence is the score.
    """

    regions: tuple[RegionExplanation, ...]
    tower: str
    vocabulary: str
    objectness_weight: float

    @property
    def confidence(self) -> str:
        """What a confidence is made of here, in words."""
        a = self.objectness_weight
        made = f"score^{1 - a:.2g} * objectness^{a:.2g}" if a else "score; objectness does not weigh in here"
        return f"a label comes out from confidence >= threshold on; confidence = {made}"

    def to_dict(self) -> dict[str, Any]:
        """The content of a JSON file (docs/formats.md); numbers to 4 digits, those not finite as None."""
        content = {"schema": SCHEMA, "tower": self.tower, "vocabulary": self.vocabulary}
        weight = {"objectness_weight": round(self.objectness_weight, 4)}
        return {**content, **weight, "regions": [_plain(asdict(region)) for region in self.regions]}

    def __str__(self) -> str:
        from rich.console import Console

        text = StringIO()
        Console(file=text, width=_WIDTH, color_system=None, emoji=False, legacy_windows=False).print(self)
        return "\n".join(line.rstrip() for line in text.getvalue().splitlines())

    def __rich__(self) -> "Group":
        from rich.console import Group
        from rich.text import Text

        if not self.regions:
            return Group(Text("no regions"))
        head = Text(self.confidence, "dim")
        return Group(head, Text(""), *(part for region in self.regions for part in _shown(region)))


def _shown(region: RegionExplanation) -> list[Any]:
    """Title and table of one region, for rich."""
    from rich.table import Table
    from rich.text import Text

    corners = " ".join(f"{side:.0f}" for side in region.box)
    title = Text(f"region {region.region}  [{corners}]  objectness {region.objectness:.2f}  {region.reason}", "bold")
    if not region.labels:
        return [title, Text("")]
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name, right in (
        *(("  label", False), ("score", True), ("conf.", True), ("thr.", True), ("decision", False)),
        *(("best phrase", False), ("cos", True), ("logit", True), ("bias takes", True), ("negatives take", False)),
    ):
        table.add_column(name, justify="right" if right else "left", overflow="fold")
    for each in region.labels:
        against = ", ".join(f"{negative.phrase} {negative.share:.2f}" for negative in each.negatives)
        table.add_row(
            *(Text(f"  {each.label}", "green" if each.kept else ""), f"{each.score:.3f}", f"{each.confidence:.3f}"),
            *(f"{each.threshold:.2f}", Text(each.reason), Text(each.best.phrase), f"{each.best.cosine:.3f}"),
            *(f"{each.best.logit:.2f}", f"{each.background:.2f}", Text(against or "-")),
        )
        for phrase in each.phrases:
            row = (Text(phrase.phrase, "dim"), f"{phrase.cosine:.3f}", f"{phrase.logit:.2f}")
            table.add_row("", "", "", "", "", *row, "", "")
    return [title, table, Text("")]


def _plain(value: Any) -> Any:  # noqa: ANN401 - any part of an explanation
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, float):
        return round(value, 4) if np.isfinite(value) else None
    return value
