"""Heat maps: the scores of cells, at the right place, from the same pass as the detections."""

from functools import partial

import numpy as np
import pytest
from toy import CELL, ToyTower, planted, toy_detector

from proposals.boxes import BoxesProposer
from proposals.heatmap import HeatmapProposer
from proposals.union import UnionProposer
from regionclip.answers.heatmap import Heatmap
from regionclip.config import Config
from regionclip.detector import Detector
from regionclip.errors import FingerprintError, FrameError, PromptError
from regionclip.words.vocabulary import Label, Vocabulary

FRAME = planted(red=(16, 16, 80, 80), blue=(112, 32, 176, 112))  # 128 x 192 pixels, 8 x 12 cells
RED, BLUE = [16, 16, 80, 80], [112, 32, 176, 112]


detector = partial(toy_detector, [RED], negatives=("dark wall",))


@pytest.mark.parametrize("bias", [-5.0, None], ids=["trained bias", "none"])
def test_a_cell_scores_as_the_region_that_is_this_cell(bias: float | None) -> None:
    det = detector(bias=bias)
    words = Vocabulary(["red", Label("蓝色", negatives=["绿"])], negatives=["影子"])
    heat = det.heatmap(FRAME, words)
    assert heat.scores.shape == (2, 8, 12)
    assert heat.scores.dtype == np.float32
    assert heat.names == ("red", "蓝色")
    cells = [[x * CELL, y * CELL, (x + 1) * CELL, (y + 1) * CELL] for y in range(8) for x in range(12)]
    scores = det.scores(det.regions(FRAME, cells), words)  # (96, 2)
    np.testing.assert_allclose(heat.scores.reshape(2, -1).T, scores, atol=1e-5)


