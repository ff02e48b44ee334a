"""What the service answers, over real connections: the same as the detector in this process."""

import json
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import httpx
import numpy as np
import pytest
from served import RED, gated, png, post, serving
from toy import planted, toy_detector

from regionclip.answers.records import detection_records
from regionclip.answers.regions import Regions
from regionclip.errors import ConfigError, ServiceError
from regionclip.proposing import make_proposer
from regionclip.serve import Client
from regionclip.serve.vocabularies import Vocabularies
from regionclip.words.vocabulary import Label, Vocabulary

PROPOSED = [[16, 16, 80, 80], [0, 0, 190, 120]]
BOXES = [[16.0, 16.0, 80.0, 80.0], [100.0, 10.0, 160.0, 70.0]]


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with serving(toy_detector(PROPOSED)) as url, Client(url) as client:
        yield client


def test_rows_are_those_of_the_detector(client: Client) -> None:
    direct = toy_detector(PROPOSED)
    words: list[str | Label] = [
        "red",
        Label("蓝", prompts={"zh": ["蓝色"], "en": ["blue"]}, threshold=0.1, group="colour"),
    ]
    result = client.detect(png(), Vocabulary(words))
    assert [row.model_dump(exclude_unset=True) for row in result.detections] == detection_records(direct(RED, words))
    assert (result.layout, result.images[0].width, result.images[0].height) == ("regionclip.detections/1", 192, 128)
    assert [label.threshold for label in result.labels] == [0.5, 0.1]


def test_boxes_threshold_and_columns_of_attributes(client: Client) -> None:
    tables: list[str | dict[str, object]] = [
        {"name": "red"},
        {"name": "grey", "of": "red", "group": "tone", "threshold": 0.0},
    ]
    result = client.detect(png(), tables, boxes=BOXES, threshold=0.9)
    assert [(row.label, row.region) for row in result.detections] == [("red", 0)]
    assert result.detections[0].data["tone"] == "grey"
    assert result.labels[0].threshold == 0.9


def test_no_boxes_at_all(client: Client) -> None:
    result = client.detect(png(), ["red"], boxes=[])
    assert (result.images[0].regions, result.detections) == (0, [])
    assert client.embed_image(png(), boxes=[]).embeddings == []


def test_a_whole_picture(client: Client) -> None:
    result = client.classify(png(planted(red=(0, 0, 192, 128))), ["blue", "red"])
    assert [entry.label for entry in result.classes] == ["red", "blue"]
    assert result.detections == []


def test_stored_regions_are_asked_without_another_look() -> None:
    detector, tower = gated()
    with serving(detector) as url, Client(url) as client:
        stored = client.regions(png(), boxes=BOXES)
        passes = tower.passes
        later = client.classify_regions(stored, ["blue", "red"])
        assert tower.passes == passes
        assert later.detections == client.detect(png(), ["blue", "red"], boxes=BOXES).detections
    other = toy_detector(4, revision="toy-2")
    with serving(other) as url, Client(url) as client, pytest.raises(ServiceError, match="toy-1") as refused:
        client.classify_regions(stored, ["red"])
    assert refused.value.status == 422


def test_regions_are_a_file_of_docs_formats(client: Client, tmp_path: Path) -> None:
    (tmp_path / "own.npz").write_bytes(client.regions(png()))
    regions = Regions.load(tmp_path / "own.npz")
    assert (len(regions), regions.given, regions.fingerprint) == (2, False, "toy-1")


def test_embeddings(client: Client) -> None:
    direct = toy_detector(1)
    texts = client.embed_texts(["red", "蓝"])
    np.testing.assert_allclose(texts.embeddings, direct.embed_texts(["red", "蓝"]), atol=1e-7)
    one = httpx.post(f"{client._http.base_url}/embed", json={"text": "red"}, trust_env=False).json()
    assert one["embeddings"] == texts.embeddings[:1]
    whole = client.embed_image(png())
    np.testing.assert_allclose(whole.embeddings, [direct.embed_image(RED)], atol=1e-7)
    boxes = client.embed_image(png(), boxes=[*BOXES, [5, 5, 5, 5]])
    np.testing.assert_allclose(boxes.embeddings[:2], direct.regions(RED, BOXES).embeddings, atol=1e-7)
    assert (boxes.invalid_regions, boxes.embeddings[2]) == ([2], [0.0] * 3)
    assert client.embed_texts([]).embeddings == []


def test_warnings_go_to_who_asked(client: Client) -> None:
    result = client.detect(png(), ["red"], boxes=[[0.1, 0.1, 0.5, 0.5]])
    assert ["fractions of the frame" in warning for warning in result.warnings] == [True]


