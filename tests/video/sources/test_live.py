"""Live sources against a loopback MJPEG camera: the newest frame, what is lost and what comes back."""

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue

import cv2
import numpy as np
import pytest
from footage import number_of, numbered, write_clip
from waiting import next_frame, until

from regionclip.errors import ConfigError, SourceError
from regionclip.evaluation.speed.loopback import LoopbackCamera, clock_of
from regionclip.video.sources.backoff import Backoff
from regionclip.video.sources.base import SourceEvent
from regionclip.video.sources.camera import CameraReader
from regionclip.video.sources.live import LiveSource
from regionclip.video.sources.opening import open_source
from regionclip.video.sources.options import LiveOptions, Naming
from regionclip.video.sources.stdin import StdinReader

QUICK = LiveOptions(open_timeout=2, read_timeout=1, first_wait=0.1, longest_wait=0.4)
SMALL = (120, 256)
WAIT = 30  # seconds, for a machine with much else to do


@pytest.fixture(autouse=True)
def _no_thread_stays_behind() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


def opened(url: str, events: "SimpleQueue[SourceEvent] | None" = None, **more: float) -> LiveSource:
    on_event = None if events is None else events.put
    source = open_source(url, live=QUICK, on_event=on_event, **more)  # type: ignore[arg-type]
    assert isinstance(source, LiveSource)
    return source


def test_a_slow_reader_gets_young_frames() -> None:
    with LoopbackCamera(size=SMALL) as camera, opened(camera.url) as source:
        next_frame(source)
        frames = []
        for _ in range(6):
            seen = source.status().arrived
            until(lambda: source.status().arrived > seen + 3)  # noqa: B023 - called at once
            frame = next_frame(source)
            frames.append(frame)
            assert time.monotonic() - clock_of(frame.image) < 1  # by the camera's own clock
            assert 0 <= frame.age_seconds < 1
            assert frame.utc_seconds == pytest.approx(time.time() - frame.age_seconds, abs=0.5)
        status = source.status()
    assert (np.diff([frame.index for frame in frames]) > 1).any()
    assert (np.diff([frame.t_seconds for frame in frames]) > 0).all()
    assert status.handed == 7
    assert status.dropped > 0
    assert status.arrived >= status.handed + status.dropped
    assert status.connected
    assert 0 < status.fps < 60
    assert (status.outages, status.reason, status.damaged) == (0, "", 0)


def test_a_frame_is_handed_over_once() -> None:
    with LoopbackCamera(fps=2, size=SMALL) as camera, opened(camera.url) as source:
        first = next_frame(source)
        assert source.read(timeout=0.01) is None
        assert not source.ended
        assert next_frame(source).index > first.index


def test_a_camera_that_is_switched_off_and_on() -> None:
    events: SimpleQueue[SourceEvent] = SimpleQueue()
    with LoopbackCamera(size=SMALL) as camera, opened(camera.url, events) as source:
        before = next_frame(source)
        camera.switch_off()
        lost = events.get(timeout=WAIT)
        assert (lost.kind, lost.source) == ("lost", camera.url)
        assert lost.reason
        assert source.status().reason == lost.reason
        assert not source.status().connected
        until(lambda: source.status().outage_seconds > 0.5)  # several tries in vain: still one event
        camera.switch_on()
        back = events.get(timeout=WAIT)
        assert back.kind == "back"
        noticed_after = back.outage_seconds - (back.utc_seconds - lost.utc_seconds)
        assert noticed_after == pytest.approx(lost.outage_seconds, abs=0.2)
        while (after := next_frame(source)).t_seconds < back.outage_seconds:
            pass  # one frame from before may have been kept
        assert after.index > before.index
        assert source.status().outages == 1
        assert source.status().connected
    assert events.empty()


def test_a_frozen_camera_is_lost_and_comes_back() -> None:
    events: SimpleQueue[SourceEvent] = SimpleQueue()
    with LoopbackCamera(size=SMALL) as camera, opened(camera.url, events) as source:
        next_frame(source)
        camera.frozen.set()
        lost = events.get(timeout=WAIT)
        assert "no data for 1 s" in lost.reason
        assert lost.outage_seconds > 0.9  # it counts from the last good frame, not from when that was noticed
        until(lambda: source.status().outage_seconds > lost.outage_seconds + 0.1)
        camera.frozen.clear()
        back = events.get(timeout=WAIT)
        assert back.kind == "back"
        assert back.outage_seconds > lost.outage_seconds + 0.1
        assert source.status().outage_seconds == back.outage_seconds


def test_a_camera_that_is_not_there_yet() -> None:
    events: SimpleQueue[SourceEvent] = SimpleQueue()
    camera = LoopbackCamera(size=SMALL)
    with camera:
        pass  # it has a port now
    with opened(camera.url, events) as source:
        lost = events.get(timeout=WAIT)
        assert "connection refused" in lost.reason
        assert source.read(timeout=0) is None
        assert source.status().silent_seconds is None
        with camera:
            assert next_frame(source).image.shape == (*SMALL, 3)
            assert events.get(timeout=WAIT).outage_seconds > lost.outage_seconds >= 0  # from the opening


