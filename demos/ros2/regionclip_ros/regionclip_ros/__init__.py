"""The perception node of regionclip as a ROS 2 node of rclpy (docs/robotics.md)."""
