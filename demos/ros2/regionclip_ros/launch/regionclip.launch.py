"""ros2 launch regionclip_ros regionclip.launch.py prompts:='[person, 红色的灭火器]' image:=/camera/image_raw

Every parameter of the node is an argument, as YAML; those that are given win over the parameter file.
"""

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

PARAMETERS = """
prompts prompts_file threshold tower weights preset device image_topics image_reliability
depth_topics camera_info_topics rectified sync_slop class_ids track every max_rate
memory memory_file fixed_frame odometry_topic use_sim_time
events_executor autostart
"""  # written out: regionclip may be installed for the node only, not for this program


def node(context: LaunchContext) -> list[Node]:
    """The node, with the parameters that were given."""
    managed = LaunchConfiguration("lifecycle").perform(context).lower() == "true"
    own = {name: LaunchConfiguration(name) for name in PARAMETERS.split() if LaunchConfiguration(name).perform(context)}
    return [
        Node(
            package="regionclip_ros",
            executable="lifecycle_node" if managed else "node",
            name="regionclip",
            namespace=LaunchConfiguration("namespace"),
            parameters=[LaunchConfiguration("params_file"), *([own] if own else [])],
            remappings=[("image", LaunchConfiguration("image"))],
            output="screen",
        )
    ]


def generate_launch_description() -> LaunchDescription:
    """What `ros2 launch` runs."""
    file = Path(get_package_share_directory("regionclip_ros"), "config", "regionclip.yaml")
    return LaunchDescription(
        [
            DeclareLaunchArgument("params_file", default_value=str(file), description="ROS parameters of the node"),
            DeclareLaunchArgument("namespace", default_value="", description="of the node"),
            DeclareLaunchArgument("image", default_value="image", description="topic of images, raw or compressed"),
            DeclareLaunchArgument("lifecycle", default_value="false", description="whether the node is a managed one"),
            *(DeclareLaunchArgument(name, default_value="", description="a parameter") for name in PARAMETERS.split()),
            OpaqueFunction(function=node),
        ]
    )
