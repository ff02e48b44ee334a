import dataclasses
from collections.abc import Sequence

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from toy import CELL, ToyTower, planted

from regionclip.config import Config
from regionclip.timing import Timings
from regionclip.towers.base import Frame, ImageFeatures, TokenGrid
from regionclip.towers.checkpoints.hub import TINY_WEIGHTS
from regionclip.towers.preprocess import budget_grid
from regionclip.towers.tiles import (
    CONTEXT,
    MARGIN,
    MOST_TILES,
    SHRINK,
    WHOLE,
    CloseFeatures,
    Closeness,
    auto_tiles,
    choose_views,
    crop_window,
    look_closely,
    tile_windows,
)
from regionclip.towers.tiny.tower import TinyTower


class BudgetTower(ToyTower):
    """The toy with a patch budget, so that a tile shows more than the frame; writes down what it is given at once."""

    def __init__(self, budget: int = 64, placement: str = "cpu, float32") -> None:
        super().__init__()
        self.card = dataclasses.replace(self.card, budget=budget, budgets=(budget,))
        self.given: list[int] = []
        self._placement = placement

    @property
    def placement(self) -> str:
        return self._placement

    def encode_image(self, frames: Sequence[Frame]) -> list[ImageFeatures]:
        self.given.append(len(frames))
        return super().encode_image(frames)

    def _encode(self, frame: Frame) -> TokenGrid:
        self.passes += 1
        grid = budget_grid((frame.shape[0], frame.shape[1]), CELL, self.card.budget)
        small = cv2.resize(frame, grid[::-1], interpolation=cv2.INTER_AREA)  # (h, w, 3) BGR
        return TokenGrid(torch.from_numpy(small[:, :, ::-1].reshape(-1, 3) / 127.5 - 1).float(), grid)


def noise(height: int, width: int) -> Frame:
    return np.random.default_rng(3).integers(0, 256, (height, width, 3), dtype=np.uint8)


def close(tower: ToyTower | TinyTower, frame: Frame, closeness: Closeness) -> CloseFeatures:
    features = look_closely(tower.encode_image([frame])[0], tower, closeness)
    assert isinstance(features, CloseFeatures)
    return features


def array(*boxes: Sequence[float]) -> NDArray[np.float32]:
    return np.array(boxes, np.float32).reshape(-1, 4)


def test_no_boxes_no_pass() -> None:
    tower = BudgetTower()
    features = close(tower, noise(480, 640), Closeness((2, 2), max_crops=9))
    embeddings, valid = features.pool(array())
    assert embeddings.shape == (0, 3)
    assert (valid.shape, valid.dtype) == ((0,), torch.bool)
    embeddings, valid = features.pool(array([5, 5, 5, 5], [np.nan, 0, 9, 9], [-9, -9, -1, -1]))
    assert embeddings.tolist() == [[0.0] * 3] * 3
    assert valid.tolist() == [False] * 3
    assert tower.passes == features.passes == 0


def test_only_tiles_that_hold_a_box_are_encoded() -> None:
    tower = BudgetTower()
    features = close(tower, noise(480, 640), Closeness((3, 2)))
    features.pool(array([20, 20, 60, 60], [30, 10, 50, 40]))
    assert tower.passes == features.passes == 1
    features.pool(array([20, 20, 60, 60], [580, 430, 630, 470]))
    assert features.passes == 2
    features.pool(array([0, 0, 640, 480]))
    assert features.passes == 3
    assert len(features.tiles) == 6
    _ = [tile.tokens for tile in features.tiles]
    assert tower.passes == features.passes == 7  # each once


def test_a_box_is_pooled_from_its_tile_as_from_a_frame_of_its_own() -> None:
    frame, tower = noise(480, 640), BudgetTower()
    features = close(tower, frame, Closeness((3, 2)))
    box = array([300, 300, 340, 360])
    number = int(choose_views(box, features.windows, (480, 640), lambda: (1, 1))[0])
    x1, y1, x2, y2 = features.windows[number].tolist()
    alone = tower.encode_image([frame[y1:y2, x1:x2].copy()])[0].pool(box - np.array([x1, y1, x1, y1], np.float32))
    assert torch.equal(features.pool(box)[0], alone[0])
    assert not torch.allclose(features.pool(box)[0], tower.encode_image([frame])[0].pool(box)[0], atol=1e-2)


