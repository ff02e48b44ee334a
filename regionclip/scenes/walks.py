"""render_walk: a camera that walks through a hall with things in it; pictures, depth, poses and the truth.

The hall is a box of textured walls. Things stand upright in it and always face the camera. The map has x and y on the
floor and z up; the camera's optical frame x to the right, y down and z forward.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from regionclip.scenes.actors import TALL, cast_one
from regionclip.scenes.casting import Draft
from regionclip.scenes.painting.backdrop import Background
from regionclip.scenes.painting.camera import Camera, random_camera
from regionclip.scenes.painting.clutter import add_clutter
from regionclip.scenes.painting.painter import Image
from regionclip.scenes.render import BACKGROUNDS, check_series
from regionclip.scenes.stage import SceneObject, Stage

_WALK, _NOISE = 0xA11C, 0xA11D
_PLACES = ("warehouse", "kitchen", "office", "loading dock")
_KINDS = (
    "person", "bicycle", "mobile robot", "suitcase", "backpack", "handbag", "dog", "cat", "box", "pallet",
    "traffic cone", "barrier", "fire extinguisher", "ladder", "chair", "table", "umbrella",
)  # fmt: skip
_MOST = 24  # things
_PERSON = 1.7  # metres tall
_HALL = np.array([9.0, 8.0, 4.5])  # metres: x, y, z
_INSET = 0.9  # metres from the walls to the things
_EYE, _ROUND = 0.9, 0.5  # metres: height of the camera, radius of its way
_MISSING, _ROUGH = 0.1, 0.005  # share of depth that is not measured, deviation of the rest as a share of itself
MIDDLE = np.array([*_HALL[:2] / 2, _EYE])
"""Of the camera's way, `(3,)` metres in the map."""

_TEXTURE = (360, 640)  # (rows, columns) of a wall and of the floor


@dataclass(frozen=True, slots=True, eq=False)
class WalkThing:
    """Something that stands in the hall.

    Attributes:
        kind: as in `SceneObject`.
        colour: as in `SceneObject`; no other thing has the same kind and colour.
        center: `(3,)` metres in the map, of what is drawn of it.
        size: its width and height in metres.
    """

    kind: str
    colour: str
    center: NDArray[np.float64]
    size: tuple[float, float]


@dataclass(frozen=True, slots=True, eq=False)
class WalkFrame:
    """One frame of a walk.

    Attributes:
        frame: `(H, W, 3)` uint8 BGR.
        depth: `(H, W)` float32 metres, a little rough, NaN where it was not measured.
        rotation: `(3, 3)` from the optical frame to the map.
        translation: `(3,)` metres, where the camera is in the map.
        objects: every thing of which at least 40 % can be seen, back to front.
        things: of each of them the index among the things of the walk.
    """

    frame: Image
    depth: NDArray[np.float32]
    rotation: NDArray[np.float64]
    translation: NDArray[np.float64]
    objects: tuple[SceneObject, ...]
    things: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Walk:
    """A walk. Frames are rendered when asked for: `walk[i]`, or a loop over it.

    Attributes:
        size: `(H, W)` of the frames in pixels.
        frames: how many.
        focal: focal length in pixels; the optical axis meets the middle of the frame.
        things: what stands in the hall.
    """

    size: tuple[int, int]
    frames: int
    focal: float
    things: tuple[WalkThing, ...]
    _drafts: tuple[Draft, ...]
    _texture: Image
    _lens: Camera
    _light: float
    _series: tuple[int, int]

    def __len__(self) -> int:
        return self.frames

    def __iter__(self) -> Iterator[WalkFrame]:
        return (self[index] for index in range(self.frames))

    def __getitem__(self, index: int) -> WalkFrame:
        """Render one frame.

        Raises:
            IndexError: for a frame that the walk does not have.
        """
        if not 0 <= index < self.frames:
            raise IndexError(f"walk: expected a frame from 0 to {self.frames - 1}, got {index}")
        rotation, eye = _pose(index / self.frames)
        picture, depth = _empty_hall(self._texture, self.size, self.focal, rotation, eye)
        stage, order = Stage(picture, self._light), []
        seen = [(rotation.T @ (thing.center - eye), place) for place, thing in enumerate(self.things)]
        for point, place in sorted(seen, key=lambda pair: -pair[0][2]):
            if point[2] > 0.5:
                stage.paint(self._draft(place, point))
                order.append((place, point[2]))
        for number, (_, z) in enumerate(order, 1):
            depth[stage.owners == number] = z
        rng = np.random.default_rng((*self._series, index, _NOISE))
        depth *= 1 + _ROUGH * rng.standard_normal(depth.shape, np.float32)
        depth[rng.random(depth.shape) < _MISSING] = np.nan
        shown = [(item, place) for item, (place, _) in zip(stage.objects(), order, strict=True) if item is not None]
        objects, things = (tuple(column) for column in zip(*shown, strict=True)) if shown else ((), ())
        return WalkFrame(self._lens.shoot(rng, stage.canvas), depth, rotation, eye, objects, things)

    def _draft(self, place: int, point: NDArray[np.float64]) -> Draft:
        """A thing as it is to be painted, its middle at a point `(3,)` of the optical frame."""
        scale, draft = self.focal / point[2], self._drafts[place]
        x, y = np.array(self.size[::-1]) / 2 + scale * point[:2]
        wide, tall = draft.width * scale, draft.height * scale
        return replace(draft, x=x - draft.x * wide, y=y - draft.y * tall, width=wide, height=tall)


