"""Figures on a small fixed set of scenes while training: cheap, and good enough to see a run go wrong."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from tokenizers import Tokenizer
from torch.nn.functional import normalize
from torchvision.ops import box_iou, roi_align

from proposals.dense import DenseHead
from regionclip.scenes.language.phrases import ASKED, COLOURS, KINDS, kind_names, misspelt, phrase, trait_phrase
from regionclip.scenes.language.sentences import LANGUAGES, UNSEEN
from regionclip.scenes.render import Pairs, render_scene
from regionclip.scenes.stage import SceneObject, boxes_of
from regionclip.towers.preprocess import grid_for, resize_frame
from regionclip.towers.tiny.text import encode, pad
from regionclip.training.embedded.data import PATCH
from regionclip.training.embedded.network import TrainingNetwork, to_map

CHECK_SEED = 777_000
_SIZES = ((480, 640), (540, 960), (240, 320))


@dataclass(frozen=True, slots=True)
class _Case:
    image: torch.Tensor  # (1, 3, h*16, w*16) float32 in -1..1
    grid: tuple[int, int]
    boxes: torch.Tensor  # (N, 4) xyxy in tokens
    objects: tuple[SceneObject, ...]  # N


class Check:
    """Renders its scenes once, when they are first needed, and measures a network on them.

    Args:
        tokenizer: of the tower.
        text_length: most tokens of a phrase.
        scenes: how many with trained pairs of kind and colour; half as many show pairs that are never trained.
        budget: most tokens of a picture.
    """

    def __init__(self, tokenizer: Tokenizer, text_length: int, scenes: int = 60, budget: int = 256) -> None:
        self._scenes, self._budget = scenes, budget
        self._words = {
            key: [encode(tokenizer, text, text_length)[0] for text in texts] for key, texts in _questions().items()
        }

    @cached_property
    def _cases(self) -> list[tuple[_Case, bool]]:
        """Scenes, and whether they show pairs that are trained."""
        count, budget = self._scenes, self._budget
        trained = [(_case(i, budget, "trained"), True) for i in range(count)]
        return trained + [(_case(i, budget, "held out"), False) for i in range(count, count + count // 2)]

    @torch.inference_mode()
    def __call__(self, network: TrainingNetwork) -> dict[str, float]:
        """Shares in 0..1.

        `kinds_*`: top-1 among kinds with true boxes. `pairs_*`, `held_out_*`: among kinds in colours, on trained pairs
        and on the others. `unseen_*`, `typos`: kinds in sentences that training never makes, and misspelt.
        `traits_*`: share of yes / no questions answered right. `whole`: the best word for the whole frame is of
        something it shows. `recall50`, `recall75`: true boxes that one of 60 sure boxes overlaps so well.
        """
        tower = network.tower
        outputs = {key: tower.text(*pad(ids)) for key, ids in self._words.items()}
        texts = {key: normalize(tower.text.region(out)) for key, out in outputs.items()}
        nouns = normalize(tower.text.image(outputs["kinds_en"]))
        hits: dict[str, list[float]] = {}
        for case, trained in self._cases:
            tokens = tower.tokens(case.image)  # (1, h*w, D)
            dense = to_map(tower.dense(tokens), case.grid)  # (1, D, h, w)
            regions = normalize(roi_align(dense, [case.boxes], 1, 1.0, -1, aligned=True).flatten(1))  # (N, D)
            found = _answers(regions, texts, case.objects, trained=trained)
            if trained:
                best = int((normalize(tower.whole(tokens)) @ nouns.T).argmax())
                found["whole"] = [float(KINDS[best] in [item.kind for item in case.objects])]
                overlap = _best_overlap(network.boxes, tokens, case)
                found["recall50"] = (overlap > 0.5).float().tolist()
                found["recall75"] = (overlap > 0.75).float().tolist()
            for key, values in found.items():
                hits.setdefault(key, []).extend(values)
        return {key: float(np.mean(values)) for key, values in hits.items() if values}


def _questions() -> dict[str, list[str]]:
    rng = np.random.default_rng(CHECK_SEED)
    asked: dict[str, list[str]] = {}
    for language in LANGUAGES:
        nouns = list(kind_names(language))
        asked[f"kinds_{language}"] = nouns
        asked[f"pairs_{language}"] = [phrase(kind, colour, language) for kind in KINDS for colour in COLOURS]
        frame = UNSEEN[language][0]
        asked[f"unseen_{language}"] = [frame.format(noun) for noun in nouns]
        asked[f"traits_{language}"] = [
            trait_phrase(kind, trait, holds, language) for kind, trait in ASKED for holds in (False, True)
        ]
    asked["typos"] = [misspelt(rng, noun) if len(noun) > 3 else noun for noun in asked["kinds_en"]]
    return asked


def _answers(
    regions: torch.Tensor, texts: dict[str, torch.Tensor], objects: tuple[SceneObject, ...], *, trained: bool
) -> dict[str, list[float]]:
    kinds = torch.tensor([KINDS.index(item.kind) for item in objects], dtype=torch.int64)  # (N,)
    colours = torch.tensor([COLOURS.index(item.colour or "") for item in objects], dtype=torch.int64)
    truth = {"kinds": kinds, "pairs": kinds * len(COLOURS) + colours, "unseen": kinds, "typos": kinds}
    found: dict[str, list[float]] = {}
    for key, words in texts.items():
        what, _, language = key.partition("_")
        if what == "traits":
            if trained:
                found[key] = _traits_right(regions @ words.T, objects)
        elif trained or what == "pairs":
            right = (regions @ words.T).argmax(1) == truth[what]  # (N,)
            if what == "pairs":  # a safety vest hides the jacket
                right = right[["vest" not in item.traits for item in objects]]
            found[key if trained else f"held_out_{language}"] = right.float().tolist()
    return found


def _traits_right(cosine: torch.Tensor, objects: tuple[SceneObject, ...]) -> list[float]:
    """For each trait that can be seen: whether the phrase that says so beats the phrase that denies it."""
    pairs = cosine.reshape(len(objects), -1, 2)  # (N, traits, denied or said)
    return [
        float((pairs[n, i, 1] > pairs[n, i, 0]) == (trait in item.traits))
        for n, item in enumerate(objects)
        for i, (kind, trait) in enumerate(ASKED)
        if item.kind == kind and item.certain
    ]


def _best_overlap(head: DenseHead, tokens: torch.Tensor, case: _Case) -> torch.Tensor:
    """`(N,)` best IoU of each true box with the 60 sure-most proposals, before suppression."""
    logits, distances = head(tokens[0], case.grid)
    top = logits.topk(min(60, len(logits))).indices
    return box_iou(case.boxes, head.boxes(distances, case.grid)[top]).amax(1)


def _case(index: int, budget: int, pairs: Pairs) -> _Case:
    size = _SIZES[index % len(_SIZES)]
    scene = render_scene(CHECK_SEED, index, size, pairs=pairs)
    grid = grid_for(size, PATCH, budget)
    image = resize_frame(scene.frame, (grid[0] * PATCH, grid[1] * PATCH)).float()[None] / 127.5 - 1
    scale = torch.tensor([grid[1] / size[1], grid[0] / size[0]] * 2)
    boxes = torch.from_numpy(boxes_of(scene.objects)) * scale
    return _Case(image, grid, boxes, scene.objects)
