"""Boxes from pictures with known shapes, and from a camera that pans over a known background."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from proposals.base import Features, Proposals
from proposals.edges import EdgeProposer, Method
from proposals.ego_motion import EgoMotionProposer

PIXELS: Features = None  # type: ignore[assignment]  # neither asks the tower
SHAPES = ([40, 30, 120, 110], [180, 60, 290, 200])


def _overlap(found: Proposals, truth: list[int]) -> float:
    """Best IoU of the found boxes with one true box."""
    low = np.maximum(found.xyxy[:, :2], truth[:2])
    high = np.minimum(found.xyxy[:, 2:], truth[2:])
    shared = np.clip(high - low, 0, None).prod(1)
    area = (found.xyxy[:, 2:] - found.xyxy[:, :2]).prod(1) + (truth[2] - truth[0]) * (truth[3] - truth[1])
    return float((shared / (area - shared)).max(initial=0))


def test_plain_shapes_get_their_boxes() -> None:
    frame = np.full((240, 320, 3), 90, np.uint8)
    for (x1, y1, x2, y2), colour in zip(SHAPES, ((30, 200, 220), (200, 60, 40)), strict=True):
        cv2.rectangle(frame, (x1, y1), (x2, y2), colour, -1)
    frame = np.asarray(cv2.GaussianBlur(frame, (5, 5), 0), np.uint8)
    noise = np.random.default_rng(1).integers(-4, 5, frame.shape)
    frame = np.clip(frame + noise, 0, 255).astype(np.uint8)
    found = EdgeProposer()(frame, PIXELS)
    assert min(_overlap(found, truth) for truth in SHAPES) > 0.8
    assert (found.xyxy[:, 2:] <= [320, 240]).all()
    assert (np.diff(found.objectness) <= 0).all()


@pytest.mark.parametrize("method", ["edges", "mser"])
def test_an_empty_picture_gives_no_boxes(method: Method) -> None:
    found = EdgeProposer(method=method)(np.full((240, 320, 3), 90, np.uint8), PIXELS)
    assert found.xyxy.shape == (0, 4)


def _pan(count: int = 24) -> list[tuple[NDArray[np.uint8], list[int]]]:
    """Frames of a camera that pans over a textured wall, and the box of a square that moves the other way."""
    rng = np.random.default_rng(3)
    wall = cv2.resize(rng.integers(40, 200, (60, 120, 3), dtype=np.uint8), (960, 480), interpolation=cv2.INTER_CUBIC)
    frames = []
    for at in range(count):
        frame = np.ascontiguousarray(wall[100:340, 4 * at : 4 * at + 320])
        x = 40 + 7 * at
        frame[90:150, x : x + 50] = (250, 250, 10)
        frames.append((np.asarray(frame, np.uint8), [x, 90, x + 50, 150]))
    return frames


def test_what_moves_against_the_background_is_found_and_the_background_is_not() -> None:
    proposer = EgoMotionProposer()
    hits, false = 0, 0
    frames = _pan()
    for frame, truth in frames:
        found = proposer(frame, PIXELS)
        hits += _overlap(found, truth) > 0.3
        false += sum(_overlap(Proposals(box[None], np.ones(1, np.float32)), truth) < 0.1 for box in found.xyxy)
    assert hits >= 8
    assert false <= len(frames)


def test_a_cut_gives_no_boxes() -> None:
    proposer = EgoMotionProposer()
    for frame, _ in _pan():
        proposer(frame, PIXELS)
    assert len(proposer(np.full((240, 320, 3), 7, np.uint8), PIXELS)) == 0
    assert len(proposer(np.full((120, 160, 3), 7, np.uint8), PIXELS)) == 0
