"""Putting a vocabulary's curves on scores."""

import math

import torch

from heads.platt import platt
from regionclip.words.vocabulary import Vocabulary


def curved(scores: torch.Tensor, vocabulary: Vocabulary) -> torch.Tensor:
    """`(N, C)` scores by the curve of each label, as they are where it has none."""
    curves = [label.calibration for label in vocabulary]
    slopes = [math.nan if curve is None else curve.slope for curve in curves]
    intercepts = [0.0 if curve is None else curve.intercept for curve in curves]
    return platt(scores, torch.tensor(slopes, dtype=torch.float64), torch.tensor(intercepts, dtype=torch.float64))
