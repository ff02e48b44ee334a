"""Look: one picture, encoded once and asked as often as one likes; and the words of the page."""

from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import supervision as sv

from regionclip.answers.explanation import Verdict
from regionclip.answers.regions import Regions
from regionclip.detector import Detector
from regionclip.drawing import Style, annotate
from regionclip.errors import PromptError
from regionclip.frames import Frame, decode_frame
from regionclip.web.texts import TEXTS, reason
from regionclip.words.file import read_words
from regionclip.words.vocabulary import Vocabulary

_MOST_PIXELS: Final = 50_000_000
_MOST_LABELS: Final = 1000
_MOST_ROWS: Final = 50
"""Regions told of in the table, beside those that came out."""


def read_lines(text: str, threshold: float, language: str) -> Vocabulary:
    """The vocabulary of lines as `-p` takes them; empty ones count for nothing.

    Raises:
        PromptError: where there are none, too many, or they cannot be asked for.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        raise PromptError(TEXTS[language]["no_words"])
    if len(lines) > _MOST_LABELS:
        raise PromptError(f"expected {_MOST_LABELS} labels at most, got {len(lines)}")
    return read_words(lines, None, threshold)


def read_picture(path: Path) -> Frame:
    """An uploaded picture.

    Raises:
        ImageFileError: where it is none, damaged, or too large.
    """
    return decode_frame(path.read_bytes(), f"picture {path.name}", most_pixels=_MOST_PIXELS)


class Answer(NamedTuple):
    """What a picture shows.

    Attributes:
        picture: `(H, W, 3)` BGR, with boxes that bear the numbers of their regions.
        found: what came out.
        regions: that were looked at.
        banner: what `Detector.banner` says of the picture.
    """

    picture: Frame
    found: sv.Detections
    regions: Regions
    banner: tuple[str, ...]


class Look:
    """A picture of which the tower's features are kept, to be asked again and again.

    Args:
        detector: that looks.
        frame: `(H, W, 3)` BGR.
        path: where it came from, by which it is known again.
    """

    def __init__(self, detector: Detector, frame: Frame, path: str = "") -> None:
        self.path = path
        self._detector, self._features = detector, detector.features(frame)
        self._regions: Regions | None = None

    def ask(self, words: Vocabulary) -> Answer:
        """Label the regions; the tower runs at the first time only."""
        detector, frame = self._detector, self._features.frame
        if self._regions is None or detector.proposer.asks_words:
            self._regions = detector.regions(self._features, words=words)
        regions = self._regions
        found = detector.verify(frame, detector.classify(regions, words))
        found.data["number"] = np.array([f"#{region}" for region in found.data["region"]], np.str_)
        banner = detector.banner(regions.out_of_domain)
        picture = annotate(frame, found, style=Style(words=words, attributes=["number"]), banner=banner)
        return Answer(picture, found, regions, banner)

    def heat(self, words: Vocabulary, name: str) -> Frame | None:
        """Where the label of this name fits, drawn; None of a tower that looks at crops, and so knows no places."""
        if self._detector.tower.card.region_mode == "crop":
            return None
        return self._detector.heatmap(self._features, words).draw(self._features.frame, name)

    def table(self, answer: Answer, words: Vocabulary, language: str) -> list[list[str]]:
        """Rows of text: what came out, the best first, then of other regions the label that came nearest."""
        regions = answer.regions
        best = np.argsort(-self._detector.scores(regions, words).max(axis=1), kind="stable")  # (N,)
        told = dict.fromkeys([*np.asarray(answer.found.data["region"]).tolist(), *best[:_MOST_ROWS].tolist()])
        rows: list[tuple[bool, float, list[str]]] = []
        for region in self._detector.explain(regions, words, top=2, only=list(told)).regions:
            for verdict in [each for each in region.labels if each.kept] or region.labels[:1]:
                margin = verdict.score - max((each.score for each in region.labels if each is not verdict), default=0)
                row = _row(region.region, verdict, margin, language)
                rows.append((not verdict.kept, -verdict.confidence, row))
        return [row for _, _, row in sorted(rows, key=lambda each: each[:2])]


def _row(region: int, verdict: Verdict, margin: float, language: str) -> list[str]:
    numbers = (f"{number:.3f}" for number in (verdict.score, margin, verdict.confidence))
    mark = "✓" if verdict.kept else ""
    return [mark, f"#{region}", verdict.label, verdict.best.phrase, *numbers, reason(verdict, language)]
