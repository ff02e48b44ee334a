"""What a proposer takes and gives: this package's whole contract with the rest.

Letters: N boxes, C labels, D channels, h x w feature grid, H x W frame.
"""

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:  # a list of proposers is told before torch is loaded
    import torch


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
    def tokens(self) -> "torch.Tensor":
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


EXTERNAL_WEIGHT: Final = 0.1
"""`Proposer.objectness_weight` of detectors that others trained: what their classes do not name they rate low, and open
words ask for just such things (docs/proposals.md, "A detector that is blind to half")."""

Scoring = Callable[[Features], "torch.Tensor"]
"""Score maps `(C, h, w)` in 0..1 of a frame's features, one for each label that is asked for."""


class Proposer(ABC):
    """Finds candidate boxes in a frame. `__call__` is all that has to be written.

    A proposer that remembers earlier frames sets `has_memory` and writes `reset`. One that looks for words sets
    `asks_words` and writes `asking`. One that wants to know what is followed writes `update`.

    Attributes:
        has_memory: True where earlier frames change the answer; such a proposer belongs to one source.
        has_objectness: True where objectness says something of a box; else it only ranks, and is not to be weighed in.
        objectness_weight: how much it then weighs in a confidence, 0..1, where the config has no weight of its own.
        asks_words: True where it has to be bound to words by `asking` before it is called.
        works_in_tiles: True where it knows objects by their looks, so that it finds more in the tiles of a large frame.
    """

    has_memory: bool = False
    has_objectness: bool = False
    objectness_weight: float = 0.7
    asks_words: bool = False
    works_in_tiles: bool = False

    @abstractmethod
    def __call__(self, frame: NDArray[np.uint8], features: Features) -> Proposals:
        """Propose boxes for `frame`, `(H, W, 3)` uint8 BGR."""

    def reset(self) -> None:  # noqa: B027 - most have nothing to forget
        """Start again as at the first frame, as after a cut or when a source has been lost.

        What is remembered is replaced, not emptied: `fresh` calls this on a copy that shares it until then.
        """

    def fresh(self) -> "Proposer":
        """The same proposer for another source: it has seen nothing yet, and what has no memory is shared.

        Raises:
            ValueError: for one that remembers earlier frames and has no `reset`.
        """
        if not self.has_memory:
            return self
        if type(self).reset is Proposer.reset:
            raise ValueError(
                f"{type(self).__name__} remembers earlier frames and has no `reset`: expected one that forgets "
                "them, or a proposer of its own for each source"
            )
        other = copy.copy(self)
        other.reset()
        return other

    def asking(self, scoring: Scoring) -> "Proposer":
        """One that looks where `scoring` is high and shares its memory with this; itself where it asks no words."""
        return self

    def update(self, xyxy: ArrayLike, ids: ArrayLike) -> None:  # noqa: B027 - most follow nothing
        """Take what is followed: `(N, 4)` boxes where the next frame shows them, in pixels, and `(N,)` their numbers.

        Those with memory are told before each frame of a video that is followed.
        """
