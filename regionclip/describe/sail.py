"""SAIL-VL2 (https://arxiv.org/abs/2509.14033) on transformers' own classes, from weights in their released layout.

    tiles 448 x 448 -> AIMv2 -> 2 x 2 tokens become one -> LayerNorm, two linear layers -> tokens of Qwen3

What is fixed here was read in the released files of SAIL-VL2-2B: config.json, its index of weights, the code beside
them, chat_template.jinja. It was never run on the released weights.

Letters: T tiles, B prompts, g rows and columns of a tile's patches, n positions, C channels of a patch, D of Qwen3.
"""

import re
from collections.abc import Mapping, Sequence
from itertools import product
from math import prod
from pathlib import Path
from typing import Any, Final, Self

import torch
from PIL import Image
from torch import nn
from transformers import (
    Aimv2VisionConfig,
    Aimv2VisionModel,
    PreTrainedTokenizerFast,
    Qwen3Config,
    Qwen3ForCausalLM,
)
from transformers.models.qwen3.modeling_qwen3 import Qwen3RotaryEmbedding

from regionclip.describe.speaker import Inputs, Prompt, Speaker
from regionclip.errors import WeightsError
from regionclip.frames import Frame
from regionclip.towers.checkpoints.hub import CONFIG
from regionclip.towers.checkpoints.loading import assign_tensors, check_tensors, read_json, read_tensors
from regionclip.towers.gemma import read_tokenizer
from regionclip.towers.preprocess import Pixels

SYSTEM: Final = "你是由抖音内容理解组开发的多模态大模型，英文名叫UniVL, 是一个有用无害的人工智能助手。"
"""What every conversation began with in training."""

