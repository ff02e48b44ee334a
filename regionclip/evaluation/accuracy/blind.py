"""A trained proposer that is blind to half of the kinds: are they still found?

Things that a detector has no class for get a low objectness, wherever its boxes are right, and open words ask for just
such things. The proposer here is made of the truth: boxes a little off, with a high objectness for every other kind and
a low one for the rest, and windows on nothing in particular.

Letters: N true boxes, W windows, K rows.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import supervision as sv
from numpy.typing import NDArray

from proposals.base import EXTERNAL_WEIGHT, Proposals
from regionclip.answers.regions import Regions
from regionclip.data.intervals import Share, share
from regionclip.data.overlaps import overlaps
from regionclip.detector import Detector
from regionclip.evaluation.accuracy.precision import truth_of
from regionclip.formats.tables import as_table
from regionclip.scenes.language.phrases import kind_names
from regionclip.scenes.render import Scene, render_scene

WEIGHTS = (0.0, EXTERNAL_WEIGHT, 0.2, 0.7)

_SEEN, _BLIND, _NOTHING = (0.6, 0.9), (0.02, 0.1), (0.02, 0.3)  # objectness
_WINDOWS = 40
_OFF = 0.03  # standard deviation of a corner, in sides of the box
_IOU = 0.5


@dataclass(frozen=True, slots=True)
class BlindRow:
    """Figures of one weight of objectness.

    Attributes:
        weight: `Config.objectness_weight`.
        seen: share of the objects of kinds that the proposer sees which a row names, at IoU .5 and above the threshold.
        blind: the same of the kinds that it is blind to.
        wrong: rows a scene that name no object.
    """

    weight: float
    seen: Share
    blind: Share
    wrong: float


def evaluate_blind(
    detector: Detector,
    *,
    seed: int = 900_001,
    scenes: int = 200,
    size: tuple[int, int] = (480, 640),
    watch: Callable[[Sequence[int]], Iterable[int]] = iter,
) -> list[BlindRow]:
    """Ask for all kinds in English on `scenes` fresh scenes of `size` `(H, W)`, at several weights.

    The detector's own proposer is not asked. `watch` gets the scenes' numbers and gives them back one by one.
    """
    detectors = [
        Detector(detector.tower, detector.proposer, detector.config.changed(objectness_weight=weight))
        for weight in WEIGHTS
    ]
    seen, blind = defaultdict(list), defaultdict(list)  # by weight, for each scene which objects are found
    wrong: dict[float, int] = defaultdict(int)
    for index in watch(range(scenes)):
        scene = render_scene(seed, index, size)
        boxes = half_blind(scene, np.random.default_rng((seed, index)))
        regions = Regions.pool(detector.features(scene.frame), boxes, has_objectness=True, given=False)
        odd = truth_of(scene.objects)[1] % 2 == 1  # (N,)
        for weight, each in zip(WEIGHTS, detectors, strict=True):
            fits = _fits(scene, each.classify(regions, kind_names("en")))  # (N, K)
            found = np.asarray(fits.any(axis=1))  # (N,)
            seen[weight].append(found[~odd])
            blind[weight].append(found[odd])
            wrong[weight] += int((~fits.any(axis=0)).sum())
    return [BlindRow(each, share(seen[each]), share(blind[each]), wrong[each] / scenes) for each in WEIGHTS]


def half_blind(scene: Scene, rng: np.random.Generator) -> Proposals:
    """What such a proposer finds in a scene; it sees every other one of `KINDS`, from the first on."""
    boxes, kinds = truth_of(scene.objects)  # (N, 4), (N,)
    sides = np.tile(boxes[:, 2:] - boxes[:, :2], 2)  # (N, 4)
    near = boxes + rng.normal(0, _OFF, boxes.shape) * sides  # (N, 4)
    sure = np.where(kinds % 2 == 0, rng.uniform(*_SEEN, len(kinds)), rng.uniform(*_BLIND, len(kinds)))  # (N,)
    frame = np.array(scene.frame.shape[1::-1])
    window = np.exp(rng.uniform(np.log(0.05), np.log(0.6), (_WINDOWS, 2))) * frame  # (W, 2)
    start = rng.uniform(size=window.shape) * (frame - window)  # (W, 2)
    xyxy = np.concatenate([near, np.concatenate([start, start + window], axis=1)])
    objectness = np.concatenate([sure, rng.uniform(*_NOTHING, _WINDOWS)])
    return Proposals(xyxy.astype(np.float32), objectness.astype(np.float32))


def table(rows: Sequence[BlindRow], scenes: int, seed: int) -> str:
    """The figures as lines of text."""
    head = f"{scenes} scenes, seed {seed}: objects named at IoU .5 by a proposer that is blind to half of the kinds"
    cells = [(f"{row.weight:g}", row.seen, row.blind, f"{row.wrong:.2f}") for row in rows]
    columns = ("objectness_weight", "kinds it sees", "kinds it is blind to", "wrong rows a scene")
    return f"{head}\n{as_table(columns, cells, indent=2)}"


def _fits(scene: Scene, rows: sv.Detections) -> NDArray[np.bool_]:
    """`(N, K)`: which rows name which objects."""
    boxes, kinds = truth_of(scene.objects)
    assert rows.class_id is not None  # a detector gives labels
    return np.asarray((overlaps(boxes, np.asarray(rows.xyxy, np.float32)) >= _IOU) & (kinds[:, None] == rows.class_id))
