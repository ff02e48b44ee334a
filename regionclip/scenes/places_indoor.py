"""Places under a roof; see backdrop for what a background gives."""

import numpy as np

from regionclip.scenes.painting.backdrop import lay_ground, line, muted, poly, ramp, rect
from regionclip.scenes.painting.painter import Image, mix


def corridor(rng: np.random.Generator, height: int, width: int) -> tuple[Image, float]:
    """Walls, floor and ceiling that run to a far end, with notice boards and lamps."""
    wall, floor = muted(rng, 140, 215), muted(rng, 90, 180)
    x1 = float(rng.uniform(0.3, 0.45))
    x2, y1, y2 = x1 + float(rng.uniform(0.15, 0.3)), float(rng.uniform(0.2, 0.3)), float(rng.uniform(0.48, 0.58))
    picture = ramp(rng, height, width, mix(wall, (255, 255, 255), 0.2), wall)
    poly(picture, [(0, 0), (x1, y1), (x1, y2), (0, 1)], mix(wall, (0, 0, 0), 0.1))
    poly(picture, [(0, 1), (x1, y2), (x2, y2), (1, 1)], floor)
    poly(picture, [(0, 0), (1, 0), (x2, y1), (x1, y1)], mix(wall, (255, 255, 255), 0.45))
    rect(picture, x1, y1, x2, y2, mix(wall, (0, 0, 0), 0.22))
    for share in np.linspace(0, 1, 8)[1:-1]:
        line(picture, (float(share), 1), (float(x1 + (x2 - x1) * share), y2), mix(floor, (0, 0, 0), 0.12), 0.004)
    for depth in (0.25, 0.5, 0.7, 0.85):
        y = 1 - (1 - y2) * depth
        line(picture, (x1 * depth, y), (1 - (1 - x2) * depth, y), mix(floor, (0, 0, 0), 0.12), 0.004)
    for near, far in ((0.1, 0.34), (0.55, 0.72)):
        if rng.random() < 0.75:
            board = mix(wall, muted(rng, 40, 200, 40), 0.7)
            low, high = 1 - (1 - y2) * np.array([near, far]), y1 * np.array([near, far]) + 0.16
            low -= (low - high) * 0.45
            poly(picture, [(x1 * near, high[0]), (x1 * far, high[1]), (x1 * far, low[1]), (x1 * near, low[0])], board)
    for depth in (0.2, 0.6, 0.85):
        left, right = x1 * depth + 0.28 * (1 - depth) + 0.04, 1 - (1 - x2) * depth - 0.28 * (1 - depth) - 0.04
        if left < right:
            rect(picture, left, y1 * depth * 0.9, right, y1 * depth * 0.9 + 0.025 * (1.1 - depth), (245, 250, 250))
    return picture, y2


def warehouse(rng: np.random.Generator, height: int, width: int) -> tuple[Image, float]:
    """Shelves with goods over a concrete floor with a painted line."""
    horizon = float(rng.uniform(0.38, 0.52))
    back, floor = muted(rng, 60, 120), muted(rng, 110, 175, 8)
    picture = ramp(rng, height, width, back, mix(back, (0, 0, 0), 0.2))
    lay_ground(rng, picture, horizon, mix(floor, (0, 0, 0), 0.2), floor)
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
            goods = mix(muted(rng, 90, 190, 30), (100, 140, 170), 0.4)
            rect(picture, x, base - high, x + wide, base, goods)
            rect(picture, x + wide * 0.4, base - high, x + wide * 0.55, base, mix(goods, (255, 255, 255), 0.2))
            x += wide + float(rng.uniform(0, 0.03))
        rect(picture, 0, base - 0.012, 1, base + 0.006, mix(post, (0, 0, 0), 0.15))
    for x in np.arange(float(rng.uniform(-0.1, 0.1)), 1.05, bay):
        rect(picture, float(x), 0, float(x) + 0.014, horizon + 0.01, post)
    lane = float(rng.uniform(0.1, 0.9))
    poly(picture, [(lane, 1), (lane + 0.05, 1), (0.5 + 0.01, horizon), (0.5, horizon)], mix(floor, (60, 190, 220), 0.5))
    return picture, horizon


def kitchen(rng: np.random.Generator, height: int, width: int) -> tuple[Image, float]:
    """A tiled wall, cupboards and a table top: a kitchen or a laboratory."""
    horizon = float(rng.uniform(0.42, 0.6))
    tile, top = muted(rng, 160, 235, 14), mix(muted(rng, 100, 200), (90, 140, 190), float(rng.uniform(0, 0.7)))
    picture = ramp(rng, height, width, tile, mix(tile, (0, 0, 0), 0.08))
    step = float(rng.uniform(0.07, 0.13))
    joint = mix(tile, (0, 0, 0), 0.14)
    for x in np.arange(0, 1, step):
        line(picture, (float(x), 0), (float(x), horizon), joint, 0.004)
    for y in np.arange(0, horizon, step * width / height):
        line(picture, (0, float(y)), (1, float(y)), joint, 0.004)
    cupboard = mix(muted(rng, 90, 220, 20), tile, 0.3)
    if rng.random() < 0.7:
        deep, x = horizon * float(rng.uniform(0.25, 0.4)), -float(rng.uniform(0, 0.1))
        while x < 1:
            rect(picture, x, 0, x + 0.2, deep, cupboard)
            rect(picture, x + 0.2, 0, x + 0.207, deep, mix(cupboard, (0, 0, 0), 0.3))
            rect(picture, x + 0.17, deep * 0.7, x + 0.182, deep * 0.88, (150, 150, 150))
            x += 0.207
    lay_ground(rng, picture, horizon, mix(top, (0, 0, 0), 0.18), top)
    rect(picture, 0, horizon - 0.008, 1, horizon + 0.008, mix(top, (0, 0, 0), 0.35))
    return picture, horizon