def test_versions_of_a_vocabulary(client: Client) -> None:
    first = client.create_vocabulary("gate", ["red"])
    assert client.create_vocabulary("gate", ["red"]) == first
    second = client.create_vocabulary("gate", [{"name": "蓝", "prompts": ["blue"]}])
    assert (first.id, second.id) == ("gate@1", "gate@2")
    assert second.words["labels"] == [{"name": "蓝", "prompts": ["blue"]}]
    blue = png(planted(blue=(16, 16, 80, 80)))
    for words, id, names in (("gate", "gate@2", ["蓝"]), ("gate@1", "gate@1", [])):
        result = client.detect(blue, words, boxes=BOXES)
        assert (result.vocabulary, [row.label for row in result.detections]) == (id, names)
    assert client.retire_vocabulary("gate@2").retired
    with pytest.raises(ServiceError, match="retired") as gone:
        client.detect(blue, "gate@2")
    assert gone.value.status == 410
    assert client.detect(blue, "gate").vocabulary == "gate@1"
    assert client.vocabulary("gate@2").retired
    assert [each.id for each in client.vocabularies() if each.version] == ["gate@1", "gate@2"]
    assert client.detect(png(), "security-ppe").vocabulary == "security-ppe@0"
    assert client.create_vocabulary("gate", [{"name": "蓝", "prompts": ["blue"]}]).id == "gate@3"


def test_a_folder_keeps_them(tmp_path: Path) -> None:
    for expected in ("yard@1", "yard@1"):
        with serving(toy_detector(1), vocabularies=tmp_path / "kept") as url, Client(url) as client:
            assert client.create_vocabulary("yard", Vocabulary(["red"], threshold=0.3)).id == expected
    assert Vocabulary.load(tmp_path / "kept/yard@1.toml") == Vocabulary(["red"], threshold=0.3)
    (tmp_path / "kept/yard@2.toml").write_text("labels = 3")
    with pytest.raises(ConfigError, match="yard@2"):
        Vocabularies(tmp_path / "kept")


def test_processes_share_a_folder(tmp_path: Path) -> None:
    books = [Vocabularies(tmp_path), Vocabularies(tmp_path)]
    made: list[str] = []

    def create(place: int) -> None:
        made.extend(books[place].create("gate", Vocabulary([f"{place} {n}"]))[0].id for n in range(20))

    threads = [Thread(target=create, args=(place,)) for place in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(made) == sorted({f"gate@{n}" for n in range(1, 41)})
    assert books[0].all() == books[1].all()
    (tmp_path / "gate@99.toml").write_text("labels = [")  # being copied there
    books[0].retire("gate@40")
    assert books[1].get("gate").id == "gate@39"
    (tmp_path / "gate@99.toml").write_text('labels = [{name = "red"}]')
    assert books[1].get("gate").id == "gate@99"


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        ("person", 404, 'words are a JSON list, as ["person"]'),
        ("gate@7", 404, "no vocabulary"),
        ("[", 422, "in JSON"),
        ("[" * 100_000, 422, "in JSON"),
        ("[]", 422, "at least one label"),
        ("[3]", 422, "expected a table, got 3"),
        ('["red", "red"]', 422, "given twice"),
        ('["\\ud800"]', 422, "expected words, got"),
        ('[{"name": "red", "treshold": 0.5}]', 422, "unknown key treshold"),
        ('[{"name": "red", "threshold": 2}]', 422, "in 0..1"),
        ('{"labels": [{"name": "a", "taught": {"tower": "x", "examples": 1, "digest": "y"}}]}', 422, "is taught"),
        (json.dumps([f"thing {n}" for n in range(6000)]), 422, "5000 texts"),
    ],
)
def test_words_that_cannot_be_asked(client: Client, words: str, status: int, told: str) -> None:
    answer = post(str(client._http.base_url), words=words)
    assert (answer.status_code, answer.json()["status"]) == (status, status)
    assert told in answer.json()["error"]


def test_a_proposer_that_remembers_is_refused() -> None:
    detector = toy_detector(1)
    detector.proposer = make_proposer(detector.config.with_proposers(["motion"]), None)
    with pytest.raises(ConfigError, match="remembers"), serving(detector):
        pass


def test_a_service_that_is_not_there() -> None:
    with Client("http://127.0.0.1:9", timeout=2) as client, pytest.raises(ServiceError, match="no answer") as raised:
        client.vocabularies()
    assert raised.value.status == 0
