import numpy as np
import pytest
import supervision as sv
from drawn import GREY, changed, found

from regionclip.drawing import Trails, annotate
from regionclip.drawing.colours import label_colours
from regionclip.errors import ConfigError
from regionclip.frames import Frame


def at(x: float, track: int = 1, name: str = "person") -> sv.Detections:
    return found(name, boxes=[[x, 50, x + 20, 100]], track=[track])


def alike(pixels: Frame, name: str) -> bool:
    """Whether pixels `(K, 3)` have a label's colour, as far as thin smooth lines do."""
    return bool(np.abs(pixels.astype(int) - label_colours([name])[name]).max() < 40)


def test_a_trail_leads_to_the_foot_of_the_box() -> None:
    trails = Trails()
    for x in range(20, 300, 10):
        trails.update(at(x))
    drawn = annotate(GREY, found(), trails=trails)
    assert alike(drawn[100, 40:300], "person")
    assert not changed(drawn)[:95].any()
    assert not changed(drawn)[:, 310:].any()
    assert changed(drawn)[:, 290].sum() > changed(drawn)[:, 50].sum()  # thicker towards now


def test_history_is_bounded() -> None:
    trails = Trails(length=5, patience=3)
    for x in range(200):
        trails.update(at(x, track=x // 2))  # a new track every second frame
        assert len(trails) <= 3
    for x in range(0, 300, 10):
        trails.update(at(x, track=7))
    assert len(trails) == 1
    columns = np.nonzero(changed(annotate(GREY, found(), trails=trails)).any(axis=0))[0]
    assert columns.max() - columns.min() <= 4 * 10 + 8


def test_forgotten_tracks_go_and_seen_ones_stay() -> None:
    trails = Trails(patience=2)
    trails.update(at(10, track=1))
    trails.update(at(10, track=2))
    assert len(trails) == 2
    trails.update(at(12, track=2))
    assert len(trails) == 1
    for _ in range(2):
        trails.update(sv.Detections.empty())
    assert len(trails) == 0
    assert np.array_equal(annotate(GREY, found(), trails=trails), GREY)


def test_rows_without_a_track() -> None:
    trails = Trails()
    trails.update(found("person"))
    trails.update(at(10, track=-1))
    assert len(trails) == 0


def test_a_trail_takes_the_latest_label() -> None:
    trails = Trails()
    trails.update(at(50))
    trails.update(at(90, name="dog"))
    drawn = annotate(GREY, found(), trails=trails)
    assert alike(drawn[100, 70:90], "dog")
    assert not alike(drawn[100, 70:90], "person")


@pytest.mark.parametrize("wrong", [{"length": 0}, {"patience": 0}])
def test_bounds_that_cannot_be(wrong: dict[str, int]) -> None:
    with pytest.raises(ConfigError):
        Trails(**wrong)
