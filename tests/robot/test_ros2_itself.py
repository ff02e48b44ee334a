"""`regionclip ros2` and ROS 2 itself: rclpy and Fast DDS of Kilted, as the package index has them, over loopback."""

import json
import os
import subprocess
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from ros_peer import ended, process
from waiting import until

import regionclip
from regionclip.cli.terminal import exits
from regionclip.evaluation.speed.robot import free_domain
from regionclip.scenes.render import render_scene

PYTHON = Path(__file__).parent.parent.parent / ".venv/ros2/bin/python"
WORDS, OTHER_WORDS = ["person", "汽车"], ["轿车"]
FRAMES = [render_scene(5, index, (120, 160)).frame for index in range(3)]


@pytest.mark.skipif(not PYTHON.exists(), reason="no ROS 2 here: scripts/ros2 gets it for Python 3.11 and 3.12")
def test_a_node_of_ros_2_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in free_domain().items():
        monkeypatch.setenv(name, value)
    (tmp_path / "frames.bgr").write_bytes(b"".join(frame.tobytes() for frame in FRAMES))
    command = [str(PYTHON), str(Path(__file__).with_name("ros2_peer.py")), str(tmp_path / "frames.bgr"), "160", "120"]
    options = [option for word in WORDS for option in ("-p", word)]
    lines: list[dict[str, Any]] = []

    def on(topic: str) -> list[dict[str, Any]]:
        return [line for line in list(lines) if line["topic"] == topic]

    def versions() -> set[str]:
        return {line["values"]["prompts_version"] for line in on("/diagnostics")}

    pipe = subprocess.PIPE
    without = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    with process("-m", "regionclip", "ros2", *options) as node:
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, encoding="utf-8", env=without) as robot:
            assert robot.stdin is not None
            assert robot.stdout is not None
            reader = Thread(target=lambda: lines.extend(map(json.loads, robot.stdout or ())), daemon=True)
            reader.start()
            try:
                until(lambda: len(on("/regionclip/annotated")) >= 6)
                print(json.dumps(OTHER_WORDS, ensure_ascii=False), file=robot.stdin, flush=True)
                until(lambda: "2" in versions())
                seen = len(on("/regionclip/annotated"))
                until(lambda: len(on("/regionclip/annotated")) >= seen + 6)
                robot.stdin.close()
                assert robot.wait(60) == 0
            finally:
                robot.kill()
            reader.join(60)
        code, said = ended(node)
    assert (code, "mismatch" in said, "has the type" in said) == (exits.OK, False, False), said

    sent, pictures = [line["header"] for line in on("/image")], on("/regionclip/annotated")
    answered = [sent.index(picture["header"]) for picture in pictures]  # stamps and frame ids are those of images
    assert answered == sorted(set(answered))
    detector = regionclip.load("tiny")
    right = [
        [regionclip.annotate(frame, detector(frame, words)).tobytes().hex() for words in (WORDS, OTHER_WORDS)]
        for frame in FRAMES
    ]
    asked = [right[at % 3].index(picture["pixels"]) for at, picture in zip(answered, pictures, strict=True)]
    assert asked == sorted(asked)
    assert (asked[:6], asked[-3:]) == ([0] * 6, [1] * 3)
