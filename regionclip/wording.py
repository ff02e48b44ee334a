"""The text side of a detector: a vocabulary's phrases, encoded once and kept."""

import warnings
from collections.abc import Sequence

import torch

from heads.classify import BANK, Words
from regionclip.errors import PromptError, PromptWarning
from regionclip.towers.base import Target, Tower
from regionclip.vocabulary import Vocabulary

_NEAR = 0.95
"""Cosine from which a bank phrase says the same as a label's own phrase, and is left out for that label."""


class Wording:
    """Phrases of one tower. Each is encoded alone and kept, so changing words costs the new ones only.

    Args:
        tower: encodes the phrases.
        bank: background phrases that region labels are weighed against, beside the vocabulary's own.
    """

    def __init__(self, tower: Tower, bank: Sequence[str]) -> None:
        self._tower = tower
        self._bank = tuple(bank)
        self._kept: dict[tuple[str, Target], torch.Tensor] = {}

    def encode(self, phrases: Sequence[str], target: Target) -> torch.Tensor:
        """`(P, D)` float32 unit-length embeddings; warns of phrases longer than the tower reads."""
        for phrase in dict.fromkeys(phrases):
            if (phrase, target) not in self._kept:
                self._check(phrase, target)
                self._kept[phrase, target] = self._tower.encode_text([phrase], target)[0]  # (D,)
        rows = [self._kept[phrase, target] for phrase in phrases]
        return torch.stack(rows) if rows else torch.zeros(0, self._tower.card.width)  # (P, D)

    def words(self, vocabulary: Vocabulary, target: Target) -> Words:
        """What `heads.classify` needs of a vocabulary: embeddings of phrases and negatives, and whose they are."""
        phrases = [phrase for label in vocabulary for phrase in label.phrases]
        label_of = [index for index, label in enumerate(vocabulary) for _ in label.phrases]
        # A trained image bias is a background of its own; the bank would fight true scene words such as "floor".
        bank = self._bank if target == "region" else ()
        shared = tuple(dict.fromkeys((*bank, *vocabulary.negatives)))
        own = [(phrase, index) for index, label in enumerate(vocabulary) for phrase in label.negatives]
        return Words(
            phrases=self.encode(phrases, target),
            label_of=torch.tensor(label_of, dtype=torch.long),
            num_labels=len(vocabulary),
            negatives=self.encode([*shared, *(phrase for phrase, _ in own)], target),
            owner=torch.tensor([BANK] * len(shared) + [index for _, index in own], dtype=torch.long),
            near=_NEAR,
        )

    def _check(self, phrase: object, target: Target) -> None:
        if not isinstance(phrase, str) or not phrase.strip():
            raise PromptError(f"prompt: expected words, got {phrase!r}")
        needed, read = self._tower.count_tokens(phrase, target)
        if needed > read:
            warnings.warn(
                f"prompt {phrase!r} has {needed} tokens, {self._tower.card.name} reads {read}: "
                f"{needed - read} were cut; shorten it",
                PromptWarning,
                stacklevel=2,
            )
