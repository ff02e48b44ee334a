"""The node: what it says in which order, whatever the transport."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ros_line import FRAME, Line
from ros_peer import Peer, ended, process
from slow_node import BOX
from toy import toy_detector
from waiting import until

from regionclip.detector import Detector
from regionclip.errors import ConfigError, FileError
from regionclip.robot import messages as ros
from regionclip.robot.messages import Header, decode, encode
from regionclip.robot.ros.names import Names
from regionclip.robot.ros.node import Node
from regionclip.robot.ros.parameters import Parameters


def answered(line: Line, camera: str = "") -> list[int]:
    """Nanoseconds of the stamps of a camera's answers."""
    return [Header.of(message.header).stamp_ns for message in line.said(f"{camera}/regionclip/detections")]


@contextmanager
def running(
    words: Any,  # noqa: ANN401
    line: Line | None = None,
    detector: Detector | None = None,
    **parameters: Any,  # noqa: ANN401
) -> Iterator[tuple[Node, Line]]:
    line, detector = line or Line(), detector or toy_detector((BOX,))
    with Node(detector, words, Parameters(**parameters), Names(), line, log=line.complaining.append) as node:
        yield node, line


def test_words_are_told_before_the_first_answer_that_uses_them() -> None:
    with running(["red"]) as (_, line):
        until(lambda: bool(line.said("/regionclip/vision_info")))
        assert [topic for topic, *_ in line.sent] == ["/regionclip/label_info", "/regionclip/vision_info"]
        for round_, word in enumerate(("red", "红", "red", "灰", "绿")):
            line.give("/regionclip/prompts", ros.STRING, {"data": word})
            line.show(stamp=round_ + 1)
            until(lambda count=round_ + 2: len(line.said("/regionclip/label_info")) == count)  # type: ignore[misc]
            line.show(stamp=100 + round_)
            until(lambda stamp=100 + round_: stamp in answered(line))  # type: ignore[misc]
    named = ""
    for topic, _, message in line.sent:
        if topic == "/regionclip/label_info":
            named = message.class_map[0].class_name
        if topic == "/regionclip/detections" and message.detections:
            assert message.detections[0].results[0].hypothesis.class_id == named
    assert [each.database_version for each in line.said("/regionclip/vision_info")] == [1, 2, 3, 4, 5, 6]
    assert line.offered["/regionclip/label_info"] == (ros.LABEL_INFO, "latched")
    assert line.asked == {"/image": "sensor", "/regionclip/prompts": "reliable"}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"encoding": "rgb9"}, "expected an encoding of"),
        ({"width": 0}, "expected at least one pixel"),
        ({"step": 4}, "expected a step of"),
        ({"height": 1000}, "bytes"),
        ({"encoding": "32FC1"}, "(depth)"),
    ],
)
def test_an_image_of_no_use_is_told_and_the_next_one_answered(changes: dict[str, Any], told: str) -> None:
    with running(["red"]) as (node, line):
        line.show(**changes)
        until(lambda: any(told in each for each in line.complaining))
        line.takers["/image"](lambda: decode(b"\0\1\0\0", ros.IMAGE))
        until(lambda: len(line.complaining) == 2)
        line.show()
        until(lambda: len(line.said("/regionclip/detections")) == 1)
        line.complaining = ["/image: QoS mismatch"]
        node.report()
    (report,) = line.said("/diagnostics")
    values = {each.key: each.value for each in report.status[0].values}
    assert (report.status[0].level, values["damaged"], values["answered"]) == (1, "2", "1")
    assert "/image: QoS mismatch" in report.status[0].message


def test_cameras_take_turns() -> None:
    line, gate, detector = Line(), threading.Event(), toy_detector((BOX,))
    encode_image = detector.tower.encode_image
    detector.tower.encode_image = lambda frames: gate.wait(60) and encode_image(frames)  # type: ignore
    with running(["red"], line, detector, image_topics=("/left/image", "/right/image")):
        for stamp in range(1, 6):
            line.show("/left/image", stamp)
        line.show("/right/image", 7)
        gate.set()
        until(lambda: len(line.said("/right/regionclip/detections")) == 1)
        until(lambda: 5 in answered(line, "/left"))
    order = [message.header.stamp.nanosec for topic, _, message in line.sent if topic.endswith("/detections")]
    assert order in ([1, 5, 7], [1, 7, 5], [5, 7])  # the newest of each, none twice


