"""Training batches of the embedded tower: rendered scenes and phrases with their exact truth.

A batch is a pure function of the run's seed, its number and its phase, so a run can be resumed at any batch.

Letters: B images, N regions of the whole batch, P phrases, L text tokens, h x w token grid.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from itertools import count

import numpy as np
import torch
from tokenizers import Tokenizer

from regionclip.scenes.casting import PEOPLE
from regionclip.scenes.kinds.known import KINDS as DRAWN
from regionclip.scenes.language.phrases import COLOURS, KINDS, TRAIT_NAMES, PhraseMaker, Statement, targets
from regionclip.scenes.render import render_scene
from regionclip.scenes.stage import SceneObject, boxes_of
from regionclip.towers.preprocess import resize_frame
from regionclip.towers.tiny.text import encode
from regionclip.training.loader import load

PATCH = 16
_UNNAMED = 0.25
_ABOUT = 64  # objects of a batch that phrases are true of
_LARGEST_SHARE = 0.08  # of an empty box that objects may fill


@dataclass(frozen=True, slots=True)
class Phase:
    """A part of the run with its own picture sizes.

    Attributes:
        until: share of the run at which it ends, 0..1.
        grids: token grids `(h, w)` to choose from.
        sides: smallest and largest object as shares of the frame's shorter side.
        people: share of objects that are people on top of their even share.
        traits: objects of a batch of which a trait is both said and denied.
        strangers: phrases of a batch about things that no scene shows.
        babble: share of sentences with a nonsense word in them.
    """

    until: float
    grids: tuple[tuple[int, int], ...]
    sides: tuple[float, float]
    people: float = PEOPLE
    traits: int = 0
    strangers: int = 20
    babble: float = 0.0


PHASES: tuple[Phase, ...] = (
    Phase(0.42, ((8, 8), (8, 10), (7, 10), (9, 9), (7, 12), (10, 8)), (0.2, 0.65)),
    Phase(0.66, ((10, 13), (9, 14), (11, 11), (8, 15), (12, 10), (13, 18), (12, 16)), (0.16, 0.62), 0.16, 14, 30, 0.3),
    Phase(1.0, ((13, 18), (12, 21), (14, 14), (15, 20), (17, 23), (15, 26), (17, 13)), (0.08, 0.62), 0.16, 14, 30, 0.3),
)
"""Small pictures first: shapes are learned from many pictures, fine boxes and what people wear from larger ones."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What one training step sees.

    Attributes:
        images: `(B, 3, h*16, w*16)` uint8 RGB.
        boxes: for each image `(N_i, 4)` float32 xyxy in tokens.
        empty: for each image up to 2 boxes `(M_i, 4)` float32 of the place alone; no phrase is true of them.
        kinds: `(N,)` int64 index into `KINDS`.
        colours: `(N,)` int64 index into `COLOURS`, -1 for a colour that no name fits.
        traits: `(N, T)` int64, 1 and 0 for a trait that holds or not, -1 where it cannot be said.
        phrases: token ids of each phrase.
        truth: `(N, P)` float32 of 0 and 1, nan where it cannot be said.
        phrase_kinds: `(P,)` int64 index of a phrase's only kind, -1 for none or several.
        phrase_colours: `(P,)` the same for colours.
        phrase_traits: `(P, T)` int64, 1 and 0 for a trait that a phrase wants or denies, -1 for one it leaves open.
    """

    images: torch.Tensor
    boxes: list[torch.Tensor]
    empty: list[torch.Tensor]
    kinds: torch.Tensor
    colours: torch.Tensor
    traits: torch.Tensor
    phrases: list[list[int]]
    truth: torch.Tensor
    phrase_kinds: torch.Tensor
    phrase_colours: torch.Tensor
    phrase_traits: torch.Tensor


class SceneBatches:
    """Batches by `(number, phase)`.

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
        number, phase = key[0], PHASES[key[1]]
        rng = np.random.default_rng((self._seed, 0x5CE4E, number))
        grid = phase.grids[rng.integers(len(phase.grids))]
        images, boxes = [], []
        objects: list[SceneObject] = []
        for i in range(self._size):
            image, box, seen = self._scene(rng, number * self._size + i, grid, phase)
            images.append(image)
            boxes.append(box)
            objects += seen
        phrases = draw_phrases(rng, objects, phase)
        return Batch(
            images=torch.stack(images),
            boxes=boxes,
            empty=[empty_boxes(rng, box, grid) for box in boxes],
            kinds=torch.tensor([KINDS.index(item.kind) for item in objects], dtype=torch.int64),
            colours=torch.tensor([_index(COLOURS, item.colour) for item in objects], dtype=torch.int64),
            traits=torch.tensor([_traits_seen(item) for item in objects], dtype=torch.int64).reshape(len(objects), -1),
            phrases=[encode(self._tokenizer, phrase.text, self._text_length)[0] for phrase in phrases],
            truth=torch.from_numpy(targets(phrases, objects)),
            phrase_kinds=torch.tensor([_index(KINDS, _only(phrase.kinds)) for phrase in phrases]),
            phrase_colours=torch.tensor([_index(COLOURS, _only(phrase.colours or ())) for phrase in phrases]),
            phrase_traits=torch.tensor([[dict(p.traits).get(t, -1) for t in TRAIT_NAMES] for p in phrases]),
        )

    def _scene(
        self, rng: np.random.Generator, index: int, grid: tuple[int, int], phase: Phase
    ) -> tuple[torch.Tensor, torch.Tensor, tuple[SceneObject, ...]]:
        """One picture at the grid's size, its boxes in tokens and what it shows."""
        alone = rng.random() < 0.12  # one thing fills the picture, for whole-image words
        many, sides = ((1, 1), (0.5, 0.95)) if alone else ((3, 8), phase.sides)
        fine = 2 if rng.random() < 0.2 else 1  # some are rendered large and resized, as camera frames are
        size = (grid[0] * PATCH * fine, grid[1] * PATCH * fine)
        scene = render_scene(self._seed, index, size, count=many, sides=sides, unnamed=_UNNAMED, people=phase.people)
        image = resize_frame(scene.frame, (grid[0] * PATCH, grid[1] * PATCH))  # (3, h*16, w*16)
        xyxy = torch.from_numpy(boxes_of(scene.objects))
        return image, xyxy / (PATCH * fine), scene.objects


