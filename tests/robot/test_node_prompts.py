"""Words that a caller hands to a node, or asks for by a service."""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from toy import planted, toy_detector
from waiting import until

from regionclip.errors import PromptError
from regionclip.robot import messages as ros
from regionclip.robot.images import image_fields
from regionclip.robot.messages import DETECTIONS, DIAGNOSTICS, IMAGE, LABEL_INFO, VISION_INFO, Header, decode, encode
from regionclip.robot.names import Names
from regionclip.robot.node import Node
from regionclip.robot.parameters import Parameters
from regionclip.robot.publisher import Answer, Get, Quality

SQUARE = (32, 32, 96, 96)


class Room:
    """A transport within this process: what is said is kept, and whoever listens can be told."""

    def __init__(self) -> None:
        self.said: list[tuple[str, Any]] = []  # type and message
        self.listeners: dict[str, Callable[[Get], None]] = {}
        self.services: dict[str, Answer] = {}

    def offer(self, topic: str, kind: str, quality: Quality) -> None: ...

    def listen(self, topic: str, kinds: tuple[str, ...], quality: Quality, take: Callable[[Get], None]) -> None:
        self.listeners[topic] = take

    def wanted(self, topic: str) -> bool:
        return topic.endswith("/detections")

    def send(self, topic: str, kind: str, fields: Mapping[str, Any]) -> None:
        self.said.append((kind, decode(encode(kind, fields), kind)))

    def complaints(self) -> list[str]:
        return []

    def serve(self, service: str, kind: str, answer: Answer) -> None:
        self.services[service] = answer

    def ask(self, *prompts: str, threshold: float) -> dict[str, Any]:
        """A request of SetPrompts, through bytes and back."""
        request = encode(f"{ros.SET_PROMPTS}_Request", {"prompts": prompts, "threshold": threshold})
        return dict(self.services["/regionclip/set_prompts"](decode(request, f"{ros.SET_PROMPTS}_Request")))

    def latest(self, kind: str) -> Any:  # noqa: ANN401
        return next((message for said, message in reversed(self.said) if said == kind), None)


@pytest.fixture
def room() -> Room:
    return Room()


@pytest.fixture
def node(room: Room) -> Iterator[Node]:
    with Node(toy_detector([SQUARE]), ["red"], Parameters(), Names(), room, log=lambda line: None) as made:
        until(lambda: room.latest(VISION_INFO) is not None)
        yield made


def problem(room: Room, node: Node) -> str:
    """What the diagnostics say went wrong last."""
    node.report()
    values = room.latest(DIAGNOSTICS).status[0].values
    return str(next(each.value for each in values if each.key == "last_problem"))


def test_words_are_in_force_for_the_next_image_and_told_before_it(room: Room, node: Node) -> None:
    assert node.set_prompts(["红色的箱子", "green"], threshold=0.25) == 2
    message = encode(IMAGE, image_fields(planted(red=SQUARE), Header(5, "camera")))
    room.listeners["/image"](lambda: decode(message, IMAGE))
    until(lambda: room.latest(DETECTIONS) is not None)
    thing = room.latest(DETECTIONS).detections[0]
    assert thing.results[0].hypothesis.class_id == "红色的箱子"
    kinds = [kind for kind, _ in room.said]
    assert kinds == [LABEL_INFO, VISION_INFO, LABEL_INFO, VISION_INFO, DETECTIONS]
    assert room.latest(VISION_INFO).database_version == 2
    told = room.latest(LABEL_INFO)
    assert [each.class_name for each in told.class_map] == ["红色的箱子", "green"]
    assert told.threshold == 0.25


@pytest.mark.parametrize("words", [[], ["red", "red"], [""]])
def test_words_that_cannot_be_asked_for_leave_the_old_ones(words: list[str], room: Room, node: Node) -> None:
    with pytest.raises(PromptError):
        node.set_prompts(words)
    assert problem(room, node).startswith("words refused, the old ones stay: ")
    assert node.set_prompts(["green"]) == 2
    until(lambda: room.latest(VISION_INFO).database_version == 2)


@pytest.mark.parametrize("unchanged", [math.nan, -1.0])
def test_the_service_takes_words_as_the_command_line_does(unchanged: float, room: Room, node: Node) -> None:
    assert room.ask("箱子=red box|红", "green", threshold=0.25) == {"success": True, "message": "", "version": 2}
    until(lambda: room.latest(VISION_INFO).database_version == 2)
    assert [each.class_name for each in room.latest(LABEL_INFO).class_map] == ["箱子", "green"]
    assert room.ask("blue", threshold=unchanged)["version"] == 3
    until(lambda: room.latest(VISION_INFO).database_version == 3)
    assert room.latest(LABEL_INFO).threshold == 0.25


@pytest.mark.parametrize(
    ("prompts", "threshold", "why"),
    [
        ((), 0.5, "1 to 65535 labels"),
        (("=red",), 0.5, "label name"),
        (("red", "red"), 0.5, "twice"),
        (("red",), 1.5, "1.5"),
    ],
)
def test_the_service_tells_why_words_are_refused(
    prompts: tuple[str, ...], threshold: float, why: str, room: Room, node: Node
) -> None:
    answer = room.ask(*prompts, threshold=threshold)
    assert (answer["success"], answer["version"], why in answer["message"]) == (False, 1, True), answer
    assert why in problem(room, node)
