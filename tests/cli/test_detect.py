"""The command line with a small random FG-CLIP 2: files in, files out, exit codes.

What such a tower says of a picture means nothing.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
from fontfile import write_font
from toy import planted

from regionclip.cli.terminal import exits
from regionclip.frames import read_frame

Run = Callable[..., int]


@pytest.fixture
def run(run_small: Run) -> Run:
    """`regionclip detect` with the small checkpoint."""
    return partial(run_small, "detect")


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    cv2.imwrite(str(folder / "a.jpg"), planted(red=(16, 16, 80, 80)))
    cv2.imwrite(str(folder / "b.png"), planted(blue=(16, 16, 80, 80)))
    return folder


def test_pictures_and_json_from_boxes(run: Run, pictures: Path, tmp_path: Path) -> None:
    boxes = {"a.jpg": [[16, 16, 80, 80], [300, 300, 400, 400]], "b.png": []}
    (tmp_path / "boxes.json").write_text(json.dumps(boxes))
    out, result = tmp_path / "out", tmp_path / "result.json"
    words = ("-p", "person", "-p", "灭火器=red|红色的灭火器", "--threshold", "0")
    assert run(pictures, *words, "--boxes", tmp_path / "boxes.json", "--out", out, "--json", result) == exits.OK
    content = json.loads(result.read_text(encoding="utf-8"))
    assert content["schema"] == "regionclip.detections/1"
    assert [label["name"] for label in content["labels"]] == ["person", "灭火器"]
    assert [label["threshold"] for label in content["labels"]] == [0, 0]
    assert content["labels"][1]["prompts"] == ["red", "红色的灭火器"]
    a, b = content["images"]
    assert (a["width"], a["height"], a["regions"], a["invalid_regions"]) == (192, 128, 2, [1])
    assert [detection["box"] for detection in a["detections"]] == [[16, 16, 80, 80]]
    assert a["detections"][0]["label"] in ("person", "灭火器")
    assert a["detections"][0]["label_id"] == [label["name"] for label in content["labels"]].index(
        a["detections"][0]["label"]
    )
    assert b["detections"] == []
    assert "灭火器" in result.read_text(encoding="utf-8")  # readable, not escaped
    drawn = read_frame(out / "a-regions.jpg")
    assert drawn.shape == (128, 192, 3)
    assert np.abs(drawn.astype(int) - read_frame(pictures / "a.jpg")).max() > 50
    assert np.array_equal(read_frame(out / "b-regions.png"), read_frame(pictures / "b.png"))
    assert sorted(path.name for path in out.iterdir()) == ["a-regions.jpg", "b-regions.png"]


def test_coco_boxes(run: Run, pictures: Path, tmp_path: Path) -> None:
    coco = {
        "images": [{"id": 1, "file_name": "pictures/a.jpg"}],
        "categories": [{"id": 3, "name": "thing"}],
        "annotations": [{"id": 9, "image_id": 1, "category_id": 3, "bbox": [16, 16, 64, 64], "score": 0.5}],
    }
    (tmp_path / "coco.json").write_text(json.dumps(coco))
    result = tmp_path / "r.json"
    words = ("-p", "red", "--threshold", "0", "--boxes", tmp_path / "coco.json", "--json", result)
    assert run(pictures / "a.jpg", *words) == exits.OK
    (detection,) = json.loads(result.read_text())["images"][0]["detections"]
    assert detection["box"] == [16, 16, 80, 80]
    assert detection["objectness"] == 0.5
    assert detection["data"] == {"annotation_id": 9, "category": "thing"}


@pytest.mark.filterwarnings("default::regionclip.errors.BoxWarning")
def test_boxes_in_another_format_are_told_of(
    run: Run, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "boxes.json").write_text(json.dumps({"a.jpg": [[0.1, 0.2, 0.5, 0.6]], "b.png": [[0.1, 0.1, 0.9, 0.9]]}))
    assert run(pictures, "-p", "red", "--boxes", tmp_path / "boxes.json") == exits.OK
    assert capsys.readouterr().err.count("warning: boxes look like fractions of the frame: expected x1 y1 x2 y2") == 1


def test_boxes_that_are_no_numbers_are_flagged(
    run: Run, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "boxes.json").write_text(
        '{"a.jpg": [[NaN, 0, 10, 10], [1, 1, 1e39, 50], [9, 9, 3, 3], [1, 1, 50, 50]]}'
    )
    words = ("-p", "red", "--threshold", "0", "--boxes", tmp_path / "boxes.json", "--json", "-")
    assert run(pictures / "a.jpg", *words) == exits.OK
    captured = capsys.readouterr()
    (image,) = json.loads(captured.out)["images"]
    assert image["invalid_regions"] == [0, 1, 2]
    assert [detection["region"] for detection in image["detections"]] == [3]
    assert "3 of 4 boxes" in captured.err


def test_a_file_name_in_another_encoding(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = os.fsdecode(b"\xff\xfe.png")
    (tmp_path / name).write_bytes(cv2.imencode(".png", planted(red=(16, 16, 80, 80)))[1].tobytes())
    assert run(tmp_path / name, "-p", "red", "--json", tmp_path / "r.json") == exits.OK
    assert json.loads((tmp_path / "r.json").read_text())["images"][0]["file"].endswith(r"\udcff\udcfe.png")


def test_a_source_is_never_overwritten(run: Run, pictures: Path) -> None:
    (pictures / "a-regions.jpg").write_bytes((pictures / "a.jpg").read_bytes())
    before = {path: path.read_bytes() for path in pictures.iterdir()}
    assert run(pictures, "-p", "red", "--threshold", "0", "--out", pictures) == exits.OK
    assert {path: path.read_bytes() for path in before} == before
    assert len(list(pictures.iterdir())) == 2 * len(before)


def test_the_threshold_flag_wins_over_the_file(
    run: Run, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "words.toml").write_text('threshold = 1\n[[labels]]\nname = "red"\n')
    arguments = (pictures / "a.jpg", "--prompts-file", tmp_path / "words.toml", "--json", "-")
    assert run(*arguments, "--threshold", "0") == exits.OK
    assert json.loads(capsys.readouterr().out)["labels"][0]["threshold"] == 0


def test_a_label_without_anything_to_weigh_it_against(
    run: Run, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "site.toml").write_text("bank = false\n")
    assert run(pictures, "-p", "red", "--config", tmp_path / "site.toml") == exits.USAGE
    assert "background bank" in capsys.readouterr().err


def test_results_are_printed(run: Run, pictures: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(pictures / "a.jpg", "-p", "red", "--threshold", "1") == exits.OK
    assert capsys.readouterr().out == f"{pictures / 'a.jpg'}: no detections\n"
    assert run(pictures / "a.jpg", "-p", "红", "--threshold", "0", "--json", "-") == exits.OK
    printed = json.loads(capsys.readouterr().out)  # nothing but JSON on stdout
    assert printed["images"][0]["detections"][0]["label"] == "红"


def test_prompts_files(run: Run, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "words.txt").write_text("# comment\nperson\n\n叉车=forklift|叉车\n", encoding="utf-8")
    (tmp_path / "words.toml").write_text('threshold = 0\n[[labels]]\nname = "人"\nprompts = ["person"]\n')
    for file, names in (("words.txt", ["person", "叉车", "cup"]), ("words.toml", ["人", "cup"])):
        assert run(pictures / "a.jpg", "--prompts-file", tmp_path / file, "-p", "cup", "--json", "-") == exits.OK
        assert [label["name"] for label in json.loads(capsys.readouterr().out)["labels"]] == names


@pytest.mark.filterwarnings("default")
def test_a_long_prompt_is_told(run: Run, pictures: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(pictures / "a.jpg", "-p", "red " * 100, "--proposer", "grid") == exits.OK
    err = capsys.readouterr().err
    assert "were cut" in err
    assert err.count("\n") == 1


def test_config_file_and_flags(run: Run, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "site.toml").write_text('threshold = 0\nmax_detections = 2\nnms = "none"\nproposers = ["grid"]\n')
    arguments = (pictures / "a.jpg", "-p", "red", "--json", "-", "--config", tmp_path / "site.toml")
    assert run(*arguments) == exits.OK
    assert len(json.loads(capsys.readouterr().out)["images"][0]["detections"]) == 2
    assert run(*arguments, "--threshold", "1") == exits.OK
    assert json.loads(capsys.readouterr().out)["images"][0]["detections"] == []


def test_a_broken_picture_does_not_stop_the_others(
    run: Run, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = (pictures / "a.jpg").read_bytes()
    (pictures / "a.jpg").write_bytes(whole[: len(whole) // 2])
    assert run(pictures, "-p", "red", "--json", "-") == exits.PARTLY
    captured = capsys.readouterr()
    broken, good = json.loads(captured.out)["images"]
    assert "truncated" in broken["error"]
    assert "detections" in good
    assert "error" not in good
    assert "a.jpg cannot be decoded" in captured.err
    assert run(pictures / "a.jpg", "-p", "red") == exits.UNREADABLE


def test_box_files_that_do_not_fit(
    run: Run, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for content, said in (
        ({"a.jpg": [[1, 2, 3, 4]]}, "b.png"),  # a picture without an entry
        ({"a.jpg": [], "pictures/a.jpg": [], "b.png": []}, "several"),
        ({"elsewhere/a.jpg": [], "b.png": []}, "elsewhere/a.jpg"),  # another folder's picture
        ({"a.jpg": [[]], "b.png": []}, "x1, y1, x2, y2"),
        ({"images": [{"id": 1, "file_name": "a.jpg"}] * 2, "annotations": []}, "listed twice"),
        ({"images": [{"id": 1, "file_name": "a.jpg"}], "annotations": [{"image_id": 1, "bbox": []}]}, "bbox"),
        ({"images": [{"id": 1, "file_name": "a.jpg"}], "annotations": [{"image_id": 1, "bbox": [1, 2, 3, "x"]}]}, "x"),
        ({"a.jpg": [[1, 2, 3]], "b.png": []}, "x1, y1, x2, y2"),
        ({"images": [{"id": 1, "file_name": "a.jpg"}], "annotations": [{"image_id": 2, "bbox": []}]}, "not listed"),
        ({"images": [{"id": 1}], "annotations": []}, "file_name"),
        ([1, 2], "got a list"),
    ):
        (tmp_path / "boxes.json").write_text(json.dumps(content))
        assert run(pictures, "-p", "person", "--boxes", tmp_path / "boxes.json") == exits.USAGE
        err = capsys.readouterr().err
        assert said in err
        assert err.count("\n") == 1
    (tmp_path / "boxes.json").write_text("{")
    assert run(pictures, "-p", "person", "--boxes", tmp_path / "boxes.json") == exits.USAGE


def test_labels_that_cannot_be_drawn_are_told_before_any_work(
    run: Run, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A font without the glyph stands for a machine without a Chinese font."""
    monkeypatch.setenv("REGIONCLIP_FONT", str(write_font(tmp_path / "font.ttf", "SimHei", "火")))
    asked = (pictures, "-p", "火", "-p", "灭火器", "--threshold", "1")
    assert run(*asked, "--out", tmp_path / "out") == exits.FAILED
    said = capsys.readouterr()
    assert said.out == ""
    assert "has no glyphs for" in said.err
    assert not (tmp_path / "out").exists()
    assert run(*asked) == exits.OK  # nothing is drawn


