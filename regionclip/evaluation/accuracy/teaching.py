"""How well a class is learned from a few boxes: `Detector.teach` on rendered scenes.

Two questions, the same protocol. *Withheld*: kinds that the tower was trained on, but whose word is taken out of the
labels. *Novel*: kinds of `regionclip.scenes.kinds.novel`, which the tower has never seen. For each kind, and for each
of several draws, examples are drawn from one series of scenes, one a scene; the class is taught beside the words of all
other kinds; and the true boxes of another series are labelled with all of these. A draw's examples, and the kinds
drawn, are the same for every tower.

Letters: L lessons (kind and draw), S scenes.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from regionclip.answers.regions import Regions
from regionclip.data.intervals import Share, share_of_lessons
from regionclip.detector import Detector
from regionclip.errors import ConfigError
from regionclip.formats.tables import as_table
from regionclip.scenes.kinds.novel import NOVEL
from regionclip.scenes.language.phrases import KINDS, name
from regionclip.scenes.render import Scene, render_scene
from regionclip.scenes.stage import boxes_of

_TAUGHT = "the taught one"


@dataclass(frozen=True, slots=True)
class TeachingFigures:
    """Figures of one set of kinds, in 0..1, with 95 % intervals from drawing lessons and scenes anew.

    Attributes:
        examples: boxes of one lesson.
        lessons: kinds times draws.
        labels: how many labels compete, the taught one included.
        recall: share of regions of the taught kind whose best label is the taught one.
        false_share: share of regions of other kinds, all of which have a word, whose best label is the taught one.
        found: share of regions of the taught kind on which the taught label passes the tower's threshold.
        false_alarms: share of regions of other kinds on which it does.
    """

    examples: int
    lessons: int
    labels: int
    recall: Share
    false_share: Share
    found: Share
    false_alarms: Share


def evaluate_teaching(
    detector: Detector,
    *,
    kinds: Sequence[str] | None = None,
    examples: int = 5,
    draws: int = 4,
    scenes: int = 120,
    seed: int = 900_101,
    watch: Callable[[Sequence[str]], Iterable[str]] = iter,
) -> TeachingFigures:
    """Teach each of `kinds` from `examples` boxes, `draws` times, and ask for it in `scenes` other scenes.

    Args:
        detector: to teach.
        kinds: names of `scenes.kinds.KINDS`, whose words are withheld, or of `NOVEL`; None takes all of `NOVEL`.
        examples: boxes of one lesson, each from another scene.
        draws: lessons of one kind.
        scenes: that are labelled; examples come from as many others.
        seed: of the labelled scenes; the others have the next one.
        watch: gets the kinds and gives them back one by one, as a progress bar does.

    Raises:
        ConfigError: where the scenes show too few of a kind; take more.
    """
    chosen = list(NOVEL) if kinds is None else list(kinds)
    extra = {kind: NOVEL[kind] for kind in chosen if kind in NOVEL}
    asked, shown = (
        [render_scene(series, index, extra=extra or None) for index in range(scenes)] for series in (seed, seed + 1)
    )
    # As if all were of one frame: scores depend on the embedding alone.
    regions = Regions.joined([detector.regions(scene.frame, boxes_of(scene.objects)) for scene in asked])
    of_scene = np.repeat(np.arange(scenes), [len(scene.objects) for scene in asked])  # (N,)
    truth = np.array([thing.kind for scene in asked for thing in scene.objects])  # (N,)
    rows = []
    for kind in watch(chosen):
        words = [name(other, "en") for other in KINDS if other != kind]
        for draw in range(draws):
            lesson = _examples(shown, kind, examples, np.random.default_rng((seed, draw)))
            scores = detector.scores(regions, detector.teach(words, _TAUGHT, lesson))  # (N, C)
            hits = np.stack([scores.argmax(1) == len(words), scores[:, -1] > detector.tower.card.threshold])  # (2, N)
            groups = np.stack([truth == kind, (truth != kind) & np.isin(truth, KINDS)])  # (2, N): own, other
            rows.append(_sums(hits, groups, of_scene, scenes))
    sums = np.array(rows)  # (L, 2, 3, S)
    return TeachingFigures(
        examples=examples,
        lessons=len(rows),
        labels=len(words) + 1,
        recall=share_of_lessons(sums[:, 0, 0], sums[:, 0, 2]),
        false_share=share_of_lessons(sums[:, 1, 0], sums[:, 1, 2]),
        found=share_of_lessons(sums[:, 0, 1], sums[:, 0, 2]),
        false_alarms=share_of_lessons(sums[:, 1, 1], sums[:, 1, 2]),
    )


def table(figures: TeachingFigures, title: str) -> str:
    """The figures as lines of text."""
    rows = (
        (f"top-1 of {figures.labels} labels is the taught one, its own regions", figures.recall),
        ("top-1 is the taught one, regions of other kinds", figures.false_share),
        ("taught label above the threshold, its own regions", figures.found),
        ("taught label above the threshold, regions of other kinds", figures.false_alarms),
    )
    head = f"{title}: {figures.examples} boxes a lesson, {figures.lessons} lessons, 95 % intervals"
    return f"{head}\n{as_table(('', ''), rows, indent=2)}"


def _examples(
    scenes: Sequence[Scene], kind: str, count: int, rng: np.random.Generator
) -> list[tuple[NDArray[np.uint8], tuple[float, float, float, float]]]:
    """`count` frames with one box of `kind` each, drawn from those that show it."""
    frames = [scene for scene in scenes if any(thing.kind == kind for thing in scene.objects)]
    if len(frames) < count:
        raise ConfigError(f"teaching: expected {count} scenes with {kind!r}, got {len(frames)} of {len(scenes)}")
    pairs = []
    for place in rng.permutation(len(frames))[:count]:
        boxes = [thing.xyxy for thing in frames[place].objects if thing.kind == kind]
        pairs.append((frames[place].frame, boxes[rng.integers(len(boxes))]))
    return pairs


def _sums(
    hits: NDArray[np.bool_], groups: NDArray[np.bool_], of_scene: NDArray[np.int64], scenes: int
) -> NDArray[np.float64]:
    """For own and other regions: those best labelled so, those above the threshold, and all; `(2, 3, S)`."""
    counted = [[np.bincount(of_scene[group & hit], minlength=scenes) for hit in (*hits, group)] for group in groups]
    return np.array(counted, np.float64)
