"""Joining a Ray cluster, or starting Ray on this machine for as long as a command runs."""

import logging
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import ray

from regionclip.errors import ConfigError


@contextmanager
def joined(address: str | None, **environment: str) -> Iterator[None]:
    """Within it Ray can be used.

    Args:
        address: of the head of a cluster, as `10.0.0.1:6379`; `auto` is the cluster of this machine, None starts one
            on loopback that ends with the command.
        environment: variables that all its processes get.

    Raises:
        ConfigError: where there is no cluster.
    """
    if address not in (None, "auto"):
        _check_reachable(address)
    own: dict[str, Any] = {} if address else {"_node_ip_address": "127.0.0.1", "include_dashboard": False}
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    try:
        ray.init(address or "local", runtime_env={"env_vars": environment}, **own, **quiet)
    except (ConnectionError, RuntimeError, ValueError) as error:
        ray.shutdown()
        what = "Ray does not start here" if address is None else f"--address {address}: no Ray cluster there"
        raise ConfigError(f"{what}: {str(error).strip().splitlines()[0]}") from error
    try:
        yield
    finally:
        ray.shutdown()


def _check_reachable(address: str) -> None:
    """Ray itself would try for minutes."""
    host, _, port = address.rpartition(":")
    if not re.fullmatch("[0-9]{1,5}", port) or not host or "/" in host:
        raise ConfigError(f"--address {address}: expected HOST:PORT of a Ray cluster's head, as 10.0.0.1:6379, or auto")
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
    except (OSError, OverflowError) as error:
        raise ConfigError(f"--address {address}: no Ray cluster there: {error}") from error


def share(processes: int, device: str) -> dict[str, int]:
    """What each of several processes with a tower takes of the cluster: a core, and an accelerator where it uses one.

    Raises:
        ConfigError: where the cluster has not so many.
    """
    if ":" in device:
        raise ConfigError(f"--device {device}: Ray gives each process an accelerator of its own; expected cuda or auto")
    has = ray.cluster_resources()
    needs = {"CPU": 1, "GPU": int(device == "cuda" or (device == "auto" and has.get("GPU", 0) >= 1))}
    for kind, one in needs.items():
        if has.get(kind, 0) < processes * one:
            raise ConfigError(f"--workers {processes}: each takes a {kind}, and the cluster has {has.get(kind, 0):g}")
    return {"num_cpus": needs["CPU"], "num_gpus": needs["GPU"]}
