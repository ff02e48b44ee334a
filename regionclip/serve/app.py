"""The service as an ASGI app: routes, errors, OpenAPI."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from regionclip.detector import Detector
from regionclip.errors import RegionclipError, ServiceError
from regionclip.serve import answers
from regionclip.serve.desk import Desk
from regionclip.serve.guard import Guard, error_response
from regionclip.serve.limits import Limits
from regionclip.serve.routes import router
from regionclip.serve.service import Service
from regionclip.serve.vocabularies import Vocabularies

_ERRORS: Final[dict[int | str, dict[str, Any]]] = {
    status: {"model": answers.Error, "description": what}
    for status, what in {
        400: "The body cannot be read.",
        401: "No token, or a wrong one.",
        403: "A page of another site asks through a browser.",
        404: "There is no such route or vocabulary.",
        405: "The route has no such method.",
        408: "The body took too long.",
        410: "The vocabulary is retired.",
        413: "The body is too large.",
        415: "The body is of another kind.",
        422: "Picture, words, boxes or numbers cannot be used.",
        500: "A fault of the service.",
        503: "Too many ask; the header Retry-After says when to come again.",
        504: "No answer within the time that was given.",
        507: "The vocabulary cannot be kept.",
    }.items()
}


def create_app(
    detector: Detector, *, limits: Limits | None = None, token: str | None = None, vocabularies: Path | None = None
) -> FastAPI:
    """The service as an ASGI app, for uvicorn or another server.

    Args:
        detector: that answers.
        limits: of what clients may send.
        token: that requests must bear; without one, let this machine alone reach it, as `regionclip serve` does.
        vocabularies: folder that keeps them; None keeps them in memory.

    Raises:
        ConfigError: where the proposer remembers frames.
        RegionclipError: where the folder cannot be read.
    """
    desk = Desk(Service(detector, limits, Vocabularies(vocabularies)))

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        yield
        await asyncio.to_thread(desk.close)

    app = FastAPI(
        title="regionclip",
        version=version("regionclip"),
        description="Regions of pictures labelled by free-form English and Chinese words.",
        lifespan=life,
        docs_url=None,  # its page would fetch scripts from elsewhere
        redoc_url=None,
        responses=_ERRORS,
        exception_handlers=dict.fromkeys((HTTPException, RequestValidationError, RegionclipError, Exception), _told),
    )
    app.state.desk = desk
    app.include_router(router)
    app.add_middleware(Guard, limits=desk.service.limits, metrics=desk.metrics, token=token)
    return app


async def _told(request: Request, error: Exception) -> Response:
    """An error in the one form; of a fault nothing of the inside."""
    if isinstance(error, HTTPException):
        return error_response(error.status_code, str(error.detail), dict(error.headers or {}))
    if isinstance(error, RequestValidationError):
        first = error.errors()[0]
        return error_response(422, f"{' '.join(map(str, first['loc'][1:]))}: {first['msg']}")
    if isinstance(error, ServiceError):
        headers = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
        return error_response(error.status, str(error), headers)
    if isinstance(error, RegionclipError):
        return error_response(422, " ".join(str(error).split()))
    return error_response(500, "a fault of the service, which its log tells of")  # the server logs it after this
