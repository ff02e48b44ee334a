"""Why a label came out on a region or did not, in words true to what selection wrote down.

Letters: N regions, C labels, K rows that came out.
"""

from dataclasses import dataclass

from heads.trace import Fate, Trace
from regionclip.answers.attributes import attribute_columns
from regionclip.answers.detections import Found
from regionclip.config import Config

_NAMES = {fate: fate.name.lower() for fate in Fate} | {Fate.MOST: "max_detections"}

_UNKNOWN = -1
"""Column of a trace that is `unknown`'s."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """What became of one label on one region; the fields are those of `regionclip.answers.explain.Verdict`."""

    decision: str
    reason: str
    rival: str = ""
    rival_region: int | None = None
    iou: float | None = None


class Reasons:
    """Rulings on all labels and regions of a frame.

    Args:
        found: what was decided.
        trace: what `decide` wrote down meanwhile.
        config: that was decided by.
    """

    def __init__(self, found: Found, trace: Trace, config: Config) -> None:
        self._found, self._trace, self._config = found, trace, config
        self._labels, self._plain = tuple(found.asked.vocabulary), found.asked.vocabulary.plain
        self._columns = {place: column for column, place in enumerate(self._plain)}
        self._said = self._hold()

    def confidence(self, row: int, place: int) -> float:
        """What was compared with the threshold; the score itself for attributes."""
        if place in self._columns:
            return float(self._trace.confidence[row, self._columns[place]])
        return float(self._found.scores.values[row, place])

    def ruling(self, row: int, place: int) -> Ruling:
        """What became of a label: of a detection by the trace, of an attribute by the rows that hold it."""
        if place in self._columns:
            return self._taken(row, self._columns[place])
        label = self._labels[place]
        asked = [names for names in self._said.get(row, []) if names & set(label.of)]
        if not asked:
            return Ruling("not_asked", f"asked only of {' or '.join(label.of)}, which did not come out here")
        if any(label.name in names for names in asked):
            return Ruling("kept", f"kept as {label.column} of {' or '.join(label.of)}")
        threshold = float(self._found.asked.thresholds[place])
        if self.confidence(row, place) < threshold:
            return Ruling("threshold", _below(self.confidence(row, place), threshold))
        return Ruling("group", f"lost to a better label of {label.column}")

    def outcome(self, row: int, kept: list[str]) -> tuple[str, str]:
        """Decision and reason of a whole region, of which the labels `kept` came out."""
        fate = self._fate(row, _UNKNOWN)
        if kept:
            return "labelled", f"kept: {', '.join(kept)}"
        if fate == Fate.INVALID:
            return "invalid", "box without area inside the frame, or not finite"
        if fate == Fate.KEPT:
            return "unknown", "unknown: no label reaches its threshold"
        if fate == Fate.NAMED:
            return "nothing", "nothing kept: every label that fits was taken away"
        if fate == Fate.OFF:
            return "nothing", "nothing kept: no label reaches its threshold"
        return "nothing", f"no label reaches its threshold; not shown as unknown: {self._taken(row, _UNKNOWN).reason}"

    def _hold(self) -> dict[int, list[set[str]]]:
        """For each region the names that hold for each of its rows: its label, and what attributes came to."""
        scores, vocabulary = self._found.scores.values.numpy(), self._found.asked.vocabulary
        region, label = self._found.rows.region.numpy(), self._found.rows.label.numpy()  # (K,), (K,)
        columns = attribute_columns(scores[region], label, self._found.asked.thresholds, vocabulary)
        held: dict[int, list[set[str]]] = {}
        for place in range(len(region)):
            names = {self._labels[label[place]].name} if label[place] >= 0 else set()
            names |= {str(columns[column][place]) for column in vocabulary.columns} - {""}
            held.setdefault(int(region[place]), []).append(names)
        return held

    def _fate(self, row: int, column: int) -> Fate:
        return Fate(int(self._trace.fate[row, column]))

    def _taken(self, row: int, column: int) -> Ruling:
        """What became of a column of the trace."""
        fate, trace = self._fate(row, column), self._trace
        where, by = int(trace.rival_region[row, column]), int(trace.rival_label[row, column])
        if where < 0:
            return Ruling(_NAMES[fate], self._alone(row, column, fate))
        rival = self._labels[self._plain[by]].name if by >= 0 else "unknown"
        if fate == Fate.GROUP:
            group = self._labels[self._plain[column]].group
            return Ruling(_NAMES[fate], f"lost to {rival!r} of its group {group!r}", rival, where)
        if fate == Fate.TOP_K:
            most = self._config.labels_per_region
            return Ruling(_NAMES[fate], f"beyond labels_per_region = {most}: {rival!r} is better", rival, where)
        iou = float(trace.iou[row, column])
        place = "here" if where == row else f"of region {where} (IoU {iou:.2f})"
        return Ruling(_NAMES[fate], f"suppressed by {rival!r} {place}", rival, where, iou)

    def _alone(self, row: int, column: int, fate: Fate) -> str:
        """The reason where no other row is one."""
        if fate == Fate.THRESHOLD:
            threshold = float(self._found.asked.thresholds[self._plain[column]])
            return _below(float(self._trace.confidence[row, column]), threshold)
        if fate == Fate.MOST:
            return f"beyond max_detections = {self._config.max_detections}"
        return "box without area" if fate == Fate.INVALID else "kept"


def _below(confidence: float, threshold: float) -> str:
    gap = threshold - confidence
    return f"below threshold {threshold:.2f} by {gap:.2f}" if gap >= 0.005 else f"below threshold by {gap:.1g}"
