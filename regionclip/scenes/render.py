"""render_scene: a picture of a security or robotics scene with its truth, from two numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from regionclip.scenes import places_indoor, places_outdoor
from regionclip.scenes.casting import PEOPLE, Casting, plan
from regionclip.scenes.kinds.known import KINDS, Kind
from regionclip.scenes.painting.backdrop import Background
from regionclip.scenes.painting.camera import random_camera
from regionclip.scenes.painting.clutter import add_clutter
from regionclip.scenes.stage import SceneObject, Stage

SMALLEST = 64
"""Shortest side of a frame in pixels that is rendered."""

BACKGROUNDS: dict[str, Background] = {
    "corridor": places_indoor.corridor,
    "warehouse": places_indoor.warehouse,
    "street": places_outdoor.street,
    "kitchen": places_indoor.kitchen,
    "yard": places_outdoor.yard,
    "office": places_indoor.office,
    "car park": places_outdoor.car_park,
    "loading dock": places_outdoor.loading_dock,
}
"""The usual places, those of training."""

OTHER_BACKGROUNDS: dict[str, Background] = {
    "laboratory": places_indoor.laboratory,
    "platform": places_outdoor.platform,
}
"""Places that training never sees."""

Pairs = Literal["trained", "held out"]
SceneStyle = Literal["usual", "other"]


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


def render_scene(  # noqa: PLR0913 - one word for each thing that a series of scenes may vary
    seed: int,
    index: int,
    size: tuple[int, int] = (480, 640),
    *,
    count: tuple[int, int] = (3, 7),
    sides: tuple[float, float] = (0.15, 0.6),
    kinds: Sequence[str] | None = None,
    pairs: Pairs = "trained",
    unnamed: float = 0.0,
    style: SceneStyle = "usual",
    extra: Mapping[str, Kind] | None = None,
    people: float = PEOPLE,
) -> Scene:
    """Render scene `index` of the series `seed`; the same numbers give the same scene.

    Args:
        seed: names a series of scenes.
        index: number of the scene in its series.
        size: `(H, W)` of the frame in pixels, 64 at least.
        count: fewest and most objects; a crowded frame may hold fewer than the fewest.
        sides: smallest and largest object, longer side as a share of the frame's shorter side.
        kinds: names of the kinds to choose from (`kinds.KINDS`); None takes all.
        pairs: show the pairs of kind and colour that training shows, or those it never shows (`colours.HELD_OUT`).
        unnamed: share of objects in a colour that no name fits, 0..1.
        style: "other" uses shapes, textures and backgrounds that training never sees.
        extra: more kinds by name; each object is one of them with probability 1/2.
        people: share of objects that are people on top of their even share, 0..1; none where `kinds` are given.

    Raises:
        ValueError: for a negative seed or index, a frame under 64 pixels, or a kind that is not known.
    """
    check_series(seed, index, size)
    if unknown := set(kinds or ()) - set(KINDS):
        raise ValueError(f"scenes: unknown kinds {sorted(unknown)}: known are {', '.join(KINDS)}")
    rng = np.random.default_rng((seed, index))
    place, picture, horizon = backdrop(rng, size, other=style == "other")
    casting = Casting(sides, kinds, pairs == "held out", unnamed, extra, people)
    drafts = plan(rng, size, horizon, int(rng.integers(count[0], count[1] + 1)), casting)
    stage = Stage(picture, float(rng.uniform(-1, 1)), other=style == "other")
    for draft in drafts:
        stage.paint(draft)
    seen = tuple(item for item in stage.objects() if item is not None)
    return Scene(random_camera(rng).shoot(rng, stage.canvas), seen, place)


def backdrop(
    rng: np.random.Generator, size: tuple[int, int], *, other: bool = False
) -> tuple[str, NDArray[np.uint8], float]:
    """An empty place with clutter: its name, its `(H, W, 3)` picture and its horizon as a share of the height."""
    places = OTHER_BACKGROUNDS if other else BACKGROUNDS
    name = list(places)[rng.integers(len(places))]
    picture, horizon = places[name](rng, *size)
    add_clutter(rng, picture, horizon)
    return name, picture, horizon


def check_series(seed: int, index: int, size: tuple[int, int]) -> None:
    """Raise ValueError for a negative seed or index, or a frame under 64 pixels."""
    if min(size) < SMALLEST:
        raise ValueError(
            f"scenes: expected a frame of at least {SMALLEST} x {SMALLEST} pixels, got {size[0]} x {size[1]}"
        )
    if seed < 0 or index < 0:
        raise ValueError(f"scenes: expected seed and index of 0 or more, got {seed} and {index}")
