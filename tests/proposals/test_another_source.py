"""Proposers with memory, given to several sources."""

from collections.abc import Callable

import numpy as np
import pytest

from proposals.base import Features, Proposals, Proposer, Remembers, for_another_source
from proposals.every import EveryProposer
from proposals.grid import GridProposer
from proposals.moving.ego_motion import EgoMotionProposer
from proposals.moving.motion import MotionProposer
from proposals.tracked import TrackedProposer
from proposals.union import UnionProposer

FEATURES: Features = None  # type: ignore[assignment]  # the tower is never asked
RNG = np.random.default_rng(0)
WALL = np.kron(RNG.integers(60, 200, (24, 32, 3)), np.ones((10, 10, 1))).astype(np.uint8)  # (240, 320, 3)


def with_thing(step: int) -> np.ndarray:
    frame = WALL.copy()
    frame[80:140, 20 + 8 * step : 70 + 8 * step] = 255
    return frame


MAKERS: dict[str, Callable[[], Proposer]] = {
    "motion": lambda: MotionProposer(),
    "motion knn": lambda: MotionProposer(method="knn"),
    "ego-motion": lambda: EgoMotionProposer(),
    "every": lambda: EveryProposer(GridProposer(), every=3),
    "every motion": lambda: EveryProposer(MotionProposer(), every=2),
    "union": lambda: UnionProposer(MotionProposer(), GridProposer()),
}


def run(proposer: Proposer, steps: range) -> list[Proposals]:
    return [proposer(with_thing(step), FEATURES) for step in steps]


@pytest.mark.parametrize("name", MAKERS)
def test_a_fresh_one_has_seen_nothing_and_leaves_the_first_alone(name: str) -> None:
    alone, used = MAKERS[name](), MAKERS[name]()
    run(used, range(6))
    other = for_another_source(used)
    assert other is not used
    for first, second in zip(run(alone, range(6)), run(other, range(6)), strict=True):
        np.testing.assert_array_equal(first.xyxy, second.xyxy)
    reference = MAKERS[name]()
    run(reference, range(6))
    for first, second in zip(run(reference, range(6, 10)), run(used, range(6, 10)), strict=True):
        np.testing.assert_array_equal(first.xyxy, second.xyxy)


def test_tracks_of_one_source_are_not_proposed_in_another() -> None:
    first = TrackedProposer()
    first.update([[10, 10, 50, 50]], [1])
    second = for_another_source(first)
    assert isinstance(second, TrackedProposer)
    second.update([[100, 100, 150, 150]], [1])
    np.testing.assert_array_equal(first(WALL, FEATURES).xyxy, [[10, 10, 50, 50]])
    np.testing.assert_array_equal(second(WALL, FEATURES).xyxy, [[100, 100, 150, 150]])


def test_what_has_no_memory_is_shared() -> None:
    grid = GridProposer()
    assert for_another_source(grid) is grid


def test_memory_that_cannot_start_afresh_is_refused() -> None:
    class Stubborn:
        has_memory, has_objectness = True, False

        def __call__(self, frame: object, features: object) -> Proposals:
            return Proposals.empty()

    assert not isinstance(Stubborn(), Remembers)
    with pytest.raises(ValueError, match="Stubborn remembers earlier frames"):
        for_another_source(Stubborn())
