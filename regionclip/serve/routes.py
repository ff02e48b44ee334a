"""The routes: what each takes, and what it answers with."""

from collections.abc import Callable
from typing import Annotated, Final

from fastapi import APIRouter, Depends, File, Form, Header, Path, Request, Response, UploadFile, WebSocket
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, PlainTextResponse

from regionclip.errors import ServiceError
from regionclip.serve import answers
from regionclip.serve.batches import Ask
from regionclip.serve.bodies import EMBED_BODY, VOCABULARY_BODY, NewVocabulary, read_embed, read_json
from regionclip.serve.desk import Desk
from regionclip.serve.service import Service
from regionclip.serve.stream import talk
from regionclip.serve.vocabularies import ID, Version, as_table

router = APIRouter()

Words = Annotated[
    str, Form(description='A JSON list, as ["person", {"name": "叉车", "threshold": 0.4}], or the id of a vocabulary.')
]
Boxes = Annotated[str | None, Form(description="A JSON list of [x1, y1, x2, y2] in pixels.")]
Threshold = Annotated[
    float | None, Form(ge=0, le=1, allow_inf_nan=False, description="Least confidence of labels without their own.")
]
Seconds = Annotated[
    float | None, Header(gt=0, allow_inf_nan=False, description="Seconds within which the answer is of use.")
]
Picture = Annotated[UploadFile, File(description="A picture file.")]
VocabularyId = Annotated[str, Path(pattern=f"^{ID}$", description="NAME@NUMBER; NAME alone is its newest version.")]

_BYTES: Final = {"schema": {"type": "string", "format": "binary"}}
_NAME = 200
"""Characters of a client's file name that come back."""


def _desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


AtDesk = Annotated[Desk, Depends(_desk)]


@router.post("/detect", response_model=answers.Result)
async def detect(
    request: Request,
    desk: AtDesk,
    image: Picture,
    words: Words,
    boxes: Boxes = None,
    threshold: Threshold = None,
    x_timeout: Seconds = None,
) -> Response:
    """Label the regions of a picture; without `boxes` the proposer finds them."""

    def make(service: Service) -> Ask:
        return service.detect(image.file.read(), words, boxes=boxes, threshold=threshold, file=_name(image))

    return await _answered(request, desk, x_timeout, make)


@router.post("/classify", response_model=answers.Result)
async def classify(
    request: Request,
    desk: AtDesk,
    words: Words,
    image: Annotated[UploadFile | None, File(description="A picture file, asked as a whole.")] = None,
    regions: Annotated[UploadFile | None, File(description="Stored regions, as /embed gives them.")] = None,
    threshold: Threshold = None,
    x_timeout: Seconds = None,
) -> Response:
    """Ask about a whole picture (`classes`, the best first), or stored regions with other words (`detections`)."""

    def make(service: Service) -> Ask:
        if image is not None and regions is None:
            return service.classify_image(image.file.read(), words, file=_name(image))
        if regions is not None and image is None:
            return service.classify_regions(regions.file.read(), words, threshold=threshold, file=_name(regions))
        raise ServiceError("expected either image or regions", 422)

    return await _answered(request, desk, x_timeout, make)


@router.post(
    "/embed",
    response_model=answers.Embedded,
    openapi_extra={"requestBody": EMBED_BODY},
    responses={
        200: {
            "description": "With format=npz: regions, as /classify takes them.",
            "content": {"application/octet-stream": _BYTES},
        }
    },
)
async def embed(request: Request, desk: AtDesk, x_timeout: Seconds = None) -> Response:
    """Embeddings of texts (JSON), or of a picture or boxes in it (multipart)."""
    async with read_embed(request) as make:
        return await _answered(request, desk, x_timeout, make)


@router.post(
    "/vocabularies",
    response_model=answers.KeptVocabulary,
    openapi_extra={"requestBody": VOCABULARY_BODY},
    responses={201: {"model": answers.KeptVocabulary, "description": "It was created."}},
)
async def create_vocabulary(request: Request, desk: AtDesk) -> Response:
    """Keep words under a name, as its next version; 200 where its newest version has the same words."""
    new = await read_json(request, NewVocabulary)

    def create() -> tuple[Version, bool]:
        return desk.service.vocabularies.create(new.name, desk.service.vocabulary_of(new.words))

    version, created = await run_in_threadpool(create)
    return JSONResponse(_told(version), 201 if created else 200)


@router.get("/vocabularies", response_model=list[answers.KeptVocabulary])
async def list_vocabularies(desk: AtDesk) -> Response:
    """All versions, by name and number; number 0 ships with regionclip."""
    kept = await run_in_threadpool(desk.service.vocabularies.all)
    return JSONResponse([_told(each) for each in kept])


@router.get("/vocabularies/{id}", response_model=answers.KeptVocabulary)
async def get_vocabulary(desk: AtDesk, id: VocabularyId) -> Response:
    """One version, also where it is retired."""
    return JSONResponse(_told(await run_in_threadpool(desk.service.vocabularies.get, id)))


@router.delete("/vocabularies/{id}", response_model=answers.KeptVocabulary)
async def retire_vocabulary(desk: AtDesk, id: VocabularyId) -> Response:
    """Let nobody ask for a version any more."""
    return JSONResponse(_told(await run_in_threadpool(desk.service.vocabularies.retire, id)))


@router.websocket("/stream")
async def stream(socket: WebSocket) -> None:
    """Pictures in, results out (`regionclip.serve.stream`)."""
    await talk(socket, socket.app.state.desk)


@router.get("/healthz", response_model=dict[str, str])
async def healthy(desk: AtDesk) -> Response:
    """Whether the process should live on."""
    return _state(desk.batches.is_alive)


@router.get("/readyz", response_model=dict[str, str])
async def ready(desk: AtDesk) -> Response:
    """Whether questions are taken."""
    return _state(desk.batches.takes_more)


@router.get("/metrics", response_class=PlainTextResponse)
async def metrics(desk: AtDesk) -> Response:
    """Figures in Prometheus' text format."""
    return Response(await run_in_threadpool(desk.figures), media_type=CONTENT_TYPE_LATEST)


async def _answered(request: Request, desk: Desk, seconds: float | None, make: Callable[[Service], Ask]) -> Response:
    answer = await desk.in_time(request, seconds, make)
    if isinstance(answer, bytes):
        return Response(answer, media_type="application/octet-stream")
    return JSONResponse(answer)


def _name(upload: UploadFile) -> str:
    return (upload.filename or "image")[:_NAME]


def _told(version: Version) -> dict[str, object]:
    words = as_table(version.vocabulary)
    return {
        "id": version.id,
        "name": version.name,
        "version": version.number,
        "retired": version.retired,
        "words": words,
    }


def _state(good: bool) -> Response:
    if not good:
        raise ServiceError("the service is stopping, or its tower has failed", 503, 1)
    return JSONResponse({"status": "ok"})
