"""From a frame to the patches of a NaFlex tower: grid rule, resize, patch order.

The rule is that of SigLIP 2's variable-resolution models, which FG-CLIP 2 keeps: the largest scale at which the
frame, each side rounded up to whole patches, has no more patches than the budget.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from regionclip.errors import ConfigError, WeightsError
from regionclip.towers.checkpoints.loading import read_json

BUDGETS = (128, 256, 576, 784, 1024)
"""Patch budgets FG-CLIP 2 was trained with."""

Patches = int | Literal["dynamic"]
"""A budget in force: most patches of a frame, or by its size."""

_MOST = 8
"""Times the largest budget on offer that may be asked for: towers do not know more, and memory goes with the square."""

_SCALES = (1e-6, 100.0)
_TOLERANCE = 1e-5


def dynamic_budget(frame_size: tuple[int, int], patch: int) -> int:
    """The budget that fits a frame of `(H, W)` pixels: its own number of whole patches, rounded to a trained one."""
    own = (frame_size[0] // patch) * (frame_size[1] // patch)
    for larger, smaller in zip(reversed(BUDGETS), reversed(BUDGETS[:-1]), strict=False):
        if own > smaller:
            return larger
    return BUDGETS[0]


def grid_for(frame_size: tuple[int, int], patch: int, budget: int) -> tuple[int, int]:
    """Grid `(h, w)` with `h * w <= budget` that a frame of `(H, W)` pixels is resized to."""

    def at(scale: float) -> tuple[int, int]:
        rows, columns = (max(1, math.ceil(side * scale / patch)) for side in frame_size)
        return rows, columns

    low, high = _SCALES
    while high - low >= _TOLERANCE:
        middle = (low + high) / 2
        rows, columns = at(middle)
        low, high = (middle, high) if rows * columns <= budget else (low, middle)
    return at(low)


def read_budget(budget: object, offered: Sequence[int]) -> Patches:
    """What a tower that offers these budgets, ascending, makes of a setting.

    `fast`, `balanced` and `fine` are the smallest, the middle and the largest on offer; `dynamic` and any number of
    patches up to 8 times the largest stay what they are.

    Raises:
        ConfigError: for anything else.
    """
    names = {"fast": offered[0], "balanced": offered[len(offered) // 2], "fine": offered[-1]}
    if isinstance(budget, str) and budget in names:
        return names[budget]
    if budget == "dynamic":
        return "dynamic"
    most = _MOST * offered[-1]
    if isinstance(budget, bool) or not isinstance(budget, int) or not 1 <= budget <= most:
        raise ConfigError(
            f"budget: expected {', '.join(names)}, dynamic or a number of patches from 1 to {most}, got {budget!r}; "
            "small things on large frames are better seen in tiles"
        )
    return budget


def budget_grid(frame_size: tuple[int, int], patch: int, budget: Patches) -> tuple[int, int]:
    """Grid `(h, w)` of a frame of `(H, W)` pixels under a fixed or the dynamic budget."""
    patches = dynamic_budget(frame_size, patch) if budget == "dynamic" else budget
    return grid_for(frame_size, patch, patches)


def resize_frame(frame: NDArray[np.uint8], size: tuple[int, int]) -> torch.Tensor:
    """Resize `(H, W, 3)` uint8 BGR to `size` rows and columns of pixels: `(3, rows, columns)` uint8 RGB.

    PyTorch's antialiased bilinear on uint8: several times faster than `resize_exact`, and within 1 grey level of it
    but for one value in 100,000. cv2's resize aliases and is no substitute.
    """
    if not frame.flags.writeable or any(stride < 0 for stride in frame.strides):
        frame = frame.copy()  # torch takes neither read-only memory nor negative strides
    bgr = torch.from_numpy(frame).permute(2, 0, 1)[None]  # (1, 3, H, W), a channels-last view
    resized = torch.nn.functional.interpolate(bgr, size, mode="bilinear", antialias=True, align_corners=False)
    return resized[0].flip(0)  # flipped after the resize: fewer pixels to move


def resize_exact(
    frame: NDArray[np.uint8], size: tuple[int, int], resample: Image.Resampling = Image.Resampling.BILINEAR
) -> torch.Tensor:
    """`resize_frame` by Pillow, bit for bit what the official processors of SigLIP 2 and FG-CLIP 2 do."""
    bgr = Image.fromarray(frame).resize((size[1], size[0]), resample)
    return torch.from_numpy(np.array(bgr)).permute(2, 0, 1).flip(0)


def patchify(image: torch.Tensor, patch: int) -> torch.Tensor:
    """`cut_patches` of `(3, h*patch, w*patch)` uint8 RGB: `(h*w, patch*patch*3)` float32 in -1..1."""
    return (cut_patches(image, patch).float() / 255 - 0.5) / 0.5


def cut_patches(image: torch.Tensor, patch: int) -> torch.Tensor:
    """Cut `(3, h*patch, w*patch)` into `(h*w, patch*patch*3)`.

    Patches are row-major; inside a patch the order is row, column, channel.
    """
    channels, height, width = image.shape
    h, w = height // patch, width // patch
    cut = image.reshape(channels, h, patch, w, patch).permute(1, 3, 2, 4, 0)  # (h, w, patch, patch, 3)
    return cut.reshape(h * w, patch * patch * channels)


_PROCESSORS: Final = ("preprocessor_config.json", "processor_config.json")
"""Where an image processor is written down; in the second, of transformers 5, under `image_processor`."""


@dataclass(frozen=True, slots=True)
class Pixels:
    """How a tower of fixed resolution wants its pixels: `(value / 255 - mean) / std` for each colour, RGB.

    Attributes:
        resample: Pillow's filter.
        mean: of each colour, in units of 255.
        std: of each colour, in units of 255.
    """

    resample: Image.Resampling
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @classmethod
    def read(cls, folder: Path, otherwise: "Pixels") -> "Pixels":
        """As the first of the files says; what it, or the folder, lacks is as `otherwise`.

        Its sizes and crops are left out: frames are seen whole, at the size of the network.

        Raises:
            WeightsError: it cannot be read, or says what cannot be.
        """
        path = next((folder / name for name in _PROCESSORS if (folder / name).is_file()), None)
        if path is None:
            return otherwise
        notes = read_json(path)
        try:
            notes = {**notes, **notes.get("image_processor", {})}
            pixels = cls(
                Image.Resampling(notes.get("resample", otherwise.resample)),
                tuple(map(float, notes.get("image_mean", otherwise.mean))),
                tuple(map(float, notes.get("image_std", otherwise.std))),
            )
        except (TypeError, ValueError) as error:
            raise WeightsError(f"{path}: not the settings of an image processor: {error}") from error
        if not len(pixels.mean) == len(pixels.std) == 3 or min(pixels.std) <= 0:
            raise WeightsError(
                f"{path}: expected three values of image_mean and three above 0 of image_std, got {pixels.mean} and "
                f"{pixels.std}"
            )
        return pixels

    def prepare(self, frame: NDArray[np.uint8], size: tuple[int, int], device: torch.device) -> torch.Tensor:
        """`(H, W, 3)` uint8 BGR to `(3, rows, columns)` float32 RGB of that size, the aspect ratio not kept."""
        image = resize_exact(frame, size, self.resample).to(device)  # (3, rows, columns) uint8
        mean, std = (torch.tensor(each, device=device)[:, None, None] for each in (self.mean, self.std))  # (3, 1, 1)
        return (image.float() / 255 - mean) / std
