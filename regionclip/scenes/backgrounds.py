"""Places that scenes happen in, and the unlabelled clutter that stands in them.

Every background takes `(rng, height, width)` and gives a `(height, width, 3)` uint8 BGR picture and the row, as a
share of the height, above which nothing stands on the ground.
"""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from regionclip.scenes.painter import Colour, Image, mix, texture_patch

Background = Callable[[np.random.Generator, int, int], tuple[Image, float]]


def _muted(rng: np.random.Generator, low: int = 70, high: int = 215, spread: int = 14) -> Colour:
    grey = int(rng.integers(low, high))
    b, g, r = (min(max(grey + int(shift), 0), 255) for shift in rng.integers(-spread, spread + 1, 3))
    return b, g, r


def _points(corners: list[tuple[float, float]], height: int, width: int) -> NDArray[np.int32]:
    return np.array([(round(x * width * 16), round(y * height * 16)) for x, y in corners], np.int32)


def _poly(picture: Image, corners: list[tuple[float, float]], colour: Colour) -> None:
    height, width = picture.shape[:2]
    cv2.fillPoly(picture, [_points(corners, height, width)], colour, cv2.LINE_AA, 4)


def _rect(picture: Image, x1: float, y1: float, x2: float, y2: float, colour: Colour) -> None:
    _poly(picture, [(x1, y1), (x2, y1), (x2, y2), (x1, y2)], colour)


def _line(picture: Image, start: tuple[float, float], end: tuple[float, float], colour: Colour, share: float) -> None:
    height, width = picture.shape[:2]
    ends = _points([start, end], height, width)
    thick = max(1, round(share * min(height, width)))
    cv2.line(picture, ends[0].tolist(), ends[1].tolist(), colour, thick, cv2.LINE_AA, 4)


def _ramp(rng: np.random.Generator, height: int, width: int, top: Colour, bottom: Colour) -> Image:
    share = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    colours = np.asarray(top, np.float32) * (1 - share) + np.asarray(bottom, np.float32) * share
    grain = texture_patch(rng, height, width)[..., None] * float(rng.uniform(1.5, 6))
    picture: Image = np.clip(colours + grain, 0, 255).astype(np.uint8)
    return picture


def corridor(rng: np.random.Generator, height: int, width: int) -> tuple[Image, float]:
    """Walls, floor and ceiling that run to a far end, with doors and lamps."""
    wall, floor = _muted(rng, 140, 215), _muted(rng, 90, 180)
    x1 = float(rng.uniform(0.3, 0.45))
    x2, y1, y2 = x1 + float(rng.uniform(0.15, 0.3)), float(rng.uniform(0.2, 0.3)), float(rng.uniform(0.48, 0.58))
    picture = _ramp(rng, height, width, mix(wall, (255, 255, 255), 0.2), wall)
    _poly(picture, [(0, 0), (x1, y1), (x1, y2), (0, 1)], mix(wall, (0, 0, 0), 0.1))
    _poly(picture, [(0, 1), (x1, y2), (x2, y2), (1, 1)], floor)
    _poly(picture, [(0, 0), (1, 0), (x2, y1), (x1, y1)], mix(wall, (255, 255, 255), 0.45))
    _rect(picture, x1, y1, x2, y2, mix(wall, (0, 0, 0), 0.22))
    for share in np.linspace(0, 1, 8)[1:-1]:
        _line(picture, (float(share), 1), (float(x1 + (x2 - x1) * share), y2), mix(floor, (0, 0, 0), 0.12), 0.004)
    for depth in (0.25, 0.5, 0.7, 0.85):
        y = 1 - (1 - y2) * depth
        _line(picture, (x1 * depth, y), (1 - (1 - x2) * depth, y), mix(floor, (0, 0, 0), 0.12), 0.004)
    for near, far in ((0.1, 0.34), (0.55, 0.72)):
        if rng.random() < 0.75:
            door = mix(wall, _muted(rng, 40, 130, 40), 0.7)
            low, high = 1 - (1 - y2) * np.array([near, far]), y1 * np.array([near, far]) + 0.16
            _poly(picture, [(x1 * near, high[0]), (x1 * far, high[1]), (x1 * far, low[1]), (x1 * near, low[0])], door)
    for depth in (0.2, 0.6, 0.85):
        left, right = x1 * depth + 0.28 * (1 - depth) + 0.04, 1 - (1 - x2) * depth - 0.28 * (1 - depth) - 0.04
        if left < right:
            _rect(picture, left, y1 * depth * 0.9, right, y1 * depth * 0.9 + 0.025 * (1.1 - depth), (245, 250, 250))
    return picture, y2


