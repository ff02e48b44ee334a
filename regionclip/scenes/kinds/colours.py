"""Named colours, colours without a name, and the pairs of kind and colour that training never shows."""

import cv2
import numpy as np

from regionclip.scenes.kinds.known import KINDS
from regionclip.scenes.painting.painter import Colour

Range = tuple[int, int]

HUES: dict[str, tuple[Range, Range, Range]] = {
    "red": ((-5, 4), (185, 245), (150, 230)),
    "orange": ((9, 15), (195, 250), (205, 250)),
    "yellow": ((24, 31), (180, 240), (205, 250)),
    "green": ((48, 76), (140, 230), (90, 190)),
    "blue": ((102, 118), (150, 240), (110, 215)),
    "purple": ((132, 148), (110, 200), (100, 185)),
    "pink": ((160, 172), (70, 130), (215, 250)),
    "white": ((0, 179), (0, 14), (225, 250)),
    "black": ((0, 179), (0, 40), (18, 44)),
    "gray": ((0, 179), (0, 20), (105, 145)),
}
"""Colour name to ranges of OpenCV hue (0..179, below 0 wraps), saturation and value (0..255)."""

_UNNAMED: tuple[tuple[Range, Range, Range], ...] = (
    ((8, 15), (120, 200), (60, 125)),  # brown
    ((82, 95), (130, 230), (90, 205)),  # teal
    ((35, 43), (150, 230), (160, 230)),  # lime
    ((14, 22), (40, 90), (190, 230)),  # beige
    ((-4, 4), (150, 230), (55, 100)),  # maroon
    ((26, 36), (120, 200), (75, 130)),  # olive
    ((94, 104), (70, 120), (215, 250)),  # light blue
    ((150, 157), (170, 230), (140, 210)),  # magenta
    ((122, 138), (35, 75), (200, 240)),  # lavender
    ((112, 122), (150, 240), (50, 80)),  # navy
)
"""Colours that none of the names fits: they teach a shape apart from any colour that has a name."""

HELD_OUT: dict[str, str] = {
    "person": "purple", "dog": "green", "cat": "blue", "car": "pink", "truck": "purple", "bus": "gray",
    "bicycle": "orange", "motorcycle": "pink", "forklift": "white", "mobile robot": "purple", "drone": "orange",
    "robot arm": "pink", "suitcase": "gray", "backpack": "white", "pallet": "blue", "box": "purple",
    "traffic cone": "black", "barrier": "green", "fire extinguisher": "blue", "ladder": "black", "chair": "gray",
    "monitor": "green", "laptop": "red", "cup": "orange", "bottle": "yellow", "umbrella": "gray", "ball": "black",
    "door": "pink", "table": "red", "knife": "yellow", "scissors": "white", "camera": "red", "handbag": "green",
}  # fmt: skip
"""One colour of every kind that may have any: training never shows the pair, so figures on it tell generalisation."""


def colours_of(kind: str) -> tuple[str, ...]:
    """Names of the colours that a kind may have."""
    return KINDS[kind].hues or tuple(HUES)


def trained_colours(kind: str) -> tuple[str, ...]:
    """Names of the colours in which training shows a kind."""
    return tuple(colour for colour in colours_of(kind) if colour != HELD_OUT.get(kind))


def pixel_colour(rng: np.random.Generator, name: str | None) -> Colour:
    """A random shade of a named colour; None gives a shade of a colour that no name fits."""
    ranges = HUES[name] if name is not None else _UNNAMED[rng.integers(len(_UNNAMED))]
    hue, saturation, value = (int(rng.integers(low, high + 1)) for low, high in ranges)
    pixel = np.array([[[hue % 180, saturation, value]]], np.uint8)
    b, g, r = cv2.cvtColor(pixel, cv2.COLOR_HSV2BGR)[0, 0].tolist()
    return b, g, r
