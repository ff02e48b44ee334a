"""`regionclip ros2 --transport zenoh` as a process of its own, seen by dora's ROS 2 client over loopback."""

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ros_peer import ended, process

from regionclip.cli.terminal import exits
from regionclip.robot import messages as ros
from regionclip.scenes.render import render_scene

pytestmark = pytest.mark.skipif(find_spec("zenoh") is None or find_spec("dora") is None, reason="needs zenoh and dora")

FRAME = render_scene(5, 0, (240, 320)).frame
NODE = "/regionclip"
COMMAND = ("-m", "regionclip", "ros2")
KINDS = (ros.IMAGE, ros.STRING, ros.DETECTIONS, ros.LABEL_INFO, ros.VISION_INFO)


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A router, which processes find by their environment."""
    from zenoh_router import connecting, free_endpoint, router

    address = free_endpoint()
    for name, value in connecting(address).items():
        monkeypatch.setenv(name, value)
    with router(address):
        yield address


def image(second: int) -> dict[str, Any]:
    height, width = FRAME.shape[:2]
    return {
        "header": {"stamp": {"sec": np.int32(second), "nanosec": np.uint32(7)}, "frame_id": "相机_link"},
        "height": np.uint32(height),
        "width": np.uint32(width),
        "encoding": "bgr8",
        "is_bigendian": np.uint8(0),
        "step": np.uint32(width * 3),
        "data": FRAME.reshape(-1),
    }


def labels(array: dict[str, Any]) -> set[str]:
    return {thing["results"][0]["hypothesis"]["class_id"] for thing in array["detections"]}


def test_images_are_answered_and_words_changed(endpoint: str, tmp_path: Path) -> None:
    import pyarrow as pa
    from dora_ros import Client, awaited, joined_late, taken

    client = Client(tmp_path, endpoint, KINDS)
    camera = client.publisher("/image", ros.IMAGE, sensor=True)
    prompts = client.publisher(f"{NODE}/prompts", ros.STRING)
    arrays = client.subscription(f"{NODE}/detections", ros.DETECTIONS)

    def answer(second: int) -> dict[str, Any]:
        """To an image, which is shown again until there is one."""
        found = None
        while found is None or found["header"]["stamp"]["sec"] != second:
            camera.publish(pa.array([image(second)]))
            found = taken(arrays)
        assert found["header"] == {"stamp": {"sec": second, "nanosec": 7}, "frame_id": "相机_link"}
        return found

    words = ("-p", "person", "-p", "汽车=car|汽车", "-p", "背包")
    with process(*COMMAND, "--transport", "zenoh", *words, ROS_DISTRO="humble") as node:
        assert labels(answer(1)) == {"person", "汽车"}
        late, first = joined_late(client, f"{NODE}/label_info", ros.LABEL_INFO)
        versions, version = joined_late(client, f"{NODE}/vision_info", ros.VISION_INFO)
        prompts.publish(pa.array([{"data": '["汽车", "person, sitting"]'}]))
        told = [first, awaited(late)]
        assert labels(answer(2)) <= {"汽车", "person, sitting"}
        request = {"prompts": ["轿车=汽车|car"], "threshold": np.float32(0.25)}
        response = client.call(f"{NODE}/set_prompts", ros.SET_PROMPTS, request)
        told.append(awaited(late))
        assert labels(answer(3)) == {"轿车"}
        twice = {"prompts": ["人", "人"], "threshold": np.float32(-1)}
        refusal = client.call(f"{NODE}/set_prompts", ros.SET_PROMPTS, twice)
        numbers = [each["database_version"] for each in (version, awaited(versions), awaited(versions))]
        code, said = ended(node)
    assert code == exits.OK, said
    assert response == {"success": True, "message": "", "version": 3}
    assert (refusal["success"], refusal["version"]) == (False, 3)
    assert "'人' is given twice" in refusal["message"]
    names = [[each["class_name"] for each in info["class_map"]] for info in told]
    assert names == [["person", "汽车", "背包"], ["汽车", "person, sitting"], ["轿车"]]
    assert numbers == [1, 2, 3]
    assert told[2]["threshold"] == 0.25
    assert "words refused, the old ones stay: " in said


def refused(*options: str, **variables: str) -> tuple[int, str]:
    """Exit code and stderr of a command that cannot start."""
    words = [sys.executable, *COMMAND, "-p", "person", *options]
    environment = {**os.environ, **variables}
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60, env=environment)
    return done.returncode, done.stderr


def test_the_environment_chooses_the_wire() -> None:
    code, said = refused(RMW_IMPLEMENTATION="rmw_zenoh_cpp", ZENOH_SESSION_CONFIG_URI="/absent")
    told = "regionclip: ZENOH_SESSION_CONFIG_URI: expected a file of Zenoh's settings, got '/absent'\n"
    assert (code, said) == (exits.USAGE, told)
    code, said = refused("--transport", "serial")
    assert (code, said) == (exits.USAGE, "regionclip: --transport 'serial': expected dds or zenoh\n")
