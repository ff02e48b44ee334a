"""Outlines and spots on pictures with known shapes."""

import numpy as np
import pytest
import torch
from candidates import FEATURES, best_iou
from numpy.typing import NDArray
from torchvision.ops import box_iou

from proposals.edges import EdgeProposer, Method

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
    assert best_iou(found, (50, 40, 110, 80)) > 0.85


@pytest.mark.parametrize("method", METHODS)
def test_a_plain_wall_has_nothing(method: Method) -> None:
    assert len(EdgeProposer(method=method)(np.full((90, 160, 3), 77, np.uint8), FEATURES)) == 0


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
