"""Bags in, bags out: every kind is read, what is written is read by two readers, and damage is told and counted."""

import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from disks import small_disk
from robot_bags import (
    CAMERA,
    DELAY,
    DETECTIONS,
    IMU,
    START,
    STEP,
    header,
    imu,
    labels,
    on,
    read_bag,
    read_mcap,
    recorded,
    write_bag,
    write_ros1_bag,
)
from toy import planted, toy_detector

from regionclip.errors import ConfigError, FileError, RegionclipError, SourceError
from regionclip.robot.images import frame_of
from regionclip.robot.messages import IMAGE, Header, encode
from regionclip.robot.ros.names import places
from regionclip.robot.transports.bags import Bag, BagMessage, NewBag, choose
from regionclip.robot.transports.replay import Replay

RED, GREEN = (16, 16, 64, 64), (96, 32, 160, 96)
FRAMES = [planted(red=RED, green=GREEN), planted(), planted(red=RED), planted(green=GREEN)]
"""With two things, none, and one each."""

FOUND = [["红 thing", "green"], [], ["红 thing"], ["green"]]
WORDS = ["红 thing", "green"]
LOGGED = [START + index * STEP + DELAY for index in range(len(FRAMES))]


def answer(source: Path, out: Path, watch: Any = iter, track: bool = False, **choice: Any) -> Replay:  # noqa: ANN401
    with Bag(source) as bag, NewBag(out) as new:
        replay = Replay(bag, new, toy_detector([RED, GREEN]), WORDS, choose(bag, **choice), track=track)
        replay.run(watch)
        return replay


SOURCES: dict[str, Callable[[Path], Path]] = {
    "mcap": lambda folder: write_bag(folder / "in", recorded(FRAMES) + imu(3)),
    "mcap 8": lambda folder: write_bag(folder / "in", recorded(FRAMES) + imu(3), version=8),
    "one file": lambda folder: write_bag(folder / "in", recorded(FRAMES) + imu(3)) / "in.mcap",
    "sqlite3": lambda folder: write_bag(folder / "in", recorded(FRAMES) + imu(3), "sqlite3"),
    "db3": lambda folder: write_bag(folder / "in", recorded(FRAMES) + imu(3), "sqlite3") / "in.db3",
    "ros 1": lambda folder: write_ros1_bag(folder / "in.bag", FRAMES),
}


@pytest.mark.parametrize("out", ["out", "out.mcap", "out.db3"])
@pytest.mark.parametrize("source", SOURCES)
def test_every_kind_is_read_and_answered(source: str, out: str, tmp_path: Path) -> None:
    summary = answer(SOURCES[source](tmp_path), tmp_path / out)
    assert (summary.answered, summary.detections, summary.damaged, summary.cut) == (4, 4, 0, False)
    written = read_bag(tmp_path / out)
    arrays = on(DETECTIONS, written)
    assert [log_ns for log_ns, _ in arrays] == LOGGED
    assert [Header.of(array.header) for _, array in arrays] == [header(index) for index in range(4)]
    assert [sorted(labels(array), reverse=True) for _, array in arrays] == FOUND
    pictures = on(CAMERA, written)
    assert [log_ns for log_ns, _ in pictures] == LOGGED
    for (_, picture), frame in zip(pictures, FRAMES, strict=True):
        np.testing.assert_array_equal(frame_of(picture), frame)
    assert {topic for topic, _, _ in written} == {
        CAMERA, DETECTIONS, "/regionclip/annotations", "/regionclip/label_info", "/regionclip/vision_info",
        "/diagnostics",
    }  # fmt: skip
    assert sorted(path.name for path in tmp_path.iterdir() if path.name[0] == ".") == []


