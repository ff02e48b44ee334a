"""What the service refuses: wrong tokens, other sites, too much, too slow, pictures that are bombs or none."""

import io
import socket
import struct
import threading
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import numpy as np
import pytest
from PIL import Image
from served import figure, gated, png, post, serving
from toy import toy_detector
from waiting import until
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from regionclip.errors import ConfigError
from regionclip.serve import Client, Limits
from regionclip.serve.listening import check_address, listen
from regionclip.serve.running import read_token

SMALL = Limits(body=20_000, pixels=100_000, boxes=3, seconds=1.0)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serving(toy_detector([[16, 16, 80, 80]]), limits=SMALL) as url:
        yield url


def test_a_token_is_wanted_everywhere_but_for_probes() -> None:
    with serving(toy_detector(1), token="秘密".encode().hex()) as url:
        for wrong in ("", "Bearer wrong", "Bearer é"):
            answer = post(url, headers={b"Authorization": wrong.encode()})
            assert (answer.status_code, answer.json()["status"]) == (401, 401)
            assert answer.headers["www-authenticate"] == "Bearer"
        for path in ("/metrics", "/openapi.json", "/vocabularies", "/nowhere"):
            assert httpx.get(url + path, trust_env=False).status_code == 401
        with pytest.raises(InvalidStatus), connect(url.replace("http", "ws") + "/stream"):
            pass
        assert [httpx.get(url + path, trust_env=False).status_code for path in ("/healthz", "/readyz")] == [200, 200]
        with Client(url, token="秘密".encode().hex()) as client:
            assert client.detect(png(), ["red"]).images[0].regions == 1


def test_pages_of_other_sites_may_not_ask(url: str) -> None:
    assert post(url, headers={"Origin": "https://elsewhere.example"}).status_code == 403
    assert post(url, headers={"Origin": url}).status_code == 200
    with (
        pytest.raises(InvalidStatus),
        connect(url.replace("http", "ws") + "/stream", origin=Origin("https://elsewhere.example")),
    ):
        pass
    plain = httpx.post(f"{url}/vocabularies", content='{"name": "a", "words": ["a"]}', trust_env=False)
    assert plain.status_code == 415  # what a form of another site can send


def test_bodies_that_are_too_large(url: str) -> None:
    assert post(url, b"\0" * 20_000).status_code == 413

    def endless() -> Iterator[bytes]:
        for _ in range(100):
            yield b"\0" * 1000

    headers = {"Content-Type": "application/json"}
    for path in ("/embed", "/vocabularies"):
        answer = httpx.post(url + path, content=endless(), headers=headers, trust_env=False)
        assert (answer.status_code, "20000 bytes at most" in answer.json()["error"]) == (413, True)


def test_a_body_that_does_not_come(url: str) -> None:
    with socket.create_connection((urlsplit(url).hostname, urlsplit(url).port)) as slow:
        slow.sendall(b"POST /embed HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n[")
        slow.settimeout(30)
        assert slow.recv(100).startswith(b"HTTP/1.1 408")


def test_too_many_clients() -> None:
    detector, tower = gated()
    with serving(detector, limits=Limits(clients=2)) as url, ThreadPoolExecutor(1) as clients:
        tower.gate.clear()
        first = clients.submit(post, url)
        assert tower.looking.wait(60)
        with connect(url.replace("http", "ws") + "/stream"):
            until(lambda: post(url).status_code == 503)
            refused = post(url)
            assert (refused.json()["status"], refused.headers["retry-after"]) == (503, "1")
        until(lambda: figure(url, "regionclip_in_hand") == 1)  # that which stands at the gate
        tower.gate.set()
        assert first.result().status_code == 200


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few hundred bytes that says to be of any size."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(100_000))) + chunk(b"IEND", b"")


