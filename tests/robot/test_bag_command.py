"""`regionclip bag`: one line for each mistake before torch is loaded, exit codes, and an end in good order."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from robot_bags import CAMERA, DETECTIONS, IMU, header, imu, labels, on, read_bag, read_mcap, recorded, write_bag
from torchless import without_torch
from waiting import until

from regionclip.cli.terminal import exits
from regionclip.robot.messages import Header
from regionclip.scenes.render import render_scene

Run = Callable[..., int]


@pytest.fixture(scope="module")
def bag(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two rendered scenes, each seen four times."""
    scenes = [render_scene(5, index // 4, (240, 320)).frame for index in range(8)]
    return write_bag(tmp_path_factory.mktemp("bags") / "drive", recorded(scenes) + imu(8))


def test_the_tower_that_ships(bag: Path, tmp_path: Path, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out.mcap"
    words = ("-p", "person", "-p", "汽车=汽车|car", "-p", "背包")
    assert run("bag", bag, out, "--topic", CAMERA, "--keep", IMU, "--track", "--every", "2", *words) == exits.OK
    printed = capsys.readouterr().out.splitlines()
    arrays = on(DETECTIONS, read_bag(out))
    things = [each for _, array in arrays for each in array.detections]
    assert printed[0].startswith(f"8 images, {len(things)} detections; ")
    assert printed[1:] == [str(out)]
    assert {each.results[0].hypothesis.class_id for each in things} == {"person", "汽车", "背包"}
    assert all(each.id.isdecimal() for each in things)
    theirs = on(DETECTIONS, read_mcap(out))
    assert [Header.of(array.header) for _, array in theirs] == [header(index) for index in range(8)]
    assert [labels(array) for _, array in theirs] == [labels(array) for _, array in arrays]
    assert len(on(IMU, read_bag(out))) == 8


def test_numbers_in_place_of_labels(bag: Path, tmp_path: Path, run: Run) -> None:
    options = ("--class-ids", "index", "--no-images", "--storage", "sqlite3", "--threshold", "0.05")
    assert run("bag", bag, tmp_path / "out", "-p", "汽车", *options) == exits.OK
    assert (tmp_path / "out" / "out.db3").exists()
    written = read_bag(tmp_path / "out")
    assert {label for _, array in on(DETECTIONS, written) for label in labels(array)} == {"0"}
    assert on(CAMERA, written) == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--topic", "/camera"), f"expected a topic of images, got /camera; there: {CAMERA}"),
        (("--storage", "rosbag"), "--storage 'rosbag': expected mcap or sqlite3"),
        (("--class-ids", "name"), "--class-ids 'name': expected label or index"),
        (("-p", "person"), "'person' is given twice"),
    ],
)
def test_a_mistake_is_told_before_torch_is_loaded(
    options: tuple[str, ...], said: str, bag: Path, tmp_path: Path
) -> None:
    told = without_torch("bag", bag, tmp_path / "out", "-p", "person", *options)
    assert (told.returncode, said in told.stderr) == (exits.USAGE, True), told.stderr
    assert len(told.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_files_that_cannot_be_are_told_before_torch_is_loaded(bag: Path, tmp_path: Path) -> None:
    content = (bag / "drive.mcap").read_bytes()
    (tmp_path / "half.mcap").write_bytes(content[: len(content) // 2])
    for source, out, code, said in (
        (tmp_path / "absent", "out", exits.UNREADABLE, "no such file or folder"),
        (tmp_path / "half.mcap", "out", exits.UNREADABLE, "cut short"),
        (bag, bag, exits.USAGE, "is there already"),
        (bag, "half.mcap", exits.USAGE, "is there already"),
        (bag, "half.mcap/out", exits.FAILED, "cannot be written"),
    ):
        told = without_torch("bag", source, tmp_path / out, "-p", "person")
        assert (told.returncode, said in told.stderr) == (code, True), told.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["half.mcap"]


def test_damaged_messages_give_code_5(tmp_path: Path, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    messages = recorded([render_scene(5, 0, (96, 128)).frame] * 3)
    topic, kind, log_ns, payload = messages[1]
    messages[1] = (topic, kind, log_ns, payload[:100])
    assert run("bag", write_bag(tmp_path / "in", messages), tmp_path / "out", "-p", "person") == exits.PARTLY
    told = capsys.readouterr()
    assert told.out.startswith("2 images, ")
    assert "1 damaged messages were skipped" in told.err
    assert f"message on {CAMERA}" in told.err


def test_no_image_of_use_gives_code_3(tmp_path: Path, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    messages = [(topic, kind, log_ns, b"") for topic, kind, log_ns, _ in imu(2)]
    messages = [(CAMERA, "sensor_msgs/msg/Image", log_ns, b"") for _, _, log_ns, _ in messages]
    assert run("bag", write_bag(tmp_path / "in", messages), tmp_path / "out", "-p", "person") == exits.UNREADABLE
    assert "nothing written" in capsys.readouterr().out
    assert not (tmp_path / "out").exists()


def test_ctrl_c_keeps_what_was_answered(tmp_path: Path) -> None:
    source = write_bag(tmp_path / "in", recorded([render_scene(5, 0, (96, 128)).frame] * 400))
    words = ["bag", source, tmp_path / "out.mcap", "-p", "person"]
    process = subprocess.Popen([sys.executable, "-m", "regionclip", *map(str, words)], stderr=subprocess.DEVNULL)

    def has_written() -> bool:
        growing = list(tmp_path.glob(".out.mcap.*/*/*.mcap"))
        return bool(growing) and growing[0].stat().st_size > 2**20

    until(has_written)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == exits.INTERRUPTED
    assert 0 < len(on(DETECTIONS, read_bag(tmp_path / "out.mcap"))) < 400
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "out.mcap"]
