"""What a score is made of: the shares of the label, of the trained background and of each negative, which sum to 1.

Letters: N regions, K rows, C labels, Q negatives.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from heads.classify import LARGEST_LOGIT, EncodedWords, Scores


@dataclass(frozen=True, slots=True, eq=False)
class Account:
    """Shares of K (region, label) pairs; `label + background + negatives.sum(axis=1)` is 1.

    Attributes:
        label: `(K,)` float64 in 0..1, the score before any calibration.
        background: `(K,)` float64 in 0..1, what the tower's trained bias takes; 0 where it has none.
        negatives: `(K, Q)` float64 in 0..1, what each negative takes; -1 where it does not count against the label.
    """

    label: NDArray[np.float64]
    background: NDArray[np.float64]
    negatives: NDArray[np.float64]

    def worst(self) -> tuple[NDArray[np.int_], NDArray[np.float64]]:
        """The negative that takes most, `(K,)`, -1 where none counts; and its share `(K,)`, 0 where none does."""
        padded = np.pad(self.negatives, ((0, 0), (1, 0)), constant_values=-0.5)  # (K, 1 + Q) below all that count
        worst = padded.argmax(axis=1) - 1  # (K,)
        return worst, np.maximum(padded.max(axis=1), 0)


def account(
    scores: Scores, words: EncodedWords, region: NDArray[np.int_], label: NDArray[np.int_], *, background: bool
) -> Account:
    """Take the independent scores of K pairs apart, in double precision.

    Args:
        scores: of `classify`, all regions and labels.
        words: that were asked.
        region: `(K,)` rows of the scores.
        label: `(K,)` columns of the scores.
        background: whether the tower has a trained bias.
    """
    rows, columns = torch.from_numpy(region), torch.from_numpy(label)  # (K,), (K,)
    own = scores.logits[rows, columns][:, None]  # (K, 1)
    logits = torch.cat([own, torch.zeros_like(own), scores.negatives[rows]], dim=1)  # (K, 2 + Q) the 0 is e^0 = 1
    counts = torch.nn.functional.pad(words.applies[columns], (2, 0), value=True)  # (K, 2 + Q)
    counts[:, 1] = background
    exponents = logits.double().clamp(-LARGEST_LOGIT, LARGEST_LOGIT).masked_fill(~counts, -torch.inf)
    shares = exponents.softmax(dim=1).numpy()  # (K, 2 + Q)
    return Account(shares[:, 0], shares[:, 1], np.where(counts[:, 2:].numpy(), shares[:, 2:], -1.0))
