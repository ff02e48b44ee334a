from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from proposals.base import Features, Proposals, Proposer, TiledFeatures
from proposals.every import EveryProposer
from proposals.grid import GridProposer
from proposals.tiled import TiledProposer, in_tiles
from proposals.union import UnionProposer

WIDTH, HEIGHT = 400, 200
LEFT, RIGHT = (0, 0, 250, 200), (150, 0, 400, 200)  # they share 150..250
Planted = Sequence[tuple[tuple[float, float, float, float], float]]
"""Boxes xyxy in pixels of the view, each with its objectness."""


@dataclass
class View:
    """Features of one view, with the boxes that are to be found in it."""

    planted: Planted
    frame_size: tuple[int, int] = (HEIGHT, 250)
    grid: tuple[int, int] = (1, 1)
    tokens: torch.Tensor = field(default_factory=lambda: torch.zeros(1, 3))


@dataclass
class Frame(View):
    frame_size: tuple[int, int] = (HEIGHT, WIDTH)
    tiles: list[View] = field(default_factory=list)
    windows: NDArray[np.int64] = field(default_factory=lambda: np.array([LEFT, RIGHT]))


class Finder(Proposer):
    """Finds what is planted in a view, and notes how large the picture is that it gets."""

    has_objectness = True
    works_in_tiles = True

    def __init__(self) -> None:
        self.seen: list[tuple[int, ...]] = []

    def __call__(self, frame: NDArray[np.uint8], features: Features) -> Proposals:
        self.seen.append(frame.shape)
        assert isinstance(features, View)
        boxes = np.array([box for box, _ in features.planted], np.float32).reshape(-1, 4)
        return Proposals(boxes, np.array([sure for _, sure in features.planted], np.float32))


def found(whole: Planted, left: Planted, right: Planted, **options: float) -> dict[tuple[float, ...], float]:
    """What comes out, as box: objectness."""
    features = Frame(whole, tiles=[View(left), View(right)])
    assert isinstance(features, TiledFeatures)
    proposals = TiledProposer(Finder(), **options)(np.zeros((HEIGHT, WIDTH, 3), np.uint8), features)  # type: ignore[arg-type]
    assert np.all(np.diff(proposals.objectness) <= 0)
    return {
        tuple(box): round(float(sure), 4)
        for box, sure in zip(proposals.xyxy.tolist(), proposals.objectness, strict=True)
    }


def test_boxes_of_tiles_are_moved_to_the_frame() -> None:
    assert found([], [((10, 20, 30, 40), 0.5)], [((100, 20, 130, 50), 0.75)]) == {
        (250, 20, 280, 50): 0.75,
        (10, 20, 30, 40): 0.5,
    }


def test_each_view_gets_its_own_picture() -> None:
    finder = Finder()
    TiledProposer(finder)(np.zeros((HEIGHT, WIDTH, 3), np.uint8), Frame([], tiles=[View([]), View([])]))
    assert finder.seen == [(200, 400, 3), (200, 250, 3), (200, 250, 3)]


def test_what_several_views_show_comes_once_with_the_surest_box() -> None:
    same = [((180, 50, 220, 90), 0.6)]
    assert found(same, [((181, 50, 221, 90), 0.9)], [((30, 51, 70, 91), 0.7)]) == {(181, 50, 221, 90): 0.9}


def test_a_cut_box_gives_way_to_the_tile_that_shows_the_object_wholly() -> None:
    # The left tile ends at 250 and shows a third of an object that the right tile shows wholly.
    assert found([], [((230, 80, 250, 120), 0.95)], [((80, 80, 140, 120), 0.5)]) == {(230, 80, 290, 120): 0.5}


def test_a_cut_box_gives_way_to_the_whole_frames() -> None:
    assert found([((230, 80, 290, 120), 0.3)], [((230, 80, 250, 120), 0.95)], []) == {(230, 80, 290, 120): 0.3}


def test_a_cut_box_stays_where_nothing_else_covers_it() -> None:
    assert found([], [((230, 80, 250, 120), 0.9)], []) == {(230, 80, 250, 120): 0.9}
    # Another cut box does not count: each may be a half of one object.
    both = found([], [((200, 80, 250, 120), 0.9)], [((0, 80, 90, 120), 0.8)])
    assert set(both) == {(200, 80, 250, 120), (150, 80, 240, 120)}


def test_a_box_that_ends_with_the_frame_is_not_cut() -> None:
    assert found([], [((0, 0, 20, 20), 0.9)], [((240, 180, 250, 200), 0.8)], border=0.02) == {
        (0, 0, 20, 20): 0.9,
        (390, 180, 400, 200): 0.8,
    }


def test_boxes_near_an_inner_edge_are_cut_by_the_border() -> None:
    near = [((230, 80, 246, 120), 0.9)]
    whole = [((231, 20, 290, 180), 0.3)]
    assert len(found(whole, near, [], border=0.0)) == 2
    assert found(whole, near, [], border=0.02) == {(231, 20, 290, 180): 0.3}


