"""A node of ROS 2 itself, run by the Python that `scripts/ros2` made: a camera, a writer of words, and a listener.

    ros2_peer.py FRAMES.bgr WIDTH HEIGHT

Shows the frames of a file in turn, ten a second, until its standard input ends; each line there is published as words.
Prints a JSON line for each message that it hears.
"""

import array
import json
import sys
from pathlib import Path
from threading import Event, Thread
from typing import Any

import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import Image
from std_msgs.msg import String


def say(topic: str, **message: Any) -> None:  # noqa: ANN401
    print(json.dumps({"topic": topic, **message}, ensure_ascii=False), flush=True)


def head(message: Any) -> list[Any]:  # noqa: ANN401
    return [message.header.stamp.sec, message.header.stamp.nanosec, message.header.frame_id]


class Robot(Node):  # type: ignore[misc]
    """Everything that there is on this side."""

    def __init__(self, frames: list[bytes], width: int, height: int) -> None:
        super().__init__("robot")
        self.frames, self.size, self.shown = frames, (width, height), 0
        self.camera = self.create_publisher(Image, "/image", qos_profile_sensor_data)
        self.words = self.create_publisher(String, "/regionclip/prompts", 10)
        self.create_subscription(Image, "/regionclip/annotated", self.see, 10)
        self.create_subscription(DiagnosticArray, "/diagnostics", self.note, 10)
        self.create_timer(0.1, self.show)

    def show(self) -> None:
        """The next frame, once somebody looks."""
        if not self.camera.get_subscription_count():
            return
        width, height = self.size
        image = Image(width=width, height=height, step=width * 3, encoding="bgr8")
        image.data = array.array("B", self.frames[self.shown % len(self.frames)])
        image.header.stamp, image.header.frame_id = self.get_clock().now().to_msg(), f"相机 {self.shown}"
        self.shown += 1
        self.camera.publish(image)
        say("/image", header=head(image))

    def see(self, image: Any) -> None:  # noqa: ANN401
        """An annotated picture."""
        say("/regionclip/annotated", header=head(image), encoding=image.encoding, pixels=bytes(image.data).hex())

    def note(self, told: Any) -> None:  # noqa: ANN401
        """How the node goes."""
        for status in told.status:
            say("/diagnostics", message=status.message, values={each.key: each.value for each in status.values})


def main() -> None:
    path, width, height = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    content, size = Path(path).read_bytes(), width * height * 3
    rclpy.init()
    robot, done = Robot([content[at : at + size] for at in range(0, len(content), size)], width, height), Event()

    def read() -> None:
        for line in sys.stdin:
            robot.words.publish(String(data=line.strip()))
        done.set()

    Thread(target=read, daemon=True).start()
    while not done.is_set():
        rclpy.spin_once(robot, timeout_sec=0.05)
    robot.destroy_node()
    rclpy.shutdown()


if __name__ == "__main__":
    main()
