"""A Zenoh router on loopback, as `ros2 run rmw_zenoh_cpp rmw_zenohd` is one, and who else is connected to it."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import zenoh


def free_endpoint() -> str:
    """An address on loopback that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"tcp/127.0.0.1:{probe.getsockname()[1]}"


@contextmanager
def router(endpoint: str) -> Iterator[zenoh.Session]:
    """A session that routes for others."""
    settings = {"mode": "router", "listen": {"endpoints": [endpoint]}, "scouting": {"multicast": {"enabled": False}}}
    with zenoh.open(zenoh.Config.from_json5(json.dumps(settings))) as session:
        yield session


def connecting(endpoint: str) -> dict[str, str]:
    """Variables of a process that shall be connected to it."""
    return {"ZENOH_CONFIG_OVERRIDE": f'connect/endpoints=["{endpoint}"]', "ROS_DOMAIN_ID": "42"}
