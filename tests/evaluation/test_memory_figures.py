"""A walk through a rendered hall with the tower that ships: what it remembers, and what it answers afterwards."""

import math

import pytest
from toy import toy_detector

from regionclip.evaluation.accuracy.memory import evaluate_memory, table
from regionclip.loading import load


def test_a_walk() -> None:
    figures = evaluate_memory(load("tiny"), walks=2, seed=1)
    assert (figures.walks, figures.things, figures.twice) == (2, 16, 0)
    assert figures.kept >= 0.9
    assert figures.recall_en >= 0.9
    assert figures.recall_zh >= 0.9
    assert figures.error_median < 0.05
    assert figures.close >= 0.8
    assert "first answer in Chinese" in table(figures, "halls")


def test_nothing_was_seen() -> None:
    figures = evaluate_memory(toy_detector([]), walks=1)
    assert (figures.kept, figures.recall_en, figures.remembered, figures.twice) == (0, 0, 0, 0)
    assert math.isnan(figures.error_median)
    assert figures.see_milliseconds == pytest.approx(0, abs=50)
    assert "nan" in table(figures, "halls")
