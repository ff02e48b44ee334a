"""Labelled boxes on a frame, Chinese included."""

import unicodedata
from functools import lru_cache

import cv2
import numpy as np
import supervision as sv
from numpy.typing import NDArray

from regionclip.errors import DrawingError
from regionclip.frames import Frame, FrameLike, to_frame

_SHORT_SIDE = 720.0
"""Frames of this short side get text of size 1."""

_UNSEEN = frozenset({"Cc", "Cf", "Cs"})
"""Unicode categories without a picture of their own: control characters, joiners, surrogates."""

_SELECTORS = frozenset(map(chr, range(0xFE00, 0xFE10)))
"""Variation selectors, which only say how the character before them looks."""

_PALETTE = sv.ColorPalette.from_hex(
    [
        *("1565c0", "c62828", "2e7d32", "6a1b9a", "b34700", "00695c", "ad1457", "4e342e", "283593", "827717"),
        *("0277bd", "d81b60", "558b2f", "8e24aa", "8d6e63", "00838f", "bf360c", "37474f", "3949ab", "9e6b00"),
        "616161",
    ]
)
"""Dark enough for white text; the last, grey, is for `unknown`."""


def annotate(frame: FrameLike, detections: sv.Detections) -> Frame:
    """Draw the boxes with their label and confidence.

    Args:
        frame: the picture the detections are from; it is not changed.
        detections: what a detector returned; `data["class_name"]` is written beside each box, or `class_id` where
            detections of another source have no names.

    Returns:
        A new frame of the same size.

    Raises:
        FrameError: where the frame cannot be used.
        DrawingError: where this OpenCV cannot draw one of the characters.
    """
    canvas = to_frame(frame).copy()
    if len(detections) == 0:
        return canvas
    check_text("".join(map(str, detections.data.get("class_name", []))))
    labels = label_texts(detections)
    scale = max(0.5, min(canvas.shape[:2]) / _SHORT_SIDE)
    colours = _colours(detections)
    boxed = sv.BoxAnnotator(color=_PALETTE, thickness=max(2, round(3 * scale))).annotate(
        canvas, detections, custom_color_lookup=colours
    )
    writer = sv.LabelAnnotator(
        color=_PALETTE,
        text_scale=max(0.4, 0.7 * scale),
        text_thickness=max(1, round(scale)),
        text_padding=max(2, round(5 * scale)),
        smart_position=True,  # keeps labels inside the frame
    )
    return np.asarray(writer.annotate(boxed, detections, labels, custom_color_lookup=colours), np.uint8)


def _colours(detections: sv.Detections) -> NDArray[np.int_]:
    """Place of each row's colour in the palette, `(N,)`: one for each label, the last for `unknown`."""
    if detections.class_id is None:
        return np.zeros(len(detections), int)
    named = len(_PALETTE.colors) - 1
    return np.where(detections.class_id < 0, named, detections.class_id % named)


def label_texts(detections: sv.Detections) -> list[str]:
    """The text beside each box: `name 0.87`, without the number where there is no confidence."""
    names = detections.data.get("class_name")
    if names is None:
        ids = detections.class_id if detections.class_id is not None else np.arange(len(detections))
        names = [str(number) for number in ids]
    shown = [_drawable(str(name)) for name in names]
    if detections.confidence is None:
        return shown
    return [f"{name} {confidence:.2f}" for name, confidence in zip(shown, detections.confidence, strict=True)]


def _drawable(name: str) -> str:
    """`name` with the characters that OpenCV's fonts lack, emoji above all, written as their Unicode names."""
    seen = [
        c for c in unicodedata.normalize("NFC", name) if unicodedata.category(c) not in _UNSEEN and c not in _SELECTORS
    ]
    return "".join(c if _has_glyph(c) else f"[{unicodedata.name(c, f'U+{ord(c):X}').lower()}]" for c in seen)


@lru_cache(maxsize=4096)
def _has_glyph(character: str) -> bool:
    """Whether OpenCV draws `character` as something else than the question mark it puts for a missing glyph."""
    return character.isascii() or not np.array_equal(_drawn(character), _drawn("?"))


def _drawn(character: str) -> Frame:
    canvas = np.zeros((48, 64, 3), np.uint8)
    cv2.putText(canvas, character, (8, 36), cv2.FONT_HERSHEY_SIMPLEX, 1.0, (255, 255, 255), 1)
    return canvas


def check_text(text: str) -> None:
    """Make sure that OpenCV draws `text`, never `????`.

    Raises:
        DrawingError: where it holds more than ASCII and OpenCV is older than 5.
    """
    if text.isascii() or hasattr(cv2, "FontFace"):
        return
    raise DrawingError(
        f"labels hold characters that OpenCV {cv2.__version__} would draw as '?': expected OpenCV 5 or newer, whose "
        'fonts have Chinese; run: pip install --upgrade "opencv-python>=5" (and uninstall older opencv packages first)'
    )
