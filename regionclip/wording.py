"""The text side of a detector: a vocabulary's phrases, encoded once and kept."""

import warnings
from collections import OrderedDict
from collections.abc import Sequence

import torch

from heads.classify import BANK, Words
from regionclip.errors import PromptError, PromptWarning
from regionclip.towers.base import Target, Tower
from regionclip.vocabulary import Vocabulary, check_phrase

_NEAR = 0.95
"""Cosine from which a bank phrase says the same as a label's own phrase, and is left out for that label."""

_MOST_KEPT = 10_000
"""Phrases that stay encoded; the one asked for longest ago goes first."""


class Wording:
    """Phrases of one tower. Each is encoded alone and kept, so changing words costs the new ones only.

    Args:
        tower: encodes the phrases.
        bank: background phrases that region labels are weighed against, beside the vocabulary's own.
    """

    def __init__(self, tower: Tower, bank: Sequence[str]) -> None:
        self._tower = tower
        self._bank = tuple(bank)
        self._kept: OrderedDict[tuple[str, Target], torch.Tensor] = OrderedDict()
        self._latest: dict[Target, tuple[Vocabulary, Words]] = {}

    def encode(self, phrases: Sequence[str], target: Target) -> torch.Tensor:
        """`(P, D)` float32 unit-length embeddings; warns of phrases longer than the tower reads."""
        rows = [self._encode_one(phrase, target) for phrase in phrases]  # (D,) each
        return torch.stack(rows) if rows else torch.zeros(0, self._tower.card.width)  # (P, D)

    def _encode_one(self, phrase: str, target: Target) -> torch.Tensor:
        key = (phrase, target)
        if key in self._kept:
            self._kept.move_to_end(key)
        else:
            self._check(phrase, target)
            self._kept[key] = self._tower.encode_text([phrase], target)[0]  # (D,)
            if len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
        return self._kept[key]

    def words(self, vocabulary: Vocabulary, target: Target, *, closed: bool = False) -> Words:
        """What `heads.classify` needs of a vocabulary: embeddings of phrases and negatives, and whose they are.

        Raises:
            PromptError: where a label has nothing to be weighed against; not in the `closed` mode.
        """
        known, words = self._latest.get(target, (None, None))
        if words is None or known != vocabulary:
            words = self._put_together(vocabulary, target)
            self._latest[target] = (vocabulary, words)  # a stream asks the same words of every frame
        if not closed:
            self._check_opposed(vocabulary, words, target)
        return words

    def _put_together(self, vocabulary: Vocabulary, target: Target) -> Words:
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

    def _check_opposed(self, vocabulary: Vocabulary, words: Words, target: Target) -> None:
        """A tower without a trained bias must have something to weigh each label against."""
        if self._tower.card.score(target).bias is not None or len(vocabulary) == 0:
            return
        alone = [
            name for name, any_ in zip(vocabulary.names, words.applies.any(dim=1).tolist(), strict=True) if not any_
        ]
        if alone:
            raise PromptError(
                f"label {alone[0]!r} has nothing to be weighed against and would score 1 everywhere: "
                f"{self._tower.card.name} has no trained bias for regions; leave the background bank on (bank = true), "
                'give negatives, or use mode = "closed"'
            )

    def _check(self, phrase: str, target: Target) -> None:
        check_phrase(phrase, "prompt")
        needed, read = self._tower.count_tokens(phrase, target)
        if needed > read:
            warnings.warn(
                f"prompt {phrase!r} has {needed} tokens, {self._tower.card.name} reads {read}: "
                f"{needed - read} were cut; shorten it",
                PromptWarning,
                stacklevel=2,
            )
