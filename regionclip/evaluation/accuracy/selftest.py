"""Planted-object self-test of a tower: does a box pool from where the object is, and do words find it?"""

from dataclasses import dataclass

import numpy as np

from regionclip.detector import Detector
from regionclip.frames import Frame
from regionclip.words.vocabulary import Label

_SIZE = (240, 360)
"""`(H, W)` in pixels; not square, so that swapped axes show."""

_COLOURS = {
    "red": ((40, 40, 200), ("a red box", "红色的箱子")),
    "green": ((60, 160, 50), ("a green box", "绿色的箱子")),
    "blue": ((200, 80, 30), ("a blue box", "蓝色的箱子")),
}
"""Name -> BGR and phrases."""

_BOXES = np.array([[24, 20, 104, 100], [232, 36, 312, 116], [136, 140, 216, 220]], np.float32)
"""Where the squares are planted, xyxy in pixels."""


@dataclass(frozen=True, slots=True)
class SelfCheck:
    """One finding of the self-test."""

    name: str
    passed: bool
    detail: str


def self_test(detector: Detector) -> list[SelfCheck]:
    """Plant coloured squares in a grey frame and ask the tower where and what they are.

    The position check asks nothing of the words; the word checks hold only for trained weights.
    """
    return [_position(detector), *(_words(detector, language) for language in (0, 1))]


def _position(detector: Detector) -> SelfCheck:
    """The tokens that change most when a square appears must lie under it."""
    background = _background()
    empty = detector.features(background).tokens  # (h*w, D)
    misses = []
    for name, box in zip(_COLOURS, _BOXES, strict=True):
        features = detector.features(_planted(background, {name: box}))
        change = (features.tokens.float() - empty.float()).norm(dim=1).cpu().numpy()  # (h*w,)
        rows, columns = features.grid
        row, column = divmod(int(change.argmax()), columns)
        cell = np.array([_SIZE[1] / columns, _SIZE[0] / rows])  # (2,) pixels, x y
        centre = (np.array([column, row]) + 0.5) * cell  # (2,)
        if not ((centre >= box[:2] - cell) & (centre <= box[2:] + cell)).all():
            misses.append(f"{name} square at {box.tolist()} answered at {centre.round().tolist()}")
    return SelfCheck("position", not misses, "; ".join(misses) or "planted squares are found where they are")


def _words(detector: Detector, language: int) -> SelfCheck:
    """Each square's own colour phrase must score best among the three."""
    shown = ("English", "Chinese")[language]
    words = [Label(name, (phrases[language],)) for name, (_, phrases) in _COLOURS.items()]
    frame = _planted(_background(), dict(zip(_COLOURS, _BOXES, strict=True)))
    scores = detector.scores(detector.regions(frame, _BOXES), words)  # (3, 3)
    right = int((scores.argmax(axis=1) == np.arange(len(_COLOURS))).sum())
    passed = right == len(_COLOURS) and bool(np.isfinite(scores).all())
    return SelfCheck(f"words, {shown}", passed, f"{right} of {len(_COLOURS)} coloured squares named rightly")


def _background() -> Frame:
    noise = np.random.default_rng(0).integers(-6, 7, (*_SIZE, 3))
    return np.asarray(150 + noise, np.uint8)


def _planted(background: Frame, squares: dict[str, np.ndarray]) -> Frame:
    frame = background.copy()
    for name, box in squares.items():
        x1, y1, x2, y2 = box.astype(int)
        frame[y1:y2, x1:x2] = _COLOURS[name][0]
    return frame
