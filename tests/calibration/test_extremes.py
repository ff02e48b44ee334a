"""The statistics of alarms, on series whose truth is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from regionclip.calibration.alarms import Alarm
from regionclip.calibration.extremes import (
    Tail,
    cluster_sizes,
    count_bounds,
    dispersion,
    extremal_index,
    share_bounds,
)

FRAMES = Alarm(0.0, np.inf)
NOTHING = np.zeros(0)


def moving_maxima(rng: np.random.Generator, length: int, width: int) -> NDArray[np.float64]:
    """Unit Frechet maxima of `width` neighbours: extremal index 1 / width, P(X > u) = 1 - e^(-width / u)."""
    noise = 1 / -np.log(rng.random(length + width - 1))
    return np.asarray(np.lib.stride_tricks.sliding_window_view(noise, width).max(axis=1))


@pytest.mark.parametrize("width", [1, 2, 5, 20])
def test_the_extremal_index_of_moving_maxima_is_found(width: int) -> None:
    rng = np.random.default_rng(width)
    found = []
    for _ in range(40):
        series = moving_maxima(rng, 20_000, width)
        found.append(extremal_index(np.flatnonzero(series > np.quantile(series, 0.99)).astype(float)))
    assert np.mean(found) == pytest.approx(1 / width, rel=0.15)


@pytest.mark.parametrize("places", [[], [3.0], [3.0, 9.0], [1.0, 2.0, 3.0]])
def test_few_events_are_singles(places: list[float]) -> None:
    assert extremal_index(np.array(places)) == 1.0
    assert dispersion(np.array(places)) == 1.0


def test_clusters_far_apart_are_told_apart() -> None:
    places = np.array([0, 1, 2, 1000, 1001, 5000, 5001, 5002, 5003, 9000], float)
    assert cluster_sizes(places).tolist() == [3, 2, 4, 1]
    assert dispersion(places) == pytest.approx((9 + 4 + 16 + 1) / 10)
    assert cluster_sizes(np.array([0.0, 5000.0, 20_000.0]), np.array([6, 1, 1])).tolist() == [6, 1, 1]


@pytest.mark.parametrize(
    ("width", "length", "allowed"), [(1, 5000, 25), (1, 5000, 10), (5, 5000, 50), (10, 20_000, 200)]
)
def test_shares_have_the_coverage_they_state_and_naive_ones_have_not(width: int, length: int, allowed: int) -> None:
    """The truth of each threshold is known; intervals are wanted that hold it in 95 % of repetitions."""
    rng = np.random.default_rng(7)
    held = naive = 0
    repeats = 150
    for _ in range(repeats):
        series = moving_maxima(rng, length, width).astype(np.float32)
        level = FRAMES.lowest_level(series, np.arange(length, dtype=float), allowed)
        assert level is not None
        truth = 1 - np.exp(-width / level)
        places = np.flatnonzero(series >= level).astype(float)
        for spread in (dispersion(places), 1.0):
            low, high = share_bounds(len(places), length, spread)
            held += (spread != 1.0 or width == 1) and low <= truth <= high
            naive += spread == 1.0 and low <= truth <= high
    if width == 1:
        assert held / (2 * repeats) > 0.91
    else:
        assert held / repeats > 0.91
        assert naive / repeats < 0.8


def test_counts_have_the_coverage_they_state() -> None:
    """Garwood's interval of a Poisson count, and the bound without a single event."""
    rng = np.random.default_rng(3)
    for mean in (0.5, 3.0, 12.0, 60.0):
        counts = rng.poisson(mean, 4000)
        bounds = {count: count_bounds(int(count)) for count in np.unique(counts)}
        assert np.mean([bounds[count][0] <= mean <= bounds[count][1] for count in counts]) > 0.94
    assert count_bounds(0) == pytest.approx((0.0, 2.996), abs=1e-3)  # the rule of three
    assert count_bounds(10) == pytest.approx((4.795, 18.39), abs=1e-2)


def test_shares_at_the_edges() -> None:
    assert share_bounds(0, 0) == (0.0, 1.0)
    assert share_bounds(0, 1) == pytest.approx((0.0, 0.95))
    low, high = share_bounds(50, 50)
    assert high == 1.0
    assert low == pytest.approx(0.025 ** (1 / 50))  # all of them passed
    assert share_bounds(5, 1000)[1] == pytest.approx(0.01163, abs=1e-4)  # tables of Clopper and Pearson
    wide, narrow = share_bounds(50, 1000, 5.0), share_bounds(50, 1000)
    assert wide[0] < narrow[0] < 0.05 < narrow[1] < wide[1]


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 9)), min_size=0, max_size=40, unique_by=lambda pair: pair[0]),
    st.integers(0, 6),
    st.sampled_from([0.0, 1.0, 4.0]),
    st.sampled_from([3.0, np.inf]),
)
def test_the_lowest_level_is_that_of_trying_all(
    pairs: list[tuple[int, int]], allowed: int, gap: float, repeat: float
) -> None:
    alarm = Alarm(gap, repeat)
    times = np.array([time for time, _ in pairs], float)
    values = np.array([value for _, value in pairs], np.float32)
    wanted = None
    for level in np.unique(values)[::-1]:
        if _count(alarm, np.sort(times[values >= level])) > allowed:
            break
        wanted = float(level)
    assert alarm.lowest_level(values, times, allowed) == wanted


def _count(alarm: Alarm, times: NDArray[np.float64]) -> int:
    """Alarms counted the slow way."""
    count, start, last = 0, -np.inf, -np.inf
    for time in times:
        if time - last > alarm.gap:
            start, count = time, count + 1
            raised = 1
        elif 1 + int((time - start) / alarm.repeat) > raised:
            count += 1 + int((time - start) / alarm.repeat) - raised
            raised = 1 + int((time - start) / alarm.repeat)
        last = time
    assert count == int(alarm.runs(times)[1].sum())
    return count


def test_alarms_are_incidents() -> None:
    alarm = Alarm(gap=5.0, repeat=60.0)
    starts, alarms = alarm.runs(np.array([0.0, 1, 2, 6, 12, 13, 100, 104, 108]))
    assert starts.tolist() == [0, 12, 100]
    assert alarms.tolist() == [1, 1, 1]
    assert alarm.runs(np.arange(0, 3600, 0.5))[1].tolist() == [60]  # one that stays on is no single alarm
    assert [len(each) for each in alarm.runs(NOTHING)] == [0, 0]


@pytest.mark.parametrize("shape", [-0.3, 0.0, 0.2])
def test_a_tail_is_fitted(shape: float) -> None:
    rng = np.random.default_rng(1)
    chance = rng.random(20_000)
    excess = -np.log(chance) if shape == 0 else (chance**-shape - 1) / shape
    tail = Tail.fit(2 + 0.5 * excess, 2.0)
    assert tail is not None
    assert tail.shape == pytest.approx(shape, abs=0.05)
    assert tail.scale == pytest.approx(0.5, abs=0.03)
    wanted = 2 + 0.5 * (-np.log(0.01) if shape == 0 else (0.01**-shape - 1) / shape)
    assert tail.exceeded(0.01) == pytest.approx(wanted, abs=0.15)


def test_no_tail_of_few_or_equal_values() -> None:
    assert Tail.fit(np.arange(10.0), 1.0) is None
    assert Tail.fit(np.full(100, 3.0), 1.0) is None
    assert Tail.fit(NOTHING, 1.0) is None
