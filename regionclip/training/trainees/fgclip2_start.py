"""FG-CLIP 2 before its first step: made out of SigLIP 2 weights, as its authors did.

The text positions are stretched for long texts, the heads for region phrases and long texts start as the head of short
ones, the dense head as the pooling head. Structure read at github.com/360CVGroup/FG-CLIP.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch
from safetensors.torch import save

from regionclip.errors import WeightsError
from regionclip.formats.files import write_file
from regionclip.towers.checkpoints.companions import copy_companions
from regionclip.towers.checkpoints.hub import CONFIG, WEIGHTS, locate
from regionclip.towers.checkpoints.loading import read_json, read_tensors
from regionclip.towers.fgclip2.config import FGCLIP2Config

KEEP: Final = 20
"""First positions, which stay as they are."""
FACTOR: Final = 4
"""Positions that each later one becomes."""

_POSITIONS: Final = "text_model.embeddings.position_embedding"
_COPIES: Final = {
    "text_model.head.": ("boxtext_head.", "longtext_head."),
    "vision_model.head.": ("dense_feature_head.",),
}


def stretch_positions(table: torch.Tensor, keep: int = KEEP, factor: int = FACTOR) -> torch.Tensor:
    """A table of positions for longer texts, by linear interpolation; 64 rows become 196.

    Args:
        table: `(L, D)`, two rows more than `keep` at least.
        keep: first rows, which are copied.
        factor: rows that each later row becomes; those after the last row go on along its last step.

    Returns:
        `(keep + (L - keep) * factor, D)`.
    """
    later = table[keep:]  # (L - keep, D)
    step = later.diff(dim=0)  # (L - keep - 1, D)
    step = torch.cat([step, step[-1:]])  # (L - keep, D)
    share = torch.arange(factor, dtype=table.dtype, device=table.device)[None, :, None] / factor  # (1, factor, 1)
    return torch.cat([table[:keep], (later[:, None] + share * step[:, None]).flatten(0, 1)])


def start_from_siglip2(weights: str | Path, folder: Path, *, revision: str | None = None) -> Path:
    """Write an FG-CLIP 2 checkpoint in the official layout, made out of SigLIP 2 (NaFlex) weights.

    Args:
        weights: folder or hub name of the SigLIP 2 checkpoint.
        folder: where config.json, model.safetensors and the tokenizer go.
        revision: hub branch, tag or commit.

    Returns:
        `folder`.

    Raises:
        WeightsError: files are missing or damaged, or not of a SigLIP 2 model of variable resolution.
    """
    source = locate(weights, revision=revision).folder
    notes = read_json(source / CONFIG)
    if notes.get("model_type") != "siglip2":
        raise WeightsError(
            f"{source / CONFIG}: expected model_type 'siglip2', as in google/siglip2-base-patch16-naflex, "
            f"got {notes.get('model_type')!r}"
        )
    sizes = FGCLIP2Config.parse(notes, str(source / CONFIG)).text
    long = KEEP + (sizes.max_position_embeddings - KEEP) * FACTOR
    if sizes.max_position_embeddings < KEEP + 2 or sizes.projection_size != sizes.hidden_size:
        raise WeightsError(
            f"{source / CONFIG}: expected at least {KEEP + 2} text positions and a text head as wide as the tower "
            f"({sizes.hidden_size}), got {sizes.max_position_embeddings} and {sizes.projection_size}"
        )
    tensors = _grown(read_tensors(source), source)
    copy_companions(source, folder, json.dumps(_grown_config(notes, long), indent=1).encode())
    write_file(folder / WEIGHTS, save(tensors, {"format": "pt"}))
    return folder


def _grown(tensors: Mapping[str, torch.Tensor], source: Path) -> dict[str, torch.Tensor]:
    table = tensors.get(f"{_POSITIONS}.weight")
    if table is None or not all(any(name.startswith(head) for name in tensors) for head in _COPIES):
        raise WeightsError(f"{source}: expected {_POSITIONS}.weight, {', '.join(_COPIES)}*; not SigLIP 2 weights")
    grown = dict(tensors)
    for name, tensor in tensors.items():
        for head, copies in _COPIES.items():
            if name.startswith(head):
                grown |= {name.replace(head, copy, 1): tensor.clone() for copy in copies}
    long = stretch_positions(table.float()).to(table.dtype)  # (196, D) where the table has 64 rows
    return grown | {f"{_POSITIONS}_ori.weight": long, f"{_POSITIONS}_res.weight": long.clone()}


def _grown_config(notes: Mapping[str, Any], long: int) -> dict[str, Any]:
    text = {
        **(notes.get("text_config") or {}),
        "model_type": "fgclip2_text_model",
        "longtext_len": long,
        "keep_len": KEEP,
    }
    vision = {**(notes.get("vision_config") or {}), "model_type": "fgclip2_vision_model"}
    kept = {key: value for key, value in notes.items() if key not in ("architectures", "auto_map")}
    return {**kept, "model_type": "fgclip2", "text_config": text, "vision_config": vision}
