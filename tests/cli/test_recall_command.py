"""regionclip proposals, eval recall, --preset and --proposer: in this process, with the embedded tower."""

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import pytest
from toy import planted

from regionclip.cli.terminal import exits
from regionclip.proposing import PROPOSERS

Run = Callable[..., int]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two pictures with a square each, in COCO format; a crowd, and a picture of another split."""
    (tmp_path / "images").mkdir()
    for name in ("a", "b", "c"):
        cv2.imwrite(str(tmp_path / "images" / f"{name}.png"), planted(red=(0, 0, 96, 128)))
    notes = {
        "images": [
            {"id": i, "file_name": f"{name}.png", "split": "val" if name < "c" else "test"}
            for i, name in enumerate("abc")
        ],
        "annotations": [
            {"id": 1, "image_id": 0, "bbox": [0, 0, 96, 128], "category_id": 1},
            {"id": 2, "image_id": 1, "bbox": [0, 0, 192, 128], "category_id": 1},
            {"id": 3, "image_id": 1, "bbox": [3, 3, 9, 9], "category_id": 1, "iscrowd": 1},
        ],
        "categories": [{"id": 1, "name": "square"}],
    }
    (tmp_path / "annotations.json").write_text(json.dumps(notes))
    return tmp_path / "annotations.json"


def test_proposals_lists_all_with_a_line_each(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("proposals") == exits.OK
    lines = capsys.readouterr().out.splitlines()
    for name, known in PROPOSERS.items():
        assert any(line.startswith(f"{name} ") and line.endswith(known.what) for line in lines)
    assert any(line.startswith("static-camera ") and line.endswith("motion + tracked + auto") for line in lines)


def test_recall_on_pictures_of_a_coco_file(run: Run, photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = photos.parent / "recall.json"
    asked = ("--proposer", "grid", "--preset", "photo-archive", "--json", out)
    assert run("eval", "recall", "--set", photos, "--split", "val", *asked) == exits.OK
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "annotations.json, split val, 2 frames"
    assert lines[-1] == "true boxes: 2 all"
    assert lines[2].split()[:2] == ["grid", "all"]
    content = json.loads(out.read_text())
    assert content["schema"] == "regionclip.recall/1"
    assert [row["proposer"] for row in content["rows"]] == ["grid", "preset photo-archive"]
    assert content["rows"][0]["ar"]["300"]["value"] > 0.5  # the whole frame is one of the windows
    assert content["rows"][0]["tower_milliseconds"] == 0


def test_recall_on_rendered_sets(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("eval", "recall", "--count", 2, "--size", "192x144") == exits.OK
    assert capsys.readouterr().out.splitlines()[2].split()[0] == "auto"
    clips = ("--set", "clips", "--count", 1, "--size", "160x120", "--camera", "still")
    assert run("eval", "recall", *clips, "--preset", "static-camera", "--proposer", "heatmap") == exits.OK
    out = capsys.readouterr().out
    assert "1 clips, camera still, 50 frames" in out
    assert "moving" in out
    assert "heatmap" in out


def test_detect_with_presets_and_proposers(run: Run, photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("-p", "red", "--threshold", "0")
    images = photos.parent / "images"
    assert run("detect", images, *words, "--proposer", "grid", "--proposer", "edges") == exits.OK
    assert "frames of one camera" not in capsys.readouterr().err
    assert run("detect", images, *words, "--preset", "static-camera") == exits.OK
    assert "count as frames of one camera" in capsys.readouterr().err
    assert run("detect", images, *words, "--preset", "none") == exits.USAGE
    assert "--boxes" in capsys.readouterr().err
    boxes = photos.parent / "boxes.json"
    boxes.write_text(json.dumps({f"{name}.png": [[0, 0, 50, 50]] for name in "abc"}))
    assert run("detect", images, *words, "--preset", "none", "--boxes", boxes) == exits.OK
