"""Where tracks have been: a bounded history for each."""

from collections import deque
from typing import TYPE_CHECKING

import numpy as np

from regionclip.drawing.canvas import Canvas
from regionclip.drawing.labels import label_names
from regionclip.errors import ConfigError

if TYPE_CHECKING:
    import supervision as sv


class Trails:
    """The latest places of every live track, to be drawn as lines; the memory of one source.

    A place is the middle of the box's lower edge, where a thing stands.

    Args:
        length: places kept of each track.
        patience: updates after which a track that is not seen any more is forgotten.

    Raises:
        ConfigError: for a length or patience below 1.
    """

    def __init__(self, length: int = 30, patience: int = 30) -> None:
        if length < 1 or patience < 1:
            raise ConfigError(f"trails: expected a length and a patience of at least 1, got {length} and {patience}")
        self._length = length
        self._patience = patience
        self._places: dict[int, deque[tuple[float, float]]] = {}
        self._names: dict[int, str] = {}
        self._missed: dict[int, int] = {}

    def __len__(self) -> int:
        """Number of tracks that are remembered."""
        return len(self._places)

    def update(self, detections: "sv.Detections") -> None:
        """Add the boxes of one frame; rows without a track (`tracker_id` None or negative) are left out."""
        for track in self._missed:
            self._missed[track] += 1
        names = label_names(detections)
        tracks = [] if detections.tracker_id is None else detections.tracker_id.tolist()
        for track, name, (x1, _, x2, y2) in zip(tracks, names, detections.xyxy.tolist(), strict=False):
            if track >= 0 and np.isfinite((x1, x2, y2)).all():
                self._places.setdefault(track, deque(maxlen=self._length)).append(((x1 + x2) / 2, y2))
                self._names[track], self._missed[track] = name, 0
        for track in [track for track, missed in self._missed.items() if missed >= self._patience]:
            del self._places[track], self._names[track], self._missed[track]

    def draw(self, canvas: Canvas) -> None:
        """Draw each track's line in its label's colour, thicker towards now."""
        palette = canvas.style.palette(tuple(self._names.values()))
        for track, places in self._places.items():
            points = np.clip(np.array(places), -1e4, 1e5).round().astype(np.int32)  # (K, 2)
            colour = palette[self._names[track]]
            for thickness, start in ((1, 0), (2, len(points) // 3), (3, 2 * len(points) // 3)):
                end = (start or 0) + len(points) // 3 + 2
                canvas.outline(points[start:end], colour, max(1, round(canvas.line * thickness / 2)), closed=False)
