"""What is known of a frame as ROS messages: plain dicts, whose bytes `messages.encode` makes."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import supervision as sv
from numpy.typing import NDArray

from regionclip.drawing.colours import Colour, ink, label_colours
from regionclip.drawing.labels import label_names, label_texts
from regionclip.robot.core import PerceptionCore, PromptSet, Result
from regionclip.robot.memory import Answer
from regionclip.robot.messages import Header
from regionclip.robot.prompts import MOST_LABELS
from regionclip.towers.card import TowerCard

ClassIds = Literal["label", "index"]
"""What `hypothesis.class_id` holds: the label's own text, or its number in `LabelInfo`."""

UNLABELED = MOST_LABELS
"""Number of `unknown` in a `LabelInfo`."""

_SILENT = 5.0  # seconds without an image from which a camera is STALE
_LINE_LOOP = 2
_OK, _WARN, _STALE = 0, 1, 3
_FONT = 16.0
_HERE = {"pose": {"orientation": {"w": 1.0}}}  # a pose that says nothing


def detection_array(result: Result, class_ids: ClassIds = "label") -> dict[str, Any]:
    """A `vision_msgs/Detection2DArray`, with one `Detection2D` for each thing, also where there is none.

    Boxes are centre and size in pixels of the message's image. The hypotheses of a thing are its labels, the most
    confident first; its `id` is the track, or empty.
    """
    rows, header = result.detections, result.header.fields()
    detections = []
    for row, identity, hypotheses in _things(rows, class_ids):
        x1, y1, x2, y2 = rows.xyxy[row].tolist()
        position = {"x": (x1 + x2) / 2, "y": (y1 + y2) / 2}
        detections.append({
            "header": header,
            "results": [{"hypothesis": each, "pose": _HERE} for each in hypotheses],
            "bbox": {"center": {"position": position}, "size_x": x2 - x1, "size_y": y2 - y1},
            "id": identity,
        })  # fmt: skip
    return {"header": header, "detections": detections}


def detection3d_array(result: Result, class_ids: ClassIds = "label") -> dict[str, Any]:
    """A `vision_msgs/Detection3DArray` of the things whose place is known, in the camera's optical frame.

    In metres: `bbox` is that of the surface that is seen. Without depth the array is empty.
    """
    header, places = result.header.fields(), result.places
    detections = [
        _detection3d(header, hypotheses, (places.centers[row], places.sizes[row]), identity)
        for row, identity, hypotheses in _things(result.detections, class_ids)
        if places is not None and places.valid[row]
    ]
    return {"header": header, "detections": detections}


def answer_array(words: str, answers: Sequence[Answer], header: Header) -> dict[str, Any]:
    """A `vision_msgs/Detection3DArray` of what a memory answers to words, best first.

    `class_id` is the words, `id` the thing's number; a thing's own header has the frame of its place and the stamp of
    its latest sight.
    """
    detections = [
        _detection3d(
            Header(thing.last_ns, thing.frame_id).fields(),
            [{"class_id": words, "score": score}],
            (thing.center, thing.size),
            str(thing.number),
        )
        for thing, score in answers
    ]
    return {"header": header.fields(), "detections": detections}


def label_info(prompts: PromptSet, header: Header) -> dict[str, Any]:
    """A `vision_msgs/LabelInfo`: the number of each label, and the lowest of their thresholds."""
    names, plain = prompts.vocabulary.names, prompts.vocabulary.plain
    classes = [{"class_id": place, "class_name": names[place]} for place in plain]
    lowest = float(prompts.thresholds[list(plain)].min(initial=1.0))
    return {"header": header.fields(), "class_map": classes, "threshold": lowest}


def vision_info(prompts: PromptSet, card: TowerCard, header: Header, label_topic: str) -> dict[str, Any]:
    """A `vision_msgs/VisionInfo`: the tower, where its labels are published, and the version of the words."""
    return {
        "header": header.fields(),
        "method": f"regionclip {card.name} {card.revision}",
        "database_location": label_topic,
        "database_version": prompts.version,
    }


