from functools import partial
from pathlib import Path

import numpy as np
import pytest
import supervision as sv
from numpy.typing import NDArray
from PIL import Image
from toy import ToyTower, column, planted, toy_detector

from proposals.base import Features, Proposals, Proposer
from regionclip.answers.detections import OWN_COLUMNS
from regionclip.answers.regions import Regions
from regionclip.detector import Detector
from regionclip.errors import ConfigError, FingerprintError, PromptError, PromptWarning
from regionclip.timing import Timings
from regionclip.words.vocabulary import Label, Vocabulary

FRAME = planted(red=(16, 16, 80, 80), blue=(112, 32, 176, 112))
RED, BLUE, DARK = [16, 16, 80, 80], [112, 32, 176, 112], [0, 112, 96, 128]
WORDS = ["red thing", "蓝色的东西"]

detector = partial(toy_detector, [RED, BLUE, DARK])


def test_frame_and_words_in_labelled_regions_out() -> None:
    found = detector()(FRAME, WORDS)
    assert isinstance(found, sv.Detections)
    by_name = dict(zip(found.data["class_name"], found.xyxy.tolist(), strict=True))
    assert by_name == {"red thing": RED, "蓝色的东西": BLUE}
    assert found.class_id is not None
    assert found.class_id.tolist() == [WORDS.index(name) for name in found.data["class_name"]]
    assert found.confidence is not None
    assert ((found.confidence > 0.5) & (found.confidence <= 1)).all()


def test_frames_of_every_kind_give_the_same(tmp_path: Path) -> None:
    path = tmp_path / "frame.png"
    picture = Image.fromarray(FRAME[:, :, ::-1].copy())
    picture.save(path)
    read_only = FRAME.copy()
    read_only.flags.writeable = False
    det = detector()
    expected = det(FRAME, WORDS)
    for frame in (read_only, np.asfortranarray(FRAME), picture, path, str(path), det.features(FRAME)):
        assert np.array_equal(det(frame, WORDS).xyxy, expected.xyxy)


@pytest.mark.parametrize(("boxes", "words"), [([], WORDS), ([RED, BLUE], []), ([], []), ([[9, 9, 9, 9]], WORDS)])
def test_nothing_gives_the_types_of_something(boxes: list[list[float]], words: list[str]) -> None:
    det = detector()
    some, none = det(FRAME, WORDS), det(FRAME, words, boxes=boxes)
    assert len(none) == 0
    assert none.xyxy.shape == (0, 4)
    assert set(none.data) == set(some.data) == set(OWN_COLUMNS)
    for name in OWN_COLUMNS:
        assert np.asarray(none.data[name]).dtype.kind == np.asarray(some.data[name]).dtype.kind
    assert none.confidence is not None
    assert none.class_id is not None
    assert det.scores(det.regions(FRAME, boxes=boxes), words).shape == (len(boxes), len(words))
    assert len(sv.Detections.merge([some, none])) == len(some)
    assert det.batch([], WORDS) == []


def test_regions_are_asked_again_without_another_pass(tmp_path: Path) -> None:
    det = detector()
    assert isinstance(det.tower, ToyTower)
    regions = det.regions(FRAME)
    regions.save(tmp_path / "r.npz")
    again = Regions.load(tmp_path / "r.npz")
    assert np.array_equal(det.scores(again, WORDS), det.scores(det.regions(FRAME), WORDS))
    passes = det.tower.passes
    assert column(det.classify(again, ["green"]), "class_name") == []
    assert column(det.classify(again, ["blue"]), "region") == [1]
    assert det.tower.passes == passes


def test_one_pass_for_everything_asked_of_a_frame() -> None:
    det = detector()
    assert isinstance(det.tower, ToyTower)
    features = det.features(FRAME)
    det(features, WORDS)
    det.regions(features, boxes=[RED])
    det.classify_image(features, WORDS)
    det.embed_image(features)
    assert det.tower.passes == 1


def test_regions_of_another_tower_are_refused() -> None:
    regions = detector(revision="toy-2").regions(FRAME)
    with pytest.raises(FingerprintError, match="toy-2"):
        detector().classify(regions, WORDS)
    with pytest.raises(FingerprintError, match="toy-2"):
        detector().scores(regions, WORDS)
    with pytest.raises(FingerprintError, match="toy-2"):
        detector()(detector(revision="toy-2").features(FRAME), WORDS)


def test_invalid_boxes_get_no_label_and_no_score() -> None:
    det = detector(threshold=0.0, unknown=True)
    boxes = np.array([RED, [np.nan] * 4, [80, 80, 16, 16]])
    assert column(det(FRAME, WORDS, boxes=boxes), "region") == [0]
    scores = det.scores(det.regions(FRAME, boxes=boxes), WORDS)
    assert (scores[1:] == 0).all()
    assert np.isfinite(scores).all()


