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

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from heads.classify import EncodedWords, classify, phrase_logits
from proposals.grid import GridProposer
from proposals.overlap import areas, intersections
from regionclip.boxes import check_boxes
from regionclip.errors import BoxError, PromptError
from regionclip.frames import FrameLike
from regionclip.towers.base import ImageFeatures
from regionclip.towers.card import TowerCard
from regionclip.words.logistic import fit_logistic
from regionclip.words.phrase import check_phrase, check_phrases
from regionclip.words.phrase_cache import PhraseCache
from regionclip.words.prototype import Prototype
from regionclip.words.vocabulary import Label, Vocabulary

Example: TypeAlias = tuple[FrameLike | ImageFeatures, Sequence[float] | NDArray[Any]]
"""A picture, or features of an earlier call, and one box `[x1, y1, x2, y2]` in its pixels."""

Array: TypeAlias = NDArray[np.float64]

Propose: TypeAlias = Callable[[ImageFeatures], NDArray[np.float32]]
"""Boxes `(N, 4)` of a picture, the best first."""

PROBE_FROM = 8
"""Examples from which on the direction is fitted; with fewer it is their mean (docs/vocabulary.md)."""

WINDOWS = 60
"""Most proposals, and most grid windows, of one picture that serve as negatives."""

_OVERLAP = 0.3  # IoU from which a window is no negative of an example
_INSIDE = 0.5  # shared part of a window or of an example from which the window is no negative of it
_EXAMPLES_WEIGH = 1.5  # weight of all examples together; all windows together weigh 1, and so do the given negatives
_WEAK_RIVAL = -2.0  # log-odds; a label below says too little of a negative to be worth defending
_PULL = 0.01  # of the probe towards the prototype, in units of the negatives' variance
_SECOND = 0.9  # quantile of the negatives' scores at which a second example is thought to be
_LEAST_LIKE = (
    0.5,
    0.9,
    0.97,
    1.0,
)  # quantiles that no example is taken to be below; tried in turn until the line is steep
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


@dataclass(frozen=True, slots=True)
class Lesson:
    """What a class is to be learned from; `Detector.teach` says what each field means.

    Raises:
        PromptError: for a weight outside 0..1, or without prompts.
    """

    name: str
    examples: Sequence[Example]
    negatives: Sequence[Example] = ()
    prompts: Sequence[str] = ()
    weight: float | None = None
    threshold: float | None = None
    group: str | None = None
    of: str | Sequence[str] = ()
    replace: bool = False

    def __post_init__(self) -> None:
        check_phrase(self.name, "label name")
        if self.weight is not None and (len(self.prompts) == 0 or not 0 <= self.weight <= 1):
            raise PromptError(f"teach: expected a weight in 0..1 of the examples beside prompts, got {self.weight!r}")


def teach(
    vocabulary: Vocabulary,
    lesson: Lesson,
    phrases: PhraseCache,
    card: TowerCard,
    features_of: Callable[[FrameLike | ImageFeatures], ImageFeatures],
    propose: Propose | None,
) -> Vocabulary:
    """A vocabulary with one more label, learned from a lesson.

    Args:
        vocabulary: to add to.
        lesson: what is shown.
        phrases: of the tower.
        card: of the tower.
        features_of: encodes a picture.
        propose: boxes `(N, 4)` of a picture, the best first; None leaves the grid's windows alone.

    Raises:
        PromptError: without examples, or for a name that exists.
        BoxError: for a box without area inside its picture, or where nothing is left to tell the examples from.
        FingerprintError: where the vocabulary was taught with another tower.
    """
    if lesson.name in vocabulary.names and not lesson.replace:
        raise PromptError(
            f"teach: the vocabulary has a label {lesson.name!r} already; give replace=True to teach it anew"
        )
    text = phrases.mean(check_phrases(lesson.prompts, "teach: prompts"))
    blank = Prototype(bytes(4 * card.width), 1.0, 0.0, card.revision, 0)
    label = Label(lesson.name, (), (), lesson.threshold, lesson.group, blank, lesson.of)
    label, trial = among_rivals(vocabulary, label)
    words = phrases.words(trial, "region")  # refuses what another tower was taught before any picture is encoded
    evidence = gather(lesson.examples, lesson.negatives, features_of, propose)
    taught = fit(
        evidence,
        Odds.of(torch.from_numpy(evidence.embeddings), words, card),
        tower=card.revision,
        text=text,
        weight=0.5 if lesson.weight is None else lesson.weight,
    )
    return with_label(vocabulary, replace(label, taught=taught))


def among_rivals(vocabulary: Vocabulary, label: Label) -> tuple[Label, Vocabulary]:
    """The label with the phrases of those it competes with as its negatives, and a vocabulary of it and them alone.

    Raises:
        PromptError: where the label is `of` one that is not there.
    """
    others = [each for each in vocabulary if each.name != label.name and each.column == label.column]
    opposed = [phrase for each in others if each.taught is None for phrase in each.phrases]
    label = replace(label, negatives=opposed)
    with_label(vocabulary, label)
    rivals = [replace(each, of=()) for each in (*others, label)]  # what they are of is not among them
    return label, replace(vocabulary, labels=rivals)


