"""Tower and ImageFeatures: what the detector asks of any vision-language tower.

Letters: N boxes, P phrases, D channels, h x w feature grid, H x W frame.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import RLock
from typing import Any, Literal, Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import normalize

from heads.pool import clip_to_frame, roi_align, to_cells
from regionclip.timing import stage
from regionclip.towers.card import TowerCard

T = TypeVar("T")

Frame = NDArray[np.uint8]
"""`(H, W, 3)` uint8 BGR."""

Target = Literal["region", "image"]
"""What a text embedding will be compared with; a tower may have another text head for each."""


@dataclass(frozen=True, slots=True, eq=False)
class TokenGrid:
    """One frame's tokens as the tower's trunk leaves them: `tokens` `(h*w, D)` row-major, `grid` `(h, w)`."""

    tokens: torch.Tensor
    grid: tuple[int, int]


class ImageFeatures:
    """What a tower knows of one frame. Nothing is computed before it is asked for, and then once, in any thread.

    Args:
        frame: `(H, W, 3)` uint8 BGR.
        encode: runs the tower's trunk.
        dense: turns its tokens into `(h*w, D)` features that live beside the region text embeddings.
        whole: turns these features into the `(D,)` embedding of the whole frame.
        card: of the tower these features are from.
    """

    def __init__(
        self,
        frame: Frame,
        encode: Callable[[], TokenGrid],
        dense: Callable[[TokenGrid], torch.Tensor],
        whole: Callable[["ImageFeatures"], torch.Tensor],
        card: TowerCard,
    ) -> None:
        self.frame = frame
        self.card = card
        self._encode = encode
        self._to_dense = dense
        self._to_whole = whole
        self._lock = RLock()
        self._known: dict[str, Any] = {}

    def __repr__(self) -> str:
        height, width = self.frame_size
        state = "tower has run" if self.passes else "tower has not run yet"
        return f"<features of {width}x{height}, {self.card.name}@{self.card.revision}, {state}>"

    @property
    def passes(self) -> int:
        """Pictures that the tower was run on: 1 once anything was asked that needs it."""
        return int("tokens" in self._known)

    @property
    def frame_size(self) -> tuple[int, int]:
        """`(H, W)` in pixels."""
        height, width = self.frame.shape[:2]
        return height, width

    def _once(self, name: str, compute: Callable[[], T]) -> T:
        """What is known under a name, computed where it is not."""
        with self._lock:
            if name not in self._known:
                with stage("encode"):
                    self._known[name] = compute()
            known: T = self._known[name]
            return known

    @property
    def _tokens(self) -> TokenGrid:
        return self._once("tokens", self._encode)

    @property
    def tokens(self) -> torch.Tensor:
        """`(h*w, D)` float32 tokens of the trunk, row-major."""
        return self._tokens.tokens

    @property
    def grid(self) -> tuple[int, int]:
        """`(h, w)` of the token grid."""
        return self._tokens.grid

    @property
    def dense(self) -> torch.Tensor:
        """`(h*w, D)` float32 features in the space of region phrases, not normalised."""
        return self._once("dense", lambda: self._to_dense(self._tokens).float())

    @property
    def embedding(self) -> torch.Tensor:
        """`(D,)` float32 embedding of the whole frame, unit length, on the CPU."""
        return self._once("embedding", lambda: normalize(self._to_whole(self).float(), dim=-1, eps=1e-12).cpu())

    @property
    def out_of_domain(self) -> bool | None:
        """Whether the frame is not of the kind that the tower knows (`TowerCard.domain`).

        None where the tower cannot tell, or has not looked at the whole frame: no pass is spent on this.
        """
        domain = self.card.domain
        if domain is None or "tokens" not in self._known:
            return None
        return self._once("out_of_domain", lambda: domain.strangeness(self.tokens) > 0)

    def pool(self, boxes: NDArray[np.float32]) -> tuple[torch.Tensor, torch.Tensor]:
        """Pool one embedding a box; without boxes the tower does not run.

        Args:
            boxes: `(N, 4)` xyxy in frame pixels; clipped to the frame first.

        Returns:
            `(N, D)` float32 embeddings of unit length, zeros where invalid, and `(N,)` bool: False for boxes that are
            not finite or have no area inside the frame. Both on the CPU.
        """
        if len(boxes) == 0:
            return torch.zeros(0, self.card.width), torch.zeros(0, dtype=torch.bool)
        clipped, valid = clip_to_frame(torch.from_numpy(np.array(boxes, np.float32)), self.frame_size)  # (N, 4), (N,)
        cells = to_cells(clipped, self.frame_size, self.grid)  # (N, 4) float32, feature cells
        pooled = roi_align(self.dense, self.grid, cells.to(self.dense.device))  # (N, D)
        unit = normalize(pooled, dim=-1, eps=1e-12).cpu()
        return torch.where(valid[:, None], unit, torch.zeros(())), valid


class FrameBatch:
    """Frames that are encoded together, when one of them is first asked for.

    Args:
        frames: to encode.
        encode: runs the trunk on all of them.
    """

    def __init__(self, frames: Sequence[Frame], encode: Callable[[Sequence[Frame]], list[TokenGrid]]) -> None:
        self._frames = list(frames)
        self._encode = encode
        self._encoded: dict[int, TokenGrid] = {}
        self._lock = RLock()

    def take(self, index: int) -> TokenGrid:
        """The tokens of one frame; they are handed over once, `ImageFeatures` keeps them."""
        with self._lock:  # features of different frames may be asked for in different threads
            if self._frames:
                self._encoded = dict(enumerate(self._encode(self._frames)))
                self._frames = []  # the pixels are not needed any more
            return self._encoded.pop(index)


class Tower(Protocol):
    """A pair of encoders whose outputs belong together."""

    @property
    def card(self) -> TowerCard:
        """What is fixed about this tower."""
        ...

    def encode_image(self, frames: Sequence[Frame]) -> list[ImageFeatures]:
        """Features of each frame, computed on first use. Frames given together are encoded together."""
        ...

    def preprocess(self, frame: Frame) -> torch.Tensor:
        """What the trunk gets of one frame: resized to the patch budget, in the tower's own layout."""
        ...

    def encode_text(self, phrases: Sequence[str], target: Target) -> torch.Tensor:
        """`(P, D)` float32 unit-length embeddings on the CPU, each phrase encoded alone (bit-identical in any list)."""
        ...

    def token_ids(self, phrase: str, target: Target) -> list[int]:
        """Ids of the tokens that are read of `phrase`, padding left out."""
        ...

    @property
    def placement(self) -> str:
        """Device and dtype in words, as `cpu, float32`."""
        ...

    def count_tokens(self, phrase: str, target: Target) -> tuple[int, int]:
        """Tokens that `phrase` needs, end token included, and how many of them the tower reads."""
        ...
