"""Fused embeddings against their formula, and what makes a look worth more."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moving_squares import colour
from numpy.typing import NDArray

from regionclip.video.tracking.fusion import Fused, qualities

seconds = st.lists(st.floats(0.01, 3.0), min_size=1, max_size=12)


def looks(count: int, seed: int) -> NDArray[np.float32]:
    rows = np.random.default_rng(seed).normal(size=(count, 8)) + 0.5
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def fused(rows: NDArray[np.float32], worth: list[float], times: NDArray[np.float64], memory: float) -> Fused:
    own = Fused(memory)
    for row, quality, t in zip(rows, worth, times, strict=True):
        own.add(row, quality, float(t), objectness=quality)
    return own


@settings(max_examples=60, deadline=None)
@given(seconds, st.integers(0, 99), st.floats(0.1, 10.0), st.data())
def test_it_is_the_weighted_mean_of_its_formula(
    gaps: list[float], seed: int, memory: float, data: st.DataObject
) -> None:
    times, rows = np.cumsum(gaps), looks(len(gaps), seed)
    worth = data.draw(st.lists(st.floats(0.01, 1.0), min_size=len(gaps), max_size=len(gaps)))
    weights = np.array(worth) * np.exp(-(times[-1] - times) / memory)
    mean = (weights[:, None] * rows).sum(0)
    own = fused(rows, worth, times, memory)
    np.testing.assert_allclose(own.embedding, mean / np.linalg.norm(mean), atol=1e-5)
    assert np.linalg.norm(own.embedding) == pytest.approx(1, abs=1e-6)
    assert own.objectness == pytest.approx(float(weights @ np.array(worth) / weights.sum()), abs=1e-6)


def test_without_memory_the_newest_is_all() -> None:
    own = fused(looks(3, 0), [1.0, 1.0, 0.01], np.array([0.0, 0.1, 0.2]), 0.0)
    np.testing.assert_array_equal(own.embedding, looks(3, 0)[2])


def test_it_stays_finite_after_a_long_time_and_where_looks_cancel() -> None:
    own = Fused(0.5)
    own.add(colour("red"), 1.0, 0.0)
    own.add(colour("blue"), 0.5, 1e6)
    np.testing.assert_allclose(own.embedding, colour("blue"), atol=1e-6)
    opposed = Fused(math.inf)
    opposed.add(colour("red"), 1.0, 0.0)
    opposed.add(-colour("red"), 1.0, 1.0)
    assert np.isfinite(opposed.embedding).all()
    assert np.linalg.norm(opposed.embedding) == pytest.approx(1)
    with pytest.raises(ValueError, match="at least one look"):
        _ = Fused(1.0).embedding


def test_what_makes_a_look_clear() -> None:
    def quality(*boxes: tuple[float, float, float, float], objectness: float = 1.0) -> float:
        given = np.array(boxes, np.float32)
        worth = qualities(given, (200, 300), 256, np.full(len(given), objectness, np.float32))
        return float(worth[0])

    clear = quality((100, 50, 160, 150))
    assert clear > quality((100, 50, 115, 75))  # small
    assert quality((100, 50, 160, 150), objectness=0.5) == pytest.approx(clear / 2)
    assert quality((-1, 50, 59, 150)) < 0.6 * clear  # cut by the border
    assert quality((-40, 50, 20, 150)) < quality((-1, 50, 59, 150))  # half outside
    assert quality((100, 50, 160, 150), (110, 70, 170, 190)) < 0.6 * clear  # behind another
    assert quality((100, 50, 160, 150), (110, 10, 170, 120)) == pytest.approx(clear)  # before another
    assert quality((500, 50, 560, 150)) == pytest.approx(0.01)  # outside
    assert qualities(np.zeros((0, 4), np.float32), (200, 300), 256).shape == (0,)
