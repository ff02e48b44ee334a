"""Parameters of ROS files, names as ROS resolves them, and the environment of a ROS user."""

from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regionclip.errors import ConfigError
from regionclip.robot.ros.names import Names, places
from regionclip.robot.ros.parameters import Parameters
from regionclip.robot.transports.dds import environment


def written(folder: Path, text: str) -> Path:
    path = folder / "robot.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_of_ros_parameters(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "/**:\n  ros__parameters: {prompts: [person, 红色的灭火器], every: 2, threshold: 0}\n"
        "other:\n  ros__parameters: {every: 7}\n"
        "regionclip:\n  ros__parameters: {every: 3, autostart: true}\n"
        "/r1/regionclip:\n  ros__parameters: {track: true}\n",
    )
    own = Parameters.read(path)
    assert (own.prompts, own.every, own.track, own.threshold) == (("person", "红色的灭火器"), 3, False, 0.0)
    assert Parameters.read(path, "/r1/regionclip").track
    assert own.words().names == ("person", "红色的灭火器")
    assert Parameters(prompts=("", "person", "")).words().names == ("person",)
    assert own.words().threshold == 0.0
    assert Parameters(prompts=("a=b|c",)).words().threshold is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: [", "is not valid YAML"),
        ("!!python/object:os.system {}", "is not valid YAML"),
        ("- 1", "expected a block ros__parameters under /** or /regionclip"),
        ("other:\n  ros__parameters: {}", "expected a block ros__parameters"),
        ("/**: 3", "expected a block ros__parameters"),
        ("/**:\n  ros__parameters: 3", "expected names with values"),
        ("/**:\n  ros__parameters: {evry: 3}", "unknown key evry; known are camera_info_topics"),
        ("/**:\n  ros__parameters: {every: 0}", "every: expected a whole number of at least 1, got 0"),
        ("/**:\n  ros__parameters: {track: 1}", "track: expected true or false, got 1"),
        ("/**:\n  ros__parameters: {image_topics: []}", "image_topics: expected"),
        ("/**:\n  ros__parameters: {2: 3}", "unknown key 2"),
        ("\xff", "expected a block"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_in_a_line(text: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"robot\.yaml") as refused:
        Parameters.read(written(tmp_path, text))
    assert told in str(refused.value)
    assert "\n" not in str(refused.value)


def test_names() -> None:
    names = Names("/robot1/", ["image:=/cam/image", "~/detections:=boxes", "/diagnostics:=/robot1/diagnostics"])
    assert names.node == "/robot1/regionclip"
    assert names.resolve("image") == "/cam/image"
    assert names.resolve("/robot1/image") == "/cam/image"
    assert names.resolve("depth") == "/robot1/depth"
    assert names.resolve("~/detections") == "/robot1/boxes"
    assert names.resolve("~/label_info") == "/robot1/regionclip/label_info"
    assert names.resolve("/diagnostics") == "/robot1/diagnostics"
    names.check(["image"])
    with pytest.raises(ConfigError, match="--remap /robot1/image: the node has no such topic; it has /clock, "):
        names.check(["picture"])


def test_rules_that_contradict_one_another() -> None:
    with pytest.raises(ConfigError, match="image is remapped twice"):
        Names(remaps=["image:=/a", "/image:=/b"])
    with pytest.raises(ConfigError, match="/image and /regionclip/annotated are both /x: expected different names"):
        Names(remaps=["image:=/x", "~/annotated:=/x"]).check(["image"])
    with pytest.raises(ConfigError, match="are both /regionclip/label_info"):
        Names(remaps=["~/detections:=/regionclip/label_info"]).check(["image"])
    Names(remaps=["/tf:=/r1/tf", "/clock:=/r1/clock"]).check(["image"])


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"fixed_frame": "map"}, "fixed_frame: expected a memory with it"),
        ({"memory_file": "m.npz"}, "memory_file: expected a memory with it"),
        ({"odometry_topic": "odom"}, "odometry_topic: expected fixed_frame with it"),
    ],
)
def test_a_parameter_that_would_do_nothing_is_refused(given: dict[str, str], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        Parameters(**given)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["", "/", "a//b", "a/", "1a", "a b", "图", "~a", "a\n"])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="expected a ROS name"):
        Names().resolve(name)
    with pytest.raises(ConfigError, match="expected a ROS name"):
        Names(remaps=[f"image:={name}"])


name = st.from_regex(r"[a-z]\w{0,3}", fullmatch=True)
topic = st.lists(name, min_size=1, max_size=3).map(lambda parts: "/" + "/".join(parts))


@given(st.lists(topic, min_size=1, max_size=5, unique=True))
def test_no_two_cameras_have_their_answers_in_one_place(topics: list[str]) -> None:
    found = places(topics)
    assert list(found) == topics
    assert len(set(found.values())) == len(topics)
    assert all(place.endswith("/regionclip") for place in found.values())


def test_the_environment_of_ros() -> None:
    def known(**variables: str) -> tuple[int, set[str], list[str]]:
        domain, config = environment(variables)
        assert config is not None
        tree = ElementTree.fromstring(config)
        peers = [each.attrib["address"] for each in tree.iter() if each.tag.endswith("}Peer")]
        wanted = ("AllowMulticast", "ParticipantIndex", "NetworkInterface")
        return domain, {each.tag.rpartition("}")[2] for each in tree.iter()} & set(wanted), peers

    assert known() == (0, set(), [])
    assert known(ROS_DOMAIN_ID="42", ROS_AUTOMATIC_DISCOVERY_RANGE="SUBNET") == (42, set(), [])
    everything = {"AllowMulticast", "ParticipantIndex", "NetworkInterface"}
    assert known(ROS_LOCALHOST_ONLY="1") == (0, everything, ["127.0.0.1"])
    assert known(ROS_AUTOMATIC_DISCOVERY_RANGE="OFF") == (0, {"AllowMulticast", "NetworkInterface"}, [])
    more = known(ROS_AUTOMATIC_DISCOVERY_RANGE="LOCALHOST", ROS_STATIC_PEERS="10.0.0.2;robot-2.local")
    assert more == (0, {"AllowMulticast", "ParticipantIndex"}, ["127.0.0.1", "10.0.0.2", "robot-2.local"])
    assert environment({"CYCLONEDDS_URI": "<x/>", "ROS_LOCALHOST_ONLY": "1"}) == (0, None)
    for variable, value in (
        ("ROS_DOMAIN_ID", "233"),
        ("ROS_DOMAIN_ID", "x"),
        ("ROS_AUTOMATIC_DISCOVERY_RANGE", "NEAR"),
        ("ROS_STATIC_PEERS", 'a"/><b'),
    ):
        with pytest.raises(ConfigError, match=f"{variable}: expected"):
            environment({variable: value})
