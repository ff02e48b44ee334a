"""`regionclip index` and `regionclip ask`: asked later is asked at once."""

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from toy import planted

from regionclip.archive.store import RegionsStore
from regionclip.cli.terminal import exits

Run = Callable[..., int]
WORDS = ("-p", "person", "-p", "灭火器=extinguisher|红色的灭火器", "--threshold", "0")


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for index in range(4):
        cv2.imwrite(str(folder / f"{index}.png"), planted(red=(16, 16, 80, 80 + index), blue=(112, 32, 176, 112)))
    boxes = {f"{index}.png": [[16, 16, 80, 80], [112, 32, 176, 112]] for index in range(4)} | {"3.png": []}
    (tmp_path / "boxes.json").write_text(json.dumps(boxes))
    return folder


def test_asked_later_is_asked_at_once(
    run_small: Run,
    pictures: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    boxes, store = ("--boxes", tmp_path / "boxes.json"), tmp_path / "x.regions"
    assert run_small("index", pictures, "--out", store, *boxes) == exits.OK
    assert "4 pictures added" in capsys.readouterr().err
    assert run_small("detect", pictures, *WORDS, *boxes, "--json", tmp_path / "once.json") == exits.OK
    printed = capsys.readouterr().out
    assert run_small("ask", store, *WORDS, "--json", tmp_path / "later.json") == exits.OK
    captured = capsys.readouterr()
    assert captured.out == printed.replace(f"{pictures / '3.png'}: no detections\n", "")
    assert "3 of 4 frames with detections" in captured.err
    once, later = (json.loads((tmp_path / f"{name}.json").read_text(encoding="utf-8")) for name in ("once", "later"))
    for image in later["images"]:
        assert (image.pop("index"), image.pop("seconds")) == (0, None)
    assert later == once
    assert run_small("ask", store, *WORDS, "--top", 2, "--json", "-") == exits.OK
    found = json.loads(capsys.readouterr().out)
    assert found["schema"] == "regionclip.search/1"
    assert [hit["label"] for hit in found["hits"]] == ["person"] * 2 + ["灭火器"] * 2
    scores = {
        (image["file"], row["region"]): row["confidence"]
        for image in once["images"]
        for row in image["detections"]
        if row["label"] == found["hits"][0]["label"]
    }
    hit = found["hits"][0]
    if scores:  # the label came out somewhere: then its best is the best hit
        assert hit["confidence"] >= max(scores.values())
    assert run_small("ask", store, *WORDS, "--top", 2) == exits.OK
    assert capsys.readouterr().out.splitlines()[0] == "person"


def test_resume_adds_what_is_missing(
    run_small: Run,
    pictures: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    store, whole = tmp_path / "x.regions", tmp_path / "whole.regions"
    grid = ("--proposer", "grid")
    assert run_small("index", pictures / "0.png", pictures / "1.png", "--out", store, *grid) == exits.OK
    (pictures / "2.png").write_bytes((pictures / "2.png").read_bytes()[:100])
    capsys.readouterr()
    assert run_small("index", pictures, "--out", store, "--resume", *grid) == exits.PARTLY
    assert "1 pictures added, 2 were there, 1 unreadable" in capsys.readouterr().err
    cv2.imwrite(str(pictures / "2.png"), planted(red=(16, 16, 80, 80)))
    assert run_small("index", pictures, "--out", store, "--resume", *grid) == exits.OK
    assert run_small("index", pictures, "--out", whole, *grid) == exits.OK
    ours = {key.source: regions.embeddings for key, regions in RegionsStore(store)}
    assert ours.keys() == {str(pictures / f"{index}.png") for index in range(4)}
    for key, regions in RegionsStore(whole):
        assert np.array_equal(ours[key.source], regions.embeddings)


def test_mistakes_are_one_line_and_a_code(
    run_small: Run,
    pictures: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    store = tmp_path / "x.regions"
    grid = ("--proposer", "grid")
    assert run_small("index", pictures, "--out", store, *grid) == exits.OK
    capsys.readouterr()
    for arguments, code, said in (
        (("index", pictures, "--out", store), exits.USAGE, "one that exists"),
        (
            ("index", pictures, "--out", store, "--resume", "--budget", 16, *grid),
            exits.USAGE,
            "made with other settings",
        ),
        (("index", pictures, "--out", tmp_path / "y", "--proposer", "heatmap"), exits.USAGE, "looks for words"),
        (("index", pictures, "--out", tmp_path / "y", *grid), exits.OK, "4 pictures added"),  # nothing was left behind
        (("ask", store), exits.USAGE, "no words to look for"),
        (("ask", tmp_path, "-p", "red"), exits.FAILED, "expected a folder that"),
    ):
        assert run_small(*arguments) == code
        err = capsys.readouterr().err
        assert said in err
        assert err.count("\n") == 1


def test_the_cost_of_many_words_is_timed(
    run_small: Run,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run_small("bench", "--rounds", 1, "--boxes", 3, "--size", "64x64", "--vocabulary", 50) == exits.OK
    lines = capsys.readouterr().out.splitlines()
    start = lines.index("50 labels x 2 languages, 300 regions, words encoded before")
    names = ["encode a phrase", "classify", "select"]
    assert [line.strip().rsplit(None, 2)[0] for line in lines[start + 3 : start + 6]] == names
    assert "all 100 phrases" in lines[start + 6]
