import numpy as np
import pytest
from numpy.typing import NDArray

from regionclip.scenes.kinds.known import KINDS
from regionclip.scenes.painting.clutter import add_clutter
from regionclip.scenes.painting.painter import Brush, Colour, Ink, texture_patch
from regionclip.scenes.render import BACKGROUNDS, OTHER_BACKGROUNDS

BLUE: Colour = (190, 110, 40)
LAMPS: dict[str, Colour] = {"red": (50, 40, 200), "yellow": (50, 210, 235), "green": (80, 160, 60)}
SIDE = 96
MIXED = {
    *("bicycle", "motorcycle", "forklift", "drone", "knife", "scissors", "monitor", "laptop", "person", "camera"),
    *("car", "bus", "mobile robot", "barrier", "fire extinguisher"),
}
"""Kinds much of which is glass, tyres, metal, screens or skin."""
TRAITS = [(name, trait) for name, kind in KINDS.items() for trait in kind.traits]


def draw(
    name: str, seed: int = 3, *, traits: frozenset[str] = frozenset(), other: bool = False, ink: Colour = BLUE
) -> Brush:
    """One object, its longer side 96 pixels, in the middle of a crop with the margin that scenes leave."""
    kind = KINDS[name]
    tall = SIDE / max(kind.wide, 1.0)
    margin = 0.14 * SIDE + 2
    size = int(np.ceil(tall + 2 * margin)), int(np.ceil(tall * kind.wide + 2 * margin))
    matrix = np.array([[tall, 0.0, margin], [0.0, tall, margin]])
    brush = Brush(matrix, size, Ink(ink), kind.wide, np.random.default_rng(seed), traits, other)
    kind.draw(brush)
    return brush


def pixels(brush: Brush) -> NDArray[np.int16]:
    """What a white wall would show: `(height, width, 3)`."""
    return np.where(brush.mask[..., None] > 127, brush.canvas, 255).astype(np.int16)


def changed(first: Brush, second: Brush) -> float:
    """Share of the first one's pixels that the second shows otherwise."""
    differ = np.abs(pixels(first) - pixels(second)).max(-1) > 40  # (height, width)
    return float(differ.sum() / (first.mask > 127).sum())


def own_share(brush: Brush) -> float:
    """Share of the pixels that have the named colour, its shade or its tint."""
    seen = brush.canvas[brush.mask > 127].astype(np.int16)  # (N, 3)
    own = np.array([brush.ink.main, brush.ink.dark, brush.ink.light], np.int16)  # (3, 3)
    return float((np.abs(seen[:, None] - own).max(-1).min(1) < 12).mean())


@pytest.mark.parametrize("other", [False, True], ids=["usual", "other"])
@pytest.mark.parametrize("name", KINDS)
def test_a_kind_fills_its_box_and_stays_within_its_crop(name: str, other: bool) -> None:
    for seed in range(4):
        for traits in (frozenset(), frozenset(KINDS[name].traits)):
            mask = draw(name, seed, traits=traits, other=other).mask > 127
            assert mask.any()
            assert not np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]]).any()
            rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
            assert max(np.ptp(rows), np.ptp(columns)) > 0.6 * SIDE


@pytest.mark.parametrize("name", KINDS)
def test_declared_proportions_are_right(name: str) -> None:
    """The truth of a planned size rests on them; a flame or a tail may lick out of its box, a shut laptop is flat."""
    for seed in range(4):
        mask = draw(name, seed).mask > 127
        margin, most = 0.14 * SIDE + 2, 0.06 * SIDE
        tall, wide = np.array(mask.shape) - 2 * margin
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        assert min(rows[0], columns[0]) >= margin - most
        assert rows[-1] <= margin + tall + most
        assert columns[-1] <= margin + wide + most
        filled = (np.ptp(rows) + 1) / tall, (np.ptp(columns) + 1) / wide
        assert max(filled) > 0.7
        assert min(filled) > 0.2


@pytest.mark.parametrize("name", KINDS)
def test_the_same_generator_draws_the_same_and_another_one_varies(name: str) -> None:
    assert np.array_equal(pixels(draw(name, 8)), pixels(draw(name, 8)))
    assert len({pixels(draw(name, seed)).tobytes() for seed in range(12)}) >= 3


@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if not kind.hues])
@pytest.mark.parametrize("other", [False, True], ids=["usual", "other"])
def test_the_named_colour_is_what_one_sees_most_of(name: str, other: bool) -> None:
    shares = [own_share(draw(name, seed, other=other)) for seed in range(8)]
    assert np.mean(shares) > (0.18 if name in MIXED else 0.5)


@pytest.mark.parametrize(("name", "trait"), TRAITS)
def test_a_trait_can_be_seen(name: str, trait: str) -> None:
    least = 0.3 if trait == "open" else 0.04
    for seed in range(4):
        for other in (False, True):
            without = draw(name, seed, other=other)
            assert changed(without, draw(name, seed, traits=frozenset({trait}), other=other)) > least


def test_a_person_with_every_trait_still_shows_the_jacket() -> None:
    for seed in range(8):
        assert own_share(draw("person", seed, traits=frozenset(KINDS["person"].traits))) > 0.08


def test_many_kinds_have_shapes_that_training_never_sees() -> None:
    differ = [
        name
        for name in KINDS
        if min(changed(draw(name, 3, other=True, ink=own(name)), draw(name, s, ink=own(name))) for s in range(12)) > 0.1
    ]
    assert len(differ) >= 14


def own(name: str) -> Colour:
    """A colour the kind may have."""
    return LAMPS["red"] if "red" in KINDS[name].hues else BLUE


@pytest.mark.parametrize(("hue", "place"), [("red", 0), ("yellow", 1), ("green", 2)])
def test_the_lit_lamp_of_a_traffic_light_hangs_where_its_colour_belongs(hue: str, place: int) -> None:
    for seed in range(4):
        for other in (False, True):
            brush = draw("traffic light", seed, ink=LAMPS[hue], other=other)
            lit = (np.abs(brush.canvas.astype(np.int16) - LAMPS[hue]).max(-1) < 12) & (brush.mask > 127)
            rows, whole = np.flatnonzero(lit.any(1)), np.flatnonzero((brush.mask > 127).any(1))
            middle = (rows.mean() - whole[0]) / np.ptp(whole)
            assert int(middle / 0.3) == place if middle < 0.9 else place == 2


@pytest.mark.parametrize("name", [*BACKGROUNDS, *OTHER_BACKGROUNDS])
def test_a_background_fills_any_frame_and_leaves_ground_to_stand_on(name: str) -> None:
    make = {**BACKGROUNDS, **OTHER_BACKGROUNDS}[name]
    for height, width in ((64, 64), (90, 160), (160, 90)):
        picture, horizon = make(np.random.default_rng(4), height, width)
        assert picture.shape == (height, width, 3)
        assert picture.dtype == np.uint8
        assert 0.2 < horizon < 0.7
        before = picture.copy()
        add_clutter(np.random.default_rng(1), picture, horizon)
        assert (picture != before).any()


def test_training_never_sees_the_other_places_and_textures() -> None:
    assert len(BACKGROUNDS) >= 6
    assert len(OTHER_BACKGROUNDS) >= 2
    assert not BACKGROUNDS.keys() & OTHER_BACKGROUNDS.keys()
    usual, strange = (texture_patch(np.random.default_rng(2), 40, 60, other) for other in (False, True))
    assert usual.shape == strange.shape == (40, 60)
    assert abs(float(np.corrcoef(usual.ravel(), strange.ravel())[0, 1])) < 0.9
