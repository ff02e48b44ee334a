"""Results are read back with readers that are not ours: json, csv, pycocotools."""

import contextlib
import csv
import json
import os
import shutil
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from disks import small_disk
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from told import lines
from toy import ToyTower, planted

from proposals.boxes import BoxesProposer
from regionclip.answers.records import detection_records
from regionclip.config import Config
from regionclip.detector import Detector
from regionclip.errors import ConfigError, FileError
from regionclip.formats.coco import BoxFile
from regionclip.video.output.results import COLUMNS, SCHEMA, open_results
from regionclip.video.sources.base import VideoFrame
from regionclip.words.vocabulary import Label, Vocabulary

FRAME = planted(red=(16, 16, 80, 80), blue=(112, 32, 176, 112))
BOXES = np.array([[16, 16, 80, 80], [112.5, 32, 176, 112]], np.float32)
WORDS = Vocabulary.of(
    [
        Label('红色, "方块"', ["red", "红"], name_zh="红色的方块", group="look"),
        Label("blue", ["blue", "蓝"], name_zh="蓝色"),
        Label("warm", ["red"], of=['红色, "方块"']),
    ]
)
START = 1_800_000_000.5


def detector() -> Detector:
    return Detector(ToyTower(), BoxesProposer(BOXES), Config())


def frames(number: int, *, source: str = "院子.mp4", utc: bool = True) -> list[VideoFrame]:
    return [VideoFrame(FRAME, i * 0.04, 2 * i, source, START + i * 0.04 if utc else None) for i in range(number)]


def found(tracks: Sequence[int] | None = None) -> Any:  # noqa: ANN401
    rows = detector()(FRAME, WORDS)
    assert len(rows) == 2
    rows.tracker_id = None if tracks is None else np.array(tracks)
    return rows


def nothing() -> Any:  # noqa: ANN401
    return found()[np.zeros(2, bool)]


def write(path: Path, number: int = 3, *, tracks: Sequence[int] | None = (7, 9)) -> Path:
    """Frames of which every second has detections."""
    with open_results(path, detector(), WORDS) as results:
        for place, frame in enumerate(frames(number)):
            results.write(frame, found(tracks) if place % 2 == 0 else nothing())
    return path


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def coco(path: Path) -> Any:  # noqa: ANN401 - pycocotools has no types
    with contextlib.redirect_stdout(None):
        return COCO(str(path))


def kept(path: Path) -> list[int]:
    """Numbers of the frames of a file, each as often as the file has detections of it; once too where it has none.

    A table knows nothing of frames without detections.
    """
    if path.suffix == ".csv":
        return [int(row["index"]) for row in table(path)]
    if path.suffix == ".json":
        read = coco(path)
        return [image["frame_index"] for key, image in read.imgs.items() for _ in read.imgToAnns[key] or [None]]
    return [line["index"] for line in lines(path) if "index" in line for _ in line["detections"] or [None]]


SUFFIXES = pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".json"])


def test_one_frame_a_line(tmp_path: Path) -> None:
    path = write(tmp_path / "r.jsonl")
    header, *rest = lines(path)
    assert header["schema"] == SCHEMA
    assert header["tower"]["name"] == "toy"
    assert [label["name"] for label in header["labels"]] == list(WORDS.names)
    assert header["labels"][1]["threshold"] == 0.5
    assert [line["index"] for line in rest] == [0, 2, 4]
    assert [line["t_seconds"] for line in rest] == [0.0, 0.04, 0.08]
    assert rest[1] == {
        "source": "院子.mp4",
        "index": 2,
        "t_seconds": 0.04,
        "utc": "2027-01-15T08:00:00.540Z",
        "width": FRAME.shape[1],
        "height": FRAME.shape[0],
        "detections": [],
    }
    assert rest[0]["detections"] == json.loads(json.dumps(detection_records(found([7, 9]))))
    assert {each["tracker_id"] for each in rest[0]["detections"]} == {7, 9}
    assert "红色的方块" in path.read_text(encoding="utf-8")  # readable, no escapes


def test_lines_are_there_at_once_and_new_words_are_said(tmp_path: Path) -> None:
    with open_results(tmp_path / "r.jsonl", detector(), WORDS) as results:
        for frame in frames(2, utc=False):
            results.write(frame, found())
        growing = next(tmp_path.glob(".r.jsonl.[0-9]*"))
        assert len(lines(growing)) == 3
        results.ask(Vocabulary.of(["green"]))
        assert not (tmp_path / "r.jsonl").exists()
    got = lines(tmp_path / "r.jsonl")
    assert [line.get("schema") for line in got] == [SCHEMA, None, None, SCHEMA]
    assert got[3]["labels"][0]["name"] == "green"
    assert got[1]["utc"] is None
    assert "tracker_id" not in got[1]["detections"][0]


