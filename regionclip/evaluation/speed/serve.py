"""What a service answers under load: clients in this process, the service in one of its own, on loopback."""

import asyncio
import io
import json
import multiprocessing
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

import httpx
import numpy as np
from PIL import Image

from regionclip.detector import Detector
from regionclip.errors import ServiceError
from regionclip.formats.tables import as_table
from regionclip.scenes.render import render_scene
from regionclip.serve.limits import Limits
from regionclip.serve.listening import listen
from regionclip.serve.running import Serving, run

_LONGEST = 180.0
"""Seconds until the service is up."""


class Load(NamedTuple):
    """How a service did.

    Attributes:
        clients: that asked at once, each again as soon as it had an answer.
        batch: most pictures of one tower pass.
        seconds: how long they asked.
        answers: milliseconds of each right answer.
        lost: requests without one.
        mean: pictures of a pass, in the mean.
        mib: resident memory of the service at the end, MiB.
    """

    clients: int
    batch: int
    seconds: float
    answers: tuple[float, ...]
    lost: int
    mean: float
    mib: float

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.answers) / self.seconds


def measure_loads(
    load: Callable[[], Detector],
    words: Sequence[str],
    clients: Iterable[int],
    batches: Sequence[int],
    *,
    seconds: float,
) -> Iterator[Load]:
    """Ask services of several batch sizes, in turn, by so many clients at once: 640x480 JPEGs of rendered scenes.

    Raises:
        ServiceError: where one does not come up.
    """
    pictures = [_jpeg(index) for index in range(8)]
    form = {"words": json.dumps(list(words), ensure_ascii=False)}
    with ExitStack() as stack:
        urls = {batch: stack.enter_context(_service(load, batch)) for batch in batches}
        for url in urls.values():
            _await(url)
            asyncio.run(_ask(url, form, pictures, 1, 1.0))  # the first ones are slow
        for count in clients:
            for batch, url in urls.items():  # one after the other, so that both meet the same moment
                yield _measured(url, form, pictures, count, batch, seconds)


def measure_tower(detector: Detector, batches: Sequence[int], *, passes: int = 3) -> dict[int, float]:
    """Pictures a second that the tower alone encodes, so many together; the best of a few passes over 16, in turn."""
    frames = [render_scene(0, index, (480, 640)).frame for index in range(16)]
    spent: dict[int, list[float]] = {batch: [] for batch in batches}
    for batch in [*batches] * passes:
        start = time.perf_counter()
        for first in range(0, len(frames), batch):
            for features in detector.features_of(frames[first : first + batch]):
                features.pool(np.array([[0, 0, 640, 480]], np.float32))
        spent[batch].append(time.perf_counter() - start)
    return {batch: len(frames) / min(each) for batch, each in spent.items()}


def table(loads: Sequence[Load], tower: dict[int, float]) -> str:
    """The figures as lines of text.

    Args:
        loads: in any order.
        tower: pictures a second of the tower alone, by batch.
    """
    head = ["clients", "batch", "answers/s", "p50 ms", "p95 ms", "lost", "pictures a pass", "MiB"]
    rows = [
        (
            *(each.clients, each.batch, f"{each.rate:.1f}"),
            *(f"{value:.0f}" for value in np.percentile(each.answers or (0,), (50, 95))),
            *(each.lost, f"{each.mean:.1f}", f"{each.mib:.0f}"),
        )
        for each in loads
    ]
    lines = [as_table(head, rows)]
    most = max(each.clients for each in loads)
    rates = {each.batch: each.rate for each in loads if each.clients == most}
    one = min(rates)
    for batch in (batch for batch in rates if batch != one):
        lines.append(
            f"batches of {batch} against {one}: the service gives {rates[batch] / rates[one]:.2f} times the answers "
            f"({most} clients), the tower alone {tower[batch] / tower[one]:.2f} times the pictures "
            f"({tower[one]:.1f}/s and {tower[batch]:.1f}/s)"
        )
    return "\n".join(lines)


@contextmanager
def _service(load: Callable[[], Detector], batch: int) -> Iterator[str]:
    """A service in a process of its own; gives its URL."""
    with listen("127.0.0.1", 0) as listener:
        process = multiprocessing.get_context("spawn").Process(target=_serve, args=(load, batch, listener))
        process.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        yield url
    finally:
        process.terminate()
        process.join()


def _serve(load: Callable[[], Detector], batch: int, listener: socket.socket) -> None:
    run(Serving(load=load, limits=Limits(batch=batch)), listener)


def _await(url: str) -> None:
    deadline = time.monotonic() + _LONGEST
    while True:
        try:
            httpx.get(f"{url}/readyz", timeout=_LONGEST, trust_env=False).raise_for_status()
            return
        except httpx.HTTPError as error:
            if time.monotonic() > deadline:
                raise ServiceError(f"{url}: not up after {_LONGEST:g} s", 0) from error
            time.sleep(0.1)


def _measured(
    url: str, form: dict[str, str], pictures: Sequence[bytes], clients: int, batch: int, seconds: float
) -> Load:
    before, start = _figures(url), time.monotonic()
    answers, lost = asyncio.run(_ask(url, form, pictures, clients, seconds))
    spent, after = time.monotonic() - start, _figures(url)
    passes, looked = (
        after.get(name, 0) - before.get(name, 0) for name in ("regionclip_batch_count", "regionclip_batch_sum")
    )
    mib = after.get("process_resident_memory_bytes", 0) / 2**20
    return Load(clients, batch, spent, tuple(answers), lost, looked / max(passes, 1), mib)


async def _ask(
    url: str, form: dict[str, str], pictures: Sequence[bytes], clients: int, seconds: float
) -> tuple[list[float], int]:
    """Milliseconds of each answer, and requests without one."""
    answers: list[float] = []
    lost = 0

    async def one(http: httpx.AsyncClient, number: int) -> None:
        nonlocal lost
        due = time.monotonic() + seconds
        while (start := time.monotonic()) < due:
            number += 1
            try:
                answer = await http.post("/detect", data=form, files={"image": pictures[number % len(pictures)]})
                good = answer.status_code == 200 and "images" in answer.json()
            except httpx.HTTPError:
                good = False
            lost += not good
            answers.extend([(time.monotonic() - start) * 1000] if good else [])

    limits = httpx.Limits(max_connections=clients)
    async with httpx.AsyncClient(base_url=url, timeout=60, limits=limits, trust_env=False) as http:
        await asyncio.gather(*(one(http, number) for number in range(clients)))
    return answers, lost


def _figures(url: str) -> dict[str, float]:
    lines = httpx.get(f"{url}/metrics", trust_env=False).text.splitlines()
    return {
        name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if not line.startswith("#"))
    }


def _jpeg(index: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(render_scene(0, index, (480, 640)).frame[:, :, ::-1]).save(buffer, "JPEG")
    return buffer.getvalue()