def test_closing_a_frozen_camera_does_not_hang() -> None:
    with LoopbackCamera(size=SMALL) as camera:
        source = opened(camera.url)
        next_frame(source)
        camera.frozen.set()
        while source.read(timeout=0) is not None:
            pass
        reading = threading.Thread(target=source.read)  # waits without a timeout
        reading.start()
        source.close()
        reading.join(WAIT)
        assert not reading.is_alive()
        assert source.ended
        assert source.read() is None
        source.close()


def test_patience_ends() -> None:
    with LoopbackCamera(size=SMALL) as camera:
        url = camera.url.replace("//", "//viewer:hidden@")
    for patience in (0, 0.3):
        live = LiveOptions(patience=patience, first_wait=0.1)
        with open_source(url, live=live) as source:
            with pytest.raises(SourceError, match=r"viewer:\*\*\*@127.*connection refused") as caught:
                source.read(WAIT)
            assert "hidden" not in str(caught.value)
            assert source.ended
            assert source.read() is None


def test_an_error_of_the_callback_reaches_the_reader() -> None:
    def fail(event: SourceEvent) -> None:
        raise ValueError(f"cannot log {event.kind}")

    with LoopbackCamera(size=SMALL) as camera:
        pass
    with open_source(camera.url, on_event=fail) as source, pytest.raises(ValueError, match="cannot log lost"):
        source.read(WAIT)


def test_the_cap_of_a_camera() -> None:
    with LoopbackCamera(size=SMALL) as camera, opened(camera.url, max_fps=5) as source:
        frames = [next_frame(source) for _ in range(6)]
        status = source.status()
    assert (np.diff([frame.t_seconds for frame in frames]) > 0.05).all()
    assert status.skipped > 5
    assert frames[-1].t_seconds - frames[0].t_seconds > 0.8  # five steps of a fifth of a second


def test_damaged_pictures_are_counted_and_passed_over() -> None:
    read, write = os.pipe()
    pipe = StdinReader(read, live=True)
    whole = cv2.imencode(".png", numbered(7))[1].tobytes()
    torn = whole[:60] + bytes(20) + whole[80:]
    with LiveSource(lambda: pipe, Naming(id="pipe"), kind="pipe") as source:
        os.write(write, torn)
        assert source.read(timeout=1) is None
        assert source.status().damaged == 1
        os.write(write, whole)
        assert number_of(next_frame(source).image) == 7
    os.close(read)
    os.close(write)


def test_a_file_played_like_a_camera(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "a.mp4", range(0, 1000, 40))
    start = time.monotonic()
    with open_source(clip, mode="latest", start_utc=1000.0) as source:
        assert isinstance(source, LiveSource)
        first = next_frame(source)
        until(lambda: source.status().arrived > first.index + 8)
        second = next_frame(source)
        assert number_of(first.image) == first.index
        assert second.index - first.index >= 5
        assert second.t_seconds == pytest.approx(second.index * 0.04)
        assert number_of(second.image) == second.index
        assert second.utc_seconds == pytest.approx(1000 + second.t_seconds)
        rest = list(source)
    assert rest[-1].index == 24
    assert time.monotonic() - start >= 0.9  # no faster than its own clock
    assert source.ended


def test_a_device_of_opencv(tmp_path: Path) -> None:
    """There is no camera on a test machine; a file stands for the device, which OpenCV opens alike."""
    clip = write_clip(tmp_path / "a.avi", range(0, 800, 40), codec="mjpeg")
    reader = CameraReader(str(clip))
    start = time.monotonic()
    assert start <= reader.grab() <= time.monotonic()
    first = reader.take()
    for _ in range(19):
        reader.grab()
    last = reader.take()
    with pytest.raises(SourceError, match="unplugged"):
        reader.grab()
    reader.close()
    assert (number_of(first()), number_of(last())) == (0, 19)


def test_a_camera_number_that_is_not_there() -> None:
    with (
        open_source("97", live=LiveOptions(patience=0)) as source,
        pytest.raises(SourceError, match=r"camera 97: there is no /dev/video97"),
    ):
        source.read(WAIT)
    assert source.id == "camera-97"


def test_waits_double_up_to_a_cap_and_start_again_after_a_good_connection() -> None:
    backoff = Backoff(0.5, 8)
    wanted = [0.5, 1, 2, 4, 8, 8, 8]
    for wait in wanted:
        assert 0.8 * wait <= backoff.next_wait(held=0) <= 1.2 * wait
    assert backoff.next_wait(held=1) > 6  # one that broke soon is no good one
    assert backoff.next_wait(held=60) < 1
    assert len({Backoff(1, 2).next_wait(0) for _ in range(20)}) > 1


@pytest.mark.parametrize(
    "options", [{"transport": "http"}, {"read_timeout": 0}, {"open_timeout": float("nan")}, {"patience": -1}]
)
def test_options_are_checked(options: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=next(iter(options))):
        LiveOptions(**options)  # type: ignore[arg-type]