def render_walk(
    seed: int, index: int, size: tuple[int, int] = (240, 320), *, frames: int = 60, things: int = 8
) -> Walk:
    """Plan walk `index` of the series `seed`; the same numbers give the same walk.

    The camera goes round the middle of the hall twice, looking at what stands along the walls from other sides.

    Args:
        seed: names a series of walks.
        index: number of the walk in its series.
        size: `(H, W)` of the frames in pixels, 64 at least.
        frames: how many.
        things: how many stand in the hall.

    Raises:
        ValueError: for a negative seed or index, a frame under 64 pixels, or more than 24 things.
    """
    check_series(seed, index, size)
    if not 0 <= things <= _MOST:
        raise ValueError(f"walks: expected 0 to {_MOST} things, got {things}")
    rng = np.random.default_rng((seed, index, _WALK))
    drafts: dict[tuple[str, str | None], Draft] = {}
    while len(drafts) < things:
        draft = cast_one(rng, _KINDS)
        drafts.setdefault((draft.name, draft.colour), draft)
    around = (np.arange(things) + rng.uniform(-0.3, 0.3, things)) / things * 2 * np.pi
    stand = [_along_walls(angle, float(rng.uniform(0, 0.4))) for angle in around]
    pairs = [_stand(draft, spot) for draft, spot in zip(drafts.values(), stand, strict=True)]
    return Walk(
        size=size,
        frames=frames,
        focal=0.8 * size[1],
        things=tuple(thing for thing, _ in pairs),
        _drafts=tuple(draft for _, draft in pairs),
        _texture=_texture(rng, BACKGROUNDS[_PLACES[rng.integers(len(_PLACES))]]),
        _lens=random_camera(rng),
        _light=float(rng.uniform(-1, 1)),
        _series=(seed, index),
    )


def _along_walls(angle: float, inwards: float) -> NDArray[np.float64]:
    """The spot `(2,)` on the floor in a direction from the middle, so far from where things stand along the walls."""
    way, reach = np.array([np.cos(angle), np.sin(angle)]), _HALL[:2] / 2 - _INSET - inwards
    return np.asarray(MIDDLE[:2] + way * (reach / np.abs(way)).min())


def _stand(draft: Draft, spot: NDArray[np.float64]) -> tuple[WalkThing, Draft]:
    """A thing on a spot, and its draft: sides in metres, and as x and y where in it the middle of the drawn box is."""
    assert draft.colour is not None  # none without a name is cast
    tall = TALL[draft.name] * _PERSON
    wide = tall * draft.kind.wide
    alone = replace(draft, x=100, y=100, width=300 * draft.kind.wide, height=300)
    stage = Stage(np.zeros((500, 1000, 3), np.uint8), 0)
    stage.paint(alone)
    (seen,) = stage.objects()
    assert seen is not None
    corners = (np.reshape(seen.xyxy, (2, 2)) - 100) / (alone.width, alone.height)  # shares of the planned box
    (middle_x, middle_y), (share_x, share_y) = corners.mean(0).tolist(), np.diff(corners, axis=0)[0].tolist()
    center = np.array([*spot, tall * (1 - middle_y)])
    thing = WalkThing(draft.name, draft.colour, center, (share_x * wide, share_y * tall))
    return thing, replace(draft, x=middle_x, y=middle_y, width=wide, height=tall)


def _texture(rng: np.random.Generator, place: Background) -> Image:
    """Four walls and the floor side by side, each from a picture of the place."""
    rows, columns = _TEXTURE
    parts = []
    for _ in range(4):
        picture, horizon = place(rng, 2 * rows, columns)
        add_clutter(rng, picture, horizon)
        parts.append(picture[: round(horizon * 2 * rows)])
    parts.append(picture[len(parts[-1]) :])
    return np.hstack([np.asarray(cv2.resize(part, (columns, rows)), np.uint8) for part in parts])


def _pose(share: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Rotation `(3, 3)` and place `(3,)` of the camera after a share of its walk."""
    angle = 4 * np.pi * share
    heading = angle + 0.6 * np.sin(2 * np.pi * share)  # outwards, first a little ahead, then back
    x, y = np.cos(heading), np.sin(heading)
    rotation = np.array([[y, 0, x], [-x, 0, y], [0, -1, 0]])
    return rotation, MIDDLE + _ROUND * np.array([np.cos(angle), np.sin(angle), 0])


def _empty_hall(
    texture: Image, size: tuple[int, int], focal: float, rotation: NDArray[np.float64], eye: NDArray[np.float64]
) -> tuple[Image, NDArray[np.float32]]:
    """What a camera sees of the walls and the floor, `(H, W, 3)`, and how far they are, `(H, W)` metres."""
    height, width = size
    rows, columns = np.mgrid[:height, :width] + 0.5
    rays = np.dstack([(columns - width / 2) / focal, (rows - height / 2) / focal, np.ones(size)]) @ rotation.T
    ahead, back = np.maximum(rays, 1e-12), np.maximum(-rays, 1e-12)
    ways = np.minimum((_HALL - eye) / ahead, eye / back)  # (H, W, 3) metres along the view to the walls and the floor
    ways[..., 2] = eye[2] / back[..., 2]  # there is no ceiling
    side, depth = ways.argmin(-1), ways.min(-1)  # (H, W)
    at = np.clip((eye + rays * depth[..., None]) / _HALL, 0, 1)  # (H, W, 3) shares of the hall
    part = np.where(side == 2, 4, 2 * side + (np.take_along_axis(rays, side[..., None], 2)[..., 0] > 0))
    across = np.where(side == 0, at[..., 1], at[..., 0])
    down = np.where(side == 2, at[..., 1], 1 - at[..., 2])
    map_x, map_y = (part + across) * (_TEXTURE[1] - 1), down * (_TEXTURE[0] - 1)
    picture = cv2.remap(texture, map_x.astype(np.float32), map_y.astype(np.float32), cv2.INTER_LINEAR)
    return np.asarray(picture, np.uint8), depth.astype(np.float32)
