"""FG-CLIP 2 for fine-tuning.

Letters: B frames, P phrases, D channels, h x w feature grid, n patches a batch is padded to.
"""

import copy
from collections.abc import Sequence
from typing import Final

import torch

from regionclip.towers.base import Frame
from regionclip.towers.fgclip2.model import FGCLIP2Model, Walk, real_patches
from regionclip.towers.fgclip2.text import PhraseTokenizer
from regionclip.towers.fgclip2.tower import FGCLIP2Tower
from regionclip.towers.preprocess import Patches, budget_grid
from regionclip.training.trainees.base import Encoded, TextUse

_WALKS: Final[dict[TextUse, Walk]] = {"region": "box", "short": "short", "long": "long"}


class FGCLIP2Trainee:
    """A copy of an FG-CLIP 2 network as a `Trainee` (regionclip/training/trainees/base.py)."""

    def __init__(self, model: FGCLIP2Model, tokenizer: PhraseTokenizer, *, name: str, budget: Patches) -> None:
        self._model = copy.deepcopy(model).requires_grad_(True)
        self._tokenizer = tokenizer
        self._name = name
        self._budget: Patches = budget
        self._reader = self.tower()  # for its preprocessing only, which has no weights

    @property
    def module(self) -> FGCLIP2Model:
        """The network; its state dict has the official names."""
        return self._model

    @property
    def image_score(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Log scale and bias between whole frames and captions."""
        return self._model.logit_scale, self._model.logit_bias

    @property
    def region_score(self) -> None:
        """None: the released class has no scale and bias for regions."""
        return

    def encode_frames(self, frames: Sequence[Frame]) -> Encoded:
        """All frames in one pass, padded to the largest grid and masked."""
        patch = self._model.config.vision.patch_size
        grids = tuple(budget_grid((frame.shape[0], frame.shape[1]), patch, self._budget) for frame in frames)
        shapes = torch.tensor(grids)  # (B, 2)
        patches = [self._reader.preprocess(frame) for frame in frames]  # (h*w, 3*patch**2) each
        pixels = torch.nn.utils.rnn.pad_sequence(patches, batch_first=True)  # (B, n, 3*patch**2)
        real = real_patches(pixels, None, shapes)  # (B, n)
        tokens = self._model.vision_tokens(pixels, real, self._model.positions(shapes, pixels.shape[1]))  # (B, n, D)
        dense = self._model.dense(tokens, real).float()  # (B, n, D)
        trimmed = tuple(rows[: h * w] for rows, (h, w) in zip(dense, grids, strict=True))
        return Encoded(self._model.pooled(tokens, real).float(), trimmed, grids)

    def encode_texts(self, texts: Sequence[str], use: TextUse) -> torch.Tensor:
        """`(P, D)` by the box, short or long walk; a text that is too long for its walk is cut."""
        sizes = self._model.config.text
        if not texts:
            return torch.zeros(0, sizes.hidden_size, device=self._model.device)
        length = sizes.longtext_len if use == "long" else sizes.max_position_embeddings
        ids = torch.tensor(
            [self._tokenizer.ids(text, length) for text in texts], device=self._model.device
        )  # (P, length)
        return self._model.text_features(ids, _WALKS[use]).float()

    def tower(self) -> FGCLIP2Tower:
        """A tower on the weights as they are now."""
        return FGCLIP2Tower(self._model, self._tokenizer, name=self._name, revision="in training", budget=self._budget)
