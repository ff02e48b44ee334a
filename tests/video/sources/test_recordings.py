"""Video files and pictures: every frame, its time, and what is said of damage."""

import wave
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from footage import number_of, numbered, write_clip
from PIL import Image
from toy import ToyTower

from proposals.grid import GridProposer
from regionclip.cli import exit_code
from regionclip.cli.terminal import exits
from regionclip.detector import Detector
from regionclip.errors import ConfigError, ImageFileError, SourceError, SourceWarning
from regionclip.formats.pictures import write_picture
from regionclip.video.annotating import annotate_video
from regionclip.video.sources.base import FpsCap, VideoFrame
from regionclip.video.sources.opening import SourceMode, open_source

STEADY = range(0, 1200, 40)
UNEVEN = (0, 40, 100, 103, 500, 512, 1700, 1733, 1734, 2900)


def frames_of(source: str | Path, **options: float) -> list[VideoFrame]:
    with open_source(source, **options) as opened:  # type: ignore[arg-type]
        return list(opened)


def test_every_frame_comes_with_its_time(tmp_path: Path) -> None:
    with open_source(write_clip(tmp_path / "a.mp4", STEADY)) as source:
        assert (source.id, source.ended) == ("a.mp4", False)
        assert source.duration_seconds == pytest.approx(1.2)
        frames = list(source)
        assert source.ended
        assert source.read() is None
    assert [number_of(frame.image) for frame in frames] == list(range(30))
    assert [frame.index for frame in frames] == list(range(30))
    assert [frame.t_seconds for frame in frames] == pytest.approx([time / 1000 for time in STEADY])
    assert {(frame.utc_seconds, frame.age_seconds, frame.source) for frame in frames} == {(None, 0.0, "a.mp4")}
    source.close()


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_variable_frame_rate_keeps_its_times(tmp_path: Path, suffix: str) -> None:
    frames = frames_of(write_clip(tmp_path / f"a{suffix}", UNEVEN))
    assert [number_of(frame.image) for frame in frames] == list(range(len(UNEVEN)))
    assert [frame.t_seconds for frame in frames] == pytest.approx([time / 1000 for time in UNEVEN], abs=1e-6)


def test_times_start_at_the_first_frame_and_utc_at_the_given_start(tmp_path: Path) -> None:
    frames = frames_of(write_clip(tmp_path / "a.ts", range(5000, 5400, 40)), start_utc=1_700_000_000.0)
    assert [frame.t_seconds for frame in frames] == pytest.approx([place / 25 for place in range(10)], abs=1e-4)
    assert frames[2].utc_seconds == pytest.approx(1_700_000_000.08)


@pytest.mark.parametrize(("turned", "shape"), [(0, (64, 96)), (90, (96, 64)), (180, (64, 96)), (270, (96, 64))])
def test_frames_are_upright(tmp_path: Path, turned: int, shape: tuple[int, int]) -> None:
    frame = frames_of(write_clip(tmp_path / "a.mp4", STEADY[:3], turned=turned))[2]
    assert frame.image.shape == (*shape, 3)
    assert frame.image.flags.c_contiguous
    lying = np.rot90(frame.image, turned // 90)  # back, counter-clockwise
    assert number_of(np.ascontiguousarray(lying)) == 2


def test_a_size_that_changes_in_mid_stream(tmp_path: Path) -> None:
    parts = [
        write_clip(tmp_path / "0.ts", range(0, 2000, 40)),
        write_clip(tmp_path / "1.ts", range(0, 2000, 40), size=(96, 128), first=50),
    ]
    (tmp_path / "both.ts").write_bytes(b"".join(part.read_bytes() for part in parts))
    frames = frames_of(tmp_path / "both.ts")
    assert [number_of(frame.image) for frame in frames] == list(range(100))
    assert [frame.image.shape for frame in frames] == [(64, 96, 3)] * 50 + [(96, 128, 3)] * 50
    # The second part starts its clock again; frames still come in order of time, one step apart.
    assert np.diff([frame.t_seconds for frame in frames]) == pytest.approx([0.04] * 99, abs=1e-3)


def test_a_truncated_file_ends_with_a_word_on_how_much_was_read(tmp_path: Path) -> None:
    # A cut between a P frame and its B frames would leave a gap, and where the cut falls is up to the encoder.
    whole = write_clip(tmp_path / "a.mp4", range(0, 8000, 40), b_frames=False).read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) * 2 // 3])
    with pytest.warns(SourceWarning, match=r"cut\.mp4.*read \d+ frames, \d\.\d s of 8\.0 s") as caught:
        frames = frames_of(tmp_path / "cut.mp4")
    assert len(caught) == 1
    assert 50 < len(frames) < 190
    assert [number_of(frame.image) for frame in frames] == list(range(len(frames)))
    assert f"read {len(frames)} frames" in str(caught[0].message)