def test_tiles_in_step_with_the_cells_pool_what_the_frame_does() -> None:
    """The toy's cells are 16 pixels everywhere, so a tile that starts on a cell shows the very same cells."""
    frame, tower = noise(256, 384), ToyTower()
    boxes = array([40, 40, 90, 70], [230, 40, 330, 80], [230, 170, 300, 200])
    features = close(tower, frame, Closeness((2, 2), overlap=0))
    assert features.windows.tolist() == [
        [0, 0, 192, 128],
        [192, 0, 384, 128],
        [0, 128, 192, 256],
        [192, 128, 384, 256],
    ]
    assert torch.allclose(features.pool(boxes)[0], tower.encode_image([frame])[0].pool(boxes)[0], atol=1e-6)
    assert features.passes == 3
    assert features.passes < tower.passes


def test_what_is_asked_of_the_frame_is_that_of_the_whole_frame() -> None:
    frame, tower = noise(480, 640), BudgetTower()
    features, plain = close(tower, frame, Closeness((2, 2))), tower.encode_image([frame])[0]
    assert torch.equal(features.tokens, plain.tokens)
    assert torch.equal(features.dense, plain.dense)
    assert torch.equal(features.embedding, plain.embedding)
    assert (features.grid, features.frame_size, features.card) == (plain.grid, plain.frame_size, plain.card)
    assert features.frame is frame
    assert features.passes == 1
    with Timings() as timings:
        features.pool(array([20, 20, 60, 60]))
    assert timings["encode"] > 0  # that of the tile counts


def test_without_tiles_and_crops_nothing_is_put_around() -> None:
    tower = BudgetTower()
    whole = tower.encode_image([noise(48, 64)])[0]
    assert look_closely(whole, tower, Closeness()) is whole
    assert len(close(tower, noise(48, 64), Closeness("auto")).windows) == 0


frames = st.tuples(st.integers(1, 3000), st.integers(1, 3000))
counts = st.tuples(st.integers(1, 7), st.integers(1, 7))


@settings(deadline=None)
@given(frames, counts, st.floats(0, 0.9))
def test_tiles_cover_the_frame(size: tuple[int, int], tiles: tuple[int, int], overlap: float) -> None:
    windows = tile_windows(size, tiles, overlap)
    assert len(windows) <= tiles[0] * tiles[1]
    assert len(windows) != 1
    if len(windows) == 0:
        return
    (height, width), sides = size, windows[:, 2:] - windows[:, :2]
    assert (sides == sides[0]).all()
    assert windows.min() == 0
    assert (windows[:, 2:].max(axis=0) == [width, height]).all()
    for axis, length in ((0, width), (1, height)):
        starts, side = np.unique(windows[:, axis]), sides[0, axis]
        gaps = np.diff(starts)
        assert (gaps <= side).all()
        if side < length:
            assert (side - gaps >= np.floor(overlap * side) - 2).all()  # starts are rounded to pixels


def inside(size: tuple[int, int]) -> st.SearchStrategy[tuple[float, ...]]:
    height, width = size
    xs, ys = (st.floats(0, side, width=32) for side in (width, height))
    corners = st.tuples(st.tuples(xs, xs).map(sorted), st.tuples(ys, ys).map(sorted))
    boxes = corners.map(lambda c: (c[0][0], c[1][0], c[0][1], c[1][1]))
    return boxes.filter(lambda c: c[2] - c[0] > 0.5 and c[3] - c[1] > 0.5)


@settings(max_examples=80, deadline=None)
@given(counts, st.floats(0, 0.8), st.lists(inside((300, 400)), min_size=1, max_size=5))
def test_the_chosen_view_shows_the_box_best(
    tiles: tuple[int, int], overlap: float, boxes: list[tuple[float, ...]]
) -> None:
    windows = tile_windows((300, 400), tiles, overlap)
    views = choose_views(array(*boxes), windows, (300, 400), lambda: (9, 12))
    for box, view in zip(boxes, views.tolist(), strict=True):
        assert choose_views(array(box), windows, (300, 400), lambda: (9, 12)).tolist() == [view]  # not by the others
        holding = [number for number, window in enumerate(windows.tolist()) if holds(window, box)]
        if holding:
            assert view in holding
            assert away(windows[view], box) <= min(away(windows[number], box) for number in holding) + 1e-6
        elif view != WHOLE:
            shown = [share(window, box) for window in windows.tolist()]
            assert shown[view] == max(shown) >= 0.75 - 1e-6
            assert (box[2] - box[0]) * (box[3] - box[1]) < 300 * 400 / (9 * 12)


