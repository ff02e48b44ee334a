"""The embedded tower for fine-tuning.

Letters: B frames, P phrases, D channels, h x w token grid.
"""

import copy
from collections.abc import Sequence
from typing import Literal

import torch
from tokenizers import Tokenizer

from regionclip.towers.base import Frame
from regionclip.towers.preprocess import budget_grid
from regionclip.towers.tiny.model import TinyModel
from regionclip.towers.tiny.text import encode, pad
from regionclip.towers.tiny.tower import TinyTower
from regionclip.training.trainees.base import Encoded, TextUse


class TinyTrainee:
    """A copy of the embedded tower's network as a `Trainee` (regionclip/training/trainees/base.py)."""

    def __init__(self, model: TinyModel, tokenizer: Tokenizer, *, name: str, budget: int | Literal["dynamic"]) -> None:
        self._model = copy.deepcopy(model).requires_grad_(True)
        self._tokenizer = tokenizer
        self._name = name
        self._budget: int | Literal["dynamic"] = budget
        self._reader = self.tower()  # for its preprocessing only, which has no weights

    @property
    def module(self) -> TinyModel:
        """The network."""
        return self._model

    @property
    def image_score(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Log scale and bias between whole frames and captions."""
        return self._model.image_score[0], self._model.image_score[1]

    @property
    def region_score(self) -> torch.Tensor:
        """`(2,)` log scale and bias between regions and phrases."""
        return self._model.region_score

    def encode_frames(self, frames: Sequence[Frame]) -> Encoded:
        """Frames of one grid in one pass."""
        model = self._model
        sizes = [(frame.shape[0], frame.shape[1]) for frame in frames]
        grids = tuple(budget_grid(size, model.config.patch, self._budget) for size in sizes)
        whole: dict[int, torch.Tensor] = {}
        dense: dict[int, torch.Tensor] = {}
        for grid in dict.fromkeys(grids):
            places = [index for index, own in enumerate(grids) if own == grid]
            pixels = torch.stack([self._reader.preprocess(frames[i]) for i in places])  # (B', 3, h*16, w*16) uint8
            images = pixels.to(model.positions.device).to(model.positions.dtype) / 127.5 - 1
            tokens = model.tokens(images)  # (B', h*w, D)
            whole |= zip(places, model.whole(tokens).float(), strict=True)
            dense |= zip(places, model.dense(tokens).float(), strict=True)
        order = range(len(frames))
        return Encoded(torch.stack([whole[i] for i in order]), tuple(dense[i] for i in order), grids)

    def encode_texts(self, texts: Sequence[str], use: TextUse) -> torch.Tensor:
        """`(P, D)`; captions of both lengths go through the head for images."""
        text = self._model.text
        if not texts:
            return torch.zeros(0, self._model.config.width, device=self._model.positions.device)
        rows = [encode(self._tokenizer, each, self._model.config.text_length)[0] for each in texts]
        ids, mask = (part.to(self._model.positions.device) for part in pad(rows))  # (P, L) each
        head = text.region if use == "region" else text.image
        features: torch.Tensor = head(text(ids, mask)).float()  # (P, D)
        return features

    def tower(self) -> TinyTower:
        """A tower on the weights as they are now."""
        return TinyTower(self._model, self._tokenizer, revision="in training", name=self._name, budget=self._budget)
