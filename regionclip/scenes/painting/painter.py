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


@lru_cache(maxsize=2)
def textures(other: bool = False) -> tuple[NDArray[np.float32], ...]:
    """24 multi-octave noise pictures `(256, 256)` float32 of mean 0 and deviation 1, always the same.

    Args:
        other: another bank, which training never sees: other noise, drawn out upright, and folded into ridges.
    """
    rng = np.random.default_rng(20250311 if other else 20240607)
    made = []
    for number in range(24):
        total = np.zeros((256, 256), np.float32)
        roughness = 0.45 + 0.4 * (number % 6) / 5
        stretch = (1, 1, 1, 4)[number % 4]  # every fourth is drawn out, like brushed metal or wood
        for level, cells in enumerate(_OCTAVES):
            shape = (max(2, cells // stretch), cells) if other else (cells, max(2, cells // stretch))
            coarse = rng.standard_normal(shape).astype(np.float32)
            total += roughness**level * cv2.resize(coarse, (256, 256), interpolation=cv2.INTER_CUBIC)
        if other and number % 2:
            total = np.abs(total)
        made.append((total - total.mean()) / total.std())
    return tuple(made)


def texture_patch(rng: np.random.Generator, height: int, width: int, other: bool = False) -> NDArray[np.float32]:
    """A random piece of a texture of the usual bank or the other one, `(height, width)` float32."""
    bank = textures(other)
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
        traits: the traits that hold of the object, of those its kind may have; the opposite of every other one holds.
        other: draw the shapes that training never sees, where the kind has some.
    """

    def __init__(
        self,
        matrix: NDArray[np.float64],
        size: tuple[int, int],
        ink: Ink,
        wide: float,
        rng: np.random.Generator,
        traits: frozenset[str] = frozenset(),
        other: bool = False,
    ) -> None:
        self.ink = ink
        self.wide = wide
        self.rng = rng
        self.traits = traits
        self.other = other
        self._layers: Image = np.empty((*size, 4), np.uint8)  # (height, width, 4), colour and cover in one
        self._layers[:] = (*ink.main, 0)
        self._fine = matrix * (1 << _SHIFT)
        self._fine[:, 2] += 0.5  # so that dropping the fraction rounds

    @property
    def canvas(self) -> Image:
        """The colours, `(height, width, 3)`."""
        return self._layers[..., :3]

    @property
    def mask(self) -> Image:
        """How much of each pixel the object covers, `(height, width)`, 0..255."""
        return self._layers[..., 3]

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return bool(self.rng.random() < probability)

    def between(self, low: float, high: float) -> float:
        """A number from `low` to `high`."""
        return float(self.rng.uniform(low, high))

    def pick(self, colours: Sequence[Colour]) -> Colour:
        """One of the colours."""
        return colours[int(self.rng.integers(len(colours)))]

    def pick_unlike(self, colours: Sequence[Colour]) -> Colour:
        """One of the colours, none that could be taken for the object's own."""
        own = self.ink.main
        return self.pick([c for c in colours if sum(abs(p - q) for p, q in zip(c, own, strict=True)) > 150] or colours)

    def poly(self, points: Sequence[Point], colour: Colour) -> None:
        """A filled polygon."""
        self._fill([np.asarray(points, np.float64)], colour)

    def rect(self, x1: float, y1: float, x2: float, y2: float, colour: Colour, corner: float = 0.0) -> None:
        """A filled rectangle, its corners rounded by radius `corner`."""
        if corner <= 0:
            self._fill_convex(np.array([(x1, y1), (x2, y1), (x2, y2), (x1, y2)], np.float64), colour)
            return
        left, right, top, bottom = x1 + corner, x2 - corner, y1 + corner, y2 - corner
        middles = np.repeat([(right, bottom), (left, bottom), (left, top), (right, top)], 5, axis=0)  # (20, 2)
        self._fill_convex(_circle(20) * corner + middles, colour)

    def oval(self, cx: float, cy: float, rx: float, ry: float, colour: Colour) -> None:
        """A filled ellipse."""
        self._fill_convex(_ellipse(cx, cy, rx, ry), colour)

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
        along *= width / 2 / np.hypot(along[:, :1], along[:, 1:])
        across = along[:, ::-1] * (-1, 1)
        caps = _caps()[:, :1] * across[:, None] + _caps()[:, 1:] * along[:, None]  # (segments, 12, 2)
        caps[:, :6] += stops[1:, None]
        caps[:, 6:] += stops[:-1, None]
        for outline in self._scaled(caps.reshape(-1, 2)).reshape(-1, 12, 2):
            cv2.fillConvexPoly(self._layers, outline, (*colour, 255), cv2.LINE_AA, _SHIFT)

    def wheel(self, cx: float, cy: float, radius: float) -> None:
        """A tyre with a rim."""
        self.disc(cx, cy, radius, TYRE)
        self.disc(cx, cy, radius * 0.55, METAL)
        self.disc(cx, cy, radius * 0.2, STEEL)

    def soften(self, share: float) -> None:
        """Blur the outline over `share` (0..1) of the crop's shorter side, so that the frame shines through."""
        reach = max(3, int(min(self.mask.shape) * share)) | 1
        self._layers[..., 3] = cv2.blur(np.ascontiguousarray(self.mask), (reach, reach))

    def _scaled(self, corners: NDArray[np.float64]) -> NDArray[np.int32]:
        """Corners `(N, 2)` in the crop, in the fractions of a pixel that cv2 draws with."""
        return np.asarray(cv2.transform(corners[None], self._fine)[0], np.int32)

    def _fill(self, contours: Sequence[NDArray[np.float64]], colour: Colour) -> None:
        scaled = [self._scaled(contour) for contour in contours]
        cv2.fillPoly(self._layers, scaled, (*colour, 255), cv2.LINE_AA, _SHIFT)

    def _fill_convex(self, contour: NDArray[np.float64], colour: Colour) -> None:
        cv2.fillConvexPoly(self._layers, self._scaled(contour), (*colour, 255), cv2.LINE_AA, _SHIFT)


@lru_cache(maxsize=4)
def _circle(corners: int) -> NDArray[np.float64]:
    angle = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    return np.stack([np.cos(angle), np.sin(angle)], 1)  # (corners, 2)


@lru_cache(maxsize=1)
def _caps() -> NDArray[np.float64]:
    """Two half circles of six corners each."""
    angle = np.linspace(0, np.pi, 6)
    angle = np.concatenate([angle, angle + np.pi])
    return np.stack([np.cos(angle), np.sin(angle)], 1)  # (12, 2)


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
    soft = cv2.blur(np.ascontiguousarray(brush.mask), (reach, reach))  # (height, width), 255 inside, less at edges
    across = np.linspace(-light, light, width, dtype=np.float32) * 0.1
    down = np.linspace(0.08, -0.12, height, dtype=np.float32) + np.float32(0.78)
    shade = soft * np.float32(0.26 / 255) + across[None] + down[:, None]
    shade += texture_patch(rng, height, width, brush.other) * float(rng.uniform(0.01, 0.05))
    lit = cv2.multiply(np.ascontiguousarray(brush.canvas), cv2.merge([shade] * 3), dtype=cv2.CV_32F)
    return np.asarray(lit, np.float32)
