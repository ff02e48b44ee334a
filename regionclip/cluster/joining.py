"""Joining a Ray cluster, or starting Ray on this machine for as long as a command runs."""

import logging
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from warnings import catch_warnings

import ray

from regionclip.errors import ConfigError


@contextmanager
def joined(address: str | None, **environment: str) -> Iterator[None]:
    """Within it Ray can be used.

    Args:
        address: of the head of a cluster, as `10.0.0.1:6379`; `auto` is the cluster of this machine, None starts
            one that ends with the command.
        environment: variables that all its processes get.

    Raises:
        ConfigError: where there is no cluster.
    """
    if address not in (None, "auto"):
        _check_reachable(address)
    own: dict[str, Any] = {} if address else {"_node_ip_address": "127.0.0.1", "include_dashboard": False}
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    try:
        with catch_warnings(action="ignore"):  # LanceDB's, in processes that are other programs at once
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


def share(device: str) -> tuple[dict[str, Any], int]:
    """What a process with a tower takes of the cluster, a core and an accelerator where it uses one; how many fit.

    Raises:
        ConfigError: where none fits, or the device is one that Ray does not hand out.
    """
    if ":" in device:
        raise ConfigError(f"--device {device}: Ray gives each process an accelerator of its own; expected cuda or auto")
    has = ray.cluster_resources()
    cores, accelerators = int(has.get("CPU", 0)), int(has.get("GPU", 0))
    if device == "cuda" or (device == "auto" and accelerators):
        takes, fit = {"num_cpus": 1, "num_gpus": 1}, min(cores, accelerators)
    else:
        takes, fit = {"num_cpus": 1, "num_gpus": 0}, cores
    if not fit:
        raise ConfigError(f"--device {device}: the cluster has {cores} cores and {accelerators} accelerators")
    return takes, fit


def reason(told: str) -> str:
    """What went wrong, of all that Ray tells of it: the last line of a traceback, without the name of the error."""
    last = told.strip().splitlines()[-1]
    return last.partition("Error: ")[2] or last
