"""English against Chinese: what is compared, on scenes and COCO files with known truth."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from toy import planted, toy_detector

from regionclip.data.translation_sets import Sample, coco_samples, scene_samples
from regionclip.evaluation.accuracy.translation import measure_gap, table
from regionclip.scenes.language.meanings import meanings
from regionclip.scenes.language.phrases import ASKED, COLOURS, KINDS, name, phrase, trait_phrase
from regionclip.scenes.language.sentences import LANGUAGES
from regionclip.scenes.language.statements import false_phrases, true_phrases
from regionclip.scenes.render import render_scene
from regionclip.words.vocabulary import Label, Vocabulary

RED, BLUE, GREY = [16, 16, 80, 80], [112, 32, 176, 112], [84, 0, 108, 24]
FRAME = planted(red=(16, 16, 80, 80), blue=(112, 32, 176, 112), grey=(84, 0, 108, 24))


detector = partial(toy_detector, [])


def sample(truth: list[list[float]]) -> Any:  # noqa: ANN401
    return lambda: Sample(FRAME, np.array([RED, BLUE, GREY], np.float32), np.array(truth, float))


def test_a_language_that_names_the_wrong_thing() -> None:
    """In Chinese the second label means green, so blue squares go to the third."""
    words = Vocabulary([Label("r", ["red", "红"]), Label("b", ["blue", "绿"]), Label("g", ["grey", "灰"])])
    gap = measure_gap(detector(), words, [sample(np.eye(3).tolist())] * 2)
    assert gap.regions == 6
    regions, en, zh, same = gap.totals["labels"]
    assert (regions, en.value) == (6, 1.0)
    assert [zh.value, same.value] == pytest.approx([2 / 3, 2 / 3])
    by_name = {row.label: row for row in gap.labels}
    assert by_name["r"].top1 == (1, 1)
    assert by_name["r"].difference == 0
    assert by_name["b"].top1 == (1, 0)
    assert by_name["b"].same == 0
    assert by_name["b"].precision[0] == 1 > by_name["b"].precision[1]
    assert by_name["b"].difference > 0.9
    assert [row.regions for row in gap.labels] == [2, 2, 2]


def test_labels_that_cannot_be_compared_are_told() -> None:
    words = Vocabulary(
        [Label("r", ["red", "红"]), Label("b", ["blue", "蓝"]), Label("x", ["green"]), Label("y", ["green 绿", "g"])]
    )
    gap = measure_gap(detector(), words, [sample([[1, 0, np.nan, 0], [0, np.nan, np.nan, 0], [0, 0, np.nan, 0]])])
    assert [row.label for row in gap.labels] == ["r"]
    assert gap.left_out == {"b": "none in the set", "x": "no phrase in zh", "y": "none in the set"}
    shown = table(gap)
    assert "not measured (none in the set): b, y" in shown
    assert "not measured (no phrase in zh): x" in shown
    json.dumps(gap.as_json(), allow_nan=False)


def test_nothing_to_compare() -> None:
    gap = measure_gap(detector(), Vocabulary(), [sample([[], [], []])])
    assert (gap.regions, gap.labels, gap.totals) == (3, (), {})
    none = measure_gap(detector(), Vocabulary([Label("r", ["red", "红"])]), [])
    assert (none.regions, none.left_out) == (0, {"r": "the set does not know it"})
    assert table(none) == "not measured (the set does not know it): r"


def test_attributes_are_compared_in_their_column() -> None:
    hot = Label("hot", ["a red one", "红色"], of="square", group="heat")
    cold = Label("cold", ["a blue one", "灰色"], of="square", group="heat")
    lone = Label("lone", ["one blue", "蓝"], of="square")
    words = Vocabulary([Label("square", ["red", "blue", "红", "蓝"]), hot, cold, lone])
    nan = np.nan
    gap = measure_gap(detector(), words, [sample([[1, 1, 0, 0], [1, 0, 1, 1], [0, nan, nan, nan]])])
    assert list(gap.totals) == ["heat"]  # one plain label alone cannot be answered wrongly
    assert gap.totals["heat"][0] == 2
    rows = {row.label: row for row in gap.labels}
    assert rows["hot"].column == "heat"
    assert rows["cold"].top1 == (1, 0)  # 灰 is grey, as far from blue as red is: the first of equals wins
    assert rows["cold"].same == 0
    assert rows["cold"].difference > 0.9
    assert np.isnan(rows["lone"].top1).all()
    assert rows["lone"].precision == (1, 1)
    assert gap.as_json()["labels"][-1]["top1"] == [None, None]


def test_what_scenes_know_of_phrases() -> None:
    known = meanings()
    for language in LANGUAGES:
        assert all(known[name(kind, language)].kinds == {kind} for kind in KINDS)
        for kind, trait in ASKED:
            for holds in (True, False):
                assert known[trait_phrase(kind, trait, holds, language)].traits == ((trait, holds),)
        assert all(known[phrase("person", each, language)].colours == frozenset({each}) for each in COLOURS)
    for index in range(6):
        for item in render_scene(5, index, (240, 320)).objects:
            for language in LANGUAGES:
                assert all(known[text].holds(item) == 1 for text in true_phrases(item, language))
                assert all(known[text].holds(item) == 0 for text in false_phrases(item, language))


def test_truth_of_scenes() -> None:
    words = Vocabulary(
        [
            Label("person", ["worker", "人"]),
            Label("helmet", ["person wearing a hard hat", "戴安全帽的人"], of="person"),
            Label("yeti", ["yeti", "雪人"]),
            Label("car", ["auto"]),
        ]
    )
    seen = 0
    for number, make in enumerate(scene_samples(words, seed=7, count=8, size=(240, 320))):
        made, scene = make(), render_scene(7, number, (240, 320))
        assert made.truth.shape == (len(scene.objects), 4)
        for item, row in zip(scene.objects, made.truth, strict=True):
            assert row[0] == (item.kind == "person")
            sure = item.kind == "person" and item.certain
            assert (row[1] == ("helmet" in item.traits)) if sure else np.isnan(row[1])
            assert np.isnan(row[2])
            assert row[3] == (item.kind == "car")  # the label's name counts as its phrases do
            seen += sure
    assert seen


def test_coco_files(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), FRAME)
    boxes = [[x1, y1, x2 - x1, y2 - y1] for x1, y1, x2, y2 in (RED, BLUE, GREY)]
    (tmp_path / "a.json").write_text(
        json.dumps(
            {
                "categories": [{"id": 5, "name": "red", "name_zh": "红"}, {"id": 6, "name": "blue", "name_zh": "蓝"}],
                "images": [{"id": 1, "file_name": "a.png"}],
                "annotations": [
                    {"id": 1, "image_id": 1, "category_id": 5, "bbox": boxes[0], "phrase": ["big red", "red"]},
                    {"id": 2, "image_id": 1, "category_id": 6, "bbox": boxes[1], "hard_negatives": ["big red"]},
                    {"id": 3, "image_id": 1, "bbox": boxes[2]},
                ],
            }
        )
    )
    words = Vocabulary(
        [Label("rot", ["red", "红"]), Label("blau", ["blue", "蓝"]), Label("big red", ["大红", "big red"])]
    )
    samples = coco_samples(words, tmp_path / "a.json", tmp_path)
    (made,) = [make() for make in samples]
    assert made.truth[:, 0].tolist()[:2] == [1, 0]
    assert made.truth[:, 2].tolist()[:2] == [1, 0]
    assert np.isnan(made.truth[2]).all()
    gap = measure_gap(detector(), words, samples)
    assert gap.totals["labels"][1].value == 1
