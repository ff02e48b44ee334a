"""What stands where in a scene, before anything is painted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from regionclip.scenes.kinds.colours import HELD_OUT, HUES, pixel_colour, trained_colours
from regionclip.scenes.kinds.known import KINDS, Kind
from regionclip.scenes.painting.painter import Colour

_MAX_OVERLAP = 0.25
PEOPLE = 0.08
"""Share of objects that are people on top of their even share: what they wear takes more looking than a kind."""


@dataclass(slots=True)
class Draft:
    """One planned object. The same draft painted elsewhere looks the same, so a clip may move it.

    Attributes:
        name: of its kind.
        kind: how it is drawn.
        colour: a key of `HUES`, None where no name fits.
        paint: its main colour, BGR.
        traits: those of the kind's traits that hold.
        seed: of its shape, turn and texture.
        x: left of the planned box in pixels.
        y: top.
        width: of the planned box in pixels.
        height: of the planned box in pixels.
        lift: how far above the ground it is held, in pixels; its shadow stays on the ground.
    """

    name: str
    kind: Kind
    colour: str | None
    paint: Colour
    traits: frozenset[str]
    seed: int
    x: float
    y: float
    width: float
    height: float
    lift: float = 0.0


@dataclass(frozen=True, slots=True)
class Casting:
    """What may appear.

    Attributes:
        sides: smallest and largest object, longer side as a share of the frame's shorter side.
        kinds: names of the kinds to choose from; None takes all.
        held_out: True shows only pairs of kind and colour that training never sees, False only the others.
        unnamed: share of objects in a colour that no name fits, 0..1.
        extra: more kinds by name; each object is one of them with probability 1/2.
        people: share of objects that are people on top of their even share, 0..1; none where `kinds` are given.
    """

    sides: tuple[float, float]
    kinds: Sequence[str] | None = None
    held_out: bool = False
    unnamed: float = 0.0
    extra: Mapping[str, Kind] | None = None
    people: float = PEOPLE


def plan(rng: np.random.Generator, size: tuple[int, int], horizon: float, count: int, casting: Casting) -> list[Draft]:
    """Up to `count` drafts from far to near that hide little of one another.

    Args:
        rng: source of every choice.
        size: `(H, W)` of the frame in pixels.
        horizon: row, as a share of the height, above which nothing stands.
        count: how many to place; one that finds no room is left out.
        casting: what may appear.
    """
    drafts: list[Draft] = []
    for _ in range(count):
        draft = cast(rng, casting)
        for _ in range(12):
            place(rng, draft, size, horizon, casting.sides)
            if all(_overlap(draft, other) <= _MAX_OVERLAP for other in drafts):
                drafts.append(draft)
                break
    return sorted(drafts, key=lambda draft: draft.y + draft.height)


def cast(rng: np.random.Generator, casting: Casting) -> Draft:
    """A draft that has no place yet."""
    if casting.extra and rng.random() < 0.5:
        name = list(casting.extra)[rng.integers(len(casting.extra))]
        kind, colour = casting.extra[name], list(HUES)[rng.integers(len(HUES))]
        return _draft(rng, name, kind, colour)
    choices = casting.kinds or list(HELD_OUT if casting.held_out else KINDS)
    more_people = casting.kinds is None and rng.random() < casting.people
    name = "person" if more_people else choices[int(rng.integers(len(choices)))]
    return _draft(rng, name, KINDS[name], _colour_for(rng, name, casting))


def _colour_for(rng: np.random.Generator, name: str, casting: Casting) -> str | None:
    if casting.held_out:
        return HELD_OUT[name]
    if not KINDS[name].hues and rng.random() < casting.unnamed:
        return None
    shown = trained_colours(name)
    return shown[rng.integers(len(shown))]


def _draft(rng: np.random.Generator, name: str, kind: Kind, colour: str | None) -> Draft:
    traits = frozenset(trait for trait in kind.traits if rng.random() < 0.5)
    return Draft(name, kind, colour, pixel_colour(rng, colour), traits, int(rng.integers(2**32)), 0, 0, 0, 0)


def place(
    rng: np.random.Generator, draft: Draft, size: tuple[int, int], horizon: float, sides: tuple[float, float]
) -> None:
    """Give a draft a size and a place: on the ground, or in the air if its kind flies."""
    height, width = size
    longest = float(np.exp(rng.uniform(*np.log(sides)))) * min(size)
    aspect = draft.kind.wide * float(np.exp(rng.uniform(-0.14, 0.14)))
    tall, wide = (longest, longest * aspect) if aspect < 1 else (longest / aspect, longest)
    lowest = 0.98 * height
    if draft.kind.flies and rng.random() < 0.6:
        bottom = float(rng.uniform(min(tall, lowest), lowest))
    else:
        bottom = float(rng.uniform(max(min(tall, lowest), horizon * height + 0.25 * tall), lowest))
    draft.x = float(rng.uniform(-0.08 * wide, max(width - 0.92 * wide, 0.0)))
    draft.y, draft.width, draft.height = bottom - tall, wide, tall


def _overlap(first: Draft, second: Draft) -> float:
    across = min(first.x + first.width, second.x + second.width) - max(first.x, second.x)
    down = min(first.y + first.height, second.y + second.height) - max(first.y, second.y)
    if across <= 0 or down <= 0:
        return 0.0
    return across * down / min(first.width * first.height, second.width * second.height)
