"""Stage: paints drafts onto a background and knows which pixel shows which object."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from regionclip.scenes.casting import Draft
from regionclip.scenes.kinds.known import Kind
from regionclip.scenes.painting.painter import Brush, Image, Ink, shaded

_MIN_VISIBLE = 0.4
_CERTAIN_VISIBLE = 0.85
_CERTAIN_PIXELS = 28


@dataclass(frozen=True, slots=True)
class SceneObject:
    """One thing in a scene.

    Attributes:
        kind: English canonical noun, a key of `kinds.KINDS`.
        colour: a key of `colours.HUES`, None where it has a colour that no name fits.
        xyxy: box of its visible pixels, `x1 y1 x2 y2` in frame pixels, inside the frame.
        traits: what is true of it, of the traits its kind may have: "helmet", "vest", "backpack", "open".
        share: longer side of the whole object as a share of the frame's shorter side.
        certain: so large and so little hidden that its traits can be seen.
    """

    kind: str
    colour: str | None
    xyxy: tuple[float, float, float, float]
    traits: frozenset[str] = frozenset()
    share: float = 0.3
    certain: bool = True


def boxes_of(objects: Sequence[SceneObject]) -> NDArray[np.float32]:
    """`(N, 4)` xyxy in frame pixels."""
    return np.array([item.xyxy for item in objects], np.float32).reshape(-1, 4)


class Stage:
    """A picture that objects are painted into, far ones first.

    Args:
        picture: `(H, W, 3)` uint8 BGR background.
        light: direction of the light, -1 (left) to 1 (right).
        other: use the shapes and textures that training never sees.
    """

    def __init__(self, picture: Image, light: float, *, other: bool = False) -> None:
        self.canvas = picture.astype(np.float32)  # (H, W, 3)
        self._owner = np.zeros(picture.shape[:2], np.uint8)  # (H, W), number of the object seen there, 0: none
        self._light = light
        self._other = other
        self._drafts: list[tuple[Draft, int]] = []  # with the pixels each would fill if nothing hid it

    @property
    def owners(self) -> Image:
        """`(H, W)`: which object each pixel shows, from 1 in the order of painting; 0 for none."""
        return self._owner

    def paint(self, draft: Draft) -> None:
        """Draw one object and its shadow over all earlier ones."""
        rng = np.random.default_rng(draft.seed)
        margin = 0.14 * max(draft.width, draft.height) + 2
        left, top = int(np.floor(draft.x - margin)), int(np.floor(draft.y - margin))
        crop = (int(np.ceil(draft.height + 2 * margin)), int(np.ceil(draft.width + 2 * margin)))
        middle = (draft.x + draft.width / 2 - left, draft.y + draft.height / 2 - top)
        matrix = _to_crop(rng, draft, middle)
        brush = Brush(matrix, crop, Ink(draft.paint), draft.kind.wide, rng, draft.traits, self._other)
        draft.kind.draw(brush)
        colours = shaded(brush, rng, self._light)  # (crop height, crop width, 3)
        if not draft.kind.flies and not draft.kind.rolls:  # what lies flat casts no shadow below its box
            self._shadow(draft, float(rng.uniform(0.3, 0.6)))
        self._drafts.append((draft, int((brush.mask > 127).sum())))
        self._blend(brush.mask, colours, left, top)

    def _blend(self, mask: Image, colours: NDArray[np.float32], left: int, top: int) -> None:
        (height, width, _), (tall, wide, _) = self.canvas.shape, colours.shape
        x1, y1, x2, y2 = max(left, 0), max(top, 0), min(left + wide, width), min(top + tall, height)
        if x1 >= x2 or y1 >= y2:
            return
        inside = np.s_[y1 - top : y2 - top, x1 - left : x2 - left]
        cover = (mask[inside].astype(np.float32) / 255)[..., None]
        window = self.canvas[y1:y2, x1:x2]
        window += (colours[inside] - window) * cover
        self._owner[y1:y2, x1:x2][mask[inside] > 127] = len(self._drafts)

    def _shadow(self, draft: Draft, strength: float) -> None:
        """A soft dark ellipse where the object meets the ground."""
        height, width, _ = self.canvas.shape
        rx, ry = draft.width * 0.56, max(draft.height * 0.06, draft.width * 0.05)
        cx, cy = draft.x + draft.width * (0.5 - 0.08 * self._light), draft.y + draft.height * 0.97 + draft.lift
        strength /= 1 + 4 * draft.lift / draft.height
        x1, x2 = max(int(cx - 1.6 * rx), 0), min(int(cx + 1.6 * rx) + 1, width)
        y1, y2 = max(int(cy - 1.8 * ry), 0), min(int(cy + 1.8 * ry) + 1, height)
        if x1 >= x2 or y1 >= y2:
            return
        across = ((np.arange(x1, x2, dtype=np.float32) - cx) / rx) ** 2
        down = ((np.arange(y1, y2, dtype=np.float32) - cy) / ry) ** 2
        falloff = np.exp(-1.4 * (across[None] + down[:, None]))  # (y2-y1, x2-x1)
        self.canvas[y1:y2, x1:x2] *= 1 - strength * falloff[..., None]

    def view(self, matrix: NDArray[np.float64], size: tuple[int, int]) -> None:
        """Leave only what a camera sees; nothing can be painted afterwards.

        Args:
            matrix: `(2, 3)` rotation and shift from pixels of the picture to pixels of the frame.
            size: `(H, W)` of the frame.
        """
        self.canvas = np.asarray(
            cv2.warpAffine(self.canvas, matrix, size[::-1], borderMode=cv2.BORDER_REPLICATE), np.float32
        )
        self._owner = np.asarray(cv2.warpAffine(self._owner, matrix, size[::-1], flags=cv2.INTER_NEAREST), np.uint8)

    def objects(self) -> list[SceneObject | None]:
        """The painted objects in the order of painting; None where less than 40 % of one can be seen."""
        return [self._seen(number, draft, area) for number, (draft, area) in enumerate(self._drafts, 1)]

    def _seen(self, number: int, draft: Draft, area: int) -> SceneObject | None:
        seen = self._owner == number  # (H, W)
        rows, columns = np.flatnonzero(seen.any(1)), np.flatnonzero(seen.any(0))
        pixels = int(seen.sum())
        if area == 0 or len(rows) == 0 or pixels < _MIN_VISIBLE * area:
            return None
        longer = max(draft.width, draft.height)
        return SceneObject(
            kind=draft.name,
            colour=draft.colour,
            xyxy=(float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)),
            traits=draft.traits,
            share=longer / min(self._owner.shape),
            certain=pixels >= _CERTAIN_VISIBLE * area and longer >= _CERTAIN_PIXELS,
        )


def _to_crop(rng: np.random.Generator, draft: Draft, middle: tuple[float, float]) -> NDArray[np.float64]:
    """The affine map `(2, 3)` from object units to pixels of a crop in which the object's middle is at `middle`."""
    kind = draft.kind
    angle, flip = _turn(rng, kind)
    shear = float(rng.normal(0, 0.05))
    scale = np.array([[flip * draft.width / kind.wide, shear * draft.height], [0.0, draft.height]])
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = turn @ scale  # (2, 2)
    return np.column_stack([linear, np.asarray(middle) - linear @ (kind.wide / 2, 0.5)])


def is_flipped(draft: Draft) -> bool:
    """Whether the draft is painted as the mirror image of what its kind draws."""
    return _turn(np.random.default_rng(draft.seed), draft.kind)[1] < 0


def _turn(rng: np.random.Generator, kind: Kind) -> tuple[float, float]:
    """The angle in radians and -1 for a mirror image; the first two draws of a draft's seed."""
    angle = float(rng.uniform(-np.pi, np.pi)) if kind.rolls else float(rng.normal(0, 0.045))
    return angle, -1.0 if rng.random() < 0.5 else 1.0
