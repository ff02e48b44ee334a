"""The service of `regionclip.serve` on Ray Serve: replicas of its app, each with a tower and its batches."""

import logging
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import TYPE_CHECKING, Any, Final

from ray import serve
from ray.serve.config import BackpressureConfig, HTTPOptions, ProxyLocation
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from regionclip.cluster.joining import joined, reason, share
from regionclip.errors import ConfigError, FileError
from regionclip.serve.guard import error_response
from regionclip.serve.running import Serving

if TYPE_CHECKING:  # Ray's proxies, which load this module, need no torch
    from fastapi import FastAPI

_NAME: Final = "regionclip"

_SPARE: Final = 16
"""Requests that a replica is sent beyond `Limits.clients`: /healthz, /metrics, and those that its guard refuses."""


class Replica:
    """The app, as Ray Serve takes one that is made where it runs.

    Args:
        serving: what is served.
    """

    def __init__(self, serving: Serving) -> None:
        self._app = serving.app()

    def __serve_build_asgi_app__(self) -> "FastAPI":
        return self._app

    def check_health(self) -> None:
        """Let Ray start another one where the tower's thread has ended."""
        if not self._app.state.desk.batches.is_alive:
            raise RuntimeError("the thread of the tower has ended")


class Told:
    """A middleware of Ray's proxies: what Ray answers in place of a replica gets the one form of errors, and a time.

    A request whose replica dies would else end with an empty 500; a client may send it again.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on, and answer where no replica did."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_answered = False

        async def checked(message: Message) -> None:
            nonlocal is_answered
            if message["type"] == "http.response.start":
                kind = Headers(raw=message["headers"]).get("content-type", "")
                is_answered = message["status"] < 400 or kind == "application/json"
            if is_answered:
                await send(message)

        await self._app(scope, receive, checked)
        if not is_answered:
            answer = error_response(503, "no replica could answer; try again", {"Retry-After": "1"})
            await answer(scope, receive, send)


def middlewares() -> list[Middleware]:
    """For `RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH`."""
    return [Middleware(Told)]


def run(
    serving: Serving,
    host: str,
    port: int,
    *,
    address: str | None = None,
    device: str = "auto",
    ready: Callable[[], None] = lambda: None,
) -> None:
    """Serve until SIGTERM or SIGINT: then nothing more is taken, and what is in hand is answered.

    Args:
        serving: what; `workers` are replicas.
        host: where the proxy of each machine listens.
        port: there.
        address: of a cluster; None starts Ray on this machine.
        device: of the towers.
        ready: called when all replicas are.

    Raises:
        RegionclipError: where there is no cluster, it is too small, or a tower cannot be loaded.
    """
    if address is not None and serving.vocabularies is None:
        raise ConfigError("--address: give --vocabularies DIR too, a folder that all machines of the cluster see")
    hook = {"RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH": f"{__name__}:{middlewares.__name__}"}
    with TemporaryDirectory(prefix="regionclip-serve-") as folder, joined(address, **hook):
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # as SIGINT: KeyboardInterrupt
        shared = replace(serving, vocabularies=serving.vocabularies or Path(folder))
        takes, fit = share(device)
        if serving.workers > fit:
            raise ConfigError(f"--replicas {serving.workers}: each takes {takes}, and the cluster has {fit} times that")
        logging.getLogger("ray.serve").setLevel(logging.ERROR)
        serve.start(ProxyLocation.EveryNode, HTTPOptions(host=host, port=port))
        try:
            serve.run(_deployment(shared, takes), name=_NAME)
            ready()
            Event().wait()
        except RuntimeError as error:
            told = serve.status().applications[_NAME].deployments[_NAME].message
            raise FileError(f"the replicas could not start: {reason(told)}") from error
        except KeyboardInterrupt:
            pass
        finally:
            serve.delete(_NAME)
            if not serve.status().applications:  # on a cluster there may be others'
                serve.shutdown()


def _deployment(serving: Serving, takes: dict[str, Any]) -> serve.Application:
    limits = serving.limits
    made = serve.deployment(
        name=_NAME,
        num_replicas=serving.workers,
        ray_actor_options=takes,
        max_ongoing_requests=limits.clients + _SPARE,
        max_queued_requests=limits.clients,
        backpressure_config=BackpressureConfig(retry_after_s=1),
        graceful_shutdown_timeout_s=limits.seconds + 5,
        max_constructor_retry_count=1,
    )
    return made(serve.ingress()(Replica)).bind(serving)
