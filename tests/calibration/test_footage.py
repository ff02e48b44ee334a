"""Footage on one clock: videos of this test, folders of pictures, holes, and what cannot be read."""

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from regionclip.calibration.footage import Footage
from regionclip.errors import ConfigError, ImageFileError, SourceError


def write_video(path: Path, seconds: list[float], size: tuple[int, int] = (64, 96)) -> Path:
    """A video whose frames are grey, each lighter than the one before, at these times."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = size[1], size[0], "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for index, second in enumerate(seconds):
            frame = av.VideoFrame.from_ndarray(np.full((*size, 3), 20 + 5 * index, np.uint8), format="bgr24")
            frame.pts, frame.time_base = round(second * 1000), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def tenths(count: int) -> list[float]:
    return [index / 10 for index in range(count)]


def test_a_video_gives_its_times_and_hours(tmp_path: Path) -> None:
    footage = Footage.of([write_video(tmp_path / "a.mp4", tenths(20))])
    shots = list(footage)
    assert footage.has_clock
    assert len(footage) == pytest.approx(20, abs=1)
    assert [time for time, _ in shots] == pytest.approx(tenths(20), abs=2e-3)
    assert footage.frames == 20
    assert footage.seconds == pytest.approx(2.0, abs=0.05)
    assert [round(float(frame.mean())) for _, frame in shots] == pytest.approx([20 + 5 * i for i in range(20)], abs=8)
    assert shots[0][1].shape == (64, 96, 3)
    assert shots[0][1].dtype == np.uint8


def test_every_third_frame(tmp_path: Path) -> None:
    footage = Footage.of([write_video(tmp_path / "a.mp4", tenths(20))], every=3)
    assert [time for time, _ in footage] == pytest.approx(tenths(20)[::3], abs=2e-3)
    assert footage.seconds == pytest.approx(2.1, abs=0.05)


def test_a_hole_adds_no_hours_and_no_alarm_reaches_over_it(tmp_path: Path) -> None:
    times = [*tenths(10), *(500 + time for time in tenths(10))]
    footage = Footage.of([write_video(tmp_path / "a.mkv", times)], pause=5.0)
    clock = [time for time, _ in footage]
    assert footage.seconds < 10
    assert clock[10] - clock[9] > 5
    assert clock[10] - clock[9] < 50


def test_a_folder_of_videos_is_one_clock(tmp_path: Path) -> None:
    for name in ("b.mp4", "a.mp4"):
        write_video(tmp_path / name, tenths(10))
    footage = Footage.of([tmp_path], pause=3.0)
    cuts: list[int] = []
    footage.at_cut = lambda: cuts.append(footage.frames)
    clock = [time for time, _ in footage]
    assert cuts == [10]  # before the eleventh frame
    assert [Path(name).name for name in footage.names] == ["a.mp4", "b.mp4"]
    assert clock[9] == pytest.approx(0.9, abs=0.01)
    assert clock[10] == pytest.approx(4.0, abs=0.02)
    assert footage.seconds == pytest.approx(2.0, abs=0.05)


def test_pictures_need_a_clock(tmp_path: Path) -> None:
    for number in range(6):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.full((32, 32, 3), number, np.uint8))
    plain = Footage.of([tmp_path])
    assert not plain.has_clock
    assert len(plain) == 6
    assert [int(frame[0, 0, 0]) for _, frame in plain] == list(range(6))
    timed = Footage.of([tmp_path], fps=2.0, every=2)
    assert timed.has_clock
    assert [time for time, _ in timed] == [0.0, 1.0, 2.0]
    assert timed.seconds == pytest.approx(3.0)
    assert len(timed) == 3
    single = Footage.of([tmp_path / "3.png"])
    assert [int(frame[0, 0, 0]) for _, frame in single] == [3]


def test_what_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ImageFileError, match="no such"):
        Footage.of([tmp_path / "absent.mp4"])
    with pytest.raises(ImageFileError, match="no pictures"):
        Footage.of([tmp_path])
    (tmp_path / "a.mp4").write_bytes(b"no video at all")
    with pytest.raises(SourceError, match="cannot be opened"):
        list(Footage.of([tmp_path / "a.mp4"]))
    cv2.imwrite(str(tmp_path / "b.png"), np.zeros((32, 32, 3), np.uint8))
    with pytest.raises(ConfigError, match="both"):
        Footage.of([tmp_path])


def test_what_is_readable_of_a_video_cut_short_is_used_and_told(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    with av.open(str(tmp_path / "a.mp4"), "w", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 192, 128, "yuv420p"
        for _ in range(40):
            noise = rng.integers(0, 255, (128, 192, 3)).astype(np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(noise, format="bgr24")))
        container.mux(stream.encode(None))
    whole = (tmp_path / "a.mp4").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: int(len(whole) * 0.6)])
    for name, told in (("a.mp4", False), ("cut.mp4", True)):
        footage = Footage.of([tmp_path / name])
        frames = len(list(footage))
        assert (frames < 40) == told
        assert footage.seconds == pytest.approx(frames / 10, abs=0.05)  # no hours for what was not seen
        assert bool(footage.faults) == told
    rare = Footage.of([tmp_path / "a.mp4"], every=12)
    assert len(list(rare)) == 4
    assert rare.faults == []  # the file is whole, though its last frames were not looked at
