"""What is drawn beside detections: zones, lines, a banner, a legend. Plain data in; nothing here knows an event."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from regionclip.drawing.canvas import Canvas
from regionclip.drawing.colours import Colour, colour
from regionclip.drawing.placement import place_labels
from regionclip.drawing.text import line_height
from regionclip.errors import ConfigError
from regionclip.frames import Frame

ALARM = "c62828"
"""Red of banners, and of zones where something is going on."""

_CALM = "f5f5f5"
_FILL = 0.2
_PANEL: Colour = (32, 32, 32)
_PANEL_SHARE = 0.65
"""Of a legend's ground; the rest is the picture behind it. White text keeps a contrast of 4.5 before anything."""


@dataclass(frozen=True, slots=True, eq=False)
class ZoneShape:
    """A zone or a line as it is drawn.

    Attributes:
        name: written at its highest corner; may be empty.
        points: `(K, 2)` x and y in pixels of the frame: two for a line, three or more for a zone.
        colour: as `"00aaee"`; None is white, and red where it is active.
        active: whether something is going on: the shape is filled and its lines are thicker.

    Raises:
        ConfigError: for points or a colour that cannot be.
    """

    name: str
    points: ArrayLike
    colour: str | None = None
    active: bool = False

    def __post_init__(self) -> None:
        try:
            points = np.asarray(self.points, float)
        except (TypeError, ValueError) as error:
            raise ConfigError(f"zone {self.name!r}: expected points (K, 2) in pixels, got {self.points!r}") from error
        if points.ndim != 2 or points.shape[1] != 2 or len(points) < 2 or not np.isfinite(points).all():
            raise ConfigError(
                f"zone {self.name!r}: expected two or more finite points (K, 2) in pixels, got shape {points.shape}"
            )
        object.__setattr__(self, "points", points)
        if self.colour is not None:
            colour(self.colour)

    def corners(self) -> NDArray[np.int32]:
        """Points `(K, 2)` in whole pixels."""
        whole: NDArray[np.int32] = np.clip(np.asarray(self.points, float), -1e4, 1e5).round().astype(np.int32)
        return whole

    def paint(self) -> Colour:
        """The colour it is drawn in."""
        return colour(self.colour or (ALARM if self.active else _CALM))


def paint_zones(canvas: Canvas, shapes: Sequence[ZoneShape]) -> None:
    """Draw zones and lines without their names."""
    for shape in shapes:
        corners, closed = shape.corners(), len(shape.corners()) > 2
        thickness = canvas.line * (2 if shape.active else 1)
        if shape.active and closed:
            _fill(canvas, corners, shape.paint())
        if canvas.line > 1:  # a dark seam keeps a light line visible on light ground
            canvas.outline(corners, (0, 0, 0), thickness + 2, closed=closed)
        canvas.outline(corners, shape.paint(), thickness, closed=closed)
        if not closed:
            for x, y in corners.tolist():
                cv2.circle(canvas.pixels, (x, y), 2 * thickness, shape.paint(), -1, cv2.LINE_AA)


def paint_zone_names(canvas: Canvas, shapes: Sequence[ZoneShape]) -> None:
    """Write the name of each zone and line at its highest corner."""
    for shape in shapes:
        if not shape.name:
            continue
        corners = shape.corners()
        x, y = corners[corners[:, 1].argmin()].tolist()
        plate = canvas.plate([shape.name], shape.paint(), limit=canvas.width // 2)
        size = np.array([plate.shape[1::-1]], int)  # (1, 2)
        at = np.clip(np.array([[x, y, x, y]], float), 0, (canvas.width, canvas.height) * 2)  # (1, 4)
        left, top = place_labels(at, size, (canvas.height, canvas.width), canvas.taken)[0].tolist()
        canvas.put(plate, left, top)


def _fill(canvas: Canvas, corners: NDArray[np.int32], paint: Colour) -> None:
    """Tint the inside of a polygon `(K, 2)`."""
    x1, y1 = np.maximum(corners.min(axis=0), 0).tolist()
    x2, y2 = np.minimum(corners.max(axis=0) + 1, (canvas.width, canvas.height)).tolist()
    if x1 >= x2 or y1 >= y2:
        return
    part = canvas.pixels[y1:y2, x1:x2]  # (h, w, 3)
    tinted = part.copy()
    cv2.fillPoly(tinted, [corners.reshape(-1, 1, 2) - (x1, y1)], paint)
    cv2.addWeighted(tinted, _FILL, part, 1 - _FILL, 0, dst=part)


def paint_banner(canvas: Canvas, lines: Sequence[str], paint: str = ALARM, *, flash: bool = True) -> None:
    """Draw lines of text in the upper left corner, and a border around the frame where `flash` is set.

    At most half the frame is covered; the number of lines left out is written instead of them.
    """
    if isinstance(lines, str):
        raise ConfigError(f"banner: expected a list of lines, got the string {lines!r}")
    if not lines:
        return
    tone, size, border = colour(paint), round(1.25 * canvas.size), _border(canvas) if flash else 0
    if flash:
        cv2.rectangle(canvas.pixels, (0, 0), (canvas.width - 1, canvas.height - 1), tone, 2 * border - 1)
    room = max(1, (canvas.height // 2 - border) // line_height(size))
    shown = list(lines) if len(lines) <= room else [*lines[: room - 1], f"+ {len(lines) - room + 1}"]
    y = border
    for line in shown:
        plate = canvas.plate([line], tone, size=size, limit=canvas.width - 2 * border)
        canvas.put(plate, border, y)
        y += plate.shape[0]


def _border(canvas: Canvas) -> int:
    """Thickness of a banner's border; a legend keeps clear of it, so that it need not move when there is one."""
    return int(3 * canvas.line)


def paint_legend(canvas: Canvas, names: Sequence[str]) -> None:
    """Draw the colour and the shown name of each label in the lower left corner, as many as half the frame holds.

    What is behind shows through.
    """
    palette = canvas.style.palette(tuple(names))
    height = line_height(canvas.size)
    room = max(1, canvas.height // 2 // height)
    kept = names if len(names) <= room else names[: room - 1]
    rows: list[tuple[str, Colour | None]] = [(canvas.style.shown(name), palette[name]) for name in kept]
    if len(kept) < len(names):
        rows.append((f"+ {len(names) - len(kept)}", None))
    plates = [canvas.plate([text], _PANEL, limit=canvas.width // 2) for text, _ in rows]
    if not plates:
        return
    left, bottom = _border(canvas), max(0, canvas.height - _border(canvas))
    right, top = left + height + max(plate.shape[1] for plate in plates), bottom - height * len(rows)
    part: Frame = canvas.pixels[max(0, top) : bottom, left:right]  # (h, w, 3)
    if not part.size:
        return
    ground = cv2.addWeighted(part, 1 - _PANEL_SHARE, np.full_like(part, _PANEL), _PANEL_SHARE, 0)
    part[:] = _PANEL
    for place, plate in enumerate(plates):
        canvas.put(plate, left + height, top + place * height)
    np.maximum(part, ground, out=part)  # the text is white
    for place, (_, paint) in enumerate(rows):
        y, edge = top + place * height, height // 4
        if paint is not None:
            swatch: NDArray[Any] = canvas.pixels[
                max(0, y + edge) : y + height - edge, left + edge : left + height - edge
            ]
            swatch[:] = paint
    canvas.taken.append((left, top, right, bottom))
