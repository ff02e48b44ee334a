"""Loopback cameras in a process of their own, so that what they cost is not counted as the cost of reading them."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Self

from regionclip.errors import SourceError
from regionclip.evaluation.speed.loopback import LoopbackCamera


class Fleet:
    """Cameras to be read, in another process; use it with `with`.

    Args:
        count: of cameras.
        fps: pictures a second of each.
        size: `(H, W)` in pixels, as `LoopbackCamera` takes it.

    Attributes:
        urls: where they are.
    """

    def __init__(self, count: int, *, fps: float, size: tuple[int, int]) -> None:
        LoopbackCamera(fps=fps, size=size)  # refuses a size that cannot be, here and not there
        command = [sys.executable, "-m", "regionclip.evaluation.speed.fleet", str(count), str(fps), *map(str, size)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            self._process.wait()
            raise SourceError(f"loopback cameras: their process ended with code {self._process.returncode}")
        self.urls: list[str] = json.loads(line)

    def switch(self, number: int, *, on: bool) -> None:
        """Switch a camera off, or on again."""
        assert self._process.stdin is not None  # it was opened with a pipe
        self._process.stdin.write(f"{'on' if on else 'off'} {number}\n")
        self._process.stdin.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self._process.communicate()  # it ends with its input


@contextmanager
def silent_port() -> Iterator[str]:
    """A dead camera of the worst kind: it takes connections and never says a word; its address."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/video.mjpg"


def _serve(count: int, fps: float, size: tuple[int, int]) -> None:
    with ExitStack() as stack:
        cameras = [stack.enter_context(LoopbackCamera(fps=fps, size=size)) for _ in range(count)]
        sys.stdout.write(json.dumps([camera.url for camera in cameras]) + "\n")
        sys.stdout.flush()
        for line in sys.stdin:
            what, number = line.split()
            camera = cameras[int(number)]
            if what == "on":
                camera.switch_on()
            else:
                camera.switch_off()


if __name__ == "__main__":
    _serve(int(sys.argv[1]), float(sys.argv[2]), (int(sys.argv[3]), int(sys.argv[4])))