def holds(window: Sequence[float], box: Sequence[float]) -> bool:
    free = MARGIN * max(box[2] - box[0], box[3] - box[1])
    return all(
        low - start >= (0 if start == 0 else free) and end - high >= (0 if end == limit else free)
        for start, end, low, high, limit in (
            (window[0], window[2], box[0], box[2], 400),
            (window[1], window[3], box[1], box[3], 300),
        )
    )


def away(window: NDArray[np.int64], box: Sequence[float]) -> float:
    x, y = (window[0] + window[2] - box[0] - box[2]) / 2, (window[1] + window[3] - box[1] - box[3]) / 2
    return float(x**2 + y**2)


def share(window: Sequence[float], box: Sequence[float]) -> float:
    wide = max(0.0, min(window[2], box[2]) - max(window[0], box[0]))
    high = max(0.0, min(window[3], box[3]) - max(window[1], box[1]))
    return wide * high / ((box[2] - box[0]) * (box[3] - box[1]))


def test_boxes_that_no_tile_contains() -> None:
    windows = tile_windows((300, 400), (2, 1), 0)  # they meet at x = 200

    def view(box: Sequence[float]) -> int:
        return int(choose_views(array(box), windows, (300, 400), lambda: (3, 4))[0])  # cells of 100 pixels

    assert view([150, 100, 260, 250]) == WHOLE  # over a cell
    assert view([150, 100, 210, 150]) == 0  # under a cell, shown for the most part on the left
    assert view([190, 100, 250, 150]) == 1
    assert view([180, 100, 220, 150]) == WHOLE  # both show half of it


def test_the_whole_frame_is_not_asked_for_boxes_in_tiles() -> None:
    def grid() -> tuple[int, int]:
        raise AssertionError

    windows = tile_windows((300, 400), (2, 2), 0.25)
    assert choose_views(array([10, 10, 30, 30]), windows, (300, 400), grid).tolist() == [0]
    assert choose_views(array(), windows, (300, 400), grid).tolist() == []


@settings(max_examples=25, deadline=None)
@given(st.lists(inside((300, 400)), min_size=1, max_size=6), st.integers(0, 3))
def test_an_embedding_hangs_on_its_own_box_only(boxes: list[tuple[float, ...]], at: int) -> None:
    frame, closeness = noise(300, 400), Closeness((3, 2), max_crops=10)
    tower = BudgetTower(24)
    together = close(tower, frame, closeness).pool(array(*boxes))[0]
    row = at % len(boxes)
    assert torch.equal(together[row : row + 1], close(tower, frame, closeness).pool(array(boxes[row]))[0])


def test_the_embedded_tower_gives_a_box_the_same_bits_in_any_company() -> None:
    tower = TinyTower.load(TINY_WEIGHTS, Config(tower="tiny", dtype="float32", budget=128), torch.device("cpu"))
    frame, closeness = noise(300, 400), Closeness((2, 2), max_crops=3)
    boxes = array([10, 10, 22, 20], [300, 20, 380, 90], [150, 100, 250, 200], [390, 290, 399, 299])
    together = close(tower, frame, closeness).pool(boxes)[0]
    for row, box in enumerate(boxes):
        assert torch.equal(together[row : row + 1], close(tower, frame, closeness).pool(array(box))[0])


def test_a_crop_shows_what_is_lost_in_a_cell() -> None:
    frame, tower = planted(512, 512, red=(201, 200, 209, 208)), BudgetTower(64)  # cells of 64 pixels
    box = array([201, 200, 209, 208])
    red = tower.encode_text(["red"], "region")[0]
    plain = tower.encode_image([frame])[0].pool(box)[0][0]
    features = close(tower, frame, Closeness(max_crops=4))
    cropped = features.pool(box)[0][0]
    assert plain @ red < 0.6
    assert cropped @ red > 0.9
    assert features.passes == 2
    x1, y1, x2, y2 = crop_window(box[0], (512, 512)).tolist()
    alone = tower.encode_image([frame[y1:y2, x1:x2].copy()])[0].pool(box - np.array([x1, y1, x1, y1], np.float32))
    assert torch.equal(cropped, alone[0][0])


