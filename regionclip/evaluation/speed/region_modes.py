"""What the regions of a frame cost with each tower and region mode, by the number of boxes. Random weights."""

import statistics
import time
from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from regionclip.evaluation.speed.random_tower import random_crop_towers, random_fgclip2
from regionclip.evaluation.speed.stages import random_boxes
from regionclip.formats.tables import as_table
from regionclip.towers.base import Frame
from regionclip.towers.crops import CropTower
from regionclip.towers.trunk import TrunkTower

ROUNDS: Final = {1: 3, 10: 3, 100: 1}
"""Boxes of a frame, and rounds that their median is of; crops of a hundred take a while."""

Milliseconds = Mapping[tuple[str, str], tuple[float, ...]]
"""Tower and mode -> for each number of boxes."""


def measure_modes(device: str, dtype: str, size: tuple[int, int]) -> Milliseconds:
    """Time a random frame of `(H, W)` pixels, encoded anew each round, in each mode of towers of base size.

    One more round goes before, and is not counted.
    """
    found: dict[tuple[str, str], tuple[float, ...]] = {}
    rng = np.random.default_rng(0)
    frame = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
    corners = random_boxes(rng, max(ROUNDS), size)  # (N, 4)
    for tower in _towers(device, dtype):
        for mode in tower.facts.modes if isinstance(tower, CropTower) else (tower.card.region_mode,):
            asked = tower.under(region_mode=mode)
            _milliseconds(asked, frame, corners[:1])
            found[tower.card.name, mode] = tuple(
                statistics.median(_milliseconds(asked, frame, corners[:boxes]) for _ in range(rounds))
                for boxes, rounds in ROUNDS.items()
            )
    return found


def table(found: Milliseconds, size: tuple[int, int]) -> str:
    """The figures as lines of text; ratios are to one box of the first row."""
    first = next(iter(found.values()))[0]
    head = ("tower", "mode", *(f"{boxes} ms" for boxes in ROUNDS), *(f"{boxes} x first" for boxes in ROUNDS))
    rows = [(*key, *(f"{ms:.0f}" for ms in each), *(f"{ms / first:.2f}" for ms in each)) for key, each in found.items()]
    title = f"regions of a frame of {size[1]}x{size[0]} by boxes, base size, random weights"
    return f"{title}, {torch.get_num_threads()} threads\n{as_table(head, rows, indent=2)}"


def _towers(device: str, dtype: str) -> Iterator[TrunkTower[Any]]:
    """One after the other, so that one is in memory."""
    yield random_fgclip2("base", device=device, dtype=dtype, budget=256)
    yield from random_crop_towers(device, dtype)


def _milliseconds(tower: TrunkTower[Any], frame: Frame, boxes: NDArray[np.float32]) -> float:
    start = time.perf_counter()
    tower.encode_image([frame])[0].pool(boxes)  # on the CPU when it is done
    return 1000 * (time.perf_counter() - start)
