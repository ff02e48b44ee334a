"""A tower one can do in one's head: a token is the mean colour of its cell, a phrase is the colour it names.

It keeps every promise of `regionclip.towers.base.Tower`, with three channels and no weights.
"""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import supervision as sv
import torch
from numpy.typing import ArrayLike

from proposals.boxes import BoxesProposer
from proposals.grid import GridProposer
from regionclip.config import Config
from regionclip.detector import Detector
from regionclip.towers.base import Frame, ImageFeatures, Target, TokenGrid
from regionclip.towers.card import Score, TowerCard

CELL = 16
COLOURS = {"red": (1.0, -1.0, -1.0), "green": (-1.0, 1.0, -1.0), "blue": (-1.0, -1.0, 1.0), "grey": (1.0, 1.0, 1.0)}
CHINESE = {"红": "red", "绿": "green", "蓝": "blue", "灰": "grey"}
MOST_TOKENS = 8


class ToyTower:
    """Counts its passes, so that tests can see how often it runs."""

    def __init__(self, *, revision: str = "toy-1", bias: float | None = -5.0, negatives: tuple[str, ...] = ()) -> None:
        self.passes = 0
        self.phrases_encoded = 0
        self.card = TowerCard(
            name="toy",
            revision=revision,
            licence="Apache-2.0",
            languages=("en", "zh"),
            region_mode="dense",
            width=3,
            text="looks for colour words",
            region_score=Score(10.0, bias),
            image_score=Score(10.0, -5.0),
            threshold=0.5,
            patch=CELL,
            budgets=(10_000,),
            budget=10_000,
            negatives=negatives,
        )

    @property
    def placement(self) -> str:
        return "cpu, float32"

    def encode_image(self, frames: Sequence[Frame]) -> list[ImageFeatures]:
        return [
            ImageFeatures(
                frame,
                encode=lambda frame=frame: self._encode(frame),  # type: ignore[misc]
                dense=lambda encoded: encoded.tokens,
                whole=lambda encoded: encoded.tokens.mean(dim=0),
                card=self.card,
            )
            for frame in frames
        ]

    def preprocess(self, frame: Frame) -> torch.Tensor:
        return torch.from_numpy(frame.copy())

    def encode_text(self, phrases: Sequence[str], target: Target) -> torch.Tensor:
        self.phrases_encoded += len(phrases)
        rows = [self._colour(phrase) for phrase in phrases]
        return torch.nn.functional.normalize(torch.tensor(rows).reshape(-1, 3), dim=-1)  # (P, 3)

    def token_ids(self, phrase: str, target: Target) -> list[int]:
        return [ord(character) for character in phrase][:MOST_TOKENS]

    def count_tokens(self, phrase: str, target: Target) -> tuple[int, int]:
        return len(phrase.split()), min(len(phrase.split()), MOST_TOKENS)

    def _encode(self, frame: Frame) -> TokenGrid:
        self.passes += 1
        height, width = frame.shape[:2]
        grid = (max(1, height // CELL), max(1, width // CELL))
        small = cv2.resize(frame, grid[::-1], interpolation=cv2.INTER_AREA)  # (h, w, 3) BGR
        tokens = torch.from_numpy(small[:, :, ::-1].reshape(-1, 3) / 127.5 - 1)  # (h*w, 3)
        return TokenGrid(tokens.float(), grid)

    def _colour(self, phrase: str) -> tuple[float, float, float]:
        for chinese, english in CHINESE.items():
            if chinese in phrase:
                return COLOURS[english]
        return next((colour for word, colour in COLOURS.items() if word in phrase.lower().split()), (-1.0, -1.0, -1.0))


def toy_detector(
    proposals: ArrayLike | int,
    *,
    revision: str = "toy-1",
    bias: float | None = -5.0,
    negatives: tuple[str, ...] = (),
    **settings: Any,  # noqa: ANN401 - fields of a Config
) -> Detector:
    """A detector with the toy tower that proposes the given boxes, or a grid of so many."""
    tower = ToyTower(revision=revision, bias=bias, negatives=negatives)
    boxes = np.asarray(proposals, np.float32)
    proposer = GridProposer(proposals) if isinstance(proposals, int) else BoxesProposer(boxes.reshape(-1, 4))
    return Detector(tower, proposer, Config(**settings))


def column(found: sv.Detections, name: str) -> list[Any]:
    """A column of rows as plain values."""
    return list(np.asarray(found.data[name]).tolist())


def planted(height: int = 128, width: int = 192, **squares: tuple[int, int, int, int]) -> Frame:
    """A dark frame with squares of pure colour: `planted(red=(x1, y1, x2, y2))`."""
    frame = np.zeros((height, width, 3), np.uint8)
    for name, (x1, y1, x2, y2) in squares.items():
        frame[y1:y2, x1:x2] = [255 if value > 0 else 0 for value in COLOURS[name][::-1]]
    return frame