def test_another_reader_finds_the_same(tmp_path: Path) -> None:
    answer(SOURCES["mcap"](tmp_path), tmp_path / "out.mcap", keep=(IMU,))
    written = read_mcap(tmp_path / "out.mcap")
    arrays = on(DETECTIONS, written)
    assert [log_ns for log_ns, _ in arrays] == LOGGED
    assert [Header.of(array.header) for _, array in arrays] == [header(index) for index in range(4)]
    assert [sorted(labels(array), reverse=True) for _, array in arrays] == FOUND
    box = arrays[3][1].detections[0].bbox
    assert (box.center.position.x, box.center.position.y, box.size_x, box.size_y) == (128, 64, 64, 64)
    (first, info), (_, vision) = on("/regionclip/label_info", written)[0], on("/regionclip/vision_info", written)[0]
    assert [(each.class_id, each.class_name) for each in info.class_map] == [(0, "红 thing"), (1, "green")]
    assert (first, vision.database_location, vision.database_version) == (LOGGED[0], "/regionclip/label_info", 1)
    topics = [topic for topic, _, _ in written]
    assert topics.index("/regionclip/label_info") < topics.index(DETECTIONS)
    drawn = on("/regionclip/annotations", written)
    assert [len(each.texts) for _, each in drawn] == [2, 0, 1, 1]
    assert drawn[2][1].texts[0].text.startswith("红 thing 0.")
    assert [each.header.frame_id for _, each in on(IMU, written)] == ["imu"] * 3


def test_latched_topics_are_offered_so(tmp_path: Path) -> None:
    answer(SOURCES["mcap"](tmp_path), tmp_path / "out")
    with Bag(tmp_path / "out") as bag:
        assert [each.durability.name for each in bag.qos("/regionclip/label_info")] == ["TRANSIENT_LOCAL"]


def test_kept_topics_are_copied_byte_for_byte(tmp_path: Path) -> None:
    answer(SOURCES["mcap"](tmp_path), tmp_path / "out", images=False, keep=(IMU,))
    with Bag(tmp_path / "in") as before, Bag(tmp_path / "out") as after:
        assert CAMERA not in after.topics
        assert [(each.log_ns, each.payload) for each in after.messages([IMU])] == [
            (each.log_ns, each.payload) for each in before.messages([IMU])
        ]


def test_a_message_of_ros_1_becomes_one_of_ros_2(tmp_path: Path) -> None:
    info = "/camera/camera_info"
    answer(write_ros1_bag(tmp_path / "in.bag", FRAMES), tmp_path / "out.mcap", keep=(info,))
    for written in (read_bag(tmp_path / "out.mcap"), read_mcap(tmp_path / "out.mcap")):
        found = on(info, written)
        assert [Header.of(each.header) for _, each in found] == [header(index) for index in range(4)]
        assert (found[0][1].width, found[0][1].distortion_model, len(found[0][1].d)) == (192, "plumb_bob", 5)
    with Bag(tmp_path / "out.mcap") as bag:
        assert [each.durability.name for each in bag.qos(info)] == ["TRANSIENT_LOCAL"]


def test_compressed_images(tmp_path: Path) -> None:
    topic = "/camera/image_raw/compressed"
    source = write_bag(tmp_path / "in", recorded(FRAMES, topic))
    assert answer(source, tmp_path / "out").answered == 4
    assert [sorted(labels(array), reverse=True) for _, array in on(DETECTIONS, read_bag(tmp_path / "out"))] == FOUND


def test_several_cameras_have_answers_of_their_own(tmp_path: Path) -> None:
    left, right = "/left/image_raw", "/right/image_raw/compressed"
    messages = recorded(FRAMES, left, "left_link") + recorded(FRAMES[:2], right, "right_link")
    summary = answer(write_bag(tmp_path / "in", messages), tmp_path / "out", topics=(left, right), track=True)
    assert summary.answered == 6
    written = read_bag(tmp_path / "out")
    assert [array.header.frame_id for _, array in on("/left/regionclip/detections", written)] == ["left_link"] * 4
    assert [array.header.frame_id for _, array in on("/right/regionclip/detections", written)] == ["right_link"] * 2
    assert len(on("/regionclip/label_info", written)) == 1
    told = on("/diagnostics", written)[-1][1]
    assert [each.name for each in told.status] == [f"regionclip: {left}", f"regionclip: {right}"]


def test_names_of_several_cameras() -> None:
    assert places(("/a/image", "/a/image")) == {"/a/image": "/regionclip"}
    assert places(("/a/depth/image", "/b/image/compressed")) == {
        "/a/depth/image": "/a/depth/regionclip",
        "/b/image/compressed": "/b/regionclip",
    }
    assert places(("/left", "/right")) == {
        "/left": "/left/regionclip",
        "/right": "/right/regionclip",
    }


