"""`regionclip eval serve`: a real service and its clients on loopback, and what is counted of them."""

from toy import toy_detector

from regionclip.detector import Detector
from regionclip.evaluation.speed.serve import Load, measure_loads, measure_tower, table


def four_boxes() -> Detector:
    return toy_detector(4)


def test_a_service_under_load() -> None:
    one, three = measure_loads(four_boxes, ["red"], (1, 3), [2], seconds=1)
    assert [(load.clients, load.batch, load.lost) for load in (one, three)] == [(1, 2, 0), (3, 2, 0)]
    assert len(one.answers) > 3
    assert one.mean == 1
    assert 1 <= three.mean <= 2
    assert three.mib > 50
    assert set(measure_tower(toy_detector(4), [1, 4], passes=1)) == {1, 4}


def test_the_gain_is_told_for_most_clients() -> None:
    loads = [
        Load(1, 1, 1.0, (10.0,) * 10, 0, 1.0, 100.0),
        Load(8, 1, 1.0, (10.0,) * 20, 0, 1.0, 100.0),
        Load(8, 4, 1.0, (10.0,) * 50, 1, 3.5, 100.0),
    ]
    lines = table(loads, {1: 10.0, 4: 30.0}).splitlines()
    assert lines[3].split() == ["8", "4", "50.0", "10", "10", "1", "3.5", "100"]
    assert lines[4].startswith(
        "batches of 4 against 1: the service gives 2.50 times the answers (8 clients), the tower alone 3.00"
    )