def warehouse(rng: np.random.Generator, height: int, width: int) -> tuple[Image, float]:
    """Shelves with goods over a concrete floor with a painted line."""
    horizon = float(rng.uniform(0.38, 0.52))
    back, floor = _muted(rng, 60, 120), _muted(rng, 110, 175, 8)
    picture = _ramp(rng, height, width, back, mix(back, (0, 0, 0), 0.2))
    ground = round(horizon * height)
    picture[ground:] = _ramp(rng, height - ground, width, mix(floor, (0, 0, 0), 0.2), floor)
    post = ((150, 90, 40), (40, 90, 170), (90, 90, 90))[rng.integers(3)]
    post = mix(post, (120, 120, 120), 0.35)
    bay = float(rng.uniform(0.16, 0.28))
    levels = int(rng.integers(2, 5))
    for level in range(levels):
        base = horizon * (level + 1) / levels
        x = -float(rng.uniform(0, 0.1))
        while x < 1:
            wide = float(rng.uniform(0.04, 0.11))
            high = float(rng.uniform(0.4, 0.85)) * horizon / levels
            goods = mix(_muted(rng, 90, 190, 30), (100, 140, 170), 0.4)
            _rect(picture, x, base - high, x + wide, base, goods)
            _rect(picture, x + wide * 0.4, base - high, x + wide * 0.55, base, mix(goods, (255, 255, 255), 0.2))
            x += wide + float(rng.uniform(0, 0.03))
        _rect(picture, 0, base - 0.012, 1, base + 0.006, mix(post, (0, 0, 0), 0.15))
    for x in np.arange(float(rng.uniform(-0.1, 0.1)), 1.05, bay):
        _rect(picture, float(x), 0, float(x) + 0.014, horizon + 0.01, post)
    lane = float(rng.uniform(0.1, 0.9))
    _poly(
        picture, [(lane, 1), (lane + 0.05, 1), (0.5 + 0.01, horizon), (0.5, horizon)], mix(floor, (60, 190, 220), 0.5)
    )
    return picture, horizon


def street(rng: np.random.Generator, height: int, width: int) -> tuple[Image, float]:
    """Facades with windows, a pavement and a road with markings under the sky."""
    horizon = float(rng.uniform(0.4, 0.55))
    night = rng.random() < 0.15
    sky: Colour = (70, 50, 40) if night else mix((235, 210, 175), (225, 225, 225), float(rng.random()))
    picture = _ramp(rng, height, width, sky, mix(sky, (255, 255, 255), 0.3))
    x = -0.05
    while x < 1:
        wide, top = float(rng.uniform(0.18, 0.4)), float(rng.uniform(0.0, horizon * 0.45))
        facade = mix(_muted(rng, 100, 200, 22), (130, 160, 190), float(rng.uniform(0, 0.5)))
        _rect(picture, x, top, x + wide, horizon, facade)
        columns, rows = max(2, int(wide / 0.065)), int(rng.integers(2, 5))
        pane = (120, 200, 230) if night else mix(facade, (90, 70, 55), 0.55)
        for row in range(rows):
            for column in range(columns):
                left = x + wide * (column + 0.25) / columns
                y = top + (horizon - top) * (row + 0.25) / rows
                _rect(picture, left, y, left + wide * 0.5 / columns, y + (horizon - top) * 0.5 / rows, pane)
        x += wide
    ground = round(horizon * height)
    asphalt = _muted(rng, 70, 130, 6)
    picture[ground:] = _ramp(rng, height - ground, width, asphalt, mix(asphalt, (255, 255, 255), 0.15))
    kerb = horizon + float(rng.uniform(0.06, 0.14))
    _rect(picture, 0, horizon, 1, kerb, mix(asphalt, (220, 225, 230), 0.55))
    _rect(picture, 0, kerb, 1, kerb + 0.012, mix(asphalt, (0, 0, 0), 0.35))
    middle = float(rng.uniform(kerb + 0.12, 0.95))
    for start in np.arange(float(rng.uniform(-0.1, 0.05)), 1, 0.2):
        _rect(picture, float(start), middle, float(start) + 0.11, middle + 0.018, (205, 210, 212))
    return picture, horizon


def kitchen(rng: np.random.Generator, height: int, width: int) -> tuple[Image, float]:
    """A tiled wall, cupboards and a table top: a kitchen or a laboratory."""
    horizon = float(rng.uniform(0.42, 0.6))
    tile, top = _muted(rng, 160, 235, 14), mix(_muted(rng, 100, 200), (90, 140, 190), float(rng.uniform(0, 0.7)))
    picture = _ramp(rng, height, width, tile, mix(tile, (0, 0, 0), 0.08))
    step = float(rng.uniform(0.07, 0.13))
    joint = mix(tile, (0, 0, 0), 0.14)
    for x in np.arange(0, 1, step):
        _line(picture, (float(x), 0), (float(x), horizon), joint, 0.004)
    for y in np.arange(0, horizon, step * width / height):
        _line(picture, (0, float(y)), (1, float(y)), joint, 0.004)
    cupboard = mix(_muted(rng, 90, 220, 20), tile, 0.3)
    if rng.random() < 0.7:
        deep, x = horizon * float(rng.uniform(0.25, 0.4)), -float(rng.uniform(0, 0.1))
        while x < 1:
            _rect(picture, x, 0, x + 0.2, deep, cupboard)
            _rect(picture, x + 0.2, 0, x + 0.207, deep, mix(cupboard, (0, 0, 0), 0.3))
            _rect(picture, x + 0.17, deep * 0.7, x + 0.182, deep * 0.88, (150, 150, 150))
            x += 0.207
    ground = round(horizon * height)
    picture[ground:] = _ramp(rng, height - ground, width, mix(top, (0, 0, 0), 0.18), top)
    _rect(picture, 0, horizon - 0.008, 1, horizon + 0.008, mix(top, (0, 0, 0), 0.35))
    return picture, horizon


