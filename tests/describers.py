"""Small random checkpoints of models that answer about pictures, in their released layouts.

Keys, shapes and fields of SAIL-VL2 are written down from its released files, not taken from our model.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from checkpoints import write_weights
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    CLIPImageProcessor,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
    Qwen2VLConfig,
    Qwen2VLForConditionalGeneration,
    Qwen2VLImageProcessor,
    Qwen2VLProcessor,
    Qwen2VLVideoProcessor,
)

MARKS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<img>", "</img>", "<IMG_CONTEXT>", "<image>")
_QWEN_MARKS = ("<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>")
_CORPUS = ["Yes No yes no YES NO red blue dog cat fire extinguisher truck", "是 否 不 对 有 没 红色 灭火器 狗 车"] * 40

LANGUAGE: dict[str, Any] = {
    "architectures": ["Qwen3ForCausalLM"],
    "attn_implementation": "flash_attention_2",
    "attention_bias": False,
    "attention_dropout": 0.0,
    "bad_words_ids": None,
    "do_sample": False,
    "diversity_penalty": 0.0,
    "eos_token_id": 2,
    "head_dim": 16,
    "hidden_act": "silu",
    "hidden_size": 48,
    "id2label": {"0": "LABEL_0", "1": "LABEL_1"},
    "intermediate_size": 80,
    "max_length": 20,
    "max_position_embeddings": 4096,
    "max_window_layers": 2,
    "model_type": "qwen3",
    "num_attention_heads": 4,
    "num_beams": 1,
    "num_hidden_layers": 2,
    "num_key_value_heads": 2,
    "pad_token_id": 0,
    "pruned_heads": {},
    "repetition_penalty": 1.0,
    "return_dict": True,
    "rms_norm_eps": 1e-06,
    "rope_scaling": None,
    "rope_theta": 1000000,
    "sliding_window": None,
    "temperature": 1.0,
    "tf_legacy_loss": False,
    "tie_word_embeddings": True,
    "top_k": 50,
    "torch_dtype": "bfloat16",
    "torchscript": False,
    "typical_p": 1.0,
    "use_cache": True,
    "use_sliding_window": False,
    "vocab_size": 480,
}
VISION: dict[str, Any] = {
    "architectures": ["SAILViTModel"],
    "attention_dropout": 0.0,
    "hidden_size": 24,
    "image_size": 28,
    "intermediate_size": 40,
    "model_type": "sailvit",
    "num_attention_heads": 3,
    "num_channels": 3,
    "num_hidden_layers": 3,
    "patch_size": 7,
    "projection_dropout": 0.0,
    "qkv_bias": False,
    "rms_norm_eps": 1e-05,
    "use_bias": False,
}
NOTES: dict[str, Any] = {
    "architectures": ["SAILVLModel"],
    "auto_map": {"AutoModel": "modeling_sailvl.SAILVLModel"},
    "downsample_ratio": 0.5,
    "dynamic_image_size": True,
    "force_image_size": 28,
    "llm_config": LANGUAGE,
    "max_dynamic_patch": 12,
    "model_type": "sailvl",
    "ps_version": "v2",
    "select_layer": -1,
    "template": "univl-chat",
    "use_thumbnail": True,
    "vision_config": VISION,
}


def write_sail(folder: Path, *, seed: int = 0, shards: int = 1, **notes: Any) -> Path:  # noqa: ANN401 - of config.json
    """SAIL-VL2: tiles of 28 pixels, 4 x 4 patches of 7, so 4 tokens a tile; at most 3 tiles and the whole."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(NOTES | notes))
    pixels = {"max_dynamic_patch": 3, "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
    (folder / "preprocessor_config.json").write_text(json.dumps(pixels))
    write_weights(folder, sail_weights(seed), shards)
    _tokenizer(MARKS).save(str(folder / "tokenizer.json"))
    return folder


def sail_weights(seed: int = 0) -> dict[str, torch.Tensor]:
    """Weights under the released names, of a size that keeps activations near 1."""
    generator = torch.Generator().manual_seed(seed)
    tensors = {}
    for name, shape in sail_shapes(VISION, LANGUAGE).items():
        noise = torch.randn(shape, generator=generator)
        norm = "norm" in name or name == "mlp1.0.weight"
        table = "embed" in name
        spread = 1.0 if table else 1.5 / shape[-1] ** 0.5 if len(shape) == 2 else 0.2
        tensors[name] = spread * noise + (norm and name.endswith("weight"))
    tensors["language_model.lm_head.weight"] = tensors["language_model.model.embed_tokens.weight"].clone()
    return tensors


def sail_shapes(vision: Mapping[str, Any], language: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """The released state dict: name to shape."""
    c, f, side = vision["hidden_size"], vision["intermediate_size"], vision["patch_size"]
    d, inner, heads = language["hidden_size"], language["intermediate_size"], language["head_dim"]
    queries, keys = heads * language["num_attention_heads"], heads * language["num_key_value_heads"]
    shapes: dict[str, tuple[int, ...]] = {
        "vision_model.preprocessor.patchifier.proj.weight": (c, 3, side, side),
        "vision_model.preprocessor.patchifier.proj.bias": (c,),
        "vision_model.preprocessor.patchifier.norm.weight": (c,),
        "vision_model.preprocessor.pos_embed": (1, (vision["image_size"] // side) ** 2, c),
        "vision_model.trunk.post_trunk_norm.weight": (c,),
    }
    for layer in range(vision["num_hidden_layers"]):
        block = f"vision_model.trunk.blocks.{layer}."
        shapes |= {f"{block}attn.qkv.weight": (3 * c, c), f"{block}attn.proj.weight": (c, c)}
        shapes |= {f"{block}mlp.fc1.weight": (f, c), f"{block}mlp.fc2.weight": (c, f), f"{block}mlp.fc3.weight": (f, c)}
        shapes |= {f"{block}norm_1.weight": (c,), f"{block}norm_2.weight": (c,)}
    shapes |= {"mlp1.0.weight": (4 * c,), "mlp1.0.bias": (4 * c,), "mlp1.1.weight": (d, 4 * c), "mlp1.1.bias": (d,)}
    shapes |= {"mlp1.3.weight": (d, d), "mlp1.3.bias": (d,)}
    shapes["language_model.model.embed_tokens.weight"] = (language["vocab_size"], d)
    for layer in range(language["num_hidden_layers"]):
        block = f"language_model.model.layers.{layer}."
        shapes |= {f"{block}input_layernorm.weight": (d,), f"{block}post_attention_layernorm.weight": (d,)}
        shapes |= {f"{block}self_attn.q_proj.weight": (queries, d), f"{block}self_attn.o_proj.weight": (d, queries)}
        shapes |= {f"{block}self_attn.k_proj.weight": (keys, d), f"{block}self_attn.v_proj.weight": (keys, d)}
        shapes |= {f"{block}self_attn.q_norm.weight": (heads,), f"{block}self_attn.k_norm.weight": (heads,)}
        shapes |= {f"{block}mlp.gate_proj.weight": (inner, d), f"{block}mlp.up_proj.weight": (inner, d)}
        shapes[f"{block}mlp.down_proj.weight"] = (d, inner)
    shapes["language_model.model.norm.weight"] = (d,)
    return shapes


TEMPLATE = (
    "{% for turn in messages %}<|im_start|>{{ turn['role'] }}\n{% for part in turn['content'] %}"
    "{% if part['type'] == 'image' %}IMAGE{% else %}{{ part['text'] }}{% endif %}{% endfor %}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}BEGIN{% endif %}"
)


def write_llava(folder: Path) -> Path:
    """LLaVA: CLIP's vision side before a Llama; its template leaves no space before the answer."""
    tokenizer = _wrapped((*MARKS,), TEMPLATE.replace("IMAGE", "<image>").replace("BEGIN", "Assistant:"))
    vision = {"image_size": 28, "patch_size": 7, "num_attention_heads": 2, "projection_dim": 16}
    text = {"num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 480, "bos_token_id": None}
    config = LlavaConfig(
        vision_config={"model_type": "clip_vision_model", **_SIZES, **vision},
        text_config={"model_type": "llama", **_SIZES, **text},
        image_token_index=MARKS.index("<image>"),
        vision_feature_layer=-1,
    )
    size = {"height": 28, "width": 28}
    pixels = CLIPImageProcessor(size=size, crop_size=size)
    processor = LlavaProcessor(  # type: ignore[no-untyped-call]
        pixels, tokenizer, patch_size=7, vision_feature_select_strategy="default",
        num_additional_image_tokens=1, chat_template=tokenizer.chat_template,
    )  # fmt: skip
    return _save(folder, LlavaForConditionalGeneration, config, processor)


def write_qwen(folder: Path) -> Path:
    """Qwen2-VL: pictures keep their size, positions have three axes."""
    marks = (*MARKS, *_QWEN_MARKS)
    image = "<|vision_start|><|image_pad|><|vision_end|>"
    tokenizer = _wrapped(marks, TEMPLATE.replace("IMAGE", image).replace("BEGIN", "<|im_start|>assistant\n"))
    numbers = {mark: number for number, mark in enumerate(marks)}
    config = Qwen2VLConfig(
        text_config={
            **_SIZES, "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 480,
            "bos_token_id": None, "eos_token_id": 2,
            "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [1, 1, 2]},
        },
        vision_config={"depth": 2, "embed_dim": 32, "hidden_size": 32, "num_heads": 2, "patch_size": 14},
        image_token_id=numbers["<|image_pad|>"],
        video_token_id=numbers["<|video_pad|>"],
        vision_start_token_id=numbers["<|vision_start|>"],
        vision_end_token_id=numbers["<|vision_end|>"],
    )  # fmt: skip
    pixels = {"shortest_edge": 56 * 56, "longest_edge": 112 * 112}
    processor = Qwen2VLProcessor(  # type: ignore[no-untyped-call]
        Qwen2VLImageProcessor(size=pixels), tokenizer, Qwen2VLVideoProcessor(size=pixels),
        chat_template=tokenizer.chat_template,
    )  # fmt: skip
    return _save(folder, Qwen2VLForConditionalGeneration, config, processor)


_SIZES = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2}


def _save(folder: Path, kind: Any, config: Any, processor: Any) -> Path:  # noqa: ANN401 - of transformers
    torch.manual_seed(0)
    model = kind(config)
    for name, tensor in model.state_dict().items():
        if tensor.dim() > 1:  # or all that is asked comes out alike
            tensor.normal_(std=1.0 if "embed_tokens" in name else 1.5 / tensor.shape[-1] ** 0.5)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def _wrapped(marks: tuple[str, ...], template: str) -> PreTrainedTokenizerFast:
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=_tokenizer(marks),
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        additional_special_tokens=list(marks[3:]),
        chat_template=template,
    )


def _tokenizer(marks: tuple[str, ...]) -> Tokenizer:
    """Of Qwen's make: pieces of bytes; marks are the first numbers."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=460,
        special_tokens=list(marks),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_CORPUS, trainer)
    return tokenizer
