"""Outlines and spots on pictures with known shapes."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torchvision.ops import box_iou

from proposals.base import Features
from proposals.edges import EdgeProposer, Method

FEATURES: Features = None  # type: ignore[assignment]  # the tower is never asked
METHODS: tuple[Method, ...] = ("edges", "mser")
SHAPES = {"large": (40, 30, 200, 150), "small": (240, 60, 300, 100), "tall": (330, 20, 360, 170)}


def picture(scale: int = 1, noise: float = 4.0) -> NDArray[np.uint8]:
    """Three plain shapes before a plain wall, `(200, 400, 3)` times a scale."""
    frame = np.full((200, 400, 3), 120.0)
    for shade, (x1, y1, x2, y2) in zip((30, 220, 60), SHAPES.values(), strict=True):
        frame[y1:y2, x1:x2] = shade
    frame += np.random.default_rng(0).normal(0, noise, frame.shape)
    return np.kron(np.clip(frame, 0, 255), np.ones((scale, scale, 1))).astype(np.uint8)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("scale", [1, 4])
def test_plain_shapes_are_enclosed_and_come_first(method: Method, scale: int) -> None:
    found = EdgeProposer(method=method, max_proposals=20)(picture(scale), FEATURES)
    truth = torch.tensor(list(SHAPES.values())).float() * scale  # (3, 4)
    ious = box_iou(torch.from_numpy(found.xyxy), truth)  # (N, 3)
    assert (ious.max(dim=0).values > 0.85).all()
    assert ious[0].max() > 0.8


def test_a_thing_of_another_colour_and_the_same_brightness_is_a_spot() -> None:
    frame = np.full((120, 160, 3), (128, 128, 128), np.uint8)
    frame[40:80, 50:110] = (200, 130, 89)  # as bright as the wall
    found = EdgeProposer(method="mser")(frame, FEATURES)
    assert box_iou(torch.from_numpy(found.xyxy), torch.tensor([[50.0, 40, 110, 80]])).max() > 0.85


@pytest.mark.parametrize("method", METHODS)
def test_a_plain_wall_has_nothing(method: Method) -> None:
    found = EdgeProposer(method=method)(np.full((90, 160, 3), 77, np.uint8), FEATURES)
    assert found.xyxy.shape == (0, 4)
    assert found.objectness.shape == (0,)
    assert found.xyxy.dtype == found.objectness.dtype == np.float32


@pytest.mark.parametrize("method", METHODS)
def test_near_repeats_are_gone_and_small_ones_with_them(method: Method) -> None:
    frame = picture(noise=25.0)
    boxes = torch.from_numpy(EdgeProposer(method=method, nms_iou=0.5)(frame, FEATURES).xyxy)
    ious = box_iou(boxes, boxes).fill_diagonal_(0)
    assert len(boxes) >= 3
    assert ious.max() <= 0.5
    large = EdgeProposer(method=method, min_area=0.05)(frame, FEATURES).xyxy
    assert 0 < len(large) < len(boxes)
    assert ((large[:, 2:] - large[:, :2]).prod(axis=1) >= 0.05 * 200 * 400 * 0.99).all()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 100), st.integers(1, 100), st.sampled_from(METHODS), st.integers(1, 8))
def test_boxes_lie_inside_the_frame_best_first(seed: int, height: int, width: int, method: Method, most: int) -> None:
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (-(-height // 9), -(-width // 9), 3))
    frame = np.kron(coarse, np.ones((9, 9, 1)))[:height, :width].astype(np.uint8)
    found = EdgeProposer(method=method, max_proposals=most, side=64)(frame, FEATURES)
    assert len(found) <= most
    assert np.isfinite(found.xyxy).all()
    assert (found.xyxy >= 0).all()
    assert (found.xyxy[:, 2:] <= [width, height]).all()
    assert (found.xyxy[:, 2:] > found.xyxy[:, :2]).all()
    assert (np.diff(found.objectness) <= 0).all()
    assert ((found.objectness >= 0) & (found.objectness <= 1)).all()


def test_it_remembers_nothing() -> None:
    proposer = EdgeProposer()
    first = proposer(picture(), FEATURES)
    proposer(picture(2), FEATURES)
    np.testing.assert_array_equal(proposer(picture(), FEATURES).xyxy, first.xyxy)
    assert not proposer.has_memory
    assert not proposer.has_objectness


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"method": "canny"}, "one of edges, mser, got 'canny'"),
        ({"max_proposals": 0}, "max_proposals of at least 1, got 0"),
        ({"side": 8}, "side of at least 16"),
        ({"min_area": 2.0}, r"min_area in 0\.\.1"),
        ({"nms_iou": -0.5}, r"nms_iou in 0\.\.1"),
    ],
)
def test_settings_out_of_range_are_refused(setting: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        EdgeProposer(**setting)  # type: ignore[arg-type]
