"""Where a service or a page listens, and how it ends: for this machine alone unless it is protected."""

import ipaddress
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import uvicorn

from regionclip.errors import ConfigError

_BACKLOG: Final = 1024


class Server(uvicorn.Server):
    """Uvicorn, which ends in good order and with code 0 at the first signal."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Uvicorn would raise at the end what it has captured."""
        with super().capture_signals():
            yield
            self._captured_signals.clear()


def check_address(host: str, *, protected: bool, protect: str) -> None:
    """Make sure that what has no protection is for this machine alone; `protect` says how to get some.

    Raises:
        ConfigError: else.
    """
    try:
        is_local = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_local = False
    if not is_local and not protected:
        raise ConfigError(f"--host {host}: others than this machine can reach it: {protect}")


def address(host: str, listener: socket.socket) -> str:
    """The URL at which it can be reached."""
    return f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"


def listen(host: str, port: int) -> socket.socket:
    """A socket that takes connections; port 0 is a free one.

    Raises:
        ConfigError: where that cannot be.
    """
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise ConfigError(f"--host {host} --port {port}: cannot listen there: {error.strerror or error}") from error
