"""From examples of a class to a Prototype: a linear score that competes with those of phrases.

Cosines between regions live on another scale than cosines between regions and phrases, and on another one with every
tower. So a direction is found first, and then the line `z = scale * cosine + bias` that puts it among the phrases.

Direction. Up to 7 examples it is their mean (the prototype of Snell et al. 2017, arXiv:1703.05175); phrases that mean
the class may be blended in (as Tip-Adapter adds text and example scores, Zhang et al. 2021, arXiv:2111.03930), each
measured in its own spread over the negatives. From 8 examples on, a logistic regression may bend it, pulled back
towards that prototype (as in CLAP, Silva-Rodriguez et al. 2023, arXiv:2312.12730, where the pull is a penalty too).

Line. A logistic regression of two numbers (Platt 1999), its targets softened by the number of examples. Each example
is scored by a direction found from the *others*, or few examples would look better than the next one will. An example
has to outdo its label's negatives and the best other label; a negative has to stay below the label's negatives, and
below the best other label where that is nearly sure of it.

Letters: n examples, m negatives, D channels.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from heads.classify import EncodedWords, classify, phrase_logits
from regionclip.errors import PromptError
from regionclip.towers.card import TowerCard
from regionclip.words.logistic import fit_logistic
from regionclip.words.prototype import Prototype

Array: TypeAlias = NDArray[np.float64]

PROBE_FROM = 8
"""Examples from which on the direction is fitted; with fewer it is their mean (docs/vocabulary.md)."""

_EXAMPLES_WEIGH = 1.5  # weight of all examples together; all windows together weigh 1, and so do the given negatives
_WEAK_RIVAL = -2.0  # log-odds; a label below says too little of a negative to be worth defending
_PULL = 0.01  # of the probe towards the prototype, in units of the negatives' variance
_SECOND = 0.9  # quantile of the negatives' scores at which a second example is thought to be
_LEAST_LIKE = (0.5, 0.9, 0.97, 1.0)  # quantiles no example is taken to be below, tried in turn until steep
_FOLDS = 5  # of the examples of a probe
_LEAST_SPREAD = 1e-6
_SURE = 1 - 1e-6  # a higher score of another label says no more to a class that is taught


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What a class is learned from.

    Attributes:
        examples: `(n, D)` unit-length embeddings.
        negatives: `(m, D)` unit-length embeddings.
        weights: `(m,)` of the negatives, above 0.
    """

    examples: Array
    negatives: Array
    weights: Array

    @property
    def embeddings(self) -> NDArray[np.float32]:
        """`(n + m, D)`, examples first."""
        return np.concatenate([self.examples, self.negatives]).astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Odds:
    """What the new label has to outdo on each piece of evidence, as logits, examples first.

    Attributes:
        against: `(n + m,)` logarithm of the sum over the label's negatives and the tower's background.
        rival: `(n + m,)` log-odds of the best other label, `-inf` where there is none.
    """

    against: Array
    rival: Array

    @classmethod
    def of(cls, embeddings: torch.Tensor, words: EncodedWords, card: TowerCard) -> "Odds":
        """What the last of the labels has to outdo on each of `(n + m, D)` embeddings."""
        score = card.region_score
        own = words.negatives[words.applies[-1]]  # (q, D)
        logits = phrase_logits(embeddings, own, scale=score.scale, bias=score.bias)  # (n + m, q)
        background = torch.full((len(embeddings), 1), -torch.inf if score.bias is None else 0.0)  # (n + m, 1)
        against = torch.cat([background, logits], dim=1).double().logsumexp(dim=1)  # (n + m,)
        values = classify(embeddings, words, scale=score.scale, bias=score.bias).values[:, :-1].double()
        padded = torch.nn.functional.pad(values.clamp(0, _SURE), (1, 0))  # (n + m, C)
        return cls(against.numpy(), padded.max(dim=1).values.logit().numpy())


def fit(evidence: Evidence, odds: Odds, *, tower: str, text: Array | None = None, weight: float = 1.0) -> Prototype:
    """Learn a class.

    Args:
        evidence: examples and negatives.
        odds: what the label has to outdo on each of them.
        tower: fingerprint of the tower that embedded them.
        text: `(D,)` embedding of phrases that mean the class, or None.
        weight: share of the examples in the blend with `text`, 0..1.

    Raises:
        PromptError: where the examples are no more like each other than like the negatives.
    """
    n = len(evidence.examples)
    floor = odds.against + _outdone(odds.rival, n)  # (n + m,)
    blend = _Blend(text, weight)
    direction = _direction(evidence, floor, blend, np.ones(n, bool))  # (D,)
    others = evidence.negatives @ direction  # (m,)
    scores = _left_out(evidence, floor, blend, direction)  # (n,)
    for share in _LEAST_LIKE:
        # An outlier among few examples must not pull the line down to everything else.
        raised = np.maximum(scores, np.quantile(others, share))  # (n,)
        scale, bias = _line(raised, others, floor, evidence.weights)
        if scale * float(others.std()) > 1:
            break
    if scale <= 0:
        raise PromptError(
            "teach: the examples are no more like each other than like the rest of their pictures: do the boxes "
            "(x1, y1, x2, y2 in pixels) fit, and show one kind of thing?"
        )
    return Prototype(direction.astype("<f4").tobytes(), scale, bias, tower, n)


