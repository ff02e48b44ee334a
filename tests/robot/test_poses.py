"""Poses from messages, and the tree of coordinate frames."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from regionclip.errors import MessageError
from regionclip.robot.messages import Header, decode, encode
from regionclip.robot.poses import Pose, Transforms

SECOND = 1_000_000_000
HALF = np.sqrt(0.5)
LEFT = (0.0, 0.0, HALF, HALF)
"""A quarter turn to the left, x y z w."""

NOT = (0.0, 0.0, 0.0, 1.0)


def point(values: Any) -> dict[str, float]:  # noqa: ANN401
    return dict(zip("xyzw", map(float, values), strict=False))


def stamped(parent: str, child: str, place: Any, turn: Any = NOT, *, seconds: float = 0.0) -> dict[str, Any]:  # noqa: ANN401
    header = Header(int(seconds * SECOND), parent).fields()
    transform = {"translation": point(place), "rotation": point(turn)}
    return {"header": header, "child_frame_id": child, "transform": transform}


def message(kind: str, fields: dict[str, Any]) -> Any:  # noqa: ANN401
    return decode(encode(kind, fields), kind)


def tree(*edges: dict[str, Any]) -> Any:  # noqa: ANN401
    return message("tf2_msgs/msg/TFMessage", {"transforms": list(edges)})


def moved(pose: Pose | None, *points: Any) -> NDArray[np.float64]:  # noqa: ANN401
    assert pose is not None
    return np.array(points, float) @ pose.rotation.T + pose.translation


def odometry(place: Any, turn: Any = NOT, seconds: float = 0.0) -> Any:  # noqa: ANN401
    fields = {"pose": {"pose": {"position": point(place), "orientation": point(turn)}}, "child_frame_id": "base"}
    return message("nav_msgs/msg/Odometry", {"header": Header(int(seconds * SECOND), "odom").fields(), **fields})


def test_three_kinds_of_message_say_the_same() -> None:
    place, ahead = (1.0, 2.0, 3.0), (2.0, 0.0, 0.0)
    pose = {"position": point(place), "orientation": point(LEFT)}
    for known in (
        message("geometry_msgs/msg/TransformStamped", stamped("map", "base", place, LEFT)),
        message("geometry_msgs/msg/PoseStamped", {"pose": pose}),
        odometry(place, LEFT),
    ):
        assert moved(Pose.of(known), ahead) == pytest.approx(np.array([[1, 4, 3]]))


@given(st.lists(st.floats(-1, 1), min_size=4, max_size=4).filter(lambda q: np.linalg.norm(q) > 0.01))
def test_a_quaternion_of_any_length_turns_as_hamilton_says(turn: list[float]) -> None:
    pose = Pose.of(message("geometry_msgs/msg/TransformStamped", stamped("a", "b", (0, 0, 0), turn)))
    assert pose.rotation @ pose.rotation.T == pytest.approx(np.eye(3), abs=1e-9)
    axis, w = np.array(turn[:3]), turn[3]
    for vector in np.eye(3):  # q v q* / |q|^2
        turned = vector * (w * w - axis @ axis) + 2 * axis * (axis @ vector) + 2 * w * np.cross(axis, vector)
        assert pose.rotation @ vector == pytest.approx(turned / np.dot(turn, turn), abs=1e-9)


@pytest.mark.parametrize(
    ("place", "turn"),
    [((0, 0, 0), (0, 0, 0, 0)), ((0, 0, 0), (0, 0, 0, np.nan)), ((np.inf, 0, 0), NOT), ((0, 0, 0), (np.inf, 0, 0, 1))],
)
def test_what_is_no_pose(place: Any, turn: Any) -> None:  # noqa: ANN401
    with pytest.raises(MessageError, match="expected finite numbers and a quaternion of length 1"):
        Transforms().add(tree(stamped("map", "base", place, turn)))


def test_along_the_tree_up_and_down() -> None:
    known = Transforms()
    known.add(tree(stamped("base", "camera", (0.1, 0, 1), LEFT)), static=True)
    known.add(tree(stamped("base", "arm", (0, 0, 2))), static=True)
    known.add(tree(stamped("odom", "base", (5, 0, 0), LEFT, seconds=10), stamped("map", "odom", (0, 1, 0), seconds=10)))
    assert moved(known.lookup("map", "camera", 10 * SECOND), (1, 0, 0)) == pytest.approx(np.array([[4, 1.1, 1]]))
    assert moved(known.lookup("arm", "camera", 10 * SECOND), (0, 0, 0)) == pytest.approx(np.array([[0.1, 0, -1]]))
    there, back = (known.lookup(*names, 10 * SECOND) for names in (("map", "camera"), ("camera", "map")))
    assert there is not None
    assert back is not None
    assert (there @ back).rotation == pytest.approx(np.eye(3))
    assert (there @ back).translation == pytest.approx(np.zeros(3))


def test_the_nearest_in_time_within_a_limit() -> None:
    known = Transforms(within_seconds=0.1)
    for tenth in range(30):
        known.add(tree(stamped("map", "base", (tenth, 0, 0), seconds=100 + tenth / 10)))
    assert moved(known.lookup("map", "base", int(100.96 * SECOND)), (0, 0, 0))[0, 0] == 10
    assert moved(known.lookup("map", "base", int(102.99 * SECOND)), (0, 0, 0))[0, 0] == 29
    assert known.lookup("map", "base", int(103.1 * SECOND)) is None
    assert known.lookup("map", "base", int(99.8 * SECOND)) is None


def test_only_the_latest_are_kept() -> None:
    known = Transforms()
    for number in range(2100):
        known.add(tree(stamped("map", "base", (0, 0, 0), seconds=number)))
    assert known.lookup("map", "base", 99 * SECOND) is None
    assert known.lookup("map", "base", 100 * SECOND) is not None
    for number in range(1100):
        known.add(tree(stamped("map", f"part {number}", (0, 0, 0))), static=True)
    assert known.lookup("map", "part 900", 0) is not None
    assert known.lookup("map", "part 1099", 0) is None


def test_odometry_is_a_part_of_the_tree() -> None:
    known = Transforms()
    known.add(tree(stamped("/base", "/camera", (0, 0, 1))), static=True)
    known.add(odometry((3, 0, 0), LEFT, seconds=7))
    assert moved(known.lookup("odom", "camera", 7 * SECOND), (1, 0, 0)) == pytest.approx(np.array([[3, 1, 1]]))


def test_what_is_not_known() -> None:
    known = Transforms()
    known.add(tree(stamped("map", "base", (0, 0, 0)), stamped("other", "thing", (0, 0, 0))))
    for names in (("map", "camera"), ("nowhere", "base"), ("map", "thing")):
        assert known.lookup(*names, 0) is None
    same = known.lookup("camera", "camera", 0)
    assert same is not None
    assert moved(same, (1, 2, 3)).tolist() == [[1, 2, 3]]


def test_frames_in_a_circle_end() -> None:
    known = Transforms()
    known.add(tree(stamped("a", "b", (1, 0, 0)), stamped("b", "a", (1, 0, 0))))
    assert known.lookup("c", "a", 0) is None
    assert known.lookup("a", "b", 0) is not None
