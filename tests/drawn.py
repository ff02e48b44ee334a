"""Grey frames, detections for them, and where a picture was drawn on."""

import numpy as np
import supervision as sv
from numpy.typing import NDArray

from regionclip.frames import Frame

GREY = np.full((240, 420, 3), 128, np.uint8)
BOX = [60.0, 60.0, 240.0, 160.0]


def found(
    *names: str, boxes: list[list[float]] | None = None, track: list[int] | None = None, **data: list[str]
) -> sv.Detections:
    return sv.Detections(
        xyxy=np.array(boxes or [BOX] * len(names), np.float32).reshape(-1, 4),
        confidence=np.linspace(0.9, 0.5, len(names)).astype(np.float32),
        class_id=np.arange(len(names)),
        tracker_id=None if track is None else np.array(track),
        data={"class_name": np.array(names, dtype=np.str_), **{key: np.array(value) for key, value in data.items()}},
    )


def changed(drawn: Frame, frame: Frame = GREY) -> NDArray[np.bool_]:
    """Which pixels `(H, W)` differ."""
    return np.asarray((drawn != frame).any(axis=2))


def noise(height: int, width: int, seed: int = 0) -> Frame:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
