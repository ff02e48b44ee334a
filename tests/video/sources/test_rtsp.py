"""An RTSP camera on loopback: GStreamer's server, killed and started again, frozen and released."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue

import numpy as np
import pytest
from waiting import next_frame, until

from regionclip.errors import SourceError
from regionclip.video.sources.base import OpenSource, SourceEvent, SourceStatus
from regionclip.video.sources.live import LiveSource
from regionclip.video.sources.opening import open_source
from regionclip.video.sources.options import LiveOptions, Transport

PYTHON = "/usr/bin/python3"  # Debian's, with its bindings of GStreamer
SCRIPT = Path(__file__).parents[2] / "rtsp_server.py"
WAIT = 40


def has_server() -> bool:
    code = (
        "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import Gst, GstRtspServer; "
        "Gst.init(None); assert all(map(Gst.ElementFactory.find, ('x264enc', 'rtph264pay', 'videotestsrc', 'jpegenc')))"
    )
    try:
        return subprocess.run([PYTHON, "-c", code], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


pytestmark = pytest.mark.skipif(
    not has_server(), reason="no RTSP server on this machine; scripts/rtsp-server says more"
)


class Server:
    """The script in a process of its own, always on one port."""

    def __init__(self, *options: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._options = options
        self.start()

    @property
    def url(self) -> str:
        return f"rtsp://127.0.0.1:{self.port}/live"

    def start(self) -> None:
        command = [PYTHON, str(SCRIPT), str(self.port), *self._options]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


@pytest.fixture(scope="module")
def shared_server() -> Iterator[Server]:
    server = Server()
    yield server
    server.kill()


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    server = Server(*getattr(request, "param", ()))
    yield server
    server.kill()


def status_of(source: OpenSource) -> SourceStatus:
    assert isinstance(source, LiveSource)
    return source.status()


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_frames_come(shared_server: Server, transport: Transport) -> None:
    with open_source(shared_server.url, id="yard", live=LiveOptions(transport=transport)) as source:
        frames = [next_frame(source) for _ in range(5)]
    assert {frame.image.shape for frame in frames} == {(240, 320, 3)}
    assert {frame.source for frame in frames} == {"yard"}
    assert frames[0].image.max() > 200  # a white ball on black
    assert not np.array_equal(frames[0].image, frames[-1].image)


def test_a_slow_reader_sees_the_present(shared_server: Server) -> None:
    with open_source(shared_server.url) as source:
        first = next_frame(source)
        for _ in range(8):
            seen = status_of(source).arrived
            until(lambda: status_of(source).arrived > seen + 3)  # noqa: B023 - called at once
            frame = next_frame(source)
            assert frame.age_seconds < 1
    assert frame.index - first.index > 10
    assert status_of(source).dropped > 0


def test_only_key_frames(shared_server: Server) -> None:
    with open_source(shared_server.url, live=LiveOptions(key_frames_only=True)) as source:
        frames = [next_frame(source) for _ in range(4)]
    assert [frame.index for frame in frames] == [0, 1, 2, 3]
    steps = np.diff([frame.t_seconds for frame in frames])
    assert np.median(steps) == pytest.approx(1, abs=0.3)  # every 25th of 25 a second
    assert max(frame.age_seconds for frame in frames) < 1  # not held back for the frames to come


def test_a_killed_camera_comes_back(server: Server) -> None:
    events: SimpleQueue[SourceEvent] = SimpleQueue()
    with open_source(server.url, on_event=events.put) as source:
        before = next_frame(source)
        server.kill()
        lost = events.get(timeout=WAIT)
        assert lost.kind == "lost"
        server.start()
        back = events.get(timeout=WAIT)
        assert (back.kind, back.source) == ("back", server.url)
        assert back.outage_seconds > 0
        while (after := next_frame(source)).utc_seconds < back.utc_seconds - 1:  # type: ignore[operator]
            pass
        assert after.index > before.index
    assert events.empty()


def test_a_frozen_camera_comes_back(server: Server) -> None:
    events: SimpleQueue[SourceEvent] = SimpleQueue()
    live = LiveOptions(open_timeout=2, read_timeout=1, longest_wait=1)
    with open_source(server.url, live=live, on_event=events.put) as source:
        next_frame(source)
        server.send(signal.SIGSTOP)
        start = time.monotonic()
        assert "no data for 1 s" in events.get(timeout=WAIT).reason
        assert time.monotonic() - start < 15
        until(lambda: status_of(source).outage_seconds > 3.5)  # a new connection was tried, and the server is silent
        server.send(signal.SIGCONT)
        assert events.get(timeout=WAIT).kind == "back"
        next_frame(source)


@pytest.mark.parametrize("server", [("h264", "--password", "viewer:geheim1")], indirect=True)
def test_user_and_password(server: Server) -> None:
    address = server.url.removeprefix("rtsp://")
    with open_source(f"rtsp://viewer:geheim1@{address}") as source:
        frame = next_frame(source)
    assert frame.source == f"rtsp://viewer:***@{address}"
    for login in ("viewer:geheim2@", ""):
        with open_source(f"rtsp://{login}{address}", live=LiveOptions(patience=0)) as source:
            with pytest.raises(SourceError, match="401") as caught:
                source.read(WAIT)
            assert "geheim" not in str(caught.value)


def test_a_wrong_path_is_told(shared_server: Server) -> None:
    with (
        open_source(shared_server.url.replace("live", "nothing"), live=LiveOptions(patience=0)) as source,
        pytest.raises(SourceError, match="404"),
    ):
        source.read(WAIT)


@pytest.mark.parametrize("server", [("jpeg",)], indirect=True)
def test_motion_jpeg_over_rtsp_is_decoded_when_it_is_used(server: Server) -> None:
    with open_source(server.url, max_fps=5) as source:
        frames = [next_frame(source) for _ in range(3)]
    assert frames[2].image.shape == (240, 320, 3)
    assert frames[2].image.max() > 200
