"""The embedded tower for fine-tuning.

Letters: P phrases, D channels.
"""

from collections.abc import Sequence

import torch

from regionclip.towers.tiny.model import TinyModel
from regionclip.towers.tiny.text import encode
from regionclip.towers.tiny.tower import TinyTower
from regionclip.training.trainees.base import TextUse, Trainee


class TinyTrainee(Trainee[TinyModel]):
    """A copy of the embedded tower's network that can be trained."""

    def __init__(self, tower: TinyTower) -> None:
        super().__init__(tower)
        self._tokenizer = tower.tokenizer

    @property
    def image_score(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Log scale and bias between whole frames and captions."""
        return self.module.image_score[0], self.module.image_score[1]

    @property
    def region_score(self) -> torch.Tensor:
        """`(2,)` log scale and bias between regions and phrases."""
        return self.module.region_score

    def tower(self) -> TinyTower:
        """A tower on the weights as they are now."""
        card = self._card
        return TinyTower(self.module, self._tokenizer, name=card.name, revision="in training", budget=card.budget)

    def _embed(self, texts: Sequence[str], use: TextUse) -> torch.Tensor:
        """`(P, D)`; captions of both lengths go through the head for images."""
        rows = [encode(self._tokenizer, text, self.module.config.text_length)[0] for text in texts]
        return self.module.text.embed(rows, "region" if use == "region" else "image")
