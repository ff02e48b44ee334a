"""What colcon installs."""

from pathlib import Path

from setuptools import setup

NAME = "regionclip_ros"
FILES = {folder: [str(path) for path in Path(folder).glob("*.*")] for folder in ("config", "launch")}

setup(
    name=NAME,
    version="0.2.0",
    description="A perception node for ROS 2, over rclpy.",
    license="Apache-2.0",
    maintainer="The regionclip developers",
    maintainer_email="regionclip@example.com",
    packages=[NAME],
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{NAME}"]),
        (f"share/{NAME}", ["package.xml"]),
        *((f"share/{NAME}/{folder}", files) for folder, files in FILES.items()),
    ],
    install_requires=["setuptools"],
    zip_safe=True,
    entry_points={"console_scripts": [f"{node} = {NAME}.{node}:main" for node in ("node", "lifecycle_node")]},
)
