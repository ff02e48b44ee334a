"""How an explanation is made: from scores taken apart, and what selection wrote down of its decisions.

Letters: N regions, C labels, k labels told of one region, K rows that came out, P phrases, Q negatives.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from heads.classify import phrase_logits
from heads.trace import Fate, Trace
from regionclip.answers.account import Account, account
from regionclip.answers.attributes import attribute_columns
from regionclip.answers.decide import Found, rules
from regionclip.answers.detections import UNKNOWN
from regionclip.answers.explanation import Explanation, Negative, Phrase, RegionExplanation, Verdict
from regionclip.answers.regions import Regions
from regionclip.config import Config
from regionclip.errors import BoxError, ConfigError
from regionclip.towers.card import TowerCard

DECISIONS = {fate: fate.name.lower() for fate in Fate} | {Fate.MOST: "max_detections"}
"""What `Verdict.decision` calls each fate."""

_LAST = -1
"""Column of a trace that is `unknown`'s."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """How much is told.

    Attributes:
        top: most labels of a region, beside those that came out; at least 1.
        negatives: most negatives of a label.
        phrases: whether all phrases of a label are told.
        only: regions to tell of; None for all.

    Raises:
        ConfigError: for a number that cannot be.
    """

    top: int = 5
    negatives: int = 3
    phrases: bool = False
    only: Sequence[int] | None = None

    def __post_init__(self) -> None:
        if self.top < 1 or self.negatives < 0:
            raise ConfigError(
                f"explain: expected top of at least 1 and negatives of at least 0, got {self.top} and {self.negatives}"
            )

    def rows(self, count: int) -> list[int]:
        """The regions to tell of, out of `count`.

        Raises:
            BoxError: for one that is not there.
        """
        rows = list(range(count)) if self.only is None else [int(row) for row in self.only]
        if wrong := [row for row in rows if not 0 <= row < count]:
            raise BoxError(f"explain: expected numbers of regions below {count}, as many as there are, got {wrong[0]}")
        return rows


def explain(
    regions: Regions, found: Found, trace: Trace, config: Config, card: TowerCard, wanted: Wanted
) -> Explanation:
    """Tell what became of the wanted regions, and of what their scores are made.

    Args:
        regions: of one frame.
        found: what was decided of them.
        trace: what `decide` wrote down meanwhile.
        config: that was decided by.
        card: of the tower.
        wanted: how much is told.
    """
    explainer = _Explainer(regions, found, _Reasons(found, trace, config), card, wanted)
    told = tuple(explainer.region(row) for row in wanted.rows(len(regions)))
    weight = rules(regions, config).weight
    return Explanation(told, f"{card.name}@{card.revision}", found.asked.identity, weight)


class _Ruling(NamedTuple):
    """What became of one label on one region; the fields are those of `Verdict`."""

    decision: str
    reason: str
    rival: str = ""
    rival_region: int | None = None
    iou: float | None = None


class _Reasons:
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
        self._held = self._names_held()

    def confidence(self, row: int, place: int) -> float:
        """What was compared with the threshold; the score itself for attributes."""
        if place in self._columns:
            return float(self._trace.confidence[row, self._columns[place]])
        return float(self._found.scores.values[row, place])

    def ruling(self, row: int, place: int) -> _Ruling:
        """What became of a label: of a detection by the trace, of an attribute by the rows that hold it."""
        if place in self._columns:
            return self._taken(row, self._columns[place])
        label = self._labels[place]
        asked = [names for names in self._held.get(row, []) if names & set(label.of)]
        if not asked:
            return _Ruling("not_asked", f"asked only of {' or '.join(label.of)}, which did not come out here")
        if any(label.name in names for names in asked):
            return _Ruling("kept", f"kept as {label.column} of {' or '.join(label.of)}")
        threshold = float(self._found.asked.thresholds[place])
        if self.confidence(row, place) < threshold:
            return _Ruling("threshold", _below(self.confidence(row, place), threshold))
        return _Ruling("group", f"lost to a better label of {label.column}")

    def outcome(self, row: int, kept: list[str]) -> tuple[str, str]:
        """Decision and reason of a whole region, of which the labels `kept` came out."""
        fate = self._fate(row, _LAST)
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
        return "nothing", f"no label reaches its threshold; not shown as unknown: {self._taken(row, _LAST).reason}"

    def _names_held(self) -> dict[int, list[set[str]]]:
        """For each region the names that hold for each of its rows: its label, and what attributes came to."""
        scores, asked = self._found.scores.values.numpy(), self._found.asked
        region, label = self._found.rows.region.numpy(), self._found.rows.label.numpy()  # (K,), (K,)
        columns = attribute_columns(scores[region], label, asked)
        held: dict[int, list[set[str]]] = {}
        for place in range(len(region)):
            names = {self._labels[label[place]].name} if label[place] >= 0 else set()
            names |= {str(columns[column][place]) for column in asked.columns} - {""}
            held.setdefault(int(region[place]), []).append(names)
        return held

    def _fate(self, row: int, column: int) -> Fate:
        return Fate(int(self._trace.fate[row, column]))

    def _taken(self, row: int, column: int) -> _Ruling:
        """What became of a column of the trace."""
        fate, trace = self._fate(row, column), self._trace
        where, by = int(trace.rival_region[row, column]), int(trace.rival_label[row, column])
        if where < 0:
            return _Ruling(DECISIONS[fate], self._alone(row, column, fate))
        rival, iou = self._labels[self._plain[by]].name if by >= 0 else UNKNOWN, None
        if fate == Fate.GROUP:
            reason = f"lost to {rival!r} of its group {self._labels[self._plain[column]].group!r}"
        elif fate == Fate.TOP_K:
            reason = f"beyond labels_per_region = {self._config.labels_per_region}: {rival!r} is better"
        else:
            iou = float(trace.iou[row, column])
            reason = f"suppressed by {rival!r} {'here' if where == row else f'of region {where} (IoU {iou:.2f})'}"
        return _Ruling(DECISIONS[fate], reason, rival, where, iou)

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


class _Explainer:
    """What all regions of an explanation share."""

    def __init__(self, regions: Regions, found: Found, reasons: _Reasons, card: TowerCard, wanted: Wanted) -> None:
        self._regions, self._found, self._reasons, self._wanted = regions, found, reasons, wanted
        self._asked, self._labels = found.asked, tuple(found.asked.vocabulary)
        self._score = card.region_score

    def region(self, row: int) -> RegionExplanation:
        """Everything of one region."""
        rulings = [self._reasons.ruling(row, place) for place in range(len(self._labels))]
        kept = [place for place, ruling in enumerate(rulings) if ruling.decision == "kept"]
        decision, reason = self._reasons.outcome(row, [self._labels[place].name for place in kept])
        ranked = np.argsort(-self._found.scores.values[row].numpy(), kind="stable").tolist()
        shown = [place for rank, place in enumerate(ranked) if rank < self._wanted.top or place in kept]
        if decision == "invalid":
            shown = []  # the scores mean nothing
        x1, y1, x2, y2 = self._found.xyxy[row].tolist()
        return RegionExplanation(
            region=row,
            box=(x1, y1, x2, y2),
            objectness=float(self._regions.objectness[row]),
            decision=decision,
            reason=reason,
            labels=tuple(self._verdicts(row, shown, [rulings[place] for place in shown])),
        )

    def _verdicts(self, row: int, shown: list[int], rulings: list[_Ruling]) -> list[Verdict]:
        embedding = torch.from_numpy(self._regions.embeddings[row : row + 1])  # (1, D)
        words, scores = self._asked.words, self._found.scores
        cosines = phrase_logits(embedding, words.phrases, scale=1.0, bias=None)[0]  # (P,)
        against = phrase_logits(embedding, words.negatives, scale=1.0, bias=None)[0]  # (Q,)
        shares = self._shares(row, np.array(shown, int))
        verdicts = []
        for i, (place, ruling) in enumerate(zip(shown, rulings, strict=True)):
            confidence, threshold = self._reasons.confidence(row, place), float(self._asked.thresholds[place])
            verdict = Verdict(
                label=self._labels[place].name,
                label_id=place,
                score=float(scores.values[row, place]),
                confidence=confidence,
                threshold=threshold,
                passed=confidence >= threshold,
                kept=ruling.decision == "kept",
                **ruling._asdict(),
                best=self._phrase(int(scores.phrase[row, place]), cosines),
                raw=float(shares.label[i]),
                background=float(shares.background[i]),
                negatives=self._negatives(shares.negatives[i], against),
                phrases=self._all_phrases(place, cosines) if self._wanted.phrases else (),
            )
            verdicts.append(verdict)
        return verdicts

    def _shares(self, row: int, shown: NDArray[np.int_]) -> Account:
        """What label, background and negatives take of the score of each label shown."""
        if self._asked.closed:
            values = self._found.scores.values[row].numpy()[shown].astype(float)  # (k,)
            nothing = np.full((len(shown), len(self._asked.negatives)), -1.0)  # (k, Q)
            return Account(values, np.zeros(len(shown)), nothing)
        regions, background = np.full(len(shown), row), self._score.bias is not None
        return account(self._found.scores, self._asked.words, regions, shown, background=background)

    def _all_phrases(self, place: int, cosines: torch.Tensor) -> tuple[Phrase, ...]:
        own = (self._asked.words.label_of == place).nonzero().flatten().tolist()
        return tuple(self._phrase(phrase, cosines) for phrase in own)

    def _phrase(self, phrase: int, cosines: torch.Tensor) -> Phrase:
        cosine, (scale, bias) = float(cosines[phrase]), self._line(phrase)
        return Phrase(str(self._asked.phrases[phrase]), cosine, scale * cosine + bias)

    def _line(self, phrase: int) -> tuple[float, float]:
        """Scale and bias of a phrase: the tower's, or those of a taught label."""
        words = self._asked.words
        if words.scales is None or words.biases is None or bool(words.scales[phrase].isnan()):
            return self._score.scale, self._score.bias or 0.0
        return float(words.scales[phrase]), float(words.biases[phrase])

    def _negatives(self, taken: NDArray[np.float64], cosines: torch.Tensor) -> tuple[Negative, ...]:
        """The negatives that take most; `taken` `(Q,)` is below 0 for those that do not count."""
        best = [q for q in np.argsort(-taken, kind="stable").tolist() if taken[q] >= 0][: self._wanted.negatives]
        told = []
        for q in best:
            phrase, cosine = self._asked.negatives[q], float(cosines[q])
            shared = "vocabulary" if phrase in self._asked.vocabulary.negatives else "bank"
            source = "label" if int(self._asked.words.owner[q]) >= 0 else shared
            logit = self._score.scale * cosine + (self._score.bias or 0.0)
            told.append(Negative(phrase, source, cosine, logit, float(taken[q])))
        return tuple(told)