def test_damage_in_the_middle_costs_only_what_is_damaged(tmp_path: Path) -> None:
    content = bytearray(write_clip(tmp_path / "a.mp4", range(0, 8000, 40)).read_bytes())
    middle = len(content) // 2
    content[middle : middle + 400] = bytes(400)
    (tmp_path / "a.mp4").write_bytes(content)
    with pytest.warns(SourceWarning, match=r"a\.mp4: \d+ damaged packets were left out; read 1\d\d frames, 8\.0 s$"):
        frames = frames_of(tmp_path / "a.mp4")
    assert 150 < len(frames) < 200
    assert frames[-1].t_seconds == pytest.approx(7.96)
    for part in (frames[:20], frames[-100:]):  # whole again from the next key frame on
        assert [number_of(frame.image) for frame in part] == [round(frame.t_seconds * 25) for frame in part]


def unreadable(folder: Path, kind: str) -> Path:
    path = folder / f"{kind}.mp4"
    if kind == "empty":
        path.touch()
    elif kind == "text":
        path.write_text("camera 3, yard\n" * 400)
    elif kind == "no index":
        write_clip(path, STEADY)
        whole = path.read_bytes()
        path.write_bytes(whole[: whole.find(b"moov") + 100])
    elif kind == "sound":
        with wave.open(str(path), "wb") as sound:
            sound.setparams((1, 2, 8000, 0, "NONE", ""))
            sound.writeframes(bytes(8000))
    return path


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("empty", "no video that can be read"),
        ("text", "no video that can be read"),
        ("no index", "no video that can be read"),
        ("sound", "holds no video, only audio"),
        ("missing", "no such file or folder; expected a video"),
    ],
)
@pytest.mark.parametrize("mode", ["every", "latest"])
def test_what_is_no_video_is_refused_at_once(tmp_path: Path, kind: str, message: str, mode: SourceMode) -> None:
    path = unreadable(tmp_path, kind)
    with pytest.raises(SourceError, match=message) as caught:
        open_source(path, mode=mode)
    assert str(path) in str(caught.value)
    assert exit_code(caught.value) == exits.UNREADABLE


def test_a_file_of_headers_only_has_no_frame(tmp_path: Path) -> None:
    whole = write_clip(tmp_path / "a.mp4", STEADY).read_bytes()
    (tmp_path / "a.mp4").write_bytes(whole[: whole.find(b"mdat") + 8])
    with pytest.raises(SourceError, match=r"a\.mp4"), open_source(tmp_path / "a.mp4") as source:
        source.read()


def test_a_file_behind_http(tmp_path: Path) -> None:
    write_clip(tmp_path / "a.mp4", STEADY)
    handler = type("Quiet", (SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(tmp_path)))
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        address = f"http://me:hidden@127.0.0.1:{server.server_address[1]}"
        frames = frames_of(f"{address}/a.mp4")
        with pytest.raises(SourceError, match=r"404") as caught:
            open_source(f"{address}/b.mp4")
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert [number_of(frame.image) for frame in frames] == list(range(30))
    assert "hidden" not in frames[0].source + str(caught.value)


def test_any_file_name_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_clip(tmp_path / "a.mp4", STEADY[:3]).rename("12:30 院子 [%d]*.mp4")
    assert [frame.source for frame in frames_of("12:30 院子 [%d]*.mp4")] == ["12:30 院子 [%d]*.mp4"] * 3


def test_max_fps_leaves_frames_out_evenly(tmp_path: Path) -> None:
    frames = frames_of(write_clip(tmp_path / "a.mp4", range(0, 2000, 40)), max_fps=10)
    assert len(frames) == 20
    assert [frame.index for frame in frames[:4]] == [0, 3, 5, 8]  # 25 a second: every 2.5th
    assert [number_of(frame.image) for frame in frames] == [frame.index for frame in frames]


