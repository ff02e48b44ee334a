"""The node: what it says in which order, whatever the transport."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from ros_peer import Peer, ended, process
from slow_node import BOX
from toy import planted, toy_detector
from waiting import until

from regionclip.evaluation.speed.robot import free_domain
from regionclip.robot import messages as ros
from regionclip.robot.images import image_fields
from regionclip.robot.messages import Header, decode, encode
from regionclip.robot.names import Names
from regionclip.robot.node import Node
from regionclip.robot.parameters import Parameters
from regionclip.robot.wire import Get, Quality

FRAME = planted(red=BOX)


class Line:
    """A transport within a test, on which messages pass as bytes and somebody listens to everything.

    Attributes:
        sent: topic, type and message, in order.
        complaining: what `complaints` says.
    """

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, Any]] = []
        self.takers: dict[str, Callable[[Get], None]] = {}
        self.offered: dict[str, tuple[str, Quality]] = {}
        self.asked: dict[str, Quality] = {}
        self.complaining: list[str] = []

    def listen(self, topic: str, kinds: tuple[str, ...], quality: Quality, take: Callable[[Get], None]) -> None:
        self.takers[topic], self.asked[topic] = take, quality

    def offer(self, topic: str, kind: str, quality: Quality) -> None:
        self.offered[topic] = kind, quality

    def send(self, topic: str, kind: str, fields: Mapping[str, Any]) -> None:
        assert self.offered[topic][0] == kind
        self.sent.append((topic, kind, decode(encode(kind, fields), kind)))

    def wanted(self, topic: str) -> bool:
        return "annotated" not in topic

    def complaints(self) -> list[str]:
        return self.complaining

    def give(self, topic: str, kind: str, fields: Mapping[str, Any]) -> None:
        payload = encode(kind, fields)
        self.takers[topic](lambda: decode(payload, kind))

    def show(self, topic: str = "/image", stamp: int = 1, **changes: Any) -> None:  # noqa: ANN401
        self.give(topic, ros.IMAGE, image_fields(FRAME, Header(stamp, "front")) | changes)

    def said(self, topic: str) -> list[Any]:
        return [message for name, _, message in list(self.sent) if name == topic]


def answered(line: Line, camera: str = "") -> list[int]:
    """Nanoseconds of the stamps of a camera's answers."""
    return [message.header.stamp.nanosec for message in line.said(f"{camera}/regionclip/detections")]


@contextmanager
def running(words: Any, line: Line | None = None, **parameters: Any) -> Iterator[tuple[Node, Line]]:  # noqa: ANN401
    line = line or Line()
    with Node(
        toy_detector((BOX,)), words, Parameters(**parameters), Names(), line, log=line.complaining.append
    ) as node:
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
    line, gate = Line(), threading.Event()
    with running(["red"], line, image_topics=("/left/image", "/right/image")) as (node, _):
        core = node._cores["/left/image"]
        process_image = core.process
        core.process = lambda *frame, **more: (gate.wait(60), process_image(*frame, **more))[1]  # type: ignore[method-assign]
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
    stamps = [Header.of(each.header).stamp_ns // 100_000_000 for each in line.said("/regionclip/detections")]
    assert stamps == [0, 5, 10, 15]
    (report,) = line.said("/diagnostics")
    values = {each.key: float(each.value) for each in report.status[0].values if each.key != "last_problem"}
    assert (report.header.stamp.sec, values["dropped"]) == (1, 16)
    assert values["age_ms_p95"] < 1000
    assert any(each.startswith("/clock: message") for each in line.complaining)


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
    for name, value in free_domain().items():
        monkeypatch.setenv(name, value)
    with Peer() as peer, process("tests/slow_node.py", "0.2") as node:
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
