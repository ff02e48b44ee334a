"""From pictures of a class to a label: what its examples are told from, and the vocabulary with it.

Letters: n examples, m negatives, D channels.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from proposals.grid import GridProposer
from proposals.overlap import areas, intersections
from regionclip.boxes import check_boxes
from regionclip.errors import BoxError, PromptError
from regionclip.frames import FrameLike
from regionclip.towers.base import ImageFeatures
from regionclip.towers.card import TowerCard
from regionclip.words.learning import Evidence, Odds, fit
from regionclip.words.phrase import check_phrase, check_phrases
from regionclip.words.phrase_cache import PhraseCache
from regionclip.words.prototype import Prototype
from regionclip.words.vocabulary import Label, Vocabulary

Example: TypeAlias = tuple[FrameLike | ImageFeatures, Sequence[float] | NDArray[Any]]
"""A picture, or features of an earlier call, and one box `[x1, y1, x2, y2]` in its pixels."""

Propose: TypeAlias = Callable[[ImageFeatures], NDArray[np.float32]]
"""Boxes `(N, 4)` of a picture, the best first."""

WINDOWS = 60
"""Most proposals, and most grid windows, of one picture that serve as negatives."""

_OVERLAP = 0.3  # IoU from which a window is no negative of an example
_INSIDE = 0.5  # shared part of a window or of an example from which the window is no negative of it


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
