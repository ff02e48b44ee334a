"""Boxes with their labels."""

from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from regionclip.drawing.canvas import Canvas, Rect
from regionclip.drawing.colours import UNKNOWN, Colour
from regionclip.drawing.placement import place_labels
from regionclip.drawing.style import Style
from regionclip.frames import Frame

if TYPE_CHECKING:
    import supervision as sv

_MOST_TEXT = 0.3
"""Share of the frame that labels may cover."""


def label_names(detections: "sv.Detections") -> list[str]:
    """Name of each row: `class_name`, `class_id` where another source gives no names, else nothing."""
    names = detections.data.get("class_name")
    if names is not None:
        return [str(name) for name in names]
    if detections.class_id is None:
        return [""] * len(detections)
    return [str(number) if number >= 0 else UNKNOWN for number in detections.class_id]


def label_texts(detections: "sv.Detections", style: Style | None = None) -> list[str]:
    """The text beside each box, as `#12 person 0.87 · helmet`."""
    return [" ".join(filter(None, parts)) for parts in label_parts(detections, style or Style())]


def label_parts(detections: "sv.Detections", style: Style) -> list[list[str]]:
    """Track, name, confidence (and a describer's in brackets), attributes of each row, as written; some may be empty.

    Raises:
        ConfigError: where the style names an attribute that the detections have no column for.
    """
    if len(detections) == 0:
        return []
    none = [-1] * len(detections)
    tracks = none if detections.tracker_id is None or not style.track else detections.tracker_id.tolist()
    confidences = none if detections.confidence is None or not style.score else detections.confidence.tolist()
    verified = detections.data.get("verified", none)
    columns = [[str(value) for value in detections.data[column]] for column in style.columns(detections.data)]
    rows = []
    for name, track, confidence, asked, *values in zip(
        label_names(detections), tracks, confidences, verified, *columns, strict=True
    ):
        rows.append([
            f"#{track}" if track >= 0 else "",
            style.shown(name),
            f"{confidence:.2f}" + (f" ({asked:.2f})" if asked >= 0 else "") if confidence >= 0 else "",
            " ".join(f"· {style.shown(value)}" for value in values if value),
        ])  # fmt: skip
    return rows


def draw_boxes(canvas: Canvas, detections: "sv.Detections") -> None:
    """Draw the boxes, the most confident last and so on top; what is outside the frame is left out."""
    names = label_names(detections)
    palette = canvas.style.palette(tuple(names))
    rows = _order(canvas, detections)[::-1]  # (M,)
    boxes = np.clip(detections.xyxy[rows], -1e6, 1e6).round().astype(int)  # (M, 4)
    for row, (x1, y1, x2, y2) in zip(rows.tolist(), boxes.tolist(), strict=True):
        cv2.rectangle(canvas.pixels, (x1, y1), (x2, y2), palette[names[row]], canvas.line)


def draw_labels(canvas: Canvas, detections: "sv.Detections") -> None:
    """Write the labels beside their boxes, the most confident where they fit best and on top."""
    parts, names = label_parts(detections, canvas.style), label_names(detections)
    rows = [row for row in _order(canvas, detections).tolist() if any(parts[row])]  # M of them
    if not rows:
        return
    palette = canvas.style.palette(tuple(names))
    colours = [palette[names[row]] for row in rows]
    plates = _plates(canvas, [parts[row] for row in rows], colours)  # the first of the M
    sizes = np.array([plate.shape[1::-1] for plate in plates], int)  # (K, 2)
    boxes = np.clip(detections.xyxy[rows[: len(plates)]].astype(float), 0, [canvas.width, canvas.height] * 2)  # (K, 4)
    outwards = canvas.line // 2 * np.array([-1, -1, 1, 1]) + np.array([0, 0, 1, 1])
    edges = boxes.round() + outwards  # (K, 4), what the lines cover; x2 and y2 are outside
    places = place_labels(edges, sizes, (canvas.height, canvas.width), canvas.taken).tolist()
    placed = list(zip(boxes.tolist(), plates, places, colours, strict=False))[::-1]
    for box, plate, (x, y), paint in placed:
        _lead(canvas, box, (x, y, x + plate.shape[1], y + plate.shape[0]), paint)
    for _, plate, (x, y), _ in placed:
        canvas.put(plate, x, y)


def _order(canvas: Canvas, detections: "sv.Detections") -> NDArray[np.int_]:
    """Rows that touch the frame, the most confident first, `(M,)`."""
    boxes = detections.xyxy
    inside = np.isfinite(boxes).all(axis=1) & (boxes[:, 2:] >= 0).all(axis=1)
    inside &= (boxes[:, 0] < canvas.width) & (boxes[:, 1] < canvas.height)
    kept = np.flatnonzero(inside)
    if detections.confidence is None:
        return kept
    return kept[np.argsort(-detections.confidence[kept], kind="stable")]


def _plates(canvas: Canvas, parts: list[list[str]], colours: list[Colour]) -> list[Frame]:
    """Written labels, each `(h, w, 3)`, that together leave most of the frame to be seen.

    Where they would not, all are cut down to track and name, and where that is not enough the last are left out.
    """
    limit = max(canvas.width // 2, 12 * canvas.size)
    room = _MOST_TEXT * canvas.width * canvas.height
    plates: list[Frame] = []
    for length in (None, 2):
        plates = [canvas.plate(row[:length], paint, limit=limit) for row, paint in zip(parts, colours, strict=True)]
        areas = np.cumsum([plate.shape[0] * plate.shape[1] for plate in plates])  # (M,)
        if len(plates) == 0 or areas[-1] <= room:
            return plates
    return plates[: max(1, int((areas <= room).sum()))]


def _lead(canvas: Canvas, box: list[float], rect: Rect, paint: Colour) -> None:
    """A line from a label to its box where the two do not touch."""
    start = [min(max((box[axis] + box[axis + 2]) / 2, rect[axis]), rect[axis + 2]) for axis in (0, 1)]
    end = [min(max(start[axis], box[axis]), box[axis + 2]) for axis in (0, 1)]
    if abs(start[0] - end[0]) + abs(start[1] - end[1]) > 2 * canvas.line:
        points = np.rint([start, end]).astype(np.int32)  # (2, 2)
        canvas.outline(points, paint, max(1, canvas.line // 2), closed=False)
