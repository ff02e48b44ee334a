"""How an explanation is made: from scores taken apart, and what selection wrote down of its decisions.

Letters: N regions, C labels, k labels told of one region, P phrases, Q negatives.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from heads.classify import phrase_logits
from regionclip.answers.account import Account, account
from regionclip.answers.detections import Found
from regionclip.answers.explain import Explanation, Negative, Phrase, RegionExplanation, Verdict
from regionclip.answers.reasons import Reasons, Ruling
from regionclip.answers.regions import Regions
from regionclip.errors import BoxError, ConfigError
from regionclip.towers.card import TowerCard


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


def explain(regions: Regions, found: Found, reasons: Reasons, card: TowerCard, wanted: Wanted) -> Explanation:
    """Tell what became of the wanted regions, and of what their scores are made."""
    explainer = _Explainer(regions, found, reasons, card, wanted)
    told = tuple(explainer.region(row) for row in wanted.rows(len(regions)))
    return Explanation(told, f"{card.name}@{card.revision}", found.asked.identity)


class _Explainer:
    """What all regions of an explanation share."""

    def __init__(self, regions: Regions, found: Found, reasons: Reasons, card: TowerCard, wanted: Wanted) -> None:
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

    def _verdicts(self, row: int, shown: list[int], rulings: list[Ruling]) -> list[Verdict]:
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
                **asdict(ruling),
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
