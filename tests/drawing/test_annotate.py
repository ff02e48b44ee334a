from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import supervision as sv
from drawn import BOX, GREY, changed, found, noise
from fontfile import write_font

from regionclip.drawing import Style, Trails, ZoneShape, annotate, label_texts
from regionclip.drawing.canvas import Canvas
from regionclip.drawing.colours import GREY as UNKNOWN_COLOUR
from regionclip.drawing.colours import colour, label_colours
from regionclip.errors import ConfigError, DrawingError
from regionclip.words.vocabulary import Label, Vocabulary

PERSON = colour("00ee66")
PPE = Vocabulary(
    [
        Label("person", ["person", "人"]),
        Label("forklift", ["叉车"], name_zh="叉车"),
        Label("红色背包", ["red backpack", "红色背包"]),
        Label("helmet", ["person in a helmet"], of="person", group="head", name_zh="戴安全帽"),
        Label("no helmet", ["person without a helmet"], of="person", group="head"),
    ]
)


def test_nothing_to_draw_gives_a_copy() -> None:
    for nothing in (found(), sv.Detections.empty()):
        drawn = annotate(GREY, nothing, style=Style(attributes=["head"], blur=["face"], legend=True))
        assert np.array_equal(drawn, GREY)
        assert drawn is not GREY
    assert label_texts(found()) == []


def test_a_box_and_its_label_and_nothing_else() -> None:
    before = GREY.copy()
    drawn = annotate(GREY, found("person"))
    assert np.array_equal(GREY, before)
    rows, columns = np.nonzero(changed(drawn))
    assert (columns.min(), columns.max(), rows.max()) == pytest.approx((60, 240, 160), abs=1)
    assert rows.min() >= 40
    marks = changed(drawn)
    assert not marks[62:159, 62:239].any()  # the object itself stays visible
    assert not marks[:59, 200:].any()
    assert marks[45:58, 62:100].all()  # the label's plate stands above the box
    assert tuple(drawn[110, 60]) == tuple(drawn[46, 61]) == PERSON


def test_chinese_names_look_different() -> None:
    names = ("人", "狗", "猫", "?", "火")
    pictures = [annotate(GREY, found(name), style=Style(colours={name: "000080"})) for name in names]
    for place, first in enumerate(pictures):
        for second in pictures[:place]:
            assert not np.array_equal(first, second)


def test_what_is_written() -> None:
    rows = found("person", "红色背包", track=[12, -1], head=["helmet", ""], jacket=["red jacket", "n/a"])
    assert label_texts(rows) == ["#12 person 0.90", "红色背包 0.50"]
    assert label_texts(rows, Style(attributes=["head", "jacket"])) == [
        "#12 person 0.90 · helmet · red jacket",
        "红色背包 0.50 · n/a",
    ]
    assert label_texts(rows, Style(score=False, track=False)) == ["person", "红色背包"]
    for with_one, without in (("score", Style(score=False)), ("track", Style(track=False))):
        assert not np.array_equal(annotate(GREY, rows), annotate(GREY, rows, style=without)), with_one
    with pytest.raises(ConfigError, match=r"columns .*class_name, head, jacket.*got \['hat'\]"):
        annotate(GREY, rows, style=Style(attributes=["hat"]))


def test_words_bring_languages_and_attributes() -> None:
    rows = found("person", "forklift", "红色背包", "unknown", "cat", head=["helmet", "", "", "", "no helmet"])
    plain = Style(words=PPE, score=False)
    assert label_texts(rows, plain) == ["person · helmet", "forklift", "红色背包", "unknown", "cat · no helmet"]
    assert label_texts(rows, replace(plain, language="zh")) == [
        "人 · 戴安全帽",
        "叉车",
        "红色背包",
        "未知",
        "cat · no helmet",
    ]
    assert label_texts(rows, replace(plain, language="en"))[2] == "red backpack"
    assert label_texts(rows, replace(plain, attributes=()))[0] == "person"
    assert label_texts(found("person"), plain) == ["person"]  # of a detector that was not asked for attributes
    assert plain.names == ("person", "forklift", "红色背包")