def yard(rng: np.random.Generator, height: int, width: int) -> tuple[Image, float]:
    """Open ground under the sky: a fence, bushes, gravel or grass."""
    horizon = float(rng.uniform(0.3, 0.5))
    sky = mix((240, 205, 165), (215, 215, 215), float(rng.random()))
    picture = _ramp(rng, height, width, sky, mix(sky, (255, 255, 255), 0.35))
    for _ in range(int(rng.integers(3, 8))):
        centre = (round(float(rng.uniform(0, 1)) * width), round(horizon * height))
        radius = float(rng.uniform(0.05, 0.16)) * min(height, width)
        green = mix((60, 100, 70), (50, 70, 60), float(rng.random()))
        cv2.ellipse(picture, centre, (round(radius * 1.5), round(radius)), 0, 0, 360, green, -1, cv2.LINE_AA)
    ground = round(horizon * height)
    soil = ((96, 138, 118), (128, 148, 160), (150, 152, 155))[rng.integers(3)]
    picture[ground:] = _ramp(rng, height - ground, width, mix(soil, (0, 0, 0), 0.15), soil)
    if rng.random() < 0.6:
        wire = _muted(rng, 90, 170, 8)
        for x in np.arange(float(rng.uniform(-0.1, 0)), 1, 0.09):
            _line(picture, (float(x), horizon - 0.17), (float(x), horizon + 0.02), wire, 0.008)
        for y in (0.15, 0.09, 0.03):
            _line(picture, (0, horizon - y), (1, horizon - y), wire, 0.005)
    return picture, horizon


BACKGROUNDS: dict[str, Background] = {
    "corridor": corridor,
    "warehouse": warehouse,
    "street": street,
    "kitchen": kitchen,
    "yard": yard,
}


def _clutter_colour(rng: np.random.Generator) -> Colour:
    if rng.random() < 0.6:
        return _muted(rng, 50, 210, 20)
    pixel = np.array([[[rng.integers(180), rng.integers(110, 230), rng.integers(90, 230)]]], np.uint8)
    b, g, r = cv2.cvtColor(pixel, cv2.COLOR_HSV2BGR)[0, 0].tolist()
    return b, g, r


def add_clutter(rng: np.random.Generator, picture: Image, horizon: float) -> None:
    """Draw up to six things without a name into `picture`: they must not be taken for objects."""
    height, width = picture.shape[:2]
    short = min(height, width)
    for _ in range(int(rng.integers(0, 7))):
        x, y = float(rng.uniform(0, 1)), float(rng.uniform(0.08, 1.0))
        size_x, size_y = (float(rng.uniform(0.04, 0.22)) * short / side for side in (width, height))
        colour = _clutter_colour(rng)
        shape = int(rng.integers(6))
        if shape == 0:  # a sign or a poster
            y = min(y, horizon)
            _rect(picture, x, y - size_y, x + size_x, y, colour)
            _rect(picture, x + size_x * 0.15, y - size_y * 0.8, x + size_x * 0.85, y - size_y * 0.55, _muted(rng))
        elif shape == 1:  # a post or a pipe
            _rect(picture, x, y - size_y * 3, x + size_x * 0.14, y, colour)
        elif shape == 2:  # a ring
            centre, radius = (round(x * width), round(y * height)), max(2, round(size_x * width / 2))
            cv2.circle(picture, centre, radius, colour, max(1, radius // 4), cv2.LINE_AA)
        elif shape == 3:  # a grating
            for i in range(5):
                _rect(picture, x, y - size_y + i * size_y / 5, x + size_x, y - size_y + (i + 0.5) * size_y / 5, colour)
        elif shape == 4:  # a stain or a shrub
            corners = 9
            angle = np.linspace(0, 2 * np.pi, corners, endpoint=False)
            radius = rng.uniform(0.25, 0.6, corners)
            outline = [
                (x + size_x * float(q * np.cos(a)), y + size_y * float(q * np.sin(a)))
                for a, q in zip(angle, radius, strict=True)
            ]
            _poly(picture, outline, colour)
        else:  # a wedge
            _poly(picture, [(x, y), (x + size_x, y), (x + size_x * float(rng.random()), y - size_y)], colour)
