"""Videos are read back frame by frame with PyAV and with our own sources."""

import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from footage import frame_count, number_of, numbered
from hypothesis import given
from hypothesis import strategies as st
from waiting import until

from regionclip.errors import ConfigError, FileError, FrameError, InputError, VideoFileError
from regionclip.evaluation.speed.chain import measure_writer, writing_table
from regionclip.video.output.clock import Clock
from regionclip.video.output.codecs import CODECS, Codec
from regionclip.video.output.writer import VideoWriter
from regionclip.video.sources.opening import open_source

KINDS = [(codec, suffix) for codec, how in CODECS.items() for suffix in how.suffixes]
UNEVEN = [0.0, 0.04, 0.08, 0.2, 0.333, 1.0, 1.033, 1.067, 1.1, 1.5, 3.0]
UNEVEN += [*(3.1 + 0.0417 * i for i in range(30)), 9.0, 9.0417]
FOLDER = Path(__file__).parents[2]


def write(path: Path, times: list[float], *, size: tuple[int, int] = (64, 96), codec: str = "h264") -> Path:
    with VideoWriter(path, codec=codec) as writer:
        for number, time_ in enumerate(times):
            writer.write(numbered(number, size), time_)
    return path


def played(path: Path) -> tuple[list[int], list[float]]:
    """Numbers and times of the frames of a file; any warning about damage is an error."""
    with open_source(path) as source:
        frames = list(source)
    return [number_of(frame.image) for frame in frames], [frame.t_seconds for frame in frames]


