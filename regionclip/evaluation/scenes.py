"""What a detector makes of rendered scenes: words for true boxes, and boxes of its own.

`regionclip eval scenes` prints the table. The scenes are of series that no training run has seen (training uses the
seed of its run, its checks use 777000).

Letters: N boxes, C labels.
"""

import contextlib
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from proposals.base import Proposer
from regionclip.detector import Detector
from regionclip.scenes.phrases import COLOURS, KINDS, LANGUAGES, Language, name, phrase
from regionclip.scenes.render import Scene, render_scene
from regionclip.towers.base import Tower

STRANGERS: dict[Language, tuple[str, ...]] = {
    "en": ("zebra", "piano", "birthday cake", "rabbit", "scissors", "windmill", "penguin", "trumpet", "florble"),
    "zh": ("斑马", "钢琴", "生日蛋糕", "兔子", "剪刀", "风车", "企鹅", "小号", "魑魅"),
}
"""Words of things that no scene shows and that training never named."""

_TOP = 5  # labels of one box that go into the average precision
_RESAMPLES = 1000


@dataclass(frozen=True, slots=True)
class Share:
    """A share of hits with its 95 % interval, found by drawing whole scenes anew (bootstrap), all in 0..1."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


@dataclass(frozen=True, slots=True)
class SceneFigures:
    """Figures of one detector on one series of scenes, all in 0..1.

    Attributes:
        seed: of the series.
        scenes: how many were rendered.
        regions: labelled objects in them.
        kinds: top-1 among all kinds with true boxes, one entry a language.
        pairs: top-1 among all kind and colour phrases with true boxes, one entry a language.
        agreement: share of regions for which the English and the Chinese kind are the same.
        whole: top-1 among all kinds for whole frames that one object dominates, one entry a language.
        found: share of true boxes whose own kind scores above the tower's threshold, one entry a language.
        false_alarms: share of pairs of a true box and another kind above the threshold, one entry a language.
        strangers: the same for words of things that no scene shows.
        ap: COCO average precision over IoU .5 to .95 with the detector's own boxes and English kinds.
        ap50: the same at IoU .5.
        ap75: the same at IoU .75.
        recall50: share of true boxes that a proposal overlaps by IoU .5 or more.
    """

    seed: int
    scenes: int
    regions: int
    kinds: dict[Language, Share]
    pairs: dict[Language, Share]
    agreement: Share
    whole: dict[Language, Share]
    found: dict[Language, Share]
    false_alarms: dict[Language, float]
    strangers: dict[Language, float]
    ap: float
    ap50: float
    ap75: float
    recall50: Share


@dataclass(frozen=True, slots=True)
class _Truth:
    boxes: NDArray[np.float32]  # (N, 4) xyxy in frame pixels
    kinds: NDArray[np.int64]  # (N,)
    pairs: NDArray[np.int64]  # (N,) kind x colour


def evaluate_scenes(
    tower: Tower,
    proposer: Proposer,
    *,
    seed: int = 900_001,
    scenes: int = 200,
    size: tuple[int, int] = (480, 640),
    watch: Callable[[Sequence[int]], Iterable[int]] = iter,
) -> SceneFigures:
    """Measure a tower and a proposer on `scenes` fresh scenes of `size` `(H, W)` pixels.

    Words for true boxes go through `Detector`, as a user's call would. Average precision is COCO's: all proposals, the
    five best labels of each at score times objectness, no threshold and no further suppression. `watch` gets the
    scenes' numbers and gives them back one by one, as a progress bar does.
    """
    detector = Detector(tower, proposer)
    truths, answers, found = [], [], []
    for index in watch(range(scenes)):
        scene = render_scene(seed, index, size)
        truths.append(_truth(scene))
        answers.append(_answers(detector, scene, truths[-1]) | _whole(detector, seed, index, size))
        found.append(_found(detector, scene))
    both = {key: [answer[key] for answer in answers] for key in answers[0]}
    ap, ap50, ap75 = _average_precision(truths, found, size)
    return SceneFigures(
        seed=seed,
        scenes=scenes,
        regions=sum(len(truth.kinds) for truth in truths),
        kinds={language: _share(both[f"kinds {language}"]) for language in LANGUAGES},
        pairs={language: _share(both[f"pairs {language}"]) for language in LANGUAGES},
        agreement=_share(both["agreement"]),
        whole={language: _share(both[f"whole {language}"]) for language in LANGUAGES},
        found={language: _share(both[f"found {language}"]) for language in LANGUAGES},
        false_alarms={language: float(np.concatenate(both[f"false {language}"]).mean()) for language in LANGUAGES},
        strangers={language: float(np.concatenate(both[f"strangers {language}"]).mean()) for language in LANGUAGES},
        ap=ap,
        ap50=ap50,
        ap75=ap75,
        recall50=_share([_covered(truth, boxes) for truth, (boxes, _) in zip(truths, found, strict=True)]),
    )


def table(figures: SceneFigures) -> str:
    """The figures as lines of text."""
    rows: list[tuple[str, object]] = []
    for title, values in (
        (f"top-1 of {len(KINDS)} kinds, true boxes", figures.kinds),
        (f"top-1 of {len(KINDS) * len(COLOURS)} kind x colour phrases, true boxes", figures.pairs),
        ("top-1 of kinds, whole frame with one large object", figures.whole),
        ("own kind above the threshold", figures.found),
    ):
        rows += [(f"{title}, {language}", values[language]) for language in LANGUAGES]
    rows.append(("English and Chinese agree on the kind", figures.agreement))
    for title, shares in (("another kind", figures.false_alarms), ("words of things not shown", figures.strangers)):
        rows += [(f"{title} above the threshold, {language}", f"{shares[language]:.4f}") for language in LANGUAGES]
    rows += [("proposals: recall at IoU .5", figures.recall50), ("proposals: AP50", f"{figures.ap50:.3f}")]
    rows += [("proposals: AP75", f"{figures.ap75:.3f}"), ("proposals: AP .5:.95", f"{figures.ap:.3f}")]
    head = f"{figures.scenes} scenes, {figures.regions} regions, seed {figures.seed}, 95 % intervals over scenes"
    return "\n".join([head, *(f"  {title:<60} {value}" for title, value in rows)])


def _truth(scene: Scene) -> _Truth:
    boxes = np.array([thing.xyxy for thing in scene.objects], np.float32).reshape(-1, 4)
    kinds = np.array([KINDS.index(thing.kind) for thing in scene.objects], np.int64)
    colours = np.array([COLOURS.index(thing.colour) for thing in scene.objects], np.int64)
    return _Truth(boxes, kinds, kinds * len(COLOURS) + colours)


def _answers(detector: Detector, scene: Scene, truth: _Truth) -> dict[str, NDArray[np.bool_]]:
    """Hits of one scene, for each figure one array over its regions (and words)."""
    regions = detector.regions(scene.frame, truth.boxes)
    threshold = detector.tower.card.threshold
    hits: dict[str, NDArray[np.bool_]] = {}
    best = []
    own = np.arange(len(KINDS))[None] == truth.kinds[:, None]  # (N, C)
    for language in LANGUAGES:
        scores = detector.scores(regions, [name(kind, language) for kind in KINDS])  # (N, C)
        pairs = detector.scores(regions, [phrase(kind, colour, language) for kind in KINDS for colour in COLOURS])
        strange = detector.scores(regions, list(STRANGERS[language]))
        best.append(scores.argmax(1))
        hits[f"kinds {language}"] = best[-1] == truth.kinds
        hits[f"pairs {language}"] = pairs.argmax(1) == truth.pairs
        hits[f"found {language}"] = scores[own] > threshold
        hits[f"false {language}"] = scores[~own] > threshold
        hits[f"strangers {language}"] = (strange > threshold).ravel()
    hits["agreement"] = np.equal(best[0], best[1])
    return hits


def _whole(detector: Detector, seed: int, index: int, size: tuple[int, int]) -> dict[str, NDArray[np.bool_]]:
    """Hits on a scene of its own, in which one object fills much of the frame."""
    scene = render_scene(seed + 1, index, size, count=(1, 1), sides=(0.5, 0.9))
    features = detector.features(scene.frame)
    hits = {}
    for language in LANGUAGES:
        answer = detector.classify_image(features, [name(kind, language) for kind in KINDS])
        hits[f"whole {language}"] = np.array([KINDS[answer.class_id[0]] == thing.kind for thing in scene.objects])
    return hits


def _found(detector: Detector, scene: Scene) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The detector's own boxes `(N, 4)` and their confidence for each English kind `(N, C)`."""
    regions = detector.regions(scene.frame)
    scores = detector.scores(regions, [name(kind, "en") for kind in KINDS])
    return regions.xyxy, scores * regions.objectness[:, None]


