"""TinyTower: the embedded bilingual tower, trained in this repository on rendered scenes."""

from collections.abc import Sequence
from dataclasses import asdict, fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import torch
from tokenizers import Tokenizer
from torch.nn.functional import normalize

from regionclip.config import Budget
from regionclip.errors import WeightsError
from regionclip.towers.base import Frame, FrameBatch, ImageFeatures, Target, TokenGrid
from regionclip.towers.card import Score, TowerCard
from regionclip.towers.hub import CONFIG, TOKENIZER, WEIGHTS, locate
from regionclip.towers.loading import assign_tensors, fingerprint, read_json, read_tensors
from regionclip.towers.preprocess import budget_grid, read_budget, resize_frame
from regionclip.towers.tiny.model import TinyConfig, TinyModel
from regionclip.towers.tiny.text import END, END_ID, PAD, encode

if TYPE_CHECKING:
    from regionclip.training.trainees.tiny import TinyTrainee

MODEL_TYPE: Final = "regionclip-tiny"
BUDGETS: Final = (128, 256, 400)
"""Patch budgets on offer; trained with 64 to 391 patches a frame."""

NOTICE: Final = (
    "the tower tiny was trained on rendered scenes only; for photographs use FG-CLIP 2 weights "
    "(--tower fgclip2-base --weights FOLDER)"
)


class TinyTower:
    """The embedded tower as a `Tower` (regionclip/towers/base.py).

    Args:
        model: in evaluation mode; its weights must not change any more.
        tokenizer: of the same training run.
        revision: fingerprint of the weights.
        threshold: default threshold of region scores, 0..1.
        budget: most patches a frame is cut into, `dynamic`, or a name (`read_budget`).

    Raises:
        ConfigError: budget below 1, or no name of one.
    """

    def __init__(
        self,
        model: TinyModel,
        tokenizer: Tokenizer,
        *,
        revision: str,
        name: str = "tiny",
        threshold: float = 0.5,
        budget: Budget = 256,
    ) -> None:
        self._model = model
        self._tokenizer = tokenizer
        config = model.config
        self._card = TowerCard(
            name=name,
            revision=revision,
            licence="Apache-2.0",
            languages=("en", "zh"),
            region_mode="dense",
            width=config.width,
            text=f"NFKC and lower-cased; every Han character alone; read to {config.text_length} tokens.",
            region_score=_score(model.region_score),
            image_score=_score(model.image_score),
            threshold=threshold,
            patch=config.patch,
            budgets=BUDGETS,
            budget=read_budget(budget, BUDGETS),
            notice=NOTICE,
        )

    @classmethod
    def load(
        cls,
        folder: Path,
        *,
        device: torch.device,
        dtype: torch.dtype,
        name: str = "tiny",
        budget: Budget | None = None,
    ) -> Self:
        """Read `config.json`, `model.safetensors` and `tokenizer.json`.

        Args:
            folder: that holds the three files.
            device: to compute on.
            dtype: to compute in; outputs are float32.
            name: what the tower is called.
            budget: most patches a frame is cut into, `dynamic`, a name (`read_budget`), or None for the one that
                config.json says.

        Raises:
            ConfigError: budget below 1, or no name of one.
            WeightsError: files are missing, damaged, or do not fit each other; says which and what to do.
        """
        checkpoint = locate(folder, (CONFIG, WEIGHTS, TOKENIZER))
        folder = checkpoint.folder
        notes = read_json(folder / CONFIG)
        config = read_config(notes, folder / CONFIG)
        tokenizer = _read_tokenizer(folder / TOKENIZER, config)
        threshold, trained_budget = _defaults(notes, folder / CONFIG)
        model = TinyModel(config)
        assign_tensors(model, read_tensors(folder), dtype=dtype, device=device, where=str(folder / WEIGHTS))
        model.requires_grad_(False)
        return cls(
            model,
            tokenizer,
            revision=fingerprint(checkpoint),
            name=name,
            threshold=threshold,
            budget=trained_budget if budget is None else budget,
        )

    @property
    def card(self) -> TowerCard:
        """What is fixed about this tower."""
        return self._card

    @property
    def placement(self) -> str:
        """Device and dtype in words, as `cpu, float32`."""
        weight = self._model.positions
        return f"{weight.device}, {str(weight.dtype).removeprefix('torch.')}"

    def encode_image(self, frames: Sequence[Frame]) -> list[ImageFeatures]:
        """Features of each frame, computed on first use; the first use of any of them runs the trunk for all."""
        batch = FrameBatch(frames, self.encode_frames)
        return [
            ImageFeatures(frame, partial(batch.take, index), self._dense, self._whole, self._card)
            for index, frame in enumerate(frames)
        ]

    @torch.no_grad()
    def encode_text(self, phrases: Sequence[str], target: Target) -> torch.Tensor:
        """`(P, D)` float32 unit-length embeddings on the CPU, each phrase encoded alone (bit-identical in any list)."""
        rows = [self._encode_phrase(phrase, target) for phrase in phrases]  # (D,) each
        return torch.stack(rows) if rows else torch.zeros(0, self._card.width)

    def count_tokens(self, phrase: str, target: Target) -> tuple[int, int]:
        """Tokens that `phrase` needs, end token included, and how many of them the tower reads."""
        ids, needed = encode(self._tokenizer, phrase, self._model.config.text_length)
        return needed, len(ids)

    def token_ids(self, phrase: str, target: Target) -> list[int]:
        """Ids of the tokens that are read of `phrase`, end token included."""
        return encode(self._tokenizer, phrase, self._model.config.text_length)[0]

    @torch.no_grad()
    def encode_frames(self, frames: Sequence[Frame]) -> list[TokenGrid]:
        """Run the trunk on frames together, those of one grid in one pass; `encode_image` is the lazy form of this."""
        patch = self._card.patch
        grids = [budget_grid(frame.shape[:2], patch, self._card.budget) for frame in frames]
        encoded: list[TokenGrid | None] = [None] * len(frames)
        for grid in dict.fromkeys(grids):
            places = [index for index, own in enumerate(grids) if own == grid]
            pixels = torch.stack([self.preprocess(frames[i]) for i in places])  # (B, 3, h*16, w*16) uint8
            weight = self._model.positions
            images = pixels.to(weight.device).to(weight.dtype) / 127.5 - 1  # (B, 3, h*16, w*16)
            tokens = self._model.tokens(images).float()  # (B, h*w, D)
            for index, row in zip(places, tokens, strict=True):
                # Copied out, or each frame would keep the whole batch alive.
                encoded[index] = TokenGrid(row.clone() if len(places) > 1 else row, grid)
        return [each for each in encoded if each is not None]

    def trainee(self) -> "TinyTrainee":
        """A copy of the network that can be trained; the tower itself stays as it is."""
        from regionclip.training.trainees.tiny import TinyTrainee

        return TinyTrainee(self._model, self._tokenizer, name=self._card.name, budget=self._card.budget)

    def preprocess(self, frame: Frame) -> torch.Tensor:
        """`(3, h*16, w*16)` uint8 RGB."""
        h, w = budget_grid(frame.shape[:2], self._card.patch, self._card.budget)
        return resize_frame(frame, (h * self._card.patch, w * self._card.patch))

    def _encode_phrase(self, phrase: str, target: Target) -> torch.Tensor:
        ids = torch.tensor([self.token_ids(phrase, target)], device=self._model.positions.device)  # (1, L)
        text = self._model.text
        pooled = text(ids, torch.ones_like(ids, dtype=torch.bool))  # (1, D)
        head = text.region if target == "region" else text.image
        return normalize(head(pooled).float(), dim=-1, eps=1e-12)[0].cpu()  # (D,)

    @torch.no_grad()
    def _dense(self, encoded: TokenGrid) -> torch.Tensor:
        return self._model.dense(encoded.tokens[None].to(self._model.positions.dtype))[0].float()  # (h*w, D)

    @torch.no_grad()
    def _whole(self, encoded: TokenGrid) -> torch.Tensor:
        return self._model.whole(encoded.tokens[None].to(self._model.positions.dtype))[0].float()  # (D,)


