"""A stream from file to rows, events and an annotated video, with a toy tower whose answers are known."""

import signal
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
import supervision as sv
from disks import small_disk
from footage import frame_count
from moving_squares import ids, names
from told import lines
from toy import ToyTower
from waiting import until

from proposals.base import Features, Proposals, Proposer
from regionclip import Style, annotate_video, stream
from regionclip.cli import main
from regionclip.detector import Detector
from regionclip.errors import ConfigError, FrameError, OutputWarning, PromptError, SourceError
from regionclip.formats.growing import NewFile
from regionclip.frames import Frame
from regionclip.sinks.log_and_snapshots import EventLog, Snapshots
from regionclip.video.annotating import Outputs, run
from regionclip.video.callbacks import FrameCallback, SliceCallback
from regionclip.video.follower import Follower, StreamFrame
from regionclip.video.options import FollowOptions
from regionclip.video.output.writer import VideoWriter
from regionclip.video.rules.file import RuleSet
from regionclip.video.sources.base import VideoFrame

SIZE = (128, 192)
RULES = RuleSet.of(
    {
        "zone": [{"name": "右边 right", "points": [[0.5, 0.0], [1.0, 0.0], [1.0, 1.0], [0.5, 1.0]]}],
        "rule": [{"name": "闯入", "kind": "in", "labels": "red", "zones": "右边 right", "seconds": 0.2}],
    }
)


class Colourful(Proposer):
    """Boxes around what is no grey."""

    def __call__(self, frame: Frame, features: Features) -> Proposals:
        spread = (frame.max(axis=2).astype(int) - frame.min(axis=2) > 90).astype(np.uint8)
        stats = cv2.connectedComponentsWithStats(spread)[2][1:]
        boxes = [(x, y, x + w, y + h) for x, y, w, h, area in stats.tolist() if area > 200]
        return Proposals(np.array(boxes, np.float32).reshape(-1, 4), np.ones(len(boxes), np.float32))


def scene(index: int, colour: tuple[int, int, int] = (0, 0, 255)) -> Frame:
    """A square of 40 pixels that moves 4 to the right with each frame, over a grey grid."""
    frame = np.full((*SIZE, 3), 128, np.uint8)
    frame[::16], frame[:, ::16] = 100, 100
    frame[40:80, 4 * index : 4 * index + 40] = colour
    frame[55:65, 4 * index + 15 : 4 * index + 25] = tuple(value // 2 for value in colour)
    return frame


def write(path: Path, frames: int = 30) -> Path:
    """The scene at 10 frames a second, with a pause of half a second after frame 9."""
    with VideoWriter(path, quality=1) as writer:
        for index in range(frames):
            writer.write(scene(index), index / 10 + (0.5 if index > 9 else 0))
    return path


@pytest.fixture
def det() -> Detector:
    return Detector(ToyTower(), Colourful())


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("stream") / "clip.mp4")


def test_each_frame_comes_with_its_time_and_what_is_in_it(det: Detector, clip: Path) -> None:
    with stream(clip, det, ["red", "绿"]) as frames:
        known = list(frames)
    assert [round(each.frame.t_seconds, 3) for each in known[8:12]] == [0.8, 0.9, 1.5, 1.6]
    assert all(each.key and each.age_seconds == 0 for each in known)
    later = known[3:]
    assert all(names(each.detections) == ["red"] for each in later)
    assert all(ids(each.detections) == [1] for each in later)
    for each in later:
        np.testing.assert_allclose(
            each.detections.xyxy[0], [4 * each.frame.index, 40, 4 * each.frame.index + 40, 80], atol=2
        )
    assert {"read", "encode", "propose", "pool", "track"} <= set(known[-1].timings)


def test_between_key_frames_the_tower_rests_and_boxes_go_on(det: Detector, clip: Path) -> None:
    with stream(clip, det, ["red"], every=5) as frames:
        known = list(frames)
    tower = det.tower
    assert isinstance(tower, ToyTower)
    assert tower.passes == sum(each.key for each in known) <= 9
    for each in [each for each in known if not each.key and each.frame.index > 10]:
        x = 4 * each.frame.index
        np.testing.assert_allclose(each.detections.xyxy[0], [x, 40, x + 40, 80], atol=4)


