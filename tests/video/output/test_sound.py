"""Sound beside the frames: a beep at every whole second must stay there."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from footage import numbered
from numpy.typing import NDArray

from regionclip.errors import ConfigError, SourceError
from regionclip.video.output.writer import VideoWriter
from regionclip.video.sources.opening import open_source

SECONDS = 4


def recording(
    path: Path,
    codec: str,
    *,
    rate: int = 48000,
    layout: str = "stereo",
    video: str | None = "libx264",
    seconds: int = SECONDS,
) -> Path:
    """A numbered clip with a beep of 50 ms at every whole second."""
    time = np.arange(rate * seconds) / rate
    beeps = np.where(time % 1 < 0.05, 0.5 * np.sin(2 * np.pi * 1000 * time), 0).astype(np.float32)  # (samples,)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(video, rate=25, width=96, height=64) if video else None
        sound = container.add_stream(codec, rate=rate, layout=layout)
        assert isinstance(sound, av.AudioStream)
        if isinstance(stream, av.VideoStream):
            for place in range(25 * seconds):
                frame = av.VideoFrame.from_ndarray(numbered(place), format="bgr24")
                frame.pts, frame.time_base = place, Fraction(1, 25)
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        for start in range(0, len(beeps), 1000):
            samples = np.tile(beeps[start : start + 1000], (sound.channels, 1))  # (channels, samples)
            piece = av.AudioFrame.from_ndarray(samples, format="fltp", layout=layout)
            piece.rate, piece.pts, piece.time_base = rate, start, Fraction(1, rate)
            container.mux(sound.encode(piece))
        container.mux(sound.encode(None))
    return path


def copy(source: Path, target: Path, times: NDArray[np.float64], codec: str = "h264") -> Path:
    with VideoWriter(target, codec=codec, audio_from=source) as writer:
        for time in times.tolist():
            writer.write(numbered(round(time * 25)), time)
    return target


def heard(path: Path) -> tuple[str, list[float], float]:
    """Codec of the sound, when its beeps begin, and when it ends."""
    beeps: list[float] = []
    latest = end = -1.0
    with av.open(str(path)) as container:
        name = container.streams.audio[0].codec_context.codec.canonical_name
        for frame in container.decode(audio=0):
            assert frame.time is not None
            floats = av.AudioResampler(format="fltp", layout="mono").resample(frame)[0].to_ndarray()[0]  # (samples,)
            end = frame.time + len(floats) / frame.rate
            for time in frame.time + np.flatnonzero(np.abs(floats) > 0.2) / frame.rate:
                beeps += [float(time)] if time - latest > 0.3 or not beeps else []
                latest = time
    return name, beeps, end


def packets(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(audio=0) if packet.size]


@pytest.mark.parametrize(
    ("name", "codec", "suffix"),
    [
        ("a.mp4", "aac", ".mp4"),
        ("a.mp4", "aac", ".mkv"),
        ("a.ts", "aac", ".mp4"),
        ("a.mp4", "libmp3lame", ".mp4"),
        ("a.mkv", "flac", ".mp4"),
        ("a.mkv", "libopus", ".webm"),
        ("a.mkv", "ac3", ".mkv"),
    ],
)
def test_packets_are_copied(tmp_path: Path, name: str, codec: str, suffix: str) -> None:
    source = recording(tmp_path / name, codec)
    whole = np.arange(0, SECONDS, 0.04)
    target = copy(source, tmp_path / f"copy{suffix}", whole, "vp9" if suffix == ".webm" else "h264")
    was, now = packets(source), packets(target)
    if name.endswith(".ts"):  # where each packet has a header of its own
        assert len(now) == len(was)
    else:
        assert len(now) >= len(was) - 3  # before the first frame, and after the last
        assert set(now) <= set(was)
    assert heard(target)[0] == heard(source)[0]
    assert heard(target)[1] == pytest.approx([0, 1, 2, 3], abs=0.035)
    with open_source(target) as frames:
        assert [frame.t_seconds for frame in frames] == pytest.approx(whole.tolist(), abs=0.001)


@pytest.mark.parametrize(
    ("name", "codec", "rate", "layout", "suffix", "expected"),
    [
        ("a.avi", "pcm_mulaw", 8000, "mono", ".mp4", "aac"),
        ("a.mkv", "ac3", 48000, "stereo", ".mp4", "aac"),
        ("a.mp4", "aac", 44100, "stereo", ".webm", "opus"),
        ("a.avi", "pcm_s16le", 22050, "stereo", ".mkv", "pcm_s16le"),
        ("a.avi", "adpcm_ima_wav", 22050, "mono", ".mkv", "aac"),
    ],
)
def test_what_cannot_be_held_is_encoded(
    tmp_path: Path, name: str, codec: str, rate: int, layout: str, suffix: str, expected: str
) -> None:
    source = recording(tmp_path / name, codec, rate=rate, layout=layout, video="mpeg4")
    target = copy(source, tmp_path / f"c{suffix}", np.arange(0, SECONDS, 0.04), "vp9" if suffix == ".webm" else "h264")
    kind, beeps, end = heard(target)
    assert kind == expected
    assert beeps == pytest.approx([0, 1, 2, 3], abs=0.035)
    assert end == pytest.approx(SECONDS, abs=0.15)


@pytest.mark.parametrize(("name", "codec"), [("a.mp4", "aac"), ("a.avi", "pcm_mulaw")])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_sound_is_cut_to_the_frames(tmp_path: Path, name: str, codec: str, suffix: str) -> None:
    source = recording(tmp_path / name, codec, video="mpeg4", rate=44100)
    target = copy(source, tmp_path / f"cut{suffix}", np.arange(1.52, 3.2, 0.04))
    _, beeps, end = heard(target)
    assert beeps == pytest.approx([2 - 1.52, 3 - 1.52], abs=0.01)
    assert end == pytest.approx(3.2 - 1.52, abs=0.1)
    with open_source(target) as frames:
        assert [frame.t_seconds for frame in frames] == pytest.approx(np.arange(0, 1.68, 0.04).tolist(), abs=0.001)


def test_sound_of_a_file_without_pictures(tmp_path: Path) -> None:
    source = recording(tmp_path / "a.wav", "pcm_s16le", video=None)
    assert heard(copy(source, tmp_path / "x.mp4", np.arange(0, 1.8, 0.04)))[1] == pytest.approx([0, 1], abs=0.01)


def test_a_recording_without_sound(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "silent.mp4") as writer:
        writer.write(numbered(0), 0)
    copy(tmp_path / "silent.mp4", tmp_path / "x.mp4", np.arange(0, 1, 0.1))
    with av.open(str(tmp_path / "x.mp4")) as container:
        assert len(container.streams.audio) == 0


def test_where_the_sound_cannot_be_had(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("no video")
    for name in ("text.mp4", "missing.mp4"):
        with pytest.raises(SourceError, match=name):
            VideoWriter(tmp_path / "x.mp4", audio_from=tmp_path / name)
    source = recording(tmp_path / "a.mp4", "aac")
    (tmp_path / "link.mp4").symlink_to(source)
    with pytest.raises(ConfigError, match="the recording itself"):
        VideoWriter(tmp_path / "link.mp4", audio_from=source)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4", "link.mp4", "text.mp4"]


@pytest.mark.parametrize(
    ("name", "codec", "suffix"), [("a.mp4", "aac", ".mp4"), ("a.mp4", "aac", ".webm"), ("a.ts", "mp2", ".mp4")]
)
def test_damaged_sound_does_not_stop_the_video(tmp_path: Path, name: str, codec: str, suffix: str) -> None:
    source = recording(tmp_path / name, codec)
    data = bytearray(source.read_bytes())
    place = data.index(packets(source)[100]) if name == "a.mp4" else len(data) // 2
    data[place : place + 4_000] = b"\xa5" * len(data[place : place + 4_000])
    source.write_bytes(data)
    target = copy(source, tmp_path / f"x{suffix}", np.arange(0, SECONDS, 0.04), "vp9" if suffix == ".webm" else "h264")
    with open_source(target) as frames:
        assert sum(1 for _ in frames) == 25 * SECONDS
    with av.open(str(target)) as container:
        assert [packet.size > 0 for packet in container.demux(audio=0)].count(True) > 40
