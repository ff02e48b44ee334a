"""What every proposer promises, whatever it looks for. What one finds is tested in the file of its name."""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import cv2
import detectors
import numpy as np
import pytest
import torch
from candidates import WIDTH, Looks, clip
from numpy.typing import NDArray

from proposals.base import Proposals, Proposer
from proposals.boxes import BoxesProposer
from proposals.dense import DenseHead, DenseProposer
from proposals.edges import EdgeProposer
from proposals.every import EveryProposer
from proposals.grid import GridProposer
from proposals.heatmap import HeatmapProposer
from proposals.learned.detr import DetrProposer
from proposals.learned.owlv2 import Owlv2Proposer
from proposals.learned.rpn import RpnProposer
from proposals.learned.sam import SamProposer
from proposals.moving.ego_motion import EgoMotionProposer
from proposals.moving.motion import MotionProposer
from proposals.tiled import TiledProposer
from proposals.tracked import TrackedProposer
from proposals.union import UnionProposer

SIZE = (120, 160)
TRACKS = [[10, 20, 50, 60], [30, 30, 90, 70], [100, 10, 140, 60], [110, 60, 150, 100]]


class Promise(NamedTuple):
    """How a proposer of at most `n` boxes is made, and what it says of itself."""

    make: Callable[[int], Proposer]
    memory: bool = False
    objectness: bool = False
    in_tiles: bool = False
    asks_tower: bool = False


@cache
def network(name: str) -> tuple[Any, Any]:
    torch.manual_seed(0)
    return {"owlv2": detectors.owlv2, "sam": detectors.sam, "yolos": detectors.DETRS["yolos"]}[name]()


def dense(most: int) -> DenseProposer:
    torch.manual_seed(0)
    return DenseProposer(DenseHead(WIDTH), max_proposals=most, min_objectness=0.01)


def heatmap(most: int) -> Proposer:
    maps = torch.rand(2, 6, 8, generator=torch.Generator().manual_seed(0))  # (C, h, w)
    return HeatmapProposer(max_proposals=most).asking(lambda features: maps)


def tracked(most: int) -> TrackedProposer:
    return TrackedProposer(max_proposals=most)


PROMISES = {
    "grid": Promise(lambda n: GridProposer(n)),
    "edges": Promise(lambda n: EdgeProposer(max_proposals=n)),
    "mser": Promise(lambda n: EdgeProposer(method="mser", max_proposals=n)),
    "motion": Promise(lambda n: MotionProposer(max_proposals=n), memory=True),
    "motion knn": Promise(lambda n: MotionProposer(method="knn", max_proposals=n), memory=True),
    "ego-motion": Promise(lambda n: EgoMotionProposer(max_proposals=n), memory=True),
    "tracked": Promise(tracked, memory=True),
    "every": Promise(lambda n: EveryProposer(EdgeProposer(max_proposals=n), every=3), memory=True),
    "every motion": Promise(lambda n: EveryProposer(MotionProposer(max_proposals=n), every=2), memory=True),
    "union": Promise(lambda n: UnionProposer(MotionProposer(), EdgeProposer(), max_proposals=n), memory=True),
    "union of sure ones": Promise(
        lambda n: UnionProposer(heatmap(9), dense(9), max_proposals=n), objectness=True, asks_tower=True
    ),
    "dense": Promise(dense, objectness=True, in_tiles=True, asks_tower=True),
    "tiled": Promise(lambda n: TiledProposer(dense(n), max_proposals=n), objectness=True, asks_tower=True),
    "heatmap": Promise(heatmap, objectness=True),
    "rpn": Promise(lambda n: RpnProposer(detectors.bright_finder(48), max_proposals=n), objectness=True, in_tiles=True),
    "detr": Promise(
        lambda n: DetrProposer(*network("yolos"), max_proposals=n, nms_iou=1.0), objectness=True, in_tiles=True
    ),
    "owlv2": Promise(lambda n: Owlv2Proposer(*network("owlv2"), max_proposals=n), objectness=True, in_tiles=True),
    "sam": Promise(
        lambda n: SamProposer(*network("sam"), max_proposals=n, nms_iou=1.0, points=2, min_objectness=0.0),
        objectness=True,
    ),
}
REMEMBERING = [name for name, promise in PROMISES.items() if promise.memory]
every_proposer = pytest.mark.parametrize("name", PROMISES)


def run(proposer: Proposer, frames: list[NDArray[np.uint8]]) -> list[Proposals]:
    """What it finds in each frame, while a tracker sees the same tracks on each."""
    found = []
    cv2.setRNGSeed(0)  # OpenCV's KNN learns a pixel at random times
    for frame in frames if proposer.has_memory else frames[::4]:
        proposer.update(TRACKS, range(len(TRACKS)))
        found.append(proposer(frame, Looks((frame.shape[0], frame.shape[1]))))
    return found


