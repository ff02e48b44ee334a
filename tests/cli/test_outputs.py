"""No command writes over what it reads, nor twice to one file: told in one line before any work."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import pytest
from toy import planted

from regionclip.cli.terminal import exits
from regionclip.errors import ConfigError
from regionclip.formats.outputs import check_outputs
from regionclip.frames import read_frame

Run = Callable[..., int]
RULES = '[[zone]]\nname = "z"\npoints = [[0, 0], [1, 0], [1, 1]]\n[[rule]]\nname = "r"\nkind = "enter"\nzones = "z"\n'
ASKED = ("-p", "person")


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one of everything that commands read; the tests stand in it."""
    cv2.imwrite(str(tmp_path / "a.png"), planted(red=(16, 16, 80, 80)))
    (tmp_path / "b.json").write_text(json.dumps({"a.png": [[16, 16, 80, 80]]}))
    (tmp_path / "v.toml").write_text('[[labels]]\nname = "person"\n')
    (tmp_path / "v.safetensors").write_bytes(b"taught")
    (tmp_path / "words.txt").write_text("person\n")
    (tmp_path / "c.toml").write_text("threshold = 0.5\n")
    (tmp_path / "rules.toml").write_text(RULES)
    (tmp_path / "clip.mp4").write_bytes(b"no video, but nobody may find out before the names are checked")
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "config.json").write_text('{"model_type": "regionclip-tiny"}')
    (tmp_path / "x.regions").mkdir()
    (tmp_path / "x.regions" / "store.json").write_text("{}")
    (tmp_path / "truth.json").write_text('{"images": [], "annotations": []}')
    (tmp_path / "site.toml").write_text(
        'events = "site.toml"\n[[camera]]\nname = "a"\nurl = "0"\nvocabulary = "v.toml"\n'
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


VIDEO = ("video", "clip.mp4", *ASKED)
STREAM = ("stream", "clip.mp4", *ASKED)
CALIBRATE = ("calibrate", "--alarms-per-frame", "0.1", "--empty")


@pytest.mark.parametrize(
    "command",
    [
        ("detect", "a.png", *ASKED, "--json", "a.png"),
        ("detect", "a.png", *ASKED, "--json", "./weights/../a.png"),
        ("detect", "*.png", *ASKED, "--json", "a.png"),
        ("detect", "a.png", *ASKED, "--boxes", "b.json", "--json", "b.json"),
        ("detect", "a.png", "--prompts-file", "v.toml", "--json", "v.toml"),
        ("detect", "a.png", "--prompts-file", "words.txt", "--json", "words.txt"),
        ("detect", "a.png", *ASKED, "--config", "c.toml", "--json", "c.toml"),
        ("detect", "a.png", *ASKED, "--weights", "weights", "--json", "weights/config.json"),
        ("detect", "a.png", *ASKED, "--proposer", "detr=weights", "--json", "weights/config.json"),
        ("detect", "a.png", *ASKED, "--out", "o", "--json", "o/a-regions.png"),
        ("explain", "a.png", *ASKED, "--json", "a.png"),
        ("explain", "a.png", *ASKED, "--boxes", "b.json", "--json", "b.json"),
        ("explain", "a.png", *ASKED, "--heatmap", "x", "--out", "o", "--json", "o/a-heatmap-x.png"),
        ("index", "a.png", "--boxes", "b.json", "--out", "b.json"),
        ("index", "a.png", "--out", "a.png"),
        ("ask", "x.regions", *ASKED, "--json", "x.regions/store.json"),
        ("ask", "x.regions", "--prompts-file", "v.toml", "--json", "v.toml"),
        ("teach", "mug", "--example", "a.png:1,1,9,9", "--vocabulary", "v.toml", "--out", "v.toml"),
        ("vocab", "check", "v.toml", "--json", "v.toml"),
        ("vocab", "translate-gap", "v.toml", "--set", "truth.json", "--json", "truth.json"),
        (*CALIBRATE, "a.png", "--vocabulary", "v.toml", "--out", "v.toml"),
        (*VIDEO, "--out", "clip.mp4"),
        (*VIDEO, "--out", "o.mp4", "--rules", "rules.toml", "--events", "rules.toml"),
        (*VIDEO, "--out", "o.mp4", "--rules", "rules.toml", "--results", "rules.toml"),
        (*VIDEO, "--out", "o.mp4", "--results", "z.jsonl", "--events", "z.jsonl"),
        (*VIDEO, "--out", "o.mp4", "--results", "z.jsonl", "--events", "./z.jsonl"),
        (*VIDEO, "--out", "o.mp4", "--events", "o.mp4"),
        (*VIDEO, "--out", "o.mp4", "--snapshots", "z.jsonl", "--events", "z.jsonl"),
        (*VIDEO, "--out", "o.mp4", "--snapshots", "v.toml"),
        (*STREAM, "--record", "clip.mp4"),
        (*STREAM, "--record", "r.mp4", "--results", "r.mp4"),
        (*STREAM, "--rules", "rules.toml", "--events", "rules.toml"),
        ("site", "site.toml", "--check"),
        ("eval", "recall", "--set", "truth.json", "--json", "truth.json"),
        ("eval", "tracks", "--tracks", "c.toml", "--json", "c.toml"),
        ("eval", "events", "--config", "c.toml", "--json", "c.toml"),
        ("eval", "alarms", "--config", "c.toml", "--plot", "c.toml"),
        ("demo", "--out", "a.png"),
        ("demo", "--out", "."),
        ("scenes", "--out", "a.png"),
    ],
    ids=" ".join,
)
def test_an_output_that_would_cost_a_file(
    run: Run, desk: Path, capsys: pytest.CaptureFixture[str], command: tuple[str, ...]
) -> None:
    before = {path: path.read_bytes() for path in desk.rglob("*") if path.is_file()}
    assert run(*command) == exits.USAGE
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert command[-1].removeprefix("./") in said.err or command[0] == "site"
    assert {path: path.read_bytes() for path in desk.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("link", [Path.symlink_to, Path.hardlink_to])
def test_links_are_the_file_itself(desk: Path, link: Callable[[Path, Path], None]) -> None:
    link(desk / "link", desk / "a.png")
    with pytest.raises(ConfigError, match="--json link: this is what SOURCE reads"):
        check_outputs({"--json": "link"}, {"SOURCE": ["a.png"]})


def test_a_link_to_what_is_not_there_yet(desk: Path) -> None:
    (desk / "link").symlink_to(desk / "new.json")
    with pytest.raises(ConfigError, match=r"--events new.json: --results writes the same file"):
        check_outputs({"--results": "link", "--events": "new.json"}, {})


def test_a_folder_behind_a_link(desk: Path) -> None:
    (desk / "alias").symlink_to(desk / "weights")
    with pytest.raises(ConfigError, match="--weights reads"):
        check_outputs({"--json": "weights/config.json"}, {"--weights": "alias"})


def test_standard_output_and_devices_may_be_shared(desk: Path) -> None:
    check_outputs({"--json": "-", "--results": "-", "--events": os.devnull, "--out": os.devnull}, {"SOURCE": "a.png"})
    check_outputs({"--json": "new.json", "--out": None}, {"SOURCE": "a.png", "--boxes": None}, folders={"--out": "o"})


def test_pictures_of_one_name_get_the_names_of_their_folders(run: Run, desk: Path) -> None:
    for folder, box in (("A", (16, 16, 80, 80)), ("B", (90, 30, 150, 90)), ("x/A", (50, 50, 99, 99))):
        (desk / folder).mkdir(parents=True)
        cv2.imwrite(str(desk / folder / "pic.png"), planted(red=box))
    given = ("A/pic.png", "B/pic.png", "x/A/pic.png", "a.png")
    names = {"B-pic-regions.png", "x-A-pic-regions.png", f"{desk.name}-A-pic-regions.png", "a-regions.png"}
    for _ in range(2):  # a second run writes the same again
        assert run("detect", *given, *ASKED, "--threshold", "1", "--out", "o") == exits.OK
        assert {path.name for path in (desk / "o").iterdir()} == names
    for source, name in (("B/pic.png", "B-pic-regions.png"), ("x/A/pic.png", "x-A-pic-regions.png")):
        assert (read_frame(desk / "o" / name) == read_frame(source)).all()  # nothing is drawn at threshold 1


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_another_run_does_not_replace_the_picture_of_another_source(
    run: Run, desk: Path, capsys: pytest.CaptureFixture[str], suffix: str
) -> None:
    for folder in ("A", "B"):
        (desk / folder).mkdir()
        cv2.imwrite(str(desk / folder / f"pic{suffix}"), planted(red=(16, 16, 80, 80)))
    drawn = desk / "o" / f"pic-regions{suffix}"
    assert run("detect", f"A/pic{suffix}", *ASKED, "--out", "o") == exits.OK
    before = drawn.read_bytes()
    capsys.readouterr()
    assert run("detect", f"B/pic{suffix}", *ASKED, "--out", "o") == exits.USAGE
    assert "was not drawn from B" in capsys.readouterr().err
    assert drawn.read_bytes() == before
    assert run("detect", f"A/pic{suffix}", *ASKED, "--threshold", "0", "--out", "o") == exits.OK  # its own
    assert drawn.read_bytes() != before
    shutil.copy(desk / "a.png", drawn)  # a picture of the user's own
    assert run("detect", f"A/pic{suffix}", *ASKED, "--out", "o") == exits.USAGE


def test_heat_maps_of_another_source_stay(run: Run, desk: Path) -> None:
    (desk / "B").mkdir()
    shutil.copy(desk / "a.png", desk / "B" / "a.png")
    asked = (*ASKED, "--heatmap", "red", "--out", "o")
    assert run("explain", "a.png", *asked) == exits.OK
    assert run("explain", "B/a.png", *asked) == exits.USAGE
    assert run("explain", "a.png", *asked) == exits.OK
