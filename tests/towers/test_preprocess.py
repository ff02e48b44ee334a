"""Pre-processing against the official slow processor (Pillow), and the grid rule's own promises."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from safetensors.torch import load_file

from regionclip.towers.preprocess import (
    BUDGETS,
    budget_grid,
    dynamic_budget,
    grid_for,
    patchify,
    resize_exact,
    resize_frame,
)

GOLDEN = Path(__file__).parents[1] / "golden"
SIDES = st.integers(1, 5000)
GREY_LEVEL = 2 / 255 + 1e-6  # one grey level after (x / 255 - 0.5) / 0.5


@pytest.fixture(scope="module")
def golden() -> dict[str, torch.Tensor]:
    return load_file(GOLDEN / "fgclip2_preprocess.safetensors")


@pytest.mark.parametrize("image", [0, 1, 2])
@pytest.mark.parametrize("budget", [128, 256])
def test_patches_are_those_of_the_official_processor(golden: dict[str, torch.Tensor], image: int, budget: int) -> None:
    frame = np.ascontiguousarray(golden[f"in.image{image}"].numpy()[..., ::-1])  # (H, W, 3) BGR
    grid = grid_for((frame.shape[0], frame.shape[1]), 16, budget)
    pixels = (grid[0] * 16, grid[1] * 16)
    exact, patches = (patchify(resize(frame, pixels), 16) for resize in (resize_exact, resize_frame))  # (h*w, 768)
    assert grid == tuple(golden[f"out.image{image}.spatial_shapes_{budget}"].tolist())
    assert int(golden[f"out.image{image}.pixel_attention_mask_{budget}"].sum()) == len(patches)
    official = golden[f"out.image{image}.pixel_values_{budget}"][: len(patches)]
    assert torch.allclose(exact, official, atol=1e-6)
    off = (patches - official).abs()
    assert float(off.max()) <= GREY_LEVEL
    assert float((off > 1e-6).float().mean()) <= 0.02


def test_grid_rule_table(golden: dict[str, torch.Tensor]) -> None:
    rows = golden["out.size_rule"].tolist()
    assert len(rows) == 224
    for height, width, budget, h, w in rows:
        assert grid_for((height, width), 16, budget) == (h, w), (height, width, budget)


def test_dynamic_budget_table(golden: dict[str, torch.Tensor]) -> None:
    for height, width, budget in golden["out.dynamic_bucket"].tolist():
        assert dynamic_budget((height, width), 16) == budget, (height, width)


@settings(deadline=None)
@given(SIDES, SIDES, st.sampled_from((14, 16)), st.sampled_from(BUDGETS))
def test_a_grid_fills_its_budget_and_keeps_the_shape(height: int, width: int, patch: int, budget: int) -> None:
    h, w = grid_for((height, width), patch, budget)
    assert 1 <= h * w <= budget
    # One more row and column would break the budget, else the scale was not the largest.
    assert (h + 1) * (w + 1) > budget or max(height, width) * 100 <= max(h, w) * patch
    assert budget_grid((height, width), patch, budget) == (h, w)


@pytest.mark.parametrize("patch", [14, 16])
def test_patch_order_is_row_column_channel(patch: int) -> None:
    image = torch.arange(3 * 2 * patch * 3 * patch).reshape(3, 2 * patch, 3 * patch).remainder(251).to(torch.uint8)
    patches = patchify(image, patch)  # (6, 3*patch*patch)
    assert patches.shape == (6, 3 * patch * patch)
    row, column, y, x, channel = 1, 2, 3, 5, 1
    value = float(image[channel, row * patch + y, column * patch + x])
    assert float(patches[row * 3 + column, (y * patch + x) * 3 + channel]) == pytest.approx(value / 127.5 - 1, abs=1e-6)


@pytest.mark.parametrize("size", [(14, 28), (70, 42), (300, 500)])
def test_resize_is_pillow_to_one_grey_level(size: tuple[int, int]) -> None:
    frame = np.random.default_rng(0).integers(0, 256, (131, 97, 3), dtype=np.uint8)
    ours = resize_frame(frame, size).permute(1, 2, 0).numpy()  # (rows, columns, 3) RGB
    exact = resize_exact(frame, size).permute(1, 2, 0).numpy()
    pillow = np.asarray(Image.fromarray(frame[..., ::-1]).resize(size[::-1], Image.Resampling.BILINEAR))
    assert int(np.abs(ours.astype(int) - pillow.astype(int)).max()) <= 1
    assert np.array_equal(exact, pillow)


def test_read_only_and_flipped_frames_give_the_same_pixels() -> None:
    frame = np.random.default_rng(1).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    frozen = frame.copy()
    frozen.flags.writeable = False
    for resize in (resize_frame, resize_exact):
        expected = resize(frame, (32, 32))
        assert torch.equal(resize(frozen, (32, 32)), expected)
        assert torch.equal(resize(frame[::-1].copy()[::-1], (32, 32)), expected)
