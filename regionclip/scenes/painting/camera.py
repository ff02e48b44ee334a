"""What a camera does to a picture: light, colour cast, blur, noise."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from regionclip.scenes.painting.painter import Image


@dataclass(frozen=True, slots=True)
class Camera:
    """One camera; all its pictures share light and blur, each has noise of its own.

    Attributes:
        gain: `(3,)` float32 factor of each channel.
        uneven: `(2, 3)` float32 coarse map of light, None for even light.
        blur: deviation as a share of the shorter side, 0 for none.
        noise: deviation in grey levels.
    """

    gain: NDArray[np.float32]
    uneven: NDArray[np.float32] | None
    blur: float
    noise: float

    def shoot(self, rng: np.random.Generator, canvas: NDArray[np.float32]) -> Image:
        """The `(H, W, 3)` uint8 picture of a `(H, W, 3)` float32 scene; `rng` gives the noise."""
        height, width = canvas.shape[:2]
        picture = canvas * self.gain
        if self.uneven is not None:
            coarse = cv2.resize(self.uneven, (width, height), interpolation=cv2.INTER_CUBIC)  # (H, W)
            picture = picture * coarse[..., None].astype(np.float32)
        if self.blur:
            sigma = max(self.blur * min(height, width), 0.3)
            picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.float32)
        if self.noise:
            grain = rng.standard_normal((height, width), dtype=np.float32)  # (H, W)
            picture = picture + (grain * self.noise)[..., None]
        shot: Image = np.clip(picture, 0, 255).astype(np.uint8)
        return shot


def random_camera(rng: np.random.Generator) -> Camera:
    """A camera of any quality; one in ten looks at a dark scene."""
    dark = rng.random() < 0.1
    gain = float(rng.uniform(0.38, 0.6)) if dark else float(rng.uniform(0.82, 1.12))
    cast = rng.uniform(0.95, 1.05, 3).astype(np.float32)
    uneven = rng.uniform(0.8, 1.12, (2, 3)).astype(np.float32) if rng.random() < 0.4 else None
    blur = float(rng.uniform(0.0015, 0.004)) if rng.random() < 0.25 else 0.0
    strength = float(rng.uniform(5, 9)) if dark else float(rng.uniform(1, 5))
    return Camera(gain * cast, uneven, blur, strength if rng.random() < 0.8 else 0.0)
