"""The rclpy node of demos/ros2, run against a stand-in for rclpy: no ROS is installed here."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_ros import NEEDED, installed
from fake_ros.graph import DurabilityPolicy, End, Graph, QoSProfile, ReliabilityPolicy
from fake_ros.nodes import Context, LifecycleNode, Node, contexts
from fake_ros.parameters import Type
from fake_ros.rosidl import message
from robot_bags import labels
from waiting import until

import regionclip
from regionclip.frames import Frame
from regionclip.robot.images import compressed_fields, image_fields
from regionclip.robot.messages import (
    CAMERA_INFO,
    COMPRESSED_IMAGE,
    DETECTIONS,
    DETECTIONS_3D,
    DIAGNOSTICS,
    IMAGE,
    LABEL_INFO,
    STRING,
    VISION_INFO,
    Header,
    decode,
    encode,
)
from regionclip.robot.ros.parameters import Parameters
from regionclip.scenes.render import render_scene

RELIABLE = QoSProfile(depth=10)
SENSOR = QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT)
LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
WORDS = ("-p", "prompts:=[汽车, car]")
NODE = "/regionclip"
START = 1_700_000_000_000_000_000
"""Nanoseconds: before the first image."""


class Robot:
    """The other nodes of a robot: cameras, and whoever listens."""

    def __init__(self, graph: Graph) -> None:
        self.node = Node("robot", context=Context(graph, []))
        self.cameras: dict[str, End] = {}
        self.heard: dict[str, list[Any]] = {}
        self.sent = 0

    def listen(self, topic: str, kind: str, qos: QoSProfile = RELIABLE) -> list[Any]:
        """Hear a topic; what comes is appended to the list."""
        kept = self.heard.setdefault(topic, [])
        self.node.create_subscription(
            message(kind), topic, lambda payload: kept.append(decode(payload, kind)), qos, raw=True
        )
        return kept

    def talk(self, topic: str, kind: str, qos: QoSProfile = RELIABLE) -> Callable[..., None]:
        """Offer a topic; what is returned sends fields on it."""
        end = self.node.create_publisher(message(kind), topic, qos)
        return lambda **fields: end.publish(encode(kind, fields))

    def show(self, topic: str, frame: Frame) -> Header:
        """Send an image, once somebody hears it; a JPEG where the topic says so."""
        kind, fields = (COMPRESSED_IMAGE, compressed_fields) if "jpeg" in topic else (IMAGE, image_fields)
        if topic not in self.cameras:
            self.cameras[topic] = self.node.create_publisher(message(kind), topic, SENSOR)
        until(lambda: self.cameras[topic].get_subscription_count() > 0)
        self.sent += 1
        header = Header(START + self.sent, f"frame{self.sent}")
        self.cameras[topic].publish(encode(kind, fields(frame, header)))
        return header

    def until(self, happens: Callable[[], bool]) -> None:
        """Listen until something has happened."""

        def now() -> bool:
            self.node.work()
            return happens()

        until(now)

    def answer(self, topic: str, frame: Frame, heard: list[Any]) -> Any:  # noqa: ANN401
        """Show a frame and wait for what is said of it."""
        header = self.show(topic, frame)
        self.until(lambda: bool(heard) and Header.of(heard[-1].header) == header)
        return heard[-1]


@contextmanager
def running(graph: Graph, *args: str, module: str = "node") -> Iterator[Node]:
    """The node, spun by a thread of its own until the block ends; it must end well and leave nothing."""
    codes: list[int] = []
    main = import_module(f"regionclip_ros.{module}").main
    thread = threading.Thread(target=lambda: codes.append(main(["--ros-args", *args])))
    thread.start()
    try:
        until(lambda: bool(codes) or any(level == "spin" for level, _ in graph.log))
        assert not codes, graph.log
        yield next(node for name, node in graph.nodes.items() if name != "/robot")
    finally:
        contexts[-1].shutdown()
        thread.join(60)
    assert codes == [0]
    assert not [name for name in graph.nodes if name != "/robot"]
    assert not [end for end in (*graph.publishers, *graph.subscriptions) if end.node.context is contexts[-1]]
    assert not [thread.name for thread in threading.enumerate() if thread.name == "regionclip worker"]


def refused(*args: str) -> str:
    """What is said of a node that cannot start."""
    with installed() as graph:
        assert import_module("regionclip_ros.node").main(["--ros-args", *args]) == 1
        (line,) = graph.lines("fatal")
        return line


@pytest.fixture
def ros() -> Iterator[Graph]:
    with installed() as graph:
        yield graph


@pytest.fixture(scope="module")
def street() -> Frame:
    return render_scene(5, 0, (240, 320)).frame


def test_an_image_is_answered(ros: Graph, street: Frame) -> None:
    robot = Robot(ros)
    with running(ros, *WORDS):
        heard, told = robot.listen("/regionclip/detections", DETECTIONS), robot.listen("/diagnostics", DIAGNOSTICS)
        array = robot.answer("/image", street, heard)
        core = regionclip.PerceptionCore(regionclip.load("tiny"), ["汽车", "car"])
        alone = core.process(street, Header(0))
        assert labels(array)
        assert sorted(labels(array)) == sorted(alone.detections.data["class_name"])
        assert robot.listen("/regionclip/label_info", LABEL_INFO, LATCHED) == []
        robot.until(lambda: bool(robot.heard["/regionclip/label_info"] and told and told[-1].status[0].level == 0))
        assert [each.class_name for each in robot.heard["/regionclip/label_info"][0].class_map] == ["汽车", "car"]
    assert ("spin", "SingleThreadedExecutor") in ros.log
    assert {level for level, _ in ros.log} == {"spin"}


def test_cameras_of_both_kinds_share_a_node(ros: Graph, street: Frame) -> None:
    robot = Robot(ros)
    topics = "image_topics:=[left/image, right/jpeg]"
    with running(ros, *WORDS, "-p", topics, "-p", "class_ids:=index", "-p", "events_executor:=true"):
        for place, topic in (("/left", "/left/image"), ("/right", "/right/jpeg")):
            array = robot.answer(topic, street, robot.listen(f"{place}/regionclip/detections", DETECTIONS))
            assert set(labels(array)) <= {"0", "1"}
    assert ("spin", "EventsExecutor") in ros.log


def test_things_have_places_where_there_is_depth_and_can_be_asked_for(ros: Graph, street: Frame) -> None:
    robot = Robot(ros)
    depth, info = robot.talk("/depth/image", IMAGE, SENSOR), robot.talk("/depth/camera_info", CAMERA_INFO, SENSOR)
    with running(ros, *WORDS, "-p", "depth_topics:=[depth/image]", "-p", "memory:=true"):
        info(width=320, height=240, k=[100.0, 0, 160, 0, 100.0, 120, 0, 0, 1])
        metres = np.full((240, 320), 3, np.float32)
        fields = {"encoding": "32FC1", "width": 320, "height": 240, "step": 320 * 4, "data": metres.tobytes()}
        depth(header=Header(START, "depth").fields(), **fields)
        array = robot.answer("/image", street, robot.listen("/regionclip/detections_3d", DETECTIONS_3D))
        assert array.detections
        for each in array.detections:
            assert each.bbox.center.position.z == pytest.approx(3, abs=0.01)
        answer = ros.call("/regionclip/ask", words="car", top=1)
        assert (answer.success, answer.message) == (True, "")
        assert answer.answers.detections == []  # what is seen once is not yet told of
        assert not ros.call("/regionclip/ask", words="", top=1).success


def test_words_change_while_it_runs(ros: Graph, street: Frame, tmp_path: Path) -> None:
    robot = Robot(ros)
    with running(ros, *WORDS) as node:
        heard = robot.listen("/regionclip/detections", DETECTIONS)
        infos = robot.listen("/regionclip/label_info", LABEL_INFO, LATCHED)
        versions = robot.listen("/regionclip/vision_info", VISION_INFO, LATCHED)
        assert set(labels(robot.answer("/image", street, heard))) <= {"汽车", "car"}

        assert ros.set(NODE, prompts=["轿车=汽车|car"]).successful
        array = robot.answer("/image", street, heard)
        assert set(labels(array)) == {"轿车"}
        assert [each.class_name for each in infos[-1].class_map] == ["轿车"]
        assert versions[-1].database_version == 2

        file = tmp_path / "words.txt"
        file.write_text("树=树|tree\n", encoding="utf-8")
        assert ros.set(NODE, prompts=[""], prompts_file=str(file), threshold=0.25).successful
        robot.answer("/image", street, heard)
        assert ([each.class_name for each in infos[-1].class_map], infos[-1].threshold) == (["树"], 0.25)

        robot.talk("/regionclip/prompts", STRING)(data='["人"]')
        robot.until(lambda: versions[-1].database_version == 4)
        assert ros.set(NODE, threshold=0.5).successful  # and the words stay those that were asked for last
        robot.until(lambda: versions[-1].database_version == 5)
        assert ([each.class_name for each in infos[-1].class_map], infos[-1].threshold) == (["人"], 0.5)
        assert node.get_parameter("threshold").value == 0.5


def test_words_that_cannot_be_asked_for_are_refused_with_the_reason(ros: Graph, street: Frame) -> None:
    robot = Robot(ros)
    with running(ros, *WORDS, "-p", "threshold:=0.3") as node:
        heard = robot.listen("/regionclip/detections", DETECTIONS)
        versions = robot.listen("/regionclip/vision_info", VISION_INFO, LATCHED)
        for values, reason in (
            ({"prompts": ["car", "car"]}, "car"),
            ({"prompts": [""]}, "no words to look for"),
            ({"prompts_file": "/nowhere.toml"}, "nowhere"),
            ({"prompts": "car"}, "Wrong parameter type"),
            ({"threshold": 1.5}, "out of range"),
            ({"threshold": -1.0}, "threshold: expected 0..1 from now on, got -1.0"),
            ({"tower": "fgclip2-base"}, "read-only"),
            ({"use_sim_time": True}, "use_sim_time acts when the node starts"),
        ):
            result = ros.set(NODE, **values)
            assert not result.successful
            assert reason in result.reason, result.reason
        assert ros.set(NODE, use_sim_time=False).successful  # as it is
        assert node.get_parameter("prompts").value == ["汽车", "car"]
        assert set(labels(robot.answer("/image", street, heard))) <= {"汽车", "car"}
        robot.until(lambda: bool(versions))
        assert versions[-1].database_version == 1


def test_the_service(ros: Graph) -> None:
    robot = Robot(ros)
    with running(ros, *WORDS):
        answer = ros.call("/regionclip/set_prompts", prompts=["红色的箱子"], threshold=0.25)
        assert (answer.success, answer.message, answer.version) == (True, "", 2)
        answer = ros.call("/regionclip/set_prompts", prompts=["绿", "绿"], threshold=float("nan"))
        assert (answer.success, answer.version) == (False, 2)
        assert "绿" in answer.message
        infos = robot.listen("/regionclip/label_info", LABEL_INFO, LATCHED)
        robot.until(lambda: bool(infos) and infos[-1].class_map[0].class_name == "红色的箱子")
        assert infos[-1].threshold == 0.25
    assert not ros.services


def test_packages_that_are_not_needed_may_be_absent(street: Frame) -> None:
    with installed(NEEDED) as ros, running(ros, *WORDS) as node:
        robot = Robot(ros)
        assert labels(robot.answer("/image", street, robot.listen("/regionclip/detections", DETECTIONS)))
        assert not ros.services
        assert not [end for end in node.ends() if "annotations" in end.topic]


def test_annotations_for_foxglove_where_its_messages_are(ros: Graph, street: Frame) -> None:
    robot = Robot(ros)
    with running(ros, *WORDS):
        heard = robot.listen("/regionclip/detections", DETECTIONS)
        drawn = robot.listen("/regionclip/annotations", "foxglove_msgs/msg/ImageAnnotations")
        picture = robot.listen("/regionclip/annotated", IMAGE)
        array = robot.answer("/image", street, heard)
        robot.until(lambda: bool(drawn and picture))
        assert len(drawn[0].texts) == len(array.detections)
        assert (picture[0].height, picture[0].width) == (240, 320)


def test_who_cannot_be_heard_is_told(ros: Graph) -> None:
    robot = Robot(ros)
    with running(ros, *WORDS, "-p", "image_reliability:=reliable"):
        told = robot.listen("/diagnostics", DIAGNOSTICS)

        def until_told(*lines: str) -> None:
            """In the log and in the diagnostics."""
            robot.until(lambda: bool(told) and all(line in told[-1].status[0].message for line in lines))
            assert {*lines} <= {said.partition(": ERROR")[0] for said in ros.lines("warning")}

        robot.listen("/regionclip/detections", DETECTIONS, LATCHED)
        robot.talk("/regionclip/prompts", STRING, SENSOR)
        camera = robot.node.create_publisher(message("sensor_msgs/msg/CameraInfo"), "/image", SENSOR)
        strange = "/image: a publisher has the type sensor_msgs/msg/CameraInfo: expected sensor_msgs/msg/"
        until_told(f"{strange}Image or sensor_msgs/msg/CompressedImage")
        robot.node.destroy_publisher(camera)
        robot.talk("/image", IMAGE, SENSOR)
        Node("other", context=Context(ros, [])).create_publisher(message(COMPRESSED_IMAGE), "/image", SENSOR)
        until_told(
            "/image: QoS mismatch with a publisher",
            "/image: a publisher has the type sensor_msgs/msg/CompressedImage: expected sensor_msgs/msg/Image",
            "/regionclip/prompts: QoS mismatch with a publisher",
            "/regionclip/detections: QoS mismatch with a subscriber",
        )
        del ros.nodes["/other"]


def test_names_are_those_that_ros_resolves(ros: Graph, street: Frame) -> None:
    """Rules act once: two that swap names do so."""
    robot = Robot(ros)
    swap = ("-r", "a:=b", "-r", "b:=a", "-r", "~/detections:=found")
    with running(ros, *WORDS, "-r", "__ns:=/robot1", "-r", "__node:=eyes", "-p", "image_topics:=[a]", *swap) as node:
        assert node.get_fully_qualified_name() == "/robot1/eyes"
        robot.answer("/robot1/b", street, robot.listen("/robot1/found", DETECTIONS))
        topics = {end.topic for end in node.ends()}
        assert {"/robot1/eyes/label_info", "/robot1/eyes/prompts", "/diagnostics", "/robot1/b"} <= topics
        assert "/robot1/a" not in topics
        assert "/robot1/eyes/set_prompts" in ros.services


def test_parameters_are_declared_as_they_are(ros: Graph) -> None:
    with running(ros, *WORDS) as node:
        for name, field in Parameters.model_fields.items():
            parameter, descriptor = node.get_parameter(name), node.describe_parameter(name)
            kind = {str: Type.STRING, bool: Type.BOOL, int: Type.INTEGER, float: Type.DOUBLE, tuple: Type.STRING_ARRAY}
            assert parameter.type_ == kind[type(field.default)], name
            if name != "use_sim_time":
                assert descriptor.description == field.description
                assert descriptor.read_only == (name not in ("prompts", "prompts_file", "threshold"))
        (limits,) = node.describe_parameter("threshold").floating_point_range
        assert (limits.from_value, limits.to_value) == (-1, 1)
        (limits,) = node.describe_parameter("every").integer_range
        assert (limits.from_value, limits.to_value) == (1, 2**63 - 1)
        (limits,) = node.describe_parameter("max_rate").floating_point_range
        assert (limits.from_value, limits.to_value) == (0, float("inf"))
        assert node.describe_parameter("class_ids").additional_constraints == "one of label, index"


@pytest.mark.parametrize(
    ("args", "line"),
    [
        ((), "no words to look for"),
        (("-p", "prompts:=[a, a]"), "'a'"),
        ((*WORDS, "-p", "threshold:=2.0"), "threshold: Parameter threshold out of range"),
        ((*WORDS, "-p", "threshold:=1"), "threshold: Wrong parameter type"),
        ((*WORDS, "-p", "class_ids:=number"), "class_ids: expected one of label, index, got 'number'"),
        ((*WORDS, "-p", "tower:=nothing"), "nothing"),
    ],
)
def test_a_node_that_cannot_start_says_why_in_one_line(args: tuple[str, ...], line: str) -> None:
    said = refused(*args)
    assert line in said
    assert "\n" not in said


def test_the_managed_node_starts_by_itself(ros: Graph, street: Frame) -> None:
    robot = Robot(ros)
    with running(ros, *WORDS, module="lifecycle_node") as node:
        assert isinstance(node, LifecycleNode)
        assert node.state == "active"
        assert labels(robot.answer("/image", street, robot.listen("/regionclip/detections", DETECTIONS)))


def test_the_managed_node_is_led_through_its_states(ros: Graph, street: Frame) -> None:
    robot = Robot(ros)
    with running(ros, *WORDS, "-p", "autostart:=false", module="lifecycle_node") as node:
        assert isinstance(node, LifecycleNode)

        def change(transition: str) -> str:
            node.later(lambda: node.change_state(transition))
            return node.state

        assert (node.state, node.ends()) == ("unconfigured", [])
        assert ros.set(NODE, tower="nothing").successful
        assert change("configure") == "unconfigured"
        assert "nothing" in ros.lines("error")[-1]
        assert ros.set(NODE, tower="tiny", prompts=["car"], class_ids="index").successful
        assert change("configure") == "inactive"
        assert "tower acts when the node starts" in ros.set(NODE, tower="fgclip2-base").reason
        assert "no words" in ros.set(NODE, prompts=[""]).reason
        for _ in range(2):
            assert (change("activate"), node.ends() != []) == ("active", True)
            assert "0" in labels(robot.answer("/image", street, robot.listen("/regionclip/detections", DETECTIONS)))
            assert (change("deactivate"), node.ends()) == ("inactive", [])
        assert not ros.services
        assert change("cleanup") == "unconfigured"
        assert ros.set(NODE, tower="fgclip2-base").successful
        assert change("shutdown") == "finalized"