def test_without_tracks_boxes_stay_until_the_next_look(det: Detector, clip: Path) -> None:
    with stream(clip, det, ["red"], track=False, every=4) as frames:
        known = list(frames)
    assert [each.key for each in known[:9]] == [True, False, False, False] * 2 + [True]
    np.testing.assert_array_equal(known[4].detections.xyxy, known[7].detections.xyxy)
    assert known[0].detections.tracker_id is None


def test_other_words_while_it_runs(det: Detector, clip: Path) -> None:
    with stream(clip, det, ["红"]) as frames:
        told = []
        for each in frames:
            told.append(names(each.detections))
            if each.frame.index == 9:
                frames.ask(["green"])
            if each.frame.index == 19:
                frames.ask(["red"])
        with pytest.raises(PromptError):
            frames.ask([""])
    assert told[9] == ["红"]
    assert told[10] == []
    assert told[-1] == ["red"]


def test_words_that_rules_need_cannot_be_taken_away(det: Detector, clip: Path) -> None:
    with pytest.raises(ConfigError, match="red"):
        stream(clip, det, ["green"], rules=RULES)
    with stream(clip, det, ["red"], rules=RULES) as frames:
        with pytest.raises(ConfigError, match="red"):
            frames.ask(["green"])
        assert len(list(frames)) == 30


def test_an_incident_is_told_once_and_ended_with_the_source(det: Detector, clip: Path, tmp_path: Path) -> None:
    log = tmp_path / "events.jsonl"
    with EventLog(log) as sink, stream(clip, det, ["red"], rules=RULES, sinks=[sink]) as frames:
        events = [event for each in frames for event in each.events]
    logged = lines(log)
    assert [(line["rule"], line["phase"]) for line in logged] == [("闯入", "start"), ("闯入", "end")]
    assert [event.phase for event in (*events, *frames.ends)] == ["start", "end"]
    # The middle of the lower edge passes column 96 at frame 19, which is shown at 2.4 s.
    assert logged[0]["t_seconds"] == pytest.approx(2.6, abs=0.11)


def test_a_new_size_starts_again_and_ids_go_on(det: Detector) -> None:
    follower = Follower(det, ["red"], source="cam")
    for index in range(6):
        follower.follow(VideoFrame(scene(index), index / 10, index, "cam"))
    larger = [cv2.resize(scene(index), (384, 256)) for index in range(6, 12)]
    for index, image in enumerate(larger, 6):
        known = follower.follow(VideoFrame(np.asarray(image, np.uint8), index / 10, index, "cam"))
    assert ids(known.detections) == [2]
    np.testing.assert_allclose(known.detections.xyxy[0], [88, 80, 168, 160], atol=4)


def test_an_annotated_copy_keeps_times_and_writes_results(det: Detector, clip: Path, tmp_path: Path) -> None:
    out, table = tmp_path / "out.mp4", tmp_path / "out.jsonl"
    seen: list[StreamFrame] = []
    summary = annotate_video(
        clip, out, det, ["red", "green"],
        outputs=Outputs(results=table, style=Style(legend=True)), on_frame=seen.append, every=2, rules=RULES,
    )  # fmt: skip
    assert (summary.frames, summary.tracks, summary.events, len(seen)) == (30, 1, 2, 30)
    assert summary.video_seconds == pytest.approx(3.4)
    assert {"draw", "write"} <= set(summary.stages)
    with av.open(str(out)) as container:
        times = [frame.time for frame in container.decode(video=0)]
    np.testing.assert_allclose(times, [index / 10 + (0.5 if index > 9 else 0) for index in range(30)], atol=1e-3)
    assert len(lines(table)) == 31
    assert lines(table)[-1]["detections"][0]["label"] == "red"


def test_results_know_of_words_that_change(det: Detector, clip: Path, tmp_path: Path) -> None:
    table = tmp_path / "r.jsonl"
    with stream(clip, det, ["red"]) as frames:
        run(
            frames,
            Outputs(results=table),
            on_frame=lambda each: frames.ask(["grey", "red"]) if each.frame.index == 9 else None,
        )
    headers = [[label["name"] for label in line["labels"]] for line in lines(table) if "labels" in line]
    assert headers == [["red"], ["grey", "red"]]
    assert lines(table)[-1]["detections"][0]["label_id"] == 1


