"""The embedded tower with what only training needs: the box head, prototypes, one loss."""

from dataclasses import dataclass

import torch
from torch import nn
from torchvision.ops import roi_align

from proposals.dense import DenseHead
from regionclip.scenes.language.phrases import COLOURS, KINDS, TRAIT_NAMES
from regionclip.towers.tiny.model import TinyConfig, TinyModel
from regionclip.towers.tiny.text import pad
from regionclip.training.embedded.data import Batch
from regionclip.training.loop import Terms
from regionclip.training.losses import box_losses, prototype_loss, sigmoid_contrast

WEIGHTS = {"region": 1.0, "image": 0.25}
_JITTER = 0.08


@dataclass(frozen=True, slots=True)
class Predictions:
    """What the network gives for a batch, all float32.

    Attributes:
        dense: `(B, D, h, w)` region features.
        whole: `(B, D)` image embeddings.
        region_texts: `(P, D)` phrases for regions.
        image_texts: `(P, D)` phrases for images.
        objectness: `(B, S)` logits.
        distances: `(B, S, 4)` log distances.
    """

    dense: torch.Tensor
    whole: torch.Tensor
    region_texts: torch.Tensor
    image_texts: torch.Tensor
    objectness: torch.Tensor
    distances: torch.Tensor


class TrainingNetwork(nn.Module):
    """The tower, its box head, and prototypes of kinds, colours and traits that are thrown away at the end."""

    def __init__(self, config: TinyConfig) -> None:
        super().__init__()
        self.tower = TinyModel(config)
        self.boxes = DenseHead(config.width)
        self.kinds = nn.Parameter(torch.randn(len(KINDS), config.width))
        self.colours = nn.Parameter(torch.randn(len(COLOURS), config.width))
        self.traits = nn.Parameter(torch.randn(len(TRAIT_NAMES), 2, config.width))

    def forward(self, images: torch.Tensor, phrases: list[list[int]]) -> Predictions:
        """Run everything once; `images` `(B, 3, h*16, w*16)` in -1..1, in the dtype of the weights."""
        grid = (images.shape[2] // self.tower.config.patch, images.shape[3] // self.tower.config.patch)
        tokens = self.tower.tokens(images)  # (B, h*w, D)
        dense = to_map(self.tower.dense(tokens), grid)  # (B, D, h, w)
        objectness, distances = self.boxes(tokens, grid)  # (B, S), (B, S, 4)
        texts = self._texts(phrases)  # (P, D)
        heads = self.tower.text
        out = (dense, self.tower.whole(tokens), heads.region(texts), heads.image(texts), objectness, distances)
        return Predictions(*(part.float() for part in out))

    def _texts(self, phrases: list[list[int]]) -> torch.Tensor:
        """`(P, D)`; short and long phrases apart, since padding costs as much as words."""
        order = sorted(range(len(phrases)), key=lambda i: len(phrases[i]))
        cut = 2 * len(order) // 3
        parts = [self.tower.text(*pad([phrases[i] for i in some])) for some in (order[:cut], order[cut:]) if some]
        back = torch.empty(len(order), dtype=torch.int64)
        back[torch.tensor(order)] = torch.arange(len(order))
        return torch.cat(parts)[back]


def run_network(network: TrainingNetwork, batch: Batch, dtype: torch.dtype) -> Predictions:
    """Predictions for a batch, computed in `dtype`; the weights themselves stay float32."""
    images = (batch.images.to(dtype) / 127.5 - 1).to(memory_format=torch.channels_last)
    cast = {name: value.to(dtype) for name, value in network.named_parameters()}
    outputs: Predictions = torch.func.functional_call(network, cast, (images, batch.phrases))
    return outputs


def jittered(boxes: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Boxes `(N, 4)` whose sides moved by up to 8 % of the box: proposals are not exact either."""
    size = (boxes[:, 2:] - boxes[:, :2]).repeat(1, 2)  # (N, 4)
    return boxes + size * _JITTER * (2 * torch.rand(boxes.shape, generator=generator) - 1)


def losses(
    network: TrainingNetwork, out: Predictions, batch: Batch, weights: dict[str, float], generator: torch.Generator
) -> Terms:
    """Every loss of a batch, and their sum by `WEIGHTS` and `weights`."""
    jitter = [jittered(boxes, generator) for boxes in batch.boxes]
    # Adaptive sampling, aligned, one bin: the same numbers as heads.pool.roi_align at inference.
    regions = roi_align(out.dense, jitter, 1, 1.0, -1, aligned=True).flatten(1)  # (N, D)
    empty = roi_align(out.dense, batch.empty, 1, 1.0, -1, aligned=True).flatten(1)  # (M, D)
    truth = torch.cat([batch.truth, torch.zeros(len(empty), batch.truth.shape[1])])  # (N + M, P)
    tower = network.tower
    owner = torch.repeat_interleave(torch.arange(len(batch.boxes)), torch.tensor([len(b) for b in batch.boxes]))  # (N,)
    image_truth = whole_truth(batch.truth, owner, len(batch.boxes))  # (B, P)
    region = sigmoid_contrast(torch.cat([regions, empty]), out.region_texts, truth, tower.region_score)
    image = sigmoid_contrast(out.whole, out.image_texts, image_truth, tower.image_score)
    prototype = torch.stack(
        [
            weight * prototype_loss(vectors, prototypes, labels)
            for vectors, kinds, colours, traits in (
                (regions, batch.kinds, batch.colours, batch.traits),
                (out.region_texts, batch.phrase_kinds, batch.phrase_colours, batch.phrase_traits),
            )
            for weight, prototypes, labels in (
                (1.0, network.kinds, kinds),
                (0.5, network.colours, colours),
                *((0.5, network.traits[i], traits[:, i]) for i in range(len(TRAIT_NAMES))),
            )
        ]
    ).sum()
    grid = (out.dense.shape[2], out.dense.shape[3])
    centres = network.boxes.centres(grid, out.dense.device)  # (S, 2)
    predicted = network.boxes.boxes(out.distances, grid)  # (B, S, 4)
    parts = [
        box_losses(out.objectness[i], out.distances[i], predicted[i], boxes, centres)
        for i, boxes in enumerate(batch.boxes)
    ]
    objectness, l1, overlap = torch.stack(parts).mean(0)
    named = {"region": region, "image": image, "prototype": prototype, "boxes": objectness + l1 + overlap}
    total = torch.stack([weight * named[key] for key, weight in {**WEIGHTS, **weights}.items()]).sum()
    return Terms(total, {**named, "objectness": objectness, "l1": l1, "giou": overlap})


def whole_truth(truth: torch.Tensor, owner: torch.Tensor, images: int) -> torch.Tensor:
    """`(B, P)`: a phrase holds for an image if it holds for one of its regions, and cannot be said if it may.

    Args:
        truth: `(N, P)` 1, 0 or nan of regions.
        owner: `(N,)` image of each region.
        images: B.
    """
    held = torch.zeros(images, truth.shape[1]).index_add(0, owner, (truth == 1).float())  # (B, P)
    unsure = torch.zeros(images, truth.shape[1]).index_add(0, owner, truth.isnan().float())  # (B, P)
    return torch.where(held > 0, 1.0, torch.where(unsure > 0, torch.nan, 0.0))


def to_map(tokens: torch.Tensor, grid: tuple[int, int]) -> torch.Tensor:
    """`(B, h*w, D)` to `(B, D, h, w)`."""
    return tokens.transpose(1, 2).reshape(len(tokens), -1, *grid)
