"""Unlabelled clutter: shapes that objects are made of, which alone are no object."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from regionclip.scenes.painting.backdrop import muted, poly, rect
from regionclip.scenes.painting.painter import Colour, Image, mix


@dataclass(frozen=True, slots=True)
class _Spot:
    """Where a piece stands: left and bottom, width and height as shares of the frame, and its colour."""

    x: float
    y: float
    wide: float
    high: float
    colour: Colour


def add_clutter(rng: np.random.Generator, picture: Image, horizon: float) -> None:
    """Draw up to eight things without a name into `picture` `(H, W, 3)`: they must not be taken for objects.

    Args:
        rng: chooses what stands where.
        picture: drawn into, in place.
        horizon: share of the height above which only what hangs on a wall is put.
    """
    height, width = picture.shape[:2]
    short = min(height, width)
    for _ in range(int(rng.integers(0, 9))):
        x, y = float(rng.uniform(-0.03, 0.97)), float(rng.uniform(0.08, 1.0))
        side = np.exp(rng.uniform(np.log(0.04), np.log(0.24), 2)) * short
        draw = _PIECES[rng.integers(len(_PIECES))]
        if draw in (_sign, _shelf):
            y = min(y, horizon)
        draw(rng, picture, _Spot(x, y, float(side[0]) / width, float(side[1]) / height, _any_colour(rng)))


def _any_colour(rng: np.random.Generator) -> Colour:
    if rng.random() < 0.5:
        return muted(rng, 20, 235, 20)
    pixel = np.array([[[rng.integers(180), rng.integers(110, 240), rng.integers(90, 245)]]], np.uint8)
    b, g, r = cv2.cvtColor(pixel, cv2.COLOR_HSV2BGR)[0, 0].tolist()
    return b, g, r


def _sign(rng: np.random.Generator, picture: Image, at: _Spot) -> None:
    rect(picture, at.x, at.y - at.high, at.x + at.wide, at.y, at.colour)
    for row in range(int(rng.integers(0, 4))):
        top = at.y - at.high * (0.85 - 0.24 * row)
        rect(picture, at.x + at.wide * 0.15, top, at.x + at.wide * float(rng.uniform(0.5, 0.85)), top + at.high * 0.1,
             muted(rng))  # fmt: skip


def _pole(rng: np.random.Generator, picture: Image, at: _Spot) -> None:
    thick = at.wide * float(rng.uniform(0.05, 0.2))
    lean = at.wide * float(rng.uniform(-1.2, 1.2)) if rng.random() < 0.4 else 0.0
    top = at.y - at.high * 3
    poly(picture, [(at.x + lean, top), (at.x + lean + thick, top), (at.x + thick, at.y), (at.x, at.y)], at.colour)


def _round(rng: np.random.Generator, picture: Image, at: _Spot) -> None:
    """Rings, one or a few beside or within each other."""
    height, width = picture.shape[:2]
    radius = max(2, round(at.wide * width / 2))
    for i in range(int(rng.integers(1, 4))):
        centre = (round(at.x * width + i * radius * float(rng.uniform(0, 1.6))), round(at.y * height))
        cv2.circle(
            picture, centre, radius, at.colour, max(1, round(radius * float(rng.uniform(0.1, 0.4)))), cv2.LINE_AA
        )


def _ellipse(rng: np.random.Generator, picture: Image, at: _Spot) -> None:
    """A flat blot: never a full circle, which would be a ball."""
    height, width = picture.shape[:2]
    axes = (max(2, round(at.wide * width / 2)), max(1, round(at.wide * width / 2 * float(rng.uniform(0.15, 0.45)))))
    centre = (round(at.x * width), round(at.y * height))
    cv2.ellipse(picture, centre, axes, float(rng.uniform(0, 180)), 0, 360, at.colour, -1, cv2.LINE_AA)


def _grid(rng: np.random.Generator, picture: Image, at: _Spot) -> None:
    """Bars one way, or both ways."""
    bars = int(rng.integers(3, 7))
    for i in range(bars):
        y = at.y - at.high * (i + 1) / bars
        rect(picture, at.x, y, at.x + at.wide, y + at.high * 0.45 / bars, at.colour)
    if rng.random() < 0.5:
        for i in range(bars):
            x = at.x + at.wide * i / bars
            rect(picture, x, at.y - at.high, x + at.wide * 0.3 / bars, at.y, at.colour)


def _shelf(rng: np.random.Generator, picture: Image, at: _Spot) -> None:
    rect(picture, at.x, at.y - at.high * 0.12, at.x + at.wide * 1.6, at.y, at.colour)
    x = at.x
    while x < at.x + at.wide * 1.4:
        wide = at.wide * float(rng.uniform(0.06, 0.18))
        rect(
            picture, x, at.y - at.high * float(rng.uniform(0.3, 0.8)), x + wide, at.y - at.high * 0.12, _any_colour(rng)
        )
        x += wide * 1.1


def _stain(rng: np.random.Generator, picture: Image, at: _Spot) -> None:
    reach = rng.uniform(0.25, 0.6, 9)
    angles = np.linspace(0, 2 * np.pi, 9, endpoint=False)
    poly(
        picture,
        [(at.x + at.wide * float(q * np.cos(a)), at.y + at.high * float(q * np.sin(a)))
         for a, q in zip(angles, reach, strict=True)],
        at.colour,
    )  # fmt: skip


def _wedge(rng: np.random.Generator, picture: Image, at: _Spot) -> None:
    tip = at.x + at.wide * float(rng.uniform(-0.3, 1.3))
    poly(picture, [(at.x, at.y), (at.x + at.wide, at.y), (tip, at.y - at.high)], at.colour)


def _block(rng: np.random.Generator, picture: Image, at: _Spot) -> None:
    """A plain square, or one with a square in it."""
    rect(picture, at.x, at.y - at.high, at.x + at.wide, at.y, at.colour)
    if rng.random() < 0.4:
        rect(picture, at.x + at.wide * 0.2, at.y - at.high * 0.8, at.x + at.wide * 0.8, at.y - at.high * 0.2,
             mix(at.colour, _any_colour(rng), 0.5))  # fmt: skip


def _hook(rng: np.random.Generator, picture: Image, at: _Spot) -> None:
    """An arc, like a handle without its bag."""
    height, width = picture.shape[:2]
    radius = max(2, round(at.wide * width / 2))
    start = int(rng.integers(0, 360))
    cv2.ellipse(
        picture, (round(at.x * width), round(at.y * height)), (radius, radius), 0, start,
        start + int(rng.integers(90, 240)), at.colour, max(1, radius // 6), cv2.LINE_AA,
    )  # fmt: skip


_PIECES: tuple[Callable[[np.random.Generator, Image, _Spot], None], ...] = (
    _sign, _pole, _round, _ellipse, _grid, _shelf, _stain, _wedge, _block, _hook,
)  # fmt: skip