def test_it_is_high_where_the_thing_is() -> None:
    heat = detector().heatmap(FRAME, ["red", "blue"])
    red, both = heat.at_frame_size("red"), heat.at_frame_size()
    assert red.shape == (128, 192)
    assert red.dtype == np.float32
    rows, columns = np.nonzero(red > 0.5)
    assert (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1) == pytest.approx(RED, abs=CELL // 2)
    assert (both >= np.maximum(red, heat.at_frame_size("blue")) - 1e-6).all()
    assert both[48, 48] == red[48, 48]
    assert both[:8, :8].max() < 0.2


def test_one_pass_for_detections_and_heat_maps() -> None:
    det = detector()
    assert isinstance(det.tower, ToyTower)
    features = det.features(FRAME)
    det(features, ["red"])
    det.heatmap(features, "red")
    det.heatmap(features, ["green", "绿"])
    det.explain(det.regions(features), ["red"])
    assert det.tower.passes == 1
    assert set(det.heatmap(FRAME, "blue").scores.shape) == {1, 8, 12}
    assert det.tower.passes == 2
    with pytest.raises(FingerprintError):
        det.heatmap(Detector(ToyTower(revision="toy-2"), det.proposer).features(FRAME), "red")


def test_no_labels_are_a_map_of_nothing() -> None:
    heat = detector().heatmap(FRAME, [])
    assert heat.scores.shape == (0, 8, 12)
    assert not heat.at_frame_size().any()
    assert heat.draw(FRAME).shape[1:] == (192, 3)
    attribute = detector().heatmap(FRAME, ["red", Label("blue", of="red")])
    assert attribute.names == ("red",)


def test_the_picture_has_the_frame_the_words_and_the_scale() -> None:
    frame = planted(360, 640, red=(64, 64, 256, 256))
    det = detector()
    heat = det.heatmap(frame, "红色的东西")
    picture = heat.draw(frame)
    assert picture.dtype == np.uint8
    assert picture.shape[0] > 360
    assert picture.shape[1:] == (640, 3)
    assert not frame[300:].any()  # the caller's frame stays as it is
    hot, cold = picture[160, 160].astype(int), picture[300, 500].astype(int)
    assert hot.sum() > cold.sum() + 200
    strip = picture[360:]
    other = det.heatmap(frame, "红色的天空").draw(frame)[360:]
    assert (strip != other).any()  # the words are written
    assert (strip[:, :200] > 200).any()
    bar = strip[len(strip) // 2].astype(int).sum(axis=1)
    assert bar[612] > bar[385] + 300  # from dark to bright
    assert (heat.draw(frame, top=0.5) != picture).any()


def test_a_white_line_goes_round_what_reaches_the_threshold() -> None:
    frame = planted(360, 640, red=(64, 64, 256, 256))
    det = detector()
    low, never = (det.heatmap(frame, Label("red", threshold=level)).draw(frame)[:360] for level in (0.5, 1.0))
    white = (low > 200).all(axis=2)
    rows, columns = np.nonzero(white)
    assert (columns.min(), rows.min()) == pytest.approx((64, 64), abs=12)
    assert (columns.max(), rows.max()) == pytest.approx((256, 256), abs=12)
    assert not (never > 200).all(axis=2).any()


def test_mistakes_are_told() -> None:
    heat = detector().heatmap(FRAME, ["red"])
    with pytest.raises(FrameError, match=r"\(128, 192\), got \(64, 64\)"):
        heat.draw(FRAME[:64, :64])
    with pytest.raises(PromptError, match="one of the labels red, got 'blue'"):
        heat.at_frame_size("blue")
    with pytest.raises(PromptError, match="top above 0"):
        heat.draw(FRAME, top=0)


def test_a_small_picture_can_be_drawn() -> None:
    for size in ((16, 16), (8, 300), (300, 8)):
        frame = planted(*size)
        assert detector().heatmap(frame, "a phrase that is very long").draw(frame).shape[1] == size[1]


def test_words_without_boxes_get_one_from_their_heat() -> None:
    """The other proposer knows only the red thing; the heat map finds the blue one, and it is found by batch too."""
    given = BoxesProposer(np.array([RED], np.float32))
    assert list(Detector(ToyTower(), given)(FRAME, ["蓝色"]).data["class_name"]) == []
    tower = ToyTower()
    det = Detector(tower, UnionProposer(given, HeatmapProposer()), Config(objectness_weight=0.5))
    found = det(FRAME, ["蓝色"])
    assert tower.passes == 1
    assert list(found.data["class_name"]) == ["蓝色"]
    assert found.xyxy[0].tolist() == pytest.approx(BLUE, abs=CELL)
    assert det.batch([FRAME], ["蓝色"])[0].xyxy.tolist() == found.xyxy.tolist()
    asked = det.regions(FRAME, words=["蓝色"])
    assert det.classify(asked, ["蓝色"]).xyxy.tolist() == found.xyxy.tolist()
    assert len(det.regions(FRAME, words=[])) == 1


def test_a_proposer_that_looks_for_words_must_be_told_them() -> None:
    tower = ToyTower()
    det = Detector(tower, HeatmapProposer())
    with pytest.raises(PromptError, match=r"expected words=\[\.\.\.\] or boxes"):
        det.regions(FRAME)
    assert tower.passes == 0
    assert len(det.regions(FRAME, [RED])) == 1
    assert len(det(FRAME, [])) == 0


def test_a_label_can_be_taught_with_a_proposer_that_looks_for_words() -> None:
    det = Detector(ToyTower(), HeatmapProposer())
    assert det.teach(["blue"], "mine", [(FRAME, RED)]).names == ("blue", "mine")


def test_a_printed_map_is_ten_lines_at_most() -> None:
    scores = np.zeros((12, 2, 3), np.float32)
    scores[3, 1, 2] = 0.75
    names = tuple(f"label {place}" for place in range(12))
    lines = repr(Heatmap(scores, names, np.full(12, 0.5), (720, 1280))).splitlines()
    assert lines[0] == "<heat map of 1280x720, 3x2 cells, 12 labels"
    assert lines[1] == "  0.75 at most, threshold 0.50: label 3"
    assert lines[-1] == "  and 4 more>"
    assert len(lines) == 10
    assert repr(Heatmap(scores[:0], (), np.zeros(0), (720, 1280))) == "<heat map of 1280x720, 3x2 cells, 0 labels>"
