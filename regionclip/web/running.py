"""Running the page: for this machine alone, or behind names and passwords."""

import asyncio
import os
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

import gradio as gr
import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from regionclip.detector import Detector
from regionclip.errors import ConfigError
from regionclip.serve.listening import Server
from regionclip.web.page import HEAD, appearance, build

_MOST_BYTES: Final = 1 << 30
"""Of an upload."""

_SESSIONS: Final = 64
"""Whose pictures stay encoded; of more the oldest are forgotten."""

Users = list[tuple[str, str]]
"""Names and passwords."""


def read_users(file: Path | None) -> Users | None:
    """Names and passwords of a file of lines `user:password`.

    Raises:
        ConfigError: where it cannot be read, or is none.
    """
    if file is None:
        return None
    try:
        lines = [line for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfigError(f"--auth {file} cannot be read: {reason}") from error
    users = [(name, password) for name, _, password in (line.partition(":") for line in lines) if name and password]
    if not users or len(users) < len(lines):
        raise ConfigError(f"--auth {file}: expected lines of user:password")
    return users


def run(
    detector: Detector,
    listener: socket.socket,
    *,
    language: str = "auto",
    users: Users | None = None,
    ready: Callable[[Server], None] = lambda server: None,
) -> None:
    """Show the page until SIGTERM or SIGINT, or until `should_exit` of the server is set; then forget all uploads.

    Args:
        detector: that is asked.
        listener: where.
        language: `auto` (the browser's), `en` or `zh`.
        users: who may see it; None for everybody who can reach it.
        ready: called before it begins.
    """

    async def show() -> None:
        """All of it inside of the loop: where none runs, gradio makes loops that nobody closes."""
        page = build(detector)
        page.state_session_capacity = _SESSIONS
        app = gr.mount_gradio_app(
            FastAPI(openapi_url=None), page, "", auth=users, max_file_size=_MOST_BYTES, show_error=False,
            ssr_mode=False, enable_monitoring=False, **appearance(),
        )  # fmt: skip
        # An open page keeps a connection, for which the end does not wait.
        config = uvicorn.Config(
            _spoken(app, language), log_level="warning", access_log=False, server_header=False,
            timeout_graceful_shutdown=3,
        )  # fmt: skip
        server = Server(config)
        ready(server)
        await server.serve([listener])

    with tempfile.TemporaryDirectory(prefix="regionclip-web-") as folder:
        os.environ["GRADIO_TEMP_DIR"] = folder  # read wherever gradio keeps a file
        asyncio.run(show())


def _spoken(app: ASGIApp, language: str) -> ASGIApp:
    """The app, whose page begins with `HEAD`; gradio itself puts what it is given at its end."""
    head = (HEAD % ("" if language == "auto" else language)).encode()

    async def spoken(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != "/":
            await app(scope, receive, send)
            return

        async def begin(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [each for each in message["headers"] if each[0] != b"content-length"]
            else:
                message["body"] = message.get("body", b"").replace(b"<head>", head, 1)
            await send(message)

        plain = [each for each in scope["headers"] if each[0] != b"accept-encoding"]
        await app({**scope, "headers": plain}, receive, begin)

    return spoken
