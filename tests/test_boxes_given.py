"""Boxes in another format than x1 y1 x2 y2 in pixels are told of, and no others."""

import json
import warnings
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from toy import ToyTower, planted

from regionclip.answers.regions import Regions
from regionclip.boxes import warn_of_format
from regionclip.errors import BoxWarning
from regionclip.formats.coco import BoxFile

SIZE = (128, 192)
FRAME = planted(red=(0, 0, 64, 64), blue=(96, 64, 192, 128))
CORNERS = np.array([[8, 8, 56, 56], [104, 72, 184, 120], [100, 10, 120, 60]], np.float32)
SIDES = np.array([192, 128, 192, 128], np.float32)


def xywh(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.hstack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]])


def told(boxes: NDArray[np.float32]) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warn_of_format(boxes, SIZE)
    return [str(each.message) for each in caught]


@pytest.mark.parametrize(
    ("boxes", "said"),
    [
        (CORNERS / SIDES, "fractions of the frame.*in pixels; multiply by"),
        (np.array([[0, 0, 1, 1], [0.25, 0, 1.01, 1]], np.float32), "fractions"),
        (xywh(CORNERS / SIDES), r"fractions.*multiply by \[W, H, W, H\], and make corners"),
        (xywh(CORNERS), "x y width height: expected x1 y1 x2 y2"),
        (xywh(CORNERS)[1:2], "x y width height"),
        (
            np.vstack([xywh(CORNERS), np.full((1, 4), np.nan, np.float32), np.zeros((1, 4), np.float32)]),
            "x y width height",
        ),
    ],
)
def test_another_format_is_told_once(boxes: NDArray[np.float32], said: str) -> None:
    features = ToyTower().encode_image([FRAME])[0]
    with pytest.warns(BoxWarning, match=said) as caught:
        Regions.pool(features, boxes)
    assert len(caught) == 1
    assert caught[0].filename == __file__  # the caller's line, not one of ours


@pytest.mark.parametrize(
    "boxes",
    [
        np.zeros((0, 4)),
        np.zeros((5, 4)),  # padding
        [[0, 0, 1, 1]],  # one pixel
        [[0, 0, 1, 1], [0, 0, 1, 0]],
        [[0.03, 0.01, 1.04, 1.02]],
        [[np.nan, 0, 1, 1]],
        [[8, 8, 56, 56]] * 9 + [[104, 72, 80, 50]],  # a slip among good ones
        [[180, 120, 150, 90]],  # neither: it would reach beyond the frame
        [[50, 50, 50, 50]],  # a point
    ],
)
def test_what_is_no_other_format(boxes: object) -> None:
    assert told(np.array(boxes, np.float32)) == []


@settings(max_examples=200, deadline=None)
@given(
    arrays(np.float32, st.tuples(st.integers(1, 20), st.just(4)), elements=st.floats(-300, 300, width=32)),
    st.booleans(),
)
def test_ordinary_boxes_are_never_told_of(sides: NDArray[np.float32], whole: bool) -> None:
    """Corners anywhere in and around the frame, boxes of one pixel and more."""
    start, extent = sides[:, :2], np.abs(sides[:, 2:]) + 1
    boxes = np.hstack([start, start + extent])
    assert told(np.round(boxes) if whole else boxes) == []


def test_box_files_are_told_of_and_coco_is_width_and_height(tmp_path: Path) -> None:
    picture, file = tmp_path / "p.png", tmp_path / "boxes.json"
    cv2.imwrite(str(picture), FRAME)
    features = ToyTower().encode_image([FRAME])[0]
    file.write_text(json.dumps({"p.png": xywh(CORNERS).tolist()}))
    with pytest.warns(BoxWarning, match="x y width height"):
        Regions.pool(features, BoxFile(file).of(picture))
    annotations = [{"id": n, "image_id": 1, "bbox": box} for n, box in enumerate(xywh(CORNERS).tolist())]
    file.write_text(json.dumps({"images": [{"id": 1, "file_name": "p.png"}], "annotations": annotations}))
    regions = Regions.pool(features, BoxFile(file).of(picture))  # a warning would be an error here
    assert regions.xyxy.tolist() == CORNERS.tolist()