def encoded(kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(buffer, kind)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty"),
        (b"no picture", "no image"),
        (bomb(60_000, 60_000), "too large"),
        (bomb(10_000, 9_000), "100,000 pixels at most, got 10000 x 9000"),
        (bomb(400, 300), "100,000 pixels at most"),
        (bomb(200, 200), "damaged or truncated"),
        (png()[:100], "damaged or truncated"),
        (encoded("EPS"), "no image"),  # Pillow would hand it to Ghostscript
        (b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>', "no image"),
        (b"http://127.0.0.1:1/x.png", "no image"),
        (b"/etc/passwd", "no image"),
    ],
)
def test_pictures_that_are_none(url: str, content: bytes, told: str) -> None:
    answer = post(url, content)
    assert answer.status_code == 422
    assert told in answer.json()["error"]


def test_too_many_boxes_and_wrong_ones(url: str) -> None:
    for boxes, told in (
        ("[[1,2,3,4],[1,2,3,4],[1,2,3,4],[1,2,3,4]]", "3 boxes at most"),
        ("[[1,2,3]]", "expected shape (N, 4)"),
        ('{"a": 1}', "(N, 4)"),
        ("1 2 3 4", "in JSON"),
    ):
        answer = httpx.post(
            f"{url}/detect", data={"words": '["red"]', "boxes": boxes}, files={"image": png()}, trust_env=False
        )
        assert (answer.status_code, told in answer.json()["error"]) == (422, True)


def test_regions_that_are_none(url: str) -> None:
    def classify(content: bytes) -> str:
        form = {"words": '["red"]'}
        answer = httpx.post(f"{url}/classify", data=form, files={"regions": content}, trust_env=False)
        assert answer.status_code == 422
        return str(answer.json()["error"])

    assert "Regions.save" in classify(b"none")
    buffer = io.BytesIO()
    np.savez_compressed(buffer, zeros=np.zeros(1_000_000))  # a bomb: a kilobyte on the wire
    assert "when unpacked" in classify(buffer.getvalue())
    buffer = io.BytesIO()
    np.savez(buffer, format=np.array(1))
    assert classify(buffer.getvalue()) == "regions has no entry 'fingerprint'"
    assert "either image or regions" in httpx.post(f"{url}/classify", data={"words": '["red"]'}, trust_env=False).text


def test_a_fault_says_nothing_of_the_inside(capfd: pytest.CaptureFixture[str]) -> None:
    detector, tower = gated()
    tower.preprocess = tower._encode = lambda frame: 1 / 0  # type: ignore[assignment,method-assign,return-value]
    with serving(detector) as url:
        answer = post(url)
        assert httpx.get(f"{url}/readyz", trust_env=False).status_code == 200
    assert (answer.status_code, answer.json()) == (
        500,
        {"status": 500, "error": "a fault of the service, which its log tells of"},
    )


def test_a_name_of_a_client_is_only_told(url: str) -> None:
    files = {"image": ("../../etc/" + "x" * 500, png())}
    answer = httpx.post(f"{url}/detect", data={"words": '["red"]'}, files=files, trust_env=False).json()
    assert answer["images"][0]["file"].startswith("../../etc/xx")
    assert len(answer["images"][0]["file"]) == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "camera.example"])
def test_others_than_this_machine_need_a_token(host: str) -> None:
    with pytest.raises(ConfigError, match="--token-file"):
        check_address(host, protected=False, protect="give --token-file FILE")
    check_address(host, protected=True, protect="")
    for local in ("127.0.0.1", "127.8.8.8", "::1", "localhost"):
        check_address(local, protected=False, protect="")


def test_token_files(tmp_path: Path) -> None:
    file = tmp_path / "token"
    for content, told in ((b"", "one line"), (b"a\nb\n", "one line"), (b"\xff", "one line")):
        file.write_bytes(content)
        with pytest.raises(ConfigError, match=told):
            read_token(file)
    file.write_text("s3cret\n")
    assert (read_token(file), read_token(None)) == ("s3cret", None)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_token(tmp_path / "none")


def test_a_port_that_is_taken() -> None:
    with listen("127.0.0.1", 0) as taken, pytest.raises(ConfigError, match="cannot listen there"):
        listen("127.0.0.1", taken.getsockname()[1])


def test_threads_end_with_the_service() -> None:
    before = set(threading.enumerate())
    with serving(toy_detector(1)) as url:
        assert post(url).status_code == 200
    until(lambda: set(threading.enumerate()) <= before)
