"""What is left of many boxes."""

import torch

from proposals.shortlist import Shortlist

SIZE = (100, 200)
WIDE, NEAR, FAR = [0.0, 0.0, 100.0, 100.0], [0.0, 0.0, 100.0, 90.0], [150.0, 0.0, 200.0, 50.0]


def test_ranked_cut_and_without_repeats() -> None:
    shortlist = Shortlist("x", max_proposals=5, nms_iou=0.7)
    found = shortlist(torch.tensor([WIDE, FAR, NEAR]), torch.tensor([0.4, 0.5, 0.9]), SIZE)
    assert found.xyxy.tolist() == [NEAR, FAR]
    assert Shortlist("x", max_proposals=1, nms_iou=1)(torch.tensor([WIDE, FAR]), torch.ones(2), SIZE).xyxy.tolist() == [
        WIDE
    ]


def test_boxes_are_cut_to_the_frame_and_objectness_to_0_1() -> None:
    boxes = torch.tensor([[-5.0, -5.0, 500.0, 40.0], [300.0, 0.0, 400.0, 50.0], [10.0, 10.0, 10.0, 20.0]])
    found = Shortlist("x", max_proposals=5, nms_iou=0.7)(boxes, torch.tensor([1.3, 0.5, 0.5]), SIZE)
    assert found.xyxy.tolist() == [[0.0, 0.0, 200.0, 40.0]]
    assert found.objectness.tolist() == [1.0]


def test_what_is_not_finite_is_left_out() -> None:
    boxes = torch.tensor([[0.0, 0.0, float("nan"), 5.0], FAR, WIDE])
    found = Shortlist("x", max_proposals=5, nms_iou=0.7)(boxes, torch.tensor([0.9, float("nan"), 0.2]), SIZE)
    assert found.xyxy.tolist() == [WIDE]
