"""Words that a caller hands to a node, or asks for by a service."""

import math
from collections.abc import Iterator
from typing import Any

import pytest
from ros_line import Line
from slow_node import BOX
from toy import toy_detector
from waiting import until

from regionclip.errors import PromptError
from regionclip.robot import messages as ros
from regionclip.robot.messages import ANNOTATIONS, DETECTIONS, DIAGNOSTICS, LABEL_INFO, VISION_INFO, decode, encode
from regionclip.robot.ros.names import Names
from regionclip.robot.ros.node import Node
from regionclip.robot.ros.parameters import Parameters


def ask(line: Line, *prompts: str, threshold: float) -> dict[str, Any]:
    """A request of SetPrompts, through bytes and back."""
    request = encode(f"{ros.SET_PROMPTS}_Request", {"prompts": prompts, "threshold": threshold})
    return dict(line.services["/regionclip/set_prompts"](decode(request, f"{ros.SET_PROMPTS}_Request")))


def latest(line: Line, kind: str) -> Any:  # noqa: ANN401
    return next((message for _, said, message in reversed(line.sent) if said == kind), None)


@pytest.fixture
def line() -> Line:
    return Line()


@pytest.fixture
def node(line: Line) -> Iterator[Node]:
    with Node(toy_detector([BOX]), ["red"], Parameters(), Names(), line, log=line.complaining.append) as made:
        until(lambda: latest(line, VISION_INFO) is not None)
        yield made


def test_words_are_in_force_for_the_next_image_and_told_before_it(line: Line, node: Node) -> None:
    assert node.set_prompts(["红色的箱子", "green"], threshold=0.25) == 2
    line.show()
    until(lambda: latest(line, DETECTIONS) is not None)
    thing = latest(line, DETECTIONS).detections[0]
    assert thing.results[0].hypothesis.class_id == "红色的箱子"
    kinds = [kind for _, kind, _ in line.sent if kind != ANNOTATIONS]
    assert kinds == [LABEL_INFO, VISION_INFO, LABEL_INFO, VISION_INFO, DETECTIONS]
    assert latest(line, VISION_INFO).database_version == 2
    told = latest(line, LABEL_INFO)
    assert [each.class_name for each in told.class_map] == ["红色的箱子", "green"]
    assert told.threshold == 0.25


@pytest.mark.parametrize("words", [[], ["red", "red"], [""]])
def test_words_that_cannot_be_asked_for_leave_the_old_ones(words: list[str], line: Line, node: Node) -> None:
    with pytest.raises(PromptError):
        node.set_prompts(words)
    node.report()
    told = {each.key: each.value for each in latest(line, DIAGNOSTICS).status[0].values}
    assert told["last_problem"].startswith("words refused, the old ones stay: ")
    assert node.set_prompts(["green"]) == 2
    until(lambda: latest(line, VISION_INFO).database_version == 2)


@pytest.mark.parametrize("unchanged", [math.nan, -1.0])
def test_the_service_takes_words_as_the_command_line_does(unchanged: float, line: Line, node: Node) -> None:
    assert ask(line, "箱子=red box|红", "green", threshold=0.25) == {"success": True, "message": "", "version": 2}
    until(lambda: latest(line, VISION_INFO).database_version == 2)
    assert [each.class_name for each in latest(line, LABEL_INFO).class_map] == ["箱子", "green"]
    assert ask(line, "blue", threshold=unchanged)["version"] == 3
    until(lambda: latest(line, VISION_INFO).database_version == 3)
    assert latest(line, LABEL_INFO).threshold == 0.25


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
    prompts: tuple[str, ...], threshold: float, why: str, line: Line, node: Node
) -> None:
    answer = ask(line, *prompts, threshold=threshold)
    assert (answer["success"], answer["version"], why in answer["message"]) == (False, 1, True), answer
