"""Windows cover the frame, stay inside it, and depend on its size alone."""

import numpy as np
from candidates import FEATURES
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from proposals.grid import GridProposer


def windows(height: int, width: int, proposer: GridProposer | None = None) -> NDArray[np.float32]:
    frame = np.broadcast_to(np.zeros((1, 1, 3), np.uint8), (height, width, 3))  # no memory for 8000 x 6000
    return (proposer or GridProposer())(frame, FEATURES).xyxy


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 8000), st.integers(1, 8000), st.integers(1, 400))
@example(1, 1, 300)
@example(6000, 8000, 300)
@example(1, 8000, 300)
def test_windows_are_distinct_whole_and_inside_whatever_the_frame(height: int, width: int, most: int) -> None:
    xyxy = windows(height, width, GridProposer(max_proposals=most))
    assert 1 <= len(xyxy) <= most
    assert xyxy[0].tolist() == [0, 0, width, height]
    assert len(np.unique(xyxy, axis=0)) == len(xyxy)
    assert bool((xyxy[:, :2] >= 0).all())
    assert bool((xyxy[:, 2:] <= [width, height]).all())
    sides = xyxy[:, 2:] - xyxy[:, :2]
    assert bool((sides >= np.minimum([width, height], 16)).all())


def test_every_size_covers_the_frame_with_the_overlap_asked_for() -> None:
    xyxy = windows(480, 640)
    sizes = {tuple(side) for side in (xyxy[:, 2:] - xyxy[:, :2]).tolist()}
    assert len(sizes) >= 10
    for size in sizes:
        of_size = xyxy[((xyxy[:, 2:] - xyxy[:, :2]) == size).all(axis=1)]
        for axis, length in ((0, 640), (1, 480)):
            starts = np.unique(of_size[:, axis])
            assert starts[0] == 0
            assert starts[-1] + size[axis] == length
            # Half of a window is shared with the next one; one pixel for rounding.
            assert len(starts) == 1 or np.diff(starts).max() <= size[axis] / 2 + 1


def test_windows_come_in_several_shapes_and_large_ones_first() -> None:
    xyxy = windows(1000, 1000)
    sides = xyxy[:, 2:] - xyxy[:, :2]
    shapes = np.unique(np.round(np.log2(sides[1:, 0] / sides[1:, 1]), 1))
    assert {-1.0, 0.0, 1.0} <= set(shapes.tolist())
    areas = sides.prod(axis=1)
    assert areas[0] == areas.max()
    assert areas[-1] < areas[0] / 10


def test_settings_do_what_they_say() -> None:
    few, many = windows(480, 640, GridProposer(max_proposals=20)), windows(480, 640, GridProposer(max_proposals=2000))
    assert len(few) <= 20 < len(many) <= 2000
    squares = windows(400, 400, GridProposer(aspects=(1.0,)))
    assert bool((squares[:, 2] - squares[:, 0] == squares[:, 3] - squares[:, 1]).all())
    large = windows(480, 640, GridProposer(min_side=200))
    assert (large[:, 2:] - large[:, :2]).min() >= 200
    # One size of window, 277 pixels, on 640 x 480: 3 x 2 side by side, or 5 x 3 half a window apart, or 6 x 4.
    counts = [
        len(windows(480, 640, GridProposer(aspects=(1.0,), shrink=0.5, overlap=share, min_side=200)))
        for share in (0.0, 0.5, 0.7)
    ]
    assert counts == [1 + 3 * 2, 1 + 4 * 3, 1 + 6 * 4]