def office(rng: np.random.Generator, height: int, width: int) -> tuple[Image, float]:
    """A wall with windows or partitions, pictures, a skirting board and a carpet in tiles."""
    horizon = float(rng.uniform(0.4, 0.55))
    wall, carpet = muted(rng, 165, 235, 12), mix(muted(rng, 80, 160, 20), (150, 120, 90), float(rng.uniform(0, 0.5)))
    picture = ramp(rng, height, width, mix(wall, (255, 255, 255), 0.2), wall)
    sky = mix((235, 210, 180), muted(rng, 150, 220), 0.4)
    x = -float(rng.uniform(0, 0.2))
    while x < 1:
        wide = float(rng.uniform(0.18, 0.32))
        top, low = horizon * 0.15, horizon * float(rng.uniform(0.55, 0.75))
        if rng.random() < 0.6:
            rect(picture, x, top - 0.01, x + wide, low + 0.01, mix(wall, (0, 0, 0), 0.3))
            rect(picture, x + 0.01, top, x + wide - 0.01, low, sky)
            if rng.random() < 0.5:  # blinds
                for y in np.arange(top, low, 0.022):
                    line(
                        picture,
                        (x + 0.01, float(y)),
                        (x + wide - 0.01, float(y)),
                        mix(sky, (255, 255, 255), 0.5),
                        0.004,
                    )
        elif rng.random() < 0.5:
            rect(picture, x + 0.05, top + 0.03, x + wide * 0.6, low - 0.06, muted(rng, 80, 220, 40))
        x += wide + float(rng.uniform(0.03, 0.15))
    lay_ground(rng, picture, horizon, mix(carpet, (0, 0, 0), 0.15), carpet)
    joint = mix(carpet, (0, 0, 0), 0.1)
    for share in np.linspace(-0.6, 1.6, 12):
        line(picture, (float(share), 1), (0.5 + (float(share) - 0.5) * 0.4, horizon), joint, 0.004)
    for depth in (0.12, 0.32, 0.62):
        line(picture, (0, horizon + (1 - horizon) * depth), (1, horizon + (1 - horizon) * depth), joint, 0.004)
    rect(picture, 0, horizon - 0.012, 1, horizon + 0.006, mix(wall, (0, 0, 0), 0.4))
    return picture, horizon


def laboratory(rng: np.random.Generator, height: int, width: int) -> tuple[Image, float]:
    """Glazed cabinets, a fume cupboard with a sloping front, a bench along the wall, a pale floor with a drain."""
    horizon = float(rng.uniform(0.46, 0.56))
    wall, floor = mix(muted(rng, 190, 235, 8), (225, 215, 190), 0.4), mix(muted(rng, 140, 200, 8), (190, 200, 160), 0.3)
    picture = ramp(rng, height, width, wall, mix(wall, (0, 0, 0), 0.1), other=True)
    steel, bench = muted(rng, 150, 190, 6), muted(rng, 60, 110, 10)
    left = float(rng.uniform(0.05, 0.6))
    for i in range(5):
        x = i * 0.22 - 0.03
        rect(picture, x, 0.03, x + 0.19, horizon * 0.42, steel)
        for a in (0.012, 0.1):
            rect(picture, x + a, 0.05, x + a + 0.078, horizon * 0.38, mix((215, 200, 170), steel, 0.3))
    rect(picture, left, 0.0, left + 0.34, horizon, mix(steel, (0, 0, 0), 0.2))
    poly(picture, [(left + 0.03, horizon * 0.3), (left + 0.31, horizon * 0.3), (left + 0.31, horizon * 0.82),
                   (left + 0.03, horizon * 0.82)], (110, 100, 85))  # fmt: skip
    line(picture, (left + 0.03, horizon * 0.55), (left + 0.31, horizon * 0.55), (220, 220, 215), 0.012)
    rect(picture, 0, horizon - 0.1, 1, horizon - 0.06, bench)
    for x in np.arange(float(rng.uniform(-0.1, 0)), 1, 0.13):
        rect(picture, float(x), horizon - 0.06, float(x) + 0.12, horizon, mix(steel, (255, 255, 255), 0.35))
    lay_ground(rng, picture, horizon, mix(floor, (0, 0, 0), 0.12), floor, other=True)
    y = float(rng.uniform(horizon + 0.15, 0.9))
    rect(picture, 0, y, 1, y + 0.02, mix(floor, (0, 0, 0), 0.3))
    return picture, horizon