def test_detections_of_other_sources() -> None:
    boxes = np.array([BOX, [300, 20, 380, 200]], np.float32)
    bare = sv.Detections(xyxy=boxes)
    assert label_texts(bare) == ["", ""]
    assert changed(annotate(GREY, bare)).sum() == pytest.approx(2 * (2 * 180 + 2 * 100), rel=0.15)  # boxes alone
    assert label_texts(sv.Detections(xyxy=boxes, class_id=np.array([7, -1]))) == ["7", "unknown"]
    tracked = sv.Detections(xyxy=boxes, tracker_id=np.array([3, 4]), confidence=np.array([0.5, np.nan]))
    assert label_texts(tracked) == ["#3 0.50", "#4"]
    assert changed(annotate(GREY, tracked)).sum() > changed(annotate(GREY, bare)).sum()


@pytest.mark.parametrize(
    "box", [[np.nan, 0, 10, 10], [500, 10, 600, 50], [-90, 10, -50, 50], [10, -50, 40, -20], [10, 300, 40, 400]]
)
def test_boxes_outside_the_frame_are_left_out(box: list[float]) -> None:
    outside = found("x")
    outside.xyxy = np.array([box], np.float32)  # supervision refuses what is not finite at the door only
    assert np.array_equal(annotate(GREY, outside), GREY)


@pytest.mark.parametrize(
    "box", [[0, 0, 40, 30], [380, 0, 420, 40], [390, 220, 420, 240], [-1e9, -1e9, 1e9, 1e9], [200, 100, 200, 100]]
)
def test_labels_stay_inside_the_frame(box: list[float]) -> None:
    name = "a long label at the edge"
    plates = [plate_pixels(annotate(frame, found(name, boxes=[box])), name) for frame in (GREY, np.zeros_like(GREY))]
    assert plates[0] == plates[1] > 1500  # the whole plate, wherever the box is


def plate_pixels(drawn: np.ndarray, name: str) -> int:
    """Pixels in the name's colour, boxes included."""
    return int((drawn == label_colours([name])[name]).all(axis=2).sum())


def test_long_labels_are_cut() -> None:
    sentence = "a man in a dark blue coat who carries a large red suitcase past the second lamp post"
    rows = found(sentence, track=[5], a=["a very long attribute that nobody can read in so small a picture"])
    drawn = annotate(GREY, rows, style=Style(attributes=["a"], score=False))
    columns = np.nonzero(changed(drawn).any(axis=0))[0]
    assert columns.max() - columns.min() <= 420 // 2 + 2
    narrow = np.full((60, 40, 3), 128, np.uint8)
    assert changed(annotate(narrow, found(sentence, boxes=[[5, 30, 35, 50]])), narrow)[:30].any()
    endless = changed(annotate(GREY, found("word " * 100_000)))
    assert 100 < endless[50].sum() <= 212
    shorter = annotate(GREY, found("a man in a dark blue coat with nothing in his hands whatsoever, walking away"))
    assert not np.array_equal(annotate(GREY, found(sentence))[:58], shorter[:58])


def test_unknown_is_grey_and_colours_can_be_chosen() -> None:
    assert tuple(annotate(GREY, found("unknown"))[110, 60]) == UNKNOWN_COLOUR
    fire = annotate(GREY, found("fire", "person"), style=Style(colours={"fire": "#ff0000"}))
    assert tuple(fire[110, 60]) == (0, 0, 255)


