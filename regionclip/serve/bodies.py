"""Bodies that FastAPI does not read: JSON tables as our TOML files have them, and `/embed`, which takes two kinds."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import Field
from starlette.datastructures import UploadFile
from starlette.requests import Request

from regionclip.errors import ServiceError
from regionclip.formats.settings import Expected, Settings
from regionclip.serve.batches import Ask
from regionclip.serve.service import Service, from_json
from regionclip.serve.vocabularies import NAME
from regionclip.words.file import VocabularyFile

S = TypeVar("S", bound=Settings)

_JSON, _FORM = "application/json", "multipart/form-data"


class NewVocabulary(Settings):
    """Body of `POST /vocabularies`.

    Attributes:
        name: of the vocabulary.
        words: as requests take them, but for an id.
    """

    name: Annotated[str, Field(pattern=f"^{NAME}$"), Expected("1 to 64 letters, digits, _ and -")]
    words: Any


class TextsBody(Settings):
    """JSON body of `/embed`: one `text` or several `texts`, to be compared with whole images or with regions."""

    text: str | None = None
    texts: tuple[str, ...] | None = None
    target: Literal["image", "region"] = "image"


async def read_json(request: Request, kind: type[S]) -> S:
    """The JSON body of a request.

    Raises:
        ServiceError: 415, where it says to be something else: so a page of another site cannot send it unasked.
        RegionclipError: where it does not fit.
    """
    if _kind(request) != _JSON:
        raise ServiceError(f"expected a body of {_JSON}, got {_kind(request) or 'none'}", 415)
    return kind.of(from_json(await request.body(), "body", "a table"), "body")


@asynccontextmanager
async def read_embed(request: Request) -> AsyncIterator[Callable[[Service], Ask]]:
    """What a request to `/embed` asks: texts in JSON, or a picture in a form.

    Raises:
        RegionclipError: where it is neither, or does not fit.
    """
    if _kind(request) != _FORM:
        body = await read_json(request, TextsBody)
        if (body.text is None) == (body.texts is None):
            raise ServiceError("body: expected either text or texts", 422)
        texts = body.texts if body.text is None else (body.text,)
        yield lambda service: service.embed_texts(texts or (), body.target)
        return
    async with request.form(max_files=1, max_fields=8) as form:
        image, boxes, layout = form.get("image"), form.get("boxes"), form.get("format", "json")
        if not isinstance(image, UploadFile):
            raise ServiceError("image: expected a file", 422)
        if isinstance(boxes, UploadFile) or layout not in ("json", "npz"):
            raise ServiceError("boxes, format: expected boxes in JSON, and json or npz", 422)
        yield lambda service: service.embed_image(image.file.read(), boxes=boxes, stored=layout == "npz")


def _kind(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _inlined(node: Any, definitions: dict[str, Any]) -> Any:  # noqa: ANN401 - JSON
    """A JSON schema without references, which would lead nowhere inside of an OpenAPI document."""
    if isinstance(node, list):
        return [_inlined(each, definitions) for each in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _inlined(definitions[node["$ref"].rpartition("/")[2]], definitions)
    return {key: _inlined(value, definitions) for key, value in node.items() if key != "$defs"}


def _words_schema() -> dict[str, Any]:
    table = VocabularyFile.model_json_schema()
    table = _inlined(table, table["$defs"])
    label = table["properties"]["labels"]["items"]
    del label["properties"]["taught"]  # its numbers are in another file
    labels = {"type": "array", "minItems": 1, "items": {"anyOf": [{"type": "string"}, label]}}
    table["properties"]["labels"] = labels
    table["required"] = ["labels"]
    return {"anyOf": [labels, table]}


def _body(content: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {"required": True, "content": {kind: {"schema": schema} for kind, schema in content.items()}}


_vocabulary = NewVocabulary.model_json_schema()
_vocabulary["properties"]["words"] = _words_schema()
VOCABULARY_BODY: Final = _body({_JSON: _vocabulary})
EMBED_BODY: Final = _body(
    {
        _JSON: TextsBody.model_json_schema(),
        _FORM: {
            "type": "object",
            "required": ["image"],
            "properties": {
                "image": {"type": "string", "format": "binary", "description": "A picture file."},
                "boxes": {"type": "string", "description": "A JSON list of [x1, y1, x2, y2] in pixels."},
                "format": {"enum": ["json", "npz"], "default": "json"},
            },
        },
    }
)
"""`npz` gives regions as a file that /classify takes; without `boxes` the proposer then finds them."""
