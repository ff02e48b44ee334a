"""What tiles, crops and patch budgets do for small objects on large frames, and what they cost.

`regionclip eval tiling` prints the table. The scenes are rendered, of series that no training run has seen.

Letters: N boxes, C labels.
"""

import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from regionclip.config import Budget, Tiles
from regionclip.data.intervals import Share, share
from regionclip.detector import Detector
from regionclip.evaluation.accuracy.precision import FoundBoxes, average_precision, covered, truth_of
from regionclip.formats.tables import as_table
from regionclip.loading import make_tower
from regionclip.scenes.language.phrases import KINDS, kind_names
from regionclip.scenes.render import Scene, render_scene
from regionclip.towers.device import choose_device

COUNT = (20, 30)
"""Fewest and most objects of a scene."""

SPREAD = 1.1
"""Largest object in units of the size that is asked for; the smallest is as much smaller."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One way of looking at a frame: `Config.tiles`, `Config.budget` (None: the tower's) and `Config.crop_small`."""

    tiles: Tiles = "none"
    budget: Budget | None = None
    crops: bool = False

    def __str__(self) -> str:
        tiles = self.tiles if isinstance(self.tiles, str) else "x".join(map(str, self.tiles))
        budget = [] if self.budget is None else [str(self.budget)]
        return ", ".join([tiles, *budget, *(["crops"] if self.crops else [])])


@dataclass(frozen=True, slots=True)
class TilingRow:
    """Figures of one setting.

    Attributes:
        setting: what was set.
        passes: pictures that the tower was run on, a frame: the whole, tiles, crops.
        milliseconds: median wall time of a frame, proposals to scores.
        processor: median processor time of the same, in milliseconds, which other work on the machine changes little.
        ap50: COCO's AP at IoU .5 of all proposals with the kinds as words.
        ap: the same over IoU .5 to .95.
        recall: share of true boxes that a proposal overlaps by .5.
        top1: share of true boxes whose best word is right.
    """

    setting: Setting
    passes: float
    milliseconds: float
    processor: float
    ap50: Share
    ap: Share
    recall: Share
    top1: Share


@dataclass(frozen=True, slots=True)
class TilingFigures:
    """A row for each setting, and what was measured on.

    Attributes:
        seed: of the series of scenes.
        scenes: how many.
        objects: labelled objects in them.
        size: `(H, W)` of the frames in pixels.
        side: longer side of the objects in pixels, about.
        rows: in the order of the settings.
    """

    seed: int
    scenes: int
    objects: int
    size: tuple[int, int]
    side: float
    rows: tuple[TilingRow, ...]


def settings_of(tilings: Sequence[Tiles]) -> list[Setting]:
    """No tiles, each of `tilings`, and with none and the last of them other budgets and crops."""
    rows = [Setting(), Setting(budget="fine"), Setting(crops=True), *(Setting(tiles) for tiles in tilings)]
    last = tilings[-1:]
    rows += [Setting(tiles, budget) for tiles in last for budget in ("fast", "fine")]
    return [*rows, *(Setting(tiles, crops=True) for tiles in last)]


def evaluate_tiling(
    detector: Detector,
    settings: Sequence[Setting],
    *,
    seed: int = 900_301,
    scenes: int = 10,
    size: tuple[int, int] = (1080, 1920),
    side: float = 24.0,
    watch: Callable[[Sequence[int]], Iterable[int]] = iter,
) -> TilingFigures:
    """Measure each setting on the same scenes.

    Args:
        detector: whose tower, proposer and other settings are used; its own config must have no tiles.
        settings: what to compare.
        seed: of the series of scenes.
        scenes: how many.
        size: `(H, W)` of the frames in pixels.
        side: longer side of the objects in pixels; they vary by `SPREAD`.
        watch: gets the scenes' numbers and gives them back one by one, as a progress bar does.
    """
    share_of_side = side / min(size)
    sides = (share_of_side / SPREAD, share_of_side * SPREAD)
    pictures = [render_scene(seed, index, size, count=COUNT, sides=sides) for index in watch(range(scenes))]
    rows = tuple(_measured(_as(detector, setting), setting, pictures, watch) for setting in settings)
    return TilingFigures(seed, scenes, sum(len(scene.objects) for scene in pictures), size, side, rows)


def table(figures: TilingFigures) -> str:
    """The figures as lines of text."""
    height, width = figures.size
    head = (
        f"{figures.scenes} scenes of {width}x{height} pixels, {figures.objects} objects of about {figures.side:g} "
        f"pixels, seed {figures.seed}, 95 % intervals over scenes"
    )
    columns = ("tiles", "passes", "ms", "cpu ms", "AP50", "AP", "recall", "top-1, true boxes")
    rows = [
        (
            *(row.setting, f"{row.passes:.1f}", f"{row.milliseconds:.0f}", f"{row.processor:.0f}"),
            *(row.ap50, row.ap, row.recall, row.top1),
        )
        for row in figures.rows
    ]
    return f"{head}\n{as_table(columns, rows, indent=2)}"


def _as(detector: Detector, setting: Setting) -> Detector:
    """The same detector set otherwise; another budget is another tower."""
    config = detector.config.changed(tiles=setting.tiles, budget=setting.budget, crop_small=setting.crops)
    tower = detector.tower
    if setting.budget is not None:
        tower = make_tower(config, choose_device(config.device))
    return Detector(tower, detector.proposer, config)


def _measured(
    detector: Detector, setting: Setting, scenes: Sequence[Scene], watch: Callable[[Sequence[int]], Iterable[int]]
) -> TilingRow:
    words = kind_names("en")
    # Not timed: words are encoded, and what is loaded late is there.
    detector.scores(detector.regions(scenes[0].frame, words=words), words)
    truths = [truth_of(scene.objects) for scene in scenes]
    found: list[FoundBoxes] = []
    right: list[NDArray[np.bool_]] = []
    times, processor, passes = [], [], []
    for index in watch(range(len(scenes))):
        start, busy = time.perf_counter(), time.process_time()
        features = detector.features(scenes[index].frame)
        regions = detector.regions(features, words=words)
        scores = detector.scores(regions, words)  # (N, C)
        times.append((time.perf_counter() - start) * 1000)
        processor.append((time.process_time() - busy) * 1000)
        passes.append(features.passes)
        found.append((regions.xyxy, scores * regions.objectness[:, None]))
        boxes, kinds = truths[index]
        right.append(detector.scores(detector.regions(features, boxes), words).argmax(axis=1) == kinds)
    precision = average_precision(truths, found, KINDS)
    recall = share([covered(boxes, own) for (boxes, _), (own, _) in zip(truths, found, strict=True)])
    return TilingRow(
        setting,
        statistics.mean(passes),
        statistics.median(times),
        statistics.median(processor),
        precision.ap50,
        precision.ap,
        recall,
        share(right),
    )
