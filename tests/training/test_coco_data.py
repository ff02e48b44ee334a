"""COCO-format data for fine-tuning: what is read, what is refused, batches of it."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from finetuning import CHINESE, COLOURS, edited, settings, write_coco

from regionclip.data.coco_file import CocoFile
from regionclip.data.settings import DataSettings
from regionclip.errors import BoxError, ConfigError, ImageFileError
from regionclip.training.coco_data import CocoExamples, HeldOutCoco
from regionclip.training.loader import load


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> DataSettings:
    return write_coco(tmp_path_factory.mktemp("coco"), 12)


def test_batches_from_another_process_are_the_same(data: DataSettings, tmp_path: Path) -> None:
    batch = partial(CocoExamples(settings(tmp_path, tmp_path, data), 2).batch, part=slice(0, 2))
    here, there = (list(load(batch, range(2, 5), workers)) for workers in (0, 1))
    assert len(here) == len(there) == 3
    for mine, theirs in zip(here, there, strict=True):
        assert [(e.words, e.hard, e.short) for e in mine] == [(e.words, e.hard, e.short) for e in theirs]
        assert all(np.array_equal(a.frame, b.frame) for a, b in zip(mine, theirs, strict=True))


@pytest.mark.parametrize("workers", [0, 1])
def test_a_picture_that_breaks_off_is_our_error_in_any_process(tmp_path: Path, workers: int) -> None:
    data = write_coco(tmp_path / "coco", 4)
    source = CocoExamples(settings(tmp_path, tmp_path, data), 2)
    picture = tmp_path / "coco" / "1.png"
    picture.write_bytes(picture.read_bytes()[:120])
    CocoFile(data)  # the header is whole
    with pytest.raises(ImageFileError, match=r"^picture .*1\.png cannot be decoded"):
        list(load(partial(source.batch, part=slice(0, 2)), range(2), workers))


def test_batches_are_functions_of_their_number(data: DataSettings, tmp_path: Path) -> None:
    run = settings(tmp_path, tmp_path, data, batch=2)
    one, two = CocoExamples(run, 4), CocoExamples(run, 4)
    ahead = two.batch(7, slice(0, 4))
    for number in range(8):
        batch = one.batch(number, slice(0, 4))
        said = "".join(example.short or "" for example in batch)
        assert any(word in said for word in COLOURS) != any(letter in said for letter in "红绿蓝白")  # one language
        halves = [*two.batch(number, slice(0, 2)), *two.batch(number, slice(2, 4))]
        assert [example.picture for example in halves] == [example.picture for example in batch]
    assert [(e.picture, e.words, e.hard) for e in ahead] == [(e.picture, e.words, e.hard) for e in batch]
    # 6 pictures in 2 languages, one batch of 4 of each an epoch: in a few epochs everything is seen.
    seen = {example.picture for number in range(12) for example in one.batch(number, slice(0, 4))}
    assert seen == set(range(6))


def test_hard_negatives_are_drawn_or_repeated(data: DataSettings, tmp_path: Path) -> None:
    for count in (2, 3, 7):
        run = settings(tmp_path, tmp_path, data, languages=("en",), hard_negatives=count)
        for example in CocoExamples(run, 6).batch(0, slice(6)):
            for words, hard in zip(example.words, example.hard, strict=True):
                assert len(hard) == count
                assert len(set(hard)) == min(count, 3)
                assert words.text not in hard


def test_names_stand_in_for_phrases(data: DataSettings, tmp_path: Path) -> None:
    chinese = CocoExamples(settings(tmp_path, tmp_path, data, languages=("zh",)), 6).batch(0, slice(6))
    for example in chinese:
        for words in example.words:
            english = next(name for name, chinese in CHINESE.items() if chinese == words.text)
            assert words.true == {english, words.text, f"{english} patch"}
        assert all(hard == () for hard in example.hard)
    held_out = HeldOutCoco(data, ("en", "zh"), 5)
    assert held_out.names == {"en": tuple(COLOURS), "zh": ("红", "绿", "蓝", "白")}
    assert len(held_out) == 5
    picture = held_out[0]
    assert picture.boxes.tolist() == [[8, 24, 56, 72], [72, 24, 120, 72]]
    for box, label in zip(picture.boxes.astype(int), picture.labels, strict=True):
        bgr = tuple(picture.frame[box[1] + 5, box[0] + 5].tolist())
        assert bgr[::-1] == list(COLOURS.values())[label]


def test_each_of_several_names_is_said_and_true(data: DataSettings, tmp_path: Path) -> None:
    def edit(content: dict[str, Any]) -> None:
        for entry in content["categories"]:
            entry["name"] = [entry["name"], f"{entry['name']} square"]
        for entry in content["annotations"]:
            entry.pop("phrase")

    file = CocoFile(edited(data, tmp_path, edit))
    assert file.names["en"] == tuple(COLOURS)
    words = file.pictures[0].regions[0].words["en"]
    colour = words[0].text
    assert [each.text for each in words] == [colour, f"{colour} square"]
    assert all(each.true == {colour, f"{colour} square", CHINESE[colour]} for each in words)


GONE = object()


def _break(content: dict[str, Any], where: str, key: str, value: object) -> None:
    content[where][0][key] = value
    if value is GONE:
        del content[where][0][key]


@pytest.mark.parametrize(
    ("where", "key", "value", "said"),
    [
        ("annotations", "image_id", 99, "image 99 is not listed"),
        ("annotations", "category_id", 99, "category 99 is not listed"),
        ("annotations", "image_id", [], "annotation 0: not as expected in COCO JSON"),
        ("annotations", "bbox", [1, 2, 3], r"annotation 0: bbox: expected x, y, width and height, got \[1, 2, 3\]"),
        ("annotations", "bbox", [1, 2, 3, "x"], "annotation 0: not as expected"),
        ("annotations", "phrase", 5, "annotation 0: phrase: expected text, got 5"),
        ("images", "caption_zh", ["a", 3], "image 0: caption_zh: expected text, got 3"),
        ("images", "file_name", 3, "image 0: file_name: expected text, got 3"),
        ("images", "id", 1, "image 1: expected an id of its own, got one that is listed twice"),
        ("categories", "id", 11, "category 11: expected an id of its own"),
        ("annotations", "hard_negatives", ["gold patch", "RED"], "annotation 0: hard negative 'RED' is also"),
        ("annotations", "bbox", GONE, "annotation 0: expected a key 'bbox'"),
        ("annotations", "image_id", GONE, "annotation 0: expected a key 'image_id'"),
        ("images", "file_name", GONE, "image 0: expected a key 'file_name'"),
        ("images", "id", GONE, r"image at place 0 \(from 0\): expected a key 'id'"),
        ("categories", "id", GONE, r"category at place 0 \(from 0\): expected a key 'id'"),
    ],
)
def test_mistakes_in_annotations(
    data: DataSettings, tmp_path: Path, where: str, key: str, value: object, said: str
) -> None:
    def edit(content: dict[str, Any]) -> None:
        content["annotations"][0]["category_id"] = 10  # red
        _break(content, where, key, value)

    with pytest.raises(BoxError, match=said):
        CocoFile(edited(data, tmp_path, edit))


def test_lists_that_are_none(data: DataSettings, tmp_path: Path) -> None:
    for key in ("images", "annotations", "categories"):
        with pytest.raises(BoxError, match="expected COCO JSON with lists"):
            CocoFile(edited(data, tmp_path, lambda content, key=key: content.update({key: 5})))
    bare = CocoFile(edited(data, tmp_path, lambda content: content.update(categories=[], annotations=[])))
    assert bare.names == {}


def test_files_that_are_not_there(data: DataSettings, tmp_path: Path) -> None:
    with pytest.raises(ImageFileError, match=r"1 of 6 pictures missing: .*lost\.png"):
        CocoFile(edited(data, tmp_path, lambda content: _break(content, "images", "file_name", "lost.png")))
    (tmp_path / "text.png").write_text("no picture")
    text = str(tmp_path / "text.png")
    with pytest.raises(ImageFileError, match=r"1 of 6 pictures unreadable: .*text\.png \(no picture\)"):
        CocoFile(edited(data, tmp_path, lambda content: _break(content, "images", "file_name", text)))
    with pytest.raises(BoxError, match="no pictures of split 'exam'"):
        CocoFile(DataSettings(kind="coco", annotations=data.annotations, images=data.images, split="exam"))
    with pytest.raises(BoxError, match="cannot be read"):
        CocoFile(DataSettings(kind="coco", annotations=str(tmp_path / "none.json"), images="."))
    with pytest.raises(ConfigError, match=r"batch: 8 pictures .* have 6 in en"):
        CocoExamples(settings(tmp_path, tmp_path, data), 8)


def test_crowds_and_boxes_without_area_are_left_out(data: DataSettings, tmp_path: Path) -> None:
    def edit(content: dict[str, Any]) -> None:
        content["annotations"][0]["iscrowd"] = 1
        content["annotations"][1]["bbox"] = [5, 5, 0, 10]

    assert len(CocoFile(edited(data, tmp_path, edit)).pictures[0].regions) == 0
