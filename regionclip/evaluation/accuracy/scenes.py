"""What a detector makes of rendered scenes: words for true boxes, and boxes of its own.

`regionclip eval scenes` prints the table. The scenes are of series that no training run has seen (training uses the
seed of its run, its checks use 777000).

Letters: N boxes, C labels.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regionclip.answers.regions import Regions
from regionclip.data.intervals import Share, balanced, share
from regionclip.detector import Detector
from regionclip.evaluation.accuracy.precision import FoundBoxes, average_precision, covered, truth_of
from regionclip.formats.tables import as_table
from regionclip.scenes.kinds.colours import colours_of
from regionclip.scenes.language.phrases import ASKED, KINDS, kind_names, phrase, trait_phrase, with_a_slip
from regionclip.scenes.language.sentences import LANGUAGES, UNSEEN, Language
from regionclip.scenes.language.strangers import NONSENSE_TEST, held_back_strangers
from regionclip.scenes.render import Scene, render_scene
from regionclip.scenes.stage import boxes_of

PAIRS: tuple[tuple[str, str], ...] = tuple((kind, colour) for kind in KINDS for colour in colours_of(kind))
"""Every kind in every colour that it may have."""

_PROPOSALS = 50
_Hits = dict[str, NDArray[np.bool_]]
_Watch = Callable[[Sequence[int]], Iterable[int]]


@dataclass(frozen=True, slots=True)
class SceneRow:
    """One figure.

    Attributes:
        key: its short name: "kinds_en", "ap50".
        title: what it is, for people.
        value: in 0..1, with its interval.
    """

    key: str
    title: str
    value: Share


@dataclass(frozen=True, slots=True)
class SceneFigures:
    """Figures of one detector on one series of scenes.

    Attributes:
        seed: of the series.
        scenes: how many of the first set were rendered; the other sets are half as large.
        regions: labelled objects in them.
        rows: the figures, in the order of the table.
    """

    seed: int
    scenes: int
    regions: int
    rows: tuple[SceneRow, ...]

    def __getitem__(self, key: str) -> Share:
        return next(row.value for row in self.rows if row.key == key)


def evaluate_scenes(
    detector: Detector,
    *,
    seed: int = 900_001,
    scenes: int = 200,
    size: tuple[int, int] = (480, 640),
    watch: _Watch = iter,
) -> SceneFigures:
    """Measure a detector on `scenes` fresh scenes of `size` `(H, W)` pixels, and on further sets.

    Words for true boxes go through `Detector`, as a user's call would. Average precision is COCO's: all proposals, the
    five best labels of each at score times objectness, no threshold and no further suppression. `watch` gets the
    scenes' numbers and gives them back one by one, as a progress bar does.
    """
    half = max(1, scenes // 2)

    def series(number: int, many: int, **order: Any) -> list[Scene]:  # noqa: ANN401 - options of render_scene
        return [render_scene(seed + number, index, size, **order) for index in watch(range(many))]

    usual = series(0, scenes)
    rows = _words(detector, usual, watch)
    rows += _boxes(detector, usual, watch, "", "")
    rows += _pairs(detector, series(1, half, pairs="held out"), "held_out")
    other = series(2, half, style="other")
    rows += _kinds(detector, other, "other", "kinds, shapes, textures and places never shown")
    rows += _boxes(detector, other, watch, "other_", ", shapes, textures and places never shown")
    small = series(3, half, sides=(0.05, 0.15))
    rows += _kinds(detector, small, "small", "kinds, objects of 5 to 15 % of the side")
    rows += _boxes(detector, small, watch, "small_", ", objects of 5 to 15 % of the side")
    rows += _whole(detector, series(4, scenes, count=(1, 1), sides=(0.5, 0.9)))
    rows += _traits(detector, series(5, half, kinds=sorted({kind for kind, _ in ASKED})))
    return SceneFigures(seed, scenes, sum(len(scene.objects) for scene in usual), tuple(rows))


def table(figures: SceneFigures) -> str:
    """The figures as lines of text."""
    head = f"{figures.scenes} scenes, {figures.regions} regions, seed {figures.seed}, 95 % intervals over scenes"
    return f"{head}\n{as_table(('', ''), [(row.title, row.value) for row in figures.rows], indent=2)}"


def _words(detector: Detector, scenes: Sequence[Scene], watch: _Watch) -> list[SceneRow]:
    """Kinds, pairs, sentences, typos and strangers, with true boxes."""
    hits = [_asked(detector, scenes[index]) for index in watch(range(len(scenes)))]
    titles = {
        "kinds": f"{len(KINDS)} kinds, true boxes, top-1",
        "pairs": f"{len(PAIRS)} kind x colour phrases, pairs shown in training, top-1",
        "unseen": f"kinds in {len(UNSEEN['en'])} sentences never made in training, top-1",
        "typos": "kinds misspelt by one letter in a word of four or more, top-1",
        "found": "own kind above the default threshold",
        "false": "another kind above the threshold, share of pairs",
        "strangers": "unknown nouns above the threshold, share of pairs",
        "nonsense": "nonsense words above the threshold, share of pairs",
        "agreement": "English and Chinese name the same kind",
    }
    rows = []
    for key in hits[0]:
        what, _, language = key.partition("_")
        title = f"{titles[what]}, {language}" if language else titles[what]
        rows.append(SceneRow(key, title, share([hit[key] for hit in hits])))
    return rows


def _asked(detector: Detector, scene: Scene) -> _Hits:
    """Hits of one scene, for each figure one array over its regions (and words)."""
    regions, kinds = _regions(detector, scene), _kinds_of(scene)
    threshold = detector.tower.card.threshold
    own = np.arange(len(KINDS))[None] == kinds[:, None]  # (N, C)
    hits: _Hits = {}
    best: dict[str, NDArray[np.intp]] = {}
    for language in LANGUAGES:
        names = kind_names(language)
        scores = detector.scores(regions, names)  # (N, C)
        best[language] = scores.argmax(1)
        hits[f"kinds_{language}"] = best[language] == kinds
        hits[f"pairs_{language}"] = _pair_hits(detector, regions, scene, language)
        sentences = [[frame.format(noun) for noun in names] for frame in UNSEEN[language]]
        hits[f"unseen_{language}"] = np.concatenate(
            [detector.scores(regions, words).argmax(1) == kinds for words in sentences]
        )
        hits[f"found_{language}"] = scores[own] > threshold
        hits[f"false_{language}"] = scores[~own] > threshold
        strangers = detector.scores(regions, list(held_back_strangers(language))) > threshold
        nonsense = detector.scores(regions, list(NONSENSE_TEST[language])) > threshold
        hits[f"strangers_{language}"], hits[f"nonsense_{language}"] = strangers.ravel(), nonsense.ravel()
    long = np.isin(kinds, _LONG)  # (N,)
    hits["typos"] = np.concatenate([detector.scores(regions, words).argmax(1)[long] == kinds[long] for words in _TYPOS])
    hits["agreement"] = np.array([a == b for a, b in zip(best["en"], best["zh"], strict=True)], np.bool_)
    return hits


def misspelt_kinds(seed: int) -> list[str]:
    """Every English kind with one slip in one of its words of four letters or more; shorter names stay as they are."""
    rng = np.random.default_rng(seed)
    return [with_a_slip(rng, name) for name in kind_names("en")]


_TYPOS = tuple(misspelt_kinds(seed) for seed in range(5))
_LONG = [place for place, (kind, wrong) in enumerate(zip(KINDS, _TYPOS[0], strict=True)) if kind != wrong]
"""Kinds whose names are misspelt; only these are asked for."""


def _kinds(
    detector: Detector, scenes: Sequence[Scene], key: str, title: str, regions: Sequence[Regions] | None = None
) -> list[SceneRow]:
    regions, rows = regions or [_regions(detector, scene) for scene in scenes], []
    for language in LANGUAGES:
        names = kind_names(language)
        hits = [
            detector.scores(seen, names).argmax(1) == _kinds_of(scene)
            for scene, seen in zip(scenes, regions, strict=True)
        ]
        rows.append(SceneRow(f"{key}_{language}", f"{title}, top-1, {language}", share(hits)))
    return rows


def _pairs(detector: Detector, scenes: Sequence[Scene], key: str) -> list[SceneRow]:
    title = f"{len(PAIRS)} kind x colour phrases, pairs never trained, top-1"
    regions = [_regions(detector, scene) for scene in scenes]
    rows = _kinds(detector, scenes, f"{key}_kinds", "kinds in colours they never had in training", regions)
    for language in LANGUAGES:
        hits = [_pair_hits(detector, seen, scene, language) for scene, seen in zip(scenes, regions, strict=True)]
        rows.append(SceneRow(f"{key}_{language}", f"{title}, {language}", share(hits)))
    return rows


def _traits(detector: Detector, scenes: Sequence[Scene]) -> list[SceneRow]:
    """Balanced accuracy of yes / no questions: whether the phrase that says so scores above the one that denies it."""
    regions = [_regions(detector, scene) for scene in scenes]
    rows = []
    for kind, trait in ASKED:
        for language in LANGUAGES:
            words = [trait_phrase(kind, trait, holds, language) for holds in (False, True)]
            yes, no = [], []
            for scene, seen in zip(scenes, regions, strict=True):
                scores = detector.scores(seen, words)  # (N, 2)
                asked = np.array([item.kind == kind and item.certain for item in scene.objects], np.bool_)
                holds = np.array([trait in item.traits for item in scene.objects], np.bool_)
                said = scores[:, 1] > scores[:, 0]
                yes.append(said[asked & holds])
                no.append(~said[asked & ~holds])
            title = f"{kind}: {trait}? balanced accuracy, {language}"
            rows.append(SceneRow(f"{kind}_{trait}_{language}", title, balanced(yes, no)))
    return rows


def _boxes(detector: Detector, scenes: Sequence[Scene], watch: _Watch, key: str, title: str) -> list[SceneRow]:
    """The detector's own boxes, with English kinds."""
    found: list[FoundBoxes] = []
    words = kind_names("en")
    for index in watch(range(len(scenes))):
        regions = detector.regions(scenes[index].frame, words=words)
        scores = detector.scores(regions, words)
        found.append((regions.xyxy, scores * regions.objectness[:, None]))
    truths = [truth_of(scene.objects) for scene in scenes]
    precision = average_precision(truths, found, KINDS)
    recall = share([covered(boxes, own[:_PROPOSALS]) for (boxes, _), (own, _) in zip(truths, found, strict=True)])
    rows = [SceneRow(f"{key}recall50", f"{_PROPOSALS} proposals: recall at IoU .5{title}", recall)]
    values = (("ap50", "AP50", precision.ap50), ("ap75", "AP75", precision.ap75), ("ap", "AP .5:.95", precision.ap))
    return rows + [SceneRow(key + short, f"{long}, kinds, proposals{title}", value) for short, long, value in values]


