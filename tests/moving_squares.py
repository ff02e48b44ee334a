"""What the tests of tracks follow: textured squares on a grey frame, and regions of the toy tower without a pass."""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import supervision as sv
from numpy.typing import NDArray
from toy import COLOURS, ToyTower

from proposals.grid import GridProposer
from regionclip.answers.regions import Regions
from regionclip.config import Config
from regionclip.detector import Detector
from regionclip.frames import Frame

SIZE = (240, 320)
Box = tuple[float, float, float, float]


def detector(**changes: Any) -> Detector:  # noqa: ANN401
    return Detector(ToyTower(), GridProposer(), Config().changed(**changes))


def colour(name: str, other: str = "", share: float = 0.0) -> NDArray[np.float32]:
    """The unit embedding of a colour, or of a mixture with `share` of another."""
    mixed = np.array(COLOURS[name], float) * (1 - share)
    mixed += share * np.array(COLOURS[other], float) if other else 0
    return np.asarray(mixed / np.linalg.norm(mixed), np.float32)


def regions(
    boxes: Sequence[Box],
    embeddings: Sequence[NDArray[np.float32]],
    size: tuple[int, int] = SIZE,
    **columns: Any,  # noqa: ANN401
) -> Regions:
    return Regions(
        xyxy=np.array(boxes, np.float32).reshape(-1, 4),
        objectness=columns.pop("objectness", np.ones(len(boxes), np.float32)),
        embeddings=np.array(embeddings, np.float32).reshape(-1, 3),
        valid=np.ones(len(boxes), np.bool_),
        frame_size=size,
        fingerprint="toy-1",
        **columns,
    )


def picture(boxes: Sequence[Box] = (), size: tuple[int, int] = SIZE, seed: int = 0) -> Frame:
    """Each box a patch with a texture of its own, on a textured ground that stands still."""
    frame = _texture(np.random.default_rng(seed), size) // 2
    for number, (x1, y1, x2, y2) in enumerate(boxes):
        patch = _texture(np.random.default_rng((seed, number + 1)), (round(y2 - y1), round(x2 - x1)))
        moved = np.array([[1, 0, x1], [0, 1, y1]], np.float64)
        shown = cv2.warpAffine(patch, moved, size[::-1])
        cover = cv2.warpAffine(np.ones(patch.shape[:2], np.uint8), moved, size[::-1])
        frame[cover > 0] = shown[cover > 0]
    return frame


def _texture(rng: np.random.Generator, size: tuple[int, int]) -> Frame:
    noise = rng.integers(0, 256, (-(-size[0] // 6) + 1, -(-size[1] // 6) + 1, 3), np.uint8)
    return np.asarray(
        cv2.resize(noise, None, fx=6, fy=6, interpolation=cv2.INTER_CUBIC)[: size[0], : size[1]], np.uint8
    )


def names(rows: sv.Detections) -> list[str]:
    return [str(name) for name in rows.data["class_name"]]


def ids(rows: sv.Detections) -> list[int]:
    assert rows.tracker_id is not None
    return [int(number) for number in rows.tracker_id]
