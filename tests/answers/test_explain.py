"""det.explain: every number adds up, every reason is what happened."""

import json
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from toy import ToyTower, planted, toy_detector

from proposals.base import Features, Proposals, Proposer
from proposals.boxes import BoxesProposer
from regionclip.answers.explanation import Explanation, Verdict
from regionclip.config import Config
from regionclip.detector import Detector
from regionclip.errors import BoxError, ConfigError, FingerprintError
from regionclip.words.vocabulary import Label, Vocabulary

FRAME = planted(red=(16, 16, 80, 80), blue=(112, 32, 176, 112))
RED, NEAR_RED, BLUE, NOTHING = [16, 16, 80, 80], [16, 16, 80, 72], [112, 32, 176, 112], [9, 9, 9, 9]


detector = partial(toy_detector, negatives=("dark wall", "绿墙"))


def verdict(explanation: Explanation, region: int, label: str) -> Verdict:
    (told,) = (each for each in explanation.regions if each.region == region)
    (found,) = (each for each in told.labels if each.label == label)
    return found


WORDS = Vocabulary(
    [
        Label("red", ["green dot", "red", "红色"], negatives=["影子"]),
        Label("hot", ["red hot"], group="heat"),
        Label("cold", ["blue"], group="heat"),
        Label("lawn", ["green"], threshold=0.9),
    ],
    negatives=["grey fog"],
)


@pytest.mark.parametrize("bias", [-5.0, None], ids=["trained bias", "none"])
@pytest.mark.parametrize("labels", [0, 1, 2])
def test_it_tells_what_classify_does_and_the_shares_add_up(bias: float | None, labels: int) -> None:
    det = detector([RED, NEAR_RED, BLUE, NOTHING], bias=bias, labels_per_region=labels, unknown=True)
    regions = det.regions(FRAME)
    found, scores = det.classify(regions, WORDS), det.scores(regions, WORDS)
    explanation = det.explain(regions, WORDS, top=9, negatives=9)
    assert [each.region for each in explanation.regions] == [0, 1, 2, 3]
    kept = {(each.region, label.label_id) for each in explanation.regions for label in each.labels if label.kept}
    assert found.class_id is not None
    assert kept == {
        (region, label) for region, label in zip(found.data["region"], found.class_id, strict=True) if label >= 0
    }
    assert found.confidence is not None
    for row in range(len(found)):
        if found.class_id[row] < 0:
            continue
        told = verdict(explanation, int(found.data["region"][row]), str(found.data["class_name"][row]))
        assert (told.decision, told.reason, told.passed) == ("kept", "kept", True)
        assert told.confidence == pytest.approx(float(found.confidence[row]))
        assert told.best.phrase == found.data["prompt"][row]
        assert told.negatives[0].phrase == found.data["negative"][row]
        assert told.raw - told.negatives[0].share == pytest.approx(float(found.data["negative_margin"][row]), abs=1e-6)
    for each in explanation.regions[:3]:
        assert [label.score for label in each.labels] == sorted((label.score for label in each.labels), reverse=True)
        for label in each.labels:
            assert label.score == pytest.approx(float(scores[each.region, label.label_id]))
            assert label.raw + label.background + sum(each.share for each in label.negatives) == pytest.approx(1)
            assert (label.background > 0) == (bias is not None)
            assert label.best.logit == pytest.approx(10 * label.best.cosine + (bias or 0), abs=1e-5)
    assert explanation.regions[3].decision == "invalid"
    assert explanation.regions[3].labels == ()


def test_reasons_in_words() -> None:
    det = detector([RED, NEAR_RED, BLUE], nms="agnostic", nms_iou=0.5, labels_per_region=1)
    explanation = det.explain(det.regions(FRAME), WORDS, top=4)
    assert verdict(explanation, 0, "cold").reason == "lost to 'hot' of its group 'heat'"
    assert verdict(explanation, 0, "cold").rival_region == 0
    assert verdict(explanation, 0, "hot").decision == "kept"  # scores above red, which has a negative of its own
    assert verdict(explanation, 0, "red").reason == "beyond labels_per_region = 1: 'hot' is better"
    suppressed = verdict(explanation, 1, "hot")
    assert suppressed.reason == "suppressed by 'hot' of region 0 (IoU 0.88)"
    assert (suppressed.rival, suppressed.rival_region) == ("hot", 0)
    assert suppressed.iou == pytest.approx(0.875)
    below = verdict(explanation, 2, "lawn")
    assert below.reason == f"below threshold 0.90 by {0.9 - below.score:.2f}"
    assert [each.decision for each in explanation.regions] == ["labelled", "nothing", "labelled"]
    few = detector([RED, BLUE], max_detections=1)
    told = few.explain(few.regions(FRAME), ["red", "blue"])
    assert sorted(verdict(told, i, name).reason for i, name in enumerate(["red", "blue"])) == [
        "beyond max_detections = 1",
        "kept",
    ]


def test_unknown_regions() -> None:
    det = detector([RED, NEAR_RED], unknown=True, nms="agnostic")
    regions = det.regions(FRAME)
    told = det.explain(regions, ["green"])
    assert sorted(each.decision for each in told.regions) == ["nothing", "unknown"]
    (beaten,) = (each.reason for each in told.regions if each.decision == "nothing")
    assert "suppressed by 'unknown' of region" in beaten
    assert {each.reason for each in detector([RED]).explain(regions, ["green"]).regions} == {
        "nothing kept: no label reaches its threshold"
    }
    assert {each.decision for each in det.explain(regions, []).regions} == {"unknown", "nothing"}


