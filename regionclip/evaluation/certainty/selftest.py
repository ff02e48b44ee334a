"""Does a tower see where things are, know them in both languages, and hold a phrase for what it says in the other?"""

import numpy as np

from regionclip.detector import Detector
from regionclip.evaluation.certainty.conformance import SelfCheck
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

_LANGUAGES = {"en": "English", "zh": "Chinese"}
"""In the order of the phrases."""


def word_checks(detector: Detector) -> list[SelfCheck]:
    """Plant coloured squares in a grey frame and ask what they are; compare what both languages say of them.

    Holds for trained weights only.
    """
    reads = [code in detector.tower.card.languages for code in _LANGUAGES]
    checks = [
        _words(detector, place, shown) if reads[place] else SelfCheck(shown, None, "not a language of this tower")
        for place, shown in enumerate(f"words, {language}" for language in _LANGUAGES.values())
    ]
    if all(reads):
        return [*checks, _translation(detector)]
    return [*checks, SelfCheck("translation", None, "this tower reads one of the languages")]


def _words(detector: Detector, language: int, name: str) -> SelfCheck:
    """Each square's own colour phrase must score best among the three."""
    words = [Label(colour, (phrases[language],)) for colour, (_, phrases) in _COLOURS.items()]
    scores = detector.scores(detector.regions(_frame(), _BOXES), words)  # (3, 3)
    right = int((scores.argmax(axis=1) == np.arange(len(_COLOURS))).sum())
    passed = right == len(_COLOURS) and bool(np.isfinite(scores).all())
    return SelfCheck(name, passed, f"{right} of {len(_COLOURS)} coloured squares named rightly")


def _translation(detector: Detector) -> SelfCheck:
    """Each phrase must be nearer to its translation than to any other phrase of that language."""
    english, chinese = zip(*(phrases for _, phrases in _COLOURS.values()), strict=True)
    cosines = detector.embed_texts(english, "region") @ detector.embed_texts(chinese, "region").T  # (3, 3)
    own = np.arange(len(cosines))
    passed = bool((cosines.argmax(axis=1) == own).all() and (cosines.argmax(axis=0) == own).all())
    other = cosines[0, 1:].mean()
    shown = f"{english[0]!r} with {chinese[0]!r} {cosines[0, 0]:.3f}, with other colours {other:.3f}"
    return SelfCheck("translation", passed, f"cosine of {shown}")


def _frame() -> Frame:
    """Noise about grey, and the squares."""
    frame = np.asarray(150 + np.random.default_rng(0).integers(-6, 7, (*_SIZE, 3)), np.uint8)
    for (colour, _), box in zip(_COLOURS.values(), _BOXES, strict=True):
        x1, y1, x2, y2 = box.astype(int)
        frame[y1:y2, x1:x2] = colour
    return frame
