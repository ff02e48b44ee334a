"""`regionclip explain`, with a small random FG-CLIP 2: what it says of a picture means nothing, but is all there."""

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import pytest
from toy import planted

from regionclip.cli.terminal import exits
from regionclip.frames import read_frame

Run = Callable[..., int]
BOXES = [[16, 16, 80, 80], [112, 32, 176, 112], [300, 300, 400, 400]]


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    cv2.imwrite(str(tmp_path / "yard.png"), planted(red=(16, 16, 80, 80), blue=(112, 32, 176, 112)))
    (tmp_path / "boxes.json").write_text(json.dumps({"yard.png": BOXES}))
    return tmp_path / "yard.png"


def test_table_json_and_heat_maps(
    run_small: Run, picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result, out = tmp_path / "why.json", tmp_path / "maps"
    words = ("-p", "person", "-p", "灭火器=extinguisher|红色的灭火器", "--threshold", "0")
    more = ("--boxes", tmp_path / "boxes.json", "--json", result, "--phrases", "--top", "1")
    maps = ("--heatmap", "红/色", "--heatmap", "red", "--heatmap", "red", "--out", out)
    assert run_small("explain", picture, *words, *more, *maps) == exits.OK
    captured = capsys.readouterr()
    assert "region 2" in captured.out
    assert "box without area inside the frame" in captured.out
    content = json.loads(result.read_text(encoding="utf-8"))
    assert content["schema"] == "regionclip.explanation/1"
    assert content["file"] == str(picture)
    assert [each["region"] for each in content["regions"]] == [0, 1, 2]
    best = content["regions"][0]["labels"][0]
    assert best["kept"]
    assert best["raw"] + sum(each["share"] for each in best["negatives"]) <= 1.001
    assert {each["source"] for each in best["negatives"]} == {"bank"}
    assert sorted(path.name for path in out.iterdir()) == [
        "yard-heatmap-red-2.png",
        "yard-heatmap-red.png",
        "yard-heatmap-红-色.png",
    ]
    assert read_frame(out / "yard-heatmap-red.png").shape[1] == 192
    assert (
        run_small("explain", picture, *words, "--boxes", tmp_path / "boxes.json", "--region", 1, "--json", "-")
        == exits.OK
    )
    assert [each["region"] for each in json.loads(capsys.readouterr().out)["regions"]] == [1]