def empty_boxes(rng: np.random.Generator, boxes: torch.Tensor, grid: tuple[int, int], count: int = 2) -> torch.Tensor:
    """Up to `count` random boxes `(M, 4)` in tokens that show hardly anything of the true ones `(N, 4)`."""
    size = rng.uniform(0.1, 0.5, (8, 2)) * min(grid)  # (8, 2) width, height
    corner = rng.uniform(0, 1, (8, 2)) * (np.array([grid[1], grid[0]]) - size)
    tried = torch.from_numpy(np.concatenate([corner, corner + size], 1)).float()  # (8, 4)
    low, high = torch.maximum(tried[:, None, :2], boxes[:, :2]), torch.minimum(tried[:, None, 2:], boxes[:, 2:])
    shared = (high - low).clamp(min=0).prod(-1).sum(1)  # (8,)
    free = shared < _LARGEST_SHARE * (tried[:, 2:] - tried[:, :2]).prod(1)
    return tried[free][:count]


def draw_phrases(rng: np.random.Generator, objects: list[SceneObject], phase: Phase) -> list[Statement]:
    """Phrases for a batch: true ones for up to 64 objects, half as many near misses, what the phase asks for."""
    maker = PhraseMaker(rng, babble=phase.babble)
    chosen = [objects[i] for i in rng.permutation(len(objects))[:_ABOUT]]
    phrases = [maker.true_of(item) for item in chosen]
    phrases += [maker.near_miss(item) for item in chosen[::2]]
    phrases += [maker.anything() for _ in range(4)]
    phrases += [maker.unknown() for _ in range(phase.strangers)]
    asked = [item for item in objects if item.certain and DRAWN[item.kind].traits]
    for i in rng.permutation(len(asked))[: phase.traits]:
        phrases += maker.said_and_denied(asked[i])
    return phrases


def _only(names: Collection[str]) -> str | None:
    return next(iter(names)) if len(names) == 1 else None


def _index(order: tuple[str, ...], word: str | None) -> int:
    return order.index(word) if word is not None else -1


def _traits_seen(item: SceneObject) -> list[int]:
    if not item.certain:
        return [-1] * len(TRAIT_NAMES)
    return [int(trait in item.traits) if trait in DRAWN[item.kind].traits else -1 for trait in TRAIT_NAMES]


def batches(data: SceneBatches, first: int, progress: Callable[[int], float], workers: int) -> Iterator[Batch]:
    """Batches from number `first` until `progress(number)` reaches 1; `workers` processes render, this one if 0."""

    def keys() -> Iterator[tuple[int, int]]:
        for number in count(first):
            if (share := progress(number)) >= 1:
                return
            yield number, next(i for i, phase in enumerate(PHASES) if share < phase.until)

    return load(data.__getitem__, keys(), workers)
