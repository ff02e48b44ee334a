"""CropTower: what all towers share that were trained on whole pictures: a region is an enlarged crop, seen as one.

Such a tower has no features of places that words can be compared with, or only approximately. So the reference is a
crop around each box, encoded as a picture; `ImageFeatures.pool` hides that from whoever asks. Context matters: crops
of the bare box name little (https://github.com/microsoft/RegionCLIP/issues/90), and ViLD (https://arxiv.org/abs/2104.13921)
takes crops of 1.5 times the box beside them.

A tower that builds on it says: its class of transformers (`natives`), its tokenizer and text, the trunk, how pictures
are embedded (`pictures`), what tokens are in the space of phrases, where that is asked for (`dense`), and its card.

Letters: N boxes, B frames or crops, D channels, h x w feature grid, H x W frame, n patches a batch is padded to.
"""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Final, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import normalize

from heads.pool import clip_to_frame
from regionclip.config import Config
from regionclip.errors import ConfigError, WeightsError
from regionclip.timing import stage
from regionclip.towers.base import Frame, FrameBatch, ImageFeatures, TokenGrid
from regionclip.towers.card import Score, TowerCard, TowerFacts, background
from regionclip.towers.checkpoints.hub import CONFIG, locate
from regionclip.towers.checkpoints.loading import fingerprint, read_json, read_native
from regionclip.towers.device import choose_dtype
from regionclip.towers.preprocess import BUDGETS, Pixels, read_budget
from regionclip.towers.trunk import Grid, TrunkTower, patch_mask

Natives = Mapping[str, tuple[Any, Pixels]]
"""By `model_type` of config.json: a class of transformers, and its pixels where no file says otherwise."""

_ROUNDING: Final = 1e-3  # pixels that are rounding of float32, and no row of pixels more

_TOGETHER: Final = 16  # crops of one pass; on a CPU more than one gain little, and cost memory


