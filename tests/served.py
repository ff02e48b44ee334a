"""The service on loopback, in a thread of the test."""

import io
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
import uvicorn
from PIL import Image
from toy import ToyTower, planted
from waiting import until

from proposals.boxes import BoxesProposer
from regionclip.detector import Detector
from regionclip.frames import Frame
from regionclip.serve import Limits, create_app
from regionclip.serve.listening import listen
from regionclip.towers.base import ImageFeatures, TokenGrid

RED = planted(red=(16, 16, 80, 80))


class GatedTower(ToyTower):
    """Waits at a gate before it looks, and takes down how many frames it was given together."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()
        self.gate.set()
        self.together: list[int] = []
        self.looking = threading.Event()

    def encode_image(self, frames: Sequence[Frame]) -> list[ImageFeatures]:
        self.together.append(len(frames))
        return super().encode_image(frames)

    def _encode(self, frame: Frame) -> TokenGrid:
        self.looking.set()
        assert self.gate.wait(60)
        return super()._encode(frame)


def gated() -> tuple[Detector, GatedTower]:
    """A detector that proposes one box and waits at a gate."""
    tower = GatedTower()
    return Detector(tower, BoxesProposer(np.array([[16, 16, 80, 80]], np.float32))), tower


def png(frame: Frame = RED) -> bytes:
    """A frame as the content of a file."""
    buffer = io.BytesIO()
    Image.fromarray(frame[:, :, ::-1]).save(buffer, "PNG")
    return buffer.getvalue()


@contextmanager
def serving(
    detector: Detector, *, limits: Limits | None = None, token: str | None = None, vocabularies: Path | None = None
) -> Iterator[str]:
    """The service; gives its URL. At the end it is told to stop, and must."""
    app = create_app(detector, limits=limits, token=token, vocabularies=vocabularies)
    listener = listen("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", ws_max_size=1 << 20))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(60)
        assert not thread.is_alive()


@contextmanager
def serve_command(*options: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The command, and where it serves; killed at the end where it still runs."""
    command = [sys.executable, "-m", "regionclip", "serve", "--tower", "tiny", "--port", "0", *options]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        try:
            assert process.stderr is not None
            lines = iter(process.stderr.readline, "")
            url = next(found[0] for line in lines if (found := re.search(r"http://127\S+", line)))
            until(lambda: _answers(url))
            yield url, process
        finally:
            process.kill()


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", timeout=60, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def post(
    url: str,
    content: bytes | None = None,
    *,
    words: str = '["red"]',
    headers: Mapping[str, str] | Mapping[bytes, bytes] | None = None,
) -> httpx.Response:
    """`POST /detect` with a picture of a red square."""
    files = {"image": ("red.png", png() if content is None else content)}
    return httpx.post(f"{url}/detect", data={"words": words}, files=files, headers=headers, timeout=60, trust_env=False)


def figure(url: str, name: str) -> float:
    """A figure of `/metrics`, 0 where it is not there yet."""
    text = httpx.get(f"{url}/metrics", trust_env=False).text
    return next((float(line.split()[-1]) for line in text.splitlines() if line.startswith(f"{name} ")), 0.0)


def await_figure(url: str, name: str, value: float) -> None:
    """Return once a figure has a value."""
    until(lambda: figure(url, name) == value)