def test_the_cap_holds_for_any_times() -> None:
    times = np.sort(np.random.default_rng(0).uniform(0, 20, 2000))
    cap = FpsCap(7)
    used = [time for time in times if cap.wants(time)]
    assert 130 < len(used) <= 141
    assert all(FpsCap(None).wants(time) for time in times)


def test_pictures_of_a_folder(tmp_path: Path) -> None:
    for number in (9, 10, 100):
        write_picture(tmp_path / f"帧{number}.png", numbered(number))
    (tmp_path / "notes.txt").touch()
    frames = frames_of(tmp_path, fps=2)
    assert [number_of(frame.image) for frame in frames] == [9, 10, 100]
    assert [(frame.index, frame.t_seconds) for frame in frames] == [(0, 0.0), (1, 0.5), (2, 1.0)]
    assert [frame.t_seconds for frame in frames_of(f"{tmp_path}/*1*.png")] == [0.0, 0.04]  # 25 a second
    assert frames_of(tmp_path / "帧9.png")[0].source == "帧9.png"


def test_numbered_pictures_keep_their_gaps(tmp_path: Path) -> None:
    for number in (7, 8, 11):
        write_picture(tmp_path / f"[a]_{number:03d}.png", numbered(number))
    write_picture(tmp_path / "[a]_0012.png", numbered(12))  # not of the pattern
    frames = frames_of(f"{tmp_path}/[a]_%03d.png", fps=10)
    assert [number_of(frame.image) for frame in frames] == [7, 8, 11]
    assert [frame.t_seconds for frame in frames] == pytest.approx([0.0, 0.1, 0.4])
    with pytest.raises(SourceError, match="no file matches"):
        open_source(tmp_path / "b_%d.png")


def test_a_damaged_picture_is_left_out(tmp_path: Path) -> None:
    for number in range(3):
        write_picture(tmp_path / f"{number}.png", numbered(number))
    (tmp_path / "1.png").write_bytes(b"no picture")
    with pytest.warns(SourceWarning, match=r"frame 1 is left out: picture .*1\.png"):
        frames = frames_of(tmp_path)
    assert [(frame.index, number_of(frame.image)) for frame in frames] == [(0, 0), (2, 2)]
    for number in (0, 2):
        (tmp_path / f"{number}.png").write_bytes(b"no picture")
    with pytest.warns(SourceWarning, match="left out"), pytest.raises(SourceError, match="none of 3 frames"):
        frames_of(tmp_path)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageFileError, match="holds no pictures"):
        open_source(tmp_path)


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("rtsp://h/x", {"mode": "every"}, "is for recordings"),
        ("0", {"mode": "every"}, "is for recordings"),
        ("rtsp://h/x", {"fps": 5.0}, "max_fps"),
        ("rtsp://h/x", {"start_utc": 5.0}, "start_utc"),
        ("-", {"fps": 5.0, "mode": "latest"}, "fps"),
        ("ftp://u:hidden@h/x", {}, "ftp:// is not read"),
        ("http://h/live.m3u8?token=hidden", {}, "HLS"),
        ("http://u:hidden@h/shot.jpg", {}, "one picture"),
        ("-", {"max_fps": 0.0}, "max_fps: expected a number above 0"),
        ("-", {"mode": "newest"}, "mode: expected auto"),
    ],
)
def test_options_that_do_not_fit_are_refused(text: str, options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        open_source(text, **options)  # type: ignore[arg-type]
    assert "hidden" not in str(caught.value)


def test_an_animated_gif_is_a_video(tmp_path: Path) -> None:
    first, *rest = (Image.fromarray(np.full((47, 63, 3), (40 * place, 0, 200), np.uint8)) for place in range(5))
    first.save(tmp_path / "a.gif", save_all=True, append_images=rest, duration=[100, 100, 300, 100, 100], loop=0)
    with open_source(tmp_path / "a.gif") as source:
        frames = list(source)
    assert [frame.t_seconds for frame in frames] == pytest.approx([0, 0.1, 0.2, 0.5, 0.6])
    assert [frame.image[20, 20].tolist() for frame in frames] == [[200, 0, 40 * place] for place in range(5)]
    summary = annotate_video(tmp_path / "a.gif", tmp_path / "a.mp4", Detector(ToyTower(), GridProposer()), ["red"])
    assert summary.frames == 5
    assert summary.video_seconds == pytest.approx(0.6)
    with open_source(tmp_path / "a.mp4") as copy:
        assert [frame.t_seconds for frame in copy] == pytest.approx([0, 0.1, 0.2, 0.5, 0.6])
