"""Timings: every stage counts for itself, a block's stages sum up to its time, threads do not see one another."""

import threading
import time

import pytest

from regionclip.timing import Timings, stage


def work(seconds: float = 0.004) -> None:
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


def test_the_stages_sum_up_to_the_block() -> None:
    start = time.perf_counter()
    with Timings() as timings:
        with stage("pool"):
            work()
            with stage("encode"):
                work(0.02)
        with stage("pool"):
            work()
        work()
    spent = (time.perf_counter() - start) * 1000
    assert list(timings) == ["encode", "pool", "other"]
    assert timings["encode"] >= 20
    assert timings["pool"] >= 8
    assert timings["other"] >= 4
    assert timings.total <= spent
    assert timings.total == pytest.approx(spent, abs=2)


def test_nothing_is_counted_outside() -> None:
    with stage("pool"):
        pass
    with Timings() as timings:
        pass
    with stage("pool"):
        pass
    assert list(timings) == ["other"]


def test_a_block_goes_on_counting_and_counts_for_the_one_around_it() -> None:
    inner = Timings(read=1.0)
    with Timings() as outer:
        for _ in range(2):
            with inner, stage("draw"):
                work()
    assert inner["draw"] >= 8
    assert outer["draw"] == pytest.approx(inner["draw"])
    assert list(outer) == ["draw", "other"]
    assert outer.total >= inner.total - 1.0


def test_an_error_ends_its_stage() -> None:
    with Timings() as timings:
        with pytest.raises(KeyError), stage("pool"):
            raise KeyError
        with stage("select"):
            work(0.001)
    assert list(timings) == ["pool", "select", "other"]


def test_threads_count_for_themselves() -> None:
    told: dict[int, Timings] = {}

    def run(number: int) -> None:
        with Timings() as timings, stage(f"stage {number}"):
            work()
        told[number] = timings

    with Timings() as mine:
        threads = [threading.Thread(target=run, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert list(mine) == ["other"]
    assert [list(told[number]) for number in range(4)] == [[f"stage {number}", "other"] for number in range(4)]
