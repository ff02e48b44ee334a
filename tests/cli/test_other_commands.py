"""demo, doctor, towers, bench, eval: each in a process of its own."""

import json
import signal
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from regionclip.cli.terminal import exits
from regionclip.frames import read_frame


def regionclip(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "regionclip", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_demo_leaves_pictures_and_json(tmp_path: Path) -> None:
    done = regionclip("demo", "--out", tmp_path / "out")
    assert done.returncode == exits.OK, done.stderr
    result = json.loads((tmp_path / "out" / "detections.json").read_text(encoding="utf-8"))
    names = {detection["label"] for image in result["images"] for detection in image["detections"]}
    assert any(name.isascii() for name in names)
    assert any(not name.isascii() for name in names)  # both languages found something
    for image in result["images"]:
        frame = read_frame(tmp_path / "out" / image["file"])
        assert frame.shape[:2] == (image["height"], image["width"])
        assert f"{image['file']}: {len(image['detections']) or 'no'} detection" in done.stdout
    other = regionclip("demo", "--out", tmp_path / "other", "--seed", "1")
    assert other.stdout.splitlines()[2:-1] != done.stdout.splitlines()[2:-1]


def test_doctor_passes_with_the_embedded_tower() -> None:
    done = regionclip("doctor")
    assert done.returncode == exits.OK, done.stdout
    assert "FAILED" not in done.stdout
    lines = dict(line.split(None, 1) for line in done.stdout.splitlines() if len(line.split()) > 1)
    assert lines["regionclip"] == version("regionclip")
    assert "draws Chinese" in done.stdout


def test_doctor_says_that_random_weights_know_no_words(fgclip2_folder: Path) -> None:
    done = regionclip("doctor", "--tower", fgclip2_folder)
    assert done.returncode == exits.FAILED
    assert "words, English    FAILED" in done.stdout
    assert "34 phrases" in done.stdout
    assert "untrained" in done.stdout


def test_towers_lists_what_can_be_loaded() -> None:
    done = regionclip("towers")
    assert done.returncode == exits.OK
    for name in ("tiny", "fgclip2-base", "fgclip2-large", "fgclip2-so400m"):
        assert any(line.startswith(f"{name} ") for line in done.stdout.splitlines())


def test_bench_prints_every_stage() -> None:
    done = regionclip("bench", "--rounds", "1", "--size", "320x240", "--patches", "128", "--boxes", "7")
    assert done.returncode == exits.OK, done.stderr
    assert "pool 7 boxes" in done.stdout
    assert "9 x 12 = 108 patches" in done.stdout
    assert regionclip("bench", "--size", "wide").returncode == exits.USAGE
    assert regionclip("bench", "--random", "base", "--tower", "tiny").returncode == exits.USAGE
    assert regionclip("bench", "--random", "huge").returncode == exits.USAGE


def test_eval_scenes_prints_a_table() -> None:
    done = regionclip("eval", "scenes", "--scenes", "4")
    assert done.returncode == exits.OK, done.stderr
    assert done.stdout.startswith("4 scenes")
    assert "AP50" in done.stdout
    small = regionclip("eval", "scenes", "--size", "32x32")
    assert small.returncode == exits.USAGE
    assert "Traceback" not in small.stderr


def test_version() -> None:
    assert regionclip("--version").stdout == f"regionclip {version('regionclip')}\n"


@pytest.mark.parametrize("command", ["detect", "demo", "scenes", "teach", "train", "towers", "doctor", "bench", "eval"])
def test_help(command: str) -> None:
    done = regionclip(command, "--help")
    assert done.returncode == exits.OK
    assert "Usage" in done.stdout


def test_an_interrupt_ends_with_its_code(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "regionclip", "eval", "scenes", "--scenes", "100000"]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    assert running.stderr is not None
    assert "rendered scenes only" in running.stderr.readline()  # torch is loaded, work begins
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=60)
    assert running.returncode == exits.INTERRUPTED
    assert "Traceback" not in err