def _whole(detector: Detector, scenes: Sequence[Scene]) -> list[SceneRow]:
    """Whole frames that one object fills for the most part."""
    rows = []
    features = [detector.features(scene.frame) for scene in scenes]
    for language in LANGUAGES:
        names = kind_names(language)
        hits = []
        for scene, frame in zip(scenes, features, strict=True):
            best = int(detector.classify_image(frame, names).class_id[0])
            hits.append(np.array([KINDS[best] == item.kind for item in scene.objects], np.bool_))
        title = f"kinds, whole frame with one large object, top-1, {language}"
        rows.append(SceneRow(f"whole_{language}", title, share(hits)))
    return rows


def _regions(detector: Detector, scene: Scene) -> Regions:
    return detector.regions(scene.frame, boxes_of(scene.objects))


def _pair_hits(detector: Detector, regions: Regions, scene: Scene, language: Language) -> NDArray[np.bool_]:
    """Whether the best pair is the true one, of all but people in a safety vest, which hides the jacket."""
    best = detector.scores(regions, [phrase(*pair, language) for pair in PAIRS]).argmax(1)  # (N,)
    asked = ["vest" not in item.traits for item in scene.objects]
    true = [PAIRS.index((item.kind, item.colour or "")) for item in scene.objects]
    return np.asarray(best == np.array(true, np.int64))[asked]


def _kinds_of(scene: Scene) -> NDArray[np.int64]:
    return truth_of(scene.objects)[1]
