"""Perception for robots: ROS messages in and out, and a core that knows no transport (docs/robotics.md)."""
