"""Questions of many clients go through the tower together, and those that nobody waits for do not."""

import socket
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from urllib.parse import urlsplit

import numpy as np
import pytest
from served import RED, await_figure, figure, gated, png, post, serving
from waiting import until

from regionclip.errors import PromptError, ServiceError
from regionclip.serve import Limits
from regionclip.serve.batches import Answer, Ask, Batches


class Recorder:
    """Answers a question by its own answer, after a gate; takes down what came together."""

    def __init__(self, run: Callable[[Sequence[Ask]], None] = lambda asks: None) -> None:
        self.gate, self.together, self._run = threading.Event(), list[list[Answer]](), run

    def __call__(self, asks: Sequence[Ask]) -> list[Answer | Exception]:
        self.together.append([ask.answer(None) for ask in asks])
        assert self.gate.wait(60)
        self._run(asks)
        return [ask.answer(None) for ask in asks]


def ask(name: str, bucket: int = 0, size: int = 0) -> Ask:
    return Ask(lambda _: {"name": name}, np.zeros((size, 1, 3), np.uint8), bucket)


def names(answers: Sequence[Answer]) -> str:
    return "".join(str(answer["name"]) for answer in answers if isinstance(answer, dict))


def started(recorder: Recorder, *, most: int = 3, size: int = 1000) -> tuple[Batches, Future[Answer]]:
    """Batches whose thread stands at the gate with a first question."""
    batches = Batches(recorder, most=most, size=size)
    first = batches.put(ask("0"))
    until(lambda: len(recorder.together) == 1)
    return batches, first


def test_the_oldest_goes_first_and_takes_its_bucket_along() -> None:
    recorder = Recorder()
    batches, first = started(recorder)
    futures = [batches.put(ask(name, bucket)) for name, bucket in zip("abcdefg", (1, 2, 1, 1, 2, 1, 2), strict=True)]
    recorder.gate.set()
    batches.close()
    assert [names(batch) for batch in recorder.together] == ["0", "acd", "beg", "f"]
    assert names([future.result(0) for future in (first, *futures)]) == "0abcdefg"


def test_what_is_cancelled_is_not_asked() -> None:
    recorder = Recorder()
    batches, first = started(recorder)
    futures = [batches.put(ask(name)) for name in "abc"]
    assert futures[1].cancel()
    recorder.gate.set()
    batches.close()
    assert [names(batch) for batch in recorder.together] == ["0", "ac"]
    assert first.done()


def test_a_full_queue_refuses_and_a_cancelled_question_makes_room() -> None:
    recorder = Recorder()
    batches, _ = started(recorder, size=10)
    large = batches.put(ask("a", size=100))  # larger than all that may wait, but nothing waits
    with pytest.raises(ServiceError) as busy:
        batches.put(ask("b", size=1))
    assert busy.value.status == 503
    assert busy.value.retry_after == 1
    large.cancel()
    batches.put(ask("c", size=1))
    recorder.gate.set()
    batches.close()
    assert [names(batch) for batch in recorder.together] == ["0", "c"]
    with pytest.raises(ServiceError, match="stopping"):
        batches.put(ask("d"))


def test_one_bad_question_does_not_spoil_the_others() -> None:
    def fail(asks: Sequence[Ask]) -> None:
        if "b" in names([each.answer(None) for each in asks]):
            raise MemoryError("no room for b")

    recorder = Recorder(fail)
    batches, _ = started(recorder)
    futures = [batches.put(ask(name)) for name in "abc"]
    recorder.gate.set()
    batches.close()
    assert [type(future.exception()) for future in futures] == [type(None), MemoryError, type(None)]


def test_a_refusal_is_not_asked_again() -> None:
    calls = []

    def run(asks: Sequence[Ask]) -> list[Answer | Exception]:
        calls.append(len(asks))
        return [PromptError("no")] * len(asks)

    batches = Batches(run, most=4, size=10)
    assert isinstance(batches.put(ask("a")).exception(60), PromptError)
    batches.close()
    assert calls == [1]


def test_clients_with_different_words_share_a_pass() -> None:
    detector, tower = gated()
    words = ['["red"]', '["blue"]', '["grey", "red"]', '[{"name": "红"}]']
    with serving(detector, limits=Limits(batch=8)) as url, ThreadPoolExecutor(5) as clients:
        tower.gate.clear()
        first = clients.submit(post, url)
        assert tower.looking.wait(60)
        others = [clients.submit(post, url, words=each) for each in words]
        until(lambda: figure(url, "regionclip_waiting") == 4)
        tower.gate.set()
        labels = [[row["label"] for row in each.result().json()["images"][0]["detections"]] for each in others]
        assert first.result().status_code == 200
        assert figure(url, "regionclip_batch_sum") == 5
        assert figure(url, "regionclip_waiting") == 0
    assert labels == [["red"], [], ["red"], ["红"]]
    assert tower.together == [1, 4]


def test_who_has_gone_is_not_computed() -> None:
    detector, tower = gated()
    with serving(detector) as url, ThreadPoolExecutor(2) as clients:
        tower.gate.clear()
        first = clients.submit(post, url)
        assert tower.looking.wait(60)
        with socket.create_connection((urlsplit(url).hostname, urlsplit(url).port)) as gone:
            gone.sendall(request(png()))
            until(lambda: figure(url, "regionclip_waiting") == 1)
        await_figure(url, 'regionclip_left_total{why="gone"}', 1)
        tower.gate.set()
        assert first.result().status_code == 200
    assert tower.passes == 1


def test_what_comes_too_late_is_not_computed() -> None:
    detector, tower = gated()
    with serving(detector) as url, ThreadPoolExecutor(2) as clients:
        tower.gate.clear()
        first = clients.submit(post, url)
        assert tower.looking.wait(60)
        late = post(url, headers={"X-Timeout": "0.2"})
        assert (late.status_code, late.json()["status"]) == (504, 504)
        assert figure(url, 'regionclip_left_total{why="late"}') == 1
        tower.gate.set()
        assert first.result().status_code == 200
    assert tower.passes == 1


def test_pictures_that_wait_are_bounded() -> None:
    detector, tower = gated()
    with serving(detector, limits=Limits(waiting=RED.nbytes)) as url, ThreadPoolExecutor(2) as clients:
        tower.gate.clear()
        first = clients.submit(post, url)
        assert tower.looking.wait(60)
        second = clients.submit(post, url)
        until(lambda: figure(url, "regionclip_waiting") == 1)
        refused = post(url)
        assert (refused.status_code, int(refused.headers["Retry-After"])) == (503, 1)
        tower.gate.set()
        assert [each.result().status_code for each in (first, second)] == [200, 200]


def request(content: bytes) -> bytes:
    """A request to `/detect` as it goes over the wire."""
    parts = [
        b'--x\r\nContent-Disposition: form-data; name="words"\r\n\r\n["red"]\r\n',
        b'--x\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n\r\n' + content + b"\r\n--x--\r\n",
    ]
    body = b"".join(parts)
    head = "POST /detect HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=x\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
