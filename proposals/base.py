"""What a proposer takes and gives: this package's whole contract with the rest.

Letters: N boxes, D channels, h x w feature grid, H x W frame.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Proposals:
    """Candidate boxes of one frame, in the order their proposer ranks them.

    Attributes:
        xyxy: `(N, 4)` float32, `x1 y1 x2 y2` in pixels of the frame. Boxes may be invalid (NaN, inverted,
            outside): they keep their place and are flagged when features are pooled.
        objectness: `(N,)` float32 in 0..1, how sure the proposer is that the box holds one object.
    """

    xyxy: NDArray[np.float32]
    objectness: NDArray[np.float32]

    def __post_init__(self) -> None:
        if self.xyxy.ndim != 2 or self.xyxy.shape[1] != 4:
            raise ValueError(f"proposals: expected boxes of shape (N, 4), got {self.xyxy.shape}")
        if self.objectness.shape != (len(self.xyxy),):
            raise ValueError(
                f"proposals: expected {len(self.xyxy)} objectness values of shape ({len(self.xyxy)},), "
                f"got {self.objectness.shape}"
            )

    def __len__(self) -> int:
        return len(self.xyxy)

    @classmethod
    def empty(cls) -> "Proposals":
        """No boxes, with the types of many."""
        return cls(np.zeros((0, 4), np.float32), np.zeros(0, np.float32))


class Features(Protocol):
    """What a proposer may ask of a frame's features. Asking for `tokens` or `grid` makes the tower run."""

    @property
    def tokens(self) -> torch.Tensor:
        """`(h*w, D)` float32, the tower's own tokens, row-major, on the tower's device."""
        ...

    @property
    def grid(self) -> tuple[int, int]:
        """`(h, w)` of the token grid."""
        ...

    @property
    def frame_size(self) -> tuple[int, int]:
        """`(H, W)` of the frame in pixels."""
        ...


class Proposer(Protocol):
    """Finds candidate boxes in a frame."""

    @property
    def has_memory(self) -> bool:
        """True where earlier frames change the answer; such a proposer belongs to one source."""
        ...

    @property
    def has_objectness(self) -> bool:
        """True where objectness says something of a box; else it is a constant, not to be weighed in."""
        ...

    def __call__(self, frame: NDArray[np.uint8], features: Features) -> Proposals:
        """Propose boxes for `frame`, `(H, W, 3)` uint8 BGR."""
        ...