def test_one_detection_a_row(tmp_path: Path) -> None:
    path = write(tmp_path / "r.csv")
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")  # what Excel knows UTF-8 by
    rows = table(path)
    assert [(row["index"], row["t_seconds"]) for row in rows] == [("0", "0.0")] * 2 + [("4", "0.08")] * 2
    by_label = {row["label"]: row for row in rows[:2]}
    assert set(by_label) == {'红色, "方块"', "blue"}
    blue = by_label["blue"]
    assert [float(blue[side]) for side in ("x1", "y1", "x2", "y2")] == [112.5, 32, 176, 112]
    assert blue["source"] == "院子.mp4"
    assert blue["utc"] == "2027-01-15T08:00:00.500Z"
    assert {row["tracker_id"] for row in rows} == {"7", "9"}
    assert list(blue)[: len(COLUMNS)] == list(COLUMNS)
    assert {"look", "warm", "warm_score"} <= set(blue)  # a group and an attribute
    assert blue["warm_score"] == ""  # not asked of blue
    assert float(by_label['红色, "方块"']["warm_score"]) > 0.5


def test_a_table_whose_rows_differ(tmp_path: Path) -> None:
    with open_results(tmp_path / "r.csv", detector(), WORDS) as results:
        results.write(frames(1)[0], nothing())
        results.write(frames(1)[0], found())
        plain = detector()(FRAME, ["blue"])  # without the columns of WORDS' group and attribute
        plain.data["speed"] = np.array([[1.5, 2.5]], np.float32)
        results.ask(Vocabulary.of(["blue"]))
        results.write(frames(1)[0], plain)
    rows = table(tmp_path / "r.csv")
    assert len(rows) == 3
    assert rows[0]["tracker_id"] == rows[2]["look"] == ""
    assert "speed" not in rows[0]
    with open_results(tmp_path / "e.csv", detector(), WORDS):
        pass
    assert table(tmp_path / "e.csv") == []
    assert (tmp_path / "e.csv").read_text(encoding="utf-8-sig").strip() == ",".join(COLUMNS)


def test_coco_is_read_by_pycocotools(tmp_path: Path) -> None:
    read = coco(write(tmp_path / "r.json", 5))
    assert [read.imgs[i]["frame_index"] for i in sorted(read.imgs)] == [0, 2, 4, 6, 8]
    first = read.imgs[1]
    assert (first["file_name"], first["t_seconds"]) == ("院子.mp4/000000.jpg", 0.0)
    assert (first["width"], first["height"]) == (FRAME.shape[1], FRAME.shape[0])
    assert {entry["name"]: entry["name_zh"] for entry in read.cats.values()} == {
        '红色, "方块"': "红色的方块",
        "blue": "蓝色",
    }  # an attribute is no category
    ids = read.getAnnIds(imgIds=[1], catIds=read.getCatIds(catNms=["blue"]))
    (blue,) = read.loadAnns(ids)
    assert blue["bbox"] == [112.5, 32, 63.5, 80]
    assert blue["area"] == 5080
    assert blue["track_id"] in (7, 9)
    assert blue["score"] == detection_records(found())[0]["confidence"] or 0 < blue["score"] <= 1
    assert read.getAnnIds(imgIds=[2]) == []
    assert read.dataset["videos"] == [{"id": 1, "name": "院子.mp4"}]
    assert first["video_id"] == 1
    assert read.dataset["info"]["tower"]["name"] == "toy"


def test_coco_annotations_are_results_that_can_be_scored(tmp_path: Path) -> None:
    path = write(tmp_path / "r.json", 6)
    truth = coco(path)
    with contextlib.redirect_stdout(None):
        results = truth.loadRes(json.loads(path.read_text(encoding="utf-8"))["annotations"])
        scored = COCOeval(truth, results, "bbox")
        scored.evaluate()
        scored.accumulate()
        scored.summarize()
    assert scored.stats[0] == pytest.approx(1.0)  # against itself
    boxes = BoxFile(path).of("院子.mp4/000004.jpg")  # and `regionclip detect --boxes` reads it
    assert boxes.xyxy.tolist() in (BOXES.tolist(), BOXES[::-1].tolist())


def test_coco_of_several_sources_and_new_words(tmp_path: Path) -> None:
    with open_results(tmp_path / "r.json", detector(), WORDS) as results:
        results.write(frames(1, source="a")[0], found())
        results.ask(Vocabulary.of([Label("grey", ["grey"], name_zh="灰"), "blue"]))
        unknown = Detector(ToyTower(), BoxesProposer(BOXES), Config(unknown=True))(FRAME, ["grey"])
        results.write(frames(1, source="b")[0], unknown)
    read = coco(tmp_path / "r.json")
    assert [entry["name"] for entry in read.dataset["categories"]] == ['红色, "方块"', "blue", "grey", "unknown"]
    assert [entry["video_id"] for entry in read.dataset["images"]] == [1, 2]
    assert {read.cats[each["category_id"]]["name"] for each in read.imgToAnns[2]} == {"unknown"}


