"""Running the service under uvicorn: one process, or several that share a port."""

import os
import signal
import socket
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import parent_process
from multiprocessing.connection import wait
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from regionclip.errors import ConfigError, FileError, RegionclipError
from regionclip.serve.limits import Limits
from regionclip.serve.listening import Server

if TYPE_CHECKING:  # a parent of workers needs no torch
    from fastapi import FastAPI

    from regionclip.detector import Detector


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """How a service runs.

    Attributes:
        load: makes the detector; in every worker, so it must be one that can be pickled where there are several.
        limits: of what clients may send.
        token: that requests must bear.
        vocabularies: folder that keeps them; without one, several workers get one for as long as they live.
        workers: processes, each with a tower of its own.
    """

    load: "Callable[[], Detector]"
    limits: Limits
    token: str | None = None
    vocabularies: Path | None = None
    workers: int = 1

    def app(self) -> "FastAPI":
        """The app, the tower loaded."""
        from regionclip.serve.app import create_app

        return create_app(self.load(), limits=self.limits, token=self.token, vocabularies=self.vocabularies)


def read_token(file: Path | None) -> str | None:
    """The token of a file: its one line.

    Raises:
        ConfigError: where there is none.
    """
    if file is None:
        return None
    try:
        token = file.read_text(encoding="ascii").strip()
    except OSError as error:
        raise ConfigError(f"--token-file {file} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError:
        token = ""
    if len(token.split()) != 1:
        raise ConfigError(f"--token-file {file}: expected one line, the token, in ASCII without spaces")
    return token


def run(serving: Serving, listener: socket.socket, ready: Callable[[], None] = lambda: None) -> None:
    """Serve until SIGTERM or SIGINT: then nothing more is taken, and what is in hand is answered.

    Args:
        serving: what.
        listener: where.
        ready: called when the tower is loaded, or the workers are started.

    Raises:
        RegionclipError: where the tower cannot be loaded.
    """
    if serving.workers == 1:
        server = Server(_config(serving.app(), serving))
        ready()
        server.run([listener])
        return
    with tempfile.TemporaryDirectory(prefix="regionclip-serve-") as folder:
        from regionclip.serve.metrics import SHARED

        os.environ[SHARED] = str(Path(folder) / "metrics")  # read by the workers
        Path(os.environ[SHARED]).mkdir()
        shared = replace(serving, vocabularies=serving.vocabularies or Path(folder) / "vocabularies")
        workers = Multiprocess(_config(partial(_of_worker, shared), shared, factory=True), [listener])
        ready()
        workers.run()
        if any(each.exitcode == STARTUP_FAILURE for each in workers.processes):
            raise FileError("the workers could not start")


def _of_worker(serving: Serving) -> "FastAPI":
    """The app of a worker, which does not outlive the process that started it."""
    from regionclip.serve.metrics import forget_dead

    parent = parent_process()
    assert parent is not None

    def follow() -> None:
        wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)

    Thread(target=follow, daemon=True).start()
    forget_dead()
    try:
        return serving.app()
    except RegionclipError as error:
        sys.stderr.write(f"regionclip: {error}\n")
        sys.exit(STARTUP_FAILURE)


def _config(app: Any, serving: Serving, *, factory: bool = False) -> uvicorn.Config:  # noqa: ANN401 - an app, or what makes one
    limits = serving.limits
    return uvicorn.Config(
        app,
        workers=serving.workers,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws_max_size=limits.body,
        timeout_graceful_shutdown=int(limits.seconds) + 5,
        timeout_worker_healthcheck=60,  # loading a tower leaves little time for anything else
        factory=factory,
    )
