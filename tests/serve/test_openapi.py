"""The OpenAPI document is complete and true, and no input gets a fault out of the service."""

import io
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import hypothesis
import mutated
import numpy as np
import pytest
import schemathesis
from mutated import Mutate, mutants
from PIL import Image
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.schemas import OpenApiSchema
from served import png, serving
from toy import toy_detector

from regionclip.answers.regions import Regions
from regionclip.serve import Client, Limits
from regionclip.words.file import LabelTable, VocabularyFile

TABLES = {
    "labels": [
        {"name": "red", "prompts": {"en": ["red"], "zh": ["红"]}, "threshold": 0.4, "name_zh": "红", "group": "a"},
        {"name": "blue", "negatives": ["grey"], "templates": {"en": ["a {}."]}},
        {"name": "grey", "of": ["red"]},
    ],
    "threshold": 0.5,
    "templates": "none",
}
BOXES = [[16.0, 16.0, 80.0, 80.0], [0.0, 0.0, 9.5, 9.0]]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    # A phrase of any script is read by the toy tower.
    with serving(toy_detector([[16, 16, 80, 80]]), limits=Limits(body=100_000, pixels=200_000)) as url:
        yield url


@pytest.fixture(scope="module")
def document(url: str) -> OpenApiSchema:
    return schemathesis.openapi.from_url(f"{url}/openapi.json")


def ask_all(document: OpenApiSchema, examples: int) -> None:
    """Ask every route with what fits its schema, and with what does not."""
    # What fits need not be a picture, or words: those are refused, and rightly.
    excluded: Any = [schemathesis.checks.CHECKS.get_one("positive_data_acceptance")]
    asked = set()
    for result in document.get_all_operations():
        assert isinstance(result, Ok)  # the document is valid
        operation = result.ok()
        for mode in schemathesis.GenerationMode:

            @hypothesis.settings(max_examples=examples, suppress_health_check=list(hypothesis.HealthCheck))
            @hypothesis.given(case=operation.as_strategy(mode))
            def ask(case: schemathesis.Case[Any]) -> None:
                case.headers.pop("x-timeout", None)  # an answer that is wanted at once may come too late
                case.call_and_validate(excluded_checks=excluded)

            with suppress(hypothesis.errors.Unsatisfiable):  # nothing can be wrong with a route without parameters
                ask()
                asked.add(operation.label)
    assert len(asked) == 10


def test_every_route_does_what_the_document_says(document: OpenApiSchema) -> None:
    ask_all(document, 10)


@pytest.mark.slow
def test_every_route_does_what_the_document_says_at_length(document: OpenApiSchema) -> None:
    ask_all(document, 200)


def test_every_route_is_in_the_document(url: str) -> None:
    document = httpx.get(f"{url}/openapi.json", trust_env=False).json()
    assert sorted(document["paths"]) == sorted(
        ["/detect", "/classify", "/embed", "/vocabularies", "/vocabularies/{id}", "/healthz", "/readyz", "/metrics"]
    )
    words = document["paths"]["/vocabularies"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    _, table = words["properties"]["words"]["anyOf"]
    label = table["properties"]["labels"]["items"]["anyOf"][1]
    own = {field.validation_alias or name for name, field in LabelTable.model_fields.items()}
    assert set(label["properties"]) == own - {"taught"}
    assert set(table["properties"]) == set(VocabularyFile.model_fields)
    assert "$ref" not in json.dumps(words)
    errors = {"400", "401", "403", "404", "405", "408", "410", "413", "415", "422", "500", "503", "504", "507"}
    for path in document["paths"].values():
        for operation in path.values():
            assert set(operation["responses"]) - {"200", "201"} == errors


def attack(ask: Callable[[bytes], httpx.Response], content: bytes, mutate: Mutate, count: int) -> None:
    """Ask with mutants: each is answered, or refused with one line in the one form of an error."""
    assert ask(content).status_code in (200, 201)
    refused = 0
    for mutant in mutants(content, mutate, count, seed=11):
        answer = ask(mutant)
        told = answer.json()
        if not answer.is_success:
            refused += 1
            assert (answer.status_code, set(told)) in [(status, {"status", "error"}) for status in (404, 413, 422)]
            assert "\n" not in told["error"]
            assert not {"Traceback", "/tmp", ".py"} & set(told["error"].split())
    assert refused >= count // 5
    assert ask(content).status_code in (200, 201)


@pytest.fixture(scope="module")
def http(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, timeout=60, trust_env=False) as http:
        yield http


def encoded(kind: str) -> bytes:
    buffer = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(buffer, kind)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP"])
def test_damaged_pictures(http: httpx.Client, kind: str) -> None:
    form = {"words": '["red"]'}
    attack(
        lambda content: http.post("/detect", data=form, files={"image": content}),
        encoded(kind),
        mutated.bytes_changed,
        80,
    )


@pytest.mark.parametrize("mutate", [mutated.text_changed, mutated.json_changed])
def test_damaged_words_and_boxes(http: httpx.Client, mutate: Mutate) -> None:
    def post(**form: bytes) -> httpx.Response:
        return http.post("/detect", data={"words": b'["red"]'} | form, files={"image": png()})

    attack(lambda words: post(words=words), json.dumps(TABLES).encode(), mutate, 100)
    attack(lambda boxes: post(boxes=boxes), json.dumps(BOXES).encode(), mutate, 60)


@pytest.mark.parametrize("mutate", [mutated.text_changed, mutated.json_changed])
def test_damaged_bodies(http: httpx.Client, mutate: Mutate) -> None:
    kind = {"Content-Type": "application/json"}
    body = json.dumps({"texts": ["red", "红"], "target": "region"}).encode()
    attack(lambda content: http.post("/embed", content=content, headers=kind), body, mutate, 60)
    body = json.dumps({"name": "gate", "words": TABLES}).encode()
    attack(lambda content: http.post("/vocabularies", content=content, headers=kind), body, mutate, 100)


def test_damaged_regions(http: httpx.Client, url: str, tmp_path: Path) -> None:
    with Client(url) as client:
        stored = client.regions(png(), boxes=BOXES)
    (tmp_path / "own.npz").write_bytes(stored)
    assert len(Regions.load(tmp_path / "own.npz")) == 2
    form = {"words": '["red"]'}
    attack(
        lambda content: http.post("/classify", data=form, files={"regions": content}), stored, mutated.zip_changed, 150
    )
