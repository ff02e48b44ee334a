"""dora transport: a node of a dora dataflow, frames in as Arrow arrays, boxes and labels out.

Inputs and outputs are as dora's own camera and detector nodes have them (https://github.com/dora-rs/dora, node-hub).
"""

import json
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

from regionclip.answers.records import detection_records
from regionclip.drawing.labels import label_names
from regionclip.errors import ConfigError, MessageError
from regionclip.frames import Frame
from regionclip.robot.core import REFUSED, PerceptionCore
from regionclip.robot.images import ENCODINGS, frame_of
from regionclip.robot.messages import Header
from regionclip.robot.prompts import parse_prompts

try:
    import pyarrow as pa
    from dora import Node
except ImportError as missing:
    raise ConfigError(f'dora needs the package dora-rs ({missing}): pip install "regionclip[robot,dora]"') from missing


def run(core: PerceptionCore, log: Callable[[str], None]) -> None:
    """Answer the frames of the dataflow that started this process, until it ends.

    The input `prompts` is text as `parse_prompts` reads it; each other input is frames: bytes, and in the metadata
    `width`, `height`, and as `encoding` one of ROS or the format of a picture. Outputs, with the metadata of the frame,
    `stamp_ns` and `prompts_version`: `bbox`, a struct of `bbox` (4 N corners), `conf` and `labels` (N each);
    `detections`, a JSON text.

    Raises:
        ConfigError: where no dataflow started this process.
    """
    try:
        node = Node()
    except RuntimeError as error:
        raise ConfigError("dora: expected to be a node of a dataflow: dora run demos/dora/dataflow.yml") from error
    for event in node:
        if event["type"] != "INPUT":
            continue
        told, value = event["metadata"], event["value"]
        try:
            if event["id"] == "prompts":
                core.set_prompts(parse_prompts("\n".join(map(str, value.to_pylist()))))
                continue
            result = core.process(_frame(value, told), Header(int(told["timestamp"].timestamp() * 1e6) * 1000))
        except (ValueError, TypeError) as error:  # InputError, nulls in an array, a width that is no number
            log(f"{REFUSED if event['id'] == 'prompts' else event['id']}: {error}")
            continue
        rows = result.detections
        told |= {"stamp_ns": result.header.stamp_ns, "prompts_version": result.prompts.version}
        boxes = {"bbox": rows.xyxy.ravel(), "conf": rows.confidence, "labels": label_names(rows)}
        node.send_output("bbox", pa.array([boxes]), {**told, "primitive": "boxes2d", "format": "xyxy"})
        text = json.dumps(detection_records(rows), ensure_ascii=False)
        node.send_output("detections", pa.array([text]), told)


def _frame(value: Any, told: Mapping[str, Any]) -> Frame:  # noqa: ANN401 - an Arrow array
    """The frame of an array of bytes and what is told of it."""
    if str(value.type) != "uint8":
        raise MessageError(f"image: expected an array of uint8, got {value.type}")
    data, encoding = value.to_numpy(), str(told.get("encoding", "bgr8"))
    if encoding not in ENCODINGS:
        return frame_of(SimpleNamespace(format=encoding, data=data))
    width, height = int(told.get("width", 0)), int(told.get("height", 0))
    step = len(data) // max(height, 1)
    layout = {"width": width, "height": height, "step": step, "encoding": encoding, "is_bigendian": False}
    return frame_of(SimpleNamespace(**layout, data=data))
