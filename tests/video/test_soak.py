"""A site for long: memory stays, no thread is left. The long run is slow; a short one shows that it measures."""

import threading

import numpy as np
import pytest

import regionclip
from regionclip.errors import ConfigError
from regionclip.evaluation.speed.soak import Soak, measure_soak, table

MINUTES = 30
CAMERAS = 4
MOST = 60.0
"""MiB an hour: a leak of a frame of 320x240 a second would be 790."""


def test_the_slope_is_that_of_a_line() -> None:
    seconds = np.arange(600.0)
    noise = np.random.default_rng(0).normal(0, 1, 600)
    soak = Soak(tuple(seconds), tuple(500 + seconds / 36 + noise), 100, 1, 2, 0, ())
    assert soak.slope == pytest.approx(100, abs=5)
    assert Soak((), (), 0, 0, 0, 0, ()).slope == 0
    text = table(soak, minutes=10, cameras=4)
    assert "a site of 4 cameras for 10 minutes: 100 frames followed, 1 outages, 2 changes of settings" in text
    assert "MiB an hour" in text
    assert "threads left: 0" in text
    assert "threads left: 1 source a" in table(Soak((), (), 0, 0, 0, 0, ("source a",)), minutes=1, cameras=2)


def test_a_short_soak() -> None:
    before = set(threading.enumerate())
    with pytest.raises(ConfigError, match="2 cameras or more"):
        measure_soak(regionclip.load("tiny"), minutes=1, cameras=1)
    shares: list[float] = []
    soak = measure_soak(regionclip.load("tiny"), minutes=0.1, cameras=2, fps=3, size=(120, 256), watch=shares.append)
    assert soak.handled > 0
    assert soak.changes >= 1
    assert soak.errors == 0
    assert len(soak.mib) == len(soak.seconds) > 1
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert soak.threads == ()
    assert set(threading.enumerate()) <= before


@pytest.mark.slow
def test_half_an_hour() -> None:
    soak = measure_soak(regionclip.load("tiny"), minutes=MINUTES, cameras=CAMERAS)
    print(table(soak, minutes=MINUTES, cameras=CAMERAS))
    assert soak.slope < MOST
    assert max(soak.mib) < soak.mib[0] + MOST
    assert soak.outages >= MINUTES
    assert soak.errors == 0
    assert soak.threads == ()