def test_a_label_keeps_its_colour_in_every_frame_of_a_vocabulary() -> None:
    names = [f"label {place}" for place in range(20)]
    style = Style(words=names)
    seen = [tuple(annotate(GREY, found(name), style=style)[110, 60]) for name in names]
    assert len(set(seen)) == 20
    boxes = [[20.0 * place, 10, 20.0 * place + 12, 230] for place in range(20)]
    together = annotate(GREY, found(*names, boxes=boxes), style=replace(style, score=False))
    for place, paint in enumerate(seen):
        assert (together[:, 20 * place] == paint).all(axis=1).any()


def test_crowded_pictures_stay_readable() -> None:
    """Text covers a part of the frame only, and the labels that are written are whole."""
    frame = np.full((120, 160, 3), 128, np.uint8)
    rng = np.random.default_rng(3)
    corners = rng.uniform((0, 0), (130, 100), (40, 2))
    boxes = np.hstack([corners, corners + rng.uniform(8, 30, (40, 2))]).tolist()
    canvas = Canvas(frame.copy(), Style())
    from regionclip.drawing.labels import draw_labels

    draw_labels(canvas, found(*(f"name {place}" for place in range(40)), boxes=boxes))
    areas = [(x2 - x1) * (y2 - y1) for x1, y1, x2, y2 in canvas.taken]
    union = np.zeros((120, 160), bool)
    for x1, y1, x2, y2 in canvas.taken:
        union[y1:y2, x1:x2] = True
    assert 3 <= len(areas) < 40
    assert sum(areas) <= 0.3 * 120 * 160
    assert union.sum() >= 0.97 * sum(areas)


@pytest.mark.parametrize(("height", "size"), [(120, 11), (480, 14), (720, 18), (1080, 26), (2160, 47)])
def test_text_grows_with_the_frame(height: int, size: int) -> None:
    canvas = Canvas(np.zeros((height, height * 16 // 9, 3), np.uint8), Style())
    assert canvas.size == size
    assert Canvas(canvas.pixels, Style(scale=2)).size >= 1.9 * size or height < 350


def test_everything_at_once(tmp_path: Path) -> None:
    font = write_font(tmp_path / "a.ttf", "SimHei", "人火")
    trails = Trails()
    rows = found("人", "face", boxes=[BOX, [150, 60, 190, 90]], track=[1, 2])
    for _ in range(3):
        trails.update(rows)
    style = Style(words=["人", "face"], legend=True, blur=["face"], font=font)
    zone = ZoneShape("zone", [(300, 20), (400, 20), (350, 200)], active=True)
    frame = noise(240, 420)
    whole = annotate(frame, rows, style=style, zones=[zone], trails=trails, banner=["event 火"])
    parts = [annotate(frame, rows, style=replace(style, legend=False, blur=()))]
    parts.append(annotate(frame, rows, style=replace(style, legend=False, blur=()), zones=[zone]))
    for part in parts:
        assert not np.array_equal(whole, part)
    with pytest.raises(DrawingError, match="猫"):
        annotate(frame, rows, style=style, banner=["猫"])


@pytest.mark.parametrize(
    "wrong",
    [
        {"language": "fr"},
        {"scale": 0},
        {"scale": 11},
        {"scale": float("nan")},
        {"attributes": "head"},
        {"blur": "face"},
        {"blur": [3]},
        {"colours": {"x": "red"}},
    ],
)
def test_a_style_that_cannot_be(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        Style(**wrong)  # type: ignore[arg-type]


def test_an_old_opencv(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without fonts in OpenCV the same picture is drawn with those of files."""
    monkeypatch.delenv("REGIONCLIP_FONT", raising=False)
    monkeypatch.delattr(cv2, "FontFace", raising=False)
    assert changed(annotate(GREY, found("person", "🔥 café", track=[1, 2]))).any()
    font = write_font(tmp_path / "font.ttf", "SimHei", "灭火器红绿")
    first, second = (annotate(GREY, found(name), style=Style(font=font)) for name in ("灭火器", "灭红绿"))
    assert not np.array_equal(first[:58], second[:58])
