"""The worker: the newest of each source, each in its turn, and a clean end."""

import threading
from collections.abc import Iterator

import pytest
from waiting import until

from regionclip.robot.worker import Worker


class Bench:
    """What a worker worked at; each item waits until it is let."""

    def __init__(self) -> None:
        self.done: list[tuple[str, int]] = []
        self.errors: list[tuple[str, str]] = []
        self.begun, self.let = threading.Semaphore(0), threading.Semaphore(0)
        self.worker = Worker(self.work, lambda source, error: self.errors.append((source, str(error))))

    def work(self, source: str, item: int) -> None:
        self.begun.release()
        assert self.let.acquire(timeout=60)
        if item < 0:
            raise ValueError(f"no {item}")
        self.done.append((source, item))

    def let_go(self, count: int) -> None:
        for _ in range(count):
            self.let.release()


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.let_go(100)
    assert bench.worker.close()


def test_the_newest_wins(bench: Bench) -> None:
    assert not bench.worker.offer("a", 0)
    assert bench.begun.acquire(timeout=60)
    assert [bench.worker.offer("a", number) for number in range(1, 6)] == [False, True, True, True, True]
    bench.let_go(2)
    until(lambda: len(bench.done) == 2)
    assert bench.done == [("a", 0), ("a", 5)]


def test_a_fast_camera_does_not_starve_a_slow_one(bench: Bench) -> None:
    bench.worker.offer("a", 0)
    assert bench.begun.acquire(timeout=60)
    for number in range(1, 4):
        bench.worker.offer("fast", number)
        bench.worker.offer("slow", number)
        bench.worker.offer("fast", number + 10)
    bench.let_go(1)
    assert bench.begun.acquire(timeout=60)  # fast 13
    bench.worker.offer("fast", 99)
    bench.let_go(3)
    until(lambda: len(bench.done) == 4)
    assert bench.done[1:] == [("fast", 13), ("slow", 3), ("fast", 99)]


def test_an_error_is_told_and_the_next_item_taken(bench: Bench) -> None:
    bench.let_go(2)
    bench.worker.offer("a", -1)
    until(lambda: bool(bench.errors))
    bench.worker.offer("a", 1)
    until(lambda: bool(bench.done))
    assert (bench.errors, bench.done) == ([("a", "no -1")], [("a", 1)])


def test_the_end_waits_for_what_is_worked_at_and_lets_the_rest_go(bench: Bench) -> None:
    bench.worker.offer("a", 0)
    assert bench.begun.acquire(timeout=60)
    bench.worker.offer("a", 1)
    assert not bench.worker.close(timeout=0)
    bench.let_go(1)
    assert bench.worker.close()
    assert bench.worker.close()
    assert not bench.worker.offer("a", 2)
    assert bench.done == [("a", 0)]
    assert "regionclip worker" not in {thread.name for thread in threading.enumerate()}