def test_no_more_than_so_many_images_a_second_of_a_clock_of_its_own() -> None:
    with running(["red"], use_sim_time=True, max_rate=2.0) as (node, line):
        assert line.asked["/clock"] == "sensor"
        for tenth in range(20):
            line.give("/clock", ros.CLOCK, {"clock": Header(tenth * 100_000_000 + 1).stamp()})
            line.show(stamp=tenth * 100_000_000 + 1)
            until(lambda count=tenth // 5 + 1: len(line.said("/regionclip/detections")) == count)  # type: ignore[misc]
        line.takers["/clock"](lambda: decode(b"", ros.CLOCK))
        node.report()
        node.report()
    stamps = [Header.of(each.header).stamp_ns // 100_000_000 for each in line.said("/regionclip/detections")]
    assert stamps == [0, 5, 10, 15]
    report, silent = line.said("/diagnostics")
    assert "no new message on /clock" in silent.status[0].message
    assert "no new message on /clock" not in report.status[0].message
    values = {each.key: float(each.value) for each in report.status[0].values if each.key != "last_problem"}
    assert (report.header.stamp.sec, values["dropped"]) == (1, 16)
    assert values["age_ms_p95"] < 1000
    assert any(each.startswith("/clock: message") for each in line.complaining)


DEPTH, INFO, PLACES = "/depth/image", "/depth/camera_info", "/regionclip/detections_3d"
CAMERA_INFO = {"width": 192, "height": 128, "k": [100.0, 0, 96, 0, 100.0, 64, 0, 0, 1]}


def give_depth(line: Line, stamp: int, metres: float, **changes: Any) -> None:  # noqa: ANN401
    values = np.full((128, 192), metres, np.float32).tobytes()
    fields = {"header": Header(stamp, "front").fields(), "height": 128, "width": 192, "encoding": "32FC1"}
    line.give(DEPTH, ros.IMAGE, fields | {"step": 192 * 4, "data": values} | changes)


def test_depth_gives_positions() -> None:
    with running(["red"], depth_topics=("depth/image",), sync_slop=0.05) as (node, line):
        assert line.asked | {DEPTH: "sensor", INFO: "sensor"} == line.asked
        line.show(stamp=1)  # no depth has come: nothing waits for it
        until(lambda: len(line.said(PLACES)) == 1)
        line.give(INFO, ros.CAMERA_INFO, CAMERA_INFO)
        give_depth(line, 100_000_000, 2.0)
        line.show(stamp=110_000_000)
        until(lambda: len(line.said(PLACES)) == 2)
        line.show(stamp=200_000_000)  # waits for its depth
        give_depth(line, 199_000_000, 3.0)
        until(lambda: len(line.said(PLACES)) == 3)
        line.show(stamp=300_000_000)  # waits in vain, until the next one comes
        line.show(stamp=400_000_000)
        until(lambda: len(line.said(PLACES)) == 4)
        give_depth(line, 400_000_000, float("nan"))
        until(lambda: len(line.said(PLACES)) == 5)
        for stamp, changes in ((500_000_000, {"encoding": "rgb8"}), (600_000_000, {"width": 64})):
            give_depth(line, stamp, 1.0, **changes)
            line.show(stamp=stamp)
            until(lambda stamp=stamp: stamp in answered(line))  # type: ignore[misc]
            node.report()
            assert "no positions: depth: expected" in line.said("/diagnostics")[-1].status[0].message
        line.takers[DEPTH](lambda: decode(b"\0\1\0\0", ros.IMAGE))
        assert line.complaining[-1].startswith("/image: message: expected a sensor_msgs/msg/Image")
    assert len(line.said(PLACES)) == len(line.said("/regionclip/detections")) == 7
    found = [[each.bbox.center.position for each in array.detections] for array in line.said(PLACES)]
    assert [len(each) for each in found] == [0, 1, 1, 0, 0, 0, 0]
    (near,), (far,) = found[1:3]
    middle = np.array([(BOX[0] + BOX[2]) / 2 - 96.5, (BOX[1] + BOX[3]) / 2 - 64.5]) / 100
    assert (near.x, near.y, near.z) == pytest.approx((*(middle * 2), 2.0))
    assert (far.x, far.y, far.z) == pytest.approx((*(middle * 3), 3.0))


REMEMBERED: dict[str, Any] = {"depth_topics": ("depth/image",), "memory": True, "fixed_frame": "map"}


def give_transform(line: Line, stamp: int, x: float) -> None:
    """Where the camera is in the map: it looks along the map's z."""
    place = {"translation": {"x": x}, "rotation": {"w": 1.0}}
    moved = {"header": Header(stamp, "map").fields(), "child_frame_id": "front", "transform": place}
    line.give("/tf", ros.TRANSFORMS, {"transforms": [moved]})


def see(line: Line, stamp: int, x: float) -> None:
    """A frame with its depth, from a place."""
    give_transform(line, stamp, x)
    give_depth(line, stamp, 2.0)
    line.show(stamp=stamp)
    until(lambda: stamp in answered(line))


def test_what_was_seen_is_asked_for_later_in_other_words(tmp_path: Path) -> None:
    remembered = REMEMBERED | {"memory_file": str(tmp_path / "home.npz")}
    with running(["grey"], **remembered) as (_, line):
        assert (line.asked["/tf"], line.asked["/tf_static"]) == ("reliable", "latched")
        line.give(INFO, ros.CAMERA_INFO, CAMERA_INFO)
        for number in range(3):
            see(line, 10 + number * 500_000_000, 0.02 * number)
        line.give("/regionclip/ask", ros.STRING, {"data": '{"words": "红色", "top": 2}'})
        until(lambda: len(line.said("/regionclip/answers")) == 1)
        line.show(stamp=1_900_000_000)  # nobody said where the camera was then
        give_depth(line, 1_900_000_000, 2.0)
        until(lambda: any("no transform from front to map" in each for each in line.complaining))
        line.give("/regionclip/ask", ros.STRING, {"data": "{"})
        until(lambda: any(each.startswith("question: expected") for each in line.complaining))
        line.takers["/tf"](lambda: decode(b"", ros.TRANSFORMS))
        assert "tf2_msgs" in line.complaining[-1]
    with running(["grey"], **remembered) as (_, later):
        later.give("/regionclip/ask", ros.STRING, {"data": "红色"})
        until(lambda: len(later.said("/regionclip/answers")) == 1)
    for array in (*line.said("/regionclip/answers"), *later.said("/regionclip/answers")):
        (thing,) = array.detections
        assert (array.header.frame_id, thing.header.frame_id, thing.id) == ("map", "map", "1")
        assert thing.results[0].hypothesis.class_id == "红色"
        assert thing.bbox.center.position.z == pytest.approx(2.0)
        x = ((BOX[0] + BOX[2]) / 2 - 96.5) / 100 * 2
        assert thing.bbox.center.position.x == pytest.approx(x + 0.02, abs=0.03)
        assert 0.9 < thing.results[0].hypothesis.score <= 1


def test_a_place_where_the_memory_cannot_be_kept_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    before = threading.active_count()
    parameters = REMEMBERED | {"memory_file": str(tmp_path / "file" / "home.npz")}
    with pytest.raises(FileError, match=r"home\.npz"), running(["grey"], **parameters):
        pass
    assert threading.active_count() == before


def test_a_memory_of_another_frame_is_told(tmp_path: Path) -> None:
    remembered = REMEMBERED | {"memory_file": str(tmp_path / "home.npz")}
    with running(["grey"], **remembered) as (_, line):
        line.give(INFO, ros.CAMERA_INFO, CAMERA_INFO)
        for number in range(3):
            see(line, 10 + number * 500_000_000, 0.02 * number)
    with running(["grey"], **remembered | {"fixed_frame": "odom"}) as (_, line):
        assert any("has things of the frame map, which odom does not know" in each for each in line.complaining)


def test_the_node_ends_while_words_are_encoded() -> None:
    before = threading.active_count()
    with running(["red"]) as (node, line):
        detector, begun = node._core.detector, threading.Event()
        encode_text = detector.tower.encode_text

        def slowly(*given: Any) -> Any:  # noqa: ANN401
            begun.set()
            threading.Event().wait(0.05)
            return encode_text(*given)

        detector.tower.encode_text = slowly  # type: ignore
        line.give("/regionclip/prompts", ros.STRING, {"data": "\n".join(f"red {number}" for number in range(3000))})
        assert begun.wait(60)
        assert "3000 labels to encode; the old ones stay until then" in line.complaining
        line.show()
        until(lambda: len(answered(line)) == 1)  # nobody waits for them
    assert node.prompts.version == 1
    assert threading.active_count() == before


def test_the_service_of_questions() -> None:
    with running(["grey"], **REMEMBERED | {"fixed_frame": ""}) as (_, line):
        served = line.services["/regionclip/ask"]
        line.give(INFO, ros.CAMERA_INFO, CAMERA_INFO)
        for number in range(2):
            give_depth(line, 10 + number, 2.0)
            line.show(stamp=10 + number)
            until(lambda count=number + 1: len(answered(line)) == count)  # type: ignore[misc]

        def ask(**request: Any) -> Any:  # noqa: ANN401
            message = decode(encode(f"{ros.ASK}_Request", request), f"{ros.ASK}_Request")
            return decode(encode(f"{ros.ASK}_Response", served(message)), f"{ros.ASK}_Response")

        until(lambda: len(ask(words="red").answers.detections) == 1)
        assert ask(words="red", top=3).answers.detections[0].header.frame_id == "front"
        assert (ask(words="red").success, ask(words=" ").success) == (True, False)
        assert "question: words: expected text" in ask(words=" ").message


def test_depth_for_each_camera_or_none() -> None:
    with pytest.raises(ConfigError, match="depth_topics: expected 1 topics, got 2"):
        Parameters(depth_topics=("a", "b"))
    with pytest.raises(ConfigError, match="camera_info_topics: expected 0 topics, got 1"):
        Parameters(camera_info_topics=("a",))
    with pytest.raises(ConfigError, match="memory: expected depth_topics with it"):
        Parameters(memory=True)
    with pytest.raises(ConfigError, match="/image is named twice"), running(["red"], image_topics=("image", "/image")):
        pass


def test_words_that_cannot_be_read_leave_the_old_ones() -> None:
    with running(["red"]) as (_, line):
        line.takers["/regionclip/prompts"](lambda: decode(b"", ros.STRING))
        until(lambda: len(line.complaining) == 1)
        line.give("/regionclip/prompts", ros.STRING, {"data": '{"prompts": "red", "colour": 1}'})
        until(lambda: len(line.complaining) == 2)
        line.show()
        until(lambda: len(line.said("/regionclip/detections")) == 1)
    assert all(each.startswith("words refused, the old ones stay: ") for each in line.complaining)
    assert len(line.said("/regionclip/label_info")) == 1


def test_a_slow_detector_always_gets_the_newest_image(monkeypatch: pytest.MonkeyPatch) -> None:
    with Peer.alone(monkeypatch) as peer, process("tests/slow_node.py", "0.2") as node:
        peer.offer("/image", ros.IMAGE, "sensor")
        arrays = peer.hear("/regionclip/detections", ros.DETECTIONS)
        peer.await_listener("/image")
        newest_when_free, sent = [0], 0

        def follow() -> None:
            if len(newest_when_free) <= len(arrays):
                newest_when_free.append(sent)

        pause = threading.Event()
        while len(arrays) < 12:
            sent += 1
            peer.show("/image", FRAME, Header(sent, "front"))
            pause.wait(1 / 30)
            follow()
        code, _ = ended(node)
    stamps = [message.header.stamp.nanosec for message in arrays]
    late = [newest - stamp for newest, stamp in zip(newest_when_free[1:], stamps[1:], strict=False)]
    assert sorted(set(stamps)) == stamps
    assert sent > 3 * len(stamps)  # most were let go
    assert np.median(late) <= 1  # less than two frame periods behind when the work began
    assert code == 0
