"""Small random checkpoints of towers on transformers' own classes, written by its own `save_pretrained`."""

from pathlib import Path
from typing import Any

import torch
from checkpoints import write_tokenizer
from transformers import PreTrainedModel, Siglip2Config, Siglip2Model, SiglipConfig, SiglipModel

IDS = {"pad_token_id": 0, "bos_token_id": None, "eos_token_id": None}
GEMMA_TEXT: dict[str, Any] = {
    "vocab_size": 512,
    "hidden_size": 36,
    "intermediate_size": 56,
    "num_hidden_layers": 2,
    "num_attention_heads": 3,
    "max_position_embeddings": 24,
    **IDS,
}
VISION: dict[str, Any] = {
    "hidden_size": 36,
    "intermediate_size": 64,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
}


def write_siglip(folder: Path, *, seed: int = 0, **vision: Any) -> Path:  # noqa: ANN401 - fields of a config
    """SigLIP 2 of fixed resolution: like So400m patch14-384 no whole number of patches, 66 pixels for 4 of 16."""
    sizes = VISION | {"image_size": 66, "patch_size": 16} | vision
    return _write(SiglipModel(SiglipConfig(text_config=GEMMA_TEXT, vision_config=sizes)), folder, seed)


def write_naflex(folder: Path, *, seed: int = 0, **vision: Any) -> Path:  # noqa: ANN401 - fields of a config
    """SigLIP 2 of variable resolution, 7 x 7 positions, patches of 14 pixels."""
    sizes = VISION | {"num_patches": 49, "patch_size": 14} | vision
    return _write(Siglip2Model(Siglip2Config(text_config=GEMMA_TEXT, vision_config=sizes)), folder, seed)


def _write(model: PreTrainedModel, folder: Path, seed: int) -> Path:
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in model.named_parameters():
            tensor.copy_(_random(name, tensor.shape, generator))
    model.save_pretrained(folder)
    write_tokenizer(folder)
    return folder


def _random(name: str, shape: torch.Size, generator: torch.Generator) -> torch.Tensor:
    """Of a size that keeps activations near 1, attention sharp, so that pictures and texts come out unlike."""
    if name == "logit_scale":
        return torch.full(shape, 2.5)
    if name == "logit_bias":
        return torch.full(shape, -3.0)
    noise = torch.randn(shape, generator=generator)
    if "norm" in name.lower() and name.endswith("weight"):
        return 1 + 0.2 * noise
    if len(shape) == 1:
        return 0.1 * noise
    if "embedding" in name and "patch" not in name:
        return noise
    gain = 4.0 if any(part in name for part in ("q_proj", "k_proj", "query", "key")) else 1.5
    return noise * (gain / float(shape[1:].numel()) ** 0.5)