def config_json(config: TinyConfig, *, threshold: float, budget: int) -> dict[str, Any]:
    """What `config.json` says."""
    return {"model_type": MODEL_TYPE, **asdict(config), "threshold": threshold, "budget": budget}


def read_config(notes: dict[str, Any], where: Path) -> TinyConfig:
    """The network's sizes from the content of `config.json`.

    Raises:
        WeightsError: it is of another model, or a size is missing or not a whole number above 0.
    """
    if notes.get("model_type") != MODEL_TYPE:
        raise WeightsError(f"{where}: expected model_type {MODEL_TYPE!r}, got {notes.get('model_type')!r}")
    residual = notes.get("residual")
    if not isinstance(residual, bool):
        raise WeightsError(f"{where}: expected residual to be true or false, got {residual!r}")
    names = [field.name for field in fields(TinyConfig) if field.name != "residual"]
    if missing := [name for name in names if name not in notes]:
        raise WeightsError(f"{where}: missing {', '.join(missing)}")
    sizes = {name: notes[name] for name in names}
    stem = sizes.pop("stem")
    if not isinstance(stem, list) or len(stem) != 3:
        raise WeightsError(f"{where}: expected stem to be three numbers of channels, got {stem!r}")
    for name, size in [*sizes.items(), *(("stem", width) for width in stem)]:
        if not isinstance(size, int) or isinstance(size, bool) or size < 1:
            raise WeightsError(f"{where}: expected {name} to be a whole number above 0, got {size!r}")
    if sizes["width"] % (4 * sizes["heads"]):
        raise WeightsError(f"{where}: expected width to be a multiple of 4 * heads, got {sizes['width']}")
    return TinyConfig(stem=(stem[0], stem[1], stem[2]), residual=residual, **sizes)


def _defaults(notes: dict[str, Any], where: Path) -> tuple[float, int]:
    """Default threshold and budget."""
    threshold, budget = notes.get("threshold"), notes.get("budget")
    if not isinstance(threshold, int | float) or not 0 <= threshold <= 1:
        raise WeightsError(f"{where}: expected threshold in 0..1, got {threshold!r}")
    if not isinstance(budget, int) or isinstance(budget, bool) or budget < 1:
        raise WeightsError(f"{where}: expected budget to be a whole number above 0, got {budget!r}")
    return float(threshold), budget


def _read_tokenizer(path: Path, config: TinyConfig) -> Tokenizer:
    try:
        tokenizer = Tokenizer.from_str(path.read_text(encoding="utf-8"))
    except Exception as error:  # tokenizers raises plain Exception for a damaged file
        raise WeightsError(f"{path}: not a tokenizer file, or damaged ({error}): copy it again") from error
    if tokenizer.get_vocab_size() != config.vocabulary:
        raise WeightsError(
            f"{path}: expected {config.vocabulary} entries, as config.json says, got {tokenizer.get_vocab_size()}"
        )
    if (found := (tokenizer.token_to_id(PAD), tokenizer.token_to_id(END))) != (0, END_ID):
        raise WeightsError(
            f"{path}: expected {PAD} and {END} at 0 and {END_ID}, got {found}: a tokenizer of another tower"
        )
    return tokenizer


def _score(pair: torch.Tensor) -> Score:
    scale, bias = pair.float().tolist()
    return Score(scale=float(torch.tensor(scale).exp()), bias=bias)
