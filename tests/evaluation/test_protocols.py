"""Protocols on sets of pictures: rows that are kept, and figures of them."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from plantedset import NAMES, Squares, write_set
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from toy import ToyTower, toy_detector

from regionclip.detector import Detector
from regionclip.errors import BoxError, ConfigError, FileError, ImageFileError, PromptError
from regionclip.evaluation.protocols import boxes, coco, suite
from regionclip.evaluation.protocols.federated import Evaluated
from regionclip.evaluation.protocols.report import Report
from regionclip.evaluation.protocols.rows import Recorded
from regionclip.evaluation.protocols.truth import TrueImage, TrueSet, ask

RED, GREEN = (16, 16, 48, 48), (96, 32, 160, 96)
PICTURES: tuple[Squares, ...] = ({"red": RED}, {"red": RED, "green": GREEN}, {})


def read(path: Path, **more: Any) -> TrueSet:  # noqa: ANN401
    return TrueSet.read(path, path.parent / "images", **more)


def ranked(proposals: Sequence[Sequence[int]], **settings: Any) -> Detector:  # noqa: ANN401
    return toy_detector(proposals, **{**coco.SETTINGS, **settings})


def find(detector: Detector, truth: TrueSet, folder: Path, **more: Any) -> Recorded:  # noqa: ANN401
    truth, words = ask(truth, [], "en")
    return coco.find(detector, truth, words, folder, **{"boxes": "proposals", "watch": iter, **more})


def tower_of(detector: Detector) -> ToyTower:
    assert isinstance(detector.tower, ToyTower)
    return detector.tower


def test_one_pass_an_image_and_no_image_twice(tmp_path: Path) -> None:
    detector, truth = ranked([RED, GREEN]), read(write_set(tmp_path, PICTURES))
    seen: list[int] = []

    def two(images: Sequence[TrueImage]) -> Iterable[TrueImage]:
        for image in images:
            if len(seen) == 2:
                raise KeyboardInterrupt
            seen.append(image.id)
            yield image

    with pytest.raises(KeyboardInterrupt):
        find(detector, truth, tmp_path / "run", watch=two)
    assert tower_of(detector).passes == 2
    rows = tmp_path / "run" / "rows.jsonl"
    rows.write_bytes(rows.read_bytes() + b'{"image_id": 2, "ro')  # as a full disk or a power cut leaves it
    run = find(detector, truth, tmp_path / "run")
    assert tower_of(detector).passes == 3
    assert [json.loads(line)["image_id"] for line in rows.read_text().splitlines()[1:]] == [0, 1, 2]
    assert run.rows == find(ranked([RED, GREEN]), truth, tmp_path / "whole").rows
    assert run.path.read_bytes() == (tmp_path / "whole" / "results.json").read_bytes()
    assert run.patches == (96, 96, 96)


@pytest.mark.parametrize(
    ("changed", "named"),
    [({"revision": "toy-2"}, "tower is .toy@toy-1."), ({"nms_iou": 0.6}, "settings is")],
)
def test_rows_of_another_tower_or_setting_are_refused(tmp_path: Path, changed: dict[str, Any], named: str) -> None:
    truth = read(write_set(tmp_path, PICTURES))
    find(ranked([RED]), truth, tmp_path / "run")
    before = (tmp_path / "run" / "rows.jsonl").read_bytes()
    with pytest.raises(FileError, match=f"rows of another run: {named}"):
        find(ranked([RED], **changed), truth, tmp_path / "run")
    assert (tmp_path / "run" / "rows.jsonl").read_bytes() == before


def test_another_file_is_not_overwritten(tmp_path: Path) -> None:
    truth = read(write_set(tmp_path, PICTURES))
    for content in ("dear diary\n", "[1, 2]\n"):
        (tmp_path / "rows.jsonl").write_text(content)
        with pytest.raises(FileError, match="expected rows of an evaluation, got another file"):
            find(ranked([RED]), truth, tmp_path)
        assert (tmp_path / "rows.jsonl").read_text() == content


def test_figures_are_those_of_pycocotools_on_the_file(tmp_path: Path) -> None:
    """Whoever has results.json and the annotations gets the same twelve figures."""
    path = write_set(tmp_path, PICTURES)
    notes = json.loads(path.read_text())
    for entry in notes["annotations"]:
        entry["id"] += 1  # pycocotools itself takes a match with id 0 for none
    path.write_text(json.dumps(notes))
    detector, truth = ranked([RED, (100, 40, 170, 100), (20, 20, 60, 60), (0, 90, 40, 128)]), read(path)
    run = find(detector, truth, tmp_path / "run")
    figures = coco.report(detector, truth, run).parts["classes"][0]
    official = COCO(str(path))
    outside = COCOeval(official, official.loadRes(str(run.path)), "bbox")
    outside.evaluate()
    outside.accumulate()
    outside.summarize()
    names = ["AP", "AP50", "AP75", "AP small", "AP medium", "AP large"]
    names += ["AR@100", "AR@100 small", "AR@100 medium", "AR@100 large"]
    expected = [*outside.stats[:6], *outside.stats[8:]]
    assert 0 < expected[0] < 1
    got = [-1 if figures[name] is None else figures[name] for name in names]
    np.testing.assert_allclose(got, expected, atol=1e-12)


def test_figures_are_those_of_faster_coco_eval(tmp_path: Path) -> None:
    faster = pytest.importorskip("faster_coco_eval")
    rng = np.random.default_rng(5)
    squares = [
        {name: (x, y, x + w, y + h) for name, (x, y, w, h) in zip(NAMES, rows, strict=False)}
        for rows in rng.integers(8, 60, (12, 3, 4)).tolist()
    ]
    path = write_set(tmp_path, squares)
    notes = json.loads(path.read_text())
    for entry in notes["annotations"]:
        entry["id"] += 1
        entry["iscrowd"] = int(entry["id"] % 7 == 0)
    path.write_text(json.dumps(notes))
    rows = [
        {"image_id": entry["image_id"], "category_id": int(rng.integers(4)),
         "bbox": [float(side) for side in np.array(entry["bbox"]) + rng.normal(0, 4, 4)], "score": float(rng.random())}
        for entry in notes["annotations"]
        for _ in range(6)
    ]  # fmt: skip
    official = faster.COCO(notes)
    outside = faster.COCOeval_faster(official, official.loadRes([dict(row) for row in rows]), "bbox")
    outside.run()
    found = Evaluated(read(path), rows)
    assert found.ap() == pytest.approx(outside.stats_as_dict["AP_all"], abs=1e-9)
    assert found.ap(iou=0.5) == pytest.approx(outside.stats_as_dict["AP_50"], abs=1e-9)
    assert found.ar() == pytest.approx(outside.stats_as_dict["AR_third"], abs=1e-9)


def test_classes_nobody_looked_for_are_left_out(tmp_path: Path) -> None:
    """The green square of picture 1 is not annotated, and its source was not looked through for green."""
    sources = {"colours": {"category_ids": [0]}}
    path = write_set(tmp_path, [{"red": RED}, {"red": RED}], sources=sources)
    notes = json.loads(path.read_text())
    notes["annotations"].append({"id": 9, "image_id": 0, "category_id": 1, "bbox": [96, 32, 64, 64], "iscrowd": 0})
    exhaustive = read_with(path, notes)
    for entry in notes["images"][1:]:
        entry["source"] = "colours"
    federated = read_with(path, notes)
    rows = [
        {"image_id": image, "category_id": 1, "bbox": [96, 32, 64, 64], "score": 0.9 - 0.1 * image} for image in (1, 0)
    ]
    rows = [{**row, "score": score} for row, score in zip(rows, (0.9, 0.5), strict=True)]
    assert Evaluated(exhaustive, rows).ap([1]) == pytest.approx(0.5)
    assert Evaluated(federated, rows).ap([1]) == pytest.approx(1.0)
    assert federated.is_federated
    assert not exhaustive.is_federated


def read_with(path: Path, notes: dict[str, Any]) -> TrueSet:
    path.write_text(json.dumps(notes), encoding="utf-8")
    return read(path)


def name_all(tmp_path: Path, detector: Detector, truth: TrueSet, **more: Any) -> Report:  # noqa: ANN401
    words = {name: ask(truth, [], name)[1] for name in ("en", "zh")}
    run = boxes.name(detector, truth, words, tmp_path / "run", **{"crowds": False, "watch": iter, **more})
    return boxes.report(detector, truth, run)


def test_true_boxes_named(tmp_path: Path) -> None:
    """Three squares named rightly in both languages, one annotated as what it is not: top-1 of 3 in 4, top-5 of all."""
    path = write_set(tmp_path, [*PICTURES, {"blue": GREEN}])
    notes = json.loads(path.read_text())
    notes["annotations"][3]["category_id"] = 1
    detector = toy_detector([], mode="closed")
    report = name_all(tmp_path, detector, read_with(path, notes))
    rows = {row["boxes"]: row for row in report.parts["boxes"]}
    assert (rows["all"]["count"], rows["all"]["top-1 en"], rows["all"]["top-1 zh"]) == (4, 0.75, 0.75)
    assert (rows["all"]["top-5 en"], rows["all"]["gap top-1"]) == (1.0, 0.0)
    assert rows["mean of classes"]["top-1 en"] == 0.75  # red 2 of 2, green 1 of 2
    assert [rows[size]["count"] for size in ("small", "medium", "large")] == [0, 4, 0]
    assert rows["small"]["top-1 en"] is None
    assert {row["boxes"]: row["top-1 en"] for row in report.parts["per class"]} == {"red": 1.0, "green": 0.5}
    assert "patches: at most 10000, median 96 an image" in report.table()
    assert "boxes,all,top-1 en,0.75" in report.csv().splitlines()


def test_crowds_only_where_asked(tmp_path: Path) -> None:
    path = write_set(tmp_path, PICTURES)
    notes = json.loads(path.read_text())
    notes["annotations"][0]["iscrowd"] = 1
    truth = read_with(path, notes)
    assert name_all(tmp_path / "a", toy_detector([]), truth).parts["boxes"][0]["count"] == 2
    assert name_all(tmp_path / "b", toy_detector([]), truth, crowds=True).parts["boxes"][0]["count"] == 3


def test_a_set_without_boxes(tmp_path: Path) -> None:
    truth = read(write_set(tmp_path, [{}]))
    report = name_all(tmp_path, toy_detector([]), truth)
    assert report.parts["boxes"][0] == {
        "boxes": "all", "count": 0, "top-1 en": None, "top-5 en": None, "top-1 zh": None, "top-5 zh": None,
        "gap top-1": None,
    }  # fmt: skip
    detector = ranked([])
    run = find(detector, truth, tmp_path / "found")
    assert tower_of(detector).passes == 0
    assert run.rows == []
    assert coco.report(detector, truth, run).parts["classes"][0]["AP"] is None


def test_words(tmp_path: Path) -> None:
    truth = read(write_set(tmp_path, PICTURES))
    fewer, words = ask(truth, ["green=green thing", "红"], "en")
    assert [each.id for each in fewer.categories] == [1, 0]
    assert [label.phrases for label in words] == [("green thing",), ("红",)]
    assert [len(image.boxes) for image in fewer.images] == [1, 2, 0]
    assert next(label.phrases for label in ask(truth, [], "both")[1]) == ("red", "红")
    with pytest.raises(PromptError, match=r"'pink' is no class of annotations.json"):
        ask(truth, ["pink"], "en")
    with pytest.raises(PromptError, match="'red' is asked twice"):
        ask(truth, ["red", "红"], "en")
    bare = read(
        write_set(tmp_path / "bare", PICTURES, categories=[{"id": n, "name": name} for n, name in enumerate(NAMES)])
    )
    with pytest.raises(ConfigError, match=r"no Chinese name .* of red, green"):
        ask(bare, [], "zh")


def test_names_of_coco_are_known_in_chinese(tmp_path: Path) -> None:
    names = ["person", "sports_ball"]
    path = write_set(tmp_path, [{}], categories=[{"id": n, "name": name} for n, name in enumerate(names)])
    assert [label.phrases for label in ask(read(path), [], "both")[1]] == [
        ("person", "人"),
        ("sports ball", "运动用球"),
    ]


def test_a_file_in_chinese(tmp_path: Path) -> None:
    """BoxClass-CN: the names are Chinese, and there are no others."""
    path = write_set(tmp_path, PICTURES, categories=[{"id": n, "name": name} for n, name in enumerate("红绿蓝灰")])
    truth = read(path)
    assert truth.languages == ("zh",)
    assert ask(truth, [], "zh")[1].names == ("红", "绿", "蓝", "灰")


def test_split_of_ovcoco(tmp_path: Path) -> None:
    from regionclip.evaluation.protocols.truth import COCO as KNOWN

    base, novel = KNOWN["ovcoco"]["base"], KNOWN["ovcoco"]["novel"]
    assert (len(set(base)), len(set(novel)), len({*base, *novel}), len(KNOWN["zh"])) == (48, 17, 65, 80)
    assert {*base, *novel} <= set(KNOWN["zh"])
    path = write_set(
        tmp_path, [{"red": RED}], categories=[{"id": n, "name": name} for n, name in enumerate([*base, *novel])]
    )
    truth = read(path)
    split = coco.split_of(truth)
    assert [len(ids) for ids in split.values()] == [48, 17]
    with pytest.raises(PromptError, match="expected the 65 classes"):
        coco.split_of(read(write_set(tmp_path / "few", PICTURES)))
    detector = ranked([RED])
    run = find(detector, truth, tmp_path / "run")
    rows = {row["classes"]: row["AP50"] for row in coco.ov_report(detector, truth, run).parts["classes"]}
    assert rows == {
        "novel": None,
        "base": pytest.approx(1.0),
        "all": pytest.approx(1.0),
    }  # all words look alike to the toy; one box, one class


def test_a_suite(tmp_path: Path) -> None:
    write_set(tmp_path / "sets" / "one", PICTURES)
    inner = write_set(tmp_path / "sets" / "two" / "test", PICTURES)
    inner.rename(inner.with_name("_annotations.coco.json"))
    (tmp_path / "sets" / "empty").mkdir()
    found = suite.find_sets(tmp_path / "sets", "test")
    assert list(found) == ["one", "two"]
    assert found["two"][1].name == "images"
    detector = ranked([RED])
    reports = {
        name: coco.report(detector, truth, find(detector, truth, tmp_path / name))
        for name, truth in ((name, TrueSet.read(*places)) for name, places in found.items())
    }
    rows = suite.report(reports, tmp_path / "sets").parts["sets"]
    assert [row["set"] for row in rows] == ["one", "two", "mean of 2"]
    assert rows[2]["AP"] == rows[0]["AP"] == pytest.approx(0.5)  # red found, green not
    with pytest.raises(ConfigError, match="expected folders with"):
        suite.find_sets(tmp_path / "sets" / "empty", "test")


@pytest.mark.parametrize(
    ("changed", "error", "named"),
    [
        ({"categories": [{"id": 7, "name": "red"}]}, BoxError, "category 0, which is not listed"),
        ({"images": [{"id": 0, "file_name": "no.png"}], "annotations": []}, ImageFileError, "1 of 1 pictures missing"),
        ({"images": [{"id": 0}], "annotations": []}, BoxError, "an entry without 'coco_url'"),
        ({"annotations": [{"id": 1, "image_id": 0, "category_id": 0, "bbox": [1, 2]}]}, BoxError, "expected COCO JSON"),
        ({"images": [], "annotations": []}, BoxError, "no images"),
        ({"categories": [{"id": 0, "name": "red"}] * 2}, BoxError, "categories: expected an id of its own"),
    ],
)
def test_sets_that_cannot_be_used(tmp_path: Path, changed: dict[str, Any], error: type[Exception], named: str) -> None:
    path = write_set(tmp_path, PICTURES, **changed)
    with pytest.raises(error, match=named):
        read(path)
