"""demo, doctor, towers, bench, eval, --version and --help."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

from regionclip.cli.demo import SIZES
from regionclip.cli.terminal import exits
from regionclip.frames import read_frame
from regionclip.scenes.render import render_scene

Run = Callable[..., int]
Printed = pytest.CaptureFixture[str]


def test_demo_leaves_pictures_and_json(run: Run, capsys: Printed, tmp_path: Path) -> None:
    assert run("demo", "--out", tmp_path / "out", "--seed", 1) == exits.OK
    printed = capsys.readouterr().out
    result = json.loads((tmp_path / "out" / "detections.json").read_text(encoding="utf-8"))
    names = {detection["label"] for image in result["images"] for detection in image["detections"]}
    assert any(name.isascii() for name in names)
    assert any(not name.isascii() for name in names)  # both languages found something
    for image in result["images"]:
        frame = read_frame(tmp_path / "out" / image["file"])
        assert frame.shape[:2] == (image["height"], image["width"])
        assert f"{image['file']}: {len(image['detections']) or 'no'} detection" in printed
    shown = render_scene(1, 0, SIZES[0]).objects
    assert f"  rendered: {', '.join(f'{thing.colour} {thing.kind}' for thing in shown)}\n" in printed


def test_doctor_passes_with_the_embedded_tower(run: Run, capsys: Printed) -> None:
    assert run("doctor") == exits.OK
    printed = capsys.readouterr().out
    assert "FAILED" not in printed
    lines = dict(line.split(None, 1) for line in printed.splitlines() if len(line.split()) > 1)
    assert lines["regionclip"] == version("regionclip")
    assert "draws Chinese" in printed


def test_doctor_says_that_random_weights_know_no_words(run: Run, capsys: Printed, fgclip2_folder: Path) -> None:
    assert run("doctor", "--tower", fgclip2_folder) == exits.FAILED
    printed = capsys.readouterr().out
    assert "words, English    FAILED" in printed
    assert "34 phrases" in printed
    assert "untrained" in printed
    assert "padding           ok" in printed
    assert "memory and file   ok: all 105 tensors are equal" in printed


def test_doctor_wants_the_picture_before_it_loads_anything(run: Run, capsys: Printed, tmp_path: Path) -> None:
    assert run("doctor", "--oracle", tmp_path / "000000039769.jpg") == exits.UNREADABLE
    assert capsys.readouterr().out == ""


def test_towers_lists_what_can_be_loaded(run: Run, capsys: Printed) -> None:
    assert run("towers") == exits.OK
    lines = capsys.readouterr().out.splitlines()
    for name in ("tiny", "fgclip2-base", "fgclip2-large", "fgclip2-so400m"):
        assert any(line.startswith(f"{name} ") for line in lines)


def test_bench_prints_every_stage(run: Run, capsys: Printed) -> None:
    assert run("bench", "--rounds", 1, "--size", "320x240", "--patches", 128, "--boxes", 7) == exits.OK
    printed = capsys.readouterr().out
    assert "pool 7 boxes" in printed
    assert "9 x 12 = 108 patches" in printed


def test_eval_scenes_prints_a_table(run: Run, capsys: Printed) -> None:
    assert run("eval", "scenes", "--scenes", 4) == exits.OK
    printed = capsys.readouterr().out
    assert printed.startswith("4 scenes")
    assert "AP50" in printed


def test_version_and_help(run: Run, capsys: Printed) -> None:
    assert run("--version") == exits.OK
    assert capsys.readouterr().out == f"regionclip {version('regionclip')}\n"
    for command in ("detect", "demo", "scenes", "teach", "train", "towers", "doctor", "bench", "eval"):
        assert run(command, "--help") == exits.OK
        assert "Usage" in capsys.readouterr().out


def test_an_interrupt_ends_with_its_code(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "regionclip", "eval", "scenes", "--scenes", "100000"]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    assert running.stderr is not None
    assert "rendered scenes only" in running.stderr.readline()  # torch is loaded, work begins
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=60)
    assert running.returncode == exits.INTERRUPTED
    assert "Traceback" not in err