class CropTower(TrunkTower[Any]):
    """A `Tower` (regionclip/towers/base.py) whose regions are enlarged crops, each encoded as a picture.

    In the other region modes it pools from its grid, as a dense tower does.

    Args:
        model: of `natives`, in evaluation mode; its weights must not change any more.
        pixels: how pictures are prepared.
        config: its name, budget, region mode and context of crops.
        revision: fingerprint of the weights.
        score: how cosines become logits; where it has no bias, they are weighed against background phrases.
        width: channels D of the embeddings.
        text: one sentence on how text is prepared.
        is_square: whether pictures were squeezed to a square in training; else they kept their shape.

    Raises:
        ConfigError: for a budget that cannot be.
    """

    facts: ClassVar[TowerFacts]
    """What is known of all weights."""
    natives: ClassVar[Natives]
    """What may be loaded."""
    threshold: ClassVar[float] = 0.5
    """Of region scores, 0..1: here a share against the background phrases, as with FG-CLIP 2. Not measured: no released
    weights were at hand."""
    renamed: ClassVar[tuple[str, str]] = ("", "")
    """A part of the names in the files, and what stands for it in the class."""

    def __init__(
        self,
        model: Any,
        pixels: Pixels,
        config: Config,
        *,
        revision: str,
        score: Score,
        width: int,
        text: str,
        is_square: bool = True,
    ) -> None:
        vision, name = model.config.vision_config, config.name or config.tower
        side = vision.image_size // vision.patch_size if is_square else None
        budgets = (side**2,) if side else BUDGETS
        trained = side**2 if side else BUDGETS[1]  # the default of SigLIP 2's own processor
        languages = self.facts.languages_of(name)
        card = TowerCard(
            name=name,
            revision=revision,
            licence=self.facts.licence,
            languages=languages,
            region_mode=config.region_mode or self.facts.modes[0],
            width=width,
            text=text,
            region_score=score,
            image_score=score,
            threshold=self.threshold,
            patch=vision.patch_size,
            budgets=budgets,
            budget=read_budget(trained if config.budget is None else config.budget, budgets),
            negatives=background(languages) if score.bias is None else (),
            notice=self.facts.notice,
        )
        super().__init__(model, card)
        self.context, self._pixels, self._side = config.crop_context, pixels, side
        # What is encoded together must not hang on the boxes, or the last bits of an embedding could: groups of one
        # size, filled up with repetitions.
        self.together = 1 if self.device.type == "cpu" else _TOGETHER

    @classmethod
    def load(cls, weights: str | Path, config: Config, device: torch.device) -> Self:
        """Load a checkpoint in the layout of transformers' `save_pretrained`.

        Args:
            weights: folder, or hub name (cache first, see regionclip/towers/checkpoints/hub.py).
            config: its name, revision, dtype, budget, region mode and context of crops.
            device: to compute on.

        Raises:
            ConfigError: dtype or budget cannot be had.
            WeightsError: files are missing, damaged, or do not fit; says which and what to do.
        """
        checkpoint = locate(weights, revision=config.revision)
        folder = checkpoint.folder
        notes: Mapping[str, Any] = read_json(folder / CONFIG)
        if (kind := str(notes.get("model_type"))) not in cls.natives:
            raise WeightsError(f"{folder / CONFIG}: expected model_type {' or '.join(cls.natives)}, got {kind!r}")
        native, otherwise = cls.natives[kind]
        number = choose_dtype(config.dtype, device)
        notes = cls.native_notes(notes)
        model = read_native(native, notes, folder, dtype=number, device=device, named=cls.native_tensors)
        return cls.over(model, folder, Pixels.read(folder, otherwise), config, fingerprint(checkpoint))

    @classmethod
    def native_notes(cls, notes: Mapping[str, Any]) -> Mapping[str, Any]:
        """Content of config.json as the class of transformers has it."""
        return notes

    @classmethod
    def native_tensors(cls, tensors: Mapping[str, torch.Tensor], config: Any) -> Mapping[str, torch.Tensor]:
        """Tensors of the files by their names in the class, whose config is given."""
        return {name.replace(*cls.renamed): tensor for name, tensor in tensors.items()}

    @classmethod
    @abstractmethod
    def over(cls, model: Any, folder: Path, pixels: Pixels, config: Config, revision: str) -> Self:
        """The tower on a network; its tokenizer is in `folder`."""

    @abstractmethod
    def dense(self, tokens: torch.Tensor) -> torch.Tensor:
        """Tokens `(B, n, D)` to features near the space of phrases, `(B, n, width)`; asked in dense modes only."""

    @abstractmethod
    def pictures(self, inputs: list[torch.Tensor], grids: list[Grid], mask: torch.Tensor | None) -> torch.Tensor:
        """Embed pictures as the tower was trained to: `(B, D)`, not normalised.

        Args:
            inputs: what `prepare` made of B pictures.
            grids: of each; equal unless the tower pads.
            mask: `(B, n)` bool, False for padding; None where nothing is padded.
        """

    def preprocess(self, frame: Frame) -> torch.Tensor:
        """`(3, h*patch, w*patch)` in the units of the training."""
        h, w = self.grid_of(frame)
        return self._pixels.prepare(frame, (h * self.card.patch, w * self.card.patch), self.device)

    def prepare(self, picture: Frame) -> torch.Tensor:
        """What `pictures` gets of one; as `preprocess`, unless the trained size is no whole number of patches."""
        return self.preprocess(picture)

    def grid_of(self, frame: Frame) -> Grid:
        """Grid of a frame: the square of the training, or, under another budget, one of the frame's own shape."""
        if self._side is not None and self.card.budget == self._side**2:
            return self._side, self._side
        return super().grid_of(frame)

    def encode_image(self, frames: Sequence[Frame]) -> list[ImageFeatures]:
        """Features of each frame, computed on first use; tokens of all of them together, crops frame by frame."""
        batch = FrameBatch(frames, self.encode_frames)
        crops = self.card.region_mode == "crop"
        kind: Callable[..., ImageFeatures] = partial(CropFeatures, tower=self) if crops else ImageFeatures
        return [
            kind(frame, partial(batch.take, index), self._dense, self._whole, self.card)
            for index, frame in enumerate(frames)
        ]

    @torch.no_grad()
    def embed_pictures(self, pictures: Sequence[Frame]) -> torch.Tensor:
        """`(B, D)` float32 embeddings of pictures, unit length, on the CPU; in groups of `together`."""
        rows = [torch.zeros(0, self.card.width)]
        for start in range(0, len(pictures), self.together):
            group = list(pictures[start : start + self.together])
            full = group + group[-1:] * (self.together - len(group))
            embedded = torch.zeros(len(full), self.card.width)
            for places, grids in self.groups(full):
                inputs = [self.prepare(full[index]) for index in places]
                embedded[places] = self.pictures(inputs, grids, patch_mask(grids, self.device)).float().cpu()
            rows.append(normalize(embedded[: len(group)], dim=-1, eps=1e-12))
        return torch.cat(rows)

    @torch.no_grad()
    def _dense(self, encoded: TokenGrid) -> torch.Tensor:
        if self.card.region_mode == "crop":
            others = " or ".join(mode for mode in self.facts.modes if mode != "crop")
            raise ConfigError(
                f"{self.card.name} has no features of places that words can be compared with: it was trained on whole "
                f"pictures, and looks at crops. Heat maps need a dense tower, or region_mode {others}, an approximation"
            )
        return self.dense(encoded.tokens[None].to(self.dtype))[0].float()  # (h*w, D)

    def _whole(self, features: ImageFeatures) -> torch.Tensor:
        return self.embed_pictures([features.frame])[0]  # (D,)


