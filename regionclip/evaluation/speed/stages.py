"""Time of each stage of one frame.

Wall time, the median of several rounds after one that is not counted. Absolute times hold for one machine at one
moment; compare the ratios to the anchor, a float32 matrix product of 1024 x 1024 x 1024 timed in the same run.
"""

import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle, islice

import numpy as np
import torch
from numpy.typing import NDArray

from heads.classify import BANK, EncodedWords, classify
from heads.select import Rules, select
from proposals.base import Proposer
from regionclip.detector import Detector
from regionclip.formats.tables import as_table
from regionclip.scenes.language.phrases import KINDS
from regionclip.scenes.render import SMALLEST, render_scene
from regionclip.towers.base import Frame, Tower

_SIDE = 1024
_REGIONS = 300  # of the frame that many words are timed on
_ANCHOR = "anchor"
_PREPROCESS = "preprocess alone"
_CALL = "det(frame, words)"
_TRUNK = "preprocess + trunk"
_PROPOSE = "propose"


@dataclass(frozen=True, slots=True)
class StageTime:
    """Median and best wall time of one stage, in milliseconds."""

    name: str
    median: float
    best: float


@dataclass(frozen=True, slots=True)
class Speed:
    """What was measured: the token grid, the stages in order, and the anchor."""

    grid: tuple[int, int]
    stages: tuple[StageTime, ...]
    anchor: StageTime


def measure(
    tower: Tower,
    *,
    size: tuple[int, int] = (720, 1280),
    boxes: int = 100,
    labels: int = 24,
    rounds: int = 5,
    detector: Detector | None = None,
    proposer: Proposer | None = None,
) -> Speed:
    """Time one random frame of `size` `(H, W)` pixels with random boxes; words are encoded beforehand.

    Args:
        tower: may have random weights; speed does not depend on them.
        size: `(H, W)` of the frame in pixels.
        boxes: how many are pooled; their sides are 2 to 50 % of the frame's, log-uniform.
        labels: how many phrases they are compared with.
        rounds: how often each stage is timed.
        detector: of this tower; its whole call on a rendered scene, proposals included, is timed as well.
        proposer: timed beside the tower, on the same frame.
    """
    rng = np.random.default_rng(0)
    frame = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
    corners = random_boxes(rng, boxes, size)  # (N, 4)
    words = _random_words(labels, tower.card.width)
    scene = render_scene(0, 0, size).frame if min(size) >= SMALLEST else frame
    asked = [f"{kind} {i}" for i, kind in enumerate(islice(cycle(KINDS), labels))]
    times: dict[str, list[float]] = {}
    for _ in range(rounds + 1):
        _one_round(tower, frame, corners, words, times)
        if proposer is not None:
            with _timed(_PROPOSE, times):
                proposer(frame, tower.encode_image([frame])[0])
        if detector is not None:
            with _timed(_CALL, times):
                detector(scene, asked)
    stages = {name: _stage(name, values) for name, values in times.items()}
    anchor = stages.pop(_ANCHOR)
    return Speed(tower.encode_image([frame])[0].grid, tuple(stages.values()), anchor)


def _one_round(
    tower: Tower, frame: Frame, corners: NDArray[np.float32], words: EncodedWords, times: dict[str, list[float]]
) -> None:
    card = tower.card
    square = torch.randn(_SIDE, _SIDE)
    with _timed(_ANCHOR, times):
        _ = square @ square
    with _timed(_PREPROCESS, times):
        tower.preprocess(frame)
    features = tower.encode_image([frame])[0]
    with _timed(_TRUNK, times):
        _ = features.tokens
    if card.region_mode != "crop":
        with _timed("dense head", times):
            _ = features.dense
    with _timed(f"pool {len(corners)} boxes", times):
        pooled, valid = features.pool(corners)
    with _timed(f"classify {words.num_labels} labels", times):
        scores = classify(pooled, words, scale=card.region_score.scale, bias=card.region_score.bias or 0.0)
    thresholds = torch.full((words.num_labels,), 0.5, dtype=torch.float64)
    with _timed("select", times):
        select(torch.from_numpy(corners), scores.values, Rules(), thresholds=thresholds, valid=valid)


