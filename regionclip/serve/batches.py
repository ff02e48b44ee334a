"""Batches: what many clients ask, answered by one thread, as much at once as goes through the tower together."""

import time
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from math import ceil
from threading import Condition, Thread
from typing import Any, TypeAlias

from regionclip.errors import RegionclipError, ServiceError
from regionclip.frames import Frame
from regionclip.towers.base import ImageFeatures

Answer: TypeAlias = dict[str, Any] | bytes
"""JSON-ready, or the content of a file."""


@dataclass(frozen=True, slots=True, eq=False)
class Ask:
    """One question to the tower.

    Attributes:
        answer: answers it, in the thread of the tower; gets the features of `frame`.
        frame: what the tower has to look at; None for nothing.
        bucket: what has the same goes through the tower together.
    """

    answer: Callable[[ImageFeatures | None], Answer]
    frame: Frame | None = None
    bucket: Hashable = None

    @property
    def size(self) -> int:
        """Bytes that it holds while it waits."""
        return 0 if self.frame is None else self.frame.nbytes


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    ask: Ask
    future: Future[Answer] = field(default_factory=Future)


class Batches:
    """A queue of questions and the thread that answers them.

    A batch is not waited for: while one is answered, the next one gathers. The question that waits longest goes first,
    and takes others of its bucket along. One whose future is cancelled is not answered.

    Args:
        run: answers questions together: for each an answer, or what went wrong.
        most: questions of one batch.
        size: bytes that may wait; a question that finds nothing waiting is taken in any case.
    """

    def __init__(self, run: Callable[[Sequence[Ask]], list[Answer | Exception]], *, most: int, size: int) -> None:
        self._run, self._most, self._size = run, most, size
        self._waiting: deque[_Waiting] = deque()
        self._changed, self._closing = Condition(), False
        self._pace = 0.0  # seconds a question, of late
        self._thread = Thread(target=self._work, name="tower", daemon=True)
        self._thread.start()

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def is_alive(self) -> bool:
        """Whether the thread lives."""
        return self._thread.is_alive()

    @property
    def takes_more(self) -> bool:
        """Whether it lives and is not being closed."""
        return self.is_alive and not self._closing

    def put(self, ask: Ask) -> Future[Answer]:
        """The answer to come.

        Raises:
            ServiceError: 503, where too much waits already, or after `close`.
        """
        with self._changed:
            if self._closing:
                raise ServiceError("the service is stopping", 503, 1)
            self._forget_cancelled()
            held = sum(each.ask.size for each in self._waiting)
            if self._waiting and held + ask.size > self._size:
                raise ServiceError("too many pictures wait for the tower; try again", 503, self.retry_after)
            self._waiting.append(waiting := _Waiting(ask))
            self._changed.notify()
        return waiting.future

    @property
    def retry_after(self) -> int:
        """Seconds until what waits now is answered, in 1..60."""
        return min(60, max(1, ceil(self._pace * len(self._waiting))))

    def close(self) -> None:
        """Answer what waits, take nothing more, and end the thread."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join()

    def _forget_cancelled(self) -> None:
        if any(each.future.cancelled() for each in self._waiting):
            self._waiting = deque(each for each in self._waiting if not each.future.cancelled())

    def _next(self) -> list[_Waiting]:
        """The next batch, cancelled ones left out; none at the end."""
        with self._changed:
            while True:
                self._changed.wait_for(lambda: self._waiting or self._closing)
                if not self._waiting:
                    return []
                bucket, waiting = self._waiting[0].ask.bucket, list(self._waiting)
                batch = [each for each in waiting if each.ask.bucket == bucket][: self._most]
                self._waiting = deque(each for each in waiting if each not in batch)
                if wanted := [each for each in batch if each.future.set_running_or_notify_cancel()]:
                    return wanted

    def _work(self) -> None:
        while batch := self._next():
            start = time.perf_counter()
            answers = self._answers([each.ask for each in batch])
            spent = time.perf_counter() - start
            self._pace = 0.8 * self._pace + 0.2 * spent / len(batch)
            for each, answer in zip(batch, answers, strict=True):
                if isinstance(answer, Exception):
                    each.future.set_exception(answer)
                else:
                    each.future.set_result(answer)

    def _answers(self, asks: Sequence[Ask]) -> list[Answer | Exception]:
        try:
            answers = self._run(asks)
        except Exception as error:
            answers = [error] * len(asks)
        if len(asks) == 1:
            return answers
        # What nobody foresaw, as no memory for so many, may come from one of them alone: the others do without it.
        return [self._answers([ask])[0] if _unforeseen(each) else each for ask, each in zip(asks, answers, strict=True)]


def _unforeseen(answer: Answer | Exception) -> bool:
    return isinstance(answer, Exception) and not isinstance(answer, RegionclipError)
