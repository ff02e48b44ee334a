"""Where the camera of a clip looks: at all of its world, or at a part that pans and shakes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_WAVES = 3


@dataclass(frozen=True, slots=True, eq=False)
class Gaze:
    """The part of a larger picture, the world, that a camera sees at any time.

    Attributes:
        size: `(H, W)` of the frame in pixels.
        margin: rows and columns of the world on each side of a frame in its middle.
        pan: amplitude in pixels, seconds of a period and phase of the slow turn from side to side.
        shake: `(3, 3, 3)` for column, row and angle: amplitude (pixels, radians), cycles a second and phase of waves.
    """

    size: tuple[int, int]
    margin: tuple[int, int]
    pan: tuple[float, float, float]
    shake: NDArray[np.float64]

    @property
    def world(self) -> tuple[int, int]:
        """`(H, W)` of the world in pixels."""
        return self.size[0] + 2 * self.margin[0], self.size[1] + 2 * self.margin[1]

    def matrix(self, seconds: float) -> NDArray[np.float64]:
        """`(2, 3)` from a pixel of the world to its place in the frame."""
        amplitude, cycles, phase = np.moveaxis(self.shake, -1, 0)  # (3, waves) each
        dx, dy, angle = (amplitude * np.sin(2 * np.pi * cycles * seconds + phase)).sum(axis=1).tolist()
        reach, period, start = self.pan
        dx += reach * float(np.sin(2 * np.pi * seconds / period + start))
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        centre = np.array(self.size[::-1]) / 2
        looked_at = centre + self.margin[::-1] + (dx, dy)
        return np.column_stack([turn, centre - turn @ looked_at])

    def motion(self, seconds: float) -> NDArray[np.float64]:
        """`(2, 3)` from a pixel of the background in the frame at second 0 to its place in the frame now."""
        first, now = (np.vstack([self.matrix(time), (0, 0, 1)]) for time in (0.0, seconds))
        return np.asarray((now @ np.linalg.inv(first))[:2])


def still_gaze(size: tuple[int, int]) -> Gaze:
    """A camera that does not move; its world is its frame."""
    return Gaze(size, (0, 0), (0.0, 1.0, 0.0), np.zeros((3, _WAVES, 3)))


def moving_gaze(rng: np.random.Generator, size: tuple[int, int]) -> Gaze:
    """A camera that turns from side to side and shakes a little."""
    height, width = size
    largest = np.array([0.004 * height, 0.004 * height, 0.0025])[:, None] / _WAVES  # of each wave
    shake = np.stack(
        [
            rng.uniform(0.3, 1, (3, _WAVES)) * largest,
            rng.uniform(0.4, 3.5, (3, _WAVES)),
            rng.uniform(0, 2 * np.pi, (3, _WAVES)),
        ],
        axis=-1,
    )
    pan = float(rng.uniform(0.06, 0.14)) * width, float(rng.uniform(7, 14)), float(rng.uniform(0, 2 * np.pi))
    corner = 0.0025 * max(height, width) / 2  # how far a corner moves by the turn
    margin = round(0.02 * height + corner) + 2, round(0.14 * width + 0.02 * height + corner) + 2
    return Gaze(size, margin, pan, shake)