def test_a_full_disk_stops_neither_the_stream_nor_the_other_sinks(det: Detector, clip: Path, tmp_path: Path) -> None:
    said: list[str] = []
    with small_disk(tmp_path / "disk") as disk:

        def change(each: StreamFrame) -> None:
            if each.frame.index == 4:
                disk.fill()
            if each.frame.index == 24:  # the incident has begun
                disk.empty()

        path, shots = disk.folder / "e.jsonl", disk.folder / "shots"
        with Snapshots(shots) as pictures, EventLog(path) as log, EventLog(tmp_path / "other.jsonl") as other:
            frames = stream(clip, det, ["red"], rules=RULES, sinks=[pictures, log, other], on_problem=said.append)
            summary = run(frames, Outputs(results=disk.folder / "r.jsonl"), on_frame=change)
        assert frames.problems.texts == [f"{shots} cannot be written: {said[0].rpartition(': ')[2]}"]
        told = [path.read_text(encoding="utf-8") for path in (path, tmp_path / "other.jsonl")]
        results = (disk.folder / "r.jsonl").read_text(encoding="utf-8").splitlines()
    full = [line.partition(" cannot be written")[0] for line in said]
    assert full == [str(disk.folder / "r.jsonl"), str(shots), str(path)]
    assert (summary.frames, summary.events) == (30, 2)
    assert 10 < summary.missing <= 20
    assert len(results) == 1 + 30 - summary.missing
    assert told[0] == told[1] != ""


def test_what_cannot_be_written_is_warned_of(det: Detector, clip: Path, tmp_path: Path) -> None:
    with Snapshots(tmp_path / "shots") as pictures:
        (tmp_path / "shots").rmdir()
        with (
            pytest.warns(OutputWarning, match=r"shots cannot be written: the folder is gone"),
            stream(clip, det, ["red"], rules=RULES, sinks=[pictures]) as frames,
        ):
            assert len(list(frames)) == 30
    assert frames.event_count == 2


def test_a_recording_is_not_written_over(det: Detector, tmp_path: Path) -> None:
    own = write(tmp_path / "own.mp4", 5)
    before = own.read_bytes()
    with pytest.raises(ConfigError, match="recording itself"):
        annotate_video(own, tmp_path / "." / "own.mp4", det, ["red"], outputs=Outputs(audio=False))
    assert own.read_bytes() == before


def test_a_source_that_breaks_half_way_leaves_a_whole_file(det: Detector, clip: Path, tmp_path: Path) -> None:
    out = tmp_path / "half.mp4"

    def fail(each: StreamFrame) -> None:
        if each.frame.index == 11:
            raise SourceError("camera: gone")

    with pytest.raises(SourceError, match="gone"):
        annotate_video(clip, out, det, ["red"], on_frame=fail)
    assert frame_count(out) == 12
    assert [path.name for path in tmp_path.iterdir()] == ["half.mp4"]


def test_stop_from_another_thread_while_no_frame_comes(det: Detector) -> None:
    """Nothing listens there: the camera is waited for."""
    with stream("http://127.0.0.1:9/none", det, ["red"]) as frames:
        threading.Timer(0.5, frames.stop).start()
        start = time.monotonic()
        assert list(frames) == []
        assert time.monotonic() - start < 5
        status = frames.status()
        assert status is not None
        assert not status.connected
        summary = run(frames, Outputs())
    assert summary.frames == 0


def test_supervisions_own_loops(det: Detector, clip: Path, tmp_path: Path) -> None:
    sv.process_video(str(clip), str(tmp_path / "out.mp4"), callback=FrameCallback(det, ["red"], fps=10))
    assert sv.VideoInfo.from_video_path(str(tmp_path / "out.mp4")).total_frames == 30
    picture = np.hstack([scene(2), scene(20)])  # (128, 384, 3)
    slicer = sv.InferenceSlicer(SliceCallback(det, ["red"]), slice_wh=(192, 128), overlap_wh=0, batch_size=2)
    found = slicer(picture)
    assert names(found) == ["red", "red"]
    assert sorted(box[0] for box in found.xyxy.round().tolist()) == [8, 272]
    single = sv.InferenceSlicer(SliceCallback(det, ["red"]), slice_wh=(192, 128), overlap_wh=0)(picture)
    np.testing.assert_array_equal(np.sort(single.xyxy, axis=0), np.sort(found.xyxy, axis=0))


def test_slices_are_no_frames_of_a_camera() -> None:
    from proposals.moving.motion import MotionProposer

    with pytest.raises(FrameError, match="without memory"):
        SliceCallback(Detector(ToyTower(), MotionProposer()), ["red"])


