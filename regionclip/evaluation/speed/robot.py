"""How old a robot's answers are: a camera in a process of its own, over DDS on this machine's loopback interface."""

import json
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from proposals.base import Features, Proposals, Proposer
from regionclip.detector import Detector
from regionclip.errors import SourceError
from regionclip.formats.tables import as_table
from regionclip.robot import messages as ros
from regionclip.robot.images import compressed_fields, image_fields
from regionclip.robot.messages import Header
from regionclip.robot.ros.names import Names
from regionclip.robot.ros.node import Node
from regionclip.robot.ros.parameters import Parameters
from regionclip.robot.ros.wire import Get
from regionclip.robot.transports.dds import Dds
from regionclip.scenes.render import render_scene

_IMAGE, _DETECTIONS = "/image", "/regionclip/detections"
_LONGEST = 60.0  # seconds until the two know one another


class Case(NamedTuple):
    """Images of a size `(H, W)`; `busy` are seconds of a stub that finds nothing, None for the detector itself."""

    name: str
    size: tuple[int, int]
    compressed: bool
    busy: float | None


CASES = (
    Case("640x480 raw, stub", (480, 640), False, 0.0),
    Case("1920x1080 JPEG, stub", (1080, 1920), True, 0.0),
    Case("640x480 raw, stub of 200 ms", (480, 640), False, 0.2),
    Case("640x480 raw, the tower", (480, 640), False, None),
    Case("1920x1080 JPEG, the tower", (1080, 1920), True, None),
)


class Answers(NamedTuple):
    """How many images were sent, and of each answered one the milliseconds from stamp to detections."""

    case: Case
    sent: int
    ages: tuple[float, ...]


class _Stub(Proposer):
    """Finds nothing, in the time that it is told; so the tower does not run."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def __call__(self, frame: NDArray[np.uint8], features: Features) -> Proposals:
        time.sleep(self._seconds)
        return Proposals.empty()


def measure_answers(
    detector: Detector, words: Sequence[str], cases: Iterable[Case] = CASES, *, fps: float = 30.0, seconds: float = 4.0
) -> Iterator[Answers]:
    """Play each case and take the ages of its answers.

    Args:
        detector: looks at the images where a case has no stub.
        words: labels to look for.
        cases: what to measure.
        fps: images a second that the camera sends.
        seconds: how long it sends.

    Raises:
        SourceError: where camera and node do not find one another.
    """
    for case in cases:
        used = detector if case.busy is None else Detector(detector.tower, _Stub(case.busy), detector.config)
        variables = free_domain()
        with Dds(variables) as wire, Node(used, words, Parameters(), Names(), wire, log=print):
            options = (str(int(case.compressed)), *map(str, case.size), str(fps), str(seconds))
            done = subprocess.run(
                [sys.executable, "-m", "regionclip.evaluation.speed.robot", *options],
                env={**os.environ, **variables},
                stdout=subprocess.PIPE,
                check=False,
            )
        if done.returncode:
            raise SourceError(f"the camera's process ended with code {done.returncode}")
        sent, ages = json.loads(done.stdout)
        yield Answers(case, sent, tuple(ages))


def free_domain() -> Mapping[str, str]:
    """The environment of a ROS domain that nobody on this machine is in, on the loopback interface only.

    Raises:
        SourceError: where all are taken.
    """
    for domain in random.sample(range(1, 100), 99):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as first, suppress(OSError):
            first.bind(("", 7410 + 250 * domain))  # where the first participant of a domain listens
            return {"ROS_DOMAIN_ID": str(domain), "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"}
    raise SourceError("all ROS domains are taken on this machine")


def table(answers: Sequence[Answers], fps: float) -> str:
    """The figures as lines of text."""
    head = ("images", "sent", "answered", "median ms", "p95 ms", "less its work")
    rows = []
    for each in answers:
        half, most = np.percentile(each.ages, (50, 95)).tolist() if each.ages else (float("nan"), float("nan"))
        own = "" if not each.case.busy else f"{half - each.case.busy * 1000:.1f}"
        rows.append((each.case.name, each.sent, len(each.ages), f"{half:.1f}", f"{most:.1f}", own))
    return f"from the stamp of an image to its detections, a camera of {fps:g} fps\n" + as_table(head, rows)


def _play(compressed: bool, size: tuple[int, int], fps: float, seconds: float) -> tuple[int, list[float]]:
    """Be the camera and the listener; images sent, and milliseconds from stamp to answer."""
    kind, fields = (ros.COMPRESSED_IMAGE, compressed_fields) if compressed else (ros.IMAGE, image_fields)
    messages = [fields(render_scene(11, index, size).frame, Header(0, "camera")) for index in range(4)]
    ages: list[float] = []

    def take(get: Get) -> None:
        ages.append((time.time_ns() - Header.of(get().header).stamp_ns) / 1e6)

    with Dds(os.environ) as wire:
        wire.listen(_DETECTIONS, (ros.DETECTIONS,), "reliable", take)
        wire.offer(_IMAGE, kind, "sensor")
        deadline = time.monotonic() + _LONGEST
        while not wire.wanted(_IMAGE):
            if time.monotonic() > deadline:
                raise SourceError("the node did not come")
            time.sleep(0.01)
        time.sleep(1.0)  # both sides have to know the other
        count = round(fps * seconds)
        start = time.monotonic()
        for index in range(count):
            time.sleep(max(0.0, start + index / fps - time.monotonic()))
            message = messages[index % len(messages)]
            wire.send(_IMAGE, kind, message | {"header": Header(time.time_ns(), "camera").fields()})
        time.sleep(1.0)
    return count, ages


if __name__ == "__main__":
    _compressed, *_size, _fps, _seconds = sys.argv[1:]
    sys.stdout.write(
        json.dumps(_play(_compressed == "1", (int(_size[0]), int(_size[1])), float(_fps), float(_seconds)))
    )