def test_how_it_goes_is_told_once_a_second(tmp_path: Path) -> None:
    source = write_bag(tmp_path / "in", recorded(FRAMES * 6))
    answer(source, tmp_path / "out")
    told = on("/diagnostics", read_bag(tmp_path / "out"))
    assert [log_ns - LOGGED[0] for log_ns, _ in told] == [0, 1_000_000_000, 2_000_000_000, 2_300_000_000]
    values = {each.key: each.value for each in told[-1][1].status[0].values}
    assert (values["answered"], values["fps_in"], values["age_ms_p50"]) == ("24", "10", "7")


def damaged() -> list[Any]:
    """Ten images, of which four are of no use, and what is said of them."""
    messages = recorded(FRAMES[:1] * 10)
    topic, kind, _, payload = messages[0]
    bad = [
        payload[: len(payload) // 2],
        encode(IMAGE, {"encoding": "bgr8"}),
        encode(IMAGE, {"encoding": "odd", "height": 1, "width": 1, "step": 3, "data": bytes(3)}),
        b"",
    ]
    for place, instead in zip((0, 3, 4, 9), bad, strict=True):
        messages[place] = (topic, kind, messages[place][2], instead)
    return messages


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
def test_a_damaged_message_is_skipped_and_counted(storage: Any, tmp_path: Path) -> None:  # noqa: ANN401
    summary = answer(write_bag(tmp_path / "in", damaged(), storage), tmp_path / "out")
    assert (summary.answered, summary.damaged, summary.cut) == (6, 4, False)
    assert list(summary.problems) == [CAMERA]
    written = read_bag(tmp_path / "out")
    assert len(on(DETECTIONS, written)) == len(on(CAMERA, written)) == 6
    status = on("/diagnostics", written)[-1][1].status[0]
    assert status.level == 1
    assert {each.key: each.value for each in status.values}["damaged"] == "4"


def test_nothing_is_left_where_no_image_is_of_use(tmp_path: Path) -> None:
    messages = [(topic, kind, log_ns, payload[:50]) for topic, kind, log_ns, payload in recorded(FRAMES)]
    summary = answer(write_bag(tmp_path / "in", messages), tmp_path / "out")
    assert (summary.answered, summary.damaged) == (0, 4)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_a_chunk_that_is_damaged_ends_the_bag_and_keeps_what_came_before(tmp_path: Path) -> None:
    messages = recorded(FRAMES * 15)  # several chunks
    file = write_bag(tmp_path / "in", messages) / "in.mcap"
    content = bytearray(file.read_bytes())
    length = content.index(messages[40][3]) - 30  # of the record, before channel, number and times
    content[length : length + 8] = (2**40).to_bytes(8, "little")
    file.write_bytes(content)
    summary = answer(file, tmp_path / "out")
    assert summary.cut
    assert "cannot be read on" in summary.problems[str(file)]
    assert 0 < summary.answered < 40
    assert len(on(DETECTIONS, read_bag(tmp_path / "out"))) == summary.answered


@pytest.mark.parametrize("source", SOURCES)
def test_a_bag_that_was_cut_is_told(source: str, tmp_path: Path) -> None:
    path = SOURCES[source](tmp_path)
    file = next(each for each in (path.iterdir() if path.is_dir() else [path]) if each.suffix != ".yaml")
    content = file.read_bytes()
    for share in (0.0, 0.1, 0.5, 0.9):
        file.write_bytes(content[: int(len(content) * share)])
        try:
            told = answer(path, tmp_path / "out").problems[str(path)]
        except SourceError as error:
            told = str(error)
        assert told.startswith(f"bag {path} cannot be read")
        assert "cut short" in told
        shutil.rmtree(tmp_path / "out", ignore_errors=True)


@pytest.mark.parametrize("source", ["mcap", "sqlite3", "ros 1"])
def test_a_bag_with_other_bytes_is_answered_or_told(source: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    path = SOURCES[source](tmp_path)
    file = next(each for each in (path.iterdir() if path.is_dir() else [path]) if each.suffix != ".yaml")
    content = file.read_bytes()
    for _ in range(40):
        damage = bytearray(content)
        for place in (len(damage) * rng.random(20) ** 3).astype(int):
            damage[place] = int(rng.integers(256))
        file.write_bytes(damage)
        with suppress(RegionclipError):
            answer(path, tmp_path / "out")
        shutil.rmtree(tmp_path / "out", ignore_errors=True)
        assert sorted(each.name for each in tmp_path.iterdir()) == [path.name]


def test_what_is_no_bag_is_told(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for name in ("notes.txt", "x.mcap", "x.db3", "x.bag"):
        (tmp_path / name).write_text("no bag")
    for name in ("folder", "notes.txt", "x.mcap", "x.db3", "x.bag"):
        with pytest.raises(SourceError, match=r"cannot be read .*expected a ROS 2 bag"):
            Bag(tmp_path / name)
    with pytest.raises(SourceError, match="no such file or folder"):
        Bag(tmp_path / "absent")


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        ({"topics": ("/camera/image",)}, f"expected a topic of images, got /camera/image; there: {CAMERA}, /other"),
        ({"topics": (IMU,)}, f"got {IMU}, a sensor_msgs/msg/Imu; there: {CAMERA}, /other"),
        ({}, f"named by --topic; there: {CAMERA}, /other"),
        ({"topics": (CAMERA,), "keep": (CAMERA,), "images": False}, "kept by --keep and left out by --no-images"),
        ({"topics": (CAMERA,), "keep": ("/odom",)}, f"no topic /odom to keep; there: {CAMERA}, {IMU}, /other"),
    ],
)
def test_topics_that_are_not_there(plan: dict[str, Any], said: str, tmp_path: Path) -> None:
    source = write_bag(tmp_path / "in", recorded(FRAMES[:1]) + imu(1) + recorded(FRAMES[:1], "/other"))
    with Bag(source) as bag, pytest.raises(ConfigError) as told:
        choose(bag, **plan)
    assert said in str(told.value)


def test_answers_are_not_kept_beside_new_ones(tmp_path: Path) -> None:
    answer(SOURCES["mcap"](tmp_path), tmp_path / "once")
    with Bag(tmp_path / "once") as bag, pytest.raises(ConfigError, match="/regionclip/detections cannot be kept"):
        choose(bag, keep=(DETECTIONS,))
    assert answer(tmp_path / "once", tmp_path / "twice", keep=("/diagnostics",)).answered == 4
    assert len(on("/diagnostics", read_bag(tmp_path / "twice"))) == 4  # two of each run


def test_an_output_that_is_there_stays(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "x.mcap").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name in ("folder", "x.mcap", "link"):
        with pytest.raises(ConfigError, match="is there already"):
            NewBag(tmp_path / name)
    with pytest.raises(ConfigError, match=r"expected storage mcap for \.mcap, got sqlite3"):
        NewBag(tmp_path / "y.mcap", "sqlite3")
    with pytest.raises(FileError, match="cannot be written"):
        NewBag(tmp_path / "x.mcap" / "out")
    assert (tmp_path / "x.mcap").read_text() == "mine"


def interrupted(messages: Iterable[BagMessage]) -> Iterator[BagMessage]:
    """The first message, and then Ctrl-C."""
    yield next(iter(messages))
    raise KeyboardInterrupt


def test_an_interrupt_keeps_what_was_answered(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        answer(SOURCES["mcap"](tmp_path), tmp_path / "out", watch=interrupted)
    assert len(on(DETECTIONS, read_bag(tmp_path / "out"))) == 1


def test_an_interrupt_before_the_first_answer_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), NewBag(tmp_path / "out"):
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["out", "out.mcap", "out.db3"])
def test_a_full_disk_is_told_and_nothing_is_left(name: str, tmp_path: Path) -> None:
    source = SOURCES["mcap"](tmp_path)
    with small_disk(tmp_path / "disk") as disk:
        disk.fill()
        with pytest.raises(FileError, match="cannot be written"):
            answer(source, disk.folder / name)
        disk.empty()
        assert list(disk.folder.iterdir()) == []
