import numpy as np
import pytest
import supervision as sv
from drawn import GREY, changed

from regionclip.drawing import Style, ZoneShape, annotate, draw_banner, draw_legend, draw_zones
from regionclip.drawing.colours import colour
from regionclip.errors import ConfigError

SQUARE = [(100, 80), (300, 80), (300, 200), (100, 200)]


def test_a_zone_is_an_outline_and_a_name() -> None:
    drawn = draw_zones(GREY, [ZoneShape("", SQUARE)])
    marks = changed(drawn)
    assert marks[80, 110:290].all()
    assert marks[90:190, 100].all()
    assert not marks[90:190, 110:290].any()
    assert not marks[:, :90].any()
    named = changed(draw_zones(GREY, [ZoneShape("装卸区", SQUARE)]))
    assert named[60:78].sum() > 500


def test_an_active_zone_is_filled_and_still_shows_what_is_in_it() -> None:
    frame = GREY.copy()
    frame[120:140, 200:220] = (255, 0, 0)
    drawn = draw_zones(frame, [ZoneShape("", SQUARE, "00ff00", active=True)])
    assert changed(drawn, frame)[90:190, 110:290].all()
    assert not np.array_equal(drawn[130, 210], drawn[150, 210])
    assert drawn[150, 210, 1] > 128 > drawn[150, 210, 0]
    assert not changed(drawn, frame)[:, :80].any()


def test_a_line_has_two_points() -> None:
    drawn = draw_zones(GREY, [ZoneShape("", [(50, 120), (350, 120)], "00aaee")])
    assert np.abs(drawn[120, 60:340].astype(int) - colour("00aaee")).max() < 40
    assert not changed(drawn)[:100].any()


@pytest.mark.parametrize(
    "points",
    [[(-900, -50), (900, -50), (900, 900), (-900, 900)], [(-90, -90), (-50, -20), (-80, -10)], [(0, 0), (1e9, 9)]],
)
def test_zones_over_the_border(points: list[tuple[float, float]]) -> None:
    drawn = draw_zones(GREY, [ZoneShape("name", points, active=True)])
    assert drawn.shape == GREY.shape
    assert changed(drawn).any()  # the name at least


def test_no_zones() -> None:
    assert np.array_equal(draw_zones(GREY, []), GREY)


@pytest.mark.parametrize(
    "points", [[], [(1, 2)], [(1, 2, 3), (4, 5, 6)], [(1, 2), (np.nan, 3)], "here", [("a", 2), (3, 4)], [1, 2, 3]]
)
def test_points_that_cannot_be(points: object) -> None:
    with pytest.raises(ConfigError, match=r"zone 'gate': expected .*points \(K, 2\)"):
        ZoneShape("gate", points)  # type: ignore[arg-type]


def test_names_of_zones_in_one_place_do_not_cover_one_another() -> None:
    one = draw_zones(GREY, [ZoneShape("one", SQUARE)])
    both = draw_zones(GREY, [ZoneShape("one", SQUARE), ZoneShape("one", SQUARE)])
    assert changed(both).sum() > changed(one).sum() + 300


def test_a_banner() -> None:
    marks = changed(draw_banner(GREY, ["人员进入 person entered"], flash=False))
    assert marks[2:12, 2:60].all()
    assert not marks[30:].any()
    flashing = draw_banner(GREY, ["x"], colour="00aaee")
    for edge in (flashing[0], flashing[-1], flashing[:, 0], flashing[:, -1]):
        assert (edge == colour("00aaee")).all()
    assert np.array_equal(draw_banner(GREY, []), GREY)
    with pytest.raises(ConfigError, match="list of lines"):
        draw_banner(GREY, "one string")


def test_a_banner_covers_half_the_frame_at_most() -> None:
    few, many = (changed(draw_banner(GREY, [f"line {n}" for n in range(count)], flash=False)) for count in (3, 99))
    assert few[:120].sum() < many[:120].sum()
    assert not many[125:].any()
    wide = changed(draw_banner(GREY, ["long " * 99], flash=False))
    assert wide[5, :400].all()
    assert not wide[30:].any()


def test_a_legend() -> None:
    names = ["person", "红色背包"]
    drawn = draw_legend(GREY, names)
    for paint in Style().palette(names).values():
        assert (drawn[:, :30] == paint).all(axis=2).sum() > 30
    assert not changed(drawn)[:, 200:].any()
    chinese = draw_legend(GREY, ["person"], style=Style(words=["person"], language="zh"))
    assert np.array_equal(chinese, draw_legend(GREY, ["person"], style=Style(words=["person"])))  # it has no other name
    assert np.array_equal(draw_legend(GREY, []), GREY)


def test_a_legend_hides_neither_the_picture_nor_boxes() -> None:
    white = np.full((240, 320, 3), 255, np.uint8)
    dark = np.zeros_like(white)
    behind = [draw_legend(picture, ["person"])[-12:-6, 60].mean() for picture in (white, dark)]
    assert behind[0] > behind[1] + 60
    box = sv.Detections(
        xyxy=np.array([[20, 200, 60, 230]], np.float32), class_id=np.array([0]), data={"class_name": np.array(["dog"])}
    )
    drawn = annotate(GREY, box, style=Style(words=["person", "dog"], legend=True, colours={"dog": "123456"}))
    assert (drawn[215, 60] == (0x56, 0x34, 0x12)).all()
    for size in ((1, 1), (4, 4), (9, 40), (40, 9)):
        assert draw_legend(np.zeros((*size, 3), np.uint8), ["person", "dog"]).shape == (*size, 3)


def test_a_long_legend_says_how_many_are_left_out() -> None:
    names = [f"label {place}" for place in range(60)]
    marks = changed(draw_legend(GREY, names))
    assert not marks[:110].any()
    assert not np.array_equal(draw_legend(GREY, names), draw_legend(GREY, names[:40]))
