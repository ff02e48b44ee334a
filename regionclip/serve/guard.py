"""Guard: what every request meets before anything reads it: the token, the number of clients, body and time limits."""

import asyncio
import hmac
import time
from typing import Final

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from regionclip.serve.limits import Limits
from regionclip.serve.metrics import Metrics

_OPEN: Final = ("/healthz", "/readyz")
"""Routes that need no token: whoever restarts containers has none."""

_ALWAYS: Final = (*_OPEN, "/metrics")
"""Routes that are answered however many clients there are."""


class Guard:
    """An ASGI middleware.

    Args:
        app: behind it.
        limits: of the service.
        metrics: gets the figures of each request.
        token: that requests must bear; None lets anybody in, but no page of another site through a user's browser.
    """

    def __init__(self, app: ASGIApp, *, limits: Limits, metrics: Metrics, token: str | None) -> None:
        self._app, self._limits, self._metrics = app, limits, metrics
        self._token = None if token is None else f"Bearer {token}".encode()
        self._in_hand = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with an error, or hand on."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        send, headers, path = self._counted(scope, send), Headers(scope=scope), scope["path"]
        refusal = (None if path in _OPEN else self._stranger(headers)) or self._too_much(headers, path)
        if refusal is not None:
            await _refuse(refusal, scope, receive, send)
            return
        if path in _ALWAYS:
            await self._app(scope, receive, send)
            return
        self._in_hand += 1
        self._metrics.in_hand.inc()
        try:
            await self._app(scope, self._limited(receive) if scope["type"] == "http" else receive, send)
        finally:
            self._in_hand -= 1
            self._metrics.in_hand.dec()

    def _stranger(self, headers: Headers) -> HTTPException | None:
        if self._token is not None:
            if not hmac.compare_digest(headers.get("authorization", "").encode(), self._token):
                return HTTPException(
                    401, "expected the header Authorization: Bearer TOKEN", {"WWW-Authenticate": "Bearer"}
                )
        elif (origin := headers.get("origin")) is not None and origin.partition("://")[2] != headers.get("host"):
            return HTTPException(403, f"a page of {origin} may not ask this service; start it with a token")
        return None

    def _too_much(self, headers: Headers, path: str) -> HTTPException | None:
        if path not in _ALWAYS and self._in_hand >= self._limits.clients:
            return HTTPException(503, f"{self._limits.clients} requests are in hand; try again", {"Retry-After": "1"})
        if (length := headers.get("content-length", "0")).isdecimal() and int(length[:18]) > self._limits.body:
            return self._too_large()
        return None

    def _too_large(self) -> HTTPException:
        return HTTPException(413, f"expected a body of {self._limits.body} bytes at most")

    def _limited(self, receive: Receive) -> Receive:
        """`receive` that ends with an error where a body is too large or takes too long."""
        size, due, complete = 0, time.monotonic() + self._limits.seconds, False

        async def limited() -> Message:
            nonlocal size, complete
            if complete:
                return await receive()
            try:
                message = await asyncio.wait_for(receive(), due - time.monotonic())
            except TimeoutError as error:
                raise HTTPException(408, f"the body did not arrive within {self._limits.seconds:g} s") from error
            size += len(message.get("body", b""))
            complete = not message.get("more_body", False)
            if size > self._limits.body:
                raise self._too_large()
            return message

        return limited

    def _counted(self, scope: Scope, send: Send) -> Send:
        """`send` that books the answer."""
        start = time.perf_counter()

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path", "other")  # known once it was found
                self._metrics.requests.labels(route, str(message["status"])).inc()
                self._metrics.seconds.labels(route).observe(time.perf_counter() - start)
            await send(message)

        return counted


async def _refuse(error: HTTPException, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1013 if error.status_code == 503 else 1008})
        return
    await error_response(error.status_code, error.detail, dict(error.headers or {}))(scope, receive, send)


def error_response(status: int, message: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """The one form of an error."""
    return JSONResponse({"status": status, "error": message}, status, headers)