def test_where_negatives_come_from_and_all_phrases() -> None:
    det = detector([RED])
    told = det.explain(det.regions(FRAME), WORDS, negatives=9, phrases=True)
    red = verdict(told, 0, "red")
    assert {each.phrase: each.source for each in red.negatives} == {
        "dark wall": "bank",  # 绿墙 says the same as one of the label's phrases
        "grey fog": "vocabulary",
        "影子": "label",
    }
    assert [each.phrase for each in red.phrases] == ["green dot", "red", "红色"]
    assert red.best.phrase == "red"
    assert red.phrases[1] == red.best
    assert red.phrases[0].cosine == pytest.approx(-1 / 3, abs=1e-5)
    assert verdict(det.explain(det.regions(FRAME), WORDS, negatives=0), 0, "red").negatives == ()


def test_the_top_labels_and_those_that_came_out() -> None:
    det = detector([RED, BLUE])
    regions = det.regions(FRAME)
    words: list[str | Label] = ["green", "blue", Label("red", threshold=0.0), Label("grey", threshold=0.0)]
    told = det.explain(regions, words, top=1, only=[1])
    assert [each.region for each in told.regions] == [1]
    assert [each.label for each in told.regions[0].labels] == ["blue"]
    several = detector([RED, BLUE], labels_per_region=0)
    assert {each.label for each in several.explain(regions, words, top=1).regions[1].labels} == {"blue", "red", "grey"}
    with pytest.raises(BoxError, match="below 2, as many as there are, got 2"):
        det.explain(regions, words, only=[2])
    with pytest.raises(ConfigError, match="top of at least 1"):
        det.explain(regions, words, top=0)


def test_attributes_say_whether_they_were_asked() -> None:
    words = [
        Label("thing", ["red", "blue"]),
        Label("warm", ["red"], group="heat", of="thing"),
        Label("cool", ["blue"], group="heat", of="thing", threshold=0.99),
        Label("fog", ["grey"]),
        Label("wet", ["green"], of="fog"),
    ]
    det = detector([RED, BLUE])
    told = det.explain(det.regions(FRAME), words, top=9)
    assert verdict(told, 0, "warm").reason == "kept as heat of thing"
    assert verdict(told, 0, "cool").decision == "threshold"
    assert verdict(told, 0, "wet").decision == "not_asked"
    assert verdict(told, 0, "thing").decision == "kept"
    assert verdict(told, 1, "warm").decision == "threshold"


def test_closed_mode_has_no_negatives() -> None:
    det = detector([RED], mode="closed")
    told = det.explain(det.regions(FRAME), ["red", "blue"])
    assert [each.negatives for each in told.regions[0].labels] == [(), ()]
    assert sum(each.raw for each in told.regions[0].labels) == pytest.approx(1)


def test_confidence_is_weighed_with_objectness() -> None:
    class Half(Proposer):
        has_objectness = True

        def __call__(self, frame: np.ndarray[Any, Any], features: Features) -> Proposals:
            return Proposals(np.array([RED], np.float32), np.array([0.25], np.float32))

    det = Detector(ToyTower(), Half(), Config(objectness_weight=0.5))
    told = verdict(det.explain(det.regions(FRAME), ["red"]), 0, "red")
    assert told.confidence == pytest.approx((told.score * 0.25) ** 0.5)
    assert told.reason == f"below threshold 0.50 by {0.5 - told.confidence:.2f}" if told.confidence < 0.495 else True


def test_as_json_and_as_a_table() -> None:
    det = detector([RED, NOTHING])
    told = det.explain(det.regions(FRAME), WORDS, top=2, phrases=True)
    content = json.loads(json.dumps(told.to_dict(), allow_nan=False))
    assert content["schema"] == "regionclip.explanation/1"
    assert content["tower"] == "toy@toy-1"
    assert content["vocabulary"] == det.classify(det.regions(FRAME), WORDS).metadata["vocabulary"]
    first = content["regions"][0]
    assert first["box"] == RED
    told_of = {"label", "score", "confidence", "threshold", "passed", "kept", "decision", "reason"}
    assert told_of | {"rival", "rival_region"} <= set(first["labels"][0])
    assert first["labels"][0]["best"].keys() == {"phrase", "cosine", "logit"}
    table = str(told)
    assert "region 0  [16 16 80 80]" in table
    assert "box without area inside the frame" in table
    assert "影子" in table
    assert "\x1b" not in table


def test_nothing_to_explain() -> None:
    det = detector([])
    told = det.explain(det.regions(FRAME), WORDS)
    assert told.regions == ()
    assert str(told) == "no regions"
    assert det.explain(det.regions(FRAME, [RED]), []).regions[0].labels == ()
    other = Detector(ToyTower(revision="toy-2"), BoxesProposer(np.zeros((0, 4), np.float32)))
    with pytest.raises(FingerprintError):
        other.explain(det.regions(FRAME), WORDS)


def test_taught_labels_have_their_own_line() -> None:
    det = detector([RED, BLUE])
    words = det.teach(["green"], "mine", [(FRAME, RED)])
    told = verdict(det.explain(det.regions(FRAME), words), 0, "mine")
    prototype = next(label.taught for label in words if label.name == "mine")
    assert prototype is not None
    assert told.best.phrase == "mine"
    assert told.best.logit == pytest.approx(prototype.scale * told.best.cosine + prototype.bias, rel=1e-4)
    assert torch.tensor(told.score) == pytest.approx(det.scores(det.regions(FRAME), words)[0, 1])
