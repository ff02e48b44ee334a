import cv2
import numpy as np
import pytest
import supervision as sv
from numpy.typing import NDArray

from regionclip.drawing import annotate, label_texts
from regionclip.errors import DrawingError, FrameError
from regionclip.frames import Frame

GREY = np.full((200, 300, 3), 128, np.uint8)
BOX = [60.0, 60.0, 240.0, 160.0]


def found(*names: str, boxes: list[list[float]] | None = None, class_id: int = 0) -> sv.Detections:
    return sv.Detections(
        xyxy=np.array(boxes or [BOX] * len(names), np.float32).reshape(-1, 4),
        confidence=np.full(len(names), 0.5, np.float32),
        class_id=np.full(len(names), class_id),
        data={"class_name": np.array(names, dtype=np.str_)},
    )


def changed(frame: Frame) -> NDArray[np.bool_]:
    return np.asarray((frame != GREY).any(axis=2))


def test_a_new_frame_with_the_box_and_the_label_on_it() -> None:
    before = GREY.copy()
    drawn = annotate(GREY, found("person"))
    assert np.array_equal(GREY, before)
    assert drawn.shape == GREY.shape
    rows, columns = np.nonzero(changed(drawn))
    assert (columns.min(), columns.max()) == pytest.approx((60, 240), abs=2)
    assert rows.max() == pytest.approx(160, abs=2)
    assert not changed(drawn)[70:150, 70:230].any()  # the object itself stays visible
    assert changed(drawn)[40:60, 62:100].any()  # the label stands above the box


def test_read_only_frames_are_drawn_on() -> None:
    frozen = GREY.copy()
    frozen.flags.writeable = False
    assert changed(annotate(frozen, found("person"))).any()


def test_nothing_to_draw_gives_a_copy() -> None:
    drawn = annotate(GREY, found())
    assert np.array_equal(drawn, GREY)
    assert drawn is not GREY


def test_chinese_is_drawn_character_by_character() -> None:
    pictures = [annotate(GREY, found(name)) for name in ("人", "狗", "猫", "?", "火")]
    for i, first in enumerate(pictures):
        for second in pictures[:i]:
            assert not np.array_equal(first, second)


def test_what_the_fonts_lack_is_written_as_its_name() -> None:
    assert label_texts(found("🔥 fire")) == ["[fire] fire 0.50"]
    assert label_texts(found("灭火器 café 한국")) == ["灭火器 café 한국 0.50"]
    assert label_texts(found("red‍ car️")) == ["red car 0.50"]  # joiners and variation selectors have no picture
    named = label_texts(found("ไ"))[0]
    assert "thai" in named
    assert "?" not in named


def test_labels_stay_inside_the_frame() -> None:
    edges = [[0.0, 0.0, 40.0, 30.0], [250.0, 0.0, 300.0, 40.0], [270.0, 170.0, 300.0, 200.0]]
    names = ["a long label at the edge"] * 3
    for box in edges:
        drawn = changed(annotate(GREY, found(names[0], boxes=[box])))
        x1, y1, x2, y2 = map(int, box)
        drawn[max(0, y1 - 3) : y2 + 3, max(0, x1 - 3) : x2 + 3] = False
        assert drawn.sum() > 500  # the label's plate, most of it beside the box


def test_unknown_has_a_colour_of_its_own() -> None:
    named, unknown = annotate(GREY, found("x", class_id=0)), annotate(GREY, found("x", class_id=-1))
    assert not np.array_equal(named[110, 58:64], unknown[110, 58:64])
    assert np.ptp(unknown[110, 60].astype(int)) == 0  # grey


def test_detections_of_another_source() -> None:
    plain = sv.Detections(xyxy=np.array([BOX], np.float32))
    assert label_texts(plain) == ["0"]
    assert changed(annotate(GREY, plain)).any()


def test_an_old_opencv_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(cv2, "FontFace")
    assert changed(annotate(GREY, found("person"))).any()
    with pytest.raises(DrawingError, match="opencv-python>=5"):
        annotate(GREY, found("灭火器"))


def test_a_frame_that_is_none() -> None:
    with pytest.raises(FrameError):
        annotate(GREY.astype(np.float32), found("person"))
