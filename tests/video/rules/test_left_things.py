"""Things that were left: when they are, and what does not count as left."""

import pytest
from watching import Scene, Thing, rule_set, spoken, told, walk


class Luggage:
    """A person walks in with a bag, puts it down at second 6 at column 160, and walks out."""

    def __init__(self, leaves: float = 8, taken: float = 99) -> None:
        self.leaves, self.taken = leaves, taken

    def __call__(self, time: float) -> list[Thing]:
        person = min(walk(time, -20, 40, 1), 175) + 40 * max(0.0, time - self.leaves)
        bag = min(walk(time, -35, 40, 1), 160)
        things: list[Thing] = [(1, "person", person, 200)] if -15 < person < 335 else []
        if bag > -10 and time < self.taken:
            things.append((2, "handbag", bag, 200))
        return things


LEFT = {"kind": "left", "labels": "handbag", "seconds": 4}


def test_a_bag_is_left_when_its_owner_has_gone_for_long_enough() -> None:
    start, end = told(rule_set(LEFT), Luggage(taken=25), 40)
    # The owner is away once the gap between the boxes is more than a height of 60 pixels: at column 245, second 9.75.
    assert start.since_seconds == pytest.approx(9.7, abs=0.11)
    assert start.t_seconds == pytest.approx(start.since_seconds + 4, abs=0.11)
    assert (start.tracks, start.label) == ((2,), "handbag")
    assert end.duration == pytest.approx(25 - start.since_seconds, abs=0.2)
    assert end.t_seconds == pytest.approx(35, abs=0.2)  # after the grace


def test_a_bag_beside_its_owner_is_not_left() -> None:
    assert told(rule_set(LEFT), Luggage(leaves=99), 30) == []


def test_passers_by_do_not_look_after_a_bag() -> None:
    luggage = Luggage()

    def crowd(time: float) -> list[Thing]:
        others: list[Thing] = [(10 + n, "person", walk(time, -10, 60, 10 + 2 * n), 205) for n in range(10)]
        return [*luggage(time), *(other for other in others if 0 < other[2] < 320)]

    starts = [event for event in told(rule_set(LEFT), crowd, 30) if event.phase == "start"]
    assert [event.t_seconds for event in starts] == [pytest.approx(13.8, abs=0.2)]


def test_a_bag_that_is_hidden_for_a_while_and_comes_back_under_another_number_is_one_incident() -> None:
    luggage = Luggage()
    hidden: Scene = lambda time: [  # noqa: E731
        (track if time < 20 else track + 5, label, x, y) for track, label, x, y in luggage(time) if not 15 < time < 20
    ]
    assert spoken(told(rule_set(LEFT), hidden, 40)) == [("left", "start"), ("left", "end")]


def test_what_was_there_before_is_not_left() -> None:
    there: Scene = lambda time: [(2, "handbag", 160, 200)]  # noqa: E731
    assert told(rule_set(LEFT), there, 20) == []
    assert spoken(told(rule_set({**LEFT, "from_start": True}), there, 20)) == [("left", "start"), ("left", "end")]


def test_an_owner_who_comes_back_ends_it() -> None:
    luggage = Luggage()

    def scene(time: float) -> list[Thing]:
        back = [(1, "person", max(175.0, 335 - 40 * (time - 16)), 200.0)] if time > 16 else []
        return [*luggage(time), *back]

    start, end = told(rule_set({**LEFT, "grace": 2}, same={"seconds": 10}), scene, 40)
    assert start.t_seconds < 14.1
    assert end.t_seconds == pytest.approx(20.3, abs=0.5)
