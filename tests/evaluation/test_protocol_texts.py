"""Scores against truth, descriptions that differ in a word, captions and pictures."""

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from plantedset import write_set
from toy import toy_detector

from regionclip.calibration.reliability import ScoredPairs, expected_calibration_error
from regionclip.errors import BoxError
from regionclip.evaluation.protocols import boxes, calibration, fgovd, retrieval
from regionclip.evaluation.protocols.truth import TrueSet, ask

RED, GREEN = (16, 16, 48, 48), (96, 32, 160, 96)
ALL = (0, 0, 192, 128)


def read(path: Path) -> TrueSet:
    return TrueSet.read(path, path.parent / "images")


def with_notes(path: Path, change: Any) -> TrueSet:  # noqa: ANN401 - a function that changes the notes
    notes = json.loads(path.read_text())
    change(notes)
    path.write_text(json.dumps(notes))
    return read(path)


def test_calibration(tmp_path: Path) -> None:
    """One of two boxes is annotated as what it is not: the error is that of these pairs, whoever computes it."""

    def lie(notes: dict[str, Any]) -> None:
        notes["annotations"][0]["category_id"] = 2

    truth = with_notes(write_set(tmp_path, [{"red": RED, "green": GREEN}, {"red": RED}]), lie)
    detector = toy_detector([], mode="independent")
    words = {"en": ask(truth, [], "en")[1]}
    run = boxes.name(detector, truth, words, tmp_path / "run", crowds=False, watch=iter)
    told, diagram = calibration.report(detector, truth, run)
    (row,) = told.parts["language"]
    said = [(each["score"], each["category_id"] == {0: 2, 1: 1, 2: 0}[each["annotation_id"]]) for each in run.rows]
    said = [pair for pair in said if pair[0] >= 0.05]
    chances, answers = np.array([each[0] for each in said]), np.array([each[1] for each in said])
    expected = expected_calibration_error(ScoredPairs(chances, answers, np.zeros(len(said), np.int64)))
    assert (row["pairs"], row["ECE"]) == (3, pytest.approx(expected))
    assert row["right"] == pytest.approx(2 / 3)
    assert diagram.startswith(b"\x89PNG")


def test_calibration_of_nothing(tmp_path: Path) -> None:
    truth, detector = read(write_set(tmp_path, [{}])), toy_detector([])
    words = {"en": ask(truth, [], "en")[1]}
    run = boxes.name(detector, truth, words, tmp_path / "run", crowds=False, watch=iter)
    (row,) = calibration.report(detector, truth, run)[0].parts["language"]
    assert (row["pairs"], row["ECE"], row["right"]) == (0, None, None)


def test_fgovd(tmp_path: Path) -> None:
    """Two boxes described rightly, one whose description names another colour; a tie goes to the true one."""
    texts = ("a red square", "a green square", "a blue square", "a red box")
    path = write_set(
        tmp_path,
        [{"red": RED, "green": GREEN}, {"blue": RED}],
        categories=[{"id": n, "name": text} for n, text in enumerate(texts)],
    )

    def describe(notes: dict[str, Any]) -> None:
        red, green, blue = notes["annotations"]
        red["neg_category_ids"] = [1, 2, 3]  # "a red box" is the same to the toy
        green["neg_category_ids"] = [0, 2]
        blue |= {"category_id": 1, "neg_category_ids": [0, 2]}

    detector = toy_detector([])
    truth = with_notes(path, describe)
    told = fgovd.evaluate(detector, truth, tmp_path / "run", iter)
    (row,) = told.parts["boxes"]
    assert (row["count"], row["top-1"]) == (3, pytest.approx(2 / 3))
    assert row["by chance"] == pytest.approx((1 / 4 + 1 / 3 + 1 / 3) / 3)
    said = json.loads((tmp_path / "run" / "results.json").read_text())
    assert [each["category_id"] for each in said] == [0, 1, 2]
    with pytest.raises(BoxError, match="expected `neg_category_ids` of annotations"):
        fgovd.evaluate(detector, read(write_set(tmp_path / "bare", [{"red": RED}])), tmp_path / "no", iter)


def captions(path: Path, *texts: tuple[int, str]) -> TrueSet:
    def write(notes: dict[str, Any]) -> None:
        notes.pop("categories", None)
        notes["annotations"] = [{"id": n, "image_id": image, "caption": text} for n, (image, text) in enumerate(texts)]

    return with_notes(path, write)


def test_retrieval(tmp_path: Path) -> None:
    path = write_set(tmp_path, [{"red": ALL}, {"green": ALL}, {"blue": ALL}])
    truth = captions(path, (0, "all red"), (0, "a green lie"), (1, "green"), (2, "纯蓝"))
    detector = toy_detector([])
    told = retrieval.evaluate(detector, truth, tmp_path / "run", iter)
    to_text, to_picture = told.parts["from"]
    assert (to_text["asked"], to_picture["asked"]) == (3, 4)
    # Picture 1 is as near to the lie as to its own caption, and a tie counts against it.
    assert (to_text["R@1"], to_text["R@5"]) == (pytest.approx(2 / 3), 1.0)
    assert (to_picture["R@1"], to_picture["R@5"]) == (0.75, 1.0)
    rows = json.loads((tmp_path / "run" / "results.json").read_text())
    kept = np.frombuffer(base64.b64decode(rows[1]["embedding"]), "<f4")
    np.testing.assert_array_equal(kept, detector.embed_image(tmp_path / "images" / "1.png"))
    with pytest.raises(BoxError, match="image 1 has none"):
        retrieval.evaluate(detector, captions(path, (0, "all red")), tmp_path / "no", iter)
