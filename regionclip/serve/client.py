"""Client: the service from Python, in a few typed calls."""

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, SupportsFloat, TypeAlias

import httpx

from regionclip.errors import ServiceError
from regionclip.serve.answers import Embedded, KeptVocabulary, Result
from regionclip.serve.vocabularies import as_table
from regionclip.words.vocabulary import Vocabulary

Image: TypeAlias = bytes | str | Path
"""Content of a picture file, or its path on this machine."""

Boxes: TypeAlias = Iterable[Iterable[SupportsFloat]]
"""`x1 y1 x2 y2` in pixels, as lists or an array."""

Words: TypeAlias = str | Vocabulary | Sequence[str | Mapping[str, Any]]
"""The id of a vocabulary that the service keeps; or words: strings and tables as a vocabulary file has them."""


class Client:
    """A service as its clients see it; use it with `with`. Any number of threads may share one.

    Args:
        url: of the service.
        token: that it wants.
        timeout: seconds for an answer; a busy service is asked again within them.

    Every call raises a `ServiceError` where the service refuses, fails, or is not there.
    """

    def __init__(self, url: str = "http://127.0.0.1:8000", *, token: str | None = None, timeout: float = 30.0) -> None:
        headers = {"X-Timeout": str(timeout)} | ({} if token is None else {"Authorization": f"Bearer {token}"})
        self._timeout = timeout
        # No proxy and no password of the surroundings: pictures go to the service alone.
        self._http = httpx.Client(base_url=url, headers=headers, timeout=timeout, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close its connections."""
        self._http.close()

    def detect(
        self, image: Image, words: Words, *, boxes: Boxes | None = None, threshold: float | None = None
    ) -> Result:
        """Label the regions of a picture; without boxes (x1 y1 x2 y2, pixels) the proposer finds them."""
        return self._result("/detect", image, words, boxes=_boxes(boxes), threshold=threshold)

    def classify(self, image: Image, words: Words) -> Result:
        """Which words fit a whole picture: `result.classes`, the best first."""
        return self._result("/classify", image, words)

    def regions(self, image: Image, *, boxes: Boxes | None = None) -> bytes:
        """Regions of a picture, to be asked with `classify_regions`, or read by `Regions.load` from a file."""
        return self._ask("POST", "/embed", **_form(image, boxes=_boxes(boxes), format="npz")).content

    def classify_regions(self, regions: bytes, words: Words, *, threshold: float | None = None) -> Result:
        """Label stored regions with other words; nothing is encoded again."""
        return self._result("/classify", regions, words, name="regions", threshold=threshold)

    def embed_texts(self, texts: Sequence[str], target: Literal["image", "region"] = "image") -> Embedded:
        """Unit-length embeddings of texts, to be compared with whole images or with regions."""
        body = {"texts": list(texts), "target": target}
        return Embedded.model_validate(self._ask("POST", "/embed", json=body).json())

    def embed_image(self, image: Image, *, boxes: Boxes | None = None) -> Embedded:
        """Unit-length embedding of a whole picture, or of each box."""
        return Embedded.model_validate(self._ask("POST", "/embed", **_form(image, boxes=_boxes(boxes))).json())

    def create_vocabulary(self, name: str, words: Words) -> KeptVocabulary:
        """Keep words under a name, as its next version; `id` of what comes back names it in other calls."""
        body = {"name": name, "words": json.loads(_text(words))}
        return KeptVocabulary.model_validate(self._ask("POST", "/vocabularies", json=body).json())

    def vocabularies(self) -> list[KeptVocabulary]:
        """All versions that the service keeps."""
        return [KeptVocabulary.model_validate(each) for each in self._ask("GET", "/vocabularies").json()]

    def vocabulary(self, id: str) -> KeptVocabulary:
        """One version; of a bare name its newest."""
        return KeptVocabulary.model_validate(self._ask("GET", f"/vocabularies/{id}").json())

    def retire_vocabulary(self, id: str) -> KeptVocabulary:
        """Let nobody ask for a version any more."""
        return KeptVocabulary.model_validate(self._ask("DELETE", f"/vocabularies/{id}").json())

    def _result(self, path: str, file: Image, words: Words, *, name: str = "image", **fields: object) -> Result:
        form = _form(file, name, words=_text(words), **fields)
        return Result.model_validate(self._ask("POST", path, **form).json())

    def _ask(self, method: str, path: str, **request: Any) -> httpx.Response:  # noqa: ANN401 - httpx's own
        due = time.monotonic() + self._timeout
        while True:
            try:
                answer = self._http.request(method, path, **request)
            except httpx.HTTPError as error:
                raise ServiceError(f"{self._http.base_url}: no answer: {error or type(error).__name__}", 0) from error
            if answer.is_success:
                return answer
            after = int(answer.headers.get("Retry-After", 0)) or None
            if after is None or time.monotonic() + after > due:
                raise ServiceError(_reason(answer), answer.status_code, after)
            time.sleep(after)


def _reason(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["error"])
    except (ValueError, KeyError, TypeError):
        return f"status {answer.status_code}"


def _text(words: Words) -> str:
    if isinstance(words, str):
        return words
    return json.dumps(as_table(words) if isinstance(words, Vocabulary) else list(words), ensure_ascii=False)


def _boxes(boxes: Boxes | None) -> str | None:
    return None if boxes is None else json.dumps([list(map(float, box)) for box in boxes])


def _form(file: Image, name: str = "image", **fields: object) -> dict[str, Any]:
    """A form with a file, as httpx takes it."""
    content = ("file", file) if isinstance(file, bytes) else (Path(file).name, Path(file).read_bytes())
    return {"data": {key: str(value) for key, value in fields.items() if value is not None}, "files": {name: content}}
