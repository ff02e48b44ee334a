"""Small random checkpoints of towers on transformers' own classes, written by its own `save_pretrained`."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from checkpoints import ODD, write_fgclip2, write_tokenizer
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import (
    AltCLIPConfig,
    AltCLIPModel,
    ChineseCLIPConfig,
    ChineseCLIPModel,
    MetaClip2Config,
    MetaClip2Model,
    PreTrainedModel,
    Siglip2Config,
    Siglip2Model,
    SiglipConfig,
    SiglipModel,
    Tipsv2Config,
    Tipsv2Model,
)

from regionclip.towers.checkpoints.hub import TINY_WEIGHTS

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

BERT_TEXT: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
}


def write_siglip(folder: Path, *, seed: int = 0, **vision: Any) -> Path:  # noqa: ANN401 - fields of a config
    """SigLIP 2 of fixed resolution: like So400m patch14-384 no whole number of patches, 66 pixels for 4 of 16."""
    sizes = VISION | {"image_size": 66, "patch_size": 16} | vision
    _write(SiglipModel(SiglipConfig(text_config=GEMMA_TEXT, vision_config=sizes)), folder, seed)
    write_tokenizer(folder)
    return folder


def write_naflex(folder: Path, *, seed: int = 0, **vision: Any) -> Path:  # noqa: ANN401 - fields of a config
    """SigLIP 2 of variable resolution, 7 x 7 positions, patches of 14 pixels."""
    sizes = VISION | {"num_patches": 49, "patch_size": 14} | vision
    _write(Siglip2Model(Siglip2Config(text_config=GEMMA_TEXT, vision_config=sizes)), folder, seed)
    write_tokenizer(folder)
    return folder


def write_chinese_clip(folder: Path, *, seed: int = 0) -> Path:
    """Chinese-CLIP, 4 x 4 patches of 16 pixels."""
    sizes = VISION | {"image_size": 64, "patch_size": 16}
    text = BERT_TEXT | {"vocab_size": 400, "max_position_embeddings": 60, "pad_token_id": 0}
    config = ChineseCLIPConfig(text_config=text, vision_config=sizes, projection_dim=28)
    _write(ChineseCLIPModel(config), folder, seed)
    write_wordpiece(folder)
    return folder


def write_altclip(folder: Path, *, seed: int = 0) -> Path:
    """AltCLIP, 4 x 4 patches of 14 pixels."""
    sizes = VISION | {"image_size": 56, "patch_size": 14}
    text = BERT_TEXT | {"vocab_size": 400, "max_position_embeddings": 90, "project_dim": 20}
    config = AltCLIPConfig(text_config=text, vision_config=sizes, projection_dim=28)
    _write(AltCLIPModel(config), folder, seed)
    write_unigram(folder)
    return folder


def write_metaclip2(folder: Path, *, seed: int = 0) -> Path:
    """MetaCLIP 2, 4 x 4 patches of 14 pixels."""
    sizes = VISION | {"image_size": 56, "patch_size": 14}
    text = BERT_TEXT | {"vocab_size": 400, "max_position_embeddings": 77, "eos_token_id": 2, "bos_token_id": 0}
    config = MetaClip2Config(text_config=text, vision_config=sizes, projection_dim=28)
    _write(MetaClip2Model(config), folder, seed)
    write_unigram(folder)
    return folder


def write_tipsv2(folder: Path, *, seed: int = 0) -> Path:
    """TIPSv2, 4 x 4 patches of 14 pixels, two class tokens."""
    sizes = VISION | {"image_size": 56, "patch_size": 14, "mlp_ratio": 2}
    sizes.pop("intermediate_size")
    text = GEMMA_TEXT | {"vocab_size": 400, "num_attention_heads": 4, "max_position_embeddings": 40}
    config = Tipsv2Config(text_config=text, vision_config=sizes)
    _write(Tipsv2Model(config), folder, seed)
    file = Tokenizer(
        models.Unigram(
            [(piece, -float(i)) for i, piece in enumerate(("<pad>", "<unk>", *LETTERS, "▁", "▁red"))], unk_id=1
        )
    )
    file.normalizer = normalizers.Lowercase()
    file.pre_tokenizer = pre_tokenizers.Metaspace()
    file.save(str(folder / "tokenizer.json"))
    notes = {"tokenizer_class": "PreTrainedTokenizerFast", "pad_token": "<pad>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(notes))
    return folder


WRITERS: dict[str, Callable[[Path], Path]] = {
    "tiny": lambda folder: Path(shutil.copytree(TINY_WEIGHTS, folder, dirs_exist_ok=True)),
    "fgclip2": lambda folder: write_fgclip2(folder, **ODD),
    "siglip": write_siglip,
    "naflex": write_naflex,
    "chinese_clip": write_chinese_clip,
    "altclip": write_altclip,
    "metaclip_2": write_metaclip2,
    "tipsv2": write_tipsv2,
}
"""Writes a small checkpoint of each tower into a folder; that of `tiny` is its own."""

LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789红黄蓝绿色的人车狗кабосня"


def write_wordpiece(folder: Path) -> None:
    """A small tokenizer.json of BERT's make: pad 0, unknown 1, start 2, end 3; lower-cases, cuts at Han characters."""
    words = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        *LETTERS,
        *(f"##{letter}" for letter in LETTERS),
        "red",
        "dog",
    ]
    file = Tokenizer(models.WordPiece(vocab={word: i for i, word in enumerate(words)}, unk_token="[UNK]"))
    file.normalizer = normalizers.BertNormalizer(lowercase=True)
    file.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    file.decoder = decoders.WordPiece()
    _save(file, folder, "[CLS]", "[SEP]", "[PAD]", "BertTokenizer")


def write_unigram(folder: Path) -> None:
    """A small tokenizer.json of XLM-RoBERTa's make: start 0, pad 1, end 2, unknown 3."""
    pieces = [(mark, 0.0) for mark in ("<s>", "<pad>", "</s>", "<unk>")]
    pieces += [(piece, -float(i)) for i, piece in enumerate(("▁red", "▁dog", "▁", *LETTERS, *LETTERS.upper()[:26]))]
    file = Tokenizer(models.Unigram([*pieces, ("<mask>", 0.0)], unk_id=3))
    file.pre_tokenizer = pre_tokenizers.Metaspace()
    file.decoder = decoders.Metaspace()
    _save(file, folder, "<s>", "</s>", "<pad>", "XLMRobertaTokenizer")


def _save(file: Tokenizer, folder: Path, start: str, end: str, pad: str, kind: str) -> None:
    marks = [(mark, file.token_to_id(mark)) for mark in (start, end)]
    file.add_special_tokens([start, end, pad])
    file.post_processor = processors.TemplateProcessing(single=f"{start} $A {end}", special_tokens=marks)
    file.save(str(folder / "tokenizer.json"))
    notes = {"tokenizer_class": kind, "cls_token": start, "sep_token": end, "pad_token": pad}
    (folder / "tokenizer_config.json").write_text(json.dumps(notes))


def _write(model: PreTrainedModel, folder: Path, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in model.named_parameters():
            tensor.copy_(_random(name, tensor.shape, generator))
    model.save_pretrained(folder)


def _random(name: str, shape: torch.Size, generator: torch.Generator) -> torch.Tensor:
    """Of a size that keeps activations near 1, attention sharp, so that pictures and texts come out unlike."""
    if name == "logit_scale":
        return torch.full(shape, 2.5)
    if name == "temperature":
        return torch.full(shape, 0.08)
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
    scaled: torch.Tensor = noise * gain / shape[1:].numel() ** 0.5
    return scaled
