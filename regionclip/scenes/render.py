"""render_scene: a picture of a security or robotics scene with its truth, from two numbers."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from regionclip.scenes.backgrounds import BACKGROUNDS, add_clutter
from regionclip.scenes.kinds import KINDS, Kind
from regionclip.scenes.painter import Brush, Colour, Image, Ink, shaded

HUES: dict[str, tuple[tuple[int, int], tuple[int, int], tuple[int, int]]] = {
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

_MIN_VISIBLE = 0.4
SMALLEST = 64
"""Shortest side of a frame in pixels that is rendered."""

_MAX_OVERLAP = 0.25


@dataclass(frozen=True, slots=True)
class SceneObject:
    """One thing in a scene.

    Attributes:
        kind: English canonical noun, a key of `kinds.KINDS`.
        colour: a key of `HUES`.
        xyxy: box of its visible pixels, `x1 y1 x2 y2` in frame pixels, inside the frame.
    """

    kind: str
    colour: str
    xyxy: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A rendered frame and what it shows.

    Attributes:
        frame: `(H, W, 3)` uint8 BGR.
        objects: every labelled object of which at least 40 % can be seen, back to front.
        place: name of the background.
    """

    frame: NDArray[np.uint8]
    objects: tuple[SceneObject, ...]
    place: str


@dataclass(slots=True)
class _Draft:
    kind: str
    colour: str
    x: float  # left, top, width and height of the planned box in pixels
    y: float
    width: float
    height: float


def render_scene(
    seed: int,
    index: int,
    size: tuple[int, int] = (480, 640),
    *,
    count: tuple[int, int] = (3, 7),
    sides: tuple[float, float] = (0.17, 0.6),
) -> Scene:
    """Render scene `index` of the series `seed`; the same numbers give the same scene.

    Args:
        seed: names a series of scenes.
        index: number of the scene in its series.
        size: `(H, W)` of the frame in pixels, 64 at least.
        count: fewest and most objects; a crowded frame may hold fewer than the fewest.
        sides: smallest and largest object, longer side as a share of the frame's shorter side.

    Raises:
        ValueError: for a negative seed or index, or a frame under 64 pixels.
    """
    height, width = size
    if min(size) < SMALLEST:
        raise ValueError(
            f"render_scene: expected a frame of at least {SMALLEST} x {SMALLEST} pixels, got {height} x {width}"
        )
    if seed < 0 or index < 0:
        raise ValueError(f"render_scene: expected seed and index of 0 or more, got {seed} and {index}")
    rng = np.random.default_rng((seed, index))
    place = list(BACKGROUNDS)[rng.integers(len(BACKGROUNDS))]
    picture, horizon = BACKGROUNDS[place](rng, height, width)
    add_clutter(rng, picture, horizon)
    drafts = _plan(rng, size, horizon, int(rng.integers(count[0], count[1] + 1)), sides)
    light = float(rng.uniform(-1, 1))
    canvas = picture.astype(np.float32)  # (H, W, 3)
    owner = np.zeros(size, np.uint8)  # (H, W), number of the object that is seen, 0 is background
    areas = [_paint(rng, canvas, owner, number, draft, light) for number, draft in enumerate(drafts, 1)]
    objects = [
        _visible(owner, number, draft, area) for number, (draft, area) in enumerate(zip(drafts, areas, strict=True), 1)
    ]
    return Scene(_camera(rng, canvas), tuple(o for o in objects if o is not None), place)


def _plan(
    rng: np.random.Generator, size: tuple[int, int], horizon: float, count: int, sides: tuple[float, float]
) -> list[_Draft]:
    kinds, colours = list(KINDS), list(HUES)
    drafts: list[_Draft] = []
    for _ in range(count):
        kind = kinds[rng.integers(len(kinds))]
        colour = colours[rng.integers(len(colours))]
        for _ in range(12):
            draft = _place(rng, size, horizon, kind, colour, sides)
            if all(_overlap(draft, other) <= _MAX_OVERLAP for other in drafts):
                drafts.append(draft)
                break
    return sorted(drafts, key=lambda draft: draft.y + draft.height)


def _place(
    rng: np.random.Generator,
    size: tuple[int, int],
    horizon: float,
    kind: str,
    colour: str,
    sides: tuple[float, float],
) -> _Draft:
    height, width = size
    longest = float(np.exp(rng.uniform(*np.log(sides)))) * min(size)
    aspect = KINDS[kind].wide * float(np.exp(rng.uniform(-0.14, 0.14)))
    tall, wide = (longest, longest * aspect) if aspect < 1 else (longest / aspect, longest)
    lowest = 0.98 * height
    if KINDS[kind].flies and rng.random() < 0.6:
        bottom = float(rng.uniform(min(tall, lowest), lowest))
    else:
        bottom = float(rng.uniform(max(min(tall, lowest), horizon * height + 0.25 * tall), lowest))
    left = float(rng.uniform(-0.08 * wide, max(width - 0.92 * wide, 0.0)))
    return _Draft(kind, colour, left, bottom - tall, wide, tall)


def _overlap(first: _Draft, second: _Draft) -> float:
    across = min(first.x + first.width, second.x + second.width) - max(first.x, second.x)
    down = min(first.y + first.height, second.y + second.height) - max(first.y, second.y)
    if across <= 0 or down <= 0:
        return 0.0
    return across * down / min(first.width * first.height, second.width * second.height)