@pytest.mark.parametrize("every", [0, -1, 1.5, True])
def test_every_out_of_range(every: object) -> None:
    with pytest.raises(ConfigError, match="every: expected a number of frames"):
        FollowOptions(every=every)  # type: ignore[arg-type]


def command(*arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "regionclip", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_the_video_command(clip: Path, tmp_path: Path) -> None:
    out, rules, events = tmp_path / "视频.mp4", tmp_path / "rules.toml", tmp_path / "e.jsonl"
    rules.write_text('[[rule]]\nname = "none"\nkind = "absent"\nlabels = "person"\nseconds = 1\n', encoding="utf-8")
    done = command(
        "video", clip, "-p", "person=person|人", "--out", out, "--zones", rules, "--events", events,
        "--results", tmp_path / "r.csv", "--every", 3, "--legend", "--snapshots", tmp_path / "shots",
    )  # fmt: skip
    told, errors = done.communicate(timeout=300)
    assert done.returncode == 0, errors
    assert "30 frames" in told
    assert frame_count(out) == 30
    assert lines(events)[0]["kind"] == "absent"
    assert (tmp_path / "r.csv").exists()
    assert list((tmp_path / "shots").glob("*.jpg"))


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["video", "CLIP", "-p", "person", "--out", "BUSY.mp4"], 1, "BUSY.mp4 cannot be written: another program"),
        (["stream", "CLIP", "-p", "person", "--events", "BUSY.jsonl"], 1, "BUSY.jsonl cannot be written: another"),
        (["video", "missing.mp4", "-p", "person", "--out", "x.mp4"], 3, "missing.mp4"),
        (["video", "CLIP", "--out", "x.mp4"], 2, "no words"),
        (["video", "CLIP", "-p", "person", "--out", "x.avi"], 2, "avi"),
        (["video", "CLIP", "-p", "person", "--out", "x.mp4", "--blur", "face"], 2, "--blur 'face'"),
        (["video", "CLIP", "-p", "person", "--out", "x.mp4", "--rules", "none.toml"], 2, "none.toml"),
        (["video", "rtsp://user:secret@192.0.2.1/x", "-p", "person", "--out", "x.mp4"], 2, "latest"),
        (["stream", "http://127.0.0.1:9/x", "-p", "person", "--patience", "0"], 3, "127.0.0.1:9"),
        (["stream", "0", "-p", "person", "--transport", "tls"], 2, "tcp or udp"),
    ],
)
def test_wrong_use_is_one_line_and_a_code(
    arguments: list[str],
    code: int,
    message: str,
    clip: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["regionclip", *(str(clip) if each == "CLIP" else each for each in arguments)])
    before, shown = signal.getsignal(signal.SIGINT), warnings.showwarning
    video = NewFile("BUSY.mp4")
    try:
        with EventLog("BUSY.jsonl"), pytest.raises(SystemExit) as ended:
            main()
    finally:
        video.discard()
        Path("BUSY.jsonl").unlink()
        signal.signal(signal.SIGINT, before)
        warnings.showwarning = shown
    errors = capsys.readouterr().err
    shown_lines = [line for line in errors.splitlines() if "trained on rendered scenes" not in line]
    assert ended.value.code == code, errors
    assert len(shown_lines) == 1 + any("is lost" in line for line in shown_lines)
    assert message in shown_lines[-1]
    assert "secret" not in errors
    assert not list(tmp_path.iterdir())


def test_a_stream_ends_in_good_order(tmp_path: Path) -> None:
    """Two minutes of pictures played as a camera, ended by a signal after a second of events."""
    record, log = tmp_path / "record.mp4", tmp_path / "r.jsonl"
    for index in range(120):
        cv2.imwrite(str(tmp_path / f"f_{index:04d}.png"), scene(index % 30))
    done = command("stream", tmp_path / "f_%04d.png", "-p", "person", "--record", record, "--results", log)
    until(lambda: any(path.stat().st_size > 2000 for path in tmp_path.glob(".r.jsonl.*")), 120)
    done.send_signal(signal.SIGINT)
    told, errors = done.communicate(timeout=60)
    assert done.returncode == 0, errors
    assert "stopping" in errors
    assert "frames a second" in told
    assert frame_count(record) > 0
    assert log.exists()
