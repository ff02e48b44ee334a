"""MetaCLIP 2: a CLIP trained on the whole web's languages (https://arxiv.org/abs/2507.22062)."""

from typing import ClassVar

import torch
from transformers import MetaClip2Model

from regionclip.towers.base import Target
from regionclip.towers.card import FACTS
from regionclip.towers.clip.tower import PIXELS, ClipTower
from regionclip.towers.crops import Natives


class MetaCLIP2Tower(ClipTower):
    """MetaCLIP 2 of any size, with the tokenizer of XLM-V; those with mT5's have other marks and are refused."""

    facts = FACTS["metaclip_2"]
    natives: ClassVar[Natives] = {"metaclip_2": (MetaClip2Model, PIXELS)}
    marks = ("<s>", "</s>", "<pad>")
    length = 77  # of CLIP

    def embed(self, ids: list[int], target: Target) -> torch.Tensor:
        """`(width,)` by the end token; attention is causal, so padding behind it would change nothing."""
        pooled = self.model.text_model(input_ids=torch.tensor([ids], device=self.device)).pooler_output  # (1, D)
        return self.model.text_projection(pooled[0])