def test_boxes_over_a_cell_get_no_crop_and_no_more_than_the_most_do() -> None:
    frame, tower = noise(512, 512), BudgetTower(64)
    features = close(tower, frame, Closeness(max_crops=2))
    features.pool(array([100, 100, 170, 170]))
    assert features.passes == 1
    tiny = array([10, 10, 20, 20], [50, 50, 60, 60], [90, 90, 99, 99])
    pooled = features.pool(tiny)[0]
    assert features.passes == 3
    plain = tower.encode_image([frame])[0].pool(tiny)[0]
    assert [torch.equal(a, b) for a, b in zip(pooled, plain, strict=True)] == [False, False, True]


def test_in_a_tile_a_box_may_be_large_enough_to_need_no_crop() -> None:
    features = close(BudgetTower(64), noise(512, 512), Closeness((4, 4), max_crops=2))
    features.pool(array([100, 100, 140, 140]))  # 0.6 cells of the frame, 2 of the tile
    assert features.passes == 1


@settings(deadline=None)
@given(inside((300, 400)))
def test_crops_lie_in_the_frame_around_their_box(box: tuple[float, ...]) -> None:
    x1, y1, x2, y2 = crop_window(np.array(box, np.float32), (300, 400)).tolist()
    side = CONTEXT * max(np.float32(box[2]) - np.float32(box[0]), np.float32(box[3]) - np.float32(box[1]))
    assert 0 <= x1 <= box[0]
    assert box[2] <= x2 <= 400
    assert 0 <= y1 <= box[1]
    assert box[3] <= y2 <= 300
    assert abs(x2 - x1 - min(side, 400)) < 1.01
    assert abs(y2 - y1 - min(side, 300)) < 1.01


def test_beside_a_cpu_views_are_encoded_in_full_groups() -> None:
    """So that neither the number nor the company of boxes changes the shape of what is computed."""
    frame, tower = noise(512, 512), BudgetTower(64, "cuda:0, float32")
    features = close(tower, frame, Closeness((4, 4), max_crops=100))
    features.pool(array([100, 100, 140, 140]))
    assert tower.given == [1, 8]
    features.pool(array(*([x, 10, x + 4, 14] for x in range(10, 120, 10))))  # 11 crops
    assert tower.given == [1, 8, 8, 8]
    reference = close(BudgetTower(64), frame, Closeness((4, 4), max_crops=100))
    box = array([300, 300, 304, 304])
    assert torch.equal(features.pool(box)[0], reference.pool(box)[0])


@pytest.mark.parametrize(
    ("size", "budget", "tiles"),
    [
        ((480, 640), 1200, (1, 1)),  # seen as it is
        ((300, 300), 256, (1, 1)),  # hardly shrunk
        ((1080, 1920), 1024, (4, 2)),
        ((1920, 1080), 1024, (2, 4)),
        ((1080, 1920), 256, (7, 5)),
    ],
)
def test_auto_goes_by_frame_and_tower(size: tuple[int, int], budget: int, tiles: tuple[int, int]) -> None:
    assert auto_tiles(size, BudgetTower(budget).card, 0.25) == tiles


@given(frames, st.sampled_from([128, 256, 576, 1024]))
@settings(max_examples=30, deadline=None)
def test_auto_shrinks_little_or_takes_what_it_may(size: tuple[int, int], budget: int) -> None:
    columns, rows = auto_tiles(size, BudgetTower(budget).card, 0.25)
    assert 1 <= columns * rows <= MOST_TILES
    windows = tile_windows(size, (columns, rows), 0.25)
    area = windows[0, 2:] - windows[0, :2] if len(windows) else np.array(size)
    if max(size) <= 1.5 * min(size) and max(size) < 1200:
        assert area.prod() <= SHRINK**2 * budget * CELL**2 or columns * rows > MOST_TILES // 2
