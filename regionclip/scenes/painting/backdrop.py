"""What backgrounds are drawn with: shapes in shares of the picture, muted colours, grained ground."""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from regionclip.scenes.painting.painter import Colour, Image, texture_patch

Background = Callable[[np.random.Generator, int, int], tuple[Image, float]]
"""`(rng, height, width)` to a `(height, width, 3)` uint8 BGR picture and the row, as a share of the height, above which
nothing stands on the ground."""


def muted(rng: np.random.Generator, low: int = 70, high: int = 215, spread: int = 14) -> Colour:
    """A colour near grey: its level from `low` to `high`, each channel at most `spread` off."""
    grey = int(rng.integers(low, high))
    b, g, r = (min(max(grey + int(shift), 0), 255) for shift in rng.integers(-spread, spread + 1, 3))
    return b, g, r


def points(corners: list[tuple[float, float]], height: int, width: int) -> NDArray[np.int32]:
    """Shares of the frame as the sixteenths of a pixel that cv2 draws with: `(corners, 2)` int32."""
    return np.array([(round(x * width * 16), round(y * height * 16)) for x, y in corners], np.int32)


def poly(picture: Image, corners: list[tuple[float, float]], colour: Colour) -> None:
    """Fill a polygon whose corners are shares of the picture's width and height."""
    height, width = picture.shape[:2]
    cv2.fillPoly(picture, [points(corners, height, width)], colour, cv2.LINE_AA, 4)


def rect(picture: Image, x1: float, y1: float, x2: float, y2: float, colour: Colour) -> None:
    """Fill a rectangle given in shares of the picture's width and height."""
    poly(picture, [(x1, y1), (x2, y1), (x2, y2), (x1, y2)], colour)


def line(picture: Image, start: tuple[float, float], end: tuple[float, float], colour: Colour, share: float) -> None:
    """A line; `share` of the shorter side thick."""
    height, width = picture.shape[:2]
    ends = points([start, end], height, width)
    thick = max(1, round(share * min(height, width)))
    cv2.line(picture, ends[0].tolist(), ends[1].tolist(), colour, thick, cv2.LINE_AA, 4)


def ramp(rng: np.random.Generator, height: int, width: int, top: Colour, bottom: Colour, other: bool = False) -> Image:
    """A `(height, width, 3)` picture from one colour above to one below, with a grain of the usual or other bank."""
    grain = texture_patch(rng, height, width, other) * float(rng.uniform(1.5, 6))
    planes = [np.linspace(p, q, height, dtype=np.float32)[:, None] + grain for p, q in zip(top, bottom, strict=True)]
    return np.asarray(cv2.convertScaleAbs(cv2.merge(planes)), np.uint8)


def lay_ground(
    rng: np.random.Generator, picture: Image, horizon: float, top: Colour, bottom: Colour, other: bool = False
) -> None:
    """Cover `picture` below `horizon`, a share of its height, with a `ramp`."""
    height, width = picture.shape[:2]
    start = round(horizon * height)
    picture[start:] = ramp(rng, height - start, width, top, bottom, other)
