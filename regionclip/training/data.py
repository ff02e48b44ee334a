"""Training batches of the embedded tower: rendered scenes and phrases with their exact truth.

A batch is a pure function of the run's seed, its number and its stage, so a run can be resumed at any batch.

Letters: B images, N regions of the whole batch, P phrases, L text tokens, h x w token grid.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer
from torch.utils.data import DataLoader, Dataset, Sampler

from regionclip.scenes.phrases import COLOURS, KINDS, Phrase, PhraseMaker, targets
from regionclip.scenes.render import render_scene
from regionclip.towers.preprocess import resize_frame
from regionclip.towers.tiny_text import encode

PATCH = 16


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of the run with its own picture sizes.

    Attributes:
        until: share of the run at which it ends, 0..1.
        grids: token grids `(h, w)` to choose from.
        sides: smallest and largest object as shares of the frame's shorter side.
    """

    until: float
    grids: tuple[tuple[int, int], ...]
    sides: tuple[float, float]


STAGES: tuple[Stage, ...] = (
    Stage(0.42, ((8, 8), (8, 10), (7, 10), (9, 9), (7, 12), (10, 8)), (0.2, 0.65)),
    Stage(0.74, ((10, 13), (9, 14), (11, 11), (8, 15), (12, 10)), (0.16, 0.62)),
    Stage(1.0, ((13, 18), (12, 16), (12, 21), (11, 20), (14, 14), (10, 13), (17, 13)), (0.12, 0.62)),
)
"""Small pictures first: shapes are learned from many pictures, fine boxes from larger ones."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What one training step sees.

    Attributes:
        images: `(B, 3, h*16, w*16)` uint8 RGB.
        boxes: for each image `(N_i, 4)` float32 xyxy in tokens.
        kinds: `(N,)` int64 index into `KINDS`.
        colours: `(N,)` int64 index into `COLOURS`.
        phrases: token ids of each phrase.
        truth: `(N, P)` float32 of 0 and 1.
        phrase_kinds: `(P,)` int64 index of a phrase's only kind, -1 for none or several.
        phrase_colours: `(P,)` the same for colours.
    """

    images: torch.Tensor
    boxes: list[torch.Tensor]
    kinds: torch.Tensor
    colours: torch.Tensor
    phrases: list[list[int]]
    truth: torch.Tensor
    phrase_kinds: torch.Tensor
    phrase_colours: torch.Tensor


class SceneBatches(Dataset[Batch]):
    """Batches by `(number, stage)`.

    Args:
        seed: of the run; scenes of the series `seed` are rendered.
        tokenizer: of the tower.
        text_length: most tokens of a phrase.
        size: images in a batch.
    """

    def __init__(self, seed: int, tokenizer: Tokenizer, text_length: int, size: int = 16) -> None:
        self._seed = seed
        self._tokenizer = tokenizer
        self._text_length = text_length
        self._size = size

    def __getitem__(self, key: tuple[int, int]) -> Batch:
        number, stage = key[0], STAGES[key[1]]
        rng = np.random.default_rng((self._seed, 0x5CE4E, number))
        grid = stage.grids[rng.integers(len(stage.grids))]
        images, boxes, objects = [], [], []
        for i in range(self._size):
            image, box, seen = self._scene(rng, number * self._size + i, grid, stage)
            images.append(image)
            boxes.append(box)
            objects += seen
        phrases = draw_phrases(rng, objects)
        return Batch(
            images=torch.stack(images),
            boxes=boxes,
            kinds=torch.tensor([KINDS.index(kind) for kind, _ in objects], dtype=torch.int64),
            colours=torch.tensor([COLOURS.index(colour) for _, colour in objects], dtype=torch.int64),
            phrases=[encode(self._tokenizer, phrase.text, self._text_length)[0] for phrase in phrases],
            truth=torch.from_numpy(targets(phrases, objects)),
            phrase_kinds=torch.tensor([_only(phrase.kinds, KINDS) for phrase in phrases]),
            phrase_colours=torch.tensor([_only(phrase.colours, COLOURS) for phrase in phrases]),
        )

    def _scene(
        self, rng: np.random.Generator, index: int, grid: tuple[int, int], stage: Stage
    ) -> tuple[torch.Tensor, torch.Tensor, list[tuple[str, str]]]:
        """One picture at the grid's size, its boxes in tokens and what it shows."""
        alone = rng.random() < 0.12  # one thing fills the picture, for whole-image words
        count, sides = ((1, 1), (0.5, 0.95)) if alone else ((3, 7), stage.sides)
        fine = 2 if rng.random() < 0.2 else 1  # some are rendered large and resized, as camera frames are
        size = (grid[0] * PATCH * fine, grid[1] * PATCH * fine)
        scene = render_scene(self._seed, index, size, count=count, sides=sides)
        image = resize_frame(scene.frame, (grid[0] * PATCH, grid[1] * PATCH))  # (3, h*16, w*16)
        xyxy = torch.tensor([o.xyxy for o in scene.objects], dtype=torch.float32).reshape(-1, 4)
        return image, xyxy / (PATCH * fine), [(o.kind, o.colour) for o in scene.objects]


def draw_phrases(rng: np.random.Generator, objects: list[tuple[str, str]], about: int = 56) -> list[Phrase]:
    """Phrases for a batch: true ones for up to `about` objects, half as many near misses, some about nothing here."""
    maker = PhraseMaker(rng)
    chosen = [objects[i] for i in rng.permutation(len(objects))[:about]]
    phrases = [maker.true_of(*item) for item in chosen]
    phrases += [maker.near_miss(*item) for item in chosen[::2]]
    phrases += [maker.anything() for _ in range(4)]
    return phrases + [maker.unknown() for _ in range(8)]


def _only(names: frozenset[str], order: tuple[str, ...]) -> int:
    return order.index(next(iter(names))) if len(names) == 1 else -1


class _Numbers(Sampler[tuple[int, int]]):
    def __init__(self, first: int, progress: Callable[[int], float]) -> None:
        self._first = first
        self._progress = progress

    def __iter__(self) -> Iterator[tuple[int, int]]:
        number = self._first
        while (share := self._progress(number)) < 1:
            yield number, next(i for i, stage in enumerate(STAGES) if share < stage.until)
            number += 1


def _as_is(batch: Any) -> Any:  # noqa: ANN401 - whatever the data set gives
    return batch


def _one_thread(_: int) -> None:
    torch.set_num_threads(1)


def batches(data: SceneBatches, first: int, progress: Callable[[int], float], workers: int) -> DataLoader[Batch]:
    """Batches from number `first` until `progress(number)` reaches 1; `workers` processes render, this one if 0."""
    return DataLoader(
        data,
        batch_size=None,
        sampler=_Numbers(first, progress),
        num_workers=workers,
        collate_fn=_as_is,
        worker_init_fn=_one_thread,
        prefetch_factor=4 if workers else None,
    )
