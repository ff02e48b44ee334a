"""`regionclip eval boxes`, `coco`, ... on small sets, and on photographs where those are at hand."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from plantedset import NAMES, write_set

_SHARED = [folder for above in Path(__file__).parents if (folder := above / "shared" / "data" / "boxes").is_dir()]
SQUARES = [{"red": (16, 16, 48, 48)}, {"green": (96, 32, 160, 96)}]
TINY = ("--tower", "tiny")

Run = Callable[..., int]


def test_coco(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out = write_set(tmp_path, SQUARES), tmp_path / "out"
    command = ("eval", "coco", "--annotations", path, *TINY, "--boxes", "truth", "--out", out, "--json", "-")
    assert run(*command, "-p", "red=red square", "-p", "绿") == 0
    told = capsys.readouterr().out
    assert "true boxes, 2 classes asked" in told
    assert "trained on rendered scenes only" in told
    assert json.loads((out / "coco.json").read_text()) == json.loads(told[told.index("{") :])
    rows = json.loads((out / "results.json").read_text())
    assert {(row["image_id"], row["category_id"]) for row in rows} == {(0, 0), (0, 1), (1, 0), (1, 1)}
    assert "classes,all,AP," in (out / "coco.csv").read_text()
    assert run(*command, "-p", "red") == 1
    assert "holds rows of another run: classes is" in capsys.readouterr().err


def test_boxes(run_small: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """FG-CLIP 2's own protocol: 80 templates, dynamic budget; what it fixes cannot be given beside."""
    path = write_set(tmp_path, SQUARES)
    command = ("eval", "boxes", "--annotations", path, "--out", tmp_path / "out", "--published", "fgclip2")
    assert run_small(*command) == 0
    told = capsys.readouterr().out
    assert "2 true boxes with crowds, 4 classes, mode closed, templates: en imagenet" in told
    assert "patches: dynamic budget, median " in told
    kept = json.loads((tmp_path / "out" / "boxes.json").read_text())["run"]
    assert (kept["budget"], list(kept["words"])) == ("dynamic", ["en"])
    assert run_small(*command, "--budget", "128") == 2
    assert "fixes words, templates, mode and budget" in capsys.readouterr().err


def test_lvis_suite_and_what_they_need(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    classes = [{"id": n, "name": name, "frequency": "rcff"[n]} for n, name in enumerate(NAMES)]
    path = write_set(tmp_path / "sets" / "one", SQUARES, categories=classes)
    write_set(tmp_path / "sets" / "two", SQUARES)
    for protocol, row in (("lvis", "rare"), ("ovlvis", "novel (rare)")):
        command = ("eval", protocol, "--annotations", path, *TINY, "--boxes", "truth", "--out", tmp_path / protocol)
        assert run(*command) == 0
        assert row in capsys.readouterr().out
    assert run("eval", "suite", tmp_path / "sets", *TINY, "--out", tmp_path / "runs") == 0
    assert "mean of 2" in capsys.readouterr().out
    assert sorted(each.name for each in (tmp_path / "runs").iterdir()) == ["one", "suite.csv", "suite.json", "two"]
    bare = tmp_path / "sets" / "two" / "annotations.json"
    assert run("eval", "lvis", "--annotations", bare, *TINY, "--out", tmp_path / "no") == 2
    assert "expected `frequency` r, c or f" in capsys.readouterr().err
    assert not (tmp_path / "no").exists()


@pytest.mark.skipif(not _SHARED, reason="no photographs at ../shared/data/boxes")
def test_photographs(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Federated photographs of four sources: `tiny` runs, and says that it does not know such pictures."""
    command = ("--annotations", _SHARED[0] / "annotations.json", "--split", "test", "--first", "6", *TINY)
    assert run("eval", "coco", *command, "--out", tmp_path / "coco") == 0
    told = capsys.readouterr().out
    assert "79 classes asked" in told
    assert "federated" in told
    assert "of the images are of no kind that this tower knows" in told
    assert run("eval", "boxes", *command, "--out", tmp_path / "boxes") == 0
    assert "gap top-1" in capsys.readouterr().out


def test_one_pass_serves_all_that_is_asked_of_the_rows(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = write_set(tmp_path, SQUARES), tmp_path / "out"
    shared = ("--annotations", path, *TINY, "--boxes", "truth", "--out", out)
    assert run("eval", "coco", *shared) == 0
    before = (out / "rows.jsonl").read_bytes()
    assert run("eval", "presence", *shared, "--fps", "2", "--threshold", "0.3") == 0
    assert run("eval", "errors", *shared, "--worst", "1", "--threshold", "0") == 0
    told = capsys.readouterr().out
    assert "an hour" in told
    assert "1 pictures in" in told
    assert (out / "rows.jsonl").read_bytes() == before
    assert {each.name for each in out.iterdir()} == {
        *("rows.jsonl", "results.json", "confusion.png", "worst"),
        *(f"{name}.{end}" for name in ("coco", "presence", "errors") for end in ("json", "csv")),
    }


def test_calibration_fgovd_and_retrieval(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_set(tmp_path, SQUARES)
    assert run("eval", "calibration", "--annotations", path, *TINY, "--out", tmp_path / "c") == 0
    assert (tmp_path / "c" / "reliability.png").is_file()
    notes = json.loads(path.read_text())
    for entry in notes["annotations"]:
        entry["neg_category_ids"] = [2, 3]
    path.write_text(json.dumps(notes))
    assert run("eval", "fgovd", "--annotations", path, *TINY, "--out", tmp_path / "f") == 0
    notes["annotations"] = [{"id": n, "image_id": n, "caption": text} for n, text in enumerate(["a square", "方块"])]
    path.write_text(json.dumps(notes))
    assert run("eval", "retrieval", "--annotations", path, *TINY, "--out", tmp_path / "r") == 0
    told = capsys.readouterr().out
    assert "by chance" in told
    assert "caption to pictures" in told
