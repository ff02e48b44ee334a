"""Average recall against pycocotools, and what is counted of clips."""

import contextlib
import io
from collections.abc import Iterator
from functools import partial

import numpy as np
import pytest
from numpy.typing import NDArray
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from toy import ToyTower

from proposals.base import Features, Proposals, Proposer
from proposals.boxes import BoxesProposer
from proposals.grid import GridProposer
from regionclip.data.recall_sets import Shot, ShotSet, clip_shots, scene_shots
from regionclip.detector import Detector
from regionclip.evaluation.accuracy.recall import FIRST, evaluate_recall, match_ranks, record, table

SIZE = (200, 300)


class Scripted(Proposer):
    """Gives the boxes that belong to the number in a frame's first pixel."""

    def __init__(self, boxes: list[NDArray[np.float32]]) -> None:
        self.boxes = boxes

    def __call__(self, frame: NDArray[np.uint8], features: Features) -> Proposals:
        boxes = self.boxes[frame[0, 0, 0]]
        return Proposals(boxes, np.ones(len(boxes), np.float32))


class Counting(BoxesProposer):
    """Remembers how often it was asked: its n-th answer is shifted by n - 1 times 100 pixels."""

    has_memory = True
    asked = 0

    def __call__(self, frame: NDArray[np.uint8], features: Features) -> Proposals:
        found = super().__call__(frame, features)
        self.asked += 1
        return Proposals(found.xyxy + 100 * (self.asked - 1), found.objectness)


def boxes(rng: np.random.Generator, count: int) -> NDArray[np.float32]:
    corner = rng.uniform(0, 200, (count, 2))
    return np.concatenate([corner, corner + rng.uniform(8, 90, (count, 2))], axis=1).astype(np.float32)


def frame(number: int = 0) -> NDArray[np.uint8]:
    return np.full((*SIZE, 3), number, np.uint8)


def shots_of(truths: list[NDArray[np.float32]]) -> ShotSet:
    def make() -> Iterator[Shot]:
        for number, truth in enumerate(truths):
            yield Shot(frame(number), truth, None, number)

    return ShotSet("planted", len(truths), ("red",), make)