def test_outside_boxes_are_clipped_and_carry_their_columns() -> None:
    outside = sv.Detections(
        xyxy=np.array([[-40, 16, 80, 80], BLUE], np.float32),
        confidence=np.array([0.1, 0.2], np.float32),
        class_id=np.array([5, 6]),
        tracker_id=np.array([11, 12]),
        data={"class_name": np.array(["x", "y"]), "speed": np.array([1.0, 2.0])},
    )
    by_confidence = detector()(FRAME, [Label("rot", ["red"]), "blue"], boxes=outside)
    found = by_confidence[np.argsort(by_confidence.data["region"])]
    assert isinstance(found, sv.Detections)
    assert found.xyxy.tolist() == [[0, 16, 80, 80], BLUE]  # clipped
    assert column(found, "class_name") == ["rot", "blue"]
    assert found.tracker_id is not None
    assert found.tracker_id.tolist() == [11, 12]
    assert column(found, "input_class_name") == ["x", "y"]
    assert column(found, "input_class_id") == [5, 6]
    assert column(found, "speed") == [1.0, 2.0]
    assert column(found, "objectness") == pytest.approx([0.1, 0.2])
    assert found.confidence is not None
    assert found.confidence[1] > 0.9  # an outside confidence does not weigh in


def test_boxes_from_outside_do_not_suppress_each_other() -> None:
    twice = [RED, [17, 17, 80, 80]]
    assert len(detector()(FRAME, WORDS, boxes=twice)) == 2
    assert len(detector(nms="agnostic")(FRAME, WORDS, boxes=twice)) == 1


def test_prompt_margin_and_runner_up_tell_why() -> None:
    words = [Label("hot", ["grey", "red"]), Label("cold", ["blue"])]
    det = detector()
    found = det(FRAME, words, boxes=[RED])
    scores = det.scores(det.regions(FRAME, boxes=[RED]), words)
    assert column(found, "prompt") == ["red"]
    assert column(found, "runner_up") == ["cold"]
    assert column(found, "margin") == pytest.approx([scores[0, 0] - scores[0, 1]])
    alone = det(FRAME, ["red"], boxes=[RED])
    assert column(alone, "runner_up") == [""]
    assert column(alone, "margin") == pytest.approx(alone.confidence)


def test_unknown_is_an_explicit_outcome() -> None:
    found = detector(unknown=True)(FRAME, WORDS)
    rows = dict(zip(column(found, "region"), column(found, "class_name"), strict=True))
    assert rows == {0: "red thing", 1: "蓝色的东西", 2: "unknown"}
    assert found.class_id is not None
    assert found.class_id[found.data["region"] == 2].tolist() == [-1]
    assert found.data["prompt"][found.data["region"] == 2].tolist() == [""]
    everything = detector(unknown=True)(FRAME, [])
    assert set(everything.data["class_name"]) == {"unknown"}


def test_thresholds_label_then_vocabulary_then_config() -> None:
    det = detector(threshold=0.999999)
    assert len(det(FRAME, ["red"])) == 0
    assert len(det(FRAME, Vocabulary([Label("red")], threshold=0.5))) == 1
    assert len(det(FRAME, Vocabulary([Label("red", threshold=0.999999)], threshold=0.5))) == 0
    mixed = Vocabulary([Label("red", threshold=0.1), Label("blue")], threshold=0.2)
    assert det.thresholds(mixed).tolist() == [0.1, 0.2]
    assert detector().thresholds(["red"]).tolist() == [0.5]


def test_adding_a_label_changes_no_other_score() -> None:
    det = detector()
    regions = det.regions(FRAME)
    alone = det.scores(regions, ["red"])
    lists: list[list[str | Label]] = [["red", "blue"], ["green", "red"], [Label("grey", negatives=["red"]), "red"]]
    for more in lists:
        index = more.index("red")
        assert np.array_equal(det.scores(regions, more)[:, index : index + 1], alone)


def test_whole_images() -> None:
    det = detector()
    red = planted(red=(0, 0, 192, 128))
    found = det.classify_image(red, ["blue", "red", "绿"])
    assert found.class_id.tolist()[0] == 1
    assert found.confidence is not None
    assert found.confidence[0] > 0.9 > found.confidence[1]
    assert det.embed_image(red) @ det.embed_texts(["red", "blue"]).T == pytest.approx([1.0, -1 / 3], abs=1e-5)
    assert det.embed_texts([]).shape == (0, 3)


