"""The dora node: frames from files, by dora's own way of testing nodes, and demos/dora as a dataflow of processes."""

import json
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from footage import write_clip
from toy import planted, toy_detector

from regionclip.frames import Frame
from regionclip.robot.core import PerceptionCore
from regionclip.scenes.render import render_scene

pytestmark = pytest.mark.skipif(find_spec("dora") is None, reason="dora-rs is not installed")

DEMO = Path(__file__).parent.parent.parent / "demos/dora"
SQUARE = (32, 32, 96, 96)
CHECKER = """
import json
import sys
import pyarrow as pa
from dora import Node

node, asked = Node(), False
with open(sys.argv[1], "w", encoding="utf-8") as file:
    while (event := node.next(timeout=2)) and event["type"] != "ERROR":  # which ends the circle of its two inputs
        if event["type"] != "INPUT":
            continue
        told = event["metadata"]
        told["timestamp"] = int(told["timestamp"].timestamp() * 1e6) * 1000
        value = None if event["id"] == "image" else event["value"][0].as_py()
        file.write(json.dumps([event["id"], told, value]) + "\\n")
        if event["id"] == "detections" and not asked:
            asked = True
            node.send_output("prompts", pa.array(["# later", "轿车=car|汽车"]))
"""
MORE = """
      prompts: checker/prompts
    outputs: [bbox, detections]

  - id: checker
    path: checker.py
    args: heard.jsonl
    inputs:
      image: { source: camera/image, queue_size: 1000 }
      bbox: { source: regionclip/bbox, queue_size: 1000 }
      detections: { source: regionclip/detections, queue_size: 1000 }
    outputs: [prompts]
"""


def picture(frame: Frame, **told: str | int) -> dict[str, Any]:
    """An input as dora's files have it."""
    parameters = {name: {"String" if isinstance(value, str) else "Integer": value} for name, value in told.items()}
    data = frame.reshape(-1).tolist()
    return {"type": "Input", "id": "image", "metadata": parameters, "data": data, "data_type": "UInt8"}


def words(*lines: str) -> dict[str, Any]:
    return {"type": "Input", "id": "prompts", "data": list(lines)}


