"""Boxes carried by pictures of squares whose way is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moving_squares import SIZE, picture

from regionclip.video.tracking.carrying import Carrier

START = (120.0, 90.0, 180.0, 170.0)


def moved(box: tuple[float, float, float, float], x: float, y: float) -> tuple[float, float, float, float]:
    return box[0] + x, box[1] + y, box[2] + x, box[3] + y


def boxes(*given: tuple[float, float, float, float]) -> np.ndarray:
    return np.array(given, np.float32).reshape(-1, 4)


@settings(max_examples=12, deadline=None)
@given(st.floats(-6, 6), st.floats(-6, 6), st.integers(0, 50))
def test_a_moved_patch_takes_its_box_along(x: float, y: float, seed: int) -> None:
    carrier, box = Carrier(), boxes(START)
    carrier.carry(picture([START], seed=seed), box)
    for step in range(1, 4):
        carried = carrier.carry(picture([moved(START, x * step, y * step)], seed=seed), box)
        assert carried.followed.all()
        box = carried.boxes
    np.testing.assert_allclose(box, boxes(moved(START, 3 * x, 3 * y)), atol=2)


def test_large_frames_are_carried_in_their_own_pixels() -> None:
    size, start = (720, 1280), (500.0, 300.0, 700.0, 600.0)
    carrier = Carrier()
    carrier.carry(picture([start], size), boxes(start))
    carried = carrier.carry(picture([moved(start, 24, -12)], size), boxes(start))
    np.testing.assert_allclose(carried.boxes, boxes(moved(start, 24, -12)), atol=8)


def test_what_comes_nearer_grows() -> None:
    import cv2

    frame = picture([START])
    middle = (150.0, 130.0)
    larger = cv2.warpAffine(frame, cv2.getRotationMatrix2D(middle, 0, 1.06), SIZE[::-1])
    carrier = Carrier()
    carrier.carry(frame, boxes(START))
    x1, y1, x2, y2 = carrier.carry(np.asarray(larger, np.uint8), boxes(START)).boxes[0]
    assert (x2 - x1) / 60 == pytest.approx(1.06, abs=0.03)
    assert ((x1 + x2) / 2, (y1 + y2) / 2) == pytest.approx(middle, abs=1.5)


def test_what_passes_behind_is_not_taken_along_by_what_is_before_it() -> None:
    behind, before = (100.0, 60.0, 160.0, 140.0), (110.0, 70.0, 170.0, 180.0)
    carrier = Carrier()
    carrier.carry(picture([behind, before]), boxes(behind, before))
    carried = carrier.carry(picture([behind, moved(before, 5, 0)]), boxes(behind, before))
    np.testing.assert_allclose(carried.boxes[1], boxes(moved(before, 5, 0))[0], atol=1)
    np.testing.assert_allclose(carried.boxes[0], boxes(behind)[0], atol=1)


def test_plain_ground_carries_nothing() -> None:
    carrier, plain = Carrier(), np.full((*SIZE, 3), 90, np.uint8)
    first = carrier.carry(picture([START]), boxes(START))  # no picture before
    assert not first.followed.any()
    second = carrier.carry(plain, boxes(START))
    assert not second.followed.any()
    np.testing.assert_array_equal(second.boxes, boxes(START))
    assert carrier.carry(plain, boxes(START)).followed.all()  # nothing has changed: it stays


def test_other_sizes_no_boxes_and_boxes_outside() -> None:
    carrier = Carrier()
    carrier.carry(picture(), boxes())
    assert carrier.carry(picture(seed=1), boxes()).boxes.shape == (0, 4)
    assert not carrier.carry(picture(size=(100, 100)), boxes(START)).followed.any()
    assert not carrier.carry(picture(size=(100, 100), seed=1), boxes((500, 500, 600, 600))).followed.any()


def test_looks_know_the_same_patch_in_other_light() -> None:
    carrier = Carrier()
    frame = picture([START])
    carrier.carry(frame, boxes())
    look = carrier.looks(boxes(START))[0]
    assert np.linalg.norm(look) == pytest.approx(1, abs=1e-4)
    carrier.carry(np.asarray(frame * 0.6 + 30, np.uint8), boxes())
    assert look @ carrier.looks(boxes(START))[0] > 0.98
    carrier.carry(picture([moved(START, 300, 0)]), boxes())  # the ground that was behind it
    assert look @ carrier.looks(boxes(START))[0] < 0.3
    assert not carrier.looks(boxes((500, 0, 600, 50))).any()
    assert carrier.looks(boxes()).shape == (0, 432)
    assert Carrier().looks(boxes(START)).shape == (1, 432)


def test_a_small_frame_of_the_callers_may_be_painted_over() -> None:
    carrier, frame = Carrier(), picture([START])
    carrier.carry(frame, boxes(START))
    frame[:] = 0
    carried = carrier.carry(picture([moved(START, 3, 2)]), boxes(START))
    np.testing.assert_allclose(carried.boxes, boxes(moved(START, 3, 2)), atol=1)
