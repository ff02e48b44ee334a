"""Figures on a small fixed set of scenes while training: cheap, and good enough to see a run go wrong."""

from dataclasses import dataclass

import numpy as np
import torch
from tokenizers import Tokenizer
from torch.nn.functional import normalize
from torchvision.ops import box_iou, roi_align

from proposals.dense import DenseHead
from regionclip.scenes.phrases import COLOURS, KINDS, LANGUAGES, name, phrase
from regionclip.scenes.render import render_scene
from regionclip.towers.preprocess import grid_for, resize_frame
from regionclip.towers.tiny_text import encode, pad
from regionclip.training.data import PATCH
from regionclip.training.network import TrainingNetwork, to_map

CHECK_SEED = 777_000
_SIZES = ((480, 640), (540, 960), (240, 320))


@dataclass(frozen=True, slots=True)
class _Case:
    image: torch.Tensor  # (1, 3, h*16, w*16) float32 in -1..1
    grid: tuple[int, int]
    boxes: torch.Tensor  # (N, 4) xyxy in tokens
    kinds: torch.Tensor  # (N,)
    both: torch.Tensor  # (N,) index of kind x colour


class Check:
    """Renders its scenes once and measures a network on them.

    Args:
        tokenizer: of the tower.
        text_length: most tokens of a phrase.
        scenes: how many.
    """

    def __init__(self, tokenizer: Tokenizer, text_length: int, scenes: int = 60, budget: int = 256) -> None:
        self._cases = [_case(i, budget) for i in range(scenes)]
        self._words = {}
        for language in LANGUAGES:
            nouns = [name(kind, language) for kind in KINDS]
            pairs = [phrase(kind, colour, language) for kind in KINDS for colour in COLOURS]
            self._words[language] = [[encode(tokenizer, t, text_length)[0] for t in texts] for texts in (nouns, pairs)]

    @torch.inference_mode()
    def __call__(self, network: TrainingNetwork) -> dict[str, float]:
        """Shares in 0..1.

        `kinds_en`, `kinds_zh`, `pairs_en`, `pairs_zh`: top-1 with true boxes. `whole`: the best word for the whole
        frame is of something it shows. `recall50`, `recall75`: true boxes that one of 60 sure boxes overlaps so well.
        """
        tower = network.tower
        texts = {language: [tower.text(*pad(ids)) for ids in words] for language, words in self._words.items()}
        hits: dict[str, list[float]] = {
            key: [] for key in ("kinds_en", "kinds_zh", "pairs_en", "pairs_zh", "whole", "recall50", "recall75")
        }
        for case in self._cases:
            tokens = tower.tokens(case.image)  # (1, h*w, D)
            dense = to_map(tower.dense(tokens), case.grid)  # (1, D, h, w)
            regions = normalize(roi_align(dense, [case.boxes], 1, 1.0, -1, aligned=True).flatten(1))  # (N, D)
            for language in LANGUAGES:
                nouns, pairs = (normalize(tower.text.region(x)) for x in texts[language])
                hits[f"kinds_{language}"] += ((regions @ nouns.T).argmax(1) == case.kinds).float().tolist()
                hits[f"pairs_{language}"] += ((regions @ pairs.T).argmax(1) == case.both).float().tolist()
            best = int((normalize(tower.whole(tokens)) @ normalize(tower.text.image(texts["en"][0])).T).argmax())
            hits["whole"].append(float(best in case.kinds.tolist()))
            overlap = _best_overlap(network.boxes, tokens, case)
            hits["recall50"] += (overlap > 0.5).float().tolist()
            hits["recall75"] += (overlap > 0.75).float().tolist()
        return {key: float(np.mean(values)) for key, values in hits.items()}


def _best_overlap(head: DenseHead, tokens: torch.Tensor, case: _Case) -> torch.Tensor:
    """`(N,)` best IoU of each true box with the 60 sure-most proposals, before suppression."""
    logits, distances = head(tokens[0], case.grid)
    top = logits.topk(min(60, len(logits))).indices
    return box_iou(case.boxes, head.boxes(distances, case.grid)[top]).amax(1)


def _case(index: int, budget: int) -> _Case:
    size = _SIZES[index % len(_SIZES)]
    scene = render_scene(CHECK_SEED, index, size)
    grid = grid_for(size, PATCH, budget)
    image = resize_frame(scene.frame, (grid[0] * PATCH, grid[1] * PATCH)).float()[None] / 127.5 - 1
    scale = torch.tensor([grid[1] / size[1], grid[0] / size[0]] * 2)
    boxes = torch.tensor([o.xyxy for o in scene.objects], dtype=torch.float32).reshape(-1, 4) * scale
    kinds = torch.tensor([KINDS.index(o.kind) for o in scene.objects], dtype=torch.int64)
    colours = torch.tensor([COLOURS.index(o.colour) for o in scene.objects], dtype=torch.int64)
    return _Case(image, grid, boxes, kinds, kinds * len(COLOURS) + colours)
