"""Errors row by row, their cost, presence, and pictures of them, on cases made by hand."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plantedset import write_set
from toy import toy_detector

from regionclip.evaluation.protocols import coco, errors, pictures, presence
from regionclip.evaluation.protocols.federated import Evaluated
from regionclip.evaluation.protocols.rows import Recorded, Row
from regionclip.evaluation.protocols.truth import TrueBox, TrueImage, TrueSet, ask
from regionclip.frames import read_frame

RED, GREEN = (16, 16, 48, 48), (96, 32, 160, 96)


def row(category: int, box: tuple[float, float, float, float], score: float, image: int = 0) -> Row:
    return {"image_id": image, "category_id": category, "bbox": list(box), "score": score}


def planted_set(tmp_path: Path, **more: Any) -> TrueSet:  # noqa: ANN401
    path = write_set(tmp_path, [{"red": RED, "green": GREEN, "blue": (0, 100, 20, 120)}], **more)
    return TrueSet.read(path, tmp_path / "images")


ROWS = [
    row(0, (16, 16, 32, 32), 0.9),  # right
    row(0, (17, 17, 32, 32), 0.8),  # duplicate
    row(0, (32, 16, 32, 32), 0.7),  # location: IoU 1/3
    row(2, (96, 32, 64, 64), 0.6),  # class: on green
    row(3, (128, 32, 64, 64), 0.5),  # both: IoU 1/3 with green
    row(3, (60, 0, 20, 20), 0.4),  # background
]


def test_every_kind(tmp_path: Path) -> None:
    found = errors.judge(planted_set(tmp_path), ROWS)
    kinds = [each.kind for each in found]
    assert kinds == ["right", "duplicate", "location", "class", "both", "background", "missed"]
    assert [each.box.category for each in found if each.box] == [0, 0, 0, 1, 1, 2]


def test_costs(tmp_path: Path) -> None:
    """AP50 of red 1, of green and blue 0. Right rows of green and a box of blue less would bring each to 1."""
    base, gains = errors.costs(truth := planted_set(tmp_path), errors.judge(truth, ROWS))
    assert base == pytest.approx(1 / 3)
    assert gains["class"] == pytest.approx(1 / 3)  # green is found
    assert gains["missed"] == pytest.approx(1 / 2 - 1 / 3)  # blue is not asked for
    assert {gains[kind] for kind in ("location", "both", "duplicate", "background")} == {0.0}
    alone = [row(1, (128, 32, 64, 64), 0.3)]  # a location error on green
    _, gains = errors.costs(truth, errors.judge(truth, alone))
    assert gains["location"] == pytest.approx(1 / 3)


def test_crowds_partial_and_unjudged_classes_count_for_nothing() -> None:
    crowd = TrueBox(1, 1, (0, 0, 100, 100), 10_000, crowd=True)
    image = TrueImage(0, Path("x"), (crowd,), judged=frozenset({1, 2}), partial=frozenset({2}))
    truth = TrueSet("x", tuple(_category(each) for each in (1, 2, 3)), (image,))
    inside, elsewhere = (10, 10, 20, 20), (200, 200, 20, 20)
    rows = [row(1, inside, 0.9), row(2, elsewhere, 0.8), row(3, elsewhere, 0.7), row(1, elsewhere, 0.6)]
    assert [(each.kind, each.row and each.row["score"]) for each in errors.judge(truth, rows)] == [("background", 0.6)]


def _category(number: int) -> Any:  # noqa: ANN401
    from regionclip.evaluation.protocols.truth import Category

    return Category(number, f"class {number}", None, "")


@given(st.integers(0, 10_000))
def test_ap50_is_that_of_coco_and_every_row_is_told_of(seed: int) -> None:
    rng = np.random.default_rng(seed)
    boxes = [
        TrueBox(n, int(rng.integers(3)), tuple(rng.uniform(1, 40, 4)), 100.0, crowd=bool(rng.random() < 0.1))
        for n in range(8)
    ]
    images = tuple(TrueImage(n, Path(f"{n}"), tuple(boxes[n::2])) for n in range(2))
    truth = TrueSet("random", tuple(_category(n) for n in range(3)), images)
    rows = [
        row(
            int(rng.integers(3)),
            tuple(np.maximum(1, np.array(box.xywh) + rng.normal(0, 4, 4))),
            float(rng.random()),
            n % 2,
        )
        for n, box in enumerate(boxes)
        for _ in range(3)
    ]
    found = errors.judge(truth, rows)
    base, gains = errors.costs(truth, found)
    expected = Evaluated(truth, rows).ap(iou=0.5)
    assert base == (None if expected is None else pytest.approx(expected, abs=1e-9))
    assert all(gain is None or gain >= -1e-9 for gain in gains.values())
    told = [each.row for each in found if each.row]
    assert len({id(each) for each in told}) == len(told) <= len(rows)
    boxes_told = {each.box.id for each in found if each.box}
    assert boxes_told == {box.id for box in boxes if not box.crowd}


def recorded(rows: list[Row]) -> Recorded:
    return Recorded(rows, Path("results.json"), {"boxes": "proposals"}, (), None)


def test_report_and_pictures(tmp_path: Path) -> None:
    truth = planted_set(tmp_path)
    found = errors.judge(truth, ROWS)
    told = errors.report(toy_detector([]), truth, recorded(ROWS), found, 0.45)
    assert {each["error"]: each["rows"] for each in told.parts["error"]} == {
        "class": 1, "location": 1, "both": 1, "duplicate": 1, "background": 0, "missed": 1,
    }  # fmt: skip
    assert list(told.parts["true"]) == [{"true": "green", "taken for": "blue", "rows": 1}]
    assert pictures.confusion(truth, found, 0.45).startswith(b"\x89PNG")
    (drawn,) = pictures.write_worst(truth, found, 0.45, tmp_path / "worst", 5)
    assert drawn.name == "01-0.jpg"
    changed = np.abs(read_frame(drawn).astype(int) - read_frame(tmp_path / "images" / "0.png")) > 60
    assert changed[100:120, 0:20].any()  # the missed box is marked
    assert pictures.write_worst(truth, found[:1], 0.45, tmp_path / "worst", 5) == []
    assert pictures.confusion(truth, [], 0.45).startswith(b"\x89PNG")


def test_presence(tmp_path: Path) -> None:
    """Two frames: red is said in both and is in the first, green is there and never said, the others never are."""
    truth = TrueSet.read(write_set(tmp_path, [{"red": RED, "green": GREEN}, {}]), tmp_path / "images")
    rows = [row(0, (16, 16, 32, 32), 0.9), row(0, (0, 0, 30, 30), 0.6, 1), row(2, (0, 0, 30, 30), 0.4, 1)]
    told = presence.report(toy_detector([]), truth, recorded(rows), 0.5, fps=2.0)
    (all_,), per_class = told.parts["classes"], told.parts["per class"]
    assert (all_["present"], all_["absent"], all_["recall"], all_["false alarms"]) == (2, 6, 0.5, 1)
    assert (all_["an image"], all_["an hour"]) == (0.5, 3600.0)
    assert all_["MCC"] == pytest.approx(np.corrcoef([1, 1, 0, 0, 0, 0, 0, 0], [1, 0, 1, 0, 0, 0, 0, 0])[0, 1])
    assert all_["pmF1"] == pytest.approx(2 / 3)  # one box found, one missed; false rows of absent pairs are MCC's
    assert all_["cgF1"] == pytest.approx(100 * all_["pmF1"] * all_["MCC"])
    assert [each["false alarms"] for each in per_class] == [1, 0, 0, 0]
    assert per_class[2]["MCC"] is None  # never there, never said
    silent = presence.report(toy_detector([]), truth, recorded([]), 0.5, None).parts["classes"][0]
    assert (silent["recall"], silent["an hour"], silent["MCC"], silent["pmF1"]) == (0.0, None, None, 0.0)


def test_presence_asks_only_what_was_looked_for(tmp_path: Path) -> None:
    path = write_set(tmp_path, [{}, {}])
    truth = TrueSet.read(path, tmp_path / "images")
    truth = TrueSet(truth.identity, truth.categories, tuple(
        TrueImage(image.id, image.path, (), judged=frozenset({0})) for image in truth.images
    ))  # fmt: skip
    told = presence.report(toy_detector([]), truth, recorded([row(1, (0, 0, 9, 9), 0.9)]), 0.5, None)
    assert (told.parts["classes"][0]["absent"], told.parts["classes"][0]["false alarms"]) == (2, 0)


def test_rows_of_a_detector_end_to_end(tmp_path: Path) -> None:
    truth = planted_set(tmp_path)
    detector = toy_detector([RED, GREEN], **coco.SETTINGS)
    run = coco.find(detector, truth, ask(truth, [], "en")[1], tmp_path / "run", boxes="proposals", watch=iter)
    kinds = [each.kind for each in errors.judge(truth, run.rows) if each.row is None or each.row["score"] >= 0.5]
    assert sorted(kinds) == ["missed", "right", "right"]
