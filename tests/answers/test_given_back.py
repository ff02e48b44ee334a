"""What confidence is made of, and so what `threshold` means, for proposals and for the same boxes given back."""

import numpy as np
import pytest
import supervision as sv
from toy import ToyTower, planted

from proposals.base import Proposals
from regionclip.answers.regions import Regions
from regionclip.boxes import Boxes
from regionclip.config import Config
from regionclip.detector import Detector
from regionclip.proposing import NoProposer

FRAME = planted(red=(0, 0, 64, 64))
BOX, OBJECTNESS = np.array([[0, 0, 128, 128]], np.float32), np.array([0.9], np.float32)


def confidence(
    boxes: Boxes, *, threshold: float = 0.0, weight: float = 0.7, has_objectness: bool, given: bool
) -> list[float]:
    detector = Detector(ToyTower(), NoProposer(), Config(threshold=threshold, objectness_weight=weight))
    regions = Regions.pool(detector.features(FRAME), boxes, has_objectness=has_objectness, given=given)
    found = detector.classify(regions, ["red"])
    assert found.confidence is not None
    assert (found.confidence >= threshold).all()
    return [float(value) for value in found.confidence]


def test_objectness_weighs_for_proposals_and_not_for_boxes_given_back() -> None:
    proposed = Proposals(BOX, OBJECTNESS)
    (score,) = confidence(BOX, has_objectness=False, given=True)
    (as_proposal,) = confidence(proposed, has_objectness=True, given=False)
    assert as_proposal == pytest.approx(score**0.3 * 0.9**0.7, rel=1e-5)
    assert as_proposal > score + 0.05
    between = (as_proposal + score) / 2
    assert confidence(proposed, threshold=between, has_objectness=True, given=False) == [as_proposal]
    seen = sv.Detections(BOX, confidence=OBJECTNESS)
    for boxes in (BOX, proposed, seen):
        assert confidence(boxes, has_objectness=False, given=True) == [score]
        assert confidence(boxes, threshold=between, has_objectness=False, given=True) == []


def test_two_ways_to_one_meaning() -> None:
    proposed = Proposals(BOX, OBJECTNESS)
    (score,) = confidence(BOX, has_objectness=False, given=True)
    assert confidence(proposed, weight=0, has_objectness=True, given=False) == [score]
    (as_proposal,) = confidence(proposed, has_objectness=True, given=False)
    assert confidence(proposed, has_objectness=True, given=True) == [as_proposal]
