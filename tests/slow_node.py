"""A node whose detector takes its time, as a process of its own: slow_node.py SECONDS."""

import sys
import time
from threading import Event
from typing import Any

from toy import toy_detector

from regionclip.cli.terminal.signals import stopping
from regionclip.detector import Detector
from regionclip.robot.names import Names
from regionclip.robot.node import Node
from regionclip.robot.parameters import Parameters
from regionclip.robot.transports.dds import Dds

BOX = (16, 16, 64, 64)


def slowed(detector: Detector, seconds: float) -> Detector:
    """The same detector, later."""
    encode = detector.tower.encode_image

    def late(frames: Any) -> Any:  # noqa: ANN401
        time.sleep(seconds)
        return encode(frames)

    detector.tower.encode_image = late  # type: ignore[method-assign]
    return detector


def main() -> None:
    done = Event()
    detector = slowed(toy_detector((BOX,)), float(sys.argv[1]))
    with (
        Dds() as wire,
        stopping(done.set),
        Node(detector, ["红", "green"], Parameters(), Names(), wire, log=print) as node,
    ):
        while not done.wait(1):
            node.report()


if __name__ == "__main__":
    main()
