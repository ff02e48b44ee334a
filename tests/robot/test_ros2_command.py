"""`regionclip ros2` as a process of its own, seen from other ends of the wire: a camera and listeners over loopback."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from robot_bags import labels
from ros_peer import Peer, ended, process, stamps
from torchless import without_torch
from waiting import until

from regionclip.cli.terminal import exits
from regionclip.robot import messages as ros
from regionclip.robot.images import compressed_fields
from regionclip.robot.messages import Header
from regionclip.scenes.render import render_scene

FRAMES = [render_scene(5, index, (240, 320)).frame for index in range(4)]
START = 1_700_000_000_123_456_789


@pytest.fixture
def peer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Peer]:
    with Peer.alone(monkeypatch) as peer:
        yield peer


def header(index: int) -> Header:
    return Header(START + index * 100_000_000, "相机_link")


def test_images_are_answered_and_words_changed(peer: Peer) -> None:
    arrays = peer.hear("/regionclip/detections", ros.DETECTIONS)
    annotations = peer.hear("/regionclip/annotations", ros.ANNOTATIONS)
    reports = peer.hear("/diagnostics", ros.DIAGNOSTICS)
    peer.offer("/image", ros.IMAGE, "reliable")
    peer.offer("/regionclip/prompts", ros.STRING, "reliable")
    words = ("-p", "person", "-p", "汽车=car|汽车", "-p", "背包")
    with process("-m", "regionclip", "ros2", "--reliability", "reliable", *words) as node:
        peer.await_listener("/image")
        for index in range(8):
            peer.show("/image", FRAMES[index % 4], header(index))
            until(lambda count=index + 1: len(arrays) == count)  # type: ignore[misc]
        late = peer.hear("/regionclip/label_info", ros.LABEL_INFO, "latched")
        told = peer.hear("/regionclip/vision_info", ros.VISION_INFO, "latched")
        until(lambda: len(late) == 1 and len(told) == 1)
        peer.await_listener("/regionclip/prompts")
        peer.send("/regionclip/prompts", ros.STRING, {"data": '["红色的汽车", "person, sitting"]'})
        until(lambda: len(late) == 2 and len(told) == 2)
        peer.show("/image", FRAMES[0], header(8))
        until(lambda: len(arrays) == 9)
        peer.send("/regionclip/prompts", ros.STRING, {"data": '{"prompts": []}'})
        until(lambda: any("words refused" in status.message for each in reports for status in each.status))
        peer.show("/image", FRAMES[0], header(9))
        until(lambda: len(arrays) == 10)
        code, said = ended(node)
    assert stamps(arrays) == [header(index) for index in range(10)]
    assert {label for array in arrays[:8] for label in labels(array)} == {"person", "汽车", "背包"}
    assert [len(each.texts) for each in annotations] == [len(array.detections) for array in arrays]
    assert [[each.class_name for each in info.class_map] for info in late] == [
        ["person", "汽车", "背包"],
        ["红色的汽车", "person, sitting"],
    ]
    assert [each.database_version for each in told] == [1, 2]
    assert {label for array in arrays[8:] for label in labels(array)} <= {"红色的汽车", "person, sitting"}
    values = {each.key: each.value for each in reports[-1].status[0].values}
    assert (reports[-1].status[0].name, values["prompts_version"]) == ("regionclip: /image", "2")
    assert (code, "words refused, the old ones stay: prompts" in said) == (exits.OK, True)
    assert "/image: 10 images, 10 answered, 0 dropped, 0 damaged" in said


def test_names_compressed_images_and_pictures(peer: Peer, tmp_path: Path) -> None:
    (tmp_path / "robot.yaml").write_text(
        "/**:\n  ros__parameters:\n    prompts: [person, 汽车]\n    class_ids: index\n    every: 1\n"
        "/r1/regionclip:\n  ros__parameters:\n    threshold: 0.05\n"
    )
    camera, boxes = "/r1/front/image/compressed", "/perception/boxes"
    peer.offer(camera, ros.COMPRESSED_IMAGE, "sensor")
    arrays = peer.hear(boxes, ros.DETECTIONS)
    pictures = peer.hear("/r1/regionclip/annotated", ros.IMAGE)
    remaps = ("--remap", "image:=front/image/compressed", "--remap", f"~/detections:={boxes}")
    file = ("--params-file", str(tmp_path / "robot.yaml"))
    with process("-m", "regionclip", "ros2", "--ns", "r1", *file, *remaps) as node:
        peer.await_listener(camera)
        infos = peer.hear("/r1/regionclip/label_info", ros.LABEL_INFO, "latched")
        until(lambda: len(infos) == 1)
        for _ in range(100):  # best effort may lose some
            if pictures:
                break
            peer.send(camera, ros.COMPRESSED_IMAGE, compressed_fields(FRAMES[0], header(0)))
            time.sleep(0.3)
        code, said = ended(node, signal.SIGTERM)
    assert code == exits.OK, said
    assert infos[0].threshold == pytest.approx(0.05)
    assert stamps(arrays[:1]) == [header(0)]
    assert set(labels(arrays[0])) == {"0", "1"}
    assert (pictures[0].width, pictures[0].height, pictures[0].encoding) == (320, 240, "bgr8")
    assert Header.of(pictures[0].header) == header(0)


def test_a_mismatch_is_told(peer: Peer) -> None:
    peer.offer("/image", ros.IMAGE, "sensor")
    reports = peer.hear("/diagnostics", ros.DIAGNOSTICS)
    mismatch = "/image: QoS mismatch with a publisher: the reliability of the two does not go together"
    with process("-m", "regionclip", "ros2", "-p", "person", "--reliability", "reliable") as node:
        until(lambda: any(mismatch in status.message for each in reports for status in each.status))
        code, said = ended(node)
    assert (code, said.count(mismatch)) == (exits.OK, 1), said
    assert not peer.wanted("/image")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ((), "no words to look for"),
        (("-p", "person", "--ns", "1a"), "--ns '1a': expected a ROS name"),
        (
            ("-p", "person", "--remap", "picture:=/a"),
            "--remap /picture: the node has no such topic; it has /clock",
        ),
        (("-p", "person", "--remap", "/a"), "--remap /a: expected a rule as image:=/camera/color/image_raw"),
        (("-p", "person", "--every", "0"), "every: expected a whole number of at least 1, got 0"),
        (("-p", "person", "--params-file", "absent.yaml"), "absent.yaml cannot be read"),
    ],
)
def test_a_mistake_is_told_before_torch_is_loaded(options: tuple[str, ...], told: str) -> None:
    done = without_torch("ros2", *options)
    assert (done.returncode, told in done.stderr, len(done.stderr.splitlines())) == (exits.USAGE, True, 1), done.stderr