def with_label(vocabulary: Vocabulary, label: Label) -> Vocabulary:
    """The vocabulary with a label in the place of the one of its name, or at the end."""
    labels = [label if each.name == label.name else each for each in vocabulary]
    return replace(vocabulary, labels=labels if label.name in vocabulary.names else [*labels, label])


def gather(
    examples: Sequence[Example],
    negatives: Sequence[Example],
    features_of: Callable[[FrameLike | ImageFeatures], ImageFeatures],
    propose: Propose | None,
) -> Evidence:
    """Embed the examples, and as negatives windows of their pictures that show none of them.

    Args:
        examples: of the class; several boxes of one picture should name the same object (path, array or features).
        negatives: that are not of the class.
        features_of: encodes a picture.
        propose: boxes `(N, 4)` of a picture, the best first; None leaves the grid's windows alone.

    Raises:
        PromptError: without examples.
        BoxError: for a box without area inside its picture, or where no negative is left.
    """
    if len(examples) == 0:
        raise PromptError("teach: expected at least one example, an (image, box) pair, got none")
    shown = _embed(examples, "examples", features_of)
    given = _embed(negatives, "negatives", features_of)
    windows = [_windows(features, boxes, propose) for features, boxes, _ in shown]  # (m, D) each
    own = np.concatenate([embeddings for *_, embeddings in shown])  # (n, D)
    others = [np.concatenate(rows) for rows in (windows, [e for *_, e in given]) if rows]
    counts = [len(rows) for rows in others if len(rows)]
    if not counts:
        raise BoxError(
            "teach: the examples fill their pictures, nothing is left to tell them from; give whole pictures, or "
            "negatives=[(image, box), ...] of other things"
        )
    weights = np.concatenate([np.full(count, 1 / count) for count in counts])  # (m,)
    return Evidence(own.astype(float), np.concatenate(others).astype(float), weights)


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


def _embed(
    pairs: Sequence[Example], what: str, features_of: Callable[[FrameLike | ImageFeatures], ImageFeatures]
) -> list[tuple[ImageFeatures, NDArray[np.float32], NDArray[np.float32]]]:
    """For each picture its features, boxes `(k, 4)` and embeddings `(k, D)`."""
    together: dict[object, tuple[FrameLike | ImageFeatures, list[NDArray[np.float32]]]] = {}
    for number, pair in enumerate(pairs):
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise BoxError(f"teach: {what}[{number}]: expected an (image, box) pair, got {type(pair).__name__}")
        image, box = pair
        corners = check_boxes(np.asarray(box, dtype=object)[None])  # (1, 4)
        if len(corners) != 1:
            raise BoxError(f"teach: {what}[{number}]: expected a box x1 y1 x2 y2, got {box!r}")
        key = str(image) if isinstance(image, str | Path) else id(image)
        together.setdefault(key, (image, []))[1].append(corners)
    embedded = []
    for image, corners_of in together.values():
        features, boxes = features_of(image), np.concatenate(corners_of)  # (k, 4)
        rows, valid = features.pool(boxes)  # (k, D), (k,)
        if not bool(valid.all()):
            height, width = features.frame_size
            wrong = boxes[~valid.numpy()][0].tolist()
            raise BoxError(
                f"teach: {what}: box {wrong} has no area inside its picture of {width} x {height} pixels; expected "
                "x1 y1 x2 y2 with x1 < x2 and y1 < y2"
            )
        embedded.append((features, boxes, rows.numpy()))
    return embedded


def _windows(
    features: ImageFeatures,
    examples: NDArray[np.float32],
    propose: Propose | None,
) -> NDArray[np.float32]:
    """Embeddings `(m, D)` of windows of a picture that show none of its examples `(k, 4)`."""
    boxes = GridProposer(WINDOWS)(features.frame, features).xyxy  # (m, 4)
    if propose is not None:
        boxes = np.concatenate([propose(features)[:WINDOWS], boxes])  # (m, 4)
    height, width = features.frame_size
    inside = np.clip(boxes, 0, (width, height, width, height))  # (m, 4)
    shared = intersections(inside, examples)  # (m, k)
    area, own = areas(inside)[:, None], areas(examples)  # (m, 1), (k,)
    apart = (shared < _OVERLAP * (area + own - shared)) & (shared < _INSIDE * own) & (shared < _INSIDE * area)  # (m, k)
    free = apart.all(axis=1)  # (m,)
    rows, valid = features.pool(boxes[free])  # (m, D), (m,)
    usable: NDArray[np.float32] = rows.numpy()[valid.numpy()]
    return usable


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
