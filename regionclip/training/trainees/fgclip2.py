"""FG-CLIP 2 for fine-tuning.

Letters: P phrases, D channels.
"""

from collections.abc import Sequence
from typing import Final

import torch

from regionclip.towers.fgclip2.model import FGCLIP2Model, TextHead
from regionclip.towers.fgclip2.tower import FGCLIP2Tower
from regionclip.training.trainees.base import TextUse, Trainee

_TEXT_HEADS: Final[dict[TextUse, TextHead]] = {"region": "box", "short": "short", "long": "long"}


class FGCLIP2Trainee(Trainee[FGCLIP2Model]):
    """A copy of an FG-CLIP 2 network that can be trained."""

    def __init__(self, tower: FGCLIP2Tower) -> None:
        super().__init__(tower)
        self._tokenizer = tower.tokenizer

    @property
    def image_score(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Log scale and bias between whole frames and captions."""
        return self.module.logit_scale, self.module.logit_bias

    @property
    def region_score(self) -> None:
        """None: the released class has no scale and bias for regions."""
        return

    def tower(self) -> FGCLIP2Tower:
        """A tower on the weights as they are now."""
        card = self._card
        return FGCLIP2Tower(self.module, self._tokenizer, name=card.name, revision="in training", budget=card.budget)

    def _embed(self, texts: Sequence[str], use: TextUse) -> torch.Tensor:
        """`(P, D)` by the box, short or long head; a text that is too long for its head is cut."""
        sizes = self.module.config.text
        length = sizes.longtext_len if use == "long" else sizes.max_position_embeddings
        rows = [self._tokenizer.ids(text, length) for text in texts]
        return self.module.text_features(torch.tensor(rows, device=self.module.device), _TEXT_HEADS[use])
