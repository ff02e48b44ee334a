"""Asked: a vocabulary as a tower reads it, with all that is worked out once for it and used for every frame.

Letters: C labels, P phrases, Q negatives.
"""

import hashlib
import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from heads.classify import EncodedWords
from regionclip.words.vocabulary import Vocabulary


@dataclass(frozen=True, eq=False)
class Asked:
    """What regions are asked.

    Attributes:
        vocabulary: C labels.
        words: the same as a tower reads it.
        negatives: the Q phrases of `words.negatives`.
        thresholds: `(C,)`, least confidence of each label.
        closed: whether the labels compete with one another instead of with negatives.
    """

    vocabulary: Vocabulary
    words: EncodedWords
    negatives: tuple[str, ...]
    thresholds: NDArray[np.float64]
    closed: bool

    @cached_property
    def names(self) -> NDArray[np.str_]:
        """`(C + 1,)` names of the labels; the last, which -1 points at, is empty."""
        return np.array([*self.vocabulary.names, ""], dtype=np.str_)

    @cached_property
    def phrases(self) -> NDArray[np.str_]:
        """`(P + 1,)` phrases of the labels; the last is empty."""
        return np.array([*(phrase for label in self.vocabulary for phrase in label.phrases), ""], dtype=np.str_)

    @cached_property
    def against(self) -> NDArray[np.str_]:
        """`(Q + 1,)` the negatives; the last is empty."""
        return np.array([*self.negatives, ""], dtype=np.str_)

    @cached_property
    def plain(self) -> torch.Tensor:
        """`(c,)` long, places of the labels that may become detections: all but attributes."""
        return torch.tensor(self.vocabulary.plain, dtype=torch.long)

    @cached_property
    def columns(self) -> dict[str, tuple[int, ...]]:
        """Places of the labels of each attribute; one that asks of another stands after it."""
        return self.vocabulary.columns

    @cached_property
    def curves(self) -> tuple[torch.Tensor, torch.Tensor]:
        """See `curves`."""
        return curves(self.vocabulary)

    @cached_property
    def groups(self) -> torch.Tensor:
        """Number of each label's exclusive group, `(C,)` long; -1 for none."""
        numbers = {name: number for number, name in enumerate(dict.fromkeys(label.group for label in self.vocabulary))}
        own = [-1 if label.group is None else numbers[label.group] for label in self.vocabulary]
        return torch.tensor(own, dtype=torch.long)

    @cached_property
    def identity(self) -> str:
        """Of the vocabulary."""
        return identity(self.vocabulary)


def curves(vocabulary: Vocabulary) -> tuple[torch.Tensor, torch.Tensor]:
    """Slopes and intercepts `(C,)` float64 of the labels' calibration curves, for `platt`; NaN and 0 without one."""
    fitted = [label.calibration for label in vocabulary]
    slopes = [math.nan if curve is None else curve.slope for curve in fitted]
    intercepts = [0.0 if curve is None else curve.intercept for curve in fitted]
    return torch.tensor(slopes, dtype=torch.float64), torch.tensor(intercepts, dtype=torch.float64)


def identity(vocabulary: Vocabulary) -> str:
    """Short fingerprint of everything that a vocabulary says."""
    return hashlib.sha256(repr(vocabulary).encode()).hexdigest()[:16]