@pytest.mark.parametrize(("codec", "suffix"), KINDS)
def test_every_frame_at_its_own_time(tmp_path: Path, codec: str, suffix: str) -> None:
    path = write(tmp_path / f"clip{suffix}", UNEVEN, codec=codec)
    numbers, times = played(path)
    assert numbers == list(range(len(UNEVEN)))
    assert np.abs(np.array(times) - UNEVEN).max() <= 0.0005 + 1e-9  # half of what a container may count in
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.codec.canonical_name == codec
        end = float(container.duration or 0) / av.time_base
    assert end == pytest.approx(UNEVEN[-1] + 0.0417, abs=0.002)  # the last frame is shown as long as the one before
    assert [left.name for left in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize(("codec", "suffix"), KINDS)
def test_colours_come_back(tmp_path: Path, codec: str, suffix: str) -> None:
    colours = [(0, 0, 255), (0, 255, 0), (255, 0, 0), (255, 255, 255), (0, 0, 0), (128, 128, 128), (40, 120, 200)]
    image = np.zeros((64, 64 * len(colours), 3), np.uint8)
    for place, colour in enumerate(colours):
        image[:, 64 * place : 64 * (place + 1)] = colour
    with VideoWriter(tmp_path / f"c{suffix}", codec=codec) as writer:
        for number in range(5):
            writer.write(image, number / 25)
    with av.open(str(tmp_path / f"c{suffix}")) as container:
        frame = next(container.decode(video=0))
        assert (frame.colorspace, frame.color_primaries, frame.color_trc, frame.color_range) == (1, 1, 1, 1)
        assert frame.format.name == "yuv420p"
        back = frame.to_ndarray(format="bgr24").astype(int)
    for place, colour in enumerate(colours):
        seen = back[16:48, 64 * place + 16 : 64 * place + 48].reshape(-1, 3)
        assert np.abs(seen - colour).max() <= 6, (colour, seen.mean(axis=0))


def boxes_of(path: Path) -> list[bytes]:
    """Names of the outermost boxes of an MP4, in order."""
    data, place, names = path.read_bytes(), 0, []
    while place < len(data):
        size = int.from_bytes(data[place : place + 4], "big")
        names.append(data[place + 4 : place + 8])
        place += size if size > 1 else int.from_bytes(data[place + 8 : place + 16], "big")
    return names


def test_mp4_starts_before_it_is_whole(tmp_path: Path) -> None:
    names = boxes_of(write(tmp_path / "x.mp4", UNEVEN))
    assert names.index(b"moov") < names.index(b"mdat")


@pytest.mark.parametrize("size", [(63, 97), (64, 97), (63, 96)])
def test_odd_sizes_repeat_their_edge(tmp_path: Path, size: tuple[int, int]) -> None:
    image = numbered(5, size)
    image[-1], image[:, -1] = (0, 255, 0), (0, 255, 0)
    with VideoWriter(tmp_path / "odd.mp4", quality=0) as writer:
        writer.write(image, 0.0)
        assert writer.size == (64, size[1] + size[1] % 2)
    with open_source(tmp_path / "odd.mp4") as source:
        back = next(iter(source)).image
    assert back.shape == (*writer.size, 3)
    assert number_of(back) == 5
    if size[0] % 2:
        assert np.abs(back[-1, 16:-4].astype(int) - (0, 255, 0)).max() < 30
    if size[1] % 2:
        assert np.abs(back[20:, -1].astype(int) - (0, 255, 0)).max() < 30


def test_another_size_is_letterboxed(tmp_path: Path) -> None:
    tall = np.full((400, 100, 3), (0, 200, 0), np.uint8)
    small = np.full((20, 30, 3), (200, 0, 0), np.uint8)
    with VideoWriter(tmp_path / "x.mp4") as writer:
        for number, image in enumerate([numbered(0, (100, 150)), tall, small, numbered(3, (100, 150))]):
            writer.write(image, number * 0.1)
    with open_source(tmp_path / "x.mp4") as source:
        frames = [frame.image.astype(int) for frame in source]
    assert [frame.shape for frame in frames] == [(100, 150, 3)] * 4
    assert frames[1][:, :58].max() < 20  # 25 columns in the middle, bars beside
    assert frames[1][:, 92:].max() < 20
    assert np.abs(frames[1][5:95, 70:80] - (0, 200, 0)).max() < 8
    assert np.abs(frames[2][4:96, 4:146] - (200, 0, 0)).max() < 8  # the same shape: no bars
    assert number_of(frames[3].astype(np.uint8)) == 3


def test_times_that_do_not_grow(tmp_path: Path) -> None:
    given_times = [0.0, 0.1, 0.1, 0.05, 0.2, 0.3]
    for suffix, tick in ((".mp4", 1 / 16000), (".mkv", 1 / 1000)):
        numbers, times = played(write(tmp_path / f"x{suffix}", given_times))
        assert numbers == list(range(6))
        assert times == pytest.approx([0.0, 0.1, 0.1 + tick, 0.1 + 2 * tick, 0.2, 0.3], abs=1e-6)


def test_a_clock_that_starts_again(tmp_path: Path) -> None:
    numbers, times = played(write(tmp_path / "x.mp4", [0.0, 1.0, 2.0, 0.0, 0.5, 1.0]))
    assert numbers == list(range(6))
    assert times == pytest.approx([0.0, 1.0, 2.0, 3.0, 3.5, 4.0], abs=1e-4)


def test_a_live_source_starts_late_and_falls_silent(tmp_path: Path) -> None:
    start = 1_700_000_000.25
    with VideoWriter(tmp_path / "x.mp4") as writer:
        assert writer.start_seconds is None
        for number, time_ in enumerate([0.0, 0.04, 3 * 86400, 3 * 86400 + 0.04]):
            writer.write(numbered(number), start + time_)
        assert writer.start_seconds == start
    numbers, times = played(tmp_path / "x.mp4")
    assert numbers == [0, 1, 2, 3]
    assert times == pytest.approx([0.0, 0.04, 86400.04, 86400.08], abs=1e-3)  # a day is the longest that MP4 holds
    assert played(write(tmp_path / "x.mkv", [0, 3 * 86400]))[1] == [0, 3 * 86400]


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=40), st.sampled_from([1000, 16000]))
def test_places_always_grow(times: list[float], ticks: int) -> None:
    clock = Clock(ticks, 0.04)
    places = [clock.place(time_) for time_ in times]
    assert places[0] == 0
    assert (np.diff(places) > 0).all()
    assert clock.start == times[0]


@given(st.lists(st.integers(2, 10_000), min_size=1, max_size=40), st.sampled_from([1000, 16000]))
def test_growing_times_are_kept(milliseconds: list[int], ticks: int) -> None:
    times = np.cumsum(milliseconds) / 1000
    clock = Clock(ticks, 0.04)
    places = np.array([clock.place(float(time_)) for time_ in times]) / ticks
    assert np.abs(places - (times - times[0])).max() < 1e-6


def test_nothing_written_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(VideoFileError, match="there was no frame"), VideoWriter(tmp_path / "x.mp4"):
        pass
    with pytest.raises(KeyboardInterrupt), VideoWriter(tmp_path / "x.mp4"):
        raise KeyboardInterrupt
    with VideoWriter(tmp_path / "x.mp4") as writer:
        writer.write(numbered(0), 0)
        writer.abort()
    assert list(tmp_path.iterdir()) == []