def coco_recall(truths: list[NDArray[np.float32]], found: list[NDArray[np.float32]]) -> dict[int, float]:
    """Average recall of the first k boxes by pycocotools, without classes."""
    truth = COCO()
    annotations = [
        {"id": 0, "image_id": image, "category_id": 1, "bbox": [x, y, a - x, b - y], "area": 1.0, "iscrowd": 0}
        for image, each in enumerate(truths, 1)
        for x, y, a, b in each.tolist()
    ]
    for number, annotation in enumerate(annotations, 1):
        annotation["id"] = number
    truth.dataset = {
        "info": {},
        "images": [{"id": i} for i in range(1, len(truths) + 1)],
        "annotations": annotations,
        "categories": [{"id": 1, "name": "thing"}],
    }
    rows = [
        [image, x, y, a - x, b - y, 1 - place / 1000, 1]
        for image, each in enumerate(found, 1)
        for place, (x, y, a, b) in enumerate(each.tolist())
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
        evaluation = COCOeval(truth, truth.loadRes(np.array(rows)), "bbox")
        evaluation.params.useCats = 0
        evaluation.params.maxDets = list(FIRST)
        evaluation.params.areaRng, evaluation.params.areaRngLbl = evaluation.params.areaRng[:1], ["all"]
        evaluation.evaluate()
        evaluation.accumulate()
    return {k: float(evaluation.eval["recall"][:, 0, 0, place].mean()) for place, k in enumerate(FIRST)}


@pytest.mark.parametrize("seed", range(4))
def test_average_recall_is_that_of_pycocotools(seed: int) -> None:
    """Crowded frames, so that boxes compete for the same truth; lists longer than any k; a frame without anything."""
    rng = np.random.default_rng(seed)
    truths = [boxes(rng, count) for count in (1, 5, 12, 30, 0)]
    found = []
    for truth in truths:
        near = truth[rng.integers(len(truth), size=250)] if len(truth) else boxes(rng, 3)
        found.append((near + rng.normal(0, 6, near.shape)).astype(np.float32))
    found = [np.concatenate([boxes(rng, 40), each, boxes(rng, 60)]) for each in found]
    found[0] = found[0][:0]
    make = partial(Detector, ToyTower(), Scripted(found))
    (row,) = evaluate_recall({"scripted": make}, shots_of(truths))
    wanted = coco_recall(truths, found)
    for k in FIRST:
        assert row.ar[k].value == pytest.approx(wanted[k], abs=1e-9)
    assert wanted[10] < wanted[50] < wanted[300]
    assert row.count == 48
    assert row.boxes == pytest.approx(np.mean([len(each) for each in found]))


def test_places_at_which_truth_is_matched() -> None:
    truth = np.array([[0, 0, 100, 100], [200, 0, 300, 100]], np.float32)
    found = np.array([[0, 0, 100, 60], [0, 0, 100, 100], [200, 0, 300, 100]], np.float32)
    ranks = match_ranks(truth, found)
    assert ranks[0].tolist() == [0, 2]  # at .5 the first box, IoU .6, takes the truth: it was ranked first
    assert ranks[3].tolist() == [1, 2]  # at .65 it does not
    assert match_ranks(truth[:0], found).shape == (10, 0)
    assert np.isinf(match_ranks(truth, found[:0])).all()
    broken = np.array([[np.nan, 0, 5, 5], [9, 9, 2, 12]], np.float32)
    assert np.isinf(match_ranks(truth, broken)).all()


def test_memory_begins_anew_with_each_clip_and_not_within_one() -> None:
    truth = np.array([[0, 0, 50, 50]], np.float32)

    def make() -> Iterator[Shot]:
        for source in (0, 0, 1):
            yield Shot(frame(), truth, np.array([source == 0]), source)

    def detector() -> Detector:
        return Detector(ToyTower(), Counting(truth))

    every, moving = evaluate_recall({"counting": detector}, ShotSet("clips", 3, (), make))
    assert (every.objects, moving.objects) == ("all", "moving")
    assert (every.count, moving.count) == (3, 2)
    assert every.recall50.value == pytest.approx(2 / 3)
    assert moving.recall50.value == pytest.approx(1 / 2)


def test_only_what_asks_the_tower_pays_for_it() -> None:
    class Asking(GridProposer):
        def __call__(self, frame: NDArray[np.uint8], features: Features) -> Proposals:
            assert len(features.tokens) > 0
            return super().__call__(frame, features)

    makers = {"grid": partial(Detector, ToyTower(), GridProposer()), "asking": partial(Detector, ToyTower(), Asking())}
    grid, asking = evaluate_recall(makers, scene_shots(1, 2, SIZE))
    assert grid.tower_milliseconds == 0 < asking.tower_milliseconds
    assert grid.ar == asking.ar
    lines = table([grid, asking], scene_shots(1, 2, SIZE), 2).splitlines()
    assert lines[0] == "scenes 300x200, seed 1, 2 frames"
    assert lines[2].split()[:2] == ["grid", "all"]
    assert lines[-1] == f"true boxes: {grid.count} all"
    told = record([grid], scene_shots(1, 2, SIZE), 2)
    assert told["rows"][0]["ar"]["300"]["value"] == grid.ar[300].value


def test_nothing_true_and_nothing_found() -> None:
    none = np.zeros((0, 4), np.float32)
    shots = shots_of([none])
    (row,) = evaluate_recall({"none": partial(Detector, ToyTower(), BoxesProposer([]))}, shots)
    assert (row.count, row.boxes, row.ar[10].value) == (0, 0, 0)
    assert table([row], shots, 1).splitlines()[2].split()[2] == "-"


def test_clips_know_what_moves() -> None:
    shots = list(clip_shots(5, 2, (120, 160)))
    assert len(shots) == len(clip_shots(5, 2, (120, 160))) == 100
    assert [shot.source for shot in (shots[0], shots[49], shots[50])] == [0, 0, 1]
    moving = np.concatenate([shot.moving for shot in shots if shot.moving is not None])
    assert 0.05 < moving.mean() < 0.95
    still = list(clip_shots(5, 1, (120, 160), "still"))
    assert np.array_equal(still[7].frame, shots[7].frame)  # the first of them is by a still camera
