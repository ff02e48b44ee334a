"""Perception for robots: ROS messages in and out, and a core that knows no transport (docs/robotics.md).

Names are resolved when first used: who only reads parameters does not wait for torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from regionclip.robot.messages import decode as decode
    from regionclip.robot.messages import encode as encode
    from regionclip.robot.ros.names import Names as Names
    from regionclip.robot.ros.node import Node as Node
    from regionclip.robot.ros.parameters import Parameters as Parameters
    from regionclip.robot.ros.wire import queue_depth as queue_depth

_HOME = {
    "Names": "ros.names",
    "Node": "ros.node",
    "Parameters": "ros.parameters",
    "decode": "messages",
    "encode": "messages",
    "queue_depth": "ros.wire",
}

__all__ = list(_HOME)


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module regionclip.robot has no attribute {name!r}; it exports {', '.join(__all__)}")
    return getattr(import_module(f"regionclip.robot.{_HOME[name]}"), name)