def assert_same(first: list[Proposals], second: list[Proposals]) -> None:
    for one, two in zip(first, second, strict=True):
        np.testing.assert_array_equal(one.xyxy, two.xyxy)
        np.testing.assert_array_equal(one.objectness, two.objectness)


@every_proposer
@pytest.mark.parametrize("size", [SIZE, (1, 1), (30, 90), (77, 64)])
def test_boxes_lie_inside_the_frame_best_first(name: str, size: tuple[int, int]) -> None:
    for seed in range(3 if size == SIZE else 1):
        found = run(PROMISES[name].make(5), clip(size, seed))
        assert size != SIZE or max(map(len, found)) >= 1
        for each in found:
            assert isinstance(each, Proposals)
            assert each.xyxy.dtype == each.objectness.dtype == np.float32
            assert each.xyxy.shape == (len(each), 4)
            assert len(each) <= 5
            assert np.isfinite(each.xyxy).all()
            assert (each.xyxy >= 0).all()
            assert (each.xyxy <= [size[1], size[0]] * 2).all()
            assert (each.xyxy[:, 2:] > each.xyxy[:, :2]).all()
            assert ((each.objectness >= 0) & (each.objectness <= 1)).all()
            assert (np.diff(each.objectness) <= 0).all()


@every_proposer
def test_fewer_are_the_first_of_more(name: str) -> None:
    if name in ("grid", "union of sure ones", "tiled"):
        pytest.skip("fewer windows are larger ones, and fewer of a member's boxes are others")
    few, many = (run(PROMISES[name].make(most), clip(SIZE)) for most in (2, 40))
    assert max(map(len, few)) <= 2
    assert max(map(len, many)) >= 2
    assert_same(few, [Proposals(each.xyxy[:2], each.objectness[:2]) for each in many])


@every_proposer
def test_it_says_what_it_is(name: str) -> None:
    proposer, promise = PROMISES[name].make(5), PROMISES[name]
    assert isinstance(proposer, Proposer)
    assert (proposer.has_memory, proposer.has_objectness) == (promise.memory, promise.objectness)
    assert proposer.works_in_tiles == promise.in_tiles


@every_proposer
def test_the_tower_runs_only_for_those_that_look_at_its_tokens(name: str) -> None:
    features = Looks(SIZE)
    PROMISES[name].make(5)(clip(SIZE)[0], features)
    assert features.ran == PROMISES[name].asks_tower


@every_proposer
def test_the_same_frames_give_the_same_boxes_and_stay_as_they_are(name: str) -> None:
    frames, kept = clip(SIZE), clip(SIZE)
    first = run(PROMISES[name].make(5), frames)
    assert_same(first, run(PROMISES[name].make(5), frames))
    for frame, other in zip(frames, kept, strict=True):
        np.testing.assert_array_equal(frame, other)


@every_proposer
def test_only_memory_lets_other_frames_change_an_answer(name: str) -> None:
    proposer, frames = PROMISES[name].make(5), clip(SIZE)
    first = run(proposer, frames[:12])
    run(proposer, frames[12:])
    if not proposer.has_memory:
        assert proposer.fresh() is proposer
        assert_same(first, run(proposer, frames[:12]))
    proposer.reset()
    if name != "tracked":  # what a tracker sees is no memory of frames
        assert_same(first, run(proposer, frames[:12]))


@pytest.mark.parametrize("name", REMEMBERING)
def test_a_fresh_one_has_seen_nothing_and_leaves_the_used_one_alone(name: str) -> None:
    alone, used, reference = (PROMISES[name].make(5) for _ in range(3))
    frames = clip(SIZE)
    run(used, frames[:12])
    other = used.fresh()
    assert type(other) is type(used)
    assert_same(run(other, frames[:12]), run(alone, frames[:12]))
    run(reference, frames[:12])
    assert_same(run(used, frames[12:]), run(reference, frames[12:]))


@pytest.mark.parametrize("name", REMEMBERING)
def test_a_frame_of_another_size_is_no_error(name: str) -> None:
    proposer = PROMISES[name].make(5)
    run(proposer, clip(SIZE))
    for each in run(proposer, clip((60, 50))):
        assert (each.xyxy <= [50, 60] * 2).all()


@every_proposer
def test_a_list_without_room_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"expected max_proposals of at least 1, got 0"):
        PROMISES[name].make(0)


