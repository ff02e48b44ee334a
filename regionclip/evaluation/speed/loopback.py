"""A camera on this machine: an HTTP server of MJPEG on 127.0.0.1 whose pictures tell when they were taken."""

import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Self

import cv2
import numpy as np

from regionclip.errors import FrameError
from regionclip.frames import Frame

_BITS = 32
_BOUNDARY = "frame"


class LoopbackCamera:
    """Sends pictures with `clock_of` painted in at a steady rate to whoever connects; use it with `with`.

    Args:
        fps: pictures a second.
        size: `(H, W)` in pixels, W from 256, H from 16.

    Attributes:
        port: a free one from when it is first switched on; kept when it is switched off and on.
        frozen: while set, connections stay open and nothing is sent.
    """

    def __init__(self, *, fps: float = 25.0, size: tuple[int, int] = (480, 640)) -> None:
        if size[1] < 8 * _BITS or size[0] < 16:
            raise FrameError(f"loopback camera: expected a size of at least 256 x 16, got {size[1]} x {size[0]}")
        self.fps, self.size, self.port = fps, size, 0
        self.frozen = Event()
        self._off = Event()
        self._server: ThreadingHTTPServer | None = None
        self._thread: Thread | None = None

    @property
    def url(self) -> str:
        """Where the stream is."""
        return f"http://127.0.0.1:{self.port}/video.mjpg"

    def switch_on(self) -> None:
        """Listen and send."""
        camera = self

        class Handler(BaseHTTPRequestHandler):
            timeout = 5

            def do_GET(self) -> None:
                camera.serve(self)

            def log_message(self, format: str, *values: object) -> None:
                """Say nothing."""

        self._off.clear()
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = False  # so that switching off waits for them
        self.port = self._server.server_address[1]
        self._thread = Thread(target=self._server.serve_forever, args=(0.02,), name="loopback camera", daemon=True)
        self._thread.start()

    def switch_off(self) -> None:
        """Cut all connections and stop listening."""
        self._off.set()
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()
            self._server = self._thread = None

    def serve(self, request: BaseHTTPRequestHandler) -> None:
        """Send pictures until the client goes or the camera is switched off."""
        request.send_response(200)
        request.send_header("Content-Type", f"multipart/x-mixed-replace; boundary={_BOUNDARY}")
        request.end_headers()
        grain = np.random.default_rng(0).integers(90, 170, (*self.size, 3), dtype=np.uint8)  # (H, W, 3)
        ground = np.asarray(cv2.blur(grain, (9, 9)), np.uint8)  # (H, W, 3)
        due = time.monotonic()
        while not self._off.wait(max(0.0, due - time.monotonic())):
            due = max(due + 1 / self.fps, time.monotonic() - 1)
            if self.frozen.is_set():
                continue
            picture = cv2.imencode(".jpg", paint_clock(ground.copy()))[1].tobytes()
            head = f"--{_BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n"
            try:
                request.wfile.write(head.encode() + picture + b"\r\n")
            except OSError:  # the client has gone
                return

    def __enter__(self) -> Self:
        self.switch_on()
        return self

    def __exit__(self, *raised: object) -> None:
        self.switch_off()


def paint_clock(image: Frame) -> Frame:
    """Paint the milliseconds of `time.monotonic()` into the top 16 rows of `(H, W, 3)`, a bit in each 8 columns."""
    value = int(time.monotonic() * 1000)
    bits = (value >> np.arange(_BITS)) & 1  # (32,)
    image[:16, : 8 * _BITS] = np.repeat(bits * 255, 8)[None, :, None]
    return image


def clock_of(image: Frame) -> float:
    """The `time.monotonic()` that `paint_clock` painted, to a millisecond."""
    cells = image[2:14, : 8 * _BITS].reshape(12, _BITS, 8, 3)[:, :, 2:6].mean(axis=(0, 2, 3))  # (32,)
    return int(((cells > 127).astype(np.int64) << np.arange(_BITS)).sum()) / 1000
