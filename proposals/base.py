"""What a proposer takes and gives: this package's whole contract with the rest.

Letters: N boxes, C labels, D channels, h x w feature grid, H x W frame.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray


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


@runtime_checkable
class TiledFeatures(Protocol):
    """Features of a large frame that know closer views of it as well. Asking a tile for `tokens` makes it run."""

    @property
    def windows(self) -> NDArray[np.int64]:
        """`(T, 4)` xyxy in frame pixels: where the tiles are. They overlap and cover the frame."""
        ...

    @property
    def tiles(self) -> Sequence[Features]:
        """Features of each tile, as of a frame of its own."""
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


Scoring = Callable[[Features], torch.Tensor]
"""Score maps `(C, h, w)` in 0..1 of a frame's features, one for each label that is asked for."""


@runtime_checkable
class AsksWords(Protocol):
    """A proposer that can look for words. It knows none itself: whoever knows them binds it to a `Scoring`."""

    @property
    def asks_words(self) -> bool:
        """True where it has to be bound before it is called."""
        ...

    def asking(self, scoring: Scoring) -> Proposer:
        """A copy that looks where `scoring` is high; what it remembers of earlier frames is shared with this one."""
        ...


@runtime_checkable
class Remembers(Protocol):
    """A proposer with memory that can be told to forget, as after a cut or when a source has been lost."""

    def reset(self) -> None:
        """Start again, as at the first frame."""
        ...

    def fresh(self) -> Proposer:
        """The same proposer for another source: it has seen nothing yet, and what has no memory is shared."""
        ...


@runtime_checkable
class FollowsTracks(Protocol):
    """A proposer that is told after each frame where a tracker sees its tracks."""

    def update(self, xyxy: ArrayLike, ids: ArrayLike) -> None:
        """Take the live tracks: `(N, 4)` boxes in frame pixels and `(N,)` their numbers."""
        ...


def for_another_source(proposer: Proposer) -> Proposer:
    """The same proposer with a memory of its own; the very same where it has none.

    Raises:
        ValueError: for one with memory that cannot be told to start afresh.
    """
    if not proposer.has_memory:
        return proposer
    if not isinstance(proposer, Remembers):
        raise ValueError(
            f"{type(proposer).__name__} remembers earlier frames and has no `fresh`: expected a proposer of its own "
            "for each source"
        )
    return proposer.fresh()
