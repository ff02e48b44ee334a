"""RoIAlign against torchvision, boxes to cells, and what becomes of boxes that are none."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.ops import roi_align as reference

from heads.pool import clip_to_frame, roi_align, to_cells

# Largest float32 difference allowed, as a share of the features' scale (their largest value).
FLOAT32 = 1e-5
FLOAT64 = 1e-12


def torchvision_vectors(tokens: torch.Tensor, grid: tuple[int, int], boxes: torch.Tensor) -> torch.Tensor:
    maps = tokens.T.reshape(1, -1, *grid).contiguous()  # (1, D, h, w)
    return reference(maps, [boxes], 1, 1.0, -1, True).flatten(1)  # (N, D)


def random_tokens(grid: tuple[int, int], dtype: torch.dtype, seed: int = 0, channels: int = 5) -> torch.Tensor:
    return torch.randn(grid[0] * grid[1], channels, dtype=dtype, generator=torch.Generator().manual_seed(seed))


def random_boxes(grid: tuple[int, int], count: int, dtype: torch.dtype, seed: int) -> torch.Tensor:
    """Inside and over the edges; sides from a hundredth of the map to three maps; some on the lattice."""
    draw = torch.Generator().manual_seed(seed)
    size = torch.tensor([grid[1], grid[0]], dtype=dtype)
    centre = (torch.rand(count, 2, dtype=dtype, generator=draw) * 1.6 - 0.3) * size
    side = torch.exp(torch.rand(count, 2, dtype=dtype, generator=draw) * 5.7 - 4.6) * size
    boxes = torch.cat([centre - side / 2, centre + side / 2], dim=1)  # (N, 4)
    kind = torch.randint(0, 4, (count, 1), generator=draw)
    return torch.where(kind == 0, boxes.round(), torch.where(kind == 1, (boxes * 2).round() / 2, boxes))


def largest_difference(dtype: torch.dtype, count: int, per_map: int = 500) -> float:
    worst = 0.0
    for seed in range(count // per_map):
        draw = torch.Generator().manual_seed(1000 + seed)
        grid = (int(torch.randint(1, 65, (), generator=draw)), int(torch.randint(1, 65, (), generator=draw)))
        tokens = random_tokens(grid, dtype, seed)
        boxes = random_boxes(grid, per_map, dtype, seed)
        difference = roi_align(tokens, grid, boxes) - torchvision_vectors(tokens, grid, boxes)
        worst = max(worst, float(difference.abs().max() / tokens.abs().max()))
    return worst


@pytest.mark.parametrize(("dtype", "limit"), [(torch.float32, FLOAT32), (torch.float64, FLOAT64)])
def test_twenty_thousand_boxes_pool_as_in_torchvision(dtype: torch.dtype, limit: float) -> None:
    worst = largest_difference(dtype, 20_000)
    print(f"RoIAlign against torchvision, 20000 boxes on 40 maps, {dtype}: {worst:.1e} of the feature scale")
    assert worst <= limit


def test_a_whole_map_is_the_mean_and_a_box_in_one_cell_is_its_token() -> None:
    tokens = random_tokens((6, 9), torch.float64)
    pooled = roi_align(tokens, (6, 9), torch.tensor([[0, 0, 9, 6], [4, 2, 5, 3]], dtype=torch.float64))
    torch.testing.assert_close(pooled[0], tokens.mean(dim=0), rtol=0, atol=1e-14)
    assert torch.equal(pooled[1], tokens[2 * 9 + 4])


@pytest.mark.parametrize(
    "box",
    [
        [3.0, 3.0, 3.0, 5.0],  # no width
        [3.0, 3.0, 5.0, 3.0],  # no height
        [5.0, 5.0, 3.0, 3.0],  # inverted
        [5.0, 3.0, 3.0, 5.0],  # inverted on one axis: torchvision asks for memory of negative size
        [-9.0, 1.0, -4.0, 5.0],  # left of the map
        [20.0, 20.0, 25.0, 25.0],  # right and below
        [float("nan"), 1.0, 2.0, 3.0],
        [0.0, 0.0, float("inf"), 3.0],
        [-float("inf"), 0.0, float("inf"), 3.0],
    ],
)
def test_boxes_that_hold_nothing_pool_to_exact_zeros(box: list[float]) -> None:
    pooled = roi_align(random_tokens((7, 8), torch.float32), (7, 8), torch.tensor([box, [1.0, 1.0, 4.0, 4.0]]))
    assert torch.equal(pooled[0], torch.zeros(5))
    assert bool((pooled[1] != 0).all())


def test_a_box_of_four_thousand_cells_is_exact_and_one_of_a_million_is_cheap() -> None:
    tokens = random_tokens((6, 5), torch.float64)
    long = torch.tensor([[-2000.3, 1.0, 2000.7, 4.0], [1.0, -1500.0, 4.0, 2500.1]], dtype=torch.float64)
    torch.testing.assert_close(
        roi_align(tokens, (6, 5), long), torchvision_vectors(tokens, (6, 5), long), rtol=0, atol=FLOAT64
    )
    # A million samples on each axis, a cell apart: one on each cell, one just outside of either end, which reads
    # the end's cell, and the rest out of reach.
    huge = torch.tensor([[-5e5, -5e5, 5e5, 5e5]], dtype=torch.float64).expand(500, 4)
    pooled = roi_align(tokens, (6, 5), huge)  # (500, D)
    down, across = torch.tensor([2, 1, 1, 1, 1, 2]) / 1e6, torch.tensor([2, 1, 1, 1, 2]) / 1e6
    expected = (down.double()[:, None] * across.double()).flatten() @ tokens  # (D,)
    torch.testing.assert_close(pooled, expected.expand(500, -1), rtol=1e-6, atol=0)


@pytest.mark.parametrize(("grid", "channels"), [((7, 7), 64), ((13, 9), 33), ((16, 16), 768), ((1, 1), 1)])
def test_a_vector_has_the_same_bits_in_any_company(grid: tuple[int, int], channels: int) -> None:
    tokens = random_tokens(grid, torch.float32, channels=channels)
    boxes = random_boxes(grid, 300, torch.float32, seed=3)
    boxes[17] = torch.tensor([-1e5, -1e5, 1e5, 1e5])  # the longest row of samples, absent in the parts below
    together = roi_align(tokens, grid, boxes)
    for part in (slice(0, 1), slice(5, 6), slice(3, 20), slice(40, 140), slice(63, 65), slice(299, 300)):
        assert torch.equal(roi_align(tokens, grid, boxes[part]), together[part])
    mixed = torch.randperm(300, generator=torch.Generator().manual_seed(1))
    assert torch.equal(roi_align(tokens, grid, boxes[mixed]), together[mixed])


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_tokens_are_pooled_in_float32(dtype: torch.dtype) -> None:
    tokens = random_tokens((8, 8), torch.float32).to(dtype)
    boxes = random_boxes((8, 8), 20, torch.float32, seed=1)
    pooled = roi_align(tokens, (8, 8), boxes)
    assert pooled.dtype == torch.float32
    assert torch.equal(pooled, roi_align(tokens.float(), (8, 8), boxes))


def test_gradients_are_those_of_torchvision() -> None:
    tokens = random_tokens((5, 7), torch.float64).requires_grad_()
    boxes = random_boxes((5, 7), 30, torch.float64, seed=2)
    weight = random_tokens((1, 30), torch.float64, seed=4)  # (30, D)
    (ours,) = torch.autograd.grad((roi_align(tokens, (5, 7), boxes) * weight).sum(), tokens)
    (theirs,) = torch.autograd.grad((torchvision_vectors(tokens, (5, 7), boxes) * weight).sum(), tokens)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-13)


def test_no_boxes_give_no_vectors_of_the_right_width() -> None:
    tokens = random_tokens((4, 4), torch.bfloat16)
    pooled = roi_align(tokens, (4, 4), torch.zeros(0, 4))
    assert pooled.shape == (0, 5)
    assert pooled.dtype == torch.float32
    clipped, valid = clip_to_frame(torch.zeros(0, 4), (10, 20))
    assert clipped.shape == (0, 4)
    assert valid.shape == (0,)
    assert valid.dtype == torch.bool
    assert to_cells(clipped, (10, 20), (3, 4)).shape == (0, 4)


def test_wrong_shapes_are_named() -> None:
    with pytest.raises(ValueError, match=r"expected tokens of shape \(12, D\) for a grid of 3 x 4, got \(11, 5\)"):
        roi_align(torch.zeros(11, 5), (3, 4), torch.zeros(1, 4))
    with pytest.raises(ValueError, match=r"boxes: expected shape \(N, 4\), got \(4,\)"):
        roi_align(torch.zeros(12, 5), (3, 4), torch.zeros(4))


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 9000), st.integers(1, 9000), st.integers(1, 64), st.integers(1, 64))
def test_a_whole_frame_is_the_whole_grid_to_the_last_bit(height: int, width: int, rows: int, columns: int) -> None:
    frame = torch.tensor([[0.0, 0.0, width, height]])
    cells = to_cells(frame, (height, width), (rows, columns))
    assert torch.equal(cells, torch.tensor([[0.0, 0.0, columns, rows]]))


def test_cells_are_scaled_for_each_axis_and_not_clipped() -> None:
    cells = to_cells(torch.tensor([[-10.0, 50.0, 300.0, 25.0]]), (100, 200), (4, 20))
    assert cells.dtype == torch.float32
    assert torch.equal(cells, torch.tensor([[-1.0, 2.0, 30.0, 1.0]]))


def test_boxes_are_clipped_kept_in_order_and_flagged() -> None:
    nan, inf = float("nan"), float("inf")
    boxes = torch.tensor(
        [
            [-5.0, 2.0, 50.0, 99.0],  # hangs over three edges
            [nan, 0.0, 5.0, 5.0],
            [1.0, 1.0, 4.0, 4.0],  # inside
            [4.0, 4.0, 1.0, 1.0],  # inverted
            [0.0, 0.0, inf, 5.0],
            [40.0, 1.0, 45.0, 5.0],  # outside
            [40.0, 1.0, 39.0, 5.0],  # outside and inverted
            [3.0, 3.0, 3.0, 5.0],  # no width
            [3.0, 3.0, 3.001, 5.0],  # too thin to survive float32
        ]
    )
    clipped, valid = clip_to_frame(boxes, (20, 30))
    assert valid.tolist() == [True, False, True, False, False, False, False, False, False]
    assert clipped[0].tolist() == [0.0, 2.0, 30.0, 20.0]
    assert torch.equal(clipped[2], boxes[2])
    assert torch.equal(clipped[~valid], torch.zeros(7, 4))


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.floats(-2e4, 2e4, width=32) | st.just(float("nan")), min_size=4, max_size=4),
    st.integers(1, 8000),
    st.integers(1, 8000),
    st.integers(1, 64),
)
def test_every_valid_box_pools_to_something(corners: list[float], height: int, width: int, cells: int) -> None:
    clipped, valid = clip_to_frame(torch.tensor([corners]), (height, width))
    pooled = roi_align(torch.ones(cells * cells, 1), (cells, cells), to_cells(clipped, (height, width), (cells, cells)))
    # All weights of a box inside the frame sum to one; that of an invalid box to nothing.
    assert float(pooled) == pytest.approx(float(valid), abs=1e-5)