def answered(
    events: list[dict[str, Any]], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[dict[str, list[Any]], list[str]]:
    """What a node that looks for red and 绿 sends to each output, and what it logs."""
    from regionclip.robot.transports.dora import run

    timed = [{"time_offset_secs": 0.0, **event} for event in (*events, {"type": "Stop"})]
    (folder / "inputs.json").write_text(json.dumps({"id": "regionclip", "events": timed}))
    monkeypatch.setenv("DORA_TEST_WITH_INPUTS", str(folder / "inputs.json"))
    monkeypatch.setenv("DORA_TEST_WRITE_OUTPUTS_TO", str(folder / "outputs.jsonl"))
    logged: list[str] = []
    run(PerceptionCore(toy_detector([SQUARE]), ["red", "绿"]), logged.append)
    sent: dict[str, list[Any]] = {"bbox": [], "detections": []}
    for line in (folder / "outputs.jsonl").read_text(encoding="utf-8").splitlines():
        output = json.loads(line)
        sent[output["id"]] += output["data"]
    return sent, logged


def test_frames_are_answered_in_every_encoding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = planted(green=SQUARE)
    size = {"width": frame.shape[1], "height": frame.shape[0]}
    _, jpeg = cv2.imencode(".jpg", frame)
    events = [
        picture(frame, encoding="bgr8", **size),
        picture(frame[:, :, ::-1], encoding="rgb8", **size),
        picture(jpeg, encoding="jpeg", **size),
        picture(planted(), **size),
    ]
    sent, logged = answered(events, tmp_path, monkeypatch)
    assert logged == []
    assert [found["labels"] for found in sent["bbox"]] == [["绿"], ["绿"], ["绿"], []]
    assert [found["bbox"] for found in sent["bbox"]] == [list(SQUARE)] * 3 + [[]]
    assert all(0.9 < confidence <= 1 for found in sent["bbox"] for confidence in found["conf"])
    records = [json.loads(text) for text in sent["detections"]]
    assert [[each["label"] for each in found] for found in records] == [["绿"], ["绿"], ["绿"], []]
    assert records[0][0]["box"] == list(SQUARE)
    assert records[0][0]["confidence"] == pytest.approx(sent["bbox"][0]["conf"][0], abs=1e-4)


def test_words_are_changed_and_mistakes_survived(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = planted(green=SQUARE)
    size = {"width": frame.shape[1], "height": frame.shape[0]}
    events = [
        words('["green", "蓝"]'),
        picture(frame, **size),
        words("[]"),
        picture(frame, encoding="yuv420", **size),
        picture(frame),
        picture(frame[:1], **size),
        {**picture(frame, **size), "data_type": "Float32"},
        {**picture(frame, **size), "data": [None] * frame.size},
        picture(frame, width="wide"),
        words("# by hand", "方块=green|绿"),
        picture(frame, **size),
    ]
    sent, logged = answered(events, tmp_path, monkeypatch)
    assert [found["labels"] for found in sent["bbox"]] == [["green"], ["方块"]]
    assert [line.partition(": ")[0] for line in logged] == ["words refused, the old ones stay", *["image"] * 6]
    reasons = ("got []", "'yuv420'", "at least one pixel", "a step of", "uint8, got float", "null", "'wide'")
    for line, why in zip(logged, reasons, strict=True):
        assert why in line, line


def test_the_demo_as_a_dataflow(tmp_path: Path) -> None:
    """Two processes of ours and one that looks on: the newest frame wins, words are changed, stamps are kept."""
    shutil.copytree(DEMO, tmp_path, dirs_exist_ok=True)
    (tmp_path / "checker.py").write_text(CHECKER, encoding="utf-8")
    scene = render_scene(5, 0, (240, 320)).frame
    write_clip(tmp_path / "clip.mp4", range(0, 4000, 40), [scene] * 100)
    text = (tmp_path / "dataflow.yml").read_text(encoding="utf-8")
    for old, new in (
        ('args: "0"', "args: clip.mp4"),
        ("millis/33", "millis/10"),
        ("\n    outputs: [bbox, detections]\n", MORE),
    ):
        assert text.count(old) == 1
        text = text.replace(old, new)
    (tmp_path / "dataflow.yml").write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", "import dora; dora.run('dataflow.yml', stop_after=100)"],
        cwd=tmp_path,
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout
    heard = [json.loads(line) for line in (tmp_path / "heard.jsonl").read_text(encoding="utf-8").splitlines()]
    by_id = {
        name: [(told, value) for each, told, value in heard if each == name] for name in ("image", "bbox", "detections")
    }
    shown = [told["timestamp"] for told, _ in by_id["image"]]
    stamps = [told["stamp_ns"] for told, _ in by_id["bbox"]]
    assert 2 <= len(stamps) < len(shown) <= 100
    assert stamps == sorted(set(stamps))
    assert len(set(stamps) - set(shown)) <= 100 - len(shown)  # dora may lose one on the way to the checker
    assert stamps[-1] >= shown[-5]
    for told, found in by_id["bbox"]:
        expected = "person" if told["prompts_version"] == 1 else "轿车"
        assert (set(found["labels"]), told["primitive"], told["format"]) == ({expected}, "boxes2d", "xyxy")
        assert (np.array(found["bbox"]).reshape(-1, 4)[:, 2:] <= (told["width"], told["height"])).all()
    assert {told["prompts_version"] for told, _ in by_id["bbox"]} == {1, 2}
    records = [(told["stamp_ns"], len(json.loads(text))) for told, text in by_id["detections"]]
    assert records == [(told["stamp_ns"], len(found["labels"])) for told, found in by_id["bbox"]]
