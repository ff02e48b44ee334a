"""Pictures over a WebSocket: the newest wins, words change under way, mistakes do not end it."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from served import figure, gated, png, serving
from toy import planted
from waiting import until
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

BLUE = png(planted(blue=(16, 16, 80, 80)))


@contextmanager
def streaming(url: str) -> Iterator[ClientConnection]:
    with connect(url.replace("http", "ws") + "/stream") as stream:
        yield stream


def answer(stream: ClientConnection) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(stream.recv(60))
    return told


def labels(told: dict[str, Any]) -> list[str]:
    return [row["label"] for row in told["images"][0]["detections"]]


def test_words_change_under_way_and_mistakes_are_told() -> None:
    with serving(gated()[0]) as url, streaming(url) as stream:
        stream.send(png())
        assert answer(stream)["error"].startswith("send words first")
        stream.send('["red"]')
        stream.send(png())
        told = answer(stream)
        assert (told["index"], labels(told)) == (1, ["red"])
        stream.send('{"labels": ["blue"], "threshold": 0.4}')
        stream.send(png())
        assert labels(answer(stream)) == []
        stream.send(BLUE)
        assert labels(answer(stream)) == ["blue"]
        stream.send("nobody@3")
        assert answer(stream)["status"] == 404
        stream.send(b"no picture")
        assert answer(stream)["status"] == 422
        stream.send(BLUE)  # the words from before stay
        told = answer(stream)
        assert (told["index"], labels(told)) == (5, ["blue"])


def test_the_newest_wins() -> None:
    detector, tower = gated()
    with serving(detector) as url, streaming(url) as stream:
        stream.send('["red", "blue"]')
        tower.gate.clear()
        stream.send(BLUE)
        assert tower.looking.wait(60)
        for _ in range(4):
            stream.send(png())
        stream.send(b"no picture, and nobody looks at it")
        stream.send(BLUE)
        stream.ping().wait(60)  # all have arrived
        tower.gate.set()
        indices = [answer(stream)["index"]]
        while indices[-1] < 6:
            indices.append(answer(stream)["index"])
        assert (indices[0], indices[-1]) == (0, 6)
        assert len(indices) < 5  # as a rule 2; one that came while the first was handed over may be looked at


def test_a_stream_that_goes_leaves_nothing_behind() -> None:
    detector, tower = gated()
    with serving(detector) as url:
        tower.gate.clear()
        with streaming(url) as stream:
            stream.send('["red"]')
            stream.send(png())
            assert tower.looking.wait(60)
        until(lambda: figure(url, "regionclip_in_hand") == 0)
        tower.gate.set()


def test_a_fault_ends_a_stream_and_not_the_service() -> None:
    detector, tower = gated()
    tower.encode_image = lambda frames: 1 / 0  # type: ignore[assignment,method-assign,return-value]
    with serving(detector) as url:
        for _ in range(2):
            with streaming(url) as stream:
                stream.send('["red"]')
                stream.send(png())
                with pytest.raises(ConnectionClosed) as closed:
                    stream.recv(60)
                assert closed.value.rcvd is not None
                assert closed.value.rcvd.code == 1011


def test_the_service_stops_while_a_stream_is_open() -> None:
    with ExitStack() as stack:
        with serving(gated()[0]) as url:
            stream = stack.enter_context(streaming(url))
            stream.send('["red"]')
            stream.send(png())
            assert labels(answer(stream)) == ["red"]
        with pytest.raises(ConnectionClosed):
            stream.recv(60)