def test_an_interrupt_keeps_what_is_done(fgclip2_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "many").mkdir()
    content = cv2.imencode(".png", planted(red=(16, 16, 80, 80)))[1].tobytes()
    for index in range(2000):
        (tmp_path / "many" / f"{index:04}.png").write_bytes(content)
    command = [sys.executable, "-m", "regionclip", "detect", "many", "-p", "red", "--weights", str(fgclip2_folder)]
    running = subprocess.Popen([*command, "--json", "r.json"], stdout=subprocess.PIPE, text=True, cwd=tmp_path)
    assert running.stdout is not None
    running.stdout.readline()  # the first picture is done
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=60)
    assert running.returncode == exits.INTERRUPTED
    images = json.loads((tmp_path / "r.json").read_text())["images"]
    assert 1 <= len(images) < 2000


def test_in_a_process_of_its_own(pictures: Path, fgclip2_folder: Path, tmp_path: Path) -> None:
    """Prompts are never read from the environment, and no traceback reaches the user."""
    environment = {"REGIONCLIP_PROMPT": "cup", "PROMPT": "cup", "PATH": "", "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-m", "regionclip", "detect", str(pictures), "--tower", str(fgclip2_folder)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=tmp_path, check=False)
    assert done.returncode == exits.USAGE
    assert "no words" in done.stderr
    assert "Traceback" not in done.stderr
    done = subprocess.run(
        [*command, "-p", "红色", "--proposer", "grid"],
        capture_output=True,
        text=True,
        env=environment,
        cwd=tmp_path,
        check=False,
    )
    assert (done.returncode, done.stderr) == (exits.OK, "")
    assert done.stdout.startswith(str(pictures / "a.jpg"))
