"""A whole annotated picture in one pass, and its parts alone."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from regionclip.drawing.canvas import Canvas
from regionclip.drawing.labels import draw_boxes, draw_labels, label_names
from regionclip.drawing.overlays import ALARM, ZoneShape, paint_banner, paint_legend, paint_zone_names, paint_zones
from regionclip.drawing.privacy import blur_boxes
from regionclip.drawing.style import Style
from regionclip.drawing.trails import Trails
from regionclip.frames import Frame, FrameLike, to_frame

if TYPE_CHECKING:
    import supervision as sv

_PLAIN = Style()


def annotate(
    frame: FrameLike,
    detections: "sv.Detections",
    *,
    style: Style | None = None,
    zones: Sequence[ZoneShape] = (),
    trails: Trails | None = None,
    banner: Sequence[str] = (),
) -> Frame:
    """Draw boxes with their labels, and what else is given.

    Args:
        frame: the picture the detections are from; it is not changed.
        detections: what a detector returned; `data["class_name"]` is written beside each box, or `class_id` where
            detections of another source have no names.
        style: what is written, and how; None takes `Style()`.
        zones: shapes drawn under the boxes.
        trails: lines of tracks, drawn under the boxes. Call `trails.update(detections)` first.
        banner: lines of a red banner, such as events that are going on.

    Returns:
        A new frame of the same size.

    Raises:
        FrameError: where the frame cannot be used.
        ConfigError: where the style names an attribute that the detections do not have.
        DrawingError: where no font at hand has the characters of a label.
    """
    canvas = _canvas(frame, style)
    blur_boxes(canvas.pixels, detections, canvas.style.blur)
    paint_zones(canvas, zones)
    if trails is not None:
        trails.draw(canvas)
    if canvas.style.legend:
        paint_legend(canvas, canvas.style.names or tuple(dict.fromkeys(filter(None, label_names(detections)))))
    draw_boxes(canvas, detections)
    paint_banner(canvas, banner)
    paint_zone_names(canvas, zones)
    draw_labels(canvas, detections)
    return canvas.pixels


def draw_zones(frame: FrameLike, zones: Sequence[ZoneShape], *, style: Style | None = None) -> Frame:
    """Draw zones and lines with their names on a new frame; errors as in `annotate`."""
    canvas = _canvas(frame, style)
    paint_zones(canvas, zones)
    paint_zone_names(canvas, zones)
    return canvas.pixels


def draw_banner(
    frame: FrameLike, lines: Sequence[str], *, colour: str = ALARM, flash: bool = True, style: Style | None = None
) -> Frame:
    """Draw lines of text in the upper left corner of a new frame, and a border around it where `flash` is set.

    At most half the frame is covered; the number of lines left out is written instead of them. Errors as in `annotate`.
    """
    canvas = _canvas(frame, style)
    paint_banner(canvas, lines, colour, flash=flash)
    return canvas.pixels


def draw_legend(frame: FrameLike, names: Sequence[str], *, style: Style | None = None) -> Frame:
    """Draw the colour and the shown name of each label in the lower left corner of a new frame."""
    canvas = _canvas(frame, style)
    paint_legend(canvas, names)
    return canvas.pixels


def _canvas(frame: FrameLike, style: Style | None) -> Canvas:
    return Canvas(to_frame(frame).copy(), style or _PLAIN)