def measure_words(tower: Tower, *, labels: int, rounds: int = 5) -> tuple[StageTime, ...]:
    """Time what many words cost a frame whose regions are pooled: each label has an English and a Chinese phrase.

    The embeddings are random; the tower's background phrases stand against all labels. Thresholds let one label of a
    region pass on average. `encode a phrase` is what a new phrase costs, once.
    """
    regions, card, generator = _REGIONS, tower.card, torch.Generator().manual_seed(0)
    unit = torch.nn.functional.normalize(torch.randn(2 * labels + regions, card.width, generator=generator))
    phrases, pooled = unit[: 2 * labels], unit[2 * labels :]  # (2C, D), (N, D)
    bank = torch.nn.functional.normalize(torch.randn(len(card.negatives), card.width, generator=generator))
    owner = torch.full((len(bank),), BANK)
    words = EncodedWords(phrases, torch.arange(labels).repeat_interleave(2), labels, bank, owner, near=1.0)
    score = card.region_score
    rng, size = np.random.default_rng(0), (720, 1280)
    corners = torch.from_numpy(random_boxes(rng, regions, size))  # (N, 4)
    times: dict[str, list[float]] = {}
    for round_ in range(rounds + 1):
        for text in (f"person {round_}", f"人 {round_}"):
            with _timed("encode a phrase", times):
                tower.encode_text([text], "region")
        with _timed("classify", times):
            scores = classify(pooled, words, scale=score.scale, bias=score.bias or 0.0)
        level = float(scores.values.flatten().kthvalue(scores.values.numel() - regions).values)
        thresholds = torch.full((labels,), level, dtype=torch.float64)
        with _timed("select", times):
            select(corners, scores.values, Rules(nms="agnostic", top_k=1), thresholds=thresholds)
    return tuple(_stage(name, values) for name, values in times.items())


def words_table(stages: tuple[StageTime, ...], labels: int) -> str:
    """The figures of `measure_words` as lines of text."""
    lines = [f"{labels} labels x 2 languages, {_REGIONS} regions, words encoded before", ""]
    rows = [(stage.name, f"{stage.median:.2f}", f"{stage.best:.2f}") for stage in stages]
    lines.append(as_table(("stage", "median ms", "best ms"), rows, indent=2))
    each = next(stage.median for stage in stages if stage.name == "encode a phrase")
    return "\n".join([*lines, f"  encoding all {2 * labels} phrases, once: {2 * labels * each / 1000:.1f} s"])


def _stage(name: str, values: list[float]) -> StageTime:
    """Without the first, which is not counted."""
    return StageTime(name, statistics.median(values[1:]), min(values[1:]))


@contextmanager
def _timed(name: str, times: dict[str, list[float]]) -> Iterator[None]:
    start = time.perf_counter()
    yield
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    times.setdefault(name, []).append((time.perf_counter() - start) * 1000)


def table(speed: Speed, title: str) -> str:
    """The figures as lines of text."""
    h, w = speed.grid
    lines = [f"{title}: {h} x {w} = {h * w} patches, {torch.get_num_threads()} threads", ""]
    total = sum(stage.median for stage in speed.stages if stage.name not in (_PREPROCESS, _PROPOSE, _CALL))
    rows = [(stage.name, stage.median, f"{stage.best:.2f}") for stage in speed.stages]
    rows.append(("sum of the stages", total, ""))
    cells = [(name, f"{median:.2f}", best, f"{median / speed.anchor.median:.2f}") for name, median, best in rows]
    lines.append(as_table(("stage", "median ms", "best ms", "x anchor"), cells, indent=2))
    medians = {stage.name: stage.median for stage in speed.stages}
    if _PROPOSE in medians:
        lines.append(f"  {_PROPOSE} takes {medians[_PROPOSE] / medians[_TRUNK]:.2f} x the time of {_TRUNK}")
    gigaflops = 2 * _SIDE**3 / speed.anchor.median / 1e6
    lines.append(f"  anchor: {speed.anchor.median:.2f} ms for 1024^3 in float32 on the CPU ({gigaflops:.0f} GFLOP/s)")
    return "\n".join(lines)


def _random_words(labels: int, width: int) -> EncodedWords:
    phrases = torch.nn.functional.normalize(torch.randn(labels, width, generator=torch.Generator().manual_seed(0)))
    nothing = torch.zeros(0, dtype=torch.long)
    return EncodedWords(phrases, torch.arange(labels), labels, torch.zeros(0, width), nothing, near=1.0)


def random_boxes(rng: np.random.Generator, count: int, size: tuple[int, int]) -> NDArray[np.float32]:
    """`(N, 4)` xyxy in a frame of `(H, W)` pixels; their sides are 2 to 50 % of its, log-uniform."""
    frame = np.array([size[1], size[0]])
    sides = np.exp(rng.uniform(np.log(0.02), np.log(0.5), (count, 2))) * frame  # (N, 2)
    start = rng.uniform(0, 1, (count, 2)) * (frame - sides)  # (N, 2)
    return np.concatenate([start, start + sides], axis=1).astype(np.float32)  # (N, 4)
