"""Places under the sky; see backdrop for what a background gives."""

import cv2
import numpy as np

from regionclip.scenes.painting.backdrop import lay_ground, line, muted, poly, ramp, rect
from regionclip.scenes.painting.painter import Colour, Image, mix


def street(rng: np.random.Generator, height: int, width: int) -> tuple[Image, float]:
    """Facades with windows, a pavement and a road with markings under the sky."""
    horizon = float(rng.uniform(0.4, 0.55))
    night = rng.random() < 0.15
    sky: Colour = (70, 50, 40) if night else mix((235, 210, 175), (225, 225, 225), float(rng.random()))
    picture = ramp(rng, height, width, sky, mix(sky, (255, 255, 255), 0.3))
    x = -0.05
    while x < 1:
        wide, top = float(rng.uniform(0.18, 0.4)), float(rng.uniform(0.0, horizon * 0.45))
        facade = mix(muted(rng, 100, 200, 22), (130, 160, 190), float(rng.uniform(0, 0.5)))
        rect(picture, x, top, x + wide, horizon, facade)
        columns, rows = max(2, int(wide / 0.065)), int(rng.integers(2, 5))
        pane = (120, 200, 230) if night else mix(facade, (90, 70, 55), 0.55)
        for row in range(rows):
            for column in range(columns):
                left = x + wide * (column + 0.25) / columns
                y = top + (horizon - top) * (row + 0.25) / rows
                rect(picture, left, y, left + wide * 0.5 / columns, y + (horizon - top) * 0.5 / rows, pane)
        x += wide
    asphalt = muted(rng, 70, 130, 6)
    lay_ground(rng, picture, horizon, asphalt, mix(asphalt, (255, 255, 255), 0.15))
    kerb = horizon + float(rng.uniform(0.06, 0.14))
    rect(picture, 0, horizon, 1, kerb, mix(asphalt, (220, 225, 230), 0.55))
    rect(picture, 0, kerb, 1, kerb + 0.012, mix(asphalt, (0, 0, 0), 0.35))
    middle = float(rng.uniform(kerb + 0.12, 0.95))
    for start in np.arange(float(rng.uniform(-0.1, 0.05)), 1, 0.2):
        rect(picture, float(start), middle, float(start) + 0.11, middle + 0.018, (205, 210, 212))
    return picture, horizon


def yard(rng: np.random.Generator, height: int, width: int) -> tuple[Image, float]:
    """Open ground under the sky: a fence, bushes, gravel or grass."""
    horizon = float(rng.uniform(0.3, 0.5))
    sky = mix((240, 205, 165), (215, 215, 215), float(rng.random()))
    picture = ramp(rng, height, width, sky, mix(sky, (255, 255, 255), 0.35))
    for _ in range(int(rng.integers(3, 8))):
        centre = (round(float(rng.uniform(0, 1)) * width), round(horizon * height))
        radius = float(rng.uniform(0.05, 0.16)) * min(height, width)
        green = mix((60, 100, 70), (50, 70, 60), float(rng.random()))
        cv2.ellipse(picture, centre, (round(radius * 1.5), round(radius)), 0, 0, 360, green, -1, cv2.LINE_AA)
    soil = ((96, 138, 118), (128, 148, 160), (150, 152, 155))[rng.integers(3)]
    lay_ground(rng, picture, horizon, mix(soil, (0, 0, 0), 0.15), soil)
    if rng.random() < 0.6:
        wire = muted(rng, 90, 170, 8)
        for x in np.arange(float(rng.uniform(-0.1, 0)), 1, 0.09):
            line(picture, (float(x), horizon - 0.17), (float(x), horizon + 0.02), wire, 0.008)
        for y in (0.15, 0.09, 0.03):
            line(picture, (0, horizon - y), (1, horizon - y), wire, 0.005)
    return picture, horizon


def car_park(rng: np.random.Generator, height: int, width: int) -> tuple[Image, float]:
    """Asphalt with painted bays, a low wall, and trees or a hall behind it."""
    horizon = float(rng.uniform(0.28, 0.42))
    sky = mix((235, 200, 165), (205, 210, 212), float(rng.random()))
    picture = ramp(rng, height, width, sky, mix(sky, (255, 255, 255), 0.4))
    if rng.random() < 0.5:
        hall = muted(rng, 130, 210, 18)
        rect(picture, 0, horizon * 0.3, 1, horizon, hall)
        for x in np.arange(float(rng.uniform(-0.04, 0)), 1, 0.05):
            line(picture, (float(x), horizon * 0.3), (float(x), horizon), mix(hall, (0, 0, 0), 0.12), 0.004)
    else:
        for x in np.arange(float(rng.uniform(-0.1, 0)), 1.1, 0.17):
            centre = (round(float(x) * width), round(horizon * 0.7 * height))
            green = mix((70, 115, 80), (50, 80, 70), float(rng.random()))
            axes = (round(0.09 * width), round(horizon * height * float(rng.uniform(0.25, 0.5))))
            cv2.ellipse(picture, centre, axes, 0, 0, 360, green, -1, cv2.LINE_AA)
    rect(picture, 0, horizon - 0.05, 1, horizon + 0.005, muted(rng, 120, 190, 10))
    asphalt = muted(rng, 75, 130, 6)
    lay_ground(rng, picture, horizon, mix(asphalt, (255, 255, 255), 0.15), asphalt)
    paint, lean = mix(asphalt, (235, 238, 240), 0.75), float(rng.uniform(-0.25, 0.25))
    far, near = horizon + 0.05, float(rng.uniform(0.7, 0.9))
    for share in np.linspace(-0.5, 1.5, int(rng.integers(8, 13))):
        top, foot = 0.5 + (float(share) - 0.5) * 0.6, float(share) + lean
        poly(picture, [(top, far), (top + 0.008, far), (foot + 0.016, near), (foot, near)], paint)
    rect(picture, 0, far - 0.01, 1, far, paint)
    return picture, horizon


