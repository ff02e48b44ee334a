"""`regionclip eval live` and the loopback camera."""

import time
from collections.abc import Callable

import numpy as np
import pytest

from regionclip.cli.terminal import exits
from regionclip.errors import FrameError
from regionclip.evaluation.speed.hand_over import HandOver, Recovery, table
from regionclip.evaluation.speed.loopback import LoopbackCamera, clock_of, paint_clock


def test_the_painted_clock_is_read_back() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (40, 300, 3), dtype=np.uint8)
    before = time.monotonic()
    painted = paint_clock(noise)
    assert before - 0.001 <= clock_of(painted) <= time.monotonic()
    with pytest.raises(FrameError, match="at least 256 x 16"):
        LoopbackCamera(size=(480, 100))


def test_the_table_gives_medians() -> None:
    ages = HandOver(10, 6, since_taken=(1.0, 5.0, 90.0), since_arrival=(0.0, 2.0, 4.0))
    text = table(ages, [Recovery(0.1, 1.0, 0.7)], fps=25, busy=0.2)
    assert "10 came, 3 used, 6 dropped" in text
    assert "since they were taken: p50 5 ms, p95 82 ms, worst 90 ms" in text
    assert "off for 1.0 s: noticed after 0.10 s, frames 0.70 s after it was on" in text


def test_the_command_measures(run: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    assert run("eval", "live", "--seconds", 1, "--size", "320x240", "--off", 0.2) == exits.OK
    printed = capsys.readouterr().out
    assert "25 fps, a detector busy for 200 ms" in printed
    assert "frames: " in printed
    assert printed.count("noticed after") == 1
    assert run("eval", "live", "--size", "64x64") == exits.USAGE