def test_an_older_file_stays_until_the_end(tmp_path: Path) -> None:
    path = tmp_path / "new" / "x.mp4"
    write(path, [0.0, 0.1])
    old = path.read_bytes()
    with pytest.raises(VideoFileError, match="no frame"), VideoWriter(path):
        pass
    writer = VideoWriter(path)
    writer.write(numbered(7), 0.0)
    assert path.read_bytes() == old
    writer.close()
    writer.close()
    assert played(path)[0] == [7]
    with pytest.raises(VideoFileError, match="is closed"):
        writer.write(numbered(8), 0.1)


def test_an_exception_keeps_what_was_done(tmp_path: Path) -> None:
    with suppress(ConnectionError), VideoWriter(tmp_path / "x.mp4") as writer:
        for number in range(60):
            writer.write(numbered(number), number / 25)
        raise ConnectionError
    assert played(tmp_path / "x.mp4")[0] == list(range(60))


def test_bad_frames_are_refused_and_the_video_goes_on(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "x.mp4") as writer:
        for bad in (np.zeros((4, 4, 7), np.uint8), np.zeros((0, 0, 3), np.uint8), np.zeros((9, 9, 3)), "no.jpg"):
            with pytest.raises((FrameError, FileError)):
                writer.write(bad, 0.0)
        for time_ in (float("nan"), float("inf")):
            with pytest.raises(InputError, match="finite"):
                writer.write(numbered(0), time_)
        writer.write(numbered(1), 0.0)
        read_only = numbered(2)
        read_only.flags.writeable = False
        writer.write(read_only, 0.1)
        writer.write(np.asfortranarray(numbered(3)), 0.2)
    assert played(tmp_path / "x.mp4")[0] == [1, 2, 3]


def test_smaller_numbers_are_better_and_larger(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    scene = cv2.GaussianBlur(rng.integers(0, 256, (120, 160, 3), dtype=np.uint8), (0, 0), 2)
    for codec, how in CODECS.items():
        sizes = []
        for quality in (how.quality - 3, how.quality + 12):
            path = tmp_path / f"{quality}{how.suffixes[0]}"
            with VideoWriter(path, codec=codec, quality=quality) as writer:
                for number in range(6):
                    writer.write(np.roll(scene, 3 * number, axis=1), number / 25)
            sizes.append(path.stat().st_size)
        assert sizes[0] > 1.3 * sizes[1], codec


def test_what_does_not_go_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, options, expected in (
        ("x.avi", {}, r"\.mp4, \.mkv or \.webm, got \.avi"),
        ("x", {}, "got no suffix"),
        ("x.webm", {}, "does not hold h264; expected codec vp9 or av1, or a file ending with .mp4 or .mkv"),
        ("x.webm", {"codec": "mpeg4"}, "does not hold mpeg4"),
        ("x.mp4", {"codec": "libx264"}, "expected h264, hevc, vp9, av1 or mpeg4, got 'libx264'"),
        ("x.mp4", {"quality": 52}, r"from 0 \(best\) to 51 for h264, got 52"),
        ("x.mp4", {"quality": True}, "got True"),
        ("x.mp4", {"codec": "mpeg4", "quality": 0}, r"from 1 \(best\) to 31"),
        ("x.mp4", {"fps_hint": 0}, "fps_hint"),
        ("x.mp4", {"audio_from": "rtsp://u:secret@host/1"}, r"u:\*\*\*@host"),
    ):
        with pytest.raises(ConfigError, match=expected):
            VideoWriter(tmp_path / name, **options)
    monkeypatch.setitem(CODECS, "h264", Codec("libnope", 23, 0, 51, (".mp4",), {}))
    with pytest.raises(ConfigError, match="no libnope, which writes h264; expected hevc, vp9, av1 or mpeg4"):
        VideoWriter(tmp_path / "x.mp4")
    assert list(tmp_path.iterdir()) == []


def test_where_it_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "folder.mp4").mkdir()
    with pytest.raises(FileError, match="cannot be written"):
        VideoWriter(tmp_path / "folder.mp4")
    with (
        pytest.raises(VideoFileError, match="hevc does not take frames of 4 x 2"),
        VideoWriter(tmp_path / "x.mp4", codec="hevc") as writer,
    ):
        writer.write(np.zeros((2, 4, 3), np.uint8), 0)
    assert [path.name for path in tmp_path.iterdir()] == ["folder.mp4"]


def native_threads() -> int:
    return len(list(Path("/proc/self/task").iterdir()))


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="threads are counted by Linux's /proc")
@pytest.mark.parametrize("codec", CODECS)
def test_threads_are_few_and_none_is_left(tmp_path: Path, codec: str) -> None:
    write(tmp_path / "first.mp4", [0.0, 0.1], size=(360, 640), codec=codec)  # OpenCV keeps a pool once it had to work
    before = native_threads()
    with VideoWriter(tmp_path / "x.mp4", codec=codec) as writer:
        for number in range(10):
            writer.write(numbered(number, (360, 640)), number / 25)
        during = native_threads()
    assert during - before <= (20 if codec == "av1" else 4)
    until(lambda: native_threads() <= before)  # though the writer is still there