class CropFeatures(ImageFeatures):
    """Features of a frame whose boxes are pooled from crops of their own.

    Tokens and grid are those of the frame encoded once as a whole, for proposers that ask them. `tower` encodes crops.
    """

    def __init__(self, *parts: Any, tower: CropTower) -> None:
        super().__init__(*parts)
        self._tower = tower
        self._crops = 0

    @property
    def passes(self) -> int:
        """Pictures that were encoded: crops, the whole frame for its embedding, and for its tokens."""
        return super().passes + self._crops + ("embedding" in self._known)

    def pool(self, boxes: NDArray[np.float32]) -> tuple[torch.Tensor, torch.Tensor]:
        """Encode an enlarged crop around each box; as `ImageFeatures.pool`."""
        clipped, valid = clip_to_frame(torch.from_numpy(np.array(boxes, np.float32)), self.frame_size)  # (N, 4), (N,)
        windows = enlarged(clipped[valid].numpy(), self._tower.context, self.frame_size)  # (k, 4)
        crops = [self.frame[y1:y2, x1:x2] for x1, y1, x2, y2 in windows.tolist()]
        pooled = torch.zeros(len(clipped), self.card.width)  # (N, D)
        with stage("encode"):
            pooled[valid] = self._tower.embed_pictures(crops)
        with self._lock:
            self._crops += len(crops)
        return pooled, valid


def enlarged(boxes: NDArray[np.float32], context: float, frame_size: tuple[int, int]) -> NDArray[np.int64]:
    """Windows around boxes that show `context` times their width and height, as far as the frame goes.

    Args:
        boxes: `(N, 4)` xyxy in pixels, inside the frame, each with an area.
        context: 1 or more.
        frame_size: `(H, W)` in pixels.

    Returns:
        `(N, 4)` xyxy, whole pixels, none empty.
    """
    exact = boxes.astype(np.float64)  # (N, 4)
    middle, half = (exact[:, :2] + exact[:, 2:]) / 2, (exact[:, 2:] - exact[:, :2]) * context / 2  # (N, 2) each
    start = np.floor(np.maximum(middle - half, 0) + _ROUNDING)  # (N, 2)
    end = np.ceil(np.minimum(middle + half, frame_size[::-1]) - _ROUNDING)  # (N, 2)
    return np.concatenate([start, end], axis=1).astype(np.int64)
