"""What the regions of a frame cost with each tower and region mode, by the number of boxes. Random weights."""

import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from regionclip.evaluation.speed.random_tower import random_crop_towers, random_fgclip2
from regionclip.evaluation.speed.stages import random_boxes
from regionclip.formats.tables import as_table
from regionclip.towers.base import Frame
from regionclip.towers.crops import CropTower
from regionclip.towers.trunk import TrunkTower

COUNTS: Final = (1, 10, 100)
"""Boxes of a frame."""

_ROUNDS: Final = 3
_LONG: Final = 5.0  # seconds; what takes longer is not done again


@dataclass(frozen=True, slots=True)
class ModeTime:
    """Milliseconds for the regions of one frame, for each of `COUNTS` boxes."""

    tower: str
    mode: str
    milliseconds: tuple[float, ...]


def measure_modes(device: str, dtype: str, size: tuple[int, int]) -> Iterator[ModeTime]:
    """Time a random frame of `(H, W)` pixels, encoded anew each round, in each mode of towers of base size.

    The median of three rounds after one that is not counted; a single round where that takes 5 seconds or more.
    """
    rng = np.random.default_rng(0)
    frame = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
    corners = random_boxes(rng, max(COUNTS), size)  # (N, 4)
    for tower in _towers(device, dtype):
        for mode in tower.facts.modes if isinstance(tower, CropTower) else (tower.card.region_mode,):
            asked = tower.under(region_mode=mode)
            _seconds(asked, frame, corners[:1])
            yield ModeTime(
                tower.card.name, mode, tuple(1000 * _median(asked, frame, corners[:count]) for count in COUNTS)
            )


def table(times: Sequence[ModeTime]) -> str:
    """The figures as lines of text; ratios are to one box of the first row."""
    first = times[0].milliseconds[0]
    head = ("tower", "mode", *(f"ms of {count}" for count in COUNTS), *(f"x of {count}" for count in COUNTS))
    rows = [
        (
            each.tower,
            each.mode,
            *(f"{value:.0f}" for value in each.milliseconds),
            *(f"{value / first:.2f}" for value in each.milliseconds),
        )
        for each in times
    ]
    return as_table(head, rows, indent=2)


def _towers(device: str, dtype: str) -> Iterator[TrunkTower[Any]]:
    """One after the other, so that one is in memory."""
    yield random_fgclip2("base", device=device, dtype=dtype, budget=256)
    yield from random_crop_towers(device, dtype)


def _median(tower: TrunkTower[Any], frame: Frame, boxes: NDArray[np.float32]) -> float:
    times: list[float] = []
    while len(times) < _ROUNDS and (not times or times[0] < _LONG):
        times.append(_seconds(tower, frame, boxes))
    return statistics.median(times)


def _seconds(tower: TrunkTower[Any], frame: Frame, boxes: NDArray[np.float32]) -> float:
    start = time.perf_counter()
    tower.encode_image([frame])[0].pool(boxes)  # on the CPU when it is done
    return time.perf_counter() - start