def loading_dock(rng: np.random.Generator, height: int, width: int) -> tuple[Image, float]:
    """A clad wall with roller shutters above a dock edge with hazard stripes."""
    horizon = float(rng.uniform(0.42, 0.56))
    clad, floor = muted(rng, 120, 205, 25), muted(rng, 110, 180, 8)
    picture = ramp(rng, height, width, mix(clad, (255, 255, 255), 0.15), clad)
    for y in np.arange(0.02, horizon, 0.035):
        line(picture, (0, float(y)), (1, float(y)), mix(clad, (0, 0, 0), 0.1), 0.003)
    x = float(rng.uniform(-0.2, 0.1))
    while x < 1:
        wide, top = float(rng.uniform(0.24, 0.34)), horizon * float(rng.uniform(0.1, 0.25))
        shutter = muted(rng, 90, 200, 30)
        rect(picture, x - 0.02, top - 0.02, x + wide + 0.02, horizon, mix(clad, (0, 0, 0), 0.55))
        rect(picture, x, top, x + wide, horizon, shutter)
        for y in np.arange(top, horizon, 0.03):
            line(picture, (x, float(y)), (x + wide, float(y)), mix(shutter, (0, 0, 0), 0.2), 0.004)
        x += wide + float(rng.uniform(0.08, 0.2))
    lay_ground(rng, picture, horizon, mix(floor, (0, 0, 0), 0.2), floor)
    if rng.random() < 0.6:
        rect(picture, 0, horizon, 1, horizon + 0.03, (45, 45, 45))
        for start in np.arange(-0.05, 1, 0.08):
            x = float(start)
            poly(picture, [(x, horizon + 0.03), (x + 0.03, horizon), (x + 0.07, horizon), (x + 0.04, horizon + 0.03)],
                 (70, 180, 210))  # fmt: skip
    return picture, horizon


def platform(rng: np.random.Generator, height: int, width: int) -> tuple[Image, float]:
    """A station: a roof on columns, a train's rails behind the edge, paving with a raised guiding line."""
    horizon = float(rng.uniform(0.42, 0.52))
    sky = mix((230, 205, 180), (195, 200, 205), float(rng.random()))
    picture = ramp(rng, height, width, sky, mix(sky, (255, 255, 255), 0.3), other=True)
    wall, roof = mix(muted(rng, 110, 180, 12), (95, 120, 165), 0.5), muted(rng, 70, 120, 12)
    rect(picture, 0, horizon * 0.55, 1, horizon * 0.85, wall)
    for share in np.linspace(0, 1, 25):
        line(picture, (float(share), horizon * 0.55), (float(share), horizon * 0.85), mix(wall, (0, 0, 0), 0.12), 0.003)
    poly(picture, [(0, 0), (1, 0), (1, horizon * 0.22), (0.5, horizon * 0.3), (0, horizon * 0.22)], roof)
    for x in np.arange(float(rng.uniform(0, 0.15)), 1, 0.27):
        rect(picture, float(x), horizon * 0.2, float(x) + 0.018, horizon, mix(roof, (255, 255, 255), 0.2))
        top, tip = horizon * 0.24, (float(x) + 0.009, horizon * 0.42)
        poly(picture, [(float(x) - 0.05, top), (float(x) + 0.068, top), tip], mix(roof, (255, 255, 255), 0.1))
    rect(picture, 0, horizon * 0.85, 1, horizon, (80, 90, 98))
    for share in (0.89, 0.95):
        rect(picture, 0, horizon * share, 1, horizon * share + 0.007, (165, 165, 165))
    stone = muted(rng, 130, 185, 8)
    lay_ground(rng, picture, horizon, mix(stone, (0, 0, 0), 0.1), stone, other=True)
    rect(picture, 0, horizon, 1, horizon + 0.02, (225, 228, 230))
    y = horizon + float(rng.uniform(0.06, 0.1))
    rect(picture, 0, y, 1, y + 0.035, mix(stone, (50, 200, 235), 0.7))
    for share in np.linspace(-0.6, 1.6, 14):
        line(
            picture,
            (float(share), 1),
            (0.5 + (float(share) - 0.5) * 0.5, y + 0.035),
            mix(stone, (0, 0, 0), 0.13),
            0.003,
        )
    return picture, horizon
