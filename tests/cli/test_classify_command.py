"""`regionclip classify`: whole pictures, every tower."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pretrained import WRITERS

import regionclip
from regionclip.cli.terminal import exits
from regionclip.formats.pictures import write_picture

Run = Callable[..., int]
ASKED = ("-p", "red dog", "-p", "car=car|红色的车", "-p", "人")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two pictures, and a file that is none."""
    (tmp_path / "photos").mkdir()
    for name, seed in (("a", 1), ("b", 2)):
        noise = np.random.default_rng(seed).integers(0, 256, (60, 90, 3), dtype=np.uint8)
        write_picture(tmp_path / "photos" / f"{name}.png", noise)
    return tmp_path / "photos"


@pytest.mark.parametrize("name", WRITERS)
def test_it_answers_as_python_does(run: Run, photos: Path, tmp_path: Path, name: str) -> None:
    folder = WRITERS[name](tmp_path / name)
    out = tmp_path / "out.json"
    command = ("classify", photos / "a.png", photos / "b.png", *ASKED, "--tower", folder, "--dtype", "float32")
    assert run(*command, "--json", out) == exits.OK
    result = json.loads(out.read_text(encoding="utf-8"))
    det = regionclip.load(folder, dtype="float32")
    assert result["schema"] == "regionclip.classification/1"
    assert result["tower"]["revision"] == det.tower.card.revision
    assert result["labels"] == (names := ["red dog", "car", "人"])
    words = regionclip.Vocabulary(["red dog", regionclip.Label("car", prompts=("car", "红色的车")), "人"])
    for image in result["images"]:
        found = det.classify_image(photos / Path(image["file"]).name, words)
        assert (image["width"], image["height"]) == (90, 60)
        assert image["out_of_domain"] in ((True, False) if name == "tiny" else (None,))
        assert [row["label"] for row in image["labels"]] == [names[place] for place in found.class_id]
        assert found.confidence is not None
        np.testing.assert_allclose([row["confidence"] for row in image["labels"]], found.confidence, atol=6e-5)


def test_it_prints_the_labels_that_reach_the_threshold(
    run: Run, photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("classify", photos / "a.png", *ASKED, "--tower", "tiny") == exits.OK
    first, *labels = capsys.readouterr().out.splitlines()
    assert first == str(photos / "a.png")
    scores = [float(line.split()[0]) for line in labels]
    assert len(scores) == 3
    assert scores == sorted(scores, reverse=True)
    assert run("classify", photos / "a.png", *ASKED, "--tower", "tiny", "--threshold", 1) == exits.OK
    assert capsys.readouterr().out.splitlines() == [first]


def test_a_file_that_is_no_picture_is_told_and_the_others_are_done(
    run: Run, photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (photos / "c.png").write_bytes(b"no picture")
    assert run("classify", photos, *ASKED, "--tower", "tiny", "--json", "-") == exits.PARTLY
    printed = capsys.readouterr()
    images = json.loads(printed.out)["images"]
    assert [len(image["labels"]) for image in images] == [3, 3, 0]
    assert "c.png" in images[2]["error"]
    assert "c.png" in printed.err
    assert run("classify", photos / "c.png", *ASKED) == exits.UNREADABLE
