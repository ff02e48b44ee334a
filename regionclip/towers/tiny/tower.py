"""TinyTower: the embedded bilingual tower, trained in this repository on rendered scenes."""

from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, Final, Self

import torch
from tokenizers import Tokenizer

from regionclip.config import Budget, Config
from regionclip.errors import WeightsError
from regionclip.towers.base import Frame, Target
from regionclip.towers.card import FACTS, Score, TowerCard
from regionclip.towers.checkpoints.hub import CONFIG, TOKENIZER, WEIGHTS, locate
from regionclip.towers.checkpoints.loading import assign_tensors, fingerprint, read_json, read_tensors
from regionclip.towers.dense import DenseTower
from regionclip.towers.device import choose_dtype
from regionclip.towers.domain import Domain
from regionclip.towers.preprocess import read_budget, resize_frame
from regionclip.towers.tiny.model import TinyConfig, TinyModel
from regionclip.towers.tiny.text import END, END_ID, PAD, encode
from regionclip.towers.trunk import Grid

MODEL_TYPE: Final = "regionclip-tiny"
BUDGETS: Final = (128, 256, 400)
"""Patch budgets on offer; trained with 64 to 391 patches a frame."""

_LARGEST: Final = 1_000_000
"""Size that a file may ask for."""

NOTICE: Final = (
    "the tower tiny was trained on rendered scenes only; for photographs use FG-CLIP 2 "
    "(regionclip towers get fgclip2-base)"
)

BANNER: Final = ("tiny knows rendered scenes only: no answer", "tiny 只认得渲染场景：标签无意义")


class TinyTower(DenseTower[TinyModel]):
    """The embedded tower as a `Tower` (regionclip/towers/base.py).

    Args:
        model: in evaluation mode; its weights must not change any more.
        tokenizer: of the same training run.
        revision: fingerprint of the weights.
        threshold: default threshold of region scores, 0..1.
        budget: most patches a frame is cut into, `dynamic`, or a name (`read_budget`).
        domain: which frames it knows.

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
        domain: Domain | None = None,
    ) -> None:
        config = model.config
        card = TowerCard(
            name=name,
            revision=revision,
            licence=FACTS["tiny"].licence,
            languages=FACTS["tiny"].languages_of(name),
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
            domain=domain,
        )
        super().__init__(model, card)
        self.tokenizer = tokenizer

    @classmethod
    def load(cls, weights: str | Path, config: Config, device: torch.device) -> Self:
        """Read `config.json`, `model.safetensors`, `tokenizer.json`, and `domain.safetensors` where it is there.

        Args:
            weights: folder that holds them.
            config: its name, dtype, and budget, without which that of config.json is taken.
            device: to compute on.

        Raises:
            ConfigError: dtype or budget cannot be had.
            WeightsError: files are missing, damaged, or do not fit each other; says which and what to do.
        """
        checkpoint = locate(weights)
        folder = checkpoint.folder
        notes = read_json(folder / CONFIG)
        sizes = read_config(notes, folder / CONFIG)
        tokenizer = _read_tokenizer(folder / TOKENIZER, sizes)
        threshold, trained_budget = _defaults(notes, folder / CONFIG)
        try:
            model = TinyModel(sizes)
        except RuntimeError as error:  # no memory for it
            raise WeightsError(f"{folder / CONFIG}: no network of these sizes can be made: {error}") from error
        # bfloat16 was measured to gain nothing at this size.
        dtype = torch.float32 if config.dtype == "auto" else choose_dtype(config.dtype, device)
        assign_tensors(model, read_tensors(folder), dtype=dtype, device=device, where=str(folder / WEIGHTS))
        model.requires_grad_(False)
        return cls(
            model,
            tokenizer,
            revision=fingerprint(checkpoint),
            name=config.name or config.tower,
            threshold=threshold,
            budget=trained_budget if config.budget is None else config.budget,
            domain=Domain.read(folder, sizes.width, BANNER),
        )

    def preprocess(self, frame: Frame) -> torch.Tensor:
        """`(3, h*16, w*16)` uint8 RGB."""
        h, w = self.grid_of(frame)
        return resize_frame(frame, (h * self.card.patch, w * self.card.patch))

    def trunk(self, inputs: list[torch.Tensor], grids: list[Grid], mask: torch.Tensor | None) -> torch.Tensor:
        """`(B, h*w, D)` tokens of frames of one grid."""
        images = torch.stack(inputs).to(self.device).to(self.dtype) / 127.5 - 1  # (B, 3, h*16, w*16)
        return self.model.tokens(images)

    def dense(self, tokens: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        """`(B, h*w, D)` tokens to features in the space of region phrases."""
        return self.model.dense(tokens)

    def whole(self, tokens: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        """`(B, h*w, D)` tokens to `(B, D)` embeddings in the space of image phrases."""
        return self.model.whole(tokens)

    def read(self, phrase: str, target: Target) -> tuple[list[int], int]:
        """Ids that are read of `phrase`, end token included, and how many it would need."""
        return encode(self.tokenizer, phrase, self.model.config.text_length)

    def embed(self, ids: list[int], target: Target) -> torch.Tensor:
        """`(D,)` by the head of the target."""
        return self.model.text.embed([ids], target)[0]


def config_json(config: TinyConfig, *, threshold: float, budget: int) -> dict[str, Any]:
    """What `config.json` says."""
    return {"model_type": MODEL_TYPE, **asdict(config), "threshold": threshold, "budget": budget}


def read_config(notes: dict[str, Any], where: Path) -> TinyConfig:
    """The network's sizes from the content of `config.json`.

    Raises:
        WeightsError: it is of another model, or a size is missing, or no whole number that can be.
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
        if not isinstance(size, int) or isinstance(size, bool) or not 0 < size <= _LARGEST:
            raise WeightsError(f"{where}: expected {name} to be a whole number in 1..{_LARGEST}, got {size!r}")
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