def image_annotations(result: Result) -> dict[str, Any]:
    """A `foxglove_msgs/ImageAnnotations`: an outline and a text for each thing, in the colours of our own pictures."""
    rows, stamp = result.detections, result.header.stamp()
    names, texts = label_names(rows), label_texts(rows)
    palette = label_colours(names)
    outlines, captions = [], []
    for row, *_ in _things(rows):
        x1, y1, x2, y2 = rows.xyxy[row].tolist()
        paint = palette[names[row]]
        colour = _colour(paint)
        corners = [{"x": x, "y": y} for x, y in ((x1, y1), (x2, y1), (x2, y2), (x1, y2))]
        outlines.append({
            "timestamp": stamp,
            "type": _LINE_LOOP,
            "points": corners,
            "outline_color": colour,
            "thickness": 2.0,
        })  # fmt: skip
        captions.append({
            "timestamp": stamp,
            "position": {"x": x1, "y": y1 if y1 > _FONT * 1.5 else y1 + _FONT * 1.5},
            "text": texts[row],
            "font_size": _FONT,
            "text_color": _colour(ink(paint)),
            "background_color": colour,
        })  # fmt: skip
    return {"points": outlines, "texts": captions}


def diagnostic_array(header: Header, cores: Iterable[PerceptionCore], complaints: Sequence[str] = ()) -> dict[str, Any]:
    """A `diagnostic_msgs/DiagnosticArray` with a `status` of each camera."""
    return {"header": header.fields(), "status": [status(core, complaints) for core in cores]}


def status(core: PerceptionCore, complaints: Sequence[str] = ()) -> dict[str, Any]:
    """A `diagnostic_msgs/DiagnosticStatus` of a camera: STALE without images, WARN where something went wrong.

    `complaints` say what keeps messages from flowing now.
    """
    known, figures = core.statistics, core.statistics.figures()
    silent, problem = known.silent_seconds(), known.latest_problem()
    level, message = _OK, f"{figures['fps_out']:.1f} images a second"
    if silent is None or silent > _SILENT:
        level, message = _STALE, "no image yet" if silent is None else f"no image for {silent:.0f} s"
    elif problem or complaints:
        level, message = _WARN, problem or message
    message = "; ".join([message, *complaints])
    words: dict[str, float] = {"prompts_version": core.prompts.version, "prompts": len(core.prompts.vocabulary)}
    values = {
        key: str(int(value)) if float(value).is_integer() else f"{value:.6g}"
        for key, value in (figures | words).items()
    } | {"last_problem": problem}
    return {
        "level": level,
        "name": f"regionclip: {core.source}",
        "message": message,
        "hardware_id": core.detector.tower.placement,
        "values": [{"key": key, "value": value} for key, value in values.items()],
    }


def _colour(paint: Colour) -> dict[str, float]:
    blue, green, red = (channel / 255 for channel in paint)
    return {"r": red, "g": green, "b": blue, "a": 1.0}


def _detection3d(
    header: dict[str, Any],
    hypotheses: Sequence[Mapping[str, Any]],
    box: tuple[NDArray[np.float64], NDArray[np.float64]],
    identity: str,
) -> dict[str, Any]:
    """A `vision_msgs/Detection3D` along the axes; `box` is its centre and size."""
    position, size = (dict(zip("xyz", values.tolist(), strict=True)) for values in box)
    center = {"position": position, "orientation": {"w": 1.0}}
    results = [{"hypothesis": each, "pose": {"pose": center}} for each in hypotheses]
    return {"header": header, "results": results, "bbox": {"center": center, "size": size}, "id": identity}


def _things(rows: sv.Detections, class_ids: ClassIds = "label") -> list[tuple[int, str, list[dict[str, Any]]]]:
    """Things, the most confident first: the first row of each, its `id`, and its `ObjectHypothesis` fields, best first.

    Rows of one region, or of one track, are one thing.
    """
    count, names = len(rows), label_names(rows)
    if class_ids == "index":
        numbers = np.full(count, -1) if rows.class_id is None else rows.class_id
        names = [str(number if number >= 0 else UNLABELED) for number in numbers.tolist()]
    confidence = np.ones(count) if rows.confidence is None else rows.confidence
    key = rows.data.get("region", np.arange(count)) if rows.tracker_id is None else rows.tracker_id
    groups: dict[int, list[int]] = {}
    for row in np.argsort(-confidence, kind="stable").tolist():
        groups.setdefault(int(key[row]), []).append(row)
    scores = np.clip(confidence, 0, 1).tolist()
    return [
        (
            things[0],
            str(track) if rows.tracker_id is not None and track >= 0 else "",
            [{"class_id": names[row], "score": scores[row]} for row in things],
        )
        for track, things in groups.items()
    ]