def _outdone(rival: Array, n: int) -> Array:
    """`(n + m,)` log-odds that an example has to pass, and that a negative has to stay below."""
    own = np.logaddexp(0, rival[:n])  # (n,)
    others = np.where(np.isfinite(rival[n:]), np.clip(rival[n:], _WEAK_RIVAL, 0), 0)  # (m,)
    return np.concatenate([own, others])


@dataclass(frozen=True, slots=True, eq=False)
class _Blend:
    text: Array | None  # (D,)
    weight: float

    def __call__(self, mean: Array, negatives: Array) -> Array:
        """`(D,)` unit length: `mean` with a share of the text, each in units of its spread over the negatives."""
        direction = _unit(mean)
        if self.text is not None:
            parts = ((direction, self.weight), (self.text, 1 - self.weight))
            spread = [max(float((negatives @ part).std()), _LEAST_SPREAD) for part, _ in parts]
            direction = np.sum([part * share / own for (part, share), own in zip(parts, spread, strict=True)], axis=0)
        return _unit(direction)


def _direction(evidence: Evidence, floor: Array, blend: _Blend, kept: NDArray[np.bool_]) -> Array:
    """`(D,)` unit length, of the examples marked in `kept` `(n,)`: their blend, or the probe pulled towards it."""
    examples, negatives = evidence.examples[kept], evidence.negatives
    direction = blend(examples.mean(axis=0), negatives)  # (D,)
    if len(kept) < PROBE_FROM:
        return direction
    floor = np.concatenate([floor[: len(kept)][kept], floor[len(kept) :]])
    scale, bias = _line(examples @ direction, negatives @ direction, floor, evidence.weights)
    rows = np.concatenate([examples, negatives])  # (n + m, D)
    pull = _PULL * max(float(negatives.var(axis=0).sum()), _LEAST_SPREAD)
    start = rows @ direction * scale + bias  # (n + m,)
    turn = _logistic(rows - negatives.mean(axis=0), floor - start, len(examples), evidence.weights, pull)  # (D + 1,)
    return _unit(direction * scale + turn[:-1])


def _left_out(evidence: Evidence, floor: Array, blend: _Blend, direction: Array) -> Array:
    """`(n,)` score of each example by a direction that was found without it."""
    n = len(evidence.examples)
    if n == 1:
        # Nothing is known of the spread: a second example may be as far as what is most like the first here.
        return np.quantile(evidence.negatives @ direction, [_SECOND])
    part = np.arange(n) % (n if n < PROBE_FROM else _FOLDS)  # (n,)
    scores = np.zeros(n)
    for number in range(part.max() + 1):
        out = part == number
        scores[out] = evidence.examples[out] @ _direction(evidence, floor, blend, ~out)
    return scores


def _line(examples: Array, negatives: Array, floor: Array, weights: Array) -> tuple[float, float]:
    """Scale and bias that put scores `(n,)` above their floor and `(m,)` below it."""
    middle, spread = float(negatives.mean()), max(float(negatives.std()), _LEAST_SPREAD)
    rows = (np.concatenate([examples, negatives]) - middle)[:, None] / spread  # (n + m, 1)
    scale, bias = _logistic(rows, floor, len(examples), weights, 0.0).tolist()
    return scale / spread, bias - middle * scale / spread


def _unit(vector: Array) -> Array:
    unit: Array = vector / max(float(np.linalg.norm(vector)), 1e-12)
    return unit


def _logistic(rows: Array, floor: Array, n: int, weights: Array, pull: float) -> Array:
    """The line `(d + 1,)` that puts the first `n` of `rows` `(n + m, d)`, the examples, above their floor `(n + m,)`.

    Targets are Platt's: `(n + 1) / (n + 2)` and `1 / (m + 2)`.
    """
    m = len(rows) - n
    share = np.concatenate([np.full(n, _EXAMPLES_WEIGH / n), weights])  # (n + m,)
    target = np.concatenate([np.full(n, (n + 1) / (n + 2)), np.full(m, 1 / (m + 2))])  # (n + m,)
    return fit_logistic(rows, target, share, above=floor, pull=pull)