_END: Final = "<|im_end|>"
_PICTURE: Final = ("<img>", "<IMG_CONTEXT>", "</img>")
# What the released files say and this code does; anything else would be another network.
_FIXED: Final = {"ps_version": "v2", "downsample_ratio": 0.5, "template": "univl-chat"}
_PIXELS: Final = Pixels(Image.Resampling.BICUBIC, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_TILES: Final = 10
_SIZES: Final = (
    *("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_channels", "patch_size"),
    *("rms_norm_eps", "qkv_bias"),
)
_PLACEMENT: Final = ("attn_implementation", "_attn_implementation", "torch_dtype", "dtype")
_NAMES: Final = (
    ("vision_model.embeddings.patch_embed.", "vision_model.preprocessor.patchifier.proj."),
    ("vision_model.embeddings.rms_norm.", "vision_model.preprocessor.patchifier.norm."),
    ("vision_model.embeddings.position_embedding.weight", "vision_model.preprocessor.pos_embed"),
    ("vision_model.rms_norm.", "vision_model.trunk.post_trunk_norm."),
    ("vision_model.encoder.layers.", "vision_model.trunk.blocks."),
    (".attention.out_proj.", ".attn.proj."),
    (".ffn.gate_proj.", ".mlp.fc1."),
    (".ffn.down_proj.", ".mlp.fc2."),
    (".ffn.up_proj.", ".mlp.fc3."),
    (".rms_norm1.", ".norm_1."),
    (".rms_norm2.", ".norm_2."),
)
_QKV: Final = re.compile(r"\.attention\.([qkv])_proj\.")


class SailVL2(nn.Module):
    """The network; its parts have the names of the released one.

    Args:
        vision: sizes of the vision tower.
        language: sizes of the language model.
        layer: of the vision tower that is read; -1 for the last one, normalised.
    """

    def __init__(self, vision: Aimv2VisionConfig, language: Qwen3Config, layer: int) -> None:
        super().__init__()
        inner, width = 4 * vision.hidden_size, language.hidden_size
        self.vision_model = Aimv2VisionModel(vision)
        self.mlp1 = nn.Sequential(nn.LayerNorm(inner), nn.Linear(inner, width), nn.GELU(), nn.Linear(width, width))
        self.language_model = Qwen3ForCausalLM(language)
        self.size, self._layer = int(vision.image_size), layer  # type: ignore[arg-type]

    def see(self, tiles: torch.Tensor) -> torch.Tensor:
        """Tiles `(T, 3, size, size)` as tokens of the language model, `(T, g*g/4, D)`."""
        out = self.vision_model(tiles, output_hidden_states=self._layer != -1)
        tokens = out.last_hidden_state if self._layer == -1 else out.hidden_states[self._layer]  # (T, g*g, C)
        count, half = len(tokens), int(tokens.shape[1] ** 0.5) // 2
        blocks = tokens.reshape(count, half, 2, half, 2, -1).permute(0, 1, 3, 2, 4, 5)  # (T, g/2, g/2, 2, 2, C)
        merged: torch.Tensor = self.mlp1(blocks.reshape(count, half * half, -1))
        return merged


def tiling(height: int, width: int, size: int, most: int) -> tuple[int, int]:
    """Columns and rows of tiles of `size` pixels a side, at most so many, whose ratio is nearest to the picture's.

    Of equal ones more, if the picture has half their pixels.
    """
    sides = range(1, most + 1)
    best, least = (1, 1), float("inf")
    for columns, rows in sorted(product(sides, sides), key=prod):
        if columns * rows > most:
            break
        off = abs(width / height - columns / rows)
        large = height * width > 0.5 * size**2 * columns * rows
        if off < least or (off == least and large):
            best, least = (columns, rows), off
    return best


class SailSpeaker(Speaker):
    """SAIL-VL2.

    Args:
        network: in evaluation mode.
        tokenizer: of the same checkpoint.
        pixels: what those of a picture become.
        most: tiles that a picture may be cut into, the small whole beside them not counted.
    """

    def __init__(self, network: SailVL2, tokenizer: PreTrainedTokenizerFast, pixels: Pixels, most: int) -> None:
        marks = tokenizer.get_added_vocab()
        if missing := [mark for mark in ("<|im_start|>", _END, *_PICTURE) if mark not in marks]:
            raise WeightsError(f"tokenizer.json: expected the marks of SAIL-VL2, without {', '.join(missing)}")
        super().__init__(network.language_model, tokenizer, end=marks[_END], special=marks)
        self.network, self._pixels, self._most, self._context = network, pixels, most, marks[_PICTURE[1]]

    @classmethod
    def load(cls, folder: Path, name: str, *, dtype: torch.dtype, device: torch.device) -> Self:
        """See `Speaker.load`; a folder in the released layout, where a Thinking variant is known by its name alone."""
        network = _network(read_json(folder / CONFIG), folder, name)
        _fill(network, read_tensors(folder), folder, dtype, device)
        path = folder / "preprocessor_config.json"
        most = read_json(path).get("max_dynamic_patch", _TILES) if path.is_file() else _TILES
        tokenizer = PreTrainedTokenizerFast(tokenizer_object=read_tokenizer(folder))  # type: ignore[no-untyped-call]
        return cls(network, tokenizer, Pixels.read(folder, _PIXELS), most)

    def read(self, prompts: Sequence[Prompt]) -> Inputs:
        """See `Speaker.read`."""
        seen: dict[int, torch.Tensor] = {}  # by identity: answers that are compared have the same picture
        rows = []
        for prompt in prompts:
            for picture in prompt.pictures:
                if id(picture) not in seen:
                    tiles = self._cut(picture).to(self.model.dtype)
                    seen[id(picture)] = self.network.see(tiles).flatten(0, 1)  # (tokens, D)
            rows.append(self._embedded(prompt.text, [seen[id(picture)] for picture in prompt.pictures]))
        longest = max(map(len, rows))
        embeds = torch.stack([nn.functional.pad(row, (0, 0, longest - len(row), 0)) for row in rows])  # (B, n, D)
        lengths = torch.tensor([[len(row)] for row in rows], device=embeds.device)  # (B, 1)
        mask = torch.arange(longest, device=embeds.device) >= longest - lengths  # (B, n)
        return {"inputs_embeds": embeds, "attention_mask": mask.long()}

    def follow(self, inputs: Inputs, tails: torch.Tensor, mask: torch.Tensor) -> Inputs:
        """See `Speaker.follow`."""
        embeds = torch.cat([inputs["inputs_embeds"], self.model.get_input_embeddings()(tails)], 1)
        return {"inputs_embeds": embeds, "attention_mask": torch.cat([inputs["attention_mask"], mask], 1)}

    def _cut(self, picture: Frame) -> torch.Tensor:
        """Tiles of a picture, `(T, 3, size, size)`: row by row; of several the last one is the whole picture."""
        size, prepare, device = self.network.size, self._pixels.prepare, self.model.device
        columns, rows = tiling(picture.shape[0], picture.shape[1], size, self._most)
        large = prepare(picture, (rows * size, columns * size), device)  # (3, rows*size, columns*size)
        tiles = large.reshape(3, rows, size, columns, size).permute(1, 3, 0, 2, 4).reshape(-1, 3, size, size)
        return tiles if len(tiles) == 1 else torch.cat([tiles, prepare(picture, (size, size), device)[None]])

    def _embedded(self, text: str, pictures: Sequence[torch.Tensor]) -> torch.Tensor:
        """A conversation `(n, D)` up to where the answer begins; `pictures` are `(tokens, D)` each."""
        start, context, end = _PICTURE
        shown = "".join(f"{start}{context * len(tokens)}{end}\n" for tokens in pictures)
        spoken = f"<|im_start|>system\n{SYSTEM}{_END}<|im_start|>user\n{shown}{text}{_END}<|im_start|>assistant\n"
        ids = torch.tensor(self.ids(spoken), device=self.model.device)  # (n,)
        embeds: torch.Tensor = self.model.get_input_embeddings()(ids)
        if pictures:
            embeds = embeds.masked_scatter((ids == self._context)[:, None], torch.cat(list(pictures)))
        return embeds


def _network(notes: Mapping[str, Any], folder: Path, name: str) -> SailVL2:
    """The network that a config.json describes, on the meta device."""
    path, language = folder / CONFIG, dict(notes.get("llm_config") or {})
    kind = " ".join(map(str, (language.get("model_type"), *(language.get("architectures") or ()))))
    if "moe" in kind.lower():
        raise WeightsError(f"{path}: a mixture of experts ({kind}) is not supported: expected SAIL-VL2-2B or -8B")
    if "thinking" in name.lower():
        raise WeightsError(
            f"{name}: a Thinking variant thinks aloud before it answers, so that its first word is no yes or no: "
            "expected SAIL-VL2-2B or -8B"
        )
    wrong = [f"{key} {value!r}, got {notes.get(key)!r}" for key, value in _FIXED.items() if notes.get(key) != value]
    if language.get("model_type") != "qwen3" or wrong:
        raise WeightsError(f"{path}: expected {'; '.join(wrong) or f'Qwen3 as llm_config, got {kind}'}")
    try:
        vision = dict(notes["vision_config"])
        size = notes.get("force_image_size") or vision["image_size"]
        with torch.device("meta"):  # no memory and no random numbers for weights that the file replaces
            return SailVL2(
                Aimv2VisionConfig(
                    **{name: vision[name] for name in _SIZES},
                    mlp_bias=vision["use_bias"],
                    image_size=size,
                    use_head=False,
                ),
                Qwen3Config(**{name: value for name, value in language.items() if name not in _PLACEMENT}),
                notes["select_layer"],
            )
    except Exception as error:  # whatever a config that cannot be leads to inside transformers
        raise WeightsError(f"{path}: not the configuration of a SAIL-VL2: {error!r}") from error


def _fill(
    network: SailVL2, tensors: dict[str, torch.Tensor], folder: Path, dtype: torch.dtype, device: torch.device
) -> None:
    """Give a network on the meta device the weights of a file in the released layout."""
    language, vision = network.language_model, network.vision_model
    head, table = "language_model.lm_head.weight", "language_model.model.embed_tokens.weight"
    if language.config.tie_word_embeddings and table in tensors:
        tensors[head] = tensors[table]
    wanted = network.state_dict()
    released: dict[str, torch.Tensor] = {}
    for name, tensor in wanted.items():
        shape = (1, *tensor.shape) if name.endswith("position_embedding.weight") else tensor.shape
        rows = 3 * shape[0] if _QKV.search(name) else shape[0]
        released[_released(name)] = torch.empty(rows, *shape[1:], device="meta")
    check_tensors(released, tensors, str(folder))
    native = {}
    for name, tensor in wanted.items():
        part = tensors[_released(name)]
        if match := _QKV.search(name):
            part = part.chunk(3)["qkv".index(match[1])]
        native[name] = part.reshape(tensor.shape)
    assign_tensors(network, native, dtype=dtype, device=device, where=str(folder))
    language.tie_weights()
    # What follows from the sizes is in no file.
    language.model.rotary_emb = Qwen3RotaryEmbedding(language.config).to(device)
    places = vision.embeddings.position_ids.shape[1]
    vision.embeddings.position_ids = nn.Buffer(torch.arange(places, device=device)[None], persistent=False)


def _released(name: str) -> str:
    """The released name of a parameter; q, k and v are one tensor there."""
    name = _QKV.sub(".attn.qkv.", name)
    if not name.startswith("vision_model."):
        return name
    for native, released in _NAMES:
        name = name.replace(native, released)
    return name
