"""How differently a tower answers one vocabulary in English and in Chinese, on a set with true boxes.

Every label that has phrases in both languages is asked twice, once with the phrases of each language alone; negatives
and all else stay. Attributes (labels with `of`) are compared among the labels of their column, on regions of the labels
that they are asked of; all others among each other.

Letters: N regions, C labels.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regionclip.data.intervals import Share, share
from regionclip.data.translation_sets import LabelTruth, Sample
from regionclip.detector import Detector
from regionclip.formats.tables import as_table
from regionclip.scenes.language.sentences import LANGUAGES
from regionclip.words.vocabulary import Label, Vocabulary

_PLAIN = "labels"


@dataclass(frozen=True, slots=True)
class LabelGap:
    """One label in both languages. Shares are of the regions that it is true of; NaN stands for not measured.

    Attributes:
        label: its name.
        column: `labels`, or the attribute it is a value of.
        regions: that it is true of.
        top1: share on which it is the best answer, English and Chinese.
        precision: average precision of its score over all regions of which the set says whether it is true.
        same: share on which both languages give the same answer.
        difference: mean of the English score less the Chinese one.
    """

    label: str
    column: str
    regions: int
    top1: tuple[float, float]
    precision: tuple[float, float]
    same: float
    difference: float


@dataclass(frozen=True, slots=True)
class TranslationGap:
    """Both languages compared.

    Attributes:
        regions: in the set.
        labels: those that were measured, in order.
        totals: by column, regions, top-1 in English and Chinese, and the share with the same answer.
        left_out: label to the reason why it was not measured.
    """

    regions: int
    labels: tuple[LabelGap, ...]
    totals: dict[str, tuple[int, Share, Share, Share]]
    left_out: dict[str, str]

    def as_json(self) -> dict[str, Any]:
        """Everything, ready for `json.dumps`; null for what could not be measured."""
        content = asdict(self)
        content["labels"] = [{key: _plain(value) for key, value in row.items()} for row in content["labels"]]
        content["totals"] = {
            column: dict(zip(("regions", "en", "zh", "same"), values, strict=True))
            for column, values in content["totals"].items()
        }
        return content


def measure_gap(detector: Detector, vocabulary: Vocabulary, samples: Iterable[Callable[[], Sample]]) -> TranslationGap:
    """Ask every region of a set in both languages.

    Raises:
        FingerprintError: where a label was taught with another tower.
    """
    asked = [_in(vocabulary, language) for language in LANGUAGES]
    truths: list[LabelTruth] = []
    scores: list[list[NDArray[np.float32]]] = [[] for _ in LANGUAGES]
    for make in samples:
        sample = make()
        regions = detector.regions(sample.frame, sample.boxes)
        truths.append(sample.truth[regions.valid])
        for own, words in zip(scores, asked, strict=True):
            own.append(detector.scores(regions, words)[regions.valid])  # (N, C)
    return _compared(vocabulary, truths, scores)


def table(gap: TranslationGap) -> str:
    """The figures as lines of text."""
    lines = []
    for column, (regions, *shares) in gap.totals.items():
        said = "   ".join(f"{name} {value}" for name, value in zip(("en", "zh", "same answer"), shares, strict=True))
        lines.append(f"{column}, top-1 on {regions} regions: {said}")
    if gap.labels:
        columns = ("", "regions", "top-1 en", "zh", "AP en", "zh", "same", "en - zh")
        lines += ["", as_table(columns, [_cells(row) for row in gap.labels])]
    reasons: dict[str, list[str]] = {}
    for label, reason in gap.left_out.items():
        reasons.setdefault(reason, []).append(label)
    lines += [""] * bool(reasons)
    lines += [f"not measured ({reason}): {', '.join(labels)}" for reason, labels in reasons.items()]
    return "\n".join(lines).strip("\n")


def _cells(row: LabelGap) -> tuple[object, ...]:
    values = (*row.top1, *row.precision, row.same, row.difference)
    return row.label, row.regions, *("-" if np.isnan(value) else f"{value:.3f}" for value in values)


def _in(vocabulary: Vocabulary, language: str) -> Vocabulary:
    """The vocabulary with the phrases of one language, where a label has both."""
    labels = [
        replace(label, prompts={language: _phrases(label, language)}, languages=()) if _is_bilingual(label) else label
        for label in vocabulary
    ]
    return replace(vocabulary, labels=labels, measured_with=None)  # no threshold is used here


def _is_bilingual(label: Label) -> bool:
    return label.taught is None and all(_phrases(label, language) for language in LANGUAGES)


def _phrases(label: Label, language: str) -> list[str]:
    return [phrase for phrase, own in label.spoken if own == language]


def _compared(
    vocabulary: Vocabulary, truths: Sequence[LabelTruth], scores: Sequence[Sequence[NDArray[np.float32]]]
) -> TranslationGap:
    labels = tuple(vocabulary)
    empty = np.zeros((0, len(labels)))
    truth = np.concatenate([empty, *truths])  # (N, C)
    both = np.stack([np.concatenate([empty, *own]) for own in scores])  # (2, N, C)
    picture = np.repeat(np.arange(len(truths)), [len(each) for each in truths])  # (N,)
    arenas = {_PLAIN: vocabulary.plain} | vocabulary.columns
    rows: dict[int, LabelGap] = {}
    totals: dict[str, tuple[int, Share, Share, Share]] = {}
    for column, places in arenas.items():
        members = np.array([place for place in places if _is_bilingual(labels[place])], int)  # (m,)
        known = (truth[:, members] == 1).any(axis=1)  # (N,) regions that have a true answer
        if not known.any():
            continue
        best = members[both[:, :, members].argmax(axis=2)]  # (2, N)
        right = np.take_along_axis(truth[None], best[:, :, None], axis=2)[:, :, 0] == 1  # (2, N)
        right, same = right if len(members) > 1 else np.full(right.shape, np.nan), best[0] == best[1]
        for place in members[(truth[:, members] == 1).any(axis=0)].tolist():
            rows[place] = _row(labels[place].name, column, truth[:, place], both[:, :, place], right, same)
        if len(members) > 1:
            hits = [[each[known & (picture == number)] for number in range(len(truths))] for each in (*right, same)]
            totals[column] = (int(known.sum()), share(hits[0]), share(hits[1]), share(hits[2]))
    left_out = {label.name: _reason(label, truth[:, place]) for place, label in enumerate(labels) if place not in rows}
    return TranslationGap(len(truth), tuple(rows[place] for place in sorted(rows)), totals, left_out)


def _row(
    name: str,
    column: str,
    truth: NDArray[np.float64],
    scores: NDArray[np.float64],
    right: NDArray[Any],
    same: NDArray[np.bool_],
) -> LabelGap:
    """Figures of one label from its truth `(N,)`, both scores `(2, N)`, and what its column answered."""
    own = truth == 1  # (N,)
    top1 = right[:, own].astype(float).mean(axis=1)  # (2,)
    precision = [_average_precision(truth, each) for each in scores]
    alone = np.isnan(top1).any()
    return LabelGap(
        label=name,
        column=column,
        regions=int(own.sum()),
        top1=(float(top1[0]), float(top1[1])),
        precision=(precision[0], precision[1]),
        same=float("nan") if alone else float(same[own].mean()),
        difference=float((scores[0, own] - scores[1, own]).mean()),
    )


def _average_precision(truth: NDArray[np.float64], scores: NDArray[np.float64]) -> float:
    """Mean of the precision at each true region, the regions sorted by score; NaN where none is false."""
    known = ~np.isnan(truth)
    order = np.argsort(-scores[known], kind="stable")
    hits = truth[known][order] == 1  # (n,)
    if hits.all():
        return float("nan")
    return float((hits.cumsum() / np.arange(1, len(hits) + 1))[hits].mean())


def _reason(label: Label, truth: NDArray[np.float64]) -> str:
    """Why a label was not measured, from its truth `(N,)`."""
    if label.taught is not None:
        return "taught, not in words"
    if absent := [language for language in LANGUAGES if not _phrases(label, language)]:
        return f"no phrase in {' nor '.join(absent)}"
    return "the set does not know it" if np.isnan(truth).all() else "none in the set"


def _plain(value: Any) -> Any:  # noqa: ANN401 - any field of a LabelGap
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and np.isnan(value) else value
