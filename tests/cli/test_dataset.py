"""`detect --dataset`: sets to train on, read back by pycocotools and by supervision, and the sheet for review."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import supervision as sv
from PIL import Image
from pycocotools.coco import COCO
from toy import planted

from regionclip.cli.terminal import exits
from regionclip.data.auto_labels import AutoLabels
from regionclip.errors import FileError
from regionclip.frames import read_frame
from regionclip.words.vocabulary import Label, Vocabulary

Run = Callable[..., int]
PAGE = (Path(__file__).parents[2] / "docs" / "datasets.md").read_text(encoding="utf-8")
WORDS = ("-p", "红色灭火器=red", "-p", "blue", "--threshold", "0")
BOXES = {"a.jpg": [[16, 16, 80, 80], [96, 16, 160, 80]], "b.png": [[10, 20, 60, 90]], "空.png": []}


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name in BOXES:
        done, content = cv2.imencode(Path(name).suffix, planted(red=(16, 16, 80, 80)))
        assert done
        (folder / name).write_bytes(content.tobytes())
    (tmp_path / "boxes.json").write_text(json.dumps(BOXES))
    return folder


def read(folder: Path, form: str) -> sv.DetectionDataset:
    images = str(folder / "images")
    if form == "coco":
        return sv.DetectionDataset.from_coco(images, str(folder / "annotations.json"))
    if form == "voc":
        return sv.DetectionDataset.from_pascal_voc(images, str(folder / "annotations"))
    return sv.DetectionDataset.from_yolo(images, str(folder / "labels"), str(folder / "data.yaml"))


@pytest.mark.parametrize("form", ["coco", "yolo", "voc"])
def test_each_format_reads_back(run_small: Run, pictures: Path, tmp_path: Path, form: str) -> None:
    out, result = tmp_path / "set", tmp_path / "r.json"
    given = ("--boxes", tmp_path / "boxes.json", "--json", result)
    assert run_small("detect", pictures, *WORDS, *given, "--dataset", out, "--format", form) == exits.OK
    found = {Path(each["file"]).name: each["detections"] for each in json.loads(result.read_text())["images"]}
    assert sum(map(len, found.values())) == 3
    back = read(out, form)
    assert {Path(path).name for path in back.image_paths} == set(BOXES)
    for path, image, rows in back:
        wanted = sorted((*each["box"], each["label"]) for each in found[Path(path).name])
        assert rows.class_id is not None or not wanted
        names = [back.classes[label] for label in rows.class_id] if len(rows) else []  # type: ignore[union-attr]
        got = sorted((*box, name) for box, name in zip(rows.xyxy.tolist(), names, strict=True))
        assert [each[4] for each in got] == [each[4] for each in wanted]
        np.testing.assert_allclose([each[:4] for each in got], [each[:4] for each in wanted], atol=1)
        assert image.shape == (128, 192, 3)
    if form != "voc":  # there classes are those that occur
        assert back.classes == ["红色灭火器", "blue"]
    if form == "yolo":
        assert (out / "labels" / "空.txt").read_text() == ""
        assert "train: images" in (out / "data.yaml").read_text()
    assert [path for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_pycocotools_reads_it(run_small: Run, pictures: Path, tmp_path: Path) -> None:
    given = ("--boxes", tmp_path / "boxes.json", "--dataset", tmp_path / "set")
    assert run_small("detect", pictures, *WORDS, *given) == exits.OK
    coco = COCO(str(tmp_path / "set" / "annotations.json"))
    assert [each["name"] for each in coco.loadCats(coco.getCatIds())] == ["红色灭火器", "blue"]
    images = {each["file_name"]: each["id"] for each in coco.loadImgs(coco.getImgIds())}
    assert set(images) == set(BOXES)
    for name, boxes in BOXES.items():
        assert (tmp_path / "set" / "images" / name).read_bytes() == (pictures / name).read_bytes()
        rows = coco.loadAnns(coco.getAnnIds(images[name]))
        assert sorted(tuple(row["bbox"]) for row in rows) == sorted((x, y, r - x, b - y) for x, y, r, b in boxes)


def test_same_names_turned_pictures_and_damaged_ones(run_small: Run, pictures: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    turned = Image.fromarray(np.zeros((40, 100, 3), np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6
    turned.save(other / "a.jpg", exif=exif)
    turned.save(other / "t.tif")
    (other / "x.png").write_bytes(b"nothing")
    out = tmp_path / "set"
    command = ("detect", pictures, other, *WORDS, "--proposer", "grid", "--dataset", out, "--format", "yolo")
    assert run_small(*command) == exits.PARTLY
    names = {path.name for path in (out / "images").iterdir()}
    assert names == {"a.jpg", "a-2.jpg", "b.png", "t.png", "空.png"}
    assert {path.stem for path in (out / "labels").iterdir()} == {Path(name).stem for name in names}
    with Image.open(out / "images" / "a-2.jpg") as upright:
        assert (upright.size, upright.getexif().get(0x0112, 1)) == ((40, 100), 1)


def test_a_folder_that_holds_something_is_left_alone(
    run_small: Run, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "set"
    out.mkdir()
    boxes = ("--boxes", tmp_path / "boxes.json")
    assert run_small("detect", pictures, *WORDS, *boxes, "--dataset", out) == exits.OK
    assert run_small("detect", pictures, *WORDS, *boxes, "--dataset", out) == exits.USAGE
    assert "expected a folder that is not there yet, or is empty" in capsys.readouterr().err
    assert run_small("detect", pictures, *WORDS, "--dataset", tmp_path / "b", "--format", "tf") == exits.USAGE
    assert "--format 'tf': expected coco or yolo or voc" in capsys.readouterr().err
    assert run_small("detect", pictures, *WORDS, "--review", tmp_path / "b.gif") == exits.USAGE
    assert not (tmp_path / "b").exists()


def test_the_folder_one_stands_in(pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    labels = AutoLabels(Vocabulary(["red"]))
    labels.add(pictures / "a.jpg", sv.Detections(xyxy=np.zeros((0, 4), np.float32), class_id=np.zeros(0, int)))
    labels.write(Path(), "yolo")
    assert (tmp_path / "here" / "labels" / "a.txt").read_text() == ""


def test_nothing_is_left_where_it_cannot_be_written_whole(pictures: Path, tmp_path: Path) -> None:
    labels = AutoLabels(Vocabulary(["red"]))
    nothing = sv.Detections(xyxy=np.zeros((0, 4), np.float32), class_id=np.zeros(0, int))
    labels.add(pictures / "a.jpg", nothing)
    labels.add(pictures / "gone.jpg", nothing)
    with pytest.raises(FileError, match="set cannot be written"):
        labels.write(tmp_path / "set", "coco")
    assert {path.name for path in tmp_path.iterdir()} == {"pictures", "boxes.json"}


def test_the_sheet_begins_with_the_least_certain(run_small: Run, pictures: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "review.png"
    boxes = ("--boxes", tmp_path / "boxes.json")
    assert run_small("detect", pictures, *WORDS, *boxes, "--review", sheet) == exits.OK
    assert read_frame(sheet).shape[1] == 14 + 3 * 234  # three things
    labels = AutoLabels(Vocabulary([Label("red", of=("blue",)), "blue"]))
    labels.add(pictures / "a.jpg", rows([0.5, 0.1]))
    labels.add(pictures / "b.png", rows([0.3]))
    tiles = [labels._tile(path, row).lines for _, path, row in labels.least_certain()]
    assert [line[1] for line in tiles] == [f"0.90, margin {margin}" for margin in ("0.10", "0.30", "0.50")]
    assert [line[0::2] for line in tiles] == [("blue", "next: 人")] * 3
    assert AutoLabels(Vocabulary(["red"])).doubtful().shape[2] == 3


def test_the_example_of_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("photos").mkdir()
    cv2.imwrite("photos/a.jpg", planted(red=(16, 16, 80, 80)))
    found = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    exec(compile(found[1], "docs/datasets.md", "exec"), {})
    assert len(COCO("set/annotations.json").getImgIds()) == 1
    assert read_frame("review.png").size


def rows(margins: list[float]) -> sv.Detections:
    n = len(margins)
    return sv.Detections(
        xyxy=np.tile(np.array([[4, 4, 40, 40]], np.float32), (n, 1)),
        class_id=np.ones(n, int),
        confidence=np.full(n, 0.9, np.float32),
        data={"class_name": ["blue"] * n, "margin": np.array(margins), "runner_up": ["人"] * n},
    )
