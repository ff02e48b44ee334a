"""Brush: draws one object in its own upright coordinates and blends it into a frame.

A kind draws in a box one unit high and `wide` units wide, x to the right, y down. One affine map (size, flip, small
rotation, shear) carries the parts to pixels, so a circle is a wheel at every size.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

Colour = tuple[int, int, int]
"""BGR, 0..255."""
Point = tuple[float, float]
Image = NDArray[np.uint8]

TYRE: Colour = (42, 40, 38)
METAL: Colour = (168, 164, 160)
STEEL: Colour = (112, 108, 104)
GLASS: Colour = (178, 164, 146)
DARK_GLASS: Colour = (88, 78, 70)
LAMP: Colour = (190, 235, 250)
WOOD: Colour = (96, 142, 186)
SKINS: tuple[Colour, ...] = ((170, 195, 230), (130, 165, 210), (95, 130, 180), (60, 85, 125))

_SHIFT = 4  # cv2 draws in 1/16 pixel
_OCTAVES = (4, 8, 16, 32, 64)


@lru_cache(maxsize=1)
def textures() -> tuple[NDArray[np.float32], ...]:
    """24 multi-octave noise pictures `(256, 256)` float32 of mean 0 and deviation 1, always the same."""
    rng = np.random.default_rng(20240607)
    made = []
    for number in range(24):
        total = np.zeros((256, 256), np.float32)
        roughness = 0.45 + 0.4 * (number % 6) / 5
        stretch = (1, 1, 1, 4)[number % 4]  # every fourth is drawn out, like brushed metal or wood
        for level, cells in enumerate(_OCTAVES):
            coarse = rng.standard_normal((cells, max(2, cells // stretch))).astype(np.float32)
            total += roughness**level * cv2.resize(coarse, (256, 256), interpolation=cv2.INTER_CUBIC)
        made.append((total - total.mean()) / total.std())
    return tuple(made)


def texture_patch(rng: np.random.Generator, height: int, width: int) -> NDArray[np.float32]:
    """A random piece of a texture, `(height, width)` float32."""
    bank = textures()
    whole = bank[rng.integers(len(bank))]
    side = int(rng.integers(96, 225))
    y, x = rng.integers(0, 256 - side, 2)
    piece = cv2.resize(whole[y : y + side, x : x + side], (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(piece, np.float32)


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """`first` with `share` (0..1) of `second`."""
    b, g, r = (round(p + (q - p) * share) for p, q in zip(first, second, strict=True))
    return b, g, r


@dataclass(frozen=True, slots=True)
class Ink:
    """Colours of one object: the named one and its shades."""

    main: Colour

    @property
    def dark(self) -> Colour:
        """A shade for folds and far sides; lighter where the named colour is nearly black already."""
        return mix(self.main, (0, 0, 0), 0.38) if max(self.main) > 70 else mix(self.main, (255, 255, 255), 0.2)

    @property
    def light(self) -> Colour:
        """A tint for lit sides; darker where the named colour is nearly white already."""
        return mix(self.main, (255, 255, 255), 0.3) if min(self.main) < 190 else mix(self.main, (0, 0, 0), 0.12)


class Brush:
    """Draws parts of one object, each into a local colour crop and a local mask.

    Args:
        matrix: `(2, 3)` from object units to pixels of the crop.
        size: `(height, width)` of the crop in pixels.
        ink: the object's colours.
        wide: width of the object's box in units of its height.
        rng: for variants of shape.
    """

    def __init__(
        self, matrix: NDArray[np.float64], size: tuple[int, int], ink: Ink, wide: float, rng: np.random.Generator
    ) -> None:
        self.ink = ink
        self.wide = wide
        self.rng = rng
        self.canvas: Image = np.full((*size, 3), ink.main, np.uint8)  # (height, width, 3)
        self.mask: Image = np.zeros(size, np.uint8)  # (height, width)
        self._matrix = matrix

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return bool(self.rng.random() < probability)

    def between(self, low: float, high: float) -> float:
        """A number from `low` to `high`."""
        return float(self.rng.uniform(low, high))

    def poly(self, points: Sequence[Point], colour: Colour) -> None:
        """A filled polygon."""
        self._fill([np.asarray(points, np.float64)], colour)

    def rect(self, x1: float, y1: float, x2: float, y2: float, colour: Colour, corner: float = 0.0) -> None:
        """A filled rectangle, its corners rounded by radius `corner`."""
        if corner <= 0:
            self.poly([(x1, y1), (x2, y1), (x2, y2), (x1, y2)], colour)
            return
        left, right, top, bottom = x1 + corner, x2 - corner, y1 + corner, y2 - corner
        middles = np.repeat([(right, bottom), (left, bottom), (left, top), (right, top)], 5, axis=0)  # (20, 2)
        self._fill([_circle(20) * corner + middles], colour)

    def oval(self, cx: float, cy: float, rx: float, ry: float, colour: Colour) -> None:
        """A filled ellipse."""
        self._fill([_ellipse(cx, cy, rx, ry)], colour)

    def disc(self, cx: float, cy: float, radius: float, colour: Colour) -> None:
        """A filled circle."""
        self.oval(cx, cy, radius, radius, colour)

    def ring(self, cx: float, cy: float, radius: float, width: float, colour: Colour) -> None:
        """A circle with a hole one can see through."""
        self._fill([_ellipse(cx, cy, radius, radius), _ellipse(cx, cy, radius - width, radius - width)], colour)

    def line(self, points: Sequence[Point], width: float, colour: Colour) -> None:
        """A stroke through the points with round joints."""
        stops = np.asarray(points, np.float64)
        along = np.diff(stops, axis=0)  # (segments, 2)
        across = along[:, ::-1] * (-1, 1) / np.linalg.norm(along, axis=1, keepdims=True) * width / 2
        for start, end, side in zip(stops[:-1], stops[1:], across, strict=True):
            self._fill([np.array([start + side, end + side, end - side, start - side])], colour)
        for x, y in stops:
            self._fill([_ellipse(x, y, width / 2, width / 2, 10)], colour)

    def wheel(self, cx: float, cy: float, radius: float) -> None:
        """A tyre with a rim."""
        self.disc(cx, cy, radius, TYRE)
        self.disc(cx, cy, radius * 0.55, METAL)
        self.disc(cx, cy, radius * 0.2, STEEL)

    def _fill(self, contours: Sequence[NDArray[np.float64]], colour: Colour) -> None:
        fine = self._matrix * (1 << _SHIFT)
        scaled = [(contour @ fine[:, :2].T + fine[:, 2]).round().astype(np.int32) for contour in contours]
        cv2.fillPoly(self.canvas, scaled, colour, cv2.LINE_AA, _SHIFT)
        cv2.fillPoly(self.mask, scaled, 255, cv2.LINE_AA, _SHIFT)


@lru_cache(maxsize=4)
def _circle(corners: int) -> NDArray[np.float64]:
    angle = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    return np.stack([np.cos(angle), np.sin(angle)], 1)  # (corners, 2)


def _ellipse(cx: float, cy: float, rx: float, ry: float, corners: int = 28) -> NDArray[np.float64]:
    return _circle(corners) * (rx, ry) + (cx, cy)


def shaded(brush: Brush, rng: np.random.Generator, light: float) -> NDArray[np.float32]:
    """The brush's crop with light from one side, rounded edges and a little texture: `(height, width, 3)` float32.

    Args:
        brush: after all parts are drawn.
        rng: chooses texture and strength.
        light: direction of the light, -1 (left) to 1 (right).
    """
    height, width = brush.mask.shape
    reach = max(3, int(max(height, width) * 0.09)) | 1
    rounded = cv2.blur(brush.mask, (reach, reach)).astype(np.float32) / 255  # (height, width), 1 inside, less at edges
    across = np.linspace(-light, light, width, dtype=np.float32) * 0.1
    down = np.linspace(0.08, -0.12, height, dtype=np.float32)
    shade = 0.78 + 0.26 * rounded + across[None] + down[:, None]
    shade += texture_patch(rng, height, width) * float(rng.uniform(0.01, 0.05))
    return brush.canvas.astype(np.float32) * shade[..., None]
