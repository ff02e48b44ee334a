"""Small random checkpoints of FG-CLIP 2 in the official layout, so that everything can be tested offline.

Keys and shapes are written down from the official layout, not taken from our model: a loader that expects other
keys fails.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

TEXT: dict[str, Any] = {
    "model_type": "fgclip2_text_model",
    "vocab_size": 512,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 64,
    "longtext_len": 196,
    "keep_len": 20,
}
VISION: dict[str, Any] = {
    "model_type": "fgclip2_vision_model",
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_patches": 64,
    "patch_size": 16,
}

# No size equals another, or those of the golden: patch 14, 7 x 7 positions, other heads and lengths.
ODD: dict[str, Any] = {
    "text": {
        "hidden_size": 48,
        "intermediate_size": 72,
        "num_hidden_layers": 3,
        "num_attention_heads": 3,
        "max_position_embeddings": 24,
        "longtext_len": 51,
        "keep_len": 11,
    },
    "vision": {
        "hidden_size": 48,
        "intermediate_size": 80,
        "num_attention_heads": 6,
        "num_patches": 49,
        "patch_size": 14,
    },
    "seed": 1,
}
"""Arguments of `write_fgclip2` for a checkpoint of another shape."""

_GOLDEN = Path(__file__).parent / "golden" / "fgclip2_small"
_SPECIAL = ("<pad>", "<eos>", "<bos>", "<unk>", "<mask>")
_LETTERS = "▁abcdefghijklmnopqrstuvwxyz0123456789.,-'红黄蓝绿黑白色的人车灭火器背包狗"
_MERGES = [
    *("t h", "th e", "▁ a", "i n", "e r", "r e", "o n", "re d", "p er", "s on", "per son", "▁ red"),
    *("灭 火", "灭火 器"),
]


def write_fgclip2(
    folder: Path,
    *,
    text: Mapping[str, Any] | None = None,
    vision: Mapping[str, Any] | None = None,
    shards: int = 1,
    seed: int = 0,
) -> Path:
    """Write config.json, weights, tokenizer.json and tokenizer_config.json into `folder`.

    Args:
        folder: made if absent.
        text: fields of text_config that differ from `TEXT`.
        vision: fields of vision_config that differ from `VISION`.
        shards: files the weights are cut into; more than one are written with an index.
        seed: of the random weights.

    Returns:
        `folder`.
    """
    text, vision = TEXT | dict(text or {}), VISION | dict(vision or {})
    folder.mkdir(parents=True, exist_ok=True)
    config = {"model_type": "fgclip2", "text_config": text, "vision_config": vision}
    (folder / "config.json").write_text(json.dumps(config))
    write_weights(folder, random_weights(text, vision, seed), shards)
    write_tokenizer(folder)
    return folder


def golden_tensors() -> dict[str, torch.Tensor]:
    """Inputs `in.*`, outputs `out.*` and weights `model.*` of the official code."""
    return load_file(_GOLDEN.with_suffix(".safetensors"))


def write_golden(folder: Path) -> Path:
    """Write the golden weights as a checkpoint in the official layout, with the small tokenizer."""
    folder.mkdir(parents=True, exist_ok=True)
    config = json.loads(_GOLDEN.with_suffix(".json").read_text())["config"]
    (folder / "config.json").write_text(json.dumps(config))
    weights = {name: value for name, value in golden_tensors().items() if name.startswith("model.")}
    write_weights(folder, {name.removeprefix("model."): value for name, value in weights.items()})
    write_tokenizer(folder)
    return folder


def write_weights(folder: Path, tensors: Mapping[str, torch.Tensor], shards: int = 1) -> None:
    """Write model.safetensors, or shards with their index."""
    if shards == 1:
        save_file(dict(tensors), folder / "model.safetensors")
        return
    names = sorted(tensors)
    weight_map: dict[str, str] = {}
    for shard in range(shards):
        file = f"model-{shard + 1:05}-of-{shards:05}.safetensors"
        part = names[shard::shards]
        save_file({name: tensors[name] for name in part}, folder / file)
        weight_map |= dict.fromkeys(part, file)
    index = {"metadata": {"total_size": 0}, "weight_map": weight_map}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def random_weights(text: Mapping[str, Any], vision: Mapping[str, Any], seed: int) -> dict[str, torch.Tensor]:
    """Weights under the official names, of a size that keeps activations near 1."""
    generator = torch.Generator().manual_seed(seed)
    tensors = {}
    for name, shape in official_shapes(text, vision).items():
        noise = torch.randn(shape, generator=generator)
        if "norm" in name and name.endswith("weight"):
            tensors[name] = 1 + 0.2 * noise
        elif len(shape) == 1:
            tensors[name] = 0.1 * noise
        else:
            is_table = "embedding.weight" in name and "patch" not in name
            # Sharp attention: else all texts, and all regions, come out nearly alike.
            gain = 4.0 if "q_proj" in name or "k_proj" in name else 1.5
            tensors[name] = noise if is_table else gain * noise / shape[-1] ** 0.5
    tensors["logit_scale"] = torch.tensor([2.5])
    tensors["logit_bias"] = torch.tensor([-3.0])
    return tensors


def official_shapes(text: Mapping[str, Any], vision: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """The official state dict: name to shape."""
    d, v = text["hidden_size"], vision["hidden_size"]
    projection = text.get("projection_size") or d
    inputs = 3 * vision["patch_size"] ** 2
    shapes: dict[str, tuple[int, ...]] = {"logit_scale": (1,), "logit_bias": (1,)}
    table = "text_model.embeddings."
    shapes[f"{table}token_embedding.weight"] = (text["vocab_size"], d)
    shapes[f"{table}position_embedding.weight"] = (text["max_position_embeddings"], d)
    shapes[f"{table}position_embedding_res.weight"] = (text["longtext_len"], d)
    shapes[f"{table}position_embedding_ori.weight"] = (text["longtext_len"], d)
    shapes |= _layers("text_model", text) | _pair("text_model.final_layer_norm", d)
    shapes |= _pair("text_model.head", projection, d)
    shapes |= _pair("vision_model.embeddings.patch_embedding", v, inputs)
    shapes["vision_model.embeddings.position_embedding.weight"] = (vision["num_patches"], v)
    shapes |= _layers("vision_model", vision) | _pair("vision_model.post_layernorm", v)
    for head in ("vision_model.head", "dense_feature_head"):
        shapes |= {f"{head}.probe": (1, 1, v), f"{head}.attention.in_proj_weight": (3 * v, v)}
        shapes |= {f"{head}.attention.in_proj_bias": (3 * v,)} | _pair(f"{head}.attention.out_proj", v, v)
        shapes |= _pair(f"{head}.layernorm", v) | _mlp(f"{head}.mlp", v, vision["intermediate_size"])
    return shapes | _pair("longtext_head", d, d) | _pair("boxtext_head", d, d)


def _layers(tower: str, config: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    width: int = config["hidden_size"]
    shapes: dict[str, tuple[int, ...]] = {}
    for index in range(config["num_hidden_layers"]):
        layer = f"{tower}.encoder.layers.{index}"
        shapes |= _pair(f"{layer}.layer_norm1", width) | _pair(f"{layer}.layer_norm2", width)
        for part in ("q", "k", "v", "out"):
            shapes |= _pair(f"{layer}.self_attn.{part}_proj", width, width)
        shapes |= _mlp(f"{layer}.mlp", width, config["intermediate_size"])
    return shapes


def _mlp(name: str, width: int, inner: int) -> dict[str, tuple[int, ...]]:
    return _pair(f"{name}.fc1", inner, width) | _pair(f"{name}.fc2", width, inner)


def _pair(name: str, *shape: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": shape, f"{name}.bias": shape[:1]}


def write_tokenizer(folder: Path, *, start: bool = False, end: bool = True, **settings: object) -> None:
    """Write a small tokenizer of Gemma's make: byte fallback, pad 0, eos 1, bos 2, unk 3.

    Args:
        folder: to write tokenizer.json and tokenizer_config.json into.
        start: whether tokenizer.json adds the start token (FG-CLIP 2 has none).
        end: whether tokenizer.json adds the end token.
        settings: fields of tokenizer_config.json that differ; None leaves a field out.
    """
    tokens = [*_SPECIAL, *(f"<0x{byte:02X}>" for byte in range(256)), *_LETTERS]
    merges = [(left, right) for left, _, right in (merge.partition(" ") for merge in _MERGES)]
    tokens += [left + right for left, right in merges]
    vocabulary = {token: index for index, token in enumerate(tokens)}
    model = models.BPE(vocab=vocabulary, merges=merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True)
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in _SPECIAL])
    template = ("<bos> " if start else "") + "$A" + (" <eos>" if end else "")
    tokenizer.post_processor = processors.TemplateProcessing(
        single=template, special_tokens=[("<bos>", 2), ("<eos>", 1)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    fields: dict[str, object] = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "add_bos_token": False,
        "add_eos_token": True,
        "bos_token": "<bos>",
        "eos_token": "<eos>",
        "pad_token": "<pad>",
        "unk_token": "<unk>",
        "padding_side": "right",
        "model_input_names": ["input_ids"],
    } | settings
    kept = {name: value for name, value in fields.items() if value is not None}
    (folder / "tokenizer_config.json").write_text(json.dumps(kept))
