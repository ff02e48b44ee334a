"""The perception node as a managed one: configured it has a tower, active it answers images."""

from collections.abc import Callable
from typing import Any

from rcl_interfaces.msg import ParameterDescriptor
from rclpy.lifecycle import LifecycleNode, TransitionCallbackReturn

from regionclip_ros.node import RegionclipNode, run


def _does(*steps: Callable[[Any], None]) -> Callable[..., TransitionCallbackReturn]:
    """The callback of a transition."""

    def transition(node: RegionclipNode, _state: object) -> TransitionCallbackReturn:
        try:
            for step in steps:
                step(node)
        except Exception as error:  # rclpy would swallow it
            node.get_logger().error(f"{type(error).__name__}: {error}")
            return TransitionCallbackReturn.FAILURE
        return TransitionCallbackReturn.SUCCESS

    return transition


class LifecycleRegionclipNode(RegionclipNode, LifecycleNode):
    """Answers images while it is active; its parameters act when it is configured."""

    always_read_only = False
    on_configure = _does(RegionclipNode.load)
    on_activate = _does(RegionclipNode.start)
    on_deactivate = _does(RegionclipNode.stop)
    on_cleanup = _does(RegionclipNode.unload)
    on_shutdown = on_error = _does(RegionclipNode.stop, RegionclipNode.unload)

    def __init__(self) -> None:
        super().__init__()
        told = ParameterDescriptor(description="configure and activate the node when it starts", read_only=True)
        self.declare_parameter("autostart", True, told)

    def begin(self) -> None:
        """Become active, unless somebody else is to see to that."""
        if self.get_parameter("autostart").value and self.trigger_configure() == TransitionCallbackReturn.SUCCESS:
            self.trigger_activate()


def main(args: list[str] | None = None) -> int:
    """`ros2 run regionclip_ros lifecycle_node`."""
    return run(LifecycleRegionclipNode, args)
