import numpy as np
import pytest
import supervision as sv
from drawn import GREY, changed, found, noise

from regionclip.drawing import Style, annotate, blur
from regionclip.errors import ConfigError

FRAME = noise(240, 420)


def test_only_the_named_boxes() -> None:
    rows = found("face", "person", "face", boxes=[[40, 40, 100, 100], [150, 40, 220, 200], [300, 100, 360, 220]])
    before = FRAME.copy()
    hidden = blur(FRAME, rows, ["face"], margin=0)
    assert np.array_equal(FRAME, before)
    inside = np.zeros((240, 420), bool)
    inside[40:100, 40:100] = inside[100:220, 300:360] = True
    assert not changed(hidden, FRAME)[~inside].any()
    assert changed(hidden, FRAME)[inside].mean() > 0.999
    assert np.array_equal(blur(FRAME, rows, []), FRAME)
    assert np.array_equal(blur(FRAME, rows, ["plate"]), FRAME)
    assert np.array_equal(blur(FRAME, found(), ["face"]), FRAME)


@pytest.mark.parametrize("size", [(60, 60), (400, 90), (12, 40), (3, 3), (1, 1), (420, 1)])
def test_what_is_left_is_a_few_flat_cells(size: tuple[int, int]) -> None:
    """The whole box becomes at most 36 colours of 16 levels: nothing finer can be computed from them."""
    w, h = size
    hidden = blur(FRAME, found("face", boxes=[[10, 20, 10 + min(w, 400), 20 + h]]), ["face"], margin=0)
    part = hidden[20 : 20 + h, 10 : 10 + min(w, 400)]
    assert (part % 16 == 8).all()
    assert len(np.unique(part.reshape(-1, 3), axis=0)) <= 36
    edges = [(np.diff(part.astype(int), axis=axis) != 0).any(axis=(1 - axis, 2)).sum() for axis in (0, 1)]
    assert max(edges) <= 5


def test_pictures_that_differ_in_detail_become_equal() -> None:
    """So what was there is gone: two plates of equal brightness give the same result."""
    one, two = GREY.copy(), GREY.copy()
    one[100:130:2, 100:200] += 40
    two[101:130:2, 100:200] += 40
    rows = found("plate", boxes=[[98, 94, 202, 136]])
    assert not np.array_equal(one, two)
    assert np.array_equal(blur(one, rows, ["plate"]), blur(two, rows, ["plate"]))


def test_the_margin_goes_with_the_size() -> None:
    for size in (20, 100):
        marks = changed(blur(FRAME, found("face", boxes=[[100, 100, 100 + size, 100 + size]]), ["face"], 0.2), FRAME)
        rows, columns = np.nonzero(marks)
        assert (rows.min(), columns.min()) == (100 - size // 5, 100 - size // 5)
        assert (rows.max(), columns.max()) == (99 + size * 6 // 5, 99 + size * 6 // 5)


@pytest.mark.parametrize(
    "box",
    [[-50, -50, 30, 30], [400, 200, 900, 900], [-1e9, -1e9, 1e9, 1e9], [419.5, 0, 425, 240], [0.2, 0.2, 0.4, 0.4]],
)
def test_at_the_border(box: list[float]) -> None:
    hidden = blur(FRAME, found("face", boxes=[box]), ["face"])
    x1, y1, x2, y2 = np.clip(box, 0, [420, 240, 420, 240])
    part = np.s_[int(y1) : int(np.ceil(y2)), int(x1) : int(np.ceil(x2))]
    assert hidden[part].size > 0
    assert (hidden[part] % 16 == 8).all()


def test_a_box_outside_the_frame() -> None:
    assert np.array_equal(blur(FRAME, found("face", boxes=[[500, 10, 520, 50]]), ["face"]), FRAME)


def test_annotate_hides_first() -> None:
    rows = found("face", boxes=[[60, 60, 240, 160]])
    drawn = annotate(FRAME, rows, style=Style(blur=["face"]))
    assert (drawn[70:150, 70:230] % 16 == 8).all()


def test_frames_and_names_of_every_kind() -> None:
    frozen = FRAME[:, ::-1]
    frozen.flags.writeable = False
    rows = found("face", boxes=[[60, 60, 240, 160]])
    assert np.array_equal(blur(frozen, rows, {"face"}), blur(frozen.copy(), rows, ("face",)))  # type: ignore[arg-type]
    numbered = sv.Detections(xyxy=rows.xyxy, class_id=np.array([3]))
    assert changed(blur(FRAME, numbered, ["3"]), FRAME).any()
    with pytest.raises(ConfigError, match="list of names"):
        blur(FRAME, rows, "face")
    with pytest.raises(ConfigError, match="margin"):
        blur(FRAME, rows, ["face"], margin=-1)