def _colour(rng: np.random.Generator, name: str) -> Colour:
    hue, saturation, value = (int(rng.integers(low, high + 1)) for low, high in HUES[name])
    pixel = np.array([[[hue % 180, saturation, value]]], np.uint8)
    b, g, r = cv2.cvtColor(pixel, cv2.COLOR_HSV2BGR)[0, 0].tolist()
    return b, g, r


def _to_crop(rng: np.random.Generator, kind: Kind, draft: _Draft, crop: tuple[int, int]) -> NDArray[np.float64]:
    """The affine map `(2, 3)` from object units to pixels of a crop whose middle is the object's middle."""
    angle = float(rng.uniform(-np.pi, np.pi)) if kind.rolls else float(rng.normal(0, 0.045))
    flip = -1.0 if rng.random() < 0.5 else 1.0
    shear = float(rng.normal(0, 0.05))
    scale = np.array([[flip * draft.width / kind.wide, shear * draft.height], [0.0, draft.height]])
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = turn @ scale  # (2, 2)
    middle = np.array([crop[1] / 2, crop[0] / 2])
    return np.column_stack([linear, middle - linear @ (kind.wide / 2, 0.5)])


def _paint(
    rng: np.random.Generator,
    canvas: NDArray[np.float32],
    owner: NDArray[np.uint8],
    number: int,
    draft: _Draft,
    light: float,
) -> int:
    """Draw one object and its shadow; returns how many pixels it would fill if nothing hid it."""
    kind = KINDS[draft.kind]
    height, width = owner.shape
    margin = 0.14 * max(draft.width, draft.height) + 2
    left, top = int(np.floor(draft.x - margin)), int(np.floor(draft.y - margin))
    crop = (int(np.ceil(draft.height + 2 * margin)), int(np.ceil(draft.width + 2 * margin)))
    brush = Brush(_to_crop(rng, kind, draft, crop), crop, Ink(_colour(rng, draft.colour)), kind.wide, rng)
    kind.draw(brush)
    colours = shaded(brush, rng, light)  # (crop height, crop width, 3)
    if not kind.flies:
        _shadow(rng, canvas, draft, light)
    area = int((brush.mask > 127).sum())
    x1, y1, x2, y2 = max(left, 0), max(top, 0), min(left + crop[1], width), min(top + crop[0], height)
    if x1 >= x2 or y1 >= y2:
        return area
    inside = np.s_[y1 - top : y2 - top, x1 - left : x2 - left]
    mask = brush.mask[inside]
    cover = (mask.astype(np.float32) / 255)[..., None]
    window = canvas[y1:y2, x1:x2]
    window += (colours[inside] - window) * cover
    owner[y1:y2, x1:x2][mask > 127] = number
    return area


def _shadow(rng: np.random.Generator, canvas: NDArray[np.float32], draft: _Draft, light: float) -> None:
    """A soft dark ellipse where the object meets the ground."""
    height, width = canvas.shape[:2]
    rx, ry = draft.width * 0.56, max(draft.height * 0.06, draft.width * 0.05)
    cx, cy = draft.x + draft.width * (0.5 - 0.08 * light), draft.y + draft.height * 0.97
    x1, x2 = max(int(cx - 1.6 * rx), 0), min(int(cx + 1.6 * rx) + 1, width)
    y1, y2 = max(int(cy - 1.8 * ry), 0), min(int(cy + 1.8 * ry) + 1, height)
    strength = float(rng.uniform(0.3, 0.6))
    if x1 >= x2 or y1 >= y2:
        return
    across = ((np.arange(x1, x2, dtype=np.float32) - cx) / rx) ** 2
    down = ((np.arange(y1, y2, dtype=np.float32) - cy) / ry) ** 2
    falloff = np.exp(-1.4 * (across[None] + down[:, None]))  # (y2-y1, x2-x1)
    canvas[y1:y2, x1:x2] *= 1 - strength * falloff[..., None]


def _visible(owner: NDArray[np.uint8], number: int, draft: _Draft, area: int) -> SceneObject | None:
    seen = owner == number  # (H, W)
    rows, columns = np.flatnonzero(seen.any(1)), np.flatnonzero(seen.any(0))
    if area == 0 or len(rows) == 0 or seen.sum() < _MIN_VISIBLE * area:
        return None
    xyxy = (float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1))
    return SceneObject(draft.kind, draft.colour, xyxy)


def _camera(rng: np.random.Generator, canvas: NDArray[np.float32]) -> Image:
    """Light, colour cast, blur and noise of a camera."""
    height, width = canvas.shape[:2]
    dark = rng.random() < 0.1
    gain = float(rng.uniform(0.38, 0.6)) if dark else float(rng.uniform(0.82, 1.12))
    cast = rng.uniform(0.95, 1.05, 3).astype(np.float32)
    picture = canvas * (gain * cast)
    if rng.random() < 0.4:  # uneven light
        coarse = cv2.resize(
            rng.uniform(0.8, 1.12, (2, 3)).astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC
        )
        picture *= coarse[..., None]
    if rng.random() < 0.25:
        sigma = float(rng.uniform(0.0015, 0.004)) * min(height, width)
        picture = cv2.GaussianBlur(picture, (0, 0), max(sigma, 0.3))
    if rng.random() < 0.8:
        strength = float(rng.uniform(5, 9)) if dark else float(rng.uniform(1, 5))
        grain = _grain(rng, height, width) * strength
        picture = picture + grain[..., None]
    return np.clip(picture, 0, 255).astype(np.uint8)


def _grain(rng: np.random.Generator, height: int, width: int) -> NDArray[np.float32]:
    """Sensor noise `(height, width)` float32 of deviation 1."""
    return rng.standard_normal((height, width), dtype=np.float32)