def _covered(truth: _Truth, boxes: NDArray[np.float32]) -> NDArray[np.bool_]:
    if len(boxes) == 0:
        return np.zeros(len(truth.boxes), np.bool_)
    return np.asarray(_overlaps(truth.boxes, boxes).max(1) >= 0.5)


def _overlaps(first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.float32]:
    """IoU of all pairs, `(N, M)`."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(2)  # (N, M)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(1) for boxes in (first, second)]
    total: NDArray[np.float32] = shared / (areas[0][:, None] + areas[1][None] - shared)
    return total


def _share(hits: Sequence[NDArray[np.bool_]]) -> Share:
    """Mean over all regions; the interval from resampling scenes, since regions of one scene are not independent."""
    good = np.array([each.sum() for each in hits], np.float64)  # (scenes,)
    count = np.array([len(each) for each in hits], np.float64)  # (scenes,)
    drawn = np.random.default_rng(0).integers(len(hits), size=(_RESAMPLES, len(hits)))
    again = good[drawn].sum(1) / np.maximum(count[drawn].sum(1), 1)  # (resamples,)
    low, high = np.percentile(again, [2.5, 97.5])
    return Share(float(good.sum() / max(count.sum(), 1)), float(low), float(high))


def _average_precision(
    truths: Sequence[_Truth], found: Sequence[tuple[NDArray[np.float32], NDArray[np.float32]]], size: tuple[int, int]
) -> tuple[float, float, float]:
    """COCO AP over IoU .5 to .95, at .5 and at .75."""
    annotations: list[dict[str, object]] = []
    rows: list[list[float]] = []
    for image, (truth, (boxes, scores)) in enumerate(zip(truths, found, strict=True), 1):
        for box, kind in zip(truth.boxes, truth.kinds, strict=True):
            wide, high = float(box[2] - box[0]), float(box[3] - box[1])
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image,
                    "category_id": int(kind) + 1,
                    "bbox": [float(box[0]), float(box[1]), wide, high],
                    "area": wide * high,
                    "iscrowd": 0,
                }
            )
        for box, row in zip(boxes, scores, strict=True):
            for kind in np.argsort(-row)[:_TOP]:
                rows.append([image, box[0], box[1], box[2] - box[0], box[3] - box[1], row[kind], kind + 1])
    if not rows:
        return 0.0, 0.0, 0.0
    return _quietly(lambda: _coco(annotations, np.array(rows, np.float64), len(truths), size))


def _coco(
    annotations: list[dict[str, object]], rows: NDArray[np.float64], images: int, size: tuple[int, int]
) -> tuple[float, float, float]:
    truth = COCO()
    truth.dataset = {
        "info": {},
        "images": [{"id": i + 1, "height": size[0], "width": size[1]} for i in range(images)],
        "annotations": annotations,
        "categories": [{"id": i + 1, "name": kind} for i, kind in enumerate(KINDS)],
    }
    truth.createIndex()
    evaluation = COCOeval(truth, truth.loadRes(rows), "bbox")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    ap, ap50, ap75 = (float(value) for value in evaluation.stats[:3])
    return ap, ap50, ap75


def _quietly(work: Callable[[], tuple[float, float, float]]) -> tuple[float, float, float]:
    with contextlib.redirect_stdout(io.StringIO()):  # pycocotools prints its progress
        return work()