def test_batch_gives_what_single_calls_give() -> None:
    frames = [FRAME, planted(64, 64, blue=(0, 0, 64, 64))]
    det = detector()
    boxes = [[RED], [[0, 0, 64, 64]]]
    for together, alone in zip(
        det.batch(frames, WORDS, boxes=boxes),
        [det(frame, WORDS, boxes=own) for frame, own in zip(frames, boxes, strict=True)],
        strict=True,
    ):
        assert column(together, "class_name") == column(alone, "class_name")
        assert np.array_equal(together.xyxy, alone.xyxy)


class RememberingProposer(Proposer):
    """Proposes what it saw one call ago."""

    has_memory = True

    def __call__(self, frame: NDArray[np.uint8], features: Features) -> Proposals:
        return Proposals.empty()


def test_batch_refuses_a_proposer_with_memory() -> None:
    det = Detector(ToyTower(), RememberingProposer())
    with pytest.raises(ConfigError, match="remembers"):
        det.batch([FRAME], WORDS)
    assert len(det.batch([FRAME], WORDS, boxes=[[RED]])[0]) == 1  # boxes given: the proposer is not asked


def test_a_prompt_longer_than_the_tower_reads_is_told() -> None:
    with pytest.warns(PromptWarning, match="10 tokens, toy reads 8: 2 were cut"):
        detector()(FRAME, ["red " + "very " * 8 + "long"])


def test_empty_text_is_refused() -> None:
    with pytest.raises(PromptError):
        detector()(FRAME, ["person", " "])
    with pytest.raises(PromptError):
        detector().embed_texts([""])


def test_timings_are_those_of_the_calls_in_the_block() -> None:
    det = detector()
    with Timings() as timings:
        det(FRAME, WORDS)
    assert set(timings) == {"propose", "encode", "pool", "words", "classify", "select", "other"}
    assert all(milliseconds >= 0 for milliseconds in timings.values())
    with Timings() as timings:
        regions = det.regions(FRAME)
    assert set(timings) == {"propose", "encode", "pool", "other"}
    with Timings() as timings:
        det.scores(regions, WORDS)
    assert set(timings) == {"words", "classify", "other"}
    with Timings() as timings:
        det.regions(FRAME, [])
    assert set(timings) == {"pool", "other"}  # no boxes, no tower pass


def test_later_changes_of_the_callers_arrays_do_not_reach_the_regions() -> None:
    boxes = np.array([RED, BLUE], np.float32)
    det = detector()
    regions = det.regions(FRAME, boxes[::-1])  # negative strides too
    frozen = boxes.copy()
    frozen.flags.writeable = False
    assert len(det(FRAME, WORDS, boxes=frozen)) == 2
    boxes += 500
    assert det.classify(regions, ["blue"]).xyxy.tolist() == [BLUE]


def test_each_group_has_a_column() -> None:
    words: list[str | Label] = [Label("hot", ["red"], group="heat"), Label("cold", ["blue"], group="heat"), "green"]
    found = detector(labels_per_region=0)(FRAME, words)
    assert dict(zip(column(found, "class_name"), column(found, "heat"), strict=True)) == {"hot": "hot", "cold": "cold"}
    low = detector(threshold=0.0, labels_per_region=0)(FRAME, [*words[:2], Label("night", ["dark"], group="light")])
    assert {"heat", "light"} <= set(low.data)
    assert {"heat"} <= set(detector()(FRAME, words, boxes=[]).data)
    strict = [Label("hot", ["red"], threshold=1.0, group="heat"), Label("blue")]
    assert column(detector()(FRAME, strict), "heat") == [""]


def test_regions_may_keep_several_labels() -> None:
    words: list[str | Label] = ["red", Label("warm", ["a red thing"])]
    assert column(detector(labels_per_region=0)(FRAME, words), "region") == [0, 0]
    assert column(detector(labels_per_region=1)(FRAME, words), "region") == [0]


def test_boxes_that_are_one_inside_the_frame_suppress_each_other() -> None:
    beyond = [[-4000, 16, 80, 80], [0, 16, 80, 80]]
    assert len(detector(nms="agnostic")(FRAME, WORDS, boxes=beyond)) == 1


def test_a_tower_without_bias_needs_something_to_weigh_against() -> None:
    det = detector(bias=None)
    with pytest.raises(PromptError, match="background bank"):
        det(FRAME, ["red"])
    opposed = det(FRAME, Vocabulary([Label("red")], negatives=["dark", "blue"]))
    assert column(opposed, "region") == [0]
    assert len(detector(bias=None, mode="closed")(FRAME, ["red", "blue"])) > 0
    assert len(det(FRAME, [])) == 0
