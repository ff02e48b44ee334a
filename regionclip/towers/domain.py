"""Domain: which frames a tower can say anything of, judged by its own tokens at the price of a small product.

Letters: D channels, n tokens of a frame, K patch budgets that were measured.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save

from regionclip.errors import DomainWarning, WeightsError, warn
from regionclip.formats.files import write_file

if TYPE_CHECKING:
    from regionclip.towers.base import ImageFeatures

DOMAIN: Final = "domain.safetensors"


@dataclass(frozen=True, slots=True, eq=False)
class Domain:
    """Tells frames like those that a tower was trained on from all others, by means and deviations of their tokens.

    Two things speak for another frame: a linear score that was learned from photographs, and Mahalanobis' distance from
    a Gaussian of known frames. Gaussian and limit are those of the measured patch budget that is nearest.

    Attributes:
        budgets: `(K,)` float32, tokens a frame.
        weight: `(2D,)` float32, of the linear score.
        mean: `(K, 2D)` float32, of `statistics` of known frames.
        whiten: `(K, 2D, 2D)` float32: takes statistics minus their mean to unit covariance.
        slope: `(K,)` float32, what the distance counts beside the linear score.
        limit: `(K,)` float32, largest sum of both of a known frame.
        banner: lines that are drawn on other frames, English first.
    """

    budgets: torch.Tensor
    weight: torch.Tensor
    mean: torch.Tensor
    whiten: torch.Tensor
    slope: torch.Tensor
    limit: torch.Tensor
    banner: tuple[str, ...] = ()

    @classmethod
    def read(cls, folder: Path, width: int, banner: tuple[str, ...]) -> Self | None:
        """What is in `domain.safetensors` of a folder of weights of `width` channels; None where there is no such file.

        Raises:
            WeightsError: the file is damaged, or of another tower.
        """
        path = folder / DOMAIN
        if not path.is_file():
            return None
        try:
            tensors = {name: tensor.float() for name, tensor in load_file(path).items()}
        except (SafetensorError, OSError) as error:
            raise WeightsError(f"{path}: not a whole safetensors file ({error}): copy it again") from error
        k, s = len(tensors.get("budgets", ())), 2 * width
        shapes = {"budgets": (k,), "weight": (s,), "mean": (k, s), "whiten": (k, s, s), "slope": (k,), "limit": (k,)}
        if (found := {name: tuple(tensor.shape) for name, tensor in tensors.items()}) != shapes or not k:
            raise WeightsError(f"{path}: expected tensors {shapes}, got {found}: copy the one of these weights")
        return cls(**tensors, banner=banner)

    def write(self, folder: Path) -> None:
        """Write `domain.safetensors`, the Gaussians in float16.

        Raises:
            FileError: where it cannot be written.
        """
        halves = {"mean": self.mean.half(), "whiten": self.whiten.half()}
        others = {name: getattr(self, name) for name in ("budgets", "weight", "slope", "limit")}
        write_file(folder / DOMAIN, save(halves | others))

    def strangeness(self, tokens: torch.Tensor) -> float:
        """How far the frame of tokens `(n, D)` is from what the tower knows; above 0 it is another kind of frame."""
        near, seen = int((self.budgets - len(tokens)).abs().argmin()), statistics(tokens)  # seen (2D,)
        away = distance(seen, self.mean[near], self.whiten[near])
        return float(seen @ self.weight + self.slope[near] * away - self.limit[near])


def warn_of_domain(features: "ImageFeatures") -> None:
    """Say it where the tower sees that it does not know this kind of frame."""
    if features.out_of_domain:
        told = "this frame is of no kind that the tower knows, its labels mean nothing"
        warn(f"{told}: {features.card.notice}", DomainWarning)


def statistics(tokens: torch.Tensor) -> torch.Tensor:
    """Mean and standard deviation of each channel over a frame's tokens `(n, D)`: `(2D,)` float32 on the CPU."""
    deviation, mean = torch.std_mean(tokens.float(), dim=0, correction=0)  # (D,), (D,)
    return torch.cat([mean, deviation]).cpu()


def distance(frames: torch.Tensor, mean: torch.Tensor, whiten: torch.Tensor) -> torch.Tensor:
    """Mahalanobis' distance of statistics `(..., 2D)` from the mean, over `sqrt(2D)`: `(...)`, about 1 if known."""
    return ((frames - mean) @ whiten.T).square().mean(-1).sqrt()
