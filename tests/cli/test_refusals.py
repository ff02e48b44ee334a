"""What commands refuse before any work: mistakes, and outputs that would cost a file: one line, a documented code."""

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
FILES = {
    "b.json": json.dumps({"a.png": [[16, 16, 80, 80]]}),
    "v.toml": '[[labels]]\nname = "person"\n',
    "v.safetensors": "taught",
    "words.txt": "person\n",
    "c.toml": "threshold = 0.5\n",
    "rules.toml": RULES,
    "clip.mp4": "no video, but nobody may find out before the names are checked",
    "weights/config.json": '{"model_type": "regionclip-tiny"}',
    "x.regions/store.json": "{}",
    "truth.json": '{"images": [], "annotations": []}',
    "site.toml": 'events = "site.toml"\n[[camera]]\nname = "a"\nurl = "0"\nvocabulary = "v.toml"\n',
}


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one of everything that commands read; the tests stand in it."""
    cv2.imwrite(str(tmp_path / "a.png"), planted(red=(16, 16, 80, 80)))
    cv2.imwrite(str(tmp_path / "other.png"), planted())
    for name, content in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    monkeypatch.chdir(tmp_path)
    return tmp_path


ASKED = ("-p", "person")
VIDEO = ("video", "clip.mp4", *ASKED)
STREAM = ("stream", "clip.mp4", *ASKED)
SMALL = "the small FG-CLIP 2"
DETECT = ("detect", "a.png", "-p", "person")
EXPLAIN = ("explain", "a.png", "-p", "red")
RECALL = ("eval", "recall")
TRACKS = ("eval", "tracks")
SCENES = ("scenes", "--out", "o")
TEACH = ("teach", "mug", "--out", "o.toml", "--example")
CALIBRATE = ("calibrate", "--vocabulary", "v.toml", "--out", "o.toml")
EMPTY = (*CALIBRATE, "--empty", "a.png")
GAP = ("vocab", "translate-gap", "security-ppe")

USAGE = [
    (("detect", "a.png"), "no words to look for"),
    (("detect", "a.png", "-p", " "), "expected words"),
    ((*DETECT, "-p", "person"), "given twice"),
    (("detect", "a.png", "-p", "a=x", "-p", "b=X"), "stands under both"),
    ((*DETECT, "--threshold", "1.5"), "threshold"),
    ((*DETECT, "--config", "absent.toml"), "absent.toml"),
    ((*DETECT, "--prompts-file", "absent.txt"), "absent.txt"),
    ((*DETECT, "--boxes", "absent.json"), "absent.json"),
    ((*DETECT, "--proposer", "magic"), "dense, grid"),
    ((*DETECT, "--device", "tpu"), "tpu"),
    ((*DETECT, "--tiles", "3"), "3x2"),
    ((*DETECT, "--tiles", "0x2"), "tiles"),
    ((*DETECT, "--tiles", "99x99"), "tiles at most"),
    ((*DETECT, "--budget", "tiny"), "balanced"),
    ((*DETECT, "--budget", "0"), "budget"),
    ((*DETECT, "--out", "b.json"), "expected a folder, got a file"),
    ((*DETECT, "--json", "weights"), "expected a file, got a folder"),
    ((*DETECT, "--json", "other.png"), "a picture or a video, which would be lost"),
    ((*VIDEO, "--out", "o.mp4", "--events", "other.png"), "a picture or a video, which would be lost"),
    (("explain", "a.png"), "no words to look for"),
    ((*EXPLAIN, "--heatmap", "red"), "--out DIR together"),
    ((*EXPLAIN, "--out", "maps"), "--out DIR together"),
    ((*EXPLAIN, "--region", "9999", "--proposer", "grid"), "numbers of regions below"),
    (("bench", "--size", "wide"), "expected WxH in pixels"),
    (("bench", "--random", "base", "--tower", "tiny"), "either --random or --tower"),
    (("bench", "--random", "huge"), "expected a size of base"),
    (("bench", "--texts"), "--texts times random weights: give --random base"),
    (("bench", "--towers", "--random", "base"), "expected no --random"),
    (("doctor", "--phrase-cache", ""), "phrase_cache"),
    (("eval", "scenes", "--size", "32x32"), "expected sides of at least"),
    *(
        (("eval", what, "--preset", "static-camera"), f"eval {what}: each scene stands alone")
        for what in ("scenes", "tiling", "alarms")
    ),
    (("eval", "tiling", "--object", "900"), "half of the frame"),
    (("eval", "tiling", "--tiles", "two"), "3x2"),
    (("eval", "tiling", "--size", "9x9"), "at least 64"),
    (("eval", "events", "--rules-alone", "--json", "weights"), "expected a file, got a folder"),
    ((*RECALL, "--set", "nowhere.json"), "expected scenes, clips, or a COCO-format"),
    ((*RECALL, "--images", "somewhere"), "--set scenes: has no --images"),
    ((*RECALL, "--camera", "still"), "--camera: only with --set clips"),
    ((*RECALL, "--proposer", "magic"), "proposer 'magic' is not known"),
    ((*RECALL, "--proposer", "detr"), '--proposer "detr=WEIGHTS"'),
    ((*RECALL, "--preset", "garage"), "preset garage does not exist"),
    ((*RECALL, "--preset", "none", "--count", "1"), "no proposer"),
    ((*RECALL, "--size", "8x8"), "expected sides of at least"),
    ((*TRACKS, "--tracker", "best"), "--tracker: tracker: expected one of bytetrack, ocsort"),
    ((*TRACKS, "--size", "8x8"), "expected sides of at least"),
    ((*TRACKS, "--tracks", "no.toml"), "no.toml cannot be read"),
    ((*TRACKS, "--preset", "static-camera", "--clips", "1"), "this proposer remembers earlier ones"),
    ((*SCENES, "--size", "95x80", "--clips"), "expected even sides"),
    ((*SCENES, "--size", "40x80"), "expected sides of at least"),
    ((*SCENES, "--size", "large"), "expected WxH in pixels"),
    ((*SCENES, "--clips", "--seconds", "nan"), "Usage"),
    ((*SCENES, "--clips", "--seconds", "inf"), "expected at least one frame"),
    ((*SCENES, "--event", "explosion"), "Usage"),
    ((*SCENES, "--count", "0"), "Usage"),
    ((*SCENES, "--event", "enter"), "--event: only with --clips"),
    ((*SCENES, "--camera", "still"), "--camera: only with --clips"),
    ((*SCENES, "--seconds", "6"), "--seconds: only with --clips"),
    ((*SCENES, "--fps", "12"), "--fps: only with --clips"),
    (("scenes", "--out", "b.json"), "expected a folder, got a file"),
    ((*TEACH, "a.png"), "expected IMAGE:X1,Y1,X2,Y2"),
    ((*TEACH, "a.png:1,2,3"), "expected IMAGE:X1,Y1,X2,Y2"),
    ((*TEACH, "a.png:9,2,3,4"), "expected X1 < X2"),
    ((*TEACH, "a.png:1,2,3,4", "--out", "v.json"), "ends in .toml"),
    ((*EMPTY, "--alarms-per-hour", "1"), "--fps"),
    ((*EMPTY, "--alarms-per-frame", "0.01", "--out", "new.json"), "ends in .toml"),
    ((*EMPTY, "--alarms-per-frame", "1.5"), "below 1"),
    (EMPTY, "--alarms-per-hour or --alarms-per-frame"),
    (CALIBRATE, "--empty or --labelled"),
    ((*EMPTY, "--labelled", "truth.json"), "--empty or --labelled"),
    ((*CALIBRATE, "--labelled", "truth.json", "--beta", "0"), "above 0"),
    (("vocab", "show", "security-pep"), "security-ppe"),
    (("vocab", "check", "absent.toml"), "absent.toml"),
    ((*GAP, "--set", "boxes.csv"), "ends in .json"),
    ((*GAP, "--set", "absent.json"), "absent.json"),
    ((*GAP, "--images", "."), "scenes are rendered"),
]
OTHERS = [
    (("site", "site.toml", "--check"), exits.USAGE, "site.toml"),
    ((*DETECT, "--out", "b.json/sub"), exits.FAILED, "cannot be written"),
    ((*DETECT, "--tower", SMALL, "--proposer", "dense"), exits.WEIGHTS, "proposer.safetensors"),
    ((*DETECT, "--tower", SMALL, "--weights", "no/such"), exits.WEIGHTS, "model.safetensors"),
    ((*RECALL, "--proposer", "detr=no/such/folder", "--count", "1"), exits.WEIGHTS, "model.safetensors"),
    (("detect", "weights", "-p", "person"), exits.UNREADABLE, "no pictures"),
    (("detect", "absent.jpg", "-p", "person"), exits.UNREADABLE, "absent.jpg"),
    (("detect", "*.jpg", "-p", "person"), exits.UNREADABLE, "*.jpg"),
    (("explain", "absent.png", "-p", "red"), exits.UNREADABLE, "absent.png"),
    ((*TEACH, "absent.jpg:1,2,3,4"), exits.UNREADABLE, "absent.jpg"),
    ((*CALIBRATE, "--empty", "absent.mp4", "--alarms-per-hour", "1"), exits.UNREADABLE, "no such"),
]
LOST = [
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
    ("search", "x", "person", "--like", "a.png", "--json", "a.png"),
    ("search", "x", "person", "--like", "a.png", "--sheet", "a.png"),
    ("search", "x", "--prompts-file", "v.toml", "--json", "v.toml"),
    ("search", "x", "person", "--sheet", "s.png", "--clips", "s.png"),
    ("teach", "mug", "--example", "a.png:1,1,9,9", "--vocabulary", "v.toml", "--out", "v.toml"),
    ("vocab", "check", "v.toml", "--json", "v.toml"),
    ("vocab", "translate-gap", "v.toml", "--set", "truth.json", "--json", "truth.json"),
    ("calibrate", "--alarms-per-frame", "0.1", "--empty", "a.png", "--vocabulary", "v.toml", "--out", "v.toml"),
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
    ("eval", "recall", "--set", "truth.json", "--json", "truth.json"),
    ("eval", "tracks", "--tracks", "c.toml", "--json", "c.toml"),
    ("eval", "events", "--config", "c.toml", "--json", "c.toml"),
    ("eval", "alarms", "--config", "c.toml", "--plot", "c.toml"),
    ("demo", "--out", "a.png"),
    ("demo", "--out", "."),
    ("scenes", "--out", "a.png"),
]
"""Outputs that are an input or another output, or a file for a folder."""


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        *((command, exits.USAGE, said) for command, said in USAGE),
        *((command, exits.USAGE, command[-1].removeprefix("./")) for command in LOST),
        *OTHERS,
    ],
    ids=lambda each: " ".join(each) if isinstance(each, tuple) else "",
)
def test_it_is_refused_in_one_line_and_nothing_is_written(
    run: Run,
    desk: Path,
    fgclip2_folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    command: tuple[str, ...],
    code: int,
    said: str,
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    before = {path: path.is_file() and path.read_bytes() for path in desk.rglob("*")}
    assert run(*(fgclip2_folder if word == SMALL else word for word in command)) == code
    captured = capsys.readouterr()
    told = [line for line in captured.err.splitlines() if "trained on rendered scenes only" not in line]
    assert said in captured.err
    assert len(told) == 1 or said == "Usage"  # typer's own
    assert captured.out == ""
    assert {path: path.is_file() and path.read_bytes() for path in desk.rglob("*")} == before


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
        drawn, given_frame = read_frame(desk / "o" / name), read_frame(source)
        assert (
            drawn[48:-8, 8:-8] == given_frame[48:-8, 8:-8]
        ).all()  # at threshold 1 nothing is drawn but the banner, as it is no scene


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
