"""What fine-tuning learns from: frames, boxes, what may be said of them, and sources that give batches of these.

Letters: N boxes of a frame.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from regionclip.scenes.language.sentences import Language
from regionclip.towers.base import Frame

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RegionText:
    """A text of a region.

    Attributes:
        text: as it is given to the tower.
        true: all texts that are true of the region, or may be, in both languages, lower-cased, this one among them: the
            region is never taught that one of them is wrong for it.
    """

    text: str
    true: frozenset[str]


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """One picture as one step sees it.

    Attributes:
        picture: number of the picture in its source.
        frame: `(H, W, 3)` uint8 BGR.
        boxes: `(N, 4)` float32 xyxy in pixels of the frame.
        words: N texts, one a box.
        hard: N lists of false texts, each empty or of one common length.
        short: short caption of the picture, or None.
        long: long caption, or None.
    """

    picture: int
    frame: Frame
    boxes: NDArray[np.float32]
    words: tuple[RegionText, ...]
    hard: tuple[tuple[str, ...], ...]
    short: str | None
    long: str | None


@dataclass(frozen=True, slots=True, eq=False)
class HeldOut:
    """One picture to measure on.

    Attributes:
        frame: `(H, W, 3)` uint8 BGR.
        boxes: `(N, 4)` float32 xyxy in pixels.
        labels: N indices into the names.
    """

    frame: Frame
    boxes: NDArray[np.float32]
    labels: tuple[int, ...]


class ExampleSource(Protocol):
    """Examples to train on. A batch is a pure function of its number, so that a run can go on anywhere."""

    @property
    def identity(self) -> str:
        """What the data are, in one line; a run goes on only with the same."""
        ...

    @property
    def lacks(self) -> tuple[str, ...]:
        """Keys of `[loss]` that these data can never serve."""
        ...

    def batch(self, number: int, part: slice) -> list[Example]:
        """Examples of batch `number`; of those of all processes together, `part`."""
        ...


class HeldOutSource(Protocol):
    """Pictures to measure on."""

    @property
    def names(self) -> Mapping[Language, Sequence[str]]:
        """The classes in each language that has a name for all of them."""
        ...

    def __len__(self) -> int:
        """How many pictures."""
        ...

    def __getitem__(self, index: int) -> HeldOut:
        """One of them."""
        ...


def drawn(items: Sequence[T], count: int, rng: np.random.Generator) -> list[T]:
    """`count` of the items: drawn where there are more, repeated in turn where there are fewer; [] of none."""
    if not items:
        return []
    order = rng.permutation(len(items))
    return [items[order[i % len(order)]] for i in range(count)]
