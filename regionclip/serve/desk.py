"""Desk: between requests and the tower. It decodes and waits, and gives up where nobody waits any more."""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from starlette.requests import Request

from regionclip.errors import ServiceError
from regionclip.serve.batches import Answer, Ask, Batches
from regionclip.serve.metrics import Metrics
from regionclip.serve.service import Service

_DECODERS: Final = 4
"""Threads that decode pictures; with what waits (`Limits.waiting`) they bound the memory that pictures take."""


class Desk:
    """A service and the threads that it runs in.

    Args:
        service: what is asked.

    Attributes:
        batches: what waits for the tower.
        metrics: figures.
    """

    def __init__(self, service: Service) -> None:
        self.service, self.metrics = service, Metrics()
        self.batches = Batches(self._run, most=service.batch, size=service.limits.waiting)
        self._decoders = ThreadPoolExecutor(_DECODERS, thread_name_prefix="decode")

    async def answer(self, make: Callable[[Service], Ask]) -> Answer:
        """Make a question in a thread, and wait for its answer; cancelled, neither goes on."""
        ask = await asyncio.get_running_loop().run_in_executor(self._decoders, make, self.service)
        future = self.batches.put(ask)
        self.metrics.waiting.set(len(self.batches))
        return await asyncio.wrap_future(future)

    async def in_time(self, request: Request, seconds: float | None, make: Callable[[Service], Ask]) -> Answer:
        """`answer`, as long as the client is there and within its time.

        Raises:
            ServiceError: 504, where that is over.
        """
        most = self.service.limits.seconds
        task, gone = asyncio.create_task(self.answer(make)), asyncio.create_task(_gone(request))
        try:
            await asyncio.wait({task, gone}, timeout=min(most, seconds or most), return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            self.metrics.left.labels("gone" if gone.done() else "late").inc()
            raise ServiceError("no answer within the time that was given", 504)
        finally:
            task.cancel()
            gone.cancel()

    def close(self) -> None:
        """Answer what is in hand, and end all threads."""
        self._decoders.shutdown()
        self.batches.close()

    def figures(self) -> bytes:
        """What Prometheus is told."""
        self.metrics.waiting.set(len(self.batches))
        return self.metrics.text()

    def _run(self, asks: Sequence[Ask]) -> list[Answer | Exception]:
        """`Service.answer`, with its figures."""
        self.metrics.waiting.set(len(self.batches))
        self.metrics.batch.observe(len(asks))
        start = time.perf_counter()
        try:
            return self.service.answer(asks)
        finally:
            self.metrics.tower.inc(time.perf_counter() - start)


async def _gone(request: Request) -> None:
    """Return when the client has closed its connection; its body was read before."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