def test_parts_of_a_large_object_lose_against_the_whole_frames_box() -> None:
    large = ((20, 20, 380, 180), 0.4)
    parts = found([large], [((24, 22, 244, 178), 0.9)], [((5, 25, 225, 175), 0.95)])
    assert parts == {(20, 20, 380, 180): 0.4}


def test_small_objects_before_a_large_one_stay() -> None:
    large = ((20, 20, 380, 180), 0.4)
    assert found([large], [((60, 60, 90, 100), 0.9)], []) == {(60, 60, 90, 100): 0.9, large[0]: 0.4}


def test_an_object_that_a_tile_shows_wholly_is_no_part() -> None:
    """The tile's sharper box wins over the whole frame's loose one, which reaches a little out of the tile."""
    loose, sharp = ((90, 40, 251, 160), 0.5), ((100, 45, 245, 155), 0.9)
    assert found([loose], [sharp], []) == {sharp[0]: 0.9}


def test_the_best_are_left() -> None:
    many: Planted = [((x, 10, x + 8, 18), 0.2 + x / 1000) for x in range(10, 200, 10)]
    assert list(found([], many, [], max_proposals=3)) == [
        (190, 10, 198, 18),
        (180, 10, 188, 18),
        (170, 10, 178, 18),
    ]


def test_unusable_boxes_do_not_come_out() -> None:
    assert found([((np.nan, 0, 5, 5), 0.9)], [((5, 5, 5, 9), 0.9)], [((9, 9, 3, 3), 0.9)]) == {}


def test_features_without_tiles_are_the_proposers_own() -> None:
    proposals = TiledProposer(Finder())(np.zeros((HEIGHT, WIDTH, 3), np.uint8), View([((0, 0, 9, 9), 0.5)]))
    assert proposals.xyxy.tolist() == [[0, 0, 9, 9]]
    none = Frame([((0, 0, 9, 9), 0.5)], windows=np.zeros((0, 4), np.int64))
    assert len(TiledProposer(Finder())(np.zeros((HEIGHT, WIDTH, 3), np.uint8), none)) == 1


class Remembering(Finder):
    has_memory = True


def test_a_proposer_with_memory_is_refused() -> None:
    with pytest.raises(ValueError, match="without memory"):
        TiledProposer(Remembering())


def test_only_those_that_know_objects_by_their_looks_go_over_tiles() -> None:
    grid = GridProposer()
    assert in_tiles(grid, 50) is grid
    assert isinstance(in_tiles(Finder(), 50), TiledProposer)
    finder = Finder()
    union = in_tiles(UnionProposer(finder, GridProposer(max_proposals=1), iou=0.9, max_proposals=7), 50)
    assert isinstance(union, UnionProposer)
    frame = Frame([], tiles=[View([((10, 10, 30, 30), 0.9)]), View([])])
    proposals = union(np.zeros((HEIGHT, WIDTH, 3), np.uint8), frame)
    assert proposals.xyxy.tolist() == [[10, 10, 30, 30], [0, 0, 400, 200]]  # the grid saw the whole frame only
    assert len(finder.seen) == 3
    assert not union.has_objectness
    assert TiledProposer(Finder()).has_objectness


def test_one_that_looks_now_and_then_goes_over_tiles_when_it_does() -> None:
    finder = Finder()
    proposer = in_tiles(EveryProposer(finder, every=2), 50)
    frame = Frame([], tiles=[View([((10, 10, 30, 30), 0.9)]), View([])])
    counts = [len(proposer(np.zeros((HEIGHT, WIDTH, 3), np.uint8), frame)) for _ in range(3)]
    assert counts == [1, 0, 1]
    assert len(finder.seen) == 6  # the frame and two tiles, twice


spots = st.tuples(st.integers(0, 380), st.integers(0, 180))


@settings(max_examples=60, deadline=None)
@given(st.lists(spots, max_size=8), st.booleans())
def test_small_objects_that_every_view_finds_come_out_once(places: list[tuple[int, int]], in_whole: bool) -> None:
    """Objects of 20 pixels that do not touch: each is in a tile wholly, so no piece and no double is left."""
    objects = [(x, y, x + 20, y + 20) for x, y in places]
    objects = [box for i, box in enumerate(objects) if all(_apart(box, other) for other in objects[:i])]
    views: list[Planted] = []
    for x1, y1, x2, y2 in (LEFT, RIGHT):
        pieces = [(max(a, x1), max(b, y1), min(c, x2), min(d, y2)) for a, b, c, d in objects]
        views.append([((a - x1, b, c - x1, d), 0.5) for a, b, c, d in pieces if c - a > 2])
    whole: Planted = [(box, 0.4) for box in objects] if in_whole else []
    assert set(found(whole, *views)) == set(objects)


def _apart(first: tuple[int, ...], second: tuple[int, ...]) -> bool:
    return first[2] < second[0] or second[2] < first[0] or first[3] < second[1] or second[3] < first[1]