@SUFFIXES
def test_nothing_found_and_no_frames(tmp_path: Path, suffix: str) -> None:
    for number in (0, 2):
        path = write(tmp_path / f"{number}{suffix}", 0)
        with open_results(path, detector(), Vocabulary.of(["red"])) as results:
            for frame in frames(number):
                results.write(frame, nothing())
        assert kept(path) == ([] if suffix == ".csv" else [0, 2][:number])


@SUFFIXES
def test_an_exception_keeps_what_was_done(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"r{suffix}"

    def save(number: int) -> None:
        with open_results(path, detector(), WORDS) as results:
            for frame in frames(number):
                results.write(frame, found())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        save(0)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(KeyboardInterrupt):
        save(3)
    assert [left.name for left in tmp_path.iterdir()] == [path.name]
    assert kept(path) == [0, 0, 2, 2, 4, 4]


@SUFFIXES
def test_closing_twice_and_writing_after(tmp_path: Path, suffix: str) -> None:
    results = open_results(tmp_path / f"r{suffix}", detector(), WORDS)
    results.write(frames(1)[0], found())
    results.close()
    results.close()
    with pytest.raises(FileError, match="is closed"):
        results.write(frames(1)[0], found())


def test_where_it_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"\.jsonl, \.csv, \.json, got \.xml"):
        open_results(tmp_path / "r.xml", detector(), WORDS)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(FileError, match="cannot be written"):
        open_results(tmp_path / "file" / "r.csv", detector(), WORDS)


def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "r.jsonl")
    got: list[str] = []
    reader = threading.Thread(target=lambda: got.extend((tmp_path / "r.jsonl").read_text("utf-8").splitlines()))
    reader.start()
    write(tmp_path / "r.jsonl", 2)
    reader.join(10)
    assert len(got) == 3


@SUFFIXES
def test_a_full_disk_costs_only_the_frames_of_that_time(tmp_path: Path, suffix: str) -> None:
    rows = found()
    with small_disk(tmp_path / "disk") as disk:
        path = disk.folder / f"r{suffix}"
        with open_results(path, detector(), WORDS) as results:
            errors = {}
            for place, frame in enumerate(frames(60)):
                if place == 5:
                    disk.fill()
                if place == 55:
                    results.ask(Vocabulary.of(["green"]))
                    disk.empty()
                try:
                    results.write(frame, rows)
                except FileError as error:
                    errors[place] = str(error)
        assert 40 < len(errors) <= 50  # a few fit into what was left
        assert 5 <= min(errors) <= max(errors) < 55
        assert results.missing == len(errors)
        assert len(set(errors.values())) == 1
        assert errors[54].startswith(f"{path} cannot be written: ")
        assert kept(path) == [2 * place for place in range(60) if place not in errors for _ in range(2)]
        if suffix == ".csv":
            assert all(row["negative"] is not None for row in table(path))  # whole to their last column
        if suffix == ".jsonl":
            headers = [line["labels"][0]["name"] for line in lines(path) if "labels" in line]
            assert headers == [WORDS.names[0], "green"]
        assert [left.name for left in disk.folder.iterdir()] == [path.name]


@SUFFIXES
def test_a_folder_that_goes_and_comes_back(tmp_path: Path, suffix: str) -> None:
    folder = tmp_path / "out"
    with open_results(folder / f"r{suffix}", detector(), WORDS) as results:
        before, away, moved, gone, after = frames(5)
        results.write(before, found())
        folder.rename(tmp_path / "away")
        with pytest.raises(FileError, match=r"cannot be written: No such file or directory"):
            results.write(away, found())
        (tmp_path / "away").rename(folder)
        results.write(moved, found())  # the file is the same
        shutil.rmtree(folder)
        with pytest.raises(FileError, match=r"cannot be written: No such file or directory"):
            results.write(gone, found())
        folder.mkdir()
        results.write(after, found())  # a new one
    assert results.missing == 2
    assert kept(folder / f"r{suffix}") == [8, 8]
    assert [left.name for left in folder.iterdir()] == [f"r{suffix}"]


def test_memory_does_not_grow(tmp_path: Path) -> None:
    """A COCO writer keeps no frame and no row."""
    import tracemalloc

    rows = found([1, 2])
    with open_results(tmp_path / "r.json", detector(), WORDS) as results:
        for frame in frames(50):
            results.write(frame, rows)
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        for frame in frames(400):
            results.write(frame, rows)
        del frame
        grown = tracemalloc.get_traced_memory()[0] - before
        tracemalloc.stop()
    assert grown < 20_000
    assert len(coco(tmp_path / "r.json").imgs) == 450
