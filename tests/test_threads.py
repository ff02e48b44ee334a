"""One detector in many threads: every bit, and every timing, as of a call alone."""

import hashlib
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import supervision as sv

import regionclip
from regionclip.detector import Detector
from regionclip.scenes.render import render_scene
from regionclip.timing import Timings
from regionclip.towers.base import ImageFeatures
from regionclip.words.vocabulary import Label, Words

THREADS, CALLS = 8, 200
SLICE = 10 * sys.getswitchinterval() * 1000
"""Milliseconds that the other threads may take between a clock here and the one inside."""
FRAMES = [render_scene(7, number, (120, 160)).frame for number in range(4)]
ASKED: list[Words] = [
    ["person", "红色背包", "car"],
    ["fire extinguisher", Label("叉车", prompts=["forklift", "叉车"])],
    [],
]
BOXES = [None, [[10, 10, 60, 100], [50, 20, 150, 110]], []]


@pytest.fixture(scope="module")
def det() -> Detector:
    return regionclip.load("tiny")


def digest(rows: sv.Detections) -> str:
    columns = [np.ascontiguousarray(each).tobytes() for each in (rows.xyxy, rows.confidence, rows.class_id)]
    return hashlib.sha256(
        b"".join(columns) + repr([np.asarray(column).tolist() for column in rows.data.values()]).encode()
    ).hexdigest()


def call(det: Detector, number: int, frame: Any = None) -> tuple[str, set[str], float, float]:  # noqa: ANN401
    """What comes out of a call, its stages, their sum and the time it took, in milliseconds."""
    frame = FRAMES[number % 4] if frame is None else frame
    start = time.perf_counter()
    with Timings() as timings:
        rows = det(frame, ASKED[number % 3], BOXES[number // 12 % 3])
    return digest(rows), set(timings), timings.total, (time.perf_counter() - start) * 1000


def test_eight_threads_two_hundred_calls(det: Detector) -> None:
    alone = [call(det, number) for number in range(36)]  # every combination of frame, words and boxes
    with ThreadPoolExecutor(THREADS) as pool:
        together = list(pool.map(lambda number: call(det, number), range(CALLS)))
    for number, (found, stages, total, spent) in enumerate(together):
        assert (found, stages) == alone[number % 36][:2], number
        assert total == pytest.approx(spent, rel=0.1, abs=SLICE)
    totals, times = zip(*(each[2:] for each in together), strict=True)
    assert sum(totals) == pytest.approx(sum(times), rel=0.1)


def test_words_that_nobody_asked_before_are_met_by_all_threads_at_once() -> None:
    alone, together = regionclip.load("tiny"), regionclip.load("tiny")
    with ThreadPoolExecutor(THREADS) as pool:
        found = list(pool.map(lambda _: call(together, 0)[0], range(THREADS)))
    assert set(found) == {call(alone, 0)[0]}


def test_features_of_one_batch_are_asked_in_any_thread(det: Detector) -> None:
    features: list[ImageFeatures] = det.features_of(FRAMES)
    with ThreadPoolExecutor(THREADS) as pool:
        found = list(pool.map(lambda number: call(det, number, features[number % 4])[0], range(36)))
    again = det.features_of(FRAMES)
    assert found == [call(det, number, again[number % 4])[0] for number in range(36)]
    assert [each.passes for each in features] == [1] * 4
