"""`regionclip ros2` and another vendor's DDS: a camera and listener in C++ on eProsima Fast DDS, over loopback."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import supervision as sv
from ros_peer import ended, process
from toy import column
from waiting import until

import regionclip
from regionclip.cli.terminal import exits
from regionclip.evaluation.speed.robot import free_domain
from regionclip.scenes.render import render_scene

SOURCE = Path(__file__).with_name("fastdds_peer.cpp")
CAMERA, DETECTIONS, LABELS = "/camera/image_raw", "/regionclip/detections", "/regionclip/label_info"
WORDS, OTHER_WORDS = ["人", "红色的灭火器", "forklift"], ["行李箱", "叉车"]
FRAMES = [
    render_scene(5, index, kinds=["person", "suitcase", "forklift", "fire extinguisher"]).frame for index in (2, 5)
]
Row = tuple[str, float, float, float, float, float]
"""Label, confidence, centre and size of the box."""


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The other end, compiled."""
    compiler = ["g++", "-std=c++20", str(SOURCE)]
    headers = [*compiler, "-E", "-o", os.devnull]
    if shutil.which("g++") is None or subprocess.run(headers, capture_output=True, check=False).returncode:
        pytest.skip("no g++, libfastrtps-dev, libfastcdr-dev of Debian 12 on this machine; scripts/fastdds says more")
    made = tmp_path_factory.mktemp("fastdds") / "peer"
    subprocess.run([*compiler, "-o", str(made), "-lfastrtps", "-lfastcdr"], check=True)
    return made


class Robot:
    """The other end: a process that shows the frames in turn until its standard input is closed."""

    def __init__(self, running: "subprocess.Popen[str]") -> None:
        self.running = running
        self._lines: list[dict[str, Any]] = []
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    def on(self, topic: str) -> list[Any]:
        """The messages on a topic so far; of the images their headers."""
        return [line["message"] for line in list(self._lines) if line["topic"] == topic]

    def ask_for(self, words: Sequence[str]) -> None:
        """Publish words on the topic of prompts."""
        assert self.running.stdin is not None
        print(json.dumps(words, ensure_ascii=False), file=self.running.stdin, flush=True)

    def close(self) -> int:
        """End it; its exit code."""
        assert self.running.stdin is not None
        self.running.stdin.close()
        self._reader.join(60)
        return self.running.wait(60)

    def _read(self) -> None:
        assert self.running.stdout is not None
        for line in self.running.stdout:
            self._lines.append(json.loads(line))


@contextmanager
def robot(*command: object) -> Iterator[Robot]:
    pipe = subprocess.PIPE
    with subprocess.Popen([*map(str, command)], stdin=pipe, stdout=pipe, encoding="utf-8") as running:
        try:
            yield Robot(running)
        finally:
            running.kill()


def rows_on_the_wire(array: Any) -> list[Row]:  # noqa: ANN401
    rows = []
    for thing in array["detections"]:
        assert thing["header"] == array["header"]
        x, y, angle = thing["bbox"]["center"]
        for result in thing["results"]:
            said = result["hypothesis"]
            rows.append((said["class_id"], said["score"], x, y, thing["bbox"]["size_x"], thing["bbox"]["size_y"]))
            assert (angle, result["pose"]) == (0, [0, 0, 0, 0, 0, 0, 1])
    return sorted(rows)


def rows_here(found: sv.Detections) -> list[Row]:
    assert found.confidence is not None
    boxes = [((x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1) for x1, y1, x2, y2 in found.xyxy.tolist()]
    named = zip(column(found, "class_name"), found.confidence.tolist(), boxes, strict=True)
    return sorted((name, score, *box) for name, score, box in named)


@pytest.mark.parametrize("reliability", ["best_effort", "reliable"])
def test_a_camera_of_another_vendor(
    program: Path, reliability: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in free_domain().items():
        monkeypatch.setenv(name, value)
    (tmp_path / "frames.rgb").write_bytes(b"".join(frame[:, :, ::-1].tobytes() for frame in FRAMES))
    options = [option for word in WORDS for option in ("-p", word)]
    with process("-m", "regionclip", "ros2", "--topic", CAMERA, *options) as node:
        assert node.stderr is not None
        assert any("listens to" in line for line in node.stderr)  # the words are told before anybody listens
        with robot(program, tmp_path / "frames.rgb", 640, 480, 10, reliability, "相机_optical") as other:
            until(lambda: len(other.on(DETECTIONS)) >= 6 and len(other.on(LABELS)) == 1)
            other.ask_for(OTHER_WORDS)
            until(lambda: len(other.on(LABELS)) == 2)
            before = len(other.on(DETECTIONS))
            until(lambda: len(other.on(DETECTIONS)) >= before + 6)
            assert other.close() == exits.OK
        code, said = ended(node)
    assert (code, "mismatch" in said) == (exits.OK, False), said

    named = [[(each["class_id"], each["class_name"]) for each in info["class_map"]] for info in other.on(LABELS)]
    assert named == [list(enumerate(WORDS)), list(enumerate(OTHER_WORDS))]
    shown, arrays = other.on(CAMERA), other.on(DETECTIONS)
    answered = [shown.index(array["header"]) for array in arrays]  # stamps and frame ids are those of images
    assert answered == sorted(set(answered))
    detector = regionclip.load("tiny")
    right = [[rows_here(detector(frame, words)) for words in (WORDS, OTHER_WORDS)] for frame in FRAMES]
    asked = [right[index % 2].index(rows_on_the_wire(array)) for index, array in zip(answered, arrays, strict=True)]
    assert (asked[:6], asked[-3:]) == ([0] * 6, [1] * 3)
    assert asked == sorted(asked)