@pytest.mark.parametrize(
    "proposer",
    [
        BoxesProposer([]),
        UnionProposer(BoxesProposer([]), BoxesProposer([])),
        EveryProposer(BoxesProposer([])),
        TiledProposer(BoxesProposer([])),
        EdgeProposer(),
        EdgeProposer(method="mser"),
        MotionProposer(),
        EgoMotionProposer(),
        TrackedProposer(),
        HeatmapProposer(lambda features: torch.zeros(0, 6, 8)),
        DenseProposer(DenseHead(WIDTH), min_objectness=1.0),
    ],
    ids=lambda proposer: type(proposer).__name__,
)
def test_no_boxes_have_the_types_of_many(proposer: Proposer) -> None:
    found = proposer(np.full((90, 160, 3), 77, np.uint8), Looks((90, 160)))
    assert found.xyxy.shape == (0, 4)
    assert found.objectness.shape == (0,)
    assert found.xyxy.dtype == found.objectness.dtype == np.float32


@pytest.mark.parametrize(
    ("make", "setting", "message"),
    [
        (GridProposer, {"min_side": 0}, "grid: expected min_side of at least 1, got 0"),
        (GridProposer, {"aspects": ()}, "one or more aspects"),
        (GridProposer, {"aspects": (1.0, -2.0)}, "aspects above 0"),
        (GridProposer, {"aspects": (float("nan"),)}, "aspects above 0"),
        (GridProposer, {"shrink": 1.0}, "0 < shrink < 1"),
        (GridProposer, {"overlap": 1.0}, "0 <= overlap < 1"),
        (EdgeProposer, {"method": "canny"}, "one of edges, mser, got 'canny'"),
        (EdgeProposer, {"side": 8}, "side of at least 16"),
        (EdgeProposer, {"min_area": 2.0}, r"min_area in 0\.\.1"),
        (EdgeProposer, {"nms_iou": -0.5}, r"edges: expected nms_iou in 0\.\.1"),
        (MotionProposer, {"method": "flow"}, "one of mog2, knn, got 'flow'"),
        (MotionProposer, {"scale": 0.0}, "scale above 0 and at most 1, got 0.0"),
        (MotionProposer, {"min_area": 1.5}, r"min_area in 0\.\.1"),
        (MotionProposer, {"gap": float("nan")}, r"gap in 0\.\.1"),
        (MotionProposer, {"history": 0}, "history of at least 1"),
        (MotionProposer, {"stay": -1}, "stay of at least 0, got -1"),
        (MotionProposer, {"light_step": -0.1}, r"light_step in 0\.\.1"),
        (EgoMotionProposer, {"scale": 1.5}, "scale above 0 and at most 1, got 1.5"),
        (EgoMotionProposer, {"step": 0}, "step of at least 1, got 0"),
        (EgoMotionProposer, {"min_area": -0.1}, r"min_area in 0\.\.1"),
        (EgoMotionProposer, {"gap": 2.0}, r"gap in 0\.\.1"),
        (EgoMotionProposer, {"min_inliers": float("nan")}, r"min_inliers in 0\.\.1"),
        (TrackedProposer, {"keep": 0}, "keep of at least 1"),
        (HeatmapProposer, {"floor": 2.0}, r"heatmap: expected floor in 0\.\.1"),
        (HeatmapProposer, {"levels": (1.0,)}, "levels above 0 and below 1"),
        (HeatmapProposer, {"levels": ()}, "levels above 0"),
        (HeatmapProposer, {"peaks": 0}, "peaks of at least 1"),
        (lambda every: EveryProposer(GridProposer(), every=every), {"every": 0}, "every of at least 1, got 0"),
        (lambda iou: UnionProposer(GridProposer(), iou=iou), {"iou": 1.2}, r"union: expected iou in 0\.\.1, got 1\.2"),
        (lambda iou: TiledProposer(GridProposer(), iou=iou), {"iou": -1}, r"tiled: expected iou in 0\.\.1"),
        (
            lambda border: TiledProposer(GridProposer(), border=border),
            {"border": 0.6},
            r"border in 0\.\.0\.5, got 0\.6",
        ),
        (lambda **setting: DenseProposer(DenseHead(4), **setting), {"min_objectness": 1.5}, "dense: .*min_objectness"),
        (lambda **setting: DenseProposer(DenseHead(4), **setting), {"vote_iou": 2.0}, "vote_iou in"),
        (lambda **setting: DenseProposer(DenseHead(4), **setting), {"nms_iou": -0.1}, "nms_iou in"),
        (lambda **setting: DetrProposer(*network("yolos"), **setting), {"nms_iou": 1.5}, r"detr: .*nms_iou in 0\.\.1"),
        (lambda **setting: SamProposer(*network("sam"), **setting), {"points": 0}, "points of at least 1"),
        (lambda **setting: SamProposer(*network("sam"), **setting), {"min_objectness": 2}, r"min_objectness in 0\.\.1"),
        (lambda **setting: SamProposer(*network("sam"), **setting), {"min_area": -0.1}, r"min_area in 0\.\.1"),
    ],
)
def test_settings_out_of_range_are_refused(
    make: Callable[..., Proposer], setting: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        make(**setting)