ENDLESS = """
import itertools, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background of a shell has it switched off
sys.path.insert(0, sys.argv[2])
from footage import numbered
from regionclip.video.output.writer import VideoWriter
with VideoWriter(sys.argv[1]) as writer:
    try:
        for number in itertools.count():
            writer.write(numbered(number, (240, 320)), number / 25)
            if number >= 30:
                print("running", flush=True)
    finally:
        print(writer.frames, flush=True)
"""


def endless(path: Path) -> subprocess.Popen[str]:
    """A process that writes frames without end, and runs."""
    command = [sys.executable, "-c", ENDLESS, str(path), str(FOLDER)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "running\n"
    return process


def test_ctrl_c_leaves_a_video_that_plays(tmp_path: Path) -> None:
    for more in (0, 3, 17):
        path = tmp_path / f"{more}.mp4"
        with endless(path) as process:
            assert process.stdout is not None
            for _ in range(more):
                process.stdout.readline()
            process.send_signal(signal.SIGINT)
            try:
                out, error = process.communicate(timeout=60)
            finally:
                process.kill()
        assert "KeyboardInterrupt" in error
        numbers, times = played(path)
        # The frame in whose midst it came may be in the video, but not be counted yet.
        assert len(numbers) - int(out.split()[-1]) in (0, 1)
        assert numbers == list(range(len(numbers)))
        assert times == pytest.approx(np.arange(len(times)) / 25, abs=1e-4)
    assert all(not path.name.startswith(".") for path in tmp_path.iterdir())


def test_a_killed_process_leaves_a_temporary_name(tmp_path: Path) -> None:
    with endless(tmp_path / "x.mp4") as process:
        process.kill()
        process.communicate(timeout=30)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f".x.mp4.{process.pid}", ".x.mp4.lock"]
    write(tmp_path / "x.mp4", [0.0, 0.1])
    assert sorted(path.name for path in tmp_path.iterdir()) == [f".x.mp4.{process.pid}", "x.mp4"]


FULL = """
import resource, sys
import numpy as np
from regionclip.errors import VideoFileError
from regionclip.video.output.writer import VideoWriter
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))  # a file that cannot grow, as on a full disk
rng = np.random.default_rng(0)
try:
    with VideoWriter(sys.argv[1], quality=10) as writer:
        for number in range(400):
            writer.write(rng.integers(0, 256, (120, 160, 3), dtype=np.uint8), number / 25)
except VideoFileError as error:
    print(error)
"""


@pytest.mark.skipif(os.name != "posix", reason="a full disk is played by a limit of POSIX systems")
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_full_disk(tmp_path: Path, suffix: str) -> None:
    command = [sys.executable, "-c", FULL, str(tmp_path / f"x{suffix}")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stderr == ""
    if suffix == ".mp4":
        assert done.stdout == f"{tmp_path}/x.mp4 cannot be written: File too large\n"
        assert list(tmp_path.iterdir()) == []
    else:
        assert done.stdout == f"{tmp_path}/x.mkv cannot be written on: File too large; what fitted is x.part.mkv\n"
        assert [path.name for path in tmp_path.iterdir()] == ["x.part.mkv"]
        assert frame_count(tmp_path / "x.part.mkv") > 3


def test_a_video_of_one_frame(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "x.mp4", fps_hint=0.5) as writer:
        writer.write(numbered(9), 12.0)
    assert played(tmp_path / "x.mp4") == ([9], [0.0])
    with av.open(str(tmp_path / "x.mp4")) as container:
        stream = container.streams.video[0]
        assert stream.duration is not None
        assert stream.time_base is not None
        assert stream.duration * stream.time_base == Fraction(2)


def test_the_cost_of_writing_is_measured() -> None:
    cost = measure_writer((64, 96), 60)
    assert (cost.codec, cost.size) == ("h264", (64, 96))
    assert min(cost.wall_ms, cost.cpu_ms) > 0
    assert cost.kbit_per_second > 1
    assert re.fullmatch(
        r"writing h264 96x64: [\d.]+ ms a frame, [\d.]+ ms of processor time, \d+ kbit/s", writing_table([cost])
    )
    with pytest.raises(ConfigError, match="codec"):
        measure_writer((64, 96), 1, codec="divx")
